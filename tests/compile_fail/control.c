/* Compiles: the same calls as in the other files, used correctly. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>
#include <elpq/qb.h>

int control(elpq_pool *pool, elpq_conn *conn, elpq_result *result);

int
control(elpq_pool *pool, elpq_conn *conn, elpq_result *result)
{
    const char *name = "O'Reilly";
    int64_t id = 0;

    if (elpq_execute(pool, elpq_sql("select id from users where name = $1",
                                    name), NULL, NULL, NULL) != 0)
        return 1;
    if (elpq_execute(conn, elpq_sql("select $1 + 1", 41), NULL, NULL,
                     NULL) != 0)
        return 1;
    return elpq_scan(result, 0, &id);
}

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

const elpq_statement *builder_control(elqb *q, const char *user_input);

const elpq_statement *
builder_control(elqb *q, const char *user_input)
{
    users_t U = users_table();
    elqb_select *s = elqb_select_new(q);
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(s, U.id, elqb_func(q, "lower", U.name));
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.name, elqb_val(user_input)));
    elqb_where(s, elqb_op(q, U.id, "<>", elqb_val(1)));
    elqb_where(s, elqb_text(q, "name = :n", ELQB_ARG("n", elqb_val("x"))));
    elqb_where(s, elqb_raw(q, "true"));
    elqb_where(s, elqb_eq(q, elqb_cast(q, U.id, "text"), elqb_val("1")));
    elqb_set(i, U.id, elqb_val(1));
    elqb_returning(i, U.id);
    return user_input ? elqb_render(q, s) : elqb_render(q, i);
}

int compiled_control(elqb *q, elqb_update *u, elpq_pool *pool,
                     const char *user_input);

int
compiled_control(elqb *q, elqb_update *u, elpq_pool *pool,
                 const char *user_input)
{
    elqb_compiled *c = elqb_compile(q, u);
    const elpq_statement *st;
    elqb_args a;
    int code;

    elqb_schema_translate(q, ELQB_SCHEMA("crm", user_input));
    elqb_args_init(&a, c);
    elqb_args_set(&a, "id", 1);
    elqb_args_set_at(&a, 1, user_input);
    st = elqb_tagged(q, elqb_args_statement(&a), ELQB_TAG("a", user_input));
    code = elpq_execute(pool, st, NULL, NULL, NULL);
    elqb_args_clear(&a);
    elqb_compiled_free(c);
    return elqb_pretty(q, elqb_debug(q, u)) ? code : 1;
}

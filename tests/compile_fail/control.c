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

elqb_select *builder_queries(elqb *q, elqb_select *s, elqb_insert *i);

elqb_select *
builder_queries(elqb *q, elqb_select *s, elqb_insert *i)
{
    users_t U = users_table();
    elqb_cte *c = elqb_cte_new(q, "c");

    elqb_cte_as(c, i);
    elqb_with(s, c);
    elqb_from(s, elqb_cte_table(c));
    elqb_window(s, "w", .order_by = ELQB_LIST(U.id));
    elqb_columns(s, elqb_over(q, elqb_func(q, "rank"), .extends = "w",
                              .frame = ELQB_ROWS,
                              .start = elqb_preceding(elqb_val(3))));
    elqb_where(s, elqb_op_any_select(q, U.id, "<", s));
    return elqb_union(q, s, s);
}

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
    elqb_where(s, elqb_op_in(q, "app", U.id, "<>", elqb_val(1)));
    elqb_where(s, elqb_text(q, "name = :n", ELQB_ARG("n", elqb_val("x"))));
    elqb_where(s, elqb_raw(q, "true"));
    elqb_where(s, elqb_eq(q, elqb_cast(q, U.id, "text"), elqb_val("1")));
    elqb_join_using(s, ELQB_INNER, U.table, U.id);
    elqb_from(s, elqb_tablesample(q, U.table, "system", elqb_val(1)));
    elqb_from(s, elqb_define_columns(
                     q, elqb_table_func(q, elqb_func(q, "f"), "f"),
                     ELQB_COL("a", "int4")));
    elqb_order_by(s, elqb_order_using(q, U.id, "<"));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, U.table);
    elqb_where(s, elqb_seek(q, ELQB_KEY_NOT_NULL(U.id, elqb_val(1))));
    elqb_set(i, U.id, elqb_val(1));
    elqb_returning(i, U.id);
    return user_input ? elqb_render(q, s) : elqb_render(q, i);
}

const elpq_statement *writer_control(elqb *q, bool merge);

const elpq_statement *
writer_control(elqb *q, bool merge)
{
    users_t U = users_table(), N = users_as("new");
    elqb_merge *m = elqb_merge_new(q, U.table);
    elqb_ddl *d = elqb_create_table(q, U, ELQB_IF_NOT_EXISTS);
    elqb_when *w;

    elqb_merge_using(m, N.table, elqb_eq(q, U.id, N.id));
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, U.name, N.name);
    elqb_set_row(w, ELQB_LIST(U.name), elqb_row(q, elqb_val("x")));
    elqb_column(d, U.id, .primary_key = true, .default_value = elqb_lit(1));
    elqb_column(d, U.name, .type = ELQB_SQL_TYPE("varchar(9)"));
    elqb_constraint(d, .unique = ELQB_LIST(U.name));
    return merge ? elqb_render(q, m) : elqb_render(q, d);
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

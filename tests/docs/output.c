/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/builder.md: what becomes of a statement, errors, memory.
 */
#include "elpq/elpq.h"

#include "docs.h"

static elqb_select *by_name(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.name, elqb_val("o'dora")));
    elqb_limit(s, elqb_val(10));
    return s;
}

/* [execute] */
static void run(elpq_pool *pool, elqb *q, const elqb_select *s,
                elpq_result_cb on_rows, void *app)
{
    const elpq_statement *st = elqb_render(q, s);

    if (!st)
        fprintf(stderr, "%s\n", elqb_error(q));
    else
        elpq_execute(pool, st, NULL, on_rows, app);
    elqb_reset(q); /* the driver has copied the statement */
}
/* [/execute] */

static void execute(void)
{
    if (q == NULL) /* it is only to be compiled */
        run(NULL, q, NULL, NULL, NULL);
}

static void debug(void)
{
    elqb_select *s = by_name();
    /* [debug] */
    const char *line = elqb_debug(q, s);
    const char *lines = elqb_pretty(q, line);
    /* [/debug] */

    SHOW_TEXT("debug", line);
    SHOW_TEXT("debug", lines);
}

static void tags(void)
{
    elqb_select *s = by_name();
    const char *id = "4711";
    /* [tags] */
    const elpq_statement *st =
        elqb_tagged(q, elqb_render(q, s), ELQB_TAG("route", "/users"),
                    ELQB_TAG("request", id));
    /* [/tags] */

    docs_show("tags", st);
}

static void schemas(void)
{
    accounts_t A = accounts_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, A.id);
    elqb_from(s, A.table);
    /* [schemas] */
    elqb_schema_translate(q, ELQB_SCHEMA("crm", "tenant_7"));
    /* [/schemas] */
    docs_show_text("schemas", elqb_render(q, s)->sql);
}

/* [compile] */
static elqb_compiled *user_by_id(void)
{
    elqb *q = elqb_new();
    users_t U = users_table();
    elqb_select *s = elqb_select_new(q);
    elqb_compiled *c;

    elqb_columns(s, U.name);
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.id, elqb_bind("id", INT4)));
    c = elqb_compile(q, s); /* NULL: elqb_error(q) */
    elqb_free(q);
    return c;
}
/* [/compile] */

/* [args] */
static void find_user(elpq_pool *pool, const elqb_compiled *by_id, int id,
                      elpq_result_cb on_user, void *app)
{
    elqb_args args;

    elqb_args_init(&args, by_id);
    elqb_args_set(&args, "id", id);
    elpq_execute(pool, elqb_args_statement(&args), NULL, on_user, app);
    elqb_args_clear(&args);
}
/* [/args] */

static void compile(void)
{
    elqb_compiled *c = user_by_id();
    elqb_args args;

    SHOW_TEXT("compile", elqb_compiled_sql(c));
    if (q == NULL)
        find_user(NULL, c, 1, NULL, NULL);
    elqb_args_init(&args, c);
    /* [args-errors] */
    elqb_args_set(&args, "name", "ann"); /* elqb_args_error(&args) */
    /* [/args-errors] */
    SHOW_TEXT("args-errors", elqb_args_error(&args));
    elqb_args_clear(&args);
    elqb_compiled_free(c);
}

static void errors(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [errors] */
    elqb_columns(s, elqb_eq(q, U.age, ELQB_NONE));

    const elpq_statement *st = elqb_render(q, s); /* NULL */
    elqb_code code = elqb_error_code(q);          /* ELQB_E_USAGE */
    const char *message = elqb_error(q);
    /* [/errors] */
    if (!st && code == ELQB_E_USAGE)
        SHOW_TEXT("errors", message);
    elqb_reset(q);
    /* [errors-name] */
    elqb_as(q, U.id, "caf\xff");
    /* [/errors-name] */
    SHOW_TEXT("errors-name", elqb_error(q));
    elqb_reset(q);
    /* [errors-bind] */
    elqb_text(q, "age > :min", ELQB_ARG("max", elqb_val(18)));
    /* [/errors-bind] */
    SHOW_TEXT("errors-bind", elqb_error(q));
    elqb_reset(q);
}

/* [memory] */
static void serve(elpq_pool *pool, elpq_result_cb on_rows, int rounds)
{
    elqb *q = elqb_new(); /* NULL if out of memory; all calls accept it */
    users_t U = users_table();

    for (int i = 0; i < rounds; i++) {
        elqb_select *s = elqb_select_new(q);

        elqb_columns(s, U.name);
        elqb_from(s, U.table);
        elqb_where(s, elqb_eq(q, U.id, elqb_val(i)));
        elpq_execute(pool, elqb_render(q, s), NULL, on_rows, NULL);
        elqb_reset(q); /* all is gone but the memory itself */
    }
    elqb_free(q);
}
/* [/memory] */

static void memory(void)
{
    serve(NULL, NULL, 0);
}

DOCS_MAIN(execute, debug, tags, schemas, compile, errors, memory)

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The builder's statements given to the driver: compiled ones with values, and
 * tags as the server sees them.
 */
#include <string.h>

#include "../support/harness.h"
#include "elpq/qb.h"

/* clang-format off */
#define ACTIVITY(C) C(pid, INT4) C(query, TEXT)
#define PREPARED(C) C(statement, TEXT)
ELQB_TABLE_IN(pg_catalog, pg_stat_activity, ACTIVITY)
ELQB_TABLE_IN(pg_catalog, pg_prepared_statements, PREPARED)
/* clang-format on */

static elqb *q;

/* What this connection runs, as others see it: the statement itself. */
static elqb_select *own_query(void)
{
    pg_stat_activity_t A = pg_stat_activity_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, A.query);
    elqb_from(s, A.table);
    elqb_where(s, elqb_eq(q, A.pid, elqb_func(q, "pg_backend_pid")));
    elqb_where(s, elqb_eq(q, elqb_lit(7), elqb_bind("seven", INT4)));
    return s;
}

static int64_t count_prepared(elpq_conn *conn, const char *pattern)
{
    pg_prepared_statements_t T = pg_prepared_statements_table();
    elqb_select *s = elqb_select_new(q);
    elpq_options unnamed = { .flags = ELPQ_NO_PREPARE };

    elqb_columns(s, elqb_count(q));
    elqb_from(s, T.table);
    elqb_where(s, elqb_like(q, T.statement, elqb_val(pattern)));
    return answer_int(ask_with(conn, elqb_render(q, s), &unnamed));
}

START_TEST(tags_are_seen_by_the_server)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_statement *st, *tagged;
    char request[20];
    int i;

    q = elqb_new();
    elqb_params(q, ELQB_ARG("seven", elqb_val(7)));
    st = elqb_render(q, own_query());
    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    for (i = 0; i < 5; i++) {
        snprintf(request, sizeof(request), "%d '*/", i);
        tagged = elqb_tagged(q, st, ELQB_TAG("route", "/users"),
                             ELQB_TAG("request", request));
        expect_text(ask(conn, tagged), tagged->sql);
        ck_assert_ptr_nonnull(strstr(tagged->sql, "/*request='"));
        ck_assert_ptr_nonnull(strstr(tagged->sql, "route='%2Fusers'*/"));
        expect_text(ask(conn, st), st->sql);
    }
    /* the text without tags is prepared, once; with them nothing is */
    ck_assert_int_eq(count_prepared(conn, "%pg_backend_pid%"), 1);
    ck_assert_int_eq(count_prepared(conn, "%route%"), 0);
    elqb_free(q);
    close_conn(conn);
}
END_TEST

START_TEST(compiled_statements_run_with_values)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elqb_compiled *c;
    elqb_args a;
    char text[20], wanted[80];
    int i;

    q = elqb_new();
    c = elqb_compile(
        q, elqb_text(q, "SELECT :a || '-' || :b || '-' || :c || '-' || :a",
                     ELQB_ARG("a", elqb_bind("a", TEXT)),
                     ELQB_ARG("b", elqb_bind("b", NUMERIC)),
                     ELQB_ARG("c", elqb_typed(elqb_val("dflt"), TEXT))));
    ck_assert_msg(c != NULL, "%s", elqb_error(q));
    elqb_free(q);
    for (i = 0; i < 10; i++) {
        elqb_args_init(&a, c);
        snprintf(text, sizeof(text), "v%d", i);
        elqb_args_set(&a, "a", text);
        elqb_args_set(&a, "b", i);
        if (i % 2)
            elqb_args_set_at(&a, 3, "other");
        snprintf(wanted, sizeof(wanted), "v%d-%d-%s-v%d", i, i,
                 i % 2 ? "other" : "dflt", i);
        expect_text(ask(conn, elqb_args_statement(&a)), wanted);
        elqb_args_clear(&a);
    }
    elqb_compiled_free(c);
    q = elqb_new();
    ck_assert_int_eq(count_prepared(conn, "%$1 || '-' || $2%"), 1);
    elqb_free(q);
    close_conn(conn);
}
END_TEST

/* Submitting copies: what was given may go before the answer comes. */
START_TEST(compiled_statements_may_go_after_submitting)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *asked;
    elqb_compiled *c;
    elqb_args a;

    q = elqb_new();
    c = elqb_compile(q, elqb_text(q, "SELECT :t",
                                  ELQB_ARG("t", elqb_bind("t", TEXT))));
    elqb_args_init(&a, c);
    elqb_args_set(&a, "t", "still here");
    asked = ask(conn, elqb_args_statement(&a));
    elqb_args_clear(&a);
    elqb_compiled_free(c);
    elqb_free(q);
    expect_text(asked, "still here");
    close_conn(conn);
}
END_TEST

/* Tenants with tables of the same names. */
START_TEST(schemas_are_translated)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    static const char *const schemas[] = { "qb_tenant_1", "qb_tenant_2" };
    int i;

    for (i = 0; i < 2; i++) {
        char sql[200];

        snprintf(sql, sizeof(sql), "CREATE SCHEMA %s; CREATE TABLE "
                 "%s.names (name text); INSERT INTO %s.names VALUES ('of %d')",
                 schemas[i], schemas[i], schemas[i], i);
        expect_ok(script_conn(conn, sql, NULL));
    }
    q = elqb_new();
    for (i = 0; i < 4; i++) {
        elqb_table t = elqb_table_named("tenant", "names");
        elqb_select *s;

        elqb_reset(q);
        s = elqb_select_new(q);
        elqb_columns(s, elqb_c(t, "name"));
        elqb_from(s, t);
        elqb_schema_translate(q, ELQB_SCHEMA("tenant", schemas[i % 2]));
        expect_text(ask(conn, elqb_render(q, s)), i % 2 ? "of 1" : "of 0");
    }
    elqb_free(q);
    expect_ok(script_conn(conn, "DROP SCHEMA qb_tenant_1, qb_tenant_2 CASCADE",
                          NULL));
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "qb_driver", 0);

    tcase_add_test(t, tags_are_seen_by_the_server);
    tcase_add_test(t, compiled_statements_run_with_values);
    tcase_add_test(t, compiled_statements_may_go_after_submitting);
    tcase_add_test(t, schemas_are_translated);
}

int main(void)
{
    return harness_main("qb_driver", build);
}

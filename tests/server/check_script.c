/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scripts: several statements in one string, running alone between the
 * statements before and behind; and statements of no or several commands.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

START_TEST(each_statement_gives_its_result)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a =
        expect_ok(script(conn, "create temp table t (n int);"
                               " insert into t values (1), (2);"
                               " select n from t order by n desc;"
                               " drop table t", NULL));

    ck_assert_uint_eq(a->results, 4);
    ck_assert_str_eq(a->commands,
                     "CREATE TABLE;INSERT 0 2;SELECT 2;DROP TABLE");
    close_conn(conn);
}
END_TEST

START_TEST(rows_of_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = expect_ok(script(conn, "select 1; select 5, 'x'",
                                        NULL));

    ck_assert_uint_eq(a->results, 2);
    expect_int(a, 5);
    ck_assert_str_eq(elpq_get_text(a->result, 0, 1), "x");
    close_conn(conn);
}
END_TEST

START_TEST(each_may_be_missing)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(1);
    struct answer *a = answer_new(), *b = answer_new();

    ck_assert_int_eq(CALL(elpq_script(conn, "select 1; select 2", NULL, NULL,
                                      on_done, a)), 0);
    ck_assert_int_eq(CALL(elpq_script(pool, "select 1; select 2", NULL, NULL,
                                      on_done, b)), 0);
    expect_ok(a);
    expect_ok(b);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

/* One implicit transaction: the first error undoes all and ends the script. */
START_TEST(an_error_in_the_middle_ends_it)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;

    expect_ok(ask(conn, elpq_sql("create temp table t (n int)")));
    a = script(conn, "insert into t values (1); select 1 / 0;"
                     " insert into t values (2)", NULL);
    expect_error(a, ELPQ_E_SERVER, "22012", 0);
    ck_assert_uint_eq(a->results, 1);
    ck_assert_str_eq(a->commands, "INSERT 0 1");
    expect_int(ask(conn, elpq_sql("select count(*) from t")), 0);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

START_TEST(a_syntax_error_runs_nothing)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = script(conn, "select 1; selekt 2", NULL);

    expect_error(a, ELPQ_E_SERVER, "42601", 0);
    ck_assert_uint_eq(a->results, 0);
    ck_assert_int_eq(a->error->position, 11);
    expect_int(ask(conn, elpq_sql("select 3")), 3);
    close_conn(conn);
}
END_TEST

START_TEST(it_waits_for_those_before_and_those_behind_wait_for_it)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[12];
    int i;

    for (i = 0; i < 12; i++)
        a[i] = i % 4 == 2 ? script(conn, "select 1; select 2; select 3", NULL)
                          : ask(conn, elpq_sql("select $1", i));
    for (i = 0; i < 12; i++) {
        if (i % 4 == 2)
            ck_assert_uint_eq(expect_ok(a[i])->results, 3);
        else
            expect_int(a[i], i);
        ck_assert_uint_eq(a[i]->order, (unsigned)i + 2);
    }
    close_conn(conn);
}
END_TEST

START_TEST(nothing_runs_beside_it)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *s, *behind;

    lock_server();
    s = script(conn, "select 1; " BLOCKED, NULL);
    behind = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    run_turns(5);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 1);
    ck_assert_int_eq(behind->calls, 0);
    unlock_server();
    expect_ok(s);
    expect_int(behind, 2);
    close_conn(conn);
}
END_TEST

START_TEST(the_pipeline_is_back_behind_it)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a[3];
    int i;

    expect_ok(script(conn, "select 1; select 2", NULL));
    lock_server();
    a[0] = ask(conn, elpq_sql(BLOCKED));
    for (i = 1; i < 3; i++)
        a[i] = ask(conn, elpq_sql("select $1", i));
    await_blocked(1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 4);
    unlock_server();
    expect_ok(a[0]);
    for (i = 1; i < 3; i++)
        expect_int(a[i], i);
    close_conn(conn);
}
END_TEST

START_TEST(a_script_in_a_transaction)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part;
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_script(tx, "create temp table t (n int);"
                                          " insert into t values (1), (2)",
                                      NULL, on_each, on_done, a)), 0);
    expect_ok(a);
    ck_assert_str_eq(a->commands, "CREATE TABLE;INSERT 0 2");
    expect_int(ask(tx, elpq_sql("select count(*) from t")), 2);
    part = expect_ok(savepoint(tx))->tx;
    ck_assert_int_eq(CALL(elpq_script(tx, "select 1", NULL, on_each, on_done,
                                      a)), ELPQ_E_USAGE);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_script(part, "delete from t; select 1 / 0",
                                      NULL, on_each, on_done, a)), 0);
    expect_error(a, ELPQ_E_SERVER, "22012", 0);
    expect_ok(rollback(part));
    expect_int(ask(tx, elpq_sql("select count(*) from t")), 2);
    expect_ok(rollback(tx));
    ck_assert_int_eq(CALL(elpq_script((elpq_tx *)NULL, "select 1", NULL,
                                      on_each, on_done, a)), ELPQ_E_USAGE);
    finish_pool(pool);
}
END_TEST

START_TEST(the_limit_is_for_each_result)
{
    elpq_conn_options o = { .max_result_bytes = 1000000 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a =
        expect_ok(script(conn, "select repeat('x', 900000);"
                               " select repeat('y', 900000);"
                               " select repeat('z', 900000)", NULL));

    ck_assert_uint_eq(a->results, 3);
    a = script(conn, "select repeat('x', 900000);"
                     " select repeat('y', 1100000); select 1", NULL);
    expect_error(a, ELPQ_E_LIMIT, "", ELPQ_IN_DOUBT);
    ck_assert_uint_eq(a->results, 1);
    close_conn(conn);
}
END_TEST

static struct answer *script_unseen(elpq_conn *conn, const char *sql)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(
        CALL(elpq_conn_script_trusted(conn, sql, NULL, NULL, on_done, a)), 0);
    return a;
}

/* And not for their sum, where nobody looks at them. */
START_TEST(the_limit_is_for_each_result_that_nobody_gets)
{
    elpq_conn_options o = { .max_result_bytes = 1000000 };
    elpq_conn *conn = connect_now(NULL, &o);
    char sql[50 * 32 + 1] = "";

    for (int i = 0; i < 50; i++)
        strcat(sql, "select repeat('x', 100000);");
    expect_ok(script_unseen(conn, sql));
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    expect_error(script_unseen(conn, "select repeat('y', 1100000); select 1"),
                 ELPQ_E_LIMIT, "", ELPQ_IN_DOUBT);
    close_conn(conn);
}
END_TEST

START_TEST(transactions_of_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(script(conn, "create temp table t (n int)", NULL));
    expect_ok(script(conn, "begin; insert into t values (1)", NULL));
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_OPEN);
    expect_ok(ask(conn, elpq_sql("insert into t values (2)")));
    expect_ok(script(conn, "rollback; select 1", NULL));
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    expect_int(ask(conn, elpq_sql("select count(*) from t")), 0);
    close_conn(conn);
}
END_TEST

/* A script forgets what is prepared, wherever in it, and whoever gets its
 * results; then nothing is deallocated in a transaction, which would fail. */
START_TEST(a_script_that_discards_all)
{
    elpq_conn_options o = { .statement_cache = 1 };
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_tx *tx;
    int i;

    for (i = 0; i < 3; i++)
        expect_int(ask(conn, elpq_sql("select 1")), 1);
    if (_i == 0) {
        expect_ok(script(conn, "deallocate all; select 2", NULL));
    } else {
        struct answer *a = answer_new();

        ck_assert_int_eq(CALL(elpq_script(conn, "deallocate all; select 2",
                                          NULL, NULL, on_done, a)),
                         0);
        expect_ok(a);
    }
    tx = expect_ok(begin(conn, NULL))->tx;
    for (i = 0; i < 3; i++) {
        expect_int(ask(tx, elpq_sql("select 3")), 3);
        expect_int(ask(tx, elpq_sql("select 4")), 4);
    }
    expect_ok(commit(tx));
    close_conn(conn);
}
END_TEST

START_TEST(an_empty_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = expect_ok(script(conn, "", NULL));
    struct answer *b = expect_ok(script(conn, " ; -- nothing\n ;", NULL));

    ck_assert_uint_le(a->results, 1);
    ck_assert_uint_le(b->results, 1);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

START_TEST(an_empty_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = expect_ok(ask(conn, elpq_sql("")));
    struct answer *b = expect_ok(ask(conn, elpq_sql(" -- a comment")));

    ck_assert_uint_eq(elpq_rows(a->result), 0);
    ck_assert_int_eq(elpq_columns(a->result), 0);
    ck_assert_str_eq(elpq_command(a->result), "");
    ck_assert_uint_eq(elpq_rows(b->result), 0);
    /* The same again, which is a prepared statement by now. */
    expect_ok(ask(conn, elpq_sql("")));
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

/* One statement is one command; this is what makes scripts trusted. */
START_TEST(a_statement_of_two_commands_is_refused)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_error(ask(conn, elpq_sql("select 1; select 2")), ELPQ_E_SERVER,
                 "42601", 0);
    expect_int(ask(conn, elpq_sql("select 3")), 3);
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------------- cancel and loss */

START_TEST(canceling_a_script_that_runs)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *next;

    lock_server();
    a = script(conn, "select 1; " BLOCKED "; select 3", NULL);
    await_blocked(1);
    cancel(a);
    next = ask(conn, elpq_sql("select 2"));
    expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    ck_assert_uint_eq(a->results, 1);
    expect_int(next, 2);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_a_script_that_waits)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before, *a, *next;

    lock_server();
    before = ask(conn, elpq_sql("select 1 from (" BLOCKED ") as waited"));
    a = script(conn, "select 1; select 2", NULL);
    next = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    unlock_server();
    expect_int(before, 1);
    expect_int(next, 2);
    close_conn(conn);
}
END_TEST

START_TEST(the_deadline_of_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .timeout_ms = scaled(1500) };
    struct answer *a;

    lock_server();
    a = script(conn, "select 1; " BLOCKED, &o);
    expect_error(a, ELPQ_E_TIMEOUT, "57014", 0);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    close_conn(conn);
}
END_TEST

static void close_inside(struct answer *a)
{
    close_conn(a->data);
}

/* After the first result the connection is closed: no more results come. */
START_TEST(closing_inside_each)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = script(conn, "select 1; select 2; select 3", NULL);

    a->each = close_inside;
    a->data = conn;
    expect_error(a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    ck_assert_uint_eq(a->results, 1);
}
END_TEST

START_TEST(losing_the_connection_in_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *behind;

    lock_server();
    a = script(conn, "select 1; " BLOCKED "; select 2", NULL);
    behind = ask(conn, elpq_sql("select 3"));
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    expect_error(a, ELPQ_E_LOST, "57P01", ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    ck_assert_uint_eq(a->results, 1);
    await(behind);
    ck_assert_int_eq(behind->code, ELPQ_E_LOST);
    ck_assert_uint_ne(behind->flags & ELPQ_NOT_EXECUTED, 0);
    close_conn(conn);
}
END_TEST

/* -------------------------------------------------------------------- COPY */

/* After COPY where it has no place: a clear error, and then a connection that
 * works or says that it is closed. */
static void expect_copy_refused(elpq_conn *conn, struct answer *a)
{
    struct answer *next;

    await(a);
    ck_assert_int_ne(a->code, 0);
    ck_assert_msg(strstr(a->error->message, "COPY"), "says '%s'",
                  a->error->message);
    if (elpq_conn_is_open(conn)) {
        next = ask(conn, elpq_sql("select 77"));
        expect_int(next, 77);
    }
    close_conn(conn);
}

START_TEST(copy_to_stdout_in_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_copy_refused(conn, script(conn, "copy (select 1) to stdout;"
                                           " select 2", NULL));
}
END_TEST

START_TEST(copy_from_stdin_in_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_copy_refused(conn, script(conn, "create temp table t (n int);"
                                           " copy t from stdin; select 2",
                                     NULL));
}
END_TEST

START_TEST(a_large_copy_to_stdout_in_a_script)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_copy_refused(conn, script(conn, "copy (select repeat('x', 1000)"
                                           " from generate_series(1, 20000))"
                                           " to stdout", NULL));
}
END_TEST

START_TEST(copy_as_a_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_copy_refused(conn, ask(conn, elpq_sql("copy (select 1)"
                                                 " to stdout")));
}
END_TEST

START_TEST(copy_from_stdin_as_a_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(ask(conn, elpq_sql("create temp table t (n int)")));
    expect_copy_refused(conn, ask(conn, elpq_sql("copy t from stdin")));
}
END_TEST

/* Statements pipelined around a COPY are answered, each once. */
START_TEST(copy_in_the_middle_of_a_pipeline)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *before = ask(conn, elpq_sql("select 1"));
    struct answer *copy = ask(conn, elpq_sql("copy (select 1) to stdout"));
    struct answer *after = ask(conn, elpq_sql("select 2"));

    expect_int(before, 1);
    ck_assert_int_ne(await(copy)->code, 0);
    await(after);
    if (after->code)
        ck_assert_uint_ne(after->flags & (ELPQ_NOT_EXECUTED | ELPQ_IN_DOUBT),
                          0);
    else
        expect_int(after, 2);
    release(conn);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "results", 0);

    tcase_add_test(t, each_statement_gives_its_result);
    tcase_add_test(t, rows_of_a_script);
    tcase_add_test(t, each_may_be_missing);
    tcase_add_test(t, an_error_in_the_middle_ends_it);
    tcase_add_test(t, a_syntax_error_runs_nothing);
    tcase_add_test(t, it_waits_for_those_before_and_those_behind_wait_for_it);
    tcase_add_test(t, nothing_runs_beside_it);
    tcase_add_test(t, the_pipeline_is_back_behind_it);
    tcase_add_test(t, a_script_in_a_transaction);
    tcase_add_test(t, the_limit_is_for_each_result);
    tcase_add_test(t, the_limit_is_for_each_result_that_nobody_gets);
    tcase_add_test(t, transactions_of_a_script);
    tcase_add_loop_test(t, a_script_that_discards_all, 0, 2);
    tcase_add_test(t, an_empty_script);
    tcase_add_test(t, an_empty_statement);
    tcase_add_test(t, a_statement_of_two_commands_is_refused);
    t = harness_case(s, "ends", 0);
    tcase_add_test(t, canceling_a_script_that_runs);
    tcase_add_test(t, canceling_a_script_that_waits);
    tcase_add_test(t, the_deadline_of_a_script);
    tcase_add_test(t, closing_inside_each);
    tcase_add_test(t, losing_the_connection_in_a_script);
    t = harness_case(s, "copy", 0);
    tcase_add_test(t, copy_to_stdout_in_a_script);
    tcase_add_test(t, copy_from_stdin_in_a_script);
    tcase_add_test(t, a_large_copy_to_stdout_in_a_script);
    tcase_add_test(t, copy_as_a_statement);
    tcase_add_test(t, copy_from_stdin_as_a_statement);
    tcase_add_test(t, copy_in_the_middle_of_a_pipeline);
}

int main(void)
{
    return harness_main("script", build);
}

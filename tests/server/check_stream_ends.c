/* SPDX-License-Identifier: PostgreSQL */
/*
 * How streams end before their last row: errors, stop, cancel, deadline and
 * close, running and paused, at each stage; and that the connection is as good
 * as before.  When it is gone: check_stream_loss.c.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "flow.h"

#define COUNT "select n from generate_series(1, 1000) n"
/* Asks for a row when 500 have come that it does not give. */
#define FAILS "select n, 1 / (501 - n) from generate_series(1, 1000) n"

/* A pool whose one connection must do for everything in the test. */
static void expect_same_connection(elpq_pool *pool)
{
    expect_int(ask(pool, elpq_sql("select 11")), 11);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}

/* ------------------------------------------------------------------ errors */

START_TEST(a_mistake_in_the_statement)
{
    elpq_pool *pool = pool_of(1);
    int i;

    for (i = 0; i < 2; i++) {
        struct flow f = { 0 };

        FLOW(&f, pool, elpq_sql("selekt 1"), NULL);
        expect_error(f.a, ELPQ_E_SERVER, "42601", 0);
        ck_assert_int_eq(f.a->error->position, 1);
        ck_assert_int_eq(f.chunks, 0);
    }
    expect_same_connection(pool);
}
END_TEST

START_TEST(a_value_that_cannot_be_sent)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { 0 };
    elpq_statement st = *elpq_sql("select $1", "a\xff");

    FLOW(&f, pool, &st, NULL);
    await(f.a);
    ck_assert_int_lt(f.a->code, 0);
    ck_assert_int_eq(f.chunks, 0);
    expect_int(ask(pool, elpq_sql("select 11")), 11);
    finish_pool(pool);
}
END_TEST

START_TEST(an_error_in_the_middle)
{
    elpq_pool *pool = pool_of(1);
    int i;

    for (i = 0; i < 3; i++) {
        struct flow f = { .counts = true };

        FLOW(&f, pool, elpq_sql(FAILS), NULL);
        expect_error(f.a, ELPQ_E_SERVER, "22012", 0);
        ck_assert_int_eq(f.rows, 500);
    }
    expect_same_connection(pool);
}
END_TEST

/* A paused stream hears of an error behind the rows that came before it. */
START_TEST(an_error_while_it_is_paused)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 1, .act = pause_flow };

    FLOW(&f, conn, elpq_sql(FAILS), NULL);
    await_rows(&f, 1);
    await_server("select state = 'idle' from pg_stat_activity where pid = %d",
                 elpq_conn_pid(conn));
    run_turns(5);
    ck_assert_int_eq(f.a->calls, 0);
    f.act = NULL;
    resume_flow(&f);
    expect_error(f.a, ELPQ_E_SERVER, "22012", 0);
    ck_assert_int_eq(f.rows, 500);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    close_conn(conn);
}
END_TEST

START_TEST(in_a_transaction_it_fails_with_it)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct flow f = { .counts = true }, g = { .at = 3, .act = stop_flow };

    FLOW(&f, tx, elpq_sql(FAILS), NULL);
    expect_error(f.a, ELPQ_E_SERVER, "22012", 0);
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "22012", ELPQ_NOT_EXECUTED);
    tx = begin_now(pool);
    FLOW(&g, tx, elpq_sql(ENDLESS), NULL);
    expect_ok(g.a);
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "57014", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(g.rows, 3);
    expect_same_connection(pool);
}
END_TEST

/* A server that has forgotten the statement, or whose table has changed. */
START_TEST(a_stale_prepared_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f[4];
    int i;

    memset(f, 0, sizeof(f));
    expect_ok(ask(conn, elpq_sql("create temp table t as select n"
                                 " from generate_series(1, 10) n")));
    for (i = 0; i < 4; i++) {
        f[i].counts = true;
        FLOW(&f[i], conn, elpq_sql("select * from t order by n"), NULL);
        expect_ok(f[i].a);
        ck_assert_int_eq(f[i].rows, 10);
        ck_assert(f[i].binary);
        if (i == 0)
            expect_ok(ask(conn, elpq_sql("alter table t add b int")));
        else if (i == 1)
            expect_ok(ask(conn, elpq_sql("do $$ begin execute"
                                         " 'deallocate all'; end $$")));
        expect_int(ask(conn, elpq_sql("select 3")), 3);
    }
    close_conn(conn);
}
END_TEST

/* It was parsed, but never described: then the server forgot it. */
START_TEST(forgotten_before_it_was_described)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { 0 };
    const elpq_statement *st = elpq_sql("select n / (n - 1) from"
                                        " generate_series(1, $1) n", 2);

    expect_error(ask(conn, st), ELPQ_E_SERVER, "22012", 0);
    expect_ok(ask(conn, elpq_sql("do $$ begin execute 'deallocate all'; end"
                                 " $$")));
    FLOW(&f, conn, st, NULL);
    expect_error(f.a, ELPQ_E_SERVER, "22012", 0);
    close_conn(conn);
}
END_TEST

/* ----------------------------------------------------------- stop, cancel */

START_TEST(stopped_in_the_middle)
{
    elpq_pool *pool = pool_of(1);
    int i;

    for (i = 0; i < 3; i++) {
        struct flow f = { .counts = true, .at = 10, .act = stop_flow };

        FLOW(&f, pool, elpq_sql(ENDLESS), NULL);
        expect_ok(f.a);
        ck_assert_int_eq(f.rows, 10);
    }
    ck_assert_uint_ge(stats(pool).cancels, 1);
    expect_same_connection(pool);
}
END_TEST

START_TEST(canceled_in_the_middle)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { .counts = true, .at = 10, .act = cancel_flow };

    FLOW(&f, pool, elpq_sql(ENDLESS), NULL);
    expect_error(f.a, ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_eq(f.rows, 10);
    expect_same_connection(pool);
}
END_TEST

/* The server is stuck in writing, and hears nothing until we read on. */
static void expect_end_while_paused(void (*end)(struct flow *), int code)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };

    FLOW(&f, conn, elpq_sql(ENDLESS), NULL);
    await_rows(&f, 10);
    await_held_back(conn);
    end(&f);
    if (code)
        expect_error(f.a, code, "57014", 0);
    else
        expect_ok(f.a);
    ck_assert_int_eq(f.rows, 10);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    close_conn(conn);
}

START_TEST(canceled_while_paused)
{
    expect_end_while_paused(cancel_flow, ELPQ_E_CANCELED);
}
END_TEST

START_TEST(stopped_while_paused)
{
    expect_end_while_paused(stop_flow, 0);
}
END_TEST

/* It ended on the server before the cancel, but not for its consumer. */
START_TEST(canceled_when_the_server_was_through)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };

    FLOW(&f, conn, elpq_sql(COUNT), NULL);
    await_rows(&f, 10);
    await_server("select state = 'idle' from pg_stat_activity where pid = %d",
                 elpq_conn_pid(conn));
    cancel_flow(&f);
    expect_error(f.a, ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(f.rows, 10);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    close_conn(conn);
}
END_TEST

START_TEST(ended_before_it_was_sent)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct flow f[4];

    memset(f, 0, sizeof(f));
    FLOW(&f[0], pool, elpq_sql(COUNT), NULL);
    FLOW(&f[1], pool, elpq_sql(COUNT), NULL);
    FLOW(&f[2], conn, elpq_sql(COUNT), NULL);
    FLOW(&f[3], conn, elpq_sql(COUNT), NULL);
    cancel_flow(&f[0]);
    stop_flow(&f[1]);
    cancel_flow(&f[2]);
    stop_flow(&f[3]);
    ck_assert_int_eq(f[1].a->calls + f[3].a->calls, 0);
    expect_error(f[0].a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_ok(f[1].a);
    expect_error(f[2].a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_ok(f[3].a);
    release(conn);
    expect_same_connection(pool);
}
END_TEST

START_TEST(canceled_while_it_is_described)
{
    elpq_conn *conn = connect_now(NULL, NULL), *locker = lock_table();
    struct flow f = { 0 };

    FLOW(&f, conn, elpq_sql("select n from elpq_stream"), NULL);
    await_parse(elpq_conn_pid(conn));
    cancel_flow(&f);
    expect_error(f.a, ELPQ_E_CANCELED, "57014", 0);
    unlock_table(locker);
    expect_int(ask(conn, elpq_sql("select n from elpq_stream")), 7);
    close_conn(conn);
}
END_TEST

/* The columns have come when it is canceled: it never runs. */
START_TEST(paused_and_canceled_while_it_is_described)
{
    elpq_conn *conn = connect_now(NULL, NULL), *locker = lock_table();
    struct flow f = { 0 };

    FLOW(&f, conn, elpq_sql("select n from elpq_stream"), NULL);
    await_parse(elpq_conn_pid(conn));
    pause_flow(&f);
    unlock_table(locker);
    await_server("select state = 'idle' from pg_stat_activity where pid = %d",
                 elpq_conn_pid(conn));
    cancel_flow(&f);
    expect_error(f.a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_int(ask(conn, elpq_sql("select n from elpq_stream")), 7);
    close_conn(conn);
}
END_TEST

/* Nor does the transaction that it was a part of commit without it. */
START_TEST(canceled_in_a_transaction_while_it_is_described)
{
    elpq_conn *conn = connect_now(NULL, NULL), *locker;
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct flow f = { 0 };

    expect_ok(ask(tx, elpq_sql("create temp table elpq_undone ()")));
    locker = lock_table();
    FLOW(&f, tx, elpq_sql("select n from elpq_stream"), NULL);
    await_parse(elpq_conn_pid(conn));
    pause_flow(&f);
    unlock_table(locker);
    await_server("select state = 'idle in transaction' from pg_stat_activity"
                 " where pid = %d",
                 elpq_conn_pid(conn));
    cancel_flow(&f);
    expect_error(f.a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    expect_error(ask(conn, elpq_sql("select from elpq_undone")),
                 ELPQ_E_SERVER, "42P01", 0);
    close_conn(conn);
}
END_TEST

/* One that its user has stopped is no failure of the transaction. */
START_TEST(stopped_in_a_transaction_before_it_was_sent)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct flow f = { 0 };

    FLOW(&f, tx, elpq_sql("select generate_series(1, 3)"), NULL);
    stop_flow(&f);
    expect_ok(f.a);
    expect_ok(commit(tx));
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------------------- deadline */

START_TEST(the_deadline_in_the_middle)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .timeout_ms = scaled(1500) };
    struct flow f = { .counts = true };

    FLOW(&f, conn,
         elpq_sql("select n from generate_series(1, 3) n"
                  " union all select pg_sleep(100)::text::int"), &o);
    expect_error(f.a, ELPQ_E_TIMEOUT, "57014", 0);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    close_conn(conn);
}
END_TEST

/* Where it passes before it could be paused, once more, with twice as long. */
START_TEST(the_deadline_while_paused)
{
    elpq_pool *pool = pool_of(1);
    elpq_options o = { .timeout_ms = 100 };
    struct flow f;

    release(lease(pool)); /* the deadline is not for the connect */
    do {
        f = (struct flow){ .counts = true, .at = 10, .act = pause_flow };
        o.timeout_ms *= 2;
        FLOW(&f, pool, elpq_sql(ENDLESS), &o);
        await(f.a);
    } while (f.rows < 10);
    expect_error(f.a, ELPQ_E_TIMEOUT, "57014", 0);
    ck_assert_int_eq(f.rows, 10);
    expect_same_connection(pool);
}
END_TEST

/* -------------------------------------------------------------------- close */

static void close_the_conn(struct flow *f)
{
    f->ended = true;
    close_conn(f->data);
}

static void release_the_conn(struct flow *f)
{
    f->ended = true;
    release(f->data);
}

static void close_the_pool(struct flow *f)
{
    f->ended = true;
    close_pool(f->data, 0);
}

START_TEST(closed_inside_rows)
{
    struct flow f = { .counts = true, .at = 10, .act = close_the_conn };

    f.data = connect_now(NULL, NULL);
    FLOW(&f, (elpq_conn *)f.data, elpq_sql(ENDLESS), NULL);
    expect_error(f.a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(f.rows, 10);
}
END_TEST

START_TEST(released_inside_rows)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { .counts = true, .at = 10, .act = release_the_conn };

    f.data = lease(pool);
    FLOW(&f, (elpq_conn *)f.data, elpq_sql(ENDLESS), NULL);
    expect_error(f.a, ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_eq(f.rows, 10);
    expect_same_connection(pool);
}
END_TEST

START_TEST(the_pool_closed_inside_rows)
{
    struct flow f = { .counts = true, .at = 10, .act = close_the_pool };

    f.data = pool_of(1);
    FLOW(&f, (elpq_pool *)f.data, elpq_sql(ENDLESS), NULL);
    expect_error(f.a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(f.rows, 10);
}
END_TEST

START_TEST(closed_while_paused)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(1);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow }, g = f;
    struct answer *behind;

    FLOW(&f, conn, elpq_sql(ENDLESS), NULL);
    behind = ask(conn, elpq_sql("select 1"));
    FLOW(&g, pool, elpq_sql(ENDLESS), NULL);
    await_rows(&f, 10);
    await_rows(&g, 10);
    close_conn(conn);
    expect_error(f.a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_error(behind, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    finish_pool(pool);
    expect_error(g.a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
}
END_TEST

/* A drain waits for a stream, paused or not. */
START_TEST(draining_a_pool)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };
    struct answer *closed;

    FLOW(&f, pool, elpq_sql(LARGE), NULL);
    await_rows(&f, 10);
    closed = close_pool(pool, ELPQ_NO_TIMEOUT);
    run_turns(10);
    ck_assert_int_eq(closed->calls, 0);
    f.act = NULL;
    resume_flow(&f);
    expect_ok(f.a);
    expect_ok(closed);
    ck_assert_int_eq(f.rows, 2000);
}
END_TEST

static void stream_again(struct answer *a)
{
    struct flow *next = a->data;

    FLOW(next, (elpq_conn *)next->data, elpq_sql(COUNT), NULL);
}

START_TEST(another_one_inside_done)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 10, .act = stop_flow };
    struct flow next = { .counts = true, .data = conn };

    FLOW(&f, conn, elpq_sql(LARGE), NULL);
    f.a->data = &next;
    f.a->then = stream_again;
    expect_ok(f.a);
    expect_ok(next.a);
    ck_assert_int_eq(next.rows, 1000);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "errors", 0);

    tcase_add_test(t, a_mistake_in_the_statement);
    tcase_add_test(t, a_value_that_cannot_be_sent);
    tcase_add_test(t, an_error_in_the_middle);
    tcase_add_test(t, an_error_while_it_is_paused);
    tcase_add_test(t, in_a_transaction_it_fails_with_it);
    tcase_add_test(t, a_stale_prepared_statement);
    tcase_add_test(t, forgotten_before_it_was_described);
    t = harness_case(s, "cancel", 0);
    tcase_add_test(t, stopped_in_the_middle);
    tcase_add_test(t, canceled_in_the_middle);
    tcase_add_test(t, canceled_while_paused);
    tcase_add_test(t, stopped_while_paused);
    tcase_add_test(t, canceled_when_the_server_was_through);
    tcase_add_test(t, ended_before_it_was_sent);
    tcase_add_test(t, canceled_while_it_is_described);
    tcase_add_test(t, paused_and_canceled_while_it_is_described);
    tcase_add_test(t, canceled_in_a_transaction_while_it_is_described);
    tcase_add_test(t, stopped_in_a_transaction_before_it_was_sent);
    t = harness_case(s, "deadline", 0);
    tcase_add_test(t, the_deadline_in_the_middle);
    tcase_add_test(t, the_deadline_while_paused);
    t = harness_case(s, "close", 0);
    tcase_add_test(t, closed_inside_rows);
    tcase_add_test(t, released_inside_rows);
    tcase_add_test(t, the_pool_closed_inside_rows);
    tcase_add_test(t, closed_while_paused);
    tcase_add_test(t, draining_a_pool);
    tcase_add_test(t, another_one_inside_done);
}

int main(void)
{
    return harness_main("stream ends", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Streams whose connection is lost, by itself or because a row is too large.
 */
#include <stdio.h>
#include <stdlib.h>

#include "elpq/testkit.h"
#include "flow.h"

/* --------------------------------------------------------------------- loss */

/* The rows that came before are handed over, and then the loss. */
START_TEST(lost_while_it_runs)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true };

    lock_server();
    FLOW(&f, conn,
         elpq_sql("select n from generate_series(1, 2000) n where n < 1500"
                  " or (select pg_advisory_xact_lock_shared(7077)) is null"),
         NULL);
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    expect_error(f.a, ELPQ_E_LOST, "57P01", ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
    unlock_server();
}
END_TEST

START_TEST(lost_while_paused)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };

    FLOW(&f, conn, elpq_sql(LARGE), NULL);
    await_rows(&f, 10);
    await_held_back(conn);
    terminate(elpq_conn_pid(conn));
    run_turns(10);
    ck_assert_int_eq(f.a->calls, 0);
    f.act = NULL;
    resume_flow(&f);
    await(f.a);
    ck_assert_int_eq(f.a->code, ELPQ_E_LOST);
    ck_assert_uint_eq(f.a->flags, ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    ck_assert_int_gt(f.rows, 10);
    ck_assert_int_lt(f.rows, 2000);
    release(conn);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(lost_while_paused_and_canceled)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };

    FLOW(&f, conn, elpq_sql(LARGE), NULL);
    await_rows(&f, 10);
    terminate(elpq_conn_pid(conn));
    cancel_flow(&f);
    await(f.a);
    ck_assert_int_eq(f.a->code, ELPQ_E_CANCELED);
    ck_assert_int_eq(f.rows, 10);
    close_conn(conn);
}
END_TEST

/* Only its columns were asked for: a pool begins again elsewhere. */
START_TEST(lost_while_it_is_described)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    int pid = elpq_conn_pid(conn);
    elpq_conn *locker = lock_table();
    struct flow f = { 0 };

    release(conn);
    FLOW(&f, pool, elpq_sql("select n from elpq_stream"), NULL);
    await_parse(pid);
    terminate(pid);
    while (stats(pool).lost == 0)
        event_base_loop(loop, EVLOOP_ONCE);
    unlock_table(locker);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_row_that_is_too_large)
{
    elpq_conn_options o = { .max_result_bytes = 100000 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { .counts = true };

    FLOW(&f, conn, elpq_sql("select n, repeat('x', n * 1000)"
                            " from generate_series(1, 1000) n"), NULL);
    expect_error(f.a, ELPQ_E_LIMIT, "", ELPQ_IN_DOUBT);
    ck_assert_int_ge(f.rows, 90);
    ck_assert_int_lt(f.rows, 100);
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
}
END_TEST

static char last_words[200];

static void on_trace_event(const elpq_event *event, void *arg)
{
    (void)arg;
    if (event->kind == ELPQ_EVENT_DISCONNECTED && event->message)
        snprintf(last_words, sizeof(last_words), "%s", event->message);
}

/* libpq is told nonsense at the end of a stream, and complains for good. */
START_TEST(what_is_said_of_a_loss_long_after)
{
    elpq_conn_options o = { .trace = on_trace_event };
    elpq_faultproxy_options up = { .upstream_host = server_host() };
    elpq_faultproxy *proxy;
    char conninfo[80];
    struct flow f = { 0 };
    elpq_conn *conn;

    up.upstream_port = (int)strtol(server_port(), NULL, 10);
    proxy = elpq_faultproxy_new(loop, &up);
    ck_assert_ptr_nonnull(proxy);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d sslmode=disable",
             elpq_faultproxy_port(proxy));
    conn = connect_now(conninfo, &o);
    FLOW(&f, conn, elpq_sql("select 1"), NULL);
    expect_ok(f.a);
    last_words[0] = '\0';
    ck_assert_ptr_null(elpq_faultproxy_rule(proxy, "cut fin"));
    while (!last_words[0])
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_msg(strncmp(last_words, "server closed", 13) == 0, "says '%s'",
                  last_words);
    close_conn(conn);
    elpq_faultproxy_free(proxy);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "loss", 0);

    tcase_add_test(t, lost_while_it_runs);
    tcase_add_test(t, lost_while_paused);
    tcase_add_test(t, lost_while_paused_and_canceled);
    tcase_add_test(t, lost_while_it_is_described);
    tcase_add_test(t, a_row_that_is_too_large);
    tcase_add_test(t, what_is_said_of_a_loss_long_after);
}

int main(void)
{
    return harness_main("stream loss", build);
}

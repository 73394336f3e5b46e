/* SPDX-License-Identifier: PostgreSQL */
/*
 * Deadlines, in each position of a request and while connecting; the grace
 * period of what does not end when it is canceled.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"

#define SLOW_SQL "select pg_sleep(60)"

static elpq_options deadline(int ms)
{
    elpq_options o = { .timeout_ms = ms };

    return o;
}

/*
 * The answer comes when so many milliseconds have passed, and not much later:
 * a busy machine may add seconds, but SLOW_SQL would take a minute.
 */
static void expect_since(struct answer *a, int64_t start, int ms)
{
    int took = (int)((await(a)->answered - start) / 1000);

    ck_assert_int_ge(took, ms - 1);
    ck_assert_int_le(took, ms + scaled(3000) + 7000);
}

static void expect_took(struct answer *a, int ms)
{
    expect_since(a, a->submitted, ms);
}

/* ---------------------------------------------------------------- deadline */

START_TEST(deadline_of_what_runs)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const int ms = scaled(1500);
    elpq_options o = deadline(ms);
    struct answer *a = ask_with(conn, elpq_sql(SLOW_SQL), &o);
    struct answer *next = ask(conn, elpq_sql("select 2"));

    expect_error(a, ELPQ_E_TIMEOUT, "57014", 0);
    expect_took(a, ms);
    expect_int(next, 2);
    close_conn(conn);
}
END_TEST

START_TEST(deadline_of_what_is_pipelined_behind)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const int ms = scaled(1500);
    elpq_options o = deadline(ms);
    struct answer *head, *a, *last;

    lock_server();
    head = ask(conn, elpq_sql("select 1 from (" BLOCKED ") as waited"));
    a = ask_with(conn, elpq_sql("select 2"), &o);
    last = ask(conn, elpq_sql("select 3"));
    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_IN_DOUBT);
    expect_took(a, ms);
    ck_assert_int_eq(head->calls, 0);
    unlock_server();
    expect_int(head, 1);
    expect_int(last, 3);
    close_conn(conn);
}
END_TEST

/* Behind a script nothing is sent. */
START_TEST(deadline_of_what_was_not_sent)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = deadline(100);
    struct answer *head, *a;

    lock_server();
    head = script(conn, BLOCKED, NULL);
    a = ask_with(conn, elpq_sql("select 2"), &o);
    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_took(a, 100);
    unlock_server();
    expect_ok(head);
    close_conn(conn);
}
END_TEST

START_TEST(deadline_in_the_line_of_a_pool)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_options o = deadline(100);
    elpq_tx_options t = { .timeout_ms = 100 };
    struct answer *a = ask_with(pool, elpq_sql("select 1"), &o);
    struct answer *l = acquire(pool, &o);
    struct answer *b = begin(pool, &t);
    struct answer *s = script(pool, "select 1", &o);

    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_error(l, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_error(b, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_error(s, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_took(a, 100);
    expect_took(b, 100);
    ck_assert_uint_eq(stats(pool).timeouts, 4);
    release(conn);
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    finish_pool(pool);
}
END_TEST

/* One deadline covers waiting and running. */
START_TEST(deadline_counts_from_the_submit)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    const int ms = scaled(2500);
    elpq_options o = deadline(ms);
    struct answer *a = ask_with(pool, elpq_sql(SLOW_SQL), &o);

    run_for_ms(ms / 20);
    ck_assert_int_eq(a->calls, 0);
    release(conn);
    expect_error(a, ELPQ_E_TIMEOUT, "57014", 0);
    expect_took(a, ms);
    finish_pool(pool);
}
END_TEST

START_TEST(default_deadline_and_none)
{
    const int ms = scaled(1500);
    elpq_conn_options c = { .timeout_ms = ms };
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options none = deadline(ELPQ_NO_TIMEOUT);
    struct answer *a, *b;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    expect_error(a, ELPQ_E_TIMEOUT, "57014", 0);
    expect_took(a, ms);
    b = ask_with(conn, elpq_sql(BLOCKED), &none);
    run_for_ms(ms + 100);
    ck_assert_int_eq(b->calls, 0);
    unlock_server();
    expect_ok(b);
    close_conn(conn);
}
END_TEST

/* The statement that ends it has to be quicker than that itself. */
static void no_statement_timeout(elpq_conn *conn)
{
    const elpq_statement *off = elpq_sql("set statement_timeout = 0");

    struct answer *a = await(ask(conn, off));

    for (int tries = 1; a->code != 0 && tries < 100; tries++) {
        expect_message(a, "statement timeout");
        a = await(ask(conn, off));
    }
    expect_ok(a);
}

/* Both fire within milliseconds: one outcome each, and it is told which.  Where
 * the program is held up, the deadline passes before anything was sent. */
START_TEST(deadline_against_statement_timeout)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    for (i = -10; i <= 10; i++) {
        elpq_options o = deadline(20 + i);
        struct answer *a;

        expect_ok(ask(conn, elpq_sql("set statement_timeout = 20")));
        a = await(ask_with(conn, elpq_sql(SLOW_SQL), &o));
        ck_assert(a->code == ELPQ_E_TIMEOUT || a->code == ELPQ_E_SERVER);
        if (!(a->flags & ELPQ_NOT_EXECUTED))
            ck_assert_str_eq(a->sqlstate, "57014");
        no_statement_timeout(conn);
        expect_int(ask(conn, elpq_sql("select $1", i)), i);
    }
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------- deadlines of a connect */

START_TEST(deadline_while_connecting)
{
    int port;
    int fd = blackhole(&port);
    elpq_conn_options o = { .connect_timeout_ms = 200 };
    struct answer *a;

    a = start_connect(loopback(port), &o);
    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    expect_took(a, 200);
    close(fd);
}
END_TEST

/* The deadline is of the whole, and not of each host. */
START_TEST(deadline_over_many_hosts)
{
    char conninfo[400] = "host=";
    int port, i;
    int fd = blackhole(&port);
    elpq_conn_options o = { .connect_timeout_ms = 300 };
    struct answer *a;

    for (i = 0; i < 8; i++)
        strcat(conninfo, i ? ",127.0.0.1" : "127.0.0.1");
    snprintf(conninfo + strlen(conninfo), 40, " port=%d connect_timeout=2",
             port);
    a = start_connect(conninfo, &o);
    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    expect_took(a, 300);
    close(fd);
}
END_TEST

/* The statement's own deadline covers the pool's connecting too. */
START_TEST(deadline_of_a_statement_while_connecting)
{
    int port;
    int fd = blackhole(&port);
    elpq_options o = deadline(150);
    elpq_pool *pool = pool_at(loopback(port), NULL);
    struct answer *a;

    a = ask_with(pool, elpq_sql("select 1"), &o);
    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_took(a, 150);
    finish_pool(pool);
    close(fd);
}
END_TEST

/* ------------------------------------------------------------ grace period */

/* The backend is stopped, so that it hears no cancel: after the grace period
 * the connection is closed, and nobody knows what became of the statement. */
static void expect_grace_period(bool by_deadline)
{
    const int ms = scaled(2000);
    elpq_conn_options c = { .cancel_grace_ms = 150 };
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = deadline(by_deadline ? ms : 0);
    struct answer *a, *behind;
    int64_t canceled;

    lock_server();
    a = ask_with(conn, elpq_sql(BLOCKED), &o);
    behind = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    if (!signal_server(elpq_conn_pid(conn), SIGSTOP)) {
        fprintf(stderr, "not permitted to stop a backend: no grace test\n");
        close_conn(conn);
        await_all();
        return;
    }
    canceled = now_usec();
    if (!by_deadline)
        cancel(a);
    expect_error(a, by_deadline ? ELPQ_E_TIMEOUT : ELPQ_E_CANCELED, "",
                 ELPQ_IN_DOUBT);
    if (by_deadline)
        expect_took(a, ms + 150);
    else
        expect_since(a, canceled, 150);
    await(behind);
    ck_assert_int_eq(behind->code, ELPQ_E_LOST);
    ck_assert_uint_eq(behind->flags & ~(unsigned)ELPQ_RETRYABLE,
                      ELPQ_IN_DOUBT);
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
}

START_TEST(grace_period_after_cancel)
{
    expect_grace_period(false);
}
END_TEST

START_TEST(grace_period_after_deadline)
{
    expect_grace_period(true);
}
END_TEST

/* A connection that had to be closed is replaced by its pool. */
START_TEST(grace_period_in_a_pool)
{
    elpq_pool_options p = { .max_size = 1, .conn.cancel_grace_ms = 100 };
    elpq_pool *pool = pool_new(&p);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);
    struct answer *a, *next;

    lock_server();
    release(conn);
    a = ask(pool, elpq_sql(BLOCKED));
    await_blocked(1);
    if (signal_server(pid, SIGSTOP)) {
        cancel(a);
        next = ask(pool, elpq_sql("select pg_backend_pid()"));
        expect_error(a, ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
        ck_assert_int_ne(answer_int(next), pid);
        ck_assert_uint_eq(stats(pool).discarded + stats(pool).lost, 1);
    }
    finish_pool(pool);
}
END_TEST

static int stopped_pid;

/* Its first connection is heard of no more, once it is one. */
static void stop_backend(const elpq_event *event)
{
    if (event->kind != ELPQ_EVENT_CONNECTED || stopped_pid)
        return;
    stopped_pid = elpq_conn_pid(event->conn);
    if (!signal_server(stopped_pid, SIGSTOP))
        stopped_pid = -1;
}

/*
 * What elpq itself sends in front of a statement (SET statement_timeout, or
 * Parse of what is prepared ahead) has a deadline as well, or the place in the
 * pool would be taken for ever.
 */
START_TEST(grace_period_of_what_goes_in_front)
{
    const int ms = scaled(1000);
    const elpq_statement *ahead[] = { elpq_sql("select 2"), NULL };
    elpq_pool_options p = { .max_size = 1, .conn = traced() };
    elpq_options o = { .timeout_ms = ms, /* and connects within that */
                       .server_timeout_ms = _i == 0 ? 60000 : 0 };
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct answer *a;
    elpq_pool *pool;

    p.conn.timeout_ms = 2 * ms;
    p.conn.cancel_grace_ms = 100;
    p.prepare = _i == 0 ? NULL : ahead;
    trace_then = stop_backend;
    stopped_pid = 0;
    pool = pool_new(&p);
    a = await(ask_with(pool, elpq_sql("select 1"), &o));
    if (stopped_pid > 0) { /* it is permitted */
        expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_IN_DOUBT);
        expect_int(ask_with(pool, elpq_sql("select 3"), &patient), 3);
        ck_assert_uint_eq(stats(pool).lost, 1);
    }
    finish_pool(pool);
}
END_TEST

/* --------------------------------------------------------------- many */

/* They pass together: who waits in line must not get a connection first. */
START_TEST(a_storm_of_deadlines)
{
    const int ms = scaled(2000);
    elpq_pool_options p = { .min_size = 4, .max_size = 4,
                            .conn.trace = on_event };
    elpq_pool *pool = pool_new(&p);
    elpq_options o = deadline(ms);
    struct answer *a[200];
    elpq_pool_statistics s;
    int i;

    while (stats(pool).idle < 4)
        event_base_loop(loop, EVLOOP_ONCE);
    for (i = 0; i < 200; i++)
        a[i] = ask_with(pool, elpq_sql(SLOW_SQL), &o);
    await_events(ELPQ_EVENT_SENT, 4);
    hold_loop_until(a[199]->submitted + (ms + 10) * INT64_C(1000));
    for (i = 0; i < 200; i++)
        ck_assert_int_eq(await(a[i])->code, ELPQ_E_TIMEOUT);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    s = stats(pool);
    ck_assert_uint_eq(s.timeouts, 200);
    ck_assert_uint_eq(s.cancels, 4); /* of what ran */
    ck_assert_uint_le(s.connects, 4);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "deadline", 0);
    tcase_add_test(t, deadline_of_what_runs);
    tcase_add_test(t, deadline_of_what_is_pipelined_behind);
    tcase_add_test(t, deadline_of_what_was_not_sent);
    tcase_add_test(t, deadline_in_the_line_of_a_pool);
    tcase_add_test(t, deadline_counts_from_the_submit);
    tcase_add_test(t, default_deadline_and_none);
    tcase_add_test(t, deadline_against_statement_timeout);
    t = harness_case(s, "connecting", 0);
    tcase_add_test(t, deadline_while_connecting);
    tcase_add_test(t, deadline_over_many_hosts);
    tcase_add_test(t, deadline_of_a_statement_while_connecting);
    t = harness_case(s, "grace", 0);
    tcase_add_test(t, grace_period_after_cancel);
    tcase_add_test(t, grace_period_after_deadline);
    tcase_add_test(t, grace_period_in_a_pool);
    tcase_add_loop_test(t, grace_period_of_what_goes_in_front, 0, 2);
    t = harness_case(s, "storm", 0);
    tcase_add_test(t, a_storm_of_deadlines);
}

int main(void)
{
    return harness_main("deadline", build);
}

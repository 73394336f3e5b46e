/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pool: who is served when, how many connections there are, when they go,
 * and what it does about faults.  How it closes is check_pool_close's, what a
 * released connection leaks check_reset's, and that the numbers agree under
 * random use check_pool_model's.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define PID "select pg_backend_pid()"

static long sessions(void)
{
    return admin_int("select count(*) from pg_stat_activity where"
                     " application_name = 'elpq_pool'");
}

/* Only its own sessions are counted. */
static elpq_pool *named_pool(elpq_pool_options o)
{
    static const char *const params[] = { "application_name", "elpq_pool",
                                          NULL };

    o.conn.params = params;
    return pool_new(&o);
}

/* ---------------------------------------------------------------- serving */

START_TEST(waiters_are_served_in_their_order)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *a[9];
    int i;

    for (i = 0; i < 9; i++)
        a[i] = i % 3 == 0   ? ask(pool, elpq_sql("select 1"))
               : i % 3 == 1 ? acquire(pool, NULL)
                            : script(pool, "select 2", NULL);
    ck_assert_uint_eq(stats(pool).waiting, 9);
    release(conn);
    for (i = 0; i < 9; i++) {
        expect_ok(a[i]);
        if (i % 3 == 1)
            release(a[i]->conn);
        if (i > 0)
            ck_assert_uint_gt(a[i]->order, a[i - 1]->order);
    }
    /* With the first lease, which waited for the connect. */
    ck_assert_uint_eq(stats(pool).waited, 10);
    ck_assert_uint_gt(stats(pool).wait_usec, 0);
    finish_pool(pool);
}
END_TEST

/* A new request does not overtake those in line. */
START_TEST(nobody_jumps_the_line)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *first = ask(pool, elpq_sql("select 1"));
    struct answer *second;

    release(conn);
    second = acquire(pool, NULL);
    expect_int(first, 1);
    expect_ok(second);
    ck_assert_uint_lt(first->order, second->order);
    release(second->conn);
    finish_pool(pool);
}
END_TEST

static void await_idle(elpq_pool *pool, unsigned n)
{
    while (stats(pool).idle < n)
        event_base_loop(loop, EVLOOP_ONCE);
}

START_TEST(the_last_used_connection_is_used_next)
{
    elpq_pool *pool = pool_of(3);
    elpq_conn *c[3];
    int pids[3], i;

    for (i = 0; i < 3; i++) {
        c[i] = lease(pool);
        pids[i] = elpq_conn_pid(c[i]);
    }
    release(c[1]);
    await_idle(pool, 1);
    release(c[0]);
    await_idle(pool, 2);
    release(c[2]);
    await_idle(pool, 3);
    for (i = 0; i < 5; i++)
        expect_int(ask(pool, elpq_sql(PID)), pids[2]);
    c[2] = lease(pool);
    expect_int(ask(pool, elpq_sql(PID)), pids[0]);
    release(c[2]);
    finish_pool(pool);
}
END_TEST

START_TEST(max_waiting_refuses_one_more)
{
    elpq_pool_options o = { .max_size = 1, .max_waiting = 3 };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = lease(pool);
    struct answer *none = answer_new();
    const elpq_statement *st = elpq_sql("select 1");
    int i;

    none->wanted = 0;
    for (i = 0; i < 3; i++)
        ask(pool, st);
    ck_assert_int_eq(CALL(elpq_pool_execute(pool, st, NULL, on_result, none)),
                     ELPQ_E_FULL);
    ck_assert_int_eq(CALL(elpq_pool_acquire(pool, NULL, on_conn, none)),
                     ELPQ_E_FULL);
    ck_assert_int_eq(CALL(elpq_pool_begin(pool, NULL, on_tx, none)),
                     ELPQ_E_FULL);
    ck_assert_uint_eq(stats(pool).refused, 3);
    ck_assert_uint_eq(stats(pool).waiting, 3);
    release(conn);
    await_all();
    expect_int(ask(pool, st), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(acquire_has_a_default_deadline)
{
    elpq_pool_options o = { .max_size = 1, .acquire_timeout_ms = 100 };
    const elpq_options patient = { .timeout_ms = -1 };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = expect_ok(acquire(pool, &patient))->conn;
    struct answer *a = acquire(pool, NULL), *b = begin(pool, NULL);
    struct answer *s = ask(pool, elpq_sql("select 1"));

    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    expect_error(b, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(s->calls, 0);
    release(conn);
    expect_int(s, 1);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------- size */

START_TEST(statements_run_side_by_side_up_to_max_size)
{
    elpq_pool *pool = named_pool((elpq_pool_options){ .max_size = 3 });
    int i;

    lock_server();
    for (i = 0; i < 5; i++)
        ask(pool, elpq_sql(BLOCKED));
    await_blocked(3);
    run_turns(5);
    ck_assert_uint_eq(stats(pool).size, 3);
    ck_assert_uint_eq(stats(pool).busy, 3);
    ck_assert_uint_eq(stats(pool).waiting, 2);
    ck_assert_int_eq(sessions(), 3);
    unlock_server();
    await_all();
    ck_assert_uint_eq(stats(pool).size, 3);
    finish_pool(pool);
}
END_TEST

START_TEST(the_limit_on_connects_at_a_time_is_kept)
{
    elpq_pool_options o = { .max_size = 10, .max_connecting = 2 };
    elpq_pool *pool = named_pool(o);
    unsigned most = 0;
    int i;

    lock_server();
    for (i = 0; i < 10; i++)
        ask(pool, elpq_sql(BLOCKED));
    while (stats(pool).connects < 10) {
        const elpq_pool_statistics s = stats(pool);

        most = s.connecting > most ? s.connecting : most;
        ck_assert_uint_le(s.size, 10);
        event_base_loop(loop, EVLOOP_ONCE);
    }
    ck_assert_uint_eq(most, 2);
    await_blocked(10);
    unlock_server();
    await_all();
    finish_pool(pool);
}
END_TEST

START_TEST(min_size_is_made_at_once_and_kept)
{
    elpq_pool_options o = { .max_size = 5, .min_size = 3,
                            .idle_timeout_ms = 50 };
    elpq_pool *pool = named_pool(o);

    await_server("select count(*) = 3 from pg_stat_activity where"
                 " application_name = 'elpq_pool' and state = 'idle'");
    run_for_ms(200);
    ck_assert_uint_eq(stats(pool).size, 3);
    ck_assert_uint_eq(stats(pool).connects, 3);
    ck_assert_uint_eq(stats(pool).retired_idle, 0);
    /* What is lost is made anew. */
    admin_do("select pg_terminate_backend(pid) from pg_stat_activity where"
             " application_name = 'elpq_pool'");
    while (stats(pool).connects < 6)
        event_base_loop(loop, EVLOOP_ONCE);
    await_server("select count(*) = 3 from pg_stat_activity where"
                 " application_name = 'elpq_pool' and state = 'idle'");
    ck_assert_uint_eq(stats(pool).size, 3);
    ck_assert_uint_eq(stats(pool).lost, 3);
    finish_pool(pool);
}
END_TEST

START_TEST(idle_connections_go_down_to_min_size)
{
    elpq_pool_options o = { .max_size = 5, .min_size = 1,
                            .idle_timeout_ms = 100 };
    elpq_pool *pool = named_pool(o);
    elpq_conn *c[5];
    int i;

    for (i = 0; i < 5; i++)
        c[i] = lease(pool);
    for (i = 0; i < 5; i++)
        release(c[i]);
    while (stats(pool).retired_idle < 4)
        event_base_loop(loop, EVLOOP_ONCE);
    run_for_ms(150);
    ck_assert_uint_eq(stats(pool).size, 1);
    ck_assert_uint_eq(stats(pool).retired_idle, 4);
    await_server("select count(*) = 1 from pg_stat_activity where"
                 " application_name = 'elpq_pool'");
    finish_pool(pool);
}
END_TEST

/* Ages differ by up to a tenth, so that not all go at once. */
START_TEST(old_connections_go_at_different_times)
{
    elpq_pool_options o = { .max_size = 20, .max_lifetime_ms = 600,
                            .idle_timeout_ms = -1, .max_connecting = 20 };
    elpq_pool *pool;
    int64_t made[20], gone[20], least = INT64_MAX, most = 0;
    elpq_conn *c[20];
    int i, j, n = 0;

    o.conn = traced();
    pool = pool_new(&o);
    for (i = 0; i < 20; i++)
        c[i] = lease(pool);
    for (i = 0; i < 20; i++)
        release(c[i]);
    await_events(ELPQ_EVENT_DISCONNECTED, 20);
    for (i = 0; i < seen_count; i++) {
        if (seen[i].kind != ELPQ_EVENT_DISCONNECTED)
            continue;
        for (j = 0; j < i; j++)
            if (seen[j].kind == ELPQ_EVENT_CONNECTED &&
                seen[j].conn == seen[i].conn)
                made[n] = seen[j].when;
        gone[n++] = seen[i].when;
    }
    for (i = 0; i < n; i++) {
        least = gone[i] - made[i] < least ? gone[i] - made[i] : least;
        most = gone[i] - made[i] > most ? gone[i] - made[i] : most;
    }
    ck_assert_int_eq(n, 20);
    ck_assert_int_ge(least, 535000);
    ck_assert_int_gt(most - least, 20000);
    ck_assert_int_le(most, 600000 + (int64_t)(5000000 * harness_slow()));
    ck_assert_uint_eq(stats(pool).retired_age, 20);
    ck_assert_uint_eq(stats(pool).size, 0);
    finish_pool(pool);
}
END_TEST

/* A lease is not taken away by age: it goes when it comes back. */
START_TEST(an_old_lease_goes_when_it_is_released)
{
    elpq_pool_options o = { .max_size = 1, .max_lifetime_ms = 50 };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);

    run_for_ms(120);
    expect_int(ask(conn, elpq_sql(PID)), pid);
    release(conn);
    ck_assert_int_ne(answer_int(ask(pool, elpq_sql(PID))), pid);
    ck_assert_uint_ge(stats(pool).retired_age, 1);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------- faults */

/* No statement sees it: dead connections are found before they are used. */
START_TEST(dead_idle_connections_are_replaced_unseen)
{
    elpq_pool *pool = named_pool((elpq_pool_options){ .max_size = 4 });
    elpq_conn *c[4];
    struct answer *a[8];
    int i, round;

    for (round = 0; round < 5; round++) {
        for (i = 0; i < 4; i++)
            c[i] = lease(pool);
        for (i = 0; i < 4; i++)
            release(c[i]);
        await_server("select count(*) = 4 from pg_stat_activity where"
                     " application_name = 'elpq_pool' and state = 'idle'");
        admin_do("select pg_terminate_backend(pid) from pg_stat_activity"
                 " where application_name = 'elpq_pool'");
        while (sessions() > 0)
            ;
        run_turns(round);
        for (i = 0; i < 8; i++)
            a[i] = ask(pool, elpq_sql("select $1", i));
        for (i = 0; i < 8; i++)
            expect_int(a[i], i);
        ck_assert_uint_le(stats(pool).size, 4);
    }
    ck_assert_uint_ge(stats(pool).lost, 4);
    finish_pool(pool);
}
END_TEST

START_TEST(a_long_idle_connection_is_pinged)
{
    const int ms = scaled(1000);
    elpq_pool_options o = { .max_size = 1, .ping_after_ms = ms };
    elpq_pool *pool = pool_new(&o);
    const int64_t pid = answer_int(ask(pool, elpq_sql(PID)));

    expect_int(ask(pool, elpq_sql(PID)), pid);
    ck_assert_uint_eq(stats(pool).pings, 0);
    run_for_ms(ms + 30);
    expect_int(ask(pool, elpq_sql(PID)), pid);
    ck_assert_uint_eq(stats(pool).pings, 1);
    finish_pool(pool);
}
END_TEST

/* A stopped backend looks alive; only the ping shows that it is not. */
START_TEST(a_ping_without_an_answer_costs_only_time)
{
    elpq_pool_options o = { .max_size = 2, .ping_after_ms = 20 };
    elpq_pool *pool = pool_new(&o);
    elpq_options d = { .timeout_ms = scaled(300) };
    const int pid = (int)answer_int(ask(pool, elpq_sql(PID)));
    struct answer *a;

    run_for_ms(60);
    if (signal_server(pid, SIGSTOP)) {
        a = await(ask_with(pool, elpq_sql("select 1"), &d));
        /* Not sent, since the ping had no answer: safe to run again. */
        if (a->code) {
            ck_assert_int_eq(a->code, ELPQ_E_TIMEOUT);
            ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
        }
        ck_assert_uint_ge(stats(pool).pings, 1);
    }
    finish_pool(pool);
}
END_TEST

/* From the failure that came last to the next attempt. */
static int64_t next_pause(elpq_pool *pool)
{
    int i = seen_count - 1;

    while (!stats(pool).connecting)
        harness_turn(EVLOOP_ONCE);
    while (seen[i].kind != ELPQ_EVENT_CONNECT_FAILED)
        i--;
    return now_usec() - seen[i].when;
}

/* 40, 80, 160, 160 ... each a random part between half and all of it.  They are
 * longer in slow builds, or what is random would be lost in what is slow. */
START_TEST(failed_connects_back_off)
{
    const int64_t slack = scaled(10000) * INT64_C(1000);
    elpq_pool_options o = { .max_size = 1, .min_size = 1,
                            .backoff_min_ms = scaled(40),
                            .backoff_max_ms = scaled(160) };
    int64_t least = INT64_MAX;
    elpq_pool *pool;
    int n;

    o.conn = traced();
    pool = pool_at(loopback(dead_port()), &o);
    for (n = 1; n <= 10; n++) {
        const int64_t step = scaled(n == 1 ? 40 : n == 2 ? 80 : 160) * 1000;
        int64_t pause;

        await_events(ELPQ_EVENT_CONNECT_FAILED, n);
        pause = next_pause(pool);
        ck_assert_int_ge(pause, step / 2 - 1000);
        ck_assert_int_le(pause, step + slack);
        if (n >= 3 && pause < least)
            least = pause;
    }
    /* Eight times the last tenth would be quite a coincidence. */
    ck_assert_int_lt(least, scaled(152) * INT64_C(1000));
    ck_assert_uint_eq(stats(pool).connect_failures, 10);
    finish_pool(pool);
}
END_TEST

/* Nothing to connect for: no attempts, however often it failed before. */
START_TEST(no_connects_without_need)
{
    elpq_pool_options o = { .max_size = 3, .backoff_min_ms = 5,
                            .backoff_max_ms = 10 };
    elpq_pool *pool = pool_at(loopback(dead_port()), &o);
    elpq_options d = { .timeout_ms = scaled(100) };
    uint64_t failures;
    struct answer *a;

    run_for_ms(50);
    ck_assert_uint_eq(stats(pool).connect_failures, 0);
    a = await(ask_with(pool, elpq_sql("select 1"), &d));
    ck_assert(a->code == ELPQ_E_CONNECT || a->code == ELPQ_E_TIMEOUT);
    ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
    failures = stats(pool).connect_failures;
    ck_assert_uint_ge(failures, 1);
    run_for_ms(scaled(100));
    ck_assert_uint_le(stats(pool).connect_failures, failures + 3);
    failures = stats(pool).connect_failures;
    run_for_ms(100);
    ck_assert_uint_eq(stats(pool).connect_failures, failures);
    finish_pool(pool);
}
END_TEST

START_TEST(a_failing_on_connect_is_reported)
{
    static const char *const first[] = { "select 1", "select 1 / 0", NULL };
    elpq_pool_options o = { .max_size = 1, .on_connect = first };
    elpq_pool *pool = pool_new(&o);
    struct answer *a = await(ask(pool, elpq_sql("select 1")));

    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    ck_assert_str_eq(a->sqlstate, "22012");
    ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
    ck_assert_uint_ge(stats(pool).connect_failures, 1);
    ck_assert_uint_eq(stats(pool).idle, 0);
    finish_pool(pool);
}
END_TEST

/* It is a part of connecting, and no statement of anybody. */
START_TEST(on_connect_and_reset_have_time_of_their_own)
{
    static const char *const first[] = { "select pg_sleep(0.2)", NULL };
    elpq_pool_options o = { .max_size = 1,
                            .conn.timeout_ms = 20,
                            .on_connect = first };
    elpq_options d = { .timeout_ms = scaled(10000) };
    elpq_pool *pool = pool_new(&o);
    struct answer *a = acquire(pool, &d);

    expect_ok(a);
    expect_ok(ask_with(a->conn, elpq_sql("set elpq.tenant = '1'"), &d));
    release(a->conn);
    expect_ok(ask_with(pool, elpq_sql("select 1"), &d));
    ck_assert_uint_eq(stats(pool).connects, 1);
    ck_assert_uint_eq(stats(pool).lost, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(a_connection_lost_in_on_connect_ran_nothing)
{
    static const char *const first[] = {
        "select pg_terminate_backend(pg_backend_pid())", NULL
    };
    elpq_pool_options o = { .max_size = 1, .on_connect = first };
    elpq_pool *pool = pool_new(&o);

    expect_error(ask(pool, elpq_sql("select 1")), ELPQ_E_CONNECT, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    finish_pool(pool);
}
END_TEST

static void build_use(Suite *s)
{
    TCase *t = harness_case(s, "serving", 0);

    tcase_add_test(t, waiters_are_served_in_their_order);
    tcase_add_test(t, nobody_jumps_the_line);
    tcase_add_test(t, the_last_used_connection_is_used_next);
    tcase_add_test(t, max_waiting_refuses_one_more);
    tcase_add_test(t, acquire_has_a_default_deadline);
    t = harness_case(s, "size", 0);
    tcase_add_test(t, statements_run_side_by_side_up_to_max_size);
    tcase_add_test(t, the_limit_on_connects_at_a_time_is_kept);
    tcase_add_test(t, min_size_is_made_at_once_and_kept);
    tcase_add_test(t, idle_connections_go_down_to_min_size);
    tcase_add_test(t, old_connections_go_at_different_times);
    tcase_add_test(t, an_old_lease_goes_when_it_is_released);
}

static void build(Suite *s)
{
    TCase *t;

    build_use(s);
    t = harness_case(s, "faults", 0);
    tcase_add_test(t, dead_idle_connections_are_replaced_unseen);
    tcase_add_test(t, a_long_idle_connection_is_pinged);
    tcase_add_test(t, a_ping_without_an_answer_costs_only_time);
    tcase_add_test(t, failed_connects_back_off);
    tcase_add_test(t, no_connects_without_need);
    tcase_add_test(t, a_failing_on_connect_is_reported);
    tcase_add_test(t, a_connection_lost_in_on_connect_ran_nothing);
    tcase_add_test(t, on_connect_and_reset_have_time_of_their_own);
}

int main(void)
{
    return harness_main("pool", build);
}

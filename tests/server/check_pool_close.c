/* SPDX-License-Identifier: PostgreSQL */
/*
 * How a pool ends: at once or after a drain, whatever it is doing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"

START_TEST(closing_an_idle_pool)
{
    elpq_pool *unused = pool_of(2), *used = pool_of(2);

    expect_int(ask(used, elpq_sql("select 1")), 1);
    RUN(elpq_pool_close(unused, 0, NULL, NULL));
    expect_ok(close_pool(used, ELPQ_NO_TIMEOUT));
}
END_TEST

START_TEST(draining_lets_everything_end)
{
    static const char *const params[] = { "application_name", "elpq_pool_close",
                                          NULL };
    elpq_pool_options o = { .max_size = 2, .conn.params = params };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = lease(pool);
    struct answer *running, *waiting, *own, *end, *none = answer_new();

    none->wanted = 0;
    lock_server();
    running = ask(pool, elpq_sql("select 1 from (" BLOCKED ") as waited"));
    waiting = ask(pool, elpq_sql("select 2"));
    await_blocked(1);
    end = close_pool(pool, ELPQ_NO_TIMEOUT);
    ck_assert_int_eq(CALL(elpq_pool_execute(pool, elpq_sql("select 3"), NULL,
                                            on_result, none)),
                     ELPQ_E_CLOSED);
    ck_assert_int_eq(CALL(elpq_pool_acquire(pool, NULL, on_conn, none)),
                     ELPQ_E_CLOSED);
    unlock_server();
    expect_int(running, 1);
    expect_int(waiting, 2);
    own = ask(conn, elpq_sql("select 4"));
    expect_int(own, 4);
    run_turns(10);
    ck_assert_int_eq(end->calls, 0);
    release(conn);
    expect_ok(end);
    ck_assert_uint_gt(end->order, own->order);
    await_server("select count(*) = 0 from pg_stat_activity where"
                 " application_name = 'elpq_pool_close'");
}
END_TEST

START_TEST(a_drain_has_an_end)
{
    elpq_pool *pool = pool_of(2);
    elpq_conn *conn = lease(pool);
    struct answer *running, *waiting, *own, *end;

    lock_server();
    running = ask(pool, elpq_sql(BLOCKED));
    waiting = ask(pool, elpq_sql("select 2"));
    own = ask(conn, elpq_sql(BLOCKED));
    await_blocked(2);
    end = close_pool(pool, 100);
    expect_error(running, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_error(waiting, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_error(own, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    ck_assert_int_ge(running->answered - end->submitted, 99000);
    ck_assert_int_le(running->answered - end->submitted,
                     100000 + scaled(10000) * INT64_C(1000));
    expect_ok(end);
    /* Closed, and still to be released. */
    ck_assert(!elpq_conn_is_open(conn));
    release(conn);
}
END_TEST

START_TEST(a_second_close_shortens_the_drain)
{
    elpq_pool *pool = pool_of(1);
    struct answer *running, *first, *second;

    lock_server();
    running = ask(pool, elpq_sql(BLOCKED));
    await_blocked(1);
    first = close_pool(pool, ELPQ_NO_TIMEOUT);
    run_turns(5);
    ck_assert_int_eq(running->calls, 0);
    first->wanted = 0; /* the second takes its place */
    second = close_pool(pool, 0);
    expect_error(running, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_ok(second);
}
END_TEST

START_TEST(closing_while_connecting)
{
    elpq_pool_options o = { .max_size = 2, .min_size = 2 };
    int port;
    int fd = blackhole(&port);
    elpq_pool *pool = pool_at(loopback(port), &o);
    struct answer *a = ask(pool, elpq_sql("select 1")), *end;

    run_turns(5);
    ck_assert_uint_eq(stats(pool).connecting, 2);
    end = close_pool(pool, 0);
    expect_error(a, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_ok(end);
    ck_assert_int_le(end->answered - end->submitted,
                     scaled(10000) * INT64_C(1000));
    close(fd);
}
END_TEST

START_TEST(closing_while_backing_off)
{
    elpq_pool_options o = { .max_size = 1, .min_size = 1,
                            .backoff_min_ms = 60000,
                            .backoff_max_ms = 60000 };
    elpq_pool *pool = pool_at(loopback(dead_port()), &o);

    while (stats(pool).connect_failures < 1)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_uint_eq(stats(pool).connects, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(closing_while_resetting)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);

    expect_ok(ask(conn, elpq_sql("set work_mem = '1MB'")));
    release(conn);
    finish_pool(pool);
}
END_TEST

/* A connection of a pool can be closed: it leaves its pool. */
START_TEST(a_lease_can_be_closed)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);

    close_conn(conn);
    ck_assert_int_ne(answer_int(ask(pool, elpq_sql("select"
                                                   " pg_backend_pid()"))),
                     pid);
    ck_assert_uint_eq(stats(pool).size, 1);
    ck_assert_uint_eq(stats(pool).discarded, 1);
    ck_assert_uint_eq(stats(pool).lost, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(senseless_pools_are_refused)
{
    const elpq_pool_options o = { .min_size = 5, .max_size = 2 };
    elpq_error *error = NULL;
    elpq_pool *pool;

    RUN(pool = elpq_pool_new(loop, NULL, &o, &error));
    ck_assert_ptr_null(pool);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "min_size"));
    elpq_error_free(error);
    error = NULL;
    RUN(pool = elpq_pool_new(loop, "no_such_keyword=1", NULL, &error));
    ck_assert_ptr_null(pool);
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_nonnull(strstr(error->message, "no_such_keyword"));
    elpq_error_free(error);
    RUN(pool = elpq_pool_new(NULL, NULL, NULL, NULL));
    ck_assert_ptr_null(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "closing", 0);
    tcase_add_test(t, closing_an_idle_pool);
    tcase_add_test(t, draining_lets_everything_end);
    tcase_add_test(t, a_drain_has_an_end);
    tcase_add_test(t, a_second_close_shortens_the_drain);
    tcase_add_test(t, closing_while_connecting);
    tcase_add_test(t, closing_while_backing_off);
    tcase_add_test(t, closing_while_resetting);
    tcase_add_test(t, a_lease_can_be_closed);
    tcase_add_test(t, senseless_pools_are_refused);
}

int main(void)
{
    return harness_main("pool close", build);
}

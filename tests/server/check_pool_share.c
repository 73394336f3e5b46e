/* SPDX-License-Identifier: PostgreSQL */
/*
 * pipeline_depth: which statements share a busy connection, and which do not;
 * and that each keeps its own outcome when one of them is canceled, late, or
 * dies with the connection.
 *
 * A statement is held up by a lock on a table, which admin has; it is a query
 * as good as any, so it may have company.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define HELD "select count(*) from elpq_share"
#define PID "select pg_backend_pid()"
#define NEVER_STALLS 600000

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_share");
    admin_do("create table elpq_share (n int)");
    admin_do("grant all on elpq_share to public");
}

static void teardown_table(void)
{
    admin_do("rollback");
    admin_do("drop table elpq_share");
    harness_teardown();
}

static void lock_table(void)
{
    admin_do("begin");
    admin_do("lock table elpq_share");
}

static void unlock_table(void)
{
    admin_do("commit");
}

static void await_held(int n)
{
    await_server("select count(*) = %d from " LOCKS " not granted and"
                 " relation = 'elpq_share'::regclass",
                 n);
}

/* A pool whose connections are all open, and idle. */
static elpq_pool *warm_pool(elpq_pool_options o, unsigned depth)
{
    elpq_pool *pool;

    o.min_size = o.max_size;
    o.pipeline_depth = depth;
    if (!o.pipeline_stall_ms)
        o.pipeline_stall_ms = NEVER_STALLS;
    pool = pool_new(&o);
    while (stats(pool).idle < o.max_size)
        event_base_loop(loop, EVLOOP_ONCE);
    return pool;
}

static elpq_pool *pool_of_depth(unsigned size, unsigned depth)
{
    const elpq_pool_options o = { .max_size = size };

    return warm_pool(o, depth);
}

/* The first statement is at the server, and held up there. */
static struct answer *hold_up(elpq_pool *pool)
{
    struct answer *a = ask(pool, elpq_sql(HELD));

    await_held(1);
    return a;
}

/* ---------------------------------------------------------------- sharing */

START_TEST(a_busy_connection_takes_more_up_to_its_depth)
{
    elpq_pool *pool = pool_of_depth(1, 4);
    struct answer *a[6];
    int i;

    lock_table();
    a[0] = hold_up(pool);
    for (i = 1; i < 6; i++)
        a[i] = ask(pool, elpq_sql("select $1", i));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).shared, 3);
    ck_assert_uint_eq(stats(pool).waiting, 2);
    ck_assert_uint_eq(stats(pool).size, 1);
    unlock_table();
    expect_int(a[0], 0);
    for (i = 1; i < 6; i++) {
        expect_int(a[i], i);
        ck_assert_uint_gt(a[i]->order, a[i - 1]->order);
    }
    finish_pool(pool);
}
END_TEST

START_TEST(idle_connections_come_first)
{
    elpq_pool *pool = pool_of_depth(2, 4);
    struct answer *held;

    lock_table();
    held = hold_up(pool);
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    ck_assert_uint_eq(stats(pool).shared, 0);
    unlock_table();
    expect_ok(held);
    finish_pool(pool);
}
END_TEST

/* A connection that can be made is better than company. */
START_TEST(the_pool_grows_first)
{
    const elpq_pool_options o = { .max_size = 2,
                                  .pipeline_depth = 4,
                                  .pipeline_stall_ms = NEVER_STALLS };
    elpq_pool *pool = pool_new(&o);
    struct answer *held;

    lock_table();
    held = hold_up(pool);
    ck_assert_uint_eq(stats(pool).size, 1);
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    ck_assert_uint_eq(stats(pool).shared, 0);
    ck_assert_uint_eq(stats(pool).size, 2);
    unlock_table();
    expect_ok(held);
    finish_pool(pool);
}
END_TEST

/* Both connections are held up: those behind are dealt out evenly. */
START_TEST(the_one_with_the_fewest_is_next)
{
    elpq_pool *pool = pool_of_depth(2, 4);
    struct answer *held[2], *a[6];
    int64_t first = 0;
    int i, n = 0;

    lock_table();
    held[0] = ask(pool, elpq_sql(HELD));
    held[1] = ask(pool, elpq_sql(HELD));
    await_held(2);
    for (i = 0; i < 6; i++)
        a[i] = ask(pool, elpq_sql(PID));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).shared, 6);
    unlock_table();
    for (i = 0; i < 6; i++) {
        int64_t pid = answer_int(expect_ok(a[i]));

        first = i == 0 ? pid : first;
        n += pid == first;
    }
    ck_assert_int_eq(n, 3);
    expect_ok(held[0]);
    expect_ok(held[1]);
    finish_pool(pool);
}
END_TEST

/* Its statement has run for long, so nobody joins it. */
START_TEST(nothing_is_sent_behind_a_stalled_statement)
{
    const elpq_pool_options o = { .max_size = 1, .pipeline_stall_ms = 1 };
    elpq_pool *pool = warm_pool(o, 4);
    struct answer *held, *a;

    lock_table();
    held = hold_up(pool);
    run_for_ms(5);
    a = ask(pool, elpq_sql("select 2"));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).shared, 0);
    ck_assert_uint_eq(stats(pool).waiting, 1);
    unlock_table();
    expect_ok(held);
    expect_int(a, 2);
    finish_pool(pool);
}
END_TEST

/* What runs has moved on since: it takes more. */
START_TEST(an_answer_is_progress)
{
    const elpq_pool_options o = { .max_size = 1 };
    elpq_pool *pool = warm_pool(o, 2);
    struct answer *a[4];
    int i;

    lock_table();
    a[0] = hold_up(pool);
    for (i = 1; i < 4; i++)
        a[i] = ask(pool, elpq_sql(HELD));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 2);
    unlock_table();
    for (i = 0; i < 4; i++)
        expect_int(a[i], 0);
    ck_assert_uint_ge(stats(pool).shared, 2);
    finish_pool(pool);
}
END_TEST

/* Groups of reads form on a shared connection as well. */
START_TEST(reads_that_share_are_sent_in_groups)
{
    elpq_pool *pool = pool_of_depth(1, 16);
    elpq_options o = { .flags = ELPQ_READONLY };
    struct answer *held, *a[12];
    int i;

    lock_table();
    held = ask_with(pool, elpq_sql(HELD), &o);
    await_held(1);
    for (i = 0; i < 12; i++)
        a[i] = i == 5 ? ask_with(pool, elpq_sql("select 1 / $1", 0), &o)
                      : ask_with(pool, elpq_sql("select $1", i), &o);
    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 0);
    unlock_table();
    expect_int(held, 0);
    for (i = 0; i < 12; i++) {
        if (i == 5)
            expect_error(a[i], ELPQ_E_SERVER, "22012", 0);
        else
            expect_int(a[i], i);
    }
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------ not sharing */

static struct answer *begin_batch(elpq_pool *pool)
{
    const elpq_statement *list[] = { elpq_sql(HELD), elpq_sql("select 1") };
    struct answer *a = answer_new();

    ck_assert_int_eq(
        CALL(elpq_pool_batch(pool, list, 2, NULL, NULL, on_done, a)), 0);
    return a;
}

static struct answer *start_alone(elpq_pool *pool, int which)
{
    elpq_options exclusive = { .flags = ELPQ_EXCLUSIVE };
    elpq_options session = { .flags = ELPQ_SESSION };

    switch (which) {
    case 0:
        return ask_with(pool, elpq_sql(HELD), &exclusive);
    case 1:
        return ask_with(pool, elpq_sql(HELD), &session);
    case 2:
        return ask(pool, elpq_sql("do 'begin perform * from elpq_share; end'"));
    case 3:
        return ask(pool, elpq_sql("select set_config('work_mem', '1MB', false)"
                                  " from elpq_share"));
    case 4:
        return script(pool, HELD, NULL);
    default:
        return begin_batch(pool);
    }
}
#define ALONE 6

START_TEST(what_goes_alone_gets_no_company)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *alone, *a;

    lock_table();
    alone = start_alone(pool, _i);
    await_held(1);
    a = ask(pool, elpq_sql("select current_setting('work_mem')"));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 1);
    ck_assert_uint_eq(stats(pool).shared, 0);
    unlock_table();
    expect_ok(alone);
    expect_text(a, "4MB");
    finish_pool(pool);
}
END_TEST

/* It joins nobody either, and those behind it do not overtake it. */
START_TEST(what_goes_alone_waits_and_is_not_overtaken)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *held, *alone, *a;

    lock_table();
    held = hold_up(pool);
    alone = _i < ALONE ? start_alone(pool, _i) : acquire(pool, NULL);
    a = ask(pool, elpq_sql("select 1"));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 2);
    ck_assert_uint_eq(stats(pool).shared, 0);
    unlock_table();
    expect_ok(held);
    expect_ok(alone);
    if (alone->conn)
        release(alone->conn);
    expect_int(a, 1);
    ck_assert_uint_gt(alone->order, held->order);
    ck_assert_uint_gt(a->order, alone->order);
    finish_pool(pool);
}
END_TEST

START_TEST(a_reset_after_every_use_shares_nothing)
{
    const elpq_pool_options o = { .max_size = 1, .reset = ELPQ_RESET_ALWAYS };
    elpq_pool *pool = warm_pool(o, 8);
    struct answer *held, *a;

    lock_table();
    held = hold_up(pool);
    a = ask(pool, elpq_sql("select 1"));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 1);
    unlock_table();
    expect_ok(held);
    expect_int(a, 1);
    finish_pool(pool);
}
END_TEST

/* Under load a connection never runs empty; one that is to go gets no more. */
START_TEST(a_connection_that_is_to_go_gets_no_more)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *held, *a;
    int64_t pid = answer_int(ask(pool, elpq_sql(PID)));

    lock_table();
    held = hold_up(pool);
    ck_assert_int_eq(elpq_pool_expire(pool), 0);
    a = ask(pool, elpq_sql(PID));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 1);
    unlock_table();
    expect_ok(held);
    ck_assert_int_ne(answer_int(expect_ok(a)), pid);
    ck_assert_uint_eq(stats(pool).expired, 1);
    finish_pool(pool);
}
END_TEST

/* ---------------------------------------------------------------- outcomes */

START_TEST(cancel_hits_no_other)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *held, *a[4];
    int i;

    lock_table();
    held = hold_up(pool);
    for (i = 0; i < 4; i++)
        a[i] = ask(pool, elpq_sql("select $1", i));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).shared, 4);
    cancel(held);
    expect_error(held, ELPQ_E_CANCELED, "57014", 0);
    for (i = 0; i < 4; i++)
        expect_int(a[i], i);
    ck_assert_uint_eq(stats(pool).cancels, 1);
    unlock_table();
    finish_pool(pool);
}
END_TEST

START_TEST(a_canceled_one_in_the_middle_is_let_go)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *held, *a[3];
    int i;

    lock_table();
    held = hold_up(pool);
    for (i = 0; i < 3; i++)
        a[i] = ask(pool, elpq_sql("select $1", i));
    run_turns(3);
    cancel(a[1]);
    expect_error(a[1], ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(held->calls, 0);
    unlock_table();
    expect_ok(held);
    expect_int(a[0], 0);
    expect_int(a[2], 2);
    /* at most for itself, if it was at the head before its answer had come */
    ck_assert_uint_le(stats(pool).cancels, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(each_has_its_own_deadline)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    elpq_options soon = { .timeout_ms = scaled(1500) };
    struct answer *held, *late, *a;

    lock_table();
    held = hold_up(pool);
    late = ask_with(pool, elpq_sql("select 1"), &soon);
    a = ask(pool, elpq_sql("select 2"));
    expect_error(late, ELPQ_E_TIMEOUT, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(held->calls, 0);
    unlock_table();
    expect_ok(held);
    expect_int(a, 2);
    finish_pool(pool);
}
END_TEST

START_TEST(an_error_touches_no_other)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *held, *a[4];
    int i;

    lock_table();
    held = hold_up(pool);
    for (i = 0; i < 4; i++)
        a[i] = ask(pool, elpq_sql("insert into elpq_share values (4 / $1)"
                                  " returning n", i - 1));
    unlock_table();
    expect_ok(held);
    for (i = 0; i < 4; i++) {
        if (i == 1)
            expect_error(a[i], ELPQ_E_SERVER, "22012", 0);
        else
            expect_int(a[i], 4 / (i - 1));
    }
    ck_assert_int_eq(admin_int("select count(*) from elpq_share"), 3);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* The server was at the first; it has not read the others, which run again,
 * in their order, on another connection. */
START_TEST(what_had_not_begun_outlives_the_connection)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    int pid = (int)answer_int(ask(pool, elpq_sql(PID)));
    struct answer *held, *a[5];
    int i;

    lock_table();
    held = hold_up(pool);
    for (i = 0; i < 5; i++)
        a[i] = ask(pool, elpq_sql("insert into elpq_share values ($1)"
                                  " returning n", i));
    run_turns(3);
    ck_assert_uint_eq(stats(pool).shared, 5);
    terminate(pid);
    expect_error(held, ELPQ_E_LOST, "57P01",
                 ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    unlock_table();
    for (i = 0; i < 5; i++) {
        expect_int(a[i], i);
        if (i > 0)
            ck_assert_uint_gt(a[i]->order, a[i - 1]->order);
    }
    ck_assert_int_eq(admin_int("select count(*) from elpq_share"), 5);
    ck_assert_uint_eq(stats(pool).lost, 1);
    ck_assert_uint_eq(stats(pool).connects, 2);
    finish_pool(pool);
}
END_TEST

static void close_its_pool(struct answer *a)
{
    close_pool(a->data, 0);
}

START_TEST(the_pool_closed_in_a_callback)
{
    elpq_pool *pool = pool_of_depth(1, 8);
    struct answer *held, *a[3];
    int i;

    lock_table();
    held = hold_up(pool);
    held->then = close_its_pool;
    held->data = pool;
    for (i = 0; i < 3; i++)
        a[i] = ask(pool, elpq_sql(HELD));
    run_turns(3);
    unlock_table();
    expect_int(held, 0);
    for (i = 0; i < 3; i++) {
        await(a[i]);
        ck_assert_int_eq(a[i]->code, ELPQ_E_CLOSED);
    }
    await_all();
}
END_TEST

/* Slow and quick ones in a crowd: all are answered, and all is even then. */
START_TEST(a_crowd)
{
    elpq_pool *pool = pool_of_depth(4, 8);
    struct answer *a[400];
    elpq_pool_statistics s;
    int i;

    for (i = 0; i < 400; i++)
        a[i] = i % 40 == 7
                   ? ask(pool, elpq_sql("select $1 from pg_sleep(0.002)", i))
                   : ask(pool, elpq_sql("select $1", i));
    for (i = 0; i < 400; i++)
        expect_int(a[i], i);
    s = stats(pool);
    ck_assert_uint_gt(s.shared, 0);
    ck_assert_uint_eq(s.wait.count, 400);
    ck_assert_uint_eq(s.size, 4);
    ck_assert_uint_eq(s.resets, 0);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "share", 30);

    tcase_add_test(t, a_crowd);
    t = tcase_create("held up");
    tcase_set_timeout(t, 30 * harness_slow());
    tcase_add_checked_fixture(t, setup_table, teardown_table);
    suite_add_tcase(s, t);
    tcase_add_test(t, a_busy_connection_takes_more_up_to_its_depth);
    tcase_add_test(t, idle_connections_come_first);
    tcase_add_test(t, the_pool_grows_first);
    tcase_add_test(t, the_one_with_the_fewest_is_next);
    tcase_add_test(t, nothing_is_sent_behind_a_stalled_statement);
    tcase_add_test(t, an_answer_is_progress);
    tcase_add_test(t, reads_that_share_are_sent_in_groups);
    tcase_add_loop_test(t, what_goes_alone_gets_no_company, 0, ALONE);
    tcase_add_loop_test(t, what_goes_alone_waits_and_is_not_overtaken, 0,
                        ALONE + 1);
    tcase_add_test(t, a_reset_after_every_use_shares_nothing);
    tcase_add_test(t, a_connection_that_is_to_go_gets_no_more);
    tcase_add_test(t, cancel_hits_no_other);
    tcase_add_test(t, a_canceled_one_in_the_middle_is_let_go);
    tcase_add_test(t, each_has_its_own_deadline);
    tcase_add_test(t, an_error_touches_no_other);
    tcase_add_test(t, what_had_not_begun_outlives_the_connection);
    tcase_add_test(t, the_pool_closed_in_a_callback);
}

int main(void)
{
    return harness_main("pool share", build);
}

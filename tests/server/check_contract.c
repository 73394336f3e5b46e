/* SPDX-License-Identifier: PostgreSQL */
/*
 * The contract of every call with a callback, apart from what has a suite of
 * its own (cancel, reset, pool, tx): exactly once and from the loop, copies,
 * order, isolation, bounds, loss, fork.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

/* ------------------------------------------------------------------ once */

START_TEST(results_and_errors_come_once)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(2);
    elpq_tx *tx = begin_now(pool);

    expect_int(ask(conn, elpq_sql("select $1 + 1", 41)), 42);
    expect_int(ask(pool, elpq_sql("select $1 + 1", 42)), 43);
    expect_int(ask(tx, elpq_sql("select $1 + 1", 43)), 44);
    expect_error(ask(conn, elpq_sql("select 1 / $1", 0)), ELPQ_E_SERVER,
                 "22012", 0);
    expect_error(ask(pool, elpq_sql("select 1 / $1", 0)), ELPQ_E_SERVER,
                 "22012", 0);
    expect_error(ask(tx, elpq_sql("select 1 / $1", 0)), ELPQ_E_SERVER,
                 "22012", 0);
    expect_ok(rollback(tx));
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

/* The callback of what was refused never comes. */
static struct answer *refused(void)
{
    struct answer *a = answer_new();

    a->wanted = 0;
    return a;
}

START_TEST(refused_calls_never_call_back)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(1);
    const elpq_statement *st = elpq_sql("select 1");
    struct answer *a = refused();

    ck_assert_int_eq(CALL(elpq_conn_execute(conn, NULL, NULL, on_result, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_conn_execute(conn, st, NULL, NULL, NULL)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_conn_script_trusted(conn, NULL, NULL, NULL,
                                                   on_done, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_pool_execute(pool, NULL, NULL, on_result, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_pool_execute(pool, st, NULL, NULL, NULL)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_pool_acquire(pool, NULL, NULL, NULL)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_pool_begin(pool, NULL, NULL, NULL)),
                     ELPQ_E_USAGE);
    expect_int(ask(conn, elpq_sql("select 5")), 5);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

START_TEST(a_connection_is_not_open_before_its_callback)
{
    struct answer *connecting = start_connect(NULL, NULL);
    elpq_conn *conn = connecting->handle;
    struct answer *a = refused();

    ck_assert(!elpq_conn_is_open(conn));
    ck_assert_int_eq(elpq_conn_pid(conn), 0);
    ck_assert_int_eq(elpq_conn_server_version(conn), 0);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_UNKNOWN);
    ck_assert_int_eq(CALL(elpq_conn_execute(conn, elpq_sql("select 1"), NULL,
                                            on_result, a)),
                     ELPQ_E_CLOSED);
    expect_ok(connecting);
    ck_assert(elpq_conn_is_open(conn));
    ck_assert_int_gt(elpq_conn_pid(conn), 0);
    ck_assert_int_gt(elpq_conn_server_version(conn), 120000);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    ck_assert_str_eq(elpq_conn_parameter(conn, "client_encoding"), "UTF8");
    ck_assert_ptr_null(elpq_conn_parameter(conn, "no_such_parameter"));
    ck_assert(!elpq_conn_tls(conn));
    close_conn(conn);
}
END_TEST

START_TEST(closing_while_connecting_answers_once)
{
    struct answer *at_once = start_connect(NULL, NULL);
    struct answer *later = start_connect(NULL, NULL);

    close_conn(at_once->handle);
    ck_assert_int_eq(at_once->calls, 0);
    run_turns(3);
    if (!later->calls)
        close_conn(later->handle);
    else
        close_conn(later->conn);
    expect_error(at_once, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    await(later);
}
END_TEST

START_TEST(closing_answers_everything_once_in_order)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *running, *behind, *unsent;

    lock_server();
    running = ask(conn, elpq_sql(BLOCKED));
    behind = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    unsent = ask(conn, elpq_sql("select 3"));
    ck_assert_uint_eq(elpq_conn_pending(conn), 3);
    close_conn(conn);
    ck_assert_uint_eq(answers_with(ELPQ_E_CLOSED), 0);
    expect_error(running, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_error(behind, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_error(unsent, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    ck_assert_uint_lt(running->order, behind->order);
    ck_assert_uint_lt(behind->order, unsent->order);
}
END_TEST

START_TEST(closing_a_pool_answers_everything_once)
{
    elpq_pool *pool = pool_of(1);
    struct answer *running, *waiting, *lease_in_line, *tx_in_line, *end;

    lock_server();
    running = ask(pool, elpq_sql(BLOCKED));
    await_blocked(1);
    waiting = ask(pool, elpq_sql("select 2"));
    lease_in_line = acquire(pool, NULL);
    tx_in_line = begin(pool, NULL);
    end = close_pool(pool, 0);
    expect_error(running, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_error(waiting, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_error(lease_in_line, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_error(tx_in_line, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_ok(end);
    ck_assert_uint_eq(end->order, 5);
}
END_TEST

/* ------------------------------------------------------------------- loss */

/* The FATAL error of the server answers the head.  It runs its statements in
 * order, so it proves that those behind did not run. */
START_TEST(loss_answers_every_pipelined_statement_once)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *head, *behind[20], *late = refused();
    unsigned i;

    lock_server();
    head = ask(conn, elpq_sql(BLOCKED));
    for (i = 0; i < 20; i++)
        behind[i] = ask(conn, elpq_sql("select $1", (int)i));
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    expect_error(head, ELPQ_E_LOST, "57P01", ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    for (i = 0; i < 20; i++) {
        expect_error(behind[i], ELPQ_E_LOST, "57P01",
                     ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
        ck_assert_uint_eq(behind[i]->order, head->order + i + 1);
    }
    ck_assert(!elpq_conn_is_open(conn));
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_UNKNOWN);
    ck_assert_int_eq(CALL(elpq_conn_execute(conn, elpq_sql("select 1"), NULL,
                                            on_result, late)),
                     ELPQ_E_CLOSED);
    close_conn(conn);
}
END_TEST

/* Nothing is under way: nobody is told but by elpq_conn_is_open(). */
START_TEST(loss_of_an_idle_connection_is_seen)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);

    terminate(elpq_conn_pid(conn));
    await_events(ELPQ_EVENT_DISCONNECTED, 1);
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
}
END_TEST

/* What is given to a connection that is gone, before the loop has seen it. */
START_TEST(a_statement_for_a_dead_connection_is_answered)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;

    terminate(elpq_conn_pid(conn));
    a = await(ask(conn, elpq_sql("select 1")));
    ck_assert_int_eq(a->code, ELPQ_E_LOST);
    ck_assert_str_eq(a->sqlstate, "57P01");
    close_conn(conn);
}
END_TEST

/* -------------------------------------------------- ownership and order */

START_TEST(sql_and_values_are_copied_at_submit)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    char sql[] = "select $1 || $2::text || $3::text";
    char text[] = "abc";
    int32_t numbers[] = { 1, 2, 3 };
    char tag[] = "a tag";
    elpq_value values[3] = { elpq_text(text), elpq_array_int32(numbers, 3),
                             elpq_int32(7) };
    elpq_statement st = elpq_sql_from_trusted_string(sql, values, 3);
    elpq_options o = { .tag = tag };
    struct answer *a = ask_with(conn, &st, &o);

    memset(sql, 'x', sizeof(sql));
    memset(text, 'x', sizeof(text));
    memset(numbers, 0x7f, sizeof(numbers));
    memset(values, 0xff, sizeof(values));
    memset(tag, 'x', sizeof(tag));
    memset(&st, 0xff, sizeof(st));
    expect_text(a, "abc{1,2,3}7");
    close_conn(conn);
}
END_TEST

START_TEST(a_kept_result_outlives_its_connection)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a =
        expect_ok(ask(conn, elpq_sql("select g, 'row ' || g"
                                     " from generate_series(1, 1000) g")));

    close_conn(conn);
    run_turns(5);
    ck_assert_uint_eq(elpq_rows(a->result), 1000);
    ck_assert_str_eq(elpq_get_text(a->result, 999, 1), "row 1000");
}
END_TEST

START_TEST(pipelined_statements_are_answered_in_order)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[200];
    int i;

    for (i = 0; i < 200; i++)
        a[i] = ask(conn, elpq_sql("select $1", i));
    ck_assert_uint_eq(elpq_conn_pending(conn), 200);
    for (i = 0; i < 200; i++) {
        expect_int(a[i], i);
        ck_assert_uint_eq(a[i]->order, (unsigned)i + 2);
    }
    ck_assert_uint_eq(elpq_conn_pending(conn), 0);
    close_conn(conn);
}
END_TEST

/* Errors of each kind: found by Parse, by Bind, while running, by us. */
static struct answer *ask_what_fails(elpq_conn *conn, int kind)
{
    switch (kind % 4) {
    case 0:
        return ask(conn, elpq_sql("select nothing_of_the_kind"));
    case 1:
        return ask(conn, elpq_sql("select $1::int", "no number"));
    case 2:
        return ask(conn, elpq_sql("select 1 / $1", 0));
    default:
        return ask(conn, elpq_sql("select $1",
                                  elpq_typed(ELPQ_OID_INT2,
                                             elpq_int32(70000))));
    }
}

START_TEST(one_failing_does_not_touch_the_others)
{
    static const char *const states[] = { "42703", "22P02", "22012", "" };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[60];
    unsigned last = 0;
    int i;

    for (i = 0; i < 60; i++)
        a[i] = i % 3 == 1 ? ask_what_fails(conn, i / 3)
                          : ask(conn, elpq_sql("select $1", i));
    for (i = 0; i < 60; i++) {
        if (i % 3 != 1)
            expect_int(a[i], i);
        else if (i / 3 % 4 == 3)
            expect_error(a[i], ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
        else
            expect_error(a[i], ELPQ_E_SERVER, states[i / 3 % 4], 0);
        /* What never goes to the server may be answered at once. */
        if (a[i]->code == ELPQ_E_VALUE)
            continue;
        ck_assert_uint_gt(a[i]->order, last);
        last = a[i]->order;
    }
    close_conn(conn);
}
END_TEST

/* Each with its own Sync: what went before a failing one stays done. */
START_TEST(each_statement_commits_alone)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[3];

    expect_ok(ask(conn, elpq_sql("create temp table t (n int primary key)")));
    a[0] = ask(conn, elpq_sql("insert into t values (1)"));
    a[1] = ask(conn, elpq_sql("insert into t values (1)"));
    a[2] = ask(conn, elpq_sql("insert into t values (2)"));
    expect_ok(a[0]);
    expect_error(a[1], ELPQ_E_SERVER, "23505", 0);
    expect_ok(a[2]);
    ck_assert_uint_eq(elpq_affected(a[2]->result), 1);
    expect_int(ask(conn, elpq_sql("select sum(n) from t")), 3);
    close_conn(conn);
}
END_TEST

/* ----------------------------------------------------------------- bounds */

START_TEST(max_queued_refuses_one_more)
{
    elpq_conn_options o = { .max_queued = 5 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a[5], *sixth = refused();
    int i;

    lock_server();
    a[0] = ask(conn, elpq_sql(BLOCKED));
    for (i = 1; i < 5; i++)
        a[i] = ask(conn, elpq_sql("select $1", i));
    ck_assert_int_eq(CALL(elpq_conn_execute(conn, elpq_sql("select 5"), NULL,
                                            on_result, sixth)),
                     ELPQ_E_FULL);
    await_blocked(1);
    ck_assert_int_eq(CALL(elpq_conn_script_trusted(conn, "select 5", NULL,
                                                   on_each, on_done, sixth)),
                     ELPQ_E_FULL);
    unlock_server();
    expect_ok(a[0]);
    for (i = 1; i < 5; i++)
        expect_int(a[i], i);
    expect_int(ask(conn, elpq_sql("select 6")), 6);
    close_conn(conn);
}
END_TEST

START_TEST(max_pipeline_bounds_what_is_unanswered)
{
    elpq_conn_options o = traced();
    elpq_conn *conn;
    int i, unanswered = 0, most = 0;

    o.max_pipeline = 4;
    conn = connect_now(NULL, &o);
    for (i = 0; i < 50; i++)
        ask(conn, elpq_sql("select $1", i));
    await_all();
    for (i = 0; i < seen_count; i++) {
        unanswered += seen[i].kind == ELPQ_EVENT_SENT;
        unanswered -= seen[i].kind == ELPQ_EVENT_DONE;
        most = unanswered > most ? unanswered : most;
    }
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 50);
    ck_assert_int_eq(most, 4);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- fork */

static int child_of_fork(elpq_pool *pool, elpq_conn *conn)
{
    struct answer a = { 0 };
    const elpq_statement *st = elpq_sql("select 1");

    if (elpq_pool_execute(pool, st, NULL, on_result, &a) != ELPQ_E_FORKED)
        return 1;
    if (elpq_conn_execute(conn, st, NULL, on_result, &a) != ELPQ_E_FORKED)
        return 2;
    if (elpq_pool_acquire(pool, NULL, on_conn, &a) != ELPQ_E_FORKED)
        return 3;
    if (elpq_pool_begin(pool, NULL, on_tx, &a) != ELPQ_E_FORKED)
        return 4;
    if (elpq_conn_begin(conn, NULL, on_tx, &a) != ELPQ_E_FORKED)
        return 5;
    if (elpq_conn_script_trusted(conn, "select 1", NULL, NULL, on_done, &a) !=
        ELPQ_E_FORKED)
        return 6;
    elpq_conn_close(conn);
    elpq_pool_close(pool, 0, NULL, NULL);
    return a.calls ? 7 : 0;
}

START_TEST(a_forked_child_gets_an_error_and_harms_nobody)
{
    elpq_pool *pool = pool_of(2);
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *in_flight;
    int status = -1;
    pid_t pid;

    lock_server();
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    in_flight = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    pid = fork();
    if (pid == 0)
        _exit(child_of_fork(pool, conn));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child died: %d", status);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    unlock_server();
    expect_ok(in_flight);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

/* ---------------------------------------------------------------- leaks */

static void one_round(void)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(2);
    elpq_tx *tx = begin_now(pool);

    expect_ok(ask(tx, elpq_sql("select $1", "text")));
    expect_ok(commit(tx));
    expect_error(ask(conn, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012",
                 0);
    ask(pool, elpq_sql("select 1"));
    finish_pool(pool);
    close_conn(conn);
    settle_answers();
}

/* Sanitizers and valgrind see a lost block; this sees one that is kept, where
 * malloc() is the C library's.  Its caches grow by a page or two, however many
 * the rounds. */
START_TEST(rounds_of_use_leave_no_memory_behind)
{
    const int rounds = 150;
    size_t before, after;
    int i;

    if (harness_slow() > 1)
        return;
    for (i = 0; i < 10; i++)
        one_round();
    before = mallinfo2().uordblks;
    for (i = 0; i < rounds; i++)
        one_round();
    after = mallinfo2().uordblks;
    ck_assert_msg(after < before + (size_t)rounds * 64,
                  "%zu bytes more after %d rounds", after - before, rounds);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "once", 0);

    tcase_add_test(t, results_and_errors_come_once);
    tcase_add_test(t, refused_calls_never_call_back);
    tcase_add_test(t, a_connection_is_not_open_before_its_callback);
    tcase_add_test(t, closing_while_connecting_answers_once);
    tcase_add_test(t, closing_answers_everything_once_in_order);
    tcase_add_test(t, closing_a_pool_answers_everything_once);
    t = harness_case(s, "loss", 0);
    tcase_add_test(t, loss_answers_every_pipelined_statement_once);
    tcase_add_test(t, loss_of_an_idle_connection_is_seen);
    tcase_add_test(t, a_statement_for_a_dead_connection_is_answered);
    t = harness_case(s, "ownership", 0);
    tcase_add_test(t, sql_and_values_are_copied_at_submit);
    tcase_add_test(t, a_kept_result_outlives_its_connection);
    t = harness_case(s, "isolation", 0);
    tcase_add_test(t, pipelined_statements_are_answered_in_order);
    tcase_add_test(t, one_failing_does_not_touch_the_others);
    tcase_add_test(t, each_statement_commits_alone);
    t = harness_case(s, "bounds", 0);
    tcase_add_test(t, max_queued_refuses_one_more);
    tcase_add_test(t, max_pipeline_bounds_what_is_unanswered);
    t = harness_case(s, "process", 60);
    tcase_add_test(t, a_forked_child_gets_an_error_and_harms_nobody);
    tcase_add_test(t, rounds_of_use_leave_no_memory_behind);
}

int main(void)
{
    return harness_main("contract", build);
}

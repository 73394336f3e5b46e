/* SPDX-License-Identifier: PostgreSQL */
/*
 * elpq_transact() ends in every phase when it must: by a cancel, the deadline,
 * a pool that closes.
 */
#include <signal.h>

#include "transact.h"

/* ------------------------------------------------------------- not stopped */

/* Longer than requests have by default here. */
static void nap(struct job *job)
{
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };

    job->pipelined = true;
    ck_assert_int_eq(
        CALL(elpq_execute(job->tx, sql_text(INSERT), NULL, on_statement, job)),
        0);
    ck_assert_int_eq(
        CALL(elpq_execute(job->tx,
                          sql_format("select pg_sleep(%f)", harness_slow()),
                          &patient, on_statement, job)),
        0);
}

static void nap_and_commit(struct job *job)
{
    nap(job);
    ck_assert_int_eq(CALL(elpq_transact_commit(job->t)), 0);
}

static void nap_and_roll_back(struct job *job)
{
    nap(job);
    ck_assert_int_eq(CALL(elpq_transact_rollback(job->t, NULL)), 0);
}

/* What ends a transaction has the time that the whole has, and not what other
 * requests have. */
START_TEST(the_end_waits_as_long_as_the_whole_may)
{
    elpq_pool_options po = { .max_size = 1,
                             .conn.timeout_ms = (int)(300 * harness_slow()) };
    elpq_pool *pool = pool_new(&po);
    elpq_transact_options o = quick(&jobs[0]);
    elpq_tx *tx = _i & 2 ? begin_now(pool) : NULL;

    o.timeout_ms = (int)(10000 * harness_slow());
    jobs[0].body = _i & 1 ? nap_and_roll_back : nap_and_commit;
    if (tx)
        run_on(tx, &jobs[0], &o);
    else
        run_on(pool, &jobs[0], &o);
    if (_i & 1)
        expect_error(jobs[0].done, ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    else
        expect_ok(jobs[0].done);
    ck_assert_int_eq(jobs[0].bodies, 1);
    if (tx)
        expect_ok(commit(tx));
    ck_assert_int_eq(rows(), _i & 1 ? 0 : 1);
    ck_assert_uint_eq(stats(pool).lost + stats(pool).discarded, 0);
    finish_pool(pool);
}
END_TEST

/* ----------------------------------------------------------------- stopped */

static void submit(struct job *job, const char *sql)
{
    ck_assert_int_eq(
        CALL(elpq_execute(job->tx, sql_text(sql), NULL, on_statement, job)), 0);
}

static void block(struct job *job)
{
    job->pipelined = true;
    submit(job, INSERT);
    submit(job, BLOCKED);
    submit(job, INSERT);
}

static void block_and_commit(struct job *job)
{
    block(job);
    ck_assert_int_eq(CALL(elpq_transact_commit(job->t)), 0);
}

static void expect_usable(elpq_pool *pool)
{
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}

/* By the deadline or by hand, in a body that waits, runs, or has committed. */
START_TEST(stopped_in_the_body)
{
    static void (*const bodies[])(struct job *) = { idle_body, block,
                                                    block_and_commit };
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);
    bool by_hand = _i & 1;

    if (!by_hand)
        o.timeout_ms = (int)(300 * harness_slow());
    lock_server();
    jobs[0].body = bodies[_i / 2];
    run_on(pool, &jobs[0], &o);
    if (by_hand) {
        wait_for_bodies(&jobs[0], 1);
        if (_i / 2 > 0)
            await_blocked(1);
        RUN(elpq_transact_cancel(jobs[0].t));
        RUN(elpq_transact_cancel(jobs[0].t));
    }
    expect_error(jobs[0].done, by_hand ? ELPQ_E_CANCELED : ELPQ_E_TIMEOUT, "",
                 ELPQ_NOT_EXECUTED);
    ck_assert_int_le(jobs[0].bodies, 1);
    unlock_server();
    expect_usable(pool);
}
END_TEST

/* A part whose body waits; what is around it was rolled back, and others have
 * the connection: their statement waits as well. */
static struct answer *lend_to_others(elpq_pool *pool, elpq_transact_options *o,
                                     elpq_tx **other)
{
    elpq_tx *tx = begin_now(pool);
    struct answer *work;

    jobs[0].body = idle_body;
    run_on(tx, &jobs[0], o);
    wait_for_bodies(&jobs[0], 1);
    expect_ok(rollback(tx));
    *other = begin_now(pool);
    lock_server();
    work = ask(*other, elpq_sql(BLOCKED));
    await_blocked(1);
    return work;
}

/* Its transaction was ended from outside, and another has the connection. */
START_TEST(stopped_when_others_have_the_connection)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);
    elpq_tx *other;
    struct answer *work;

    if (_i == 0)
        o.timeout_ms = scaled(2000);
    work = lend_to_others(pool, &o, &other);
    if (_i == 1)
        RUN(elpq_transact_cancel(jobs[0].t));
    expect_error(jobs[0].done, _i ? ELPQ_E_CANCELED : ELPQ_E_TIMEOUT, "",
                 ELPQ_NOT_EXECUTED);
    run_turns(20);
    unlock_server();
    expect_ok(work);
    expect_ok(commit(other));
    expect_usable(pool);
}
END_TEST

/* The same, and its body commits: nothing is asked of the other's session. */
START_TEST(committed_when_others_have_the_connection)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);
    elpq_tx *other;
    struct answer *work;

    work = lend_to_others(pool, &o, &other);
    ck_assert_int_eq(CALL(_i ? elpq_transact_rollback(jobs[0].t, NULL)
                             : elpq_transact_commit(jobs[0].t)),
                     0);
    expect_error(jobs[0].done, ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(work->calls, 0);
    unlock_server();
    expect_ok(work);
    expect_ok(commit(other));
    expect_usable(pool);
}
END_TEST

/* What others have behind it goes on. */
START_TEST(stopped_with_others_behind)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_transact_options o = quick(&jobs[0]);
    struct answer *behind;

    lock_server();
    jobs[0].body = block_and_commit;
    run_on(conn, &jobs[0], &o);
    wait_for_bodies(&jobs[0], 1);
    await_blocked(1);
    behind = ask(conn, elpq_sql("select 5"));
    RUN(elpq_transact_cancel(jobs[0].t));
    await(jobs[0].done);
    ck_assert_int_eq(jobs[0].done->code, ELPQ_E_CANCELED);
    expect_int(behind, 5);
    unlock_server();
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

static void hold_on(struct job *job)
{
    block(job);
    ck_assert_int_eq(CALL(elpq_transact_rollback(job->t, NULL)), 0);
}

/* What it is in goes on, however often it is canceled on its way back. */
START_TEST(canceled_while_it_rolls_back)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_transact_options o = quick(&jobs[0]);

    lock_server();
    jobs[0].body = _i == 0 ? hold_on : block;
    run_on(tx, &jobs[0], &o);
    wait_for_bodies(&jobs[0], 1);
    await_blocked(1);
    RUN(elpq_transact_cancel(jobs[0].t));
    RUN(elpq_transact_cancel(jobs[0].t));
    await(jobs[0].done);
    ck_assert_int_lt(jobs[0].done->code, 0);
    unlock_server();
    expect_ok(ask(tx, sql_text(INSERT)));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

/* A part that has not begun: it does not wait for what is in front of it, by
 * the deadline or by hand, sent or not, and what is around it goes on. */
START_TEST(stopped_before_a_part_begins)
{
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_transact_options o = quick(&jobs[0]);
    struct answer *busy;

    expect_ok(ask(tx, sql_text(INSERT)));
    lock_server();
    if (_i & 1)
        o.timeout_ms = (int)(200 * harness_slow());
    busy = _i & 2 ? script(conn, BLOCKED, &patient)
                  : ask_with(tx, elpq_sql(BLOCKED), &patient);
    run_on(tx, &jobs[0], &o);
    await_blocked(1);
    if (!(_i & 1)) {
        RUN(elpq_transact_cancel(jobs[0].t));
        RUN(elpq_transact_cancel(jobs[0].t));
    }
    expect_error(jobs[0].done, _i & 1 ? ELPQ_E_TIMEOUT : ELPQ_E_CANCELED, "",
                 ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(jobs[0].bodies, 0);
    ck_assert_int_eq(busy->calls, 0);
    /* Another part, meanwhile. */
    run_on(tx, &jobs[1], NULL);
    unlock_server();
    expect_ok(busy);
    expect_ok(jobs[1].done);
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* Nobody waits for its SAVEPOINT any more, nor does it get a cancel: but a
 * server that does not answer it is given up all the same. */
START_TEST(stopped_before_a_part_begins_by_a_dead_server)
{
    elpq_conn_options co = { .cancel_grace_ms = scaled(300) };
    elpq_conn *conn = connect_now(NULL, &co);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_transact_options o = quick(&jobs[0]);
    const int pid = elpq_conn_pid(conn);
    struct answer *end;

    if (signal_server(pid, SIGSTOP)) {
        o.timeout_ms = scaled(200);
        run_on(tx, &jobs[0], &o);
        await(jobs[0].done);
        ck_assert_int_eq(jobs[0].done->code, ELPQ_E_TIMEOUT);
        end = await(commit(tx));
        ck_assert_int_ne(end->code, 0);
        ck_assert(!elpq_conn_is_open(conn));
        signal_server(pid, SIGCONT);
    } else {
        expect_ok(rollback(tx));
    }
    close_conn(conn);
}
END_TEST

/* In each phase of a part. */
START_TEST(a_part_canceled_after_some_turns)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_transact_options o = quick(&jobs[0]);

    expect_ok(ask(tx, sql_text(INSERT)));
    jobs[0].body = idle_body;
    run_on(tx, &jobs[0], &o);
    run_turns(_i);
    RUN(elpq_transact_cancel(jobs[0].t));
    expect_error(jobs[0].done, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_ok(ask(tx, sql_text(INSERT)));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    close_conn(conn);
}
END_TEST

static void cancel_commit(const elpq_event *event)
{
    if (event->kind == ELPQ_EVENT_SUBMIT && event->sql &&
        strcmp(event->sql, "COMMIT") == 0)
        RUN(elpq_transact_cancel(jobs[0].t));
}

/* Inside of the call that submits COMMIT: no transaction stays behind. */
START_TEST(canceled_as_commit_is_submitted)
{
    elpq_conn_options co = traced();
    elpq_conn *conn = connect_now(NULL, &co);
    elpq_transact_options o = quick(&jobs[0]);

    trace_then = cancel_commit;
    run_on(conn, &jobs[0], &o);
    expect_error(jobs[0].done, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    trace_then = NULL;
    expect_ok(ask(conn, sql_text(INSERT)));
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* It was to run again in a lease that has ended in the pause. */
START_TEST(released_in_the_pause)
{
    elpq_pool_options po = { .max_size = 1, .conn = traced() };
    elpq_pool *pool = pool_new(&po);
    elpq_conn *conn = lease(pool);
    elpq_transact_options o = quick(&jobs[0]);
    elpq_tx *other;

    o.backoff_min_ms = o.backoff_max_ms = 100;
    jobs[0].failures = 1;
    jobs[0].fail_with = CONFLICT;
    run_on(conn, &jobs[0], &o);
    while (events_of(ELPQ_EVENT_RETRY) == 0)
        harness_turn(EVLOOP_ONCE);
    release(conn);
    other = begin_now(pool);
    expect_error(jobs[0].done, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(jobs[0].bodies, 1);
    expect_ok(ask(other, elpq_sql("select 1")));
    expect_ok(commit(other));
    expect_usable(pool);
}
END_TEST

START_TEST(canceled_while_it_waits)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_transact_options o = quick(&jobs[0]);

    run_on(pool, &jobs[0], &o);
    run_turns(_i);
    RUN(elpq_transact_cancel(jobs[0].t));
    expect_error(jobs[0].done, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(jobs[0].bodies, 0);
    release(conn);
    expect_usable(pool);
}
END_TEST

/* Wherever that is: before, in or after BEGIN. */
START_TEST(canceled_after_some_turns)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    jobs[0].body = idle_body;
    run_on(pool, &jobs[0], &o);
    run_turns(_i);
    RUN(elpq_transact_cancel(jobs[0].t));
    expect_error(jobs[0].done, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_usable(pool);
}
END_TEST

/* False if the deadline passed before there was a pause: it was too short. */
static bool pauses(const struct job *job)
{
    int before = events_of(ELPQ_EVENT_RETRY);

    while (!job->done->calls && events_of(ELPQ_EVENT_RETRY) == before)
        harness_turn(EVLOOP_ONCE);
    return events_of(ELPQ_EVENT_RETRY) > before;
}

START_TEST(stopped_in_the_pause)
{
    elpq_pool_options po = { .max_size = 1, .conn = traced() };
    elpq_pool *pool = pool_new(&po);
    elpq_transact_options o = quick(&jobs[0]);

    o.backoff_min_ms = o.backoff_max_ms = 1000000;
    if (_i == 0)
        o.timeout_ms = 100;
    release(lease(pool)); /* the deadline is not for the connect */
    do {
        jobs[0] = (struct job){ .failures = 1, .fail_with = CONFLICT };
        o.timeout_ms *= 2;
        run_on(pool, &jobs[0], &o);
    } while (!pauses(&jobs[0]));
    if (_i == 1)
        RUN(elpq_transact_cancel(jobs[0].t));
    if (_i == 2)
        finish_pool(pool);
    expect_error(jobs[0].done,
                 _i == 0   ? ELPQ_E_TIMEOUT
                 : _i == 1 ? ELPQ_E_CANCELED
                           : ELPQ_E_CLOSED,
                 "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(jobs[0].bodies, 1);
    if (_i != 2)
        finish_pool(pool);
}
END_TEST

START_TEST(the_pool_closes_after_some_turns)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    jobs[0].failures = 1;
    jobs[0].fail_with = CONFLICT;
    run_on(pool, &jobs[0], &o);
    run_turns(_i);
    finish_pool(pool);
    await(jobs[0].done);
    ck_assert_int_ge(jobs[0].done->calls, 1);
}
END_TEST

static void close_in_body(struct job *job)
{
    RUN(elpq_pool_close(job->done->data, 0, NULL, NULL));
    (void)CALL(elpq_transact_commit(job->t));
}

static void cancel_in_body(struct job *job)
{
    RUN(elpq_transact_cancel(job->t));
    ck_assert_int_eq(CALL(elpq_transact_commit(job->t)), ELPQ_E_USAGE);
}

START_TEST(closing_and_canceling_in_the_body)
{
    elpq_pool *pool = pool_of(1);

    jobs[0].body = _i ? cancel_in_body : close_in_body;
    run_on(pool, &jobs[0], NULL);
    jobs[0].done->data = pool;
    await(jobs[0].done);
    ck_assert_int_ne(jobs[0].done->code, 0);
    ck_assert_uint_eq(jobs[0].done->flags & ELPQ_IN_DOUBT, 0);
    if (_i)
        finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = table_case(s, "not stopped");

    tcase_add_loop_test(t, the_end_waits_as_long_as_the_whole_may, 0, 4);
    t = table_case(s, "stopped");
    tcase_add_loop_test(t, stopped_in_the_body, 0, 6);
    tcase_add_loop_test(t, stopped_when_others_have_the_connection, 0, 2);
    tcase_add_loop_test(t, committed_when_others_have_the_connection, 0, 2);
    tcase_add_test(t, stopped_with_others_behind);
    tcase_add_test(t, released_in_the_pause);
    tcase_add_loop_test(t, canceled_while_it_rolls_back, 0, 2);
    tcase_add_loop_test(t, stopped_before_a_part_begins, 0, 4);
    tcase_add_test(t, stopped_before_a_part_begins_by_a_dead_server);
    tcase_add_loop_test(t, a_part_canceled_after_some_turns, 0, 6);
    tcase_add_test(t, canceled_as_commit_is_submitted);
    tcase_add_loop_test(t, canceled_while_it_waits, 0, 2);
    tcase_add_loop_test(t, canceled_after_some_turns, 0, 6);
    tcase_add_loop_test(t, stopped_in_the_pause, 0, 3);
    tcase_add_loop_test(t, the_pool_closes_after_some_turns, 0, 10);
    tcase_add_loop_test(t, closing_and_canceling_in_the_body, 0, 2);
}

int main(void)
{
    return harness_main("transact stop", build);
}

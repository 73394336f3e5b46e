/* SPDX-License-Identifier: PostgreSQL */
/*
 * elpq_transact(): that a body runs again when and only when nothing was
 * committed, and that a lost COMMIT is found out about.  And two-phase commit.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "../../lib/conn_int.h"
#include "../../lib/transact_int.h"
#include "transact.h"

/* COMMIT of who has inserted waits for LOCK_KEY. */
static void make_commit_wait(void)
{
    admin_do("create or replace function elpq_transact_wait() returns trigger"
             " language plpgsql as $$ begin perform"
             " pg_advisory_xact_lock_shared(%d); return null; end $$",
             LOCK_KEY);
    admin_do("create constraint trigger wait after insert on elpq_transact"
             " deferrable initially deferred for each row"
             " execute function elpq_transact_wait()");
}

/* -------------------------------------------------------------- ends well */

START_TEST(the_body_commits)
{
    elpq_pool *pool = pool_of(1);

    jobs[0].pipelined = _i;
    run_on(pool, &jobs[0], NULL);
    expect_ok(jobs[0].done);
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(jobs[0].bodies, 1);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    ck_assert_uint_eq(stats(pool).cancels, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(what_conflicts_runs_again)
{
    elpq_pool_options po = { .max_size = 1, .conn = traced() };
    elpq_pool *pool = pool_new(&po);
    elpq_transact_options o = quick(&jobs[0]);

    jobs[0].pipelined = _i;
    jobs[0].failures = 3;
    jobs[0].fail_with = CONFLICT;
    o.wait_for_id = _i;
    run_on(pool, &jobs[0], &o);
    expect_ok(jobs[0].done);
    ck_assert_int_eq(jobs[0].bodies, 4);
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_RETRY), 3);
    finish_pool(pool);
}
END_TEST

START_TEST(on_a_connection_as_well)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_transact_options o = quick(&jobs[0]);

    jobs[0].failures = 2;
    jobs[0].fail_with = CONFLICT;
    run_on(conn, &jobs[0], &o);
    expect_ok(jobs[0].done);
    ck_assert_int_eq(jobs[0].bodies, 3);
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* Real conflicts: eight read and write the same row at once. */
static void increment(struct job *job)
{
    job->pipelined = true;
    ck_assert_int_eq(CALL(elpq_execute(
        job->tx, elpq_sql("update elpq_transact set n = n + 1"), NULL,
        on_statement, job)), 0);
    ck_assert_int_eq(CALL(elpq_transact_commit(job->t)), 0);
}

START_TEST(real_conflicts_are_all_resolved)
{
    elpq_pool *pool = pool_of(8);
    elpq_transact_options o = { .tx.isolation = ELPQ_SERIALIZABLE,
                                .max_attempts = 1000,
                                .backoff_min_ms = 1,
                                .backoff_max_ms = 20 };
    int i, bodies = 0;

    admin_do("insert into elpq_transact values (0)");
    for (i = 0; i < 8; i++) {
        jobs[i].body = increment;
        run_on(pool, &jobs[i], &o);
    }
    for (i = 0; i < 8; i++) {
        expect_ok(jobs[i].done);
        bodies += jobs[i].bodies;
    }
    ck_assert_int_ge(bodies, 8);
    ck_assert_int_eq(admin_int("select n from elpq_transact"), 8);
    finish_pool(pool);
}
END_TEST

/* Each locks the other's row second, when both have their own. */
static void lock_both(struct job *job)
{
    int mine = job == &jobs[0];

    job->pipelined = true;
    (void)CALL(elpq_execute(job->tx,
                      elpq_sql("update elpq_transact set n = n where n = $1",
                               mine), NULL, on_statement, job));
    (void)CALL(elpq_execute(job->tx, elpq_sql(BLOCKED), NULL, on_statement,
                      job));
    (void)CALL(elpq_execute(job->tx,
                      elpq_sql("update elpq_transact set n = n where n = $1",
                               1 - mine), NULL, on_statement, job));
    ck_assert_int_eq(CALL(elpq_transact_commit(job->t)), 0);
}

START_TEST(a_deadlock_is_one_attempt_more)
{
    elpq_pool *pool = pool_of(2);
    int i;

    admin_do("insert into elpq_transact values (0), (1)");
    lock_server();
    for (i = 0; i < 2; i++) {
        jobs[i].body = lock_both;
        run_on(pool, &jobs[i], NULL);
    }
    await_blocked(2);
    unlock_server();
    expect_ok(jobs[0].done);
    expect_ok(jobs[1].done);
    ck_assert_int_ge(jobs[0].bodies + jobs[1].bodies, 3);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------ fails */

START_TEST(after_max_attempts_the_last_error_is_told)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);

    o.max_attempts = 3;
    jobs[0].failures = 100;
    jobs[0].fail_with = CONFLICT;
    jobs[0].pipelined = _i;
    run_on(pool, &jobs[0], &o);
    expect_error(jobs[0].done, _i ? ELPQ_E_ROLLED_BACK : ELPQ_E_SERVER,
                 "40001", ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(jobs[0].bodies, 3);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(other_errors_are_told_at_once)
{
    elpq_pool *pool = pool_of(1);

    jobs[0].sql = FAILURE;
    jobs[0].pipelined = _i;
    run_on(pool, &jobs[0], NULL);
    expect_error(jobs[0].done, _i ? ELPQ_E_ROLLED_BACK : ELPQ_E_SERVER,
                 "22012", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(jobs[0].bodies, 1);
    finish_pool(pool);
}
END_TEST

static void give_up(struct job *job)
{
    struct answer *never = answer_new();

    never->wanted = 0;
    /* It is not the body's to end. */
    ck_assert_int_eq(CALL(elpq_commit(job->tx, on_done, never)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_rollback(job->tx, NULL, NULL)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_prepare_transaction(job->tx, "g", on_done,
                                                   never)), ELPQ_E_USAGE);
    idle_body(job);
    ck_assert_int_eq(CALL(elpq_transact_rollback(job->t, NULL)), 0);
    ck_assert_int_eq(CALL(elpq_transact_rollback(job->t, NULL)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_transact_commit(job->t)), ELPQ_E_USAGE);
}

START_TEST(a_body_that_gives_up_rolls_back)
{
    elpq_pool *pool = pool_of(1);

    jobs[0].body = give_up;
    run_on(pool, &jobs[0], NULL);
    expect_error(jobs[0].done, ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
    ck_assert_int_eq(jobs[0].bodies, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(calls_that_make_no_sense)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = { .tx.isolation = (elpq_isolation)9 };

    ck_assert_int_eq(elpq_pool_transact(NULL, NULL, body_of, on_done, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_transact(pool, NULL, NULL, on_done, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_transact(pool, NULL, body_of, NULL, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_transact(pool, &o, body_of, on_done, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_tx_transact(NULL, NULL, body_of, on_done, NULL),
                     ELPQ_E_USAGE);
    elpq_transact_cancel(NULL);
    finish_pool(pool);
}
END_TEST

/* -------------------------------------------------------------------- lost */

START_TEST(lost_in_the_body_it_runs_again)
{
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);

    lock_server();
    jobs[0].sql = BLOCKED;
    run_on(pool, &jobs[0], &o);
    await_blocked(1);
    terminate(elpq_conn_pid(elpq_tx_conn(jobs[0].tx)));
    wait_for_bodies(&jobs[0], 2);
    unlock_server();
    expect_ok(jobs[0].done);
    finish_pool(pool);
}
END_TEST

/* What closes the connection by itself would do so each time. */
START_TEST(lost_by_what_would_come_again_it_runs_once)
{
    elpq_pool_options po = { .max_size = 1, .conn.max_result_bytes = 100000 };
    elpq_pool *pool = pool_new(&po);
    elpq_transact_options o = quick(&jobs[0]);

    jobs[0].sql = "select repeat('x', 1000000)";
    run_on(pool, &jobs[0], &o);
    await(jobs[0].done);
    ck_assert_int_eq(jobs[0].done->code, ELPQ_E_LIMIT);
    ck_assert_uint_eq(jobs[0].done->flags & ELPQ_IN_DOUBT, 0);
    ck_assert_int_eq(jobs[0].bodies, 1);
    finish_pool(pool);
}
END_TEST

static elpq_pool *pool_with_lost_commit(int how, elpq_transact_options *o)
{
    elpq_pool *pool = pool_of(2);

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    make_commit_wait();
    lock_server();
    o->wait_for_id = how & 1;
    run_on(pool, &jobs[0], o);
    await_blocked(1);
    run_turns(3);
    return pool;
}

/* The client hears no more of it; the server goes on. */
static void cut(elpq_tx *tx)
{
    shutdown(PQsocket(elpq_tx_conn(tx)->pg), SHUT_RDWR);
}

START_TEST(a_lost_commit_that_was_rolled_back_runs_again)
{
    elpq_transact_options o = quick(&jobs[0]);
    elpq_pool *pool = pool_with_lost_commit(_i, &o);

    terminate(elpq_conn_pid(elpq_tx_conn(jobs[0].tx)));
    wait_for_bodies(&jobs[0], 2);
    unlock_server();
    expect_ok(jobs[0].done);
    ck_assert_int_eq(rows(), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_lost_commit_that_went_through_is_found_out)
{
    elpq_transact_options o = quick(&jobs[0]);
    elpq_pool *pool = pool_with_lost_commit(_i, &o);

    cut(jobs[0].tx);
    await_server("select count(*) > 0 from pg_stat_activity"
                 " where datname = current_database() and"
                 " query like '%%pg_xact_status%%'"
                 " and pid <> pg_backend_pid()");
    ck_assert_int_eq(jobs[0].done->calls, 0);
    unlock_server();
    expect_ok(jobs[0].done);
    ck_assert_int_eq(jobs[0].bodies, 1);
    ck_assert_int_eq(rows(), 1);
    finish_pool(pool);
}
END_TEST

/* Asking ends: by its deadline, by hand, with the pool, or is not wanted. */
START_TEST(a_lost_commit_stays_in_doubt)
{
    elpq_transact_options o = quick(&jobs[0]);
    elpq_pool *pool;

    if (_i == 0)
        o.resolve_ms = (int)(200 * harness_slow());
    if (_i == 3)
        o.resolve_ms = ELPQ_NO_TIMEOUT;
    pool = pool_with_lost_commit(_i, &o);
    cut(jobs[0].tx);
    if (_i == 1 || _i == 2)
        await_server("select count(*) > 0 from pg_stat_activity"
                     " where datname = current_database() and"
                     " query like '%%pg_xact_status%%'"
                     " and pid <> pg_backend_pid()");
    if (_i == 1)
        RUN(elpq_transact_cancel(jobs[0].t));
    if (_i == 2)
        finish_pool(pool);
    await(jobs[0].done);
    ck_assert_int_eq(jobs[0].done->code, ELPQ_E_LOST);
    ck_assert_uint_ne(jobs[0].done->flags & ELPQ_IN_DOUBT, 0);
    ck_assert_int_eq(jobs[0].bodies, 1);
    unlock_server();
    if (_i != 2)
        finish_pool(pool);
}
END_TEST

/* The pause before the next question is over in the same turn as the cancel is
 * heeded: it must not be asked any more. */
START_TEST(canceled_when_it_is_about_to_ask_again)
{
    elpq_transact_options o = quick(&jobs[0]);
    elpq_pool *pool = pool_with_lost_commit(0, &o);

    cut(jobs[0].tx);
    while (!elpq__timer_runs(&jobs[0].t->pause))
        harness_turn(EVLOOP_ONCE);
    RUN(elpq_transact_cancel(jobs[0].t));
    hold_loop_until(now_usec() + 1100000);
    await(jobs[0].done);
    ck_assert_int_eq(jobs[0].done->code, ELPQ_E_LOST);
    ck_assert_uint_ne(jobs[0].done->flags & ELPQ_IN_DOUBT, 0);
    unlock_server();
    finish_pool(pool);
}
END_TEST

/* A canceled COMMIT: what the server says is the outcome. */
START_TEST(canceled_in_commit)
{
    elpq_transact_options o = quick(&jobs[0]);
    elpq_pool *pool = pool_with_lost_commit(0, &o);

    RUN(elpq_transact_cancel(jobs[0].t));
    expect_error(jobs[0].done, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
    unlock_server();
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------ nested */

static void on_inner_done(const elpq_error *error, void *arg)
{
    struct job *outer = arg, *inner = outer + 1;

    on_done(error, inner->done);
    if (error && (error->flags & ELPQ_RETRYABLE))
        (void)CALL(elpq_transact_rollback(outer->t, error));
    else
        (void)CALL(elpq_transact_commit(outer->t));
}

/* A part has one attempt, whose number is 1. */
static void inner_body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    struct job *outer = arg, *inner = outer + 1;

    inner->bodies = 0;
    if (outer->bodies > outer->failures)
        inner->sql = INSERT;
    body_of(t, tx, inner);
}

static void nest(struct job *outer)
{
    outer[1].done = answer_new();
    idle_body(outer);
    ck_assert_int_eq(CALL(elpq_transact(outer->tx, NULL, inner_body,
                                        on_inner_done, outer)), 0);
    /* A part is open. */
    ck_assert_int_eq(CALL(elpq_transact_commit(outer->t)), ELPQ_E_USAGE);
}

/* It fails alone, or, when it conflicts, takes all back to the start. */
START_TEST(a_part_in_a_transaction)
{
    static const char *const sql[] = { INSERT, FAILURE, CONFLICT };
    static const int failures[] = { 0, 5, 1 }, counts[] = { 2, 1, 2 };
    elpq_pool *pool = pool_of(1);
    elpq_transact_options o = quick(&jobs[0]);

    jobs[0].body = nest;
    jobs[0].failures = failures[_i];
    jobs[1].sql = sql[_i];
    jobs[1].pipelined = true;
    run_on(pool, &jobs[0], &o);
    expect_ok(jobs[0].done);
    ck_assert_int_eq(jobs[0].bodies, _i == 2 ? 2 : 1);
    ck_assert_int_eq(rows(), counts[_i]);
    finish_pool(pool);
}
END_TEST

/* --------------------------------------------------------------- two-phase */

static const char *const gids[] = { "plain", "it's", "back\\slash'",
                                    "\303\274" };

static elpq_tx *begun_with_row(elpq_pool *pool)
{
    elpq_tx *tx = begin_now(pool);

    expect_ok(ask(tx, elpq_sql(INSERT)));
    return tx;
}

static struct answer *prepare(elpq_tx *tx, const char *gid)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_prepare_transaction(tx, gid, on_done, a)), 0);
    return await(a);
}

START_TEST(prepared_and_committed_or_rolled_back)
{
    elpq_pool *pool = pool_of(1);
    const char *gid = gids[_i / 2];
    struct answer *list = answer_new(), *a = answer_new();

    expect_ok(prepare(begun_with_row(pool), gid));
    ck_assert_int_eq(rows(), 0);
    ck_assert_int_eq(CALL(elpq_list_prepared(pool, NULL, on_result, list)), 0);
    expect_text(list, gid);
    ck_assert_uint_eq(elpq_rows(list->result), 1);
    if (_i & 1)
        ck_assert_int_eq(CALL(elpq_commit_prepared(pool, gid, NULL, on_done,
                                                   a)), 0);
    else
        ck_assert_int_eq(CALL(elpq_rollback_prepared(pool, gid, NULL, on_done,
                                                     a)), 0);
    expect_ok(a);
    ck_assert_int_eq(rows(), _i & 1);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_commit_prepared(pool, gid, NULL, on_done, a)),
                     0);
    expect_error(a, ELPQ_E_SERVER, "42704", 0);
    finish_pool(pool);
}
END_TEST

START_TEST(what_cannot_be_prepared)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *never = answer_new();
    char name[201];
    elpq_tx *tx = begun_with_row(pool), *part;

    memset(name, '\'', 200);
    name[200] = '\0';
    never->wanted = 0;
    ck_assert_int_eq(CALL(elpq_prepare_transaction(tx, name, on_done, never)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_prepare_transaction(tx, "", on_done, never)),
                     ELPQ_E_USAGE);
    part = expect_ok(savepoint(tx))->tx;
    ck_assert_int_eq(CALL(elpq_prepare_transaction(part, "g", on_done,
                                                   never)), ELPQ_E_USAGE);
    expect_ok(rollback(part));
    name[199] = '\0';
    expect_ok(prepare(tx, name));
    /* The same name again: the transaction is gone. */
    expect_error(prepare(begun_with_row(pool), name), ELPQ_E_SERVER, "42710",
                 0);
    /* One that has failed is rolled back. */
    tx = begun_with_row(pool);
    await(ask(tx, elpq_sql(FAILURE)));
    expect_error(prepare(tx, "failed"), ELPQ_E_ROLLED_BACK, "22012",
                 ELPQ_NOT_EXECUTED);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_rollback_prepared(conn, name, NULL, on_done,
                                                 a)), 0);
    expect_ok(a);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_list_prepared(conn, NULL, on_result, a)), 0);
    expect_ok(a);
    ck_assert_uint_eq(elpq_rows(a->result), 0);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = table_case(s, "well");

    tcase_add_loop_test(t, the_body_commits, 0, 2);
    tcase_add_loop_test(t, what_conflicts_runs_again, 0, 2);
    tcase_add_test(t, on_a_connection_as_well);
    tcase_add_test(t, real_conflicts_are_all_resolved);
    tcase_add_test(t, a_deadlock_is_one_attempt_more);
    t = table_case(s, "fails");
    tcase_add_loop_test(t, after_max_attempts_the_last_error_is_told, 0, 2);
    tcase_add_loop_test(t, other_errors_are_told_at_once, 0, 2);
    tcase_add_test(t, a_body_that_gives_up_rolls_back);
    tcase_add_test(t, calls_that_make_no_sense);
    t = table_case(s, "lost");
    tcase_add_test(t, lost_in_the_body_it_runs_again);
    tcase_add_test(t, lost_by_what_would_come_again_it_runs_once);
    tcase_add_loop_test(t, a_lost_commit_that_was_rolled_back_runs_again, 0,
                        2);
    tcase_add_loop_test(t, a_lost_commit_that_went_through_is_found_out, 0, 2);
    tcase_add_test(t, canceled_when_it_is_about_to_ask_again);
    tcase_add_loop_test(t, a_lost_commit_stays_in_doubt, 0, 4);
    tcase_add_test(t, canceled_in_commit);
    t = table_case(s, "nested");
    tcase_add_loop_test(t, a_part_in_a_transaction, 0, 3);
    t = table_case(s, "two-phase");
    tcase_add_loop_test(t, prepared_and_committed_or_rolled_back, 0, 8);
    tcase_add_test(t, what_cannot_be_prepared);
}

int main(void)
{
    return harness_main("transact", build);
}

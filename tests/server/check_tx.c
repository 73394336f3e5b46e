/* SPDX-License-Identifier: PostgreSQL */
/*
 * Transactions and savepoints: what they are, how they end, and what becomes
 * of those that nobody ends.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_tx");
    admin_do("create table elpq_tx (n int)");
    admin_do("grant all on elpq_tx to public");
}

static void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_tx");
    harness_teardown();
}

/* What is committed, as others see it. */
static long rows(void)
{
    return admin_int("select count(*) from elpq_tx");
}

static struct answer *insert(elpq_tx *tx, int n)
{
    return ask(tx, elpq_sql("insert into elpq_tx values ($1)", n));
}

/* ----------------------------------------------------------- begin and end */

START_TEST(commit_keeps_and_rollback_undoes)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *a = insert(tx, 1);

    expect_ok(a);
    ck_assert_uint_eq(elpq_affected(a->result), 1);
    ck_assert_str_eq(elpq_command(a->result), "INSERT 0 1");
    ck_assert_int_eq(rows(), 0);
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    tx = begin_now(pool);
    expect_ok(insert(tx, 2));
    expect_ok(rollback(tx));
    ck_assert_int_eq(rows(), 1);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).idle, 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* Without waiting for anything: statements and commit in one go. */
START_TEST(statements_and_commit_are_pipelined)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *first = insert(tx, 1), *second = insert(tx, 2);
    struct answer *end = commit(tx);

    expect_ok(end);
    expect_ok(first);
    expect_ok(second);
    ck_assert_uint_lt(second->order, end->order);
    ck_assert_int_eq(rows(), 2);
    finish_pool(pool);
}
END_TEST

START_TEST(a_transaction_on_a_connection)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *b = expect_ok(begin(conn, NULL));
    elpq_tx *tx = b->tx;

    ck_assert_ptr_eq(elpq_tx_conn(tx), conn);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_OPEN);
    expect_ok(insert(tx, 1));
    /* What is given to the connection takes part. */
    expect_ok(ask(conn, elpq_sql("insert into elpq_tx values (2)")));
    ck_assert_int_eq(rows(), 0);
    expect_ok(commit(tx));
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    ck_assert_int_eq(rows(), 2);
    expect_int(ask(conn, elpq_sql("select 3")), 3);
    close_conn(conn);
}
END_TEST

START_TEST(a_transaction_on_a_lease)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;

    expect_ok(insert(tx, 1));
    expect_ok(commit(tx));
    /* The lease is still ours. */
    ck_assert_uint_eq(stats(pool).busy, 1);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    release(conn);
    ck_assert_int_eq(rows(), 1);
    finish_pool(pool);
}
END_TEST

static void expect_mode(elpq_pool *pool, const elpq_tx_options *o,
                        const char *isolation, const char *read_only,
                        const char *deferrable)
{
    elpq_tx *tx = expect_ok(begin(pool, o))->tx;

    expect_text(ask(tx, elpq_sql("show transaction_isolation")), isolation);
    expect_text(ask(tx, elpq_sql("show transaction_read_only")), read_only);
    expect_text(ask(tx, elpq_sql("show transaction_deferrable")), deferrable);
    expect_ok(commit(tx));
}

START_TEST(options_are_really_set)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx_options o = { .isolation = ELPQ_READ_COMMITTED };

    expect_mode(pool, NULL, "read committed", "off", "off");
    expect_mode(pool, &o, "read committed", "off", "off");
    o.isolation = ELPQ_REPEATABLE_READ;
    expect_mode(pool, &o, "repeatable read", "off", "off");
    o.read_only = true;
    expect_mode(pool, &o, "repeatable read", "on", "off");
    o.isolation = ELPQ_SERIALIZABLE;
    o.deferrable = true;
    expect_mode(pool, &o, "serializable", "on", "on");
    o.isolation = ELPQ_ISOLATION_DEFAULT;
    o.deferrable = false;
    expect_mode(pool, &o, "read committed", "on", "off");
    /* Nothing stays behind. */
    expect_mode(pool, NULL, "read committed", "off", "off");
    finish_pool(pool);
}
END_TEST

START_TEST(the_default_is_what_the_session_says)
{
    static const char *const params[] = {
        "options", "-c default_transaction_isolation=serializable", NULL
    };
    elpq_pool_options o = { .max_size = 1, .conn.params = params };
    elpq_tx_options explicit = { .isolation = ELPQ_READ_COMMITTED };
    elpq_pool *pool = pool_new(&o);

    expect_mode(pool, NULL, "serializable", "off", "off");
    expect_mode(pool, &explicit, "read committed", "off", "off");
    finish_pool(pool);
}
END_TEST

START_TEST(read_only_refuses_writes)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx_options o = { .read_only = true };
    elpq_tx *tx = expect_ok(begin(pool, &o))->tx;

    expect_error(insert(tx, 1), ELPQ_E_SERVER, "25006", 0);
    expect_ok(rollback(tx));
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------ failure */

START_TEST(commit_after_a_failed_statement_says_rolled_back)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *good = insert(tx, 1);
    struct answer *bad = ask(tx, elpq_sql("select 1 / 0"));
    struct answer *after = insert(tx, 2);
    struct answer *end = commit(tx);

    expect_ok(good);
    expect_error(bad, ELPQ_E_SERVER, "22012", 0);
    expect_error(after, ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    await(end);
    ck_assert_int_eq(end->code, ELPQ_E_ROLLED_BACK);
    ck_assert_uint_eq(end->flags & ELPQ_IN_DOUBT, 0);
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_failing_commit_is_reported)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);

    expect_ok(ask(tx, elpq_sql("create temp table p (n int primary key)")));
    expect_ok(ask(tx, elpq_sql("create temp table c (n int references p"
                               " deferrable initially deferred)")));
    expect_ok(ask(tx, elpq_sql("insert into c values (1)")));
    expect_error(commit(tx), ELPQ_E_SERVER, "23503", 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_conflict_is_retryable)
{
    elpq_pool *pool = pool_of(2);
    elpq_tx_options o = { .isolation = ELPQ_REPEATABLE_READ };
    elpq_tx *a, *b;

    admin_do("insert into elpq_tx values (1)");
    a = expect_ok(begin(pool, &o))->tx;
    b = expect_ok(begin(pool, &o))->tx;
    expect_int(ask(a, elpq_sql("select n from elpq_tx")), 1);
    expect_int(ask(b, elpq_sql("select n from elpq_tx")), 1);
    expect_ok(ask(a, elpq_sql("update elpq_tx set n = 2")));
    expect_ok(commit(a));
    expect_error(ask(b, elpq_sql("update elpq_tx set n = 3")), ELPQ_E_SERVER,
                 "40001", ELPQ_RETRYABLE);
    expect_ok(rollback(b));
    finish_pool(pool);
}
END_TEST

START_TEST(begin_may_fail)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_tx_options o = { .timeout_ms = 50 };

    expect_error(begin(pool, &o), ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    release(conn);
    finish_pool(pool);
}
END_TEST

/* --------------------------------------------------------------- savepoints */

START_TEST(savepoints_undo_a_part)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *outer, *inner;

    expect_ok(insert(tx, 1));
    outer = expect_ok(savepoint(tx))->tx;
    expect_ok(insert(outer, 10));
    inner = expect_ok(savepoint(outer))->tx;
    expect_ok(insert(inner, 100));
    expect_ok(rollback(inner));
    inner = expect_ok(savepoint(outer))->tx;
    expect_ok(insert(inner, 1000));
    expect_ok(commit(inner));
    expect_ok(commit(outer));
    outer = expect_ok(savepoint(tx))->tx;
    expect_ok(insert(outer, 10000));
    expect_ok(rollback(outer));
    expect_ok(commit(tx));
    ck_assert_int_eq(admin_int("select sum(n) from elpq_tx"), 1011);
    finish_pool(pool);
}
END_TEST

START_TEST(a_savepoint_can_fail_alone)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part;

    expect_ok(insert(tx, 1));
    part = expect_ok(savepoint(tx))->tx;
    expect_error(ask(part, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012",
                 0);
    expect_ok(rollback(part));
    expect_ok(insert(tx, 2));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    finish_pool(pool);
}
END_TEST

START_TEST(releasing_a_failed_savepoint_is_an_error)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part;
    struct answer *end;

    expect_ok(insert(tx, 1));
    part = expect_ok(savepoint(tx))->tx;
    expect_error(ask(part, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012",
                 0);
    end = await(commit(part));
    ck_assert(end->code == ELPQ_E_ROLLED_BACK || end->code == ELPQ_E_SERVER);
    /* Not committed by mistake. */
    ck_assert_int_ne(await(commit(tx))->calls, 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

/* What failed in front of BEGIN, in the same flush, is not why COMMIT was not
 * sent. */
START_TEST(a_failure_in_front_of_it_is_none_of_its_own)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before =
        ask(conn, elpq_sql("do $$ begin raise sqlstate '40001'; end $$"));
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *refused = ask(tx, elpq_sql("select $1", elpq_time(-1)));

    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    expect_error(refused, ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
    expect_error(before, ELPQ_E_SERVER, "40001", ELPQ_RETRYABLE);
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------- ends that nobody asked for */

/* COMMIT was never sent, so there is no doubt. */
static void expect_commit_fails(elpq_tx *tx, unsigned flags)
{
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "",
                 ELPQ_NOT_EXECUTED | flags);
}

static void roll_back_the_outer_one(struct answer *a)
{
    ck_assert_int_eq(CALL(elpq_rollback(a->data, NULL, NULL)), 0);
}

/* Their transaction is gone, and their handles end from the inside. */
START_TEST(orphans_end_inside_out)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_tx *outer = expect_ok(savepoint(tx))->tx;
    elpq_tx *inner = expect_ok(savepoint(outer))->tx;
    struct answer *end;

    expect_ok(rollback(tx));
    end = rollback(inner);
    end->then = roll_back_the_outer_one;
    end->data = outer;
    expect_ok(end);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(rollback_without_a_callback)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *a = insert(tx, 1);

    ck_assert_int_eq(CALL(elpq_rollback(tx, NULL, NULL)), 0);
    ck_assert_int_eq(CALL(elpq_rollback(NULL, NULL, NULL)), 0);
    expect_ok(a);
    expect_int(ask(pool, elpq_sql("select count(*) from elpq_tx")), 0);
    ck_assert_int_eq(rows(), 0);
    finish_pool(pool);
}
END_TEST

START_TEST(a_lost_connection_rolls_back)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *a;

    expect_ok(insert(tx, 1));
    terminate(elpq_conn_pid(elpq_tx_conn(tx)));
    a = await(insert(tx, 2));
    ck_assert_int_eq(a->code, ELPQ_E_LOST);
    expect_commit_fails(tx, ELPQ_RETRYABLE);
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(rollback_on_a_lost_connection_is_fine)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);

    expect_ok(insert(tx, 1));
    terminate(elpq_conn_pid(elpq_tx_conn(tx)));
    expect_ok(rollback(tx));
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(closing_the_pool_rolls_back)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *a;

    expect_ok(insert(tx, 1));
    lock_server();
    a = ask(tx, elpq_sql(BLOCKED));
    await_blocked(1);
    close_pool(pool, 0);
    expect_error(a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_commit_fails(tx, 0);
    unlock_server();
    await_server("select count(*) = 0 from pg_stat_activity where"
                 " datname = current_database() and"
                 " xact_start is not null and pid <> pg_backend_pid()");
    ck_assert_int_eq(rows(), 0);
}
END_TEST

/* While the pool drains, a transaction may end in peace. */
START_TEST(a_drain_waits_for_the_commit)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *end;

    end = close_pool(pool, ELPQ_NO_TIMEOUT);
    expect_ok(insert(tx, 1));
    ck_assert_int_eq(end->calls, 0);
    expect_ok(commit(tx));
    expect_ok(end);
    ck_assert_int_eq(rows(), 1);
}
END_TEST

/* The connection is closed under its transaction: what it holds is gone, and
 * the transaction can still be ended. */
START_TEST(a_transaction_outlives_its_connection)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *none = answer_new();

    expect_ok(insert(tx, 1));
    terminate(elpq_conn_pid(conn));
    while (elpq_conn_is_open(conn))
        event_base_loop(loop, EVLOOP_ONCE);
    none->wanted = 0;
    ck_assert_int_eq(CALL(elpq_tx_execute(tx, elpq_sql("select 1"), NULL,
                                          on_result, none)),
                     ELPQ_E_CLOSED);
    expect_ok(rollback(tx));
    close_conn(conn);
    ck_assert_int_eq(rows(), 0);
}
END_TEST

/* -------------------------------------------------------- commit in doubt */

/* A deferred constraint trigger holds the commit up, on admin's lock. */
static void make_slow_commit(void)
{
    admin_do("create or replace function elpq_slow() returns trigger"
             " language plpgsql as $$ begin"
             " perform pg_advisory_xact_lock_shared(%d); return null;"
             " end $$",
             LOCK_KEY);
    admin_do("create constraint trigger slow after insert on elpq_tx"
             " deferrable initially deferred for each row"
             " execute function elpq_slow()");
}

START_TEST(a_connection_lost_in_commit_leaves_doubt)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx;
    struct answer *end;
    int pid;

    make_slow_commit();
    lock_server();
    tx = begin_now(pool);
    pid = elpq_conn_pid(elpq_tx_conn(tx));
    expect_ok(insert(tx, 1));
    end = commit(tx);
    await_blocked(1);
    terminate(pid);
    expect_error(end, ELPQ_E_LOST, "57P01", ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    unlock_server();
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_pool_closed_in_commit_leaves_doubt)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx;
    struct answer *end;

    make_slow_commit();
    lock_server();
    tx = begin_now(pool);
    expect_ok(insert(tx, 1));
    end = commit(tx);
    await_blocked(1);
    close_pool(pool, 0);
    expect_error(end, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    unlock_server();
}
END_TEST

static TCase *tx_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup_table, teardown_table);
    suite_add_tcase(s, t);
    return t;
}

static void build(Suite *s)
{
    TCase *t = tx_case(s, "begin and end");

    tcase_add_test(t, commit_keeps_and_rollback_undoes);
    tcase_add_test(t, statements_and_commit_are_pipelined);
    tcase_add_test(t, a_transaction_on_a_connection);
    tcase_add_test(t, a_transaction_on_a_lease);
    tcase_add_test(t, options_are_really_set);
    tcase_add_test(t, the_default_is_what_the_session_says);
    tcase_add_test(t, read_only_refuses_writes);
    t = tx_case(s, "failure");
    tcase_add_test(t, commit_after_a_failed_statement_says_rolled_back);
    tcase_add_test(t, a_failure_in_front_of_it_is_none_of_its_own);
    tcase_add_test(t, a_failing_commit_is_reported);
    tcase_add_test(t, a_conflict_is_retryable);
    tcase_add_test(t, begin_may_fail);
    t = tx_case(s, "savepoints");
    tcase_add_test(t, savepoints_undo_a_part);
    tcase_add_test(t, a_savepoint_can_fail_alone);
    tcase_add_test(t, releasing_a_failed_savepoint_is_an_error);
    t = tx_case(s, "dropped");
    tcase_add_test(t, rollback_without_a_callback);
    tcase_add_test(t, orphans_end_inside_out);
    tcase_add_test(t, a_lost_connection_rolls_back);
    tcase_add_test(t, rollback_on_a_lost_connection_is_fine);
    tcase_add_test(t, closing_the_pool_rolls_back);
    tcase_add_test(t, a_drain_waits_for_the_commit);
    tcase_add_test(t, a_transaction_outlives_its_connection);
    t = tx_case(s, "in doubt");
    tcase_add_test(t, a_connection_lost_in_commit_leaves_doubt);
    tcase_add_test(t, a_pool_closed_in_commit_leaves_doubt);
}

int main(void)
{
    return harness_main("tx", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a session is left in by BEGIN, COMMIT and RELEASE that nobody waits for
 * any more, or that the server has refused: whoever uses the session next must
 * find no transaction, and whoever is in the transaction no other.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_doubt");
    admin_do("create table elpq_doubt (who text)");
    admin_do("grant all on elpq_doubt to public");
}

static void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_doubt");
    harness_teardown();
}

/* What is committed, as others see it. */
static long rows(void)
{
    return admin_int("select count(*) from elpq_doubt");
}

#define insert(target, who)                                                    \
    ask(target, elpq_sql("insert into elpq_doubt values ($1)", who))

/* The next statement commits by itself. */
static void expect_no_transaction(elpq_conn *conn)
{
    expect_ok(insert(conn, "next"));
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
}

/* BEGIN runs when its deadline has passed long ago, and a statement follows. */
START_TEST(a_begin_that_came_too_late)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx_options o = { .timeout_ms = scaled(1000) };
    struct answer *busy, *next;

    lock_server();
    busy = ask(conn, elpq_sql(BLOCKED));
    expect_error(begin(conn, &o), ELPQ_E_TIMEOUT, "", ELPQ_IN_DOUBT);
    next = insert(conn, "at once");
    run_turns(3);
    unlock_server();
    expect_ok(busy);
    expect_ok(next);
    ck_assert_int_eq(rows(), 1);
    admin_do("truncate elpq_doubt");
    expect_no_transaction(conn);
    close_conn(conn);
}
END_TEST

/* The prepared statement of COMMIT is gone, and the transaction goes on. */
START_TEST(a_commit_that_was_refused)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;

    expect_ok(commit(tx)); /* prepares it */
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_ok(insert(tx, "lost"));
    expect_ok(ask(tx, elpq_sql("do $$ begin execute 'deallocate all'; "
                               "end $$")));
    expect_error(commit(tx), ELPQ_E_SERVER, "26000", 0);
    ck_assert_int_eq(rows(), 0);
    expect_no_transaction(conn);
    close_conn(conn);
}
END_TEST

/* RELEASE is late, and what comes after it is in the transaction as before. */
START_TEST(a_release_that_came_too_late)
{
    elpq_pool_options o = { .max_size = 1, .conn.timeout_ms = scaled(3000) };
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_pool *pool = pool_new(&o);
    elpq_tx *tx = begin_now(pool), *part;
    struct answer *busy;

    expect_ok(insert(tx, "first"));
    part = expect_ok(savepoint(tx))->tx;
    lock_server();
    busy = ask_with(part, elpq_sql(BLOCKED), &patient);
    expect_error(commit(part), ELPQ_E_TIMEOUT, "", ELPQ_IN_DOUBT);
    unlock_server();
    expect_ok(busy);
    expect_ok(insert(tx, "second"));
    ck_assert_int_eq(rows(), 0);
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    finish_pool(pool);
}
END_TEST

/* COMMIT passes its deadline in the queue, when others are behind it: they
 * must not run in the transaction that it did not end. */
START_TEST(a_commit_that_was_not_sent)
{
    elpq_conn_options o = { .timeout_ms = scaled(3000) };
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *busy, *end, *behind;

    expect_ok(insert(tx, "undone"));
    lock_server();
    busy = answer_new(); /* nothing is sent behind it */
    ck_assert_int_eq(
        CALL(elpq_script(tx, BLOCKED, &patient, NULL, on_done, busy)), 0);
    end = commit(tx);
    behind = ask_with(
        conn, elpq_sql("insert into elpq_doubt values ('behind')"), &patient);
    expect_error(end, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    unlock_server();
    expect_ok(busy);
    expect_ok(behind);
    ck_assert_int_eq(rows(), 1);
    admin_do("truncate elpq_doubt");
    expect_no_transaction(conn);
    close_conn(conn);
}
END_TEST

/* What execute() cannot send. */
#define UNSENT "copy elpq_doubt from stdin"

/* A savepoint that was rolled back undoes what came in it, and no more: a
 * statement in front of it that was not sent is not there to be committed. */
START_TEST(not_sent_in_front_of_a_savepoint)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx, *part;
    struct answer *a, *unsent;

    expect_ok(insert(tx, "undone"));
    unsent = ask(tx, elpq_sql(UNSENT));
    a = savepoint(tx);
    expect_error(unsent, ELPQ_E_USAGE, "", ELPQ_NOT_EXECUTED);
    part = expect_ok(a)->tx;
    if (_i == 0)
        expect_ok(rollback(part));
    else
        expect_ok(commit(part));
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

/* In the savepoint, it is undone with it, and in a released one it is not. */
START_TEST(not_sent_in_a_savepoint)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_tx *part = expect_ok(savepoint(tx))->tx;
    struct answer *unsent, *end;

    expect_ok(insert(part, "undone"));
    unsent = ask(part, elpq_sql(UNSENT));
    if (_i == 0)
        end = rollback(part);
    else
        end = commit(part);
    expect_error(unsent, ELPQ_E_USAGE, "", ELPQ_NOT_EXECUTED);
    if (_i == 0)
        expect_ok(end);
    else
        expect_error(end, ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    expect_ok(insert(tx, "kept"));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

/* Nor is it of the transaction if it came behind COMMIT. */
START_TEST(not_sent_behind_the_commit)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *end, *unsent;

    expect_ok(insert(tx, "kept"));
    end = commit(tx);
    unsent = ask(conn, elpq_sql(UNSENT));
    expect_error(unsent, ELPQ_E_USAGE, "", ELPQ_NOT_EXECUTED);
    expect_ok(end);
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

/* The end of a savepoint that was not sent leaves it open in the server, with
 * what was to be released or undone. */
START_TEST(a_release_that_was_not_sent)
{
    elpq_conn_options o = { .timeout_ms = scaled(3000) };
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx, *part;
    struct answer *busy, *end;

    part = expect_ok(savepoint(tx))->tx;
    expect_ok(insert(part, "undone"));
    lock_server();
    busy = answer_new(); /* nothing is sent behind it */
    ck_assert_int_eq(
        CALL(elpq_script(part, BLOCKED, &patient, NULL, on_done, busy)), 0);
    end = commit(part);
    expect_error(end, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    unlock_server();
    expect_ok(busy);
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("doubt");

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup_table, teardown_table);
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, not_sent_in_front_of_a_savepoint, 0, 2);
    tcase_add_loop_test(t, not_sent_in_a_savepoint, 0, 2);
    tcase_add_test(t, not_sent_behind_the_commit);
    tcase_add_test(t, a_release_that_was_not_sent);
    tcase_add_test(t, a_begin_that_came_too_late);
    tcase_add_test(t, a_commit_that_was_refused);
    tcase_add_test(t, a_release_that_came_too_late);
    tcase_add_test(t, a_commit_that_was_not_sent);
}

int main(void)
{
    return harness_main("tx_doubt", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * server_timeout_ms: the server stops what takes too long, and the next user
 * of the session finds what he would have found without.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define SLEEP "select pg_sleep(600)"
#define SHOW "select current_setting('statement_timeout')"

static const elpq_options ms50 = { .server_timeout_ms = 50 };
static const elpq_options s5 = { .server_timeout_ms = 5000 };
static const elpq_options s70 = { .server_timeout_ms = 70000 };

static void expect_timeout(struct answer *a)
{
    expect_error(a, ELPQ_E_TIMEOUT, "57014", 0);
}

START_TEST(the_server_stops_a_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_timeout(ask_with(conn, elpq_sql(SLEEP), &ms50));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s5), "5s");
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    ck_assert_int_eq(elpq_conn_is_open(conn), true);
    close_conn(conn);
}
END_TEST

START_TEST(and_scripts_and_those_in_a_pipeline)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[5];

    a[0] = ask_with(conn, elpq_sql(SHOW), &s70);
    a[1] = ask_with(conn, elpq_sql(SLEEP), &ms50);
    a[2] = ask(conn, elpq_sql(SHOW));
    a[3] = script(conn, "select 1; " SLEEP, &ms50);
    a[4] = ask_with(conn, elpq_sql(SHOW), &s70);
    expect_text(a[0], "70s");
    expect_timeout(a[1]);
    expect_text(a[2], "0");
    expect_timeout(a[3]);
    expect_text(a[4], "70s");
    close_conn(conn);
}
END_TEST

/* The session's own value is not touched by who does not use this. */
START_TEST(a_value_of_the_user_stays)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(ask(conn, elpq_sql("set statement_timeout to '90s'")));
    expect_text(ask(conn, elpq_sql(SHOW)), "90s");
    close_conn(conn);
}
END_TEST

/* The RESET for the statement without a timeout goes with the transaction. */
START_TEST(what_a_rollback_undoes)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(ask_with(conn, elpq_sql("begin"), &s70));
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    expect_ok(ask(conn, elpq_sql("rollback")));
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    close_conn(conn);
}
END_TEST

/* And one that elpq sends by itself, for a lease that came back in one. */
START_TEST(what_a_reset_undoes)
{
    elpq_options none = { .server_timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_pool_options o = { .max_size = 1, .reset = ELPQ_RESET_NEVER,
                            .conn.server_timeout_ms = 70000 };
    elpq_pool *pool = pool_new(&o);

    for (int i = 0; i < 2; i++) {
        elpq_options *outside = i ? &none : NULL, *inside = i ? NULL : &none;
        elpq_conn *conn = lease(pool);

        expect_text(ask_with(conn, elpq_sql(SHOW), outside), i ? "0" : "70s");
        expect_ok(ask_with(conn, elpq_sql("begin"), outside));
        expect_text(ask_with(conn, elpq_sql(SHOW), inside), i ? "70s" : "0");
        release(conn);
        conn = lease(pool);
        expect_text(ask_with(conn, elpq_sql(SHOW), inside), i ? "70s" : "0");
        release(conn);
    }
    finish_pool(pool);
}
END_TEST

START_TEST(a_session_that_was_changed_under_it_is_set_again)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    expect_ok(ask_with(conn, elpq_sql("set statement_timeout to 0"), &s70));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    expect_ok(ask_with(conn, elpq_sql("discard all"), &s70));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    expect_ok(script(conn, "set statement_timeout to 0", &s70));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    close_conn(conn);
}
END_TEST

/* A SET goes with the transaction, or the savepoint, in which it was. */
START_TEST(a_rollback_takes_nothing_by_surprise)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx, *part;

    expect_text(ask_with(tx, elpq_sql(SHOW), &s70), "70s");
    expect_text(ask_with(tx, elpq_sql(SHOW), &s70), "70s");
    part = expect_ok(savepoint(tx))->tx;
    expect_text(ask_with(part, elpq_sql(SHOW), &s5), "5s");
    expect_ok(rollback(part));
    expect_text(ask_with(tx, elpq_sql(SHOW), &s5), "5s");
    expect_text(ask(tx, elpq_sql(SHOW)), "0");
    expect_timeout(ask_with(tx, elpq_sql(SLEEP), &ms50));
    expect_ok(rollback(tx));
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_text(ask_with(tx, elpq_sql(SHOW), &s5), "5s");
    expect_ok(commit(tx));
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    close_conn(conn);
}
END_TEST

START_TEST(a_pool_leaves_nothing_for_the_next)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn;

    expect_timeout(ask_with(pool, elpq_sql(SLEEP), &ms50));
    expect_text(ask(pool, elpq_sql(SHOW)), "0");
    expect_text(ask_with(pool, elpq_sql(SHOW), &s70), "70s");
    conn = lease(pool);
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    release(conn);
    expect_text(ask(pool, elpq_sql(SHOW)), "0");
    expect_text(ask_with(pool, elpq_sql(SHOW), &s70), "70s");
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* One default for all, which is set but once. */
START_TEST(a_default_of_the_pool)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .conn.server_timeout_ms = 70000 };
    const elpq_options none = { .server_timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_pool *pool = pool_new(&o);
    elpq_tx *tx;

    expect_text(ask(pool, elpq_sql(SHOW)), "70s");
    expect_timeout(ask_with(pool, elpq_sql(SLEEP), &ms50));
    expect_text(ask_with(pool, elpq_sql(SHOW), &none), "0");
    tx = begin_now(pool);
    expect_text(ask(tx, elpq_sql(SHOW)), "70s");
    expect_ok(commit(tx));
    expect_text(ask(pool, elpq_sql(SHOW)), "70s");
    finish_pool(pool);
}
END_TEST

/* Rounded up, so that deadlines that differ a little need no SET. */
START_TEST(from_the_deadline)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .server_timeout_ms = ELPQ_FROM_DEADLINE };

    expect_text(ask_with(conn, elpq_sql(SHOW), &o), "30720ms"); /* of 30 s */
    o.timeout_ms = 100000;
    expect_text(ask_with(conn, elpq_sql(SHOW), &o), "106496ms");
    o.timeout_ms = ELPQ_NO_TIMEOUT;
    expect_text(ask_with(conn, elpq_sql(SHOW), &o), "0");
    close_conn(conn);
}
END_TEST

/* Somebody else's cancel is none of it. */
START_TEST(a_cancel_by_others_is_no_timeout)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;

    lock_server();
    a = ask_with(conn, elpq_sql(BLOCKED), &s70);
    await_blocked(1);
    admin_do("select pg_cancel_backend(%d)", elpq_conn_pid(conn));
    expect_error(a, ELPQ_E_SERVER, "57014", 0);
    unlock_server();
    close_conn(conn);
}
END_TEST

/* In a transaction that has failed, SET is refused, and so is the statement. */
START_TEST(in_a_failed_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;

    expect_error(ask(tx, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012", 0);
    expect_error(ask_with(tx, elpq_sql("select 1"), &s70), ELPQ_E_SERVER,
                 "25P02", ELPQ_NOT_EXECUTED);
    expect_ok(rollback(tx));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    expect_text(ask(conn, elpq_sql(SHOW)), "0");
    close_conn(conn);
}
END_TEST

START_TEST(batches_and_groups_of_reads)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_options reads = { .server_timeout_ms = 70000,
                                 .flags = ELPQ_READONLY };
    const elpq_options short_reads = { .server_timeout_ms = 50,
                                       .flags = ELPQ_READONLY };
    const elpq_statement *list[] = { elpq_sql("select 1"), elpq_sql(SLEEP) };
    struct answer *a[6], *batch = answer_new();
    int i;

    ck_assert_int_eq(
        CALL(elpq_conn_batch(conn, list, 2, &ms50, NULL, on_done, batch)), 0);
    for (i = 0; i < 6; i++)
        a[i] = i == 3 ? ask_with(conn, elpq_sql(SLEEP), &short_reads)
                      : ask_with(conn, elpq_sql(SHOW), &reads);
    expect_timeout(batch);
    for (i = 0; i < 6; i++) {
        if (i == 3)
            expect_timeout(a[i]);
        else
            expect_text(a[i], "70s");
    }
    close_conn(conn);
}
END_TEST

/* There SET is refused for ever, and what needs the line for itself must not
 * wait for it. */
START_TEST(a_script_in_a_failed_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(ask(conn, elpq_sql("begin")));
    expect_error(ask(conn, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012",
                 0);
    expect_ok(script(conn, "rollback", &s70));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    close_conn(conn);
}
END_TEST

/* What a query says to the session counts as well. */
START_TEST(a_query_that_sets_it)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    expect_ok(ask_with(conn,
                       elpq_sql("select set_config('statement_timeout',"
                                " '0', false)"),
                       &s70));
    expect_text(ask_with(conn, elpq_sql(SHOW), &s70), "70s");
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "server timeout", 30);

    tcase_add_test(t, the_server_stops_a_statement);
    tcase_add_test(t, and_scripts_and_those_in_a_pipeline);
    tcase_add_test(t, a_value_of_the_user_stays);
    tcase_add_test(t, what_a_rollback_undoes);
    tcase_add_test(t, what_a_reset_undoes);
    tcase_add_test(t, a_session_that_was_changed_under_it_is_set_again);
    tcase_add_test(t, a_rollback_takes_nothing_by_surprise);
    tcase_add_test(t, a_pool_leaves_nothing_for_the_next);
    tcase_add_test(t, a_default_of_the_pool);
    tcase_add_test(t, from_the_deadline);
    tcase_add_test(t, a_cancel_by_others_is_no_timeout);
    tcase_add_test(t, in_a_failed_transaction);
    tcase_add_test(t, a_script_in_a_failed_transaction);
    tcase_add_test(t, a_query_that_sets_it);
    tcase_add_test(t, batches_and_groups_of_reads);
}

int main(void)
{
    return harness_main("server timeout", build);
}

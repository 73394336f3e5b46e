/* SPDX-License-Identifier: PostgreSQL */
/*
 * Trace events: which come, in which order, with which contents.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

/* The kinds of the events that carry the tag, as letters in their order. */
static const char *kinds_of(const char *tag)
{
    static const char letters[] = "CFDSWTAEs";
    static char kinds[MANY_TRACES + 1];
    int i, n = 0;

    for (i = 0; i < seen_count; i++)
        if (strcmp(seen[i].tag, tag) == 0)
            kinds[n++] = letters[seen[i].kind];
    kinds[n] = '\0';
    return kinds;
}

/* submit, sent, first answer, done: see the letters above. */
#define ORDINARY "STAE"

static const struct seen_event *event_of(const char *tag,
                                         elpq_event_kind kind)
{
    int i;

    for (i = 0; i < seen_count; i++)
        if (seen[i].kind == (int)kind && strcmp(seen[i].tag, tag) == 0)
            return &seen[i];
    ck_abort_msg("no event of kind %d with the tag %s", kind, tag);
    return NULL;
}

static elpq_options tagged(const char *tag)
{
    elpq_options o = { .tag = tag };

    return o;
}

START_TEST(the_events_of_a_statement)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = tagged("mine");
    struct answer *a;
    const struct seen_event *done, *sent, *first;
    int run;

    for (run = 0; run < 2; run++) {
        seen_count = 0;
        a = expect_int(ask_with(conn, elpq_sql("select $1 + 1 as n", 41), &o),
                       42);
        ck_assert_str_eq(kinds_of("mine"), ORDINARY);
        sent = event_of("mine", ELPQ_EVENT_SENT);
        first = event_of("mine", ELPQ_EVENT_FIRST);
        done = event_of("mine", ELPQ_EVENT_DONE);
        ck_assert_str_eq(done->sql, "select $1 + 1 as n");
        ck_assert_str_eq(sent->sql, "select $1 + 1 as n");
        ck_assert_int_eq(done->code, 0);
        ck_assert_str_eq(done->sqlstate, "");
        ck_assert_uint_eq(done->rows, 1);
        ck_assert_uint_gt(done->bytes, 0);
        ck_assert_uint_eq(sent->bytes, 4);
        ck_assert_int_eq(done->pid, elpq_conn_pid(conn));
        ck_assert_ptr_eq(done->conn, conn);
        ck_assert_int_ge(done->usec, first->usec);
        ck_assert_int_gt(done->usec, 0);
        ck_assert_int_le(done->usec, a->answered - a->submitted);
        ck_assert_int_le(done->when, a->answered);
    }
    close_conn(conn);
}
END_TEST

START_TEST(durations_measure_what_they_say)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = tagged("nap");

    expect_ok(ask_with(conn, elpq_sql("select pg_sleep(0.5)"), &o));
    /* SENT comes when libpq has it all; the server may have begun. */
    ck_assert_int_ge(event_of("nap", ELPQ_EVENT_FIRST)->usec, 100000);
    ck_assert_int_ge(event_of("nap", ELPQ_EVENT_DONE)->usec, 500000);
    ck_assert_int_le(event_of("nap", ELPQ_EVENT_DONE)->usec,
                     500000 + scaled(10000) * INT64_C(1000));
    close_conn(conn);
}
END_TEST

START_TEST(the_events_of_an_error)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = tagged("bad");
    const struct seen_event *done;

    expect_error(ask_with(conn, elpq_sql("select 1 / 0"), &o), ELPQ_E_SERVER,
                 "22012", 0);
    ck_assert_str_eq(kinds_of("bad"), ORDINARY);
    done = event_of("bad", ELPQ_EVENT_DONE);
    ck_assert_int_eq(done->code, ELPQ_E_SERVER);
    ck_assert_str_eq(done->sqlstate, "22012");
    ck_assert_uint_eq(done->rows, 0);
    close_conn(conn);
}
END_TEST

/* Not sent: submit and done, and nothing between. */
START_TEST(the_events_of_what_was_not_sent)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = tagged("gone");
    struct answer *a = ask_with(conn, elpq_sql("select 1"), &o);

    cancel(a);
    await(a);
    ck_assert_str_eq(kinds_of("gone"), "SE");
    ck_assert_int_eq(event_of("gone", ELPQ_EVENT_DONE)->code,
                     ELPQ_E_CANCELED);
    close_conn(conn);
}
END_TEST

/* Called back, though the server has yet to answer: then it has its end. */
START_TEST(nothing_comes_behind_done)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = tagged("late");
    struct answer *a, *late;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    late = ask_with(conn, elpq_sql("select 1"), &o);
    await_blocked(1);
    cancel(late);
    expect_error(late, ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
    unlock_server();
    expect_ok(a);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
    ck_assert_str_eq(kinds_of("late"), "STE");
    close_conn(conn);
}
END_TEST

/* One of each per statement, however it ends. */
START_TEST(every_statement_is_done_once)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    int i;

    for (i = 0; i < 40; i++) {
        struct answer *a = i % 5 == 0 ? ask(conn, elpq_sql("select 1 / 0"))
                                      : ask(conn, elpq_sql("select $1", i));

        if (i % 7 == 0)
            cancel(a);
    }
    await_all();
    ck_assert_int_eq(events_of(ELPQ_EVENT_SUBMIT), 40);
    ck_assert_int_eq(events_of(ELPQ_EVENT_DONE), 40);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 34);
    ck_assert_int_eq(events_of(ELPQ_EVENT_FIRST), 34);
    close_conn(conn);
}
END_TEST

START_TEST(the_events_of_a_connection)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    const int pid = elpq_conn_pid(conn);
    int i;

    ck_assert_int_eq(events_of(ELPQ_EVENT_CONNECTED), 1);
    for (i = 0; i < seen_count; i++)
        if (seen[i].kind == ELPQ_EVENT_CONNECTED) {
            ck_assert_int_gt(seen[i].usec, 0);
            ck_assert_int_eq(seen[i].pid, pid);
            ck_assert_ptr_eq(seen[i].conn, conn);
        }
    close_conn(conn);
    run_turns(5);
    ck_assert_int_eq(events_of(ELPQ_EVENT_DISCONNECTED), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_CONNECT_FAILED), 0);
    /* States are named, and follow each other. */
    ck_assert_int_ge(events_of(ELPQ_EVENT_STATE), 2);
    for (i = 0; i < seen_count; i++)
        if (seen[i].kind == ELPQ_EVENT_STATE)
            ck_assert_str_ne(seen[i].message, "");
}
END_TEST

START_TEST(the_events_of_a_failed_connect)
{
    elpq_conn_options c = traced();
    int i;

    await(start_connect("dbname=elpq_missing", &c));
    ck_assert_int_eq(events_of(ELPQ_EVENT_CONNECT_FAILED), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_CONNECTED), 0);
    for (i = 0; i < seen_count; i++)
        if (seen[i].kind == ELPQ_EVENT_CONNECT_FAILED) {
            ck_assert_int_eq(seen[i].code, ELPQ_E_CONNECT);
            ck_assert_str_eq(seen[i].sqlstate, "3D000");
            ck_assert_ptr_nonnull(strstr(seen[i].message, "elpq_missing"));
        }
}
END_TEST

START_TEST(a_lost_connection_says_why)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    int i;

    terminate(elpq_conn_pid(conn));
    await_events(ELPQ_EVENT_DISCONNECTED, 1);
    for (i = 0; i < seen_count; i++)
        if (seen[i].kind == ELPQ_EVENT_DISCONNECTED)
            ck_assert_msg(strstr(seen[i].message, "terminat"), "says '%s'",
                          seen[i].message);
    close_conn(conn);
    run_turns(5);
    ck_assert_int_eq(events_of(ELPQ_EVENT_DISCONNECTED), 1);
}
END_TEST

START_TEST(waiting_in_a_pool_is_measured)
{
    elpq_pool_options p = { .max_size = 1 };
    elpq_options o = tagged("waiter");
    elpq_pool *pool;
    elpq_conn *conn;
    struct answer *a;

    p.conn = traced();
    pool = pool_new(&p);
    conn = lease(pool);
    a = ask_with(pool, elpq_sql("select 1"), &o);
    run_for_ms(30);
    release(conn);
    expect_int(a, 1);
    ck_assert_str_eq(kinds_of("waiter"), "SWTAE");
    ck_assert_int_ge(event_of("waiter", ELPQ_EVENT_WAITED)->usec, 29000);
    ck_assert_int_ge(event_of("waiter", ELPQ_EVENT_DONE)->usec, 29000);
    ck_assert_ptr_null(event_of("waiter", ELPQ_EVENT_SUBMIT)->conn);
    finish_pool(pool);
}
END_TEST

START_TEST(the_events_of_a_transaction)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_tx_options t = { .tag = "tx", .isolation = ELPQ_SERIALIZABLE };
    elpq_tx *tx = expect_ok(begin(conn, &t))->tx;
    int i, begins = 0, commits = 0;

    expect_ok(ask(tx, elpq_sql("select 1")));
    expect_ok(commit(tx));
    for (i = 0; i < seen_count; i++) {
        if (seen[i].kind != ELPQ_EVENT_DONE || strcmp(seen[i].tag, "tx"))
            continue;
        begins += strncasecmp(seen[i].sql, "begin", 5) == 0;
        commits += strncasecmp(seen[i].sql, "commit", 6) == 0;
    }
    ck_assert_int_eq(begins, 1);
    ck_assert_int_eq(commits, 1);
    close_conn(conn);
}
END_TEST

START_TEST(the_events_of_a_script)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_options o = tagged("script");

    expect_ok(script(conn, "select 1; select 2 from generate_series(1, 5)",
                     &o));
    ck_assert_str_eq(kinds_of("script"), ORDINARY);
    ck_assert_uint_eq(event_of("script", ELPQ_EVENT_DONE)->rows, 6);
    close_conn(conn);
}
END_TEST

/* Values of parameters are nobody's business. */
START_TEST(values_do_not_appear)
{
    elpq_conn_options c = traced();
    elpq_conn *conn = connect_now(NULL, &c);
    int i;

    expect_ok(ask(conn, elpq_sql("select $1::text", "S3cret")));
    expect_error(ask(conn, elpq_sql("select $1::int", "S3cret")),
                 ELPQ_E_SERVER, "22P02", 0);
    for (i = 0; i < seen_count; i++) {
        ck_assert(!strstr(seen[i].sql, "S3cret"));
        ck_assert_msg(!strstr(seen[i].message, "S3cret"), "'%s'",
                      seen[i].message);
    }
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "trace", 0);

    tcase_add_test(t, the_events_of_a_statement);
    tcase_add_test(t, durations_measure_what_they_say);
    tcase_add_test(t, the_events_of_an_error);
    tcase_add_test(t, the_events_of_what_was_not_sent);
    tcase_add_test(t, nothing_comes_behind_done);
    tcase_add_test(t, every_statement_is_done_once);
    tcase_add_test(t, the_events_of_a_connection);
    tcase_add_test(t, the_events_of_a_failed_connect);
    tcase_add_test(t, a_lost_connection_says_why);
    tcase_add_test(t, waiting_in_a_pool_is_measured);
    tcase_add_test(t, the_events_of_a_transaction);
    tcase_add_test(t, the_events_of_a_script);
    tcase_add_test(t, values_do_not_appear);
}

int main(void)
{
    return harness_main("trace", build);
}

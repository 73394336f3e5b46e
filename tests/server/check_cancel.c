/* SPDX-License-Identifier: PostgreSQL */
/*
 * Cancel: in each position of a request, with the documented codes; and never
 * on the next statement.  What a deadline cancels is check_deadline's.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

/* ---------------------------------------------------------------- cancel */

START_TEST(canceling_what_was_not_sent)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before = ask(conn, elpq_sql("select 1"));
    struct answer *a = ask(conn, elpq_sql("select 2"));
    struct answer *after = ask(conn, elpq_sql("select 3"));

    cancel(a);
    cancel(a);
    ck_assert_int_eq(a->calls, 0);
    expect_error(a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_int(before, 1);
    expect_int(after, 3);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_what_waits_for_a_connection)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_options o = { 0 };
    struct answer *a = ask(pool, elpq_sql("select 1"));
    struct answer *l = acquire(pool, &o);
    struct answer *s = script(pool, "select 1", NULL);
    struct answer *last = ask(pool, elpq_sql("select 2"));

    run_turns(3);
    ck_assert_uint_eq(stats(pool).waiting, 4);
    cancel(a);
    cancel(l);
    cancel(s);
    ck_assert_uint_eq(stats(pool).waiting, 1);
    expect_error(a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_error(l, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_error(s, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    release(conn);
    expect_int(last, 2);
    finish_pool(pool);
}
END_TEST

START_TEST(canceling_what_runs)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *next;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    cancel(a);
    next = ask(conn, elpq_sql("select 2"));
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    expect_int(next, 2);
    close_conn(conn);
}
END_TEST

static elpq_conn *closed;

static void close_while_canceling(const elpq_event *event)
{
    if (event->kind == ELPQ_EVENT_STATE &&
        strcmp(event->message, "CANCELING") == 0)
        close_conn(closed);
}

/* Nothing else holds it: it must outlive the hook (under ASan, valgrind). */
START_TEST(closing_in_the_hook_of_the_cancel)
{
    elpq_conn_options o = traced();
    struct answer *a;

    closed = connect_now(NULL, &o);
    lock_server();
    a = ask(closed, elpq_sql(BLOCKED));
    await_blocked(1);
    trace_then = close_while_canceling;
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
}
END_TEST

/* What the server reports is the outcome. */
START_TEST(canceling_too_late_gives_the_result)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *next;

    lock_server();
    a = ask(conn, elpq_sql("select 5 from (" BLOCKED ") as waited"));
    await_blocked(1);
    unlock_server();
    /* Without a turn of the loop: the answer has come, and nobody knows. */
    while (!admin_int("select state = 'idle' from pg_stat_activity"
                      " where pid = %d", elpq_conn_pid(conn)))
        ;
    ck_assert_int_eq(a->calls, 0);
    cancel(a);
    next = ask(conn, elpq_sql("select 6"));
    expect_int(a, 5);
    expect_int(next, 6);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_what_is_pipelined_behind)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *head, *a, *last;

    lock_server();
    head = ask(conn, elpq_sql("select 1 from (" BLOCKED ") as waited"));
    a = ask(conn, elpq_sql("select 2"));
    last = ask(conn, elpq_sql("select 3"));
    await_events(ELPQ_EVENT_SENT, 3);
    await_blocked(1);
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(head->calls, 0);
    unlock_server();
    expect_int(head, 1);
    expect_int(last, 3);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_several_of_a_pipeline)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a[8];
    int i;

    lock_server();
    a[0] = ask(conn, elpq_sql(BLOCKED));
    for (i = 1; i < 8; i++)
        a[i] = ask(conn, elpq_sql("select $1", i));
    await_events(ELPQ_EVENT_SENT, 8);
    await_blocked(1);
    for (i = 0; i < 8; i += 2)
        cancel(a[i]);
    expect_error(a[0], ELPQ_E_CANCELED, "57014", 0);
    for (i = 1; i < 8; i++) {
        if (i % 2 == 0)
            expect_error(a[i], ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
        else
            expect_int(a[i], i);
    }
    close_conn(conn);
}
END_TEST

START_TEST(canceling_in_a_pool_sends_one_request)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a, *next;

    lock_server();
    a = ask(pool, elpq_sql(BLOCKED));
    await_blocked(1);
    cancel(a);
    cancel(a);
    next = ask(pool, elpq_sql("select 2"));
    expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    expect_int(next, 2);
    ck_assert_uint_eq(stats(pool).cancels, 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    ck_assert_uint_eq(stats(pool).discarded, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(closing_while_canceling)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    cancel(a);
    close_conn(conn);
    await(a);
    ck_assert(a->code == ELPQ_E_CLOSED || a->code == ELPQ_E_CANCELED);
    ck_assert_uint_eq(a->flags, ELPQ_IN_DOUBT);
}
END_TEST

/* ------------------------------------------------- never the next statement */

/* One round: a victim of random length, canceled at a random time; around it
 * statements that must each get their own number back. */
static void race_round(elpq_conn *conn, elpq_pool *pool, int round, int *won)
{
    const double naps[] = { 0, 0.0002, 0.001, 0.003 };
    /* On a busy machine cancels are late: then what they are for is longer. */
    const double nap = naps[random_below(4)] * (*won * 8 < round ? 16 : 1);
    const int64_t end = now_usec() + random_below(2500);
    struct answer *victim, *next[3];
    int i;

    if (conn)
        victim = ask(conn, elpq_sql("select $1 from pg_sleep($2)", round, nap));
    else
        victim = ask(pool, elpq_sql("select $1 from pg_sleep($2)", round, nap));
    while (now_usec() < end)
        run_turns(1);
    if (!victim->calls)
        cancel(victim);
    for (i = 0; i < 3; i++) {
        const int nonce = 1000000 + round * 4 + i;

        next[i] = conn ? ask(conn, elpq_sql("select $1", nonce))
                       : ask(pool, elpq_sql("select $1", nonce));
        if (random_below(2))
            run_turns(1);
    }
    for (i = 0; i < 3; i++)
        expect_int(next[i], 1000000 + round * 4 + i);
    await(victim);
    if (victim->code == 0) {
        expect_int(victim, round);
    } else {
        ck_assert_int_eq(victim->code, ELPQ_E_CANCELED);
        *won += strcmp(victim->sqlstate, "57014") == 0;
    }
    settle_answers();
}

START_TEST(cancel_never_hits_the_next_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const int pid = elpq_conn_pid(conn);
    int i, won = 0;

    /* Both ways must happen, or the race is none. */
    for (i = 0; i < 60 || ((won < 10 || i - won < 10) && i < 3000); i++)
        race_round(conn, NULL, i, &won);
    ck_assert_int_ge(won, 10);
    ck_assert_int_ge(i - won, 10);
    ck_assert_int_eq(elpq_conn_pid(conn), pid);
    close_conn(conn);
}
END_TEST

START_TEST(cancel_never_hits_the_next_user_of_a_pool)
{
    elpq_pool *pool = pool_of(1);
    int i, won = 0;

    for (i = 0; i < 40 || (won < 10 && i < 3000); i++)
        race_round(NULL, pool, i, &won);
    ck_assert_int_ge(won, 10);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/*
 * A cancel request names a session.  Where others are pipelined behind the
 * victim, it may arrive when one of them runs already.  That one must not be
 * told 57014 as if it were its own: it is run again, or, where others behind
 * it ran meanwhile, told that it did not run.
 */
static void pipelined_race_round(elpq_conn *conn, int round, int *won,
                                 int *hit)
{
    const int64_t end = now_usec() + random_below(2500);
    struct answer *a[4];
    int i;

    for (i = 0; i < 4; i++)
        a[i] = ask(conn, elpq_sql("select $1 from pg_sleep(0.0006)",
                                  round * 4 + i));
    while (now_usec() < end)
        run_turns(1);
    if (!a[0]->calls)
        cancel(a[0]);
    for (i = 0; i < 4; i++) {
        await(a[i]);
        if (a[i]->code == 0) {
            expect_int(a[i], round * 4 + i);
            continue;
        }
        ck_assert_int_eq(a[i]->code, ELPQ_E_CANCELED);
        *(i == 0 ? won : hit) += 1;
        if (i > 0)
            ck_assert_uint_eq(a[i]->flags,
                              ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    }
    settle_answers();
}

START_TEST(cancel_with_others_pipelined_behind)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i, won = 0, hit = 0;

    for (i = 0; i < 60 || (won < 10 && i < 3000); i++)
        pipelined_race_round(conn, i, &won, &hit);
    ck_assert_int_ge(won, 10);
    printf("%d canceled, %d hit in place of them\n", won, hit);
    close_conn(conn);
}
END_TEST

/* The last of a pipeline has nobody behind it: it always gets its number. */
START_TEST(cancel_never_hits_the_last_of_a_pipeline)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    for (i = 0; i < 60; i++) {
        const int64_t end = now_usec() + random_below(1500);
        struct answer *victim =
            ask(conn, elpq_sql("select $1 from pg_sleep(0.0004)", -1));
        struct answer *last =
            ask(conn, elpq_sql("select $1 from pg_sleep(0.001)", i));

        while (now_usec() < end)
            run_turns(1);
        if (!victim->calls)
            cancel(victim);
        expect_int(last, i);
        await(victim);
        settle_answers();
    }
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "cancel", 0);

    tcase_add_test(t, canceling_what_was_not_sent);
    tcase_add_test(t, canceling_what_waits_for_a_connection);
    tcase_add_test(t, canceling_what_runs);
    tcase_add_test(t, closing_in_the_hook_of_the_cancel);
    tcase_add_test(t, canceling_too_late_gives_the_result);
    tcase_add_test(t, canceling_what_is_pipelined_behind);
    tcase_add_test(t, canceling_several_of_a_pipeline);
    tcase_add_test(t, canceling_in_a_pool_sends_one_request);
    tcase_add_test(t, closing_while_canceling);
    t = harness_case(s, "race", 55);
    tcase_add_test(t, cancel_never_hits_the_next_statement);
    tcase_add_test(t, cancel_never_hits_the_next_user_of_a_pool);
    tcase_add_test(t, cancel_with_others_pipelined_behind);
    tcase_add_test(t, cancel_never_hits_the_last_of_a_pipeline);
}

int main(void)
{
    return harness_main("cancel", build);
}

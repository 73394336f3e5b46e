/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements that share a Sync: groups of reads, and the queries of a
 * transaction.  That they share one shows in their transaction's start;
 * whatever happens to one of them must not show in the others.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define BEGUN "select extract(epoch from now())::text"
/* A flagged statement that waits for admin's lock, but not in its SQL text. */
#define WAITS "select elpq_groups_wait()"
#define WRITES "select elpq_groups_write($1)"

static const elpq_options reads = { .flags = ELPQ_READONLY };

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_groups");
    admin_do("create table elpq_groups (n int)");
    admin_do("grant all on elpq_groups to public");
    admin_do("create or replace function elpq_groups_wait() returns int "
             "language sql as $$ select 1 from (select "
             "pg_advisory_xact_lock_shared(7077)) as locked $$");
    admin_do("create or replace function elpq_groups_write(int) returns int "
             "language sql as "
             "$$ insert into elpq_groups values ($1) returning n $$");
}

static void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop function elpq_groups_wait()");
    admin_do("drop function elpq_groups_write(int)");
    admin_do("drop table elpq_groups");
    harness_teardown();
}

static struct answer *read_one(elpq_conn *conn, const elpq_statement *st)
{
    return ask_with(conn, st, &reads);
}

static struct answer *begun(elpq_conn *conn)
{
    return read_one(conn, elpq_sql(BEGUN));
}

static struct answer *fails(elpq_conn *conn)
{
    return read_one(conn, elpq_sql("select 1 / $1", 0));
}

static bool together(struct answer *a, struct answer *b)
{
    char first[64];

    snprintf(first, sizeof(first), "%s", answer_text(a));
    return strcmp(first, answer_text(b)) == 0;
}

static long rows(void)
{
    return admin_int("select count(*) from elpq_groups");
}

static elpq_conn *traced_conn(void)
{
    elpq_conn_options o = traced();

    return connect_now(NULL, &o);
}

/* ------------------------------------------------------------------ reads */

START_TEST(reads_that_meet_share_a_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[8];
    struct answer *mode, *alone;

    for (int i = 0; i < 8; i++)
        a[i] = begun(conn);
    mode = read_one(conn, elpq_sql("show transaction_read_only"));
    for (int i = 1; i < 8; i++)
        ck_assert(together(a[0], a[i]));
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(a[i]->order, a[0]->order + (unsigned)i);
    expect_ok(mode);
    /* What is alone is as always, and the session is as it was. */
    alone = begun(conn);
    ck_assert(!together(a[0], alone));
    expect_text(ask(conn, elpq_sql("show transaction_read_only")), "off");
    expect_ok(ask(conn, elpq_sql("insert into elpq_groups values (1)")));
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

START_TEST(a_group_has_64_statements_or_8_kib)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    static char long_text[3000];
    struct answer *a[66];

    for (int i = 0; i < 66; i++)
        a[i] = begun(conn);
    ck_assert(together(a[0], a[63]));
    ck_assert(!together(a[63], a[64]));
    ck_assert(together(a[64], a[65]));
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int i = 0; i < 4; i++)
        a[i] = read_one(conn, elpq_sql("select extract(epoch from now())::text "
                                       "where $1 > ''",
                                       long_text));
    ck_assert(together(a[0], a[1]));
    ck_assert(!together(a[1], a[2]));
    ck_assert(together(a[2], a[3]));
    close_conn(conn);
}
END_TEST

START_TEST(no_group_reaches_over_what_is_not_flagged)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = begun(conn);
    struct answer *b = begun(conn);
    struct answer *write =
        ask(conn, elpq_sql("insert into elpq_groups values (1)"));
    struct answer *c = begun(conn);
    struct answer *count =
        read_one(conn, elpq_sql("select count(*) from elpq_groups"));

    ck_assert(together(a, b));
    ck_assert(!together(b, c));
    expect_ok(write);
    expect_int(count, 1);
    ck_assert_uint_eq(write->order, b->order + 1);
    close_conn(conn);
}
END_TEST

START_TEST(one_that_fails_fails_alone)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[10];
    struct answer *syntax[2];

    for (int i = 0; i < 10; i++)
        a[i] = i == 3 || i == 6 ? fails(conn) : begun(conn);
    for (int i = 0; i < 2; i++)
        syntax[i] = read_one(conn, elpq_sql("select from where"));
    for (int i = 0; i < 10; i++)
        if (i == 3 || i == 6)
            expect_error(a[i], ELPQ_E_SERVER, "22012", 0);
        else
            expect_ok(a[i]);
    ck_assert(together(a[0], a[2]));
    ck_assert(!together(a[2], a[4]));
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(a[i]->order, a[0]->order + (unsigned)i);
    expect_error(syntax[0], ELPQ_E_SERVER, "42601", 0);
    expect_error(syntax[1], ELPQ_E_SERVER, "42601", 0);
    expect_ok(begun(conn));
    close_conn(conn);
}
END_TEST

/* The first of them is prepared by the group, and fails at that. */
START_TEST(a_statement_that_cannot_be_prepared_fails_alone)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before = begun(conn);
    struct answer *bad = read_one(conn, elpq_sql("select nothing_like_it"));
    struct answer *again = read_one(conn, elpq_sql("select nothing_like_it"));
    struct answer *new = read_one(conn, elpq_sql("select 5"));
    struct answer *same = read_one(conn, elpq_sql("select 5"));
    struct answer *after = begun(conn);

    expect_ok(before);
    expect_error(bad, ELPQ_E_SERVER, "42703", 0);
    expect_error(again, ELPQ_E_SERVER, "42703", 0);
    expect_int(new, 5);
    expect_int(same, 5);
    expect_ok(after);
    expect_int(read_one(conn, elpq_sql("select 5")), 5);
    close_conn(conn);
}
END_TEST

/* ----------------------------------------------------------------- writes */

START_TEST(a_flagged_statement_that_writes_writes_once)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before, *w[3], *bad, *after;

    for (int round = 0; round < 2; round++) {
        before = begun(conn);
        w[0] = read_one(conn, elpq_sql(WRITES, 1));
        w[1] = read_one(conn, elpq_sql(WRITES, 2));
        bad = fails(conn);
        w[2] = read_one(
            conn, elpq_sql("insert into elpq_groups values (3) returning n"));
        after = begun(conn);
        expect_ok(before);
        for (int i = 0; i < 3; i++)
            expect_int(w[i], i + 1);
        expect_error(bad, ELPQ_E_SERVER, "22012", 0);
        expect_ok(after);
    }
    ck_assert_int_eq(rows(), 6);
    ck_assert_int_eq(admin_int("select sum(n) from elpq_groups"), 12);
    close_conn(conn);
}
END_TEST

/* Its group is undone once, and not each time. */
START_TEST(what_has_written_goes_alone_from_then_on)
{
    elpq_conn *conn = traced_conn();
    struct answer *before, *w, *after;

    for (int round = 0; round < 3; round++) {
        int runs = 0;

        seen_count = 0;
        before = begun(conn);
        w = read_one(conn, elpq_sql(WRITES, round));
        after = begun(conn);
        expect_ok(before);
        expect_int(w, round);
        expect_ok(after);
        for (int i = 0; i < seen_count; i++)
            runs += seen[i].kind == ELPQ_EVENT_FIRST &&
                    strcmp(seen[i].sql, WRITES) == 0;
        ck_assert_int_eq(runs, round == 0 ? 2 : 1);
    }
    ck_assert_int_eq(rows(), 3);
    close_conn(conn);
}
END_TEST

/* A session that only reads refuses it again, and then that is the outcome. */
START_TEST(what_the_session_refuses_stays_refused)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *w, *b;

    expect_ok(ask(conn, elpq_sql("set default_transaction_read_only to on")));
    a = begun(conn);
    w = read_one(conn, elpq_sql(WRITES, 1));
    b = begun(conn);
    expect_ok(a);
    expect_error(w, ELPQ_E_SERVER, "25006", 0);
    expect_ok(b);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

/* A read-only transaction may write to temporary tables; this one then fails
 *  to commit, and all of the group with it. */
START_TEST(a_commit_that_fails_hits_the_guilty)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *w, *b;

    expect_ok(ask(conn, elpq_sql("create temporary table groups_once (n int "
                                 "unique deferrable initially deferred)")));
    expect_ok(ask(conn, elpq_sql("create function pg_temp.twice() returns int "
                                 "language sql as $$ insert into "
                                 "pg_temp.groups_once values (1), (1) "
                                 "returning n $$")));
    expect_ok(ask(conn, elpq_sql("set search_path = pg_temp, public")));
    expect_ok(ask(conn, elpq_sql("create view pg_temp.trap as "
                                 "select pg_temp.twice() as n")));
    a = begun(conn);
    w = read_one(conn, elpq_sql("select n from trap"));
    b = begun(conn);
    expect_ok(a);
    expect_error(w, ELPQ_E_SERVER, "23505", 0);
    expect_ok(b);
    ck_assert(!together(a, b));
    ck_assert_uint_eq(elpq_conn_pending(conn), 0);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* --------------------------------------------------------------- the order */

/* What is behind a group, and does write, must not overtake its reads. */
START_TEST(a_write_waits_for_the_reads_before_it)
{
    elpq_conn *conn = traced_conn();
    struct answer *waits, *bad, *count, *write, *after;

    lock_server();
    waits = read_one(conn, elpq_sql(WAITS));
    bad = fails(conn);
    count = read_one(conn, elpq_sql("select count(*) from elpq_groups"));
    await_events(ELPQ_EVENT_SENT, 3);
    write = ask(conn, elpq_sql("insert into elpq_groups values (1)"));
    after = read_one(conn, elpq_sql("select count(*) from elpq_groups"));
    await_blocked(1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 3);
    unlock_server();
    expect_int(waits, 1);
    expect_error(bad, ELPQ_E_SERVER, "22012", 0);
    expect_int(count, 0);
    expect_ok(write);
    expect_int(after, 1);
    ck_assert_uint_lt(count->order, write->order);
    ck_assert_uint_lt(write->order, after->order);
    close_conn(conn);
}
END_TEST

/* Reads do not wait, though those that run again come later then. */
START_TEST(reads_go_on_behind_a_group)
{
    elpq_conn *conn = traced_conn();
    struct answer *waits, *bad, *again, *more[2];

    lock_server();
    waits = read_one(conn, elpq_sql(WAITS));
    bad = fails(conn);
    again = read_one(conn, elpq_sql("select 3"));
    await_events(ELPQ_EVENT_SENT, 3);
    for (int i = 0; i < 2; i++)
        more[i] = read_one(conn, elpq_sql("select 4"));
    await_events(ELPQ_EVENT_SENT, 5);
    unlock_server();
    expect_int(waits, 1);
    expect_error(bad, ELPQ_E_SERVER, "22012", 0);
    expect_int(again, 3);
    expect_int(more[0], 4);
    expect_int(more[1], 4);
    close_conn(conn);
}
END_TEST

/* After a write had to wait there are no groups for a while. */
START_TEST(who_mixes_goes_without_groups)
{
    elpq_conn *conn = traced_conn();
    struct answer *a[67];

    lock_server();
    a[0] = read_one(conn, elpq_sql(WAITS));
    a[1] = begun(conn);
    await_events(ELPQ_EVENT_SENT, 2);
    a[2] = ask(conn, elpq_sql("insert into elpq_groups values (1)"));
    run_turns(3);
    unlock_server();
    await_all();
    for (int i = 0; i < 67; i++)
        a[i] = begun(conn);
    ck_assert(!together(a[0], a[1]));
    ck_assert(!together(a[61], a[62]));
    ck_assert(together(a[65], a[66]));
    close_conn(conn);
}
END_TEST

/* --------------------------------------------------- cancel and deadlines */

START_TEST(canceling_the_one_that_runs)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before, *waits, *after, *write;

    lock_server();
    before = begun(conn);
    waits = read_one(conn, elpq_sql(WAITS));
    after = begun(conn);
    await_blocked(1);
    cancel(waits);
    write = ask(conn, elpq_sql("insert into elpq_groups values (1)"));
    expect_ok(before);
    expect_error(waits, ELPQ_E_CANCELED, "57014", 0);
    expect_ok(after);
    expect_ok(write);
    unlock_server();
    close_conn(conn);
}
END_TEST

START_TEST(canceling_one_in_front_and_one_behind)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before, *waits, *behind, *last;

    lock_server();
    before = begun(conn);
    waits = read_one(conn, elpq_sql(WAITS));
    behind = begun(conn);
    last = begun(conn);
    await_blocked(1);
    cancel(before);
    cancel(behind);
    /* The request hit `waits`, which is sent again; what is said is true. */
    expect_ok(before);
    expect_error(behind, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(waits->calls, 0);
    unlock_server();
    expect_int(waits, 1);
    expect_ok(last);
    close_conn(conn);
}
END_TEST

START_TEST(a_deadline_in_a_group_hits_its_own)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options soon = { .flags = ELPQ_READONLY, .timeout_ms = scaled(1000) };
    struct answer *before, *waits, *behind;

    lock_server();
    before = ask_with(conn, elpq_sql("select 1"), &soon);
    waits = read_one(conn, elpq_sql(WAITS));
    behind = ask_with(conn, elpq_sql("select 3"), &soon);
    /* This one had run, and that one was skipped as `waits` was hit. */
    expect_int(before, 1);
    expect_error(behind, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(waits->calls, 0);
    unlock_server();
    expect_int(waits, 1);
    expect_int(read_one(conn, elpq_sql("select 4")), 4);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- ends */

START_TEST(a_lost_connection_in_a_group)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before, *waits, *behind, *queued;

    lock_server();
    before = begun(conn);
    waits = read_one(conn, elpq_sql(WAITS));
    behind = begun(conn);
    await_blocked(1);
    queued = ask(conn, elpq_sql("select 4"));
    terminate(elpq_conn_pid(conn));
    expect_error(before, ELPQ_E_LOST, "57P01", ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    await(waits);
    ck_assert_int_eq(waits->code, ELPQ_E_LOST);
    ck_assert(waits->flags & ELPQ_IN_DOUBT);
    expect_error(behind, ELPQ_E_LOST, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    expect_error(queued, ELPQ_E_LOST, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    close_conn(conn);
}
END_TEST

static void close_it(struct answer *a)
{
    close_conn(a->data);
}

START_TEST(closing_in_a_callback_of_a_group)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[4];

    for (int i = 0; i < 4; i++)
        a[i] = begun(conn);
    a[1]->then = close_it;
    a[1]->data = conn;
    expect_ok(a[0]);
    expect_ok(a[1]);
    expect_error(a[2], ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    expect_error(a[3], ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
}
END_TEST

static void cancel_next(struct answer *a)
{
    cancel(a->data);
}

START_TEST(canceling_in_a_callback_of_a_group)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[4];

    for (int i = 0; i < 4; i++)
        a[i] = begun(conn);
    a[0]->then = cancel_next;
    a[0]->data = a[2];
    expect_ok(a[0]);
    expect_ok(a[1]);
    expect_error(a[2], ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
    expect_ok(a[3]);
    close_conn(conn);
}
END_TEST

START_TEST(releasing_in_a_callback_of_a_group)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *a[4];

    a[0] = begun(conn);
    a[1] = fails(conn);
    for (int i = 2; i < 4; i++)
        a[i] = begun(conn);
    await(a[0]);
    release(conn);
    await_all();
    expect_error(a[1], ELPQ_E_SERVER, "22012", 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------- prepared, bounds */

/* Behind the back of the cache: a function's text does not tell. */
START_TEST(a_forgotten_statement_in_a_group_runs_again)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[6];

    expect_ok(ask(conn, elpq_sql("select 1 / $1", 1)));
    expect_ok(begun(conn));
    expect_ok(ask(conn, elpq_sql("do $$ begin execute 'deallocate all'; end "
                                 "$$")));
    for (int i = 0; i < 6; i++)
        a[i] =
            i % 2 ? begun(conn) : read_one(conn, elpq_sql("select 1 / $1", 1));
    for (int i = 0; i < 6; i++)
        expect_ok(a[i]);
    admin_do("alter table elpq_groups add m int");
    expect_ok(read_one(conn, elpq_sql("select * from elpq_groups")));
    admin_do("alter table elpq_groups add o int");
    for (int i = 0; i < 4; i++)
        a[i] = read_one(conn, elpq_sql("select * from elpq_groups"));
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(elpq_columns(expect_ok(a[i])->result), 3);
    close_conn(conn);
}
END_TEST

START_TEST(large_results_leave_the_groups)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const char *sql = "select extract(epoch from now())::text, "
                      "repeat('x', 100000)";
    struct answer *a, *b;

    for (int round = 0; round < 2; round++) {
        a = begun(conn);
        b = read_one(conn, sql_text(sql));
        ck_assert(together(a, b) == (round == 0));
    }
    close_conn(conn);
}
END_TEST

START_TEST(results_of_a_group_are_bounded_together)
{
    elpq_conn_options o = { .max_result_bytes = 500000 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a[8];

    /* Each is legal alone: those for which there is no room go again. */
    for (int i = 0; i < 8; i++)
        a[i] = read_one(conn, sql_format("select repeat('%d', 100000)", i));
    for (int i = 0; i < 8; i++) {
        expect_ok(a[i]);
        ck_assert_uint_eq(strlen(answer_text(a[i])), 100000);
        ck_assert_int_eq(answer_text(a[i])[0], '0' + i);
    }
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

START_TEST(unprepared_reads_share_as_well)
{
    elpq_conn_options o = { .no_statement_cache = true };
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a = begun(conn);
    struct answer *bad = fails(conn);
    struct answer *b = begun(conn);

    expect_ok(a);
    expect_error(bad, ELPQ_E_SERVER, "22012", 0);
    expect_ok(b);
    a = begun(conn);
    b = begun(conn);
    ck_assert(together(a, b));
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------ transactions */

/* A BEGIN that is not answered yet forbids groups: they would be its own. */
START_TEST(flagged_statements_leave_a_transaction_as_it_is)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *b, *w;

    ask(conn, elpq_sql("begin"));
    a = begun(conn);
    b = begun(conn);
    w = ask(conn, elpq_sql("insert into elpq_groups values (1)"));
    ask(conn, elpq_sql("commit"));
    ck_assert(together(a, b));
    expect_ok(w);
    await_all();
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

START_TEST(a_failure_in_a_transaction_refuses_what_is_behind)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = await(begin(conn, NULL))->tx;
    struct answer *a = ask(tx, elpq_sql("insert into elpq_groups values (1)"));
    struct answer *bad = ask(tx, elpq_sql("select 1 / $1", 0));
    struct answer *b = ask(tx, elpq_sql("insert into elpq_groups values (2)"));
    struct answer *end = commit(tx);

    expect_ok(a);
    expect_error(bad, ELPQ_E_SERVER, "22012", 0);
    expect_error(b, ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    expect_message(b, "current transaction is aborted");
    expect_error(end, ELPQ_E_ROLLED_BACK, "22012", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(conn, elpq_sql("select 3")), 3);
    close_conn(conn);
}
END_TEST

/* ROLLBACK TO must not be skipped, though a query before it has failed. */
START_TEST(a_savepoint_is_rolled_back_in_the_same_go)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = await(begin(conn, NULL))->tx;
    elpq_tx *part = await(savepoint(tx))->tx;
    struct answer *bad = ask(part, elpq_sql("select 1 / $1", 0));
    struct answer *behind = ask(part, elpq_sql("select 2"));
    struct answer *undone = rollback(part);
    struct answer *a = ask(tx, elpq_sql("insert into elpq_groups values (1)"));
    struct answer *b = ask(tx, elpq_sql("insert into elpq_groups values (2)"));
    struct answer *end = commit(tx);

    expect_error(bad, ELPQ_E_SERVER, "22012", 0);
    expect_error(behind, ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    expect_ok(undone);
    expect_ok(a);
    expect_ok(b);
    expect_ok(end);
    ck_assert_int_eq(rows(), 2);
    close_conn(conn);
}
END_TEST

START_TEST(a_lost_connection_in_a_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = await(begin(conn, NULL))->tx;
    struct answer *a, *waits, *behind, *end;

    lock_server();
    a = ask(tx, elpq_sql("insert into elpq_groups values (1)"));
    waits = ask(tx, elpq_sql(BLOCKED));
    behind = ask(tx, elpq_sql("insert into elpq_groups values (2)"));
    expect_ok(a);
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    await(waits);
    ck_assert_int_eq(waits->code, ELPQ_E_LOST);
    ck_assert(waits->flags & ELPQ_IN_DOUBT);
    expect_error(behind, ELPQ_E_LOST, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    end = commit(tx);
    expect_error(end, ELPQ_E_ROLLED_BACK, "",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    unlock_server();
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_in_a_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = await(begin(conn, NULL))->tx;
    struct answer *a, *waits, *behind, *end;

    lock_server();
    a = ask(tx, elpq_sql("insert into elpq_groups values (1)"));
    waits = ask(tx, elpq_sql(BLOCKED));
    behind = ask(tx, elpq_sql("insert into elpq_groups values (2)"));
    expect_ok(a);
    await_blocked(1);
    cancel(waits);
    expect_error(waits, ELPQ_E_CANCELED, "57014", 0);
    expect_error(behind, ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    end = commit(tx);
    expect_error(end, ELPQ_E_ROLLED_BACK, "57014", ELPQ_NOT_EXECUTED);
    unlock_server();
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, 20 * harness_slow());
    tcase_add_checked_fixture(tc, setup_table, teardown_table);
    suite_add_tcase(suite, tc);
    return tc;
}

static void build(Suite *suite)
{
    TCase *tc = new_case(suite, "reads");

    tcase_add_test(tc, reads_that_meet_share_a_transaction);
    tcase_add_test(tc, a_group_has_64_statements_or_8_kib);
    tcase_add_test(tc, no_group_reaches_over_what_is_not_flagged);
    tcase_add_test(tc, one_that_fails_fails_alone);
    tcase_add_test(tc, a_statement_that_cannot_be_prepared_fails_alone);
    tcase_add_test(tc, a_flagged_statement_that_writes_writes_once);
    tcase_add_test(tc, what_has_written_goes_alone_from_then_on);
    tcase_add_test(tc, what_the_session_refuses_stays_refused);
    tcase_add_test(tc, a_commit_that_fails_hits_the_guilty);
    tc = new_case(suite, "order");
    tcase_add_test(tc, a_write_waits_for_the_reads_before_it);
    tcase_add_test(tc, reads_go_on_behind_a_group);
    tcase_add_test(tc, who_mixes_goes_without_groups);
    tc = new_case(suite, "ends");
    tcase_add_test(tc, canceling_the_one_that_runs);
    tcase_add_test(tc, canceling_one_in_front_and_one_behind);
    tcase_add_test(tc, a_deadline_in_a_group_hits_its_own);
    tcase_add_test(tc, a_lost_connection_in_a_group);
    tcase_add_test(tc, closing_in_a_callback_of_a_group);
    tcase_add_test(tc, canceling_in_a_callback_of_a_group);
    tcase_add_test(tc, releasing_in_a_callback_of_a_group);
    tc = new_case(suite, "bounds");
    tcase_add_test(tc, a_forgotten_statement_in_a_group_runs_again);
    tcase_add_test(tc, large_results_leave_the_groups);
    tcase_add_test(tc, results_of_a_group_are_bounded_together);
    tcase_add_test(tc, unprepared_reads_share_as_well);
    tc = new_case(suite, "transactions");
    tcase_add_test(tc, flagged_statements_leave_a_transaction_as_it_is);
    tcase_add_test(tc, a_failure_in_a_transaction_refuses_what_is_behind);
    tcase_add_test(tc, a_savepoint_is_rolled_back_in_the_same_go);
    tcase_add_test(tc, canceling_in_a_transaction);
    tcase_add_test(tc, a_lost_connection_in_a_transaction);
}

int main(void)
{
    return harness_main("groups", build);
}

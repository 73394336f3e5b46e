/* SPDX-License-Identifier: PostgreSQL */
/*
 * What must not happen: that a forked child harms its parent, that something
 * runs twice, that an error of one reaches another, or that what one user
 * left behind is committed, or used, by the next.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_faults");
    admin_do("create table elpq_faults (who text)");
    admin_do("grant all on elpq_faults to public");
    admin_do("drop sequence if exists elpq_faults_seq");
    admin_do("create sequence elpq_faults_seq");
    admin_do("grant all on sequence elpq_faults_seq to public");
}

static void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_faults");
    admin_do("drop sequence elpq_faults_seq");
    harness_teardown();
}

/* What is committed, as others see it. */
static long rows(void)
{
    return admin_int("select count(*) from elpq_faults");
}

static struct answer *insert(elpq_tx *tx, const char *who)
{
    return ask(tx, elpq_sql("insert into elpq_faults values ($1)", who));
}

/* ------------------------------------------------------------------- fork */

static void expect_child_is_well(pid_t pid)
{
    int status = -1;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "the child died: %d", status);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}

/* Every verb of a transaction, on one that is open and on a savepoint. */
static int end_transactions(elpq_tx *tx, elpq_tx *outer, elpq_tx *part)
{
    struct answer a = { 0 };
    const elpq_statement *st = elpq_sql("select 1");

    if (elpq_tx_execute(tx, st, NULL, on_result, &a) != ELPQ_E_FORKED)
        return 1;
    if (elpq_savepoint(tx, on_tx, &a) != ELPQ_E_FORKED)
        return 2;
    if (elpq_commit(part, on_done, &a) != ELPQ_E_FORKED)
        return 3;
    if (elpq_rollback(part, on_done, &a) != ELPQ_E_FORKED)
        return 4;
    if (elpq_rollback(outer, NULL, NULL) != ELPQ_E_FORKED)
        return 5;
    if (elpq_commit(tx, on_done, &a) != ELPQ_E_FORKED)
        return 6;
    if (elpq_rollback(tx, NULL, NULL) != ELPQ_E_FORKED)
        return 7;
    elpq_conn_release(elpq_tx_conn(tx));
    elpq_conn_close(elpq_tx_conn(outer));
    return a.calls ? 8 : 0;
}

START_TEST(a_child_cannot_end_the_parents_transactions)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = begin_now(pool);
    elpq_tx *outer = expect_ok(begin(conn, NULL))->tx, *part;
    pid_t pid;

    expect_ok(insert(tx, "tx"));
    expect_ok(insert(outer, "outer"));
    part = expect_ok(savepoint(outer))->tx;
    expect_ok(insert(part, "part"));
    pid = fork();
    if (pid == 0)
        _exit(end_transactions(tx, outer, part));
    expect_child_is_well(pid);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_OPEN);
    expect_ok(insert(tx, "after"));
    expect_ok(insert(part, "after"));
    ck_assert_int_eq(rows(), 0);
    expect_ok(commit(tx));
    expect_ok(commit(part));
    expect_ok(commit(outer));
    ck_assert_int_eq(rows(), 5);
    ck_assert_uint_eq(stats(pool).connects, 1);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

/* The child goes on with the base; nothing of ours happens in it, whatever
 * comes from the server, and though a deadline passes. */
static int run_in_child(struct answer *running, struct answer *late, int ms)
{
    struct answer a = { 0 };

    if (event_reinit(loop) != 0)
        return 1;
    run_for_ms(ms);
    if (running->calls || late->calls)
        return 2;
    if (elpq_conn_execute(running->conn, elpq_sql("select 1"), NULL,
                          on_result, &a) != ELPQ_E_FORKED)
        return 3;
    run_turns(3);
    return a.calls ? 4 : 0;
}

START_TEST(a_child_that_goes_on_with_the_base_is_deaf)
{
    elpq_conn *conn = connect_now(NULL, NULL), *other = connect_now(NULL, NULL);
    elpq_options o = { .timeout_ms = scaled(2500) };
    elpq_options soon = { .timeout_ms = scaled(1500) };
    struct answer *running, *late;
    pid_t pid;

    lock_server();
    running = ask(conn, elpq_sql(BLOCKED));
    running->conn = conn;
    late = ask_with(other, elpq_sql("select pg_sleep(100)"), &o);
    await_blocked(1);
    await_server("select count(*) = 1 from pg_stat_activity"
                 " where pid = %d and wait_event = 'PgSleep'",
                 elpq_conn_pid(other));
    pid = fork();
    if (pid == 0)
        _exit(run_in_child(running, late, o.timeout_ms + 100));
    unlock_server();
    expect_child_is_well(pid);
    /* The child has not canceled it: the parent does. */
    ck_assert_int_eq(admin_int("select count(*) from pg_stat_activity"
                               " where pid = %d and state = 'active'",
                               elpq_conn_pid(other)), 1);
    expect_ok(running);
    expect_error(late, ELPQ_E_TIMEOUT, "57014", 0);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    late = ask_with(other, elpq_sql("select pg_sleep(100)"), &soon);
    expect_error(late, ELPQ_E_TIMEOUT, "57014", 0);
    close_conn(conn);
    close_conn(other);
}
END_TEST

/* -------------------------------------------------------- nothing twice */

#define SECOND_KEY 7078

/*
 * Behind a statement that is canceled: true if the call came as far as its
 * commit and was hit then.  What is meant for the first one may hit it early.
 */
static bool call_is_hit_late(elpq_conn *conn)
{
    struct answer *first, *call;
    bool late = false;

    lock_server();
    admin_do("select pg_advisory_lock(%d)", SECOND_KEY);
    first = ask(conn, elpq_sql(BLOCKED));
    call = ask(conn, elpq_sql("call elpq_faults_call()"));
    await_blocked(1);
    cancel(first);
    expect_error(first, ELPQ_E_CANCELED, "57014", 0);
    while (!call->calls && !late) {
        run_turns(2);
        late = admin_int("select count(*) from " LOCKS " not granted"
                         " and locktype = 'advisory' and objid = %d",
                         SECOND_KEY) == 1;
    }
    if (late)
        admin_do("select pg_cancel_backend(%d)", elpq_conn_pid(conn));
    expect_error(call, ELPQ_E_CANCELED, "57014", ELPQ_IN_DOUBT);
    admin_do("select pg_advisory_unlock_all()");
    return late;
}

START_TEST(a_procedure_that_committed_is_not_called_again)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    bool late = false;
    int i;

    admin_do("create or replace procedure elpq_faults_call()"
             " language plpgsql as $$ begin"
             " insert into elpq_faults values ('call'); commit;"
             " perform pg_advisory_xact_lock_shared(%d); end $$",
             SECOND_KEY);
    for (i = 0; i < 100 && !late; i++) {
        late = call_is_hit_late(conn);
        expect_int(ask(conn, elpq_sql("select 1")), 1);
        ck_assert_int_le(rows(), 1);
        if (late)
            ck_assert_int_eq(rows(), 1);
        else
            admin_do("delete from elpq_faults");
    }
    ck_assert_msg(late, "each of %d calls was hit too early", i);
    close_conn(conn);
    admin_do("drop procedure elpq_faults_call()");
}
END_TEST

/* ------------------------------------------- prepared by another statement */

START_TEST(what_failed_to_parse_is_parsed_again)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *before, *create, *after;

    before = ask(conn, elpq_sql("select n from elpq_faults_new"));
    create = ask(conn, elpq_sql("create temp table elpq_faults_new (n int)"));
    after = ask(conn, elpq_sql("select n from elpq_faults_new"));
    expect_error(before, ELPQ_E_SERVER, "42P01", 0);
    expect_ok(create);
    expect_ok(after);
    ck_assert_uint_eq(elpq_rows(after->result), 0);
    close_conn(conn);
}
END_TEST

START_TEST(what_a_failed_transaction_refused_to_parse_runs_outside)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *bad, *inside, *outside;

    ask(conn, elpq_sql("begin"));
    bad = ask(conn, elpq_sql("select nothing_of_the_kind"));
    inside = ask(conn, elpq_sql("select 7"));
    ask(conn, elpq_sql("rollback"));
    outside = ask(conn, elpq_sql("select 7"));
    expect_error(bad, ELPQ_E_SERVER, "42703", 0);
    expect_error(inside, ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    expect_int(outside, 7);
    expect_int(ask(conn, elpq_sql("select 7")), 7);
    close_conn(conn);
}
END_TEST

START_TEST(statements_that_are_outdated_together_are_all_retried)
{
    static const char *const sql[] = {
        "select * from elpq_faults_0", "select * from elpq_faults_1",
        "select * from elpq_faults_2",
    };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[3];
    int i;

    for (i = 0; i < 3; i++) {
        ask(conn, sql_format("create temp table elpq_faults_%d (n int)", i));
        expect_ok(ask(conn, sql_text(sql[i])));
    }
    for (i = 0; i < 3; i++)
        expect_ok(ask(conn, sql_format("alter table elpq_faults_%d"
                                       " add m int", i)));
    for (i = 0; i < 3; i++)
        a[i] = ask(conn, sql_text(sql[i]));
    for (i = 0; i < 3; i++) {
        expect_ok(a[i]);
        ck_assert_uint_eq(elpq_columns(a[i]->result), 2);
        ck_assert_uint_eq(a[i]->order, a[0]->order + (unsigned)i);
    }
    close_conn(conn);
}
END_TEST

/* --------------------------------------------------------- the next user */

/* It succeeds when a session is made, and fails when the first is reset. */
static const char *const fails_once[] = {
    "select 1 / (2 - nextval('elpq_faults_seq'))", NULL
};

START_TEST(nothing_runs_in_a_session_whose_reset_failed)
{
    elpq_pool_options o = { .max_size = 1, .on_connect = fails_once };
    elpq_pool *pool = pool_new(&o);
    struct answer *first, *second;

    first = ask(pool, elpq_sql("set application_name = 'somebody'"));
    second = ask(pool, elpq_sql("insert into elpq_faults"
                                " values (current_setting("
                                "'application_name'))"));
    expect_ok(first);
    expect_ok(second);
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(admin_int("select count(*) from elpq_faults"
                               " where who = 'somebody'"), 0);
    ck_assert_uint_eq(stats(pool).connects, 2);
    finish_pool(pool);
}
END_TEST

/* Ends with the lease; what its owner still does reaches nobody else. */
START_TEST(a_transaction_ends_with_its_lease)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_tx *old = expect_ok(begin(conn, NULL))->tx, *tx;
    struct answer *none = answer_new();

    expect_ok(insert(old, "old"));
    release(conn);
    conn = lease(pool);
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_ok(insert(tx, "new"));
    none->wanted = 0;
    ck_assert_int_ne(CALL(elpq_tx_execute(old, elpq_sql("select 1"), NULL,
                                          on_result, none)), 0);
    ck_assert_int_ne(CALL(elpq_savepoint(old, on_tx, none)), 0);
    if (_i == 0)
        expect_ok(rollback(old));
    else
        expect_error(commit(old), ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_OPEN);
    ck_assert_int_eq(rows(), 0);
    expect_ok(insert(tx, "newer"));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    expect_ok(rollback(expect_ok(begin(conn, NULL))->tx));
    release(conn);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------- half of a transaction */

/* The session is not left in a transaction that was told to have failed. */
START_TEST(a_commit_that_was_never_sent_leaves_nothing_open)
{
    elpq_conn_options o = { .timeout_ms = scaled(3000) };
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *busy, *end;

    expect_ok(insert(tx, "first"));
    lock_server();
    busy = script(conn, BLOCKED, &patient);
    end = commit(tx);
    await_blocked(1);
    expect_error(end, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    unlock_server();
    expect_ok(busy);
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_ok(insert(tx, "second"));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(admin_int("select count(*) from elpq_faults"
                               " where who = 'second'"), 1);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* What never goes to the server, and why it does not. */
static const elpq_statement *refused(int kind)
{
    static elpq_value value;
    static elpq_statement st;

    if (kind == 0)
        return sql_text("copy elpq_faults from stdin");
    value = elpq_typed(ELPQ_OID_INT2, elpq_int32(70000));
    st = elpq_sql_from_trusted_string("select $1", &value, 1);
    return &st;
}

#define REFUSED 2
static const int refusals[REFUSED] = { ELPQ_E_USAGE, ELPQ_E_VALUE };

static void expect_refused_commit(elpq_tx *tx, int kind)
{
    struct answer *good = insert(tx, "half"), *bad, *end;

    bad = ask(tx, refused(kind));
    expect_ok(good);
    expect_error(bad, refusals[kind], "", ELPQ_NOT_EXECUTED);
    end = await(commit(tx));
    ck_assert_int_eq(end->code, ELPQ_E_ROLLED_BACK);
    ck_assert_uint_eq(end->flags & ELPQ_IN_DOUBT, 0);
    ck_assert_int_eq(rows(), 0);
}

START_TEST(commit_after_a_refused_statement_rolls_back)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx;

    expect_refused_commit(begin_now(pool), _i);
    tx = begin_now(pool);
    expect_ok(insert(tx, "whole"));
    expect_ok(commit(tx));
    admin_do("delete from elpq_faults");
    expect_refused_commit(expect_ok(begin(conn, NULL))->tx, _i);
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_ok(insert(tx, "whole"));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

/* All in one go: what runs in front is answered first, and not canceled. */
START_TEST(what_runs_before_a_refused_commit_is_left_alone)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *good, *bad, *end;

    lock_server();
    good = ask(tx, elpq_sql(BLOCKED));
    bad = ask(tx, refused(_i));
    end = commit(tx);
    await_blocked(1);
    run_for_ms(50);
    unlock_server();
    expect_ok(good);
    expect_error(bad, refusals[_i], "", ELPQ_NOT_EXECUTED);
    await(end);
    ck_assert_int_eq(end->code, ELPQ_E_ROLLED_BACK);
    ck_assert_uint_lt(good->order, end->order);
    ck_assert_uint_eq(stats(pool).cancels, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(a_savepoint_undoes_a_refused_statement)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part;

    expect_ok(insert(tx, "kept"));
    part = expect_ok(savepoint(tx))->tx;
    expect_ok(insert(part, "undone"));
    expect_error(ask(part, refused(_i)), refusals[_i], "", ELPQ_NOT_EXECUTED);
    expect_ok(rollback(part));
    expect_ok(insert(tx, "kept"));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    finish_pool(pool);
}
END_TEST

/* --------------------------------------------------------------- the rest */

static struct {
    elpq_conn *conn;
    int kind;
    int callbacks;
    int fired;
    int64_t end;
} starving;

static void submit_again(elpq_result *result, const elpq_error *error,
                         void *arg)
{
    (void)result;
    (void)arg;
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->code, refusals[starving.kind]);
    starving.callbacks++;
    if (!starving.fired && now_usec() < starving.end)
        ck_assert_int_eq(CALL(elpq_conn_execute(starving.conn,
                                                refused(starving.kind), NULL,
                                                submit_again, NULL)), 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    starving.fired = 1;
}

START_TEST(submitting_again_and_again_starves_no_timer)
{
    struct timeval soon = { 0, 20000 };

    memset(&starving, 0, sizeof(starving));
    starving.conn = connect_now(NULL, NULL);
    starving.kind = _i;
    starving.end = now_usec() + scaled(2000) * INT64_C(1000);
    event_base_once(loop, -1, EV_TIMEOUT, on_timer, NULL, &soon);
    submit_again(NULL, &(elpq_error){ .code = refusals[_i] }, NULL);
    run_until(&starving.fired, 1);
    ck_assert_int_gt(starving.callbacks, 1);
    ck_assert_msg(now_usec() < starving.end, "%d callbacks before the timer",
                  starving.callbacks);
    expect_int(ask(starving.conn, elpq_sql("select 1")), 1);
    close_conn(starving.conn);
}
END_TEST

/* libpq quotes the conninfo in its error, and we hide what it quotes. */
START_TEST(a_conninfo_of_quotes_is_an_error)
{
    struct answer *never = answer_new();
    char text[501];
    int n;

    never->wanted = 0;
    for (n = 1; n <= 500; n += n < 20 ? 1 : 60) {
        elpq_error *error = NULL;
        elpq_conn *conn;

        memset(text, _i ? '\'' : '"', sizeof(text));
        text[n] = '\0';
        RUN(conn = elpq_connect(loop, text, NULL, on_conn, never, &error));
        ck_assert_ptr_null(conn);
        ck_assert_ptr_nonnull(error);
        ck_assert_int_eq(error->code, ELPQ_E_USAGE);
        ck_assert_str_ne(error->message, "");
        elpq_error_free(error);
    }
}
END_TEST

static TCase *table_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup_table, teardown_table);
    suite_add_tcase(s, t);
    return t;
}

static void build(Suite *s)
{
    TCase *t = table_case(s, "fork");

    tcase_add_test(t, a_child_cannot_end_the_parents_transactions);
    tcase_add_test(t, a_child_that_goes_on_with_the_base_is_deaf);
    t = table_case(s, "twice");
    tcase_add_test(t, a_procedure_that_committed_is_not_called_again);
    t = table_case(s, "prepared");
    tcase_add_test(t, what_failed_to_parse_is_parsed_again);
    tcase_add_test(t, what_a_failed_transaction_refused_to_parse_runs_outside);
    tcase_add_test(t, statements_that_are_outdated_together_are_all_retried);
    t = table_case(s, "next user");
    tcase_add_test(t, nothing_runs_in_a_session_whose_reset_failed);
    tcase_add_loop_test(t, a_transaction_ends_with_its_lease, 0, 2);
    t = table_case(s, "half");
    tcase_add_test(t, a_commit_that_was_never_sent_leaves_nothing_open);
    tcase_add_loop_test(t, commit_after_a_refused_statement_rolls_back, 0,
                        REFUSED);
    tcase_add_loop_test(t, what_runs_before_a_refused_commit_is_left_alone, 0,
                        REFUSED);
    tcase_add_loop_test(t, a_savepoint_undoes_a_refused_statement, 0,
                        REFUSED);
    t = harness_case(s, "rest", 0);
    tcase_add_loop_test(t, submitting_again_and_again_starves_no_timer, 0,
                        REFUSED);
    tcase_add_loop_test(t, a_conninfo_of_quotes_is_an_error, 0, 2);
}

int main(void)
{
    return harness_main("faults", build);
}

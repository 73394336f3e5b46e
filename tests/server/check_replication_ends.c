/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replication: errors at every stage, lost connections, close in every
 * callback; and what becomes of slots.  A restart of the server is in
 * check_replication_kills.c.
 */
#include <signal.h>

#include "replication.h"

/* ------------------------------------------------------------------ errors */

START_TEST(what_cannot_heal_is_given_up)
{
    static const char *const nowhere[] = { "elpq_no_such_pub", NULL };
    static const struct {
        const char *sqlstate;
        int ups;
    } wanted[] = { { "42704", 0 }, { "42704", 1 }, { "3D000", 0 } };
    static const char *const database[] = { "dbname", "elpq_no_such_db", NULL };
    elpq_replication_options o = stream_options();

    make_all("id int primary key", "pgoutput");
    if (_i == 0)
        o.slot = "elpq_no_such_slot";
    if (_i == 1)
        o.publications = nowhere;
    if (_i == 2)
        o.conn.params = database;
    admin_do("insert into elpq_changed values (1)");
    consume_from(&o);
    run_until(&seen_changes.downs, 1);
    ck_assert(seen_changes.given_up);
    ck_assert_str_eq(seen_changes.sqlstate, wanted[_i].sqlstate);
    ck_assert_int_eq(seen_changes.ups, wanted[_i].ups);
    ck_assert_int_eq(seen_changes.changes, 0);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(attempts_are_counted)
{
    elpq_replication_options o = stream_options();
    struct answer *end = answer_new();

    o.max_attempts = 3;
    memset(&seen_changes, 0, sizeof(seen_changes));
    RUN(seen_changes.r =
            elpq_replication_new(loop, loopback(dead_port()), &o, on_consumed,
                                 on_consumer_event, &seen_changes, NULL));
    run_until(&seen_changes.downs, 2);
    ck_assert(seen_changes.given_up);
    ck_assert_int_eq(seen_changes.code, ELPQ_E_CONNECT);
    RUN(elpq_replication_close(seen_changes.r, on_done, end));
    expect_ok(end);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    static const char *const odd[] = { "name", NULL };
    elpq_replication_options good = stream_options(), bad;
    elpq_error *error = NULL;
    int i;

    for (i = 0; i < 8; i++) {
        bad = good;
        if (i == 0)
            bad.slot = NULL;
        if (i == 1)
            bad.slot = "";
        if (i == 2)
            bad.publications = NULL;
        if (i == 3)
            bad.plugin_options = odd;
        if (i == 4)
            bad.temporary = true;
        if (i == 5)
            bad.status_interval_ms = -1;
        if (i == 6)
            bad.streaming = (elpq_replication_streaming)9;
        ck_assert_ptr_null(
            elpq_replication_new(loop, i == 7 ? "nonsense" : NULL, &bad,
                                 on_consumed, NULL, NULL, &error));
        ck_assert_ptr_nonnull(error);
        ck_assert_int_eq(error->code, ELPQ_E_USAGE);
        elpq_error_free(error);
    }
    ck_assert_ptr_null(
        elpq_replication_new(loop, NULL, NULL, on_consumed, NULL, NULL, NULL));
    RUN(elpq_replication_close(NULL, NULL, NULL));
}
END_TEST

START_TEST(too_many_tables_are_an_error)
{
    elpq_replication_options o = stream_options();

    o.max_relations = 1;
    make_all("id int primary key", "pgoutput");
    admin_do("create table elpq_other (id int primary key)");
    admin_do("alter publication " PUBLICATION " add table elpq_other");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1)");
    admin_do("insert into elpq_other values (1)");
    run_until(&seen_changes.downs, 1);
    ck_assert_int_eq(seen_changes.code, ELPQ_E_LIMIT);
    ck_assert(seen_changes.given_up);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(a_change_beyond_the_limit_is_an_error)
{
    elpq_replication_options o = stream_options();

    o.conn.max_result_bytes = 10000;
    make_all("id int primary key, name text", "pgoutput");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1, repeat('x', 20000))");
    run_until(&seen_changes.downs, 1);
    ck_assert_int_eq(seen_changes.code, ELPQ_E_LIMIT);
    consume_end();
    drop_all();
}
END_TEST

/* ------------------------------------------------------- lost connections */

static int sender_pid(void)
{
    return (int)admin_int("select active_pid from pg_replication_slots"
                          " where slot_name = '" SLOT "'");
}

START_TEST(it_comes_back)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key", "pgoutput");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1)");
    admin_do("insert into elpq_changed values (2)");
    run_until(&seen_changes.commits, 2);
    confirm(seen_changes.ends[0]);
    seen_changes.size = 0;
    terminate(sender_pid());
    run_until(&seen_changes.ups, 2);
    ck_assert_int_eq(seen_changes.downs, 1);
    ck_assert(!seen_changes.given_up);
    ck_assert_int_eq(seen_changes.code, ELPQ_E_LOST);
    ck_assert_uint_eq(seen_changes.start, seen_changes.ends[0]);
    run_until(&seen_changes.commits, 3);
    expect_log("begin\nrelation elpq_changed\ninsert elpq_changed 2\n"
               "commit\n");
    consume_end();
    drop_all();
}
END_TEST

/* Dates have to come in the style that is read, also where the server's is
 * another one. */
START_TEST(styles_of_the_server)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key, day date", "pgoutput");
    admin_do("do $$ begin execute format('alter role %%I set datestyle to"
             " %%L', current_user, 'SQL, DMY'); end $$");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1, date '2024-02-03')");
    run_until(&seen_changes.commits, 1);
    admin_do("do $$ begin execute format('alter role %%I reset datestyle',"
             " current_user); end $$");
    expect_log("begin\nrelation elpq_changed\n"
               "insert elpq_changed 1|2024-02-03\ncommit\n");
    consume_end();
    drop_all();
}
END_TEST

/* The end of a stream that was up is no attempt that failed. */
START_TEST(one_attempt_is_enough_to_come_back)
{
    elpq_replication_options o = stream_options();

    o.max_attempts = 1;
    make_all("id int primary key", "pgoutput");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1)");
    run_until(&seen_changes.commits, 1);
    terminate(sender_pid());
    run_until(&seen_changes.ups, 2);
    ck_assert(!seen_changes.given_up);
    consume_end();
    drop_all();
}
END_TEST

/* A server that is stopped says nothing; when it goes on, all is well. */
START_TEST(a_silent_server_is_noticed)
{
    elpq_replication_options o = stream_options();
    int pid;

    o.server_timeout_ms = scaled(2000);
    make_all("id int primary key", "pgoutput");
    consume_up(&o);
    pid = sender_pid();
    if (!signal_server(pid, SIGSTOP)) {
        consume_end();
        drop_all();
        return;
    }
    run_until(&seen_changes.downs, 1);
    ck_assert_int_eq(seen_changes.code, ELPQ_E_TIMEOUT);
    signal_server(pid, SIGCONT);
    admin_do("insert into elpq_changed values (1)");
    run_until(&seen_changes.commits, 1);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(a_temporary_slot_ends_with_its_connection)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key", "pgoutput");
    o.slot = "elpq_temporary";
    o.create_slot = o.temporary = true;
    consume_up(&o);
    ck_assert_int_eq(admin_int("select temporary from pg_replication_slots"
                               " where slot_name = 'elpq_temporary'"),
                     1);
    admin_do("select pg_terminate_backend(active_pid) from"
             " pg_replication_slots where slot_name = 'elpq_temporary'");
    run_until(&seen_changes.downs, 1);
    ck_assert(seen_changes.given_up);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(a_slot_is_made_once)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key", "pgoutput");
    admin_do("select pg_drop_replication_slot('" SLOT "')");
    o.create_slot = true;
    consume_up(&o);
    consume_end();
    admin_do("insert into elpq_changed values (1)");
    consume_up(&o);
    run_until(&seen_changes.commits, 1);
    ck_assert_int_eq(seen_changes.downs, 0);
    consume_end();
    drop_all();
}
END_TEST

/* ------------------------------------------------------------------- close */

static void close_it(void)
{
    RUN(elpq_replication_close(seen_changes.r, on_done, seen_changes.end));
}

static void close_at_change(const elpq_change *change)
{
    if (change->kind == ELPQ_CHANGE_INSERT && !seen_changes.end->data) {
        seen_changes.end->data = &seen_changes;
        close_it();
    }
    ck_assert_int_le(seen_changes.changes, 3);
}

static void close_at_event(const elpq_replication_event *event)
{
    (void)event;
    close_it();
}

START_TEST(closed_in_its_callbacks)
{
    elpq_replication_options o = stream_options();
    struct answer *end = answer_new();

    make_all("id int primary key", "pgoutput");
    admin_do("insert into elpq_changed select generate_series(1, 1000)");
    if (_i == 2)
        o.slot = "elpq_no_such_slot";
    consume_from(&o);
    seen_changes.end = end;
    if (_i == 0)
        seen_changes.on_change = close_at_change;
    else if (_i < 3)
        seen_changes.on_event = close_at_event;
    else
        close_it(); /* at once */
    expect_ok(end);
    drop_all();
}
END_TEST

static void close_conn_at(const elpq_event *event)
{
    if (event->kind == ELPQ_EVENT_CONNECTED && seen_changes.downs == 0) {
        close_conn(event->conn);
    }
}

START_TEST(a_hook_closes_its_connection)
{
    elpq_replication_options o = stream_options();

    o.conn = traced();
    make_all("id int primary key", "pgoutput");
    trace_then = close_conn_at;
    consume_from(&o);
    run_until(&seen_changes.downs, 1);
    ck_assert_int_eq(seen_changes.code, ELPQ_E_CLOSED);
    run_until(&seen_changes.ups, 1);
    ck_assert_int_eq(seen_changes.downs, 1);
    consume_end();
    drop_all();
}
END_TEST

/* ------------------------------------------------------------------- slots */

static struct {
    int calls;
    uint64_t lsn;
    char name[64];
    char snapshot[64];
    int code;
    char sqlstate[6];
} made;

static void on_slot(const elpq_slot *slot, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(harness_depth, 0);
    made.calls++;
    made.code = error ? error->code : 0;
    strcpy(made.sqlstate, error ? error->sqlstate : "");
    if (!slot)
        return;
    made.lsn = slot->consistent_point;
    strcpy(made.name, slot->name);
    strcpy(made.snapshot, slot->snapshot ? slot->snapshot : "");
}

START_TEST(slots_come_and_go)
{
    static const char *const params[] = { "replication", "database", NULL };
    elpq_conn_options co = { .params = params };
    elpq_slot_options so = { .snapshot = ELPQ_SNAPSHOT_EXPORT };
    struct answer *end = answer_new(), *again = answer_new();
    elpq_conn *conn;

    drop_all();
    memset(&made, 0, sizeof(made));
    conn = connect_now(NULL, &co);
    ck_assert_int_eq(
        CALL(elpq_conn_slot_create(conn, SLOT, &so, NULL, on_slot, NULL)), 0);
    run_until(&made.calls, 1);
    ck_assert_str_eq(made.name, SLOT);
    ck_assert_uint_ne(made.lsn, 0);
    admin_do("begin isolation level repeatable read;"
             " set transaction snapshot '%s'; commit",
             made.snapshot);
    ck_assert_int_eq(
        CALL(elpq_conn_slot_create(conn, SLOT, NULL, NULL, on_slot, NULL)), 0);
    run_until(&made.calls, 2);
    ck_assert_str_eq(made.sqlstate, "42710");
    ck_assert_int_eq(
        CALL(elpq_conn_slot_create(conn, "", NULL, NULL, on_slot, NULL)),
        ELPQ_E_USAGE);
    ck_assert_int_eq(
        CALL(elpq_conn_slot_drop(conn, SLOT, true, NULL, on_done, end)), 0);
    expect_ok(end);
    ck_assert_int_eq(
        CALL(elpq_conn_slot_drop(conn, SLOT, false, NULL, on_done, again)), 0);
    expect_error(again, ELPQ_E_SERVER, "42704", 0);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "errors", 30);

    if (!can_replicate())
        return;
    tcase_add_loop_test(t, what_cannot_heal_is_given_up, 0, 3);
    tcase_add_test(t, attempts_are_counted);
    tcase_add_test(t, nonsense_is_refused);
    tcase_add_test(t, too_many_tables_are_an_error);
    tcase_add_test(t, a_change_beyond_the_limit_is_an_error);
    t = harness_case(s, "lost", 30);
    tcase_add_test(t, styles_of_the_server);
    tcase_add_test(t, it_comes_back);
    tcase_add_test(t, one_attempt_is_enough_to_come_back);
    tcase_add_test(t, a_silent_server_is_noticed);
    tcase_add_test(t, a_temporary_slot_ends_with_its_connection);
    tcase_add_test(t, a_slot_is_made_once);
    t = harness_case(s, "close", 30);
    tcase_add_loop_test(t, closed_in_its_callbacks, 0, 4);
    tcase_add_test(t, a_hook_closes_its_connection);
    t = harness_case(s, "slots", 30);
    tcase_add_test(t, slots_come_and_go);
}

int main(void)
{
    return harness_main("replication ends", build);
}

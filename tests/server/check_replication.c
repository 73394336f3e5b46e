/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replication against the server: every kind of change, what is confirmed and
 * what is not, pause, errors at every stage, lost connections, close in every
 * callback.  A restart of the server is in check_replication_kills.c.
 */
#include <signal.h>

#include "replication.h"

#define LOG seen_changes.log

static void expect_log(const char *text)
{
    ck_assert_str_eq(LOG, text);
    seen_changes.size = 0;
    LOG[0] = '\0';
}

/* ---------------------------------------------------------------- changes */

START_TEST(changes_are_decoded)
{
    elpq_replication_options o = stream_options();

    o.binary = _i == 1;
    o.messages = true;
    make_all(
        "id int primary key, name text, price numeric(8,2), at timestamptz",
        "pgoutput");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1, 'one', 1.50,"
             " '2024-02-29 12:00:00+00'), (2, null, null, null)");
    admin_do("update elpq_changed set name = 'two' where id = 2");
    admin_do("update elpq_changed set id = 3 where id = 2");
    admin_do("delete from elpq_changed where id = 1");
    admin_do("truncate elpq_changed");
    admin_do("select pg_logical_emit_message(true, 'to', 'you')");
    run_until(&seen_changes.commits, 6);
    expect_log("begin\n"
               "relation elpq_changed\n"
               "insert elpq_changed 1|one|1.50|2024-02-29 12:00:00+\n"
               "insert elpq_changed 2|null|null|null\n"
               "commit\nbegin\n"
               "update elpq_changed 2|two|null|null\n"
               "commit\nbegin\n"
               "update elpq_changed key 2|null|null|null 3|two|null|null\n"
               "commit\nbegin\n"
               "delete elpq_changed key 1|null|null|null\n"
               "commit\nbegin\n"
               "truncate elpq_changed\n"
               "commit\nbegin\n"
               "message to you\n"
               "commit\n");
    consume_end();
    drop_all();
}
END_TEST

static int values_seen;

static void check_values(const elpq_change *change)
{
    int32_t id;
    double x;
    int64_t at;
    bool yes;
    elpq_string s;
    elpq_array_view list;
    const elpq_cell *row = change->new_row;

    if (change->kind == ELPQ_CHANGE_BEGIN) {
        ck_assert_uint_ne(change->xid, 0);
        ck_assert_int_gt(change->time, INT64_C(1600000000000000));
    }
    if (change->kind != ELPQ_CHANGE_INSERT)
        return;
    values_seen++;
    ck_assert_str_eq(change->relation->schema, "public");
    ck_assert_int_eq(change->relation->replica_identity, 'd');
    ck_assert(change->relation->columns[0].key);
    ck_assert(!change->relation->columns[1].key);
    ck_assert_str_eq(change->relation->columns[1].name, "x");
    ck_assert_int_eq(elpq_cell_int32(&row[0], &id), 0);
    ck_assert_int_eq(elpq_cell_double(&row[1], &x), 0);
    ck_assert_int_eq(elpq_cell_timestamp(&row[2], &at), 0);
    ck_assert_int_eq(elpq_cell_bool(&row[3], &yes), 0);
    ck_assert_int_eq(elpq_cell_array(&row[4], &list), 0);
    ck_assert_int_eq(elpq_cell_string(&row[5], &s), 0);
    ck_assert(id == -7 && x == 0.25 && at == 1000000 && yes);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(s.data, "text");
    ck_assert_int_eq(elpq_cell_int32(&row[6], &id), ELPQ_E_NULL);
}

START_TEST(values_have_their_types)
{
    elpq_replication_options o = stream_options();

    o.binary = _i == 1;
    values_seen = 0;
    make_all("id int primary key, x float8, at timestamptz, yes bool,"
             " list int[], s text, n int",
             "pgoutput");
    consume_up(&o);
    seen_changes.on_change = check_values;
    admin_do("insert into elpq_changed values (-7, 0.25,"
             " '1970-01-01 00:00:01+00', true, '{1,2}', 'text', null)");
    run_until(&values_seen, 1);
    run_until(&seen_changes.commits, 1);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(large_values_that_stay_are_told_from_null)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key, big text, n int", "pgoutput");
    admin_do("alter table elpq_changed alter big set storage external");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1, repeat('x', 100000), 1)");
    admin_do("update elpq_changed set n = null");
    admin_do("alter table elpq_changed replica identity full");
    admin_do("update elpq_changed set n = 2");
    run_until(&seen_changes.commits, 3);
    expect_log("begin\n"
               "relation elpq_changed\n"
               "insert elpq_changed 1|xxxxxxxxxxxxxxxxxxxx|1\n"
               "commit\nbegin\n"
               "update elpq_changed 1|(as before)|null\n"
               "commit\nbegin\n"
               "relation elpq_changed\n"
               "update elpq_changed old 1|xxxxxxxxxxxxxxxxxxxx|null"
               " 1|(as before)|2\n"
               "commit\n");
    consume_end();
    drop_all();
}
END_TEST

START_TEST(other_plugins_are_handed_on)
{
    static const char *const plugin_options[] = { "include-xids", "0",
                                                  "skip-empty-xacts", "1",
                                                  NULL };
    elpq_replication_options o = stream_options();

    o.plugin = "test_decoding";
    o.plugin_options = plugin_options;
    o.publications = NULL;
    make_all("id int primary key, name text", "test_decoding");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1, 'it''s')");
    run_until(&seen_changes.texts, 3);
    expect_log("text BEGIN\n"
               "text table public.elpq_changed: INSERT: id[integer]:1"
               " name[text]:'it''s'\n"
               "text COMMIT\n");
    confirm(seen_changes.last);
    consume_end();
    ck_assert_uint_eq(confirmed_on_server(), seen_changes.last);
    drop_all();
}
END_TEST

/* ------------------------------------- transactions that are not over yet */

static int inserts;

static void note_no_row(const elpq_change *change)
{
    inserts += change->kind == ELPQ_CHANGE_INSERT;
    if (change->kind != ELPQ_CHANGE_INSERT) {
        ck_assert(change->kind != ELPQ_CHANGE_RELATION || change->streamed);
        note_change(change);
    }
}

START_TEST(large_transactions_come_before_they_are_over)
{
    static const char *const params[] = { "options",
                                          "-c logical_decoding_work_mem=64kB",
                                          NULL };
    elpq_replication_options o = stream_options();

    if (admin_int("select current_setting('server_version_num')::int") < 140000)
        return;
    o.streaming = ELPQ_STREAMING_ON;
    o.conn.params = params;
    inserts = 0;
    make_all("id int primary key, name text", "pgoutput");
    consume_up(&o);
    seen_changes.on_change = note_no_row;
    admin_do("begin");
    admin_do("insert into elpq_changed select i, repeat('x', 100)"
             " from generate_series(1, 2000) i");
    while (!strstr(LOG, "stream stop"))
        run_turns(1);
    ck_assert_int_eq(seen_changes.commits, 0);
    ck_assert_int_gt(inserts, 100);
    ck_assert_int_eq(strncmp(LOG,
                             "stream start\nrelation elpq_changed\n"
                             "stream stop\n",
                             46),
                     0);
    admin_do("rollback");
    while (!strstr(LOG, "stream abort"))
        run_turns(1);
    admin_do("insert into elpq_changed select i, repeat('x', 100)"
             " from generate_series(1, 4000) i");
    run_until(&seen_changes.commits, 1);
    confirm(seen_changes.ends[0]);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(prepared_transactions_are_seen)
{
    elpq_replication_options o = stream_options();

    if (admin_int("select current_setting('server_version_num')::int") <
            150000 ||
        admin_int("select current_setting('max_prepared_transactions')::int") ==
            0)
        return;
    o.two_phase = o.create_slot = true;
    make_all("id int primary key, name text", "pgoutput");
    admin_do("select pg_drop_replication_slot('" SLOT "')");
    consume_up(&o);
    admin_do("begin; insert into elpq_changed values (1, 'a');"
             " prepare transaction 'elpq one'");
    admin_do("begin; insert into elpq_changed values (2, 'b');"
             " prepare transaction 'elpq two'");
    admin_do("commit prepared 'elpq one'");
    admin_do("rollback prepared 'elpq two'");
    while (!strstr(LOG, "rollback prepared"))
        run_turns(1);
    expect_log("begin prepare elpq one\n"
               "relation elpq_changed\n"
               "insert elpq_changed 1|a\n"
               "prepare elpq one\n"
               "begin prepare elpq two\n"
               "insert elpq_changed 2|b\n"
               "prepare elpq two\n"
               "commit prepared elpq one\n"
               "rollback prepared elpq two\n");
    consume_end();
    drop_all();
}
END_TEST

/* -------------------------------------------------------------- confirming */

START_TEST(nothing_is_confirmed_early)
{
    elpq_replication_options o = stream_options();
    elpq_replication_statistics st;
    int i;

    o.status_interval_ms = 20;
    make_all("id int primary key", "pgoutput");
    consume_up(&o);
    for (i = 1; i <= 3; i++)
        admin_do("insert into elpq_changed values (%d)", i);
    run_until(&seen_changes.commits, 3);
    /* The server hears from us, and of nothing that was not confirmed. */
    await_server("select write_lsn >= '%X/%X'::pg_lsn from"
                 " pg_stat_replication where application_name = 'elpq'",
                 (unsigned)(seen_changes.ends[2] >> 32),
                 (unsigned)seen_changes.ends[2]);
    ck_assert_uint_lt(confirmed_on_server(), seen_changes.ends[0]);
    ck_assert_int_eq(CALL(elpq_replication_confirm(seen_changes.r,
                                                   seen_changes.ends[2] + 1)),
                     ELPQ_E_USAGE);
    confirm(seen_changes.ends[1]);
    confirm(seen_changes.ends[0]); /* changes nothing */
    await_server("select confirmed_flush_lsn = '%X/%X'::pg_lsn from"
                 " pg_replication_slots where slot_name = '" SLOT "'",
                 (unsigned)(seen_changes.ends[1] >> 32),
                 (unsigned)seen_changes.ends[1]);
    RUN(elpq_replication_stats(seen_changes.r, &st));
    ck_assert_uint_eq(st.confirmed, seen_changes.ends[1]);
    ck_assert_uint_eq(st.delivered, seen_changes.ends[2]);
    ck_assert(st.up && st.connects == 1 && st.relations == 1);
    consume_end();
    consume_up(&o);
    run_until(&seen_changes.commits, 1);
    expect_log("begin\nrelation elpq_changed\ninsert elpq_changed 3\n"
               "commit\n");
    consume_end();
    drop_all();
}
END_TEST

START_TEST(a_confirmation_goes_out_with_the_close)
{
    elpq_replication_options o = stream_options();
    uint64_t end;

    o.no_idle_confirm = true;
    make_all("id int primary key", "pgoutput");
    consume_up(&o);
    admin_do("insert into elpq_changed values (1)");
    run_until(&seen_changes.commits, 1);
    end = seen_changes.ends[0];
    confirm(end);
    consume_end();
    ck_assert_uint_eq(confirmed_on_server(), end);
    drop_all();
}
END_TEST

START_TEST(wal_of_others_is_let_go)
{
    elpq_replication_options o = stream_options();
    uint64_t before, now;

    o.status_interval_ms = 20;
    o.no_idle_confirm = _i == 1;
    make_all("id int primary key", "pgoutput");
    admin_do("create table elpq_other (id int)");
    consume_up(&o);
    before = confirmed_on_server();
    admin_do("insert into elpq_other values (1)");
    now = wal_now();
    await_server("select write_lsn >= '%X/%X'::pg_lsn from"
                 " pg_stat_replication where application_name = 'elpq'",
                 (unsigned)(now >> 32), (unsigned)now);
    if (_i == 0)
        await_server("select confirmed_flush_lsn >= '%X/%X'::pg_lsn from"
                     " pg_replication_slots where slot_name = '" SLOT "'",
                     (unsigned)(now >> 32), (unsigned)now);
    else
        ck_assert_uint_eq(confirmed_on_server(), before);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(a_start_beyond_the_slot_is_kept)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key", "pgoutput");
    admin_do("insert into elpq_changed values (1)");
    o.start = wal_now();
    admin_do("insert into elpq_changed values (2)");
    consume_up(&o);
    ck_assert_uint_eq(seen_changes.start, o.start);
    run_until(&seen_changes.commits, 1);
    expect_log("begin\nrelation elpq_changed\ninsert elpq_changed 2\n"
               "commit\n");
    consume_end();
    drop_all();
}
END_TEST

/* ------------------------------------------------------------------- pause */

static long memory_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0, resident = 0;

    if (f) {
        ck_assert_int_eq(fscanf(f, "%ld %ld", &pages, &resident), 2);
        fclose(f);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void count_and_pause(const elpq_change *change)
{
    inserts += change->kind == ELPQ_CHANGE_INSERT;
    if (inserts == 10)
        RUN(elpq_replication_pause(seen_changes.r));
}

START_TEST(a_pause_holds_the_server_and_not_the_memory)
{
    static const char *const params[] = { "options",
                                          "-c wal_sender_timeout=4000", NULL };
    elpq_replication_options o = stream_options();
    long before;

    inserts = 0;
    o.conn.params = params;
    o.status_interval_ms = 50;
    o.server_timeout_ms = 4000;
    make_all("id int primary key, name text", "pgoutput");
    consume_up(&o);
    seen_changes.on_change = count_and_pause;
    before = memory_kib();
    admin_do("insert into elpq_changed select i, repeat('x', 1000)"
             " from generate_series(1, 20000) i");
    run_until(&inserts, 10);
    /* More than the time after which either side gives up a silent one. */
    admin_do("create table elpq_other as select now() as began");
    await_server("select reply_time > began + interval '5 s' from"
                 " pg_stat_replication, elpq_other"
                 " where application_name = 'elpq'");
    ck_assert_int_eq(inserts, 10);
    if (harness_slow() == 1)
        ck_assert_int_lt(memory_kib() - before, 4096);
    RUN(elpq_replication_resume(seen_changes.r));
    run_until(&inserts, 20000);
    if (harness_slow() == 1)
        ck_assert_int_lt(memory_kib() - before, 4096);
    run_until(&seen_changes.commits, 1);
    ck_assert_int_eq(seen_changes.downs, 0);
    consume_end();
    drop_all();
}
END_TEST

START_TEST(paused_before_it_is_up)
{
    elpq_replication_options o = stream_options();

    make_all("id int primary key", "pgoutput");
    admin_do("insert into elpq_changed values (1)");
    consume_from(&o);
    RUN(elpq_replication_pause(seen_changes.r));
    run_until(&seen_changes.ups, 1);
    await_server("select state = 'streaming' from pg_stat_replication"
                 " where application_name = 'elpq'");
    run_turns(20);
    ck_assert_int_eq(seen_changes.changes, 0);
    RUN(elpq_replication_resume(seen_changes.r));
    run_until(&seen_changes.commits, 1);
    consume_end();
    drop_all();
}
END_TEST

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

/* A server that is stopped says nothing; when it goes on, all is well. */
START_TEST(a_silent_server_is_noticed)
{
    elpq_replication_options o = stream_options();
    int pid;

    o.server_timeout_ms = 300;
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
    run_until(&seen_changes.ups, 1);
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
    TCase *t = harness_case(s, "changes", 30);

    if (!can_replicate())
        return;
    tcase_add_loop_test(t, changes_are_decoded, 0, 2);
    tcase_add_loop_test(t, values_have_their_types, 0, 2);
    tcase_add_test(t, large_values_that_stay_are_told_from_null);
    tcase_add_test(t, other_plugins_are_handed_on);
    tcase_add_test(t, large_transactions_come_before_they_are_over);
    tcase_add_test(t, prepared_transactions_are_seen);
    t = harness_case(s, "confirm", 30);
    tcase_add_test(t, nothing_is_confirmed_early);
    tcase_add_test(t, a_confirmation_goes_out_with_the_close);
    tcase_add_loop_test(t, wal_of_others_is_let_go, 0, 2);
    tcase_add_test(t, a_start_beyond_the_slot_is_kept);
    t = harness_case(s, "pause", 40);
    tcase_add_test(t, a_pause_holds_the_server_and_not_the_memory);
    tcase_add_test(t, paused_before_it_is_up);
    t = harness_case(s, "errors", 30);
    tcase_add_loop_test(t, what_cannot_heal_is_given_up, 0, 3);
    tcase_add_test(t, attempts_are_counted);
    tcase_add_test(t, nonsense_is_refused);
    tcase_add_test(t, too_many_tables_are_an_error);
    tcase_add_test(t, a_change_beyond_the_limit_is_an_error);
    t = harness_case(s, "lost", 30);
    tcase_add_test(t, it_comes_back);
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
    return harness_main("replication", build);
}

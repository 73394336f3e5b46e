/* SPDX-License-Identifier: PostgreSQL */
/*
 * Replication against the server: every kind of change, what is confirmed and
 * what is not, pause.  How it ends is in check_replication_ends.c.
 */
#include <unistd.h>

#include "replication.h"

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
    RUN(elpq_replication_pause(NULL));
    RUN(elpq_replication_resume(NULL));
    ck_assert_int_eq(CALL(elpq_replication_confirm(NULL, 1)), ELPQ_E_USAGE);
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
}

int main(void)
{
    return harness_main("replication", build);
}

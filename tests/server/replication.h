/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of replication share: a consumer that writes down what comes,
 * and slots and publications that go with the test.
 */
#ifndef ELPQ_TESTS_REPLICATION_H
#define ELPQ_TESTS_REPLICATION_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

#define SLOT "elpq_slot"
#define PUBLICATION "elpq_pub"

static struct consumer {
    elpq_replication *r;
    struct answer *end;
    char log[8192]; /* changes, one a line                           */
    size_t size;
    int changes, commits, texts, ups, downs;
    bool given_up;
    int code; /* of the last DOWN                              */
    char sqlstate[6];
    uint64_t start;    /* of the last UP                                */
    uint64_t ends[64]; /* end_lsn of commits                            */
    uint64_t last;     /* lsn of the last change                        */
    uint32_t table;       /* of the last RELATION that was written down    */
    char identity;
    void (*on_change)(const elpq_change *change);
    void (*on_event)(const elpq_replication_event *event);
} seen_changes;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline void note(const char *format, ...)
{
    struct consumer *c = &seen_changes;
    va_list args;

    va_start(args, format);
    c->size += (size_t)vsnprintf(c->log + c->size, sizeof(c->log) - c->size,
                                 format, args);
    va_end(args);
    if (c->size >= sizeof(c->log))
        c->size = sizeof(c->log) - 1;
}

static inline void note_row(const elpq_change *change, const elpq_cell *row,
                            const char *before)
{
    for (int i = 0; row && i < change->relation->ncolumns; i++) {
        elpq_string s = { "null", 4 };

        if (elpq_cell_unchanged(&row[i]))
            s = (elpq_string){ "(as before)", 11 };
        else if (row[i].size >= 0)
            ck_assert_int_eq(elpq_cell_string(&row[i], &s), 0);
        if (s.size > 20)
            s.size = 20;
        note("%s%.*s", i ? "|" : before, (int)s.size, s.data);
    }
}

static inline void note_change(const elpq_change *change)
{
    struct consumer *c = &seen_changes;

    /* The server repeats it whenever it has forgotten that it was sent. */
    if (change->kind == ELPQ_CHANGE_RELATION) {
        if (change->relation->oid == c->table &&
            change->relation->replica_identity == c->identity)
            return;
        c->table = change->relation->oid;
        c->identity = change->relation->replica_identity;
    }
    note("%s", elpq_change_name(change->kind));
    if (change->relation)
        note(" %s", change->relation->name);
    for (int i = 0; i < change->nrelations; i++)
        note(" %s", change->relations[i]->name);
    note_row(change, change->old_row, change->old_is_key ? " key " : " old ");
    note_row(change, change->new_row, " ");
    if (change->name)
        note(" %s", change->name);
    if (change->data)
        note(" %.*s", (int)change->size, change->data);
    note("\n");
}

static inline void on_consumed(elpq_replication *r, const elpq_change *change,
                               void *arg)
{
    struct consumer *c = arg;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert_ptr_eq(r, c->r);
    c->changes++;
    c->last = change->lsn;
    c->texts += change->kind == ELPQ_CHANGE_TEXT;
    if (change->kind == ELPQ_CHANGE_COMMIT ||
        change->kind == ELPQ_CHANGE_STREAM_COMMIT)
        c->ends[c->commits++ % 64] = change->end_lsn;
    if (c->on_change)
        c->on_change(change);
    else
        note_change(change);
}

static inline void on_consumer_event(elpq_replication *r,
                                     const elpq_replication_event *event,
                                     void *arg)
{
    struct consumer *c = arg;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert_ptr_eq(r, c->r);
    if (event->kind == ELPQ_REPLICATION_UP) {
        c->ups++;
        c->table = 0;
        c->start = event->start;
    } else {
        c->downs++;
        c->given_up = event->given_up;
        c->code = event->error->code;
        strcpy(c->sqlstate, event->error->sqlstate);
    }
    if (c->on_event)
        c->on_event(event);
}

static const char *const publications[] = { PUBLICATION, NULL };

static inline elpq_replication_options stream_options(void)
{
    elpq_replication_options o = { .slot = SLOT,
                                   .publications = publications,
                                   .backoff_min_ms = 1,
                                   .backoff_max_ms = 50 };

    return o;
}

/* A stream that begins anew; what was seen is forgotten. */
static inline void consume_from(const elpq_replication_options *options)
{
    struct consumer *c = &seen_changes;

    memset(c, 0, sizeof(*c));
    RUN(c->r = elpq_replication_new(loop, NULL, options, on_consumed,
                                    on_consumer_event, c, NULL));
    ck_assert_ptr_nonnull(c->r);
}

static inline void consume_up(const elpq_replication_options *options)
{
    consume_from(options);
    run_until(&seen_changes.ups, 1);
}

static inline void consume_end(void)
{
    struct answer *end = answer_new();

    RUN(elpq_replication_close(seen_changes.r, on_done, end));
    expect_ok(end);
    await_server("select count(*) = 0 from pg_replication_slots"
                 " where active and slot_name = '" SLOT "'");
}

static inline void confirm(uint64_t lsn)
{
    ck_assert_int_eq(CALL(elpq_replication_confirm(seen_changes.r, lsn)), 0);
}

/* Where the server believes the consumer to be. */
static inline uint64_t confirmed_on_server(void)
{
    return (uint64_t)admin_int("select confirmed_flush_lsn - '0/0'::pg_lsn"
                               " from pg_replication_slots"
                               " where slot_name = '" SLOT "'");
}

static inline uint64_t wal_now(void)
{
    return (uint64_t)admin_int(
        "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
}

/* Asked before the tests, when there is no admin() yet. */
static inline bool can_replicate(void)
{
    PGconn *pg = PQconnectdb("");
    PGresult *res =
        PQexec(pg, "select current_setting('wal_level') = 'logical' and"
                   " (select rolsuper or rolreplication from pg_roles"
                   "  where rolname = current_user)");
    bool can = PQntuples(res) == 1 && *PQgetvalue(res, 0, 0) == 't';

    PQclear(res);
    PQfinish(pg);
    return can;
}

static inline void drop_all(void)
{
    admin_do("set client_min_messages = warning");
    admin_do("select pg_terminate_backend(active_pid) from"
             " pg_replication_slots where active and slot_name like 'elpq%%'");
    await_server("select count(*) = 0 from pg_replication_slots"
                 " where active and slot_name like 'elpq%%'");
    admin_do("select pg_drop_replication_slot(slot_name)"
             " from pg_replication_slots where slot_name like 'elpq%%'");
    admin_do("drop publication if exists " PUBLICATION);
    admin_do("drop table if exists elpq_changed, elpq_other");
}

/* The table, its publication and a slot of the plugin. */
static inline void make_all(const char *columns, const char *plugin)
{
    drop_all();
    admin_do("create table elpq_changed (%s)", columns);
    admin_do("create publication " PUBLICATION " for table elpq_changed");
    admin_do("select pg_create_logical_replication_slot('" SLOT "', '%s')",
             plugin);
}

#define LOG seen_changes.log

static inline void expect_log(const char *text)
{
    ck_assert_str_eq(LOG, text);
    seen_changes.size = 0;
    LOG[0] = '\0';
}

#endif

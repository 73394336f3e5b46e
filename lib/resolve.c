/* SPDX-License-Identifier: PostgreSQL */
/*
 * What became of a transaction whose COMMIT was sent and not answered.
 *
 * The server keeps the status of recent transactions.  So the id is asked for
 * inside of the transaction, and when COMMIT is lost, the status over another
 * connection of the same pool (of a router: that of the same host), again and
 * again while the server is away or the transaction still in progress, until
 * resolve_ms is over.
 *
 * An answer counts only from the address that the transaction ran on: another
 * server of the pool may not have it, or have given its id to another one.  And
 * so may the same server, once it follows another one.
 *
 * A server that crashes forgets the ids of which nothing was on disk yet, and
 * gives them out again.  So "committed" counts only if it has run on since the
 * id was asked for: the same postmaster, whose shared memory, and with it the
 * statistics, are older than that.  After a crash it may be said of another
 * transaction.  "Aborted" is true all the same: an id that was given out again
 * had left nothing on disk.
 *
 * transact.c alone calls this, and is called back with the outcome.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "pool_int.h"
#include "transact_int.h"

#define ASK_MIN_MS 20
#define ASK_MAX_MS 1000

/* A socket of the local machine has no address, but its server has a port. */
#define ADDRESS                                                               \
    "pg_catalog.concat(pg_catalog.inet_server_addr(), ' ',"                   \
    " pg_catalog.current_setting('port'))"

/* In seconds, because the format of times is the session's. */
#define SECONDS(time) "pg_catalog.date_part('epoch', " time ")"
#define STARTED SECONDS("pg_catalog.pg_postmaster_start_time()") "::text"
#define RUNS_FOR                                                              \
    SECONDS("pg_catalog.clock_timestamp() operator(pg_catalog.-)"             \
            " pg_catalog.pg_stat_get_bgwriter_stat_reset_time()")             \
    "::int8::text"

static const char id_sql[] =
    "SELECT pg_catalog.pg_current_xact_id_if_assigned()::text, " ADDRESS
    ", " STARTED;
static const char status_sql[] =
    "SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()"
    " THEN pg_catalog.pg_xact_status($1::text::xid8) END, " ADDRESS
    ", " STARTED ", " RUNS_FOR;

const elpq_statement *elpq__resolve_id_statement(elpq_transactor *t)
{
    static const elpq_statement st = { .sql = id_sql,
                                       .sql_len = sizeof(id_sql) - 1 };

    t->id_asked = elpq__now();
    return &st;
}

static void copy_text(elpq_result *result, int column, char *out, size_t size)
{
    const char *text = NULL;

    if (elpq_rows(result) == 1)
        text = elpq_get_text(result, 0, column);
    snprintf(out, size, "%s", text ? text : "");
}

void elpq__resolve_keep_id(elpq_transactor *t, elpq_result *result)
{
    copy_text(result, 0, t->id, sizeof(t->id));
    copy_text(result, 1, t->address, sizeof(t->address));
    copy_text(result, 2, t->started, sizeof(t->started));
}

void elpq__resolve_give_up(elpq_transactor *t)
{
    elpq_error plain;

    elpq__error_set(&plain, ELPQ_E_LOST, ELPQ_IN_DOUBT, NULL);
    elpq__transact_finish(t, t->why ? t->why : &plain);
}

static void ask_later(elpq_transactor *t)
{
    int64_t due = elpq__now() + elpq__backoff_usec(&t->random, t->asked,
                                                   ASK_MIN_MS, ASK_MAX_MS);

    t->asked++;
    if (due < t->resolve_due && t->lender)
        elpq__timer_start(t->loop, &t->pause, due);
    else
        elpq__resolve_give_up(t);
}

/* Both are durations, so the clocks need not agree. */
static bool has_run_on(const elpq_transactor *t, elpq_result *result)
{
    char started[sizeof(t->started)];
    char runs_for[32];

    copy_text(result, 2, started, sizeof(started));
    copy_text(result, 3, runs_for, sizeof(runs_for));
    return strcmp(started, t->started) == 0 &&
           (strtoll(runs_for, NULL, 10) - 1) * 1000000 >=
               elpq__now() - t->id_asked;
}

static void take_status(elpq_transactor *t, elpq_result *result)
{
    char status[24];
    char address[sizeof(t->address)];
    elpq_error error;

    copy_text(result, 0, status, sizeof(status));
    copy_text(result, 1, address, sizeof(address));
    if (strcmp(address, t->address) != 0) {
        elpq__resolve_give_up(t);
    } else if (t->pool->watch && !t->pool->watch->is_primary(t->pool->watch)) {
        ask_later(t); /* it may be the primary again; else it has no say */
    } else if (strcmp(status, "committed") == 0) {
        if (has_run_on(t, result))
            elpq__transact_finish(t, NULL);
        else
            elpq__resolve_give_up(t);
    } else if (strcmp(status, "aborted") == 0) {
        elpq__error_set(&error, ELPQ_E_ROLLED_BACK,
                        ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE,
                        "the connection was lost in COMMIT, and the server "
                        "has rolled the transaction back");
        t->was_lost = true;
        elpq__transact_failed(t, &error);
    } else if (strcmp(status, "in progress") == 0) {
        ask_later(t);
    } else {
        elpq__resolve_give_up(t); /* too old, or no answer that we know */
    }
}

static void on_status(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;

    t->request = NULL;
    if (t->asked_enough)
        elpq__resolve_give_up(t);
    else if (!error)
        take_status(t, result);
    else if (strcmp(error->sqlstate, "22023") == 0)
        elpq__resolve_give_up(t); /* this server never had such an id */
    else
        ask_later(t);
}

void elpq__resolve_ask(elpq_transactor *t)
{
    elpq_value id = elpq_text(t->id);
    elpq_statement st = elpq_sql_from_trusted_string(status_sql, &id, 1);
    int64_t left = (t->resolve_due - elpq__now()) / 1000;
    elpq_options o = { .timeout_ms = left > 0 ? (int)left : 1,
                       .tag = t->tag,
                       .request = &t->request };

    if (!t->lender)
        elpq__resolve_give_up(t);
    else if (elpq_pool_execute(t->pool, &st, &o, on_status, t) != 0)
        ask_later(t);
}

void elpq__resolve(elpq_transactor *t, const elpq_error *doubt)
{
    elpq_error_free(t->why);
    t->why = elpq_error_dup(doubt);
    t->phase = ELPQ__T_RESOLVING;
    if (!t->lender || !t->id[0] || t->resolve_ms < 0) {
        elpq__resolve_give_up(t);
        return;
    }
    /* A lost connection still holds a place of the pool. */
    elpq__transact_leave_conn(t);
    elpq__timer_stop(t->loop, &t->deadline);
    t->resolve_due = elpq__now() + t->resolve_ms * INT64_C(1000);
    elpq__resolve_ask(t);
}

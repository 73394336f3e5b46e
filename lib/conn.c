/* SPDX-License-Identifier: PostgreSQL */
/*
 * Life of a connection: made, opened, closed; and the public functions that
 * work on one.
 *
 * A connection is referenced by the handle of its user (or pool), by
 * transactions on it, and by the callbacks of the loop that work on it.  It
 * ends in teardown.c; the struct stays until the last reference.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conn_int.h"

#define DEFAULT_MS 30000
#define DEFAULT_GRACE_MS 5000
#define DEFAULT_QUEUED 10000
#define DEFAULT_PIPELINE 256
#define DEFAULT_BATCH 1000
#define DEFAULT_RESULT ((size_t)256 << 20)
#define DEFAULT_STATEMENTS 256

static void or_default(unsigned *x, unsigned value)
{
    if (*x == 0)
        *x = value;
}

void elpq__conn_options_init(elpq_conn_options *out,
                             const elpq_conn_options *in)
{
    if (in)
        *out = *in;
    else
        memset(out, 0, sizeof(*out));
    if (out->connect_timeout_ms == 0)
        out->connect_timeout_ms = DEFAULT_MS;
    if (out->timeout_ms == 0)
        out->timeout_ms = DEFAULT_MS;
    if (out->cancel_grace_ms <= 0)
        out->cancel_grace_ms = DEFAULT_GRACE_MS;
    or_default(&out->max_queued, DEFAULT_QUEUED);
    or_default(&out->max_pipeline, DEFAULT_PIPELINE);
    or_default(&out->max_batch, DEFAULT_BATCH);
    or_default(&out->statement_cache, DEFAULT_STATEMENTS);
    if (out->max_result_bytes == 0)
        out->max_result_bytes = DEFAULT_RESULT;
}

/* ------------------------------------------------------------ references */

void elpq__conn_ref(elpq_conn *conn)
{
    conn->refs++;
}

void elpq__conn_unref(elpq_conn *conn)
{
    struct elpq__loop *loop = conn->loop;

    if (--conn->refs > 0)
        return;
    assert(conn->state == ELPQ__CLOSED && !conn->pg && !conn->owner);
    elpq__task_drop(&conn->flush);
    elpq__task_drop(&conn->notify);
    elpq__parameters_free(conn);
    for (char **s = conn->setup; s && *s; s++)
        free(*s);
    free(conn->setup);
    if (conn->catalog && conn->catalog->owner == conn)
        conn->catalog->ask = NULL; /* a look-up may hold on to it */
    elpq__catalog_unref(conn->catalog);
    free(conn);
    elpq__loop_unref(loop);
}

void elpq__conn_drop_handle(elpq_conn *conn)
{
    if (!conn->handle)
        return;
    conn->handle = false;
    elpq__conn_unref(conn);
}

/* ------------------------------------------------------------------- new */

static void on_connect_timeout(struct elpq__timer *timer)
{
    elpq_conn *conn = elpq__container(timer, elpq_conn, connect_timer);
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_TIMEOUT,
                    ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED,
                    "no connection was made within connect_timeout_ms");
    elpq__conn_connect_failed(conn, &error);
}

static void on_notify(struct elpq__task *task);

static elpq_conn *conn_alloc(struct event_base *base,
                             const elpq_conn_options *options)
{
    static uint64_t last_id;
    elpq_conn *conn = elpq__new(elpq_conn);

    if (!conn)
        return NULL;
    conn->loop = elpq__loop_get(base);
    if (!conn->loop) {
        free(conn);
        return NULL;
    }
    elpq__conn_options_init(&conn->options, options);
    conn->refs = 1;
    conn->handle = true;
    conn->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    conn->notify.run = on_notify;
    conn->connect_timer.fire = on_connect_timeout;
    elpq__list_init(&conn->queue);
    elpq__list_init(&conn->sent);
    elpq__list_init(&conn->answered);
    elpq__list_init(&conn->held);
    elpq__list_init(&conn->watchers);
    elpq__list_init(&conn->scopes);
    elpq__list_init(&conn->residents);
    elpq__cache_init(&conn->prepared,
                     conn->options.no_statement_cache ||
                             conn->options.pooler
                         ? 0
                         : conn->options.statement_cache,
                     conn->id);
    return conn;
}

elpq_conn *elpq__conn_make(struct event_base *base,
                           const elpq_conn_options *options,
                           const char *const *setup)
{
    elpq_conn *conn = conn_alloc(base, options);

    if (!conn)
        return NULL;
    conn->options.params = NULL; /* the caller's memory */
    conn->connect_began = elpq__now();
    conn->setup = elpq__copy_strings(setup);
    if (conn->setup)
        return conn;
    elpq__set_state(conn, ELPQ__CLOSED);
    elpq__conn_drop_handle(conn);
    return NULL;
}

bool elpq__conn_dial(elpq_conn *conn, const char *conninfo,
                     const char *const *params)
{
    conn->connect_began = elpq__now();
    if (!elpq__connect_start(conn, conninfo, params)) {
        elpq__timer_stop(conn->loop, &conn->connect_timer);
        elpq__set_state(conn, ELPQ__CLOSED);
        return false;
    }
    if (conn->options.connect_timeout_ms > 0)
        elpq__timer_start(conn->loop, &conn->connect_timer,
                          conn->connect_began +
                              conn->options.connect_timeout_ms *
                                  INT64_C(1000) +
                              30000);
    return true;
}

elpq_conn *elpq__conn_new(struct event_base *base, const char *conninfo,
                          const elpq_conn_options *options,
                          const char *const *setup, elpq_error **error)
{
    elpq_conn *conn = elpq__conn_make(base, options, setup);

    if (conn && elpq__conn_dial(conn, conninfo,
                                options ? options->params : NULL))
        return conn;
    if (conn)
        elpq__conn_drop_handle(conn);
    elpq__error_give(error, ELPQ_E_NOMEM,
                     "no memory, thread or descriptor for a connect");
    return NULL;
}

elpq_conn *elpq_connect(struct event_base *base, const char *conninfo,
                        const elpq_conn_options *options,
                        elpq_conn_cb callback, void *arg, elpq_error **error)
{
    elpq_conn *conn;
    char *why;

    if (error)
        *error = NULL;
    if (!base || !callback) {
        elpq__error_give(error, ELPQ_E_USAGE,
                         "elpq_connect needs an event_base and a callback");
        return NULL;
    }
    if (options && !elpq__server_timeout_fits(options->pooler,
                                              options->server_timeout_ms)) {
        elpq__error_give(error, ELPQ_E_USAGE, ELPQ__NO_SERVER_TIMEOUT);
        return NULL;
    }
    why = elpq__conninfo_check(conninfo, options ? options->params : NULL);
    if (why) {
        elpq__error_give(error, ELPQ_E_USAGE, why);
        free(why);
        return NULL;
    }
    conn = elpq__conn_new(base, conninfo, options, NULL, error);
    if (conn) {
        conn->opened = callback;
        conn->opened_arg = arg;
    }
    return conn;
}

/* ---------------------------------------------------------------- opened */

/* The connection is ready: who waits for it hears so. */
static void conn_open(elpq_conn *conn)
{
    elpq_conn_cb opened = conn->opened;

    elpq__timer_stop(conn->loop, &conn->connect_timer);
    conn->is_setup = true;
    elpq__set_state(conn, ELPQ__READY);
    if (conn->state == ELPQ__READY)
        elpq__trace(conn, ELPQ_EVENT_CONNECTED, NULL, NULL,
                    elpq__now() - conn->connect_began);
    if (conn->state != ELPQ__READY)
        return; /* closed by the hook: that is reported elsewhere */
    conn->opened = NULL;
    if (conn->owner)
        conn->owner->opened(conn, NULL);
    else if (opened)
        opened(conn, NULL, conn->opened_arg);
}

/* Ends a connect that did not get through; the error is borrowed.  Whatever
 * became of its setup: nothing of the user's was executed. */
void elpq__conn_connect_failed(elpq_conn *conn, const elpq_error *why)
{
    elpq_conn_cb opened = conn->opened;
    void *arg = conn->opened_arg;
    elpq_error error = *why;

    error.flags = (error.flags | ELPQ_NOT_EXECUTED) & ~(unsigned)ELPQ_IN_DOUBT;
    elpq__conn_ref(conn);
    conn->connect_failed = true;
    elpq__trace(conn, ELPQ_EVENT_CONNECT_FAILED, NULL, &error,
                elpq__now() - conn->connect_began);
    conn->opened = NULL;
    elpq__conn_shut(conn);
    if (conn->owner) {
        conn->owner->opened(conn, &error);
    } else if (opened) {
        opened(NULL, &error, arg);
        elpq__conn_drop_handle(conn);
    }
    elpq__conn_unref(conn);
}

/* One statement of the setup has ended. */
static void on_setup(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (conn->state != ELPQ__SETUP)
        return;
    if (error) {
        elpq_error failed = *error;

        failed.code = ELPQ_E_CONNECT;
        elpq__conn_connect_failed(conn, &failed);
    } else if (--conn->setup_left == 0) {
        conn_open(conn);
    }
}

void elpq__conn_connected(elpq_conn *conn, PGconn *pg)
{
    elpq_error error;

    conn->pg = pg;
    elpq__set_state(conn, ELPQ__SETUP);
    if (conn->state == ELPQ__CLOSED)
        return; /* by the hook */
    if (!elpq__pipeline_open(conn) || !elpq__setup_queue(conn, on_setup)) {
        elpq__error_set(&error, ELPQ_E_NOMEM, ELPQ_NOT_EXECUTED, NULL);
        elpq__conn_connect_failed(conn, &error);
        return;
    }
    if (conn->owner && conn->owner->setting_up)
        conn->owner->setting_up(conn);
    if (conn->setup_left == 0)
        conn_open(conn);
}

void elpq__conn_notice(elpq_conn *conn, const elpq_error *notice)
{
    elpq_severity severity = elpq_error_severity(notice);

    /* What the user has closed is forgotten, though libpq holds more of it. */
    if (conn->state == ELPQ__CLOSED)
        return;
    if (conn->options.notice && (severity == ELPQ_SEVERITY_UNKNOWN ||
                                 severity >= conn->options.notice_level))
        conn->options.notice(conn, notice, conn->options.notice_arg);
}

/* ---------------------------------------------------------------- closed */

/* A connect that its user closed calls back from the loop. */
static void on_notify(struct elpq__task *task)
{
    elpq_conn *conn = elpq__container(task, elpq_conn, notify);
    elpq_conn_cb opened = conn->opened;
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_CLOSED, ELPQ_NOT_EXECUTED,
                    "the connection was closed while it was being made");
    conn->opened = NULL;
    if (opened)
        opened(NULL, &error, conn->opened_arg);
    elpq__conn_drop_handle(conn);
}

void elpq_conn_close(elpq_conn *conn)
{
    if (!conn || !conn->handle || !elpq__loop_is_ours(conn->loop))
        return;
    elpq__conn_ref(conn); /* a hook may close it as well */
    elpq__conn_shut(conn);
    if (conn->owner)
        conn->owner->released(conn);
    else if (conn->opened)
        elpq__task_post(conn->loop, &conn->notify); /* drops the handle */
    else
        elpq__conn_drop_handle(conn);
    elpq__conn_unref(conn);
}

/* --------------------------------------------------------------- execute */

int elpq__conn_usable(const elpq_conn *conn)
{
    if (!elpq__loop_is_ours(conn->loop))
        return ELPQ_E_FORKED;
    if (!conn->is_setup || conn->state == ELPQ__CLOSED)
        return ELPQ_E_CLOSED;
    return 0;
}

void elpq__conn_enqueue(elpq_conn *conn, elpq_request *req)
{
    req->conn = conn;
    req->serial = ++conn->serial;
    req->place = ELPQ__QUEUED;
    elpq__list_push(&conn->queue, &req->node);
    conn->nqueued++;
    elpq__pipeline_wake(conn);
}

int elpq__conn_submit(elpq_conn *conn, elpq_request *req)
{
    if (req->code) {
        req->conn = conn;
        req->serial = ++conn->serial;
        elpq__request_end_soon(req);
    } else {
        elpq__conn_enqueue(conn, req);
    }
    elpq__request_accepted(req);
    return 0;
}

int elpq__conn_check(const elpq_conn *conn)
{
    int code = elpq__conn_usable(conn);

    if (!code && conn->nqueued + conn->nsent >= conn->options.max_queued)
        code = ELPQ_E_FULL;
    return code;
}

int elpq_conn_execute(elpq_conn *conn, const elpq_statement *statement,
                      const elpq_options *options, elpq_result_cb callback,
                      void *arg)
{
    elpq_request *req;
    int code;

    if (!conn || !statement || !statement->sql || !callback ||
        (statement->nvalues && !statement->values))
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    req = elpq__request_submit(conn->loop, ELPQ__STATEMENT, statement,
                               options, conn->options.timeout_ms,
                               &conn->options);
    if (!req)
        return ELPQ_E_NOMEM;
    req->cb.result = callback;
    req->arg = arg;
    return elpq__conn_submit(conn, req);
}

int elpq_conn_script_trusted(elpq_conn *conn, const char *sql,
                             const elpq_options *options, elpq_script_cb each,
                             elpq_done_cb done, void *arg)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, NULL, 0);
    elpq_request *req;
    int code;

    if (!conn || !sql || !done)
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    req = elpq__request_submit(conn->loop, ELPQ__SCRIPT, &st, options,
                               conn->options.timeout_ms, &conn->options);
    if (!req)
        return ELPQ_E_NOMEM;
    req->each = each;
    req->cb.done = done;
    req->arg = arg;
    return elpq__conn_submit(conn, req);
}

/* ------------------------------------------------------------------ info */

bool elpq_conn_is_open(const elpq_conn *conn)
{
    return conn && elpq__conn_usable(conn) == 0;
}

unsigned elpq_conn_pending(const elpq_conn *conn)
{
    return conn->nqueued + conn->nsent - conn->internals;
}

int elpq_conn_pid(const elpq_conn *conn)
{
    return conn->pg ? PQbackendPID(conn->pg) : 0;
}

int elpq_conn_server_version(const elpq_conn *conn)
{
    return conn->pg ? PQserverVersion(conn->pg) : 0;
}

const char *elpq_conn_parameter(const elpq_conn *conn, const char *name)
{
    return conn->pg && name ? PQparameterStatus(conn->pg, name) : NULL;
}

elpq_tx_status elpq_conn_tx_status(const elpq_conn *conn)
{
    if (!conn->pg || conn->state == ELPQ__CLOSED)
        return ELPQ_TX_UNKNOWN;
    if (elpq_conn_pending(conn) > 0)
        return ELPQ_TX_ACTIVE;
    if (conn->resetting > 0)
        return ELPQ_TX_IDLE; /* when it is through, which comes first */
    switch (conn->internals > 0 ? conn->tx_status
                                : PQtransactionStatus(conn->pg)) {
    case PQTRANS_IDLE:
        return ELPQ_TX_IDLE;
    case PQTRANS_ACTIVE:
        return ELPQ_TX_ACTIVE;
    case PQTRANS_INTRANS:
        return ELPQ_TX_OPEN;
    case PQTRANS_INERROR:
        return ELPQ_TX_FAILED;
    default:
        return ELPQ_TX_UNKNOWN;
    }
}

bool elpq_conn_tls(const elpq_conn *conn)
{
    return conn->pg && PQsslInUse(conn->pg);
}

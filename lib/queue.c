/* SPDX-License-Identifier: PostgreSQL */
/*
 * Requests: one block of memory each, from submit to callback.
 *
 * The block holds the request, its SQL text and its encoded parameters, so
 * that what the caller passed need not live on.  Every request ends exactly
 * once, in elpq__request_end(); whoever decides on its outcome takes it out
 * of its place first, which is why two outcomes cannot both arrive.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "batch.h"
#include "conn_int.h"
#include "params.h"
#include "scope.h"

#define FEW 16 /* parameters that need no allocation of their own */

/* ------------------------------------------------------------------ new */

/* What follows the request in its block; see lay_out(). */
static size_t block_size(const elpq_statement *st, size_t data, size_t tag)
{
    size_t per_value = sizeof(char *) + sizeof(Oid) + 2 * sizeof(int);

    return sizeof(elpq_request) + st->nvalues * per_value + st->sql_len + 1 +
           data + tag + 1;
}

static void lay_out(elpq_request *req, const elpq_statement *st,
                    const struct elpq__encoded *encoded,
                    const struct elpq__buf *data, const char *tag)
{
    char *p = (char *)(req + 1);
    char *bytes;

    req->n = st->nvalues;
    req->values = (const char **)(void *)p;
    p += req->n * sizeof(char *);
    req->types = (Oid *)(void *)p;
    p += req->n * sizeof(Oid);
    req->lengths = (int *)(void *)p;
    p += req->n * sizeof(int);
    req->formats = (int *)(void *)p;
    p += req->n * sizeof(int);
    memcpy(p, st->sql, st->sql_len);
    p[st->sql_len] = '\0';
    req->sql = p;
    req->sql_len = st->sql_len;
    bytes = p + st->sql_len + 1;
    if (data->size)
        memcpy(bytes, data->data, data->size);
    req->bytes = data->size;
    for (unsigned i = 0; i < req->n; i++) {
        req->types[i] = encoded[i].oid;
        req->lengths[i] = encoded[i].length;
        req->formats[i] = encoded[i].format;
        req->values[i] = encoded[i].is_null ? NULL : bytes + encoded[i].offset;
    }
    if (tag) {
        req->tag = bytes + data->size;
        strcpy(bytes + data->size, tag);
    }
}

static void look_again(elpq_request *req)
{
    elpq__timer_start(req->loop, &req->deadline,
                      elpq__now() + req->timeout_ms * INT64_C(125));
}

/*
 * The driver's own, behind what users have sent: it has all the time of its
 * deadline from when it is its turn, or its cancel would hit one of those
 * behind it.  Until then (`deferred`) one looks now and then.
 */
static bool has_time(elpq_request *req)
{
    bool waits = req->place == ELPQ__QUEUED ||
                 (req->place == ELPQ__SENT && !elpq__sync_may_run(req));
    int64_t usec = (int64_t)req->timeout_ms * 1000;

    if ((!req->internal && !req->given_up) || (!waits && !req->deferred))
        return false;
    req->deferred = waits;
    if (waits)
        look_again(req);
    else
        elpq__timer_start(req->loop, &req->deadline, elpq__now() + usec);
    return true;
}

static void on_deadline(struct elpq__timer *timer)
{
    elpq_request *req = elpq__container(timer, elpq_request, deadline);

    if (has_time(req))
        return;
    if (req->given_up) {
        elpq__conn_lost(req->conn, ELPQ_E_TIMEOUT,
                        "SAVEPOINT was not answered: the connection was "
                        "closed");
        return;
    }
    if (req->line)
        req->line->timeouts++;
    elpq__request_cancel(req, ELPQ_E_TIMEOUT);
}

static void run_ending(struct elpq__task *task);

/* A statement whose parameters cannot be sent keeps its text, and an error. */
static void refuse(elpq_request *req, int code, const char *why)
{
    elpq_error error;

    elpq__error_set(&error, (elpq_code)code, ELPQ_NOT_EXECUTED,
                    code == ELPQ_E_VALUE ? why : NULL);
    req->owned = elpq_error_dup(&error);
    elpq__request_blame(req, (elpq_code)code, ELPQ_NOT_EXECUTED, NULL);
}

elpq_request *elpq__request_new(struct elpq__loop *loop, enum elpq__kind kind,
                                const elpq_statement *statement,
                                const char *tag)
{
    struct elpq__blocks *blocks = elpq__loop_blocks(loop);
    struct elpq__buf *data = elpq__blocks_scratch(blocks);
    struct elpq__encoded few[FEW];
    struct elpq__encoded *encoded = few;
    elpq_statement st = *statement;
    char why[200] = "";
    elpq_request *req;
    int code;

    if (st.nvalues > FEW && st.nvalues <= ELPQ_MAX_PARAMETERS) {
        encoded = elpq__alloc_array(st.nvalues, sizeof(*encoded));
        if (!encoded)
            return NULL;
    }
    code = elpq__params_encode(st.values, st.nvalues, data, encoded, why,
                               sizeof(why));
    if (code) {
        st.nvalues = 0;
        elpq__buf_clear(data);
    }
    req = elpq__blocks_take(blocks,
                            block_size(&st, data->size, tag ? strlen(tag) : 0));
    if (req) {
        memset(req, 0, sizeof(*req));
        req->loop = loop;
        elpq__loop_ref(loop);
        req->kind = kind;
        req->place = ELPQ__OVER; /* in no list yet */
        req->task.run = run_ending;
        req->deadline.fire = on_deadline;
        req->flags = st.flags;
        lay_out(req, &st, encoded, data, tag);
        if (code)
            refuse(req, code, why);
    }
    if (encoded != few)
        free(encoded);
    return req;
}

static void trace_request(const elpq_request *req, elpq_conn *conn,
                          elpq_event_kind kind, const elpq_error *error,
                          int64_t usec)
{
    struct elpq__tracer tracer = { req->trace, req->trace_arg };

    if (tracer.call)
        elpq__trace_event(&tracer, conn, kind, req, error, usec);
}

void elpq__request_accepted(const elpq_request *req)
{
    trace_request(req, NULL, ELPQ_EVENT_SUBMIT, NULL, 0);
}

elpq_request *elpq__request_submit(struct elpq__loop *loop,
                                   enum elpq__kind kind,
                                   const elpq_statement *statement,
                                   const elpq_options *options,
                                   int default_timeout_ms,
                                   const elpq_conn_options *trace)
{
    elpq_request *req =
        elpq__request_new(loop, kind, statement, options ? options->tag : NULL);

    if (!req)
        return NULL;
    if (options)
        req->flags |= options->flags;
    if (options)
        req->chunk_rows = options->chunk_rows;
    if (options && options->request)
        *options->request = req;
    elpq__request_deadline(req, options ? options->timeout_ms : 0,
                           default_timeout_ms);
    if (trace->server_timeout_ms || (options && options->server_timeout_ms))
        req->server_ms = elpq__server_timeout(options, trace->server_timeout_ms,
                                              req->timeout_ms);
    /* Of a driven one, those that do its work are refused. */
    if (options && kind != ELPQ__DRIVEN &&
        !elpq__server_timeout_fits(trace->pooler, options->server_timeout_ms))
        elpq__request_blame(req, ELPQ_E_USAGE, ELPQ_NOT_EXECUTED,
                            ELPQ__NO_SERVER_TIMEOUT);
    req->trace = trace->trace;
    req->trace_arg = trace->trace_arg;
    return req;
}

void elpq__request_free(elpq_request *req)
{
    struct elpq__loop *loop = req->loop;

    assert(!req->prepared && !elpq__linked(&req->node));
    elpq__timer_stop(loop, &req->deadline);
    elpq__task_drop(&req->task);
    elpq_error_free(req->owned);
    PQclear(req->failure);
    PQclear(req->result);
    free(req->own_shape);
    free(req->chunk);
    elpq__copy_free(req->copy);
    if (req->batch)
        elpq__batch_free(req);
    free(req->route);
    if (req->held)
        elpq__conn_unref(req->held);
    if (req->flags & ELPQ__SECRET)
        explicit_bzero((void *)(uintptr_t)req->sql, req->sql_len);
    elpq__blocks_give(elpq__loop_blocks(loop), req);
    elpq__loop_unref(loop);
}

void elpq__request_deadline(elpq_request *req, int timeout_ms, int default_ms)
{
    if (timeout_ms == 0)
        timeout_ms = default_ms;
    req->timeout_ms = timeout_ms;
    req->submitted = elpq__now();
    if (timeout_ms > 0)
        elpq__timer_start(req->loop, &req->deadline,
                          req->submitted + (int64_t)timeout_ms * 1000);
}

/* Where statements have no deadline by default; and at least so much, since a
 * short one is meant for what users run. */
#define OWN_MS 30000
#define OWN_LEAST_MS 5000

void elpq__request_own(elpq_conn *conn, elpq_request *req, int timeout_ms)
{
    int own_ms = conn->options.timeout_ms;

    if (own_ms <= 0)
        own_ms = OWN_MS;
    else if (own_ms < OWN_LEAST_MS)
        own_ms = OWN_LEAST_MS;
    req->internal = req->deferred = true;
    conn->internals++;
    elpq__request_deadline(req, timeout_ms, own_ms);
    if (req->timeout_ms > 0)
        look_again(req);
}

/* ------------------------------------------------------------------ end */

void elpq__request_blame(elpq_request *req, elpq_code code, unsigned flags,
                         const char *text)
{
    if (req->code)
        return;
    req->code = code;
    req->error_flags = flags;
    req->text = text;
}

void elpq__request_blame_unsent(elpq_request *req, const elpq_error *error)
{
    elpq_error own = *error;

    own.flags = (own.flags | ELPQ_NOT_EXECUTED) & ~(unsigned)ELPQ_IN_DOUBT;
    req->owned = elpq_error_dup(&own);
    elpq__request_blame(req, own.code, own.flags, NULL);
}

/* The words for what elpq decided itself. */
static const char *own_words(const elpq_request *req, char *buf, size_t size)
{
    if (req->text)
        return req->text;
    if (req->code != ELPQ_E_TIMEOUT)
        return NULL;
    snprintf(buf, size, "the deadline of %d ms passed%s", req->timeout_ms,
             req->error_flags & ELPQ_NOT_EXECUTED
                 ? " before the statement was sent"
                 : "");
    return buf;
}

/* The error of a request that has one; strings live as long as it and buf. */
static bool outcome(const elpq_request *req, elpq_error *error, char *buf,
                    size_t size)
{
    if (req->owned) {
        *error = *req->owned;
        return true;
    }
    if (req->failure) {
        elpq__error_from_result(error, req->failure);
        if (req->code) {
            error->code = req->code;
            error->flags = req->error_flags;
        }
        return true;
    }
    if (req->code) {
        elpq__error_set(error, req->code, req->error_flags,
                        own_words(req, buf, size));
        return true;
    }
    return false;
}

elpq_result *elpq__request_result(const elpq_conn *conn, elpq_request *req)
{
    struct elpq__blocks *blocks = elpq__loop_blocks(req->loop);
    elpq_result *result = elpq__result_renew(elpq__blocks_take_spare(blocks),
                                             req->result, req->shape);

    if (!result)
        return NULL;
    req->result = NULL;
    if (conn)
        elpq__catalog_apply(conn->catalog, result);
    return result;
}

void elpq__request_result_done(struct elpq__loop *loop, elpq_result *result)
{
    if (result)
        elpq__blocks_give_spare(elpq__loop_blocks(loop),
                                elpq__result_retire(result));
}

static void call_result(elpq_request *req, const elpq_error *error)
{
    elpq_error no_memory;
    elpq_result *result = error ? NULL : elpq__request_result(req->conn, req);

    if (!error && !result) {
        /* It ran; only we cannot say what came of it. */
        elpq__error_set(&no_memory, ELPQ_E_NOMEM, ELPQ_IN_DOUBT, NULL);
        error = &no_memory;
    }
    req->cb.result(result, error, req->arg);
    elpq__request_result_done(req->loop, result);
}

/* The server may have refused a value of a type that is not as it was. */
static void note_types(struct elpq__catalog *catalog, const elpq_request *req,
                       const elpq_error *error)
{
    const struct elpq__batch *batch = req->batch;

    if (batch && batch->failed < batch->n)
        req = batch->statements[batch->failed];
    elpq__catalog_note_error(catalog, error, req->types, req->n);
}

/* Calls back.  The request itself stays. */
static void call_back(elpq_request *req)
{
    elpq_error error;
    const elpq_error *failed = NULL;
    char buf[120];

    req->place = ELPQ__OVER;
    elpq__timer_stop(req->loop, &req->deadline);
    if (outcome(req, &error, buf, sizeof(buf)) &&
        !(req->stopped && error.code == ELPQ_E_CANCELED))
        failed = &error;
    if (failed && req->conn)
        note_types(req->conn->catalog, req, failed);
    if (req->trace)
        trace_request(req, req->conn, ELPQ_EVENT_DONE, failed,
                      elpq__now() - req->submitted);
    if (req->kind == ELPQ__LEASE)
        req->cb.conn(NULL, failed, req->arg);
    else if (req->kind == ELPQ__STATEMENT || req->kind == ELPQ__COPY)
        call_result(req, failed);
    else if (req->kind == ELPQ__DRIVEN)
        req->drive->call(req, failed);
    else if (req->kind == ELPQ__BATCH)
        elpq__batch_call(req, failed);
    else if (req->cb.done)
        req->cb.done(failed, req->arg);
}

/* Whether its owner sends it again. */
static bool goes_again(elpq_request *req)
{
    elpq_error error;
    char buf[120];

    return req->again && !req->cause &&
           outcome(req, &error, buf, sizeof(buf)) && req->again(req, &error);
}

void elpq__request_renew(elpq_request *req)
{
    elpq__request_rewind(req);
    free(req->own_shape);
    req->own_shape = NULL;
    req->shape = NULL;
    req->prepared = NULL;
    req->conn = NULL;
    req->code = 0;
    req->error_flags = 0;
    req->text = NULL;
    req->retried = req->delivered = req->dropped = false;
    req->taken_back = 0;
    if (req->timeout_ms > 0)
        elpq__timer_start(req->loop, &req->deadline,
                          req->submitted + (int64_t)req->timeout_ms * 1000);
}

void elpq__request_end(elpq_request *req)
{
    if (goes_again(req))
        return;
    call_back(req);
    elpq__request_free(req);
}

/* The task of a request that ends soon, or was detached. */
static void run_ending(struct elpq__task *task)
{
    elpq_request *req = elpq__container(task, elpq_request, task);

    if (req->place == ELPQ__ENDING) {
        elpq__request_end(req);
        return;
    }
    /* Detaching: it stays in conn->sent until the server has answered. */
    call_back(req);
    req->detached = true;
    if (req->scope) { /* it is gone, with the text that went instead */
        req->scope = NULL;
        req->sql = "COMMIT";
        req->sql_len = strlen(req->sql);
    }
    if (req->passed) {
        elpq__request_free(req);
        return;
    }
    req->place = ELPQ__SENT;
    if (req->given_up)
        elpq__timer_start(req->loop, &req->deadline,
                          elpq__now() + req->timeout_ms * INT64_C(1000));
}

void elpq__request_pass(elpq_request *req)
{
    if (req->detaching && req->late)
        req->late(req);
    if (!req->detaching) {
        elpq__request_end(req);
    } else if (req->detached) {
        elpq__request_free(req);
    } else {
        req->passed = true; /* its task is posted, and frees it */
        req->conn = NULL;
    }
}

void elpq__request_end_soon(elpq_request *req)
{
    elpq__list_remove(&req->node);
    elpq__timer_stop(req->loop, &req->deadline);
    /* Without it, the transaction is not what its owner commits; without the
     * end of a savepoint, the one around it is not. */
    if (req->conn && !req->internal && !elpq__request_is_stopped(req))
        elpq__scope_break(req->conn,
                          req->scope ? req->scope->first : req->serial);
    req->place = ELPQ__ENDING;
    req->conn = NULL; /* it may be gone by then */
    elpq__task_post(req->loop, &req->task);
}

void elpq__request_detach(elpq_request *req)
{
    elpq__request_blame(req, req->cause, ELPQ_IN_DOUBT, NULL);
    req->detaching = true;
    elpq__task_post(req->loop, &req->task);
}

static void rewind_one(elpq_request *req)
{
    PQclear(req->failure);
    PQclear(req->result);
    elpq_error_free(req->owned);
    req->failure = req->result = NULL;
    req->owned = NULL;
    req->exposed = req->answered = req->parse = req->describing = false;
    if (req->copy)
        elpq__copy_rewind(req->copy);
    req->shares = req->aborted = false;
    req->sharing = ELPQ__SHARES_NONE;
    req->rows = req->result_bytes = 0;
}

void elpq__request_rewind(elpq_request *req)
{
    rewind_one(req);
    for (unsigned i = 0; req->batch && i < req->batch->n; i++)
        rewind_one(req->batch->statements[i]);
    if (req->batch)
        req->batch->failed = req->batch->n;
}

static void drop_one(elpq_conn *conn, elpq_request *req)
{
    if (req->prepared)
        elpq__prepared_drop(&conn->prepared, req->prepared);
    req->prepared = NULL;
}

void elpq__request_drop_prepared(elpq_conn *conn, elpq_request *req)
{
    drop_one(conn, req);
    for (unsigned i = 0; req->batch && i < req->batch->n; i++)
        drop_one(conn, req->batch->statements[i]);
}

/* --------------------------------------------------------------- cancel */

void elpq__request_cancel(elpq_request *req, elpq_code cause)
{
    elpq_conn *conn = req->conn;

    switch (req->place) {
    case ELPQ__WAITING:
        elpq__request_blame(req, cause, ELPQ_NOT_EXECUTED, NULL);
        elpq__request_end_soon(req);
        req->line->left(req->line, req);
        break;
    case ELPQ__QUEUED:
        if (req->flags & ELPQ__COMMIT)
            elpq__tx_unsent_commit(req);
        if (req->place != ELPQ__QUEUED)
            break; /* the connection was lost by that */
        conn->nqueued--;
        if (req->internal)
            conn->internals--;
        elpq__request_blame(req, cause, ELPQ_NOT_EXECUTED, NULL);
        elpq__request_end_soon(req);
        elpq__pipeline_wake(conn);
        break;
    case ELPQ__SENT:
        if (req->cause)
            break;
        req->cause = cause;
        elpq__timer_stop(req->loop, &req->deadline);
        if (req->kind == ELPQ__STREAM)
            elpq__stream_cancel(req);
        if (elpq__sync_may_run(req))
            elpq__cancel_kick(conn);
        else
            elpq__request_detach(req);
        break;
    case ELPQ__ELSEWHERE:
        req->drive->halt(req, cause);
        break;
    case ELPQ__ENDING: /* its outcome stands, but it does not go again */
        if (!req->cause)
            req->cause = cause;
        break;
    default:
        break;
    }
}

void elpq_cancel(elpq_request *request)
{
    if (request && elpq__loop_is_ours(request->loop))
        elpq__request_cancel(request, ELPQ_E_CANCELED);
}

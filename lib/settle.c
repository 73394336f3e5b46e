/* SPDX-License-Identifier: PostgreSQL */
/*
 * What becomes of a request whose Sync has come.
 *
 * Usually it calls back.  What did not run, through no fault of its own (the
 * server forgot the prepared statement, a cancel hit the wrong one, another
 * one of its group failed), is held and sent again, if that keeps the order:
 * so those in conn->held wait until all that was sent behind them is answered,
 * and fail if any of that has run.
 *
 * answer.c alone settles, and teardown.c asks what would have come of it.  User
 * callbacks run in here, and may close the connection.
 */
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "conn_int.h"
#include "scope.h"

static bool state_is(const PGresult *res, const char *sqlstate)
{
    const char *s = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return s && strcmp(s, sqlstate) == 0;
}

/* The server does not know the prepared statement. */
static bool is_unknown(const PGresult *failure, const struct elpq__prepared *p)
{
    const char *message = PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY);

    /* A function of the user may raise 26000 as well. */
    return state_is(failure, "26000") && message && strstr(message, p->name);
}

/* The server's plan returns other columns than it once did. */
static bool is_outdated(const PGresult *failure)
{
    const char *routine = PQresultErrorField(failure, PG_DIAG_SOURCE_FUNCTION);

    /* With a context it is a statement inside a function of the user. */
    return state_is(failure, "0A000") && routine &&
           strcmp(routine, "RevalidateCachedQuery") == 0 &&
           !PQresultErrorField(failure, PG_DIAG_CONTEXT);
}

/* A type of a parameter is the guess that the server made at Parse ... */
static bool guesses(const elpq_request *req)
{
    for (unsigned i = 0; i < req->n; i++)
        if (req->types[i] == 0)
            return true;
    return false;
}

/* ... and does not fit now: perhaps the table is another one since. */
static bool is_mistyped(const PGresult *failure)
{
    static const char *const states[] = { "42883", "42804", "22P02", "22003",
                                          "22007" };

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (state_is(failure, states[i]))
            return true;
    return false;
}

/*
 * Holds a request that did not run, to send it again.  What was sent behind
 * it may have run by now, and then the order would be another: so it is held
 * until all of that is answered, and goes only if none of it ran.
 */
static bool hold(elpq_conn *conn, elpq_request *req)
{
    if (req->cause || req->delivered || (req->retried && !req->aborted))
        return false;
    req->retried = !req->aborted; /* which happens once: see settle_shared() */
    req->place = ELPQ__QUEUED;
    elpq__list_push(&conn->held, &req->node);
    conn->nqueued++;
    return true;
}

/*
 * The held ones fail as they did, because `passed`, which was sent behind
 * them, has run; but for those to which that is no matter.
 */
static void release_held(elpq_conn *conn, const elpq_request *passed,
                         unsigned flags)
{
    struct elpq__node *node = conn->held.head.next;
    struct elpq__node *next;
    struct elpq__list lost;

    elpq__list_init(&lost);
    for (; node != &conn->held.head; node = next) {
        next = node->next;
        if (passed && elpq__sync_commute(
                          passed, elpq__container(node, elpq_request, node)))
            continue;
        elpq__list_remove(node);
        elpq__list_push(&lost, node);
    }
    while ((node = elpq__list_pop(&lost))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        conn->nqueued--; /* only now: a callback may cancel those behind */
        elpq__request_blame(req, req->exposed ? ELPQ_E_CANCELED : ELPQ_E_SERVER,
                            flags, NULL);
        elpq__request_end(req);
    }
}

/* Nothing is in flight any more: the held ones go first, in their order. */
void elpq__requeue_held(elpq_conn *conn)
{
    struct elpq__list again;
    struct elpq__node *node;

    if (elpq__list_empty(&conn->held) || conn->nsent > 0)
        return;
    if (PQtransactionStatus(conn->pg) != PQTRANS_IDLE) {
        release_held(conn, NULL, 0); /* its transaction failed with it */
        return;
    }
    elpq__list_init(&again);
    while ((node = elpq__list_pop(&conn->held))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        elpq__request_rewind(req);
        elpq__list_push(&again, node);
    }
    elpq__list_move(&again, &conn->queue);
    elpq__list_move(&conn->queue, &again);
    elpq__pipeline_wake(conn);
}

/*
 * What it returned, and so returns always: the server sees to it for queries,
 * but FETCH and EXECUTE have the columns of what the name stands for today.
 */
static void describe(const elpq_conn *conn, struct elpq__prepared *p,
                     const PGresult *res)
{
    p->described = true;
    p->generation = conn->catalog ? conn->catalog->generation : 0;
    if (!p->query)
        return;
    p->binary = PQnfields(res) > 0 &&
                elpq__codecs_binary(res, elpq__catalog_types(conn->catalog));
    free(p->shape);
    p->shape = elpq__shape_new(res, p->binary);
}

/* Types that came to be known since may be asked for in binary. */
static bool is_described(const elpq_conn *conn, const struct elpq__prepared *p)
{
    return p->described &&
           (!conn->catalog || p->generation == conn->catalog->generation);
}

/*
 * What the answer says of the prepared statement of `part`, which is `req` or
 * a statement of it; true if the server had none that fits.
 */
static bool settle_prepared(elpq_conn *conn, elpq_request *req,
                            elpq_request *part, const PGresult *failure)
{
    struct elpq__prepared *p = part->prepared;

    if (!p)
        return false;
    if (failure && is_unknown(failure, p)) {
        p->parsed = false;
        elpq__cache_evict(&conn->prepared, p);
        /* If it is not sent again: its Parse, sent by another, had failed. */
        if (p->parse_error && strncmp(p->parse_error->sqlstate, "42", 2) == 0)
            req->owned = elpq_error_dup(p->parse_error);
        return true;
    }
    if ((failure && is_outdated(failure)) || (part->aborted && !p->parsed)) {
        elpq__cache_evict(&conn->prepared, p);
        return failure != NULL;
    }
    if (failure && is_mistyped(failure) && !part->parse && guesses(part))
        elpq__cache_evict(&conn->prepared, p);
    if (part->result && !is_described(conn, p))
        describe(conn, p, part->result);
    if (req->sharing && part->result &&
        PQresultMemorySize(part->result) > ELPQ__LARGE_RESULT)
        p->apart = true;
    part->shape = p->shape;
    return false;
}

/* The same for all statements of a batch, which need them no more then. */
static bool settle_batch(elpq_conn *conn, elpq_request *req)
{
    struct elpq__batch *batch = req->batch;
    bool stale = false;

    for (unsigned i = 0; i < batch->n; i++) {
        elpq_request *part = batch->statements[i];

        if (settle_prepared(conn, req, part,
                            i == batch->failed ? req->failure : NULL))
            stale = true;
        part->shape = NULL; /* it goes with the prepared statement */
    }
    /* Who forgot one has forgotten others; there is but one more try. */
    for (unsigned i = 0; stale && i < batch->n; i++)
        if (batch->statements[i]->prepared)
            elpq__cache_evict(&conn->prepared, batch->statements[i]->prepared);
    elpq__request_drop_prepared(conn, req);
    /* What may have committed a part is not repeated. */
    return stale && !elpq__batch_in_doubt(batch, 0);
}

/* What the server says to all behind a failure in a transaction. */
static void refuse_in_tx(elpq_request *req)
{
    elpq_error error;

    if (req->code)
        return; /* canceled meanwhile */
    elpq__error_set(&error, ELPQ_E_SERVER, ELPQ_NOT_EXECUTED,
                    "current transaction is aborted, commands ignored until "
                    "end of transaction block");
    strcpy(error.sqlstate, "25P02");
    error.severity = "ERROR";
    req->owned = elpq_error_dup(&error);
    elpq__request_blame(req, ELPQ_E_SERVER, ELPQ_NOT_EXECUTED, error.message);
}

/* It wants to write among reads, which is what the lead is there to refuse. */
static bool is_refused_among_reads(const elpq_request *req)
{
    return req->sharing == ELPQ__SHARES_READS && !req->aborted &&
           req->failure && state_is(req->failure, "25006");
}

bool elpq__settle_repeats(const elpq_request *req)
{
    const struct elpq__batch *batch = req->batch;
    const elpq_request *part =
        batch && batch->failed < batch->n ? batch->statements[batch->failed]
                                          : req;
    const struct elpq__prepared *p = part->prepared;

    if (is_refused_among_reads(req))
        return true;
    if (!req->failure || !p || req->retried || req->delivered)
        return false;
    return (is_unknown(req->failure, p) || is_outdated(req->failure)) &&
           !(batch && elpq__batch_in_doubt(batch, 0));
}

/*
 * What sharing a Sync did to a request: others have failed, or it wants to
 * write among reads.  True if it is held, to go on its own.  It ran `p`, if
 * that is not NULL.
 */
static bool settle_shared(elpq_conn *conn, elpq_request *req,
                          struct elpq__prepared *p)
{
    bool reads = req->sharing == ELPQ__SHARES_READS;

    if (is_refused_among_reads(req)) {
        if (p)
            p->apart = true; /* it always wants to */
        req->aborted = true;
    }
    /* Those behind a lead go each on its own, without it. */
    if (!req->aborted || req->lead)
        return false;
    if (!reads) {
        refuse_in_tx(req);
        return false;
    }
    if (req->cause) /* and another one was hit in its place */
        elpq__request_blame(req, req->cause, ELPQ_NOT_EXECUTED, NULL);
    req->apart = true;
    return hold(conn, req);
}

/* Whose cancel request hit whom; true if the request is held. */
static bool settle_cancel(elpq_conn *conn, elpq_request *req)
{
    bool hit = req->failure && state_is(req->failure, "57014");

    if (conn->cancel_target == req)
        elpq__cancel_answered(conn);
    if (!hit)
        return false;
    if (req->cause) {
        elpq__request_blame(req, req->cause, 0, NULL);
        return false;
    }
    if (!req->exposed) {
        if (elpq__server_timeout_passed(req))
            elpq__request_blame(req, ELPQ_E_TIMEOUT, 0, NULL);
        return false;
    }
    /* Meant for the one before, which had just ended, or one of its group. */
    if (req->kind == ELPQ__STATEMENT && elpq__sql_is_query(req->sql))
        return hold(conn, req); /* it is undone, whatever it did */
    /* A procedure or VACUUM may have committed a part. */
    elpq__request_blame(req, ELPQ_E_CANCELED, ELPQ_IN_DOUBT, NULL);
    return false;
}

static void check_size(elpq_conn *conn, elpq_request *req)
{
    if (!req->result ||
        PQresultMemorySize(req->result) <= conn->options.max_result_bytes)
        return;
    PQclear(req->result);
    req->result = NULL;
    elpq__request_blame(req, ELPQ_E_LIMIT, 0, NULL);
}

/* Rows or data came, and then a Sync, but not the end of the command. */
static bool is_cut_short(const elpq_request *req)
{
    return (req->kind == ELPQ__STREAM || req->kind == ELPQ__COPY) &&
           !req->result && !req->failure && !req->code && !req->cause;
}

/* Its outcome is known: those held before it have lost their place. */
static void pass_head(elpq_conn *conn, elpq_request *req)
{
    bool too_large, cut_short = is_cut_short(req);

    if (!elpq__list_empty(&conn->held) && !req->internal)
        release_held(conn, req, ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    if (cut_short)
        elpq__request_blame(req, ELPQ_E_PROTOCOL, ELPQ_IN_DOUBT,
                            "the answer ended before the command did");
    check_size(conn, req);
    too_large = req->code == ELPQ_E_LIMIT;
    elpq__request_pass(req);
    if (conn->state == ELPQ__CLOSED)
        return;
    /* A session that has ended has no encoding; that is told elsewhere. */
    if (PQstatus(conn->pg) == CONNECTION_OK &&
        PQclientEncoding(conn->pg) != conn->encoding) {
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "client_encoding was changed from UTF8: the "
                        "connection was closed");
        return;
    }
    if (cut_short)
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "an answer ended before its command did: the "
                        "connection was closed");
    /* libpq's buffers have grown to that size, and never shrink. */
    if (too_large)
        elpq__conn_lost(conn, ELPQ_E_LOST,
                        "a result was larger than max_result_bytes: the "
                        "connection was closed");
}

void elpq__note_tag(elpq_conn *conn, const char *tag)
{
    if (tag[0] == 'D' &&
        (strcmp(tag, "DEALLOCATE ALL") == 0 || strcmp(tag, "DISCARD ALL") == 0))
        elpq__cache_clear(&conn->prepared);
}

/* What a command that went well changes for us. */
static void note_command(elpq_conn *conn, const elpq_request *req)
{
    const char *tag = req->result ? PQcmdStatus(req->result) : "";

    for (unsigned i = 0; req->batch && i < req->batch->n; i++)
        note_command(conn, req->batch->statements[i]);
    if (!req->internal && elpq__reset_needed_after(req))
        conn->slot_dirty = true;
    elpq__note_tag(conn, tag);
}

/*
 * Whether only its columns were asked for, and it goes on: to be sent again,
 * before all others, now that they are known.
 */
static bool settle_described(elpq_conn *conn, elpq_request *req)
{
    bool described = req->describing && !req->failure;

    req->describing = false;
    if (!described)
        return false;
    if (req->cause)
        elpq__request_blame(req, req->cause, ELPQ_NOT_EXECUTED, NULL);
    else if (req->copy && !elpq__copy_described(req->copy))
        elpq__request_blame(req, ELPQ_E_NOMEM, ELPQ_NOT_EXECUTED, NULL);
    if (req->code) {
        /* It never ran: its transaction is not what is to be committed. */
        if (!elpq__request_is_stopped(req))
            elpq__scope_break(conn, req->serial);
        return false;
    }
    PQclear(req->result);
    req->result = NULL;
    req->parse = false;
    req->place = ELPQ__QUEUED;
    elpq__list_push_front(&conn->queue, &req->node);
    conn->nqueued++;
    elpq__pipeline_wake(conn);
    return true;
}

void elpq__settle(elpq_conn *conn, elpq_request *req)
{
    struct elpq__prepared *p = req->prepared;
    bool stale;

    conn->nsent--;
    conn->exclusive = false;
    if (req->kind == ELPQ__STREAM)
        elpq__stream_answered(conn, req);
    if (req->copy)
        elpq__copy_answered(req);
    if (req->internal)
        conn->internals--;
    if (req->lead)
        conn->leads--;
    req->shape = NULL;
    stale = req->batch ? settle_batch(conn, req)
                       : settle_prepared(conn, req, req, req->failure);
    req->prepared = NULL;
    /* Each may hold the request, to send it again. */
    if (!(stale && hold(conn, req)) && !settle_shared(conn, req, p) &&
        !settle_cancel(conn, req) && !settle_described(conn, req)) {
        note_command(conn, req);
        pass_head(conn, req);
    }
    if (p) /* only now: its shape is that of the result */
        elpq__prepared_drop(&conn->prepared, p);
}

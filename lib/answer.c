/* SPDX-License-Identifier: PostgreSQL */
/*
 * Answers: every complete piece that libpq has is matched with the head of
 * conn->sent:
 *
 *     [Parse: result, NULL]  {result, NULL} per command  Sync
 *
 * or, outside of pipeline mode, its results and a NULL, before which libpq
 * has seen the Sync.
 *
 * A statement ends with its Sync and not before, because until then its
 * transaction may still fail; those that share one wait in conn->answered.
 * What did not run, through no fault of its own (the server forgot the
 * prepared statement, a cancel hit the wrong one, another one of its group
 * failed), is held and sent again, if that keeps the order.
 *
 * User callbacks run in here, and may close the connection: PGconn stays
 * until pump() of pipeline.c returns.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "conn_int.h"

/* What returns more than this delays those that share its Sync. */
#define LARGE_RESULT ((size_t)64 * 1024)
/* So many NULLs in a row mean that libpq and we disagree. */
#define NULLS_MAX 8

static elpq_request *head_of(const elpq_conn *conn)
{
    struct elpq__node *node = elpq__list_first(&conn->sent);

    return node ? elpq__container(node, elpq_request, node) : NULL;
}

/* Whose results come now: a statement of a batch, or the head itself. */
static elpq_request *part_of(elpq_request *head)
{
    struct elpq__batch *batch = head->batch;

    return batch && batch->at < batch->n ? batch->statements[batch->at] : head;
}

static void begin_part(elpq_conn *conn, const elpq_request *part)
{
    conn->phase = part->parse ? ELPQ__PHASE_PARSE : ELPQ__PHASE_RUN;
    conn->steps = part->steps;
}

/* The head of conn->sent has changed: what its answer begins with. */
void elpq__answer_begin(elpq_conn *conn)
{
    elpq_request *head = head_of(conn);

    conn->nulls = 0;
    conn->reads = 0;
    conn->answer_bytes = 0;
    if (!head)
        return;
    if (head->batch)
        head->batch->at = 0;
    begin_part(conn, part_of(head));
}

static bool state_is(const PGresult *res, const char *sqlstate)
{
    const char *s = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return s && strcmp(s, sqlstate) == 0;
}

/* The server does not know the prepared statement. */
static bool is_unknown(const PGresult *failure,
                       const struct elpq__prepared *p)
{
    const char *message =
        PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY);

    /* A function of the user may raise 26000 as well. */
    return state_is(failure, "26000") && message && strstr(message, p->name);
}

/* The server's plan returns other columns than it once did. */
static bool is_outdated(const PGresult *failure)
{
    const char *routine =
        PQresultErrorField(failure, PG_DIAG_SOURCE_FUNCTION);

    /* With a context it is a statement inside a function of the user. */
    return state_is(failure, "0A000") && routine &&
           strcmp(routine, "RevalidateCachedQuery") == 0 &&
           !PQresultErrorField(failure, PG_DIAG_CONTEXT);
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
        conn->nqueued--;
        elpq__list_remove(node);
        elpq__list_push(&lost, node);
    }
    while ((node = elpq__list_pop(&lost))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        elpq__request_blame(req, req->exposed ? ELPQ_E_CANCELED
                                              : ELPQ_E_SERVER,
                            flags, NULL);
        elpq__request_end(req);
    }
}

/* Nothing is in flight any more: the held ones go first, in their order. */
static void requeue_held(elpq_conn *conn)
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
    if (part->result && !is_described(conn, p))
        describe(conn, p, part->result);
    if (req->sharing &&
        part->result && PQresultMemorySize(part->result) > LARGE_RESULT)
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
    return stale;
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

/*
 * What sharing a Sync did to a request: others have failed, or it wants to
 * write among reads.  True if it is held, to go on its own.
 */
static bool settle_shared(elpq_conn *conn, elpq_request *req)
{
    bool reads = req->sharing == ELPQ__SHARES_READS;

    if (reads && !req->aborted && req->failure &&
        state_is(req->failure, "25006")) {
        if (req->prepared)
            req->prepared->apart = true; /* it always wants to */
        req->aborted = true;
    }
    if (!req->aborted)
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

/* Its outcome is known: those held before it have lost their place. */
static void pass_head(elpq_conn *conn, elpq_request *req)
{
    bool too_large;

    if (!elpq__list_empty(&conn->held) && !req->internal)
        release_held(conn, req, ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    check_size(conn, req);
    too_large = req->code == ELPQ_E_LIMIT;
    elpq__request_pass(req);
    if (conn->state == ELPQ__CLOSED)
        return;
    if (PQclientEncoding(conn->pg) != conn->encoding) {
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "client_encoding was changed from UTF8: the "
                        "connection was closed");
        return;
    }
    /* libpq's buffers have grown to that size, and never shrink. */
    if (too_large)
        elpq__conn_lost(conn, ELPQ_E_LOST,
                        "a result was larger than max_result_bytes: the "
                        "connection was closed");
}

/* What a command that went well changes for us. */
static void note_command(elpq_conn *conn, const elpq_request *req)
{
    const char *tag = req->result ? PQcmdStatus(req->result) : "";

    for (unsigned i = 0; req->batch && i < req->batch->n; i++)
        note_command(conn, req->batch->statements[i]);
    if (!req->internal && elpq__reset_needed_after(req))
        conn->slot_dirty = true;
    if (tag[0] == 'D' && (strcmp(tag, "DEALLOCATE ALL") == 0 ||
                          strcmp(tag, "DISCARD ALL") == 0))
        elpq__cache_clear(&conn->prepared);
}

/* Whether a stream goes on, now that its columns are known. */
static bool settle_stream(elpq_conn *conn, elpq_request *req)
{
    return req->kind == ELPQ__STREAM && elpq__stream_settle(conn, req);
}

/* A request has its Sync, and is in no list: what became of it. */
static void conclude(elpq_conn *conn, elpq_request *req)
{
    struct elpq__prepared *p = req->prepared;
    bool stale;

    conn->nsent--;
    conn->exclusive = false;
    if (req->kind == ELPQ__STREAM)
        elpq__stream_answered(conn, req);
    if (req->internal)
        conn->internals--;
    if (req->lead)
        conn->leads--;
    req->shape = NULL;
    stale = req->batch ? settle_batch(conn, req)
                       : settle_prepared(conn, req, req, req->failure);
    req->prepared = NULL;
    /* Each may hold the request, to send it again. */
    if (!(stale && hold(conn, req)) && !settle_shared(conn, req) &&
        !settle_cancel(conn, req) && !settle_stream(conn, req)) {
        note_command(conn, req);
        pass_head(conn, req);
    }
    if (p) /* only now: its shape is that of the result */
        elpq__prepared_drop(&conn->prepared, p);
}

/* Nothing more comes for the head. */
static void end_head(elpq_conn *conn)
{
    elpq_request *req = head_of(conn);

    elpq__list_remove(&req->node);
    elpq__answer_begin(conn);
    conclude(conn, req);
}

/* The Sync has come, or the script has ended. */
static void finish_head(elpq_conn *conn)
{
    struct elpq__node *node;

    conn->kept_bytes = 0;
    if (elpq__list_empty(&conn->answered)) {
        end_head(conn);
    } else {
        node = elpq__list_pop(&conn->sent);
        elpq__list_push(&conn->answered, node);
        elpq__answer_begin(conn);
        while ((node = elpq__list_pop(&conn->answered)))
            conclude(conn, elpq__container(node, elpq_request, node));
    }
    if (conn->state != ELPQ__CLOSED && conn->nsent == 0) {
        conn->tx_status = PQtransactionStatus(conn->pg);
        conn->settled = true;
        requeue_held(conn);
    } else if (conn->piles && conn->state != ELPQ__CLOSED && conn->owner) {
        conn->owner->progressed(conn);
    }
}

/* Results that wait for one Sync are bounded together. */
static void keep_result(elpq_conn *conn, const PGresult *res)
{
    conn->kept_bytes += PQresultMemorySize(res);
    if (conn->kept_bytes > conn->options.max_result_bytes)
        elpq__conn_lost(conn, ELPQ_E_LIMIT, NULL);
}

/* The head is answered, but shares its Sync with those behind it. */
static void await_sync(elpq_conn *conn, elpq_request *req)
{
    elpq__list_remove(&req->node);
    elpq__list_push(&conn->answered, &req->node);
    elpq__answer_begin(conn);
    if (req->result)
        keep_result(conn, req->result);
}

/* The first piece of an answer has come. */
static void note_answer(elpq_conn *conn, elpq_request *req)
{
    if (req->answered || req->describing)
        return;
    req->answered = true;
    if (conn->options.trace && !req->internal)
        elpq__trace(conn, ELPQ_EVENT_FIRST, req, NULL,
                    elpq__now() - req->sent);
}

/* Why the transaction has failed; what it refuses then says nothing new. */
static void note_tx_failure(elpq_conn *conn, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    if (conn->in_tx && state && strlen(state) == 5 &&
        strcmp(state, "25P02") != 0)
        strcpy(conn->tx_sqlstate, state);
}

/* Why the server does not have a prepared statement. */
static void note_parse_error(elpq_conn *conn, struct elpq__prepared *p,
                             const PGresult *res)
{
    elpq_error error;

    elpq__error_from_result(&error, res);
    if (!p->parse_error)
        p->parse_error = elpq_error_dup(&error);
    elpq__cache_evict(&conn->prepared, p);
}

/* The transaction of the reads that share this Sync could not be ended. */
static void undo_group(elpq_conn *conn, elpq_request *req)
{
    struct elpq__node *node = conn->answered.head.next;

    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        elpq__lost(conn);
        return;
    }
    req->aborted = true;
    for (; node != &conn->answered.head; node = node->next)
        elpq__container(node, elpq_request, node)->aborted = true;
}

static void take_failure(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq_request *part = part_of(req);

    elpq__note_fatal(conn, res);
    if (conn->phase == ELPQ__PHASE_SYNC &&
        req->sharing == ELPQ__SHARES_READS) {
        PQclear(res);
        undo_group(conn, req);
        return;
    }
    PQclear(part->result);
    part->result = NULL;
    if (conn->phase == ELPQ__PHASE_PARSE && part->prepared)
        note_parse_error(conn, part->prepared, res);
    if (req->batch && !req->failure)
        req->batch->failed = req->batch->at;
    note_tx_failure(conn, res);
    if (conn->owner && conn->owner->failed)
        conn->owner->failed(conn, req, res);
    if (req->failure)
        PQclear(res);
    else
        req->failure = res;
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        elpq__lost(conn);
}

/* One result of a script; the limit of an answer holds for each. */
static void take_each(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq_result *result;

    conn->reads = 0;
    conn->answer_bytes = 0;
    if (PQresultMemorySize(res) > conn->options.max_result_bytes) {
        PQclear(res);
        elpq__conn_lost(conn, ELPQ_E_LIMIT, NULL);
        return;
    }
    result = elpq__result_new(res);
    if (!result) {
        PQclear(res);
        elpq__request_blame(req, ELPQ_E_NOMEM, 0, NULL);
        return;
    }
    elpq__catalog_apply(conn->catalog, result);
    req->each(result, req->arg);
    elpq_result_unref(result);
}

static void take_success(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq_request *part = part_of(req);

    if (conn->options.trace) {
        req->rows += (uint64_t)PQntuples(res);
        req->result_bytes += PQresultMemorySize(res);
    }
    if (req->kind == ELPQ__COPY) {
        elpq__copy_take(req, res);
    } else if (conn->phase == ELPQ__PHASE_PARSE) {
        part->prepared->parsed = true;
        PQclear(res);
    } else if (req->kind == ELPQ__SCRIPT && req->each) {
        take_each(conn, req, res);
    } else {
        PQclear(part->result);
        part->result = res;
        if (req->batch)
            keep_result(conn, res);
    }
}

/* All that was asked for before the Sync is answered, or the next is due. */
static void end_part(elpq_conn *conn, elpq_request *req)
{
    struct elpq__batch *batch = req->batch;

    if (batch && ++batch->at < batch->n)
        begin_part(conn, part_of(req));
    else if (conn->fatal[0])
        conn->phase = ELPQ__PHASE_SYNC; /* which never comes */
    else if (req->shares && req->sharing == ELPQ__SHARES_TX)
        end_head(conn);
    else if (req->shares)
        await_sync(conn, req);
    else
        conn->phase = ELPQ__PHASE_SYNC;
}

static void take_null(elpq_conn *conn)
{
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        elpq__lost(conn);
        return;
    }
    if (++conn->nulls > NULLS_MAX) {
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "the answers do not match the statements sent");
        return;
    }
    if (!conn->piped && !head_of(conn)->answered) {
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "a statement was answered without a result");
    } else if (head_of(conn)->copy && elpq__copy_next(conn, head_of(conn))) {
        return; /* its next command was sent */
    } else if (!conn->piped) {
        finish_head(conn); /* libpq has seen the Sync, or the script's end */
    } else if (conn->phase == ELPQ__PHASE_PARSE) {
        conn->phase = ELPQ__PHASE_RUN;
    } else if (conn->phase == ELPQ__PHASE_RUN && --conn->steps == 0) {
        end_part(conn, head_of(conn));
    }
}

static void take(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    if (!res) {
        take_null(conn);
        return;
    }
    conn->nulls = 0;
    note_answer(conn, req);
    if (conn->state == ELPQ__CLOSED) {
        PQclear(res); /* by the hook */
        return;
    }
    switch ((int)PQresultStatus(res)) {
    case PGRES_SINGLE_TUPLE:
    case ELPQ__TUPLES_CHUNK:
        assert(req->kind == ELPQ__STREAM);
        elpq__stream_take(conn, req, res);
        break;
    case PGRES_PIPELINE_SYNC:
        PQclear(res);
        if (conn->phase == ELPQ__PHASE_SYNC)
            finish_head(conn);
        else
            elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                            "a Sync came before its results");
        break;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        take_success(conn, req, res);
        break;
    case PGRES_PIPELINE_ABORTED:
        PQclear(res);
        /* By the failure of another; else by that of its own Parse. */
        if (!req->failure || req->batch)
            part_of(req)->aborted = true;
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        if (conn->duplex && PQresultStatus(res) == PGRES_COPY_BOTH) {
            conn->is_duplex = true;
            PQclear(res);
            break;
        }
        if (req->copy && PQresultStatus(res) != PGRES_COPY_BOTH) {
            elpq__copy_began(conn, req, res);
            break;
        }
        PQclear(res);
        elpq__conn_lost(conn, ELPQ_E_USAGE,
                        "COPY FROM STDIN or TO STDOUT in a script or "
                        "statement: the connection was closed");
        break;
    default:
        take_failure(conn, req, res);
        break;
    }
}

void elpq__answers_drain(elpq_conn *conn)
{
    elpq_request *req;

    while (conn->state != ELPQ__CLOSED && (req = head_of(conn)) &&
           !req->paused && !PQisBusy(conn->pg)) {
        PGresult *res;

        if (conn->is_duplex) {
            if (!conn->duplex(conn))
                return;
            conn->is_duplex = false;
            continue;
        }
        if (conn->copy) {
            if (!elpq__copy_move(conn))
                return;
            continue;
        }
        res = PQgetResult(conn->pg);
        if (conn->state == ELPQ__CLOSED) {
            PQclear(res); /* closed by a hook that libpq called */
            return;
        }
        take(conn, req, res);
    }
}

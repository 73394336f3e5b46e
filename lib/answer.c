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
 * transaction may still fail.  What did not run, through no fault of its own
 * (the server forgot the prepared statement, a cancel hit the wrong one), is
 * held and sent again, if that keeps the order.
 *
 * User callbacks run in here, and may close the connection: PGconn stays
 * until pump() of pipeline.c returns.
 */
#include <assert.h>
#include <string.h>

#include "conn_int.h"

/* So many NULLs in a row mean that libpq and we disagree. */
#define NULLS_MAX 8

static elpq_request *head_of(const elpq_conn *conn)
{
    struct elpq__node *node = elpq__list_first(&conn->sent);

    return node ? elpq__container(node, elpq_request, node) : NULL;
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
    conn->phase = head->parse ? ELPQ__PHASE_PARSE : ELPQ__PHASE_RUN;
    conn->steps = head->steps;
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
    if (req->retried || req->cause || req->delivered)
        return false;
    req->place = ELPQ__QUEUED;
    elpq__list_push(&conn->held, &req->node);
    conn->nqueued++;
    return true;
}

/* Something behind the held ones has run: they fail as they did. */
static void release_held(elpq_conn *conn, unsigned flags)
{
    struct elpq__node *node;

    while ((node = elpq__list_pop(&conn->held))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        conn->nqueued--;
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
        release_held(conn, 0); /* its transaction failed with it */
        return;
    }
    elpq__list_init(&again);
    while ((node = elpq__list_pop(&conn->held))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        PQclear(req->failure);
        elpq_error_free(req->owned);
        req->failure = NULL;
        req->owned = NULL;
        req->retried = true;
        req->exposed = req->answered = req->parse = false;
        req->describing = false;
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
static void describe(struct elpq__prepared *p, const PGresult *res)
{
    p->described = true;
    if (!p->query)
        return;
    p->binary = PQnfields(res) > 0 && elpq__codecs_binary(res);
    p->shape = elpq__shape_new(res, p->binary);
}

/* What the answer says of the prepared statement; true if it is held. */
static bool settle_prepared(elpq_conn *conn, elpq_request *req)
{
    struct elpq__prepared *p = req->prepared;
    bool again = false;

    req->shape = NULL;
    if (!p)
        return false;
    req->prepared = NULL;
    if (req->failure && is_unknown(req->failure, p)) {
        p->parsed = false;
        elpq__cache_evict(&conn->prepared, p);
        again = hold(conn, req);
        /* If it is not sent again: its Parse, sent by another, had failed. */
        if (p->parse_error && strncmp(p->parse_error->sqlstate, "42", 2) == 0)
            req->owned = elpq_error_dup(p->parse_error);
    } else if (req->failure && is_outdated(req->failure)) {
        elpq__cache_evict(&conn->prepared, p);
        again = hold(conn, req);
    } else if (req->result && !p->described) {
        describe(p, req->result);
    }
    if (again)
        elpq__prepared_drop(&conn->prepared, p);
    else
        req->shape = p->shape;
    return again;
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
    if (!req->exposed)
        return false;
    /* Meant for the one before, which had just ended. */
    if (elpq__sql_is_query(req->sql) && req->kind == ELPQ__STATEMENT)
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
        release_held(conn, ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
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

    if (!req->internal && elpq__reset_needed_after(req))
        conn->slot_dirty = true;
    if (tag[0] == 'D' && (strcmp(tag, "DEALLOCATE ALL") == 0 ||
                          strcmp(tag, "DISCARD ALL") == 0))
        elpq__cache_clear(&conn->prepared);
}

/* The head has its Sync, or its script has ended. */
static void finish_head(elpq_conn *conn)
{
    elpq_request *req = head_of(conn);
    struct elpq__prepared *p = req->prepared;

    elpq__list_remove(&req->node);
    conn->nsent--;
    conn->exclusive = false;
    if (req->kind == ELPQ__STREAM)
        elpq__stream_answered(conn, req);
    if (req->internal)
        conn->internals--;
    elpq__answer_begin(conn);
    /* Each may hold the request, to send it again. */
    if (settle_prepared(conn, req)) {
        p = NULL;
    } else if (!settle_cancel(conn, req) &&
               !(req->kind == ELPQ__STREAM &&
                 elpq__stream_settle(conn, req))) {
        note_command(conn, req);
        pass_head(conn, req);
    }
    if (p) /* only now: its shape is that of the result */
        elpq__prepared_drop(&conn->prepared, p);
    if (conn->state != ELPQ__CLOSED && conn->nsent == 0) {
        conn->tx_status = PQtransactionStatus(conn->pg);
        requeue_held(conn);
    }
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

static void take_failure(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq__note_fatal(conn, res);
    PQclear(req->result);
    req->result = NULL;
    if (conn->phase == ELPQ__PHASE_PARSE && req->prepared) {
        elpq_error error;

        elpq__error_from_result(&error, res);
        if (!req->prepared->parse_error)
            req->prepared->parse_error = elpq_error_dup(&error);
        elpq__cache_evict(&conn->prepared, req->prepared);
    }
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
    req->each(result, req->arg);
    elpq_result_unref(result);
}

static void take_success(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    if (conn->options.trace) {
        req->rows += (uint64_t)PQntuples(res);
        req->result_bytes += PQresultMemorySize(res);
    }
    if (conn->phase == ELPQ__PHASE_PARSE) {
        req->prepared->parsed = true;
        PQclear(res);
    } else if (req->kind == ELPQ__SCRIPT && req->each) {
        take_each(conn, req, res);
    } else {
        PQclear(req->result);
        req->result = res;
    }
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
    } else if (!conn->piped) {
        finish_head(conn); /* libpq has seen the Sync, or the script's end */
    } else if (conn->phase == ELPQ__PHASE_PARSE) {
        conn->phase = ELPQ__PHASE_RUN;
    } else if (conn->phase == ELPQ__PHASE_RUN && --conn->steps == 0) {
        conn->phase = ELPQ__PHASE_SYNC;
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
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
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
        PGresult *res = PQgetResult(conn->pg);

        if (conn->state == ELPQ__CLOSED) {
            PQclear(res); /* closed by a hook that libpq called */
            return;
        }
        take(conn, req, res);
    }
}

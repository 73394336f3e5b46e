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
 * What became of it then is decided in settle.c.
 *
 * User callbacks run in here, and may close the connection: PGconn stays
 * until pump() of pipeline.c returns.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "conn_int.h"

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

/* Nothing more comes for the head. */
static void end_head(elpq_conn *conn)
{
    elpq_request *req = head_of(conn);

    elpq__list_remove(&req->node);
    elpq__answer_begin(conn);
    elpq__settle(conn, req);
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
            elpq__settle(conn, elpq__container(node, elpq_request, node));
    }
    if (conn->state != ELPQ__CLOSED && conn->nsent == 0) {
        conn->tx_status = PQtransactionStatus(conn->pg);
        conn->settled = true;
        elpq__requeue_held(conn);
    } else if (conn->piles && conn->state != ELPQ__CLOSED && conn->owner) {
        conn->owner->progressed(conn);
    }
}

/* Results that wait for one Sync are bounded together. */
static bool is_too_much(elpq_conn *conn, const PGresult *res)
{
    conn->kept_bytes += PQresultMemorySize(res);
    return conn->kept_bytes > conn->options.max_result_bytes;
}

/*
 * The head is answered, but shares its Sync with those behind it.  A read that
 * others leave no room for runs again, alone; if it is too large even so, that
 * is its outcome.
 */
static void await_sync(elpq_conn *conn, elpq_request *req)
{
    elpq__list_remove(&req->node);
    elpq__list_push(&conn->answered, &req->node);
    elpq__answer_begin(conn);
    if (req->result && is_too_much(conn, req->result)) {
        conn->kept_bytes -= PQresultMemorySize(req->result);
        if (req->prepared &&
            PQresultMemorySize(req->result) > ELPQ__LARGE_RESULT)
            req->prepared->apart = true;
        PQclear(req->result);
        req->result = NULL;
        req->aborted = true;
    }
}

/* The first piece of an answer has come. */
static void note_answer(elpq_conn *conn, elpq_request *req)
{
    if (req->answered || req->describing)
        return;
    req->answered = true;
    if (conn->options.trace && !req->internal && !req->detached)
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

/* Whether a line begins so.  Other languages than English are not known. */
static bool tells_no_memory(const char *message)
{
    const char *at = message;

    while ((at = strstr(at, "out of memory")) && at != message &&
           at[-1] != '\n')
        at++;
    return at != NULL;
}

/*
 * The same of what libpq has to say, which gathers it behind the words of the
 * server, until it begins anew.
 */
static bool adds_no_memory(const elpq_conn *conn, const char *message)
{
    size_t n;

    if (!*message)
        return false;
    n = strlen(message);
    return tells_no_memory(message +
                           (n >= conn->server_words ? conn->server_words : 0));
}

static bool has_no_memory(const elpq_conn *conn)
{
    return adds_no_memory(conn, PQerrorMessage(conn->pg));
}

/*
 * What comes is not what was asked for.  It need not be the server's fault: for
 * want of memory libpq drops some answers, and does not always say so.
 */
static void mismatch(elpq_conn *conn, const char *text)
{
    if (has_no_memory(conn))
        elpq__conn_lost(conn, ELPQ_E_NOMEM, NULL);
    else
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL, text);
}

/*
 * A failure without an SQLSTATE is libpq's own: it had no memory for what
 * came, or could not make sense of it.  Nobody knows what it has dropped, so
 * nothing that follows could be matched for sure.
 */
static void give_up(elpq_conn *conn, PGresult *res)
{
    char text[256];
    size_t n;

    snprintf(text, sizeof(text), "%s", PQresultErrorMessage(res));
    for (n = strlen(text); n > 0 && text[n - 1] == '\n'; n--)
        text[n - 1] = '\0';
    PQclear(res);
    elpq__conn_lost(conn,
                    tells_no_memory(text) ? ELPQ_E_NOMEM : ELPQ_E_PROTOCOL,
                    n > 0 ? text : NULL);
}

static void take_failure(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq_request *part = part_of(req);

    elpq__hide_in_result(elpq__password_of(conn->pg), res);
    if (!PQresultErrorField(res, PG_DIAG_SQLSTATE) &&
        PQstatus(conn->pg) != CONNECTION_BAD) {
        give_up(conn, res);
        return;
    }
    conn->server_words = strlen(PQerrorMessage(conn->pg));
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

    elpq__note_tag(conn, PQcmdStatus(res));
    conn->reads = 0;
    conn->answer_bytes = 0;
    if (PQresultMemorySize(res) > conn->options.max_result_bytes) {
        PQclear(res);
        elpq__conn_lost(conn, ELPQ_E_LIMIT, NULL);
        return;
    }
    if (!req->each) {
        PQclear(res);
        return;
    }
    result = elpq__result_new(res);
    if (!result) {
        PQclear(res);
        elpq__request_blame(req, ELPQ_E_NOMEM, ELPQ_IN_DOUBT, NULL);
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
    } else if (req->kind == ELPQ__SCRIPT) {
        take_each(conn, req, res);
    } else {
        PQclear(part->result);
        part->result = res;
        if (req->batch && is_too_much(conn, res))
            elpq__conn_lost(conn, ELPQ_E_LIMIT, NULL);
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
        mismatch(conn, "the answers do not match the statements sent");
        return;
    }
    if (!conn->piped && !head_of(conn)->answered) {
        mismatch(conn, "a statement was answered without a result");
    } else if (!conn->piped) {
        finish_head(conn); /* libpq has seen the Sync, or the script's end */
    } else if (conn->phase == ELPQ__PHASE_PARSE) {
        conn->phase = ELPQ__PHASE_RUN;
    } else if (conn->phase == ELPQ__PHASE_RUN && --conn->steps == 0) {
        end_part(conn, head_of(conn));
    }
}

/* What libpq told meanwhile stands in the result, and nowhere else any more:
 * where it had no memory for the Sync, it takes later answers for others. */
static void take_sync(elpq_conn *conn, PGresult *res)
{
    bool lacking = adds_no_memory(conn, PQresultErrorMessage(res));

    PQclear(res);
    if (conn->phase == ELPQ__PHASE_SYNC)
        finish_head(conn);
    else
        mismatch(conn, "a Sync came before its results");
    if (lacking && conn->state != ELPQ__CLOSED)
        elpq__conn_lost(conn, ELPQ_E_NOMEM, NULL);
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
        take_sync(conn, res);
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
    elpq_request *req = NULL;

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
    /* What it has no memory for is lost, though it be the Sync. */
    if (conn->state != ELPQ__CLOSED && req && !req->paused &&
        has_no_memory(conn))
        elpq__conn_lost(conn, ELPQ_E_NOMEM, NULL);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pipeline of one connection: what is sent, and what the answers mean.
 *
 * Submitting only queues.  At the end of the loop's turn the queue is given
 * to libpq, each statement with its own Sync, and flushed once.  Whenever the
 * socket is readable, libpq takes its bytes in, and every complete piece is
 * matched with the head of conn->sent:
 *
 *     [Parse: result, NULL]  {result, NULL} per command  Sync
 *
 * A statement ends with its Sync and not before, because until then its
 * transaction may still fail.
 *
 * Rules of libpq that this file keeps, each of which has hung somebody:
 * results are drained after every call that may have read from the socket,
 * sending included; PQgetResult is only called when PQisBusy says no; while
 * output is stuck, both directions are watched; the descriptor is unwatched
 * at once when the connection is found bad; NULLs in a row are counted.
 *
 * User callbacks run inside drain(), and may close the connection: PGconn
 * stays until pump() returns.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include "conn_int.h"

#define NULLS_MAX 8
#define LAST_READS 8
/* While statements run all the time, so often notifications are dropped. */
#define DRAINS_MAX 256
/* After so many reads for one answer its size is estimated. */
#define READS_FREE 64
/* Then more is read in one go, but others get their turn as well. */
#define READS_PER_TURN 16
/* libpq always has room for so many bytes when it reads. */
#define READ_LEAST 8192

static elpq_request *head_of(const elpq_conn *conn)
{
    struct elpq__node *node = elpq__list_first(&conn->sent);

    return node ? elpq__container(node, elpq_request, node) : NULL;
}

/* What the server says when it ends the session: it explains the loss. */
static void note_fatal(elpq_conn *conn, const PGresult *res)
{
    const char *severity =
        PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (!severity || !state || strlen(state) != 5 ||
        (strcmp(severity, "FATAL") != 0 && strcmp(severity, "PANIC") != 0))
        return;
    strcpy(conn->fatal, state);
    /* A pooler says FATAL as well, but knows less, and names no source. */
    conn->fatal_proof =
        PQresultErrorField(res, PG_DIAG_SOURCE_FUNCTION) != NULL;
    snprintf(conn->fatal_text, sizeof(conn->fatal_text), "%s",
             text ? text : "");
}

static void lost(elpq_conn *conn)
{
    char text[512];
    size_t n;

    snprintf(text, sizeof(text), "%s",
             conn->fatal_text[0] ? conn->fatal_text
                                 : PQerrorMessage(conn->pg));
    for (n = strlen(text); n > 0 && text[n - 1] == '\n'; n--)
        text[n - 1] = '\0';
    elpq__conn_lost(conn, ELPQ_E_LOST,
                    n > 0 ? text : "the server closed the connection");
}

static void drain(elpq_conn *conn);

/* A write has failed; the server may have said why before. */
static void lost_in_write(elpq_conn *conn)
{
    /* libpq may have closed the descriptor, and callbacks reuse its number. */
    elpq__io_close(&conn->io);
    for (int i = 0; i < LAST_READS && PQconsumeInput(conn->pg); i++)
        ;
    drain(conn);
    lost(conn);
}

/* ------------------------------------------------------------------- send */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether STDIN or STDOUT stands in the text, outside of quotes. */
static bool has_std_word(const char *s)
{
    while (*s) {
        size_t n = 1;

        if (*s == '\'' || *s == '"') {
            const char *end = strchr(s + 1, *s);

            n = end ? (size_t)(end - s) + 1 : strlen(s);
        } else if (is_word(*s)) {
            for (n = 0; is_word(s[n]); n++)
                ;
            if ((n == 5 && strncasecmp(s, "stdin", 5) == 0) ||
                (n == 6 && strncasecmp(s, "stdout", 6) == 0))
                return true;
        }
        s += n;
    }
    return false;
}

/* COPY FROM STDIN or TO STDOUT would leave the pipeline in a state of its
 *  own. */
static bool is_copy(const elpq_request *req)
{
    const char *s = req->sql;

    while (*s == ' ' || *s == '\n' || *s == '\t' || *s == '\r' || *s == '(')
        s++;
    return (*s == 'c' || *s == 'C') && strncasecmp(s, "copy", 4) == 0 &&
           has_std_word(s);
}

static bool send_sync(elpq_conn *conn)
{
    const struct elpq__libpq *libpq = elpq__libpq();

    return libpq->send_pipeline_sync ? libpq->send_pipeline_sync(conn->pg)
                                     : PQpipelineSync(conn->pg);
}

/* What is not sent at all; a statement that was prepared has passed. */
static bool refuse(elpq_request *req)
{
    const char *why = NULL;
    elpq_code code = ELPQ_E_USAGE;

    if (is_copy(req)) {
        why = "COPY FROM STDIN and TO STDOUT cannot be executed as a "
              "statement";
    } else if (memchr(req->sql, '\0', req->sql_len)) {
        why = "the SQL text contains a NUL byte";
        code = ELPQ_E_VALUE;
    }
    if (!why)
        return false;
    elpq__request_blame(req, code, ELPQ_NOT_EXECUTED, why);
    elpq__request_end_soon(req);
    return true;
}

/* The prepared statement that runs it, known or new; false: it is refused. */
static bool find_prepared(elpq_conn *conn, elpq_request *req)
{
    struct elpq__cache *cache = &conn->prepared;
    struct elpq__prepared *p = NULL;

    if (!(req->flags & ELPQ_NO_PREPARE))
        p = elpq__cache_find(cache, req->sql, req->sql_len, req->types,
                             req->n);
    if (!p) {
        if (refuse(req))
            return false;
        req->touches = elpq__sql_touches_session(req->sql);
        if (!(req->flags & ELPQ_NO_PREPARE))
            p = elpq__cache_add(cache, req->sql, req->sql_len, req->types,
                                req->n);
        if (!p)
            return true;
        req->parse = true;
        p->touches = req->touches;
    }
    req->touches = p->touches;
    req->prepared = p;
    elpq__prepared_use(p);
    return true;
}

static bool send_statement(elpq_conn *conn, elpq_request *req)
{
    const struct elpq__prepared *p = req->prepared;
    int n = (int)req->n;

    req->steps = 1;
    if (!p)
        return PQsendQueryParams(conn->pg, req->sql, n, req->types,
                                 req->values, req->lengths, req->formats, 0);
    if (req->parse &&
        !PQsendPrepare(conn->pg, p->name, req->sql, n, req->types))
        return false;
    return PQsendQueryPrepared(
        conn->pg, p->name, n, req->values, req->lengths, req->formats,
        p->binary && !(req->flags & ELPQ_TEXT_RESULT));
}

/* Close of a prepared statement: a message of its own where libpq has it. */
static bool send_close(elpq_conn *conn, elpq_request *req)
{
    const struct elpq__libpq *libpq = elpq__libpq();
    const struct elpq__prepared *p = req->arg;

    req->steps = 1;
    if (libpq->send_close_prepared)
        return libpq->send_close_prepared(conn->pg, p->name);
    return PQsendQueryParams(conn->pg, req->sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool send_group(elpq_conn *conn, elpq_request *req)
{
    const char *one[2] = { req->sql, NULL };
    const char *const *command = req->group ? req->group : one;

    for (req->steps = 0; *command; command++, req->steps++)
        if (!PQsendQueryParams(conn->pg, *command, 0, NULL, NULL, NULL, NULL,
                               0))
            return false;
    return true;
}

static bool send_script(elpq_conn *conn, elpq_request *req)
{
    conn->exclusive = true;
    return PQexitPipelineMode(conn->pg) && PQsendQuery(conn->pg, req->sql);
}

/* The head of conn->sent has changed: what its answer begins with. */
static void begin_answer(elpq_conn *conn)
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

/* Gives one request to libpq; false if the connection is lost by that. */
static bool send_request(elpq_conn *conn, elpq_request *req)
{
    bool ok;

    req->place = ELPQ__SENT;
    elpq__list_push(&conn->sent, &req->node);
    conn->nsent++;
    if (req->kind == ELPQ__SCRIPT)
        ok = send_script(conn, req);
    else if (req->kind == ELPQ__CLOSE)
        ok = send_close(conn, req) && send_sync(conn);
    else if (req->kind == ELPQ__GROUP)
        ok = send_group(conn, req) && send_sync(conn);
    else
        ok = send_statement(conn, req) && send_sync(conn);
    if (!ok) {
        lost_in_write(conn);
        return false;
    }
    if (conn->nsent == 1)
        begin_answer(conn);
    if (conn->options.trace && !req->internal) {
        req->sent = elpq__now();
        elpq__trace(conn, ELPQ_EVENT_SENT, req, NULL, 0);
    }
    return true;
}

static bool may_send_more(const elpq_conn *conn)
{
    return !conn->cancel && !conn->cancel_target && !conn->exclusive &&
           !conn->io.writing && elpq__list_empty(&conn->held);
}

static bool may_send(const elpq_conn *conn, const elpq_request *next)
{
    if (!may_send_more(conn))
        return false;
    if (next->kind == ELPQ__SCRIPT)
        return conn->nsent == 0;
    return conn->nsent < conn->options.max_pipeline;
}

/* The server was told to forget a statement, or refused to listen. */
static void on_closed_statement(const elpq_error *error, void *arg)
{
    struct elpq__prepared *p = arg;

    /* In a failed transaction it does not listen: again later. */
    if (error && strcmp(error->sqlstate, "25P02") == 0 && p->cache->buckets)
        elpq__list_push(&p->cache->closing, &p->lru);
    else
        elpq__prepared_free(p);
}

/* Closes on the server what the cache has thrown out. */
static bool send_closes(elpq_conn *conn)
{
    struct elpq__prepared *p;

    while (conn->nsent < conn->options.max_pipeline &&
           PQtransactionStatus(conn->pg) != PQTRANS_INERROR &&
           (p = elpq__cache_next_closing(&conn->prepared))) {
        char sql[80] = "DEALLOCATE ";
        elpq_statement st;
        elpq_request *req;

        strcat(sql, p->name);
        st = elpq_sql_from_trusted_string(sql, NULL, 0);
        req = elpq__request_new(conn->loop, ELPQ__CLOSE, &st, NULL);
        if (!req) {
            elpq__list_push_front(&conn->prepared.closing, &p->lru);
            return true;
        }
        req->internal = true;
        req->cb.done = on_closed_statement;
        req->arg = p;
        req->conn = conn;
        req->held = conn;
        elpq__conn_ref(conn);
        conn->internals++;
        if (!send_request(conn, req))
            return false;
    }
    return true;
}

static void send_queue(elpq_conn *conn)
{
    struct elpq__node *node;

    while (conn->state != ELPQ__CLOSED &&
           (node = elpq__list_first(&conn->queue))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        if (!may_send(conn, req))
            break;
        elpq__list_remove(node);
        conn->nqueued--;
        if ((req->flags & ELPQ__COMMIT) && conn->tx_broken) {
            elpq__request_blame(req, ELPQ_E_ROLLED_BACK, ELPQ_NOT_EXECUTED,
                                "a statement of the transaction was not "
                                "sent: it was rolled back");
            elpq__request_end_soon(req);
            continue;
        }
        if (req->kind == ELPQ__STATEMENT && !find_prepared(conn, req))
            continue;
        if (!send_request(conn, req))
            return;
    }
    if (conn->state != ELPQ__CLOSED && conn->nqueued == 0 &&
        !elpq__list_empty(&conn->prepared.closing) && may_send_more(conn))
        send_closes(conn);
}

/* Moves libpq's output on; false if the connection is lost. */
static bool flush(elpq_conn *conn)
{
    int stuck = PQflush(conn->pg);

    if (stuck < 0) {
        lost_in_write(conn);
        return false;
    }
    elpq__io_want_write(&conn->io, stuck == 1);
    return true;
}

/* ---------------------------------------------------------------- answers */

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
    if (req->retried || req->cause)
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
        elpq__list_push(&again, node);
    }
    elpq__list_move(&again, &conn->queue);
    elpq__list_move(&conn->queue, &again);
}

/* What the answer says of the prepared statement; true if it is held. */
static bool settle_prepared(elpq_conn *conn, elpq_request *req)
{
    struct elpq__prepared *p = req->prepared;
    bool again = false;

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
        p->described = true;
        p->binary = PQnfields(req->result) > 0 &&
                    elpq__codecs_binary(req->result);
    }
    elpq__prepared_drop(&conn->prepared, p);
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

    elpq__list_remove(&req->node);
    conn->nsent--;
    if (req->internal)
        conn->internals--;
    begin_answer(conn);
    /* Each may hold the request, to send it again. */
    if (!settle_prepared(conn, req) && !settle_cancel(conn, req)) {
        note_command(conn, req);
        pass_head(conn, req);
    }
    if (conn->state != ELPQ__CLOSED && conn->nsent == 0) {
        conn->tx_status = PQtransactionStatus(conn->pg);
        requeue_held(conn);
    }
}

/* The first piece of an answer has come. */
static void note_answer(elpq_conn *conn, elpq_request *req)
{
    if (req->answered)
        return;
    req->answered = true;
    if (conn->options.trace && !req->internal)
        elpq__trace(conn, ELPQ_EVENT_FIRST, req, NULL,
                    elpq__now() - req->sent);
}

static void take_failure(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    note_fatal(conn, res);
    PQclear(req->result);
    req->result = NULL;
    if (conn->phase == ELPQ__PHASE_PARSE && req->prepared) {
        elpq_error error;

        elpq__error_from_result(&error, res);
        if (!req->prepared->parse_error)
            req->prepared->parse_error = elpq_error_dup(&error);
        elpq__cache_evict(&conn->prepared, req->prepared);
    }
    if (req->failure)
        PQclear(res);
    else
        req->failure = res;
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        lost(conn);
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
        elpq_result *result = elpq__result_new(res);

        if (!result) {
            PQclear(res);
            elpq__request_blame(req, ELPQ_E_NOMEM, 0, NULL);
            return;
        }
        req->each(result, req->arg);
        elpq_result_unref(result);
    } else {
        PQclear(req->result);
        req->result = res;
    }
}

static void take_null(elpq_conn *conn)
{
    if (PQstatus(conn->pg) == CONNECTION_BAD) {
        lost(conn);
        return;
    }
    if (++conn->nulls > NULLS_MAX) {
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "the answers do not match the statements sent");
        return;
    }
    if (conn->exclusive) {
        conn->exclusive = false;
        if (!PQenterPipelineMode(conn->pg))
            lost(conn);
        else
            finish_head(conn);
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
    switch (PQresultStatus(res)) {
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

/* Lets libpq read what comes unasked, and drops notifications. */
static void drain_unasked(elpq_conn *conn)
{
    PGnotify *notification;

    conn->drains = 0;
    while (conn->state != ELPQ__CLOSED &&
           (notification = PQnotifies(conn->pg)))
        PQfreemem(notification);
}

/*
 * Before libpq 17 every Sync is a system call of its own, so nothing is
 * gained by collecting; the server can as well begin while we go on.
 */
static bool syncs_flush(void)
{
    return !elpq__libpq()->send_pipeline_sync;
}

/* Matches all complete pieces; conn may be closed afterwards. */
static void drain(elpq_conn *conn)
{
    elpq_request *req;

    while (conn->state != ELPQ__CLOSED && (req = head_of(conn)) &&
           !PQisBusy(conn->pg)) {
        PGresult *res = PQgetResult(conn->pg);

        if (conn->state == ELPQ__CLOSED) {
            PQclear(res); /* closed by a hook that libpq called */
            return;
        }
        take(conn, req, res);
        if (conn->sending_now && conn->nqueued > 0 && syncs_flush())
            send_queue(conn);
    }
}

/* ---------------------------------------------------------------- reading */

/* Bytes that wait in the socket. */
static int backlog(elpq_conn *conn)
{
    int n = 0;

    if (PQsocket(conn->pg) >= 0)
        ioctl(PQsocket(conn->pg), FIONREAD, &n);
    return n;
}

/*
 * Reads on while a long answer comes faster than the loop turns, and
 * estimates its size, as libpq does not tell: at least what one read takes
 * for sure, or by how much the socket's backlog shrank.
 */
static bool consume_long(elpq_conn *conn)
{
    int before = backlog(conn);

    for (int i = 0; i < READS_PER_TURN && before > 0; i++) {
        int after;
        int took = before < READ_LEAST ? before : READ_LEAST;

        if (!PQconsumeInput(conn->pg))
            return false;
        after = backlog(conn);
        if (before - after > took)
            took = before - after;
        conn->answer_bytes += (uint64_t)took;
        if (conn->answer_bytes > conn->options.max_result_bytes) {
            elpq__conn_lost(conn, ELPQ_E_LIMIT, NULL);
            return true;
        }
        if (conn->state == ELPQ__CLOSED || !PQisBusy(conn->pg))
            return true;
        before = after;
    }
    return before > 0 || PQconsumeInput(conn->pg);
}

/* One read from the socket, and the rest of what TLS holds; false if lost. */
static bool consume(elpq_conn *conn)
{
    if (conn->nsent > 0 && ++conn->reads > READS_FREE) {
        if (!consume_long(conn))
            return false;
    } else if (!PQconsumeInput(conn->pg)) {
        return false;
    }
    return true;
}

static bool tls_holds_more(const elpq_conn *conn)
{
    return conn->state != ELPQ__CLOSED && PQsslInUse(conn->pg) &&
           elpq__tls_pending(conn->pg) > 0;
}

/* The socket does not become readable for what OpenSSL holds already. */
static bool consume_tls(elpq_conn *conn)
{
    for (int i = 0; i < READS_PER_TURN && tls_holds_more(conn); i++) {
        if (!PQconsumeInput(conn->pg))
            return false;
        drain(conn);
    }
    conn->read_again = tls_holds_more(conn);
    if (conn->read_again)
        elpq__task_post(conn->loop, &conn->flush);
    return true;
}

/*
 * Sends what is queued.  Sending may have read from the socket, which then
 * does not become readable again; so what is complete is taken in as well.
 */
static void send_and_drain(elpq_conn *conn)
{
    unsigned sent = conn->nsent;
    bool stuck = conn->io.writing;

    if (stuck && !flush(conn))
        return;
    send_queue(conn);
    conn->sending_now = false;
    if (conn->state == ELPQ__CLOSED || (conn->nsent == sent && !stuck))
        return;
    if (flush(conn))
        drain(conn);
}

/* Everything a connection does in one go. */
static void pump(elpq_conn *conn, bool readable)
{
    bool alive = true;
    bool asked = conn->nsent > 0;

    if (conn->pumping || conn->state == ELPQ__CLOSED || !conn->pg)
        return;
    elpq__conn_ref(conn);
    conn->pumping = true;
    conn->sending_now = true;
    if (readable)
        alive = consume(conn);
    if (!alive)
        elpq__io_close(&conn->io); /* as in lost_in_write() */
    drain(conn);
    if (alive && readable && !consume_tls(conn))
        alive = false;
    if (!asked || ++conn->drains > DRAINS_MAX)
        drain_unasked(conn);
    /* Words of farewell while nothing was asked: it is as good as closed. */
    if (conn->state != ELPQ__CLOSED &&
        (!alive || PQstatus(conn->pg) == CONNECTION_BAD ||
         (conn->fatal[0] && conn->nsent == 0)))
        lost(conn);
    if (conn->nsent == 0 && conn->nqueued == 0)
        elpq__pipeline_settle(conn); /* a pool may have something to do */
    if (conn->state != ELPQ__CLOSED)
        send_and_drain(conn);
    conn->sending_now = false;
    conn->pumping = false;
    if (conn->close_wanted) {
        conn->close_wanted = false;
        PQfinish(conn->pg);
        conn->pg = NULL;
    }
    elpq__cancel_kick(conn);
    elpq__pipeline_settle(conn);
    elpq__conn_unref(conn);
}

static void on_ready(struct elpq__io *io, bool readable, bool writable)
{
    (void)writable;
    pump(elpq__container(io, elpq_conn, io), readable);
}

static void on_flush(struct elpq__task *task)
{
    elpq_conn *conn = elpq__container(task, elpq_conn, flush);

    pump(conn, conn->read_again);
}

static void on_notice(void *arg, const PGresult *res)
{
    elpq_conn *conn = arg;
    elpq_error notice;

    elpq__error_from_result(&notice, res);
    notice.code = ELPQ_OK;
    notice.flags = 0;
    note_fatal(conn, res);
    elpq__conn_notice(conn, &notice);
}

/* ------------------------------------------------------------- for others */

bool elpq__pipeline_open(elpq_conn *conn)
{
    conn->io.ready = on_ready;
    conn->flush.run = on_flush;
    PQsetNoticeReceiver(conn->pg, on_notice, conn);
    conn->encoding = PQclientEncoding(conn->pg);
    return PQsetnonblocking(conn->pg, 1) == 0 &&
           PQenterPipelineMode(conn->pg) &&
           elpq__io_open(&conn->io, conn->loop, PQsocket(conn->pg));
}

void elpq__pipeline_wake(elpq_conn *conn)
{
    /* Inside pump() it is not yet too late for this turn. */
    if (conn->state != ELPQ__CLOSED && !conn->sending_now)
        elpq__task_post(conn->loop, &conn->flush);
}

void elpq__pipeline_settle(elpq_conn *conn)
{
    enum elpq__state state = ELPQ__READY;

    if (conn->state == ELPQ__CLOSED || !conn->is_setup)
        return;
    if (conn->cancel || conn->cancel_target)
        state = ELPQ__CANCELING;
    else if (conn->exclusive)
        state = ELPQ__EXCLUSIVE;
    else if (conn->resetting)
        state = ELPQ__RESETTING;
    else if (conn->nsent > 0)
        state = ELPQ__BUSY;
    elpq__set_state(conn, state);
    /* The hook of the state may have changed everything. */
    if (conn->state == ELPQ__READY && conn->nqueued == 0 && conn->nsent == 0 &&
        conn->owner)
        conn->owner->drained(conn);
}

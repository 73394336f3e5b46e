/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sending: requests of conn->queue become messages of libpq, and move to
 * conn->sent.  Each has its own Sync, so that one failing does not touch the
 * next, but for those that sync.c knows to do without.  What must not be sent
 * is refused here, at the last moment.
 *
 * Pipeline mode costs libpq two allocations and a result more for each
 * statement.  So what comes alone goes without it: the statements of a pool,
 * which has one on a connection at a time, and those of a connection whose
 * last few were alone as well.  If another one is queued while one is out, it
 * waits for that answer, and the next ones go in pipeline mode again.
 *
 * pipeline.c alone calls this, when it is time to send.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "batch.h"
#include "conn_int.h"
#include "scope.h"

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

/* So many bytes in one round of tasks, of which a turn has eight at most. */
#define BYTES_PER_GO ((size_t)128 * 1024)
/* So many in a row that were alone, and the next one likely is. */
#define LONE_AFTER 8

/* With nothing before or behind it in flight. */
static bool is_exclusive(const elpq_request *req)
{
    return req->kind == ELPQ__SCRIPT || req->kind == ELPQ__STREAM ||
           req->kind == ELPQ__COPY;
}

static bool goes_alone(const elpq_conn *conn, const elpq_request *req)
{
    if (req->kind == ELPQ__STREAM)
        return !elpq__stream_describes(req);
    if (req->kind == ELPQ__COPY)
        return !elpq__copy_describes(req);
    if (req->kind != ELPQ__STATEMENT)
        return is_exclusive(req); /* which is the simple protocol */
    return !req->parse && conn->nqueued == 0 &&
           ((req->line && !conn->piles) || conn->lone >= LONE_AFTER);
}

/* Nothing is in flight: the mode can be changed, which takes no message. */
static bool choose_mode(elpq_conn *conn, const elpq_request *req)
{
    bool piped = !goes_alone(conn, req);

    conn->lone = conn->nqueued == 0 ? conn->lone + 1 : 0;
    if (piped == conn->piped)
        return true;
    conn->piped = piped;
    return piped ? PQenterPipelineMode(conn->pg) : PQexitPipelineMode(conn->pg);
}

/* Outside of pipeline mode libpq has sent it with the statement. */
static bool send_sync(elpq_conn *conn)
{
    conn->open = 0;
    return !conn->piped || conn->send_sync(conn->pg);
}

bool elpq__send_refuses(elpq_request *req, elpq_pooler pooler, bool in_tx)
{
    const char *why = NULL;
    elpq_code code = ELPQ_E_USAGE;

    if (is_copy(req)) {
        why = "COPY FROM STDIN and TO STDOUT cannot be executed as a "
              "statement";
    } else if (memchr(req->sql, '\0', req->sql_len)) {
        why = "the SQL text contains a NUL byte";
        code = ELPQ_E_VALUE;
    } else if (pooler && elpq__needs_session(req, in_tx)) {
        why = "the statement needs a session of its own, which a pooler in "
              "transaction mode does not give";
    }
    if (!why)
        return false;
    elpq__request_blame(req, code, ELPQ_NOT_EXECUTED, why);
    return true;
}

/*
 * The prepared statement that runs it, known or new; false: it is refused,
 * which none is that was prepared before.
 */
static bool find_prepared(elpq_conn *conn, elpq_request *req)
{
    struct elpq__cache *cache = &conn->prepared;
    struct elpq__prepared *p = NULL;

    if (!(req->flags & ELPQ_NO_PREPARE))
        p = elpq__cache_find(cache, req->sql, req->sql_len, req->types, req->n);
    if (!p) {
        if (elpq__send_refuses(req, conn->options.pooler, conn->in_tx))
            return false;
        req->query = elpq__sql_is_query(req->sql);
        req->touches = elpq__sql_touches_session(req->sql);
        req->apart |= elpq__sync_wants_apart(req->sql);
        if (!(req->flags & ELPQ_NO_PREPARE))
            p = elpq__cache_add(cache, req->sql, req->sql_len, req->types,
                                req->n);
        if (!p)
            return true;
        req->parse = true;
        p->touches = req->touches;
        p->query = req->query;
        p->apart = req->apart;
    }
    req->query = p->query;
    req->touches = p->touches;
    req->apart |= p->apart;
    req->prepared = p;
    elpq__prepared_use(p);
    return true;
}

/* An entry for a statement that has none yet; false: there is no need. */
static bool find_unprepared(elpq_conn *conn, elpq_request *req)
{
    return !elpq__cache_find(&conn->prepared, req->sql, req->sql_len,
                             req->types, req->n) &&
           find_prepared(conn, req) && req->prepared;
}

static bool send_statement(elpq_conn *conn, elpq_request *req)
{
    const struct elpq__prepared *p = req->prepared;
    int n = (int)req->n;

    req->steps = 1;
    if (!p)
        return PQsendQueryParams(conn->pg, req->sql, n, req->types, req->values,
                                 req->lengths, req->formats,
                                 (req->flags & ELPQ__BINARY) != 0);
    if (req->parse &&
        !PQsendPrepare(conn->pg, p->name, req->sql, n, req->types))
        return false;
    return PQsendQueryPrepared(conn->pg, p->name, n, req->values, req->lengths,
                               req->formats,
                               p->binary && !(req->flags & ELPQ_TEXT_RESULT));
}

/* Asks for the columns of what is prepared, or is so by that. */
static bool send_describe(elpq_conn *conn, elpq_request *req, const char *name,
                          const char *sql)
{
    req->steps = 1;
    return (!req->parse ||
            PQsendPrepare(conn->pg, name, sql, (int)req->n, req->types)) &&
           PQsendDescribePrepared(conn->pg, name);
}

/* Alone, and twice if need be: what its columns are, and then the rows. */
static bool send_stream(elpq_conn *conn, elpq_request *req)
{
    const struct elpq__prepared *p = req->prepared;

    req->describing = elpq__stream_describes(req);
    elpq__pipeline_pause(conn, req->paused);
    if (!req->describing)
        return send_statement(conn, req) && elpq__stream_begin(conn, req);
    return send_describe(conn, req, p->name, req->sql);
}

/* The same, but the query that has its columns is not kept. */
static bool send_copy(elpq_conn *conn, elpq_request *req)
{
    const char *query = elpq__copy_describes(req);

    req->describing = req->parse = query != NULL;
    return query ? send_describe(conn, req, "", query)
                 : elpq__copy_send(conn, req->copy);
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

static bool send_batch(elpq_conn *conn, elpq_request *req)
{
    struct elpq__batch *batch = req->batch;

    for (unsigned i = 0; i < batch->n; i++)
        if (!send_statement(conn, batch->statements[i]))
            return false;
    return true;
}

static bool send_messages(elpq_conn *conn, elpq_request *req)
{
    switch (req->kind) {
    case ELPQ__SCRIPT:
        return PQsendQuery(conn->pg, req->sql);
    case ELPQ__STREAM:
        return send_stream(conn, req);
    case ELPQ__COPY:
        return send_copy(conn, req);
    case ELPQ__CLOSE:
        return send_close(conn, req);
    case ELPQ__GROUP:
        return send_group(conn, req);
    case ELPQ__BATCH:
        return send_batch(conn, req);
    case ELPQ__PREPARE:
        /* Its description comes as the result of a statement would. */
        return send_describe(conn, req, req->prepared->name, req->sql);
    default:
        return send_statement(conn, req);
    }
}

/*
 * Moves one request to conn->sent and, while all is well, gives it to libpq;
 * false if libpq has lost the connection.
 */
static bool hand_over(elpq_conn *conn, elpq_request *req, bool ok)
{
    enum elpq__sharing sharing = elpq__sync_sharing(conn, req);
    bool joins = elpq__sync_joins(conn, req, sharing);

    if (ok && conn->open > 0 && !joins)
        ok = send_sync(conn);
    if (ok && conn->nsent == 0)
        ok = choose_mode(conn, req);
    /* Reads share it with their lead, and nobody without pipeline mode. */
    if (!conn->piped || (sharing == ELPQ__SHARES_READS && !joins && !req->lead))
        sharing = ELPQ__SHARES_NONE;
    if (joins)
        elpq__container(conn->sent.head.prev, elpq_request, node)->shares =
            true;
    req->place = ELPQ__SENT;
    elpq__list_push(&conn->sent, &req->node);
    conn->nsent++;
    conn->exclusive = is_exclusive(req);
    ok = ok && send_messages(conn, req);
    elpq__sync_sent(conn, req, sharing);
    if (ok && sharing == ELPQ__SHARES_TX)
        ok = PQsendFlushRequest(conn->pg);
    else if (ok && sharing == ELPQ__SHARES_NONE)
        ok = send_sync(conn);
    if (ok && conn->nsent == 1)
        elpq__answer_begin(conn);
    return ok;
}

/*
 * The command that goes in front of a group of reads; NULL: no group.  It is
 * no SET LOCAL, which warns: this parameter starts anew with each transaction.
 */
static elpq_request *new_lead(elpq_conn *conn)
{
    elpq_statement st = { "SET transaction_read_only TO on", 31, NULL, 0, 0 };
    elpq_request *lead = elpq__request_new(conn->loop, ELPQ__GROUP, &st, NULL);

    if (!lead)
        return NULL;
    lead->internal = lead->lead = true;
    lead->conn = conn;
    conn->internals++;
    return lead;
}

/* Sends one request; false if the connection is lost by that. */
static bool send_request(elpq_conn *conn, elpq_request *req)
{
    elpq_request *lead = elpq__sync_begins(conn, req) ? new_lead(conn) : NULL;
    bool ok = !lead || hand_over(conn, lead, true);

    /* Before it: outside of pipeline mode the server begins at once. */
    if (req->server_ms > 0 || (conn->options.trace && !req->internal))
        req->sent = elpq__now();
    if (!hand_over(conn, req, ok)) {
        elpq__lost_in_write(conn);
        return false;
    }
    if (conn->server_ms != 0 || conn->server_ms_in_tx)
        elpq__server_timeout_sent(conn, req);
    if (conn->options.trace && !req->internal && !req->describing)
        elpq__trace(conn, ELPQ_EVENT_SENT, req, NULL, 0);
    return true;
}

static bool may_send_more(const elpq_conn *conn)
{
    return !conn->cancel && !conn->cancel_target && !conn->io.writing &&
           !conn->exclusive && (conn->piped || conn->nsent == 0) &&
           PQpipelineStatus(conn->pg) != PQ_PIPELINE_ABORTED &&
           elpq__list_empty(&conn->held);
}

static bool may_send(elpq_conn *conn, const elpq_request *next)
{
    if (!may_send_more(conn) || elpq__sync_must_wait(conn, next))
        return false;
    if (is_exclusive(next))
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

/* DEALLOCATE of what is gone already fails, and may not fail a transaction;
 * libpq 17 has a message for it, which does not. */
static bool may_close(const elpq_conn *conn)
{
    if (elpq__libpq()->send_close_prepared)
        return PQtransactionStatus(conn->pg) != PQTRANS_INERROR;
    return !conn->in_tx && conn->settled && conn->tx_status == PQTRANS_IDLE;
}

static elpq_request *new_close(elpq_conn *conn, struct elpq__prepared *p)
{
    char sql[80] = "DEALLOCATE ";
    elpq_statement st;
    elpq_request *req;

    strcat(sql, p->name);
    st = elpq_sql_from_trusted_string(sql, NULL, 0);
    req = elpq__request_new(conn->loop, ELPQ__CLOSE, &st, NULL);
    if (!req)
        return NULL;
    elpq__request_own(conn, req, 0);
    req->cb.done = on_closed_statement;
    req->arg = p;
    req->conn = conn;
    req->held = conn;
    elpq__conn_ref(conn);
    return req;
}

/*
 * Closes on the server what the cache has thrown out, as far as the pipeline
 * has room: the answers make some for the rest.  False if the connection is
 * lost by that.
 */
static bool send_closes(elpq_conn *conn)
{
    struct elpq__prepared *p;

    while (may_send_more(conn) && may_close(conn) &&
           conn->nsent < conn->options.max_pipeline &&
           (p = elpq__cache_next_closing(&conn->prepared))) {
        elpq_request *req = new_close(conn, p);

        if (!req) {
            elpq__list_push_front(&conn->prepared.closing, &p->lru);
            return true;
        }
        if (!send_request(conn, req))
            return false;
    }
    return true;
}

/*
 * The last moment before it is sent: what COMMIT really is, and who runs it;
 * false if it is refused.
 */
static bool make_ready(elpq_conn *conn, elpq_request *req)
{
    bool ok = true;

    if (req->scope && req->scope->broken) {
        req->sql = req->scope->undo;
        req->sql_len = strlen(req->sql);
        elpq__scope_undone(conn, req->scope);
    }
    if (req->kind == ELPQ__STATEMENT || req->kind == ELPQ__STREAM)
        ok = find_prepared(conn, req);
    if (req->kind == ELPQ__PREPARE && !find_unprepared(conn, req)) {
        conn->internals--;
        ok = false;
    }
    for (unsigned i = 0; req->batch && i < req->batch->n; i++)
        find_prepared(conn, req->batch->statements[i]); /* none is refused */
    if (!ok)
        elpq__request_end_soon(req);
    return ok;
}

/*
 * Makes the session's statement_timeout that of `next`, which is still the
 * first in the queue; false if the connection is lost.
 */
static bool send_server_timeout(elpq_conn *conn, elpq_request *next)
{
    elpq_request *set = elpq__server_timeout_set(conn, next->server_ms);

    if (set)
        return send_request(conn, set);
    if (next->flags & ELPQ__COMMIT)
        elpq__tx_unsent_commit(next);
    if (conn->state == ELPQ__CLOSED)
        return false;
    conn->nqueued--;
    elpq__request_blame(next, ELPQ_E_NOMEM, ELPQ_NOT_EXECUTED, NULL);
    elpq__request_end_soon(next);
    return true;
}

/* In a failed transaction nothing runs, and SET is refused, again and again. */
static bool wants_server_timeout(const elpq_conn *conn,
                                 const elpq_request *next)
{
    return next->server_ms != conn->server_ms && !next->internal &&
           (conn->nsent > 0 ||
            PQtransactionStatus(conn->pg) != PQTRANS_INERROR);
}

void elpq__send_queue(elpq_conn *conn)
{
    struct elpq__node *node;
    size_t bytes = 0;

    /* They wait till nothing else does, but not for ever. */
    if (elpq__cache_is_choked(&conn->prepared) && !send_closes(conn))
        return;
    while (conn->state != ELPQ__CLOSED &&
           (node = elpq__list_first(&conn->queue))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        if (!may_send(conn, req)) {
            conn->lone = 0;
            break;
        }
        if (bytes > BYTES_PER_GO) {
            elpq__task_post(conn->loop, &conn->flush);
            break;
        }
        if (wants_server_timeout(conn, req)) {
            if (!send_server_timeout(conn, req))
                return;
            continue;
        }
        bytes += req->sql_len + req->bytes;
        elpq__list_remove(node);
        conn->nqueued--;
        if (make_ready(conn, req) && !send_request(conn, req))
            return;
    }
    if (conn->state != ELPQ__CLOSED && conn->open > 0 && !send_sync(conn)) {
        elpq__lost_in_write(conn);
        return;
    }
    if (conn->state != ELPQ__CLOSED && conn->nqueued == 0)
        send_closes(conn);
}

bool elpq__send_flush(elpq_conn *conn)
{
    int stuck = PQflush(conn->pg);

    if (stuck < 0) {
        elpq__lost_in_write(conn);
        return false;
    }
    elpq__io_want_write(&conn->io, stuck == 1);
    return true;
}

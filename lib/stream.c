/* SPDX-License-Identifier: PostgreSQL */
/*
 * Streams: one statement whose rows are handed over as they come.
 *
 * libpq gives single rows only for a statement that it runs at the moment, so
 * a stream goes out alone, outside of pipeline mode, with nothing in flight
 * before or behind it (conn->exclusive).  To ask for binary columns one must
 * know them: if the prepared statement was not described yet, the request is
 * sent twice, the first time only for Parse and Describe (req->describing),
 * and goes back to the head of the queue in between (settle.c).
 *
 * While it is paused, the socket is not watched and libpq is not asked for
 * rows.  What libpq has in its buffer when that begins is taken before more
 * is read (elpq__stream_is_full), or the buffer would grow with each pause.
 *
 * pipeline.c, send.c, answer.c and queue.c call this at its turns.
 */
#include <limits.h>

#include "conn_int.h"

static elpq_request *head_of(const elpq_conn *conn)
{
    struct elpq__node *node = elpq__list_first(&conn->sent);

    return node ? elpq__container(node, elpq_request, node) : NULL;
}

/* ------------------------------------------------------------- its way */

bool elpq__stream_describes(const elpq_request *req)
{
    return req->prepared && !req->prepared->described;
}

bool elpq__stream_begin(elpq_conn *conn, const elpq_request *req)
{
    int (*set_chunked)(PGconn *, int) = elpq__libpq()->set_chunked_rows;
    int rows = req->chunk_rows < INT_MAX ? (int)req->chunk_rows : INT_MAX;

    if (rows > 1 && set_chunked)
        return set_chunked(conn->pg, rows);
    return PQsetSingleRowMode(conn->pg);
}

/* The columns: known from the prepared statement, or read off once. */
static const struct elpq__shape *shape_of(elpq_request *req,
                                          const PGresult *res)
{
    if (req->prepared && req->prepared->shape)
        return req->prepared->shape;
    if (!req->own_shape)
        req->own_shape = elpq__shape_new(res, PQbinaryTuples(res) != 0);
    return req->own_shape;
}

static void deliver(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq_result *rows = req->chunk;

    if (!rows || !elpq__result_refill(rows, res))
        rows = elpq__result_renew(rows, res, shape_of(req, res));
    req->chunk = NULL; /* its user may keep it */
    if (!rows) {
        PQclear(res);
        req->dropped = true;
        elpq__request_cancel(req, ELPQ_E_NOMEM);
        return;
    }
    elpq__catalog_apply(conn->catalog, rows);
    req->delivered = true;
    req->on_rows(rows, req, req->arg);
    req->chunk = elpq__result_retire(rows);
}

void elpq__stream_take(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    /* The limit of an answer holds for each chunk. */
    conn->reads = 0;
    conn->answer_bytes = 0;
    if (req->cause) {
        req->dropped = true;
        PQclear(res);
        return;
    }
    if (PQresultMemorySize(res) > conn->options.max_result_bytes) {
        PQclear(res);
        elpq__conn_lost(conn, ELPQ_E_LIMIT, NULL);
        return;
    }
    if (conn->options.trace) {
        req->rows += (uint64_t)PQntuples(res);
        req->result_bytes += PQresultMemorySize(res);
    }
    deliver(conn, req, res);
}

/*
 * libpq forgets the row mode when it begins with a statement outside of
 * pipeline mode, but not with the first one inside, which would get single
 * rows as well.  It begins, too, with one that it then refuses.
 */
void elpq__stream_answered(elpq_conn *conn, elpq_request *req)
{
    if (!req->describing) {
        PQsendQuery(conn->pg, NULL);
        snprintf(conn->stale, sizeof(conn->stale), "%s",
                 PQerrorMessage(conn->pg));
    }
    /* It ran to its end after all, but not all rows were handed over. */
    if (req->dropped && !req->failure)
        elpq__request_blame(req, req->cause, ELPQ_IN_DOUBT, NULL);
}

bool elpq__stream_is_full(const elpq_conn *conn)
{
    const elpq_request *head = head_of(conn);

    return head && head->kind == ELPQ__STREAM &&
           (head->paused || !PQisBusy(conn->pg));
}

/* -------------------------------------------------------- pause and stop */

static void set_paused(elpq_request *req, bool on)
{
    req->paused = on;
    if (req->place == ELPQ__SENT)
        elpq__pipeline_pause(req->conn, on);
}

static bool is_ours(const elpq_request *req)
{
    return req && req->kind == ELPQ__STREAM && elpq__loop_is_ours(req->loop);
}

void elpq_stream_pause(elpq_request *req)
{
    if (is_ours(req) && !req->cause)
        set_paused(req, true);
}

void elpq_stream_resume(elpq_request *req)
{
    if (is_ours(req) && req->paused)
        set_paused(req, false);
}

void elpq_stream_stop(elpq_request *req)
{
    if (!is_ours(req))
        return;
    req->stopped = true;
    elpq__request_cancel(req, ELPQ_E_CANCELED);
}

void elpq__stream_cancel(elpq_request *req)
{
    if (req->paused)
        set_paused(req, false);
}

/* ------------------------------------------------------------ submitting */

int elpq_conn_stream(elpq_conn *conn, const elpq_statement *statement,
                     const elpq_options *options, elpq_rows_cb rows,
                     elpq_done_cb done, void *arg)
{
    elpq_request *req;
    int code;

    if (!conn || !statement || !statement->sql || !rows || !done ||
        (statement->nvalues && !statement->values))
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    req = elpq__request_submit(conn->loop, ELPQ__STREAM, statement, options,
                               conn->options.timeout_ms, &conn->options);
    if (!req)
        return ELPQ_E_NOMEM;
    req->on_rows = rows;
    req->cb.done = done;
    req->arg = arg;
    return elpq__conn_submit(conn, req);
}

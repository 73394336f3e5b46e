/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY: submitted, begun, ended; see copy_int.h for its phases.
 *
 * A COPY of rows needs the types of its columns, which the server tells of a
 * query on the same table.  So it is sent twice, as a stream is, the first time
 * only for Parse and Describe of that query (req->describing).  Nothing of it
 * is kept: the server does not notice if a table has changed since, as it does
 * for a prepared statement that runs.
 *
 * libpq does not look at errors of the server while data flows in.  So before
 * libpq reads, we look at the bytes that it is about to read: an error among
 * them ends the COPY, and then libpq takes it for the answer.  What slips
 * through is found at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "copy_int.h"

/* ------------------------------------------------------------- submitting */

bool elpq__copy_job_ok(const struct elpq__copy_job *job)
{
    return job->spec && job->done && (job->ready || job->data || job->rows);
}

/* The next server may have others. */
static void forget_columns(elpq_copy *copy)
{
    PQclear(copy->described);
    elpq__type_set_unref(copy->types);
    free(copy->columns);
    copy->described = NULL;
    copy->types = NULL;
    copy->columns = NULL;
    copy->ncolumns = 0;
}

void elpq__copy_free(elpq_copy *copy)
{
    if (!copy)
        return;
    forget_columns(copy);
    elpq__buf_free(&copy->buf);
    elpq_result_unref(copy->result);
    free(copy->describe);
    free(copy->reason);
    free(copy);
}

static elpq_copy *copy_new(const struct elpq__copy_job *job,
                           struct elpq__buf *describe)
{
    elpq_copy *copy = elpq__new(elpq_copy);

    if (!copy)
        return NULL;
    copy->in = job->in;
    if (!job->in)
        copy->buf.limit = 2 * ELPQ__BUF_LIMIT; /* max_result_bytes is less */
    copy->ready = job->ready;
    copy->data = job->data;
    copy->rows = job->rows;
    copy->whole = !job->spec->trusted_sql;
    copy->phase = ELPQ__COPY_COMMAND;
    if (describe->size) {
        copy->typed = true;
        copy->phase = ELPQ__COPY_DESCRIBE;
        copy->describe = describe->data;
        describe->data = NULL;
    }
    return copy;
}

/* COPY of a table leaves nothing in its session; a query may. */
static bool leaves_something(const elpq_copy_spec *spec)
{
    return spec->trusted_sql ||
           (spec->trusted_query &&
            elpq__sql_touches_session(spec->trusted_query));
}

/* The request, which owns the COPY; NULL: no memory. */
static elpq_request *request_of(struct elpq__loop *loop,
                                const struct elpq__copy_job *job,
                                const struct elpq__buf *sql, elpq_copy *copy,
                                int default_timeout_ms,
                                const elpq_conn_options *trace)
{
    elpq_statement st = elpq_sql_from_trusted_string(NULL, NULL, 0);
    elpq_request *req;

    st.sql = sql->data;
    st.sql_len = sql->size;
    req = elpq__request_submit(loop, ELPQ__COPY, &st, job->options,
                               default_timeout_ms, trace);
    if (!req)
        return NULL;
    req->copy = copy;
    req->cb.result = job->done;
    req->arg = job->arg;
    req->touches = leaves_something(job->spec);
    copy->req = req;
    return req;
}

int elpq__copy_request(struct elpq__loop *loop,
                       const struct elpq__copy_job *job,
                       int default_timeout_ms, const elpq_conn_options *trace,
                       elpq_request **out)
{
    struct elpq__buf sql = { 0 }, describe = { 0 };
    bool typed = job->in ? job->spec->format == ELPQ_COPY_ROWS
                         : job->rows != NULL;
    elpq_copy *copy = NULL;
    int code = 0;

    *out = NULL;
    if (!elpq__copy_write_sql(job->spec, job->in, typed, &sql, &describe))
        code = ELPQ_E_USAGE;
    else if (!sql.failed && !describe.failed &&
             (copy = copy_new(job, &describe)))
        *out = request_of(loop, job, &sql, copy, default_timeout_ms, trace);
    elpq__buf_free(&sql);
    elpq__buf_free(&describe);
    if (*out)
        return 0;
    elpq__copy_free(copy);
    return code ? code : ELPQ_E_NOMEM;
}

/* ----------------------------------------------------------------- phases */

const char *elpq__copy_describes(const elpq_request *req)
{
    const elpq_copy *copy = req->copy;

    return copy->phase == ELPQ__COPY_DESCRIBE ? copy->describe : NULL;
}

bool elpq__copy_described(elpq_copy *copy)
{
    copy->phase = ELPQ__COPY_COMMAND;
    return elpq__copy_look_at_columns(copy);
}

void elpq__copy_rewind(elpq_copy *copy)
{
    copy->phase = copy->typed ? ELPQ__COPY_DESCRIBE : ELPQ__COPY_COMMAND;
    copy->starved = copy->broken = false;
    elpq__buf_clear(&copy->buf); /* the head of the data, at most */
    forget_columns(copy);
}

bool elpq__copy_send(elpq_conn *conn, elpq_copy *copy)
{
    struct elpq__buf sql = { 0 };
    bool ok;

    if (!copy->typed)
        return PQsendQuery(conn->pg, copy->req->sql);
    elpq__buf_addf(&sql, "%s (FORMAT %s)", copy->req->sql,
                   copy->binary ? "binary" : "text");
    elpq__buf_add_byte(&sql, '\0');
    ok = !sql.failed && PQsendQuery(conn->pg, sql.data);
    elpq__buf_free(&sql);
    return ok;
}

void elpq__copy_answered(elpq_request *req)
{
    const elpq_copy *copy = req->copy;

    if (copy->phase == ELPQ__COPY_COMMAND && !req->failure)
        elpq__request_blame(req, ELPQ_E_USAGE, ELPQ_IN_DOUBT,
                            "the statement is not COPY FROM STDIN or TO "
                            "STDOUT, but it ran");
    if (copy->dropped && req->cause && !req->failure)
        elpq__request_blame(req, req->cause, 0, NULL);
    if (copy->mistake) {
        PQclear(req->failure); /* of our own ending it */
        req->failure = NULL;
    }
}

void elpq__copy_take(elpq_request *req, PGresult *res)
{
    elpq_copy *copy = req->copy;
    PGresult **to = &req->result;

    if (copy->phase < ELPQ__COPY_COMMAND)
        to = &copy->described;
    else
        req->rows = strtoull(PQcmdTuples(res), NULL, 10);
    req->result_bytes = copy->bytes;
    PQclear(*to);
    *to = res;
}

/* ------------------------------------------------------------ it has begun */

/* Of a cancel, by whatever cause. */
static const char *reason_of(const elpq_copy *copy)
{
    if (copy->reason)
        return copy->reason;
    return copy->req->cause == ELPQ_E_TIMEOUT ? "the deadline passed"
                                              : "canceled";
}

static const char *mistake_of(const elpq_copy *copy)
{
    if (copy->phase > ELPQ__COPY_COMMAND)
        return "more than one COPY in a statement";
    if (copy->in != copy->flows_in)
        return copy->in ? "COPY TO STDOUT in elpq_copy_in()"
                        : "COPY FROM STDIN in elpq_copy_out()";
    if (copy->typed && copy->ncolumns != PQnfields(copy->described))
        return "the table has generated columns: name those to copy";
    return NULL;
}

void elpq__copy_began(elpq_conn *conn, elpq_request *req, PGresult *res)
{
    elpq_copy *copy = req->copy;
    const char *mistake;

    copy->flows_in = PQresultStatus(res) == PGRES_COPY_IN;
    copy->ncolumns = PQnfields(res);
    PQclear(res);
    mistake = mistake_of(copy);
    copy->phase = ELPQ__COPY_FLOWING;
    conn->copy = copy;
    if (mistake) {
        copy->mistake = true;
        elpq__request_blame(req, ELPQ_E_USAGE, 0, mistake);
        elpq__request_cancel(req, ELPQ_E_USAGE);
    }
    if (conn->copy != copy)
        return;
    if (copy->flows_in && req->cause) {
        elpq__copy_end(conn, reason_of(copy)); /* it came before this state */
    } else if (copy->in) {
        copy->starved = true; /* the writer: at the end of this round */
        if (copy->typed)
            elpq__copy_encode_head(copy);
        if (copy->buf.failed)
            elpq__conn_lost(conn, ELPQ_E_NOMEM, NULL);
    }
}

bool elpq__copy_move(elpq_conn *conn)
{
    return !conn->copy->flows_in && elpq__copy_read(conn, conn->copy);
}

/* -------------------------------------------------------------------- ends */

void elpq__copy_end(elpq_conn *conn, const char *error)
{
    elpq_copy *copy = conn->copy;
    int stuck;

    conn->copy = NULL;
    copy->phase = ELPQ__COPY_OVER;
    copy->finished = !error;
    if (!copy->feeding) /* else libpq reads it */
        elpq__buf_free(&copy->buf);
    if (PQputCopyEnd(conn->pg, error) != 1) {
        elpq__lost(conn);
        return;
    }
    stuck = PQflush(conn->pg);
    if (stuck >= 0) /* if not: libpq says why when it is asked for results */
        elpq__io_want_write(&conn->io, stuck == 1);
}

void elpq__copy_broke(elpq_conn *conn)
{
    if (conn->copy->flows_in)
        elpq__copy_end(conn, "the connection is broken");
}

bool elpq__copy_cancel(elpq_conn *conn)
{
    elpq_copy *copy = conn->copy;
    bool inside;

    if (!copy)
        return false;
    if (copy->flows_in) {
        inside = elpq__pipeline_enter(conn);
        elpq__copy_end(conn, reason_of(copy));
        elpq__pipeline_leave(conn, inside);
        return true;
    }
    /* The rest is read, and dropped. */
    elpq__pipeline_pause(conn, false);
    return false;
}

int elpq_copy_abort(elpq_copy *copy, const char *reason)
{
    if (copy && !elpq__loop_is_ours(copy->req->loop))
        return ELPQ_E_FORKED;
    if (!elpq__copy_flows(copy))
        return ELPQ_E_CLOSED;
    if (reason && !(copy->reason = strdup(reason)))
        return ELPQ_E_NOMEM;
    elpq__request_cancel(copy->req, ELPQ_E_CANCELED);
    return 0;
}

bool elpq__copy_undone(const elpq_request *req)
{
    const elpq_copy *copy = req->copy;

    return copy && copy->in && copy->whole && !copy->finished;
}

/* -------------------------------------------------------------------- info */

int elpq_copy_columns(const elpq_copy *copy)
{
    return copy ? copy->ncolumns : 0;
}

uint64_t elpq_copy_bytes(const elpq_copy *copy)
{
    return copy ? copy->bytes : 0;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY out of a table: what libpq has is handed on in chunks.
 *
 * libpq allocates a block for each message, which is a row; they are gathered
 * here, or taken apart (rows.h).  A chunk is handed on when it is large, and
 * when no more has come; so nothing waits here for more, and a pause keeps
 * less than a chunk.
 */
#include "copy_int.h"

#define CHUNK ELPQ__ROWS_CHUNK
#define CHUNK_ROWS 256
/* Reads in one round, if data comes that fast. */
#define READS 16

/* Whether there is still somebody to give something to. */
static bool wanted(const elpq_conn *conn, const elpq_copy *copy)
{
    return conn->copy == copy && !copy->req->cause && !copy->mistake;
}

static void give_bytes(elpq_copy *copy, const char *data, size_t size)
{
    if (size == 0)
        return;
    copy->req->delivered = true;
    copy->data(copy, data, size, copy->req->arg);
}

/* ------------------------------------------------------------------- rows */

/* The columns of a result, without rows, that is filled again and again. */
static bool renew_result(elpq_copy *copy)
{
    struct elpq__rows *store;
    PGresult *res;

    if (copy->result)
        return true;
    store = elpq__rows_new(copy->ncolumns);
    res = PQcopyResult(copy->described, PG_COPYRES_ATTRS);
    if (store && res)
        copy->result = elpq__result_new_rows(res, store, copy->binary);
    if (copy->result) {
        elpq__result_set_types(copy->result, copy->types);
    } else {
        elpq__rows_free(store);
        PQclear(res);
    }
    return copy->result != NULL;
}

static void give_rows(elpq_conn *conn, elpq_copy *copy)
{
    elpq_result *result = copy->result;

    elpq__result_filled(result);
    copy->req->delivered = true;
    if (elpq_rows(result) > 0)
        copy->rows(copy, result, copy->req->arg);
    if (conn->copy != copy || result->refs > 1) {
        elpq_result_unref(result); /* somebody has kept it, or it is over */
        copy->result = NULL;
    } else {
        elpq__result_empty(result);
    }
}

static void add_row(elpq_conn *conn, elpq_copy *copy, char *block, size_t size)
{
    int rc = ELPQ_E_NOMEM;

    if (!renew_result(copy))
        PQfreemem(block);
    else if (copy->binary)
        rc = elpq__rows_add_binary(copy->result->store, &copy->stream, block,
                                   size);
    else
        rc = elpq__rows_add_text(copy->result->store, block, size);
    if (rc)
        elpq__conn_lost(conn, (elpq_code)rc,
                        rc == ELPQ_E_NOMEM ? NULL
                                           : "the data of COPY are no rows of "
                                             "its columns");
    else if (copy->result->store->rows >= CHUNK_ROWS ||
             copy->result->store->bytes >= CHUNK)
        give_rows(conn, copy);
}

/* ------------------------------------------------------------------ chunks */

/* All that libpq has was taken: hands over what was gathered of it. */
static void give_rest(elpq_conn *conn, elpq_copy *copy)
{
    bool rows = copy->result && copy->result->store->bytes > 0;

    if (!wanted(conn, copy)) {
        copy->dropped = copy->dropped || rows || copy->buf.size > 0;
    } else if (rows) {
        give_rows(conn, copy);
    } else if (copy->buf.size > 0) {
        give_bytes(copy, copy->buf.data, copy->buf.size);
        elpq__buf_clear(&copy->buf);
    }
}

static void add_bytes(elpq_conn *conn, elpq_copy *copy, char *block,
                      size_t size)
{
    if (copy->buf.size > 0 && copy->buf.size + size > CHUNK)
        give_rest(conn, copy);
    if (!wanted(conn, copy) || conn->paused || size < CHUNK) {
        elpq__buf_add(&copy->buf, block, size);
        if (copy->buf.failed)
            elpq__conn_lost(conn, ELPQ_E_NOMEM, NULL);
    } else {
        give_bytes(copy, block, size);
    }
    PQfreemem(block);
}

static void add(elpq_conn *conn, elpq_copy *copy, char *block, size_t size)
{
    conn->reads = 0; /* it is no single answer that grows */
    conn->answer_bytes = 0;
    copy->bytes += size;
    if (!wanted(conn, copy)) {
        copy->dropped = true;
        PQfreemem(block);
    } else if (size > conn->options.max_result_bytes) {
        PQfreemem(block);
        elpq__conn_lost(conn, ELPQ_E_LIMIT,
                        "a row of COPY is larger than max_result_bytes: the "
                        "connection was closed");
    } else if (copy->typed) {
        add_row(conn, copy, block, size);
    } else {
        add_bytes(conn, copy, block, size);
    }
}

/* Takes in more, if it has come meanwhile; false if there is none. */
static bool read_more(elpq_conn *conn, int *reads)
{
    if (--*reads <= 0)
        return false;
    if (PQconsumeInput(conn->pg))
        return true;
    elpq__io_close(&conn->io); /* pump() finds it lost */
    return false;
}

bool elpq__copy_read(elpq_conn *conn, elpq_copy *copy)
{
    bool fresh = false;
    int reads = READS;

    while (conn->copy == copy && !conn->paused) {
        char *block = NULL;
        int n = copy->ended ? -1 : PQgetCopyData(conn->pg, &block, 1);

        if (n > 0) {
            fresh = true;
            add(conn, copy, block, (size_t)n);
            continue;
        }
        if (n == 0 && fresh && read_more(conn, &reads)) {
            fresh = false;
            continue;
        }
        copy->ended = n == -1;
        give_rest(conn, copy);
        if (n == 0 || conn->copy != copy)
            break;
        if (n == -2) {
            elpq__lost(conn);
            break;
        }
        if (conn->paused)
            break; /* by the last piece: the end waits as well */
        conn->copy = NULL;
        copy->phase = ELPQ__COPY_OVER;
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------- pause */

void elpq_copy_pause(elpq_copy *copy)
{
    if (elpq__copy_flows(copy) && !copy->in)
        elpq__pipeline_pause(copy->req->conn, true);
}

void elpq_copy_resume(elpq_copy *copy)
{
    if (elpq__copy_flows(copy) && !copy->in)
        elpq__pipeline_pause(copy->req->conn, false);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY out of a table: what libpq has is handed on in chunks.
 *
 * libpq copies each message, which is a row, to where it stays until it is
 * handed on: PQgetlineAsync() has no memory of its own, as PQgetCopyData() has.
 * A chunk is handed on when it is large, and when no more has come; so nothing
 * waits here for more, and a pause keeps less than a chunk.
 */
#include <limits.h>

#include "copy_int.h"

#define CHUNK ELPQ__ROWS_CHUNK
#define CHUNK_ROWS 256
/* With less room than this it is handed on. */
#define CHUNK_REST (CHUNK / 16)
/* Reads in one round, if data comes that fast. */
#define READS 16

/* Whether there is still somebody to give something to. */
static bool wanted(const elpq_conn *conn, const elpq_copy *copy)
{
    return conn->copy == copy && !copy->req->cause && !copy->mistake;
}

/* ------------------------------------------------------------------- rows */

/* The columns of a result, without rows, that is filled again and again. */
static bool renew_result(elpq_copy *copy)
{
    struct elpq__rows *store;
    PGresult *res;

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

static inline void add_rows(elpq_conn *conn, elpq_copy *copy, size_t size)
{
    struct elpq__rows *store = copy->result->store;
    int rc = copy->binary ? elpq__rows_add_binary(store, &copy->stream, size)
                          : elpq__rows_add_text(store, size);

    if (rc)
        elpq__conn_lost(conn, (elpq_code)rc,
                        rc == ELPQ_E_NOMEM ? NULL
                                           : "the data of COPY are no rows of "
                                             "its columns");
    else if (!conn->paused &&
             (store->rows >= CHUNK_ROWS || store->bytes >= CHUNK - CHUNK_REST))
        give_rows(conn, copy);
}

/* ------------------------------------------------------------------ bytes */

static void give_bytes(elpq_copy *copy)
{
    size_t limit = copy->buf.limit;

    copy->req->delivered = true;
    copy->data(copy, copy->buf.data, copy->buf.size, copy->req->arg);
    if (copy->buf.room > 4 * CHUNK)
        elpq__buf_free(&copy->buf); /* of a large row */
    elpq__buf_clear(&copy->buf);
    copy->buf.limit = limit;
}

static void add_bytes(elpq_conn *conn, elpq_copy *copy, size_t size)
{
    copy->buf.size += size;
    if (!conn->paused && copy->buf.size >= CHUNK - CHUNK_REST)
        give_bytes(copy);
}

static char *bytes_room(elpq_copy *copy, size_t held, size_t *room)
{
    size_t least =
        copy->buf.size + held < CHUNK ? CHUNK - copy->buf.size : held + 1;
    char *p = elpq__buf_reserve(&copy->buf, least);

    if (!p)
        return NULL;
    *room = copy->buf.room - copy->buf.size - held;
    return p + held;
}

/* --------------------------------------------------------------- messages */

/* Behind `held` bytes of what is being read; NULL without memory. */
static inline char *room_for(elpq_copy *copy, size_t held, int *room)
{
    size_t n = 0;
    char *p = NULL;

    if (!copy->typed)
        p = bytes_room(copy, held, &n);
    else if (copy->result || renew_result(copy))
        p = elpq__rows_room(copy->result->store, held, &n);
    *room = n < INT_MAX ? (int)n : INT_MAX;
    return p;
}

#define NO_MEMORY (-3)
#define TOO_LARGE (-4)

/* Whether a message is, of which these bytes are the last piece; the pieces
 * before it may have been others. */
static inline bool is_too_large(const elpq_conn *conn, size_t size, size_t last)
{
    size_t most = conn->options.max_result_bytes;

    return last > most || (size > most && size - most > 2 * CHUNK);
}

/*
 * Puts the next message where it stays, and those after it while they fill the
 * room to the last byte, since then nobody knows whether there is more of it.
 * Returns the size, or as PQgetCopyData(), but that 0 may be an empty message;
 * or one of the above.
 */
static inline int64_t read_message(elpq_conn *conn, elpq_copy *copy)
{
    size_t size = 0;
    int n, room;

    do {
        char *p = room_for(copy, size, &room);

        if (!p)
            return NO_MEMORY;
        n = PQgetlineAsync(conn->pg, p, room);
        if (n > 0)
            size += (size_t)n;
        if (n > 0 && is_too_large(conn, size, (size_t)n))
            return TOO_LARGE;
    } while (n == room);
    if (size == 0 && n < 0)
        return PQstatus(conn->pg) == CONNECTION_BAD ? -2 : -1;
    /* libpq says it once; if it was lost, the next call sees that. */
    copy->ended = n < 0 && PQstatus(conn->pg) != CONNECTION_BAD;
    return (int64_t)size;
}

/* The same of a message in a block of libpq. */
static int64_t put_message(elpq_copy *copy, const char *block, size_t size)
{
    size_t done = 0;

    while (done < size) {
        int room;
        char *p = room_for(copy, done, &room);
        size_t n = size - done;

        if (!p)
            return NO_MEMORY;
        if (n > (size_t)room)
            n = (size_t)room;
        memcpy(p, block + done, n);
        done += n;
    }
    return (int64_t)size;
}

/*
 * When PQgetlineAsync() may have skipped an empty message, or when nobody wants
 * any: the size of one that was put there, or dropped; or as read_message().
 */
static int64_t read_block(elpq_conn *conn, elpq_copy *copy)
{
    char *block = NULL;
    int64_t n = PQgetCopyData(conn->pg, &block, 1);

    if (n > 0 && wanted(conn, copy))
        n = is_too_large(conn, (size_t)n, (size_t)n)
                ? TOO_LARGE
                : put_message(copy, block, (size_t)n);
    PQfreemem(block);
    return n;
}

/* Takes the next message; returns as PQgetCopyData(). */
static inline int take(elpq_conn *conn, elpq_copy *copy)
{
    int64_t size = wanted(conn, copy) ? read_message(conn, copy) : 0;

    if (size == 0)
        size = read_block(conn, copy);
    if (size <= 0 && size > NO_MEMORY)
        return (int)size;
    if (size < 0) {
        elpq__conn_lost(conn, size == NO_MEMORY ? ELPQ_E_NOMEM : ELPQ_E_LIMIT,
                        size == NO_MEMORY
                            ? NULL
                            : "a row of COPY is larger than max_result_bytes: "
                              "the connection was closed");
        return 1;
    }
    copy->bytes += (uint64_t)size;
    if (!wanted(conn, copy))
        copy->dropped = true; /* since a hook was called, if not before */
    else if (copy->typed)
        add_rows(conn, copy, (size_t)size);
    else
        add_bytes(conn, copy, (size_t)size);
    return 1;
}

/* ------------------------------------------------------------------ chunks */

/* All that libpq has was taken: hands over what was gathered of it. */
static void give_rest(elpq_conn *conn, elpq_copy *copy)
{
    bool rows = copy->result && copy->result->store->bytes > 0;

    if (!wanted(conn, copy))
        copy->dropped = copy->dropped || rows || copy->buf.size > 0;
    else if (rows)
        give_rows(conn, copy);
    else if (copy->buf.size > 0)
        give_bytes(copy);
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
        int n = copy->ended ? -1 : take(conn, copy);

        if (n > 0) {
            fresh = true;
            conn->reads = 0; /* it is no single answer that grows */
            conn->answer_bytes = 0;
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

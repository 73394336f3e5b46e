/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY into a table: the writer's side.
 *
 * libpq would buffer whatever it is given.  So it is given pieces, and asked
 * after each whether the socket is full: then nothing more is taken until it
 * has drained.  Within one round of the loop's tasks only so much is taken, or
 * a fast server would keep the loop from everything else.
 *
 * Bytes go to libpq at once, rows by way of copy->buf, which holds less than
 * a piece and a row.
 */
#include "copy_int.h"

/* With the five bytes of the message's head, what one send takes. */
#define PIECE ((size_t)64 * 1024 - 5)
#define PER_GO ((size_t)128 * 1024)
/* libpq sends by itself when its buffer has so much. */
#define FLUSH_AFTER 8192
/* Bytes to look at for an error of the server. */
#define LOOK 8192

/* ------------------------------------------------------- what libpq takes */

/*
 * Whether the server has sent an error, which libpq does not tell while data
 * flows in.  The field V of a notice is never one of these, and strings end
 * with a NUL, so this cannot be found inside of one.
 */
static bool server_refuses(elpq_conn *conn)
{
    static const char error[] = "\0VERROR\0C", fatal[] = "\0VFATAL\0C",
                      panic[] = "\0VPANIC\0C";
    char window[LOOK];
    size_t n = elpq__peek(conn->pg, window, sizeof(window));

    return n > 0 && (memmem(window, n, error, sizeof(error) - 1) ||
                     memmem(window, n, fatal, sizeof(fatal) - 1) ||
                     memmem(window, n, panic, sizeof(panic) - 1));
}

bool elpq__copy_look(elpq_conn *conn)
{
    if (!conn->copy->flows_in || !server_refuses(conn))
        return false;
    elpq__copy_end(conn, "the server has refused the data");
    return true;
}

/* Whether the socket is full. */
static void flush(elpq_conn *conn, elpq_copy *copy)
{
    int stuck = PQflush(conn->pg);

    copy->unflushed = 0;
    copy->broken = copy->broken || stuck < 0;
    copy->full = copy->full || stuck != 0;
    elpq__io_want_write(&conn->io, stuck == 1);
}

/* One piece; false if libpq failed, or the COPY is over. */
static bool give(elpq_conn *conn, elpq_copy *copy, const char *data,
                 size_t size)
{
    if (server_refuses(conn)) {
        copy->full = true; /* the loop ends it */
        elpq__pipeline_wake(conn);
        return false;
    }
    if (PQputCopyData(conn->pg, data, (int)size) != 1) {
        copy->broken = copy->full = true;
        elpq__pipeline_wake(conn);
        return false;
    }
    copy->bytes += size;
    copy->go += size;
    copy->unflushed += size;
    if (conn->copy != copy)
        return false; /* closed by a hook */
    if (copy->unflushed >= FLUSH_AFTER)
        flush(conn, copy);
    copy->full = copy->full || copy->go >= PER_GO;
    return true;
}

/* How many bytes were taken. */
static size_t feed(elpq_conn *conn, elpq_copy *copy, const char *data,
                   size_t size)
{
    size_t taken = 0;

    copy->feeding = true;
    while (taken < size && !copy->full) {
        size_t piece = size - taken < PIECE ? size - taken : PIECE;

        if (!give(conn, copy, data + taken, piece))
            break;
        taken += piece;
    }
    copy->feeding = false;
    return taken;
}

/* ------------------------------------------------------------------ writer */

size_t elpq_copy_write(elpq_copy *copy, const void *data, size_t size)
{
    elpq_conn *conn;
    size_t taken = 0;
    bool inside;

    if (!elpq__copy_flows(copy) || copy->typed || !copy->in || !data)
        return 0;
    conn = copy->req->conn;
    inside = elpq__pipeline_enter(conn);
    if (!conn->io.writing && !copy->feeding)
        taken = feed(conn, copy, data, size);
    if (taken < size)
        copy->starved = true;
    if (conn->copy == copy)
        elpq__pipeline_wake(conn);
    elpq__pipeline_leave(conn, inside);
    return taken;
}

/*
 * Gives what makes whole pieces, or all.  What is left of a large row stays
 * where it is, or it would be moved once for each piece.
 */
static bool drain(elpq_conn *conn, elpq_copy *copy, bool all)
{
    struct elpq__buf *buf = &copy->buf;
    size_t size = buf->size - copy->given;

    if (!all)
        size -= size % PIECE;
    if (size > 0)
        size = feed(conn, copy, buf->data + copy->given, size);
    if (conn->copy != copy)
        return false; /* the buffer is gone */
    copy->given += size;
    if (buf->size - copy->given >= PIECE)
        return false;
    buf->size -= copy->given;
    if (buf->size > 0 && copy->given > 0)
        memmove(buf->data, buf->data + copy->given, buf->size);
    copy->given = 0;
    return buf->size == 0;
}

int elpq_copy_put(elpq_copy *copy, const elpq_value *values, unsigned n)
{
    bool first = copy && copy->buf.size == 0;
    elpq_conn *conn;
    bool inside;
    int rc;

    if (!copy || !copy->typed || !copy->in || (n > 0 && !values))
        return ELPQ_E_USAGE;
    if (!elpq__copy_flows(copy))
        return elpq__loop_is_ours(copy->req->loop) ? ELPQ_E_CLOSED
                                                   : ELPQ_E_FORKED;
    conn = copy->req->conn;
    if (copy->full || conn->io.writing || copy->feeding) {
        copy->starved = true;
        return ELPQ_E_FULL;
    }
    copy->why[0] = '\0';
    rc = elpq__copy_encode(copy, values, n);
    if (rc)
        return rc;
    copy->nrows++;
    if (copy->buf.size - copy->given >= PIECE) {
        inside = elpq__pipeline_enter(conn);
        drain(conn, copy, false);
        first = conn->copy == copy;
        elpq__pipeline_leave(conn, inside);
    }
    if (first)
        elpq__pipeline_wake(conn); /* what is left goes at the turn's end */
    return 0;
}

const char *elpq_copy_error(const elpq_copy *copy)
{
    return copy ? copy->why : "";
}

int elpq_copy_finish(elpq_copy *copy)
{
    if (copy && !elpq__loop_is_ours(copy->req->loop))
        return ELPQ_E_FORKED;
    if (!elpq__copy_flows(copy) || !copy->in)
        return ELPQ_E_CLOSED;
    if (copy->feeding)
        return ELPQ_E_FULL;
    if (copy->typed)
        elpq__copy_encode_tail(copy);
    if (copy->buf.failed) {
        copy->buf.failed = false;
        return ELPQ_E_NOMEM;
    }
    copy->finishing = true;
    elpq__pipeline_wake(copy->req->conn);
    return 0;
}

/* -------------------------------------------------------------------- loop */

void elpq__copy_turn(elpq_conn *conn)
{
    elpq_copy *copy = conn->copy;

    if (!copy->flows_in || (conn->io.writing && !copy->broken))
        return;
    copy->full = false;
    copy->go = 0;
    if (!copy->broken && drain(conn, copy, true) && copy->finishing) {
        elpq__copy_end(conn, NULL);
        return;
    }
    if (conn->copy == copy && !copy->full && copy->starved &&
        !copy->finishing) {
        copy->starved = false;
        copy->req->delivered = true;
        copy->ready(copy, copy->req->arg);
    }
    if (conn->copy == copy && copy->unflushed > 0)
        flush(conn, copy);
    if (conn->copy == copy && copy->broken)
        elpq__lost_in_write(conn);
    else if (conn->copy == copy && !conn->io.writing &&
             (copy->full || copy->buf.size > 0 || copy->finishing))
        elpq__pipeline_wake(conn);
}

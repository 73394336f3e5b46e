/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pipeline of one connection: when to send, and when to read.
 *
 * Submitting only queues.  At the end of the loop's turn the queue is given
 * to libpq (send.c) and flushed once.  Whenever the socket is readable, libpq
 * takes its bytes in, and what is complete is matched with what was sent
 * (answer.c).
 *
 * Rules of libpq that this file keeps, each of which has hung somebody:
 * results are drained after every call that may have read from the socket,
 * sending included; PQgetResult is only called when PQisBusy says no; while
 * output is stuck, both directions are watched; the descriptor is unwatched
 * at once when the connection is found bad; NULLs in a row are counted.
 *
 * User callbacks run in the middle of it, and may close the connection: PGconn
 * stays until pump() returns.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "conn_int.h"

#define LAST_READS 8
/* While statements run all the time, so often notifications are dropped. */
#define DRAINS_MAX 256
/* After so many reads for one answer its size is estimated. */
#define READS_FREE 64
/* Then more is read in one go, but others get their turn as well. */
#define READS_PER_TURN 16
/* libpq always has room for so many bytes when it reads. */
#define READ_LEAST 8192
/* What a notice has besides its message and context, about. */
#define NOTICE_HEAD 100

void elpq__note_fatal(elpq_conn *conn, const PGresult *res)
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

void elpq__lost(elpq_conn *conn)
{
    const char *message = PQerrorMessage(conn->pg);
    char text[512];
    size_t n = strlen(conn->stale);

    elpq__hide_in_text(elpq__password_of(conn->pg), PQerrorMessage(conn->pg));
    if (n > 0 && strncmp(message, conn->stale, n) == 0)
        message += n;
    snprintf(text, sizeof(text), "%s",
             conn->fatal_text[0] ? conn->fatal_text : message);
    for (n = strlen(text); n > 0 && text[n - 1] == '\n'; n--)
        text[n - 1] = '\0';
    elpq__conn_lost(conn, ELPQ_E_LOST,
                    n > 0 ? text : "the server closed the connection");
}

void elpq__lost_in_write(elpq_conn *conn)
{
    /* libpq may have closed the descriptor, and callbacks reuse its number. */
    elpq__io_close(&conn->io);
    for (int i = 0; i < LAST_READS && PQconsumeInput(conn->pg); i++)
        ;
    if (conn->copy)
        elpq__copy_broke(conn);
    elpq__answers_drain(conn);
    elpq__lost(conn);
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

/* What comes between is no part of the answer that consume_long() measures. */
static void leave_out(elpq_conn *conn, size_t bytes)
{
    conn->answer_bytes -=
        bytes < conn->answer_bytes ? bytes : conn->answer_bytes;
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
    return conn->state != ELPQ__CLOSED && !conn->paused &&
           PQsslInUse(conn->pg) && elpq__tls_pending(conn->pg) > 0;
}

/* The socket does not become readable for what OpenSSL holds already. */
static bool consume_tls(elpq_conn *conn)
{
    for (int i = 0; i < READS_PER_TURN && tls_holds_more(conn) &&
                    !elpq__stream_is_full(conn);
         i++) {
        if (!PQconsumeInput(conn->pg))
            return false;
        elpq__answers_drain(conn);
    }
    conn->read_again =
        tls_holds_more(conn) && !elpq__stream_is_full(conn);
    if (conn->read_again)
        elpq__task_post(conn->loop, &conn->flush);
    return true;
}

/*
 * Lets libpq read what comes unasked.  A listener takes notifications, as long
 * as it has room; others drop them.
 */
static void drain_unasked(elpq_conn *conn)
{
    PGnotify *notification;

    conn->drains = 0;
    while (conn->state != ELPQ__CLOSED && !conn->paused &&
           (notification = PQnotifies(conn->pg))) {
        leave_out(conn, strlen(notification->extra));
        if (conn->notified)
            conn->notified(conn, notification);
        else
            PQfreemem(notification);
    }
}

/*
 * Sends what is queued.  Sending may have read from the socket, which then
 * does not become readable again; so what is complete is taken in as well.
 */
static void send_and_drain(elpq_conn *conn)
{
    unsigned sent = conn->nsent;
    bool stuck = conn->io.writing;

    if (stuck && !elpq__send_flush(conn))
        return;
    elpq__send_queue(conn);
    conn->sending_now = false;
    if (conn->state == ELPQ__CLOSED || (conn->nsent == sent && !stuck))
        return;
    if (elpq__send_flush(conn))
        elpq__answers_drain(conn);
    /* If all of it is answered by now, no answer to come sends the rest. */
    if (conn->nsent == 0 &&
        (conn->nqueued > 0 || !elpq__list_empty(&conn->prepared.closing)))
        elpq__pipeline_wake(conn);
}

bool elpq__pipeline_enter(elpq_conn *conn)
{
    bool was_inside = conn->pumping;

    elpq__conn_ref(conn);
    conn->pumping = true;
    return was_inside;
}

void elpq__pipeline_leave(elpq_conn *conn, bool was_inside)
{
    conn->pumping = was_inside;
    if (conn->close_wanted && !was_inside) {
        conn->close_wanted = false;
        PQfinish(conn->pg);
        conn->pg = NULL;
    }
    elpq__conn_unref(conn);
}

/*
 * After a pause, what libpq holds already is handed out before it reads more:
 * else, with a pause after every piece, it would hold more and more.
 */
static void hand_out_held(elpq_conn *conn)
{
    if (conn->notified)
        drain_unasked(conn);
    else
        elpq__answers_drain(conn);
}

/* Everything a connection does in one go. */
static void pump(elpq_conn *conn, bool readable)
{
    bool alive = true;
    bool asked = conn->nsent > 0;

    if (conn->pumping || conn->state == ELPQ__CLOSED || !conn->pg)
        return;
    elpq__conn_ref(conn);
    elpq__pipeline_enter(conn);
    conn->sending_now = true;
    if (conn->copy && elpq__copy_look(conn))
        readable = true; /* TLS may hold the rest of what was looked at */
    if (conn->read_again && !conn->paused)
        hand_out_held(conn);
    readable = readable && !conn->paused;
    if (readable && conn->state != ELPQ__CLOSED &&
        !elpq__stream_is_full(conn))
        alive = consume(conn);
    if (!alive)
        elpq__io_close(&conn->io); /* as in lost_in_write() */
    if (!alive && conn->copy)
        elpq__copy_broke(conn);
    elpq__answers_drain(conn);
    if (alive && readable && !consume_tls(conn))
        alive = false;
    if (!asked || conn->nsent == 0 || conn->notified ||
        ++conn->drains > DRAINS_MAX)
        drain_unasked(conn);
    if (conn->unasked)
        elpq__conn_lost(conn, ELPQ_E_PROTOCOL,
                        "the server sent what nobody had asked for: the "
                        "connection was closed");
    /* Words of farewell while nothing was asked: it is as good as closed. */
    if (conn->state != ELPQ__CLOSED &&
        (!alive || PQstatus(conn->pg) == CONNECTION_BAD ||
         (conn->fatal[0] && conn->nsent == 0)))
        elpq__lost(conn);
    if (conn->nsent == 0 && conn->nqueued == 0)
        elpq__pipeline_settle(conn); /* a pool may have something to do */
    if (conn->state != ELPQ__CLOSED)
        send_and_drain(conn);
    if (conn->notified)
        drain_unasked(conn); /* sending has read as well */
    conn->sending_now = false;
    if (conn->copy)
        elpq__copy_turn(conn);
    if (conn->parameters)
        elpq__parameters_look(conn);
    elpq__pipeline_leave(conn, false);
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

    leave_out(conn, strlen(PQresultErrorMessage(res)) + NOTICE_HEAD);
    elpq__hide_in_result(elpq__password_of(conn->pg), res);
    elpq__error_from_result(&notice, res);
    notice.code = ELPQ_OK;
    notice.flags = 0;
    elpq__note_fatal(conn, res);
    /* By libpq itself: of a message that came while nothing was asked. */
    if (conn->nsent == 0 && !notice.sqlstate[0])
        conn->unasked = true;
    elpq__conn_notice(conn, &notice);
}

/* ------------------------------------------------------------- for others */

bool elpq__pipeline_open(elpq_conn *conn)
{
    conn->io.ready = on_ready;
    conn->flush.run = on_flush;
    PQsetNoticeReceiver(conn->pg, on_notice, conn);
    conn->encoding = PQclientEncoding(conn->pg);
    conn->send_sync = elpq__libpq()->send_pipeline_sync;
    if (!conn->send_sync)
        conn->send_sync = PQpipelineSync;
    conn->piped = true;
    conn->settled = true; /* a new session is in no transaction */
    return elpq__parameters_init(conn) &&
           PQsetnonblocking(conn->pg, 1) == 0 &&
           PQenterPipelineMode(conn->pg) &&
           elpq__io_open(&conn->io, conn->loop, PQsocket(conn->pg));
}

void elpq__pipeline_wake(elpq_conn *conn)
{
    /* Inside pump() it is not yet too late for this turn. */
    if (conn->state != ELPQ__CLOSED && !conn->sending_now)
        elpq__task_post(conn->loop, &conn->flush);
}

void elpq__pipeline_pause(elpq_conn *conn, bool on)
{
    if (on == conn->paused || conn->state == ELPQ__CLOSED)
        return;
    conn->paused = on;
    elpq__io_want_read(&conn->io, !on);
    if (on)
        return;
    /* OpenSSL and libpq may hold what no socket tells of. */
    conn->read_again = true;
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
        conn->owner && conn->owner->drained)
        conn->owner->drained(conn);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The end of a connection, orderly or not.
 *
 * Its PGconn goes at once (or, inside pump(), when that returns), and its
 * requests end by tasks, each with what is known of it: not executed, or in
 * doubt if the server may have got so far.  A pool takes back what certainly
 * has not run.  After that nothing but references is left.
 *
 * Every end comes through tear_down(), once; any file of the driver may ask
 * for it, from inside any callback.
 */
#include <string.h>

#include "conn_int.h"

/* An error of its own for one request; without memory a plain one.  Whether
 * the same may work again is told by the error: after a loss, and nothing else,
 * however far the request had come. */
static void fail_request(elpq_request *req, const elpq_error *error,
                         unsigned flags)
{
    elpq_error own = *error;

    own.flags |= flags;
    if (req->cause)
        own.flags &= ~(unsigned)ELPQ_RETRYABLE; /* somebody gave it up */
    if (req->failure || req->cause) {
        /* The server's last words, or the reason why it was canceled. */
        elpq__request_blame(req, req->cause ? req->cause : own.code, own.flags,
                            NULL);
        return;
    }
    req->owned = elpq_error_dup(&own);
    elpq__request_blame(req, own.code, own.flags, NULL);
}

/*
 * The server has refused the statement: that is its outcome, and no loss, even
 * if the Sync behind it did not come.  But if a cancel request for another hit
 * it, it would have run again.
 */
static bool is_refused(const elpq_request *req)
{
    const char *severity =
        req->failure ? PQresultErrorField(req->failure,
                                          PG_DIAG_SEVERITY_NONLOCALIZED)
                     : NULL;

    return severity && strcmp(severity, "ERROR") == 0 && !req->exposed;
}

static void end_refused(elpq_request *req)
{
    const char *state = PQresultErrorField(req->failure, PG_DIAG_SQLSTATE);
    bool hit = state && strcmp(state, "57014") == 0;

    if (hit && req->cause)
        elpq__request_blame(req, req->cause, 0, NULL);
    else if (hit && elpq__server_timeout_passed(req))
        elpq__request_blame(req, ELPQ_E_TIMEOUT, 0, NULL);
    elpq__request_end_soon(req);
}

/* A pool may run elsewhere what has certainly not run. */
static bool taken_back(elpq_conn *conn, elpq_request *req)
{
    if (req->internal || req->cause || !conn->owner ||
        !conn->owner->take_back || !conn->owner->take_back(conn, req))
        return false;
    elpq__request_rewind(req);
    return true;
}

/* What is to blame on one statement is only a loss for the others. */
static elpq_error bystander(const elpq_error *error)
{
    elpq_error other = *error;

    if (error->code != ELPQ_E_CLOSED)
        other.code = ELPQ_E_LOST;
    if (error->code != ELPQ_E_CLOSED)
        other.flags |= ELPQ_RETRYABLE;
    return other;
}

/* One that was sent; `unread`: the server never got so far. */
static void fail_one_sent(elpq_conn *conn, elpq_request *req,
                          const elpq_error *error, bool unread)
{
    /* What was refused for our own reasons has neither run nor failed. */
    bool repeats = elpq__settle_repeats(req);
    unsigned flags = unread || repeats || req->aborted || req->describing
                         ? ELPQ_NOT_EXECUTED
                         : ELPQ_IN_DOUBT;

    elpq__request_drop_prepared(conn, req);
    if (req->detaching) {
        elpq__request_pass(req);
        return;
    }
    if (!repeats && is_refused(req)) {
        end_refused(req);
        return;
    }
    if (repeats) {
        PQclear(req->failure);
        req->failure = NULL;
    }
    if ((flags & ELPQ_NOT_EXECUTED) && taken_back(conn, req))
        return;
    if (elpq__copy_undone(req))
        flags = ELPQ_NOT_EXECUTED;
    fail_request(req, error, flags);
    elpq__request_end_soon(req);
}

static void fail_sent(elpq_conn *conn, const elpq_error *error)
{
    elpq_error others = bystander(error);
    struct elpq__node *head = elpq__list_first(&conn->sent);
    struct elpq__node *node;
    bool unread = false;

    elpq__list_move(&conn->answered, &conn->sent);
    while ((node = elpq__list_pop(&conn->answered))) {
        elpq_request *req = elpq__container(node, elpq_request, node);
        bool is_head = node == head;

        conn->nsent--;
        if (req->internal)
            conn->internals--;
        fail_one_sent(conn, req, is_head ? error : &others, unread);
        /* A server that says FATAL to the head never read what follows. */
        if (is_head && conn->fatal_proof)
            unread = true;
    }
}

static void fail_queue(elpq_conn *conn, const elpq_error *error)
{
    elpq_error others = bystander(error);
    struct elpq__node *node;

    elpq__list_move(&conn->held, &conn->queue);
    elpq__list_move(&conn->queue, &conn->held); /* the held come first */
    while ((node = elpq__list_pop(&conn->queue))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        conn->nqueued--;
        if (req->internal)
            conn->internals--;
        if (taken_back(conn, req))
            continue;
        fail_request(req, &others, ELPQ_NOT_EXECUTED);
        elpq__request_end_soon(req);
    }
}

void elpq__conn_tell(elpq_conn *conn, const elpq_error *error)
{
    struct elpq__node *node;

    while ((node = elpq__list_pop(&conn->watchers))) {
        struct elpq__watcher *w =
            elpq__container(node, struct elpq__watcher, node);

        w->gone(w, error);
    }
}

/* The end of every connection: no PGconn, no socket, no request is left. */
static void tear_down(elpq_conn *conn, const elpq_error *error)
{
    elpq__timer_stop(conn->loop, &conn->connect_timer);
    elpq__timer_stop(conn->loop, &conn->grace);
    elpq__timer_stop(conn->loop, &conn->cancel_again);
    elpq__task_drop(&conn->flush);
    elpq__connect_abandon(conn);
    elpq__cancel_abandon(conn);
    elpq__io_close(&conn->io);
    elpq__set_state(conn, ELPQ__CLOSED);
    conn->copy = NULL;
    conn->paused = conn->is_duplex = false;
    fail_sent(conn, error);
    fail_queue(conn, error);
    elpq__conn_tell(conn, error);
    elpq__cache_free(&conn->prepared);
    conn->resetting = 0;
    if (conn->pumping) {
        conn->close_wanted = true; /* pump() is inside libpq, and does it */
        return;
    }
    PQfinish(conn->pg);
    conn->pg = NULL;
}

void elpq__conn_shut(elpq_conn *conn)
{
    elpq_error error;

    if (conn->state == ELPQ__CLOSED)
        return;
    elpq__conn_ref(conn);
    elpq__error_set(&error, ELPQ_E_CLOSED, 0, "the connection was closed");
    tear_down(conn, &error);
    if (conn->is_setup)
        elpq__trace(conn, ELPQ_EVENT_DISCONNECTED, NULL, &error, 0);
    elpq__conn_unref(conn);
}

void elpq__conn_lost(elpq_conn *conn, elpq_code code, const char *text)
{
    elpq_error error;

    if (conn->state == ELPQ__CLOSED)
        return;
    elpq__error_set(&error, code, code == ELPQ_E_LOST ? ELPQ_RETRYABLE : 0,
                    text);
    strcpy(error.sqlstate, conn->fatal);
    if (!conn->is_setup) {
        error.code = code == ELPQ_E_LOST ? ELPQ_E_CONNECT : code;
        elpq__conn_connect_failed(conn, &error);
        return;
    }
    elpq__conn_ref(conn);
    conn->lost = code == ELPQ_E_LOST;
    tear_down(conn, &error);
    elpq__trace(conn, ELPQ_EVENT_DISCONNECTED, NULL, &error, 0);
    if (conn->owner)
        conn->owner->lost(conn, &error);
    elpq__conn_unref(conn);
}

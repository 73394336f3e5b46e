/* SPDX-License-Identifier: PostgreSQL */
/*
 * Cancel requests.
 *
 * A cancel request names a session and not a statement, so it may hit
 * whatever runs when it arrives.  That is why only the head of conn->sent (or
 * one of the group of reads that it begins) is ever canceled, and why nothing
 * is sent from the moment the request leaves until both have come: the answer
 * of the statement, and the end of the cancel's own connection, which the
 * server closes after it has acted.
 *
 * The request is sent on a helper thread: PQcancel blocks, and what libpq 17
 * offers instead may have to do TLS first.  After a grace period without an
 * outcome the connection is closed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conn_int.h"
#include "scope.h"

/* After so long without an effect it is sent again. */
#define AGAIN_MS 250

struct elpq__cancel {
    struct elpq__job job;
    elpq_conn *conn;               /* not looked at by the thread         */
    PGcancel *old;                 /* libpq < 17                          */
    struct pg_cancel_conn *modern; /* libpq >= 17: encrypted as conn is   */
};

static void cancel_free(struct elpq__cancel *c)
{
    if (c->old)
        PQfreeCancel(c->old);
    if (c->modern)
        elpq__libpq()->cancel_finish(c->modern);
    free(c);
}

/* Drives the modern way; returns when the server has closed its end. */
static void drive(struct elpq__cancel *c)
{
    const struct elpq__libpq *libpq = elpq__libpq();
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;

    if (!libpq->cancel_start(c->modern))
        return;
    while (!atomic_load(&c->job.abandoned)) {
        struct pollfd fd = { .fd = libpq->cancel_socket(c->modern) };
        int error;
        int n;

        fd.events = want == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        elpq__job_waits(true);
        n = poll(&fd, 1, 50);
        error = errno;
        elpq__job_waits(false);
        if (n < 0 && error != EINTR)
            return; /* not again and again: the grace period ends it */
        if (n <= 0)
            continue;
        want = libpq->cancel_poll(c->modern);
        if (want == PGRES_POLLING_OK || want == PGRES_POLLING_FAILED)
            return;
    }
}

static void work(struct elpq__job *job)
{
    struct elpq__cancel *c = elpq__container(job, struct elpq__cancel, job);
    char why[256];

    /* Whether it got through shows in the statement's outcome. */
    if (c->modern) {
        drive(c);
        return;
    }
    elpq__job_waits(true); /* it is made of system calls alone */
    PQcancel(c->old, why, sizeof(why));
    elpq__job_waits(false);
}

static void dispose(struct elpq__job *job)
{
    cancel_free(elpq__container(job, struct elpq__cancel, job));
}

/* Both have come: statements may be sent again. */
static void resume(elpq_conn *conn)
{
    if (conn->cancel || conn->cancel_target)
        return;
    elpq__timer_stop(conn->loop, &conn->grace);
    elpq__timer_stop(conn->loop, &conn->cancel_again);
    elpq__pipeline_wake(conn);
}

static void send_cancel(elpq_conn *conn);

/*
 * The cancel may have come before its statement had begun, and then the
 * server has ignored it.
 */
static void on_again(struct elpq__timer *timer)
{
    elpq_conn *conn = elpq__container(timer, elpq_conn, cancel_again);

    if (conn->cancel_target && !conn->cancel)
        send_cancel(conn);
}

/* If it has none soon, a cancel request is sent, once more or after all. */
static void wait_for_effect(elpq_conn *conn)
{
    conn->cancel_again.fire = on_again;
    if (conn->cancel_target)
        elpq__timer_start(conn->loop, &conn->cancel_again,
                          elpq__now() + AGAIN_MS * INT64_C(1000));
}

static void done(struct elpq__job *job)
{
    struct elpq__cancel *c = elpq__container(job, struct elpq__cancel, job);
    elpq_conn *conn = c->conn;

    conn->cancel = NULL;
    cancel_free(c);
    wait_for_effect(conn);
    resume(conn);
}

static void on_grace(struct elpq__timer *timer)
{
    elpq_conn *conn = elpq__container(timer, elpq_conn, grace);

    elpq__conn_lost(conn, ELPQ_E_LOST,
                    "a canceled statement did not end within "
                    "cancel_grace_ms: the connection was closed");
}

static bool start(elpq_conn *conn)
{
    struct elpq__cancel *c = elpq__new(struct elpq__cancel);

    if (!c)
        return false;
    c->conn = conn;
    c->job.work = work;
    c->job.done = done;
    c->job.dispose = dispose;
    if (elpq__libpq()->cancel_create)
        c->modern = elpq__libpq()->cancel_create(conn->pg);
    else
        c->old = PQgetCancel(conn->pg);
    if ((!c->modern && !c->old) ||
        !elpq__job_submit(conn->loop, &c->job, true)) {
        cancel_free(c);
        return false;
    }
    conn->cancel = c;
    return true;
}

/*
 * Those behind the target may be hit: when it has just ended, and even when
 * it was hit itself, because the server sends the signal twice (to the
 * process, and to its group).  Those before it may be if it is one of a group.
 */
static void expose(elpq_conn *conn)
{
    struct elpq__node *node = conn->sent.head.next;

    for (; node != &conn->sent.head; node = node->next)
        if (node != &conn->cancel_target->node)
            elpq__container(node, elpq_request, node)->exposed = true;
}

/* If it cannot be sent now, the grace period decides. */
static void send_cancel(elpq_conn *conn)
{
    if (!start(conn))
        return;
    expose(conn);
    if (conn->owner && conn->owner->canceled)
        conn->owner->canceled(conn);
}

/* The first of those that may run that is to be canceled, or NULL. */
static elpq_request *find_target(const elpq_conn *conn)
{
    struct elpq__node *node = conn->sent.head.next;

    for (; node != &conn->sent.head; node = node->next) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        if (req->cause && !req->cancel_sent)
            return elpq__sync_may_run(req) ? req : NULL;
        if (req->sharing != ELPQ__SHARES_READS)
            break;
    }
    return NULL;
}

/* A trace hook may close the connection at the end: it must outlive that. */
void elpq__cancel_kick(elpq_conn *conn)
{
    elpq_request *target;

    if (conn->cancel || conn->cancel_target || conn->state == ELPQ__CLOSED ||
        !conn->pg || !(target = find_target(conn)))
        return;
    elpq__conn_ref(conn);
    target->cancel_sent = true;
    conn->cancel_target = target;
    conn->grace.fire = on_grace;
    elpq__timer_start(conn->loop, &conn->grace,
                      elpq__now() +
                          conn->options.cancel_grace_ms * INT64_C(1000));
    if (elpq__copy_cancel(conn)) /* it tells the server by itself */
        wait_for_effect(conn);
    else
        send_cancel(conn);
    elpq__pipeline_settle(conn);
    elpq__conn_unref(conn);
}

void elpq__cancel_answered(elpq_conn *conn)
{
    conn->cancel_target = NULL;
    resume(conn);
}

/* A COMMIT behind others, which only the server can tell the end of. */
static bool is_commit_behind(const elpq_request *req)
{
    return (req->flags & ELPQ__COMMIT) && req->place == ELPQ__SENT &&
           elpq__list_first(&req->conn->sent) != &req->node;
}

/* A request of the user's that is not yet canceled. */
static elpq_request *next_to_cancel(elpq_conn *conn,
                                    const struct elpq__scope *scope,
                                    bool keep_commit)
{
    struct elpq__list *lists[] = { &conn->held, &conn->queue, &conn->answered,
                                  &conn->sent };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (struct elpq__node *node = lists[i]->head.next;
             node != &lists[i]->head; node = node->next) {
            elpq_request *req = elpq__container(node, elpq_request, node);

            if (!req->internal && !req->cause &&
                (!scope || req->scope == scope ||
                 elpq__scope_has(scope, req->serial)) &&
                !(keep_commit && is_commit_behind(req)))
                return req;
        }
    return NULL;
}

/* Looks anew after each one: a hook may change everything. */
void elpq__cancel_all(elpq_conn *conn, const struct elpq__scope *scope,
                      elpq_code cause, bool keep_commit)
{
    elpq_request *req;

    while (conn->state != ELPQ__CLOSED &&
           (req = next_to_cancel(conn, scope, keep_commit)))
        elpq__request_cancel(req, cause);
}

void elpq__cancel_abandon(elpq_conn *conn)
{
    struct elpq__cancel *c = conn->cancel;

    conn->cancel = NULL;
    conn->cancel_target = NULL;
    if (c)
        elpq__job_abandon(&c->job);
}

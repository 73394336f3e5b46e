/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pool: who gets which connection, and when.
 *
 * Every connection of the pool is in exactly one place, and elpq__pool_move()
 * alone puts it there:
 *
 *     CONNECTING  being made
 *     IDLE        proved clean, free for use; the one used last comes first
 *     BUSY        executes one statement or script of elpq_pool_execute(), or
 *                 several statements that share it: pool_share.c
 *     LEASED      lent, by elpq_pool_acquire() or for a transaction
 *     DRAINING    given back while statements were in flight
 *     RESETTING   its reset is in flight
 *     PINGING     asked for a sign of life after it was idle
 *
 * Submitting only puts a request in line; serve(), at the end of the turn,
 * matches the line with connections, first come, first served.  So nothing
 * here calls back before a submitting call returns.
 */
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "pool_int.h"
#include "scope.h"

/* A request that so many connections have died under is not tried again. */
#define TAKE_BACK_MAX 3
/* Longer without an answer to a ping, and a connection is given up. */
#define PING_TIMEOUT_MS 2000
/* One that has not answered by then is not waited for alone. */
#define PING_SLOW_MS 500

static elpq_pool *pool_of(const elpq_conn *conn)
{
    return conn->slot_pool;
}

unsigned elpq__pool_size(const elpq_pool *pool)
{
    unsigned n = 0;

    for (int i = 0; i < PLACES; i++)
        n += pool->count[i];
    return n;
}

void elpq__pool_wake(elpq_pool *pool)
{
    elpq__task_post(pool->loop, &pool->serve);
}

unsigned elpq__pool_load(const elpq_pool *pool)
{
    unsigned n = pool->nwaiting + pool->count[LEASED];

    for (struct elpq__node *node = pool->conns[BUSY].head.next;
         node != &pool->conns[BUSY].head; node = node->next)
        n += elpq_conn_pending(
            elpq__container(node, elpq_conn, slot_node));
    return n;
}

/* ------------------------------------------------------- places and lives */

static void idle_timer(elpq_pool *pool, elpq_conn *conn)
{
    const elpq_pool_options *o = &pool->options;
    int64_t due = conn->slot_retire;
    int64_t idle = conn->slot_since + o->idle_timeout_ms * INT64_C(1000);

    if (o->idle_timeout_ms > 0 && elpq__pool_size(pool) > o->min_size &&
        (!due || idle < due))
        due = idle;
    if (due)
        elpq__timer_start(pool->loop, &conn->slot_timer, due);
}

void elpq__pool_idle_timers(elpq_pool *pool)
{
    struct elpq__node *node = pool->conns[IDLE].head.next;

    for (; node != &pool->conns[IDLE].head; node = node->next)
        idle_timer(pool, elpq__container(node, elpq_conn, slot_node));
}

static void leave(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

    elpq__timer_stop(pool->loop, &conn->slot_timer);
    elpq__list_remove(&conn->slot_node);
    pool->count[conn->slot_place]--;
    pool->slow_pings -= conn->slot_slow;
    conn->slot_slow = false;
}

/* The one who moves a connection.  IDLE puts it first in line for use. */
void elpq__pool_move(elpq_conn *conn, enum place place)
{
    elpq_pool *pool = pool_of(conn);

    if (elpq__linked(&conn->slot_node))
        leave(conn);
    conn->slot_place = place;
    elpq__list_push_front(&pool->conns[place], &conn->slot_node);
    pool->count[place]++;
    if (place == IDLE) {
        conn->slot_alive = elpq__now();
        conn->slot_dirty = false;
        idle_timer(pool, conn);
        if (pool->nwaiting > 0 || pool->closing)
            elpq__pool_wake(pool);
    }
}

static void count_loss(elpq_pool *pool, elpq_pool_reason reason)
{
    uint64_t *const counters[] = {
        [ELPQ_LEFT_LOST] = &pool->stats.lost,
        [ELPQ_LEFT_IDLE] = &pool->stats.retired_idle,
        [ELPQ_LEFT_AGE] = &pool->stats.retired_age,
        [ELPQ_LEFT_EXPIRED] = &pool->stats.expired,
        [ELPQ_LEFT_RESIZED] = &pool->stats.resized,
        [ELPQ_LEFT_DISCARDED] = &pool->stats.discarded,
    };

    if (reason != ELPQ_LEFT_CLOSING)
        ++*counters[reason];
}

/* Takes a connection out of the pool, and closes it; nobody is told. */
void elpq__pool_drop_quietly(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);
    bool lent = conn->slot_place == LEASED;

    leave(conn);
    conn->owner = NULL;
    conn->slot_pool = NULL;
    elpq__pool_wake(pool); /* first: a hook may close the pool meanwhile */
    elpq__conn_ref(conn);
    elpq__conn_shut(conn);
    if (!lent)
        elpq__conn_drop_handle(conn);
    elpq__conn_unref(conn);
}

void elpq__pool_drop(elpq_conn *conn, elpq_pool_reason reason,
                     const elpq_error *error)
{
    elpq_pool *pool = pool_of(conn);
    elpq_pool_event event = { .kind = ELPQ_POOL_CLOSED,
                              .conn = conn,
                              .pid = conn->slot_pid,
                              .reason = reason,
                              .error = error };
    bool was_open = conn->slot_place != CONNECTING;

    if (was_open || reason != ELPQ_LEFT_LOST)
        count_loss(pool, reason);
    elpq__conn_ref(conn);
    elpq__pool_drop_quietly(conn);
    if (was_open)
        elpq__pool_event(pool, &event);
    elpq__conn_unref(conn);
}

/* Nobody uses it, and it is to go. */
void elpq__pool_retire(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

    elpq__pool_drop(conn,
                    conn->slot_stale ? ELPQ_LEFT_EXPIRED
                    : elpq__pool_size(pool) > pool->options.max_size
                        ? ELPQ_LEFT_RESIZED
                        : ELPQ_LEFT_AGE,
                    NULL);
}

/* Clean, and in nobody's use. */
static void park(elpq_conn *conn)
{
    if (elpq__pool_is_over(conn, elpq__now()))
        elpq__pool_retire(conn);
    else
        elpq__pool_move(conn, IDLE);
}

/* A hook of a connection that is being made takes too long. */
static void give_up_hook(elpq_conn *conn)
{
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_TIMEOUT, ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED,
                    "a hook of the pool did not answer within "
                    "connect_timeout_ms");
    elpq__pool_refuse(conn, &error);
}

static void doubt_others(elpq_pool *pool, elpq_conn *slow);

void elpq__pool_slot_timer(struct elpq__timer *timer)
{
    elpq_conn *conn = elpq__container(timer, elpq_conn, slot_timer);
    elpq_pool *pool = pool_of(conn);
    int64_t now = elpq__now();
    int64_t idle =
        conn->slot_since + pool->options.idle_timeout_ms * INT64_C(1000);

    if (conn->slot_place == CONNECTING) {
        give_up_hook(conn);
    } else if (conn->slot_place == LEASED) {
        elpq__pool_lease_leaks(conn);
    } else if (conn->slot_place == PINGING && !conn->slot_slow) {
        doubt_others(pool, conn);
    } else if (conn->slot_place == PINGING) {
        elpq__pool_drop(conn, ELPQ_LEFT_LOST, NULL); /* no sign of life */
    } else if (conn->slot_retire && now >= conn->slot_retire) {
        elpq__pool_drop(conn, ELPQ_LEFT_AGE, NULL);
    } else if (pool->options.idle_timeout_ms > 0 && now >= idle &&
               elpq__pool_size(pool) > pool->options.min_size) {
        elpq__pool_drop(conn, ELPQ_LEFT_IDLE, NULL);
    } else {
        /* Others went first: it stays, as one of min_size. */
        conn->slot_since = now;
        idle_timer(pool, conn);
    }
}

void elpq__pool_expel(elpq_pool *pool, const char *text)
{
    struct elpq__node *node;

    for (int place = CONNECTING + 1; place < PLACES; place++)
        while ((node = elpq__list_first(&pool->conns[place])))
            elpq__conn_lost(elpq__container(node, elpq_conn, slot_node),
                            ELPQ_E_LOST, text);
}

/* ---------------------------------------------------------------- serving */

static void on_ping(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (conn->owner != &elpq__pool_owner || conn->slot_place != PINGING)
        return;
    if (error)
        elpq__pool_drop(conn, ELPQ_LEFT_LOST, error);
    else
        park(conn);
}

static bool start_ping(elpq_pool *pool, elpq_conn *conn)
{
    elpq__pool_move(conn, PINGING);
    pool->stats.pings++;
    elpq__timer_start(pool->loop, &conn->slot_timer,
                      elpq__now() + PING_SLOW_MS * INT64_C(1000));
    if (elpq__group_queue(conn, NULL, "", ELPQ_NO_TIMEOUT, on_ping))
        return true;
    elpq__pool_drop(conn, ELPQ_LEFT_DISCARDED, NULL);
    return false;
}

/* One that has been silent for as long, or longer. */
static elpq_conn *find_silent(elpq_pool *pool, int64_t alive)
{
    struct elpq__node *node = pool->conns[IDLE].head.next;

    for (; node != &pool->conns[IDLE].head; node = node->next) {
        elpq_conn *conn = elpq__container(node, elpq_conn, slot_node);

        if (conn->slot_alive <= alive)
            return conn;
    }
    return NULL;
}

/*
 * Whatever has silenced a connection (a router on the way forgets them all) has
 * silenced those that were idle as long: they are asked at once, not one after
 * another, and a new one is made beside them.
 */
static void doubt_others(elpq_pool *pool, elpq_conn *slow)
{
    int64_t alive = slow->slot_alive;
    elpq_conn *conn;

    slow->slot_slow = true;
    pool->slow_pings++;
    elpq__timer_start(pool->loop, &slow->slot_timer,
                      elpq__now() +
                          (PING_TIMEOUT_MS - PING_SLOW_MS) * INT64_C(1000));
    while (!pool->closing && (conn = find_silent(pool, alive)))
        start_ping(pool, conn);
    elpq__pool_wake(pool);
}

/*
 * The connection that was used last.  One that was idle for long is asked for
 * a sign of life first; no more of them than there are requests in line.
 */
static elpq_conn *take_conn(elpq_pool *pool)
{
    struct elpq__node *node;
    int after = pool->options.ping_after_ms;

    while ((node = elpq__list_first(&pool->conns[IDLE]))) {
        elpq_conn *conn = elpq__container(node, elpq_conn, slot_node);

        if (after < 0 ||
            elpq__now() - conn->slot_alive <= after * INT64_C(1000))
            return conn;
        if (pool->count[PINGING] >= pool->nwaiting)
            break;
        start_ping(pool, conn);
    }
    return NULL;
}

/* Takes the first one out of the line, which is not empty. */
static elpq_request *leave_line(elpq_pool *pool, int64_t *waited_usec)
{
    struct elpq__node *node = elpq__list_pop(&pool->waiting);
    elpq_request *req = elpq__container(node, elpq_request, node);

    pool->nwaiting--;
    *waited_usec = 0;
    if (req->waited || req->trace)
        *waited_usec = elpq__now() - req->submitted;
    if (req->waited) {
        pool->stats.waited++;
        pool->stats.wait_usec += (uint64_t)*waited_usec;
    }
    elpq__histogram_add(&pool->stats.wait, req->waited ? *waited_usec : 0);
    return req;
}

static inline void execute_on(elpq_conn *conn, elpq_request *req,
                              int64_t waited_usec)
{
    elpq__conn_enqueue(conn, req);
    elpq__trace(conn, ELPQ_EVENT_WAITED, req, NULL, waited_usec);
}

/* The first one on a connection that has nothing else. */
static inline void execute_first(elpq_conn *conn, elpq_request *req,
                          int64_t waited_usec)
{
    conn->slot_used = req->submitted + waited_usec;
    if (conn->piles)
        elpq__pool_begin_sharing(conn, req);
    execute_on(conn, req, waited_usec);
}

void elpq__pool_run_first(elpq_pool *pool, elpq_conn *conn)
{
    int64_t usec;
    elpq_request *req = leave_line(pool, &usec);

    execute_on(conn, req, usec);
}

static void give(elpq_pool *pool, elpq_conn *conn)
{
    int64_t usec;
    elpq_request *req = leave_line(pool, &usec);
    elpq_conn_cb callback = req->cb.conn;
    void *arg = req->arg;

    if (req->kind != ELPQ__LEASE) {
        elpq__pool_move(conn, BUSY);
        execute_first(conn, req, usec);
        return;
    }
    elpq__pool_move(conn, LEASED);
    elpq__pool_lent(conn, req->tag);
    conn->lone = 0; /* how its user works remains to be seen */
    req->place = ELPQ__OVER;
    elpq__request_free(req);
    callback(conn, NULL, arg);
}

/*
 * A clean connection goes on with the first statement in line, without the
 * way over IDLE, unless an idle one is about to take that.
 */
static bool hand_on(elpq_pool *pool, elpq_conn *conn)
{
    struct elpq__node *node = elpq__list_first(&pool->waiting);
    elpq_request *req;
    int64_t usec;

    if (!node || pool->count[IDLE] > 0 || conn->slot_place != BUSY ||
        elpq__container(node, elpq_request, node)->kind == ELPQ__LEASE)
        return false;
    conn->slot_dirty = false;
    req = leave_line(pool, &usec);
    execute_first(conn, req, usec);
    return true;
}

/* First come, first served, as long as there are connections. */
static void serve_line(elpq_pool *pool)
{
    elpq_conn *conn;

    while (!elpq__list_empty(&pool->waiting) && (conn = take_conn(pool)))
        give(pool, conn);
    if (pool->nwaiting > 0 && pool->options.pipeline_depth > 1)
        elpq__pool_share(pool);
}

void elpq__pool_serve(struct elpq__task *task)
{
    elpq_pool *pool = elpq__container(task, elpq_pool, serve);
    unsigned coming;

    serve_line(pool);
    coming = elpq__pool_coming(pool);
    while (pool->nwaiting > coming && elpq__pool_open_one(pool))
        coming++;
    while (!pool->closing && elpq__pool_size(pool) < pool->options.min_size)
        if (!elpq__pool_open_one(pool))
            break;
    elpq__pool_check_end(pool);
}

void elpq__pool_left(struct elpq__line *line, elpq_request *req)
{
    elpq_pool *pool = elpq__container(line, elpq_pool, line);

    (void)req;
    pool->nwaiting--;
    pool->stats.left++;
    elpq__pool_wake(pool); /* a closing pool may have waited for it */
}

/* -------------------------------------------------------------- returning */

static bool wants_full_reset(const elpq_pool *pool, const elpq_conn *conn)
{
    if (conn->slot_unclean)
        return true;
    switch (pool->options.reset) {
    case ELPQ_RESET_NEVER:
        return false;
    case ELPQ_RESET_ALWAYS:
        return true;
    default:
        return conn->slot_dirty || conn->slot_place != BUSY;
    }
}

/* Nothing is in flight, and nobody uses it: clean it, or keep it. */
static void recycle(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);
    bool full = wants_full_reset(pool, conn);
    int64_t now = elpq__now();

    if (conn->slot_place == BUSY)
        elpq__histogram_add(&pool->stats.usage, now - conn->slot_used);
    if (pool->closing && pool->nwaiting == 0) {
        elpq__pool_drop(conn, ELPQ_LEFT_CLOSING, NULL);
        return;
    }
    if (elpq__pool_is_over(conn, now)) {
        elpq__pool_retire(conn);
        return;
    }
    conn->slot_since = now;
    if (!full && PQtransactionStatus(conn->pg) == PQTRANS_IDLE) {
        if (!hand_on(pool, conn))
            elpq__pool_move(conn, IDLE);
        return;
    }
    elpq__pool_move(conn, RESETTING);
    conn->slot_dirty = conn->slot_unclean = false;
    pool->stats.resets++;
    if (!elpq__reset_queue(conn, full))
        elpq__pool_drop(conn, ELPQ_LEFT_DISCARDED, NULL);
}

static void on_drained(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

    if (conn->slot_place != IDLE && conn->slot_place != CONNECTING) {
        conn->slot_answered = true;
        pool->failures = 0;
    }
    switch ((enum place)conn->slot_place) {
    case BUSY:
    case DRAINING:
        recycle(conn);
        break;
    case RESETTING:
        if (conn->resetting == 0)
            park(conn);
        break;
    default:
        return;
    }
    /* Its next statement can still go out with what this turn sends. */
    if (pool->nwaiting > 0)
        serve_line(pool);
}

/* The end of a lease, by its borrower or the transaction that had it. */
static void give_back(elpq_conn *conn)
{
    bool keep = elpq__pool_keeps(conn);
    elpq_error released;

    if (!conn->owner) { /* the hook has closed the pool, or it */
        elpq__conn_drop_handle(conn);
        return;
    }
    if (conn->slot_place != LEASED)
        return;
    conn->slot_lease++; /* a transaction of this lease is none any more */
    elpq__tx_mark(conn, false);
    elpq__scopes_clear(conn);
    elpq__pool_move(conn, DRAINING);
    elpq__error_set(&released, ELPQ_E_CLOSED, 0,
                    "the connection was released");
    elpq__conn_tell(conn, &released);
    if (!keep) {
        elpq__pool_drop(conn, ELPQ_LEFT_DISCARDED, NULL);
        return;
    }
    elpq__cancel_all(conn, NULL, ELPQ_E_CANCELED, false);
    if (conn->owner && conn->slot_place == DRAINING && conn->nsent == 0 &&
        conn->nqueued == 0 && !conn->cancel)
        recycle(conn);
}

static void on_released(elpq_conn *conn)
{
    if (conn->connect_failed)
        return; /* closed in the hook of that event: the failure comes */
    elpq__conn_ref(conn);
    if (conn->state == ELPQ__CLOSED) {
        /* elpq_conn_close(), by its borrower or in a hook */
        if (conn->slot_place == CONNECTING) {
            /* it would do so with the next one */
            elpq__pool_back_off(pool_of(conn));
            pool_of(conn)->stats.connect_failures++;
            elpq__pool_drop_quietly(conn);
        } else {
            elpq__pool_drop(conn, ELPQ_LEFT_DISCARDED, NULL);
        }
        elpq__conn_drop_handle(conn);
    } else if (conn->slot_place == LEASED && !conn->slot_releasing) {
        give_back(conn);
    }
    elpq__conn_unref(conn);
}

void elpq_conn_release(elpq_conn *conn)
{
    if (!conn || !elpq__loop_is_ours(conn->loop))
        return;
    if (conn->owner)
        conn->owner->released(conn);
    else
        elpq_conn_close(conn);
}

void elpq__lease_end(elpq_conn *conn, unsigned lease)
{
    if (conn->slot_lease == lease)
        elpq_conn_release(conn);
}

/* A statement that was never sent goes back to the head of the line. */
static bool on_take_back(elpq_conn *conn, elpq_request *req)
{
    elpq_pool *pool = pool_of(conn);
    struct elpq__node *at = &pool->waiting.head;

    /* A router has its own line: the host's role may be another by now. */
    if (conn->slot_place != BUSY || pool->closed || pool->watch ||
        req->taken_back == TAKE_BACK_MAX)
        return false;
    req->taken_back++;
    req->conn = NULL;
    req->place = ELPQ__WAITING;
    /* Several of one connection, or of several, keep their order. */
    while (at->next != &pool->waiting.head &&
           elpq__container(at->next, elpq_request, node)->submitted <=
               req->submitted)
        at = at->next;
    elpq__link_after(at, &req->node);
    pool->nwaiting++;
    return true;
}

static void on_progressed(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

    conn->slot_progress = elpq__now();
    if (pool->nwaiting > 0)
        elpq__pool_share(pool);
}

static void on_canceled(elpq_conn *conn)
{
    pool_of(conn)->stats.cancels++;
}

static void on_failed(elpq_conn *conn, elpq_request *req,
                      const PGresult *failure)
{
    struct elpq__pool_watch *watch = pool_of(conn)->watch;

    if (watch)
        watch->failed(watch, conn, req, failure);
}

const struct elpq__owner elpq__pool_owner = {
    .opened = elpq__pool_opened,
    .drained = on_drained,
    .lost = elpq__pool_lost,
    .take_back = on_take_back,
    .released = on_released,
    .canceled = on_canceled,
    .failed = on_failed,
    .setting_up = elpq__pool_setting_up,
    .progressed = on_progressed,
};

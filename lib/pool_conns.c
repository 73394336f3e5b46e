/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pool: who gets which connection, and when.
 *
 * Every connection of the pool is in exactly one place, and move() alone puts
 * it there:
 *
 *     CONNECTING  being made
 *     IDLE        proved clean, free for use; the one used last comes first
 *     BUSY        executes one statement or script of elpq_pool_execute()
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

/* A request that so many connections have died under is not tried again. */
#define TAKE_BACK_MAX 3
/* Longer without an answer to a ping, and a connection is given up. */
#define PING_TIMEOUT_MS 2000

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
    return pool->nwaiting + pool->count[BUSY] + pool->count[LEASED];
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

static void leave(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

    elpq__timer_stop(pool->loop, &conn->slot_timer);
    elpq__list_remove(&conn->slot_node);
    pool->count[conn->slot_place]--;
}

/* The one who moves a connection.  IDLE puts it first in line for use. */
static void move(elpq_conn *conn, enum place place)
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

void elpq__pool_drop(elpq_conn *conn)
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

static void on_slot_timer(struct elpq__timer *timer)
{
    elpq_conn *conn = elpq__container(timer, elpq_conn, slot_timer);
    elpq_pool *pool = pool_of(conn);
    int64_t now = elpq__now();
    int64_t idle =
        conn->slot_since + pool->options.idle_timeout_ms * INT64_C(1000);

    if (conn->slot_place == PINGING) {
        pool->stats.lost++; /* it gave no sign of life */
        elpq__pool_drop(conn);
    } else if (conn->slot_retire && now >= conn->slot_retire) {
        pool->stats.retired_age++;
        elpq__pool_drop(conn);
    } else if (pool->options.idle_timeout_ms > 0 && now >= idle &&
               elpq__pool_size(pool) > pool->options.min_size) {
        pool->stats.retired_idle++;
        elpq__pool_drop(conn);
    } else {
        /* Others went first: it stays, as one of min_size. */
        conn->slot_since = now;
        idle_timer(pool, conn);
    }
}

/* ---------------------------------------------------------------- opening */

static void back_off(elpq_pool *pool)
{
    if (elpq__timer_runs(&pool->backoff))
        return; /* connects side by side fail together: it counts once */
    elpq__timer_start(pool->loop, &pool->backoff,
                      elpq__now() +
                          elpq__backoff_usec(&pool->random, pool->failures,
                                             pool->options.backoff_min_ms,
                                             pool->options.backoff_max_ms));
    pool->failures++;
}

void elpq__pool_backed_off(struct elpq__timer *timer)
{
    elpq__pool_wake(elpq__container(timer, elpq_pool, backoff));
}

static const struct elpq__owner pool_owner;

static bool open_one(elpq_pool *pool)
{
    elpq_conn *conn;

    if (elpq__pool_size(pool) >= pool->options.max_size ||
        pool->count[CONNECTING] >= pool->options.max_connecting ||
        elpq__timer_runs(&pool->backoff))
        return false;
    conn = elpq__conn_new(pool->base, pool->conninfo, &pool->options.conn,
                          (const char *const *)pool->on_connect, NULL);
    if (!conn) {
        back_off(pool);
        return false;
    }
    conn->owner = &pool_owner;
    conn->catalog = elpq__catalog_ref(pool->catalog);
    conn->slot_pool = pool;
    conn->slot_timer.fire = on_slot_timer;
    conn->slot_timer.far = true;
    move(conn, CONNECTING);
    return true;
}

/*
 * Whether those in line should hear of a failed connect at once: when there
 * is nothing else to wait for, and waiting would not help, or when nothing
 * has ever worked, so that a mistake in the configuration is likely.
 */
static bool hopeless(const elpq_pool *pool, const elpq_error *error)
{
    return elpq__pool_size(pool) == 0 &&
           (!(error->flags & ELPQ_RETRYABLE) || !pool->was_connected);
}

void elpq__pool_fail_waiting(elpq_pool *pool, const elpq_error *error)
{
    struct elpq__node *node;

    while ((node = elpq__list_pop(&pool->waiting))) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        pool->nwaiting--;
        req->owned = elpq_error_dup(error);
        elpq__request_blame(req, error->code, error->flags, NULL);
        elpq__request_end_soon(req);
    }
}

static void on_opened(elpq_conn *conn, const elpq_error *error)
{
    elpq_pool *pool = pool_of(conn);
    int life = pool->options.max_lifetime_ms;

    if (error) {
        pool->stats.connect_failures++;
        elpq__pool_drop(conn);
        back_off(pool);
        if (pool->watch)
            pool->watch->lost(pool->watch);
        if (hopeless(pool, error))
            elpq__pool_fail_waiting(pool, error);
        return;
    }
    pool->stats.connects++;
    pool->was_connected = true;
    elpq__timer_stop(pool->loop, &pool->backoff);
    if (life > 0)
        conn->slot_retire =
            elpq__now() + life * INT64_C(1000) -
            (int64_t)elpq__random_below(&pool->random,
                                        (uint64_t)life * 100);
    conn->slot_since = elpq__now();
    move(conn, IDLE);
    elpq__pool_wake(pool); /* another one may connect now */
}

static void on_lost(elpq_conn *conn, const elpq_error *error)
{
    elpq_pool *pool = pool_of(conn);

    (void)error;
    pool->stats.lost++;
    /* A server that lets everybody in and then out again is not up. */
    if (!conn->slot_answered)
        back_off(pool);
    if (pool->watch)
        pool->watch->lost(pool->watch);
    elpq__pool_drop(conn);
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

    if (conn->owner != &pool_owner || conn->slot_place != PINGING)
        return;
    if (error) {
        pool_of(conn)->stats.lost++;
        elpq__pool_drop(conn);
    } else {
        move(conn, IDLE);
    }
}

static bool start_ping(elpq_pool *pool, elpq_conn *conn)
{
    move(conn, PINGING);
    pool->stats.pings++;
    elpq__timer_start(pool->loop, &conn->slot_timer,
                      elpq__now() + PING_TIMEOUT_MS * INT64_C(1000));
    if (elpq__group_queue(conn, NULL, "", ELPQ_NO_TIMEOUT, on_ping))
        return true;
    elpq__pool_drop(conn);
    return false;
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
    return req;
}

static void execute_on(elpq_conn *conn, elpq_request *req, int64_t waited_usec)
{
    elpq__conn_enqueue(conn, req);
    elpq__trace(conn, ELPQ_EVENT_WAITED, req, NULL, waited_usec);
}

static void give(elpq_pool *pool, elpq_conn *conn)
{
    int64_t usec;
    elpq_request *req = leave_line(pool, &usec);
    elpq_conn_cb callback = req->cb.conn;
    void *arg = req->arg;

    if (req->kind != ELPQ__LEASE) {
        move(conn, BUSY);
        execute_on(conn, req, usec);
        return;
    }
    move(conn, LEASED);
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
    execute_on(conn, req, usec);
    return true;
}

/* First come, first served, as long as there are connections. */
static void serve_line(elpq_pool *pool)
{
    elpq_conn *conn;

    while (!elpq__list_empty(&pool->waiting) && (conn = take_conn(pool)))
        give(pool, conn);
}

void elpq__pool_serve(struct elpq__task *task)
{
    elpq_pool *pool = elpq__container(task, elpq_pool, serve);
    unsigned coming;

    serve_line(pool);
    coming = pool->count[CONNECTING] + pool->count[PINGING];
    while (pool->nwaiting > coming && open_one(pool))
        coming++;
    while (!pool->closing && elpq__pool_size(pool) < pool->options.min_size)
        if (!open_one(pool))
            break;
    elpq__pool_check_end(pool);
}

void elpq__pool_left(struct elpq__line *line, elpq_request *req)
{
    elpq_pool *pool = elpq__container(line, elpq_pool, line);

    (void)req;
    pool->nwaiting--;
    elpq__pool_wake(pool); /* a closing pool may have waited for it */
}

/* -------------------------------------------------------------- returning */

static bool wants_full_reset(const elpq_pool *pool, const elpq_conn *conn)
{
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

    if (pool->closing && pool->nwaiting == 0) {
        elpq__pool_drop(conn);
        return;
    }
    if (conn->slot_retire && now >= conn->slot_retire) {
        pool->stats.retired_age++;
        elpq__pool_drop(conn);
        return;
    }
    conn->slot_since = now;
    if (!full && PQtransactionStatus(conn->pg) == PQTRANS_IDLE) {
        if (!hand_on(pool, conn))
            move(conn, IDLE);
        return;
    }
    move(conn, RESETTING);
    conn->slot_dirty = false;
    pool->stats.resets++;
    if (!elpq__reset_queue(conn, full)) {
        pool->stats.discarded++;
        elpq__pool_drop(conn);
    }
}

static void on_drained(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

    if (conn->slot_place != IDLE) {
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
            move(conn, IDLE);
        break;
    default:
        return;
    }
    /* Its next statement can still go out with what this turn sends. */
    if (pool->nwaiting > 0)
        serve_line(pool);
}

static void on_released(elpq_conn *conn)
{
    elpq_error released;

    if (conn->connect_failed)
        return; /* closed in the hook of that event: on_opened() comes */
    elpq__conn_ref(conn);
    if (conn->state == ELPQ__CLOSED) {
        /* elpq_conn_close(), by its borrower or in a hook */
        if (conn->slot_place == CONNECTING) {
            back_off(pool_of(conn)); /* it would do so with the next one */
            pool_of(conn)->stats.connect_failures++;
        } else {
            pool_of(conn)->stats.discarded++;
        }
        elpq__pool_drop(conn);
        elpq__conn_drop_handle(conn);
    } else if (conn->slot_place == LEASED) {
        conn->slot_lease++; /* a transaction of this lease is none any more */
        elpq__tx_mark(conn, false);
        move(conn, DRAINING);
        elpq__error_set(&released, ELPQ_E_CLOSED, 0,
                        "the connection was released");
        elpq__conn_tell(conn, &released);
        elpq__cancel_all(conn, ELPQ_E_CANCELED, false);
        if (conn->owner && conn->slot_place == DRAINING &&
            conn->nsent == 0 && conn->nqueued == 0 && !conn->cancel)
            recycle(conn);
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

/* A statement that was never sent goes back to the head of the line. */
static bool on_take_back(elpq_conn *conn, elpq_request *req)
{
    elpq_pool *pool = pool_of(conn);

    if (conn->slot_place != BUSY || pool->closed ||
        req->taken_back == TAKE_BACK_MAX)
        return false;
    req->taken_back++;
    req->conn = NULL;
    req->place = ELPQ__WAITING;
    elpq__list_push_front(&pool->waiting, &req->node);
    pool->nwaiting++;
    return true;
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

static const struct elpq__owner pool_owner = {
    .opened = on_opened,
    .drained = on_drained,
    .lost = on_lost,
    .take_back = on_take_back,
    .released = on_released,
    .canceled = on_canceled,
    .failed = on_failed,
};

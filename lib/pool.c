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
 *
 * The pool is freed by the task that reports its end, and not before every
 * connection has left it.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conn_int.h"
#include "elpq/pool.h"

enum place {
    CONNECTING,
    IDLE,
    BUSY,
    LEASED,
    DRAINING,
    RESETTING,
    PINGING,
    PLACES
};

/* A request that so many connections have died under is not tried again. */
#define TAKE_BACK_MAX 3
/* Longer without an answer to a ping, and a connection is given up. */
#define PING_TIMEOUT_MS 2000

struct elpq_pool {
    struct elpq__line line; /* the requests' way to us                    */
    struct event_base *base;
    struct elpq__loop *loop;
    elpq_pool_options options;
    char *conninfo;
    char **params;
    char **on_connect;

    struct elpq__list waiting;
    unsigned nwaiting;
    struct elpq__list conns[PLACES];
    unsigned count[PLACES];

    struct elpq__task serve;
    struct elpq__timer backoff;
    unsigned failures;   /* pauses in a row after failed connects         */
    bool was_connected;  /* at least once                                 */
    uint64_t random;

    bool closing;        /* takes nothing new                             */
    bool closed;         /* its end is posted                             */
    struct elpq__timer drain;
    struct elpq__task end;
    elpq_done_cb on_end;
    void *on_end_arg;

    elpq_pool_statistics stats;
};

static elpq_pool *pool_of(const elpq_conn *conn)
{
    return conn->slot_pool;
}

static unsigned size_of(const elpq_pool *pool)
{
    unsigned n = 0;

    for (int i = 0; i < PLACES; i++)
        n += pool->count[i];
    return n;
}

/* xorshift: spreads retries and retirements, no more. */
static uint64_t random_below(elpq_pool *pool, uint64_t limit)
{
    pool->random ^= pool->random << 13;
    pool->random ^= pool->random >> 7;
    pool->random ^= pool->random << 17;
    return limit ? pool->random % limit : 0;
}

static void wake(elpq_pool *pool)
{
    elpq__task_post(pool->loop, &pool->serve);
}

/* ------------------------------------------------------- places and lives */

static void idle_timer(elpq_pool *pool, elpq_conn *conn)
{
    const elpq_pool_options *o = &pool->options;
    int64_t due = conn->slot_retire;
    int64_t idle = conn->slot_since + o->idle_timeout_ms * INT64_C(1000);

    if (o->idle_timeout_ms > 0 && size_of(pool) > o->min_size &&
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
            wake(pool);
    }
}

/* Takes a connection out of the pool; a lent one stays with its borrower. */
static void drop(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);
    bool lent = conn->slot_place == LEASED;

    leave(conn);
    conn->owner = NULL;
    conn->slot_pool = NULL;
    wake(pool); /* first: a hook may close the pool meanwhile */
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
        drop(conn);
    } else if (conn->slot_retire && now >= conn->slot_retire) {
        pool->stats.retired_age++;
        drop(conn);
    } else if (pool->options.idle_timeout_ms > 0 && now >= idle &&
               size_of(pool) > pool->options.min_size) {
        pool->stats.retired_idle++;
        drop(conn);
    } else {
        /* Others went first: it stays, as one of min_size. */
        conn->slot_since = now;
        idle_timer(pool, conn);
    }
}

/* ---------------------------------------------------------------- opening */

static void back_off(elpq_pool *pool)
{
    uint64_t max = (uint64_t)pool->options.backoff_max_ms;
    uint64_t ms = (uint64_t)pool->options.backoff_min_ms;

    if (elpq__timer_runs(&pool->backoff))
        return; /* connects side by side fail together: it counts once */
    for (unsigned i = 0; i < pool->failures && ms < max; i++)
        ms *= 2;
    if (ms > max)
        ms = max;
    pool->failures++;
    ms = ms / 2 + random_below(pool, ms / 2 + 1);
    elpq__timer_start(pool->loop, &pool->backoff,
                      elpq__now() + (int64_t)ms * 1000);
}

static void on_backoff(struct elpq__timer *timer)
{
    wake(elpq__container(timer, elpq_pool, backoff));
}

static const struct elpq__owner pool_owner;

static bool open_one(elpq_pool *pool)
{
    elpq_conn *conn;

    if (size_of(pool) >= pool->options.max_size ||
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
    return size_of(pool) == 0 &&
           (!(error->flags & ELPQ_RETRYABLE) || !pool->was_connected);
}

static void fail_waiting(elpq_pool *pool, const elpq_error *error)
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
        drop(conn);
        back_off(pool);
        if (hopeless(pool, error))
            fail_waiting(pool, error);
        return;
    }
    pool->stats.connects++;
    pool->failures = 0;
    pool->was_connected = true;
    elpq__timer_stop(pool->loop, &pool->backoff);
    if (life > 0)
        conn->slot_retire =
            elpq__now() + life * INT64_C(1000) -
            (int64_t)random_below(pool, (uint64_t)life * 100);
    conn->slot_since = elpq__now();
    move(conn, IDLE);
    wake(pool); /* another one may connect now */
}

static void on_lost(elpq_conn *conn, const elpq_error *error)
{
    elpq_pool *pool = pool_of(conn);

    (void)error;
    pool->stats.lost++;
    drop(conn);
}

/* ---------------------------------------------------------------- serving */

static void on_ping(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (conn->owner != &pool_owner || conn->slot_place != PINGING)
        return;
    if (error) {
        pool_of(conn)->stats.lost++;
        drop(conn);
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
    drop(conn);
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

static int64_t note_wait(elpq_pool *pool, const elpq_request *req)
{
    int64_t usec = 0;

    if (req->waited || req->trace)
        usec = elpq__now() - req->submitted;
    if (req->waited) {
        pool->stats.waited++;
        pool->stats.wait_usec += (uint64_t)usec;
    }
    return usec;
}

static void give(elpq_pool *pool, elpq_conn *conn, elpq_request *req)
{
    elpq_conn_cb callback = req->cb.conn;
    void *arg = req->arg;

    int64_t usec = note_wait(pool, req);

    if (req->kind != ELPQ__LEASE) {
        move(conn, BUSY);
        elpq__conn_enqueue(conn, req);
        elpq__trace(conn, ELPQ_EVENT_WAITED, req, NULL, usec);
        return;
    }
    move(conn, LEASED);
    req->place = ELPQ__OVER;
    elpq__request_free(req);
    callback(conn, NULL, arg);
}

static void check_end(elpq_pool *pool);

/* First come, first served, as long as there are connections. */
static void serve_line(elpq_pool *pool)
{
    struct elpq__node *node;

    while ((node = elpq__list_first(&pool->waiting))) {
        elpq_conn *conn = take_conn(pool);

        if (!conn)
            break;
        elpq__list_remove(node);
        pool->nwaiting--;
        give(pool, conn, elpq__container(node, elpq_request, node));
    }
}

static void serve(struct elpq__task *task)
{
    elpq_pool *pool = elpq__container(task, elpq_pool, serve);
    unsigned coming;

    serve_line(pool);
    coming = pool->count[CONNECTING] + pool->count[PINGING];
    while (pool->nwaiting > coming && open_one(pool))
        coming++;
    while (!pool->closing && size_of(pool) < pool->options.min_size)
        if (!open_one(pool))
            break;
    check_end(pool);
}

/* A request in line was canceled, or its deadline passed. */
static void on_left(struct elpq__line *line, elpq_request *req)
{
    elpq_pool *pool = elpq__container(line, elpq_pool, line);

    (void)req;
    pool->nwaiting--;
    wake(pool); /* a closing pool may have waited for it */
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

    if (pool->closing && pool->nwaiting == 0) {
        drop(conn);
        return;
    }
    if (conn->slot_retire && elpq__now() >= conn->slot_retire) {
        pool->stats.retired_age++;
        drop(conn);
        return;
    }
    conn->slot_since = elpq__now();
    if (!full && PQtransactionStatus(conn->pg) == PQTRANS_IDLE) {
        move(conn, IDLE);
        return;
    }
    move(conn, RESETTING);
    conn->slot_dirty = false;
    pool->stats.resets++;
    if (!elpq__reset_queue(conn, full)) {
        pool->stats.discarded++;
        drop(conn);
    }
}

static void on_drained(elpq_conn *conn)
{
    elpq_pool *pool = pool_of(conn);

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

/* A request that a borrower left behind, and that is not yet canceled. */
static elpq_request *left_behind(elpq_conn *conn)
{
    struct elpq__list *lists[] = { &conn->held, &conn->queue, &conn->sent };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (struct elpq__node *node = lists[i]->head.next;
             node != &lists[i]->head; node = node->next) {
            elpq_request *req = elpq__container(node, elpq_request, node);

            if (!req->internal && !req->cause)
                return req;
        }
    return NULL;
}

/* Looks anew after each one: a hook may change everything. */
static void cancel_all(elpq_conn *conn)
{
    elpq_request *req;

    while (conn->state != ELPQ__CLOSED && (req = left_behind(conn)))
        elpq__request_cancel(req, ELPQ_E_CANCELED);
}

static void on_released(elpq_conn *conn)
{
    elpq__conn_ref(conn);
    if (conn->state == ELPQ__CLOSED) {
        /* elpq_conn_close(), by its borrower or in a hook */
        pool_of(conn)->stats.discarded++;
        drop(conn);
        elpq__conn_drop_handle(conn);
    } else if (conn->slot_place == LEASED) {
        conn->slot_lease++; /* a transaction of this lease is none any more */
        conn->in_tx = conn->tx_broken = false;
        move(conn, DRAINING);
        cancel_all(conn);
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

static const struct elpq__owner pool_owner = {
    .opened = on_opened,
    .drained = on_drained,
    .lost = on_lost,
    .take_back = on_take_back,
    .released = on_released,
    .canceled = on_canceled,
};

/* ---------------------------------------------------------------- closing */

static void pool_free(elpq_pool *pool)
{
    struct elpq__loop *loop = pool->loop;

    for (char **s = pool->on_connect; s && *s; s++)
        free(*s);
    for (char **s = pool->params; s && *s; s++) {
        explicit_bzero(*s, strlen(*s));
        free(*s);
    }
    free(pool->on_connect);
    free(pool->params);
    if (pool->conninfo)
        explicit_bzero(pool->conninfo, strlen(pool->conninfo));
    free(pool->conninfo);
    if (loop) {
        elpq__task_drop(&pool->serve);
        elpq__timer_stop(loop, &pool->backoff);
        elpq__timer_stop(loop, &pool->drain);
    }
    free(pool);
    if (loop)
        elpq__loop_unref(loop);
}

static void run_end(struct elpq__task *task)
{
    elpq_pool *pool = elpq__container(task, elpq_pool, end);
    elpq_done_cb callback = pool->on_end;
    void *arg = pool->on_end_arg;

    pool_free(pool);
    if (callback)
        callback(NULL, arg);
}

static void drop_all(elpq_pool *pool, enum place place)
{
    struct elpq__node *node;

    while ((node = elpq__list_first(&pool->conns[place])))
        drop(elpq__container(node, elpq_conn, slot_node));
}

/* Nobody waits, nobody works: what is left can go. */
static void check_end(elpq_pool *pool)
{
    if (!pool->closing || pool->closed || pool->nwaiting > 0)
        return;
    drop_all(pool, CONNECTING);
    drop_all(pool, PINGING);
    drop_all(pool, RESETTING);
    drop_all(pool, IDLE);
    if (size_of(pool) > 0)
        return;
    pool->closed = true;
    elpq__task_drop(&pool->serve);
    elpq__task_post(pool->loop, &pool->end);
}

static void close_now(elpq_pool *pool)
{
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_CLOSED, ELPQ_NOT_EXECUTED,
                    "the pool was closed");
    fail_waiting(pool, &error);
    for (int i = 0; i < PLACES; i++)
        drop_all(pool, (enum place)i);
    check_end(pool);
}

static void on_drain(struct elpq__timer *timer)
{
    close_now(elpq__container(timer, elpq_pool, drain));
}

void elpq_pool_close(elpq_pool *pool, int drain_ms, elpq_done_cb callback,
                     void *arg)
{
    int64_t due = elpq__now() + drain_ms * INT64_C(1000);

    if (!pool || !elpq__loop_is_ours(pool->loop))
        return;
    if (callback) {
        pool->on_end = callback;
        pool->on_end_arg = arg;
    }
    if (pool->closed)
        return;
    pool->closing = true;
    if (drain_ms == 0) {
        close_now(pool);
        return;
    }
    if (drain_ms > 0 && (!elpq__timer_runs(&pool->drain) ||
                         due < pool->drain.due))
        elpq__timer_start(pool->loop, &pool->drain, due);
    wake(pool);
}

/* -------------------------------------------------------------------- new */

static void default_int(int *x, int value)
{
    if (*x == 0)
        *x = value;
}

static void default_unsigned(unsigned *x, unsigned value)
{
    if (*x == 0)
        *x = value;
}

static void pool_options_init(elpq_pool_options *out,
                              const elpq_pool_options *in)
{
    if (in)
        *out = *in;
    else
        memset(out, 0, sizeof(*out));
    elpq__conn_options_init(&out->conn, in ? &in->conn : NULL);
    default_unsigned(&out->max_size, 10);
    default_unsigned(&out->max_waiting, 10000);
    default_unsigned(&out->max_connecting, 3);
    default_int(&out->acquire_timeout_ms, 30000);
    default_int(&out->idle_timeout_ms, 600000);
    default_int(&out->max_lifetime_ms, 3600000);
    default_int(&out->ping_after_ms, 1000);
    default_int(&out->backoff_min_ms, 100);
    default_int(&out->backoff_max_ms, 10000);
}

/* A copy of a NULL-ended list of strings; NULL if out of memory. */
static char **copy_list(const char *const *list)
{
    size_t n = 0;
    char **copy;

    while (list && list[n])
        n++;
    copy = calloc(n + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = strdup(list[i]);
        if (!copy[i]) {
            while (i > 0)
                free(copy[--i]);
            free(copy);
            copy = NULL;
        }
    }
    return copy;
}

/* NULL, or what is wrong with the arguments, to be freed. */
static char *check_arguments(const struct event_base *base,
                             const char *conninfo,
                             const elpq_pool_options *options)
{
    if (!base)
        return strdup("elpq_pool_new needs an event_base");
    if (options && options->min_size >
                       (options->max_size ? options->max_size : 10))
        return strdup("min_size is larger than max_size");
    return elpq__conninfo_check(conninfo,
                                options ? options->conn.params : NULL);
}

static void pool_init(elpq_pool *pool, struct event_base *base)
{
    pool->base = base;
    pool->line.left = on_left;
    pool->serve.run = serve;
    pool->end.run = run_end;
    pool->backoff.fire = on_backoff;
    pool->drain.fire = on_drain;
    pool->random = (uint64_t)elpq__now() ^ (uint64_t)(uintptr_t)pool;
    pool->random |= 1;
    elpq__list_init(&pool->waiting);
    for (int i = 0; i < PLACES; i++)
        elpq__list_init(&pool->conns[i]);
}

elpq_pool *elpq_pool_new(struct event_base *base, const char *conninfo,
                         const elpq_pool_options *options, elpq_error **error)
{
    char *why = check_arguments(base, conninfo, options);
    elpq_pool *pool;

    if (error)
        *error = NULL;
    if (why) {
        elpq__error_give(error, ELPQ_E_USAGE, why);
        free(why);
        return NULL;
    }
    pool = elpq__new(elpq_pool);
    if (pool) {
        pool_options_init(&pool->options, options);
        pool_init(pool, base);
        pool->loop = elpq__loop_get(base);
        pool->conninfo = strdup(conninfo ? conninfo : "");
        pool->params = copy_list(pool->options.conn.params);
        pool->on_connect = copy_list(pool->options.on_connect);
    }
    if (!pool || !pool->loop || !pool->conninfo || !pool->params ||
        !pool->on_connect) {
        if (pool)
            pool_free(pool);
        elpq__error_give(error, ELPQ_E_NOMEM, NULL);
        return NULL;
    }
    pool->options.conn.params = (const char *const *)pool->params;
    if (pool->options.min_size > 0)
        wake(pool);
    return pool;
}

/* ------------------------------------------------------------- submitting */

static int pool_check(elpq_pool *pool)
{
    if (!elpq__loop_is_ours(pool->loop))
        return ELPQ_E_FORKED;
    if (pool->closing)
        return ELPQ_E_CLOSED;
    /* Those that idle connections are about to take do not really wait. */
    if (pool->nwaiting >= pool->options.max_waiting + pool->count[IDLE]) {
        pool->stats.refused++;
        return ELPQ_E_FULL;
    }
    return 0;
}

static int get_in_line(elpq_pool *pool, elpq_request *req)
{
    if (req->code) {
        elpq__request_end_soon(req);
        elpq__request_accepted(req);
        return 0;
    }
    req->place = ELPQ__WAITING;
    req->line = &pool->line;
    req->waited = pool->nwaiting >= pool->count[IDLE];
    elpq__list_push(&pool->waiting, &req->node);
    pool->nwaiting++;
    wake(pool);
    elpq__request_accepted(req);
    return 0;
}

int elpq_pool_execute(elpq_pool *pool, const elpq_statement *statement,
                      const elpq_options *options, elpq_result_cb callback,
                      void *arg)
{
    elpq_request *req;
    int code;

    if (!pool || !statement || !statement->sql || !callback ||
        (statement->nvalues && !statement->values))
        return ELPQ_E_USAGE;
    if ((code = pool_check(pool)))
        return code;
    req = elpq__request_submit(pool->loop, ELPQ__STATEMENT, statement,
                               options, pool->options.conn.timeout_ms,
                               &pool->options.conn);
    if (!req)
        return ELPQ_E_NOMEM;
    pool->stats.statements++;
    req->cb.result = callback;
    req->arg = arg;
    return get_in_line(pool, req);
}

int elpq_pool_script_trusted(elpq_pool *pool, const char *sql,
                             const elpq_options *options, elpq_script_cb each,
                             elpq_done_cb done, void *arg)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, NULL, 0);
    elpq_request *req;
    int code;

    if (!pool || !sql || !done)
        return ELPQ_E_USAGE;
    if ((code = pool_check(pool)))
        return code;
    req = elpq__request_submit(pool->loop, ELPQ__SCRIPT, &st, options,
                               pool->options.conn.timeout_ms,
                               &pool->options.conn);
    if (!req)
        return ELPQ_E_NOMEM;
    pool->stats.statements++;
    req->each = each;
    req->cb.done = done;
    req->arg = arg;
    return get_in_line(pool, req);
}

int elpq_pool_acquire(elpq_pool *pool, const elpq_options *options,
                      elpq_conn_cb callback, void *arg)
{
    elpq_statement none = elpq_sql_from_trusted_string("", NULL, 0);
    elpq_conn_options silent = { 0 };
    elpq_request *req;
    int code;

    if (!pool || !callback)
        return ELPQ_E_USAGE;
    if ((code = pool_check(pool)))
        return code;
    req = elpq__request_submit(pool->loop, ELPQ__LEASE, &none, options,
                               pool->options.acquire_timeout_ms, &silent);
    if (!req)
        return ELPQ_E_NOMEM;
    pool->stats.acquires++;
    req->cb.conn = callback;
    req->arg = arg;
    return get_in_line(pool, req);
}

void elpq_pool_stats(const elpq_pool *pool, elpq_pool_statistics *out)
{
    *out = pool->stats;
    out->size = size_of(pool);
    out->timeouts = pool->line.timeouts;
    out->idle = pool->count[IDLE];
    out->connecting = pool->count[CONNECTING];
    out->busy = out->size - out->idle - out->connecting;
    out->waiting = pool->nwaiting;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Connections of a pool until they are ready: made, asked about by hooks,
 * admitted; and the pauses after those that failed.
 *
 * While this goes on, their place is CONNECTING.
 */
#include "backoff.h"
#include "pool_int.h"

void elpq__pool_back_off(elpq_pool *pool)
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

bool elpq__pool_may_open(const elpq_pool *pool)
{
    return elpq__pool_size(pool) < pool->options.max_size &&
           pool->count[CONNECTING] < pool->options.max_connecting &&
           !elpq__timer_runs(&pool->backoff);
}

bool elpq__pool_open_one(elpq_pool *pool)
{
    bool asks = pool->options.before_connect != NULL;
    elpq_conn *conn;

    if (!elpq__pool_may_open(pool))
        return false;
    conn = asks
               ? elpq__conn_make(pool->base, &pool->options.conn,
                                 (const char *const *)pool->on_connect)
               : elpq__conn_new(pool->base, pool->conninfo, &pool->options.conn,
                                (const char *const *)pool->on_connect, NULL);
    if (!conn) {
        elpq__pool_back_off(pool);
        return false;
    }
    conn->owner = &elpq__pool_owner;
    conn->catalog = elpq__catalog_ref(pool->catalog);
    conn->piles = pool->options.pipeline_depth > 1;
    conn->slot_pool = pool;
    conn->slot_timer.fire = elpq__pool_slot_timer;
    conn->slot_timer.far = true;
    elpq__pool_move(conn, CONNECTING);
    if (asks)
        elpq__pool_before_connect(pool, conn);
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
        pool->stats.failed_waiting++;
        elpq__request_blame_unsent(req, error);
        elpq__request_end_soon(req);
    }
}

void elpq__pool_refuse(elpq_conn *conn, const elpq_error *error)
{
    elpq_pool *pool = conn->slot_pool;
    elpq_pool_event event = { .kind = ELPQ_POOL_CONNECT_FAILED,
                              .error = error };

    pool->stats.connect_failures++;
    elpq__pool_drop_quietly(conn);
    elpq__pool_back_off(pool);
    if (pool->watch)
        pool->watch->lost(pool->watch);
    if (hopeless(pool, error))
        elpq__pool_fail_waiting(pool, error);
    elpq__pool_event(pool, &event);
}

void elpq__pool_opened(elpq_conn *conn, const elpq_error *error)
{
    elpq_pool *pool = conn->slot_pool;

    if (error)
        elpq__pool_refuse(conn, error);
    else if (pool->options.after_connect)
        elpq__pool_after_connect(pool, conn);
    else
        elpq__pool_admit(conn);
}

/* Behind on_connect, in the same pipeline. */
void elpq__pool_setting_up(elpq_conn *conn)
{
    elpq_pool *pool = conn->slot_pool;

    elpq__prepare_ahead(conn, pool->prepare);
}

void elpq__pool_admit(elpq_conn *conn)
{
    elpq_pool *pool = conn->slot_pool;
    int life = pool->options.max_lifetime_ms;
    int64_t took = elpq__now() - conn->connect_began;
    elpq_pool_event event = { .kind = ELPQ_POOL_OPENED,
                              .conn = conn,
                              .usec = took };

    pool->stats.connects++;
    pool->stats.connect_usec += (uint64_t)took;
    pool->was_connected = true;
    conn->slot_pid = elpq_conn_pid(conn);
    elpq__timer_stop(pool->loop, &pool->backoff);
    if (life > 0)
        conn->slot_retire = elpq__now() + life * INT64_C(1000) -
                            (int64_t)elpq__random_below(&pool->random,
                                                        (uint64_t)life * 100);
    conn->slot_since = elpq__now();
    elpq__pool_wake(pool); /* another one may connect now */
    elpq__pool_move(conn, IDLE);
    elpq__conn_ref(conn);
    elpq__pool_event(pool, &event);
    if (conn->owner == &elpq__pool_owner && conn->slot_place == IDLE &&
        elpq__pool_is_over(conn, elpq__now()))
        elpq__pool_retire(conn);
    elpq__conn_unref(conn);
}

void elpq__pool_lost(elpq_conn *conn, const elpq_error *error)
{
    elpq_pool *pool = conn->slot_pool;

    if (conn->slot_place == CONNECTING) {
        elpq__pool_refuse(conn, error); /* while after_connect was at it */
        return;
    }
    /* A server that lets everybody in and then out again is not up. */
    if (!conn->slot_answered)
        elpq__pool_back_off(pool);
    if (pool->watch)
        pool->watch->lost(pool->watch);
    elpq__pool_drop(conn, ELPQ_LEFT_LOST, error);
}

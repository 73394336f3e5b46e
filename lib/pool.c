/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pool as its user sees it: made, given work, closed.
 *
 * Submitting only puts a request in line; pool_conns.c serves it at the end
 * of the turn.  The pool is freed by the task that reports its end, and not
 * before every connection has left it.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "pool_int.h"

#define DEFAULT_SIZE 10

/* ---------------------------------------------------------------- closing */

static void pool_free(elpq_pool *pool)
{
    struct elpq__loop *loop = pool->loop;

    for (char **s = pool->on_connect; s && *s; s++)
        free(*s);
    for (elpq_request **req = pool->prepare; req && *req; req++)
        elpq__request_free(*req);
    free(pool->prepare);
    free(pool->on_connect);
    elpq__forget_strings(pool->params);
    elpq__forget(pool->conninfo);
    elpq__lookup_leave(pool->catalog, pool);
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
        elpq__pool_drop(elpq__container(node, elpq_conn, slot_node),
                        ELPQ_LEFT_CLOSING, NULL);
}

/* Nobody waits, nobody works: what is left can go. */
void elpq__pool_check_end(elpq_pool *pool)
{
    if (!pool->closing || pool->closed || pool->nwaiting > 0)
        return;
    drop_all(pool, CONNECTING);
    drop_all(pool, PINGING);
    drop_all(pool, RESETTING);
    drop_all(pool, IDLE);
    if (elpq__pool_size(pool) > 0)
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
    elpq__pool_fail_waiting(pool, &error);
    for (int i = 0; i < PLACES; i++)
        drop_all(pool, (enum place)i);
    elpq__pool_check_end(pool);
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
    elpq__lender_closing(&pool->lender);
    if (drain_ms == 0) {
        close_now(pool);
        return;
    }
    if (drain_ms > 0 &&
        (!elpq__timer_runs(&pool->drain) || due < pool->drain.due))
        elpq__timer_start(pool->loop, &pool->drain, due);
    elpq__pool_wake(pool);
}

/* ---------------------------------------------------------------- requests */

static int check(struct elpq__lender *lender)
{
    elpq_pool *pool = elpq__container(lender, elpq_pool, lender);

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

void elpq__pool_enlist(elpq_pool *pool, elpq_request *req)
{
    req->place = ELPQ__WAITING;
    req->line = &pool->line;
    req->waited = pool->nwaiting >= pool->count[IDLE];
    elpq__list_push(&pool->waiting, &req->node);
    pool->nwaiting++;
    elpq__pool_wake(pool);
}

static int take(struct elpq__lender *lender, elpq_request *req)
{
    elpq_pool *pool = elpq__container(lender, elpq_pool, lender);

    if (req->kind == ELPQ__LEASE)
        pool->stats.acquires++;
    else
        pool->stats.statements++;
    if (req->code)
        elpq__request_end_soon(req);
    else
        elpq__pool_enlist(pool, req);
    elpq__request_accepted(req);
    return 0;
}

static const struct elpq__lends lends = { .check = check, .take = take };

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
    if (out->conn.pooler)
        out->reset = ELPQ_RESET_NEVER; /* it would be that of another one */
    default_unsigned(&out->max_size, DEFAULT_SIZE);
    default_unsigned(&out->max_waiting, 10000);
    default_unsigned(&out->max_connecting, 3);
    default_int(&out->acquire_timeout_ms, 30000);
    default_int(&out->idle_timeout_ms, 600000);
    default_int(&out->max_lifetime_ms, 3600000);
    default_int(&out->ping_after_ms, 1000);
    default_int(&out->backoff_min_ms, 100);
    default_int(&out->backoff_max_ms, 10000);
    default_unsigned(&out->pipeline_depth, 1);
    default_int(&out->pipeline_stall_ms, 5);
    if (out->reset == ELPQ_RESET_ALWAYS)
        out->pipeline_depth = 1;
    out->on_connect = NULL; /* the caller's memory */
    out->prepare = NULL;
}

/* Templates of the statements that are prepared ahead; false: no memory. */
static bool copy_statements(elpq_pool *pool, const elpq_statement *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    pool->prepare = calloc(n + 1, sizeof(elpq_request *));
    if (!pool->prepare)
        return false;
    for (size_t i = 0; i < n; i++) {
        pool->prepare[i] =
            elpq__request_new(pool->loop, ELPQ__PREPARE, list[i], NULL);
        if (!pool->prepare[i])
            return false;
    }
    return true;
}

/* NULL, or what is wrong with the arguments, to be freed. */
static char *check_arguments(const struct event_base *base,
                             const char *conninfo,
                             const elpq_pool_options *options)
{
    if (!base)
        return strdup("elpq_pool_new needs an event_base");
    if (options && options->min_size >
                       (options->max_size ? options->max_size : DEFAULT_SIZE))
        return strdup("min_size is larger than max_size");
    if (options && options->conn.pooler && options->on_connect &&
        options->on_connect[0])
        return strdup("on_connect needs sessions, which a pooler in "
                      "transaction mode does not give");
    if (options && !elpq__server_timeout_fits(options->conn.pooler,
                                              options->conn.server_timeout_ms))
        return strdup(ELPQ__NO_SERVER_TIMEOUT);
    for (size_t i = 0; options && options->prepare && options->prepare[i]; i++)
        if (!options->prepare[i]->sql)
            return strdup("prepare: a statement without text");
    return elpq__conninfo_check(conninfo,
                                options ? options->conn.params : NULL);
}

static void pool_init(elpq_pool *pool, struct event_base *base)
{
    pool->base = base;
    pool->line.left = elpq__pool_left;
    elpq__lender_init(&pool->lender, &lends, &pool->options);
    pool->serve.run = elpq__pool_serve;
    pool->end.run = run_end;
    pool->backoff.fire = elpq__pool_backed_off;
    pool->drain.fire = on_drain;
    pool->random = elpq__random_seed(elpq__now(), pool);
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
        pool->loop = pool->lender.loop = elpq__loop_get(base);
        pool->conninfo = strdup(conninfo ? conninfo : "");
        pool->params = elpq__copy_strings(pool->options.conn.params);
        pool->on_connect =
            elpq__copy_strings(options ? options->on_connect : NULL);
    }
    if (!pool || !pool->loop || !pool->conninfo || !pool->params ||
        !pool->on_connect || !elpq__lookup_pool(pool) ||
        !copy_statements(pool, options ? options->prepare : NULL)) {
        if (pool)
            pool_free(pool);
        elpq__error_give(error, ELPQ_E_NOMEM, NULL);
        return NULL;
    }
    pool->options.conn.params = (const char *const *)pool->params;
    if (pool->options.min_size > 0)
        elpq__pool_wake(pool);
    return pool;
}

/* --------------------------------------------------------------- changing */

int elpq_pool_resize(elpq_pool *pool, unsigned min_size, unsigned max_size)
{
    struct elpq__node *node;

    if (!pool)
        return ELPQ_E_USAGE;
    default_unsigned(&max_size, DEFAULT_SIZE);
    if (min_size > max_size)
        return ELPQ_E_USAGE;
    if (!elpq__loop_is_ours(pool->loop))
        return ELPQ_E_FORKED;
    if (pool->closing)
        return ELPQ_E_CLOSED;
    pool->options.min_size = min_size;
    pool->options.max_size = max_size;
    pool->shrunk = elpq__pool_size(pool) > max_size;
    /* The one that was idle for longest is the last. */
    while (elpq__pool_size(pool) > max_size && pool->count[IDLE] > 0) {
        node = pool->conns[IDLE].head.prev;
        elpq__pool_drop(elpq__container(node, elpq_conn, slot_node),
                        ELPQ_LEFT_RESIZED, NULL);
        max_size = pool->options.max_size; /* a hook may change it */
    }
    elpq__pool_idle_timers(pool); /* fewer than before may stay */
    elpq__pool_wake(pool);
    return 0;
}

int elpq_pool_expire(elpq_pool *pool)
{
    struct elpq__node *node;

    if (!pool)
        return ELPQ_E_USAGE;
    if (!elpq__loop_is_ours(pool->loop))
        return ELPQ_E_FORKED;
    if (pool->closing)
        return ELPQ_E_CLOSED;
    for (int i = 0; i < PLACES; i++)
        for (node = pool->conns[i].head.next; node != &pool->conns[i].head;
             node = node->next)
            elpq__container(node, elpq_conn, slot_node)->slot_stale = true;
    /* Hooks see them go, and may do anything; new ones are not stale. */
    while ((node = elpq__list_first(&pool->conns[IDLE])) &&
           elpq__container(node, elpq_conn, slot_node)->slot_stale)
        elpq__pool_drop(elpq__container(node, elpq_conn, slot_node),
                        ELPQ_LEFT_EXPIRED, NULL);
    elpq__pool_wake(pool);
    return 0;
}

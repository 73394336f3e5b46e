/* SPDX-License-Identifier: PostgreSQL */
/*
 * Life of a router: made, closed, drained.
 *
 * It is freed by the task that reports its end, and not before all pools have
 * ended; so the hosts outlive everything that points at them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "router_int.h"

/* ---------------------------------------------------------------- closing */

static void router_free(elpq_router *router)
{
    struct elpq__loop *loop = router->loop;

    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[i];

        elpq__forget(host->conninfo);
        free(host->name);
    }
    free(router->hosts);
    elpq__lookup_leave(router->catalog, router);
    if (loop) {
        elpq__task_drop(&router->serve);
        elpq__timer_stop(loop, &router->drain);
    }
    free(router);
    if (loop)
        elpq__loop_unref(loop);
}

static void run_end(struct elpq__task *task)
{
    elpq_router *router = elpq__container(task, elpq_router, end);
    elpq_done_cb callback = router->on_end;
    void *arg = router->on_end_arg;

    router_free(router);
    if (callback)
        callback(NULL, arg);
}

static void on_pool_end(const elpq_error *error, void *arg)
{
    struct elpq__host *host = arg;
    elpq_router *router = host->router;

    (void)error;
    host->pool = NULL;
    if (--router->open == 0)
        elpq__task_post(router->loop, &router->end);
}

void elpq__router_stop(elpq_router *router)
{
    int left = 0;

    if (router->stopped)
        return;
    router->stopped = true;
    if (elpq__timer_runs(&router->drain))
        left = (int)((router->drain.due - elpq__now()) / 1000);
    else if (router->drain_forever)
        left = ELPQ_NO_TIMEOUT;
    for (unsigned i = 0; i < router->nhosts; i++)
        elpq__host_stop(&router->hosts[i]);
    for (unsigned i = 0; i < router->nhosts; i++)
        elpq_pool_close(router->hosts[i].pool,
                        left < 0 && !router->drain_forever ? 0 : left,
                        on_pool_end, &router->hosts[i]);
}

static void close_now(elpq_router *router)
{
    elpq_error error;

    elpq__timer_stop(router->loop, &router->drain);
    router->drain_forever = false;
    if (router->open == 0)
        return;
    if (router->stopped) {
        for (unsigned i = 0; i < router->nhosts; i++)
            if (router->hosts[i].pool)
                elpq_pool_close(router->hosts[i].pool, 0, NULL, NULL);
        return;
    }
    elpq__error_set(&error, ELPQ_E_CLOSED, ELPQ_NOT_EXECUTED,
                    "the router was closed");
    elpq__router_fail_waiting(router, &error);
    elpq__router_stop(router);
}

static void on_drain(struct elpq__timer *timer)
{
    close_now(elpq__container(timer, elpq_router, drain));
}

void elpq_router_close(elpq_router *router, int drain_ms, elpq_done_cb callback,
                       void *arg)
{
    int64_t due = elpq__now() + drain_ms * INT64_C(1000);

    if (!router || !elpq__loop_is_ours(router->loop))
        return;
    elpq__lender_closing(&router->lender);
    if (callback) {
        router->on_end = callback;
        router->on_end_arg = arg;
    }
    if (drain_ms == 0) {
        router->closing = true;
        close_now(router);
        return;
    }
    if (drain_ms < 0 && !router->closing)
        router->drain_forever = true;
    if (drain_ms > 0 && (!router->closing || router->drain_forever ||
                         due < router->drain.due)) {
        router->drain_forever = false;
        elpq__timer_start(router->loop, &router->drain, due);
    }
    router->closing = true;
    elpq__router_wake(router);
}

/* -------------------------------------------------------------------- new */

static void default_int(int *x, int value)
{
    if (*x == 0)
        *x = value;
}

static void options_init(elpq_router_options *out,
                         const elpq_router_options *in)
{
    int period;

    if (in)
        *out = *in;
    else
        memset(out, 0, sizeof(*out));
    elpq__conn_options_init(&out->pool.conn, in ? &in->pool.conn : NULL);
    default_int(&out->pool.acquire_timeout_ms, 30000);
    default_int(&out->max_lag_ms, 10000);
    period = out->max_lag_ms < 0 || out->max_lag_ms > 4000
                 ? 1000
                 : (out->max_lag_ms + 3) / 4;
    default_int(&out->check_period_ms, period);
    default_int(&out->check_timeout_ms, 2000);
    default_int(&out->backoff_min_ms, 50);
    default_int(&out->backoff_max_ms, 1000);
    if (out->max_waiting == 0)
        out->max_waiting = 10000;
    if (out->max_retries == 0)
        out->max_retries = 10;
}

static const char *keyword(PQconninfoOption *options, const char *word)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, word) == 0 && options->val)
            return options->val;
    return NULL;
}

/* "address:port", without anything secret; NULL if out of memory. */
static char *host_name(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    const char *host = keyword(options, "host");
    const char *port = keyword(options, "port");
    char *name = NULL;
    size_t size;

    if (!host)
        host = keyword(options, "hostaddr");
    if (!host)
        host = "localhost";
    if (!port)
        port = "5432";
    size = strlen(host) + strlen(port) + 2;
    name = malloc(size);
    if (name)
        snprintf(name, size, "%s:%s", host, port);
    elpq__conninfo_free(options);
    return name;
}

/* The parts of a host; false: *error says why not. */
static bool host_init(elpq_router *router, unsigned number,
                      const char *conninfo, elpq_error **error)
{
    struct elpq__host *host = &router->hosts[number];

    host->router = router;
    host->number = number;
    host->pool =
        elpq_pool_new(router->base, conninfo, &router->options.pool, error);
    if (!host->pool)
        return false;
    elpq__router_watch(host);
    router->open++;
    host->conninfo = strdup(conninfo);
    host->name = host_name(conninfo);
    if (host->conninfo && host->name)
        return true;
    elpq__error_give(error, ELPQ_E_NOMEM, NULL);
    return false;
}

/* How many there are; 0: what is wrong with the arguments is told. */
static unsigned count_hosts(const struct event_base *base,
                            const char *const *hosts,
                            const elpq_router_options *options,
                            elpq_error **error)
{
    const char *why = NULL;
    unsigned n = 0;

    while (hosts && n <= ELPQ__HOSTS_MAX && hosts[n])
        n++;
    if (!base)
        why = "elpq_router_new needs an event_base";
    else if (n == 0)
        why = "elpq_router_new needs a host";
    else if (n > ELPQ__HOSTS_MAX)
        why = "too many hosts";
    else if (options &&
             (options->max_lag_ms < -1 || options->check_period_ms < 0 ||
              options->check_timeout_ms < 0 || options->backoff_min_ms < 0 ||
              options->backoff_max_ms < 0))
        why = "a time is negative";
    if (!why)
        return n;
    elpq__error_give(error, ELPQ_E_USAGE, why);
    return 0;
}

static elpq_router *router_alloc(struct event_base *base, unsigned n,
                                 const elpq_router_options *options)
{
    elpq_router *router = elpq__new(elpq_router);

    if (!router)
        return NULL;
    router->base = base;
    elpq__router_lines_init(router);
    router->end.run = run_end;
    router->drain.fire = on_drain;
    router->random = elpq__random_seed(elpq__now(), router);
    options_init(&router->options, options);
    router->loop = router->lender.loop = elpq__loop_get(base);
    router->hosts = calloc(n, sizeof(*router->hosts));
    router->nhosts = router->hosts ? n : 0;
    if (router->loop && router->hosts && elpq__lookup_router(router))
        return router;
    router_free(router);
    return NULL;
}

elpq_router *elpq_router_new(struct event_base *base, const char *const *hosts,
                             const elpq_router_options *options,
                             elpq_error **error)
{
    unsigned n = count_hosts(base, hosts, options, error);
    elpq_router *router;

    if (error && n > 0)
        *error = NULL;
    if (n == 0)
        return NULL;
    router = router_alloc(base, n, options);
    if (!router) {
        elpq__error_give(error, ELPQ_E_NOMEM, NULL);
        return NULL;
    }
    for (unsigned i = 0; i < n; i++)
        if (!host_init(router, i, hosts[i], error)) {
            for (unsigned k = 0; k <= i; k++)
                elpq_pool_close(router->hosts[k].pool, 0, NULL, NULL);
            router_free(router);
            return NULL;
        }
    router->monitor = router->options.pool.conn;
    router->monitor.params = router->hosts[0].pool->options.conn.params;
    router->monitor.connect_timeout_ms = router->options.check_timeout_ms;
    router->monitor.cancel_grace_ms = 1; /* who is late to answer is down */
    router->monitor.notice = NULL;
    router->monitor.trace = NULL;
    router->monitor.parameter = NULL; /* it is no connection of the user's */
    router->stats.hosts = n;
    for (unsigned i = 0; i < n; i++)
        elpq__host_start(&router->hosts[i]);
    return router;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The router as its user sees it: made, given work, closed; and which host
 * gets what.
 *
 * A request of the router is one of a pool, from the pool it was given to on,
 * and stands in a line of ours before that.  Its deadline runs from the submit
 * on, wherever it is.  What fails without having been executed comes back to
 * the head of our line (go_again), as if it had just been submitted.
 *
 * Requests leave the lines at the turn's end, and then first come, first
 * served in each of the two: what only reads need not wait for a primary.
 *
 * The router is freed by the task that reports its end, and not before all
 * pools have ended; so the hosts outlive everything that points at them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "router_int.h"
#include "tx_int.h"

/* Of one request. */
struct elpq__route {
    elpq_router *router;
    bool reads;      /* may go to a standby                              */
    bool conflicted; /* a standby canceled it: the primary will not      */
    bool unrun;      /* what the server said proves that it did not run  */
    unsigned tries;  /* times that it came back                          */
};

void elpq__router_wake(elpq_router *router)
{
    elpq__task_post(router->loop, &router->serve);
}

/* --------------------------------------------------------------- routing */

/* Whether a is the better one of two that may have it. */
static bool is_better(const elpq_router *router, const struct elpq__host *a,
                      const struct elpq__host *b)
{
    if (router->options.routing == ELPQ_ROUTE_NEAREST)
        return a->round_trip < b->round_trip;
    return elpq__pool_load(a->pool) < elpq__pool_load(b->pool);
}

static struct elpq__host *pick_standby(elpq_router *router)
{
    struct elpq__host *best = NULL;
    unsigned first = router->turn++;

    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[(first + i) % router->nhosts];

        if (elpq__host_current(host) &&
            (!best || is_better(router, host, best)))
            best = host;
    }
    return best;
}

static struct elpq__host *pick(elpq_router *router,
                               const struct elpq__route *route)
{
    struct elpq__host *primary = router->primary;
    struct elpq__host *standby = NULL;

    if (primary && !elpq__host_writable(primary))
        primary = NULL;
    if (!route->reads)
        return primary;
    if (router->options.never_read_primary)
        primary = NULL;
    if (!route->conflicted || !primary)
        standby = pick_standby(router);
    return standby ? standby : primary;
}

static void serve_line(elpq_router *router, int line)
{
    struct elpq__node *node;

    while ((node = elpq__list_first(&router->waiting[line]))) {
        elpq_request *req = elpq__container(node, elpq_request, node);
        struct elpq__host *host = pick(router, req->route);

        if (!host)
            return;
        elpq__list_remove(node);
        router->nwaiting--;
        host->requests++;
        if (host == router->primary)
            router->stats.to_primary++;
        else
            router->stats.to_standbys++;
        elpq__pool_enlist(host->pool, req);
    }
}

/* A request in line was canceled, or its deadline passed. */
static void on_left(struct elpq__line *line, elpq_request *req)
{
    elpq_router *router = elpq__container(line, elpq_router, line);

    (void)req;
    router->nwaiting--;
    elpq__router_wake(router); /* a closing router may have waited for it */
}

void elpq__router_fail_waiting(elpq_router *router, const elpq_error *error)
{
    struct elpq__node *node;

    for (int line = 0; line < ELPQ__LINES; line++)
        while ((node = elpq__list_pop(&router->waiting[line]))) {
            elpq_request *req = elpq__container(node, elpq_request, node);

            router->nwaiting--;
            req->again = NULL;
            req->owned = elpq_error_dup(error);
            elpq__request_blame(req, error->code,
                                error->flags | ELPQ_NOT_EXECUTED, NULL);
            elpq__request_end_soon(req);
        }
}

/* ---------------------------------------------------------------- retries */

static void stand_in_line(elpq_router *router, elpq_request *req, bool first)
{
    struct elpq__list *list =
        &router->waiting[req->route->reads ? ELPQ__READS : ELPQ__WRITES];

    req->place = ELPQ__WAITING;
    req->line = &router->line;
    if (first)
        elpq__list_push_front(list, &req->node);
    else
        elpq__list_push(list, &req->node);
    router->nwaiting++;
    elpq__router_wake(router);
}

/* Only what certainly did not run, for a reason that another host has not. */
static bool may_go_again(const elpq_request *req, const elpq_error *error)
{
    const struct elpq__route *route = req->route;
    const unsigned flags = ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE;

    if (route->router->stopped || req->delivered ||
        route->tries >= route->router->options.max_retries)
        return false;
    if (route->unrun)
        return true;
    return (error->flags & flags) == flags &&
           (error->code == ELPQ_E_LOST || error->code == ELPQ_E_CONNECT);
}

static bool go_again(elpq_request *req, const elpq_error *error)
{
    struct elpq__route *route = req->route;

    if (!may_go_again(req, error))
        return false;
    route->tries++;
    route->unrun = false;
    route->router->stats.retries++;
    elpq__request_renew(req);
    stand_in_line(route->router, req, true);
    return true;
}

/*
 * The server is a standby, and refuses to write.  Servers before 14 do not
 * report that; a query that they refuse cannot have had an effect either.
 */
static bool is_standby(const elpq_conn *conn, const elpq_request *req)
{
    const char *hot = PQparameterStatus(conn->pg, "in_hot_standby");

    return hot ? strcmp(hot, "on") == 0 : elpq__sql_is_query(req->sql);
}

static bool is_shutdown(const char *state)
{
    return strncmp(state, "57P0", 4) == 0; /* 57P01, 57P02, 57P03 */
}

/* A statement failed on a connection of a host, maybe one of a lease. */
static void on_failed(struct elpq__pool_watch *watch, elpq_conn *conn,
                      elpq_request *req, const PGresult *failure)
{
    struct elpq__host *host = elpq__container(watch, struct elpq__host, watch);
    const char *state = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    struct elpq__route *route = req->again ? req->route : NULL;
    bool wrong_host;

    if (!state)
        return;
    wrong_host = strcmp(state, "25006") == 0 && is_standby(conn, req);
    if (is_shutdown(state) || (wrong_host && host->role == ELPQ_ROLE_PRIMARY))
        elpq__host_doubt(host);
    if (!route || req->kind == ELPQ__SCRIPT)
        return;
    if (wrong_host && !route->reads) {
        route->unrun = true;
    } else if (route->reads && strcmp(state, "40001") == 0 &&
               is_standby(conn, req)) {
        route->unrun = true; /* a conflict with recovery */
        route->conflicted = true;
    }
}

static void on_lost(struct elpq__pool_watch *watch)
{
    elpq__host_doubt(elpq__container(watch, struct elpq__host, watch));
}

/* ---------------------------------------------------------------- closing */

static void router_free(elpq_router *router)
{
    struct elpq__loop *loop = router->loop;

    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[i];

        if (host->conninfo)
            explicit_bzero(host->conninfo, strlen(host->conninfo));
        free(host->conninfo);
        free(host->name);
    }
    free(router->hosts);
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
    elpq_router *router = arg;

    (void)error;
    if (--router->open == 0)
        elpq__task_post(router->loop, &router->end);
}

/* The rest of the drain is the pools' own. */
static void stop(elpq_router *router)
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
                        on_pool_end, router);
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
    stop(router);
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

static void on_serve(struct elpq__task *task)
{
    elpq_router *router = elpq__container(task, elpq_router, serve);

    if (router->stopped)
        return;
    for (int line = 0; line < ELPQ__LINES; line++)
        serve_line(router, line);
    if (router->closing && router->nwaiting == 0)
        stop(router);
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
    PQconninfoFree(options);
    return name;
}

/* The parts of a host; false: *error says why not. */
static bool host_init(elpq_router *router, unsigned number,
                      const char *conninfo, elpq_error **error)
{
    struct elpq__host *host = &router->hosts[number];

    host->router = router;
    host->number = number;
    host->watch.failed = on_failed;
    host->watch.lost = on_lost;
    host->pool =
        elpq_pool_new(router->base, conninfo, &router->options.pool, error);
    if (!host->pool)
        return false;
    host->pool->watch = &host->watch;
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
    router->line.left = on_left;
    router->serve.run = on_serve;
    router->end.run = run_end;
    router->drain.fire = on_drain;
    router->random = elpq__random_seed(elpq__now(), router);
    for (int line = 0; line < ELPQ__LINES; line++)
        elpq__list_init(&router->waiting[line]);
    options_init(&router->options, options);
    router->loop = elpq__loop_get(base);
    router->hosts = calloc(n, sizeof(*router->hosts));
    router->nhosts = router->hosts ? n : 0;
    if (router->loop && router->hosts)
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
    router->monitor.notice = NULL;
    router->monitor.trace = NULL;
    router->stats.hosts = n;
    for (unsigned i = 0; i < n; i++)
        elpq__host_start(&router->hosts[i]);
    return router;
}

/* ------------------------------------------------------------- submitting */

static int router_check(elpq_router *router)
{
    unsigned waiting = router->nwaiting;
    unsigned idle = 0;

    if (!elpq__loop_is_ours(router->loop))
        return ELPQ_E_FORKED;
    if (router->closing)
        return ELPQ_E_CLOSED;
    for (unsigned i = 0; i < router->nhosts; i++) {
        waiting += router->hosts[i].pool->nwaiting;
        idle += router->hosts[i].pool->count[IDLE];
    }
    /* As in pool.c: what idle connections are about to take does not wait. */
    if (waiting < router->options.max_waiting + idle)
        return 0;
    router->stats.refused++;
    return ELPQ_E_FULL;
}

/* A request with its route, in no line yet; 0 or a code. */
static int make(elpq_router *router, enum elpq__kind kind,
                const elpq_statement *statement, const elpq_options *options,
                elpq_request **out)
{
    bool lease = kind == ELPQ__LEASE;
    elpq_conn_options silent = { 0 };
    const elpq_pool_options *pool = &router->options.pool;
    struct elpq__route *route;
    elpq_request *req;
    int code = router_check(router);

    if (code)
        return code;
    route = elpq__new(struct elpq__route);
    if (!route)
        return ELPQ_E_NOMEM;
    req = elpq__request_submit(router->loop, kind, statement, options,
                               lease ? pool->acquire_timeout_ms
                                     : pool->conn.timeout_ms,
                               lease ? &silent : &pool->conn);
    if (!req) {
        free(route);
        return ELPQ_E_NOMEM;
    }
    route->router = router;
    route->reads = (req->flags & ELPQ_READONLY) != 0;
    req->route = route;
    req->again = go_again;
    *out = req;
    return 0;
}

static int submit(elpq_router *router, elpq_request *req)
{
    if (req->code)
        elpq__request_end_soon(req);
    else
        stand_in_line(router, req, false);
    elpq__request_accepted(req);
    return 0;
}

static bool is_statement(const elpq_statement *st)
{
    return st && st->sql && (!st->nvalues || st->values);
}

int elpq_router_execute(elpq_router *router, const elpq_statement *statement,
                        const elpq_options *options, elpq_result_cb callback,
                        void *arg)
{
    elpq_request *req;
    int code;

    if (!router || !is_statement(statement) || !callback)
        return ELPQ_E_USAGE;
    code = make(router, ELPQ__STATEMENT, statement, options, &req);
    if (code)
        return code;
    req->cb.result = callback;
    req->arg = arg;
    return submit(router, req);
}

int elpq_router_stream(elpq_router *router, const elpq_statement *statement,
                       const elpq_options *options, elpq_rows_cb rows,
                       elpq_done_cb done, void *arg)
{
    elpq_request *req;
    int code;

    if (!router || !is_statement(statement) || !rows || !done)
        return ELPQ_E_USAGE;
    code = make(router, ELPQ__STREAM, statement, options, &req);
    if (code)
        return code;
    req->on_rows = rows;
    req->cb.done = done;
    req->arg = arg;
    return submit(router, req);
}

int elpq_router_script_trusted(elpq_router *router, const char *sql,
                               const elpq_options *options, elpq_script_cb each,
                               elpq_done_cb done, void *arg)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, NULL, 0);
    elpq_request *req;
    int code;

    if (!router || !sql || !done)
        return ELPQ_E_USAGE;
    code = make(router, ELPQ__SCRIPT, &st, options, &req);
    if (code)
        return code;
    req->each = each;
    req->cb.done = done;
    req->arg = arg;
    return submit(router, req);
}

int elpq_router_acquire(elpq_router *router, const elpq_options *options,
                        elpq_conn_cb callback, void *arg)
{
    elpq_statement none = elpq_sql_from_trusted_string("", NULL, 0);
    elpq_request *req;
    int code;

    if (!router || !callback)
        return ELPQ_E_USAGE;
    code = make(router, ELPQ__LEASE, &none, options, &req);
    if (code)
        return code;
    req->cb.conn = callback;
    req->arg = arg;
    return submit(router, req);
}

static int acquire_of_router(void *router, const elpq_options *options,
                             elpq_conn_cb callback, void *arg)
{
    return elpq_router_acquire(router, options, callback, arg);
}

int elpq_router_begin(elpq_router *router, const elpq_tx_options *options,
                      elpq_tx_cb callback, void *arg)
{
    bool reads = router && options && options->read_only &&
                 router->options.begin_on_standbys;

    return elpq__tx_begin(acquire_of_router, router, reads ? ELPQ_READONLY : 0,
                          options, callback, arg);
}

/* ------------------------------------------------------------------- info */

void elpq_router_check(elpq_router *router)
{
    if (!router || !elpq__loop_is_ours(router->loop))
        return;
    for (unsigned i = 0; i < router->nhosts; i++)
        elpq__host_check_now(&router->hosts[i]);
}

bool elpq_router_host(const elpq_router *router, unsigned number,
                      elpq_host_info *out)
{
    const struct elpq__host *host;
    int64_t lag;

    if (number >= router->nhosts)
        return false;
    host = &router->hosts[number];
    lag = elpq__host_lag_usec(host);
    memset(out, 0, sizeof(*out));
    out->name = host->name;
    out->role = host->role;
    out->up = host->up;
    out->current = elpq__host_current(host);
    out->lag_ms = lag < 0 ? -1 : lag / 1000;
    out->lag_bytes = elpq__host_lag_bytes(host);
    out->round_trip_usec = host->round_trip;
    out->requests = host->requests;
    out->checks = host->checks;
    out->check_failures = host->check_failures;
    if (!router->stopped)
        elpq_pool_stats(host->pool, &out->pool);
    return true;
}

void elpq_router_stats(const elpq_router *router, elpq_router_statistics *out)
{
    *out = router->stats;
    out->primary = router->primary ? (int)router->primary->number : -1;
    out->waiting = router->nwaiting;
    out->timeouts = router->line.timeouts;
}

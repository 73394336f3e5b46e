/* SPDX-License-Identifier: PostgreSQL */
/*
 * Requests of a router: which host gets what, and what comes back.
 *
 * A request of the router is one of a pool, from the pool it was given to on,
 * and stands in a line of ours before that.  Its deadline runs from the submit
 * on, wherever it is.  What fails without having been executed comes back to
 * the head of our line (go_again), as if it had just been submitted.
 *
 * Requests leave the lines at the turn's end, and then first come, first
 * served in each of the two: what only reads need not wait for a primary.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "copy_int.h"
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
    unsigned first = router->turn;

    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[(first + i) % router->nhosts];

        if (elpq__host_current(host) &&
            (!best || is_better(router, host, best)))
            best = host;
    }
    /* Behind it, so that those who are alike take turns. */
    if (best)
        router->turn = (unsigned)(best - router->hosts) + 1;
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
            elpq__request_blame_unsent(req, error);
            elpq__request_end_soon(req);
        }
}

static void on_serve(struct elpq__task *task)
{
    elpq_router *router = elpq__container(task, elpq_router, serve);

    if (router->stopped)
        return;
    for (int line = 0; line < ELPQ__LINES; line++)
        serve_line(router, line);
    if (router->closing && router->nwaiting == 0)
        elpq__router_stop(router);
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
    /* TIMEOUT with both is that of a connect: its own has no RETRYABLE. */
    return (error->flags & flags) == flags &&
           (error->code == ELPQ_E_LOST || error->code == ELPQ_E_CONNECT ||
            error->code == ELPQ_E_TIMEOUT);
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

    return hot ? strcmp(hot, "on") == 0
               : !req->batch && elpq__sql_is_query(req->sql);
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

static bool is_primary(const struct elpq__pool_watch *watch)
{
    return elpq__host_writable(
        (const struct elpq__host *)((const char *)watch -
                                    offsetof(struct elpq__host, watch)));
}

void elpq__router_watch(struct elpq__host *host)
{
    host->watch.is_primary = is_primary;
    host->watch.failed = on_failed;
    host->watch.lost = on_lost;
    host->pool->watch = &host->watch;
    elpq__lookup_leave(host->pool->catalog, host->pool);
    host->pool->catalog = elpq__catalog_ref(host->router->catalog);
}

/* --------------------------------------------------------------- requests */

static int check(struct elpq__lender *lender)
{
    elpq_router *router = elpq__container(lender, elpq_router, lender);
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

/* Whether it may run on a standby: its user says so, and we do not object. */
static bool reads(const elpq_request *req)
{
    return (req->flags & ELPQ_READONLY) && !(req->flags & ELPQ__PRIMARY) &&
           !(req->copy && req->copy->in);
}

static int take(struct elpq__lender *lender, elpq_request *req)
{
    elpq_router *router = elpq__container(lender, elpq_router, lender);
    struct elpq__route *route = elpq__new(struct elpq__route);

    if (!route)
        return ELPQ_E_NOMEM;
    route->router = router;
    route->reads = reads(req);
    req->route = route;
    req->again = go_again;
    if (req->code)
        elpq__request_end_soon(req);
    else
        stand_in_line(router, req, false);
    elpq__request_accepted(req);
    return 0;
}

void elpq__router_lines_init(elpq_router *router)
{
    static const struct elpq__lends lends = { .check = check,
                                              .take = take,
                                              .routes = true };

    elpq__lender_init(&router->lender, &lends, &router->options.pool);
    router->line.left = on_left;
    router->serve.run = on_serve;
    for (int line = 0; line < ELPQ__LINES; line++)
        elpq__list_init(&router->waiting[line]);
}

/* Flags of a transaction's lease. */
static unsigned tx_flags(const elpq_router *router, const elpq_tx_options *o)
{
    return o && o->read_only && router->options.begin_on_standbys
               ? ELPQ_READONLY
               : 0;
}

int elpq_router_begin(elpq_router *router, const elpq_tx_options *options,
                      elpq_tx_cb callback, void *arg)
{
    if (!router)
        return ELPQ_E_USAGE;
    return elpq__tx_begin(&router->lender, tx_flags(router, options), options,
                          callback, arg);
}

int elpq_router_transact(elpq_router *router,
                         const elpq_transact_options *options,
                         elpq_body_cb body, elpq_done_cb done, void *arg)
{
    if (!router)
        return ELPQ_E_USAGE;
    return elpq__transact(&router->lender,
                          tx_flags(router, options ? &options->tx : NULL),
                          options, body, done, arg);
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

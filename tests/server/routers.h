/* SPDX-License-Identifier: PostgreSQL */
/*
 * A router of the cluster's three nodes, and what its tests ask it.
 */
#ifndef ELPQ_TESTS_ROUTERS_H
#define ELPQ_TESTS_ROUTERS_H

#include "nodes.h"

#define READ(text)                                                            \
    (&(const elpq_statement){ "" text "", sizeof(text) - 1, NULL, 0,         \
                              ELPQ_READONLY })
#define SLEEPS                                                                \
    "select exists(select from pg_stat_activity where wait_event = 'PgSleep')"
#define IN_RECOVERY "select pg_is_in_recovery()::text"

static void cluster_up(void)
{
    nodes_up("cluster", NULL);
}

/* The conninfo of a node; good until the next eight. */
static const char *node_at(int n)
{
    static char text[8][400];
    static int next;
    char *s = text[next++ % 8];

    snprintf(s, sizeof(text[0]),
             "host=%s port=500%d user=elpq_super dbname=postgres", nodes_dir,
             n);
    return s;
}

static int events[ELPQ_ROUTER_LAGGING + 1];
static void (*event_then)(elpq_router *router, const elpq_router_event *e);

static void on_router_event(elpq_router *router, const elpq_router_event *e,
                            void *arg)
{
    (void)arg;
    ck_assert_int_eq(harness_depth, 0);
    ck_assert_ptr_nonnull(strstr(e->name, ":500"));
    ck_assert_int_eq(e->error != NULL, e->kind == ELPQ_ROUTER_HOST_DOWN);
    events[e->kind]++;
    if (event_then)
        event_then(router, e);
}

/* A check may take as long as a test waits: a node that is slow is not down.
 * Tests that freeze one have a time of their own. */
#define PATIENT_MS scaled(WAIT_SECONDS * 1000)

/* A router of all nodes. */
static elpq_router *router_of(const elpq_router_options *options)
{
    const char *hosts[] = { node_at(0), node_at(1), node_at(2), NULL };
    elpq_router_options o = { 0 };
    elpq_error *error;
    elpq_router *router;

    if (options)
        o = *options;
    if (!o.check_timeout_ms)
        o.check_timeout_ms = PATIENT_MS;
    o.event = on_router_event;
    memset(events, 0, sizeof(events));
    event_then = NULL;
    router = elpq_router_new(loop, hosts, &o, &error);
    ck_assert_msg(router != NULL, "%s", error ? error->message : "");
    return router;
}

static elpq_router_statistics counts(elpq_router *router)
{
    elpq_router_statistics s;

    elpq_router_stats(router, &s);
    return s;
}

static elpq_host_info info(elpq_router *router, int host)
{
    elpq_host_info i;

    ck_assert(elpq_router_host(router, (unsigned)host, &i));
    return i;
}

static int standbys(elpq_router *router)
{
    int n = 0;

    for (int i = 0; i < 3; i++)
        n += info(router, i).current;
    return n;
}

/* Runs the loop until it is so; the checks turn it. */
#define UNTIL(condition)                                                      \
    do {                                                                      \
        int64_t until =                                                       \
            now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());      \
                                                                              \
        while (!(condition)) {                                                \
            ck_assert_msg(now_usec() < until, "never: %s", #condition);       \
            event_base_loop(loop, EVLOOP_ONCE);                               \
        }                                                                     \
    } while (0)

/* One primary and two standbys; returns the primary. */
static int settled(elpq_router *router)
{
    UNTIL(counts(router).primary >= 0 && standbys(router) == 2);
    return counts(router).primary;
}

static struct answer *ask_router(elpq_router *router, const elpq_statement *st,
                                 const elpq_options *options)
{
    struct answer *a = answer_new();
    elpq_options o = { .timeout_ms = (int)(10000 * harness_slow()) };

    if (options)
        o = *options;
    o.request = &a->request;
    ck_assert_int_eq(CALL(elpq_execute(router, st, &o, on_result, a)), 0);
    ck_assert_int_eq(a->calls, 0);
    return a;
}

static struct answer *close_router(elpq_router *router, int drain_ms)
{
    struct answer *a = answer_new();

    RUN(elpq_router_close(router, drain_ms, on_done, a));
    ck_assert_int_eq(a->calls, 0);
    return a;
}

/* Asked after this was called, and answered. */
static inline void checked_anew(elpq_router *router, int n)
{
    uint64_t checks = info(router, n).checks;

    UNTIL(info(router, n).checks > checks + 1);
}

/* What the primary has acknowledged so far is to be read on both standbys. */
static inline void replayed(elpq_router *router)
{
    for (int i = 0; i < 3; i++)
        checked_anew(router, i);
    UNTIL(standbys(router) == 2 && info(router, 0).lag_bytes <= 0 &&
          info(router, 1).lag_bytes <= 0 && info(router, 2).lag_bytes <= 0);
}

static inline void write_table(elpq_router *router)
{
    expect_ok(ask_router(router,
                         elpq_sql("drop table if exists ticker"), NULL));
    expect_ok(ask_router(
        router, elpq_sql("create table ticker (n int primary key)"), NULL));
}

static inline void fill(elpq_router *router)
{
    struct answer *a = answer_new();

    UNTIL(counts(router).primary >= 0);
    ck_assert_int_eq(CALL(elpq_script(router,
                                      "drop table if exists verbs;"
                                      "create table verbs (n int, t text)",
                                      NULL, on_each, on_done, a)),
                     0);
    expect_ok(a);
}

static inline int64_t rows_of(elpq_router *router)
{
    return answer_int(
        ask_router(router, elpq_sql("select count(*) from verbs"), NULL));
}

/* -------------------------------------------------- a host that has moved */

static struct {
    int connects;
    int astray; /* the first so many reach a standby                  */
    char port[8];
} hook;

static inline void lead_astray(elpq_ticket *ticket, void *arg)
{
    const char *params[] = { "port", hook.port, NULL };

    (void)arg;
    RUN(elpq_ticket_go(ticket, hook.connects++ < hook.astray ? params : NULL));
}

static inline bool let_go(elpq_conn *conn, void *arg)
{
    (void)conn;
    (void)arg;
    return false;
}

/*
 * What is the primary for the router's check, but not for its pool: as behind
 * a proxy that has another opinion.
 */
static inline elpq_router *router_astray(int astray, unsigned retries)
{
    elpq_router_options o = { .max_retries = retries,
                              .never_read_primary = true,
                              .pool.before_connect = lead_astray,
                              .pool.before_release = let_go };
    elpq_router *router = router_of(&o);
    int primary = settled(router);

    memset(&hook, 0, sizeof(hook));
    hook.astray = astray;
    snprintf(hook.port, sizeof(hook.port), "500%d", (primary + 1) % 3);
    return router;
}

#endif

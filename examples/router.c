/* SPDX-License-Identifier: PostgreSQL */
/*
 * router: reads from standbys, writes to the primary, and who is who.
 *
 *     router "host=db1 dbname=app" "host=db2 dbname=app" ...
 *
 *     cc router.c $(pkg-config --cflags --libs elpq libevent_core) -o router
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

enum { READS = 100 };

struct app {
    elpq_router *router;
    int answers;
    int failures;
};

/* What operators want to know; a real program would log it. */
static void on_event(elpq_router *router, const elpq_router_event *event,
                     void *arg)
{
    static const char *const words[] = {
        "is up",     "is down",                 "is the primary",
        "was the primary, and there is none",   "is a standby",
        "is within the lag bound",              "lags too far behind"
    };

    (void)router;
    (void)arg;
    fprintf(stderr, "%s %s%s%s\n", event->name, words[event->kind],
            event->error ? ": " : "",
            event->error ? event->error->message : "");
}

static void print_hosts(const elpq_router *router)
{
    static const char *const roles[] = { "-", "primary", "standby" };
    elpq_host_info host;

    for (unsigned i = 0; elpq_router_host(router, i, &host); i++)
        fprintf(stderr,
                "%-30s %-8s lag %" PRId64 " ms, round trip %" PRId64
                " us, %" PRIu64 " requests\n",
                host.name, roles[host.role], host.lag_ms,
                host.round_trip_usec, host.requests);
}

static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;

    (void)result;
    if (error) {
        fprintf(stderr, "router: %s\n", error->message);
        app->failures++;
    }
    if (++app->answers < READS + 1)
        return;
    printf("%d answers, %d failures\n", app->answers, app->failures);
    print_hosts(app->router);
    elpq_router_close(app->router, ELPQ_NO_TIMEOUT, NULL, NULL);
}

int main(int argc, char **argv)
{
    const char *const here[] = { "", NULL };
    const char *const *hosts =
        argc > 1 ? (const char *const *)(argv + 1) : here;
    elpq_router_options options = { .max_lag_ms = 2000, .event = on_event };
    elpq_options reads = { .flags = ELPQ_READONLY };
    struct event_base *base = event_base_new();
    struct app app = { .failures = 0 };
    elpq_error *error = NULL;

    app.router = elpq_router_new(base, hosts, &options, &error);
    if (!app.router) {
        fprintf(stderr, "router: %s\n", error->message);
        return 1;
    }
    elpq_execute(app.router,
                 elpq_sql("CREATE TABLE IF NOT EXISTS routed (n int)"), NULL,
                 on_answer, &app);
    for (int i = 0; i < READS; i++)
        elpq_execute(app.router, elpq_sql("SELECT $1 + 0", i), &reads,
                     on_answer, &app);
    event_base_dispatch(base);
    event_base_free(base);
    return app.answers != READS + 1 || app.failures != 0;
}

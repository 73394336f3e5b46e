/* SPDX-License-Identifier: PostgreSQL */
/*
 * A test of a program against a lost connection, with the installed test kit:
 * the program asks again, once, what was not executed, and gives up on what
 * may have been.  The server is a script, the network a proxy.
 */
#include <elpq/elpq.h>
#include <elpq/failpoints.h>
#include <elpq/testkit.h>
#include <event2/event.h>
#include <stdio.h>

/* ------------------------------------------------- the program under test */

struct app {
    struct event_base *base;
    elpq_pool *pool;
    int answers;
    int in_doubt;
};

static void
on_result(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;

    (void)result;
    if (!error)
        app->answers++;
    else if (error->flags & ELPQ_IN_DOUBT)
        app->in_doubt++;
    event_base_loopbreak(app->base);
}

static void
ask(struct app *app)
{
    elpq_execute(app->pool, elpq_sql("select"), NULL, on_result, app);
    event_base_dispatch(app->base);
}

/* ---------------------------------------------------------------- the test */

static int
test(struct app *app, elpq_faultproxy *proxy)
{
    elpq_faultproxy_stats stats;

    ask(app); /* on the first connection, which is cut now */
    elpq_faultproxy_rule(proxy, "session 1 cut rst");
    elpq_faultproxy_rule(proxy, "session 2 cut fin at message 1 C");
    ask(app); /* the second, cut in front of the answer    */
    ask(app); /* the third                                 */
    elpq_faultproxy_statistics(proxy, &stats);
    printf("answers %d, in doubt %d, cuts %d\n", app->answers, app->in_doubt,
           (int)stats.cuts);
    return app->answers == 2 && app->in_doubt == 1 && stats.cuts == 2;
}

int
main(void)
{
    struct app app = { event_base_new(), NULL, 0, 0 };
    elpq_fakepg *server =
        elpq_fakepg_new(app.base, "startup\nwelcome\nserve\n", NULL);
    elpq_faultproxy_options o = { 0 };
    elpq_pool_options one = { 0 };
    elpq_faultproxy *proxy;
    char conninfo[100];
    int good;

    o.upstream_port = elpq_fakepg_port(server);
    proxy = elpq_faultproxy_new(app.base, &o);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=app dbname=app sslmode=disable",
             elpq_faultproxy_port(proxy));
    one.max_size = 1;
    app.pool = elpq_pool_new(app.base, conninfo, &one, NULL);
    good = test(&app, proxy);
    elpq_pool_close(app.pool, 0, NULL, NULL);
    elpq_faultproxy_free(proxy);
    elpq_fakepg_free(server);
    event_base_dispatch(app.base);
    event_base_free(app.base);

    /* And a call that fails when told to, inside of libevent. */
    elpq_failpoint_set(ELPQ_FAIL_MALLOC, 1, 0, true);
    app.base = event_base_new();
    elpq_failpoint_clear();
    good = good &&
           (app.base == NULL || !elpq_failpoint_works(ELPQ_FAIL_MALLOC));
    return good ? 0 : 1;
}

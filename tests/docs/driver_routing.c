/* SPDX-License-Identifier: PostgreSQL */
/*
 * The program behind docs/routing.md and docs/pgbouncer.md: its regions are
 * the documents' blocks, and it runs them against the server, which is a
 * cluster of one here.  With --print it prints nothing.
 */
#include <string.h>

#include "../support/harness.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

struct app {
    struct event_base *base;
    elpq_router *router;
    int answers;
    int exported;
    bool failed;
    int ups;
};

static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;

    app->failed |= error != NULL;
    app->answers++;
}

static void alert(struct app *app, const char *name, const char *what)
{
    app->ups++;
}

/* [router-events] */
static void on_change(elpq_router *router, const elpq_router_event *event,
                      void *arg)
{
    if (event->kind == ELPQ_ROUTER_PRIMARY)
        alert(arg, event->name, "is the primary now");
    else if (event->kind == ELPQ_ROUTER_HOST_DOWN)
        alert(arg, event->name, event->error->message);
}
/* [/router-events] */

/* [router-new] */
static elpq_router *make_router(struct app *app, const char *const *hosts)
{
    /* hosts: { "host=db1 dbname=app", "host=db2 dbname=app", NULL } */
    elpq_router_options options = {
        .max_lag_ms = 2000,             /* older reads are not wanted        */
        .routing = ELPQ_ROUTE_NEAREST,  /* or the one with the least to do   */
        .pool.max_size = 20,            /* of each host                      */
        .event = on_change,
        .event_arg = app,
    };
    elpq_error *error;
    elpq_router *router =
        elpq_router_new(app->base, hosts, &options, &error);

    if (!router) {
        fprintf(stderr, "%s\n", error->message);
        elpq_error_free(error);
    }
    return router;
}
/* [/router-new] */

/* [router-use] */
static void use_router(struct app *app)
{
    elpq_options reads = { .flags = ELPQ_READONLY };

    /* a standby within the bound, or else the primary */
    elpq_execute(app->router, elpq_sql("select count(*) from orders"), &reads,
                 on_answer, app);
    /* the primary; while there is none, it waits until its deadline */
    elpq_execute(app->router,
                 elpq_sql("insert into orders (item) values ($1)", "tent"),
                 NULL, on_answer, app);
}
/* [/router-use] */

static void answer(struct app *app, const char *what)
{
    app->answers++;
}

/* [router-errors] */
static void on_order(elpq_result *result, const elpq_error *error, void *arg)
{
    if (!error)
        answer(arg, "ordered");
    else if (error->flags & ELPQ_IN_DOUBT)
        answer(arg, "please look whether it is there before ordering again");
    else
        answer(arg, "not ordered");
}
/* [/router-errors] */

/* What the reader of the stream makes of its rows. */
static void export_item(struct app *app, const char *item)
{
    app->exported++;
}

/* [router-transact] */
static void on_part(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;

    if (error) /* again on another host, if that makes sense */
        elpq_transact_rollback(t, error);
    else
        elpq_transact_commit(t);
}

static void move_order(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    elpq_execute(tx,
                 elpq_sql("update orders set item = $1 where item = $2",
                          "large tent", "tent"),
                 NULL, on_part, t);
}

static void on_moved(const elpq_error *error, void *arg)
{
    answer(arg, error ? error->message : "moved");
}
/* [/router-transact] */

/* [router-stream] */
static void on_items(elpq_result *rows, elpq_request *stream, void *arg)
{
    const char *item;

    for (size_t row = 0; row < elpq_rows(rows); row++)
        if (elpq_scan(rows, row, &item) == 0)
            export_item(arg, item);
}

static void on_exported(const elpq_error *error, void *arg)
{
    answer(arg, error ? error->message : "exported");
}

static void use_more(struct app *app)
{
    elpq_options reads = { .flags = ELPQ_READONLY, .chunk_rows = 100 };

    elpq_transact(app->router, NULL, move_order, on_moved, app);
    elpq_stream(app->router, elpq_sql("select item from orders"), &reads,
                on_items, on_exported, app);
}
/* [/router-stream] */

/* [pooler-pool] */
static elpq_pool *make_bounced_pool(struct event_base *base,
                                    const char *bouncer)
{
    elpq_pool_options options = {
        .conn.pooler = ELPQ_POOLER_TRANSACTION, /* as pool_mode says */
        .max_size = 50,                         /* clients are cheap */
    };

    return elpq_pool_new(base, bouncer, &options, NULL);
}
/* [/pooler-pool] */

/* [pooler-local] */
static void on_begun(elpq_tx *tx, const elpq_error *error, void *arg)
{
    if (error) {
        on_answer(NULL, error, arg);
        return;
    }
    /* SET would be refused: the next transaction may be in another session */
    elpq_execute(tx, elpq_sql("set local statement_timeout = '5s'"), NULL,
                 on_answer, arg);
    elpq_execute(tx, elpq_sql("select count(*) from orders"), NULL, on_answer,
                 arg);
    elpq_rollback(tx, NULL, NULL);
}
/* [/pooler-local] */

/* ------------------------------------------------------------------- tests */

static void make_orders(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists orders");
    admin_do("create table orders (item text)");
    admin_do("grant all on orders to public");
}

START_TEST(routing)
{
    static const char *const hosts[] = { "", NULL };
    struct app app = { .base = loop };
    struct answer *end = answer_new();

    make_orders();
    app.router = make_router(&app, hosts);
    ck_assert_ptr_nonnull(app.router);
    RUN(use_router(&app));
    run_until(&app.answers, 2);
    ck_assert(!app.failed);
    ck_assert_int_eq(CALL(elpq_execute(app.router,
                                       elpq_sql("insert into orders values"
                                                " ('x')"),
                                       NULL, on_order, &app)), 0);
    run_until(&app.answers, 3);
    ck_assert_int_ge(app.ups, 1); /* more if a check was late */
    RUN(use_more(&app));
    run_until(&app.answers, 5);
    ck_assert_int_eq(app.exported, 2);
    ck_assert_int_eq(admin_int("select count(*) from orders where item ="
                               " 'large tent'"), 1);
    RUN(elpq_router_close(app.router, 0, on_done, end));
    expect_ok(end);
    ck_assert_int_eq(admin_int("select count(*) from orders"), 2);
    admin_do("drop table orders");
}
END_TEST

START_TEST(poolers)
{
    struct app app = { .base = loop };
    elpq_pool *pool = make_bounced_pool(loop, "");

    make_orders();
    ck_assert_int_eq(CALL(elpq_begin(pool, NULL, on_begun, &app)), 0);
    run_until(&app.answers, 2);
    ck_assert(!app.failed);
    finish_pool(pool);
    admin_do("drop table orders");
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "routing", 0);

    tcase_add_test(t, routing);
    tcase_add_test(t, poolers);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: routing", build);
}

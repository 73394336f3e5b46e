/* SPDX-License-Identifier: PostgreSQL */
/*
 * The program behind docs/pool.md: its regions are the document's blocks, and
 * it runs them against the server.  With --print it prints nothing: what its
 * statements return is not in the document.
 */
#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
/* Regions are to be read alone: they may declare what is here as well. */
#pragma GCC diagnostic ignored "-Wshadow"

struct app {
    struct event_base *base;
    elpq_pool *pool;
    elpq_mailbox *mailbox;
    elpq_ticket *ticket;
    elpq_conn *conn;
    int done;
    int failed;
    int events;
};

static struct app app;

static void log_line(const char *format, ...)
{
    (void)format;
    app.events++;
}

/* [pool-new] */
static int open_pool(struct app *app)
{
    static const char *const on_connect[] = {
        "SET search_path TO public", "SET TimeZone TO 'UTC'", NULL
    };
    elpq_pool_options options = {
        .max_size = 8,
        .conn.timeout_ms = 5000, /* the deadline of every request */
        .on_connect = on_connect,
    };
    elpq_error *error;

    app->pool = elpq_pool_new(app->base, "", &options, &error);
    if (app->pool)
        return 0;
    fprintf(stderr, "%s\n", error->message);
    elpq_error_free(error);
    return -1;
}
/* [/pool-new] */

static void use_lease(struct app *app);

/* [pool-acquire] */
static void on_lease(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct app *app = arg;

    if (error) {
        app->failed++; /* ELPQ_E_TIMEOUT, ELPQ_E_CONNECT, ELPQ_E_CLOSED */
        return;
    }
    app->conn = conn;
    use_lease(app); /* in the end: elpq_conn_release(conn) */
}

static int borrow(struct app *app)
{
    elpq_options options = { .timeout_ms = 1000, .tag = "report" };

    return elpq_pool_acquire(app->pool, &options, on_lease, app);
}
/* [/pool-acquire] */

static void use_lease(struct app *app)
{
    app->done++;
}

/* [pool-share] */
static elpq_pool *shared_pool(struct event_base *base)
{
    elpq_pool_options options = {
        .max_size = 4,
        .pipeline_depth = 16,
        .pipeline_stall_ms = 5,
    };

    return elpq_pool_new(base, "", &options, NULL);
}

/* Runs for long: it is to have a connection of its own. */
static int refresh(elpq_pool *pool, elpq_result_cb callback, void *arg)
{
    elpq_options options = { .flags = ELPQ_EXCLUSIVE };

    return elpq_execute(pool, elpq_sql("SELECT count(*) FROM pg_class"),
                        &options, callback, arg);
}
/* [/pool-share] */

static void fetch_token(struct app *app);

/* [pool-token] */
static void before_connect(elpq_ticket *ticket, void *arg)
{
    struct app *app = arg;

    app->ticket = ticket;
    fetch_token(app); /* over HTTP, say; on_token() comes from the loop */
}

static void on_token(struct app *app, const char *token)
{
    const char *params[] = { "password", token, NULL };

    if (token)
        elpq_ticket_go(app->ticket, params);
    else
        elpq_ticket_fail(app->ticket, "there is no token");
}
/* [/pool-token] */

static void fetch_token(struct app *app)
{
    app->done++;
}

/* [pool-events] */
static void on_pool_event(const elpq_pool_event *event, void *arg)
{
    switch (event->kind) {
    case ELPQ_POOL_OPENED:
        log_line("connection %d after %lld us", event->pid,
                 (long long)event->usec);
        break;
    case ELPQ_POOL_CONNECT_FAILED:
        log_line("no connection: %s", event->error->message);
        break;
    case ELPQ_POOL_CLOSED:
        log_line("connection %d has gone, reason %d", event->pid,
                 (int)event->reason);
        break;
    case ELPQ_POOL_LEAK:
        log_line("%s has had connection %d for %lld us", event->tag,
                 event->pid, (long long)event->usec);
        break;
    }
}
/* [/pool-events] */

/* [pool-holders] */
static void show_holders(const elpq_pool *pool)
{
    elpq_pool_holder holders[20];
    size_t n = elpq_pool_holders(pool, holders, 20);

    for (size_t i = 0; i < n && i < 20; i++)
        log_line("%s: %.1f s", holders[i].tag,
                 (double)holders[i].usec / 1e6);
}
/* [/pool-holders] */

/* [pool-stats] */
static void show_numbers(const elpq_pool *pool)
{
    elpq_pool_statistics s;

    elpq_pool_stats(pool, &s);
    log_line("%u of %u busy, %u in line", s.busy, s.max_size, s.waiting);
    log_line("waited: median %llu us, 99 of 100 at most %llu us",
             (unsigned long long)elpq_histogram_percentile(&s.wait, 50),
             (unsigned long long)elpq_histogram_percentile(&s.wait, 99));
}
/* [/pool-stats] */

static elpq_pool *prepared_pool(struct event_base *base)
{
    /* [pool-prepare] */
    const elpq_statement *const prepare[] = {
        elpq_sql("SELECT relname FROM pg_class WHERE oid = $1",
                 elpq_null(ELPQ_OID_OID)),
        elpq_sql("SELECT $1 + $2", (int64_t)0, (int64_t)0),
        NULL,
    };
    elpq_pool_options options = { .max_size = 8, .prepare = prepare };
    /* [/pool-prepare] */

    return elpq_pool_new(base, "", &options, NULL);
}

static int ask_for_long(elpq_pool *pool, elpq_result_cb on_result, void *arg)
{
    /* [pool-server-timeout] */
    elpq_options options = { .timeout_ms = 2000,
                             .server_timeout_ms = ELPQ_FROM_DEADLINE };

    return elpq_execute(pool, elpq_sql("SELECT pg_sleep(0)"), &options,
                        on_result, arg);
    /* [/pool-server-timeout] */
}

/* [pool-post] */
struct job {
    elpq_pool *pool;
    elpq_result_cb callback;
    void *arg;
};

/* In the thread of the pool's loop. */
static void run_job(void *arg)
{
    struct job *job = arg;

    if (elpq_execute(job->pool, elpq_sql("SELECT 1"), NULL, job->callback,
                     job->arg) != 0)
        log_line("refused");
}

/* In any other thread. */
static int submit_job(elpq_mailbox *mailbox, struct job *job)
{
    return elpq_post(mailbox, run_job, job); /* ELPQ_E_FULL: later */
}
/* [/pool-post] */

static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    ck_assert_ptr_null(error);
    app.done++;
}

static void begin_app(void)
{
    memset(&app, 0, sizeof(app));
    app.base = loop;
}

START_TEST(lease_and_numbers)
{
    begin_app();
    ck_assert_int_eq(open_pool(&app), 0);
    expect_ok(ask(app.pool, elpq_sql("SELECT 1"))); /* it has connected */
    ck_assert_int_eq(borrow(&app), 0);
    run_until(&app.done, 1);
    show_holders(app.pool);
    show_numbers(app.pool);
    ck_assert_int_eq(app.events, 3);
    elpq_conn_release(app.conn);
    ck_assert_int_eq(ask_for_long(app.pool, on_answer, NULL), 0);
    run_until(&app.done, 2);
    finish_pool(app.pool);
}
END_TEST

START_TEST(sharing)
{
    elpq_pool *pool;

    begin_app();
    pool = shared_pool(loop);
    ck_assert_int_eq(refresh(pool, on_answer, NULL), 0);
    run_until(&app.done, 1);
    finish_pool(pool);
    pool = prepared_pool(loop);
    ck_assert_int_eq(
        elpq_execute(pool, elpq_sql("SELECT $1 + $2", INT64_C(1), INT64_C(2)),
                     NULL, on_answer, NULL),
        0);
    run_until(&app.done, 2);
    finish_pool(pool);
}
END_TEST

START_TEST(hooks)
{
    const elpq_pool_options options = { .min_size = 1,
                                        .before_connect = before_connect,
                                        .event = on_pool_event,
                                        .hook_arg = &app };

    begin_app();
    app.pool = pool_new(&options);
    run_until(&app.done, 1);
    on_token(&app, "secret");
    run_until(&app.events, 1);
    finish_pool(app.pool);
    ck_assert_int_eq(app.events, 2);
}
END_TEST

static struct job job;

static void *submit(void *arg)
{
    submit_job(app.mailbox, &job);
    return NULL;
}

START_TEST(posting)
{
    pthread_t thread;

    begin_app();
    ck_assert_int_eq(open_pool(&app), 0);
    app.mailbox = elpq_mailbox_new(loop, 0, NULL);
    job = (struct job){ app.pool, on_answer, NULL };
    ck_assert_int_eq(pthread_create(&thread, NULL, submit, NULL), 0);
    run_until(&app.done, 1);
    pthread_join(thread, NULL);
    elpq_mailbox_close(app.mailbox);
    finish_pool(app.pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "pool", 0);

    tcase_add_test(t, lease_and_numbers);
    tcase_add_test(t, sharing);
    tcase_add_test(t, hooks);
    tcase_add_test(t, posting);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: pool", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scenarios of a pool: leases, shared connections, hooks, resizing, closing.
 */
#include "scene.h"

static bool pool_number(elpq_pool *pool, const elpq_statement *st,
                        int64_t number)
{
    struct question *q = question_of(number);

    return ASK(q, elpq_pool_execute(pool, st, NULL, on_answer, q)) &&
           settle() && is_well(q);
}

/* A pool that is made, and has no connection, while calls fail. */
static elpq_pool *fresh(elpq_pool_options *o)
{
    o->conn = quick();
    o->acquire_timeout_ms = o->conn.timeout_ms;
    o->max_size = o->max_size ? o->max_size : 1;
    o->backoff_min_ms = 1;
    o->backoff_max_ms = 2;
    elpq_failpoint_arm();
    return elpq_pool_new(base, server(), o, NULL);
}

static void from_nothing(void)
{
    elpq_pool_options o = { .max_size = 2 };
    elpq_pool *pool = fresh(&o);

    if (!pool)
        return;
    for (int i = 0; i < 3; i++) {
        struct question *q = question_of(i);

        ASK(q, elpq_pool_execute(pool, elpq_sql("select $1::int8", i), NULL,
                                 on_answer, q));
    }
    settle();
    close_pool_now(pool);
}

static void leases(void)
{
    elpq_pool *pool = pooled(NULL);

    elpq_failpoint_arm();
    for (int i = 0; i < 2; i++) {
        struct question *q = question();

        ASK(q, elpq_pool_acquire(pool, NULL, on_opened, q));
        if (settle() && q->conn) {
            ask_number(q->conn, elpq_sql("select 1"), 1);
            DO(elpq_conn_release(q->conn));
        }
    }
    pool_number(pool, elpq_sql("select 3"), 3);
    close_pool_now(pool);
}

/* What a borrower changes is not there for the next one. */
static void resets(void)
{
    elpq_pool *pool = pooled(NULL);
    struct question *q = question(), *set = question();

    elpq_failpoint_arm();
    ASK(q, elpq_pool_acquire(pool, NULL, on_opened, q));
    if (settle() && q->conn) {
        ASK(set, elpq_conn_execute(q->conn,
                                   elpq_sql("set application_name = ''"), NULL,
                                   on_answer, set));
        settle();
        DO(elpq_conn_release(q->conn));
    }
    pool_number(pool,
                elpq_sql("select length(current_setting('application_name'))"),
                10);
    close_pool_now(pool);
}

static void stores_on_the_pool(void)
{
    elpq_pool *pool = pooled(NULL);

    elpq_failpoint_arm();
    for (int i = 0; i < 2; i++) {
        struct question *q = question();
        int64_t id = row_id();

        ASK(q, elpq_pool_execute(
                   pool, elpq_sql("insert into elpq_sweep values ($1)", id),
                   NULL, on_answer, q));
        settle();
        told(id, q);
    }
    close_pool_now(pool);
}

static void shared_connections(void)
{
    elpq_pool_options o = { .max_size = 1, .pipeline_depth = 4 };
    elpq_pool *pool = pooled(&o);

    elpq_failpoint_arm();
    for (int i = 0; i < 5; i++) {
        struct question *q = question_of(i);

        ASK(q, elpq_pool_execute(pool, elpq_sql("select $1::int8", i), NULL,
                                 on_answer, q));
    }
    settle();
    close_pool_now(pool);
}

/* ------------------------------------------------------------------ hooks */

static void on_event_of_pool(const elpq_pool_event *event, void *arg)
{
    (void)arg;
    if (event->kind == ELPQ_POOL_CONNECT_FAILED && !event->error)
        wrong("a failure without an error");
}

static void before_connect(elpq_ticket *ticket, void *arg)
{
    static const char *const params[] = { "options", "-c geqo=off", NULL };

    (void)arg;
    elpq_ticket_go(ticket, params);
}

static void greeted(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    if (error)
        elpq_ticket_fail(arg, error->message);
    else
        elpq_ticket_go(arg, NULL);
}

static void after_connect(elpq_conn *conn, elpq_ticket *ticket, void *arg)
{
    (void)arg;
    if (elpq_conn_execute(conn, elpq_sql("select 1"), NULL, greeted, ticket))
        elpq_ticket_fail(ticket, "refused");
}

static bool before_release(elpq_conn *conn, void *arg)
{
    (void)conn;
    (void)arg;
    return true;
}

static void hooks(void)
{
    static const char *const first[] = { "set work_mem = '5MB'", NULL };
    const elpq_statement *const ahead[] = { elpq_sql("select 7"), NULL };
    elpq_pool_options o = { .on_connect = first,
                            .prepare = ahead,
                            .event = on_event_of_pool,
                            .before_connect = before_connect,
                            .after_connect = after_connect,
                            .before_release = before_release };
    struct question *q = question();
    elpq_pool *pool = fresh(&o);

    if (!pool)
        return;
    ASK(q, elpq_pool_acquire(pool, NULL, on_opened, q));
    if (settle() && q->conn) {
        ask_number(q->conn, elpq_sql("select 7"), 7);
        DO(elpq_conn_release(q->conn));
    }
    close_pool_now(pool);
}

/* ------------------------------------------------------ sizes and numbers */

static void resizing(void)
{
    elpq_pool *pool = pooled(NULL);
    elpq_pool_statistics numbers;
    elpq_pool_holder holder[2];
    struct question *q = question();

    elpq_failpoint_arm();
    DO(elpq_pool_resize(pool, 2, 3));
    ASK(q, elpq_pool_acquire(pool, NULL, on_opened, q));
    if (settle() && q->conn) {
        if (elpq_pool_holders(pool, holder, 2) != 1)
            wrong("holders");
        DO(elpq_pool_expire(pool));
        DO(elpq_conn_release(q->conn));
    }
    DO(elpq_pool_resize(pool, 0, 1));
    pool_number(pool, elpq_sql("select 1"), 1);
    elpq_pool_stats(pool, &numbers);
    if (numbers.size != numbers.idle + numbers.busy + numbers.connecting ||
        numbers.leased > numbers.busy)
        wrong("numbers of the pool");
    close_pool_now(pool);
}

static void draining(void)
{
    elpq_pool *pool = pooled(NULL);
    struct question *first = question(), *second = question_of(2),
                    *end = question();

    elpq_failpoint_arm();
    ASK(first, elpq_pool_execute(pool, elpq_sql("select pg_sleep(0.002)"),
                                 NULL, on_answer, first));
    ASK(second, elpq_pool_execute(pool, elpq_sql("select 2"), NULL, on_answer,
                                  second));
    end->asked = 1;
    DO(elpq_pool_close(pool, quick().timeout_ms, on_over, end));
    settle();
}

static void others_of_a_pool(void)
{
    elpq_pool *pool = pooled(NULL);
    struct question *q[3] = { question(), question(), question() };

    elpq_failpoint_arm();
    ASK(q[0], elpq_script(pool, "select 1; select 2", NULL, on_each_result,
                          on_over, q[0]));
    ASK(q[1], elpq_pool_stream(pool,
                               elpq_sql("select n from"
                                        " generate_series(1, 3) n"),
                               NULL, on_stream_rows, on_over, q[1]));
    ASK(q[2], elpq_pool_notify(pool, "elpq_sweep", "x", NULL, on_over, q[2]));
    settle();
    close_pool_now(pool);
}

/* The connection is lost while it is idle. */
static void a_lost_connection(void)
{
    elpq_pool *pool = pooled(NULL);
    struct question *q = question();

    elpq_failpoint_arm();
    q->expected = ELPQ_E_LOST;
    ASK(q, elpq_pool_execute(pool,
                             elpq_sql("select pg_terminate_backend("
                                      "pg_backend_pid())"),
                             NULL, on_answer, q));
    settle();
    pool_number(pool, elpq_sql("select 2"), 2);
    close_pool_now(pool);
}

const struct scenario scenarios_pool[] = {
    { .name = "new pool", .run = from_nothing },
    { .name = "leases", .run = leases },
    { .name = "reset", .run = resets },
    { .name = "pool insert", .run = stores_on_the_pool },
    { .name = "shared", .run = shared_connections },
    { .name = "hooks", .run = hooks },
    { .name = "resize", .run = resizing },
    { .name = "drain", .run = draining },
    { .name = "pool stream", .run = others_of_a_pool },
    { .name = "lost", .run = a_lost_connection,
      .how = COSTLY, .states = "57P01" },
    { .name = NULL }
};

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The same work on elpq, written as its users write: a callback that reads
 * the values and submits the next statement.
 */
#include "bench.h"

#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdlib.h>

struct state;

/* The end of a chain: who gets the next statement. */
struct lane {
    struct state *state;
    elpq_conn *conn; /* NULL: the pool itself */
};

struct state {
    const struct bench_row *row;
    struct event_base *base;
    elpq_pool *pool;
    int ready; /* connections that came */
    uint64_t unsent;
    uint64_t unanswered;
    uint64_t sum;
    elpq_options options; /* of each statement */
    struct lane lanes[BENCH_MAX_CONNS];
};

static void on_result(elpq_result *result, const elpq_error *error, void *arg);

static void submit(struct lane *lane)
{
    struct state *s = lane->state;
    int code;

    s->unsent--;
    if (bench_is_fetch(s->row))
        code = elpq_execute(lane->conn, elpq_sql(BENCH_FETCH_SQL), NULL,
                            on_result, lane);
    else if (lane->conn)
        code = elpq_execute(lane->conn,
                            elpq_sql(BENCH_POINT_SQL, bench_next_key()),
                            &s->options, on_result, lane);
    else
        code =
            elpq_execute(s->pool, elpq_sql(BENCH_POINT_SQL, bench_next_key()),
                         NULL, on_result, lane);
    if (code != 0)
        bench_die("elpq", elpq_strerror(code));
}

static int read_point(struct state *s, elpq_result *result)
{
    int32_t id;
    int64_t balance;
    elpq_string name;
    int code = elpq_scan(result, 0, &id, &name, &balance);

    if (code != 0)
        return code;
    s->sum = bench_sum(s->sum, id, name.data, name.size);
    s->sum += (uint64_t)balance;
    return 0;
}

static int read_by_getters(struct state *s, elpq_result *result)
{
    size_t n = elpq_rows(result);
    int32_t a;
    int64_t b, d;
    elpq_string c;

    for (size_t i = 0; i < n; i++) {
        int code = elpq_get_int32(result, i, 0, &a);

        code |= elpq_get_int64(result, i, 1, &b);
        code |= elpq_get_string(result, i, 2, &c);
        code |= elpq_get_timestamp(result, i, 3, &d);
        if (code != 0)
            return ELPQ_E_DECODE;
        s->sum = bench_sum(s->sum, a, c.data, c.size);
        s->sum += (uint64_t)b + (uint64_t)d;
    }
    return 0;
}

static int read_by_scan(struct state *s, elpq_result *result)
{
    size_t n = elpq_rows(result);
    int32_t a;
    int64_t b, d;
    elpq_string c;

    for (size_t i = 0; i < n; i++) {
        int code = elpq_scan(result, i, &a, &b, &c, elpq_into(timestamp, &d));

        if (code != 0)
            return code;
        s->sum = bench_sum(s->sum, a, c.data, c.size);
        s->sum += (uint64_t)b + (uint64_t)d;
    }
    return 0;
}

static void on_result(elpq_result *result, const elpq_error *error, void *arg)
{
    struct lane *lane = arg;
    struct state *s = lane->state;
    int code;

    if (error)
        bench_die("elpq", error->message);
    if (s->row->kind == BENCH_FETCH_GET)
        code = read_by_getters(s, result);
    else if (s->row->kind == BENCH_FETCH_SCAN)
        code = read_by_scan(s, result);
    else
        code = read_point(s, result);
    if (code != 0)
        bench_die("elpq", elpq_strerror(code));
    if (s->unsent > 0)
        submit(lane);
    if (--s->unanswered == 0)
        event_base_loopbreak(s->base);
}

static uint64_t elpq_run(void *state, uint64_t statements)
{
    struct state *s = state;

    s->unsent = s->unanswered = statements;
    s->sum = 0;
    for (int d = 0; d < s->row->depth; d++) {
        for (int i = 0; i < s->row->conns && s->unsent > 0; i++)
            submit(&s->lanes[i]);
    }
    while (s->unanswered > 0)
        event_base_dispatch(s->base);
    return s->sum;
}

static void on_acquired(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct state *s = arg;

    if (error)
        bench_die("elpq", error->message);
    bench_place_backend(elpq_conn_pid(conn));
    s->lanes[s->ready++].conn = conn;
    if (s->ready == s->row->conns)
        event_base_loopbreak(s->base);
}

/* Every lane has a connection, or, of the pool itself, gives its back. */
static void fill_lanes(struct state *s)
{
    int code = 0;

    for (int i = 0; i < s->row->conns && code == 0; i++) {
        s->lanes[i].state = s;
        code = elpq_pool_acquire(s->pool, NULL, on_acquired, s);
    }
    if (code != 0)
        bench_die("elpq", elpq_strerror(code));
    event_base_dispatch(s->base);
    for (int i = 0; i < s->row->conns; i++) {
        if (s->row->kind == BENCH_POOL_EXECUTE) {
            elpq_conn_release(s->lanes[i].conn);
            s->lanes[i].conn = NULL;
        }
    }
}

static void *elpq_open(const struct bench_row *row)
{
    elpq_pool_options options = { .max_size = (unsigned)row->conns };
    struct state *s = calloc(1, sizeof(*s));
    elpq_error *error = NULL;

    if (!s || !(s->base = event_base_new()))
        bench_die("elpq", "out of memory");
    s->row = row;
    s->options.flags = row->flags;
    s->pool = elpq_pool_new(s->base, "", &options, &error);
    if (!s->pool)
        bench_die("elpq", error->message);
    fill_lanes(s);
    return s;
}

static void elpq_close(void *state)
{
    struct state *s = state;

    for (int i = 0; i < s->row->conns; i++)
        elpq_conn_release(s->lanes[i].conn);
    elpq_pool_close(s->pool, ELPQ_NO_TIMEOUT, NULL, NULL);
    event_base_dispatch(s->base);
    event_base_free(s->base);
    free(s);
}

const struct bench_side bench_elpq = { "elpq", elpq_open, elpq_run,
                                       elpq_close };

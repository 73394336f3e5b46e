/* SPDX-License-Identifier: PostgreSQL */
/*
 * A batch against as many single statements in the pipeline: elpq, twice.  So
 * many statements are submitted, and the next ones when all of them are over.
 */
#include "bench.h"

#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdlib.h>

enum { BATCH_MAX = 64 };

struct state {
    const struct bench_row *row;
    struct event_base *base;
    elpq_conn *conn;
    uint64_t unsent;
    uint64_t sum;
    int in_flight;
};

static void check(int code)
{
    if (code != 0)
        bench_die("elpq", elpq_strerror(code));
}

static void read_point(struct state *s, elpq_result *result,
                       const elpq_error *error)
{
    int32_t id;
    int64_t balance;
    elpq_string name;

    if (error)
        bench_die("elpq", error->message);
    check(elpq_scan(result, 0, &id, &name, &balance));
    s->sum = bench_sum(s->sum, id, name.data, name.size) + (uint64_t)balance;
}

static int next_size(struct state *s)
{
    int n = s->row->depth < BATCH_MAX ? s->row->depth : BATCH_MAX;

    if (s->unsent < (uint64_t)n)
        n = (int)s->unsent;
    s->unsent -= (uint64_t)n;
    return n;
}

static void on_connected(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct state *s = arg;

    if (error)
        bench_die("elpq", error->message);
    bench_place_backend(elpq_conn_pid(conn));
    event_base_loopbreak(s->base);
}

static void *batch_open(const struct bench_row *row)
{
    struct state *s = calloc(1, sizeof(*s));
    elpq_error *error = NULL;

    if (!s || !(s->base = event_base_new()))
        bench_die("elpq", "out of memory");
    s->row = row;
    s->conn = elpq_connect(s->base, "", NULL, on_connected, s, &error);
    if (!s->conn)
        bench_die("elpq", error->message);
    event_base_dispatch(s->base);
    return s;
}

static void batch_close(void *state)
{
    struct state *s = state;

    elpq_conn_close(s->conn);
    event_base_dispatch(s->base);
    event_base_free(s->base);
    free(s);
}

/* ----------------------------------------------------------------- singles */

static void submit_singles(struct state *s);

static void on_single(elpq_result *result, const elpq_error *error, void *arg)
{
    struct state *s = arg;

    read_point(s, result, error);
    if (--s->in_flight == 0)
        submit_singles(s);
}

static void submit_singles(struct state *s)
{
    int n = next_size(s);

    s->in_flight = n;
    if (n == 0)
        event_base_loopbreak(s->base);
    for (int i = 0; i < n; i++)
        check(elpq_execute(s->conn, elpq_sql(BENCH_POINT_SQL, bench_next_key()),
                           NULL, on_single, s));
}

static uint64_t singles_run(void *state, uint64_t statements)
{
    struct state *s = state;

    s->unsent = statements;
    s->sum = 0;
    submit_singles(s);
    event_base_dispatch(s->base);
    return s->sum;
}

const struct bench_side bench_batch_singles = { "singles", batch_open,
                                                singles_run, batch_close };

/* ----------------------------------------------------------------- batches */

static void submit_batch(struct state *s);

static void on_each(size_t index, elpq_result *result, const elpq_error *error,
                    void *arg)
{
    (void)index;
    read_point(arg, result, error);
}

static void on_batch(const elpq_error *error, void *arg)
{
    if (error)
        bench_die("elpq", error->message);
    submit_batch(arg);
}

static void submit_batch(struct state *s)
{
    elpq_value keys[BATCH_MAX];
    elpq_statement statements[BATCH_MAX];
    const elpq_statement *list[BATCH_MAX];
    int n = next_size(s);

    if (n == 0) {
        event_base_loopbreak(s->base);
        return;
    }
    for (int i = 0; i < n; i++) {
        keys[i] = elpq_int32(bench_next_key());
        statements[i] =
            elpq_sql_from_trusted_string(BENCH_POINT_SQL, &keys[i], 1);
        list[i] = &statements[i];
    }
    check(elpq_batch(s->conn, list, (size_t)n, NULL, on_each, on_batch, s));
}

static uint64_t batch_run(void *state, uint64_t statements)
{
    struct state *s = state;

    s->unsent = statements;
    s->sum = 0;
    submit_batch(s);
    event_base_dispatch(s->base);
    return s->sum;
}

const struct bench_side bench_batch_batches = { "batches", batch_open,
                                                batch_run, batch_close };

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Streams and COPY by elpq, as its users write them.
 */
#include "bench.h"

#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdlib.h>

struct state {
    const struct bench_row *row;
    struct event_base *base;
    elpq_conn *conn;
    uint64_t unanswered;
    uint64_t sum;
    int64_t next; /* row to copy in */
};

static const elpq_options no_deadline = { .timeout_ms = ELPQ_NO_TIMEOUT };

static void check(int code)
{
    if (code != 0)
        bench_die("elpq", elpq_strerror(code));
}

static void check_error(const elpq_error *error)
{
    if (error)
        bench_die("elpq", error->message);
}

static void submit(struct state *s);

static void count_one(struct state *s)
{
    if (--s->unanswered > 0)
        submit(s);
    else
        event_base_loopbreak(s->base);
}

static void read_rows(struct state *s, elpq_result *rows)
{
    size_t n = elpq_rows(rows);
    int32_t a;
    int64_t b, d;
    elpq_string c;

    for (size_t i = 0; i < n; i++) {
        check(elpq_scan(rows, i, &a, &b, &c, elpq_into(timestamp, &d)));
        s->sum = bench_sum(s->sum, a, c.data, c.size);
        s->sum += (uint64_t)b + (uint64_t)d;
    }
}

/* ------------------------------------------------------------------ stream */

static void on_streamed(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)stream;
    read_rows(arg, rows);
}

static void on_stream_end(const elpq_error *error, void *arg)
{
    check_error(error);
    count_one(arg);
}

/* -------------------------------------------------------------------- COPY */

static void on_copied(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)copy;
    read_rows(arg, rows);
}

static void on_copy_end(elpq_result *result, const elpq_error *error, void *arg)
{
    struct state *s = arg;

    check_error(error);
    if (s->row->kind == BENCH_COPY_IN)
        s->sum = elpq_affected(result);
    count_one(s);
}

static void on_ready(elpq_copy *copy, void *arg)
{
    struct state *s = arg;
    int64_t n = bench_copy_rows();

    for (; s->next <= n; s->next++) {
        struct bench_values v = bench_make_row(s->next);
        int code = elpq_copy_row(copy, v.a, v.b, elpq_textn(v.c, v.c_size),
                                 elpq_timestamptz(v.d + BENCH_EPOCH));

        if (code == ELPQ_E_FULL)
            return; /* again when there is room */
        check(code);
    }
    check(elpq_copy_finish(copy));
}

static void on_truncated(elpq_result *result, const elpq_error *error,
                         void *arg)
{
    static const elpq_copy_spec spec = { .table = "elpq_bench_copy",
                                         .format = ELPQ_COPY_ROWS };
    struct state *s = arg;

    (void)result;
    check_error(error);
    s->next = 1;
    check(elpq_copy_in(s->conn, &spec, &no_deadline, on_ready, on_copy_end, s));
}

/* -------------------------------------------------------------------- side */

static void submit(struct state *s)
{
    static const elpq_copy_spec spec = { .table = "elpq_bench_rows" };

    if (s->row->kind == BENCH_STREAM)
        check(elpq_stream(s->conn, elpq_sql(BENCH_FETCH_SQL), &no_deadline,
                          on_streamed, on_stream_end, s));
    else if (s->row->kind == BENCH_COPY_OUT)
        check(elpq_copy_out_rows(s->conn, &spec, &no_deadline, on_copied,
                                 on_copy_end, s));
    else
        check(elpq_execute(s->conn, elpq_sql("TRUNCATE elpq_bench_copy"), NULL,
                           on_truncated, s));
}

static uint64_t bulk_run(void *state, uint64_t statements)
{
    struct state *s = state;

    s->unanswered = statements;
    s->sum = 0;
    submit(s);
    event_base_dispatch(s->base);
    return s->sum;
}

static void on_connected(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct state *s = arg;

    check_error(error);
    bench_place_backend(elpq_conn_pid(conn));
    event_base_loopbreak(s->base);
}

static void *bulk_open(const struct bench_row *row)
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

static void bulk_close(void *state)
{
    struct state *s = state;

    elpq_conn_close(s->conn);
    event_base_dispatch(s->base);
    event_base_free(s->base);
    free(s);
}

const struct bench_side bench_bulk_elpq = { "elpq", bulk_open, bulk_run,
                                            bulk_close };

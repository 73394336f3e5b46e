/* SPDX-License-Identifier: PostgreSQL */
/*
 * One stream under test: what has come of it, and what its rows are to do.
 *
 * Each chunk asserts the contract: it comes from the loop, not while the
 * stream is paused, not after it was ended, and never after `done`.  The
 * first column is expected to count from 1.
 */
#ifndef ELPQ_TESTS_FLOW_H
#define ELPQ_TESTS_FLOW_H

#include "../support/harness.h"

/* More than what lies between us and the server holds. */
#define LARGE "select n, repeat('x', 8000) from generate_series(1, 2000) n"
/* What only a cancel ends, and be it late: the server makes it row by row. */
#define ENDLESS "select generate_series(1, 2000000000), repeat('x', 8000)"

struct flow {
    struct answer *a;      /* its end                                       */
    elpq_request *stream;
    int64_t rows;
    int chunks;
    size_t longest;        /* rows of a chunk                               */
    bool counts;           /* the first column is 1, 2, 3 ...               */
    bool binary;           /* so the first column came                      */
    bool paused;
    bool ended;            /* by the test: no rows may come any more        */
    int64_t at;            /* when so many rows have come ...               */
    void (*act)(struct flow *f);
    void *data;            /* for it                                        */
    elpq_result *kept;
};

static inline void pause_flow(struct flow *f)
{
    RUN(elpq_stream_pause(f->stream));
    f->paused = true;
}

static inline void resume_flow(struct flow *f)
{
    int64_t before = f->rows;

    f->paused = false;
    RUN(elpq_stream_resume(f->stream));
    ck_assert_int_eq(f->rows, before);
}

static inline void stop_flow(struct flow *f)
{
    f->ended = true;
    RUN(elpq_stream_stop(f->stream));
}

static inline void cancel_flow(struct flow *f)
{
    f->ended = true;
    RUN(elpq_cancel(f->stream));
}

static void check_counting(struct flow *f, elpq_result *rows)
{
    for (size_t i = 0; i < elpq_rows(rows); i++) {
        int64_t n = 0;

        ck_assert_int_eq(elpq_get_int64(rows, i, 0, &n), 0);
        ck_assert_int_eq(n, f->rows + (int64_t)i + 1);
    }
}

static void on_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct flow *f = arg;
    elpq_column_info column;

    ck_assert_msg(harness_depth == 0, "rows came inside a call");
    ck_assert_msg(f->a->calls == 0, "rows came after the end");
    ck_assert_msg(!f->paused, "rows came while the stream was paused");
    ck_assert_msg(!f->ended, "rows came after the stream was ended");
    ck_assert_ptr_eq(stream, f->stream);
    ck_assert_uint_ge(elpq_rows(rows), 1);
    ck_assert_int_eq(elpq_column_at(rows, 0, &column), 0);
    f->binary = column.binary;
    if (f->counts)
        check_counting(f, rows);
    if (elpq_rows(rows) > f->longest)
        f->longest = elpq_rows(rows);
    f->rows += (int64_t)elpq_rows(rows);
    f->chunks++;
    if (f->act && f->rows >= f->at)
        f->act(f);
}

/* The rows have the flow as their argument, the end has its answer. */
static void on_end(const elpq_error *error, void *arg)
{
    on_done(error, ((struct flow *)arg)->a);
}

/* Starts a stream of the target, and fails unless that is accepted; without
 * options it has no deadline. */
#define FLOW(f, target, st, options)                                          \
    do {                                                                      \
        elpq_options flow_options = { .timeout_ms = ELPQ_NO_TIMEOUT };        \
        const elpq_options *flow_given = options;                             \
                                                                              \
        if (flow_given)                                                       \
            flow_options = *flow_given;                                       \
        flow_options.request = &(f)->stream;                                  \
        (f)->a = answer_new();                                                \
        ck_assert_int_eq(CALL(elpq_stream(target, st, &flow_options, on_rows, \
                                          on_end, (f))), 0);                  \
        ck_assert_int_eq((f)->a->calls, 0);                                   \
    } while (0)

/* Runs the loop until so many rows have come. */
static inline void await_rows(struct flow *f, int64_t n)
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    while (f->rows < n) {
        ck_assert_msg(now_usec() < end && f->a->calls == 0,
                      "%lld of %lld rows", (long long)f->rows, (long long)n);
        event_base_loop(loop, EVLOOP_ONCE);
    }
}

/* The server waits for us: everything between us and it is full. */
static inline void await_held_back(elpq_conn *conn)
{
    await_server("select wait_event = 'ClientWrite' from pg_stat_activity"
                 " where pid = %d",
                 elpq_conn_pid(conn));
}

/* Parse of a statement on this table waits for the lock: nobody knows the
 * columns yet.  Returns the connection that has the lock. */
static inline elpq_conn *lock_table(void)
{
    elpq_conn *locker = connect_now(NULL, NULL);

    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_stream");
    admin_do("create table elpq_stream as select 7 as n");
    admin_do("grant all on elpq_stream to public");
    expect_ok(script(locker, "begin; lock elpq_stream", NULL));
    return locker;
}

static inline void await_parse(int pid)
{
    await_server("select wait_event_type = 'Lock' from pg_stat_activity"
                 " where pid = %d", pid);
}

static inline void unlock_table(elpq_conn *locker)
{
    expect_ok(script(locker, "commit", NULL));
    close_conn(locker);
}

#endif

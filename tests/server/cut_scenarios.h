/* SPDX-License-Identifier: PostgreSQL */
/*
 * The scenarios of check_cuts: what each says to the server, and what is right
 * as an answer.
 */
#ifndef ELPQ_TESTS_CUT_SCENARIOS_H
#define ELPQ_TESTS_CUT_SCENARIOS_H

#include "cuts.h"

#define CUTS_SLOT "elpq_cuts_slot"
#define CUTS_PUBLICATION "elpq_cuts_pub"
#define CUTS_TABLE "elpq_cuts"

/* ---------------------------------------------------------- one connection */

static void query_body(struct run *run)
{
    ask_run(run, elpq_sql("select 1, 'one', 1.5::numeric, null::date, true"), 1,
            NULL, NULL);
}

static void prepared_again(struct run *run, struct answer *a)
{
    if (!a->code)
        ask_run(run, elpq_sql("select $1::int, 'again'", 2), 2, NULL, NULL);
}

static void prepared_body(struct run *run)
{
    ask_run(run, elpq_sql("select $1::int, 'again'", 1), 1, NULL,
            prepared_again);
}

static void pipeline_body(struct run *run)
{
    ask_run(run, elpq_sql("select 1"), 1, NULL, NULL);
    ask_run(run, elpq_sql("select nothing"), 0, "42703", NULL);
    ask_run(run, elpq_sql("select 3, 'three'"), 3, NULL, NULL);
    ask_run(run, elpq_sql("select 1 / (4 - $1::int)", 4), 0, "22012", NULL);
}

static void aborted_open(struct run *run, struct answer *a)
{
    run->tx = a->tx;
    if (!a->tx)
        return;
    ask_tx_run(run, elpq_sql("select 1"), 1, NULL);
    ask_tx_run(run, elpq_sql("select nothing"), 0, "42703");
    ask_tx_run(run, elpq_sql("select 3"), 0, "25P02");
    QUESTION(run, NOTHING, NULL, NULL, elpq_rollback(run->tx, on_done, one));
    run->tx = NULL;
}

static void aborted_body(struct run *run)
{
    QUESTION(run, NOTHING, NULL, aborted_open,
             elpq_begin(run->conn, NULL, on_tx, one));
}

static void transaction_open(struct run *run, struct answer *a)
{
    run->tx = a->tx;
    if (!a->tx)
        return;
    ask_tx_run(run, elpq_sql("select 1"), 1, NULL);
    ask_tx_run(run, elpq_sql("insert into elpq_cuts values (1, 'tx')"), NOTHING,
               NULL);
    commit_run(run);
}

static void transaction_body(struct run *run)
{
    QUESTION(run, NOTHING, NULL, transaction_open,
             elpq_begin(run->conn, NULL, on_tx, one));
}

static void count_each(size_t index, elpq_result *result,
                       const elpq_error *error, void *arg)
{
    struct run *run = ((struct answer *)arg)->data;

    ck_assert_msg(!result != !error, "a result and an error, or neither");
    if (!result)
        return;
    ck_assert_int_eq((int64_t)index, run->rows);
    count_rows(run, result);
}

static void failing_batch(struct run *run, struct answer *a)
{
    const elpq_statement *list[] = { elpq_sql("select 1"),
                                     elpq_sql("select nothing"),
                                     elpq_sql("select 3") };

    if (a->code)
        return;
    QUESTION(run, 0, "42703", NULL,
             elpq_batch(run->conn, list, 3, NULL, count_each, on_done, one));
}

static void batch_body(struct run *run)
{
    const elpq_statement *list[] = { elpq_sql("select 1"),
                                     elpq_sql("select $1::int", 2),
                                     elpq_sql("select 3") };

    QUESTION(run, NOTHING, NULL, failing_batch,
             elpq_batch(run->conn, list, 3, NULL, count_each, on_done, one));
}

static void script_each(elpq_result *result, void *arg)
{
    struct run *run = ((struct answer *)arg)->data;

    if (elpq_columns(result) > 0)
        count_rows(run, result);
}

static void script_body(struct run *run)
{
    QUESTION(run, 0, "42703", NULL,
             elpq_script(run->conn,
                         "select 1; set work_mem = '1MB'; select 2;"
                         " select 3 union all select 4;"
                         " select nothing",
                         NULL, script_each, on_done, one));
    ask_run(run, elpq_sql("select 5"), 5, NULL, NULL);
}

static void stream_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)stream;
    count_rows(((struct answer *)arg)->data, rows);
}

static void stream_body(struct run *run)
{
    QUESTION(run, NOTHING, NULL, NULL,
             elpq_stream(run->conn,
                         elpq_sql("select i from generate_series(1, 9) i"),
                         NULL, stream_rows, on_done, one));
    ask_run(run, elpq_sql("select 2"), 2, NULL, NULL);
}

static void walk_rows(elpq_result *rows, elpq_cursor *cursor, void *arg)
{
    (void)cursor;
    count_rows(((struct answer *)arg)->data, rows);
}

static void walked(struct run *run, struct answer *a)
{
    elpq_cursor *cursor = run->cursor;

    (void)a;
    run->cursor = NULL;
    QUESTION(run, NOTHING, NULL, NULL, elpq_cursor_close(cursor, on_done, one));
    commit_run(run);
}

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    ((struct run *)((struct answer *)arg)->data)->cursor = cursor;
    on_done(error, arg);
}

static void declared(struct run *run, struct answer *a)
{
    if (a->code)
        return;
    QUESTION(run, NOTHING, NULL, walked,
             elpq_cursor_walk(run->cursor, 3, walk_rows, on_done, one));
}

static void cursor_open(struct run *run, struct answer *a)
{
    run->tx = a->tx;
    if (a->tx)
        QUESTION(run, NOTHING, NULL, declared,
                 elpq_declare(run->tx,
                              elpq_sql("select i from generate_series(1, 7)"
                                       " i"),
                              NULL, on_cursor, one));
}

static void cursor_body(struct run *run)
{
    QUESTION(run, NOTHING, NULL, cursor_open,
             elpq_begin(run->conn, NULL, on_tx, one));
}

/* -------------------------------------------------------------------- copy */

static void copy_ready(elpq_copy *copy, void *arg)
{
    static const char lines[] = "1\tone\n2\ttwo\n3\tthree\n";

    (void)arg;
    ck_assert_uint_eq(elpq_copy_write(copy, lines, sizeof(lines) - 1),
                      sizeof(lines) - 1);
    elpq_copy_finish(copy);
}

static void copy_wrong(elpq_copy *copy, void *arg)
{
    (void)arg;
    elpq_copy_write(copy, "x\n", 2);
    elpq_copy_finish(copy);
}

static void copy_in_body(struct run *run)
{
    const elpq_copy_spec spec = { .table = CUTS_TABLE };

    QUESTION(run, NOTHING, NULL, NULL,
             elpq_copy_in(run->conn, &spec, NULL, copy_ready, on_result, one));
    QUESTION(run, 0, "22P02", NULL,
             elpq_copy_in(run->conn, &spec, NULL, copy_wrong, on_result, one));
    ask_run(run, elpq_sql("select 3"), 3, NULL, NULL);
}

static void copy_data(elpq_copy *copy, const void *data, size_t size, void *arg)
{
    struct run *run = ((struct answer *)arg)->data;

    (void)copy;
    for (size_t i = 0; i < size; i++)
        if (((const char *)data)[i] == '\n')
            ck_assert_int_eq(((const char *)data)[i - 1] - '0', ++run->rows);
}

static void copy_out_body(struct run *run)
{
    QUESTION(run, NOTHING, NULL, NULL,
             elpq_copy_out(run->conn,
                           elpq_copy_query("select i from"
                                           " generate_series(1, 9) i"),
                           NULL, copy_data, on_result, one));
    ask_run(run, elpq_sql("select 2"), 2, NULL, NULL);
}

static void copy_rows(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)copy;
    count_rows(((struct answer *)arg)->data, rows);
}

static void copy_rows_body(struct run *run)
{
    QUESTION(run, NOTHING, NULL, NULL,
             elpq_copy_out_rows(run->conn,
                                elpq_copy_query("select i, 'x' from"
                                                " generate_series(1, 5) i"),
                                NULL, copy_rows, on_result, one));
    ask_run(run, elpq_sql("select 2"), 2, NULL, NULL);
}

/* ------------------------------------------------------ groups and cancels */

static void groups_body(struct run *run)
{
    static const char *const states[] = { NULL, NULL, "22012", NULL, NULL };
    elpq_options o = { .flags = ELPQ_READONLY };

    for (int i = 0; i < 5; i++)
        QUESTION(run, 1 / (i - 2 ? i - 2 : 9), states[i], NULL,
                 elpq_execute(run->conn,
                              elpq_sql("select 1 / ($1::int - 2)", i), &o,
                              on_result, one));
}

/* Canceled when it is on its way; the next must not be hit. */
static void cancel_sent(const elpq_event *event, void *arg)
{
    struct run *run = arg;

    if (event->kind == ELPQ_EVENT_SENT && run->n >= 2 && run->q[1].a->request)
        elpq_cancel(run->q[1].a->request);
}

static void cancel_then(struct run *run, struct answer *a)
{
    (void)a;
    ask_run(run, elpq_sql("select"), NOTHING, NULL, NULL);
}

static void cancel_body(struct run *run)
{
    elpq_options o = { .flags = ELPQ_NO_PREPARE };

    QUESTION(run, 0, "57014", cancel_then,
             (o.request = &one->request,
              elpq_execute(run->conn, elpq_sql("select pg_sleep(100)"), &o,
                           on_result, one)));
}

static void cancel_start(struct run *run)
{
    struct answer *a = question(run, NOTHING, NULL, opened);

    run->options.trace = cancel_sent;
    run->options.trace_arg = run;
    RUN(a->handle =
            elpq_connect(loop, run->conninfo, &run->options, on_conn, a, NULL));
    ck_assert_ptr_nonnull(a->handle);
}

static const char cancel_script[] =
    "session\nstartup\nwelcome\nuntil S\nawait cancel\n"
    "send E \"SERROR\\0VERROR\\0C57014\\0Mcanceling statement due to user"
    " request\\0\\0\"\nsend Z \"I\"\nserve\ncancel\n";

/* -------------------------------------------------------------------- pool */

static void pool_lease(struct run *run);

static void pool_asked(struct run *run, struct answer *a)
{
    (void)a;
    release(run->conn);
    run->conn = NULL;
    if (!a->code && ++run->round < 3)
        pool_lease(run);
}

static void pool_leased(struct run *run, struct answer *a)
{
    run->conn = a->conn;
    if (!a->conn)
        return;
    QUESTION(
        run, 1, NULL, pool_asked,
        elpq_execute(run->conn, elpq_sql("select 1"), NULL, on_result, one));
    if (run->pending == 1) { /* refused: it is lost already */
        release(run->conn);
        run->conn = NULL;
    }
}

static void pool_lease(struct run *run)
{
    QUESTION(run, NOTHING, NULL, pool_leased,
             elpq_pool_acquire(run->pool, NULL, on_conn, one));
}

static void pool_start(struct run *run)
{
    elpq_pool_options o = { .conn = run->options,
                            .max_size = 1,
                            .backoff_min_ms = 1,
                            .backoff_max_ms = 2,
                            .reset = ELPQ_RESET_ALWAYS };

    o.acquire_timeout_ms = run->options.timeout_ms;
    RUN(run->pool = elpq_pool_new(loop, run->conninfo, &o, NULL));
    ck_assert_ptr_nonnull(run->pool);
    pool_lease(run);
}

/* ------------------------------------------------- listener and replication */

static void on_notification(const elpq_notification *notification, void *arg)
{
    struct run *run = arg;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert(!run->ending);
    ck_assert_str_eq(notification->channel, "elpq_cuts");
    ck_assert_int_eq(notification->payload[0] - '0', ++run->rows);
    if (run->rows == 5)
        finish(run);
}

static void on_listen_event(elpq_listener *listener,
                            const elpq_listen_event *event, void *arg)
{
    struct run *run = arg;

    (void)listener;
    ck_assert_int_eq(harness_depth, 0);
    ck_assert(!run->ending);
    if (event->kind == ELPQ_LISTEN_DOWN)
        finish(run);
    else if (run->recording && event->kind == ELPQ_LISTEN_UP)
        for (int i = 1; i <= 5; i++)
            admin_do("notify elpq_cuts, '%d'", i);
}

static void listen_start(struct run *run)
{
    elpq_listener_options o = { .conn = run->options };

    if (run->options.timeout_ms)
        o.ping_after_ms = o.ping_timeout_ms = run->options.timeout_ms;
    RUN(run->listener = elpq_listener_new(loop, run->conninfo, &o,
                                          on_listen_event, run, NULL));
    ck_assert_ptr_nonnull(run->listener);
    ck_assert_int_eq(
        CALL(elpq_listen(run->listener, "elpq_cuts", on_notification, run)), 0);
}

static void on_change(elpq_replication *replication, const elpq_change *change,
                      void *arg)
{
    struct run *run = arg;
    int64_t n = 0;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert(!run->ending);
    if (change->kind == ELPQ_CHANGE_INSERT) {
        ck_assert_int_eq(elpq_cell_int64(&change->new_row[0], &n), 0);
        ck_assert_int_eq(n, ++run->rows);
    } else if (change->kind == ELPQ_CHANGE_COMMIT) {
        ck_assert_int_eq(
            CALL(elpq_replication_confirm(replication, change->end_lsn)), 0);
        finish(run);
    }
}

static void on_stream_event(elpq_replication *replication,
                            const elpq_replication_event *event, void *arg)
{
    (void)replication;
    ck_assert_int_eq(harness_depth, 0);
    ck_assert(!((struct run *)arg)->ending);
    if (event->kind == ELPQ_REPLICATION_DOWN)
        finish(arg);
}

static void replication_start(struct run *run)
{
    static const char *const publications[] = { CUTS_PUBLICATION, NULL };
    elpq_replication_options o = { .conn = run->options,
                                   .slot = CUTS_SLOT,
                                   .publications = publications };

    o.server_timeout_ms = run->options.timeout_ms;
    RUN(run->replication = elpq_replication_new(
            loop, run->conninfo, &o, on_change, on_stream_event, run, NULL));
    ck_assert_ptr_nonnull(run->replication);
}

static const struct scenario scenarios[] = {
    { "connect", .trusted = false },
    { "SCRAM", .user = "ELPQ_TEST_SCRAM_USER",
      .password = "ELPQ_TEST_SCRAM_PASSWORD", .step = 5 },
    { "TLS", .user = "ELPQ_TEST_TLS_USER", .step = 31 },
    { "query", .body = query_body, .noted = true, .trusted = true },
    { "prepared", .body = prepared_body, .trusted = true },
    { "pipeline", .body = pipeline_body, .trusted = true },
    { "aborted", .body = aborted_body, .trusted = true },
    { "transaction", .body = transaction_body, .noted = true, .trusted = true },
    { "batch", .body = batch_body, .trusted = true },
    { "script", .body = script_body, .trusted = true },
    { "stream", .body = stream_body, .trusted = true },
    { "cursor", .body = cursor_body, .trusted = true },
    { "copy in", .body = copy_in_body, .trusted = true },
    { "copy out", .body = copy_out_body, .trusted = true },
    { "copy rows", .body = copy_rows_body, .trusted = true },
    { "read group", .body = groups_body, .trusted = true },
    { "cancel", cancel_start, cancel_body, cancel_script, .trusted = true },
    { "pool", pool_start, .trusted = true },
    { "listen", listen_start, .trusted = true },
    { "replication", replication_start, .trusted = true },
};
#define SCENARIOS (int)(sizeof(scenarios) / sizeof(*scenarios))

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The states of the matrix.
 *
 * A statement is held up by a lock that the test has, or its answer by the
 * proxy; so a state lasts as long as the test wants.
 */
#include <stdio.h>
#include <string.h>

#include "../../../lib/listener_int.h"
#include "../../../lib/pool_int.h"
#include "../../server/secrets.h"
#include "matrix.h"

/* ------------------------------------------------------------------- world */

static void on_cell_notice(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    struct cell *c = arg;

    (void)conn;
    hear_error(notice);
    c->noticed++;
    if (c->frees) {
        c->frees = false;
        free_all(c);
    }
}

/* A description needs memory, which the fault is to take from the driver. */
static void on_cell_event(const elpq_event *event, void *arg)
{
    struct cell *c = arg;

    c->events++;
    if (c->fault == NO_MEMORY)
        hear_event_text(event);
    else
        hear_event(event, NULL);
}

/* All that a connection of the cell tells is looked through for passwords. */
static void listen_to(struct cell *c, elpq_conn_options *o)
{
    o->notice = on_cell_notice;
    o->notice_arg = c;
    o->trace = on_cell_event;
    o->trace_arg = c;
}

/* The server asks for no password, unless `more` has one that it knows; but
 * libpq has it all the time. */
static const char *conninfo_of(const struct cell *c, const char *more)
{
    static char text[400];
    const char *database = harness_env("PGDATABASE");

    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d dbname=%s gssencmode=disable"
             " password=" CANARY " %s",
             elpq_faultproxy_port(c->proxy), database ? database : "postgres",
             more);
    return text;
}

static void open_pool(struct cell *c, const char *more)
{
    elpq_pool_options o = { .max_size = 1,
                            .backoff_min_ms = 1,
                            .backoff_max_ms = 50,
                            .ping_after_ms = -1 };

    listen_to(c, &o.conn);
    c->pool = pool_at(conninfo_of(c, more), &o);
}

/* A pool with one connection that is idle and known. */
static void open_idle(struct cell *c)
{
    open_pool(c, "sslmode=disable");
    expect_int(ask(c->pool, elpq_sql("select 1")), 1);
    c->others++;
    await_that(c, stats(c->pool).idle == 1);
    c->pid = elpq_conn_pid(session_of(c));
    c->base = proxied(c).server_bytes;
}

static void ask_nonce(struct cell *c)
{
    keep_question(
        c, ask(c->pool, sql_format("select %lld", (long long)next_nonce(c))));
}

/* The statement of this text behind the lock, and the nonce. */
static const elpq_statement *blocked(struct cell *c)
{
    return sql_format("select %lld from (select"
                      " pg_advisory_xact_lock_shared(%lld)) l",
                      (long long)next_nonce(c), (long long)c->nonce);
}

static void go_on_unlocked(struct cell *c)
{
    unlock_cell(c);
}

static void go_on_passing(struct cell *c)
{
    rule(c, "session 1 client resume");
    rule(c, "session 1 server resume");
}

/* ---------------------------------------------------------- not yet a session
 */

static void reach_connecting(struct cell *c)
{
    rule(c, "session 1 client pause at byte 1");
    open_pool(c, "sslmode=disable");
    ask_nonce(c);
    await_that(c, proxied(c).paused == 1);
}

static void reach_tls(struct cell *c)
{
    rule(c, "session 1 server pause at byte 2");
    open_pool(c, "sslmode=require");
    ask_nonce(c);
    await_that(c, proxied(c).paused == 1);
}

static void reach_authenticating(struct cell *c)
{
    char more[200];

    snprintf(more, sizeof(more), "sslmode=disable user=%s password=%s",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    rule(c, "session 1 server pause at message 2 R");
    open_pool(c, more);
    ask_nonce(c);
    await_that(c, proxied(c).paused == 1);
}

/* -------------------------------------------------------------------- idle */

static void go_on_nothing(struct cell *c)
{
    (void)c;
}

/* --------------------------------------------------------------- statements */

static void reach_sent(struct cell *c)
{
    open_idle(c);
    lock_cell(c);
    keep_question(c, ask(c->pool, blocked(c)));
    await_locked(c);
}

static void reach_half_a_row(struct cell *c)
{
    open_idle(c);
    rule(c, "session 1 server pause at byte %llu",
         (unsigned long long)c->base + 600);
    keep_question(c, ask(c->pool, sql_format("select %lld, repeat('x', 1000)",
                                             (long long)next_nonce(c))));
    await_that(c, proxied(c).paused == 1);
    run_turns(2);
}

static void on_stream_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct cell *c = arg;
    int64_t value = -1;

    ck_assert_int_eq(elpq_get_int64(rows, 0, 0, &value), 0);
    ck_assert_int_eq(value, c->nonce + ++c->rows);
    if (c->rows == 1)
        elpq_stream_pause(stream);
}

static void on_stream_end(const elpq_error *error, void *arg)
{
    on_done(error, ((struct cell *)arg)->q[0]);
}

/* A few rows come, the others wait for the lock. */
#define ROWS_SQL                                                               \
    "select %lld + g, repeat('x', 100), case when g = 100 then"                \
    " (select 1 from (select pg_advisory_xact_lock_shared(%lld)) l) end"       \
    " from generate_series(1, 110) g"

static void reach_paused_stream(struct cell *c)
{
    elpq_options o = { 0 };

    open_idle(c);
    lock_cell(c);
    keep_question(c, answer_new());
    o.request = &c->q[0]->request;
    ck_assert_int_eq(CALL(elpq_stream(c->pool,
                                      sql_format(ROWS_SQL, (long long)c->nonce,
                                                 (long long)c->nonce),
                                      &o, on_stream_rows, on_stream_end, c)),
                     0);
    await_that(c, c->rows == 1);
    await_locked(c);
}

static void go_on_streaming(struct cell *c)
{
    unlock_cell(c);
    if (c->q[0]->request)
        RUN(elpq_stream_resume(c->q[0]->request));
}

static void reach_pipeline(struct cell *c)
{
    open_idle(c);
    lock_cell(c);
    c->conn = lease(c->pool);
    keep_question(c, ask(c->conn, blocked(c)));
    while (c->nq < MANY_QUESTIONS)
        keep_question(c, ask(c->conn, sql_format("select %lld",
                                                 (long long)next_nonce(c))));
    await_locked(c);
    await_that(c, session_of(c)->nsent == MANY_QUESTIONS);
}

static void on_part(size_t index, elpq_result *result, const elpq_error *error,
                    void *arg)
{
    (void)index;
    ck_assert(!result != !error);
    ((struct cell *)arg)->rows++;
}

static void on_batch(const elpq_error *error, void *arg)
{
    struct cell *c = arg;

    ck_assert_int_eq(c->rows, 3);
    on_done(error, c->q[0]);
}

static void reach_pipeline_aborted(struct cell *c)
{
    const elpq_statement *parts[3];
    elpq_options o = { 0 };

    open_pool(c, "sslmode=disable");
    c->conn = lease(c->pool);
    c->pid = elpq_conn_pid(c->conn);
    rule(c, "session 1 server pause at message 2 Z");
    keep_question(c, answer_new());
    o.request = &c->q[0]->request;
    parts[0] = sql_text("select 1");
    parts[1] = sql_text("select 1 / (random() * 0)::int");
    parts[2] = sql_text("select 3");
    ck_assert_int_eq(
        CALL(elpq_batch(c->conn, parts, 3, &o, on_part, on_batch, c)), 0);
    await_that(c, PQpipelineStatus(session_of(c)->pg) == PQ_PIPELINE_ABORTED);
    /* The server flushes an error by itself: the ReadyForQuery comes later. */
    await_that(c, proxied(c).paused == 1);
}

/* -------------------------------------------------------------------- COPY */

static void on_copy_end(elpq_result *result, const elpq_error *error, void *arg)
{
    struct cell *c = arg;

    c->copy = NULL;
    on_result(result, error, c->q[0]);
}

static void on_copy_ready(elpq_copy *copy, void *arg)
{
    struct cell *c = arg;
    char line[40];

    c->copy = copy;
    if (c->rows++ > 0)
        return;
    snprintf(line, sizeof(line), "%lld\n", (long long)c->nonce);
    ck_assert_uint_eq(elpq_copy_write(copy, line, strlen(line)), strlen(line));
}

static void reach_copy_in(struct cell *c)
{
    const elpq_copy_spec spec = { .table = "elpq_matrix" };
    elpq_options o = { 0 };

    open_idle(c);
    keep_question(c, answer_new());
    o.request = &c->q[0]->request;
    ck_assert_int_eq(
        CALL(elpq_copy_in(c->pool, &spec, &o, on_copy_ready, on_copy_end, c)),
        0);
    await_that(c, c->copy);
}

static void go_on_copying(struct cell *c)
{
    if (c->copy)
        ck_assert_int_eq(CALL(elpq_copy_finish(c->copy)), 0);
}

static void on_copy_data(elpq_copy *copy, const void *data, size_t size,
                         void *arg)
{
    struct cell *c = arg;

    c->copy = copy;
    for (size_t i = 0; i < size; i++)
        c->rows += ((const char *)data)[i] == '\n';
}

static void reach_copy_out(struct cell *c)
{
    char sql[400];
    elpq_copy_spec spec;
    elpq_options o = { 0 };

    open_idle(c);
    lock_cell(c);
    keep_question(c, answer_new());
    snprintf(sql, sizeof(sql), "copy (" ROWS_SQL ") to stdout",
             (long long)c->nonce, (long long)c->nonce);
    spec = elpq_copy_sql_from_trusted_string(sql);
    o.request = &c->q[0]->request;
    ck_assert_int_eq(
        CALL(elpq_copy_out(c->pool, &spec, &o, on_copy_data, on_copy_end, c)),
        0);
    await_that(c, c->rows > 0);
    await_locked(c);
}

/* ------------------------------------------------------------- transactions */

static void begin_with_row(struct cell *c, const char *table)
{
    open_idle(c);
    c->tx = expect_ok(begin(c->pool, NULL))->tx;
    expect_ok(ask(c->tx, sql_format("insert into %s values (%lld)", table,
                                    (long long)c->nonce)));
}

static void end_with_commit(struct cell *c)
{
    struct answer *a = answer_new();

    keep_question(c, a);
    ck_assert_int_eq(CALL(elpq_commit(c->tx, on_done, a)), 0);
    c->tx = NULL;
}

static void reach_in_transaction(struct cell *c)
{
    begin_with_row(c, "elpq_matrix");
}

/* Refused at once when the connection is known to be gone. */
static void ask_in_transaction(struct cell *c)
{
    struct answer *a;

    if (!c->tx)
        return;
    a = answer_new();
    if (CALL(elpq_execute(c->tx,
                          sql_format("select %lld", (long long)next_nonce(c)),
                          NULL, on_result, a)) == 0)
        keep_question(c, a);
    else
        a->wanted = 0;
    end_with_commit(c);
}

static void reach_commit_sent(struct cell *c)
{
    lock_cell(c);
    begin_with_row(c, "elpq_matrix_slow");
    end_with_commit(c);
    await_locked(c);
}

/* ------------------------------------------------------------------- cancel */

static void reach_cancel(struct cell *c)
{
    rule(c, "cancel client pause at byte 1");
    reach_sent(c);
    cancel(c->q[0]);
    await_that(c, proxied(c).cancels == 1);
}

static void go_on_canceling(struct cell *c)
{
    rule(c, "cancel client resume");
}

/* ---------------------------------------------------------------- listening */

static void on_heard(const elpq_notification *n, void *arg)
{
    struct cell *c = arg;
    char text[40];

    snprintf(text, sizeof(text), "%lld", (long long)c->nonce);
    c->heard += strcmp(n->payload, text) == 0;
}

static void on_listen(elpq_listener *l, const elpq_listen_event *event,
                      void *arg)
{
    struct cell *c = arg;

    (void)l;
    c->ups += event->kind == ELPQ_LISTEN_UP;
    c->downs += event->kind == ELPQ_LISTEN_DOWN;
    c->gaps += event->kind == ELPQ_LISTEN_GAP;
    if (event->error)
        hear_error(event->error);
    if (event->kind == ELPQ_LISTEN_DOWN && !c->down_code)
        c->down_code = event->error->code;
}

static void reach_listening(struct cell *c)
{
    elpq_listener_options o = { .backoff_min_ms = 1, .backoff_max_ms = 50 };

    listen_to(c, &o.conn);
    RUN(c->listener = elpq_listener_new(loop, conninfo_of(c, "sslmode=disable"),
                                        &o, on_listen, c, NULL));
    ck_assert_ptr_nonnull(c->listener);
    ck_assert_int_eq(CALL(elpq_listen(c->listener, "elpq_matrix", on_heard, c)),
                     0);
    await_that(c, c->ups == 1);
    c->pid = elpq_conn_pid(session_of(c));
}

/* ---------------------------------------------------------------- resetting */

static void reach_resetting(struct cell *c)
{
    uint64_t before;

    open_idle(c);
    c->conn = lease(c->pool);
    expect_ok(ask(c->conn, elpq_sql("set application_name = 'dirty'")));
    before = proxied(c).client_bytes;
    rule(c, "session 1 server pause");
    release(c->conn);
    c->conn = NULL;
    keep_question(c,
                  ask(c->pool, sql_format("select %lld where"
                                          " current_setting('application_name')"
                                          " <> 'dirty'",
                                          (long long)next_nonce(c))));
    await_that(c, proxied(c).client_bytes > before + 50);
}

const struct state states[MANY_STATES] = {
    [CONNECTING_STATE] = { "connecting", reach_connecting, go_on_passing,
                           .held = true, .early = true },
    [TLS_STATE] = { "TLS handshake", reach_tls, go_on_passing, .held = true,
                    .early = true },
    [AUTHENTICATING] = { "authenticating", reach_authenticating, go_on_passing,
                         .held = true, .early = true },
    [IDLE_IN_POOL] = { "idle in pool", open_idle, go_on_nothing,
                       .follow = ask_nonce },
    [SENT_STATE] = { "sent, no reply", reach_sent, go_on_unlocked,
                     .follow = NULL },
    [HALF_A_ROW] = { "half a row", reach_half_a_row, go_on_passing,
                     .held = true },
    [PAUSED_STREAM] = { "paused stream", reach_paused_stream, go_on_streaming,
                        .follow = NULL },
    [PIPELINE] = { "pipeline of 8", reach_pipeline, go_on_unlocked,
                   .follow = NULL },
    [PIPELINE_ABORTED] = { "pipeline aborted", reach_pipeline_aborted,
                           go_on_passing, .held = true },
    [COPY_IN] = { "COPY in", reach_copy_in, go_on_copying, .stores = true },
    [COPY_OUT] = { "COPY out", reach_copy_out, go_on_unlocked,
                   .follow = NULL },
    [IN_TRANSACTION] = { "in transaction", reach_in_transaction, go_on_nothing,
                         .follow = ask_in_transaction, .stores = true },
    [COMMIT_SENT] = { "COMMIT sent", reach_commit_sent, go_on_unlocked,
                      .stores = true },
    [CANCEL_IN_FLIGHT] = { "cancel in flight", reach_cancel, go_on_canceling,
                           .follow = NULL },
    [LISTENING] = { "listening", reach_listening, go_on_nothing,
                    .follow = NULL },
    [RESETTING_STATE] = { "resetting", reach_resetting, go_on_passing,
                          .held = true },
};

/* SPDX-License-Identifier: PostgreSQL */
/*
 * libFuzzer target: a whole session, from the bytes of a hostile server through
 * libpq into the callbacks.
 *
 *     byte 0      what the client does, see `scenarios`
 *     byte 1      how the server speaks, see session_server.h
 *     the rest    what it says after the welcome
 *
 * Whatever it says: each callback comes once, not inside of a call, and with a
 * result or an error; what is handed out can be read; everything ends, soon
 * after the server has hung up.
 */
#include "session_server.h"

#include <time.h>

#include "elpq/elpq.h"
#include "elpq/replication.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libpq forgets the result at hand when a RowDescription is followed by
 * ReadyForQuery in a pipeline, which no real server does.  So what libpq
 * allocates is not accounted for here; the suites with a server do that. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libpq.so";
}

#define QUESTIONS 16
#define DEADLINE_MS 200
#define HANG_SECONDS 20 /* far beyond the deadlines, for a loaded machine */

static struct {
    int asked, calls;
} q[QUESTIONS];
static int nquestions, inside, events;
static elpq_conn *conn;
static elpq_tx *tx;
static elpq_cursor *cursor;
static elpq_pool *pool;
static elpq_listener *listener;
static elpq_replication *replication;

#define IN(call) (inside++, (call), inside--)
/* A question; `one` is what its callback gets. */
#define ASK(call)                                                              \
    do {                                                                       \
        void *one = &q[nquestions++];                                          \
        int rc;                                                                \
                                                                               \
        expect(nquestions <= QUESTIONS);                                       \
        IN(rc = (call));                                                       \
        q[nquestions_of(one)].asked = rc == 0;                                 \
    } while (0)

static int nquestions_of(const void *arg)
{
    return (int)((const char *)arg - (const char *)q) / (int)sizeof(*q);
}

/* ---------------------------------------------------------------- callbacks */

static void arrive(void *arg, const void *result, const elpq_error *error,
                   bool either)
{
    expect(inside == 0);
    expect(++q[nquestions_of(arg)].calls == 1);
    expect(!either || !result != !error);
    if (error)
        expect(error->code < 0 && error->message && *error->message &&
               (!(error->flags & ELPQ_NOT_EXECUTED) ||
                !(error->flags & ELPQ_IN_DOUBT)));
}

static void read_result(elpq_result *r)
{
    for (size_t row = 0; row < elpq_rows(r) && row < 20; row++)
        for (int column = 0; column < elpq_columns(r) && column < 20;
             column++) {
            const char *text = elpq_get_text(r, row, column);
            int64_t n;
            double d;

            expect(!text || strlen(text) < 1u << 20);
            elpq_get_int64(r, row, column, &n);
            elpq_get_double(r, row, column, &d);
            elpq_is_null(r, row, column);
        }
    expect(elpq_command(r) != NULL);
    elpq_affected(r);
}

static void on_result(elpq_result *r, const elpq_error *error, void *arg)
{
    arrive(arg, r, error, true);
    if (r)
        read_result(r);
}

static void on_done(const elpq_error *error, void *arg)
{
    arrive(arg, NULL, error, false);
}

static void on_each(elpq_result *r, void *arg)
{
    expect(inside == 0 && q[nquestions_of(arg)].calls == 0);
    read_result(r);
}

static void on_one(size_t index, elpq_result *r, const elpq_error *error,
                   void *arg)
{
    expect(inside == 0 && q[nquestions_of(arg)].calls == 0);
    expect(index < 3 && !r != !error);
    if (r)
        read_result(r);
}

static void on_rows(elpq_result *r, elpq_request *stream, void *arg)
{
    expect(inside == 0 && q[nquestions_of(arg)].calls == 0);
    read_result(r);
    elpq_stream_pause(stream);
    elpq_stream_resume(stream);
}

static void on_walk_rows(elpq_result *r, elpq_cursor *c, void *arg)
{
    (void)c;
    on_each(r, arg);
}

static void on_notification(const elpq_notification *n, void *arg)
{
    (void)arg;
    expect(inside == 0 && strlen(n->channel) + strlen(n->payload) < 1u << 20);
}

static void on_notice(elpq_conn *c, const elpq_error *notice, void *arg)
{
    (void)c;
    (void)arg;
    expect(notice->message != NULL);
}

/* ---------------------------------------------------------------- scenarios */

static void plain(void)
{
    elpq_options once = { .flags = ELPQ_NO_PREPARE };

    ASK(elpq_execute(conn, elpq_sql("select 1"), NULL, on_result, one));
    ASK(elpq_execute(conn, elpq_sql("select $1::int", 2), &once, on_result,
                     one));
}

static void pipeline(void)
{
    elpq_options reads = { .flags = ELPQ_READONLY };

    for (int i = 0; i < 3; i++)
        ASK(elpq_execute(conn, elpq_sql("select 1"), &reads, on_result, one));
    ASK(elpq_execute(conn, elpq_sql("select $1::int", 2), NULL, on_result,
                     one));
}

static void batch(void)
{
    const elpq_statement *list[] = { elpq_sql("select 1"),
                                     elpq_sql("select $1::text", "x"),
                                     elpq_sql("select 3") };

    ASK(elpq_batch(conn, list, 3, NULL, on_one, on_done, one));
}

static void script(void)
{
    ASK(elpq_script(conn, "select 1; select 2", NULL, on_each, on_done, one));
    ASK(elpq_execute(conn, elpq_sql("select 1"), NULL, on_result, one));
}

static void stream(void)
{
    elpq_options o = { .chunk_rows = 2 };

    ASK(elpq_stream(conn, elpq_sql("select 1"), &o, on_rows, on_done, one));
    ASK(elpq_execute(conn, elpq_sql("select 1"), NULL, on_result, one));
}

static void on_declared(elpq_cursor *c, const elpq_error *error, void *arg)
{
    arrive(arg, c, error, true);
    cursor = c;
    if (c)
        ASK(elpq_cursor_walk(c, 2, on_walk_rows, on_done, one));
}

static void on_tx(elpq_tx *t, const elpq_error *error, void *arg)
{
    arrive(arg, t, error, true);
    tx = t;
    if (!t)
        return;
    ASK(elpq_execute(t, elpq_sql("select 1"), NULL, on_result, one));
    ASK(elpq_declare(t, elpq_sql("select 2"), NULL, on_declared, one));
}

static void transaction(void)
{
    ASK(elpq_begin(conn, NULL, on_tx, one));
}

static void on_ready(elpq_copy *copy, void *arg)
{
    expect(inside == 0 && q[nquestions_of(arg)].calls == 0);
    if (elpq_copy_write(copy, "1\n", 2) == 2)
        elpq_copy_finish(copy);
}

static void on_room(elpq_copy *copy, void *arg)
{
    expect(inside == 0 && q[nquestions_of(arg)].calls == 0);
    for (int i = 0; i < 3; i++)
        elpq_copy_row(copy, i, "text");
    elpq_copy_finish(copy);
}

static void on_data(elpq_copy *copy, const void *data, size_t size, void *arg)
{
    static volatile char sink;

    (void)copy;
    expect(inside == 0 && q[nquestions_of(arg)].calls == 0);
    for (size_t i = 0; i < size; i++)
        sink = ((const char *)data)[i];
    (void)sink;
}

static void on_copy_rows(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)copy;
    on_each(rows, arg);
}

static void copy_in(void)
{
    const elpq_copy_spec spec = { .table = "t" };
    const elpq_copy_spec rows = { .table = "t", .format = ELPQ_COPY_ROWS };

    ASK(elpq_copy_in(conn, &spec, NULL, on_ready, on_result, one));
    ASK(elpq_copy_in(conn, &rows, NULL, on_room, on_result, one));
}

static void copy_out(void)
{
    const elpq_copy_spec spec = { .table = "t" };

    ASK(elpq_copy_out(conn, &spec, NULL, on_data, on_result, one));
    ASK(elpq_execute(conn, elpq_sql("select 1"), NULL, on_result, one));
}

static void copy_rows(void)
{
    ASK(elpq_copy_out_rows(conn, elpq_copy_query("select 1, 'x'"), NULL,
                           on_copy_rows, on_result, one));
}

static void on_slot(const elpq_slot *slot, const elpq_error *error, void *arg)
{
    arrive(arg, slot, error, true);
    expect(!slot || slot->name);
}

static void slot(void)
{
    ASK(elpq_conn_slot_create(conn, "s", NULL, NULL, on_slot, one));
}

static void (*const bodies[])(void) = {
    plain,       pipeline, batch,    script,    stream,
    transaction, copy_in,  copy_out, copy_rows, slot,
};
#define BODIES (sizeof(bodies) / sizeof(*bodies))
#define SCENARIOS (BODIES + 3) /* pool, listener, replication */

static unsigned chosen;

static void on_connected(elpq_conn *c, const elpq_error *error, void *arg)
{
    arrive(arg, c, error, true);
    conn = c;
    if (c)
        bodies[chosen]();
}

static void on_leased(elpq_conn *c, const elpq_error *error, void *arg)
{
    arrive(arg, c, error, true);
    if (!c)
        return;
    ASK(elpq_execute(c, elpq_sql("select 1"), NULL, on_result, one));
    IN(elpq_conn_release(c));
}

static void on_listen_event(elpq_listener *l, const elpq_listen_event *event,
                            void *arg)
{
    (void)l;
    (void)arg;
    expect(inside == 0);
    events += event->kind == ELPQ_LISTEN_DOWN;
}

static void on_change(elpq_replication *r, const elpq_change *change, void *arg)
{
    (void)arg;
    expect(inside == 0 && elpq_change_name(change->kind));
    if (change->end_lsn)
        elpq_replication_confirm(r, change->end_lsn);
}

static void on_stream_event(elpq_replication *r,
                            const elpq_replication_event *event, void *arg)
{
    (void)r;
    (void)arg;
    expect(inside == 0);
    events += event->kind == ELPQ_REPLICATION_DOWN;
}

/* -------------------------------------------------------------- the session */

static elpq_conn_options options(void)
{
    elpq_conn_options o = { .connect_timeout_ms = DEADLINE_MS,
                            .timeout_ms = DEADLINE_MS,
                            .cancel_grace_ms = 1,
                            .max_result_bytes = 1 << 20 };

    o.notice = on_notice;
    return o;
}

static void begin(struct event_base *base, const char *conninfo)
{
    static const char *const publications[] = { "p", NULL };
    elpq_conn_options o = options();
    elpq_pool_options p = { .conn = o,
                            .max_size = 1,
                            .backoff_min_ms = 1,
                            .acquire_timeout_ms = DEADLINE_MS,
                            .reset = ELPQ_RESET_ALWAYS };
    elpq_listener_options l = { .conn = o,
                                .ping_after_ms = DEADLINE_MS / 2,
                                .ping_timeout_ms = DEADLINE_MS / 2 };
    elpq_replication_options r = { .conn = o,
                                   .slot = "s",
                                   .publications = publications,
                                   .server_timeout_ms = DEADLINE_MS };

    if (chosen < BODIES) {
        void *arg = &q[nquestions++];
        elpq_conn *c;

        IN(c = elpq_connect(base, conninfo, &o, on_connected, arg, NULL));
        expect(c != NULL);
        q[0].asked = 1;
    } else if (chosen == BODIES) {
        IN(pool = elpq_pool_new(base, conninfo, &p, NULL));
        for (int i = 0; i < 2; i++)
            ASK(elpq_pool_acquire(pool, NULL, on_leased, one));
    } else if (chosen == BODIES + 1) {
        IN(listener = elpq_listener_new(base, conninfo, &l, on_listen_event,
                                        NULL, NULL));
        elpq_listen(listener, "c", on_notification, NULL);
    } else {
        IN(replication = elpq_replication_new(base, conninfo, &r, on_change,
                                              on_stream_event, NULL, NULL));
    }
}

static bool all_came(void)
{
    if (listener || replication)
        return events > 0;
    for (int i = 0; i < nquestions; i++)
        if (q[i].calls < q[i].asked)
            return false;
    return true;
}

static void end(void)
{
    if (cursor)
        elpq_cursor_close(cursor, NULL, NULL);
    if (tx)
        elpq_rollback(tx, NULL, NULL);
    elpq_conn_close(conn);
    if (pool)
        ASK((elpq_pool_close(pool, 0, on_done, one), 0));
    if (listener)
        ASK((elpq_listener_close(listener, on_done, one), 0));
    if (replication)
        ASK((elpq_replication_close(replication, on_done, one), 0));
    conn = NULL;
    cursor = NULL;
    tx = NULL;
    pool = NULL;
    listener = NULL;
    replication = NULL;
}

static void run(struct event_base *base, bool all)
{
    time_t until = time(NULL) + HANG_SECONDS;

    while (all ? event_base_get_num_events(
                     base, EVENT_BASE_COUNT_ADDED | EVENT_BASE_COUNT_ACTIVE) > 0
               : !all_came()) {
        event_base_loop(base, EVLOOP_ONCE);
        expect(time(NULL) < until);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_base *base;
    char conninfo[120];

    if (size < 2)
        return 0;
    if (!base) {
        base = event_base_new();
        expect(base != NULL);
        server_open(base);
    }
    memset(q, 0, sizeof(q));
    nquestions = events = 0;
    chosen = data[0] % SCENARIOS;
    server_begin(data[1], data + 2, size - 2);
    snprintf(conninfo, sizeof(conninfo),
             "host=%s port=5432 user=x dbname=x gssencmode=disable"
             " sslmode=disable",
             server.dir);
    begin(base, conninfo);
    run(base, false);
    end();
    server_end();
    run(base, true);
    for (int i = 0; i < nquestions; i++)
        expect(q[i].calls == q[i].asked);
    return 0;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection of a replication stream: made, started, read, told how far
 * we are, lost, made again.
 *
 * The stream is the owner of its connection (struct elpq__owner).  On a new
 * one it sends, in the simple protocol, CREATE_REPLICATION_SLOT where that is
 * wanted, and START_REPLICATION; the answer to that is COPY BOTH, in which
 * libpq stays: what comes is taken in take() (conn->duplex), what goes is the
 * status, a message of 34 bytes, which is not sent while output is stuck.
 *
 * Commands that were sent call back after the connection that they were on
 * was lost.  That is not news then: r->conn is another one, or none.
 */
#include <string.h>
#include <time.h>

#include "backoff.h"
#include "reader.h"
#include "replication_int.h"

#define EPOCH_USEC INT64_C(946684800000000) /* of 2000-01-01 since 1970 */
#define RETRY_USEC 50000 /* until output that is stuck is looked at again */

static elpq_replication *stream_of(const elpq_conn *conn)
{
    return conn->slot_pool;
}

static void lose(elpq_replication *r, elpq_code code, const char *text)
{
    if (r->conn)
        elpq__conn_lost(r->conn, code, text);
}

/* ----------------------------------------------------------------- status */

static void put64(char *p, uint64_t x)
{
    for (int i = 7; i >= 0; i--, x >>= 8)
        p[i] = (char)(x & 0xff);
}

static int64_t server_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 - EPOCH_USEC;
}

void elpq__replication_send_status(elpq_replication *r, bool ask)
{
    elpq_conn *conn = r->conn;
    char message[34] = "r";
    bool inside;

    if (!r->up || conn->io.writing)
        return;
    put64(message + 1, r->received);
    put64(message + 9, r->flush);
    put64(message + 17, r->flush);
    put64(message + 25, (uint64_t)server_time());
    message[33] = (char)ask;
    r->told = elpq__now();
    r->advanced = false;
    inside = elpq__pipeline_enter(conn);
    if (PQputCopyData(conn->pg, message, sizeof(message)) != 1)
        elpq__lost_in_write(conn);
    else
        elpq__send_flush(conn);
    elpq__pipeline_leave(conn, inside);
}

void elpq__replication_tell(struct elpq__task *task)
{
    elpq_replication *r = elpq__container(task, elpq_replication, tell);

    if (!r->advanced)
        return;
    elpq__replication_send_status(r, false);
    if (r->advanced && r->up) /* output is stuck */
        elpq__timer_start(r->loop, &r->tick, elpq__now() + RETRY_USEC);
}

/* Whether the server lives; moves the timer on. */
void elpq__replication_tick(struct elpq__timer *timer)
{
    elpq_replication *r = elpq__container(timer, elpq_replication, tick);
    int64_t now = elpq__now();
    int64_t status = r->options.status_interval_ms * INT64_C(1000);
    int64_t patience = r->options.server_timeout_ms * INT64_C(1000);
    int64_t due;

    if (!r->conn)
        return;
    if (r->paused || r->creating || r->options.server_timeout_ms < 0) {
        r->alive = now;
        r->asked = false;
    } else if (now - r->alive >= patience) {
        lose(r, ELPQ_E_TIMEOUT,
             "the server gave no sign of life within server_timeout_ms: the "
             "connection was closed");
        return;
    }
    if (!r->asked && now - r->alive >= patience / 2 &&
        r->options.server_timeout_ms > 0) {
        elpq__replication_send_status(r, true);
        r->asked = true;
    }
    if (r->up && (r->advanced || now - r->told >= status))
        elpq__replication_send_status(r, false);
    if (!r->conn)
        return;
    due = r->up ? r->told + status : now + status;
    if (patience > 0 && !r->asked && r->alive + patience / 2 < due)
        due = r->alive + patience / 2;
    if (patience > 0 && r->asked && r->alive + patience < due)
        due = r->alive + patience;
    if (due <= now)
        due = now + RETRY_USEC;
    elpq__timer_start(r->loop, &r->tick, due);
}

/* ---------------------------------------------------------------- reading */

/* What ends here was handed over, or is about to be. */
static void note_end(elpq_replication *r, uint64_t lsn)
{
    if (lsn > r->delivered)
        r->delivered = lsn;
}

static void hand_over(elpq_replication *r, const elpq_change *change,
                      size_t bytes)
{
    r->stats.changes++;
    r->stats.bytes += bytes;
    r->changes(r, change, r->arg);
}

static void take_change(elpq_replication *r, uint64_t lsn, char *data,
                        size_t size)
{
    elpq_change change;
    int code;

    if (!r->is_pgoutput) {
        change = (elpq_change){ .kind = ELPQ_CHANGE_TEXT,
                                .data = data,
                                .size = size };
    } else {
        code = elpq__pgoutput_decode(&r->decoder, data, size, &change);
        if (code) {
            lose(r, (elpq_code)code,
                 code == ELPQ_E_PROTOCOL ? "a message of pgoutput is malformed"
                 : code == ELPQ_E_LIMIT
                     ? "changes of more tables than max_relations"
                     : NULL);
            return;
        }
    }
    change.lsn = lsn;
    note_end(r, r->is_pgoutput ? change.end_lsn : lsn);
    hand_over(r, &change, size);
}

static void note_received(elpq_replication *r, uint64_t lsn)
{
    if (lsn > r->received)
        r->received = lsn;
}

/* Nothing of ours is before this position but what is confirmed. */
static void take_keepalive(elpq_replication *r, uint64_t lsn, bool answer)
{
    note_received(r, lsn);
    if (!r->options.no_idle_confirm && r->flush >= r->delivered &&
        lsn > r->flush)
        r->flush = lsn;
    if (answer)
        elpq__replication_send_status(r, false);
}

static void take_message(elpq_replication *r, char *data, size_t size)
{
    struct elpq__reader in = elpq__reader_of(data, size);
    uint8_t kind = elpq__read_uint8(&in);
    uint64_t lsn = (uint64_t)elpq__read_int64(&in);

    r->alive = elpq__now();
    r->asked = false;
    if (kind == 'w') {
        note_received(r, lsn);
        note_received(r, (uint64_t)elpq__read_int64(&in));
        elpq__read_int64(&in); /* the server's clock */
        if (!in.bad)
            take_change(r, lsn, data + (in.p - data), elpq__read_left(&in));
    } else if (kind == 'k') {
        elpq__read_int64(&in);
        if (elpq__read_left(&in) == 1)
            take_keepalive(r, lsn, elpq__read_uint8(&in) != 0);
        else
            in.bad = true;
    } else {
        in.bad = true;
    }
    if (in.bad)
        lose(r, ELPQ_E_PROTOCOL, "a replication message is malformed");
}

/* The server has begun. */
static void come_up(elpq_replication *r)
{
    elpq_replication_event event = { .kind = ELPQ_REPLICATION_UP,
                                     .start = r->flush };

    r->up = r->was_up = true;
    r->attempts = 0;
    r->down_told = false;
    r->stats.connects++;
    r->alive = r->told = elpq__now();
    elpq__replication_tick(&r->tick);
    if (r->up && r->paused)
        elpq__pipeline_pause(r->conn, true);
    if (r->up && r->events)
        r->events(r, &event, r->arg);
}

static bool wants_more(const elpq_replication *r, const elpq_conn *conn)
{
    return r->conn == conn && r->up && !r->paused && !r->closing;
}

/* conn->duplex: takes what has come; true when the server has ended it. */
static bool take(elpq_conn *conn)
{
    elpq_replication *r = stream_of(conn);
    int n = 0;

    if (!r->up)
        come_up(r);
    while (wants_more(r, conn)) {
        char *block = NULL;

        n = PQgetCopyData(conn->pg, &block, 1);
        if (n <= 0)
            break;
        conn->reads = 0; /* it is no single answer that grows */
        conn->answer_bytes = 0;
        if (r->conn != conn)
            ; /* closed by a hook that libpq called */
        else if ((size_t)n <= conn->options.max_result_bytes)
            take_message(r, block, (size_t)n);
        else
            lose(r, ELPQ_E_LIMIT,
                 "a change is larger than max_result_bytes: the connection "
                 "was closed");
        PQfreemem(block);
    }
    if (r->conn != conn || n >= 0)
        return false;
    r->up = false;
    if (n < -1)
        elpq__lost(conn);
    return n == -1;
}

/* --------------------------------------------------------------- reconnect */

void elpq__replication_disconnect(elpq_replication *r)
{
    elpq_conn *conn = r->conn;

    elpq__timer_stop(r->loop, &r->tick);
    elpq__task_drop(&r->tell);
    if (!conn)
        return;
    r->conn = NULL;
    r->up = r->asked = r->creating = false;
    conn->owner = NULL;
    elpq__conn_ref(conn);
    elpq__conn_shut(conn);
    elpq__conn_drop_handle(conn);
    elpq__conn_unref(conn);
}

/* Whether the same may work at another time. */
static bool may_heal(const elpq_replication *r, const elpq_error *error)
{
    static const char *const classes[] = { "08", "53", "55006", "57" };

    if (r->options.temporary && r->stats.connects > 0)
        return false; /* the slot is gone, and what it would have kept */
    if (r->options.max_attempts > 0 && r->attempts >= r->options.max_attempts)
        return false;
    if ((error->flags & ELPQ_RETRYABLE) || error->code == ELPQ_E_TIMEOUT ||
        error->code == ELPQ_E_NOMEM || error->code == ELPQ_E_LOST)
        return true;
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(error->sqlstate, classes[i], strlen(classes[i])) == 0)
            return true;
    return false;
}

/* There is no connection any more: tells, and tries again after a pause. */
static void come_back(elpq_replication *r, const elpq_error *error)
{
    elpq_replication_event event = { .kind = ELPQ_REPLICATION_DOWN,
                                     .error = error };
    bool tell;

    elpq__replication_disconnect(r);
    r->gave_up = event.given_up = !may_heal(r, error);
    tell = !r->down_told || r->gave_up;
    r->down_told = true;
    if (!r->gave_up)
        elpq__timer_start(r->loop, &r->connect,
                          elpq__now() +
                              elpq__backoff_usec(&r->random, r->attempts,
                                                 r->options.backoff_min_ms,
                                                 r->options.backoff_max_ms));
    if (tell && r->events)
        r->events(r, &event, r->arg);
}

/* The end of a connection on which changes came is no failed attempt. */
static void fail(elpq_replication *r, const elpq_error *error)
{
    if (r->was_up) {
        r->stats.lost++;
    } else {
        r->stats.failures++;
        r->attempts++;
    }
    come_back(r, error);
}

/* START_REPLICATION was refused, or has ended. */
static void on_ended(const elpq_error *error, void *arg)
{
    elpq_replication *r = arg;
    elpq_error ended;

    if (!r->conn || r->conn->state == ELPQ__CLOSED || r->closing)
        return; /* that was reported */
    if (!error) {
        elpq__error_set(&ended, ELPQ_E_LOST, ELPQ_RETRYABLE,
                        "the server has ended the replication");
        error = &ended;
    }
    fail(r, error);
}

static void start(elpq_replication *r)
{
    static const elpq_options options = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct elpq__buf sql = { 0 };
    int code = ELPQ_E_NOMEM;

    elpq__replication_start_sql(&sql, r, elpq_conn_server_version(r->conn));
    if (!sql.failed)
        code = elpq_conn_script_trusted(r->conn, sql.data, &options, NULL,
                                        on_ended, r);
    elpq__buf_free(&sql);
    if (code)
        lose(r, (elpq_code)code, NULL);
}

/* The slot is there; that it was there before is as good. */
static void on_created(const elpq_error *error, void *arg)
{
    elpq_replication *r = arg;

    if (!r->conn || r->conn->state == ELPQ__CLOSED || r->closing)
        return;
    if (error &&
        (r->options.temporary || strcmp(error->sqlstate, "42710") != 0)) {
        fail(r, error);
        return;
    }
    r->creating = false;
    start(r);
}

/* Which may take long: the server waits for transactions that are open. */
static void create(elpq_replication *r)
{
    elpq_slot_options slot = { .plugin = r->plugin,
                               .temporary = r->options.temporary,
                               .two_phase = r->options.two_phase };
    static const elpq_options options = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct elpq__buf sql = { 0 };
    int code = ELPQ_E_NOMEM;

    elpq__slot_create_sql(&sql, r->slot, &slot,
                          elpq_conn_server_version(r->conn));
    if (!sql.failed)
        code = elpq_conn_script_trusted(r->conn, sql.data, &options, NULL,
                                        on_created, r);
    r->creating = true;
    elpq__buf_free(&sql);
    if (code)
        lose(r, (elpq_code)code, NULL);
}

static void on_opened(elpq_conn *conn, const elpq_error *error)
{
    elpq_replication *r = stream_of(conn);

    if (error) {
        fail(r, error);
        return;
    }
    conn->duplex = take;
    elpq__pgoutput_reset(&r->decoder);
    r->decoder.abort_info = r->options.streaming == ELPQ_STREAMING_PARALLEL;
    r->alive = elpq__now();
    elpq__replication_tick(&r->tick);
    /* Once it was up, a slot that is missing would hide what was missed. */
    if (r->options.create_slot && r->stats.connects == 0)
        create(r);
    else
        start(r);
}

static void on_lost(elpq_conn *conn, const elpq_error *error)
{
    elpq_replication *r = stream_of(conn);

    r->stats.lost++;
    if (!r->was_up)
        r->attempts++;
    come_back(r, error);
}

/* A hook of the user's has closed it: who is told so from the loop. */
static void on_released(elpq_conn *conn)
{
    elpq_replication *r = stream_of(conn);

    if (conn->connect_failed || conn->state != ELPQ__CLOSED)
        return;
    elpq__replication_disconnect(r);
    r->released = true;
    elpq__timer_start(r->loop, &r->connect, elpq__now());
}

static const struct elpq__owner stream_owner = {
    .opened = on_opened,
    .lost = on_lost,
    .released = on_released,
};

void elpq__replication_due(struct elpq__timer *timer)
{
    elpq_replication *r = elpq__container(timer, elpq_replication, connect);
    elpq_error error;
    elpq_conn *conn;

    if (r->released) {
        r->released = false;
        r->stats.lost++;
        elpq__error_set(&error, ELPQ_E_CLOSED, ELPQ_RETRYABLE, NULL);
        come_back(r, &error);
        return;
    }
    r->was_up = false;
    conn = elpq__conn_new(r->base, r->conninfo, &r->options.conn, NULL, NULL);
    if (!conn) {
        elpq__error_set(&error, ELPQ_E_NOMEM, ELPQ_RETRYABLE, NULL);
        fail(r, &error);
        return;
    }
    conn->owner = &stream_owner;
    conn->slot_pool = r;
    r->conn = conn;
}

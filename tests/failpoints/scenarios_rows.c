/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scenarios of many rows: batches, streams, cursors, COPY, large objects.
 */
#include "scene.h"

#define ROWS 5
#define SERIES "select n from generate_series(1, 5) n"

/* ---------------------------------------------------------------- batches */

static void on_batch(size_t index, elpq_result *result,
                     const elpq_error *error, void *arg)
{
    struct question *q = arg;

    if ((int64_t)index != q->seen++ || !result == !error)
        wrong("a part of a batch");
}

static void batch(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();
    int64_t id = row_id();

    elpq_failpoint_arm();
    ASK(q, elpq_conn_batch(
               conn,
               (const elpq_statement *const[]){
                   elpq_sql("select 1"),
                   elpq_sql("insert into elpq_sweep values ($1)", id),
                   elpq_sql("select 3") },
               3, NULL, on_batch, on_over, q));
    settle();
    if (is_well(q) && q->seen != 3)
        wrong("parts of a batch");
    told(id, q);
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void on_many(const elpq_many_outcome *outcome, const elpq_error *error,
                    void *arg)
{
    struct question *q = arg;

    q->seen = (int64_t)outcome->rows;
    arrive(q, error);
}

static void many(elpq_many_mode mode)
{
    elpq_conn *conn = opened();
    struct question *q = question();
    elpq_value values[ROWS];
    elpq_rows_source source = { .columns = 1, .values = values, .rows = ROWS,
                                .mode = mode, .window = 2 };
    int64_t id[ROWS];

    for (int i = 0; i < ROWS; i++)
        values[i] = elpq_int64(id[i] = row_id());
    elpq_failpoint_arm();
    ASK(q, elpq_conn_execute_many(
               conn, elpq_sql("insert into elpq_sweep values ($1)"), &source,
               NULL, on_many, q));
    settle();
    if (is_well(q) && q->seen != ROWS)
        wrong("rows of many");
    for (int i = 0; i < ROWS && (mode == ELPQ_MANY_ATOMIC || is_well(q)); i++)
        told(id[i], q);
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void many_at_once(void)
{
    many(ELPQ_MANY_ATOMIC);
}

static void many_each(void)
{
    many(ELPQ_MANY_EACH);
}

static int give_two(uint64_t row, elpq_value *values, void *arg)
{
    values[0] = elpq_int64(((int64_t *)arg)[row < 2 ? row : 0]);
    return row < 2 ? 1 : ELPQ_E_VALUE;
}

/* The source gives up, and its rows are not committed, whatever its user does
 * about the transaction. */
static void many_in_tx(void)
{
    elpq_conn *conn = opened();
    struct question *begin = question(), *q = question(), *end = question();
    int64_t id[2] = { row_id(), row_id() };
    elpq_rows_source source = { .columns = 1, .next = give_two, .arg = id };

    q->expected = ELPQ_E_VALUE;
    end->expected = ELPQ_E_ROLLED_BACK;
    elpq_failpoint_arm();
    ASK(begin, elpq_conn_begin(conn, NULL, on_begun, begin));
    if (settle() && begin->tx) {
        ASK(q, elpq_tx_execute_many(
                   begin->tx, elpq_sql("insert into elpq_sweep values ($1)"),
                   &source, NULL, on_many, q));
        settle();
        end_tx(begin->tx, end);
        settle();
    }
    told(id[0], q);
    told(id[1], q);
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

/* ---------------------------------------------------------------- streams */

static void stream(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();
    elpq_options o = { .request = &q->request };

    elpq_failpoint_arm();
    if (ASK(q, elpq_conn_stream(conn, elpq_sql(SERIES), &o, on_stream_rows,
                                on_over, q))) {
        DO(elpq_stream_pause(q->request));
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        if (q->request)
            DO(elpq_stream_resume(q->request));
    }
    settle();
    if (is_well(q) && q->seen != ROWS)
        wrong("rows of a stream");
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void stop_at_once(elpq_result *rows, elpq_request *request, void *arg)
{
    on_stream_rows(rows, request, arg);
    elpq_stream_stop(request);
}

static void stream_is_stopped(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    q->cancels = true;
    elpq_failpoint_arm();
    ASK(q, elpq_conn_stream(conn,
                            elpq_sql("select n from"
                                     " generate_series(1, 3000) n"),
                            NULL, stop_at_once, on_over, q));
    settle();
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

/* ---------------------------------------------------------------- cursors */

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    ((struct question *)arg)->cursor = cursor;
    arrive(arg, error);
}

static elpq_cursor *declared(elpq_conn *conn)
{
    elpq_cursor_options o = { .hold = true, .scroll = ELPQ_SCROLL };
    struct question *q = question();

    ASK(q, elpq_conn_declare(conn, elpq_sql(SERIES), &o, on_cursor, q));
    return settle() ? q->cursor : NULL;
}

static void close_cursor(elpq_cursor *cursor)
{
    struct question *q = question();

    ASK(q, elpq_cursor_close(cursor, on_over, q));
    settle();
}

static void cursor(void)
{
    elpq_conn *conn = opened();
    elpq_cursor *c;

    elpq_failpoint_arm();
    c = declared(conn);
    if (c) {
        struct question *q = question(), *back = question_of(1);

        ASK(q, elpq_cursor_move(c, ELPQ_FORWARD, 2, NULL, on_answer, q));
        settle();
        if (is_well(q)) {
            ASK(back, elpq_cursor_fetch(c, ELPQ_BACKWARD, 1, NULL, on_answer,
                                        back));
            settle();
        }
        close_cursor(c);
    }
    DO(elpq_conn_close(conn));
}

static void on_walk(elpq_result *rows, elpq_cursor *c, void *arg)
{
    (void)c;
    on_stream_rows(rows, NULL, arg);
}

static void cursor_walk(void)
{
    elpq_conn *conn = opened();
    elpq_cursor *c;

    elpq_failpoint_arm();
    c = declared(conn);
    if (c) {
        struct question *q = question();

        ASK(q, elpq_cursor_walk(c, 2, on_walk, on_over, q));
        settle();
        if (is_well(q) && q->seen != ROWS)
            wrong("rows of a walk");
        close_cursor(c);
    }
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

/* ------------------------------------------------------------------- copy */

static char copied[40];

static void write_bytes(elpq_copy *copy, void *arg)
{
    struct question *q = arg;
    size_t left = strlen(copied) - (size_t)q->seen;

    q->seen += (int64_t)elpq_copy_write(copy, copied + q->seen, left);
    if (!copied[q->seen])
        elpq_copy_finish(copy);
}

static void copy_in(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();
    int64_t id = row_id();

    snprintf(copied, sizeof(copied), "%lld\n", (long long)id);
    elpq_failpoint_arm();
    ASK(q, elpq_conn_copy_in(conn, elpq_copy_sql("copy elpq_sweep from stdin"),
                             NULL, write_bytes, on_answer, q));
    settle();
    told(id, q);
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static int64_t row_ids[ROWS];

static void write_rows(elpq_copy *copy, void *arg)
{
    struct question *q = arg;

    while (q->seen < ROWS) {
        elpq_value v = elpq_int64(row_ids[q->seen]);
        int code = elpq_copy_put(copy, &v, 1);

        if (code == ELPQ_E_FULL)
            return;
        if (code) {
            elpq_copy_abort(copy, NULL);
            return;
        }
        q->seen++;
    }
    elpq_copy_finish(copy);
}

static void copy_in_rows(void)
{
    elpq_conn *conn = opened();
    elpq_copy_spec spec = { .table = "elpq_sweep", .format = ELPQ_COPY_ROWS };
    struct question *q = question();

    for (int i = 0; i < ROWS; i++)
        row_ids[i] = row_id();
    elpq_failpoint_arm();
    ASK(q, elpq_conn_copy_in(conn, &spec, NULL, write_rows, on_answer, q));
    settle();
    if (q->code == ELPQ_E_CANCELED && q->seen < ROWS)
        q->expected = ELPQ_E_CANCELED; /* it was put that had no memory */
    for (int i = 0; i < ROWS; i++)
        told(row_ids[i], q);
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void abort_copy(elpq_copy *copy, void *arg)
{
    (void)arg;
    elpq_copy_write(copy, "1\n", 2);
    elpq_copy_abort(copy, "changed my mind");
}

static void copy_in_is_aborted(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    q->expected = ELPQ_E_CANCELED;
    elpq_failpoint_arm();
    ASK(q, elpq_conn_copy_in(conn, elpq_copy_sql("copy elpq_sweep from stdin"),
                             NULL, abort_copy, on_answer, q));
    settle();
    ask_number(conn, elpq_sql("select count(*) from elpq_sweep where id = 1"),
               0);
    DO(elpq_conn_close(conn));
}

static void on_bytes(elpq_copy *copy, const void *data, size_t size, void *arg)
{
    struct question *q = arg;

    (void)copy;
    if (!data && size > 0)
        wrong("no data");
    q->seen += (int64_t)size;
}

static void copy_out(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    elpq_failpoint_arm();
    ASK(q, elpq_conn_copy_out(conn, elpq_copy_query(SERIES), NULL, on_bytes,
                              on_answer, q));
    settle();
    if (is_well(q) && q->seen != (int64_t)2 * ROWS)
        wrong("bytes of a COPY");
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void on_copied_rows(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)copy;
    on_stream_rows(rows, NULL, arg);
}

static void copy_out_rows(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    elpq_failpoint_arm();
    ASK(q, elpq_conn_copy_out_rows(conn, elpq_copy_query(SERIES), NULL,
                                   on_copied_rows, on_answer, q));
    settle();
    if (is_well(q) && q->seen != ROWS)
        wrong("rows of a COPY");
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

/* ---------------------------------------------------------- large objects */

static uint32_t new_oid;

static void on_oid(uint32_t oid, const elpq_error *error, void *arg)
{
    new_oid = oid;
    arrive(arg, error);
}

static void on_lo(elpq_large_object *lo, const elpq_error *error, void *arg)
{
    ((struct question *)arg)->lo = lo;
    arrive(arg, error);
}

static void on_lo_data(const void *data, size_t size, const elpq_error *error,
                       void *arg)
{
    if (!error && (size != 3 || memcmp(data, "bcd", 3) != 0))
        wrong("bytes of a large object");
    arrive(arg, error);
}

static void on_lo_number(int64_t number, const elpq_error *error, void *arg)
{
    ((struct question *)arg)->seen = number;
    arrive(arg, error);
}

static void use_object(elpq_large_object *lo)
{
    struct question *q[4] = { question(), question(), question(), question() };

    ASK(q[0], elpq_lo_write(lo, "abcdef", 6, NULL, on_lo_number, q[0]));
    settle();
    if (!is_well(q[0]))
        return;
    ASK(q[1], elpq_lo_seek(lo, 1, SEEK_SET, NULL, on_lo_number, q[1]));
    settle();
    if (!is_well(q[1]))
        return;
    ASK(q[2], elpq_lo_read(lo, 3, NULL, on_lo_data, q[2]));
    ASK(q[3], elpq_lo_truncate(lo, 4, NULL, on_over, q[3]));
    settle();
}

static bool given;

static int64_t give(elpq_large_object *lo, void *buffer, size_t size, void *arg)
{
    (void)lo;
    (void)arg;
    if (given)
        return 0;
    given = true;
    size = size < 1000 ? size : 1000; /* which may come byte by byte */
    memset(buffer, 'x', size);
    return (int64_t)size;
}

static void take(elpq_large_object *lo, const void *data, size_t size,
                 void *arg)
{
    (void)lo;
    (void)data;
    (void)size;
    (void)arg;
}

static void carry(elpq_large_object *lo)
{
    struct question *in = question(), *seek = question(), *out = question();

    ASK(in, elpq_lo_import(lo, give, NULL, on_lo_number, in));
    settle();
    if (!is_well(in))
        return;
    ASK(seek, elpq_lo_seek(lo, 0, SEEK_SET, NULL, on_lo_number, seek));
    ASK(out, elpq_lo_export(lo, take, NULL, on_lo_number, out));
    settle();
    if (is_well(seek) && is_well(out) && out->seen != in->seen)
        wrong("bytes that came back");
}

/* In a transaction that is rolled back, so that nothing stays. */
static void with_object(void (*use)(elpq_large_object *lo))
{
    elpq_conn *conn = opened();
    struct question *begin = question(), *create = question(),
                    *open = question(), *end = question(), *over = question();

    elpq_failpoint_arm();
    ASK(begin, elpq_conn_begin(conn, NULL, on_begun, begin));
    if (settle() && begin->tx) {
        ASK(create, elpq_tx_lo_create(begin->tx, 0, NULL, on_oid, create));
        if (settle() && new_oid) {
            ASK(open, elpq_lo_open(begin->tx, new_oid,
                                   ELPQ_LO_READ | ELPQ_LO_WRITE, NULL, on_lo,
                                   open));
            if (settle() && open->lo) {
                use(open->lo);
                ASK(end, elpq_lo_close(open->lo, on_over, end));
                settle();
            }
        }
        ASK(over, elpq_rollback(begin->tx, on_over, over));
        settle();
    }
    DO(elpq_conn_close(conn));
}

static void large_object(void)
{
    with_object(use_object);
}

static void import_and_export(void)
{
    with_object(carry);
}

const struct scenario scenarios_rows[] = {
    { .name = "batch", .run = batch, .states = "25P02" },
    { .name = "execute_many", .run = many_at_once, .states = "25P02" },
    { .name = "execute_many each", .run = many_each },
    { .name = "execute_many in tx", .run = many_in_tx, .states = "25P02" },
    { .name = "stream", .run = stream },
    { .name = "stream stopped", .run = stream_is_stopped, .how = COSTLY },
    { .name = "cursor", .run = cursor },
    { .name = "cursor walk", .run = cursor_walk },
    { .name = "copy in", .run = copy_in },
    { .name = "copy in rows", .run = copy_in_rows },
    { .name = "copy in aborted", .run = copy_in_is_aborted },
    { .name = "copy out", .run = copy_out },
    { .name = "copy out rows", .run = copy_out_rows },
    { .name = "large object", .run = large_object, .states = "25P02" },
    { .name = "lo import, export",
      .run = import_and_export,
      .states = "25P02" },
    { .name = NULL }
};

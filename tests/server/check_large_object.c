/* SPDX-License-Identifier: PostgreSQL */
/*
 * Large objects: every call, 64-bit positions, imports and exports with a
 * slow side, errors, and objects whose transaction is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

static struct {
    int calls;
    int code;
    char sqlstate[6];
    uint32_t oid;
    elpq_large_object *lo;
    int64_t number;
    char data[64];
    size_t size;
} got;

static void note_error(const elpq_error *error)
{
    ck_assert_int_eq(harness_depth, 0);
    got.calls++;
    got.code = error ? error->code : 0;
    strcpy(got.sqlstate, error ? error->sqlstate : "");
}

static void on_oid(uint32_t oid, const elpq_error *error, void *arg)
{
    (void)arg;
    note_error(error);
    got.oid = oid;
}

static void on_lo(elpq_large_object *lo, const elpq_error *error, void *arg)
{
    (void)arg;
    note_error(error);
    got.lo = lo;
}

static void on_number(int64_t number, const elpq_error *error, void *arg)
{
    (void)arg;
    note_error(error);
    got.number = number;
}

static void on_bytes(const void *data, size_t size, const elpq_error *error,
                     void *arg)
{
    (void)arg;
    note_error(error);
    got.size = size;
    if (size > 0)
        memcpy(got.data, data, size < 63 ? size : 63);
    got.data[size < 63 ? size : 63] = '\0';
}

/* Waits for the one callback of a call. */
#define WAIT(call)                                                             \
    do {                                                                       \
        got.calls = 0;                                                         \
        ck_assert_int_eq(CALL(call), 0);                                       \
        run_until(&got.calls, 1);                                              \
    } while (0)
#define GET(call)                                                              \
    do {                                                                       \
        WAIT(call);                                                            \
        ck_assert_int_eq(got.code, 0);                                         \
    } while (0)

static elpq_pool *pool;
static elpq_tx *tx;
static elpq_large_object *lo;

/* A new object, open for reading and writing. */
static void open_new(void)
{
    memset(&got, 0, sizeof(got));
    pool = pool_of(1);
    tx = begin_now(pool);
    GET(elpq_lo_create(tx, 0, NULL, on_oid, NULL));
    ck_assert_uint_ne(got.oid, 0);
    GET(elpq_lo_open(tx, got.oid, ELPQ_LO_READ | ELPQ_LO_WRITE, NULL, on_lo,
                     NULL));
    lo = got.lo;
    ck_assert_ptr_nonnull(lo);
}

static void close_all(void)
{
    struct answer *end = answer_new();

    ck_assert_int_eq(CALL(elpq_lo_close(lo, on_done, end)), 0);
    expect_ok(end);
    if (tx)
        expect_ok(rollback(tx));
    finish_pool(pool);
}

START_TEST(read_write_seek)
{
    struct answer *cut = answer_new();

    open_new();
    GET(elpq_lo_write(lo, "hello, world", 12, NULL, on_number, NULL));
    ck_assert_int_eq(got.number, 12);
    GET(elpq_lo_tell(lo, NULL, on_number, NULL));
    ck_assert_int_eq(got.number, 12);
    GET(elpq_lo_seek(lo, -5, SEEK_END, NULL, on_number, NULL));
    ck_assert_int_eq(got.number, 7);
    GET(elpq_lo_read(lo, 100, NULL, on_bytes, NULL));
    ck_assert_str_eq(got.data, "world");
    GET(elpq_lo_read(lo, 100, NULL, on_bytes, NULL));
    ck_assert_uint_eq(got.size, 0);
    ck_assert_int_eq(CALL(elpq_lo_truncate(lo, 5, NULL, on_done, cut)), 0);
    expect_ok(cut);
    GET(elpq_lo_seek(lo, 0, SEEK_SET, NULL, on_number, NULL));
    GET(elpq_lo_read(lo, 100, NULL, on_bytes, NULL));
    ck_assert_str_eq(got.data, "hello");
    /* Beyond 32 bits. */
    GET(elpq_lo_seek(lo, INT64_C(6000000000), SEEK_SET, NULL, on_number, NULL));
    GET(elpq_lo_write(lo, "far", 3, NULL, on_number, NULL));
    GET(elpq_lo_tell(lo, NULL, on_number, NULL));
    ck_assert_int_eq(got.number, INT64_C(6000000003));
    GET(elpq_lo_seek(lo, -10, SEEK_CUR, NULL, on_number, NULL));
    ck_assert_int_eq(got.number, INT64_C(5999999993));
    close_all();
}
END_TEST

/* The server gives the number of a descriptor out again: what was opened in a
 * savepoint that was rolled back must not reach the next one. */
START_TEST(gone_with_its_savepoint)
{
    elpq_large_object *gone;
    struct answer *end = answer_new();
    elpq_tx *part;
    uint32_t oid;

    open_new();
    oid = got.oid;
    GET(elpq_lo_write(lo, "hello", 5, NULL, on_number, NULL));
    part = expect_ok(savepoint(tx))->tx;
    GET(elpq_lo_open(part, oid, ELPQ_LO_READ, NULL, on_lo, NULL));
    gone = got.lo;
    expect_ok(rollback(part));
    ck_assert_int_eq(CALL(elpq_lo_close(lo, on_done, end)), 0);
    expect_ok(end);
    GET(elpq_lo_open(tx, oid, ELPQ_LO_READ, NULL, on_lo, NULL));
    lo = got.lo;
    ck_assert_int_eq(CALL(elpq_lo_read(gone, 5, NULL, on_bytes, NULL)),
                     ELPQ_E_CLOSED);
    end = answer_new();
    ck_assert_int_eq(CALL(elpq_lo_close(gone, on_done, end)), 0);
    expect_ok(end);
    GET(elpq_lo_read(lo, 5, NULL, on_bytes, NULL));
    ck_assert_str_eq(got.data, "hello");
    close_all();
}
END_TEST

START_TEST(created_and_unlinked_by_each_target)
{
    elpq_conn *conn;
    struct answer *gone = answer_new(), *again = answer_new();

    memset(&got, 0, sizeof(got));
    pool = pool_of(1);
    conn = connect_now(NULL, NULL);
    GET(elpq_lo_create(pool, 0, NULL, on_oid, NULL));
    WAIT(elpq_lo_create(conn, got.oid, NULL, on_oid, NULL));
    ck_assert_int_eq(got.code, ELPQ_E_SERVER);
    ck_assert_uint_eq(got.oid, 0);
    GET(elpq_lo_create(conn, 4000000001u, NULL, on_oid, NULL));
    ck_assert_uint_eq(got.oid, 4000000001u);
    ck_assert_int_eq(CALL(elpq_lo_unlink(pool, got.oid, NULL, on_done, gone)),
                     0);
    expect_ok(gone);
    ck_assert_int_eq(CALL(elpq_lo_unlink(conn, got.oid, NULL, on_done, again)),
                     0);
    expect_error(again, ELPQ_E_SERVER, "42704", 0);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

START_TEST(errors)
{
    open_new();
    ck_assert_int_eq(
        CALL(elpq_lo_read(lo, (size_t)1 << 30, NULL, on_bytes, NULL)),
        ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_lo_seek(lo, 0, 77, NULL, on_number, NULL)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_lo_open(tx, 1, 0, NULL, on_lo, NULL)),
                     ELPQ_E_USAGE);
    WAIT(elpq_lo_seek(lo, -1, SEEK_SET, NULL, on_number, NULL));
    ck_assert_int_eq(got.code, ELPQ_E_SERVER);
    ck_assert_str_eq(got.sqlstate, "22023");
    ck_assert_int_eq(got.number, -1);
    WAIT(elpq_lo_tell(lo, NULL, on_number, NULL));
    ck_assert_str_eq(got.sqlstate, "25P02");
    expect_ok(rollback(tx));
    tx = NULL;
    ck_assert_int_eq(CALL(elpq_lo_tell(lo, NULL, on_number, NULL)),
                     ELPQ_E_CLOSED);
    close_all();
}
END_TEST

START_TEST(none_to_open)
{
    memset(&got, 0, sizeof(got));
    pool = pool_of(1);
    tx = begin_now(pool);
    WAIT(elpq_lo_open(tx, 3999999999u, ELPQ_LO_READ, NULL, on_lo, NULL));
    ck_assert_ptr_null(got.lo);
    ck_assert_str_eq(got.sqlstate, "42704");
    expect_ok(rollback(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(a_lost_connection)
{
    open_new();
    got.calls = 0;
    ck_assert_int_eq(CALL(elpq_lo_write(lo, "x", 1, NULL, on_number, NULL)), 0);
    terminate(elpq_conn_pid(elpq_tx_conn(tx)));
    run_until(&got.calls, 1);
    if (got.code == 0) /* it was written before that */
        WAIT(elpq_lo_tell(lo, NULL, on_number, NULL));
    ck_assert_int_ne(got.code, 0);
    await(rollback(tx));
    tx = NULL;
    close_all();
}
END_TEST

/* ------------------------------------------------------- import and export */

#define BIG (INT64_C(3) * 1024 * 1024 + 77)

static struct {
    int64_t at;
    int later; /* how often there was nothing yet                   */
    bool fails;
    bool closes;
    int64_t seen;
    int pieces;
    uint64_t sum;
    int waiting; /* it said LATER, or has paused                       */
} flow;

static unsigned char byte_at(int64_t at)
{
    return (unsigned char)(at * 31 + at / 1000);
}

static int64_t source(elpq_large_object *object, void *buffer, size_t size,
                      void *arg)
{
    unsigned char *p = buffer;
    size_t n = 0;

    (void)arg;
    ck_assert_int_eq(harness_depth, 0);
    if (flow.closes)
        RUN(elpq_lo_close(object, NULL, NULL));
    if (flow.fails && flow.at > 0)
        return ELPQ_LO_FAILED;
    if (++flow.later % 3 == 0) {
        flow.waiting++;
        return ELPQ_LO_LATER;
    }
    if (flow.later % 3 == 1) { /* as if more had come within */
        RUN(elpq_lo_resume(object));
    }
    for (; n < size && flow.at < BIG; n++)
        p[n] = byte_at(flow.at++);
    return (int64_t)n;
}

static void sink(elpq_large_object *object, const void *data, size_t size,
                 void *arg)
{
    const unsigned char *p = data;

    (void)arg;
    for (size_t i = 0; i < size; i++)
        flow.sum += p[i] != byte_at(flow.seen++);
    flow.pieces++;
    if (flow.pieces % 2 == 0) {
        RUN(elpq_lo_pause(object));
        flow.waiting++;
    }
}

static void run_flow(void)
{
    int seen_waiting = 0;

    while (!got.calls) {
        event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        if (flow.waiting > seen_waiting && !got.calls) {
            seen_waiting = flow.waiting;
            run_turns(5);
            ck_assert_int_eq(flow.waiting, seen_waiting); /* it waits */
            RUN(elpq_lo_resume(lo));
        }
    }
}

START_TEST(all_of_it_in_and_out)
{
    memset(&flow, 0, sizeof(flow));
    open_new();
    got.calls = 0;
    ck_assert_int_eq(CALL(elpq_lo_import(lo, source, NULL, on_number, NULL)),
                     0);
    ck_assert_int_eq(CALL(elpq_lo_tell(lo, NULL, on_number, NULL)),
                     ELPQ_E_USAGE);
    run_flow();
    ck_assert_int_eq(got.code, 0);
    ck_assert_int_eq(got.number, BIG);
    ck_assert_int_gt(flow.waiting, 1);
    GET(elpq_lo_seek(lo, 0, SEEK_SET, NULL, on_number, NULL));
    got.calls = flow.waiting = 0;
    ck_assert_int_eq(CALL(elpq_lo_export(lo, sink, NULL, on_number, NULL)), 0);
    run_flow();
    ck_assert_int_eq(got.code, 0);
    ck_assert_int_eq(got.number, BIG);
    ck_assert_int_eq(flow.seen, BIG);
    ck_assert_uint_eq(flow.sum, 0);
    ck_assert_int_gt(flow.waiting, 1);
    close_all();
}
END_TEST

START_TEST(a_flow_that_ends_early)
{
    memset(&flow, 0, sizeof(flow));
    flow.fails = _i == 0;
    flow.closes = _i == 1;
    open_new();
    WAIT(elpq_lo_import(lo, source, NULL, on_number, NULL));
    ck_assert_int_eq(got.code, _i == 0 ? ELPQ_E_CANCELED : ELPQ_E_CLOSED);
    ck_assert_int_eq(got.number, -1);
    if (_i == 1)
        lo = NULL;
    if (lo) {
        close_all();
        return;
    }
    expect_ok(rollback(tx));
    finish_pool(pool);
}
END_TEST

/* Closed while it waits. */
START_TEST(a_paused_flow_is_closed)
{
    memset(&flow, 0, sizeof(flow));
    elpq_request *request = (elpq_request *)&flow; /* no request at all */
    elpq_options o = { .request = &request };

    open_new();
    GET(elpq_lo_write(lo, "x", 1, NULL, on_number, NULL));
    got.calls = 0;
    RUN(elpq_lo_pause(NULL));
    RUN(elpq_lo_resume(NULL));
    RUN(elpq_lo_pause(lo));
    ck_assert_int_eq(CALL(elpq_lo_export(lo, sink, &o, on_number, NULL)), 0);
    ck_assert_ptr_null(request);
    run_turns(10);
    ck_assert_int_eq(got.calls, 0);
    RUN(elpq_lo_close(lo, NULL, NULL));
    run_until(&got.calls, 1);
    ck_assert_int_eq(got.code, ELPQ_E_CLOSED);
    expect_ok(rollback(tx));
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "calls", 0);

    tcase_add_test(t, read_write_seek);
    tcase_add_test(t, gone_with_its_savepoint);
    tcase_add_test(t, created_and_unlinked_by_each_target);
    tcase_add_test(t, errors);
    tcase_add_test(t, none_to_open);
    tcase_add_test(t, a_lost_connection);
    t = harness_case(s, "flows", 0);
    tcase_add_test(t, all_of_it_in_and_out);
    tcase_add_loop_test(t, a_flow_that_ends_early, 0, 2);
    tcase_add_test(t, a_paused_flow_is_closed);
}

int main(void)
{
    return harness_main("large_object", build);
}

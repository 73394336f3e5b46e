/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every function may be called from every callback: of streams, COPY, batches,
 * cursors, locks, large objects and transactions that run again.
 *
 * What check_reentry.c does with statements.  Here a source is an operation on
 * one of four targets, of which each callback is a point; the action is done at
 * one of them, and what the operation does next may be refused after that, but
 * its end comes all the same.
 */
#include <stdlib.h>

#include "reentry.h"

enum target { ON_CONN, ON_LEASE, ON_POOL, ON_TX, TARGETS };
#define EVERYWHERE (SESSIONS | IN_TX)
#define SESSIONS   (1u << ON_CONN | 1u << ON_LEASE | 1u << ON_POOL)
#define NOT_POOL   (1u << ON_CONN | 1u << ON_LEASE | 1u << ON_TX)
#define IN_TX      (1u << ON_TX)

/* The operation under test. */
static struct own {
    enum target target;
    int point;            /* at which the action is done                    */
    elpq_tx *tx;          /* of ON_TX, until the end                        */
    struct answer *done;
    elpq_request *request;
    elpq_copy *copy;
    elpq_cursor *cursor;
    elpq_lock *lock;
    void *released;       /* the point of its release                       */
    elpq_large_object *lo;
    elpq_transactor *t;
    bool ended;           /* by the action                                  */
    int rows;
} own;

static void at(int point)
{
    ck_assert_int_eq(harness_depth, 0);
    if (point == own.point)
        fire();
}

/* What comes before the end may come only before the end. */
static void before_end(int point)
{
    ck_assert_int_eq(own.done->calls, 0);
    at(point);
}

/* The last callback of the operation, which was counted already. */
static void over(int point)
{
    elpq_tx *tx = own.tx;

    w.end = NULL;
    at(point);
    own.tx = NULL;
    if (tx)
        ck_assert_int_eq(CALL(elpq_rollback(tx, NULL, NULL)), 0);
}

static elpq_conn *session(void)
{
    return own.target == ON_LEASE ? w.leased : w.conn;
}

/* Submits on the target. */
#define DO(verb, ...)                                                         \
    ck_assert_int_eq(CALL(own.target == ON_POOL                               \
                              ? elpq_pool_##verb(w.pool, __VA_ARGS__)         \
                          : own.target == ON_TX                               \
                              ? elpq_tx_##verb(own.tx, __VA_ARGS__)           \
                              : elpq_conn_##verb(session(), __VA_ARGS__)),    \
                     0)

#define REQUEST (&(const elpq_options){ .request = &own.request })

static void cancel_own(void)
{
    RUN(elpq_cancel(own.request));
}

static void on_own_result(elpq_result *result, const elpq_error *error,
                          void *arg)
{
    on_result(result, error, own.done);
    own.copy = NULL;
    over(*(const int *)arg);
}

static void on_own_done(const elpq_error *error, void *arg)
{
    on_done(error, own.done);
    over(*(const int *)arg);
}

static const int first = 1, second = 2, fourth = 4;

/* ----------------------------------------------------------------- streams */

static void stop_stream(void)
{
    own.ended = true;
    RUN(elpq_stream_stop(own.request));
}

static void on_stream_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)arg;
    ck_assert_uint_gt(elpq_rows(rows), 0);
    ck_assert_ptr_eq(stream, own.request);
    ck_assert(!own.ended);
    before_end(0);
}

static void arm_stream(void)
{
    w.end = stop_stream;
    DO(stream, elpq_sql("select generate_series(1, 2000)"), REQUEST,
       on_stream_rows, on_own_done, (void *)&first);
}

/* -------------------------------------------------------------------- COPY */

static void abort_copy(void)
{
    if (own.copy)
        ck_assert_int_eq(CALL(elpq_copy_abort(own.copy, "enough")), 0);
    else
        RUN(elpq_cancel(own.request));
    own.ended = true;
}

static void on_own_ready(elpq_copy *copy, void *arg)
{
    size_t taken;
    int rc;

    (void)arg;
    own.copy = copy;
    before_end(0);
    harness_depth++;
    taken = elpq_copy_write(copy, "1\n", 2);
    rc = elpq_copy_finish(copy);
    harness_depth--;
    ck_assert(taken == 2 || taken == 0);
    ck_assert(rc == 0 || rc == ELPQ_E_CLOSED);
}

static void arm_copy_in(void)
{
    w.end = abort_copy;
    DO(copy_in, elpq_copy_sql("copy elpq_reentry from stdin"), REQUEST,
       on_own_ready, on_own_result, (void *)&first);
}

static void on_own_data(elpq_copy *copy, const void *data, size_t size,
                        void *arg)
{
    (void)data;
    (void)arg;
    ck_assert_uint_gt(size, 0);
    ck_assert(!own.ended);
    own.copy = copy;
    before_end(0);
}

static void arm_copy_out(void)
{
    w.end = abort_copy;
    DO(copy_out, elpq_copy_query("select generate_series(1, 2000)"), REQUEST,
       on_own_data, on_own_result, (void *)&first);
}

static void on_own_rows(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)arg;
    ck_assert_uint_gt(elpq_rows(rows), 0);
    ck_assert(!own.ended);
    own.copy = copy;
    before_end(0);
}

static void arm_copy_rows(void)
{
    w.end = abort_copy;
    DO(copy_out_rows, elpq_copy_query("select generate_series(1, 2000)"),
       REQUEST, on_own_rows, on_own_result, (void *)&first);
}

/* -------------------------------------------------- batches, and many rows */

static void on_own_each(size_t index, elpq_result *result,
                        const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(result == NULL, error != NULL);
    ck_assert_uint_eq(index, (size_t)own.rows++);
    before_end((int)index);
}

static void arm_batch(void)
{
    const elpq_statement *both[] = { elpq_sql("select 1"),
                                     elpq_sql("select 2") };

    w.end = cancel_own;
    DO(batch, both, 2, REQUEST, on_own_each, on_own_done, (void *)&second);
}

static int on_own_next(uint64_t row, elpq_value *values, void *arg)
{
    (void)arg;
    before_end(row == 2 ? 1 : row == 0 ? 0 : -1);
    values[0] = elpq_int32((int32_t)row);
    return row < 4;
}

static void on_own_many(const elpq_many_outcome *outcome,
                        const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_ptr_nonnull(outcome);
    on_done(error, own.done);
    over(2);
}

/* Not atomic on a connection: the crowd's statements would take part. */
static void arm_many(void)
{
    elpq_rows_source source = { .columns = 1, .next = on_own_next,
                                .mode = own.target == ON_CONN
                                            ? ELPQ_MANY_EACH
                                            : ELPQ_MANY_ATOMIC,
                                .window = 2 };

    w.end = cancel_own;
    DO(execute_many, elpq_sql("insert into elpq_reentry values ($1)"), &source,
       REQUEST, on_own_many, NULL);
}

/* ----------------------------------------------------------------- cursors */

static void close_own_cursor(void)
{
    elpq_cursor *cursor = own.cursor;

    own.cursor = NULL;
    if (cursor)
        ck_assert_int_eq(CALL(elpq_cursor_close(cursor, on_own_done,
                                                (void *)&fourth)), 0);
    else if (!own.ended)
        RUN(elpq_cancel(own.request));
    own.ended = true;
}

static void on_walk_done(const elpq_error *error, void *arg)
{
    (void)error;
    (void)arg;
    before_end(3);
    close_own_cursor();
}

static void on_walk_rows(elpq_result *rows, elpq_cursor *cursor, void *arg)
{
    (void)arg;
    ck_assert_uint_gt(elpq_rows(rows), 0);
    ck_assert(!own.ended);
    ck_assert_ptr_eq(cursor, own.cursor);
    before_end(2);
}

static void on_fetched(elpq_result *rows, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(rows == NULL, error != NULL);
    before_end(1);
    if (own.cursor && CALL(elpq_cursor_walk(own.cursor, 3, on_walk_rows,
                                            on_walk_done, NULL)) != 0)
        close_own_cursor();
}

static void on_declared(elpq_cursor *cursor, const elpq_error *error,
                        void *arg)
{
    (void)arg;
    own.cursor = cursor;
    if (error) {
        on_done(error, own.done);
        over(-1);
        return;
    }
    before_end(0);
    if (own.cursor &&
        CALL(elpq_cursor_fetch(own.cursor, ELPQ_FORWARD, 2, NULL, on_fetched,
                               NULL)) != 0)
        close_own_cursor();
}

static void arm_cursor(void)
{
    const elpq_cursor_options o = { .hold = own.target != ON_TX };
    const elpq_statement *st = elpq_sql("select generate_series(1, 10)");

    w.end = close_own_cursor;
    if (own.target == ON_TX)
        ck_assert_int_eq(CALL(elpq_tx_declare(own.tx, st, &o, on_declared,
                                              NULL)), 0);
    else
        ck_assert_int_eq(CALL(elpq_conn_declare(session(), st, &o,
                                                on_declared, NULL)), 0);
}

/* ------------------------------------------------------------------- locks */

static void release_own(void)
{
    elpq_lock *lock = own.lock;

    own.lock = NULL;
    if (lock)
        ck_assert_int_eq(CALL(elpq_lock_release(lock, on_own_done,
                                                own.released)), 0);
}

static void on_own_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(lock == NULL, error != NULL);
    if (lock)
        before_end(0);
    if (lock)
        release_own();
}

static void on_own_lost(elpq_lock *lock, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert(!own.lock || lock == own.lock);
    ck_assert_ptr_nonnull(error);
    before_end(1);
    release_own();
}

static void take_lock(elpq_lock_cb granted)
{
    const elpq_lock_options o = { .lost = on_own_lost, .lock = &own.lock };

    w.end = release_own;
    if (own.target == ON_POOL)
        ck_assert_int_eq(CALL(elpq_pool_lock(w.pool, elpq_lock_int64(4711), &o,
                                             granted, NULL)), 0);
    else
        ck_assert_int_eq(CALL(elpq_conn_lock(session(), elpq_lock_int64(4711),
                                             &o, granted, NULL)), 0);
}

static void arm_lock(void)
{
    own.released = (void *)&first;
    take_lock(on_own_lock);
}

static void on_lock_to_lose(elpq_lock *lock, const elpq_error *error, void *arg)
{
    (void)error;
    (void)arg;
    ck_assert_ptr_nonnull(lock);
    terminate(elpq_conn_pid(elpq_lock_conn(lock)));
}

static void arm_lost_lock(void)
{
    own.released = (void *)&second;
    take_lock(on_lock_to_lose);
}

static void arm_tx_lock(void)
{
    const elpq_lock_options o = { .request = &own.request };

    w.end = cancel_own;
    ck_assert_int_eq(CALL(elpq_tx_lock(own.tx, elpq_lock_int64(4711), &o,
                                       on_own_done, (void *)&first)), 0);
}

/* ----------------------------------------------------------- large objects */

static void close_lo(void)
{
    elpq_large_object *lo = own.lo;

    own.lo = NULL;
    if (lo)
        ck_assert_int_eq(CALL(elpq_lo_close(lo, on_own_done,
                                            (void *)&fourth)), 0);
}

/* The end of an export or import, of which the first comes with data. */
static void on_exported(int64_t number, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(number < 0, error != NULL);
    before_end(3);
    close_lo();
}

static void on_piece(elpq_large_object *lo, const void *data, size_t size,
                     void *arg)
{
    (void)lo;
    (void)data;
    (void)arg;
    ck_assert_uint_gt(size, 0);
    before_end(2);
}

static void on_read(const void *data, size_t size, const elpq_error *error,
                    void *arg)
{
    (void)data;
    (void)arg;
    ck_assert(size == 0 || !error);
    before_end(1);
    if (own.lo && CALL(elpq_lo_export(own.lo, on_piece, NULL, on_exported,
                                      NULL)) != 0)
        close_lo();
}

static void then_read(elpq_large_object *lo)
{
    (void)lo;
    if (own.lo && CALL(elpq_lo_read(own.lo, 10, NULL, on_read, NULL)) != 0)
        close_lo();
}

static void on_imported(int64_t number, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(number < 0, error != NULL);
    before_end(3);
    close_lo();
}

static int64_t on_source(elpq_large_object *lo, void *buffer, size_t size,
                         void *arg)
{
    (void)lo;
    (void)arg;
    ck_assert_uint_gt(size, 0);
    before_end(own.rows == 0 ? 1 : 2);
    memset(buffer, 'x', size);
    return own.rows++ < 2 ? (int64_t)size : 0;
}

static void then_import(elpq_large_object *lo)
{
    (void)lo;
    if (own.lo && CALL(elpq_lo_import(own.lo, on_source, NULL, on_imported,
                                      NULL)) != 0)
        close_lo();
}

static void on_opened(elpq_large_object *lo, const elpq_error *error,
                      void *arg)
{
    void (*const *then)(elpq_large_object *) = arg;

    own.lo = lo;
    if (error) {
        on_done(error, own.done);
        over(-1);
        return;
    }
    before_end(0);
    (*then)(lo);
}

static void open_lo(void (*const *then)(elpq_large_object *))
{
    long oid = admin_int("select lo_from_bytea(0, 'some data of it')");

    admin_do("grant all on large object %ld to public", oid);
    w.end = close_lo;
    ck_assert_int_eq(CALL(elpq_lo_open(own.tx, (uint32_t)oid,
                                       ELPQ_LO_READ | ELPQ_LO_WRITE, NULL,
                                       on_opened, (void *)then)), 0);
}

static void arm_lo_read(void)
{
    static void (*const then)(elpq_large_object *) = then_read;

    open_lo(&then);
}

static void arm_lo_import(void)
{
    static void (*const then)(elpq_large_object *) = then_import;

    open_lo(&then);
}

/* ---------------------------------------------- transactions that run again */

static void end_transact(void)
{
    RUN(elpq_transact_cancel(own.t));
}

static void on_body_result(elpq_result *result, const elpq_error *error,
                           void *arg)
{
    (void)result;
    (void)arg;
    before_end(1);
    if (error)
        (void)CALL(elpq_transact_rollback(own.t, error));
    else
        (void)CALL(elpq_transact_commit(own.t));
}

static void own_body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    int rc;

    (void)arg;
    ck_assert_ptr_eq(t, own.t);
    before_end(0);
    rc = CALL(elpq_execute(tx, elpq_sql("select 1"), NULL, on_body_result,
                           NULL));
    if (rc != 0)
        (void)CALL(elpq_transact_rollback(t, NULL));
}

static void arm_transact(void)
{
    const elpq_transact_options o = { .transactor = &own.t };

    w.end = end_transact;
    DO(transact, &o, own_body, on_own_done, (void *)&second);
}

/* -------------------------------------------------------------- the matrix */

static const struct more {
    struct source source;
    unsigned targets;
    int first, last; /* points                                            */
} sources[] = {
    { { "stream", arm_stream, false }, EVERYWHERE, 0, 1 },
    { { "copy in", arm_copy_in, false }, EVERYWHERE, 0, 1 },
    { { "copy out", arm_copy_out, false }, EVERYWHERE, 0, 1 },
    { { "copy out of rows", arm_copy_rows, false }, EVERYWHERE, 0, 1 },
    { { "batch", arm_batch, false }, EVERYWHERE, 0, 2 },
    { { "many rows", arm_many, false }, EVERYWHERE, 0, 2 },
    { { "cursor", arm_cursor, false }, NOT_POOL, 0, 4 },
    { { "lock", arm_lock, false }, SESSIONS, 0, 1 },
    { { "lost lock", arm_lost_lock, true }, SESSIONS, 1, 2 },
    { { "lock of a transaction", arm_tx_lock, false }, IN_TX, 1, 1 },
    { { "read of a large object", arm_lo_read, false }, IN_TX, 0, 4 },
    { { "import of a large object", arm_lo_import, false }, IN_TX, 0, 4 },
    { { "transact", arm_transact, true }, EVERYWHERE, 0, 2 },
};
#define N_SOURCES ((int)(sizeof(sources) / sizeof(sources[0])))

static void one_more(const struct more *m, enum target target, int point,
                     int action)
{
    char name[80];
    struct source s = m->source;

    snprintf(name, sizeof(name), "%s, target %d, point %d", s.name,
             (int)target, point);
    s.name = name;
    memset(&own, 0, sizeof(own));
    own.target = target;
    own.point = point;
    make_world(action);
    if (target == ON_TX)
        own.tx = begin_now(w.pool);
    own.done = answer_new();
    cross(&s);
    settle_answers();
}

/* Each of them with all targets and points: `_i` is source and action. */
START_TEST(from_every_callback_every_action)
{
    const struct more *m = &sources[_i / N_ACTIONS];

    for (int target = 0; target < TARGETS; target++)
        for (int point = m->first; point <= m->last; point++)
            if (m->targets & 1u << target)
                one_more(m, (enum target)target, point, _i % N_ACTIONS);
    ck_assert_int_eq(harness_depth, 0);
}
END_TEST

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("create table if not exists elpq_reentry (n int)");
    admin_do("grant all on elpq_reentry to public");
}

static void teardown(void)
{
    admin_do("drop table if exists elpq_reentry");
    admin_do("select lo_unlink(oid) from pg_largeobject_metadata");
    harness_teardown();
}

static void build(Suite *s)
{
    TCase *t = tcase_create("matrix");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, from_every_callback_every_action, 0,
                        N_SOURCES * N_ACTIONS);
    suite_add_tcase(s, t);
}

int main(void)
{
    return harness_main("reentry, more", build);
}

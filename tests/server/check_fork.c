/* SPDX-License-Identifier: PostgreSQL */
/*
 * A forked child has the parent's objects in its memory, and may not use them:
 * every call on every kind of handle tells it so (ELPQ_E_FORKED, or nothing
 * happens where there is nothing to return), no callback comes in the child,
 * and the parent's sessions go on as if nothing had been.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

/* In the child: the line of the first call that was not refused. */
static int not_refused;

#define REFUSED(call)                                                         \
    do {                                                                      \
        if ((call) != ELPQ_E_FORKED && !not_refused)                          \
            not_refused = __LINE__;                                           \
    } while (0)

/* Runs `child` in one, whose loop turns afterwards; callbacks count. */
static struct answer never;
static void *handle;

static void in_child(void (*child)(void))
{
    int status = -1;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        child();
        if (!not_refused && event_reinit(loop) == 0)
            for (int i = 0; i < 3; i++)
                event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        if (never.calls)
            not_refused = 1;
        if (not_refused)
            fprintf(stderr, "line %d is not refused\n", not_refused);
        _exit(not_refused != 0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the child ended with %d", status);
}

static void on_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)stream;
    *(int *)((struct answer *)arg)->data += (int)elpq_rows(rows);
}

static void on_copied(elpq_copy *copy, const void *data, size_t size,
                      void *arg)
{
    (void)copy;
    (void)data;
    (void)size;
    (void)arg;
}

static void on_ready(elpq_copy *copy, void *arg)
{
    (void)arg;
    handle = copy;
}

static void on_many(const elpq_many_outcome *outcome, const elpq_error *error,
                    void *arg)
{
    (void)outcome;
    on_done(error, arg);
}

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    (void)type;
    on_done(error, arg);
}

static void on_oid(uint32_t oid, const elpq_error *error, void *arg)
{
    (void)oid;
    on_done(error, arg);
}

static void on_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    handle = lock;
    on_done(error, arg);
}

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    handle = cursor;
    on_done(error, arg);
}

static void body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    (void)tx;
    (void)arg;
    handle = t;
}

/* ------------------------------------------------------- pool, connection */

#define ALL_VERBS(kind)                                                       \
    static void use_##kind(void)                                              \
    {                                                                         \
        elpq_##kind *h = handle;                                              \
        const elpq_statement *st = elpq_sql("select 1");                      \
        elpq_rows_source none = { 0 };                                        \
        struct answer *a = &never;                                            \
                                                                              \
        REFUSED(elpq_execute(h, st, NULL, on_result, a));                     \
        REFUSED(elpq_batch(h, &st, 1, NULL, NULL, on_done, a));               \
        REFUSED(elpq_execute_many(h, st, &none, NULL, on_many, a));           \
        REFUSED(elpq_##kind##_script_trusted(h, "select 1", NULL, NULL,       \
                                             on_done, a));                    \
        REFUSED(elpq_stream(h, st, NULL, on_rows, on_done, a));               \
        REFUSED(elpq_transact(h, NULL, body, on_done, a));                    \
        REFUSED(elpq_notify(h, "c", "p", NULL, on_done, a));                  \
        REFUSED(elpq_lo_create(h, 0, NULL, on_oid, a));                       \
        REFUSED(elpq_lo_unlink(h, 1, NULL, on_done, a));                      \
        REFUSED(elpq_load_type(h, "int4", NULL, on_type, a));                 \
        REFUSED(elpq_copy_out(h, elpq_copy_query("select 1"), NULL,           \
                              on_copied, on_result, a));                      \
        REFUSED(elpq_copy_in(h, elpq_copy_sql("copy t from stdin"), NULL,     \
                             on_ready, on_result, a));                        \
    }
ALL_VERBS(pool)
ALL_VERBS(conn)
ALL_VERBS(tx)

static void use_up_pool(void)
{
    elpq_pool *pool = handle;

    use_pool();
    REFUSED(elpq_begin(pool, NULL, on_tx, &never));
    REFUSED(elpq_pool_acquire(pool, NULL, on_conn, &never));
    REFUSED(elpq_pool_lock(pool, elpq_lock_int64(1), NULL, on_lock, &never));
    REFUSED(elpq_commit_prepared(pool, "x", NULL, on_done, &never));
    REFUSED(elpq_rollback_prepared(pool, "x", NULL, on_done, &never));
    REFUSED(elpq_list_prepared(pool, NULL, on_result, &never));
    REFUSED(elpq_refresh_types(pool, NULL, on_done, &never));
    REFUSED(elpq_pool_resize(pool, 0, 3));
    REFUSED(elpq_pool_expire(pool));
    elpq_pool_close(pool, 0, on_done, &never);
}

START_TEST(pools)
{
    elpq_pool *pool = pool_of(2);

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    handle = pool;
    in_child(use_up_pool);
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

static void use_up_conn(void)
{
    elpq_conn *conn = handle;

    use_conn();
    REFUSED(elpq_begin(conn, NULL, on_tx, &never));
    REFUSED(elpq_declare(conn, elpq_sql("select 1"), NULL, on_cursor,
                         &never));
    REFUSED(elpq_conn_lock(conn, elpq_lock_int64(1), NULL, on_lock, &never));
    REFUSED(elpq_commit_prepared(conn, "x", NULL, on_done, &never));
    REFUSED(elpq_rollback_prepared(conn, "x", NULL, on_done, &never));
    REFUSED(elpq_list_prepared(conn, NULL, on_result, &never));
    REFUSED(elpq_refresh_types(conn, NULL, on_done, &never));
    REFUSED(elpq_conn_change_password(conn, NULL, "x", NULL, on_done,
                                      &never));
    elpq_conn_release(conn);
    elpq_conn_close(conn);
}

START_TEST(connections)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int pid = elpq_conn_pid(conn);

    handle = conn;
    in_child(use_up_conn);
    ck_assert_int_eq(answer_int(ask(conn,
                                    elpq_sql("select pg_backend_pid()"))),
                     pid);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------ transactions */

static void use_up_tx(void)
{
    elpq_tx *tx = handle;

    use_tx();
    REFUSED(elpq_savepoint(tx, on_tx, &never));
    REFUSED(elpq_tx_lock(tx, elpq_lock_int64(1), NULL, on_done, &never));
    REFUSED(elpq_declare(tx, elpq_sql("select 1"), NULL, on_cursor, &never));
    REFUSED(elpq_prepare_transaction(tx, "x", on_done, &never));
    REFUSED(elpq_commit(tx, on_done, &never));
    REFUSED(elpq_rollback(tx, on_done, &never));
}

START_TEST(transactions)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);

    handle = tx;
    in_child(use_up_tx);
    expect_int(ask(tx, elpq_sql("select 1")), 1);
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

static void use_transactor(void)
{
    REFUSED(elpq_transact_commit(handle));
    REFUSED(elpq_transact_rollback(handle, NULL));
    elpq_transact_cancel(handle);
}

static void await_handle(void)
{
    while (!handle)
        run_turns(1);
}

START_TEST(transactors)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a = answer_new();

    handle = NULL;
    ck_assert_int_eq(CALL(elpq_transact(pool, NULL, body, on_done, a)), 0);
    await_handle();
    in_child(use_transactor);
    ck_assert_int_eq(CALL(elpq_transact_commit(handle)), 0);
    expect_ok(a);
    finish_pool(pool);
}
END_TEST

/* -------------------------------------------------------- rows on their way */

static elpq_request *request;

static void use_stream(void)
{
    elpq_stream_resume(request);
    elpq_stream_stop(request);
    elpq_cancel(request);
}

START_TEST(streams)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .request = &request };
    struct answer *a = answer_new();
    int rows = 0;

    a->data = &rows;
    ck_assert_int_eq(CALL(elpq_stream(conn,
                                      elpq_sql("select"
                                               " generate_series(1, 5)"),
                                      &o, on_rows, on_done, a)), 0);
    elpq_stream_pause(request);
    run_turns(3);
    in_child(use_stream);
    elpq_stream_resume(request);
    expect_ok(a);
    ck_assert_int_eq(rows, 5);
    close_conn(conn);
}
END_TEST

static void on_walk(elpq_result *rows, elpq_cursor *cursor, void *arg)
{
    (void)rows;
    (void)cursor;
    (void)arg;
}

static void use_cursor(void)
{
    REFUSED(elpq_cursor_fetch(handle, ELPQ_FORWARD, 1, NULL, on_result,
                              &never));
    REFUSED(elpq_cursor_move(handle, ELPQ_FORWARD, 1, NULL, on_result,
                             &never));
    REFUSED(elpq_cursor_walk(handle, 1, on_walk, on_done, &never));
    REFUSED(elpq_cursor_close(handle, on_done, &never));
    elpq_cursor_pause(handle);
    elpq_cursor_resume(handle);
    elpq_cursor_stop(handle);
}

START_TEST(cursors)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_cursor_options o = { .hold = true };
    struct answer *a = answer_new(), *end = answer_new();

    ck_assert_int_eq(CALL(elpq_declare(conn, elpq_sql("select 7"), &o,
                                       on_cursor, a)), 0);
    expect_ok(a);
    in_child(use_cursor);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_cursor_fetch(handle, ELPQ_FORWARD, 1, NULL,
                                            on_result, a)), 0);
    expect_int(a, 7);
    ck_assert_int_eq(CALL(elpq_cursor_close(handle, on_done, end)), 0);
    expect_ok(end);
    close_conn(conn);
}
END_TEST

static void use_copy(void)
{
    if (elpq_copy_write(handle, "1\n", 2) != 0)
        not_refused = __LINE__;
    REFUSED(elpq_copy_finish(handle));
    REFUSED(elpq_copy_abort(handle, NULL));
    elpq_copy_pause(handle);
    elpq_copy_resume(handle);
}

START_TEST(copies)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = answer_new();

    expect_ok(ask(conn, elpq_sql("create temp table t (a int)")));
    handle = NULL;
    ck_assert_int_eq(CALL(elpq_copy_in(conn,
                                       elpq_copy_sql("copy t from stdin"),
                                       NULL, on_ready, on_result, a)), 0);
    await_handle();
    in_child(use_copy);
    ck_assert_uint_eq(elpq_copy_write(handle, "42\n", 3), 3);
    ck_assert_int_eq(CALL(elpq_copy_finish(handle)), 0);
    expect_ok(a);
    expect_int(ask(conn, elpq_sql("select sum(a) from t")), 42);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------ others */

static void use_lock(void)
{
    REFUSED(elpq_lock_release(handle, on_done, &never));
}

START_TEST(locks)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a = answer_new(), *end = answer_new();

    ck_assert_int_eq(CALL(elpq_pool_lock(pool, elpq_lock_int64(77), NULL,
                                         on_lock, a)), 0);
    expect_ok(a);
    in_child(use_lock);
    ck_assert_int_eq(admin_int("select count(*) from " LOCKS
                               " locktype = 'advisory' and objid = 77"), 1);
    ck_assert_int_eq(CALL(elpq_lock_release(handle, on_done, end)), 0);
    expect_ok(end);
    finish_pool(pool);
}
END_TEST

static int heard;

static void on_heard(const elpq_notification *n, void *arg)
{
    (void)n;
    (void)arg;
    heard++;
}

static void use_listener(void)
{
    REFUSED(elpq_listen(handle, "other", on_heard, NULL));
    REFUSED(elpq_unlisten(handle, "elpq_fork", on_heard, NULL));
    elpq_listener_pause(handle);
    elpq_listener_resume(handle);
    elpq_listener_close(handle, on_done, &never);
}

START_TEST(listeners)
{
    struct answer *end = answer_new();

    heard = 0;
    handle = elpq_listener_new(loop, NULL, NULL, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(handle);
    ck_assert_int_eq(CALL(elpq_listen(handle, "elpq_fork", on_heard, NULL)),
                     0);
    while (!elpq_listener_is_up(handle, "elpq_fork"))
        run_turns(1);
    in_child(use_listener);
    admin_do("notify elpq_fork");
    run_until(&heard, 1);
    RUN(elpq_listener_close(handle, on_done, end));
    expect_ok(end);
}
END_TEST

static void use_router(void)
{
    const elpq_statement *st = elpq_sql("select 1");

    REFUSED(elpq_execute((elpq_router *)handle, st, NULL, on_result, &never));
    REFUSED(elpq_stream((elpq_router *)handle, st, NULL, on_rows, on_done,
                        &never));
    REFUSED(elpq_script((elpq_router *)handle, "select 1", NULL, NULL,
                        on_done, &never));
    REFUSED(elpq_begin((elpq_router *)handle, NULL, on_tx, &never));
    REFUSED(elpq_router_acquire(handle, NULL, on_conn, &never));
    elpq_router_check(handle);
    elpq_router_close(handle, 0, on_done, &never);
}

START_TEST(routers)
{
    const char *const hosts[] = { "", NULL };
    struct answer *a = answer_new(), *end = answer_new();

    handle = elpq_router_new(loop, hosts, NULL, NULL);
    ck_assert_ptr_nonnull(handle);
    ck_assert_int_eq(CALL(elpq_router_execute(handle, elpq_sql("select 1"),
                                              NULL, on_result, a)), 0);
    expect_int(a, 1);
    in_child(use_router);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_router_execute(handle, elpq_sql("select 2"),
                                              NULL, on_result, a)), 0);
    expect_int(a, 2);
    RUN(elpq_router_close(handle, 0, on_done, end));
    expect_ok(end);
}
END_TEST

static void on_change(elpq_replication *r, const elpq_change *change,
                      void *arg)
{
    (void)r;
    (void)change;
    (void)arg;
}

static void use_replication(void)
{
    REFUSED(elpq_replication_confirm(handle, 1));
    elpq_replication_pause(handle);
    elpq_replication_resume(handle);
    elpq_replication_close(handle, on_done, &never);
}

/* It need not have come as far as the server. */
START_TEST(replications)
{
    static const char *const publications[] = { "p", NULL };
    elpq_replication_options o = { .slot = "elpq_no_such_slot",
                                   .publications = publications };
    struct answer *end = answer_new();

    handle = elpq_replication_new(loop, NULL, &o, on_change, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(handle);
    in_child(use_replication);
    RUN(elpq_replication_close(handle, on_done, end));
    expect_ok(end);
}
END_TEST

static void on_lo(elpq_large_object *lo, const elpq_error *error, void *arg)
{
    handle = lo;
    on_done(error, arg);
}

static void on_number(int64_t number, const elpq_error *error, void *arg)
{
    (void)number;
    on_done(error, arg);
}

static void on_new_oid(uint32_t oid, const elpq_error *error, void *arg)
{
    *(uint32_t *)((struct answer *)arg)->data = oid;
    on_done(error, arg);
}

static void use_object(void)
{
    REFUSED(elpq_lo_write(handle, "x", 1, NULL, on_number, &never));
    REFUSED(elpq_lo_seek(handle, 0, SEEK_SET, NULL, on_number, &never));
    REFUSED(elpq_lo_tell(handle, NULL, on_number, &never));
    REFUSED(elpq_lo_truncate(handle, 0, NULL, on_done, &never));
    REFUSED(elpq_lo_close(handle, on_done, &never));
    elpq_lo_pause(handle);
    elpq_lo_resume(handle);
}

START_TEST(large_objects)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *a = answer_new(), *end = answer_new();
    uint32_t oid = 0;

    a->data = &oid;
    ck_assert_int_eq(CALL(elpq_lo_create(tx, 0, NULL, on_new_oid, a)), 0);
    expect_ok(a);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_lo_open(tx, oid, ELPQ_LO_WRITE, NULL, on_lo,
                                       a)), 0);
    expect_ok(a);
    in_child(use_object);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_lo_write(handle, "x", 1, NULL, on_number, a)),
                     0);
    expect_ok(a);
    ck_assert_int_eq(CALL(elpq_lo_close(handle, on_done, end)), 0);
    expect_ok(end);
    expect_ok(rollback(tx));
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "handles", 0);

    tcase_add_test(t, pools);
    tcase_add_test(t, connections);
    tcase_add_test(t, transactions);
    tcase_add_test(t, transactors);
    tcase_add_test(t, streams);
    tcase_add_test(t, cursors);
    tcase_add_test(t, copies);
    tcase_add_test(t, locks);
    tcase_add_test(t, listeners);
    tcase_add_test(t, routers);
    tcase_add_test(t, replications);
    tcase_add_test(t, large_objects);
}

int main(void)
{
    return harness_main("fork", build);
}

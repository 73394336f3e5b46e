/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY of a table: every way to end it before its end.
 */
#include "copy_in.h"

/* -------------------------------------------------------------------- ends */

START_TEST(aborting_with_a_reason)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\ta\n"), g = f;

    f.hold = g.hold = true;
    copy_in(conn, &table, &f);
    run_until(&f.calls, 1);
    ck_assert_int_eq(CALL(elpq_copy_abort(f.copy, "it's enough")), 0);
    ck_assert_int_eq(CALL(elpq_copy_abort(f.copy, "twice")), ELPQ_E_CLOSED);
    ck_assert_int_eq(CALL(elpq_copy_finish(f.copy)), ELPQ_E_CLOSED);
    ck_assert_uint_eq(elpq_copy_write(f.copy, "1\tx\n", 4), 0);
    expect_error(f.done, ELPQ_E_CANCELED, "57014", 0);
    expect_message(f.done, "it's enough");
    expect_usable(conn);
    copy_in(conn, &table, &g);
    run_until(&g.calls, 1);
    ck_assert_int_eq(CALL(elpq_copy_abort(g.copy, NULL)), 0);
    expect_message(expect_error(g.done, ELPQ_E_CANCELED, "57014", 0),
                   "canceled");
    ck_assert_int_eq(rows(), 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

static void abort_it(struct flow *f, elpq_result *none)
{
    (void)none;
    flow_write(f);
    ck_assert_int_eq(CALL(elpq_copy_abort(f->copy, "inside")), 0);
}

START_TEST(aborting_inside_ready)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = flow_text("1\ta\n");

    f.hold = true;
    f.step = abort_it;
    expect_error(copy_in(pool, &table, &f), ELPQ_E_CANCELED, "57014", 0);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(canceling_at_each_stage)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_request *request;
    elpq_options o = { .request = &request };
    struct flow f[4];

    /* Queued behind another one. */
    f[0] = f[1] = f[2] = f[3] = flow_text("1\ta\n");
    f[0].hold = f[1].hold = f[2].hold = true;
    copy_in(conn, &table, &f[0]);
    copy_in_with(conn, &table, &o, &f[1]);
    run_until(&f[0].calls, 1);
    RUN(elpq_cancel(request));
    expect_error(f[1].done, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(CALL(elpq_copy_finish(f[0].copy)), 0);
    expect_ok(f[0].done);
    /* While it waits for data. */
    copy_in_with(conn, &table, &o, &f[2]);
    run_until(&f[2].calls, 1);
    RUN(elpq_cancel(request));
    RUN(elpq_cancel(request));
    expect_error(f[2].done, ELPQ_E_CANCELED, "57014", 0);
    /* While the command waits for a lock. */
    admin_do("begin");
    admin_do("lock table elpq_copy");
    copy_in_with(conn, &table, &o, &f[3]);
    await_server("select exists (select from " LOCKS " not granted)");
    RUN(elpq_cancel(request));
    expect_error(f[3].done, ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_eq(f[3].calls, 0);
    admin_do("rollback");
    expect_usable(conn);
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

START_TEST(the_deadline_covers_the_data)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .timeout_ms = scaled(1500) };
    struct flow f = flow_text("1\ta\n");

    f.hold = true;
    expect_error(copy_in_with(conn, &table, &o, &f), ELPQ_E_TIMEOUT, "57014",
                 0);
    ck_assert_int_eq(rows(), 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

static void close_it(struct flow *f, elpq_result *none)
{
    (void)none;
    close_conn(f->conn);
    ck_assert_uint_eq(elpq_copy_write(f->copy, "1\ta\n", 4), 0);
    ck_assert_int_eq(elpq_copy_finish(f->copy), ELPQ_E_CLOSED);
    ck_assert_int_eq(elpq_copy_abort(f->copy, "late"), ELPQ_E_CLOSED);
}

START_TEST(closing_inside_ready)
{
    struct flow f = flow_text("1\ta\n");

    f.conn = connect_now(NULL, NULL);
    f.step = close_it;
    expect_error(copy_in(f.conn, &table, &f), ELPQ_E_CLOSED, "",
                 ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
}
END_TEST

static void release_it(struct flow *f, elpq_result *none)
{
    (void)none;
    flow_write(f);
    release(f->conn);
}

START_TEST(releasing_inside_ready)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = flow_text("1\ta\n");

    f.conn = lease(pool);
    f.hold = true;
    f.step = release_it;
    expect_error(copy_in(f.conn, &table, &f), ELPQ_E_CANCELED, "57014", 0);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    ck_assert_uint_eq(stats(pool).connects, 1);
    ck_assert_int_eq(rows(), 0);
    finish_pool(pool);
}
END_TEST

static void close_the_pool(struct flow *f, elpq_result *none)
{
    (void)none;
    close_pool(f->pool, 0);
}

START_TEST(closing_the_pool_inside_ready)
{
    struct flow f = flow_text("1\ta\n");

    f.pool = pool_of(1);
    f.step = close_the_pool;
    expect_error(copy_in(f.pool, &table, &f), ELPQ_E_CLOSED, "",
                 ELPQ_NOT_EXECUTED);
    await_all();
}
END_TEST

/* In its done callback everything may be closed, and another one begun. */
static void again(struct answer *a)
{
    struct flow *f = a->data;

    f->step = NULL;
    copy_in(f->conn, &table, f);
}

START_TEST(the_next_one_from_done)
{
    struct flow f = flow_text("1\ta\n"), g = f;

    f.conn = g.conn = connect_now(NULL, NULL);
    copy_in(f.conn, &table, &f);
    f.done->then = again;
    f.done->data = &g;
    expect_ok(f.done);
    expect_ok(g.done);
    ck_assert_int_eq(rows(), 2);
    close_conn(f.conn);
}
END_TEST

START_TEST(losing_the_connection)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = flow_text("1\ta\n"), g = f, h = f;

    f.hold = true;
    copy_in(pool, &table, &f);
    run_until(&f.calls, 1);
    terminate((int)admin_int("select pid from pg_stat_progress_copy"
                             " where datname = current_database()"));
    expect_error(f.done, ELPQ_E_LOST, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    ck_assert_int_eq(rows(), 0);
    /* With data that cannot be sent any more. */
    g.hold = true;
    copy_in(pool, &table, &g);
    run_until(&g.calls, 1);
    terminate((int)admin_int("select pid from pg_stat_progress_copy"
                             " where datname = current_database()"));
    g.data = "1\ta\n";
    g.at = 0;
    g.size = 1 << 20;
    flow_write(&g);
    await(g.done);
    ck_assert_int_eq(g.done->code, ELPQ_E_LOST);
    expect_ok(copy_in(pool, &table, &h));
    ck_assert_int_eq(rows(), 1);
    finish_pool(pool);
}
END_TEST

/* A COPY that failed has failed its transaction. */
/* Nothing of the COPY was sent: a pool begins again elsewhere. */
START_TEST(lost_while_its_columns_are_asked_for)
{
    const elpq_copy_spec spec = { .table = "elpq_copy" };
    elpq_pool *pool = pool_of(1);
    elpq_conn *locker = connect_now(NULL, NULL), *conn = lease(pool);
    int pid = elpq_conn_pid(conn);
    struct flow f = flow_text("");

    admin_do("insert into elpq_copy values (1, 'one')");
    release(conn);
    expect_ok(script(locker, "begin; lock elpq_copy", NULL));
    copy_rows(pool, &spec, &f);
    await_server("select wait_event_type = 'Lock' from pg_stat_activity"
                 " where pid = %d", pid);
    terminate(pid);
    while (stats(pool).lost == 0)
        event_base_loop(loop, EVLOOP_ONCE);
    expect_ok(script(locker, "rollback", NULL));
    expect_ok(f.done);
    ck_assert_int_eq(f.rows, 1);
    close_conn(locker);
    finish_pool(pool);
}
END_TEST

START_TEST(a_failed_copy_in_a_transaction)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part;
    struct flow f = flow_text("x\n"), g = flow_text("1\ta\n");

    part = expect_ok(savepoint(tx))->tx;
    expect_error(copy_in(part, &table, &f), ELPQ_E_SERVER, "22P02", 0);
    expect_ok(rollback(part));
    expect_ok(copy_in(tx, &table, &g));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(its_trace)
{
    elpq_conn_options o = traced();
    elpq_options options = { .tag = "bulk" };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = flow_text("1\ta\n2\tb\n");
    int done = 0;

    expect_ok(copy_in_with(conn, &table, &options, &f));
    ck_assert_int_eq(events_of(ELPQ_EVENT_SUBMIT), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_FIRST), 1);
    for (int i = 0; i < seen_count; i++) {
        if (seen[i].kind != ELPQ_EVENT_DONE)
            continue;
        done++;
        ck_assert_uint_eq(seen[i].rows, 2);
        ck_assert_uint_eq(seen[i].bytes, 8);
        ck_assert_str_eq(seen[i].tag, "bulk");
    }
    ck_assert_int_eq(done, 1);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = add(s, "ends");

    tcase_add_test(t, aborting_with_a_reason);
    tcase_add_test(t, aborting_inside_ready);
    tcase_add_test(t, canceling_at_each_stage);
    tcase_add_test(t, the_deadline_covers_the_data);
    tcase_add_test(t, closing_inside_ready);
    tcase_add_test(t, releasing_inside_ready);
    tcase_add_test(t, closing_the_pool_inside_ready);
    tcase_add_test(t, the_next_one_from_done);
    tcase_add_test(t, losing_the_connection);
    tcase_add_test(t, lost_while_its_columns_are_asked_for);
    tcase_add_test(t, a_failed_copy_in_a_transaction);
    tcase_add_test(t, its_trace);
}

int main(void)
{
    return harness_main("copy in ends", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY out of a table or query, as bytes: formats, pause and resume, and every
 * way to end.
 */
#include <signal.h>

#include "copy_flow.h"
#include "elpq/testkit.h"

/* About 100 bytes a row. */
#define ROWS(n)                                                               \
    "copy (select i, repeat('x', 90) from generate_series(1, " #n ") as i)"   \
    " to stdout"

static void expect_usable(elpq_conn *conn)
{
    struct answer *a = ask(conn, elpq_sql("select 1"));
    struct answer *b = ask(conn, elpq_sql("select 2"));

    expect_int(a, 1);
    expect_int(b, 2);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
}

static void expect_got(struct flow *f, const char *text)
{
    ck_assert_str_eq(f->got, text);
    free(f->got);
    f->got = NULL;
}

static void give_it_up(struct flow *f, elpq_result *none)
{
    (void)none;
    ck_assert_int_eq(CALL(elpq_copy_abort(f->copy, NULL)), 0);
}

/* ---------------------------------------------------------------- formats */

START_TEST(of_a_table_a_query_and_sql)
{
    static const char *const columns[] = { "t", "n", NULL };
    elpq_copy_spec table = { .table = "c", .columns = columns };
    elpq_copy_spec csv = { .table = "c", .format = ELPQ_COPY_CSV,
                           .header = true, .delimiter = ';', .null = "-" };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { 0 }, g = { 0 }, h = { 0 }, i = { 0 };
    struct answer *a;

    expect_ok(script(conn, "create temp table c (n int, t text);"
                           " insert into c values (1, 'a;b'), (2, null)",
                     NULL));
    a = expect_ok(copy_out(conn, &table, &f));
    ck_assert_uint_eq(elpq_affected(a->result), 2);
    ck_assert_str_eq(elpq_command(a->result), "COPY 2");
    expect_got(&f, "a;b\t1\n\\N\t2\n");
    expect_ok(copy_out(conn, &csv, &g));
    expect_got(&g, "n;t\n1;\"a;b\"\n2;-\n");
    expect_ok(copy_out(conn, elpq_copy_query("select n * 2 from c order by 1"
                                             " -- twice"), &h));
    expect_got(&h, "2\n4\n");
    expect_ok(copy_out(conn, elpq_copy_sql("copy c (n) to stdout"), &i));
    expect_got(&i, "1\n2\n");
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(binary)
{
    elpq_copy_spec spec = { .trusted_query = "select 7",
                            .format = ELPQ_COPY_BINARY };
    elpq_pool *pool = pool_of(1);
    struct flow f = { 0 };

    expect_ok(copy_out(pool, &spec, &f));
    ck_assert_uint_eq(f.ngot, 19 + 2 + 4 + 4 + 2);
    ck_assert_int_eq(memcmp(f.got, "PGCOPY\n\377\r\n", 11), 0);
    ck_assert_int_eq(f.got[28], 7);
    free(f.got);
    finish_pool(pool);
}
END_TEST

START_TEST(no_rows)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { 0 };

    expect_ok(copy_out(conn, elpq_copy_query("select 1 where false"), &f));
    ck_assert_int_eq(f.calls, 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(in_a_transaction)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct flow f = { 0 };

    expect_ok(ask(tx, elpq_sql("create temp table c on commit drop as"
                               " select 5 as n")));
    expect_ok(copy_out(tx, elpq_copy_query("select n from c"), &f));
    expect_got(&f, "5\n");
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

/* As the same query without COPY: it may set something in its session. */
START_TEST(what_its_query_leaves)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { 0 };

    expect_ok(copy_out(pool, elpq_copy_query("select 7"), &f));
    expect_got(&f, "7\n");
    ck_assert_uint_eq(stats(pool).resets, 0);
    f = (struct flow){ 0 };
    expect_ok(copy_out(pool, elpq_copy_query("select set_config("
                                             "'elpq.tenant', '7', false)"),
                       &f));
    expect_got(&f, "7\n");
    expect_text(ask(pool, elpq_sql("select coalesce(nullif(current_setting("
                                   "'elpq.tenant', true), ''), 'none')")),
                "none");
    ck_assert_uint_eq(stats(pool).resets, 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* Which no server of PostgreSQL sends; and the end of all that the socket has,
 * so that nothing but looking twice finds what comes behind them. */
START_TEST(empty_pieces_are_skipped)
{
    elpq_fakepg *server = elpq_fakepg_new(
        loop,
        "startup\nwelcome\nuntil Q\nsend H hex 000000\n"
        "send d \nsend d \"a\\n\"\nsend d \nsend d \nsend d \"b\\n\"\n"
        "send d \nsend c\nsend C \"COPY 2\\0\"\nsend Z \"I\"\nserve\n",
        NULL);
    char conninfo[100];
    elpq_conn *conn;
    struct flow f = { 0 };

    ck_assert_ptr_nonnull(server);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable",
             elpq_fakepg_port(server));
    conn = connect_now(conninfo, NULL);
    expect_ok(copy_out(conn, elpq_copy_sql("copy t to stdout"), &f));
    expect_got(&f, "a\nb\n");
    expect_ok(ask(conn, elpq_sql("select")));
    close_conn(conn);
    elpq_fakepg_free(server);
}
END_TEST

/* Rows of all sizes, some of which fill the room to the last byte. */
START_TEST(rows_of_all_sizes)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { 0 };
    size_t at = 0;

    expect_ok(copy_out(conn, elpq_copy_query("select repeat('y', n) from"
                                             " unnest(array[1, 65535, 65536,"
                                             " 3, 300000, 2, 70000]) as n"),
                       &f));
    for (int i = 0; i < 7; i++) {
        static const size_t sizes[] = { 1, 65535, 65536, 3, 300000, 2, 70000 };

        ck_assert_uint_eq(strspn(f.got + at, "y"), sizes[i]);
        at += sizes[i] + 1;
    }
    ck_assert_uint_eq(at, f.ngot);
    free(f.got);
    close_conn(conn);
}
END_TEST

/* The end has come with the row that fills the room to the last byte. */
START_TEST(stopping_with_the_last_row)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .step = give_it_up };
    struct answer *done;

    done =
        await(copy_out(conn, elpq_copy_query("select repeat('y', 65535)"), &f));
    ck_assert_int_eq(f.calls, 1);
    ck_assert_msg(done->code == 0 || done->code == ELPQ_E_CANCELED, "%d",
                  done->code);
    ck_assert(elpq_conn_is_open(conn));
    expect_usable(conn);
    free(f.got);
    close_conn(conn);
}
END_TEST

/* Rows below the limit that come together are not one above it. */
START_TEST(the_limit_is_of_a_row)
{
    elpq_conn_options o = { .max_result_bytes = 100000 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { 0 }, g = { 0 };

    expect_ok(copy_out(conn,
                       elpq_copy_query("select repeat('y', 65535) from"
                                       " generate_series(1, 20)"),
                       &f));
    ck_assert_uint_eq(f.ngot, 20 * 65536);
    free(f.got);
    await(copy_out(conn, elpq_copy_query("select repeat('y', 300000)"), &g));
    ck_assert_int_eq(g.done->code, ELPQ_E_LIMIT);
    close_conn(conn);
}
END_TEST

/* Larger than max_result_bytes, as no result is made of it. */
START_TEST(no_limit_on_its_size)
{
    elpq_conn_options o = { .max_result_bytes = 1 << 20 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { .hold = true }, g = { .hold = true };

    expect_ok(copy_out(conn, elpq_copy_sql(ROWS(50000)), &f));
    ck_assert_uint_gt(f.ngot, 4500000);
    ck_assert_int_ge(f.calls, (int)(f.ngot >> 16));
    /* But on that of a row. */
    await(copy_out(conn, elpq_copy_query("select repeat('z', 30000000)"),
                   &g));
    ck_assert_int_eq(g.done->code, ELPQ_E_LIMIT);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- pause */

static void pause_it(struct flow *f, elpq_result *none)
{
    (void)none;
    RUN(elpq_copy_pause(f->copy));
}

/* A reader that pauses after each chunk gets the same. */
START_TEST(pause_and_resume)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .step = pause_it }, g = { 0 };

    expect_ok(copy_out(conn, elpq_copy_sql(ROWS(5000)), &g));
    copy_out(conn, elpq_copy_sql(ROWS(5000)), &f);
    run_until(&f.calls, 1);
    for (int n = 1; !f.done->calls; n++) {
        if (n < 4)
            run_turns(20); /* nothing comes */
        ck_assert_int_eq(f.calls, n);
        RUN(elpq_copy_resume(f.copy));
        RUN(elpq_copy_resume(f.copy));
        while (f.calls == n && !f.done->calls)
            event_base_loop(loop, EVLOOP_ONCE);
    }
    expect_ok(f.done);
    ck_assert_int_gt(f.calls, 5);
    ck_assert_uint_eq(f.ngot, g.ngot);
    ck_assert_str_eq(f.got, g.got);
    free(f.got);
    free(g.got);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* The last chunk holds all, and the end waits as well. */
START_TEST(pausing_at_the_end)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .step = pause_it };

    copy_out(conn, elpq_copy_query("select 1"), &f);
    run_until(&f.calls, 1);
    run_for_ms(50);
    ck_assert_int_eq(f.done->calls, 0);
    RUN(elpq_copy_resume(f.copy));
    expect_ok(f.done);
    expect_got(&f, "1\n");
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(pausing_with_tls)
{
    elpq_conn *conn;
    struct flow f = { .hold = true, .step = pause_it };

    if (!harness_env("ELPQ_TEST_HOST") || !harness_own_server())
        return;
    conn = connect_now(tcp("sslmode=require"), NULL);
    copy_out(conn, elpq_copy_sql(ROWS(20000)), &f);
    while (!f.done->calls) {
        int n = f.calls;

        if (f.copy)
            RUN(elpq_copy_resume(f.copy));
        while (f.calls == n && !f.done->calls)
            event_base_loop(loop, EVLOOP_ONCE);
    }
    ck_assert_uint_eq(elpq_affected(expect_ok(f.done)->result), 20000);
    close_conn(conn);
}
END_TEST

/* The reader stops at 1 GB to come: the server waits, memory stays. */
START_TEST(a_paused_reader_stops_the_server)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .hold = true, .step = pause_it };
    const int64_t bound = 2 << 20;
    int64_t before;

    copy_out(conn, elpq_copy_sql(ROWS(10000000)), &f);
    run_until(&f.calls, 1);
    before = resident();
    await_server("select wait_event = 'ClientWrite' from pg_stat_activity"
                 " where pid = %d", elpq_conn_pid(conn));
    run_for_ms(50);
    ck_assert_int_eq(f.calls, 1);
    ck_assert_int_lt(resident() - before, bound);
    f.step = NULL;
    RUN(elpq_copy_resume(f.copy));
    run_until(&f.calls, 200);
    ck_assert_int_lt(resident() - before, bound);
    ck_assert_int_eq(CALL(elpq_copy_abort(f.copy, NULL)), 0);
    expect_error(f.done, ELPQ_E_CANCELED, "57014", 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* -------------------------------------------------------------------- ends */

static void abort_it(struct flow *f, elpq_result *none)
{
    (void)none;
    ck_assert_int_eq(CALL(elpq_copy_abort(f->copy, "enough")), 0);
    ck_assert_int_eq(CALL(elpq_copy_abort(f->copy, "enough")), ELPQ_E_CLOSED);
    RUN(elpq_copy_pause(f->copy)); /* too late */
}

START_TEST(stopping_early)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { .hold = true, .step = abort_it };

    expect_error(copy_out(pool, elpq_copy_sql(ROWS(10000000)), &f),
                 ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_eq(f.calls, 1);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

static void pause_and_abort(struct flow *f, elpq_result *none)
{
    (void)none;
    RUN(elpq_copy_pause(f->copy));
    ck_assert_int_eq(CALL(elpq_copy_abort(f->copy, NULL)), 0);
}

START_TEST(stopping_while_paused)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .timeout_ms = scaled(1500) };
    struct flow f = { .hold = true, .step = pause_and_abort };
    struct flow g = { .hold = true, .step = pause_it };

    expect_error(copy_out(conn, elpq_copy_sql(ROWS(10000000)), &f),
                 ELPQ_E_CANCELED, "57014", 0);
    expect_error(copy_out_with(conn, elpq_copy_sql(ROWS(10000000)), &o, &g),
                 ELPQ_E_TIMEOUT, "57014", 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_before_the_data)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_request *request;
    elpq_options o = { .request = &request };
    struct flow f = { 0 };

    lock_server();
    copy_out_with(conn, elpq_copy_query(BLOCKED), &o, &f);
    await_blocked(1);
    RUN(elpq_cancel(request));
    expect_error(f.done, ELPQ_E_CANCELED, "57014", 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(an_error_in_the_middle)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .hold = true };

    expect_error(copy_out(conn, elpq_copy_query("select 1 / (3000 - i) from"
                                                " generate_series(1, 5000)"
                                                " as i"), &f),
                 ELPQ_E_SERVER, "22012", 0);
    ck_assert_int_gt(f.calls, 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

static void close_it(struct flow *f, elpq_result *none)
{
    (void)none;
    close_conn(f->conn);
    elpq_copy_pause(f->copy);
    elpq_copy_resume(f->copy);
}

START_TEST(closing_inside_data)
{
    struct flow f = { .hold = true, .step = close_it };

    f.conn = connect_now(NULL, NULL);
    expect_error(copy_out(f.conn, elpq_copy_sql(ROWS(100000)), &f),
                 ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(f.calls, 1);
}
END_TEST

static void release_it(struct flow *f, elpq_result *none)
{
    (void)none;
    release(f->conn);
}

START_TEST(releasing_inside_data)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { .hold = true, .step = release_it };

    f.conn = lease(pool);
    expect_error(copy_out(f.conn, elpq_copy_sql(ROWS(10000000)), &f),
                 ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_eq(f.calls, 1);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

static void close_the_pool(struct flow *f, elpq_result *none)
{
    (void)none;
    close_pool(f->pool, 0);
}

START_TEST(closing_the_pool_inside_data)
{
    struct flow f = { .hold = true, .step = close_the_pool };

    f.pool = pool_of(1);
    expect_error(copy_out(f.pool, elpq_copy_sql(ROWS(100000)), &f),
                 ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    await_all();
}
END_TEST

START_TEST(losing_the_connection)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .hold = true, .step = pause_it };

    copy_out(conn, elpq_copy_sql(ROWS(1000000)), &f);
    run_until(&f.calls, 1);
    terminate(elpq_conn_pid(conn));
    f.step = NULL;
    RUN(elpq_copy_resume(f.copy));
    await(f.done);
    ck_assert_int_eq(f.done->code, ELPQ_E_LOST);
    close_conn(conn);
}
END_TEST

/* A server that is stopped for good: the grace period ends it. */
START_TEST(canceling_a_stopped_server)
{
    elpq_conn_options o = { .cancel_grace_ms = 200 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { .hold = true };
    int pid = elpq_conn_pid(conn);

    copy_out(conn, elpq_copy_sql(ROWS(10000000)), &f);
    run_until(&f.calls, 1);
    if (!signal_server(pid, SIGSTOP)) {
        close_conn(conn);
        await(f.done);
        return;
    }
    ck_assert_int_eq(CALL(elpq_copy_abort(f.copy, NULL)), 0);
    await(f.done);
    ck_assert_int_eq(f.done->code, ELPQ_E_CANCELED);
    ck_assert(!elpq_conn_is_open(conn));
    ck_assert(signal_server(pid, SIGCONT));
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "formats", 0);

    tcase_add_test(t, of_a_table_a_query_and_sql);
    tcase_add_test(t, binary);
    tcase_add_test(t, no_rows);
    tcase_add_test(t, in_a_transaction);
    tcase_add_test(t, what_its_query_leaves);
    tcase_add_test(t, empty_pieces_are_skipped);
    tcase_add_test(t, rows_of_all_sizes);
    tcase_add_test(t, stopping_with_the_last_row);
    tcase_add_test(t, the_limit_is_of_a_row);
    tcase_add_test(t, no_limit_on_its_size);
    t = harness_case(s, "pause", 0);
    tcase_add_test(t, pause_and_resume);
    tcase_add_test(t, pausing_at_the_end);
    tcase_add_test(t, pausing_with_tls);
    tcase_add_test(t, a_paused_reader_stops_the_server);
    t = harness_case(s, "ends", 0);
    tcase_add_test(t, stopping_early);
    tcase_add_test(t, stopping_while_paused);
    tcase_add_test(t, canceling_before_the_data);
    tcase_add_test(t, an_error_in_the_middle);
    tcase_add_test(t, closing_inside_data);
    tcase_add_test(t, releasing_inside_data);
    tcase_add_test(t, closing_the_pool_inside_data);
    tcase_add_test(t, losing_the_connection);
    tcase_add_test(t, canceling_a_stopped_server);
}

int main(void)
{
    return harness_main("copy_out", build);
}

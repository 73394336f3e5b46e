/* SPDX-License-Identifier: PostgreSQL */
/*
 * Streams: rows in order, in the formats of elpq_execute(), alone on their
 * connection; pause and resume.  How they end early is check_stream_ends'.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flow.h"

#define COUNT "select n from generate_series(1, 1000) n"
/* Far more than all buffers between the server and us. */

/* -------------------------------------------------------------------- rows */

START_TEST(every_row_comes_once_and_in_order)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    for (i = 0; i < 3; i++) {
        struct flow f = { .counts = true };

        FLOW(&f, conn, elpq_sql(COUNT), NULL);
        expect_ok(f.a);
        ck_assert_int_eq(f.rows, 1000);
        ck_assert_uint_eq(f.longest, 1);
        ck_assert(f.binary);
    }
    expect_int(ask(conn, elpq_sql("select 5")), 5);
    close_conn(conn);
}
END_TEST

START_TEST(on_a_pool_and_in_a_transaction)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = { .counts = true }, g = f;
    elpq_tx *tx;

    FLOW(&f, pool, elpq_sql(COUNT), NULL);
    expect_ok(f.a);
    tx = begin_now(pool);
    FLOW(&g, tx, elpq_sql("select n from generate_series(1, $1) n", 7), NULL);
    expect_ok(g.a);
    ck_assert_int_eq(f.rows, 1000);
    ck_assert_int_eq(g.rows, 7);
    expect_ok(commit(tx));
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(no_rows_no_chunk)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    static const char *const sql[] = { "select 1 where false", "",
                                       "create temp table t (n int)",
                                       "insert into t values (1), (2)" };
    struct flow r = { .counts = true };

    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
        struct flow f = { 0 };

        FLOW(&f, conn, sql_text(sql[i]), NULL);
        expect_ok(f.a);
        ck_assert_int_eq(f.chunks, 0);
    }
    FLOW(&r, conn, elpq_sql("delete from t returning n"), NULL);
    expect_ok(r.a);
    ck_assert_int_eq(r.rows, 2);
    expect_int(ask(conn, elpq_sql("select count(*) from t")), 0);
    close_conn(conn);
}
END_TEST

static void on_four_columns(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct flow *f = arg;
    int32_t n;
    const char *text;
    double half;
    bool null, flag = true;

    ck_assert_int_eq(elpq_scan(rows, 0, &n, &text, &half,
                               elpq_nullable(&flag, &null)), 0);
    ck_assert_int_eq(n, f->rows + 1);
    ck_assert_int_eq((int)strlen(text), n);
    ck_assert_double_eq(half, n / 2.0);
    ck_assert_int_eq(null, n % 2);
    ck_assert_int_eq(elpq_column(rows, "half"), 2);
    on_rows(rows, stream, arg);
}

START_TEST(typed_getters_on_chunks)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    static const unsigned flags[] = { 0, ELPQ_TEXT_RESULT, ELPQ_NO_PREPARE };
    int i;

    for (i = 0; i < 6; i++) {
        struct flow f = { .counts = true };
        elpq_options o = { .flags = flags[i / 2], .request = &f.stream };

        f.a = answer_new();
        ck_assert_int_eq(
            CALL(elpq_stream(conn,
                             elpq_sql("select n, repeat('x', n),"
                                      " n / 2.0::float8 as half,"
                                      " nullif(n % 2 = 0, false)"
                                      " from generate_series(1, 50) n"),
                             &o, on_four_columns, on_end, &f)), 0);
        expect_ok(f.a);
        ck_assert_int_eq(f.rows, 50);
        ck_assert_int_eq(f.binary, flags[i / 2] == 0);
    }
    close_conn(conn);
}
END_TEST

START_TEST(a_statement_that_was_executed_before)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true };

    ck_assert_uint_eq(elpq_rows(expect_ok(ask(conn, elpq_sql(COUNT)))->result),
                      1000);
    FLOW(&f, conn, elpq_sql(COUNT), NULL);
    ck_assert_uint_eq(elpq_rows(expect_ok(ask(conn, elpq_sql(COUNT)))->result),
                      1000);
    ck_assert_int_eq(f.a->calls, 1);
    ck_assert(f.binary);
    expect_int(ask(conn, elpq_sql("select count(*) from pg_prepared_statements"
                                  " where statement = $1", COUNT)), 1);
    close_conn(conn);
}
END_TEST

START_TEST(commands_that_are_no_queries)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    for (i = 0; i < 2; i++) {
        struct flow f = { 0 }, g = { 0 };

        FLOW(&f, conn, elpq_sql("explain select 1"), NULL);
        FLOW(&g, conn, elpq_sql("show timezone"), NULL);
        expect_ok(f.a);
        expect_ok(g.a);
        ck_assert_int_eq(f.rows, 1);
        ck_assert_int_eq(g.rows, 1);
    }
    close_conn(conn);
}
END_TEST

START_TEST(without_prepared_statements)
{
    elpq_conn_options o = traced();
    elpq_conn *conn;
    struct flow f = { .counts = true };

    o.no_statement_cache = true;
    conn = connect_now(NULL, &o);
    FLOW(&f, conn, elpq_sql(COUNT), NULL);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 1000);
    ck_assert(!f.binary);
    close_conn(conn);
}
END_TEST

/* libpq 17 has them; with others each row comes alone. */
START_TEST(chunks_of_rows)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .chunk_rows = 64 };
    struct flow f = { .counts = true };

    FLOW(&f, conn, elpq_sql(COUNT), &o);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 1000);
    ck_assert_uint_eq(f.longest, elpq_libpq_version() >= 170000 ? 64 : 1);
    ck_assert_int_eq(f.chunks, elpq_libpq_version() >= 170000 ? 16 : 1000);
    close_conn(conn);
}
END_TEST

static void keep_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    elpq_result **kept = ((struct flow *)arg)->data;

    kept[((struct flow *)arg)->rows] = elpq_result_ref(rows);
    on_rows(rows, stream, arg);
}

START_TEST(rows_may_be_kept)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_result *kept[20];
    struct flow f = { .data = kept };
    elpq_options o = { .request = &f.stream };

    f.a = answer_new();
    ck_assert_int_eq(CALL(elpq_stream(conn,
                                      elpq_sql("select n, 'row ' || n from"
                                               " generate_series(1, 20) n"),
                                      &o, keep_rows, on_end, &f)), 0);
    expect_ok(f.a);
    close_conn(conn);
    for (int i = 0; i < 20; i++) {
        char text[16];

        snprintf(text, sizeof(text), "row %d", i + 1);
        ck_assert_str_eq(elpq_get_text(kept[i], 0, 1), text);
        elpq_result_unref(kept[i]);
    }
}
END_TEST

/* Its limit is for one row, not for all. */
START_TEST(the_sum_has_no_limit)
{
    elpq_conn_options o = { .max_result_bytes = 100000 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { .counts = true };

    FLOW(&f, conn, elpq_sql(LARGE), NULL);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 2000);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- alone */

START_TEST(it_waits_for_those_before_and_those_behind_wait_for_it)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f[4];
    struct answer *a[12];
    int i;

    memset(f, 0, sizeof(f));
    for (i = 0; i < 12; i++) {
        if (i % 3 == 1) {
            FLOW(&f[i / 3], conn, elpq_sql(COUNT), NULL);
            a[i] = f[i / 3].a;
        } else if (i == 5) {
            a[i] = script(conn, "select 1; select 2", NULL);
        } else {
            a[i] = ask(conn, elpq_sql("select $1", i));
        }
    }
    for (i = 0; i < 12; i++)
        ck_assert_uint_eq(expect_ok(a[i])->order, (unsigned)i + 2);
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(f[i].rows, 1000);
    close_conn(conn);
}
END_TEST

START_TEST(nothing_runs_beside_it)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { 0 };
    struct answer *behind;

    lock_server();
    FLOW(&f, conn, elpq_sql(BLOCKED), NULL);
    behind = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    run_turns(5);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 1);
    ck_assert_uint_eq(elpq_conn_pending(conn), 2);
    unlock_server();
    expect_int(behind, 2);
    ck_assert_int_eq(f.a->calls, 1);
    close_conn(conn);
}
END_TEST

START_TEST(what_its_trace_events_say)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_options with_tag = { .tag = "report" };
    struct flow f = { 0 };
    int i;

    FLOW(&f, conn, elpq_sql(COUNT), &with_tag);
    expect_ok(f.a);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SUBMIT), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_SENT), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_FIRST), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_DONE), 1);
    for (i = 0; seen[i].kind != ELPQ_EVENT_DONE; i++)
        ;
    ck_assert_uint_eq(seen[i].rows, 1000);
    ck_assert_uint_gt(seen[i].bytes, 1000);
    ck_assert_str_eq(seen[i].tag, "report");
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- pause */

START_TEST(a_pause_holds_the_server_back)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 100, .act = pause_flow };
    struct answer *behind;

    FLOW(&f, conn, elpq_sql(LARGE), NULL);
    behind = ask(conn, elpq_sql("select 1"));
    await_rows(&f, 100);
    await_held_back(conn);
    run_turns(10);
    ck_assert_int_eq(f.rows, 100);
    f.act = NULL;
    resume_flow(&f);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 2000);
    expect_int(behind, 1);
    close_conn(conn);
}
END_TEST

/* Turns of the loop, each with its pause. */
static void drip(elpq_conn *conn, int64_t rows)
{
    struct flow f = { .counts = true, .act = pause_flow };

    FLOW(&f, conn, elpq_sql("select n, repeat('x', 100)"
                            " from generate_series(1, $1) n", rows), NULL);
    for (int64_t i = 1; i <= rows; i++) {
        await_rows(&f, i);
        ck_assert_int_eq(f.rows, i);
        resume_flow(&f);
    }
    expect_ok(f.a);
}

START_TEST(a_pause_after_each_row)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    drip(conn, 300);
    close_conn(conn);
}
END_TEST

/* What TLS has decrypted makes no socket readable. */
START_TEST(pauses_over_tls)
{
    elpq_conn *conn;
    struct flow f = { .counts = true, .at = 50, .act = pause_flow };
    char more[200];

    snprintf(more, sizeof(more), "user=%s sslmode=require",
             harness_env("ELPQ_TEST_TLS_USER"));
    conn = connect_now(tcp(more), NULL);
    ck_assert(elpq_conn_tls(conn));
    drip(conn, 300);
    FLOW(&f, conn, elpq_sql(LARGE), NULL);
    await_rows(&f, 50);
    await_held_back(conn);
    ck_assert_int_eq(f.rows, 50);
    f.act = NULL;
    resume_flow(&f);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 2000);
    close_conn(conn);
}
END_TEST

static void pause_and_resume(struct flow *f)
{
    pause_flow(f);
    pause_flow(f);
    resume_flow(f);
    resume_flow(f);
}

START_TEST(pause_and_resume_inside_rows)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .act = pause_and_resume };

    FLOW(&f, conn, elpq_sql(COUNT), NULL);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 1000);
    close_conn(conn);
}
END_TEST

/* At each stage: waiting in the pool, queued, and while it is described. */
START_TEST(paused_before_it_begins)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct flow f = { .counts = true }, g = f;
    struct answer *before;

    FLOW(&f, pool, elpq_sql(COUNT), NULL);
    pause_flow(&f);
    before = ask(conn, elpq_sql("select 1"));
    FLOW(&g, conn, elpq_sql(COUNT), NULL);
    pause_flow(&g);
    expect_int(before, 1);
    run_turns(20);
    resume_flow(&g);
    expect_ok(g.a);
    release(conn);
    run_turns(20);
    ck_assert_int_eq(f.a->calls, 0);
    resume_flow(&f);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 1000);
    finish_pool(pool);
}
END_TEST

START_TEST(calls_that_mean_nothing)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    RUN(elpq_stream_pause(a->request)); /* no stream */
    RUN(elpq_stream_stop(a->request));
    RUN(elpq_stream_resume(a->request));
    RUN(elpq_stream_pause(NULL));
    RUN(elpq_stream_resume(NULL));
    RUN(elpq_stream_stop(NULL));
    unlock_server();
    expect_ok(a);
    close_conn(conn);
}
END_TEST

/* It may neither begin one nor touch one of its parent. */
static int use_in_child(elpq_conn *conn, struct flow *f)
{
    if (elpq_stream(conn, elpq_sql("select 1"), NULL, on_rows, on_end, f) !=
        ELPQ_E_FORKED)
        return 1;
    elpq_stream_resume(f->stream);
    elpq_stream_stop(f->stream);
    elpq_cancel(f->stream);
    event_reinit(loop);
    run_turns(5);
    return f->rows == 10 && f->a->calls == 0 ? 0 : 2;
}

START_TEST(in_a_forked_child)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };
    int status = -1;
    pid_t pid;

    FLOW(&f, conn, elpq_sql(COUNT), NULL);
    await_rows(&f, 10);
    pid = fork();
    if (pid == 0)
        _exit(use_in_child(conn, &f));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    f.act = NULL;
    resume_flow(&f);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, 1000);
    close_conn(conn);
}
END_TEST

START_TEST(what_is_refused)
{
    elpq_conn_options o = { .max_queued = 1 };
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_pool *pool = pool_of(1);
    const elpq_statement *st = elpq_sql("select 1"), none = { 0 };
    struct flow f = { 0 }, g = { 0 };

#define REFUSED(target, s, rows, done, code)                                  \
    ck_assert_int_eq(CALL(elpq_stream(target, s, NULL, rows, done, &g)), code)
    REFUSED((elpq_conn *)NULL, st, on_rows, on_end, ELPQ_E_USAGE);
    REFUSED((elpq_pool *)NULL, st, on_rows, on_end, ELPQ_E_USAGE);
    REFUSED((elpq_tx *)NULL, st, on_rows, on_end, ELPQ_E_USAGE);
    REFUSED(conn, NULL, on_rows, on_end, ELPQ_E_USAGE);
    REFUSED(conn, &none, on_rows, on_end, ELPQ_E_USAGE);
    REFUSED(conn, st, NULL, on_end, ELPQ_E_USAGE);
    REFUSED(conn, st, on_rows, NULL, ELPQ_E_USAGE);
    REFUSED(pool, st, on_rows, NULL, ELPQ_E_USAGE);
    FLOW(&f, conn, st, NULL);
    REFUSED(conn, st, on_rows, on_end, ELPQ_E_FULL);
    expect_ok(f.a);
    FLOW(&g, conn, elpq_sql("copy (select 1) to stdout"), NULL);
    expect_error(g.a, ELPQ_E_USAGE, "", ELPQ_NOT_EXECUTED);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "rows", 0);

    tcase_add_test(t, every_row_comes_once_and_in_order);
    tcase_add_test(t, on_a_pool_and_in_a_transaction);
    tcase_add_test(t, no_rows_no_chunk);
    tcase_add_test(t, typed_getters_on_chunks);
    tcase_add_test(t, a_statement_that_was_executed_before);
    tcase_add_test(t, commands_that_are_no_queries);
    tcase_add_test(t, without_prepared_statements);
    tcase_add_test(t, chunks_of_rows);
    tcase_add_test(t, rows_may_be_kept);
    tcase_add_test(t, the_sum_has_no_limit);
    t = harness_case(s, "alone", 0);
    tcase_add_test(t, it_waits_for_those_before_and_those_behind_wait_for_it);
    tcase_add_test(t, nothing_runs_beside_it);
    tcase_add_test(t, what_its_trace_events_say);
    t = harness_case(s, "pause", 0);
    tcase_add_test(t, a_pause_holds_the_server_back);
    tcase_add_test(t, a_pause_after_each_row);
    if (harness_env("ELPQ_TEST_TLS_USER"))
        tcase_add_test(t, pauses_over_tls);
    tcase_add_test(t, pause_and_resume_inside_rows);
    tcase_add_test(t, paused_before_it_begins);
    tcase_add_test(t, calls_that_mean_nothing);
    tcase_add_test(t, in_a_forked_child);
    tcase_add_test(t, what_is_refused);
}

int main(void)
{
    return harness_main("stream", build);
}

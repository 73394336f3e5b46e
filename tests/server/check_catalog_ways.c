/* SPDX-License-Identifier: PostgreSQL */
/*
 * Types that users made, on every way that brings rows or takes them: a row
 * of such a type is taken apart wherever it comes from.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define PAIR "row(7, 'ok')::ways.pair"

static elpq_conn *conn;
static elpq_type_info mood, pair;
static int seen_rows;

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    struct answer *a = arg;

    if (type)
        *(elpq_type_info *)a->data = *type;
    on_done(error, a);
}

static void load(const char *name, elpq_type_info *out)
{
    struct answer *a = answer_new();

    a->data = out;
    ck_assert_int_eq(CALL(elpq_load_type(conn, name, NULL, on_type, a)), 0);
    expect_ok(a);
}

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop schema if exists ways cascade");
    admin_do("create schema ways");
    admin_do("grant usage on schema ways to public");
    admin_do("create type ways.mood as enum ('sad', 'ok')");
    admin_do("create type ways.pair as (n int, m ways.mood)");
    conn = connect_now(NULL, NULL);
    load("ways.mood", &mood);
    load("ways.pair", &pair);
    seen_rows = 0;
}

static void teardown(void)
{
    close_conn(conn);
    admin_do("drop schema ways cascade");
    harness_teardown();
}

/* Each row of the first column is the pair. */
static void check_rows(elpq_result *rows)
{
    elpq_composite_view view;
    elpq_string s;
    int32_t n;

    for (size_t i = 0; i < elpq_rows(rows); i++, seen_rows++) {
        ck_assert_int_eq(elpq_get_composite(rows, i, 0, &view), 0);
        ck_assert_uint_eq(view.count, 2);
        ck_assert_str_eq(view.names[1], "m");
        ck_assert_int_eq(elpq_cell_int32(&view.fields[0], &n), 0);
        ck_assert_int_eq(n, 7);
        ck_assert_uint_eq(view.fields[1].oid, mood.oid);
        ck_assert_int_eq(elpq_cell_string(&view.fields[1], &s), 0);
        ck_assert_str_eq(s.data, "ok");
    }
}

static bool is_binary(elpq_result *rows)
{
    elpq_column_info column;

    ck_assert_int_eq(elpq_column_at(rows, 0, &column), 0);
    return column.binary;
}

static void on_stream_rows(elpq_result *rows, elpq_request *request, void *arg)
{
    (void)request, (void)arg;
    ck_assert(is_binary(rows));
    check_rows(rows);
}

START_TEST(streams)
{
    for (int i = 0; i < 2; i++) {
        struct answer *a = answer_new();
        const elpq_statement *st =
            elpq_sql("select " PAIR " from generate_series(1, 3)");

        ck_assert_int_eq(CALL(elpq_stream(conn, st, NULL, on_stream_rows,
                                          on_done, a)), 0);
        expect_ok(a);
    }
    ck_assert_int_eq(seen_rows, 6);
}
END_TEST

static void on_script_rows(elpq_result *rows, void *arg)
{
    (void)arg;
    check_rows(rows);
}

START_TEST(scripts)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_script(conn, "select " PAIR "; select " PAIR,
                                      NULL, on_script_rows, on_done, a)), 0);
    expect_ok(a);
    ck_assert_int_eq(seen_rows, 2);
}
END_TEST

static void on_part(size_t index, elpq_result *rows, const elpq_error *error,
                    void *arg)
{
    (void)index, (void)arg;
    ck_assert_ptr_null(error);
    check_rows(rows);
}

START_TEST(batches)
{
    const elpq_statement *st = elpq_sql("select " PAIR);
    const elpq_statement *both[] = { st, st };
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_batch(conn, both, 2, NULL, on_part, on_done,
                                     a)), 0);
    expect_ok(a);
    ck_assert_int_eq(seen_rows, 2);
}
END_TEST

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    struct answer *a = arg;

    a->data = cursor;
    on_done(error, a);
}

START_TEST(cursors)
{
    const elpq_cursor_options o = { .hold = true };
    struct answer *a = answer_new(), *rows;

    ck_assert_int_eq(CALL(elpq_declare(conn,
                                       elpq_sql("select " PAIR " from"
                                                " generate_series(1, 4)"),
                                       &o, on_cursor, a)), 0);
    expect_ok(a);
    for (int i = 0; i < 2; i++) {
        rows = answer_new();
        ck_assert_int_eq(CALL(elpq_cursor_fetch(a->data, ELPQ_FORWARD, 2, NULL,
                                                on_result, rows)), 0);
        check_rows(expect_ok(rows)->result);
        ck_assert(is_binary(rows->result) == (i > 0)); /* once it is known */
    }
    ck_assert_int_eq(seen_rows, 4);
    ck_assert_int_eq(CALL(elpq_cursor_close(a->data, NULL, NULL)), 0);
}
END_TEST

/* ------------------------------------------------------------------- COPY */

static elpq_copy *writer;

static void on_ready(elpq_copy *copy, void *arg)
{
    (void)arg;
    writer = copy;
}

static void on_copy_rows(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)copy, (void)arg;
    ck_assert(is_binary(rows));
    check_rows(rows);
}

/* The row, and kinds that have no short way, each in its column. */
static int put(elpq_copy *copy)
{
    elpq_value fields[] = { elpq_val(7), elpq_text_as(mood.oid, "ok", 2) };
    elpq_value bounds[] = { elpq_val(1), elpq_val(5) };
    elpq_value moods[] = { fields[1], elpq_null(0) };
    elpq_value values[] = {
        elpq_composite(pair.oid, fields, 2), elpq_text("ok"),
        elpq_array(mood.array_oid, moods, 2),
        elpq_range(ELPQ_OID_INT4RANGE, bounds, "[)")
    };

    return CALL(elpq_copy_put(copy, values, 4));
}

START_TEST(copies)
{
    const elpq_copy_spec in = { .table = "t", .format = ELPQ_COPY_ROWS };
    const elpq_copy_spec out = { .table = "t" };
    struct answer *a = answer_new();

    expect_ok(ask(conn, elpq_sql("create temp table t (p ways.pair,"
                                 " m ways.mood, ms ways.mood[],"
                                 " r int4range)")));
    writer = NULL;
    ck_assert_int_eq(CALL(elpq_copy_in(conn, &in, NULL, on_ready, on_result,
                                       a)), 0);
    while (!writer && !a->calls)
        event_base_loop(loop, EVLOOP_ONCE);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(put(writer) == 0, "%s", elpq_copy_error(writer));
    ck_assert_int_eq(CALL(elpq_copy_finish(writer)), 0);
    ck_assert_uint_eq(elpq_affected(expect_ok(a)->result), 3);
    expect_text(ask(conn, elpq_sql("select distinct t::text from t")),
                "(\"(7,ok)\",ok,\"{ok,NULL}\",\"[1,5)\")");
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_copy_out_rows(conn, &out, NULL, on_copy_rows,
                                             on_result, a)), 0);
    expect_ok(a);
    ck_assert_int_eq(seen_rows, 3);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("ways");

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, streams);
    tcase_add_test(t, scripts);
    tcase_add_test(t, batches);
    tcase_add_test(t, cursors);
    tcase_add_test(t, copies);
    suite_add_tcase(s, t);
}

int main(void)
{
    return harness_main("types of users on every way", build);
}

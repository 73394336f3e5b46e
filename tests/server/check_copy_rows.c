/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY of rows: elpq_values into a table, and decoded rows out of it, in
 * binary and, for types without a codec, as text.
 */
#include "copy_rows.h"

/* ------------------------------------------------------------------- types */

/* Values of each kind into columns of the types that read them. */
START_TEST(types_in_binary)
{
    static const uint8_t uuid[16] = { 0xa0, 0xee, [15] = 0x11 };
    static const int32_t numbers[] = { 1, -2, 3 };
    elpq_conn *conn = with_table(
        "b bool, s int2, i int4, l int8, f float4, d float8, t text,"
        " v varchar(20), c char(4), y bytea, u uuid, da date, ti time,"
        " ts timestamp, tz timestamptz, j json, jb jsonb, a int4[],"
        " n name, o oid");
    struct flow f;
    struct answer *a;

    start(&f, conn, &rows_in);
    PUT(&f, true, 7, 70000, INT64_MIN, 1.5, -2.25, "tab\tand\nline", "var",
        "ch", elpq_bytea("\0\1\377", 3), elpq_uuid(uuid), elpq_date(1),
        elpq_time(1), elpq_timestamp(1000001), elpq_timestamptz(2000002),
        elpq_json("{}"), elpq_json("[1]"), elpq_array_int32(numbers, 3),
        "name", 4000000000u);
    /* The same from their text, which is read as the column's type. */
    PUT(&f, "t", "7", "70000", "-9223372036854775808", "1.5", "-2.25",
        "tab\tand\nline", "var", "ch", elpq_bytea("\0\1\377", 3),
        "a0ee0000-0000-0000-0000-000000000011", "1970-01-02",
        "00:00:00.000001", "1970-01-01 00:00:01.000001",
        "1970-01-01 00:00:02.000002+00", "{}", "[1]",
        elpq_array_int32(numbers, 3), "name", "4000000000");
    ck_assert_uint_eq(elpq_affected(finish(&f)->result), 2);
    a = expect_ok(ask(conn, elpq_sql(
        "select count(distinct (r.*)::text), min(i), min(l), min(t),"
        " min(y::text), min(u::text), min(da), min(tz), min(a), min(o::int8)"
        " from r")));
    expect_int(a, 1);
    ck_assert_str_eq(elpq_get_text(a->result, 0, 1), "70000");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 2), "-9223372036854775808");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 3), "tab\tand\nline");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 4), "\\x0001ff");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 5),
                     "a0ee0000-0000-0000-0000-000000000011");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 6), "1970-01-02");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 8), "{1,-2,3}");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 9), "4000000000");
    close_conn(conn);
}
END_TEST

/* 19 of the header, 2 of the trailer, and a row of 2 + 4 + 4 + 4 + 8. */
START_TEST(binary_where_it_can_be)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f, g = { 0 };
    int done = 0;

    expect_ok(ask(conn, elpq_sql("create temp table r (i int, l int8)")));
    seen_count = 0;
    start(&f, conn, &rows_in);
    PUT(&f, 1, 2);
    finish(&f);
    expect_ok(copy_rows(conn, &rows_out, &g));
    for (int i = 0; i < seen_count; i++) {
        if (seen[i].kind != ELPQ_EVENT_DONE)
            continue;
        done++;
        ck_assert_uint_eq(seen[i].bytes, 19 + 22 + 2);
        ck_assert_uint_eq(seen[i].rows, 1);
    }
    ck_assert_int_eq(done, 2);
    close_conn(conn);
}
END_TEST

/* Enums, ranges and what else has no codec: all of it goes as text. */
START_TEST(types_as_text)
{
    static const int32_t numbers[] = { 1, -2 };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f, g = { 0 };
    struct answer *a;

    expect_ok(script(conn, "create type pg_temp.mood as enum ('sad', 'ok');"
                           " create domain pg_temp.small as int check"
                           " (value < 10);"
                           " create temp table r (i int, m pg_temp.mood,"
                           " s pg_temp.small, x int4range, n numeric, t text,"
                           " y bytea, a int[], tz timestamptz)", NULL));
    start(&f, conn, &rows_in);
    PUT(&f, 1, "ok", 9, "[1,5)", elpq_numeric("12.50"),
        "back\\slash\ttab\nline\rret", elpq_bytea("\0\\\n", 3),
        elpq_array_int32(numbers, 2), elpq_timestamptz(1000000));
    PUT(&f, elpq_null(0), elpq_null(0), elpq_null(0), elpq_null(0),
        elpq_null(0), "\\N", elpq_null(0), elpq_null(0), elpq_null(0));
    finish(&f);
    a = expect_ok(ask(conn, elpq_sql("select m::text, s, x::text, n, t,"
                                     " y::text, a, extract(epoch from tz)::int"
                                     " from r where i = 1")));
    ck_assert_str_eq(elpq_get_text(a->result, 0, 0), "ok");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 2), "[1,5)");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 3), "12.50");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 4),
                     "back\\slash\ttab\nline\rret");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 5), "\\x005c0a");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 6), "{1,-2}");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 7), "1");
    expect_text(ask(conn, elpq_sql("select t from r where i is null")), "\\N");
    expect_ok(copy_rows(conn, &rows_out, &g));
    ck_assert_int_eq(g.rows, 2);
    ck_assert_int_eq(g.sum, 1);
    close_conn(conn);
}
END_TEST

/* One value is stored as the same, whatever columns are next to its own. */
START_TEST(bytes_are_the_same_in_both_formats)
{
    static const char uuid[16] = { 'a', 'b' };
    elpq_conn *conn =
        with_table("t text, c \"char\", j jsonb, u uuid, y bytea");
    struct flow f;

    start(&f, conn, &rows_in);
    PUT(&f, elpq_bytea("a\\b", 3), elpq_bytea("c", 1), elpq_bytea("[1]", 3),
        elpq_bytea(uuid, 16), elpq_bytea("a\\b", 3));
    finish(&f);
    expect_ok(script(conn, "create type pg_temp.mood as enum ('ok');"
                           "alter table r add e pg_temp.mood", NULL));
    start(&f, conn, &rows_in);
    PUT(&f, elpq_bytea("a\\b", 3), elpq_bytea("c", 1), elpq_bytea("[1]", 3),
        elpq_bytea(uuid, 16), elpq_bytea("a\\b", 3), elpq_null(0));
    REFUSED(&f, "3 bytes are no value of type uuid", "", "", "{}",
            elpq_bytea("a\\b", 3), elpq_null(0), elpq_null(0));
    REFUSED(&f, "NUL", elpq_bytea("a\0b", 3), "", "{}", elpq_null(0),
            elpq_null(0), elpq_null(0));
    finish(&f);
    expect_text(ask(conn, elpq_sql("select string_agg(distinct r::text, ' ')"
                                   " from r")),
                "(\"a\\\\b\",c,[1],61620000-0000-0000-0000-000000000000,"
                "\"\\\\x615c62\",)");
    close_conn(conn);
}
END_TEST

/* What is declared is the encoding of a file, and text is none. */
START_TEST(xml_keeps_its_text)
{
    static const char xml[] = "<?xml version=\"1.0\" encoding=\"latin1\"?>"
                              "<a>\xc3\xa9</a>";
    elpq_conn *conn = with_table("i int, x xml");
    elpq_value item = elpq_text(xml);
    elpq_value array = elpq_array(ELPQ_OID_XML_ARRAY, &item, 1);
    elpq_statement st;
    struct flow f;

    start(&f, conn, &rows_in);
    PUT(&f, 1, xml);
    finish(&f);
    expect_text(ask(conn, elpq_sql("select x::text from r")), xml);
    st = elpq_sql_from_trusted_string("select ($1::text[])[1]", &array, 1);
    expect_text(ask(conn, &st), xml);
    close_conn(conn);
}
END_TEST

/* Out of the table again, with the getters that statements' results have. */
static void check_getters(struct flow *f, elpq_result *rows)
{
    elpq_column_info info;
    elpq_string s;
    int64_t l;
    bool is_null = false;
    const char *t;
    double d;

    ck_assert_int_eq(elpq_columns(rows), 4);
    ck_assert_int_eq(elpq_column(rows, "t"), 1);
    ck_assert_int_eq(elpq_column_at(rows, 0, &info), 0);
    ck_assert_str_eq(info.name, "l");
    ck_assert_uint_eq(info.oid, ELPQ_OID_INT8);
    ck_assert_uint_eq(elpq_rows(rows), 3);
    ck_assert_int_eq(elpq_scan(rows, 0, &l, &t, &d, elpq_skip()), 0);
    ck_assert_int_eq(l, 1);
    ck_assert_str_eq(t, "one\t\\");
    ck_assert_double_eq(d, 1.5);
    ck_assert_int_eq(elpq_scan(rows, 1, &l, &t, elpq_nullable(&d, &is_null)),
                     0);
    ck_assert_str_eq(t, "");
    ck_assert(is_null);
    ck_assert(elpq_is_null(rows, 2, 1));
    ck_assert(!elpq_is_null(rows, 1, 1));
    ck_assert_ptr_null(elpq_get_text(rows, 2, 1));
    ck_assert_int_eq(elpq_get_int64(rows, 2, 2, &l), ELPQ_E_NULL);
    ck_assert_int_eq(elpq_get_int64(rows, 3, 0, &l), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_get_string(rows, 0, 3, &s), 0);
    ck_assert_str_eq(s.data, "sad");
    f->hold = true;
}

START_TEST(getters)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .step = check_getters }, g = f;

    expect_ok(ask(conn, elpq_sql("create temp table r as select * from"
                                 " (values (1::int8, E'one\\t\\\\',"
                                 " 1.5::float8, 'sad'::text),"
                                 " (2, '', null, 'ok'),"
                                 " (3, null, null, 'x')) as v(l, t, d, m)")));
    expect_ok(copy_rows(conn, &rows_out, &f));
    ck_assert(f.hold);
    expect_ok(script(conn, "create type pg_temp.mood as enum ('sad', 'ok',"
                           " 'x'); alter table r alter m type pg_temp.mood"
                           " using m::pg_temp.mood", NULL));
    expect_ok(copy_rows(conn, &rows_out, &g));
    ck_assert(g.hold);
    close_conn(conn);
}
END_TEST

static elpq_result *kept[40];

static void keep_it(struct flow *f, elpq_result *rows)
{
    if (f->calls % 2)
        kept[f->calls] = elpq_result_ref(rows);
}

/* Results that are kept are not touched by those behind. */
START_TEST(many_rows_and_kept_results)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .step = keep_it };
    int64_t sum = 0, n;

    memset(kept, 0, sizeof(kept));
    expect_ok(copy_rows(conn, elpq_copy_query("select i, 'row ' || i from"
                                              " generate_series(1, 5000)"
                                              " as i"), &f));
    close_conn(conn);
    ck_assert_int_eq(f.rows, 5000);
    ck_assert_int_eq(f.sum, 5000 * 5001 / 2);
    ck_assert_int_lt(f.calls, 40);
    for (int i = 0; i <= f.calls; i++) {
        for (size_t row = 0; kept[i] && row < elpq_rows(kept[i]); row++) {
            char text[32];

            ck_assert_int_eq(elpq_get_int64(kept[i], row, 0, &n), 0);
            snprintf(text, sizeof(text), "row %d", (int)n);
            ck_assert_str_eq(elpq_get_text(kept[i], row, 1), text);
            sum += n;
        }
        elpq_result_unref(kept[i]);
    }
    ck_assert_int_gt(sum, 0);
}
END_TEST

START_TEST(odd_shapes)
{
    elpq_conn *conn = with_table("i int, t text");
    struct flow f = { 0 }, g = { 0 }, h = { 0 }, in;
    elpq_copy_spec nothing = { .trusted_query = "select" };

    expect_ok(copy_rows(conn, &rows_out, &f)); /* no rows */
    ck_assert_int_eq(f.calls, 0);
    expect_ok(copy_rows(conn, elpq_copy_query("select from"
                                              " generate_series(1, 300)"),
                        &g));
    ck_assert_int_eq(g.rows, 300);
    expect_ok(copy_rows(conn, &nothing, &h));
    ck_assert_int_eq(h.rows, 1);
    start(&in, conn, &rows_in);
    ck_assert_uint_eq(elpq_affected(finish(&in)->result), 0);
    close_conn(conn);
}
END_TEST

START_TEST(some_columns_only)
{
    static const char *const columns[] = { "b", "a", NULL };
    elpq_copy_spec spec = { .table = "r", .columns = columns,
                            .format = ELPQ_COPY_ROWS };
    elpq_conn *conn = with_table("a int, g int generated always as (a * 2)"
                                 " stored, b text, c int default 5");
    struct flow f, g = { 0 };

    start(&f, conn, &spec);
    ck_assert_int_eq(elpq_copy_columns(f.copy), 2);
    PUT(&f, "x", 4);
    finish(&f);
    expect_text(ask(conn, elpq_sql("select r::text from r")), "(4,8,x,5)");
    /* All of them, of which some cannot be written. */
    g.hold = true;
    expect_message(expect_error(copy_in(conn, &rows_in, &g), ELPQ_E_USAGE, "",
                                0), "generated");
    ck_assert_int_eq(g.calls, 0);
    close_conn(conn);
}
END_TEST

/* Who may insert need not be allowed to read. */
START_TEST(without_the_right_to_read)
{
    elpq_conn *conn;
    struct flow f;

    if (!harness_own_server())
        return;
    conn = with_table("i int");
    expect_ok(ask(conn, elpq_sql("revoke select on r from current_user")));
    start(&f, conn, &rows_in);
    PUT(&f, 1);
    ck_assert_uint_eq(elpq_affected(finish(&f)->result), 1);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------ errors */

START_TEST(values_that_do_not_fit)
{
    static const int32_t numbers[] = { 1 };
    elpq_conn *conn = with_table("small int2, age int, day date, t text,"
                                 " a int2[]");
    struct flow f;

    start(&f, conn, &rows_in);
    PUT(&f, 1, 2, elpq_date(0), "x", elpq_array_int32(numbers, 1));
    REFUSED(&f, "row 2, column \"small\": value 40000 is out of range", 40000,
            2, elpq_date(0), "x", elpq_array_int32(numbers, 1));
    REFUSED(&f, "row 2, column \"age\"", 1, INT64_MAX, elpq_date(0), "x",
            elpq_array_int32(numbers, 1));
    REFUSED(&f, "row 2, column \"age\"", 1, "two", elpq_date(0), "x",
            elpq_array_int32(numbers, 1));
    REFUSED(&f, "row 2, column \"day\"", 1, 2, "someday", "x",
            elpq_array_int32(numbers, 1));
    REFUSED(&f, "NUL", 1, 2, elpq_date(0), elpq_textn("a\0b", 3),
            elpq_array_int32(numbers, 1));
    REFUSED(&f, "column \"a\": the value cannot be sent as type smallint[]",
            1, 2, elpq_date(0), "x", "{1}");
    REFUSED(&f, "column \"t\": a raw value", 1, 2, elpq_date(0),
            elpq_raw(ELPQ_OID_INT4, "\0\0\0\1", 4),
            elpq_array_int32(numbers, 1));
    REFUSED(&f, "row 2: 2 values for 5 columns", 1, 2);
    /* Nothing of them is left, and the next row is the second one. */
    PUT(&f, 2, elpq_raw(ELPQ_OID_INT4, "\0\0\0\1", 4), elpq_null(0), 42,
        elpq_null(0));
    ck_assert_str_eq(elpq_copy_error(f.copy), "");
    ck_assert_uint_eq(elpq_affected(finish(&f)->result), 2);
    expect_text(ask(conn, elpq_sql("select string_agg(r::text, ' ' order by"
                                   " small) from r")),
                "(1,2,1970-01-01,x,{1}) (2,1,,42,)");
    close_conn(conn);
}
END_TEST

/* How many cents a number is, and which point is decimal, lc_monetary says. */
START_TEST(money_is_never_guessed)
{
    static const char words[] = "only elpq_money() can be sent as type money";
    elpq_conn *conn = with_table("i int, m money");
    struct flow f;

    start(&f, conn, &rows_in);
    PUT(&f, 1, elpq_money(1234));
    REFUSED(&f, words, 2, 5);
    REFUSED(&f, words, 2, 12.5);
    REFUSED(&f, words, 2, "12.5");
    REFUSED(&f, words, 2, elpq_numeric("12.50"));
    finish(&f);
    expect_text(ask(conn, elpq_sql("select string_agg(m::numeric::text, ' ')"
                                   " from r")),
                "12.34");
    expect_ok(script(conn, "create type pg_temp.mood as enum ('ok');"
                           "alter table r add e pg_temp.mood", NULL));
    start(&f, conn, &rows_in); /* which go as text now */
    PUT(&f, 3, 5, elpq_null(0));
    REFUSED(&f, "money is sent in binary", 4, elpq_money(5), elpq_null(0));
    finish(&f);
    expect_text(ask(conn, elpq_sql("select m::numeric::text from r"
                                   " where i = 3")),
                "5.00");
    close_conn(conn);
}
END_TEST

START_TEST(the_server_refuses_a_row)
{
    elpq_conn *conn = with_table("n int check (n <> 2)");
    struct flow f;

    start(&f, conn, &rows_in);
    for (int i = 1; i <= 3; i++)
        PUT(&f, i);
    expect_error(f.done, ELPQ_E_SERVER, "23514", 0);
    ck_assert_ptr_nonnull(strstr(f.done->error->context, "line 2"));
    expect_int(ask(conn, elpq_sql("select count(*) from r")), 0);
    close_conn(conn);
}
END_TEST

START_TEST(there_is_no_such_table_or_column)
{
    static const char *const columns[] = { "nope", NULL };
    elpq_copy_spec column = { .table = "r", .columns = columns,
                              .format = ELPQ_COPY_ROWS };
    elpq_copy_spec table = { .table = "nope", .format = ELPQ_COPY_ROWS };
    elpq_conn *conn = with_table("i int");
    struct flow f = { 0 }, g = { 0 }, h = { 0 };

    expect_error(copy_in(conn, &table, &f), ELPQ_E_SERVER, "42P01", 0);
    expect_error(copy_in(conn, &column, &g), ELPQ_E_SERVER, "42703", 0);
    expect_error(copy_rows(conn, elpq_copy_query("select nope"), &h),
                 ELPQ_E_SERVER, "42703", 0);
    ck_assert_int_eq(f.calls + g.calls + h.calls, 0);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

START_TEST(bytes_for_rows_and_rows_for_bytes)
{
    elpq_copy_spec text = { .table = "r" };
    elpq_conn *conn = with_table("i int");
    struct flow f, g;

    start(&f, conn, &rows_in);
    ck_assert_uint_eq(elpq_copy_write(f.copy, "1\n", 2), 0);
    PUT(&f, 1);
    finish(&f);
    start(&g, conn, &text);
    ck_assert_int_eq(CALL(elpq_copy_row(g.copy, 1)), ELPQ_E_USAGE);
    ck_assert_uint_eq(elpq_copy_write(g.copy, "2\n", 2), 2);
    finish(&g);
    expect_int(ask(conn, elpq_sql("select sum(i)::int from r")), 3);
    ck_assert_int_eq(CALL(elpq_copy_out_rows(conn,
                                             elpq_copy_sql("copy r to stdout"),
                                             NULL, on_rows, on_copied, &g)),
                     ELPQ_E_USAGE);
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------------- back-pressure */

static void put_rows(struct flow *f, elpq_result *none)
{
    int rc = 0;

    (void)none;
    while (f->rows < f->put_rows &&
           (rc = CALL(elpq_copy_row(f->copy, f->rows + 1, "some text",
                                    elpq_null(0), 2.5))) == 0)
        f->rows++;
    if (rc)
        ck_assert_int_eq(rc, ELPQ_E_FULL);
    else
        ck_assert_int_eq(CALL(elpq_copy_finish(f->copy)), 0);
}

START_TEST(many_rows_in)
{
    elpq_conn *conn = with_table("i int8, t text, n int, d float8");
    struct flow f = { .step = put_rows }, g = { 0 };
    int64_t before = resident();

    f.put_rows = harness_slow() < 5 ? 100000 : 30000;
    expect_ok(copy_in(conn, &rows_in, &f));
    ck_assert_int_gt(f.calls, 5);
    expect_ok(copy_rows(conn, &rows_out, &g));
    ck_assert_int_eq(g.rows, f.put_rows);
    ck_assert_int_eq(g.sum, f.put_rows * (f.put_rows + 1) / 2);
    if (harness_slow() < 5)
        ck_assert_int_lt(resident() - before, 4 << 20);
    close_conn(conn);
}
END_TEST

/* A value that is larger than all buffers. */
START_TEST(a_large_row)
{
    elpq_conn *conn = with_table("t text");
    size_t size = 20 << 20;
    char *big = malloc(size);
    struct flow f;

    memset(big, 'q', size);
    start(&f, conn, &rows_in);
    PUT(&f, elpq_textn(big, size));
    /* What is flushed behind `ready` may fill the socket again. */
    for (int calls = 2; CALL(elpq_copy_row(f.copy, "small")) == ELPQ_E_FULL;
         calls++)
        run_until(&f.calls, calls);
    ck_assert_int_ge(f.calls, 2);
    finish(&f);
    expect_int(ask(conn, elpq_sql("select sum(length(t)) from r")),
               (int64_t)size + 5);
    free(big);
    close_conn(conn);
}
END_TEST

static void pause_it(struct flow *f, elpq_result *none)
{
    (void)none;
    RUN(elpq_copy_pause(f->copy));
}

/* What libpq has read must be taken before it reads more, or its buffer grows
 * with each pause. */
START_TEST(a_pause_after_each_chunk)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_copy_spec spec = { .trusted_query =
                                "select i from generate_series(1, 500000) i" };
    struct flow f = { .step = pause_it };
    size_t before = harness_allocated(), most = 0;

    copy_rows(conn, &spec, &f);
    for (int calls = 1; !f.done->calls; calls++) {
        run_until(&f.calls, calls);
        if (harness_allocated() > most)
            most = harness_allocated();
        RUN(elpq_copy_resume(f.copy));
        if (f.rows == 500000)
            break;
    }
    expect_ok(f.done);
    ck_assert_int_eq(f.rows, 500000);
    ck_assert_uint_le(most, before + 512 * 1024);
    close_conn(conn);
}
END_TEST

/* -------------------------------------------------------------------- ends */

START_TEST(canceling_while_the_columns_are_asked_for)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_request *request;
    elpq_options o = { .request = &request };
    elpq_copy_spec spec = { .table = "elpq_copy_locked",
                            .format = ELPQ_COPY_ROWS };
    struct flow f = { 0 };

    admin_do("create table elpq_copy_locked (i int)");
    admin_do("grant all on elpq_copy_locked to public");
    admin_do("begin");
    admin_do("lock table elpq_copy_locked");
    copy_in_with(conn, &spec, &o, &f);
    await_server("select exists (select from " LOCKS " not granted)");
    RUN(elpq_cancel(request));
    expect_error(f.done, ELPQ_E_CANCELED, "57014", 0);
    admin_do("rollback");
    admin_do("drop table elpq_copy_locked");
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

static void close_it(struct flow *f, elpq_result *rows)
{
    (void)rows;
    close_conn(f->conn);
}

static void abort_it(struct flow *f, elpq_result *rows)
{
    ck_assert_uint_gt(elpq_rows(rows), 0);
    ck_assert_int_eq(CALL(elpq_copy_abort(f->copy, NULL)), 0);
}

START_TEST(closing_and_stopping_inside_rows)
{
    struct flow f = { .step = close_it }, g = { .step = abort_it };
    const elpq_copy_spec *spec =
        elpq_copy_query("select i from generate_series(1, 10000000) as i");
    elpq_conn *conn;

    f.conn = connect_now(NULL, NULL);
    expect_error(copy_rows(f.conn, spec, &f), ELPQ_E_CLOSED, "",
                 ELPQ_IN_DOUBT);
    ck_assert_int_eq(f.calls, 1);
    conn = connect_now(NULL, NULL);
    expect_error(copy_rows(conn, spec, &g), ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_eq(g.calls, 1);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

static void put_and_close(struct flow *f, elpq_result *none)
{
    (void)none;
    PUT(f, 1);
    close_conn(f->conn);
    ck_assert_int_eq(CALL(elpq_copy_row(f->copy, 2)), ELPQ_E_CLOSED);
}

START_TEST(closing_inside_ready)
{
    struct flow f = { .step = put_and_close };

    f.conn = with_table("i int");
    expect_error(copy_in(f.conn, &rows_in, &f), ELPQ_E_CLOSED, "",
                 ELPQ_NOT_EXECUTED);
}
END_TEST

/* On a pool and in a transaction. */
START_TEST(pool_and_transaction)
{
    elpq_pool *pool = pool_of(1);
    const elpq_copy_spec *two = elpq_copy_query("select 2");
    struct flow f = { 0 }, g = { .step = put_rows, .put_rows = 10 }, h = { 0 };
    elpq_tx *tx;

    expect_ok(copy_rows(pool, two, &f));
    ck_assert_int_eq(f.sum, 2);
    tx = begin_now(pool);
    expect_ok(ask(tx, elpq_sql("create temp table r (i int8, t text, n int,"
                               " d float8) on commit drop")));
    expect_ok(copy_in(tx, &rows_in, &g));
    expect_ok(copy_rows(tx, &rows_out, &h));
    ck_assert_int_eq(h.sum, 55);
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "types", 0);

    tcase_add_test(t, types_in_binary);
    tcase_add_test(t, binary_where_it_can_be);
    tcase_add_test(t, types_as_text);
    tcase_add_test(t, bytes_are_the_same_in_both_formats);
    tcase_add_test(t, xml_keeps_its_text);
    tcase_add_test(t, getters);
    tcase_add_test(t, many_rows_and_kept_results);
    tcase_add_test(t, odd_shapes);
    tcase_add_test(t, some_columns_only);
    tcase_add_test(t, without_the_right_to_read);
    t = harness_case(s, "errors", 0);
    tcase_add_test(t, values_that_do_not_fit);
    tcase_add_test(t, money_is_never_guessed);
    tcase_add_test(t, the_server_refuses_a_row);
    tcase_add_test(t, there_is_no_such_table_or_column);
    tcase_add_test(t, bytes_for_rows_and_rows_for_bytes);
    t = harness_case(s, "back-pressure", 0);
    tcase_add_test(t, many_rows_in);
    tcase_add_test(t, a_large_row);
    tcase_add_test(t, a_pause_after_each_chunk);
    t = harness_case(s, "ends", 0);
    tcase_add_test(t, canceling_while_the_columns_are_asked_for);
    tcase_add_test(t, closing_and_stopping_inside_rows);
    tcase_add_test(t, closing_inside_ready);
    tcase_add_test(t, pool_and_transaction);
}

int main(void)
{
    return harness_main("copy_rows", build);
}

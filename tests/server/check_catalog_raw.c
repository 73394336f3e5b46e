/* SPDX-License-Identifier: PostgreSQL */
/*
 * Types whose binary form the program reads itself, as it does that of cube
 * here: int32 dimensions, with the top bit set of a point, and a double for
 * each coordinate.
 */
#include <stdio.h>
#include <string.h>

#include "copy_rows.h"

#define CUBE_POINT 0x80000000u

static elpq_pool *pool;
static int seen_rows;

/* Where the server came without contrib, there is nothing to test. */
static bool is_there(const char *extension)
{
    bool there = admin_int("select count(*) from pg_available_extensions"
                           " where name = '%s'",
                           extension) > 0;

    if (!there)
        printf("extension %s is not there: skipped\n", extension);
    return there;
}

static void make_schema(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop schema if exists raws cascade");
    admin_do("drop extension if exists cube cascade");
    admin_do("create schema raws");
    admin_do("grant usage on schema raws to public");
    admin_do("create type raws.mood as enum ('sad', 'ok')");
}

static void make_cubes(void)
{
    admin_do("create extension cube schema raws");
    admin_do("create type raws.spot as (name text, at raws.cube)");
    admin_do("create type raws.span as range (subtype = raws.cube)");
    admin_do("create domain raws.place as raws.cube");
}

static void setup(void)
{
    harness_setup();
    make_schema();
    if (is_there("cube"))
        make_cubes();
    pool = pool_of(1);
    seen_rows = 0;
}

static void teardown(void)
{
    finish_pool(pool);
    admin_do("drop schema raws cascade");
    harness_teardown();
}

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    struct answer *a = arg;

    ck_assert((type == NULL) != (error == NULL));
    if (type)
        *(elpq_type_info *)a->data = *type;
    on_done(error, a);
}

static elpq_type_info load_raw(const char *name)
{
    struct answer *a = answer_new();
    elpq_type_info info;

    a->data = &info;
    ck_assert_int_eq(CALL(elpq_load_raw_type(pool, name, NULL, on_type, a)), 0);
    expect_ok(a);
    ck_assert(info.known && info.raw);
    return info;
}

/* The statement's result in binary, which takes some runs. */
static elpq_result *in_binary(const char *sql)
{
    elpq_column_info column = { .binary = false };
    struct answer *a = NULL;

    for (int i = 0; i < 4 && !column.binary; i++) {
        a = expect_ok(ask(pool, sql_text(sql)));
        ck_assert_int_eq(elpq_column_at(a->result, 0, &column), 0);
    }
    ck_assert_msg(column.binary, "%s comes in text", sql);
    return a->result;
}

static uint64_t big_endian(const char *p, int size)
{
    uint64_t x = 0;

    for (int i = 0; i < size; i++)
        x = x << 8 | (uint8_t)p[i];
    return x;
}

/* Whether the bytes are those of a point with two coordinates. */
static void check_point(elpq_string bytes, double x, double y)
{
    const double want[2] = { x, y };
    uint64_t bits;
    double got;

    ck_assert_uint_eq(bytes.size, 20);
    ck_assert_uint_eq(big_endian(bytes.data, 4), CUBE_POINT | 2);
    for (int i = 0; i < 2; i++) {
        bits = big_endian(bytes.data + 4 + 8 * i, 8);
        memcpy(&got, &bits, sizeof(got));
        ck_assert(got == want[i]);
    }
}

static void check_cell(const elpq_cell *cell, double x, double y)
{
    elpq_string bytes = { NULL, 0 };
    elpq_value v = elpq_null(0);

    ck_assert_int_eq(elpq_cell_raw(cell, &bytes), 0);
    check_point(bytes, x, y);
    ck_assert_int_eq(elpq_cell_value(cell, &v), 0);
    ck_assert_int_eq(v.kind, ELPQ_KIND_RAW);
    ck_assert_uint_eq(v.oid, cell->oid);
    ck_assert_uint_eq(v.u.bytes.size, bytes.size);
}

/* ---------------------------------------------------------------- results */

START_TEST(it_comes_in_binary_beside_others)
{
    static const char sql[] = "select 7, '(1, 2.5)'::raws.cube,"
                              " null::raws.cube, 'x'::text";
    elpq_string at, s;
    elpq_result *r;
    elpq_cell cell;
    bool is_null;
    int32_t n;

    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    r = in_binary(sql);
    ck_assert_int_eq(elpq_scan(r, 0, &n, elpq_into(raw, &at),
                               elpq_nullable(elpq_into(raw, &s), &is_null)),
                     0);
    ck_assert(n == 7 && is_null);
    check_point(at, 1, 2.5);
    ck_assert_int_eq(elpq_cell_at(r, 0, 1, &cell), 0);
    ck_assert_ptr_eq(at.data, cell.data); /* no copy */
    ck_assert_int_eq(elpq_get_raw(r, 0, 2, &s), ELPQ_E_NULL);
    ck_assert_int_eq(elpq_get_bytes(r, 0, 1, &s), 0);
    check_point(s, 1, 2.5);
    ck_assert_int_eq(elpq_get_raw(r, 0, 0, &s), 0); /* an integer as well */
    ck_assert_uint_eq(big_endian(s.data, (int)s.size), 7);
    /* Nobody here can write it. */
    ck_assert_int_eq(elpq_get_string(r, 0, 1, &s), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_int32(r, 0, 1, &n), ELPQ_E_TYPE);
}
END_TEST

START_TEST(in_text_it_has_no_raw_form)
{
    static const elpq_options text = { .flags = ELPQ_TEXT_RESULT };
    static const char sql[] = "select '(1, 2.5)'::raws.cube as at";
    char buf[200];
    elpq_string s;
    elpq_value v;
    elpq_result *r;
    int rc;

    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    in_binary(sql);
    r = expect_ok(ask_with(pool, sql_text(sql), &text))->result;
    rc = elpq_get_raw(r, 0, 0, &s);
    ck_assert_int_eq(rc, ELPQ_E_TYPE);
    ck_assert_str_eq(elpq_get_failure(r, 0, 0, rc, buf, sizeof(buf)),
                     "column 1 \"at\" (cube), row 1: the column is of another"
                     " type");
    ck_assert_str_eq(elpq_get_text(r, 0, 0), "(1, 2.5)");
    ck_assert_int_eq(elpq_get_bytes(r, 0, 0, &s), 0);
    ck_assert_uint_eq(s.size, 8);
    ck_assert_int_eq(elpq_get_value(r, 0, 0, &v), 0);
    ck_assert_int_eq(v.kind, ELPQ_KIND_TEXT);
}
END_TEST

START_TEST(parts_of_others_come_in_binary)
{
    elpq_composite_view spot;
    elpq_array_view array;
    elpq_range_view span;
    elpq_string s;
    elpq_result *r;

    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    for (int i = 0; i < 2; i++) { /* the first time it may be unknown */
        r = in_binary("select array['(1,2)', null, '(3,4)']::raws.cube[]");
        ck_assert_int_eq(elpq_get_array(r, 0, 0, &array), 0);
        ck_assert_uint_eq(array.count, 3);
        check_cell(&array.items[0], 1, 2);
        ck_assert_int_eq(elpq_cell_raw(&array.items[1], &s), ELPQ_E_NULL);
        check_cell(&array.items[2], 3, 4);
        r = in_binary("select row('a', '(1,2)')::raws.spot");
        ck_assert_int_eq(elpq_get_composite(r, 0, 0, &spot), 0);
        check_cell(&spot.fields[1], 1, 2);
        ck_assert_int_eq(elpq_get_string(r, 0, 0, &s), ELPQ_E_TYPE);
        r = in_binary("select raws.span('(1,2)', '(3,4)')");
        ck_assert_int_eq(elpq_get_range(r, 0, 0, &span), 0);
        check_cell(&span.upper, 3, 4);
        r = in_binary("select '(1,2)'::raws.place");
        ck_assert_int_eq(elpq_get_raw(r, 0, 0, &s), 0);
        check_point(s, 1, 2);
    }
}
END_TEST

/* ---------------------------------------------------------------- sending */

/* As it came, alone and inside of others. */
START_TEST(a_value_goes_back_as_it_came)
{
    static const char *const sqls[] = {
        "select '(1,2),(3,4)'::raws.cube",
        "select array[array['(1,2)', null]]::raws.cube[]",
        "select row('a', '(1,2)')::raws.spot",
        "select array[row('a', '(1,2)')]::raws.spot[]",
        "select raws.span('(1,2)', null)",
    };
    static const elpq_options text = { .flags = ELPQ_TEXT_RESULT };
    struct answer *there, *back;
    elpq_statement st;
    elpq_value v;

    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    for (size_t i = 0; i < sizeof(sqls) / sizeof(sqls[0]); i++) {
        ck_assert_int_eq(elpq_get_value(in_binary(sqls[i]), 0, 0, &v), 0);
        ck_assert_int_eq(v.kind, ELPQ_KIND_RAW);
        st = elpq_sql_from_trusted_string("select $1", &v, 1);
        back = expect_ok(ask_with(pool, &st, &text));
        there = expect_ok(ask_with(pool, sql_text(sqls[i]), &text));
        ck_assert_str_eq(elpq_get_text(back->result, 0, 0),
                         elpq_get_text(there->result, 0, 0));
    }
}
END_TEST

/* Made from bytes, as a program would that has a library for them. */
START_TEST(bytes_are_sent)
{
    static const char at[20] = { (char)0x80, 0, 0, 2, 0x3f, (char)0xf0, 0,
                                 0,          0, 0, 0, 0,    0x40 };
    elpq_type_info cube;
    elpq_value v[2];
    elpq_statement st;

    if (!is_there("cube"))
        return;
    cube = load_raw("raws.cube");
    v[0] = elpq_raw(cube.oid, at, sizeof(at));
    v[1] = elpq_typed(cube.oid, elpq_bytea(at, sizeof(at)));
    st = elpq_sql_from_trusted_string("select $1::text || ' ' || $2::text", v,
                                      2);
    expect_text(ask(pool, &st), "(1, 2) (1, 2)");
}
END_TEST

/* The first row is the point (1,2). */
static void check_rows(elpq_result *rows)
{
    elpq_string s;

    ck_assert_int_eq(elpq_get_raw(rows, 0, 0, &s), 0);
    check_point(s, 1, 2);
    seen_rows += (int)elpq_rows(rows);
}

static void check_copied(struct flow *f, elpq_result *rows)
{
    (void)f;
    if (rows)
        check_rows(rows);
}

static void on_stream_rows(elpq_result *rows, elpq_request *request, void *arg)
{
    (void)request, (void)arg;
    check_rows(rows);
}

/* They are described before they run. */
START_TEST(streams_bring_it_from_the_first_run_on)
{
    struct answer *a = answer_new();
    int rc;

    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    rc = CALL(elpq_stream(pool, elpq_sql("select '(1,2)'::raws.cube"), NULL,
                          on_stream_rows, on_done, a));
    ck_assert_int_eq(rc, 0);
    expect_ok(a);
    ck_assert_int_eq(seen_rows, 1);
}
END_TEST

START_TEST(rows_of_copy_have_it)
{
    elpq_conn *conn;
    elpq_result *r;
    struct flow f;
    elpq_value v;

    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    r = in_binary("select '(1,2)'::raws.cube");
    ck_assert_int_eq(elpq_get_value(r, 0, 0, &v), 0);
    conn = lease(pool);
    expect_ok(ask(conn, elpq_sql("create temp table r (n int, at raws.cube)")));
    start(&f, conn, &rows_in);
    PUT(&f, 1, v);
    REFUSED(&f, "cannot be sent as type cube", 2, elpq_text("(1,2)"));
    PUT(&f, 3, elpq_null(0));
    finish(&f);
    expect_text(ask(conn, elpq_sql("select string_agg(n::text || coalesce("
                                   "at::text, '-'), ' ' order by n) from r")),
                "1(1, 2) 3-");
    f = (struct flow){ .step = check_copied };
    expect_ok(
        copy_rows(conn, elpq_copy_query("select at from r order by n"), &f));
    ck_assert_int_eq(seen_rows, 2);
    expect_ok(ask(conn, elpq_sql("drop table r")));
    release(conn);
}
END_TEST

/* ------------------------------------------------------------ how it stays */

static void check_still_raw(void)
{
    elpq_string s;

    ck_assert_int_eq(
        elpq_get_raw(in_binary("select '(1,2)'::raws.cube"), 0, 0, &s), 0);
    check_point(s, 1, 2);
}

static void load(const char *name)
{
    struct answer *a = answer_new();
    elpq_type_info info;

    a->data = &info;
    ck_assert_int_eq(CALL(elpq_load_type(pool, name, NULL, on_type, a)), 0);
    expect_ok(a);
}

static void refresh(void)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_refresh_types(pool, NULL, on_done, a)), 0);
    expect_ok(a);
}

START_TEST(it_stays_so)
{
    if (!is_there("cube"))
        return;
    load_raw("raws.cube");
    check_still_raw();
    refresh();
    check_still_raw();
    load("raws.cube");
    check_still_raw();
    load("raws.mood");
    check_still_raw();
    ck_assert(!elpq_find_type(pool, "raws.mood")->raw);
    ck_assert(elpq_find_type(pool, "raws.cube")->raw);
}
END_TEST

/* Under another OID: told of it, or by what a result has. */
START_TEST(it_stays_so_when_it_is_made_again)
{
    uint32_t before;

    if (!is_there("cube"))
        return;
    before = load_raw("raws.cube").oid;
    check_still_raw();
    admin_do("drop extension cube cascade");
    admin_do("drop type raws.spot");
    make_cubes();
    if (_i == 0) {
        refresh();
        ck_assert_uint_ne(elpq_find_type(pool, "raws.cube")->oid, before);
    }
    check_still_raw();
}
END_TEST

/* ---------------------------------------------------------------- loading */

enum { BY_POOL, BY_CONN, BY_TX, WAYS };

START_TEST(it_is_loaded_by_what_was_lent)
{
    struct answer *a = answer_new();
    elpq_conn *conn = _i == BY_CONN ? lease(pool) : NULL;
    elpq_tx *tx = _i == BY_TX ? begin_now(pool) : NULL;
    elpq_type_info info = { .raw = false };
    int rc;

    a->data = &info;
    if (conn)
        rc = CALL(elpq_load_raw_type(conn, "raws.cube", NULL, on_type, a));
    else if (tx)
        rc = CALL(elpq_load_raw_type(tx, "raws.cube", NULL, on_type, a));
    else
        rc = CALL(elpq_load_raw_type(pool, "raws.cube", NULL, on_type, a));
    ck_assert_int_eq(rc, 0);
    await(a);
    if (conn)
        release(conn);
    if (tx)
        expect_ok(commit(tx));
    if (!is_there("cube"))
        return;
    expect_ok(a);
    ck_assert(info.raw);
    check_still_raw();
}
END_TEST

/* What elpq would read itself is the program's if it says so. */
START_TEST(a_type_that_is_known_is_read_raw)
{
    elpq_hstore_view view;
    elpq_result *r;
    elpq_string s;

    if (!is_there("hstore"))
        return;
    admin_do("create extension if not exists hstore");
    load_raw("hstore");
    r = in_binary("select 'a=>1'::hstore");
    ck_assert_int_eq(elpq_get_hstore(r, 0, 0, &view), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_raw(r, 0, 0, &s), 0);
    ck_assert_uint_eq(big_endian(s.data, 4), 1);
}
END_TEST

static void check_refused(const char *name, const char *words)
{
    struct answer *a = answer_new();
    elpq_type_info info;

    a->data = &info;
    ck_assert_int_eq(CALL(elpq_load_raw_type(pool, name, NULL, on_type, a)), 0);
    await(a);
    expect_message(expect_error(a, ELPQ_E_TYPE, "", 0), words);
}

START_TEST(what_cannot_be_read_raw_is_refused)
{
    ck_assert_int_eq(elpq_load_raw_type(pool, NULL, NULL, on_type, NULL),
                     ELPQ_E_USAGE);
    check_refused("raws.none", "type \"raws.none\" does not exist");
    check_refused("raws.mood", "type \"raws.mood\" is no base type");
    check_refused("raws.mood[]", "is no base type");
    check_refused("int4", "type \"int4\" is built in");
    check_refused("aclitem", "type \"aclitem\" has no binary form");
    ck_assert(!elpq_find_type(pool, "aclitem")->raw);
    /* Built in, and not read by elpq. */
    load_raw("txid_snapshot");
    in_binary("select txid_current_snapshot()");
}
END_TEST

static void build(Suite *suite)
{
    TCase *t = tcase_create("raw");

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, it_comes_in_binary_beside_others);
    tcase_add_test(t, in_text_it_has_no_raw_form);
    tcase_add_test(t, parts_of_others_come_in_binary);
    tcase_add_test(t, a_value_goes_back_as_it_came);
    tcase_add_test(t, bytes_are_sent);
    tcase_add_test(t, streams_bring_it_from_the_first_run_on);
    tcase_add_test(t, rows_of_copy_have_it);
    tcase_add_test(t, it_stays_so);
    tcase_add_loop_test(t, it_stays_so_when_it_is_made_again, 0, 2);
    tcase_add_loop_test(t, it_is_loaded_by_what_was_lent, 0, WAYS);
    tcase_add_test(t, a_type_that_is_known_is_read_raw);
    tcase_add_test(t, what_cannot_be_read_raw_is_refused);
    suite_add_tcase(suite, t);
}

int main(void)
{
    return harness_main("catalog_raw", build);
}

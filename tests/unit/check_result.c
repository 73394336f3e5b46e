/* SPDX-License-Identifier: PostgreSQL */
/*
 * Results: their shape, who keeps them, the edges of rows and columns, NULL,
 * elpq_scan(), arrays as views and values, and that reading a cell again
 * costs no memory.
 */
#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"

#define O(name) ELPQ_OID_##name

/* Rows of (int4, text, timestamptz, bool): one full, one of NULLs. */
static elpq_result *two_rows(void)
{
    static const uint32_t oids[] = { O(INT4), O(TEXT), O(TIMESTAMPTZ),
                                     O(BOOL) };
    static const int formats[] = { 1, 1, 1, 1 };
    PGresult *res = make_result(4, oids, formats);
    elpq_result *result;
    int i;

    set_cell(res, 0, 0, "\0\0\0\052", 4);
    set_cell(res, 0, 1, "Jane", 4);
    set_cell(res, 0, 2, "\0\0\0\0\0\0\0\0", 8);
    set_cell(res, 0, 3, "\1", 1);
    for (i = 0; i < 4; i++)
        set_cell(res, 1, i, NULL, -1);
    result = elpq__result_new(res);
    ck_assert_ptr_nonnull(result);
    return result;
}

START_TEST(test_shape)
{
    elpq_result *result = two_rows();
    elpq_column_info info;

    ck_assert_uint_eq(elpq_rows(result), 2);
    ck_assert_int_eq(elpq_columns(result), 4);
    ck_assert_int_eq(elpq_column(result, "b"), 1);
    ck_assert_int_eq(elpq_column(result, "B"), -1);
    ck_assert_int_eq(elpq_column(result, "\"b\""), -1);
    ck_assert_int_eq(elpq_column(result, ""), -1);
    ck_assert_int_eq(elpq_column(result, NULL), -1);
    ck_assert_str_eq(elpq_command(result), "");
    ck_assert_uint_eq(elpq_affected(result), 0);
    ck_assert_int_eq(elpq_column_at(result, 2, &info), 0);
    ck_assert_str_eq(info.name, "c");
    ck_assert_uint_eq(info.oid, O(TIMESTAMPTZ));
    ck_assert_int_eq(info.typmod, -1);
    ck_assert(info.binary);
    ck_assert_int_eq(elpq_column_at(result, 4, &info), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_column_at(result, -1, &info), ELPQ_E_INDEX);
    ck_assert_ptr_eq(elpq_result_ref(result), result);
    elpq_result_unref(result);
    ck_assert_uint_eq(elpq_rows(result), 2);
    elpq_result_unref(result);
    elpq_result_unref(NULL);
}
END_TEST

START_TEST(test_outside)
{
    static const size_t rows[] = { 2, 0, 0, 0, (size_t)INT_MAX + 1, SIZE_MAX };
    static const int columns[] = { 0, 4, -1, INT_MIN, 0, 0 };
    elpq_result *result = two_rows();
    elpq_cell cell;
    size_t i;

    for (i = 0; i < 6; i++) {
        ck_assert_int_eq(elpq_cell_at(result, rows[i], columns[i], &cell),
                         ELPQ_E_INDEX);
        ck_assert(elpq_is_null(result, rows[i], columns[i]));
        ck_assert_ptr_null(elpq_get_text(result, rows[i], columns[i]));
#define GET_(name, type)                                                       \
    {                                                                          \
        type out;                                                              \
        ck_assert_int_eq(elpq_get_##name(result, rows[i], columns[i], &out),   \
                         ELPQ_E_INDEX);                                        \
    }
        ELPQ_GETTERS(GET_)
#undef GET_
    }
    elpq_result_unref(result);
}
END_TEST

START_TEST(test_null)
{
    elpq_result *result = two_rows();
    elpq_value v = elpq_bool(true);
    elpq_cell cell;
    int failures;

    ck_assert(!elpq_is_null(result, 0, 0));
    ck_assert(elpq_is_null(result, 1, 0));
    ck_assert_int_eq(elpq_cell_at(result, 1, 1, &cell), 0);
    ck_assert_ptr_null(cell.data);
    ck_assert_int_eq(cell.size, -1);
    failures = use_getters(&cell);
#define COUNT_(name, type) +1
    ck_assert_int_eq(failures, (ELPQ_GETTERS(COUNT_)) - 1); /* all but value */
#undef COUNT_
    ck_assert_int_eq(elpq_cell_value(&cell, &v), 0);
    ck_assert_int_eq(v.kind, ELPQ_KIND_NULL);
    ck_assert_uint_eq(v.oid, O(TEXT));
    ck_assert_ptr_null(elpq_get_text(result, 1, 1));
    elpq_result_unref(result);
}
END_TEST

/* An empty value is no NULL. */
START_TEST(test_empty)
{
    elpq_result *result = one_cell(O(TEXT), 1, "", 0);
    elpq_string s = { NULL, 7 };

    ck_assert(!elpq_is_null(result, 0, 0));
    ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), 0);
    ck_assert_uint_eq(s.size, 0);
    ck_assert_str_eq(elpq_get_text(result, 0, 0), "");
    elpq_result_unref(result);
}
END_TEST

START_TEST(test_scan)
{
    elpq_result *result = two_rows();
    int32_t id = 0;
    const char *name = NULL;
    int64_t created = 0;
    bool flag = false;
    bool id_null = true;
    bool flag_null = true;

    ck_assert_int_eq(
        elpq_scan(result, 0, &id, &name, elpq_into(timestamp, &created), &flag),
        0);
    ck_assert_int_eq(id, 42);
    ck_assert_str_eq(name, "Jane");
    ck_assert_int_eq(created, 946684800000000);
    ck_assert(flag);
    ck_assert_int_eq(elpq_scan(result, 1, &id), ELPQ_E_NULL);
    ck_assert_int_eq(elpq_scan(result, 1, elpq_nullable(&id, &id_null), &name,
                               elpq_skip(), elpq_nullable(&flag, &flag_null)),
                     0);
    ck_assert(id_null && flag_null);
    ck_assert_int_eq(id, 42); /* as it was */
    ck_assert_ptr_null(name);
    ck_assert_int_eq(elpq_scan(result, 0, elpq_nullable(&id, &id_null)), 0);
    ck_assert(!id_null);
    ck_assert_int_eq(elpq_scan(result, 2, &id), ELPQ_E_INDEX);
    elpq_result_unref(result);
}
END_TEST

START_TEST(test_scan_failures)
{
    elpq_result *result = two_rows();
    elpq_target targets[5];
    int32_t x = 0;
    int failed = -1;
    int i;

    for (i = 0; i < 5; i++)
        targets[i] = elpq_target_int32(&x);
    ck_assert_int_eq(elpq_scan_v(result, 0, targets, 2, &failed), ELPQ_E_TYPE);
    ck_assert_int_eq(failed, 1);
    ck_assert_int_eq(elpq_scan_v(result, 0, targets, 5, &failed), ELPQ_E_INDEX);
    ck_assert_int_eq(failed, 4);
    ck_assert_int_eq(elpq_scan_v(result, 9, targets, 1, &failed), ELPQ_E_INDEX);
    ck_assert_int_eq(failed, 0);
    targets[0].type = 200;
    ck_assert_int_eq(elpq_scan_v(result, 0, targets, 1, NULL), ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_scan_v(result, 0, targets, 0, NULL), 0);
    elpq_result_unref(result);
}
END_TEST

/* What each type may be read as. */
START_TEST(test_types)
{
    elpq_result *result = binary_cell(O(INT4), "00000007");
    elpq_string s = { NULL, 0 };
    elpq_uuid_bytes uuid;
    int64_t i64 = 0;
    double d = 0;
    bool b;

    ck_assert_int_eq(elpq_get_int64(result, 0, 0, &i64), 0);
    ck_assert_int_eq(elpq_get_double(result, 0, 0, &d), 0);
    ck_assert(i64 == 7 && d == 7.0);
    ck_assert_int_eq(elpq_get_bool(result, 0, 0, &b), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_uuid(result, 0, 0, &uuid), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_bytes(result, 0, 0, &s), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_timestamp(result, 0, 0, &i64), ELPQ_E_TYPE);
    elpq_result_unref(result);
    /* a type that nobody here knows: text as it is, and bytes */
    result = text_cell(99999, "happy");
    ck_assert_str_eq(elpq_get_text(result, 0, 0), "happy");
    ck_assert_int_eq(elpq_get_bytes(result, 0, 0, &s), 0);
    ck_assert_uint_eq(s.size, 5);
    ck_assert_int_eq(elpq_get_int64(result, 0, 0, &i64), ELPQ_E_TYPE);
    elpq_result_unref(result);
    result = binary_cell(99999, "0001");
    ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_bytes(result, 0, 0, &s), 0);
    ck_assert_uint_eq(s.size, 2);
    elpq_result_unref(result);
}
END_TEST

static const char text_array_hex[] =
    "00000001 00000001 00000019 00000004 00000001"
    "00000001 61 00000000 ffffffff 00000002 6263";

START_TEST(test_array_view)
{
    elpq_result *result = binary_cell(O(TEXT_ARRAY), text_array_hex);
    elpq_array_view view, again;
    elpq_string s;

    ck_assert_int_eq(elpq_get_array(result, 0, 0, &view), 0);
    ck_assert_uint_eq(view.elem_oid, O(TEXT));
    ck_assert_int_eq(view.ndim, 1);
    ck_assert_int_eq(view.dims[0], 4);
    ck_assert_int_eq(view.lower[0], 1);
    ck_assert_uint_eq(view.count, 4);
    ck_assert_int_eq(elpq_cell_string(&view.items[0], &s), 0);
    ck_assert_str_eq(s.data, "a");
    ck_assert_int_eq(elpq_cell_string(&view.items[1], &s), 0);
    ck_assert_str_eq(s.data, ""); /* a copy: a NULL's length follows */
    ck_assert_int_eq(elpq_cell_string(&view.items[2], &s), ELPQ_E_NULL);
    ck_assert_int_eq(elpq_cell_string(&view.items[3], &s), 0);
    ck_assert_str_eq(s.data, "bc");
    ck_assert_int_eq(elpq_get_array(result, 0, 0, &again), 0);
    ck_assert_ptr_eq(again.items, view.items);
    elpq_result_unref(result);
    result = text_cell(O(TEXT_ARRAY), "[0:0][3:4]={{\"a \\\"b\",NULL}}");
    ck_assert_int_eq(elpq_get_array(result, 0, 0, &view), 0);
    ck_assert_int_eq(view.ndim, 2);
    ck_assert_int_eq(view.lower[0], 0);
    ck_assert_int_eq(view.lower[1], 3);
    ck_assert_int_eq(view.dims[1], 2);
    ck_assert_int_eq(elpq_cell_string(&view.items[0], &s), 0);
    ck_assert_str_eq(s.data, "a \"b");
    ck_assert_int_eq(elpq_cell_string(&view.items[1], &s), ELPQ_E_NULL);
    elpq_result_unref(result);
}
END_TEST

START_TEST(test_values)
{
    elpq_result *result = binary_cell(O(TEXT_ARRAY), text_array_hex);
    const elpq_value *items;
    elpq_value v;

    ck_assert_int_eq(elpq_get_value(result, 0, 0, &v), 0);
    ck_assert_int_eq(v.kind, ELPQ_KIND_ARRAY);
    ck_assert_uint_eq(v.oid, O(TEXT_ARRAY));
    ck_assert_uint_eq(v.u.array.count, 4);
    items = v.u.array.items;
    ck_assert_int_eq(items[2].kind, ELPQ_KIND_NULL);
    ck_assert_int_eq(items[3].kind, ELPQ_KIND_TEXT);
    ck_assert_uint_eq(items[3].u.bytes.size, 2);
    elpq_result_unref(result);
    /* more dimensions are arrays of arrays */
    result = text_cell(O(INT4_ARRAY), "[1:2][5:5]={{1},{2}}");
    ck_assert_int_eq(elpq_get_value(result, 0, 0, &v), 0);
    ck_assert_int_eq(v.kind, ELPQ_KIND_ARRAY);
    ck_assert_uint_eq(v.u.array.count, 2);
    ck_assert_int_eq(v.u.array.shift, 0);
    items = v.u.array.items;
    ck_assert_int_eq(items[1].kind, ELPQ_KIND_ARRAY);
    ck_assert_int_eq(items[1].u.array.shift, 4);
    items = items[1].u.array.items;
    ck_assert_int_eq(items[0].u.int64, 2);
    elpq_result_unref(result);
    result = binary_cell(O(NUMERIC), "0002 0000 0000 0002 0001 1388");
    ck_assert_int_eq(elpq_get_value(result, 0, 0, &v), 0);
    ck_assert_int_eq(v.kind, ELPQ_KIND_TEXT);
    ck_assert_uint_eq(v.oid, O(NUMERIC));
    ck_assert_str_eq(v.u.bytes.data, "1.50");
    elpq_result_unref(result);
}
END_TEST

static size_t scratch_used(const elpq_result *result)
{
    return (size_t)(uintptr_t)result->scratch.next;
}

/* Reading again gives the same memory; failing costs none at all. */
START_TEST(test_reading_again)
{
    elpq_result *good = text_cell(O(TEXT_ARRAY), "{\"a b\",c}");
    elpq_result *bad = text_cell(O(TEXT_ARRAY), "{\"a b\",c},");
    elpq_result *number = binary_cell(O(NUMERIC), "0001 0000 0000 0000 0001");
    elpq_array_view view;
    elpq_value v;
    size_t used = 0;
    double d;
    int64_t x;
    int i;

    for (i = 0; i < 1000; i++) {
        ck_assert_int_eq(elpq_get_array(good, 0, 0, &view), 0);
        ck_assert_int_eq(elpq_get_value(good, 0, 0, &v), 0);
        if (i == 0)
            used = scratch_used(good);
        ck_assert_uint_eq(scratch_used(good), used);
        ck_assert_int_eq(elpq_get_array(bad, 0, 0, &view), ELPQ_E_DECODE);
        ck_assert_ptr_null(bad->scratch.blocks);
        ck_assert_int_eq(elpq_get_int64(number, 0, 0, &x), 0);
        ck_assert_int_eq(elpq_get_double(number, 0, 0, &d), 0);
        ck_assert_ptr_null(number->scratch.blocks);
    }
    elpq_result_unref(good);
    elpq_result_unref(bad);
    elpq_result_unref(number);
}
END_TEST

/* Many conversions, large and small, all stay readable. */
START_TEST(test_scratch)
{
    struct elpq__scratch s = { 0 };
    static char bytes[2000];
    const char *made[2000];
    size_t i, size;

    for (i = 0; i < 2000; i++) {
        size = i % 100 ? i % 50 : 30000;
        memset(bytes, (int)('a' + i % 26), sizeof(bytes));
        made[i] = elpq__scratch_copy(&s, bytes, size % sizeof(bytes));
        ck_assert_uint_eq((uintptr_t)made[i] % _Alignof(max_align_t), 0);
        elpq__scratch_keep(&s, bytes + i, 1, made[i], size);
    }
    for (i = 0; i < 2000; i++) {
        ck_assert_ptr_eq(elpq__scratch_find(&s, bytes + i, 1, &size), made[i]);
        ck_assert_ptr_null(elpq__scratch_find(&s, bytes + i, 2, &size));
        ck_assert(*made[i] == '\0' || *made[i] == (char)('a' + i % 26));
    }
    ck_assert_ptr_null(elpq__scratch_alloc(&s, SIZE_MAX));
    ck_assert_ptr_null(elpq__scratch_copy(&s, bytes, SIZE_MAX));
    elpq__scratch_free(&s);
}
END_TEST

/* A cell of the caller's own, without a result to own what is converted. */
/* The text of a record has its quotes doubled in the record around it. */
static int nest_records(char *to, int levels)
{
    char *p = to;

    for (int i = 0; i < levels; i++, p += 12) {
        bool last = i == levels - 1;

        elpq__put_int32(p, 1);
        elpq__put_int32(p + 4, last ? ELPQ_OID_TEXT : ELPQ_OID_RECORD);
        elpq__put_int32(p + 8,
                        last ? 1 : (uint32_t)(12 * (levels - i - 1) + 1));
    }
    *p++ = '"';
    return (int)(p - to);
}

START_TEST(test_doubling_quotes)
{
    char data[12 * 27 + 1];
    elpq_result *few =
        one_cell(ELPQ_OID_RECORD, 1, data, nest_records(data, 2));
    elpq_result *many =
        one_cell(ELPQ_OID_RECORD, 1, data, nest_records(data, 27));

    ck_assert_str_eq(elpq_get_text(few, 0, 0), "(\"(\"\"\"\"\"\"\"\")\")");
    ck_assert_ptr_null(elpq_get_text(many, 0, 0));
    ck_assert_uint_lt(many->scratch.text.room, 16u << 20);
    ck_assert_uint_lt(many->scratch.total, 16u << 20);
    elpq_result_unref(few);
    elpq_result_unref(many);
}
END_TEST

START_TEST(test_cell_without_result)
{
    elpq_cell cell = { "\0\0\0\7", 4, O(INT4), true, NULL };
    elpq_string s;
    int64_t x = 0;

    ck_assert_int_eq(elpq_cell_int64(&cell, &x), 0);
    ck_assert_int_eq(x, 7);
    ck_assert_int_eq(elpq_cell_string(&cell, &s), ELPQ_E_USAGE);
}
END_TEST

START_TEST(test_codecs_binary)
{
    static const uint32_t oids[] = { O(INT4), O(NUMERIC_ARRAY), O(REGCLASS) };
    static const int formats[] = { 0, 0, 0 };
    PGresult *known = make_result(2, oids, formats);
    PGresult *unknown = make_result(3, oids, formats);

    ck_assert(elpq__codecs_binary(known, NULL));
    ck_assert(!elpq__codecs_binary(unknown, NULL));
    PQclear(known);
    PQclear(unknown);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("result");
    TCase *tcase = tcase_create("result");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, test_shape);
    tcase_add_test(tcase, test_outside);
    tcase_add_test(tcase, test_null);
    tcase_add_test(tcase, test_empty);
    tcase_add_test(tcase, test_scan);
    tcase_add_test(tcase, test_scan_failures);
    tcase_add_test(tcase, test_types);
    tcase_add_test(tcase, test_array_view);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_reading_again);
    tcase_add_test(tcase, test_scratch);
    tcase_add_test(tcase, test_doubling_quotes);
    tcase_add_test(tcase, test_cell_without_result);
    tcase_add_test(tcase, test_codecs_binary);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

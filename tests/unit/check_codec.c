/* SPDX-License-Identifier: PostgreSQL */
/*
 * The decoders on bytes no server would send, and on the edges of those one
 * would: tables of valid and malformed cells, every valid one cut short at
 * every byte, and random bytes into every decoder.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cells.h"
#include "codec_samples.h"

/* So many rounds per type, or fewer where ELPQ_TEST_SLOW says it is slow. */
static int rounds(void)
{
    const char *slow = getenv("ELPQ_TEST_SLOW");
    double factor = slow ? strtod(slow, NULL) : 1;

    return (int)(20000 / (factor > 1 ? factor * factor : 1)) + 100;
}

static const char *string_of(elpq_result *result)
{
    elpq_string s = { NULL, 0 };

    ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), 0);
    ck_assert_uint_eq(strlen(s.data), s.size);
    return s.data;
}

START_TEST(test_binary_to_text)
{
    const struct sample *sample = &samples[_i];
    elpq_result *result = binary_cell(sample->oid, sample->hex);
    elpq_value v;

    ck_assert_str_eq(string_of(result), sample->text);
    /* and a second time from the same place */
    ck_assert_ptr_eq(string_of(result), elpq_get_text(result, 0, 0));
    if (strncmp(sample->text, "294276", 6) != 0)
        ck_assert_int_eq(elpq_get_value(result, 0, 0, &v), 0);
    elpq_result_unref(result);
}
END_TEST

/* The text form of what was printed is the same value again. */
START_TEST(test_text_again)
{
    const struct sample *sample = &samples[_i];
    elpq_result *text = text_cell(sample->oid, sample->text);
    elpq_result *binary = binary_cell(sample->oid, sample->hex);
    elpq_value a = elpq_null(0);
    elpq_value b = elpq_null(0);
    int rc = elpq_get_value(binary, 0, 0, &a);

    ck_assert_int_eq(elpq_get_value(text, 0, 0, &b), rc);
    if (!rc && a.kind != ELPQ_KIND_RAW)
        ck_assert_int_eq(a.kind, b.kind);
    if (!rc && a.kind != ELPQ_KIND_DOUBLE && a.kind != ELPQ_KIND_FLOAT &&
        a.kind != ELPQ_KIND_TEXT && a.kind < ELPQ_KIND_BYTES)
        ck_assert_int_eq(a.u.int64, b.u.int64);
    if (!rc && a.kind == ELPQ_KIND_INTERVAL)
        ck_assert_mem_eq(&a.u.interval, &b.u.interval, sizeof(a.u.interval));
    elpq_result_unref(text);
    elpq_result_unref(binary);
}
END_TEST

/* What cell.c takes for granted of every line of the table. */
START_TEST(test_table)
{
    const struct elpq__codec *codec;
    int found = 0;
    uint32_t oid;

    for (oid = 0; oid < 10000; oid++) {
        codec = elpq__codec_find(oid);
        if (!codec)
            continue;
        found++;
        ck_assert_uint_eq(codec->oid, oid);
        ck_assert_ptr_nonnull(codec->name);
        ck_assert_ptr_nonnull(codec->ops->print);
        ck_assert_ptr_nonnull(codec->ops->encode);
        if (codec->array_oid)
            ck_assert_ptr_eq(elpq__codec_find(codec->array_oid)->elem, codec);
        if (codec->kind != ELPQ_KIND_TEXT && codec->kind != ELPQ_KIND_BYTES) {
            ck_assert(codec->ops->view || codec->ops->decode);
            ck_assert(codec->ops->view || codec->ops->parse);
        }
        if (codec->kind == ELPQ_KIND_ARRAY || codec->kind == ELPQ_KIND_RANGE ||
            codec->kind == ELPQ_KIND_MULTIRANGE)
            ck_assert_uint_eq(codec->elem->oid, codec->elem_oid);
    }
    ck_assert_int_ge(found, 120);
    ck_assert_ptr_null(elpq__codec_find(UINT32_MAX));
}
END_TEST

/* --------------------------------------------------------- text to value */

static const struct {
    uint32_t oid;
    const char *text;
    int64_t expected; /* date, time or timestamp since 1970 */
} times[] = {
    { O(DATE), "1970-01-01", 0 },
    { O(DATE), "2000-02-29", 11016 },
    { O(DATE), "0001-01-01", -719162 },
    { O(DATE), "0001-12-31 BC", -719163 },
    { O(DATE), "0001-02-29 BC", -719469 },
    { O(DATE), "4714-11-24 BC", -2440588 },
    { O(DATE), "5874897-12-31", 2145042905 },
    { O(DATE), "infinity", ELPQ_INFINITY },
    { O(DATE), "-infinity", ELPQ_NEG_INFINITY },
    { O(TIME), "00:00:00", 0 },
    { O(TIME), "24:00:00", 86400000000 },
    { O(TIME), "23:59:59.999999", 86399999999 },
    { O(TIME), "01:02:03.4", 3723400000 },
    { O(TIMESTAMP), "1970-01-01 00:00:00.000001", 1 },
    { O(TIMESTAMP), "10000-01-01 00:00:00", 253402300800000000 },
    { O(TIMESTAMP), "1969-12-31 24:00:00", 0 },
    { O(TIMESTAMP), "infinity", ELPQ_INFINITY },
    { O(TIMESTAMPTZ), "1970-01-01 00:00:00+00", 0 },
    { O(TIMESTAMPTZ), "1970-01-01 05:30:00+05:30", 0 },
    { O(TIMESTAMPTZ), "1970-01-01 15:59:59+15:59:59", 0 },
    { O(TIMESTAMPTZ), "1969-12-31 20:29:08-03:30:52", 0 },
    { O(TIMESTAMPTZ), "0044-03-15 12:00:00+00 BC", -63517780800000000 },
};

START_TEST(test_times)
{
    elpq_result *result = text_cell(times[_i].oid, times[_i].text);
    int64_t x = 7;
    int rc = times[_i].oid == O(DATE)   ? elpq_get_date(result, 0, 0, &x)
             : times[_i].oid == O(TIME) ? elpq_get_time(result, 0, 0, &x)
                                        : elpq_get_timestamp(result, 0, 0, &x);

    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(x, times[_i].expected);
    elpq_result_unref(result);
}
END_TEST

/* What was read as a point in time is sent as one, whatever its type. */
START_TEST(test_points_in_time)
{
    static const char zeros[8] = { 0 };
    static const struct {
        uint32_t oid;
        const char *text;
    } types[] = { { O(TIMESTAMP), "2000-01-01 00:00:00" },
                  { O(TIMESTAMPTZ), "2000-01-01 00:00:00+00" } };

    for (size_t i = 0; i < 2; i++) {
        elpq_result *binary = one_cell(types[i].oid, 1, zeros, 8);
        elpq_result *text = text_cell(types[i].oid, types[i].text);
        elpq_value v = elpq_null(0);

        ck_assert_int_eq(elpq_get_value(binary, 0, 0, &v), 0);
        ck_assert_uint_eq(v.elem, i);
        ck_assert_int_eq(elpq_get_value(text, 0, 0, &v), 0);
        ck_assert_uint_eq(v.elem, i);
        elpq_result_unref(binary);
        elpq_result_unref(text);
    }
}
END_TEST

static const struct {
    const char *text;
    elpq_interval_parts expected;
} intervals[] = {
    { "00:00:00", { 0, 0, 0 } },
    { "1 year 2 mons -3 days", { 0, -3, 14 } },
    { "-1 years -2 mons +3 days -04:05:06.7", { -14706700000, 3, -14 } },
    { "-2562047788:00:54.775808", { INT64_MIN, 0, 0 } },
    { "2562047788:00:54.775807", { INT64_MAX, 0, 0 } },
    { "PT0S", { 0, 0, 0 } },
    { "P1Y2M3DT4H5M6.7S", { 14706700000, 3, 14 } },
    { "P-1Y-2M3DT-4H-5M-6.000001S", { -14706000001, 3, -14 } },
    { "P-1D", { 0, -1, 0 } },
    { "infinity", { INT64_MAX, INT32_MAX, INT32_MAX } },
};

START_TEST(test_intervals)
{
    elpq_result *result = text_cell(O(INTERVAL), intervals[_i].text);
    elpq_interval_parts x = { 0, 0, 0 };

    ck_assert_int_eq(elpq_get_interval(result, 0, 0, &x), 0);
    ck_assert_int_eq(x.microseconds, intervals[_i].expected.microseconds);
    ck_assert_int_eq(x.days, intervals[_i].expected.days);
    ck_assert_int_eq(x.months, intervals[_i].expected.months);
    elpq_result_unref(result);
}
END_TEST

START_TEST(test_bytea_text)
{
    static const struct {
        const char *text;
        const char *hex;
    } cases[] = {
        { "\\x", "" },
        { "\\x00fFA0", "00ffa0" },
        { "", "" },
        { "a\\\\b\\000\\377", "615c6200ff" },
    };
    char expected[20];
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        elpq_result *result = text_cell(O(BYTEA), cases[i].text);
        elpq_string s = { NULL, 0 };
        int size = unhex(cases[i].hex, expected);

        ck_assert_int_eq(elpq_get_bytes(result, 0, 0, &s), 0);
        ck_assert_uint_eq(s.size, (size_t)size);
        ck_assert_mem_eq(s.data, expected, s.size);
        elpq_result_unref(result);
    }
}
END_TEST

/* -------------------------------------------------------------- numbers */

static const struct {
    uint32_t oid;
    const char *text;
    int rc;
    int64_t expected;
} wholes[] = {
    { O(NUMERIC), "9223372036854775807", 0, INT64_MAX },
    { O(NUMERIC), "-9223372036854775808", 0, INT64_MIN },
    { O(NUMERIC), "9223372036854775808", ELPQ_E_RANGE, 0 },
    { O(NUMERIC), "12.000", 0, 12 },
    { O(NUMERIC), "12.001", ELPQ_E_RANGE, 0 },
    { O(NUMERIC), "NaN", ELPQ_E_RANGE, 0 },
    { O(NUMERIC), "-Infinity", ELPQ_E_RANGE, 0 },
    { O(NUMERIC), "1x", ELPQ_E_DECODE, 0 },
    { O(FLOAT8), "1e15", 0, 1000000000000000 },
    { O(FLOAT8), "-9.223372036854775808e18", 0, INT64_MIN },
    { O(FLOAT8), "9.223372036854775808e18", ELPQ_E_RANGE, 0 },
    { O(FLOAT8), "0.5", ELPQ_E_RANGE, 0 },
    { O(FLOAT8), "NaN", ELPQ_E_RANGE, 0 },
    { O(FLOAT4), "-Infinity", ELPQ_E_RANGE, 0 },
    { O(XID8), "18446744073709551615", ELPQ_E_RANGE, 0 },
    { O(OID), "4294967295", 0, 4294967295 },
    { O(OID), "4294967296", ELPQ_E_DECODE, 0 },
    { O(INT8), "9223372036854775808", ELPQ_E_DECODE, 0 },
    { O(INT4), "-", ELPQ_E_DECODE, 0 },
    { O(INT4), "", ELPQ_E_DECODE, 0 },
    { O(BOOL), "t", ELPQ_E_TYPE, 0 },
    { O(TEXT), "5", ELPQ_E_TYPE, 0 },
    { O(DATE), "2000-01-01", ELPQ_E_TYPE, 0 },
};

START_TEST(test_whole_numbers)
{
    elpq_result *result = text_cell(wholes[_i].oid, wholes[_i].text);
    int64_t x = 77;

    ck_assert_int_eq(elpq_get_int64(result, 0, 0, &x), wholes[_i].rc);
    ck_assert_int_eq(x, wholes[_i].rc ? 77 : wholes[_i].expected);
    elpq_result_unref(result);
}
END_TEST

START_TEST(test_narrow_numbers)
{
    elpq_result *result = binary_cell(O(INT4), "00010000");
    int16_t i16 = 1;
    uint32_t u32 = 1;
    float f = 0;

    ck_assert_int_eq(elpq_get_int16(result, 0, 0, &i16), ELPQ_E_RANGE);
    ck_assert_int_eq(elpq_get_uint32(result, 0, 0, &u32), 0);
    ck_assert_uint_eq(u32, 65536);
    elpq_result_unref(result);
    result = binary_cell(O(INT2), "ffff");
    ck_assert_int_eq(elpq_get_int16(result, 0, 0, &i16), 0);
    ck_assert_int_eq(i16, -1);
    ck_assert_int_eq(elpq_get_uint32(result, 0, 0, &u32), ELPQ_E_RANGE);
    elpq_result_unref(result);
    result = text_cell(O(FLOAT8), "1e39");
    ck_assert_int_eq(elpq_get_float(result, 0, 0, &f), ELPQ_E_RANGE);
    elpq_result_unref(result);
    result = text_cell(O(NUMERIC), "0.1");
    ck_assert_int_eq(elpq_get_float(result, 0, 0, &f), 0);
    ck_assert(f == 0.1f);
    elpq_result_unref(result);
}
END_TEST

static int wide(const char *text, uint64_t *x, bool *halves)
{
    elpq_result *result = text_cell(O(FLOAT8), text);
    int rc = elpq_get_uint64(result, 0, 0, x);
#if ELPQ_HAVE_INT128
    elpq_int128_t big = 0;
    double back = strtod(text, NULL);

    *halves = elpq_get_int128(result, 0, 0, &big) == 0;
    ck_assert(!*halves || (double)big == back);
#else
    *halves = false;
#endif
    elpq_result_unref(result);
    return rc;
}

/* Whole doubles that no int64 holds. */
START_TEST(test_wide_doubles)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t expected;
        bool fits128;
    } cases[] = {
        { "1e19", 0, UINT64_C(10000000000000000000), true },
        { "1e20", ELPQ_E_RANGE, 0, true },
        { "18446744073709549568", 0, UINT64_C(18446744073709549568), true },
        { "18446744073709551616", ELPQ_E_RANGE, 0, true },
        { "-170141183460469231731687303715884105728", ELPQ_E_RANGE, 0, true },
        { "170141183460469231731687303715884105728", ELPQ_E_RANGE, 0, false },
        { "1e39", ELPQ_E_RANGE, 0, false },
        { "-1", ELPQ_E_RANGE, 0, true },
        { "-0", 0, 0, true },
        { "1.5", ELPQ_E_RANGE, 0, false },
        { "NaN", ELPQ_E_RANGE, 0, false },
        { "Infinity", ELPQ_E_RANGE, 0, false },
        { "x", ELPQ_E_DECODE, 0, false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t x = 0;
        bool halves;
        int rc = wide(cases[i].text, &x, &halves);

        ck_assert_msg(rc == cases[i].rc, "%s: %d", cases[i].text, rc);
        ck_assert_msg(x == cases[i].expected, "%s", cases[i].text);
        ck_assert_msg(halves == (cases[i].fits128 && ELPQ_HAVE_INT128), "%s",
                      cases[i].text);
    }
}
END_TEST

START_TEST(test_doubles)
{
    static const struct {
        const char *text;
        int rc;
        double expected;
    } cases[] = {
        { "0", 0, 0.0 },
        { "0.000", 0, 0.0 },
        { "-1.5", 0, -1.5 },
        { ".5", 0, 0.5 },
        { "5.", 0, 5.0 },
        { "1e+308", 0, 1e308 },
        { "1e400", ELPQ_E_RANGE, 0 },
        { "1e-400", 0, 0.0 },
        { "0e999999999999", 0, 0.0 },
        { "Infinity", 0, INFINITY },
        { "1e", ELPQ_E_DECODE, 0 },
        { "1e1.5", ELPQ_E_DECODE, 0 },
        { ".", ELPQ_E_DECODE, 0 },
        { "", ELPQ_E_DECODE, 0 },
        { "inf", ELPQ_E_DECODE, 0 },
        { "0x10", ELPQ_E_DECODE, 0 },
        { " 1", ELPQ_E_DECODE, 0 },
        { "1 ", ELPQ_E_DECODE, 0 },
        { "--1", ELPQ_E_DECODE, 0 },
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double x = 0;
        int rc = elpq__parse_double(cases[i].text, strlen(cases[i].text), &x);

        ck_assert_msg(rc == cases[i].rc, "%s: %d", cases[i].text, rc);
        ck_assert_msg(rc || x == cases[i].expected, "%s", cases[i].text);
    }
}
END_TEST

/* A digit a thousand places on decides about a tie. */
START_TEST(test_long_numbers)
{
    char text[1200] = "9007199254740993"; /* between two doubles */
    size_t n = strlen(text);
    double x = 0;

    text[n++] = '.';
    memset(text + n, '0', 1000);
    ck_assert_int_eq(elpq__parse_double(text, n + 1000, &x), 0);
    ck_assert(x == 9007199254740992.0);
    text[n + 999] = '1';
    ck_assert_int_eq(elpq__parse_double(text, n + 1000, &x), 0);
    ck_assert(x == 9007199254740994.0);
}
END_TEST

/* ------------------------------------------------------------- malformed */

START_TEST(test_malformed)
{
    elpq_result *result =
        malformed[_i].binary
            ? binary_cell(malformed[_i].oid, malformed[_i].data)
            : text_cell(malformed[_i].oid, malformed[_i].data);
    elpq_string s = { NULL, 0 };
    elpq_value v = elpq_null(0);

    if (elpq__codec_find(malformed[_i].oid)->kind == ELPQ_KIND_TEXT)
        ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), ELPQ_E_DECODE);
    else
        ck_assert_int_eq(elpq_get_value(result, 0, 0, &v), ELPQ_E_DECODE);
    ck_assert_ptr_null(s.data);
    ck_assert_int_eq(v.kind, ELPQ_KIND_NULL);
    if (malformed[_i].binary)
        ck_assert_ptr_null(elpq_get_text(result, 0, 0));
    elpq_result_unref(result);
}
END_TEST

/* ---------------------------------------------------------- random bytes */

static const uint32_t oids[] = {
#define BOTH(name, oid, array_oid) oid, array_oid,
    ELPQ_BUILTIN_TYPES(BOTH)
#undef BOTH
        O(UNKNOWN),
    O(VOID),
    O(RECORD),
    0,
    99999,
    UINT32_MAX
};

enum { OIDS = sizeof(oids) / sizeof(oids[0]) };

static uint64_t random_state = 0x2545F4914F6CDD1Du;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/*
 * All getters on bytes that end where their memory ends, but for the one
 * byte that every cell has behind it.
 */
static int use_bytes(uint32_t oid, bool binary, const char *data, size_t size)
{
    PGresult *res = make_result(0, NULL, NULL);
    elpq_result *result = elpq__result_new(res);
    char *copy = malloc(size + 1);
    elpq_cell cell = { copy, (int)size, oid, binary, result };
    elpq_array_view view;
    int failures;
    size_t i;

    ck_assert_ptr_nonnull(copy);
    if (size)
        memcpy(copy, data, size);
    copy[size] = (char)(random64() % 3); /* rarely a NUL */
    failures = use_getters(&cell);
    if (!elpq_cell_array(&cell, &view))
        for (i = 0; i < view.count && i < 100; i++)
            use_getters(&view.items[i]);
    elpq_result_unref(result);
    free(copy);
    return failures;
}

/* Cut short, a value is none, except where any bytes are one. */
START_TEST(test_every_truncation)
{
    const struct sample *sample = &samples[_i];
    const struct elpq__codec *codec = elpq__codec_find(sample->oid);
    char data[600];
    int size = unhex(sample->hex, data);
    elpq_cell cell = { NULL, 0, sample->oid, true, NULL };
    int cut;

    for (cut = 0; cut < size; cut++) {
        char *copy = malloc((size_t)cut + 1);
        elpq_string s;

        memcpy(copy, data, (size_t)cut + 1);
        cell.data = copy;
        cell.size = cut;
        cell.result = elpq__result_new(make_result(0, NULL, NULL));
        use_getters(&cell);
        if (!codec || (!codec->textual && codec->kind != ELPQ_KIND_BYTES &&
                       (codec->ops != &elpq__jsonb_ops || cut == 0)))
            ck_assert_int_eq(elpq_cell_string(&cell, &s), ELPQ_E_DECODE);
        elpq_result_unref(cell.result);
        free(copy);
    }
}
END_TEST

START_TEST(test_random_bytes)
{
    char data[128];
    size_t size, k;
    int i, refused = 0;

    for (i = 0; i < rounds(); i++) {
        size = random64() % (i % 10 ? 24 : sizeof(data));
        for (k = 0; k < size; k++)
            data[k] = (char)(random64() % 4 ? random64() % 3 : random64());
        refused += use_bytes(oids[(size_t)i % OIDS], i / OIDS % 2, data, size);
    }
    ck_assert_int_gt(refused, rounds() / 2); /* each time by several getters */
}
END_TEST

/* Valid values with a few bytes changed get further than random ones. */
START_TEST(test_changed_bytes)
{
    char data[600];
    int i, flips, size;

    for (i = 0; i < rounds(); i++) {
        const struct sample *sample = &samples[i % SAMPLES];

        size = unhex(sample->hex, data);
        for (flips = 1 + (int)(random64() % 3); size && flips; flips--)
            data[random64() % (uint64_t)size] ^= (char)(1 << (random64() % 8));
        use_bytes(sample->oid, true, data, (size_t)size);
    }
}
END_TEST

/* The same of text: characters that mean something in one form or other. */
START_TEST(test_changed_text)
{
    static const char alphabet[] = "0123456789{}\",\\[]:=-+. eBCTPNULYMDHS";
    char data[200];
    int i, flips;

    for (i = 0; i < rounds(); i++) {
        const char *text =
            i % 2 || i % 3 ? samples[i % SAMPLES].text : malformed[i % 90].data;
        size_t size = strlen(text);

        memcpy(data, text, size);
        for (flips = (int)(random64() % 4); size && flips; flips--)
            data[random64() % size] =
                alphabet[random64() % (sizeof(alphabet) - 1)];
        use_bytes(i % 2 ? samples[i % SAMPLES].oid : oids[(size_t)i % OIDS],
                  false, data, size - (size && random64() % 4 == 0));
    }
}
END_TEST

/* Six bytes that stand for 131,072 digits, and a value of 1000 of them. */
START_TEST(test_large_numerics)
{
    elpq_result *result = binary_cell(O(NUMERIC), "0001 7fff 0000 0000 0001");
    elpq_string s = { NULL, 0 };
    char data[8 + 500];
    int i;

    ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), 0);
    ck_assert_uint_eq(s.size, 131069);
    elpq_result_unref(result);
    memcpy(data, "\0\372\0\371\0\0\0\0", 8);
    for (i = 0; i < 250; i++)
        memcpy(data + 8 + 2 * i, "\x27\x0f", 2);
    result = one_cell(O(NUMERIC), 1, data, sizeof(data));
    ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), 0);
    ck_assert_uint_eq(s.size, 1000);
    for (i = 0; i < 1000; i++)
        ck_assert_int_eq(s.data[i], '9');
    elpq_result_unref(result);
}
END_TEST

/* A query of two million negations, which would take 350 MB to print. */
START_TEST(test_large_tsquery)
{
    static const char word[] = { 1, 0, 0, 'a', 0 };
    const size_t count = 2000000;
    size_t size = 4 + 2 * (count - 1) + sizeof(word);
    char *data = malloc(size);
    elpq_string s = { NULL, 0 };
    elpq_result *result;

    ck_assert_ptr_nonnull(data);
    elpq__put_int32(data, (uint32_t)count);
    for (size_t i = 0; i < count - 1; i++)
        memcpy(data + 4 + 2 * i, "\2\1", 2);
    memcpy(data + size - sizeof(word), word, sizeof(word));
    result = one_cell(O(TSQUERY), 1, data, (int)size);
    ck_assert_int_eq(elpq_get_string(result, 0, 0, &s), ELPQ_E_NOMEM);
    elpq_result_unref(result);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *tables = tcase_create("tables");
    TCase *hostile = tcase_create("hostile");
    SRunner *runner;
    int failed;

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
    tcase_add_test(tables, test_table);
    tcase_add_loop_test(tables, test_binary_to_text, 0, SAMPLES);
    tcase_add_loop_test(tables, test_text_again, 0, SAMPLES);
    tcase_add_loop_test(tables, test_times, 0, COUNT(times));
    tcase_add_test(tables, test_points_in_time);
    tcase_add_loop_test(tables, test_intervals, 0, COUNT(intervals));
    tcase_add_test(tables, test_bytea_text);
    tcase_add_loop_test(tables, test_whole_numbers, 0, COUNT(wholes));
    tcase_add_test(tables, test_narrow_numbers);
    tcase_add_test(tables, test_doubles);
    tcase_add_test(tables, test_wide_doubles);
    tcase_add_test(tables, test_long_numbers);
    tcase_add_test(tables, test_large_numerics);
    tcase_add_test(hostile, test_large_tsquery);
    tcase_add_loop_test(hostile, test_malformed, 0, COUNT(malformed));
    tcase_add_loop_test(hostile, test_every_truncation, 0, SAMPLES);
    tcase_add_test(hostile, test_random_bytes);
    tcase_add_test(hostile, test_changed_bytes);
    tcase_add_test(hostile, test_changed_text);
    tcase_set_timeout(hostile, 120);
    suite_add_tcase(suite, tables);
    suite_add_tcase(suite, hostile);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Generated values of every type: the edges first, random ones behind them.
 * The same on every run.  Part of check_types.c.
 */
#ifndef ELPQ_TESTS_TYPE_VALUES_H
#define ELPQ_TESTS_TYPE_VALUES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <elpq/elpq.h>

#define VALUES 2000 /* of each type */

static uint64_t random_state;

/* Text of generated values; emptied for each type. */
static char pool[VALUES * 600];
static size_t pool_used;

static uint64_t random64(void)
{
    uint64_t x = random_state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return random_state = x;
}

/* Small numbers as often as large ones. */
static uint64_t random_bits(void)
{
    return random64() >> (random64() % 64);
}

static int64_t random_signed(int64_t limit)
{
    int64_t x = (int64_t)(random_bits() % ((uint64_t)limit + 1));

    return random64() & 1 ? -x : x;
}

typedef elpq_value (*generator)(uint32_t oid, int i);

static elpq_value text_value(uint32_t oid, const char *data, size_t size)
{
    char *copy = pool + pool_used;

    ck_assert(pool_used + size <= sizeof(pool));
    memcpy(copy, data, size);
    pool_used += size;
    return elpq_text_as(oid, copy, size);
}

static elpq_value make_bool(uint32_t oid, int i)
{
    return elpq_typed(oid, elpq_bool(i & 1));
}

static elpq_value make_int(uint32_t oid, int i)
{
    static const int64_t edges[] = { 0,         1,         -1,        99999,
                                     INT16_MIN, INT16_MAX, INT32_MIN, INT32_MAX,
                                     INT64_MIN, INT64_MAX };
    int64_t x = i < 10 ? edges[i] : random_signed(INT64_MAX);

    if (oid == ELPQ_OID_INT2)
        x = (int16_t)x;
    else if (oid == ELPQ_OID_INT4)
        x = (int32_t)x;
    else if (oid != ELPQ_OID_INT8 && oid != ELPQ_OID_XID8)
        x = (uint32_t)x;
    if (oid != ELPQ_OID_XID8)
        return elpq_typed(oid, elpq_int64(x));
    return elpq_typed(oid, elpq_uint64((uint64_t)x));
}

static elpq_value make_float4(uint32_t oid, int i)
{
    static const float edges[] = { 0.0f,   -0.0f,           0.1f,
                                   1e6f,   999999.0f,       1234567.0f,
                                   1e-4f,  1e-5f,           3.4028235e38f,
                                   1e-45f, 1.17549435e-38f, 16777216.0f };
    uint32_t bits = (uint32_t)random64();
    float x;

    memcpy(&x, &bits, sizeof(x));
    if (i < 12)
        x = edges[i];
    else if (i < 12 + 276) /* powers of two have uneven neighbours */
        x = (float)strtod("1", NULL) * (i < 160
                                            ? 1.0f / (float)(1ull << (i % 60))
                                            : (float)(1ull << (i % 60)));
    else if (i % 3 == 0)
        x = (float)random_signed(100000) / 100;
    return elpq_typed(oid, elpq_float(x));
}

static elpq_value make_float8(uint32_t oid, int i)
{
    static const double edges[] = { 0.0,
                                    -0.0,
                                    0.1,
                                    1e15,
                                    999999999999999.0,
                                    1e14,
                                    1e-4,
                                    1e-5,
                                    5e-324,
                                    2.2250738585072014e-308,
                                    1.7976931348623157e308,
                                    1e100,
                                    1e22,
                                    1e23,
                                    9007199254740993.0,
                                    4.35,
                                    5e-320,
                                    2e-44 };
    uint64_t bits = random64();
    double x;

    memcpy(&x, &bits, sizeof(x));
    if (i < 18)
        x = edges[i];
    else if (i < 400) { /* powers of two, all of them in a few runs */
        bits = (uint64_t)(1 + (i * 5 + (int)(random64() % 5)) % 2046) << 52;
        memcpy(&x, &bits, sizeof(x));
    } else if (i % 4 == 0)
        x = (double)random_signed(INT64_C(100000000)) / 100;
    else if (i % 4 == 1)
        x = (double)random_signed(INT64_MAX);
    return elpq_typed(oid, elpq_double(x));
}

static elpq_value make_numeric(uint32_t oid, int i)
{
    static const char *const edges[] = {
        "0",
        "0.00",
        "-0.001",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "10000",
        "9999",
        "99990000",
        "0.0001",
        "0.00001",
        "1e-300",
        "123456789012345678901234567890.123456789",
        "1.0",
        "1e131000",
        "9223372036854775807",
        "-9223372036854775808",
        "100000000"
    };
    char text[600];
    int digits = 1 + (int)(random_bits() % 250);
    int point = (int)(random_bits() % 250);
    int n = 0;
    int k;

    if (i < (int)(sizeof(edges) / sizeof(edges[0])))
        return text_value(oid, edges[i], strlen(edges[i]));
    if (random64() & 1)
        text[n++] = '-';
    for (k = 0; k < digits; k++)
        text[n++] = (char)('0' + (random64() & 3 ? random64() % 10 : 0));
    if (point)
        text[n++] = '.';
    for (k = 0; k < point; k++)
        text[n++] = (char)('0' + (random64() & 3 ? random64() % 10 : 0));
    return text_value(oid, text, (size_t)n);
}

static elpq_value make_text(uint32_t oid, int i)
{
    static const char *const words[] = { "",
                                         "NULL",
                                         "null",
                                         "a",
                                         "a b",
                                         "\"",
                                         "\\",
                                         "{}",
                                         "{a,b}",
                                         ",",
                                         "\t",
                                         "\xc3\xa9",
                                         "\xf0\x9f\x90\x98",
                                         "'",
                                         "nul",
                                         "x\\\"y",
                                         "\n" };
    const int count = (int)(sizeof(words) / sizeof(words[0]));
    char text[64] = "";

    if (i < count)
        return text_value(oid, words[i], strlen(words[i]));
    do
        strcat(text, words[random64() % (uint64_t)count]);
    while (strlen(text) < 40 && random64() % 4);
    return text_value(oid, text, strlen(text));
}

/* One ASCII byte. */
static elpq_value make_char(uint32_t oid, int i)
{
    char c = (char)(1 + i % 127);

    return text_value(oid, &c, 1);
}

static elpq_value make_json(uint32_t oid, int i)
{
    char text[200];

    snprintf(text, sizeof(text),
             "{\"k%d\": [%d, null, \"a\\\"b\\\\c \\u00e9\", {\"x\": %d.5}]}", i,
             i, i);
    return text_value(oid, text, strlen(text));
}

static elpq_value make_bytea(uint32_t oid, int i)
{
    char data[300];
    size_t size = (size_t)(i < 20 ? (uint64_t)i : random_bits() % 300);
    size_t k;
    elpq_value v;

    for (k = 0; k < size; k++)
        data[k] = (char)random64();
    v = text_value(oid, data, size);
    v.kind = ELPQ_KIND_BYTES;
    return v;
}

static elpq_value make_uuid(uint32_t oid, int i)
{
    uint64_t x[2] = { random64(), random64() };
    uint8_t bytes[16];

    (void)i;
    memcpy(bytes, x, sizeof(bytes));
    return elpq_typed(oid, elpq_uuid(bytes));
}

#define DATE_MIN (INT64_C(-2451545) + 10957)
#define DATE_MAX (INT64_C(2145031948) + 10957)

static elpq_value make_date(uint32_t oid, int i)
{
    static const int64_t edges[] = {
        0,        -1,       10957,   ELPQ_INFINITY, ELPQ_NEG_INFINITY,
        DATE_MIN, DATE_MAX, -719162, -719163,       -719528,
        -719529,  2932896,  2932897, 11016,         11017
    };
    int64_t x;

    if (i < 15)
        x = edges[i];
    else if (i % 2)
        x = DATE_MIN + (int64_t)(random64() % (uint64_t)(DATE_MAX - DATE_MIN));
    else
        x = random_signed(2400000);
    return elpq_typed(oid, elpq_date(x));
}

static elpq_value make_time(uint32_t oid, int i)
{
    static const int64_t edges[] = { 0,           1,           100000,
                                     86399999999, 86400000000, 1000000 };
    int64_t x = i < 6 ? edges[i] : (int64_t)(random64() % 86400000000u);

    if (i % 3 == 0 && i >= 6)
        x -= x % 10000;
    return elpq_typed(oid, elpq_time(x));
}

/* 4714-11-24 BC, and the end of what counts from 1970 in 64 bits */
#define TIMESTAMP_MIN (INT64_C(-211813488000000000) + 946684800000000)
#define TIMESTAMP_MAX (INT64_MAX - 1)

static elpq_value make_timestamp(uint32_t oid, int i)
{
    static const int64_t edges[] = { 0,
                                     -1,
                                     1,
                                     946684800000000,
                                     946684799999999,
                                     ELPQ_INFINITY,
                                     ELPQ_NEG_INFINITY,
                                     TIMESTAMP_MIN,
                                     TIMESTAMP_MAX,
                                     -62135596800000000,
                                     -62135596800000001,
                                     253402300799999999,
                                     253402300800000000 };
    int64_t x;

    if (i < 13)
        x = edges[i];
    else if (i % 2)
        x = random_signed(INT64_C(4102444800000000));
    else
        x = random_signed(TIMESTAMP_MAX);
    if (x < TIMESTAMP_MIN && x != ELPQ_NEG_INFINITY)
        x = TIMESTAMP_MIN + (int64_t)(random64() % 1000000000000u);
    if (i % 5 == 0 && i >= 13)
        x -= x % 1000000;
    return elpq_typed(oid, elpq_timestamp(x));
}

static elpq_value make_interval(uint32_t oid, int i)
{
    elpq_value v = elpq_interval(0, 0, 0);

    if (i & 1)
        v.u.interval.months = (int32_t)random_signed(INT32_MAX - 1);
    if (i & 2)
        v.u.interval.days = (int32_t)random_signed(INT32_MAX - 1);
    if (i & 4)
        v.u.interval.microseconds = random_signed(INT64_MAX - 1);
    if (i % 3 == 0) {
        v.u.interval.months %= 30;
        v.u.interval.days %= 3;
        v.u.interval.microseconds %= 100000000;
    }
    return elpq_typed(oid, v);
}

#endif

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

/* ------------------------------------------------------ the other types */

static elpq_value make_timetz(uint32_t oid, int i)
{
    elpq_value v = make_time(ELPQ_OID_TIME, i);
    int32_t offset = (int32_t)(random64() % 115199) - 57599;

    if (i % 3 == 0)
        offset -= offset % 900;
    return elpq_typed(oid, elpq_timetz(v.u.int64, offset));
}

static elpq_value make_money(uint32_t oid, int i)
{
    static const int64_t edges[] = { 0, 1, -1, 99, 100, -100000,
                                     INT64_MAX, INT64_MIN + 1 };

    return elpq_typed(oid, elpq_money(i < 8 ? edges[i]
                                            : random_signed(INT64_MAX - 1)));
}

static elpq_value make_lsn(uint32_t oid, int i)
{
    return elpq_typed(oid, elpq_lsn(i == 0 ? UINT64_MAX : random_bits()));
}

static elpq_value make_tid(uint32_t oid, int i)
{
    return elpq_typed(oid, elpq_tid(i == 0 ? UINT32_MAX : (uint32_t)random64(),
                                    (uint16_t)random64()));
}

static elpq_value make_inet(uint32_t oid, int i)
{
    elpq_inet_address x = { random64() & 1 ? 4 : 6, 0, { 0 } };
    unsigned most = x.family == 4 ? 32 : 128;
    unsigned zeros = (unsigned)(random64() % 16);

    x.bits = (uint8_t)(i % 3 ? most : random64() % (most + 1));
    for (unsigned k = 0; k < most / 8; k++)
        x.bytes[k] = (uint8_t)(k / 2 == zeros / 2 || k / 2 == zeros / 3
                                   ? 0
                                   : random64() >> (random64() % 8));
    if (x.family == 6 && i % 5 == 0) /* an IPv4 in an IPv6, and such */
        memset(x.bytes, 0, 8 + random64() % 6);
    if (x.family == 6 && i % 10 == 0)
        x.bytes[10] = x.bytes[11] = 0xff;
    if (oid == ELPQ_OID_CIDR)
        for (unsigned k = x.bits; k < most; k++)
            x.bytes[k / 8] &= (uint8_t) ~(0x80u >> (k % 8));
    return elpq_typed(oid, elpq_inet(x));
}

static elpq_value make_macaddr(uint32_t oid, int i)
{
    elpq_macaddr_bytes x = { oid == ELPQ_OID_MACADDR8 ? 8 : 6, { 0 } };

    for (unsigned k = 0; i && k < x.size; k++)
        x.bytes[k] = (uint8_t)random64();
    return elpq_typed(oid, elpq_macaddr(x));
}

static elpq_value make_bits(uint32_t oid, int i)
{
    size_t count = i < 20 ? (size_t)i : (size_t)(random_bits() % 300);
    uint8_t data[40];
    elpq_value v;

    for (size_t k = 0; k < sizeof(data); k++)
        data[k] = (uint8_t)random64();
    if (count % 8)
        data[count / 8] &= (uint8_t)(0xff00u >> (count % 8));
    v = text_value(oid, (const char *)data, count / 8 + 1);
    return elpq_typed(oid, elpq_bit((const uint8_t *)v.u.bytes.data, count));
}

static double make_coordinate(int i)
{
    double x = make_float8(ELPQ_OID_FLOAT8, i).u.float64;

    return i % 2 || x != x ? (double)random_signed(100000) / 8 : x;
}

/* A double in the pool, which is kept aligned. */
static elpq_value doubles_value(uint32_t oid, size_t count, bool closed, int i)
{
    double *at;

    pool_used = (pool_used + 15) / 16 * 16;
    ck_assert(pool_used + count * sizeof(*at) <= sizeof(pool));
    at = (double *)(void *)(pool + pool_used);
    for (size_t k = 0; k < count; k++)
        at[k] = make_coordinate(i + (int)k);
    pool_used += count * sizeof(*at);
    return elpq_doubles(oid, at, count, closed);
}

static elpq_value make_point(uint32_t oid, int i)
{
    double x = make_coordinate(i);

    return elpq_typed(oid, elpq_point(x, make_coordinate(i + 1)));
}

static void order(double *a, double *b)
{
    double x = *a;

    if (*a < *b) {
        *a = *b;
        *b = x;
    }
}

static elpq_value make_geometry(uint32_t oid, int i)
{
    bool any = oid == ELPQ_OID_PATH || oid == ELPQ_OID_POLYGON;
    size_t count = oid == ELPQ_OID_LINE || oid == ELPQ_OID_CIRCLE ? 3
                   : any ? 2 + 2 * (size_t)(random64() % 6)
                         : 4;
    bool closed = oid == ELPQ_OID_POLYGON ||
                  (oid == ELPQ_OID_PATH && random64() % 2);
    elpq_value v = doubles_value(oid, count, closed, i);
    double *x = (double *)(uintptr_t)v.u.doubles.items;

    if (oid == ELPQ_OID_CIRCLE && x[2] < 0)
        x[2] = -x[2];
    if (oid == ELPQ_OID_LINE) /* a and b that are nearly zero are no line */
        x[0] += x[0] < 0 ? -1 : 1;
    if (oid == ELPQ_OID_BOX) { /* the server puts the high corner first */
        order(&x[0], &x[2]);
        order(&x[1], &x[3]);
    }
    return v;
}

static elpq_value make_tsvector(uint32_t oid, int i)
{
    static const char *const words[] = { "a", "b", "'c d'", "'e''f'", "'g\\\\'",
                                         "\xc3\xa9", "':'", "z1" };
    char text[300] = "";

    for (int k = 0; i && k < 8; k++) {
        size_t n = strlen(text);

        if (random64() % 3 == 0)
            continue;
        n += (size_t)sprintf(text + n, "%s%s", n ? " " : "", words[k]);
        if (random64() % 2)
            n += (size_t)sprintf(text + n, ":%d%c", (int)(random64() % 99) + 1,
                                 "ABCD"[random64() % 4]);
        if (n && text[n - 1] <= 'D' && text[n - 1] >= 'A' && random64() % 2)
            sprintf(text + n, ",%d", 100 + (int)(random64() % 16000));
    }
    return text_value(oid, text, strlen(text));
}

/* A random tree, with all its parentheses. */
static size_t put_query(char *text, int depth)
{
    static const char *const words[] = { "a", "'b c'", "d:*", "e:AB", "f:*C",
                                         "'g''h'", "'i\\\\'" };
    static const char *const operators[] = { "&", "|", "<->", "<2>", "<0>" };
    size_t n;

    if (depth == 0 || random64() % 4 == 0)
        return (size_t)sprintf(text, "%s", words[random64() % 7]);
    if (random64() % 5 == 0) {
        strcpy(text, "!(");
        n = 2 + put_query(text + 2, depth - 1);
    } else {
        strcpy(text, "(");
        n = 1 + put_query(text + 1, depth - 1);
        n += (size_t)sprintf(text + n, " %s ", operators[random64() % 5]);
        n += put_query(text + n, depth - 1);
    }
    strcpy(text + n, ")");
    return n + 1;
}

static elpq_value make_tsquery(uint32_t oid, int i)
{
    char text[1000] = "";

    if (i)
        put_query(text, 1 + i % 5);
    return text_value(oid, text, strlen(text));
}

static elpq_value make_xml(uint32_t oid, int i)
{
    char text[100];

    sprintf(text, "%s<a b=\"%d\">&amp;\xc3\xa9</a>",
            i % 5 ? "" : "<?xml version=\"1.0\" standalone=\"yes\"?>", i);
    return text_value(oid, text, strlen(text));
}

static elpq_value make_jsonpath(uint32_t oid, int i)
{
    char text[100];

    sprintf(text, "$.\"k%d\"[*]?(@ > %d)", i, i);
    return text_value(oid, text, strlen(text));
}

/* Values that others are made of, in memory that is emptied with the pool. */
static elpq_value *new_values(size_t count)
{
    elpq_value *at;

    pool_used = (pool_used + 15) / 16 * 16;
    ck_assert(pool_used + count * sizeof(*at) <= sizeof(pool));
    at = (elpq_value *)(void *)(pool + pool_used);
    pool_used += count * sizeof(*at);
    return at;
}

/* What a bound of a range is; ascending with i, and far from the ends. */
static elpq_value bound_of(uint32_t range, int64_t x)
{
    char text[40];

    switch (range) {
    case ELPQ_OID_INT4RANGE:
        return elpq_int32((int32_t)x);
    case ELPQ_OID_INT8RANGE:
        return elpq_int64(x * 1000003);
    case ELPQ_OID_DATERANGE:
        return elpq_date(x);
    case ELPQ_OID_TSRANGE:
        return elpq_timestamp(x * 1234567891);
    case ELPQ_OID_TSTZRANGE:
        return elpq_timestamptz(x * 1234567891);
    default:
        sprintf(text, "%lld.%03d", (long long)x, (int)(random64() % 1000));
        return text_value(ELPQ_OID_NUMERIC, text, strlen(text));
    }
}

/* Discrete ranges have one form only: [a,b). */
static elpq_value range_between(uint32_t oid, int64_t from, int64_t to)
{
    bool discrete = oid == ELPQ_OID_INT4RANGE || oid == ELPQ_OID_INT8RANGE ||
                    oid == ELPQ_OID_DATERANGE;
    static const char *const all[] = { "[)", "[]", "(]", "()" };
    elpq_value *bounds = new_values(2);

    bounds[0] = bound_of(oid, from);
    bounds[1] = bound_of(oid, to);
    return elpq_range(oid, bounds, discrete ? "[)" : all[random64() % 4]);
}

static elpq_value make_range(uint32_t oid, int i)
{
    int64_t from = random_signed(100000);
    elpq_value v = range_between(oid, from, from + 1 + (int64_t)(random64() %
                                                                 100000));
    elpq_value *bounds = (elpq_value *)(uintptr_t)v.u.array.items;

    if (i == 0)
        return elpq_range_empty(oid);
    if (i % 7 == 0) {
        bounds[0] = elpq_null(bounds[0].oid);
        v.elem = (uint8_t)((v.elem & ~ELPQ_RANGE_LOWER_INCLUSIVE) |
                           ELPQ_RANGE_LOWER_UNBOUNDED);
    }
    if (i % 11 == 0) {
        bounds[1] = elpq_null(bounds[1].oid);
        v.elem = (uint8_t)((v.elem & ~ELPQ_RANGE_UPPER_INCLUSIVE) |
                           ELPQ_RANGE_UPPER_UNBOUNDED);
    }
    return v;
}

static elpq_value make_multirange(uint32_t oid, int i)
{
    static const uint32_t ranges[][2] = {
        { ELPQ_OID_INT4MULTIRANGE, ELPQ_OID_INT4RANGE },
        { ELPQ_OID_INT8MULTIRANGE, ELPQ_OID_INT8RANGE },
        { ELPQ_OID_NUMMULTIRANGE, ELPQ_OID_NUMRANGE },
        { ELPQ_OID_DATEMULTIRANGE, ELPQ_OID_DATERANGE },
        { ELPQ_OID_TSMULTIRANGE, ELPQ_OID_TSRANGE },
        { ELPQ_OID_TSTZMULTIRANGE, ELPQ_OID_TSTZRANGE },
    };
    size_t count = (size_t)i % 4;
    elpq_value *items = new_values(count + 1);
    uint32_t range = 0;
    int64_t at = random_signed(10000);

    for (size_t k = 0; k < 6; k++)
        if (ranges[k][0] == oid)
            range = ranges[k][1];
    for (size_t k = 0; k < count; k++) {
        items[k] = range_between(range, at, at + 10);
        at += 100;
    }
    return elpq_multirange(oid, items, count);
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Parameters: which bytes and which format each kind of value becomes as each
 * type, and what is refused, in words.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <elpq/elpq.h>

#include "lib/params.h"

#define O(name) ELPQ_OID_##name

/* The bytes as text, or as hex if they are binary. */
static const char *shown(const struct elpq__buf *buf,
                         const struct elpq__encoded *e)
{
    static char text[500];
    int i;

    if (e->is_null)
        return "NULL";
    if (e->format == 0) {
        /* the NUL behind it is not counted */
        ck_assert_uint_eq(buf->size, e->offset + (size_t)e->length + 1);
        return buf->data + e->offset;
    }
    ck_assert_uint_eq(buf->size, e->offset + (size_t)e->length);
    text[0] = '\0';
    for (i = 0; i < e->length; i++)
        sprintf(text + 2 * i, "%02x",
                (unsigned)(unsigned char)buf->data[e->offset + (size_t)i]);
    return text;
}

static elpq_value with(uint32_t oid, elpq_value v)
{
    return elpq_typed(oid, v);
}

static elpq_value bytes_as(uint32_t oid, const char *data, size_t size)
{
    return elpq_typed(oid, elpq_bytea(data, size));
}

static elpq_value c_array(uint32_t oid, elpq_kind elem, size_t width,
                          const void *item)
{
    return elpq_c_array(oid, elem, width, item, 1);
}

/* clang-format off */
/* value, format, bytes */
#define ENCODINGS(E)                                                          \
    E(elpq_null(O(INT4)), 0, "NULL")                                          \
    E(elpq_text(NULL), 0, "NULL")                                             \
    E(elpq_bool(true), 1, "01")                                               \
    E(elpq_int16(-2), 1, "fffe")                                              \
    E(elpq_int32(INT32_MIN), 1, "80000000")                                   \
    E(elpq_int64(INT64_MAX), 1, "7fffffffffffffff")                           \
    E(elpq_uint64(5), 1, "0000000000000005")                                  \
    E(elpq_oid(4294967295u), 1, "ffffffff")                                   \
    E(elpq_float(1.5f), 1, "3fc00000")                                        \
    E(elpq_double(-1.5), 1, "bff8000000000000")                               \
    E(elpq_text("abc"), 0, "abc")                                             \
    E(elpq_textn("abc", 0), 0, "")                                            \
    E(elpq_numeric("1.50"), 0, "1.50")                                        \
    E(elpq_jsonb("{}"), 0, "{}")                                              \
    E(elpq_bytea("\0a", 2), 1, "0061")                                        \
    E(elpq_date(0), 1, "ffffd533")                                            \
    E(elpq_date(ELPQ_INFINITY), 1, "7fffffff")                                \
    E(elpq_date(ELPQ_NEG_INFINITY), 1, "80000000")                            \
    E(elpq_time(1), 1, "0000000000000001")                                    \
    E(elpq_timestamp(946684800000001), 1, "0000000000000001")                 \
    E(elpq_timestamptz(ELPQ_INFINITY), 1, "7fffffffffffffff")                 \
    E(elpq_interval(1, -2, 3), 1, "0000000000000003fffffffe00000001")         \
    E(elpq_raw(O(POINT), "\1\2", 2), 1, "0102")                               \
    /* kinds as other types */                                                \
    E(with(O(INT2), elpq_int64(32767)), 1, "7fff")                            \
    E(with(O(INT2), elpq_double(-7)), 1, "fff9")                              \
    E(with(O(INT4), elpq_bool(true)), 1, "00000001")                          \
    E(with(O(INT8), elpq_double(-0x1p63)), 1, "8000000000000000")             \
    E(with(O(XID8), elpq_uint64(UINT64_MAX)), 1, "ffffffffffffffff")          \
    E(with(O(BOOL), elpq_int32(1)), 1, "01")                                  \
    E(with(O(FLOAT4), elpq_int32(3)), 1, "40400000")                          \
    E(with(O(FLOAT4), elpq_double(NAN)), 1, "7fc00000")                       \
    E(with(O(FLOAT8), elpq_float(0.5f)), 1, "3fe0000000000000")               \
    E(with(O(NUMERIC), elpq_int32(-18)), 0, "-18")                            \
    E(with(O(NUMERIC), elpq_double(0.1)), 0, "0.1")                           \
    E(with(O(NUMERIC), elpq_float(0.1f)), 0, "0.1")                           \
    E(with(O(NUMERIC), elpq_uint64(UINT64_MAX)), 0, "18446744073709551615")   \
    E(with(O(TEXT), elpq_int32(18)), 0, "18")                                 \
    E(with(O(TEXT), elpq_bool(false)), 0, "false")                            \
    E(with(O(TEXT), elpq_double(-HUGE_VAL)), 0, "-Infinity")                  \
    E(with(O(MONEY), elpq_int32(3)), 0, "3")                                  \
    E(with(O(INT4), elpq_text("12")), 0, "12")                                \
    E(with(O(TEXT), elpq_date(-1)), 0, "1969-12-31")                          \
    E(with(O(TIMESTAMPTZ), elpq_date(0)), 0, "1970-01-01")                    \
    E(with(O(DATE), elpq_timestamp(-86400000000)), 1, "ffffd532")             \
    E(bytes_as(O(TEXT), "ab", 2), 1, "6162")                                  \
    E(bytes_as(O(JSONB), "{}", 2), 1, "017b7d")                               \
    E(bytes_as(99999, "ab", 2), 1, "6162")                                    \
    E(bytes_as(O(INT4), "ab", 2), 0, "\\x6162")                               \
    E(bytes_as(O(UUID), "0123456789abcdef", 16), 1,                           \
      "30313233343536373839616263646566")                                     \
    E(with(O(FLOAT8), elpq_uint64(3)), 1, "4008000000000000")                 \
    /* what no codec converts is left to the server, in text */               \
    E(with(O(BOOL), elpq_double(1)), 0, "1")                                  \
    E(with(O(FLOAT8), elpq_date(0)), 0, "1970-01-01")                         \
    E(with(O(INT4), elpq_date(0)), 0, "1970-01-01")                           \
    E(with(O(DATE), elpq_int32(5)), 0, "5")                                   \
    E(with(O(TIME), elpq_int32(5)), 0, "5")                                   \
    E(with(O(INTERVAL), elpq_int32(5)), 0, "5")                               \
    E(with(O(UUID), elpq_int32(5)), 0, "5")                                   \
    E(with(O(BYTEA), elpq_int32(5)), 0, "5")                                  \
    E(with(O(CHAR), elpq_int32(5)), 0, "5")                                   \
    E(bytes_as(O(CHAR), "a", 1), 1, "61")                                     \
    /* an undecided type gets the text form */                                \
    E(with(0, elpq_int32(-5)), 0, "-5")                                       \
    E(with(0, elpq_double(1e22)), 0, "1e+22")                                 \
    E(with(0, elpq_bool(true)), 0, "true")                                    \
    E(with(0, elpq_time(3723000001)), 0, "01:02:03.000001")                   \
    E(with(0, elpq_timestamp(0)), 0, "1970-01-01 00:00:00")                   \
    E(with(0, elpq_interval(0, 1, 0)), 0, "1 day")                            \
    /* arrays */                                                              \
    E(c_array(O(UUID_ARRAY), ELPQ_KIND_UUID, 16, "0123456789abcdef"), 1,      \
      "000000010000000000000b860000000100000001"                              \
      "0000001030313233343536373839616263646566")                             \
    E(c_array(O(DATE_ARRAY), ELPQ_KIND_DATE, 8, &(int64_t){ 10957 }), 1,      \
      "00000001000000000000043a0000000100000001" "0000000400000000")          \
    E(c_array(O(INTERVAL_ARRAY), ELPQ_KIND_INTERVAL, 16,                      \
              &(elpq_interval_parts){ 1, 2, 3 }), 1,                          \
      "0000000100000000000004a20000000100000001"                              \
      "0000001000000000000000010000000200000003")                             \
    E(c_array(O(INT2_ARRAY), ELPQ_KIND_INT, 1, "\xff"), 1,                    \
      "0000000100000000000000150000000100000001" "00000002ffff")              \
    E(c_array(O(INT2_ARRAY), ELPQ_KIND_UINT, 1, "\xff"), 1,                   \
      "0000000100000000000000150000000100000001" "0000000200ff")              \
    E(c_array(O(FLOAT8_ARRAY), ELPQ_KIND_FLOAT, 4, &(float){ 1.5f }), 1,      \
      "0000000100000000000002bd0000000100000001" "000000083ff8000000000000")  \
    E(c_array(O(JSONB_ARRAY), ELPQ_KIND_TEXT, sizeof(char *),                 \
              &(const char *){ "{}" }), 1,                                    \
      "000000010000000000000eda0000000100000001" "00000003017b7d")            \
    E(c_array(O(CHAR_ARRAY), ELPQ_KIND_TEXT, sizeof(char *),                  \
              &(const char *){ "ab" }), 0, "{ab}")                            \
    E(elpq_array(O(INT4_ARRAY),                                               \
                 (const elpq_value[]){ elpq_raw(O(INT4), "abcd", 4) }, 1),    \
      1, "0000000100000000000000170000000100000001" "0000000461626364")       \
    E(elpq_array_int32(NULL, 0), 1, "000000000000000000000017")               \
    E(elpq_array_int32((const int32_t[]){ 7 }, 1), 1,                         \
      "0000000100000000000000170000000100000001" "0000000400000007")          \
    E(with(O(FLOAT4_ARRAY), elpq_array_int32((const int32_t[]){ 3 }, 1)), 1,  \
      "0000000100000000000002bc0000000100000001"                              \
      "0000000440400000")                                                     \
    E(with(O(INT2_ARRAY), elpq_array_int32((const int32_t[]){ 7 }, 1)), 1,    \
      "0000000100000000000000150000000100000001" "000000020007")              \
    E(elpq_array_text((const char *const[]){ "a", NULL }, 2), 1,              \
      "0000000100000001000000190000000200000001" "0000000161ffffffff")        \
    E(elpq_array(O(BOOL_ARRAY),                                               \
                 (const elpq_value[]){ elpq_bool(true), elpq_null(0) }, 2),   \
      1, "0000000100000001000000100000000200000001" "0000000101ffffffff")     \
    E(elpq_array(O(INT4_ARRAY),                                               \
                 (const elpq_value[]){ elpq_text("1"), elpq_null(0) }, 2),    \
      0, "{1,NULL}")                                                          \
    E(elpq_array(O(TEXT_ARRAY),                                               \
                 (const elpq_value[]){ elpq_bytea("abc", 3),                  \
                                       elpq_int32(5) }, 2),                   \
      0, "{abc,5}")                                                           \
    E(elpq_array(O(DATE_ARRAY),                                               \
                 (const elpq_value[]){ elpq_text("x"), elpq_timestamp(0) },   \
                 2),                                                          \
      0, "{x,1970-01-01}")                                                    \
    E(bytes_as(O(TSVECTOR), "cat", 3), 0, "cat")                              \
    E(elpq_composite(0, (const elpq_value[]){                                 \
                 bytes_as(O(TEXT), "ab", 2), elpq_bytea("ab", 2),             \
                 bytes_as(O(UUID), "0123456789abcdef", 16) }, 3),             \
      0, "(ab,\"\\\\x6162\","                                                 \
      "30313233-3435-3637-3839-616263646566)")                                \
    E(with(O(NUMERIC_ARRAY), elpq_array_int16((const int16_t[]){ 1, 2 }, 2)), \
      0, "{1,2}")                                                             \
    E(with(0, elpq_array_text((const char *const[]){ "a b", "\"", "",         \
                                                     "nuLL" }, 4)),           \
      0, "{\"a b\",\"\\\"\",\"\",\"nuLL\"}")                                  \
    E(with(99999, elpq_array_int64((const int64_t[]){ 1 }, 1)), 0, "{1}")     \
    E(elpq_array(O(INT4_ARRAY),                                               \
                 (const elpq_value[]){                                        \
                     elpq_array_from(0, elpq_array_int32((int[]){ 7 }, 1)) }, \
                 1),                                                          \
      1, "000000020000000000000017000000010000000100000001000000000000000400" \
         "000007")                                                            \
    E(elpq_array_from(INT32_MAX - 1, elpq_array_int32((int[]){ 7 }, 1)), 1,   \
      "000000010000000000000017000000017ffffffe" "0000000400000007")          \
    E(elpq_array_from(INT32_MAX, elpq_array_int32(NULL, 0)), 1,               \
      "000000000000000000000017")                                             \
    E(elpq_array_from(INT32_MIN, elpq_array_int32((int[]){ 7 }, 1)), 1,       \
      "0000000100000000000000170000000180000000" "0000000400000007")          \
    E(elpq_array_from(-1, elpq_array(O(NUMERIC_ARRAY),                        \
                 (const elpq_value[]){                                        \
                     elpq_array_from(0, elpq_array_int32((int[]){ 7 }, 1)) }, \
                 1)),                                                         \
      0, "[-1:-1][0:0]={{7}}")                                                \
    /* the other types */                                                     \
    E(elpq_timetz(1, 3600), 1, "0000000000000001fffff1f0")                    \
    E(with(0, elpq_timetz(1, -5445)), 0, "00:00:00.000001-01:30:45")          \
    E(elpq_money(-5), 1, "fffffffffffffffb")                                  \
    E(elpq_lsn(0x16B374D848), 1, "00000016b374d848")                          \
    E(with(0, elpq_lsn(0x16B374D848)), 0, "16/B374D848")                      \
    E(elpq_tid(1, 2), 1, "000000010002")                                      \
    E(with(0, elpq_tid(1, 2)), 0, "(1,2)")                                    \
    E(elpq_xid8(1), 1, "0000000000000001")                                    \
    E(elpq_inet((elpq_inet_address){ 4, 24, { 1, 2, 3, 4 } }), 1,             \
      "0218000401020304")                                                     \
    E(elpq_cidr((elpq_inet_address){ 6, 0, { 0 } }), 1,                       \
      "0300011000000000000000000000000000000000")                             \
    E(with(0, elpq_inet((elpq_inet_address){ 6, 128, { [15] = 1 } })), 0,     \
      "::1")                                                                  \
    E(elpq_macaddr((elpq_macaddr_bytes){ 6, { 1, 2, 3, 4, 5, 6 } }), 1,       \
      "010203040506")                                                         \
    E(with(O(MACADDR8), elpq_macaddr((elpq_macaddr_bytes){ 6, { 1 } })), 0,   \
      "01:00:00:00:00:00")                                                    \
    E(elpq_bit((const uint8_t *)"\xff", 3), 1, "00000003e0")                  \
    E(with(0, elpq_bit((const uint8_t *)"\xa0", 3)), 0, "101")                \
    E(elpq_point(1, -0.5), 1, "3ff0000000000000bfe0000000000000")             \
    E(with(0, elpq_point(1, -0.5)), 0, "(1,-0.5)")                            \
    E(elpq_circle(&(elpq_circle_parts){ { 0, 0 }, 1 }), 1,                    \
      "000000000000000000000000000000003ff0000000000000")                     \
    E(elpq_path(&(elpq_point_xy){ 0, 1 }, 1, true), 1,                        \
      "010000000100000000000000003ff0000000000000")                           \
    E(elpq_polygon(&(elpq_point_xy){ 0, 1 }, 1), 1,                           \
      "0000000100000000000000003ff0000000000000")                             \
    E(elpq_range_empty(O(INT4RANGE)), 1, "01")                                \
    E(elpq_range(O(INT4RANGE),                                                \
                 (const elpq_value[]){ elpq_int64(1), elpq_null(0) }, "[]"),  \
      1, "120000000400000001")                                                \
    E(elpq_range(O(NUMRANGE),                                                 \
                 (const elpq_value[]){ elpq_null(0), elpq_numeric("2.5") },   \
                 "(]"),                                                       \
      0, "(,2.5]")                                                            \
    E(elpq_range(99999,                                                       \
                 (const elpq_value[]){ elpq_text("a,b"), elpq_text("\"") },   \
                 "[)"),                                                       \
      0, "[\"a,b\",\"\"\"\")")                                               \
    E(elpq_multirange(O(INT4MULTIRANGE),                                      \
                      (const elpq_value[]){                                   \
                          elpq_range(0, (const elpq_value[]){                 \
                              elpq_int32(1), elpq_int32(2) }, "[)") }, 1),    \
      1, "0000000100000011020000000400000001" "0000000400000002")             \
    E(elpq_composite(99999,                                                   \
                     (const elpq_value[]){ elpq_int32(1), elpq_null(0),       \
                                           elpq_text(""), elpq_text("a\\") }, \
                     4),                                                      \
      0, "(1,,\"\",\"a\\\\\")")                                             \
    E(elpq_hstore(0, (const elpq_value[]){ elpq_text("a\""), elpq_text(NULL),  \
                                           elpq_text("b"), elpq_text("c") },  \
                  2),                                                         \
      0, "\"a\\\"\"=>NULL, \"b\"=>\"c\"")                                    \
    E(elpq_val(1.5L), 0, "15e-1")                                             \
    E(elpq_long_double(-(long double)INFINITY), 0, "-Infinity")               \
    E(elpq_long_double(123.0L), 0, "123")                                     \
    E(with(O(INT8), elpq_long_double(123.0L)), 1, "000000000000007b")         \
    E(with(O(INT2), elpq_long_double(-5.0L)), 1, "fffb")                      \
    E(with(O(INT8), elpq_long_double(100.0L)), 1, "0000000000000064")         \
    E(with(O(INT8), elpq_long_double(-0x1p63L)), 1, "8000000000000000")       \
    E(elpq_val((elpq_int128_t)INT64_MIN * 4), 0, "-36893488147419103232")     \
    E(with(0, elpq_timestamptz(1)), 0, "1970-01-01 00:00:00.000001+00")       \
    E(with(99999, elpq_timestamptz_unix(0)), 0, "1970-01-01 00:00:00+00")     \
    E(with(0, elpq_timestamp(0)), 0, "1970-01-01 00:00:00")                   \
    E(elpq_array(99999, (const elpq_value[]){ with(0, elpq_timestamptz(0)) }, \
                 1),                                                          \
      0, "{\"1970-01-01 00:00:00+00\"}")                                      \
    E(elpq_timestamptz_unix(0), 1, "fffca2fec4c82000")                        \
    E(elpq_timestamptz_timespec((struct timespec){ -1, 999999999 }), 1,       \
      "fffca2fec4c81fff")                                                     \
    E(elpq_date_tm(&(struct tm){ .tm_year = 100, .tm_mon = 1, .tm_mday = 29 }),\
      1, "0000003b")                                                          \
    E(elpq_timestamp_tm(&(struct tm){ .tm_year = 100, .tm_mday = 1,           \
                                      .tm_sec = 60 }),                        \
      1, "0000000003938700")                                                  \
    E(elpq_inet_in_addr((struct in_addr){ 0x01010101 }), 1,                   \
      "0220000401010101")
/* clang-format on */

/* valgrind has but 64 bits for them, and an infinity is then as any other. */
static bool long_doubles_are_whole(void)
{
    volatile long double infinity = INFINITY;

    return isinf(infinity);
}

START_TEST(test_encodings)
{
#define CASE(value, format, bytes) { value, format, bytes },
    const struct {
        elpq_value value;
        int format;
        const char *bytes;
    } cases[] = { ENCODINGS(CASE) };
#undef CASE
    struct elpq__buf buf = { 0 };
    struct elpq__encoded e;
    char why[200] = "";
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int rc =
            elpq__params_encode(&cases[i].value, 1, &buf, &e, why, sizeof(why));

        if (strcmp(cases[i].bytes, "-Infinity") == 0 &&
            !long_doubles_are_whole())
            continue;

        ck_assert_msg(rc == 0, "%s: %s", cases[i].bytes, why);
        ck_assert_msg(e.format == cases[i].format, "%s: format %d",
                      cases[i].bytes, e.format);
        ck_assert_uint_eq(e.oid, cases[i].value.oid);
        ck_assert_str_eq(shown(&buf, &e), cases[i].bytes);
    }
    elpq__buf_free(&buf);
}
END_TEST

static elpq_value big_array(size_t count)
{
    return elpq_array(O(INT4_ARRAY), NULL, count);
}

static elpq_value odd_array(void)
{
    static const int items[1] = { 1 };

    return elpq_c_array(O(INT4_ARRAY), ELPQ_KIND_INT, 3, items, 1);
}

static elpq_value unknown_kind(void)
{
    return elpq_value_init(O(INT4), (elpq_kind)99);
}

/* A row in a row in a row ... */
static elpq_value deep_value(void)
{
    static elpq_value rows[100];

    rows[0] = elpq_int32(1);
    for (int i = 1; i < 100; i++)
        rows[i] = elpq_composite(0, &rows[i - 1], 1);
    return rows[99];
}

/* clang-format off */
/* value, the words behind "parameter $1: " */
#define REFUSALS(R)                                                           \
    R(with(O(INT2), elpq_int32(70000)),                                       \
      "value 70000 is out of range for type smallint")                        \
    R(with(O(INT4), elpq_int64(INT64_MIN)),                                   \
      "value -9223372036854775808 is out of range for type integer")          \
    R(elpq_uint64(UINT64_MAX),                                                \
      "value 18446744073709551615 is out of range for type bigint")           \
    R(with(O(OID), elpq_int32(-1)), "value -1 is out of range for type oid")  \
    R(with(O(XID8), elpq_int32(-1)),                                          \
      "value -1 is out of range for type xid8")                               \
    R(with(O(BOOL), elpq_int32(2)),                                           \
      "value 2 is out of range for type boolean")                             \
    R(with(O(INT8), elpq_long_double(1.5L)),                                  \
      "value 1.5 is not whole, as needed for type bigint")                    \
    R(with(O(INT8), elpq_long_double(0x1p63L)),                               \
      "value 9223372036854775808 is out of range for type bigint")            \
    R(elpq_array(O(DATE_ARRAY),                                               \
                 (const elpq_value[]){ elpq_text("2020-01-01"),               \
                                       elpq_timestamp(1) }, 2),               \
      "element 2: a time of day cannot be sent as type date")                 \
    R(elpq_range(O(DATERANGE),                                                \
                 (const elpq_value[]){ elpq_text("2020-01-01"),               \
                                       elpq_timestamp(1) }, "[)"),            \
      "bound 2: a time of day cannot be sent as type date")                   \
    R(with(O(BOOL), elpq_uint64(2)),                                          \
      "value 2 is out of range for type boolean")                             \
    R(with(0, elpq_time(-1)), "value -1 is out of range for a time")          \
    R(with(0, elpq_timestamp(INT64_MIN + 1)),                                 \
      "value -9223372036854775807 is out of range for a timestamp")           \
    R(c_array(O(INT4_ARRAY), ELPQ_KIND_ARRAY, 8, NULL),                       \
      "a C array of unknown elements: kind 13, 8 bytes")                      \
    R(with(O(INT4), elpq_double(1.5)),                                        \
      "value 1.5 is not whole, as needed for type integer")                   \
    R(with(O(INT4), elpq_double(1e300)),                                      \
      "value 1e+300 is out of range for type integer")                        \
    R(with(O(INT4), elpq_double(NAN)),                                        \
      "value NaN is out of range for type integer")                           \
    R(with(O(FLOAT4), elpq_double(1e39)),                                     \
      "value 1e+39 is out of range for type real")                            \
    R(with(O(FLOAT4), elpq_double(-1e-60)),                                   \
      "value -1e-60 is out of range for type real")                           \
    R(elpq_textn("a\0b", 3), "text has a NUL byte inside")                    \
    R(bytes_as(O(TEXT), "a\0b", 3),                                           \
      "a value of type text has a NUL byte inside")                           \
    R(bytes_as(O(UUID), "ab", 2), "2 bytes are no value of type uuid")        \
    R(elpq_date_tm(&(struct tm){ .tm_year = 100, .tm_mon = 1, .tm_mday = 30 }),\
      "value -9223372036854775807 is out of range for type date")             \
    R(elpq_inet_sockaddr(&(struct sockaddr){ .sa_family = AF_UNIX }),         \
      "an address of family 0 with 0 bits is no value of type inet")          \
    R(elpq_time(-1),                                                          \
      "value -1 is out of range for type time without time zone")             \
    R(elpq_date(INT64_MAX - 1),                                               \
      "value 9223372036854775806 is out of range for type date")              \
    R(with(O(DATE), elpq_timestamp(1)),                                       \
      "a time of day cannot be sent as type date")                            \
    R(elpq_timestamp(INT64_MIN + 1),                                          \
      "value -9223372036854775807 is out of range for type timestamp "        \
      "without time zone")                                                    \
    R(with(0, elpq_date(INT64_MAX - 1)),                                      \
      "value 9223372036854775806 is out of range for a date")                 \
    R(elpq_array(O(INT2_ARRAY),                                               \
                 (const elpq_value[]){ elpq_int32(1), elpq_int32(70000) },    \
                 2),                                                          \
      "element 2: value 70000 is out of range for type smallint")             \
    R(elpq_array(O(TEXT_ARRAY),                                               \
                 (const elpq_value[]){ elpq_textn("\0", 1) }, 1),             \
      "element 1: a value of type text has a NUL byte inside")                \
    R(elpq_array(O(INT4_ARRAY),                                               \
                 (const elpq_value[]){ elpq_array_int32(NULL, 0) }, 1),       \
      "an array inside an array is empty")                                    \
    R(elpq_array(O(INT4_ARRAY),                                               \
                 (const elpq_value[]){ elpq_array_int32((int[]){ 1 }, 1),     \
                                       elpq_array_int32((int[]){ 1, 2 }, 2) }, \
                 2),                                                          \
      "element 2: arrays inside an array must have one length")               \
    R(elpq_array(O(INT4_ARRAY),                                               \
                 (const elpq_value[]){ elpq_int32(1),                         \
                                       elpq_array_int32((int[]){ 1 }, 1) },   \
                 2),                                                          \
      "element 2: an array among values")                                     \
    R(elpq_array_from(INT32_MAX, elpq_array_int32((int[]){ 1, 2 }, 2)),       \
      "the subscripts of an array are too large")                             \
    R(elpq_array_from(INT32_MAX, elpq_array_int32((int[]){ 1 }, 1)),          \
      "the subscripts of an array are too large")                             \
    R(elpq_cidr((elpq_inet_address){ 4, 8, { 10, 1 } }),                      \
      "a value of type cidr has bits behind its netmask")                     \
    R(elpq_inet((elpq_inet_address){ 5, 8, { 10 } }),                         \
      "an address of family 5 with 8 bits is no value of type inet")          \
    R(elpq_timetz(0, 16 * 3600),                                              \
      "a value is out of range for type time with time zone")                 \
    R(with(0, elpq_money(-123456789)),                                        \
      "money is sent in binary, as type money only")                          \
    R(elpq_array(O(MONEY_ARRAY),                                              \
                 (const elpq_value[]){ elpq_text("1"), elpq_money(1) }, 2),   \
      "element 2: money is sent in binary, as type money only")               \
    R(elpq_path(NULL, 0, true), "0 coordinates are no value of type path")    \
    R(elpq_hstore(0, (const elpq_value[]){ elpq_text("a"), elpq_int32(1) },   \
                  1),                                                         \
      "keys and values of an hstore are text")                                \
    R(elpq_range(O(INT4RANGE),                                                \
                 (const elpq_value[]){ elpq_int64(1), elpq_int64(1ll << 40) }, \
                 "[)"),                                                       \
      "value 1099511627776 is out of range for type integer")                 \
    R(elpq_composite(0, (const elpq_value[]){ elpq_raw(0, "a", 1) }, 1),      \
      "field 1: a raw value has no text form")                                \
    R(elpq_array(0, (const elpq_value[]){ elpq_raw(0, "a", 1) }, 1),          \
      "element 1: a raw value has no text form")                              \
    R(big_array(134217728), "an array of 134217728 elements is too large")    \
    R(odd_array(), "a C array of unknown elements: kind 2, 3 bytes")          \
    R(elpq_textn("", (size_t)1 << 30),                                        \
      "the parameters take more than 1073741824 bytes")                       \
    R(bytes_as(O(BYTEA), "", SIZE_MAX),                                       \
      "the parameters take more than 1073741824 bytes")                       \
    R(unknown_kind(), "a value of unknown kind 99")
/* clang-format on */

START_TEST(test_refusals)
{
#define CASE(value, words) { value, "parameter $1: " words },
    const struct {
        elpq_value value;
        const char *words;
    } cases[] = { REFUSALS(CASE) };
#undef CASE
    struct elpq__buf buf = { 0 };
    struct elpq__encoded e;
    size_t i, room;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[200] = "";

        elpq__buf_clear(&buf);
        ck_assert_int_eq(
            elpq__params_encode(&cases[i].value, 1, &buf, &e, why, sizeof(why)),
            ELPQ_E_VALUE);
        ck_assert_str_eq(why, cases[i].words);
        /* whatever room there is, it is kept to */
        for (room = 0; room < 40; room++) {
            memset(why, '#', sizeof(why));
            ck_assert_int_eq(
                elpq__params_encode(&cases[i].value, 1, &buf, &e, why, room),
                ELPQ_E_VALUE);
            ck_assert_int_eq(why[room], '#');
            ck_assert(room == 0 || memchr(why, '\0', room));
        }
    }
    elpq__buf_free(&buf);
}
END_TEST

START_TEST(test_depth)
{
    elpq_value v = deep_value();
    struct elpq__buf buf = { 0 };
    struct elpq__encoded e;
    char why[600];

    ck_assert_int_eq(elpq__params_encode(&v, 1, &buf, &e, why, sizeof(why)),
                     ELPQ_E_VALUE);
    ck_assert_ptr_nonnull(
        strstr(why, "field 1: values inside of values are too deep"));
    ck_assert_uint_eq(buf.depth, 0);
    elpq__buf_free(&buf);
}
END_TEST

START_TEST(test_names_the_parameter)
{
    const elpq_value values[] = { elpq_int32(1), elpq_text("a\nb"),
                                  elpq_typed(O(INT2), elpq_int32(70000)) };
    struct elpq__encoded e[3];
    struct elpq__buf buf = { 0 };
    char why[100];

    ck_assert_int_eq(elpq__params_encode(values, 3, &buf, e, why, sizeof(why)),
                     ELPQ_E_VALUE);
    ck_assert_str_eq(why, "parameter $3: value 70000 is out of range for "
                          "type smallint");
    /* those before it are as they should be */
    ck_assert_uint_eq(e[1].offset, 4);
    ck_assert_int_eq(e[1].length, 3);
    elpq__buf_free(&buf);
}
END_TEST

START_TEST(test_counts)
{
    static elpq_value values[65536];
    static struct elpq__encoded e[65536];
    struct elpq__buf buf = { 0 };
    char why[100] = "";
    unsigned i;

    for (i = 0; i < 65536; i++)
        values[i] = elpq_int32((int32_t)i);
    ck_assert_int_eq(
        elpq__params_encode(values, 65535, &buf, e, why, sizeof(why)), 0);
    ck_assert_uint_eq(e[65534].offset, 65534 * 4);
    ck_assert_int_eq(
        elpq__params_encode(values, 65536, &buf, e, why, sizeof(why)),
        ELPQ_E_VALUE);
    ck_assert_str_eq(why, "65536 parameters are more than the 65535 that a "
                          "statement can have");
    ck_assert_int_eq(elpq__params_encode(NULL, 0, &buf, NULL, why, sizeof(why)),
                     0);
    elpq__buf_free(&buf);
}
END_TEST

/* The buffer's ceiling, in every way that leads to it. */
START_TEST(test_limit)
{
    static char text[3000];
    static int32_t ints[1000];
    static int16_t shorts[1000];
    elpq_value many[1000];
    elpq_value values[4];
    struct elpq__encoded e;
    char why[100];
    size_t i;

    memset(text, 'a', sizeof(text));
    for (i = 0; i < 1000; i++)
        many[i] = elpq_text("abcdef");
    values[0] = elpq_textn(text, sizeof(text));
    values[1] = elpq_array_int32(ints, 1000);
    values[2] = elpq_array_int16(shorts, 1000);
    values[3] = elpq_array(0, many, 1000);
    for (i = 0; i < 4; i++) {
        struct elpq__buf buf = { .limit = 2048 };

        ck_assert_int_eq(
            elpq__params_encode(&values[i], 1, &buf, &e, why, sizeof(why)),
            ELPQ_E_VALUE);
        ck_assert_ptr_nonnull(strstr(why, "parameter $1: "));
        ck_assert_ptr_nonnull(strstr(why, "take more than 2048 bytes"));
        elpq__buf_free(&buf);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("params");
    TCase *tcase = tcase_create("params");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, test_encodings);
    tcase_add_test(tcase, test_refusals);
    tcase_add_test(tcase, test_depth);
    tcase_add_test(tcase, test_names_the_parameter);
    tcase_add_test(tcase, test_counts);
    tcase_add_test(tcase, test_limit);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every type with a codec, against a real server: generated values go there
 * as binary parameters and come back in binary and in text.  Three judges:
 * the value that was sent, the value of the other format, and the server's
 * own text of it.
 *
 * Plain libpq carries the statements; the driver is not under test here.
 */
#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <elpq/elpq.h>

#include "lib/params.h"
#include "lib/result.h"

#include "type_values.h"

#define PARAMS_MAX 4

static PGconn *conn;

static void command(const char *sql)
{
    PGresult *res = PQexec(conn, sql);

    ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "%s: %s", sql,
                  PQresultErrorMessage(res));
    PQclear(res);
}

static void setup(void)
{
    random_state = 0x9E3779B97F4A7C15u;
    pool_used = 0;
    conn = PQconnectdb("client_encoding=UTF8");
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    command("set datestyle = iso; set timezone = 'UTC';"
            "set intervalstyle = postgres; set bytea_output = hex;"
            "set extra_float_digits = 1; set client_min_messages = error");
}

static void teardown(void)
{
    PQfinish(conn);
}

/* Those that the driver would not ask for in binary, but does read. */
static bool comes_in_text(const PGresult *res)
{
    Oid oid = PQftype(res, 0);

    return oid == ELPQ_OID_MONEY || oid == ELPQ_OID_MONEY_ARRAY ||
           oid == ELPQ_OID_RECORD || oid == ELPQ_OID_RECORD_ARRAY;
}

/* Runs a statement with the driver's own encoding and result. */
static elpq_result *run(const char *sql, const elpq_value *values, unsigned n,
                        int binary)
{
    struct elpq__encoded encoded[PARAMS_MAX];
    struct elpq__buf buf = { 0 };
    const char *data[PARAMS_MAX];
    int lengths[PARAMS_MAX], formats[PARAMS_MAX];
    Oid types[PARAMS_MAX];
    elpq_result *result;
    char why[200] = "";
    PGresult *res;
    unsigned i;
    int rc = elpq__params_encode(values, n, &buf, encoded, why, sizeof(why));

    ck_assert_msg(rc == 0, "%s: %d %s", sql, rc, why);
    for (i = 0; i < n; i++) {
        data[i] = encoded[i].is_null ? NULL : buf.data + encoded[i].offset;
        lengths[i] = encoded[i].length;
        formats[i] = encoded[i].format;
        types[i] = encoded[i].oid;
    }
    res =
        PQexecParams(conn, sql, (int)n, types, data, lengths, formats, binary);
    elpq__buf_free(&buf);
    ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s: %s", sql,
                  PQresultErrorMessage(res));
    ck_assert(!binary || elpq__codecs_binary(res, NULL) || comes_in_text(res));
    result = elpq__result_new(res);
    ck_assert_ptr_nonnull(result);
    return result;
}

/* -------------------------------------------------------------- equality */

static bool same_double(double a, double b)
{
    return (a != a && b != b) || memcmp(&a, &b, sizeof(a)) == 0;
}

static bool same_value(const elpq_value *a, const elpq_value *b)
{
    size_t i;

    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case ELPQ_KIND_NULL:
        return true;
    case ELPQ_KIND_BOOL:
        return a->u.boolean == b->u.boolean;
    case ELPQ_KIND_DOUBLE:
    case ELPQ_KIND_FLOAT:
        return same_double(a->u.float64, b->u.float64);
    case ELPQ_KIND_TEXT:
    case ELPQ_KIND_BYTES:
        return a->u.bytes.size == b->u.bytes.size &&
               memcmp(a->u.bytes.data, b->u.bytes.data, a->u.bytes.size) == 0;
    case ELPQ_KIND_UUID:
        return memcmp(a->u.uuid, b->u.uuid, 16) == 0;
    case ELPQ_KIND_INTERVAL:
        return a->u.interval.months == b->u.interval.months &&
               a->u.interval.days == b->u.interval.days &&
               a->u.interval.microseconds == b->u.interval.microseconds;
    case ELPQ_KIND_TIMETZ:
        return a->u.timetz.microseconds == b->u.timetz.microseconds &&
               a->u.timetz.offset == b->u.timetz.offset;
    case ELPQ_KIND_TID:
        return a->u.tid.block == b->u.tid.block &&
               a->u.tid.offset == b->u.tid.offset;
    case ELPQ_KIND_INET:
    case ELPQ_KIND_MACADDR:
        return a->elem == b->elem && a->width == b->width &&
               memcmp(a->u.inet, b->u.inet, a->kind == ELPQ_KIND_INET ? 16 : 8)
                   == 0;
    case ELPQ_KIND_POINT:
        return same_double(a->u.point.x, b->u.point.x) &&
               same_double(a->u.point.y, b->u.point.y);
    case ELPQ_KIND_DOUBLES:
        for (i = 0; i < a->u.doubles.count && i < b->u.doubles.count; i++)
            if (!same_double(a->u.doubles.items[i], b->u.doubles.items[i]))
                return false;
        return a->u.doubles.count == b->u.doubles.count && a->elem == b->elem;
    case ELPQ_KIND_BITS:
        return a->u.bits.count == b->u.bits.count &&
               memcmp(a->u.bits.data, b->u.bits.data,
                      (a->u.bits.count + 7) / 8) == 0;
    case ELPQ_KIND_RANGE:
    case ELPQ_KIND_MULTIRANGE:
    case ELPQ_KIND_COMPOSITE:
    case ELPQ_KIND_ARRAY:
        if (a->kind == ELPQ_KIND_RANGE && a->elem != b->elem)
            return false;
        for (i = 0; i < a->u.array.count && i < b->u.array.count; i++)
            if (!same_value((const elpq_value *)a->u.array.items + i,
                            (const elpq_value *)b->u.array.items + i))
                return false;
        return a->u.array.count == b->u.array.count &&
               a->u.array.shift == b->u.array.shift;
    default:
        return a->u.int64 == b->u.int64;
    }
}

static const char *string_at(elpq_result *result, size_t row, int column)
{
    elpq_string s = { NULL, 0 };
    int rc = elpq_get_string(result, row, column, &s);

    if (rc == ELPQ_E_NULL)
        return "(null)";
    ck_assert_msg(rc == 0, "row %zu column %d: %s", row, column,
                  elpq_code_name(rc));
    ck_assert_uint_eq(strlen(s.data), s.size);
    return s.data;
}

static elpq_value value_at(elpq_result *result, size_t row, int column)
{
    elpq_value v = elpq_null(0);
    int rc = elpq_get_value(result, row, column, &v);

    ck_assert_msg(rc == 0, "row %zu column %d, %s: %s", row, column,
                  string_at(result, row, column), elpq_code_name(rc));
    return v;
}

static const struct type_case {
    const char *name;
    uint32_t oid;
    uint32_t array_oid;
    generator make;
} types[] = {
#define T(name, id, make)                                                      \
    {                                                                          \
        name, ELPQ_OID_##id, ELPQ_OID_##id##_ARRAY, make                       \
    }
    T("boolean", BOOL, make_bool),
    T("smallint", INT2, make_int),
    T("integer", INT4, make_int),
    T("bigint", INT8, make_int),
    T("oid", OID, make_int),
    T("xid", XID, make_int),
    T("cid", CID, make_int),
    T("xid8", XID8, make_int),
    T("real", FLOAT4, make_float4),
    T("double precision", FLOAT8, make_float8),
    T("numeric", NUMERIC, make_numeric),
    T("text", TEXT, make_text),
    T("varchar", VARCHAR, make_text),
    T("name", NAME, make_text),
    T("\"char\"", CHAR, make_char),
    T("json", JSON, make_json),
    T("jsonb", JSONB, make_json),
    T("bytea", BYTEA, make_bytea),
    T("uuid", UUID, make_uuid),
    T("date", DATE, make_date),
    T("time", TIME, make_time),
    T("timestamp", TIMESTAMP, make_timestamp),
    T("timestamptz", TIMESTAMPTZ, make_timestamp),
    T("interval", INTERVAL, make_interval),
    T("timetz", TIMETZ, make_timetz),
    T("money", MONEY, make_money),
    T("pg_lsn", PG_LSN, make_lsn),
    T("tid", TID, make_tid),
    T("inet", INET, make_inet),
    T("cidr", CIDR, make_inet),
    T("macaddr", MACADDR, make_macaddr),
    T("macaddr8", MACADDR8, make_macaddr),
    T("varbit", VARBIT, make_bits),
    T("point", POINT, make_point),
    T("line", LINE, make_geometry),
    T("lseg", LSEG, make_geometry),
    T("box", BOX, make_geometry),
    T("path", PATH, make_geometry),
    T("polygon", POLYGON, make_geometry),
    T("circle", CIRCLE, make_geometry),
    T("tsvector", TSVECTOR, make_tsvector),
    T("tsquery", TSQUERY, make_tsquery),
    T("xml", XML, make_xml),
    T("jsonpath", JSONPATH, make_jsonpath),
    T("int4range", INT4RANGE, make_range),
    T("int8range", INT8RANGE, make_range),
    T("numrange", NUMRANGE, make_range),
    T("daterange", DATERANGE, make_range),
    T("tsrange", TSRANGE, make_range),
    T("tstzrange", TSTZRANGE, make_range),
    T("int4multirange", INT4MULTIRANGE, make_multirange),
    T("int8multirange", INT8MULTIRANGE, make_multirange),
    T("nummultirange", NUMMULTIRANGE, make_multirange),
    T("datemultirange", DATEMULTIRANGE, make_multirange),
    T("tsmultirange", TSMULTIRANGE, make_multirange),
    T("tstzmultirange", TSTZMULTIRANGE, make_multirange),
#undef T
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

/* ------------------------------------------------------------ round trip */

/*
 * The value sent, if its kind is the natural one; a text's is its server
 * text, which is judged apart.
 */
static void check_row(const elpq_value *sent, elpq_result *binary,
                      elpq_result *text, size_t row, const char *type)
{
    elpq_value b = value_at(binary, row, 0);
    elpq_value t = value_at(text, row, 0);
    const char *mine = string_at(binary, row, 0);
    const char *theirs = string_at(text, row, 0);

    ck_assert_msg(strcmp(mine, theirs) == 0,
                  "%s row %zu: \"%s\" is \"%s\" of the server", type, row, mine,
                  theirs);
    ck_assert_msg(same_value(&b, &t), "%s row %zu: %s decodes differently",
                  type, row, mine);
    ck_assert_msg(sent->kind == ELPQ_KIND_TEXT || same_value(sent, &b),
                  "%s row %zu: sent another than %s", type, row, mine);
}

START_TEST(test_round_trip)
{
    const struct type_case *type = &types[_i];
    static elpq_value values[VALUES];
    elpq_result *binary, *text;
    elpq_value array;
    char sql[200];
    size_t i;

    for (i = 0; i < VALUES; i++)
        values[i] =
            i % 50 == 49 ? elpq_null(type->oid) : type->make(type->oid, (int)i);
    array = elpq_array(type->array_oid, values, VALUES);
    snprintf(sql, sizeof(sql),
             "select v from unnest($1::%s[]) with ordinality as u(v, n)"
             " order by n",
             type->name);
    binary = run(sql, &array, 1, 1);
    text = run(sql, &array, 1, 0);
    ck_assert_uint_eq(elpq_rows(binary), VALUES);
    for (i = 0; i < VALUES; i++)
        check_row(&values[i], binary, text, i, type->name);
    elpq_result_unref(binary);
    elpq_result_unref(text);
}
END_TEST

/* The array as a whole, and single values as parameters of their own. */
START_TEST(test_arrays_and_scalars)
{
    const struct type_case *type = &types[_i];
    elpq_value values[60];
    elpq_value array;
    elpq_result *binary, *text;
    char sql[200];
    int i;

    for (i = 0; i < 60; i++)
        values[i] =
            i % 7 == 6 ? elpq_null(type->oid) : type->make(type->oid, i);
    array = elpq_array(type->array_oid, values, 60);
    snprintf(sql, sizeof(sql), "select $1::%s[]", type->name);
    binary = run(sql, &array, 1, 1);
    text = run(sql, &array, 1, 0);
    /* values of text kind are the server's text, not what was sent */
    if (values[0].kind == ELPQ_KIND_TEXT)
        array = value_at(text, 0, 0);
    check_row(&array, binary, text, 0, type->name);
    elpq_result_unref(binary);
    elpq_result_unref(text);
    snprintf(sql, sizeof(sql), "select $1::%s", type->name);
    for (i = 0; i < 60; i++) {
        binary = run(sql, &values[i], 1, 1);
        text = run(sql, &values[i], 1, 0);
        check_row(&values[i], binary, text, 0, type->name);
        elpq_result_unref(binary);
        elpq_result_unref(text);
    }
}
END_TEST

/* What the text format looks like in other sessions. */
static const struct {
    const char *set;
    const char *type;
    uint32_t oid;
    uint32_t array_oid;
    generator make;
} settings[] = {
    { "set bytea_output = escape", "bytea", ELPQ_OID_BYTEA,
      ELPQ_OID_BYTEA_ARRAY, make_bytea },
    { "set timezone = 'Asia/Kathmandu'", "timestamptz", ELPQ_OID_TIMESTAMPTZ,
      ELPQ_OID_TIMESTAMPTZ_ARRAY, make_timestamp },
    { "set timezone = 'America/St_Johns'", "timestamptz", ELPQ_OID_TIMESTAMPTZ,
      ELPQ_OID_TIMESTAMPTZ_ARRAY, make_timestamp },
    { "set intervalstyle = iso_8601", "interval", ELPQ_OID_INTERVAL,
      ELPQ_OID_INTERVAL_ARRAY, make_interval },
    { "set extra_float_digits = 3", "float8", ELPQ_OID_FLOAT8,
      ELPQ_OID_FLOAT8_ARRAY, make_float8 },
};

START_TEST(test_session_settings)
{
    static elpq_value values[VALUES];
    elpq_result *text;
    elpq_value array, v;
    char sql[200];
    size_t i;

    command(settings[_i].set);
    for (i = 0; i < VALUES; i++)
        values[i] = settings[_i].make(settings[_i].oid, (int)i);
    array = elpq_array(settings[_i].array_oid, values, VALUES);
    snprintf(sql, sizeof(sql), "select unnest($1::%s[])", settings[_i].type);
    text = run(sql, &array, 1, 0);
    ck_assert_uint_eq(elpq_rows(text), VALUES);
    for (i = 0; i < VALUES; i++) {
        v = value_at(text, i, 0);
        ck_assert_msg(same_value(&values[i], &v), "%s row %zu: %s",
                      settings[_i].set, i, string_at(text, i, 0));
    }
    elpq_result_unref(text);
}
END_TEST

/* ---------------------------------------------- what the server makes up */

static const char *const literals[] = {
    "'{}'::int4[]",
    "'[0:1][-1:0]={{1,2},{3,NULL}}'::int4[]",
    "'{{{{{{1,2}}}}},{{{{{3,4}}}}}}'::int8[]",
    "'{\"\",NULL,\"NULL\",\"a b\",\"\\\\\",\"\\\"\",\"{x}\"}'::text[]",
    "'[5:5]={\"2020-02-29 12:34:56.789+00\"}'::timestamptz[]",
    "'{1.50,NaN,-0.00010}'::numeric[]",
    "array['\\x00ff'::bytea, '']",
    "'294276-12-31 23:59:59.999999'::timestamp",
    "'294276-12-31 23:59:59.999999+00'::timestamptz",
    "'4714-11-24 00:00:00 BC'::timestamp",
    "'5874897-12-31'::date",
    "'0001-01-01 BC'::date",
    "''::\"char\"",
    "'ab '::char(5)",
    "'-2147483648 months -2147483648 days -9223372036854775807 us'::interval",
    "1::numeric(1000,500)",
    "repeat('9', 1000)::numeric",
    "('1e-' || 16383)::numeric",
    "1e131071::numeric",
    "' {\"a\": 1} '::json",
    "'{\"a\":   1}'::jsonb",
    "array_fill(0.1::float4, array[2,3,2])",
    "'{\"(1,2),(0,0)\";NULL}'::box[]", /* whose delimiter is another */
    "'[2:3]={\"[1,5)\",empty}'::int4range[]",
    "'{[1,2),(5,6]}'::nummultirange",
    "row(1, null, 'a b', '{1,2}'::int[], row('x\"', '', 1.5))",
    "row()",
    "row(null)",
    "array[row(1, 'a'), row(2, null)]",
    "'01011'::bit(5)",
    "B''::varbit",
    "'::ffff:1.2.3.4'::inet",
    "'::1.2.3.4/96'::inet",
    "'1:2:3:4:5:6:7:8'::inet",
    "'10.1/16'::cidr",
    "'23:59:59.999999-15:59:59'::timetz",
    "'24:00:00+15:59'::timetz",
    "'{}'::int4multirange",
    "'[infinity,infinity]'::daterange",
    "'(,)'::tstzrange",
    "'$.a[*]'::jsonpath",
    "'fat:2,4 cat:3A rat:5,6B'::tsvector",
    "'a & !(b | c) <-> (d <2> e:*AB)'::tsquery",
    ("(select string_agg('w' || n, ' & ')::tsquery from"
     " generate_series(1, 3000) n)"),
    "'18446744073709551615'::xid8",
    /* powers of two, whose neighbours are not equally far */
    "array(select 2::float8 ^ n from generate_series(-1074, 1023) n)",
    "array(select (2::float8 ^ n)::float4 from generate_series(-149, 127) n)",
    "pg_sleep(0)",
};

START_TEST(test_literals)
{
    elpq_result *binary, *text;
    char sql[400];
    elpq_value v;

    snprintf(sql, sizeof(sql), "select %s", literals[_i]);
    binary = run(sql, NULL, 0, 1);
    text = run(sql, NULL, 0, 0);
    ck_assert_str_eq(string_at(binary, 0, 0), string_at(text, 0, 0));
    /* in the last decades a timestamp has a text, but no value */
    if (strncmp(literals[_i], "'294276", 7) == 0)
        ck_assert_int_eq(elpq_get_value(binary, 0, 0, &v), ELPQ_E_RANGE);
    else
        (void)value_at(binary, 0, 0);
    elpq_result_unref(binary);
    elpq_result_unref(text);
}
END_TEST

/* Values of one kind sent as another type, and what the server got. */
static const struct {
    elpq_value value;
    const char *type;
    const char *expected;
} conversions[] = {
#define V(oid, kind_, ...)                                                     \
    {                                                                          \
        oid, ELPQ_KIND_##kind_, 0, 0, 0,                                       \
        {                                                                      \
            __VA_ARGS__                                                        \
        }                                                                      \
    }
    { V(ELPQ_OID_NUMERIC, INT, .int64 = -42), "numeric", "-42" },
    { V(ELPQ_OID_NUMERIC, UINT, .uint64 = UINT64_MAX), "numeric",
      "18446744073709551615" },
    { V(ELPQ_OID_NUMERIC, DOUBLE, .float64 = 0.1), "numeric", "0.1" },
    { V(ELPQ_OID_FLOAT8, INT, .int64 = 3), "float8", "3" },
    { V(ELPQ_OID_INT4, DOUBLE, .float64 = 3.0), "int4", "3" },
    { V(ELPQ_OID_INT8, BOOL, .boolean = true), "int8", "1" },
    { V(ELPQ_OID_BOOL, INT, .int64 = 1), "bool", "true" },
    { V(ELPQ_OID_TEXT, INT, .int64 = 18), "text", "18" },
    { V(ELPQ_OID_TEXT, BOOL, .boolean = false), "text", "false" },
    { V(ELPQ_OID_TEXT, DOUBLE, .float64 = 1e100), "text", "1e+100" },
    { V(ELPQ_OID_TEXT, DATE, .int64 = 0), "text", "1970-01-01" },
    { V(ELPQ_OID_JSONB, INT, .int64 = 7), "jsonb", "7" },
    { V(ELPQ_OID_MONEY, INT, .int64 = 7), "money::numeric", "7.00" },
    { V(ELPQ_OID_TIMESTAMP, DATE, .int64 = 1), "timestamp",
      "1970-01-02 00:00:00" },
    { V(ELPQ_OID_DATE, TIMESTAMP, .int64 = 86400000000), "date", "1970-01-02" },
    { V(ELPQ_OID_NONE, INT, .int64 = 5), "int2", "5" },
    { V(ELPQ_OID_NONE, TIMESTAMP, .int64 = 1), "timestamp",
      "1970-01-01 00:00:00.000001" },
    { V(ELPQ_OID_NONE, INTERVAL, .interval = { -1, 2, -3 }), "interval",
      "-3 mons +2 days -00:00:00.000001" },
    { V(ELPQ_OID_NONE, TEXT, .bytes = { "{1,2}", 5 }), "int[]", "{1,2}" },
    { V(ELPQ_OID_NONE, UUID, .uuid = { 1 }), "uuid",
      "01000000-0000-0000-0000-000000000000" },
    { V(ELPQ_OID_NONE, BYTES, .bytes = { "\0\1", 2 }), "bytea", "\\x0001" },
#undef V
};

START_TEST(test_conversions)
{
    elpq_result *result;
    char sql[200];

    snprintf(sql, sizeof(sql), "select ($1::%s)::text", conversions[_i].type);
    result = run(sql, &conversions[_i].value, 1, 1);
    ck_assert_str_eq(string_at(result, 0, 0), conversions[_i].expected);
    elpq_result_unref(result);
}
END_TEST

/* C arrays, and element types that force the literal form. */
START_TEST(test_c_arrays)
{
    static const bool bools[] = { true, false };
    static const int16_t shorts[] = { 1, -2 };
    static const int32_t ints[] = { INT32_MIN, 7, INT32_MAX };
    static const int64_t longs[] = { INT64_MIN, INT64_MAX };
    static const float floats[] = { 0.1f, -1e30f };
    static const double doubles[] = { 0.1, -1e300 };
    static const char *const texts[] = { "a b", NULL, "", "q\"\\" };
    const struct {
        elpq_value value;
        const char *type;
        const char *expected;
    } cases[] = {
        { elpq_array_bool(bools, 2), "bool[]", "{t,f}" },
        { elpq_array_int16(shorts, 2), "int2[]", "{1,-2}" },
        { elpq_array_int32(ints, 3), "int4[]", "{-2147483648,7,2147483647}" },
        { elpq_array_int64(longs, 2), "int8[]",
          "{-9223372036854775808,9223372036854775807}" },
        { elpq_array_float(floats, 2), "float4[]", "{0.1,-1e+30}" },
        { elpq_array_double(doubles, 2), "float8[]", "{0.1,-1e+300}" },
        { elpq_array_text(texts, 4), "text[]",
          "{\"a b\",NULL,\"\",\"q\\\"\\\\\"}" },
        { elpq_array_int32(NULL, 0), "int4[]", "{}" },
        { elpq_typed(ELPQ_OID_INT8_ARRAY, elpq_array_int32(ints + 1, 1)),
          "int8[]", "{7}" },
        { elpq_typed(ELPQ_OID_NUMERIC_ARRAY, elpq_array_double(doubles, 1)),
          "numeric[]", "{0.1}" },
        { elpq_typed(ELPQ_OID_NONE, elpq_array_text(texts, 4)), "text[]",
          "{\"a b\",NULL,\"\",\"q\\\"\\\\\"}" },
        { elpq_typed(ELPQ_OID_VARCHAR_ARRAY, elpq_array_text(texts, 4)),
          "varchar[]", "{\"a b\",NULL,\"\",\"q\\\"\\\\\"}" },
    };
    elpq_result *result;
    char sql[200];

    ck_assert_int_lt(_i, (int)(sizeof(cases) / sizeof(cases[0])));
    snprintf(sql, sizeof(sql), "select ($1::%s)::text", cases[_i].type);
    result = run(sql, &cases[_i].value, 1, 1);
    ck_assert_str_eq(string_at(result, 0, 0), cases[_i].expected);
    elpq_result_unref(result);
}
END_TEST

/* What elpq_get_value() gives can be sent back as it is. */
START_TEST(test_send_back)
{
    static const char *const sqls[] = {
        "select '[0:1][-1:0]={{1,2},{3,NULL}}'::int4[]",
        "select '[-2147483648:-2147483647]={1,2}'::int4[]",
        "select '[2147483645:2147483646]={1,2}'::int4[]",
        "select '{{a,b},{\"c d\",NULL}}'::text[]",
        "select '{1.5,2.25}'::numeric[]",
        "select '1 year -2 days'::interval",
        "select '(1,2)'::point",
        "select '[(1,2),(3,4)]'::path",
        "select '{[1,2),[5,)}'::int8multirange",
        "select '{\"[1,2)\",empty,NULL}'::numrange[]",
        "select '{{{1}},{{2}}}'::int4[]",
        "select '{{101,1},{01,NULL}}'::varbit[]",
        "select '10.0.0.0/8'::cidr",
        "select array['fat:2 cat:3A'::tsvector]",
    };
    int i, format;

    for (i = 0; i < (int)(sizeof(sqls) / sizeof(sqls[0])); i++)
        for (format = 0; format < 2; format++) {
            int binary = format;
            elpq_result *first = run(sqls[i], NULL, 0, binary);
            elpq_value v = value_at(first, 0, 0);
            elpq_result *second = run("select $1", &v, 1, binary);

            ck_assert_str_eq(string_at(first, 0, 0), string_at(second, 0, 0));
            elpq_result_unref(first);
            elpq_result_unref(second);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("types");
    TCase *tcase = tcase_create("types");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_round_trip, 0, TYPES);
    tcase_add_loop_test(tcase, test_arrays_and_scalars, 0, TYPES);
    tcase_add_loop_test(tcase, test_session_settings, 0,
                        sizeof(settings) / sizeof(settings[0]));
    tcase_add_loop_test(tcase, test_literals, 0,
                        sizeof(literals) / sizeof(literals[0]));
    tcase_add_loop_test(tcase, test_conversions, 0,
                        sizeof(conversions) / sizeof(conversions[0]));
    tcase_add_loop_test(tcase, test_c_arrays, 0, 12);
    tcase_add_test(tcase, test_send_back);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

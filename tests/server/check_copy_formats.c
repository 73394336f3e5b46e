/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY of rows in its two formats: one column whose type has no binary form
 * here makes all of them go as text, and what the others store is the same.
 */
#include "copy_rows.h"

struct load {
    struct answer *answer;
};

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    struct load *l = arg;

    ck_assert((type == NULL) != (error == NULL));
    on_done(error, l->answer);
}

static void load(elpq_conn *conn, const char *name)
{
    struct load l = { answer_new() };

    ck_assert_int_eq(CALL(elpq_load_type(conn, name, NULL, on_type, &l)), 0);
    expect_ok(l.answer);
}

/* In a session whose zone is far from UTC, with domains. */
static elpq_conn *with_domains(void)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(script(conn,
                     "set timezone = 'America/New_York';"
                     " set lc_monetary = 'C';"
                     " create domain pg_temp.moment as timestamptz;"
                     " create domain pg_temp.area as box;"
                     " create domain pg_temp.words as tsvector",
                     NULL));
    load(conn, "pg_temp.moment");
    load(conn, "pg_temp.area");
    load(conn, "pg_temp.words");
    return conn;
}

/* The value in a column of that type: what is stored, or NULL if refused. */
static const char *stored(elpq_conn *conn, const char *type, elpq_value v,
                          bool as_text)
{
    elpq_value row[] = { v, elpq_numeric("1") };
    unsigned n = as_text ? 2 : 1;
    struct flow f;
    char sql[200];
    int rc;

    snprintf(sql, sizeof(sql),
             "drop table if exists r; create temp table r"
             " (c %s%s)",
             type, as_text ? ", n numeric" : "");
    expect_ok(script(conn, sql, NULL));
    start(&f, conn, &rows_in);
    rc = CALL(elpq_copy_put(f.copy, row, n));
    ck_assert(rc == 0 || rc == ELPQ_E_VALUE);
    finish(&f); /* whatever was refused, the COPY goes on */
    return rc ? NULL
              : elpq_get_text(
                    expect_ok(ask(conn, elpq_sql("select c::text from r")))
                        ->result,
                    0, 0);
}

static void expect_stored(elpq_conn *conn, const char *type, elpq_value v,
                          const char *expected)
{
    for (int as_text = 0; as_text < 2; as_text++) {
        const char *got = stored(conn, type, v, as_text);

        ck_assert_msg(expected ? got && strcmp(got, expected) == 0 : !got,
                      "%s as %s: %s instead of %s", type,
                      as_text ? "text" : "binary", got ? got : "refused",
                      expected ? expected : "refused");
    }
}

/* The codec of the column has its say in both. */
START_TEST(values_are_those_of_the_column)
{
    static const elpq_box_corners box = { { 3, 4 }, { 1, 2 } };
    elpq_conn *conn = with_domains();
    const char *moment = "1969-12-31 19:00:00-05";

    ck_assert_str_eq(stored(conn, "int", elpq_int32(-7), true), "-7");
    expect_stored(conn, "date", elpq_timestamp(1000001), NULL);
    expect_stored(conn, "date", elpq_timestamp(86400000000), "1970-01-02");
    expect_stored(conn, "timestamptz", elpq_timestamp(0), moment);
    expect_stored(conn, "pg_temp.moment", elpq_timestamp(0), moment);
    expect_stored(conn, "int2", elpq_int32(70000), NULL);
    expect_stored(conn, "int2", elpq_double(1.5), NULL);
    expect_stored(conn, "int8", elpq_double(1e15), "1000000000000000");
    expect_stored(conn, "int8", elpq_long_double(100.0L), "100");
    expect_stored(conn, "int8", elpq_long_double(-5.0L), "-5");
    expect_stored(conn, "int8", elpq_long_double(1.5L), NULL);
    expect_stored(conn, "int8", elpq_long_double(0x1p63L), NULL);
    expect_stored(conn, "float8", elpq_long_double(123.0L), "123");
    expect_stored(conn, "float4", elpq_double(1e300), NULL);
    expect_stored(conn, "bool", elpq_int32(1), "true");
    expect_stored(conn, "bool", elpq_int32(2), NULL);
    expect_stored(conn, "pg_temp.area", elpq_box(&box), "(3,4),(1,2)");
    expect_stored(conn, "text", elpq_int32(5), "5");
    expect_stored(conn, "text", elpq_bool(true), "true");
    expect_stored(conn, "bytea", elpq_bytea("a\\b\0", 4), "\\x615c6200");
    ck_assert_str_eq(stored(conn, "pg_temp.words", elpq_bytea("cat", 3), true),
                     "'cat'");
    close_conn(conn);
}
END_TEST

START_TEST(arrays_are_those_of_the_column)
{
    elpq_value moments[] = { elpq_timestamp(0), elpq_null(0) };
    elpq_value numbers[] = { elpq_int32(1), elpq_int32(70000) };
    elpq_value bytes[] = { elpq_bytea("abc", 3), elpq_int32(5) };
    elpq_value days[] = { elpq_text("2020-01-01"), elpq_timestamp(1) };
    elpq_value cents[] = { elpq_money(5) };
    elpq_value units[] = { elpq_int32(5) };
    elpq_conn *conn = with_domains();

    expect_stored(conn, "timestamptz[]",
                  elpq_array(ELPQ_OID_TIMESTAMP_ARRAY, moments, 2),
                  "{\"1969-12-31 19:00:00-05\",NULL}");
    expect_stored(conn, "int2[]", elpq_array(ELPQ_OID_INT4_ARRAY, numbers, 2),
                  NULL);
    expect_stored(conn, "date[]", elpq_array(ELPQ_OID_DATE_ARRAY, days, 2),
                  NULL);
    ck_assert_str_eq(
        stored(conn, "text[]", elpq_array(ELPQ_OID_TEXT_ARRAY, bytes, 2), true),
        "{abc,5}");
    /* Money is never printed, and read by the server only. */
    ck_assert_str_eq(stored(conn, "money[]",
                            elpq_array(ELPQ_OID_MONEY_ARRAY, cents, 1), false),
                     "{$0.05}");
    ck_assert_ptr_null(stored(
        conn, "money[]", elpq_array(ELPQ_OID_MONEY_ARRAY, cents, 1), true));
    ck_assert_str_eq(stored(conn, "money[]",
                            elpq_array(ELPQ_OID_MONEY_ARRAY, units, 1), true),
                     "{$5.00}");
    close_conn(conn);
}
END_TEST

/* In binary, text is read here, as the server would. */
START_TEST(text_is_read_as_the_column)
{
    static const char *const yes[] = { "t", "TRUE", "tr", "y", "yes", "on",
                                       "1", " true\n" };
    static const char *const no[] = { "f", "False", "n", "no", "off", "of",
                                      "0" };
    static const char *const neither[] = { "", "o", "truest", "2", "on e" };
    elpq_conn *conn = with_domains();

    ck_assert_ptr_null(stored(conn, "float8", elpq_text("1e-400"), false));
    ck_assert_ptr_null(stored(conn, "float4", elpq_text("-1.0e-50"), false));
    expect_stored(conn, "float8", elpq_text("0e-400"), "0");
    expect_stored(conn, "float8", elpq_text("-0.0"), "-0");
    expect_stored(conn, "float4", elpq_text("1e-40"), "1e-40");
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        expect_stored(conn, "bool", elpq_text(yes[i]), "true");
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        expect_stored(conn, "bool", elpq_text(no[i]), "false");
    for (size_t i = 0; i < sizeof(neither) / sizeof(neither[0]); i++)
        ck_assert_ptr_null(stored(conn, "bool", elpq_text(neither[i]), false));
    expect_stored(conn, "bool", elpq_double(1), "true");
    expect_stored(conn, "bit(3)", elpq_text("101"), "101");
    expect_stored(conn, "varbit", elpq_text(""), "");
    ck_assert_ptr_null(stored(conn, "bit(3)", elpq_text("102"), false));
    expect_stored(conn, "bytea", elpq_text("\\x00fF"), "\\x00ff");
    expect_stored(conn, "bytea", elpq_text("a\\\\b\\001"), "\\x615c6201");
    ck_assert_ptr_null(stored(conn, "bytea", elpq_text("\\x0"), false));
    /* What the server alone can read. */
    ck_assert_ptr_null(stored(conn, "int[]", elpq_text("{1,2}"), false));
    ck_assert_str_eq(stored(conn, "int[]", elpq_text("{1,2}"), true), "{1,2}");
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "formats", 0);

    tcase_add_test(t, values_are_those_of_the_column);
    tcase_add_test(t, arrays_are_those_of_the_column);
    tcase_add_test(t, text_is_read_as_the_column);
}

int main(void)
{
    return harness_main("copy_formats", build);
}

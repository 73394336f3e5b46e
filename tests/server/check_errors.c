/* SPDX-License-Identifier: PostgreSQL */
/*
 * Errors: every diagnostic field of the server, values that cannot be sent,
 * limits, and getters of the wrong type.  Each must be clear, and must leave
 * the connection usable, or closed where the contract says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

static elpq_conn *conn;

static void setup(void)
{
    harness_setup();
    conn = connect_now(NULL, NULL);
}

/* Whatever the test did, the connection still works, if it is open. */
static void teardown(void)
{
    if (conn)
        expect_int(ask(conn, elpq_sql("select 99")), 99);
    close_conn(conn);
    conn = NULL;
    harness_teardown();
}

/* ------------------------------------------------------- diagnostic fields */

START_TEST(every_field_of_the_server)
{
    struct answer *a = ask(conn, elpq_sql(
        "do $$ begin raise exception 'the message' using errcode = 'ZX123',"
        " detail = 'the detail', hint = 'the hint', schema = 'the schema',"
        " table = 'the table', column = 'the column',"
        " datatype = 'the type', constraint = 'the constraint'; end $$"));
    const elpq_error *e;

    expect_error(a, ELPQ_E_SERVER, "ZX123", 0);
    e = a->error;
    ck_assert_str_eq(e->severity, "ERROR");
    ck_assert_str_eq(e->message, "the message");
    ck_assert_str_eq(e->detail, "the detail");
    ck_assert_str_eq(e->hint, "the hint");
    ck_assert_str_eq(e->schema, "the schema");
    ck_assert_str_eq(e->table, "the table");
    ck_assert_str_eq(e->column, "the column");
    ck_assert_str_eq(e->datatype, "the type");
    ck_assert_str_eq(e->constraint, "the constraint");
    ck_assert_ptr_nonnull(strstr(e->context, "PL/pgSQL"));
    ck_assert_str_eq(e->source_file, "pl_exec.c");
    ck_assert_str_eq(e->source_function, "exec_stmt_raise");
    ck_assert_int_gt(atoi(e->source_line), 0);
    ck_assert_int_eq(e->position, 0);
    ck_assert_ptr_null(e->internal_query);
}
END_TEST

START_TEST(fields_that_are_missing_are_null)
{
    struct answer *a = ask(conn, elpq_sql("select 1 / $1", 0));
    const elpq_error *e;

    expect_error(a, ELPQ_E_SERVER, "22012", 0);
    e = a->error;
    ck_assert_str_eq(e->message, "division by zero");
    ck_assert_ptr_null(e->detail);
    ck_assert_ptr_null(e->hint);
    ck_assert_ptr_null(e->schema);
    ck_assert_ptr_null(e->table);
    ck_assert_ptr_null(e->column);
    ck_assert_ptr_null(e->constraint);
    ck_assert_ptr_null(e->context);
    ck_assert_int_eq(e->position, 0);
    ck_assert_int_eq(e->internal_position, 0);
}
END_TEST

/* In characters, not in bytes. */
START_TEST(position_in_the_text)
{
    struct answer *a =
        ask(conn, elpq_sql("select '\xc3\xa9\xe2\x82\xac', no_such_column"));

    expect_error(a, ELPQ_E_SERVER, "42703", 0);
    ck_assert_int_eq(a->error->position, 14);
    expect_message(a, "no_such_column");
}
END_TEST

START_TEST(internal_query_and_position)
{
    struct answer *a = ask(conn, elpq_sql("do $$ begin perform nothing;"
                                          " end $$"));

    expect_error(a, ELPQ_E_SERVER, "42703", 0);
    ck_assert_str_eq(a->error->internal_query, "SELECT nothing");
    ck_assert_int_eq(a->error->internal_position, 8);
    ck_assert_int_eq(a->error->position, 0);
}
END_TEST

START_TEST(constraints)
{
    struct answer *a;

    expect_ok(script(conn,
                     "create domain pg_temp.small as int"
                     "  constraint is_small check (value < 10);"
                     "create temp table p (n int constraint p_key primary key,"
                     "  m int not null default 0, k int constraint positive"
                     "  check (k > 0), d pg_temp.small);"
                     "insert into p values (1)", NULL));
    a = expect_error(ask(conn, elpq_sql("insert into p values (1)")),
                     ELPQ_E_SERVER, "23505", 0);
    ck_assert_str_eq(a->error->constraint, "p_key");
    ck_assert_str_eq(a->error->table, "p");
    ck_assert_str_eq(a->error->detail, "Key (n)=(1) already exists.");
    a = expect_error(ask(conn, elpq_sql("insert into p values (2, null)")),
                     ELPQ_E_SERVER, "23502", 0);
    ck_assert_str_eq(a->error->column, "m");
    ck_assert_str_eq(a->error->table, "p");
    a = expect_error(ask(conn, elpq_sql("insert into p values (2, 1, 0)")),
                     ELPQ_E_SERVER, "23514", 0);
    ck_assert_str_eq(a->error->constraint, "positive");
    a = expect_error(ask(conn, elpq_sql("select $1::pg_temp.small", "11")),
                     ELPQ_E_SERVER, "23514", 0);
    ck_assert_str_eq(a->error->datatype, "small");
    ck_assert_str_eq(a->error->constraint, "is_small");
}
END_TEST

START_TEST(some_codes_are_retryable)
{
    static const struct {
        const char *code;
        unsigned flags;
    } cases[] = { { "40001", ELPQ_RETRYABLE }, { "40P01", ELPQ_RETRYABLE },
                  { "23505", 0 },              { "42601", 0 },
                  { "P0001", 0 } };
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_error(
            ask(conn, sql_format("do $$ begin raise exception 'x' using"
                                 " errcode = '%s'; end $$",
                                 cases[i].code)),
            ELPQ_E_SERVER, cases[i].code, cases[i].flags);
}
END_TEST

/* Rows that came before the error are not a result. */
START_TEST(an_error_after_some_rows)
{
    struct answer *a = ask(conn, elpq_sql("select 1 / (5000 - g) from"
                                          " generate_series(1, 9000) g"));

    expect_error(a, ELPQ_E_SERVER, "22012", 0);
    ck_assert_ptr_null(a->result);
}
END_TEST

START_TEST(long_messages_come_whole)
{
    struct answer *a =
        ask(conn, elpq_sql("do $$ begin raise exception '%',"
                           " repeat('long ', 20000); end $$"));

    expect_error(a, ELPQ_E_SERVER, "P0001", 0);
    ck_assert_uint_eq(strlen(a->error->message), 100000);
}
END_TEST

START_TEST(copies_and_names_of_errors)
{
    struct answer *a = ask(conn, elpq_sql("select no_such_column"));
    elpq_error *copy;
    int code, other;

    expect_error(a, ELPQ_E_SERVER, "42703", 0);
    copy = elpq_error_dup(a->error);
    ck_assert_ptr_nonnull(copy);
    ck_assert_ptr_ne(copy->message, a->error->message);
    ck_assert_str_eq(copy->message, a->error->message);
    ck_assert_str_eq(copy->sqlstate, "42703");
    ck_assert_int_eq(copy->position, 8);
    elpq_error_free(copy);
    elpq_error_free(NULL);
    for (code = 0; code >= ELPQ_E_DECODE; code--)
        for (other = 0; other > code; other--) {
            ck_assert_str_ne(elpq_code_name(code), elpq_code_name(other));
            ck_assert_str_ne(elpq_strerror(code), elpq_strerror(other));
        }
    ck_assert_str_eq(elpq_code_name(ELPQ_E_TIMEOUT), "ELPQ_E_TIMEOUT");
    ck_assert_ptr_nonnull(elpq_code_name(-12345));
    ck_assert_ptr_nonnull(elpq_strerror(12345));
}
END_TEST

/* ------------------------------------------------------------------ values */

/* The message names the parameter. */
static void expect_bad_value(const elpq_statement *st, const char *parameter)
{
    struct answer *a = ask(conn, st), *next = ask(conn, elpq_sql("select 7"));

    expect_error(a, ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
    expect_message(a, parameter);
    expect_int(next, 7);
}

START_TEST(values_that_cannot_be_sent)
{
    const elpq_value nul = elpq_textn("a\0b", 3);
    const elpq_value big = elpq_typed(ELPQ_OID_INT2, elpq_int32(70000));

    expect_bad_value(elpq_sql("select $1::text", nul), "$1");
    expect_bad_value(elpq_sql("select $1::int, $2::text", 1, nul), "$2");
    expect_bad_value(elpq_sql("select $1", big), "$1");
    expect_bad_value(elpq_sql("select $1::int, $2", 1, big), "$2");
    expect_bad_value(elpq_sql("select $1", elpq_uint64(UINT64_MAX)), "$1");
    expect_bad_value(elpq_sql("select $1",
                              elpq_typed(ELPQ_OID_OID, elpq_int32(-1))), "$1");
    expect_bad_value(elpq_sql("select $1", elpq_time(-1)), "$1");
    expect_bad_value(elpq_sql("select $1",
                              elpq_typed(ELPQ_OID_INT4, elpq_double(1.5))),
                     "$1");
    expect_bad_value(elpq_sql("select $1", elpq_array_text(
        (const char *const[]){ "x" }, SIZE_MAX / 2)), "$1");
}
END_TEST

/* Text is not ours to judge: the server does. */
START_TEST(values_that_the_server_refuses)
{
    struct answer *a;

    a = expect_error(ask(conn, elpq_sql("select $1::int", "12x")),
                     ELPQ_E_SERVER, "22P02", 0);
    expect_message(a, "12x");
    expect_error(ask(conn, elpq_sql("select $1::text", "\xff\xfe")),
                 ELPQ_E_SERVER, "22021", 0);
    expect_error(ask(conn, elpq_sql("select $1", elpq_numeric("1.2.3"))),
                 ELPQ_E_SERVER, "22P02", 0);
    expect_error(ask(conn, elpq_sql("select $1", elpq_json("{"))),
                 ELPQ_E_SERVER, "22P02", 0);
    expect_error(ask(conn, elpq_sql("select $1", elpq_raw(ELPQ_OID_INT4, "x",
                                                          1))),
                 ELPQ_E_SERVER, "08P01", 0);
    expect_error(ask(conn, elpq_sql("select $1", elpq_text_as(4000000000u,
                                                              "x", 1))),
                 ELPQ_E_SERVER, "XX000", 0);
}
END_TEST

START_TEST(a_value_out_of_range_for_the_column)
{
    expect_ok(ask(conn, elpq_sql("create temp table t (n int2, c char(2))")));
    expect_error(ask(conn, elpq_sql("insert into t (n) values ($1)", 70000)),
                 ELPQ_E_SERVER, "22003", 0);
    expect_error(ask(conn, elpq_sql("insert into t (c) values ($1)", "abc")),
                 ELPQ_E_SERVER, "22001", 0);
    expect_int(ask(conn, elpq_sql("select count(*) from t")), 0);
}
END_TEST

/* Too few values: prepared or not, first run or second.  Too many are not
 * the server's concern: it has learned their types, and does not use them. */
START_TEST(the_wrong_number_of_values)
{
    unsigned flags[] = { 0, ELPQ_NO_PREPARE };
    int i, run;

    for (i = 0; i < 2; i++) {
        elpq_options o = { .flags = flags[i] };

        for (run = 0; run < 2; run++) {
            struct answer *few =
                ask_with(conn, elpq_sql("select $1::int, $2::int", 1), &o);
            struct answer *many =
                ask_with(conn, elpq_sql("select $1::int", 1, 2), &o);
            struct answer *none =
                ask_with(conn, elpq_sql("select $1::int"), &o);

            expect_error(few, ELPQ_E_SERVER, "08P01", 0);
            expect_int(many, 1);
            expect_error(none, ELPQ_E_SERVER, "08P01", 0);
        }
    }
}
END_TEST

START_TEST(a_nul_byte_in_the_sql)
{
    static const char sql[] = "select 1\0; drop table users";
    elpq_statement st = { sql, sizeof(sql) - 1, NULL, 0, 0 };
    struct answer *a = answer_new();
    const int rc = CALL(elpq_conn_execute(conn, &st, NULL, on_result, a));

    if (rc != 0) {
        ck_assert_int_eq(rc, ELPQ_E_USAGE);
        a->wanted = 0;
    } else {
        expect_error(a, ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
    }
}
END_TEST

/* ------------------------------------------------------------------ limits */

/* select $1::int + ... would nest too deep: an array of all parameters. */
static char *many_parameters(unsigned n)
{
    char *sql = malloc(n * 8 + 100), *p = sql;
    unsigned i;

    p += sprintf(p, "select array_length(array[");
    for (i = 1; i <= n; i++)
        p += sprintf(p, "%s$%u", i > 1 ? "," : "", i);
    strcpy(p, "], 1)");
    return sql;
}

static elpq_statement statement_of(unsigned n)
{
    elpq_value *values = calloc(n, sizeof(*values));
    unsigned i;

    ck_assert_ptr_nonnull(values);
    for (i = 0; i < n; i++)
        values[i] = elpq_int32((int32_t)i);
    return elpq_sql_from_trusted_string(many_parameters(n), values, n);
}

static void free_statement(elpq_statement st)
{
    free((void *)(uintptr_t)st.sql);
    free((void *)(uintptr_t)st.values);
}

START_TEST(most_parameters_there_are)
{
    const unsigned counts[] = { 7499, 30000, 65535 };
    int i;

    for (i = 0; i < 3; i++) {
        elpq_statement st = statement_of(counts[i]);

        expect_int(ask(conn, &st), counts[i]);
        expect_int(ask(conn, &st), counts[i]);
        free_statement(st);
    }
}
END_TEST

START_TEST(one_parameter_too_many)
{
    elpq_statement st = statement_of(65536);
    struct answer *a = answer_new();
    const int rc = CALL(elpq_conn_execute(conn, &st, NULL, on_result, a));

    if (rc != 0) {
        ck_assert_int_eq(rc, ELPQ_E_USAGE);
        a->wanted = 0;
    } else {
        expect_error(a, ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
        expect_message(a, "65535");
    }
    free_statement(st);
}
END_TEST

START_TEST(large_values_and_texts)
{
    const size_t size = 8u << 20;
    char *text = malloc(size + 1);
    struct answer *a;

    memset(text, 'x', size);
    text[size] = '\0';
    a = ask(conn, elpq_sql("select $1::text", text));
    expect_ok(a);
    ck_assert_uint_eq(strlen(answer_text(a)), size);
    memcpy(text, "select 5 --", 11);
    expect_int(ask(conn, sql_text(text)), 5);
    free(text);
}
END_TEST

/* Of which there is no end: but they are no answer. */
START_TEST(notices_do_not_count)
{
    elpq_conn_options o = { .max_result_bytes = 1 << 20 };

    close_conn(conn);
    conn = connect_now(NULL, &o);
    expect_ok(ask(conn, elpq_sql("do $$ begin for i in 1 .. 3000 loop"
                                 " raise notice '%', repeat('x', 1000);"
                                 " end loop; end $$")));
    ck_assert(elpq_conn_is_open(conn));
}
END_TEST

START_TEST(a_result_above_the_limit_closes_the_connection)
{
    elpq_conn_options o = { .max_result_bytes = 1 << 20 };
    struct answer *small, *large, *behind;
    int turns = 0;

    close_conn(conn);
    conn = connect_now(NULL, &o);
    small = ask(conn, elpq_sql("select repeat('x', 500000)"));
    large = ask(conn, elpq_sql("select repeat('x', 1000) from"
                               " generate_series(1, 50000)"));
    behind = ask(conn, elpq_sql("select 1"));
    expect_ok(small);
    await(large);
    ck_assert_int_eq(large->code, ELPQ_E_LIMIT);
    expect_message(large, "max_result_bytes");
    await(behind);
    ck_assert_int_ne(behind->code, 0);
    while (elpq_conn_is_open(conn) && turns++ < 100)
        run_turns(1);
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
    conn = NULL;
}
END_TEST

/* One row is as good as many. */
START_TEST(one_huge_row_is_above_the_limit_too)
{
    elpq_pool_options o = { .max_size = 1,
                            .conn.max_result_bytes = 1 << 20 };
    elpq_pool *pool = pool_new(&o);
    struct answer *a = ask(pool, elpq_sql("select repeat('x', 30000000)"));

    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_LIMIT);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).connects, 2);
    finish_pool(pool);
}
END_TEST

START_TEST(many_columns)
{
    char *sql = malloc(1664 * 8 + 20), *p = sql;
    struct answer *a;
    int i;

    p += sprintf(p, "select 0");
    for (i = 1; i < 1664; i++)
        p += sprintf(p, ",%d", i);
    a = expect_ok(ask(conn, sql_text(sql)));
    a = expect_ok(ask(conn, sql_text(sql)));
    ck_assert_int_eq(elpq_columns(a->result), 1664);
    ck_assert_str_eq(elpq_get_text(a->result, 0, 1663), "1663");
    free(sql);
}
END_TEST

/* ----------------------------------------------------------------- getters */

static void expect_getter_errors(elpq_result *r)
{
    int32_t n = 77;
    int16_t small = 78;
    bool b = true;
    elpq_uuid_bytes u;
    elpq_column_info info;
    int failed = -1;

    ck_assert_int_eq(elpq_get_int32(r, 1, 0, &n), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_get_int32(r, 0, 4, &n), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_get_int32(r, 0, -1, &n), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_get_int32(r, SIZE_MAX, 0, &n), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_get_int16(r, 0, 0, &small), ELPQ_E_RANGE);
    ck_assert_int_eq(elpq_get_int32(r, 0, 1, &n), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_int32(r, 0, 2, &n), ELPQ_E_NULL);
    ck_assert_int_eq(elpq_get_bool(r, 0, 0, &b), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_get_uuid(r, 0, 1, &u), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_column_at(r, 4, &info), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_column_at(r, -1, &info), ELPQ_E_INDEX);
    ck_assert_int_eq(elpq_column(r, "no_such"), -1);
    ck_assert_int_eq(elpq_scan(r, 0, &n, &n), ELPQ_E_TYPE);
    ck_assert_int_eq(elpq_scan_v(r, 0,
                                 (elpq_target[]){ elpq_into(int32, &n),
                                                  elpq_skip(),
                                                  elpq_into(int32, &n) },
                                 3, &failed),
                     ELPQ_E_NULL);
    ck_assert_int_eq(failed, 2);
    ck_assert_int_eq(n, 70000);
    ck_assert_int_eq(small, 78);
    ck_assert(b);
    ck_assert(elpq_is_null(r, 0, 2));
    ck_assert(elpq_is_null(r, 5, 5));
    ck_assert_ptr_null(elpq_get_text(r, 0, 9));
    ck_assert_ptr_null(elpq_get_text(r, 0, 2));
}

START_TEST(getters_of_the_wrong_type)
{
    int i;

    /* In text first, in binary then. */
    for (i = 0; i < 2; i++) {
        struct answer *a =
            expect_ok(ask(conn, elpq_sql("select 70000 as n, 'text'::text,"
                                         " null::int, true")));

        ck_assert_int_eq(elpq_column(a->result, "n"), 0);
        expect_getter_errors(a->result);
    }
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("errors");

    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    suite_add_tcase(s, t);
    tcase_add_test(t, every_field_of_the_server);
    tcase_add_test(t, fields_that_are_missing_are_null);
    tcase_add_test(t, position_in_the_text);
    tcase_add_test(t, internal_query_and_position);
    tcase_add_test(t, constraints);
    tcase_add_test(t, some_codes_are_retryable);
    tcase_add_test(t, an_error_after_some_rows);
    tcase_add_test(t, long_messages_come_whole);
    tcase_add_test(t, copies_and_names_of_errors);
    tcase_add_test(t, values_that_cannot_be_sent);
    tcase_add_test(t, values_that_the_server_refuses);
    tcase_add_test(t, a_value_out_of_range_for_the_column);
    tcase_add_test(t, the_wrong_number_of_values);
    tcase_add_test(t, a_nul_byte_in_the_sql);
    tcase_add_test(t, most_parameters_there_are);
    tcase_add_test(t, one_parameter_too_many);
    tcase_add_test(t, large_values_and_texts);
    tcase_add_test(t, notices_do_not_count);
    tcase_add_test(t, a_result_above_the_limit_closes_the_connection);
    tcase_add_test(t, one_huge_row_is_above_the_limit_too);
    tcase_add_test(t, many_columns);
    tcase_add_test(t, getters_of_the_wrong_type);
}

int main(void)
{
    return harness_main("errors", build);
}

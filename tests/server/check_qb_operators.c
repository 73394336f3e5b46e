/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every operator of the server's catalog, and every operator of the builder
 * on every built-in type: what the builder believes to be the type of the
 * result is what the server says, and a value that it types is taken wherever
 * a literal would be.
 *
 * The tests hold no list of what is right: the catalog and the server's answer
 * to plain SQL are the reference.
 */
#include <ctype.h>
#include <libpq-fe.h>

#include "qb/internal.h"

#include "../unit/check_qb.h"

static PGconn *conn;

/* The types, with the name that their column has in the table. */
static const struct {
    const char *name;
    uint32_t oid;
} types[] = {
#define TYPE_(name, oid, array_oid)                                           \
    { #name, oid }, { #name "_ARRAY", array_oid },
    ELPQ_BUILTIN_TYPES(TYPE_)
#undef TYPE_
};
#define TYPES (sizeof(types) / sizeof(*types))

static PGresult *run(const char *sql, ExecStatusType status)
{
    PGresult *res = PQexec(conn, sql);

    ck_assert_msg(PQresultStatus(res) == status, "%s: %s",
                  PQerrorMessage(conn), sql);
    return res;
}

static void setup(void)
{
    char sql[20000] = "CREATE TEMPORARY TABLE t (";

    qb_setup();
    conn = PQconnectdb("");
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    PQclear(run("SET client_min_messages = warning", PGRES_COMMAND_OK));
    for (size_t i = 0; i < TYPES; i++) {
        char query[100];
        PGresult *res;

        snprintf(query, sizeof(query), "SELECT %u::regtype",
                 (unsigned)types[i].oid);
        res = run(query, PGRES_TUPLES_OK);
        sprintf(sql + strlen(sql), "%s\"%s\" %s", i ? ", " : "", types[i].name,
                PQgetvalue(res, 0, 0));
        PQclear(res);
    }
    strcat(sql, ")");
    PQclear(run(sql, PGRES_COMMAND_OK));
}

static void teardown(void)
{
    PQfinish(conn);
    qb_teardown();
}

static elqb_expr column(size_t type)
{
    return elqb_typed_oid(elqb_name(types[type].name), types[type].oid);
}

static size_t find_type(const char *oid)
{
    size_t i = 0;

    while (i < TYPES && types[i].oid != strtoul(oid, NULL, 10))
        i++;
    return i;
}

/* The type of the only column, 0 if the server refuses the statement. */
static uint32_t describe(const char *sql, int count, const Oid *oids)
{
    PGresult *res = PQprepare(conn, "", sql, count, oids);
    uint32_t oid = 0;

    if (PQresultStatus(res) == PGRES_COMMAND_OK) {
        PQclear(res);
        res = PQdescribePrepared(conn, "");
        ck_assert_int_eq(PQresultStatus(res), PGRES_COMMAND_OK);
        oid = PQftype(res, 0);
    }
    PQclear(res);
    return oid;
}

/* The same of SELECT e FROM t; the workspace is reset. */
static uint32_t describe_expr(elqb_expr e, char *sql, size_t size)
{
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *st;
    Oid oids[8];

    elqb_columns(s, e);
    elqb_from(s, elqb_table_named(NULL, "t"));
    st = elqb_render(q, s);
    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    for (unsigned i = 0; i < st->nvalues; i++)
        oids[i] = st->values[i].oid;
    snprintf(sql, size, "%s", st->sql);
    return describe(st->sql, (int)st->nvalues, oids);
}

/* Whether this pair is one of the few that slow builds try. */
static bool is_tried(size_t op, size_t type)
{
    size_t step = 100 / (size_t)qb_rounds(100);

    return (op + type) % step == 0;
}

/* ------------------------------------------------------- the whole catalog */

START_TEST(test_catalog)
{
    PGresult *res = run("SELECT oprname::text, oprleft, oprright, oprresult "
                        "FROM pg_operator WHERE oprnamespace = "
                        "'pg_catalog'::regnamespace", PGRES_TUPLES_OK);
    int known = 0, seen = 0;

    for (int i = 0; i < PQntuples(res); i++) {
        const char *name = PQgetvalue(res, i, 0);
        size_t left = find_type(PQgetvalue(res, i, 1));
        size_t right = find_type(PQgetvalue(res, i, 2));
        bool prefix = strcmp(PQgetvalue(res, i, 1), "0") == 0;
        elqb_expr e;
        char sql[500];
        uint32_t oid;

        /* Prefix plus is nothing; types like anyarray have no columns. */
        if ((left == TYPES && !prefix) || right == TYPES ||
            (prefix && strcmp(name, "+") == 0))
            continue;
        e = prefix ? elqb_operator_prefix(q, name, column(right))
                   : elqb_operator(q, column(left), name, column(right));
        ck_assert_msg(!elqb_is_none(e), "%s: %s", name, elqb_error(q));
        oid = describe_expr(e, sql, sizeof(sql));
        ck_assert_msg(oid != 0, "%s: %s", PQerrorMessage(conn), sql);
        ck_assert_msg(e.oid == 0 || e.oid == oid, "%s: gives %u, not %u", sql,
                      (unsigned)oid, (unsigned)e.oid);
        known += e.oid != 0;
        seen++;
        elqb_reset(q);
    }
    PQclear(res);
    ck_assert_int_gt(seen, 600);
    ck_assert_int_gt(known, seen / 2);
}
END_TEST

/* -------------------------------------------------- all that ops.def makes */

static const struct {
    const char *spelling;
    elqb_expr (*unary)(elqb *, elqb_expr);
    elqb_expr (*binary)(elqb *, elqb_expr, elqb_expr);
} operators[] = {
#define DO_LEFT(fn, spelling) { spelling, NULL, elqb_##fn },
#define DO_NONE(fn, spelling) { spelling, NULL, elqb_##fn },
#define DO_NARY(fn, spelling)
#define DO_PREFIX(fn, spelling) { spelling, elqb_##fn, NULL },
#define DO_POSTFIX(fn, spelling) { spelling, elqb_##fn, NULL },
#define DO_BETWEEN(fn, spelling)
#define DO_ESCAPE(fn, spelling)
#define DO_SPECIAL(fn, spelling)
#define OP(name, fn, spelling, level, fix, takes, gives)                      \
    DO_##fix(fn, spelling)
#include "qb/ops.def"
};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

/*
 * A name chosen for one of several meanings, given operands of another: what
 * it gives there is not what its name promises, and nobody should ask.
 */
static bool misnamed(size_t op, uint32_t oid)
{
    elqb_expr (*f)(elqb *, elqb_expr, elqb_expr) = operators[op].binary;

    return (f == elqb_subnet || f == elqb_supernet || f == elqb_range_left ||
            f == elqb_range_right)
               ? oid != ELPQ_OID_BOOL
               : f == elqb_ts_and || f == elqb_ts_or || f == elqb_bit_xor;
}

/* Columns of one type on both sides. */
START_TEST(test_results)
{
    char sql[500];

    for (size_t op = 0; op < OPERATORS; op++)
        for (size_t i = 0; i < TYPES; i++) {
            elqb_expr a = column(i);
            elqb_expr e = operators[op].unary ? operators[op].unary(q, a)
                                              : operators[op].binary(q, a, a);
            uint32_t oid = is_tried(op, i)
                               ? describe_expr(e, sql, sizeof(sql))
                               : 0;

            if (oid && !misnamed(op, oid))
                ck_assert_msg(e.oid == 0 || e.oid == oid, "%s: %u, not %u",
                              sql, (unsigned)oid, (unsigned)e.oid);
            elqb_reset(q);
        }
}
END_TEST

/* All pairs of the types that arithmetic mixes. */
START_TEST(test_arithmetic)
{
    elqb_expr (*const functions[])(elqb *, elqb_expr, elqb_expr) = {
        elqb_add, elqb_sub, elqb_mul, elqb_div, elqb_mod, elqb_shl, elqb_shr,
    };
    static const char *const names[] = {
        "INT2", "INT4", "INT8", "NUMERIC", "FLOAT4", "FLOAT8", "MONEY", "DATE",
        "TIME", "TIMETZ", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "JSONB",
        "TEXT", "TEXT_ARRAY", "INET", "CIDR", "PG_LSN", "INT4RANGE",
        "INT4MULTIRANGE", "POINT",
    };
    size_t of[sizeof(names) / sizeof(*names)], count = 0;
    char sql[500];
    int known = 0;

    for (size_t i = 0; i < TYPES; i++)
        for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
            if (strcmp(names[n], types[i].name) == 0)
                of[count++] = i;
    for (size_t f = 0; f < sizeof(functions) / sizeof(*functions); f++)
        for (size_t n = 0; n < count * count; n++) {
            elqb_expr e = functions[f](q, column(of[n / count]),
                                       column(of[n % count]));
            uint32_t oid = describe_expr(e, sql, sizeof(sql));

            ck_assert_msg(!oid || !e.oid || e.oid == oid, "%s: %u, not %u",
                          sql, (unsigned)oid, (unsigned)e.oid);
            known += oid && e.oid;
            elqb_reset(q);
        }
    ck_assert_int_gt(known, 120);
}
END_TEST

/* ------------------------------------------------------ values and literals */

/*
 * Wherever the literal is good, the value is.  IS DISTINCT FROM NULL is of
 * any type in SQL, as it compares nothing; and to path @> NULL and NULL <@ lseg
 * the server finds operators of other types.
 */
static void check_value(size_t op, size_t type, const char *literal,
                        elqb_expr value, bool left)
{
    bool null = strcmp(literal, "NULL") == 0;
    char sql[500], plain[500], quoted[40];
    uint32_t wanted, is;

    snprintf(quoted, sizeof(quoted), "\"%s\"", types[type].name);
    if (null && (operators[op].binary == elqb_is_distinct ||
                 operators[op].binary == elqb_is_not_distinct ||
                 types[type].oid == ELPQ_OID_PATH ||
                 types[type].oid == ELPQ_OID_LSEG))
        return;

    snprintf(plain, sizeof(plain), "SELECT %s %s %s FROM t",
             left ? literal : quoted, operators[op].spelling,
             left ? quoted : literal);
    wanted = describe(plain, 0, NULL);
    if (!wanted || misnamed(op, wanted))
        return;
    is = describe_expr(left ? operators[op].binary(q, value, column(type))
                            : operators[op].binary(q, column(type), value),
                       sql, sizeof(sql));
    ck_assert_msg(is != 0, "%s, but not %s: %s", plain, sql,
                  PQerrorMessage(conn));
    elqb_reset(q);
}

START_TEST(test_values)
{
    for (size_t op = 0; op < OPERATORS; op++)
        for (size_t i = 0; operators[op].binary && i < TYPES; i++) {
            for (int left = 0; is_tried(op, i) && left < 2; left++) {
                check_value(op, i, "NULL", V("x"), left);
                check_value(op, i, "1", V(1), left);
                check_value(op, i, "1", V(1LL), left);
                check_value(op, i, "1.5::float8", V(1.5), left);
            }
        }
}
END_TEST

/* ------------------------------------------------------------- plain text */

/* Text with all that patterns take for special. */
static void make_special(char *text)
{
    static const char alphabet[] = "\\.^$*+?()[]{}|-#&~: %_aAzy019\n<>=!:";
    unsigned size = random_below(12);

    for (unsigned i = 0; i < size; i++)
        text[i] = alphabet[random_below(sizeof(alphabet) - 1)];
    text[size] = '\0';
}

static bool is_true(const char *sql, const char *pattern, const char *text)
{
    const char *values[] = { text, pattern };
    PGresult *res = PQexecParams(conn, sql, 2, NULL, values, NULL, NULL, 0);
    bool truth;

    ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s: %s",
                  PQerrorMessage(conn), pattern);
    truth = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
    PQclear(res);
    return truth;
}

/* Escaped text matches itself and nothing else. */
START_TEST(test_plain_text)
{
    for (int i = 0; i < qb_rounds(2000); i++) {
        char text[40], other[40];
        const char *like, *regex;
        bool same;

        make_special(text);
        make_special(other);
        same = strcmp(text, other) == 0;
        like = elqb_like_text(q, text);
        regex = elqb_regex_text(q, text);
        ck_assert_msg(is_true("SELECT $1 LIKE $2", like, text), "%s", like);
        ck_assert_msg(is_true("SELECT $1 LIKE $2", like, other) == same, "%s",
                      like);
        ck_assert_msg(is_true("SELECT $1 ~ ('^(?:' || $2 || ')$')", regex,
                              text), "%s", regex);
        ck_assert_msg(is_true("SELECT $1 ~ ('(?x)^' || $2 || '$')", regex,
                              text), "%s", regex);
        ck_assert_msg(is_true("SELECT $1 ~ ('^' || $2 || '$')", regex,
                              other) == same, "%s", regex);
        elqb_reset(q);
    }
}
END_TEST

/* ------------------------------------------------------------- other forms */

#define expect_described(e, type)                                              \
    do {                                                                       \
        char sql_[500];                                                        \
        uint32_t is_ = describe_expr(e, sql_, sizeof(sql_));                   \
                                                                               \
        ck_assert_msg(is_ == (type), "%s: %u: %s", sql_, (unsigned)is_,        \
                      PQerrorMessage(conn));                                   \
    } while (0)
#define C(name) elqb_typed(elqb_name(#name), name)

START_TEST(test_forms)
{
    const int ids[] = { 1, 2 };
    const char *names[] = { "a", "b" };
    const elpq_value day = elpq_interval(0, 1, 0);

    expect_described(elqb_in_arrays(q, elqb_row(q, C(INT8), C(VARCHAR)),
                                    elqb_items(ids, 2), elqb_items(names, 2)),
                     ELPQ_OID_BOOL);
    expect_described(elqb_in_arrays(q, C(DATE), elqb_items(names, 2)),
                     ELPQ_OID_BOOL);
    expect_described(elqb_in(q, elqb_row(q, C(INT8), C(DATE)),
                             elqb_row(q, V(1), V("2020-01-01"))),
                     ELPQ_OID_BOOL);
    expect_described(elqb_periods_overlap(q, C(TIMESTAMPTZ), V(day),
                                          V("2020-01-01"), V("2021-01-01")),
                     ELPQ_OID_BOOL);
    expect_described(elqb_periods_overlap(q, C(DATE), C(DATE), V("2020-01-01"),
                                          V("2021-01-01")),
                     ELPQ_OID_BOOL);
    expect_described(elqb_op_any(q, C(TEXT), "LIKE", elqb_items(names, 2)),
                     ELPQ_OID_BOOL);
    expect_described(elqb_op_in(q, "pg_catalog", C(INT4), "+", V(1)),
                     ELPQ_OID_INT4);
    expect_described(
        elqb_op_any_in(q, "pg_catalog", C(INT4), "=", elqb_items(ids, 2)),
        ELPQ_OID_BOOL);
    expect_described(elqb_op_prefix_in(q, "pg_catalog", "|/", C(FLOAT8)),
                     ELPQ_OID_FLOAT8);
    expect_described(elqb_func(q, "make_interval", elqb_named(q, "days", V(10)),
                               elqb_named(q, "secs", V(1.5))),
                     ELPQ_OID_INTERVAL);
    expect_described(elqb_func(q, "concat", elqb_variadic(q, C(TEXT_ARRAY))),
                     ELPQ_OID_TEXT);
    expect_described(elqb_func(q, "jsonb_build_array",
                               elqb_variadic(q, elqb_items(names, 2))),
                     ELPQ_OID_JSONB);
    expect_described(elqb_func(q, "current_timestamp", elqb_lit(3)),
                     ELPQ_OID_TIMESTAMPTZ);
    expect_described(elqb_func(q, "row_to_json",
                               elqb_table_row(elqb_table_named(NULL, "t"))),
                     ELPQ_OID_JSON);
    expect_described(elqb_overlaps(q, C(VARCHAR_ARRAY), elqb_array(q, V("a"))),
                     ELPQ_OID_BOOL);
    expect_described(elqb_contains(q, C(INT8_ARRAY), elqb_array(q, V(1))),
                     ELPQ_OID_BOOL);
    expect_described(elqb_contains(q, C(INT8RANGE), V(5)), ELPQ_OID_BOOL);
    expect_described(elqb_contains(q, C(NUMMULTIRANGE), V(1.5)), ELPQ_OID_BOOL);
    expect_described(elqb_at_time_zone(q, C(TIMESTAMP), V("UTC")),
                     ELPQ_OID_TIMESTAMPTZ);
    expect_described(elqb_at_time_zone(q, C(TIMESTAMPTZ), V(day)),
                     ELPQ_OID_TIMESTAMP);
    expect_described(elqb_subscript(q, C(JSONB), V(1LL)), ELPQ_OID_JSONB);
    expect_described(elqb_slice(q, C(INT4_ARRAY), V(1LL), ELQB_NONE),
                     ELPQ_OID_INT4_ARRAY);
    expect_described(elqb_is_nfkc(q, V("x")), ELPQ_OID_BOOL);
    expect_described(elqb_is_document(q, C(XML)), ELPQ_OID_BOOL);
    expect_described(elqb_coalesce(q, elqb_null(INT8), V(1)), ELPQ_OID_INT8);
    expect_described(elqb_array(q, elqb_array(q, V(1)), elqb_array(q, V(2))),
                     ELPQ_OID_INT4_ARRAY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_operators");
    TCase *tcase = tcase_create("types");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_catalog);
    tcase_add_test(tcase, test_results);
    tcase_add_test(tcase, test_arithmetic);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_plain_text);
    tcase_add_test(tcase, test_forms);
    return qb_main(suite);
}

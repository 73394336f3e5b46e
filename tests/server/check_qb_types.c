/* SPDX-License-Identifier: PostgreSQL */
/*
 * Values beside operands whose type is not theirs, or that only the server
 * knows: enums, ranges, intervals, rows, arrays.  What is sent must be what
 * the server takes there, so each statement is prepared and described.
 */
#include "qb_server.h"

#define DATES(C)                                                              \
    C(id, INT4) C(day, DATE) C(days, DATE_ARRAY) C(at, TIMESTAMP) C(big, INT8)\
    C(part, NUMERIC) C(clock, TIME) C(zoned, TIMETZ) C(span, INTERVAL)        \
    C(spot, POINT) C(code, VARCHAR) C(net, CIDR)
ELQB_TABLE(dates, DATES)

static dates_t D;

static void setup(void)
{
    server_setup(SHOP "CREATE TABLE dates (id int, day date, days date[],"
                      " at timestamp, big bigint, part numeric, clock time,"
                      " zoned timetz, span interval, spot point, code varchar,"
                      " net cidr)");
    D = dates_table();
}

/* The expression over users, orders and dates. */
static const elpq_statement *render_of(elqb_expr e)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, e);
    elqb_from(s, U.table);
    elqb_from(s, O.table);
    elqb_from(s, D.table);
    return elqb_render(q, s);
}

#define expect_types(params, column, e)                                        \
    described(__LINE__, render_of(e), params, column)

/* The same, and that the builder knows the type of the result. */
#define expect_known(params, column, type, e)                                  \
    do {                                                                       \
        elqb_expr e_ = (e);                                                    \
                                                                               \
        ck_assert_uint_eq(e_.oid, ELPQ_OID_##type);                            \
        expect_types(params, column, e_);                                      \
    } while (0)

START_TEST(test_alternatives)
{
    elqb_expr paid = elqb_eq(q, U.age, V(1));
    elqb_update *u = elqb_update_new(q, O.table);

    expect_types("order_status", "order_status",
                 elqb_coalesce(q, O.status, V("new")));
    expect_types("order_status", "order_status",
                 elqb_greatest(q, V("new"), O.status));
    expect_types("order_status", "order_status",
                 elqb_least(q, O.status, V("new")));
    expect_types("order_status", "order_status",
                 elqb_nullif(q, O.status, V("new")));
    expect_types("integer order_status", "order_status",
                 elqb_case(q, O.status, paid, V("new")));
    expect_types("integer order_status", "order_status",
                 elqb_case(q, V("new"), paid, O.status));
    expect_types("order_status", "order_status[]",
                 elqb_array(q, O.status, V("new")));
    expect_types("integer text text", "text",
                 elqb_case(q, V("a"), paid, V("b")));
    expect_types("integer text", "text", elqb_case(q, ELQB_NONE, paid, V("b")));
    expect_types("text text", "text", elqb_coalesce(q, V("a"), V("b")));
    expect_types("date", "date[]",
                 elqb_coalesce(q, D.days, elqb_array(q, V("today"))));
    /* A date would lose the hour. */
    expect_types("timestamp without time zone", "timestamp without time zone",
                 elqb_coalesce(q, D.day, D.at, V("2020-01-01 10:00")));
    expect_known("date", "date", DATE,
                 elqb_coalesce(q, D.day, V("2020-01-01")));
    expect_known("integer", "bigint", NONE,
                 elqb_coalesce(q, U.age, D.big, V(1)));
    elqb_set(u, O.status, elqb_coalesce(q, O.status, V("new")));
    expect_described(u, "order_status", "");
}
END_TEST

/* A set operation of a date and a timestamp gives timestamps; a date beside
 * those would lose the hour. */
START_TEST(test_alternatives_of_selects)
{
    static const char hour[] = "timestamp without time zone";
    elqb_select *days = elqb_select_new(q), *moments = elqb_select_new(q);
    elqb_select *value = elqb_select_new(q), *s = elqb_select_new(q), *all;
    elqb_table t;

    elqb_columns(days, elqb_as(q, D.day, "at"));
    elqb_from(days, D.table);
    elqb_columns(moments, elqb_as(q, D.at, "at"));
    elqb_from(moments, D.table);
    elqb_columns(value, elqb_as(q, V("2020-01-01 10:00"), "at"));
    all = elqb_union_all(q, days, moments, value);
    expect_described(all, hour, hour);
    t = elqb_subquery(q, elqb_union_all(q, days, moments), "t");
    elqb_columns(s, elqb_gt(q, elqb_col(q, t, "at"), V("2020-01-01 10:00")));
    elqb_from(s, t);
    expect_described(s, hour, "boolean");
    expect_types(hour, "boolean",
                 elqb_gt(q, elqb_scalar(q, elqb_union_all(q, days, moments)),
                         V("2020-01-01 10:00")));
    expect_types(hour, "boolean",
                 elqb_in_select(q, V("2020-01-01 10:00"),
                                elqb_union_all(q, days, moments)));
    expect_known("date", "boolean", BOOL,
                 elqb_gt(q, elqb_scalar(q, elqb_union_all(q, days, days)),
                         V("2020-01-01")));
}
END_TEST

/* lag() of a date with a timestamp in place of it. */
START_TEST(test_defaults_of_windows)
{
    elqb_expr mixed = elqb_func(q, "lag", D.day, V(1), D.at);
    elqb_expr same = elqb_func(q, "lead", D.day, V(1), V("2020-01-01"));

    expect_types("integer timestamp without time zone", "boolean",
                 elqb_gt(q, elqb_over(q, mixed, .order_by = ELQB_LIST(D.id)),
                         V("2020-01-01 10:00")));
    expect_types("integer date date", "boolean",
                 elqb_gt(q, elqb_over(q, same, .order_by = ELQB_LIST(D.id)),
                         V("2020-01-01")));
}
END_TEST

/* The values may stand in the first row, and in both. */
START_TEST(test_values_in_both_rows)
{
    expect_types(
        "boolean integer", "boolean",
        elqb_lt(q, elqb_row(q, V(true), V(1)), elqb_row(q, U.active, U.id)));
    expect_types(
        "numeric", "boolean",
        elqb_eq(q, elqb_row(q, V(1.5), U.id), elqb_row(q, U.balance, U.age)));
    expect_types(
        "integer numeric", "boolean",
        elqb_eq(q, elqb_row(q, U.balance, V(1)), elqb_row(q, V(1.5), U.id)));
}
END_TEST

START_TEST(test_rows_of_strings)
{
    elqb_expr row = elqb_row(q, U.id, V("a"), elqb_row(q, V("b"), V(1)));

    expect_types("text text integer", "record[]",
                 elqb_func(q, "array_agg", row));
    expect_types("text text integer", "json", elqb_func(q, "row_to_json", row));
    expect_types("text text integer", "bigint", elqb_func(q, "count", row));
    expect_types("text text integer", "record[]", elqb_array(q, row));
    expect_types("text text integer", "record", row);
    expect_types("integer", "record",
                 elqb_row(q, elqb_table_star(U.table), elqb_typed(V(1), INT4)));
    expect_types("", "record", elqb_row(q, elqb_table_star(U.table)));
    expect_types("text", "text",
                 elqb_func(q, "concat", elqb_table_star(U.table), V("x")));
    expect_types("text text integer", "record",
                 elqb_coalesce(q, row, elqb_null(RECORD)));
}
END_TEST

START_TEST(test_ranges)
{
    expect_types("int4range", "boolean",
                 elqb_contained_by(q, U.age, V("[1,5)")));
    expect_types("int8range", "boolean",
                 elqb_contained_by(q, D.big, V("[1,5)")));
    expect_types("numrange", "boolean",
                 elqb_contained_by(q, D.part, V("[1,5)")));
    expect_types("daterange", "boolean", elqb_contained_by(q, D.day, V("(,)")));
    expect_types("tsrange", "boolean", elqb_contained_by(q, D.at, V("(,)")));
    expect_types("tstzrange", "boolean",
                 elqb_contained_by(q, U.created_at, V("(,)")));
    expect_types("integer int4range", "boolean",
                 elqb_contained_by(q, V(3), V("[1,5)")));
    expect_types("int4range", "boolean", elqb_contains(q, V("[1,5)"), U.age));
    expect_types("int4range", "boolean", elqb_op(q, U.age, "<@", V("[1,5)")));
    expect_types("jsonb", "boolean", elqb_contained_by(q, U.data, V("{}")));
    expect_types("text[]", "boolean", elqb_contained_by(q, U.tags, V("{a}")));
    /* Of what a point may be in, the caller says it. */
    expect_types(
        "circle", "boolean",
        elqb_contained_by(q, D.spot, elqb_typed(V("<(0,0),1>"), CIRCLE)));
}
END_TEST

START_TEST(test_moments)
{
    expect_known("interval", "timestamp with time zone", TIMESTAMPTZ,
                 elqb_sub(q, U.created_at, V("1 hour")));
    expect_known("interval", "timestamp with time zone", TIMESTAMPTZ,
                 elqb_add(q, V("1 hour"), U.created_at));
    expect_known("interval", "timestamp without time zone", TIMESTAMP,
                 elqb_add(q, D.day, V("1 hour")));
    expect_known("interval", "timestamp without time zone", TIMESTAMP,
                 elqb_sub(q, D.day, V("1 hour")));
    expect_known("interval", "time without time zone", TIME,
                 elqb_sub(q, D.clock, V("1 hour")));
    expect_types("interval", "time with time zone",
                 elqb_add(q, D.zoned, V("1 hour")));
    expect_known("timestamp with time zone", "interval", INTERVAL,
                 elqb_sub(q, V("2020-01-01"), U.created_at));
    expect_known(
        "timestamp with time zone", "interval", INTERVAL,
        elqb_sub(q, U.created_at, elqb_typed(V("2020-01-01"), TIMESTAMPTZ)));
    expect_types("interval", "interval", elqb_sub(q, D.span, V("1 hour")));
    expect_known("integer", "date", DATE, elqb_add(q, D.day, V(1)));
}
END_TEST

/* A literal is of the type that a parameter would have there. */
START_TEST(test_literals)
{
    elqb_insert *i = elqb_insert_new(q, D.table);

    expect_known("", "timestamp with time zone", TIMESTAMPTZ,
                 elqb_sub(q, U.created_at, elqb_lit("1 hour")));
    expect_known("", "interval", INTERVAL,
                 elqb_sub(q, elqb_lit("2020-01-01"), U.created_at));
    expect_known("", "numeric", NUMERIC, elqb_mul(q, D.part, elqb_lit(1.1)));
    expect_known("", "date", DATE, elqb_add(q, D.day, elqb_lit(1LL)));
    expect_known("", "date", DATE,
                 elqb_coalesce(q, D.day, elqb_lit("2020-01-01")));
    expect_known("", "text", TEXT, elqb_concat(q, elqb_lit("a"), U.name));
    expect_known("", "bigint", INT8, elqb_add(q, D.big, elqb_lit(5)));
    expect_types("", "boolean",
                 elqb_contained_by(q, U.age, elqb_lit("[18,65)")));
    expect_types("", "boolean", elqb_contains(q, elqb_lit("[1,5)"), D.big));
    expect_types(
        "", "boolean",
        elqb_contains(
            q, elqb_typed(elqb_func(q, "int8range", D.big, D.big), INT8RANGE),
            elqb_lit(5)));
    expect_types(
        "", "boolean",
        elqb_eq(q, elqb_typed(elqb_func(q, "array_agg", D.big), INT8_ARRAY),
                elqb_array(q, elqb_lit(1), elqb_lit(2))));
    expect_types("", "boolean", elqb_contains(q, U.data, elqb_lit("{}")));
    expect_types("", "boolean", elqb_eq(q, O.status, elqb_lit("new")));
    expect_types("", "boolean", elqb_like(q, U.name, elqb_lit("a%")));
    expect_types("", "jsonb", elqb_json_get(q, U.data, elqb_lit(0LL)));
    expect_types("", "text", elqb_subscript(q, U.tags, elqb_lit(1L)));
    elqb_columns(i, D.id, D.part, D.at);
    elqb_values(i, elqb_lit(1), elqb_lit(1.5), elqb_lit("today"));
    expect_described(i, "", "");
}
END_TEST

/* What the aggregates give is not always what they are given. */
START_TEST(test_extremes)
{
    expect_known("", "text", TEXT, elqb_func(q, "max", D.code));
    expect_known("", "inet", INET, elqb_func(q, "min", D.net));
    expect_known("", "date", DATE, elqb_func(q, "min", D.day));
    expect_known("text", "text", TEXT, elqb_func(q, "trim", U.name, V("x")));
}
END_TEST

START_TEST(test_arrays)
{
    const char *days[] = { "2020-01-01", "2020-01-02" };
    const char *states[] = { "new", "paid" };
    elqb_expr dates = elqb_shared(
        q, elqb_typed(elqb_items(days, 2), DATE_ARRAY));

    expect_types("date[]", "boolean", elqb_eq_any(q, D.day, dates));
    expect_types("date[]", "boolean",
                 elqb_and(q, elqb_eq_any(q, D.day, dates),
                          elqb_contains(q, dates, D.days)));
    expect_types("", "integer[]",
                 elqb_cast(q, elqb_array_v(q, NULL), "int4[]"));
    expect_types(
        "", "boolean",
        elqb_eq(q, D.days, elqb_cast(q, elqb_array_v(q, NULL), "date[]")));
    expect_types(
        "text integer", "boolean",
        elqb_eq(q, elqb_cast(q, elqb_json_text(q, U.data, V("age")), "int4"),
                V(3)));
    expect_types(
        "text[]", "boolean",
        elqb_in_arrays(q, O.status,
                       elqb_cast(q, elqb_items(states, 2), "order_status[]")));
    expect_types("date[]", "boolean", elqb_in_arrays(q, D.day, V("{today}")));
    expect_types("bigint[] date[]", "boolean",
                 elqb_in_arrays(q, elqb_row(q, D.big, D.day), V("{1}"),
                                elqb_items(days, 1)));
    expect_types("date[]", "boolean", elqb_in_arrays(q, D.day, dates));
    expect_types("", "boolean", elqb_in_arrays(q, D.day, elqb_lit("{today}")));
}
END_TEST

START_TEST(test_stored_arrays)
{
    elqb_insert *i = elqb_insert_new(q, D.table);
    elqb_update *u = elqb_update_new(q, D.table);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(i, D.days);
    elqb_values(i, elqb_array(q, V("2020-01-01")));
    expect_described(i, "date", "");
    elqb_set(u, D.days, elqb_array(q, V("2020-01-01"), V("today")));
    expect_described(u, "date date", "");
    i = elqb_insert_new(q, D.table);
    elqb_columns(i, D.days);
    elqb_columns(s, elqb_array(q, V("2020-01-01")));
    elqb_insert_select(i, s);
    expect_described(i, "date", "");
}
END_TEST

START_TEST(test_arrays_in_unions)
{
    elqb_select *a = elqb_select_new(q), *b = elqb_select_new(q);
    elqb_select *c = elqb_select_new(q);

    elqb_columns(a, elqb_as(q, elqb_array(q, V("2020-01-01")), "days"));
    elqb_columns(b, D.days);
    elqb_from(b, D.table);
    elqb_columns(c, elqb_array(q, elqb_array(q, V("2020-01-01"))));
    expect_described(elqb_union(q, a, b, c), "date date", "date[]");
    expect_described(elqb_union(q, b, a), "date", "date[]");
    expect_described(a, "text", "text[]");
}
END_TEST

/* An element of a part of an array, not a part of it in two dimensions. */
START_TEST(test_slices)
{
    elqb_expr part = elqb_slice(q, U.tags, V(1), V(2));

    expect_types("integer integer integer", "text",
                 elqb_subscript(q, part, V(1)));
    expect_types("integer integer integer integer", "text[]",
                 elqb_slice(q, part, V(1), V(2)));
    expect_types("integer integer", "text",
                 elqb_subscript(q, elqb_subscript(q, U.tags, V(1)), V(2)));
}
END_TEST

/* The elements of an array are what the operator takes. */
START_TEST(test_types_of_lists)
{
    const char *texts[] = { "a", "b" };
    elqb_expr list = elqb_items(texts, 2);
    elqb_expr words = elqb_typed(elqb_func(q, "to_tsvector", U.name), TSVECTOR);

    expect_types("text[]", "boolean", elqb_op_any(q, U.data, "?", list));
    expect_types("jsonb[]", "boolean", elqb_op_any(q, U.data, "@>", list));
    expect_types("tstzrange[]", "boolean",
                 elqb_op_any(q, U.created_at, "<@", list));
    expect_types("int4range", "boolean",
                 elqb_op_any(q, U.age, "<@", elqb_array(q, V("[1,2)"))));
    expect_types("inet[]", "boolean",
                 elqb_op_any(q, elqb_cast(q, D.net, "inet"), "<<", list));
    expect_types("tsquery[]", "boolean", elqb_op_any(q, words, "@@", list));
    expect_types("jsonpath[]", "boolean", elqb_op_any(q, U.data, "@?", list));
    expect_types("text[]", "boolean", elqb_op_all(q, U.name, "!~*", list));
    expect_types("order_status[]", "boolean",
                 elqb_op_all(q, O.status, "<>", list));
    expect_types("text", "boolean", elqb_op_any(q, V("a"), "~", U.tags));
}
END_TEST

/* C arrays of strings are open where the server knows what they meet. */
START_TEST(test_open_arrays)
{
    const char *states[] = { "new", "paid" };
    elqb_expr given = elqb_items(states, 2);
    elqb_expr all = elqb_func(q, "enum_range",
                              elqb_cast(q, elqb_null(OTHER), "order_status"));
    elqb_select *s = elqb_select_new(q);

    expect_types("order_status[]", "boolean", elqb_eq(q, all, given));
    expect_types("order_status[]", "boolean", elqb_contains(q, all, given));
    expect_types("order_status[]", "order_status[]",
                 elqb_coalesce(q, all, given));
    expect_types("order_status[] integer", "integer",
                 elqb_case_of(q, all, ELQB_NONE, given, V(1)));
    elqb_columns(s, all);
    expect_types("order_status[]", "boolean", elqb_in_select(q, given, s));
    expect_types(
        "integer[]", "boolean",
        elqb_eq(q, elqb_func(q, "array_append", elqb_array(q, U.id), U.id),
                elqb_items((int32_t[]){ 1 }, 1)));
}
END_TEST

/* Values among themselves. */
START_TEST(test_values_alone)
{
    const elpq_value moment = elpq_timestamp(0);
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("s", "")), elqb_row(q, V("new")),
        elqb_row(q, O.status));
    elqb_select *s = elqb_select_new(q);

    expect_known("integer integer", "integer", INT4,
                 elqb_coalesce(q, V("1"), V(2)));
    expect_known("timestamp without time zone timestamp without time zone",
                 "timestamp without time zone[]", TIMESTAMP_ARRAY,
                 elqb_array(q, V("2020-01-01"), V(moment)));
    expect_types("int4range int4range", "boolean",
                 elqb_eq_any(q,
                             elqb_typed(elqb_func(q, "int4range", U.id, U.age),
                                        INT4RANGE),
                             elqb_array(q, V("[1,2)"), V("empty"))));
    elqb_columns(s, elqb_col(q, v, "s"));
    elqb_from(s, O.table);
    elqb_from(s, elqb_lateral_of(q, v));
    expect_described(s, "order_status", "order_status");
}
END_TEST

/* A column stands behind the name that its table goes by. */
START_TEST(test_aliased_targets)
{
    users_t A = users_as("a");
    elqb_update *u = elqb_update_new(q, A.table);
    elqb_delete *d = elqb_delete_new(q, A.table);

    elqb_set(u, A.age, elqb_add(q, A.age, V(1)));
    elqb_where(u, elqb_eq(q, A.id, V(1)));
    elqb_returning(u, A.age);
    expect_described(u, "integer integer", "integer");
    elqb_where(d, elqb_eq(q, A.id, V(1)));
    expect_described(d, "integer", "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_types");
    TCase *tcase = tcase_create("types");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_alternatives);
    tcase_add_test(tcase, test_alternatives_of_selects);
    tcase_add_test(tcase, test_defaults_of_windows);
    tcase_add_test(tcase, test_values_in_both_rows);
    tcase_add_test(tcase, test_rows_of_strings);
    tcase_add_test(tcase, test_ranges);
    tcase_add_test(tcase, test_moments);
    tcase_add_test(tcase, test_literals);
    tcase_add_test(tcase, test_extremes);
    tcase_add_test(tcase, test_arrays);
    tcase_add_test(tcase, test_stored_arrays);
    tcase_add_test(tcase, test_arrays_in_unions);
    tcase_add_test(tcase, test_slices);
    tcase_add_test(tcase, test_types_of_lists);
    tcase_add_test(tcase, test_open_arrays);
    tcase_add_test(tcase, test_values_alone);
    tcase_add_test(tcase, test_aliased_targets);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendered statements at a real server: each is prepared with the types that
 * the builder gave its parameters and described, by plain libpq.  The server
 * must take it, keep those types, and return the columns expected.
 *
 * This is what proves the types: an unlucky OID makes Parse fail.
 */
#include "qb_server.h"

static void setup(void)
{
    server_setup(SHOP);
}

/* Conditions on users, orders and products. */
#define expect_condition(params, e)                                            \
    described(__LINE__, render_condition(e), params, "integer")

static const elpq_statement *render_condition(elqb_expr e)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_from(s, O.table);
    elqb_from(s, P.table);
    elqb_where(s, e);
    return elqb_render(q, s);
}

START_TEST(test_conditions)
{
    int ids[] = { 1, 2 };
    const int64_t large[] = { 1, 99999999999 };
    const char *words[] = { "new", "paid" };

    expect_condition("integer", elqb_eq(q, U.id, V(1)));
    expect_condition("integer", elqb_eq(q, U.id, V(1LL)));
    expect_condition("bigint", elqb_eq(q, O.id, V(1)));
    expect_condition("numeric", elqb_gt(q, U.balance, V(1.5)));
    expect_condition("boolean", elqb_eq(q, U.active, V(1)));
    expect_condition("text", elqb_eq(q, U.name, V("x")));
    expect_condition("character varying", elqb_eq(q, P.sku, V("x")));
    expect_condition("order_status", elqb_eq(q, O.status, V("paid")));
    expect_condition("order_status order_status",
                     elqb_in(q, O.status, V("paid"), V("new")));
    expect_condition("order_status[]", elqb_any_of(q, O.status, words, 2));
    expect_condition("integer[]", elqb_any_of(q, U.id, ids, 2));
    expect_condition("bigint[]", elqb_any_of(q, O.id, ids, 2));
    expect_condition("text[]", elqb_none_of(q, U.name, words, 2));
    expect_condition("timestamp with time zone",
                     elqb_gt(q, U.created_at, V("2020-01-01")));
    expect_condition("bigint[]", elqb_any_of(q, U.id, large, 2));
}
END_TEST

/* Dates, patterns, JSON, text search: values of other types than what they
 * meet. */
START_TEST(test_other_conditions)
{
    const char *words[] = { "new", "paid" };

    expect_condition(
        "interval",
        elqb_gt(q, elqb_func(q, "now"), elqb_add(q, U.created_at, V("1 day"))));
    expect_condition(
        "interval",
        elqb_gt(q, elqb_sub(q, O.placed_at, U.created_at), V("1 hour")));
    expect_condition(
        "timestamp with time zone",
        elqb_eq(q, elqb_func(q, "lower", P.valid), V("2024-01-01")));
    expect_condition("text", elqb_like(q, U.name, V("a%")));
    expect_condition("text text", elqb_like_escape(q, P.sku, V("a%"), V("!")));
    expect_condition("text", elqb_regex(q, P.sku, V("^a")));
    expect_condition("integer integer", elqb_between(q, U.age, V(1), V(2)));
    expect_condition("text", elqb_is_null(q, V("x")));
    expect_condition("text text",
                     elqb_eq(q, elqb_concat(q, U.name, V("x")), V("bx")));
    expect_condition("text text",
                     elqb_eq(q, elqb_json_text(q, U.data, V("k")), V("v")));
    expect_condition(
        "text integer jsonb",
        elqb_eq(q, elqb_json_get(q, elqb_json_get(q, U.data, V("a")), V(0)),
                V("1")));
    expect_condition(
        "text[] text",
        elqb_eq(q, elqb_json_path_text(q, U.data, V("{a,b}")), V("x")));
    expect_condition("text", elqb_has_key(q, U.data, V("k")));
    expect_condition("text[]", elqb_has_any(q, U.data, elqb_items(words, 2)));
    expect_condition("jsonb", elqb_contains(q, U.data, V("{}")));
    expect_condition("jsonpath", elqb_path_exists(q, U.data, V("$.a")));
    expect_condition("jsonpath", elqb_match(q, U.data, V("$.a > 1")));
    expect_condition("text[]", elqb_contains(q, U.tags, elqb_items(words, 2)));
    expect_condition("text[]", elqb_contains(q, U.tags, V("{a}")));
    expect_condition("text text",
                     elqb_overlaps(q, U.tags, elqb_array(q, V("a"), V("b"))));
    expect_condition("text", elqb_eq_any(q, V("x"), U.tags));
    expect_condition("tstzrange", elqb_overlaps(q, P.valid, V("[,]")));
    expect_condition("", elqb_contains(q, P.valid, elqb_func(q, "now")));
    expect_condition("tsquery", elqb_match(q, P.search, V("a & b")));
    expect_condition(
        "regconfig text",
        elqb_match(q, P.search,
                   elqb_func(q, "to_tsquery", V("english"), V("a"))));
}
END_TEST

START_TEST(test_composed_conditions)
{
    expect_condition("integer numeric integer numeric",
                     elqb_in(q, elqb_row(q, U.id, U.balance),
                             elqb_row(q, V(1), V(2)), elqb_row(q, V(3), V(4))));
    expect_condition("integer text integer",
                     elqb_and(q, elqb_eq(q, U.age, V(1)),
                              elqb_not(q, elqb_or(q, elqb_ne(q, U.name, V("z")),
                                                  elqb_eq(q, U.id, V(2))))));
    expect_condition("integer",
                     elqb_eq(q, elqb_mod(q, U.age, V(2)), elqb_lit(0)));
    expect_condition("integer text",
                     elqb_eq(q, elqb_subscript(q, U.tags, V(1)), V("a")));
    expect_condition(
        "text timestamp without time zone",
        elqb_gt(
            q,
            elqb_typed(elqb_at_time_zone(q, U.created_at, V("UTC")), TIMESTAMP),
            V("2020-01-01")));
    expect_condition("text", elqb_lt(q, elqb_collate(q, U.name, "C"), V("m")));
    expect_condition("", elqb_in_v(q, U.id, ELQB_LIST(ELQB_END)));
}
END_TEST

START_TEST(test_columns)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, V(1), V(1LL), V(1.5), V("x"), V(true),
                 elqb_as(q, V("y"), "y"));
    elqb_columns(s, elqb_case(q, V("a"), elqb_gt(q, U.id, V(1)), V("b")));
    elqb_columns(s, elqb_coalesce(q, U.name, V("x")),
                 elqb_coalesce(q, V("a"), V("b")));
    elqb_columns(s, elqb_array(q, V("a"), V("b")), elqb_row(q, U.id, V("x")));
    elqb_columns(s, elqb_lit(-5), elqb_lit("x"), elqb_lit(1.5),
                 elqb_literal(elpq_date(0)));
    elqb_from(s, U.table);
    expect_described(
        s,
        "integer bigint double precision text integer text integer "
        "text text text text text text text text",
        "integer bigint double precision text integer text text text "
        "text text[] record integer text double precision date");
}
END_TEST

/* Where the server takes a bool, true of C is one. */
START_TEST(test_bools)
{
    elqb_select *s = elqb_select_new(q), *last = elqb_select_new(q);

    elqb_columns(last, O.total);
    elqb_from(last, O.table);
    elqb_columns(s, elqb_agg_filter(q, elqb_count(q), V(true)),
                 elqb_and(q, elqb_lit(true), V(true)),
                 elqb_case_of(q, V("2024-01-01"), ELQB_NONE, U.created_at,
                              elqb_pos(q, U.age)));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_LEFT, elqb_lateral(q, last, "l"), V(true));
    elqb_where(s, elqb_eq(q, U.active, elqb_lit(true)));
    elqb_where(s, elqb_lit(true));
    elqb_group_by(s, U.age, U.created_at);
    expect_described(s, "boolean boolean timestamp with time zone boolean",
                     "bigint boolean integer");
}
END_TEST

START_TEST(test_functions)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_func(q, "concat", U.name, V("x")),
                 elqb_func(q, "jsonb_build_object", V("k"), V(1)),
                 elqb_func(q, "date_trunc", V("day"), U.created_at),
                 elqb_func(q, "substr", U.name, V(1), V(2)),
                 elqb_func(q, "to_char", U.created_at, V("YYYY")),
                 elqb_func(q, "jsonb_set", U.data, V("{a}"), V("1")),
                 elqb_func(q, "lower", V("X")), elqb_func(q, "make_date", V(1),
                                                          V(2), V(3)),
                 elqb_func(q, "current_timestamp"),
                 elqb_func(q, "current_date"), elqb_func(q, "current_user"),
                 elqb_extract(q, "year", U.created_at),
                 elqb_cast(q, V("5"), "integer"),
                 elqb_nullif(q, U.balance, V(0)),
                 elqb_greatest(q, U.age, V(1)));
    elqb_from(s, U.table);
    expect_described(
        s,
        "text text integer text integer integer text text[] jsonb "
        "text integer integer integer integer numeric integer",
        "text jsonb timestamp with time zone text text jsonb text date "
        "timestamp with time zone date name numeric integer numeric "
        "integer");
}
END_TEST

/* The same $1 in both clauses, or the server refuses the GROUP BY. */
START_TEST(test_group_by)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr day = elqb_func(q, "date_trunc", V("day"), O.placed_at);
    elqb_expr names = elqb_func(q, "string_agg", U.name, V(","));

    elqb_columns(s, elqb_as(q, day, "day"), elqb_as(q, elqb_count(q), "n"),
                 elqb_agg_filter(q, elqb_agg_order_by(q, names, U.id),
                                 elqb_gt(q, U.age, V(5))),
                 elqb_agg_distinct(q, elqb_func(q, "count", U.name)));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_LEFT, O.table, elqb_eq(q, O.user_id, U.id));
    elqb_group_by(s, day);
    elqb_having(s, elqb_gt(q, elqb_count(q), V(3)));
    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, day)), elqb_name("n"));
    elqb_limit(s, V(10));
    elqb_offset(s, V(5));
    expect_described(s, "text text integer bigint bigint bigint",
                     "timestamp with time zone bigint text bigint");
}
END_TEST

START_TEST(test_subqueries)
{
    elqb_select *inner = elqb_select_new(q), *s = elqb_select_new(q);
    elqb_table t;

    elqb_columns(inner, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_from(inner, O.table);
    elqb_group_by(inner, O.user_id);
    t = elqb_subquery(q, inner, "t");
    elqb_columns(s, U.name, elqb_c(t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_c(t, "user_id"), U.id));
    elqb_where(s, elqb_gt(q, elqb_typed(elqb_c(t, "total"), NUMERIC), V(100)));
    elqb_where(s, elqb_exists(q, inner));
    expect_described(s, "numeric", "text numeric");
}
END_TEST

START_TEST(test_odd_names)
{
    odd_t D = odd_table();
    accounts_t A = accounts_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, D.id, D.group_, D.mixed_case, D.weird, D.order_percent,
                 A.label, elqb_table_star(A.table));
    elqb_from(s, D.table);
    elqb_join(s, ELQB_CROSS, A.table, ELQB_NONE);
    elqb_where(s, elqb_eq(q, D.group_, V("g")));
    elqb_where(s, elqb_eq(q, D.mixed_case, V("m")));
    elqb_where(s, elqb_is_null(q, D.weird));
    elqb_where(s, elqb_gt(q, D.order_percent, V(1)));
    expect_described(
        s, "text text integer",
        "integer text text text integer text integer integer text");
}
END_TEST

START_TEST(test_insert)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.id, V(1));
    elqb_set(i, U.name, V("bob"));
    elqb_set(i, U.balance, V(1.5));
    elqb_set(i, U.created_at, V("2020-01-01"));
    elqb_set(i, U.data, V("{}"));
    elqb_set(i, U.tags, V("{a}"));
    elqb_on_conflict_update(i, U.email);
    elqb_conflict_set(i, U.name, elqb_excluded(U.name));
    elqb_conflict_set(i, U.age, elqb_add(q, U.age, V(1)));
    elqb_conflict_where(i, elqb_ne(q, U.name, elqb_excluded(U.name)));
    elqb_returning(i, U.id);
    expect_described(
        i,
        "integer text numeric timestamp with time zone jsonb text[] "
        "integer",
        "integer");
    i = elqb_insert_new(q, P.table);
    elqb_columns(i, P.id, P.sku);
    elqb_values(i, V(1), V("a"));
    elqb_values(i, V(2), V("b"));
    elqb_on_constraint(i, "products_sku_key");
    elqb_on_conflict_nothing(i);
    expect_described(i, "integer character varying integer character varying",
                     "");
    i = elqb_insert_new(q, accounts_table().table);
    expect_described(i, "", "");
}
END_TEST

START_TEST(test_update_delete)
{
    elqb_update *u = elqb_update_new(q, O.table);
    elqb_delete *d = elqb_delete_new(q, O.table);

    elqb_set(u, O.note, U.name);
    elqb_set(u, O.total, V(10));
    elqb_set(u, O.status, V("paid"));
    elqb_from(u, U.table);
    elqb_where(u, elqb_eq(q, O.user_id, U.id));
    elqb_returning(u, O.id);
    expect_described(u, "numeric order_status", "bigint");
    u = elqb_update_new(q, U.table);
    elqb_set(u, elqb_subscript(q, U.tags, V(2)), V("x"));
    elqb_where(u, elqb_eq(q, U.id, V(1)));
    expect_described(u, "integer text integer", "");
    elqb_using(d, U.table);
    elqb_where(d, elqb_eq(q, O.user_id, U.id));
    elqb_where(d, elqb_lt(q, O.total, V(1)));
    elqb_returning(d, O.id, O.status);
    expect_described(d, "numeric", "bigint order_status");
}
END_TEST

START_TEST(test_text)
{
    elqb_expr t = elqb_text(q, "SELECT id FROM users WHERE name = :name AND "
                               "age > :age", ELQB_ARG("name", V("bob")),
                            ELQB_ARG("age", V(5)));

    expect_described(t, "text integer", "integer");
    expect_condition("integer", elqb_text(q, "users.age > :age -- comment",
                                          ELQB_ARG("age", V(5))));
}
END_TEST

/* The types of literals, as the server sees them. */
START_TEST(test_literals)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_lit(7), elqb_lit((int64_t)7), elqb_lit(INT64_MIN),
                 elqb_lit(INT32_MIN), elqb_lit((int64_t)-7),
                 elqb_literal(elpq_typed(ELPQ_OID_NUMERIC, elpq_int32(7))),
                 elqb_literal(elpq_null(ELPQ_OID_DATE)),
                 elqb_literal(elpq_typed(ELPQ_OID_CHAR_ARRAY,
                                         elpq_text("{a}"))));
    expect_described(s, "",
                     "integer bigint bigint integer bigint numeric date "
                     "\"char\"[]");
}
END_TEST

/* Each literal is read by the server as what the value is. */
START_TEST(test_text_forms)
{
    static const uint8_t bits[] = { 0xa0 };
    const elpq_inet_address v6 = { 6, 64, { 0x20, 1, 0xd, 0xb8 } };
    const elpq_macaddr_bytes mac = { 6, { 8, 0, 0x2b, 1, 2, 3 } };
    const elpq_circle_parts circle = { { 1, 2 }, 3 };
    const elpq_point_xy points[] = { { 1, 2 }, { 3, 4 } };
    const elpq_value texts[] = { elpq_text("a\"b\\c'd"), elpq_text("") };
    const elpq_value days[] = { elpq_date(0), elpq_date(1) };
    const elpq_value ranges[] = { elpq_range(ELPQ_OID_DATERANGE, days, "[)") };
    const struct {
        elpq_value v;
        const char *text;
    } forms[] = {
        { elpq_typed(0, elpq_timestamptz(0)), "1970-01-01 00:00:00+00" },
        { elpq_timetz(3600000000, -19800), "01:00:00-05:30" },
        { elpq_lsn(0x1600000abcu), "16/ABC" },
        { elpq_tid(7, 3), "(7,3)" },
        { elpq_cidr(v6), "2001:db8::/64" },
        { elpq_macaddr(mac), "08:00:2b:01:02:03" },
        { elpq_varbit(bits, 3), "101" },
        { elpq_point(1.5, -2), "(1.5,-2)" },
        { elpq_circle(&circle), "<(1,2),3>" },
        { elpq_path(points, 2, false), "[(1,2),(3,4)]" },
        { elpq_polygon(points, 2), "((1,2),(3,4))" },
        { elpq_long_double(0.5L), "0.5" },
        { ranges[0], "[1970-01-01,1970-01-02)" },
        { elpq_multirange(ELPQ_OID_DATEMULTIRANGE, ranges, 1),
          "{[1970-01-01,1970-01-02)}" },
        { elpq_array_from(0, elpq_array(ELPQ_OID_TEXT_ARRAY, texts, 2)),
          "[0:1]={\"a\\\"b\\\\c'd\",\"\"}" },
        { elpq_composite(0, texts, 2), "(\"a\\\"b\\\\c'd\",\"\")" },
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        elqb_select *s = elqb_select_new(q);
        PGresult *res;

        elqb_columns(s, elqb_literal(forms[i].v));
        res = execute(elqb_render(q, s));
        ck_assert_str_eq(PQgetvalue(res, 0, 0), forms[i].text);
        PQclear(res);
    }
}
END_TEST

/* What is grouped by is found again in what is made of it. */
START_TEST(test_group_by_part)
{
    elqb_expr part = elqb_concat(q, U.name, V("x"));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_concat(q, part, V("!")));
    elqb_from(s, U.table);
    elqb_group_by(s, part);
    expect_described(s, "text text", "text");
}
END_TEST

/* The server refuses a debug text, also behind another statement. */
START_TEST(test_debug)
{
    elqb_update *u = elqb_update_new(q, U.table);
    PGresult *res;

    elqb_set(u, U.name, V("x"));
    res = PQexec(conn, elqb_debug(q, u));
    ck_assert_str_eq(PQresultErrorField(res, PG_DIAG_SQLSTATE), "42601");
    PQclear(res);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_server");
    TCase *tcase = tcase_create("describe");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_conditions);
    tcase_add_test(tcase, test_other_conditions);
    tcase_add_test(tcase, test_composed_conditions);
    tcase_add_test(tcase, test_columns);
    tcase_add_test(tcase, test_bools);
    tcase_add_test(tcase, test_functions);
    tcase_add_test(tcase, test_group_by);
    tcase_add_test(tcase, test_subqueries);
    tcase_add_test(tcase, test_odd_names);
    tcase_add_test(tcase, test_insert);
    tcase_add_test(tcase, test_update_delete);
    tcase_add_test(tcase, test_text);
    tcase_add_test(tcase, test_literals);
    tcase_add_test(tcase, test_text_forms);
    tcase_add_test(tcase, test_group_by_part);
    tcase_add_test(tcase, test_debug);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The operators and forms beyond comparison and arithmetic: SQL text, types of
 * the values, and the mistakes that are refused.  check_qb_expr.c has the
 * basic ones, tests/server/check_qb_operators.c judges all types.
 */
#include "check_qb.h"

enum {
    BOOL = ELPQ_OID_BOOL,
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    DATE = ELPQ_OID_DATE,
    STAMP = ELPQ_OID_TIMESTAMPTZ,
    INTERVAL = ELPQ_OID_INTERVAL,
    TSQUERY = ELPQ_OID_TSQUERY,
    INET = ELPQ_OID_INET
};

#define ID "\"users\".\"id\""
#define NAME "\"users\".\"name\""
#define TAGS "\"users\".\"tags\""
#define DATA "\"users\".\"data\""
#define CREATED "\"users\".\"created_at\""

#define COLUMN(name, TYPE) elqb_typed(elqb_name(name), TYPE)

static elqb_select *select_of(elqb_expr e)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, e);
    return s;
}

START_TEST(test_is)
{
    elqb_expr x = COLUMN("x", XML);

    CHECK_EXPR(elqb_is_document(q, x), "\"x\" IS DOCUMENT");
    CHECK_EXPR(elqb_is_not_document(q, x), "\"x\" IS NOT DOCUMENT");
    CHECK_EXPR(elqb_is_normalized(q, V("a")), "$1 IS NORMALIZED", TEXT);
    CHECK_EXPR(elqb_is_not_normalized(q, U.name), NAME " IS NOT NORMALIZED");
    CHECK_EXPR(elqb_is_nfd(q, U.name), NAME " IS NFD NORMALIZED");
    CHECK_EXPR(elqb_is_not_nfd(q, U.name), NAME " IS NOT NFD NORMALIZED");
    CHECK_EXPR(elqb_is_nfkc(q, U.name), NAME " IS NFKC NORMALIZED");
    CHECK_EXPR(elqb_is_not_nfkc(q, U.name), NAME " IS NOT NFKC NORMALIZED");
    CHECK_EXPR(elqb_is_nfkd(q, U.name), NAME " IS NFKD NORMALIZED");
    CHECK_EXPR(elqb_is_not_nfkd(q, U.name), NAME " IS NOT NFKD NORMALIZED");
    CHECK_EXPR(elqb_is_not_false(q, U.active),
               "\"users\".\"active\" IS NOT FALSE");
    CHECK_EXPR(elqb_is_false(q, V(1)), "$1 IS FALSE", ELPQ_OID_BOOL);
    CHECK_EXPR(elqb_is_not_unknown(q, U.active),
               "\"users\".\"active\" IS NOT UNKNOWN");
    CHECK_EXPR(elqb_between_symmetric(q, U.id, V(2), V(1)),
               ID " BETWEEN SYMMETRIC $1 AND $2", INT4, INT4);
    CHECK_EXPR(elqb_not_between(q, U.id, V(2), V(1)),
               ID " NOT BETWEEN $1 AND $2", INT4, INT4);
}
END_TEST

START_TEST(test_patterns)
{
    elqb_expr bytes = COLUMN("b", BYTEA);

    CHECK_EXPR(elqb_not_like(q, U.name, V("a%")), NAME " NOT LIKE $1", TEXT);
    CHECK_EXPR(elqb_ilike(q, U.name, V("a%")), NAME " ILIKE $1", TEXT);
    CHECK_EXPR(elqb_not_similar(q, U.name, V("a")), NAME " NOT SIMILAR TO $1",
               TEXT);
    CHECK_EXPR(elqb_not_like_escape(q, U.name, V("a"), V("!")),
               NAME " NOT LIKE $1 ESCAPE $2", TEXT, TEXT);
    CHECK_EXPR(elqb_ilike_escape(q, U.name, V("a"), V("!")),
               NAME " ILIKE $1 ESCAPE $2", TEXT, TEXT);
    CHECK_EXPR(elqb_not_ilike_escape(q, U.name, V("a"), V("!")),
               NAME " NOT ILIKE $1 ESCAPE $2", TEXT, TEXT);
    CHECK_EXPR(elqb_similar_escape(q, U.name, V("a"), V("!")),
               NAME " SIMILAR TO $1 ESCAPE $2", TEXT, TEXT);
    CHECK_EXPR(elqb_not_similar_escape(q, U.name, V("a"), V("!")),
               NAME " NOT SIMILAR TO $1 ESCAPE $2", TEXT, TEXT);
    CHECK_EXPR(elqb_not_regex(q, U.name, V("a")), NAME " !~ $1", TEXT);
    CHECK_EXPR(elqb_iregex(q, U.name, V("a")), NAME " ~* $1", TEXT);
    CHECK_EXPR(elqb_has_prefix(q, U.name, V("a")), NAME " ^@ $1", TEXT);
    CHECK_EXPR(elqb_like(q, bytes, V("a%")), "\"b\" LIKE $1", ELPQ_OID_BYTEA);
}
END_TEST

static void check_value(elqb_expr e, const char *sql, const char *value)
{
    const elpq_statement *st = render_expr(e);

    ck_assert_str_eq(st->sql, sql);
    ck_assert_str_eq(st->values[0].u.bytes.data, value);
}

START_TEST(test_plain_text)
{
    check_value(elqb_istarts_with(q, U.name, "5%"), "SELECT " NAME " ILIKE $1",
                "5\\%%");
    check_value(elqb_iends_with(q, U.name, "_"), "SELECT " NAME " ILIKE $1",
                "%\\_");
    check_value(elqb_ihas_text(q, U.name, "\\"), "SELECT " NAME " ILIKE $1",
                "%\\\\%");
    ck_assert_str_eq(elqb_like_text(q, "a%b_c\\d"), "a\\%b\\_c\\\\d");
    ck_assert_str_eq(elqb_regex_text(q, "a.b*c"), "a\\.b\\*c");
    ck_assert_str_eq(elqb_regex_text(q, ""), "");
    ck_assert_ptr_null(elqb_regex_text(q, NULL));
    CHECK_FAILS(elqb_render(q, (elqb_select *)NULL), ELQB_E_USAGE,
                "elqb_regex_text: the text is NULL");
    elqb_ihas_text(q, U.name, NULL);
    CHECK_FAILS(elqb_render(q, (elqb_select *)NULL), ELQB_E_USAGE,
                "elqb_ihas_text: the text is NULL");
    ck_assert_ptr_null(elqb_like_text(NULL, "x"));
}
END_TEST

START_TEST(test_dates)
{
    elqb_expr day = COLUMN("d", DATE);

    CHECK_EXPR(elqb_add(q, day, V(7LL)), "\"d\" + $1", INT4);
    CHECK_EXPR(elqb_gt(q, elqb_add(q, day, V(7)), V("2020-01-01")),
               "\"d\" + $1 > $2", INT4, DATE);
    CHECK_EXPR(elqb_eq(q, elqb_sub(q, day, day), V(7LL)), "\"d\" - \"d\" = $1",
               INT4);
    CHECK_EXPR(elqb_gt(q, elqb_func(q, "current_date"), V("2020-01-01")),
               "CURRENT_DATE > $1", DATE);
    CHECK_EXPR(elqb_sub(q, elqb_func(q, "current_date"), V(1LL)),
               "CURRENT_DATE - $1", INT4);
    CHECK_EXPR(elqb_lt(q, elqb_sub(q, U.created_at,
                                   V(elpq_interval(0, 1, 0))), V("2020-01-01")),
               CREATED " - $1 < $2", INTERVAL, STAMP);
    CHECK_EXPR(elqb_gt(q, elqb_at_time_zone(q, U.created_at, V("UTC")),
                       V("2020-01-01")),
               CREATED " AT TIME ZONE $1 > $2", TEXT, ELPQ_OID_TIMESTAMP);
    CHECK_EXPR(elqb_at_time_zone(q, U.created_at, V(elpq_interval(0, 0, 1))),
               CREATED " AT TIME ZONE $1", INTERVAL);
    CHECK_EXPR(elqb_mul(q, COLUMN("i", INTERVAL), V(2)), "\"i\" * $1", INT4);
    CHECK_EXPR(elqb_func(q, "current_timestamp", elqb_lit(3)),
               "CURRENT_TIMESTAMP(3)");
    CHECK_EXPR(elqb_func(q, "localtime", elqb_lit(0)), "LOCALTIME(0)");
    CHECK_EXPR(elqb_periods_overlap(q, U.created_at, V(elpq_interval(0, 1, 0)),
                                    V("2020-01-01"), V("2021-01-01")),
               "(" CREATED ", $1) OVERLAPS ($2, $3)", INTERVAL, STAMP, STAMP);
    CHECK_EXPR(elqb_is_true(q, elqb_periods_overlap(q, day, day, V("a"),
                                                    V("b"))),
               "(\"d\", \"d\") OVERLAPS ($1, $2) IS TRUE", DATE, DATE);
    CHECK_FAILS(elqb_render(q, select_of(elqb_func(q, "current_date",
                                                   elqb_lit(1)))),
                ELQB_E_USAGE, "elqb_func: CURRENT_DATE takes no arguments");
    CHECK_FAILS(elqb_render(q, select_of(elqb_func(q, "localtime", V(1)))),
                ELQB_E_USAGE,
                "elqb_func: LOCALTIME takes a precision, as elqb_lit(3)");
}
END_TEST

START_TEST(test_ranges)
{
    elqb_expr large = COLUMN("r", INT8RANGE), sums = COLUMN("n", NUMRANGE);

    CHECK_EXPR(elqb_contains(q, large, V(5)), "\"r\" @> $1", INT8);
    CHECK_EXPR(elqb_contained_by(q, V(5), large), "$1 <@ \"r\"", INT8);
    CHECK_EXPR(elqb_contains(q, sums, V(1.5)), "\"n\" @> $1", NUMERIC);
    CHECK_EXPR(elqb_contains(q, COLUMN("m", INT4MULTIRANGE), V(5LL)),
               "\"m\" @> $1", INT4);
    CHECK_EXPR(elqb_eq(q, elqb_add(q, large, V("[1,2)")), V("[1,9)")),
               "\"r\" + $1 = $2", 0, 0);
    CHECK_EXPR(elqb_eq(q, elqb_mul(q, large, large), V("[1,9)")),
               "\"r\" * \"r\" = $1", ELPQ_OID_INT8RANGE);
    CHECK_EXPR(elqb_range_left(q, large, V("[1,9)")), "\"r\" << $1",
               ELPQ_OID_INT8RANGE);
    CHECK_EXPR(elqb_range_right(q, large, V("[1,9)")), "\"r\" >> $1",
               ELPQ_OID_INT8RANGE);
    CHECK_EXPR(elqb_range_not_right(q, large, V("[1,9)")), "\"r\" &< $1",
               ELPQ_OID_INT8RANGE);
    CHECK_EXPR(elqb_range_not_left(q, large, V("[1,9)")), "\"r\" &> $1",
               ELPQ_OID_INT8RANGE);
}
END_TEST

START_TEST(test_networks_and_text_search)
{
    elqb_expr net = COLUMN("n", INET), words = COLUMN("w", TSQUERY);

    CHECK_EXPR(elqb_subnet(q, net, V("10/8")), "\"n\" << $1", INET);
    CHECK_EXPR(elqb_subnet_eq(q, net, V("10/8")), "\"n\" <<= $1", INET);
    CHECK_EXPR(elqb_supernet(q, net, V("10/8")), "\"n\" >> $1", INET);
    CHECK_EXPR(elqb_supernet_eq(q, net, V("10/8")), "\"n\" >>= $1", INET);
    CHECK_EXPR(elqb_overlaps(q, net, V("10/8")), "\"n\" && $1", INET);
    CHECK_EXPR(elqb_ts_and(q, words, V("a")), "\"w\" && $1", TSQUERY);
    CHECK_EXPR(elqb_ts_or(q, words, V("a")), "\"w\" || $1", TSQUERY);
    CHECK_EXPR(elqb_ts_phrase(q, words, V("a")), "\"w\" <-> $1", TSQUERY);
    CHECK_EXPR(elqb_ts_not(q, elqb_ts_and(q, words, words)),
               "!! (\"w\" && \"w\")");
    CHECK_EXPR(elqb_match(q, P.search, elqb_ts_not(q, words)),
               "\"products\".\"search\" @@ (!! \"w\")");
}
END_TEST

START_TEST(test_json)
{
    const char *keys[] = { "a", "b" };

    CHECK_EXPR(elqb_sub(q, U.data, V("k")), DATA " - $1", TEXT);
    CHECK_EXPR(elqb_sub(q, U.data, V(0LL)), DATA " - $1", INT4);
    CHECK_EXPR(elqb_sub(q, U.data, elqb_items(keys, 2)), DATA " - $1",
               ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_json_get(q, U.data, V(0LL)), DATA " -> $1", INT4);
    CHECK_EXPR(elqb_json_delete_path(q, U.data, elqb_items(keys, 2)),
               DATA " #- $1", ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_json_path(q, U.data, V("{a}")), DATA " #> $1", 0);
    CHECK_EXPR(elqb_has_all(q, U.data, elqb_items(keys, 2)), DATA " ?& $1",
               ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_path_exists(q, U.data, V("$.a")), DATA " @? $1", 0);
    CHECK_EXPR(elqb_contained_by(q, U.data, V("{}")), DATA " <@ $1",
               ELPQ_OID_JSONB);
    CHECK_EXPR(elqb_subscript(q, U.data, V("k")), DATA "[$1]", TEXT);
    CHECK_EXPR(elqb_subscript(q, U.data, V(1LL)), DATA "[$1]", INT4);
    CHECK_EXPR(elqb_eq(q, elqb_concat(q, U.data, V("{}")), V("{}")),
               DATA " || $1 = $2", 0, 0);
}
END_TEST

START_TEST(test_arrays)
{
    elqb_expr skus = COLUMN("s", VARCHAR_ARRAY), big = COLUMN("b", INT8_ARRAY);
    elqb_expr guess = elqb_array(q, V("a"), V("b"));

    CHECK_EXPR(elqb_overlaps(q, skus, guess), "\"s\" && ARRAY[$1, $2]",
               ELPQ_OID_VARCHAR, ELPQ_OID_VARCHAR);
    CHECK_EXPR(guess, "ARRAY[$1, $2]", TEXT, TEXT);
    CHECK_EXPR(elqb_contained_by(q, elqb_array(q, V(1), V(2)), big),
               "ARRAY[$1, $2] <@ \"b\"", INT8, INT8);
    CHECK_EXPR(elqb_concat(q, big, elqb_array(q, V(1))), "\"b\" || ARRAY[$1]",
               INT8);
    CHECK_EXPR(elqb_eq(q, big, elqb_array(q, elqb_array(q, V(1)),
                                          elqb_array(q, V(2)))),
               "\"b\" = ARRAY[ARRAY[$1], ARRAY[$2]]", INT8, INT8);
    CHECK_EXPR(elqb_eq(q, big, elqb_array(q, U.id)), "\"b\" = ARRAY[" ID "]");
    ck_assert_uint_eq(elqb_array(q, elqb_array(q, U.id)).oid,
                      ELPQ_OID_INT4_ARRAY);
    ck_assert_uint_eq(elqb_array(q, V(1), V(1.5)).oid, 0);
    CHECK_EXPR(elqb_cast(q, elqb_array(q, V("1")), "int8[]"),
               "CAST(ARRAY[$1] AS int8[])", INT8);
    CHECK_EXPR(elqb_slice(q, U.tags, V(1LL), V(2LL)), TAGS "[$1 : $2]", INT4,
               INT4);
    CHECK_EXPR(elqb_slice(q, U.tags, ELQB_NONE, ELQB_NONE), TAGS "[ : ]");
    CHECK_EXPR(elqb_subscript(q, elqb_subscript(q, U.tags, V(1)), V(2)),
               TAGS "[$1][$2]", INT4, INT4);
    CHECK_EXPR(elqb_field_star(q, elqb_func(q, "f")), "(\"f\"()).*");
}
END_TEST

START_TEST(test_lists)
{
    const int ids[] = { 1, 2 };
    const char *names[] = { "a", "b" };
    elqb_expr row = elqb_row(q, O.id, U.name);

    CHECK_EXPR(elqb_in_arrays(q, row, elqb_items(ids, 2), elqb_items(names, 2)),
               "(\"orders\".\"id\", " NAME
               ") IN (SELECT * FROM unnest($1::int8[], $2::text[]))",
               ELPQ_OID_INT8_ARRAY, ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_not_in_arrays(q, U.id, elqb_items(ids, 2)),
               ID " NOT IN (SELECT * FROM unnest($1::int4[]))",
               ELPQ_OID_INT4_ARRAY);
    CHECK_EXPR(elqb_not_in(q, row, elqb_row(q, V(1), V("x"))),
               "(\"orders\".\"id\", " NAME ") NOT IN (($1, $2))", INT8, TEXT);
    CHECK_EXPR(elqb_lt(q, row, elqb_row(q, V(1), V("x"))),
               "(\"orders\".\"id\", " NAME ") < ($1, $2)", INT8, TEXT);
    CHECK_EXPR(elqb_op_any(q, U.name, "LIKE", elqb_items(names, 2)),
               NAME " LIKE ANY ($1)", ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_op_all(q, U.name, "NOT ILIKE", U.tags),
               NAME " NOT ILIKE ALL (" TAGS ")");
    CHECK_FAILS(elqb_render(q, select_of(elqb_in_arrays(q, row, U.tags))),
                ELQB_E_USAGE, "elqb_in_arrays: 1 arrays for 2 columns");
    CHECK_FAILS(
        elqb_render(q, select_of(elqb_not_in_arrays(q, U.id, ELQB_NONE))),
        ELQB_E_USAGE, "elqb_not_in_arrays: operand 1 is ELQB_NONE");
    CHECK_FAILS(elqb_render(q, select_of(elqb_op_any(q, U.name, "SIMILAR TO",
                                                     U.tags))),
                ELQB_E_USAGE, "elqb_op_any: \"SIMILAR TO\" is no operator");
    CHECK_FAILS(elqb_render(q, select_of(elqb_op(q, U.name, "LIKE", U.name))),
                ELQB_E_USAGE, "elqb_op: \"LIKE\" is no operator");
}
END_TEST

/* All columns of a table in a row, and its row as an argument. */
START_TEST(test_stars)
{
    elqb_expr star = elqb_table_star(U.table);

    CHECK_EXPR(elqb_row(q, star), "ROW(\"users\".*)");
    CHECK_EXPR(elqb_row(q, star, V(1)), "(\"users\".*, $1)", INT4);
    CHECK_EXPR(elqb_func(q, "f", star, V(1)), "\"f\"(\"users\".*, $1)", INT4);
    CHECK_EXPR(elqb_func(q, "f", elqb_named(q, "x", star)),
               "\"f\"(\"x\" => \"users\".*)");
    CHECK_EXPR(elqb_eq(q, elqb_row(q, U.name, star), elqb_row(q, star, V("x"))),
               "(" NAME ", \"users\".*) = (\"users\".*, $1)", 0);
    CHECK_FAILS(elqb_render(q, select_of(elqb_row(q, elqb_star(), U.id))),
                ELQB_E_USAGE, "elqb_render: * is no expression");
    CHECK_FAILS(elqb_render(q, select_of(elqb_array(q, star))), ELQB_E_USAGE,
                "elqb_render: * is no expression");
}
END_TEST

/* The elements of the array are what one string would be there. */
START_TEST(test_types_of_lists)
{
    const char *texts[] = { "a", "b" };
    int32_t ages[] = { 1, 2 };
    elqb_expr list = elqb_items(texts, 2);
    elqb_expr net = COLUMN("net", INET), search = COLUMN("search", TSVECTOR);
    elqb_expr keys = COLUMN("keys", TEXT_ARRAY);
    elqb_expr spans = COLUMN("spans", INT4RANGE_ARRAY);
    elqb_expr bytes = COLUMN("bytes", BYTEA);

    CHECK_EXPR(elqb_op_any(q, U.data, "?", list), DATA " ? ANY ($1)",
               ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_op_any(q, U.data, "@>", list), DATA " @> ANY ($1)",
               ELPQ_OID_JSONB_ARRAY);
    CHECK_EXPR(elqb_op_any(q, U.created_at, "<@", list), CREATED " <@ ANY ($1)",
               ELPQ_OID_TSTZRANGE_ARRAY);
    CHECK_EXPR(elqb_op_any(q, U.id, "<@", elqb_array(q, V("[1,2)"))),
               ID " <@ ANY (ARRAY[$1])", ELPQ_OID_INT4RANGE);
    CHECK_EXPR(elqb_op_any(q, U.id, "<@", spans), ID " <@ ANY (\"spans\")");
    CHECK_EXPR(elqb_op_any(q, V("5"), "=", COLUMN("ids", INT8_ARRAY)),
               "$1 = ANY (\"ids\")", ELPQ_OID_INT8);
    CHECK_EXPR(elqb_op_any(q, V("{}"), "?", keys), "$1 ? ANY (\"keys\")", 0);
    CHECK_EXPR(elqb_op_any(q, V("a"), "LIKE", keys), "$1 LIKE ANY (\"keys\")",
               TEXT);
    CHECK_EXPR(elqb_op_any(q, bytes, "LIKE", list), "\"bytes\" LIKE ANY ($1)",
               ELPQ_OID_BYTEA_ARRAY);
    CHECK_EXPR(elqb_op_any(q, net, "<<", list), "\"net\" << ANY ($1)",
               ELPQ_OID_INET_ARRAY);
    CHECK_EXPR(elqb_op_any(q, search, "@@", list), "\"search\" @@ ANY ($1)", 0);
    CHECK_EXPR(elqb_op_all(q, U.created_at, ">", list), CREATED " > ALL ($1)",
               ELPQ_OID_TIMESTAMPTZ_ARRAY);
    CHECK_EXPR(elqb_op_any(q, O.id, "<", elqb_items(ages, 2)),
               "\"orders\".\"id\" < ANY ($1)", ELPQ_OID_INT8_ARRAY);
    CHECK_EXPR(elqb_op_any_select(q, U.data, "?", select_of(V("a"))),
               DATA " ? ANY (SELECT $1)", TEXT);
    CHECK_EXPR(elqb_op_any_select(q, V("a"), "~", select_of(U.name)),
               "$1 ~ ANY (SELECT " NAME ")", TEXT);
    CHECK_EXPR(elqb_op_any_select(q, U.created_at, ">", select_of(V("a"))),
               CREATED " > ANY (SELECT $1)", ELPQ_OID_TIMESTAMPTZ);
}
END_TEST

START_TEST(test_schemas)
{
    elqb_expr sum = elqb_add(q, U.id, V(1));

    CHECK_EXPR(elqb_op_in(q, "app", sum, "+", sum),
               ID " + $1 OPERATOR(\"app\".+) " ID " + $1", INT4);
    CHECK_EXPR(elqb_mul(q, elqb_op_in(q, "app", U.id, "*", U.id), U.id),
               "(" ID " OPERATOR(\"app\".*) " ID ") * " ID);
    CHECK_EXPR(elqb_op_prefix_in(q, "a\"p", "@#", U.id),
               "OPERATOR(\"a\"\"p\".@#) " ID);
    CHECK_EXPR(elqb_op_any_in(q, "app", U.id, "=", V("{1}")),
               ID " OPERATOR(\"app\".=) ANY ($1)", 0);
    CHECK_EXPR(elqb_op_all_in(q, "app", sum, "<>", U.tags),
               ID " + $1 OPERATOR(\"app\".<>) ALL (" TAGS ")", INT4);
    CHECK_FAILS(elqb_render(q, select_of(elqb_op_in(q, "", sum, "+", sum))),
                ELQB_E_NAME, "elqb_op_in: the name is empty");
}
END_TEST

START_TEST(test_arguments)
{
    elqb_expr days = elqb_named(q, "days", V(10));

    CHECK_EXPR(elqb_func(q, "make_interval", days),
               "\"make_interval\"(\"days\" => $1)", INT4);
    CHECK_EXPR(elqb_func_in(q, "app", "f", U.id, elqb_named(q, "a", V("x")),
                            elqb_variadic(q, elqb_named(q, "b", U.tags))),
               "\"app\".\"f\"(" ID ", \"a\" => $1, VARIADIC \"b\" => " TAGS ")",
               0);
    CHECK_EXPR(elqb_func(q, "concat", elqb_variadic(q, U.tags)),
               "\"concat\"(VARIADIC " TAGS ")");
}
END_TEST

START_TEST(test_misplaced_arguments)
{
    elqb_expr a = elqb_named(q, "a", U.id), v = elqb_variadic(q, U.tags);

    switch (_i) {
    case 0:
        CHECK_FAILS(elqb_render(q, select_of(elqb_func(q, "f", a, U.id))),
                    ELQB_E_USAGE, "elqb_func: an argument without a name "
                    "stands behind one with elqb_named()");
        break;
    case 1:
        CHECK_FAILS(elqb_render(q, select_of(elqb_func(q, "f", v, U.id))),
                    ELQB_E_USAGE, "elqb_func: elqb_variadic() is not the last");
        break;
    case 2:
        CHECK_FAILS(elqb_render(q, select_of(elqb_coalesce(q, a))),
                    ELQB_E_USAGE, "elqb_func: COALESCE takes neither "
                    "elqb_named() nor elqb_variadic()");
        break;
    case 3:
        CHECK_FAILS(elqb_render(q, select_of(elqb_add(q, a, U.id))),
                    ELQB_E_USAGE, "elqb_render: elqb_named() outside of a "
                    "function's arguments");
        break;
    case 4:
        CHECK_FAILS(elqb_render(q, select_of(v)), ELQB_E_USAGE, "elqb_render: "
                    "elqb_variadic() outside of a function's arguments");
        break;
    case 5:
        CHECK_FAILS(elqb_render(q, select_of(elqb_agg_distinct(
                        q, elqb_func(q, "f", v)))), ELQB_E_USAGE,
                    "elqb_agg_distinct: DISTINCT excludes elqb_variadic()");
        break;
    case 6:
        CHECK_FAILS(elqb_render(q, select_of(elqb_named(q, "", U.id))),
                    ELQB_E_NAME, "elqb_named: the name is empty");
        break;
    default:
        CHECK_FAILS(elqb_render(q, select_of(elqb_variadic(q, ELQB_NONE))),
                    ELQB_E_USAGE, "elqb_variadic: an operand is ELQB_NONE");
        break;
    }
}
END_TEST

START_TEST(test_null_and_rows)
{
    accounts_t A = accounts_table();

    CHECK_EXPR(elqb_null(INT4), "NULL::int4");
    CHECK_EXPR(elqb_null(OTHER), "NULL");
    CHECK_EXPR(elqb_coalesce(q, elqb_null(TEXT), V("x")),
               "COALESCE(NULL::text, $1)", TEXT);
    CHECK_EXPR(elqb_subscript(q, elqb_null(TEXT_ARRAY), V(1)),
               "(NULL::text[])[$1]", INT4);
    CHECK_EXPR(elqb_func(q, "row_to_json", elqb_table_row(A.table)),
               "\"row_to_json\"(\"accounts\")");
    CHECK_EXPR(elqb_func(q, "row_to_json", elqb_table_row(users_as("u").table)),
               "\"row_to_json\"(\"u\")");
    CHECK_EXPR(elqb_func(q, "grouping", U.id), "GROUPING(" ID ")");
    ck_assert_uint_eq(elqb_func(q, "grouping", U.name).oid, INT4);
}
END_TEST

/* true is an int to C: where a bool is due it is one, as a literal too. */
START_TEST(test_bools)
{
    elqb_select *s = select_of(U.id);
    elqb_merge *m = elqb_merge_new(q, U.table);
    elqb_expr count = elqb_count(q);

    CHECK_EXPR(elqb_and(q, elqb_lit(true), V(0)), "true AND $1", BOOL);
    CHECK_EXPR(elqb_not(q, elqb_lit(0)), "NOT false");
    CHECK_EXPR(elqb_eq(q, U.active, elqb_lit(true)),
               "\"users\".\"active\" = true");
    CHECK_EXPR(elqb_eq(q, U.age, elqb_lit(1)), "\"users\".\"age\" = 1");
    CHECK_EXPR(elqb_case(q, ELQB_NONE, elqb_lit(1), elqb_lit(1)),
               "CASE WHEN true THEN 1 END");
    CHECK_EXPR(elqb_agg_filter(q, count, V(1)),
               "\"count\"(*) FILTER (WHERE $1)", BOOL);
    CHECK_EXPR(elqb_agg_filter(q, elqb_agg_filter(q, count, V(1)), U.active),
               "\"count\"(*) FILTER (WHERE $1 AND \"users\".\"active\")",
               BOOL);
    elqb_from(s, U.table);
    elqb_join(s, ELQB_LEFT, O.table, V(1));
    elqb_join(s, ELQB_LEFT, P.table, elqb_lit(true));
    elqb_where(s, elqb_lit(1));
    CHECK(elqb_render(q, s), "SELECT " ID " FROM \"users\" LEFT JOIN "
          "\"orders\" ON $1 LEFT JOIN \"products\" ON true WHERE true", BOOL);
    elqb_merge_using(m, O.table, elqb_lit(true));
    elqb_when_matched_delete(m, elqb_lit(false));
    CHECK(elqb_render(q, m), "MERGE INTO \"users\" USING \"orders\" ON true "
          "WHEN MATCHED AND false THEN DELETE");
}
END_TEST

START_TEST(test_signs_and_case)
{
    CHECK_EXPR(elqb_pos(q, U.age), "+ \"users\".\"age\"");
    CHECK_EXPR(elqb_pos(q, elqb_neg(q, elqb_add(q, U.age, V(1)))),
               "+ - (\"users\".\"age\" + $1)", INT4);
    CHECK_EXPR(elqb_op_prefix(q, "+", U.age), "+ \"users\".\"age\"");
    ck_assert_uint_eq(elqb_pos(q, U.balance).oid, NUMERIC);
    /* what CASE compares takes the types of what it is compared with */
    CHECK_EXPR(elqb_case_of(q, V("2024-01-01"), V(0), U.created_at, V(1)),
               "CASE $1 WHEN " CREATED " THEN $2 ELSE $3 END", STAMP, INT4,
               INT4);
    CHECK_EXPR(elqb_case_of(q, V(1), ELQB_NONE, V(2), V("a"), U.balance,
                            V("b")),
               "CASE $1 WHEN $2 THEN $3 WHEN \"users\".\"balance\" THEN $4 "
               "END", NUMERIC, NUMERIC, TEXT, TEXT);
    CHECK_EXPR(elqb_case_of(q, V(1), ELQB_NONE, V(2), V(3)),
               "CASE $1 WHEN $2 THEN $3 END", INT4, INT4, INT4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_operators");
    TCase *tcase = qb_case(suite, "operators");

    tcase_add_test(tcase, test_is);
    tcase_add_test(tcase, test_patterns);
    tcase_add_test(tcase, test_plain_text);
    tcase_add_test(tcase, test_dates);
    tcase_add_test(tcase, test_ranges);
    tcase_add_test(tcase, test_networks_and_text_search);
    tcase_add_test(tcase, test_json);
    tcase_add_test(tcase, test_arrays);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_stars);
    tcase_add_test(tcase, test_types_of_lists);
    tcase_add_test(tcase, test_schemas);
    tcase_add_test(tcase, test_arguments);
    tcase_add_loop_test(tcase, test_misplaced_arguments, 0, 8);
    tcase_add_test(tcase, test_null_and_rows);
    tcase_add_test(tcase, test_bools);
    tcase_add_test(tcase, test_signs_and_case);
    return qb_main(suite);
}

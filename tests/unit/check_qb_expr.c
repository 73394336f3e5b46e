/* SPDX-License-Identifier: PostgreSQL */
/*
 * Expressions: the SQL of each operator and function, the types that values
 * take from what they meet, and the mistakes that are refused.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    BOOL = ELPQ_OID_BOOL,
    NUMERIC = ELPQ_OID_NUMERIC,
    FLOAT8 = ELPQ_OID_FLOAT8,
    STAMP = ELPQ_OID_TIMESTAMPTZ,
    JSONB = ELPQ_OID_JSONB
};

#define ID "\"users\".\"id\""
#define NAME "\"users\".\"name\""
#define AGE "\"users\".\"age\""
#define TAGS "\"users\".\"tags\""
#define DATA "\"users\".\"data\""

static elqb_select *select_of(elqb_expr e)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, e);
    return s;
}

START_TEST(test_comparison)
{
    CHECK_EXPR(elqb_eq(q, U.id, V(1)), ID " = $1", INT4);
    CHECK_EXPR(elqb_ne(q, U.id, V(1)), ID " <> $1", INT4);
    CHECK_EXPR(elqb_lt(q, V(1), U.id), "$1 < " ID, INT4);
    CHECK_EXPR(elqb_le(q, U.id, U.age), ID " <= " AGE);
    CHECK_EXPR(elqb_gt(q, U.name, V("m")), NAME " > $1", TEXT);
    CHECK_EXPR(elqb_ge(q, U.created_at, V("2020-01-01")),
               "\"users\".\"created_at\" >= $1", STAMP);
    CHECK_EXPR(elqb_is_distinct(q, U.id, V(1)), ID " IS DISTINCT FROM $1",
               INT4);
    CHECK_EXPR(elqb_is_not_distinct(q, U.name, V("x")),
               NAME " IS NOT DISTINCT FROM $1", TEXT);
    CHECK_EXPR(elqb_is_null(q, U.id), ID " IS NULL");
    CHECK_EXPR(elqb_is_null(q, V("x")), "$1 IS NULL", TEXT);
    CHECK_EXPR(elqb_is_not_null(q, U.id), ID " IS NOT NULL");
    CHECK_EXPR(elqb_is_true(q, U.active), "\"users\".\"active\" IS TRUE");
    CHECK_EXPR(elqb_is_not_true(q, elqb_eq(q, U.id, U.age)),
               ID " = " AGE " IS NOT TRUE");
    CHECK_EXPR(elqb_is_unknown(q, U.active), "\"users\".\"active\" IS UNKNOWN");
    CHECK_EXPR(elqb_between(q, U.age, V(1), V(2)), AGE " BETWEEN $1 AND $2",
               INT4, INT4);
    CHECK_EXPR(elqb_not_between_symmetric(q, U.balance, V(2), V(1.5)),
               "\"users\".\"balance\" NOT BETWEEN SYMMETRIC $1 AND $2",
               NUMERIC, NUMERIC);
}
END_TEST

START_TEST(test_patterns)
{
    CHECK_EXPR(elqb_like(q, U.name, V("a%")), NAME " LIKE $1", TEXT);
    CHECK_EXPR(elqb_not_ilike(q, U.name, V("a%")), NAME " NOT ILIKE $1", TEXT);
    CHECK_EXPR(elqb_similar(q, U.name, V("a|b")), NAME " SIMILAR TO $1", TEXT);
    CHECK_EXPR(elqb_like_escape(q, U.name, V("a!%"), V("!")),
               NAME " LIKE $1 ESCAPE $2", TEXT, TEXT);
    CHECK_EXPR(elqb_regex(q, U.name, V("^a")), NAME " ~ $1", TEXT);
    CHECK_EXPR(elqb_not_iregex(q, U.name, V("^a")), NAME " !~* $1", TEXT);
}
END_TEST

static void check_pattern(elqb_expr e, const char *pattern)
{
    const elpq_statement *st = render_expr(e);

    ck_assert_str_eq(st->sql, "SELECT " NAME " LIKE $1");
    ck_assert_str_eq(st->values[0].u.bytes.data, pattern);
    ck_assert_uint_eq(st->values[0].u.bytes.size, strlen(pattern));
}

START_TEST(test_plain_text)
{
    check_pattern(elqb_starts_with(q, U.name, "50%_\\"), "50\\%\\_\\\\%");
    check_pattern(elqb_ends_with(q, U.name, "a"), "%a");
    check_pattern(elqb_has_text(q, U.name, ""), "%%");
}
END_TEST

START_TEST(test_logic)
{
    elqb_expr a = elqb_eq(q, U.id, V(1)), b = elqb_eq(q, U.id, V(2));
    elqb_expr both = elqb_and(q, a, b);

    CHECK_EXPR(both, ID " = $1 AND " ID " = $2", INT4, INT4);
    CHECK_EXPR(elqb_or(q, both, U.active),
               ID " = $1 AND " ID " = $2 OR \"users\".\"active\"", INT4, INT4);
    CHECK_EXPR(elqb_and(q, elqb_or(q, a, b), U.active),
               "(" ID " = $1 OR " ID " = $2) AND \"users\".\"active\"", INT4,
               INT4);
    CHECK_EXPR(elqb_and(q, U.active, both),
               "\"users\".\"active\" AND " ID " = $1 AND " ID " = $2", INT4,
               INT4);
    CHECK_EXPR(elqb_not(q, elqb_not(q, a)), "NOT NOT " ID " = $1", INT4);
    CHECK_EXPR(elqb_not(q, both), "NOT (" ID " = $1 AND " ID " = $2)", INT4,
               INT4);
    CHECK_EXPR(elqb_and(q, V(1), V(true)), "$1 AND $2", BOOL, BOOL);
}
END_TEST

/* A longer AND takes the room behind a shorter one, which must not notice. */
START_TEST(test_and_is_persistent)
{
    elqb_expr w = elqb_and(q, U.active, elqb_eq(q, U.id, V(1)));
    elqb_expr left = elqb_and(q, w, elqb_is_null(q, U.name));
    elqb_expr right = elqb_and(q, w, elqb_is_null(q, U.email));

    CHECK_EXPR(w, "\"users\".\"active\" AND " ID " = $1", INT4);
    CHECK_EXPR(left, "\"users\".\"active\" AND " ID " = $1 AND " NAME
                     " IS NULL", INT4);
    CHECK_EXPR(right, "\"users\".\"active\" AND " ID
                      " = $1 AND \"users\".\"email\" IS NULL", INT4);
}
END_TEST

START_TEST(test_nothing)
{
    elqb_expr a = elqb_eq(q, U.id, V(1));

    ck_assert(elqb_is_none(elqb_and(q, ELQB_NONE, ELQB_NONE)));
    ck_assert(elqb_is_none(elqb_or(q, ELQB_NONE)));
    CHECK_EXPR(elqb_and(q, ELQB_NONE, a, ELQB_NONE), ID " = $1", INT4);
    CHECK_EXPR(elqb_or(q, a, ELQB_NONE, a), ID " = $1 OR " ID " = $1", INT4);
    CHECK_EXPR(elqb_agg_filter(q, elqb_count(q), ELQB_NONE), "\"count\"(*)");
}
END_TEST

START_TEST(test_arithmetic)
{
    CHECK_EXPR(elqb_mul(q, elqb_add(q, U.age, V(1)), V(2)),
               "(" AGE " + $1) * $2", INT4, INT4);
    CHECK_EXPR(elqb_sub(q, U.age, elqb_sub(q, U.id, V(1))),
               AGE " - (" ID " - $1)", INT4);
    CHECK_EXPR(elqb_div(q, U.balance, V(3)), "\"users\".\"balance\" / $1",
               NUMERIC);
    CHECK_EXPR(elqb_mod(q, U.age, V(2)), AGE " % $1", INT4);
    CHECK_EXPR(elqb_pow(q, elqb_neg(q, U.age), V(2)), "- " AGE " ^ $1", INT4);
    CHECK_EXPR(elqb_neg(q, elqb_neg(q, U.age)), "- - " AGE);
    CHECK_EXPR(elqb_neg(q, elqb_lit(-5)), "- (-5)");
    CHECK_EXPR(elqb_bit_not(q, elqb_bit_or(q, U.age, V(1))),
               "~ (" AGE " | $1)", INT4);
    CHECK_EXPR(elqb_shl(q, U.age, V(1)), AGE " << $1", INT4);
    CHECK_EXPR(elqb_add(q, U.created_at, V("1 day")),
               "\"users\".\"created_at\" + $1", ELPQ_OID_INTERVAL);
    CHECK_EXPR(elqb_concat(q, U.name, V("x"), U.email),
               NAME " || $1 || \"users\".\"email\"", TEXT);
    CHECK_EXPR(elqb_concat(q, U.name, elqb_concat(q, V("x"), V("y"))),
               NAME " || ($1 || $2)", TEXT, TEXT);
    CHECK_EXPR(elqb_eq(q, elqb_concat(q, U.name, V("x")), V("bx")),
               NAME " || $1 = $2", TEXT, TEXT);
}
END_TEST

START_TEST(test_json_arrays_ranges)
{
    const char *tags[] = { "a", "b" };

    CHECK_EXPR(elqb_eq(q, elqb_json_text(q, U.data, V("k")), V("v")),
               DATA " ->> $1 = $2", TEXT, TEXT);
    CHECK_EXPR(elqb_json_get(q, elqb_json_get(q, U.data, V("a")), V(0)),
               DATA " -> $1 -> $2", TEXT, INT4);
    CHECK_EXPR(elqb_json_path_text(q, U.data, V("{a,b}")), DATA " #>> $1", 0);
    CHECK_EXPR(elqb_has_key(q, U.data, V("k")), DATA " ? $1", TEXT);
    CHECK_EXPR(elqb_has_any(q, U.data, elqb_items(tags, 2)), DATA " ?| $1",
               ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_contains(q, U.data, V("{}")), DATA " @> $1", JSONB);
    CHECK_EXPR(elqb_contains(q, U.tags, elqb_items(tags, 2)), TAGS " @> $1",
               ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_overlaps(q, U.tags, elqb_array(q, V("a"), V("b"))),
               TAGS " && ARRAY[$1, $2]", TEXT, TEXT);
    CHECK_EXPR(elqb_contains(q, P.valid, elqb_func(q, "now")),
               "\"products\".\"valid\" @> \"now\"()");
    CHECK_EXPR(elqb_range_adjacent(q, P.valid, V("[a,b)")),
               "\"products\".\"valid\" -|- $1", ELPQ_OID_TSTZRANGE);
    CHECK_EXPR(elqb_match(q, P.search, elqb_func(q, "to_tsquery", V("a"))),
               "\"products\".\"search\" @@ \"to_tsquery\"($1)", 0);
    CHECK_EXPR(elqb_subscript(q, U.tags, V(1)), TAGS "[$1]", INT4);
    CHECK_EXPR(elqb_slice(q, U.tags, V(1), ELQB_NONE), TAGS "[$1 : ]", INT4);
    CHECK_EXPR(elqb_subscript(q, elqb_func(q, "f", U.id), V(1)),
               "(\"f\"(" ID "))[$1]", INT4);
    CHECK_EXPR(elqb_field(q, U.data, "x"), "(" DATA ").\"x\"");
}
END_TEST

START_TEST(test_lists)
{
    int ids[] = { 1, 2, 3 };
    const long long big[] = { 1 };
    const char *names[] = { "a", NULL };
    elqb_expr list[4];

    CHECK_EXPR(elqb_in(q, U.id, V(1), V(2)), ID " IN ($1, $2)", INT4, INT4);
    CHECK_EXPR(elqb_not_in(q, U.name, V("a")), NAME " NOT IN ($1)", TEXT);
    for (int i = 0; i < 3; i++)
        list[i] = V(ids[i]);
    list[3] = ELQB_END;
    CHECK_EXPR(elqb_in_v(q, U.balance, list),
               "\"users\".\"balance\" IN ($1, $2, $3)", NUMERIC, NUMERIC,
               NUMERIC);
    CHECK_EXPR(elqb_in_v(q, U.id, ELQB_LIST(ELQB_END)), "false");
    CHECK_EXPR(elqb_not_in_v(q, U.id, ELQB_LIST(ELQB_END)), "true");
    CHECK_EXPR(elqb_eq(q, elqb_in_v(q, U.id, NULL), V(1)), "false = $1", BOOL);
    ck_assert(elqb_is_none(elqb_in_v(q, ELQB_NONE, NULL)));
    ck_assert_str_eq(elqb_error(q), "elqb_in: an operand is ELQB_NONE");
    elqb_reset(q);
    CHECK_EXPR(elqb_eq(q, elqb_in(q, U.id, U.age), V(1)),
               ID " IN (" AGE ") = $1", BOOL);
    CHECK_EXPR(elqb_any_of(q, U.id, ids, 3), ID " = ANY ($1)",
               ELPQ_OID_INT4_ARRAY);
    CHECK_EXPR(elqb_any_of(q, O.id, ids, 0), "\"orders\".\"id\" = ANY ($1)",
               ELPQ_OID_INT8_ARRAY);
    CHECK_EXPR(elqb_eq_any(q, O.id, elqb_value(elpq_array_int64(
                                        (const int64_t *)big, 1))),
               "\"orders\".\"id\" = ANY ($1)", ELPQ_OID_INT8_ARRAY);
    CHECK_EXPR(elqb_none_of(q, U.name, names, 2), NAME " <> ALL ($1)",
               ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_any_of(q, O.status, names, 1),
               "\"orders\".\"status\" = ANY ($1)", 0);
    CHECK_EXPR(elqb_eq_any(q, V("x"), U.tags), "$1 = ANY (" TAGS ")", TEXT);
    CHECK_EXPR(elqb_in(q, elqb_row(q, U.id, U.balance),
                       elqb_row(q, V(1), V(2)), elqb_row(q, V(3), V(4))),
               "(" ID ", \"users\".\"balance\") IN (($1, $2), ($3, $4))", INT4,
               NUMERIC, INT4, NUMERIC);
}
END_TEST

START_TEST(test_spelled_operators)
{
    CHECK_EXPR(elqb_op(q, U.id, "<->", V(1)), ID " <-> $1", INT4);
    CHECK_EXPR(elqb_op(q, elqb_eq(q, U.id, U.age), "@>", U.age),
               "(" ID " = " AGE ") @> " AGE);
    CHECK_EXPR(elqb_op(q, elqb_op(q, U.id, "*", U.age), "+", V(1)),
               ID " * " AGE " + $1", INT4);
    CHECK_EXPR(elqb_op(q, U.name, "||", V("x")), NAME " || $1", TEXT);
    CHECK_EXPR(elqb_op(q, U.id, "!=", V(1)), ID " <> $1", INT4);
    CHECK_EXPR(elqb_op_any(q, U.id, ">", elqb_array(q, V(1))),
               ID " > ANY (ARRAY[$1])", INT4);
    CHECK_EXPR(elqb_op_all(q, U.name, "~", U.tags), NAME " ~ ALL (" TAGS ")");
    CHECK_EXPR(elqb_op_prefix(q, "@", elqb_op_prefix(q, "-", U.age)),
               "@ - " AGE);
    CHECK_FAILS(elqb_render(q, select_of(elqb_op(q, U.id, "--", U.id))),
                ELQB_E_USAGE, "elqb_op: \"--\" is no operator");
    CHECK_FAILS(elqb_render(q, select_of(elqb_op(q, U.id, "<+", U.id))),
                ELQB_E_USAGE, "elqb_op: \"<+\" is no operator");
    CHECK_FAILS(elqb_render(q, select_of(elqb_op(q, U.id, "= 1 OR", U.id))),
                ELQB_E_USAGE, "elqb_op: \"= 1 OR\" is no operator");
}
END_TEST

/* Beside a type that is not known they may be an extension's, as of ltree. */
START_TEST(test_spelled_for_extensions)
{
    const char *queries[] = { "*.a.*", "*.b.*" };
    elqb_expr path = elqb_name("path");

    CHECK_EXPR(elqb_op(q, path, "~", V("*.a.*")), "\"path\" ~ $1", 0);
    CHECK_EXPR(elqb_op(q, path, "?", elqb_items(queries, 2)), "\"path\" ? $1",
               0);
    CHECK_EXPR(elqb_op(q, path, "?", V("key")), "\"path\" ? $1", 0);
    CHECK_EXPR(elqb_op_any(q, path, "~", elqb_items(queries, 2)),
               "\"path\" ~ ANY ($1)", 0);
    CHECK_EXPR(elqb_op(q, path, "->", V("key")), "\"path\" -> $1", TEXT);
    CHECK_EXPR(elqb_op(q, U.name, "!~*", V("a")), NAME " !~* $1", TEXT);
    CHECK_EXPR(elqb_op(q, V("a"), "~", V("b")), "$1 ~ $2", TEXT, TEXT);
    CHECK_EXPR(elqb_regex(q, path, V("a")), "\"path\" ~ $1", TEXT);
}
END_TEST

START_TEST(test_functions)
{
    elqb_expr sum = elqb_func(q, "string_agg", U.name, V(","));

    CHECK_EXPR(elqb_func(q, "lower", U.name), "\"lower\"(" NAME ")");
    CHECK_EXPR(elqb_func_in(q, "app", "f", U.id, V(1)),
               "\"app\".\"f\"(" ID ", $1)", INT4);
    CHECK_EXPR(elqb_func(q, "concat", U.name, V("x")),
               "\"concat\"(" NAME ", $1)", TEXT);
    CHECK_EXPR(elqb_func(q, "jsonb_build_object", V("k"), V(1)),
               "\"jsonb_build_object\"($1, $2)", TEXT, INT4);
    CHECK_EXPR(elqb_func(q, "date_trunc", V("day"), U.created_at),
               "\"date_trunc\"($1, \"users\".\"created_at\")", 0);
    CHECK_EXPR(elqb_sub(q, elqb_func(q, "now"), V("30 days")),
               "\"now\"() - $1", ELPQ_OID_INTERVAL);
    CHECK_EXPR(elqb_add(q, elqb_func(q, "date_trunc", V("day"),
                                     elqb_func(q, "clock_timestamp")),
                        V("1 hour")),
               "\"date_trunc\"($1, \"clock_timestamp\"()) + $2", 0,
               ELPQ_OID_INTERVAL);
    CHECK_EXPR(elqb_count(q), "\"count\"(*)");
    CHECK_EXPR(elqb_agg_distinct(q, elqb_func(q, "count", U.name)),
               "\"count\"(DISTINCT " NAME ")");
    CHECK_EXPR(elqb_agg_filter(q, elqb_agg_order_by(q, sum, elqb_desc(q, U.id)),
                               elqb_gt(q, U.age, V(1))),
               "\"string_agg\"(" NAME ", $1 ORDER BY " ID
               " DESC) FILTER (WHERE " AGE " > $2)", 0, INT4);
    CHECK_EXPR(elqb_coalesce(q, U.name, V("x")), "COALESCE(" NAME ", $1)",
               TEXT);
    CHECK_EXPR(elqb_func(q, "greatest", V(1), V(2)), "GREATEST($1, $2)", INT4,
               INT4);
    CHECK_EXPR(elqb_nullif(q, U.balance, V(0)),
               "NULLIF(\"users\".\"balance\", $1)", NUMERIC);
    CHECK_EXPR(elqb_func(q, "current_date"), "CURRENT_DATE");
    CHECK_EXPR(elqb_extract(q, "year", U.created_at),
               "EXTRACT(\"year\" FROM \"users\".\"created_at\")");
    CHECK_EXPR(elqb_cast(q, V("5"), "integer"), "CAST($1 AS integer)", INT4);
    CHECK_EXPR(elqb_cast(q, V(2), "numeric"), "CAST($1 AS numeric)", NUMERIC);
    CHECK_EXPR(elqb_cast(q, V("a"), "mood"), "CAST($1 AS mood)", 0);
    CHECK_EXPR(elqb_eq(q, elqb_cast(q, U.name, "numeric(12,2)"), V(1)),
               "CAST(" NAME " AS numeric(12,2)) = $1", NUMERIC);
    CHECK_EXPR(elqb_cast(q, elqb_array_v(q, ELQB_LIST(ELQB_END)), "int[]"),
               "CAST(ARRAY[] AS int[])");
}
END_TEST

/* What only looks like a function to SQL. */
START_TEST(test_grammar_functions)
{
    elqb_expr bytes = elqb_typed(elqb_name("b"), BYTEA);
    elqb_expr xml = elqb_typed(elqb_name("x"), XML);
    static const struct {
        const char *name;
        const char *error;
    } words[] = {
        { "json_array", "JSON_ARRAY is no function, see json_build_array" },
        { "JSON_SCALAR", "JSON_SCALAR is no function, see to_json" },
        { "row", "ROW is no function, see elqb_row()" },
        { "exists", "EXISTS is no function, see elqb_exists()" },
        { "any", "ANY is no function, see elqb_op_any()" },
        { "cast", "CAST is no function, see elqb_cast()" },
        { "xmlelement", "XMLELEMENT is no function, see elqb_text()" },
    };
    char text[100];

    CHECK_EXPR(elqb_func(q, "trim", U.name), "TRIM(" NAME ")");
    CHECK_EXPR(elqb_func(q, "trim", U.name, V("x")), "TRIM(" NAME ", $1)",
               TEXT);
    ck_assert_uint_eq(elqb_func(q, "trim", U.name).oid, TEXT);
    ck_assert_uint_eq(elqb_func(q, "trim", bytes).oid, ELPQ_OID_BYTEA);
    CHECK_EXPR(elqb_func(q, "xmlconcat", V("<a/>"), xml),
               "XMLCONCAT($1, \"x\")", ELPQ_OID_XML);
    CHECK_EXPR(elqb_func(q, "xmlconcat", V("<a/>")), "XMLCONCAT($1)",
               ELPQ_OID_XML);
    CHECK_EXPR(elqb_func_in(q, "app", "json_value", U.data),
               "\"app\".\"json_value\"(" DATA ")");
    CHECK_EXPR(elqb_func(q, "json_object", U.tags),
               "\"json_object\"(" TAGS ")");
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        snprintf(text, sizeof(text), "elqb_func: %s", words[i].error);
        elqb_func_v(q, NULL, words[i].name, ELQB_LIST(U.data));
        CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE, text);
    }
}
END_TEST

START_TEST(test_case)
{
    CHECK_EXPR(elqb_case(q, V("old"), elqb_lt(q, U.age, V(18)), V("young")),
               "CASE WHEN " AGE " < $1 THEN $2 ELSE $3 END", INT4, TEXT, TEXT);
    CHECK_EXPR(elqb_case_of(q, U.name, ELQB_NONE, V("a"), V(1), V("b"),
                            U.balance),
               "CASE " NAME " WHEN $1 THEN $2 WHEN $3 THEN "
               "\"users\".\"balance\" END", TEXT, NUMERIC, TEXT);
    CHECK_FAILS(elqb_render(q, select_of(elqb_case(q, V(1), U.active))),
                ELQB_E_USAGE, "elqb_case: a WHEN without a THEN");
}
END_TEST

START_TEST(test_grouping)
{
    CHECK_EXPR(elqb_at_time_zone(q, U.created_at, V("UTC")),
               "\"users\".\"created_at\" AT TIME ZONE $1", TEXT);
    CHECK_EXPR(elqb_lt(q, elqb_collate(q, U.name, "C"), V("m")),
               NAME " COLLATE \"C\" < $1", TEXT);
    CHECK_EXPR(elqb_collate(q, elqb_concat(q, U.name, V("x")), "C"),
               "(" NAME " || $1) COLLATE \"C\"", TEXT);
    CHECK_EXPR(elqb_between(q, U.name, elqb_collate(q, U.email, "C"), V("z")),
               NAME " BETWEEN (\"users\".\"email\" COLLATE \"C\") AND $1",
               TEXT);
    CHECK_EXPR(elqb_row(q, U.id, V("x")), "(" ID ", $1)", TEXT);
    CHECK_EXPR(elqb_row(q, U.id), "ROW(" ID ")");
    CHECK_EXPR(elqb_as(q, V("x"), "label"), "$1 AS \"label\"", TEXT);
    CHECK_EXPR(elqb_add(q, elqb_as(q, U.id, "x"), V(1)), ID " + $1", INT4);
    CHECK_EXPR(elqb_table_star(U.table), "\"users\".*");
}
END_TEST

/* A value takes the column's type if it fits, and what it was told anyway. */
START_TEST(test_value_types)
{
    elqb_expr small = elqb_typed(elqb_c(U.table, "small"), INT2);
    elqb_expr real = elqb_typed(elqb_c(U.table, "real"), FLOAT4);

    CHECK_EXPR(elqb_eq(q, small, V(5)), "\"users\".\"small\" = $1",
               ELPQ_OID_INT2);
    CHECK_EXPR(elqb_eq(q, small, V(70000)), "\"users\".\"small\" = $1", INT4);
    CHECK_EXPR(elqb_eq(q, U.id, V(5LL)), ID " = $1", INT4);
    CHECK_EXPR(elqb_eq(q, U.id, V(5000000000LL)), ID " = $1", INT8);
    CHECK_EXPR(elqb_eq(q, U.id, V(1.5)), ID " = $1", FLOAT8);
    CHECK_EXPR(elqb_eq(q, real, V(1.5)), "\"users\".\"real\" = $1",
               ELPQ_OID_FLOAT4);
    CHECK_EXPR(elqb_eq(q, real, V(1 << 24)), "\"users\".\"real\" = $1",
               ELPQ_OID_FLOAT4);
    CHECK_EXPR(elqb_eq(q, real, V((1 << 24) + 1)), "\"users\".\"real\" = $1",
               INT4);
    CHECK_EXPR(elqb_add(q, real, V(1)), "\"users\".\"real\" + $1", INT4);
    CHECK_EXPR(elqb_eq(q, U.balance, V(1.5)), "\"users\".\"balance\" = $1",
               NUMERIC);
    CHECK_EXPR(elqb_eq(q, U.active, V(1)), "\"users\".\"active\" = $1", BOOL);
    CHECK_EXPR(elqb_eq(q, U.active, V(2)), "\"users\".\"active\" = $1", INT4);
    CHECK_EXPR(elqb_eq(q, O.status, V("paid")), "\"orders\".\"status\" = $1",
               0);
    CHECK_EXPR(elqb_eq(q, P.sku, V("a")), "\"products\".\"sku\" = $1",
               ELPQ_OID_VARCHAR);
    CHECK_EXPR(elqb_eq(q, U.name, V(elpq_null(0))), NAME " = $1", TEXT);
    CHECK_EXPR(elqb_eq(q, U.name, V(elpq_text_as(ELPQ_OID_VARCHAR, "a", 1))),
               NAME " = $1", ELPQ_OID_VARCHAR);
    CHECK_EXPR(elqb_eq(q, U.balance, V(UINT64_MAX)),
               "\"users\".\"balance\" = $1", NUMERIC);
}
END_TEST

START_TEST(test_identity)
{
    elqb_expr one = V(1), eq = elqb_eq(q, U.id, one);
    elqb_expr shared = elqb_shared(q, elqb_typed(V("x"), TEXT));

    CHECK_EXPR(elqb_or(q, eq, elqb_eq(q, U.age, one), eq),
               ID " = $1 OR " AGE " = $2 OR " ID " = $1", INT4, INT4);
    CHECK_EXPR(elqb_or(q, elqb_eq(q, U.name, shared),
                       elqb_eq(q, U.email, shared)),
               NAME " = $1 OR \"users\".\"email\" = $1", TEXT);
    elqb_params(q, ELQB_ARG("who", V("bob")), ELQB_ARG("n", V(3)));
    CHECK_EXPR(elqb_and(q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
                        elqb_eq(q, U.balance, elqb_bind("n", NUMERIC)),
                        elqb_eq(q, U.email, elqb_bind("who", TEXT))),
               NAME " = $1 AND \"users\".\"balance\" = $2 AND "
               "\"users\".\"email\" = $1", TEXT, NUMERIC);
}
END_TEST

/* The type of a CAST is known only if its name is all that there is. */
START_TEST(test_cast_types)
{
    static const struct {
        const char *type;
        uint32_t oid;
    } types[] = {
        { "timestamp(3) with time zone", 0 },
        { "time(3) with time zone", 0 },
        { "timestamp  with time zone", 0 },
        { "timestamp\twith time zone", 0 },
        { "timestamp with time zone", STAMP },
        { "TimestampTZ(3)", STAMP },
        { "timestamp(3)", ELPQ_OID_TIMESTAMP },
        { "int[3]", 0 },
        { "int array", 0 },
        { "int[][]", 0 },
        { "int []", 0 },
        { "int4[]", ELPQ_OID_INT4_ARRAY },
        { "numeric(12, 2)[]", ELPQ_OID_NUMERIC_ARRAY },
        { "numeric(12,2)", NUMERIC },
        { "interval day to second", 0 },
        { "mood[]", 0 },
    };
    char sql[100];

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        elqb_expr e = elqb_cast_from_trusted_string(q, V("x"), types[i].type);
        const elpq_statement *st = render_expr(e);

        snprintf(sql, sizeof(sql), "SELECT CAST($1 AS %s)", types[i].type);
        ck_assert_str_eq(st->sql, sql);
        ck_assert_ptr_null(parse_error(sql));
        ck_assert_uint_eq(e.oid, types[i].oid);
        if (!strchr(sql, '[')) /* strings stay undecided beside arrays */
            ck_assert_uint_eq(st->values[0].oid, types[i].oid);
    }
    CHECK_EXPR(elqb_cast(q, V(1), "int4 -- x"), "CAST($1 AS int4 -- x\n)",
               INT4);
}
END_TEST

/* What an operator or a function gives, where it is not what it takes. */
/* A bind of FLOAT4 is given an int as well. */
START_TEST(test_float_binds)
{
    elqb_params(q, ELQB_ARG("x", V(3)), ELQB_ARG("y", V(-(1 << 24))));
    CHECK_EXPR(elqb_row(q, elqb_bind("x", FLOAT4), elqb_bind("y", FLOAT4)),
               "($1, $2)", ELPQ_OID_FLOAT4, ELPQ_OID_FLOAT4);
}
END_TEST

/* A type by its name at run time is quoted, and its schema translated. */
START_TEST(test_cast_named)
{
    const char *moods[] = { "sad", "ok" };
    char name[] = "mo\"od";
    elqb_expr cast = elqb_cast_named(q, V("ok"), elqb_type_named("app", name));

    strcpy(name, "x");
    CHECK_EXPR(cast, "CAST($1 AS \"app\".\"mo\"\"od\")", 0);
    CHECK_EXPR(elqb_cast_named(q, elqb_items(moods, 2),
                               elqb_array_type_named(NULL, "mood")),
               "CAST($1 AS \"mood\"[])", ELPQ_OID_TEXT_ARRAY);
    CHECK_EXPR(elqb_cast_named(q, U.id, ELQB_SQL_TYPE("int8")),
               "CAST(" ID " AS int8)");
    elqb_schema_translate(q, ELQB_SCHEMA("app", "tenant"));
    CHECK_EXPR(cast, "CAST($1 AS \"tenant\".\"mo\"\"od\")", 0);
    CHECK_FAILS(elqb_render(q, select_of(elqb_cast_named(
                                   q, U.id, elqb_type_named("app", NULL)))),
                ELQB_E_NAME, "elqb_cast_named: the name is empty");
    elqb_cast_named(q, ELQB_NONE, elqb_type_named("app", "mood"));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_USAGE);
}
END_TEST

START_TEST(test_result_types)
{
    elqb_expr day = elqb_typed(elqb_c(U.table, "d"), DATE);
    elqb_expr cash = elqb_typed(elqb_c(U.table, "m"), MONEY);
    elqb_expr valid = elqb_func(q, "lower", P.valid);

    CHECK_EXPR(elqb_gt(q, elqb_sub(q, O.placed_at, O.placed_at), V("1 hour")),
               "\"orders\".\"placed_at\" - \"orders\".\"placed_at\" > $1",
               ELPQ_OID_INTERVAL);
    ck_assert_uint_eq(elqb_sub(q, day, day).oid, INT4);
    ck_assert_uint_eq(elqb_div(q, cash, cash).oid, 0);
    ck_assert_uint_eq(elqb_sub(q, U.age, U.id).oid, INT4);
    ck_assert_uint_eq(elqb_div(q, U.balance, V(2)).oid, NUMERIC);
    CHECK_EXPR(elqb_eq(q, valid, V("2024-01-01")),
               "\"lower\"(\"products\".\"valid\") = $1", 0);
    CHECK_EXPR(elqb_eq(q, elqb_func(q, "upper", P.sku), V("A")),
               "\"upper\"(\"products\".\"sku\") = $1", TEXT);
}
END_TEST

/* An array with an element that does not fit stays what it is. */
START_TEST(test_array_types)
{
    const int64_t ids[] = { 1, 99999999999 }, small[] = { 1, -2 };
    const double numbers[] = { 1, 1e300 };
    elqb_expr real = elqb_typed(elqb_c(U.table, "real"), FLOAT4);
    elqb_expr oid = elqb_typed(elqb_c(U.table, "oid"), OID);

    CHECK_EXPR(elqb_any_of(q, U.id, ids, 2), ID " = ANY ($1)",
               ELPQ_OID_INT8_ARRAY);
    CHECK_EXPR(elqb_any_of(q, U.id, small, 2), ID " = ANY ($1)",
               ELPQ_OID_INT4_ARRAY);
    CHECK_EXPR(elqb_any_of(q, oid, small, 2),
               "\"users\".\"oid\" = ANY ($1)", ELPQ_OID_INT8_ARRAY);
    CHECK_EXPR(elqb_any_of(q, real, numbers, 2),
               "\"users\".\"real\" = ANY ($1)", ELPQ_OID_FLOAT8_ARRAY);
    CHECK_EXPR(elqb_any_of(q, real, numbers, 1),
               "\"users\".\"real\" = ANY ($1)", ELPQ_OID_FLOAT4_ARRAY);
    CHECK_EXPR(elqb_any_of(q, real, small, 2), "\"users\".\"real\" = ANY ($1)",
               ELPQ_OID_FLOAT4_ARRAY);
    CHECK_EXPR(elqb_any_of(q, real, ids, 2), "\"users\".\"real\" = ANY ($1)",
               ELPQ_OID_INT8_ARRAY);
    CHECK_EXPR(elqb_any_of(q, elqb_typed(elqb_name("f"), FLOAT8), ids, 2),
               "\"f\" = ANY ($1)", ELPQ_OID_FLOAT8_ARRAY);
    CHECK_EXPR(elqb_any_of(q, U.name, ids, 0), NAME " = ANY ($1)",
               ELPQ_OID_INT8_ARRAY);
}
END_TEST

/* IN and ANY take a subquery between their own parentheses for its rows. */
START_TEST(test_scalar_subqueries)
{
    elqb_expr one = elqb_scalar(q, select_of(U.age));

    CHECK_EXPR(elqb_in(q, U.id, one), ID " = (SELECT " AGE ")");
    CHECK_EXPR(elqb_not_in(q, U.id, one), ID " <> (SELECT " AGE ")");
    CHECK_EXPR(elqb_in(q, U.id, one, V(1)), ID " IN ((SELECT " AGE "), $1)",
               INT4);
    CHECK_EXPR(elqb_eq_any(q, V("x"),
                           elqb_cast(q, elqb_scalar(q, select_of(U.tags)),
                                     "text[]")),
               "$1 = ANY (CAST((SELECT " TAGS ") AS text[]))", TEXT);
    CHECK_FAILS(elqb_render(q, select_of(elqb_eq_any(q, U.id, one))),
                ELQB_E_USAGE,
                "elqb_eq_any: the operand is a subquery; use elqb_cast() if "
                "it gives an array, elqb_in_select() for its rows");
}
END_TEST

/* A value inside of something composed is one parameter wherever that goes,
 * also where its terms are taken over into something longer. */
START_TEST(test_identity_of_parts)
{
    elqb_expr c = elqb_concat(q, U.name, V("x")), w, row;
    elqb_select *s = select_of(elqb_concat(q, c, V("!")));

    elqb_group_by(s, c);
    CHECK(elqb_render(q, s), "SELECT " NAME " || $1 || $2 GROUP BY " NAME
                             " || $1", TEXT, TEXT);
    w = elqb_and(q, V(true), U.active);
    s = select_of(elqb_or(q, elqb_not(q, w), U.active));
    elqb_where(s, elqb_and(q, U.active, w));
    CHECK(elqb_render(q, s),
          "SELECT NOT ($1 AND \"users\".\"active\") OR \"users\".\"active\" "
          "WHERE \"users\".\"active\" AND $1 AND \"users\".\"active\"", BOOL);
    s = select_of(U.id);
    elqb_limit(s, V(5));
    elqb_offset(s, V(7));
    w = elqb_exists(q, elqb_select_copy(s));
    elqb_where(s, w);
    CHECK(elqb_render(q, s), "SELECT " ID " WHERE EXISTS (SELECT " ID
                             " LIMIT $1 OFFSET $2) LIMIT $1 OFFSET $2",
          INT8, INT8);
    row = elqb_row(q, V(1), V("x"));
    s = select_of(row);
    elqb_where(s, elqb_eq(q, elqb_row(q, U.id, O.status), row));
    CHECK(elqb_render(q, s), "SELECT ($1, $2) WHERE (" ID
                             ", \"orders\".\"status\") = ($3, $4)",
          INT4, TEXT, INT4, 0);
}
END_TEST

/* What was made before a reset is refused, whatever lies in its place. */
START_TEST(test_after_reset)
{
    elqb_expr old = elqb_eq(q, U.id, V(1)), e;
    elqb_table table = elqb_subquery(q, select_of(U.id), "t");
    elqb_delete *d;

    elqb_reset(q);
    e = elqb_like(q, U.name, V("%"));
    d = elqb_delete_new(q, U.table);
    elqb_where(d, old);
    CHECK_FAILS(elqb_render(q, d), ELQB_E_FOREIGN,
                "elqb_where: a part is from before elqb_reset()");
    e = elqb_eq(q, U.id, V(2));
    d = elqb_delete_new(q, U.table);
    elqb_where(d, e);
    elqb_where(d, old);
    ck_assert_ptr_null(elqb_render(q, d));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_FOREIGN);
    elqb_reset(q);
    ck_assert(elqb_is_none(elqb_desc(q, old)));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_FOREIGN);
    elqb_reset(q);
    elqb_using(elqb_delete_new(q, U.table), table);
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_FOREIGN);
}
END_TEST

START_TEST(test_debug_never_fails)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, V("a\xff"), V(elpq_date(INT32_MAX)),
                 elqb_bind("a\nb", INT4));
    ck_assert_str_eq(elqb_debug(q, s) + strlen("<debug> SELECT <invalid text>"),
                     ", '5881580-07-11'::date, :a?b");
    ck_assert_str_eq(elqb_error(q), "");
    CHECK_FAILS(elqb_render(q, select_of(elqb_bind(NULL, INT4))), ELQB_E_NAME,
                "elqb_columns: the name is empty");
}
END_TEST

START_TEST(test_mistakes)
{
    elqb *other = elqb_new();
    elqb_expr foreign;

    CHECK_FAILS(elqb_render(q, select_of(elqb_eq(q, U.id, ELQB_NONE))),
                ELQB_E_USAGE, "elqb_eq: operand 2 is ELQB_NONE");
    CHECK_FAILS(elqb_render(q, select_of(elqb_like(q, ELQB_END, V(1)))),
                ELQB_E_USAGE, "elqb_like: operand 1 is ELQB_END");
    foreign = elqb_and(other, U.active, U.active);
    CHECK_FAILS(elqb_render(q, select_of(elqb_not(q, foreign))),
                ELQB_E_FOREIGN,
                "elqb_not: a part belongs to another workspace");
    CHECK_FAILS(elqb_render(q, select_of(elqb_and(q, U.active, foreign))),
                ELQB_E_FOREIGN,
                "elqb_and: a part belongs to another workspace");
    CHECK_FAILS(elqb_render(other, select_of(U.id)) ? NULL : NULL, ELQB_OK, "");
    ck_assert_str_eq(elqb_error(other), "elqb_render: the statement belongs to "
                                        "another workspace");
    CHECK_FAILS(elqb_render(q, select_of(elqb_desc(q, U.id))), ELQB_E_USAGE,
                "elqb_render: an order (asc, desc) outside of ORDER BY");
    CHECK_FAILS(elqb_render(q, select_of(elqb_asc(q, elqb_desc(q, U.id)))),
                ELQB_E_USAGE, "elqb_asc: the order contradicts itself");
    CHECK_FAILS(elqb_render(q, select_of(elqb_add(q, elqb_star(), U.id))),
                ELQB_E_USAGE, "elqb_render: * is no expression");
    CHECK_FAILS(elqb_render(q, select_of(elqb_default())), ELQB_E_USAGE,
                "elqb_render: DEFAULT is for values of INSERT and UPDATE");
    CHECK_FAILS(elqb_render(q, select_of(elqb_bind("who", TEXT))), ELQB_E_BIND,
                "elqb_render: the bind :who has no value, see elqb_params()");
    elqb_params(q, ELQB_ARG("who", V("x")));
    CHECK_FAILS(elqb_render(q, select_of(elqb_eq(q, elqb_bind("who", TEXT),
                                                 elqb_bind("who", INT4)))),
                ELQB_E_BIND, "elqb_render: the bind :who has two types");
    CHECK_FAILS(elqb_render(q, select_of(elqb_shared(q, U.id))), ELQB_E_USAGE,
                "elqb_shared: only a value can be shared");
    CHECK_FAILS(elqb_render(q, select_of(elqb_agg_distinct(q, U.id))),
                ELQB_E_USAGE,
                "elqb_agg_distinct: the operand is no function call");
    elqb_free(other);
}
END_TEST

/* The first error stays, and everything after it does nothing. */
START_TEST(test_sticky)
{
    elqb_expr bad = elqb_eq(q, ELQB_NONE, U.id);

    ck_assert(elqb_is_none(bad));
    ck_assert(elqb_is_none(elqb_add(q, U.id, U.id)));
    ck_assert_ptr_null(elqb_select_new(q));
    elqb_where((elqb_select *)NULL, bad);
    elqb_set((elqb_update *)NULL, U.id, bad);
    ck_assert_ptr_null(elqb_render(q, (elqb_select *)NULL));
    ck_assert_str_eq(elqb_error(q), "elqb_eq: operand 1 is ELQB_NONE");
    ck_assert(elqb_is_none(elqb_eq(NULL, U.id, U.id)));
    ck_assert_ptr_null(elqb_select_new(NULL));
    ck_assert_ptr_null(elqb_render(NULL, (elqb_select *)NULL));
    ck_assert_str_eq(elqb_error(NULL), "out of memory");
    ck_assert_int_eq(elqb_error_code(NULL), ELQB_E_NOMEM);
    elqb_reset(NULL);
    elqb_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_expr");
    TCase *tcase = qb_case(suite, "expressions");

    tcase_add_test(tcase, test_comparison);
    tcase_add_test(tcase, test_patterns);
    tcase_add_test(tcase, test_plain_text);
    tcase_add_test(tcase, test_logic);
    tcase_add_test(tcase, test_and_is_persistent);
    tcase_add_test(tcase, test_nothing);
    tcase_add_test(tcase, test_arithmetic);
    tcase_add_test(tcase, test_json_arrays_ranges);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_spelled_operators);
    tcase_add_test(tcase, test_spelled_for_extensions);
    tcase_add_test(tcase, test_functions);
    tcase_add_test(tcase, test_grammar_functions);
    tcase_add_test(tcase, test_case);
    tcase_add_test(tcase, test_grouping);
    tcase_add_test(tcase, test_value_types);
    tcase_add_test(tcase, test_identity);
    tcase_add_test(tcase, test_identity_of_parts);
    tcase_add_test(tcase, test_cast_types);
    tcase_add_test(tcase, test_float_binds);
    tcase_add_test(tcase, test_cast_named);
    tcase_add_test(tcase, test_result_types);
    tcase_add_test(tcase, test_array_types);
    tcase_add_test(tcase, test_scalar_subqueries);
    tcase = qb_case(suite, "mistakes");
    tcase_add_test(tcase, test_mistakes);
    tcase_add_test(tcase, test_sticky);
    tcase_add_test(tcase, test_after_reset);
    tcase_add_test(tcase, test_debug_never_fails);
    return qb_main(suite);
}

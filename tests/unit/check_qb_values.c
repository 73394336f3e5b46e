/* SPDX-License-Identifier: PostgreSQL */
/*
 * VALUES as an item of FROM and as a statement: what is written, and which
 * types the values take.
 */
#include "check_qb.h"

enum {
    BOOL = ELPQ_OID_BOOL,
    INT2 = ELPQ_OID_INT2,
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC
};

/* SELECT * FROM the item */
static elqb_select *all_of(elqb_table t)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_star());
    elqb_from(s, t);
    return s;
}
#define FROM(t) elqb_render(q, all_of(t))

/* --------------------------------------------------------------- FROM item */

START_TEST(test_values)
{
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("id", "int8"), ELQB_COL("name", "text")),
        elqb_row(q, V(1), V("a")), ELQB_NONE, elqb_row(q, U.id, V("b")),
        elqb_row(q, V(2), elqb_value(elpq_null(0))));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.name, elqb_c(v, "name"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, v, elqb_eq(q, elqb_c(v, "id"), U.id));
    elqb_where(s, elqb_gt(q, elqb_col(q, v, "id"), V(5)));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `users`.`name`, `v`.`name` FROM `users` JOIN (VALUES "
                 "($1, $2), (CAST(`users`.`id` AS int8), $3), ($4, $5)) AS "
                 "`v` (`id`, `name`) ON `v`.`id` = `users`.`id` WHERE "
                 "`v`.`id` > $6", INT8, TEXT, TEXT, INT8, TEXT, INT8);
}
END_TEST

/* What is not surely of the column's type is cast, whatever its value. */
START_TEST(test_values_types)
{
    int32_t small[] = { 1, 2 };
    int64_t large[] = { 1, 99999999999 };

    elqb_params(q, ELQB_ARG("x", V(1)));
    CHECK_QUOTED(FROM(elqb_values_table(
                     q, "v",
                     ELQB_COLS(ELQB_COL("a", "order_status"),
                               ELQB_COL("b", "numeric(9,2)"),
                               ELQB_COL("c", "int2"), ELQB_COL("d", "bool"),
                               ELQB_COL("e", "date")),
                     elqb_row(q, V("new"), V(1.5), V(7), V(1), V(8)),
                     elqb_row(q, elqb_lit("new"), V(2), V(70000), V(9),
                              elqb_typed(V("x"), TEXT)))),
                 "SELECT * FROM (VALUES (CAST($1 AS order_status), CAST($2 AS "
                 "numeric(9,2)), $3, $4, CAST($5 AS date)), (CAST('new' AS "
                 "order_status), CAST($6 AS numeric(9,2)), $7, $8, CAST($9 AS "
                 "date))) AS `v` (`a`, `b`, `c`, `d`, `e`)",
                 0, NUMERIC, INT2, BOOL, INT4, NUMERIC, INT2, BOOL, TEXT);
    CHECK_QUOTED(
        FROM(elqb_values_table(
            q, "v",
            ELQB_COLS(ELQB_COL("a", "int4[]"), ELQB_COL("b", "float8[]"),
                      ELQB_COL("c", "float4")),
            elqb_row(q, elqb_items(small, 2), elqb_items(small, 2), V(1e300)),
            elqb_row(q, elqb_items(large, 2), elqb_items(large, 2), V(1)))),
        "SELECT * FROM (VALUES ($1, $2, $3), ($4, $5, $6)) AS `v` "
        "(`a`, `b`, `c`)",
        ELPQ_OID_INT4_ARRAY, ELPQ_OID_FLOAT8_ARRAY, ELPQ_OID_FLOAT4,
        ELPQ_OID_INT4_ARRAY, ELPQ_OID_FLOAT8_ARRAY, ELPQ_OID_FLOAT4);
    CHECK_QUOTED(FROM(elqb_values_table(
                     q, "v",
                     ELQB_COLS(ELQB_COL("a", "int4"), ELQB_COL("b", "int8")),
                     elqb_row(q, elqb_bind("x", INT4), elqb_bind("x", INT4)),
                     elqb_row(q, elqb_lit(1), elqb_lit(2)))),
                 "SELECT * FROM (VALUES ($1, CAST($1 AS int8)), (1, CAST(2 AS "
                 "int8))) AS `v` (`a`, `b`)", INT4);
}
END_TEST

/* Without a type the values say what it is. */
START_TEST(test_values_untyped)
{
    const elqb_column_def columns[] = { { "a", NULL }, { "b", "" },
                                        { "c", "" }, { "d", "" }, { NULL, "" }};
    elqb_table v = elqb_values_table(
        q, "v", columns,
        elqb_row(q, V(1), V("x"), V("2020-01-01"), V(1)),
        elqb_row(q, V(2LL), V("y"), U.created_at, V(99999999999)),
        elqb_row(q, V("3"), elqb_value(elpq_null(0)), elqb_value(elpq_null(0)),
                 V(1)));

    CHECK_QUOTED(FROM(v),
                 "SELECT * FROM (VALUES ($1, $2, $3, $4), ($5, $6, "
                 "`users`.`created_at`, $7), ($8, $9, $10, $11)) AS `v` (`a`, "
                 "`b`, `c`, `d`)", INT4, TEXT, ELPQ_OID_TIMESTAMPTZ, INT4,
                 INT4, TEXT, INT8, INT4, TEXT, ELPQ_OID_TIMESTAMPTZ, INT4);
    ck_assert_uint_eq(elqb_col(q, v, "a").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, v, "b").oid, TEXT);
    ck_assert_uint_eq(elqb_col(q, v, "c").oid, ELPQ_OID_TIMESTAMPTZ);
    ck_assert_uint_eq(elqb_col(q, v, "d").oid, 0);
}
END_TEST

/* --------------------------------------------------------------- statement */

/* VALUES (1, 'a'), (2, 'b') */
static elqb_select *pairs(void)
{
    return elqb_values_select(q, elqb_row(q, V(1), V("a")), ELQB_NONE,
                              elqb_row(q, V(2), V("b")));
}

START_TEST(test_statement)
{
    elqb_select *v = pairs();

    CHECK(elqb_render(q, v), "VALUES ($1, $2), ($3, $4)", INT4, TEXT, INT4,
          TEXT);
    elqb_order_by(v, elqb_desc(q, elqb_name("column1")), elqb_lit(2));
    elqb_limit(v, V(1));
    elqb_offset(v, V(2));
    CHECK_QUOTED(elqb_render(q, v),
                 "VALUES ($1, $2), ($3, $4) ORDER BY `column1` DESC, 2 LIMIT "
                 "$5 OFFSET $6", INT4, TEXT, INT4, TEXT, INT8, INT8);
    elqb_fetch_ties(v, elqb_lit(3));
    elqb_offset(v, ELQB_NONE);
    CHECK_QUOTED(elqb_render(q, elqb_select_copy(v)),
                 "VALUES ($1, $2), ($3, $4) ORDER BY `column1` DESC, 2 FETCH "
                 "FIRST 3 ROWS WITH TIES", INT4, TEXT, INT4, TEXT);
    v = elqb_values_select(q, elqb_row(q, elqb_or(q, U.active, U.active),
                                       elqb_row(q, V(1)), elqb_lit("x")));
    CHECK_QUOTED(elqb_render(q, v),
                 "VALUES (`users`.`active` OR `users`.`active`, ROW($1), 'x')",
                 INT4);
}
END_TEST

/* Wherever a select goes. */
START_TEST(test_places)
{
    elqb_select *v = pairs(), *s;
    elqb_expr id = elqb_name("id");
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_table sub = elqb_subquery(q, v, "s");

    s = elqb_select_new(q);
    elqb_columns(s, elqb_in_select(q, elqb_row(q, U.id, U.name), v),
                 elqb_exists(q, v));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT (`users`.`id`, `users`.`name`) IN (VALUES ($1, $2), "
                 "($3, $4)), EXISTS (VALUES ($1, $2), ($3, $4))", INT4, TEXT,
                 INT4, TEXT);
    elqb_cte_as(c, v);
    elqb_cte_columns(c, id);
    s = all_of(elqb_cte_table(c));
    elqb_columns(s, elqb_col(q, elqb_cte_table(c), "id"));
    elqb_with(s, c);
    CHECK_QUOTED(elqb_render(q, s),
                 "WITH `c` (`id`) AS (VALUES ($1, $2), ($3, $4)) SELECT *, "
                 "`c`.`id` FROM `c`", INT4, TEXT, INT4, TEXT);
    ck_assert_uint_eq(elqb_col(q, elqb_cte_table(c), "id").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, sub, "column2").oid, TEXT);
    v = elqb_values_select(q, elqb_row(q, V(7)));
    elqb_with(v, c);
    CHECK_QUOTED(elqb_render(q, v),
                 "WITH `c` (`id`) AS (VALUES ($1, $2), ($3, $4)) VALUES ($5)",
                 INT4, TEXT, INT4, TEXT, INT4);
    ck_assert_uint_eq(elqb_scalar(q, v).oid, INT4);
    ck_assert(elqb_is_none(elqb_col(q, sub, "column3")));
    CHECK_FAILS(FROM(sub), ELQB_E_USAGE,
                "elqb_col: \"s\" has no column \"column3\"");
}
END_TEST

/* Operands need parentheses only for what ends them. */
START_TEST(test_operands)
{
    elqb_select *v = pairs(), *s = elqb_select_new(q);

    elqb_columns(s, U.id, U.name);
    CHECK_QUOTED(elqb_render(q, elqb_union_all(q, v, s, pairs())),
                 "VALUES ($1, $2), ($3, $4) UNION ALL SELECT `users`.`id`, "
                 "`users`.`name` UNION ALL VALUES ($5, $6), ($7, $8)", INT4,
                 TEXT, INT4, TEXT, INT4, TEXT, INT4, TEXT);
    elqb_limit(v, elqb_lit(1));
    CHECK_QUOTED(elqb_render(q, elqb_except(q, s, v)),
                 "SELECT `users`.`id`, `users`.`name` EXCEPT (VALUES ($1, $2), "
                 "($3, $4) LIMIT 1)", INT4, TEXT, INT4, TEXT);
}
END_TEST

/* In a column the values take one type: that of an expression, or of the
 * first; and that of what they meet, in a copy. */
START_TEST(test_statement_types)
{
    elqb_select *v = elqb_values_select(
        q, elqb_row(q, V(1), V("x"), V("2020-01-01")),
        elqb_row(q, O.id, elqb_value(elpq_null(0)), U.created_at));
    elqb_insert *i = elqb_insert_new(q, O.table);
    elqb_select *s = elqb_select_new(q);

    CHECK_QUOTED(elqb_render(q, v),
                 "VALUES ($1, $2, $3), (`orders`.`id`, $4, "
                 "`users`.`created_at`)", INT8, TEXT, ELPQ_OID_TIMESTAMPTZ,
                 TEXT);
    v = pairs();
    elqb_columns(s, U.balance, U.created_at);
    CHECK_QUOTED(elqb_render(q, elqb_union(q, v, s)),
                 "VALUES ($1, $2), ($3, $4) UNION SELECT `users`.`balance`, "
                 "`users`.`created_at`", NUMERIC, ELPQ_OID_TIMESTAMPTZ,
                 NUMERIC, ELPQ_OID_TIMESTAMPTZ);
    CHECK(elqb_render(q, v), "VALUES ($1, $2), ($3, $4)", INT4, TEXT, INT4,
          TEXT);
    elqb_columns(i, O.total, O.status);
    elqb_insert_select(i, v);
    CHECK_QUOTED(elqb_render(q, i),
                 "INSERT INTO `orders` (`total`, `status`) VALUES ($1, $2), "
                 "($3, $4)", NUMERIC, 0, NUMERIC, 0);
    s = elqb_values_select(q, elqb_row(q, V(1)), elqb_row(q, V(2)));
    CHECK_EXPR(elqb_in_select(q, U.balance, s),
               "\"users\".\"balance\" IN (VALUES ($1), ($2))", NUMERIC,
               NUMERIC);
    CHECK_EXPR(elqb_op_any_select(q, O.id, "<", s),
               "\"orders\".\"id\" < ANY (VALUES ($1), ($2))", INT8, INT8);
    CHECK_EXPR(elqb_in_select(q, V("x"), elqb_values_select(
                                             q, elqb_row(q, U.created_at))),
               "$1 IN (VALUES (\"users\".\"created_at\"))",
               ELPQ_OID_TIMESTAMPTZ);
}
END_TEST

/* -------------------------------------------------------------- mistakes */

#define ID ELQB_COLS(ELQB_COL("id", "int4"))
#define FAILS(t, code, text) CHECK_FAILS(FROM(t), code, text)

START_TEST(test_values_mistakes)
{
    elqb_table v = elqb_values_table(q, "v", ID, elqb_row(q, V(1)));

    ck_assert(elqb_is_none(elqb_col(q, v, "idd")));
    CHECK_FAILS(elqb_render(q, all_of(v)), ELQB_E_USAGE,
                "elqb_col: \"v\" has no column \"idd\"");
    ck_assert(elqb_is_none(elqb_col(q, v, "id")));
    CHECK_FAILS(FROM(U.table), ELQB_E_FOREIGN,
                "elqb_col: a part is from before elqb_reset()");
    v = elqb_values_table(q, "v", ID, elqb_row(q, V(1)));
    elqb_reset(q);
    elqb_lateral_of(q, v);
    FAILS(U.table, ELQB_E_FOREIGN,
          "elqb_lateral_of: a part is from before elqb_reset()");
    FAILS(elqb_values_table_v(q, "v", ID, NULL), ELQB_E_USAGE,
          "elqb_values_table: there are no rows");
    FAILS(elqb_values_table(q, "v", ID, ELQB_NONE), ELQB_E_USAGE,
          "elqb_values_table: there are no rows");
    FAILS(elqb_values_table(q, "v", NULL, elqb_row(q, V(1))), ELQB_E_USAGE,
          "elqb_values_table: there are no columns");
    FAILS(elqb_values_table(q, "v", ID, elqb_row(q, V(1)), V(2)),
          ELQB_E_USAGE, "elqb_values_table: row 2 is no elqb_row()");
    FAILS(elqb_values_table(q, "v", ID, elqb_row(q, V(1)), ELQB_NONE,
                            elqb_row(q, V(1), V(2))), ELQB_E_USAGE,
          "elqb_values_table: row 2 has 2 values for 1 columns");
    FAILS(elqb_values_table(q, "", ID, elqb_row(q, V(1))), ELQB_E_NAME,
          "elqb_values_table: the name is empty");
    FAILS(elqb_values_table(q, "v", ELQB_COLS(ELQB_COL("", "int4")),
                            elqb_row(q, V(1))), ELQB_E_NAME,
          "elqb_values_table: the name is empty");
    FAILS(elqb_values_table(q, "v", ID, elqb_row(q, elqb_default())),
          ELQB_E_USAGE,
          "elqb_render: DEFAULT is for values of INSERT and UPDATE");
    v = elqb_values_table(q, "v", ID, elqb_row(q, V(1)));
    FAILS(elqb_alias_columns_v(q, v, ID), ELQB_E_USAGE,
          "elqb_alias_columns: the columns have names already");
    v = elqb_values_table(q, "v", ID, elqb_row(q, V(1)));
    FAILS(elqb_with_ordinality(q, v), ELQB_E_USAGE,
          "elqb_with_ordinality: the item is no function");
    v = elqb_values_table(q, "v", ELQB_COLS(ELQB_COL("id", "int4)")),
                          elqb_row(q, V(1)));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_TEXT);
    elqb_reset(q);
}
END_TEST

#define VALUES_FAIL(text, ...)                                                \
    CHECK_FAILS(elqb_values_select(q, __VA_ARGS__), ELQB_E_USAGE,             \
                "elqb_values_select: " text)
#define REFUSED(call, name)                                                   \
    do {                                                                      \
        elqb_select *v = pairs();                                             \
                                                                              \
        call;                                                                 \
        CHECK_FAILS(elqb_render(q, v), ELQB_E_USAGE,                          \
                    name ": VALUES have rows, ORDER BY and LIMIT, nothing "   \
                    "else");                                                  \
    } while (0)

START_TEST(test_statement_mistakes)
{
    VALUES_FAIL("there are no rows", ELQB_NONE);
    VALUES_FAIL("row 1 is no elqb_row()", V(1));
    VALUES_FAIL("row 2 is no elqb_row()", elqb_row(q, V(1)), U.id);
    VALUES_FAIL("row 3 has 2 values for 1 columns", elqb_row(q, V(1)),
                ELQB_NONE, elqb_row(q, V(2)), elqb_row(q, V(1), V(2)));
    CHECK_FAILS(elqb_values_select_v(q, NULL), ELQB_E_USAGE,
                "elqb_values_select: there are no rows");
    CHECK_FAILS(elqb_render(q, elqb_values_select(
                                   q, elqb_row(q, elqb_default()))),
                ELQB_E_USAGE,
                "elqb_render: DEFAULT is for values of INSERT and UPDATE");
    REFUSED(elqb_columns(v, U.id), "elqb_columns");
    REFUSED(elqb_clear_columns(v), "elqb_clear_columns");
    REFUSED(elqb_distinct(v), "elqb_distinct");
    REFUSED(elqb_distinct_on(v, U.id), "elqb_distinct_on");
    REFUSED(elqb_from(v, U.table), "elqb_from");
    REFUSED(elqb_join(v, ELQB_INNER, U.table, V(true)), "elqb_join");
    REFUSED(elqb_where(v, V(true)), "elqb_where");
    REFUSED(elqb_group_by(v, U.id), "elqb_group_by");
    REFUSED(elqb_having(v, V(true)), "elqb_having");
    REFUSED(elqb_window(v, "w"), "elqb_window");
    REFUSED(elqb_for(v, ELQB_FOR_UPDATE, ELQB_WAIT), "elqb_for");
    ck_assert_ptr_null(elqb_values_select(NULL, ELQB_NONE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_values");
    TCase *tcase = qb_case(suite, "item");

    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_values_types);
    tcase_add_test(tcase, test_values_untyped);
    tcase = qb_case(suite, "statement");
    tcase_add_test(tcase, test_statement);
    tcase_add_test(tcase, test_places);
    tcase_add_test(tcase, test_operands);
    tcase_add_test(tcase, test_statement_types);
    tcase = qb_case(suite, "mistakes");
    tcase_add_test(tcase, test_values_mistakes);
    tcase_add_test(tcase, test_statement_mistakes);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * FROM items: functions, ROWS FROM, samples, names of columns, and joins by
 * USING and NATURAL.  VALUES are in check_qb_values.c.
 */
#include "check_qb.h"

enum {
    BOOL = ELPQ_OID_BOOL,
    INT2 = ELPQ_OID_INT2,
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    FLOAT8 = ELPQ_OID_FLOAT8,
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

static elqb_expr series(int from, int to)
{
    return elqb_func(q, "generate_series", V(from), V(to));
}

/* ------------------------------------------------------------------- items */

START_TEST(test_lateral)
{
    elqb_select *s = all_of(U.table), *inner = elqb_select_new(q);
    const elqb_column_def columns[] = { { "x", "int4" }, { NULL, NULL } };

    elqb_columns(inner, V(1));
    elqb_from(s, elqb_lateral_of(
                     q, elqb_values_table(q, "v", columns,
                                          elqb_row(q, U.id),
                                          elqb_row(q, U.age))));
    elqb_from(s, elqb_lateral_of(
                     q, elqb_table_func(q, elqb_func(q, "unnest", U.tags),
                                        "t")));
    elqb_from(s, elqb_lateral_of(q, elqb_rows_from(q, "r", series(1, 2))));
    elqb_from(s, elqb_lateral_of(q, elqb_subquery(q, inner, "i")));
    elqb_from(s, elqb_alias_columns_v(q, elqb_lateral(q, inner, "j"),
                                      columns));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT * FROM `users`, LATERAL (VALUES (`users`.`id`), "
                 "(`users`.`age`)) AS `v` (`x`), LATERAL "
                 "`unnest`(`users`.`tags`) AS `t`, LATERAL ROWS FROM "
                 "(`generate_series`($1, $2)) AS `r`, LATERAL (SELECT $3) AS "
                 "`i`, LATERAL (SELECT $3) AS `j` (`x`)", INT4, INT4, INT4);
}
END_TEST

/* ------------------------------------------------------------- functions */

START_TEST(test_functions)
{
    elqb_table n = elqb_table_func(q, series(1, 3), "n");
    elqb_table numbered = elqb_with_ordinality(q, n), both, r;
    elqb_expr records = elqb_func_in(q, "app", "records", V("x"));
    char alias[] = "n";

    CHECK_QUOTED(FROM(n), "SELECT * FROM `generate_series`($1, $2) AS `n`",
                 INT4, INT4);
    CHECK_QUOTED(FROM(numbered), "SELECT * FROM `generate_series`($1, $2) "
                                 "WITH ORDINALITY AS `n`", INT4, INT4);
    ck_assert_uint_eq(elqb_col(q, numbered, "ordinality").oid, INT8);
    ck_assert_uint_eq(elqb_col(q, n, "ordinality").oid, 0);
    both = elqb_alias_columns(q, numbered, ELQB_COL("v", "int4"),
                              ELQB_COL("nr", ""));
    CHECK_QUOTED(FROM(both),
                 "SELECT * FROM `generate_series`($1, $2) WITH ORDINALITY AS "
                 "`n` (`v`, `nr`)", INT4, INT4);
    CHECK_QUOTED(FROM(elqb_table_as(both, "other")),
                 "SELECT * FROM `generate_series`($1, $2) WITH ORDINALITY AS "
                 "`other` (`v`, `nr`)", INT4, INT4);
    ck_assert_uint_eq(elqb_col(q, both, "v").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, both, "nr").oid, 0);
    r = elqb_define_columns(q, elqb_table_func(q, records, alias),
                            ELQB_COL("a", "int4"),
                            ELQB_COL("b", "numeric(9,2)"));
    alias[0] = '?';
    CHECK_QUOTED(FROM(r), "SELECT * FROM `app`.`records`($1) AS `n` (`a` "
                          "int4, `b` numeric(9,2))", 0);
    ck_assert_uint_eq(elqb_col(q, r, "b").oid, NUMERIC);
    CHECK_QUOTED(FROM(elqb_table_func(q, elqb_func(q, "current_date"), "d")),
                 "SELECT * FROM CURRENT_DATE AS `d`");
}
END_TEST

START_TEST(test_text_item)
{
    elqb_table x = elqb_table_func(
        q, elqb_text(q, "xmltable('//a' PASSING :doc COLUMNS b int)",
                     ELQB_ARG("doc", elqb_typed(V("<a/>"), XML))), "x");

    CHECK_QUOTED(FROM(elqb_lateral_of(q, x)),
                 "SELECT * FROM LATERAL xmltable('//a' PASSING $1 COLUMNS b "
                 "int) AS `x`", ELPQ_OID_XML);
}
END_TEST

START_TEST(test_rows_from)
{
    elqb_table r = elqb_rows_from(
        q, "r", series(1, 2),
        elqb_func_as(q, elqb_func(q, "records"), ELQB_COL("a", "int4"),
                     ELQB_COL("b", "crm.kind")));

    CHECK_QUOTED(FROM(r), "SELECT * FROM ROWS FROM (`generate_series`($1, "
                          "$2), `records`() AS (`a` int4, `b` crm.kind)) AS "
                          "`r`", INT4, INT4);
    r = elqb_alias_columns(q, elqb_with_ordinality(q, r),
                           ELQB_COL("x", "int4"));
    CHECK_QUOTED(FROM(r), "SELECT * FROM ROWS FROM (`generate_series`($1, "
                          "$2), `records`() AS (`a` int4, `b` crm.kind)) "
                          "WITH ORDINALITY AS `r` (`x`)", INT4, INT4);
    ck_assert_uint_eq(elqb_col(q, r, "x").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, r, "y").oid, 0); /* has no name here */
}
END_TEST

/* ---------------------------------------------------------------- tables */

START_TEST(test_samples)
{
    users_t B = users_as("b");
    elqb_table t = elqb_tablesample(q, U.table, "bernoulli", V(12.5));

    CHECK_QUOTED(FROM(t),
                 "SELECT * FROM `users` TABLESAMPLE `bernoulli` ($1)", FLOAT8);
    CHECK_QUOTED(FROM(elqb_repeatable(q, t, V(7))),
                 "SELECT * FROM `users` TABLESAMPLE `bernoulli` ($1) "
                 "REPEATABLE ($2)", FLOAT8, FLOAT8);
    CHECK_QUOTED(FROM(elqb_repeatable(q, elqb_repeatable(q, t, V(7)),
                                      ELQB_NONE)),
                 "SELECT * FROM `users` TABLESAMPLE `bernoulli` ($1)", FLOAT8);
    t = elqb_tablesample_in(q, elqb_only(B.table), "public", "system_rows",
                            V(10));
    t = elqb_alias_columns(q, t, ELQB_COL("x", ""));
    CHECK_QUOTED(FROM(t),
                 "SELECT * FROM ONLY `users` AS `b` (`x`) TABLESAMPLE "
                 "`public`.`system_rows` ($1)", INT4);
    CHECK_QUOTED(FROM(elqb_tablesample(q, accounts_table().table, "system",
                                       elqb_add(q, V(1), V(2)))),
                 "SELECT * FROM `crm`.`accounts` TABLESAMPLE `system` "
                 "($1 + $2)", INT4, INT4);
}
END_TEST

START_TEST(test_column_names)
{
    elqb_select *inner = elqb_select_new(q), *s;
    elqb_table i, b;

    elqb_columns(inner, U.id, elqb_func(q, "lower", U.name));
    elqb_from(inner, U.table);
    i = elqb_alias_columns(q, elqb_subquery(q, inner, "i"),
                           ELQB_COL("x", "int4"), ELQB_COL("y", "text"));
    b = elqb_alias_columns(q, users_as("b").table, ELQB_COL("x", "int4"));
    s = elqb_select_new(q);
    elqb_columns(s, elqb_col(q, i, "y"), elqb_table_star(b));
    elqb_from(s, i);
    elqb_from(s, b);
    elqb_where(s, elqb_eq(q, elqb_col(q, i, "x"), V(1LL)));
    elqb_where(s, elqb_eq(q, elqb_col(q, U.table, "id"), V(1LL)));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `i`.`y`, `b`.* FROM (SELECT `users`.`id`, "
                 "`lower`(`users`.`name`) FROM `users`) AS `i` (`x`, `y`), "
                 "`users` AS `b` (`x`) WHERE `i`.`x` = $1 AND `users`.`id` = "
                 "$2", INT4, INT8);
}
END_TEST

/* Names with quotes in them stay names; declared columns are columns of any
 * item with their alias. */
START_TEST(test_odd_names)
{
    users_t F = users_as("f\"x");
    elqb_table f = elqb_with_ordinality(
        q, elqb_table_func(q, elqb_func(q, "f"), F.table.alias));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, F.id);
    elqb_from(s, elqb_alias_columns(q, f, ELQB_COL("i\"d", ""),
                                    ELQB_COL("select", "")));
    elqb_join_using_as(s, ELQB_INNER, odd_table().table, "\"",
                       odd_table().weird);
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, F.table);
    CHECK(elqb_render(q, s),
          "SELECT \"f\"\"x\".\"id\" FROM \"f\"() WITH ORDINALITY AS "
          "\"f\"\"x\" (\"i\"\"d\", \"select\") JOIN \"select\" USING "
          "(\"we\"\"ird\") AS \"\"\"\" FOR UPDATE OF \"f\"\"x\"");
}
END_TEST

/* Changing an item leaves the one it came from alone. */
START_TEST(test_items_are_values)
{
    elqb_table n = elqb_table_func(q, series(1, 3), "n");
    const char *before = FROM(n)->sql;

    elqb_with_ordinality(q, n);
    elqb_alias_columns(q, n, ELQB_COL("x", ""));
    elqb_lateral_of(q, n);
    elqb_define_columns(q, n, ELQB_COL("x", "int4"));
    ck_assert_str_eq(FROM(n)->sql, before);
    ck_assert_str_eq(FROM(U.table)->sql, "SELECT * FROM \"users\"");
}
END_TEST

/* ----------------------------------------------------------------- joins */

START_TEST(test_joins)
{
    elqb_select *s = all_of(U.table), *copy;
    accounts_t A = accounts_table();

    elqb_join_using(s, ELQB_LEFT, O.table, O.user_id, elqb_name("id"));
    elqb_join_using_as(s, ELQB_FULL, A.table, "j", A.id);
    elqb_join_natural(s, ELQB_INNER, P.table);
    copy = elqb_select_copy(s);
    elqb_join_natural(s, ELQB_RIGHT, users_as("b").table);
    elqb_join_natural(s, ELQB_LEFT, users_as("c").table);
    elqb_join_using(s, ELQB_RIGHT, users_as("d").table, U.id);
    elqb_join_using(s, ELQB_INNER, users_as("e").table, U.id);
    elqb_join_natural(s, ELQB_FULL, users_as("f").table);
#define JOINS                                                                 \
    "SELECT * FROM `users` LEFT JOIN `orders` USING (`user_id`, `id`) FULL "  \
    "JOIN `crm`.`accounts` USING (`id`) AS `j` NATURAL JOIN `products`"
    CHECK_QUOTED(elqb_render(q, s),
                 JOINS " NATURAL RIGHT JOIN `users` AS `b` NATURAL LEFT JOIN "
                 "`users` AS `c` RIGHT JOIN `users` AS `d` USING (`id`) JOIN "
                 "`users` AS `e` USING (`id`) NATURAL FULL JOIN `users` AS "
                 "`f`");
    elqb_join_natural(copy, ELQB_LEFT, O.table);
    CHECK_QUOTED(elqb_render(q, copy), JOINS " NATURAL LEFT JOIN `orders`");
}
END_TEST

START_TEST(test_joins_of_others)
{
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *d = elqb_delete_new(q, U.table);

    elqb_set(u, U.age, V(1));
    elqb_from(u, O.table);
    elqb_join_using(u, ELQB_INNER, P.table, P.id);
    elqb_join_natural(u, ELQB_LEFT, users_as("b").table);
    CHECK_QUOTED(elqb_render(q, u),
                 "UPDATE `users` SET `age` = $1 FROM `orders` JOIN `products` "
                 "USING (`id`) NATURAL LEFT JOIN `users` AS `b`", INT4);
    elqb_using(d, O.table);
    elqb_join_using_as(d, ELQB_INNER, P.table, "j", P.id);
    elqb_join_natural(d, ELQB_FULL, users_as("b").table);
    CHECK_QUOTED(elqb_render(q, d),
                 "DELETE FROM `users` USING `orders` JOIN `products` USING "
                 "(`id`) AS `j` NATURAL FULL JOIN `users` AS `b`");
}
END_TEST

/* "orders" JOIN "products" ON ... */
static elqb_select *pair(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_from(s, O.table);
    elqb_join(s, ELQB_INNER, P.table, elqb_gt(q, O.total, P.price));
    return s;
}

START_TEST(test_joined)
{
    elqb_select *s = all_of(U.table), *nested = elqb_select_new(q);
    elqb_table j = elqb_joined(q, pair(), "j");

    elqb_from(nested, elqb_joined(q, pair(), NULL));
    elqb_join_natural(nested, ELQB_FULL, elqb_alias_columns(
                                             q, j, ELQB_COL("x", "int4")));
    elqb_join(s, ELQB_LEFT, elqb_joined(q, nested, NULL),
              elqb_eq(q, elqb_col(q, j, "x"), U.id));
#define PAIR "`orders` JOIN `products` ON `orders`.`total` > `products`.`price`"
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT * FROM `users` LEFT JOIN ((" PAIR ") NATURAL FULL "
                 "JOIN (" PAIR ") AS `j` (`x`)) ON `j`.`x` = `users`.`id`");
}
END_TEST

/* -------------------------------------------------------------- mistakes */

#define ID ELQB_COLS(ELQB_COL("id", "int4"))
#define FAILS(t, code, text) CHECK_FAILS(FROM(t), code, text)

/* A function may stand alone; what the server cannot name may not. */
START_TEST(test_without_an_alias)
{
    elqb_table f = elqb_table_func(q, series(1, 2), NULL);
    elqb_table v = elqb_values_table(q, "v", ELQB_COLS(ELQB_COL("n", "int4")),
                                     elqb_row(q, V(1)));

    CHECK(FROM(f), "SELECT * FROM \"generate_series\"($1, $2)", INT4, INT4);
    CHECK(FROM(elqb_with_ordinality(q, f)),
          "SELECT * FROM \"generate_series\"($1, $2) WITH ORDINALITY", INT4,
          INT4);
    CHECK(FROM(elqb_rows_from(q, NULL, series(1, 2))),
          "SELECT * FROM ROWS FROM (\"generate_series\"($1, $2))", INT4, INT4);
    f = elqb_table_func(q, elqb_text(q, "json_to_record('{}')"), NULL);
    CHECK(FROM(elqb_define_columns(q, f, ELQB_COL("a", "int4"))),
          "SELECT * FROM json_to_record('{}') AS (\"a\" int4)");
    FAILS(elqb_table_as(v, NULL), ELQB_E_USAGE,
          "elqb_render: a VALUES list has lost its alias");
    FAILS(elqb_unnest(q, NULL, ELQB_LIST(U.id),
                      elqb_items((int[]){ 1 }, 1)),
          ELQB_E_USAGE, "elqb_unnest: the item has no alias");
}
END_TEST

START_TEST(test_function_mistakes)
{
    elqb_expr call = elqb_func(q, "count", U.id);
    elqb_table t;

    FAILS(elqb_table_func(q, elqb_agg_filter(q, call, U.active), "f"),
          ELQB_E_USAGE,
          "elqb_table_func: the operand is no plain call of a function");
    FAILS(elqb_table_func(q, U.id, "f"), ELQB_E_USAGE,
          "elqb_table_func: the operand is no plain call of a function");
    FAILS(elqb_table_func(q, ELQB_NONE, "f"), ELQB_E_USAGE,
          "elqb_table_func: an operand is ELQB_NONE");
    FAILS(elqb_table_func(q, series(1, 2), ""), ELQB_E_NAME,
          "elqb_table_func: the name is empty");
    FAILS(elqb_rows_from_v(q, "r", NULL), ELQB_E_USAGE,
          "elqb_rows_from: there are no functions");
    FAILS(elqb_rows_from(q, "r", V(1)), ELQB_E_USAGE,
          "elqb_rows_from: the operand is no plain call of a function");
    FAILS(elqb_rows_from(q, "r", elqb_func_as(q, V(1), ELQB_COL("a", "int4"))),
          ELQB_E_USAGE,
          "elqb_func_as: the operand is no plain call of a function");
    FAILS(elqb_rows_from(q, "r", elqb_func_as(q, series(1, 2),
                                              ELQB_COL("a", ""))),
          ELQB_E_USAGE, "elqb_func_as: the column \"a\" has no type");
    t = elqb_define_columns(q, elqb_rows_from(q, "r", series(1, 2)),
                            ELQB_COL("a", "int4"));
    FAILS(t, ELQB_E_USAGE, "elqb_define_columns: the functions of ROWS FROM "
                           "have their own, see elqb_func_as()");
    FAILS(elqb_define_columns_v(q, U.table, ID), ELQB_E_USAGE,
          "elqb_define_columns: the item is no function");
    t = elqb_table_func(q, series(1, 2), "f");
    FAILS(elqb_with_ordinality(q, elqb_define_columns_v(q, t, ID)),
          ELQB_E_USAGE, "elqb_with_ordinality: a function has either column "
                        "definitions or WITH ORDINALITY; both are for "
                        "elqb_rows_from()");
    t = elqb_table_func(q, series(1, 2), "f");
    FAILS(elqb_define_columns_v(q, elqb_with_ordinality(q, t), ID),
          ELQB_E_USAGE, "elqb_define_columns: a function has either column "
                        "definitions or WITH ORDINALITY; both are for "
                        "elqb_rows_from()");
    t = elqb_define_columns_v(q, elqb_table_func(q, series(1, 2), "f"), ID);
    ck_assert(elqb_is_none(elqb_col(q, t, "x")));
    FAILS(t, ELQB_E_USAGE, "elqb_col: \"f\" has no column \"x\"");
    CHECK_FAILS(elqb_render(q, elqb_raw(q, "x(")), ELQB_E_TEXT,
                "elqb_raw: a bracket is not closed");
}
END_TEST

/* An item of ROWS FROM is nothing else. */
START_TEST(test_function_as_elsewhere)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_func_as(q, elqb_func(q, "f"),
                                 ELQB_COL("a", "int4")));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: elqb_func_as() outside of elqb_rows_from()");
}
END_TEST

START_TEST(test_table_mistakes)
{
    elqb_table t;

    FAILS(elqb_lateral_of(q, U.table), ELQB_E_USAGE,
          "elqb_lateral_of: a table is not lateral");
    FAILS(elqb_lateral_of(q, elqb_tablesample(q, U.table, "system", V(1))),
          ELQB_E_USAGE, "elqb_lateral_of: a sample or list of column names is "
                        "not lateral");
    FAILS(elqb_lateral_of(q, elqb_table_named(NULL, NULL)), ELQB_E_NAME,
          "elqb_lateral_of: the name is empty");
    FAILS(elqb_alias_columns_v(q, U.table, ID), ELQB_E_USAGE,
          "elqb_alias_columns: the item has no alias");
    t = elqb_table_func(q, series(1, 2), "f");
    FAILS(elqb_tablesample(q, t, "system", V(1)), ELQB_E_USAGE,
          "elqb_tablesample: only a table can be sampled");
    t = elqb_tablesample(q, U.table, "system", V(1));
    FAILS(elqb_tablesample(q, t, "system", V(1)), ELQB_E_USAGE,
          "elqb_tablesample: the table has a sample already");
    FAILS(elqb_tablesample_v(q, U.table, NULL, "system", NULL), ELQB_E_USAGE,
          "elqb_tablesample: \"system\" has no arguments");
    FAILS(elqb_tablesample_v(q, U.table, "", "system", NULL), ELQB_E_NAME,
          "elqb_tablesample: the name is empty");
    FAILS(elqb_repeatable(q, U.table, V(1)), ELQB_E_USAGE,
          "elqb_repeatable: the table has no elqb_tablesample()");
}
END_TEST

/* Only tables are written to. */
START_TEST(test_dml_mistakes)
{
    elqb_table f = elqb_table_func(q, series(1, 2), "f");

    ck_assert_ptr_null(elqb_update_new(q, f));
    FAILS(U.table, ELQB_E_USAGE, "elqb_update_new: a function is no table");
    ck_assert_ptr_null(elqb_update_new(q, f));
    FAILS(U.table, ELQB_E_FOREIGN,
          "elqb_update_new: a part is from before elqb_reset()");
    elqb_delete_new(q, elqb_values_table(q, "v", ID, elqb_row(q, V(1))));
    FAILS(U.table, ELQB_E_USAGE, "elqb_delete_new: a VALUES list is no table");
    elqb_insert_new(q, elqb_tablesample(q, U.table, "system", V(1)));
    FAILS(U.table, ELQB_E_USAGE, "elqb_insert_new: a sample or list of column "
                                 "names is no table");
    elqb_insert_new(q, elqb_rows_from(q, "r", series(1, 2)));
    FAILS(U.table, ELQB_E_USAGE, "elqb_insert_new: ROWS FROM is no table");
    elqb_insert_new(q, elqb_subquery(q, all_of(U.table), "r"));
    FAILS(U.table, ELQB_E_USAGE, "elqb_insert_new: a subquery is no table");
    elqb_insert_new(q, elqb_alias_columns_v(
                           q, elqb_subquery(q, all_of(U.table), "r"), ID));
    FAILS(U.table, ELQB_E_USAGE, "elqb_insert_new: a subquery is no table");
}
END_TEST

START_TEST(test_join_mistakes)
{
    elqb_select *s = all_of(U.table);

    elqb_join_using(s, ELQB_CROSS, O.table, O.id);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_using: a cross join takes no columns");
    s = all_of(U.table);
    elqb_join_natural(s, ELQB_CROSS, O.table);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_natural: a cross join takes no columns");
    s = all_of(U.table);
    elqb_join_natural(s, (elqb_join_kind)9, O.table);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_natural: no such kind of join");
    s = elqb_select_new(q);
    elqb_join_natural(s, ELQB_INNER, O.table);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_natural: there is nothing to join, see elqb_from()");
    s = all_of(U.table);
    elqb_join_using(s, ELQB_INNER, O.table, V(1));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_using: what is joined by is no column");
    s = all_of(U.table);
    elqb_select_join_using_v(s, ELQB_INNER, O.table, NULL, NULL);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_using: there are no columns");
    s = all_of(U.table);
    elqb_join_using_as(s, ELQB_INNER, O.table, "", O.id);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_NAME,
                "elqb_join_using: the name is empty");
    s = all_of(U.table);
    elqb_join_using(s, ELQB_INNER, O.table, ELQB_NONE);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join_using: operand 1 is ELQB_NONE");
}
END_TEST

START_TEST(test_joined_mistakes)
{
    elqb_select *s = pair();

    elqb_columns(s, U.id);
    FAILS(elqb_joined(q, s, NULL), ELQB_E_USAGE,
          "elqb_render: elqb_joined() of a select with more than FROM");
    s = pair();
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT);
    FAILS(elqb_joined(q, s, NULL), ELQB_E_USAGE,
          "elqb_render: elqb_joined() of a select with more than FROM");
    s = pair();
    elqb_from(s, U.table);
    FAILS(elqb_joined(q, s, NULL), ELQB_E_USAGE,
          "elqb_render: elqb_joined() of a select with a comma in FROM");
    FAILS(elqb_joined(q, elqb_select_new(q), NULL), ELQB_E_USAGE,
          "elqb_render: elqb_joined() of a select without a join");
    s = pair();
    elqb_join_natural(s, ELQB_INNER, elqb_joined(q, s, NULL));
    FAILS(elqb_joined(q, s, NULL), ELQB_E_LIMIT,
          "elqb_render: nested more than 1000 levels deep");
    FAILS(elqb_joined(q, NULL, NULL), ELQB_E_USAGE,
          "elqb_joined: the select is NULL");
    FAILS(elqb_joined(q, pair(), ""), ELQB_E_NAME,
          "elqb_joined: the name is empty");
    FAILS(elqb_lateral_of(q, elqb_joined(q, pair(), "j")), ELQB_E_USAGE,
          "elqb_lateral_of: a join is not lateral");
    elqb_delete_new(q, elqb_joined(q, pair(), "j"));
    FAILS(U.table, ELQB_E_USAGE, "elqb_delete_new: a join is no table");
}
END_TEST

/* Nothing, and failed things, are accepted. */
START_TEST(test_nothing)
{
    elqb_table v;

    elqb_select_join_using_v(NULL, ELQB_INNER, O.table, NULL, NULL);
    elqb_update_join_natural(NULL, ELQB_INNER, O.table);
    elqb_delete_join_using_v(NULL, ELQB_INNER, O.table, NULL, NULL);
    v = elqb_values_table_v(NULL, "v", ID, NULL);
    v = elqb_lateral_of(NULL, elqb_alias_columns_v(NULL, v, NULL));
    v = elqb_with_ordinality(NULL, elqb_define_columns_v(NULL, v, NULL));
    v = elqb_repeatable(NULL, elqb_tablesample_v(NULL, v, NULL, NULL, NULL),
                        ELQB_NONE);
    ck_assert_ptr_null(v.source);
    ck_assert_ptr_null(elqb_table_func(NULL, U.id, "x").source);
    ck_assert_ptr_null(elqb_rows_from_v(NULL, "x", NULL).source);
    ck_assert(elqb_is_none(elqb_func_as_v(NULL, U.id, NULL)));
    ck_assert_ptr_null(elqb_joined(NULL, NULL, NULL).source);
    ck_assert(elqb_is_none(elqb_col(NULL, U.table, "id")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_from");
    TCase *tcase = qb_case(suite, "items");

    tcase_add_test(tcase, test_lateral);
    tcase_add_test(tcase, test_functions);
    tcase_add_test(tcase, test_text_item);
    tcase_add_test(tcase, test_rows_from);
    tcase_add_test(tcase, test_samples);
    tcase_add_test(tcase, test_column_names);
    tcase_add_test(tcase, test_odd_names);
    tcase_add_test(tcase, test_items_are_values);
    tcase = qb_case(suite, "joins");
    tcase_add_test(tcase, test_joins);
    tcase_add_test(tcase, test_joins_of_others);
    tcase_add_test(tcase, test_joined);
    tcase = qb_case(suite, "mistakes");
    tcase_add_test(tcase, test_without_an_alias);
    tcase_add_test(tcase, test_function_mistakes);
    tcase_add_test(tcase, test_function_as_elsewhere);
    tcase_add_test(tcase, test_table_mistakes);
    tcase_add_test(tcase, test_dml_mistakes);
    tcase_add_test(tcase, test_join_mistakes);
    tcase_add_test(tcase, test_joined_mistakes);
    tcase_add_test(tcase, test_nothing);
    return qb_main(suite);
}

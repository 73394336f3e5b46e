/* SPDX-License-Identifier: PostgreSQL */
/*
 * FROM items, joins, grouping sets, FETCH and locks at a real server: that it
 * takes them, with which types of parameters and columns, and what they give.
 */
#include "qb_server.h"

#define TREES(C) C(id, INT4) C(kind, OTHER) C(name, TEXT) C(size, INT2)
#define LEAVES(C) C(id, INT4) C(tree_id, INT4) C(name, TEXT)
ELQB_TABLE(trees, TREES)
ELQB_TABLE(leaves, LEAVES)

static trees_t T;
static leaves_t L;

static void setup(void)
{
    server_setup(
        "CREATE TYPE kind AS ENUM ('oak', 'fir');"
        "CREATE TABLE trees (id int PRIMARY KEY, kind kind, name text,"
        " size smallint);"
        "CREATE TABLE leaves (id int PRIMARY KEY, tree_id int, name text);"
        "INSERT INTO trees VALUES (1, 'oak', 'a', 5), (2, 'oak', 'b', 7),"
        " (3, 'fir', 'c', 7), (4, NULL, 'd', 9);"
        "INSERT INTO leaves VALUES (1, 1, 'a'), (2, 1, 'x'), (3, 3, 'c');"
        "CREATE FUNCTION pairs(n int) RETURNS SETOF record LANGUAGE sql AS"
        " 'SELECT i, ''p'' || i FROM generate_series(1, n) i'");
    T = trees_table();
    L = leaves_table();
}

static elqb_select *all_of(elqb_table t)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_star());
    elqb_from(s, t);
    return s;
}

static elqb_expr series(int from, int to)
{
    return elqb_func(q, "generate_series", V(from), V(to));
}

/* ---------------------------------------------------------------- VALUES */

/* The columns have the declared types, whatever the values are. */
START_TEST(test_values)
{
    int32_t ints[] = { 1, 2 };
    elqb_table v = elqb_values_table(
        q, "v",
        ELQB_COLS(ELQB_COL("k", "kind"), ELQB_COL("n", "numeric(9,2)"),
                  ELQB_COL("s", "smallint"), ELQB_COL("b", "bool"),
                  ELQB_COL("t", "timestamptz"), ELQB_COL("a", "int8[]"),
                  ELQB_COL("f", "float8"), ELQB_COL("j", "jsonb")),
        elqb_row(q, V("oak"), V(1.5), V(1), V(1), V("2020-01-01"),
                 elqb_items(ints, 2), V(1.5), V("{}")),
        elqb_row(q, elqb_lit("fir"), V(2), elqb_lit(2), V(true),
                 elqb_func(q, "now"), V("{1}"), V(1), V("[]")),
        elqb_row(q, elqb_value(elpq_null(0)), elqb_value(elpq_null(0)),
                 elqb_value(elpq_null(0)), elqb_value(elpq_null(0)),
                 elqb_value(elpq_null(0)), elqb_value(elpq_null(0)),
                 elqb_value(elpq_null(0)), elqb_value(elpq_null(0))));
    elqb_select *s = all_of(v);

    expect_described(s,
                     "kind numeric smallint boolean timestamp with time zone "
                     "bigint[] double precision jsonb numeric boolean bigint[] "
                     "double precision jsonb kind numeric smallint boolean "
                     "timestamp with time zone bigint[] double precision jsonb",
                     "kind numeric smallint boolean timestamp with time zone "
                     "bigint[] double precision jsonb");
    elqb_where(s, elqb_eq(q, elqb_col(q, v, "s"), V(1LL)));
    elqb_where(s, elqb_eq(q, elqb_col(q, v, "k"), V("oak")));
    elqb_clear_columns(s);
    elqb_columns(s, elqb_col(q, v, "n"));
    ck_assert_ptr_nonnull(elqb_render(q, s));
    ck_assert_uint_eq(elqb_render(q, s)->values[22 - 1].oid, ELPQ_OID_INT2);
    expect_described(s,
                     "kind numeric smallint boolean timestamp with time zone "
                     "bigint[] double precision jsonb numeric boolean bigint[] "
                     "double precision jsonb kind numeric smallint boolean "
                     "timestamp with time zone bigint[] double precision jsonb "
                     "smallint kind",
                     "numeric");
}
END_TEST

START_TEST(test_values_untyped)
{
    const elqb_column_def columns[] = { { "a", "" }, { "b", "" }, { "c", "" },
                                        { NULL, NULL } };
    elqb_table v = elqb_values_table(
        q, "v", columns, elqb_row(q, V(1), V("x"), V(5)),
        elqb_row(q, V("2"), elqb_value(elpq_null(0)), V(99999999999)));
    elqb_select *s = all_of(v);

    expect_described(s, "integer text integer integer text bigint",
                     "integer text bigint");
    ROWS(s, "1,x,5;2,,99999999999");
}
END_TEST

/* The table of what is wanted, against the table of what is there. */
START_TEST(test_values_join)
{
    const char *names[] = { "b", "zz", "c" };
    elqb_expr rows[4];
    elqb_table v;
    elqb_select *s = elqb_select_new(q);

    for (int i = 0; i < 3; i++)
        rows[i] = elqb_row(q, V(i), V(names[i]));
    rows[3] = ELQB_END;
    v = elqb_values_table_v(q, "v", ELQB_COLS(ELQB_COL("nr", "int"),
                                              ELQB_COL("name", "text")), rows);
    elqb_columns(s, elqb_col(q, v, "nr"), elqb_name("name"), T.id);
    elqb_from(s, v);
    elqb_join_using(s, ELQB_LEFT, T.table, T.name);
    elqb_order_by(s, elqb_col(q, v, "nr"));
    expect_described(s, "integer text integer text integer text",
                     "integer text integer");
    ROWS(s, "0,b,2;1,zz,;2,c,3");
}
END_TEST

/* Columns become rows. */
START_TEST(test_lateral_values)
{
    elqb_table v = elqb_lateral_of(
        q, elqb_values_table(q, "v", ELQB_COLS(ELQB_COL("n", "int8")),
                             elqb_row(q, T.id), elqb_row(q, T.size)));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, T.name, elqb_col(q, v, "n"));
    elqb_from(s, T.table);
    elqb_join(s, ELQB_CROSS, v, ELQB_NONE);
    elqb_where(s, elqb_lt(q, T.id, V(3)));
    elqb_order_by(s, T.id, elqb_col(q, v, "n"));
    expect_described(s, "integer", "text bigint");
    ROWS(s, "a,1;a,5;b,2;b,7");
}
END_TEST

/* UPDATE from a list of values. */
START_TEST(test_values_update)
{
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("id", "int"), ELQB_COL("kind", "kind")),
        elqb_row(q, V(1), V("fir")), elqb_row(q, V(4), V("oak")));
    elqb_update *u = elqb_update_new(q, T.table);

    elqb_set(u, T.kind, elqb_col(q, v, "kind"));
    elqb_from(u, v);
    elqb_where(u, elqb_eq(q, T.id, elqb_col(q, v, "id")));
    elqb_returning(u, T.id, T.kind);
    expect_described(u, "integer kind integer kind", "integer kind");
    ROWS(u, "1,fir;4,oak");
}
END_TEST

/* ------------------------------------------------------------- functions */

START_TEST(test_functions)
{
    elqb_table n = elqb_alias_columns(
        q, elqb_with_ordinality(q, elqb_table_func(q, series(5, 6), "n")),
        ELQB_COL("v", "int4"), ELQB_COL("nr", "int8"));
    elqb_table p = elqb_define_columns(
        q, elqb_table_func(q, elqb_func(q, "pairs", V(2)), "p"),
        ELQB_COL("i", "int4"), ELQB_COL("label", "text"));
    elqb_select *s = elqb_select_new(q);

    expect_described(all_of(n), "integer integer", "integer bigint");
    elqb_columns(s, elqb_col(q, n, "v"), elqb_col(q, p, "label"));
    elqb_from(s, n);
    elqb_join(s, ELQB_INNER, p, elqb_eq(q, elqb_col(q, n, "nr"),
                                        elqb_col(q, p, "i")));
    elqb_where(s, elqb_gt(q, elqb_col(q, n, "nr"), V(0)));
    expect_described(s, "integer integer integer bigint", "integer text");
    ROWS(s, "5,p1;6,p2");
    expect_described(
        all_of(elqb_table_func(q, elqb_func(q, "current_date"), "d")), "",
        "date");
}
END_TEST

START_TEST(test_unnest)
{
    int32_t ids[] = { 1, 3 };
    const char *names[] = { "a", "c" };
    elqb_table t = elqb_alias_columns(
        q, elqb_table_func(q, elqb_func(q, "unnest", elqb_items(ids, 2),
                                        elqb_items(names, 2)), "t"),
        ELQB_COL("id", "int4"), ELQB_COL("name", "text"));

    expect_described(all_of(t), "integer[] text[]", "integer text");
}
END_TEST

START_TEST(test_lateral_functions)
{
    elqb_table n = elqb_lateral_of(
        q, elqb_table_func(q, elqb_func(q, "generate_series", V(1), T.id),
                           "n"));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, T.id, elqb_func(q, "max", elqb_c(n, "n")));
    elqb_from(s, T.table);
    elqb_join(s, ELQB_LEFT, n, elqb_literal(elpq_bool(true)));
    elqb_group_by(s, T.id);
    elqb_order_by(s, T.id);
    expect_described(s, "integer", "integer integer");
    ROWS(s, "1,1;2,2;3,3;4,4");
}
END_TEST

START_TEST(test_rows_from)
{
    elqb_table r = elqb_rows_from(
        q, "r", series(7, 9),
        elqb_func_as(q, elqb_func(q, "pairs", V(2)), ELQB_COL("i", "int4"),
                     ELQB_COL("label", "text")));

    expect_described(all_of(r), "integer integer integer",
                     "integer integer text");
    ROWS(all_of(r), "7,1,p1;8,2,p2;9,,");
    r = elqb_alias_columns(q, elqb_with_ordinality(q, r), ELQB_COL("a", ""));
    expect_described(all_of(r), "integer integer integer",
                     "integer integer text bigint");
    expect_described(all_of(elqb_lateral_of(q, r)), "integer integer integer",
                     "integer integer text bigint");
}
END_TEST

START_TEST(test_text_item)
{
    elqb_table x = elqb_table_func(
        q, elqb_text(q, "json_to_recordset(:doc)",
                     ELQB_ARG("doc", V("[{\"x\": 1}, {\"x\": 2}]"))), "x");

    x = elqb_define_columns(q, x, ELQB_COL("x", "int"));
    expect_described(all_of(x), "json", "integer");
    ROWS(all_of(x), "1;2");
}
END_TEST

/* ---------------------------------------------------------------- tables */

START_TEST(test_samples)
{
    elqb_table t = elqb_tablesample(q, T.table, "bernoulli", V(100));

    expect_described(all_of(elqb_repeatable(q, t, V(5))),
                     "integer double precision", "integer kind text smallint");
    t = elqb_tablesample(q, elqb_only(trees_as("x").table), "system",
                         V(100.0));
    COUNT(all_of(t), 4);
    expect_described(all_of(elqb_alias_columns(q, t, ELQB_COL("nr", ""))),
                     "double precision", "integer kind text smallint");
}
END_TEST

START_TEST(test_joins)
{
    elqb_select *s = elqb_select_new(q);
    elqb_table j = elqb_table_named(NULL, "j");
    elqb_delete *d = elqb_delete_new(q, L.table);
    leaves_t M = leaves_as("m");

    elqb_columns(s, elqb_c(j, "name"), T.id);
    elqb_from(s, T.table);
    elqb_join_using_as(s, ELQB_INNER, L.table, "j", L.name);
    elqb_order_by(s, T.id);
    ROWS(s, "a,1;c,3");
    s = all_of(T.table);
    elqb_join_natural(s, ELQB_INNER, L.table); /* id and name */
    ROWS(s, "1,a,oak,5,1;3,c,fir,7,3");
    s = all_of(T.table);
    elqb_join_using(s, ELQB_FULL, L.table, T.id, T.name);
    expect_described(s, "", "integer text kind smallint integer");
    elqb_using(d, T.table);
    elqb_join_using(d, ELQB_INNER, M.table, M.name);
    elqb_where(d, elqb_eq(q, L.tree_id, T.id));
    elqb_returning(d, L.id);
    ROWS(d, "1;2;3");
}
END_TEST

/* All trees, with the leaves that have a twin. */
START_TEST(test_joined)
{
    elqb_select *s = elqb_select_new(q), *pair = elqb_select_new(q);
    leaves_t M = leaves_as("m");

    elqb_from(pair, L.table);
    elqb_join(pair, ELQB_INNER, M.table,
              elqb_and(q, elqb_eq(q, M.tree_id, L.tree_id),
                       elqb_ne(q, M.id, L.id)));
    elqb_columns(s, T.id, L.id, M.id);
    elqb_from(s, T.table);
    elqb_join(s, ELQB_LEFT, elqb_joined(q, pair, NULL),
              elqb_eq(q, L.tree_id, T.id));
    elqb_order_by(s, T.id, L.id);
    expect_described(s, "", "integer integer integer");
    ROWS(s, "1,1,2;1,2,1;2,,;3,,;4,,");
    s = all_of(elqb_alias_columns(q, elqb_joined(q, pair, "j"),
                                  ELQB_COL("x", "int4")));
    expect_described(s, "", "integer integer text integer integer text");
}
END_TEST

/* --------------------------------------------------------------- GROUP BY */

START_TEST(test_grouping)
{
    elqb_expr size = elqb_add(q, T.size, V(0));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, T.kind, size, elqb_count(q),
                 elqb_grouping(q, T.kind, size));
    elqb_from(s, T.table);
    elqb_where(s, elqb_is_not_null(q, T.kind));
    elqb_group_by(s, elqb_rollup(q, T.kind, size));
    elqb_order_by(s, T.kind, size);
    expect_described(s, "integer", "kind integer bigint integer");
    ROWS(s, "oak,5,1,0;oak,7,1,0;oak,,2,1;fir,7,1,0;fir,,1,1;,,3,3");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_count(q));
    elqb_from(s, T.table);
    elqb_group_by(s, elqb_grouping_sets(
                         q, elqb_row(q, T.kind, T.size), elqb_row(q, T.id),
                         elqb_grouping_set(q), elqb_cube(q, T.kind, T.size)));
    COUNT(s, 20);
    elqb_group_by_distinct(s);
    COUNT(s, 15);
    elqb_having(s, elqb_gt(q, elqb_count(q), V(1)));
    expect_described(s, "bigint", "bigint");
}
END_TEST

/* ------------------------------------------------------ order, rows, locks */

START_TEST(test_fetch)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, T.id);
    elqb_from(s, T.table);
    elqb_order_by(s, elqb_order_using(q, T.size, ">"));
    elqb_fetch_ties(s, V(2));
    expect_described(s, "bigint", "integer");
    COUNT(s, 3);
    elqb_offset(s, V(1));
    expect_described(s, "bigint bigint", "integer");
    COUNT(s, 2);
    elqb_offset(s, V(3));
    ROWS(s, "1");
    elqb_fetch_ties(s, elqb_add(q, V(1), V(0)));
    expect_described(s, "bigint integer integer", "integer");
    elqb_fetch_ties(s, elqb_lit(1));
    expect_described(s, "bigint", "integer");
    elqb_fetch_ties(s, elqb_cast(q, V("1"), "int"));
    expect_described(s, "bigint integer", "integer");
}
END_TEST

START_TEST(test_locks)
{
    elqb_select *s = elqb_select_new(q);
    trees_t B = trees_as("b");

    elqb_columns(s, T.id);
    elqb_from(s, T.table);
    elqb_join(s, ELQB_INNER, B.table, elqb_eq(q, B.id, T.id));
    for (int i = 0; i < 4; i++)
        elqb_for(s, (elqb_strength)i, (elqb_wait)(i % 3), T.table, B.table);
    elqb_limit(s, V(1));
    expect_described(s, "bigint", "integer");
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT);
    ROWS(s, "1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_from");
    TCase *tcase = tcase_create("server");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_values_untyped);
    tcase_add_test(tcase, test_values_join);
    tcase_add_test(tcase, test_lateral_values);
    tcase_add_test(tcase, test_values_update);
    tcase_add_test(tcase, test_functions);
    tcase_add_test(tcase, test_unnest);
    tcase_add_test(tcase, test_lateral_functions);
    tcase_add_test(tcase, test_rows_from);
    tcase_add_test(tcase, test_text_item);
    tcase_add_test(tcase, test_samples);
    tcase_add_test(tcase, test_joins);
    tcase_add_test(tcase, test_joined);
    tcase_add_test(tcase, test_grouping);
    tcase_add_test(tcase, test_fetch);
    tcase_add_test(tcase, test_locks);
    return qb_main(suite);
}

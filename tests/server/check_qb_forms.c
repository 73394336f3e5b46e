/* SPDX-License-Identifier: PostgreSQL */
/*
 * Forms of the language that no other server test prepares: each with the types
 * that the server finds for its parameters and columns, and what it gives.
 */
#include "qb_server.h"

static void setup(void)
{
    server_setup(SHOP
        "INSERT INTO users VALUES (1, 'Ann', 'a', 20, true, NULL, '{x,y}'),"
        " (2, 'ben%', 'b', 30, false, 1, '{}'),"
        " (3, NULL, 'c', 40, NULL, 2, NULL);"
        "INSERT INTO orders (id, user_id, note) VALUES (1, 1, 'p'),"
        " (2, 1, 'q'), (3, 2, 'r');"
        "INSERT INTO products (id, sku, name) VALUES (1, 's', 'Ann'),"
        " (2, 't', 'zoe');"
        "CREATE TYPE crm.pair AS (a int, b text);");
}

/* The users for whom it is true, in order. */
static elqb_select *users_where(elqb_expr condition)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, condition);
    elqb_order_by(s, U.id);
    return s;
}
#define USERS_WHERE(condition, types, rows)                                    \
    do {                                                                       \
        elqb_select *where = users_where(condition);                           \
                                                                               \
        expect_described(where, types, "integer");                             \
        ROWS(where, rows);                                                     \
    } while (0)

START_TEST(test_between)
{
    USERS_WHERE(elqb_not_between(q, U.age, V(25), V(35)), "integer integer",
                "1;3");
    USERS_WHERE(elqb_between_symmetric(q, U.age, V(35), V(25)),
                "integer integer", "2");
    USERS_WHERE(elqb_not_between_symmetric(q, U.age, V(35), V(15)),
                "integer integer", "3");
}
END_TEST

START_TEST(test_patterns)
{
    USERS_WHERE(elqb_like_escape(q, U.name, V("%!%"), V("!")), "text text",
                "2");
    USERS_WHERE(elqb_not_like_escape(q, U.name, V("%!%"), V("!")),
                "text text", "1");
    USERS_WHERE(elqb_ilike_escape(q, U.name, V("BEN!%"), V("!")), "text text",
                "2");
    USERS_WHERE(elqb_not_ilike_escape(q, U.name, V("BEN!%"), V("!")),
                "text text", "1");
    USERS_WHERE(elqb_similar_escape(q, U.name, V("(A|b)(n|en)+!%?"), V("!")),
                "text text", "1;2");
    USERS_WHERE(elqb_not_similar_escape(q, U.name, V("A%"), V("!")),
                "text text", "2");
    USERS_WHERE(elqb_istarts_with(q, U.name, "aN"), "text", "1");
    USERS_WHERE(elqb_ends_with(q, U.name, "n%"), "text", "2");
    USERS_WHERE(elqb_iends_with(q, U.name, "N"), "text", "1");
}
END_TEST

START_TEST(test_lists)
{
    int32_t ids[] = { 1, 3 };
    const char *names[] = { "Ann", "x" };

    USERS_WHERE(elqb_is_not_true(q, elqb_not_in_arrays(
                                        q, elqb_row(q, U.id, U.name),
                                        elqb_array(q, V(1), V(7)),
                                        elqb_array(q, V("Ann"), V("x")))),
                "integer integer text text", "1");
    expect_described(users_where(elqb_not_in_arrays(
                         q, elqb_row(q, U.id, U.name), elqb_items(ids, 2),
                         elqb_items(names, 2))),
                     "integer[] text[]", "integer");
    expect_described(users_where(elqb_op_all_in(q, "pg_catalog", U.id, "<>",
                                                elqb_items(ids, 2))),
                     "integer[]", "integer");
}
END_TEST

/* (a).*, IS NORMALIZED, COLLATE with a schema. */
START_TEST(test_columns)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr pair = elqb_cast(q, elqb_row(q, V(1), V("b")), "crm.pair");

    elqb_columns(s, elqb_field_star(q, pair), elqb_field(q, pair, "b"),
                 elqb_is_normalized(q, V("x")), elqb_is_not_nfkd(q, V("y")));
    elqb_columns(s, elqb_lt(q, elqb_collate_in(q, V("a"), "pg_catalog", "C"),
                            V("B")));
    expect_described(s, "integer text text text text text",
                     "integer text text boolean boolean boolean");
    ROWS(s, "1,b,b,t,f,f");
}
END_TEST

START_TEST(test_sets)
{
    elqb_select *s = elqb_intersect_all(q, users_where(elqb_lt(q, U.id, V(3))),
                                        users_where(elqb_gt(q, U.id, V(1))));

    expect_described(s, "integer integer", "integer");
    ROWS(s, "2");
}
END_TEST

/* UNION drops what was there, so that it ends; and a select that is recursive
 * in its own way. */
START_TEST(test_recursion)
{
    elqb_cte *c = elqb_cte_new(q, "c"), *d = elqb_cte_new(q, "d");
    elqb_table t = elqb_cte_table(c), u = elqb_cte_table(d);
    elqb_select *s = elqb_select_new(q), *step = elqb_select_new(q);

    elqb_cte_as(c, users_where(elqb_eq(q, U.id, V(1))));
    elqb_columns(step, elqb_mod(q, elqb_add(q, elqb_col(q, t, "id"), V(1)),
                                V(4)));
    elqb_from(step, t);
    elqb_cte_recurse_distinct(c, step);
    elqb_columns(s, elqb_col(q, t, "id"));
    elqb_from(s, t);
    elqb_with(s, c);
    expect_described(s, "integer integer integer", "integer");
    ROWS(s, "1;2;3;0");
    s = elqb_select_new(q);
    step = elqb_select_new(q);
    elqb_columns(step, elqb_add(q, elqb_c(u, "n"), elqb_lit(1)));
    elqb_from(step, u);
    elqb_where(step, elqb_lt(q, elqb_c(u, "n"), V(3)));
    elqb_cte_as(d, elqb_union_all(q, elqb_values_select(
                                         q, elqb_row(q, V(1))), step));
    elqb_cte_columns(d, elqb_typed(elqb_name("n"), INT4));
    elqb_cte_recursive(d);
    elqb_columns(s, elqb_col(q, u, "n"));
    elqb_from(s, u);
    elqb_with(s, d);
    ROWS(s, "1;2;3");
}
END_TEST

START_TEST(test_update_in_cte)
{
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_select *s = elqb_select_new(q);

    elqb_set(u, U.age, elqb_add(q, U.age, V(1)));
    elqb_where(u, elqb_eq(q, U.id, V(2)));
    elqb_returning(u, U.age);
    elqb_cte_as(c, u);
    elqb_columns(s, elqb_col(q, elqb_cte_table(c), "age"));
    elqb_from(s, elqb_cte_table(c));
    elqb_with(s, c);
    expect_described(s, "integer integer", "integer");
    ROWS(s, "31");
}
END_TEST

/* NATURAL and USING of what changes rows. */
START_TEST(test_joins)
{
    elqb_update *u = elqb_update_new(q, O.table);
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_merge *m = elqb_merge_new(q, O.table);

    elqb_set(u, O.note, P.sku);
    elqb_from(u, U.table);
    elqb_join_natural(u, ELQB_INNER, P.table);
    elqb_where(u, elqb_eq(q, O.user_id, U.id));
    elqb_returning(u, O.id, O.note);
    expect_described(u, "", "bigint text");
    ROWS(u, "1,s;2,s");
    u = elqb_update_new(q, O.table);
    elqb_set(u, O.note, V("z"));
    elqb_from(u, U.table);
    elqb_join_using_as(u, ELQB_LEFT, P.table, "j", U.id);
    elqb_where(u, elqb_eq(q, O.user_id,
                          elqb_c(elqb_table_named(NULL, "j"), "id")));
    elqb_returning(u, O.id);
    expect_described(u, "text", "bigint");
    elqb_using(d, U.table);
    elqb_join_natural(d, ELQB_INNER, P.table);
    elqb_where(d, elqb_eq(q, O.user_id, U.id));
    elqb_returning(d, O.id);
    expect_described(d, "", "bigint");
    ROWS(d, "1;2");
    elqb_merge_using(m, U.table, elqb_eq(q, O.user_id, U.id));
    elqb_join_natural(m, ELQB_LEFT, P.table);
    elqb_when_matched_delete(m, elqb_eq(q, P.name, V("zoe")));
    expect_described(m, "text", "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_forms");
    TCase *tcase = tcase_create("forms");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_between);
    tcase_add_test(tcase, test_patterns);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_columns);
    tcase_add_test(tcase, test_sets);
    tcase_add_test(tcase, test_recursion);
    tcase_add_test(tcase, test_update_in_cte);
    tcase_add_test(tcase, test_joins);
    return qb_main(suite);
}

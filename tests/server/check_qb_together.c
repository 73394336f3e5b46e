/* SPDX-License-Identifier: PostgreSQL */
/*
 * Parts of the builder inside of each other, at a real server: what each of
 * them gives is known to be good, here it must be so together.
 */
#include "qb_server.h"

static const char schema[] = SHOP
    "INSERT INTO users (id, name, age, active, balance) VALUES"
    " (1, 'a', 10, true, 1), (2, 'b', 20, true, 2), (3, 'c', 20, false, 4);"
    "INSERT INTO orders (id, user_id, status, total) VALUES"
    " (10, 1, 'new', 5), (11, 1, 'paid', 6), (12, 3, 'new', 7);";

static void setup(void)
{
    server_setup(schema);
}

static elqb_select *ids_of(int age)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.age, V(age)));
    return s;
}

/* A set operation in a CTE in the select of an insert with a CTE. */
START_TEST(test_insert_of_set)
{
    elqb_cte *c = elqb_cte_new(q, "both"), *gone = elqb_cte_new(q, "gone");
    elqb_table both = elqb_cte_table(c);
    elqb_insert *i = elqb_insert_new(q, O.table);
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_select *s = elqb_select_new(q);

    elqb_where(d, elqb_eq(q, O.status, V("paid")));
    elqb_returning(d, O.user_id);
    elqb_cte_as(gone, d);
    elqb_with(i, gone);
    elqb_cte_as(c, elqb_union_all(q, ids_of(10), ids_of(20)));
    elqb_with(s, c);
    elqb_columns(s, elqb_add(q, elqb_col(q, both, "id"), V(100)),
                 elqb_col(q, elqb_cte_table(gone), "user_id"), V("new"));
    elqb_from(s, both);
    elqb_from(s, elqb_cte_table(gone));
    elqb_columns(i, O.id, O.user_id, O.status);
    elqb_insert_select(i, s);
    elqb_returning(i, O.id);
    expect_described(i, "order_status integer integer integer order_status",
                     "bigint");
    s = elqb_select_new(q);
    elqb_cte_as(gone, i = elqb_insert_new(q, O.table));
    elqb_columns(i, O.id, O.total);
    elqb_values(i, V(50), V(5));
    elqb_returning(i, O.id, O.total);
    elqb_with(s, gone);
    elqb_columns(s, elqb_col(q, elqb_cte_table(gone), "total"));
    elqb_from(s, elqb_cte_table(gone));
    ROWS(s, "5");
}
END_TEST

START_TEST(test_merge)
{
    elqb_cte *c = elqb_cte_new(q, "new");
    elqb_table t = elqb_cte_table(c);
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(U.id, U.name),
                               elqb_val("{3,9}"), elqb_val("{z,y}"));
    elqb_merge *m = elqb_merge_new(q, U.table);
    elqb_select *s = elqb_select_new(q);
    elqb_when *w;

    elqb_columns(s, elqb_corresponding(d, U.id));
    elqb_from(s, d);
    elqb_cte_as(c, s);
    elqb_with(m, c);
    elqb_merge_using(m, t, elqb_eq(q, U.id, elqb_col(q, t, "id")));
    elqb_join_using_as(m, ELQB_INNER, d, "j", U.id);
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, U.name, elqb_corresponding(d, U.name));
    w = elqb_when_not_matched_insert(m, ELQB_NONE);
    elqb_set(w, U.id, elqb_col(q, t, "id"));
    elqb_set(w, U.name, V("new"));
    expect_described(m, "integer[] text[] text", "");
    ROWS(m, "");
    s = elqb_select_new(q);
    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_order_by(s, U.id);
    ROWS(s, "1,a;2,b;3,z;9,new");
}
END_TEST

START_TEST(test_windows_with_grouping_sets)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr sum = elqb_func(q, "sum", U.balance);

    elqb_columns(s, U.age, sum, elqb_grouping(q, U.age),
                 elqb_over(q, elqb_func(q, "rank"), .extends = "w",
                           .order_by = ELQB_LIST(elqb_desc(q, sum))));
    elqb_from(s, U.table);
    elqb_group_by(s, elqb_rollup(q, U.age));
    elqb_group_by_distinct(s);
    elqb_window(s, "w", .partition_by = ELQB_LIST(elqb_grouping(q, U.age)));
    elqb_order_by(s, elqb_nulls_last(q, elqb_order_using(q, U.age, "<")));
    expect_described(s, "", "integer numeric integer bigint");
    ROWS(s, "10,1,0,2;20,6,0,1;,7,1,1");
}
END_TEST

/* FETCH and ORDER BY ... USING, of the operands and of the whole. */
START_TEST(test_ties_of_set)
{
    elqb_select *a = elqb_select_new(q), *s;

    elqb_columns(a, U.id, U.age);
    elqb_from(a, U.table);
    elqb_order_by(a, elqb_desc(q, U.age));
    elqb_fetch_ties(a, V(1));
    s = elqb_union(q, a, a);
    elqb_order_by(s, elqb_order_using(q, U.id, ">"));
    elqb_fetch_ties(s, V(1));
    elqb_offset(s, V(1));
    expect_described(s, "bigint bigint bigint", "integer integer");
    ROWS(s, "2,20");
}
END_TEST

START_TEST(test_items)
{
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_table d = elqb_with_ordinality(
        q, elqb_unnest(q, "d", ELQB_LIST(U.id, U.name), elqb_val("{3,1}"),
                       elqb_val("{z,y}")));
    elqb_table x, sub = elqb_subquery(q, ids_of(20), "s");
    elqb_select *s = elqb_select_new(q);

    elqb_cte_as(c, ids_of(20));
    x = elqb_alias_columns(q, elqb_table_as(elqb_cte_table(c), "x"),
                           ELQB_COL("key", ""));
    sub = elqb_alias_columns(q, sub, ELQB_COL("key", ""));
    elqb_with(s, c);
    elqb_columns(s, elqb_col(q, x, "key"), elqb_col(q, x, "name"),
                 elqb_col(q, d, "name"), elqb_col(q, d, "ordinality"));
    elqb_from(s, sub);
    elqb_join_using(s, ELQB_INNER, x, elqb_col(q, x, "key"));
    elqb_join(s, ELQB_LEFT, elqb_lateral_of(q, d),
              elqb_eq(q, elqb_col(q, d, "id"), elqb_col(q, x, "key")));
    elqb_order_by(s, elqb_col(q, x, "key"));
    expect_described(s, "integer integer integer[] text[]",
                     "integer text text bigint");
    ROWS(s, "2,b,,;3,c,z,1");
}
END_TEST

START_TEST(test_locks_in_subquery)
{
    elqb_select *s = ids_of(10), *a = elqb_select_new(q);

    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT);
    elqb_columns(a, elqb_star());
    elqb_from(a, elqb_subquery(q, s, "s"));
    s = elqb_union(q, a, ids_of(20));
    elqb_order_by(s, elqb_lit(1));
    ROWS(s, "1,a;2,b;3,c");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_together_server");
    TCase *tcase = tcase_create("together");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_insert_of_set);
    tcase_add_test(tcase, test_merge);
    tcase_add_test(tcase, test_windows_with_grouping_sets);
    tcase_add_test(tcase, test_ties_of_set);
    tcase_add_test(tcase, test_items);
    tcase_add_test(tcase, test_locks_in_subquery);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Set operations, WITH, windows and aggregates at a real server: each
 * statement is prepared with the types that the builder gave its parameters,
 * described, and run; its rows are compared with those of SQL written by hand
 * with other means.
 */
#include "qb_server.h"

static const char schema[] = SHOP
    "ALTER TABLE products DROP CONSTRAINT products_sku_key;"
    "INSERT INTO users SELECT i, 'u' || i, 'e' || i, 15 + i, i % 2 = 0,"
    " nullif(i / 3, 0), NULL, NULL, i * 1.5, '2024-01-01'::timestamptz"
    " + i * interval '1 day' FROM generate_series(1, 12) i;"
    "INSERT INTO orders SELECT i, 1 + i % 5, (ARRAY['new', 'paid',"
    " 'shipped'])[1 + i % 3]::order_status, (i * 7) % 10,"
    " '2024-01-01'::timestamptz + (i / 2) * interval '6 hours', NULL"
    " FROM generate_series(1, 40) i;"
    "INSERT INTO products SELECT i, 's' || i, 'u' || i, i, i"
    " FROM generate_series(1, 4) i;";

static void setup(void)
{
    server_setup(schema);
}

/* ---------------------------------------------------------- set operations */

static elqb_select *ids(int from, int to)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_between(q, U.id, V(from), V(to)));
    return s;
}

START_TEST(test_set_operations)
{
    elqb_select *s = elqb_intersect(q, elqb_union(q, ids(1, 3), ids(6, 9)),
                                    elqb_except(q, ids(2, 8), ids(7, 7)));
    elqb_select *t, *first = ids(1, 5), *u = elqb_select_new(q);

    elqb_order_by(s, elqb_desc(q, U.id));
    expect_described(s,
                     "integer integer integer integer integer integer integer "
                     "integer",
                     "integer");
    ROWS(s, "8;6;3;2");
    elqb_order_by(first, elqb_desc(q, U.id));
    elqb_limit(first, V(2));
    t = elqb_union_all(q, first, ids(5, 6));
    elqb_order_by(t, elqb_lit(1));
    elqb_offset(t, V(1));
    ROWS(t, "5;5;6");
    elqb_columns(u, elqb_scalar(q, elqb_except_all(q, ids(1, 2), ids(1, 1))),
                 elqb_array_select(q, t),
                 elqb_op_all_select(q, V(7), ">", t),
                 elqb_op_any_select(q, V(6), "=", s),
                 elqb_in_select(q, V(7), s));
    ROWS(u, "2,{5,5,6},t,t,f");
}
END_TEST

/* VALUES (2, 'x'), (1, 'y') */
static elqb_select *pairs(void)
{
    return elqb_values_select(q, elqb_row(q, V(2), V("x")),
                              elqb_row(q, V(1), V("y")));
}

/* VALUES as a statement, and wherever a select goes. */
START_TEST(test_values)
{
    elqb_select *v = pairs(), *s = elqb_select_new(q);
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_table t = elqb_cte_table(c);

    elqb_order_by(v, elqb_add(q, elqb_name("column1"), V(1)),
                  elqb_name("column2"));
    expect_described(v, "integer text integer text integer", "integer text");
    ROWS(v, "1,y;2,x");
    elqb_limit(v, V(1));
    elqb_offset(v, V(1));
    ROWS(v, "2,x");
    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_where(s, elqb_in_select(q, elqb_row(q, U.id, V("x")), pairs()));
    v = elqb_union_all(q, v, s, pairs());
    expect_described(
        v,
        "integer text integer text integer bigint bigint text integer "
        "text integer text integer text integer text",
        "integer text");
    ROWS(v, "2,x;2,u2;2,x;1,y");
    s = elqb_select_new(q);
    elqb_cte_as(c, pairs());
    elqb_cte_columns(c, U.id, elqb_name("what"));
    elqb_with(s, c);
    elqb_from(s, U.table);
    elqb_columns(s, U.name, elqb_col(q, t, "what"));
    elqb_join_using(s, ELQB_INNER, t, U.id);
    elqb_order_by(s, U.id);
    expect_described(s, "integer text integer text", "text text");
    ROWS(s, "u1,y;u2,x");
    s = elqb_select_new(q);
    v = elqb_values_select(q, elqb_row(q, V(3)), elqb_row(q, V(4.5)));
    elqb_columns(s, elqb_array_select(q, v), elqb_exists(q, v),
                 elqb_in_select(q, elqb_lit(3), v));
    ROWS(s, "{3,4.5},t,t");
}
END_TEST

/* They take the types of what they meet. */
START_TEST(test_values_types)
{
    elqb_select *v, *s = elqb_select_new(q);
    elqb_insert *i = elqb_insert_new(q, O.table);

    elqb_columns(s, U.balance, U.created_at);
    elqb_from(s, U.table);
    expect_described(
        elqb_union(q, elqb_values_select(q, elqb_row(q, V(2), V("2020-01-01"))),
                   s),
        "numeric timestamp with time zone", "numeric timestamp with time zone");
    s = elqb_select_new(q);
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    v = elqb_values_select(q, elqb_row(q, V(1.5)), elqb_row(q, V(3)));
    elqb_where(s, elqb_in_select(q, U.balance, v));
    elqb_order_by(s, U.id);
    expect_described(s, "numeric numeric", "integer");
    ROWS(s, "1;2");
    elqb_columns(i, O.id, O.status);
    elqb_insert_select(i, elqb_values_select(
                              q, elqb_row(q, V(100), V("new")),
                              elqb_row(q, V(101), V("paid"))));
    elqb_returning(i, O.id, O.status);
    expect_described(i, "bigint order_status bigint order_status",
                     "bigint order_status");
    ROWS(i, "100,new;101,paid");
}
END_TEST

/* A select that two statements use is of the types of each. */
START_TEST(test_shared_operands)
{
    elqb_select *a = elqb_select_new(q), *numbers = elqb_select_new(q);
    elqb_select *names = elqb_select_new(q), *u1, *u2, *copy;

    elqb_columns(a, elqb_as(q, V("7"), "x"));
    elqb_columns(numbers, O.id);
    elqb_from(numbers, O.table);
    elqb_columns(names, O.note);
    elqb_from(names, O.table);
    u1 = elqb_union(q, a, numbers);
    copy = elqb_select_copy(u1);
    u2 = elqb_union(q, a, names);
    expect_described(u2, "text", "text");
    expect_described(u1, "bigint", "bigint");
    expect_described(copy, "bigint", "bigint");
    expect_described(elqb_union_all(q, u1, u1), "bigint", "bigint");
}
END_TEST

/* Numbers of arithmetic are not made smaller than they are in C. */
START_TEST(test_arithmetic_does_not_overflow)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_mul(q, elqb_cast(q, elqb_lit(20000), "int2"), V(2)),
                 elqb_mul(q, elqb_cast(q, elqb_lit(2000000000), "int4"),
                          V((int64_t)2)));
    expect_described(s, "integer bigint", "integer bigint");
    ROWS(s, "40000,4000000000");
}
END_TEST

/* Strings and NULL meet the types of the other operands. */
START_TEST(test_set_types)
{
    elqb_select *s = elqb_select_new(q), *t = elqb_select_new(q), *all;
    elqb_insert *i = elqb_insert_new(q, O.table);
    elqb_insert *n = elqb_insert_new(q, O.table);

    elqb_columns(s, O.id, O.status, V("2020-01-01"), U.active, V("a"));
    elqb_from(s, O.table);
    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, O.user_id));
    elqb_where(s, elqb_eq(q, O.id, V(3)));
    elqb_columns(t, V(1), O.status, O.placed_at, V(1),
                 elqb_value(elpq_null(0)));
    elqb_from(t, O.table);
    elqb_where(t, elqb_eq(q, O.id, V(4)));
    all = elqb_union_all(q, s, t);
    elqb_order_by(all, O.id);
    expect_described(all,
                     "timestamp with time zone text bigint bigint boolean text "
                     "bigint",
                     "bigint order_status timestamp with time zone "
                     "boolean text");
    ROWS(all, "1,paid,2024-01-01 12:00:00+00,t,;3,new,2020-01-01 00:00:00+00,"
              "t,a");
    t = elqb_select_new(q);
    elqb_columns(t, V(99), elqb_as(q, V("paid"), "s"));
    elqb_columns(n, O.id, O.status);
    elqb_insert_select(n, t);
    elqb_returning(n, O.status);
    expect_described(n, "bigint order_status", "order_status");
    ROWS(n, "paid");
    s = elqb_select_new(q);
    elqb_columns(s, O.id, O.status);
    elqb_from(s, O.table);
    elqb_where(s, elqb_eq(q, O.id, V(3)));
    t = elqb_select_new(q);
    elqb_columns(t, V("7"), V("shipped"));
    all = elqb_except(q, elqb_union(q, t, s), s);
    expect_described(all, "bigint order_status bigint", "bigint order_status");
    ROWS(all, "7,shipped");
    t = elqb_select_new(q);
    elqb_columns(t, V(100), V("2020-01-01"), V("1.5"), V("n"));
    elqb_columns(i, O.id, O.placed_at, O.total, O.note);
    elqb_insert_select(i, elqb_union(q, t, t));
    elqb_returning(i, O.placed_at, O.total, O.note);
    expect_described(i, "bigint timestamp with time zone numeric text",
                     "timestamp with time zone numeric text");
    ROWS(i, "2020-01-01 00:00:00+00,1.5,n");
}
END_TEST

START_TEST(test_row_subqueries)
{
    elqb_select *inner = elqb_select_new(q), *s = ids(1, 12);
    elqb_expr row = elqb_row(q, U.id, V("2024-01-03 00:00+00"));

    elqb_columns(inner, O.user_id, O.placed_at);
    elqb_from(inner, O.table);
    elqb_where(s, elqb_in_select(q, row, inner));
    elqb_where(s, elqb_exists(q, inner));
    expect_described(s, "integer integer timestamp with time zone", "integer");
    SAME(s, "SELECT DISTINCT user_id FROM orders WHERE placed_at = "
            "'2024-01-03 00:00+00' ORDER BY 1");
    s = ids(1, 12);
    inner = elqb_select_new(q);
    elqb_columns(inner, O.total);
    elqb_from(inner, O.table);
    elqb_where(inner, elqb_eq(q, O.user_id, U.id)); /* correlated */
    elqb_where(s, elqb_op_any_select(q, V(8), "<", inner));
    elqb_order_by(s, U.id);
    expect_described(s, "integer integer numeric", "integer");
    SAME(s, "SELECT DISTINCT user_id FROM orders WHERE total > 8 ORDER BY 1");
}
END_TEST

/* -------------------------------------------------------------------- WITH */

static elqb_cte *tree(void)
{
    elqb_cte *c = elqb_cte_new(q, "tree");
    elqb_table t = elqb_cte_table(c);
    elqb_select *roots = elqb_select_new(q), *step = elqb_select_new(q);

    elqb_columns(roots, U.id, elqb_as(q, V(0), "depth"),
                 elqb_as(q, V("/"), "way"));
    elqb_from(roots, U.table);
    elqb_where(roots, elqb_is_null(q, U.manager_id));
    elqb_cte_as(c, roots);
    elqb_columns(step, U.id, elqb_add(q, elqb_col(q, t, "depth"), V(1)),
                 elqb_concat(q, elqb_col(q, t, "way"), U.name, V("/")));
    elqb_from(step, U.table);
    elqb_join(step, ELQB_INNER, t,
              elqb_eq(q, U.manager_id, elqb_col(q, t, "id")));
    elqb_cte_recurse(c, step);
    return c;
}

START_TEST(test_recursive)
{
    elqb_cte *c = tree();
    elqb_table t = elqb_cte_table(c);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_col(q, t, "id"), elqb_col(q, t, "depth"),
                 elqb_col(q, t, "way"));
    elqb_from(s, t);
    elqb_where(s, elqb_lt(q, elqb_col(q, t, "depth"), V(3)));
    elqb_order_by(s, elqb_col(q, t, "id"));
    elqb_with(s, c);
    expect_described(s, "integer text integer text integer",
                     "integer integer text");
    ROWS(s, "1,0,/;2,0,/;3,1,/u3/;4,1,/u4/;5,1,/u5/;6,1,/u6/;7,1,/u7/;"
            "8,1,/u8/;9,2,/u3/u9/;10,2,/u3/u10/;11,2,/u3/u11/;"
            "12,2,/u4/u12/");
}
END_TEST

START_TEST(test_search)
{
    for (int depth = 0; depth < 2; depth++) {
        elqb_cte *c = tree();
        elqb_table t = elqb_cte_table(c);
        elqb_select *s = elqb_select_new(q);

        if (depth)
            elqb_cte_search_depth(c, "ord", elqb_name("id"));
        else
            elqb_cte_search_breadth(c, "ord", elqb_name("id"));
        elqb_columns(s, elqb_col(q, t, "id"));
        elqb_from(s, t);
        elqb_order_by(s, elqb_col(q, t, "ord"));
        elqb_with(s, c);
        ROWS(s, depth ? "1;3;9;10;11;4;12;5;2;6;7;8"
                      : "1;2;3;4;5;6;7;8;9;10;11;12");
        elqb_clear_columns(s);
        elqb_columns(s, elqb_col(q, t, "ord"));
        expect_described(s, "integer text integer text",
                         depth ? "record[]" : "record");
        ck_assert_uint_eq(elqb_col(q, t, "ord").oid,
                          depth ? 2287 : ELQB_TYPE_RECORD);
    }
}
END_TEST

/* 2, 4, 12 and 3 manage each other in a circle. */
static elqb_cte *circle(void)
{
    elqb_cte *c = elqb_cte_new(q, "circle");
    elqb_table t = elqb_cte_table(c);
    elqb_select *step = elqb_select_new(q);

    run_sql("UPDATE users SET manager_id = CASE id WHEN 4 THEN 12 WHEN 2 "
            "THEN 4 WHEN 3 THEN 2 WHEN 12 THEN 3 END");
    elqb_cte_as(c, ids(12, 12));
    elqb_columns(step, U.id);
    elqb_from(step, U.table);
    elqb_join(step, ELQB_INNER, t,
              elqb_eq(q, U.manager_id, elqb_col(q, t, "id")));
    elqb_cte_recurse(c, step);
    elqb_cte_cycle(c, "again", "path", U.id);
    return c;
}

START_TEST(test_cycle)
{
    elqb_cte *c = circle();
    elqb_table t = elqb_cte_table(c);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_col(q, t, "id"), elqb_col(q, t, "again"),
                 elqb_col(q, t, "path"));
    elqb_from(s, t);
    elqb_with(s, c);
    expect_described(s, "integer integer", "integer boolean record[]");
    ROWS(s, "12,f,{(12)};4,f,{(12),(4)};2,f,{(12),(4),(2)};"
            "3,f,{(12),(4),(2),(3)};12,t,{(12),(4),(2),(3),(12)}");
    c = circle();
    elqb_cte_cycle_values(c, elqb_lit("Y"), elqb_lit("N"));
    s = elqb_select_new(q);
    t = elqb_cte_table(c);
    elqb_columns(s, elqb_col(q, t, "id"), elqb_col(q, t, "again"));
    elqb_from(s, t);
    elqb_with(s, c);
    expect_described(s, "integer integer", "integer text");
    ROWS(s, "12,N;4,N;2,N;3,N;12,Y");
}
END_TEST

START_TEST(test_modifying)
{
    elqb_cte *moved = elqb_cte_new(q, "moved"), *some = elqb_cte_new(q, "some");
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_insert *i = elqb_insert_new(q, P.table);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_select *from = elqb_select_new(q);
    elqb_table t = elqb_cte_table(moved);

    elqb_where(d, elqb_lt(q, O.id, V(3)));
    elqb_returning(d, O.id, O.total, O.placed_at);
    elqb_cte_as(moved, d);
    elqb_columns(i, P.id, P.sku, P.price);
    elqb_columns(from, elqb_add(q, elqb_col(q, t, "id"), V(100)), V("sku"),
                 elqb_col(q, t, "total"));
    elqb_from(from, t);
    elqb_where(from, elqb_gt(q, elqb_col(q, t, "placed_at"),
                             V("2000-01-01")));
    elqb_insert_select(i, from);
    elqb_returning(i, P.id, P.sku);
    elqb_with(i, moved);
    expect_described(i,
                     "bigint bigint character varying timestamp with time zone",
                     "integer character varying");
    ROWS(i, "101,sku;102,sku");
    elqb_cte_as(some, ids(1, 2));
    elqb_cte_materialized(some, true);
    elqb_set(u, U.age, V(99));
    elqb_from(u, elqb_cte_table(some));
    elqb_where(u, elqb_eq(q, U.id, elqb_col(q, elqb_cte_table(some), "id")));
    elqb_returning(u, U.id, U.age);
    elqb_with(u, some);
    expect_described(u, "integer integer integer", "integer integer");
    ROWS(u, "1,99;2,99");
    d = elqb_delete_new(q, U.table);
    elqb_using(d, elqb_cte_table(some));
    elqb_where(d, elqb_eq(q, U.id, elqb_col(q, elqb_cte_table(some), "id")));
    elqb_returning(d, U.id);
    elqb_with(d, some);
    ROWS(d, "1;2");
}
END_TEST

/* ----------------------------------------------------------------- windows */

/* SELECT id, e FROM orders ORDER BY id */
static elqb_select *per_order(elqb_expr e)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, O.id, e);
    elqb_from(s, O.table);
    elqb_order_by(s, O.id);
    return s;
}

START_TEST(test_window_functions)
{
    elqb_select *s;

    s = per_order(elqb_over(q, elqb_func(q, "row_number"),
                            .partition_by = ELQB_LIST(O.user_id),
                            .order_by = ELQB_LIST(elqb_desc(q, O.id))));
    expect_described(s, "", "bigint bigint");
    SAME(s, "SELECT a.id, (SELECT count(*) FROM orders b WHERE b.user_id = "
            "a.user_id AND b.id >= a.id) FROM orders a ORDER BY 1");
    s = per_order(elqb_over(q, elqb_func(q, "lag", O.total, V(1), V(-1)),
                            .order_by = ELQB_LIST(O.id)));
    expect_described(s, "integer integer", "bigint numeric");
    SAME(s, "SELECT a.id, coalesce(b.total, -1) FROM orders a LEFT JOIN orders "
            "b ON b.id = a.id - 1 ORDER BY 1");
    s = per_order(elqb_over(q, elqb_func(q, "ntile", V(4)),
                            .order_by = ELQB_LIST(O.id)));
    expect_described(s, "integer", "bigint integer");
    SAME(s, "SELECT id, (id + 9) / 10 FROM orders ORDER BY 1");
    s = per_order(elqb_over(q, elqb_agg_filter(q, elqb_count(q),
                                               elqb_gt(q, O.total, V(5))),
                            .order_by = ELQB_LIST(O.id)));
    expect_described(s, "numeric", "bigint bigint");
    SAME(s, "SELECT a.id, (SELECT count(*) FROM orders b WHERE b.id <= a.id "
            "AND b.total > 5) FROM orders a ORDER BY 1");
}
END_TEST

START_TEST(test_frames)
{
    elqb_expr sum = elqb_func(q, "sum", O.total);
    elqb_select *s;

    s = per_order(elqb_over(q, sum, .order_by = ELQB_LIST(O.id),
                            .frame = ELQB_ROWS, .start = elqb_preceding(V(2)),
                            .end = elqb_following(V(1)),
                            .exclude = ELQB_EXCLUDE_CURRENT_ROW));
    expect_described(s, "bigint bigint", "bigint numeric");
    SAME(s, "SELECT a.id, (SELECT sum(total) FROM orders b WHERE b.id BETWEEN "
            "a.id - 2 AND a.id + 1 AND b.id <> a.id) FROM orders a ORDER BY 1");
    s = per_order(elqb_over(q, sum, .order_by = ELQB_LIST(O.placed_at),
                            .frame = ELQB_RANGE,
                            .start = elqb_preceding(V("12 hours")),
                            .end = elqb_current_row()));
    expect_described(s, "interval", "bigint numeric");
    SAME(s, "SELECT a.id, (SELECT sum(total) FROM orders b WHERE b.placed_at "
            "BETWEEN a.placed_at - interval '12 hours' AND a.placed_at) FROM "
            "orders a ORDER BY 1");
    s = per_order(elqb_over(q, sum, .order_by = ELQB_LIST(O.placed_at),
                            .frame = ELQB_GROUPS, .start = elqb_preceding(V(1)),
                            .end = elqb_unbounded_following(),
                            .exclude = ELQB_EXCLUDE_TIES));
    expect_described(s, "bigint", "bigint numeric");
    SAME(s, "SELECT a.id, (SELECT sum(total) FROM orders b WHERE b.id / 2 >= "
            "a.id / 2 - 1 AND (b.id / 2 <> a.id / 2 OR b.id = a.id)) FROM "
            "orders a ORDER BY 1");
    s = per_order(elqb_over(q, sum, .order_by = ELQB_LIST(O.total),
                            .frame = ELQB_RANGE,
                            .start = elqb_preceding(V(1.5)),
                            .end = elqb_preceding(V(1)),
                            .exclude = ELQB_EXCLUDE_NO_OTHERS));
    expect_described(s, "numeric numeric", "bigint numeric");
    SAME(s, "SELECT a.id, (SELECT sum(total) FROM orders b WHERE b.total "
            "BETWEEN a.total - 1.5 AND a.total - 1) FROM orders a ORDER BY 1");
    s = per_order(elqb_over(q, sum, .order_by = ELQB_LIST(O.user_id),
                            .frame = ELQB_RANGE, .start = elqb_preceding(V(1)),
                            .end = elqb_following(V(1LL)),
                            .exclude = ELQB_EXCLUDE_GROUP));
    expect_described(s, "integer integer", "bigint numeric");
    SAME(s, "SELECT a.id, (SELECT sum(total) FROM orders b WHERE b.user_id IN "
            "(a.user_id - 1, a.user_id + 1)) FROM orders a ORDER BY 1");
}
END_TEST

START_TEST(test_named_windows)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr sum = elqb_func(q, "sum", O.total);

    elqb_window(s, "by user", .partition_by = ELQB_LIST(O.user_id));
    elqb_window(s, "in order", .extends = "by user",
                .order_by = ELQB_LIST(O.id));
    elqb_columns(s, O.id, elqb_over(q, sum, .name = "by user"),
                 elqb_over(q, sum, .extends = "in order", .frame = ELQB_GROUPS,
                           .start = elqb_preceding(V(1))));
    elqb_from(s, O.table);
    elqb_order_by(s, O.id);
    expect_described(s, "bigint", "bigint numeric numeric");
    SAME(s, "SELECT a.id, (SELECT sum(total) FROM orders b WHERE b.user_id = "
            "a.user_id), a.total + coalesce((SELECT total FROM orders b WHERE "
            "b.user_id = a.user_id AND b.id < a.id ORDER BY id DESC LIMIT 1), "
            "0) FROM orders a ORDER BY 1");
}
END_TEST

START_TEST(test_within_group)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_agg_within_group(
                        q, elqb_func(q, "percentile_disc", V(0.5)), U.id),
                 elqb_agg_within_group(
                     q, elqb_func(q, "percentile_cont", V(0.25)),
                     elqb_desc(q, U.age)),
                 elqb_agg_filter(q, elqb_agg_within_group(
                     q, elqb_func(q, "mode"), U.active),
                     elqb_gt(q, U.id, V(1))),
                 elqb_agg_within_group(q, elqb_func(q, "rank", V(20), V("u5")),
                                       U.age, U.name));
    elqb_from(s, U.table);
    elqb_where(s, elqb_lt(q, U.id, V(10)));
    expect_described(s,
                     "double precision double precision integer integer text "
                     "integer",
                     "integer double precision boolean bigint");
    ROWS(s, "5,22,f,5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_queries");
    TCase *tcase = tcase_create("queries");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_set_operations);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_values_types);
    tcase_add_test(tcase, test_set_types);
    tcase_add_test(tcase, test_shared_operands);
    tcase_add_test(tcase, test_arithmetic_does_not_overflow);
    tcase_add_test(tcase, test_row_subqueries);
    tcase_add_test(tcase, test_recursive);
    tcase_add_test(tcase, test_search);
    tcase_add_test(tcase, test_cycle);
    tcase_add_test(tcase, test_modifying);
    tcase_add_test(tcase, test_window_functions);
    tcase_add_test(tcase, test_frames);
    tcase_add_test(tcase, test_named_windows);
    tcase_add_test(tcase, test_within_group);
    return qb_main(suite);
}

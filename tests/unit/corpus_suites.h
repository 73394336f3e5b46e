/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements of tests/data/sqlalchemy-more.json after the manner of those in
 * SQLAlchemy's own suites, where two constructs meet; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_SUITES_H
#define ELPQ_TESTS_CORPUS_SUITES_H

#include "corpus.h"

/* ------------------------------------------------------------ SELECT, FROM */

STATEMENT(distinct_on_two)
{
    elqb_select *s = COLUMNS(O.table, O.user_id, O.status, O.total);

    elqb_distinct_on(s, O.user_id, O.status);
    elqb_order_by(s, O.user_id, O.status, elqb_desc(q, O.total));
    return RENDER(s);
}

STATEMENT(distinct_on_subquery)
{
    elqb_select *inner = COLUMNS(O.table, labeled(O.user_id), labeled(O.id));
    elqb_select *s;
    elqb_table last;

    elqb_distinct_on(inner, O.user_id);
    elqb_order_by(inner, O.user_id, elqb_desc(q, O.id));
    last = elqb_subquery(q, inner, "last");
    s = COLUMNS(U.table, U.name, elqb_col(q, last, "id"));
    elqb_join(s, ELQB_INNER, last,
              elqb_eq(q, elqb_col(q, last, "user_id"), U.id));
    return RENDER(s);
}

STATEMENT(order_label_nulls)
{
    elqb_select *s = COLUMNS(U.table, U.id, elqb_as(q, U.age, "n"));

    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, U.age)), elqb_lit(1));
    return RENDER(s);
}

STATEMENT(fetch_offset)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_order_by(s, U.id);
    elqb_offset(s, V(2));
    elqb_limit(s, V(3));
    return RENDER(s);
}

STATEMENT(unnest_two)
{
    elqb_expr call = elqb_func(q, "unnest",
                               elqb_array(q, V(1), V(2), V(3)),
                               elqb_array(q, V("a"), V("b")));
    elqb_table t = elqb_alias_columns(q, elqb_table_func(q, call, "anon_1"),
                                      ELQB_COL("n", "int4"),
                                      ELQB_COL("word", "text"));

    return RENDER(COLUMNS(t, elqb_col(q, t, "n"), elqb_col(q, t, "word")));
}

STATEMENT(recordset_typed)
{
    elqb_expr list = elqb_lit("[{\"a\": 1, \"b\": \"x\"}]");
    elqb_expr json = elqb_cast(q, list, "jsonb");
    elqb_expr call = elqb_func(q, "jsonb_to_recordset", json);
    elqb_table t = elqb_define_columns(q, elqb_table_func(q, call, "anon_1"),
                                       ELQB_COL("a", "integer"),
                                       ELQB_COL("b", "text"));
    elqb_select *s = COLUMNS(t, elqb_col(q, t, "a"), elqb_col(q, t, "b"));

    elqb_where(s, elqb_lt(q, elqb_col(q, t, "a"), V(5)));
    return RENDER(s);
}

STATEMENT(each_ordinality)
{
    elqb_expr call = elqb_func(q, "jsonb_array_elements",
                               elqb_json_get(q, U.data, V("list")));
    elqb_table t = elqb_alias_columns(
        q, elqb_with_ordinality(q, elqb_table_func(q, call, "anon_1")),
        ELQB_COL("value", "jsonb"), ELQB_COL("n", "int8"));
    elqb_select *s = COLUMNS(U.table, U.id, elqb_col(q, t, "value"),
                             elqb_col(q, t, "n"));

    elqb_join(s, ELQB_INNER, t, TRUE_);
    return RENDER(s);
}

STATEMENT(table_as_row)
{
    elqb_select *inner = COLUMNS(U.table, labeled(U.id), labeled(U.name));
    elqb_table t;

    elqb_where(inner, elqb_lt(q, U.id, V(3)));
    t = elqb_subquery(q, inner, "t");
    return RENDER(COLUMNS(t, elqb_func(q, "row_to_json", elqb_table_row(t))));
}

static elqb_table series(int from, int to, const char *alias,
                         const char *column)
{
    elqb_expr call = elqb_func(q, "generate_series", V(from), V(to));
    elqb_column_def columns[] = { { column, "int4" }, ELQB_COL_END_ };

    return elqb_alias_columns_v(q, elqb_table_func(q, call, alias), columns);
}

STATEMENT(three_functions)
{
    elqb_table a = series(1, 2, "anon_1", "a");
    elqb_table b = series(5, 6, "anon_2", "b");
    elqb_select *s = COLUMNS(a, elqb_col(q, a, "a"), elqb_col(q, b, "b"),
                             U.id);

    elqb_join(s, ELQB_INNER, b, TRUE_);
    elqb_join(s, ELQB_INNER, U.table,
              elqb_eq(q, U.id, elqb_col(q, a, "a")));
    return RENDER(s);
}

STATEMENT(lateral_nested)
{
    elqb_select *orders = COLUMNS(O.table, labeled(O.id), labeled(O.total));
    elqb_select *sums = COLUMNS(I.table, elqb_as(q, SUM(I.qty), "n")), *s;
    elqb_table o, i;

    elqb_where(orders, elqb_eq(q, O.user_id, U.id));
    o = elqb_lateral(q, orders, "o");
    elqb_where(sums, elqb_eq(q, I.order_id, elqb_col(q, o, "id")));
    i = elqb_lateral(q, sums, "i");
    s = COLUMNS(U.table, U.name, elqb_col(q, o, "id"), elqb_col(q, i, "n"));
    elqb_join(s, ELQB_INNER, o, TRUE_);
    elqb_join(s, ELQB_LEFT, i, TRUE_);
    return RENDER(s);
}

STATEMENT(join_union)
{
    elqb_select *both = elqb_union_all(
        q, COLUMNS(O.table, labeled(O.user_id), labeled(O.total)),
        COLUMNS(U.table, labeled(U.id), labeled(U.balance)));
    elqb_table t = elqb_subquery(q, both, "t");
    elqb_select *s = COLUMNS(U.table, U.name,
                             elqb_as(q, SUM(elqb_col(q, t, "total")), "s"));

    elqb_join(s, ELQB_INNER, t,
              elqb_eq(q, elqb_col(q, t, "user_id"), U.id));
    elqb_group_by(s, U.name);
    return RENDER(s);
}

/* -------------------------------------------------------------------- WITH */

STATEMENT(lock_in_cte)
{
    elqb_select *next = COLUMNS(O.table, labeled(O.id));
    elqb_update *u = elqb_update_new(q, O.table);
    elqb_cte *c = elqb_cte_new(q, "job");
    elqb_table job = elqb_cte_table(c);

    elqb_where(next, elqb_eq(q, O.status, V("new")));
    elqb_order_by(next, O.id);
    elqb_limit(next, V(1));
    elqb_for(next, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED);
    elqb_cte_as(c, next);
    elqb_with(u, c);
    elqb_set(u, O.status, V("paid"));
    elqb_from(u, job);
    elqb_where(u, elqb_eq(q, O.id, elqb_col(q, job, "id")));
    elqb_returning(u, O.id);
    return RENDER(u);
}

STATEMENT(cte_in_exists)
{
    elqb_select *body = COLUMNS(O.table, labeled(O.user_id)), *any, *s;
    elqb_cte *c = elqb_cte_new(q, "rich");
    elqb_table rich = elqb_cte_table(c);

    elqb_where(body, elqb_gt(q, O.total, V(100)));
    elqb_cte_as(c, body);
    any = COLUMNS(rich, elqb_col(q, rich, "user_id"));
    elqb_where(any, elqb_eq(q, elqb_col(q, rich, "user_id"), U.id));
    s = COLUMNS(U.table, U.name);
    elqb_where(s, elqb_exists(q, any));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_recursive_union)
{
    elqb_select *roots = COLUMNS(C.table, labeled(C.id));
    elqb_select *children = COLUMNS(C.table, labeled(C.id)), *s;
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_table t = elqb_cte_table(c);

    elqb_where(roots, elqb_is_null(q, C.parent_id));
    elqb_cte_columns(c, C.id);
    elqb_cte_as(c, roots);
    elqb_from(children, t);
    elqb_where(children, elqb_eq(q, C.parent_id, elqb_col(q, t, "id")));
    elqb_cte_recurse_distinct(c, children);
    s = COLUMNS(t, elqb_count(q));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_of_text)
{
    elqb_expr text = elqb_text(q, "SELECT id, name FROM users WHERE age > :n",
                               ELQB_ARG("n", V(20)));
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_table t = elqb_cte_table(c);
    elqb_select *s;

    elqb_cte_as(c, elqb_text_select(q, text, U.id, U.name));
    s = COLUMNS(t, elqb_col(q, t, "name"));
    elqb_where(s, elqb_gt(q, elqb_col(q, t, "id"), V(1)));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_delete_exists)
{
    elqb_select *body = COLUMNS(U.table, labeled(U.id)), *any;
    elqb_delete *d = elqb_delete_new(q, A.table);
    elqb_cte *c = elqb_cte_new(q, "live");
    elqb_table live = elqb_cte_table(c);

    elqb_where(body, elqb_eq(q, U.active, TRUE_));
    elqb_cte_as(c, body);
    any = COLUMNS(live, elqb_col(q, live, "id"));
    elqb_where(any, elqb_eq(q, elqb_col(q, live, "id"), A.user_id));
    elqb_where(d, elqb_not(q, elqb_exists(q, any)));
    elqb_with(d, c);
    return RENDER(d);
}

STATEMENT(cte_three_changes)
{
    elqb_cte *gone = elqb_cte_new(q, "gone"), *off = elqb_cte_new(q, "off");
    elqb_table g = elqb_cte_table(gone), o = elqb_cte_table(off);
    elqb_delete *d = elqb_delete_new(q, A.table);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_insert *i = elqb_insert_new(q, C.table);

    elqb_where(d, elqb_eq(q, A.label, V("x")));
    elqb_returning(d, A.user_id);
    elqb_cte_as(gone, d);
    elqb_set(u, U.active, V(0));
    elqb_where(u, elqb_in_select(q, U.id,
                                 COLUMNS(g, elqb_col(q, g, "user_id"))));
    elqb_returning(u, U.id);
    elqb_cte_as(off, u);
    elqb_columns(i, C.id, C.name);
    elqb_insert_select(i, COLUMNS(o, elqb_add(q, elqb_col(q, o, "id"), V(100)),
                                  V("off")));
    elqb_with(i, gone);
    elqb_with(i, off);
    return RENDER(i);
}

/* ------------------------------------------------------------- expressions */

STATEMENT(order_aggregate_two)
{
    elqb_expr call = elqb_func(q, "string_agg", U.name, elqb_lit("-"));

    return RENDER(COLUMNS(U.table, elqb_agg_order_by(
                                       q, call, elqb_desc(q, U.age), U.id)));
}

STATEMENT(array_agg_slice)
{
    elqb_expr ids = elqb_agg_order_by(
        q, elqb_func(q, "array_agg", U.id), U.id);

    return RENDER(COLUMNS(U.table, elqb_slice(q, ids, V(1), V(2))));
}

STATEMENT(array_index_twice)
{
    elqb_expr a = elqb_array(q, elqb_array(q, V(1), V(2)),
                             elqb_array(q, V(3), V(4)));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_subscript(q, elqb_subscript(q, a, V(2)), V(1)));
    return RENDER(s);
}

STATEMENT(literal_any_column)
{
    return RENDER(WHERE(U.table, elqb_eq_any(q, V("red"), U.tags)));
}

STATEMENT(any_slice)
{
    elqb_expr first = elqb_slice(q, U.tags, V(1), V(1));

    return RENDER(WHERE(U.table, elqb_eq_any(q, V("red"), first)));
}

STATEMENT(not_exists_in)
{
    elqb_select *own = COLUMNS(O.table, elqb_star());

    elqb_where(own, elqb_eq(q, O.user_id, U.id));
    return RENDER(WHERE(
        U.table, elqb_not(q, elqb_or(q, elqb_in(q, U.id, V(1), V(2)),
                                     elqb_exists(q, own)))));
}

STATEMENT(tuple_equal)
{
    elqb_select *s = COLUMNS(I.table, I.qty);

    elqb_where(s, elqb_eq(q, elqb_row(q, I.order_id, I.product_id),
                          elqb_row(q, V(1), V(2))));
    return RENDER(s);
}

STATEMENT(in_empty_other)
{
    elqb_select *a = COLUMNS(O.table, O.user_id);
    elqb_select *b = COLUMNS(I.table, I.product_id);

    elqb_where(a, elqb_in(q, O.status, V("new"), V("paid")));
    return RENDER(WHERE(U.table,
                        elqb_in_select(q, U.id, elqb_union(q, a, b))));
}

STATEMENT(concat_compare)
{
    return RENDER(WHERE(
        U.table, elqb_eq(q, elqb_concat(q, U.name, U.email),
                         elqb_concat(q, V("x"), U.name))));
}

STATEMENT(custom_nested)
{
    elqb_expr c = elqb_op(q, U.data, "->", V("c"));

    return RENDER(WHERE(
        U.table, elqb_eq(q, elqb_op(q, c, "->>", V("d")), V("x"))));
}

STATEMENT(cast_types)
{
    int64_t items[] = { 1, 2 };

    return RENDER(COLUMNS(
        O.table, elqb_cast(q, V("1 02:03"), "interval day to second(3)"),
        elqb_as(q, elqb_cast(q, O.placed_at, "timestamp(0) with time zone"),
                "placed_at"),
        elqb_cast(q, V("101"), "bit varying(5)"),
        elqb_as(q, elqb_cast(q, O.total, "double precision"), "total"),
        elqb_cast(q, elqb_items(items, 2), "bigint[]")));
}

STATEMENT(extract_fields)
{
    return RENDER(COLUMNS(
        O.table, elqb_extract(q, "dow", O.placed_at),
        elqb_extract(q, "isoyear", O.placed_at),
        elqb_extract(q, "milliseconds",
                     elqb_cast(q, elqb_lit("1.5 s"), "interval"))));
}

STATEMENT(time_functions)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(
        s, elqb_as(q, elqb_le(q, elqb_func(q, "current_date"),
                              elqb_func(q, "current_date")), "a"),
        elqb_ge(q, elqb_func(q, "current_timestamp"),
                elqb_func(q, "localtimestamp")),
        elqb_eq(q, elqb_func(q, "session_user"),
                elqb_func(q, "current_user")));
    return RENDER(s);
}

STATEMENT(window_of_aggregate)
{
    elqb_expr sum = SUM(O.total);
    elqb_expr rank = elqb_over(q, elqb_func(q, "rank"),
                               .order_by = ELQB_LIST(elqb_desc(q, sum)));
    elqb_select *s = COLUMNS(O.table, O.status, sum, rank);

    elqb_group_by(s, O.status);
    return RENDER(s);
}

STATEMENT(like_expression)
{
    elqb_expr lower = elqb_func(q, "lower", U.name);
    elqb_expr pattern = elqb_concat(q, elqb_lit("%"),
                                    elqb_func(q, "lower", V("BO")),
                                    elqb_lit("%"));

    return RENDER(WHERE(
        U.table,
        elqb_like_escape(q, U.name, elqb_concat(q, U.email, V("%")),
                         elqb_lit("/")),
        elqb_like(q, lower, pattern)));
}

/* ----------------------------------------------------------------- changes */

STATEMENT(insert_defaults_returning)
{
    elqb_insert *i = elqb_insert_new(q, A.table);
    elqb_select *name = COLUMNS(U.table, U.name);

    elqb_where(name, elqb_eq(q, U.id, V(1)));
    elqb_set(i, A.user_id, V(1));
    elqb_set(i, A.label, elqb_coalesce(q, elqb_scalar(q, name), V("none")));
    elqb_on_conflict_nothing(i, A.id);
    elqb_returning(i, elqb_gt(q, A.id, V(0)), elqb_as(q, A.label, "l"));
    return RENDER(i);
}

STATEMENT(upsert_excluded_expression)
{
    elqb_insert *i = elqb_insert_new(q, P.table);
    elqb_expr name = elqb_excluded(P.name);

    elqb_set(i, P.id, V(1));
    elqb_set(i, P.sku, V("a"));
    elqb_set(i, P.name, V("A"));
    elqb_set(i, P.stock, V(3));
    elqb_on_conflict_update(i, P.id);
    elqb_conflict_set(i, P.name, elqb_case(q, name, elqb_eq(q, name, V("")),
                                           P.name));
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    elqb_returning(i, P.stock);
    return RENDER(i);
}

STATEMENT(update_from_grouped)
{
    elqb_select *sums = COLUMNS(O.table, labeled(O.user_id),
                                elqb_as(q, SUM(O.total), "s"));
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_table t;

    elqb_group_by(sums, O.user_id);
    t = elqb_subquery(q, sums, "t");
    elqb_set(u, U.balance, elqb_add(q, U.balance, elqb_col(q, t, "s")));
    elqb_from(u, t);
    elqb_where(u, elqb_eq(q, U.id, elqb_col(q, t, "user_id")));
    elqb_returning(u, U.id, U.balance);
    return RENDER(u);
}

STATEMENT(update_array_json_item)
{
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_expr more = elqb_cast(q, elqb_lit("{\"k\": 1}"), "jsonb");

    elqb_set(u, U.tags, elqb_func(q, "array_append", U.tags, V("new")));
    elqb_set(u, U.data, elqb_concat(q, U.data, more));
    elqb_where(u, elqb_eq(q, U.id, V(1)));
    return RENDER(u);
}

STATEMENT(delete_using_alias)
{
    elqb_delete *d = elqb_delete_new(q, I.table);
    orders_t o = orders_as("o");
    users_t u = users_as("u");

    elqb_using(d, o.table);
    elqb_using(d, u.table);
    elqb_where(d, elqb_eq(q, I.order_id, o.id));
    elqb_where(d, elqb_eq(q, o.user_id, u.id));
    elqb_where(d, elqb_eq(q, u.name, V("none")));
    elqb_returning(d, I.order_id, u.name);
    return RENDER(d);
}

static const struct written suites_written[] = {
    WRITTEN(distinct_on_two),
    WRITTEN(distinct_on_subquery),
    WRITTEN(order_label_nulls),
    WRITTEN(fetch_offset),
    WRITTEN(unnest_two),
    WRITTEN(recordset_typed),
    WRITTEN(each_ordinality),
    WRITTEN(table_as_row),
    WRITTEN(three_functions),
    WRITTEN(lateral_nested),
    WRITTEN(join_union),
    WRITTEN(lock_in_cte),
    WRITTEN(cte_in_exists),
    WRITTEN(cte_recursive_union),
    WRITTEN(cte_of_text),
    WRITTEN(cte_delete_exists),
    WRITTEN(cte_three_changes),
    WRITTEN(order_aggregate_two),
    WRITTEN(array_agg_slice),
    WRITTEN(array_index_twice),
    WRITTEN(literal_any_column),
    WRITTEN(any_slice),
    WRITTEN(not_exists_in),
    WRITTEN(tuple_equal),
    WRITTEN(in_empty_other),
    WRITTEN(concat_compare),
    WRITTEN(custom_nested),
    WRITTEN(cast_types),
    WRITTEN(extract_fields),
    WRITTEN(time_functions),
    WRITTEN(window_of_aggregate),
    WRITTEN(like_expression),
    WRITTEN(insert_defaults_returning),
    WRITTEN(upsert_excluded_expression),
    WRITTEN(update_from_grouped),
    WRITTEN(update_array_json_item),
    WRITTEN(delete_using_alias),
};

#endif

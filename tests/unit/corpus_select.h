/* SPDX-License-Identifier: PostgreSQL */
/*
 * SELECT of tests/data/sqlalchemy-more.json, written with the builder: its
 * clauses, joins and subqueries; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_SELECT_H
#define ELPQ_TESTS_CORPUS_SELECT_H

#include "corpus.h"

/* ----------------------------------------------------------------- clauses */

STATEMENT(distinct)
{
    elqb_select *s = COLUMNS(U.table, U.age);

    elqb_distinct(s);
    return RENDER(s);
}

STATEMENT(distinct_on)
{
    elqb_select *s = COLUMNS(O.table, O.user_id, O.total);

    elqb_distinct_on(s, O.user_id);
    elqb_order_by(s, O.user_id, elqb_desc(q, O.total));
    return RENDER(s);
}

STATEMENT(limit_offset)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_order_by(s, U.id);
    elqb_limit(s, V(2));
    elqb_offset(s, V(1));
    return RENDER(s);
}

STATEMENT(fetch_ties)
{
    elqb_select *s = COLUMNS(O.table, O.id);

    elqb_order_by(s, O.status);
    elqb_fetch_ties(s, V(1));
    return RENDER(s);
}

STATEMENT(group_having)
{
    elqb_select *s =
        COLUMNS(O.table, O.status, elqb_as(q, COUNT_OF(O.id), "n"));

    elqb_group_by(s, O.status);
    elqb_having(s, elqb_gt(q, COUNT_OF(O.id), V(1)));
    elqb_order_by(s, O.status);
    return RENDER(s);
}

STATEMENT(order_by_label)
{
    elqb_expr n = elqb_func(q, "char_length", U.name);
    elqb_select *s = COLUMNS(U.table, U.id, elqb_as(q, n, "n"));

    elqb_order_by(s, elqb_desc(q, elqb_name("n")), U.id);
    return RENDER(s);
}

STATEMENT(all_columns)
{
    return RENDER(COLUMNS(C.table, C.id, C.parent_id, C.name));
}

STATEMENT(schema_table)
{
    elqb_select *s = COLUMNS(A.table, A.label);

    elqb_where(s, elqb_eq(q, A.user_id, V(1)));
    return RENDER(s);
}

STATEMENT(prefixes)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_columns(s, U.name);
    elqb_where(s, elqb_gt(q, U.id, V(1)));
    elqb_order_by(s, U.id);
    elqb_clear_order_by(s);
    elqb_order_by(s, U.name);
    return RENDER(s);
}

/* ------------------------------------------------------------------- joins */

STATEMENT(self_join)
{
    users_t boss = users_as("boss");
    elqb_select *s =
        COLUMNS(U.table, U.name, elqb_as(q, boss.name, "boss_name"));

    elqb_join(s, ELQB_LEFT, boss.table, elqb_eq(q, U.manager_id, boss.id));
    return RENDER(s);
}

STATEMENT(join_three)
{
    elqb_select *s = COLUMNS(U.table, U.name, P.sku, I.qty);

    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));
    elqb_join(s, ELQB_INNER, I.table, elqb_eq(q, I.order_id, O.id));
    elqb_join(s, ELQB_INNER, P.table,
              elqb_and(q, elqb_eq(q, P.id, I.product_id),
                       elqb_gt(q, P.stock, V(0))));
    return RENDER(s);
}

STATEMENT(join_full)
{
    elqb_select *s = COLUMNS(U.table, U.id, elqb_as(q, O.id, "o"));

    elqb_join(s, ELQB_FULL, O.table, elqb_eq(q, U.id, O.user_id));
    return RENDER(s);
}

STATEMENT(join_nested)
{
    elqb_select *pair = elqb_select_new(q);
    elqb_select *s = COLUMNS(U.table, U.name, I.qty);

    elqb_from(pair, O.table);
    elqb_join(pair, ELQB_INNER, I.table, elqb_eq(q, I.order_id, O.id));
    elqb_join(s, ELQB_LEFT, elqb_joined(q, pair, NULL),
              elqb_eq(q, O.user_id, U.id));
    return RENDER(s);
}

STATEMENT(from_comma)
{
    elqb_select *s = COLUMNS(U.table, U.id, elqb_as(q, O.id, "o"));

    elqb_from(s, O.table);
    elqb_where(s, elqb_eq(q, U.id, O.user_id));
    return RENDER(s);
}

STATEMENT(lateral_join)
{
    elqb_select *inner = COLUMNS(O.table, labeled(O.id), labeled(O.total));
    elqb_table top;
    elqb_select *s;

    elqb_where(inner, elqb_eq(q, O.user_id, U.id));
    elqb_order_by(inner, elqb_desc(q, O.total));
    elqb_limit(inner, V(1));
    top = elqb_lateral(q, inner, "top");
    s = COLUMNS(U.table, U.name, elqb_col(q, top, "total"));
    elqb_join(s, ELQB_LEFT, top, TRUE_);
    return RENDER(s);
}

STATEMENT(tablesample)
{
    users_t T = users_as("t");
    elqb_table sample = elqb_tablesample(q, T.table, "bernoulli", V(100));

    return RENDER(COLUMNS(
        elqb_repeatable(q, sample, elqb_func(q, "char_length", V("x"))),
        T.id));
}

STATEMENT(values_join)
{
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("id", "int4"), ELQB_COL("word", "text")),
        elqb_row(q, V(1), V("one")), elqb_row(q, V(2), V("two")));
    elqb_select *s = COLUMNS(U.table, U.name, elqb_col(q, v, "word"));

    elqb_join(s, ELQB_INNER, v, elqb_eq(q, U.id, elqb_col(q, v, "id")));
    return RENDER(s);
}

STATEMENT(series)
{
    elqb_expr call = elqb_func(q, "generate_series", V(1), V(3));

    return RENDER(COLUMNS(elqb_table_func(q, call, "g"), elqb_name("g")));
}

STATEMENT(unnest_column)
{
    elqb_table t = elqb_alias_columns(
        q, elqb_table_func(q, elqb_func(q, "unnest", U.tags), "anon_1"),
        ELQB_COL("tag", "text"));
    elqb_select *s = COLUMNS(U.table, U.id, elqb_col(q, t, "tag"));

    elqb_join(s, ELQB_INNER, t, TRUE_);
    return RENDER(s);
}

STATEMENT(json_record)
{
    elqb_expr call = elqb_func(q, "jsonb_to_record", U.data);
    elqb_table t = elqb_define_columns(q, elqb_table_func(q, call, "anon_1"),
                                       ELQB_COL("a", "integer"),
                                       ELQB_COL("b", "text"));
    elqb_select *s = COLUMNS(U.table, U.id, elqb_col(q, t, "b"));

    elqb_join(s, ELQB_INNER, t, TRUE_);
    return RENDER(s);
}

STATEMENT(column_valued)
{
    elqb_expr list = elqb_func(q, "jsonb_build_array", V(1), V("a"));
    elqb_expr call = elqb_func(q, "jsonb_array_elements_text", list);

    return RENDER(COLUMNS(elqb_table_func(q, call, "x"), elqb_name("x")));
}

/* -------------------------------------------------------------- subqueries */

STATEMENT(exists)
{
    elqb_select *inner = COLUMNS(O.table, elqb_star());

    elqb_where(inner, elqb_eq(q, O.user_id, U.id));
    return RENDER(WHERE(U.table, elqb_exists(q, inner)));
}

STATEMENT(not_exists)
{
    elqb_select *inner = WHERE(O.table, elqb_eq(q, O.user_id, U.id),
                               elqb_gt(q, O.total, V(20)));

    return RENDER(WHERE(U.table, elqb_not(q, elqb_exists(q, inner))));
}

STATEMENT(scalar_column)
{
    elqb_select *inner = COLUMNS(O.table, COUNT_OF(O.id));
    elqb_expr n = elqb_scalar(q, inner);
    elqb_select *s = COLUMNS(U.table, U.name, elqb_as(q, n, "n"));

    elqb_where(inner, elqb_eq(q, O.user_id, U.id));
    elqb_order_by(s, elqb_desc(q, n));
    return RENDER(s);
}

STATEMENT(in_select)
{
    elqb_select *inner = COLUMNS(O.table, O.user_id);

    elqb_where(inner, elqb_eq(q, O.status, V("paid")));
    return RENDER(WHERE(U.table, elqb_in_select(q, U.id, inner)));
}

STATEMENT(not_in_select)
{
    elqb_select *inner = COLUMNS(O.table, O.user_id);

    return RENDER(WHERE(U.table, elqb_not_in_select(q, U.id, inner)));
}

STATEMENT(any_select)
{
    elqb_select *inner = COLUMNS(O.table, O.user_id);

    return RENDER(WHERE(U.table, elqb_op_any_select(q, U.id, "=", inner)));
}

STATEMENT(all_select)
{
    elqb_select *inner = COLUMNS(I.table, I.price);

    return RENDER(WHERE(O.table, elqb_op_all_select(q, O.total, ">=", inner)));
}

STATEMENT(scalar_compare)
{
    elqb_select *inner = COLUMNS(O.table, elqb_func(q, "avg", O.total));

    return RENDER(WHERE(O.table,
                        elqb_gt(q, O.total, elqb_scalar(q, inner))));
}

STATEMENT(tuple_in_select)
{
    elqb_select *inner = COLUMNS(O.table, O.id, P.id);
    elqb_select *s = COLUMNS(I.table, I.qty);

    elqb_from(inner, P.table);
    elqb_where(inner, elqb_eq(q, O.id, P.id));
    elqb_where(s, elqb_in_select(q, elqb_row(q, I.order_id, I.product_id),
                                 inner));
    return RENDER(s);
}

STATEMENT(from_nested)
{
    elqb_select *first = COLUMNS(U.table, labeled(U.id), labeled(U.age));
    elqb_select *second, *s;
    elqb_table a, b;
    elqb_expr older;

    elqb_where(first, elqb_is_true(q, U.active));
    a = elqb_subquery(q, first, "a");
    older = elqb_add(q, elqb_col(q, a, "age"), V(1));
    second = COLUMNS(a, labeled(elqb_col(q, a, "id")),
                     elqb_as(q, older, "older"));
    b = elqb_subquery(q, second, "b");
    s = COLUMNS(b, elqb_col(q, b, "older"));
    elqb_where(s, elqb_gt(q, elqb_col(q, b, "id"), V(1)));
    return RENDER(s);
}

/* ---------------------------------------------------- clauses, put together */

STATEMENT(count_of_select)
{
    elqb_select *inner = COLUMNS(U.table, labeled(U.id));

    elqb_where(inner, elqb_gt(q, U.age, V(20)));
    return RENDER(COLUMNS(elqb_subquery(q, inner, "anon_1"), elqb_count(q)));
}

STATEMENT(exists_column)
{
    elqb_select *old = COLUMNS(U.table, elqb_star());
    elqb_select *none = elqb_select_new(q), *s = elqb_select_new(q);

    elqb_where(old, elqb_gt(q, U.age, V(60)));
    elqb_columns(none, elqb_lit(1));
    elqb_where(none, elqb_literal(elpq_bool(false)));
    elqb_columns(s, elqb_as(q, elqb_exists(q, old), "any_old"),
                 elqb_exists(q, none));
    return RENDER(s);
}

STATEMENT(group_by_label)
{
    elqb_expr band = elqb_mul(q, elqb_div(q, U.age, elqb_lit(10)),
                              elqb_lit(10));
    elqb_select *s =
        COLUMNS(U.table, elqb_as(q, band, "band"), elqb_count(q));

    elqb_group_by(s, elqb_name("band"));
    elqb_order_by(s, elqb_desc(q, elqb_name("band")));
    return RENDER(s);
}

STATEMENT(group_by_expression)
{
    elqb_expr year = elqb_func(q, "date_trunc", elqb_lit("year"), O.placed_at);
    elqb_select *s = COLUMNS(O.table, year, SUM(O.total));

    elqb_group_by(s, year);
    elqb_having(s, elqb_between(q, SUM(O.total), V(1), V(1000)));
    elqb_order_by(s, year);
    return RENDER(s);
}

STATEMENT(order_by_case)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_order_by(s, elqb_case(q, V(0), elqb_is_null(q, U.age), V(1)),
                  elqb_desc(q, U.age), elqb_nulls_first(q, U.email));
    return RENDER(s);
}

STATEMENT(lateral_function)
{
    elqb_table kv = elqb_lateral_of(
        q, elqb_table_func(q, elqb_func(q, "jsonb_each_text", U.data),
                           "kv_1"));
    elqb_select *s = COLUMNS(U.table, U.id, elqb_c(kv, "key"));

    elqb_join(s, ELQB_INNER, kv, TRUE_);
    elqb_where(s, elqb_eq(q, elqb_func(q, "jsonb_typeof", U.data),
                          V("object")));
    return RENDER(s);
}

STATEMENT(lateral_aggregate)
{
    elqb_select *inner = COLUMNS(
        O.table, elqb_as(q, COUNT_OF(O.id), "n"),
        elqb_as(q, elqb_func(q, "max", O.total), "top"));
    elqb_table t;
    elqb_select *s;

    elqb_where(inner, elqb_eq(q, O.user_id, U.id));
    t = elqb_lateral(q, inner, "t");
    s = COLUMNS(U.table, U.name, elqb_col(q, t, "n"), elqb_col(q, t, "top"));
    elqb_join(s, ELQB_INNER, t, TRUE_);
    elqb_where(s, elqb_gt(q, elqb_col(q, t, "n"), V(0)));
    return RENDER(s);
}

STATEMENT(join_subqueries)
{
    elqb_select *inner = COLUMNS(
        O.table, labeled(O.user_id),
        elqb_as(q, elqb_func(q, "max", O.id), "last"));
    orders_t B = orders_as("b");
    elqb_select *s = COLUMNS(U.table, U.name, B.note);
    elqb_table a;

    elqb_group_by(inner, O.user_id);
    a = elqb_subquery(q, inner, "a");
    elqb_join(s, ELQB_INNER, a, elqb_eq(q, elqb_col(q, a, "user_id"), U.id));
    elqb_join(s, ELQB_LEFT, B.table,
              elqb_and(q, elqb_eq(q, B.id, elqb_col(q, a, "last")),
                       elqb_ne(q, B.status, V("shipped"))));
    return RENDER(s);
}

STATEMENT(series_dates)
{
    elqb_expr call = elqb_func(q, "generate_series",
                               elqb_cast(q, elqb_lit("2024-01-01"), "date"),
                               elqb_cast(q, elqb_lit("2024-01-03"), "date"),
                               elqb_cast(q, elqb_lit("1 day"), "interval"));
    elqb_table d = elqb_alias_columns(q, elqb_table_func(q, call, "anon_1"),
                                      ELQB_COL("day", "timestamptz"));
    elqb_expr day = elqb_cast(q, elqb_col(q, d, "day"), "date");

    return RENDER(COLUMNS(d, elqb_as(q, day, "day")));
}

STATEMENT(json_elements)
{
    elqb_expr list = elqb_json_get(q, U.data, V("list"));
    elqb_table e = elqb_alias_columns(
        q, elqb_table_func(q, elqb_func(q, "jsonb_array_elements_text", list),
                           "anon_1"),
        ELQB_COL("value", "text"));
    elqb_select *s = COLUMNS(U.table, U.id, elqb_col(q, e, "value"));

    elqb_from(s, e);
    elqb_where(s, elqb_eq(q, U.id, V(1)));
    return RENDER(s);
}

STATEMENT(scalar_arithmetic)
{
    elqb_expr n = elqb_scalar(q, COLUMNS(O.table, elqb_count(q)));

    return RENDER(COLUMNS(U.table, elqb_add(q, U.id, n),
                          elqb_mod(q, elqb_mul(q, U.id, V(100)), n)));
}

STATEMENT(scalar_coalesce)
{
    elqb_select *sum = COLUMNS(O.table, SUM(O.total)), *s;
    elqb_expr spent = elqb_scalar(q, sum);

    elqb_where(sum, elqb_eq(q, O.user_id, U.id));
    s = COLUMNS(U.table, U.name,
                elqb_as(q, elqb_coalesce(q, spent, V(0)), "spent"));
    elqb_where(s, elqb_is_not_null(q, spent));
    return RENDER(s);
}

STATEMENT(correlated_alias)
{
    orders_t O2 = orders_as("o2");
    elqb_select *latest = COLUMNS(O2.table, elqb_func(q, "max", O2.id));

    elqb_where(latest, elqb_eq(q, O2.user_id, O.user_id));
    return RENDER(WHERE(O.table, elqb_eq(q, O.id, elqb_scalar(q, latest))));
}

STATEMENT(between_subqueries)
{
    elqb_select *low = COLUMNS(I.table, elqb_func(q, "min", I.price));
    elqb_select *high = COLUMNS(I.table, elqb_func(q, "max", I.price));

    return RENDER(WHERE(O.table,
                        elqb_between(q, O.total, elqb_scalar(q, low),
                                     elqb_scalar(q, high))));
}

static const struct written select_written[] = {
    WRITTEN(distinct),
    WRITTEN(distinct_on),
    WRITTEN(limit_offset),
    WRITTEN(fetch_ties),
    WRITTEN(group_having),
    WRITTEN(order_by_label),
    WRITTEN(all_columns),
    WRITTEN(schema_table),
    WRITTEN(prefixes),
    WRITTEN(self_join),
    WRITTEN(join_three),
    WRITTEN(join_full),
    WRITTEN(join_nested),
    WRITTEN(from_comma),
    WRITTEN(lateral_join),
    WRITTEN(tablesample),
    WRITTEN(values_join),
    WRITTEN(series),
    WRITTEN(unnest_column),
    WRITTEN(json_record),
    WRITTEN(column_valued),
    WRITTEN(exists),
    WRITTEN(not_exists),
    WRITTEN(scalar_column),
    WRITTEN(in_select),
    WRITTEN(not_in_select),
    WRITTEN(any_select),
    WRITTEN(all_select),
    WRITTEN(scalar_compare),
    WRITTEN(tuple_in_select),
    WRITTEN(from_nested),
    WRITTEN(count_of_select),
    WRITTEN(exists_column),
    WRITTEN(group_by_label),
    WRITTEN(group_by_expression),
    WRITTEN(order_by_case),
    WRITTEN(lateral_function),
    WRITTEN(lateral_aggregate),
    WRITTEN(join_subqueries),
    WRITTEN(series_dates),
    WRITTEN(json_elements),
    WRITTEN(scalar_arithmetic),
    WRITTEN(scalar_coalesce),
    WRITTEN(correlated_alias),
    WRITTEN(between_subqueries),
};

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Window functions and aggregates of tests/data/sqlalchemy-more.json, written
 * with the builder; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_AGGREGATE_H
#define ELPQ_TESTS_CORPUS_AGGREGATE_H

#include "corpus.h"

/* ----------------------------------------------------------------- windows */

STATEMENT(rows_between)
{
    elqb_expr s = elqb_over(q, SUM(O.total),
                            .partition_by = ELQB_LIST(O.user_id),
                            .order_by = ELQB_LIST(O.id), .frame = ELQB_ROWS,
                            .start = elqb_unbounded_preceding(),
                            .end = elqb_current_row());

    return RENDER(COLUMNS(O.table, O.id, elqb_as(q, s, "s")));
}

STATEMENT(rows_offsets)
{
    elqb_expr avg = elqb_over(q, elqb_func(q, "avg", O.total),
                              .order_by = ELQB_LIST(O.id), .frame = ELQB_ROWS,
                              .start = elqb_preceding(V(1)),
                              .end = elqb_following(V(1)));

    return RENDER(COLUMNS(O.table, O.id, avg));
}

STATEMENT(range_between)
{
    elqb_expr n = elqb_over(q, elqb_count(q), .order_by = ELQB_LIST(I.qty),
                            .frame = ELQB_RANGE, .start = elqb_preceding(V(2)),
                            .end = elqb_unbounded_following());

    return RENDER(COLUMNS(I.table, I.qty, n));
}

STATEMENT(rank_filter)
{
    elqb_expr n = elqb_agg_filter(q, COUNT_OF(O.id),
                                  elqb_gt(q, O.total, V(10)));

    return RENDER(COLUMNS(
        O.table, O.id,
        elqb_over(q, n, .partition_by = ELQB_LIST(O.user_id, O.status))));
}

STATEMENT(lag_default)
{
    elqb_expr lag = elqb_over(q, elqb_func(q, "lag", O.total, V(1), V(0)),
                              .order_by = ELQB_LIST(O.id));

    return RENDER(COLUMNS(O.table, O.id, elqb_as(q, lag, "before")));
}

STATEMENT(window_top)
{
    elqb_expr rn = elqb_over(q, elqb_func(q, "row_number"),
                             .partition_by = ELQB_LIST(O.user_id),
                             .order_by = ELQB_LIST(elqb_desc(q, O.total),
                                                   O.id));
    elqb_table t = elqb_subquery(
        q, COLUMNS(O.table, labeled(O.id), elqb_as(q, rn, "rn")), "t");
    elqb_select *s = COLUMNS(t, elqb_col(q, t, "id"));

    elqb_where(s, elqb_eq(q, elqb_col(q, t, "rn"), V(1)));
    return RENDER(s);
}

STATEMENT(over_empty)
{
    elqb_expr by_age = elqb_nulls_last(q, elqb_desc(q, U.age));

    return RENDER(COLUMNS(U.table, U.id, elqb_over(q, elqb_count(q)),
                          elqb_over(q, elqb_func(q, "rank"),
                                    .order_by = ELQB_LIST(by_age))));
}

/* -------------------------------------------------------------- aggregates */

STATEMENT(agg_filter)
{
    elqb_expr paid = elqb_and(q, elqb_eq(q, O.status, V("paid")),
                              elqb_gt(q, O.total, V(5)));

    return RENDER(COLUMNS(O.table, elqb_agg_filter(q, COUNT_OF(O.id), paid),
                          SUM(O.total)));
}

STATEMENT(percentile)
{
    elqb_expr half = elqb_func(q, "percentile_cont", V(0.5));
    elqb_select *s = COLUMNS(
        I.table, I.product_id,
        elqb_agg_within_group(q, half, elqb_desc(q, I.qty)));

    elqb_group_by(s, I.product_id);
    return RENDER(s);
}

STATEMENT(mode)
{
    return RENDER(COLUMNS(
        I.table, elqb_agg_within_group(q, elqb_func(q, "mode"), I.qty)));
}

STATEMENT(string_agg_order)
{
    elqb_expr names = elqb_func(q, "string_agg", U.name, elqb_lit(","));

    return RENDER(COLUMNS(U.table, elqb_agg_order_by(q, names,
                                                     elqb_desc(q, U.name))));
}

STATEMENT(array_agg_order)
{
    elqb_expr ids = elqb_func(q, "array_agg", O.id);
    elqb_select *s = COLUMNS(
        O.table, O.user_id, elqb_agg_order_by(q, ids, elqb_desc(q, O.total)));

    elqb_group_by(s, O.user_id);
    return RENDER(s);
}

STATEMENT(count_distinct)
{
    return RENDER(COLUMNS(
        O.table, elqb_agg_distinct(q, COUNT_OF(O.user_id)),
        elqb_agg_distinct(q, elqb_func(q, "array_agg", O.status))));
}

STATEMENT(rollup)
{
    elqb_select *s = COLUMNS(O.table, O.user_id, O.status, SUM(O.total));

    elqb_group_by(s, elqb_rollup(q, O.user_id, O.status));
    return RENDER(s);
}

STATEMENT(cube)
{
    elqb_select *s = COLUMNS(O.table, O.user_id, elqb_grouping(q, O.user_id),
                             elqb_count(q));

    elqb_group_by(s, elqb_cube(q, O.user_id));
    return RENDER(s);
}

STATEMENT(grouping_sets)
{
    elqb_select *s = COLUMNS(O.table, O.user_id, O.status, elqb_count(q));

    elqb_group_by(s, elqb_grouping_sets(
                         q, elqb_grouping_set(q, O.user_id, O.status),
                         elqb_grouping_set(q, O.user_id)));
    return RENDER(s);
}

STATEMENT(bool_agg)
{
    return RENDER(COLUMNS(
        U.table, elqb_func(q, "bool_and", U.active),
        elqb_func(q, "every", elqb_gt(q, U.age, V(1))),
        elqb_func(q, "max", U.age), elqb_func(q, "jsonb_agg", U.name)));
}

/* ---------------------------------------------------------- put together */

STATEMENT(sum_case)
{
    elqb_expr paid = elqb_case(q, V(0), elqb_eq(q, O.status, V("paid")),
                               O.total);
    elqb_expr large = elqb_case(q, ELQB_NONE, elqb_gt(q, O.total, V(10)),
                                V(1));

    return RENDER(COLUMNS(O.table, SUM(paid), COUNT_OF(large)));
}

STATEMENT(percentile_disc_array)
{
    elqb_expr shares = elqb_cast(q, elqb_array(q, V(0.25), V(0.75)),
                                 "float8[]");
    elqb_expr call = elqb_func(q, "percentile_disc", shares);

    return RENDER(COLUMNS(
        I.table, elqb_agg_within_group(q, call, elqb_asc(q, I.qty))));
}

STATEMENT(json_object_agg)
{
    return RENDER(COLUMNS(
        U.table, elqb_func(q, "json_object_agg", U.name, U.id),
        elqb_agg_filter(q, elqb_func(q, "array_agg", U.id), U.active)));
}

STATEMENT(array_agg_index)
{
    elqb_expr ids = elqb_agg_order_by(q, elqb_func(q, "array_agg", U.id),
                                      elqb_desc(q, U.age));

    return RENDER(COLUMNS(U.table, elqb_subscript(q, ids, V(1))));
}

STATEMENT(having_no_group)
{
    elqb_select *s = COLUMNS(U.table, elqb_func(q, "max", U.age));

    elqb_having(s, elqb_gt(q, elqb_count(q), V(2)));
    return RENDER(s);
}

STATEMENT(window_whole)
{
    elqb_expr best = elqb_over(q, elqb_func(q, "first_value", I.product_id),
                               .partition_by = ELQB_LIST(I.order_id),
                               .order_by = ELQB_LIST(elqb_desc(q, I.qty)),
                               .frame = ELQB_ROWS,
                               .start = elqb_unbounded_preceding(),
                               .end = elqb_unbounded_following());
    elqb_expr half = elqb_over(q, elqb_func(q, "ntile", V(2)),
                               .order_by = ELQB_LIST(I.order_id,
                                                     I.product_id));

    return RENDER(COLUMNS(I.table, I.order_id, elqb_as(q, best, "best"),
                          half));
}

STATEMENT(window_difference)
{
    elqb_expr before = elqb_over(q, elqb_func(q, "lag", O.total),
                                 .order_by = ELQB_LIST(O.id));
    elqb_expr after = elqb_over(q, elqb_func(q, "lead", O.total, V(1)),
                                .order_by = ELQB_LIST(O.id));

    return RENDER(COLUMNS(O.table, O.id, elqb_sub(q, O.total, before),
                          elqb_coalesce(q, after, V(0))));
}

static const struct written aggregate_written[] = {
    WRITTEN(rows_between),
    WRITTEN(rows_offsets),
    WRITTEN(range_between),
    WRITTEN(rank_filter),
    WRITTEN(lag_default),
    WRITTEN(window_top),
    WRITTEN(over_empty),
    WRITTEN(agg_filter),
    WRITTEN(percentile),
    WRITTEN(mode),
    WRITTEN(string_agg_order),
    WRITTEN(array_agg_order),
    WRITTEN(count_distinct),
    WRITTEN(rollup),
    WRITTEN(cube),
    WRITTEN(grouping_sets),
    WRITTEN(bool_agg),
    WRITTEN(sum_case),
    WRITTEN(percentile_disc_array),
    WRITTEN(json_object_agg),
    WRITTEN(array_agg_index),
    WRITTEN(having_no_group),
    WRITTEN(window_whole),
    WRITTEN(window_difference),
};

#endif

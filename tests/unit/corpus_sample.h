/* SPDX-License-Identifier: PostgreSQL */
/*
 * The statements of tests/data/sqlalchemy-sample.json, written with the
 * builder; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_SAMPLE_H
#define ELPQ_TESTS_CORPUS_SAMPLE_H

#include "corpus.h"

STATEMENT(sel_cols)
{
    return RENDER(COLUMNS(U.table, U.id, U.name));
}

STATEMENT(sel_order_nulls)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, U.age)),
                  elqb_nulls_first(q, elqb_asc(q, U.name)));
    return RENDER(s);
}

STATEMENT(sel_reserved_quoting)
{
    elqb_select *s = COLUMNS(D.table, D.id, D.group_, D.mixed_case, D.weird,
                             D.order_percent);

    elqb_where(s, elqb_eq(q, D.group_, V("g")));
    elqb_where(s, elqb_eq(q, D.mixed_case, V("m")));
    elqb_where(s, elqb_is_null(q, D.weird));
    elqb_where(s, elqb_gt(q, D.order_percent, V(1)));
    return RENDER(s);
}

STATEMENT(sel_dup_names)
{
    elqb_select *s = COLUMNS(U.table, U.id, O.id);

    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));
    return RENDER(s);
}

STATEMENT(from_subquery)
{
    elqb_select *inner =
        COLUMNS(O.table, elqb_as(q, O.user_id, "user_id"),
                elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_table t;
    elqb_expr total;
    elqb_select *s;

    elqb_group_by(inner, O.user_id);
    t = elqb_subquery(q, inner, "t");
    total = elqb_typed(elqb_c(t, "total"), NUMERIC);
    s = COLUMNS(U.table, U.name, total);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_c(t, "user_id"), U.id));
    elqb_where(s, elqb_gt(q, total, V(100)));
    return RENDER(s);
}

STATEMENT(sub_array)
{
    elqb_select *ids = WHERE(O.table, elqb_eq(q, O.user_id, U.id));

    return RENDER(COLUMNS(U.table, U.id,
                                  elqb_as(q, elqb_array_select(q, ids),
                                          "ids")));
}

STATEMENT(sub_tuple_in)
{
    elqb_select *s = COLUMNS(I.table, I.qty);

    elqb_where(s, elqb_in(q, elqb_row(q, I.order_id, I.product_id),
                          elqb_row(q, V(1), V(2)), elqb_row(q, V(3), V(4))));
    return RENDER(s);
}

STATEMENT(ex_div_mod)
{
    return RENDER(
        COLUMNS(U.table, elqb_div(q, U.age, elqb_cast(q, V(2), "numeric")),
                   elqb_div(q, U.age, V(2)), elqb_mod(q, U.age, V(2)),
                   elqb_div(q, U.balance, elqb_cast(q, V(3), "numeric"))));
}

STATEMENT(ex_concat_eq)
{
    return RENDER(
        WHERE(U.table,
                 elqb_eq(q, elqb_concat(q, U.name, V("x")), V("bx"))));
}

STATEMENT(ex_cmp_of_cmp)
{
    return RENDER(
        COLUMNS(U.table,
                   elqb_eq(q, elqb_gt(q, U.age, V(1)),
                           elqb_gt(q, U.id, V(2))),
                   elqb_is_null(q, elqb_eq(q, U.age, V(1))),
                   elqb_eq(q, elqb_and(q, elqb_eq(q, U.age, V(1)),
                                       elqb_eq(q, U.id, V(2))),
                           TRUE_)));
}

STATEMENT(ex_true_false)
{
    return RENDER(WHERE(U.table, elqb_eq(q, U.active, TRUE_),
                                elqb_is_false(q, U.active)));
}

STATEMENT(ex_collate_cmp)
{
    return RENDER(
        WHERE(U.table, elqb_lt(q, elqb_collate(q, U.name, "C"), V("m"))));
}

STATEMENT(ex_bind_dup_names)
{
    return RENDER(WHERE(U.table, elqb_or(q,
                                                 elqb_eq(q, U.name, V("a")),
                                                 elqb_eq(q, U.name,
                                                         V("b")))));
}

STATEMENT(ex_literal_column)
{
    return RENDER(COLUMNS(U.table, elqb_as(q, elqb_lit(42), "answer"),
                                  elqb_concat(q, elqb_lit("x"), U.name)));
}

STATEMENT(ex_current_timestamp)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_func(q, "now"), elqb_func(q, "current_timestamp"),
                 elqb_func(q, "current_date"), elqb_func(q, "current_user"));
    return RENDER(s);
}

STATEMENT(ex_or_chain_not)
{
    elqb_expr both = elqb_and(q, elqb_eq(q, U.id, V(2)),
                              elqb_eq(q, U.name, V("z")));

    return RENDER(
        WHERE(U.table, elqb_not(q, elqb_or(q, elqb_eq(q, U.age, V(1)),
                                              elqb_not(q, both)))));
}

STATEMENT(arr_ops)
{
    const char *a[] = { "a" }, *ab[] = { "a", "b" }, *c[] = { "c" };

    return RENDER(
        WHERE(U.table, elqb_contains(q, U.tags, elqb_items(a, 1)),
                 elqb_contained_by(q, U.tags, elqb_items(ab, 2)),
                 elqb_overlaps(q, U.tags, elqb_items(c, 1))));
}

STATEMENT(arr_any_all)
{
    return RENDER(WHERE(U.table, elqb_eq_any(q, V("a"), U.tags),
                                elqb_op_all(q, V("b"), "=", U.tags),
                                elqb_eq_any(q, V("x"), U.tags)));
}

STATEMENT(arr_empty_cast)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_cast(q, elqb_array_v(q, NULL), "INTEGER[]"));
    return RENDER(s);
}

STATEMENT(range_ops)
{
    elqb_expr now = elqb_func(q, "now");

    return RENDER(
        WHERE(P.table, elqb_contains(q, P.valid, now),
                 elqb_overlaps(q, P.valid,
                               elqb_func(q, "tstzrange", now,
                                         elqb_literal(elpq_null(0))))));
}

STATEMENT(ins_values)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, V("bob"));
    elqb_set(i, U.age, V(5));
    return RENDER(i);
}

STATEMENT(ins_default_values)
{
    return RENDER(elqb_insert_new(q, A.table));
}

STATEMENT(ins_on_conflict_constraint)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.id, V(1));
    elqb_set(i, P.sku, V("s"));
    elqb_set(i, P.name, V("n"));
    elqb_on_conflict_update(i);
    elqb_on_constraint(i, "products_sku_key");
    elqb_conflict_set(i, P.name, elqb_excluded(P.name));
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    return RENDER(i);
}

STATEMENT(upd_json_array_elem)
{
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, elqb_subscript(q, U.tags, V(2)), V("x"));
    elqb_where(u, elqb_eq(q, U.id, V(1)));
    return RENDER(u);
}

STATEMENT(text_binds)
{
    return RENDER(elqb_text(q, "SELECT id FROM users WHERE name = "
                                       ":name AND age > :age",
                                    ELQB_ARG("name", V("bob")),
                                    ELQB_ARG("age", V(5))));
}

STATEMENT(comp_with_only_columns)
{
    elqb_select *s = COLUMNS(U.table, U.id, U.name), *copy;

    elqb_where(s, elqb_gt(q, U.age, V(5)));
    copy = elqb_select_copy(s);
    elqb_clear_columns(copy);
    elqb_columns(copy, elqb_count(q));
    return RENDER(copy);
}

STATEMENT(comp_prefix_suffix_hint)
{
    const elpq_statement *st = RENDER(COLUMNS(U.table, U.id));

    return elqb_tagged(q, st, ELQB_TAG("tag", "tag"));
}

STATEMENT(comp_only)
{
    return RENDER(COLUMNS(elqb_only(U.table), U.id));
}

STATEMENT(from_unnest_ordinality)
{
    elqb_expr call = elqb_func(q, "unnest", elqb_array(q, V("a"), V("b")));
    elqb_table t = elqb_alias_columns(
        q, elqb_with_ordinality(q, elqb_table_func(q, call, "anon_1")),
        ELQB_COL("elem", "text"), ELQB_COL("ord", "int8"));

    return RENDER(COLUMNS(t, elqb_col(q, t, "elem"), elqb_col(q, t, "ord")));
}

STATEMENT(cte_dml_delete)
{
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_cte *c = elqb_cte_new(q, "d");
    elqb_select *s = COLUMNS(elqb_cte_table(c), elqb_count(q));

    elqb_where(d, elqb_lt(q, O.total, V(1)));
    elqb_returning(d, O.id);
    elqb_cte_as(c, d);
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_in_update)
{
    elqb_select *sums =
        COLUMNS(O.table, labeled(O.user_id),
                elqb_as(q, elqb_func(q, "sum", O.total), "s"));
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_table t = elqb_cte_table(c);
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_group_by(sums, O.user_id);
    elqb_cte_as(c, sums);
    elqb_with(u, c);
    elqb_set(u, U.balance, elqb_col(q, t, "s"));
    elqb_from(u, t);
    elqb_where(u, elqb_eq(q, U.id, elqb_col(q, t, "user_id")));
    return RENDER(u);
}

STATEMENT(lock_share_of)
{
    elqb_select *s = COLUMNS(O.table, O.id, elqb_as(q, U.id, "uid"));

    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, O.user_id));
    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT, O.table);
    return RENDER(s);
}

STATEMENT(lock_no_key)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_for(s, ELQB_FOR_NO_KEY_UPDATE, ELQB_WAIT);
    return RENDER(s);
}

STATEMENT(win_row_number)
{
    elqb_expr rn = elqb_over(q, elqb_func(q, "row_number"),
                             .partition_by = ELQB_LIST(O.user_id),
                             .order_by = ELQB_LIST(elqb_desc(q, O.placed_at)));

    return RENDER(COLUMNS(O.table, O.id, elqb_as(q, rn, "rn")));
}

static const struct written sample_written[] = {
    WRITTEN(sel_cols),
    WRITTEN(sel_order_nulls),
    WRITTEN(sel_reserved_quoting),
    WRITTEN(sel_dup_names),
    WRITTEN(from_subquery),
    WRITTEN(sub_array),
    WRITTEN(sub_tuple_in),
    WRITTEN(ex_div_mod),
    WRITTEN(ex_concat_eq),
    WRITTEN(ex_cmp_of_cmp),
    WRITTEN(ex_true_false),
    WRITTEN(ex_collate_cmp),
    WRITTEN(ex_bind_dup_names),
    WRITTEN(ex_literal_column),
    WRITTEN(ex_current_timestamp),
    WRITTEN(ex_or_chain_not),
    WRITTEN(arr_ops),
    WRITTEN(arr_any_all),
    WRITTEN(arr_empty_cast),
    WRITTEN(range_ops),
    WRITTEN(ins_values),
    WRITTEN(ins_default_values),
    WRITTEN(ins_on_conflict_constraint),
    WRITTEN(upd_json_array_elem),
    WRITTEN(text_binds),
    WRITTEN(comp_with_only_columns),
    WRITTEN(comp_prefix_suffix_hint),
    WRITTEN(comp_only),
    WRITTEN(from_unnest_ordinality),
    WRITTEN(cte_dml_delete),
    WRITTEN(cte_in_update),
    WRITTEN(lock_share_of),
    WRITTEN(lock_no_key),
    WRITTEN(win_row_number),
};

#endif

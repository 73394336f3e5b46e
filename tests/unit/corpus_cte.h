/* SPDX-License-Identifier: PostgreSQL */
/*
 * CTEs, set operations and locks of tests/data/sqlalchemy-more.json, written
 * with the builder; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_CTE_H
#define ELPQ_TESTS_CORPUS_CTE_H

#include "corpus.h"

/* -------------------------------------------------------------------- CTEs */

static elqb_table cte_of(elqb_cte *c, elqb_select *s)
{
    elqb_cte_as(c, s);
    return elqb_cte_table(c);
}

STATEMENT(cte_two)
{
    elqb_cte *first = elqb_cte_new(q, "a"), *second = elqb_cte_new(q, "b");
    elqb_select *sums = COLUMNS(O.table, labeled(O.user_id),
                                elqb_as(q, SUM(O.total), "s"));
    elqb_select *large, *s;
    elqb_table a, b;

    elqb_group_by(sums, O.user_id);
    a = cte_of(first, sums);
    large = COLUMNS(a, labeled(elqb_col(q, a, "user_id")));
    elqb_where(large, elqb_gt(q, elqb_col(q, a, "s"), V(15)));
    b = cte_of(second, large);
    s = COLUMNS(U.table, U.name);
    elqb_where(s, elqb_in_select(q, U.id,
                                 COLUMNS(b, elqb_col(q, b, "user_id"))));
    elqb_with(s, first);
    elqb_with(s, second);
    return RENDER(s);
}

STATEMENT(cte_recursive)
{
    elqb_cte *c = elqb_cte_new(q, "tree");
    elqb_select *roots = COLUMNS(C.table, labeled(C.id), labeled(C.name));
    elqb_select *step = COLUMNS(C.table, labeled(C.id), labeled(C.name)), *s;
    elqb_table tree;

    elqb_where(roots, elqb_is_null(q, C.parent_id));
    elqb_cte_columns(c, C.id, C.name);
    tree = cte_of(c, roots);
    elqb_join(step, ELQB_INNER, tree,
              elqb_eq(q, C.parent_id, elqb_col(q, tree, "id")));
    elqb_cte_recurse(c, step);
    s = COLUMNS(tree, elqb_col(q, tree, "name"));
    elqb_order_by(s, elqb_col(q, tree, "id"));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_recursive_depth)
{
    elqb_cte *c = elqb_cte_new(q, "tree");
    categories_t K = categories_as("k");
    elqb_select *roots =
        COLUMNS(C.table, labeled(C.id), elqb_as(q, elqb_lit(0), "depth"));
    elqb_select *step, *s;
    elqb_table tree, t;

    elqb_where(roots, elqb_is_null(q, C.parent_id));
    elqb_cte_columns(c, C.id, elqb_typed(elqb_name("depth"), INT4));
    tree = cte_of(c, roots);
    t = elqb_table_as(tree, "t");
    step = COLUMNS(K.table, labeled(K.id),
                   elqb_add(q, elqb_col(q, t, "depth"), V(1)));
    elqb_from(step, t);
    elqb_where(step, elqb_eq(q, K.parent_id, elqb_col(q, t, "id")));
    elqb_cte_recurse_distinct(c, step);
    s = COLUMNS(tree, elqb_col(q, tree, "id"), elqb_col(q, tree, "depth"));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_alias)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_table t = cte_of(c, COLUMNS(U.table, labeled(U.id),
                                     labeled(U.manager_id)));
    elqb_table u = elqb_table_as(t, "u");
    elqb_select *s = COLUMNS(t, elqb_col(q, t, "id"),
                             elqb_as(q, elqb_col(q, u, "id"), "boss"));

    elqb_from(s, u);
    elqb_where(s, elqb_eq(q, elqb_col(q, t, "manager_id"),
                          elqb_col(q, u, "id")));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_insert)
{
    elqb_cte *c = elqb_cte_new(q, "i");
    elqb_insert *i = elqb_insert_new(q, C.table);
    elqb_table t = elqb_cte_table(c);
    elqb_select *s;

    elqb_set(i, C.id, V(50));
    elqb_set(i, C.name, V("new"));
    elqb_returning(i, C.id, C.name);
    elqb_cte_as(c, i);
    s = COLUMNS(t, elqb_col(q, t, "name"));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_update)
{
    elqb_cte *c = elqb_cte_new(q, "u");
    elqb_update *u = elqb_update_new(q, O.table);
    elqb_table t = elqb_cte_table(c);
    elqb_select *s = COLUMNS(U.table, U.name);

    elqb_set(u, O.note, V("seen"));
    elqb_where(u, elqb_eq(q, O.status, V("new")));
    elqb_returning(u, O.user_id);
    elqb_cte_as(c, u);
    elqb_where(s, elqb_in_select(q, U.id,
                                 COLUMNS(t, elqb_col(q, t, "user_id"))));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_materialized)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_select *inner = COLUMNS(U.table, labeled(U.id)), *s;
    elqb_table t;

    elqb_where(inner, elqb_gt(q, U.age, V(1)));
    elqb_cte_materialized(c, true);
    t = cte_of(c, inner);
    s = COLUMNS(t, elqb_col(q, t, "id"));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_union)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_table t = cte_of(c, elqb_union_all(q, COLUMNS(U.table, labeled(U.id)),
                                            COLUMNS(O.table,
                                                    labeled(O.user_id))));
    elqb_select *s = COLUMNS(t, elqb_col(q, t, "id"),
                             elqb_as(q, elqb_count(q), "n"));

    elqb_group_by(s, elqb_col(q, t, "id"));
    elqb_order_by(s, elqb_col(q, t, "id"));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_delete)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_select *small = COLUMNS(O.table, labeled(O.id));
    elqb_delete *d = elqb_delete_new(q, I.table);
    elqb_table t;

    elqb_where(small, elqb_lt(q, O.total, V(11)));
    t = cte_of(c, small);
    elqb_where(d, elqb_in_select(q, I.order_id,
                                 COLUMNS(t, elqb_col(q, t, "id"))));
    elqb_with(d, c);
    return RENDER(d);
}

STATEMENT(cte_add)
{
    elqb_cte *c = elqb_cte_new(q, "log");
    elqb_insert *i = elqb_insert_new(q, A.table);
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_set(i, A.user_id, V(1));
    elqb_set(i, A.label, V("log"));
    elqb_returning(i, A.id);
    elqb_cte_as(c, i);
    elqb_with(s, c);
    return RENDER(s);
}

/* ---------------------------------------------------------- set operations */

STATEMENT(union_ordered)
{
    elqb_select *s = elqb_union(q, COLUMNS(U.table, U.name),
                                COLUMNS(P.table, P.name));

    elqb_order_by(s, elqb_name("name"));
    return RENDER(s);
}

STATEMENT(union_all_limits)
{
    elqb_select *a = COLUMNS(U.table, U.id), *b = COLUMNS(O.table, O.id);

    elqb_order_by(a, U.id);
    elqb_limit(a, V(1));
    elqb_order_by(b, elqb_desc(q, O.id));
    elqb_limit(b, V(2));
    return RENDER(elqb_union_all(q, a, b));
}

STATEMENT(except_nested)
{
    elqb_select *both = elqb_union(q, COLUMNS(O.table, O.user_id),
                                   COLUMNS(I.table, I.product_id));

    return RENDER(elqb_except(q, COLUMNS(U.table, U.id), both));
}

STATEMENT(intersect_all)
{
    return RENDER(elqb_intersect_all(q, COLUMNS(U.table, U.id),
                                     COLUMNS(O.table, O.user_id)));
}

STATEMENT(union_subquery)
{
    elqb_table t = elqb_subquery(
        q, elqb_union(q, COLUMNS(U.table, labeled(U.id), labeled(U.name)),
                      COLUMNS(P.table, labeled(P.id), labeled(P.name))),
        "t");
    elqb_select *s = COLUMNS(t, elqb_col(q, t, "name"));

    elqb_where(s, elqb_eq(q, elqb_col(q, t, "id"), V(1)));
    return RENDER(s);
}

STATEMENT(union_of_union)
{
    elqb_select *first = elqb_union(q, COLUMNS(U.table, U.id),
                                    COLUMNS(O.table, O.user_id));
    elqb_select *s;

    elqb_order_by(first, elqb_name("id"));
    elqb_limit(first, V(2));
    s = elqb_union_all(q, first, COLUMNS(P.table, P.id));
    elqb_limit(s, V(3));
    elqb_offset(s, V(1));
    return RENDER(s);
}

STATEMENT(in_union)
{
    elqb_select *both = elqb_union(q, COLUMNS(O.table, O.user_id),
                                   COLUMNS(U.table, U.manager_id));
    elqb_select *s = COLUMNS(U.table, U.name);

    elqb_where(s, elqb_in_select(q, U.id, both));
    return RENDER(s);
}

/* ------------------------------------------------------------------- locks */

STATEMENT(for_update)
{
    elqb_select *s = WHERE(U.table, elqb_eq(q, U.id, V(1)));

    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT);
    return RENDER(s);
}

STATEMENT(for_update_skip)
{
    elqb_select *s = COLUMNS(U.table, U.id, elqb_as(q, O.id, "o"));

    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED, U.table, O.table);
    return RENDER(s);
}

STATEMENT(for_key_share)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_for(s, ELQB_FOR_KEY_SHARE, ELQB_NOWAIT);
    return RENDER(s);
}

STATEMENT(for_of_alias)
{
    users_t u = users_as("u");
    elqb_select *s = COLUMNS(u.table, u.id);

    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, u.table);
    return RENDER(s);
}

/* ------------------------------------------------------- CTEs, put together */

static elqb_table two_rows(const char *name, const char *type)
{
    return elqb_values_table(q, "v",
                             ((const elqb_column_def[]){
                                 { "id", "int4" }, { name, type }, { 0 } }),
                             elqb_row(q, V(1), V(10)),
                             elqb_row(q, V(2), V(20)));
}

STATEMENT(values_cte)
{
    elqb_table v = two_rows("n", "int4"), t;
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_select *s;

    t = cte_of(c, COLUMNS(v, labeled(elqb_col(q, v, "id")),
                          labeled(elqb_col(q, v, "n"))));
    s = COLUMNS(U.table, U.name, elqb_col(q, t, "n"));
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, U.id, elqb_col(q, t, "id")));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_nested)
{
    elqb_cte *inner = elqb_cte_new(q, "inner_");
    elqb_cte *outer = elqb_cte_new(q, "outer_");
    elqb_select *active = COLUMNS(U.table, labeled(U.id)), *rest, *s;
    elqb_table t;

    elqb_where(active, U.active);
    t = cte_of(inner, active);
    rest = COLUMNS(t, labeled(elqb_col(q, t, "id")));
    elqb_where(rest, elqb_gt(q, elqb_col(q, t, "id"), V(1)));
    elqb_with(rest, inner);
    t = cte_of(outer, rest);
    s = COLUMNS(t, elqb_col(q, t, "id"));
    elqb_with(s, outer);
    return RENDER(s);
}

STATEMENT(cte_recursive_path)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_select *roots = COLUMNS(
        C.table, labeled(C.id),
        elqb_as(q, elqb_cast(q, C.name, "text"), "path"));
    elqb_select *step, *s;
    elqb_table t;
    elqb_expr path;

    elqb_where(roots, elqb_is_null(q, C.parent_id));
    elqb_cte_columns(c, C.id, elqb_typed(elqb_name("path"), TEXT));
    t = cte_of(c, roots);
    path = elqb_col(q, t, "path");
    step = COLUMNS(C.table, labeled(C.id),
                   elqb_concat(q, path, V(" > "), C.name));
    elqb_join(step, ELQB_INNER, t,
              elqb_eq(q, C.parent_id, elqb_col(q, t, "id")));
    elqb_cte_recurse(c, step);
    s = COLUMNS(t, path);
    elqb_order_by(s, path);
    elqb_limit(s, V(10));
    elqb_with(s, c);
    return RENDER(s);
}

STATEMENT(cte_update_returning)
{
    elqb_cte *moved = elqb_cte_new(q, "moved"), *sums = elqb_cte_new(q, "s");
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_select *any = COLUMNS(I.table, elqb_star()), *sum;
    elqb_table m = elqb_cte_table(moved), s = elqb_cte_table(sums);
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_where(any, elqb_eq(q, I.order_id, O.id));
    elqb_where(d, elqb_eq(q, O.status, V("shipped")));
    elqb_where(d, elqb_not(q, elqb_exists(q, any)));
    elqb_returning(d, O.user_id, O.total);
    elqb_cte_as(moved, d);
    sum = COLUMNS(m, labeled(elqb_col(q, m, "user_id")),
                  elqb_as(q, SUM(elqb_col(q, m, "total")), "s"));
    elqb_group_by(sum, elqb_col(q, m, "user_id"));
    elqb_cte_as(sums, sum);
    elqb_set(u, U.balance, elqb_add(q, U.balance, elqb_col(q, s, "s")));
    elqb_from(u, s);
    elqb_where(u, elqb_eq(q, U.id, elqb_col(q, s, "user_id")));
    elqb_returning(u, U.id, U.balance);
    elqb_with(u, moved);
    elqb_with(u, sums);
    return RENDER(u);
}

STATEMENT(cte_insert_select)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_select *old = COLUMNS(U.table, elqb_as(q, U.id, "user_id"),
                               elqb_as(q, U.name, "label"));
    elqb_insert *i = elqb_insert_new(q, A.table);
    elqb_table t;

    elqb_where(old, elqb_gt(q, U.age, V(30)));
    t = cte_of(c, old);
    elqb_columns(i, A.user_id, A.label);
    elqb_insert_select(i, COLUMNS(t, elqb_col(q, t, "user_id"),
                                  elqb_col(q, t, "label")));
    elqb_returning(i, A.label);
    elqb_with(i, c);
    return RENDER(i);
}

STATEMENT(union_ctes)
{
    elqb_cte *first = elqb_cte_new(q, "a"), *second = elqb_cte_new(q, "b");
    elqb_table a = cte_of(first, COLUMNS(U.table, labeled(U.id)));
    elqb_table b = cte_of(second, COLUMNS(O.table, labeled(O.user_id)));
    elqb_select *s = elqb_union(q, COLUMNS(a, elqb_col(q, a, "id")),
                                COLUMNS(b, elqb_col(q, b, "user_id")));

    elqb_order_by(s, elqb_lit(1));
    elqb_with(s, first);
    elqb_with(s, second);
    return RENDER(s);
}

STATEMENT(union_literals)
{
    elqb_select *s = elqb_union_all(
        q, COLUMNS(U.table, elqb_as(q, elqb_lit("user"), "kind"), U.name),
        COLUMNS(P.table, elqb_lit("product"), P.name));

    elqb_order_by(s, elqb_name("kind"), elqb_name("name"));
    elqb_limit(s, V(4));
    return RENDER(s);
}

STATEMENT(intersect_except)
{
    elqb_select *out = WHERE(P.table, elqb_eq(q, P.stock, V(0)));
    elqb_select *both = elqb_intersect(q, COLUMNS(U.table, U.id),
                                       COLUMNS(O.table, O.id));

    return RENDER(elqb_except_all(q, both, out));
}

static const struct written cte_written[] = {
    WRITTEN(cte_two),
    WRITTEN(cte_recursive),
    WRITTEN(cte_recursive_depth),
    WRITTEN(cte_alias),
    WRITTEN(cte_insert),
    WRITTEN(cte_update),
    WRITTEN(cte_materialized),
    WRITTEN(cte_union),
    WRITTEN(cte_delete),
    WRITTEN(cte_add),
    WRITTEN(union_ordered),
    WRITTEN(union_all_limits),
    WRITTEN(except_nested),
    WRITTEN(intersect_all),
    WRITTEN(union_subquery),
    WRITTEN(union_of_union),
    WRITTEN(in_union),
    WRITTEN(for_update),
    WRITTEN(for_update_skip),
    WRITTEN(for_key_share),
    WRITTEN(for_of_alias),
    WRITTEN(values_cte),
    WRITTEN(cte_nested),
    WRITTEN(cte_recursive_path),
    WRITTEN(cte_update_returning),
    WRITTEN(cte_insert_select),
    WRITTEN(union_ctes),
    WRITTEN(union_literals),
    WRITTEN(intersect_except),
};

#endif

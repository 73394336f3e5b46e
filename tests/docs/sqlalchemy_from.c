/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/sqlalchemy.md: joins, FROM, subqueries and WITH.
 */
#include "docs.h"

/* ---------------------------------------------------------- joins and from */

static void join(void)
{
    elqb_select *s = elqb_select_new(q), *left = elqb_select_new(q);
    /* [sa-join] */
    elqb_columns(s, U.name, O.total);
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));

    elqb_columns(left, U.name, O.total);
    elqb_from(left, U.table);
    elqb_join(left, ELQB_LEFT, O.table, elqb_eq(q, U.id, O.user_id));
    /* [/sa-join] */

    SHOW("sa-join", s);
    SHOW("sa-join", left);
}

static void subquery(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-subquery] */
    elqb_select *sums = elqb_select_new(q);

    elqb_columns(sums, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_from(sums, O.table);
    elqb_group_by(sums, O.user_id);

    elqb_table t = elqb_subquery(q, sums, "t");

    elqb_columns(s, U.name, elqb_col(q, t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_col(q, t, "user_id"), U.id));
    elqb_where(s, elqb_gt(q, elqb_col(q, t, "total"), elqb_val(100)));
    /* [/sa-subquery] */

    SHOW("sa-subquery", s);
}

static void lateral(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-lateral] */
    elqb_select *some = elqb_select_new(q);

    elqb_columns(some, O.total);
    elqb_from(some, O.table);
    elqb_where(some, elqb_eq(q, O.user_id, U.id));
    elqb_limit(some, elqb_val(3));

    elqb_table t = elqb_lateral(q, some, "t");

    elqb_columns(s, U.name, elqb_col(q, t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, t, elqb_lit(elpq_bool(true)));
    /* [/sa-lateral] */

    SHOW("sa-lateral", s);
}

static void value_rows(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-values] */
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("id", "int4"), ELQB_COL("name", "text")),
        elqb_row(q, elqb_val(1), elqb_val("a")),
        elqb_row(q, elqb_val(2), elqb_val("b")));

    elqb_columns(s, elqb_col(q, v, "name"));
    elqb_from(s, v);
    elqb_where(s, elqb_gt(q, elqb_col(q, v, "id"), elqb_val(1)));
    /* [/sa-values] */

    SHOW("sa-values", s);
}

static void ordinality(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-ordinality] */
    elqb_table u = elqb_table_func(
        q,
        elqb_func(q, "unnest", elqb_array(q, elqb_val("a"), elqb_val("b"))),
        "u");

    u = elqb_alias_columns(q, elqb_with_ordinality(q, u),
                           ELQB_COL("elem", "text"), ELQB_COL("ord", "int8"));
    elqb_columns(s, elqb_col(q, u, "elem"), elqb_col(q, u, "ord"));
    elqb_from(s, u);
    /* [/sa-ordinality] */

    SHOW("sa-ordinality", s);
}

static void column_valued(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-column-valued] */
    elqb_table x = elqb_table_func(
        q, elqb_func(q, "jsonb_array_elements_text", U.data), "x");

    elqb_columns(s, U.id, elqb_typed(elqb_name("x"), TEXT));
    elqb_from(s, U.table);
    elqb_from(s, x);
    /* [/sa-column-valued] */

    SHOW("sa-column-valued", s);
}

static void derived(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-derived] */
    elqb_table r = elqb_define_columns(
        q, elqb_table_func(q, elqb_func(q, "jsonb_to_record", U.data), "r"),
        ELQB_COL("city", "text"), ELQB_COL("zip", "int4"));

    elqb_columns(s, elqb_col(q, r, "city"), elqb_col(q, r, "zip"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, r, elqb_lit(elpq_bool(true)));
    /* [/sa-derived] */

    SHOW("sa-derived", s);
}

static void sample(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-sample] */
    users_t X = users_as("t");
    elqb_table t = elqb_tablesample(q, X.table, "bernoulli", elqb_val(10));

    elqb_columns(s, X.id);
    elqb_from(s, elqb_repeatable(q, t, elqb_val(42)));
    /* [/sa-sample] */

    SHOW("sa-sample", s);
}

/* ----------------------------------------------------- subqueries and with */

static void scalar(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-scalar] */
    elqb_select *n = elqb_select_new(q);

    elqb_columns(n, elqb_func(q, "count", O.id));
    elqb_from(n, O.table);
    elqb_where(n, elqb_eq(q, O.user_id, U.id));

    elqb_columns(s, U.name, elqb_as(q, elqb_scalar(q, n), "n"));
    elqb_from(s, U.table);
    /* [/sa-scalar] */

    SHOW("sa-scalar", s);
}

static void exists(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-exists] */
    elqb_select *theirs = elqb_select_new(q);

    elqb_columns(theirs, O.id);
    elqb_from(theirs, O.table);
    elqb_where(theirs, elqb_eq(q, O.user_id, U.id));

    elqb_columns(s, U.name);
    elqb_from(s, U.table);

    elqb_select *without = elqb_copy(s);

    elqb_where(s, elqb_exists(q, theirs));
    elqb_where(without, elqb_not(q, elqb_exists(q, theirs)));
    /* [/sa-exists] */

    SHOW("sa-exists", s);
    SHOW("sa-exists", without);
}

static void array_sub(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-array-sub] */
    elqb_select *ids = elqb_select_new(q);

    elqb_columns(ids, O.id);
    elqb_from(ids, O.table);
    elqb_where(ids, elqb_eq(q, O.user_id, U.id));

    elqb_columns(s, U.id, elqb_as(q, elqb_array_select(q, ids), "ids"));
    elqb_from(s, U.table);
    /* [/sa-array-sub] */

    SHOW("sa-array-sub", s);
}

static void in_select(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-in-select] */
    elqb_select *ids = elqb_select_new(q);

    elqb_columns(ids, O.user_id);
    elqb_from(ids, O.table);

    elqb_columns(s, U.name);
    elqb_from(s, U.table);
    elqb_where(s, elqb_in_select(q, U.id, ids));
    elqb_where(s, elqb_op_all_select(q, U.id, ">", ids));
    /* [/sa-in-select] */

    SHOW("sa-in-select", s);
}

static void tuple_in(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-tuple-in] */
    items_t I = items_table();

    elqb_columns(s, I.qty);
    elqb_from(s, I.table);
    elqb_where(s, elqb_in(q, elqb_row(q, I.order_id, I.product_id),
                          elqb_row(q, elqb_val(1), elqb_val(2)),
                          elqb_row(q, elqb_val(3), elqb_val(4))));
    /* [/sa-tuple-in] */

    SHOW("sa-tuple-in", s);
}

static void cte(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-cte] */
    elqb_select *sums = elqb_select_new(q);
    elqb_cte *c = elqb_cte_new(q, "sums");
    elqb_table t = elqb_cte_table(c);

    elqb_columns(sums, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_from(sums, O.table);
    elqb_group_by(sums, O.user_id);
    elqb_cte_as(c, sums);

    elqb_with(s, c);
    elqb_columns(s, U.name, elqb_col(q, t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_col(q, t, "user_id"), U.id));
    /* [/sa-cte] */

    SHOW("sa-cte", s);
}

static void recursive(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-recursive] */
    categories_t C = categories_table(), child = categories_as("child");
    elqb_select *roots = elqb_select_new(q), *step = elqb_select_new(q);
    elqb_cte *c = elqb_cte_new(q, "tree");
    elqb_table tree = elqb_cte_table(c);

    elqb_columns(roots, C.id, C.name);
    elqb_from(roots, C.table);
    elqb_where(roots, elqb_is_null(q, C.parent_id));
    elqb_cte_as(c, roots);

    elqb_columns(step, child.id, child.name);
    elqb_from(step, child.table);
    elqb_join(step, ELQB_INNER, tree,
              elqb_eq(q, child.parent_id, elqb_col(q, tree, "id")));
    elqb_cte_recurse(c, step);

    elqb_with(s, c);
    elqb_columns(s, elqb_col(q, tree, "name"));
    elqb_from(s, tree);
    /* [/sa-recursive] */

    SHOW("sa-recursive", s);
}

static void cte_delete(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-cte-delete] */
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_cte *c = elqb_cte_new(q, "d");

    elqb_where(d, elqb_lt(q, O.total, elqb_val(1)));
    elqb_returning(d, O.id);
    elqb_cte_as(c, d);

    elqb_with(s, c);
    elqb_columns(s, elqb_count(q));
    elqb_from(s, elqb_cte_table(c));
    /* [/sa-cte-delete] */

    SHOW("sa-cte-delete", s);
}

static void cte_update(void)
{
    /* [sa-cte-update] */
    elqb_select *sums = elqb_select_new(q);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_table t = elqb_cte_table(c);

    elqb_columns(sums, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "s"));
    elqb_from(sums, O.table);
    elqb_group_by(sums, O.user_id);
    elqb_cte_as(c, sums);

    elqb_with(u, c);
    elqb_set(u, U.balance, elqb_col(q, t, "s"));
    elqb_from(u, t);
    elqb_where(u, elqb_eq(q, U.id, elqb_col(q, t, "user_id")));
    /* [/sa-cte-update] */

    SHOW("sa-cte-update", u);
}

static void union_sets(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-union] */
    elqb_select *a = elqb_select_new(q), *b = elqb_select_new(q);

    elqb_columns(a, U.id);
    elqb_from(a, U.table);
    elqb_columns(b, O.user_id);
    elqb_from(b, O.table);

    elqb_select *u = elqb_union_all(q, a, b);

    elqb_order_by(u, elqb_name("id"));

    elqb_table t = elqb_subquery(q, elqb_except(q, a, b), "t");

    elqb_columns(s, elqb_col(q, t, "id"));
    elqb_from(s, t);
    /* [/sa-union] */

    SHOW("sa-union", u);
    SHOW("sa-union", s);
}

DOCS_MAIN(join, subquery, lateral, value_rows, ordinality, column_valued,
          derived, sample, scalar, exists, array_sub, in_select, tuple_in, cte,
          recursive, cte_delete, cte_update, union_sets)

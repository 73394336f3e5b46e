/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/builder.md: set operations, WITH, windows, and what stands
 * in FROM beside tables and subqueries.
 */
#include "docs.h"

static elqb_select *select_of(elqb_table t, elqb_expr column)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, column);
    elqb_from(s, t);
    return s;
}

/* ---------------------------------------------------------- set operations */

static void unions(void)
{
    /* [union] */
    elqb_select *a = elqb_select_new(q), *b = elqb_select_new(q);

    elqb_columns(a, U.id);
    elqb_from(a, U.table);
    elqb_columns(b, O.user_id);
    elqb_from(b, O.table);

    elqb_select *s = elqb_union_all(q, a, b);

    elqb_order_by(s, elqb_name("id"));
    elqb_limit(s, elqb_val(10));
    /* [/union] */
    SHOW("union", s);
}

static void nested_sets(void)
{
    elqb_select *a = select_of(U.table, U.id);
    elqb_select *b = select_of(O.table, O.user_id);
    elqb_select *c = select_of(P.table, P.id);
    /* [union-nested] */
    elqb_order_by(c, elqb_desc(q, P.price));
    elqb_limit(c, elqb_val(5));

    elqb_select *s = elqb_except(q, a, elqb_intersect(q, b, c));
    elqb_table t = elqb_subquery(q, s, "t");
    /* [/union-nested] */
    (void)t;
    SHOW("union-nested", s);
}

/* ------------------------------------------------------------------- WITH */

static void ctes(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [cte] */
    elqb_select *sums = elqb_select_new(q);

    elqb_columns(sums, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_from(sums, O.table);
    elqb_group_by(sums, O.user_id);

    elqb_cte *c = elqb_cte_new(q, "sums");
    elqb_table t = elqb_cte_table(c);

    elqb_cte_as(c, sums);
    elqb_cte_materialized(c, true); /* false: NOT MATERIALIZED */

    elqb_with(s, c);
    elqb_columns(s, elqb_col(q, t, "user_id"));
    elqb_from(s, t);
    elqb_where(s, elqb_gt(q, elqb_col(q, t, "total"), elqb_val(100)));
    /* [/cte] */
    SHOW("cte", s);
}

static void recursive(void)
{
    categories_t C = categories_table(), child = categories_as("child");
    elqb_select *s = elqb_select_new(q);
    /* [recursive] */
    elqb_select *roots = elqb_select_new(q), *step = elqb_select_new(q);
    elqb_cte *c = elqb_cte_new(q, "tree");
    elqb_table tree = elqb_cte_table(c);

    elqb_columns(roots, C.id, C.name, elqb_as(q, elqb_lit(0), "depth"));
    elqb_from(roots, C.table);
    elqb_where(roots, elqb_is_null(q, C.parent_id));
    elqb_cte_as(c, roots);

    elqb_columns(step, child.id, child.name,
                 elqb_add(q, elqb_col(q, tree, "depth"), elqb_lit(1)));
    elqb_from(step, child.table);
    elqb_join(step, ELQB_INNER, tree,
              elqb_eq(q, child.parent_id, elqb_col(q, tree, "id")));
    elqb_cte_recurse(c, step);
    elqb_cte_search_depth(c, "position", elqb_name("id"));
    elqb_cte_cycle(c, "again", "path", elqb_name("id"));

    elqb_with(s, c);
    elqb_columns(s, elqb_col(q, tree, "name"), elqb_col(q, tree, "depth"));
    elqb_from(s, tree);
    elqb_order_by(s, elqb_name("position"));
    /* [/recursive] */
    SHOW("recursive", s);
}

static void breadth(void)
{
    categories_t C = categories_table(), child = categories_as("child");
    elqb_select *s = elqb_select_new(q), *roots = elqb_select_new(q);
    elqb_select *step = elqb_select_new(q);
    elqb_cte *c = elqb_cte_new(q, "tree");
    elqb_table tree = elqb_cte_table(c);

    elqb_columns(roots, C.id, C.name);
    elqb_from(roots, C.table);
    elqb_cte_as(c, roots);
    elqb_columns(step, child.id, child.name);
    elqb_from(step, child.table);
    elqb_join(step, ELQB_INNER, tree,
              elqb_eq(q, child.parent_id, elqb_col(q, tree, "id")));
    elqb_cte_recurse_distinct(c, step);
    elqb_with(s, c);
    elqb_columns(s, elqb_star());
    elqb_from(s, tree);
    /* [cte-breadth] */
    elqb_cte_columns(c, C.id, elqb_typed(elqb_name("label"), TEXT));
    elqb_cte_search_breadth(c, "level", elqb_name("id"));
    elqb_cte_cycle(c, "again", "path", elqb_name("id"));
    elqb_cte_cycle_values(c, elqb_lit("Y"), elqb_lit("N"));
    /* [/cte-breadth] */
    SHOW("cte-breadth", s);
}

static void modifying(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [cte-dml] */
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_cte *gone = elqb_cte_new(q, "gone");

    elqb_where(d, elqb_lt(q, O.total, elqb_val(1)));
    elqb_returning(d, O.id);
    elqb_cte_as(gone, d);

    elqb_with(s, gone);
    elqb_columns(s, elqb_count(q));
    elqb_from(s, elqb_cte_table(gone));
    /* [/cte-dml] */
    SHOW("cte-dml", s);
}

/* ---------------------------------------------------------------- windows */

static void windows(void)
{
    const elqb_expr list[] = {
        /* [over] */
        elqb_over(q, elqb_func(q, "row_number")),
        elqb_over(q, elqb_func(q, "rank"), .partition_by = ELQB_LIST(O.user_id),
                  .order_by = ELQB_LIST(elqb_desc(q, O.total))),
        elqb_over(q, elqb_func(q, "sum", O.total),
                  .order_by = ELQB_LIST(O.placed_at), .frame = ELQB_ROWS,
                  .start = elqb_preceding(elqb_val(3)),
                  .end = elqb_current_row(),
                  .exclude = ELQB_EXCLUDE_CURRENT_ROW),
        elqb_over(q, elqb_func(q, "lag", O.total, elqb_val(1)),
                  .order_by = ELQB_LIST(O.placed_at)),
        /* [/over] */
        ELQB_END
    };

    SHOW_EXPRS("over", list, O.table);
}

static void named_windows(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [window] */
    elqb_window(s, "w", .partition_by = ELQB_LIST(O.user_id));
    elqb_columns(s, elqb_over(q, elqb_func(q, "avg", O.total), .name = "w"),
                 elqb_over(q, elqb_func(q, "rank"), .extends = "w",
                           .order_by = ELQB_LIST(O.total)));
    elqb_from(s, O.table);
    /* [/window] */
    SHOW("window", s);
}

/* -------------------------------------------------------------- FROM items */

static void values_table(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [values] */
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("id", "int4"), ELQB_COL("name", "text")),
        elqb_row(q, elqb_val(1), elqb_val("ann")),
        elqb_row(q, elqb_val(2), elqb_val("ben")));

    elqb_columns(s, elqb_col(q, v, "name"));
    elqb_from(s, v);
    elqb_where(s, elqb_gt(q, elqb_col(q, v, "id"), elqb_val(1)));
    /* [/values] */
    SHOW("values", s);
}

static void values_statement(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [values-select] */
    elqb_select *v = elqb_values_select(
        q, elqb_row(q, elqb_val(1), elqb_val("ann")),
        elqb_row(q, elqb_val(2), elqb_val("ben")));

    elqb_columns(s, U.age);
    elqb_from(s, U.table);
    elqb_where(s, elqb_in_select(q, elqb_row(q, U.id, U.name), v));

    elqb_order_by(v, elqb_desc(q, elqb_name("column1")));
    elqb_limit(v, elqb_val(1));
    /* [/values-select] */
    SHOW("values-select", v);
    elqb_clear_order_by(v);
    elqb_limit(v, ELQB_NONE);
    SHOW("values-select", s);
}

static void functions(void)
{
    elqb_select *s = elqb_select_new(q), *w = elqb_select_new(q);
    /* [table-func] */
    elqb_table days = elqb_table_func(
        q, elqb_func(q, "generate_series", elqb_val(1), elqb_val(7)), "day");

    elqb_columns(s, elqb_c(days, "day"));
    elqb_from(s, days);

    elqb_table tags = elqb_alias_columns(
        q,
        elqb_with_ordinality(
            q, elqb_table_func(q, elqb_func(q, "unnest", U.tags), "t")),
        ELQB_COL("tag", "text"), ELQB_COL("nr", "int8"));

    elqb_columns(w, U.id, elqb_col(q, tags, "tag"), elqb_col(q, tags, "nr"));
    elqb_from(w, U.table);
    elqb_from(w, tags);
    /* [/table-func] */
    SHOW("table-func", s);
    SHOW("table-func", w);
}

static void records(void)
{
    elqb_select *s = elqb_select_new(q), *w = elqb_select_new(q);
    elqb_select *u = elqb_select_new(q);
    /* [table-record] */
    elqb_table r = elqb_define_columns(
        q, elqb_table_func(q, elqb_func(q, "jsonb_to_record", U.data), "r"),
        ELQB_COL("city", "text"), ELQB_COL("zip", "int4"));

    elqb_columns(s, elqb_col(q, r, "city"));
    elqb_from(s, U.table);
    elqb_from(s, r);

    elqb_table both = elqb_rows_from(
        q, "both",
        elqb_func(q, "generate_series", elqb_val(1), elqb_val(3)),
        elqb_func(q, "unnest", elqb_array(q, elqb_val("a"), elqb_val("b"))));

    elqb_columns(w, elqb_table_star(both));
    elqb_from(w, both);

    elqb_table beside = elqb_rows_from(
        q, "b",
        elqb_func_as(q, elqb_func(q, "json_to_recordset", elqb_lit("[]")),
                     ELQB_COL("city", "text")),
        elqb_func(q, "generate_series", elqb_lit(1), elqb_lit(3)));

    elqb_columns(u, elqb_star());
    elqb_from(u, beside);
    /* [/table-record] */
    SHOW("table-record", s);
    SHOW("table-record", w);
    SHOW("table-record", u);
}

static void sample(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sample] */
    elqb_table some = elqb_tablesample(q, U.table, "bernoulli", elqb_val(10));

    elqb_columns(s, U.id);
    elqb_from(s, elqb_repeatable(q, some, elqb_val(42)));
    /* [/sample] */
    SHOW("sample", s);
}

static void lateral_values(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [lateral-of] */
    elqb_table v = elqb_lateral_of(
        q, elqb_values_table(q, "v", ELQB_COLS(ELQB_COL("n", "int4")),
                             elqb_row(q, U.id), elqb_row(q, U.age)));

    elqb_columns(s, elqb_col(q, v, "n"));
    elqb_from(s, U.table);
    elqb_from(s, v);
    /* [/lateral-of] */
    SHOW("lateral-of", s);
}

DOCS_MAIN(unions, nested_sets, ctes, recursive, breadth, modifying, windows,
          named_windows, values_table, values_statement, functions, records,
          sample,
          lateral_values)

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/builder.md: tables, SELECT and its clauses, subqueries,
 * pages, locks.
 */
#include "docs.h"

/* clang-format off */
/* [tables] */
#define PERSON(C) C(id, INT4) C(name, TEXT) C(age, INT4) C(tags, TEXT_ARRAY)
ELQB_TABLE(person, PERSON)

#define INVOICE(C) C(id, INT8) C(total, NUMERIC) C(state, OTHER)
ELQB_TABLE_IN(sales, invoice, INVOICE)

#define LEGACY(C, N) C(id, INT4) N(group_, "Group", TEXT)
ELQB_TABLE_NAMED(legacy, NULL, "Order Lines", LEGACY)
/* [/tables] */
/* clang-format on */

/* [whole] */
static const elpq_statement *adults(elqb *q, const char *name)
{
    users_t U = users_table();
    elqb_select *s = elqb_select_new(q);
    elqb_expr where = elqb_gt(q, U.age, elqb_val(17));

    if (name)
        where = elqb_and(q, where, elqb_eq(q, U.name, elqb_val(name)));
    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_where(s, where);
    elqb_order_by(s, elqb_desc(q, U.age));
    elqb_limit(s, elqb_val(20));
    return elqb_render(q, s); /* NULL: elqb_error(q) tells */
}
/* [/whole] */

static void whole(void)
{
    docs_show("whole", adults(q, NULL));
    docs_show("whole", adults(q, "ann"));
}

static void tables(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [table-use] */
    person_t P = person_table(), boss = person_as("boss");
    invoice_t V = invoice_table();
    legacy_t L = legacy_table();

    elqb_columns(s, P.id, boss.name, V.total, L.group_);
    elqb_from(s, P.table);
    elqb_from(s, boss.table);
    elqb_from(s, V.table);
    elqb_from(s, L.table);
    /* [/table-use] */
    docs_show_text("table-use", elqb_render(q, s)->sql);
}

static void run_time_table(void)
{
    elqb_select *s = elqb_select_new(q);
    const char *name = "users";
    /* [table-named] */
    elqb_table t = elqb_table_as(elqb_table_named("public", name), "t");

    elqb_columns(s, elqb_c(t, "id"), elqb_typed(elqb_c(t, "age"), INT4));
    elqb_from(s, elqb_only(t));
    /* [/table-named] */
    docs_show_text("table-named", elqb_render(q, s)->sql);
}

static void columns(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [columns] */
    elqb_columns(s, U.id, elqb_as(q, elqb_func(q, "lower", U.email), "mail"));
    elqb_columns(s, elqb_table_star(O.table)); /* calls add up */
    elqb_from(s, U.table);
    elqb_from(s, O.table);
    elqb_order_by(s, elqb_name("mail"));
    /* [/columns] */
    SHOW("columns", s);
}

static void distinct(void)
{
    elqb_select *s = elqb_select_new(q), *last = elqb_select_new(q);
    /* [distinct] */
    elqb_distinct(s);
    elqb_columns(s, U.age);
    elqb_from(s, U.table);

    elqb_distinct_on(last, O.user_id); /* the newest order of each user */
    elqb_columns(last, O.user_id, O.total);
    elqb_from(last, O.table);
    elqb_order_by(last, O.user_id, elqb_desc(q, O.placed_at));
    /* [/distinct] */
    SHOW("distinct", s);
    SHOW("distinct", last);
}

static void order(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    /* [order] */
    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, U.age)),
                  elqb_collate(q, U.name, "C"));
    elqb_limit(s, elqb_val(20));
    elqb_offset(s, elqb_val(40));
    /* [/order] */
    SHOW("order", s);
}

static void order_operator(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    /* [order-using] */
    elqb_order_by(s, elqb_nulls_first(q, elqb_order_using(q, U.name, "~<~")));
    /* [/order-using] */
    SHOW("order-using", s);
}

static void ties(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    /* [ties] */
    elqb_order_by(s, elqb_desc(q, U.age));
    elqb_fetch_ties(s, elqb_val(3));
    /* [/ties] */
    SHOW("ties", s);
}

static void filters(void)
{
    const char *name = "ann";
    int min_age = 0, max_age = 65;
    bool active = false;
    /* [filters] */
    elqb_select *s = elqb_select_new(q);
    elqb_expr where = ELQB_NONE; /* nothing so far */

    if (name)
        where = elqb_and(q, where, elqb_eq(q, U.name, elqb_val(name)));
    if (min_age > 0)
        where = elqb_and(q, where, elqb_ge(q, U.age, elqb_val(min_age)));
    if (max_age > 0)
        where = elqb_and(q, where, elqb_le(q, U.age, elqb_val(max_age)));
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, where);
    elqb_where(s, active ? U.active : ELQB_NONE); /* AND, if it is there */
    /* [/filters] */
    SHOW("filters", s);
}

static void copies(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_ge(q, U.age, elqb_val(18)));
    elqb_order_by(s, U.name);
    /* [copy] */
    elqb_select *count = elqb_copy(s); /* s stays as it is */

    elqb_clear_columns(count);
    elqb_clear_order_by(count);
    elqb_columns(count, elqb_count(q));
    /* [/copy] */
    SHOW("copy", s);
    SHOW("copy", count);
}

static void joins(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [join] */
    users_t boss = users_as("boss");

    elqb_columns(s, U.name, O.total, boss.name);
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, O.user_id, U.id));
    elqb_join(s, ELQB_LEFT, boss.table, elqb_eq(q, boss.id, U.manager_id));
    /* [/join] */
    SHOW("join", s);
}

static void join_using(void)
{
    elqb_select *s = elqb_select_new(q), *n = elqb_select_new(q);
    items_t I = items_table();
    orders_t other = orders_as("other");
    /* [join-using] */
    elqb_columns(s, elqb_star());
    elqb_from(s, O.table);
    elqb_join_using(s, ELQB_FULL, other.table, O.id, O.user_id);
    elqb_join(s, ELQB_CROSS, U.table, ELQB_NONE);

    elqb_columns(n, elqb_star());
    elqb_from(n, I.table);
    elqb_join_natural(n, ELQB_LEFT, P.table);
    /* [/join-using] */
    SHOW("join-using", s);
    SHOW("join-using", n);
}

static void join_nested(void)
{
    elqb_select *s = elqb_select_new(q);
    items_t I = items_table();
    /* [join-nested] */
    elqb_select *pair = elqb_select_new(q);

    elqb_from(pair, I.table);
    elqb_join(pair, ELQB_INNER, P.table, elqb_eq(q, P.id, I.product_id));
    elqb_columns(s, O.id, P.name);
    elqb_from(s, O.table);
    elqb_join(s, ELQB_LEFT, elqb_joined(q, pair, NULL),
              elqb_eq(q, I.order_id, O.id));
    /* [/join-nested] */
    SHOW("join-nested", s);
}

static void groups(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [group] */
    elqb_expr day = elqb_func(q, "date_trunc", elqb_val("day"), O.placed_at);
    elqb_expr n = elqb_count(q);

    elqb_columns(s, elqb_as(q, day, "day"), elqb_as(q, n, "n"));
    elqb_from(s, O.table);
    elqb_group_by(s, day);
    elqb_having(s, elqb_gt(q, n, elqb_val(3)));
    /* [/group] */
    SHOW("group", s);
}

static void aggregates(void)
{
    const elqb_expr list[] = {
        /* [aggregates] */
        elqb_agg_distinct(q, elqb_func(q, "count", O.user_id)),
        elqb_agg_order_by(q, elqb_func(q, "array_agg", O.id), O.placed_at),
        elqb_agg_filter(q, elqb_func(q, "sum", O.total),
                        elqb_eq(q, O.status, elqb_val("paid"))),
        elqb_agg_within_group(
            q, elqb_func(q, "percentile_cont", elqb_val(0.5)), O.total),
        /* [/aggregates] */
        ELQB_END
    };

    SHOW_EXPRS("aggregates", list, O.table);
}

static void grouping_sets(void)
{
    elqb_select *s = elqb_select_new(q), *t = elqb_select_new(q);
    /* [rollup] */
    elqb_columns(s, O.status, O.user_id, elqb_func(q, "sum", O.total),
                 elqb_grouping(q, O.status, O.user_id));
    elqb_from(s, O.table);
    elqb_group_by(s, elqb_rollup(q, O.status, O.user_id));

    elqb_columns(t, elqb_count(q));
    elqb_from(t, O.table);
    elqb_group_by(t, elqb_grouping_sets(q, elqb_cube(q, O.status, O.note),
                                        elqb_grouping_set(q, O.user_id),
                                        elqb_grouping_set(q)));
    /* [/rollup] */
    SHOW("rollup", s);
    SHOW("rollup", t);
}

static void distinct_groups(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_count(q));
    elqb_from(s, O.table);
    /* [group-distinct] */
    elqb_group_by(s, elqb_rollup(q, O.status, O.user_id),
                  elqb_rollup(q, O.status, O.note));
    elqb_group_by_distinct(s);
    /* [/group-distinct] */
    SHOW("group-distinct", s);
}

/* -------------------------------------------------------------- subqueries */

static void derived(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [derived] */
    elqb_select *sums = elqb_select_new(q);

    elqb_columns(sums, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_from(sums, O.table);
    elqb_group_by(sums, O.user_id);

    elqb_table t = elqb_subquery(q, sums, "t");

    elqb_columns(s, U.name, elqb_col(q, t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_col(q, t, "user_id"), U.id));
    /* [/derived] */
    SHOW("derived", s);
}

static void lateral(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [lateral] */
    elqb_select *newest = elqb_select_new(q);

    elqb_columns(newest, O.id, O.total);
    elqb_from(newest, O.table);
    elqb_where(newest, elqb_eq(q, O.user_id, U.id));
    elqb_order_by(newest, elqb_desc(q, O.placed_at));
    elqb_limit(newest, elqb_val(3));

    elqb_table t = elqb_lateral(q, newest, "t");

    elqb_columns(s, U.name, elqb_col(q, t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_CROSS, t, ELQB_NONE);
    /* [/lateral] */
    SHOW("lateral", s);
}

static void in_expressions(void)
{
    elqb_select *theirs = elqb_select_new(q), *ids = elqb_select_new(q);
    /* [sub-select] */
    elqb_columns(theirs, elqb_func(q, "max", O.total)); /* of one user */
    elqb_from(theirs, O.table);
    elqb_where(theirs, elqb_eq(q, O.user_id, U.id));

    elqb_columns(ids, O.user_id);
    elqb_from(ids, O.table);
    /* [/sub-select] */
    docs_show_text("sub-select", elqb_render(q, theirs)->sql);
    docs_show_text("sub-select", elqb_render(q, ids)->sql);
    const elqb_expr list[] = {
        /* [sub] */
        elqb_scalar(q, theirs),
        elqb_exists(q, theirs),
        elqb_in_select(q, U.id, ids),
        elqb_not_in_select(q, U.id, ids),
        elqb_op_any_select(q, U.id, "=", ids),
        elqb_op_all_select(q, U.id, ">", ids),
        elqb_array_select(q, ids),
        /* [/sub] */
        ELQB_END
    };
    SHOW_EXPRS("sub", list, U.table);
}

/* ------------------------------------------------------------------- pages */

static void pages(void)
{
    elqb_select *s = elqb_select_new(q);
    int last_age = 40, last_id = 7;

    elqb_columns(s, U.id, U.age);
    elqb_from(s, U.table);
    /* [seek] */
    elqb_expr by_age = elqb_desc(q, U.age), by_id = elqb_asc(q, U.id);

    elqb_order_by(s, by_age, by_id);
    elqb_where(s, elqb_seek(q, ELQB_KEY_NULLABLE(by_age, elqb_val(last_age)),
                            ELQB_KEY_NOT_NULL(by_id, elqb_val(last_id))));
    elqb_limit(s, elqb_val(20));
    /* [/seek] */
    SHOW("seek", s);
}

static void simple_pages(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, P.id, P.price);
    elqb_from(s, P.table);
    /* [seek-row] */
    elqb_order_by(s, P.price, P.id);
    elqb_where(s, elqb_seek(q, ELQB_KEY_NOT_NULL(P.price, elqb_val(10)),
                            ELQB_KEY_NOT_NULL(P.id, elqb_val(7))));
    /* [/seek-row] */
    SHOW("seek-row", s);
}

static void locks(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [lock] */
    elqb_columns(s, O.id);
    elqb_from(s, O.table);
    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, O.user_id));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED, O.table);
    elqb_for(s, ELQB_FOR_KEY_SHARE, ELQB_WAIT, U.table);
    /* [/lock] */
    SHOW("lock", s);
}

DOCS_MAIN(whole, tables, run_time_table, columns, distinct, order,
          order_operator, ties, filters, copies, joins, join_using, join_nested,
          groups, aggregates,
          grouping_sets, distinct_groups, derived, lateral, in_expressions,
          pages,
          simple_pages, locks)

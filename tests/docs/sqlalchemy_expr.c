/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/sqlalchemy.md: expressions.
 */
#include "docs.h"

/* ------------------------------------------------------------- expressions */

static void compare(void)
{
    const elqb_expr exprs[] = {
        /* [sa-compare] */
        elqb_eq(q, U.age, elqb_val(5)),
        elqb_between(q, U.age, elqb_val(1), elqb_val(5)),
        elqb_is_null(q, U.email),
        elqb_is_distinct(q, U.email, elqb_val("x")),
        elqb_eq(q, U.active, elqb_lit(elpq_bool(true))),
        elqb_is_false(q, U.active),
        elqb_eq(q, elqb_gt(q, U.age, elqb_val(1)),
                elqb_gt(q, U.id, elqb_val(2))),
        elqb_is_null(q, elqb_eq(q, U.age, elqb_val(1))),
        /* [/sa-compare] */
        ELQB_END
    };

    SHOW_EXPRS("sa-compare", exprs, U.table);
}

static void logic(void)
{
    const elqb_expr exprs[] = {
        /* [sa-logic] */
        elqb_or(q, elqb_eq(q, U.name, elqb_val("a")),
                elqb_eq(q, U.name, elqb_val("b"))),
        elqb_not(q,
                 elqb_or(q, elqb_eq(q, U.age, elqb_val(1)),
                         elqb_not(q, elqb_and(q, elqb_eq(q, U.id, elqb_val(2)),
                                              elqb_eq(q, U.name,
                                                      elqb_val("z")))))),
        /* [/sa-logic] */
        ELQB_END
    };

    SHOW_EXPRS("sa-logic", exprs, U.table);
}

static void patterns(void)
{
    const elqb_expr exprs[] = {
        /* [sa-patterns] */
        elqb_like(q, U.name, elqb_val("a%")),
        elqb_ilike(q, U.name, elqb_val("%x%")),
        elqb_starts_with(q, U.name, "50%"),
        elqb_has_text(q, U.name, "50%"),
        elqb_regex(q, U.name, elqb_val("^[a-m]")),
        elqb_lt(q, elqb_collate(q, U.name, "C"), elqb_val("m")),
        /* [/sa-patterns] */
        ELQB_END
    };

    SHOW_EXPRS("sa-patterns", exprs, U.table);
}

static void arithmetic(void)
{
    const elqb_expr exprs[] = {
        /* [sa-arithmetic] */
        elqb_div(q, elqb_cast(q, U.age, "numeric"), elqb_val(2)),
        elqb_div(q, U.age, elqb_val(2)),
        elqb_mod(q, U.age, elqb_val(2)),
        elqb_div(q, U.balance, elqb_val(3)),
        elqb_neg(q, U.age),
        elqb_eq(q, elqb_concat(q, U.name, elqb_val("x")), elqb_val("bx")),
        /* [/sa-arithmetic] */
        ELQB_END
    };

    SHOW_EXPRS("sa-arithmetic", exprs, U.table);
}

static void lists(void)
{
    int32_t ids[] = { 1, 2, 3 };
    const elqb_expr exprs[] = {
        /* [sa-in] */
        elqb_any_of(q, U.id, ids, 3),
        elqb_not_in(q, U.id, elqb_val(1), elqb_val(2)),
        elqb_any_of(q, U.id, ids, 0),
        /* [/sa-in] */
        ELQB_END
    };

    SHOW_EXPRS("sa-in", exprs, U.table);
}

static void arrays(void)
{
    const char *list[] = { "a", "b", "c" };
    const elqb_expr exprs[] = {
        /* [sa-arrays] */
        elqb_contains(q, U.tags, elqb_items(list, 1)),
        elqb_contained_by(q, U.tags, elqb_items(list, 2)),
        elqb_overlaps(q, U.tags, elqb_items(list + 2, 1)),
        elqb_eq_any(q, elqb_val("a"), U.tags),
        elqb_op_all(q, elqb_val("b"), "=", U.tags),
        elqb_subscript(q, U.tags, elqb_val(1)),
        elqb_slice(q, U.tags, elqb_val(1), elqb_val(2)),
        elqb_cast(q, elqb_array_v(q, NULL), "int4[]"),
        elqb_array(q, elqb_val(1), elqb_val(2)),
        /* [/sa-arrays] */
        ELQB_END
    };

    SHOW_EXPRS("sa-arrays", exprs, U.table);
}

static void json(void)
{
    const elqb_expr exprs[] = {
        /* [sa-json] */
        elqb_json_get(q, U.data, elqb_val("city")),
        elqb_json_text(q, U.data, elqb_val("city")),
        elqb_json_path_text(q, U.data, elqb_val("{address,zip}")),
        elqb_gt(q,
                elqb_cast(q, elqb_json_text(q, U.data, elqb_val("age")),
                          "int4"),
                elqb_val(18)),
        elqb_has_key(q, U.data, elqb_val("city")),
        elqb_contains(q, U.data, elqb_val("{\"vip\": true}")),
        elqb_path_exists(q, U.data, elqb_val("$.a[*] ? (@ > 2)")),
        /* [/sa-json] */
        ELQB_END
    };

    SHOW_EXPRS("sa-json", exprs, U.table);
}

static void ranges(void)
{
    const elqb_expr exprs[] = {
        /* [sa-ranges] */
        elqb_contains(q, P.valid, elqb_func(q, "now")),
        elqb_overlaps(q, P.valid,
                      elqb_func(q, "tstzrange", elqb_func(q, "now"),
                                elqb_null(OTHER))),
        elqb_match(q, P.search,
                   elqb_func(q, "plainto_tsquery", elqb_val("red & shoe"))),
        /* [/sa-ranges] */
        ELQB_END
    };

    SHOW_EXPRS("sa-ranges", exprs, P.table);
}

static void cases(void)
{
    const elqb_expr exprs[] = {
        /* [sa-case] */
        elqb_case(q, elqb_val("old"), elqb_lt(q, U.age, elqb_val(18)),
                  elqb_val("young")),
        elqb_case_of(q, U.age, ELQB_NONE, elqb_val(1), elqb_val("one"),
                     elqb_val(2), elqb_val("two")),
        elqb_cast(q, U.id, "text"),
        elqb_typed(U.data, TEXT),
        elqb_null(INT4),
        /* [/sa-case] */
        ELQB_END
    };

    SHOW_EXPRS("sa-case", exprs, U.table);
}

static void functions(void)
{
    const elqb_expr exprs[] = {
        /* [sa-func] */
        elqb_count(q),
        elqb_func(q, "lower", U.name),
        elqb_func_in(q, "crm", "price", U.id),
        elqb_coalesce(q, U.email, elqb_val("none")),
        elqb_func(q, "now"),
        elqb_func(q, "current_timestamp"),
        elqb_func(q, "current_date"),
        elqb_func(q, "current_user"),
        elqb_extract(q, "year", U.created_at),
        elqb_at_time_zone(q, U.created_at, elqb_val("Europe/Paris")),
        elqb_sub(q, U.created_at, elqb_value(elpq_interval(0, 7, 0))),
        elqb_op(q, U.name, "~<~", elqb_val("m")),
        /* [/sa-func] */
        ELQB_END
    };

    SHOW_EXPRS("sa-func", exprs, U.table);
}

static void aggregates(void)
{
    const elqb_expr exprs[] = {
        /* [sa-agg] */
        elqb_agg_distinct(q, elqb_func(q, "count", O.user_id)),
        elqb_agg_order_by(q, elqb_func(q, "array_agg", O.id),
                          elqb_desc(q, O.placed_at)),
        elqb_agg_filter(q, elqb_func(q, "sum", O.total),
                        elqb_eq(q, O.status, elqb_val("paid"))),
        elqb_agg_within_group(q, elqb_func(q, "percentile_cont", elqb_val(0.5)),
                              O.total),
        /* [/sa-agg] */
        ELQB_END
    };

    SHOW_EXPRS("sa-agg", exprs, O.table);
}

static void windows(void)
{
    const elqb_expr exprs[] = {
        /* [sa-over] */
        elqb_over(q, elqb_func(q, "row_number"),
                  .partition_by = ELQB_LIST(O.user_id),
                  .order_by = ELQB_LIST(elqb_desc(q, O.placed_at))),
        elqb_over(q, elqb_func(q, "sum", O.total),
                  .order_by = ELQB_LIST(O.placed_at), .frame = ELQB_ROWS,
                  .start = elqb_preceding(elqb_val(3)),
                  .end = elqb_current_row()),
        elqb_over(q, elqb_func(q, "sum", O.total),
                  .order_by = ELQB_LIST(O.placed_at), .frame = ELQB_ROWS,
                  .start = elqb_unbounded_preceding(),
                  .end = elqb_current_row()),
        /* [/sa-over] */
        ELQB_END
    };

    SHOW_EXPRS("sa-over", exprs, O.table);
}

static void bind(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-bind] */
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_or(q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
                          elqb_eq(q, U.email, elqb_bind("who", TEXT))));
    elqb_params(q, ELQB_ARG("who", elqb_val("ann")));
    /* [/sa-bind] */

    SHOW("sa-bind", s);
}

DOCS_MAIN(compare, logic, patterns, arithmetic, lists, arrays, json, ranges,
          cases, functions, aggregates, windows, bind)

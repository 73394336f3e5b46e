/* SPDX-License-Identifier: PostgreSQL */
/*
 * Expressions of tests/data/sqlalchemy-more.json, written with the builder;
 * see corpus.h.  Those of arrays, JSON and other types are in corpus_types.h.
 */
#ifndef ELPQ_TESTS_CORPUS_EXPR_H
#define ELPQ_TESTS_CORPUS_EXPR_H

#include "corpus.h"

STATEMENT(case_searched)
{
    elqb_expr band = elqb_case(q, V("senior"), elqb_lt(q, U.age, V(18)),
                               V("minor"), elqb_lt(q, U.age, V(65)),
                               V("adult"));

    return RENDER(COLUMNS(U.table, U.id, elqb_as(q, band, "band")));
}

STATEMENT(case_simple)
{
    return RENDER(COLUMNS(U.table, elqb_case_of(q, U.name, V(0), V("ann"), V(1),
                                                V("bob"), V(2))));
}

STATEMENT(casts)
{
    elqb_expr age = elqb_cast(q, U.age, "text");
    elqb_expr balance = elqb_cast(q, U.balance, "numeric(8, 1)");

    return RENDER(COLUMNS(
        U.table, elqb_as(q, age, "age"), elqb_as(q, balance, "balance"),
        elqb_cast(q, V("word"), "varchar(3)"), elqb_null(TIMESTAMPTZ)));
}

STATEMENT(type_coerce)
{
    elqb_expr b = elqb_json_text(q, U.data, V("b"));

    return RENDER(WHERE(U.table, elqb_eq(q, b, V("x"))));
}

STATEMENT(betweens)
{
    return RENDER(WHERE(U.table, elqb_between(q, U.age, V(18), V(40)),
                        elqb_not_between(q, U.id, V(5), V(9)),
                        elqb_between_symmetric(q, U.age, V(50), V(20))));
}

STATEMENT(distinct_from)
{
    return RENDER(WHERE(U.table, elqb_is_distinct(q, U.age, U.id),
                        elqb_is_not_distinct(q, U.email, elqb_null(OTHER))));
}

STATEMENT(in_list)
{
    return RENDER(WHERE(U.table, elqb_in(q, U.id, V(1), V(2), V(3)),
                        elqb_not_in(q, U.name, V("x"), V("y"))));
}

STATEMENT(like_escape)
{
    return RENDER(WHERE(U.table,
                        elqb_like_escape(q, U.name, V("a/%"), elqb_lit("/")),
                        elqb_not_like(q, U.name, V("b%"))));
}

STATEMENT(ilike)
{
    return RENDER(WHERE(U.table,
                        elqb_or(q, elqb_ilike(q, U.name, V("A%")),
                                elqb_not_ilike(q, U.email, V("%X%")))));
}

STATEMENT(regexp)
{
    elqb_select *s =
        COLUMNS(U.table, U.id,
                elqb_func(q, "regexp_replace", U.name, V("n+"), V("m")));

    elqb_where(s, elqb_regex(q, U.name, V("^[ab]")));
    elqb_where(s, elqb_not_iregex(q, U.name, V("Z$")));
    return RENDER(s);
}

STATEMENT(contains_concat)
{
    elqb_expr any = elqb_lit("%");

    return RENDER(WHERE(
        U.table, elqb_like(q, U.name, elqb_concat(q, any, V("n"), any)),
        elqb_like(q, U.name, elqb_concat(q, V("a"), any)),
        elqb_not_like(q, U.name, elqb_concat(q, any, V("z")))));
}

STATEMENT(arithmetic)
{
    return RENDER(COLUMNS(
        U.table,
        elqb_sub(q, elqb_mul(q, elqb_add(q, U.age, V(1)), V(2)), U.id),
        elqb_neg(q, elqb_sub(q, U.age, U.id)),
        elqb_sub(q, U.age, elqb_sub(q, U.id, V(1))),
        elqb_mod(q, elqb_add(q, U.age, U.id), V(7))));
}

STATEMENT(custom_operators)
{
    return RENDER(COLUMNS(U.table, elqb_bit_and(q, U.age, V(3)),
                          elqb_shl(q, U.age, V(2)),
                          elqb_op(q, U.name, "~*", V("ANN")),
                          elqb_op(q, U.age, "|", U.id)));
}

STATEMENT(collate_order)
{
    elqb_select *s = COLUMNS(U.table, U.name);

    elqb_order_by(s, elqb_desc(q, elqb_collate(q, U.name, "C")));
    return RENDER(s);
}

STATEMENT(conditional_functions)
{
    return RENDER(COLUMNS(
        U.table, elqb_coalesce(q, U.age, U.manager_id, V(0)),
        elqb_nullif(q, U.name, V("ann")), elqb_greatest(q, U.age, U.id),
        elqb_least(q, U.id, V(2))));
}

/* SELECT columns FROM orders, users WHERE orders.user_id = users.id */
static elqb_select *users_orders(const elqb_expr *columns)
{
    elqb_select *s = select_from(O.table, columns);

    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, O.user_id, U.id));
    return s;
}

STATEMENT(extract)
{
    elqb_expr wait = elqb_sub(q, O.placed_at, U.created_at);

    return RENDER(users_orders(ELQB_LIST(elqb_extract(q, "year", O.placed_at),
                                         elqb_extract(q, "epoch", wait))));
}

STATEMENT(date_functions)
{
    elqb_expr age = elqb_func(q, "age", O.placed_at, U.created_at);

    return RENDER(users_orders(
        ELQB_LIST(elqb_func(q, "date_trunc", V("month"), O.placed_at),
                  elqb_func(q, "to_char", O.placed_at, V("YYYY-MM")),
                  elqb_as(q, elqb_cast(q, age, "text"), "age"))));
}

STATEMENT(interval)
{
    elqb_expr later = elqb_add(q, O.placed_at,
                               elqb_cast(q, V("3 days"), "interval"));
    elqb_expr day = elqb_func(q, "make_date", V(2024), V(2), V(1));

    return RENDER(WHERE(O.table, elqb_gt(q, later, day)));
}

STATEMENT(at_utc)
{
    return RENDER(COLUMNS(O.table,
                          elqb_func(q, "timezone", V("UTC"), O.placed_at),
                          elqb_func(q, "date", O.placed_at)));
}

STATEMENT(tuple_compare)
{
    elqb_select *s = COLUMNS(I.table, I.qty);

    elqb_where(s, elqb_gt(q, elqb_row(q, I.order_id, I.product_id),
                          elqb_row(q, V(10), V(1))));
    return RENDER(s);
}

STATEMENT(nots)
{
    elqb_expr both = elqb_and(q, elqb_gt(q, U.id, V(2)),
                              elqb_lt(q, U.age, V(5)));

    return RENDER(WHERE(U.table, elqb_not(q, U.active),
                        elqb_is_not_null(q, U.age), elqb_not(q, both)));
}

STATEMENT(booleans)
{
    elqb_expr ids = elqb_or(q, elqb_eq(q, U.id, V(3)),
                            elqb_eq(q, U.id, V(4)));

    return RENDER(WHERE(
        U.table,
        elqb_or(q, elqb_and(q, U.active, elqb_gt(q, U.age, V(20))),
                elqb_and(q, elqb_le(q, U.age, V(20)), ids))));
}

STATEMENT(bind_reused)
{
    elqb_params(q, ELQB_ARG("who", V("ann")));
    return RENDER(WHERE(U.table,
                        elqb_or(q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
                                elqb_eq(q, U.email, elqb_bind("who", TEXT)))));
}

STATEMENT(schema_function)
{
    return RENDER(COLUMNS(U.table,
                          elqb_func_in(q, "pg_catalog", "upper", U.name),
                          elqb_func_in(q, "pg_catalog", "length", U.name)));
}

STATEMENT(null_and_true)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_as(q, elqb_null(OTHER), "n"), TRUE_,
                 elqb_literal(elpq_bool(false)), V(5),
                 elqb_as(q, V("x"), "x"));
    return RENDER(s);
}

STATEMENT(string_functions)
{
    return RENDER(COLUMNS(
        U.table, elqb_func(q, "lower", U.name),
        elqb_func(q, "substr", U.name, V(1), V(2)),
        elqb_func(q, "concat", U.name, V("-"), U.age),
        elqb_func(q, "concat_ws", V(","), U.name, U.email),
        elqb_func(q, "md5", U.name)));
}

STATEMENT(compare_columns)
{
    return RENDER(WHERE(U.table, elqb_ne(q, U.name, U.email),
                        elqb_ge(q, U.age, U.id)));
}

STATEMENT(collate_concat)
{
    return RENDER(COLUMNS(
        U.table, elqb_concat(q, elqb_collate(q, U.name, "C"), V("x")),
        elqb_concat(q, U.name, elqb_collate(q, U.email, "C"))));
}

/* -------------------------------------------------------------------- text */

STATEMENT(text_condition)
{
    return RENDER(WHERE(U.table,
                        elqb_text(q, "users.age > :least",
                                  ELQB_ARG("least", V(20))),
                        elqb_is_true(q, U.active)));
}

STATEMENT(text_select)
{
    elqb_select *s = COLUMNS(U.table, elqb_raw(q, "users.name"),
                             elqb_as(q, elqb_raw(q, "users.age + 1"), "next"));

    elqb_order_by(s, elqb_raw(q, "users.id"));
    return RENDER(s);
}

STATEMENT(text_columns)
{
    elqb_expr text = elqb_text(q, "(SELECT id, name FROM users "
                                  "WHERE age > :age)",
                               ELQB_ARG("age", V(20)));
    elqb_table t = elqb_table_func(q, text, "t");

    return RENDER(COLUMNS(t, elqb_c(t, "name")));
}

STATEMENT(text_cast)
{
    return RENDER(elqb_text(q, "SELECT name FROM users WHERE created_at > "
                               "'2020-01-01 10:00'::timestamptz AND id = :id",
                            ELQB_ARG("id", V(1))));
}

/* ------------------------------------------------------------ put together */

STATEMENT(case_nested)
{
    elqb_expr inner = elqb_case(q, V("young"), elqb_gt(q, U.age, V(40)),
                                V("old"));
    elqb_expr outer = elqb_case(q, elqb_null(OTHER), U.active, inner);

    return RENDER(COLUMNS(U.table, elqb_as(q, outer, "x")));
}

STATEMENT(cast_enum)
{
    return RENDER(WHERE(
        O.table,
        elqb_eq(q, O.status, elqb_cast(q, V("paid"), "order_status")),
        elqb_like(q, elqb_cast(q, O.status, "text"), V("p%"))));
}

STATEMENT(null_comparison)
{
    return RENDER(WHERE(U.table, elqb_is_not_null(q, U.email),
                        elqb_is_null(q, U.age)));
}

STATEMENT(empty_conditions)
{
    return RENDER(WHERE(U.table,
                        elqb_and(q, ELQB_NONE, elqb_gt(q, U.id, V(0))),
                        elqb_or(q, ELQB_NONE, elqb_lt(q, U.id, V(100)))));
}

STATEMENT(bitwise_compare)
{
    return RENDER(WHERE(U.table,
                        elqb_eq(q, elqb_bit_and(q, U.id, V(1)), V(1)),
                        elqb_gt(q, elqb_bit_xor(q, U.id, V(3)), V(0))));
}

STATEMENT(concat_mixed)
{
    return RENDER(COLUMNS(
        U.table,
        elqb_concat(q, U.name, V(" <"), elqb_coalesce(q, U.email, V("?")),
                    V(">")),
        elqb_concat(q, U.name, elqb_cast(q, U.id, "text"))));
}

STATEMENT(date_arithmetic)
{
    elqb_expr day = elqb_cast(q, elqb_lit("1 day"), "interval");
    elqb_select *s = COLUMNS(
        O.table, elqb_gt(q, elqb_sub(q, O.placed_at, U.created_at), day),
        elqb_func(q, "date_part", V("dow"), O.placed_at));

    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, O.user_id));
    return RENDER(s);
}

STATEMENT(negative_numbers)
{
    return RENDER(WHERE(U.table, elqb_gt(q, U.balance, V(-5)),
                        elqb_gt(q, elqb_sub(q, U.age, V(-1)), V(0)),
                        elqb_lt(q, elqb_neg(q, U.id), elqb_lit(-1))));
}

STATEMENT(operator_precedence)
{
    return RENDER(COLUMNS(
        U.table,
        elqb_mul(q, elqb_add(q, U.id, V(1)), elqb_sub(q, U.age, V(2))),
        elqb_sub(q, U.id, elqb_sub(q, U.age, U.id)), elqb_ne(q, U.id, V(1)),
        elqb_ne(q, elqb_eq(q, U.id, V(1)), elqb_eq(q, U.age, V(2))),
        elqb_neg(q, elqb_mul(q, U.id, V(2)))));
}

STATEMENT(is_boolean)
{
    elqb_expr adult = elqb_gt(q, U.age, V(18));

    return RENDER(WHERE(U.table, elqb_is_not_true(q, U.active),
                        elqb_or(q, elqb_is_null(q, adult),
                                elqb_lt(q, U.age, V(90)))));
}

STATEMENT(text_having)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_raw(q, "user_id"), elqb_as(q, elqb_count(q), "n"));
    elqb_from(s, elqb_table_named(NULL, "orders"));
    elqb_where(s, elqb_text(q, "total > :t", ELQB_ARG("t", V(1))));
    elqb_group_by(s, elqb_raw(q, "user_id"));
    elqb_having(s, elqb_text(q, "count(*) >= :c", ELQB_ARG("c", V(2))));
    return RENDER(s);
}

STATEMENT(text_join)
{
    elqb_table t = elqb_table_func(
        q, elqb_raw(q, "(SELECT id, user_id FROM orders)"), "t");
    elqb_select *s = COLUMNS(U.table, U.name, elqb_c(t, "id"));

    elqb_join(s, ELQB_INNER, t, elqb_eq(q, U.id, elqb_c(t, "user_id")));
    return RENDER(s);
}

static const struct written expr_written[] = {
    WRITTEN(case_searched),
    WRITTEN(case_simple),
    WRITTEN(casts),
    WRITTEN(type_coerce),
    WRITTEN(betweens),
    WRITTEN(distinct_from),
    WRITTEN(in_list),
    WRITTEN(like_escape),
    WRITTEN(ilike),
    WRITTEN(regexp),
    WRITTEN(contains_concat),
    WRITTEN(arithmetic),
    WRITTEN(custom_operators),
    WRITTEN(collate_order),
    WRITTEN(conditional_functions),
    WRITTEN(extract),
    WRITTEN(date_functions),
    WRITTEN(interval),
    WRITTEN(at_utc),
    WRITTEN(tuple_compare),
    WRITTEN(nots),
    WRITTEN(booleans),
    WRITTEN(bind_reused),
    WRITTEN(schema_function),
    WRITTEN(null_and_true),
    WRITTEN(string_functions),
    WRITTEN(compare_columns),
    WRITTEN(collate_concat),
    WRITTEN(text_condition),
    WRITTEN(text_select),
    WRITTEN(text_columns),
    WRITTEN(text_cast),
    WRITTEN(case_nested),
    WRITTEN(cast_enum),
    WRITTEN(null_comparison),
    WRITTEN(empty_conditions),
    WRITTEN(bitwise_compare),
    WRITTEN(concat_mixed),
    WRITTEN(date_arithmetic),
    WRITTEN(negative_numbers),
    WRITTEN(operator_precedence),
    WRITTEN(is_boolean),
    WRITTEN(text_having),
    WRITTEN(text_join),
};

#endif

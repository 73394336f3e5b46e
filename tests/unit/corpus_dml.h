/* SPDX-License-Identifier: PostgreSQL */
/*
 * INSERT, UPDATE and DELETE of tests/data/sqlalchemy-more.json, written with
 * the builder; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_DML_H
#define ELPQ_TESTS_CORPUS_DML_H

#include "corpus.h"

/* ------------------------------------------------------------------ insert */

STATEMENT(insert_rows)
{
    elqb_insert *i = elqb_insert_new(q, C.table);

    elqb_columns(i, C.id, C.name);
    elqb_values(i, V(50), V("x"));
    elqb_values(i, V(51), V("y"));
    return RENDER(i);
}

STATEMENT(insert_select)
{
    elqb_insert *i = elqb_insert_new(q, C.table);
    elqb_select *s = COLUMNS(P.table, elqb_add(q, P.id, V(100)), P.name);

    elqb_where(s, elqb_gt(q, P.stock, V(0)));
    elqb_columns(i, C.id, C.name);
    elqb_insert_select(i, s);
    return RENDER(i);
}

STATEMENT(insert_select_cte)
{
    elqb_cte *c = elqb_cte_new(q, "t");
    elqb_select *inner = COLUMNS(U.table, labeled(U.id), labeled(U.name));
    elqb_insert *i = elqb_insert_new(q, A.table);
    elqb_table t = elqb_cte_table(c);

    elqb_where(inner, U.active);
    elqb_cte_as(c, inner);
    elqb_columns(i, A.user_id, A.label);
    elqb_insert_select(i, COLUMNS(t, elqb_col(q, t, "id"),
                                  elqb_col(q, t, "name")));
    elqb_with(i, c);
    return RENDER(i);
}

STATEMENT(insert_expressions)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *oldest = COLUMNS(U.table, elqb_func(q, "max", U.age));

    elqb_set(i, U.name, elqb_func(q, "upper", V("zed")));
    elqb_set(i, U.age, elqb_scalar(q, oldest));
    elqb_set(i, U.balance, elqb_add(q, elqb_raw(q, "1.5"), V(2)));
    elqb_returning(i, U.name, U.age, U.balance);
    return RENDER(i);
}

STATEMENT(insert_returning)
{
    elqb_insert *i = elqb_insert_new(q, O.table);

    elqb_set(i, O.user_id, V(1));
    elqb_set(i, O.status, V("new"));
    elqb_set(i, O.total, V(5));
    elqb_set(i, O.placed_at, elqb_null(OTHER));
    elqb_returning(i, O.id, elqb_as(q, elqb_mul(q, O.total, V(2)), "twice"));
    return RENDER(i);
}

static elqb_insert *new_ann(void)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, V("ann"));
    elqb_set(i, U.email, V("ann@x"));
    return i;
}

STATEMENT(upsert_nothing)
{
    elqb_insert *i = new_ann();

    elqb_on_conflict_nothing(i, U.email);
    return RENDER(i);
}

STATEMENT(upsert_nothing_bare)
{
    elqb_insert *i = new_ann();

    elqb_on_conflict_nothing(i);
    elqb_returning(i, U.id);
    return RENDER(i);
}

STATEMENT(upsert_where)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.id, V(1));
    elqb_set(i, P.sku, V("s"));
    elqb_set(i, P.name, V("Chair"));
    elqb_set(i, P.stock, V(5));
    elqb_on_conflict_update(i, P.sku);
    elqb_conflict_set(i, P.name,
                      elqb_coalesce(q, elqb_excluded(P.name), P.name));
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    elqb_conflict_where(i, elqb_lt(q, P.stock, V(100)));
    elqb_returning(i, P.stock);
    return RENDER(i);
}

STATEMENT(upsert_index_where)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.id, V(9));
    elqb_set(i, P.sku, V("sofa2"));
    elqb_set(i, P.name, V("Sofa"));
    elqb_on_conflict_update(i, P.name);
    elqb_conflict_index_where(i, elqb_gt(q, P.stock, elqb_lit(0)));
    elqb_conflict_set(i, P.sku, elqb_excluded(P.sku));
    return RENDER(i);
}

STATEMENT(upsert_rows)
{
    elqb_insert *i = elqb_insert_new(q, C.table);

    elqb_columns(i, C.id, C.name);
    elqb_values(i, V(1), V("a"));
    elqb_values(i, V(60), V("b"));
    elqb_on_conflict_update(i, C.id);
    elqb_conflict_set(i, C.name,
                      elqb_concat(q, elqb_excluded(C.name), V("!")));
    return RENDER(i);
}

/* ------------------------------------------------------------------ update */

STATEMENT(update_expression)
{
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, U.name, elqb_func(q, "upper", U.name));
    elqb_set(u, U.age, elqb_add(q, U.age, V(1)));
    elqb_where(u, elqb_is_true(q, U.active));
    return RENDER(u);
}

STATEMENT(update_from)
{
    elqb_update *u = elqb_update_new(q, O.table);

    elqb_set(u, O.note, U.name);
    elqb_from(u, U.table);
    elqb_where(u, elqb_eq(q, O.user_id, U.id));
    elqb_where(u, elqb_gt(q, U.age, V(20)));
    elqb_returning(u, O.id, U.name);
    return RENDER(u);
}

STATEMENT(update_subquery)
{
    elqb_update *u = elqb_update_new(q, O.table);
    elqb_select *sum = COLUMNS(I.table, SUM(I.price));
    elqb_select *any = COLUMNS(I.table, elqb_star());

    elqb_where(sum, elqb_eq(q, I.order_id, O.id));
    elqb_where(any, elqb_eq(q, I.order_id, O.id));
    elqb_set(u, O.total, elqb_coalesce(q, elqb_scalar(q, sum), V(0)));
    elqb_where(u, elqb_exists(q, any));
    return RENDER(u);
}

STATEMENT(update_case)
{
    elqb_update *u = elqb_update_new(q, P.table);

    elqb_set(u, P.price, elqb_case(q, P.price, elqb_gt(q, P.stock, V(5)),
                                   elqb_mul(q, P.price, V(2))));
    elqb_set(u, P.attrs, elqb_null(OTHER));
    return RENDER(u);
}

STATEMENT(update_alias_from)
{
    elqb_update *u = elqb_update_new(q, U.table);
    users_t boss = users_as("boss");

    elqb_set(u, U.balance, boss.balance);
    elqb_from(u, boss.table);
    elqb_where(u, elqb_eq(q, U.manager_id, boss.id));
    return RENDER(u);
}

STATEMENT(update_returning_all)
{
    elqb_update *u = elqb_update_new(q, C.table);

    elqb_set(u, C.name, V("n"));
    elqb_where(u, elqb_in(q, C.id, V(1), V(2)));
    elqb_returning(u, C.id, C.parent_id, C.name);
    return RENDER(u);
}

/* ------------------------------------------------------------------ delete */

STATEMENT(delete_using)
{
    elqb_delete *d = elqb_delete_new(q, I.table);

    elqb_using(d, O.table);
    elqb_where(d, elqb_eq(q, I.order_id, O.id));
    elqb_where(d, elqb_eq(q, O.status, V("new")));
    elqb_returning(d, I.product_id);
    return RENDER(d);
}

STATEMENT(delete_in_select)
{
    elqb_delete *d = elqb_delete_new(q, I.table);
    elqb_select *out = WHERE(P.table, elqb_eq(q, P.stock, V(0)));

    elqb_where(d, elqb_in_select(q, I.product_id, out));
    return RENDER(d);
}

STATEMENT(delete_all)
{
    return RENDER(elqb_delete_new(q, A.table));
}

STATEMENT(delete_exists)
{
    elqb_delete *d = elqb_delete_new(q, A.table);
    elqb_select *owner = COLUMNS(U.table, elqb_star());

    elqb_where(owner, elqb_eq(q, U.id, A.user_id));
    elqb_where(d, elqb_not(q, elqb_exists(q, owner)));
    return RENDER(d);
}

/* ------------------------------------------------------------ put together */

STATEMENT(insert_from_union)
{
    elqb_insert *i = elqb_insert_new(q, A.table);

    elqb_columns(i, A.user_id, A.label);
    elqb_insert_select(i, elqb_union_all(q, COLUMNS(U.table, U.id, U.name),
                                         COLUMNS(P.table, P.id, P.sku)));
    return RENDER(i);
}

STATEMENT(insert_select_conflict)
{
    elqb_insert *i = elqb_insert_new(q, C.table);
    elqb_select *s = COLUMNS(P.table, P.id, P.name);

    elqb_where(s, elqb_lt(q, P.id, V(3)));
    elqb_columns(i, C.id, C.name);
    elqb_insert_select(i, s);
    elqb_on_conflict_update(i);
    elqb_on_constraint(i, "categories_pkey");
    elqb_conflict_set(i, C.name, elqb_excluded(C.name));
    elqb_conflict_where(i, elqb_is_distinct(q, C.name, elqb_excluded(C.name)));
    elqb_returning(i, C.id);
    return RENDER(i);
}

STATEMENT(insert_subquery_value)
{
    elqb_insert *i = elqb_insert_new(q, I.table);
    elqb_select *last = COLUMNS(O.table, elqb_func(q, "max", O.id));

    elqb_set(i, I.order_id, elqb_scalar(q, last));
    elqb_set(i, I.product_id, V(4));
    elqb_set(i, I.qty, V(1));
    elqb_set(i, I.price,
             elqb_func(q, "round", elqb_raw(q, "3.14159"), V(2)));
    elqb_returning(i, I.order_id, I.price);
    return RENDER(i);
}

STATEMENT(insert_array_json)
{
    const char *tags[] = { "x", "y" };
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, V("fay"));
    elqb_set(i, U.active, elqb_value(elpq_bool(false)));
    elqb_set(i, U.tags, elqb_cast(q, elqb_items(tags, 2), "text[]"));
    elqb_set(i, U.data, V("{\"k\": [1, null]}"));
    elqb_returning(i, U.tags, U.data, U.active);
    return RENDER(i);
}

STATEMENT(update_in_select)
{
    elqb_update *u = elqb_update_new(q, P.table);
    elqb_select *often = COLUMNS(I.table, I.product_id);

    elqb_group_by(often, I.product_id);
    elqb_having(often, elqb_gt(q, elqb_count(q), V(1)));
    elqb_set(u, P.stock, elqb_sub(q, P.stock, V(1)));
    elqb_where(u, elqb_in_select(q, P.id, often));
    elqb_where(u, elqb_gt(q, P.stock, V(0)));
    elqb_returning(u, P.id, P.stock);
    return RENDER(u);
}

STATEMENT(update_values)
{
    elqb_table v = elqb_values_table(
        q, "v", ELQB_COLS(ELQB_COL("id", "int4"), ELQB_COL("p", "numeric")),
        elqb_row(q, V(1), V(1)), elqb_row(q, V(3), V(2)));
    elqb_update *u = elqb_update_new(q, P.table);

    elqb_set(u, P.price, elqb_col(q, v, "p"));
    elqb_from(u, v);
    elqb_where(u, elqb_eq(q, P.id, elqb_col(q, v, "id")));
    elqb_returning(u, P.id, P.price);
    return RENDER(u);
}

STATEMENT(json_set)
{
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_expr path = elqb_cast(q, elqb_array(q, V("a")), "text[]");
    elqb_expr nine = elqb_cast(q, elqb_lit("9"), "jsonb");

    elqb_set(u, U.data, elqb_func(q, "jsonb_set", U.data, path, nine));
    elqb_where(u, elqb_eq(q, U.id, V(1)));
    elqb_returning(u, elqb_json_text(q, U.data, V("a")));
    return RENDER(u);
}

STATEMENT(delete_alias)
{
    orders_t o = orders_as("o");
    elqb_delete *d = elqb_delete_new(q, o.table);

    elqb_where(d, elqb_lt(q, o.total, V(6)));
    elqb_returning(d, o.id);
    return RENDER(d);
}

STATEMENT(delete_two_using)
{
    elqb_delete *d = elqb_delete_new(q, I.table);

    elqb_using(d, O.table);
    elqb_using(d, U.table);
    elqb_where(d, elqb_eq(q, I.order_id, O.id));
    elqb_where(d, elqb_eq(q, O.user_id, U.id));
    elqb_where(d, elqb_lt(q, U.age, V(18)));
    return RENDER(d);
}

static const struct written dml_written[] = {
    WRITTEN(insert_rows),
    WRITTEN(insert_select),
    WRITTEN(insert_select_cte),
    WRITTEN(insert_expressions),
    WRITTEN(insert_returning),
    WRITTEN(upsert_nothing),
    WRITTEN(upsert_nothing_bare),
    WRITTEN(upsert_where),
    WRITTEN(upsert_index_where),
    WRITTEN(upsert_rows),
    WRITTEN(update_expression),
    WRITTEN(update_from),
    WRITTEN(update_subquery),
    WRITTEN(update_case),
    WRITTEN(update_alias_from),
    WRITTEN(update_returning_all),
    WRITTEN(delete_using),
    WRITTEN(delete_in_select),
    WRITTEN(delete_all),
    WRITTEN(delete_exists),
    WRITTEN(insert_from_union),
    WRITTEN(insert_select_conflict),
    WRITTEN(insert_subquery_value),
    WRITTEN(insert_array_json),
    WRITTEN(update_in_select),
    WRITTEN(update_values),
    WRITTEN(json_set),
    WRITTEN(delete_alias),
    WRITTEN(delete_two_using),
};

#endif

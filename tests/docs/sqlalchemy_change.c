/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/sqlalchemy.md: INSERT, UPDATE, DELETE.
 */
#include "docs.h"

/* ------------------------------------------------------------------ insert */

static void insert(void)
{
    /* [sa-insert] */
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, elqb_val("bob"));
    elqb_set(i, U.age, elqb_val(5));
    elqb_returning(i, U.id);
    /* [/sa-insert] */

    SHOW("sa-insert", i);
}

static void insert_many(void)
{
    /* [sa-insert-many] */
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(i, U.name, U.age);
    elqb_values(i, elqb_val("a"), elqb_val(1));
    elqb_values(i, elqb_val("b"), elqb_val(2));

    const char *names[] = { "a", "b" };
    int32_t ages[] = { 1, 2 };
    elqb_insert *many = elqb_insert_new(q, U.table);

    elqb_columns(many, U.name, U.age);
    elqb_insert_unnest(many, elqb_items(names, 2), elqb_items(ages, 2));
    /* [/sa-insert-many] */

    SHOW("sa-insert-many", i);
    SHOW("sa-insert-many", many);
}

static void insert_default(void)
{
    /* [sa-insert-default] */
    accounts_t A = accounts_table();
    elqb_insert *i = elqb_insert_new(q, A.table);
    /* [/sa-insert-default] */

    SHOW("sa-insert-default", i);
}

static void insert_select(void)
{
    /* [sa-insert-select] */
    categories_t C = categories_table();
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, C.name);
    elqb_from(s, C.table);
    elqb_columns(i, U.name);
    elqb_insert_select(i, s);
    /* [/sa-insert-select] */

    SHOW("sa-insert-select", i);
}

static void insert_scalar(void)
{
    /* [sa-insert-scalar] */
    elqb_select *boss = elqb_select_new(q);
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(boss, U.id);
    elqb_from(boss, U.table);
    elqb_where(boss, elqb_eq(q, U.name, elqb_val("ann")));
    elqb_set(i, U.name, elqb_val("bob"));
    elqb_set(i, U.manager_id, elqb_scalar(q, boss));
    /* [/sa-insert-scalar] */

    SHOW("sa-insert-scalar", i);
}

static void conflict(void)
{
    /* [sa-conflict] */
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.id, elqb_val(1));
    elqb_set(i, P.sku, elqb_val("s"));
    elqb_set(i, P.name, elqb_val("n"));
    elqb_on_conflict_update(i);
    elqb_on_constraint(i, "products_sku_key");
    elqb_conflict_set(i, P.name, elqb_excluded(P.name));
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    /* [/sa-conflict] */

    SHOW("sa-conflict", i);
}

static void conflict_nothing(void)
{
    /* [sa-conflict-nothing] */
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.email, elqb_val("a@x"));
    elqb_on_conflict_nothing(i, U.email);
    /* [/sa-conflict-nothing] */

    SHOW("sa-conflict-nothing", i);
}

/* ------------------------------------------------------- update and delete */

static void update(void)
{
    /* [sa-update] */
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_where(u, elqb_eq(q, U.id, elqb_val(1)));
    elqb_set(u, U.name, elqb_val("ann"));
    elqb_set(u, U.age, elqb_add(q, U.age, elqb_val(1)));
    elqb_returning(u, U.age);
    /* [/sa-update] */

    SHOW("sa-update", u);
}

static void update_element(void)
{
    /* [sa-update-element] */
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, elqb_subscript(q, U.tags, elqb_val(2)), elqb_val("x"));
    elqb_where(u, elqb_eq(q, U.id, elqb_val(1)));
    /* [/sa-update-element] */

    SHOW("sa-update-element", u);
}

static void update_from(void)
{
    /* [sa-update-from] */
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, U.balance, O.total);
    elqb_from(u, O.table);
    elqb_where(u, elqb_eq(q, U.id, O.user_id));
    /* [/sa-update-from] */

    SHOW("sa-update-from", u);
}

static void update_sub(void)
{
    /* [sa-update-sub] */
    elqb_select *note = elqb_select_new(q);
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_columns(note, O.note);
    elqb_from(note, O.table);
    elqb_where(note, elqb_eq(q, O.user_id, U.id));
    elqb_limit(note, elqb_val(1));
    elqb_set(u, U.email, elqb_scalar(q, note));
    /* [/sa-update-sub] */

    SHOW("sa-update-sub", u);
}

static void update_many(void)
{
    /* [sa-update-many] */
    int32_t ids[] = { 1, 2 }, ages[] = { 31, 25 };
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(U.id, U.age),
                               elqb_items(ids, 2), elqb_items(ages, 2));
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, U.age, elqb_corresponding(d, U.age));
    elqb_from(u, d);
    elqb_where(u, elqb_eq(q, U.id, elqb_corresponding(d, U.id)));
    /* [/sa-update-many] */

    SHOW("sa-update-many", u);
}

static void delete_rows(void)
{
    /* [sa-delete] */
    elqb_delete *d = elqb_delete_new(q, O.table);

    elqb_using(d, U.table);
    elqb_where(d, elqb_eq(q, O.user_id, U.id));
    elqb_where(d, elqb_is_false(q, U.active));
    elqb_returning(d, O.id);
    /* [/sa-delete] */

    SHOW("sa-delete", d);
}

DOCS_MAIN(insert, insert_many, insert_default, insert_select, insert_scalar,
          conflict, conflict_nothing, update, update_element, update_from,
          update_sub, update_many, delete_rows)

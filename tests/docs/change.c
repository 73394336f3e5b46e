/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/builder.md: INSERT, UPDATE, DELETE, MERGE, definitions.
 */
#include "docs.h"

static void insert(void)
{
    /* [insert] */
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, elqb_val("ann"));
    elqb_set(i, U.created_at, elqb_func(q, "now"));
    elqb_returning(i, U.id);
    /* [/insert] */
    SHOW("insert", i);
}

static void insert_rows(void)
{
    /* [insert-rows] */
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(i, U.name, U.age);
    elqb_values(i, elqb_val("ann"), elqb_val(31));
    elqb_values(i, elqb_val("ben"), elqb_default());
    /* [/insert-rows] */
    SHOW("insert-rows", i);
}

static void insert_default(void)
{
    /* [insert-default] */
    elqb_insert *i = elqb_insert_new(q, O.table); /* and no values */
    /* [/insert-default] */
    SHOW("insert-default", i);
}

static void insert_unnest(void)
{
    /* [insert-unnest] */
    const char *names[] = { "ann", "ben", "cem" };
    int32_t ages[] = { 31, 25, 44 };
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(i, U.name, U.age);
    elqb_insert_unnest(i, elqb_items(names, 3), elqb_items(ages, 3));
    /* [/insert-unnest] */
    SHOW("insert-unnest", i);
}

static void insert_select(void)
{
    categories_t C = categories_table();
    /* [insert-select] */
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, C.id, C.name);
    elqb_from(s, C.table);
    elqb_columns(i, U.id, U.name);
    elqb_overriding(i, ELQB_SYSTEM_VALUE);
    elqb_insert_select(i, s);
    /* [/insert-select] */
    SHOW("insert-select", i);
}

static void conflict(void)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.id, elqb_val(1));
    elqb_set(i, P.sku, elqb_val("A-1"));
    elqb_set(i, P.stock, elqb_val(5));
    /* [conflict] */
    elqb_on_conflict_update(i, P.sku);
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    elqb_conflict_where(i, elqb_gt(q, elqb_excluded(P.stock), elqb_val(0)));
    /* [/conflict] */
    SHOW("conflict", i);
}

static void conflict_nothing(void)
{
    elqb_insert *a = elqb_insert_new(q, U.table);
    elqb_insert *b = elqb_insert_new(q, P.table);
    elqb_insert *c = elqb_insert_new(q, U.table);
    elqb_insert *d = elqb_insert_new(q, U.table);
    elqb_insert *e = elqb_insert_new(q, P.table);

    elqb_set(e, P.id, elqb_val(1));
    elqb_set(a, U.name, elqb_val("ann"));
    elqb_set(b, P.id, elqb_val(1));
    elqb_set(c, U.name, elqb_val("ann"));
    elqb_set(d, U.name, elqb_val("ann"));
    /* [conflict-nothing] */
    elqb_on_conflict_nothing(a);

    elqb_on_conflict_update(b); /* of the constraint */
    elqb_on_constraint(b, "products_sku_key");
    elqb_conflict_set(b, P.stock, elqb_lit(0));

    elqb_on_conflict_nothing(c, U.name); /* of a partial index */
    elqb_conflict_index_where(c, U.active);

    elqb_on_conflict_nothing( /* of an index with an operator class */
        d, elqb_opclass(q, U.name, "text_pattern_ops"));

    elqb_on_conflict_update(e, P.id); /* several columns at once */
    elqb_conflict_set_row(e, ELQB_LIST(P.name, P.price),
                          elqb_row(q, elqb_excluded(P.name), elqb_lit(0)));
    /* [/conflict-nothing] */
    SHOW("conflict-nothing", a);
    SHOW("conflict-nothing", b);
    SHOW("conflict-nothing", c);
    SHOW("conflict-nothing", d);
    SHOW("conflict-nothing", e);
}

static void update(void)
{
    /* [update] */
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, U.age, elqb_add(q, U.age, elqb_val(1)));
    elqb_set(u, elqb_subscript(q, U.tags, elqb_lit(1)), elqb_val("old"));
    elqb_set(u, U.created_at, elqb_default());
    elqb_where(u, elqb_eq(q, U.id, elqb_val(7)));
    elqb_returning(u, U.id, U.age);
    /* [/update] */
    SHOW("update", u);
}

static void update_from(void)
{
    /* [update-from] */
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, U.balance, elqb_add(q, U.balance, O.total));
    elqb_from(u, O.table);
    elqb_where(u, elqb_eq(q, O.user_id, U.id));
    /* [/update-from] */
    SHOW("update-from", u);
}

static void update_row(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, O.note, elqb_lit(1));
    elqb_from(s, O.table);
    elqb_where(s, elqb_eq(q, O.user_id, U.id));
    elqb_limit(s, elqb_lit(1));
    /* [update-row] */
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set_row(u, ELQB_LIST(U.name, U.age), elqb_scalar(q, s));
    /* [/update-row] */
    SHOW("update-row", u);
}

static void update_many(void)
{
    /* [update-many] */
    int32_t ids[] = { 1, 2, 3 }, ages[] = { 31, 25, 44 };
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(U.id, U.age),
                               elqb_items(ids, 3), elqb_items(ages, 3));
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, U.age, elqb_corresponding(d, U.age));
    elqb_from(u, d);
    elqb_where(u, elqb_eq(q, U.id, elqb_corresponding(d, U.id)));
    /* [/update-many] */
    SHOW("update-many", u);
}

static void delete_rows(void)
{
    /* [delete] */
    elqb_delete *d = elqb_delete_new(q, O.table);

    elqb_using(d, U.table);
    elqb_where(d, elqb_eq(q, U.id, O.user_id));
    elqb_where(d, elqb_not(q, U.active));
    elqb_returning(d, elqb_table_star(O.table));
    /* [/delete] */
    SHOW("delete", d);
}

static void merge(void)
{
    /* [merge] */
    products_t N = products_as("n");
    elqb_merge *m = elqb_merge_new(q, P.table);

    elqb_merge_using(m, N.table, elqb_eq(q, P.sku, N.sku));
    elqb_when_matched_delete(m, elqb_eq(q, N.stock, elqb_val(0)));

    elqb_when *w = elqb_when_matched_update(m, ELQB_NONE);

    elqb_set(w, P.stock, N.stock);
    w = elqb_when_not_matched_insert(m, ELQB_NONE);
    elqb_set(w, P.id, N.id);
    elqb_set(w, P.sku, N.sku);
    /* [/merge] */
    SHOW("merge", m);
}

static void merge_nothing(void)
{
    products_t N = products_as("n");
    elqb_merge *m = elqb_merge_new(q, P.table);
    elqb_when *w;

    elqb_merge_using(m, N.table, elqb_eq(q, P.sku, N.sku));
    /* [merge-nothing] */
    elqb_when_matched_nothing(m, elqb_lt(q, N.stock, P.stock));
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, P.stock, N.stock);
    elqb_when_not_matched_nothing(m, ELQB_NONE);
    /* [/merge-nothing] */
    SHOW("merge-nothing", m);
}

/* -------------------------------------------------------------- definitions */

static void create_table(void)
{
    /* [create-table] */
    elqb_ddl *t = elqb_create_table(q, O, ELQB_IF_NOT_EXISTS);

    elqb_column(t, O.id, .primary_key = true,
                .identity = ELQB_IDENTITY_BY_DEFAULT);
    elqb_column(t, O.user_id, .not_null = true, .references = U.id,
                .on_delete = ELQB_CASCADE);
    elqb_column(t, O.status, .type = elqb_type_named(NULL, "order_status"),
                .default_value = elqb_val("new"));
    elqb_column(t, O.total, .type = ELQB_SQL_TYPE("numeric(12,2)"),
                .check = elqb_ge(q, O.total, elqb_val(0)));
    elqb_constraint(t, .name = "one_each",
                    .unique = ELQB_LIST(O.user_id, O.placed_at));
    /* [/create-table] */
    SHOW("create-table", t);
}

static void alter_table(void)
{
    /* [alter-table] */
    elqb_ddl *t = elqb_alter_table(q, U.table, 0);

    elqb_column(t, U.email, .if_not_exists = true);
    elqb_constraint(t, .foreign_key = ELQB_LIST(U.manager_id),
                    .references = ELQB_LIST(U.id), .not_valid = true);
    /* [/alter-table] */
    SHOW("alter-table", t);
}

static void create_index(void)
{
    /* [create-index] */
    elqb_ddl *by_name = elqb_create_index(
        q, "users_name", U.table, ELQB_LIST(elqb_func(q, "lower", U.name)),
        .unique = true, .where = U.active);
    elqb_ddl *by_tag = elqb_create_index(q, NULL, U.table, ELQB_LIST(U.tags),
                                         .method = "gin",
                                         .concurrently = true);
    elqb_ddl *by_start = elqb_create_index(
        q, NULL, U.table,
        ELQB_LIST(elqb_desc(q, elqb_opclass(q, U.name, "text_pattern_ops"))));
    /* [/create-index] */
    SHOW("create-index", by_name);
    SHOW("create-index", by_tag);
    SHOW("create-index", by_start);
}

static void clauses(void)
{
    /* [create-clauses] */
    items_t I = items_table();
    elqb_ddl *t = elqb_create_table(q, I, 0);
    elqb_ddl *apart = elqb_alter_table(q, P.table, 0);

    elqb_table_clauses(t, .partition = ELQB_PARTITION_HASH,
                       .partition_by = ELQB_LIST(I.order_id));
    elqb_constraint(apart, .method = "gist", .exclude = ELQB_LIST(P.valid),
                    .operators = ELQB_OPERATORS("&&"));
    elqb_ddl *i = elqb_create_index(
        q, "orders_note", O.table, ELQB_LIST(O.note),
        .storage = ELQB_STORAGE(ELQB_ARG("fillfactor", elqb_val(70))));
    /* [/create-clauses] */
    SHOW("create-clauses", t);
    SHOW("create-clauses", apart);
    SHOW("create-clauses", i);
}

static void others(void)
{
    elqb_ddl *list[] = {
        /* [ddl-others] */
        elqb_create_schema(q, "crm", ELQB_IF_NOT_EXISTS),
        elqb_create_enum(q, NULL, "order_status", "new", "paid", "shipped"),
        elqb_add_enum_value(q, NULL, "order_status", "lost", NULL, "paid", 0),
        elqb_create_sequence(q, NULL, "tickets", 0, .start = elqb_val(1000)),
        elqb_comment_on_table(q, U.table, "who may log in"),
        elqb_comment_on_column(q, U.email, "unique; may be NULL"),
        elqb_comment_on_constraint(q, P.table, "products_sku_key", "ours"),
        elqb_comment_on(q, ELQB_TYPE, NULL, "order_status", "of an order"),
        elqb_truncate(q, ELQB_TABLES(O.table, U.table), ELQB_RESTART_IDENTITY),
        elqb_drop_constraint(q, O.table, "one_each", ELQB_IF_EXISTS),
        elqb_drop_index(q, NULL, "users_name", ELQB_IF_EXISTS),
        elqb_drop_table(q, O.table, ELQB_IF_EXISTS | ELQB_CASCADE),
        elqb_drop_type(q, NULL, "order_status", ELQB_IF_EXISTS),
        elqb_drop_sequence(q, NULL, "tickets", ELQB_IF_EXISTS),
        elqb_drop_schema(q, "crm", ELQB_IF_EXISTS | ELQB_CASCADE),
        /* [/ddl-others] */
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        SHOW("ddl-others", list[i]);
}

DOCS_MAIN(insert, insert_rows, insert_default, insert_unnest, insert_select,
          conflict, conflict_nothing, update, update_from, update_row,
          update_many, delete_rows, merge, merge_nothing, create_table,
          alter_table, create_index, clauses, others)

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/sqlalchemy.md: tables and SELECT.
 */
#include "docs.h"

/* ------------------------------------------------------------------ tables */

#ifdef DOCS_SHOWN /* docs.h has them, with more columns */
/* clang-format off */
/* [sa-tables] */
#define USERS(C) C(id, INT4) C(name, TEXT) C(tags, TEXT_ARRAY)
ELQB_TABLE(users, USERS)

#define ACCOUNTS(C) C(id, INT4) C(label, TEXT)
ELQB_TABLE_IN(crm, accounts, ACCOUNTS)
/* [/sa-tables] */
/* clang-format on */
#endif

static void alias(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-alias] */
    users_t boss = users_as("boss");

    elqb_columns(s, U.name, boss.name);
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, boss.table, elqb_eq(q, U.manager_id, boss.id));
    /* [/sa-alias] */

    SHOW("sa-alias", s);
}

/* clang-format off */
/* [sa-quoting] */
#define ODD_NAMES(C, N)                                                       \
    C(id, INT4) N(group_, "group", TEXT) N(mixed_case, "Mixed Case", TEXT)
ELQB_TABLE_NAMED(odd_names, NULL, "select", ODD_NAMES)

static elqb_select *in_group(elqb *q, const char *group)
{
    odd_names_t D = odd_names_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, D.id, D.group_, D.mixed_case);
    elqb_from(s, D.table);
    elqb_where(s, elqb_eq(q, D.group_, elqb_val(group)));
    elqb_where(s, elqb_eq(q, D.mixed_case, elqb_val("m")));
    return s;
}
/* [/sa-quoting] */
/* clang-format on */

static void quoting(void)
{
    SHOW("sa-quoting", in_group(q, "g"));
}

static void create(void)
{
    /* [sa-create] */
    accounts_t A = accounts_table();
    elqb_ddl *t = elqb_create_table(q, A, ELQB_IF_NOT_EXISTS);

    elqb_column(t, A.id, .primary_key = true,
                .identity = ELQB_IDENTITY_BY_DEFAULT);
    elqb_column(t, A.user_id, .references = U.id, .on_delete = ELQB_CASCADE);
    elqb_column(t, A.label, .not_null = true);
    /* [/sa-create] */

    SHOW("sa-create", t);
}

static void indexes(void)
{
    /* [sa-index] */
    elqb_ddl *i = elqb_create_index(q, "users_name", U.table,
                                    ELQB_LIST(elqb_func(q, "lower", U.name)),
                                    .unique = true);
    elqb_ddl *d = elqb_drop_table(q, U.table, ELQB_IF_EXISTS);
    /* [/sa-index] */

    SHOW("sa-index", i);
    SHOW("sa-index", d);
}

static void ddl(void)
{
    /* [sa-ddl] */
    elqb_ddl *list[] = {
        elqb_create_schema(q, "crm", ELQB_IF_NOT_EXISTS),
        elqb_create_enum(q, NULL, "order_status", "new", "paid"),
        elqb_create_sequence(q, NULL, "tickets", 0, .start = elqb_val(1000)),
        elqb_comment_on_table(q, U.table, "who may log in"),
    };
    /* [/sa-ddl] */

    for (int i = 0; i < 4; i++)
        SHOW("sa-ddl", list[i]);
}

/* ------------------------------------------------------ running statements */

static void text(void)
{
    /* [sa-text] */
    const elpq_statement *st = elqb_render(
        q, elqb_text(q,
                     "SELECT id FROM users WHERE name = :name AND age > :age",
                     ELQB_ARG("name", elqb_val("bob")),
                     ELQB_ARG("age", elqb_val(5))));
    /* [/sa-text] */

    docs_show("sa-text", st);
}

static void textcols(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-textcols] */
    elqb_table t = elqb_subquery(
        q, elqb_text_select(q, elqb_raw(q, "SELECT id, name FROM users"),
                            U.id, U.name), "t");

    elqb_columns(s, elqb_col(q, t, "name"));
    elqb_from(s, t);
    /* [/sa-textcols] */

    SHOW("sa-textcols", s);
}

/* ------------------------------------------------------------------ select */

static void cols(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-cols] */
    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    /* [/sa-cols] */

    SHOW("sa-cols", s);
}

static void star(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-star] */
    elqb_columns(s, elqb_table_star(U.table));
    elqb_from(s, U.table);
    /* [/sa-star] */

    SHOW("sa-star", s);
}

static void label(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-label] */
    elqb_columns(s,
                 elqb_as(q, elqb_concat(q, elqb_val("Username: "), U.name),
                         "username"),
                 U.id, elqb_as(q, O.id, "order_id"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));
    elqb_order_by(s, elqb_name("username"));
    /* [/sa-label] */

    SHOW("sa-label", s);
}

static void literal(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-literal] */
    elqb_columns(s, elqb_as(q, elqb_lit(42), "answer"),
                 elqb_concat(q, elqb_lit("x"), U.name), elqb_val(7));
    elqb_from(s, U.table);
    /* [/sa-literal] */

    SHOW("sa-literal", s);
}

static void where(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-where] */
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_gt(q, U.age, elqb_val(18)));
    elqb_where(s, elqb_eq(q, U.name, elqb_val("ann")));
    /* [/sa-where] */

    SHOW("sa-where", s);
}

static void optional(void)
{
    elqb_select *s = elqb_select_new(q);
    const char *name = "ann";
    int min_age = 0;
    /* [sa-optional] */
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    if (name)
        elqb_where(s, elqb_eq(q, U.name, elqb_val(name)));
    if (min_age > 0)
        elqb_where(s, elqb_ge(q, U.age, elqb_val(min_age)));
    /* [/sa-optional] */

    SHOW("sa-optional", s);
}

static void distinct(void)
{
    elqb_select *s = elqb_select_new(q), *on = elqb_select_new(q);
    /* [sa-distinct] */
    elqb_distinct(s);
    elqb_columns(s, U.age);
    elqb_from(s, U.table);

    elqb_distinct_on(on, O.user_id);
    elqb_columns(on, O.user_id, O.total);
    elqb_from(on, O.table);
    elqb_order_by(on, O.user_id);
    /* [/sa-distinct] */

    SHOW("sa-distinct", s);
    SHOW("sa-distinct", on);
}

static void order(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-order] */
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, U.age)),
                  elqb_nulls_first(q, elqb_asc(q, U.name)));
    /* [/sa-order] */

    SHOW("sa-order", s);
}

static void limit(void)
{
    elqb_select *s = elqb_select_new(q), *ties = elqb_select_new(q);
    /* [sa-limit] */
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_order_by(s, U.id);
    elqb_limit(s, elqb_val(10));
    elqb_offset(s, elqb_val(20));

    elqb_columns(ties, U.id);
    elqb_from(ties, U.table);
    elqb_order_by(ties, U.age);
    elqb_fetch_ties(ties, elqb_val(3));
    /* [/sa-limit] */

    SHOW("sa-limit", s);
    SHOW("sa-limit", ties);
}

static void group(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-group] */
    elqb_expr n = elqb_func(q, "count", O.id);

    elqb_columns(s, U.name, elqb_as(q, n, "n"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));
    elqb_group_by(s, U.name);
    elqb_having(s, elqb_gt(q, n, elqb_val(1)));
    elqb_order_by(s, elqb_desc(q, elqb_name("n")));
    /* [/sa-group] */

    SHOW("sa-group", s);
}

static void rollup(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-rollup] */
    elqb_columns(s, O.status, elqb_func(q, "sum", O.total));
    elqb_from(s, O.table);
    elqb_group_by(s, elqb_grouping_sets(q, elqb_row(q, O.status),
                                        elqb_rollup(q, O.user_id)));
    /* [/sa-rollup] */

    SHOW("sa-rollup", s);
}

static void only_columns(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-only-columns] */
    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_where(s, elqb_gt(q, U.age, elqb_val(5)));
    elqb_order_by(s, U.id);

    elqb_select *count = elqb_copy(s);

    elqb_clear_columns(count);
    elqb_columns(count, elqb_count(q));
    elqb_clear_order_by(count);
    /* [/sa-only-columns] */

    SHOW("sa-only-columns", count);
}

static void hint(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-hint] */
    elqb_columns(s, U.id);
    elqb_from(s, elqb_only(U.table));

    const elpq_statement *st =
        elqb_tagged(q, elqb_render(q, s), ELQB_TAG("tag", "1"));
    /* [/sa-hint] */

    docs_show("sa-hint", st);
}

static void locks(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [sa-lock] */
    elqb_columns(s, O.id);
    elqb_from(s, O.table);
    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, O.user_id));
    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT, O.table);
    /* [/sa-lock] */

    SHOW("sa-lock", s);
}

DOCS_MAIN(alias, quoting, create, indexes, ddl, text, textcols, cols, star,
          label, literal, where, optional, distinct, order, limit, group,
          rollup, only_columns, hint, locks)

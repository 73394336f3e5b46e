/* SPDX-License-Identifier: PostgreSQL */
/*
 * Parts of the builder inside of each other: set operations, CTEs, windows,
 * grouping sets, locks, FROM items, arrays and merges.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    VARCHAR = ELPQ_OID_VARCHAR,
    INT4S = ELPQ_OID_INT4_ARRAY,
    TEXTS = ELPQ_OID_TEXT_ARRAY
};

static const int ids[] = { 1, 2, 3 };
static const char *const names[] = { "a", "b", "c" };

static elqb_select *ids_over(int age)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_where(s, elqb_gt(q, U.age, V(age)));
    return s;
}

static elqb_table pairs(void)
{
    return elqb_unnest(q, "d", ELQB_LIST(U.id, U.name), elqb_items(ids, 3),
                       elqb_items(names, 3));
}

#define UNNEST "unnest($1::int4[], $2::text[])"

/* A set operation in a CTE of the select of an insert. */
START_TEST(test_insert_select_of_set)
{
    elqb_cte *c = elqb_cte_new(q, "both");
    elqb_table both = elqb_cte_table(c);
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_cte_as(c, elqb_union_all(q, ids_over(1), ids_over(2)));
    elqb_with(s, c);
    elqb_columns(s, elqb_col(q, both, "id"), elqb_col(q, both, "name"), V(7));
    elqb_from(s, both);
    elqb_where(s, elqb_gt(q, elqb_col(q, both, "id"), V(5LL)));
    elqb_columns(i, U.id, U.name, U.balance);
    elqb_insert_select(i, s);
    elqb_on_conflict_nothing(i);
    elqb_returning(i, U.id);
    CHECK_QUOTED(elqb_render(q, i),
                 "INSERT INTO `users` (`id`, `name`, `balance`) WITH `both` AS "
                 "(SELECT `users`.`id`, `users`.`name` FROM `users` WHERE "
                 "`users`.`age` > $1 UNION ALL SELECT `users`.`id`, "
                 "`users`.`name` FROM `users` WHERE `users`.`age` > $2) SELECT "
                 "`both`.`id`, `both`.`name`, $3 FROM `both` WHERE "
                 "`both`.`id` > $4 ON CONFLICT DO NOTHING RETURNING "
                 "`users`.`id`",
                 INT4, INT4, NUMERIC, INT4);
}
END_TEST

START_TEST(test_merge_with)
{
    elqb_cte *c = elqb_cte_new(q, "new"), *moved = elqb_cte_new(q, "moved");
    elqb_table t = elqb_cte_table(c);
    elqb_delete *d = elqb_delete_new(q, O.table);
    elqb_merge *m = elqb_merge_new(q, U.table);
    elqb_when *w;

    elqb_returning(d, O.user_id, O.note);
    elqb_cte_as(moved, d);
    elqb_cte_as(c, ids_over(3));
    elqb_with(m, c);
    elqb_with(m, moved);
    elqb_merge_using(m, t, elqb_eq(q, U.id, elqb_col(q, t, "id")));
    elqb_join_using_as(m, ELQB_LEFT, pairs(), "j", U.id);
    elqb_join_natural(m, ELQB_INNER, elqb_cte_table(moved));
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, U.name, elqb_col(q, t, "name"));
    CHECK_QUOTED(elqb_render(q, m),
                 "WITH `new` AS (SELECT `users`.`id`, `users`.`name` FROM "
                 "`users` WHERE `users`.`age` > $1), `moved` AS (DELETE FROM "
                 "`orders` RETURNING `orders`.`user_id`, `orders`.`note`) "
                 "MERGE INTO `users` USING `new` LEFT JOIN "
                 "unnest($2::int4[], $3::text[]) AS `d` (`id`, `name`) USING "
                 "(`id`) AS `j` NATURAL JOIN `moved` ON `users`.`id` = "
                 "`new`.`id` WHEN MATCHED THEN UPDATE SET `name` = "
                 "`new`.`name`",
                 INT4, INT4S, TEXTS);
    elqb_join_using(m, ELQB_CROSS, U.table, U.id);
    CHECK_FAILS(elqb_render(q, m), ELQB_E_USAGE,
                "elqb_join_using: a cross join takes no columns");
    m = elqb_merge_new(q, U.table);
    elqb_merge_using(m, elqb_cte_table(elqb_cte_new(q, "c")), V(true));
    elqb_when_matched_delete(m, ELQB_NONE);
    CHECK_FAILS(elqb_render(q, m), ELQB_E_USAGE, "elqb_render: the CTE \"c\" "
                "is not in sight, see elqb_with()");
    elqb_merge_with(NULL, NULL);
    elqb_merge_join_natural(NULL, ELQB_INNER, U.table);
    elqb_merge_join_using_v(NULL, ELQB_INNER, U.table, NULL, NULL);
}
END_TEST

/* What a set operation does not have is an error of each verb. */
static void change_set(int n, elqb_select *s)
{
    switch (n) {
    case 0:
        elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT);
        break;
    case 1:
        elqb_join_using(s, ELQB_INNER, O.table, U.id);
        break;
    case 2:
        elqb_join_natural(s, ELQB_INNER, O.table);
        break;
    default:
        elqb_group_by_distinct(s);
        break;
    }
}

START_TEST(test_set_refuses)
{
    static const char *const verbs[] = { "elqb_for", "elqb_join_using",
                                         "elqb_join_natural",
                                         "elqb_group_by_distinct" };

    for (int n = 0; n < 4; n++) {
        elqb_select *s = elqb_union(q, ids_over(1), ids_over(2));
        char text[200];

        change_set(n, s);
        snprintf(text, sizeof(text), "%s: a set operation has columns, FROM "
                 "and conditions in its selects only", verbs[n]);
        CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, text);
    }
}
END_TEST

START_TEST(test_locks_in_set)
{
    elqb_select *a = ids_over(1), *s = elqb_union(q, a, ids_over(2));

    elqb_for(a, ELQB_FOR_UPDATE, ELQB_WAIT); /* later than the union */
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, "elqb_render: the selects of "
                "a set operation take no elqb_for()");
    s = ids_over(1);
    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT);
    a = elqb_select_new(q); /* in a subquery it may be locked */
    elqb_columns(a, elqb_star());
    elqb_from(a, elqb_subquery(q, s, "s"));
    CHECK_QUOTED(elqb_render(q, elqb_union(q, a, ids_over(2))),
                 "SELECT * FROM (SELECT `users`.`id`, `users`.`name` FROM "
                 "`users` WHERE `users`.`age` > $1 FOR SHARE NOWAIT) AS `s` "
                 "UNION SELECT `users`.`id`, `users`.`name` FROM `users` WHERE "
                 "`users`.`age` > $2",
                 INT4, INT4);
}
END_TEST

/* FETCH ends a whole select, as LIMIT does. */
START_TEST(test_ties_of_set)
{
    elqb_select *a = ids_over(1), *s;

    elqb_order_by(a, elqb_order_using(q, U.name, "~<~"));
    elqb_fetch_ties(a, V(3));
    s = elqb_except(q, a, ids_over(2));
    elqb_order_by(s, elqb_nulls_last(q, elqb_order_using(q, U.name, "~>~")));
    elqb_fetch_ties(s, V(4));
    elqb_offset(s, V(5));
    CHECK_QUOTED(elqb_render(q, s),
                 "(SELECT `users`.`id`, `users`.`name` FROM `users` WHERE "
                 "`users`.`age` > $1 ORDER BY `users`.`name` USING ~<~ FETCH "
                 "FIRST $2 ROWS WITH TIES) EXCEPT SELECT `users`.`id`, "
                 "`users`.`name` FROM `users` WHERE `users`.`age` > $3 ORDER "
                 "BY `name` USING ~>~ NULLS LAST OFFSET $4 FETCH FIRST $5 ROWS "
                 "WITH TIES",
                 INT4, INT8, INT4, INT8, INT8);
}
END_TEST

START_TEST(test_windows_with_grouping_sets)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr sum = elqb_func(q, "sum", U.balance);

    elqb_columns(s, U.active, elqb_grouping(q, U.active, U.age),
                 elqb_over(q, elqb_func(q, "rank"), .extends = "w",
                           .order_by = ELQB_LIST(elqb_desc(q, sum))),
                 elqb_agg_within_group(q, elqb_func(q, "mode"), U.age));
    elqb_from(s, U.table);
    elqb_group_by(s, elqb_rollup(q, U.active, elqb_row(q, U.age, U.name)));
    elqb_group_by_distinct(s);
    elqb_having(s, elqb_gt(q, sum, V(0)));
    elqb_window(s, "w", .partition_by = ELQB_LIST(elqb_grouping(q, U.active)));
    elqb_order_by(s, U.active);
    elqb_fetch_ties(s, V(10));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `users`.`active`, GROUPING(`users`.`active`, "
                 "`users`.`age`), `rank`() OVER (`w` ORDER BY "
                 "`sum`(`users`.`balance`) DESC), `mode`() WITHIN GROUP (ORDER "
                 "BY `users`.`age`) FROM `users` GROUP BY DISTINCT ROLLUP "
                 "(`users`.`active`, (`users`.`age`, `users`.`name`)) HAVING "
                 "`sum`(`users`.`balance`) > $1 WINDOW `w` AS (PARTITION BY "
                 "GROUPING(`users`.`active`)) ORDER BY `users`.`active` FETCH "
                 "FIRST $2 ROWS WITH TIES",
                 INT4, INT8);
}
END_TEST

static const char everything[] =
    "WITH `c` AS (SELECT `users`.`id`, `users`.`name` FROM `users` WHERE "
    "`users`.`age` > $1) SELECT DISTINCT ON (`users`.`age`) `users`.`id`, "
    "`count`(*) OVER `w` FROM `users` JOIN `c` USING (`id`) NATURAL LEFT JOIN "
    "(`orders` CROSS JOIN `products`) WHERE `users`.`age` > $2 GROUP BY CUBE "
    "(`users`.`id`) HAVING `users`.`active` WINDOW `w` AS (ORDER BY "
    "`users`.`id`) ORDER BY `users`.`age` LIMIT $3 OFFSET $4 FOR UPDATE OF "
    "`users`";

static const char more[] =
    "WITH `c` AS (SELECT `users`.`id`, `users`.`name` FROM `users` WHERE "
    "`users`.`age` > $1), `e` AS (SELECT `users`.`id`, `users`.`name` FROM "
    "`users` WHERE `users`.`age` > $2) SELECT DISTINCT ON (`users`.`age`, "
    "`users`.`id`) `users`.`id`, `count`(*) OVER `w`, `users`.`name` FROM "
    "`users` JOIN `c` USING (`id`) NATURAL LEFT JOIN (`orders` CROSS JOIN "
    "`products`), `e` WHERE `users`.`age` > $3 AND `users`.`active` GROUP BY "
    "CUBE (`users`.`id`), `users`.`name` HAVING `users`.`active` AND "
    "`users`.`id` > $4 WINDOW `w` AS (ORDER BY `users`.`id`), `x` AS (`w`) "
    "ORDER BY `users`.`age`, `users`.`id` LIMIT $5 OFFSET $6 FOR UPDATE OF "
    "`users` FOR SHARE OF `c` SKIP LOCKED";

static elqb_select *select_everything(void)
{
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_select *s = elqb_select_new(q), *pair = elqb_select_new(q);

    elqb_cte_as(c, ids_over(1));
    elqb_with(s, c);
    elqb_distinct_on(s, U.age);
    elqb_columns(s, U.id, elqb_over(q, elqb_count(q), .name = "w"));
    elqb_from(s, U.table);
    elqb_join_using(s, ELQB_INNER, elqb_cte_table(c), U.id);
    elqb_from(pair, O.table);
    elqb_join(pair, ELQB_CROSS, P.table, ELQB_NONE);
    elqb_join_natural(s, ELQB_LEFT, elqb_joined(q, pair, NULL));
    elqb_where(s, elqb_gt(q, U.age, V(2)));
    elqb_group_by(s, elqb_cube(q, U.id));
    elqb_having(s, U.active);
    elqb_window(s, "w", .order_by = ELQB_LIST(U.id));
    elqb_order_by(s, U.age);
    elqb_limit(s, V(3));
    elqb_offset(s, V(4));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, U.table);
    return s;
}

/* A copy has all, and what is added to it is not in the original, nor the
 * other way around. */
START_TEST(test_copy_of_everything)
{
    elqb_select *s = select_everything(), *copy = elqb_select_copy(s);
    elqb_cte *e = elqb_cte_new(q, "e");

    CHECK_QUOTED(elqb_render(q, s), everything, INT4, INT4, INT8, INT8);
    CHECK_QUOTED(elqb_render(q, copy), everything, INT4, INT4, INT8, INT8);
    elqb_cte_as(e, ids_over(9));
    for (int n = 0; n < 2; n++) {
        elqb_select *x = n ? s : copy;

        elqb_with(x, e);
        elqb_distinct_on(x, U.id);
        elqb_columns(x, U.name);
        elqb_from(x, elqb_cte_table(e));
        elqb_where(x, U.active);
        elqb_group_by(x, U.name);
        elqb_having(x, elqb_gt(q, U.id, V(0)));
        elqb_window(x, "x", .extends = "w");
        elqb_order_by(x, U.id);
        elqb_for(x, ELQB_FOR_SHARE, ELQB_SKIP_LOCKED,
                 elqb_table_named(NULL, "c"));
        if (n == 0)
            CHECK_QUOTED(elqb_render(q, s), everything, INT4, INT4, INT8,
                         INT8);
        CHECK_QUOTED(elqb_render(q, x), more, INT4, INT4, INT4, INT4, INT8,
                     INT8);
    }
}
END_TEST

/* unnest() is an item like other functions. */
START_TEST(test_unnest_item)
{
    elqb_table d = pairs(), n = elqb_with_ordinality(q, d);
    elqb_select *s = elqb_select_new(q);

    ck_assert_uint_eq(elqb_col(q, d, "id").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, d, "name").oid, TEXT);
    elqb_columns(s, elqb_col(q, n, "id"), elqb_col(q, n, "ordinality"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_LEFT, elqb_lateral_of(q, n),
              elqb_gt(q, elqb_col(q, n, "ordinality"), V(1)));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `d`.`id`, `d`.`ordinality` FROM `users` LEFT JOIN "
                 "LATERAL " UNNEST " WITH ORDINALITY AS `d` (`id`, `name`) ON "
                 "`d`.`ordinality` > $3",
                 INT4S, TEXTS, INT8);
    s = elqb_select_new(q);
    elqb_columns(s, elqb_table_star(d));
    elqb_from(s, elqb_table_as(d, "e"));
    CHECK_QUOTED(elqb_render(q, s), "SELECT `d`.* FROM " UNNEST
                 " AS `e` (`id`, `name`)", INT4S, TEXTS);
    elqb_alias_columns(q, d, ELQB_COL("a", ""));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_alias_columns: the columns have names already");
    elqb_define_columns(q, pairs(), ELQB_COL("a", "int4"));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_define_columns: the columns have names already");
}
END_TEST

/* Names for the columns of CTEs and subqueries, in part. */
START_TEST(test_aliased_items)
{
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_table t, sub = elqb_subquery(q, ids_over(1), "s");
    elqb_select *s = elqb_select_new(q);

    elqb_cte_as(c, ids_over(2));
    t = elqb_alias_columns(q, elqb_table_as(elqb_cte_table(c), "x"),
                           ELQB_COL("key", "int4"));
    sub = elqb_alias_columns(q, sub, ELQB_COL("key", ""));
    ck_assert_uint_eq(elqb_col(q, t, "key").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, sub, "key").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, sub, "name").oid, TEXT);
    elqb_with(s, c);
    elqb_columns(s, elqb_col(q, t, "key"));
    elqb_from(s, t);
    elqb_join(s, ELQB_INNER, sub,
              elqb_eq(q, elqb_col(q, t, "key"), elqb_col(q, sub, "key")));
    CHECK_QUOTED(elqb_render(q, s),
                 "WITH `c` AS (SELECT `users`.`id`, `users`.`name` FROM "
                 "`users` WHERE `users`.`age` > $1) SELECT `x`.`key` FROM `c` "
                 "AS `x` (`key`) JOIN (SELECT `users`.`id`, `users`.`name` "
                 "FROM `users` WHERE `users`.`age` > $2) AS `s` (`key`) ON "
                 "`x`.`key` = `s`.`key`",
                 INT4, INT4);
    elqb_col(q, sub, "id");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_col: \"s\" has no column \"id\"");
}
END_TEST

/* Items that cannot be what they are asked to be. */
static void misuse(int n)
{
    elqb_table cte = elqb_cte_table(elqb_cte_new(q, "c"));
    elqb_expr count = elqb_count(q);
    elqb_select *s = elqb_select_new(q), *outer = elqb_select_new(q);

    elqb_from(s, U.table);
    elqb_join_natural(s, ELQB_INNER, O.table);
    elqb_columns(outer, elqb_star());
    elqb_from(outer, elqb_joined(q, s, NULL));
    switch (n) {
    case 0:
        elqb_lateral_of(q, cte);
        break;
    case 1:
        elqb_lateral_of(q, elqb_alias_columns(q, elqb_table_as(cte, "x"),
                                              ELQB_COL("a", "")));
        break;
    case 2:
        elqb_tablesample(q, cte, "system", V(1));
        break;
    case 3:
        elqb_table_func(q, elqb_over(q, count, .name = "w"), "f");
        break;
    case 4:
        elqb_table_func(q, elqb_agg_within_group(q, elqb_func(q, "mode"), U.id),
                        "f");
        break;
    case 5:
        elqb_with(s, elqb_cte_new(q, "d"));
        elqb_render(q, outer);
        break;
    case 6:
        elqb_window(s, "w");
        elqb_render(q, outer);
        break;
    case 7:
        elqb_drop_table(q, cte, 0);
        break;
    case 8:
        elqb_truncate(q, ELQB_TABLES(cte), 0);
        break;
    default:
        elqb_render(q, elqb_create_index(
                           q, "i", U.table,
                           ELQB_LIST(elqb_order_using(q, U.id, "<"))));
        break;
    }
}

START_TEST(test_misuse)
{
    static const char *const texts[] = {
        "elqb_lateral_of: a CTE is not lateral",
        "elqb_lateral_of: a subquery is not lateral",
        "elqb_tablesample: only a table can be sampled",
        "elqb_table_func: the operand is no plain call of a function",
        "elqb_table_func: the operand is no plain call of a function",
        "elqb_render: elqb_joined() of a select with more than FROM",
        "elqb_render: elqb_joined() of a select with more than FROM",
        "elqb_drop_table: a CTE is no table",
        "elqb_truncate: a CTE is no table",
        "elqb_render: an index takes asc and desc, no operator",
    };

    for (int n = 0; n < (int)(sizeof(texts) / sizeof(*texts)); n++) {
        misuse(n);
        CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE, texts[n]);
    }
}
END_TEST

/* ----------------------------------------------------- what is done to text */

/* A merge of a WITH, with binds, in another schema. */
static elqb_merge *merge_accounts(void)
{
    accounts_t A = accounts_table();
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_select *s = elqb_select_new(q);
    elqb_merge *m = elqb_merge_new(q, A.table);
    elqb_when *w;

    elqb_columns(s, A.id, A.label);
    elqb_from(s, elqb_tablesample(q, A.table, "system", elqb_bind("part",
                                                                   FLOAT4)));
    elqb_cte_as(c, s);
    elqb_with(m, c);
    elqb_merge_using(m, elqb_table_as(elqb_cte_table(c), "x"),
                     elqb_eq(q, A.id, elqb_bind("id", INT4)));
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, A.label, elqb_bind("label", TEXT));
    return m;
}

static const char merged[] =
    "WITH `c` AS (SELECT `tenant`.`accounts`.`id`, `tenant`.`accounts`.`label` "
    "FROM `tenant`.`accounts` TABLESAMPLE `system` ($1)) MERGE INTO "
    "`tenant`.`accounts` USING `c` AS `x` ON `tenant`.`accounts`.`id` = $2 "
    "WHEN MATCHED THEN UPDATE SET `label` = $3";

START_TEST(test_compiled_merge)
{
    elqb_compiled *c;
    elqb_args a;

    elqb_schema_translate(q, ELQB_SCHEMA("crm", "tenant"));
    c = elqb_compile(q, merge_accounts());
    ck_assert_msg(c != NULL, "%s", elqb_error(q));
    ck_assert_str_eq(elqb_compiled_sql(c), quoted(merged));
    ck_assert_uint_eq(elqb_compiled_count(c), 3);
    elqb_args_init(&a, c);
    elqb_args_set(&a, "id", 1);
    elqb_args_set(&a, "part", 5.0);
    elqb_args_set(&a, "label", "x");
    ck_assert_ptr_nonnull(elqb_args_statement(&a));
    elqb_args_clear(&a);
    elqb_compiled_free(c);
}
END_TEST

/* Definitions are made in the other schema, too. */
START_TEST(test_translated_definitions)
{
    accounts_t A = accounts_table();
    elqb_ddl *d = elqb_drop_table(q, A.table, ELQB_IF_EXISTS);
    elqb_compiled *c;

    elqb_schema_translate(q, ELQB_SCHEMA("crm", "x"), ELQB_SCHEMA(NULL, "y"));
#define TEXT_IS(d, text) ck_assert_str_eq(elqb_render(q, d)->sql, quoted(text))
    TEXT_IS(d, "DROP TABLE IF EXISTS `x`.`accounts`");
    c = elqb_compile(q, d);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(elqb_compiled_sql(c), elqb_render(q, d)->sql);
    elqb_compiled_free(c);
    TEXT_IS(elqb_create_schema(q, "crm", 0), "CREATE SCHEMA `x`");
    TEXT_IS(elqb_create_schema(q, "z", 0), "CREATE SCHEMA `z`");
    TEXT_IS(elqb_drop_schema(q, "crm", 0), "DROP SCHEMA `x`");
    TEXT_IS(elqb_comment_on(q, ELQB_SCHEMA, NULL, "crm", "t"),
            "COMMENT ON SCHEMA `x` IS 't'");
    TEXT_IS(elqb_comment_on_column(q, U.id, NULL),
            "COMMENT ON COLUMN `y`.`users`.`id` IS NULL");
    TEXT_IS(elqb_comment_on_column(q, A.id, NULL),
            "COMMENT ON COLUMN `x`.`accounts`.`id` IS NULL");
    TEXT_IS(elqb_truncate(q, ELQB_TABLES(U.table, A.table), 0),
            "TRUNCATE `y`.`users`, `x`.`accounts`");
    TEXT_IS(elqb_create_sequence(q, "crm", "s", 0, .owned_by = U.id),
            "CREATE SEQUENCE `x`.`s` OWNED BY `y`.`users`.`id`");
    TEXT_IS(elqb_create_enum(q, NULL, "mood", "a"),
            "CREATE TYPE `y`.`mood` AS ENUM ('a')");
}
END_TEST

START_TEST(test_pretty)
{
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_select *s = elqb_union(q, ids_over(1), ids_over(2)), *x;
    elqb_merge *m = elqb_merge_new(q, U.table);

    x = elqb_select_new(q);
    elqb_cte_as(c, s);
    elqb_with(x, c);
    elqb_columns(x, elqb_over(q, elqb_count(q), .name = "w"));
    elqb_from(x, elqb_cte_table(c));
    elqb_join_using(x, ELQB_LEFT, O.table, U.id);
    elqb_window(x, "w", .order_by = ELQB_LIST(U.id));
    elqb_order_by(x, elqb_order_using(q, U.id, "<"));
    elqb_for(x, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED, O.table);
    ck_assert_str_eq(elqb_pretty(q, elqb_debug(q, x)), quoted(
        "<debug> WITH `c` AS (\n"
        "    SELECT `users`.`id`, `users`.`name`\n"
        "    FROM `users`\n"
        "    WHERE `users`.`age` > 1\n"
        "    UNION\n"
        "    SELECT `users`.`id`, `users`.`name`\n"
        "    FROM `users`\n"
        "    WHERE `users`.`age` > 2\n"
        ")\n"
        "SELECT `count`(*) OVER `w`\n"
        "FROM `c`\n"
        "LEFT JOIN `orders` USING (`id`)\n"
        "WINDOW `w` AS (ORDER BY `users`.`id`)\n"
        "ORDER BY `users`.`id` USING <\n"
        "FOR UPDATE OF `orders` SKIP LOCKED"));
    elqb_merge_using(m, O.table, U.active);
    elqb_when_matched_delete(m, ELQB_NONE);
    ck_assert_str_eq(elqb_pretty(q, elqb_debug(q, m)), quoted(
        "<debug> MERGE INTO `users`\n"
        "USING `orders` ON `users`.`active`\n"
        "WHEN MATCHED THEN DELETE"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_together");
    TCase *tcase = qb_case(suite, "together");

    tcase_add_test(tcase, test_insert_select_of_set);
    tcase_add_test(tcase, test_merge_with);
    tcase_add_test(tcase, test_set_refuses);
    tcase_add_test(tcase, test_locks_in_set);
    tcase_add_test(tcase, test_ties_of_set);
    tcase_add_test(tcase, test_windows_with_grouping_sets);
    tcase_add_test(tcase, test_copy_of_everything);
    tcase_add_test(tcase, test_unnest_item);
    tcase_add_test(tcase, test_aliased_items);
    tcase_add_test(tcase, test_misuse);
    tcase = qb_case(suite, "text");
    tcase_add_test(tcase, test_compiled_merge);
    tcase_add_test(tcase, test_translated_definitions);
    tcase_add_test(tcase, test_pretty);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * SELECT: clauses, joins, subqueries, copies, and that rendering changes
 * nothing.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    STAMP = ELPQ_OID_TIMESTAMPTZ
};

/* SELECT "users"."id" FROM "users" */
static elqb_select *ids(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    return s;
}
#define IDS "SELECT \"users\".\"id\" FROM \"users\""

START_TEST(test_whole)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr day = elqb_func(q, "date_trunc", V("day"), O.placed_at);
    elqb_expr n = elqb_count(q);

    elqb_offset(s, V(5));
    elqb_limit(s, V(10));
    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, day)), elqb_asc(q, n),
                  elqb_name("day"));
    elqb_having(s, elqb_gt(q, n, V(3)));
    elqb_group_by(s, U.name, day);
    elqb_where(s, elqb_eq(q, U.active, V(1)));
    elqb_where(s, elqb_or(q, elqb_eq(q, U.id, V(1)), elqb_eq(q, U.id, V(2))));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_LEFT, O.table, elqb_eq(q, O.user_id, U.id));
    elqb_columns(s, U.name, elqb_as(q, day, "day"), elqb_as(q, n, "n"));
    CHECK(elqb_render(q, s),
          "SELECT \"users\".\"name\", \"date_trunc\"($1, "
          "\"orders\".\"placed_at\") AS \"day\", \"count\"(*) AS \"n\" "
          "FROM \"users\" LEFT JOIN \"orders\" ON \"orders\".\"user_id\" = "
          "\"users\".\"id\" WHERE \"users\".\"active\" = $2 AND "
          "(\"users\".\"id\" = $3 OR \"users\".\"id\" = $4) GROUP BY "
          "\"users\".\"name\", \"date_trunc\"($1, \"orders\".\"placed_at\") "
          "HAVING \"count\"(*) > $5 ORDER BY \"date_trunc\"($1, "
          "\"orders\".\"placed_at\") DESC NULLS LAST, \"count\"(*) ASC, "
          "\"day\" LIMIT $6 OFFSET $7",
          0, ELPQ_OID_BOOL, INT4, INT4, INT8, INT8, INT8);
}
END_TEST

START_TEST(test_distinct)
{
    elqb_select *s = ids(), *on = ids();

    elqb_distinct(s);
    CHECK(elqb_render(q, s),
          "SELECT DISTINCT \"users\".\"id\" FROM \"users\"");
    elqb_distinct_on(on, U.name, U.age);
    CHECK(elqb_render(q, on),
          "SELECT DISTINCT ON (\"users\".\"name\", \"users\".\"age\") "
          "\"users\".\"id\" FROM \"users\"");
}
END_TEST

START_TEST(test_from)
{
    users_t boss = users_as("boss");
    accounts_t A = accounts_table();
    odd_t D = odd_table();
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id, boss.name, A.label, D.group_, D.weird,
                 elqb_table_star(A.table), elqb_star());
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, boss.table, elqb_eq(q, boss.id, U.manager_id));
    elqb_join(s, ELQB_FULL, A.table, elqb_eq(q, A.user_id, U.id));
    elqb_from(s, D.table);
    elqb_join(s, ELQB_CROSS, elqb_only(P.table), ELQB_NONE);
    elqb_join(s, ELQB_RIGHT, elqb_table_named("s", "t"),
              elqb_eq(q, elqb_c(elqb_table_named("s", "t"), "x"), V(1)));
    CHECK(elqb_render(q, s),
          "SELECT \"users\".\"id\", \"boss\".\"name\", "
          "\"crm\".\"accounts\".\"label\", \"select\".\"group\", "
          "\"select\".\"we\"\"ird\", \"crm\".\"accounts\".*, * FROM \"users\" "
          "JOIN \"users\" AS \"boss\" ON \"boss\".\"id\" = "
          "\"users\".\"manager_id\" FULL JOIN \"crm\".\"accounts\" ON "
          "\"crm\".\"accounts\".\"user_id\" = \"users\".\"id\", \"select\" "
          "CROSS JOIN ONLY \"products\" RIGHT JOIN \"s\".\"t\" ON "
          "\"s\".\"t\".\"x\" = $1", INT4);
}
END_TEST

START_TEST(test_subqueries)
{
    elqb_select *inner = elqb_select_new(q), *s = elqb_select_new(q);
    elqb_table t;

    elqb_columns(inner, O.user_id,
                 elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_from(inner, O.table);
    elqb_group_by(inner, O.user_id);
    t = elqb_subquery(q, inner, "t");
    elqb_columns(s, U.name, elqb_c(t, "total"));
    elqb_from(s, U.table);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_c(t, "user_id"), U.id));
    elqb_where(s, elqb_gt(q, elqb_typed(elqb_c(t, "total"), NUMERIC), V(100)));
    CHECK(elqb_render(q, s),
          "SELECT \"users\".\"name\", \"t\".\"total\" FROM \"users\" JOIN "
          "(SELECT \"orders\".\"user_id\", \"sum\"(\"orders\".\"total\") AS "
          "\"total\" FROM \"orders\" GROUP BY \"orders\".\"user_id\") AS \"t\" "
          "ON \"t\".\"user_id\" = \"users\".\"id\" WHERE \"t\".\"total\" > $1",
          NUMERIC);
}
END_TEST

START_TEST(test_nested_conditions)
{
    elqb_select *inner = elqb_select_new(q), *s = ids();
    elqb_expr sub;

    elqb_columns(inner, O.user_id);
    elqb_from(inner, O.table);
    elqb_where(inner, elqb_eq(q, O.user_id, U.id));
    sub = elqb_scalar(q, inner);
    elqb_where(s, elqb_exists(q, inner));
    elqb_where(s, elqb_not(q, elqb_in_select(q, U.id, inner)));
    elqb_where(s, elqb_not_in_select(q, V(1), inner));
    elqb_where(s, elqb_eq(q, sub, V(2)));
    elqb_from(s, elqb_lateral(q, inner, "l"));
    elqb_columns(s, elqb_array_select(q, inner));
#define INNER                                                                 \
    "(SELECT \"orders\".\"user_id\" FROM \"orders\" WHERE "                   \
    "\"orders\".\"user_id\" = \"users\".\"id\")"
    CHECK(elqb_render(q, s),
          "SELECT \"users\".\"id\", ARRAY" INNER " FROM \"users\", LATERAL "
          INNER " AS \"l\" WHERE EXISTS " INNER " AND NOT \"users\".\"id\" IN "
          INNER " AND $1 NOT IN " INNER " AND " INNER " = $2", INT4, INT4);
}
END_TEST

START_TEST(test_copy)
{
    elqb_select *s = ids(), *copy, *count;

    elqb_where(s, elqb_gt(q, U.age, V(5)));
    copy = elqb_select_copy(s);
    elqb_columns(copy, U.name);
    elqb_columns(s, U.email);
    elqb_where(copy, elqb_is_null(q, U.name));
    elqb_order_by(copy, U.id);
    CHECK(elqb_render(q, s),
          "SELECT \"users\".\"id\", \"users\".\"email\" FROM \"users\" WHERE "
          "\"users\".\"age\" > $1", INT4);
    CHECK(elqb_render(q, copy),
          "SELECT \"users\".\"id\", \"users\".\"name\" FROM \"users\" WHERE "
          "\"users\".\"age\" > $1 AND \"users\".\"name\" IS NULL ORDER BY "
          "\"users\".\"id\"", INT4);
    count = elqb_select_copy(copy);
    elqb_clear_columns(count);
    elqb_clear_order_by(count);
    elqb_columns(count, elqb_count(q));
    elqb_from(count, O.table);
    CHECK(elqb_render(q, count),
          "SELECT \"count\"(*) FROM \"users\", \"orders\" WHERE "
          "\"users\".\"age\" > $1 AND \"users\".\"name\" IS NULL", INT4);
    ck_assert_ptr_null(elqb_select_copy(NULL));
}
END_TEST

/* Places of columns are digits, whatever integer they come from. */
START_TEST(test_places)
{
    elqb_select *s = elqb_select_new(q), *all;

    elqb_columns(s, U.id, U.name);
    elqb_from(s, U.table);
    elqb_distinct_on(s, elqb_lit((size_t)2));
    elqb_group_by(s, elqb_lit(1LL), elqb_rollup(q, elqb_lit(2LL)));
    elqb_order_by(s, elqb_lit(2L), elqb_desc(q, elqb_lit((int64_t)1)),
                  elqb_lit(3000000000));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT DISTINCT ON (2) `users`.`id`, `users`.`name` FROM "
                 "`users` GROUP BY 1, ROLLUP (2) ORDER BY 2, 1 DESC, "
                 "3000000000::int8");
    all = elqb_union(q, ids(), ids());
    elqb_order_by(all, elqb_lit((size_t)1), elqb_asc(q, elqb_lit(1LL)));
    CHECK_QUOTED(elqb_render(q, all),
                 "SELECT `users`.`id` FROM `users` UNION SELECT `users`.`id` "
                 "FROM `users` ORDER BY 1, 1 ASC");
}
END_TEST

START_TEST(test_clear)
{
    elqb_select *s = ids();

    elqb_distinct_on(s, U.id);
    elqb_group_by(s, U.id);
    elqb_group_by_distinct(s);
    elqb_clear_distinct(s);
    elqb_clear_group_by(s);
    CHECK(elqb_render(q, s), "SELECT \"users\".\"id\" FROM \"users\"");
    elqb_distinct(s);
    elqb_group_by(s, U.id);
    CHECK(elqb_render(q, s), "SELECT DISTINCT \"users\".\"id\" FROM "
                             "\"users\" GROUP BY \"users\".\"id\"");
    elqb_clear_distinct(s);
    CHECK(elqb_render(q, s), "SELECT \"users\".\"id\" FROM \"users\" GROUP "
                             "BY \"users\".\"id\"");
}
END_TEST

/* Nothing changes a statement but its verbs: not rendering, not nothing. */
START_TEST(test_metamorphic)
{
    elqb_select *s = ids(), *same = ids();
    const elpq_statement *first, *second, *third;

    for (int i = 0; i < 2; i++) {
        elqb_select *target = i ? same : s;

        elqb_where(target, elqb_eq(q, U.name, V(i ? "other" : "one")));
        elqb_limit(target, V(i ? 99 : 1));
    }
    elqb_where(same, ELQB_NONE);
    elqb_having(same, ELQB_NONE);
    elqb_order_by(same, ELQB_NONE);
    elqb_group_by(same, ELQB_NONE, ELQB_NONE);
    elqb_columns(same, ELQB_NONE);
    elqb_offset(same, ELQB_NONE);
    first = elqb_render(q, s);
    second = elqb_render(q, s);
    third = elqb_render(q, same);
    ck_assert_ptr_ne(first, second);
    ck_assert_str_eq(first->sql, second->sql);
    ck_assert_str_eq(first->sql, third->sql);
    ck_assert_str_eq(first->values[0].u.bytes.data, "one");
    ck_assert_str_eq(third->values[0].u.bytes.data, "other");
    ck_assert_int_eq(third->values[1].u.int64, 99);
}
END_TEST

/* What a leaf points to may go away once it was used. */
START_TEST(test_borrowed)
{
    char name[] = "bob", alias[] = "boss", column[] = "age", label[] = "l";
    int numbers[] = { 1, 2 };
    const char *strings[] = { name };
    elqb_select *s = elqb_select_new(q);
    users_t B = users_as(alias);
    const elpq_statement *st;

    elqb_columns(s, B.id, elqb_as(q, elqb_c(B.table, column), label));
    elqb_from(s, B.table);
    elqb_where(s, elqb_eq(q, B.name, V(name)));
    elqb_where(s, elqb_any_of(q, B.id, numbers, 2));
    elqb_where(s, elqb_any_of(q, B.name, strings, 1));
    memset(name, 'x', 3);
    memset(alias, 'x', 4);
    memset(column, 'x', 3);
    label[0] = 'x';
    numbers[0] = 9;
    strings[0] = NULL;
    st = elqb_render(q, s);
    CHECK(st, "SELECT \"boss\".\"id\", \"boss\".\"age\" AS \"l\" FROM "
              "\"users\" AS \"boss\" WHERE \"boss\".\"name\" = $1 AND "
              "\"boss\".\"id\" = ANY ($2) AND \"boss\".\"name\" = ANY ($3)",
          TEXT, ELPQ_OID_INT4_ARRAY, ELPQ_OID_TEXT_ARRAY);
    ck_assert_str_eq(st->values[0].u.bytes.data, "bob");
    ck_assert_int_eq(((const int *)st->values[1].u.array.items)[0], 1);
    ck_assert_str_eq(((const char *const *)st->values[2].u.array.items)[0],
                     "bob");
}
END_TEST

START_TEST(test_mistakes)
{
    elqb_select *s = elqb_select_new(q);

    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: a select has no columns, see elqb_columns()");
    s = elqb_select_new(q);
    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, V(1)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join: there is nothing to join, see elqb_from()");
    s = ids();
    elqb_join(s, ELQB_LEFT, O.table, ELQB_NONE);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join: the condition is ELQB_NONE");
    s = ids();
    elqb_join(s, ELQB_CROSS, O.table, U.active);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_join: a cross join takes no condition");
    CHECK_FAILS(elqb_render(q, (elqb_select *)NULL), ELQB_E_USAGE,
                "elqb_render: the statement is NULL");
    s = ids();
    elqb_where(s, elqb_exists(q, NULL));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_exists: the select is NULL");
    CHECK_FAILS(elqb_render(q, U.id), ELQB_E_USAGE,
                "elqb_render: of expressions only elqb_text() is a statement");
    s = ids();
    elqb_where(s, elqb_exists(q, s)); /* a select inside itself */
    CHECK_FAILS(elqb_render(q, s), ELQB_E_LIMIT,
                "elqb_render: nested more than 1000 levels deep");
}
END_TEST

/* EXISTS asks for rows, and not what is in them. */
START_TEST(test_no_columns)
{
    elqb_select *s = elqb_select_new(q), *none = elqb_select_new(q);

    elqb_from(none, O.table);
    elqb_where(none, elqb_eq(q, O.user_id, U.id));
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_exists(q, none));
    CHECK(elqb_render(q, s),
          "SELECT \"users\".\"id\" FROM \"users\" WHERE EXISTS (SELECT FROM "
          "\"orders\" WHERE \"orders\".\"user_id\" = \"users\".\"id\")");
    none = elqb_select_new(q);
    elqb_from(none, O.table);
    elqb_distinct(none);
    CHECK_FAILS(elqb_render(q, none), ELQB_E_USAGE,
                "elqb_render: a select has no columns, see elqb_columns()");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_select");
    TCase *tcase = qb_case(suite, "select");

    tcase_add_test(tcase, test_whole);
    tcase_add_test(tcase, test_distinct);
    tcase_add_test(tcase, test_from);
    tcase_add_test(tcase, test_subqueries);
    tcase_add_test(tcase, test_nested_conditions);
    tcase_add_test(tcase, test_copy);
    tcase_add_test(tcase, test_places);
    tcase_add_test(tcase, test_clear);
    tcase_add_test(tcase, test_metamorphic);
    tcase_add_test(tcase, test_no_columns);
    tcase_add_test(tcase, test_borrowed);
    tcase_add_test(tcase, test_mistakes);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * GROUP BY with sets, ORDER BY USING, FETCH ... WITH TIES, FOR UPDATE, and
 * copies of selects that have them.
 */
#include "check_qb.h"

enum { INT4 = ELPQ_OID_INT4, INT8 = ELPQ_OID_INT8, TEXT = ELPQ_OID_TEXT };

/* SELECT "users"."id" FROM "users" */
static elqb_select *ids(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    return s;
}
#define IDS "SELECT `users`.`id` FROM `users`"

static elqb_select *grouped(elqb_expr item)
{
    elqb_select *s = ids();

    elqb_group_by(s, U.id, item);
    return s;
}
#define GROUPED(item) elqb_render(q, grouped(item))
#define BY IDS " GROUP BY `users`.`id`"

START_TEST(test_sets)
{
    elqb_expr a = U.name, b = U.age, c = U.active;

    CHECK_QUOTED(GROUPED(elqb_rollup(q, a, elqb_row(q, b, c))),
                 BY ", ROLLUP (`users`.`name`, (`users`.`age`, "
                 "`users`.`active`))");
    CHECK_QUOTED(GROUPED(elqb_cube(q, elqb_grouping_set(q, a, b), c)),
                 BY ", CUBE ((`users`.`name`, `users`.`age`), "
                 "`users`.`active`)");
    CHECK_QUOTED(GROUPED(elqb_grouping_sets(
                     q, a, elqb_row(q, a), elqb_row(q, a, b),
                     elqb_grouping_set(q), elqb_rollup(q, b, c),
                     elqb_grouping_sets(q, elqb_cube(q, a, b),
                                        elqb_grouping_set(q)))),
                 BY ", GROUPING SETS (`users`.`name`, (`users`.`name`), "
                 "(`users`.`name`, `users`.`age`), (), ROLLUP (`users`.`age`, "
                 "`users`.`active`), GROUPING SETS (CUBE (`users`.`name`, "
                 "`users`.`age`), ()))");
    CHECK_QUOTED(GROUPED(elqb_grouping_set(q)), BY ", ()");
    CHECK_QUOTED(GROUPED(elqb_grouping_set(q, a)), BY ", (`users`.`name`)");
    CHECK_QUOTED(GROUPED(elqb_rollup(q, ELQB_NONE, a, ELQB_NONE)),
                 BY ", ROLLUP (`users`.`name`)");
    CHECK_QUOTED(GROUPED(elqb_cube(q, ELQB_NONE)), BY);
    CHECK_QUOTED(GROUPED(elqb_rollup_v(q, NULL)), BY);
}
END_TEST

/* The same expression is the same $1 in a set, in GROUPING and in a column. */
START_TEST(test_grouping)
{
    elqb_expr day = elqb_func(q, "date_trunc", V("day"), U.created_at);
    elqb_expr which = elqb_grouping(q, day, U.name);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, day, which);
    elqb_from(s, U.table);
    elqb_group_by(s, elqb_rollup(q, day, U.name));
    elqb_group_by_distinct(s);
    elqb_having(s, elqb_lt(q, which, V(3LL)));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `date_trunc`($1, `users`.`created_at`), "
                 "GROUPING(`date_trunc`($1, `users`.`created_at`), "
                 "`users`.`name`) FROM `users` GROUP BY DISTINCT ROLLUP "
                 "(`date_trunc`($1, `users`.`created_at`), `users`.`name`) "
                 "HAVING GROUPING(`date_trunc`($1, `users`.`created_at`), "
                 "`users`.`name`) < $2", 0, INT4);
    elqb_group_by_distinct(NULL);
}
END_TEST

START_TEST(test_grouping_mistakes)
{
    elqb_expr deep = U.name;
    elqb_select *s = ids();

    CHECK_FAILS(GROUPED(elqb_rollup(q, elqb_cube(q, U.id))), ELQB_E_USAGE,
                "elqb_rollup: such an item is only for elqb_grouping_sets()");
    CHECK_FAILS(GROUPED(elqb_cube(q, elqb_grouping_set(q))), ELQB_E_USAGE,
                "elqb_cube: such an item is only for elqb_grouping_sets()");
    CHECK_FAILS(GROUPED(elqb_grouping_set(q, elqb_grouping_set(q, U.id))),
                ELQB_E_USAGE, "elqb_grouping_set: such an item is only for "
                "elqb_grouping_sets()");
    s = ids();
    elqb_columns(s, elqb_rollup(q, U.id));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, "elqb_render: ROLLUP, CUBE "
                "or a grouping set outside of GROUP BY");
    s = ids();
    elqb_order_by(s, elqb_not(q, elqb_grouping_sets(q, U.id)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, "elqb_render: ROLLUP, CUBE "
                "or a grouping set outside of GROUP BY");
    for (int i = 0; i < 2000; i++)
        deep = elqb_grouping_sets(q, deep);
    CHECK_FAILS(GROUPED(deep), ELQB_E_LIMIT,
                "elqb_render: nested more than 1000 levels deep");
    ck_assert(elqb_is_none(elqb_rollup(NULL, U.id)));
}
END_TEST

/* ---------------------------------------------------------------- ORDER BY */

START_TEST(test_order_using)
{
    elqb_select *s = ids();
    elqb_expr down = elqb_order_using(q, U.age, ">");

    elqb_order_by(s, down, elqb_nulls_last(q, down),
                  elqb_order_using(q, elqb_nulls_first(q, U.name), "~<~"),
                  elqb_nulls_first(q, elqb_desc(q, elqb_collate(q, U.name,
                                                                "C"))));
    CHECK_QUOTED(elqb_render(q, s),
                 IDS " ORDER BY `users`.`age` USING >, `users`.`age` USING > "
                 "NULLS LAST, `users`.`name` USING ~<~ NULLS FIRST, "
                 "`users`.`name` COLLATE `C` DESC NULLS FIRST");
    s = ids();
    elqb_order_by(s, elqb_asc(q, down));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_asc: the order contradicts itself");
    s = ids();
    elqb_order_by(s, elqb_order_using(q, elqb_desc(q, U.id), "<"));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_order_using: the order contradicts itself");
    s = ids();
    elqb_order_by(s, elqb_order_using(q, elqb_order_using(q, U.id, "<"), "<"));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_order_using: the order contradicts itself");
    elqb_order_using(q, U.id, "< --");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_order_using: \"< --\" is no operator");
}
END_TEST

/* ------------------------------------------------------------------- FETCH */

/* FETCH takes nothing with an operator in it. */
START_TEST(test_fetch)
{
    elqb_select *s = ids();

    elqb_order_by(s, U.age);
    elqb_fetch_ties(s, V(5));
#define AGED IDS " ORDER BY `users`.`age`"
    CHECK_QUOTED(elqb_render(q, s),
                 AGED " FETCH FIRST $1 ROWS WITH TIES", INT8);
    elqb_offset(s, V(2));
    CHECK_QUOTED(elqb_render(q, s),
                 AGED " OFFSET $1 FETCH FIRST $2 ROWS WITH TIES", INT8, INT8);
    elqb_offset(s, ELQB_NONE);
    elqb_fetch_ties(s, elqb_add(q, V(1), V(2)));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST ($1 + $2) ROWS WITH "
                                         "TIES", INT4, INT4);
    elqb_fetch_ties(s, elqb_lit(3));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST 3 ROWS WITH TIES");
    elqb_fetch_ties(s, elqb_lit((int64_t)3));
    CHECK_QUOTED(elqb_render(q, s),
                 AGED " FETCH FIRST (3::int8) ROWS WITH TIES");
    elqb_fetch_ties(s, elqb_lit(-3));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST (-3) ROWS WITH TIES");
    elqb_fetch_ties(s, elqb_raw(q, "1 + 1"));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST (1 + 1) ROWS WITH TIES");
    elqb_fetch_ties(s, elqb_cast(q, V("3"), "int"));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST CAST($1 AS int) ROWS "
                                         "WITH TIES", INT4);
    elqb_fetch_ties(s, elqb_scalar(q, ids()));
    CHECK_QUOTED(elqb_render(q, s),
                 AGED " FETCH FIRST (" IDS ") ROWS WITH TIES");
    elqb_fetch_ties(s, elqb_case(q, elqb_lit(1), U.active, elqb_lit(2)));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST CASE WHEN "
                 "`users`.`active` THEN 2 ELSE 1 END ROWS WITH TIES");
    elqb_fetch_ties(s, elqb_subscript(q, elqb_array(q, elqb_lit(1)),
                                      elqb_lit(1)));
    CHECK_QUOTED(elqb_render(q, s), AGED " FETCH FIRST (ARRAY[1])[1] ROWS "
                                         "WITH TIES");
    elqb_limit(s, V(7)); /* the last call counts */
    CHECK_QUOTED(elqb_render(q, s), AGED " LIMIT $1", INT8);
    elqb_fetch_ties(s, ELQB_NONE);
    CHECK_QUOTED(elqb_render(q, s), AGED);
    elqb_fetch_ties(NULL, V(1));
}
END_TEST

START_TEST(test_fetch_mistakes)
{
    elqb_select *s = ids();

    elqb_fetch_ties(s, V(5));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: FETCH ... WITH TIES needs elqb_order_by()");
    s = ids();
    elqb_order_by(s, U.id);
    elqb_fetch_ties(s, V(5));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, "elqb_render: FETCH ... "
                "WITH TIES and SKIP LOCKED exclude each other");
}
END_TEST

/* -------------------------------------------------------------- FOR UPDATE */

START_TEST(test_locks)
{
    static const char *const strengths[] = {
        "UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"
    };
    static const char *const waits[] = { "", " NOWAIT", " SKIP LOCKED" };
    users_t B = users_as("b");
    accounts_t A = accounts_table();
    char wanted[200];
    elqb_select *s;

    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) {
            s = ids();
            elqb_for(s, (elqb_strength)i, (elqb_wait)j);
            snprintf(wanted, sizeof(wanted), IDS " FOR %s%s", strengths[i],
                     waits[j]);
            CHECK_QUOTED(elqb_render(q, s), wanted);
        }
    s = ids();
    elqb_from(s, A.table);
    elqb_from(s, B.table);
    elqb_limit(s, V(1));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED, U.table, A.table);
    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT, B.table);
    elqb_for(s, ELQB_FOR_KEY_SHARE, ELQB_WAIT);
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `users`.`id` FROM `users`, `crm`.`accounts`, `users` "
                 "AS `b` LIMIT $1 FOR UPDATE OF `users`, `accounts` SKIP "
                 "LOCKED FOR SHARE OF `b` NOWAIT FOR KEY SHARE", INT8);
    elqb_clear_for(s);
    elqb_limit(s, ELQB_NONE);
    CHECK_QUOTED(elqb_render(q, s),
                 IDS ", `crm`.`accounts`, `users` AS `b`");
}
END_TEST

START_TEST(test_lock_mistakes)
{
    elqb_select *s = ids();
    elqb_table v;

    elqb_for(s, (elqb_strength)4, ELQB_WAIT);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, "elqb_for: no such lock");
    s = ids();
    elqb_for(s, ELQB_FOR_UPDATE, (elqb_wait)3);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, "elqb_for: no such lock");
    s = ids();
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, elqb_table_named(NULL, ""));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_NAME, "elqb_for: the name is empty");
    v = elqb_subquery(q, ids(), "v");
    elqb_reset(q);
    s = elqb_select_new(q);
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, v);
    ck_assert_ptr_null(elqb_render(q, s));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_FOREIGN);
    elqb_for_v(NULL, ELQB_FOR_UPDATE, ELQB_WAIT, NULL);
    elqb_clear_for(NULL);
}
END_TEST

/* ------------------------------------------------------------------ copies */

/* A copy renders alike, and neither changes with the other. */
START_TEST(test_copies)
{
    elqb_table n = elqb_table_func(q, elqb_func(q, "generate_series", V(1),
                                                V(2)), "n");
    elqb_select *s = ids(), *copy, *other;
    const char *before, *after, *debug;

    elqb_from(s, elqb_values_table(q, "v", ELQB_COLS(ELQB_COL("x", "int4")),
                                   elqb_row(q, V(1))));
    elqb_from(s, elqb_with_ordinality(q, n));
    elqb_join_using(s, ELQB_LEFT, O.table, O.id);
    elqb_join_natural(s, ELQB_LEFT, P.table);
    elqb_group_by(s, elqb_rollup(q, U.id));
    elqb_group_by_distinct(s);
    elqb_order_by(s, elqb_order_using(q, U.id, "<"));
    elqb_fetch_ties(s, V(3));
    elqb_offset(s, V(4));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_NOWAIT, U.table);
    before = elqb_render(q, s)->sql;
    debug = elqb_debug(q, s);
    ck_assert_int_eq(strncmp(debug, "<debug> ", 8), 0);
    ck_assert_ptr_null(strchr(debug, '$'));
    ck_assert_ptr_null(parse_error(debug + 8));
    copy = elqb_select_copy(s);
    ck_assert_str_eq(elqb_render(q, copy)->sql, before);
    other = elqb_select_copy(copy);
    elqb_from(copy, users_as("b").table);
    elqb_join_natural(copy, ELQB_FULL, users_as("c").table);
    elqb_group_by(copy, elqb_cube(q, U.name));
    elqb_order_by(copy, U.name);
    elqb_limit(copy, V(1));
    elqb_for(copy, ELQB_FOR_SHARE, ELQB_WAIT);
    elqb_clear_for(other);
    elqb_for(other, ELQB_FOR_KEY_SHARE, ELQB_WAIT);
    ck_assert_str_eq(elqb_render(q, s)->sql, before);
    after = elqb_render(q, copy)->sql;
    CHECK_QUOTED(elqb_render(q, copy),
                 "SELECT `users`.`id` FROM `users`, (VALUES ($1)) AS `v` "
                 "(`x`), `generate_series`($2, $3) WITH ORDINALITY AS `n` "
                 "LEFT JOIN `orders` USING (`id`) NATURAL LEFT JOIN "
                 "`products`, `users` AS `b` NATURAL FULL JOIN `users` AS `c` "
                 "GROUP BY DISTINCT ROLLUP (`users`.`id`), CUBE "
                 "(`users`.`name`) ORDER BY `users`.`id` USING <, "
                 "`users`.`name` LIMIT $4 OFFSET $5 FOR UPDATE OF `users` "
                 "NOWAIT FOR SHARE", INT4, INT4, INT4, INT8, INT8);
    CHECK_QUOTED(elqb_render(q, other),
                 "SELECT `users`.`id` FROM `users`, (VALUES ($1)) AS `v` "
                 "(`x`), `generate_series`($2, $3) WITH ORDINALITY AS `n` "
                 "LEFT JOIN `orders` USING (`id`) NATURAL LEFT JOIN "
                 "`products` GROUP BY DISTINCT ROLLUP (`users`.`id`) ORDER BY "
                 "`users`.`id` USING < OFFSET $4 FETCH FIRST $5 ROWS WITH "
                 "TIES FOR KEY SHARE", INT4, INT4, INT4, INT8, INT8);
    /* what the original does later is not in the copy */
    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT);
    elqb_join_natural(s, ELQB_LEFT, users_as("d").table);
    ck_assert_str_eq(elqb_render(q, copy)->sql, after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_grouping");
    TCase *tcase = qb_case(suite, "clauses");

    tcase_add_test(tcase, test_sets);
    tcase_add_test(tcase, test_grouping);
    tcase_add_test(tcase, test_grouping_mistakes);
    tcase_add_test(tcase, test_order_using);
    tcase_add_test(tcase, test_fetch);
    tcase_add_test(tcase, test_fetch_mistakes);
    tcase_add_test(tcase, test_locks);
    tcase_add_test(tcase, test_lock_mistakes);
    tcase_add_test(tcase, test_copies);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The text of keyset pagination; tests/server/check_qb_seek.c proves that its
 * pages are right.
 */
#include "check_qb.h"

enum { INT4 = ELPQ_OID_INT4, INT8 = ELPQ_OID_INT8, TEXT = ELPQ_OID_TEXT };

static const elpq_statement *render_where(elqb_expr where)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_lit(1));
    elqb_where(s, where);
    return elqb_render(q, s);
}

#define SEEK(...) render_where(elqb_seek(q, __VA_ARGS__))
#define WHERE "SELECT 1 WHERE "
#define NULL_VALUE elqb_value(elpq_null(0))

START_TEST(test_alike)
{
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(U.id, V(7))),
                 WHERE "`users`.`id` > $1", INT4);
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(elqb_desc(q, O.id), V(7))),
                 WHERE "`orders`.`id` < $1", INT8);
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(elqb_asc(q, U.name), V("bob")),
                      ELQB_KEY_NOT_NULL(elqb_nulls_first(q, U.age), V(3LL)),
                      ELQB_KEY_NOT_NULL(U.id, V(7))),
                 WHERE "(`users`.`name`, `users`.`age`, `users`.`id`) > ($1, "
                 "$2, $3)", TEXT, INT4, INT4);
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(elqb_desc(q, elqb_collate(q, U.name,
                                                                  "C")),
                                        V("bob")),
                      ELQB_KEY_NOT_NULL(elqb_desc(q, U.id), V(7))),
                 WHERE "(`users`.`name` COLLATE `C`, `users`.`id`) < ($1, $2)",
                 TEXT, INT4);
}
END_TEST

START_TEST(test_mixed)
{
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(elqb_desc(q, U.age), V(3)),
                      ELQB_KEY_NOT_NULL(U.id, V(7))),
                 WHERE "`users`.`age` <= $1 AND (`users`.`age` < $1 OR "
                 "`users`.`id` > $2)", INT4, INT4);
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(elqb_desc(q, U.age), V(3)),
                      ELQB_KEY_NOT_NULL(U.name, V("x")),
                      ELQB_KEY_NOT_NULL(U.id, V(7))),
                 WHERE "`users`.`age` <= $1 AND (`users`.`age` < $1 OR "
                 "(`users`.`name`, `users`.`id`) > ($2, $3))", INT4, TEXT,
                 INT4);
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(U.age, V(3)),
                      ELQB_KEY_NOT_NULL(elqb_desc(q, U.name), V("x")),
                      ELQB_KEY_NOT_NULL(U.id, V(7))),
                 WHERE "`users`.`age` >= $1 AND (`users`.`age` > $1 OR "
                 "`users`.`name` <= $2 AND (`users`.`name` < $2 OR "
                 "`users`.`id` > $3))", INT4, TEXT, INT4);
}
END_TEST

/* NULL or not, the text is the same. */
START_TEST(test_nullable)
{
    elqb_expr down = elqb_desc(q, U.age);
    const elqb_expr values[] = { V(3), NULL_VALUE,
                                 elqb_value(elpq_null(INT4)) };

    for (int i = 0; i < 3; i++) {
        CHECK_QUOTED(SEEK(ELQB_KEY_NULLABLE(U.age, values[i]),
                          ELQB_KEY_NOT_NULL(U.id, V(7))),
                     WHERE "`users`.`age` > $1 OR `users`.`age` IS NULL AND "
                     "$1 IS NOT NULL OR `users`.`age` IS NOT DISTINCT FROM $1 "
                     "AND `users`.`id` > $2", INT4, INT4);
        CHECK_QUOTED(SEEK(ELQB_KEY_NULLABLE(elqb_nulls_first(q, U.age),
                                            values[i])),
                     WHERE "`users`.`age` > $1 OR $1 IS NULL AND "
                     "`users`.`age` IS NOT NULL", INT4);
        CHECK_QUOTED(SEEK(ELQB_KEY_NULLABLE(down, values[i])),
                     WHERE "`users`.`age` < $1 OR $1 IS NULL AND "
                     "`users`.`age` IS NOT NULL", INT4);
        CHECK_QUOTED(SEEK(ELQB_KEY_NULLABLE(elqb_nulls_last(q, down),
                                            values[i])),
                     WHERE "`users`.`age` < $1 OR `users`.`age` IS NULL AND "
                     "$1 IS NOT NULL", INT4);
    }
}
END_TEST

/* Values are anything; each is one parameter. */
START_TEST(test_values)
{
    elqb_params(q, ELQB_ARG("age", V(3)));
    CHECK_QUOTED(SEEK(ELQB_KEY_NULLABLE(U.age, elqb_bind("age", INT4)),
                      ELQB_KEY_NOT_NULL(U.id, elqb_add(q, V(1), V(2)))),
                 WHERE "`users`.`age` > $1 OR `users`.`age` IS NULL AND $1 IS "
                 "NOT NULL OR `users`.`age` IS NOT DISTINCT FROM $1 AND "
                 "`users`.`id` > $2 + $3", INT4, INT4, INT4);
    CHECK_QUOTED(SEEK(ELQB_KEY_NULLABLE(O.status, V("new")),
                      ELQB_KEY_NOT_NULL(elqb_func(q, "lower", U.name),
                                        V("x"))),
                 WHERE "`orders`.`status` > $1 OR `orders`.`status` IS NULL "
                 "AND $1 IS NOT NULL OR `orders`.`status` IS NOT DISTINCT "
                 "FROM $1 AND `lower`(`users`.`name`) > $2", 0, TEXT);
}
END_TEST

START_TEST(test_first_page)
{
    ck_assert(elqb_is_none(elqb_seek(q, ELQB_KEY_NULLABLE(U.age, ELQB_NONE),
                                     ELQB_KEY_NOT_NULL(U.id, ELQB_NONE))));
    CHECK_QUOTED(SEEK(ELQB_KEY_NOT_NULL(U.age, ELQB_NONE)), "SELECT 1");
}
END_TEST

START_TEST(test_mistakes)
{
    elqb_expr order;

    CHECK_FAILS(SEEK(ELQB_KEY_NOT_NULL(U.age, V(1)),
                     ELQB_KEY_NOT_NULL(U.id, ELQB_NONE)), ELQB_E_USAGE,
                "elqb_seek: an operand is ELQB_NONE");
    CHECK_FAILS(render_where(elqb_seek_v(q, NULL)), ELQB_E_USAGE,
                "elqb_seek: there are no keys");
    CHECK_FAILS(SEEK(ELQB_KEY_NOT_NULL(U.age, V(1)),
                     ELQB_KEY_NOT_NULL(U.id, NULL_VALUE)), ELQB_E_USAGE,
                "elqb_seek: the value of key 2 is NULL, see "
                "ELQB_KEY_NULLABLE()");
    CHECK_FAILS(SEEK(ELQB_KEY_NOT_NULL(elqb_order_using(q, U.age, "<"), V(1))),
                ELQB_E_USAGE, "elqb_seek: key 1 is ordered by an operator, "
                "use asc or desc");
    order = elqb_desc(q, U.age);
    elqb_reset(q);
    ck_assert_ptr_null(SEEK(ELQB_KEY_NOT_NULL(order, V(1))));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_FOREIGN);
    ck_assert(elqb_is_none(elqb_seek(NULL, ELQB_KEY_NOT_NULL(U.id, V(1)))));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_seek");
    TCase *tcase = qb_case(suite, "seek");

    tcase_add_test(tcase, test_alike);
    tcase_add_test(tcase, test_mixed);
    tcase_add_test(tcase, test_nullable);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_first_page);
    tcase_add_test(tcase, test_mistakes);
    return qb_main(suite);
}

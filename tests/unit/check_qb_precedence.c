/* SPDX-License-Identifier: PostgreSQL */
/*
 * Precedence, proved against the server's grammar: random trees of every
 * operator and form are rendered by the library, with as few parentheses as it
 * dares, and printed with parentheses around everything.  The parser must see
 * the same tree in both.
 *
 * ELPQ_TEST_TREES=n makes so many trees ("make soak": a million), and
 * ELPQ_TEST_SEED=n others.
 */
#include "qb_trees.h"

#define TREES 30000

START_TEST(test_trees)
{
    long long trees = test_number("ELPQ_TEST_TREES", qb_rounds(TREES));
    size_t parentheses = 0, all = 0;

    random_state += (uint64_t)test_number("ELPQ_TEST_SEED", 0);
    for (long long i = 0; i < trees; i++) {
        const elpq_statement *st = make_both(1 + (int)random_below(5));

        same_tree(i, st->sql);
        for (const char *p = st->sql; *p; p++)
            parentheses += *p == '(';
        for (const char *p = out.text; *p; p++)
            all += *p == '(';
        elqb_reset(q);
    }
    ck_assert_uint_lt(parentheses, all); /* the two did differ */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_precedence");
    TCase *tcase = qb_case(suite, "precedence");

    tcase_set_timeout(tcase, getenv("ELPQ_TEST_TREES") ? 3600 : 120);
    tcase_add_test(tcase, test_trees);
    return qb_main(suite);
}

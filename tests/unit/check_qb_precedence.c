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

static long long number_of(const char *variable, long long otherwise)
{
    const char *value = getenv(variable);

    return value && *value ? strtoll(value, NULL, 10) : otherwise;
}

START_TEST(test_trees)
{
    long long trees = number_of("ELPQ_TEST_TREES", qb_rounds(TREES));
    size_t parentheses = 0, all = 0;

    random_state += (uint64_t)number_of("ELPQ_TEST_SEED", 0);
    for (long long i = 0; i < trees; i++) {
        const elpq_statement *st = make_both(1 + (int)random_below(5));
        char *is = parse_tree(st->sql), *wanted = parse_tree(out.text);

#ifdef HAVE_PG_QUERY
        ck_assert_msg(wanted != NULL, "bad test: %s", out.text);
        ck_assert_msg(is != NULL, "unparseable: %s", st->sql);
        ck_assert_msg(strcmp(is, wanted) == 0,
                      "tree %lld:\n  is   %s\n  not  %s", i, st->sql, out.text);
#endif
        for (const char *p = st->sql; *p; p++)
            parentheses += *p == '(';
        for (const char *p = out.text; *p; p++)
            all += *p == '(';
        free(is);
        free(wanted);
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

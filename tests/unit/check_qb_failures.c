/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every allocation of a program that uses every constructor fails once.
 *
 * The arena has blocks of one allocation each here: what it hands out fails at
 * each call, not only where a block ends.
 */
#define FIRST_BLOCK 4096
#define LARGEST_STEP 1
#include "failing_arena.h"

#include "qb_program.h"

START_TEST(test_each_allocation_fails)
{
    struct qb_program p = { .noise = true, .copies = true, .twice = true };
    long n = 0, step = qb_rounds(100) < 100 ? 37 : 1;

    elqb_free(q);
    q = NULL;
    for (;; n += step) {
        bool done;

        until_failure = n;
        p.w = elqb_new();
        done = run_program(&p);
        until_failure = -1;
        if (!done) {
            ck_assert_int_eq(elqb_error_code(p.w), ELQB_E_NOMEM);
            ck_assert_str_eq(elqb_error(p.w), "out of memory");
        }
        if (!done && p.w && n % 64 == 0) { /* a reset makes it as good as new */
            elqb_reset(p.w);
            ck_assert_msg(run_program(&p), "%s", elqb_error(p.w));
        }
        elqb_free(p.w);
        ck_assert_int_eq(blocks, 0);
        if (done)
            break;
    }
    ck_assert_int_gt(n, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_failures");
    TCase *tcase = qb_case(suite, "failures");

    tcase_add_test(tcase, test_each_allocation_fails);
    return qb_main(suite);
}

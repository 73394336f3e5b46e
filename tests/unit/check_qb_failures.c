/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every allocation of a program that uses every constructor fails once.
 *
 * The builder allocates in arena.c alone, which is compiled into this program
 * with a malloc that can fail, and with blocks of one allocation each: what
 * the arena hands out fails at each call, not only where a block ends.
 */
#include <stdlib.h>

static long until_failure = -1; /* -1: never */
static long allocations;
static long blocks; /* not freed yet */

static void *test_malloc(size_t size)
{
    void *p;

    if (until_failure == 0)
        return NULL;
    if (until_failure > 0)
        until_failure--;
    allocations++;
    p = malloc(size);
    blocks += p != NULL;
    return p;
}

static void test_free(void *p)
{
    blocks -= p != NULL;
    free(p);
}

#define malloc test_malloc
#define free test_free
#define FIRST_BLOCK 4096
#define LARGEST_STEP 1
#include "qb/arena.c"
#undef malloc
#undef free

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

/* The same with the blocks that a workspace has after its first round. */
START_TEST(test_steady_state)
{
    struct qb_program p = { .noise = true, .copies = true };
    long before;

    for (int i = 0; i < 4; i++) {
        p.w = q;
        elqb_reset(q);
        before = allocations;
        ck_assert_msg(run_program(&p), "%s", elqb_error(q));
    }
    /* what was compiled is no part of the workspace */
    ck_assert_int_lt(allocations - before, 40);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_failures");
    TCase *tcase = qb_case(suite, "failures");

    tcase_add_test(tcase, test_each_allocation_fails);
    tcase_add_test(tcase, test_steady_state);
    return qb_main(suite);
}

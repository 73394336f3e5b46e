/* SPDX-License-Identifier: PostgreSQL */
/*
 * Pauses before something is tried again: they double up to their bound, and
 * are spread, so that those who failed together do not come back together.
 */
#include <check.h>
#include <limits.h>
#include <stdlib.h>

#include "../../lib/backoff.h"

#define MANY 1000
#define PARTS 10

/* Half of what is due at least, and all of it at most. */
START_TEST(pauses_double_up_to_their_bound)
{
    uint64_t state = elpq__random_seed(1, &state);

    for (unsigned failures = 0; failures < 100; failures++) {
        int64_t due = failures < 8 ? 10 << failures : 2000;
        int64_t usec = elpq__backoff_usec(&state, failures, 10, 2000);

        ck_assert_int_ge(usec, due / 2 * 1000);
        ck_assert_int_le(usec, due * 1000);
    }
}
END_TEST

START_TEST(the_largest_numbers_do_not_overflow)
{
    uint64_t state = elpq__random_seed(-1, &state);
    int64_t usec = elpq__backoff_usec(&state, UINT_MAX, INT_MAX, INT_MAX);

    ck_assert_int_ge(usec, INT_MAX / 2 * INT64_C(1000));
    ck_assert_int_le(usec, INT_MAX * INT64_C(1000));
    ck_assert_int_eq(elpq__backoff_usec(&state, UINT_MAX, 0, 0), 0);
}
END_TEST

/* A thousand that fail in the same moment: no tenth of the time has many more
 * of them than another one. */
START_TEST(those_who_failed_together_are_spread)
{
    static char objects[MANY * 64];
    int parts[PARTS] = { 0 };

    for (int i = 0; i < MANY; i++) {
        uint64_t state = elpq__random_seed(12345678, objects + i * 64);
        int64_t usec = elpq__backoff_usec(&state, 4, 100, 1600);

        parts[(usec - 800000) * PARTS / 800001]++;
    }
    for (int i = 0; i < PARTS; i++) {
        ck_assert_int_gt(parts[i], MANY / PARTS / 2);
        ck_assert_int_lt(parts[i], MANY / PARTS * 2);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("backoff");
    TCase *t = tcase_create("backoff");
    SRunner *runner;
    int failed;

    tcase_add_test(t, pauses_double_up_to_their_bound);
    tcase_add_test(t, the_largest_numbers_do_not_overflow);
    tcase_add_test(t, those_who_failed_together_are_spread);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

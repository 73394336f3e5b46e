/* SPDX-License-Identifier: PostgreSQL */
/*
 * The numbers of a pool: histograms, their percentiles, who left the line.
 */
#include "../support/harness.h"

START_TEST(histograms)
{
    elpq_pool *pool = pool_of(1);
    elpq_pool_statistics s;
    int i;

    for (i = 0; i < 20; i++)
        ask(pool, elpq_sql("select 1"));
    await_all();
    release(lease(pool));
    expect_ok(ask(pool, elpq_sql("select pg_sleep(0.02)")));
    s = stats(pool);
    ck_assert_uint_eq(s.wait.count, 22);
    ck_assert_uint_eq(s.usage.count, 22);
    ck_assert_uint_ge(s.usage.max_usec, 20000);
    ck_assert_uint_ge(s.usage.sum_usec, 20000);
    ck_assert_uint_ge(elpq_histogram_percentile(&s.usage, 100), 20000);
    ck_assert_uint_le(elpq_histogram_percentile(&s.usage, 50),
                      elpq_histogram_percentile(&s.usage, 99));
    ck_assert_uint_ge(s.wait.sum_usec, s.wait.max_usec);
    ck_assert_uint_gt(s.wait.max_usec, 0); /* for the connect */
    ck_assert_uint_gt(s.connect_usec, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(percentiles)
{
    elpq_histogram x = { 0 };

    ck_assert_uint_eq(elpq_histogram_percentile(&x, 50), 0);
    x.count = 100;
    x.buckets[0] = 40;
    x.buckets[4] = 50;
    x.buckets[20] = 10;
    x.max_usec = 600000;
    ck_assert_uint_eq(elpq_histogram_percentile(&x, 0), 0);
    ck_assert_uint_eq(elpq_histogram_percentile(&x, 40), 0);
    ck_assert_uint_eq(elpq_histogram_percentile(&x, 41), 15);
    ck_assert_uint_eq(elpq_histogram_percentile(&x, 90), 15);
    ck_assert_uint_eq(elpq_histogram_percentile(&x, 99), 600000);
}
END_TEST

START_TEST(who_leaves_the_line_is_counted)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_options soon = { .timeout_ms = 5 };
    struct answer *a = ask(pool, elpq_sql("select 1"));

    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    expect_error(ask_with(pool, elpq_sql("select 1"), &soon), ELPQ_E_TIMEOUT,
                 "", ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(stats(pool).left, 2);
    release(conn);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "numbers", 30);

    tcase_add_test(t, histograms);
    tcase_add_test(t, percentiles);
    tcase_add_test(t, who_leaves_the_line_is_counted);
}

int main(void)
{
    return harness_main("pool stats", build);
}

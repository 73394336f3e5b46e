/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory and limits: blocks that cannot be had, a workspace that is reset
 * allocates nothing, and trees that are wide, deep, or have too many
 * parameters.  check_qb_failures.c has allocations fail one by one.
 */
#include "failing_arena.h"

#include "qb_program.h"

#define ROUNDS 5 /* of the program, which then needs several blocks          */

static bool work(elqb *w)
{
    struct qb_program p = { .w = w, .noise = true, .copies = true,
                            .plain = true };

    for (int i = 0; i < ROUNDS; i++)
        if (!run_program(&p))
            return false;
    return true;
}

START_TEST(test_each_block_fails)
{
    bool done = false;
    long n = 0;

    for (; !done; n++) {
        elqb *w;

        until_failure = n;
        w = elqb_new();
        done = work(w);
        until_failure = -1;
        if (!done) {
            ck_assert_int_eq(elqb_error_code(w), ELQB_E_NOMEM);
            ck_assert_str_eq(elqb_error(w), "out of memory");
        }
        if (w) { /* a failed workspace is as good as new after a reset */
            elqb_reset(w);
            ck_assert_msg(work(w), "%s", elqb_error(w));
        }
        elqb_free(w);
    }
    ck_assert_int_gt(n, 5);
    elqb_free(q);
    q = NULL;
    ck_assert_int_eq(blocks, 0);
}
END_TEST

START_TEST(test_reset_allocates_nothing)
{
    const char *sql;
    long before;

    for (int i = 0; i < 2; i++) {
        ck_assert_msg(work(q), "%s", elqb_error(q));
        elqb_reset(q);
    }
    before = allocations;
    for (int i = 0; i < 10; i++) {
        ck_assert_msg(work(q), "%s", elqb_error(q));
        elqb_reset(q);
    }
    ck_assert_int_eq(allocations, before);
    sql = render_expr(elqb_eq(q, U.id, V(1)))->sql;
    ck_assert_str_eq(sql, "SELECT \"users\".\"id\" = $1");
}
END_TEST

static const elpq_statement *render_where(elqb_expr where)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, where);
    return elqb_render(q, s);
}

/* 100,000 terms, one by one. */
START_TEST(test_wide)
{
    elqb_expr all = ELQB_NONE, any = ELQB_NONE;
    const elpq_statement *st;

    for (int i = 0; i < 100000; i++) {
        all = elqb_and(q, all, elqb_is_null(q, U.name));
        any = elqb_or(q, any, elqb_eq(q, U.id, elqb_lit(i)));
    }
    st = render_where(all);
    ck_assert_ptr_nonnull(st);
    ck_assert_uint_gt(st->sql_len,
                      100000 * strlen("\"users\".\"name\" IS NULL"));
    ck_assert_ptr_nonnull(render_where(elqb_and(q, any, all)));
}
END_TEST

START_TEST(test_deep)
{
    elqb_expr nots = U.active, sums = U.id, both = U.active;

    for (int i = 0; i < 998; i++)
        nots = elqb_not(q, nots);
    ck_assert_ptr_nonnull(render_where(nots));
    for (int i = 0; i < 10000; i++) {
        nots = elqb_not(q, nots);
        sums = elqb_add(q, V(1), sums);
        both = elqb_and(q, U.active, elqb_or(q, U.active, both));
    }
    CHECK_FAILS(render_where(nots), ELQB_E_LIMIT,
                "elqb_render: nested more than 1000 levels deep");
    nots = sums = U.active;
    for (int i = 0; i < 10000; i++)
        sums = elqb_add(q, V(1), sums);
    CHECK_FAILS(render_where(elqb_eq(q, sums, V(1))), ELQB_E_LIMIT,
                "elqb_render: nested more than 1000 levels deep");
    (void)both;
}
END_TEST

/* The types of deep arrays are matched no deeper than they can be rendered. */
START_TEST(test_deep_arrays)
{
    elqb_expr e = elqb_array(q, V("a"));

    for (int i = 0; i < 200000; i++)
        e = elqb_array(q, e);
    CHECK_FAILS(render_where(elqb_eq(q, elqb_typed(U.tags, DATE_ARRAY), e)),
                ELQB_E_LIMIT,
                "elqb_render: nested more than 1000 levels deep");
}
END_TEST

/* One large statement does not make all that follow it as large. */
START_TEST(test_large_once)
{
    elqb_expr w = elqb_eq(q, U.id, V(1));
    const elpq_statement *large;
    size_t before;

    for (int i = 0; i < 15; i++)
        w = elqb_and(q, w, w);
    large = render_where(w);
    ck_assert_msg(large && large->sql_len > 500000, "%s", elqb_error(q));
    before = bytes_asked;
    for (int i = 0; i < 1000; i++)
        ck_assert_ptr_nonnull(render_where(elqb_eq(q, U.id, V(1))));
    ck_assert_uint_lt(bytes_asked - before, 20 * large->sql_len);
}
END_TEST

START_TEST(test_many_parameters)
{
    elqb_expr *list = calloc(65537, sizeof(*list));
    const elpq_statement *st;

    for (int i = 0; i < 65535; i++)
        list[i] = V(i);
    list[65535] = ELQB_END;
    st = render_where(elqb_in_v(q, U.id, list));
    ck_assert_ptr_nonnull(st);
    ck_assert_uint_eq(st->nvalues, 65535);
    ck_assert_str_eq(st->sql + st->sql_len - 8, " $65535)");
    ck_assert_int_eq(st->values[65534].u.int64, 65534);
    list[65535] = V(1);
    list[65536] = ELQB_END;
    CHECK_FAILS(render_where(elqb_in_v(q, U.id, list)), ELQB_E_LIMIT,
                "elqb_render: more than 65,535 parameters; pass lists as "
                "arrays");
    free(list);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_memory");
    TCase *tcase = qb_case(suite, "memory");

    tcase_add_test(tcase, test_each_block_fails);
    tcase_add_test(tcase, test_reset_allocates_nothing);
    tcase = qb_case(suite, "limits");
    tcase_add_test(tcase, test_wide);
    tcase_add_test(tcase, test_deep);
    tcase_add_test(tcase, test_deep_arrays);
    tcase_add_test(tcase, test_large_once);
    tcase_add_test(tcase, test_many_parameters);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * FROM items, grouping sets, locks and seek when memory runs out, at each
 * place where it can.
 *
 * As in check_qb_memory.c, the allocator of the builder is compiled into this
 * program with a malloc that can fail.
 */
#include <stdlib.h>

static long until_failure = -1; /* -1: never */
static long blocks;             /* not freed yet */

static void *test_malloc(size_t size)
{
    void *p;

    if (until_failure == 0)
        return NULL;
    if (until_failure > 0)
        until_failure--;
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
#define LARGEST_STEP 4096
#include "qb/arena.c"
#undef malloc
#undef free

#include "check_qb.h"

/* The pieces of work: each makes a few things and renders them. */

static const elpq_statement *all_of(elqb *w, elqb_table t)
{
    elqb_select *s = elqb_select_new(w);

    elqb_columns(s, elqb_star());
    elqb_from(s, t);
    return elqb_render(w, s);
}

static const elpq_statement *do_values(elqb *w)
{
    elqb_table v = elqb_values_table(
        w, "v", ELQB_COLS(ELQB_COL("a", "kind"), ELQB_COL("b", "")),
        elqb_row(w, V("x"), V(1)), elqb_row(w, V("y"), V(2)));

    elqb_col(w, v, "b");
    return all_of(w, elqb_lateral_of(w, v));
}

static const elpq_statement *do_function(elqb *w)
{
    elqb_table t = elqb_table_func(w, elqb_func(w, "f", V("x")), "t");

    all_of(w, elqb_define_columns(w, t, ELQB_COL("a", "int4")));
    t = elqb_with_ordinality(w, t);
    return all_of(w, elqb_alias_columns(w, t, ELQB_COL("a", "int4")));
}

static const elpq_statement *do_rows_from(elqb *w)
{
    elqb_expr call = elqb_func(w, "f", V("x"));

    return all_of(w, elqb_rows_from(w, "r", call,
                                    elqb_func_as(w, call,
                                                 ELQB_COL("a", "int4"))));
}

static const elpq_statement *do_sample(elqb *w)
{
    elqb_table t = elqb_tablesample_in(w, U.table, "public", "system", V(1));

    return all_of(w, elqb_repeatable(w, t, V(1)));
}

static const elpq_statement *do_joins(elqb *w)
{
    elqb_select *pair = elqb_select_new(w), *s = elqb_select_new(w);

    elqb_from(pair, U.table);
    for (int i = 0; i < 5; i++)
        elqb_join_using_as(pair, ELQB_LEFT, O.table, "j", O.id);
    elqb_join_natural(pair, ELQB_INNER, users_as("u").table);
    elqb_columns(s, V(1));
    return all_of(w, elqb_joined(w, pair, "pair"))
               ? all_of(w, elqb_lateral_of(w, elqb_subquery(w, s, "s")))
               : NULL;
}

static const elpq_statement *do_grouping(elqb *w)
{
    elqb_select *s = elqb_select_new(w);

    elqb_columns(s, elqb_grouping(w, U.id));
    elqb_from(s, U.table);
    elqb_group_by(s, elqb_grouping_sets(w, elqb_row(w, U.id, U.name),
                                        elqb_rollup(w, U.id),
                                        elqb_grouping_set(w, U.id)));
    elqb_order_by(s, elqb_order_using(w, U.id, "<"));
    elqb_fetch_ties(s, V(1));
    elqb_for(s, ELQB_FOR_SHARE, ELQB_NOWAIT, U.table, O.table);
    return elqb_render(w, elqb_select_copy(s));
}

static const elpq_statement *do_seek(elqb *w)
{
    elqb_select *s = elqb_select_new(w);

    elqb_columns(s, U.id);
    elqb_where(s, elqb_seek(w, ELQB_KEY_NOT_NULL(U.name, V("bob")),
                            ELQB_KEY_NULLABLE(elqb_desc(w, U.age), V(1)),
                            ELQB_KEY_NOT_NULL(U.email, V("x")),
                            ELQB_KEY_NOT_NULL(U.id, V(1))));
    return elqb_render(w, s);
}

static const elpq_statement *(*const pieces[])(elqb *) = {
    do_values, do_function, do_rows_from, do_sample,
    do_joins,  do_grouping, do_seek,
};
#define PIECES (int)(sizeof(pieces) / sizeof(pieces[0]))

/* The second block is the one that cannot be had.  More or less of the first
 * is taken beforehand, so that it is missed at every place in turn. */
START_TEST(test_each_allocation_fails)
{
    int failed = 0;

    for (size_t taken = 0; taken < 3900; taken += 8) {
        elqb *w = elqb_new();

        ck_assert_ptr_nonnull(w);
        if ((size_t)(w->end - w->at) < taken) {
            elqb_free(w);
            break;
        }
        elqb__alloc(w, taken);
        until_failure = 0;
        if (pieces[_i](w)) {
            ck_assert_int_eq(elqb_error_code(w), ELQB_OK);
        } else {
            failed++;
            ck_assert_int_eq(elqb_error_code(w), ELQB_E_NOMEM);
            ck_assert_str_eq(elqb_error(w), "out of memory");
        }
        until_failure = -1;
        elqb_reset(w); /* and it is as good as new */
        ck_assert_ptr_nonnull(pieces[_i](w));
        elqb_free(w);
    }
    ck_assert_int_gt(failed, 100);
    elqb_free(q);
    q = NULL;
    ck_assert_int_eq(blocks, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_from_memory");
    TCase *tcase = qb_case(suite, "memory");

    tcase_add_loop_test(tcase, test_each_allocation_fails, 0, PIECES);
    return qb_main(suite);
}

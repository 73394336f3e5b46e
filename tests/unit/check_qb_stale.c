/* SPDX-License-Identifier: PostgreSQL */
/*
 * CTEs, merges, definitions and set operations from before elqb_reset(), and
 * the later verbs of others: each says so.  The first are in check_qb_safety.c.
 */
#include "check_qb.h"

static elqb_cte *old_cte;
static elqb_merge *old_merge;
static elqb_when *old_update, *old_insert;
static elqb_ddl *old_table;
static elqb_select *old_select, *old_set;
static elqb_insert *old_rows;

static elqb_select *simple(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    return s;
}

static void make_old(void)
{
    old_cte = elqb_cte_new(q, "c");
    old_merge = elqb_merge_new(q, U.table);
    old_update = elqb_when_matched_update(old_merge, ELQB_NONE);
    old_insert = elqb_when_not_matched_insert(old_merge, ELQB_NONE);
    old_table = elqb_create_table(q, U, 0);
    old_select = simple();
    old_set = elqb_union(q, old_select, simple());
    old_rows = elqb_insert_new(q, U.table);
    elqb_reset(q);
    /* what would now lie in the same places if these were not kept */
    for (int i = 0; i < 20; i++)
        simple();
}

#define STALE(call, function)                                                 \
    do {                                                                      \
        make_old();                                                           \
        (void)(call);                                                         \
        CHECK_FAILS(elqb_select_new(q), ELQB_E_FOREIGN,                       \
                    function ": the statement is from before elqb_reset()");  \
    } while (0)
#define STALE_VERB(call, function) STALE(((call), 0), function)

START_TEST(test_ctes)
{
    STALE_VERB(elqb_cte_table(old_cte), "elqb_cte_table");
    STALE_VERB(elqb_cte_as(old_cte, simple()), "elqb_cte_as");
    STALE_VERB(elqb_cte_as(elqb_cte_new(q, "d"), old_select), "elqb_cte_as");
    STALE_VERB(elqb_cte_as(elqb_cte_new(q, "d"), old_rows), "elqb_cte_as");
    STALE_VERB(elqb_cte_recurse(old_cte, simple()), "elqb_cte_recurse");
    STALE_VERB(elqb_cte_recurse_distinct(old_cte, simple()),
               "elqb_cte_recurse_distinct");
    STALE_VERB(elqb_cte_recursive(old_cte), "elqb_cte_recursive");
    STALE_VERB(elqb_cte_materialized(old_cte, true), "elqb_cte_materialized");
    STALE_VERB(elqb_cte_columns(old_cte, U.id), "elqb_cte_columns");
    STALE_VERB(elqb_cte_search_depth(old_cte, "x", U.id),
               "elqb_cte_search_depth");
    STALE_VERB(elqb_cte_search_breadth(old_cte, "x", U.id),
               "elqb_cte_search_breadth");
    STALE_VERB(elqb_cte_cycle(old_cte, "m", "p", U.id), "elqb_cte_cycle");
    STALE_VERB(elqb_cte_cycle_values(old_cte, V(1), V(2)),
               "elqb_cte_cycle_values");
    STALE_VERB(elqb_with(simple(), old_cte), "elqb_with");
    STALE_VERB(elqb_with(old_select, elqb_cte_new(q, "d")), "elqb_with");
    STALE_VERB(elqb_with(old_merge, elqb_cte_new(q, "d")), "elqb_with");
}
END_TEST

START_TEST(test_merges)
{
    STALE(elqb_render(q, old_merge), "elqb_render");
    STALE(elqb_compile(q, old_merge), "elqb_compile");
    STALE(elqb_copy(old_merge), "elqb_merge_copy");
    STALE_VERB(elqb_merge_using(old_merge, O.table, V(true)),
               "elqb_merge_using");
    STALE_VERB(elqb_join(old_merge, ELQB_INNER, O.table, V(true)),
               "elqb_join");
    STALE_VERB(elqb_join_natural(old_merge, ELQB_INNER, O.table),
               "elqb_join_natural");
    STALE_VERB(elqb_join_using(old_merge, ELQB_INNER, O.table, U.id),
               "elqb_join_using");
    STALE_VERB(elqb_when_matched_delete(old_merge, ELQB_NONE),
               "elqb_when_matched_delete");
    STALE_VERB(elqb_set(old_update, U.id, V(1)), "elqb_set");
    STALE_VERB(elqb_set_row(old_update, ELQB_LIST(U.id),
                            elqb_row(q, V(1))), "elqb_set_row");
    STALE_VERB(elqb_overriding(old_insert, ELQB_USER_VALUE),
               "elqb_overriding");
}
END_TEST

START_TEST(test_others)
{
    STALE(elqb_debug(q, old_table), "elqb_debug");
    STALE_VERB(elqb_column(old_table, U.id, .not_null = true), "elqb_column");
    STALE_VERB(elqb_constraint(old_table, .unique = ELQB_LIST(U.id)),
               "elqb_constraint");
    STALE_VERB(elqb_insert_unnest(old_rows, V("{}")), "elqb_insert_unnest");
    STALE_VERB(elqb_conflict_set_row(old_rows, ELQB_LIST(U.id),
                                     elqb_row(q, V(1))),
               "elqb_conflict_set_row");
    STALE_VERB(elqb_overriding(old_rows, ELQB_USER_VALUE), "elqb_overriding");
}
END_TEST

START_TEST(test_selects)
{
    STALE(elqb_render(q, old_set), "elqb_render");
    STALE(elqb_union(q, simple(), old_select), "elqb_union");
    STALE_VERB(elqb_order_by(old_set, U.id), "elqb_order_by");
    STALE_VERB(elqb_columns(old_set, U.id), "elqb_columns");
    STALE_VERB(elqb_window(old_select, "w"), "elqb_window");
    STALE_VERB(elqb_for(old_select, ELQB_FOR_UPDATE, ELQB_WAIT), "elqb_for");
    STALE_VERB(elqb_clear_for(old_select), "elqb_clear_for");
    STALE_VERB(elqb_group_by_distinct(old_select), "elqb_group_by_distinct");
    STALE_VERB(elqb_fetch_ties(old_select, V(1)), "elqb_fetch_ties");
    STALE_VERB(elqb_join_using(old_select, ELQB_INNER, O.table, U.id),
               "elqb_join_using");
    STALE_VERB(elqb_joined(q, old_select, "j"), "elqb_joined");
    STALE_VERB(elqb_op_any_select(q, V(1), "=", old_select),
               "elqb_op_any_select");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_stale");
    TCase *tcase = qb_case(suite, "stale");

    tcase_add_test(tcase, test_ctes);
    tcase_add_test(tcase, test_merges);
    tcase_add_test(tcase, test_others);
    tcase_add_test(tcase, test_selects);
    return qb_main(suite);
}

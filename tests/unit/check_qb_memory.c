/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory and limits: every allocation fails once, a workspace that is reset
 * allocates nothing, and trees that are wide, deep, or have too many
 * parameters.
 *
 * The builder allocates in arena.c alone, which is compiled into this program
 * with a malloc that can fail.
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
#include "qb/arena.c"
#undef malloc
#undef free

#include "check_qb.h"

/* The same of merges, arrays and definitions. */
static int define(elqb *w, int size)
{
    static const int ids[] = { 1, 2 };
    users_t T = users_table();
    elqb_merge *m = elqb_merge_new(w, T.table);
    elqb_insert *i = elqb_insert_new(w, T.table);
    elqb_ddl *d = elqb_create_table(w, T, 0);
    elqb_ddl *x = elqb_create_index(w, "i", T.table,
                                    ELQB_LIST(elqb_opclass(w, T.name, "ops")),
                                    .include = ELQB_LIST(T.id), .method = "m");
    elqb_ddl *e = elqb_create_enum(w, "app", "mood", "a", "b");
    elqb_when *when;

    elqb_merge_using(m, elqb_unnest(w, "d", ELQB_LIST(T.id),
                                    elqb_items(ids, 2)), V(true));
    for (int n = 0; n < size; n++) {
        when = elqb_when_matched_update(m, elqb_eq(w, T.id, V(n)));
        elqb_set_row(when, ELQB_LIST(T.name, T.age),
                     elqb_row(w, V("a string value"), elqb_default()));
        elqb_constraint(d, .name = "check",
                        .check = elqb_gt(w, T.age, V("a string value")));
        elqb_constraint(d, .foreign_key = ELQB_LIST(T.id),
                        .references = ELQB_LIST(T.id));
    }
    elqb_columns(i, T.id);
    elqb_insert_unnest(i, elqb_items(ids, 2));
    elqb_column(d, T.id, .type = ELQB_SQL_TYPE("int"), .identity = 1,
                .sequence = &(elqb_sequence_options){ .start = V(1) });
    elqb_column(d, T.name, .collation = "C", .default_value = V("x"));
    elqb_column(d, T.age, .type = elqb_type_named("app", "age"));
    return !elqb_render(w, m) || !elqb_render(w, i) || !elqb_render(w, d) ||
           !elqb_render(w, x) || !elqb_render(w, e) ||
           !elqb_render(w, elqb_comment_on_column(w, T.id, "text")) ||
           !elqb_render(w, elqb_truncate(w, ELQB_TABLES(T.table), 0));
}

/* Set operations, CTEs and windows; 0 if all went well. */
static int work_with_queries(elqb *w, int size)
{
    users_t T = users_as("u");
    elqb_select *s = elqb_select_new(w), *step = elqb_select_new(w), *copy;
    elqb_cte *c = elqb_cte_new(w, "c");
    elqb_table t;

    elqb_columns(s, T.id, T.balance, T.name);
    elqb_from(s, T.table);
    elqb_cte_as(c, s);
    t = elqb_cte_table(c);
    elqb_columns(step, elqb_col(w, t, "id"), V(1), elqb_as(w, V("x"), "x"));
    elqb_from(step, t);
    elqb_cte_recurse(c, step);
    elqb_cte_search_depth(c, "ord", T.id);
    elqb_cte_cycle(c, "mark", "path", T.id);
    s = elqb_select_new(w);
    elqb_with(s, c);
    for (int n = 0; n < size; n++) {
        char name[20];

        snprintf(name, sizeof(name), "w%d", n);
        elqb_window_v(s, name, &(const elqb_window_spec){
                                   .order_by = ELQB_LIST(T.id, T.name) });
        elqb_columns(s, elqb_over(w, elqb_func(w, "rank"), .extends = name,
                                  .frame = ELQB_ROWS,
                                  .start = elqb_preceding(V(n))));
        c = elqb_cte_new(w, name);
        elqb_cte_as(c, step);
        elqb_with(s, c);
    }
    copy = elqb_select_copy(s);
    elqb_window(copy, "x");
    elqb_where(copy, elqb_op_any_select(w, elqb_row(w, V(1), V(2), V("x")),
                                        "=", step));
    s = elqb_union(w, copy, elqb_except_all(w, s, copy));
    elqb_order_by(s, elqb_desc(w, T.id));
    return !elqb_render(w, s);
}

/* A bit of everything, large enough for several blocks; 0 if all went well. */
static int work(elqb *w, int size)
{
    users_t T = users_as("u");
    elqb_select *s = elqb_select_new(w), *copy;
    elqb_insert *i = elqb_insert_new(w, T.table);
    elqb_update *u = elqb_update_new(w, T.table);
    elqb_expr where = ELQB_NONE;

    elqb_columns(s, T.id, elqb_as(w, elqb_func(w, "lower", T.name), "n"));
    elqb_from(s, T.table);
    for (int n = 0; n < size; n++) {
        where = elqb_and(w, where,
                         elqb_or(w, elqb_eq(w, T.name, V("a string value")),
                                 elqb_text(w, "x = :a", ELQB_ARG("a", V(n)))));
        elqb_columns(s, elqb_case(w, V("x"), T.active, T.name));
        elqb_columns(s, elqb_op_in(w, "app", T.id, "<->", T.age),
                     elqb_func(w, "f", elqb_named(w, "a", elqb_shared(w, V(n))),
                               elqb_variadic(w, elqb_named(w, "b", T.tags))),
                     elqb_overlaps(w, T.tags, elqb_array(w, V("a"))),
                     elqb_in_arrays(w, elqb_row(w, T.id, T.name), T.tags,
                                    T.tags),
                     elqb_regex(w, T.name, V(elqb_regex_text(w, "a.b"))),
                     elqb_ihas_text(w, T.name, "%"));
        elqb_order_by(s, elqb_desc(w, T.id));
        elqb_join(s, ELQB_LEFT, elqb_table_named("some", "table"),
                  elqb_eq(w, elqb_bind("b", INT4), T.id));
    }
    elqb_where(s, where);
    elqb_params(w, ELQB_ARG("b", V(1)));
    copy = elqb_select_copy(s);
    elqb_where(copy, elqb_exists(w, s));
    elqb_set(i, T.name, V("x"));
    elqb_on_conflict_nothing(i);
    elqb_set(u, T.name, V("x"));
    elqb_where(u, elqb_in(w, T.id, V(1), V(2)));
    return !elqb_render(w, s) || !elqb_debug(w, copy) ||
           !elqb_render(w, copy) || !elqb_render(w, i) ||
           !elqb_render(w, u) || define(w, size) ||
           work_with_queries(w, size);
}

START_TEST(test_each_allocation_fails)
{
    long n = 0;

    for (;; n++) {
        elqb *w;

        until_failure = n;
        w = elqb_new();
        if (work(w, 60) == 0) {
            until_failure = -1;
            elqb_free(w);
            break;
        }
        ck_assert_int_eq(elqb_error_code(w), ELQB_E_NOMEM);
        ck_assert_str_eq(elqb_error(w), "out of memory");
        until_failure = -1;
        if (w) { /* a failed workspace is as good as new after a reset */
            elqb_reset(w);
            ck_assert_int_eq(work(w, 60), 0);
        }
        elqb_free(w);
    }
    ck_assert_int_gt(n, 4);
    elqb_free(q);
    q = NULL;
    ck_assert_int_eq(blocks, 0);
}
END_TEST

START_TEST(test_reset_allocates_nothing)
{
    const char *sql;
    long before;

    ck_assert_int_eq(work(q, 40), 0);
    elqb_reset(q);
    ck_assert_int_eq(work(q, 40), 0);
    before = allocations;
    for (int i = 0; i < 100; i++) {
        elqb_reset(q);
        ck_assert_int_eq(work(q, 40), 0);
    }
    ck_assert_int_eq(allocations, before);
    elqb_reset(q);
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

    tcase_add_test(tcase, test_each_allocation_fails);
    tcase_add_test(tcase, test_reset_allocates_nothing);
    tcase = qb_case(suite, "limits");
    tcase_add_test(tcase, test_wide);
    tcase_add_test(tcase, test_deep);
    tcase_add_test(tcase, test_many_parameters);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * A program of builder calls that uses every constructor and verb, in
 * variants that must not make a difference, and what it rendered.
 *
 * It is C++ as well: tests/cxx compares what both render.
 *
 * Its lists have ELQB_NONE wherever a list may; unless the variant asks for
 * them they are taken out before the call.  Values come in two sets.
 */
#ifndef ELPQ_TESTS_QB_PROGRAM_H
#define ELPQ_TESTS_QB_PROGRAM_H

#include "check_qb.h"

struct qb_program {
    elqb *w;
    bool noise;  /* ELQB_NONE wherever it means nothing                     */
    bool values; /* the other set of values, of the same types              */
    bool copies; /* copies of statements in place of them                   */
    bool twice;  /* render everything twice, and look at the second         */
    bool plain;  /* nothing is compiled: that is allocated outside of w     */
    bool failed; /* something could not be rendered                         */
    char *text;  /* SQL and types of parameters; NULL: not kept             */
    size_t size;
    size_t room;
};

#define NONE elqb_leaf(ELQB_KIND_NONE)

static inline const elqb_expr *program_list(const struct qb_program *p,
                                            elqb_expr *list)
{
    elqb_expr *to = list, *from = list;

    if (p->noise)
        return list;
    do {
        if (from->kind != ELQB_KIND_NONE)
            *to++ = *from;
    } while (from++->kind != ELQB_KIND_END);
    return list;
}
#define L(...)                                                                \
    program_list(p, ELQB_ARRAY_(elqb_expr, __VA_ARGS__, ELQB_END_))

/* One of two values of a type. */
#define W(a, b) (p->values ? V(b) : V(a))

static inline void program_add(struct qb_program *p, const char *text)
{
    size_t size = strlen(text);

    if (!p->room)
        return;
    if (p->size + size >= p->room) {
        p->room = 2 * (p->room + size);
        p->text = (char *)realloc(p->text, p->room);
    }
    memcpy(p->text + p->size, text, size + 1);
    p->size += size;
}

static inline void program_out(struct qb_program *p, const elpq_statement *st,
                               elqb_compiled *c)
{
    char type[20];

    if (!st || (!p->plain &&
                (!c || strcmp(st->sql, elqb_compiled_sql(c)) != 0)))
        p->failed = true;
    for (unsigned i = 0; !p->failed && i < st->nvalues; i++) {
        snprintf(type, sizeof(type), "%u ", (unsigned)st->values[i].oid);
        program_add(p, type);
    }
    if (!p->failed) {
        program_add(p, st->sql);
        program_add(p, "\n");
    }
    elqb_compiled_free(c);
}

#define OUT(s)                                                                \
    do {                                                                      \
        if (p->twice) {                                                       \
            p->failed |= !elqb_debug(p->w, s);                                \
            p->failed |= !elqb_render(p->w, s);                               \
        }                                                                     \
        program_out(p, elqb_render(p->w, s),                                  \
                    p->plain ? NULL : elqb_compile(p->w, s));                 \
    } while (0)

#define COPY(s) (p->copies ? elqb_copy(s) : (s))

/* ---------------------------------------------------------------- pieces */

/* clang-format off */
#define PROGRAM_UNARY(fn) elqb_##fn(w, a)
#define PROGRAM_BINARY(fn) elqb_##fn(w, a, b)
#define PROGRAM_TERNARY(fn) elqb_##fn(w, a, b, V(1))
#define PROGRAM_LEFT PROGRAM_BINARY
#define PROGRAM_NONE PROGRAM_BINARY
#define PROGRAM_NARY(fn) elqb_##fn##_v(w, L(NONE, a, NONE, b, a, NONE))
#define PROGRAM_PREFIX PROGRAM_UNARY
#define PROGRAM_POSTFIX PROGRAM_UNARY
#define PROGRAM_BETWEEN PROGRAM_TERNARY
#define PROGRAM_ESCAPE PROGRAM_TERNARY
#define PROGRAM_SPECIAL(fn) a
/* clang-format on */

/* Every operator of ops.def, of columns and of values. */
static inline void program_operators(struct qb_program *p)
{
    elqb *w = p->w;

    for (int round = 0; round < 3; round++) {
        elqb_expr a = round == 1 ? W("x", "y'") : elqb_name("a");
        elqb_expr b = round == 2 ? W(1, 0) : elqb_c(U.table, "b");
        elqb_select *s = elqb_select_new(w);

#define OP(name, fn, spelling, level, fix, takes, gives)                      \
    elqb_select_columns_v(s, L(NONE, PROGRAM_##fix(fn)));
#include "qb/ops.def"
        OUT(COPY(s));
    }
}

static inline elqb_select *program_subselect(struct qb_program *p)
{
    elqb_select *s = elqb_select_new(p->w);

    elqb_select_columns_v(s, L(NONE, O.user_id));
    elqb_from(s, O.table);
    elqb_where(s, elqb_gt(p->w, O.total, W(1, 2)));
    if (p->noise)
        elqb_where(s, NONE);
    return COPY(s);
}

/* Forms that are no operators of the table. */
static inline void program_forms(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_select *s = elqb_select_new(w);
    int32_t ids[] = { 1, 2, 3 };
    const char *words[] = { "a", "b" };
    elqb_expr shared = elqb_shared(w, W("day", "hour"));
    elqb_expr call = elqb_func(w, "array_agg", U.name, W("x", "y"));

    elqb_select_columns_v(
        s, L(NONE, elqb_as(w, elqb_in(w, U.id, W(1, 2), W(3, 4)), "in"),
             elqb_not_in(w, U.name, W("a", "bb")), NONE,
             elqb_any_of(w, U.id, ids, 3), elqb_none_of(w, U.name, words, 2),
             elqb_op(w, U.name, "<->", W("x", "")),
             elqb_op_any(w, U.id, "<", elqb_items(ids, 3)),
             elqb_op_all(w, U.id, "<", elqb_items(ids, 3)),
             elqb_op_prefix(w, "@", U.id), elqb_collate(w, U.name, "C"),
             elqb_collate_in(w, U.name, "pg_catalog", "C"),
             elqb_subscript(w, U.tags, W(1, 2)),
             elqb_slice(w, U.tags, W(1, 2), ELQB_NONE),
             elqb_field(w, U.data, "f"), elqb_row(w, U.id, W("x", "y")),
             elqb_array(w, U.id, W(1, 2)), elqb_star(),
             elqb_table_star(U.table), elqb_starts_with(w, U.name, "x%"),
             elqb_ends_with(w, U.name, "x"), elqb_has_text(w, U.name, "x")));
    elqb_select_columns_v(
        s, L(NONE, elqb_func(w, "now"), elqb_func_in(w, "app", "f", U.id),
             elqb_count(w), elqb_agg_distinct(w, call),
             elqb_agg_order_by_v(w, call, L(NONE, elqb_desc(w, U.id), NONE)),
             elqb_agg_filter(w, call, elqb_eq(w, U.id, W(1, 2))),
             elqb_agg_filter(w, call, NONE), elqb_coalesce(w, U.name, V("x")),
             elqb_nullif(w, U.name, W("x", "y")),
             elqb_greatest(w, U.id, W(1, 2)), elqb_least(w, U.id, W(1, 2)),
             elqb_case(w, W("x", "y"), U.active, U.name),
             elqb_case_of(w, U.id, U.name, W(1, 2), W("x", "y")),
             elqb_extract(w, "year", U.created_at),
             elqb_cast(w, W("1", "2"), "numeric(12,2)"),
             elqb_cast_named(w, U.data, elqb_array_type_named("app", "mood")),
             elqb_func(w, "date_trunc", shared, U.created_at), NONE,
             elqb_text(w, "a[:i] || :t::text", ELQB_ARG("i", W(1, 2)),
                       ELQB_ARG("t", W("x", "y"))),
             elqb_raw(w, "1 + 1"), elqb_lit("l"), elqb_lit(1.5),
             elqb_bind("who", TEXT), elqb_bind("who", TEXT),
             elqb_typed(elqb_name("n"), INT4),
             elqb_scalar(w, program_subselect(p)),
             elqb_exists(w, program_subselect(p)),
             elqb_in_select(w, U.id, program_subselect(p)),
             elqb_not_in_select(w, W(1, 2), program_subselect(p)),
             elqb_array_select(w, program_subselect(p))));
    OUT(COPY(s));
}

static inline void program_select(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_select *s = elqb_select_new(w);
    elqb_table sub = elqb_subquery(w, program_subselect(p), "sub");
    users_t B = users_as("boss");

    elqb_select_columns_v(s, L(NONE, U.id, elqb_c(sub, "user_id"), NONE));
    elqb_distinct_on_v(s, L(U.id, NONE, W(1, 2)));
    elqb_from(s, elqb_only(U.table));
    elqb_join(s, ELQB_LEFT, B.table, elqb_eq(w, B.id, U.manager_id));
    elqb_join(s, ELQB_CROSS, sub, ELQB_NONE);
    elqb_join(s, ELQB_INNER, elqb_lateral(w, program_subselect(p), "lat"),
              elqb_raw(w, "true"));
    elqb_where(s, elqb_and_v(w, L(NONE, elqb_eq(w, U.name, W("x", "y")), NONE,
                                  elqb_or_v(w, L(NONE)), U.active)));
    if (p->noise)
        elqb_where(s, elqb_and_v(w, L(NONE, NONE)));
    elqb_where(s, W(1, 0));
    elqb_group_by_v(s, L(U.id, NONE));
    if (p->noise)
        elqb_having(s, NONE);
    elqb_having(s, elqb_gt(w, elqb_count(w), W(3, 4)));
    elqb_order_by_v(s, L(NONE, elqb_nulls_last(w, elqb_desc(w, U.id)), NONE,
                         elqb_nulls_first(w, elqb_asc(w, U.name))));
    elqb_limit(s, W(10, 20));
    elqb_offset(s, W(5, 6));
    OUT(COPY(s));
    elqb_clear_columns(s);
    elqb_clear_order_by(s);
    elqb_clear_group_by(s);
    elqb_clear_distinct(s);
    elqb_limit(s, ELQB_NONE);
    elqb_select_columns_v(s, L(elqb_count(w), NONE));
    elqb_distinct(s);
    OUT(COPY(s));
}

static inline void program_insert(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_insert *i = elqb_insert_new(w, U.table);

    elqb_set(i, U.id, W(1, 2));
    elqb_set(i, U.name, elqb_default());
    elqb_on_conflict_update_v(i, L(U.email, elqb_func(w, "lower", U.name)));
    elqb_conflict_index_where(i, U.active);
    elqb_conflict_set(i, U.name, elqb_excluded(U.name));
    elqb_conflict_set(i, elqb_subscript(w, U.tags, W(1, 2)), W("x", "y"));
    elqb_conflict_where(i, elqb_ne(w, U.name, W("x", "y")));
    if (p->noise)
        elqb_conflict_where(i, NONE);
    elqb_insert_returning_v(i, L(NONE, U.id, NONE));
    OUT(COPY(i));
    i = elqb_insert_new(w, U.table);
    elqb_insert_columns_v(i, L(U.id, NONE, U.name));
    elqb_values(i, W(1, 2), W("x", "y"));
    elqb_values(i, W(3, 4), elqb_default());
    elqb_on_constraint(i, "users_pkey");
    elqb_on_conflict_nothing(i);
    OUT(COPY(i));
    i = elqb_insert_new(w, elqb_table_named("app", "t"));
    elqb_insert_columns_v(i, L(elqb_name("a")));
    elqb_insert_select(i, program_subselect(p));
    OUT(COPY(i));
    i = elqb_insert_new(w, accounts_table().table);
    OUT(COPY(i));
}

static inline void program_update(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_update *u = elqb_update_new(w, U.table);
    elqb_delete *d = elqb_delete_new(w, U.table);

    elqb_set(u, U.name, W("x", "y"));
    elqb_set(u, elqb_subscript(w, U.tags, W(1, 2)), W("x", "y"));
    elqb_from(u, O.table);
    elqb_join(u, ELQB_INNER, P.table, elqb_eq(w, P.id, O.id));
    elqb_where(u, elqb_eq(w, O.user_id, U.id));
    elqb_using(d, O.table);
    elqb_join(d, ELQB_FULL, P.table, elqb_eq(w, P.id, O.id));
    elqb_where(d, elqb_eq(w, O.user_id, W(1, 2)));
    if (p->noise) {
        elqb_where(u, NONE);
        elqb_where(d, NONE);
    }
    elqb_update_returning_v(u, L(NONE, U.id));
    elqb_delete_returning_v(d, L(elqb_star(), NONE));
    OUT(COPY(u));
    OUT(COPY(d));
    u = elqb_update_new(w, U.table);
    d = elqb_delete_new(w, U.table);
    elqb_set(u, U.id, W(1, 2));
    elqb_where_current_of(u, "c");
    elqb_where_current_of(d, "c");
    OUT(COPY(u));
    OUT(COPY(d));
}

/* Windows, of calls and of the select. */
static inline void program_windows(struct qb_program *p, elqb_select *s)
{
    elqb *w = p->w;
    elqb_expr id[] = { NONE, U.id, ELQB_END }, age[] = { U.age, ELQB_END };
    elqb_expr sum = elqb_func(w, "sum", U.balance);
    elqb_window_spec spec;

    memset(&spec, 0, sizeof(spec));
    spec.name = "w";
    elqb_select_columns_v(s, L(elqb_over_v(w, sum, &spec), NONE));
    spec.name = NULL;
    spec.partition_by = program_list(p, id);
    elqb_window_v(s, "v", &spec);
    spec.order_by = age;
    elqb_window_v(s, "w", &spec);
    spec.partition_by = NULL;
    spec.extends = "v";
    spec.frame = ELQB_ROWS;
    spec.start = elqb_preceding(W(1, 2));
    spec.end = elqb_current_row();
    spec.exclude = ELQB_EXCLUDE_TIES;
    sum = elqb_agg_filter(w, sum, U.active);
    elqb_select_columns_v(s, L(NONE, elqb_over_v(w, sum, &spec)));
}

/* Operators, functions and values that are not in a table. */
static inline void program_more_forms(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_select *s = elqb_select_new(w);
    int32_t ids[] = { 1, 2, 3 };
    const char *words[] = { "a", "b", "c" };
    elqb_expr sum = elqb_func(w, "sum", U.balance);

    elqb_select_columns_v(
        s, L(NONE, elqb_null(INT4), elqb_table_row(U.table),
             elqb_field_star(w, U.data), elqb_istarts_with(w, U.name, "x"),
             elqb_iends_with(w, U.name, "x"), elqb_ihas_text(w, U.name, "x"),
             elqb_like(w, U.name, V(elqb_like_text(w, "%"))),
             elqb_regex(w, U.name, V(elqb_regex_text(w, "."))),
             elqb_in_arrays(w, elqb_row(w, U.id, U.name), elqb_items(ids, 3),
                            elqb_items(words, 3)),
             elqb_not_in_arrays(w, U.id, elqb_items(ids, 3)), NONE,
             elqb_periods_overlap(w, U.created_at, W("a", "b"), V("c"),
                                  U.created_at),
             elqb_op_in(w, "app", U.id, "<->", W(1, 2)),
             elqb_op_any_in(w, "app", U.id, "=", elqb_items(ids, 3)),
             elqb_op_all_in(w, "app", U.id, "=", elqb_items(ids, 3)),
             elqb_op_prefix_in(w, "app", "@", U.id),
             elqb_op_any(w, U.name, "LIKE", elqb_items(words, 2)),
             elqb_op_any_select(w, W(1, 2), "<", program_subselect(p)),
             elqb_op_all_select(w, elqb_row(w, W(1, 2)), "=",
                                program_subselect(p))));
    elqb_select_columns_v(
        s, L(NONE, elqb_func(w, "f", elqb_named(w, "a", W(1, 2))),
             elqb_func(w, "f", elqb_variadic(w, elqb_items(ids, 3))),
             elqb_func(w, "current_time", elqb_lit(3)),
             elqb_grouping(w, U.id, U.name),
             elqb_agg_within_group_v(w, elqb_func(w, "mode"),
                                     L(NONE, elqb_desc(w, U.age))),
             elqb_over(w, sum)));
    elqb_from(s, U.table);
    elqb_group_by_v(s, L(NONE, elqb_rollup_v(w, L(U.id, NONE, U.name)),
                         elqb_cube_v(w, L(NONE, elqb_row(w, U.id, U.age))),
                         elqb_grouping_sets_v(w, L(elqb_grouping_set(w), U.id,
                                                   NONE))));
    elqb_group_by_distinct(s);
    program_windows(p, s);
    elqb_order_by_v(s, L(NONE, elqb_order_using(w, U.id, "<")));
    elqb_fetch_ties(s, W(3, 4));
    OUT(COPY(s));
}

/* VALUES, that take other types where they are compared and stored. */
static inline void program_values(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_select *v = elqb_values_select_v(
        w, L(NONE, elqb_row(w, W(1, 2), W("x", "y")), NONE,
             elqb_row(w, V(3), elqb_value(elpq_null(0)))));
    elqb_select *s = elqb_select_new(w);
    elqb_insert *i = elqb_insert_new(w, O.table);

    elqb_select_columns_v(
        s, L(NONE, elqb_in_select(w, elqb_row(w, O.id, O.note), v),
             elqb_col(w, elqb_subquery(w, v, "s"), "column1")));
    elqb_from(s, elqb_lateral(w, v, "s"));
    OUT(COPY(s));
    elqb_order_by_v(v, L(NONE, elqb_desc(w, elqb_name("column1")), NONE));
    elqb_limit(v, W(1, 2));
    OUT(COPY(v));
    elqb_insert_columns_v(i, L(O.total, NONE, O.status));
    v = COPY(v);
    elqb_insert_select(i, elqb_union(w, v, v));
    OUT(COPY(i));
}

/* Set operations and WITH, of each statement that has it. */
static inline void program_with(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_cte *c = elqb_cte_new(w, "c"), *d = elqb_cte_new(w, "d");
    elqb_table t = elqb_cte_table(c);
    elqb_select *s, *step = elqb_select_new(w);
    elqb_delete *gone = elqb_delete_new(w, O.table);

    elqb_cte_as(c, program_subselect(p));
    elqb_select_columns_v(step, L(elqb_col(w, t, "user_id"), NONE));
    elqb_from(step, t);
    elqb_cte_recurse(c, step);
    elqb_cte_search_breadth_v(c, "at", L(NONE, elqb_name("user_id")));
    elqb_cte_cycle_v(c, "mark", "path", L(elqb_name("user_id"), NONE));
    elqb_cte_cycle_values(c, elqb_lit("y"), elqb_lit("n"));
    elqb_delete_returning_v(gone, L(O.id, NONE));
    elqb_cte_as(d, gone);
    elqb_cte_columns_v(d, L(NONE, elqb_name("key")));
    elqb_cte_materialized(d, true);
    s = elqb_except(w, program_subselect(p),
                    elqb_union(w, program_subselect(p), program_subselect(p)),
                    elqb_intersect_all(w, program_subselect(p),
                                       program_subselect(p)));
    elqb_with(s, c);
    elqb_with(s, d);
    elqb_order_by_v(s, L(NONE, elqb_desc(w, O.user_id)));
    elqb_limit(s, W(1, 2));
    OUT(COPY(s));
    d = elqb_cte_new(w, "d");
    elqb_cte_as(d, elqb_union_all(w, s, program_subselect(p)));
    s = elqb_select_new(w);
    elqb_select_columns_v(s, L(NONE, elqb_table_star(elqb_cte_table(d))));
    elqb_from(s, elqb_alias_columns(w, elqb_table_as(elqb_cte_table(d), "x"),
                                    ELQB_COL("a", "int4")));
    elqb_with(s, d);
    OUT(COPY(s));
}

/* FROM items, joins, locks. */
static inline void program_from(struct qb_program *p)
{
    elqb *w = p->w;
    int32_t ids[] = { 1, 2, 3 };
    elqb_select *s = elqb_select_new(w), *pair = elqb_select_new(w);
    elqb_expr call = elqb_func(w, "f", W(1, 2));
    elqb_table rows = elqb_values_table_v(
        w, "v", ELQB_COLS(ELQB_COL("a", "int8"), ELQB_COL("b", "")),
        L(NONE, elqb_row(w, W(1, 2), W("x", "y")), NONE,
          elqb_row(w, V(3LL), V("z"))));
    elqb_expr by = elqb_desc(w, U.id), age = elqb_asc(w, U.age);

    elqb_select_columns_v(s, L(NONE, elqb_col(w, rows, "a")));
    elqb_from(s, elqb_repeatable(w, elqb_tablesample(w, U.table, "system",
                                                     W(1, 2)), W(3, 4)));
    elqb_join(s, ELQB_CROSS, rows, ELQB_NONE);
    elqb_join_using(s, ELQB_LEFT, O.table, U.id, elqb_name("b"));
    elqb_from(pair, O.table);
    elqb_join_natural(pair, ELQB_FULL, P.table);
    elqb_join(s, ELQB_INNER, elqb_joined(w, pair, "j"), elqb_raw(w, "true"));
    elqb_from(s, elqb_lateral_of(w, elqb_define_columns(
                                        w, elqb_table_func(w, call, "f"),
                                        ELQB_COL("c", "int4"))));
    elqb_from(s, elqb_with_ordinality(
                     w, elqb_rows_from(w, "r", call,
                                       elqb_func_as(w, call,
                                                    ELQB_COL("d", "text")))));
    elqb_from(s, elqb_unnest(w, "u", ELQB_LIST(U.id), elqb_items(ids, 3)));
    elqb_where(s, elqb_seek(w, ELQB_KEY_NOT_NULL(by, W(1, 2)),
                            ELQB_KEY_NULLABLE(age, W(3, 4))));
    elqb_order_by_v(s, L(by, age));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, O.table, rows);
    elqb_for(s, ELQB_FOR_KEY_SHARE, ELQB_NOWAIT);
    OUT(COPY(s));
}

/* Rows of arrays, MERGE, WITH of all statements. */
static inline void program_merge(struct qb_program *p)
{
    elqb *w = p->w;
    int32_t ids[] = { 1, 2, 3 };
    elqb_insert *i = elqb_insert_new(w, U.table);
    elqb_update *u = elqb_update_new(w, U.table);
    elqb_delete *d = elqb_delete_new(w, U.table);
    elqb_merge *m = elqb_merge_new(w, U.table);
    elqb_cte *c = elqb_cte_new(w, "c");
    elqb_when *x;

    elqb_cte_as(c, program_subselect(p));
    elqb_with(i, c);
    elqb_insert_columns_v(i, L(U.id));
    elqb_insert_unnest(i, elqb_items(ids, 3));
    elqb_overriding(i, ELQB_USER_VALUE);
    elqb_on_conflict_update_v(i, L(elqb_opclass(w, U.id, "int4_ops")));
    elqb_conflict_set_row(i, ELQB_LIST(U.name, U.age),
                          elqb_row(w, W("x", "y"), elqb_default()));
    OUT(COPY(i));
    elqb_with(u, c);
    elqb_set_row(u, ELQB_LIST(U.id), elqb_scalar(w, program_subselect(p)));
    elqb_from(u, elqb_cte_table(c));
    elqb_join_using_as(u, ELQB_INNER, P.table, "j", P.id);
    OUT(COPY(u));
    elqb_with(d, c);
    elqb_using(d, elqb_cte_table(c));
    elqb_join_natural(d, ELQB_LEFT, P.table);
    OUT(COPY(d));
    elqb_with(m, c);
    elqb_merge_using(m, elqb_cte_table(c), elqb_eq(w, U.id, W(1, 2)));
    elqb_join_natural(m, ELQB_LEFT, P.table);
    elqb_when_matched_delete(m, elqb_eq(w, U.id, W(3, 4)));
    elqb_when_matched_nothing(m, U.active);
    x = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set_row(x, ELQB_LIST(U.id), elqb_row(w, W(1, 2)));
    elqb_when_not_matched_nothing(m, U.active);
    x = elqb_when_not_matched_insert(m, ELQB_NONE);
    elqb_set(x, U.id, W(1, 2));
    elqb_overriding(x, ELQB_SYSTEM_VALUE);
    OUT(COPY(m));
}

/* Definitions: their values are in the text, so they are the same in both. */
static inline void program_table(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_expr boss[] = { U.manager_id, ELQB_END }, id[] = { U.id, ELQB_END };
    elqb_ddl *d = elqb_create_table(w, U, ELQB_IF_NOT_EXISTS);
    elqb_sequence_options seven;
    elqb_column_options column;
    elqb_constraint_options constraint;
    elqb_table_options clauses;
    elqb_arg storage[] = { ELQB_ARG("fillfactor", V(70)), ELQB_ARG_END_ };

    memset(&clauses, 0, sizeof(clauses));
    memset(&seven, 0, sizeof(seven));
    memset(&column, 0, sizeof(column));
    memset(&constraint, 0, sizeof(constraint));
    seven.start = V(7);
    column.primary_key = true;
    column.identity = ELQB_IDENTITY_ALWAYS;
    column.sequence = &seven;
    elqb_column_v(d, U.id, &column);
    memset(&column, 0, sizeof(column));
    column.type = ELQB_SQL_TYPE("varchar(9)");
    column.default_value = V("x");
    column.collation = "C";
    elqb_column_v(d, U.name, &column);
    constraint.name = "c";
    constraint.check = elqb_gt(w, U.age, V(0));
    elqb_constraint_v(d, &constraint);
    memset(&constraint, 0, sizeof(constraint));
    constraint.foreign_key = boss;
    constraint.references = id;
    elqb_constraint_v(d, &constraint);
    clauses.partition = ELQB_PARTITION_HASH;
    clauses.partition_by = id;
    clauses.storage = storage;
    elqb_table_clauses_v(d, &clauses);
    OUT(d);
    d = elqb_alter_table(w, U.table, ELQB_IF_EXISTS);
    elqb_column(d, elqb_typed(elqb_name("more"), INT4));
    OUT(d);
    d = elqb_create_table_named(w, elqb_table_named("app", "t"), 0);
    elqb_column(d, elqb_typed(elqb_name("a"), INT4));
    OUT(d);
    OUT(elqb_create_sequence_v(w, "app", "s", 0, &seven));
}

static inline void program_ddl(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_index_options index;

    program_table(p);
    memset(&index, 0, sizeof(index));
    index.where = elqb_eq(w, U.active, V(true));
    OUT(elqb_create_index_v(w, "i", U.table, L(elqb_desc(w, U.name)), &index));
    OUT(elqb_create_enum(w, "app", "mood", "a", "b"));
    OUT(elqb_add_enum_value(w, "app", "mood", "c", NULL, "a", 0));
    OUT(elqb_create_schema(w, "app", ELQB_IF_NOT_EXISTS));
    OUT(elqb_comment_on_column(w, U.id, "text"));
    OUT(elqb_comment_on_table(w, U.table, "it's"));
    OUT(elqb_comment_on_constraint(w, U.table, "c", NULL));
    OUT(elqb_comment_on(w, ELQB_TYPE, "app", "mood", "text"));
    OUT(elqb_truncate(w, ELQB_TABLES(U.table, O.table), ELQB_CASCADE));
    OUT(elqb_drop_constraint(w, U.table, "c", ELQB_CASCADE));
    OUT(elqb_drop_table(w, U.table, ELQB_IF_EXISTS));
    OUT(elqb_drop_index(w, NULL, "i", 0));
    OUT(elqb_drop_sequence(w, "app", "s", 0));
    OUT(elqb_drop_type(w, "app", "mood", 0));
    OUT(elqb_drop_schema(w, "app", ELQB_CASCADE));
}

/* Joins of each statement, and CTEs of each. */
static inline void program_joins(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_insert *i = elqb_insert_new(w, U.table);
    elqb_update *u = elqb_update_new(w, U.table);
    elqb_delete *d = elqb_delete_new(w, U.table);
    elqb_merge *m = elqb_merge_new(w, U.table);
    elqb_cte *c = elqb_cte_new(w, "c"), *e = elqb_cte_new(w, "e");
    elqb_cte *f = elqb_cte_new(w, "f");
    elqb_select *s;

    elqb_set(i, U.id, W(1, 2));
    elqb_returning(i, U.id);
    elqb_set(u, U.id, W(1, 2));
    elqb_from(u, O.table);
    elqb_join_natural(u, ELQB_INNER, P.table);
    elqb_returning(u, U.id);
    elqb_using(d, O.table);
    elqb_join_using(d, ELQB_RIGHT, P.table, P.id);
    OUT(COPY(d));
    elqb_merge_using(m, O.table, elqb_eq(w, U.id, W(3, 4)));
    elqb_join(m, ELQB_LEFT, P.table, elqb_eq(w, P.id, O.id));
    elqb_join_using(m, ELQB_INNER, accounts_table().table, elqb_name("a"));
    elqb_when_matched_delete(m, ELQB_NONE);
    OUT(COPY(m));
    elqb_cte_as(c, i);
    elqb_cte_as(e, u);
    elqb_cte_as(f, program_subselect(p));
    elqb_cte_recurse_distinct(f, program_subselect(p));
    elqb_cte_search_depth(f, "at", O.user_id);
    elqb_cte_recursive(f);
    s = elqb_intersect(w, elqb_except_all(w, program_subselect(p),
                                          program_subselect(p)),
                       program_subselect(p));
    elqb_with(s, c);
    elqb_with(s, e);
    elqb_with(s, f);
    OUT(COPY(s));
}

/* Values for a compiled statement. */
static inline void program_args(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_select *s = elqb_select_new(w);
    elqb_compiled *c;
    elqb_args a;

    elqb_columns(s, elqb_bind("who", TEXT), W(1, 2));
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT);
    elqb_clear_for(s);
    c = p->plain ? NULL : elqb_compile(w, s);
    if (!c)
        return;
    elqb_args_init(&a, c);
    elqb_args_set(&a, "who", "z");
    elqb_args_set_at(&a, elqb_compiled_count(c), 5);
    p->failed |= strcmp(elqb_compiled_name(c, 1), "who") != 0;
    p->failed |= elqb_compiled_oid(c, 2) != ELPQ_OID_INT4;
    p->failed |= !elqb_args_statement(&a) || *elqb_args_error(&a);
    elqb_args_reset(&a);
    p->failed |= elqb_args_error_code(&a) != ELQB_OK;
    elqb_args_clear(&a);
    elqb_compiled_free(c);
}

/* Everything.  False, and an error of the workspace, if it fails. */
static inline bool run_program(struct qb_program *p)
{
    elqb *w = p->w;
    elqb_expr text;

    p->failed = false;
    elqb_schema_translate_v(w, NULL);
    elqb_params(w, ELQB_ARG("who", W("x", "y")), ELQB_ARG("unused", V(1)));
    program_operators(p);
    program_forms(p);
    program_select(p);
    program_insert(p);
    program_more_forms(p);
    program_values(p);
    program_with(p);
    program_from(p);
    program_merge(p);
    program_joins(p);
    program_ddl(p);
    program_args(p);
    elqb_schema_translate(w, ELQB_SCHEMA("crm", "app"));
    program_update(p);
    text = elqb_text(w, "SELECT :a", ELQB_ARG("a", W(1, 2)));
    OUT(text);
    OUT(elqb_text_select(w, text, elqb_name("a")));
    p->failed |= !elqb_tagged(w, elqb_render(w, text), ELQB_TAG("a", "b"));
    p->failed |= !elqb_pretty(w, elqb_debug(w, text));
    return !p->failed && elqb_error_code(w) == ELQB_OK;
}

#undef NONE
#endif

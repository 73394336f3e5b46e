/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file qb.h
 * The query builder: everything, and the verbs that statements share.
 *
 *     #define USERS(C) C(id, INT4) C(name, TEXT) C(age, INT4)
 *     ELQB_TABLE(users, USERS)
 *
 *     elqb *q = elqb_new();
 *     users_t U = users_table();
 *     elqb_select *s = elqb_select_new(q);
 *     elqb_expr where = elqb_gt(q, U.age, elqb_val(18));
 *
 *     if (name)
 *         where = elqb_and(q, where, elqb_eq(q, U.name, elqb_val(name)));
 *     elqb_columns(s, U.id, U.name);
 *     elqb_from(s, U.table);
 *     elqb_where(s, where);
 *     elqb_order_by(s, elqb_desc(q, U.age));
 *     elqb_limit(s, elqb_val(20));
 *
 *     const elpq_statement *st = elqb_render(q, s);
 *     if (!st)
 *         fprintf(stderr, "%s\n", elqb_error(q));
 *     ...                                  (the driver copies what it is given)
 *     elqb_free(q);
 *
 * SELECT "users"."id", "users"."name" FROM "users" WHERE "users"."age" > $1
 * AND "users"."name" = $2 ORDER BY "users"."age" DESC LIMIT $3
 */
#ifndef ELQB_QB_H
#define ELQB_QB_H

#include "compile.h"
#include "cte.h"
#include "ddl.h"
#include "dml.h"
#include "expr.h"
#include "from.h"
#include "render.h"
#include "schema.h"
#include "select.h"
#include "window.h"

/*
 * elqb_columns(s, a, b ...)     select, insert
 * elqb_from(s, table)           select, update      (delete: elqb_using)
 * elqb_join(s, kind, table, on) select, update, delete, merge
 * elqb_join_using(s, kind, table, a, b ...), elqb_join_natural(s, kind, table)
 *                               select, update, delete, merge
 * elqb_join_using_as(s, kind, table, "alias", a, b ...)
 * elqb_where(s, condition)      select, update, delete
 * elqb_set(s, column, value)    insert, update, WHEN of merge
 * elqb_set_row(s, columns, row) update, WHEN of merge
 * elqb_overriding(s, kind)      insert, WHEN of merge
 * elqb_returning(s, a, b ...)   insert, update, delete
 * elqb_with(s, cte)             select, insert, update, delete, merge
 * elqb_cte_as(cte, s)           select, insert, update, delete
 * elqb_render(q, s)             all, and elqb_text()
 * elqb_debug(q, s)              all, and elqb_text()
 * elqb_compile(q, s)            all, and elqb_text()
 *
 * A verb that a statement does not have does not compile, nor does one of a
 * single statement, elqb_limit() say, on another.
 */
#ifndef __cplusplus

#define elqb_columns(s, ...)                                                  \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_columns_v,                                 \
        elqb_insert *: elqb_insert_columns_v)(s, ELQB_LIST(__VA_ARGS__))
#define elqb_from(s, table)                                                   \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_from,                                      \
        elqb_update *: elqb_update_from)(s, table)
#define elqb_join(s, kind, table, on)                                         \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_join,                                      \
        elqb_update *: elqb_update_join,                                      \
        elqb_delete *: elqb_delete_join,                                      \
        elqb_merge *: elqb_merge_join)(s, kind, table, on)
#define elqb_join_using(s, kind, table, ...)                                  \
    elqb_join_using_as(s, kind, table, NULL, __VA_ARGS__)
#define elqb_join_using_as(s, kind, table, alias, ...)                        \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_join_using_v,                              \
        elqb_update *: elqb_update_join_using_v,                              \
        elqb_delete *: elqb_delete_join_using_v,                              \
        elqb_merge *: elqb_merge_join_using_v)(s, kind, table, alias,         \
                                                ELQB_LIST(__VA_ARGS__))
#define elqb_join_natural(s, kind, table)                                     \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_join_natural,                              \
        elqb_update *: elqb_update_join_natural,                              \
        elqb_delete *: elqb_delete_join_natural,                              \
        elqb_merge *: elqb_merge_join_natural)(s, kind, table)
#define elqb_where(s, condition)                                              \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_where,                                     \
        elqb_update *: elqb_update_where,                                     \
        elqb_delete *: elqb_delete_where)(s, condition)
#define elqb_where_current_of(s, cursor)                                       \
    _Generic((s), elqb_update *                                                \
             : elqb_update_where_current_of, elqb_delete *                     \
             : elqb_delete_where_current_of)(s, cursor)
#define elqb_set(s, column, value)                                            \
    _Generic((s),                                                             \
        elqb_insert *: elqb_insert_set,                                       \
        elqb_update *: elqb_update_set,                                       \
        elqb_when *: elqb_when_set)(s, column, value)
#define elqb_set_row(s, columns, row)                                         \
    _Generic((s),                                                             \
        elqb_update *: elqb_update_set_row,                                   \
        elqb_when *: elqb_when_set_row)(s, columns, row)
#define elqb_overriding(s, kind)                                              \
    _Generic((s),                                                             \
        elqb_insert *: elqb_insert_overriding,                                \
        elqb_when *: elqb_when_overriding)(s, kind)
#define elqb_returning(s, ...)                                                \
    _Generic((s),                                                             \
        elqb_insert *: elqb_insert_returning_v,                               \
        elqb_update *: elqb_update_returning_v,                               \
        elqb_delete *: elqb_delete_returning_v)(s, ELQB_LIST(__VA_ARGS__))
#define elqb_with(s, cte)                                                     \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_with,                                      \
        elqb_insert *: elqb_insert_with,                                      \
        elqb_update *: elqb_update_with,                                      \
        elqb_delete *: elqb_delete_with,                                      \
        elqb_merge *: elqb_merge_with)(s, ELQB_OF_(elqb_cte, cte))
#define elqb_cte_as(cte, s)                                                   \
    _Generic((s),                                                             \
        elqb_select *: elqb_cte_as_select,                                    \
        elqb_insert *: elqb_cte_as_insert,                                    \
        elqb_update *: elqb_cte_as_update,                                    \
        elqb_delete *: elqb_cte_as_delete)(cte, s)
#define elqb_copy(s)                                                           \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_copy,                                      \
        const elqb_select *: elqb_select_copy,                                \
        elqb_insert *: elqb_insert_copy,                                      \
        const elqb_insert *: elqb_insert_copy,                                \
        elqb_update *: elqb_update_copy,                                      \
        const elqb_update *: elqb_update_copy,                                \
        elqb_delete *: elqb_delete_copy,                                      \
        const elqb_delete *: elqb_delete_copy,                                \
        elqb_merge *: elqb_merge_copy,                                        \
        const elqb_merge *: elqb_merge_copy)(s)
#define elqb_render(q, s)                                                     \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_render,                                    \
        const elqb_select *: elqb_select_render,                              \
        elqb_insert *: elqb_insert_render,                                    \
        const elqb_insert *: elqb_insert_render,                              \
        elqb_update *: elqb_update_render,                                    \
        const elqb_update *: elqb_update_render,                              \
        elqb_delete *: elqb_delete_render,                                    \
        const elqb_delete *: elqb_delete_render,                              \
        elqb_merge *: elqb_merge_render,                                      \
        const elqb_merge *: elqb_merge_render,                                \
        elqb_ddl *: elqb_ddl_render,                                          \
        const elqb_ddl *: elqb_ddl_render,                                    \
        elqb_expr: elqb_text_render)(q, s)
#define elqb_debug(q, s)                                                      \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_debug,                                     \
        const elqb_select *: elqb_select_debug,                               \
        elqb_insert *: elqb_insert_debug,                                     \
        const elqb_insert *: elqb_insert_debug,                               \
        elqb_update *: elqb_update_debug,                                     \
        const elqb_update *: elqb_update_debug,                               \
        elqb_delete *: elqb_delete_debug,                                     \
        const elqb_delete *: elqb_delete_debug,                               \
        elqb_merge *: elqb_merge_debug,                                       \
        const elqb_merge *: elqb_merge_debug,                                 \
        elqb_ddl *: elqb_ddl_debug,                                           \
        const elqb_ddl *: elqb_ddl_debug,                                     \
        elqb_expr: elqb_text_debug)(q, s)
#define elqb_compile(q, s)                                                    \
    _Generic((s),                                                             \
        elqb_select *: elqb_select_compile,                                   \
        const elqb_select *: elqb_select_compile,                             \
        elqb_insert *: elqb_insert_compile,                                   \
        const elqb_insert *: elqb_insert_compile,                             \
        elqb_update *: elqb_update_compile,                                   \
        const elqb_update *: elqb_update_compile,                             \
        elqb_delete *: elqb_delete_compile,                                   \
        const elqb_delete *: elqb_delete_compile,                             \
        elqb_merge *: elqb_merge_compile,                                     \
        const elqb_merge *: elqb_merge_compile,                               \
        elqb_ddl *: elqb_ddl_compile,                                         \
        const elqb_ddl *: elqb_ddl_compile,                                   \
        elqb_expr: elqb_text_compile)(q, s)

/* The functions that only one statement has: given another, C would warn.
 * NULL, which they all take, is a void *. */
#define ELQB_OF_(type, s) _Generic((s), type *: (s), void *: (s))
#define elqb_clear_columns(s)                                                 \
    elqb_clear_columns(ELQB_OF_(elqb_select, s))
#define elqb_clear_order_by(s)                                                \
    elqb_clear_order_by(ELQB_OF_(elqb_select, s))
#define elqb_clear_group_by(s) elqb_clear_group_by(ELQB_OF_(elqb_select, s))
#define elqb_clear_distinct(s) elqb_clear_distinct(ELQB_OF_(elqb_select, s))
#define elqb_clear_for(s)                                                     \
    elqb_clear_for(ELQB_OF_(elqb_select, s))
#define elqb_distinct(s)                                                      \
    elqb_distinct(ELQB_OF_(elqb_select, s))
#define elqb_group_by_distinct(s)                                             \
    elqb_group_by_distinct(ELQB_OF_(elqb_select, s))
#define elqb_distinct_on_v(s, ...)                                            \
    elqb_distinct_on_v(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_group_by_v(s, ...)                                               \
    elqb_group_by_v(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_having(s, ...)                                                   \
    elqb_having(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_order_by_v(s, ...)                                               \
    elqb_order_by_v(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_limit(s, ...)                                                    \
    elqb_limit(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_offset(s, ...)                                                   \
    elqb_offset(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_fetch_ties(s, ...)                                               \
    elqb_fetch_ties(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_for_v(s, ...)                                                    \
    elqb_for_v(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_window_v(s, ...)                                                 \
    elqb_window_v(ELQB_OF_(elqb_select, s), __VA_ARGS__)
#define elqb_values_v(s, ...)                                                 \
    elqb_values_v(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_insert_select(s, ...)                                            \
    elqb_insert_select(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_insert_unnest_v(s, ...)                                          \
    elqb_insert_unnest_v(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_on_conflict_nothing_v(s, ...)                                    \
    elqb_on_conflict_nothing_v(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_on_conflict_update_v(s, ...)                                     \
    elqb_on_conflict_update_v(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_on_constraint(s, ...)                                            \
    elqb_on_constraint(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_conflict_index_where(s, ...)                                     \
    elqb_conflict_index_where(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_conflict_set(s, ...)                                             \
    elqb_conflict_set(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_conflict_set_row(s, ...)                                         \
    elqb_conflict_set_row(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_conflict_where(s, ...)                                           \
    elqb_conflict_where(ELQB_OF_(elqb_insert, s), __VA_ARGS__)
#define elqb_using(s, ...)                                                    \
    elqb_using(ELQB_OF_(elqb_delete, s), __VA_ARGS__)
#define elqb_args_set_value(a, name, value)                                   \
    elqb_args_set_value(ELQB_OF_(elqb_args, a), name, value)
#define elqb_args_set_value_at(a, n, value)                                   \
    elqb_args_set_value_at(ELQB_OF_(elqb_args, a), n, value)
#define elqb_pretty(q, debug)                                                 \
    elqb_pretty(q, _Generic((debug),                                          \
                    char *: (debug),                                          \
                    const char *: (debug),                                    \
                    void *: (debug)))
#define elqb_tagged_v(q, st, ...)                                             \
    elqb_tagged_v(q,                                                          \
                  _Generic((st),                                              \
                      elpq_statement *: (st),                                 \
                      const elpq_statement *: (st),                           \
                      void *: (st)),                                          \
                  __VA_ARGS__)

#else

#define ELQB_VERB_(verb, type, parameters, arguments)                         \
    inline auto elqb_##verb parameters                                        \
    {                                                                         \
        return elqb_##type##_##verb arguments;                                \
    }
#define ELQB_VERBS_(type)                                                     \
    ELQB_VERB_(render, type, (elqb * q, const elqb_##type *s), (q, s))        \
    ELQB_VERB_(debug, type, (elqb * q, const elqb_##type *s), (q, s))         \
    ELQB_VERB_(compile, type, (elqb * q, const elqb_##type *s), (q, s))
ELQB_VERBS_(select)
ELQB_VERBS_(insert)
ELQB_VERBS_(update)
ELQB_VERBS_(delete)
ELQB_VERBS_(merge)
ELQB_VERBS_(ddl)
ELQB_VERB_(render, text, (elqb * q, elqb_expr text), (q, text))
ELQB_VERB_(debug, text, (elqb * q, elqb_expr text), (q, text))
ELQB_VERB_(compile, text, (elqb * q, elqb_expr text), (q, text))
#undef ELQB_VERBS_

#define ELQB_VERBS_(type)                                                     \
    ELQB_VERB_(join, type,                                                    \
               (elqb_##type * s, elqb_join_kind kind, elqb_table t,           \
                elqb_expr on),                                                \
               (s, kind, t, on))                                              \
    ELQB_VERB_(join_using_v, type,                                            \
               (elqb_##type * s, elqb_join_kind kind, elqb_table t,           \
                const char *alias, const elqb_expr *columns),                 \
               (s, kind, t, alias, columns))                                  \
    ELQB_VERB_(join_natural, type,                                            \
               (elqb_##type * s, elqb_join_kind kind, elqb_table t),          \
               (s, kind, t))
ELQB_VERBS_(select)
ELQB_VERBS_(update)
ELQB_VERBS_(delete)
ELQB_VERBS_(merge)
#undef ELQB_VERBS_

#define ELQB_VERBS_(type)                                                     \
    ELQB_VERB_(with, type, (elqb_##type * s, elqb_cte *c), (s, c))            \
    inline void elqb_cte_as(elqb_cte *c, elqb_##type *s)                      \
    {                                                                         \
        elqb_cte_as_##type(c, s);                                             \
    }
ELQB_VERBS_(select)
ELQB_VERBS_(insert)
ELQB_VERBS_(update)
ELQB_VERBS_(delete)
#undef ELQB_VERBS_

ELQB_VERB_(copy, select, (const elqb_select *s), (s))
ELQB_VERB_(copy, insert, (const elqb_insert *s), (s))
ELQB_VERB_(copy, update, (const elqb_update *s), (s))
ELQB_VERB_(copy, delete, (const elqb_delete *s), (s))
ELQB_VERB_(copy, merge, (const elqb_merge *s), (s))
ELQB_VERB_(where, select, (elqb_select * s, elqb_expr e), (s, e))
ELQB_VERB_(where, update, (elqb_update * s, elqb_expr e), (s, e))
ELQB_VERB_(where, delete, (elqb_delete * s, elqb_expr e), (s, e))
ELQB_VERB_(where_current_of, update, (elqb_update * s, const char *c), (s, c))
ELQB_VERB_(where_current_of, delete, (elqb_delete * s, const char *c), (s, c))
ELQB_VERB_(columns_v, select, (elqb_select * s, const elqb_expr *l), (s, l))
ELQB_VERB_(columns_v, insert, (elqb_insert * s, const elqb_expr *l), (s, l))
ELQB_VERB_(from, select, (elqb_select * s, elqb_table t), (s, t))
ELQB_VERB_(from, update, (elqb_update * s, elqb_table t), (s, t))
ELQB_VERB_(set, insert, (elqb_insert * s, elqb_expr c, elqb_expr v), (s, c, v))
ELQB_VERB_(set, update, (elqb_update * s, elqb_expr c, elqb_expr v), (s, c, v))
ELQB_VERB_(returning_v, insert, (elqb_insert * s, const elqb_expr *l), (s, l))
ELQB_VERB_(returning_v, update, (elqb_update * s, const elqb_expr *l), (s, l))
ELQB_VERB_(returning_v, delete, (elqb_delete * s, const elqb_expr *l), (s, l))
ELQB_VERB_(with, merge, (elqb_merge * s, elqb_cte *c), (s, c))
ELQB_VERB_(set, when, (elqb_when * s, elqb_expr c, elqb_expr v), (s, c, v))
ELQB_VERB_(set_row, update,
           (elqb_update * s, const elqb_expr *l, elqb_expr row), (s, l, row))
ELQB_VERB_(set_row, when,
           (elqb_when * s, const elqb_expr *l, elqb_expr row), (s, l, row))
ELQB_VERB_(overriding, insert, (elqb_insert * s, elqb_override k), (s, k))
ELQB_VERB_(overriding, when, (elqb_when * s, elqb_override k), (s, k))
#undef ELQB_VERB_

#define elqb_columns(s, ...) elqb_columns_v(s, ELQB_LIST(__VA_ARGS__))
#define elqb_returning(s, ...) elqb_returning_v(s, ELQB_LIST(__VA_ARGS__))
#define elqb_join_using(s, kind, table, ...)                                  \
    elqb_join_using_v(s, kind, table, NULL, ELQB_LIST(__VA_ARGS__))
#define elqb_join_using_as(s, kind, table, alias, ...)                        \
    elqb_join_using_v(s, kind, table, alias, ELQB_LIST(__VA_ARGS__))

#endif

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file dml.h
 * INSERT, UPDATE, DELETE.
 *
 * Lifetime and errors are as in select.h.  Values take the type of the column
 * that they are stored into.
 *
 * As in SQL, an update or delete without elqb_where() is one of all rows;
 * ELQB_NONE is no condition.  A condition that must be there is worth a check
 * with elqb_is_none().
 */
#ifndef ELQB_DML_H
#define ELQB_DML_H

#include "expr.h"
#include "schema.h"
#include "select.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------------- insert */

/**
 * INSERT INTO t.  One row: elqb_set() for each column.  Several rows:
 * elqb_columns() once, then elqb_values() for each row, with elqb_default()
 * where a row has no value.  Neither: DEFAULT VALUES.
 */
ELPQ_API elqb_insert *elqb_insert_new(elqb *q, elqb_table t);
ELPQ_API void elqb_insert_set(elqb_insert *i, elqb_expr column,
                              elqb_expr value);
ELPQ_API void elqb_insert_columns_v(elqb_insert *i, const elqb_expr *columns);
ELPQ_API void elqb_values_v(elqb_insert *i, const elqb_expr *row);

/** INSERT INTO t (columns) SELECT ...; instead of values. */
ELPQ_API void elqb_insert_select(elqb_insert *i, elqb_select *s);

/**
 * ON CONFLICT (list) DO NOTHING, or DO UPDATE with elqb_conflict_set().  The
 * list, of columns or expressions, may be empty for DO NOTHING, or when
 * elqb_on_constraint() names the constraint instead.
 */
ELPQ_API void elqb_on_conflict_nothing_v(elqb_insert *i,
                                         const elqb_expr *target);
ELPQ_API void elqb_on_conflict_update_v(elqb_insert *i,
                                        const elqb_expr *target);
ELPQ_API void elqb_on_constraint(elqb_insert *i, const char *name);

/** The predicate of a partial unique index: ON CONFLICT (list) WHERE ... */
ELPQ_API void elqb_conflict_index_where(elqb_insert *i, elqb_expr condition);

/** DO UPDATE SET column = value WHERE condition; see elqb_excluded(). */
ELPQ_API void elqb_conflict_set(elqb_insert *i, elqb_expr column,
                                elqb_expr value);
ELPQ_API void elqb_conflict_where(elqb_insert *i, elqb_expr condition);

ELPQ_API void elqb_insert_returning_v(elqb_insert *i, const elqb_expr *list);

/* ----------------------------------------------------------------- update */

/** UPDATE t SET column = value, ... FROM ... WHERE ... RETURNING ...; the
 *  column may be a subscript of one.  Without SET it cannot be rendered. */
ELPQ_API elqb_update *elqb_update_new(elqb *q, elqb_table t);
ELPQ_API void elqb_update_set(elqb_update *u, elqb_expr column,
                              elqb_expr value);
ELPQ_API void elqb_update_from(elqb_update *u, elqb_table t);
ELPQ_API void elqb_update_join(elqb_update *u, elqb_join_kind kind,
                               elqb_table t, elqb_expr on);
ELPQ_API void elqb_update_join_using_v(elqb_update *u, elqb_join_kind kind,
                                       elqb_table t, const char *alias,
                                       const elqb_expr *columns);
ELPQ_API void elqb_update_join_natural(elqb_update *u, elqb_join_kind kind,
                                       elqb_table t);
ELPQ_API void elqb_update_where(elqb_update *u, elqb_expr condition);
ELPQ_API void elqb_update_returning_v(elqb_update *u, const elqb_expr *list);

/* ----------------------------------------------------------------- delete */

/** DELETE FROM t USING ... WHERE ... RETURNING ... */
ELPQ_API elqb_delete *elqb_delete_new(elqb *q, elqb_table t);
ELPQ_API void elqb_using(elqb_delete *d, elqb_table t);
ELPQ_API void elqb_delete_join(elqb_delete *d, elqb_join_kind kind,
                               elqb_table t, elqb_expr on);
ELPQ_API void elqb_delete_join_using_v(elqb_delete *d, elqb_join_kind kind,
                                       elqb_table t, const char *alias,
                                       const elqb_expr *columns);
ELPQ_API void elqb_delete_join_natural(elqb_delete *d, elqb_join_kind kind,
                                       elqb_table t);
ELPQ_API void elqb_delete_where(elqb_delete *d, elqb_expr condition);
ELPQ_API void elqb_delete_returning_v(elqb_delete *d, const elqb_expr *list);

#ifdef __cplusplus
}
#else
#define elqb_values(i, ...) elqb_values_v(i, ELQB_LIST(__VA_ARGS__))
/* elqb_on_conflict_nothing(i), elqb_on_conflict_update(i, U.email) */
#define elqb_on_conflict_nothing(...)                                         \
    elqb_on_conflict_nothing_v(ELPQ_FIRST_(__VA_ARGS__, 0),                   \
                               ELQB_REST_LIST_(__VA_ARGS__))
#define elqb_on_conflict_update(...)                                          \
    elqb_on_conflict_update_v(ELPQ_FIRST_(__VA_ARGS__, 0),                    \
                              ELQB_REST_LIST_(__VA_ARGS__))
#endif

#endif

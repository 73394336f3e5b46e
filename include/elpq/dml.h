/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file dml.h
 * INSERT, UPDATE, DELETE, MERGE.
 *
 * Lifetime and errors are as in select.h.  Values take the type of the column
 * that they are stored into.
 *
 * As in SQL, an update or delete without elqb_where() is one of all rows;
 * ELQB_NONE is no condition.  A condition that must be there is worth a check
 * with elqb_is_none().
 *
 * A table that is changed under an alias has no other name there, so its
 * columns come from the same variable: with users_t B = users_as("b") and
 * elqb_update_new(q, B.table) it is B.id in elqb_where() and elqb_returning().
 * U.id of users_table() would be "users"."id", which is not in sight.
 */
#ifndef ELQB_DML_H
#define ELQB_DML_H

#include "expr.h"
#include "schema.h"
#include "select.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elqb_merge elqb_merge;
typedef struct elqb_when elqb_when;

/** Who gives identity columns their values: OVERRIDING ... VALUE. */
typedef enum elqb_override {
    ELQB_SYSTEM_VALUE = 1, /**< the insert, also for GENERATED ALWAYS       */
    ELQB_USER_VALUE        /**< the sequence, whatever the insert says      */
} elqb_override;

/* ----------------------------------------------------------------- insert */

/**
 * INSERT INTO t.  One row: elqb_set() for each column.  Several rows:
 * elqb_columns() once, then elqb_values() for each row, with elqb_default()
 * where a row has no value.  Neither: DEFAULT VALUES.
 */
ELPQ_API elqb_insert *elqb_insert_new(elqb *q, elqb_table t);
/** A copy that can be changed on its own, as elqb_select_copy() makes one. */
ELPQ_API elqb_insert *elqb_insert_copy(const elqb_insert *i);
ELPQ_API void elqb_insert_set(elqb_insert *i, elqb_expr column,
                              elqb_expr value);
ELPQ_API void elqb_insert_columns_v(elqb_insert *i, const elqb_expr *columns);
ELPQ_API void elqb_values_v(elqb_insert *i, const elqb_expr *row);

/** INSERT INTO t (columns) SELECT ...; instead of values. */
ELPQ_API void elqb_insert_select(elqb_insert *i, elqb_select *s);

/**
 * Any number of rows in one statement of constant text: an array for each of
 * elqb_columns(), all of the same length.
 *
 *     elqb_columns(i, U.id, U.name);
 *     elqb_insert_unnest(i, elqb_items(ids, n), elqb_items(names, n));
 *
 * INSERT INTO "users" ("id", "name") SELECT * FROM unnest($1::int4[],
 * $2::text[]).  Arrays are C arrays, elpq_array()s, '{...}' as text, binds or
 * expressions.  One for a column whose type is not built in says what it is:
 * elqb_cast(q, elqb_items(states, n), "order_status[]").
 */
ELPQ_API void elqb_insert_unnest_v(elqb_insert *i, const elqb_expr *arrays);

/** OVERRIDING SYSTEM VALUE or OVERRIDING USER VALUE. */
ELPQ_API void elqb_insert_overriding(elqb_insert *i, elqb_override kind);

/**
 * ON CONFLICT (list) DO NOTHING, or DO UPDATE with elqb_conflict_set().  The
 * list, of columns or expressions, may be empty for DO NOTHING, or when
 * elqb_on_constraint() names the constraint instead.  elqb_collate() and
 * elqb_opclass() around an item pick an index by them.
 */
ELPQ_API void elqb_on_conflict_nothing_v(elqb_insert *i,
                                         const elqb_expr *target);
ELPQ_API void elqb_on_conflict_update_v(elqb_insert *i,
                                        const elqb_expr *target);
ELPQ_API void elqb_on_constraint(elqb_insert *i, const char *name);

/** The predicate of a partial unique index: ON CONFLICT (list) WHERE ...  Use
 *  elqb_lit() for its constants: a prepared statement does not find the index
 *  by a parameter. */
ELPQ_API void elqb_conflict_index_where(elqb_insert *i, elqb_expr condition);

/** DO UPDATE SET column = value WHERE condition; see elqb_excluded(). */
ELPQ_API void elqb_conflict_set(elqb_insert *i, elqb_expr column,
                                elqb_expr value);
/** (columns) = row; see elqb_set_row(). */
ELPQ_API void elqb_conflict_set_row(elqb_insert *i, const elqb_expr *columns,
                                    elqb_expr source);
ELPQ_API void elqb_conflict_where(elqb_insert *i, elqb_expr condition);

ELPQ_API void elqb_insert_returning_v(elqb_insert *i, const elqb_expr *list);

/* ----------------------------------------------------------------- update */

/** UPDATE t SET column = value, ... FROM ... WHERE ... RETURNING ...; the
 *  column may be a subscript of one, the value elqb_default().  Without SET it
 *  cannot be rendered.  Many rows at once: see elqb_unnest(). */
ELPQ_API elqb_update *elqb_update_new(elqb *q, elqb_table t);
/** As elqb_insert_copy(). */
ELPQ_API elqb_update *elqb_update_copy(const elqb_update *u);
ELPQ_API void elqb_update_set(elqb_update *u, elqb_expr column,
                              elqb_expr value);
/**
 * (a, b) = (x, y), (a, b) = (SELECT ...): the source is elqb_row(), in which
 * elqb_default() may stand, or elqb_scalar() of a select with as many columns.
 *
 *     elqb_set_row(u, ELQB_LIST(U.name, U.age), elqb_scalar(q, s));
 */
ELPQ_API void elqb_update_set_row(elqb_update *u, const elqb_expr *columns,
                                  elqb_expr source);
ELPQ_API void elqb_update_from(elqb_update *u, elqb_table t);
ELPQ_API void elqb_update_join(elqb_update *u, elqb_join_kind kind,
                               elqb_table t, elqb_expr on);
ELPQ_API void elqb_update_join_using_v(elqb_update *u, elqb_join_kind kind,
                                       elqb_table t, const char *alias,
                                       const elqb_expr *columns);
ELPQ_API void elqb_update_join_natural(elqb_update *u, elqb_join_kind kind,
                                       elqb_table t);
ELPQ_API void elqb_update_where(elqb_update *u, elqb_expr condition);

/** WHERE CURRENT OF "cursor": the row that it is on, and no other condition.
 *  elqb_where_current_of() is for UPDATE and DELETE. */
ELPQ_API void elqb_update_where_current_of(elqb_update *u, const char *cursor);
ELPQ_API void elqb_update_returning_v(elqb_update *u, const elqb_expr *list);

/* ----------------------------------------------------------------- delete */

/** DELETE FROM t USING ... WHERE ... RETURNING ... */
ELPQ_API elqb_delete *elqb_delete_new(elqb *q, elqb_table t);
/** As elqb_insert_copy(). */
ELPQ_API elqb_delete *elqb_delete_copy(const elqb_delete *d);
ELPQ_API void elqb_using(elqb_delete *d, elqb_table t);
ELPQ_API void elqb_delete_join(elqb_delete *d, elqb_join_kind kind,
                               elqb_table t, elqb_expr on);
ELPQ_API void elqb_delete_join_using_v(elqb_delete *d, elqb_join_kind kind,
                                       elqb_table t, const char *alias,
                                       const elqb_expr *columns);
ELPQ_API void elqb_delete_join_natural(elqb_delete *d, elqb_join_kind kind,
                                       elqb_table t);
ELPQ_API void elqb_delete_where(elqb_delete *d, elqb_expr condition);
ELPQ_API void elqb_delete_where_current_of(elqb_delete *d, const char *cursor);
ELPQ_API void elqb_delete_returning_v(elqb_delete *d, const elqb_expr *list);

/* ------------------------------------------------------------------ merge */

/**
 * MERGE INTO t USING source ON condition WHEN ... THEN ...; of PostgreSQL 15.
 *
 *     elqb_merge *m = elqb_merge_new(q, P.table);
 *     elqb_merge_using(m, N.table, elqb_eq(q, P.sku, N.sku));
 *     elqb_when_matched_delete(m, elqb_eq(q, N.stock, elqb_val(0)));
 *     elqb_when *w = elqb_when_matched_update(m, ELQB_NONE);
 *     elqb_set(w, P.stock, N.stock);
 *     w = elqb_when_not_matched_insert(m, ELQB_NONE);
 *     elqb_set(w, P.sku, N.sku);
 *
 * The server takes the first WHEN that fits a row, in the order of the calls;
 * one behind another that has no condition is an error.  Joins to the source
 * come by elqb_join() and its like, before ON in the text.
 */
ELPQ_API elqb_merge *elqb_merge_new(elqb *q, elqb_table t);
/** A copy, with WHENs of its own: those at hand stay of the original. */
ELPQ_API elqb_merge *elqb_merge_copy(const elqb_merge *m);
ELPQ_API void elqb_merge_using(elqb_merge *m, elqb_table source, elqb_expr on);
ELPQ_API void elqb_merge_join(elqb_merge *m, elqb_join_kind kind,
                              elqb_table t, elqb_expr on);
ELPQ_API void elqb_merge_join_using_v(elqb_merge *m, elqb_join_kind kind,
                                      elqb_table t, const char *alias,
                                      const elqb_expr *columns);
ELPQ_API void elqb_merge_join_natural(elqb_merge *m, elqb_join_kind kind,
                                      elqb_table t);

/** WHEN MATCHED [AND condition] THEN UPDATE SET, DELETE or DO NOTHING. */
ELPQ_API elqb_when *elqb_when_matched_update(elqb_merge *m,
                                             elqb_expr condition);
ELPQ_API void elqb_when_matched_delete(elqb_merge *m, elqb_expr condition);
ELPQ_API void elqb_when_matched_nothing(elqb_merge *m, elqb_expr condition);

/** WHEN NOT MATCHED [AND condition] THEN INSERT or DO NOTHING.  Without
 *  elqb_set() it inserts DEFAULT VALUES. */
ELPQ_API elqb_when *elqb_when_not_matched_insert(elqb_merge *m,
                                                 elqb_expr condition);
ELPQ_API void elqb_when_not_matched_nothing(elqb_merge *m,
                                            elqb_expr condition);

/** What an update or insert of a merge stores; as elqb_set() does. */
ELPQ_API void elqb_when_set(elqb_when *w, elqb_expr column, elqb_expr value);
ELPQ_API void elqb_when_set_row(elqb_when *w, const elqb_expr *columns,
                                elqb_expr source);
ELPQ_API void elqb_when_overriding(elqb_when *w, elqb_override kind);

#ifdef __cplusplus
}
#endif

#define elqb_insert_unnest(i, ...)                                            \
    elqb_insert_unnest_v(i, ELQB_LIST(__VA_ARGS__))
#define elqb_values(i, ...) elqb_values_v(i, ELQB_LIST(__VA_ARGS__))
/* elqb_on_conflict_nothing(i), elqb_on_conflict_update(i, U.email) */
#define elqb_on_conflict_nothing(...)                                         \
    elqb_on_conflict_nothing_v(ELPQ_FIRST_(__VA_ARGS__, 0),                   \
                               ELQB_REST_LIST_(__VA_ARGS__))
#define elqb_on_conflict_update(...)                                          \
    elqb_on_conflict_update_v(ELPQ_FIRST_(__VA_ARGS__, 0),                    \
                              ELQB_REST_LIST_(__VA_ARGS__))

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file select.h
 * SELECT.
 *
 * A select is made in a workspace and lives as long.  It may be changed until
 * it is rendered, and after that for the next rendering.  Clauses may come in
 * any order, and repeated calls add to what is there (conditions with AND).
 * FROM is explicit: a table that only columns mention is not added.
 *
 * A set operation is a select, too, and so are VALUES and SQL text.  WITH is in
 * cte.h, windows in window.h.
 *
 * All functions accept NULL and expressions that failed; elqb_render() tells.
 * The verbs that several statements have (elqb_where ...) are in qb.h.
 */
#ifndef ELQB_SELECT_H
#define ELQB_SELECT_H

#include "expr.h"
#include "from.h"
#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of joins; for elqb_join_natural() and elqb_join_using(), too. */
typedef enum elqb_join_kind {
    ELQB_INNER,
    ELQB_LEFT,
    ELQB_RIGHT,
    ELQB_FULL,
    ELQB_CROSS /**< takes no condition: ELQB_NONE                           */
} elqb_join_kind;

/** An empty select.  Without columns it cannot be rendered. */
ELPQ_API elqb_select *elqb_select_new(elqb *q);

/*
 * A select that was given to another statement (a subquery, an operand of a
 * set operation, the source of an insert) should be complete by then: a
 * change after that may be seen there, or not.
 */

/** A copy that can be changed on its own; elqb_copy() copies any statement.  It
 *  is cheap: the expressions are shared, and stay the same parameters where
 *  both are used, as do the values of LIMIT and OFFSET. */
ELPQ_API elqb_select *elqb_select_copy(const elqb_select *s);

/** Add columns; strings among them are text. */
ELPQ_API void elqb_select_columns_v(elqb_select *s, const elqb_expr *list);

/** Forget the columns, to give others: a count of the same rows, say.  The
 *  others forget all of GROUP BY and of DISTINCT [ON]. */
ELPQ_API void elqb_clear_columns(elqb_select *s);
ELPQ_API void elqb_clear_order_by(elqb_select *s);
ELPQ_API void elqb_clear_group_by(elqb_select *s);
ELPQ_API void elqb_clear_distinct(elqb_select *s);

/** SELECT DISTINCT; SELECT DISTINCT ON (list). */
ELPQ_API void elqb_distinct(elqb_select *s);
ELPQ_API void elqb_distinct_on_v(elqb_select *s, const elqb_expr *list);

/** FROM; further calls separate by comma, and joins go to the last. */
ELPQ_API void elqb_select_from(elqb_select *s, elqb_table t);
ELPQ_API void elqb_select_join(elqb_select *s, elqb_join_kind kind,
                               elqb_table t, elqb_expr on);

/** LEFT JOIN t USING ("a", "b"), of columns or elqb_name()s; with an alias,
 *  which may be NULL, USING (...) AS "j".  NATURAL LEFT JOIN t. */
ELPQ_API void elqb_select_join_using_v(elqb_select *s, elqb_join_kind kind,
                                       elqb_table t, const char *alias,
                                       const elqb_expr *columns);
ELPQ_API void elqb_select_join_natural(elqb_select *s, elqb_join_kind kind,
                                       elqb_table t);

ELPQ_API void elqb_select_where(elqb_select *s, elqb_expr condition);
ELPQ_API void elqb_group_by_v(elqb_select *s, const elqb_expr *list);
ELPQ_API void elqb_having(elqb_select *s, elqb_expr condition);
ELPQ_API void elqb_order_by_v(elqb_select *s, const elqb_expr *list);

/**
 * Items of GROUP BY: ROLLUP (a, b), CUBE (a, b), GROUPING SETS ((a, b), (a),
 * ()).  A set of several columns is elqb_row() or elqb_grouping_set(), the
 * empty one is elqb_grouping_set(q).  GROUPING SETS may hold all of them.
 * Absent items are skipped.
 */
ELPQ_API elqb_expr elqb_grouping_set_v(elqb *q, const elqb_expr *list);
ELPQ_API elqb_expr elqb_rollup_v(elqb *q, const elqb_expr *list);
ELPQ_API elqb_expr elqb_cube_v(elqb *q, const elqb_expr *list);
ELPQ_API elqb_expr elqb_grouping_sets_v(elqb *q, const elqb_expr *list);

/** GROUP BY DISTINCT: each grouping set once. */
ELPQ_API void elqb_group_by_distinct(elqb_select *s);

/** The last call counts; ELQB_NONE takes the clause away. */
ELPQ_API void elqb_limit(elqb_select *s, elqb_expr count);
ELPQ_API void elqb_offset(elqb_select *s, elqb_expr count);

/** FETCH FIRST count ROWS WITH TIES: and those that ORDER BY, which must be
 *  there, puts level with the last.  In place of LIMIT. */
ELPQ_API void elqb_fetch_ties(elqb_select *s, elqb_expr count);

/* ---------------------------------------------------------------- locking */

/** How strongly rows are locked. */
typedef enum elqb_strength {
    ELQB_FOR_UPDATE,
    ELQB_FOR_NO_KEY_UPDATE,
    ELQB_FOR_SHARE,
    ELQB_FOR_KEY_SHARE
} elqb_strength;

/** What becomes of rows that others have locked. */
typedef enum elqb_wait {
    ELQB_WAIT,       /**< wait for them                                     */
    ELQB_NOWAIT,     /**< NOWAIT: an error                                  */
    ELQB_SKIP_LOCKED /**< SKIP LOCKED: leave them out                       */
} elqb_wait;

/**
 * Lock the rows: elqb_for(s, ELQB_FOR_UPDATE, ELQB_SKIP_LOCKED, U.table) is
 * FOR UPDATE OF "users" SKIP LOCKED; without tables it is of all.  Each call
 * adds a clause, elqb_clear_for() takes all away.  The array of tables ends
 * with one whose flags are ELQB_LAST_TABLE.
 */
ELPQ_API void elqb_for_v(elqb_select *s, elqb_strength strength,
                         elqb_wait wait, const elqb_table *tables);
ELPQ_API void elqb_clear_for(elqb_select *s);

/* ------------------------------------------------------ keyset pagination */

/** A part of ORDER BY, and what it was in the last row of the page before. */
typedef struct elqb_key {
    elqb_expr order; /**< ELQB_END ends a list                              */
    elqb_expr value;
    bool nullable;
} elqb_key;

/**
 * The condition for the rows behind the last one of a page, instead of OFFSET.
 *
 *     elqb_expr by_age = elqb_desc(q, U.age), by_id = elqb_asc(q, U.id);
 *     elqb_order_by(s, by_age, by_id);
 *     elqb_where(s, elqb_seek(q, ELQB_KEY_NULLABLE(by_age, elqb_val(40)),
 *                             ELQB_KEY_NOT_NULL(by_id, elqb_val(7))));
 *     elqb_limit(s, elqb_val(20));
 *
 * The keys are the whole list of elqb_order_by(), the last of them unique, or
 * rows that are level are lost.  Each says whether it may be NULL, in this row
 * or another.  The order is that of the key: asc and desc, nulls_first and
 * nulls_last.  The value is a value (elpq_null() where the row has NULL), a
 * bind or an expression; if all values are ELQB_NONE it is the first page, and
 * the result ELQB_NONE.  The text does not depend on the values.
 *
 * Without NULLs and with one direction it is ("a", "b") > ($1, $2), which an
 * index serves; otherwise as much of that as is possible, for the keys at the
 * end.
 */
ELPQ_API elqb_expr elqb_seek_v(elqb *q, const elqb_key *keys);
/* ---------------------------------------------------------- set operations */

/**
 * elqb_union(q, a, b ...): a UNION b.  The result is a select that goes where
 * selects go, into other set operations too; parentheses are written where SQL
 * needs them.  The operands keep their ORDER BY and LIMIT, and as subqueries
 * are they are rendered in place.
 *
 * Its columns are those of the first operand.  Strings, NULLs and numbers
 * among the columns that the others have by now take the types of the first
 * select that has more than values there.
 *
 * It takes elqb_order_by(), elqb_limit(), elqb_offset() and elqb_with(); what
 * else a select has is an error.  It can only be ordered by columns of the
 * result: U.id and elqb_name("id") are "id", elqb_lit(1) is the first.
 *
 * The _v functions take an array of selects that ends with ELQB_SELECTS_END.
 */
ELPQ_API elqb_select *elqb_union_v(elqb *q, elqb_select *const *selects);
ELPQ_API elqb_select *elqb_union_all_v(elqb *q, elqb_select *const *selects);
ELPQ_API elqb_select *elqb_intersect_v(elqb *q, elqb_select *const *selects);
ELPQ_API elqb_select *elqb_intersect_all_v(elqb *q,
                                           elqb_select *const *selects);
ELPQ_API elqb_select *elqb_except_v(elqb *q, elqb_select *const *selects);
ELPQ_API elqb_select *elqb_except_all_v(elqb *q, elqb_select *const *selects);

/**
 * VALUES (1, 'a'), (2, 'b'): a statement, and a select that goes where selects
 * go: into set operations, subqueries, CTEs, elqb_in_select().  The rows are
 * made by elqb_row(), each as wide as the first; ELQB_NONE is no row, and there
 * must be one.
 *
 *     elqb_select *v = elqb_values_select(
 *         q, elqb_row(q, elqb_val(1), elqb_val("a")),
 *         elqb_row(q, elqb_val(2), elqb_val("b")));
 *     elqb_order_by(v, elqb_desc(q, elqb_name("column1")));
 *
 * Its columns are called "column1", "column2" and so on.  The values of a
 * column take the type of its first one that has one, expressions before
 * values, and of what they are stored into or compared with.
 *
 * It takes elqb_order_by(), elqb_limit(), elqb_offset(), elqb_fetch_ties() and
 * elqb_with(); what else a select has is an error.  An item of FROM whose
 * columns have names and types is elqb_values_table().
 */
ELPQ_API elqb_select *elqb_values_select_v(elqb *q, const elqb_expr *rows);

/**
 * SQL text as a select, which goes where selects go: into subqueries, CTEs, set
 * operations, elqb_insert_select().  The text is that of an elqb_text() or
 * elqb_raw().  What its columns are called, and of which types, may be said:
 *
 *     elqb_select *s = elqb_text_select(
 *         q, elqb_text(q, "SELECT id, name FROM users WHERE age > :age",
 *                      ELQB_ARG("age", elqb_val(18))),
 *         U.id, elqb_typed(elqb_name("name"), TEXT));
 *
 * It takes elqb_with(), if the text does not begin with WITH; what else a
 * select has is in the text, or is an error.
 */
ELPQ_API elqb_select *elqb_text_select_v(elqb *q, elqb_expr text,
                                         const elqb_expr *columns);

/** Ends a list of selects, in which NULL is one that failed. */
#define ELQB_SELECTS_END ((elqb_select *)(intptr_t)-1)

#ifdef __cplusplus
}
#define ELQB_KEY_END_ ELQB_STRUCT_(elqb_key, ELQB_END, ELQB_NONE, false)
#else
#define ELQB_KEY_END_ { .order = ELQB_END_ }
#endif

#define elqb_distinct_on(s, ...) elqb_distinct_on_v(s, ELQB_LIST(__VA_ARGS__))
#define elqb_group_by(s, ...) elqb_group_by_v(s, ELQB_LIST(__VA_ARGS__))
#define elqb_order_by(s, ...) elqb_order_by_v(s, ELQB_LIST(__VA_ARGS__))
/* elqb_grouping_set(q), elqb_grouping_set(q, U.name, U.age) */
#define elqb_grouping_set(...)                                                \
    elqb_grouping_set_v(ELPQ_FIRST_(__VA_ARGS__, 0),                          \
                        ELQB_REST_LIST_(__VA_ARGS__))
#define elqb_rollup(q, ...) elqb_rollup_v(q, ELQB_LIST(__VA_ARGS__))
#define elqb_cube(q, ...) elqb_cube_v(q, ELQB_LIST(__VA_ARGS__))
#define elqb_grouping_sets(q, ...)                                            \
    elqb_grouping_sets_v(q, ELQB_LIST(__VA_ARGS__))
/* elqb_for(s, ELQB_FOR_SHARE, ELQB_WAIT), elqb_for(..., U.table, O.table) */
#define elqb_for(s, strength, ...)                                            \
    elqb_for_v(s, strength, ELPQ_FIRST_(__VA_ARGS__, 0),                      \
               ELQB_ARRAY_(const elqb_table,                                  \
                           ELQB_REST_(__VA_ARGS__, ELQB_TABLE_END_)))
#define ELQB_KEY_NOT_NULL(order, value)                                       \
    ELQB_STRUCT_(elqb_key, order, value, false)
#define ELQB_KEY_NULLABLE(order, value)                                       \
    ELQB_STRUCT_(elqb_key, order, value, true)
#define elqb_seek(q, ...)                                                     \
    elqb_seek_v(q, ELQB_ARRAY_(const elqb_key, __VA_ARGS__, ELQB_KEY_END_))
#define ELQB_SELECTS(...)                                                     \
    ELQB_ARRAY_(elqb_select *const, __VA_ARGS__, ELQB_SELECTS_END)
#define elqb_values_select(q, ...)                                            \
    elqb_values_select_v(q, ELQB_LIST(__VA_ARGS__))
/* elqb_text_select(q, text), elqb_text_select(q, text, U.id, U.name) */
#define elqb_text_select(q, ...)                                              \
    elqb_text_select_v(q, ELPQ_FIRST_(__VA_ARGS__, 0),                        \
                       ELQB_REST_LIST_(__VA_ARGS__))
#define elqb_union(q, ...) elqb_union_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_union_all(q, ...) elqb_union_all_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_intersect(q, ...) elqb_intersect_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_intersect_all(q, ...)                                            \
    elqb_intersect_all_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_except(q, ...) elqb_except_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_except_all(q, ...) elqb_except_all_v(q, ELQB_SELECTS(__VA_ARGS__))

#endif

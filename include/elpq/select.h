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
 * A set operation is a select, too.  WITH is in cte.h, windows in window.h.
 *
 * All functions accept NULL and expressions that failed; elqb_render() tells.
 * The verbs that several statements have (elqb_where ...) are in qb.h.
 */
#ifndef ELQB_SELECT_H
#define ELQB_SELECT_H

#include "expr.h"
#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of joins. */
typedef enum elqb_join_kind {
    ELQB_INNER,
    ELQB_LEFT,
    ELQB_RIGHT,
    ELQB_FULL,
    ELQB_CROSS /**< takes no condition: ELQB_NONE                           */
} elqb_join_kind;

/** An empty select.  Without columns it cannot be rendered. */
ELPQ_API elqb_select *elqb_select_new(elqb *q);

/** A copy that can be changed on its own.  It is cheap: the expressions are
 *  shared, and stay the same parameters where both are used, as do the values
 *  of LIMIT and OFFSET. */
ELPQ_API elqb_select *elqb_select_copy(const elqb_select *s);

/** Add columns; strings among them are text. */
ELPQ_API void elqb_select_columns_v(elqb_select *s, const elqb_expr *list);

/** Forget the columns, to give others: a count of the same rows, say. */
ELPQ_API void elqb_clear_columns(elqb_select *s);
ELPQ_API void elqb_clear_order_by(elqb_select *s);

/** SELECT DISTINCT; SELECT DISTINCT ON (list). */
ELPQ_API void elqb_distinct(elqb_select *s);
ELPQ_API void elqb_distinct_on_v(elqb_select *s, const elqb_expr *list);

/** FROM; further calls separate by comma, and joins go to the last. */
ELPQ_API void elqb_select_from(elqb_select *s, elqb_table t);
ELPQ_API void elqb_select_join(elqb_select *s, elqb_join_kind kind,
                               elqb_table t, elqb_expr on);

ELPQ_API void elqb_select_where(elqb_select *s, elqb_expr condition);
ELPQ_API void elqb_group_by_v(elqb_select *s, const elqb_expr *list);
ELPQ_API void elqb_having(elqb_select *s, elqb_expr condition);
ELPQ_API void elqb_order_by_v(elqb_select *s, const elqb_expr *list);

/** The last call counts; ELQB_NONE takes the clause away. */
ELPQ_API void elqb_limit(elqb_select *s, elqb_expr count);
ELPQ_API void elqb_offset(elqb_select *s, elqb_expr count);

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

/** Ends a list of selects, in which NULL is one that failed. */
#define ELQB_SELECTS_END ((elqb_select *)(intptr_t)-1)

#ifdef __cplusplus
}
#else
#define elqb_distinct_on(s, ...) elqb_distinct_on_v(s, ELQB_LIST(__VA_ARGS__))
#define elqb_group_by(s, ...) elqb_group_by_v(s, ELQB_LIST(__VA_ARGS__))
#define elqb_order_by(s, ...) elqb_order_by_v(s, ELQB_LIST(__VA_ARGS__))
#define ELQB_SELECTS(...)                                                     \
    ((elqb_select *const[]){ __VA_ARGS__, ELQB_SELECTS_END })
#define elqb_union(q, ...) elqb_union_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_union_all(q, ...) elqb_union_all_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_intersect(q, ...) elqb_intersect_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_intersect_all(q, ...)                                            \
    elqb_intersect_all_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_except(q, ...) elqb_except_v(q, ELQB_SELECTS(__VA_ARGS__))
#define elqb_except_all(q, ...) elqb_except_all_v(q, ELQB_SELECTS(__VA_ARGS__))
#endif

#endif

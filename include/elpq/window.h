/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file window.h
 * Window functions: OVER, WINDOW, frames.
 *
 *     elqb_over(q, elqb_func(q, "sum", O.total),
 *               .partition_by = ELQB_LIST(O.user_id),
 *               .order_by = ELQB_LIST(elqb_desc(q, O.placed_at)),
 *               .frame = ELQB_ROWS, .start = elqb_preceding(elqb_val(3)),
 *               .end = elqb_current_row())
 *
 * "sum"("orders"."total") OVER (PARTITION BY "orders"."user_id" ORDER BY
 * "orders"."placed_at" DESC ROWS BETWEEN $1 PRECEDING AND CURRENT ROW)
 *
 * elqb_over(q, call) is OVER ().  In C++ the window is a struct:
 *
 *     elqb_window_spec w = elqb_window_spec();
 *     w.order_by = list;
 *     elqb_over(q, elqb_func(q, "sum", O.total), w)
 */
#ifndef ELQB_WINDOW_H
#define ELQB_WINDOW_H

#include "expr.h"
#include "select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the offsets of a frame count. */
typedef enum elqb_frame {
    ELQB_NO_FRAME,
    ELQB_ROWS,  /**< rows                                                   */
    ELQB_RANGE, /**< the value of the one column in ORDER BY                */
    ELQB_GROUPS /**< groups of rows that ORDER BY takes for equal           */
} elqb_frame;

typedef enum elqb_bound_kind {
    ELQB_NO_BOUND,
    ELQB_UNBOUNDED_PRECEDING,
    ELQB_PRECEDING,
    ELQB_CURRENT_ROW,
    ELQB_FOLLOWING,
    ELQB_UNBOUNDED_FOLLOWING
} elqb_bound_kind;

/** Where a frame starts or ends: see the functions below. */
typedef struct elqb_bound {
    elqb_bound_kind kind;
    elqb_expr offset;
} elqb_bound;

/** Rows that are left out of the frame. */
typedef enum elqb_exclude {
    ELQB_NO_EXCLUDE,
    ELQB_EXCLUDE_CURRENT_ROW,
    ELQB_EXCLUDE_GROUP,    /**< the row and its equals                      */
    ELQB_EXCLUDE_TIES,     /**< its equals                                  */
    ELQB_EXCLUDE_NO_OTHERS /**< none                                        */
} elqb_exclude;

/** A window; all that is zero is absent.  ELQB_NONE in lists is skipped. */
typedef struct elqb_window_spec {
    const char *name;    /**< OVER "name": alone, with nothing else         */
    const char *extends; /**< OVER ("name" ...): what the named window has  */
    const elqb_expr *partition_by;
    const elqb_expr *order_by;
    elqb_frame frame;
    elqb_bound start;
    elqb_bound end; /**< absent: the current row                            */
    elqb_exclude exclude;
    uint8_t end_; /**< private                                              */
} elqb_window_spec;

/**
 * call OVER (window).  The call is one of elqb_func(), FILTER included.  What
 * is named must be in the select: see elqb_window().  Combinations that
 * PostgreSQL refuses are errors: frames that end before they start, GROUPS
 * without ORDER BY, an extended window with PARTITION BY, DISTINCT or ORDER BY
 * in the call.
 */
ELPQ_API elqb_expr elqb_over_v(elqb *q, elqb_expr call,
                               const elqb_window_spec *window);

/** WINDOW "name" AS (window), in the select: elqb_window(s, "w",
 *  .order_by = ELQB_LIST(U.id)); it may extend those before it. */
ELPQ_API void elqb_window_v(elqb_select *s, const char *name,
                            const elqb_window_spec *window);

#ifdef __cplusplus
}
#endif

/* ----------------------------------------------------------------- bounds */

static inline elqb_bound elqb_bound_of(elqb_bound_kind kind, elqb_expr offset)
{
    elqb_bound bound;

    bound.kind = kind;
    bound.offset = offset;
    return bound;
}

/** UNBOUNDED PRECEDING, offset PRECEDING, CURRENT ROW, offset FOLLOWING,
 *  UNBOUNDED FOLLOWING. */
static inline elqb_bound elqb_unbounded_preceding(void)
{
    return elqb_bound_of(ELQB_UNBOUNDED_PRECEDING, elqb_leaf(ELQB_KIND_NONE));
}
static inline elqb_bound elqb_preceding(elqb_expr offset)
{
    return elqb_bound_of(ELQB_PRECEDING, offset);
}
static inline elqb_bound elqb_current_row(void)
{
    return elqb_bound_of(ELQB_CURRENT_ROW, elqb_leaf(ELQB_KIND_NONE));
}
static inline elqb_bound elqb_following(elqb_expr offset)
{
    return elqb_bound_of(ELQB_FOLLOWING, offset);
}
static inline elqb_bound elqb_unbounded_following(void)
{
    return elqb_bound_of(ELQB_UNBOUNDED_FOLLOWING, elqb_leaf(ELQB_KIND_NONE));
}

#ifdef __cplusplus
inline elqb_expr
elqb_over(elqb *q, elqb_expr call,
          const elqb_window_spec &window = elqb_window_spec())
{
    return elqb_over_v(q, call, &window);
}
inline void elqb_window(elqb_select *s, const char *name,
                        const elqb_window_spec &window = elqb_window_spec())
{
    elqb_window_v(s, name, &window);
}
#else
/* elqb_over(q, call, .order_by = ELQB_LIST(U.id)), elqb_over(q, call) */
#define elqb_over(q, ...)                                                     \
    elqb_over_v(q, ELPQ_FIRST_(__VA_ARGS__, 0),                               \
                &(const elqb_window_spec){                                    \
                    ELQB_REST_(__VA_ARGS__, .end_ = 0) })
#define elqb_window(s, ...)                                                   \
    elqb_window_v(s, ELPQ_FIRST_(__VA_ARGS__, 0),                             \
                  &(const elqb_window_spec){                                  \
                      ELQB_REST_(__VA_ARGS__, .end_ = 0) })
#endif

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file cte.h
 * WITH: common table expressions, which give a statement a name.
 *
 *     elqb_cte *c = elqb_cte_new(q, "big");
 *     elqb_table big = elqb_cte_table(c);
 *
 *     elqb_cte_as(c, orders_over_1000);
 *     elqb_with(s, c);
 *     elqb_from(s, big);
 *     elqb_columns(s, elqb_col(q, big, "id"));
 *
 * WITH "big" AS (SELECT ...) SELECT "big"."id" FROM "big"
 *
 * A recursive one refers to itself: what it starts with comes first, so that
 * the types of its columns are known, and then what is added to it.
 *
 *     elqb_cte_as(c, roots);
 *     elqb_join(children, ELQB_INNER, elqb_cte_table(c), ...);
 *     elqb_cte_recurse(c, children);
 *
 * WITH RECURSIVE "tree" AS (SELECT ... UNION ALL SELECT ... JOIN "tree" ...)
 *
 * It lives as long as its workspace and may be part of several statements.
 * All functions accept NULL and what failed; elqb_render() tells.
 */
#ifndef ELQB_CTE_H
#define ELQB_CTE_H

#include "dml.h"
#include "expr.h"
#include "schema.h"
#include "select.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elqb_cte elqb_cte;

/** A CTE that has a name and no statement yet. */
ELPQ_API elqb_cte *elqb_cte_new(elqb *q, const char *name);

/** What it stands for, in FROM; elqb_table_as() gives it an alias there.  Its
 *  columns: see elqb_col().  The statement, or one around it, must have it: see
 *  elqb_with(). */
ELPQ_API elqb_table elqb_cte_table(const elqb_cte *c);

/**
 * The statement: elqb_cte_as(c, s), in qb.h, takes any but MERGE, which is
 * none before PostgreSQL 17.  The last one counts.
 * INSERT, UPDATE and DELETE may be CTEs of the outermost statement alone, and
 * their columns are those of RETURNING.
 */
ELPQ_API void elqb_cte_as_select(elqb_cte *c, elqb_select *s);
ELPQ_API void elqb_cte_as_insert(elqb_cte *c, elqb_insert *i);
ELPQ_API void elqb_cte_as_update(elqb_cte *c, elqb_update *u);
ELPQ_API void elqb_cte_as_delete(elqb_cte *c, elqb_delete *d);

/** WITH RECURSIVE; the select so far UNION ALL step, or UNION step, which
 *  drops rows that were there before.  Once for each CTE. */
ELPQ_API void elqb_cte_recurse(elqb_cte *c, elqb_select *step);
ELPQ_API void elqb_cte_recurse_distinct(elqb_cte *c, elqb_select *step);

/** WITH RECURSIVE of a select that refers to the CTE in a way of its own. */
ELPQ_API void elqb_cte_recursive(elqb_cte *c);

/** Names for the columns: "c" ("id", "depth") AS ...  Columns of tables lend
 *  name and type; others are elqb_typed(elqb_name("depth"), INT4). */
ELPQ_API void elqb_cte_columns_v(elqb_cte *c, const elqb_expr *names);

/** AS MATERIALIZED, or AS NOT MATERIALIZED. */
ELPQ_API void elqb_cte_materialized(elqb_cte *c, bool materialized);

/** SEARCH BREADTH FIRST BY columns SET "name", or DEPTH: the column of this
 *  name, which the CTE has then, is for ORDER BY. */
ELPQ_API void elqb_cte_search_breadth_v(elqb_cte *c, const char *name,
                                        const elqb_expr *columns);
ELPQ_API void elqb_cte_search_depth_v(elqb_cte *c, const char *name,
                                      const elqb_expr *columns);

/** CYCLE columns SET "mark" USING "path": rows whose columns were there before
 *  end the recursion, and their column `mark` is true. */
ELPQ_API void elqb_cte_cycle_v(elqb_cte *c, const char *mark, const char *path,
                               const elqb_expr *columns);

/** CYCLE ... SET "mark" TO yes DEFAULT no: instead of true and false.  Both
 *  are literals, of text, int or bool: elqb_lit("Y"). */
ELPQ_API void elqb_cte_cycle_values(elqb_cte *c, elqb_expr yes, elqb_expr no);

/**
 * WITH before a statement: elqb_with(s, c), in qb.h, takes any.  They are
 * written in the order of the calls; each sees those before it, or all if one
 * is recursive.  One that is there already is not added again; another of the
 * same name is an error.  PostgreSQL takes none that is recursive before MERGE,
 * so that is an error as well.
 *
 * As in SQL, a table without a schema that is called like a CTE is the CTE
 * where that is in sight: after WITH "users" AS (SELECT ... FROM "users"), FROM
 * "users" is the CTE.  In the CTE's own statement, and in those before, it is
 * still the table, unless one that is recursive brings all in sight.  That is
 * refused, since the CTE would be made of itself: another name, or the table's
 * schema, tells them apart.  What is changed (INSERT INTO ...) is always the
 * table.
 */
ELPQ_API void elqb_select_with(elqb_select *s, elqb_cte *c);
ELPQ_API void elqb_insert_with(elqb_insert *i, elqb_cte *c);
ELPQ_API void elqb_update_with(elqb_update *u, elqb_cte *c);
ELPQ_API void elqb_delete_with(elqb_delete *d, elqb_cte *c);
ELPQ_API void elqb_merge_with(elqb_merge *m, elqb_cte *c);

#ifdef __cplusplus
}
#endif

#define elqb_cte_columns(c, ...) elqb_cte_columns_v(c, ELQB_LIST(__VA_ARGS__))
/* elqb_cte_search_depth(c, "order", T.id), elqb_cte_cycle(c, "mark", "path",
 * T.id) */
#define elqb_cte_search_breadth(c, name, ...)                                 \
    elqb_cte_search_breadth_v(c, name, ELQB_LIST(__VA_ARGS__))
#define elqb_cte_search_depth(c, name, ...)                                   \
    elqb_cte_search_depth_v(c, name, ELQB_LIST(__VA_ARGS__))
#define elqb_cte_cycle(c, mark, path, ...)                                    \
    elqb_cte_cycle_v(c, mark, path, ELQB_LIST(__VA_ARGS__))

#endif

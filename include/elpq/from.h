/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file from.h
 * FROM items beside tables and subqueries: VALUES, functions, samples.
 *
 * Each is an elqb_table, to be used like any other: in FROM, in joins, and
 * with elqb_c() for its columns.  elqb_col() is elqb_c() that asks the item,
 * also a subquery or CTE: it gives the type, and refuses a name that is not
 * there.  ELQB_TABLE() declares columns for items, too: with pairs_as("p"),
 * P.id is a column of whatever item has the alias "p".
 *
 * Functions that change an item give a changed copy.  Names are copied.
 */
#ifndef ELQB_FROM_H
#define ELQB_FROM_H

#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A column of a FROM item: ELQB_COL("price", "numeric(12,2)").  The type is
 * SQL text, so a literal; "" leaves it to the server.
 */
typedef struct elqb_column_def {
    const char *name;         /**< NULL ends a list                         */
    const char *trusted_type; /**< "" or NULL: not said                     */
} elqb_column_def;

/** The column "name" of the item, with its type as far as it is known.  If the
 *  names of all columns are known and this is not among them, it is an error.
 *  Of tables it is what elqb_c() is. */
ELPQ_API elqb_expr elqb_col(elqb *q, elqb_table t, const char *name);

/**
 * Rows of values: (VALUES ($1, $2), ($3, $4)) AS "v" ("id", "name").  The rows
 * are made by elqb_row(), each of all columns; ELQB_NONE is no row, and there
 * must be one.
 *
 *     elqb_table v = elqb_values_table(
 *         q, "v", ELQB_COLS(ELQB_COL("id", "int4"), ELQB_COL("name", "text")),
 *         elqb_row(q, elqb_val(1), elqb_val("a")),
 *         elqb_row(q, elqb_val(2), elqb_val("b")));
 *
 * Values take the type of their column, and what may be of another, or of one
 * that is not built in, is cast to it.  A column without a type has that of
 * its expressions, else of its first value that has one; strings alone are
 * text.
 */
ELPQ_API elqb_table elqb_values_table_v(elqb *q, const char *alias,
                                        const elqb_column_def *columns,
                                        const elqb_expr *rows);

/**
 * A function: elqb_table_func(q, elqb_func(q, "generate_series", a, b), "n")
 * is "generate_series"($1, $2) AS "n".  Instead of a call, elqb_text() gives
 * what has its own syntax (XMLTABLE); it is written as it is.  Without an
 * alias (NULL) its columns are those of elqb_name().
 */
ELPQ_API elqb_table elqb_table_func(elqb *q, elqb_expr call,
                                    const char *alias);

/** A function, or ROWS FROM, with a last column that counts the rows:
 *  f(x) WITH ORDINALITY AS "t".  It is called "ordinality" if not otherwise,
 *  and is an int8. */
ELPQ_API elqb_table elqb_with_ordinality(elqb *q, elqb_table t);

/**
 * Names for the columns of any item that has an alias: AS "t" ("a", "b"), once.
 * The types are not written, they are what elqb_col() goes by.
 */
ELPQ_API elqb_table elqb_alias_columns_v(elqb *q, elqb_table t,
                                         const elqb_column_def *columns);

/** The columns of a function that returns records, each with a type:
 *  f(x) AS "t" ("a" int4, "b" text). */
ELPQ_API elqb_table elqb_define_columns_v(elqb *q, elqb_table t,
                                          const elqb_column_def *columns);

/**
 * Several functions side by side, the shorter filled up with NULLs:
 * ROWS FROM (f(x), g(y)) AS "t".  One that returns records stands as
 * elqb_func_as(q, call, columns): f(x) AS ("a" int4, "b" text), which is for
 * nothing else.
 */
ELPQ_API elqb_table elqb_rows_from_v(elqb *q, const char *alias,
                                     const elqb_expr *calls);
ELPQ_API elqb_expr elqb_func_as_v(elqb *q, elqb_expr call,
                                  const elqb_column_def *columns);

/** LATERAL before a subquery, VALUES, function or ROWS FROM, which then sees
 *  the items before it.  (Functions do so without.) */
ELPQ_API elqb_table elqb_lateral_of(elqb *q, elqb_table t);

/**
 * Joins in parentheses, as one item of other joins:
 *
 *     elqb_select *pair = elqb_select_new(q);
 *     elqb_from(pair, O.table);
 *     elqb_join(pair, ELQB_INNER, P.table, elqb_eq(q, P.id, O.product_id));
 *     elqb_join(s, ELQB_LEFT, elqb_joined(q, pair, NULL),
 *               elqb_eq(q, O.user_id, U.id));
 *
 * LEFT JOIN ("orders" JOIN "products" ON ...) ON ....  The select has nothing
 * but FROM, without a comma.  The alias may be NULL; if not, it is the only
 * name by which the columns go.
 */
ELPQ_API elqb_table elqb_joined(elqb *q, elqb_select *s, const char *alias);

/**
 * A part of a table: elqb_tablesample(q, U.table, "bernoulli", elqb_val(10))
 * is "users" TABLESAMPLE "bernoulli" ($1).  The schema of the method may be
 * NULL.  REPEATABLE (seed) makes it the same part every time; ELQB_NONE takes
 * that away.
 */
ELPQ_API elqb_table elqb_tablesample_v(elqb *q, elqb_table t,
                                       const char *schema, const char *method,
                                       const elqb_expr *args);
ELPQ_API elqb_table elqb_repeatable(elqb *q, elqb_table t, elqb_expr seed);

#ifdef __cplusplus
}
#define ELQB_COL_END_ elqb_column_def()
#else
#define ELQB_COL_END_ { .name = NULL }
#endif

#define ELQB_COL(name, type) ELQB_STRUCT_(elqb_column_def, name, "" type "")
#define ELQB_COLS(...)                                                        \
    ELQB_ARRAY_(const elqb_column_def, __VA_ARGS__, ELQB_COL_END_)
#define elqb_values_table(q, alias, columns, ...)                             \
    elqb_values_table_v(q, alias, columns, ELQB_LIST(__VA_ARGS__))
#define elqb_alias_columns(q, t, ...)                                         \
    elqb_alias_columns_v(q, t, ELQB_COLS(__VA_ARGS__))
#define elqb_define_columns(q, t, ...)                                        \
    elqb_define_columns_v(q, t, ELQB_COLS(__VA_ARGS__))
#define elqb_rows_from(q, alias, ...)                                         \
    elqb_rows_from_v(q, alias, ELQB_LIST(__VA_ARGS__))
#define elqb_func_as(q, call, ...)                                            \
    elqb_func_as_v(q, call, ELQB_COLS(__VA_ARGS__))
#define elqb_tablesample(q, t, method, ...)                                   \
    elqb_tablesample_v(q, t, NULL, "" method "", ELQB_LIST(__VA_ARGS__))
#define elqb_tablesample_in(q, t, schema, method, ...)                        \
    elqb_tablesample_v(q, t, "" schema "", "" method "",                      \
                       ELQB_LIST(__VA_ARGS__))

#endif

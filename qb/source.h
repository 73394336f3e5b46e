/* SPDX-License-Identifier: PostgreSQL */
/*
 * What stands in FROM beside plain tables and subqueries: how from.c, values.c
 * and unnest.c keep it for render_from.c and columns.c.  Included by these
 * only.
 */
#ifndef ELQB_SOURCE_H
#define ELQB_SOURCE_H

#include "statements.h"

enum elqb__source_form {
    SOURCE_TABLE,     /* names are in the elqb_table; args of TABLESAMPLE   */
    SOURCE_SELECT,    /* inner                                              */
    SOURCE_VALUES,    /* args, row by row                                   */
    SOURCE_FUNCTION,  /* args[0]                                            */
    SOURCE_ROWS_FROM, /* args                                               */
    SOURCE_JOINED     /* the FROM items of select                           */
};

/* A column as the item itself names it. */
struct elqb__item_column {
    const char *name;
    const char *type; /* SQL text, NULL: none was given                     */
    uint32_t oid;     /* as far as it is known                              */
};

/* elqb_node.more of NODE_SOURCE, and of NODE_FUNCTION_AS for the columns. */
struct elqb__source {
    uint8_t form; /* enum elqb__source_form                                 */
    bool lateral;
    bool ordinality;
    bool defined; /* AS t ("a" int4): the columns' types are written        */
    uint32_t count;
    struct elqb__item_column *columns;
    struct elqb_node *inner; /* a subquery                                  */
    const elqb_select *select;
    const char *schema;      /* of the sampling method, NULL: none          */
    const char *method;      /* NULL: no TABLESAMPLE                        */
    elqb_expr seed;          /* of REPEATABLE                               */
};

/* from.c: a source that is all zero but for its form, and the item that a node
 * becomes by it.  NULL and an item of nothing: q failed. */
struct elqb__source *elqb__new_source(elqb *q, enum elqb__source_form form);
elqb_table elqb__make_item(elqb *q, const char *function,
                           struct elqb_node *node,
                           const struct elqb__source *source,
                           const char *alias);

/* from.c: the names and types of columns, in the arena.  False: q failed. */
bool elqb__keep_item_columns(elqb *q, const char *function,
                             struct elqb__source *source,
                             const elqb_column_def *list);

#endif

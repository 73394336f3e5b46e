/* SPDX-License-Identifier: PostgreSQL */
/*
 * Definitions, as ddl.c and ddl_table.c keep them and render_ddl.c reads them.
 *
 * Expressions in here are ready to be rendered without parameters: values are
 * literals, columns have no table (see elqb__keep_plain).  Options are copies
 * whose strings, lists and expressions are in the arena.
 */
#ifndef ELQB_QB_DDL_H
#define ELQB_QB_DDL_H

#include "statements.h"

enum elqb__ddl_kind {
    DDL_CREATE_TABLE,
    DDL_ALTER_TABLE,
    DDL_CREATE_INDEX,
    DDL_CREATE_SCHEMA,
    DDL_CREATE_ENUM,
    DDL_ADD_ENUM_VALUE,
    DDL_CREATE_SEQUENCE,
    DDL_DROP,
    DDL_DROP_CONSTRAINT,
    DDL_TRUNCATE,
    DDL_COMMENT
};

struct elqb__column {
    struct elqb__column *next;
    const char *name;
    uint32_t oid;
    const elqb_column_options *options; /* NULL: none yet                   */
};

struct elqb__constraint {
    struct elqb__constraint *next;
    elqb_constraint_options options;
    struct elqb__list keys; /* of .exclude                                  */
};

struct elqb__table_clauses {
    elqb_table_options options;
    uint32_t inherits; /* how many                                          */
    struct elqb__list keys;
};

struct elqb_ddl {
    elqb *q;
    enum elqb__ddl_kind kind;
    unsigned flags;
    elqb_table table; /* or whatever has this name                          */
    union {
        struct {
            struct elqb__column *columns; /* in their order, as below       */
            struct elqb__column *last_column;
            struct elqb__constraint *constraints;
            struct elqb__constraint *last_constraint;
            struct elqb__table_clauses *clauses; /* NULL: none              */
        } table;
        struct {
            const char *name;
            struct elqb__list keys;
            elqb_index_options options;
        } index;
        struct {
            const char **labels; /* new ones                                */
            uint32_t count;
            const char *before; /* labels that are there                    */
            const char *after;
        } type;
        struct {
            const char *word; /* TABLE, INDEX ...                           */
            const char *text; /* of a comment; NULL: none                   */
            const char *constraint; /* that is dropped, or commented on     */
            elqb_expr column;
        } object;
        struct {
            const elqb_table *tables;
            uint32_t count;
        } truncate;
        elqb_sequence_options sequence;
    } u;
};

_Static_assert(sizeof(struct elqb_ddl) <= ELQB_STATEMENT_SIZE,
               "a definition has no room in struct elqb__place");

/* ddl.c: a new statement about a table or what has such a name; only flags
 * that are `allowed`. */
elqb_ddl *elqb__new_ddl(elqb *q, const char *function,
                        enum elqb__ddl_kind kind, elqb_table t,
                        unsigned flags, unsigned allowed);
bool elqb__keep_sequence(elqb *q, const char *function, uint32_t type,
                         elqb_sequence_options *o);
bool elqb__is_sequence_type(uint32_t oid);

/* The expression, which may be ELQB_NONE, for a statement without parameters;
 * and a list of columns, NULL if there is none.  False: q failed. */
bool elqb__keep_plain(elqb *q, const char *function, elqb_expr *e);
bool elqb__keep_columns(elqb *q, const char *function,
                        const elqb_expr **columns);

/* Keys of an index, or of what is like one; a list that is empty is an error.
 */
bool elqb__keep_keys(elqb *q, const char *function, struct elqb__list *keys,
                     const elqb_expr *list);

/* Storage parameters, NULL if there are none. */
bool elqb__keep_storage(elqb *q, const char *function,
                        const elqb_arg **storage);

/* A copy of the tables up to ELQB_LAST_TABLE, none of them with an alias;
 * NULL, and an error, if there are none. */
const elqb_table *elqb__keep_tables(elqb *q, const char *function,
                                    const elqb_table *tables,
                                    uint32_t *count);

#endif

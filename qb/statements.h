/* SPDX-License-Identifier: PostgreSQL */
/*
 * The statements.  They are written by selectable.c and dml.c, and read by
 * the renderer; unlike nodes they change, until they are rendered and after.
 */
#ifndef ELQB_STATEMENTS_H
#define ELQB_STATEMENTS_H

#include "internal.h"

/* One item of FROM, with how it joins what stands before it. */
struct elqb__from_item {
    elqb_table table;
    elqb_expr on;
    uint8_t join; /* enum elqb_join_kind, or NO_JOIN: a comma               */
};
#define NO_JOIN 0xff
#define JOIN_NATURAL 0x08 /* added to the kind                              */

struct elqb__from {
    struct elqb__from_item *items;
    uint32_t count;
    uint32_t room;
};

/* FOR UPDATE and its like. */
struct elqb__lock {
    const struct elqb__lock *before;
    uint8_t strength; /* elqb_strength                                      */
    uint8_t wait;     /* elqb_wait                                          */
    uint32_t count;
    const char *tables[];
};

struct elqb_select {
    elqb *q;
    struct elqb__list columns;
    struct elqb__list distinct_on;
    struct elqb__list group_by;
    struct elqb__list order_by;
    struct elqb__from from;
    elqb_expr where;
    elqb_expr having;
    elqb_expr limit;
    elqb_expr offset;
    struct elqb__with *with;        /* NULL, as the next five: none         */
    const struct elqb__set *set;    /* instead of columns to having         */
    struct elqb__rows *rows;        /* the same: of VALUES                  */
    struct elqb_node *text;         /* the same: of elqb_text()             */
    struct elqb__windows *windows;  /* of WINDOW                            */
    const struct elqb__lock *locks; /* the last                             */
    bool distinct;
    bool with_ties; /* limit is of FETCH FIRST                              */
    bool group_distinct;
};

/* A set operation of at least two selects. */
struct elqb__set {
    enum elqb__op op;
    uint32_t depth; /* of set operations in it, and itself                  */
    uint32_t count;
    elqb_select *items[];
};

/* VALUES, row by row.  The columns of the select are their names and types. */
struct elqb__rows {
    uint32_t width;
    uint32_t count;         /* of values                                    */
    const elqb_expr *given; /* the values before they took types            */
    elqb_expr values[];
};

/* The CTEs of a statement, in order. */
struct elqb__with {
    elqb_cte **items;
    uint32_t count;
    uint32_t room;
};

struct elqb__windows {
    const struct elqb__window **items;
    uint32_t count;
    uint32_t room;
};

enum elqb__body {
    BODY_NONE,
    BODY_SELECT,
    BODY_INSERT,
    BODY_UPDATE,
    BODY_DELETE
};

struct elqb_cte {
    elqb *q;
    const char *name;
    struct elqb_node *source; /* of the tables that stand for it            */
    const void *body;         /* what, says:                                */
    enum elqb__body kind;
    bool recursive;
    bool recurses; /* elqb_cte_recurse() made the body                      */
    uint8_t materialized; /* enum elqb__materialized                        */
    bool breadth_first;
    struct elqb__list columns;
    struct elqb__list search_by;
    const char *search; /* NULL: no SEARCH                                  */
    struct elqb__list cycle_by;
    const char *mark; /* NULL: no CYCLE                                     */
    const char *path;
    elqb_expr yes; /* ELQB_NONE: true and false                             */
    elqb_expr no;
};
enum elqb__materialized { MATERIALIZED_ASK, MATERIALIZED_NO, MATERIALIZED_YES };

enum elqb__conflict { CONFLICT_ERROR, CONFLICT_NOTHING, CONFLICT_UPDATE };

struct elqb_insert {
    elqb *q;
    elqb_table table;
    struct elqb__list columns;
    struct elqb__list values; /* row by row, each as long as columns        */
    bool by_rows;             /* elqb_columns and elqb_values, not elqb_set */
    elqb_select *select;
    struct elqb_node *unnest; /* arrays, instead of values                  */
    uint8_t overriding;       /* elqb_override, or 0                        */
    enum elqb__conflict conflict;
    const char *constraint;
    struct elqb__list target;
    elqb_expr index_where;
    struct elqb__list set; /* see elqb__add_assignment()                    */
    elqb_expr conflict_where;
    struct elqb__list returning;
    struct elqb__with *with;
};

struct elqb_update {
    elqb *q;
    elqb_table table;
    struct elqb__list set;
    struct elqb__from from;
    elqb_expr where;
    struct elqb__list returning;
    struct elqb__with *with;
};

struct elqb_delete {
    elqb *q;
    elqb_table table;
    struct elqb__from from;
    elqb_expr where;
    struct elqb__list returning;
    struct elqb__with *with;
};

enum elqb__action {
    ACTION_NOTHING,
    ACTION_DELETE,
    ACTION_UPDATE,
    ACTION_INSERT
};

/* WHEN ... THEN ... of a merge. */
struct elqb_when {
    elqb *q;
    elqb_when *next;
    elqb_expr condition;
    struct elqb__list set;
    enum elqb__action action;
    bool matched;
    uint8_t overriding; /* elqb_override, or 0                              */
};

struct elqb_merge {
    elqb *q;
    elqb_table table;
    struct elqb__from from;
    elqb_expr on;
    elqb_when *first;
    elqb_when *last;
    struct elqb__with *with;
    bool closed[2]; /* [matched]: one without a condition was the last      */
};

_Static_assert(sizeof(struct elqb_select) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_insert) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_update) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_delete) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_merge) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_when) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_cte) <= ELQB_STATEMENT_SIZE,
               "a statement has no room in struct elqb__place");

/* dml.c, for merge.c too.  A list of SET is column, value, column, value; a
 * row of columns stands as one NODE_ROW, before a row of values or a select. */
void *elqb__new_dml(elqb *q, const char *function, size_t size, elqb_table *t);
void *elqb__copy_statement(elqb *q, const char *function, const void *s,
                           size_t size);
void elqb__add_assignment(elqb *q, const char *function,
                          struct elqb__list *set, elqb_expr column,
                          elqb_expr value);
void elqb__add_row(elqb *q, const char *function, struct elqb__list *set,
                   const elqb_expr *columns, elqb_expr source);
uint8_t elqb__check_override(elqb *q, elqb_override kind);
bool elqb__is_target(const elqb_expr *e);

/* setop.c */
const elqb_select *elqb__first_select(const elqb_select *s);
uint32_t elqb__column_type(const elqb_select *s, uint32_t place);
void elqb__add_result_order(elqb_select *s, const elqb_expr *list);
void elqb__type_values(elqb_select **at, uint32_t column, uint32_t oid);
ELQB__COLD void elqb__refuse_clause(const elqb_select *s, const char *function);

/* Whether a verb may change the clauses that a set operation, VALUES and SQL
 * text do not have. */
static inline bool elqb__is_plain(const elqb_select *s, const char *function)
{
    if (!s || elqb__failed_in(s->q, function))
        return false;
    if (!s->set && !s->rows && !s->text)
        return true;
    elqb__refuse_clause(s, function);
    return false;
}

/* values.c: the same rows, whose values in the column are of the type as far
 * as they can be; `all` if all of them are.  NULL: q failed. */
struct elqb__rows *elqb__type_rows(elqb *q, const struct elqb__rows *rows,
                                   uint32_t column, uint32_t oid, bool *all);

/* cte.c, for any statement: one more CTE; a list that may grow on its own. */
void elqb__add_with(elqb *q, struct elqb__with **with, elqb_cte *c);
struct elqb__with *elqb__copy_with(elqb *q, const struct elqb__with *with);

/* window.c */
struct elqb__windows *elqb__copy_windows(elqb *q,
                                         const struct elqb__windows *windows);

/* arena.c: a statement, all zero but for its first member, the owner.  Its size
 * is at most ELQB_STATEMENT_SIZE.  After elqb_reset() the owner is elqb.stale:
 * verbs do nothing, and the first to call elqb__failed_in() says why. */
void *elqb__new_statement(elqb *q, size_t size);

/* selectable.c, for dml.c too; an error if the owner is not q. */
bool elqb__is_own_statement(elqb *q, const char *function, const elqb *owner);
bool elqb__keep_table(elqb *q, const char *function, elqb_table *t);
void elqb__add_from(elqb *q, const char *function, struct elqb__from *from,
                    elqb_table t);
struct elqb_node *elqb__nest(elqb *q, const char *function,
                             const elqb_select *s); /* a NODE_SOURCE */
bool elqb__push_from(elqb *q, struct elqb__from *from, uint8_t join,
                     const elqb_table *t, elqb_expr on);
void elqb__add_condition(elqb *q, const char *function, elqb_expr *where,
                         elqb_expr condition);
/* Columns that stand for their names. */
void elqb__add_names(elqb *q, const char *function, struct elqb__list *to,
                     const elqb_expr *list);
void elqb__add_columns(elqb *q, const char *function, struct elqb__list *to,
                       const elqb_expr *list);

/* render_from.c: an item that is neither table nor subquery, what it is
 * joined by, VALUES without parentheses, a list of GROUP BY, and FOR UPDATE */
struct elqb__render;
void elqb__put_values(struct elqb__render *r, elqb_expr *values,
                      uint32_t count, uint32_t width);
void elqb__put_source(struct elqb__render *r, const elqb_table *t);
void elqb__put_using(struct elqb__render *r, const struct elqb_node *node);
void elqb__put_grouping(struct elqb__render *r, const struct elqb__list *list);
void elqb__put_locks(struct elqb__render *r, const elqb_select *s);

/* render_select.c, for render_dml.c too */
void elqb__put_clause(struct elqb__render *r, const char *word,
                      const elqb_expr *e);
void elqb__put_table(struct elqb__render *r, const elqb_table *t);
void elqb__put_from_item(struct elqb__render *r, const elqb_table *t);
void elqb__put_index_item(struct elqb__render *r, elqb_expr *e);
void elqb__put_from(struct elqb__render *r, const char *word,
                    const struct elqb__from *from);

#endif

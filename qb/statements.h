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

struct elqb__from {
    struct elqb__from_item *items;
    uint32_t count;
    uint32_t room;
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
    bool distinct;
};

enum elqb__conflict { CONFLICT_ERROR, CONFLICT_NOTHING, CONFLICT_UPDATE };

struct elqb_insert {
    elqb *q;
    elqb_table table;
    struct elqb__list columns;
    struct elqb__list values; /* row by row, each as long as columns        */
    bool by_rows;             /* elqb_columns and elqb_values, not elqb_set */
    elqb_select *select;
    enum elqb__conflict conflict;
    const char *constraint;
    struct elqb__list target;
    elqb_expr index_where;
    struct elqb__list set; /* column, value, column, value                  */
    elqb_expr conflict_where;
    struct elqb__list returning;
};

struct elqb_update {
    elqb *q;
    elqb_table table;
    struct elqb__list set; /* column, value, column, value                  */
    struct elqb__from from;
    elqb_expr where;
    struct elqb__list returning;
};

struct elqb_delete {
    elqb *q;
    elqb_table table;
    struct elqb__from from;
    elqb_expr where;
    struct elqb__list returning;
};

_Static_assert(sizeof(struct elqb_select) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_insert) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_update) <= ELQB_STATEMENT_SIZE &&
                   sizeof(struct elqb_delete) <= ELQB_STATEMENT_SIZE,
               "a statement has no room in struct elqb__place");

/* arena.c: a statement, all zero but for its first member, the owner.  Its size
 * is at most ELQB_STATEMENT_SIZE.  After elqb_reset() the owner is elqb.stale:
 * verbs do nothing, and the first to call elqb__failed_in() says why. */
void *elqb__new_statement(elqb *q, size_t size);

/* selectable.c, for dml.c too; an error if the owner is not q. */
bool elqb__is_own_statement(elqb *q, const char *function, const elqb *owner);
bool elqb__keep_table(elqb *q, const char *function, elqb_table *t);
void elqb__add_from(elqb *q, const char *function, struct elqb__from *from,
                    uint8_t join, elqb_table t, elqb_expr on);
void elqb__add_condition(elqb *q, const char *function, elqb_expr *where,
                         elqb_expr condition);
void elqb__add_list(elqb *q, const char *function, struct elqb__list *to,
                    const elqb_expr *list);
void elqb__add_columns(elqb *q, const char *function, struct elqb__list *to,
                       const elqb_expr *list);

/* render_select.c, for render_dml.c too */
struct elqb__render;
void elqb__put_clause(struct elqb__render *r, const char *word,
                      const elqb_expr *e);
void elqb__put_table(struct elqb__render *r, const elqb_table *t);
void elqb__put_from(struct elqb__render *r, const char *word,
                    const struct elqb__from *from);

#endif

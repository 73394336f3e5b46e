/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of the renderer share: the text that grows, the parameters,
 * and the entry points of each kind of thing.
 *
 * One rendering is one pass over the tree.  Parameters get their numbers in
 * the order in which the pass meets them.  A failure is noted in the
 * workspace, and the pass goes on or stops as is easiest: its text is thrown
 * away.  Included by render*.c, literal*.c and ident.c only.
 */
#ifndef ELQB_RENDERER_H
#define ELQB_RENDERER_H

#include "names.h"

struct elqb__set;
struct elqb__with;
struct elqb__windows;

/* In a minimum level: inside the middle operand of BETWEEN. */
#define B_EXPR 0x40u

struct elqb__render {
    elqb *q;
    char *text;
    size_t len;
    size_t size;
    elpq_value *values; /* of $1, $2, ...                                   */
    elqb_expr **slots;  /* the leaf that each came from: its identity       */
    struct elqb__names binds; /* where in slots each name is                */
    uint32_t count;
    uint32_t room;
    unsigned depth;
    const struct elqb__scope *scope;     /* the CTEs in sight               */
    const struct elqb__windows *windows; /* of the select under way         */
    unsigned flags; /* of the statement                                     */
    bool debug;     /* write values into the text                           */
    bool compile;   /* binds need no values: see UNSET                      */
    bool bare;      /* columns stand without their table                    */
};

/* What debug text starts with: a syntax error to every server. */
#define DEBUG_MARK "<debug> "

/* elpq_value.kind, in a compiled statement: there is no value yet. */
#define UNSET 0xff

/* ------------------------------------------------------------------- text */

bool elqb__grow_text(struct elqb__render *r, size_t more);

/* Room for so many bytes more.  False: the workspace has an error. */
static inline bool elqb__room(struct elqb__render *r, size_t more)
{
    return r->size - r->len >= more || elqb__grow_text(r, more);
}

static inline void elqb__put_bytes(struct elqb__render *r, const char *data,
                                   size_t size)
{
    if (elqb__room(r, size)) {
        memcpy(r->text + r->len, data, size);
        r->len += size;
    }
}

static inline void elqb__put_char(struct elqb__render *r, char c)
{
    if (elqb__room(r, 1))
        r->text[r->len++] = c;
}

static inline void elqb__put_string(struct elqb__render *r, const char *s)
{
    elqb__put_bytes(r, s, strlen(s));
}

/* For string literals: the length is known to the compiler. */
#define PUT(r, literal) elqb__put_bytes(r, "" literal "", sizeof(literal) - 1)

void elqb__put_unsigned(struct elqb__render *r, uint64_t number);

/* schema.c: the schema that this one stands for; NULL is none. */
const char *elqb__translate(const elqb *q, const char *schema);

/* "schema". as elqb_schema_translate() has it; NULL is none.  The
 * name alone, where it is the schema that something is done to. */
void elqb__put_schema(struct elqb__render *r, const char *schema);
void elqb__put_schema_name(struct elqb__render *r, const char *name);

/* ident.c: a quoted identifier */
void elqb__put_name(struct elqb__render *r, const char *name);

/* literal.c: a value as SQL */
void elqb__put_literal(struct elqb__render *r, const elpq_value *v);
bool elqb__is_negative(const struct elqb__render *r, const elpq_value *v);

/* literal_text.c: what stands between its quotes; the text from there on, which
 * is taken out of what was rendered, NULL if q failed; an element of an array.
 */
void elqb__put_plain(struct elqb__render *r, const elpq_value *v);
const char *elqb__take_back(struct elqb__render *r, size_t start, size_t *size);
elpq_value elqb__item(const elpq_value *v, size_t i);
bool elqb__has_bounds(const elpq_value *v); /* an array, other than from 1 */
void elqb__put_signed(struct elqb__render *r, int64_t number);

/* ::type, nothing for a type that is not built in; and its bare name behind
 * `before`, false for such a type. */
void elqb__put_cast(struct elqb__render *r, uint32_t oid);
bool elqb__put_type(struct elqb__render *r, const char *before, uint32_t oid);

/* render.c: a value or bind as $n */
void elqb__put_param(struct elqb__render *r, elqb_expr *slot);

/* ------------------------------------------------------------------ parts */

/* An expression; in parentheses unless it binds at least as `min` asks. */
void elqb__put_expr(struct elqb__render *r, elqb_expr *e, unsigned min);

/* A type that is given by its name or as SQL. */
void elqb__put_column_type(struct elqb__render *r,
                           const elqb_column_type *type);

/* a, b, c */
void elqb__put_list(struct elqb__render *r, elqb_expr *items, uint32_t count);

/* The same of columns of SELECT and RETURNING: with labels and stars. */
void elqb__put_columns(struct elqb__render *r, const struct elqb__list *list);

/* The same of ORDER BY: with ASC and NULLS LAST. */
void elqb__put_order(struct elqb__render *r, const struct elqb__list *list);

/* "users".*, and [i] or [i : j] */
void elqb__put_star(struct elqb__render *r, const elqb_expr *e);
void elqb__put_index(struct elqb__render *r, struct elqb_node *node);

/* render_select.c, render_dml.c: statements, without parentheses */
void elqb__put_select(struct elqb__render *r, const elqb_select *s);
void elqb__put_insert(struct elqb__render *r, const elqb_insert *i);
void elqb__put_update(struct elqb__render *r, const elqb_update *u);
void elqb__put_delete(struct elqb__render *r, const elqb_delete *d);
void elqb__put_merge(struct elqb__render *r, const elqb_merge *m);

/* render_ddl.c */
struct elqb_ddl;
void elqb__put_ddl(struct elqb__render *r, const struct elqb_ddl *d);

/* render_with.c: WITH ... before a statement, which leaves r->scope as it was
 * before when it ends; a set operation without its ORDER BY and LIMIT. */
struct elqb__scope {
    const struct elqb__scope *outer;
    const struct elqb__with *with;
    uint32_t count; /* that are in sight                                    */
    uint32_t at;    /* that is being written; all are: with->count          */
};
void elqb__put_with(struct elqb__render *r, struct elqb__scope *scope,
                    const struct elqb__with *with);
void elqb__put_set(struct elqb__render *r, const struct elqb__set *set);
void elqb__put_cte_name(struct elqb__render *r, struct elqb_node *node,
                        unsigned b_expr);

/* An error if RECURSIVE makes a CTE of what is meant to be a table. */
void elqb__check_table_name(struct elqb__render *r, const char *name);

/* The first CTE that makes WITH recursive; NULL: none. */
const elqb_cte *elqb__find_recursive(const struct elqb__with *with);

/* render_window.c: OVER and WINDOW, with a space before */
void elqb__put_over(struct elqb__render *r, const struct elqb__window *window);
void elqb__put_windows(struct elqb__render *r,
                       const struct elqb__windows *windows);

/* compile.c: what was rendered, as a block of its own */
elqb_compiled *elqb__pack(struct elqb__render *r, const elpq_statement *st);

/* One level deeper; false, and an error, if that is too deep. */
bool elqb__enter(struct elqb__render *r);
static inline void elqb__leave(struct elqb__render *r)
{
    r->depth--;
}

#endif

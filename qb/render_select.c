/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of SELECT, and of the clauses that other statements share with
 * it: FROM items, lists of columns, ORDER BY.
 *
 * Clauses come in the order that SQL asks for, whatever the order of the
 * calls was.
 */
#include "renderer.h"
#include "statements.h"

/* A statement is const to the renderer but for the numbers of its leaves. */
void elqb__put_clause(struct elqb__render *r, const char *word,
                      const elqb_expr *e)
{
    if (e->kind == ELQB_KIND_NONE)
        return;
    elqb__put_string(r, word);
    elqb__put_expr(r, (elqb_expr *)(uintptr_t)e, LEVEL_LOWEST);
}

static void put_column_item(struct elqb__render *r, elqb_expr *e)
{
    if (e->kind == ELQB_KIND_STAR) {
        elqb__put_star(r, e);
        return;
    }
    elqb__put_expr(r, e, LEVEL_LOWEST);
    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_LABEL) {
        PUT(r, " AS ");
        elqb__put_name(r, e->u.node->text);
    }
}

void elqb__put_columns(struct elqb__render *r, const struct elqb__list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i)
            PUT(r, ", ");
        put_column_item(r, &list->items[i]);
    }
}

static void put_order_item(struct elqb__render *r, elqb_expr *e)
{
    unsigned flags = 0;

    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_ORDER) {
        flags = e->u.node->flags;
        e = &e->u.node->args[0];
    }
    elqb__put_expr(r, e, LEVEL_LOWEST);
    if (flags & ORDER_ASC)
        PUT(r, " ASC");
    if (flags & ORDER_DESC)
        PUT(r, " DESC");
    if (flags & NULLS_FIRST)
        PUT(r, " NULLS FIRST");
    if (flags & NULLS_LAST)
        PUT(r, " NULLS LAST");
}

void elqb__put_order(struct elqb__render *r, const struct elqb__list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i)
            PUT(r, ", ");
        put_order_item(r, &list->items[i]);
    }
}

/* ------------------------------------------------------------------- FROM */

void elqb__put_table(struct elqb__render *r, const elqb_table *t)
{
    if (t->source) {
        elqb_expr source = elqb__node_expr(t->source, 0);

        if (t->source->flags)
            PUT(r, "LATERAL ");
        elqb__put_expr(r, &source, LEVEL_LOWEST);
    } else {
        if (t->only)
            PUT(r, "ONLY ");
        if (t->schema || r->q->nschemas)
            elqb__put_schema(r, t->schema);
        elqb__put_name(r, t->name);
    }
    if (t->alias) {
        PUT(r, " AS ");
        elqb__put_name(r, t->alias);
    }
}

void elqb__put_from(struct elqb__render *r, const char *word,
                    const struct elqb__from *from)
{
    static const char *const joins[] = {
        [ELQB_INNER] = " JOIN ",       [ELQB_LEFT] = " LEFT JOIN ",
        [ELQB_RIGHT] = " RIGHT JOIN ", [ELQB_FULL] = " FULL JOIN ",
        [ELQB_CROSS] = " CROSS JOIN ",
    };

    for (uint32_t i = 0; i < from->count; i++) {
        const struct elqb__from_item *item = &from->items[i];

        if (i == 0)
            elqb__put_string(r, word);
        else if (item->join == NO_JOIN)
            PUT(r, ", ");
        else
            elqb__put_string(r, joins[item->join]);
        elqb__put_table(r, &item->table);
        elqb__put_clause(r, " ON ", &item->on);
    }
}

/* ----------------------------------------------------------------- SELECT */

static void put_distinct(struct elqb__render *r, const elqb_select *s)
{
    if (s->distinct || s->distinct_on.count)
        PUT(r, "DISTINCT ");
    if (s->distinct_on.count) {
        PUT(r, "ON (");
        elqb__put_list(r, s->distinct_on.items, s->distinct_on.count);
        PUT(r, ") ");
    }
}

void elqb__put_select(struct elqb__render *r, const elqb_select *s)
{
    if (!elqb__enter(r))
        return;
    if (s->columns.count == 0)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: a select has no columns, see elqb_columns()");
    PUT(r, "SELECT ");
    put_distinct(r, s);
    elqb__put_columns(r, &s->columns);
    elqb__put_from(r, " FROM ", &s->from);
    elqb__put_clause(r, " WHERE ", &s->where);
    if (s->group_by.count) {
        PUT(r, " GROUP BY ");
        elqb__put_list(r, s->group_by.items, s->group_by.count);
    }
    elqb__put_clause(r, " HAVING ", &s->having);
    if (s->order_by.count) {
        PUT(r, " ORDER BY ");
        elqb__put_order(r, &s->order_by);
    }
    elqb__put_clause(r, " LIMIT ", &s->limit);
    elqb__put_clause(r, " OFFSET ", &s->offset);
    elqb__leave(r);
}

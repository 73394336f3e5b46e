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

/* The order of an item, which becomes what is ordered; NULL: none. */
static const struct elqb_node *take_order(elqb_expr **e)
{
    const struct elqb_node *node = (*e)->u.node;

    if ((*e)->kind != ELQB_KIND_NODE || node->kind != NODE_ORDER)
        return NULL;
    *e = &node->args[0];
    return node;
}

static void put_direction(struct elqb__render *r,
                          const struct elqb_node *order)
{
    if (!order)
        return;
    if (order->flags & ORDER_USING) {
        PUT(r, " USING ");
        elqb__put_string(r, order->text);
    }
    if (order->flags & ORDER_ASC)
        PUT(r, " ASC");
    if (order->flags & ORDER_DESC)
        PUT(r, " DESC");
    if (order->flags & NULLS_FIRST)
        PUT(r, " NULLS FIRST");
    if (order->flags & NULLS_LAST)
        PUT(r, " NULLS LAST");
}

static void put_order_item(struct elqb__render *r, elqb_expr *e)
{
    const struct elqb_node *order = take_order(&e);

    elqb__put_expr(r, e, LEVEL_LOWEST);
    put_direction(r, order);
}

/* A name of a node, with the schema before it. */
static void put_qualified(struct elqb__render *r, const char *word,
                          const struct elqb_node *node)
{
    elqb__put_string(r, word);
    if (node->more) {
        elqb__put_name(r, node->more);
        elqb__put_char(r, '.');
    }
    elqb__put_name(r, node->text);
}

void elqb__put_order(struct elqb__render *r, const struct elqb__list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i)
            PUT(r, ", ");
        put_order_item(r, &list->items[i]);
    }
}

/*
 * A column of an index: what is indexed, COLLATE, operator class, order.  A
 * column stands by its bare name, anything else in parentheses.
 */
void elqb__put_index_item(struct elqb__render *r, elqb_expr *e)
{
    const struct elqb_node *order = take_order(&e);
    const struct elqb_node *opclass = NULL, *collate = NULL;

    if (order && order->flags & ORDER_USING)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: an index takes asc and "
                   "desc, no operator");
    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_OPCLASS) {
        opclass = e->u.node;
        e = &e->u.node->args[0];
    }
    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_COLLATE) {
        collate = e->u.node;
        e = &e->u.node->args[0];
    }
    if (e->kind == ELQB_KIND_COLUMN) {
        elqb__put_name(r, e->u.column.name);
    } else {
        elqb__put_char(r, '(');
        elqb__put_expr(r, e, LEVEL_LOWEST);
        elqb__put_char(r, ')');
    }
    if (collate)
        put_qualified(r, " COLLATE ", collate);
    if (opclass)
        put_qualified(r, " ", opclass);
    put_direction(r, order);
}

/* ------------------------------------------------------------------- FROM */

static void put_alias(struct elqb__render *r, const elqb_table *t)
{
    if (t->alias) {
        PUT(r, " AS ");
        elqb__put_name(r, t->alias);
    }
}

void elqb__put_table(struct elqb__render *r, const elqb_table *t)
{
    if (t->only)
        PUT(r, "ONLY ");
    if (t->schema || r->q->nschemas)
        elqb__put_schema(r, t->schema);
    elqb__put_name(r, t->name);
    put_alias(r, t);
}

void elqb__put_from_item(struct elqb__render *r, const elqb_table *t)
{
    if (t->source && t->source->kind == NODE_SOURCE) {
        elqb__put_source(r, t);
    } else if (t->source) {
        elqb_expr source = elqb__node_expr(t->source, 0);

        if (t->source->flags)
            PUT(r, "LATERAL ");
        elqb__put_expr(r, &source, LEVEL_LOWEST);
        put_alias(r, t);
    } else {
        if (r->scope && !elqb__translate(r->q, t->schema))
            elqb__check_table_name(r, t->name);
        elqb__put_table(r, t);
    }
}

void elqb__put_from(struct elqb__render *r, const char *word,
                    const struct elqb__from *from)
{
    static const char *const joins[] = {
        [ELQB_INNER] = " JOIN ",       [ELQB_LEFT] = " LEFT JOIN ",
        [ELQB_RIGHT] = " RIGHT JOIN ", [ELQB_FULL] = " FULL JOIN ",
        [ELQB_CROSS] = " CROSS JOIN ",
        [JOIN_NATURAL + ELQB_INNER] = " NATURAL JOIN ",
        [JOIN_NATURAL + ELQB_LEFT] = " NATURAL LEFT JOIN ",
        [JOIN_NATURAL + ELQB_RIGHT] = " NATURAL RIGHT JOIN ",
        [JOIN_NATURAL + ELQB_FULL] = " NATURAL FULL JOIN ",
    };

    for (uint32_t i = 0; i < from->count; i++) {
        const struct elqb__from_item *item = &from->items[i];

        if (i == 0)
            elqb__put_string(r, word);
        else if (item->join == NO_JOIN)
            PUT(r, ", ");
        else
            elqb__put_string(r, joins[item->join]);
        elqb__put_from_item(r, &item->table);
        if (item->on.kind == ELQB_KIND_NODE &&
            item->on.u.node->kind == NODE_USING)
            elqb__put_using(r, item->on.u.node);
        else
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

/* Whether a literal is more than digits: a cast is an operator to FETCH. */
static bool may_have_cast(const elqb_expr *e)
{
    return e->kind == ELQB_KIND_LITERAL &&
           (e->u.value.kind != ELPQ_KIND_INT ||
            e->u.value.oid != ELPQ_OID_INT4 ||
            e->u.value.u.int64 == INT32_MIN);
}

/* FETCH takes an operand that is no operator: others in parentheses. */
static void put_limit(struct elqb__render *r, const elqb_select *s)
{
    bool cast = may_have_cast(&s->limit);

    if (!s->with_ties) {
        elqb__put_clause(r, " LIMIT ", &s->limit);
        elqb__put_clause(r, " OFFSET ", &s->offset);
        return;
    }
    elqb__put_clause(r, " OFFSET ", &s->offset);
    if (s->limit.kind == ELQB_KIND_NONE)
        return;
    if (s->order_by.count == 0)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: FETCH ... WITH TIES "
                   "needs elqb_order_by()");
    PUT(r, " FETCH FIRST ");
    if (cast)
        PUT(r, "(");
    elqb__put_expr(r, (elqb_expr *)(uintptr_t)&s->limit, LEVEL_ATOM);
    if (cast)
        PUT(r, ")");
    PUT(r, " ROWS WITH TIES");
}

/* From SELECT to WINDOW: what a set operation has in its operands. */
static void put_clauses(struct elqb__render *r, const elqb_select *s)
{
    /* EXISTS (SELECT FROM t) needs none. */
    if (s->columns.count == 0 &&
        (s->from.count == 0 || s->distinct || s->distinct_on.count))
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: a select has no columns, see elqb_columns()");
    elqb__put_string(r, s->columns.count ? "SELECT " : "SELECT");
    put_distinct(r, s);
    elqb__put_columns(r, &s->columns);
    elqb__put_from(r, " FROM ", &s->from);
    elqb__put_clause(r, " WHERE ", &s->where);
    if (s->group_by.count) {
        PUT(r, " GROUP BY ");
        if (s->group_distinct)
            PUT(r, "DISTINCT ");
        elqb__put_grouping(r, &s->group_by);
    }
    elqb__put_clause(r, " HAVING ", &s->having);
    if (s->windows)
        elqb__put_windows(r, s->windows);
}

static void put_text(struct elqb__render *r, struct elqb_node *node)
{
    elqb_expr text = elqb__node_expr(node, 0);

    elqb__put_expr(r, &text, LEVEL_LOWEST);
}

void elqb__put_select(struct elqb__render *r, const elqb_select *s)
{
    const struct elqb__windows *windows = r->windows;
    struct elqb__scope scope = { .outer = r->scope };

    if (!elqb__enter(r))
        return;
    r->windows = s->windows;
    if (s->with)
        elqb__put_with(r, &scope, s->with);
    if (s->set)
        elqb__put_set(r, s->set);
    else if (s->rows)
        elqb__put_values(r, s->rows->values, s->rows->count, s->rows->width);
    else if (s->text)
        put_text(r, s->text);
    else
        put_clauses(r, s);
    if (s->order_by.count) {
        PUT(r, " ORDER BY ");
        elqb__put_order(r, &s->order_by);
    }
    put_limit(r, s);
    if (s->locks)
        elqb__put_locks(r, s);
    r->scope = scope.outer;
    r->windows = windows;
    elqb__leave(r);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of the rarer parts of FROM, GROUP BY and FOR UPDATE; the common
 * ones are in render_select.c, which calls these.
 */
#include "renderer.h"
#include "source.h"

/* ------------------------------------------------------------- FROM items */

/* ("a" int4, "b" text), or the names alone */
static void put_column_names(struct elqb__render *r,
                             const struct elqb__source *source)
{
    for (uint32_t i = 0; i < source->count; i++) {
        elqb__put_string(r, i ? ", " : " (");
        elqb__put_name(r, source->columns[i].name);
        if (source->defined) {
            elqb__put_char(r, ' ');
            elqb__put_string(r, source->columns[i].type);
        }
    }
    if (source->count)
        elqb__put_char(r, ')');
}

void elqb__put_values(struct elqb__render *r, elqb_expr *values,
                      uint32_t count, uint32_t width)
{
    PUT(r, "VALUES (");
    for (uint32_t i = 0; i < count; i++) {
        if (i && i % width == 0)
            PUT(r, "), (");
        else if (i)
            PUT(r, ", ");
        elqb__put_expr(r, &values[i], LEVEL_LOWEST);
    }
    elqb__put_char(r, ')');
}

static void put_call(struct elqb__render *r, elqb_expr *call)
{
    if (call->u.node->kind != NODE_FUNCTION_AS) {
        elqb__put_expr(r, call, LEVEL_LOWEST);
        return;
    }
    elqb__put_expr(r, &call->u.node->args[0], LEVEL_LOWEST);
    PUT(r, " AS");
    put_column_names(r, call->u.node->more);
}

static void put_rows_from(struct elqb__render *r, const struct elqb_node *node)
{
    PUT(r, "ROWS FROM (");
    for (uint32_t i = 0; i < node->count; i++) {
        if (i)
            PUT(r, ", ");
        put_call(r, &node->args[i]);
    }
    elqb__put_char(r, ')');
}

static void put_sample(struct elqb__render *r, const struct elqb_node *node,
                       const struct elqb__source *source)
{
    PUT(r, " TABLESAMPLE ");
    if (source->schema) {
        elqb__put_name(r, source->schema);
        elqb__put_char(r, '.');
    }
    elqb__put_name(r, source->method);
    PUT(r, " (");
    elqb__put_list(r, node->args, node->count);
    elqb__put_char(r, ')');
    if (source->seed.kind) {
        PUT(r, " REPEATABLE (");
        elqb__put_expr(r, (elqb_expr *)(uintptr_t)&source->seed, LEVEL_LOWEST);
        elqb__put_char(r, ')');
    }
}

static const char *find_join_problem(const elqb_select *s)
{
    if (s->from.count < 2)
        return "elqb_joined() of a select without a join";
    for (uint32_t i = 1; i < s->from.count; i++)
        if (s->from.items[i].join == NO_JOIN)
            return "elqb_joined() of a select with a comma in FROM";
    if (s->columns.count || s->where.kind || s->group_by.count ||
        s->having.kind || s->order_by.count || s->limit.kind ||
        s->offset.kind || s->distinct || s->distinct_on.count || s->with ||
        s->windows || s->locks)
        return "elqb_joined() of a select with more than FROM";
    return NULL;
}

static void put_joined(struct elqb__render *r, const elqb_select *s)
{
    const char *problem = find_join_problem(s);

    if (problem)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: %s", problem);
    if (!elqb__enter(r))
        return;
    elqb__put_from(r, "(", &s->from);
    elqb__put_char(r, ')');
    elqb__leave(r);
}

/* What the item was made of, without its alias. */
static void put_inner(struct elqb__render *r, const elqb_table *t,
                      const struct elqb__source *source)
{
    elqb_table inner = *t;

    inner.alias = NULL;
    inner.source = source->inner;
    elqb__put_from_item(r, &inner);
}

void elqb__put_source(struct elqb__render *r, const elqb_table *t)
{
    const struct elqb_node *node = t->source;
    const struct elqb__source *source = node->more;

    if (source->lateral && source->form != SOURCE_SELECT)
        PUT(r, "LATERAL ");
    switch (source->form) {
    case SOURCE_VALUES:
        elqb__put_char(r, '(');
        elqb__put_values(r, node->args, node->count, source->count);
        elqb__put_char(r, ')');
        break;
    case SOURCE_FUNCTION:
        put_call(r, &node->args[0]);
        break;
    case SOURCE_ROWS_FROM:
        put_rows_from(r, node);
        break;
    case SOURCE_JOINED:
        put_joined(r, source->select);
        break;
    default:
        put_inner(r, t, source);
        break;
    }
    if (source->ordinality)
        PUT(r, " WITH ORDINALITY");
    if (t->alias) {
        PUT(r, " AS ");
        elqb__put_name(r, t->alias);
    } else if (source->defined) {
        PUT(r, " AS");
    } else if (source->count || source->form == SOURCE_VALUES) {
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: %s has lost its alias",
                   elqb__source_name(node));
    }
    put_column_names(r, source);
    if (source->method)
        put_sample(r, node, source);
}

void elqb__put_using(struct elqb__render *r, const struct elqb_node *node)
{
    PUT(r, " USING (");
    for (uint32_t i = 0; i < node->count; i++) {
        if (i)
            PUT(r, ", ");
        elqb__put_name(r, node->args[i].u.column.name);
    }
    elqb__put_char(r, ')');
    if (node->text) {
        PUT(r, " AS ");
        elqb__put_name(r, node->text);
    }
}

/* --------------------------------------------------------------- GROUP BY */

static void put_items(struct elqb__render *r, elqb_expr *items,
                      uint32_t count);

static void put_grouping_node(struct elqb__render *r, struct elqb_node *node)
{
    static const char *const words[] = {
        [GROUPING_SET] = "(",
        [GROUPING_ROLLUP] = "ROLLUP (",
        [GROUPING_CUBE] = "CUBE (",
        [GROUPING_SETS] = "GROUPING SETS (",
    };

    if (!elqb__enter(r))
        return;
    elqb__put_string(r, words[node->flags]);
    put_items(r, node->args, node->count);
    elqb__put_char(r, ')');
    elqb__leave(r);
}

static void put_items(struct elqb__render *r, elqb_expr *items,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            PUT(r, ", ");
        if (items[i].kind == ELQB_KIND_NODE &&
            items[i].u.node->kind == NODE_GROUPING)
            put_grouping_node(r, items[i].u.node);
        else
            elqb__put_expr(r, &items[i], LEVEL_LOWEST);
    }
}

void elqb__put_grouping(struct elqb__render *r, const struct elqb__list *list)
{
    put_items(r, list->items, list->count);
}

/* -------------------------------------------------------------- FOR UPDATE */

static void put_lock(struct elqb__render *r, const struct elqb__lock *lock)
{
    static const char *const strengths[] = {
        [ELQB_FOR_UPDATE] = " FOR UPDATE",
        [ELQB_FOR_NO_KEY_UPDATE] = " FOR NO KEY UPDATE",
        [ELQB_FOR_SHARE] = " FOR SHARE",
        [ELQB_FOR_KEY_SHARE] = " FOR KEY SHARE",
    };

    elqb__put_string(r, strengths[lock->strength]);
    for (uint32_t i = 0; i < lock->count; i++) {
        elqb__put_string(r, i ? ", " : " OF ");
        elqb__put_name(r, lock->tables[i]);
    }
    if (lock->wait == ELQB_NOWAIT)
        PUT(r, " NOWAIT");
    else if (lock->wait == ELQB_SKIP_LOCKED)
        PUT(r, " SKIP LOCKED");
}

/* In the order of the calls, which is from the end of the list. */
void elqb__put_locks(struct elqb__render *r, const elqb_select *s)
{
    const struct elqb__lock *lock, *end = NULL;

    while (end != s->locks) {
        lock = s->locks;
        while (lock->before != end)
            lock = lock->before;
        if (lock->wait == ELQB_SKIP_LOCKED && s->with_ties && s->limit.kind)
            elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: FETCH ... WITH TIES "
                       "and SKIP LOCKED exclude each other");
        put_lock(r, lock);
        end = lock;
    }
}

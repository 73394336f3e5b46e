/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of INSERT, UPDATE, DELETE and MERGE.
 *
 * A column that is stored into stands without its table, as SQL asks.
 */
#include "renderer.h"
#include "statements.h"

static bool is_node(const elqb_expr *e, enum elqb__node_kind kind)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->kind == kind;
}

/* "tags", "tags"[1], "address"."street", ("a", "b") */
static void put_target(struct elqb__render *r, elqb_expr *e)
{
    struct elqb_node *node;

    if (e->kind == ELQB_KIND_COLUMN) {
        elqb__put_name(r, e->u.column.name);
        return;
    }
    if (!elqb__enter(r))
        return;
    node = e->u.node;
    if (node->kind == NODE_ROW)
        elqb__put_char(r, '(');
    put_target(r, &node->args[0]);
    if (node->kind == NODE_ROW) {
        for (uint32_t i = 1; i < node->count; i++) {
            PUT(r, ", ");
            put_target(r, &node->args[i]);
        }
        elqb__put_char(r, ')');
    } else if (node->kind == NODE_FIELD) {
        elqb__put_char(r, '.');
        elqb__put_name(r, node->text);
    } else {
        elqb__put_index(r, node);
    }
    elqb__leave(r);
}

static void put_value(struct elqb__render *r, elqb_expr *e)
{
    if (e->kind == ELQB_KIND_DEFAULT)
        PUT(r, "DEFAULT");
    else
        elqb__put_expr(r, e, LEVEL_LOWEST);
}

/* The row that goes into a row of columns: with DEFAULT in it. */
static void put_row_of_values(struct elqb__render *r,
                              const struct elqb_node *row)
{
    elqb__put_string(r, row->count < 2 ? "ROW(" : "(");
    for (uint32_t i = 0; i < row->count; i++) {
        if (i)
            PUT(r, ", ");
        put_value(r, &row->args[i]);
    }
    elqb__put_char(r, ')');
}

static void put_set(struct elqb__render *r, const char *word,
                    const struct elqb__list *set)
{
    elqb__put_string(r, word);
    for (uint32_t i = 0; i < set->count; i += 2) {
        if (i)
            PUT(r, ", ");
        put_target(r, &set->items[i]);
        PUT(r, " = ");
        if (is_node(&set->items[i], NODE_ROW) &&
            is_node(&set->items[i + 1], NODE_ROW))
            put_row_of_values(r, set->items[i + 1].u.node);
        else
            put_value(r, &set->items[i + 1]);
    }
}

static void put_returning(struct elqb__render *r,
                          const struct elqb__list *list)
{
    if (list->count == 0)
        return;
    PUT(r, " RETURNING ");
    elqb__put_columns(r, list);
}

/* ----------------------------------------------------------------- INSERT */

static void put_overriding(struct elqb__render *r, uint8_t kind)
{
    if (kind)
        elqb__put_string(r, kind == ELQB_SYSTEM_VALUE
                                ? " OVERRIDING SYSTEM VALUE"
                                : " OVERRIDING USER VALUE");
}

static void put_rows(struct elqb__render *r, const elqb_insert *i)
{
    uint32_t width = i->columns.count;

    if (width && i->values.count == 0)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: an insert has columns but no values");
    if (i->values.count == 0) {
        if (i->overriding)
            elqb__fail(r->q, ELQB_E_USAGE,
                       "elqb_render: DEFAULT VALUES has elqb_overriding()");
        PUT(r, " DEFAULT VALUES");
        return;
    }
    PUT(r, " VALUES (");
    for (uint32_t v = 0; v < i->values.count; v++) {
        if (v && v % width == 0)
            PUT(r, "), (");
        else if (v)
            PUT(r, ", ");
        put_value(r, &i->values.items[v]);
    }
    elqb__put_char(r, ')');
}

/* As in the definition of an index, there are no columns but the table's. */
static void put_conflict_target(struct elqb__render *r, const elqb_insert *i)
{
    r->bare = true;
    for (uint32_t t = 0; t < i->target.count; t++) {
        elqb_expr *e = &i->target.items[t];

        elqb__put_string(r, t ? ", " : " (");
        if (is_node(e, NODE_ORDER))
            elqb__fail(r->q, ELQB_E_USAGE,
                       "elqb_render: ON CONFLICT takes no order (asc, desc)");
        elqb__put_index_item(r, e);
    }
    if (i->target.count)
        elqb__put_char(r, ')');
    if (i->constraint) {
        PUT(r, " ON CONSTRAINT ");
        elqb__put_name(r, i->constraint);
    }
    elqb__put_clause(r, " WHERE ", &i->index_where);
    r->bare = false;
}

static const char *find_conflict_problem(const elqb_insert *i)
{
    bool target = i->target.count || i->constraint;

    if (i->conflict == CONFLICT_ERROR)
        return i->constraint || i->set.count || i->conflict_where.kind ||
                       i->index_where.kind
                   ? "a part of ON CONFLICT without elqb_on_conflict_...()"
                   : NULL;
    if (i->target.count && i->constraint)
        return "ON CONFLICT has both columns and a constraint";
    if (i->index_where.kind && !i->target.count)
        return "ON CONFLICT has WHERE of an index without its columns";
    if (i->conflict == CONFLICT_NOTHING)
        return i->set.count || i->conflict_where.kind
                   ? "ON CONFLICT DO NOTHING has elqb_conflict_set()"
                   : NULL;
    if (!target)
        return "ON CONFLICT DO UPDATE needs columns or a constraint";
    return i->set.count ? NULL
                        : "ON CONFLICT DO UPDATE needs elqb_conflict_set()";
}

static void put_conflict(struct elqb__render *r, const elqb_insert *i)
{
    const char *problem = find_conflict_problem(i);

    if (problem)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: %s", problem);
    if (i->conflict == CONFLICT_ERROR)
        return;
    PUT(r, " ON CONFLICT");
    put_conflict_target(r, i);
    if (i->conflict == CONFLICT_NOTHING) {
        PUT(r, " DO NOTHING");
        return;
    }
    put_set(r, " DO UPDATE SET ", &i->set);
    elqb__put_clause(r, " WHERE ", &i->conflict_where);
}

void elqb__put_insert(struct elqb__render *r, const elqb_insert *i)
{
    struct elqb__scope scope = { .outer = r->scope };

    if (i->with)
        elqb__put_with(r, &scope, i->with);
    PUT(r, "INSERT INTO ");
    elqb__put_table(r, &i->table);
    for (uint32_t c = 0; c < i->columns.count; c++) {
        elqb__put_string(r, c ? ", " : " (");
        put_target(r, &i->columns.items[c]);
    }
    if (i->columns.count)
        elqb__put_char(r, ')');
    if (i->select || i->unnest || i->values.count)
        put_overriding(r, i->overriding);
    if (i->select) {
        elqb__put_char(r, ' ');
        elqb__put_select(r, i->select);
    } else if (i->unnest) {
        elqb_expr rows = elqb__node_expr(i->unnest, 0);

        PUT(r, " SELECT * FROM ");
        elqb__put_expr(r, &rows, LEVEL_LOWEST);
    } else {
        put_rows(r, i);
    }
    put_conflict(r, i);
    put_returning(r, &i->returning);
    r->scope = scope.outer;
}

/* ------------------------------------------------------- UPDATE and DELETE */

void elqb__put_update(struct elqb__render *r, const elqb_update *u)
{
    struct elqb__scope scope = { .outer = r->scope };

    if (u->set.count == 0)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: an update sets nothing, see elqb_set()");
    if (u->with)
        elqb__put_with(r, &scope, u->with);
    PUT(r, "UPDATE ");
    elqb__put_table(r, &u->table);
    put_set(r, " SET ", &u->set);
    elqb__put_from(r, " FROM ", &u->from);
    elqb__put_clause(r, " WHERE ", &u->where);
    put_returning(r, &u->returning);
    r->scope = scope.outer;
}

void elqb__put_delete(struct elqb__render *r, const elqb_delete *d)
{
    struct elqb__scope scope = { .outer = r->scope };

    if (d->with)
        elqb__put_with(r, &scope, d->with);
    PUT(r, "DELETE FROM ");
    elqb__put_table(r, &d->table);
    elqb__put_from(r, " USING ", &d->from);
    elqb__put_clause(r, " WHERE ", &d->where);
    put_returning(r, &d->returning);
    r->scope = scope.outer;
}

/* ------------------------------------------------------------------ MERGE */

static void put_merge_insert(struct elqb__render *r, const elqb_when *w)
{
    const struct elqb__list *set = &w->set;

    PUT(r, "INSERT");
    for (uint32_t i = 0; i < set->count; i += 2) {
        elqb__put_string(r, i ? ", " : " (");
        put_target(r, &set->items[i]);
    }
    if (set->count)
        elqb__put_char(r, ')');
    else if (w->overriding)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: DEFAULT VALUES has elqb_overriding()");
    put_overriding(r, w->overriding);
    if (set->count == 0)
        PUT(r, " DEFAULT VALUES");
    for (uint32_t i = 0; i < set->count; i += 2) {
        elqb__put_string(r, i ? ", " : " VALUES (");
        put_value(r, &set->items[i + 1]);
    }
    if (set->count)
        elqb__put_char(r, ')');
}

static void put_when(struct elqb__render *r, const elqb_when *w)
{
    elqb__put_string(r, w->matched ? " WHEN MATCHED" : " WHEN NOT MATCHED");
    elqb__put_clause(r, " AND ", &w->condition);
    PUT(r, " THEN ");
    switch (w->action) {
    case ACTION_NOTHING:
        PUT(r, "DO NOTHING");
        break;
    case ACTION_DELETE:
        PUT(r, "DELETE");
        break;
    case ACTION_UPDATE:
        if (w->set.count == 0)
            elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: an update of a merge "
                       "sets nothing, see elqb_set()");
        put_set(r, "UPDATE SET ", &w->set);
        break;
    case ACTION_INSERT:
        put_merge_insert(r, w);
        break;
    }
}

void elqb__put_merge(struct elqb__render *r, const elqb_merge *m)
{
    struct elqb__scope scope = { .outer = r->scope };
    const elqb_cte *recursive;

    if (m->from.count == 0)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: a merge has no source, see "
                   "elqb_merge_using()");
    if (!m->first)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: a merge has no elqb_when_...()");
    recursive = elqb__find_recursive(m->with);
    if (recursive)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: PostgreSQL takes no WITH "
                   "RECURSIVE before MERGE, and the CTE \"%s\" makes it one",
                   recursive->name);
    if (m->with)
        elqb__put_with(r, &scope, m->with);
    PUT(r, "MERGE INTO ");
    elqb__put_table(r, &m->table);
    elqb__put_from(r, " USING ", &m->from);
    elqb__put_clause(r, " ON ", &m->on);
    for (const elqb_when *w = m->first; w; w = w->next)
        put_when(r, w);
    r->scope = scope.outer;
}

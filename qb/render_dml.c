/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of INSERT, UPDATE and DELETE.
 *
 * A column that is stored into stands without its table, as SQL asks.
 */
#include "renderer.h"
#include "statements.h"

/* "tags", "tags"[1], "address"."street" */
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
    put_target(r, &node->args[0]);
    if (node->kind == NODE_FIELD) {
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

static void put_set(struct elqb__render *r, const char *word,
                    const struct elqb__list *set)
{
    elqb__put_string(r, word);
    for (uint32_t i = 0; i < set->count; i += 2) {
        if (i)
            PUT(r, ", ");
        put_target(r, &set->items[i]);
        PUT(r, " = ");
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

static void put_rows(struct elqb__render *r, const elqb_insert *i)
{
    uint32_t width = i->columns.count;

    if (width && i->values.count == 0)
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: an insert has columns but no values");
    if (i->values.count == 0) {
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

/* A column by its bare name, anything else as an expression of the index. */
static void put_conflict_target(struct elqb__render *r, const elqb_insert *i)
{
    for (uint32_t t = 0; t < i->target.count; t++) {
        elqb_expr *e = &i->target.items[t];

        elqb__put_string(r, t ? ", " : " (");
        if (e->kind == ELQB_KIND_COLUMN) {
            elqb__put_name(r, e->u.column.name);
        } else {
            elqb__put_char(r, '(');
            elqb__put_expr(r, e, LEVEL_LOWEST);
            elqb__put_char(r, ')');
        }
    }
    if (i->target.count)
        elqb__put_char(r, ')');
    if (i->constraint) {
        PUT(r, " ON CONSTRAINT ");
        elqb__put_name(r, i->constraint);
    }
    elqb__put_clause(r, " WHERE ", &i->index_where);
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
    if (i->select) {
        elqb__put_char(r, ' ');
        elqb__put_select(r, i->select);
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

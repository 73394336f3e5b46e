/* SPDX-License-Identifier: PostgreSQL */
/*
 * Columns of what stands in FROM, by their names: elqb_col().
 *
 * The builder knows the names and types that it was told, in lists of columns,
 * and those of columns that selects and RETURNING hand on.  The server has
 * rules for more, so a name that is not found is an error only where all the
 * names are known.
 */
#include "source.h"

/* record and record[], which types.h does not have */
enum { OID_RECORD_ARRAY = 2287 };

/* The columns of a CTE's body; NULL if it has none. */
static const struct elqb__list *body_columns(const elqb_cte *c)
{
    switch (c->kind) {
    case BODY_SELECT:
        return &elqb__first_select(c->body)->columns;
    case BODY_INSERT:
        return &((const elqb_insert *)c->body)->returning;
    case BODY_UPDATE:
        return &((const elqb_update *)c->body)->returning;
    case BODY_DELETE:
        return &((const elqb_delete *)c->body)->returning;
    default:
        return NULL;
    }
}

/* The name that a column of a result has as far as the builder knows: the
 * server has rules for more. */
static const char *result_name(const elqb_expr *e)
{
    if (e->kind == ELQB_KIND_COLUMN)
        return e->u.column.name;
    if (e->kind == ELQB_KIND_NODE && (e->u.node->kind == NODE_LABEL ||
                                      e->u.node->kind == NODE_FIELD))
        return e->u.node->text;
    return NULL;
}

/* Whether it is surely not among the columns; its type if it is. */
static bool is_missing(const struct elqb__list *columns, const char *name,
                       uint32_t *oid)
{
    bool all_known = columns->count > 0;

    for (uint32_t i = 0; i < columns->count; i++) {
        const char *other = result_name(&columns->items[i]);

        if (other && strcmp(other, name) == 0) {
            *oid = columns->items[i].oid;
            return false;
        }
        all_known &= other != NULL;
    }
    return all_known;
}

/* The type of the column at a place, unless a * makes places uncertain. */
static uint32_t type_at(const struct elqb__list *columns, uint32_t place)
{
    for (uint32_t i = 0; columns && i < columns->count && i <= place; i++) {
        if (columns->items[i].kind == ELQB_KIND_STAR)
            break;
        if (i == place)
            return columns->items[i].oid;
    }
    return 0;
}

/* The columns that SEARCH and CYCLE add. */
static bool find_added(const elqb_cte *c, const char *name, uint32_t *oid)
{
    if (c->search && strcmp(c->search, name) == 0)
        *oid = c->breadth_first ? ELQB_TYPE_RECORD : OID_RECORD_ARRAY;
    else if (c->mark && strcmp(c->mark, name) == 0)
        *oid = c->yes.kind ? c->yes.oid : ELPQ_OID_BOOL;
    else if (c->path && strcmp(c->path, name) == 0)
        *oid = OID_RECORD_ARRAY;
    else
        return false;
    return true;
}

/* The same where the first so many columns have got other names. */
static bool is_missing_behind(const struct elqb__list *columns, uint32_t named,
                              const char *name, uint32_t *oid)
{
    struct elqb__list rest = { 0 };

    for (uint32_t i = 0; i < columns->count; i++)
        if (columns->items[i].kind == ELQB_KIND_STAR)
            return false;
    if (named >= columns->count)
        return columns->count > 0;
    rest.items = columns->items + named;
    rest.count = columns->count - named;
    return is_missing(&rest, name, oid);
}

static bool is_missing_in_cte(const elqb_cte *c, const char *name,
                              uint32_t *oid)
{
    const struct elqb__list *body = body_columns(c);

    if (find_added(c, name, oid))
        return false;
    for (uint32_t i = 0; i < c->columns.count; i++)
        if (strcmp(c->columns.items[i].u.column.name, name) == 0) {
            *oid = c->columns.items[i].oid;
            if (!*oid)
                *oid = type_at(body, i);
            return false;
        }
    return body && is_missing_behind(body, c->columns.count, name, oid);
}

/* Of a subquery, and of other items that got names for their columns: a list
 * of names may be shorter than the columns are. */
static bool is_missing_in_source(const struct elqb__source *source,
                                 const char *name, uint32_t *oid)
{
    const struct elqb_node *inner = source->inner;
    const struct elqb__list *columns = NULL;

    if (inner && inner->kind == NODE_SUBQUERY)
        columns = &elqb__first_select(inner->more)->columns;
    for (uint32_t i = 0; i < source->count; i++)
        if (strcmp(source->columns[i].name, name) == 0) {
            *oid = source->columns[i].oid;
            if (!source->columns[i].type && !*oid)
                *oid = type_at(columns, i);
            return false;
        }
    if (source->ordinality && strcmp(name, "ordinality") == 0)
        *oid = ELPQ_OID_INT8;
    if (columns)
        return is_missing_behind(columns, source->count, name, oid);
    return source->defined || source->form == SOURCE_VALUES;
}

elqb_expr elqb_col(elqb *q, elqb_table t, const char *name)
{
    elqb_expr e = elqb_c(t, name);
    bool missing = false;

    if (elqb__failed(q) || !elqb__check_name(q, "elqb_col", name))
        return ELQB_NONE;
    if (!t.source)
        return e;
    if (!elqb__is_ours(q, "elqb_col", t.source, t.generation))
        return ELQB_NONE;
    if (t.source->kind == NODE_CTE)
        missing = is_missing_in_cte(t.source->more, name, &e.oid);
    else if (t.source->kind == NODE_SOURCE)
        missing = is_missing_in_source(t.source->more, name, &e.oid);
    else
        missing = is_missing(&elqb__first_select(t.source->more)->columns,
                             name, &e.oid);
    if (missing) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_col: \"%s\" has no column \"%s\"",
                   t.alias ? t.alias : t.name, name);
        return ELQB_NONE;
    }
    return e;
}

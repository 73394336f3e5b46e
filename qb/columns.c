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

/* The columns of a result, and what has their types. */
struct result {
    const struct elqb__list *columns; /* NULL: it has none                  */
    const elqb_select *set;           /* which more than one have a say in  */
};

static struct result select_result(const elqb_select *s)
{
    return (struct result){ &elqb__first_select(s)->columns,
                            s->set ? s : NULL };
}

static struct result cte_result(const elqb_cte *c)
{
    struct result r = { NULL, NULL };

    switch (c->kind) {
    case BODY_SELECT:
        r = select_result(c->body);
        if (c->recurses) /* then the first one decides */
            r.set = NULL;
        break;
    case BODY_INSERT:
        r.columns = &((const elqb_insert *)c->body)->returning;
        break;
    case BODY_UPDATE:
        r.columns = &((const elqb_update *)c->body)->returning;
        break;
    case BODY_DELETE:
        r.columns = &((const elqb_delete *)c->body)->returning;
        break;
    default:
        break;
    }
    return r;
}

static uint32_t type_of(const struct result *r, uint32_t place)
{
    return r->set ? elqb__column_type(r->set, place)
                  : r->columns->items[place].oid;
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

/* Whether it is surely not among the columns from the place on; its type if it
 * is. */
static bool is_missing(const struct result *r, uint32_t from, const char *name,
                       uint32_t *oid)
{
    bool all_known = r->columns->count > from;

    for (uint32_t i = from; i < r->columns->count; i++) {
        const char *other = result_name(&r->columns->items[i]);

        if (other && strcmp(other, name) == 0) {
            *oid = type_of(r, i);
            return false;
        }
        all_known &= other != NULL;
    }
    return all_known;
}

/* The type of the column at a place, unless a * makes places uncertain. */
static uint32_t type_at(const struct result *r, uint32_t place)
{
    for (uint32_t i = 0; r->columns && i < r->columns->count && i <= place;
         i++) {
        if (r->columns->items[i].kind == ELQB_KIND_STAR)
            break;
        if (i == place)
            return type_of(r, i);
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
static bool is_missing_behind(const struct result *r, uint32_t named,
                              const char *name, uint32_t *oid)
{
    for (uint32_t i = 0; i < r->columns->count; i++)
        if (r->columns->items[i].kind == ELQB_KIND_STAR)
            return false;
    if (named >= r->columns->count)
        return r->columns->count > 0;
    return is_missing(r, named, name, oid);
}

static bool is_missing_in_cte(const elqb_cte *c, const char *name,
                              uint32_t *oid)
{
    const struct result body = cte_result(c);

    if (find_added(c, name, oid))
        return false;
    for (uint32_t i = 0; i < c->columns.count; i++)
        if (strcmp(c->columns.items[i].u.column.name, name) == 0) {
            *oid = c->columns.items[i].oid;
            if (!*oid)
                *oid = type_at(&body, i);
            return false;
        }
    return body.columns &&
           is_missing_behind(&body, c->columns.count, name, oid);
}

/* Of a subquery, and of other items that got names for their columns: a list
 * of names may be shorter than the columns are. */
static bool is_missing_in_source(const struct elqb__source *source,
                                 const char *name, uint32_t *oid)
{
    const struct elqb_node *inner = source->inner;
    struct result r = { NULL, NULL };

    if (inner && inner->kind == NODE_SUBQUERY)
        r = select_result(inner->more);
    for (uint32_t i = 0; i < source->count; i++)
        if (strcmp(source->columns[i].name, name) == 0) {
            *oid = source->columns[i].oid;
            if (!source->columns[i].type && !*oid)
                *oid = type_at(&r, i);
            return false;
        }
    if (source->ordinality && strcmp(name, "ordinality") == 0)
        *oid = ELPQ_OID_INT8;
    if (r.columns)
        return is_missing_behind(&r, source->count, name, oid);
    return source->defined || source->form == SOURCE_VALUES;
}

elqb_expr elqb_col(elqb *q, elqb_table t, const char *name)
{
    elqb_expr e = elqb_c(t, name);
    struct result r;
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
    else {
        r = select_result(t.source->more);
        missing = is_missing(&r, 0, name, &e.oid);
    }
    if (missing) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_col: \"%s\" has no column \"%s\"",
                   t.alias ? t.alias : t.name, name);
        return ELQB_NONE;
    }
    return e;
}

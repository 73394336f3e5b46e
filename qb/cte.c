/* SPDX-License-Identifier: PostgreSQL */
/*
 * Common table expressions: their clauses, and the WITH lists of statements.
 *
 * A CTE is no part of a statement until elqb_with(), and changes until it is
 * rendered.  Tables point to it through its one node, so a reference knows
 * which of two CTEs of the same name it means; whether it is in sight is
 * found out while rendering.
 */
#include "statements.h"

elqb_cte *elqb_cte_new(elqb *q, const char *name)
{
    elqb_cte *c;

    if (!elqb__keep_name(q, "elqb_cte_new", &name) ||
        !(c = elqb__new_statement(q, sizeof(*c))) ||
        !(c->source = elqb__new_node(q, NODE_CTE, 0)))
        return NULL;
    c->name = name;
    c->source->text = c->name;
    c->source->more = c;
    return c;
}

elqb_table elqb_cte_table(const elqb_cte *c)
{
    elqb_table t = elqb_table_named(NULL, NULL);

    if (!c || elqb__failed_in(c->q, "elqb_cte_table"))
        return t;
    t.flags = ELQB_STATIC_NAMES; /* in the workspace, as the node is */
    t.name = c->name;
    t.source = c->source;
    t.generation = c->q->generation;
    return t;
}

/* -------------------------------------------------------------------- body */

static void set_body(elqb_cte *c, enum elqb__body kind, const void *body,
                     const elqb *owner)
{
    if (!c || elqb__failed_in(c->q, "elqb_cte_as"))
        return;
    if (!body)
        elqb__fail(c->q, ELQB_E_USAGE, "elqb_cte_as: the statement is NULL");
    else
        elqb__is_own_statement(c->q, "elqb_cte_as", owner);
    c->kind = kind;
    c->body = body;
    c->recurses = false;
}

void elqb_cte_as_select(elqb_cte *c, elqb_select *s)
{
    set_body(c, BODY_SELECT, s, s ? s->q : NULL);
}

void elqb_cte_as_insert(elqb_cte *c, elqb_insert *i)
{
    set_body(c, BODY_INSERT, i, i ? i->q : NULL);
}

void elqb_cte_as_update(elqb_cte *c, elqb_update *u)
{
    set_body(c, BODY_UPDATE, u, u ? u->q : NULL);
}

void elqb_cte_as_delete(elqb_cte *c, elqb_delete *d)
{
    set_body(c, BODY_DELETE, d, d ? d->q : NULL);
}

static void recurse(elqb_cte *c, const char *function, bool all,
                    elqb_select *step)
{
    elqb_select *operands[3], *set;

    if (!c || elqb__failed_in(c->q, function))
        return;
    if (c->kind != BODY_SELECT || c->recurses) {
        elqb__fail(c->q, ELQB_E_USAGE, "%s: the CTE \"%s\" %s", function,
                   c->name, c->recurses ? "recurses already"
                                        : "has no select to start with");
        return;
    }
    if (!step) {
        elqb__fail(c->q, ELQB_E_USAGE, "%s: the select is NULL", function);
        return;
    }
    if (!elqb__is_own_statement(c->q, function, step->q))
        return;
    operands[0] = (elqb_select *)(uintptr_t)c->body;
    operands[1] = step;
    operands[2] = ELQB_SELECTS_END;
    set = all ? elqb_union_all_v(c->q, operands) : elqb_union_v(c->q, operands);
    if (set)
        c->body = set;
    c->recursive = true;
    c->recurses = true;
}

void elqb_cte_recurse(elqb_cte *c, elqb_select *step)
{
    recurse(c, "elqb_cte_recurse", true, step);
}

void elqb_cte_recurse_distinct(elqb_cte *c, elqb_select *step)
{
    recurse(c, "elqb_cte_recurse_distinct", false, step);
}

void elqb_cte_recursive(elqb_cte *c)
{
    if (c && !elqb__failed_in(c->q, "elqb_cte_recursive"))
        c->recursive = true;
}

void elqb_cte_materialized(elqb_cte *c, bool materialized)
{
    if (c && !elqb__failed_in(c->q, "elqb_cte_materialized"))
        c->materialized = materialized ? MATERIALIZED_YES : MATERIALIZED_NO;
}

/* ------------------------------------------------------------------- names */

void elqb_cte_columns_v(elqb_cte *c, const elqb_expr *names)
{
    if (c && !elqb__failed_in(c->q, "elqb_cte_columns"))
        elqb__add_names(c->q, "elqb_cte_columns", &c->columns, names);
}

static void set_search(elqb_cte *c, const char *function, bool breadth_first,
                       const char *name, const elqb_expr *columns)
{
    if (!c || elqb__failed_in(c->q, function))
        return;
    if (c->search)
        elqb__fail(c->q, ELQB_E_USAGE, "%s: the CTE \"%s\" has a SEARCH "
                   "already", function, c->name);
    if (!elqb__keep_name(c->q, function, &name))
        return;
    c->search = name;
    c->breadth_first = breadth_first;
    elqb__add_names(c->q, function, &c->search_by, columns);
    if (!elqb__failed(c->q) && c->search_by.count == 0)
        elqb__fail(c->q, ELQB_E_USAGE, "%s: there are no columns", function);
}

void elqb_cte_search_breadth_v(elqb_cte *c, const char *name,
                               const elqb_expr *columns)
{
    set_search(c, "elqb_cte_search_breadth", true, name, columns);
}

void elqb_cte_search_depth_v(elqb_cte *c, const char *name,
                             const elqb_expr *columns)
{
    set_search(c, "elqb_cte_search_depth", false, name, columns);
}

void elqb_cte_cycle_v(elqb_cte *c, const char *mark, const char *path,
                      const elqb_expr *columns)
{
    static const char function[] = "elqb_cte_cycle";

    if (!c || elqb__failed_in(c->q, function))
        return;
    if (c->mark)
        elqb__fail(c->q, ELQB_E_USAGE, "%s: the CTE \"%s\" has a CYCLE "
                   "already", function, c->name);
    if (!elqb__keep_name(c->q, function, &mark) ||
        !elqb__keep_name(c->q, function, &path))
        return;
    c->mark = mark;
    c->path = path;
    elqb__add_names(c->q, function, &c->cycle_by, columns);
    if (!elqb__failed(c->q) && c->cycle_by.count == 0)
        elqb__fail(c->q, ELQB_E_USAGE, "%s: there are no columns", function);
}

/* The grammar takes constants without operators and casts. */
static bool is_constant(const elqb_expr *e)
{
    const elpq_value *v = &e->u.value;

    if (e->kind != ELQB_KIND_LITERAL)
        return false;
    switch (v->kind) {
    case ELPQ_KIND_TEXT:
        return v->oid == 0 || v->oid == ELPQ_OID_TEXT;
    case ELPQ_KIND_BOOL:
        return true;
    case ELPQ_KIND_INT:
        return v->oid == ELPQ_OID_INT4 && v->u.int64 >= 0;
    default:
        return false;
    }
}

void elqb_cte_cycle_values(elqb_cte *c, elqb_expr yes, elqb_expr no)
{
    static const char function[] = "elqb_cte_cycle_values";

    if (!c || elqb__failed_in(c->q, function))
        return;
    if (!is_constant(&yes) || !is_constant(&no))
        elqb__fail(c->q, ELQB_E_USAGE, "%s: the values are literals of text, "
                   "bool, or int that is not negative", function);
    if (!elqb__keep(c->q, function, &yes) || !elqb__keep(c->q, function, &no))
        return;
    c->yes = yes;
    c->no = no;
}

/* -------------------------------------------------------------------- WITH */

static bool grow_with(elqb *q, struct elqb__with *with)
{
    uint32_t room = 2 * with->count + 4;
    elqb_cte **grown = elqb__alloc(q, room * sizeof(elqb_cte *));

    if (!grown)
        return false;
    if (with->count)
        memcpy(grown, with->items, with->count * sizeof(elqb_cte *));
    with->items = grown;
    with->room = room;
    return true;
}

/* Whether the list may have it; `present` if it has it already. */
static bool check_with(elqb *q, const struct elqb__with *with,
                       const elqb_cte *c, bool *present)
{
    *present = false;
    elqb__is_own_statement(q, "elqb_with", c->q);
    for (uint32_t i = 0; !elqb__failed(q) && with && i < with->count; i++) {
        if (with->items[i] == c)
            *present = true;
        else if (strcmp(with->items[i]->name, c->name) == 0)
            elqb__fail(q, ELQB_E_USAGE, "elqb_with: the statement has another "
                       "CTE \"%s\" already", c->name);
    }
    return !elqb__failed(q);
}

void elqb__add_with(elqb *q, struct elqb__with **with, elqb_cte *c)
{
    bool present;

    if (elqb__failed_in(q, "elqb_with"))
        return;
    if (!c) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_with: the CTE is NULL");
        return;
    }
    if (!check_with(q, *with, c, &present) || present)
        return;
    if (!*with) {
        *with = elqb__alloc(q, sizeof(**with));
        if (!*with)
            return;
        memset(*with, 0, sizeof(**with));
    }
    if ((*with)->count < (*with)->room || grow_with(q, *with))
        (*with)->items[(*with)->count++] = c;
}

struct elqb__with *elqb__copy_with(elqb *q, const struct elqb__with *with)
{
    struct elqb__with *copy = elqb__alloc(q, sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = *with;
    copy->room = copy->count; /* the first to add moves away */
    return copy;
}

void elqb_select_with(elqb_select *s, elqb_cte *c)
{
    if (s)
        elqb__add_with(s->q, &s->with, c);
}

void elqb_insert_with(elqb_insert *i, elqb_cte *c)
{
    if (i)
        elqb__add_with(i->q, &i->with, c);
}

void elqb_update_with(elqb_update *u, elqb_cte *c)
{
    if (u)
        elqb__add_with(u->q, &u->with, c);
}

void elqb_delete_with(elqb_delete *d, elqb_cte *c)
{
    if (d)
        elqb__add_with(d->q, &d->with, c);
}

void elqb_merge_with(elqb_merge *m, elqb_cte *c)
{
    if (m)
        elqb__add_with(m->q, &m->with, c);
}

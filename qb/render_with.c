/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of WITH, and of set operations.
 *
 * What CTEs a statement sees is a chain of scopes on the C stack: a reference
 * to one that is not in sight, or hidden by another of its name, would be one
 * to a table or to the wrong rows, so it is an error.
 *
 * Parentheses around the operands of set operations come from the levels of
 * ops.def, like those of expressions, and from the clauses that only end a
 * whole select.
 */
#include "renderer.h"
#include "statements.h"

/* ---------------------------------------------------------- set operations */

/* Whether it has what SQL takes for a part of the whole when bare. */
static bool has_ends(const elqb_select *s)
{
    return s->text || s->with || s->order_by.count || s->limit.kind ||
           s->offset.kind;
}

static void put_operand(struct elqb__render *r, const elqb_select *s,
                        unsigned min)
{
    bool parentheses = has_ends(s) ||
                       (s->set && elqb__ops[s->set->op].level < min);

    if (s->locks)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the selects of a set "
                   "operation take no elqb_for()");
    if (parentheses)
        elqb__put_char(r, '(');
    elqb__put_select(r, s);
    if (parentheses)
        elqb__put_char(r, ')');
}

void elqb__put_set(struct elqb__render *r, const struct elqb__set *set)
{
    const struct elqb__op_info *op = &elqb__ops[set->op];

    put_operand(r, set->items[0], op->level);
    for (uint32_t i = 1; i < set->count; i++) {
        elqb__put_char(r, ' ');
        elqb__put_bytes(r, op->spelling, op->spelling_len);
        elqb__put_char(r, ' ');
        put_operand(r, set->items[i], op->level + 1u);
    }
}

/* -------------------------------------------------------------- references */

/* The CTE that the name is in the statement at hand; NULL: none. */
static const elqb_cte *find_cte(const struct elqb__render *r, const char *name)
{
    for (const struct elqb__scope *s = r->scope; s; s = s->outer)
        for (uint32_t i = s->count; i > 0; i--)
            if (strcmp(s->with->items[i - 1]->name, name) == 0)
                return s->with->items[i - 1];
    return NULL;
}

void elqb__put_cte_name(struct elqb__render *r, struct elqb_node *node,
                        unsigned b_expr)
{
    const elqb_cte *found = find_cte(r, node->text);

    (void)b_expr;
    if (!found)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the CTE \"%s\" is not in "
                   "sight, see elqb_with()", node->text);
    else if (found != node->more)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the CTE \"%s\" is hidden "
                   "by another of that name", node->text);
    elqb__put_name(r, node->text);
}

/* WITH RECURSIVE shows each CTE to itself and to those before it, also for the
 * sake of another: a table of its name would no longer be one. */
void elqb__check_table_name(struct elqb__render *r, const char *name)
{
    for (const struct elqb__scope *s = r->scope; s; s = s->outer)
        for (uint32_t i = 0; i < s->count; i++) {
            const elqb_cte *c = s->with->items[i];

            if (strcmp(c->name, name) != 0)
                continue;
            if (i > s->at || (i == s->at && !c->recursive))
                elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the table \"%s\" "
                           "would be the CTE of that name, as \"%s\" makes it "
                           "WITH RECURSIVE", name,
                           elqb__find_recursive(s->with)->name);
            return;
        }
}

/* -------------------------------------------------------------------- WITH */

static void put_names(struct elqb__render *r, const struct elqb__list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i)
            PUT(r, ", ");
        elqb__put_name(r, list->items[i].u.column.name);
    }
}

static void put_body(struct elqb__render *r, const elqb_cte *c)
{
    const struct elqb__windows *windows = r->windows;

    if (!elqb__enter(r))
        return;
    r->windows = NULL;
    switch (c->kind) {
    case BODY_SELECT:
        elqb__put_select(r, c->body);
        break;
    case BODY_INSERT:
        elqb__put_insert(r, c->body);
        break;
    case BODY_UPDATE:
        elqb__put_update(r, c->body);
        break;
    case BODY_DELETE:
        elqb__put_delete(r, c->body);
        break;
    case BODY_NONE:
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the CTE \"%s\" has no "
                   "statement, see elqb_cte_as()", c->name);
        break;
    }
    r->windows = windows;
    elqb__leave(r);
}

static void put_search(struct elqb__render *r, const elqb_cte *c)
{
    elqb__put_string(r, c->breadth_first ? " SEARCH BREADTH FIRST BY "
                                         : " SEARCH DEPTH FIRST BY ");
    put_names(r, &c->search_by);
    PUT(r, " SET ");
    elqb__put_name(r, c->search);
}

static void put_cycle(struct elqb__render *r, const elqb_cte *c)
{
    PUT(r, " CYCLE ");
    put_names(r, &c->cycle_by);
    PUT(r, " SET ");
    elqb__put_name(r, c->mark);
    if (c->yes.kind) {
        PUT(r, " TO ");
        elqb__put_literal(r, &c->yes.u.value);
        PUT(r, " DEFAULT ");
        elqb__put_literal(r, &c->no.u.value);
    }
    PUT(r, " USING ");
    elqb__put_name(r, c->path);
}

static void check_cte(struct elqb__render *r, const elqb_cte *c)
{
    if ((c->search || c->mark) && !c->recursive)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the CTE \"%s\" has %s but "
                   "is not recursive, see elqb_cte_recurse()", c->name,
                   c->search ? "SEARCH" : "CYCLE");
    if (c->yes.kind && !c->mark)
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: the CTE \"%s\" has values "
                   "of a cycle but no elqb_cte_cycle()", c->name);
}

static void put_cte(struct elqb__render *r, const elqb_cte *c)
{
    check_cte(r, c);
    elqb__put_name(r, c->name);
    if (c->columns.count) {
        PUT(r, " (");
        put_names(r, &c->columns);
        elqb__put_char(r, ')');
    }
    PUT(r, " AS ");
    if (c->materialized == MATERIALIZED_NO)
        PUT(r, "NOT ");
    if (c->materialized != MATERIALIZED_ASK)
        PUT(r, "MATERIALIZED ");
    elqb__put_char(r, '(');
    put_body(r, c);
    elqb__put_char(r, ')');
    if (c->search)
        put_search(r, c);
    if (c->mark)
        put_cycle(r, c);
}

const elqb_cte *elqb__find_recursive(const struct elqb__with *with)
{
    for (uint32_t i = 0; with && i < with->count; i++)
        if (with->items[i]->recursive)
            return with->items[i];
    return NULL;
}

void elqb__put_with(struct elqb__render *r, struct elqb__scope *scope,
                    const struct elqb__with *with)
{
    bool recursive = elqb__find_recursive(with) != NULL;

    scope->outer = r->scope;
    scope->with = with;
    scope->count = recursive ? with->count : 0;
    r->scope = scope;
    elqb__put_string(r, recursive ? "WITH RECURSIVE " : "WITH ");
    for (uint32_t i = 0; i < with->count; i++) {
        if (i)
            PUT(r, ", ");
        scope->at = i;
        put_cte(r, with->items[i]);
        if (!recursive)
            scope->count = i + 1;
    }
    scope->at = with->count;
    elqb__put_char(r, ' ');
}

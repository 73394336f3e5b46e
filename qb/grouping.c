/* SPDX-License-Identifier: PostgreSQL */
/*
 * ROLLUP, CUBE, GROUPING SETS and single grouping sets, for GROUP BY.
 *
 * They are nodes, so that lists of GROUP BY may hold them beside expressions,
 * but no expressions: anywhere else the renderer refuses them.
 */
#include "internal.h"

static bool is_grouping(const elqb_expr *e)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_GROUPING;
}

/* Whether SQL has the item inside of this kind: sets hold expressions alone,
 * ROLLUP and CUBE sets as well, GROUPING SETS everything. */
static bool may_hold(enum elqb__grouping kind, const elqb_expr *item)
{
    if (!is_grouping(item) || kind == GROUPING_SETS)
        return true;
    return kind != GROUPING_SET && item->u.node->flags == GROUPING_SET &&
           item->u.node->count > 0;
}

/* (a, b) among sets is one of them, also if it has but one column. */
static bool row_to_set(elqb *q, elqb_expr *e)
{
    struct elqb_node *set;

    if (e->kind != ELQB_KIND_NODE || e->u.node->kind != NODE_ROW)
        return true;
    if (!(set = elqb__new_node(q, NODE_GROUPING, 0)))
        return false;
    set->flags = GROUPING_SET;
    set->args = e->u.node->args;
    set->count = e->u.node->count;
    *e = elqb__node_expr(set, 0);
    return true;
}

static elqb_expr make_grouping(elqb *q, enum elqb__grouping kind,
                               const char *function, const elqb_expr *list)
{
    struct elqb_node *node;

    if (elqb__failed(q) ||
        !(node = elqb__new_node(q, NODE_GROUPING, elqb__count_list(list))))
        return ELQB_NONE;
    node->flags = (uint8_t)kind;
    node->count = 0;
    for (; list && list->kind != ELQB_KIND_END; list++) {
        elqb_expr e = *list;

        if (!elqb__keep(q, function, &e) ||
            (kind != GROUPING_SET && !row_to_set(q, &e)))
            return ELQB_NONE;
        elqb__take_place(&e);
        if (!may_hold(kind, &e))
            elqb__fail(q, ELQB_E_USAGE, "%s: such an item is only for "
                       "elqb_grouping_sets()", function);
        if (e.kind != ELQB_KIND_NONE)
            node->args[node->count++] = e;
    }
    if (elqb__failed(q) || (kind != GROUPING_SET && node->count == 0))
        return ELQB_NONE;
    return elqb__node_expr(node, 0);
}

elqb_expr elqb_grouping_set_v(elqb *q, const elqb_expr *list)
{
    return make_grouping(q, GROUPING_SET, "elqb_grouping_set", list);
}

elqb_expr elqb_rollup_v(elqb *q, const elqb_expr *list)
{
    return make_grouping(q, GROUPING_ROLLUP, "elqb_rollup", list);
}

elqb_expr elqb_cube_v(elqb *q, const elqb_expr *list)
{
    return make_grouping(q, GROUPING_CUBE, "elqb_cube", list);
}

elqb_expr elqb_grouping_sets_v(elqb *q, const elqb_expr *list)
{
    return make_grouping(q, GROUPING_SETS, "elqb_grouping_sets", list);
}

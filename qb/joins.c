/* SPDX-License-Identifier: PostgreSQL */
/*
 * Joins, of all statements that have them: with a condition, and by the names
 * of columns: USING and NATURAL.
 *
 * The columns of USING take the place of the condition in the FROM item, as a
 * NODE_USING.
 */
#include "statements.h"

/* `first` is the verb that gives what is joined to. */
static bool check_kind(elqb *q, const char *function, const char *first,
                       const struct elqb__from *from, elqb_join_kind kind)
{
    if (elqb__failed_in(q, function))
        return false;
    if ((unsigned)kind > ELQB_CROSS)
        elqb__fail(q, ELQB_E_USAGE, "%s: no such kind of join", function);
    else if (from->count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: there is nothing to join, see %s()",
                   function, first);
    return !elqb__failed(q);
}

static bool check_names(elqb *q, const char *function, elqb_join_kind kind)
{
    if (kind == ELQB_CROSS)
        elqb__fail(q, ELQB_E_USAGE, "%s: a cross join takes no columns",
                   function);
    return !elqb__failed(q);
}

static void add_join(elqb *q, const char *first, struct elqb__from *from,
                     elqb_join_kind kind, elqb_table t, elqb_expr on)
{
    static const char function[] = "elqb_join";

    if (!check_kind(q, function, first, from, kind) ||
        !elqb__keep_table(q, function, &t) || !elqb__keep(q, function, &on))
        return;
    if ((kind == ELQB_CROSS) != !on.kind)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s", function,
                   on.kind ? "a cross join takes no condition"
                           : "the condition is ELQB_NONE");
    elqb__take_bool(&on);
    if (!elqb__failed(q))
        elqb__push_from(q, from, (uint8_t)kind, &t, on);
}

static void add_using(elqb *q, const char *first, struct elqb__from *from,
                      elqb_join_kind kind, elqb_table t, const char *alias,
                      const elqb_expr *columns)
{
    static const char function[] = "elqb_join_using";
    uint32_t count = elqb__count_list(columns);
    struct elqb_node *node;

    if (!check_kind(q, function, first, from, kind) ||
        !check_names(q, function, kind) ||
        !elqb__keep_table(q, function, &t) ||
        !(node = elqb__new_node(q, NODE_USING, count)) ||
        !elqb__keep_list(q, function, node->args, columns, count))
        return;
    if (count == 0)
        elqb__fail(q, ELQB_E_USAGE, "%s: there are no columns", function);
    for (uint32_t i = 0; i < count; i++)
        if (node->args[i].kind != ELQB_KIND_COLUMN)
            elqb__fail(q, ELQB_E_USAGE, "%s: what is joined by is no column",
                       function);
    if (elqb__keep_optional(q, function, &alias))
        node->text = alias;
    if (!elqb__failed(q))
        elqb__push_from(q, from, (uint8_t)kind, &t, elqb__node_expr(node, 0));
}

static void add_natural(elqb *q, const char *first, struct elqb__from *from,
                        elqb_join_kind kind, elqb_table t)
{
    static const char function[] = "elqb_join_natural";

    if (check_kind(q, function, first, from, kind) &&
        check_names(q, function, kind) &&
        elqb__keep_table(q, function, &t))
        elqb__push_from(q, from, (uint8_t)(kind | JOIN_NATURAL), &t,
                        ELQB_NONE);
}

/* clang-format off */
#define DEFINE_JOINS(type, can_join, first)                                   \
    void elqb_##type##_join(elqb_##type *s, elqb_join_kind kind,              \
                            elqb_table t, elqb_expr on)                       \
    {                                                                         \
        if (can_join(s, "elqb_join"))                                         \
            add_join(s->q, first, &s->from, kind, t, on);                     \
    }                                                                         \
    void elqb_##type##_join_using_v(elqb_##type *s, elqb_join_kind kind,      \
                                    elqb_table t, const char *alias,          \
                                    const elqb_expr *columns)                 \
    {                                                                         \
        if (can_join(s, "elqb_join_using"))                                   \
            add_using(s->q, first, &s->from, kind, t, alias, columns);        \
    }                                                                         \
    void elqb_##type##_join_natural(elqb_##type *s, elqb_join_kind kind,      \
                                    elqb_table t)                             \
    {                                                                         \
        if (can_join(s, "elqb_join_natural"))                                 \
            add_natural(s->q, first, &s->from, kind, t);                      \
    }
#define IS_THERE(s, function) ((s) != NULL)
DEFINE_JOINS(select, elqb__is_plain, "elqb_from")
DEFINE_JOINS(update, IS_THERE, "elqb_from")
DEFINE_JOINS(delete, IS_THERE, "elqb_using")
DEFINE_JOINS(merge, IS_THERE, "elqb_merge_using")
/* clang-format on */

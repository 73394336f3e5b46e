/* SPDX-License-Identifier: PostgreSQL */
/*
 * SELECT: its clauses, FROM items and joins, and selects inside expressions.
 *
 * Clauses are kept as they are given.  Lists grow by doubling; a copy of a
 * select shares the items, and the first to add to a shared list moves away.
 * What statements have in common with INSERT, UPDATE and DELETE is here too.
 */
#include "statements.h"

/* ------------------------------------------------------------------ lists */

bool elqb__push(elqb *q, struct elqb__list *list, elqb_expr e)
{
    elqb_expr *grown;

    if (list->count >= list->room) {
        list->room = 2 * list->count + 4;
        grown = elqb__alloc(q, list->room * sizeof(*grown));
        if (!grown)
            return false;
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
    }
    list->items[list->count++] = e;
    return true;
}

struct elqb__list elqb__share_list(struct elqb__list *list)
{
    list->room = list->count;
    return *list;
}

void elqb__add_list(elqb *q, const char *function, struct elqb__list *to,
                    const elqb_expr *list)
{
    if (elqb__failed_in(q, function))
        return;
    for (; list && list->kind != ELQB_KIND_END; list++) {
        elqb_expr e = *list;

        if (!elqb__keep(q, function, &e))
            return;
        if (e.kind != ELQB_KIND_NONE)
            elqb__push(q, to, e);
    }
}

void elqb__add_places(elqb *q, const char *function, struct elqb__list *to,
                      const elqb_expr *list)
{
    uint32_t before = to->count;

    elqb__add_list(q, function, to, list);
    for (uint32_t i = before; i < to->count; i++)
        elqb__take_place(&to->items[i]);
}

/* Columns of SELECT and RETURNING: a bare string is text there, also as a
 * part of a row. */
void elqb__add_columns(elqb *q, const char *function, struct elqb__list *to,
                       const elqb_expr *list)
{
    uint32_t before = to->count;

    elqb__add_list(q, function, to, list);
    for (uint32_t i = before; i < to->count; i++) {
        elqb__guess_type(&to->items[i], ELPQ_OID_TEXT);
        elqb__take_text_in_row(q, &to->items[i]);
    }
}

/* ------------------------------------------------- what statements have */

bool elqb__is_own_statement(elqb *q, const char *function, const elqb *owner)
{
    if (owner == q)
        return true;
    if (owner == q->stale)
        elqb__report_stale(owner, function);
    else
        elqb__fail(q, ELQB_E_FOREIGN,
                   "%s: the statement belongs to another workspace", function);
    return false;
}

void elqb__add_condition(elqb *q, const char *function, elqb_expr *where,
                         elqb_expr condition)
{
    const elqb_expr terms[] = { *where, condition, ELQB_END };

    if (elqb__failed_in(q, function))
        return;
    if (where->kind == ELQB_KIND_NODE && condition.kind &&
        where->u.node->kind == NODE_CURRENT_OF) {
        elqb__fail(q, ELQB_E_USAGE,
                   "%s: the statement is of one row, see "
                   "elqb_where_current_of()",
                   function);
    } else if (where->kind != ELQB_KIND_NONE) {
        *where = elqb_and_v(q, terms);
    } else if (elqb__keep(q, function, &condition)) {
        elqb__take_bool(&condition);
        elqb__share_value(q, &condition);
        *where = condition;
    }
}

bool elqb__keep_table(elqb *q, const char *function, elqb_table *t)
{
    if (elqb__failed_in(q, function))
        return false;
    if (t->source && !elqb__is_ours(q, function, t->source, t->generation))
        return false;
    if (t->only && !elqb__takes_only(t)) {
        elqb__fail(q, ELQB_E_USAGE, "%s: %s does not take elqb_only()",
                   function, elqb__source_name(t->source));
        return false;
    }
    if (t->flags & ELQB_STATIC_NAMES) /* the renderer checks them */
        return true;
    return elqb__keep_optional(q, function, &t->schema) &&
           (t->source ? elqb__keep_optional(q, function, &t->name)
                      : elqb__keep_name(q, function, &t->name)) &&
           elqb__keep_optional(q, function, &t->alias);
}

bool elqb__push_from(elqb *q, struct elqb__from *from, uint8_t join,
                     const elqb_table *t, elqb_expr on)
{
    struct elqb__from_item *grown;

    if (from->count >= from->room) {
        from->room = 2 * from->count + 4;
        grown = elqb__alloc(q, from->room * sizeof(*grown));
        if (!grown)
            return false;
        if (from->count)
            memcpy(grown, from->items, from->count * sizeof(*grown));
        from->items = grown;
    }
    from->items[from->count].table = *t;
    from->items[from->count].on = on;
    from->items[from->count++].join = join;
    return true;
}

void elqb__add_from(elqb *q, const char *function, struct elqb__from *from,
                    elqb_table t)
{
    if (elqb__keep_table(q, function, &t))
        elqb__push_from(q, from, NO_JOIN, &t, ELQB_NONE);
}

/* ----------------------------------------------------------------- select */

elqb_select *elqb_select_new(elqb *q)
{
    return elqb__new_statement(q, sizeof(elqb_select));
}

elqb_select *elqb_select_copy(const elqb_select *s)
{
    elqb_select *copy =
        s ? elqb__copy_statement(s->q, "elqb_select_copy", s, sizeof(*s))
          : NULL;

    if (!copy)
        return NULL;
    /* Neither may add behind what the other has: see elqb__push. */
    elqb__share_list(&copy->columns);
    elqb__share_list(&copy->distinct_on);
    elqb__share_list(&copy->group_by);
    elqb__share_list(&copy->order_by);
    copy->from.room = copy->from.count;
    if (s->with)
        copy->with = elqb__copy_with(s->q, s->with);
    if (s->windows)
        copy->windows = elqb__copy_windows(s->q, s->windows);
    return copy;
}

void elqb_select_columns_v(elqb_select *s, const elqb_expr *list)
{
    if (elqb__is_plain(s, "elqb_columns"))
        elqb__add_columns(s->q, "elqb_columns", &s->columns, list);
}

void elqb_clear_columns(elqb_select *s)
{
    if (elqb__is_plain(s, "elqb_clear_columns"))
        memset(&s->columns, 0, sizeof(s->columns));
}

void elqb_clear_order_by(elqb_select *s)
{
    if (s && !elqb__failed_in(s->q, "elqb_clear_order_by"))
        memset(&s->order_by, 0, sizeof(s->order_by));
}

void elqb_clear_group_by(elqb_select *s)
{
    if (!elqb__is_plain(s, "elqb_clear_group_by"))
        return;
    memset(&s->group_by, 0, sizeof(s->group_by));
    s->group_distinct = false;
}

void elqb_clear_distinct(elqb_select *s)
{
    if (!elqb__is_plain(s, "elqb_clear_distinct"))
        return;
    memset(&s->distinct_on, 0, sizeof(s->distinct_on));
    s->distinct = false;
}

void elqb_distinct(elqb_select *s)
{
    if (elqb__is_plain(s, "elqb_distinct"))
        s->distinct = true;
}

void elqb_distinct_on_v(elqb_select *s, const elqb_expr *list)
{
    if (elqb__is_plain(s, "elqb_distinct_on"))
        elqb__add_places(s->q, "elqb_distinct_on", &s->distinct_on, list);
}

void elqb_select_from(elqb_select *s, elqb_table t)
{
    if (elqb__is_plain(s, "elqb_from"))
        elqb__add_from(s->q, "elqb_from", &s->from, t);
}

void elqb_select_where(elqb_select *s, elqb_expr condition)
{
    if (elqb__is_plain(s, "elqb_where"))
        elqb__add_condition(s->q, "elqb_where", &s->where, condition);
}

void elqb_group_by_v(elqb_select *s, const elqb_expr *list)
{
    if (elqb__is_plain(s, "elqb_group_by"))
        elqb__add_places(s->q, "elqb_group_by", &s->group_by, list);
}

void elqb_group_by_distinct(elqb_select *s)
{
    if (elqb__is_plain(s, "elqb_group_by_distinct"))
        s->group_distinct = true;
}

void elqb_having(elqb_select *s, elqb_expr condition)
{
    if (elqb__is_plain(s, "elqb_having"))
        elqb__add_condition(s->q, "elqb_having", &s->having, condition);
}

/* Whether it may have an order and a count of rows. */
static bool has_end(const elqb_select *s, const char *function)
{
    if (s && s->text && !elqb__failed_in(s->q, function))
        elqb__refuse_clause(s, function);
    return s && !s->text;
}

void elqb_order_by_v(elqb_select *s, const elqb_expr *list)
{
    if (!has_end(s, "elqb_order_by"))
        return;
    if (s->set)
        elqb__add_result_order(s, list);
    else
        elqb__add_places(s->q, "elqb_order_by", &s->order_by, list);
}

static void set_count(elqb_select *s, const char *function, elqb_expr *to,
                      elqb_expr count)
{
    if (elqb__failed_in(s->q, function) ||
        !elqb__keep(s->q, function, &count))
        return;
    elqb__take_int8(&count);
    elqb__share_value(s->q, &count); /* one parameter in copies, too */
    *to = count;
}

void elqb_limit(elqb_select *s, elqb_expr count)
{
    if (has_end(s, "elqb_limit")) {
        set_count(s, "elqb_limit", &s->limit, count);
        s->with_ties = false;
    }
}

void elqb_fetch_ties(elqb_select *s, elqb_expr count)
{
    if (has_end(s, "elqb_fetch_ties")) {
        set_count(s, "elqb_fetch_ties", &s->limit, count);
        s->with_ties = true;
    }
}

void elqb_offset(elqb_select *s, elqb_expr count)
{
    if (has_end(s, "elqb_offset"))
        set_count(s, "elqb_offset", &s->offset, count);
}

/* ---------------------------------------------------------------- SQL text */

void elqb__add_names(elqb *q, const char *function, struct elqb__list *to,
                     const elqb_expr *list)
{
    uint32_t before = to->count;

    elqb__add_list(q, function, to, list);
    for (uint32_t i = before; i < to->count; i++) {
        elqb_expr *e = &to->items[i];

        if (e->kind != ELQB_KIND_COLUMN)
            elqb__fail(q, ELQB_E_USAGE, "%s: what names a column is no "
                       "column", function);
        else
            elqb__check_name(q, function, e->u.column.name);
    }
}

elqb_select *elqb_text_select_v(elqb *q, elqb_expr text,
                                const elqb_expr *columns)
{
    static const char function[] = "elqb_text_select";
    elqb_select *s;

    if (!elqb__check_text(q, function, text) || !(s = elqb_select_new(q)))
        return NULL;
    elqb__add_names(q, function, &s->columns, columns);
    s->text = text.u.node;
    return elqb__failed(q) ? NULL : s;
}

/* --------------------------------------------- selects inside expressions */

static struct elqb_node *make_nested(elqb *q, const char *function,
                                     enum elqb__node_kind kind,
                                     const elqb_select *s, uint32_t args)
{
    struct elqb_node *node;

    if (elqb__failed(q))
        return NULL;
    if (!s)
        elqb__fail(q, ELQB_E_USAGE, "%s: the select is NULL", function);
    else
        elqb__is_own_statement(q, function, s->q);
    if (elqb__failed(q))
        return NULL;
    node = elqb__new_node(q, kind, args);
    if (node)
        node->more = s;
    return node;
}

struct elqb_node *elqb__nest(elqb *q, const char *function,
                             const elqb_select *s)
{
    return make_nested(q, function, NODE_SOURCE, s, 0);
}

elqb_expr elqb_scalar(elqb *q, elqb_select *s)
{
    struct elqb_node *node = make_nested(q, "elqb_scalar", NODE_SCALAR, s, 0);

    return node ? elqb__node_expr(node, elqb__column_type(s, 0)) : ELQB_NONE;
}

elqb_expr elqb_exists(elqb *q, elqb_select *s)
{
    struct elqb_node *node = make_nested(q, "elqb_exists", NODE_EXISTS, s, 0);

    return node ? elqb__node_expr(node, ELPQ_OID_BOOL) : ELQB_NONE;
}

/* What is compared with the rows of a select takes the types of its columns:
 * the values of a row in a row of their own. */
static void take_columns(elqb *q, elqb_expr *a, const elqb_select *s)
{
    const elqb_select *first = elqb__first_select(s);
    const struct elqb_node *row;
    struct elqb_node *copy;

    if (a->kind != ELQB_KIND_NODE || a->u.node->kind != NODE_ROW) {
        elqb__match_operand(q, a, elqb__column_type(s, 0));
        return;
    }
    row = a->u.node;
    if (row->count != first->columns.count || elqb__has_star(row) ||
        !(copy = elqb__new_node(q, NODE_ROW, row->count)))
        return;
    for (uint32_t i = 0; i < row->count; i++) {
        copy->args[i] = row->args[i];
        elqb__match_operand(q, &copy->args[i], elqb__column_type(s, i));
    }
    *a = elqb__node_expr(copy, a->oid);
}

/* Values that are columns of a select, or of VALUES, take the types of what
 * they are compared with, in a copy of it. */
static void give_types(const elqb_expr *a, elqb_select **s)
{
    const elqb_expr *items = a;
    uint32_t count = 1;

    if (a->kind == ELQB_KIND_NODE && a->u.node->kind == NODE_ROW) {
        items = a->u.node->args;
        count = elqb__has_star(a->u.node) ? 0 : a->u.node->count;
    }
    for (uint32_t i = 0; i < count; i++)
        if (items[i].oid && !elqb__is_value(&items[i]))
            elqb__type_values(s, i, items[i].oid);
}

static elqb_expr make_in_select(elqb *q, enum elqb__op op,
                                const char *function, elqb_expr a,
                                elqb_select *s)
{
    struct elqb_node *node = make_nested(q, function, NODE_IN_SELECT, s, 1);

    if (!node || !elqb__keep_operand(q, function, &a))
        return ELQB_NONE;
    give_types(&a, &s);
    take_columns(q, &a, s);
    node->more = s;
    node->args[0] = a;
    node->op = (uint8_t)op;
    node->level = elqb__ops[op].level;
    return elqb__node_expr(node, ELPQ_OID_BOOL);
}

elqb_expr elqb_in_select(elqb *q, elqb_expr a, elqb_select *s)
{
    return make_in_select(q, OP_IN, "elqb_in_select", a, s);
}

elqb_expr elqb_not_in_select(elqb *q, elqb_expr a, elqb_select *s)
{
    return make_in_select(q, OP_NOT_IN, "elqb_not_in_select", a, s);
}

elqb_expr elqb_array_select(elqb *q, elqb_select *s)
{
    struct elqb_node *node =
        make_nested(q, "elqb_array_select", NODE_ARRAY_SELECT, s, 0);

    if (!node)
        return ELQB_NONE;
    return elqb__node_expr(node, elqb__array_of(elqb__column_type(s, 0)));
}

/* a op ANY (SELECT ...): a quantified node, whose array is the select. */
static elqb_expr make_quantified(elqb *q, const char *function, elqb_expr a,
                                 const char *spelling, uint8_t quantifier,
                                 elqb_select *s)
{
    struct elqb_node *rows = make_nested(q, function, NODE_SCALAR, s, 0);
    enum elqb__op op = elqb__find_quantified(spelling, &a);

    if (!rows || !elqb__keep_operand(q, function, &a))
        return ELQB_NONE;
    if (elqb__ops[op].takes == TAKES_SAME) {
        give_types(&a, &s);
        take_columns(q, &a, s);
    }
    rows->more = s;
    return elqb__quantify(q, function, a, spelling, quantifier,
                          elqb__node_expr(
                              rows,
                              elqb__array_of(elqb__column_type(s, 0))));
}

elqb_expr elqb_operator_any_select(elqb *q, elqb_expr a, const char *spelling,
                                   elqb_select *s)
{
    return make_quantified(q, "elqb_op_any_select", a, spelling,
                           QUANTIFIER_ANY, s);
}

elqb_expr elqb_operator_all_select(elqb *q, elqb_expr a, const char *spelling,
                                   elqb_select *s)
{
    return make_quantified(q, "elqb_op_all_select", a, spelling,
                           QUANTIFIER_ALL, s);
}

static elqb_table make_source(elqb *q, const char *function, elqb_select *s,
                              const char *alias, uint8_t lateral)
{
    elqb_table t = elqb_table_named(NULL, NULL);
    struct elqb_node *node = make_nested(q, function, NODE_SUBQUERY, s, 0);

    if (node && elqb__keep_name(q, function, &alias)) {
        node->flags = lateral;
        t.source = node;
        t.generation = q->generation;
        t.alias = alias;
    }
    return t;
}

elqb_table elqb_subquery(elqb *q, elqb_select *s, const char *alias)
{
    return make_source(q, "elqb_subquery", s, alias, 0);
}

elqb_table elqb_lateral(elqb *q, elqb_select *s, const char *alias)
{
    return make_source(q, "elqb_lateral", s, alias, 1);
}

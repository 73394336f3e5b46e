/* SPDX-License-Identifier: PostgreSQL */
/*
 * Set operations: UNION, INTERSECT, EXCEPT.
 *
 * A set operation is an elqb_select that has operands instead of clauses of
 * its own, so it goes wherever a select goes; ORDER BY, LIMIT, OFFSET and WITH
 * are its own.  The operands are known when it is made, which makes a tree
 * without cycles of them.  Verbs of selects ask elqb__is_plain() first.
 *
 * The server takes the types of the columns from all operands at once, and a
 * parameter that has a type is no longer open to that.  So values among them
 * are given the type that the other operands have there.
 */
#include "statements.h"

/* The one that names and types the columns. */
const elqb_select *elqb__first_select(const elqb_select *s)
{
    while (s->set)
        s = s->set->items[0];
    return s;
}

void elqb__refuse_clause(const elqb_select *s, const char *function)
{
    if (s->text)
        elqb__fail(s->q, ELQB_E_USAGE,
                   "%s: a select of SQL text takes elqb_with(), nothing else",
                   function);
    else if (s->rows)
        elqb__fail(s->q, ELQB_E_USAGE,
                   "%s: VALUES have rows, ORDER BY and LIMIT, nothing else",
                   function);
    else
        elqb__fail(s->q, ELQB_E_USAGE,
                   "%s: a set operation has columns, FROM and conditions in "
                   "its selects only", function);
}

/* ------------------------------------------------------------------- types */

/* The value, or ARRAY[] of values, that is a column, with or without a label,
 * or NULL. */
static const elqb_expr *find_value(const elqb_expr *e)
{
    while (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_LABEL)
        e = &e->u.node->args[0];
    return elqb__is_value(e) || elqb__is_array_of_values(e) ? e : NULL;
}

/* A column like this one of the type, if it is a value that can be. */
static bool retype(elqb *q, elqb_expr *e, uint32_t oid)
{
    const elqb_expr *value = find_value(e);
    elqb_expr typed;
    struct elqb_node *label;

    if (!value)
        return false;
    typed = *value;
    if (typed.flags & TYPE_IS_GUESS)
        typed.oid = typed.u.value.oid = 0;
    elqb__match_operand(q, &typed, oid);
    if (typed.oid == value->oid)
        return false;
    if (value != e) {
        label = elqb__new_node(q, NODE_LABEL, 1);
        if (!label)
            return false;
        label->text = e->u.node->text;
        label->args[0] = typed;
        typed = elqb__node_expr(label, typed.oid);
    }
    *e = typed;
    return true;
}

static bool has_star(const elqb_select *s, uint32_t before)
{
    for (uint32_t i = 0; i < s->columns.count && i < before; i++)
        if (s->columns.items[i].kind == ELQB_KIND_STAR)
            return true;
    return false;
}

static void type_column(elqb_select **at, uint32_t column, uint32_t oid);

static void type_operands(elqb_select **at, uint32_t column, uint32_t oid)
{
    const struct elqb__set *given = (*at)->set;
    size_t size = sizeof(*given) + given->count * sizeof(elqb_select *);
    struct elqb__set *set = NULL;
    elqb_select *copy;

    for (uint32_t i = 0; i < given->count; i++) {
        elqb_select *typed = given->items[i];
        uint32_t same = 0;

        while (given->items[same] != typed)
            same++;
        if (same < i && set) /* twice the same select, and its values */
            typed = set->items[same];
        else if (same == i)
            type_column(&typed, column, oid);
        if (typed == given->items[i])
            continue;
        if (!set) {
            set = elqb__alloc((*at)->q, size);
            if (!set)
                return;
            memcpy(set, given, size);
        }
        set->items[i] = typed;
    }
    if (set && (copy = elqb_select_copy(*at))) {
        copy->set = set;
        *at = copy;
    }
}

/* A copy of the select that has another column there. */
static elqb_select *replace_column(const elqb_select *s, uint32_t column,
                                   elqb_expr e)
{
    uint32_t count = s->columns.count;
    elqb_expr *items = elqb__alloc(s->q, count * sizeof(*items));
    elqb_select *copy;

    if (!items || !(copy = elqb_select_copy(s)))
        return NULL;
    memcpy(items, s->columns.items, count * sizeof(*items));
    items[column] = e;
    copy->columns.items = items;
    copy->columns.room = count;
    return copy;
}

/* Of VALUES it is the values in that column, and its type. */
static void type_rows(elqb_select **at, uint32_t column, uint32_t oid)
{
    elqb_expr name = (*at)->columns.items[column];
    struct elqb__rows *rows;
    elqb_select *copy;
    bool all;

    if (name.oid == oid)
        return;
    rows = elqb__type_rows((*at)->q, (*at)->rows, column, oid, &all);
    name.oid = all ? oid : 0;
    if (rows && (copy = replace_column(*at, column, name))) {
        copy->rows = rows;
        *at = copy;
    }
}

/*
 * Let values that are this column of the select, or of the operands, be of
 * the type, or strings be open to any, if it is 0.  Other statements may use
 * the same select, so what changes is a copy.
 */
static void type_column(elqb_select **at, uint32_t column, uint32_t oid)
{
    elqb_select *s = *at, *copy;
    elqb_expr typed;

    if (s->set) {
        type_operands(at, column, oid);
        return;
    }
    if (column >= s->columns.count || has_star(s, column))
        return;
    if (s->rows) {
        type_rows(at, column, oid);
        return;
    }
    typed = s->columns.items[column];
    if (retype(s->q, &typed, oid) && (copy = replace_column(s, column, typed)))
        *at = copy;
}

/* What the operands have in a column that is more than a value. */
struct common {
    uint32_t oid; /* 0: unknown, or they differ                             */
    bool found;
};

static void note_type(struct common *c, const elqb_expr *e)
{
    if (find_value(e))
        return;
    if (c->found && c->oid != e->oid)
        c->oid = 0; /* the server knows in which type they meet */
    else if (!c->found)
        c->oid = e->oid;
    c->found = true;
}

static void find_type(const elqb_select *s, uint32_t column, struct common *c)
{
    for (uint32_t i = 0; s->set && i < s->set->count; i++)
        find_type(s->set->items[i], column, c);
    for (uint32_t i = column; s->rows && i < s->rows->count;
         i += s->rows->width)
        note_type(c, &s->rows->values[i]);
    if (!s->rows && column < s->columns.count)
        note_type(c, &s->columns.items[column]);
}

/* The type of a column of the result, as far as it has one yet; 0 if that is
 * not known, or operands of several meet. */
uint32_t elqb__column_type(const elqb_select *s, uint32_t place)
{
    uint32_t oid;

    if (!s->set)
        return place < s->columns.count ? s->columns.items[place].oid : 0;
    oid = elqb__column_type(s->set->items[0], place);
    for (uint32_t i = 1; i < s->set->count && oid; i++)
        if (elqb__column_type(s->set->items[i], place) != oid)
            oid = 0;
    return oid;
}

static bool has_stars(const elqb_select *s)
{
    for (uint32_t i = 0; s->set && i < s->set->count; i++)
        if (has_stars(s->set->items[i]))
            return true;
    return (s->text && !s->columns.count) || has_star(s, UINT32_MAX);
}

/* The server finds the type of a string beside one that only it knows: that
 * of an enum, say. */
static void match_columns(elqb_select **at)
{
    const elqb_select *s = *at;
    const elqb_select *first = elqb__first_select(s);

    if (has_stars(s)) /* nobody knows what is under what */
        return;
    for (uint32_t i = 0; i < first->columns.count; i++) {
        struct common c = { 0, false };

        find_type(s, i, &c);
        if (c.found)
            type_column(at, i, c.oid);
    }
}

/* What is stored into a column of a table, unless other operands of a set
 * operation have a say in it. */
void elqb__type_values(elqb_select **at, uint32_t column, uint32_t oid)
{
    struct common other = { 0, false };

    find_type(*at, column, &other);
    if (!other.found && (oid || !(*at)->set))
        type_column(at, column, oid);
}

/* ------------------------------------------------------------ constructors */

#define MAX_SET_DEPTH 1000 /* more could not be rendered                     */

static bool check_operand(elqb *q, const char *function, const elqb_select *s)
{
    if (!elqb__failed(q) && !s)
        elqb__fail(q, ELQB_E_USAGE, "%s: a select is NULL", function);
    return !elqb__failed(q) && elqb__is_own_statement(q, function, s->q);
}

static uint32_t find_depth(const struct elqb__set *set)
{
    uint32_t depth = 1;

    for (uint32_t i = 0; i < set->count; i++)
        if (set->items[i]->set && set->items[i]->set->depth >= depth)
            depth = set->items[i]->set->depth + 1;
    return depth;
}

static elqb_select *make_set(elqb *q, enum elqb__op op, const char *function,
                             elqb_select *const *selects)
{
    struct elqb__set *set;
    uint32_t count = 0;
    elqb_select *s;

    while (selects && selects[count] != ELQB_SELECTS_END)
        if (!check_operand(q, function, selects[count++]))
            return NULL;
    if (!elqb__failed(q) && count < 2)
        elqb__fail(q, ELQB_E_USAGE, "%s: there are less than two selects",
                   function);
    if (elqb__failed(q))
        return NULL;
    set = elqb__alloc(q, sizeof(*set) + count * sizeof(elqb_select *));
    s = elqb_select_new(q);
    if (!set || !s)
        return NULL;
    set->op = op;
    set->count = count;
    memcpy(set->items, selects, count * sizeof(elqb_select *));
    set->depth = find_depth(set);
    if (set->depth > MAX_SET_DEPTH) {
        elqb__fail(q, ELQB_E_LIMIT, "%s: nested more than %d levels deep",
                   function, MAX_SET_DEPTH);
        return NULL;
    }
    s->set = set;
    match_columns(&s);
    return elqb__failed(q) ? NULL : s;
}

/* clang-format off */
#define DEFINE_SET(name, fn)                                                  \
    elqb_select *elqb_##fn##_v(elqb *q, elqb_select *const *selects)          \
    {                                                                         \
        return make_set(q, OP_##name, "elqb_" #fn, selects);                  \
    }
DEFINE_SET(UNION, union)
DEFINE_SET(UNION_ALL, union_all)
DEFINE_SET(INTERSECT, intersect)
DEFINE_SET(INTERSECT_ALL, intersect_all)
DEFINE_SET(EXCEPT, except)
DEFINE_SET(EXCEPT_ALL, except_all)
/* clang-format on */

/* ---------------------------------------------------------------- ORDER BY */

static bool is_ordinal(const elqb_expr *e)
{
    return e->kind == ELQB_KIND_LITERAL && (e->u.value.kind == ELPQ_KIND_INT ||
                                            e->u.value.kind == ELPQ_KIND_UINT);
}

/* A column of the result by its name; text is taken at its word. */
static bool name_result(elqb *q, elqb_expr *e)
{
    if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_LABEL)
        *e = elqb_name(e->u.node->text);
    elqb__take_place(e);
    if (e->kind == ELQB_KIND_COLUMN) {
        e->u.column.schema = NULL;
        e->u.column.table = NULL;
    } else if (!is_ordinal(e) && !(e->kind == ELQB_KIND_NODE &&
                                   e->u.node->kind == NODE_TEXT)) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_order_by: a set operation is "
                   "ordered by columns of its result, see elqb_name()");
    }
    return !elqb__failed(q);
}

void elqb__add_result_order(elqb_select *s, const elqb_expr *list)
{
    if (elqb__failed_in(s->q, "elqb_order_by"))
        return;
    for (; list && list->kind != ELQB_KIND_END; list++) {
        elqb_expr e = *list;
        struct elqb_node *order;

        if (!elqb__keep(s->q, "elqb_order_by", &e))
            return;
        if (e.kind == ELQB_KIND_NONE)
            continue;
        if (e.kind == ELQB_KIND_NODE && e.u.node->kind == NODE_ORDER) {
            order = elqb__new_node(s->q, NODE_ORDER, 1);
            if (!order)
                return;
            order->flags = e.u.node->flags;
            order->text = e.u.node->text;
            order->more = e.u.node->more;
            order->args[0] = e.u.node->args[0];
            e = elqb__node_expr(order, 0);
            if (!name_result(s->q, &order->args[0]))
                return;
        } else if (!name_result(s->q, &e)) {
            return;
        }
        elqb__push(s->q, &s->order_by, e);
    }
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which types values get from the operands beside them: of one operator, or of
 * a list.
 *
 * What a string is beside a type, the server would often find out by itself;
 * here it is settled where the builder is sure, so that what is made of the
 * operands has a known type as well, and where the server has several
 * operators and takes none.
 *
 * Called by constructors, on the copies of the operands that they keep.
 */
#include "internal.h"

bool elqb__is_array_of_values(const elqb_expr *e)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_ARRAY &&
           e->u.node->flags & ARRAY_OF_VALUES;
}

static bool is_value(const elqb_expr *e)
{
    if (e->kind == ELQB_KIND_NODE)
        return (e->u.node->kind == NODE_SHARED &&
                e->u.node->flags & SHARED_BY_US) ||
               elqb__is_array_of_values(e);
    return elqb__is_value(e);
}

/* The type that the operands agree on: of the first that is no value. */
static uint32_t common_type(const elqb_expr *args, uint32_t count,
                            uint32_t step)
{
    for (uint32_t i = 0; i < count; i += step)
        if (!is_value(&args[i]) && args[i].oid)
            return args[i].oid;
    return 0;
}

bool elqb__is_row(const elqb_expr *e)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_ROW;
}

bool elqb__has_star(const struct elqb_node *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (row->args[i].kind == ELQB_KIND_STAR)
            return true;
    return false;
}

static struct elqb_node *copy_row(elqb *q, const struct elqb_node *row)
{
    struct elqb_node *copy = elqb__new_node(q, NODE_ROW, row->count);

    if (copy)
        memcpy(copy->args, row->args, row->count * sizeof(*row->args));
    return copy;
}

/* (a, b) = ($1, $2): each value meets its column, in a row of its own. */
static void match_row(elqb *q, const elqb_expr *columns, elqb_expr *row)
{
    const struct elqb_node *from = columns->u.node;
    struct elqb_node *copy = NULL;

    if (from->count != row->u.node->count || elqb__has_star(from) ||
        elqb__has_star(row->u.node))
        return;
    for (uint32_t i = 0; i < from->count; i++) {
        elqb_expr typed = row->u.node->args[i];

        if (!from->args[i].oid || is_value(&from->args[i]))
            continue;
        elqb__take_type(&typed, from->args[i].oid);
        if (typed.oid == row->u.node->args[i].oid)
            continue;
        if (!copy && !(copy = copy_row(q, row->u.node)))
            return;
        copy->args[i] = typed;
    }
    if (copy)
        row->u.node = copy;
}

#define NODE_DEPTH 1000 /* more could not be rendered                        */

/* ARRAY[$1, $2] that meets an array: its values take the element's type, in
 * an array of its own. */
static void match_array(elqb *q, elqb_expr *e, uint32_t oid, unsigned depth)
{
    const struct elqb_node *from = e->u.node;
    struct elqb_node *copy;

    if (!elqb__element_of(oid) || oid == e->oid || depth == NODE_DEPTH ||
        !(copy = elqb__new_node(q, NODE_ARRAY, from->count)))
        return;
    copy->flags = from->flags;
    for (uint32_t i = 0; i < from->count; i++) {
        elqb_expr *arg = &copy->args[i];

        *arg = from->args[i];
        if (arg->kind == ELQB_KIND_NODE && arg->u.node->kind == NODE_ARRAY)
            match_array(q, arg, oid, depth + 1);
        if (elqb__is_value(arg) && arg->flags & TYPE_IS_GUESS)
            arg->oid = arg->u.value.oid = 0;
        elqb__take_item_type(arg, elqb__element_of(oid));
    }
    *e = elqb__node_expr(copy, oid);
}

void elqb__match_operand(elqb *q, elqb_expr *e, uint32_t oid)
{
    if (!oid)
        elqb__open_array(e);
    else if (elqb__is_array_of_values(e))
        match_array(q, e, oid, 0);
    else
        elqb__take_type(e, oid);
}

static bool are_values(const elqb_expr *args, uint32_t count, uint32_t step)
{
    for (uint32_t i = 0; i < count; i += step)
        if (args[i].kind && !is_value(&args[i]))
            return false;
    return true;
}

void elqb__match_same(elqb *q, elqb_expr *args, uint32_t count, uint32_t step)
{
    uint32_t oid = common_type(args, count, step);
    bool only_values = !oid && are_values(args, count, step);

    for (uint32_t i = 0; i < count; i += step) {
        if (!only_values && args[i].kind != ELQB_KIND_COLUMN)
            elqb__match_operand(q, &args[i], oid);
        if (i > 0 && elqb__is_row(&args[0]) && elqb__is_row(&args[i])) {
            match_row(q, &args[i], &args[0]);
            match_row(q, &args[0], &args[i]);
        }
    }
}

/* The server computes in the larger of two types: a value that became the
 * smaller one would overflow where a literal does not. */
static bool would_narrow(const elqb_expr *e, uint32_t oid)
{
    switch (e->oid) {
    case ELPQ_OID_INT8:
        return oid == ELPQ_OID_INT4 || oid == ELPQ_OID_INT2 ||
               oid == ELPQ_OID_FLOAT4;
    case ELPQ_OID_INT4:
        return oid == ELPQ_OID_INT2 || oid == ELPQ_OID_FLOAT4;
    case ELPQ_OID_FLOAT8:
        return oid == ELPQ_OID_FLOAT4;
    default:
        return false;
    }
}

/* Whether the server has X @> X. */
static bool is_container(uint32_t oid)
{
    switch (oid) {
    case ELPQ_OID_JSONB:
    case ELPQ_OID_BOX:
    case ELPQ_OID_CIRCLE:
    case ELPQ_OID_POLYGON:
    case ELPQ_OID_TSQUERY:
        return true;
    default:
        return elqb__is_range(oid) || elqb__element_of(oid);
    }
}

/* What contains a number or moment is a range of such, what contains a point
 * may be many things. */
static void match_range(elqb *q, elqb_expr *args, elqb_expr *larger,
                        const elqb_expr *smaller)
{
    if (!elqb__is_untyped_text(larger) || is_container(smaller->oid))
        elqb__match_same(q, args, 2, 1);
    else if (elqb__range_of(smaller->oid))
        elqb__take_type(larger, elqb__range_of(smaller->oid));
}

static bool is_time(uint32_t oid)
{
    return oid == ELPQ_OID_DATE || oid == ELPQ_OID_TIME ||
           oid == ELPQ_OID_TIMETZ || oid == ELPQ_OID_TIMESTAMP ||
           oid == ELPQ_OID_TIMESTAMPTZ;
}

/* A string that is added to a moment, or taken from one, is an interval; what
 * a moment is taken from is one as well. */
static void match_times(enum elqb__op op, elqb_expr *args)
{
    if (op != OP_ADD && op != OP_SUB)
        return;
    if (is_time(args[0].oid) && elqb__is_untyped_text(&args[1]))
        elqb__take_type(&args[1], ELPQ_OID_INTERVAL);
    else if (is_time(args[1].oid) && elqb__is_untyped_text(&args[0]))
        elqb__take_type(&args[0],
                        op == OP_ADD ? ELPQ_OID_INTERVAL : args[1].oid);
}

/* Numbers meet numbers; a date meets days, a pg_lsn bytes, and jsonb loses a
 * key. */
static void match_numbers(elqb_expr *args, uint32_t count)
{
    uint32_t oid = common_type(args, count, 1);

    for (uint32_t i = 0; oid && oid != ELPQ_OID_BOOL && i < count; i++) {
        if (oid == ELPQ_OID_JSONB)
            elqb__take_text(&args[i]);
        if (oid == ELPQ_OID_DATE || oid == ELPQ_OID_JSONB)
            elqb__take_count(&args[i]);
        else if (elqb__is_number(&args[i]) && !would_narrow(&args[i], oid))
            elqb__take_type(&args[i],
                            oid == ELPQ_OID_PG_LSN ? ELPQ_OID_NUMERIC : oid);
    }
}

/*
 * || of text makes its strings text, and two strings alone are text as well;
 * beside arrays, jsonb and functions the server decides.
 */
static void match_concat(elqb *q, elqb_expr *args, uint32_t count)
{
    uint32_t oid = common_type(args, count, 1);
    bool text = elqb__is_text_type(oid) ||
                (oid == 0 && is_value(&args[0]) && is_value(&args[1]));

    for (uint32_t i = 0; i < count; i++) {
        if (text)
            elqb__take_text(&args[i]);
        else if (args[i].kind == ELQB_KIND_NODE ||
                 (elqb__is_value(&args[i]) &&
                  args[i].u.value.kind == ELPQ_KIND_C_ARRAY))
            elqb__match_operand(q, &args[i], oid);
    }
}

/* Patterns are text, but for those of bytes. */
static void match_text(elqb_expr *args, uint32_t count)
{
    uint32_t oid = ELPQ_OID_TEXT;

    if (args[0].oid == ELPQ_OID_BYTEA || args[count - 1].oid == ELPQ_OID_BYTEA)
        oid = ELPQ_OID_BYTEA;
    for (uint32_t i = 0; i < count; i++)
        if (elqb__is_untyped_text(&args[i]))
            elqb__take_type(&args[i], oid);
}

void elqb__match_types(elqb *q, enum elqb__op op, elqb_expr *args,
                       uint32_t count)
{
    switch (elqb__ops[op].takes) {
    case TAKES_SAME:
        elqb__match_same(q, args, count, 1);
        break;
    case TAKES_RANGE:
        if (op == OP_CONTAINS)
            match_range(q, args, &args[0], &args[1]);
        else
            match_range(q, args, &args[1], &args[0]);
        break;
    case TAKES_NUMBER:
        match_times(op, args);
        match_numbers(args, count);
        break;
    case TAKES_CONCAT:
        match_concat(q, args, count);
        break;
    case TAKES_KEY:
        elqb__take_text(&args[count - 1]);
        elqb__take_count(&args[count - 1]);
        break;
    case TAKES_COUNT:
        elqb__take_count(&args[count - 1]);
        break;
    case TAKES_TEXT:
        match_text(args, count);
        break;
    case TAKES_BOOL:
        for (uint32_t i = 0; i < count; i++)
            elqb__take_bool(&args[i]);
        break;
    default:
        break;
    }
}

static bool has_strings(const elqb_expr *e, unsigned depth)
{
    bool found = elqb__is_untyped_text(e);

    for (uint32_t i = 0; elqb__is_row(e) && !found && depth < NODE_DEPTH &&
                         i < e->u.node->count; i++)
        found = has_strings(&e->u.node->args[i], depth + 1);
    return found;
}

/* The strings of a row: of a copy, as the row may stand elsewhere too. */
static void take_text_in_row(elqb *q, elqb_expr *e, unsigned depth)
{
    const struct elqb_node *row = e->u.node;
    struct elqb_node *copy;

    if (depth == NODE_DEPTH ||
        !(copy = elqb__new_node(q, NODE_ROW, row->count)))
        return;
    for (uint32_t i = 0; i < row->count; i++) {
        copy->args[i] = row->args[i];
        if (elqb__is_row(&copy->args[i]))
            take_text_in_row(q, &copy->args[i], depth + 1);
        elqb__take_text(&copy->args[i]);
    }
    *e = elqb__node_expr(copy, e->oid);
}

void elqb__take_text_in_row(elqb *q, elqb_expr *e)
{
    if (elqb__is_row(e) && has_strings(e, 0))
        take_text_in_row(q, e, 0);
}

/* The type of all that are there, 0 if they have several.  Strings whose type
 * is open will have that of the others. */
static uint32_t agreed_type(const elqb_expr *args, uint32_t count,
                            uint32_t step, bool values)
{
    const elqb_expr *first = NULL;

    for (uint32_t i = 0; i < count; i += step) {
        if (!args[i].kind || elqb__is_untyped_text(&args[i]) ||
            (!values && is_value(&args[i])))
            continue;
        if (first && args[i].oid != first->oid)
            return 0;
        first = &args[i];
    }
    return first ? first->oid : 0;
}

/* What values are among themselves: what the first is that has a type. */
static uint32_t value_type(const elqb_expr *args, uint32_t count,
                           uint32_t step)
{
    for (uint32_t i = 0; i < count; i += step)
        if (args[i].oid)
            return args[i].oid;
    return ELPQ_OID_TEXT;
}

bool elqb__match_list(elqb *q, elqb_expr *args, uint32_t count, uint32_t step,
                      uint32_t *type)
{
    bool only_values = are_values(args, count, step);
    uint32_t oid = only_values ? value_type(args, count, step)
                               : common_type(args, count, step);
    uint32_t agreed = agreed_type(args, count, step, false);

    for (uint32_t i = 0; i < count; i += step) {
        if (only_values && elqb__is_untyped_text(&args[i]))
            elqb__guess_type(&args[i], oid);
        else if (only_values)
            elqb__take_type(&args[i], oid);
        else if (agreed || !elqb__is_untyped_text(&args[i]))
            elqb__match_operand(q, &args[i], agreed ? agreed : oid);
        elqb__take_text_in_row(q, &args[i]);
    }
    *type = agreed_type(args, count, step, true);
    return only_values;
}

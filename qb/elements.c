/* SPDX-License-Identifier: PostgreSQL */
/*
 * Elements of expressions: nodes, what becomes of leaves that are put into
 * them, and the constructors of all that is neither operator nor function.
 *
 * Nodes are made here and nowhere else.  elqb__keep() is what every operand
 * goes through: it refuses parts of other workspaces, and copies what a leaf
 * borrows, so that the caller's buffers may go away.
 */
#include <stdio.h>

#include "names.h"

/* ------------------------------------------------------------------ nodes */

struct elqb_node *elqb__new_node(elqb *q, enum elqb__node_kind kind,
                                 uint32_t count)
{
    struct elqb_node *node =
        elqb__alloc(q, sizeof(*node) + count * sizeof(elqb_expr));

    if (!node)
        return NULL;
    node->owner = q;
    node->kind = (uint8_t)kind;
    node->op = OP_NO;
    node->level = LEVEL_ATOM;
    node->flags = 0;
    node->count = count;
    node->args = (elqb_expr *)(node + 1);
    node->text = NULL;
    node->more = NULL;
    return node;
}

elqb_expr elqb__node_expr(struct elqb_node *node, uint32_t oid)
{
    elqb_expr e;

    e.kind = ELQB_KIND_NODE;
    e.flags = 0;
    e.n = 0;
    e.oid = oid;
    e.u.tree.node = node;
    e.u.tree.generation = node->owner->generation;
    return e;
}

bool elqb__is_ours(elqb *q, const char *function,
                   const struct elqb_node *node, uint32_t generation)
{
    if (node->owner == q && generation == q->generation)
        return true;
    elqb__fail(q, ELQB_E_FOREIGN, "%s: a part %s", function,
               node->owner == q ? "is from before elqb_reset()"
                                : "belongs to another workspace");
    return false;
}

/* ------------------------------------------------------- keeping operands */

/* The strings of a C array, with the array of pointers to them. */
static bool keep_strings(elqb *q, elpq_value *v)
{
    const char *const *from = v->u.array.items;
    size_t count = v->u.array.count;
    char **to;

    if (count > SIZE_MAX / sizeof(*to) / 2 ||
        !(to = elqb__alloc(q, count * sizeof(*to))))
        return false;
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i] ? elqb__copy_string(q, from[i]) : NULL;
        if (from[i] && !to[i])
            return false;
    }
    v->u.array.items = to;
    return true;
}

/* Arrays of arrays end somewhere; those that do not are a mistake. */
#define VALUE_DEPTH 64

/* Memory that holds no pointers; NULL is what there was. */
static bool keep_bytes(elqb *q, const void **data, size_t size)
{
    if (*data)
        *data = elqb__copy_bytes(q, *data, size);
    return *data || size == 0;
}

static bool keep_value(elqb *q, const char *function, elpq_value *v,
                       unsigned depth);

/* The items of an array, and of what else consists of values. */
static bool keep_items(elqb *q, const char *function, elpq_value *v,
                       unsigned depth)
{
    size_t width = v->kind == ELPQ_KIND_C_ARRAY ? v->width : sizeof(*v);
    elpq_value *items;
    void *copy;

    if (depth == VALUE_DEPTH ||
        (width && v->u.array.count > SIZE_MAX / width / 2)) {
        elqb__fail(q, ELQB_E_LIMIT, "%s: the array is too large", function);
        return false;
    }
    if (v->kind == ELPQ_KIND_C_ARRAY && v->elem == ELPQ_KIND_TEXT)
        return keep_strings(q, v);
    copy = elqb__copy_bytes(q, v->u.array.items, v->u.array.count * width);
    if (!copy)
        return false;
    items = copy;
    for (size_t i = 0; elqb__has_items(v) && i < v->u.array.count; i++)
        if (!keep_value(q, function, &items[i], depth + 1))
            return false;
    v->u.array.items = copy;
    return true;
}

static bool keep_value(elqb *q, const char *function, elpq_value *v,
                       unsigned depth)
{
    const void *data;
    bool kept;

    switch (v->kind) {
    case ELPQ_KIND_TEXT:
    case ELPQ_KIND_BYTES:
    case ELPQ_KIND_RAW:
        v->u.bytes.data =
            elqb__copy_bytes(q, v->u.bytes.data, v->u.bytes.size);
        return v->u.bytes.data != NULL;
    case ELPQ_KIND_BITS:
        data = v->u.bits.data;
        kept = keep_bytes(q, &data, elqb__bits_size(v));
        v->u.bits.data = data;
        return kept;
    case ELPQ_KIND_DOUBLES:
        data = v->u.doubles.items;
        kept = keep_bytes(q, &data, v->u.doubles.count * sizeof(double));
        v->u.doubles.items = data;
        return kept;
    default:
        return (v->kind != ELPQ_KIND_C_ARRAY && !elqb__has_items(v)) ||
               keep_items(q, function, v, depth);
    }
}

bool elqb__keep_value(elqb *q, const char *function, elpq_value *v)
{
    return keep_value(q, function, v, 0);
}

static bool keep_string(elqb *q, const char **s)
{
    if (*s)
        *s = elqb__copy_string(q, *s);
    return !q->code;
}

/* What the renderer would find too late to say where it comes from. */
static bool check_leaf(elqb *q, const char *function, const elqb_expr *e)
{
    const elpq_value *v = &e->u.value;

    if (e->kind == ELQB_KIND_COLUMN && !e->u.column.name)
        return elqb__check_name(q, function, NULL);
    if (e->kind == ELQB_KIND_LITERAL && v->kind == ELPQ_KIND_TEXT &&
        !elqb__is_text(v->u.bytes.data, v->u.bytes.size))
        elqb__fail(q, ELQB_E_VALUE, "%s: a string is not valid UTF-8",
                   function);
    return !elqb__failed(q);
}

static bool keep_names(elqb *q, elqb_expr *e)
{
    if (e->flags & ELQB_STATIC_NAMES)
        return true;
    return keep_string(q, &e->u.column.schema) &&
           keep_string(q, &e->u.column.table) &&
           keep_string(q, &e->u.column.name);
}

bool elqb__keep(elqb *q, const char *function, elqb_expr *e)
{
    if (elqb__failed(q) || !check_leaf(q, function, e))
        return false;
    e->n = 0;
    switch (e->kind) {
    case ELQB_KIND_NODE:
        return elqb__is_ours(q, function, e->u.tree.node,
                             e->u.tree.generation);
    case ELQB_KIND_VALUE:
    case ELQB_KIND_LITERAL:
        return elqb__keep_value(q, function, &e->u.value);
    case ELQB_KIND_BIND:
        return elqb__check_name(q, function, e->u.column.name) &&
               keep_names(q, e);
    case ELQB_KIND_COLUMN:
    case ELQB_KIND_STAR:
        return keep_names(q, e);
    default:
        return true;
    }
}

/* `what` it is, for messages. */
static bool keep_present(elqb *q, const char *function, const char *what,
                         elqb_expr *e)
{
    if (e->kind == ELQB_KIND_NONE || e->kind == ELQB_KIND_END)
        elqb__fail(q, ELQB_E_USAGE, "%s: %s is ELQB_%s", function, what,
                   e->kind == ELQB_KIND_NONE ? "NONE" : "END");
    return elqb__keep(q, function, e);
}

bool elqb__keep_operand(elqb *q, const char *function, elqb_expr *e)
{
    return keep_present(q, function, "an operand", e);
}

uint32_t elqb__count_list(const elqb_expr *list)
{
    uint32_t count = 0;

    while (list && list[count].kind != ELQB_KIND_END)
        count++;
    return count;
}

bool elqb__keep_numbered(elqb *q, const char *function, elqb_expr *args,
                         const elqb_expr *list, uint32_t count, uint32_t first)
{
    char what[] = "operand 4294967295";

    for (uint32_t i = 0; i < count; i++) {
        args[i] = list[i];
        if (args[i].kind < ELQB_KIND_COLUMN)
            snprintf(what, sizeof(what), "operand %u", (unsigned)(first + i));
        if (!keep_present(q, function, what, &args[i]))
            return false;
    }
    return true;
}

bool elqb__keep_list(elqb *q, const char *function, elqb_expr *args,
                     const elqb_expr *list, uint32_t count)
{
    return elqb__keep_numbered(q, function, args, list, count, 1);
}

/* ----------------------------------------------------------- simple nodes */

/* A node around one operand. */
static struct elqb_node *wrap(elqb *q, const char *function,
                              enum elqb__node_kind kind, elqb_expr a)
{
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, function, &a))
        return NULL;
    node = elqb__new_node(q, kind, 1);
    if (node)
        node->args[0] = a;
    return node;
}

/* The same with a name. */
static struct elqb_node *wrap_named(elqb *q, const char *function,
                                    enum elqb__node_kind kind, elqb_expr a,
                                    const char *name)
{
    struct elqb_node *node = wrap(q, function, kind, a);

    if (!node || !elqb__keep_name(q, function, &name))
        return NULL;
    node->text = name;
    return node;
}

elqb_expr elqb_collate_in(elqb *q, elqb_expr a, const char *schema,
                          const char *name)
{
    struct elqb_node *node =
        wrap_named(q, "elqb_collate", NODE_COLLATE, a, name);

    if (!node || !elqb__keep_optional(q, "elqb_collate", &schema))
        return ELQB_NONE;
    node->more = schema;
    node->op = OP_COLLATE;
    node->level = elqb__ops[OP_COLLATE].level;
    elqb__match_types(q, OP_COLLATE, node->args, 1);
    return elqb__node_expr(node, node->args[0].oid);
}

elqb_expr elqb_opclass_in(elqb *q, elqb_expr a, const char *schema,
                          const char *name)
{
    struct elqb_node *node =
        wrap_named(q, "elqb_opclass", NODE_OPCLASS, a, name);

    if (!node || !elqb__keep_optional(q, "elqb_opclass", &schema))
        return ELQB_NONE;
    node->more = schema;
    return elqb__node_expr(node, node->args[0].oid);
}

elqb_expr elqb_subscript(elqb *q, elqb_expr a, elqb_expr i)
{
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, "elqb_subscript", &a) ||
        !elqb__keep_operand(q, "elqb_subscript", &i) ||
        !(node = elqb__new_node(q, NODE_SUBSCRIPT, 2)))
        return ELQB_NONE;
    if (a.oid == ELPQ_OID_JSONB)
        elqb__take_text(&i);
    elqb__take_count(&i);
    node->args[0] = a;
    node->args[1] = i;
    return elqb__node_expr(node, a.oid == ELPQ_OID_JSONB
                                     ? a.oid
                                     : elqb__element_of(a.oid));
}

elqb_expr elqb_slice(elqb *q, elqb_expr a, elqb_expr from, elqb_expr to)
{
    struct elqb_node *node;

    if (elqb__failed(q) || !elqb__keep_operand(q, "elqb_slice", &a) ||
        !elqb__keep(q, "elqb_slice", &from) ||
        !elqb__keep(q, "elqb_slice", &to) ||
        !(node = elqb__new_node(q, NODE_SLICE, 3)))
        return ELQB_NONE;
    elqb__take_count(&from);
    elqb__take_count(&to);
    node->args[0] = a;
    node->args[1] = from;
    node->args[2] = to;
    return elqb__node_expr(node, a.oid);
}

elqb_expr elqb_field(elqb *q, elqb_expr a, const char *name)
{
    struct elqb_node *node = wrap_named(q, "elqb_field", NODE_FIELD, a, name);

    return node ? elqb__node_expr(node, 0) : ELQB_NONE;
}

elqb_expr elqb_field_star(elqb *q, elqb_expr a)
{
    struct elqb_node *node = wrap(q, "elqb_field_star", NODE_FIELD, a);

    return node ? elqb__node_expr(node, 0) : ELQB_NONE;
}

static struct elqb_node *make_list(elqb *q, const char *function,
                                   enum elqb__node_kind kind,
                                   const elqb_expr *items)
{
    uint32_t count = elqb__count_list(items);
    struct elqb_node *node;

    if (elqb__failed(q))
        return NULL;
    node = elqb__new_node(q, kind, count);
    if (!node || !elqb__keep_list(q, function, node->args, items, count))
        return NULL;
    return node;
}

elqb_expr elqb_row_v(elqb *q, const elqb_expr *items)
{
    struct elqb_node *node = make_list(q, "elqb_row", NODE_ROW, items);

    return node ? elqb__node_expr(node, 0) : ELQB_NONE;
}

elqb_expr elqb_array_v(elqb *q, const elqb_expr *items)
{
    struct elqb_node *node = make_list(q, "elqb_array", NODE_ARRAY, items);
    uint32_t oid;

    if (!node)
        return ELQB_NONE;
    if (elqb__match_list(q, node->args, node->count, 1, &oid))
        node->flags = ARRAY_OF_VALUES;
    /* an array of arrays is one of more dimensions */
    return elqb__node_expr(node, elqb__element_of(oid) ? oid
                                                       : elqb__array_of(oid));
}

elqb_expr elqb_as(elqb *q, elqb_expr a, const char *label)
{
    struct elqb_node *node = wrap_named(q, "elqb_as", NODE_LABEL, a, label);

    if (!node)
        return ELQB_NONE;
    /* labels are for columns */
    elqb__guess_type(&node->args[0], ELPQ_OID_TEXT);
    return elqb__node_expr(node, node->args[0].oid);
}

/* asc and desc, and what goes around them: one node, the flags added up. */
static elqb_expr make_order(elqb *q, const char *function, elqb_expr a,
                            uint8_t flag, const char *spelling)
{
    struct elqb_node *node;

    if (elqb__failed(q) ||
        (a.kind == ELQB_KIND_NODE &&
         !elqb__is_ours(q, function, a.u.tree.node, a.u.tree.generation)))
        return ELQB_NONE;
    if (a.kind == ELQB_KIND_NODE && a.u.node->kind == NODE_ORDER) {
        if (a.u.node->flags & ORDER_USING && spelling)
            flag |= ORDER_ASC; /* two operators contradict each other, too */
        flag |= a.u.node->flags;
        spelling = spelling ? spelling : a.u.node->text;
        a = a.u.node->args[0];
    }
    node = wrap(q, function, NODE_ORDER, a);
    if (!node)
        return ELQB_NONE;
    elqb__take_place(&node->args[0]);
    node->flags = flag;
    node->text = spelling;
    if ((flag & ORDER_ASC && flag & ORDER_DESC) ||
        (flag & ORDER_USING && flag & (ORDER_ASC | ORDER_DESC)) ||
        (flag & NULLS_FIRST && flag & NULLS_LAST))
        elqb__fail(q, ELQB_E_USAGE, "%s: the order contradicts itself",
                   function);
    return elqb__failed(q) ? ELQB_NONE : elqb__node_expr(node, 0);
}

elqb_expr elqb_asc(elqb *q, elqb_expr a)
{
    return make_order(q, "elqb_asc", a, ORDER_ASC, NULL);
}

elqb_expr elqb_desc(elqb *q, elqb_expr a)
{
    return make_order(q, "elqb_desc", a, ORDER_DESC, NULL);
}

elqb_expr elqb_nulls_first(elqb *q, elqb_expr a)
{
    return make_order(q, "elqb_nulls_first", a, NULLS_FIRST, NULL);
}

elqb_expr elqb_nulls_last(elqb *q, elqb_expr a)
{
    return make_order(q, "elqb_nulls_last", a, NULLS_LAST, NULL);
}

elqb_expr elqb_order_operator(elqb *q, elqb_expr a, const char *spelling)
{
    if (!elqb__check_operator(q, "elqb_order_using", spelling) ||
        !(spelling = elqb__copy_string(q, spelling)))
        return ELQB_NONE;
    return make_order(q, "elqb_order_using", a, ORDER_USING, spelling);
}

/* -------------------------------------------- names and values of their own */

elqb_expr elqb_excluded(elqb_expr column)
{
    if (column.kind != ELQB_KIND_COLUMN)
        return ELQB_NONE; /* of anything else it would be the old row's */
    column.u.column.schema = NULL;
    column.u.column.table = "excluded";
    return column;
}

elqb_expr elqb_shared(elqb *q, elqb_expr value)
{
    struct elqb_node *node;

    if (!elqb__failed(q) && value.kind != ELQB_KIND_VALUE)
        elqb__fail(q, ELQB_E_USAGE, "elqb_shared: only a value can be shared");
    node = wrap(q, "elqb_shared", NODE_SHARED, value);
    return node ? elqb__node_expr(node, value.oid) : ELQB_NONE;
}

void elqb__share_value(elqb *q, elqb_expr *e)
{
    struct elqb_node *node;

    if (e->kind != ELQB_KIND_VALUE ||
        !(node = elqb__new_node(q, NODE_SHARED, 1)))
        return;
    node->args[0] = *e;
    node->flags = SHARED_BY_US;
    *e = elqb__node_expr(node, e->oid);
}

/* The place of a name among the values of binds. */
static elqb_arg *find_param(elqb *q, const char *name)
{
    const struct elqb__name *found =
        elqb__find_name(&q->param_names, name, strlen(name));
    elqb_arg *grown;

    if (found)
        return &q->params[found->number];
    if (q->nparams == q->params_room) {
        q->params_room = 2 * q->params_room + 8;
        grown = elqb__alloc(q, q->params_room * sizeof(*grown));
        if (!grown)
            return NULL;
        if (q->nparams)
            memcpy(grown, q->params, q->nparams * sizeof(*grown));
        q->params = grown;
    }
    name = elqb__copy_string(q, name);
    if (!name || !elqb__add_name(q, &q->param_names, name, q->nparams))
        return NULL;
    q->params[q->nparams].name = name;
    return &q->params[q->nparams++];
}

void elqb_params_v(elqb *q, const elqb_arg *args)
{
    elqb_arg *param;
    elqb_expr value;

    for (; args && args->name && !elqb__failed(q); args++) {
        value = args->value;
        if (value.kind != ELQB_KIND_VALUE)
            elqb__fail(q, ELQB_E_USAGE,
                       "elqb_params: \"%s\" is given no value", args->name);
        else if (elqb__keep(q, "elqb_params", &value) &&
                 (param = find_param(q, args->name)))
            param->value = value;
    }
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Operators.  Most are made by ops.def alone; IN, ANY, ALL, and those that the
 * caller spells, follow.
 *
 * A constructor copies its operands into a new node, lets values take the type
 * of their neighbours, and hands out the node.  It never looks at precedence:
 * parentheses are the renderer's.
 */
#include "internal.h"

/* clang-format off */
ELQB__TABLE struct elqb__op_info elqb__ops[OP_COUNT] = {
#define OP(name, fn, spelling, level, fix, takes, gives)                      \
    [OP_##name] = { #fn, spelling, sizeof(spelling) - 1, LEVEL_##level,       \
                    FIX_##fix, TAKES_##takes, GIVES_##gives },
#include "ops.def"
};
/* clang-format on */

/* ------------------------------------------------- operators from ops.def */

/* Any operator with a fixed number of operands. */
static elqb_expr make_operator(elqb *q, enum elqb__op op, const char *function,
                               const elqb_expr *operands, uint32_t count)
{
    struct elqb_node *node;

    if (elqb__failed(q))
        return ELQB_NONE;
    node = elqb__new_node(q, NODE_OPERATOR, count);
    if (!node || !elqb__keep_list(q, function, node->args, operands, count))
        return ELQB_NONE;
    node->op = (uint8_t)op;
    node->level = elqb__ops[op].level;
    elqb__match_types(q, op, node->args, count);
    return elqb__node_expr(node, elqb__result_type(op, node->args, count));
}

/*
 * Terms of an n-ary node, with room behind them.  A node that adds to another
 * one whose terms end where those in use end takes the room: building a long
 * AND term by term is linear, and the shorter node stays as it was.
 */
struct terms {
    uint32_t used;
    uint32_t room;
};

static bool is_same(const elqb_expr *e, enum elqb__op op)
{
    return e->kind == ELQB_KIND_NODE && e->u.node->op == op &&
           e->u.node->kind == NODE_OPERATOR;
}

/* How many terms the expression is worth.  The first operand of || may be
 * taken apart, being left-associative; any of AND and OR. */
static uint32_t count_terms(const elqb_expr *e, enum elqb__op op, bool first)
{
    if (e->kind == ELQB_KIND_NONE)
        return 0;
    return is_same(e, op) && (first || op != OP_CONCAT) ? e->u.node->count : 1;
}

/* A node with the terms of `first`, if that is an n-ary node of the operator,
 * and room for `count` in all. */
static struct elqb_node *begin_nary(elqb *q, enum elqb__op op,
                                    const elqb_expr *first, uint32_t count)
{
    const struct elqb_node *old = is_same(first, op) ? first->u.node : NULL;
    struct elqb_node *node = elqb__new_node(q, NODE_OPERATOR, 0);
    struct terms *terms = old ? (struct terms *)(uintptr_t)old->more : NULL;

    if (!node)
        return NULL;
    node->op = (uint8_t)op;
    node->level = elqb__ops[op].level;
    node->count = old ? old->count : 0;
    if (terms && op != OP_CONCAT && terms->used == old->count &&
        terms->room >= count) {
        node->args = old->args;
    } else {
        terms = elqb__alloc(q, sizeof(*terms));
        node->args = elqb__alloc(q, (size_t)2 * count * sizeof(*node->args));
        if (!terms || !node->args)
            return NULL;
        terms->room = count > UINT32_MAX / 2 ? count : 2 * count;
        if (old)
            memcpy(node->args, old->args, old->count * sizeof(*node->args));
    }
    terms->used = count;
    node->more = terms;
    return node;
}

static bool add_term(elqb *q, const char *function, struct elqb_node *node,
                     const elqb_expr *term)
{
    elqb_expr *arg = &node->args[node->count];

    if (count_terms(term, node->op, false) != 1) {
        const struct elqb_node *other = term->u.node;

        memcpy(arg, other->args, other->count * sizeof(*arg));
        node->count += other->count;
        return true;
    }
    *arg = *term;
    if (!elqb__keep_operand(q, function, arg))
        return false;
    node->count++;
    if (node->op != OP_CONCAT) {
        elqb__take_bool(arg);
        elqb__share_value(q, arg);
    }
    return !elqb__failed(q);
}

static elqb_expr make_nary(elqb *q, enum elqb__op op, const char *function,
                           const elqb_expr *list)
{
    uint32_t present = 0, count = 0;
    const elqb_expr *first = NULL;
    struct elqb_node *node;

    if (elqb__failed(q))
        return ELQB_NONE;
    for (const elqb_expr *e = list; e && e->kind != ELQB_KIND_END; e++) {
        if (e->kind == ELQB_KIND_NODE &&
            !elqb__is_ours(q, function, e->u.tree.node,
                           e->u.tree.generation))
            return ELQB_NONE;
        count += count_terms(e, op, !first);
        if (e->kind != ELQB_KIND_NONE && !first)
            first = e;
        present += e->kind != ELQB_KIND_NONE;
    }
    if (present < 2)
        return present ? *first : ELQB_NONE;
    node = begin_nary(q, op, first, count);
    for (const elqb_expr *e = first; node && e->kind != ELQB_KIND_END; e++)
        if (e->kind != ELQB_KIND_NONE && !(e == first && node->count) &&
            !add_term(q, function, node, e))
            return ELQB_NONE;
    if (!node)
        return ELQB_NONE;
    if (op == OP_CONCAT)
        elqb__match_types(q, op, node->args, node->count);
    for (uint32_t i = 0; op == OP_CONCAT && i < node->count; i++)
        elqb__share_value(q, &node->args[i]);
    if (elqb__failed(q))
        return ELQB_NONE;
    return elqb__node_expr(node,
                           elqb__result_type(op, node->args, node->count));
}

/* clang-format off */
#define DEFINE_UNARY(name, fn)                                                \
    elqb_expr elqb_##fn(elqb *q, elqb_expr a)                                 \
    {                                                                         \
        return make_operator(q, OP_##name, "elqb_" #fn, &a, 1);               \
    }
#define DEFINE_BINARY(name, fn)                                               \
    elqb_expr elqb_##fn(elqb *q, elqb_expr a, elqb_expr b)                    \
    {                                                                         \
        const elqb_expr operands[] = { a, b };                                \
                                                                              \
        return make_operator(q, OP_##name, "elqb_" #fn, operands, 2);         \
    }
#define DEFINE_TERNARY(name, fn)                                              \
    elqb_expr elqb_##fn(elqb *q, elqb_expr a, elqb_expr b, elqb_expr c)       \
    {                                                                         \
        const elqb_expr operands[] = { a, b, c };                             \
                                                                              \
        return make_operator(q, OP_##name, "elqb_" #fn, operands, 3);         \
    }
#define DEFINE_NARY(name, fn)                                                 \
    elqb_expr elqb_##fn##_v(elqb *q, const elqb_expr *terms)                  \
    {                                                                         \
        return make_nary(q, OP_##name, "elqb_" #fn, terms);                   \
    }
#define DEFINE_LEFT DEFINE_BINARY
#define DEFINE_NONE DEFINE_BINARY
#define DEFINE_PREFIX DEFINE_UNARY
#define DEFINE_POSTFIX DEFINE_UNARY
#define DEFINE_BETWEEN DEFINE_TERNARY
#define DEFINE_ESCAPE DEFINE_TERNARY
#define DEFINE_SPECIAL(name, fn)
#define OP(name, fn, spelling, level, fix, takes, gives) DEFINE_##fix(name, fn)
#include "ops.def"
/* clang-format on */

/* ------------------------------------------ operators with their own syntax */

static bool is_node(const elqb *q, const elqb_expr *e,
                    enum elqb__node_kind kind)
{
    return e->kind == ELQB_KIND_NODE && e->u.tree.node->owner == q &&
           e->u.tree.generation == q->generation && e->u.node->kind == kind;
}

/* Whether it is rendered as (SELECT ...) and no more. */
static bool is_scalar(const elqb *q, const elqb_expr *e)
{
    while (is_node(q, e, NODE_LABEL))
        e = &e->u.node->args[0];
    return is_node(q, e, NODE_SCALAR);
}

/* SQL has no empty list; of no rows it is this: a bool of its own, and no value
 * that takes a type. */
static elqb_expr make_in_nothing(elqb *q, bool is_true)
{
    struct elqb_node *node = elqb__new_node(q, NODE_SHARED, 1);

    if (!node)
        return ELQB_NONE;
    node->args[0] = elqb_literal(elpq_bool(is_true));
    return elqb__node_expr(node, ELPQ_OID_BOOL);
}

static elqb_expr make_in(elqb *q, enum elqb__op op, const char *function,
                         elqb_expr a, const elqb_expr *list)
{
    uint32_t count = elqb__count_list(list);
    struct elqb_node *node;

    if (elqb__failed(q))
        return ELQB_NONE;
    if (count == 0)
        return elqb__keep_operand(q, function, &a)
                   ? make_in_nothing(q, op == OP_NOT_IN)
                   : ELQB_NONE;
    if (count == 1 && is_scalar(q, list)) {
        /* IN ((SELECT ...)) would be IN (SELECT ...): any of its rows */
        const elqb_expr operands[] = { a, *list };

        return make_operator(q, op == OP_IN ? OP_EQ : OP_NE, function,
                             operands, 2);
    }
    node = elqb__new_node(q, NODE_IN, count + 1);
    if (!node || !elqb__keep_list(q, function, node->args, &a, 1) ||
        !elqb__keep_numbered(q, function, node->args + 1, list, count, 2))
        return ELQB_NONE;
    node->op = (uint8_t)op;
    node->level = elqb__ops[op].level;
    elqb__match_types(q, op, node->args, count + 1);
    return elqb__node_expr(node, ELPQ_OID_BOOL);
}

elqb_expr elqb_in_v(elqb *q, elqb_expr a, const elqb_expr *list)
{
    return make_in(q, OP_IN, "elqb_in", a, list);
}

elqb_expr elqb_not_in_v(elqb *q, elqb_expr a, const elqb_expr *list)
{
    return make_in(q, OP_NOT_IN, "elqb_not_in", a, list);
}

/* ---------------------------------------------------- operators by spelling */

#define OPERATOR_CHARS "+-*/<>=~!@#%^&|`?"

/* Whether the server's lexer takes it for one operator, and for no comment. */
static bool is_operator(const char *s)
{
    size_t size = strlen(s);

    if (size == 0 || size > 63 || strspn(s, OPERATOR_CHARS) != size ||
        strstr(s, "--") || strstr(s, "/*") || strcmp(s, "=>") == 0)
        return false;
    /* One that ends in + or - must be no run of SQL's own operators. */
    return size == 1 || !strchr("+-", s[size - 1]) ||
           strpbrk(s, "~!@#%^&|`?");
}

static bool is_unknown(const elqb_expr *e)
{
    return !elqb__is_value(e) && e->oid == 0;
}

/* Extensions have ~ and ? of their own, that take no text: ltree, say. */
static bool may_be_custom(enum elqb__op op, const elqb_expr *left)
{
    return ((op >= OP_REGEX && op <= OP_NOT_IREGEX) || op == OP_HAS_KEY) &&
           is_unknown(left);
}

static enum elqb__op find_operator(const char *spelling, const elqb_expr *left)
{
    if (strcmp(spelling, "!=") == 0)
        return OP_NE;
    if (strcmp(spelling, "||") == 0)
        return OP_CONCAT;
    for (int op = OP_NO + 1; op < OP_COUNT; op++)
        if ((elqb__ops[op].fix == FIX_LEFT || elqb__ops[op].fix == FIX_NONE) &&
            strcmp(elqb__ops[op].spelling, spelling) == 0)
            return may_be_custom((enum elqb__op)op, left) ? OP_CUSTOM
                                                          : (enum elqb__op)op;
    return OP_CUSTOM;
}

bool elqb__check_operator(elqb *q, const char *function, const char *spelling)
{
    if (!elqb__failed(q) && !(spelling && is_operator(spelling)))
        elqb__fail(q, ELQB_E_USAGE, "%s: \"%s\" is no operator", function,
                   spelling ? spelling : "");
    return !elqb__failed(q);
}

/* The names of a node of an operator that the caller spelled. */
static elqb_expr spell(elqb *q, elqb_expr e, const char *schema,
                       const char *spelling)
{
    if (e.kind != ELQB_KIND_NODE)
        return ELQB_NONE;
    e.u.node->text = elqb__copy_string(q, spelling);
    if (schema)
        e.u.node->more = elqb__copy_string(q, schema);
    return elqb__failed(q) ? ELQB_NONE : e;
}

static bool is_there(const elqb_expr *e)
{
    return e->kind != ELQB_KIND_NONE && e->kind != ELQB_KIND_END;
}

elqb_expr elqb_operator(elqb *q, elqb_expr a, const char *spelling,
                        elqb_expr b)
{
    elqb_expr operands[] = { a, b, ELQB_END };
    enum elqb__op op;

    if (!elqb__check_operator(q, "elqb_op", spelling))
        return ELQB_NONE;
    op = find_operator(spelling, &a);
    if (op == OP_CONCAT && is_there(&a) && is_there(&b))
        return make_nary(q, op, "elqb_op", operands);
    if (op != OP_CUSTOM)
        return make_operator(q, op, "elqb_op", operands, 2);
    if (is_unknown(&a)) /* of which type, the operator says */
        elqb__open_array(&operands[1]);
    return spell(q, make_operator(q, op, "elqb_op", operands, 2), NULL,
                 spelling);
}

elqb_expr elqb_operator_in(elqb *q, const char *schema, elqb_expr a,
                           const char *spelling, elqb_expr b)
{
    const elqb_expr operands[] = { a, b };

    if (!elqb__check_operator(q, "elqb_op_in", spelling) ||
        !elqb__check_name(q, "elqb_op_in", schema))
        return ELQB_NONE;
    return spell(q, make_operator(q, OP_CUSTOM, "elqb_op_in", operands, 2),
                 schema, spelling);
}

elqb_expr elqb_operator_prefix(elqb *q, const char *spelling, elqb_expr a)
{
    if (!elqb__check_operator(q, "elqb_op_prefix", spelling))
        return ELQB_NONE;
    if (strcmp(spelling, "-") == 0)
        return make_operator(q, OP_NEG, "elqb_op_prefix", &a, 1);
    if (strcmp(spelling, "+") == 0)
        return make_operator(q, OP_POS, "elqb_op_prefix", &a, 1);
    if ((strchr("*/<>=%^", spelling[0]) && !spelling[1]) ||
        strcmp(spelling, "<=") == 0 || strcmp(spelling, ">=") == 0 ||
        strcmp(spelling, "<>") == 0 || strcmp(spelling, "!=") == 0) {
        elqb__fail(q, ELQB_E_USAGE, "elqb_op_prefix: \"%s\" is no prefix",
                   spelling);
        return ELQB_NONE;
    }
    return spell(q, make_operator(q, OP_CUSTOM_PREFIX, "elqb_op_prefix", &a, 1),
                 NULL, spelling);
}

elqb_expr elqb_operator_prefix_in(elqb *q, const char *schema,
                                  const char *spelling, elqb_expr a)
{
    if (!elqb__check_operator(q, "elqb_op_prefix_in", spelling) ||
        !elqb__check_name(q, "elqb_op_prefix_in", schema))
        return ELQB_NONE;
    return spell(q,
                 make_operator(q, OP_CUSTOM_PREFIX, "elqb_op_prefix_in", &a, 1),
                 schema, spelling);
}

/* -------------------------------------------------------------- ANY and ALL */

/* The words that may stand before ANY and ALL; OP_NO if it is none. */
static enum elqb__op find_word(const char *word)
{
    static const enum elqb__op words[] = { OP_LIKE, OP_NOT_LIKE, OP_ILIKE,
                                           OP_NOT_ILIKE };

    for (size_t i = 0; word && i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(elqb__ops[words[i]].spelling, word) == 0)
            return words[i];
    return OP_NO;
}

enum elqb__op elqb__find_quantified(const char *spelling, const elqb_expr *left)
{
    enum elqb__op op = find_word(spelling);

    if (!op && spelling)
        op = find_operator(spelling, left);
    /* What gives no bool is no condition: << is that of ranges here. */
    if (op == OP_SHL || op == OP_SHR)
        op = op == OP_SHL ? OP_RANGE_LEFT : OP_RANGE_RIGHT;
    return op;
}

/* The value meets an element of the array, an array the type that a string in
 * place of its elements would take. */
static void match_elements(elqb *q, enum elqb__op op, elqb_expr *a,
                           elqb_expr *array)
{
    bool values = elqb__is_array_of_values(array) && !elqb__is_value(a);
    elqb_expr pair[] = { *a, elqb_value(elpq_text("")) };

    if (!values && !elqb__is_value(array))
        pair[1] = elqb_typed_oid(elqb_name(NULL), elqb__element_of(array->oid));
    elqb__match_types(q, op, pair, 2);
    if (values)
        elqb__match_operand(q, array, elqb__array_of(pair[1].oid));
    else if (pair[1].oid || !elqb__is_value(a))
        elqb__take_array_type(array, pair[1].oid);
    *a = pair[0];
}

/* a op ANY (array): the array may be a select as well: its rows. */
elqb_expr elqb__quantify(elqb *q, const char *function, elqb_expr a,
                         const char *spelling, uint8_t quantifier,
                         elqb_expr array)
{
    enum elqb__op op = elqb__find_quantified(spelling, &a);
    struct elqb_node *node;

    if ((!find_word(spelling) &&
         !elqb__check_operator(q, function, spelling)) ||
        !elqb__keep_operand(q, function, &a) ||
        !elqb__keep_operand(q, function, &array) ||
        !(node = elqb__new_node(q, NODE_QUANTIFIED, 2)))
        return ELQB_NONE;
    match_elements(q, op, &a, &array);
    node->args[0] = a;
    node->args[1] = array;
    node->op = (uint8_t)op;
    node->level = LEVEL_COMPARISON;
    node->flags = quantifier;
    node->text = elqb__copy_string(q, spelling);
    return elqb__failed(q) ? ELQB_NONE : elqb__node_expr(node, ELPQ_OID_BOOL);
}

static elqb_expr make_quantified(elqb *q, const char *function, elqb_expr a,
                                 const char *spelling, uint8_t quantifier,
                                 elqb_expr array)
{
    if (!elqb__failed(q) && is_scalar(q, &array)) {
        /* ANY ((SELECT ...)) is ANY (SELECT ...) to SQL: of rows */
        elqb__fail(q, ELQB_E_USAGE, "%s: the operand is a subquery; use "
                   "elqb_cast() if it gives an array, elqb_in_select() for "
                   "its rows", function);
        return ELQB_NONE;
    }
    return elqb__quantify(q, function, a, spelling, quantifier, array);
}

static elqb_expr make_quantified_in(elqb *q, const char *function,
                                    const char *schema, elqb_expr a,
                                    const char *spelling, uint8_t quantifier,
                                    elqb_expr array)
{
    elqb_expr e;

    if (!elqb__check_operator(q, function, spelling) ||
        !elqb__check_name(q, function, schema))
        return ELQB_NONE;
    e = spell(q, make_quantified(q, function, a, spelling, quantifier, array),
              schema, spelling);
    if (e.kind)
        e.u.node->op = OP_CUSTOM;
    return e;
}

elqb_expr elqb_operator_any(elqb *q, elqb_expr a, const char *spelling,
                            elqb_expr array)
{
    return make_quantified(q, "elqb_op_any", a, spelling, QUANTIFIER_ANY,
                           array);
}

elqb_expr elqb_operator_all(elqb *q, elqb_expr a, const char *spelling,
                            elqb_expr array)
{
    return make_quantified(q, "elqb_op_all", a, spelling, QUANTIFIER_ALL,
                           array);
}

elqb_expr elqb_operator_any_in(elqb *q, const char *schema, elqb_expr a,
                               const char *spelling, elqb_expr array)
{
    return make_quantified_in(q, "elqb_op_any_in", schema, a, spelling,
                              QUANTIFIER_ANY, array);
}

elqb_expr elqb_operator_all_in(elqb *q, const char *schema, elqb_expr a,
                               const char *spelling, elqb_expr array)
{
    return make_quantified_in(q, "elqb_op_all_in", schema, a, spelling,
                              QUANTIFIER_ALL, array);
}

elqb_expr elqb_eq_any(elqb *q, elqb_expr a, elqb_expr array)
{
    return make_quantified(q, "elqb_eq_any", a, "=", QUANTIFIER_ANY, array);
}

elqb_expr elqb_ne_all(elqb *q, elqb_expr a, elqb_expr array)
{
    return make_quantified(q, "elqb_ne_all", a, "<>", QUANTIFIER_ALL, array);
}

/* ------------------------------------------------------- rows and periods */

/* Rows in lists that come as one array for each column. */
static elqb_expr make_in_arrays(elqb *q, enum elqb__op op,
                                const char *function, elqb_expr a,
                                const elqb_expr *arrays)
{
    struct elqb_node *node, *unnest;
    const elqb_expr *columns = &a;
    uint32_t width = 1;

    if (elqb__failed(q) || !elqb__keep_operand(q, function, &a))
        return ELQB_NONE;
    if (is_node(q, &a, NODE_ROW)) {
        columns = a.u.node->args;
        width = a.u.node->count;
    }
    unnest = elqb__new_unnest(q, function, columns, width, arrays);
    node = elqb__new_node(q, NODE_IN_ARRAYS, 2);
    if (!unnest || !node)
        return ELQB_NONE;
    node->args[0] = a;
    node->args[1] = elqb__node_expr(unnest, 0);
    node->op = (uint8_t)op;
    node->level = elqb__ops[op].level;
    return elqb__node_expr(node, ELPQ_OID_BOOL);
}

elqb_expr elqb_in_arrays_v(elqb *q, elqb_expr row, const elqb_expr *arrays)
{
    return make_in_arrays(q, OP_IN, "elqb_in_arrays", row, arrays);
}

elqb_expr elqb_not_in_arrays_v(elqb *q, elqb_expr row,
                               const elqb_expr *arrays)
{
    return make_in_arrays(q, OP_NOT_IN, "elqb_not_in_arrays", row, arrays);
}

elqb_expr elqb_periods_overlap(elqb *q, elqb_expr start1, elqb_expr end1,
                               elqb_expr start2, elqb_expr end2)
{
    const elqb_expr list[] = { start1, end1, start2, end2 };
    struct elqb_node *node;
    uint32_t oid;

    if (elqb__failed(q))
        return ELQB_NONE;
    node = elqb__new_node(q, NODE_PERIODS, 4);
    if (!node ||
        !elqb__keep_list(q, "elqb_periods_overlap", node->args, list, 4))
        return ELQB_NONE;
    /* The starts are moments; an end may be one, or an interval. */
    oid = elqb__is_value(&start1) ? start2.oid : start1.oid;
    for (uint32_t i = 0; i < 4; i++)
        elqb__take_type(&node->args[i], oid);
    node->op = OP_PERIODS_OVERLAP;
    node->level = elqb__ops[OP_PERIODS_OVERLAP].level;
    return elqb__node_expr(node, ELPQ_OID_BOOL);
}

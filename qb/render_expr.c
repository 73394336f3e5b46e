/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rendering of expressions.
 *
 * Parentheses are decided here, from the levels of ops.def: an operand is told
 * the loosest level it may have (`min`), and wraps itself if it is looser.
 * Each kind of node has one function, in a table.  The depth of the recursion
 * is limited; what users build term by term (AND, OR, ||) is flat.
 *
 * In the middle of a BETWEEN the grammar allows fewer operators: B_EXPR in
 * `min` says so, and is handed down until parentheses end it.
 */
#include "renderer.h"

#define MAX_DEPTH 1000

static ELQB__TABLE bool b_expr_levels[] = {
    [LEVEL_LOWEST] = false,
#define LEVEL(name, b_expr) [LEVEL_##name] = b_expr,
#include "ops.def"
};

bool elqb__enter(struct elqb__render *r)
{
    if (++r->depth > MAX_DEPTH)
        elqb__fail(r->q, ELQB_E_LIMIT,
                   "elqb_render: nested more than %d levels deep", MAX_DEPTH);
    return !elqb__failed(r->q);
}

void elqb__put_list(struct elqb__render *r, elqb_expr *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            PUT(r, ", ");
        elqb__put_expr(r, &items[i], LEVEL_LOWEST);
    }
}

/* -------------------------------------------------------------- operators */

/* What the caller spelled; the schema asks for OPERATOR(schema.spelling). */
static void put_custom(struct elqb__render *r, const struct elqb_node *node)
{
    if (node->more) {
        PUT(r, "OPERATOR(");
        elqb__put_name(r, node->more);
        elqb__put_char(r, '.');
    }
    elqb__put_string(r, node->text);
    if (node->more)
        elqb__put_char(r, ')');
}

static void put_spelling(struct elqb__render *r, const struct elqb_node *node)
{
    if (node->text)
        put_custom(r, node);
    else
        elqb__put_bytes(r, elqb__ops[node->op].spelling,
                        elqb__ops[node->op].spelling_len);
}

static void put_infix(struct elqb__render *r, struct elqb_node *node,
                      unsigned left, unsigned right)
{
    elqb__put_expr(r, &node->args[0], left);
    for (uint32_t i = 1; i < node->count; i++) {
        elqb__put_char(r, ' ');
        put_spelling(r, node);
        elqb__put_char(r, ' ');
        elqb__put_expr(r, &node->args[i], right);
    }
}

/* NOT NOT a and - - a need no parentheses, ~ (a || b) does. */
static void put_prefix(struct elqb__render *r, struct elqb_node *node,
                       unsigned b_expr)
{
    const elqb_expr *a = &node->args[0];
    unsigned min = node->level + 1u;

    if (a->kind == ELQB_KIND_NODE &&
        (elqb__ops[a->u.node->op].fix == FIX_PREFIX ||
         a->u.node->op == OP_CUSTOM_PREFIX))
        min = node->level;
    put_spelling(r, node);
    elqb__put_char(r, ' ');
    elqb__put_expr(r, &node->args[0], min | b_expr);
}

static void put_ternary(struct elqb__render *r, struct elqb_node *node,
                        unsigned middle, const char *word)
{
    unsigned above = node->level + 1u;

    elqb__put_expr(r, &node->args[0], above);
    elqb__put_char(r, ' ');
    put_spelling(r, node);
    elqb__put_char(r, ' ');
    elqb__put_expr(r, &node->args[1], above | middle);
    elqb__put_string(r, word);
    elqb__put_expr(r, &node->args[2], above);
}

static void put_operator(struct elqb__render *r, struct elqb_node *node,
                         unsigned b_expr)
{
    unsigned level = node->level, above = level + 1;

    switch (elqb__ops[node->op].fix) {
    case FIX_LEFT:
        put_infix(r, node, level | b_expr, above | b_expr);
        break;
    case FIX_NONE:
    case FIX_NARY:
        put_infix(r, node, above | b_expr, above | b_expr);
        break;
    case FIX_PREFIX:
        put_prefix(r, node, b_expr);
        break;
    case FIX_POSTFIX:
        elqb__put_expr(r, &node->args[0], above);
        elqb__put_char(r, ' ');
        put_spelling(r, node);
        break;
    case FIX_BETWEEN:
        put_ternary(r, node, B_EXPR, " AND ");
        break;
    case FIX_ESCAPE:
        put_ternary(r, node, 0, " ESCAPE ");
        break;
    default: /* those that the caller spelled */
        if (node->count == 1)
            put_prefix(r, node, b_expr);
        else
            put_infix(r, node, level | b_expr, above | b_expr);
        break;
    }
}

static void put_in(struct elqb__render *r, struct elqb_node *node,
                   unsigned b_expr)
{
    (void)b_expr;
    elqb__put_expr(r, &node->args[0], node->level + 1u);
    elqb__put_char(r, ' ');
    put_spelling(r, node);
    PUT(r, " (");
    elqb__put_list(r, node->args + 1, node->count - 1);
    elqb__put_char(r, ')');
}

/* The left operand meets the operator, the whole counts as a comparison. */
static void put_quantified(struct elqb__render *r, struct elqb_node *node,
                           unsigned b_expr)
{
    unsigned level = elqb__ops[node->op].level;
    const elqb_expr *b = &node->args[1];
    bool select = b->kind == ELQB_KIND_NODE && b->u.node->kind == NODE_SCALAR;

    (void)b_expr;
    elqb__put_expr(r, &node->args[0],
                   (level > node->level ? level : node->level) + 1u);
    elqb__put_char(r, ' ');
    put_custom(r, node);
    elqb__put_string(r, node->flags == QUANTIFIER_ALL ? " ALL " : " ANY ");
    if (!select)
        elqb__put_char(r, '(');
    elqb__put_expr(r, &node->args[1], LEVEL_LOWEST);
    if (!select)
        elqb__put_char(r, ')');
}

static void put_in_arrays(struct elqb__render *r, struct elqb_node *node,
                          unsigned b_expr)
{
    (void)b_expr;
    elqb__put_expr(r, &node->args[0], node->level + 1u);
    elqb__put_char(r, ' ');
    put_spelling(r, node);
    PUT(r, " (SELECT * FROM ");
    elqb__put_expr(r, &node->args[1], LEVEL_LOWEST);
    elqb__put_char(r, ')');
}

static void put_periods(struct elqb__render *r, struct elqb_node *node,
                        unsigned b_expr)
{
    (void)b_expr;
    elqb__put_char(r, '(');
    elqb__put_list(r, node->args, 2);
    PUT(r, ") OVERLAPS (");
    elqb__put_list(r, node->args + 2, 2);
    elqb__put_char(r, ')');
}

static void put_collate(struct elqb__render *r, struct elqb_node *node,
                        unsigned b_expr)
{
    (void)b_expr;
    elqb__put_expr(r, &node->args[0], node->level);
    PUT(r, " COLLATE ");
    if (node->more) {
        elqb__put_name(r, node->more);
        elqb__put_char(r, '.');
    }
    elqb__put_name(r, node->text);
}

/* ------------------------------------------------------------- indirection */

/* What [i] and .field may follow directly.  In a[1:2][3] the server takes the
 * 3 for a slice as well, so one that is not meant to be stands alone. */
static void put_base(struct elqb__render *r, elqb_expr *e,
                     enum elqb__node_kind outer)
{
    bool bare = outer != NODE_FIELD && e->kind == ELQB_KIND_COLUMN;

    if (!r->debug && (e->kind == ELQB_KIND_VALUE || e->kind == ELQB_KIND_BIND))
        bare = true;
    if (e->kind == ELQB_KIND_NODE)
        bare = e->u.node->kind == NODE_FIELD || e->u.node->kind == outer ||
               (outer == NODE_FIELD && (e->u.node->kind == NODE_SUBSCRIPT ||
                                        e->u.node->kind == NODE_SLICE));
    if (!bare)
        elqb__put_char(r, '(');
    elqb__put_expr(r, e, LEVEL_LOWEST);
    if (!bare)
        elqb__put_char(r, ')');
}

static void put_subscript(struct elqb__render *r, struct elqb_node *node,
                          unsigned b_expr)
{
    (void)b_expr;
    put_base(r, &node->args[0], (enum elqb__node_kind)node->kind);
    elqb__put_index(r, node);
}

void elqb__put_index(struct elqb__render *r, struct elqb_node *node)
{
    elqb__put_char(r, '[');
    if (node->args[1].kind)
        elqb__put_expr(r, &node->args[1], LEVEL_LOWEST);
    if (node->kind == NODE_SLICE) {
        PUT(r, " : ");
        if (node->args[2].kind)
            elqb__put_expr(r, &node->args[2], LEVEL_LOWEST);
    }
    elqb__put_char(r, ']');
}

static void put_field(struct elqb__render *r, struct elqb_node *node,
                      unsigned b_expr)
{
    (void)b_expr;
    put_base(r, &node->args[0], NODE_FIELD);
    elqb__put_char(r, '.');
    if (node->text)
        elqb__put_name(r, node->text);
    else
        elqb__put_char(r, '*');
}

/* ------------------------------------------------------------------- atoms */

/* An item of a row or an argument, which may be all columns of a table. */
static void put_item(struct elqb__render *r, elqb_expr *e)
{
    if (e->kind == ELQB_KIND_STAR && e->u.column.table && !r->bare)
        elqb__put_star(r, e);
    else
        elqb__put_expr(r, e, LEVEL_LOWEST);
}

static void put_row(struct elqb__render *r, struct elqb_node *node,
                    unsigned b_expr)
{
    (void)b_expr;
    if (node->count < 2)
        PUT(r, "ROW");
    elqb__put_char(r, '(');
    for (uint32_t i = 0; i < node->count; i++) {
        if (i)
            PUT(r, ", ");
        put_item(r, &node->args[i]);
    }
    elqb__put_char(r, ')');
}

static void put_array(struct elqb__render *r, struct elqb_node *node,
                      unsigned b_expr)
{
    (void)b_expr;
    PUT(r, "ARRAY[");
    elqb__put_list(r, node->args, node->count);
    elqb__put_char(r, ']');
}

/* Nodes that are a part of one clause only, which knows how to write them. */
static void put_misplaced(struct elqb__render *r, struct elqb_node *node,
                          unsigned b_expr)
{
    static const char *const problems[NODE_KINDS] = {
        [NODE_ORDER] = "an order (asc, desc) outside of ORDER BY",
        [NODE_NAMED] = "elqb_named() outside of a function's arguments",
        [NODE_VARIADIC] = "elqb_variadic() outside of a function's arguments",
        [NODE_FUNCTION_AS] = "elqb_func_as() outside of elqb_rows_from()",
        [NODE_GROUPING] =
            "ROLLUP, CUBE or a grouping set outside of GROUP BY",
        [NODE_OPCLASS] =
            "an operator class outside of an index or ON CONFLICT",
    };

    (void)r;
    (void)b_expr;
    elqb__fail(node->owner, ELQB_E_USAGE, "elqb_render: %s",
               problems[node->kind]);
}

/* a, "name" => b, VARIADIC c */
static void put_arguments(struct elqb__render *r, struct elqb_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        elqb_expr *arg = &node->args[i];

        if (i)
            PUT(r, ", ");
        if (arg->kind == ELQB_KIND_NODE && arg->u.node->kind == NODE_VARIADIC) {
            PUT(r, "VARIADIC ");
            arg = &arg->u.node->args[0];
        }
        if (arg->kind == ELQB_KIND_NODE && arg->u.node->kind == NODE_NAMED) {
            elqb__put_name(r, arg->u.node->text);
            PUT(r, " => ");
            arg = &arg->u.node->args[0];
        }
        put_item(r, arg);
    }
}

static void put_function(struct elqb__render *r, struct elqb_node *node,
                         unsigned b_expr)
{
    const struct elqb__function *f = node->more;

    (void)b_expr;
    if (f->schema) {
        elqb__put_name(r, f->schema);
        elqb__put_char(r, '.');
    }
    if (f->form == FORM_QUOTED)
        elqb__put_name(r, node->text);
    else
        elqb__put_string(r, node->text);
    if (f->form == FORM_BARE && node->count == 0)
        return;
    elqb__put_char(r, '(');
    if (f->distinct)
        PUT(r, "DISTINCT ");
    if (node->count == 1 && node->args[0].kind == ELQB_KIND_STAR)
        elqb__put_star(r, &node->args[0]);
    else
        put_arguments(r, node);
    if (f->order.count) {
        elqb__put_string(r, f->within ? ") WITHIN GROUP (ORDER BY "
                                      : " ORDER BY ");
        elqb__put_order(r, &f->order);
    }
    elqb__put_char(r, ')');
    if (f->filter.kind) {
        PUT(r, " FILTER (WHERE ");
        elqb__put_expr(r, (elqb_expr *)(uintptr_t)&f->filter, LEVEL_LOWEST);
        elqb__put_char(r, ')');
    }
    if (f->over)
        elqb__put_over(r, f->over);
}

static void put_case(struct elqb__render *r, struct elqb_node *node,
                     unsigned b_expr)
{
    (void)b_expr;
    PUT(r, "CASE");
    if (node->args[0].kind) {
        elqb__put_char(r, ' ');
        elqb__put_expr(r, &node->args[0], LEVEL_LOWEST);
    }
    for (uint32_t i = 2; i < node->count; i += 2) {
        PUT(r, " WHEN ");
        elqb__put_expr(r, &node->args[i], LEVEL_LOWEST);
        PUT(r, " THEN ");
        elqb__put_expr(r, &node->args[i + 1], LEVEL_LOWEST);
    }
    if (node->args[1].kind) {
        PUT(r, " ELSE ");
        elqb__put_expr(r, &node->args[1], LEVEL_LOWEST);
    }
    PUT(r, " END");
}

static void put_extract(struct elqb__render *r, struct elqb_node *node,
                        unsigned b_expr)
{
    (void)b_expr;
    PUT(r, "EXTRACT(");
    elqb__put_name(r, node->text);
    PUT(r, " FROM ");
    elqb__put_expr(r, &node->args[0], LEVEL_LOWEST);
    elqb__put_char(r, ')');
}

static void put_current_of(struct elqb__render *r, struct elqb_node *node,
                           unsigned b_expr)
{
    (void)b_expr;
    PUT(r, "CURRENT OF ");
    elqb__put_name(r, node->text);
}

void elqb__put_column_type(struct elqb__render *r, const elqb_column_type *type)
{
    if (type->sql) {
        elqb__put_string(r, type->sql);
        return;
    }
    if (type->schema)
        elqb__put_schema(r, type->schema);
    elqb__put_name(r, type->name);
    if (type->is_array)
        PUT(r, "[]");
}

static void put_cast(struct elqb__render *r, struct elqb_node *node,
                     unsigned b_expr)
{
    (void)b_expr;
    PUT(r, "CAST(");
    elqb__put_expr(r, &node->args[0], LEVEL_LOWEST);
    PUT(r, " AS ");
    if (node->text)
        elqb__put_string(r, node->text);
    else
        elqb__put_column_type(r, node->more);
    elqb__put_char(r, ')');
}

/* `id IN :ids` takes a row of one as well, but no ROW(). */
static void put_bound(struct elqb__render *r, elqb_expr *e)
{
    bool one = elqb__is_row(e) && e->u.node->count == 1;

    if (one)
        elqb__put_char(r, '(');
    elqb__put_expr(r, one ? &e->u.node->args[0] : e,
                   one ? LEVEL_LOWEST : LEVEL_ATOM);
    if (one)
        elqb__put_char(r, ')');
}

static void put_text(struct elqb__render *r, struct elqb_node *node,
                     unsigned b_expr)
{
    const struct elqb__text *text = node->more;

    (void)b_expr;
    for (uint32_t i = 0; i < text->count; i++) {
        elqb__put_bytes(r, text->chunks[i].data, text->chunks[i].size);
        if (i + 1 < text->count)
            put_bound(r, &node->args[text->chunks[i].arg]);
    }
}

static void put_first(struct elqb__render *r, struct elqb_node *node,
                      unsigned b_expr)
{
    elqb__put_expr(r, &node->args[0], b_expr);
}

/* Values say what they are; debug text is read, not run. */
static void put_unnest(struct elqb__render *r, struct elqb_node *node,
                       unsigned b_expr)
{
    const uint32_t *types = node->more;

    (void)b_expr;
    PUT(r, "unnest(");
    for (uint32_t i = 0; i < node->count; i++) {
        const elqb_expr *e = &node->args[i];

        if (i)
            PUT(r, ", ");
        elqb__put_expr(r, &node->args[i], LEVEL_LOWEST);
        if (e->kind == ELQB_KIND_NODE && e->u.node->kind == NODE_SHARED)
            e = &e->u.node->args[0];
        if (!r->debug &&
            (e->kind == ELQB_KIND_VALUE || e->kind == ELQB_KIND_BIND ||
             (e->kind == ELQB_KIND_LITERAL && !e->oid)))
            elqb__put_cast(r, types[i]);
    }
    elqb__put_char(r, ')');
}

/* -------------------------------------------------------- selects in them */

static void put_nested(struct elqb__render *r, struct elqb_node *node,
                       unsigned b_expr)
{
    (void)b_expr;
    if (node->kind == NODE_EXISTS)
        PUT(r, "EXISTS ");
    else if (node->kind == NODE_ARRAY_SELECT)
        PUT(r, "ARRAY");
    elqb__put_char(r, '(');
    elqb__put_select(r, node->more);
    elqb__put_char(r, ')');
}

static void put_in_select(struct elqb__render *r, struct elqb_node *node,
                          unsigned b_expr)
{
    elqb__put_expr(r, &node->args[0], node->level + 1u);
    elqb__put_char(r, ' ');
    put_spelling(r, node);
    elqb__put_char(r, ' ');
    put_nested(r, node, b_expr);
}

/* ----------------------------------------------------------- any expression */

static void (*const put_kind[NODE_KINDS])(struct elqb__render *,
                                          struct elqb_node *, unsigned) = {
    [NODE_OPERATOR] = put_operator,
    [NODE_IN] = put_in,
    [NODE_IN_ARRAYS] = put_in_arrays,
    [NODE_QUANTIFIED] = put_quantified,
    [NODE_PERIODS] = put_periods,
    [NODE_COLLATE] = put_collate,
    [NODE_SUBSCRIPT] = put_subscript,
    [NODE_SLICE] = put_subscript,
    [NODE_FIELD] = put_field,
    [NODE_ROW] = put_row,
    [NODE_ARRAY] = put_array,
    [NODE_ORDER] = put_misplaced,
    [NODE_NAMED] = put_misplaced,
    [NODE_VARIADIC] = put_misplaced,
    [NODE_FUNCTION] = put_function,
    [NODE_CASE] = put_case,
    [NODE_EXTRACT] = put_extract,
    [NODE_CAST] = put_cast,
    [NODE_TEXT] = put_text,
    [NODE_CURRENT_OF] = put_current_of,
    [NODE_SHARED] = put_first,
    [NODE_SCALAR] = put_nested,
    [NODE_EXISTS] = put_nested,
    [NODE_IN_SELECT] = put_in_select,
    [NODE_ARRAY_SELECT] = put_nested,
    [NODE_SUBQUERY] = put_nested,
    [NODE_CTE] = elqb__put_cte_name,
    [NODE_UNNEST] = put_unnest,
    [NODE_FUNCTION_AS] = put_misplaced,
    [NODE_GROUPING] = put_misplaced,
    [NODE_OPCLASS] = put_misplaced,
};

static void put_node(struct elqb__render *r, struct elqb_node *node,
                     unsigned min)
{
    bool parentheses;

    if (!elqb__enter(r))
        return;
    if (node->kind == NODE_LABEL) { /* outside of a list of columns */
        elqb__put_expr(r, &node->args[0], min);
        elqb__leave(r);
        return;
    }
    parentheses = node->level < (min & ~B_EXPR) ||
                  (min & B_EXPR && !b_expr_levels[node->level]);
    if (parentheses)
        elqb__put_char(r, '(');
    put_kind[node->kind](r, node, parentheses ? 0 : min & B_EXPR);
    if (parentheses)
        elqb__put_char(r, ')');
    elqb__leave(r);
}

static void put_column(struct elqb__render *r, const elqb_expr *e)
{
    if (e->u.column.schema && !r->bare)
        elqb__put_schema(r, e->u.column.schema);
    if (e->u.column.table && !r->bare) {
        elqb__put_name(r, e->u.column.table);
        elqb__put_char(r, '.');
    }
    if (e->kind == ELQB_KIND_STAR)
        elqb__put_char(r, '*');
    else
        elqb__put_name(r, e->u.column.name);
}

void elqb__put_star(struct elqb__render *r, const elqb_expr *e)
{
    put_column(r, e);
}

/* A negative number is an operator and its operand to SQL. */
static void put_inline(struct elqb__render *r, const elqb_expr *e,
                       unsigned min)
{
    bool parentheses = min && elqb__is_negative(r, &e->u.value);

    if (parentheses)
        elqb__put_char(r, '(');
    elqb__put_literal(r, &e->u.value);
    if (parentheses)
        elqb__put_char(r, ')');
}

void elqb__put_expr(struct elqb__render *r, elqb_expr *e, unsigned min)
{
    switch (e->kind) {
    case ELQB_KIND_NODE:
        put_node(r, e->u.node, min);
        break;
    case ELQB_KIND_COLUMN:
        put_column(r, e);
        break;
    case ELQB_KIND_VALUE:
        if (r->debug)
            put_inline(r, e, min);
        else
            elqb__put_param(r, e);
        break;
    case ELQB_KIND_LITERAL:
        put_inline(r, e, min);
        break;
    case ELQB_KIND_BIND:
        elqb__put_param(r, e);
        break;
    case ELQB_KIND_STAR:
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: * is no expression");
        break;
    case ELQB_KIND_DEFAULT:
        elqb__fail(r->q, ELQB_E_USAGE,
                   "elqb_render: DEFAULT is for values of INSERT and UPDATE");
        break;
    default:
        elqb__fail(r->q, ELQB_E_USAGE, "elqb_render: an expression is absent");
        break;
    }
}

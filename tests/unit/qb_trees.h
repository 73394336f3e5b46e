/* SPDX-License-Identifier: PostgreSQL */
/*
 * Random expressions of every operator and form, made twice: by the library,
 * which leaves out what parentheses it can, and as text with parentheses around
 * every operand.  For check_qb_precedence.c and check_qb_mutations.c.
 *
 * The printing knows spellings, and nothing of precedence.  What SQL makes one
 * of (a AND b AND c, x[1][2]) is printed as one, too.
 */
#ifndef ELPQ_TESTS_QB_TREES_H
#define ELPQ_TESTS_QB_TREES_H

#include "qb/internal.h"

#include "check_qb.h"

#define TEXT_SIZE (1 << 20)

struct printer {
    char text[TEXT_SIZE];
    size_t size;
};

static struct printer out;

/* The operators or forms that are to come often; -1: none. */
static int favourites[3] = { -1, -1, -1 };

static void put(const char *s)
{
    size_t size = strlen(s);

    ck_assert_uint_lt(out.size + size, TEXT_SIZE);
    memcpy(out.text + out.size, s, size + 1);
    out.size += size;
}

static void put_word(const char *word)
{
    put(" ");
    put(word);
    put(" ");
}

/* A leaf: the same in both texts. */
static elqb_expr make_leaf(void)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    char number[20];
    unsigned name;

    switch (random_below(8)) {
    case 0:
        snprintf(number, sizeof(number), "%d", (int)random_below(9));
        put(number);
        return elqb_lit((int)strtol(number, NULL, 10));
    case 1:
        put("'x'");
        return elqb_lit("x");
    case 2:
        put("-7");
        return elqb_lit(-7);
    case 3:
        put("NULL::int4");
        return elqb_null(INT4);
    default:
        break;
    }
    name = random_below(4);
    put("\"");
    put(names[name]);
    put("\"");
    return elqb_name(names[name]);
}

static elqb_expr make_tree(int depth);

/* An operand in parentheses. */
static elqb_expr make_operand(int depth)
{
    elqb_expr e;

    put("(");
    e = make_tree(depth - 1);
    put(")");
    return e;
}

/* Without them, where commas or brackets already separate. */
static elqb_expr make_item(int depth, const char *after)
{
    elqb_expr e = make_tree(depth - 1);

    put(after);
    return e;
}

/* --------------------------------------------- operators made by ops.def */

#define PREFIX(fn, spelling) spelling, NULL, 1, true, elqb_##fn, NULL, NULL
#define POSTFIX(fn, spelling)                                                 \
    spelling, NULL, 1, false, elqb_##fn, NULL, NULL
#define INFIX(fn, spelling) spelling, NULL, 2, false, NULL, elqb_##fn, NULL
#define TERNARY(fn, spelling, word)                                           \
    spelling, word, 3, false, NULL, NULL, elqb_##fn

/* Every operator with a fixed number of operands. */
static const struct {
    enum elqb__op op;
    const char *spelling;
    const char *word;
    int operands;
    bool prefix;
    elqb_expr (*unary)(elqb *, elqb_expr);
    elqb_expr (*binary)(elqb *, elqb_expr, elqb_expr);
    elqb_expr (*ternary)(elqb *, elqb_expr, elqb_expr, elqb_expr);
} operators[] = {
#define DO_LEFT(op, fn, spelling) { op, INFIX(fn, spelling) },
#define DO_NONE(op, fn, spelling) { op, INFIX(fn, spelling) },
#define DO_NARY(op, fn, spelling)
#define DO_PREFIX(op, fn, spelling) { op, PREFIX(fn, spelling) },
#define DO_POSTFIX(op, fn, spelling) { op, POSTFIX(fn, spelling) },
#define DO_BETWEEN(op, fn, spelling) { op, TERNARY(fn, spelling, "AND") },
#define DO_ESCAPE(op, fn, spelling) { op, TERNARY(fn, spelling, "ESCAPE") },
#define DO_SPECIAL(op, fn, spelling)
#define OP(name, fn, spelling, level, fix, takes, gives)                      \
    DO_##fix(OP_##name, fn, spelling)
#include "qb/ops.def"
};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

static elqb_expr make_fixed(int depth, size_t op)
{
    elqb_expr a, b, c;

    if (operators[op].prefix)
        put_word(operators[op].spelling);
    a = make_operand(depth);
    if (!operators[op].prefix)
        put_word(operators[op].spelling);
    if (operators[op].operands == 1)
        return operators[op].unary(q, a);
    b = make_operand(depth);
    if (operators[op].operands == 2)
        return operators[op].binary(q, a, b);
    put_word(operators[op].word);
    c = make_operand(depth);
    return operators[op].ternary(q, a, b, c);
}

/* ------------------------------------------------ forms with their own text */

/* a AND b AND c is one node to the parser as well, but only unparenthesised:
 * the terms are printed the way they are flattened. */
static elqb_expr make_logic(int depth, enum elqb__op op)
{
    elqb_expr terms[4];
    unsigned count = 2 + random_below(2);

    for (unsigned i = 0; i < count; i++) {
        size_t start;

        if (i)
            put_word(op == OP_AND ? "AND" : "OR");
        start = out.size;
        terms[i] = make_operand(depth);
        if (terms[i].kind == ELQB_KIND_NODE && terms[i].u.node->op == op) {
            out.text[start] = ' '; /* (a AND b) is taken apart */
            out.text[out.size - 1] = ' ';
        }
    }
    terms[count] = ELQB_END;
    return op == OP_AND ? elqb_and_v(q, terms) : elqb_or_v(q, terms);
}

static elqb_expr make_and(int depth)
{
    return make_logic(depth, OP_AND);
}

static elqb_expr make_or(int depth)
{
    return make_logic(depth, OP_OR);
}

static elqb_expr make_concat(int depth)
{
    elqb_expr a = make_operand(depth), b;

    put_word("||");
    b = make_operand(depth);
    return elqb_concat(q, a, b);
}

static const char *const spellings[] = { "<->", "@>", "+", "=",  "<=", "%",
                                         "~~", "!!=", "||", "@-@", "^", "->" };

static const char *pick_spelling(void)
{
    return spellings[random_below(sizeof(spellings) / sizeof(*spellings))];
}

static elqb_expr make_spelled(int depth)
{
    const char *spelling = pick_spelling();
    elqb_expr a = make_operand(depth);
    bool schema = random_below(3) == 0;

    put(schema ? " OPERATOR(\"s\"." : " ");
    put(spelling);
    put(schema ? ") " : " ");
    return schema ? elqb_operator_in(q, "s", a, spelling, make_operand(depth))
                  : elqb_operator(q, a, spelling, make_operand(depth));
}

static elqb_expr make_prefixed(int depth)
{
    if (random_below(2)) {
        put(" |/ ");
        return elqb_operator_prefix(q, "|/", make_operand(depth));
    }
    put(" OPERATOR(\"s\".@-) ");
    return elqb_operator_prefix_in(q, "s", "@-", make_operand(depth));
}

static elqb_expr make_in_list(int depth)
{
    elqb_expr list[3], a = make_operand(depth);
    bool not = random_below(2);

    put(not ? " NOT IN (" : " IN (");
    list[0] = make_item(depth, ", ");
    list[1] = make_item(depth, ")");
    list[2] = ELQB_END;
    return not ? elqb_not_in_v(q, a, list) : elqb_in_v(q, a, list);
}

static elqb_expr make_row(int depth)
{
    elqb_expr a, b;

    put("(");
    a = make_item(depth, ", ");
    b = make_item(depth, ")");
    return elqb_row(q, a, b);
}

/* (a, b) IN ((c, d), (e, f)) and = */
static elqb_expr make_rows(int depth)
{
    elqb_expr a = make_row(depth), b, c;

    if (random_below(2)) {
        put(" IN (");
        b = make_row(depth);
        put(", ");
        c = make_row(depth);
        put(")");
        return elqb_in(q, a, b, c);
    }
    put(" < ");
    return elqb_lt(q, a, make_row(depth));
}

/* The arrays of columns of no known type say what they are. */
static elqb_expr make_in_unnest(int depth)
{
    elqb_expr a, b, c, d;

    put("(");
    a = make_item(depth, ", ");
    b = make_item(depth, ") IN (SELECT * FROM unnest(CAST(");
    c = make_item(depth, " AS int4[]), CAST(");
    d = make_item(depth, " AS text[])))");
    if (a.kind == ELQB_KIND_NODE)
        a.oid = 0;
    if (b.kind == ELQB_KIND_NODE)
        b.oid = 0;
    return elqb_in_arrays(q, elqb_row(q, a, b), elqb_cast(q, c, "int4[]"),
                          elqb_cast(q, d, "text[]"));
}

static elqb_expr make_periods(int depth)
{
    elqb_expr a, b, c, d;

    put("(");
    a = make_item(depth, ", ");
    b = make_item(depth, ") OVERLAPS (");
    c = make_item(depth, ", ");
    d = make_item(depth, ")");
    return elqb_periods_overlap(q, a, b, c, d);
}

static elqb_expr make_any_all(int depth)
{
    static const char *const quantified[] = { "=", "<", "@>", "+", "~", "LIKE",
                                              "NOT ILIKE" };
    const char *spelling = quantified[random_below(7)];
    elqb_expr a = make_operand(depth), b;
    bool all = random_below(2), schema = random_below(4) == 0;

    if (schema)
        spelling = "+";
    put(schema ? " OPERATOR(\"s\"." : " ");
    put(spelling);
    put(schema ? ")" : "");
    put(all ? " ALL (" : " ANY (");
    if (random_below(2)) {
        put("ARRAY[");
        b = make_item(depth, "]");
        b = elqb_array(q, b);
    } else {
        b = make_concat(depth);
    }
    put(")");
    if (schema)
        return all ? elqb_operator_all_in(q, "s", a, spelling, b)
                   : elqb_operator_any_in(q, "s", a, spelling, b);
    return all ? elqb_operator_all(q, a, spelling, b)
               : elqb_operator_any(q, a, spelling, b);
}

/* ---------------------------------------------------- indirection and atoms */

static elqb_expr make_slice(int depth, elqb_expr a)
{
    elqb_expr from = ELQB_NONE, to = ELQB_NONE;

    put("[");
    if (random_below(2))
        from = make_item(depth, " ");
    put(" : ");
    if (random_below(2))
        to = make_item(depth, " ");
    put("]");
    return elqb_slice(q, a, from, to);
}

/* Whether this is added to what is there, instead of to a whole of it: an
 * element of a slice is not one more dimension of it. */
static bool is_added(const elqb_expr *e, enum elqb__node_kind kind)
{
    if (e->kind != ELQB_KIND_NODE)
        return false;
    return e->u.node->kind == NODE_FIELD || e->u.node->kind == kind ||
           (kind == NODE_FIELD && (e->u.node->kind == NODE_SUBSCRIPT ||
                                   e->u.node->kind == NODE_SLICE));
}

/* (base)[i][j : k].f: one step, from where the base starts, in parentheses */
static elqb_expr make_step(int depth, size_t start, elqb_expr e)
{
    static const enum elqb__node_kind kinds[] = { NODE_SUBSCRIPT, NODE_SLICE,
                                                  NODE_FIELD };
    enum elqb__node_kind kind = kinds[random_below(3)];

    if (is_added(&e, kind)) {
        out.text[start] = ' ';
        out.text[out.size - 1] = ' ';
    }
    if (kind == NODE_SLICE)
        return make_slice(depth, e);
    if (kind == NODE_FIELD) {
        put(".\"f\"");
        return elqb_field(q, e, "f");
    }
    put("[");
    return elqb_subscript(q, e, make_item(depth, "]"));
}

static elqb_expr make_indirection(int depth)
{
    size_t start = out.size;
    bool twice = random_below(2);
    elqb_expr e;

    if (!twice)
        return make_step(depth, start, make_operand(depth));
    put("(");
    e = make_step(depth, start + 1, make_operand(depth));
    put(")");
    return make_step(depth, start, e);
}

static elqb_expr make_function(int depth)
{
    elqb_expr a, b, c;

    switch (random_below(4)) {
    case 0:
        put("\"f\"(");
        a = make_item(depth, ", \"x\" => ");
        b = make_item(depth, ", VARIADIC \"y\" => ");
        c = make_item(depth, ")");
        return elqb_func(q, "f", a, elqb_named(q, "x", b),
                         elqb_variadic(q, elqb_named(q, "y", c)));
    case 1:
        put("COALESCE(");
        a = make_item(depth, ", ");
        b = make_item(depth, ")");
        return elqb_coalesce(q, a, b);
    case 2:
        put("\"s\".\"g\"(DISTINCT ");
        a = make_item(depth, " ORDER BY ");
        b = make_item(depth, " DESC) FILTER (WHERE ");
        c = make_item(depth, ")");
        a = elqb_agg_distinct(q, elqb_func_in(q, "s", "g", a));
        return elqb_agg_filter(q, elqb_agg_order_by(q, a, elqb_desc(q, b)), c);
    default:
        put("EXTRACT(\"year\" FROM ");
        return elqb_extract(q, "year", make_item(depth, ")"));
    }
}

static elqb_expr make_case(int depth)
{
    elqb_expr base = ELQB_NONE, a, b, c = ELQB_NONE;

    put("CASE ");
    if (random_below(2))
        base = make_item(depth, " ");
    put("WHEN ");
    a = make_item(depth, " THEN ");
    b = make_item(depth, " ");
    if (random_below(2)) {
        put("ELSE ");
        c = make_item(depth, " ");
    }
    put("END");
    return elqb_case_v(q, base, ELQB_LIST(a, b), c);
}

static elqb_expr make_atom(int depth)
{
    elqb_expr a, b;

    switch (random_below(4)) {
    case 0:
        put("CAST(");
        return elqb_cast(q, make_item(depth, " AS int4[])"), "int4[]");
    case 1:
        put("ARRAY[");
        a = make_item(depth, ", ");
        b = make_item(depth, "]");
        return elqb_array(q, a, b);
    case 2: /* text may hold any operator, so it is grouped as an operand */
        put("\"a\" OR \"b\"");
        return elqb_text(q, "\"a\" OR \"b\"");
    default:
        return make_row(depth);
    }
}

static elqb_expr make_collate(int depth)
{
    elqb_expr a = make_operand(depth);

    put(" COLLATE \"s\".\"C\"");
    return elqb_collate_in(q, a, "s", "C");
}

/* SELECT a FROM "t" WHERE b ORDER BY c */
static elqb_select *make_select(int depth)
{
    elqb_select *s = elqb_select_new(q);

    put("SELECT ");
    elqb_columns(s, make_item(depth, " FROM \"t\" WHERE "));
    elqb_from(s, elqb_table_named(NULL, "t"));
    elqb_where(s, make_item(depth, ""));
    if (random_below(2)) {
        put(" ORDER BY ");
        elqb_order_by(s, elqb_desc(q, make_item(depth, " DESC")));
    }
    return s;
}

static elqb_expr make_subquery(int depth)
{
    elqb_expr e = ELQB_NONE;
    elqb_select *s;
    unsigned kind = random_below(4);
    bool not = random_below(2);

    if (kind == 0)
        e = make_operand(depth);
    put(kind == 0   ? (not ? " NOT IN (" : " IN (")
        : kind == 1 ? "EXISTS ("
        : kind == 2 ? "ARRAY("
                    : "(");
    s = make_select(depth);
    put(")");
    if (kind == 0)
        return not ? elqb_not_in_select(q, e, s) : elqb_in_select(q, e, s);
    return kind == 1   ? elqb_exists(q, s)
           : kind == 2 ? elqb_array_select(q, s)
                       : elqb_scalar(q, s);
}

/* The forms, how often each comes, and which operator they show. */
static const struct {
    enum elqb__op op;
    enum elqb__op also;
    unsigned weight;
    elqb_expr (*make)(int depth);
} forms[] = {
    { OP_AND, OP_NO, 5, make_and },
    { OP_OR, OP_NO, 5, make_or },
    { OP_CONCAT, OP_NO, 2, make_concat },
    { OP_CUSTOM, OP_NO, 4, make_spelled },
    { OP_CUSTOM_PREFIX, OP_NO, 2, make_prefixed },
    { OP_IN, OP_NOT_IN, 2, make_in_list },
    { OP_PERIODS_OVERLAP, OP_NO, 1, make_periods },
    { OP_COLLATE, OP_NO, 2, make_collate },
    { OP_NO, OP_NO, 1, make_rows },
    { OP_NO, OP_NO, 1, make_in_unnest },
    { OP_NO, OP_NO, 2, make_any_all },
    { OP_NO, OP_NO, 3, make_indirection },
    { OP_NO, OP_NO, 2, make_function },
    { OP_NO, OP_NO, 2, make_case },
    { OP_NO, OP_NO, 3, make_atom },
    { OP_NO, OP_NO, 2, make_subquery },
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

static elqb_expr make_choice(int depth, size_t choice)
{
    return choice < OPERATORS ? make_fixed(depth, choice)
                              : forms[choice - OPERATORS].make(depth);
}

static elqb_expr make_tree(int depth)
{
    unsigned weights = 0, choice;
    size_t form = 0;

    if (depth == 0 || random_below(8) == 0)
        return make_leaf();
    for (int i = 0; i < 3; i++)
        if (favourites[i] >= 0 && random_below(4) == 0)
            return make_choice(depth, (size_t)favourites[i]);
    for (size_t i = 0; i < FORMS; i++)
        weights += forms[i].weight;
    choice = random_below((unsigned)OPERATORS + weights);
    if (choice < OPERATORS)
        return make_fixed(depth, choice);
    for (choice -= OPERATORS; choice >= forms[form].weight; form++)
        choice -= forms[form].weight;
    return forms[form].make(depth);
}

/* SELECT with a random tree: the library's statement, and the text in `out`. */
static const elpq_statement *make_both(int depth)
{
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *st;

    out.size = 0;
    put("SELECT ");
    elqb_columns(s, make_tree(depth));
    st = elqb_render(q, s);
    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    return st;
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Random expressions of every operator and form, made twice: by the library,
 * which leaves out what parentheses it can, and as text with parentheses around
 * every operand.  For check_qb_precedence.c, check_qb_mutations.c and
 * check_qb_statements.c.
 *
 * The printing knows spellings, and nothing of precedence.
 */
#ifndef ELPQ_TESTS_QB_TREES_H
#define ELPQ_TESTS_QB_TREES_H

#include "qb_forms.h"

/* The operators or forms that are to come often; -1: none. */
static int favourites[3] = { -1, -1, -1 };

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
    { OP_NO, OP_NO, 1, make_any_select },
    { OP_NO, OP_NO, 1, make_within_group },
    { OP_NO, OP_NO, 2, make_over },
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

    if (depth <= 0 || random_below(8) == 0)
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
static inline const elpq_statement *make_both(int depth)
{
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *st;

    out.size = 0;
    parameters = 0;
    put("SELECT ");
    elqb_columns(s, make_tree(depth));
    st = elqb_render(q, s);
    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    return st;
}

/* The parser sees the same in the text and in `out`. */
static inline void same_tree(long long i, const char *sql)
{
    char *is = parse_tree(sql), *wanted = parse_tree(out.text);

#ifdef HAVE_PG_QUERY
    ck_assert_msg(wanted != NULL, "bad test: %s", out.text);
    ck_assert_msg(is != NULL, "unparseable: %s", sql);
    ck_assert_msg(strcmp(is, wanted) == 0, "tree %lld:\n  is   %s\n  not  %s",
                  i, sql, out.text);
#else
    (void)i;
#endif
    free(is);
    free(wanted);
}

/* A number from the environment. */
static inline long long test_number(const char *variable, long long otherwise)
{
    const char *value = getenv(variable);

    return value && *value ? strtoll(value, NULL, 10) : otherwise;
}

#endif

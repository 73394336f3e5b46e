/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the random trees of qb_trees.h are printed by: text in `out`, with
 * parentheses around every operand, beside the expression that the library is
 * to make the same of.
 */
#ifndef ELPQ_TESTS_QB_PRINTER_H
#define ELPQ_TESTS_QB_PRINTER_H

#include "qb/internal.h"

#include "check_qb.h"

#define TEXT_SIZE (1 << 20)

struct printer {
    char text[TEXT_SIZE];
    size_t size;
};

static struct printer out;

static unsigned parameters; /* $n that are printed by now                    */

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

    switch (random_below(9)) {
    case 8:
        snprintf(number, sizeof(number), "$%u", ++parameters);
        put(number);
        return elqb_val(1);
    case 0:
        snprintf(number, sizeof(number), "%d", 2 + (int)random_below(7));
        put(number);
        return elqb_lit((int)strtol(number, NULL, 10));
    case 1:
        put("'x'");
        return elqb_typed(elqb_lit("x"), TEXT); /* 'x' whatever it meets */
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

#endif

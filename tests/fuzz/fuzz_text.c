/* SPDX-License-Identifier: PostgreSQL */
/*
 * libFuzzer target: the lexer of elqb_text(), elqb_raw() and elqb_cast().
 *
 * Whatever the bytes are, the call ends in a rendered text or in an error that
 * says something; and text that is accepted cannot swallow what is written
 * behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elpq/qb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good)
{
    if (!good)
        abort();
}

/* The text, then " = 1", rendered; NULL if it was refused. */
static const char *render(elqb *q, elqb_expr text)
{
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *st;

    elqb_columns(s, elqb_eq(q, text, elqb_lit(1)));
    st = elqb_render(q, s);
    expect(st || (*elqb_error(q) && elqb_error_code(q) != ELQB_OK));
    return st ? st->sql : NULL;
}

/* A copy of exactly this size, so that a sanitizer sees each byte too far. */
static char *copy_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    expect(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* What was accepted is whole: between parentheses it is accepted again. */
static void check_whole(elqb *q, const char *text, size_t size)
{
    char *wrapped = malloc(size + 4);

    expect(wrapped != NULL);
    wrapped[0] = '(';
    memcpy(wrapped + 1, text, size);
    strcpy(wrapped + 1 + size, ")");
    elqb_reset(q);
    expect(!elqb_is_none(elqb_raw_from_trusted_string(q, wrapped)));
    free(wrapped);
}

/* As an operand, whatever the text is, and whole with the values in it. */
static void check_operand(elqb *q, const char *sql)
{
    size_t size;
    char *inner;

    if (!sql)
        return;
    size = strlen(sql);
    expect(size > 13 && strncmp(sql, "SELECT (", 8) == 0 &&
           strcmp(sql + size - 5, ") = 1") == 0);
    inner = copy_text((const uint8_t *)sql + 8, size - 13);
    check_whole(q, inner, size - 13);
    free(inner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const elqb_expr yes = elqb_literal(elpq_bool(true));
    const elqb_arg args[] = { { "a", yes }, { "e", yes }, { "u", yes },
                              { NULL, ELQB_NONE } };
    char *text = copy_text(data, size);
    elqb *q = elqb_new();
    const char *sql;

    expect(q != NULL);
    for (int first = 0; first < 4; first++) { /* all, :e and :u, :u, none */
        sql = render(q, elqb_text_from_trusted_string(q, text, args + first));
        check_operand(q, sql);
        elqb_reset(q);
    }
    sql = render(q, elqb_raw_from_trusted_string(q, text));
    expect(!sql || strncmp(sql + 8, text, strlen(text)) == 0);
    check_operand(q, sql);
    elqb_reset(q);
    render(q, elqb_cast_from_trusted_string(q, elqb_val("x"), text));
    elqb_free(q);
    free(text);
    return 0;
}

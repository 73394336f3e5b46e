/* SPDX-License-Identifier: PostgreSQL */
/*
 * libFuzzer target: programs of builder calls.
 *
 * The input is a program for a small machine with a stack of expressions: each
 * byte is a call, which takes operands from the stack, names and strings from
 * the bytes that follow, and puts its result back.  What the stack holds at
 * the end becomes a select, an update and an insert.
 *
 * Whatever was called, rendering gives a statement or an error with a text,
 * the same text twice, and after elqb_reset() the workspace works.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elpq/qb.h"
#include "qb/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STACK 16
#define CALLS 400 /* of one program                                          */
#define COPIES 10 /* each may double the text                               */

struct machine {
    elqb *q;
    const uint8_t *at;
    const uint8_t *end;
    elqb_expr stack[STACK + 1]; /* and ELQB_END                             */
    unsigned depth;
    unsigned copies;
};

static void expect(bool good)
{
    if (!good)
        abort();
}

static unsigned next_byte(struct machine *m)
{
    return m->at < m->end ? *m->at++ : 0;
}

static void push(struct machine *m, elqb_expr e)
{
    m->stack[m->depth < STACK ? m->depth++ : STACK - 1] = e;
}

/* An empty stack has a column: errors end a program, so they are to be rare. */
static elqb_expr pop(struct machine *m)
{
    return m->depth ? m->stack[--m->depth] : elqb_name("c");
}

/* The same expression once more, or another. */
static elqb_expr again(struct machine *m, elqb_expr e)
{
    return m->copies++ < COPIES ? e : elqb_name("c");
}

/* A string of the program: a length, then so many bytes. */
static const char *next_string(struct machine *m, char buffer[80])
{
    size_t size = next_byte(m) % 72, left = (size_t)(m->end - m->at);

    size = size < left ? size : left;
    if (size == 0)
        return strcpy(buffer, "n");
    memcpy(buffer, m->at, size);
    buffer[size] = '\0';
    m->at += size;
    return buffer;
}

/* ------------------------------------------------------------- operators */

/* clang-format off */
#define PUSH_UNARY(op, fn) case op: push(m, elqb_##fn(m->q, a)); break;
#define PUSH_BINARY(op, fn) case op: push(m, elqb_##fn(m->q, a, b)); break;
#define PUSH_TERNARY(op, fn) case op: push(m, elqb_##fn(m->q, a, b, c)); break;
#define PUSH_LEFT PUSH_BINARY
#define PUSH_NONE PUSH_BINARY
#define PUSH_PREFIX PUSH_UNARY
#define PUSH_POSTFIX PUSH_UNARY
#define PUSH_BETWEEN PUSH_TERNARY
#define PUSH_ESCAPE PUSH_TERNARY
#define PUSH_NARY(op, fn)                                                     \
    case op: push(m, elqb_##fn##_v(m->q, ELQB_LIST(a, b, c))); break;
#define PUSH_SPECIAL(op, fn)
/* clang-format on */

static void call_operator(struct machine *m)
{
    elqb_expr a = pop(m), b = pop(m), c = pop(m);

    switch (next_byte(m) % OP_COUNT) {
#define OP(name, fn, spelling, level, fix, takes, gives)                      \
    PUSH_##fix(OP_##name, fn)
#include "qb/ops.def"
    default:
        push(m, elqb_periods_overlap(m->q, a, b, c, again(m, a)));
        break;
    }
}

static void call_spelled(struct machine *m)
{
    char buffer[80], schema[80];
    const char *spelling = next_string(m, buffer);
    elqb_expr a = pop(m), b = pop(m);
    elqb *q = m->q;

    switch (next_byte(m) % 6) {
    case 0:
        push(m, elqb_operator(q, a, spelling, b));
        break;
    case 1:
        push(m, elqb_operator_prefix(q, spelling, a));
        break;
    case 2:
        push(m, elqb_operator_any(q, a, spelling, b));
        break;
    case 3:
        push(m, elqb_operator_in(q, next_string(m, schema), a, spelling, b));
        break;
    case 4:
        push(m, elqb_operator_prefix_in(q, next_string(m, schema), spelling,
                                        a));
        break;
    default:
        push(m, elqb_operator_all_in(q, next_string(m, schema), a, spelling,
                                     b));
        break;
    }
}

/* -------------------------------------------------------------- the rest */

static void call_leaf(struct machine *m)
{
    static const int32_t numbers[] = { 1, -2, INT32_MIN };
    static const char *const strings[] = { "a", NULL, "\\'" };
    char buffer[80];
    unsigned kind = next_byte(m), number = next_byte(m);
    elqb_table t = elqb_table_named("s", "t");

    switch (kind % 12) {
    case 0:
        push(m, elqb_val((int)number - 128));
        break;
    case 1:
        push(m, elqb_val(next_string(m, buffer)));
        break;
    case 2:
        push(m, elqb_lit(next_string(m, buffer)));
        break;
    case 3:
        push(m, elqb_lit((double)number - 128.5));
        break;
    case 4:
        push(m, elqb_typed_oid(elqb_name(next_string(m, buffer)),
                               number * 25));
        break;
    case 5:
        push(m, elqb_typed(elqb_c(t, next_string(m, buffer)), JSONB));
        break;
    case 6:
        push(m, elqb_items(numbers, number % 4));
        break;
    case 7:
        push(m, elqb_items(strings, number % 4));
        break;
    case 8:
        push(m, elqb_bind_oid(next_string(m, buffer), number));
        break;
    case 9:
        push(m, number == 0   ? elqb_star()
                : number == 1 ? ELQB_NONE
                              : elqb_null(TEXT));
        break;
    case 10:
        push(m, elqb_literal(elpq_interval((int)number, -1, INT64_MIN)));
        break;
    default:
        push(m, elqb_typed(elqb_name("x"), INT4_ARRAY));
        break;
    }
    /* The leaf borrows the buffer: only what is composed keeps a copy. */
    m->stack[m->depth - 1] = elqb_as(m->q, m->stack[m->depth - 1], "l");
}

static void call_list(struct machine *m)
{
    elqb_expr a = pop(m);
    char buffer[80];

    m->stack[m->depth] = ELQB_END;
    switch (next_byte(m) % 10) {
    case 0:
        push(m, elqb_in_v(m->q, a, m->stack));
        break;
    case 1:
        push(m, elqb_row_v(m->q, m->stack));
        break;
    case 2:
        push(m, elqb_array_v(m->q, m->stack));
        break;
    case 3:
        push(m, elqb_func_v(m->q, NULL, next_string(m, buffer), m->stack));
        break;
    case 4:
        push(m, elqb_func_v(m->q, "s", "f", m->stack));
        break;
    case 5:
        push(m, elqb_case_v(m->q, ELQB_NONE, m->stack, a));
        break;
    case 6:
        push(m, elqb_case_v(m->q, a, m->stack, ELQB_NONE));
        break;
    case 7:
        push(m, elqb_in_arrays_v(m->q, a, m->stack));
        break;
    case 8:
        push(m, elqb_func(m->q, "coalesce", a, elqb_val("x")));
        break;
    default:
        push(m, elqb_and_v(m->q, m->stack));
        break;
    }
}

static elqb_expr make_over(struct machine *m, elqb_expr a, elqb_expr b,
                           elqb_expr c)
{
    const elqb_expr by[] = { b, ELQB_END };
    elqb_window_spec window = { .order_by = by };

    window.frame = (elqb_frame)(next_byte(m) % 4);
    if (window.frame != ELQB_NO_FRAME)
        window.start = elqb_preceding(c);
    return elqb_over_v(m->q, a, &window);
}

static void call_form(struct machine *m)
{
    elqb_expr a = pop(m), b = pop(m), c = pop(m);
    char buffer[80];
    elqb *q = m->q;

    switch (next_byte(m) % 18) {
    case 0:
        push(m, elqb_subscript(q, a, b));
        break;
    case 1:
        push(m, elqb_slice(q, a, b, c));
        break;
    case 2:
        push(m, elqb_field(q, a, next_string(m, buffer)));
        break;
    case 3:
        push(m, elqb_field_star(q, a));
        break;
    case 4:
        push(m, elqb_collate_in(q, a, NULL, next_string(m, buffer)));
        break;
    case 5:
        push(m, elqb_cast_from_trusted_string(q, a, next_string(m, buffer)));
        break;
    case 6:
        push(m, elqb_extract(q, next_string(m, buffer), a));
        break;
    case 7:
        push(m, elqb_named(q, next_string(m, buffer), a));
        break;
    case 8:
        push(m, elqb_variadic(q, a));
        break;
    case 9:
        push(m, elqb_has_text(q, a, next_string(m, buffer)));
        break;
    case 10:
        push(m, elqb_regex(q, a, elqb_val(elqb_regex_text(
                                     q, next_string(m, buffer)))));
        break;
    case 11:
        push(m, elqb_agg_filter(q, elqb_agg_distinct(q, a), b));
        break;
    case 12:
        push(m, elqb_desc(q, elqb_nulls_first(q, a)));
        break;
    case 13:
        push(m, elqb_shared(q, elqb_val(5)));
        break;
    case 14:
        push(m, elqb_eq_any(q, a, b));
        break;
    case 16:
        push(m, make_over(m, a, b, c));
        break;
    case 17:
        push(m, elqb_agg_within_group(q, a, b));
        break;
    default:
        push(m, a);
        push(m, again(m, a));
        push(m, b);
        break;
    }
}

static void call_select(struct machine *m)
{
    elqb_expr a = pop(m), b = pop(m);
    unsigned kind = next_byte(m);
    elqb_select *s;

    if (kind & 8) {
        s = elqb_text_select(m->q, elqb_text(m->q, "SELECT :a -- one",
                                             ELQB_ARG("a", a)), b);
    } else if (kind & 4) {
        s = elqb_values_select(m->q, elqb_row(m->q, a), elqb_row(m->q, b));
    } else {
        s = elqb_select_new(m->q);
        elqb_columns(s, a);
        elqb_from(s, elqb_table_named(NULL, "t"));
        elqb_where(s, b);
    }
    if (!(kind & 8))
        elqb_limit(s, elqb_val(1));
    switch (kind % 4) {
    case 0:
        push(m, elqb_scalar(m->q, s));
        break;
    case 1:
        push(m, elqb_exists(m->q, s));
        break;
    case 2:
        push(m, elqb_in_select(m->q, again(m, a), s));
        break;
    default:
        push(m, elqb_array_select(m->q, s));
        break;
    }
}

static void run(struct machine *m)
{
    static void (*const calls[])(struct machine *) = {
        call_leaf, call_operator, call_spelled,
        call_list, call_form,     call_select,
    };

    for (int i = 0; i < CALLS && m->at < m->end; i++)
        calls[next_byte(m) % (sizeof(calls) / sizeof(*calls))](m);
    m->stack[m->depth] = ELQB_END;
}

/* ------------------------------------------------------------ statements */

static void check(elqb *q, const elpq_statement *st)
{
    if (!st)
        expect(*elqb_error(q) && elqb_error_code(q) != ELQB_OK);
    else
        expect(strlen(st->sql) == st->sql_len && elqb_error_code(q) == ELQB_OK);
}

static void render_select(struct machine *m)
{
    elqb_select *s = elqb_select_new(m->q);
    const elpq_statement *first, *again;

    elqb_select_columns_v(s, m->stack);
    elqb_group_by_v(s, m->stack);
    elqb_order_by_v(s, m->stack);
    elqb_where(s, m->stack[0].kind == ELQB_KIND_END ? ELQB_NONE : m->stack[0]);
    first = elqb_render(m->q, s);
    check(m->q, first);
    if (!first)
        return;
    expect(elqb_debug(m->q, s) != NULL);
    again = elqb_render(m->q, s);
    expect(again && strcmp(first->sql, again->sql) == 0 &&
           first->nvalues == again->nvalues);
}

static void render_dml(struct machine *m)
{
    elqb_table t = elqb_table_named(NULL, "t");
    elqb_update *u = elqb_update_new(m->q, t);
    elqb_insert *i = elqb_insert_new(m->q, t);

    elqb_set(u, elqb_name("a"), pop(m));
    elqb_where(u, pop(m));
    elqb_returning(u, pop(m));
    check(m->q, elqb_render(m->q, u));
    elqb_set(i, elqb_name("a"), pop(m));
    check(m->q, elqb_render(m->q, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine m = { .q = elqb_new(), .at = data, .end = data + size };
    elqb_select *s;

    expect(m.q != NULL);
    run(&m);
    render_select(&m);
    render_dml(&m);
    elqb_reset(m.q);
    s = elqb_select_new(m.q);
    elqb_columns(s, elqb_lit(1));
    check(m.q, elqb_render(m.q, s));
    expect(elqb_error_code(m.q) == ELQB_OK);
    elqb_free(m.q);
    return 0;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of cursors share: declaring, fetching, closing.
 */
#ifndef ELPQ_TESTS_CURSORS_H
#define ELPQ_TESTS_CURSORS_H

#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

struct declared {
    struct answer *a;
    elpq_cursor *cursor;
};

static inline void on_cursor(elpq_cursor *cursor, const elpq_error *error,
                             void *arg)
{
    struct declared *d = arg;

    ck_assert_msg(!cursor != !error, "a cursor and an error, or neither");
    d->cursor = cursor;
    on_done(error, d->a);
}

/* Refused is a failure of the test. */
#define DECLARE(d, target, st, options)                                        \
    do {                                                                       \
        (d)->a = answer_new();                                                 \
        ck_assert_int_eq(                                                      \
            CALL(elpq_declare(target, st, options, on_cursor, d)), 0);         \
    } while (0)

static inline elpq_cursor *declared_tx(elpq_tx *tx, const elpq_statement *st,
                                       const elpq_cursor_options *options)
{
    struct declared d;

    DECLARE(&d, tx, st, options);
    expect_ok(d.a);
    return d.cursor;
}

static inline elpq_cursor *declared_conn(elpq_conn *conn,
                                         const elpq_statement *st,
                                         const elpq_cursor_options *options)
{
    struct declared d;

    DECLARE(&d, conn, st, options);
    expect_ok(d.a);
    return d.cursor;
}

#define DECLARED(target, st, options)                                          \
    _Generic((target), elpq_conn *                                             \
             : declared_conn, elpq_tx *                                        \
             : declared_tx)(target, st, options)

static inline struct answer *fetch(elpq_cursor *c, elpq_direction direction,
                                   int n)
{
    struct answer *a = answer_new();
    elpq_options o = { .request = &a->request };

    ck_assert_int_eq(CALL(elpq_cursor_fetch(c, direction, n, &o, on_result, a)),
                     0);
    return a;
}

static inline struct answer *close_cursor(elpq_cursor *c)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_cursor_close(c, on_done, a)), 0);
    return a;
}

/* The first column of all rows, as "1 2 3". */
static inline void expect_numbers(struct answer *a, const char *numbers)
{
    char text[200] = "";

    expect_ok(a);
    for (size_t i = 0; i < elpq_rows(a->result); i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                 i ? " " : "", elpq_get_text(a->result, i, 0));
    ck_assert_str_eq(text, numbers);
}

#endif

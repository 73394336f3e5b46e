/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of COPY of rows share: a table, and rows put one by one.
 */
#ifndef ELPQ_TESTS_COPY_ROWS_H
#define ELPQ_TESTS_COPY_ROWS_H

#include "copy_flow.h"

static const elpq_copy_spec rows_in = { .table = "r",
                                        .format = ELPQ_COPY_ROWS };
static const elpq_copy_spec rows_out = { .table = "r" };

static inline elpq_conn *with_table(const char *columns)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    char sql[1000];

    snprintf(sql, sizeof(sql), "create temp table r (%s)", columns);
    expect_ok(ask(conn, sql_text(sql)));
    return conn;
}

/* A COPY of rows that waits for them. */
static inline void keep(struct flow *f, elpq_result *none)
{
    (void)f, (void)none;
}

static inline void start(struct flow *f, elpq_conn *conn,
                         const elpq_copy_spec *spec)
{
    *f = (struct flow){ .step = keep, .conn = conn };
    copy_in(conn, spec, f);
    run_until(&f->calls, 1);
}

static inline struct answer *finish(struct flow *f)
{
    ck_assert_int_eq(CALL(elpq_copy_finish(f->copy)), 0);
    return expect_ok(f->done);
}

#define PUT(f, ...)                                                            \
    ck_assert_msg(CALL(elpq_copy_row((f)->copy, __VA_ARGS__)) == 0,            \
                  "refused: %s", elpq_copy_error((f)->copy))

#define REFUSED(f, words, ...)                                                 \
    do {                                                                       \
        ck_assert_int_eq(CALL(elpq_copy_row((f)->copy, __VA_ARGS__)),          \
                         ELPQ_E_VALUE);                                        \
        ck_assert_msg(strstr(elpq_copy_error((f)->copy), words), "says '%s'",  \
                      elpq_copy_error((f)->copy));                             \
    } while (0)

#endif

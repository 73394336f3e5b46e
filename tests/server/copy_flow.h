/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of COPY share: a flow, which writes what it has whenever it
 * is told that there is room, or gathers what comes.
 *
 * The outcome is the answer `done`, as of any statement.  A test changes what
 * a flow does by `step`, which runs in place of it at each call.
 */
#ifndef ELPQ_TESTS_COPY_FLOW_H
#define ELPQ_TESTS_COPY_FLOW_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"

struct flow {
    struct answer *done;
    elpq_copy *copy;     /* since the first call                           */
    const char *data;    /* to write, again and again, `size` bytes in all */
    size_t length;
    size_t size;
    size_t at;           /* of them, taken                                 */
    char *got;           /* what came, with a NUL                          */
    size_t ngot;
    int64_t rows;        /* that came, or were put                         */
    int64_t put_rows;    /* to be put                                      */
    int64_t sum;         /* of their first column                          */
    int calls;           /* of ready, data or rows                         */
    bool hold;           /* does not finish                                */
    void (*step)(struct flow *f, elpq_result *rows);
    elpq_conn *conn;     /* for steps                                      */
    elpq_pool *pool;
};

static inline struct flow flow_of(const char *data, size_t size)
{
    struct flow f = { .data = data, .length = strlen(data), .size = size };

    return f;
}

static inline struct flow flow_text(const char *data)
{
    return flow_of(data, strlen(data));
}

static inline void flow_write(struct flow *f)
{
    while (f->at < f->size) {
        size_t from = f->at % f->length, n = f->length - from;
        size_t taken;

        if (n > f->size - f->at)
            n = f->size - f->at;
        harness_depth++;
        taken = elpq_copy_write(f->copy, f->data + from, n);
        harness_depth--;
        ck_assert_uint_le(taken, n);
        f->at += taken;
        if (taken < n)
            return;
    }
    if (!f->hold)
        ck_assert_int_eq(CALL(elpq_copy_finish(f->copy)), 0);
}

static inline void flow_call(struct flow *f, elpq_copy *copy)
{
    ck_assert_int_eq(harness_depth, 0);
    ck_assert_ptr_nonnull(copy);
    ck_assert_int_eq(f->done->calls, 0);
    f->copy = copy;
    f->calls++;
}

static inline void on_ready(elpq_copy *copy, void *arg)
{
    struct flow *f = arg;

    flow_call(f, copy);
    if (f->step)
        f->step(f, NULL);
    else
        flow_write(f);
}

static inline void on_data(elpq_copy *copy, const void *data, size_t size,
                           void *arg)
{
    struct flow *f = arg;

    flow_call(f, copy);
    ck_assert_uint_gt(size, 0);
    if (!f->hold) {
        f->got = realloc(f->got, f->ngot + size + 1);
        memcpy(f->got + f->ngot, data, size);
        f->got[f->ngot + size] = '\0';
    }
    f->ngot += size;
    if (f->step)
        f->step(f, NULL);
}

static inline void on_rows(elpq_copy *copy, elpq_result *rows, void *arg)
{
    struct flow *f = arg;
    int64_t n;

    flow_call(f, copy);
    ck_assert_uint_gt(elpq_rows(rows), 0);
    ck_assert_uint_le(elpq_rows(rows), 256);
    f->rows += (int64_t)elpq_rows(rows);
    for (size_t i = 0; i < elpq_rows(rows); i++)
        if (elpq_get_int64(rows, i, 0, &n) == 0)
            f->sum += n;
    if (f->step)
        f->step(f, rows);
}

static inline void on_copied(elpq_result *result, const elpq_error *error,
                             void *arg)
{
    struct flow *f = arg;

    on_result(result, error, f->done);
    f->copy = NULL;
}

static inline struct answer *flow_begin(struct flow *f, int code)
{
    ck_assert_msg(code == 0, "refused: %s", elpq_code_name(code));
    f->done = answer_new();
    return f->done;
}

#define copy_in_with(target, spec, options, f)                                \
    flow_begin(f, CALL(elpq_copy_in(target, spec, options, on_ready,          \
                                    on_copied, f)))
#define copy_in(target, spec, f) copy_in_with(target, spec, NULL, f)
#define copy_out_with(target, spec, options, f)                               \
    flow_begin(f, CALL(elpq_copy_out(target, spec, options, on_data,          \
                                     on_copied, f)))
#define copy_out(target, spec, f) copy_out_with(target, spec, NULL, f)
#define copy_rows_with(target, spec, options, f)                              \
    flow_begin(f, CALL(elpq_copy_out_rows(target, spec, options, on_rows,     \
                                          on_copied, f)))
#define copy_rows(target, spec, f) copy_rows_with(target, spec, NULL, f)

/* Resident memory of this process, in bytes; 0 where tools add their own. */
static inline int64_t resident(void)
{
    FILE *file;
    long pages = 0;

    if (harness_slow() > 1)
        return 0;
    file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d %ld", &pages), 1);
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Operations whose user wants to know the end and no result: the statement's
 * callback is elpq__done_result(), and its argument one of these, which it
 * frees.
 */
#ifndef ELPQ_LIB_DONE_H
#define ELPQ_LIB_DONE_H

#include "alloc.h"
#include "elpq/conn.h"

struct elpq__done {
    elpq_done_cb call; /* may be NULL */
    void *arg;
};

static inline struct elpq__done *elpq__done_new(elpq_done_cb call, void *arg)
{
    struct elpq__done *done = elpq__new(struct elpq__done);

    if (done) {
        done->call = call;
        done->arg = arg;
    }
    return done;
}

static inline void elpq__done_result(elpq_result *result,
                                     const elpq_error *error, void *arg)
{
    struct elpq__done done = *(struct elpq__done *)arg;

    (void)result;
    free(arg);
    if (done.call)
        done.call(error, done.arg);
}

#endif

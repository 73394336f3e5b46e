/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the pooler's process tells the one that started it.
 */
#ifndef ELPQ_TESTS_POOLER_TOLD_H
#define ELPQ_TESTS_POOLER_TOLD_H

#include <stdatomic.h>

/* In memory that both share. */
struct pooler_told {
    atomic_uint sessions;       /* now                                     */
    atomic_uint ending;         /* backends that finish or end, now        */
    atomic_uint served;         /* sessions so far                         */
    atomic_uint started;        /* backends so far                         */
};

/* Serves who comes to the listening socket, until it is killed. */
_Noreturn void pooler_serve(int listener, struct pooler_told *shared);

#endif

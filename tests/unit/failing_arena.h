/* SPDX-License-Identifier: PostgreSQL */
/*
 * The allocator of the builder, arena.c, with a malloc that can fail: it is all
 * that the builder allocates with.  The program that includes this, once and
 * first, may say how large blocks are: FIRST_BLOCK, LARGEST_STEP.
 */
#ifndef ELPQ_TESTS_FAILING_ARENA_H
#define ELPQ_TESTS_FAILING_ARENA_H

#include <stdlib.h>

static long until_failure = -1; /* -1: never */
static long allocations;
static long blocks; /* not freed yet */
static size_t bytes_asked; /* asked for, ever */

static void *test_malloc(size_t size)
{
    void *p;

    if (until_failure == 0)
        return NULL;
    if (until_failure > 0)
        until_failure--;
    allocations++;
    bytes_asked += size;
    p = malloc(size);
    blocks += p != NULL;
    return p;
}

static void test_free(void *p)
{
    blocks -= p != NULL;
    free(p);
}

#define malloc test_malloc
#define free test_free
#include "qb/arena.c"
#undef malloc
#undef free

#endif

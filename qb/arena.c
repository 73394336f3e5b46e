/* SPDX-License-Identifier: PostgreSQL */
/*
 * The memory of a workspace: blocks, each larger than the one before, from
 * which everything is cut and nothing is given back.
 *
 * The workspace lies in its own first block, so the smallest one is a single
 * malloc.  elqb_reset() starts over with the blocks it has: a workspace that
 * does the same work again allocates nothing.
 *
 * Any file of the builder may call the elqb__ functions.
 */
#include <stdlib.h>

#include "internal.h"

#define FIRST_BLOCK 4096
#define LARGEST_STEP ((size_t)1 << 20) /* growth is geometric up to here */

static struct elqb__block *new_block(size_t size)
{
    struct elqb__block *block = malloc(sizeof(*block) + size);

    if (block) {
        block->next = NULL;
        block->size = size;
    }
    return block;
}

static void enter_block(elqb *q, struct elqb__block *block)
{
    q->current = block;
    q->at = (char *)block->data;
    q->end = q->at + block->size;
}

/* The first block, behind the workspace that lies in it. */
static void start(elqb *q, struct elqb__block *first)
{
    memset(q, 0, sizeof(*q));
    q->first = first;
    enter_block(q, first);
    q->at += (sizeof(*q) + 15) & ~(size_t)15;
}

elqb *elqb_new(void)
{
    struct elqb__block *first = new_block(FIRST_BLOCK - sizeof(*first));
    elqb *q;

    if (!first)
        return NULL;
    q = (elqb *)(void *)first->data;
    start(q, first);
    return q;
}

void elqb_reset(elqb *q)
{
    uint32_t value_count, generation;
    size_t text_size;

    if (!q)
        return;
    text_size = q->text_size;
    value_count = q->value_count;
    generation = q->generation + 1;
    start(q, q->first);
    q->text_size = text_size;
    q->value_count = value_count;
    q->generation = generation;
}

void elqb_free(elqb *q)
{
    struct elqb__block *block = q ? q->first : NULL;

    while (block) {
        struct elqb__block *next = block->next;

        free(block);
        block = next;
    }
}

/* Blocks too small for a request are skipped until the next reset. */
void *elqb__alloc_slow(elqb *q, size_t size)
{
    struct elqb__block *last = q->current;
    size_t step;
    char *p;

    if (size > SIZE_MAX / 2) {
        elqb__fail(q, ELQB_E_NOMEM, "out of memory");
        return NULL;
    }
    size = (size + 7) & ~(size_t)7;
    while (last->next && last->next->size < size)
        last = last->next;
    if (!last->next) {
        step = last->size < LARGEST_STEP ? 2 * last->size : LARGEST_STEP;
        last->next = new_block(size > step ? size : step);
        if (!last->next) {
            elqb__fail(q, ELQB_E_NOMEM, "out of memory");
            return NULL;
        }
    }
    enter_block(q, last->next);
    p = q->at;
    q->at += size;
    return p;
}

char *elqb__copy_bytes(elqb *q, const char *data, size_t size)
{
    char *copy = elqb__alloc(q, size < SIZE_MAX ? size + 1 : size);

    if (copy) {
        if (size)
            memcpy(copy, data, size);
        copy[size] = '\0';
    }
    return copy;
}

char *elqb__copy_string(elqb *q, const char *s)
{
    return elqb__copy_bytes(q, s, strlen(s));
}

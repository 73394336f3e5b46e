/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory for use again and again; see blocks.h.
 *
 * A free block begins with the address of the next; one in use has its size
 * in front, which tells whether it is kept when it comes back.
 */
#include "blocks.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Blocks of this size are kept for reuse, at most so many. */
#define BLOCK 1024
#define BLOCKS_MAX 512
/* A larger scratch buffer is freed before its next use. */
#define SCRATCH_MAX (256 * 1024)

void *elpq__blocks_take(struct elpq__blocks *blocks, size_t size)
{
    size_t *block;

    if (size > SIZE_MAX - 16)
        return NULL;
    size += 16;
    if (size <= BLOCK && blocks->free) {
        block = blocks->free;
        blocks->free = *(void **)block;
        blocks->nfree--;
    } else {
        block = malloc(size <= BLOCK ? BLOCK : size);
        if (!block)
            return NULL;
    }
    block[0] = size;
    return (char *)block + 16;
}

void elpq__blocks_give(struct elpq__blocks *blocks, void *block)
{
    size_t *start;

    if (!block)
        return;
    start = (size_t *)(void *)((char *)block - 16);
    if (start[0] > BLOCK || blocks->nfree >= BLOCKS_MAX) {
        free(start);
        return;
    }
    *(void **)start = blocks->free;
    blocks->free = start;
    blocks->nfree++;
}

void *elpq__blocks_take_spare(struct elpq__blocks *blocks)
{
    void *block = blocks->spare;

    blocks->spare = NULL;
    return block;
}

void elpq__blocks_give_spare(struct elpq__blocks *blocks, void *block)
{
#if SANITIZED /* who still uses it is to be found out */
    free(block);
    block = NULL;
#endif
    if (!block)
        return;
    free(blocks->spare);
    blocks->spare = block;
}

struct elpq__buf *elpq__blocks_scratch(struct elpq__blocks *blocks)
{
    /* What one huge statement needed is not kept for ever. */
    if (blocks->scratch.room > SCRATCH_MAX)
        elpq__buf_free(&blocks->scratch);
    elpq__buf_clear(&blocks->scratch);
    return &blocks->scratch;
}

void elpq__blocks_free(struct elpq__blocks *blocks)
{
    while (blocks->free) {
        void *next = *(void **)blocks->free;

        free(blocks->free);
        blocks->free = next;
    }
    free(blocks->spare);
    elpq__buf_free(&blocks->scratch);
}

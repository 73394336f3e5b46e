/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory for use again and again, so that the steady state does not allocate.
 * Each loop has it, for what is made on it.
 */
#ifndef ELPQ_LIB_BLOCKS_H
#define ELPQ_LIB_BLOCKS_H

#include <stddef.h>

#include "buf.h"

/* Zeroed, it is empty. */
struct elpq__blocks {
    void *free; /* blocks, each pointing to the next */
    unsigned nfree;
    void *spare;
    struct elpq__buf scratch;
};

/* Of any size, but small ones are kept; NULL if out of memory. */
void *elpq__blocks_take(struct elpq__blocks *blocks, size_t size);
void elpq__blocks_give(struct elpq__blocks *blocks, void *block);

/*
 * One block of malloc() that waits for its next use.  Who takes it, or NULL,
 * may free it; who gives one while another waits, has it freed.
 */
void *elpq__blocks_take_spare(struct elpq__blocks *blocks);
void elpq__blocks_give_spare(struct elpq__blocks *blocks, void *block);

/* A buffer for work within one call; empty when it is handed out. */
struct elpq__buf *elpq__blocks_scratch(struct elpq__blocks *blocks);

/* All of it goes; what is in use must have come back. */
void elpq__blocks_free(struct elpq__blocks *blocks);

#endif

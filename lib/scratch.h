/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory for values that had to be converted; it goes when its owner goes.
 *
 * Owned by a result.  Blocks are only ever added, so that pointers stay good
 * until elpq__scratch_free().  What was converted once is remembered under
 * the address of the bytes it came from and the conversion: reading the same
 * cell a thousand times costs the memory of reading it once.  So the bytes
 * must not change while the scratch lives.
 */
#ifndef ELPQ_LIB_SCRATCH_H
#define ELPQ_LIB_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct elpq__scratch_block;
struct elpq__scratch_memo;

/* So much may be converted from one result, and no more. */
#define ELPQ__SCRATCH_LIMIT ((size_t)256 << 20)

/* All zero is an empty one. */
struct elpq__scratch {
    struct elpq__scratch_block *blocks; /* newest first */
    char *next;                         /* next .. next + left: free */
    size_t left;
    size_t total;                       /* bytes of all blocks */
    struct elpq__scratch_memo *memo; /* open hash of 2^memo_bits */
    unsigned memo_bits;
    size_t memo_used;
    struct elpq__buf text; /* where a value is printed before it moves in */
};

/* What a remembered conversion was from and to: the rest of its key. */
enum elpq__memo_what {
    ELPQ__MEMO_STRING,
    ELPQ__MEMO_BYTES,
    ELPQ__MEMO_VIEW,
    ELPQ__MEMO_VALUE
};

static inline uint64_t elpq__memo_tag(enum elpq__memo_what what, uint32_t oid,
                                      bool binary)
{
    return (uint64_t)oid << 8 | (uint64_t)what << 1 | binary;
}

void elpq__scratch_free(struct elpq__scratch *s);

/* `size` bytes aligned for any object; NULL if there is no memory. */
void *elpq__scratch_alloc(struct elpq__scratch *s, size_t size);

/* A copy of `size` bytes with a NUL after them. */
char *elpq__scratch_copy(struct elpq__scratch *s, const char *data,
                         size_t size);

/* What elpq__scratch_keep() kept for these bytes; NULL if nothing. */
const void *elpq__scratch_find(const struct elpq__scratch *s, const char *data,
                               uint64_t tag, size_t *size);

/* Remembers a conversion.  Failing to is harmless, and is not told. */
void elpq__scratch_keep(struct elpq__scratch *s, const char *data, uint64_t tag,
                        const void *made, size_t size);

#endif

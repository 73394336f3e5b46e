/* SPDX-License-Identifier: PostgreSQL */
/*
 * The memory of converted values: blocks of growing size and a hash table of
 * what is in them.  See scratch.h.
 */
#include "scratch.h"

#include <stdlib.h>

#define FIRST_BLOCK 1008 /* with its header and malloc's, 1 KiB */
#define LARGEST_BLOCK ((size_t)64 * 1024)
#define ALIGNMENT _Alignof(max_align_t)
#define FIRST_MEMO_BITS 4

struct elpq__scratch_block {
    struct elpq__scratch_block *next;
    size_t size;
    max_align_t data[];
};

struct elpq__scratch_memo {
    const char *from; /* NULL: free */
    const void *made;
    size_t size;
    uint64_t tag;
};

void elpq__scratch_free(struct elpq__scratch *s)
{
    struct elpq__scratch_block *block = s->blocks;
    struct elpq__scratch_block *next;

    if (!block && !s->memo && !s->text.data)
        return; /* it was never used */
    for (; block; block = next) {
        next = block->next;
        free(block);
    }
    free(s->memo);
    elpq__buf_free(&s->text);
    memset(s, 0, sizeof(*s));
}

/*
 * A new block becomes the current one, unless it is for one large object and
 * the current one has more room left than would stay in the new one.
 */
static void *scratch_grow(struct elpq__scratch *s, size_t size)
{
    size_t room = s->blocks ? s->blocks->size * 2 : FIRST_BLOCK;
    struct elpq__scratch_block *block;

    if (room > LARGEST_BLOCK)
        room = LARGEST_BLOCK;
    if (room < size)
        room = size;
    if (room > SIZE_MAX - sizeof(*block))
        return NULL;
    /* Ten bytes of numeric may be 131 KB of text: a result has its limit. */
    if (room > ELPQ__SCRATCH_LIMIT - s->total)
        return NULL;
    block = malloc(sizeof(*block) + room);
    if (!block)
        return NULL;
    s->total += room;
    block->size = room;
    block->next = s->blocks;
    s->blocks = block;
    if (room - size >= s->left) {
        s->next = (char *)block->data + size;
        s->left = room - size;
    }
    return block->data;
}

void *elpq__scratch_alloc(struct elpq__scratch *s, size_t size)
{
    void *p = s->next;

    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!s->blocks || size > s->left)
        return scratch_grow(s, size);
    s->next += size;
    s->left -= size;
    return p;
}

char *elpq__scratch_copy(struct elpq__scratch *s, const char *data, size_t size)
{
    char *copy = size < SIZE_MAX ? elpq__scratch_alloc(s, size + 1) : NULL;

    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

/* The place of a key: where it is, or the free place where it would go. */
static struct elpq__scratch_memo *memo_place(struct elpq__scratch_memo *table,
                                             unsigned bits, const char *data,
                                             uint64_t tag)
{
    uint64_t hash =
        ((uint64_t)(uintptr_t)data + tag) * UINT64_C(0x9E3779B97F4A7C15);
    size_t mask = ((size_t)1 << bits) - 1;
    size_t i = (size_t)(hash >> (64 - bits));

    while (table[i].from && (table[i].from != data || table[i].tag != tag))
        i = (i + 1) & mask;
    return &table[i];
}

const void *elpq__scratch_find(const struct elpq__scratch *s, const char *data,
                               uint64_t tag, size_t *size)
{
    const struct elpq__scratch_memo *memo;

    if (!s->memo)
        return NULL;
    memo = memo_place(s->memo, s->memo_bits, data, tag);
    if (memo->from)
        *size = memo->size;
    return memo->from ? memo->made : NULL;
}

static bool memo_grow(struct elpq__scratch *s)
{
    unsigned bits = s->memo ? s->memo_bits + 1 : FIRST_MEMO_BITS;
    size_t old_count = s->memo ? (size_t)1 << s->memo_bits : 0;
    struct elpq__scratch_memo *table;
    size_t i;

    table = calloc((size_t)1 << bits, sizeof(*table));
    if (!table)
        return false;
    for (i = 0; i < old_count; i++) {
        const struct elpq__scratch_memo *m = &s->memo[i];

        if (m->from)
            *memo_place(table, bits, m->from, m->tag) = *m;
    }
    free(s->memo);
    s->memo = table;
    s->memo_bits = bits;
    return true;
}

void elpq__scratch_keep(struct elpq__scratch *s, const char *data, uint64_t tag,
                        const void *made, size_t size)
{
    struct elpq__scratch_memo *memo;
    size_t count = s->memo ? (size_t)1 << s->memo_bits : 0;

    if (s->memo_used >= count / 4 * 3 && !memo_grow(s))
        return;
    memo = memo_place(s->memo, s->memo_bits, data, tag);
    if (!memo->from)
        s->memo_used++;
    memo->from = data;
    memo->tag = tag;
    memo->made = made;
    memo->size = size;
}

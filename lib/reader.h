/* SPDX-License-Identifier: PostgreSQL */
/*
 * The one reader of binary data.  Every byte that the server sent and that
 * elpq takes apart itself goes through these functions.
 *
 *     p .. end    not yet read
 *
 * A read past the end gives zero, sets `bad` and leaves nothing to read, so
 * that a decoder may read a series of fields and look at `bad` once.  Values
 * are in network order and at no particular alignment.
 */
#ifndef ELPQ_LIB_READER_H
#define ELPQ_LIB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct elpq__reader {
    const char *p;
    const char *end;
    bool bad;
};

static inline struct elpq__reader elpq__reader_of(const char *data, size_t size)
{
    struct elpq__reader r = { data, data + size, false };

    return r;
}

static inline size_t elpq__read_left(const struct elpq__reader *r)
{
    return (size_t)(r->end - r->p);
}

/* Everything was read, and nothing was missing. */
static inline bool elpq__read_done(const struct elpq__reader *r)
{
    return !r->bad && r->p == r->end;
}

/* The next `n` bytes, in place; NULL if there are not as many. */
static inline const char *elpq__read_bytes(struct elpq__reader *r, size_t n)
{
    const char *p = r->p;

    if (r->bad || n > elpq__read_left(r)) {
        r->bad = true;
        r->p = r->end;
        return NULL;
    }
    r->p += n;
    return p;
}

/* The next character, if it is this one; for text forms. */
static inline bool elpq__take(struct elpq__reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* ------------------------------------- loads from bytes known to be there */

static inline uint16_t elpq__load16(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;

    return (uint16_t)((unsigned)b[0] << 8 | b[1]);
}

static inline uint32_t elpq__load32(const char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap32(x);
#endif
    return x;
}

static inline uint64_t elpq__load64(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* ------------------------------------------------------- checked reading */

static inline uint8_t elpq__read_uint8(struct elpq__reader *r)
{
    const char *p = elpq__read_bytes(r, 1);

    return p ? (uint8_t)*p : 0;
}

static inline uint16_t elpq__read_uint16(struct elpq__reader *r)
{
    const char *p = elpq__read_bytes(r, 2);

    return p ? elpq__load16(p) : 0;
}

static inline int16_t elpq__read_int16(struct elpq__reader *r)
{
    return (int16_t)elpq__read_uint16(r);
}

static inline uint32_t elpq__read_uint32(struct elpq__reader *r)
{
    const char *p = elpq__read_bytes(r, 4);

    return p ? elpq__load32(p) : 0;
}

static inline int32_t elpq__read_int32(struct elpq__reader *r)
{
    return (int32_t)elpq__read_uint32(r);
}

static inline int64_t elpq__read_int64(struct elpq__reader *r)
{
    const char *p = elpq__read_bytes(r, 8);

    return p ? (int64_t)elpq__load64(p) : 0;
}

#endif

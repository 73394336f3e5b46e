/* SPDX-License-Identifier: PostgreSQL */
/*
 * A growable byte string with a ceiling and a sticky failure flag.
 *
 *     0 .. size      bytes written
 *     size .. room   allocated, not yet written
 *
 * After a failed allocation or a growth past `limit`, `failed` is set and
 * further writes do nothing, so that only the end of a series needs a check.
 */
#ifndef ELPQ_LIB_BUF_H
#define ELPQ_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct elpq__buf {
    char *data;
    size_t size;
    size_t room;
    size_t limit; /* most bytes it may hold; 0: ELPQ__BUF_LIMIT */
    unsigned depth; /* of values inside of values being written: codec.h */
    bool failed;
};

/* One message of the protocol must stay below 1 GiB. */
#define ELPQ__BUF_LIMIT ((size_t)1 << 30)

void elpq__buf_free(struct elpq__buf *buf);

/* Room for `more` bytes, and where they go; NULL (and failed) if not. */
char *elpq__buf_reserve(struct elpq__buf *buf, size_t more);

/* The same, and counts them as written. */
char *elpq__buf_extend(struct elpq__buf *buf, size_t more);

void elpq__buf_add(struct elpq__buf *buf, const void *data, size_t size);
void elpq__buf_add_str(struct elpq__buf *buf, const char *s);
/* Between quotes, each of which is doubled inside. */
void elpq__buf_add_quoted(struct elpq__buf *buf, const char *s, char quote);
void elpq__buf_addf(struct elpq__buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void elpq__buf_clear(struct elpq__buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

static inline void elpq__buf_add_byte(struct elpq__buf *buf, char c)
{
    char *p = elpq__buf_extend(buf, 1);

    if (p)
        *p = c;
}

/* Integers in network order, as binary formats have them. */
static inline void elpq__buf_add_int16(struct elpq__buf *buf, uint16_t x)
{
    unsigned char b[2] = { (unsigned char)(x >> 8), (unsigned char)x };

    elpq__buf_add(buf, b, sizeof(b));
}

static inline void elpq__put_int32(char *p, uint32_t x)
{
    p[0] = (char)(x >> 24);
    p[1] = (char)(x >> 16);
    p[2] = (char)(x >> 8);
    p[3] = (char)x;
}

static inline void elpq__buf_add_int32(struct elpq__buf *buf, uint32_t x)
{
    char *p = elpq__buf_extend(buf, 4);

    if (p)
        elpq__put_int32(p, x);
}

static inline void elpq__buf_add_int64(struct elpq__buf *buf, uint64_t x)
{
    elpq__buf_add_int32(buf, (uint32_t)(x >> 32));
    elpq__buf_add_int32(buf, (uint32_t)x);
}

#endif

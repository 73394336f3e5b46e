/* SPDX-License-Identifier: PostgreSQL */
/*
 * The growable byte string of buf.h: grows by doubling, up to its limit.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_ROOM 256

void elpq__buf_free(struct elpq__buf *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(*buf));
}

char *elpq__buf_reserve(struct elpq__buf *buf, size_t more)
{
    size_t limit = buf->limit ? buf->limit : ELPQ__BUF_LIMIT;
    size_t room = buf->room ? buf->room : BUF_FIRST_ROOM;
    char *data;

    if (buf->failed)
        return NULL;
    if (more <= buf->room - buf->size && buf->data)
        return buf->data + buf->size;
    if (more > limit || buf->size > limit - more) {
        buf->failed = true;
        return NULL;
    }
    while (room < buf->size + more)
        room *= 2;
    data = realloc(buf->data, room);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    buf->data = data;
    buf->room = room;
    return data + buf->size;
}

char *elpq__buf_extend(struct elpq__buf *buf, size_t more)
{
    char *p = elpq__buf_reserve(buf, more);

    if (p)
        buf->size += more;
    return p;
}

void elpq__buf_add(struct elpq__buf *buf, const void *data, size_t size)
{
    char *p = elpq__buf_extend(buf, size);

    if (p && size)
        memcpy(p, data, size);
}

void elpq__buf_add_str(struct elpq__buf *buf, const char *s)
{
    elpq__buf_add(buf, s, strlen(s));
}

void elpq__buf_addf(struct elpq__buf *buf, const char *format, ...)
{
    va_list args;
    char *p;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || !(p = elpq__buf_reserve(buf, (size_t)n + 1)))
        return;
    va_start(args, format);
    vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    buf->size += (size_t)n;
}

void elpq__buf_add_quoted(struct elpq__buf *buf, const char *s, char quote)
{
    elpq__buf_add_byte(buf, quote);
    for (; *s; s++) {
        if (*s == quote)
            elpq__buf_add_byte(buf, quote);
        elpq__buf_add_byte(buf, *s);
    }
    elpq__buf_add_byte(buf, quote);
}

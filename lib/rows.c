/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rows of COPY TO; see rows.h.  Called by copy_out.c, and for the memory by
 * result.c.
 */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#include <elpq/error.h>

#include "alloc.h"
#include "reader.h"

#define FIRST_ROWS 64
#define FIRST_BLOCKS 8
#define FIRST_LARGE 4096

/* What a binary COPY begins with; then flags, and an extension. */
static const char signature[11] = "PGCOPY\n\377\r\n";

struct elpq__rows *elpq__rows_new(int columns)
{
    struct elpq__rows *rows = elpq__new(struct elpq__rows);

    if (rows)
        rows->columns = columns;
    return rows;
}

void elpq__rows_clear(struct elpq__rows *rows)
{
    for (size_t i = 0; i < rows->nblocks; i++)
        free(rows->blocks[i]);
    free(rows->large);
    rows->large = NULL;
    rows->nblocks = rows->bytes = rows->rows = rows->used = 0;
}

void elpq__rows_free(struct elpq__rows *rows)
{
    if (!rows)
        return;
    elpq__rows_clear(rows);
    free(rows->chunk);
    free(rows->blocks);
    free(rows->fields);
    free(rows);
}

/* The array with room for twice as many elements; NULL without memory. */
static void *grow(void *array, size_t *room, size_t least, size_t size)
{
    size_t n = *room * 2 > least ? *room * 2 : least;

    if (n > SIZE_MAX / size || !(array = realloc(array, n * size)))
        return NULL;
    *room = n;
    return array;
}

/* The bytes in `large` were added. */
static bool keep_large(struct elpq__rows *rows)
{
    if (rows->nblocks == rows->blocks_room) {
        char **more =
            grow(rows->blocks, &rows->blocks_room, FIRST_BLOCKS, sizeof(*more));

        if (!more)
            return false;
        rows->blocks = more;
    }
    rows->blocks[rows->nblocks++] = rows->large;
    rows->large = NULL;
    return true;
}

/* Room for as much again as it holds, and a NUL. */
static bool grow_large(struct elpq__rows *rows, size_t held)
{
    size_t n = held > FIRST_LARGE ? held : FIRST_LARGE;
    char *more = n < SIZE_MAX / 2 ? realloc(rows->large, 2 * n + 1) : NULL;

    if (!more)
        return false;
    if (!rows->large)
        memcpy(more, rows->chunk + rows->used, held);
    rows->large = more;
    rows->large_room = 2 * n;
    return true;
}

char *elpq__rows_more_room(struct elpq__rows *rows, size_t held, size_t *room)
{
    if (!rows->chunk) {
        rows->chunk = malloc(ELPQ__ROWS_CHUNK);
        return rows->chunk ? elpq__rows_room(rows, held, room) : NULL;
    }
    if ((!rows->large || rows->large_room == held) && !grow_large(rows, held))
        return NULL;
    *room = rows->large_room - held;
    return rows->large + held;
}

/* The bytes that were put there, a NUL behind them; NULL without memory. */
static inline char *hold(struct elpq__rows *rows, size_t size)
{
    char *at = rows->large;

    rows->bytes += size;
    if (at) {
        if (!keep_large(rows))
            return NULL;
    } else {
        at = rows->chunk + rows->used;
        rows->used += size + 1;
    }
    at[size] = '\0';
    return at;
}

/* Where the values of the next row go. */
static inline struct elpq__field *next_row(struct elpq__rows *rows)
{
    size_t columns = (size_t)rows->columns;
    size_t used = rows->rows * columns;
    struct elpq__field *more;

    if (rows->fields && rows->room - used >= columns)
        return rows->fields + used;
    more = grow(rows->fields, &rows->room, used + FIRST_ROWS * (columns + 1),
                sizeof(*more));
    if (!more)
        return NULL;
    rows->fields = more;
    return more + used;
}

/* ---------------------------------------------------------------- binary */

/* Where the first row begins; NULL if the header is not one. */
static const char *skip_header(const char *p, const char *end)
{
    struct elpq__reader r = elpq__reader_of(p, (size_t)(end - p));
    const char *head = elpq__read_bytes(&r, sizeof(signature));
    uint32_t flags = elpq__read_uint32(&r);

    elpq__read_bytes(&r, elpq__read_uint32(&r));
    /* The upper half are flags that change the format. */
    if (r.bad || memcmp(head, signature, sizeof(signature)) != 0 ||
        flags >> 16 != 0)
        return NULL;
    return r.p;
}

/* What was read may be written over. */
static inline void put_nul(const char *at)
{
    *(char *)(uintptr_t)at = '\0';
}

/*
 * The values of one row, which begin at p; returns their end, or NULL.  The
 * NUL behind a value goes to the first byte of the next one's length, when
 * that was read.
 */
static inline const char *read_row(const char *p, const char *end,
                                   struct elpq__field *f, int n)
{
    for (const struct elpq__field *last = f + n; f < last; f++) {
        uint32_t size;

        if (end - p < 4)
            return NULL;
        size = elpq__load32(p);
        put_nul(p);
        p += 4;
        f->data = p;
        f->size = (int)size;
        if (size <= (size_t)(end - p)) { /* which is an int */
            p += size;
        } else if (size == UINT32_MAX) {
            f->data = NULL;
            f->size = 0;
        } else {
            return NULL;
        }
    }
    return p;
}

/* Rows usually come one a message. */
static inline int read_rows(struct elpq__rows *rows,
                            struct elpq__rows_stream *stream, const char *p,
                            const char *end)
{
    while (p < end) {
        struct elpq__field *fields;
        unsigned columns;

        if (end - p < 2 || stream->ended)
            return ELPQ_E_PROTOCOL;
        columns = elpq__load16(p);
        put_nul(p); /* behind the last value of the row before */
        p += 2;
        if (columns == UINT16_MAX) {
            stream->ended = true;
            continue;
        }
        if (columns != (unsigned)rows->columns)
            return ELPQ_E_PROTOCOL;
        if (!(fields = next_row(rows)))
            return ELPQ_E_NOMEM;
        if (!(p = read_row(p, end, fields, rows->columns)))
            return ELPQ_E_PROTOCOL;
        rows->rows++;
    }
    return 0;
}

int elpq__rows_add_binary(struct elpq__rows *rows,
                          struct elpq__rows_stream *stream, size_t size)
{
    const char *p = hold(rows, size);
    const char *end;
    int rc;

    if (!p)
        return ELPQ_E_NOMEM;
    end = p + size;
    if (!stream->begun && !(p = skip_header(p, end)))
        return ELPQ_E_PROTOCOL;
    stream->begun = true;
    rc = read_rows(rows, stream, p, end);
    if (rc)
        rows->rows = 0; /* the last one may not be whole */
    return rc;
}

/* ------------------------------------------------------------------ text */

static char unescaped(char c)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *at = c ? strchr(from, c) : NULL;

    return at ? to[at - from] : c;
}

/* One value, in place; returns its end, a tab or the end of the row. */
static char *read_text(char *p, char *end, struct elpq__field *f)
{
    char *to = p;
    bool null = end - p >= 2 && p[0] == '\\' && p[1] == 'N' &&
                (p + 2 == end || p[2] == '\t');

    f->data = p;
    for (; p < end && *p != '\t'; p++) {
        if (*p == '\\' && p + 1 < end)
            *to++ = unescaped(*++p);
        else
            *to++ = *p;
    }
    f->size = (int)(to - f->data);
    if (null) {
        f->data = NULL;
        f->size = 0;
    } else if (to < p) {
        *to = '\0'; /* a tab is overwritten by the caller */
    }
    return p;
}

static int read_line(struct elpq__rows *rows, char *p, char *end)
{
    struct elpq__field *f = next_row(rows);
    int n;

    if (!f)
        return ELPQ_E_NOMEM;
    for (n = 0; n < rows->columns; n++, p++) {
        p = read_text(p, end, &f[n]);
        if (p == end)
            break;
        *p = '\0';
    }
    if (rows->columns == 0 ? p != end : n + 1 != rows->columns)
        return ELPQ_E_PROTOCOL;
    rows->rows++;
    return 0;
}

int elpq__rows_add_text(struct elpq__rows *rows, size_t size)
{
    char *block = hold(rows, size);
    char *end;
    int rc = 0;

    if (!block)
        return ELPQ_E_NOMEM;
    for (char *p = block; p < block + size && !rc; p = end + 1) {
        end = memchr(p, '\n', (size_t)(block + size - p));
        if (!end)
            return ELPQ_E_PROTOCOL;
        *end = '\0';
        rc = read_line(rows, p, end);
    }
    return rc;
}

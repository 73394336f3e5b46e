/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rows of COPY TO, taken apart where they are.
 *
 * A store owns bytes of rows and knows where in them each value is.  Bytes are
 * put where they stay, elpq__rows_room(), and then added, whole messages at a
 * time; they are written to, so that a NUL byte follows each value.  Most go to
 * one chunk; a message for which it has no room gets a block of its own.
 * Bytes are hostile: whatever they are, adding them ends in rows or in an error
 * code.
 */
#ifndef ELPQ_LIB_ROWS_H
#define ELPQ_LIB_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/* A value; NULL has no data, and size 0. */
struct elpq__field {
    const char *data;
    int size;
};

struct elpq__rows {
    struct elpq__field *fields; /* row after row                          */
    size_t room;                /* for fields                             */
    size_t rows;                /* that are whole                         */
    int columns;
    char *chunk;                /* the bytes of most rows                 */
    size_t used;                /* of it                                  */
    char *large;                /* where the next go; NULL: to the chunk  */
    size_t large_room;          /* a NUL not counted                      */
    char **blocks;              /* the large ones that were added         */
    size_t nblocks;
    size_t blocks_room;
    size_t bytes;               /* of all rows                            */
};

/* So many bytes fit into the chunk, with a NUL for each message. */
#define ELPQ__ROWS_CHUNK ((size_t)64 * 1024)

/* An empty store; NULL if out of memory. */
struct elpq__rows *elpq__rows_new(int columns);

/* Frees all blocks, and keeps the room. */
void elpq__rows_clear(struct elpq__rows *rows);
void elpq__rows_free(struct elpq__rows *rows);

/* How far the stream of a binary COPY has come. */
struct elpq__rows_stream {
    bool begun; /* the header was there  */
    bool ended; /* the trailer was there */
};

/* elpq__rows_room() where the chunk is not there, or is too small. */
char *elpq__rows_more_room(struct elpq__rows *rows, size_t held, size_t *room);

/*
 * Where the next bytes go, behind `held` ones that were put there and not added
 * (which move if they have to), and how many: one at least.  NULL without
 * memory.
 */
static inline char *elpq__rows_room(struct elpq__rows *rows, size_t held,
                                    size_t *room)
{
    size_t used = rows->used + held;

    if (!rows->chunk || rows->large || used + 1 >= ELPQ__ROWS_CHUNK)
        return elpq__rows_more_room(rows, held, room);
    *room = ELPQ__ROWS_CHUNK - used - 1;
    return rows->chunk + used;
}

/*
 * Adds the bytes that were put there, of one or more CopyData messages of whole
 * rows.  ELPQ_E_NOMEM, or ELPQ_E_PROTOCOL if they are no rows of so many
 * columns; the store is of no use then.
 */
int elpq__rows_add_binary(struct elpq__rows *rows,
                          struct elpq__rows_stream *stream, size_t size);
int elpq__rows_add_text(struct elpq__rows *rows, size_t size);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rows of COPY TO, taken apart where they are.
 *
 * A store owns bytes of rows and knows where in them each value is.  The
 * bytes are written to, so that a NUL byte follows each value.  libpq's block
 * of a row is freed at once, since malloc() is quick with what it has just got
 * back; only a large one is kept.  Bytes are hostile: whatever they are, adding
 * them ends in rows or in an error code.
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
    char **blocks;              /* of libpq, where they do not fit        */
    size_t nblocks;
    size_t blocks_room;
    size_t bytes;               /* of all rows                            */
};

/* Rows of so many bytes are gathered; more are kept as they came. */
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

/*
 * Adds one CopyData message of whole rows.  Takes the block over, whatever
 * happens; a byte that is NUL follows it.  ELPQ_E_NOMEM, or ELPQ_E_PROTOCOL
 * if the bytes are no rows of so many columns; the store is of no use then.
 */
int elpq__rows_add_binary(struct elpq__rows *rows,
                          struct elpq__rows_stream *stream, char *block,
                          size_t size);
int elpq__rows_add_text(struct elpq__rows *rows, char *block, size_t size);

#endif

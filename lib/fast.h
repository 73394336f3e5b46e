/* SPDX-License-Identifier: PostgreSQL */
/*
 * The getters' short way: the types that most columns have, in binary.
 *
 * A column's way is decided when the result is made, so that reading a value
 * compares one byte and one length.  Whatever does not fit exactly (another
 * type, NULL, an odd length, a date far away) is left to the getters of
 * cell.c, which know everything; so nothing here reports an error.
 */
#ifndef ELPQ_LIB_FAST_H
#define ELPQ_LIB_FAST_H

#include <string.h>

#include "codec.h"
#include "reader.h"
#include "result.h"

enum elpq__way {
    ELPQ__WAY_CELL = 255, /* none: by cell.c; no target has this */
    ELPQ__WAY_INT4 = 1,
    ELPQ__WAY_INT8,
    ELPQ__WAY_FLOAT8,
    ELPQ__WAY_TEXT,
    ELPQ__WAY_TIMESTAMP
};

static inline uint8_t elpq__way_of(uint32_t oid, bool binary)
{
    switch (oid) {
    case ELPQ_OID_INT4:
        return binary ? ELPQ__WAY_INT4 : ELPQ__WAY_CELL;
    case ELPQ_OID_INT8:
        return binary ? ELPQ__WAY_INT8 : ELPQ__WAY_CELL;
    case ELPQ_OID_FLOAT8:
        return binary ? ELPQ__WAY_FLOAT8 : ELPQ__WAY_CELL;
    case ELPQ_OID_TIMESTAMP:
    case ELPQ_OID_TIMESTAMPTZ:
        return binary ? ELPQ__WAY_TIMESTAMP : ELPQ__WAY_CELL;
    case ELPQ_OID_TEXT:
    case ELPQ_OID_VARCHAR:
        return ELPQ__WAY_TEXT;
    default:
        return ELPQ__WAY_CELL;
    }
}

/* The way that values go to a target of elpq_target_type. */
static inline uint8_t elpq__way_to(int type)
{
    switch (type) {
    case ELPQ_TARGET_int32:
        return ELPQ__WAY_INT4;
    case ELPQ_TARGET_int64:
        return ELPQ__WAY_INT8;
    case ELPQ_TARGET_double:
        return ELPQ__WAY_FLOAT8;
    case ELPQ_TARGET_timestamp:
        return ELPQ__WAY_TIMESTAMP;
    case ELPQ_TARGET_string:
    case ELPQ_TARGET_cstring:
        return ELPQ__WAY_TEXT;
    default:
        return ELPQ__WAY_CELL;
    }
}

static inline bool elpq__fast_int64(const char *p, int size, int64_t *out)
{
    if (size != 8)
        return false;
    *out = (int64_t)elpq__load64(p);
    return true;
}

static inline bool elpq__fast_timestamp(const char *p, int size, int64_t *out)
{
    int64_t usec;

    /* Within some thousand years nothing overflows. */
    if (!elpq__fast_int64(p, size, &usec) || usec < -(INT64_C(1) << 55) ||
        usec > INT64_C(1) << 58)
        return false;
    *out = usec + ELPQ__EPOCH_USEC;
    return true;
}

/* Size 0: it is empty, or NULL. */
static inline bool elpq__fast_text(const char *p, int size, bool sized,
                                   void *out)
{
    elpq_string *s = out;

    if (size == 0)
        return false;
    if (!sized) {
        *(const char **)out = p;
        return true;
    }
    s->size = (size_t)size;
    s->data = p;
    return true;
}

/* Reads the bytes of a column on whose way the type's values go. */
static inline bool elpq__fast_bytes(const char *p, int size, int way, int type,
                                    void *out)
{
    int64_t bits;

    switch (way) {
    case ELPQ__WAY_INT4:
        if (size != 4)
            return false;
        *(int32_t *)out = (int32_t)elpq__load32(p);
        return true;
    case ELPQ__WAY_INT8:
        return elpq__fast_int64(p, size, out);
    case ELPQ__WAY_FLOAT8:
        if (!elpq__fast_int64(p, size, &bits))
            return false;
        memcpy(out, &bits, sizeof(bits));
        return true;
    case ELPQ__WAY_TIMESTAMP:
        return elpq__fast_timestamp(p, size, out);
    default:
        return elpq__fast_text(p, size, type == ELPQ_TARGET_string, out);
    }
}

/* Reads one value, if it goes the short way; `type` is a constant. */
static inline bool elpq__fast_read(const elpq_result *r, size_t row, int column,
                                   int type, void *out)
{
    const char *p;
    int size;

    if (row >= (size_t)r->rows || column < 0 || column >= r->columns ||
        elpq__way_to(type) == ELPQ__WAY_CELL ||
        r->column[column].way != elpq__way_to(type))
        return false;
    p = elpq__bytes_of(r, (int)row, column, &size);
    return elpq__fast_bytes(p, size, elpq__way_to(type), type, out);
}

#endif

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
    ELPQ__WAY_CELL, /* none: by cell.c */
    ELPQ__WAY_INT4,
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

/* The bytes of a value of that length; NULL if it is not so simple. */
static inline const char *elpq__fixed(elpq_result *r, size_t row, int column,
                                      int size)
{
    if (PQgetlength(r->res, (int)row, column) != size)
        return NULL;
    return PQgetvalue(r->res, (int)row, column);
}

/*
 * Reads one value, if it goes the short way; `type` is a constant in every
 * call but the one of elpq_scan.
 */
static inline bool elpq__fast_read(elpq_result *r, size_t row, int column,
                                   int type, void *out)
{
    const char *p;
    int64_t usec;
    uint64_t bits;
    elpq_string *s;
    uint8_t way;
    int size;

    if (row >= (size_t)r->rows || column < 0 || column >= r->columns)
        return false;
    way = r->column[column].way;
    switch (type) {
    case ELPQ_TARGET_int32:
        if (way != ELPQ__WAY_INT4 || !(p = elpq__fixed(r, row, column, 4)))
            return false;
        *(int32_t *)out = (int32_t)elpq__load32(p);
        return true;
    case ELPQ_TARGET_int64:
        if (way != ELPQ__WAY_INT8 || !(p = elpq__fixed(r, row, column, 8)))
            return false;
        *(int64_t *)out = (int64_t)elpq__load64(p);
        return true;
    case ELPQ_TARGET_double:
        if (way != ELPQ__WAY_FLOAT8 || !(p = elpq__fixed(r, row, column, 8)))
            return false;
        bits = elpq__load64(p);
        memcpy(out, &bits, sizeof(bits));
        return true;
    case ELPQ_TARGET_timestamp:
        if (way != ELPQ__WAY_TIMESTAMP ||
            !(p = elpq__fixed(r, row, column, 8)))
            return false;
        usec = (int64_t)elpq__load64(p);
        /* Within some thousand years nothing overflows. */
        if (usec < -(INT64_C(1) << 55) || usec > INT64_C(1) << 58)
            return false;
        *(int64_t *)out = usec + ELPQ__EPOCH_USEC;
        return true;
    case ELPQ_TARGET_string:
        if (way != ELPQ__WAY_TEXT)
            return false;
        size = PQgetlength(r->res, (int)row, column);
        if (size == 0)
            return false; /* empty or NULL */
        s = out;
        s->size = (size_t)size;
        s->data = PQgetvalue(r->res, (int)row, column);
        return true;
    case ELPQ_TARGET_cstring:
        if (way != ELPQ__WAY_TEXT ||
            PQgetlength(r->res, (int)row, column) == 0)
            return false;
        *(const char **)out = PQgetvalue(r->res, (int)row, column);
        return true;
    default:
        return false;
    }
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Results: a counted reference to a PGresult, and what was converted from it.
 *
 * The PGresult is owned from elpq__result_new() to the last unref.  Its
 * shape is copied out once, because every libpq accessor checks again.
 */
#ifndef ELPQ_LIB_RESULT_H
#define ELPQ_LIB_RESULT_H

#include <elpq/result.h>
#include <libpq-fe.h>

#include "scratch.h"

struct elpq__column {
    uint32_t oid;
    bool binary;
    uint8_t way; /* elpq__way, see fast.h */
};

/* The columns that every result of a prepared statement has. */
struct elpq__shape {
    bool binary; /* all of them */
    int columns;
    struct elpq__column column[];
};

struct elpq__type_set;

struct elpq_result {
    PGresult *res;
    unsigned refs;
    int rows;
    int columns;
    int room; /* for columns */
    struct elpq__type_set *types; /* of users; a reference, or NULL */
    struct elpq__scratch scratch;
    struct elpq__column column[]; /* one per column, in the same block */
};

/*
 * A result with one reference, which takes over `res`.  NULL if there is no
 * memory: `res` is still the caller's then.
 */
elpq_result *elpq__result_new(PGresult *res);

/*
 * The same, in the memory of `old` if it is large enough (else that is freed),
 * and with a shape that is known already.  Both may be NULL.
 */
elpq_result *elpq__result_renew(elpq_result *old, PGresult *res,
                                const struct elpq__shape *shape);

/* The types of users that its columns may have; NULL: none. */
void elpq__result_set_types(elpq_result *result, struct elpq__type_set *types);

/* Gives a reference back; the memory, to be used again, if it was the last. */
elpq_result *elpq__result_retire(elpq_result *result);

/* Of a result whose columns are all binary, or all text; freed with free(). */
struct elpq__shape *elpq__shape_new(const PGresult *res, bool binary);

/*
 * Whether every column is of a type that elpq reads in binary, and whose text
 * it can make of that.  The set may be NULL.
 */
bool elpq__codecs_binary(const PGresult *res,
                         const struct elpq__type_set *types);

/* The cell at a place, which may not exist; elpq_cell_at() without a call. */
static inline int elpq__cell_of(elpq_result *result, size_t row, int column,
                                elpq_cell *cell)
{
    const struct elpq__column *info;

    if (row >= (size_t)result->rows || column < 0 || column >= result->columns)
        return ELPQ_E_INDEX;
    info = &result->column[column];
    cell->oid = info->oid;
    cell->binary = info->binary;
    cell->result = result;
    cell->data = PQgetvalue(result->res, (int)row, column);
    cell->size = PQgetlength(result->res, (int)row, column);
    if (cell->size == 0 && PQgetisnull(result->res, (int)row, column)) {
        cell->data = NULL;
        cell->size = -1;
    }
    return 0;
}

#endif

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

#include "rows.h"
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
    const struct elpq__field *fields; /* of rows of COPY: they are not in res */
    struct elpq__rows *store;         /* which owns the fields               */
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

/* Puts the next of many alike into what the last one has left; false if they
 * are not alike. */
static inline bool elpq__result_refill(elpq_result *left, PGresult *res)
{
    if (PQnfields(res) != left->columns)
        return false;
    left->res = res;
    left->refs = 1;
    left->rows = PQntuples(res);
    return true;
}

/*
 * A result whose rows are not in `res`, which only describes their columns.
 * Takes over both, on success only.  Whoever fills the store says so with
 * elpq__result_filled(), and may empty it while there is one reference.
 */
elpq_result *elpq__result_new_rows(PGresult *res, struct elpq__rows *store,
                                   bool binary);
void elpq__result_filled(elpq_result *result);
void elpq__result_empty(elpq_result *result);

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

/* Bytes of a value that there is, and their number; of NULL, 0. */
static inline const char *elpq__bytes_of(const elpq_result *r, int row,
                                         int column, int *size)
{
    if (r->fields) {
        const struct elpq__field *f =
            &r->fields[(size_t)row * (size_t)r->columns + (size_t)column];

        *size = f->size;
        return f->data;
    }
    *size = PQgetlength(r->res, row, column);
    return PQgetvalue(r->res, row, column);
}

static inline bool elpq__null_at(const elpq_result *r, int row, int column)
{
    int size;

    if (r->fields)
        return !elpq__bytes_of(r, row, column, &size);
    return PQgetisnull(r->res, row, column) != 0;
}

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
    cell->data = elpq__bytes_of(result, (int)row, column, &cell->size);
    if (cell->size == 0 && elpq__null_at(result, (int)row, column)) {
        cell->data = NULL;
        cell->size = -1;
    }
    return 0;
}

#endif

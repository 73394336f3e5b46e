/* SPDX-License-Identifier: PostgreSQL */
/*
 * Results: their life, their shape, and rows read with elpq_scan().  What is
 * in a cell is cell.c's.
 *
 * A result is one block: the struct with its columns behind it.  It belongs
 * to one thread, so the count of references needs no lock.
 */
#include "fast.h"
#include "result.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

elpq_result *elpq__result_new(PGresult *res)
{
    int columns = PQnfields(res);
    elpq_result *result;
    int i;

    result = calloc(1, sizeof(*result) +
                           (size_t)columns * sizeof(result->column[0]));
    if (!result)
        return NULL;
    result->res = res;
    result->refs = 1;
    result->rows = PQntuples(res);
    result->columns = columns;
    for (i = 0; i < columns; i++) {
        result->column[i].oid = PQftype(res, i);
        result->column[i].binary = PQfformat(res, i) != 0;
        result->column[i].way =
            elpq__way_of(result->column[i].oid, result->column[i].binary);
    }
    return result;
}

elpq_result *elpq_result_ref(elpq_result *result)
{
    assert(result->refs > 0);
    result->refs++;
    return result;
}

void elpq_result_unref(elpq_result *result)
{
    if (!result)
        return;
    assert(result->refs > 0);
    if (--result->refs > 0)
        return;
    PQclear(result->res);
    elpq__scratch_free(&result->scratch);
    free(result);
}

bool elpq__codecs_binary(const PGresult *res)
{
    int columns = PQnfields(res);
    int i;

    for (i = 0; i < columns; i++)
        if (!elpq__codec_has_binary(PQftype(res, i)))
            return false;
    return true;
}

/* ----------------------------------------------------------------- shape */

size_t elpq_rows(const elpq_result *result)
{
    return (size_t)result->rows;
}

int elpq_columns(const elpq_result *result)
{
    return result->columns;
}

/* PQfnumber() would fold the case of the name, and read quotes in it. */
int elpq_column(const elpq_result *result, const char *name)
{
    int i;

    if (!name)
        return -1;
    for (i = 0; i < result->columns; i++)
        if (strcmp(PQfname(result->res, i), name) == 0)
            return i;
    return -1;
}

const char *elpq_command(const elpq_result *result)
{
    return PQcmdStatus(result->res);
}

uint64_t elpq_affected(const elpq_result *result)
{
    const char *text = PQcmdTuples(result->res);
    uint64_t n;

    return elpq__parse_uint64(text, strlen(text), &n) ? 0 : n;
}

int elpq_column_at(const elpq_result *result, int column, elpq_column_info *out)
{
    if (column < 0 || column >= result->columns)
        return ELPQ_E_INDEX;
    out->name = PQfname(result->res, column);
    out->oid = result->column[column].oid;
    out->typmod = PQfmod(result->res, column);
    out->table_oid = PQftable(result->res, column);
    out->table_column = PQftablecol(result->res, column);
    out->size = PQfsize(result->res, column);
    out->binary = result->column[column].binary;
    return 0;
}

bool elpq_is_null(const elpq_result *result, size_t row, int column)
{
    if (row >= (size_t)result->rows || column < 0 || column >= result->columns)
        return true;
    return PQgetisnull(result->res, (int)row, column) != 0;
}

/* ------------------------------------------------------------------ scan */

static int scan_cstring(const elpq_cell *cell, const char **out)
{
    elpq_string s = { NULL, 0 };
    int rc = cell->size < 0 ? 0 : elpq_cell_string(cell, &s);

    if (!rc)
        *out = s.data;
    return rc;
}

/* The getters of cell.c, chosen by what the target is. */
static int scan_target(const elpq_cell *cell, const elpq_target *target)
{
    switch (target->type) {
    case ELPQ_TARGET_SKIP:
        return 0;
#define SCAN_CASE(name, type)                                                  \
    case ELPQ_TARGET_##name:                                                   \
        return elpq_cell_##name(cell, (type *)target->out);
        ELPQ_GETTERS(SCAN_CASE)
#undef SCAN_CASE
    case ELPQ_TARGET_cstring:
        return scan_cstring(cell, (const char **)target->out);
    default:
        return ELPQ_E_USAGE;
    }
}

static int scan_column(elpq_result *result, size_t row, int column,
                       const elpq_target *target)
{
    elpq_cell cell;
    int rc;

    if (elpq__fast_read(result, row, column, target->type, target->out)) {
        if (target->is_null)
            *target->is_null = false;
        return 0;
    }
    rc = elpq__cell_of(result, row, column, &cell);
    if (rc)
        return rc;
    rc = scan_target(&cell, target);
    if (!target->is_null)
        return rc;
    *target->is_null = cell.size < 0;
    return rc == ELPQ_E_NULL ? 0 : rc;
}

int elpq_scan_v(elpq_result *result, size_t row, const elpq_target *targets,
                int n, int *failed)
{
    int rc = n > result->columns ? ELPQ_E_INDEX : 0;
    int i = rc ? result->columns : 0;

    while (!rc && i < n) {
        rc = scan_column(result, row, i, &targets[i]);
        i += !rc;
    }
    if (rc && failed)
        *failed = i;
    return rc;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Results: their life, their shape, and rows read with elpq_scan().  What is
 * in a cell is cell.c's.
 *
 * A result is one block: the struct with its columns behind it.  It belongs
 * to one thread, so the count of references needs no lock.  Most are over
 * when their callback returns: their block then serves the next one.
 */
#include "result.h"
#include "fast.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "type_set.h"

/* What most results need, so that one's memory serves the next. */
#define ROOM_LEAST 16

static void describe(struct elpq__column *column, const PGresult *res, int i,
                     bool binary)
{
    column->oid = PQftype(res, i);
    column->binary = binary;
    column->way = elpq__way_of(column->oid, binary);
}

struct elpq__shape *elpq__shape_new(const PGresult *res, bool binary)
{
    int columns = PQnfields(res);
    struct elpq__shape *shape =
        malloc(sizeof(*shape) + (size_t)columns * sizeof(shape->column[0]));

    if (!shape)
        return NULL;
    shape->binary = binary;
    shape->columns = columns;
    for (int i = 0; i < columns; i++)
        describe(&shape->column[i], res, i, binary);
    return shape;
}

static elpq_result *with_room(elpq_result *old, int columns)
{
    int room = columns > ROOM_LEAST ? columns : ROOM_LEAST;
    elpq_result *result;

    if (old && old->room >= columns)
        return old;
    free(old);
    result =
        calloc(1, sizeof(*result) + (size_t)room * sizeof(result->column[0]));
    if (result)
        result->room = room;
    return result;
}

elpq_result *elpq__result_renew(elpq_result *old, PGresult *res,
                                const struct elpq__shape *shape)
{
    int columns = PQnfields(res);
    elpq_result *result = with_room(old, columns);

    if (!result)
        return NULL;
    result->res = res;
    result->refs = 1;
    result->rows = PQntuples(res);
    result->columns = columns;
    /* Another answer than last time is read like the first one. */
    if (shape && shape->columns == columns &&
        shape->binary == (PQbinaryTuples(res) != 0)) {
        memcpy(result->column, shape->column,
               (size_t)columns * sizeof(shape->column[0]));
        return result;
    }
    for (int i = 0; i < columns; i++)
        describe(&result->column[i], res, i, PQfformat(res, i) != 0);
    return result;
}

elpq_result *elpq__result_new(PGresult *res)
{
    return elpq__result_renew(NULL, res, NULL);
}

elpq_result *elpq__result_new_rows(PGresult *res, struct elpq__rows *store,
                                   bool binary)
{
    elpq_result *result = with_room(NULL, PQnfields(res));

    if (!result)
        return NULL;
    result->res = res;
    result->refs = 1;
    result->columns = PQnfields(res);
    result->store = store;
    for (int i = 0; i < result->columns; i++)
        describe(&result->column[i], res, i, binary);
    return result;
}

void elpq__result_filled(elpq_result *result)
{
    result->rows = (int)result->store->rows;
    result->fields = result->store->fields;
}

void elpq__result_empty(elpq_result *result)
{
    assert(result->refs == 1);
    elpq__rows_clear(result->store);
    elpq__scratch_free(&result->scratch); /* it remembers addresses */
    result->rows = 0;
}

elpq_result *elpq__result_retire(elpq_result *result)
{
    assert(result->refs > 0);
    if (--result->refs > 0)
        return NULL;
    PQclear(result->res);
    result->res = NULL;
    elpq__rows_free(result->store);
    result->store = NULL;
    result->fields = NULL;
    if (result->types)
        elpq__result_set_types(result, NULL);
    elpq__scratch_free(&result->scratch);
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
    if (result)
        free(elpq__result_retire(result));
}

bool elpq__codecs_binary(const PGresult *res,
                         const struct elpq__type_set *types)
{
    int columns = PQnfields(res);
    const struct elpq__codec *codec;
    int i;

    for (i = 0; i < columns; i++) {
        codec = elpq__codec_in(types, PQftype(res, i));
        if (!codec || codec->in_text)
            return false;
    }
    return true;
}

void elpq__result_set_types(elpq_result *result, struct elpq__type_set *types)
{
    if (types)
        types->refs++;
    elpq__type_set_unref(result->types);
    result->types = types;
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
    return elpq__null_at(result, (int)row, column);
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

/* Kept apart from the loop, which is short without it. */
static __attribute__((noinline)) int scan_column(elpq_result *result,
                                                 size_t row, int column,
                                                 const elpq_target *target)
{
    elpq_cell cell;
    int rc = elpq__cell_of(result, row, column, &cell);

    if (rc)
        return rc;
    rc = scan_target(&cell, target);
    if (!target->is_null)
        return rc;
    *target->is_null = cell.size < 0;
    return rc == ELPQ_E_NULL ? 0 : rc;
}

/* elpq__way_to() of every number that a type can be; 0 is no way. */
static const uint8_t way_to[UINT8_MAX + 1] = {
    [ELPQ_TARGET_int32] = ELPQ__WAY_INT4,
    [ELPQ_TARGET_int64] = ELPQ__WAY_INT8,
    [ELPQ_TARGET_double] = ELPQ__WAY_FLOAT8,
    [ELPQ_TARGET_timestamp] = ELPQ__WAY_TIMESTAMP,
    [ELPQ_TARGET_string] = ELPQ__WAY_TEXT,
    [ELPQ_TARGET_cstring] = ELPQ__WAY_TEXT,
};

/* Whether a value of a row that there is went the short way. */
static inline bool scan_fast(const struct elpq__column *column, const char *p,
                             int size, const elpq_target *target)
{
    int way = way_to[target->type];

    if (way != column->way ||
        !elpq__fast_bytes(p, size, way, target->type, target->out))
        return false;
    if (target->is_null)
        *target->is_null = false;
    return true;
}

/* The first column, from i on, that does not go the short way; or n. */
static inline int scan_row(const elpq_result *result, int row,
                           const elpq_target *targets, int i, int n)
{
    const struct elpq__field *fields = result->fields;

    if (fields) {
        fields += (size_t)row * (size_t)result->columns;
        for (; i < n; i++)
            if (!scan_fast(&result->column[i], fields[i].data, fields[i].size,
                           &targets[i]))
                break;
        return i;
    }
    for (; i < n; i++)
        if (!scan_fast(&result->column[i], PQgetvalue(result->res, row, i),
                       PQgetlength(result->res, row, i), &targets[i]))
            break;
    return i;
}

int elpq_scan_v(elpq_result *result, size_t row, const elpq_target *targets,
                int n, int *failed)
{
    int rc = 0;
    int i = 0;

    if (n > result->columns || row >= (size_t)result->rows) {
        rc = ELPQ_E_INDEX;
        i = n > result->columns ? result->columns : 0;
    }
    while (!rc && (i = scan_row(result, (int)row, targets, i, n)) < n) {
        rc = scan_column(result, row, i, &targets[i]);
        if (!rc)
            i++;
    }
    if (rc && failed)
        *failed = i;
    return rc;
}

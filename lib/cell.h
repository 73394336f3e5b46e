/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files with getters share: cell.c, view.c and convert.c.
 */
#ifndef ELPQ_LIB_CELL_H
#define ELPQ_LIB_CELL_H

#include "codec.h"
#include "fast.h"
#include "result.h"

/* The value of a cell by a codec that decodes; no memory is needed. */
int elpq__cell_decode(const elpq_cell *cell, const struct elpq__codec *codec,
                      elpq_value *out);

/* The value of a cell whose type must have the given natural kind. */
int elpq__cell_kind(const elpq_cell *cell, elpq_kind kind, elpq_value *out);

/*
 * What is in a cell of that kind, made once: the struct that belongs to the
 * kind, as elpq_range_view does to ELPQ_KIND_RANGE.
 */
int elpq__cell_view(const elpq_cell *cell, elpq_kind kind, void *out);

/* The public functions of a getter whose read_<name>() is there. */
#define ELPQ__DEFINE_GETTER(name, type)                                        \
    int elpq_cell_##name(const elpq_cell *cell, type *out)                     \
    {                                                                          \
        return read_##name(cell, out);                                         \
    }                                                                          \
    int elpq_get_##name(elpq_result *result, size_t row, int column,           \
                        type *out)                                             \
    {                                                                          \
        elpq_cell cell;                                                        \
        int rc;                                                                \
                                                                               \
        if (elpq__fast_read(result, row, column, ELPQ_TARGET_##name, out))     \
            return 0;                                                          \
        rc = elpq__cell_of(result, row, column, &cell);                        \
        return rc ? rc : read_##name(&cell, out);                              \
    }

#endif

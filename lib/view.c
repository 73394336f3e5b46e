/* SPDX-License-Identifier: PostgreSQL */
/*
 * Getters of what has parts: arrays, ranges, rows and so on, and of whole
 * values.
 *
 * A view is made once, in the memory of the result, and is found again by the
 * address of its bytes.  Parts are cells, read like those of a row; nothing
 * looks into a part before somebody asks for it.
 */
#include <elpq/result.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "cell.h"
#include "type_set.h"

/* Of the struct that the kind's view fills in; 0: it has none. */
static size_t view_size(elpq_kind kind)
{
    switch (kind) {
    case ELPQ_KIND_ARRAY:
        return sizeof(elpq_array_view);
    case ELPQ_KIND_RANGE:
        return sizeof(elpq_range_view);
    case ELPQ_KIND_MULTIRANGE:
        return sizeof(elpq_multirange_view);
    case ELPQ_KIND_COMPOSITE:
        return sizeof(elpq_composite_view);
    case ELPQ_KIND_HSTORE:
        return sizeof(elpq_hstore_view);
    case ELPQ_KIND_DOUBLES:
        return sizeof(struct elpq__doubles);
    case ELPQ_KIND_BITS:
        return sizeof(elpq_bits);
    case ELPQ_KIND_TEXT: /* of the one textual type with parts */
        return sizeof(elpq_tsvector_view);
    default:
        return 0;
    }
}

union view {
    elpq_array_view array;
    elpq_range_view range;
    elpq_multirange_view multirange;
    elpq_composite_view composite;
    elpq_hstore_view hstore;
    elpq_tsvector_view tsvector;
    elpq_bits bits;
    struct elpq__doubles doubles;
};

int elpq__cell_view(const elpq_cell *cell, elpq_kind kind, void *out)
{
    uint64_t tag = elpq__memo_tag(ELPQ__MEMO_VIEW, cell->oid, cell->binary);
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);
    size_t size = view_size(kind);
    struct elpq__scratch *mem;
    const void *made;
    union view view;
    void *kept;
    int rc;

    assert(size > 0);
    if (cell->size < 0)
        return ELPQ_E_NULL;
    if (!codec || codec->kind != kind || !codec->ops->view)
        return ELPQ_E_TYPE;
    if (!cell->result)
        return ELPQ_E_USAGE;
    mem = &cell->result->scratch;
    made = elpq__scratch_find(mem, cell->data, tag, &size);
    if (!made) {
        memset(&view, 0, sizeof(view));
        rc = codec->ops->view(codec, cell, mem, &view);
        if (rc)
            return rc;
        kept = elpq__scratch_alloc(mem, size);
        if (!kept)
            return ELPQ_E_NOMEM;
        memcpy(kept, &view, size);
        elpq__scratch_keep(mem, cell->data, tag, kept, size);
        made = kept;
    }
    memcpy(out, made, size);
    return 0;
}

#define READ_VIEW(name, kind, type)                                            \
    static int read_##name(const elpq_cell *cell, type *out)                   \
    {                                                                          \
        return elpq__cell_view(cell, kind, out);                               \
    }
READ_VIEW(array, ELPQ_KIND_ARRAY, elpq_array_view)
READ_VIEW(range, ELPQ_KIND_RANGE, elpq_range_view)
READ_VIEW(multirange, ELPQ_KIND_MULTIRANGE, elpq_multirange_view)
READ_VIEW(composite, ELPQ_KIND_COMPOSITE, elpq_composite_view)
READ_VIEW(hstore, ELPQ_KIND_HSTORE, elpq_hstore_view)
READ_VIEW(tsvector, ELPQ_KIND_TEXT, elpq_tsvector_view)

/* ---------------------------------------------------------------- values */

static int value_of(const elpq_cell *cell, unsigned depth, elpq_value *out);

/* As it came: it can be sent back so. */
static elpq_value as_it_is(const elpq_cell *cell)
{
    return cell->binary
               ? elpq_raw(cell->oid, cell->data, (size_t)cell->size)
               : elpq_text_as(cell->oid, cell->data, (size_t)cell->size);
}

/* Room for parts that become values. */
static elpq_value *new_items(const elpq_cell *cell, size_t count)
{
    /* no wrap: as many cells, which are larger, are in memory */
    return elpq__scratch_alloc(&cell->result->scratch,
                               count * sizeof(elpq_value));
}

static int cells_to_values(const elpq_cell *cells, size_t count, unsigned depth,
                           elpq_value *items)
{
    int rc = 0;

    for (size_t i = 0; i < count && !rc; i++)
        rc = value_of(&cells[i], depth + 1, &items[i]);
    return rc;
}

/* Dimension `level` of an array; *next is the element that it begins with. */
static int dimension(const elpq_cell *cell, const elpq_array_view *view,
                     int level, unsigned depth, size_t *next, elpq_value *out)
{
    size_t count = (size_t)view->dims[level];
    elpq_value *items = new_items(cell, count);
    int rc = 0;

    if (!items)
        return ELPQ_E_NOMEM;
    *out = elpq_array_from(view->lower[level],
                           elpq_array(cell->oid, items, count));
    if (level + 1 == view->ndim) {
        rc = cells_to_values(view->items + *next, count, depth, items);
        *next += count;
        return rc;
    }
    for (size_t i = 0; i < count && !rc; i++)
        rc = dimension(cell, view, level + 1, depth, next, &items[i]);
    return rc;
}

static int array_value(const elpq_cell *cell, unsigned depth, elpq_value *out)
{
    elpq_array_view view;
    size_t next = 0;
    int rc = read_array(cell, &view);

    if (rc || view.ndim > 0)
        return rc ? rc : dimension(cell, &view, 0, depth, &next, out);
    *out = elpq_array(cell->oid, NULL, 0);
    return 0;
}

static int range_value(const elpq_cell *cell, unsigned depth, elpq_value *out)
{
    elpq_range_view view;
    elpq_value *bounds;
    int rc = read_range(cell, &view);

    if (rc)
        return rc;
    if (view.empty) {
        *out = elpq_range_empty(cell->oid);
        return 0;
    }
    bounds = new_items(cell, 2);
    if (!bounds)
        return ELPQ_E_NOMEM;
    rc = value_of(&view.lower, depth + 1, &bounds[0]);
    if (!rc)
        rc = value_of(&view.upper, depth + 1, &bounds[1]);
    *out = elpq_values(cell->oid, ELPQ_KIND_RANGE, bounds, 2);
    out->elem =
        (uint8_t)((view.lower_inclusive ? ELPQ_RANGE_LOWER_INCLUSIVE : 0u) |
                  (view.upper_inclusive ? ELPQ_RANGE_UPPER_INCLUSIVE : 0u) |
                  (view.lower_unbounded ? ELPQ_RANGE_LOWER_UNBOUNDED : 0u) |
                  (view.upper_unbounded ? ELPQ_RANGE_UPPER_UNBOUNDED : 0u));
    return rc;
}

static int list_value(const elpq_cell *cell, elpq_kind kind,
                      const elpq_cell *cells, size_t count, unsigned depth,
                      elpq_value *out)
{
    elpq_value *items = new_items(cell, count);

    if (!items)
        return ELPQ_E_NOMEM;
    *out = elpq_values(cell->oid, kind, items, count);
    return cells_to_values(cells, count, depth, items);
}

static int hstore_value(const elpq_cell *cell, elpq_value *out)
{
    elpq_hstore_view view;
    elpq_value *items;
    int rc = read_hstore(cell, &view);

    if (rc)
        return rc;
    items = new_items(cell, 2 * view.count);
    if (!items)
        return ELPQ_E_NOMEM;
    for (size_t i = 0; i < view.count; i++) {
        const elpq_hstore_pair *pair = &view.pairs[i];

        items[2 * i] =
            elpq_text_as(ELPQ_OID_TEXT, pair->key.data, pair->key.size);
        items[2 * i + 1] =
            elpq_text_as(ELPQ_OID_TEXT, pair->value.data, pair->value.size);
    }
    *out = elpq_hstore(cell->oid, items, view.count);
    return 0;
}

static int doubles_value(const elpq_cell *cell, elpq_value *out)
{
    struct elpq__doubles x;
    int rc = elpq__cell_view(cell, ELPQ_KIND_DOUBLES, &x);

    if (!rc)
        *out = elpq_doubles(cell->oid, x.items, x.count, x.closed);
    return rc;
}

static int bits_value(const elpq_cell *cell, elpq_value *out)
{
    elpq_bits x;
    int rc = elpq__cell_view(cell, ELPQ_KIND_BITS, &x);

    if (!rc)
        *out = elpq_typed(cell->oid, elpq_bit(x.data, x.count));
    return rc;
}

static int text_value(const elpq_cell *cell, elpq_kind kind, elpq_value *out)
{
    elpq_string s = { NULL, 0 };
    int rc = kind == ELPQ_KIND_TEXT ? elpq_cell_string(cell, &s)
                                    : elpq_cell_bytes(cell, &s);

    if (rc)
        return rc;
    *out = elpq_text_as(cell->oid, s.data, s.size);
    out->kind = (uint8_t)kind;
    return 0;
}

/* Those that are more than their text or an elpq_value's own members. */
static int parts_value(const elpq_cell *cell, elpq_kind kind, unsigned depth,
                       elpq_value *out)
{
    elpq_multirange_view multirange;
    elpq_composite_view composite;
    int rc;

    switch (kind) {
    case ELPQ_KIND_ARRAY:
        return array_value(cell, depth, out);
    case ELPQ_KIND_RANGE:
        return range_value(cell, depth, out);
    case ELPQ_KIND_MULTIRANGE:
        rc = read_multirange(cell, &multirange);
        return rc ? rc
                  : list_value(cell, kind, multirange.items, multirange.count,
                               depth, out);
    case ELPQ_KIND_COMPOSITE:
        rc = read_composite(cell, &composite);
        return rc ? rc
                  : list_value(cell, kind, composite.fields, composite.count,
                               depth, out);
    case ELPQ_KIND_HSTORE:
        return hstore_value(cell, out);
    case ELPQ_KIND_DOUBLES:
        return doubles_value(cell, out);
    default:
        return bits_value(cell, out);
    }
}

static int codec_value(const elpq_cell *cell, const struct elpq__codec *codec,
                       unsigned depth, elpq_value *out)
{
    elpq_kind kind = (elpq_kind)codec->kind;

    if (kind == ELPQ_KIND_TEXT || kind == ELPQ_KIND_BYTES)
        return text_value(cell, kind, out);
    if (codec->ops->decode)
        return elpq__cell_decode(cell, codec, out);
    return parts_value(cell, kind, depth, out);
}

/*
 * What has something raw inside goes back as a whole: of its parts no literal
 * can be made.
 */
static int value_of(const elpq_cell *cell, unsigned depth, elpq_value *out)
{
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);
    bool decoded = codec && codec->kind != ELPQ_KIND_RAW &&
                   !(codec->raw && cell->binary);

    if (depth > ELPQ__DEPTH)
        return ELPQ_E_DECODE;
    if (cell->size < 0)
        *out = elpq_null(cell->oid);
    else if (decoded)
        return codec_value(cell, codec, depth, out);
    else
        *out = as_it_is(cell);
    return 0;
}

/* The value with all its parts is made once, and found again. */
static int read_value(const elpq_cell *cell, elpq_value *out)
{
    uint64_t tag = elpq__memo_tag(ELPQ__MEMO_VALUE, cell->oid, cell->binary);
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);
    struct elpq__scratch *mem = cell->result ? &cell->result->scratch : NULL;
    const elpq_value *made;
    elpq_value *kept;
    elpq_value v;
    size_t size;
    int rc;

    made = codec && codec->ops->view && cell->size >= 0 && mem
               ? elpq__scratch_find(mem, cell->data, tag, &size)
               : NULL;
    if (made) {
        *out = *made;
        return 0;
    }
    rc = value_of(cell, 0, &v);
    if (rc)
        return rc;
    *out = v;
    if (codec && codec->ops->view && cell->size >= 0 && mem) {
        kept = elpq__scratch_alloc(mem, sizeof(*kept));
        if (kept) {
            *kept = v;
            elpq__scratch_keep(mem, cell->data, tag, kept, sizeof(*kept));
        }
    }
    return 0;
}

ELPQ_VIEW_GETTERS_(ELPQ__DEFINE_GETTER)

/* --------------------------------------------------------------- failures */

const char *elpq_get_failure(const elpq_result *result, size_t row, int column,
                             int code, char *buf, size_t size)
{
    const struct elpq__codec *codec;
    uint32_t oid;

    if (size == 0)
        return buf;
    if (column < 0 || column >= result->columns) {
        snprintf(buf, size, "column %d, row %zu: %s", column + 1, row + 1,
                 elpq_strerror(code));
        return buf;
    }
    oid = result->column[column].oid;
    codec = elpq__codec_in(result->types, oid);
    if (codec)
        snprintf(buf, size, "column %d \"%s\" (%s), row %zu: %s", column + 1,
                 PQfname(result->res, column), codec->name, row + 1,
                 elpq_strerror(code));
    else
        snprintf(buf, size, "column %d \"%s\" (type %u), row %zu: %s",
                 column + 1, PQfname(result->res, column), (unsigned)oid,
                 row + 1, elpq_strerror(code));
    return buf;
}

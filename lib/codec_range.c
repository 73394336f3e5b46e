/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of ranges and multiranges.
 *
 * The binary form of a range:
 *     uint8  flags                     elpq_value's: empty, inclusive, none
 *     int32  size, bytes               of each bound that there is
 * and its text form: empty [1,5) (,"2020-01-01 00:00:00"].
 *
 * Of a multirange:
 *     int32  count
 *     int32  size, bytes               of each range
 * and its text form: {[1,3),[5,7)}.
 */
#include "codec.h"

#include "params.h"

#define FLAGS                                                                  \
    (ELPQ_RANGE_EMPTY | ELPQ_RANGE_LOWER_INCLUSIVE |                           \
     ELPQ_RANGE_UPPER_INCLUSIVE | ELPQ_RANGE_LOWER_UNBOUNDED |                 \
     ELPQ_RANGE_UPPER_UNBOUNDED)

static bool has_lower(unsigned flags)
{
    return !(flags & (ELPQ_RANGE_EMPTY | ELPQ_RANGE_LOWER_UNBOUNDED));
}

static bool has_upper(unsigned flags)
{
    return !(flags & (ELPQ_RANGE_EMPTY | ELPQ_RANGE_UPPER_UNBOUNDED));
}

/* ---------------------------------------------------------------- ranges */

static int decode_binary(const struct elpq__codec *codec, const elpq_cell *cell,
                         unsigned *flags, elpq_range_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell none = { NULL, -1, codec->elem_oid, true, cell->result };

    *flags = elpq__read_uint8(&r);
    view->lower = none;
    view->upper = none;
    if (r.bad || (*flags & ~FLAGS))
        return ELPQ_E_DECODE;
    if (has_lower(*flags) &&
        (!elpq__read_cell(&r, &view->lower) || view->lower.size < 0))
        return ELPQ_E_DECODE;
    if (has_upper(*flags) &&
        (!elpq__read_cell(&r, &view->upper) || view->upper.size < 0))
        return ELPQ_E_DECODE;
    return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
}

/* One bound of the text form, into *text, which moves on; false: malformed. */
static bool read_bound(struct elpq__reader *r, const char *stops, char **text,
                       elpq_cell *cell)
{
    struct elpq__part part = { *text, 0, false };
    const char *start = r->p;

    if (!elpq__read_part(r, stops, &part))
        return false;
    if (r->p == start)
        return true;
    if (part.text) {
        part.text[part.size] = '\0';
        *text += part.size + 1;
    }
    cell->data = part.text;
    cell->size = (int)part.size;
    return true;
}

/* From the bracket to the bracket; each bound takes a byte more than it has. */
static bool read_bounds(struct elpq__reader *r, char *text, unsigned *flags,
                        elpq_range_view *view)
{
    *flags = 0;
    if (elpq__take(r, '['))
        *flags |= ELPQ_RANGE_LOWER_INCLUSIVE;
    else if (!elpq__take(r, '('))
        return false;
    if (!read_bound(r, ",", &text, &view->lower) || !elpq__take(r, ',') ||
        !read_bound(r, ")]", &text, &view->upper))
        return false;
    if (elpq__take(r, ']'))
        *flags |= ELPQ_RANGE_UPPER_INCLUSIVE;
    else if (!elpq__take(r, ')'))
        return false;
    if (view->lower.size < 0)
        *flags |= ELPQ_RANGE_LOWER_UNBOUNDED;
    if (view->upper.size < 0)
        *flags |= ELPQ_RANGE_UPPER_UNBOUNDED;
    return true;
}

static int decode_text(const struct elpq__codec *codec, const elpq_cell *cell,
                       struct elpq__scratch *mem, unsigned *flags,
                       elpq_range_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell none = { NULL, -1, codec->elem_oid, false, cell->result };
    struct elpq__reader second = r;
    char *text;

    view->lower = none;
    view->upper = none;
    *flags = ELPQ_RANGE_EMPTY;
    if (cell->size == 5 && memcmp(cell->data, "empty", 5) == 0)
        return 0;
    /* once for nothing, so that what is malformed takes no memory */
    if (!read_bounds(&r, NULL, flags, view) || !elpq__read_done(&r))
        return ELPQ_E_DECODE;
    text = elpq__scratch_alloc(mem, (size_t)cell->size + 1);
    if (!text)
        return ELPQ_E_NOMEM;
    view->lower = none;
    view->upper = none;
    return read_bounds(&second, text, flags, view) ? 0 : ELPQ_E_DECODE;
}

static int range_view(const struct elpq__codec *codec, const elpq_cell *cell,
                      struct elpq__scratch *mem, void *out)
{
    elpq_range_view *view = out;
    unsigned flags = 0;
    int rc = cell->binary ? decode_binary(codec, cell, &flags, view)
                          : decode_text(codec, cell, mem, &flags, view);

    view->empty = flags & ELPQ_RANGE_EMPTY;
    view->lower_inclusive = flags & ELPQ_RANGE_LOWER_INCLUSIVE;
    view->upper_inclusive = flags & ELPQ_RANGE_UPPER_INCLUSIVE;
    view->lower_unbounded = flags & ELPQ_RANGE_LOWER_UNBOUNDED;
    view->upper_unbounded = flags & ELPQ_RANGE_UPPER_UNBOUNDED;
    return rc;
}

static int print_bound(const struct elpq__codec *codec, const elpq_cell *cell,
                       struct elpq__buf *out)
{
    size_t start = out->size;
    int rc;

    if (cell->size < 0)
        return 0;
    rc = elpq__print_inner(codec, cell->data, (size_t)cell->size, out);
    if (!rc)
        elpq__quote(out, start, ELPQ__QUOTE_RANGE, ',');
    return rc;
}

static int range_print(const struct elpq__codec *codec, const char *data,
                       size_t size, struct elpq__buf *out)
{
    const elpq_cell cell = { data, (int)size, codec->oid, true, NULL };
    elpq_range_view view;
    unsigned flags;
    int rc = decode_binary(codec, &cell, &flags, &view);

    if (rc)
        return rc;
    if (flags & ELPQ_RANGE_EMPTY) {
        elpq__buf_add_str(out, "empty");
        return 0;
    }
    elpq__buf_add_byte(out, flags & ELPQ_RANGE_LOWER_INCLUSIVE ? '[' : '(');
    rc = print_bound(codec->elem, &view.lower, out);
    elpq__buf_add_byte(out, ',');
    if (!rc)
        rc = print_bound(codec->elem, &view.upper, out);
    elpq__buf_add_byte(out, flags & ELPQ_RANGE_UPPER_INCLUSIVE ? ']' : ')');
    return rc;
}

static int range_encode(const struct elpq__codec *codec, const elpq_value *v,
                        struct elpq__buf *out, struct elpq__why *why)
{
    const elpq_value *bounds = v->u.array.items;
    unsigned flags = v->elem;
    size_t start = out->size;
    int rc = 0;

    if (v->kind != ELPQ_KIND_RANGE)
        return ELPQ__AS_TEXT;
    if (!(flags & ELPQ_RANGE_EMPTY) && v->u.array.count != 2)
        return elpq__refuse(why, "a range has two bounds");
    elpq__buf_add_byte(out, (char)flags);
    if (has_lower(flags))
        rc = elpq__encode_inner(codec->elem, &bounds[0], out, why);
    if (!rc && has_upper(flags))
        rc = elpq__encode_inner(codec->elem, &bounds[1], out, why);
    if (rc == ELPQ__AS_TEXT)
        out->size = start;
    return rc;
}

const struct elpq__codec_ops elpq__range_ops = { .print = range_print,
                                                 .encode = range_encode,
                                                 .view = range_view };

/* ----------------------------------------------------------- multiranges */

static int view_binary(const elpq_cell *cell, struct elpq__scratch *mem,
                       elpq_multirange_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell item = { NULL, -1, view->range_oid, true, cell->result };
    uint32_t count = elpq__read_uint32(&r);
    struct elpq__reader start = r;
    elpq_cell *items;

    if (r.bad || count > elpq__read_left(&r) / 5) /* a size and the flags */
        return ELPQ_E_DECODE;
    for (uint32_t i = 0; i < count; i++)
        if (!elpq__read_cell(&r, &item) || item.size < 0)
            return ELPQ_E_DECODE;
    if (!elpq__read_done(&r))
        return ELPQ_E_DECODE;
    items = elpq__scratch_alloc(mem, count * sizeof(*items));
    if (!items)
        return ELPQ_E_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        elpq__read_cell(&start, &item);
        items[i] = item;
    }
    view->items = items;
    view->count = count;
    return 0;
}

/*
 * The ranges of the text form, which stay in place; counts them where there is
 * no room for them.
 */
static bool read_ranges(struct elpq__reader *r, elpq_cell item,
                        elpq_cell *items, size_t *count)
{
    struct elpq__part part = { NULL, 0, false };

    *count = 0;
    if (!elpq__take(r, '{'))
        return false;
    if (elpq__take(r, '}'))
        return true;
    do {
        item.data = r->p;
        if (!elpq__take(r, '[') && !elpq__take(r, '('))
            return false;
        if (!elpq__read_part(r, ")]", &part) ||
            (!elpq__take(r, ']') && !elpq__take(r, ')')))
            return false;
        item.size = (int)(r->p - item.data);
        if (items)
            items[*count] = item;
        (*count)++;
    } while (elpq__take(r, ','));
    return elpq__take(r, '}');
}

static int view_text(const elpq_cell *cell, struct elpq__scratch *mem,
                     elpq_multirange_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell item = { NULL, -1, view->range_oid, false, cell->result };
    struct elpq__reader second = r;
    elpq_cell *items;
    size_t count;

    if (!read_ranges(&r, item, NULL, &count) || !elpq__read_done(&r))
        return ELPQ_E_DECODE;
    items = elpq__scratch_alloc(mem, count * sizeof(*items));
    if (!items)
        return ELPQ_E_NOMEM;
    read_ranges(&second, item, items, &count);
    view->items = items;
    view->count = count;
    return 0;
}

static int multirange_view(const struct elpq__codec *codec,
                           const elpq_cell *cell, struct elpq__scratch *mem,
                           void *out)
{
    elpq_multirange_view *view = out;

    view->range_oid = codec->elem_oid;
    return cell->binary ? view_binary(cell, mem, view)
                        : view_text(cell, mem, view);
}

static int multirange_print(const struct elpq__codec *codec, const char *data,
                            size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    uint32_t count = elpq__read_uint32(&r);
    elpq_cell item;
    int rc = 0;

    if (r.bad || count > elpq__read_left(&r) / 5)
        return ELPQ_E_DECODE;
    elpq__buf_add_byte(out, '{');
    for (uint32_t i = 0; i < count && !rc; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, ',');
        if (!elpq__read_cell(&r, &item) || item.size < 0)
            return ELPQ_E_DECODE;
        rc = elpq__print_inner(codec->elem, item.data, (size_t)item.size, out);
    }
    elpq__buf_add_byte(out, '}');
    return rc || elpq__read_done(&r) ? rc : ELPQ_E_DECODE;
}

static int multirange_encode(const struct elpq__codec *codec,
                             const elpq_value *v, struct elpq__buf *out,
                             struct elpq__why *why)
{
    const elpq_value *ranges = v->u.array.items;
    size_t start = out->size;
    int rc = 0;

    if (v->kind != ELPQ_KIND_MULTIRANGE)
        return ELPQ__AS_TEXT;
    elpq__buf_add_int32(out, v->u.array.count);
    for (uint32_t i = 0; i < v->u.array.count && !rc && !out->failed; i++) {
        if (ranges[i].kind == ELPQ_KIND_NULL)
            return elpq__refuse(why, "a multirange has no NULL inside");
        rc = elpq__encode_inner(codec->elem, &ranges[i], out, why);
    }
    if (rc == ELPQ__AS_TEXT)
        out->size = start;
    return rc;
}

const struct elpq__codec_ops elpq__multirange_ops = { .print = multirange_print,
                                                      .encode =
                                                          multirange_encode,
                                                      .view = multirange_view };

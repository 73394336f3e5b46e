/* SPDX-License-Identifier: PostgreSQL */
/*
 * Arrays: views of both forms, and the text form of the binary one.
 *
 * The binary form:
 *     int32  ndim, flags (1: there are NULLs), OID of the elements
 *     int32  size, lower bound            of each dimension
 *     int32  size (-1: NULL), bytes       of each element, row-major
 * The text form: [0:1][1:2]={{a,"b c"},{NULL,d}}, bounds only if they are not
 * 1.  Elements are never arrays themselves; an array in a row in an array is
 * left to who looks into the row.
 */
#include "codec.h"

#include "params.h"

#define FLAG_NULLS 1

/* The head of an array, in the fields of a view. */
static int read_shape(struct elpq__reader *r, uint32_t elem_oid,
                      elpq_array_view *view)
{
    size_t limit = elpq__read_left(r) / 4; /* an element is 4 bytes at least */
    int ndim = elpq__read_int32(r);
    uint32_t flags = elpq__read_uint32(r);
    int64_t last;
    int i;

    view->elem_oid = elpq__read_uint32(r);
    if (r->bad || ndim < 0 || ndim > ELPQ__ARRAY_DIMS ||
        (flags & ~(uint32_t)FLAG_NULLS) || view->elem_oid != elem_oid)
        return ELPQ_E_DECODE;
    view->ndim = ndim;
    view->count = ndim > 0;
    for (i = 0; i < ndim; i++) {
        view->dims[i] = elpq__read_int32(r);
        view->lower[i] = elpq__read_int32(r);
        last = (int64_t)view->lower[i] + view->dims[i] - 1;
        if (r->bad || view->dims[i] < 1 || last > INT32_MAX ||
            (uint64_t)view->count * (uint64_t)view->dims[i] > limit)
            return ELPQ_E_DECODE;
        view->count *= (size_t)view->dims[i];
    }
    return view->count <= elpq__read_left(r) / 4 ? 0 : ELPQ_E_DECODE;
}

static int decode_binary(const elpq_cell *cell, const struct elpq__codec *codec,
                         struct elpq__scratch *mem, elpq_array_view *view)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    elpq_cell item = { NULL, -1, codec->elem_oid, true, cell->result };
    struct elpq__reader start;
    elpq_cell *items;
    int rc = read_shape(&r, codec->elem_oid, view);
    size_t i;

    if (rc)
        return rc;
    start = r;
    for (i = 0; i < view->count; i++)
        if (!elpq__read_cell(&r, &item))
            return ELPQ_E_DECODE;
    if (!elpq__read_done(&r))
        return ELPQ_E_DECODE;
    /* no wrap: count * 4 bytes are there */
    items = elpq__scratch_alloc(mem, view->count * sizeof(*items));
    if (!items)
        return ELPQ_E_NOMEM;
    for (i = 0; i < view->count; i++) {
        elpq__read_cell(&start, &item);
        items[i] = item;
    }
    view->items = items;
    return 0;
}

/* --------------------------------------------------------- the text form */

struct text_array {
    struct elpq__reader r;
    char delimiter;
    elpq_array_view *view; /* gets the shape */
    elpq_cell item;        /* the next one, but for data and size */
    elpq_cell *items;      /* NULL in the first pass, which only counts */
    char *text;            /* where the next element is written */
};

static char peek(const struct elpq__reader *r)
{
    return r->p < r->end ? *r->p : '\0';
}

static int take_bound(struct elpq__reader *r, int32_t *out)
{
    const char *start = r->p;
    int64_t x;

    elpq__take(r, '-');
    while (peek(r) >= '0' && peek(r) <= '9')
        r->p++;
    if (elpq__parse_int64(start, (size_t)(r->p - start), &x) || x < INT32_MIN ||
        x > INT32_MAX)
        return ELPQ_E_DECODE;
    *out = (int32_t)x;
    return 0;
}

/* [l:u][l:u]= into lower and dims; ndim 0 if there is none of it. */
static int read_bounds(struct elpq__reader *r, elpq_array_view *view)
{
    int32_t lower = 0;
    int32_t upper = 0;

    view->ndim = 0;
    while (elpq__take(r, '[')) {
        if (view->ndim == ELPQ__ARRAY_DIMS || take_bound(r, &lower) ||
            !elpq__take(r, ':') || take_bound(r, &upper) ||
            !elpq__take(r, ']') || upper < lower ||
            (int64_t)upper - lower >= INT32_MAX)
            return ELPQ_E_DECODE;
        view->lower[view->ndim] = lower;
        view->dims[view->ndim] = upper - lower + 1;
        view->ndim++;
    }
    return view->ndim == 0 || elpq__take(r, '=') ? 0 : ELPQ_E_DECODE;
}

static void put(struct text_array *a, char c)
{
    if (a->items)
        *a->text++ = c;
}

static bool read_quoted(struct text_array *a)
{
    while (!elpq__take(&a->r, '"')) {
        elpq__take(&a->r, '\\');
        if (a->r.p == a->r.end)
            return false;
        put(a, *a->r.p++);
    }
    return true;
}

static bool read_bare(struct text_array *a)
{
    const char *start = a->r.p;
    char c;

    while (a->r.p < a->r.end) {
        c = *a->r.p;
        if (c == a->delimiter || c == '}')
            break;
        if (c == '"' || c == '\\' || c == '{')
            return false;
        put(a, c);
        a->r.p++;
    }
    return a->r.p > start;
}

/*
 * One element into items[count].  Each takes at least a byte more of the
 * array's text than of its own, so its NUL has a place.
 */
static bool read_item(struct text_array *a)
{
    size_t count = a->view->count++;
    const char *start = a->r.p;
    char *text = a->text;
    bool quoted = elpq__take(&a->r, '"');
    elpq_cell *item;

    if (quoted ? !read_quoted(a) : !read_bare(a))
        return false;
    if (!a->items)
        return true;
    item = &a->items[count];
    *item = a->item;
    if (!quoted && a->r.p - start == 4 && memcmp(start, "NULL", 4) == 0) {
        item->data = NULL;
        item->size = -1;
        return true;
    }
    item->data = text;
    item->size = (int)(a->text - text);
    *a->text++ = '\0';
    return true;
}

/*
 * The braces: how many items each open one has so far, and how many the
 * first closed one of each depth had, which all others must have as well.
 */
struct braces {
    int depth;
    int ndim; /* depth of the first element; 0: not yet seen */
    int items[ELPQ__ARRAY_DIMS];
    int dims[ELPQ__ARRAY_DIMS];
};

static bool close_brace(struct braces *b)
{
    int level = --b->depth;

    if (b->dims[level] == 0)
        b->dims[level] = b->items[level];
    if (b->dims[level] != b->items[level])
        return false;
    if (level > 0)
        b->items[level - 1]++;
    return true;
}

static bool open_brace(struct braces *b)
{
    if (b->depth == (b->ndim ? b->ndim : ELPQ__ARRAY_DIMS))
        return false;
    b->items[b->depth++] = 0;
    return true;
}

/* From the first brace to the last; elements lie at one depth only. */
static bool read_braces(struct text_array *a, struct braces *b)
{
    do {
        while (elpq__take(&a->r, '{'))
            if (!open_brace(b))
                return false;
        if (b->ndim == 0)
            b->ndim = b->depth;
        if (b->depth == 0 || b->depth != b->ndim || !read_item(a))
            return false;
        b->items[b->depth - 1]++;
        while (b->depth > 0 && elpq__take(&a->r, '}'))
            if (!close_brace(b))
                return false;
    } while (b->depth > 0 && elpq__take(&a->r, a->delimiter));
    return b->depth == 0 && elpq__read_done(&a->r);
}

static int read_text(struct text_array *a)
{
    struct braces b = { 0, 0, { 0 }, { 0 } };
    elpq_array_view *view = a->view;
    int rc = read_bounds(&a->r, view);
    int i;

    if (rc)
        return rc;
    view->count = 0;
    if (elpq__read_left(&a->r) == 2 && memcmp(a->r.p, "{}", 2) == 0)
        return view->ndim == 0 ? 0 : ELPQ_E_DECODE;
    if (!read_braces(a, &b) || (view->ndim > 0 && view->ndim != b.ndim))
        return ELPQ_E_DECODE;
    for (i = 0; i < b.ndim; i++) {
        if (view->ndim > 0 && view->dims[i] != b.dims[i])
            return ELPQ_E_DECODE;
        view->dims[i] = b.dims[i];
        if (view->ndim == 0)
            view->lower[i] = 1;
    }
    view->ndim = b.ndim;
    return 0;
}

static int decode_text(const elpq_cell *cell, const struct elpq__codec *codec,
                       struct elpq__scratch *mem, elpq_array_view *view)
{
    struct text_array a = {
        .r = elpq__reader_of(cell->data, (size_t)cell->size),
        .delimiter = codec->elem->delimiter,
        .view = view,
        .item = { NULL, -1, codec->elem_oid, false, cell->result },
    };
    struct text_array second = a;
    int rc = read_text(&a);

    if (rc)
        return rc;
    view->elem_oid = codec->elem_oid;
    if (view->count == 0)
        return 0;
    second.items = elpq__scratch_alloc(mem, view->count * sizeof(elpq_cell));
    second.text = elpq__scratch_alloc(mem, (size_t)cell->size);
    if (!second.items || !second.text)
        return ELPQ_E_NOMEM;
    view->items = second.items;
    return read_text(&second);
}

static int array_view(const struct elpq__codec *codec, const elpq_cell *cell,
                      struct elpq__scratch *mem, void *out)
{
    return cell->binary ? decode_binary(cell, codec, mem, out)
                        : decode_text(cell, codec, mem, out);
}

/* -------------------------------------------------------------- printing */

static void print_bounds(const elpq_array_view *view, struct elpq__buf *out)
{
    bool plain = true;
    int i;

    for (i = 0; i < view->ndim; i++)
        plain = plain && view->lower[i] == 1;
    if (plain)
        return;
    for (i = 0; i < view->ndim; i++)
        elpq__buf_addf(out, "[%d:%d]", view->lower[i],
                       (int)((int64_t)view->lower[i] + view->dims[i] - 1));
    elpq__buf_add_byte(out, '=');
}

/* A brace for each dimension that begins or ends at element `at`. */
static void print_braces(const elpq_array_view *view, size_t at, char brace,
                         struct elpq__buf *out)
{
    size_t span = 1;
    int i;

    for (i = view->ndim - 1; i >= 0; i--) {
        span *= (size_t)view->dims[i];
        if (at % span != 0)
            break;
        elpq__buf_add_byte(out, brace);
    }
}

static int print_element(const struct elpq__codec *codec, const elpq_cell *cell,
                         struct elpq__buf *out)
{
    size_t start = out->size;
    int rc;

    if (cell->size < 0) {
        elpq__buf_add_str(out, "NULL");
        return 0;
    }
    rc = elpq__print_inner(codec, cell->data, (size_t)cell->size, out);
    if (!rc)
        elpq__quote(out, start, ELPQ__QUOTE_ARRAY, codec->delimiter);
    return rc;
}

static int array_print(const struct elpq__codec *codec, const char *data,
                       size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    elpq_array_view view;
    elpq_cell item = { NULL, -1, 0, true, NULL };
    int rc = read_shape(&r, codec->elem_oid, &view);
    size_t i;

    if (rc)
        return rc;
    if (view.ndim == 0)
        elpq__buf_add_str(out, "{}");
    print_bounds(&view, out);
    for (i = 0; i < view.count && !rc; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, codec->elem->delimiter);
        print_braces(&view, i, '{', out);
        rc = elpq__read_cell(&r, &item) ? print_element(codec->elem, &item, out)
                                        : ELPQ_E_DECODE;
        print_braces(&view, i + 1, '}', out);
        if (out->failed)
            return ELPQ_E_NOMEM;
    }
    return rc || elpq__read_done(&r) ? rc : ELPQ_E_DECODE;
}

const struct elpq__codec_ops elpq__array_ops = { .print = array_print,
                                                 .encode = elpq__array_binary,
                                                 .view = array_view };

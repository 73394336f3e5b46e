/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of point, line, lseg, box, path, polygon and circle.
 *
 * All are float8 coordinates in a row; a path has a byte (1: closed) and an
 * int32 count of points in front, a polygon the count.  Text:
 *     point (x,y)    line {a,b,c}    lseg [(x,y),(x,y)]    box (x,y),(x,y)
 *     closed path and polygon ((x,y),...)    open path [(x,y),...]
 *     circle <(x,y),r>
 */
#include "codec.h"

#include <stdlib.h>

#include "params.h"

#define POINT_SIZE 16

static double load_double(const char *p)
{
    uint64_t bits = elpq__load64(p);
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

static void add_double(struct elpq__buf *out, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    elpq__buf_add_int64(out, bits);
}

/* How the text of each type looks: brackets around all, and around pairs. */
struct form {
    uint32_t oid;
    unsigned count; /* of doubles; 0: any even number */
    const char *open;
    const char *close;
    unsigned pairs; /* so many numbers at the front are points */
};

static const struct form forms[] = {
    { ELPQ_OID_POINT, 2, "", "", 2 },    { ELPQ_OID_LINE, 3, "{", "}", 0 },
    { ELPQ_OID_LSEG, 4, "[", "]", 4 },   { ELPQ_OID_BOX, 4, "", "", 4 },
    { ELPQ_OID_CIRCLE, 3, "<", ">", 2 }, { ELPQ_OID_POLYGON, 0, "(", ")", 0 },
    { ELPQ_OID_PATH, 0, "(", ")", 0 },
};

static const struct form open_path = { ELPQ_OID_PATH, 0, "[", "]", 0 };

static const struct form *form_of(uint32_t oid)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (forms[i].oid == oid)
            return &forms[i];
    return NULL;
}

/* Whether number i is the x of a point. */
static bool begins_point(const struct form *form, size_t i)
{
    return i % 2 == 0 && (form->count == 0 || i < form->pairs);
}

/* -------------------------------------------------------------- printing */

static void print_number(const struct form *form, struct elpq__buf *out,
                         size_t i, double x)
{
    if (i > 0)
        elpq__buf_add_byte(out, ',');
    if (begins_point(form, i))
        elpq__buf_add_byte(out, '(');
    elpq__print_double(out, x);
    if (i % 2 == 1 && begins_point(form, i - 1))
        elpq__buf_add_byte(out, ')');
}

void elpq__print_point(struct elpq__buf *out, double x, double y)
{
    print_number(&forms[0], out, 0, x);
    print_number(&forms[0], out, 1, y);
}

int elpq__print_doubles(struct elpq__buf *out, uint32_t oid,
                        const struct elpq__doubles *x)
{
    const struct form *form = form_of(oid);

    if (!form || (form->count ? x->count != form->count : x->count % 2))
        return ELPQ_E_TYPE;
    if (oid == ELPQ_OID_PATH && !x->closed)
        form = &open_path;
    elpq__buf_add_str(out, form->open);
    for (size_t i = 0; i < x->count && !out->failed; i++)
        print_number(form, out, i, x->items[i]);
    elpq__buf_add_str(out, form->close);
    return 0;
}

/* The head of the binary form; what is left are the coordinates. */
static int read_head(const struct elpq__codec *codec, struct elpq__reader *r,
                     size_t *count, bool *closed)
{
    const struct form *form = form_of(codec->oid);
    uint32_t points;

    *count = form->count;
    *closed = codec->oid == ELPQ_OID_POLYGON;
    if (codec->oid == ELPQ_OID_PATH)
        *closed = elpq__read_uint8(r) != 0;
    if (form->count == 0) {
        points = elpq__read_uint32(r);
        if (r->bad || points > elpq__read_left(r) / POINT_SIZE)
            return ELPQ_E_DECODE;
        *count = 2 * (size_t)points;
    }
    return !r->bad && elpq__read_left(r) == 8 * *count ? 0 : ELPQ_E_DECODE;
}

static int geometry_print(const struct elpq__codec *codec, const char *data,
                          size_t size, struct elpq__buf *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    const struct form *form = form_of(codec->oid);
    bool closed = false;
    size_t count = 0;
    int rc = read_head(codec, &r, &count, &closed);

    if (rc)
        return rc;
    if (codec->oid == ELPQ_OID_PATH && !closed)
        form = &open_path;
    elpq__buf_add_str(out, form->open);
    for (size_t i = 0; i < count && !out->failed; i++)
        print_number(form, out, i, load_double(r.p + 8 * i));
    elpq__buf_add_str(out, form->close);
    return 0;
}

/* --------------------------------------------------------------- parsing */

/* A number up to the next character that cannot be in one. */
static bool take_double(struct elpq__reader *r, double *out)
{
    size_t size = 0;

    while (r->p + size < r->end && !strchr(",()[]{}<>", r->p[size]))
        size++;
    if (elpq__parse_double(r->p, size, out))
        return false;
    r->p += size;
    return true;
}

/*
 * All numbers of the text form, with its brackets where they belong; only
 * counted without room for them.
 */
static bool take_numbers(const struct form *form, struct elpq__reader *r,
                         double *items, size_t *count)
{
    size_t i = 0;
    double x;

    if (form->open[0] && !elpq__take(r, form->open[0]))
        return false;
    do {
        if (begins_point(form, i) && !elpq__take(r, '('))
            return false;
        if (!take_double(r, &x))
            return false;
        if (items)
            items[i] = x;
        if (i % 2 == 1 && begins_point(form, i - 1) && !elpq__take(r, ')'))
            return false;
        i++;
    } while ((form->count == 0 || i < form->count) && elpq__take(r, ','));
    *count = i;
    if (form->close[0] && !elpq__take(r, form->close[0]))
        return false;
    return elpq__read_done(r) && (form->count ? i == form->count : i % 2 == 0);
}

static int parse_geometry(const struct elpq__codec *codec,
                          const elpq_cell *cell, struct elpq__scratch *mem,
                          struct elpq__doubles *out)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    const struct form *form = form_of(codec->oid);
    struct elpq__reader second = r;
    double *items;
    size_t count;

    if (codec->oid == ELPQ_OID_PATH && cell->size > 0 && cell->data[0] == '[')
        form = &open_path;
    if (!take_numbers(form, &r, NULL, &count))
        return ELPQ_E_DECODE;
    items = elpq__scratch_alloc(mem, count * sizeof(*items));
    if (!items)
        return ELPQ_E_NOMEM;
    take_numbers(form, &second, items, &count);
    out->items = items;
    out->count = count;
    out->closed = form != &open_path && form->count == 0;
    return 0;
}

static int decode_geometry(const struct elpq__codec *codec,
                           const elpq_cell *cell, struct elpq__scratch *mem,
                           struct elpq__doubles *out)
{
    struct elpq__reader r = elpq__reader_of(cell->data, (size_t)cell->size);
    bool closed = false;
    size_t count = 0;
    double *items;
    int rc = read_head(codec, &r, &count, &closed);

    if (rc)
        return rc;
    items = elpq__scratch_alloc(mem, count * sizeof(*items));
    if (!items)
        return ELPQ_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        items[i] = load_double(r.p + 8 * i);
    out->items = items;
    out->count = count;
    out->closed = closed;
    return 0;
}

static int geometry_view(const struct elpq__codec *codec, const elpq_cell *cell,
                         struct elpq__scratch *mem, void *out)
{
    return cell->binary ? decode_geometry(codec, cell, mem, out)
                        : parse_geometry(codec, cell, mem, out);
}

/* -------------------------------------------------------------- encoding */

static int geometry_encode(const struct elpq__codec *codec, const elpq_value *v,
                           struct elpq__buf *out, struct elpq__why *why)
{
    const struct form *form = form_of(codec->oid);
    size_t count = v->u.doubles.count;
    int rc;

    if (v->kind != ELPQ_KIND_DOUBLES)
        return ELPQ__AS_TEXT;
    if (form->count ? count != form->count
                    : count % 2 || count == 0 || count / 2 > INT32_MAX)
        return elpq__refuse(why, "%zu coordinates are no value of type %s",
                            count, codec->name);
    rc = elpq__params_room(out, 8 * count + 5, why);
    if (rc)
        return rc;
    if (codec->oid == ELPQ_OID_PATH)
        elpq__buf_add_byte(out, v->elem != 0);
    if (form->count == 0)
        elpq__buf_add_int32(out, (uint32_t)(count / 2));
    for (size_t i = 0; i < count && !out->failed; i++)
        add_double(out, v->u.doubles.items[i]);
    return 0;
}

const struct elpq__codec_ops elpq__geometry_ops = { .print = geometry_print,
                                                    .encode = geometry_encode,
                                                    .view = geometry_view };

/* ----------------------------------------------------------------- point */

static int point_decode(const struct elpq__codec *codec, const char *data,
                        size_t size, elpq_value *out)
{
    (void)codec;
    if (size != POINT_SIZE)
        return ELPQ_E_DECODE;
    out->u.point.x = load_double(data);
    out->u.point.y = load_double(data + 8);
    return 0;
}

static int point_parse(const struct elpq__codec *codec, const char *text,
                       size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(text, size);
    double xy[2];
    size_t count;

    (void)codec;
    if (!take_numbers(&forms[0], &r, NULL, &count))
        return ELPQ_E_DECODE;
    r = elpq__reader_of(text, size);
    take_numbers(&forms[0], &r, xy, &count);
    out->u.point.x = xy[0];
    out->u.point.y = xy[1];
    return 0;
}

static int point_encode(const struct elpq__codec *codec, const elpq_value *v,
                        struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_POINT)
        return ELPQ__AS_TEXT;
    add_double(out, v->u.point.x);
    add_double(out, v->u.point.y);
    return 0;
}

const struct elpq__codec_ops elpq__point_ops = { .decode = point_decode,
                                                 .parse = point_parse,
                                                 .print = geometry_print,
                                                 .encode = point_encode };

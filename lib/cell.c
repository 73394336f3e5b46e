/* SPDX-License-Identifier: PostgreSQL */
/*
 * Cells: the typed getters.
 *
 * Each getter is one static function on a cell, read_<name>(); the public
 * functions on cells and on row and column are made from it at the end of
 * the file.  A getter goes straight to the bytes for the types that most
 * columns have, and through the codec for the rest.  Getters of what has
 * parts, and of whole values, are in view.c, those of C's and the system's own
 * structs in convert.c.
 *
 * A getter converts what the type means, not how it was written: numbers to
 * numbers where nothing is lost, everything to text, and nothing else.
 * *out is written on success only.
 */
#include <elpq/result.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"

#define BIG_TEXT ((size_t)64 * 1024) /* not kept between conversions */

int elpq_cell_at(elpq_result *result, size_t row, int column, elpq_cell *out)
{
    return elpq__cell_of(result, row, column, out);
}

static inline bool is_null(const elpq_cell *cell)
{
    return cell->size < 0;
}

int elpq__cell_decode(const elpq_cell *cell, const struct elpq__codec *codec,
                      elpq_value *out)
{
    *out = elpq_value_init(cell->oid, (elpq_kind)codec->kind);
    return cell->binary
               ? codec->ops->decode(codec, cell->data, (size_t)cell->size, out)
               : codec->ops->parse(codec, cell->data, (size_t)cell->size, out);
}

int elpq__cell_kind(const elpq_cell *cell, elpq_kind kind, elpq_value *out)
{
    const struct elpq__codec *codec;

    if (is_null(cell))
        return ELPQ_E_NULL;
    codec = elpq__codec_of_cell(cell);
    if (!codec || codec->kind != kind)
        return ELPQ_E_TYPE;
    return elpq__cell_decode(cell, codec, out);
}

/* ------------------------------------------------------- text and bytes */

/* The scratch's buffer, empty. */
static struct elpq__buf *begin_text(struct elpq__scratch *mem, size_t limit)
{
    elpq__buf_clear(&mem->text);
    mem->text.limit = limit;
    return &mem->text;
}

/* It is free for others again, and nothing large stays in it. */
static int end_text(struct elpq__scratch *mem, int rc)
{
    if (mem->text.room > BIG_TEXT)
        elpq__buf_free(&mem->text);
    return rc;
}

/* What stands in the scratch's buffer is kept for this place. */
static int keep_text(struct elpq__scratch *mem, const char *place, uint64_t tag,
                     elpq_string *out)
{
    int rc = elpq__buf_status(&mem->text);
    const char *made;

    if (rc)
        return rc;
    made = elpq__scratch_copy(mem, mem->text.data, mem->text.size);
    if (!made)
        return ELPQ_E_NOMEM;
    out->data = made;
    out->size = mem->text.size;
    elpq__scratch_keep(mem, place, tag, made, out->size);
    return 0;
}

/*
 * So much text may come of so many bytes.  Fourteen in an array are a numeric
 * of 147 KB; but a quote in a record in a record ... doubles at each level.
 */
static size_t text_limit(size_t size)
{
    if (size >= ELPQ__SCRATCH_LIMIT / 16384)
        return ELPQ__SCRATCH_LIMIT;
    size = ((size_t)1 << 20) + 16384 * size;
    return size < ELPQ__SCRATCH_LIMIT ? size : ELPQ__SCRATCH_LIMIT;
}

/* The text of a binary cell that is not text itself, printed once. */
static int print_cell(const elpq_cell *cell, const struct elpq__codec *codec,
                      elpq_string *out)
{
    uint64_t tag = elpq__memo_tag(ELPQ__MEMO_STRING, cell->oid, true);
    struct elpq__scratch *mem = &cell->result->scratch;
    size_t size = (size_t)cell->size;
    int rc;

    out->data = elpq__scratch_find(mem, cell->data, tag, &out->size);
    if (out->data)
        return 0;
    rc = codec->ops->print(codec, cell->data, size,
                           begin_text(mem, text_limit(size)));
    return end_text(mem, rc ? rc : keep_text(mem, cell->data, tag, out));
}

/* Text that something other than a NUL byte follows, as inside an array. */
static int terminate(const elpq_cell *cell, elpq_string *out)
{
    uint64_t tag = elpq__memo_tag(ELPQ__MEMO_STRING, cell->oid, cell->binary);
    struct elpq__scratch *mem = &cell->result->scratch;
    const char *made = elpq__scratch_find(mem, cell->data, tag, &out->size);

    if (!made) {
        made = elpq__scratch_copy(mem, cell->data, (size_t)cell->size);
        if (!made)
            return ELPQ_E_NOMEM;
        out->size = (size_t)cell->size;
        elpq__scratch_keep(mem, cell->data, tag, made, out->size);
    }
    out->data = made;
    return 0;
}

static int read_string_slow(const elpq_cell *cell, elpq_string *out)
{
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);

    if (cell->binary && (!codec || !codec->textual)) {
        if (!codec)
            return ELPQ_E_TYPE;
        return cell->result ? print_cell(cell, codec, out) : ELPQ_E_USAGE;
    }
    if (cell->data[cell->size] != '\0')
        return cell->result ? terminate(cell, out) : ELPQ_E_USAGE;
    out->data = cell->data;
    out->size = (size_t)cell->size;
    return 0;
}

static int read_string(const elpq_cell *cell, elpq_string *out)
{
    elpq_string made;
    int rc;

    if (is_null(cell))
        return ELPQ_E_NULL;
    if ((cell->oid == ELPQ_OID_TEXT || cell->oid == ELPQ_OID_VARCHAR ||
         !cell->binary) &&
        cell->data[cell->size] == '\0') {
        out->data = cell->data;
        out->size = (size_t)cell->size;
        return 0;
    }
    rc = read_string_slow(cell, &made);
    if (!rc)
        *out = made;
    return rc;
}

/* The bytes of a bytea that came as text, converted once. */
static int unhex_cell(const elpq_cell *cell, elpq_string *out)
{
    uint64_t tag = elpq__memo_tag(ELPQ__MEMO_BYTES, cell->oid, false);
    struct elpq__scratch *mem;
    int rc;

    if (!cell->result)
        return ELPQ_E_USAGE;
    mem = &cell->result->scratch;
    out->data = elpq__scratch_find(mem, cell->data, tag, &out->size);
    if (out->data)
        return 0;
    rc = elpq__parse_bytea(cell->data, (size_t)cell->size,
                           begin_text(mem, ELPQ__SCRATCH_LIMIT));
    return end_text(mem, rc ? rc : keep_text(mem, cell->data, tag, out));
}

/*
 * bytea; text as it is; and the bytes of types that nobody here knows, in
 * whichever format they came.
 */
static int read_bytes(const elpq_cell *cell, elpq_string *out)
{
    const struct elpq__codec *codec;
    elpq_string made;
    int rc;

    if (is_null(cell))
        return ELPQ_E_NULL;
    codec = elpq__codec_of_cell(cell);
    if (codec && codec->kind == ELPQ_KIND_BYTES && !cell->binary) {
        rc = unhex_cell(cell, &made);
    } else if (codec && codec->kind == ELPQ_KIND_TEXT &&
               codec->ops != &elpq__numeric_ops) {
        rc = read_string(cell, &made);
    } else if (!codec || codec->kind == ELPQ_KIND_BYTES ||
               codec->kind == ELPQ_KIND_RAW) {
        made.data = cell->data;
        made.size = (size_t)cell->size;
        rc = 0;
    } else {
        rc = ELPQ_E_TYPE;
    }
    if (!rc)
        *out = made;
    return rc;
}

/* The binary form of whatever it is, for a program that knows it. */
static int read_raw(const elpq_cell *cell, elpq_string *out)
{
    if (is_null(cell))
        return ELPQ_E_NULL;
    if (!cell->binary)
        return ELPQ_E_TYPE;
    out->data = cell->data;
    out->size = (size_t)cell->size;
    return 0;
}

/* --------------------------------------------------------------- numbers */

/* A double as an integer, if it is one. */
static int whole(double x, int64_t *out)
{
    /* 2^63 is exact as a double, INT64_MAX is not */
    if (!(x >= -9223372036854775808.0 && x < 9223372036854775808.0))
        return ELPQ_E_RANGE;
    if (x != trunc(x))
        return ELPQ_E_RANGE;
    *out = (int64_t)x;
    return 0;
}

static int read_int64_slow(const elpq_cell *cell, int64_t *out)
{
    const struct elpq__codec *codec;
    size_t size = (size_t)cell->size;
    elpq_value v;
    int rc;

    if (is_null(cell))
        return ELPQ_E_NULL;
    codec = elpq__codec_of_cell(cell);
    if (!codec)
        return ELPQ_E_TYPE;
    if (codec->ops == &elpq__numeric_ops)
        return cell->binary ? elpq__numeric_int64(cell->data, size, out)
                            : elpq__numeric_text_int64(cell->data, size, out);
    if (codec->kind != ELPQ_KIND_INT && codec->kind != ELPQ_KIND_UINT &&
        codec->kind != ELPQ_KIND_DOUBLE && codec->kind != ELPQ_KIND_FLOAT)
        return ELPQ_E_TYPE;
    rc = elpq__cell_decode(cell, codec, &v);
    if (rc)
        return rc;
    if (v.kind == ELPQ_KIND_DOUBLE || v.kind == ELPQ_KIND_FLOAT)
        return whole(v.u.float64, out);
    if (v.kind == ELPQ_KIND_UINT && v.u.uint64 > INT64_MAX)
        return ELPQ_E_RANGE;
    *out = v.u.int64;
    return 0;
}

/* The integers of most columns without a detour. */
static inline int read_int64_fast(const elpq_cell *cell, int64_t *out)
{
    if (cell->binary && cell->oid == ELPQ_OID_INT4 && cell->size == 4) {
        *out = (int32_t)elpq__load32(cell->data);
        return 0;
    }
    if (cell->binary && cell->oid == ELPQ_OID_INT8 && cell->size == 8) {
        *out = (int64_t)elpq__load64(cell->data);
        return 0;
    }
    if (cell->binary && cell->oid == ELPQ_OID_INT2 && cell->size == 2) {
        *out = (int16_t)elpq__load16(cell->data);
        return 0;
    }
    return read_int64_slow(cell, out);
}

#define READ_INT(name, type, min, max)                                         \
    static int read_##name(const elpq_cell *cell, type *out)                   \
    {                                                                          \
        int64_t x = 0;                                                         \
        int rc = read_int64_fast(cell, &x);                                    \
                                                                               \
        if (rc)                                                                \
            return rc;                                                         \
        if (x < (int64_t)(min) || x > (int64_t)(max))                          \
            return ELPQ_E_RANGE;                                               \
        *out = (type)x;                                                        \
        return 0;                                                              \
    }
READ_INT(int16, int16_t, INT16_MIN, INT16_MAX)
READ_INT(int32, int32_t, INT32_MIN, INT32_MAX)
READ_INT(uint32, uint32_t, 0, UINT32_MAX)

static int read_int64(const elpq_cell *cell, int64_t *out)
{
    int64_t x = 0;
    int rc = read_int64_fast(cell, &x);

    if (!rc)
        *out = x;
    return rc;
}

/* A numeric as the nearest double, or the nearest float. */
static int numeric_double(const elpq_cell *cell, bool narrow, double *out)
{
    struct elpq__scratch *mem;
    const char *text = cell->data;
    size_t size = (size_t)cell->size;
    float f = 0;
    int rc = 0;

    if (cell->binary) {
        if (!cell->result)
            return ELPQ_E_USAGE;
        mem = &cell->result->scratch;
        rc = elpq__numeric_print(text, size,
                                 begin_text(mem, ELPQ__SCRATCH_LIMIT));
        size = mem->text.size;
        elpq__buf_add_byte(&mem->text, '\0');
        text = mem->text.data;
        if (!rc)
            rc = elpq__buf_status(&mem->text);
    }
    if (rc)
        return rc;
    if (!narrow)
        return elpq__parse_double(text, size, out);
    rc = elpq__parse_float(text, size, &f);
    *out = f;
    return rc;
}

static int read_number(const elpq_cell *cell, bool narrow, double *out)
{
    const struct elpq__codec *codec;
    elpq_value v;
    int rc;

    if (is_null(cell))
        return ELPQ_E_NULL;
    codec = elpq__codec_of_cell(cell);
    if (!codec)
        return ELPQ_E_TYPE;
    if (codec->ops == &elpq__numeric_ops)
        return numeric_double(cell, narrow, out);
    if (codec->kind != ELPQ_KIND_INT && codec->kind != ELPQ_KIND_UINT &&
        codec->kind != ELPQ_KIND_DOUBLE && codec->kind != ELPQ_KIND_FLOAT)
        return ELPQ_E_TYPE;
    rc = elpq__cell_decode(cell, codec, &v);
    if (rc)
        return rc;
    if (v.kind == ELPQ_KIND_INT)
        *out = (double)v.u.int64;
    else if (v.kind == ELPQ_KIND_UINT)
        *out = (double)v.u.uint64;
    else
        *out = v.u.float64;
    return 0;
}

static int read_double(const elpq_cell *cell, double *out)
{
    double x = 0;
    uint64_t bits;
    int rc;

    if (cell->binary && cell->oid == ELPQ_OID_FLOAT8 && cell->size == 8) {
        bits = elpq__load64(cell->data);
        memcpy(out, &bits, sizeof(*out));
        return 0;
    }
    rc = read_number(cell, false, &x);
    if (!rc)
        *out = x;
    return rc;
}

static int read_float(const elpq_cell *cell, float *out)
{
    double x = 0;
    int rc = read_number(cell, true, &x);

    if (rc)
        return rc;
    if (isfinite(x) && fabs(x) >= ELPQ__FLOAT_OVERFLOW)
        return ELPQ_E_RANGE;
    *out = (float)x;
    return 0;
}

/* ------------------------------------------------------------ the others */

static int read_bool(const elpq_cell *cell, bool *out)
{
    elpq_value v;
    int rc;

    if (cell->binary && cell->oid == ELPQ_OID_BOOL && cell->size == 1) {
        *out = *cell->data != 0;
        return 0;
    }
    rc = elpq__cell_kind(cell, ELPQ_KIND_BOOL, &v);
    if (!rc)
        *out = v.u.boolean;
    return rc;
}

static int read_uuid(const elpq_cell *cell, elpq_uuid_bytes *out)
{
    elpq_value v;
    int rc = elpq__cell_kind(cell, ELPQ_KIND_UUID, &v);

    if (!rc)
        memcpy(out->bytes, v.u.uuid, sizeof(out->bytes));
    return rc;
}

#define READ_TIME(name, natural)                                               \
    static int read_##name(const elpq_cell *cell, int64_t *out)                \
    {                                                                          \
        elpq_value v;                                                          \
        int rc = elpq__cell_kind(cell, natural, &v);                           \
                                                                               \
        if (!rc)                                                               \
            *out = v.u.int64;                                                  \
        return rc;                                                             \
    }
READ_TIME(date, ELPQ_KIND_DATE)
READ_TIME(time, ELPQ_KIND_TIME)
READ_TIME(timestamp, ELPQ_KIND_TIMESTAMP)

/* --------------------------------------------------------------- structs */

/* Those that an elpq_value holds. */
#define READ_MEMBER(name, natural, type, member)                               \
    static int read_##name(const elpq_cell *cell, type *out)                   \
    {                                                                          \
        elpq_value v;                                                          \
        int rc = elpq__cell_kind(cell, natural, &v);                           \
                                                                               \
        if (!rc)                                                               \
            *out = v.u.member;                                                 \
        return rc;                                                             \
    }
READ_MEMBER(interval, ELPQ_KIND_INTERVAL, elpq_interval_parts, interval)
READ_MEMBER(timetz, ELPQ_KIND_TIMETZ, elpq_timetz_parts, timetz)
READ_MEMBER(money, ELPQ_KIND_MONEY, int64_t, int64)
READ_MEMBER(lsn, ELPQ_KIND_LSN, uint64_t, uint64)
READ_MEMBER(tid, ELPQ_KIND_TID, elpq_tid_parts, tid)
READ_MEMBER(point, ELPQ_KIND_POINT, elpq_point_xy, point)

static int read_inet(const elpq_cell *cell, elpq_inet_address *out)
{
    elpq_value v;
    int rc = elpq__cell_kind(cell, ELPQ_KIND_INET, &v);

    if (rc)
        return rc;
    out->family = v.elem;
    out->bits = v.width;
    memcpy(out->bytes, v.u.inet, sizeof(out->bytes));
    return 0;
}

static int read_macaddr(const elpq_cell *cell, elpq_macaddr_bytes *out)
{
    elpq_value v;
    int rc = elpq__cell_kind(cell, ELPQ_KIND_MACADDR, &v);

    if (rc)
        return rc;
    out->size = v.width;
    memcpy(out->bytes, v.u.macaddr, sizeof(out->bytes));
    return 0;
}

/* The geometric type `oid` (or path and polygon), as so many doubles. */
static int read_doubles(const elpq_cell *cell, uint32_t oid,
                        struct elpq__doubles *out)
{
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);
    bool any = oid == ELPQ_OID_PATH;

    if (is_null(cell))
        return ELPQ_E_NULL;
    if (!codec ||
        (codec->oid != oid && !(any && codec->oid == ELPQ_OID_POLYGON)))
        return ELPQ_E_TYPE;
    return elpq__cell_view(cell, ELPQ_KIND_DOUBLES, out);
}

#define READ_GEOMETRY(name, type, oid)                                         \
    static int read_##name(const elpq_cell *cell, type *out)                   \
    {                                                                          \
        struct elpq__doubles x;                                                \
        int rc = read_doubles(cell, oid, &x);                                  \
                                                                               \
        if (!rc)                                                               \
            memcpy(out, x.items, sizeof(*out));                                \
        return rc;                                                             \
    }
READ_GEOMETRY(line, elpq_line_abc, ELPQ_OID_LINE)
READ_GEOMETRY(lseg, elpq_lseg_ends, ELPQ_OID_LSEG)
READ_GEOMETRY(box, elpq_box_corners, ELPQ_OID_BOX)
READ_GEOMETRY(circle, elpq_circle_parts, ELPQ_OID_CIRCLE)

static int read_points(const elpq_cell *cell, elpq_points *out)
{
    struct elpq__doubles x;
    int rc = read_doubles(cell, ELPQ_OID_PATH, &x);

    if (rc)
        return rc;
    out->items = (const elpq_point_xy *)(const void *)x.items;
    out->count = x.count / 2;
    out->closed = x.closed;
    return 0;
}

static int read_bits(const elpq_cell *cell, elpq_bits *out)
{
    return elpq__cell_view(cell, ELPQ_KIND_BITS, out);
}

/* ---------------------------------------------- the public faces of all */

ELPQ_BASIC_GETTERS_(ELPQ__DEFINE_GETTER)
ELPQ_STRUCT_GETTERS_(ELPQ__DEFINE_GETTER)

const char *elpq_get_text(elpq_result *result, size_t row, int column)
{
    elpq_cell cell;
    elpq_string text;

    if (elpq__cell_of(result, row, column, &cell) || is_null(&cell) ||
        read_string(&cell, &text))
        return NULL;
    return text.data;
}

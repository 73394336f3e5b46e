/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rows of values, as COPY FROM reads them: in binary if each column has a
 * codec that encodes, else as text.
 *
 * In binary, a value is encoded as the type of its column.  What the codec
 * does not encode by itself is printed and read as that type, as the server
 * would.  The common types take a short way.
 *
 * copy.c and copy_in.c call this.
 */
#include <endian.h>
#include <stdio.h>
#include <strings.h>

#include "alloc.h"
#include "copy_int.h"

/* What any value that goes the short way takes, text apart. */
#define FIXED 12

/* ----------------------------------------------------------------- columns */

/*
 * Whether it has a binary form for values of its kind, be they refused for
 * what they are.
 */
static bool encodes(const struct elpq__codec *codec)
{
    struct elpq__buf out = { 0 };
    elpq_value v;
    int rc;

    while (codec && codec->elem) /* arrays and ranges go by their parts */
        codec = codec->elem;
    if (!codec)
        return false;
    v = elpq_value_init(codec->oid, (elpq_kind)codec->kind);
    if (codec->kind == ELPQ_KIND_TEXT) {
        v.u.bytes.data = "0";
        v.u.bytes.size = 1;
    }
    rc = codec->ops->encode(codec, &v, &out, NULL);
    elpq__buf_free(&out);
    return rc != ELPQ__AS_TEXT;
}

/* Which values of the column encode_fast() takes. */
static void set_way(struct elpq__copy_column *column)
{
    column->way = ELPQ__COPY_CODEC;
    column->kind = ELPQ_KIND_NULL;
    switch (column->oid) {
    case ELPQ_OID_INT4:
        column->way = ELPQ__COPY_INT4;
        column->kind = ELPQ_KIND_INT;
        break;
    case ELPQ_OID_INT8:
        column->way = ELPQ__COPY_8_BYTES;
        column->kind = ELPQ_KIND_INT;
        break;
    case ELPQ_OID_FLOAT8:
        column->way = ELPQ__COPY_8_BYTES;
        column->kind = ELPQ_KIND_DOUBLE;
        break;
    case ELPQ_OID_TIMESTAMP:
    case ELPQ_OID_TIMESTAMPTZ:
        column->way = ELPQ__COPY_TIMESTAMP;
        column->kind = ELPQ_KIND_TIMESTAMP;
        break;
    default:
        if (column->codec && column->codec->textual) {
            column->way = ELPQ__COPY_STRING;
            column->kind = ELPQ_KIND_TEXT;
        }
    }
}

bool elpq__copy_look_at_columns(elpq_copy *copy)
{
    int n = PQnfields(copy->described);

    copy->ncolumns = n;
    copy->types = elpq__catalog_types(copy->req->conn->catalog);
    if (copy->types)
        copy->types->refs++;
    if (!copy->in) {
        copy->binary = elpq__codecs_binary(copy->described, copy->types);
        return true;
    }
    copy->binary = true;
    copy->columns = elpq__alloc_array((size_t)n + 1, sizeof(*copy->columns));
    for (int i = 0; copy->columns && i < n; i++) {
        uint32_t oid = PQftype(copy->described, i);

        copy->columns[i].oid = oid;
        copy->columns[i].codec = elpq__codec_in(copy->types, oid);
        set_way(&copy->columns[i]);
        if (!encodes(copy->columns[i].codec))
            copy->binary = false;
    }
    return copy->columns != NULL;
}

/* ---------------------------------------------------------- binary values */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether it is the word, or its first letters, as many as `least`. */
static bool is_word(const char *text, size_t size, const char *word,
                    size_t least)
{
    return size >= least && size <= strlen(word) &&
           strncasecmp(text, word, size) == 0;
}

/* As the server reads a boolean, which is not only what it prints. */
static int parse_bool(const char *text, size_t size, elpq_value *out)
{
    while (size > 0 && is_space(*text))
        text++, size--;
    while (size > 0 && is_space(text[size - 1]))
        size--;
    out->u.boolean =
        is_word(text, size, "true", 1) || is_word(text, size, "yes", 1) ||
        is_word(text, size, "on", 2) || is_word(text, size, "1", 1);
    if (out->u.boolean || is_word(text, size, "false", 1) ||
        is_word(text, size, "no", 1) || is_word(text, size, "off", 2) ||
        is_word(text, size, "0", 1))
        return 0;
    return ELPQ_E_DECODE;
}

/* Of text that is digits 0 and 1. */
static int encode_bits(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    const elpq_cell cell = { v->u.bytes.data, (int)v->u.bytes.size, codec->oid,
                             false, NULL };
    elpq_value as = elpq_value_init(codec->oid, ELPQ_KIND_BITS);
    struct elpq__scratch mem = { 0 };
    elpq_bits bits = { 0 };
    int rc = v->u.bytes.size > INT32_MAX
                 ? ELPQ_E_RANGE
                 : codec->ops->view(codec, &cell, &mem, &bits);

    as.u.bits.data = bits.data;
    as.u.bits.count = bits.count;
    if (!rc)
        rc = codec->ops->encode(codec, &as, out, why);
    elpq__scratch_free(&mem);
    return rc;
}

/*
 * What the codec makes of text; ELPQ_E_TYPE if it takes nothing but values,
 * or text as it is, which it had.
 */
static int parse(const struct elpq__codec *codec, const char *text, size_t size,
                 elpq_value *out)
{
    if (codec->kind == ELPQ_KIND_BOOL)
        return parse_bool(text, size, out);
    return codec->ops->parse ? codec->ops->parse(codec, text, size, out)
                             : ELPQ_E_TYPE;
}

/* A number that has become zero on the way, which the server refuses. */
static bool underflows(const elpq_value *parsed, const char *text, size_t size)
{
    if ((parsed->kind != ELPQ_KIND_DOUBLE && parsed->kind != ELPQ_KIND_FLOAT) ||
        parsed->u.float64 != 0)
        return false;
    for (size_t i = 0; i < size && text[i] != 'e' && text[i] != 'E'; i++)
        if (text[i] >= '1' && text[i] <= '9')
            return true;
    return false;
}

/* What was no value of the type is refused. */
static int outcome(const struct elpq__codec *codec, int rc,
                   struct elpq__why *why)
{
    if (rc == 0 || rc == ELPQ_E_VALUE || rc == ELPQ_E_NOMEM)
        return rc;
    return elpq__refuse(why, "the value cannot be sent as type %s",
                        codec->name);
}

/*
 * By way of text, as the server reads a literal of the type.  A number of
 * units of money is not: how many cents are in one, lc_monetary says.
 */
static int encode_printed(const struct elpq__codec *codec, const elpq_value *v,
                          struct elpq__buf *out, struct elpq__why *why)
{
    elpq_value parsed = elpq_value_init(codec->oid, (elpq_kind)codec->kind);
    size_t start = out->size;
    size_t size;
    int rc;

    if (codec->kind == ELPQ_KIND_MONEY)
        return elpq__refuse(why, "only elpq_money() can be sent as type %s",
                            codec->name);
    if (v->kind == ELPQ_KIND_TEXT && codec->kind == ELPQ_KIND_BITS)
        return outcome(codec, encode_bits(codec, v, out, why), why);
    if (v->kind == ELPQ_KIND_TEXT && codec->kind == ELPQ_KIND_BYTES)
        return outcome(codec,
                       elpq__parse_bytea(v->u.bytes.data, v->u.bytes.size, out),
                       why);
    rc = elpq__value_print(v, out, why);
    if (rc || codec->textual)
        return rc;
    size = out->size - start;
    elpq__buf_add_byte(out, '\0');
    if (out->failed)
        return ELPQ_E_NOMEM;
    rc = parse(codec, out->data + start, size, &parsed);
    if (!rc && underflows(&parsed, out->data + start, size))
        rc = ELPQ_E_RANGE;
    out->size = start;
    if (!rc)
        rc = codec->ops->encode(codec, &parsed, out, why);
    return outcome(codec, rc, why);
}

static int encode_raw(const elpq_value *v, uint32_t oid, struct elpq__buf *out,
                      struct elpq__why *why)
{
    if (v->oid != oid)
        return elpq__refuse(why,
                            "a raw value of type %u in a column of "
                            "type %u",
                            (unsigned)v->oid, (unsigned)oid);
    elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    return 0;
}

static int encode_value(const struct elpq__copy_column *column,
                        const elpq_value *v, struct elpq__buf *out,
                        struct elpq__why *why)
{
    elpq_value as = *v;
    int rc;

    if (v->kind == ELPQ_KIND_RAW)
        return encode_raw(v, column->oid, out, why);
    as.oid = column->oid;
    rc = column->codec->ops->encode(column->codec, &as, out, why);
    if (rc == ELPQ__AS_TEXT)
        rc = encode_printed(column->codec, &as, out, why);
    return rc;
}

/* Stores in network order, in one instruction or two. */
static inline char *put_int16(char *p, uint16_t x)
{
    x = htobe16(x);
    memcpy(p, &x, sizeof(x));
    return p + sizeof(x);
}

static inline char *put_int32(char *p, uint32_t x)
{
    x = htobe32(x);
    memcpy(p, &x, sizeof(x));
    return p + sizeof(x);
}

static inline char *put_int64(char *p, uint64_t x)
{
    x = htobe64(x);
    memcpy(p, &x, sizeof(x));
    return p + sizeof(x);
}

static inline char *put_text(char *p, const elpq_value *v, const char *limit)
{
    size_t size = v->u.bytes.size;

    if (limit - p < 4 || size > (size_t)(limit - p - 4))
        return NULL;
    p = put_int32(p, (uint32_t)size);
    if (size == 0)
        return p;
    if (memchr(v->u.bytes.data, '\0', size))
        return NULL; /* which the long way explains */
    memcpy(p, v->u.bytes.data, size);
    return p + size;
}

static inline char *put_timestamp(char *p, int64_t usec)
{
    /* Within some thousand years nothing overflows. */
    if (usec < -(INT64_C(1) << 55) || usec > INT64_C(1) << 58)
        return NULL;
    return put_int64(put_int32(p, 8), (uint64_t)(usec - ELPQ__EPOCH_USEC));
}

/*
 * The short way: writes a value and its length to where there is room for
 * FIXED bytes, and for a text up to the limit.  Returns their end; NULL if
 * the value has to go the long way.
 */
static inline char *encode_fast(const struct elpq__copy_column *column,
                                const elpq_value *v, char *p, const char *limit)
{
    if (v->kind != column->kind)
        return v->kind == ELPQ_KIND_NULL ? put_int32(p, UINT32_MAX) : NULL;
    switch ((enum elpq__copy_way)column->way) {
    case ELPQ__COPY_INT4:
        if (v->u.int64 != (int32_t)v->u.int64)
            return NULL;
        return put_int32(put_int32(p, 4), (uint32_t)v->u.int64);
    case ELPQ__COPY_8_BYTES:
        return put_int64(put_int32(p, 8), v->u.uint64);
    case ELPQ__COPY_TIMESTAMP:
        return put_timestamp(p, v->u.int64);
    case ELPQ__COPY_STRING:
        return put_text(p, v, limit);
    default: /* and its kind is that of NULL */
        return put_int32(p, UINT32_MAX);
    }
}

/* Writes from the value *at on, up to the first that goes the long way. */
static inline char *encode_fast_ones(const struct elpq__copy_column *columns,
                                     const elpq_value *values, int n, int *at,
                                     char *p, const char *limit)
{
    int i;

    for (i = *at; i < n; i++) {
        char *end = encode_fast(&columns[i], &values[i], p, limit);

        if (!end)
            break;
        p = end;
    }
    *at = i;
    return p;
}

/* Room for so much, seldom by a call. */
static inline char *room_for(struct elpq__buf *out, size_t size)
{
    if (out->room - out->size >= size && !out->failed)
        return out->data + out->size;
    return elpq__buf_reserve(out, size);
}

/* The long way, by the codec. */
static int encode_slow(const struct elpq__copy_column *column,
                       const elpq_value *v, struct elpq__buf *out,
                       struct elpq__why *why)
{
    size_t start = out->size;
    int rc;

    if (!elpq__buf_extend(out, 4)) /* the length, when it is known */
        return ELPQ_E_NOMEM;
    rc = encode_value(column, v, out, why);
    if (!rc && !out->failed)
        elpq__put_int32(out->data + start, (uint32_t)(out->size - start - 4));
    return rc;
}

/* ------------------------------------------------------------ text values */

static const char escapes[256] = {
    ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
};

/* Escapes what was appended since `start`. */
static void escape(struct elpq__buf *out, size_t start)
{
    size_t more = 0;
    size_t from, to;

    for (size_t i = start; i < out->size; i++)
        more += escapes[(unsigned char)out->data[i]] != 0;
    from = out->size;
    if (more == 0 || !elpq__buf_extend(out, more))
        return;
    for (to = out->size; from < to;) {
        char c = out->data[--from];
        char as = escapes[(unsigned char)c];

        out->data[--to] = as ? as : c;
        if (as)
            out->data[--to] = '\\';
    }
}

static int text_value(const struct elpq__copy_column *column,
                      const elpq_value *v, struct elpq__buf *out,
                      struct elpq__why *why)
{
    elpq_value as = *v;
    size_t start = out->size;
    int rc;

    if (v->kind == ELPQ_KIND_NULL) {
        elpq__buf_add_str(out, "\\N");
        return 0;
    }
    as.oid = column->codec ? column->codec->oid : column->oid;
    rc = elpq__value_print_as(column->codec, &as, out, why);
    if (!rc)
        escape(out, start);
    return rc;
}

/* -------------------------------------------------------------------- rows */

/*
 * *at is the value that failed.  Room is made for all values that are no
 * text at once: behind the limit there are FIXED bytes for each.
 */
static int binary_row(elpq_copy *copy, const elpq_value *values, int n, int *at,
                      struct elpq__why *why)
{
    struct elpq__buf *out = &copy->buf;
    size_t fixed = (size_t)n * FIXED;
    char *p = room_for(out, fixed + 2);
    int i = 0;
    int rc;

    if (!p)
        return ELPQ_E_NOMEM;
    p = put_int16(p, (uint16_t)n);
    for (;;) {
        p = encode_fast_ones(copy->columns, values, n, &i, p,
                             out->data + out->room - fixed);
        out->size = (size_t)(p - out->data);
        if (i == n)
            return 0;
        *at = i;
        rc = encode_slow(&copy->columns[i], &values[i], out, why);
        if (rc)
            return rc;
        if (!(p = room_for(out, fixed)))
            return ELPQ_E_NOMEM;
        i++;
    }
}

static int text_row(elpq_copy *copy, const elpq_value *values, int n, int *at,
                    struct elpq__why *why)
{
    struct elpq__buf *out = &copy->buf;
    int rc = 0;
    int i;

    for (i = 0; i < n && !rc; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, '\t');
        rc = text_value(&copy->columns[i], &values[i], out, why);
    }
    elpq__buf_add_byte(out, '\n');
    *at = i - 1;
    return rc;
}

static int encode_row(elpq_copy *copy, const elpq_value *values, int n, int *at,
                      struct elpq__why *why)
{
    int rc = copy->binary ? binary_row(copy, values, n, at, why)
                          : text_row(copy, values, n, at, why);

    return rc ? rc : elpq__buf_status(&copy->buf);
}

/* Who is to blame, in front of the explanation. */
static struct elpq__why explain(elpq_copy *copy, int column)
{
    struct elpq__why why = { copy->why, sizeof(copy->why) };
    int used = snprintf(why.text, why.size, "row %llu, column \"%.64s\": ",
                        (unsigned long long)copy->nrows + 1,
                        PQfname(copy->described, column));

    if (used > 0 && (size_t)used < why.size) {
        why.text += used;
        why.size -= (size_t)used;
    }
    return why;
}

/* The row is not taken; one that does not fit is encoded again, for the words.
 */
static __attribute__((noinline)) int refuse_row(elpq_copy *copy, size_t start,
                                                const elpq_value *values, int n,
                                                int at, int rc)
{
    struct elpq__why why;

    copy->buf.size = start;
    if (rc == ELPQ_E_VALUE) {
        why = explain(copy, at);
        rc = encode_row(copy, values, n, &at, &why);
    }
    copy->buf.size = start;
    copy->buf.failed = false;
    return rc;
}

int elpq__copy_encode(elpq_copy *copy, const elpq_value *values, unsigned n)
{
    size_t start = copy->buf.size;
    int at = 0;
    int rc;

    if (n != (unsigned)copy->ncolumns) {
        snprintf(copy->why, sizeof(copy->why),
                 "row %llu: %u values for %d columns",
                 (unsigned long long)copy->nrows + 1, n, copy->ncolumns);
        return ELPQ_E_VALUE;
    }
    rc = encode_row(copy, values, (int)n, &at, NULL);
    return rc ? refuse_row(copy, start, values, (int)n, at, rc) : 0;
}

void elpq__copy_encode_head(elpq_copy *copy)
{
    static const char head[19] = "PGCOPY\n\377\r\n"; /* no flags, no more */

    if (copy->binary)
        elpq__buf_add(&copy->buf, head, sizeof(head));
}

void elpq__copy_encode_tail(elpq_copy *copy)
{
    if (copy->binary)
        elpq__buf_add_int16(&copy->buf, 0xffff);
}

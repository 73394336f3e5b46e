/* SPDX-License-Identifier: PostgreSQL */
/*
 * Array parameters: from elpq_values and from C arrays.
 *
 * Elements go in binary if the codec of the element type takes all of them;
 * otherwise the whole array goes as a literal, for the server to parse.  An
 * array whose items are arrays is one of several dimensions.
 */
#include "params.h"

#include <inttypes.h>

#define COUNT_MAX 134217727 /* the server's limit of elements */

/* An array being read: elements come out as values of the element type. */
struct source {
    const struct elpq__codec *codec; /* of the elements; NULL: unknown */
    uint32_t elem_oid;               /* 0: each has its own */
    int ndim;
    uint32_t dims[ELPQ__ARRAY_DIMS];
    int32_t lower[ELPQ__ARRAY_DIMS];
};

/* The integer in `width` bytes of C memory. */
static uint64_t load_native(const char *p, unsigned width, bool is_signed)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } x = { .u64 = 0 };

    memcpy(&x, p, width);
    switch (width) {
    case 1:
        return is_signed ? (uint64_t)(int64_t)(int8_t)x.u8 : x.u8;
    case 2:
        return is_signed ? (uint64_t)(int64_t)(int16_t)x.u16 : x.u16;
    case 4:
        return is_signed ? (uint64_t)(int64_t)(int32_t)x.u32 : x.u32;
    default:
        return x.u64;
    }
}

/* Whether a C array's elements are of a kind and width that exist. */
static bool known_elements(const elpq_value *array)
{
    unsigned width = array->width;

    switch (array->elem) {
    case ELPQ_KIND_BOOL:
        return width == sizeof(bool);
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        return width == 1 || width == 2 || width == 4 || width == 8;
    case ELPQ_KIND_DOUBLE:
        return width == sizeof(double);
    case ELPQ_KIND_FLOAT:
        return width == sizeof(float);
    case ELPQ_KIND_TEXT:
        return width == sizeof(char *);
    case ELPQ_KIND_UUID:
        return width == 16;
    case ELPQ_KIND_DATE:
    case ELPQ_KIND_TIME:
    case ELPQ_KIND_TIMESTAMP:
        return width == sizeof(int64_t);
    case ELPQ_KIND_INTERVAL:
        return width == sizeof(elpq_interval_parts);
    default:
        return false;
    }
}

static elpq_value c_element(const struct source *s, const elpq_value *array,
                            const char *p)
{
    elpq_value v = elpq_value_init(s->elem_oid, (elpq_kind)array->elem);
    const char *text;
    float f;

    switch (v.kind) {
    case ELPQ_KIND_BOOL:
        v.u.boolean = *p != 0;
        break;
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        v.u.uint64 = load_native(p, array->width, v.kind == ELPQ_KIND_INT);
        break;
    case ELPQ_KIND_FLOAT:
        memcpy(&f, p, sizeof(f));
        v.u.float64 = f;
        break;
    case ELPQ_KIND_TEXT:
        memcpy(&text, p, sizeof(text));
        return elpq_text_as(s->elem_oid, text, text ? strlen(text) : 0);
    default:
        memcpy(&v.u, p, array->width);
        break;
    }
    return v;
}

static elpq_value element(const struct source *s, const elpq_value *array,
                          size_t i)
{
    const char *items = array->u.array.items;
    elpq_value v;

    if (array->kind == ELPQ_KIND_C_ARRAY)
        return c_element(s, array, items + i * array->width);
    v = ((const elpq_value *)(const void *)items)[i];
    if (s->elem_oid)
        v.oid = s->elem_oid;
    return v;
}

static bool is_array(const elpq_value *v)
{
    return v->kind == ELPQ_KIND_ARRAY || v->kind == ELPQ_KIND_C_ARRAY;
}

/* The value has one less, modulo 2^32: what is zero begins at 1. */
static int32_t lower_of(const elpq_value *array)
{
    return (int32_t)((uint32_t)array->u.array.shift + 1u);
}

/* The subscript behind the last one is one as well, says the server. */
static int check(const elpq_value *array, struct elpq__why *why)
{
    uint32_t count = array->u.array.count;

    if (count > COUNT_MAX)
        return elpq__refuse(
            why, "an array of %" PRIu32 " elements is too large", count);
    if (count > 0 && (int64_t)lower_of(array) + count > INT32_MAX)
        return elpq__refuse(why, "the subscripts of an array are too large");
    if (array->kind == ELPQ_KIND_C_ARRAY && !known_elements(array))
        return elpq__refuse(why,
                            "a C array of unknown elements: kind %d, "
                            "%d bytes",
                            array->elem, array->width);
    return 0;
}

/* Finds the dimensions, by the first item of each; all have to be alike. */
static int find_shape(struct source *s, const elpq_value *array,
                      struct elpq__why *why)
{
    uint64_t total = 1;
    int rc;

    for (s->ndim = 0; is_array(array);
         array = (const elpq_value *)array->u.array.items) {
        if (s->ndim == ELPQ__ARRAY_DIMS)
            return elpq__refuse(why, "an array of more than %d dimensions",
                                ELPQ__ARRAY_DIMS);
        rc = check(array, why);
        if (rc)
            return rc;
        s->dims[s->ndim] = array->u.array.count;
        s->lower[s->ndim] = lower_of(array);
        s->ndim++;
        total *= array->u.array.count;
        if (total == 0 && s->ndim > 1)
            return elpq__refuse(why, "an array inside an array is empty");
        if (total > COUNT_MAX)
            return elpq__refuse(
                why, "an array of %" PRIu64 " elements is too large", total);
        if (total == 0 || array->kind == ELPQ_KIND_C_ARRAY)
            break;
    }
    return 0;
}

/* Whether an item is what the dimension it is in has. */
static int check_item(const struct source *s, const elpq_value *item, int level,
                      struct elpq__why *why)
{
    if (level == s->ndim)
        return is_array(item) ? elpq__refuse(why, "an array among values") : 0;
    if (!is_array(item) || item->u.array.count != s->dims[level])
        return elpq__refuse(why, "arrays inside an array must have one length");
    return check(item, why);
}

/* ---------------------------------------------------------------- binary */

static void encode_head(const struct source *s, struct elpq__buf *out)
{
    int ndim = s->dims[0] ? s->ndim : 0;

    elpq__buf_add_int32(out, (uint32_t)ndim);
    elpq__buf_add_int32(out, 0);
    elpq__buf_add_int32(out, s->elem_oid);
    for (int i = 0; i < ndim; i++) {
        elpq__buf_add_int32(out, s->dims[i]);
        elpq__buf_add_int32(out, (uint32_t)s->lower[i]);
    }
}

/* C elements whose bytes are the wire's but for their order. */
static bool same_bits(const elpq_value *array, uint32_t elem_oid)
{
    if (array->kind != ELPQ_KIND_C_ARRAY)
        return false;
    switch (elem_oid) {
    case ELPQ_OID_INT4:
        return array->elem == ELPQ_KIND_INT && array->width == 4;
    case ELPQ_OID_INT8:
        return array->elem == ELPQ_KIND_INT && array->width == 8;
    case ELPQ_OID_FLOAT4:
        return array->elem == ELPQ_KIND_FLOAT;
    case ELPQ_OID_FLOAT8:
        return array->elem == ELPQ_KIND_DOUBLE;
    default:
        return false;
    }
}

static int encode_bits(const elpq_value *array, struct elpq__buf *out,
                       struct elpq__why *why)
{
    const char *items = array->u.array.items;
    size_t count = array->u.array.count;
    unsigned width = array->width;
    int rc = elpq__params_room(out, count * (width + 4), why);
    uint64_t x;
    size_t i;
    char *p;

    if (rc)
        return rc;
    p = elpq__buf_extend(out, count * (width + 4));
    for (i = 0; p && i < count; i++, p += 4 + width) {
        x = load_native(items + i * width, width, false);
        elpq__put_int32(p, width);
        if (width == 8)
            elpq__put_int32(p + 4, (uint32_t)(x >> 32));
        elpq__put_int32(p + width, (uint32_t)x);
    }
    return 0;
}

static int encode_items(const struct source *s, const elpq_value *array,
                        int level, struct elpq__buf *out, bool *nulls,
                        struct elpq__why *why);

static int encode_item(const struct source *s, const elpq_value *item,
                       int level, struct elpq__buf *out, bool *nulls,
                       struct elpq__why *why)
{
    int rc = check_item(s, item, level, why);

    if (rc)
        return rc;
    if (level < s->ndim)
        return encode_items(s, item, level + 1, out, nulls, why);
    *nulls = *nulls || item->kind == ELPQ_KIND_NULL;
    return elpq__encode_inner(s->codec, item, out, why);
}

/* The items of an array in the given dimension, counted from 1. */
static int encode_items(const struct source *s, const elpq_value *array,
                        int level, struct elpq__buf *out, bool *nulls,
                        struct elpq__why *why)
{
    struct elpq__why rest;
    elpq_value v;
    int rc = 0;

    if (same_bits(array, s->codec->oid))
        return encode_bits(array, out, why);
    for (uint32_t i = 0; i < array->u.array.count && !rc && !out->failed; i++) {
        v = element(s, array, i);
        rc = encode_item(s, &v, level, out, nulls, NULL);
        if (rc == ELPQ_E_VALUE && why)
            encode_item(s, &v, level, out, nulls,
                        elpq__why_part(why, &rest, "element", i));
    }
    return rc;
}

int elpq__array_binary(const struct elpq__codec *codec, const elpq_value *value,
                       struct elpq__buf *out, struct elpq__why *why)
{
    struct source s = { .codec = codec->elem, .elem_oid = codec->elem_oid };
    size_t start = out->size;
    bool nulls = false;
    int rc;

    if (!is_array(value))
        return ELPQ__AS_TEXT;
    rc = find_shape(&s, value, why);
    if (rc)
        return rc;
    encode_head(&s, out);
    rc = encode_items(&s, value, 1, out, &nulls, why);
    if (rc == ELPQ__AS_TEXT)
        out->size = start;
    else if (nulls && !out->failed)
        elpq__put_int32(out->data + start + 4, 1);
    return rc;
}

/* --------------------------------------------------------------- literal */

static int print_items(const struct source *s, const elpq_value *array,
                       int level, struct elpq__buf *out, struct elpq__why *why);

static int print_item(const struct source *s, const elpq_value *item, int level,
                      struct elpq__buf *out, struct elpq__why *why)
{
    char delimiter = s->codec ? s->codec->delimiter : ',';
    size_t start = out->size;
    int rc = check_item(s, item, level, why);

    if (rc)
        return rc;
    if (level < s->ndim)
        return print_items(s, item, level + 1, out, why);
    if (item->kind == ELPQ_KIND_NULL) {
        elpq__buf_add_str(out, "NULL");
        return 0;
    }
    rc = elpq__value_print_as(s->codec, item, out, why);
    if (!rc)
        elpq__quote(out, start, ELPQ__QUOTE_ARRAY, delimiter);
    return rc;
}

static int print_items(const struct source *s, const elpq_value *array,
                       int level, struct elpq__buf *out, struct elpq__why *why)
{
    char delimiter = s->codec ? s->codec->delimiter : ',';
    struct elpq__why rest;
    elpq_value v;
    int rc = 0;

    elpq__buf_add_byte(out, '{');
    for (uint32_t i = 0; i < array->u.array.count && !rc && !out->failed; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, delimiter);
        v = element(s, array, i);
        rc = print_item(s, &v, level, out, NULL);
        if (rc == ELPQ_E_VALUE && why)
            print_item(s, &v, level, out,
                       elpq__why_part(why, &rest, "element", i));
    }
    elpq__buf_add_byte(out, '}');
    return rc;
}

/* [0:1][1:2]=, if a subscript does not begin at 1 */
static void print_bounds(const struct source *s, struct elpq__buf *out)
{
    bool plain = s->dims[0] == 0;
    int i;

    for (i = 0; i < s->ndim && s->lower[i] == 1; i++)
        ;
    if (plain || i == s->ndim)
        return;
    for (i = 0; i < s->ndim; i++)
        elpq__buf_addf(out, "[%" PRId32 ":%" PRId64 "]", s->lower[i],
                       (int64_t)s->lower[i] + s->dims[i] - 1);
    elpq__buf_add_byte(out, '=');
}

int elpq__array_literal(const elpq_value *value, struct elpq__buf *out,
                        struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_find(value->oid);
    struct source s = { .codec = codec ? codec->elem : NULL,
                        .elem_oid = codec ? codec->elem_oid : ELPQ_OID_NONE };
    int rc = find_shape(&s, value, why);

    if (rc)
        return rc;
    print_bounds(&s, out);
    return print_items(&s, value, 1, out, why);
}

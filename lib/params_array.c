/* SPDX-License-Identifier: PostgreSQL */
/*
 * Array parameters: from elpq_values and from C arrays.
 *
 * Elements go in binary if the codec of the element type takes all of them;
 * otherwise the whole array goes as a literal, for the server to parse.
 */
#include "params.h"

#include <stdio.h>

#define COUNT_MAX 134217727 /* the server's limit of elements */

/* An array being read: elements come out as values of the element type. */
struct source {
    const elpq_value *array;
    uint32_t elem_oid;
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

static elpq_value c_element(const struct source *s, const char *p)
{
    elpq_value v = elpq_value_init(s->elem_oid, (elpq_kind)s->array->elem);
    const char *text;
    float f;

    switch (v.kind) {
    case ELPQ_KIND_BOOL:
        v.u.boolean = *p != 0;
        break;
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        v.u.uint64 = load_native(p, s->array->width, v.kind == ELPQ_KIND_INT);
        break;
    case ELPQ_KIND_FLOAT:
        memcpy(&f, p, sizeof(f));
        v.u.float64 = f;
        break;
    case ELPQ_KIND_TEXT:
        memcpy(&text, p, sizeof(text));
        return elpq_text_as(s->elem_oid, text, text ? strlen(text) : 0);
    default:
        memcpy(&v.u, p, s->array->width);
        break;
    }
    return v;
}

static elpq_value element(const struct source *s, size_t i)
{
    const char *items = s->array->u.array.items;
    elpq_value v;

    if (s->array->kind == ELPQ_KIND_C_ARRAY)
        return c_element(s, items + i * s->array->width);
    v = ((const elpq_value *)(const void *)items)[i];
    v.oid = s->elem_oid;
    return v;
}

static int check(const elpq_value *array, struct elpq__why *why)
{
    if (array->u.array.count > COUNT_MAX)
        return elpq__refuse(why, "an array of %zu elements is too large",
                            array->u.array.count);
    if (array->kind == ELPQ_KIND_C_ARRAY && !known_elements(array))
        return elpq__refuse(why,
                            "a C array of unknown elements: kind %d, "
                            "%d bytes",
                            array->elem, array->width);
    return 0;
}

/* Room for the explanation behind "element 3: ". */
static struct elpq__why *name_element(struct elpq__why *why,
                                      struct elpq__why *rest, size_t i)
{
    int used = why && why->size
                   ? snprintf(why->text, why->size, "element %zu: ", i + 1)
                   : -1;

    if (used < 0 || (size_t)used >= why->size)
        return NULL;
    rest->text = why->text + used;
    rest->size = why->size - (size_t)used;
    return rest;
}

/* ---------------------------------------------------------------- binary */

static int encode_element(const struct elpq__codec *codec, const elpq_value *v,
                          struct elpq__buf *out, struct elpq__why *why)
{
    size_t at = out->size;
    int rc = 0;

    elpq__buf_add_int32(out, UINT32_MAX);
    if (v->kind == ELPQ_KIND_NULL)
        return 0;
    if (v->kind == ELPQ_KIND_TEXT || v->kind == ELPQ_KIND_BYTES ||
        v->kind == ELPQ_KIND_RAW)
        rc = elpq__params_room(out, v->u.bytes.size, why);
    if (!rc && v->kind == ELPQ_KIND_RAW)
        elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    else if (!rc)
        rc = codec->ops->encode(codec, v, out, why);
    if (!rc && !out->failed)
        elpq__put_int32(out->data + at, (uint32_t)(out->size - at - 4));
    return rc;
}

static void encode_head(uint32_t elem_oid, size_t count, struct elpq__buf *out)
{
    elpq__buf_add_int32(out, count > 0);
    elpq__buf_add_int32(out, 0);
    elpq__buf_add_int32(out, elem_oid);
    if (count == 0)
        return;
    elpq__buf_add_int32(out, (uint32_t)count);
    elpq__buf_add_int32(out, 1); /* lower bound */
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

static int encode_elements(const struct source *s,
                           const struct elpq__codec *codec,
                           struct elpq__buf *out, struct elpq__why *why)
{
    size_t count = s->array->u.array.count;
    size_t head = out->size;
    bool nulls = false;
    struct elpq__why rest;
    elpq_value v;
    int rc = 0;
    size_t i;

    encode_head(codec->oid, count, out);
    if (same_bits(s->array, codec->oid))
        return encode_bits(s->array, out, why);
    for (i = 0; i < count && !rc && !out->failed; i++) {
        v = element(s, i);
        nulls = nulls || v.kind == ELPQ_KIND_NULL;
        rc = encode_element(codec, &v, out, NULL);
        if (rc == ELPQ_E_VALUE && why)
            encode_element(codec, &v, out, name_element(why, &rest, i));
    }
    if (nulls && !out->failed)
        elpq__put_int32(out->data + head + 4, 1);
    return rc;
}

int elpq__array_encode(const elpq_value *value, struct elpq__buf *out,
                       uint8_t *format, struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_of_array(value->oid);
    struct source s = { value, codec ? codec->oid : ELPQ_OID_NONE };
    size_t start = out->size;
    int rc = check(value, why);

    if (rc)
        return rc;
    rc = codec ? encode_elements(&s, codec, out, why) : ELPQ__AS_TEXT;
    if (rc != ELPQ__AS_TEXT)
        return rc;
    out->size = start;
    *format = 0;
    return elpq__array_literal(value, out, why);
}

/* --------------------------------------------------------------- literal */

static int print_element(const elpq_value *v, char delimiter,
                         struct elpq__buf *out, struct elpq__why *why)
{
    size_t start = out->size;
    int rc;

    if (v->kind == ELPQ_KIND_NULL) {
        elpq__buf_add_str(out, "NULL");
        return 0;
    }
    if (v->kind == ELPQ_KIND_ARRAY || v->kind == ELPQ_KIND_C_ARRAY)
        return elpq__refuse(why, "an array inside an array cannot be sent");
    rc = elpq__value_print(v, out, why);
    if (!rc)
        elpq__array_quote(out, start, delimiter);
    return rc;
}

int elpq__array_literal(const elpq_value *value, struct elpq__buf *out,
                        struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_of_array(value->oid);
    struct source s = { value, codec ? codec->oid : ELPQ_OID_NONE };
    char delimiter = codec ? codec->delimiter : ',';
    int rc = check(value, why);
    struct elpq__why rest;
    elpq_value v;
    size_t i;

    elpq__buf_add_byte(out, '{');
    for (i = 0; i < value->u.array.count && !rc && !out->failed; i++) {
        if (i > 0)
            elpq__buf_add_byte(out, delimiter);
        v = element(&s, i);
        rc = print_element(&v, delimiter, out, NULL);
        if (rc == ELPQ_E_VALUE && why)
            print_element(&v, delimiter, out, name_element(why, &rest, i));
    }
    elpq__buf_add_byte(out, '}');
    return rc;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of bool, of the integers (int2 int4 int8 oid xid cid xid8) and of
 * float4 and float8.  numeric is in codec_numeric.c, and how numbers look in
 * text in number.c.
 */
#include "codec.h"

#include <inttypes.h>
#include <math.h>

#include "number.h"

/* ------------------------------------------------------------------ bool */

static int bool_decode(const struct elpq__codec *codec, const char *data,
                       size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 1)
        return ELPQ_E_DECODE;
    out->u.boolean = *data != 0;
    return 0;
}

static int bool_parse(const struct elpq__codec *codec, const char *text,
                      size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 1 || (*text != 't' && *text != 'f'))
        return ELPQ_E_DECODE;
    out->u.boolean = *text == 't';
    return 0;
}

static int bool_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    (void)codec;
    if (size != 1)
        return ELPQ_E_DECODE;
    elpq__buf_add_byte(out, *data ? 't' : 'f');
    return 0;
}

static int bool_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    bool x;

    if (v->kind == ELPQ_KIND_BOOL)
        x = v->u.boolean;
    else if (v->kind == ELPQ_KIND_INT || v->kind == ELPQ_KIND_UINT)
        x = v->u.uint64 != 0;
    else
        return ELPQ__AS_TEXT;
    if (v->kind == ELPQ_KIND_INT && (v->u.int64 < 0 || v->u.int64 > 1))
        return elpq__refuse(why,
                            "value %" PRId64 " is out of range for type %s",
                            v->u.int64, codec->name);
    if (v->kind == ELPQ_KIND_UINT && v->u.uint64 > 1)
        return elpq__refuse(why,
                            "value %" PRIu64 " is out of range for type %s",
                            v->u.uint64, codec->name);
    elpq__buf_add_byte(out, x ? 1 : 0);
    return 0;
}

const struct elpq__codec_ops elpq__boolean_ops = { .decode = bool_decode,
                                                   .parse = bool_parse,
                                                   .print = bool_print,
                                                   .encode = bool_encode };

/* -------------------------------------------------------------- integers */

/* Two's complement of `width` bytes, or the same without sign. */
struct int_form {
    unsigned width;
    bool is_signed;
    int64_t min;
    uint64_t max;
};

static const struct int_form *int_form(uint32_t oid)
{
    static const struct int_form int2 = { 2, true, INT16_MIN, INT16_MAX };
    static const struct int_form int4 = { 4, true, INT32_MIN, INT32_MAX };
    static const struct int_form int8 = { 8, true, INT64_MIN, INT64_MAX };
    static const struct int_form uint4 = { 4, false, 0, UINT32_MAX };
    static const struct int_form uint8 = { 8, false, 0, UINT64_MAX };

    switch (oid) {
    case ELPQ_OID_INT2:
        return &int2;
    case ELPQ_OID_INT4:
        return &int4;
    case ELPQ_OID_INT8:
        return &int8;
    case ELPQ_OID_XID8:
        return &uint8;
    default:
        return &uint4;
    }
}

static int int_decode(const struct elpq__codec *codec, const char *data,
                      size_t size, elpq_value *out)
{
    const struct int_form *form = int_form(codec->oid);

    if (size != form->width)
        return ELPQ_E_DECODE;
    if (size == 8)
        out->u.uint64 = elpq__load64(data);
    else if (size == 2)
        out->u.int64 = (int16_t)elpq__load16(data);
    else if (form->is_signed)
        out->u.int64 = (int32_t)elpq__load32(data);
    else
        out->u.int64 = elpq__load32(data);
    return 0;
}

static int int_parse(const struct elpq__codec *codec, const char *text,
                     size_t size, elpq_value *out)
{
    const struct int_form *form = int_form(codec->oid);

    if (!form->is_signed) {
        if (elpq__parse_uint64(text, size, &out->u.uint64) ||
            out->u.uint64 > form->max)
            return ELPQ_E_DECODE;
        return 0;
    }
    if (elpq__parse_int64(text, size, &out->u.int64) ||
        out->u.int64 < form->min || out->u.int64 > (int64_t)form->max)
        return ELPQ_E_DECODE;
    return 0;
}

static int int_print(const struct elpq__codec *codec, const char *data,
                     size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_value_init(codec->oid, (elpq_kind)codec->kind);
    int rc = int_decode(codec, data, size, &v);

    if (rc)
        return rc;
    if (v.kind == ELPQ_KIND_UINT)
        elpq__print_uint64(out, v.u.uint64);
    else
        elpq__print_int64(out, v.u.int64);
    return 0;
}

/* A number as magnitude and sign: what all number kinds fit in. */
struct magnitude {
    uint64_t value;
    bool negative;
};

static int refuse_double(const struct elpq__codec *codec, double x,
                         const char *reason, struct elpq__why *why)
{
    char text[ELPQ__DOUBLE_SIZE];

    text[elpq__format_double(text, x)] = '\0';
    return elpq__refuse(why, "value %s %s type %s", text, reason, codec->name);
}

/* A double, or more than one: the words have it as a double. */
static int whole_magnitude(const struct elpq__codec *codec, long double x,
                           struct magnitude *out, struct elpq__why *why)
{
    if (!(fabsl(x) < 0x1p64L))
        return refuse_double(codec, (double)x, "is out of range for", why);
    if (x != truncl(x))
        return refuse_double(codec, (double)x, "is not whole, as needed for",
                             why);
    out->negative = x < 0;
    out->value = (uint64_t)fabsl(x);
    return 0;
}

static int magnitude_of(const struct elpq__codec *codec, const elpq_value *v,
                        struct magnitude *out, struct elpq__why *why)
{
    long double x;

    switch (v->kind) {
    case ELPQ_KIND_BOOL:
        out->value = v->u.boolean;
        out->negative = false;
        return 0;
    case ELPQ_KIND_INT:
        out->negative = v->u.int64 < 0;
        out->value = out->negative ? 0 - v->u.uint64 : v->u.uint64;
        return 0;
    case ELPQ_KIND_UINT:
        out->value = v->u.uint64;
        out->negative = false;
        return 0;
    case ELPQ_KIND_DOUBLE:
    case ELPQ_KIND_FLOAT:
        return whole_magnitude(codec, (long double)v->u.float64, out, why);
    case ELPQ_KIND_LONG_DOUBLE:
        memcpy(&x, v->u.uuid, sizeof(x));
        return whole_magnitude(codec, x, out, why);
    default:
        return ELPQ__AS_TEXT;
    }
}

static int int_encode(const struct elpq__codec *codec, const elpq_value *v,
                      struct elpq__buf *out, struct elpq__why *why)
{
    const struct int_form *form = int_form(codec->oid);
    struct magnitude m = { 0, false };
    int rc = magnitude_of(codec, v, &m, why);
    uint64_t limit;

    if (rc)
        return rc;
    limit = m.negative ? 0 - (uint64_t)form->min : form->max;
    if (m.value > limit)
        return elpq__refuse(why,
                            "value %s%" PRIu64 " is out of range for type %s",
                            m.negative ? "-" : "", m.value, codec->name);
    if (m.negative)
        m.value = 0 - m.value;
    if (form->width == 8)
        elpq__buf_add_int64(out, m.value);
    else if (form->width == 4)
        elpq__buf_add_int32(out, (uint32_t)m.value);
    else
        elpq__buf_add_int16(out, (uint16_t)m.value);
    return 0;
}

const struct elpq__codec_ops elpq__int_ops = { .decode = int_decode,
                                               .parse = int_parse,
                                               .print = int_print,
                                               .encode = int_encode };

/* -------------------------------------------------------- floating point */

static int float_decode(const struct elpq__codec *codec, const char *data,
                        size_t size, elpq_value *out)
{
    bool is_float = codec->oid == ELPQ_OID_FLOAT4;
    uint64_t bits64;
    uint32_t bits32;
    float f;

    if (size != (is_float ? sizeof(float) : sizeof(double)))
        return ELPQ_E_DECODE;
    if (is_float) {
        bits32 = elpq__load32(data);
        memcpy(&f, &bits32, sizeof(f));
        out->u.float64 = f;
    } else {
        bits64 = elpq__load64(data);
        memcpy(&out->u.float64, &bits64, sizeof(out->u.float64));
    }
    return 0;
}

static int float_parse(const struct elpq__codec *codec, const char *text,
                       size_t size, elpq_value *out)
{
    float f = 0;
    int rc;

    if (codec->oid == ELPQ_OID_FLOAT4) {
        rc = elpq__parse_float(text, size, &f);
        out->u.float64 = f;
    } else {
        rc = elpq__parse_double(text, size, &out->u.float64);
    }
    return rc ? ELPQ_E_DECODE : 0; /* the type holds all its text */
}

static int float_print(const struct elpq__codec *codec, const char *data,
                       size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_value_init(codec->oid, (elpq_kind)codec->kind);
    int rc = float_decode(codec, data, size, &v);

    if (rc)
        return rc;
    if (codec->oid == ELPQ_OID_FLOAT4)
        elpq__print_float(out, (float)v.u.float64);
    else
        elpq__print_double(out, v.u.float64);
    return 0;
}

static void encode_double(double x, struct elpq__buf *out)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof(bits));
    elpq__buf_add_int64(out, bits);
}

/* PostgreSQL, too, refuses what becomes infinity or zero on the way. */
static int encode_float(const struct elpq__codec *codec, double x,
                        struct elpq__buf *out, struct elpq__why *why)
{
    float f = 0;
    uint32_t bits;

    if (isfinite(x) && fabs(x) >= ELPQ__FLOAT_OVERFLOW)
        return refuse_double(codec, x, "is out of range for", why);
    f = (float)x;
    if (f == 0 && x != 0)
        return refuse_double(codec, x, "is out of range for", why);
    memcpy(&bits, &f, sizeof(bits));
    elpq__buf_add_int32(out, bits);
    return 0;
}

static int float_encode(const struct elpq__codec *codec, const elpq_value *v,
                        struct elpq__buf *out, struct elpq__why *why)
{
    double x;

    if (v->kind == ELPQ_KIND_DOUBLE || v->kind == ELPQ_KIND_FLOAT)
        x = v->u.float64;
    else if (v->kind == ELPQ_KIND_INT)
        x = (double)v->u.int64;
    else if (v->kind == ELPQ_KIND_UINT)
        x = (double)v->u.uint64;
    else
        return ELPQ__AS_TEXT;
    if (codec->oid == ELPQ_OID_FLOAT4)
        return encode_float(codec, x, out, why);
    encode_double(x, out);
    return 0;
}

const struct elpq__codec_ops elpq__float_ops = { .decode = float_decode,
                                                 .parse = float_parse,
                                                 .print = float_print,
                                                 .encode = float_encode };

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Parameters; see params.h.  Arrays are in params_array.c, other values with
 * values inside in params_parts.c.
 *
 * This runs once per statement, so the common values take a short way, and
 * nothing is written for errors before there is one: a parameter that fails
 * is encoded again, with its name in front of the explanation.
 */
#include "params.h"

#include <elpq/statement.h>

#include <stdio.h>

#include "alloc.h"

struct elpq__why *elpq__why_part(struct elpq__why *why, struct elpq__why *rest,
                                 const char *what, size_t i)
{
    int used = why && why->size
                   ? snprintf(why->text, why->size, "%s %zu: ", what, i + 1)
                   : -1;

    if (used < 0 || (size_t)used >= why->size)
        return NULL;
    rest->text = why->text + used;
    rest->size = why->size - (size_t)used;
    return rest;
}

int elpq__params_room(const struct elpq__buf *out, size_t more,
                      struct elpq__why *why)
{
    size_t limit = out->limit ? out->limit : ELPQ__BUF_LIMIT;

    if (out->size < limit && more < limit - out->size)
        return 0;
    return elpq__refuse(why, "the parameters take more than %zu bytes", limit);
}

/*
 * What a failed buffer means.  It fails by doubling its room past what
 * memory has, or past its limit, which it can only be near to.
 */
static int buf_outcome(const struct elpq__buf *out, struct elpq__why *why)
{
    size_t limit = out->limit ? out->limit : ELPQ__BUF_LIMIT;

    if (!out->failed)
        return 0;
    if (out->size < limit / 2)
        return ELPQ_E_NOMEM;
    return elpq__params_room(out, limit, why);
}

/* ------------------------------------------------------------- text form */

static int print_text(const elpq_value *v, struct elpq__buf *out,
                      struct elpq__why *why)
{
    size_t size = v->u.bytes.size;
    int rc = elpq__params_room(out, size, why);

    if (rc)
        return rc;
    if (size && memchr(v->u.bytes.data, '\0', size))
        return elpq__refuse(why, "text has a NUL byte inside");
    elpq__buf_add(out, v->u.bytes.data, size);
    return 0;
}

/* Bytes are what codecs take them for in binary: text, a uuid, or bytes. */
static int print_bytes(const elpq_value *v, struct elpq__buf *out,
                       struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_find(v->oid);
    int kind = codec ? codec->kind : ELPQ_KIND_BYTES;
    int rc;

    if (kind == ELPQ_KIND_TEXT)
        return print_text(v, out, why);
    if (kind == ELPQ_KIND_UUID) {
        if (v->u.bytes.size != sizeof(v->u.uuid))
            return elpq__refuse(why, "%zu bytes are no value of type %s",
                                v->u.bytes.size, codec->name);
        elpq__print_uuid(out, (const uint8_t *)v->u.bytes.data);
        return 0;
    }
    rc = elpq__params_room(out, v->u.bytes.size, why);
    if (!rc)
        elpq__print_bytea(out, v->u.bytes.data, v->u.bytes.size);
    return rc;
}

static int print_time_kind(const elpq_value *v, struct elpq__buf *out,
                           struct elpq__why *why)
{
    int64_t x = v->u.int64;
    int32_t days = 0;
    int64_t usec = 0;
    int rc;

    if (v->kind == ELPQ_KIND_DATE) {
        rc = elpq__date_to_wire(x, &days);
        if (!rc)
            return elpq__print_date(out, days);
    } else if (v->kind == ELPQ_KIND_TIME) {
        rc = elpq__print_time(out, x);
    } else {
        rc = elpq__timestamp_to_wire(x, &usec);
        if (!rc)
            rc = elpq__print_timestamp(
                out, usec, v->elem != 0 || v->oid == ELPQ_OID_TIMESTAMPTZ);
    }
    if (!rc)
        return 0;
    return elpq__refuse(why, "value %lld is out of range for a %s",
                        (long long)x,
                        v->kind == ELPQ_KIND_DATE   ? "date"
                        : v->kind == ELPQ_KIND_TIME ? "time"
                                                    : "timestamp");
}

/* Kinds whose text does not fit into one line here. */
static int print_bits(const elpq_value *v, struct elpq__buf *out,
                      struct elpq__why *why)
{
    int rc = elpq__params_room(out, v->u.bits.count, why);

    if (!rc)
        elpq__print_bits(out, v->u.bits.data, v->u.bits.count);
    return rc;
}

static int print_doubles(const elpq_value *v, struct elpq__buf *out,
                         struct elpq__why *why)
{
    const struct elpq__doubles x = { v->u.doubles.items, v->u.doubles.count,
                                     v->elem != 0 };

    if (elpq__print_doubles(out, v->oid, &x))
        return elpq__refuse(why, "%zu coordinates are no value of type %u",
                            x.count, (unsigned)v->oid);
    return 0;
}

/* Those of structs that are in the value. */
static int print_struct(const elpq_value *v, struct elpq__buf *out,
                        struct elpq__why *why)
{
    int rc = 0;

    switch (v->kind) {
    case ELPQ_KIND_TIMETZ:
        rc = elpq__print_timetz(out, &v->u.timetz);
        break;
    case ELPQ_KIND_MONEY: /* no text is the same in each lc_monetary */
        return elpq__refuse(why, "money is sent in binary, as type money only");
    case ELPQ_KIND_LSN:
        elpq__print_lsn(out, v->u.uint64);
        break;
    case ELPQ_KIND_TID:
        elpq__print_tid(out, &v->u.tid);
        break;
    case ELPQ_KIND_INET:
        rc = elpq__print_inet(out, v, v->oid == ELPQ_OID_CIDR);
        break;
    case ELPQ_KIND_MACADDR:
        if (v->width > sizeof(v->u.macaddr))
            rc = ELPQ_E_RANGE;
        else
            elpq__print_macaddr(out, v->u.macaddr, v->width);
        break;
    case ELPQ_KIND_POINT:
        elpq__print_point(out, v->u.point.x, v->u.point.y);
        break;
    default:
        return elpq__refuse(why, "a value of unknown kind %d", v->kind);
    }
    return rc ? elpq__refuse(why, "a value is out of range for its type") : 0;
}

/* Of values with values inside, which end somewhere. */
static int print_parts(const elpq_value *v, struct elpq__buf *out,
                       struct elpq__why *why)
{
    int rc;

    if (out->depth >= ELPQ__DEPTH)
        return elpq__refuse(why, "values inside of values are too deep");
    out->depth++;
    if (v->kind == ELPQ_KIND_ARRAY || v->kind == ELPQ_KIND_C_ARRAY)
        rc = elpq__array_literal(v, out, why);
    else
        rc = elpq__parts_literal(v, out, why);
    out->depth--;
    return rc;
}

int elpq__value_print(const elpq_value *v, struct elpq__buf *out,
                      struct elpq__why *why)
{
    switch (v->kind) {
    case ELPQ_KIND_BOOL:
        elpq__buf_add_str(out, v->u.boolean ? "true" : "false");
        return 0;
    case ELPQ_KIND_INT:
        elpq__print_int64(out, v->u.int64);
        return 0;
    case ELPQ_KIND_UINT:
        elpq__print_uint64(out, v->u.uint64);
        return 0;
    case ELPQ_KIND_DOUBLE:
        elpq__print_double(out, v->u.float64);
        return 0;
    case ELPQ_KIND_FLOAT:
        elpq__print_float(out, (float)v->u.float64);
        return 0;
    case ELPQ_KIND_TEXT:
        return print_text(v, out, why);
    case ELPQ_KIND_BYTES:
        return print_bytes(v, out, why);
    case ELPQ_KIND_UUID:
        elpq__print_uuid(out, v->u.uuid);
        return 0;
    case ELPQ_KIND_DATE:
    case ELPQ_KIND_TIME:
    case ELPQ_KIND_TIMESTAMP:
        return print_time_kind(v, out, why);
    case ELPQ_KIND_INTERVAL:
        elpq__print_interval(out, &v->u.interval);
        return 0;
    case ELPQ_KIND_RAW:
        return elpq__refuse(why, "a raw value has no text form");
    case ELPQ_KIND_DOUBLES:
        return print_doubles(v, out, why);
    case ELPQ_KIND_BITS:
        return print_bits(v, out, why);
    case ELPQ_KIND_INT128:
        elpq__print_int128(out, v->u.uuid);
        return 0;
    case ELPQ_KIND_LONG_DOUBLE:
        elpq__print_long_double(out, v->u.uuid);
        return 0;
    case ELPQ_KIND_ARRAY:
    case ELPQ_KIND_C_ARRAY:
    case ELPQ_KIND_RANGE:
    case ELPQ_KIND_MULTIRANGE:
    case ELPQ_KIND_COMPOSITE:
    case ELPQ_KIND_HSTORE:
        return print_parts(v, out, why);
    default:
        return print_struct(v, out, why);
    }
}

/* Whether the codec has a say in what its text is; see params.h. */
static bool prints_as(const struct elpq__codec *codec, const elpq_value *v)
{
    if (!codec || codec->in_text || codec->ops == &elpq__char_ops)
        return false;
    return v->kind != ELPQ_KIND_NULL && v->kind != ELPQ_KIND_TEXT &&
           v->kind != ELPQ_KIND_RAW && v->kind != ELPQ_KIND_MONEY;
}

/* What was written since `start` becomes text; few values are not small. */
static int print_binary(const struct elpq__codec *codec, struct elpq__buf *out,
                        size_t start, struct elpq__why *why)
{
    size_t size = out->size - start;
    char small[128];
    char *data = small;
    int rc;

    if (size >= sizeof(small))
        data = elpq__alloc_array(size + 1, 1);
    if (!data)
        return ELPQ_E_NOMEM;
    if (size)
        memcpy(data, out->data + start, size);
    data[size] = '\0';
    out->size = start;
    rc = elpq__print_inner(codec, data, size, out);
    if (data != small)
        free(data);
    if (rc && rc != ELPQ_E_NOMEM) /* of what was raw inside */
        rc = elpq__refuse(why, "the value cannot be sent as type %s",
                          codec->name);
    return out->failed ? 0 : rc;
}

int elpq__value_print_as(const struct elpq__codec *codec, const elpq_value *v,
                         struct elpq__buf *out, struct elpq__why *why)
{
    size_t start = out->size;
    int rc = ELPQ__AS_TEXT;

    if (prints_as(codec, v))
        rc = codec->ops->encode(codec, v, out, why);
    if (rc == ELPQ__AS_TEXT) {
        out->size = start;
        return elpq__value_print(v, out, why);
    }
    if (rc || out->failed || codec->textual)
        return rc;
    return print_binary(codec, out, start, why);
}

/* -------------------------------------------------------------- encoding */

/* A value in binary if its type's codec has it so; else in text form. */
static int encode_by_codec(const elpq_value *v, struct elpq__buf *out,
                           uint8_t *format, struct elpq__why *why)
{
    const struct elpq__codec *codec = elpq__codec_find(v->oid);
    int rc = ELPQ__AS_TEXT;

    if (codec)
        rc = codec->ops->encode(codec, v, out, why);
    if (rc == ELPQ__AS_TEXT) {
        *format = 0;
        rc = elpq__value_print(v, out, why);
    }
    return rc;
}

/* Bytes for a type that nobody here knows are its binary form. */
static int encode_bytes(const elpq_value *v, struct elpq__buf *out,
                        uint8_t *format, struct elpq__why *why)
{
    int rc = elpq__params_room(out, v->u.bytes.size, why);

    if (rc)
        return rc;
    if (v->kind == ELPQ_KIND_BYTES && elpq__codec_find(v->oid))
        return encode_by_codec(v, out, format, why);
    elpq__buf_add(out, v->u.bytes.data, v->u.bytes.size);
    return 0;
}

static int encode_any(const elpq_value *v, struct elpq__buf *out,
                      uint8_t *format, struct elpq__why *why)
{
    switch (v->kind) {
    case ELPQ_KIND_TEXT:
        *format = 0;
        return print_text(v, out, why);
    case ELPQ_KIND_RAW:
    case ELPQ_KIND_BYTES:
        return encode_bytes(v, out, format, why);
    default:
        return encode_by_codec(v, out, format, why);
    }
}

int elpq__value_encode(const elpq_value *v, struct elpq__buf *out,
                       struct elpq__encoded *encoded, struct elpq__why *why)
{
    int rc = 0;

    encoded->oid = v->oid;
    encoded->offset = out->size;
    encoded->format = 1;
    encoded->is_null = v->kind == ELPQ_KIND_NULL;
    if (v->kind == ELPQ_KIND_NULL)
        encoded->format = 0;
    else if (v->kind == ELPQ_KIND_INT && v->oid == ELPQ_OID_INT8)
        elpq__buf_add_int64(out, v->u.uint64);
    else if (v->kind == ELPQ_KIND_INT && v->oid == ELPQ_OID_INT4 &&
             v->u.int64 == (int32_t)v->u.int64)
        elpq__buf_add_int32(out, (uint32_t)v->u.int64);
    else
        rc = encode_any(v, out, &encoded->format, why);
    if (rc)
        return rc;
    encoded->length = (int32_t)(out->size - encoded->offset);
    if (encoded->format == 0 && !encoded->is_null)
        elpq__buf_add_byte(out, '\0');
    return buf_outcome(out, why);
}

int elpq__params_encode(const elpq_value *values, unsigned n,
                        struct elpq__buf *out, struct elpq__encoded *encoded,
                        char *why, size_t why_size)
{
    struct elpq__why reason = { why, why_size };
    int rc = 0;
    unsigned i;
    int used;

    if (n > ELPQ_MAX_PARAMETERS)
        return elpq__refuse(&reason,
                            "%u parameters are more than the %d that a "
                            "statement can have",
                            n, ELPQ_MAX_PARAMETERS);
    for (i = 0; i < n && !rc; i++)
        rc = elpq__value_encode(&values[i], out, &encoded[i], NULL);
    if (rc != ELPQ_E_VALUE || why_size == 0)
        return rc;
    used = snprintf(why, why_size, "parameter $%u: ", i);
    if (used > 0 && (size_t)used < why_size) {
        reason.text += used;
        reason.size -= (size_t)used;
        out->size = encoded[i - 1].offset;
        out->failed = false;
        elpq__value_encode(&values[i - 1], out, &encoded[i - 1], &reason);
    }
    return rc;
}

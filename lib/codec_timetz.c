/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codec of timetz.  The binary form: int64 microseconds since midnight, int32
 * seconds west of UTC.  elpq's values count east, as the text does.
 */
#include "codec.h"

#include <stdlib.h>

#define OFFSET_END (16 * 3600) /* the server's limit */
#define SECOND INT64_C(1000000)

static bool is_valid(const elpq_timetz_parts *x)
{
    return x->microseconds >= 0 && x->microseconds <= ELPQ__DAY_USEC &&
           x->offset > -OFFSET_END && x->offset < OFFSET_END;
}

static int timetz_decode(const struct elpq__codec *codec, const char *data,
                         size_t size, elpq_value *out)
{
    uint32_t west;

    (void)codec;
    if (size != 12)
        return ELPQ_E_DECODE;
    out->u.timetz.microseconds = (int64_t)elpq__load64(data);
    west = elpq__load32(data + 8);
    out->u.timetz.offset = (int32_t)(0u - west);
    return is_valid(&out->u.timetz) ? 0 : ELPQ_E_DECODE;
}

static int timetz_parse(const struct elpq__codec *codec, const char *text,
                        size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(text, size);

    (void)codec;
    out->u.timetz.microseconds = elpq__take_time(&r);
    out->u.timetz.offset = (int32_t)(elpq__take_offset(&r) / SECOND);
    return elpq__read_done(&r) && is_valid(&out->u.timetz) ? 0 : ELPQ_E_DECODE;
}

/* +hh, and minutes and seconds if there are any */
static void print_offset(struct elpq__buf *out, int offset)
{
    int x = abs(offset);

    elpq__buf_addf(out, "%c%02d", offset < 0 ? '-' : '+', x / 3600);
    if (x % 3600)
        elpq__buf_addf(out, ":%02d", x / 60 % 60);
    if (x % 60)
        elpq__buf_addf(out, ":%02d", x % 60);
}

int elpq__print_timetz(struct elpq__buf *out, const elpq_timetz_parts *x)
{
    if (!is_valid(x))
        return ELPQ_E_RANGE;
    elpq__print_time(out, x->microseconds);
    print_offset(out, x->offset);
    return 0;
}

static int timetz_print(const struct elpq__codec *codec, const char *data,
                        size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_null(0);
    int rc = timetz_decode(codec, data, size, &v);

    return rc ? rc : elpq__print_timetz(out, &v.u.timetz);
}

static int timetz_encode(const struct elpq__codec *codec, const elpq_value *v,
                         struct elpq__buf *out, struct elpq__why *why)
{
    if (v->kind != ELPQ_KIND_TIMETZ)
        return ELPQ__AS_TEXT;
    if (!is_valid(&v->u.timetz))
        return elpq__refuse(why, "a value is out of range for type %s",
                            codec->name);
    elpq__buf_add_int64(out, (uint64_t)v->u.timetz.microseconds);
    elpq__buf_add_int32(out, 0u - (uint32_t)v->u.timetz.offset);
    return 0;
}

const struct elpq__codec_ops elpq__timetz_ops = { .decode = timetz_decode,
                                                  .parse = timetz_parse,
                                                  .print = timetz_print,
                                                  .encode = timetz_encode };

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of bit and varbit, and of what is a number in other clothes: money,
 * pg_lsn, tid.
 *
 * The binary form of bits: int32 count, and as many bytes as that takes, whose
 * unused bits are zero.
 */
#include "codec.h"

#include <inttypes.h>

#include "params.h"

/* ------------------------------------------------------------------ bits */

static size_t bytes_of(size_t bits)
{
    return bits / 8 + (bits % 8 != 0);
}

static int bits_read(const char *data, size_t size, elpq_bits *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    int32_t count = elpq__read_int32(&r);

    if (r.bad || count < 0 || elpq__read_left(&r) != bytes_of((size_t)count))
        return ELPQ_E_DECODE;
    out->data = (const uint8_t *)r.p;
    out->count = (size_t)count;
    return 0;
}

static int bits_parse(const elpq_cell *cell, struct elpq__scratch *mem,
                      elpq_bits *out)
{
    size_t count = (size_t)cell->size;
    uint8_t *data;

    for (size_t i = 0; i < count; i++)
        if (cell->data[i] != '0' && cell->data[i] != '1')
            return ELPQ_E_DECODE;
    data = elpq__scratch_alloc(mem, bytes_of(count) + 1);
    if (!data)
        return ELPQ_E_NOMEM;
    memset(data, 0, bytes_of(count));
    for (size_t i = 0; i < count; i++)
        if (cell->data[i] == '1')
            data[i / 8] |= (uint8_t)(0x80u >> (i % 8));
    out->data = data;
    out->count = count;
    return 0;
}

static int bits_view(const struct elpq__codec *codec, const elpq_cell *cell,
                     struct elpq__scratch *mem, void *out)
{
    (void)codec;
    return cell->binary ? bits_read(cell->data, (size_t)cell->size, out)
                        : bits_parse(cell, mem, out);
}

void elpq__print_bits(struct elpq__buf *out, const uint8_t *data, size_t count)
{
    char *p = elpq__buf_extend(out, count);

    for (size_t i = 0; p && i < count; i++)
        p[i] = data[i / 8] & (0x80u >> (i % 8)) ? '1' : '0';
}

static int bits_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    elpq_bits bits;
    int rc = bits_read(data, size, &bits);

    (void)codec;
    if (!rc)
        elpq__print_bits(out, bits.data, bits.count);
    return rc;
}

/* The server refuses bits that do not belong to the value. */
static int bits_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    size_t size = bytes_of(v->u.bits.count);
    char *p;
    int rc;

    if (v->kind != ELPQ_KIND_BITS)
        return ELPQ__AS_TEXT;
    if (v->u.bits.count > INT32_MAX)
        return elpq__refuse(why, "%zu bits are too many for type %s",
                            v->u.bits.count, codec->name);
    rc = elpq__params_room(out, size + 4, why);
    if (rc)
        return rc;
    elpq__buf_add_int32(out, (uint32_t)v->u.bits.count);
    p = elpq__buf_extend(out, size);
    if (p && size) {
        memcpy(p, v->u.bits.data, size);
        if (v->u.bits.count % 8)
            p[size - 1] &= (char)(0xff00u >> (v->u.bits.count % 8));
    }
    return 0;
}

const struct elpq__codec_ops elpq__bits_ops = { .print = bits_print,
                                                .encode = bits_encode,
                                                .view = bits_view };

/* ----------------------------------------------------------------- money */

/*
 * An integer of the currency's smallest unit.  Its text depends on lc_monetary
 * of the server, where only the digits and the sign are sure; so it is never
 * sent in text.  What came in binary is written as in the locale C.
 */
static int money_decode(const struct elpq__codec *codec, const char *data,
                        size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 8)
        return ELPQ_E_DECODE;
    out->u.int64 = (int64_t)elpq__load64(data);
    return 0;
}

/* "-$1,234.56", "($1,234.56)", "1.234,56 EUR-": digits, and a sign. */
static int money_parse(const struct elpq__codec *codec, const char *text,
                       size_t size, elpq_value *out)
{
    bool negative = false;
    bool found = false;
    uint64_t x = 0;

    (void)codec;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '-' || text[i] == '(')
            negative = true;
        if (text[i] < '0' || text[i] > '9')
            continue;
        found = true;
        if (x > (UINT64_MAX - 9) / 10)
            return ELPQ_E_DECODE;
        x = x * 10 + (uint64_t)(text[i] - '0');
    }
    if (!found || x > (uint64_t)INT64_MAX + negative)
        return ELPQ_E_DECODE;
    out->u.int64 = (int64_t)(negative ? 0 - x : x);
    return 0;
}

static void print_money(struct elpq__buf *out, int64_t x)
{
    uint64_t units = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    char digits[ELPQ__INT_SIZE];
    size_t n = elpq__format_uint64(digits, units / 100);

    elpq__buf_add_str(out, x < 0 ? "-$" : "$");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            elpq__buf_add_byte(out, ',');
        elpq__buf_add_byte(out, digits[i]);
    }
    elpq__buf_addf(out, ".%02d", (int)(units % 100));
}

static int money_print(const struct elpq__codec *codec, const char *data,
                       size_t size, struct elpq__buf *out)
{
    (void)codec;
    if (size != 8)
        return ELPQ_E_DECODE;
    print_money(out, (int64_t)elpq__load64(data));
    return 0;
}

/* Plain numbers count whole units of the currency, which the server knows. */
static int money_encode(const struct elpq__codec *codec, const elpq_value *v,
                        struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_MONEY)
        return ELPQ__AS_TEXT;
    elpq__buf_add_int64(out, v->u.uint64);
    return 0;
}

const struct elpq__codec_ops elpq__money_ops = { .decode = money_decode,
                                                 .parse = money_parse,
                                                 .print = money_print,
                                                 .encode = money_encode };

/* ---------------------------------------------------------------- pg_lsn */

static int lsn_decode(const struct elpq__codec *codec, const char *data,
                      size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 8)
        return ELPQ_E_DECODE;
    out->u.uint64 = elpq__load64(data);
    return 0;
}

/* A number of at most 32 bits in hexadecimal digits. */
static uint32_t take_hex(struct elpq__reader *r)
{
    const char *start = r->p;
    uint32_t x = 0;
    uint8_t digit;
    char pair[2] = { '0', '0' };

    for (; r->p < r->end && r->p - start < 8; r->p++) {
        pair[1] = *r->p;
        if (elpq__parse_hex(pair, &digit))
            break;
        x = x << 4 | digit;
    }
    if (r->p == start)
        r->bad = true;
    return x;
}

static int lsn_parse(const struct elpq__codec *codec, const char *text,
                     size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(text, size);

    (void)codec;
    out->u.uint64 = (uint64_t)take_hex(&r) << 32;
    if (!elpq__take(&r, '/'))
        return ELPQ_E_DECODE;
    out->u.uint64 |= take_hex(&r);
    return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
}

void elpq__print_lsn(struct elpq__buf *out, uint64_t x)
{
    elpq__buf_addf(out, "%" PRIX32 "/%" PRIX32, (uint32_t)(x >> 32),
                   (uint32_t)x);
}

static int lsn_print(const struct elpq__codec *codec, const char *data,
                     size_t size, struct elpq__buf *out)
{
    (void)codec;
    if (size != 8)
        return ELPQ_E_DECODE;
    elpq__print_lsn(out, elpq__load64(data));
    return 0;
}

static int lsn_encode(const struct elpq__codec *codec, const elpq_value *v,
                      struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_LSN && v->kind != ELPQ_KIND_UINT)
        return ELPQ__AS_TEXT;
    elpq__buf_add_int64(out, v->u.uint64);
    return 0;
}

const struct elpq__codec_ops elpq__lsn_ops = { .decode = lsn_decode,
                                               .parse = lsn_parse,
                                               .print = lsn_print,
                                               .encode = lsn_encode };

/* ------------------------------------------------------------------- tid */

static int tid_decode(const struct elpq__codec *codec, const char *data,
                      size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 6)
        return ELPQ_E_DECODE;
    out->u.tid.block = elpq__load32(data);
    out->u.tid.offset = elpq__load16(data + 4);
    return 0;
}

static int tid_parse(const struct elpq__codec *codec, const char *text,
                     size_t size, elpq_value *out)
{
    const char *comma = size ? memchr(text, ',', size) : NULL;
    uint64_t block, offset;

    (void)codec;
    if (!comma || text[0] != '(' || text[size - 1] != ')' || comma == text ||
        elpq__parse_uint64(text + 1, (size_t)(comma - text) - 1, &block) ||
        elpq__parse_uint64(comma + 1, (size_t)(text + size - comma) - 2,
                           &offset) ||
        block > UINT32_MAX || offset > UINT16_MAX)
        return ELPQ_E_DECODE;
    out->u.tid.block = (uint32_t)block;
    out->u.tid.offset = (uint16_t)offset;
    return 0;
}

void elpq__print_tid(struct elpq__buf *out, const elpq_tid_parts *x)
{
    elpq__buf_addf(out, "(%" PRIu32 ",%" PRIu16 ")", x->block, x->offset);
}

static int tid_print(const struct elpq__codec *codec, const char *data,
                     size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_null(0);
    int rc = tid_decode(codec, data, size, &v);

    if (!rc)
        elpq__print_tid(out, &v.u.tid);
    return rc;
}

static int tid_encode(const struct elpq__codec *codec, const elpq_value *v,
                      struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_TID)
        return ELPQ__AS_TEXT;
    elpq__buf_add_int32(out, v->u.tid.block);
    elpq__buf_add_int16(out, v->u.tid.offset);
    return 0;
}

const struct elpq__codec_ops elpq__tid_ops = { .decode = tid_decode,
                                               .parse = tid_parse,
                                               .print = tid_print,
                                               .encode = tid_encode };

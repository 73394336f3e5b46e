/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codec of numeric.  Its value is its text, which is exact whatever its size.
 *
 * The binary form:
 *     int16   ndigits   digits that follow
 *     int16   weight    the first digit counts 10000^weight
 *     uint16  sign      plus, minus, NaN, the infinities
 *     uint16  dscale    decimal digits shown after the point
 *     int16   digits[]  each 0 to 9999; zeros at both ends are left out
 *
 * Values are sent in text form: the server parses that as fast.
 */
#include "codec.h"

#include <string.h>

#define BASE 10000
#define BASE_DIGITS 4
#define DSCALE_MAX 0x3FFF

enum {
    SIGN_PLUS = 0x0000,
    SIGN_MINUS = 0x4000,
    SIGN_NAN = 0xC000,
    SIGN_INFINITY = 0xD000,
    SIGN_NEG_INFINITY = 0xF000
};

struct numeric {
    int ndigits;
    int weight;
    int sign;
    int dscale;
    const char *digits; /* 2 * ndigits bytes */
};

/* Digit i; what is beyond the digits is zero. */
static int digit_at(const struct numeric *n, int i)
{
    return i >= 0 && i < n->ndigits ? elpq__load16(n->digits + 2 * i) : 0;
}

static int numeric_read(struct numeric *n, const char *data, size_t size)
{
    struct elpq__reader r = elpq__reader_of(data, size);
    int i;

    n->ndigits = elpq__read_uint16(&r);
    n->weight = elpq__read_int16(&r);
    n->sign = elpq__read_uint16(&r);
    n->dscale = elpq__read_uint16(&r);
    n->digits = elpq__read_bytes(&r, 2 * (size_t)n->ndigits);
    if (!elpq__read_done(&r) || n->dscale > DSCALE_MAX)
        return ELPQ_E_DECODE;
    for (i = 0; i < n->ndigits; i++)
        if (digit_at(n, i) >= BASE)
            return ELPQ_E_DECODE;
    /* zeros at the front that nobody sends, but who knows */
    while (n->ndigits > 0 && digit_at(n, 0) == 0) {
        n->digits += 2;
        n->ndigits--;
        n->weight--;
    }
    if (n->ndigits == 0)
        n->weight = 0;
    switch (n->sign) {
    case SIGN_PLUS:
    case SIGN_MINUS:
    case SIGN_NAN:
    case SIGN_INFINITY:
    case SIGN_NEG_INFINITY:
        return 0;
    default:
        return ELPQ_E_DECODE;
    }
}

static void put_digit(char *p, int digit)
{
    p[0] = (char)('0' + digit / 1000);
    p[1] = (char)('0' + digit / 100 % 10);
    p[2] = (char)('0' + digit / 10 % 10);
    p[3] = (char)('0' + digit % 10);
}

static void print_integer_part(const struct numeric *n, struct elpq__buf *out)
{
    int count = n->weight + 1;
    char *p;
    int i;

    elpq__print_int64(out, n->weight >= 0 ? digit_at(n, 0) : 0);
    if (count < 2)
        return;
    p = elpq__buf_extend(out, (size_t)(count - 1) * BASE_DIGITS);
    if (!p)
        return;
    for (i = 1; i < count; i++, p += BASE_DIGITS)
        put_digit(p, digit_at(n, i));
}

static void print_fraction(const struct numeric *n, struct elpq__buf *out)
{
    size_t start;
    int i = n->weight + 1;
    int left;
    char *p;

    if (n->dscale == 0)
        return;
    elpq__buf_add_byte(out, '.');
    start = out->size;
    p = elpq__buf_reserve(out, (size_t)n->dscale + BASE_DIGITS);
    if (!p)
        return;
    for (left = n->dscale; left > 0; left -= BASE_DIGITS) {
        put_digit(p, digit_at(n, i++));
        p += BASE_DIGITS;
    }
    out->size = start + (size_t)n->dscale;
}

int elpq__numeric_print(const char *data, size_t size, struct elpq__buf *out)
{
    struct numeric n;
    int rc = numeric_read(&n, data, size);

    if (rc)
        return rc;
    switch (n.sign) {
    case SIGN_NAN:
        elpq__buf_add_str(out, "NaN");
        return 0;
    case SIGN_INFINITY:
        elpq__buf_add_str(out, "Infinity");
        return 0;
    case SIGN_NEG_INFINITY:
        elpq__buf_add_str(out, "-Infinity");
        return 0;
    case SIGN_MINUS:
        elpq__buf_add_byte(out, '-');
        break;
    default:
        break;
    }
    print_integer_part(&n, out);
    print_fraction(&n, out);
    return 0;
}

static int numeric_print(const struct elpq__codec *codec, const char *data,
                         size_t size, struct elpq__buf *out)
{
    (void)codec;
    return elpq__numeric_print(data, size, out);
}

/* -------------------------------------------------------------- integers */

static int signed_int64(uint64_t x, bool negative, int64_t *out)
{
    if (x > (uint64_t)INT64_MAX + negative)
        return ELPQ_E_RANGE;
    *out = (int64_t)(negative ? 0 - x : x);
    return 0;
}

int elpq__numeric_int64(const char *data, size_t size, int64_t *out)
{
    struct numeric n;
    uint64_t x = 0;
    int rc = numeric_read(&n, data, size);
    int i;

    if (rc)
        return rc;
    if (n.sign != SIGN_PLUS && n.sign != SIGN_MINUS)
        return ELPQ_E_RANGE;
    if (n.weight > 4) /* 10^20 and more */
        return ELPQ_E_RANGE;
    for (i = 0; i <= n.weight; i++) {
        unsigned digit = (unsigned)digit_at(&n, i);

        if (x > (UINT64_MAX - digit) / BASE)
            return ELPQ_E_RANGE;
        x = x * BASE + digit;
    }
    for (i = n.weight < 0 ? 0 : n.weight + 1; i < n.ndigits; i++)
        if (digit_at(&n, i) != 0)
            return ELPQ_E_RANGE;
    return signed_int64(x, n.sign == SIGN_MINUS, out);
}

int elpq__numeric_text_int64(const char *text, size_t size, int64_t *out)
{
    const char *point = memchr(text, '.', size);
    size_t whole = point ? (size_t)(point - text) : size;
    bool fraction = false;
    int64_t x = 0;
    size_t i;
    int rc;

    if (size > 0 && (text[size - 1] == 'N' || text[size - 1] == 'y'))
        return ELPQ_E_RANGE; /* NaN, Infinity, -Infinity */
    for (i = whole + 1; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ELPQ_E_DECODE;
        fraction = fraction || text[i] != '0';
    }
    rc = elpq__parse_int64(text, whole, &x);
    if (!rc && fraction)
        rc = ELPQ_E_RANGE;
    if (!rc)
        *out = x;
    return rc;
}

int elpq__numeric_whole(const char *data, size_t size, struct elpq__buf *out)
{
    struct numeric n;
    int rc = numeric_read(&n, data, size);

    if (rc)
        return rc;
    if (n.sign != SIGN_PLUS && n.sign != SIGN_MINUS)
        return ELPQ_E_RANGE;
    if (n.weight > 9) /* 10^40 and more: nobody asks for those */
        return ELPQ_E_RANGE;
    for (int i = n.weight < 0 ? 0 : n.weight + 1; i < n.ndigits; i++)
        if (digit_at(&n, i) != 0)
            return ELPQ_E_RANGE;
    if (n.sign == SIGN_MINUS)
        elpq__buf_add_byte(out, '-');
    print_integer_part(&n, out);
    return elpq__buf_status(out);
}

/* -------------------------------------------------------------- encoding */

static int numeric_encode(const struct elpq__codec *codec, const elpq_value *v,
                          struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)v, (void)out, (void)why;
    return ELPQ__AS_TEXT;
}

const struct elpq__codec_ops elpq__numeric_ops = { .print = numeric_print,
                                                   .encode = numeric_encode };

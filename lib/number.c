/* SPDX-License-Identifier: PostgreSQL */
/*
 * Numbers in text; see number.h.
 *
 * strtod() and printf() do the exact work.  They are given and asked for
 * whole digits with an exponent, such as 15e-1, where no locale has a say.
 */
#include "number.h"

#include <elpq/error.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- integers */

int elpq__parse_uint64(const char *text, size_t size, uint64_t *out)
{
    uint64_t x = 0;
    size_t i;

    if (size == 0)
        return ELPQ_E_DECODE;
    for (i = 0; i < size; i++) {
        unsigned digit = (unsigned)text[i] - '0';

        if (digit > 9)
            return ELPQ_E_DECODE;
        if (x > (UINT64_MAX - digit) / 10)
            return ELPQ_E_RANGE;
        x = x * 10 + digit;
    }
    *out = x;
    return 0;
}

int elpq__parse_int64(const char *text, size_t size, int64_t *out)
{
    bool negative = size > 0 && text[0] == '-';
    uint64_t x;
    int rc = elpq__parse_uint64(text + negative, size - negative, &x);

    if (rc)
        return rc;
    if (x > (uint64_t)INT64_MAX + negative)
        return ELPQ_E_RANGE;
    *out = (int64_t)(negative ? 0 - x : x);
    return 0;
}

size_t elpq__format_uint64(char *out, uint64_t x)
{
    char digits[ELPQ__INT_SIZE];
    size_t n = 0;
    size_t i;

    do {
        digits[n++] = (char)('0' + x % 10);
        x /= 10;
    } while (x);
    for (i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    return n;
}

size_t elpq__format_int64(char *out, int64_t x)
{
    if (x >= 0)
        return elpq__format_uint64(out, (uint64_t)x);
    *out = '-';
    return 1 + elpq__format_uint64(out + 1, 0 - (uint64_t)x);
}

/* ------------------------------------------- reading floating point text */

/*
 * More digits than any double is decided by; of those behind it matters only
 * whether one of them is not zero.
 */
#define DIGITS_MAX 780

struct decimal {
    char digits[DIGITS_MAX + 24]; /* and then the exponent; NUL at the end */
    size_t ndigits;
    long exponent; /* of the last digit */
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from text[i] on; leading zeros count for the exponent only. */
static size_t decimal_digits(struct decimal *d, const char *text, size_t size,
                             size_t i, bool fraction)
{
    for (; i < size && is_digit(text[i]); i++) {
        if (fraction)
            d->exponent--;
        if (d->ndigits == 0 && text[i] == '0')
            continue;
        if (d->ndigits < DIGITS_MAX) {
            d->digits[d->ndigits++] = text[i];
            continue;
        }
        d->exponent++;
        if (text[i] != '0')
            d->digits[DIGITS_MAX - 1] = '1';
    }
    return i;
}

static int decimal_exponent(struct decimal *d, const char *text, size_t size)
{
    bool plus = size > 0 && text[0] == '+';
    int64_t exponent;
    int rc = elpq__parse_int64(text + plus, size - plus, &exponent);

    if (rc)
        return rc;
    if (exponent < -1000000 || exponent > 1000000)
        exponent = exponent < 0 ? -1000000 : 1000000;
    d->exponent += (long)exponent;
    return 0;
}

/* "-12.5e3" into digits and exponent; the number as a whole is checked. */
static int decimal_parse(struct decimal *d, const char *text, size_t size)
{
    size_t i = 0;
    size_t first;
    bool any;

    d->ndigits = 0;
    d->exponent = 0;
    d->negative = size > 0 && text[0] == '-';
    if (size > 0 && (text[0] == '-' || text[0] == '+'))
        i++;
    first = i;
    i = decimal_digits(d, text, size, i, false);
    any = i > first;
    if (i < size && text[i] == '.') {
        first = ++i;
        i = decimal_digits(d, text, size, i, true);
        any = any || i > first;
    }
    if (!any)
        return ELPQ_E_DECODE;
    if (i < size && (text[i] == 'e' || text[i] == 'E'))
        return decimal_exponent(d, text + i + 1, size - i - 1);
    return i == size ? 0 : ELPQ_E_DECODE;
}

bool elpq__parse_special(const char *text, size_t size, double *out)
{
    if (size == 3 && memcmp(text, "NaN", 3) == 0)
        *out = (double)NAN;
    else if (size == 8 && memcmp(text, "Infinity", 8) == 0)
        *out = (double)INFINITY;
    else if (size == 9 && memcmp(text, "-Infinity", 9) == 0)
        *out = -(double)INFINITY;
    else
        return false;
    return true;
}

/* Completes the digits to what strtod() reads; "" of a zero is "0". */
static const char *decimal_text(struct decimal *d)
{
    if (d->ndigits == 0)
        return "0";
    snprintf(d->digits + d->ndigits, sizeof(d->digits) - d->ndigits, "e%ld",
             d->exponent);
    return d->digits;
}

int elpq__parse_double(const char *text, size_t size, double *out)
{
    struct decimal d;
    double x;
    int rc;

    if (elpq__parse_special(text, size, out))
        return 0;
    rc = decimal_parse(&d, text, size);
    if (rc)
        return rc;
    x = strtod(decimal_text(&d), NULL);
    if (isinf(x))
        return ELPQ_E_RANGE;
    *out = d.negative ? -x : x;
    return 0;
}

int elpq__parse_float(const char *text, size_t size, float *out)
{
    struct decimal d;
    double special;
    float x;
    int rc;

    if (elpq__parse_special(text, size, &special)) {
        *out = (float)special;
        return 0;
    }
    rc = decimal_parse(&d, text, size);
    if (rc)
        return rc;
    x = strtof(decimal_text(&d), NULL);
    if (isinf(x))
        return ELPQ_E_RANGE;
    *out = d.negative ? -x : x;
    return 0;
}

/* ------------------------------------------- writing floating point text */

/* Digits d1 d2 ... dn standing for d1.d2...dn times 10^exponent. */
struct shortest {
    char digits[DBL_DECIMAL_DIG + 1];
    int ndigits;
    int exponent;
};

/* The positive number x in ndigits digits, correctly rounded. */
static void round_to(double x, int ndigits, struct shortest *s)
{
    char text[DBL_DECIMAL_DIG + 16];
    const char *p;
    int n = 0;

    snprintf(text, sizeof(text), "%.*e", ndigits - 1, x);
    for (p = text; *p && *p != 'e'; p++)
        if (is_digit(*p) && n < DBL_DECIMAL_DIG)
            s->digits[n++] = *p;
    s->ndigits = n;
    s->exponent = *p ? atoi(p + 1) : 0;
}

static uint64_t digits_value(const struct shortest *s)
{
    uint64_t x = 0;
    int i;

    for (i = 0; i < s->ndigits; i++)
        x = x * 10 + (uint64_t)(s->digits[i] - '0');
    return x;
}

/* decimal * 10^e10 == odd * 2^e2, exactly? */
static bool equals_odd(uint64_t decimal, int e10, uint64_t odd, int e2)
{
    uint64_t *side = e10 < 0 ? &odd : &decimal;
    int i;

    for (; decimal % 2 == 0; decimal /= 2)
        e2--;
    if (e10 != e2)
        return false;
    for (i = 0; i < abs(e10); i++) {
        if (*side > UINT64_MAX / 5)
            return false;
        *side *= 5;
    }
    return decimal == odd;
}

/* What tells double and float apart here. */
struct precision {
    int mantissa_bits;
    int least_exponent; /* of the last bit */
    int digits_min;     /* as many are unique; subnormals aside */
    int digits_max;
    int fixed_max; /* exponents from here on are written as such */
    double least_normal;
};

static const struct precision of_double = { 53, -1074, 15, 17, 15, DBL_MIN };
static const struct precision of_float = { 24, -149, 6, 9, 6, (double)FLT_MIN };

/*
 * Whether the digits lie just between x and a neighbour.  Such text reads
 * back as x only where ties go to even, so PostgreSQL does not write it.
 */
static bool is_midpoint(const struct shortest *s, double x,
                        const struct precision *p)
{
    uint64_t decimal = digits_value(s);
    int e10 = s->exponent - s->ndigits + 1;
    uint64_t m;
    int e2;

    (void)frexp(x, &e2);
    e2 -= p->mantissa_bits;
    if (e2 < p->least_exponent)
        e2 = p->least_exponent;
    m = (uint64_t)ldexp(x, -e2);
    if (equals_odd(decimal, e10, 2 * m + 1, e2 - 1))
        return true;
    /* below a power of two the numbers lie twice as close */
    if (m == UINT64_C(1) << (p->mantissa_bits - 1))
        return equals_odd(decimal, e10, 4 * m - 1, e2 - 2);
    return equals_odd(decimal, e10, 2 * m - 1, e2 - 1);
}

static bool reads_back(const struct shortest *s, double x,
                       const struct precision *p)
{
    char text[DBL_DECIMAL_DIG + 16];
    double y;

    snprintf(text, sizeof(text), "%.*se%d", s->ndigits, s->digits,
             s->exponent - s->ndigits + 1);
    y = p == &of_float ? (double)strtof(text, NULL) : strtod(text, NULL);
    return y == x && !is_midpoint(s, x, p);
}

/* The next greater number of as many digits; not after 9.99. */
static bool step_up(struct shortest *s)
{
    int i = s->ndigits - 1;

    for (; i >= 0 && s->digits[i] == '9'; i--)
        s->digits[i] = '0';
    if (i < 0)
        return false;
    s->digits[i]++;
    return true;
}

/*
 * The fewest digits that read back as x, a positive number.  The correctly
 * rounded ones do if any do, except of a power of two, which is nearer to the
 * number below it than to the number above.
 */
static void shorten(double x, const struct precision *p, struct shortest *s)
{
    int n = x < p->least_normal ? 1 : p->digits_min;
    int exponent;

    for (; n < p->digits_max; n++) {
        round_to(x, n, s);
        if (reads_back(s, x, p))
            break;
        if (frexp(x, &exponent) == 0.5 && step_up(s) && reads_back(s, x, p))
            break;
    }
    if (n == p->digits_max)
        round_to(x, n, s);
    while (s->ndigits > 1 && s->digits[s->ndigits - 1] == '0')
        s->ndigits--;
}

/* 0.00125, 1.25, 12.5; whole numbers do not come here */
static size_t write_fixed(char *out, const struct shortest *s)
{
    char *p = out;
    int i;

    if (s->exponent < 0) {
        *p++ = '0';
        *p++ = '.';
        for (i = -1; i > s->exponent; i--)
            *p++ = '0';
    }
    for (i = 0; i < s->ndigits; i++) {
        *p++ = s->digits[i];
        if (i == s->exponent && i + 1 < s->ndigits)
            *p++ = '.';
    }
    return (size_t)(p - out);
}

/* 1.25e-07, 1e+100 */
static size_t write_exponent(char *out, const struct shortest *s)
{
    unsigned e = (unsigned)abs(s->exponent);
    char *p = out;

    *p++ = s->digits[0];
    if (s->ndigits > 1) {
        *p++ = '.';
        memcpy(p, s->digits + 1, (size_t)s->ndigits - 1);
        p += s->ndigits - 1;
    }
    *p++ = 'e';
    *p++ = s->exponent < 0 ? '-' : '+';
    if (e < 10)
        *p++ = '0';
    return (size_t)(p - out) + elpq__format_uint64(p, e);
}

static size_t write_special(char *out, double x)
{
    const char *text = isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity";
    size_t size = strlen(text);

    memcpy(out, text, size);
    return size;
}

static size_t format_float(char *out, double x, const struct precision *p)
{
    size_t sign = signbit(x) ? 1 : 0;
    struct shortest s;

    if (!isfinite(x))
        return write_special(out, x);
    out[0] = '-';
    x = fabs(x);
    out += sign;
    /* below 10^fixed_max a whole number is all its digits */
    if (x < (p == &of_float ? 1e6 : 1e15) && x == trunc(x))
        return sign + elpq__format_uint64(out, (uint64_t)x);
    shorten(x, p, &s);
    if (s.exponent >= -4 && s.exponent < p->fixed_max)
        return sign + write_fixed(out, &s);
    return sign + write_exponent(out, &s);
}

size_t elpq__format_double(char *out, double x)
{
    return format_float(out, x, &of_double);
}

size_t elpq__format_float(char *out, float x)
{
    return format_float(out, (double)x, &of_float);
}

/* --------------------------------------------------------- into a buffer */

#define DEFINE_PRINT(name, type, room)                                         \
    void elpq__print_##name(struct elpq__buf *out, type x)                     \
    {                                                                          \
        char *p = elpq__buf_reserve(out, room);                                \
                                                                               \
        if (p)                                                                 \
            out->size += elpq__format_##name(p, x);                            \
    }
DEFINE_PRINT(int64, int64_t, ELPQ__INT_SIZE)
DEFINE_PRINT(uint64, uint64_t, ELPQ__INT_SIZE)
DEFINE_PRINT(double, double, ELPQ__DOUBLE_SIZE)
DEFINE_PRINT(float, float, ELPQ__DOUBLE_SIZE)

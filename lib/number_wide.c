/* SPDX-License-Identifier: PostgreSQL */
/*
 * Numbers wider than 64 bits, in text; see number.h.
 */
#include "number.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <elpq/error.h>
#include <elpq/structs.h>

/* ------------------------------------------------------------- 128 bits */

void elpq__print_int128(struct elpq__buf *out, const uint8_t bytes[16])
{
#if ELPQ_HAVE_INT128
    __extension__ unsigned __int128 x;
    elpq_int128_t value;
    char digits[40];
    size_t n = sizeof(digits);

    memcpy(&value, bytes, sizeof(value));
    memcpy(&x, bytes, sizeof(x));
    if (value < 0) {
        elpq__buf_add_byte(out, '-');
        x = 0 - x;
    }
    do {
        digits[--n] = (char)('0' + (int)(x % 10));
        x /= 10;
    } while (x > 0);
    elpq__buf_add(out, digits + n, sizeof(digits) - n);
#else
    (void)bytes;
    out->failed = true; /* nothing makes such a value */
#endif
}

/* The magnitude times ten, plus a digit; false if it does not fit. */
static bool shift_in(uint64_t *high, uint64_t *low, unsigned digit)
{
    uint64_t bottom = (*low & UINT32_MAX) * 10 + digit;
    uint64_t top = (*low >> 32) * 10 + (bottom >> 32);
    uint64_t carry = top >> 32;

    if (*high > (UINT64_MAX - carry) / 10)
        return false;
    *high = *high * 10 + carry;
    *low = top << 32 | (bottom & UINT32_MAX);
    return true;
}

int elpq__parse_wide(const char *text, size_t size, bool *negative,
                     uint64_t *high, uint64_t *low)
{
    size_t i = 0;

    *high = *low = 0;
    *negative = size > 0 && text[0] == '-';
    if (*negative)
        i++;
    if (i == size)
        return ELPQ_E_DECODE;
    for (; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ELPQ_E_DECODE;
        if (!shift_in(high, low, (unsigned)(text[i] - '0')))
            return ELPQ_E_RANGE;
    }
    return 0;
}

/* ---------------------------------------------------------- long double */

/*
 * d<point>ddde+xx of printf without its point, whatever bytes the locale has
 * for it, and without zeros at the end: the exponent is made to fit.
 */
static void print_digits(struct elpq__buf *out, const char *text)
{
    const char *e = strchr(text, 'e');
    long exponent = strtol(e + 1, NULL, 10);
    char digits[80];
    long n = 0;

    if (*text == '-')
        elpq__buf_add_byte(out, '-');
    for (; text < e; text++)
        if (*text >= '0' && *text <= '9')
            digits[n++] = *text;
    exponent -= n - 1;
    for (; n > 1 && digits[n - 1] == '0'; n--)
        exponent++;
    elpq__buf_add(out, digits, (size_t)n);
    if (exponent)
        elpq__buf_addf(out, "e%ld", exponent);
}

void elpq__print_long_double(struct elpq__buf *out, const uint8_t bytes[16])
{
    long double x = 0;
    char text[80];
    int precision;

    memcpy(&x, bytes, sizeof(x));
    if (isnan(x) || isinf(x)) {
        elpq__buf_add_str(out, isnan(x) ? "NaN"
                               : x > 0  ? "Infinity"
                                        : "-Infinity");
        return;
    }
    for (precision = LDBL_DIG - 1; precision < LDBL_DECIMAL_DIG; precision++) {
        snprintf(text, sizeof(text), "%.*Le", precision, x);
        if (strtold(text, NULL) == x)
            break;
    }
    print_digits(out, text);
}

/* Without the point, so that strtold() does not look for the locale's. */
static bool copy_digits(struct elpq__buf *out, const char *text, size_t size)
{
    size_t fraction = 0;
    bool point = false;
    bool found = false;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' && !point) {
            point = true;
        } else if (text[i] >= '0' && text[i] <= '9') {
            elpq__buf_add_byte(out, text[i]);
            fraction += point;
            found = true;
        } else if (text[i] == '-' && i == 0) {
            elpq__buf_add_byte(out, '-');
        } else {
            return false;
        }
    }
    elpq__buf_addf(out, "e-%zu", fraction);
    return found;
}

int elpq__parse_long_double(const char *text, size_t size, long double *out)
{
    struct elpq__buf digits = { 0 };
    int rc = 0;
    double special;
    long double x;

    if (elpq__parse_special(text, size, &special)) {
        *out = (long double)special;
        return 0;
    }
    if (!copy_digits(&digits, text, size))
        rc = ELPQ_E_DECODE;
    elpq__buf_add_byte(&digits, '\0');
    if (!rc && digits.failed)
        rc = ELPQ_E_NOMEM;
    if (!rc) {
        x = strtold(digits.data, NULL);
        if (isinf(x))
            rc = ELPQ_E_RANGE;
        else
            *out = x;
    }
    elpq__buf_free(&digits);
    return rc;
}

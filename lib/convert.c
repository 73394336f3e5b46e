/* SPDX-License-Identifier: PostgreSQL */
/*
 * To and from what C and the system have: wide numbers, struct tm and
 * timespec, addresses.  What does not fit is ELPQ_E_RANGE when it is read, and
 * a value that its type refuses when it is made.
 */
#include <elpq/convert.h>

#include <limits.h>
#include <math.h>
#include <string.h>

#include "cell.h"

#define SECOND INT64_C(1000000)
/* Refused by every type of time: before the first, and no infinity. */
#define NO_TIME (INT64_MIN + 1)

/* ---------------------------------------------------------------- numbers */

/* A double as halves of 64 bits, if it is an integer that has two. */
static int double_wide(double x, bool *negative, uint64_t *high, uint64_t *low)
{
    if (!(fabs(x) < 0x1p128) || x != trunc(x))
        return ELPQ_E_RANGE;
    *negative = x < 0;
    *high = (uint64_t)ldexp(fabs(x), -64);
    *low = (uint64_t)(fabs(x) - ldexp((double)*high, 64));
    return 0;
}

/* A whole number that is no numeric. */
static int narrow_wide(const elpq_cell *cell, const struct elpq__codec *codec,
                       bool *negative, uint64_t *high, uint64_t *low)
{
    elpq_value v;
    int64_t x = 0;
    int rc;

    *high = 0;
    if (codec->kind == ELPQ_KIND_UINT) {
        *negative = false;
        rc = elpq__cell_decode(cell, codec, &v);
        *low = rc ? 0 : v.u.uint64;
        return rc;
    }
    if (codec->kind == ELPQ_KIND_DOUBLE || codec->kind == ELPQ_KIND_FLOAT) {
        rc = elpq__cell_decode(cell, codec, &v);
        return rc ? rc : double_wide(v.u.float64, negative, high, low);
    }
    rc = elpq_cell_int64(cell, &x);
    *negative = x < 0;
    *low = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    return rc;
}

/* The digits of a numeric, if it has no fraction. */
static int numeric_wide(const elpq_cell *cell, bool *negative, uint64_t *high,
                        uint64_t *low)
{
    size_t size = (size_t)cell->size;
    const char *text = cell->data;
    struct elpq__buf digits = { 0 };
    size_t whole;
    int rc = 0;

    if (cell->binary) {
        rc = elpq__numeric_whole(text, size, &digits);
        if (!rc)
            rc =
                elpq__parse_wide(digits.data, digits.size, negative, high, low);
        elpq__buf_free(&digits);
        return rc;
    }
    if (size > 0 && (text[size - 1] == 'N' || text[size - 1] == 'y'))
        return ELPQ_E_RANGE; /* NaN, Infinity, -Infinity */
    whole = 0;
    while (whole < size && text[whole] != '.')
        whole++;
    for (size_t i = whole + 1; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ELPQ_E_DECODE;
        if (text[i] != '0')
            rc = ELPQ_E_RANGE;
    }
    return rc ? rc : elpq__parse_wide(text, whole, negative, high, low);
}

static int read_wide(const elpq_cell *cell, bool *negative, uint64_t *high,
                     uint64_t *low)
{
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);

    if (cell->size < 0)
        return ELPQ_E_NULL;
    if (!codec)
        return ELPQ_E_TYPE;
    if (codec->ops == &elpq__numeric_ops)
        return numeric_wide(cell, negative, high, low);
    return narrow_wide(cell, codec, negative, high, low);
}

static int read_uint64(const elpq_cell *cell, uint64_t *out)
{
    uint64_t high = 0, low = 0;
    bool negative = false;
    int rc = read_wide(cell, &negative, &high, &low);

    if (rc)
        return rc;
    if (high || (negative && low))
        return ELPQ_E_RANGE;
    *out = low;
    return 0;
}

#if ELPQ_HAVE_INT128
static int read_int128(const elpq_cell *cell, elpq_int128_t *out)
{
    uint64_t high = 0, low = 0;
    bool negative = false;
    int rc = read_wide(cell, &negative, &high, &low);
    const uint64_t top = UINT64_C(1) << 63;

    if (rc)
        return rc;
    if (high > top || (high == top && (!negative || low)))
        return ELPQ_E_RANGE;
    if (negative) { /* two's complement, in halves */
        high = ~high + (low == 0);
        low = 0 - low;
    }
    *out = (elpq_int128_t)((__extension__(unsigned __int128) high) << 64 | low);
    return 0;
}
#endif

static int read_long_double(const elpq_cell *cell, long double *out)
{
    const struct elpq__codec *codec = elpq__codec_of_cell(cell);
    elpq_string text;
    elpq_value v;
    int rc;

    if (cell->size < 0)
        return ELPQ_E_NULL;
    if (!codec)
        return ELPQ_E_TYPE;
    if (codec->ops == &elpq__numeric_ops) {
        rc = elpq_cell_string(cell, &text);
        return rc ? rc : elpq__parse_long_double(text.data, text.size, out);
    }
    if (codec->kind != ELPQ_KIND_INT && codec->kind != ELPQ_KIND_UINT &&
        codec->kind != ELPQ_KIND_DOUBLE && codec->kind != ELPQ_KIND_FLOAT)
        return ELPQ_E_TYPE;
    rc = elpq__cell_decode(cell, codec, &v);
    if (rc)
        return rc;
    *out = codec->kind == ELPQ_KIND_INT    ? (long double)v.u.int64
           : codec->kind == ELPQ_KIND_UINT ? (long double)v.u.uint64
                                           : (long double)v.u.float64;
    return 0;
}

/* ------------------------------------------------------------------ times */

/* A timestamp as whole seconds, rounded down, and the rest. */
static int read_seconds(const elpq_cell *cell, int64_t *seconds, int64_t *usec)
{
    int64_t x = 0;
    int rc = elpq_cell_timestamp(cell, &x);

    if (rc)
        return rc;
    if (x == ELPQ_INFINITY || x == ELPQ_NEG_INFINITY)
        return ELPQ_E_RANGE;
    *usec = x % SECOND;
    *seconds = x / SECOND;
    if (*usec < 0) {
        *usec += SECOND;
        (*seconds)--;
    }
    return 0;
}

static bool fits_time_t(int64_t seconds)
{
    return (int64_t)(time_t)seconds == seconds;
}

static int read_unix_time(const elpq_cell *cell, time_t *out)
{
    int64_t seconds, usec;
    int rc = read_seconds(cell, &seconds, &usec);

    if (rc)
        return rc;
    if (!fits_time_t(seconds))
        return ELPQ_E_RANGE;
    *out = (time_t)seconds;
    return 0;
}

static int read_timespec(const elpq_cell *cell, struct timespec *out)
{
    int64_t seconds, usec;
    int rc = read_seconds(cell, &seconds, &usec);

    if (rc)
        return rc;
    if (!fits_time_t(seconds))
        return ELPQ_E_RANGE;
    out->tv_sec = (time_t)seconds;
    out->tv_nsec = (long)(usec * 1000);
    return 0;
}

/* The calendar's fields, and those that follow from them. */
static int fill_tm(int64_t days, int64_t second, struct tm *out)
{
    int64_t year;
    int month, day;
    int64_t weekday = (days + 4) % 7; /* 1970-01-01 was a Thursday */

    elpq__civil_of(days, &year, &month, &day);
    if (year - 1900 > INT_MAX || year - 1900 < INT_MIN)
        return ELPQ_E_RANGE;
    memset(out, 0, sizeof(*out));
    out->tm_year = (int)(year - 1900);
    out->tm_mon = month - 1;
    out->tm_mday = day;
    out->tm_hour = (int)(second / 3600);
    out->tm_min = (int)(second / 60 % 60);
    out->tm_sec = (int)(second % 60);
    out->tm_wday = (int)(weekday < 0 ? weekday + 7 : weekday);
    out->tm_yday = (int)(days - elpq__days_of(year, 1, 1));
    return 0;
}

static int read_tm(const elpq_cell *cell, struct tm *out)
{
    int64_t seconds, usec, days;
    int rc = elpq_cell_date(cell, &days);

    if (!rc && (days == ELPQ_INFINITY || days == ELPQ_NEG_INFINITY))
        return ELPQ_E_RANGE;
    if (!rc)
        return fill_tm(days, 0, out);
    if (rc != ELPQ_E_TYPE)
        return rc;
    rc = read_seconds(cell, &seconds, &usec);
    if (rc)
        return rc;
    days = seconds / 86400 - (seconds % 86400 < 0);
    return fill_tm(days, seconds - days * 86400, out);
}

static elpq_value time_value(uint32_t oid, int64_t seconds, int64_t usec)
{
    elpq_value v = elpq_typed(oid, elpq_timestamp(NO_TIME));
    int64_t x;

    v.elem = oid == ELPQ_OID_TIMESTAMPTZ;
    if (!__builtin_mul_overflow(seconds, SECOND, &x) &&
        !__builtin_add_overflow(x, usec, &x) && x != INT64_MAX &&
        x != INT64_MIN)
        v.u.int64 = x;
    return v;
}

elpq_value elpq_timestamptz_unix(time_t seconds)
{
    return time_value(ELPQ_OID_TIMESTAMPTZ, (int64_t)seconds, 0);
}

elpq_value elpq_timestamptz_timespec(struct timespec x)
{
    if (x.tv_nsec < 0 || x.tv_nsec > 999999999)
        return elpq_timestamptz(NO_TIME);
    return time_value(ELPQ_OID_TIMESTAMPTZ, (int64_t)x.tv_sec,
                      x.tv_nsec / 1000);
}

/* Days since 1970-01-01; false if the fields are no date. */
static bool tm_days(const struct tm *x, int64_t *days)
{
    int64_t year = (int64_t)x->tm_year + 1900;
    int64_t back;
    int month, day;

    if (x->tm_mon < 0 || x->tm_mon > 11 || x->tm_mday < 1 || x->tm_mday > 31)
        return false;
    *days = elpq__days_of(year, x->tm_mon + 1, x->tm_mday);
    elpq__civil_of(*days, &back, &month, &day);
    return day == x->tm_mday; /* else it is the 30th of February */
}

elpq_value elpq_date_tm(const struct tm *x)
{
    int64_t days;

    return elpq_date(tm_days(x, &days) ? days : NO_TIME);
}

/* A leap second is the first second of the next minute. */
elpq_value elpq_timestamp_tm(const struct tm *x)
{
    int64_t days;

    if (!tm_days(x, &days) || x->tm_hour < 0 || x->tm_hour > 23 ||
        x->tm_min < 0 || x->tm_min > 59 || x->tm_sec < 0 || x->tm_sec > 60)
        return elpq_timestamp(NO_TIME);
    return time_value(
        ELPQ_OID_TIMESTAMP,
        days * 86400 + x->tm_hour * 3600 + x->tm_min * 60 + x->tm_sec, 0);
}

/* -------------------------------------------------------------- addresses */

static int read_family(const elpq_cell *cell, uint8_t family, void *out,
                       size_t size)
{
    elpq_inet_address x;
    int rc = elpq_cell_inet(cell, &x);

    if (rc)
        return rc;
    if (x.family != family)
        return ELPQ_E_RANGE;
    memcpy(out, x.bytes, size);
    return 0;
}

static int read_in_addr(const elpq_cell *cell, struct in_addr *out)
{
    return read_family(cell, 4, &out->s_addr, sizeof(out->s_addr));
}

static int read_in6_addr(const elpq_cell *cell, struct in6_addr *out)
{
    return read_family(cell, 6, out->s6_addr, sizeof(out->s6_addr));
}

static int read_sockaddr(const elpq_cell *cell, struct sockaddr_storage *out)
{
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_in in = { .sin_family = AF_INET };
    int rc = read_in_addr(cell, &in.sin_addr);

    if (!rc) {
        memset(out, 0, sizeof(*out));
        memcpy(out, &in, sizeof(in));
        return 0;
    }
    if (rc != ELPQ_E_RANGE)
        return rc;
    rc = read_in6_addr(cell, &in6.sin6_addr);
    if (rc)
        return rc;
    memset(out, 0, sizeof(*out));
    memcpy(out, &in6, sizeof(in6));
    return 0;
}

elpq_value elpq_inet_in_addr(struct in_addr x)
{
    elpq_inet_address address = { 4, 32, { 0 } };

    memcpy(address.bytes, &x.s_addr, sizeof(x.s_addr));
    return elpq_inet(address);
}

elpq_value elpq_inet_in6_addr(const struct in6_addr *x)
{
    elpq_inet_address address = { 6, 128, { 0 } };

    memcpy(address.bytes, x->s6_addr, sizeof(x->s6_addr));
    return elpq_inet(address);
}

/* Family 0 is refused when it is sent. */
elpq_value elpq_inet_sockaddr(const struct sockaddr *x)
{
    elpq_inet_address none = { 0, 0, { 0 } };
    struct sockaddr_in6 in6;
    struct sockaddr_in in;

    if (x->sa_family == AF_INET) {
        memcpy(&in, x, sizeof(in));
        return elpq_inet_in_addr(in.sin_addr);
    }
    if (x->sa_family == AF_INET6) {
        memcpy(&in6, x, sizeof(in6));
        return elpq_inet_in6_addr(&in6.sin6_addr);
    }
    return elpq_inet(none);
}

ELPQ_NUMBER_GETTERS_(ELPQ__DEFINE_GETTER)

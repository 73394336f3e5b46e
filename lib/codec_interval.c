/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codec of interval: months, days and microseconds, kept apart because none
 * of them is a fixed number of another.
 *
 * Text is written in IntervalStyle postgres, and read in that and iso_8601.
 * All three at their limits are the infinities of PostgreSQL 17.
 */
#include "codec.h"

#include <inttypes.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static bool is_infinity(const elpq_interval_parts *x)
{
    return x->months == INT32_MAX && x->days == INT32_MAX &&
           x->microseconds == INT64_MAX;
}

static bool is_neg_infinity(const elpq_interval_parts *x)
{
    return x->months == INT32_MIN && x->days == INT32_MIN &&
           x->microseconds == INT64_MIN;
}

/* -------------------------------------------------------------- printing */

struct printer {
    struct elpq__buf *out;
    bool is_zero;   /* nothing printed yet */
    bool is_before; /* the last part was negative */
};

/* A positive part after a negative one shows its sign. */
static void print_part(struct printer *p, int64_t x, const char *unit)
{
    if (x == 0)
        return;
    elpq__buf_addf(p->out, "%s%s%" PRId64 " %s%s", p->is_zero ? "" : " ",
                   p->is_before && x > 0 ? "+" : "", x, unit,
                   x != 1 ? "s" : "");
    p->is_before = x < 0;
    p->is_zero = false;
}

static uint64_t magnitude(int64_t x)
{
    return x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
}

static void print_time(struct printer *p, int64_t usec)
{
    uint64_t x = magnitude(usec);
    int fraction = (int)(x % SECOND);
    int digits = 6;

    if (usec == 0 && !p->is_zero)
        return;
    elpq__buf_addf(p->out, "%s%s%02" PRIu64 ":%02d:%02d", p->is_zero ? "" : " ",
                   usec < 0       ? "-"
                   : p->is_before ? "+"
                                  : "",
                   x / HOUR, (int)(x / MINUTE % 60), (int)(x / SECOND % 60));
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    elpq__buf_addf(p->out, ".%0*d", digits, fraction);
}

void elpq__print_interval(struct elpq__buf *out, const elpq_interval_parts *x)
{
    struct printer p = { out, true, false };

    if (is_infinity(x) || is_neg_infinity(x)) {
        elpq__buf_add_str(out, x->months > 0 ? "infinity" : "-infinity");
        return;
    }
    print_part(&p, x->months / 12, "year");
    print_part(&p, x->months % 12, "mon");
    print_part(&p, x->days, "day");
    print_time(&p, x->microseconds);
}

/* --------------------------------------------------------------- parsing */

/* The sums in progress; `bad` of the reader says when one overflowed. */
struct sums {
    struct elpq__reader r;
    int64_t months;
    int64_t days;
    int64_t usec;
};

static bool at_digit(const struct elpq__reader *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

/* Ten digits are enough for every part. */
static int64_t take_digits(struct elpq__reader *r)
{
    int64_t x = 0;
    int n = 0;

    for (; n < 10 && at_digit(r); n++)
        x = x * 10 + (*r->p++ - '0');
    if (n == 0 || at_digit(r))
        r->bad = true;
    return x;
}

/* The fraction of a second behind its point, in microseconds. */
static int64_t take_fraction(struct elpq__reader *r)
{
    int64_t unit = SECOND / 10;
    int64_t usec = 0;

    if (!elpq__take(r, '.'))
        return 0;
    if (!at_digit(r))
        r->bad = true;
    for (; unit > 0 && at_digit(r); unit /= 10)
        usec += (*r->p++ - '0') * unit;
    return usec;
}

static void add(struct sums *s, int64_t *sum, int64_t count, int64_t unit,
                bool negative)
{
    int64_t product;

    if (__builtin_mul_overflow(count, negative ? -unit : unit, &product) ||
        __builtin_add_overflow(*sum, product, sum))
        s->r.bad = true;
}

/* The rest of hh:mm:ss.ffffff, whose hours are read. */
static void parse_clock(struct sums *s, int64_t hours, bool negative)
{
    add(s, &s->usec, hours, HOUR, negative);
    add(s, &s->usec, take_digits(&s->r), MINUTE, negative);
    if (!elpq__take(&s->r, ':'))
        s->r.bad = true;
    add(s, &s->usec, take_digits(&s->r), SECOND, negative);
    add(s, &s->usec, take_fraction(&s->r), 1, negative);
}

static bool take_word(struct elpq__reader *r, const char *word)
{
    size_t size = strlen(word);

    if (elpq__read_left(r) < size || memcmp(r->p, word, size) != 0)
        return false;
    r->p += size;
    elpq__take(r, 's');
    return true;
}

static void parse_unit(struct sums *s, int64_t count, bool negative)
{
    if (!elpq__take(&s->r, ' '))
        s->r.bad = true;
    if (take_word(&s->r, "year"))
        add(s, &s->months, count, 12, negative);
    else if (take_word(&s->r, "mon"))
        add(s, &s->months, count, 1, negative);
    else if (take_word(&s->r, "day"))
        add(s, &s->days, count, 1, negative);
    else
        s->r.bad = true;
}

/* "1 year -2 mons +3 days -04:05:06.7" */
static void parse_postgres(struct sums *s)
{
    bool negative;
    int64_t count;

    do {
        negative = elpq__take(&s->r, '-');
        if (!negative)
            elpq__take(&s->r, '+');
        count = take_digits(&s->r);
        if (elpq__take(&s->r, ':'))
            parse_clock(s, count, negative);
        else
            parse_unit(s, count, negative);
    } while (!s->r.bad && elpq__take(&s->r, ' '));
}

/* "P1Y-2M3DT-4H-5M-6.7S", behind the P */
static void parse_iso(struct sums *s)
{
    bool time = false;
    bool negative;
    int64_t count, fraction;

    while (!s->r.bad && s->r.p < s->r.end) {
        if (!time && elpq__take(&s->r, 'T'))
            time = true;
        negative = elpq__take(&s->r, '-');
        count = take_digits(&s->r);
        fraction = time ? take_fraction(&s->r) : 0;
        if (!time && elpq__take(&s->r, 'Y'))
            add(s, &s->months, count, 12, negative);
        else if (!time && elpq__take(&s->r, 'M'))
            add(s, &s->months, count, 1, negative);
        else if (!time && elpq__take(&s->r, 'D'))
            add(s, &s->days, count, 1, negative);
        else if (time && fraction == 0 && elpq__take(&s->r, 'H'))
            add(s, &s->usec, count, HOUR, negative);
        else if (time && fraction == 0 && elpq__take(&s->r, 'M'))
            add(s, &s->usec, count, MINUTE, negative);
        else if (time && elpq__take(&s->r, 'S')) {
            add(s, &s->usec, count, SECOND, negative);
            add(s, &s->usec, fraction, 1, negative);
        } else
            s->r.bad = true;
    }
}

static bool parse_infinity(const char *text, size_t size,
                           elpq_interval_parts *x)
{
    bool negative = size == 9 && memcmp(text, "-infinity", 9) == 0;

    if (!negative && !(size == 8 && memcmp(text, "infinity", 8) == 0))
        return false;
    x->months = negative ? INT32_MIN : INT32_MAX;
    x->days = negative ? INT32_MIN : INT32_MAX;
    x->microseconds = negative ? INT64_MIN : INT64_MAX;
    return true;
}

static int interval_parse(const struct elpq__codec *codec, const char *text,
                          size_t size, elpq_value *out)
{
    struct sums s = { elpq__reader_of(text, size), 0, 0, 0 };

    (void)codec;
    if (parse_infinity(text, size, &out->u.interval))
        return 0;
    if (elpq__take(&s.r, 'P'))
        parse_iso(&s);
    else
        parse_postgres(&s);
    if (!elpq__read_done(&s.r) || s.months < INT32_MIN ||
        s.months > INT32_MAX || s.days < INT32_MIN || s.days > INT32_MAX)
        return ELPQ_E_DECODE;
    out->u.interval.months = (int32_t)s.months;
    out->u.interval.days = (int32_t)s.days;
    out->u.interval.microseconds = s.usec;
    return 0;
}

/* ---------------------------------------------------------------- binary */

static int interval_decode(const struct elpq__codec *codec, const char *data,
                           size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(data, size);

    (void)codec;
    out->u.interval.microseconds = elpq__read_int64(&r);
    out->u.interval.days = elpq__read_int32(&r);
    out->u.interval.months = elpq__read_int32(&r);
    return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
}

static int interval_print(const struct elpq__codec *codec, const char *data,
                          size_t size, struct elpq__buf *out)
{
    elpq_value v = elpq_null(0);
    int rc = interval_decode(codec, data, size, &v);

    if (!rc)
        elpq__print_interval(out, &v.u.interval);
    return rc;
}

static int interval_encode(const struct elpq__codec *codec, const elpq_value *v,
                           struct elpq__buf *out, struct elpq__why *why)
{
    (void)codec, (void)why;
    if (v->kind != ELPQ_KIND_INTERVAL)
        return ELPQ__AS_TEXT;
    elpq__buf_add_int64(out, (uint64_t)v->u.interval.microseconds);
    elpq__buf_add_int32(out, (uint32_t)v->u.interval.days);
    elpq__buf_add_int32(out, (uint32_t)v->u.interval.months);
    return 0;
}

const struct elpq__codec_ops elpq__interval_ops = { .decode = interval_decode,
                                                    .parse = interval_parse,
                                                    .print = interval_print,
                                                    .encode = interval_encode };

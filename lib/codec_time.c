/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs of date, time, timestamp and timestamptz.  timetz is in
 * codec_timetz.c, interval in codec_interval.c.
 *
 * The wire counts from 2000-01-01, elpq's values from 1970-01-01; the last
 * 30 years before 294277 AD fit into the first only.  Both calendars are
 * Gregorian throughout, and the year before 1 is 1 BC.  In text form only
 * DateStyle ISO is read, which elpq's connections set.
 */
#include "codec.h"

#include <inttypes.h>

/* What PostgreSQL takes for a date: 4714-11-24 BC to 5874897-12-31. */
#define DATE_MIN INT32_C(-2451545)
#define DATE_END INT32_C(2145031949)
/* And for a timestamp: up to 294276-12-31 23:59:59.999999. */
#define TIMESTAMP_MIN INT64_C(-211813488000000000)
#define TIMESTAMP_END INT64_C(9223371331200000000)

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* -------------------------------------------------------------- calendar */

struct civil {
    int64_t year; /* 0 is 1 BC */
    int month;
    int day;
};

/*
 * Days since 1970-01-01 and back, by eras of 400 years that begin in March,
 * so that the leap day is the last of its year.
 */
#define ERA_DAYS INT64_C(146097)
#define ERA_1970 INT64_C(719468) /* 0000-03-01 to 1970-01-01 */

static int64_t days_of(const struct civil *c)
{
    int64_t year = c->year - (c->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400;
    int64_t month = (c->month + 9) % 12;
    int64_t in_year = (153 * month + 2) / 5 + c->day - 1;

    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + in_year -
           ERA_1970;
}

static struct civil civil_of(int64_t days)
{
    int64_t day = days + ERA_1970;
    int64_t era = (day >= 0 ? day : day - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t in_era = day - era * ERA_DAYS;
    int64_t year =
        (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) /
        365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    struct civil c;

    c.day = (int)(in_year - (153 * month + 2) / 5 + 1);
    c.month = (int)(month < 10 ? month + 3 : month - 9);
    c.year = year + era * 400 + (c.month <= 2);
    return c;
}

int64_t elpq__days_of(int64_t year, int month, int day)
{
    const struct civil c = { year, month, day };

    return days_of(&c);
}

void elpq__civil_of(int64_t days, int64_t *year, int *month, int *day)
{
    struct civil c = civil_of(days);

    *year = c.year;
    *month = c.month;
    *day = c.day;
}

/* ------------------------------------------------------- epochs and ends */

static int date_from_wire(int32_t days, int64_t *out)
{
    if (days == ELPQ__DATE_INFINITY || days == ELPQ__DATE_NEG_INFINITY) {
        *out = days > 0 ? ELPQ_INFINITY : ELPQ_NEG_INFINITY;
        return 0;
    }
    if (days < DATE_MIN || days >= DATE_END)
        return ELPQ_E_DECODE;
    *out = days + ELPQ__EPOCH_DAYS;
    return 0;
}

int elpq__date_to_wire(int64_t days1970, int32_t *out)
{
    if (days1970 == ELPQ_INFINITY || days1970 == ELPQ_NEG_INFINITY) {
        *out = days1970 > 0 ? ELPQ__DATE_INFINITY : ELPQ__DATE_NEG_INFINITY;
        return 0;
    }
    if (days1970 < DATE_MIN + ELPQ__EPOCH_DAYS ||
        days1970 >= DATE_END + ELPQ__EPOCH_DAYS)
        return ELPQ_E_RANGE;
    *out = (int32_t)(days1970 - ELPQ__EPOCH_DAYS);
    return 0;
}

static bool timestamp_valid(int64_t usec)
{
    return usec == INT64_MAX || usec == INT64_MIN ||
           (usec >= TIMESTAMP_MIN && usec < TIMESTAMP_END);
}

static int timestamp_from_wire(int64_t usec, int64_t *out)
{
    if (!timestamp_valid(usec))
        return ELPQ_E_DECODE;
    if (usec == INT64_MAX || usec == INT64_MIN)
        *out = usec; /* the infinities are the same */
    else if (usec >= INT64_MAX - ELPQ__EPOCH_USEC)
        return ELPQ_E_RANGE;
    else
        *out = usec + ELPQ__EPOCH_USEC;
    return 0;
}

int elpq__timestamp_to_wire(int64_t usec1970, int64_t *out)
{
    if (usec1970 == ELPQ_INFINITY || usec1970 == ELPQ_NEG_INFINITY) {
        *out = usec1970;
        return 0;
    }
    if (usec1970 < TIMESTAMP_MIN + ELPQ__EPOCH_USEC)
        return ELPQ_E_RANGE;
    *out = usec1970 - ELPQ__EPOCH_USEC;
    return 0;
}

/* -------------------------------------------------------------- printing */

static void add_infinity(struct elpq__buf *out, bool negative)
{
    elpq__buf_add_str(out, negative ? "-infinity" : "infinity");
}

/* A number in so many digits, or more if it needs them. */
static void add_number(struct elpq__buf *out, int64_t x, int digits)
{
    char text[ELPQ__INT_SIZE];
    size_t n = sizeof(text);

    for (; x > 0 || digits > 0; x /= 10, digits--)
        text[--n] = (char)('0' + x % 10);
    elpq__buf_add(out, text + n, sizeof(text) - n);
}

static void add_civil(struct elpq__buf *out, const struct civil *c)
{
    add_number(out, c->year > 0 ? c->year : 1 - c->year, 4);
    elpq__buf_add_byte(out, '-');
    add_number(out, c->month, 2);
    elpq__buf_add_byte(out, '-');
    add_number(out, c->day, 2);
}

static void add_era(struct elpq__buf *out, const struct civil *c)
{
    if (c->year <= 0)
        elpq__buf_add(out, " BC", 3);
}

int elpq__print_date(struct elpq__buf *out, int32_t days)
{
    struct civil c;

    if (days == ELPQ__DATE_INFINITY || days == ELPQ__DATE_NEG_INFINITY) {
        add_infinity(out, days < 0);
        return 0;
    }
    if (days < DATE_MIN || days >= DATE_END)
        return ELPQ_E_DECODE;
    c = civil_of(days + ELPQ__EPOCH_DAYS);
    add_civil(out, &c);
    add_era(out, &c);
    return 0;
}

/* hh:mm:ss, and as many digits of the fraction as it needs. */
static void add_time(struct elpq__buf *out, int64_t usec)
{
    int64_t fraction = usec % SECOND;
    int digits = 6;

    add_number(out, usec / HOUR, 2);
    elpq__buf_add_byte(out, ':');
    add_number(out, usec / MINUTE % 60, 2);
    elpq__buf_add_byte(out, ':');
    add_number(out, usec / SECOND % 60, 2);
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        digits--;
    elpq__buf_add_byte(out, '.');
    add_number(out, fraction, digits);
}

int elpq__print_time(struct elpq__buf *out, int64_t usec)
{
    if (usec < 0 || usec > ELPQ__DAY_USEC)
        return ELPQ_E_DECODE;
    add_time(out, usec);
    return 0;
}

int elpq__print_timestamp(struct elpq__buf *out, int64_t usec, bool utc)
{
    int64_t days = usec / ELPQ__DAY_USEC;
    int64_t time = usec % ELPQ__DAY_USEC;
    struct civil c;

    if (!timestamp_valid(usec))
        return ELPQ_E_DECODE;
    if (usec == INT64_MAX || usec == INT64_MIN) {
        add_infinity(out, usec < 0);
        return 0;
    }
    if (time < 0) {
        time += ELPQ__DAY_USEC;
        days--;
    }
    c = civil_of(days + ELPQ__EPOCH_DAYS);
    add_civil(out, &c);
    elpq__buf_add_byte(out, ' ');
    add_time(out, time);
    if (utc)
        elpq__buf_add(out, "+00", 3);
    add_era(out, &c);
    return 0;
}

/* --------------------------------------------------------------- parsing */

/* A number of min to max digits, at most limit; anything else is bad. */
static int64_t take_number(struct elpq__reader *r, int min, int max,
                           int64_t limit)
{
    int64_t x = 0;
    int n = 0;

    for (; n < max && r->p < r->end && *r->p >= '0' && *r->p <= '9'; n++)
        x = x * 10 + (*r->p++ - '0');
    if (n < min || x > limit)
        r->bad = true;
    return x;
}

static void take_char(struct elpq__reader *r, char c)
{
    if (!elpq__take(r, c))
        r->bad = true;
}

static bool take_infinity(const char *text, size_t size, int64_t *out)
{
    if (size == 8 && memcmp(text, "infinity", 8) == 0)
        *out = ELPQ_INFINITY;
    else if (size == 9 && memcmp(text, "-infinity", 9) == 0)
        *out = ELPQ_NEG_INFINITY;
    else
        return false;
    return true;
}

static struct civil take_civil(struct elpq__reader *r)
{
    struct civil c;

    c.year = take_number(r, 4, 7, INT64_MAX);
    take_char(r, '-');
    c.month = (int)take_number(r, 2, 2, 12);
    take_char(r, '-');
    c.day = (int)take_number(r, 2, 2, 31);
    if (c.year < 1 || c.month < 1 || c.day < 1)
        r->bad = true;
    return c;
}

/*
 * The era at the end of the text, which decides about the year, and so about
 * the 29th of February.
 */
static int64_t take_era(struct elpq__reader *r, struct civil *c)
{
    int64_t days;

    if (elpq__take(r, ' ')) {
        take_char(r, 'B');
        take_char(r, 'C');
        c->year = 1 - c->year;
    }
    if (r->bad)
        return 0;
    days = days_of(c);
    if (civil_of(days).day != c->day) /* the month has no such day */
        r->bad = true;
    return days;
}

int64_t elpq__take_time(struct elpq__reader *r)
{
    int64_t usec = take_number(r, 2, 2, 24) * HOUR;
    int64_t unit = SECOND / 10;

    take_char(r, ':');
    usec += take_number(r, 2, 2, 59) * MINUTE;
    take_char(r, ':');
    usec += take_number(r, 2, 2, 59) * SECOND;
    if (elpq__take(r, '.')) {
        do {
            usec += take_number(r, 1, 1, 9) * unit;
            unit /= 10;
        } while (unit > 0 && r->p < r->end && *r->p >= '0' && *r->p <= '9');
    }
    if (usec > ELPQ__DAY_USEC)
        r->bad = true;
    return usec;
}

/* +hh, +hh:mm or +hh:mm:ss, in microseconds; less than 16 hours, as there */
int64_t elpq__take_offset(struct elpq__reader *r)
{
    bool negative = elpq__take(r, '-');
    int64_t offset;

    if (!negative)
        take_char(r, '+');
    offset = take_number(r, 2, 2, 15) * HOUR;
    if (elpq__take(r, ':'))
        offset += take_number(r, 2, 2, 59) * MINUTE;
    if (elpq__take(r, ':'))
        offset += take_number(r, 2, 2, 59) * SECOND;
    return negative ? -offset : offset;
}

/* ------------------------------------------------------------------ date */

static int date_decode(const struct elpq__codec *codec, const char *data,
                       size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 4)
        return ELPQ_E_DECODE;
    return date_from_wire((int32_t)elpq__load32(data), &out->u.int64);
}

static int date_parse(const struct elpq__codec *codec, const char *text,
                      size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(text, size);
    struct civil c;
    int64_t days;

    (void)codec;
    if (take_infinity(text, size, &out->u.int64))
        return 0;
    c = take_civil(&r);
    days = take_era(&r, &c);
    if (!elpq__read_done(&r) || days < DATE_MIN + ELPQ__EPOCH_DAYS ||
        days >= DATE_END + ELPQ__EPOCH_DAYS)
        return ELPQ_E_DECODE;
    out->u.int64 = days;
    return 0;
}

static int date_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    (void)codec;
    if (size != 4)
        return ELPQ_E_DECODE;
    return elpq__print_date(out, (int32_t)elpq__load32(data));
}

static int refuse_time(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__why *why)
{
    return elpq__refuse(why, "value %" PRId64 " is out of range for type %s",
                        v->u.int64, codec->name);
}

/* A timestamp is a date at midnight only: nothing is cut off unseen. */
static int date_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    int64_t days = v->u.int64;
    int32_t wire;

    if (v->kind != ELPQ_KIND_DATE && v->kind != ELPQ_KIND_TIMESTAMP)
        return ELPQ__AS_TEXT;
    if (v->kind == ELPQ_KIND_TIMESTAMP && days != ELPQ_INFINITY &&
        days != ELPQ_NEG_INFINITY) {
        if (days % ELPQ__DAY_USEC != 0)
            return elpq__refuse(why, "a time of day cannot be sent as type %s",
                                codec->name);
        days /= ELPQ__DAY_USEC;
    }
    if (elpq__date_to_wire(days, &wire))
        return refuse_time(codec, v, why);
    elpq__buf_add_int32(out, (uint32_t)wire);
    return 0;
}

const struct elpq__codec_ops elpq__date_ops = { .decode = date_decode,
                                                .parse = date_parse,
                                                .print = date_print,
                                                .encode = date_encode };

/* ------------------------------------------------------------------ time */

static int time_decode(const struct elpq__codec *codec, const char *data,
                       size_t size, elpq_value *out)
{
    (void)codec;
    if (size != 8)
        return ELPQ_E_DECODE;
    out->u.int64 = (int64_t)elpq__load64(data);
    if (out->u.int64 < 0 || out->u.int64 > ELPQ__DAY_USEC)
        return ELPQ_E_DECODE;
    return 0;
}

static int time_parse(const struct elpq__codec *codec, const char *text,
                      size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(text, size);

    (void)codec;
    out->u.int64 = elpq__take_time(&r);
    return elpq__read_done(&r) ? 0 : ELPQ_E_DECODE;
}

static int time_print(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out)
{
    (void)codec;
    if (size != 8)
        return ELPQ_E_DECODE;
    return elpq__print_time(out, (int64_t)elpq__load64(data));
}

static int time_encode(const struct elpq__codec *codec, const elpq_value *v,
                       struct elpq__buf *out, struct elpq__why *why)
{
    if (v->kind != ELPQ_KIND_TIME)
        return ELPQ__AS_TEXT;
    if (v->u.int64 < 0 || v->u.int64 > ELPQ__DAY_USEC)
        return refuse_time(codec, v, why);
    elpq__buf_add_int64(out, v->u.uint64);
    return 0;
}

const struct elpq__codec_ops elpq__time_ops = { .decode = time_decode,
                                                .parse = time_parse,
                                                .print = time_print,
                                                .encode = time_encode };

/* -------------------------------------------- timestamp and timestamptz */

static int timestamp_decode(const struct elpq__codec *codec, const char *data,
                            size_t size, elpq_value *out)
{
    if (size != 8)
        return ELPQ_E_DECODE;
    out->elem = codec->oid == ELPQ_OID_TIMESTAMPTZ;
    return timestamp_from_wire((int64_t)elpq__load64(data), &out->u.int64);
}

static int timestamp_parse(const struct elpq__codec *codec, const char *text,
                           size_t size, elpq_value *out)
{
    struct elpq__reader r = elpq__reader_of(text, size);
    int64_t days, time;
    int64_t offset = 0;
    struct civil c;

    out->elem = codec->oid == ELPQ_OID_TIMESTAMPTZ;
    if (take_infinity(text, size, &out->u.int64))
        return 0;
    c = take_civil(&r);
    take_char(&r, ' ');
    time = elpq__take_time(&r);
    if (out->elem)
        offset = elpq__take_offset(&r);
    days = take_era(&r, &c) - ELPQ__EPOCH_DAYS;
    /* one day more, for the offset: the sum is days from overflow */
    if (!elpq__read_done(&r) || days < TIMESTAMP_MIN / ELPQ__DAY_USEC - 1 ||
        days > TIMESTAMP_END / ELPQ__DAY_USEC)
        return ELPQ_E_DECODE;
    time += days * ELPQ__DAY_USEC - offset;
    return timestamp_from_wire(time, &out->u.int64);
}

static int timestamp_print(const struct elpq__codec *codec, const char *data,
                           size_t size, struct elpq__buf *out)
{
    if (size != 8)
        return ELPQ_E_DECODE;
    return elpq__print_timestamp(out, (int64_t)elpq__load64(data),
                                 codec->oid == ELPQ_OID_TIMESTAMPTZ);
}

/*
 * A date goes as text: as a timestamptz it is midnight of the session's time
 * zone, which only the server knows.
 */
static int timestamp_encode(const struct elpq__codec *codec,
                            const elpq_value *v, struct elpq__buf *out,
                            struct elpq__why *why)
{
    int64_t wire;

    if (v->kind != ELPQ_KIND_TIMESTAMP)
        return ELPQ__AS_TEXT;
    if (elpq__timestamp_to_wire(v->u.int64, &wire))
        return refuse_time(codec, v, why);
    elpq__buf_add_int64(out, (uint64_t)wire);
    return 0;
}

const struct elpq__codec_ops elpq__timestamp_ops = { .decode = timestamp_decode,
                                                     .parse = timestamp_parse,
                                                     .print = timestamp_print,
                                                     .encode =
                                                         timestamp_encode };

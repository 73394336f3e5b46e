/* SPDX-License-Identifier: PostgreSQL */
/*
 * Values as SQL literals, for elqb_lit() and for debug text.
 *
 * Strings are safe under every server setting: checked for UTF-8 and NUL,
 * quotes doubled, and with a backslash inside written as E'...'.  A value
 * whose type its looks do not tell gets a cast.  What has no text form here
 * (the binary form of a type) is an error in a statement, and shown by its
 * size in debug text.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "renderer.h"

#define DAY_USEC INT64_C(86400000000)

static void put_signed(struct elqb__render *r, int64_t x)
{
    if (x < 0)
        elqb__put_char(r, '-');
    elqb__put_unsigned(r, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
}

static void put_padded(struct elqb__render *r, unsigned number, int width)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "%0*u", width, number);

    elqb__put_bytes(r, text, (size_t)size);
}

/* ---------------------------------------------------------------- strings */

static void put_escaped(struct elqb__render *r, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\'' || data[i] == '\\')
            elqb__put_char(r, data[i]);
        elqb__put_char(r, data[i]);
    }
}

static void put_text(struct elqb__render *r, const char *data, size_t size)
{
    bool good =
        !memchr(data, '\0', size) && elqb__check_utf8(data, size) == size;

    if (!good && r->debug) {
        PUT(r, "<invalid text>");
        return;
    }
    if (!good) {
        elqb__fail(r->q, ELQB_E_VALUE,
                   "elqb_render: a string is not valid UTF-8");
        return;
    }
    if (memchr(data, '\\', size))
        PUT(r, "E");
    elqb__put_char(r, '\'');
    put_escaped(r, data, size);
    elqb__put_char(r, '\'');
}

static void put_hex(struct elqb__render *r, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        elqb__put_char(r, digits[data[i] >> 4]);
        elqb__put_char(r, digits[data[i] & 15]);
    }
}

/* --------------------------------------------------------- dates and times */

/* The date so many days after 1970-01-01, in the proleptic calendar. */
static void put_day(struct elqb__render *r, int64_t days, bool *bc)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = (int64_t)yoe + era * 400 + (month <= 2);

    *bc = year <= 0;
    put_padded(r, (unsigned)(*bc ? 1 - year : year), 4);
    elqb__put_char(r, '-');
    put_padded(r, month, 2);
    elqb__put_char(r, '-');
    put_padded(r, doy - (153 * mp + 2) / 5 + 1, 2);
}

static void put_time(struct elqb__render *r, int64_t usec)
{
    put_padded(r, (unsigned)(usec / 3600000000), 2);
    elqb__put_char(r, ':');
    put_padded(r, (unsigned)(usec / 60000000 % 60), 2);
    elqb__put_char(r, ':');
    put_padded(r, (unsigned)(usec / 1000000 % 60), 2);
    if (usec % 1000000) {
        elqb__put_char(r, '.');
        put_padded(r, (unsigned)(usec % 1000000), 6);
    }
}

/* Far beyond what the server has, and small enough for the arithmetic. */
#define MAX_DAYS INT64_C(4000000000)

static void put_moment(struct elqb__render *r, const elpq_value *v)
{
    bool date = v->kind == ELPQ_KIND_DATE, bc;
    int64_t days = v->u.int64, usec = 0;

    if (v->u.int64 == ELPQ_INFINITY || v->u.int64 == ELPQ_NEG_INFINITY) {
        elqb__put_string(r, v->u.int64 > 0 ? "infinity" : "-infinity");
        return;
    }
    if (!date) {
        days = v->u.int64 / DAY_USEC;
        usec = v->u.int64 % DAY_USEC;
        if (usec < 0) {
            usec += DAY_USEC;
            days--;
        }
    }
    if ((days > MAX_DAYS || days < -MAX_DAYS) && r->debug) {
        PUT(r, "<out of range>");
        return;
    }
    if (days > MAX_DAYS || days < -MAX_DAYS) {
        elqb__fail(r->q, ELQB_E_VALUE,
                   "elqb_render: a date is out of range");
        return;
    }
    put_day(r, days, &bc);
    if (!date) {
        elqb__put_char(r, ' ');
        put_time(r, usec);
    }
    if (v->elem || v->oid == ELPQ_OID_TIMESTAMPTZ)
        PUT(r, "+00");
    if (bc)
        PUT(r, " BC");
}

/* With IntervalStyle sql_standard a leading minus is that of all parts, unless
 * others have signs. */
static void put_interval(struct elqb__render *r,
                         const elpq_interval_parts *part)
{
    put_signed(r, part->months);
    PUT(r, " mons ");
    if (part->months < 0 && part->days >= 0)
        elqb__put_char(r, '+');
    put_signed(r, part->days);
    PUT(r, " days ");
    if (part->months < 0 && part->microseconds >= 0)
        elqb__put_char(r, '+');
    put_signed(r, part->microseconds);
    PUT(r, " us");
}

/* ----------------------------------------------------------------- numbers */

/* The shortest of the forms that are read back as the same number. */
static void print_shortest(char text[40], const elpq_value *v)
{
    bool single = v->kind == ELPQ_KIND_FLOAT;
    double x = v->u.float64;

    for (int digits = single ? 6 : 15; digits <= (single ? 9 : 17); digits++) {
        snprintf(text, 40, "%.*g", digits, x);
        if (single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x)
            break;
    }
    for (char *p = text; *p; p++)
        if (*p == ',') /* the decimal point of some locales */
            *p = '.';
}

static void put_double(struct elqb__render *r, const elpq_value *v)
{
    char text[40];
    double x = v->u.float64;

    if (isnan(x)) {
        PUT(r, "NaN");
    } else if (isinf(x)) {
        elqb__put_string(r, x > 0 ? "Infinity" : "-Infinity");
    } else {
        print_shortest(text, v);
        elqb__put_string(r, text);
    }
}

/* -------------------------------------------------------------------- any */

bool elqb__put_type(struct elqb__render *r, const char *before, uint32_t oid)
{
    bool is_array, quoted;
    const char *name = elqb__type_name(oid, &is_array);

    if (!name)
        return false;
    /* Quoted: the grammar takes these two for other types. */
    quoted = strcmp(name, "CHAR") == 0 || strcmp(name, "BIT") == 0;
    elqb__put_string(r, before);
    if (quoted)
        elqb__put_char(r, '"');
    for (; *name; name++)
        elqb__put_char(r, *name >= 'A' && *name <= 'Z'
                              ? (char)(*name - 'A' + 'a')
                              : *name);
    if (quoted)
        elqb__put_char(r, '"');
    if (is_array)
        PUT(r, "[]");
    return true;
}

void elqb__put_cast(struct elqb__render *r, uint32_t oid)
{
    elqb__put_type(r, "::", oid);
}

static void put_raw(struct elqb__render *r, const elpq_value *v)
{
    if (!r->debug) {
        elqb__fail(r->q, ELQB_E_VALUE, "elqb_render: a value in binary form "
                   "cannot be written as a literal");
        return;
    }
    PUT(r, "<");
    elqb__put_unsigned(r, v->u.bytes.size);
    PUT(r, " bytes>");
}

/* Values whose text form only the driver knows: as parameters they are fine. */
static void put_unwritten(struct elqb__render *r)
{
    if (!r->debug)
        elqb__fail(r->q, ELQB_E_VALUE, "elqb_render: a value of this type "
                   "cannot be written as a literal");
    else
        PUT(r, "<value>");
}

/* One element of a C array. */
static elpq_value element(const elpq_value *v, size_t i)
{
    const char *at = (const char *)v->u.array.items + i * v->width;
    uint32_t oid = elqb__element_of(v->oid);
    float f;
    double d;

    switch (v->elem) {
    case ELPQ_KIND_BOOL: /* as a byte, which need not be 0 or 1 */
        return elpq_bool(*(const unsigned char *)at != 0);
    case ELPQ_KIND_TEXT:
        return elpq_text(((const char *const *)v->u.array.items)[i]);
    case ELPQ_KIND_FLOAT:
        memcpy(&f, at, sizeof(f));
        return elpq_typed(oid, elpq_float(f));
    case ELPQ_KIND_DOUBLE:
        memcpy(&d, at, sizeof(d));
        return elpq_typed(oid, elpq_double(d));
    default: /* the array has the cast */
        return elpq_typed(oid == ELPQ_OID_BOOL ? oid : 0,
                          elpq_int64(elqb__int_at(v, i)));
    }
}

static void put_array(struct elqb__render *r, const elpq_value *v)
{
    const elpq_value *items = v->u.array.items;
    elpq_value item;

    if (!elqb__enter(r))
        return;
    PUT(r, "ARRAY[");
    for (size_t i = 0; i < v->u.array.count; i++) {
        if (i)
            PUT(r, ", ");
        item = v->kind == ELPQ_KIND_ARRAY ? items[i] : element(v, i);
        elqb__put_literal(r, &item);
    }
    PUT(r, "]");
    elqb__put_cast(r, v->oid);
    elqb__leave(r);
}

/* Whether an integer is of another type than its digits are to SQL.  Debug
 * text does without: it is read, not run. */
static bool has_cast(const struct elqb__render *r, const elpq_value *v)
{
    bool is_array;

    if (r->debug || v->oid == 0 || v->oid == ELPQ_OID_BOOL)
        return false;
    if (v->oid == ELPQ_OID_INT4 && v->u.int64 >= 0)
        return v->u.int64 > INT32_MAX;
    if (v->oid == ELPQ_OID_INT4 && v->kind == ELPQ_KIND_INT)
        return v->u.int64 <= INT32_MIN; /* minus a number that is no int4 */
    if (v->kind == ELPQ_KIND_UINT && v->u.uint64 > INT64_MAX)
        return false; /* no integer at all: it reads as numeric */
    return elqb__type_name(v->oid, &is_array) != NULL;
}

bool elqb__is_negative(const struct elqb__render *r, const elpq_value *v)
{
    if (v->oid == ELPQ_OID_BOOL || v->kind != ELPQ_KIND_INT)
        return false;
    return v->u.int64 < 0 && !has_cast(r, v);
}

static void put_int(struct elqb__render *r, const elpq_value *v)
{
    bool cast = has_cast(r, v);
    bool negative = v->kind == ELPQ_KIND_INT && v->u.int64 < 0;

    if (v->oid == ELPQ_OID_BOOL) {
        elqb__put_string(r, v->u.int64 ? "true" : "false");
        return;
    }
    if (cast && negative) /* :: binds tighter than the sign */
        elqb__put_char(r, '(');
    if (v->kind == ELPQ_KIND_UINT)
        elqb__put_unsigned(r, v->u.uint64);
    else
        put_signed(r, v->u.int64);
    if (cast && negative)
        elqb__put_char(r, ')');
    if (cast)
        elqb__put_cast(r, v->oid);
}

/* The values that stand between quotes, with a cast behind. */
static void put_quoted(struct elqb__render *r, const elpq_value *v)
{
    if (v->kind == ELPQ_KIND_BYTES)
        PUT(r, "E");
    elqb__put_char(r, '\'');
    switch (v->kind) {
    case ELPQ_KIND_DOUBLE:
    case ELPQ_KIND_FLOAT:
        put_double(r, v);
        break;
    case ELPQ_KIND_BYTES:
        PUT(r, "\\\\x");
        put_hex(r, (const uint8_t *)v->u.bytes.data, v->u.bytes.size);
        break;
    case ELPQ_KIND_UUID:
        put_hex(r, v->u.uuid, sizeof(v->u.uuid));
        break;
    case ELPQ_KIND_TIME:
        put_time(r, v->u.int64);
        break;
    case ELPQ_KIND_INTERVAL:
        put_interval(r, &v->u.interval);
        break;
    default:
        put_moment(r, v);
        break;
    }
    elqb__put_char(r, '\'');
    elqb__put_cast(r, v->oid);
}

void elqb__put_literal(struct elqb__render *r, const elpq_value *v)
{
    switch (v->kind) {
    case ELPQ_KIND_NULL:
        PUT(r, "NULL");
        if (!r->debug)
            elqb__put_cast(r, v->oid);
        break;
    case ELPQ_KIND_BOOL:
        elqb__put_string(r, v->u.boolean ? "true" : "false");
        break;
    case ELPQ_KIND_INT:
    case ELPQ_KIND_UINT:
        put_int(r, v);
        break;
    case ELPQ_KIND_TEXT:
        put_text(r, v->u.bytes.data, v->u.bytes.size);
        if (v->oid != ELPQ_OID_TEXT)
            elqb__put_cast(r, v->oid);
        break;
    case ELPQ_KIND_RAW:
        put_raw(r, v);
        break;
    case ELPQ_KIND_ARRAY:
    case ELPQ_KIND_C_ARRAY:
        put_array(r, v);
        break;
    default:
        if (v->kind > ELPQ_KIND_RAW) {
            put_unwritten(r);
            break;
        }
        put_quoted(r, v);
        break;
    }
}

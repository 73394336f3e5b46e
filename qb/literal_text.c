/* SPDX-License-Identifier: PostgreSQL */
/*
 * The text forms of values, as the server reads them: what stands between the
 * quotes of a literal, or inside that of an array, a range or a row.
 *
 * A part of another value is written first and quoted then, in its place:
 * with backslashes, which all these types understand.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "renderer.h"

#define DAY_USEC INT64_C(86400000000)

/* No value of its type: debug text says so, and is no error. */
static void put_out_of_range(struct elqb__render *r, const char *why)
{
    if (r->debug)
        PUT(r, "<out of range>");
    else
        elqb__fail(r->q, ELQB_E_VALUE, "elqb_render: %s", why);
}

const char *elqb__take_back(struct elqb__render *r, size_t start, size_t *size)
{
    if (elqb__failed(r->q))
        return NULL;
    *size = r->len - start;
    r->len = start;
    return elqb__copy_bytes(r->q, r->text + start, *size);
}

/* One unsigned in a format of printf. */
#define PUT_FORMAT(r, format, x)                                               \
    do {                                                                       \
        char text_[16];                                                        \
                                                                               \
        snprintf(text_, sizeof(text_), format, (unsigned)(x));                 \
        elqb__put_string(r, text_);                                            \
    } while (0)

static void put_padded(struct elqb__render *r, unsigned number, int width)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "%0*u", width, number);

    elqb__put_bytes(r, text, (size_t)size);
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
    if (usec < 0 || usec > DAY_USEC) {
        put_out_of_range(r, "a time is out of range");
        return;
    }
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
    if (days > MAX_DAYS || days < -MAX_DAYS) {
        put_out_of_range(r, "a date is out of range");
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
    elqb__put_signed(r, part->months);
    PUT(r, " mons ");
    if (part->months < 0 && part->days >= 0)
        elqb__put_char(r, '+');
    elqb__put_signed(r, part->days);
    PUT(r, " days ");
    if (part->months < 0 && part->microseconds >= 0)
        elqb__put_char(r, '+');
    elqb__put_signed(r, part->microseconds);
    PUT(r, " us");
}

/* ----------------------------------------------------------------- numbers */

void elqb__put_signed(struct elqb__render *r, int64_t x)
{
    if (x < 0)
        elqb__put_char(r, '-');
    elqb__put_unsigned(r, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
}

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
}

static void put_digits(struct elqb__render *r, char *text)
{
    for (char *p = text; *p; p++)
        if (*p == ',') /* the decimal point of some locales */
            *p = '.';
    elqb__put_string(r, text);
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
        put_digits(r, text);
    }
}

static void put_long_double(struct elqb__render *r, const elpq_value *v)
{
    char text[64];
    long double x;

    memcpy(&x, v->u.uuid, sizeof(x));
    if (isnan(x)) {
        PUT(r, "NaN");
    } else if (isinf(x)) {
        elqb__put_string(r, x > 0 ? "Infinity" : "-Infinity");
    } else {
        for (int digits = LDBL_DIG; digits <= LDBL_DECIMAL_DIG; digits++) {
            snprintf(text, sizeof(text), "%.*Lg", digits, x);
            if (strtold(text, NULL) == x)
                break;
        }
        put_digits(r, text);
    }
}

static void put_int128(struct elqb__render *r, const elpq_value *v)
{
#if ELPQ_HAVE_INT128
    char text[40], *at = text + sizeof(text);
    elpq_int128_t x;

    memcpy(&x, v->u.uuid, sizeof(x));
    if (x < 0)
        elqb__put_char(r, '-');
    do { /* the remainder of a negative number is negative */
        *--at = (char)('0' + abs((int)(x % 10)));
        x /= 10;
    } while (x);
    elqb__put_bytes(r, at, (size_t)(text + sizeof(text) - at));
#else
    (void)r, (void)v; /* nothing makes one */
#endif
}

/* --------------------------------------------------- addresses and places */

static void put_timetz(struct elqb__render *r, const elpq_timetz_parts *part)
{
    unsigned seconds = (unsigned)llabs((long long)part->offset);

    put_time(r, part->microseconds);
    if (seconds >= 16 * 3600) {
        put_out_of_range(r, "a time zone is out of range");
        return;
    }
    elqb__put_char(r, part->offset < 0 ? '-' : '+');
    PUT_FORMAT(r, "%02u", seconds / 3600);
    PUT_FORMAT(r, ":%02u", seconds / 60 % 60);
    if (seconds % 60)
        PUT_FORMAT(r, ":%02u", seconds % 60);
}

static void put_inet(struct elqb__render *r, const elpq_value *v)
{
    bool old = v->elem == 4;
    unsigned bits = old ? 32 : 128;

    if ((!old && v->elem != 6) || v->width > bits) {
        put_out_of_range(r, "an address is out of range");
        return;
    }
    for (unsigned i = 0; i < bits / 8; i += old ? 1 : 2) {
        if (i)
            elqb__put_char(r, old ? '.' : ':');
        if (old)
            PUT_FORMAT(r, "%u", v->u.inet[i]);
        else
            PUT_FORMAT(r, "%x", v->u.inet[i] * 256u + v->u.inet[i + 1]);
    }
    if (v->oid == ELPQ_OID_CIDR || v->width != bits)
        PUT_FORMAT(r, "/%u", v->width);
}

static void put_macaddr(struct elqb__render *r, const elpq_value *v)
{
    if (v->width != 6 && v->width != 8) {
        put_out_of_range(r, "an address is out of range");
        return;
    }
    for (unsigned i = 0; i < v->width; i++) {
        if (i)
            elqb__put_char(r, ':');
        PUT_FORMAT(r, "%02x", v->u.macaddr[i]);
    }
}

static void put_bits(struct elqb__render *r, const elpq_bits *bits)
{
    for (size_t i = 0; i < bits->count; i++)
        elqb__put_char(r, bits->data[i / 8] & (0x80u >> (i % 8)) ? '1' : '0');
}

static void put_coordinate(struct elqb__render *r, double x)
{
    elpq_value v = elpq_double(x);

    put_double(r, &v);
}

static void put_point(struct elqb__render *r, const elpq_point_xy *point)
{
    elqb__put_char(r, '(');
    put_coordinate(r, point->x);
    elqb__put_char(r, ',');
    put_coordinate(r, point->y);
    elqb__put_char(r, ')');
}

/* The geometric types: so many coordinates, 0 for pairs of any number. */
static const struct shape {
    uint32_t oid;
    size_t count;
    const char *open;
    const char *close;
} shapes[] = {
    { ELPQ_OID_LINE, 3, "{", "}" }, { ELPQ_OID_CIRCLE, 3, "<", ">" },
    { ELPQ_OID_LSEG, 4, "[", "]" }, { ELPQ_OID_BOX, 4, "", "" },
    { ELPQ_OID_PATH, 0, "(", ")" }, { ELPQ_OID_POLYGON, 0, "(", ")" },
}, open_path = { ELPQ_OID_PATH, 0, "[", "]" };

static const struct shape *find_shape(const elpq_value *v)
{
    size_t count = v->u.doubles.count;

    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        if (shapes[i].oid == v->oid &&
            (shapes[i].count ? shapes[i].count == count : count % 2 == 0))
            return v->oid == ELPQ_OID_PATH && !v->elem ? &open_path
                                                       : &shapes[i];
    return NULL;
}

static void put_shape(struct elqb__render *r, const elpq_value *v)
{
    const struct shape *shape = find_shape(v);
    size_t count = v->u.doubles.count;

    if (!shape) {
        put_out_of_range(r, "the coordinates are no value of their type");
        return;
    }
    elqb__put_string(r, shape->open);
    for (size_t i = 0; i < count; i++) {
        bool pair = shape->oid != ELPQ_OID_LINE && (i | 1) < count;

        if (i)
            elqb__put_char(r, ',');
        if (pair && i % 2 == 0)
            elqb__put_char(r, '(');
        put_coordinate(r, v->u.doubles.items[i]);
        if (pair && i % 2)
            elqb__put_char(r, ')');
    }
    elqb__put_string(r, shape->close);
}

/* ------------------------------------------------- values that have parts */

/* One element of an array, and what else has items. */
elpq_value elqb__item(const elpq_value *v, size_t i)
{
    const elpq_value *items = v->u.array.items;
    const char *at = (const char *)v->u.array.items + i * v->width;
    uint32_t oid = elqb__element_of(v->oid);
    float f;
    double d;

    if (v->kind != ELPQ_KIND_C_ARRAY)
        return items[i];
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

/* Whether a part needs no quotes in any of the types. */
static bool is_word(const char *text, size_t size)
{
    static const char plain[] = "0123456789.+-:abcdefghijklmnopqrstuvwxyz_";

    for (size_t i = 0; i < size; i++)
        if (!strchr(plain, text[i]) || !text[i])
            return false;
    return size && !(size == 4 && memcmp(text, "null", 4) == 0);
}

static void put_part(struct elqb__render *r, const elpq_value *v)
{
    size_t start = r->len, size;
    const char *text;

    elqb__put_plain(r, v);
    text = elqb__take_back(r, start, &size);
    if (!text)
        return;
    if (v->kind != ELPQ_KIND_TEXT && is_word(text, size)) {
        elqb__put_bytes(r, text, size);
        return;
    }
    elqb__put_char(r, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            elqb__put_char(r, '\\');
        elqb__put_char(r, text[i]);
    }
    elqb__put_char(r, '"');
}

static void put_range(struct elqb__render *r, const elpq_value *v)
{
    const elpq_value *bounds = v->u.array.items;

    if (v->elem & ELPQ_RANGE_EMPTY) {
        PUT(r, "empty");
        return;
    }
    if (v->u.array.count != 2) {
        put_out_of_range(r, "a range has two bounds");
        return;
    }
    elqb__put_char(r, v->elem & ELPQ_RANGE_LOWER_INCLUSIVE ? '[' : '(');
    if (!(v->elem & ELPQ_RANGE_LOWER_UNBOUNDED))
        put_part(r, &bounds[0]);
    elqb__put_char(r, ',');
    if (!(v->elem & ELPQ_RANGE_UPPER_UNBOUNDED))
        put_part(r, &bounds[1]);
    elqb__put_char(r, v->elem & ELPQ_RANGE_UPPER_INCLUSIVE ? ']' : ')');
}

/* An array of an array, whose bounds stand before the whole. */
static void put_inner(struct elqb__render *r, const elpq_value *v);

static bool is_array(const elpq_value *v)
{
    return v->kind == ELPQ_KIND_ARRAY || v->kind == ELPQ_KIND_C_ARRAY;
}

/* All items; this stands for NULL. */
static void put_items(struct elqb__render *r, const elpq_value *v,
                      const char *null)
{
    for (size_t i = 0; i < v->u.array.count && !elqb__failed(r->q); i++) {
        elpq_value item = elqb__item(v, i);

        if (i)
            elqb__put_string(r,
                             v->kind == ELPQ_KIND_HSTORE && i % 2 ? "=>" : ",");
        if (item.kind == ELPQ_KIND_NULL)
            elqb__put_string(r, null);
        else if (v->kind == ELPQ_KIND_MULTIRANGE)
            put_range(r, &item);
        else if (is_array(v) && is_array(&item))
            put_inner(r, &item);
        else
            put_part(r, &item);
    }
}

bool elqb__has_bounds(const elpq_value *v)
{
    for (; v->kind == ELPQ_KIND_ARRAY && v->u.array.count; v = v->u.array.items)
        if (v->u.array.shift)
            return true;
    return v->kind == ELPQ_KIND_C_ARRAY && v->u.array.count && v->u.array.shift;
}

/* [2:3][1:2]=, of each dimension. */
static void put_bounds(struct elqb__render *r, const elpq_value *v)
{
    while (is_array(v) && v->u.array.count) {
        elqb__put_char(r, '[');
        elqb__put_signed(r, (int64_t)v->u.array.shift + 1);
        elqb__put_char(r, ':');
        elqb__put_signed(r, (int64_t)v->u.array.shift + v->u.array.count);
        elqb__put_char(r, ']');
        if (v->kind == ELPQ_KIND_C_ARRAY)
            break;
        v = v->u.array.items;
    }
    elqb__put_char(r, '=');
}

static void put_braces(struct elqb__render *r, const elpq_value *v)
{
    elqb__put_char(r, '{');
    put_items(r, v, "NULL");
    elqb__put_char(r, '}');
}

static void put_inner(struct elqb__render *r, const elpq_value *v)
{
    if (!elqb__enter(r))
        return;
    put_braces(r, v);
    elqb__leave(r);
}

static void put_parts(struct elqb__render *r, const elpq_value *v)
{
    if (!elqb__enter(r))
        return;
    if (elqb__has_bounds(v))
        put_bounds(r, v);
    switch (v->kind) {
    case ELPQ_KIND_RANGE:
        put_range(r, v);
        break;
    case ELPQ_KIND_COMPOSITE:
        elqb__put_char(r, '(');
        put_items(r, v, "");
        elqb__put_char(r, ')');
        break;
    case ELPQ_KIND_HSTORE:
        put_items(r, v, "NULL");
        break;
    default:
        put_braces(r, v);
        break;
    }
    elqb__leave(r);
}

/* -------------------------------------------------------------------- any */

/* What has no text form: an error, and in debug text what is known of it. */
static void put_unwritten(struct elqb__render *r, const elpq_value *v)
{
    bool money = v->kind == ELPQ_KIND_MONEY;

    if (!r->debug)
        elqb__fail(r->q, ELQB_E_VALUE,
                   "elqb_render: a value %s cannot be "
                   "written as a literal",
                   money ? "of money, whose text depends on lc_monetary,"
                         : "in binary form");
    else if (money)
        PUT(r, "<money ");
    else
        PUT(r, "<");
    if (money)
        elqb__put_signed(r, v->u.int64);
    else
        elqb__put_unsigned(r, v->u.bytes.size);
    elqb__put_string(r, money ? ">" : " bytes>");
}

/* Those of one word of the union. */
static void put_scalar(struct elqb__render *r, const elpq_value *v)
{
    switch (v->kind) {
    case ELPQ_KIND_BOOL:
        elqb__put_string(r, v->u.boolean ? "true" : "false");
        break;
    case ELPQ_KIND_UINT:
        elqb__put_unsigned(r, v->u.uint64);
        break;
    case ELPQ_KIND_INT:
        elqb__put_signed(r, v->u.int64);
        break;
    case ELPQ_KIND_DOUBLE:
    case ELPQ_KIND_FLOAT:
        put_double(r, v);
        break;
    case ELPQ_KIND_TIME:
        put_time(r, v->u.int64);
        break;
    case ELPQ_KIND_LSN:
        PUT_FORMAT(r, "%X/", v->u.uint64 >> 32);
        PUT_FORMAT(r, "%X", v->u.uint64);
        break;
    case ELPQ_KIND_DATE:
    case ELPQ_KIND_TIMESTAMP:
        put_moment(r, v);
        break;
    default:
        put_unwritten(r, v);
        break;
    }
}

static void put_struct(struct elqb__render *r, const elpq_value *v)
{
    switch (v->kind) {
    case ELPQ_KIND_UUID:
        put_hex(r, v->u.uuid, sizeof(v->u.uuid));
        break;
    case ELPQ_KIND_INTERVAL:
        put_interval(r, &v->u.interval);
        break;
    case ELPQ_KIND_TIMETZ:
        put_timetz(r, &v->u.timetz);
        break;
    case ELPQ_KIND_TID:
        PUT_FORMAT(r, "(%u,", v->u.tid.block);
        PUT_FORMAT(r, "%u)", v->u.tid.offset);
        break;
    case ELPQ_KIND_INET:
        put_inet(r, v);
        break;
    case ELPQ_KIND_MACADDR:
        put_macaddr(r, v);
        break;
    case ELPQ_KIND_POINT:
        put_point(r, &v->u.point);
        break;
    case ELPQ_KIND_INT128:
        put_int128(r, v);
        break;
    case ELPQ_KIND_LONG_DOUBLE:
        put_long_double(r, v);
        break;
    default:
        put_scalar(r, v);
        break;
    }
}

void elqb__put_plain(struct elqb__render *r, const elpq_value *v)
{
    switch (v->kind) {
    case ELPQ_KIND_TEXT:
        elqb__put_bytes(r, v->u.bytes.data, v->u.bytes.size);
        break;
    case ELPQ_KIND_BYTES:
        PUT(r, "\\x");
        put_hex(r, (const uint8_t *)v->u.bytes.data, v->u.bytes.size);
        break;
    case ELPQ_KIND_BITS:
        put_bits(r, &v->u.bits);
        break;
    case ELPQ_KIND_DOUBLES:
        put_shape(r, v);
        break;
    case ELPQ_KIND_ARRAY:
    case ELPQ_KIND_C_ARRAY:
    case ELPQ_KIND_RANGE:
    case ELPQ_KIND_MULTIRANGE:
    case ELPQ_KIND_COMPOSITE:
    case ELPQ_KIND_HSTORE:
        put_parts(r, v);
        break;
    default:
        put_struct(r, v);
        break;
    }
}

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file value.h
 * One SQL value, passed by value.
 *
 * An elpq_value is what a parameter is before it is sent, and what a cell is
 * after it was decoded.  It is plain data: 24 bytes, no allocation, nothing
 * to free.  Values that point somewhere (text, bytea, arrays, raw) borrow the
 * memory: it must live until the statement was submitted, which copies it.
 *
 * `oid` is the PostgreSQL type that the value is sent as; 0 lets the server
 * decide from the context, which is right for text.  `kind` says which member
 * of the union holds the value.  The two are independent: 18 with the OID of
 * numeric is sent as the numeric 18.  What does not fit (70000 as smallint)
 * is an error of the statement, ELPQ_E_VALUE, that names the parameter.
 *
 * Dates and times count from 1970-01-01, as everything else in C does; the
 * server's own epoch is never seen.  The far ends of the 64-bit range are
 * infinity and -infinity.
 *
 * This header, makers.h and statement.h are all that driver and builder share.
 */
#ifndef ELPQ_VALUE_H
#define ELPQ_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "structs.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which member of elpq_value.u holds the value. */
typedef enum elpq_kind {
    ELPQ_KIND_NULL = 0,  /**< SQL NULL; no member                          */
    ELPQ_KIND_BOOL,      /**< u.boolean                                    */
    ELPQ_KIND_INT,       /**< u.int64                                      */
    ELPQ_KIND_UINT,      /**< u.uint64                                     */
    ELPQ_KIND_DOUBLE,    /**< u.float64                                    */
    ELPQ_KIND_FLOAT,     /**< u.float64, holding a float's value           */
    ELPQ_KIND_TEXT,      /**< u.bytes: the type's text form, no NUL inside */
    ELPQ_KIND_BYTES,     /**< u.bytes: arbitrary bytes (bytea)             */
    ELPQ_KIND_UUID,      /**< u.uuid                                       */
    ELPQ_KIND_DATE,      /**< u.int64: days since 1970-01-01               */
    ELPQ_KIND_TIME,      /**< u.int64: microseconds since midnight         */
    ELPQ_KIND_TIMESTAMP, /**< u.int64: microseconds since 1970-01-01
                              00:00; elem: 1 if that is UTC, else local    */
    ELPQ_KIND_INTERVAL,  /**< u.interval                                   */
    ELPQ_KIND_ARRAY,     /**< u.array: elements as elpq_value              */
    ELPQ_KIND_C_ARRAY,   /**< u.array: elements as a C array, see `elem`   */
    ELPQ_KIND_RAW,       /**< u.bytes: the type's own binary form          */
    ELPQ_KIND_TIMETZ,    /**< u.timetz                                     */
    ELPQ_KIND_MONEY,     /**< u.int64: in the currency's smallest unit     */
    ELPQ_KIND_LSN,       /**< u.uint64                                     */
    ELPQ_KIND_TID,       /**< u.tid                                        */
    ELPQ_KIND_INET,      /**< u.inet; elem: 4 or 6, width: netmask's bits  */
    ELPQ_KIND_MACADDR,   /**< u.macaddr; width: 6 or 8                     */
    ELPQ_KIND_POINT,     /**< u.point                                      */
    ELPQ_KIND_DOUBLES,   /**< u.doubles: a geometric type; elem: closed    */
    ELPQ_KIND_BITS,      /**< u.bits                                       */
    ELPQ_KIND_RANGE,     /**< u.array: lower and upper bound; elem: flags  */
    ELPQ_KIND_MULTIRANGE, /**< u.array: ranges                             */
    ELPQ_KIND_COMPOSITE, /**< u.array: fields                              */
    ELPQ_KIND_HSTORE,    /**< u.array: key, value, key, value, ...         */
    ELPQ_KIND_INT128,    /**< u.uuid holds an elpq_int128_t                */
    ELPQ_KIND_LONG_DOUBLE /**< u.uuid holds a long double                  */
} elpq_kind;

/** infinity and -infinity of dates and timestamps. */
#define ELPQ_INFINITY INT64_MAX
#define ELPQ_NEG_INFINITY INT64_MIN

/** elem of an ELPQ_KIND_RANGE, or-ed; as the server has them. */
enum {
    ELPQ_RANGE_EMPTY = 1u << 0,
    ELPQ_RANGE_LOWER_INCLUSIVE = 1u << 1,
    ELPQ_RANGE_UPPER_INCLUSIVE = 1u << 2,
    ELPQ_RANGE_LOWER_UNBOUNDED = 1u << 3,
    ELPQ_RANGE_UPPER_UNBOUNDED = 1u << 4
};

/** One SQL value.  Use the functions below to make one. */
typedef struct elpq_value {
    uint32_t oid;  /**< type to send as; 0: the server decides             */
    uint8_t kind;  /**< elpq_kind                                          */
    uint8_t elem;  /**< C arrays: the elpq_kind of an element; see kinds   */
    uint8_t width; /**< C arrays: bytes of an element; see kinds           */
    uint8_t flags; /**< for the libraries; 0                               */
    union {
        uint64_t words[2]; /* first, as it has all bytes                    */
        bool boolean;
        int64_t int64;
        uint64_t uint64;
        double float64;
        struct {
            const char *data;
            size_t size;
        } bytes;
        uint8_t uuid[16];
        elpq_interval_parts interval;
        elpq_timetz_parts timetz;
        elpq_tid_parts tid;
        uint8_t inet[16];
        uint8_t macaddr[8];
        elpq_point_xy point;
        elpq_bits bits;
        struct {
            const double *items;
            size_t count;
        } doubles;
        struct {
            const void *items;
            uint32_t count;
            int32_t shift; /* arrays: the lower bound less 1               */
        } array;
    } u;
} elpq_value;

/* ---------------------------------------------------------------- makers */

/**
 * A value of nothing but its type and kind; the start of all others.  (A
 * memset() would be slow: compilers then store a value in parts and load it
 * as a whole, which the processor has to wait for.)
 */
static inline elpq_value elpq_value_init(uint32_t oid, elpq_kind kind)
{
    elpq_value v = { oid, (uint8_t)kind, 0, 0, 0, { { 0, 0 } } };

    return v;
}

/** The same value, sent as the type `oid`. */
static inline elpq_value elpq_typed(uint32_t oid, elpq_value v)
{
    v.oid = oid;
    return v;
}

/** SQL NULL of the type `oid`; 0 lets the server decide. */
static inline elpq_value elpq_null(uint32_t oid)
{
    return elpq_value_init(oid, ELPQ_KIND_NULL);
}

static inline elpq_value elpq_bool(bool x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_BOOL, ELPQ_KIND_BOOL);

    v.u.boolean = x;
    return v;
}

static inline elpq_value elpq_int16(int16_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_INT2, ELPQ_KIND_INT);

    v.u.int64 = x;
    return v;
}

static inline elpq_value elpq_int32(int32_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_INT4, ELPQ_KIND_INT);

    v.u.int64 = x;
    return v;
}

static inline elpq_value elpq_int64(int64_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_INT8, ELPQ_KIND_INT);

    v.u.int64 = x;
    return v;
}

/** Sent as int8; above INT64_MAX give it the OID of numeric. */
static inline elpq_value elpq_uint64(uint64_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_INT8, ELPQ_KIND_UINT);

    v.u.uint64 = x;
    return v;
}

/** An object identifier (the SQL type oid). */
static inline elpq_value elpq_oid(uint32_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_OID, ELPQ_KIND_INT);

    v.u.int64 = x;
    return v;
}

static inline elpq_value elpq_float(float x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_FLOAT4, ELPQ_KIND_FLOAT);

    v.u.float64 = x;
    return v;
}

static inline elpq_value elpq_double(double x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_FLOAT8, ELPQ_KIND_DOUBLE);

    v.u.float64 = x;
    return v;
}

/** `size` bytes in the text form of the type `oid`; NULL data is SQL NULL. */
static inline elpq_value elpq_text_as(uint32_t oid, const char *data,
                                      size_t size)
{
    elpq_value v =
        elpq_value_init(oid, data ? ELPQ_KIND_TEXT : ELPQ_KIND_NULL);

    if (data) {
        v.u.bytes.data = data;
        v.u.bytes.size = size;
    }
    return v;
}

/**
 * Text of an undecided type, as a quoted literal in SQL: it becomes whatever
 * the context asks for (text, a date, an enum).  NULL is SQL NULL.
 */
static inline elpq_value elpq_text(const char *s)
{
    return elpq_text_as(0, s, s ? strlen(s) : 0);
}

/** The same with a length; a NUL byte inside is an error of the statement. */
static inline elpq_value elpq_textn(const char *data, size_t size)
{
    return elpq_text_as(0, data, size);
}

/** Bytes for a bytea; NULL data is SQL NULL. */
static inline elpq_value elpq_bytea(const void *data, size_t size)
{
    elpq_value v = elpq_value_init(ELPQ_OID_BYTEA,
                                   data ? ELPQ_KIND_BYTES : ELPQ_KIND_NULL);

    if (data) {
        v.u.bytes.data = (const char *)data;
        v.u.bytes.size = size;
    }
    return v;
}

/** A numeric from its text form: "1.50", "-3e400", "NaN". */
static inline elpq_value elpq_numeric(const char *s)
{
    return elpq_text_as(ELPQ_OID_NUMERIC, s, s ? strlen(s) : 0);
}

/** A numeric from a long double, with as many digits as tell it from others. */
static inline elpq_value elpq_long_double(long double x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_NUMERIC, ELPQ_KIND_LONG_DOUBLE);

    memcpy(v.u.uuid, &x, sizeof(x));
    return v;
}

#if ELPQ_HAVE_INT128
/** A numeric from a whole number of 128 bits. */
static inline elpq_value elpq_int128(elpq_int128_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_NUMERIC, ELPQ_KIND_INT128);

    memcpy(v.u.uuid, &x, sizeof(x));
    return v;
}
#endif

static inline elpq_value elpq_json(const char *s)
{
    return elpq_text_as(ELPQ_OID_JSON, s, s ? strlen(s) : 0);
}

static inline elpq_value elpq_jsonb(const char *s)
{
    return elpq_text_as(ELPQ_OID_JSONB, s, s ? strlen(s) : 0);
}

/** A uuid from its 16 bytes. */
static inline elpq_value elpq_uuid(const uint8_t bytes[16])
{
    elpq_value v = elpq_value_init(ELPQ_OID_UUID, ELPQ_KIND_UUID);

    memcpy(v.u.uuid, bytes, 16);
    return v;
}

/** A date: days since 1970-01-01, or one of the infinities. */
static inline elpq_value elpq_date(int64_t days)
{
    elpq_value v = elpq_value_init(ELPQ_OID_DATE, ELPQ_KIND_DATE);

    v.u.int64 = days;
    return v;
}

/** A time of day: microseconds since midnight, 0 to 86,400,000,000. */
static inline elpq_value elpq_time(int64_t usec)
{
    elpq_value v = elpq_value_init(ELPQ_OID_TIME, ELPQ_KIND_TIME);

    v.u.int64 = usec;
    return v;
}

/** A local date and time, counted as if 1970-01-01 00:00 were local. */
static inline elpq_value elpq_timestamp(int64_t usec)
{
    elpq_value v = elpq_value_init(ELPQ_OID_TIMESTAMP, ELPQ_KIND_TIMESTAMP);

    v.u.int64 = usec;
    return v;
}

/**
 * A point in time: microseconds since 1970-01-01 00:00 UTC.  It stays one if
 * it is sent as another type, as a domain over timestamptz.
 */
static inline elpq_value elpq_timestamptz(int64_t usec)
{
    elpq_value v = elpq_value_init(ELPQ_OID_TIMESTAMPTZ, ELPQ_KIND_TIMESTAMP);

    v.elem = 1;
    v.u.int64 = usec;
    return v;
}

static inline elpq_value elpq_interval(int32_t months, int32_t days,
                                       int64_t usec)
{
    elpq_value v = elpq_value_init(ELPQ_OID_INTERVAL, ELPQ_KIND_INTERVAL);

    v.u.interval.microseconds = usec;
    v.u.interval.days = days;
    v.u.interval.months = months;
    return v;
}

/** The binary form of the type `oid`, as the server's send function has it. */
static inline elpq_value elpq_raw(uint32_t oid, const void *data, size_t size)
{
    elpq_value v = elpq_value_init(oid, data ? ELPQ_KIND_RAW : ELPQ_KIND_NULL);

    if (data) {
        v.u.bytes.data = (const char *)data;
        v.u.bytes.size = size;
    }
    return v;
}

/* ---------------------------------------------------------------- arrays */

/** A value of several values; a count that no server takes stays one. */
static inline elpq_value elpq_values(uint32_t oid, elpq_kind kind,
                                     const void *items, size_t count)
{
    elpq_value v = elpq_value_init(oid, kind);

    v.u.array.items = items;
    v.u.array.count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    return v;
}

/**
 * An array of `count` values.  `array_oid` is the OID of the array type
 * (ELPQ_OID_TEXT_ARRAY); elements may be NULL, and are encoded as the array's
 * element type.  Items that are arrays themselves, of one length, make an
 * array of more dimensions, six at most.
 */
static inline elpq_value elpq_array(uint32_t array_oid,
                                    const elpq_value *items, size_t count)
{
    return elpq_values(array_oid, ELPQ_KIND_ARRAY, items, count);
}

/** The same array with subscripts that begin at `lower`, not at 1. */
static inline elpq_value elpq_array_from(int32_t lower, elpq_value array)
{
    array.u.array.shift = (int32_t)((uint32_t)lower - 1u);
    return array;
}

/** A one-dimensional array straight from a C array; the next six use it. */
static inline elpq_value elpq_c_array(uint32_t array_oid, elpq_kind elem,
                                      size_t width, const void *items,
                                      size_t count)
{
    elpq_value v = elpq_values(array_oid, ELPQ_KIND_C_ARRAY, items, count);

    v.elem = (uint8_t)elem;
    v.width = (uint8_t)width;
    return v;
}

static inline elpq_value elpq_array_bool(const bool *items, size_t count)
{
    return elpq_c_array(ELPQ_OID_BOOL_ARRAY, ELPQ_KIND_BOOL, sizeof(*items),
                        items, count);
}

static inline elpq_value elpq_array_int16(const int16_t *items, size_t count)
{
    return elpq_c_array(ELPQ_OID_INT2_ARRAY, ELPQ_KIND_INT, sizeof(*items),
                        items, count);
}

static inline elpq_value elpq_array_int32(const int32_t *items, size_t count)
{
    return elpq_c_array(ELPQ_OID_INT4_ARRAY, ELPQ_KIND_INT, sizeof(*items),
                        items, count);
}

static inline elpq_value elpq_array_int64(const int64_t *items, size_t count)
{
    return elpq_c_array(ELPQ_OID_INT8_ARRAY, ELPQ_KIND_INT, sizeof(*items),
                        items, count);
}

static inline elpq_value elpq_array_float(const float *items, size_t count)
{
    return elpq_c_array(ELPQ_OID_FLOAT4_ARRAY, ELPQ_KIND_FLOAT,
                        sizeof(*items), items, count);
}

static inline elpq_value elpq_array_double(const double *items, size_t count)
{
    return elpq_c_array(ELPQ_OID_FLOAT8_ARRAY, ELPQ_KIND_DOUBLE,
                        sizeof(*items), items, count);
}

/** An array of text from C strings; a NULL string is a NULL element. */
static inline elpq_value elpq_array_text(const char *const *items,
                                         size_t count)
{
    return elpq_c_array(ELPQ_OID_TEXT_ARRAY, ELPQ_KIND_TEXT, sizeof(*items),
                        (const void *)items, count);
}

/** The value itself: lets elpq_val() take an elpq_value as well. */
static inline elpq_value elpq_value_same(elpq_value v)
{
    return v;
}

#ifdef __cplusplus
}
#endif

/* -------------------------------------------------- any C value: elpq_val */

/*
 * elpq_val(x): the value of a C expression, by its C type.  int is int4, the
 * longer integers and unsigned int are int8, double is float8, float is
 * float4, long double and 128 bits are numeric, bool is bool, char * is text
 * of an undecided type, and an elpq_value is itself.  In C11 `true` is an int:
 * write elpq_bool(true).
 * A plain char is refused, since it may mean a number or a letter.
 */
#ifndef __cplusplus
#if ELPQ_HAVE_INT128
#define ELPQ_INT128_CASE_ elpq_int128_t: elpq_int128,
#else
#define ELPQ_INT128_CASE_
#endif
#define elpq_val(x)                                                           \
    _Generic((x),                                                             \
        _Bool: elpq_bool,                                                     \
        signed char: elpq_int16,                                              \
        unsigned char: elpq_int16,                                            \
        short: elpq_int16,                                                    \
        unsigned short: elpq_int32,                                           \
        int: elpq_int32,                                                      \
        unsigned int: elpq_int64,                                             \
        long: elpq_int64,                                                     \
        unsigned long: elpq_uint64,                                           \
        long long: elpq_int64,                                                \
        unsigned long long: elpq_uint64,                                      \
        float: elpq_float,                                                    \
        double: elpq_double,                                                  \
        long double: elpq_long_double,                                        \
        ELPQ_INT128_CASE_ char *: elpq_text,                                  \
        const char *: elpq_text,                                              \
        elpq_value: elpq_value_same,                                          \
        const elpq_value: elpq_value_same)(x)
#else
/* clang-format off */
inline elpq_value elpq_val(bool x) { return elpq_bool(x); }
inline elpq_value elpq_val(signed char x) { return elpq_int16(x); }
inline elpq_value elpq_val(unsigned char x) { return elpq_int16(x); }
inline elpq_value elpq_val(short x) { return elpq_int16(x); }
inline elpq_value elpq_val(unsigned short x) { return elpq_int32(x); }
inline elpq_value elpq_val(int x) { return elpq_int32(x); }
inline elpq_value elpq_val(unsigned int x) { return elpq_int64(x); }
inline elpq_value elpq_val(long x) { return elpq_int64(x); }
inline elpq_value elpq_val(unsigned long x) { return elpq_uint64(x); }
inline elpq_value elpq_val(long long x) { return elpq_int64(x); }
inline elpq_value elpq_val(unsigned long long x) { return elpq_uint64(x); }
inline elpq_value elpq_val(float x) { return elpq_float(x); }
inline elpq_value elpq_val(double x) { return elpq_double(x); }
inline elpq_value elpq_val(long double x) { return elpq_long_double(x); }
#if ELPQ_HAVE_INT128
inline elpq_value elpq_val(elpq_int128_t x) { return elpq_int128(x); }
#endif
inline elpq_value elpq_val(const char *x) { return elpq_text(x); }
inline elpq_value elpq_val(elpq_value x) { return x; }
elpq_value elpq_val(char x) = delete;
/* clang-format on */
#endif

#endif

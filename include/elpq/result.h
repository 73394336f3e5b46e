/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file result.h
 * Results: shape, cells, typed getters.
 *
 * A result is borrowed for the callback that gets it; elpq_result_ref() keeps
 * it beyond, without a copy.  It stays readable after its connection is gone.
 * All functions here may be called anywhere in the thread of the result's
 * event_base, inside callbacks as well.
 *
 * The driver asks for binary columns when it has a codec for each of them,
 * and for text otherwise; the getters read both, so the caller never sees the
 * difference.  Getters return 0, or one of
 *     ELPQ_E_INDEX   no such row or column
 *     ELPQ_E_NULL    the value is NULL
 *     ELPQ_E_TYPE    the column's type is not one the getter reads
 *     ELPQ_E_RANGE   the value does not fit into the C type
 *     ELPQ_E_DECODE  the server's bytes are malformed
 *     ELPQ_E_NOMEM   a value had to be converted, and there was no memory, or
 *                    256 MiB were converted from this result already
 *     ELPQ_E_USAGE   a cell without a result had to be converted
 * and leave *out alone unless they return 0.  Pointers that they hand out
 * live as long as the result, and text is followed by a NUL byte.
 */
#ifndef ELPQ_RESULT_H
#define ELPQ_RESULT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "error.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_result elpq_result;

/** Keeps the result until as many calls of elpq_result_unref(). */
ELPQ_API elpq_result *elpq_result_ref(elpq_result *result);
ELPQ_API void elpq_result_unref(elpq_result *result);

/* ----------------------------------------------------------------- shape */

/** Number of rows; 0 for a command without any. */
ELPQ_API size_t elpq_rows(const elpq_result *result);

/** Number of columns; 0 for a command that returns no rows. */
ELPQ_API int elpq_columns(const elpq_result *result);

/** The first column of that name, exactly; -1 if there is none. */
ELPQ_API int elpq_column(const elpq_result *result, const char *name);

/** The command tag, as "SELECT 3" or "CREATE TABLE"; never NULL. */
ELPQ_API const char *elpq_command(const elpq_result *result);

/** Rows that the command affected or returned; 0 where that means nothing. */
ELPQ_API uint64_t elpq_affected(const elpq_result *result);

/** What is known of a column. */
typedef struct elpq_column_info {
    const char *name;
    uint32_t oid;       /**< type                                           */
    int32_t typmod;     /**< type modifier, -1 if none                      */
    uint32_t table_oid; /**< table it comes from, 0 if none                 */
    int table_column;   /**< attribute number in that table, 0 if none      */
    int size;           /**< bytes of the type, negative if variable        */
    bool binary;        /**< how it arrived; the getters read both          */
} elpq_column_info;

/** Fills *out; ELPQ_E_INDEX if there is no such column. */
ELPQ_API int elpq_column_at(const elpq_result *result, int column,
                            elpq_column_info *out);

/* ----------------------------------------------------------------- cells */

/**
 * One field of a row, or one element of an array: bytes as the server sent
 * them, and their type.  The getters below on a row and column are the same
 * as the getters on the cell at that place.
 */
typedef struct elpq_cell {
    const char *data;    /**< NULL if the value is NULL                     */
    int size;            /**< bytes; -1 if the value is NULL                */
    uint32_t oid;
    bool binary;
    elpq_result *result; /**< owner of data and of what is converted        */
} elpq_cell;

/** An array, taken apart: items[0] to items[count - 1] are its elements. */
typedef struct elpq_array_view {
    uint32_t elem_oid;
    int ndim;            /**< 0 for an empty array, at most 6               */
    int dims[6];
    int lower[6];        /**< lower bounds, usually 1                       */
    size_t count;        /**< elements in all dimensions, row-major         */
    const elpq_cell *items;
} elpq_array_view;

/** A range: its bounds are cells of its subtype; NULL where it has none. */
typedef struct elpq_range_view {
    bool empty;           /**< contains nothing, and has no bounds          */
    bool lower_inclusive;
    bool upper_inclusive;
    bool lower_unbounded;
    bool upper_unbounded;
    elpq_cell lower;
    elpq_cell upper;
} elpq_range_view;

/** A multirange: items are ranges, in order, apart from each other. */
typedef struct elpq_multirange_view {
    uint32_t range_oid;
    size_t count;
    const elpq_cell *items;
} elpq_multirange_view;

/**
 * A row in a column: its fields.  In text form the server does not say their
 * types: if the composite type is not known either (catalog.h), their OID is
 * 0.  Who knows it may write it into a copy of the cell.
 */
typedef struct elpq_composite_view {
    size_t count;
    const elpq_cell *fields;
    const char *const *names; /**< NULL if the type is not known            */
} elpq_composite_view;

ELPQ_API int elpq_cell_at(elpq_result *result, size_t row, int column,
                          elpq_cell *out);

/*
 * ELPQ_GETTERS(G) lists the getters as G(name, C type).  Each gives two
 * functions:
 *     int elpq_get_<name>(elpq_result *, size_t row, int column, type *out)
 *     int elpq_cell_<name>(const elpq_cell *, type *out)
 * A domain is read as the type under it.
 *
 *   bool         bool
 *   int16..64    int2 int4 int8 oid, and float or numeric if it is whole
 *   uint32 64    the same without sign (oid, xid, xid8)
 *   int128       the same
 *   float double float4 float8 int2 int4 int8 numeric; the nearest one
 *   long_double  the same
 *   string       any type in PostgreSQL's text form (ISO dates, \x bytea);
 *                zero copy for text in either format
 *   bytes        bytea; json, text and so on as they are; zero copy if binary
 *   raw          any type, if it came in binary: that form, as the server sent
 *                it, zero copy; ELPQ_E_TYPE if it came in text.  For types
 *                that the program reads itself: elpq_load_raw_type()
 *   uuid         uuid
 *   date         date: days since 1970-01-01, ELPQ_INFINITY
 *   time         time: microseconds since midnight
 *   timetz       time with its zone
 *   timestamp    timestamp and timestamptz: microseconds since 1970-01-01
 *                (of UTC for timestamptz), ELPQ_INFINITY
 *   interval     interval
 *   tm           date, timestamp, timestamptz (in UTC); no infinity, and
 *                parts of a second are cut off
 *   unix_time    timestamp, timestamptz: seconds since 1970-01-01, rounded
 *                down
 *   timespec     the same with nanoseconds
 *   money        money, in its smallest unit (cents)
 *   lsn          pg_lsn
 *   tid          tid
 *   inet         inet, cidr
 *   in_addr      inet, cidr: an IPv4 address; its netmask is left out
 *   in6_addr     the same of an IPv6 address
 *   sockaddr     either, with port 0
 *   macaddr      macaddr, macaddr8
 *   point line lseg box circle    of the same name
 *   points       path, polygon
 *   bits         bit, varbit
 *   array        any array
 *   range        any range whose subtype is known, as the built-in ones are
 *   multirange   any multirange of such
 *   composite    any row: record, and composite types that are known
 *   hstore       hstore, once it is known
 *   tsvector     tsvector
 *   value        any type above, as the elpq_value that would send it back;
 *                NULL is a value here and not an error
 */
typedef struct elpq_string {
    const char *data;
    size_t size;
} elpq_string;

typedef struct elpq_uuid_bytes {
    uint8_t bytes[16];
} elpq_uuid_bytes;

/** An hstore: value.data is NULL where the value is. */
typedef struct elpq_hstore_pair {
    elpq_string key;
    elpq_string value;
} elpq_hstore_pair;

typedef struct elpq_hstore_view {
    size_t count;
    const elpq_hstore_pair *pairs;
} elpq_hstore_view;

/** One word of a tsvector, and where it stands in the document. */
typedef struct elpq_lexeme_position {
    uint16_t position;
    char weight; /**< 'A' to 'D'                                            */
} elpq_lexeme_position;

typedef struct elpq_lexeme {
    elpq_string word;
    size_t npositions;
    const elpq_lexeme_position *positions;
} elpq_lexeme;

typedef struct elpq_tsvector_view {
    size_t count;
    const elpq_lexeme *lexemes;
} elpq_tsvector_view;

/* clang-format off */
#define ELPQ_GETTERS(G)                  \
    ELPQ_BASIC_GETTERS_(G)               \
    ELPQ_NUMBER_GETTERS_(G)              \
    ELPQ_STRUCT_GETTERS_(G)              \
    ELPQ_VIEW_GETTERS_(G)

#define ELPQ_BASIC_GETTERS_(G)           \
    G(bool, bool)                        \
    G(int16, int16_t)                    \
    G(int32, int32_t)                    \
    G(int64, int64_t)                    \
    G(uint32, uint32_t)                  \
    G(float, float)                      \
    G(double, double)                    \
    G(string, elpq_string)               \
    G(bytes, elpq_string)                \
    G(raw, elpq_string)                  \
    G(uuid, elpq_uuid_bytes)             \
    G(date, int64_t)                     \
    G(time, int64_t)                     \
    G(timestamp, int64_t)                \
    G(interval, elpq_interval_parts)

#if ELPQ_HAVE_INT128
#define ELPQ_INT128_GETTER_(G) G(int128, elpq_int128_t)
#else
#define ELPQ_INT128_GETTER_(G)
#endif

#define ELPQ_NUMBER_GETTERS_(G)          \
    G(uint64, uint64_t)                  \
    ELPQ_INT128_GETTER_(G)               \
    G(long_double, long double)          \
    G(tm, struct tm)                     \
    G(unix_time, time_t)                 \
    G(timespec, struct timespec)         \
    G(in_addr, struct in_addr)           \
    G(in6_addr, struct in6_addr)         \
    G(sockaddr, struct sockaddr_storage)

#define ELPQ_STRUCT_GETTERS_(G)          \
    G(timetz, elpq_timetz_parts)         \
    G(money, int64_t)                    \
    G(lsn, uint64_t)                     \
    G(tid, elpq_tid_parts)               \
    G(inet, elpq_inet_address)           \
    G(macaddr, elpq_macaddr_bytes)       \
    G(point, elpq_point_xy)              \
    G(line, elpq_line_abc)               \
    G(lseg, elpq_lseg_ends)              \
    G(box, elpq_box_corners)             \
    G(circle, elpq_circle_parts)         \
    G(points, elpq_points)               \
    G(bits, elpq_bits)

#define ELPQ_VIEW_GETTERS_(G)            \
    G(array, elpq_array_view)            \
    G(range, elpq_range_view)            \
    G(multirange, elpq_multirange_view)  \
    G(composite, elpq_composite_view)    \
    G(hstore, elpq_hstore_view)          \
    G(tsvector, elpq_tsvector_view)      \
    G(value, elpq_value)
/* clang-format on */

#define ELPQ_DECLARE_GETTER_(name, type)                                      \
    ELPQ_API int elpq_get_##name(elpq_result *result, size_t row, int column, \
                                 type *out);                                  \
    ELPQ_API int elpq_cell_##name(const elpq_cell *cell, type *out);
ELPQ_GETTERS(ELPQ_DECLARE_GETTER_)
#undef ELPQ_DECLARE_GETTER_

/** Whether the cell is NULL; true as well where there is no such cell. */
ELPQ_API bool elpq_is_null(const elpq_result *result, size_t row, int column);

/**
 * The text of a cell as a C string, in any type; NULL for SQL NULL and for
 * any error.  What a program prints; elpq_get_string() tells the cases apart.
 */
ELPQ_API const char *elpq_get_text(elpq_result *result, size_t row,
                                   int column);

/**
 * Says in words why a getter failed with `code`: "column 2 \"age\" (integer),
 * row 1: the value does not fit"; columns and rows count from 1.  Writes up to
 * `size` bytes with the NUL, and returns buf.
 */
ELPQ_API const char *elpq_get_failure(const elpq_result *result, size_t row,
                                      int column, int code, char *buf,
                                      size_t size);

/* ------------------------------------------------------------------ scan */

/** Where one column of a scanned row goes; made by elpq_scan(). */
typedef struct elpq_target {
    void *out;
    bool *is_null; /**< NULL: a NULL value is ELPQ_E_NULL                   */
    uint8_t type;  /**< elpq_target_type                                    */
} elpq_target;

typedef enum elpq_target_type {
    ELPQ_TARGET_SKIP = 0,
#define ELPQ_TARGET_(name, type) ELPQ_TARGET_##name,
    ELPQ_GETTERS(ELPQ_TARGET_)
#undef ELPQ_TARGET_
    ELPQ_TARGET_cstring
} elpq_target_type;

/**
 * Reads columns 0 to n - 1 of a row into n targets.  Stops at the first
 * column that fails, and returns its error; *failed, unless NULL, tells
 * which.  There must be n columns at least (else ELPQ_E_INDEX).
 */
ELPQ_API int elpq_scan_v(elpq_result *result, size_t row,
                         const elpq_target *targets, int n, int *failed);

#ifdef __cplusplus
}
#endif

/*
 * elpq_scan(result, row, &id, &name, &created)
 *
 * Reads the first columns of a row into C variables, by their types: const
 * char * (text of any type, NULL for NULL), and the C type of any getter but
 * bytes, raw, date, time, timestamp, unix_time, money and lsn, which have no
 * type of their own.  Returns 0 or the error of the first column that fails.
 * Targets with a name of their own:
 *     elpq_into(date, &days)            any getter of ELPQ_GETTERS
 *     elpq_nullable(age, &age_is_null)  age may be NULL, and stays as it was
 *     elpq_skip()                       passes over a column
 */
#define elpq_into(getter, pointer) elpq_target_##getter(pointer)

static inline elpq_target elpq_target_make(int type, void *out, bool *is_null)
{
    elpq_target t;

    t.out = out;
    t.is_null = is_null;
    t.type = (uint8_t)type;
    return t;
}

static inline elpq_target elpq_skip(void)
{
    return elpq_target_make(ELPQ_TARGET_SKIP, NULL, NULL);
}

static inline elpq_target elpq_target_null(elpq_target t, bool *is_null)
{
    t.is_null = is_null;
    return t;
}

static inline elpq_target elpq_target_same(elpq_target t)
{
    return t;
}

#define elpq_nullable(pointer, is_null)                                       \
    elpq_target_null(elpq_target_of(pointer), is_null)

/* One function per getter, so that a wrong pointer does not compile. */
#define ELPQ_TARGET_FN_(name, type)                                           \
    static inline elpq_target elpq_target_##name(type *p)                     \
    {                                                                         \
        return elpq_target_make(ELPQ_TARGET_##name, (void *)p, NULL);         \
    }
ELPQ_GETTERS(ELPQ_TARGET_FN_)
ELPQ_TARGET_FN_(cstring, const char *)
#undef ELPQ_TARGET_FN_

/* The getter that a C type stands for. */
/* clang-format off */
#if ELPQ_HAVE_INT128
#define ELPQ_INT128_TARGET_(T) T(int128, elpq_int128_t)
#else
#define ELPQ_INT128_TARGET_(T)
#endif
#define ELPQ_TARGETS_(T)                                                      \
    T(bool, bool) T(int16, int16_t) T(int32, int32_t) T(int64, int64_t)       \
    T(uint32, uint32_t) T(uint64, uint64_t) ELPQ_INT128_TARGET_(T)            \
    T(float, float) T(double, double) T(long_double, long double)             \
    T(string, elpq_string) T(uuid, elpq_uuid_bytes)                           \
    T(interval, elpq_interval_parts) T(timetz, elpq_timetz_parts)             \
    T(tm, struct tm) T(timespec, struct timespec)                             \
    T(inet, elpq_inet_address) T(macaddr, elpq_macaddr_bytes)                 \
    T(in_addr, struct in_addr) T(in6_addr, struct in6_addr)                   \
    T(sockaddr, struct sockaddr_storage) T(tid, elpq_tid_parts)               \
    T(point, elpq_point_xy) T(line, elpq_line_abc) T(lseg, elpq_lseg_ends)    \
    T(box, elpq_box_corners) T(circle, elpq_circle_parts)                     \
    T(points, elpq_points) T(bits, elpq_bits)                                 \
    T(array, elpq_array_view) T(range, elpq_range_view)                       \
    T(multirange, elpq_multirange_view) T(composite, elpq_composite_view)     \
    T(hstore, elpq_hstore_view) T(tsvector, elpq_tsvector_view)               \
    T(value, elpq_value) T(cstring, const char *)
/* clang-format on */
#ifndef __cplusplus
#define ELPQ_TARGET_CASE_(name, type) type *: elpq_target_##name,
#define elpq_target_of(p)                                                     \
    _Generic((p), ELPQ_TARGETS_(ELPQ_TARGET_CASE_) elpq_target                \
             : elpq_target_same)(p)
#else
#define ELPQ_TARGET_CASE_(name, type)                                         \
    inline elpq_target elpq_target_of(type *p)                                \
    {                                                                         \
        return elpq_target_##name(p);                                         \
    }
ELPQ_TARGETS_(ELPQ_TARGET_CASE_)
#undef ELPQ_TARGET_CASE_
inline elpq_target elpq_target_of(elpq_target t)
{
    return t;
}
#endif

#ifndef __cplusplus
#define elpq_scan(result, row, ...)                                           \
    elpq_scan_v(result, row, ELPQ_TARGET_LIST_(__VA_ARGS__),                  \
                (int)(sizeof(ELPQ_TARGET_LIST_(__VA_ARGS__)) /                \
                      sizeof(elpq_target)),                                   \
                NULL)
#define ELPQ_TARGET_LIST_(...)                                                \
    (const elpq_target[])                                                     \
    {                                                                         \
        ELPQ_TARGETS_OF_(__VA_ARGS__)                                         \
    }
#define ELPQ_TARGETS_OF_(...)                                                 \
    ELPQ_TARGET_PICK_(__VA_ARGS__, ELPQ_T32_, ELPQ_T31_, ELPQ_T30_,           \
        ELPQ_T29_, ELPQ_T28_, ELPQ_T27_, ELPQ_T26_, ELPQ_T25_, ELPQ_T24_,     \
        ELPQ_T23_, ELPQ_T22_, ELPQ_T21_, ELPQ_T20_, ELPQ_T19_, ELPQ_T18_,     \
        ELPQ_T17_, ELPQ_T16_, ELPQ_T15_, ELPQ_T14_, ELPQ_T13_, ELPQ_T12_,     \
        ELPQ_T11_, ELPQ_T10_, ELPQ_T9_, ELPQ_T8_, ELPQ_T7_, ELPQ_T6_,         \
        ELPQ_T5_, ELPQ_T4_, ELPQ_T3_, ELPQ_T2_, ELPQ_T1_, 0)(__VA_ARGS__)
#define ELPQ_TARGET_PICK_(                                                    \
        a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,     \
        a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28,      \
        a29, a30, a31, a32, name, ...)                                        \
    name
#define ELPQ_T1_(x) elpq_target_of(x)
#define ELPQ_T2_(x, ...) elpq_target_of(x), ELPQ_T1_(__VA_ARGS__)
#define ELPQ_T3_(x, ...) elpq_target_of(x), ELPQ_T2_(__VA_ARGS__)
#define ELPQ_T4_(x, ...) elpq_target_of(x), ELPQ_T3_(__VA_ARGS__)
#define ELPQ_T5_(x, ...) elpq_target_of(x), ELPQ_T4_(__VA_ARGS__)
#define ELPQ_T6_(x, ...) elpq_target_of(x), ELPQ_T5_(__VA_ARGS__)
#define ELPQ_T7_(x, ...) elpq_target_of(x), ELPQ_T6_(__VA_ARGS__)
#define ELPQ_T8_(x, ...) elpq_target_of(x), ELPQ_T7_(__VA_ARGS__)
#define ELPQ_T9_(x, ...) elpq_target_of(x), ELPQ_T8_(__VA_ARGS__)
#define ELPQ_T10_(x, ...) elpq_target_of(x), ELPQ_T9_(__VA_ARGS__)
#define ELPQ_T11_(x, ...) elpq_target_of(x), ELPQ_T10_(__VA_ARGS__)
#define ELPQ_T12_(x, ...) elpq_target_of(x), ELPQ_T11_(__VA_ARGS__)
#define ELPQ_T13_(x, ...) elpq_target_of(x), ELPQ_T12_(__VA_ARGS__)
#define ELPQ_T14_(x, ...) elpq_target_of(x), ELPQ_T13_(__VA_ARGS__)
#define ELPQ_T15_(x, ...) elpq_target_of(x), ELPQ_T14_(__VA_ARGS__)
#define ELPQ_T16_(x, ...) elpq_target_of(x), ELPQ_T15_(__VA_ARGS__)
#define ELPQ_T17_(x, ...) elpq_target_of(x), ELPQ_T16_(__VA_ARGS__)
#define ELPQ_T18_(x, ...) elpq_target_of(x), ELPQ_T17_(__VA_ARGS__)
#define ELPQ_T19_(x, ...) elpq_target_of(x), ELPQ_T18_(__VA_ARGS__)
#define ELPQ_T20_(x, ...) elpq_target_of(x), ELPQ_T19_(__VA_ARGS__)
#define ELPQ_T21_(x, ...) elpq_target_of(x), ELPQ_T20_(__VA_ARGS__)
#define ELPQ_T22_(x, ...) elpq_target_of(x), ELPQ_T21_(__VA_ARGS__)
#define ELPQ_T23_(x, ...) elpq_target_of(x), ELPQ_T22_(__VA_ARGS__)
#define ELPQ_T24_(x, ...) elpq_target_of(x), ELPQ_T23_(__VA_ARGS__)
#define ELPQ_T25_(x, ...) elpq_target_of(x), ELPQ_T24_(__VA_ARGS__)
#define ELPQ_T26_(x, ...) elpq_target_of(x), ELPQ_T25_(__VA_ARGS__)
#define ELPQ_T27_(x, ...) elpq_target_of(x), ELPQ_T26_(__VA_ARGS__)
#define ELPQ_T28_(x, ...) elpq_target_of(x), ELPQ_T27_(__VA_ARGS__)
#define ELPQ_T29_(x, ...) elpq_target_of(x), ELPQ_T28_(__VA_ARGS__)
#define ELPQ_T30_(x, ...) elpq_target_of(x), ELPQ_T29_(__VA_ARGS__)
#define ELPQ_T31_(x, ...) elpq_target_of(x), ELPQ_T30_(__VA_ARGS__)
#define ELPQ_T32_(x, ...) elpq_target_of(x), ELPQ_T31_(__VA_ARGS__)
#else
template <class... A>
inline int elpq_scan(elpq_result *result, size_t row, A... targets)
{
    const elpq_target list[] = { elpq_target_of(targets)... };

    return elpq_scan_v(result, row, list, (int)sizeof...(A), nullptr);
}
#endif

#endif

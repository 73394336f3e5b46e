/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs: how values of each type look in bytes and in text.
 *
 * A codec knows one type.  It decodes the binary and the text form into an
 * elpq_value of the type's natural kind, encodes such values in binary, and
 * prints the binary form as PostgreSQL's own text.  codec.c has the table of
 * the built-in ones, a line per type; codec_<family>.c has the functions.
 * Codecs of types that users made are in a type set (type_set.h), with the
 * same functions.
 *
 * Bytes are hostile: whatever they are, decoding ends in a value or in an
 * error code, memory grows with the bytes that are there, not with what they
 * claim, and values inside of values end at ELPQ__DEPTH.  Codecs are constant
 * data and keep no state.  One byte after the end of a cell must be readable,
 * as it is in every PGresult.
 */
#ifndef ELPQ_LIB_CODEC_H
#define ELPQ_LIB_CODEC_H

#include <elpq/error.h>
#include <elpq/makers.h>
#include <elpq/result.h>
#include <elpq/value.h>

#include "buf.h"
#include "number.h"
#include "reader.h"
#include "scratch.h"

/* Where a refusal is explained; for ELPQ_E_VALUE only. */
struct elpq__why {
    char *text;
    size_t size;
};

/* encode's answer besides 0 and errors: send the value in text form. */
#define ELPQ__AS_TEXT 1

struct elpq__codec;
struct elpq__type_set;

/* Values inside of values: rows of arrays of rows ... */
#define ELPQ__DEPTH 32

/*
 * The functions of a family of types.  They return 0 or an ELPQ_E_ code.
 * decode and parse get *out with OID and natural kind set, fill in the rest,
 * and allocate nothing.  Families of text and bytes have neither: their value
 * is what they print, or the bytes in place.  Families whose values do not
 * fit into an elpq_value have `view` instead.
 */
struct elpq__codec_ops {
    /* The value of the binary form. */
    int (*decode)(const struct elpq__codec *codec, const char *data,
                  size_t size, elpq_value *out);
    /* The value of the text form, which a NUL byte follows. */
    int (*parse)(const struct elpq__codec *codec, const char *text, size_t size,
                 elpq_value *out);
    /* Appends the text of the binary form, without a NUL. */
    int (*print)(const struct elpq__codec *codec, const char *data, size_t size,
                 struct elpq__buf *out);
    /*
     * Appends the binary form of a value that is neither NULL nor RAW; or
     * appends nothing and answers ELPQ__AS_TEXT, which it always may.
     */
    int (*encode)(const struct elpq__codec *codec, const elpq_value *value,
                  struct elpq__buf *out, struct elpq__why *why);
    /*
     * What is in a cell of either format, in memory of `mem`, as the struct
     * that the kind of the codec has (see elpq__view_size()).  *out is zero
     * before, and nothing in it but zeros counts after an error.
     */
    int (*view)(const struct elpq__codec *codec, const elpq_cell *cell,
                struct elpq__scratch *mem, void *out);
};

struct elpq__codec {
    uint32_t oid;
    uint32_t array_oid;
    const char *name; /* as messages of PostgreSQL have it: "smallint" */
    uint8_t kind;     /* elpq_kind of decoded values */
    bool textual;     /* the binary form is the text itself */
    bool in_text;     /* results with it come in text: only the server can
                         tell its text form, or what is in it */
    bool raw;         /* only the program can tell its binary form, or what is
                         in it */
    char delimiter;   /* between elements in the text form of an array */
    const struct elpq__codec_ops *ops;
    /* of an array: its elements; of a range: its subtype; of a multirange: its
     * range */
    const struct elpq__codec *elem;
    uint32_t elem_oid; /* that its parts have; a domain's is not its codec's */
    /* of a composite type: its fields */
    unsigned nfields;
    const char *const *field_names;
    const uint32_t *field_oids;
    struct elpq__type_set *set; /* that it is from; NULL: it is built in */
};

/* ------------------------------------------------------------- the table */

/* The codec of a built-in type; NULL if there is none. */
const struct elpq__codec *elpq__codec_find(uint32_t oid);

/* Of the types in the set as well, which may be NULL; they come first. */
const struct elpq__codec *elpq__codec_in(const struct elpq__type_set *set,
                                         uint32_t oid);

/* The codec that reads a cell; NULL if there is none. */
const struct elpq__codec *elpq__codec_of_cell(const elpq_cell *cell);

extern const struct elpq__codec_ops elpq__boolean_ops;
extern const struct elpq__codec_ops elpq__int_ops;
extern const struct elpq__codec_ops elpq__float_ops;
extern const struct elpq__codec_ops elpq__numeric_ops;
extern const struct elpq__codec_ops elpq__text_ops;
extern const struct elpq__codec_ops elpq__xml_ops;
extern const struct elpq__codec_ops elpq__char_ops;
extern const struct elpq__codec_ops elpq__jsonb_ops;
extern const struct elpq__codec_ops elpq__bytea_ops;
extern const struct elpq__codec_ops elpq__raw_ops;
extern const struct elpq__codec_ops elpq__uuid_ops;
extern const struct elpq__codec_ops elpq__date_ops;
extern const struct elpq__codec_ops elpq__time_ops;
extern const struct elpq__codec_ops elpq__timestamp_ops;
extern const struct elpq__codec_ops elpq__interval_ops;
extern const struct elpq__codec_ops elpq__timetz_ops;
extern const struct elpq__codec_ops elpq__money_ops;
extern const struct elpq__codec_ops elpq__lsn_ops;
extern const struct elpq__codec_ops elpq__tid_ops;
extern const struct elpq__codec_ops elpq__bits_ops;
extern const struct elpq__codec_ops elpq__inet_ops;
extern const struct elpq__codec_ops elpq__macaddr_ops;
extern const struct elpq__codec_ops elpq__point_ops;
extern const struct elpq__codec_ops elpq__geometry_ops;
extern const struct elpq__codec_ops elpq__tsvector_ops;
extern const struct elpq__codec_ops elpq__tsquery_ops;
extern const struct elpq__codec_ops elpq__hstore_ops;
extern const struct elpq__codec_ops elpq__array_ops;
extern const struct elpq__codec_ops elpq__range_ops;
extern const struct elpq__codec_ops elpq__multirange_ops;
extern const struct elpq__codec_ops elpq__record_ops;

/* ------------------------------------------------- values inside of values */

#define ELPQ__ARRAY_DIMS 6

/* The text of a value inside of another; counts the depth. */
int elpq__print_inner(const struct elpq__codec *codec, const char *data,
                      size_t size, struct elpq__buf *out);

/*
 * Appends the size of a value and its binary form; -1 for NULL.  Answers as
 * encode does; ELPQ__AS_TEXT then leaves something behind for the caller to
 * drop.
 */
int elpq__encode_inner(const struct elpq__codec *codec, const elpq_value *value,
                       struct elpq__buf *out, struct elpq__why *why);

/* An int32 size and so many bytes, or -1 for NULL, as a cell; false: bad. */
bool elpq__read_cell(struct elpq__reader *r, elpq_cell *cell);

/*
 * How the text of a part is quoted inside of the whole: behind a backslash in
 * arrays and hstores, doubled in rows and ranges.
 */
enum elpq__quoting { ELPQ__QUOTE_ARRAY, ELPQ__QUOTE_ROW, ELPQ__QUOTE_RANGE };

/* Puts quotes around what was written from `start` on, if it needs them. */
void elpq__quote(struct elpq__buf *out, size_t start,
                 enum elpq__quoting quoting, char delimiter);

/* One part of a text form, without the quotes; written behind a NUL's room. */
struct elpq__part {
    char *text; /* NULL: only count */
    size_t size;
    bool quoted;
};

/*
 * Reads a part up to one of the characters in `stops`, which stays; quotes and
 * backslashes are taken off.  False if the text ends inside of quotes.
 */
bool elpq__read_part(struct elpq__reader *r, const char *stops,
                     struct elpq__part *part);

/* The coordinates of a geometric value; the view of ELPQ_KIND_DOUBLES. */
struct elpq__doubles {
    const double *items;
    size_t count;
    bool closed;
};

/* ----------------------------------------------- pieces that others share */

/* Sets why->text and returns ELPQ_E_VALUE. */
int elpq__refuse(struct elpq__why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* 0, or what a failed buffer means. */
static inline int elpq__buf_status(const struct elpq__buf *buf)
{
    return buf->failed ? ELPQ_E_NOMEM : 0;
}

/* A binary numeric as an integer: ELPQ_E_RANGE if it is none that fits. */
int elpq__numeric_int64(const char *data, size_t size, int64_t *out);
int elpq__numeric_print(const char *data, size_t size, struct elpq__buf *out);
/* Its digits, 40 at most, if it has no fraction: else ELPQ_E_RANGE. */
int elpq__numeric_whole(const char *data, size_t size, struct elpq__buf *out);
/* The same of its text form. */
int elpq__numeric_text_int64(const char *text, size_t size, int64_t *out);

/* The byte of two hexadecimal digits. */
int elpq__parse_hex(const char *text, uint8_t *out);

/* Appends the bytes of a bytea in text form. */
int elpq__parse_bytea(const char *text, size_t size, struct elpq__buf *out);
void elpq__print_bytea(struct elpq__buf *out, const char *data, size_t size);
void elpq__print_uuid(struct elpq__buf *out, const uint8_t uuid[16]);

/*
 * Dates and times, counted from the wire's epoch, 2000-01-01, and within
 * PostgreSQL's range or one of the infinities; ELPQ_E_RANGE if not.
 */
#define ELPQ__EPOCH_DAYS INT64_C(10957) /* 1970-01-01 to 2000-01-01 */
#define ELPQ__DAY_USEC INT64_C(86400000000)
#define ELPQ__EPOCH_USEC (ELPQ__EPOCH_DAYS * ELPQ__DAY_USEC)
#define ELPQ__DATE_INFINITY INT32_MAX
#define ELPQ__DATE_NEG_INFINITY INT32_MIN

int elpq__date_to_wire(int64_t days1970, int32_t *out);
int elpq__timestamp_to_wire(int64_t usec1970, int64_t *out);
int elpq__print_date(struct elpq__buf *out, int32_t days);
int elpq__print_time(struct elpq__buf *out, int64_t usec);
int elpq__print_timestamp(struct elpq__buf *out, int64_t usec, bool utc);
void elpq__print_interval(struct elpq__buf *out, const elpq_interval_parts *x);

/* Days since 1970-01-01 of a date; year 0 is 1 BC, months count from 1. */
int64_t elpq__days_of(int64_t year, int month, int day);
void elpq__civil_of(int64_t days, int64_t *year, int *month, int *day);

/* Parts of text forms; what is none sets r->bad. */
int64_t elpq__take_time(struct elpq__reader *r);   /* hh:mm:ss.ffffff in usec */
int64_t elpq__take_offset(struct elpq__reader *r); /* +hh:mm:ss in usec */

/* Appends the text form of values whose kind says all of it. */
int elpq__print_timetz(struct elpq__buf *out, const elpq_timetz_parts *x);
int elpq__print_inet(struct elpq__buf *out, const elpq_value *value, bool cidr);
void elpq__print_macaddr(struct elpq__buf *out, const uint8_t *bytes,
                         size_t size);
void elpq__print_bits(struct elpq__buf *out, const uint8_t *data, size_t count);
void elpq__print_lsn(struct elpq__buf *out, uint64_t x);
void elpq__print_tid(struct elpq__buf *out, const elpq_tid_parts *x);
void elpq__print_point(struct elpq__buf *out, double x, double y);
/* ELPQ_E_TYPE if the OID is of no geometric type. */
int elpq__print_doubles(struct elpq__buf *out, uint32_t oid,
                        const struct elpq__doubles *x);
void elpq__print_hstore_string(struct elpq__buf *out, const char *data,
                               size_t size);

#endif

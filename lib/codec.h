/* SPDX-License-Identifier: PostgreSQL */
/*
 * Codecs: how values of each type look in bytes and in text.
 *
 * A codec knows one type.  It decodes the binary and the text form into an
 * elpq_value of the type's natural kind, encodes such values in binary, and
 * prints the binary form as PostgreSQL's own text.  codec.c has the table of
 * them, one line per type; codec_<family>.c has the functions.  An array has
 * no codec: codec_array.c takes it apart with the codec of its elements.
 *
 * Bytes are hostile: whatever they are, decoding ends in a value or in an
 * error code, and memory grows with the bytes that are there, not with what
 * they claim.  Codecs are constant data and keep no state.  One byte after
 * the end of a cell must be readable, as it is in every PGresult.
 */
#ifndef ELPQ_LIB_CODEC_H
#define ELPQ_LIB_CODEC_H

#include <elpq/error.h>
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

/*
 * The functions of a family of types.  They return 0 or an ELPQ_E_ code, and
 * allocate nothing.  decode and parse get *out with OID and natural kind set,
 * and fill in the rest.  Families of text and bytes have neither: their value
 * is what they print, or the bytes in place.
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
};

struct elpq__codec {
    uint32_t oid;
    uint32_t array_oid;
    const char *name; /* as messages of PostgreSQL have it: "smallint" */
    uint8_t kind;     /* elpq_kind of decoded values */
    bool textual;     /* the binary form is the text itself */
    char delimiter;   /* between elements in the text form of an array */
    const struct elpq__codec_ops *ops;
};

/* ------------------------------------------------------------- the table */

/* The codec of a type that is no array; NULL if there is none. */
const struct elpq__codec *elpq__codec_find(uint32_t oid);

/* The codec of the elements of an array type; NULL if there is none. */
const struct elpq__codec *elpq__codec_of_array(uint32_t array_oid);

/* Whether elpq reads this type in binary, arrays included. */
static inline bool elpq__codec_has_binary(uint32_t oid)
{
    return elpq__codec_find(oid) || elpq__codec_of_array(oid);
}

extern const struct elpq__codec_ops elpq__boolean_ops;
extern const struct elpq__codec_ops elpq__int_ops;
extern const struct elpq__codec_ops elpq__float_ops;
extern const struct elpq__codec_ops elpq__numeric_ops;
extern const struct elpq__codec_ops elpq__text_ops;
extern const struct elpq__codec_ops elpq__char_ops;
extern const struct elpq__codec_ops elpq__jsonb_ops;
extern const struct elpq__codec_ops elpq__bytea_ops;
extern const struct elpq__codec_ops elpq__uuid_ops;
extern const struct elpq__codec_ops elpq__date_ops;
extern const struct elpq__codec_ops elpq__time_ops;
extern const struct elpq__codec_ops elpq__timestamp_ops;
extern const struct elpq__codec_ops elpq__interval_ops;

/* ---------------------------------------------------------------- arrays */

#define ELPQ__ARRAY_DIMS 6

/*
 * A view of the array in a cell of either format, in memory of `mem`; *out is
 * whole or untouched, and nothing is allocated for bytes that are malformed.
 */
int elpq__array_decode(const elpq_cell *cell, struct elpq__scratch *mem,
                       elpq_array_view *out);

/* Appends the text form of a binary array. */
int elpq__array_print(uint32_t array_oid, const char *data, size_t size,
                      struct elpq__buf *out);

/*
 * Puts quotes around the text from `start` to the end of the buffer if an
 * element of an array needs them.
 */
void elpq__array_quote(struct elpq__buf *out, size_t start, char delimiter);

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
/* The same of its text form. */
int elpq__numeric_text_int64(const char *text, size_t size, int64_t *out);

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

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Parameters: elpq_values into the bytes that libpq sends.
 *
 * Values go in binary where a codec encodes them, and in text form where
 * none does or where the value is text to begin with.  A text parameter is
 * followed by a NUL byte that its length does not count, as libpq wants it.
 * Nothing is allocated but the growth of the caller's buffer; parameters are
 * found in it by offset, because it moves as it grows.
 */
#ifndef ELPQ_LIB_PARAMS_H
#define ELPQ_LIB_PARAMS_H

#include <elpq/value.h>

#include "buf.h"
#include "codec.h"

/* One encoded parameter. */
struct elpq__encoded {
    uint32_t oid;   /* for Parse; 0: the server decides */
    int32_t length; /* bytes, without the NUL; 0 of a NULL */
    size_t offset;  /* where in the buffer */
    uint8_t format; /* 0 text, 1 binary */
    bool is_null;
};

/*
 * Appends one value.  ELPQ_E_VALUE with *why set if the value cannot be sent
 * as its type or is too large, ELPQ_E_NOMEM; `out` may then hold a part.
 */
int elpq__value_encode(const elpq_value *value, struct elpq__buf *out,
                       struct elpq__encoded *encoded, struct elpq__why *why);

/*
 * Appends n values, one entry of `encoded` for each.  The explanation in
 * `why` begins with the parameter: "parameter $2: value 70000 is out of ...".
 */
int elpq__params_encode(const elpq_value *values, unsigned n,
                        struct elpq__buf *out, struct elpq__encoded *encoded,
                        char *why, size_t why_size);

/*
 * Appends the text form of a value that is not NULL, as its kind has it:
 * what an undecided parameter is sent as.
 */
int elpq__value_print(const elpq_value *value, struct elpq__buf *out,
                      struct elpq__why *why);

/*
 * The same of a value of the codec's type, which may be NULL: it is encoded,
 * and that is printed, so that the text is what the binary form would have
 * been, and what the codec refuses is refused.  What codecs leave to the
 * server goes as its kind has it; money too, which no text is sure of.
 */
int elpq__value_print_as(const struct elpq__codec *codec,
                         const elpq_value *value, struct elpq__buf *out,
                         struct elpq__why *why);

/*
 * The encode function of arrays.  Elements are encoded as the array type's
 * element type, whatever their own OID.
 */
int elpq__array_binary(const struct elpq__codec *codec, const elpq_value *value,
                       struct elpq__buf *out, struct elpq__why *why);

/*
 * Append a literal: {1,NULL,"a b"}, or that of a range, multirange, row or
 * hstore.
 */
int elpq__array_literal(const elpq_value *value, struct elpq__buf *out,
                        struct elpq__why *why);
int elpq__parts_literal(const elpq_value *value, struct elpq__buf *out,
                        struct elpq__why *why);

/* Room for the explanation behind "field 3: "; i counts from 0. */
struct elpq__why *elpq__why_part(struct elpq__why *why, struct elpq__why *rest,
                                 const char *what, size_t i);

/* Whether so many bytes more are too many; sets *why if so. */
int elpq__params_room(const struct elpq__buf *out, size_t more,
                      struct elpq__why *why);

#endif

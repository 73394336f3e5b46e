/* SPDX-License-Identifier: PostgreSQL */
/*
 * Sets of types that users made, with their codecs.
 *
 * A set never changes (but for `stale`), so that results may hold on to the
 * one they were made with, while the catalog goes on to the next.  It is one
 * block of memory, counted; sets and results belong to one thread.
 */
#ifndef ELPQ_LIB_TYPE_SET_H
#define ELPQ_LIB_TYPE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "elpq/type_info.h"

#define ELPQ__TYPES_MAX 10000

/* One type as the catalog has it. */
struct elpq__type {
    elpq_type_info info;
    char delimiter;
    bool sends;                      /* it has a binary form               */
    const char *extension;           /* it belongs to, or ""               */
    struct elpq__codec own;          /* if it has one of its own           */
    const struct elpq__codec *codec; /* that reads it; NULL: none does     */
    uint8_t resolved;                /* while the set is made              */
};

struct elpq__type_set {
    unsigned refs;
    bool stale; /* a value was seen that is not of the type as it is here  */
    unsigned count;
    struct elpq__codec record; /* whose fields may be of these types       */
    struct elpq__codec records;
    struct elpq__type types[]; /* by OID; behind them what they point to   */
};

/*
 * A set of the types of `old` (which may be NULL) and of n others, which take
 * the place of old ones with the same OID.  What was raw stays so, under a new
 * OID as well if it was dropped and made again.  Nothing of the arguments is
 * kept.
 * NULL: no memory, or more than ELPQ__TYPES_MAX.
 */
struct elpq__type_set *elpq__type_set_new(const struct elpq__type_set *old,
                                          struct elpq__type *types,
                                          unsigned n);
/* Whether the program may read the type itself. */
bool elpq__type_may_be_raw(const struct elpq__type *type);
void elpq__type_set_unref(struct elpq__type_set *set);

const struct elpq__type *elpq__type_set_find(const struct elpq__type_set *set,
                                             uint32_t oid);
const struct elpq__codec *elpq__type_set_codec(const struct elpq__type_set *set,
                                               uint32_t oid);

#endif

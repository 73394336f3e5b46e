/* SPDX-License-Identifier: PostgreSQL */
/*
 * The table of codecs.
 *
 * A type is one line of CODECS; everything else follows from it.  Finding is
 * one look into an array with a byte for each OID up to the largest in it,
 * which says the place in the table, and whether the OID is the array's.
 */
#include "codec.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * C(NAME in types.h, name in messages, natural kind, text itself?, family)
 *
 * A result with a column of any other type comes in text, and so does the
 * whole result then; see elpq__codecs_binary().
 */
/* clang-format off */
#define CODECS(C)                                                             \
    C(BOOL,        "boolean",                     BOOL,      false, boolean)  \
    C(INT2,        "smallint",                    INT,       false, int)      \
    C(INT4,        "integer",                     INT,       false, int)      \
    C(INT8,        "bigint",                      INT,       false, int)      \
    C(OID,         "oid",                         INT,       false, int)      \
    C(XID,         "xid",                         INT,       false, int)      \
    C(CID,         "cid",                         INT,       false, int)      \
    C(XID8,        "xid8",                        UINT,      false, int)      \
    C(FLOAT4,      "real",                        FLOAT,     false, float)    \
    C(FLOAT8,      "double precision",            DOUBLE,    false, float)    \
    C(NUMERIC,     "numeric",                     TEXT,      false, numeric)  \
    C(TEXT,        "text",                        TEXT,      true,  text)     \
    C(VARCHAR,     "character varying",           TEXT,      true,  text)     \
    C(BPCHAR,      "character",                   TEXT,      true,  text)     \
    C(NAME,        "name",                        TEXT,      true,  text)     \
    C(JSON,        "json",                        TEXT,      true,  text)     \
    C(CHAR,        "\"char\"",                    TEXT,      false, char)     \
    C(JSONB,       "jsonb",                       TEXT,      false, jsonb)    \
    C(BYTEA,       "bytea",                       BYTES,     false, bytea)    \
    C(UUID,        "uuid",                        UUID,      false, uuid)     \
    C(DATE,        "date",                        DATE,      false, date)     \
    C(TIME,        "time without time zone",      TIME,      false, time)     \
    C(TIMESTAMP,   "timestamp without time zone", TIMESTAMP, false, timestamp)\
    C(TIMESTAMPTZ, "timestamp with time zone",    TIMESTAMP, false, timestamp)\
    C(INTERVAL,    "interval",                    INTERVAL,  false, interval)

/* The same for what no table has a column of, and no array exists of. */
#define LONE_CODECS(C)                                                        \
    C(UNKNOWN,     "unknown",                     TEXT,      true,  text)     \
    C(VOID,        "void",                        TEXT,      true,  text)
/* clang-format on */

enum {
#define PLACE(id, label, natural, is_text, family) PLACE_##id,
    CODECS(PLACE) LONE_CODECS(PLACE) PLACES
#undef PLACE
};

static const struct elpq__codec codecs[PLACES] = {
#define CODEC(id, array, label, natural, is_text, family)                      \
    [PLACE_##id] = { .oid = ELPQ_OID_##id,                                     \
                     .array_oid = (array),                                     \
                     .name = label,                                            \
                     .kind = ELPQ_KIND_##natural,                              \
                     .textual = is_text,                                       \
                     .delimiter = ',',                                         \
                     .ops = &elpq__##family##_ops },
#define WITH_ARRAY(id, ...) CODEC(id, ELPQ_OID_##id##_ARRAY, __VA_ARGS__)
#define LONE(id, ...) CODEC(id, ELPQ_OID_NONE, __VA_ARGS__)
    CODECS(WITH_ARRAY) LONE_CODECS(LONE)
#undef CODEC
#undef WITH_ARRAY
#undef LONE
};

/* A place + 1, with the top bit set for its array; 0: no codec. */
#define ARRAY_BIT 0x80
_Static_assert(PLACES < ARRAY_BIT, "a place does not fit its byte");

static const uint8_t places[] = {
#define LONE(id, label, natural, is_text, family)                              \
    [ELPQ_OID_##id] = PLACE_##id + 1,
#define WITH_ARRAY(id, label, natural, is_text, family)                        \
    LONE(id, label, natural, is_text, family)                                  \
    [ELPQ_OID_##id##_ARRAY] = ARRAY_BIT | (PLACE_##id + 1),
    CODECS(WITH_ARRAY) LONE_CODECS(LONE)
#undef WITH_ARRAY
#undef LONE
};

const struct elpq__codec *elpq__codec_find(uint32_t oid)
{
    unsigned place = oid < sizeof(places) ? places[oid] : 0;

    if (place == 0 || (place & ARRAY_BIT))
        return NULL;
    return &codecs[place - 1];
}

const struct elpq__codec *elpq__codec_of_array(uint32_t array_oid)
{
    unsigned place = array_oid < sizeof(places) ? places[array_oid] : 0;

    if (!(place & ARRAY_BIT))
        return NULL;
    return &codecs[place - ARRAY_BIT - 1];
}

int elpq__refuse(struct elpq__why *why, const char *format, ...)
{
    va_list args;

    if (why && why->size) {
        va_start(args, format);
        vsnprintf(why->text, why->size, format, args);
        va_end(args);
    }
    return ELPQ_E_VALUE;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The table of codecs.
 *
 * A type is one line of CODECS; everything else follows from it.  Finding is
 * one look into an array with a byte for each OID up to the largest in it,
 * which says the place in the table, and whether the OID is the array's.
 */
#include "codec.h"
#include "result.h"
#include "type_set.h"

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
    C(XML,         "xml",                         TEXT,      true,  xml)      \
    C(CHAR,        "\"char\"",                    TEXT,      false, char)     \
    C(JSONB,       "jsonb",                       TEXT,      false, jsonb)    \
    C(JSONPATH,    "jsonpath",                    TEXT,      false, jsonb)    \
    C(TSVECTOR,    "tsvector",                    TEXT,      false, tsvector) \
    C(TSQUERY,     "tsquery",                     TEXT,      false, tsquery)  \
    C(BYTEA,       "bytea",                       BYTES,     false, bytea)    \
    C(UUID,        "uuid",                        UUID,      false, uuid)     \
    C(DATE,        "date",                        DATE,      false, date)     \
    C(TIME,        "time without time zone",      TIME,      false, time)     \
    C(TIMETZ,      "time with time zone",         TIMETZ,    false, timetz)   \
    C(TIMESTAMP,   "timestamp without time zone", TIMESTAMP, false, timestamp)\
    C(TIMESTAMPTZ, "timestamp with time zone",    TIMESTAMP, false, timestamp)\
    C(INTERVAL,    "interval",                    INTERVAL,  false, interval) \
    C(MONEY,       "money",                       MONEY,     false, money)    \
    C(PG_LSN,      "pg_lsn",                      LSN,       false, lsn)      \
    C(TID,         "tid",                         TID,       false, tid)      \
    C(BIT,         "bit",                         BITS,      false, bits)     \
    C(VARBIT,      "bit varying",                 BITS,      false, bits)     \
    C(INET,        "inet",                        INET,      false, inet)     \
    C(CIDR,        "cidr",                        INET,      false, inet)     \
    C(MACADDR,     "macaddr",                     MACADDR,   false, macaddr)  \
    C(MACADDR8,    "macaddr8",                    MACADDR,   false, macaddr)  \
    C(POINT,       "point",                       POINT,     false, point)    \
    C(LINE,        "line",                        DOUBLES,   false, geometry) \
    C(LSEG,        "lseg",                        DOUBLES,   false, geometry) \
    C(BOX,         "box",                         DOUBLES,   false, geometry) \
    C(PATH,        "path",                        DOUBLES,   false, geometry) \
    C(POLYGON,     "polygon",                     DOUBLES,   false, geometry) \
    C(CIRCLE,      "circle",                      DOUBLES,   false, geometry) \
    C(RECORD,      "record",                      COMPOSITE, false, record)

/* R(NAME, name in messages, what it is made of, kind, family) */
#define RANGE_CODECS(R)                                                       \
    R(INT4RANGE,      "int4range",      INT4,        RANGE,      range)       \
    R(INT8RANGE,      "int8range",      INT8,        RANGE,      range)       \
    R(NUMRANGE,       "numrange",       NUMERIC,     RANGE,      range)       \
    R(DATERANGE,      "daterange",      DATE,        RANGE,      range)       \
    R(TSRANGE,        "tsrange",        TIMESTAMP,   RANGE,      range)       \
    R(TSTZRANGE,      "tstzrange",      TIMESTAMPTZ, RANGE,      range)       \
    R(INT4MULTIRANGE, "int4multirange", INT4RANGE,   MULTIRANGE, multirange)  \
    R(INT8MULTIRANGE, "int8multirange", INT8RANGE,   MULTIRANGE, multirange)  \
    R(NUMMULTIRANGE,  "nummultirange",  NUMRANGE,    MULTIRANGE, multirange)  \
    R(DATEMULTIRANGE, "datemultirange", DATERANGE,   MULTIRANGE, multirange)  \
    R(TSMULTIRANGE,   "tsmultirange",   TSRANGE,     MULTIRANGE, multirange)  \
    R(TSTZMULTIRANGE, "tstzmultirange", TSTZRANGE,   MULTIRANGE, multirange)

/* The same as CODECS for what no table has a column of, nor an array. */
#define LONE_CODECS(C)                                                        \
    C(UNKNOWN,     "unknown",                     TEXT,      true,  text)     \
    C(VOID,        "void",                        TEXT,      true,  text)
/* clang-format on */

enum {
#define PLACE(id, ...) PLACE_##id,
    CODECS(PLACE) RANGE_CODECS(PLACE) LONE_CODECS(PLACE) PLACES
#undef PLACE
};

/* Only the server knows the sign of money, and the types in a record. */
#define COMES_IN_TEXT(oid) ((oid) == ELPQ_OID_MONEY || (oid) == ELPQ_OID_RECORD)
#define DELIMITER(oid) ((oid) == ELPQ_OID_BOX ? ';' : ',')

static const struct elpq__codec codecs[PLACES] = {
#define CODEC(id, array, label, natural, is_text, family, of, of_oid)          \
    [PLACE_##id] = { .oid = ELPQ_OID_##id,                                     \
                     .array_oid = (array),                                     \
                     .name = label,                                            \
                     .kind = ELPQ_KIND_##natural,                              \
                     .textual = is_text,                                       \
                     .in_text = COMES_IN_TEXT(ELPQ_OID_##id),                  \
                     .delimiter = DELIMITER(ELPQ_OID_##id),                    \
                     .ops = &elpq__##family##_ops,                             \
                     .elem = (of),                                             \
                     .elem_oid = (of_oid) },
#define WITH_ARRAY(id, label, natural, is_text, family)                        \
    CODEC(id, ELPQ_OID_##id##_ARRAY, label, natural, is_text, family, NULL, 0)
#define WITH_PART(id, label, part, natural, family)                            \
    CODEC(id, ELPQ_OID_##id##_ARRAY, label, natural, false, family,            \
          &codecs[PLACE_##part], ELPQ_OID_##part)
#define LONE(id, label, natural, is_text, family)                              \
    CODEC(id, ELPQ_OID_NONE, label, natural, is_text, family, NULL, 0)
    CODECS(WITH_ARRAY) RANGE_CODECS(WITH_PART) LONE_CODECS(LONE)
#undef CODEC
#undef WITH_ARRAY
#undef WITH_PART
#undef LONE
};

/* The arrays of them, each at the place of its elements. */
static const struct elpq__codec arrays[PLACES] = {
#define ARRAY(id, label, ...)                                                  \
    [PLACE_##id] = { .oid = ELPQ_OID_##id##_ARRAY,                             \
                     .name = label "[]",                                       \
                     .kind = ELPQ_KIND_ARRAY,                                  \
                     .in_text = COMES_IN_TEXT(ELPQ_OID_##id),                  \
                     .delimiter = ',',                                         \
                     .ops = &elpq__array_ops,                                  \
                     .elem = &codecs[PLACE_##id],                              \
                     .elem_oid = ELPQ_OID_##id },
    CODECS(ARRAY) RANGE_CODECS(ARRAY)
#undef ARRAY
};

/* A place + 1, with the top bit set for its array; 0: no codec. */
#define ARRAY_BIT 0x80
_Static_assert(PLACES < ARRAY_BIT, "a place does not fit its byte");

static const uint8_t places[] = {
#define LONE(id, ...) [ELPQ_OID_##id] = PLACE_##id + 1,
#define WITH_ARRAY(id, ...)                                                    \
    LONE(id, ) [ELPQ_OID_##id##_ARRAY] = ARRAY_BIT | (PLACE_##id + 1),
    CODECS(WITH_ARRAY) RANGE_CODECS(WITH_ARRAY) LONE_CODECS(LONE)
#undef WITH_ARRAY
#undef LONE
};

const struct elpq__codec *elpq__codec_find(uint32_t oid)
{
    unsigned place = oid < sizeof(places) ? places[oid] : 0;

    if (place == 0)
        return NULL;
    return place & ARRAY_BIT ? &arrays[place - ARRAY_BIT - 1]
                             : &codecs[place - 1];
}

const struct elpq__codec *elpq__codec_in(const struct elpq__type_set *set,
                                         uint32_t oid)
{
    const struct elpq__codec *codec = NULL;

    if (set)
        codec = elpq__type_set_codec(set, oid);
    return codec ? codec : elpq__codec_find(oid);
}

const struct elpq__codec *elpq__codec_of_cell(const elpq_cell *cell)
{
    return elpq__codec_in(cell->result ? cell->result->types : NULL, cell->oid);
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

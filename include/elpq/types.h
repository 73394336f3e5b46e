/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file types.h
 * OIDs of PostgreSQL's built-in types.
 *
 * ELPQ_BUILTIN_TYPES(T) lists them as T(NAME, oid, array_oid), where NAME is
 * the type's name in pg_type, in capitals; ELPQ_OID_<NAME> and
 * ELPQ_OID_<NAME>_ARRAY are its OIDs.  They are the same on every server.
 */
#ifndef ELPQ_TYPES_H
#define ELPQ_TYPES_H

/* clang-format off */
#define ELPQ_BUILTIN_TYPES(T) \
    T(BOOL,          16,  1000) T(BYTEA,         17,  1001) \
    T(CHAR,          18,  1002) T(NAME,          19,  1003) \
    T(INT8,          20,  1016) T(INT2,          21,  1005) \
    T(INT4,          23,  1007) T(TEXT,          25,  1009) \
    T(OID,           26,  1028) T(TID,           27,  1010) \
    T(XID,           28,  1011) T(CID,           29,  1012) \
    T(JSON,         114,   199) T(XML,          142,   143) \
    T(POINT,        600,  1017) T(LSEG,         601,  1018) \
    T(PATH,         602,  1019) T(BOX,          603,  1020) \
    T(POLYGON,      604,  1027) T(LINE,         628,   629) \
    T(CIDR,         650,   651) T(FLOAT4,       700,  1021) \
    T(FLOAT8,       701,  1022) T(CIRCLE,       718,   719) \
    T(MACADDR8,     774,   775) T(MONEY,        790,   791) \
    T(MACADDR,      829,  1040) T(INET,         869,  1041) \
    T(BPCHAR,      1042,  1014) T(VARCHAR,     1043,  1015) \
    T(DATE,        1082,  1182) T(TIME,        1083,  1183) \
    T(TIMESTAMP,   1114,  1115) T(TIMESTAMPTZ, 1184,  1185) \
    T(INTERVAL,    1186,  1187) T(TIMETZ,      1266,  1270) \
    T(BIT,         1560,  1561) T(VARBIT,      1562,  1563) \
    T(NUMERIC,     1700,  1231) T(REGPROC,       24,  1008) \
    T(REGCLASS,    2205,  2210) T(REGTYPE,     2206,  2211) \
    T(REGCONFIG,   3734,  3735) T(UUID,        2950,  2951) \
    T(PG_LSN,      3220,  3221) T(TSVECTOR,    3614,  3643) \
    T(TSQUERY,     3615,  3645) T(JSONB,       3802,  3807) \
    T(JSONPATH,    4072,  4073) T(XID8,        5069,   271) \
    T(INT4RANGE,   3904,  3905) T(NUMRANGE,    3906,  3907) \
    T(TSRANGE,     3908,  3909) T(TSTZRANGE,   3910,  3911) \
    T(DATERANGE,   3912,  3913) T(INT8RANGE,   3926,  3927) \
    T(INT4MULTIRANGE, 4451, 6150) T(NUMMULTIRANGE,  4532, 6151) \
    T(TSMULTIRANGE,   4533, 6152) T(TSTZMULTIRANGE, 4534, 6153) \
    T(DATEMULTIRANGE, 4535, 6155) T(INT8MULTIRANGE, 4536, 6157)
/* clang-format on */

/** The OIDs; 0 stands for a type that the server is to find out. */
enum {
    ELPQ_OID_NONE = 0,
#define ELPQ_OID_(name, oid, array_oid)                                       \
    ELPQ_OID_##name = oid, ELPQ_OID_##name##_ARRAY = array_oid,
    ELPQ_BUILTIN_TYPES(ELPQ_OID_)
#undef ELPQ_OID_
    ELPQ_OID_RECORD = 2249,
    ELPQ_OID_RECORD_ARRAY = 2287,
    ELPQ_OID_VOID = 2278,
    ELPQ_OID_UNKNOWN = 705
};

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file makers.h
 * More makers of values: the types that fewer programs use.
 *
 * As in value.h: nothing is allocated, nothing can fail, and what a value
 * points to must live until its statement was submitted.  A value that its
 * type cannot have is an error of the statement, ELPQ_E_VALUE.
 */
#ifndef ELPQ_MAKERS_H
#define ELPQ_MAKERS_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------- more scalars */

/** A time of day in a zone `offset` seconds east of UTC. */
static inline elpq_value elpq_timetz(int64_t usec, int32_t offset)
{
    elpq_value v = elpq_value_init(ELPQ_OID_TIMETZ, ELPQ_KIND_TIMETZ);

    v.u.timetz.microseconds = usec;
    v.u.timetz.offset = offset;
    return v;
}

/**
 * Money in the smallest unit of the currency, as cents.  It goes in binary, as
 * the type money and in arrays of it: how the server reads its text depends on
 * lc_monetary.  Where it would have to go as text - as another type, or in
 * rows of a COPY that go as text - it is refused, ELPQ_E_VALUE.
 */
static inline elpq_value elpq_money(int64_t units)
{
    elpq_value v = elpq_value_init(ELPQ_OID_MONEY, ELPQ_KIND_MONEY);

    v.u.int64 = units;
    return v;
}

static inline elpq_value elpq_xid8(uint64_t x)
{
    return elpq_typed(ELPQ_OID_XID8, elpq_uint64(x));
}

/** A position in the write-ahead log. */
static inline elpq_value elpq_lsn(uint64_t x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_PG_LSN, ELPQ_KIND_LSN);

    v.u.uint64 = x;
    return v;
}

static inline elpq_value elpq_tid(uint32_t block, uint16_t offset)
{
    elpq_value v = elpq_value_init(ELPQ_OID_TID, ELPQ_KIND_TID);

    v.u.tid.block = block;
    v.u.tid.offset = offset;
    return v;
}

static inline elpq_value elpq_inet(elpq_inet_address x)
{
    elpq_value v = elpq_value_init(ELPQ_OID_INET, ELPQ_KIND_INET);

    v.elem = x.family;
    v.width = x.bits;
    memcpy(v.u.inet, x.bytes, sizeof(x.bytes));
    return v;
}

/** A network: the bits behind the netmask must be zero. */
static inline elpq_value elpq_cidr(elpq_inet_address x)
{
    return elpq_typed(ELPQ_OID_CIDR, elpq_inet(x));
}

/** A macaddr, or a macaddr8 if it has 8 bytes. */
static inline elpq_value elpq_macaddr(elpq_macaddr_bytes x)
{
    elpq_value v = elpq_value_init(
        x.size == 8 ? ELPQ_OID_MACADDR8 : ELPQ_OID_MACADDR, ELPQ_KIND_MACADDR);

    v.width = x.size;
    memcpy(v.u.macaddr, x.bytes, sizeof(x.bytes));
    return v;
}

static inline elpq_value elpq_xml(const char *s)
{
    return elpq_text_as(ELPQ_OID_XML, s, s ? strlen(s) : 0);
}

/** `count` bits, the first of which is the highest of data[0]; borrowed. */
static inline elpq_value elpq_bit(const uint8_t *data, size_t count)
{
    elpq_value v = elpq_value_init(ELPQ_OID_BIT, ELPQ_KIND_BITS);

    v.u.bits.data = data;
    v.u.bits.count = count;
    return v;
}

static inline elpq_value elpq_varbit(const uint8_t *data, size_t count)
{
    return elpq_typed(ELPQ_OID_VARBIT, elpq_bit(data, count));
}

/* ------------------------------------------------------- geometric types */

static inline elpq_value elpq_point(double x, double y)
{
    elpq_value v = elpq_value_init(ELPQ_OID_POINT, ELPQ_KIND_POINT);

    v.u.point.x = x;
    v.u.point.y = y;
    return v;
}

/** A geometric type from its `count` coordinates; borrowed, as below. */
static inline elpq_value elpq_doubles(uint32_t oid, const void *items,
                                      size_t count, bool closed)
{
    elpq_value v = elpq_value_init(oid, ELPQ_KIND_DOUBLES);

    v.elem = closed;
    v.u.doubles.items = (const double *)items;
    v.u.doubles.count = count;
    return v;
}

static inline elpq_value elpq_line(const elpq_line_abc *x)
{
    return elpq_doubles(ELPQ_OID_LINE, x, 3, false);
}

static inline elpq_value elpq_lseg(const elpq_lseg_ends *x)
{
    return elpq_doubles(ELPQ_OID_LSEG, x, 4, false);
}

static inline elpq_value elpq_box(const elpq_box_corners *x)
{
    return elpq_doubles(ELPQ_OID_BOX, x, 4, false);
}

static inline elpq_value elpq_circle(const elpq_circle_parts *x)
{
    return elpq_doubles(ELPQ_OID_CIRCLE, x, 3, false);
}

static inline elpq_value elpq_path(const elpq_point_xy *items, size_t count,
                                   bool closed)
{
    return elpq_doubles(ELPQ_OID_PATH, items,
                        count > SIZE_MAX / 2 ? SIZE_MAX : 2 * count, closed);
}

static inline elpq_value elpq_polygon(const elpq_point_xy *items, size_t count)
{
    return elpq_typed(ELPQ_OID_POLYGON, elpq_path(items, count, true));
}

/* ----------------------------------------- ranges, composites, and hstore */

/*
 * These borrow their parts.  A part is encoded as the type that the whole
 * has in its place, whatever its own OID.  Those whose parts' types are not
 * built in travel in text form, which the server parses.
 */

/**
 * A range: two bounds, and which of them belong to it: "[)", "[]", "(]" or
 * "()".  A bound that is NULL is none.
 */
static inline elpq_value elpq_range(uint32_t range_oid,
                                    const elpq_value bounds[2],
                                    const char *inclusive)
{
    elpq_value v = elpq_values(range_oid, ELPQ_KIND_RANGE, bounds, 2);

    if (bounds[0].kind == ELPQ_KIND_NULL)
        v.elem |= ELPQ_RANGE_LOWER_UNBOUNDED;
    else if (inclusive[0] == '[')
        v.elem |= ELPQ_RANGE_LOWER_INCLUSIVE;
    if (bounds[1].kind == ELPQ_KIND_NULL)
        v.elem |= ELPQ_RANGE_UPPER_UNBOUNDED;
    else if (inclusive[0] && inclusive[1] == ']')
        v.elem |= ELPQ_RANGE_UPPER_INCLUSIVE;
    return v;
}

/** The range that contains nothing. */
static inline elpq_value elpq_range_empty(uint32_t range_oid)
{
    elpq_value v = elpq_values(range_oid, ELPQ_KIND_RANGE, NULL, 0);

    v.elem = ELPQ_RANGE_EMPTY;
    return v;
}

static inline elpq_value elpq_multirange(uint32_t multirange_oid,
                                         const elpq_value *ranges,
                                         size_t count)
{
    return elpq_values(multirange_oid, ELPQ_KIND_MULTIRANGE, ranges, count);
}

/** A row of a composite type (catalog.h tells OIDs): its fields, in order. */
static inline elpq_value elpq_composite(uint32_t oid, const elpq_value *fields,
                                        size_t count)
{
    return elpq_values(oid, ELPQ_KIND_COMPOSITE, fields, count);
}

/**
 * An hstore: keys and values in turns, 2 * pairs of them, each a text; a value
 * may be NULL.  The OID is not fixed: catalog.h finds it, or it is 0.
 */
static inline elpq_value elpq_hstore(uint32_t oid, const elpq_value *items,
                                     size_t pairs)
{
    return elpq_values(oid, ELPQ_KIND_HSTORE, items,
                       pairs > UINT32_MAX / 2 ? UINT32_MAX : 2 * pairs);
}

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file structs.h
 * C structs of SQL types that no single C number holds.
 *
 * The getters of result.h fill them in, the constructors of value.h take
 * them.  They are plain data; what a pointer in one points to belongs to the
 * result that it was read from, or to the caller who made it.
 */
#ifndef ELPQ_STRUCTS_H
#define ELPQ_STRUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An interval in the three parts that PostgreSQL keeps apart. */
typedef struct elpq_interval_parts {
    int64_t microseconds;
    int32_t days;
    int32_t months;
} elpq_interval_parts;

/** A time of day with the offset of its time zone. */
typedef struct elpq_timetz_parts {
    int64_t microseconds; /**< since midnight of that zone                   */
    int32_t offset;       /**< seconds east of UTC, less than 16 hours       */
} elpq_timetz_parts;

/** The place of a row in its table (the SQL type tid). */
typedef struct elpq_tid_parts {
    uint32_t block;
    uint16_t offset;
} elpq_tid_parts;

/** An inet or cidr: an address with the bits of its network. */
typedef struct elpq_inet_address {
    uint8_t family;    /**< 4 or 6                                           */
    uint8_t bits;      /**< of the netmask: 32 or 128 for a host             */
    uint8_t bytes[16]; /**< in network order; the first 4 of an IPv4         */
} elpq_inet_address;

/** A macaddr or macaddr8. */
typedef struct elpq_macaddr_bytes {
    uint8_t size; /**< 6 or 8                                                */
    uint8_t bytes[8];
} elpq_macaddr_bytes;

typedef struct elpq_point_xy {
    double x;
    double y;
} elpq_point_xy;

/** The line ax + by + c = 0. */
typedef struct elpq_line_abc {
    double a;
    double b;
    double c;
} elpq_line_abc;

typedef struct elpq_lseg_ends {
    elpq_point_xy p[2];
} elpq_lseg_ends;

/** A box by its corners; the server puts them in this order. */
typedef struct elpq_box_corners {
    elpq_point_xy high;
    elpq_point_xy low;
} elpq_box_corners;

typedef struct elpq_circle_parts {
    elpq_point_xy center;
    double radius;
} elpq_circle_parts;

/** The points of a path or polygon. */
typedef struct elpq_points {
    const elpq_point_xy *items;
    size_t count;
    bool closed; /**< as polygons are; else an open path                     */
} elpq_points;

/** A bit or varbit: the first bit is the highest of data[0]. */
typedef struct elpq_bits {
    const uint8_t *data;
    size_t count; /**< bits                                                  */
} elpq_bits;

/** Whole numbers of 128 bits, where the compiler has them. */
#ifdef __SIZEOF_INT128__
#define ELPQ_HAVE_INT128 1
__extension__ typedef __int128 elpq_int128_t;
#else
#define ELPQ_HAVE_INT128 0
#endif

#endif

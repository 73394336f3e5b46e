/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file convert.h
 * Values from what C and the system have: times and addresses.  The other way
 * are getters of result.h: tm, unix_time, timespec, in_addr, in6_addr,
 * sockaddr.
 *
 * None of these can fail.  What the SQL type cannot hold makes a value that is
 * an error of its statement, ELPQ_E_VALUE.
 */
#ifndef ELPQ_CONVERT_H
#define ELPQ_CONVERT_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "makers.h"
#include "version.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A timestamptz from what time() returns. */
ELPQ_API elpq_value elpq_timestamptz_unix(time_t seconds);

/** The same from what clock_gettime(CLOCK_REALTIME) gives; parts of a
 *  microsecond are cut off. */
ELPQ_API elpq_value elpq_timestamptz_timespec(struct timespec x);

/**
 * A date, and a timestamp without time zone, from the calendar fields of a
 * struct tm, which must be in their ranges: tm_year, tm_mon, tm_mday, tm_hour,
 * tm_min, tm_sec.  The others are not looked at; for a local time with its
 * zone, use mktime() and elpq_timestamptz_unix().
 */
ELPQ_API elpq_value elpq_date_tm(const struct tm *x);
ELPQ_API elpq_value elpq_timestamp_tm(const struct tm *x);

/** An inet of one host.  A sockaddr of another family than AF_INET and
 *  AF_INET6 makes an error; its port is left out. */
ELPQ_API elpq_value elpq_inet_in_addr(struct in_addr x);
ELPQ_API elpq_value elpq_inet_in6_addr(const struct in6_addr *x);
ELPQ_API elpq_value elpq_inet_sockaddr(const struct sockaddr *x);

#ifdef __cplusplus
}
#endif
#endif

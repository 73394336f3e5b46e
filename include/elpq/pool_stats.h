/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file pool_stats.h
 * Counters, gauges and histograms of a pool.
 */
#ifndef ELPQ_POOL_STATS_H
#define ELPQ_POOL_STATS_H

#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_pool elpq_pool;

#define ELPQ_HISTOGRAM_BUCKETS 32

/**
 * Times in microseconds, in buckets that double: the first counts those below
 * 1, bucket i those below 2^i, and the last all that are longer.
 */
typedef struct elpq_histogram {
    uint64_t count;
    uint64_t sum_usec;
    uint64_t max_usec;
    uint64_t buckets[ELPQ_HISTOGRAM_BUCKETS];
} elpq_histogram;

/**
 * A time that `percent` of 100 of those counted do not exceed: the upper end
 * of a bucket (so up to twice the true one), or max_usec if that is less.  0
 * if nothing was counted.
 */
ELPQ_API uint64_t elpq_histogram_percentile(const elpq_histogram *histogram,
                                            double percent);

/** Counters and gauges; see elpq_pool_stats(). */
typedef struct elpq_pool_statistics {
    /* now */
    unsigned min_size;        /**< as it was asked for                      */
    unsigned max_size;
    unsigned size;            /**< connections: idle + busy + connecting    */
    unsigned idle;            /**< free for use                             */
    unsigned busy;            /**< lent, executing, or being reset          */
    unsigned leased;          /**< of those, lent                           */
    unsigned connecting;      /**< being made                               */
    unsigned waiting;         /**< requests in line                         */
    /* since the start */
    uint64_t statements;      /**< accepted by elpq_pool_execute or _script */
    uint64_t acquires;        /**< leases asked for, transactions included  */
    uint64_t shared;          /**< statements sent behind others, see
                                   pipeline_depth                           */
    uint64_t waited;          /**< requests that had to stand in line       */
    uint64_t wait_usec;       /**< their waiting, in sum                    */
    uint64_t refused;         /**< turned away with ELPQ_E_FULL             */
    uint64_t timeouts;        /**< deadlines that passed                    */
    uint64_t left;            /**< canceled or out of time while in line    */
    uint64_t failed_waiting;  /**< failed in line: there was no connection  */
    uint64_t cancels;         /**< cancel requests sent to the server       */
    uint64_t connects;        /**< connections made                         */
    uint64_t connect_usec;    /**< the time it took, in sum                 */
    uint64_t connect_failures;
    uint64_t lost;            /**< connections that broke                   */
    uint64_t retired_idle;    /**< closed by idle_timeout_ms                */
    uint64_t retired_age;     /**< closed by max_lifetime_ms                */
    uint64_t expired;         /**< closed by elpq_pool_expire()             */
    uint64_t resized;         /**< closed by elpq_pool_resize()             */
    uint64_t discarded;       /**< closed since they could not be reused    */
    uint64_t resets;          /**< sessions reset                           */
    uint64_t pings;           /**< signs of life asked for                  */
    uint64_t leaks;           /**< leases longer than leak_after_ms         */
    elpq_histogram wait;      /**< until a connection was had, of all
                                   requests that got one                    */
    elpq_histogram usage;     /**< of connections, from then until they were
                                   given back, or had answered everything   */
} elpq_pool_statistics;

/** Fills in *out.  Callable from every callback. */
ELPQ_API void elpq_pool_stats(const elpq_pool *pool,
                              elpq_pool_statistics *out);

#ifdef __cplusplus
}
#endif
#endif

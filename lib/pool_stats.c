/* SPDX-License-Identifier: PostgreSQL */
/*
 * Numbers of a pool.  Counters are counted where things happen; this file
 * fills in what is known at the moment.
 */
#include "pool_int.h"

/* `count` is the sum of the buckets: known when it is asked for. */
static void count_all(elpq_histogram *h)
{
    h->count = 0;
    for (unsigned i = 0; i < ELPQ_HISTOGRAM_BUCKETS; i++)
        h->count += h->buckets[i];
}

uint64_t elpq_histogram_percentile(const elpq_histogram *histogram,
                                   double percent)
{
    double wanted = percent / 100 * (double)histogram->count;
    uint64_t seen = 0;

    for (unsigned i = 0; i < ELPQ_HISTOGRAM_BUCKETS - 1; i++) {
        uint64_t end = i ? (UINT64_C(1) << i) - 1 : 0;

        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return end < histogram->max_usec ? end : histogram->max_usec;
    }
    return histogram->max_usec;
}

void elpq_pool_stats(const elpq_pool *pool, elpq_pool_statistics *out)
{
    *out = pool->stats;
    count_all(&out->wait);
    count_all(&out->usage);
    out->min_size = pool->options.min_size;
    out->max_size = pool->options.max_size;
    out->size = elpq__pool_size(pool);
    out->timeouts = pool->line.timeouts;
    out->idle = pool->count[IDLE];
    out->leased = pool->count[LEASED];
    out->connecting = pool->count[CONNECTING];
    out->busy = out->size - out->idle - out->connecting;
    out->waiting = pool->nwaiting;
}

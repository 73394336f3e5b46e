/* SPDX-License-Identifier: PostgreSQL */
/*
 * Pauses before something is tried again: they double from a least to a
 * longest one, and each is random between half of that and all, so that those
 * who failed together do not come back together.
 */
#ifndef ELPQ_LIB_BACKOFF_H
#define ELPQ_LIB_BACKOFF_H

#include <stdint.h>

/* xorshift: spreads retries and retirements, no more.  The state is not 0. */
static inline uint64_t elpq__random_below(uint64_t *state, uint64_t limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return limit ? *state % limit : 0;
}

/* A state to begin with; the address tells objects of one moment apart. */
static inline uint64_t elpq__random_seed(int64_t now, const void *object)
{
    return ((uint64_t)now ^ (uint64_t)(uintptr_t)object) | 1;
}

/* The pause in microseconds after so many failures in a row before this. */
static inline int64_t elpq__backoff_usec(uint64_t *state, unsigned failures,
                                         int min_ms, int max_ms)
{
    uint64_t max = (uint64_t)max_ms;
    uint64_t ms = (uint64_t)min_ms;

    for (unsigned i = 0; i < failures && ms < max; i++)
        ms *= 2;
    if (ms > max)
        ms = max;
    return (int64_t)(ms / 2 + elpq__random_below(state, ms / 2 + 1)) * 1000;
}

#endif

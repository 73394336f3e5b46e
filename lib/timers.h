/* SPDX-License-Identifier: PostgreSQL */
/*
 * The timers of a loop, the one that is due first in front: a queue of those
 * that came in the order of their times, as deadlines of the same length do,
 * and a pairing heap of the others.
 *
 * A timer that runs (due is not 0) is in exactly one of both; in the queue if
 * its node is linked.  loop.c alone calls this.
 */
#ifndef ELPQ_LIB_TIMERS_H
#define ELPQ_LIB_TIMERS_H

#include "loop.h"

struct elpq__timers {
    struct elpq__list queue;
    struct elpq__timer *heap; /* its root, or NULL */
};

/* Of two heaps, the one that is due later becomes a child of the other. */
struct elpq__timer *elpq__timer_heap_meld(struct elpq__timer *a,
                                          struct elpq__timer *b);
void elpq__timer_heap_remove(struct elpq__timer **heap,
                             struct elpq__timer *timer);

static inline void elpq__timers_init(struct elpq__timers *timers)
{
    elpq__list_init(&timers->queue);
    timers->heap = NULL;
}

static inline struct elpq__timer *elpq__timer_of(struct elpq__node *node)
{
    return elpq__container(node, struct elpq__timer, node);
}

/* The timer that is due first, or NULL. */
static inline struct elpq__timer *
elpq__timers_first(const struct elpq__timers *timers)
{
    struct elpq__node *node = elpq__list_first(&timers->queue);
    struct elpq__timer *first = node ? elpq__timer_of(node) : NULL;

    if (!first || (timers->heap && timers->heap->due < first->due))
        return timers->heap;
    return first;
}

/* One that has its `due`, and is in neither. */
static inline void elpq__timers_insert(struct elpq__timers *timers,
                                       struct elpq__timer *timer)
{
    if (!timer->far &&
        (elpq__list_empty(&timers->queue) ||
         elpq__timer_of(timers->queue.head.prev)->due <= timer->due))
        elpq__list_push(&timers->queue, &timer->node);
    else
        timers->heap = elpq__timer_heap_meld(timers->heap, timer);
}

static inline void elpq__timers_remove(struct elpq__timers *timers,
                                       struct elpq__timer *timer)
{
    if (elpq__linked(&timer->node))
        elpq__list_remove(&timer->node);
    else
        elpq__timer_heap_remove(&timers->heap, timer);
    timer->due = 0;
}

#endif

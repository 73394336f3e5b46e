/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pairing heap of timers.h.  `prev` of a timer is the sibling before it, or
 * of the first child the parent; the root has neither.
 */
#include "timers.h"

struct elpq__timer *elpq__timer_heap_meld(struct elpq__timer *a,
                                          struct elpq__timer *b)
{
    if (!a)
        return b;
    if (!b)
        return a;
    if (b->due < a->due) {
        struct elpq__timer *t = a;

        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    a->child = b;
    return a;
}

/* Melds siblings in pairs, and the pairs from the last to the first. */
static struct elpq__timer *merge(struct elpq__timer *first)
{
    struct elpq__timer *pairs = NULL;
    struct elpq__timer *root = NULL;

    while (first) {
        struct elpq__timer *a = first;
        struct elpq__timer *b = a->next;

        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = elpq__timer_heap_meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct elpq__timer *next = pairs->next;

        pairs->next = NULL;
        root = elpq__timer_heap_meld(root, pairs);
        pairs = next;
    }
    return root;
}

void elpq__timer_heap_remove(struct elpq__timer **heap,
                             struct elpq__timer *timer)
{
    struct elpq__timer *rest = merge(timer->child);

    if (*heap == timer) {
        *heap = rest;
    } else {
        if (timer->prev->child == timer)
            timer->prev->child = timer->next;
        else
            timer->prev->next = timer->next;
        if (timer->next)
            timer->next->prev = timer->prev;
        *heap = elpq__timer_heap_meld(*heap, rest);
    }
    timer->child = timer->next = timer->prev = NULL;
}

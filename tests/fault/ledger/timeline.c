/* SPDX-License-Identifier: PostgreSQL */
/*
 * What happened when: counts in slots of SLOT_MS, and the times at which the
 * server was down.  After two hours the last slot takes the rest; after
 * MARKS_MAX marks no more are kept.  Written by bank.c and chaos.c through
 * these functions, read by plot.c and main.c.
 */
#include <stdlib.h>

#include "ledger.h"

struct timeline timeline;

void timeline_start(void)
{
    timeline.start = now_usec();
}

static int64_t at(void)
{
    return now_usec() - timeline.start;
}

void timeline_add(enum series series, unsigned n)
{
    unsigned slot = (unsigned)(at() / (SLOT_MS * 1000));

    if (slot >= SLOTS_MAX)
        slot = SLOTS_MAX - 1;
    if (slot >= timeline.slots)
        timeline.slots = slot + 1;
    timeline.counts[series][slot] += n;
}

static struct mark_on *last_mark(void)
{
    static struct mark_on none;

    return timeline.nmarks ? &timeline.marks[timeline.nmarks - 1] : &none;
}

void timeline_committed(int64_t begun)
{
    struct mark_on *m = last_mark();

    timeline_add(S_COMMITTED, 1);
    if (m->dead && !m->back && begun - timeline.start > m->dead)
        m->back = at();
}

void timeline_down(enum mark kind)
{
    if (timeline.nmarks < MARKS_MAX)
        timeline.marks[timeline.nmarks++] =
            (struct mark_on){ .kind = kind, .down = at() };
}

void timeline_dead(void)
{
    last_mark()->dead = at();
}

void timeline_up(void)
{
    last_mark()->up = at();
}

static int by_size(const void *a, const void *b)
{
    const int *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void timeline_recovery(int *p50, int *max)
{
    int times[MARKS_MAX];
    size_t n = 0;

    for (unsigned i = 0; i < timeline.nmarks; i++) {
        const struct mark_on *m = &timeline.marks[i];

        if (m->back)
            times[n++] = (int)((m->back - m->down) / 1000);
    }
    qsort(times, n, sizeof(*times), by_size);
    *p50 = n ? times[n / 2] : 0;
    *max = n ? times[n - 1] : 0;
}

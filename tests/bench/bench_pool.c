/* SPDX-License-Identifier: PostgreSQL */
/*
 * A pool under requests of which one in a hundred is slow: how many it takes
 * through, and how long the quick ones wait for it.
 */
#include "bench.h"

#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CONNS = 8, LANES = 64, SLOW_ONE_IN = 100, SAMPLES = 1 << 20 };

struct pool_state;

/* A user, who asks again when there is an answer. */
struct lane {
    struct pool_state *state;
    double began;
    bool slow;
};

struct pool_state {
    struct event_base *base;
    elpq_pool *pool;
    double end;
    uint64_t submitted;
    uint64_t answered;
    int busy; /* lanes */
    int samples;
    double *waits; /* of quick statements, in milliseconds */
    struct lane lanes[LANES];
};

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void on_result(elpq_result *result, const elpq_error *error, void *arg);

static void submit(struct lane *lane)
{
    struct pool_state *s = lane->state;
    int code;

    lane->slow = ++s->submitted % SLOW_ONE_IN == 0;
    lane->began = now_ms();
    if (lane->slow)
        code = elpq_execute(s->pool, elpq_sql("SELECT pg_sleep(0.02)"), NULL,
                            on_result, lane);
    else
        code =
            elpq_execute(s->pool, elpq_sql(BENCH_POINT_SQL, bench_next_key()),
                         NULL, on_result, lane);
    if (code != 0)
        bench_die("elpq", elpq_strerror(code));
}

static void on_result(elpq_result *result, const elpq_error *error, void *arg)
{
    struct lane *lane = arg;
    struct pool_state *s = lane->state;
    double t = now_ms();

    (void)result;
    if (error)
        bench_die("elpq", error->message);
    s->answered++;
    if (!lane->slow && s->samples < SAMPLES)
        s->waits[s->samples++] = t - lane->began;
    if (t < s->end)
        submit(lane);
    else if (--s->busy == 0)
        event_base_loopbreak(s->base);
}

static void run_for(struct pool_state *s, double ms)
{
    s->answered = 0;
    s->samples = 0;
    s->end = now_ms() + ms;
    s->busy = LANES;
    for (int i = 0; i < LANES; i++) {
        s->lanes[i].state = s;
        submit(&s->lanes[i]);
    }
    event_base_dispatch(s->base);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(const struct pool_state *s, double q)
{
    int at = (int)(q * (s->samples - 1));

    return s->samples > 0 ? s->waits[at] : 0;
}

void bench_pool_with_slow(const char *name, unsigned depth, double seconds)
{
    elpq_pool_options options = { .max_size = CONNS,
                                  .pipeline_depth = depth };
    struct pool_state s = { 0 };
    elpq_error *error = NULL;
    double took;

    s.base = event_base_new();
    s.waits = malloc(SAMPLES * sizeof(*s.waits));
    if (!s.base || !s.waits)
        bench_die("elpq", "out of memory");
    s.pool = elpq_pool_new(s.base, "", &options, &error);
    if (!s.pool)
        bench_die("elpq", error->message);
    run_for(&s, seconds * 250); /* connects, and warms up */
    took = now_ms();
    run_for(&s, seconds * 1000);
    took = now_ms() - took;
    qsort(s.waits, (size_t)s.samples, sizeof(*s.waits), compare);
    printf("%-20s depth %-2u %.0f per second; quick ones wait p50 %.2f, "
           "p99 %.2f, "
           "p99.9 %.2f ms\n",
           name, depth, (double)s.answered * 1e3 / took, quantile(&s, 0.5),
           quantile(&s, 0.99), quantile(&s, 0.999));
    fflush(stdout);
    elpq_pool_close(s.pool, ELPQ_NO_TIMEOUT, NULL, NULL);
    event_base_dispatch(s.base);
    event_base_free(s.base);
    free(s.waits);
}

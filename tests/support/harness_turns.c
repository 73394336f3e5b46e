/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a turn of the loop costs, while that is measured.
 *
 * It is measured around one turn in which the loop itself does not wait.  Wall
 * time alone would measure the other processes of a busy machine (the server
 * hashes passwords as well), and processor time alone would miss a call that
 * blocks.  So it is wall time less the time in which the thread was ready to
 * run and had no processor, which Linux counts in /proc/thread-self/schedstat.
 * Where that is missing, processor time must do; and where the thread has not
 * given its processor away by itself, because then it has not blocked.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define IDLE_USEC 6 /* a turn that took less found nothing to do       */
#define PAUSE_NSEC 200000

struct turn_costs turn_costs;

static int schedstat = -1;
static bool measuring;

struct instant {
    int64_t wall; /* usec                                                   */
    int64_t cpu;
    int64_t ready; /* waited for a processor                                */
    long blocked;  /* times                                                 */
};

static int64_t usec_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t ready_usec(void)
{
    char text[100];
    long long ran = 0, waited = 0;
    ssize_t n = pread(schedstat, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return -1;
    text[n] = '\0';
    return sscanf(text, "%lld %lld", &ran, &waited) == 2 && ran > 0
               ? waited / 1000
               : -1;
}

static struct instant instant(void)
{
    struct rusage usage;
    struct instant i;

    getrusage(RUSAGE_THREAD, &usage);
    i.blocked = usage.ru_nvcsw;
    i.ready = ready_usec();
    i.wall = usec_of(CLOCK_MONOTONIC);
    i.cpu = usec_of(CLOCK_THREAD_CPUTIME_ID);
    return i;
}

static void measured_turn(void)
{
    const struct timespec pause = { 0, PAUSE_NSEC };
    const struct instant before = instant();
    struct instant after;
    int64_t cost;

    event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    after = instant();
    if (before.ready >= 0 && after.blocked != before.blocked)
        cost = after.wall - before.wall - (after.ready - before.ready);
    else
        cost = after.cpu - before.cpu;
    turn_costs.longest = cost > turn_costs.longest ? cost : turn_costs.longest;
    turn_costs.late += cost > (int64_t)(MOST_USEC * harness_slow());
    turn_costs.cpu_sum += after.cpu - before.cpu;
    turn_costs.n++;
    if (cost < IDLE_USEC * harness_slow())
        nanosleep(&pause, NULL);
}

void harness_measure(bool on)
{
    memset(&turn_costs, 0, sizeof(turn_costs));
    measuring = on;
    if (on && schedstat < 0)
        schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (!on && schedstat >= 0) {
        close(schedstat);
        schedstat = -1;
    }
}

void harness_turn(int flags)
{
    if (measuring)
        measured_turn();
    else
        event_base_loop(loop, flags);
}

void harness_expect_turns(const char *what)
{
    ck_assert_msg(turn_costs.longest <= (int64_t)(MOST_USEC * harness_slow()),
                  "%s: the longest of %d turns took %lld usec", what,
                  turn_costs.n, (long long)turn_costs.longest);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The sweep of a failpoint: one process per injection, until the scenario
 * ends without having come to the call that is to fail.
 *
 * The child tells through shared memory whether its call came: its status
 * alone would not, for most failures are survived.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elpq/failpoints.h"

#define LEAKED 99 /* the status of a child that AddressSanitizer complains of */

/* What the child and the parent share. */
struct shared {
    atomic_bool armed;
    atomic_bool hit;
};

static const elpq_failpoint_sweep_options *current; /* in the child */
static struct shared *shared;
static uint64_t current_n;

void elpq_failpoint_arm(void)
{
    if (!current)
        return;
    atomic_store(&shared->armed, true);
    elpq_failpoint_set(current->point, current_n, current->error,
                       current->persistent);
}

/* Of AddressSanitizer and of gcov, if they are there. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);
__attribute__((weak)) void __gcov_dump(void);

/* A crash must tell whether it was hit, too; the handler is async-safe. */
static void on_crash(int sig)
{
    atomic_store(&shared->hit, elpq_failpoint_hits() > 0);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void in_child(int (*scenario)(void *), void *arg, int seconds)
{
    static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGALRM };
    int status;

    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        signal(crashes[i], on_crash);
    alarm((unsigned)seconds);
    status = scenario(arg);
    atomic_store(&shared->hit, elpq_failpoint_hits() > 0);
    elpq_failpoint_clear();
    fflush(NULL);
    if (status == 0 && __lsan_do_recoverable_leak_check &&
        __lsan_do_recoverable_leak_check())
        status = LEAKED;
    if (__gcov_dump)
        __gcov_dump();
    _exit(status);
}

/* One injection: -1 without a child, otherwise its status. */
static int inject(const elpq_failpoint_sweep_options *o, uint64_t n,
                  int (*scenario)(void *), void *arg)
{
    pid_t pid, ended;
    int status = 0;

    atomic_store(&shared->armed, false);
    atomic_store(&shared->hit, false);
    fflush(NULL);
    pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0) {
        current = o;
        current_n = n;
        in_child(scenario, arg, o->seconds);
    }
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended == pid ? status : -1;
}

static void with_defaults(elpq_failpoint_sweep_options *o,
                          const elpq_failpoint_sweep_options *options)
{
    *o = *options;
    o->first = o->first ? o->first : 1;
    o->step = o->step ? o->step : 1;
    o->max = o->max ? o->max : 100000;
    o->seconds = o->seconds ? o->seconds : 10;
}

int elpq_failpoint_sweep(const elpq_failpoint_sweep_options *options,
                         int (*scenario)(void *arg), void *arg,
                         elpq_failpoint_report *report)
{
    elpq_failpoint_sweep_options o;
    uint64_t n;
    int status = 0;

    with_defaults(&o, options);
    memset(report, 0, sizeof(*report));
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return -1;
    for (n = o.first; report->injections < o.max; n += o.step) {
        bool hit;

        status = inject(&o, n, scenario, arg);
        if (status < 0)
            break;
        hit = atomic_load(&shared->hit);
        report->injections += hit;
        if (status != 0) {
            report->failed++;
            if (!report->first_failed) {
                report->first_failed = n;
                report->status = status;
            }
        }
        if (!hit) {
            report->complete = status == 0 && atomic_load(&shared->armed);
            break;
        }
    }
    munmap(shared, sizeof(*shared));
    shared = NULL;
    return status < 0 ? -1 : 0;
}

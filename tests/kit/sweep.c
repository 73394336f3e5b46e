/* SPDX-License-Identifier: PostgreSQL */
/*
 * The sweep of a failpoint: one process per injection, until the scenario
 * ends without having come to the call that is to fail.
 *
 * The children tell through shared memory whether their call came: the status
 * alone would not, for most failures are survived.  They are waited for in the
 * order in which they were started, so that no other child of the caller is
 * ever waited for.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elpq/failpoints.h"

#define JOBS_MAX 64
#define FRAMES 24
#define SETTLE_MS 5000 /* for a thread that was given up to free its memory */

/* What a child tells the parent. */
struct told {
    atomic_bool armed;
    atomic_bool hit;
    atomic_uint_least64_t calls;
    atomic_int_least64_t left; /* blocks, more than at the start           */
    char where[1024];
    char caller[128];
};

struct sweep {
    elpq_failpoint_sweep_options o;
    int (*scenario)(void *arg);
    void *arg;
    elpq_failpoint_report *report;
    struct told *told; /* shared, one for each job                         */
    int64_t normal;    /* blocks that are left when nothing fails          */
    struct {
        pid_t pid;
        uint64_t n;
    } jobs[JOBS_MAX]; /* a ring of o.jobs                                  */
    unsigned first, running;
    uint64_t started;
    bool ended; /* one ran past the last call                              */
};

/* Of the child: */
static const struct sweep *current;
static struct told *mine;
static uint64_t current_n;
static int threads_before;

void elpq_failpoint_arm(void)
{
    if (!current)
        return;
    atomic_store(&mine->armed, true);
    elpq_failpoint_trickle(current->o.trickle);
    elpq_failpoint_set(current->o.point, current_n, current->o.error,
                       current->o.persistent);
}

/* ------------------------------------------------------------- in a child */

/* Of AddressSanitizer and of gcov, if they are there. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);
__attribute__((weak)) void __gcov_dump(void);

/* Writes "library function+offset" and a line's end; how long that is. */
static int name_address(const void *address, char *text, size_t size)
{
    Dl_info info;
    const char *file;

    if (!dladdr(address, &info) || !info.dli_fname)
        return 0;
    file = strrchr(info.dli_fname, '/');
    return snprintf(text, size, "%s %s+0x%zx\n",
                    file ? file + 1 : info.dli_fname,
                    info.dli_sname ? info.dli_sname : "",
                    (size_t)((const char *)address -
                             (const char *)(info.dli_saddr ? info.dli_saddr
                                                           : info.dli_fbase)));
}

static void tell_hit(void)
{
    const void *caller = elpq_failpoint_caller();

    atomic_store(&mine->hit, elpq_failpoint_hits() > 0);
    atomic_store(&mine->calls, elpq_failpoint_calls());
    if (caller)
        name_address(caller, mine->caller, sizeof(mine->caller));
}

/* Writes down who called whom; the first frames are this handler's. */
static void tell_where(void)
{
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);
    size_t used = 0;

    for (int i = 2; i < n; i++) {
        int size = name_address(frames[i], mine->where + used,
                                sizeof(mine->where) - used);

        if (size < 0 || used + (size_t)size >= sizeof(mine->where))
            break;
        used += (size_t)size;
    }
}

/* A crash must tell whether it was hit, too. */
static void on_crash(int sig)
{
    signal(sig, SIG_DFL);
    tell_hit();
    elpq_failpoint_clear();
    tell_where();
    raise(sig);
}

/* Threads of the process, of which a given-up one frees its memory when it
 * notices. */
static int threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int n = 0;

    while (tasks && readdir(tasks))
        n++;
    if (tasks)
        closedir(tasks);
    return n - 2; /* "." and ".." */
}

static bool leaks(int64_t before)
{
    int64_t left;

    for (int i = 0; i < SETTLE_MS && threads() > threads_before; i++)
        usleep(1000);
    left = elpq_failpoint_blocks() - before;
    if (current_n > 0 && left > current->normal)
        return true;
    atomic_store(&mine->left, left);
    return __lsan_do_recoverable_leak_check &&
           __lsan_do_recoverable_leak_check();
}

static void in_child(void)
{
    static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGALRM };
    int64_t before;
    int status;

    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        signal(crashes[i], on_crash);
    alarm((unsigned)current->o.seconds);
    threads_before = threads();
    before = elpq_failpoint_blocks();
    status = current->scenario(current->arg);
    tell_hit();
    elpq_failpoint_clear();
    if (status == 0 && leaks(before))
        status = ELPQ_FAILPOINT_LEAK;
    fflush(NULL);
    if (__gcov_dump)
        __gcov_dump();
    _exit(status);
}

/* ---------------------------------------------------------- in the parent */

/* Begins one injection; false without a child. */
static bool start(struct sweep *s, uint64_t n)
{
    unsigned place = (s->first + s->running) % s->o.jobs;
    pid_t pid;

    memset(&s->told[place], 0, sizeof(s->told[place]));
    fflush(NULL);
    pid = fork();
    if (pid < 0)
        return false;
    if (pid == 0) {
        current = s;
        mine = &s->told[place];
        current_n = n;
        in_child();
    }
    s->jobs[place].pid = pid;
    s->jobs[place].n = n;
    s->running++;
    return true;
}

static void failed(struct sweep *s, unsigned place, int status)
{
    elpq_failpoint_failure failure = { s->jobs[place].n, status,
                                       s->told[place].where,
                                       s->told[place].caller };

    if (s->o.known && s->o.known(&failure, s->arg)) {
        s->report->known++;
        return;
    }
    if (s->report->failed++ == 0) {
        s->report->first_failed = failure.n;
        s->report->status = status;
    }
}

/* Waits for the oldest child; false if there is none. */
static bool finish(struct sweep *s)
{
    unsigned place = s->first;
    const struct told *told = &s->told[place];
    pid_t ended;
    int status = 0;

    do
        ended = waitpid(s->jobs[place].pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    s->first = (s->first + 1) % s->o.jobs;
    s->running--;
    if (ended < 0)
        return false;
    if (s->jobs[place].n == 0) {
        s->ended = status != 0; /* nothing can be told of the others */
        s->normal = atomic_load(&told->left);
        s->report->calls = atomic_load(&told->calls);
    }
    s->report->injections += atomic_load(&told->hit);
    if (status != 0)
        failed(s, place, status);
    if (s->jobs[place].n > 0 && !atomic_load(&told->hit)) {
        s->ended = true;
        s->report->complete |= status == 0 && atomic_load(&told->armed);
    }
    return true;
}

/* Which call is to fail next: each step-th, or some of them evenly spread. */
static uint64_t next(const struct sweep *s)
{
    uint64_t calls = s->report->calls, most = s->o.spread;

    if (most > 0 && calls / s->o.step > most)
        return s->o.first + s->started * calls / most;
    return s->o.first + s->started * s->o.step;
}

static bool run(struct sweep *s)
{
    bool ok = start(s, 0) && finish(s);

    while (ok && !s->ended && s->started < s->o.max) {
        uint64_t n = next(s);
        /* Where they should have ended, one at a time. */
        unsigned jobs = n > s->report->calls ? 1 : s->o.jobs;

        if (s->running >= jobs) {
            ok = finish(s);
        } else {
            ok = start(s, n);
            s->started++;
        }
    }
    while (s->running > 0)
        ok = finish(s) && ok;
    return ok;
}

static void with_defaults(elpq_failpoint_sweep_options *o)
{
    o->first = o->first ? o->first : 1;
    o->step = o->step ? o->step : 1;
    o->max = o->max ? o->max : 100000;
    o->seconds = o->seconds ? o->seconds : 10;
    o->jobs = o->jobs ? o->jobs : 1;
    o->jobs = o->jobs < JOBS_MAX ? o->jobs : JOBS_MAX;
}

int elpq_failpoint_sweep(const elpq_failpoint_sweep_options *options,
                         int (*scenario)(void *arg), void *arg,
                         elpq_failpoint_report *report)
{
    struct sweep s = { .o = *options, .scenario = scenario, .arg = arg,
                       .report = report };
    size_t size;
    void *frame[1];
    bool ok;

    with_defaults(&s.o);
    memset(report, 0, sizeof(*report));
    backtrace(frame, 1); /* loads what it needs, which a crash could not */
    size = s.o.jobs * sizeof(*s.told);
    s.told = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.told == MAP_FAILED)
        return -1;
    ok = run(&s);
    munmap(s.told, size);
    return ok ? 0 : -1;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The helper threads of the process: few, started when they are needed,
 * joined when the last job of the last loop is through.
 *
 * One mutex guards everything here.  A thread blocks all signals but those of
 * a crash, so that the program's handlers never run on it.  It sleeps while
 * there is nothing to do, and ends when no job is wanted any more: the last
 * done() or abandon asks idle threads to quit and joins them, so that nothing
 * is left behind when a program closes its pools.  A thread that is stuck in a
 * job which everybody gave up is let alone, ends by itself, and is joined when
 * somebody comes by.
 *
 * When the process exits, OpenSSL and Kerberos free what a thread uses in
 * libpq, and at its own end.  So exit() waits until no thread is in there, but
 * where it only waits, and keeps it there; for EXIT_MS at most.
 */
#include "worker.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Most of them sleep in poll(), in connects; as many as several pools have
 * under way whose hosts do not answer leave some for the others. */
#define THREADS_MAX 32
/* Neither kind of job may take the last two threads from the other. */
#define THREADS_PER_KIND (THREADS_MAX - 2)
/* To hash a password takes milliseconds; a server may want it to take hours. */
#define EXIT_MS 5000

struct thread {
    pthread_t id;
    bool live;   /* the place is taken                                     */
    bool busy;   /* in a job                                               */
    bool ending; /* told to end when it is idle, and to be joined          */
    bool orphan; /* let alone while busy: ends after its job               */
    bool over;   /* and has done so, but for being joined                  */
};

/* Urgent and ordinary jobs. */
enum { ORDINARY, URGENT, KINDS };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct elpq__list queue[KINDS];
    unsigned queued[KINDS];
    unsigned running[KINDS];
    struct thread threads[THREADS_MAX];
    unsigned wanted; /* jobs submitted, and not done or abandoned          */
    unsigned inside; /* threads in a job, and not in a wait of it          */
    bool ready;      /* the lists are initialized                          */
    bool exiting;    /* the process is: nobody goes inside                 */
    pthread_cond_t left; /* exiting, and a thread is not inside any more   */
} workers = { .mutex = PTHREAD_MUTEX_INITIALIZER,
              .wake = PTHREAD_COND_INITIALIZER,
              .left = PTHREAD_COND_INITIALIZER };

static pthread_once_t watched = PTHREAD_ONCE_INIT;
static pthread_once_t watched_again = PTHREAD_ONCE_INIT;

/* In the child no helper thread exists, and the mutex may be held. */
static void after_fork(void)
{
    memset(&workers, 0, sizeof(workers));
    pthread_mutex_init(&workers.mutex, NULL);
    pthread_cond_init(&workers.wake, NULL);
    pthread_cond_init(&workers.left, NULL);
}

/* They have nothing to do any more but for the destructors of libraries; the
 * mutex is held, which they have left. */
static void join_those_over(void)
{
    for (int i = 0; i < THREADS_MAX; i++) {
        struct thread *t = &workers.threads[i];

        if (t->over) {
            pthread_join(t->id, NULL);
            memset(t, 0, sizeof(*t)); /* the place is free again */
        }
    }
}

static void at_exit(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += EXIT_MS / 1000;
    pthread_mutex_lock(&workers.mutex);
    workers.exiting = true;
    while (workers.inside > 0 &&
           pthread_cond_timedwait(&workers.left, &workers.mutex, &until) == 0)
        ;
    join_those_over();
    pthread_mutex_unlock(&workers.mutex);
}

static void watch_exit(void)
{
    atexit(at_exit);
}

/*
 * What was registered last runs first, so OpenSSL, which libpq brings along,
 * has to be awake before.  With no option it would not do anything; this one,
 * OPENSSL_INIT_LOAD_CRYPTO_STRINGS, is set by every user of it.  The rest of it
 * wakes in the first job.
 */
static void watch_process(void)
{
    int (*wake)(uint64_t, const void *);
    void *symbol = dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto");

    memcpy(&wake, &symbol, sizeof(wake));
    if (wake)
        wake(0x2, NULL);
    watch_exit();
    pthread_atfork(NULL, NULL, after_fork);
}

/* Jobs of a kind that a thread could take now; the mutex is held. */
static unsigned runnable(int kind)
{
    unsigned room = THREADS_PER_KIND - workers.running[kind];

    return workers.queued[kind] < room ? workers.queued[kind] : room;
}

/* The next job that a thread may take; the mutex is held. */
static struct elpq__job *next_job(void)
{
    int kind = runnable(URGENT) ? URGENT : ORDINARY;
    struct elpq__node *node;

    if (!runnable(kind))
        return NULL;
    node = elpq__list_pop(&workers.queue[kind]);
    workers.queued[kind]--;
    return elpq__container(node, struct elpq__job, node);
}

/* The mutex is held. */
static void go_inside(void)
{
    while (workers.exiting) /* for ever */
        pthread_cond_wait(&workers.wake, &workers.mutex);
    workers.inside++;
}

static void go_outside(void)
{
    workers.inside--;
    if (workers.exiting)
        pthread_cond_broadcast(&workers.left);
}

void elpq__job_waits(bool on)
{
    pthread_mutex_lock(&workers.mutex);
    if (on)
        go_outside();
    else
        go_inside();
    pthread_mutex_unlock(&workers.mutex);
}

/* Runs one job; the mutex is held before and after. */
static void run_job(struct elpq__job *job)
{
    int kind = job->urgent ? URGENT : ORDINARY;

    job->state = ELPQ__JOB_RUNNING;
    workers.running[kind]++;
    pthread_mutex_unlock(&workers.mutex);
    job->work(job);
    pthread_once(&watched_again, watch_exit);
    pthread_mutex_lock(&workers.mutex);
    workers.running[kind]--;
    if (job->state == ELPQ__JOB_ABANDONED) {
        pthread_mutex_unlock(&workers.mutex);
        job->dispose(job);
        pthread_mutex_lock(&workers.mutex);
        return;
    }
    job->state = ELPQ__JOB_FINISHED;
    elpq__loop_post(job->loop, &job->post);
}

static void *thread_main(void *arg)
{
    struct thread *self = arg;

    pthread_mutex_lock(&workers.mutex);
    for (;;) {
        struct elpq__job *job =
            self->ending || self->orphan || workers.exiting ? NULL : next_job();

        if (job) {
            self->busy = true;
            go_inside();
            run_job(job);
            go_outside();
            self->busy = false;
        } else if (self->ending || (self->orphan && !workers.exiting)) {
            break;
        } else {
            pthread_cond_wait(&workers.wake, &workers.mutex);
        }
    }
    self->over = self->orphan;
    pthread_cond_broadcast(&workers.wake); /* its share is free again */
    pthread_mutex_unlock(&workers.mutex);
    return NULL;
}

static bool start_thread(struct thread *place)
{
    /* Of the thread's own making: a program's crash handler must see them. */
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    sigset_t all;
    sigset_t old;
    int failed;

    sigfillset(&all);
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    failed = pthread_create(&place->id, NULL, thread_main, place);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    place->live = !failed;
    return !failed;
}

/* As many threads as there is work, if that many are allowed. */
static bool ensure_threads(void)
{
    unsigned need = runnable(ORDINARY) + runnable(URGENT);
    unsigned idle = 0;
    bool any = false;

    join_those_over();
    for (int i = 0; i < THREADS_MAX; i++) {
        const struct thread *t = &workers.threads[i];

        if (!t->live || t->ending || t->orphan)
            continue;
        any = true;
        idle += !t->busy;
    }
    for (int i = 0; i < THREADS_MAX && idle < need; i++)
        if (!workers.threads[i].live && start_thread(&workers.threads[i])) {
            any = true;
            idle++;
        }
    return any;
}

static void job_done(struct elpq__post *post);

bool elpq__job_submit(struct elpq__loop *loop, struct elpq__job *job,
                      bool urgent)
{
    int kind = urgent ? URGENT : ORDINARY;
    bool ok;

    pthread_once(&watched, watch_process);
    if (!elpq__loop_expect(loop))
        return false;
    job->loop = loop;
    job->urgent = urgent;
    job->state = ELPQ__JOB_QUEUED;
    job->post.run = job_done;
    atomic_store(&job->abandoned, false);
    pthread_mutex_lock(&workers.mutex);
    for (int i = 0; i < KINDS && !workers.ready; i++)
        elpq__list_init(&workers.queue[i]);
    workers.ready = true;
    elpq__list_push(&workers.queue[kind], &job->node);
    workers.queued[kind]++;
    ok = ensure_threads();
    if (ok) {
        workers.wanted++;
        pthread_cond_broadcast(&workers.wake);
    } else {
        elpq__list_remove(&job->node);
        workers.queued[kind]--;
    }
    pthread_mutex_unlock(&workers.mutex);
    if (!ok) {
        elpq__loop_unexpect(loop);
        return false;
    }
    elpq__loop_ref(loop);
    return true;
}

/* One job less is wanted; with the last one the threads end. */
static void job_unwanted(void)
{
    struct thread *ending[THREADS_MAX];
    int n = 0;

    pthread_mutex_lock(&workers.mutex);
    join_those_over();
    if (--workers.wanted == 0) {
        for (int i = 0; i < THREADS_MAX; i++) {
            struct thread *t = &workers.threads[i];

            if (!t->live || t->orphan || t->ending)
                continue;
            if (t->busy) {
                t->orphan = true;
            } else {
                t->ending = true;
                ending[n++] = t;
            }
        }
        pthread_cond_broadcast(&workers.wake);
    }
    pthread_mutex_unlock(&workers.mutex);
    for (int i = 0; i < n; i++)
        pthread_join(ending[i]->id, NULL);
    pthread_mutex_lock(&workers.mutex);
    for (int i = 0; i < n; i++)
        memset(ending[i], 0, sizeof(*ending[i]));
    pthread_mutex_unlock(&workers.mutex);
}

static void job_done(struct elpq__post *post)
{
    struct elpq__job *job = elpq__container(post, struct elpq__job, post);
    struct elpq__loop *loop = job->loop;

    job_unwanted();
    job->done(job);
    elpq__loop_unexpect(loop);
    elpq__loop_unref(loop);
}

void elpq__job_abandon(struct elpq__job *job)
{
    struct elpq__loop *loop = job->loop;
    bool dispose = true;

    atomic_store(&job->abandoned, true);
    pthread_mutex_lock(&workers.mutex);
    if (job->state == ELPQ__JOB_RUNNING) {
        job->state = ELPQ__JOB_ABANDONED;
        dispose = false; /* the thread will */
    } else if (job->state == ELPQ__JOB_QUEUED) {
        elpq__list_remove(&job->node);
        workers.queued[job->urgent ? URGENT : ORDINARY]--;
    } else {
        elpq__loop_unpost(loop, &job->post);
    }
    pthread_mutex_unlock(&workers.mutex);
    if (dispose)
        job->dispose(job);
    job_unwanted();
    elpq__loop_unexpect(loop);
    elpq__loop_unref(loop);
}

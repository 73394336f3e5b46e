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
 * job which everybody gave up is detached, and ends by itself.
 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

/* Most of them sleep in poll(), in connects; as many as several pools have
 * under way whose hosts do not answer leave some for the others. */
#define THREADS_MAX 32
/* Neither kind of job may take the last two threads from the other. */
#define THREADS_PER_KIND (THREADS_MAX - 2)

struct thread {
    pthread_t id;
    bool live;   /* the place is taken                                     */
    bool busy;   /* in a job                                               */
    bool ending; /* told to end when it is idle, and to be joined          */
    bool orphan; /* detached while busy: frees its place itself            */
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
    bool ready;      /* the lists are initialized                          */
} workers = { .mutex = PTHREAD_MUTEX_INITIALIZER,
              .wake = PTHREAD_COND_INITIALIZER };

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* In the child no helper thread exists, and the mutex may be held. */
static void after_fork(void)
{
    memset(&workers, 0, sizeof(workers));
    pthread_mutex_init(&workers.mutex, NULL);
    pthread_cond_init(&workers.wake, NULL);
}

static void watch_fork(void)
{
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

/* Runs one job; the mutex is held before and after. */
static void run_job(struct elpq__job *job)
{
    int kind = job->urgent ? URGENT : ORDINARY;

    job->state = ELPQ__JOB_RUNNING;
    workers.running[kind]++;
    pthread_mutex_unlock(&workers.mutex);
    job->work(job);
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
            self->ending || self->orphan ? NULL : next_job();

        if (job) {
            self->busy = true;
            run_job(job);
            self->busy = false;
        } else if (self->ending || self->orphan) {
            break;
        } else {
            pthread_cond_wait(&workers.wake, &workers.mutex);
        }
    }
    if (self->orphan) {
        memset(self, 0, sizeof(*self)); /* the place is free again */
        pthread_cond_broadcast(&workers.wake); /* and so is its share */
    }
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

    pthread_once(&fork_once, watch_fork);
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
    if (--workers.wanted == 0) {
        for (int i = 0; i < THREADS_MAX; i++) {
            struct thread *t = &workers.threads[i];

            if (!t->live || t->orphan || t->ending)
                continue;
            if (t->busy) {
                t->orphan = true;
                pthread_detach(t->id);
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

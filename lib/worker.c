/* SPDX-License-Identifier: PostgreSQL */
/*
 * The helper threads of the process: few, started when they are needed,
 * joined when the last job of the last loop is through.
 *
 * One mutex guards everything here.  A thread blocks all signals, so that
 * the program's handlers never run on it.  It sleeps while there is nothing
 * to do, and ends when no job is wanted any more: the last done() or abandon
 * asks idle threads to quit and joins them, so that nothing is left behind
 * when a program closes its pools.  A thread that is stuck in a job which
 * everybody gave up is detached, and ends by itself.
 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define THREADS_MAX 8
/* Ordinary jobs leave this many threads to urgent ones. */
#define THREADS_URGENT 2

struct thread {
    pthread_t id;
    bool live;   /* the place is taken                                     */
    bool busy;   /* in a job, or on its way to the first one               */
    bool ending; /* told to end when it is idle, and to be joined          */
    bool orphan; /* detached while busy: frees its place itself            */
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct elpq__list urgent;
    struct elpq__list ordinary;
    struct thread threads[THREADS_MAX];
    unsigned ordinary_busy; /* threads in an ordinary job                   */
    unsigned wanted;        /* jobs submitted, and not done or abandoned    */
    bool ready;             /* the lists are initialized                    */
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

/* The next job that a thread may take; the mutex is held. */
static struct elpq__job *next_job(void)
{
    struct elpq__node *node = elpq__list_pop(&workers.urgent);

    if (!node && workers.ordinary_busy < THREADS_MAX - THREADS_URGENT)
        node = elpq__list_pop(&workers.ordinary);
    return node ? elpq__container(node, struct elpq__job, node) : NULL;
}

/* Runs one job; the mutex is held before and after. */
static void run_job(struct elpq__job *job)
{
    bool urgent = job->urgent;

    job->state = ELPQ__JOB_RUNNING;
    if (!urgent)
        workers.ordinary_busy++;
    pthread_mutex_unlock(&workers.mutex);
    job->work(job);
    pthread_mutex_lock(&workers.mutex);
    if (!urgent)
        workers.ordinary_busy--;
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
            self->busy = false;
            pthread_cond_wait(&workers.wake, &workers.mutex);
        }
    }
    if (self->orphan)
        memset(self, 0, sizeof(*self)); /* the place is free again */
    pthread_mutex_unlock(&workers.mutex);
    return NULL;
}

/* Starts a thread if all are busy and one more is allowed. */
static bool ensure_thread(void)
{
    struct thread *free_place = NULL;
    bool any = false;
    sigset_t all;
    sigset_t old;
    int failed;

    for (int i = 0; i < THREADS_MAX; i++) {
        struct thread *t = &workers.threads[i];

        if (t->live && !t->busy && !t->ending)
            return true;
        any = any || (t->live && !t->ending && !t->orphan);
        if (!t->live && !free_place)
            free_place = t;
    }
    if (!free_place)
        return any;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    /* Counts as busy until it waits, so that two jobs start two threads. */
    failed = pthread_create(&free_place->id, NULL, thread_main, free_place);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return any;
    free_place->live = true;
    free_place->busy = true;
    return true;
}

static void job_done(struct elpq__post *post);

bool elpq__job_submit(struct elpq__loop *loop, struct elpq__job *job,
                      bool urgent)
{
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
    if (!workers.ready) {
        elpq__list_init(&workers.urgent);
        elpq__list_init(&workers.ordinary);
        workers.ready = true;
    }
    ok = ensure_thread();
    if (ok) {
        elpq__list_push(urgent ? &workers.urgent : &workers.ordinary,
                        &job->node);
        workers.wanted++;
        pthread_cond_broadcast(&workers.wake);
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

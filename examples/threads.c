/* SPDX-License-Identifier: PostgreSQL */
/*
 * threads: one event_base and one pool per thread, and work that is posted to
 * them from outside.
 *
 *     cc threads.c $(pkg-config --cflags --libs elpq libevent_core) -pthread
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { THREADS = 4, JOBS = 1000 };

struct worker {
    pthread_t thread;
    struct event_base *base;
    elpq_pool *pool;
    elpq_mailbox *mailbox;
    int64_t sum; /* its own: read when the thread has ended */
    int answers;
    int failures;
};

struct job {
    struct worker *worker;
    int64_t number;
};

/* In the worker's thread, as all below. */
static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct worker *w = arg;
    int64_t value;

    if (!error && elpq_scan(result, 0, &value) == 0)
        w->sum += value;
    else
        w->failures++;
    w->answers++;
}

static void do_job(void *arg)
{
    struct job *job = arg;

    if (elpq_execute(job->worker->pool,
                     elpq_sql("SELECT $1 + 0", job->number), NULL, on_answer,
                     job->worker) != 0)
        job->worker->failures++;
}

/* The loop ends when nothing is left: no mailbox, no pool. */
static void stop(void *arg)
{
    struct worker *w = arg;

    elpq_mailbox_close(w->mailbox);
    elpq_pool_close(w->pool, ELPQ_NO_TIMEOUT, NULL, NULL);
}

static void *run(void *arg)
{
    struct worker *w = arg;

    event_base_dispatch(w->base);
    event_base_free(w->base);
    return NULL;
}

/* Posts, and waits while the mailbox is full. */
static void post(struct worker *w, elpq_post_cb function, void *arg)
{
    while (elpq_post(w->mailbox, function, arg) == ELPQ_E_FULL)
        sched_yield();
}

int main(void)
{
    static struct worker workers[THREADS];
    static struct job jobs[JOBS];
    elpq_pool_options options = { .max_size = 2, .pipeline_depth = 8 };
    int64_t sum = 0;
    int answers = 0, failures = 0;

    /* Made here, and from the thread's beginning on its own. */
    for (struct worker *w = workers; w < workers + THREADS; w++) {
        w->base = event_base_new();
        w->pool = elpq_pool_new(w->base, "", &options, NULL);
        w->mailbox = elpq_mailbox_new(w->base, 0, NULL);
        if (!w->pool || !w->mailbox ||
            pthread_create(&w->thread, NULL, run, w) != 0)
            return 1;
    }
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){ &workers[i % THREADS], i + 1 };
        post(jobs[i].worker, do_job, &jobs[i]);
    }
    for (struct worker *w = workers; w < workers + THREADS; w++) {
        post(w, stop, w);
        pthread_join(w->thread, NULL);
        sum += w->sum;
        answers += w->answers;
        failures += w->failures;
    }
    printf("%d answers, %d failures, sum %" PRId64 "\n", answers, failures,
           sum);
    return failures != 0;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Helper threads, for what libpq may block or burn time in.
 *
 * A job's `work` runs on a helper thread, then its `done` on the thread of
 * the loop that it was submitted from.  A job that is no longer wanted is
 * abandoned: `done` never comes, and `dispose` runs instead, on whichever
 * thread sees the end of it.  Exactly one of the two runs, once.
 */
#ifndef ELPQ_LIB_WORKER_H
#define ELPQ_LIB_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "loop.h"

enum elpq__job_state {
    ELPQ__JOB_QUEUED,    /* in a queue of worker.c                       */
    ELPQ__JOB_RUNNING,   /* a thread is in work()                        */
    ELPQ__JOB_FINISHED,  /* done() is next, unless it is abandoned       */
    ELPQ__JOB_ABANDONED  /* dispose() is next                            */
};

struct elpq__job {
    void (*work)(struct elpq__job *job);
    void (*done)(struct elpq__job *job);
    void (*dispose)(struct elpq__job *job);
    /* Set when the job is abandoned: work() looks at it while it waits.  */
    atomic_bool abandoned;

    /* worker.c's own */
    struct elpq__node node;
    struct elpq__post post;
    struct elpq__loop *loop;
    enum elpq__job_state state;
    bool urgent;
};

/*
 * Queues a job whose three functions are set.  Urgent ones (cancel requests)
 * go first; they and the others each have threads that the other kind cannot
 * occupy.  False if there is no thread and none can be made, or no descriptor:
 * the job is the caller's then.
 */
bool elpq__job_submit(struct elpq__loop *loop, struct elpq__job *job,
                      bool urgent);

/*
 * Around a wait in work(), which may be long, and touches nothing that ends
 * with the process.  If that ends meanwhile, the wait does not return.
 */
void elpq__job_waits(bool on);

/* Gives a job up, before its done() ran.  The job is gone for the caller. */
void elpq__job_abandon(struct elpq__job *job);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The event loop, as the rest of the driver sees it: tasks, timers, sockets,
 * and posts from other threads.  loop.c alone knows libevent.
 *
 * Everything here belongs to the thread of the event_base, but for
 * elpq__loop_post(), which any thread may call.  All objects are intrusive:
 * nothing but elpq__loop_get() and elpq__io_open() allocates, so starting a
 * timer or posting a task cannot fail.
 */
#ifndef ELPQ_LIB_LOOP_H
#define ELPQ_LIB_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blocks.h"
#include "list.h"

struct event_base;
struct elpq__loop;

/*
 * The loop of an event_base: one for all that elpq makes on it.  Counts a
 * reference; NULL if out of memory.  With the last reference all its events
 * are gone, so that event_base_dispatch() can return.
 */
struct elpq__loop *elpq__loop_get(struct event_base *base);
void elpq__loop_ref(struct elpq__loop *loop);
void elpq__loop_unref(struct elpq__loop *loop);

/* Whether the loop was made in this process, and not in its parent. */
bool elpq__loop_is_ours(const struct elpq__loop *loop);

/* Of the process: what was made in another one has another number. */
unsigned elpq__loop_generation(void);

/* Monotonic time in microseconds. */
int64_t elpq__now(void);

/* Memory for what is made on it; it lives as long as the loop. */
struct elpq__blocks *elpq__loop_blocks(struct elpq__loop *loop);

/* ----------------------------------------------------------------- tasks */

/* Runs once, at the end of the loop's current turn, in order of posting. */
struct elpq__task {
    struct elpq__node node;
    void (*run)(struct elpq__task *task);
};

/* Does nothing if the task waits already. */
void elpq__task_post(struct elpq__loop *loop, struct elpq__task *task);
void elpq__task_drop(struct elpq__task *task);

/* ---------------------------------------------------------------- timers */

struct elpq__timer {
    struct elpq__node node;    /* in the queue of timers.h, or            */
    struct elpq__timer *child; /* in its pairing heap                     */
    struct elpq__timer *next;
    struct elpq__timer *prev;
    int64_t due; /* elpq__now(); 0: not running */
    bool far;    /* much later than deadlines: not for the queue */
    void (*fire)(struct elpq__timer *timer);
};

/* Fires once at `due`; a running timer is moved. */
void elpq__timer_start(struct elpq__loop *loop, struct elpq__timer *timer,
                       int64_t due);
void elpq__timer_stop(struct elpq__loop *loop, struct elpq__timer *timer);

static inline bool elpq__timer_runs(const struct elpq__timer *timer)
{
    return timer->due != 0;
}

/* --------------------------------------------------------------- sockets */

/*
 * Watches one descriptor for reading, and for writing on demand.  While the
 * system has no memory for that, `ready` comes from time to time instead.
 */
struct elpq__io {
    struct elpq__loop *loop;
    void *read_event;
    void *write_event;
    bool reading; /* what is wanted */
    bool writing;
    struct elpq__timer again; /* runs while it could not be had */
    void (*ready)(struct elpq__io *io, bool readable, bool writable);
};

/* Starts watching for reading; false if out of memory. */
bool elpq__io_open(struct elpq__io *io, struct elpq__loop *loop, int fd);
void elpq__io_want_write(struct elpq__io *io, bool on);
/* Off: what comes stays in the socket, and holds the other side back. */
void elpq__io_want_read(struct elpq__io *io, bool on);

/* Must come before, or at once after, the descriptor is closed. */
void elpq__io_close(struct elpq__io *io);

/* ---------------------------------------------------- from other threads */

struct elpq__post {
    struct elpq__node node;
    void (*run)(struct elpq__post *post);
};

/*
 * While something is expected from another thread, the loop must listen;
 * expect and unexpect come in pairs, on the loop's thread.  False if the
 * system has no descriptor left.
 */
bool elpq__loop_expect(struct elpq__loop *loop);
void elpq__loop_unexpect(struct elpq__loop *loop);

/* Any thread: runs the post on the loop's thread, in another turn than now. */
void elpq__loop_post(struct elpq__loop *loop, struct elpq__post *post);

/* The loop's thread: takes a post back; false if it was not waiting. */
bool elpq__loop_unpost(struct elpq__loop *loop, struct elpq__post *post);

#endif

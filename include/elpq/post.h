/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file post.h
 * Calls from other threads: the one part of elpq that may be used from them.
 *
 * A mailbox belongs to an event_base and its thread.  Other threads hold
 * references, and post functions, which the thread of the event_base then
 * calls from its loop.  libevent itself needs no locks for it
 * (evthread_use_pthreads() may be called or not).
 *
 * A forked child cannot use the mailboxes of its parent: elpq_post() returns
 * ELPQ_E_FORKED there, the other calls do nothing.
 */
#ifndef ELPQ_POST_H
#define ELPQ_POST_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;

typedef struct elpq_mailbox elpq_mailbox;

/** Called from the loop; may call every function. */
typedef void (*elpq_post_cb)(void *arg);

/**
 * Makes a mailbox, with one reference, for up to max posts that wait (0:
 * 1,000).  To be called in the thread of the event_base, or before that runs.
 * While it is open, event_base_dispatch() does not return for lack of events.
 *
 * Returns NULL without memory or descriptors; then *error (unless NULL) says
 * so, to be freed with elpq_error_free().
 */
ELPQ_API elpq_mailbox *elpq_mailbox_new(struct event_base *base, unsigned max,
                                        elpq_error **error);

/**
 * Any thread that has a reference: has the loop call function(arg), once, soon
 * and in the order of posting.
 *
 * Returns 0; ELPQ_E_FULL (max are waiting: try later), ELPQ_E_NOMEM,
 * ELPQ_E_CLOSED, ELPQ_E_USAGE (no mailbox or function) or ELPQ_E_FORKED: then
 * the call never comes.  Never waits, but for a short lock.  Not for signal
 * handlers.
 */
ELPQ_API int elpq_post(elpq_mailbox *mailbox, elpq_post_cb function,
                       void *arg);

/**
 * The thread of the event_base: takes no more posts, and gives up the
 * reference of elpq_mailbox_new().  Those that were accepted are still called,
 * from the loop, which has to run for that; then it no longer keeps the loop
 * running.  NULL is fine.
 */
ELPQ_API void elpq_mailbox_close(elpq_mailbox *mailbox);

/**
 * One more reference, for another thread, which gives it up when it posts no
 * more.  Callable from any thread that has one.  elpq_mailbox_unref(NULL) is
 * fine.
 */
ELPQ_API elpq_mailbox *elpq_mailbox_ref(elpq_mailbox *mailbox);
ELPQ_API void elpq_mailbox_unref(elpq_mailbox *mailbox);

#ifdef __cplusplus
}
#endif
#endif

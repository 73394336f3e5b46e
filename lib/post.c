/* SPDX-License-Identifier: PostgreSQL */
/*
 * Mailboxes: calls from other threads.
 *
 * `posts`, `count` and `closed` are under the mutex; `running` is the loop's
 * thread's.  `wake` is in the loop's list of posts while `posts` is not empty;
 * it is the loop that has the descriptor which wakes its thread.  Only the
 * thread of the loop runs and closes a mailbox: while one is open, its loop
 * lives; so who posts, which is under the mutex, finds it alive.
 *
 * The mutex is never held while a function of the user runs.
 */
#include "elpq/post.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "alloc.h"
#include "error.h"
#include "loop.h"

#define DEFAULT_MAX 1000

struct post {
    struct elpq__node node;
    elpq_post_cb function;
    void *arg;
};

struct elpq_mailbox {
    struct elpq__loop *loop;
    struct elpq__post wake;
    atomic_uint refs;
    pthread_mutex_t mutex;
    struct elpq__list posts;
    unsigned count; /* of them */
    unsigned max;
    bool closed;         /* takes no more */
    bool running;        /* the loop's thread calls functions of it */
    unsigned generation; /* of the process that made it */
};

static void run_posts(struct elpq__post *wake);

elpq_mailbox *elpq_mailbox_new(struct event_base *base, unsigned max,
                               elpq_error **error)
{
    elpq_mailbox *box = base ? elpq__new(elpq_mailbox) : NULL;

    if (error)
        *error = NULL;
    if (box)
        box->loop = elpq__loop_get(base);
    if (box && box->loop && !elpq__loop_expect(box->loop)) {
        elpq__loop_unref(box->loop);
        box->loop = NULL;
    }
    if (!box || !box->loop) {
        elpq__error_give(error, base ? ELPQ_E_NOMEM : ELPQ_E_USAGE,
                         base ? "no memory or descriptor for a mailbox"
                              : "a mailbox needs an event_base");
        free(box);
        return NULL;
    }
    pthread_mutex_init(&box->mutex, NULL);
    atomic_init(&box->refs, 1);
    elpq__list_init(&box->posts);
    box->wake.run = run_posts;
    box->max = max ? max : DEFAULT_MAX;
    box->generation = elpq__loop_generation();
    return box;
}

elpq_mailbox *elpq_mailbox_ref(elpq_mailbox *box)
{
    atomic_fetch_add_explicit(&box->refs, 1, memory_order_relaxed);
    return box;
}

void elpq_mailbox_unref(elpq_mailbox *box)
{
    if (!box ||
        atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&box->mutex);
    free(box);
}

int elpq_post(elpq_mailbox *box, elpq_post_cb function, void *arg)
{
    struct post *post;
    int code = 0;

    if (!box || !function)
        return ELPQ_E_USAGE;
    if (box->generation != elpq__loop_generation())
        return ELPQ_E_FORKED;
    post = elpq__new(struct post);
    if (!post)
        return ELPQ_E_NOMEM;
    post->function = function;
    post->arg = arg;
    pthread_mutex_lock(&box->mutex);
    if (box->closed)
        code = ELPQ_E_CLOSED;
    else if (box->count >= box->max)
        code = ELPQ_E_FULL;
    if (!code) {
        elpq__list_push(&box->posts, &post->node);
        if (box->count++ == 0)
            elpq__loop_post(box->loop, &box->wake);
    }
    pthread_mutex_unlock(&box->mutex);
    if (code)
        free(post);
    return code;
}

/* A closed mailbox that is empty needs its loop no more. */
static void let_go(elpq_mailbox *box)
{
    elpq__loop_unexpect(box->loop);
    elpq__loop_unref(box->loop);
    elpq_mailbox_unref(box);
}

/* All that wait now; what these post is for the next turn. */
static void run_posts(struct elpq__post *wake)
{
    elpq_mailbox *box = elpq__container(wake, elpq_mailbox, wake);
    struct elpq__list now;
    struct elpq__node *node;
    bool over;

    elpq__list_init(&now);
    pthread_mutex_lock(&box->mutex);
    elpq__list_move(&now, &box->posts);
    box->count = 0;
    pthread_mutex_unlock(&box->mutex);
    box->running = true;
    while ((node = elpq__list_pop(&now))) {
        struct post *post = elpq__container(node, struct post, node);
        elpq_post_cb function = post->function;
        void *arg = post->arg;

        free(post);
        function(arg);
    }
    box->running = false;
    pthread_mutex_lock(&box->mutex);
    over = box->closed && box->count == 0;
    pthread_mutex_unlock(&box->mutex);
    if (over)
        let_go(box);
}

void elpq_mailbox_close(elpq_mailbox *box)
{
    bool first, empty;

    if (!box || box->generation != elpq__loop_generation())
        return;
    pthread_mutex_lock(&box->mutex);
    first = !box->closed;
    box->closed = true;
    empty = box->count == 0;
    pthread_mutex_unlock(&box->mutex);
    if (first && empty && !box->running)
        let_go(box);
}

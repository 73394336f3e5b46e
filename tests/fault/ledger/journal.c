/* SPDX-License-Identifier: PostgreSQL */
/*
 * The journal: what the client knows, line by line, on disk.
 *
 * A thread writes and syncs, so that the loop never waits for the disk: it
 * takes all lines that have come meanwhile in one go (a group commit), and
 * posts to the loop when they are safe.  Lines are kept in their order.
 *
 * Owns the file, the thread, the lines not yet written (BUFFER_MAX bytes at
 * most, which is more than all tasks together write between two syncs), and
 * who waits for a sync (one for each task at most).  All functions are for
 * the thread of the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"

#define BUFFER_MAX (1 << 18)

struct buffer {
    char text[BUFFER_MAX];
    size_t size;
};

static struct {
    int fd;
    pthread_t thread;
    elpq_mailbox *mailbox;
    pthread_mutex_t lock; /* of the next five                              */
    pthread_cond_t more;
    struct buffer buffers[2];
    int filling;      /* the buffer that takes lines                       */
    uint64_t written; /* bytes given to journal_write()                    */
    bool closing;
    uint64_t safe; /* bytes on disk; of the thread                         */
} j = { .fd = -1,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .more = PTHREAD_COND_INITIALIZER };

/* A ring: who came first is called first. */
static struct waiter {
    uint64_t until;
    void (*then)(void *arg);
    void *arg;
} waiters[TASKS];
static unsigned first, nwaiters;
static uint64_t known_safe;

static void on_safe(void *arg)
{
    known_safe = (uint64_t)(uintptr_t)arg;
    while (nwaiters && waiters[first].until <= known_safe) {
        struct waiter w = waiters[first];

        first = (first + 1) % TASKS;
        nwaiters--;
        w.then(w.arg);
    }
}

static void write_all(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(j.fd, text, size);

        if (n < 0 && errno != EINTR)
            give_up("journal: %s", strerror(errno));
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

/* Takes the full buffer; NULL at the end. */
static struct buffer *next_buffer(void)
{
    struct buffer *full;

    pthread_mutex_lock(&j.lock);
    while (j.buffers[j.filling].size == 0 && !j.closing)
        pthread_cond_wait(&j.more, &j.lock);
    full = &j.buffers[j.filling];
    j.filling = !j.filling;
    pthread_mutex_unlock(&j.lock);
    return full->size ? full : NULL;
}

static void *run(void *arg)
{
    struct buffer *full;

    (void)arg;
    while ((full = next_buffer())) {
        write_all(full->text, full->size);
        if (fdatasync(j.fd) != 0)
            give_up("journal: %s", strerror(errno));
        j.safe += full->size;
        full->size = 0; /* nobody fills it before it is taken again        */
        if (elpq_post(j.mailbox, on_safe, (void *)(uintptr_t)j.safe) != 0)
            give_up("journal: the mailbox is full");
    }
    return NULL;
}

void journal_open(struct event_base *base, const char *path)
{
    j.fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    if (j.fd < 0)
        give_up("%s: %s", path, strerror(errno));
    j.mailbox = elpq_mailbox_new(base, 0, NULL);
    if (!j.mailbox || pthread_create(&j.thread, NULL, run, NULL) != 0)
        give_up("journal: no thread");
}

void journal_write(const char *format, ...)
{
    struct buffer *b;
    va_list args;
    int n;

    pthread_mutex_lock(&j.lock);
    b = &j.buffers[j.filling];
    va_start(args, format);
    n = vsnprintf(b->text + b->size, BUFFER_MAX - b->size, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= BUFFER_MAX - b->size)
        give_up("journal: the disk is too slow");
    b->size += (size_t)n;
    j.written += (uint64_t)n;
    pthread_cond_signal(&j.more);
    pthread_mutex_unlock(&j.lock);
}

void journal_sync(void (*then)(void *arg), void *arg)
{
    if (nwaiters == TASKS)
        give_up("journal: more waiters than tasks");
    waiters[(first + nwaiters++) % TASKS] =
        (struct waiter){ j.written, then, arg };
}

void journal_close(void)
{
    pthread_mutex_lock(&j.lock);
    j.closing = true;
    pthread_cond_signal(&j.more);
    pthread_mutex_unlock(&j.lock);
    pthread_join(j.thread, NULL);
    elpq_mailbox_close(j.mailbox);
    close(j.fd);
    j.fd = -1;
}

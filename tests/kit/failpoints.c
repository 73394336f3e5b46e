/* SPDX-License-Identifier: PostgreSQL */
/*
 * Failpoints: calls of the C library that fail when told to.
 *
 * The functions at the end of this file take the place of the C library's for
 * the whole process, because the executable comes first in the search for a
 * symbol, also for libpq and libevent.  The real ones are found with dlsym(),
 * so that valgrind and the sanitizers, which replace them too, come next.
 *
 * Invariants: nothing here allocates, or calls what it replaces.  One point
 * is set at a time; its state is atomic, for the helper threads call as well.
 * Memory that is freed here was counted when it was allocated here.
 */
/* Its inline functions would be in the way. */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "elpq/failpoints.h"

/* Their allocators begin before dlsym() can be called. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NO_MALLOC 1
#elif defined(__clang__) && defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NO_MALLOC 1
#endif
#endif

#define NO_POINT ELPQ_FAILPOINTS

static const struct {
    const char *name;
    int error; /* the usual one */
} points[ELPQ_FAILPOINTS] = {
    [ELPQ_FAIL_MALLOC] = { "malloc", ENOMEM },
    [ELPQ_FAIL_RECV] = { "recv", ECONNRESET },
    [ELPQ_FAIL_SEND] = { "send", EPIPE },
    [ELPQ_FAIL_SOCKET] = { "socket", EMFILE },
    [ELPQ_FAIL_CONNECT] = { "connect", ECONNREFUSED },
    [ELPQ_FAIL_POLL] = { "poll", ENOMEM },
    [ELPQ_FAIL_EPOLL_CTL] = { "epoll_ctl", ENOMEM },
    [ELPQ_FAIL_THREAD] = { "pthread_create", EAGAIN },
};

static struct {
    atomic_int point;
    atomic_bool persistent;
    atomic_int error;
    atomic_uint_least64_t n;
    atomic_uint_least64_t calls;
    atomic_uint_least64_t hits;
    _Atomic(const void *) caller; /* of the first hit                      */
} set = { .point = NO_POINT };

static atomic_size_t trickle; /* bytes that a call moves, 0: no limit      */

static atomic_int_least64_t blocks; /* allocated, and not freed            */

/* ---------------------------------------------------------- the interface */

const char *elpq_failpoint_name(elpq_failpoint point)
{
    return point < ELPQ_FAILPOINTS ? points[point].name : "none";
}

bool elpq_failpoint_works(elpq_failpoint point)
{
#ifdef NO_MALLOC
    if (point == ELPQ_FAIL_MALLOC)
        return false;
#endif
    return point < ELPQ_FAILPOINTS;
}

void elpq_failpoint_set(elpq_failpoint point, uint64_t n, int error,
                        bool persistent)
{
    atomic_store(&set.point, NO_POINT);
    atomic_store(&set.persistent, persistent);
    atomic_store(&set.error, error ? error : points[point].error);
    atomic_store(&set.n, n);
    atomic_store(&set.calls, 0);
    atomic_store(&set.hits, 0);
    atomic_store(&set.caller, NULL);
    atomic_store(&set.point, (int)point);
}

void elpq_failpoint_trickle(size_t bytes)
{
    atomic_store(&trickle, bytes);
}

void elpq_failpoint_clear(void)
{
    atomic_store(&set.point, NO_POINT);
    atomic_store(&trickle, 0);
}

uint64_t elpq_failpoint_calls(void)
{
    return atomic_load(&set.calls);
}

uint64_t elpq_failpoint_hits(void)
{
    return atomic_load(&set.hits);
}

const void *elpq_failpoint_caller(void)
{
    return atomic_load(&set.caller);
}

int64_t elpq_failpoint_blocks(void)
{
    return atomic_load(&blocks);
}

/* ------------------------------------------------------- what is replaced */

/* Counts the call; true if something is to happen to it. */
static bool is_hit(elpq_failpoint point, const void *caller)
{
    uint64_t call, n;

    if (atomic_load(&set.point) != (int)point)
        return false;
    call = atomic_fetch_add(&set.calls, 1) + 1;
    n = atomic_load(&set.n);
    if (n == 0 || call < n || (call > n && !atomic_load(&set.persistent)))
        return false;
    if (atomic_fetch_add(&set.hits, 1) == 0)
        atomic_store(&set.caller, caller);
    return true;
}

/* The same, with errno.  The caller is that of the function it stands in. */
#define fails(point) fails_of(point, __builtin_return_address(0))
static bool fails_of(elpq_failpoint point, const void *caller)
{
    if (!is_hit(point, caller))
        return false;
    errno = atomic_load(&set.error);
    return true;
}

/* The same for what moves bytes, of which it may leave one. */
#define fails_to_move(point, size)                                            \
    fails_to_move_of(point, size, __builtin_return_address(0))
static bool fails_to_move_of(elpq_failpoint point, size_t *size,
                             const void *caller)
{
    size_t most = atomic_load(&trickle);

    if (most > 0 && *size > most)
        *size = most;
    if (!is_hit(point, caller))
        return false;
    errno = atomic_load(&set.error);
    if (errno != ELPQ_FAIL_SHORT)
        return true;
    *size = *size > 0;
    return false;
}

/* The next definition of a function, in a variable of its type. */
#define REAL(name) ((__typeof__(&name))next_of(#name, &real_##name))
#define DECLARE_REAL(name) static _Atomic(void *) real_##name

static void *next_of(const char *name, _Atomic(void *) *known)
{
    void *found = atomic_load(known);

    if (!found) {
        found = dlsym(RTLD_NEXT, name);
        if (!found)
            abort();
        atomic_store(known, found);
    }
    return found;
}

#ifndef NO_MALLOC
DECLARE_REAL(malloc);
DECLARE_REAL(calloc);
DECLARE_REAL(realloc);
DECLARE_REAL(posix_memalign);
DECLARE_REAL(aligned_alloc);
DECLARE_REAL(free);

/* dlsym() of old C libraries allocates, and does without if it cannot. */
static _Thread_local bool looking_up;

static bool early(_Atomic(void *) *known, const char *name)
{
    if (atomic_load(known))
        return false;
    if (looking_up)
        return true;
    looking_up = true;
    next_of(name, known);
    looking_up = false;
    return false;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&blocks, 1);
    return block;
}

void *malloc(size_t size)
{
    if (early(&real_malloc, "malloc") || fails(ELPQ_FAIL_MALLOC))
        return NULL;
    return counted(REAL(malloc)(size));
}

void *calloc(size_t count, size_t size)
{
    if (early(&real_calloc, "calloc") || fails(ELPQ_FAIL_MALLOC))
        return NULL;
    return counted(REAL(calloc)(count, size));
}

void *realloc(void *old, size_t size)
{
    void *block;

    if (early(&real_realloc, "realloc") || fails(ELPQ_FAIL_MALLOC))
        return NULL;
    block = REAL(realloc)(old, size);
    if (old && !block && size == 0)
        atomic_fetch_sub(&blocks, 1);
    return old ? block : counted(block);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    int failed;

    if (fails(ELPQ_FAIL_MALLOC))
        return errno;
    failed = REAL(posix_memalign)(block, alignment, size);
    if (!failed)
        counted(*block);
    return failed;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (fails(ELPQ_FAIL_MALLOC))
        return NULL;
    return counted(REAL(aligned_alloc)(alignment, size));
}

void free(void *block)
{
    if (!block || early(&real_free, "free"))
        return;
    atomic_fetch_sub(&blocks, 1);
    REAL(free)(block);
}

/* The C library's own would not always come through malloc() above. */
#undef strdup
char *strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = malloc(size);

    return copy ? memcpy(copy, s, size) : NULL;
}
#endif

DECLARE_REAL(recv);
ssize_t recv(int fd, void *data, size_t size, int flags)
{
    return fails_to_move(ELPQ_FAIL_RECV, &size)
               ? -1
               : REAL(recv)(fd, data, size, flags);
}

DECLARE_REAL(send);
ssize_t send(int fd, const void *data, size_t size, int flags)
{
    if (!fails_to_move(ELPQ_FAIL_SEND, &size))
        return REAL(send)(fd, data, size, flags);
    if (errno == EPIPE) { /* so it is with a socket of which this is true */
        shutdown(fd, SHUT_RDWR);
        errno = EPIPE;
    }
    return -1;
}

DECLARE_REAL(socket);
int socket(int domain, int type, int protocol)
{
    return fails(ELPQ_FAIL_SOCKET) ? -1 : REAL(socket)(domain, type, protocol);
}

DECLARE_REAL(connect);
int connect(int fd, const struct sockaddr *to, socklen_t size)
{
    return fails(ELPQ_FAIL_CONNECT) ? -1 : REAL(connect)(fd, to, size);
}

DECLARE_REAL(poll);
int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    return fails(ELPQ_FAIL_POLL) ? -1 : REAL(poll)(fds, n, timeout);
}

DECLARE_REAL(epoll_ctl);
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    return fails(ELPQ_FAIL_EPOLL_CTL) ? -1
                                      : REAL(epoll_ctl)(epfd, op, fd, event);
}

DECLARE_REAL(pthread_create);
int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                   void *(*start)(void *), void *arg)
{
    if (fails(ELPQ_FAIL_THREAD))
        return errno;
    return REAL(pthread_create)(thread, attr, start, arg);
}

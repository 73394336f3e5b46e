/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file failpoints.h
 * Calls of the C library that fail when told to: the n-th malloc, recv,
 * connect and so on, for tests of what a program does then.
 *
 * They are a static library of their own, libelpq-failpoints.a (pkg-config:
 * elpq-failpoints), because an executable that is linked with it gets these
 * functions in place of the C library's, for libpq, libevent and all other
 * shared libraries as well.  Until a failpoint is set they pass every call on.
 *
 * All functions may be called anywhere, from any thread.
 */
#ifndef ELPQ_FAILPOINTS_H
#define ELPQ_FAILPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Calls of the C library that can be made to fail, wherever in the process
 * they are made.
 */
typedef enum elpq_failpoint {
    ELPQ_FAIL_MALLOC,        /**< malloc, calloc, realloc, strdup,
                                  posix_memalign, aligned_alloc             */
    ELPQ_FAIL_RECV,          /**< recv                                      */
    ELPQ_FAIL_SEND,          /**< send; with EPIPE the socket is shut down,
                                  as it is when that happens                */
    ELPQ_FAIL_SOCKET,        /**< socket                                    */
    ELPQ_FAIL_CONNECT,       /**< connect                                   */
    ELPQ_FAIL_POLL,          /**< poll                                      */
    ELPQ_FAIL_EPOLL_CTL,     /**< epoll_ctl                                 */
    ELPQ_FAIL_THREAD,        /**< pthread_create                            */
    ELPQ_FAILPOINTS
} elpq_failpoint;

/**
 * In place of an errno: the call does not fail, but recv() and send() take one
 * byte only.  For others it means nothing.
 */
#define ELPQ_FAIL_SHORT (-1)

/** The name of the call, such as "epoll_ctl". */
const char *elpq_failpoint_name(elpq_failpoint point);

/** Whether this program can do it: not malloc under ASan and TSan. */
bool elpq_failpoint_works(elpq_failpoint point);

/**
 * From now on counts the calls of all threads, and lets the n-th (from 1; 0:
 * none) fail, with `error` as errno (0: what is usual, ENOMEM, ECONNRESET,
 * EMFILE and so on); `persistent`: and all that follow.  One point at a time:
 * a new one takes the place of the old.
 */
void elpq_failpoint_set(elpq_failpoint point, uint64_t n, int error,
                        bool persistent);

/** Calls since elpq_failpoint_set(), and how many of them failed. */
uint64_t elpq_failpoint_calls(void);
uint64_t elpq_failpoint_hits(void);

/** Where the first of them was called from, an address for dladdr(): that is
 *  in the library which has to do without; NULL: none failed. */
const void *elpq_failpoint_caller(void);

/**
 * From now on each recv() and send() moves so many bytes at most, 0: as many
 * as it likes.  So a failpoint reaches into the middle of messages.
 */
void elpq_failpoint_trickle(size_t bytes);

/** Nothing fails, trickles or is counted any more. */
void elpq_failpoint_clear(void);

/** Blocks of memory that the process has and did not free, by the calls of
 *  ELPQ_FAIL_MALLOC; 0 where that does not work. */
int64_t elpq_failpoint_blocks(void);

/** The exit status of a scenario that left memory behind: more blocks than
 *  one that ran without a failure, or what LeakSanitizer found. */
#define ELPQ_FAILPOINT_LEAK 99

/** One injection that did not end well. */
typedef struct elpq_failpoint_failure {
    uint64_t n;           /**< which call failed; 0: none did              */
    int status;           /**< as of waitpid(); SIGALRM: it took too long  */
    const char *where;    /**< of a crash: the innermost calls, one a line,
                               each as "library function+offset"; or ""    */
    const char *caller;   /**< who made the call that failed, or the first of
                               several, in the same form; or ""             */
} elpq_failpoint_failure;

/** What elpq_failpoint_sweep() is to do; zeros are defaults. */
typedef struct elpq_failpoint_sweep_options {
    elpq_failpoint point;
    int error;            /**< as for elpq_failpoint_set()                 */
    bool persistent;
    uint64_t first;       /**< injections begin here; 0: at 1              */
    uint64_t step;        /**< 0: 1, every call                            */
    uint64_t max;         /**< injections at most; 0: 100,000              */
    uint64_t spread;      /**< if these were more than so many injections,
                               only so many, evenly spread; 0: all of them */
    size_t trickle;       /**< as for elpq_failpoint_trickle()             */
    int seconds;          /**< for one; then it is killed; 0: 10           */
    unsigned jobs;        /**< children at a time, up to 64; 0: 1          */
    /** Is told of each injection that did not end well, in the caller's
     *  process; true: that is known, and does not count as failed.        */
    bool (*known)(const elpq_failpoint_failure *failure, void *arg);
} elpq_failpoint_sweep_options;

/** What came of it. */
typedef struct elpq_failpoint_report {
    uint64_t calls;       /**< of a run in which none failed               */
    uint64_t injections;  /**< that did hit                                */
    uint64_t known;       /**< that options.known() said are known         */
    uint64_t failed;      /**< scenarios that returned something else than
                               0, crashed or took too long                 */
    uint64_t first_failed; /**< its n; 0: none, or it was the first run    */
    int status;           /**< of the first that failed, as of waitpid();
                               SIGALRM: it took too long                   */
    bool complete;        /**< the last ones ran past the last call        */
} elpq_failpoint_report;

/**
 * Runs the scenario in a child process: first with nothing failing, then for
 * n = first, first + step and so on with the n-th call failing, until one ends
 * without having come to that call.  The scenario sets up what must not fail,
 * calls elpq_failpoint_arm(), does what is tested, and returns 0 if all was
 * well: an error that the program tells is well, an answer that is wrong is
 * not.  Memory is looked after here (ELPQ_FAILPOINT_LEAK).  Whatever threads
 * the caller has are not in the child.  With several jobs the scenarios run
 * side by side, and must not be in each other's way.
 *
 * Returns 0, or -1 if no child could be made.
 */
int elpq_failpoint_sweep(const elpq_failpoint_sweep_options *options,
                         int (*scenario)(void *arg), void *arg,
                         elpq_failpoint_report *report);

/** In a scenario: the failpoint of the sweep holds from here on. */
void elpq_failpoint_arm(void);

#ifdef __cplusplus
}
#endif
#endif

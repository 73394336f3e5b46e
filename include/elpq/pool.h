/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file pool.h
 * Pools: connections that are made, shared, checked and retired.
 *
 * A pool runs statements on whichever connection is free (elpq_execute), or
 * lends a connection (elpq_pool_acquire, elpq_conn_release), or begins a
 * transaction on one (tx.h).  Who comes first is served first; the
 * connection used last is used next, so that spare ones age and go.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_POOL_H
#define ELPQ_POOL_H

#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_pool elpq_pool;

/** When a connection is put back into its first state. */
typedef enum elpq_reset {
    /**
     * After every lease and every transaction; and after a statement of
     * elpq_pool_execute() that may have left something in the session, as
     * its command tag or its text shows (SET, LISTEN, set_config ...).
     */
    ELPQ_RESET_AUTO = 0,
    ELPQ_RESET_ALWAYS, /**< after every use                                 */
    ELPQ_RESET_NEVER   /**< only open transactions are rolled back          */
} elpq_reset;

/**
 * How a pool behaves.  All zero is the default; NULL is the same.  Times are
 * in milliseconds.
 */
typedef struct elpq_pool_options {
    elpq_conn_options conn;   /**< of each connection                       */
    unsigned min_size;        /**< connections kept open; 0: none           */
    unsigned max_size;        /**< at most; 0: 10                           */
    unsigned max_waiting;     /**< requests in line; 0: 10,000.  One more is
                                   refused with ELPQ_E_FULL                 */
    unsigned max_connecting;  /**< connects at a time; 0: 3                 */
    int acquire_timeout_ms;   /**< default wait of elpq_pool_acquire and
                                   elpq_begin; 0: 30,000                    */
    int idle_timeout_ms;      /**< above min_size, an idle connection goes;
                                   0: 600,000; -1: never                    */
    int max_lifetime_ms;      /**< oldest age, less a random part up to a
                                   tenth; 0: 3,600,000; -1: no limit        */
    int ping_after_ms;        /**< idle for longer: asked for a sign of life
                                   before it is used; 0: 1,000; -1: never   */
    int backoff_min_ms;       /**< pause after a failed connect; 0: 100     */
    int backoff_max_ms;       /**< it doubles up to this; 0: 10,000.  The
                                   pause is random between half and all     */
    elpq_reset reset;
    /**
     * Statements that bring a session into the state that every borrower
     * finds: each runs once after connecting, and again after each reset.  If
     * one fails, the connection is given up.  Each is one command; the list
     * ends with NULL; copied.
     */
    const char *const *on_connect;
} elpq_pool_options;

/**
 * Makes a pool.  It connects at once if min_size says so, else on demand.
 * conninfo as for elpq_connect().  Returns NULL if the arguments make no
 * sense; then *error (unless NULL) says why, to be freed with
 * elpq_error_free().  A server that cannot be reached is no error here.
 */
ELPQ_API elpq_pool *elpq_pool_new(struct event_base *base,
                                  const char *conninfo,
                                  const elpq_pool_options *options,
                                  elpq_error **error);

/**
 * Closes the pool; the pointer is invalid for new work at once.
 *
 * For up to drain_ms milliseconds, what was submitted may end, and who has a
 * lease or a transaction may go on with it and give it back (0: not at all;
 * ELPQ_NO_TIMEOUT: as long as it takes).  Then everything that is left fails
 * with ELPQ_E_CLOSED, and connections are closed, lent ones too; a lent elpq_conn must still be released.  The
 * callback (may be NULL) comes when all connections are gone; then the pool
 * is freed.  A second call can only shorten the drain; its callback, if any,
 * takes the place of the first.
 */
ELPQ_API void elpq_pool_close(elpq_pool *pool, int drain_ms,
                              elpq_done_cb callback, void *arg);

/**
 * Executes one statement on a connection of the pool.  Also as
 * elpq_execute(pool, ...).  Statements run side by side on several
 * connections, so their order is not defined.
 *
 * Returns 0, or ELPQ_E_USAGE, ELPQ_E_NOMEM, ELPQ_E_FULL (max_waiting),
 * ELPQ_E_CLOSED or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_pool_execute(elpq_pool *pool,
                               const elpq_statement *statement,
                               const elpq_options *options,
                               elpq_result_cb callback, void *arg);

/** Executes a script on a connection of the pool, as
 *  elpq_conn_script_trusted() does.  Also as elpq_script(pool, ...). */
ELPQ_API int elpq_pool_script_trusted(elpq_pool *pool, const char *sql,
                                      const elpq_options *options,
                                      elpq_script_cb each, elpq_done_cb done,
                                      void *arg);

/**
 * Borrows a connection: nobody else uses it until elpq_conn_release().
 * options->timeout_ms limits the wait.  Return values as above.
 */
ELPQ_API int elpq_pool_acquire(elpq_pool *pool, const elpq_options *options,
                               elpq_conn_cb callback, void *arg);

/**
 * Returns a borrowed connection, in any state: what is in flight is canceled,
 * an open transaction is rolled back, and whatever the session holds is
 * reset (settings, role, cursors, LISTEN, advisory locks, temporary tables).
 * A connection that cannot be brought back is closed.  The pointer is invalid
 * afterwards.  On a connection without a pool, the same as
 * elpq_conn_close().  NULL is fine.
 */
ELPQ_API void elpq_conn_release(elpq_conn *conn);

/** Counters and gauges; see elpq_pool_stats(). */
typedef struct elpq_pool_statistics {
    /* now */
    unsigned size;            /**< connections: idle + busy + connecting    */
    unsigned idle;            /**< free for use                             */
    unsigned busy;            /**< lent, executing, or being reset          */
    unsigned connecting;      /**< being made                               */
    unsigned waiting;         /**< requests in line                         */
    /* since the start */
    uint64_t statements;      /**< accepted from elpq_pool_execute and its
                                   kind (_script, _stream)                  */
    uint64_t acquires;        /**< leases asked for, transactions included  */
    uint64_t waited;          /**< requests that had to stand in line       */
    uint64_t wait_usec;       /**< their waiting, in sum                    */
    uint64_t refused;         /**< turned away with ELPQ_E_FULL             */
    uint64_t timeouts;        /**< deadlines that passed                    */
    uint64_t cancels;         /**< cancel requests sent to the server       */
    uint64_t connects;        /**< connections made                         */
    uint64_t connect_failures;
    uint64_t lost;            /**< connections that broke                   */
    uint64_t retired_idle;    /**< closed by idle_timeout_ms                */
    uint64_t retired_age;     /**< closed by max_lifetime_ms                */
    uint64_t discarded;       /**< closed since they could not be reused    */
    uint64_t resets;          /**< sessions reset                           */
    uint64_t pings;           /**< signs of life asked for                  */
} elpq_pool_statistics;

ELPQ_API void elpq_pool_stats(const elpq_pool *pool,
                              elpq_pool_statistics *out);

#ifdef __cplusplus
}
#endif
#endif

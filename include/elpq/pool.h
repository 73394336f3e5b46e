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
 * Sharing connections.  With pipeline_depth above 1, when every connection is
 * busy and no more can be made, statements of elpq_pool_execute() are sent
 * behind those that are in flight, to the connection with the fewest; each
 * keeps an outcome of its own.  A statement that is sent behind a slow one
 * waits for it, though.  So it goes alone, and nothing is sent behind it, if
 * it is flagged ELPQ_EXCLUSIVE or ELPQ_SESSION, or is no query or may change
 * its session by its text (SET, CALL, VACUUM, set_config ...).  Scripts,
 * batches and leases have their connection to themselves in any case, and
 * nobody behind them in line overtakes them.  Nothing is sent behind a
 * statement that has run for pipeline_stall_ms, nor while a connection is
 * being made, unless the first in line has waited for as long as that.  With
 * ELPQ_RESET_ALWAYS nothing is shared.
 *
 * Canceling a statement that has company works as conn.h says: those that the
 * cancel request may hit run again.  When such a connection is lost, the
 * statements that were certainly not executed go back to the line, in their
 * order; the others fail with IN_DOUBT.  Functions that change the session
 * unseen must be flagged ELPQ_SESSION.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_POOL_H
#define ELPQ_POOL_H

#include "conn.h"
#include "pool_hooks.h"
#include "pool_stats.h"

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
    ELPQ_RESET_NEVER   /**< only open transactions are rolled back; but as
                            always after a lock of lock.h that may be held */
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
    /**
     * Statements that are prepared on every new connection, in the pipeline
     * behind on_connect, so that not even their first run waits for that.
     * Only the types of their values matter.  The list ends with NULL; copied.
     * What the server refuses is prepared when it is used.  More than
     * conn.statement_cache of them make no sense.
     */
    const elpq_statement *const *prepare;
    /**
     * Statements that one connection may have in flight for
     * elpq_pool_execute(); 0: 1.  See "Sharing connections" above.
     */
    unsigned pipeline_depth;
    int pipeline_stall_ms;    /**< nothing is sent behind a connection that
                                   has not answered for so long; 0: 5       */
    int leak_after_ms;        /**< a lease this long is reported as an event;
                                   0: never                                 */
    elpq_pool_event_cb event; /**< told of connections; may be NULL         */
    elpq_before_connect_cb before_connect; /**< may be NULL, as the next    */
    elpq_after_connect_cb after_connect;
    elpq_before_release_cb before_release;
    void *hook_arg;           /**< for these four                           */
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
 * with ELPQ_E_CLOSED, and connections are closed, lent ones too; a lent
 * elpq_conn must still be released.  The
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

/**
 * Changes min_size and max_size (0: 10).  More connections are made on demand,
 * or at once up to min_size; those above max_size are closed, busy ones when
 * they come back; those above min_size when they were idle for long enough.
 * Returns 0, ELPQ_E_USAGE (min_size above max_size),
 * ELPQ_E_CLOSED or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_pool_resize(elpq_pool *pool, unsigned min_size,
                              unsigned max_size);

/**
 * Retires every connection that was made, or begun, before this call: idle
 * ones are closed at once, the others when they come back.  For a changed
 * role, password or schema, and after a failover.  Returns 0, ELPQ_E_CLOSED
 * or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_pool_expire(elpq_pool *pool);

#ifdef __cplusplus
}
#endif
#endif

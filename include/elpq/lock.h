/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file lock.h
 * Advisory locks: names that one session, or one transaction, holds at a time.
 *
 * A lock of elpq_lock_acquire() belongs to a session, and is held until
 * elpq_lock_release().  From a pool it holds a connection of its own so long;
 * elpq_lock_conn() gives that for statements.  If the connection breaks, the
 * server lets go of the lock at once: whoever holds one wants to hear of that
 * (options.lost), and must check in the database as well what may not happen
 * twice, because the news takes its time.
 *
 * A lock of elpq_tx_lock() goes with its transaction.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_LOCK_H
#define ELPQ_LOCK_H

#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One session-level lock, asked for or held. */
typedef struct elpq_lock elpq_lock;

/** The name of a lock: one int8, or two int4; they never meet. */
typedef struct elpq_lock_key {
    bool two;
    int64_t one;
    int32_t first, second;
} elpq_lock_key;

static inline elpq_lock_key elpq_lock_int64(int64_t key)
{
    elpq_lock_key k = { false, key, 0, 0 };

    return k;
}

static inline elpq_lock_key elpq_lock_int32(int32_t first, int32_t second)
{
    elpq_lock_key k = { true, 0, first, second };

    return k;
}

/**
 * Gets a lock that is held now, or the error why it is not.  Held by another
 * session, and try_only: ELPQ_E_SERVER with SQLSTATE 55P03, RETRYABLE.
 */
typedef void (*elpq_lock_cb)(elpq_lock *lock, const elpq_error *error,
                             void *arg);

/** How a lock is to be taken.  All zero is the default; NULL is the same. */
typedef struct elpq_lock_options {
    bool shared;       /**< others may share it                             */
    bool try_only;     /**< do not wait for who holds it                    */
    int timeout_ms;    /**< deadline of the wait for a connection and for
                            the lock; 0: acquire_timeout_ms of the pool, or
                            the connection's default; ELPQ_NO_TIMEOUT: none */
    const char *tag;   /**< of the statements in trace events               */
    /**
     * Comes, with the lock, at most once, from the loop, when a lock that is
     * held is lost: its connection broke, was closed, or was released.  The
     * lock must still be released.  May be NULL.
     */
    elpq_lock_cb lost;
    elpq_lock **lock;  /**< out, to give up waiting with
                            elpq_lock_release(); not of elpq_tx_lock()      */
    elpq_request **request; /**< out, for elpq_cancel(); of elpq_tx_lock()
                            only                                            */
} elpq_lock_options;

/**
 * Takes a lock, on a connection of the pool or on the given one; also as
 * elpq_lock_acquire(target, ...).  On a given connection, statements behind it
 * wait as long as it waits.  The same session may hold a lock several times.
 * Returns 0, or as elpq_pool_acquire() or elpq_conn_execute().
 */
ELPQ_API int elpq_pool_lock(elpq_pool *pool, elpq_lock_key key,
                            const elpq_lock_options *options,
                            elpq_lock_cb callback, void *arg);
ELPQ_API int elpq_conn_lock(elpq_conn *conn, elpq_lock_key key,
                            const elpq_lock_options *options,
                            elpq_lock_cb callback, void *arg);

/**
 * Takes a lock that the transaction holds until its end; nothing releases it
 * before.  callback: as of elpq_lock_cb.  When a wait is ended by its deadline
 * or by elpq_cancel(), the transaction has failed.  options->lost and ->lock
 * do not count.  Returns as elpq_tx_execute().
 */
ELPQ_API int elpq_tx_lock(elpq_tx *tx, elpq_lock_key key,
                          const elpq_lock_options *options,
                          elpq_done_cb callback, void *arg);

/**
 * Releases the lock; the pointer is invalid afterwards, unless the call
 * returned non-zero.  A connection of a pool goes back to it.  `done` (may be
 * NULL) comes when the server has let go of it, with an error if the lock had
 * been lost before (ELPQ_E_LOST, ELPQ_E_CLOSED): what was to be protected by
 * it may not have been.  It waits for the statements in front of it, without a
 * deadline.
 *
 * On a given connection, what cannot be unlocked ends with its session: `done`
 * gets the error, and the connection is closed.  So it is in a transaction that
 * has failed (SQLSTATE 25P02): roll that back first.
 *
 * While it is waited for: gives up.  The callback of elpq_lock_acquire() comes
 * still, with ELPQ_E_CANCELED, and `done` after it.
 *
 * Returns 0; ELPQ_E_FORKED; on a given connection also ELPQ_E_FULL and
 * ELPQ_E_NOMEM: it is held still.  NULL is fine.
 */
ELPQ_API int elpq_lock_release(elpq_lock *lock, elpq_done_cb done, void *arg);

/** The connection whose session holds the lock: for statements; do not
 *  release or close it. */
ELPQ_API elpq_conn *elpq_lock_conn(const elpq_lock *lock);

#ifdef __cplusplus
}
#endif
#endif

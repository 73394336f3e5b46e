/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file tx.h
 * Transactions and savepoints.
 *
 * elpq_begin() gives a transaction on a connection of its own (from a pool)
 * or on a given connection.  Statements run in it with elpq_execute(tx, ...).
 * It ends with elpq_commit() or elpq_rollback(), exactly one of them; both
 * take the pointer back at once.  A transaction from a pool returns its
 * connection by itself.
 *
 * After a statement failed, the server refuses all others until the rollback
 * (SQLSTATE 25P02); elpq_savepoint() makes a part that can fail alone.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_TX_H
#define ELPQ_TX_H

#include "conn.h"
#include "pool.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_tx elpq_tx;

typedef enum elpq_isolation {
    ELPQ_ISOLATION_DEFAULT = 0, /**< what the session says                  */
    ELPQ_READ_COMMITTED,
    ELPQ_REPEATABLE_READ,
    ELPQ_SERIALIZABLE
} elpq_isolation;

/** How a transaction is to be; all zero is the default, as is NULL. */
typedef struct elpq_tx_options {
    elpq_isolation isolation;
    bool read_only;
    bool deferrable;   /**< with SERIALIZABLE and read_only                 */
    int timeout_ms;    /**< deadline of the wait and of BEGIN; 0: default   */
    const char *tag;   /**< of BEGIN, COMMIT and ROLLBACK in trace events   */
} elpq_tx_options;

/** Gets a begun transaction, or the error why there is none. */
typedef void (*elpq_tx_cb)(elpq_tx *tx, const elpq_error *error, void *arg);

/** Begins a transaction on a connection of the pool. */
ELPQ_API int elpq_pool_begin(elpq_pool *pool, const elpq_tx_options *options,
                             elpq_tx_cb callback, void *arg);

/**
 * Begins a transaction on a connection.  Statements given to the connection
 * itself meanwhile take part in it.
 */
ELPQ_API int elpq_conn_begin(elpq_conn *conn, const elpq_tx_options *options,
                             elpq_tx_cb callback, void *arg);

/** Executes one statement in the transaction.  Also as elpq_execute(tx, ...).
 *  Returns as elpq_conn_execute(). */
ELPQ_API int elpq_tx_execute(elpq_tx *tx, const elpq_statement *statement,
                             const elpq_options *options,
                             elpq_result_cb callback, void *arg);

/**
 * Executes a script in the transaction, as elpq_conn_script_trusted() does.
 * Also as elpq_script(tx, ...).  It must not end the transaction.
 */
ELPQ_API int elpq_tx_script_trusted(elpq_tx *tx, const char *sql,
                                    const elpq_options *options,
                                    elpq_script_cb each, elpq_done_cb done,
                                    void *arg);

/**
 * Begins a part of the transaction that can be rolled back alone: the
 * callback gets it as a transaction of its own.  Until elpq_commit() or
 * elpq_rollback() was called on it, its parent takes no statements
 * (ELPQ_E_USAGE); only its rollback is possible.
 *
 * What is not sent in the part (its deadline had passed, its values were
 * refused) is a reason for ELPQ_E_ROLLED_BACK of the part alone; the end of
 * the part itself, if it is not sent, is one of what is around it.
 */
ELPQ_API int elpq_savepoint(elpq_tx *tx, elpq_tx_cb callback, void *arg);

/**
 * Commits, and ends `tx`; the pointer is invalid afterwards, unless the call
 * returned non-zero.  The callback may not be NULL: only it knows the outcome.
 *
 * error in the callback: ELPQ_E_ROLLED_BACK if a statement had failed before
 * or was not sent (its deadline had passed, its values were refused), or if
 * the connection was gone before COMMIT was sent, with the SQLSTATE of that
 * statement if the server had refused it, and RETRYABLE after a conflict or a
 * connection that broke; IN_DOUBT if the connection broke after: it may have
 * happened or not.  For a savepoint, RELEASE.
 *
 * COMMIT has the connection's timeout_ms as its deadline, the time for the
 * statements in front of it included: ELPQ_E_TIMEOUT with NOT_EXECUTED if it
 * was not sent (it is rolled back), else with IN_DOUBT.  That of
 * elpq_transact() has the deadline of the whole instead.
 */
ELPQ_API int elpq_commit(elpq_tx *tx, elpq_done_cb callback, void *arg);

/**
 * Rolls back, and ends `tx`; the pointer is invalid afterwards.  callback may
 * be NULL.  Statements still in flight are answered first.  Always possible:
 * what cannot be rolled back in peace is rolled back by closing the
 * connection, which is so too when the connection's timeout_ms passes before
 * the server has answered it.  Savepoints that are open in it go with it; they
 * take no more statements, and must still be ended themselves.  NULL is fine.
 */
ELPQ_API int elpq_rollback(elpq_tx *tx, elpq_done_cb callback, void *arg);

/** The connection that the transaction runs on; do not release or close it. */
ELPQ_API elpq_conn *elpq_tx_conn(const elpq_tx *tx);

#ifdef __cplusplus
}
#endif
#endif

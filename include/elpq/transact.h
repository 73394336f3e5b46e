/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file transact.h
 * Transactions that are run again when they meet others, and two-phase commit.
 *
 * elpq_transact() runs a body: a callback that gets a transaction, submits
 * statements, and at last says elpq_transact_commit() or
 * elpq_transact_rollback().  When the server gave it up in favour of another
 * transaction (SQLSTATE 40001 serialization_failure, 40P01 deadlock_detected),
 * or its connection was lost before COMMIT was sent, it was rolled back for
 * certain, and the body runs again, in a new transaction.  It does not where
 * the error says that this would be the same: a result beyond max_result_bytes,
 * for example, also ends its connection.
 *
 * When the connection is lost after COMMIT was sent, nobody knows whether it
 * was committed.  The body does not run again then; instead the server is
 * asked over another connection (pg_xact_status), until it knows.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_TRANSACT_H
#define ELPQ_TRANSACT_H

#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One call of elpq_transact(), until its done callback. */
typedef struct elpq_transactor elpq_transactor;

/**
 * The body: called once per attempt, from the loop, with a new transaction.
 *
 * It may go on in callbacks of its own, as long as it takes.  It ends, once
 * per attempt, with elpq_transact_commit() or elpq_transact_rollback(); tx is
 * invalid then.  It must not end tx by itself: elpq_commit(), elpq_rollback()
 * and elpq_prepare_transaction() return ELPQ_E_USAGE.  What it does outside of
 * the database is not undone when it runs again.
 */
typedef void (*elpq_body_cb)(elpq_transactor *t, elpq_tx *tx, void *arg);

/**
 * How it is to be run.  All zero is the default; NULL is the same.  Times are
 * in milliseconds.
 */
typedef struct elpq_transact_options {
    elpq_tx_options tx;    /**< of each attempt                             */
    int timeout_ms;        /**< the deadline over all attempts and pauses,
                                BEGIN, COMMIT and ROLLBACK included;
                                0: 30,000                                   */
    unsigned max_attempts; /**< 0: 10                                       */
    int backoff_min_ms;    /**< pause after the first attempt; 0: 10        */
    int backoff_max_ms;    /**< it doubles up to this; 0: 1,000.  The pause
                                is random between half and all              */
    /**
     * How long the server is asked about a lost COMMIT, after the deadline as
     * well; 0: 10,000; ELPQ_NO_TIMEOUT: not at all, and the transaction's id
     * is not asked for.
     */
    int resolve_ms;
    /**
     * The question for the transaction's id goes in front of COMMIT, in the
     * same flush.  If the connection breaks before its answer has come,
     * nothing can be resolved.  With this, COMMIT waits for that answer,
     * which costs a round trip.
     */
    bool wait_for_id;
    elpq_transactor **transactor; /**< out, for elpq_transact_cancel()      */
} elpq_transact_options;

/**
 * Runs a body in a transaction, on a connection of the pool; also as
 * elpq_transact(pool, ...).
 *
 * done comes once, and `t` is invalid when it has returned.  No error: it is
 * committed.  Otherwise
 *
 *  - what elpq_transact_rollback() was given, or ELPQ_E_ROLLED_BACK if that
 *    was NULL;
 *  - the error of BEGIN or COMMIT: after a failed statement that was not
 *    recovered from, ELPQ_E_ROLLED_BACK with the SQLSTATE of the failure;
 *  - the error of the last attempt, which is RETRYABLE, after max_attempts;
 *  - ELPQ_E_TIMEOUT, ELPQ_E_CANCELED or ELPQ_E_CLOSED (of the pool);
 *  - an error with IN_DOUBT if COMMIT was sent, its answer was lost, and the
 *    server did not tell within resolve_ms what became of it.  It does not
 *    know of transactions that had written nothing, of those in which
 *    pg_current_xact_id_if_assigned() is not known (PostgreSQL < 13), and not
 *    any more of very old ones; an answer from another address than the
 *    transaction ran on is not believed, nor one of a standby, nor, after a
 *    crash of the server, that it was committed: its id may have been given to
 *    another one.  Where one address stands for several servers in turn, set
 *    resolve_ms to ELPQ_NO_TIMEOUT.
 *
 * Without IN_DOUBT, an error means that nothing was committed.
 *
 * Returns 0, or as elpq_pool_begin().
 */
ELPQ_API int elpq_pool_transact(elpq_pool *pool,
                                const elpq_transact_options *options,
                                elpq_body_cb body, elpq_done_cb done,
                                void *arg);

/**
 * The same on a given connection.  If that is lost, there is no other: the
 * body does not run again, and a lost COMMIT stays in doubt.  Nor does it run
 * again on a lease that has ended (ELPQ_E_CLOSED).  The deadline and a cancel
 * reach what was submitted in the transaction, not what came behind it.
 */
ELPQ_API int elpq_conn_transact(elpq_conn *conn,
                                const elpq_transact_options *options,
                                elpq_body_cb body, elpq_done_cb done,
                                void *arg);

/**
 * The same as a part of a transaction: the body gets a savepoint.  It runs
 * once, because what the server gave up can only be repeated from the start:
 * hand such an error (RETRYABLE) on to elpq_transact_rollback() of the outer
 * one.  Of the options only timeout_ms, tx.tag and transactor count.
 */
ELPQ_API int elpq_tx_transact(elpq_tx *tx,
                              const elpq_transact_options *options,
                              elpq_body_cb body, elpq_done_cb done, void *arg);

/**
 * The body is done: commits.  Statements may be in flight still; COMMIT goes
 * behind them, and if one fails, all is rolled back.  Returns 0, or
 * ELPQ_E_USAGE if no body runs (it has ended, or the deadline has passed) or a
 * savepoint is open in it.
 */
ELPQ_API int elpq_transact_commit(elpq_transactor *t);

/**
 * The body gives up: rolls back.  `why`, copied, is what done gets; it may
 * be the error of a statement, and when that says 40001 or 40P01, or the
 * connection is lost and it tells of that (ELPQ_E_LOST, ELPQ_E_TIMEOUT,
 * ELPQ_E_ROLLED_BACK, or RETRYABLE), the body runs again.  With NULL it never
 * does.  Returns 0, or ELPQ_E_USAGE if no body runs.
 */
ELPQ_API int elpq_transact_rollback(elpq_transactor *t, const elpq_error *why);

/**
 * Gives it up, in any phase; done comes still, exactly once.  The running
 * statement is canceled and the transaction rolled back: ELPQ_E_CANCELED.  If
 * COMMIT was sent already, what the server says is the outcome.  While a lost
 * COMMIT is asked about: no more, it stays in doubt.
 */
ELPQ_API void elpq_transact_cancel(elpq_transactor *t);

/** The number of the attempt that runs or ran last; the first one is 1. */
ELPQ_API unsigned elpq_transact_attempt(const elpq_transactor *t);

/* -------------------------------------------------------------- two-phase */

/**
 * Prepares the transaction for a two-phase commit, and ends `tx` as
 * elpq_commit() does; the same errors.  Then it belongs to no session, holds
 * its locks, and survives a crash, until elpq_commit_prepared() or
 * elpq_rollback_prepared() is called with its name, by anybody.
 *
 * gid: 1 to 199 bytes, unique on the server; else ELPQ_E_USAGE, as for a
 * savepoint.  With IN_DOUBT, elpq_list_prepared() tells whether it is
 * prepared.  The server needs max_prepared_transactions > 0.
 */
ELPQ_API int elpq_prepare_transaction(elpq_tx *tx, const char *gid,
                                      elpq_done_cb callback, void *arg);

/**
 * Commits a prepared transaction; also as elpq_commit_prepared(pool, ...).
 * After IN_DOUBT, ask again: SQLSTATE 42704 says that there is none of this
 * name any more.  Not inside a transaction (25001).  Returns as
 * elpq_pool_execute().
 */
ELPQ_API int elpq_pool_commit_prepared(elpq_pool *pool, const char *gid,
                                       const elpq_options *options,
                                       elpq_done_cb callback, void *arg);
ELPQ_API int elpq_conn_commit_prepared(elpq_conn *conn, const char *gid,
                                       const elpq_options *options,
                                       elpq_done_cb callback, void *arg);

/** Rolls a prepared transaction back; otherwise as elpq_commit_prepared(). */
ELPQ_API int elpq_pool_rollback_prepared(elpq_pool *pool, const char *gid,
                                         const elpq_options *options,
                                         elpq_done_cb callback, void *arg);
ELPQ_API int elpq_conn_rollback_prepared(elpq_conn *conn, const char *gid,
                                         const elpq_options *options,
                                         elpq_done_cb callback, void *arg);

/**
 * Lists the prepared transactions of the database, the oldest first: gid
 * (text), prepared (timestamptz), owner (text), transaction (text).  What a
 * coordinator finds here after a crash, and has no decision for, is to be
 * rolled back.  Also as elpq_list_prepared(pool, ...).
 */
ELPQ_API int elpq_pool_list_prepared(elpq_pool *pool,
                                     const elpq_options *options,
                                     elpq_result_cb callback, void *arg);
ELPQ_API int elpq_conn_list_prepared(elpq_conn *conn,
                                     const elpq_options *options,
                                     elpq_result_cb callback, void *arg);

#ifdef __cplusplus
}
#endif
#endif

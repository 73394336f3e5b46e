/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file batch.h
 * Batches: several statements that happen all, or not at all.
 *
 * The statements of a batch go to the server in one piece and run in order, in
 * one transaction, without a round trip between them.  A batch is one request:
 * one deadline, one cancel, one outcome.  Nothing is sent again by halves, and
 * nothing is committed by halves.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_BATCH_H
#define ELPQ_BATCH_H

#include "conn.h"
#include "pool.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Gets what became of one statement of a batch: result or error, one of them
 * is NULL.  index counts from 0, in the order of the statements.  Both are
 * borrowed for the call; elpq_result_ref() keeps the result.
 */
typedef void (*elpq_batch_cb)(size_t index, elpq_result *result,
                              const elpq_error *error, void *arg);

/**
 * Executes n statements on a connection, all or nothing.  Also as
 * elpq_batch(conn, ...).
 *
 * The statements are copied, and are prepared and read in binary as those of
 * elpq_execute() are.  Nothing is called back before the outcome of all is
 * known; then `each` (may be NULL) comes once per statement, in order, and
 * last `done`, with the verdict: NULL, or the error that undid the batch.
 * If the batch failed, `each` gets
 *
 *  - for the statement that failed: the verdict;
 *  - for those before it: ELPQ_E_ROLLED_BACK with NOT_EXECUTED: their effects
 *    are undone, and their results are not shown;
 *  - for those behind it: ELPQ_E_ROLLED_BACK with NOT_EXECUTED: they never ran;
 *  - for all of them: the verdict, if no statement is to blame (deadline,
 *    cancel, lost connection), and ELPQ_E_ROLLED_BACK, if the server refused
 *    to commit (a deferred constraint).
 *
 * Outside of a transaction the batch is one of its own.  It must not hold
 * commands that begin or end transactions (BEGIN, COMMIT, ROLLBACK, SAVEPOINT
 * ...): the verdict is ELPQ_E_USAGE then, and nothing was sent.  Commands that
 * may commit by themselves do not belong in it either (CALL and DO, VACUUM,
 * REINDEX, CLUSTER, CREATE DATABASE, CREATE INDEX CONCURRENTLY ...): if a batch
 * with one of them fails, it and those before it get IN_DOUBT instead of
 * NOT_EXECUTED.
 *
 * On a connection on which a transaction is open, the batch is a part of it:
 * if it fails, the transaction can only be rolled back, or the savepoint.
 *
 * options->flags hold for every statement.  n may be 1 to max_batch of the
 * connection's options, and all results together are bounded by
 * max_result_bytes.
 *
 * Returns 0, or ELPQ_E_USAGE, ELPQ_E_LIMIT (more than max_batch statements),
 * ELPQ_E_NOMEM, ELPQ_E_FULL (max_queued), ELPQ_E_CLOSED or ELPQ_E_FORKED.  A
 * value that cannot be sent is reported to the callbacks, as ELPQ_E_VALUE.
 */
ELPQ_API int elpq_conn_batch(elpq_conn *conn,
                             const elpq_statement *const statements[],
                             size_t n, const elpq_options *options,
                             elpq_batch_cb each, elpq_done_cb done, void *arg);

/** The same on a connection of the pool.  Also as elpq_batch(pool, ...). */
ELPQ_API int elpq_pool_batch(elpq_pool *pool,
                             const elpq_statement *const statements[],
                             size_t n, const elpq_options *options,
                             elpq_batch_cb each, elpq_done_cb done, void *arg);

/** The same as a part of a transaction.  Also as elpq_batch(tx, ...). */
ELPQ_API int elpq_tx_batch(elpq_tx *tx,
                           const elpq_statement *const statements[], size_t n,
                           const elpq_options *options, elpq_batch_cb each,
                           elpq_done_cb done, void *arg);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file many.h
 * One statement for many rows of values.
 *
 * The statement is prepared once and executed for each row, in order and
 * pipelined: so many rows are on their way that the connection is never idle,
 * and so few that memory stays flat, however many rows there are.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_MANY_H
#define ELPQ_MANY_H

#include "conn.h"
#include "pool.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What the rows of one elpq_execute_many() have to do with each other. */
typedef enum elpq_many_mode {
    /**
     * All or nothing: in a transaction of its own, or in the given one.  The
     * first row that fails ends it; nothing of it remains then.
     */
    ELPQ_MANY_ATOMIC = 0,
    /** Each row commits by itself.  Not in a transaction. */
    ELPQ_MANY_EACH
} elpq_many_mode;

/**
 * Yields the next row: fills in `values`, as many as `columns` says, and
 * returns 1; or returns 0 after the last row; or a negative ELPQ_E_ code to
 * give up, which becomes the outcome.  `row` counts from 0.  Called from the
 * loop, when there is room for the row.  What the values point to is copied
 * when it has returned.  It may call every function.
 */
typedef int (*elpq_row_cb)(uint64_t row, elpq_value *values, void *arg);

/** Where the rows come from, and how they are executed; copied. */
typedef struct elpq_rows_source {
    unsigned columns;         /**< values of a row; 0 to 65,535             */
    /**
     * The rows, one after another: rows * columns values.  Unlike elsewhere
     * they are read while the statement is executed, so they, and what they
     * point to, must stay until the callback has come.
     */
    const elpq_value *values;
    uint64_t rows;
    elpq_row_cb next;         /**< or this, which yields them on demand     */
    void *arg;                /**< for it                                   */
    elpq_many_mode mode;
    bool go_on;               /**< EACH: not to stop at rows that fail      */
    unsigned window;          /**< rows on their way at most, up to 65,536;
                                   0: 256                                   */
    size_t window_bytes;      /**< no more rows while those on their way take
                                   this, with SQL text; 0: 1 MiB            */
} elpq_rows_source;

/** What came of it. */
typedef struct elpq_many_outcome {
    uint64_t rows;         /**< executed, and not rolled back by us         */
    uint64_t affected;     /**< rows of the table, by their command tags    */
    uint64_t failed;       /**< rows whose execution failed                 */
    uint64_t first_failed; /**< the first of them                           */
} elpq_many_outcome;

/**
 * Gets the outcome, borrowed for the call; error is NULL if every row was
 * executed (and committed, unless in a transaction of the caller's).
 * Otherwise it tells why the operation ended before its last row: the source
 * gave up, the deadline, cancel, a lost connection, COMMIT; of these a lost
 * connection is told first.  If nothing but a row's failure ended it, or with
 * go_on nothing did, it tells of the first row that failed.
 */
typedef void (*elpq_many_cb)(const elpq_many_outcome *outcome,
                             const elpq_error *error, void *arg);

/**
 * Executes a statement for many rows on a connection.  Also as
 * elpq_execute_many(conn, ...).
 *
 * Of `statement` the SQL text and flags count; its values are ignored.
 * Results are dropped but for the number of rows affected.  options->timeout_ms
 * is the deadline of the whole (0: that of the connection, for all rows),
 * BEGIN and COMMIT included; server_timeout_ms is for each row; and
 * *options->request cancels the whole.
 *
 * ATOMIC begins a transaction, and commits it after the last row; the
 * connection must be in none (elpq_begin), and statements given to it
 * meanwhile take part.  EACH: after a row failed, or a cancel, no more are
 * sent; those that are on their way have their own outcome.
 *
 * On a loss, error has IN_DOUBT if rows may have been committed of which
 * nobody knows, and tells of the loss even if a row had failed before it.
 *
 * Returns 0, or ELPQ_E_USAGE (no source, two of them, EACH in a transaction,
 * go_on without EACH), ELPQ_E_NOMEM, ELPQ_E_FULL, ELPQ_E_CLOSED or
 * ELPQ_E_FORKED.
 */
ELPQ_API int elpq_conn_execute_many(elpq_conn *conn,
                                    const elpq_statement *statement,
                                    const elpq_rows_source *source,
                                    const elpq_options *options,
                                    elpq_many_cb callback, void *arg);

/** The same on a connection of the pool, which is leased meanwhile. */
ELPQ_API int elpq_pool_execute_many(elpq_pool *pool,
                                    const elpq_statement *statement,
                                    const elpq_rows_source *source,
                                    const elpq_options *options,
                                    elpq_many_cb callback, void *arg);

/**
 * The same as a part of a transaction, which takes nothing else until the
 * callback has come (ELPQ_E_USAGE), but for elpq_rollback(): that ends it.
 * When a row fails, the transaction can only be rolled back, or the savepoint.
 */
ELPQ_API int elpq_tx_execute_many(elpq_tx *tx, const elpq_statement *statement,
                                  const elpq_rows_source *source,
                                  const elpq_options *options,
                                  elpq_many_cb callback, void *arg);

#ifdef __cplusplus
}
#endif
#endif

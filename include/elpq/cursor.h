/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file cursor.h
 * Cursors: a result that stays on the server, and is fetched in parts.
 *
 * A cursor lives in its transaction, or, with `hold`, in its session until it
 * is closed; either is gone when its transaction, or the savepoint it was
 * declared in, is rolled back.  Unlike a stream it leaves its connection free
 * between two fetches, can go backward (with ELPQ_SCROLL), and can be given up
 * without harm to its transaction.  It costs a round trip for each fetch.
 *
 *     elpq_declare(tx, elpq_sql("select ... where a > $1", 7), NULL, on_cursor,
 *                  app);
 *     -> on_cursor: elpq_cursor_walk(cursor, 500, on_rows, on_done, app)
 *     -> on_done:   elpq_cursor_close(cursor, NULL, NULL); elpq_commit(tx, ...)
 *
 * The handle must be given back with elpq_cursor_close(), also after its
 * transaction or connection has ended; it does not keep either alive.  A pool
 * closes cursors that are left in a session when it takes the connection back.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_CURSOR_H
#define ELPQ_CURSOR_H

#include "conn.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_cursor elpq_cursor;

typedef enum elpq_scroll {
    ELPQ_SCROLL_DEFAULT = 0, /**< backward only where that costs nothing    */
    ELPQ_SCROLL,             /**< in any direction                          */
    ELPQ_NO_SCROLL           /**< forward only                              */
} elpq_scroll;

/** How a cursor is to be; all zero is the default, as is NULL. */
typedef struct elpq_cursor_options {
    elpq_scroll scroll;
    bool hold;         /**< it survives the commit of its transaction       */
    const char *name;  /**< 1 to 63 bytes, quoted whatever it is; copied.
                            NULL: a name that no other cursor has           */
    int timeout_ms;    /**< deadline of DECLARE, CLOSE, and of each fetch of
                            elpq_cursor_walk(); 0: default                  */
    const char *tag;   /**< of these in trace events; copied                */
} elpq_cursor_options;

/** Gets a declared cursor, or the error why there is none. */
typedef void (*elpq_cursor_cb)(elpq_cursor *cursor, const elpq_error *error,
                               void *arg);

/**
 * Declares a cursor for a query (SELECT or VALUES; not one that changes data)
 * in a transaction.  Also as elpq_declare(tx, ...).
 *
 * Returns as elpq_tx_execute(); also ELPQ_E_USAGE for a name that is empty or
 * too long.
 */
ELPQ_API int elpq_tx_declare(elpq_tx *tx, const elpq_statement *statement,
                             const elpq_cursor_options *options,
                             elpq_cursor_cb callback, void *arg);

/**
 * The same on a connection: with `hold`, or in a transaction that is open on
 * it.  Otherwise the server refuses (SQLSTATE 25P01).
 */
ELPQ_API int elpq_conn_declare(elpq_conn *conn,
                               const elpq_statement *statement,
                               const elpq_cursor_options *options,
                               elpq_cursor_cb callback, void *arg);

/** Where a cursor goes.  Rows are counted from 1; before the first is 0. */
typedef enum elpq_direction {
    ELPQ_FORWARD = 0,   /**< the next n rows; 0: the current one again; a
                             negative n is backward                         */
    ELPQ_BACKWARD,      /**< the n rows before, in reverse order            */
    ELPQ_FORWARD_ALL,   /**< all that are left; n is ignored                */
    ELPQ_BACKWARD_ALL,  /**< back to the first; n is ignored                */
    ELPQ_ABSOLUTE,      /**< row n; from the end if negative                */
    ELPQ_RELATIVE,      /**< the n-th row from here                         */
    ELPQ_FIRST,         /**< the first row; n is ignored                    */
    ELPQ_LAST           /**< the last row; n is ignored                     */
} elpq_direction;

/**
 * Fetches rows.  The callback gets them as one result, of no rows where there
 * are none; max_result_bytes limits it.  Fetches may be submitted one behind
 * another; they are pipelined.
 *
 * Returns as elpq_conn_execute(), or ELPQ_E_USAGE for a direction that is
 * none, and ELPQ_E_CLOSED if the transaction of the cursor is over, or it was
 * rolled back with its savepoint, or its connection was given back.  When the
 * server does not have the cursor any more, the callback gets SQLSTATE 34000.
 */
ELPQ_API int elpq_cursor_fetch(elpq_cursor *cursor, elpq_direction direction,
                               int n, const elpq_options *options,
                               elpq_result_cb callback, void *arg);

/** Moves without fetching; elpq_affected() of the result tells how many rows
 *  a fetch would have given. */
ELPQ_API int elpq_cursor_move(elpq_cursor *cursor, elpq_direction direction,
                              int n, const elpq_options *options,
                              elpq_result_cb callback, void *arg);

/** Gets some rows of a walk; borrowed.  It may pause, stop or close. */
typedef void (*elpq_walk_cb)(elpq_result *rows, elpq_cursor *cursor,
                             void *arg);

/**
 * Fetches all rows that are left, `chunk_rows` (1 or more) at a time: the
 * next chunk is asked for when `rows` has returned, unless it paused.  `done`
 * comes exactly once and last: without an error after the last row or a
 * stop, else with the error of the fetch that failed.
 *
 * One walk at a time (else ELPQ_E_USAGE).  Returns as elpq_cursor_fetch().
 */
ELPQ_API int elpq_cursor_walk(elpq_cursor *cursor, int chunk_rows,
                              elpq_walk_cb rows, elpq_done_cb done,
                              void *arg);

/** No more chunks until elpq_cursor_resume(); without a walk, nothing.  The
 *  time of the pause counts for no deadline, and of the loss of the connection
 *  meanwhile the walk hears when it is resumed, stopped or closed. */
ELPQ_API void elpq_cursor_pause(elpq_cursor *cursor);

/** Goes on.  Rows come from the loop, not before this call returns. */
ELPQ_API void elpq_cursor_resume(elpq_cursor *cursor);

/**
 * Ends the walk: no more chunks, and `done` comes without an error.  A chunk
 * that was asked for is dropped, but the cursor stands behind it.
 */
ELPQ_API void elpq_cursor_stop(elpq_cursor *cursor);

/**
 * Closes the cursor; the pointer is invalid afterwards, unless the call
 * returned non-zero (ELPQ_E_NOMEM, ELPQ_E_FULL, ELPQ_E_FORKED).  A walk is
 * stopped, and its `done` comes before; fetches in flight are answered before
 * as well.  callback may be NULL.  It gets an error if the server could not
 * close it (25P02: the transaction had failed), and none if the cursor was
 * gone already.  NULL is fine.
 */
ELPQ_API int elpq_cursor_close(elpq_cursor *cursor, elpq_done_cb callback,
                               void *arg);

/** Its name, as for text between quotes; lives as long as the cursor. */
ELPQ_API const char *elpq_cursor_name(const elpq_cursor *cursor);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file stream.h
 * Streams: results of any size, a few rows at a time.
 *
 * A stream runs one statement and hands its rows over as they arrive.  It is
 * alone on its connection: it waits for what was submitted before, and what
 * is submitted behind it waits for its end.
 *
 * A consumer that cannot keep up pauses the stream.  Then nothing more is
 * read from the socket, and TCP makes the server wait: memory stays flat,
 * however large the result.  A stream from a pool keeps its connection until
 * it ends, paused or not.
 *
 * A paused stream is blind: of an error of the server, or the loss of its
 * connection, it hears when it is resumed, behind the rows that came before.
 * Its deadline goes on (ELPQ_NO_TIMEOUT is often right for streams), and
 * deadline, cancel, stop and close end it at once, paused or not.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_STREAM_H
#define ELPQ_STREAM_H

#include "conn.h"
#include "pool.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Gets one chunk: a result of one or more rows, to be read like any other
 * (result.h), and borrowed: elpq_result_ref() keeps it.  The command tag is
 * not known yet (elpq_command() and elpq_affected() tell nothing).  `stream`
 * is what elpq_options.request gets, for the calls below.
 */
typedef void (*elpq_rows_cb)(elpq_result *rows, elpq_request *stream,
                             void *arg);

/**
 * Runs a statement as a stream.  Also as elpq_stream(conn, ...).
 *
 * `rows` gets chunk after chunk, each from the loop; never while the stream
 * is paused, nor after elpq_cancel(), elpq_stream_stop() or the deadline.
 * `done` comes exactly once and last: without an error after all rows, else
 * with what went wrong; the rows that had come before have been handed over,
 * but those of a chunk of several rows that was not yet full, which libpq
 * drops. A result without rows has no chunk.
 *
 * A chunk is one row, or up to options->chunk_rows rows where libpq can do
 * so (17 or newer).  Columns arrive as for elpq_execute(): the first time that
 * a connection streams a statement, one round trip more finds out whether
 * they can be binary.  max_result_bytes limits each chunk, and not the sum.
 *
 * Returns as elpq_conn_execute().
 */
ELPQ_API int elpq_conn_stream(elpq_conn *conn,
                              const elpq_statement *statement,
                              const elpq_options *options, elpq_rows_cb rows,
                              elpq_done_cb done, void *arg);

/** The same on a connection of the pool.  Returns as elpq_pool_execute(). */
ELPQ_API int elpq_pool_stream(elpq_pool *pool,
                              const elpq_statement *statement,
                              const elpq_options *options, elpq_rows_cb rows,
                              elpq_done_cb done, void *arg);

/**
 * The same in a transaction.  Returns as elpq_tx_execute().  The transaction
 * fails if the stream is canceled or stopped before its end; where it must go
 * on, use a cursor (cursor.h).
 */
ELPQ_API int elpq_tx_stream(elpq_tx *tx, const elpq_statement *statement,
                            const elpq_options *options, elpq_rows_cb rows,
                            elpq_done_cb done, void *arg);

/*
 * The calls below take the request of a stream, from the submitting call on
 * until `done` has begun.  They may be called anywhere in the thread of the
 * event_base, inside callbacks as well, and twice; NULL is fine.
 */

/** No more rows until elpq_stream_resume(); also before it has begun. */
ELPQ_API void elpq_stream_pause(elpq_request *stream);

/** Goes on.  Rows come from the loop, not before this call returns. */
ELPQ_API void elpq_stream_resume(elpq_request *stream);

/**
 * The consumer has enough: as elpq_cancel(), but `done` gets no error for it.
 * The server is asked to stop, what it has sent is read and dropped, and the
 * connection is as good as before.
 */
ELPQ_API void elpq_stream_stop(elpq_request *stream);

#ifdef __cplusplus
}
#endif
#endif

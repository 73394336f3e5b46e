/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file large_object.h
 * Large objects: up to 4 TiB under one OID, read and written piece by piece.
 *
 * A large object is opened in a transaction, and is closed with it at the
 * latest, or with the savepoint it was opened in if that is rolled back.
 * Calls on one are pipelined like statements, and run in order.
 * elpq_lo_import() and elpq_lo_export() move all of it with flat memory: one
 * piece of 256 KiB at a time, at the pace of the slower side.
 *
 * The contract of conn.h holds for every call.  All take an elpq_options; its
 * deadline is that of one statement, or of one piece.
 */
#ifndef ELPQ_LARGE_OBJECT_H
#define ELPQ_LARGE_OBJECT_H

#include "conn.h"
#include "pool.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_large_object elpq_large_object;

/** What an open large object is for; OR them. */
enum { ELPQ_LO_READ = 0x40000, ELPQ_LO_WRITE = 0x20000 };

/** Gets the OID of a new object, or the error why there is none (oid is 0). */
typedef void (*elpq_lo_oid_cb)(uint32_t oid, const elpq_error *error,
                               void *arg);
/** Gets an open object, or the error why there is none. */
typedef void (*elpq_lo_cb)(elpq_large_object *lo, const elpq_error *error,
                           void *arg);
/** Gets bytes, which are borrowed; fewer than asked for at the end only. */
typedef void (*elpq_lo_data_cb)(const void *data, size_t size,
                                const elpq_error *error, void *arg);
/** Gets a position, or a number of bytes; -1 with an error. */
typedef void (*elpq_lo_number_cb)(int64_t number, const elpq_error *error,
                                  void *arg);

/**
 * Creates an empty object with this OID, or with a free one if it is 0.  Also
 * as elpq_lo_create(target, ...).  Returns as elpq_execute() of the target.
 */
ELPQ_API int elpq_pool_lo_create(elpq_pool *pool, uint32_t oid,
                                 const elpq_options *options,
                                 elpq_lo_oid_cb callback, void *arg);
ELPQ_API int elpq_conn_lo_create(elpq_conn *conn, uint32_t oid,
                                 const elpq_options *options,
                                 elpq_lo_oid_cb callback, void *arg);
ELPQ_API int elpq_tx_lo_create(elpq_tx *tx, uint32_t oid,
                               const elpq_options *options,
                               elpq_lo_oid_cb callback, void *arg);

/** Removes an object (42704 if there is none).  Also as
 *  elpq_lo_unlink(target, ...).  Returns as elpq_execute() of the target. */
ELPQ_API int elpq_pool_lo_unlink(elpq_pool *pool, uint32_t oid,
                                 const elpq_options *options,
                                 elpq_done_cb done, void *arg);
ELPQ_API int elpq_conn_lo_unlink(elpq_conn *conn, uint32_t oid,
                                 const elpq_options *options,
                                 elpq_done_cb done, void *arg);
ELPQ_API int elpq_tx_lo_unlink(elpq_tx *tx, uint32_t oid,
                               const elpq_options *options, elpq_done_cb done,
                               void *arg);

/**
 * Opens an object, for ELPQ_LO_READ, ELPQ_LO_WRITE or both.  The pointer is
 * the caller's until elpq_lo_close(), which must come, be it after the end of
 * the transaction.  Returns as elpq_tx_execute().
 */
ELPQ_API int elpq_lo_open(elpq_tx *tx, uint32_t oid, int mode,
                          const elpq_options *options, elpq_lo_cb callback,
                          void *arg);

/*
 * The calls below return 0, ELPQ_E_USAGE (no callback, a size that cannot be,
 * or an import or export is under way), ELPQ_E_CLOSED (the transaction is
 * over, the savepoint rolled back, or the connection lost), ELPQ_E_NOMEM,
 * ELPQ_E_FULL or ELPQ_E_FORKED.
 * After an error of the server the transaction takes no more statements.
 */

/** Reads up to `size` bytes from where the object is at: at most 256 MiB, and
 *  well below half of max_result_bytes, since they may come as text. */
ELPQ_API int elpq_lo_read(elpq_large_object *lo, size_t size,
                          const elpq_options *options,
                          elpq_lo_data_cb callback, void *arg);

/** Writes there, at most 256 MiB, which are copied; gets their number. */
ELPQ_API int elpq_lo_write(elpq_large_object *lo, const void *data,
                           size_t size, const elpq_options *options,
                           elpq_lo_number_cb callback, void *arg);

/** Goes to a position, from SEEK_SET, SEEK_CUR or SEEK_END; gets it. */
ELPQ_API int elpq_lo_seek(elpq_large_object *lo, int64_t offset, int whence,
                          const elpq_options *options,
                          elpq_lo_number_cb callback, void *arg);

/** Gets the position. */
ELPQ_API int elpq_lo_tell(elpq_large_object *lo, const elpq_options *options,
                          elpq_lo_number_cb callback, void *arg);

/** Cuts it off at this size, or fills it up with zeros. */
ELPQ_API int elpq_lo_truncate(elpq_large_object *lo, int64_t size,
                              const elpq_options *options, elpq_done_cb done,
                              void *arg);

/**
 * Closes it; the pointer is invalid afterwards.  What was submitted is still
 * answered; an import or export that is under way ends with ELPQ_E_CLOSED.
 * `done` comes after them, and may be NULL.  Returns 0, or ELPQ_E_FORKED: then
 * it is still open.  NULL is fine.
 */
ELPQ_API int elpq_lo_close(elpq_large_object *lo, elpq_done_cb done,
                           void *arg);

/* ------------------------------------------------------- import and export */

/** What a source may return besides a number of bytes and 0, the end. */
enum {
    ELPQ_LO_LATER = -1, /**< nothing yet: it calls elpq_lo_resume()         */
    ELPQ_LO_FAILED = -2 /**< it is over, with ELPQ_E_CANCELED               */
};

/** Fills the buffer, as far as it can; see above for what it returns. */
typedef int64_t (*elpq_lo_source_cb)(elpq_large_object *lo, void *buffer,
                                     size_t size, void *arg);

/**
 * Writes all that a source has, from where the object is at.  It is asked
 * again when the server has taken the last piece.  `done` comes once, with
 * the number of bytes.  Of the options the deadline counts, that of a piece;
 * *options->request becomes NULL, as elpq_lo_close() is what ends it.
 */
ELPQ_API int elpq_lo_import(elpq_large_object *lo, elpq_lo_source_cb source,
                            const elpq_options *options,
                            elpq_lo_number_cb done, void *arg);

/** Gets the next piece, which is borrowed. */
typedef void (*elpq_lo_sink_cb)(elpq_large_object *lo, const void *data,
                                size_t size, void *arg);

/**
 * Reads all from where the object is at to its end.  `done` comes once, with
 * the number of bytes that the sink got.  The options are as for an import.
 */
ELPQ_API int elpq_lo_export(elpq_large_object *lo, elpq_lo_sink_cb sink,
                            const elpq_options *options,
                            elpq_lo_number_cb done, void *arg);

/** No more is read or asked for until elpq_lo_resume(); at most the piece
 *  that is under way comes to the sink.  NULL is fine, here and below. */
ELPQ_API void elpq_lo_pause(elpq_large_object *lo);

/** Goes on, from the loop: after a pause, or after ELPQ_LO_LATER.  Of what has
 *  happened to the connection meanwhile, `done` comes to know by this. */
ELPQ_API void elpq_lo_resume(elpq_large_object *lo);

#ifdef __cplusplus
}
#endif
#endif

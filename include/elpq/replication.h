/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file replication.h
 * Logical replication: every committed change of a database, as an event.
 *
 * A replication slot on the server remembers how far its consumer has come,
 * and keeps the write-ahead log (WAL) from there on.  A replication stream
 * reads from a slot, on a connection of its own, and hands over one change
 * after the other: a transaction begins, rows are inserted, updated, deleted,
 * it commits.  With the plugin pgoutput, which the server has built in, changes
 * are decoded; of any other plugin (test_decoding) they come as they are.
 *
 * The consumer confirms what it has made safe, with elpq_replication_confirm().
 * When the connection breaks, the stream connects again, with growing pauses,
 * and goes on right behind what was confirmed.  So every committed transaction
 * is delivered at least once, in the order of commits, and those that were
 * delivered and not confirmed come again.  What is confirmed is known to the
 * server a little later: it survives this process if the consumer stores the
 * LSN along with its data and passes it as `start`.
 *
 * The server needs wal_level = logical, and the role REPLICATION.  A slot that
 * is not read keeps WAL for ever: drop it when its consumer is gone.  A server
 * that is shut down in peace waits for its streams to confirm all it has sent.
 *
 * All callbacks come from the loop, never from within a call, and may call
 * every function, elpq_replication_close() included.
 */
#ifndef ELPQ_REPLICATION_H
#define ELPQ_REPLICATION_H

#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------- LSN */

/*
 * An LSN is a position in the server's WAL, an uint64_t here; 0 is none.
 */

/** Bytes of the text of an LSN, such as "16/B374D848", with its NUL. */
#define ELPQ_LSN_SIZE 18

/** Writes an LSN as the server does; returns out. */
ELPQ_API char *elpq_lsn_print(uint64_t lsn, char out[ELPQ_LSN_SIZE]);

/** Reads such a text; ELPQ_E_VALUE if it is none.  Leaves *out alone then. */
ELPQ_API int elpq_lsn_parse(const char *text, uint64_t *out);

/* ------------------------------------------------------------------ slots */

/**
 * What happens to the snapshot that a new slot begins with: all that was
 * committed before it is in the snapshot, all after it comes in the stream.
 */
typedef enum elpq_slot_snapshot {
    ELPQ_SNAPSHOT_NOTHING = 0, /**< nobody wants it                         */
    ELPQ_SNAPSHOT_EXPORT, /**< other sessions take it with SET TRANSACTION
                               SNAPSHOT, until the connection's next command */
    ELPQ_SNAPSHOT_USE     /**< for the transaction that the connection is in */
} elpq_slot_snapshot;

/** How a slot is to be; all zero is the default, as is NULL. */
typedef struct elpq_slot_options {
    const char *plugin;          /**< NULL: pgoutput                        */
    bool temporary;              /**< gone with its connection              */
    bool two_phase;              /**< PREPARE TRANSACTION is seen; since 15 */
    elpq_slot_snapshot snapshot;
} elpq_slot_options;

/** A new slot; borrowed for the callback. */
typedef struct elpq_slot {
    const char *name;
    uint64_t consistent_point;   /**< changes committed after it are seen   */
    const char *snapshot;        /**< its name; NULL if it was not exported */
} elpq_slot;

/** Gets the new slot, or the error why there is none. */
typedef void (*elpq_slot_cb)(const elpq_slot *slot, const elpq_error *error,
                             void *arg);

/**
 * Creates a logical replication slot.  `conn` must be a replication
 * connection: one that was made with the parameter replication=database.  On
 * any other connection the function pg_create_logical_replication_slot() does
 * the same, without a snapshot.
 *
 * The server waits for transactions that are open now.  Returns as
 * elpq_conn_execute(); ELPQ_E_USAGE also for a name or plugin that cannot be.
 */
ELPQ_API int elpq_conn_slot_create(elpq_conn *conn, const char *name,
                                   const elpq_slot_options *slot,
                                   const elpq_options *options,
                                   elpq_slot_cb callback, void *arg);

/**
 * Drops a slot, and its WAL with it; `wait` waits until it is not in use any
 * more, or else that is an error (55006).  On a replication connection;
 * elsewhere pg_drop_replication_slot() does it.  Returns as above.
 */
ELPQ_API int elpq_conn_slot_drop(elpq_conn *conn, const char *name, bool wait,
                                 const elpq_options *options,
                                 elpq_done_cb done, void *arg);

/* ---------------------------------------------------------------- changes */

/** What a change is.  STREAM_ ones only with options.streaming, PREPARED ones
 *  only with options.two_phase. */
typedef enum elpq_change_kind {
    ELPQ_CHANGE_TEXT,     /**< data: what another plugin than pgoutput wrote */
    ELPQ_CHANGE_BEGIN,    /**< a transaction: xid, time, commit_lsn         */
    ELPQ_CHANGE_COMMIT,   /**< and its end: confirm end_lsn                 */
    ELPQ_CHANGE_ORIGIN,   /**< name: it came to the server from there       */
    ELPQ_CHANGE_RELATION, /**< relation: before the first change of a table,
                               and when the table was changed               */
    ELPQ_CHANGE_TYPE,     /**< type_oid, schema, name: of a column's type   */
    ELPQ_CHANGE_INSERT,   /**< relation, new_row                            */
    ELPQ_CHANGE_UPDATE,   /**< relation, new_row, old_row if it was sent    */
    ELPQ_CHANGE_DELETE,   /**< relation, old_row                            */
    ELPQ_CHANGE_TRUNCATE, /**< relations, cascade, restart_identity         */
    ELPQ_CHANGE_MESSAGE,  /**< name, data: of pg_logical_emit_message()     */
    ELPQ_CHANGE_STREAM_START,  /**< part of an open transaction: xid        */
    ELPQ_CHANGE_STREAM_STOP,   /**< end of the part                         */
    ELPQ_CHANGE_STREAM_COMMIT, /**< of the transaction: confirm end_lsn     */
    ELPQ_CHANGE_STREAM_ABORT,  /**< of the part with subxid, or of all       */
    ELPQ_CHANGE_BEGIN_PREPARE, /**< of a transaction that will be prepared  */
    ELPQ_CHANGE_PREPARE,           /**< name: its gid                       */
    ELPQ_CHANGE_COMMIT_PREPARED,
    ELPQ_CHANGE_ROLLBACK_PREPARED,
    ELPQ_CHANGE_STREAM_PREPARE
} elpq_change_kind;

/** The name of a kind in lower case, such as "insert"; never NULL. */
ELPQ_API const char *elpq_change_name(elpq_change_kind kind);

typedef struct elpq_relation_column {
    const char *name;
    uint32_t oid;     /**< its type                                         */
    int32_t typmod;   /**< -1 if it has none                                */
    bool key;         /**< part of the replica identity                     */
} elpq_relation_column;

/** A table as it was when the changes were made. */
typedef struct elpq_relation {
    uint32_t oid;
    const char *schema;
    const char *name;
    char replica_identity; /**< 'd' primary key, 'i' index, 'f' full row,
                                'n' nothing                                 */
    int ncolumns;
    const elpq_relation_column *columns;
} elpq_relation;

/**
 * One change; borrowed, with everything in it, for the callback.
 *
 * Rows are arrays of relation->ncolumns cells, to be read with the getters of
 * result.h: elpq_cell_int64(&change->new_row[0], &id).  A large value that an
 * update did not touch is not in the WAL: elpq_cell_unchanged() tells it from
 * NULL.
 */
typedef struct elpq_change {
    elpq_change_kind kind;
    uint64_t lsn;       /**< where it stands in the WAL                     */
    uint64_t commit_lsn; /**< of BEGIN, COMMIT and so on: where the record
                             stands that commits or prepares                */
    uint64_t end_lsn;   /**< of all that end something: what to confirm when
                             everything up to it is safe; else 0            */
    uint32_t xid;       /**< of the transaction                             */
    uint32_t subxid;    /**< STREAM_ABORT: equal to xid if it is all of it  */
    int64_t time;       /**< of BEGIN, COMMIT and so on: microseconds since
                             1970-01-01 UTC                                 */
    bool streamed;      /**< of a transaction that may still be aborted     */
    const elpq_relation *relation;
    const elpq_cell *new_row;
    const elpq_cell *old_row; /**< NULL if it was not sent                  */
    bool old_is_key;    /**< only key columns of it are there, others NULL  */
    const elpq_relation *const *relations; /**< of TRUNCATE                 */
    int nrelations;
    bool cascade;
    bool restart_identity;
    bool transactional; /**< MESSAGE: it is part of the transaction         */
    uint32_t type_oid;  /**< TYPE                                           */
    const char *schema; /**< TYPE                                           */
    const char *name;   /**< of the type, origin, message or gid            */
    const char *data;   /**< TEXT, MESSAGE; a NUL byte follows              */
    size_t size;
} elpq_change;

/** Whether the cell holds a large value that the update left as it was. */
static inline bool elpq_cell_unchanged(const elpq_cell *cell)
{
    return cell->size == -2;
}

/* ----------------------------------------------------------------- stream */

typedef struct elpq_replication elpq_replication;

typedef void (*elpq_change_cb)(elpq_replication *replication,
                               const elpq_change *change, void *arg);

typedef enum elpq_replication_event_kind {
    ELPQ_REPLICATION_UP,  /**< changes come from now on                     */
    ELPQ_REPLICATION_DOWN /**< the connection is lost, or could not be made */
} elpq_replication_event_kind;

/** One event of a stream; borrowed for the callback. */
typedef struct elpq_replication_event {
    elpq_replication_event_kind kind;
    uint64_t start;          /**< UP: nothing that ends before this comes   */
    const elpq_error *error; /**< DOWN: why                                 */
    bool given_up;           /**< DOWN: it will not connect again, because
                                  that cannot help                          */
} elpq_replication_event;

typedef void (*elpq_replication_event_cb)(elpq_replication *replication,
                                          const elpq_replication_event *event,
                                          void *arg);

/** Whether large transactions come before they are committed. */
typedef enum elpq_replication_streaming {
    ELPQ_STREAMING_OFF = 0,
    ELPQ_STREAMING_ON,      /**< since 14: beyond logical_decoding_work_mem */
    ELPQ_STREAMING_PARALLEL /**< since 16: aborts have an LSN and a time    */
} elpq_replication_streaming;

/**
 * How a stream behaves.  `slot` is needed, and `publications` for pgoutput.
 * Times are in milliseconds.  Everything is copied.
 */
typedef struct elpq_replication_options {
    elpq_conn_options conn;   /**< of its connection; max_result_bytes limits
                                   one message, which holds a row and its old
                                   version                                  */
    const char *slot;
    bool create_slot;         /**< if it does not exist                     */
    bool temporary;           /**< with create_slot: gone with the connection,
                                   so a lost one is the end (given_up)      */
    const char *plugin;       /**< NULL: pgoutput                           */
    const char *const *plugin_options; /**< of another: name, value, name,
                                   value, ..., NULL                         */
    const char *const *publications; /**< of pgoutput: names, ended by NULL */
    bool binary;              /**< values in binary where the type has it   */
    bool messages;            /**< MESSAGE as well; since 14                */
    bool two_phase;           /**< PREPARE as well; since 15                */
    elpq_replication_streaming streaming;
    const char *origin;       /**< "none": only what was made on the server
                                   itself; since 16.  NULL: all             */
    uint64_t start;           /**< go on here if the slot is not beyond it  */
    bool no_idle_confirm;     /**< see elpq_replication_confirm()           */
    unsigned max_relations;   /**< tables known at a time; 0: 10,000.  More is
                                   ELPQ_E_LIMIT                             */
    int status_interval_ms;   /**< the server hears from us so often at least;
                                   0: 10,000.  Keep it well below its
                                   wal_sender_timeout                       */
    int server_timeout_ms;    /**< silent for half of it, the server is asked
                                   for a sign of life; for all of it, the
                                   connection is lost; 0: 60,000; -1: never.
                                   Not while it makes the slot, which waits for
                                   all transactions: there TCP's keepalives
                                   count                                    */
    int backoff_min_ms;       /**< pause before it connects again; 0: 100   */
    int backoff_max_ms;       /**< it doubles up to this; 0: 10,000.  The
                                   pause is random between half and all     */
    unsigned max_attempts;    /**< failed attempts in a row, after which it
                                   gives up; 0: never                       */
} elpq_replication_options;

/**
 * Makes a stream, which connects at once.  conninfo as for elpq_connect();
 * replication=database is added to it.  `events` may be NULL.
 *
 * Returns NULL if the arguments make no sense; then *error (unless NULL) says
 * why, to be freed with elpq_error_free().  A server that cannot be reached is
 * no error here: DOWN tells, once, until UP.  What would fail again in the
 * same way (no such slot, no such publication, wrong password) is given up.
 */
ELPQ_API elpq_replication *
elpq_replication_new(struct event_base *base, const char *conninfo,
                     const elpq_replication_options *options,
                     elpq_change_cb changes, elpq_replication_event_cb events,
                     void *arg, elpq_error **error);

/**
 * Closes the stream; the pointer is invalid for other calls at once.  No
 * change and no event comes any more.  What was confirmed is sent, if the
 * socket takes it.  `done` (may be NULL) comes from the loop, when all is gone
 * here; the server may need a moment more to let the slot go.  NULL is fine.
 */
ELPQ_API void elpq_replication_close(elpq_replication *replication,
                                     elpq_done_cb done, void *arg);

/**
 * Everything that ends up to this LSN is safe, and need not come again.  Take
 * it from end_lsn of a COMMIT, or from lsn of the last text of a transaction.
 * Several in one turn of the loop are sent as one.  An LSN below an earlier
 * one changes nothing.
 *
 * While all that was delivered is confirmed, the stream confirms by itself
 * what holds no change for it, as the server announces it; or the WAL of
 * other tables would pile up.  options.no_idle_confirm turns that off.
 *
 * Returns 0; ELPQ_E_USAGE if nothing that ends there was delivered yet (or the
 * stream is NULL), or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_replication_confirm(elpq_replication *replication,
                                      uint64_t lsn);

/**
 * No more changes until elpq_replication_resume().  Nothing is read then, and
 * TCP holds the server back: memory stays flat.  The server still hears from
 * us; that it is dead is not noticed meanwhile.  NULL is fine.
 */
ELPQ_API void elpq_replication_pause(elpq_replication *replication);
ELPQ_API void elpq_replication_resume(elpq_replication *replication);

/** Counters and gauges of a stream. */
typedef struct elpq_replication_statistics {
    bool up;
    uint64_t received;         /**< the server has come so far              */
    uint64_t delivered;        /**< end of what was handed over             */
    uint64_t confirmed;        /**< what the server is told                 */
    uint64_t changes;          /**< handed over, since the start            */
    uint64_t bytes;            /**< of their messages                       */
    uint64_t connects;         /**< times that it was UP                    */
    uint64_t failures;         /**< times that it could not be              */
    uint64_t lost;             /**< times that it broke                     */
    unsigned relations;        /**< known now                               */
} elpq_replication_statistics;

ELPQ_API void elpq_replication_stats(const elpq_replication *replication,
                                     elpq_replication_statistics *out);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file conn.h
 * Connections: connect, execute, cancel, close.
 *
 * The contract of every call that takes a callback:
 *
 *  - Non-zero return: nothing happened, and the callback never comes.
 *    Zero: it comes exactly once, always from the loop, never before the call
 *    returns: with a result, an error, or because of cancel, deadline, close
 *    or a lost connection.
 *  - Its result and error are borrowed; one of them is NULL.
 *  - SQL and values are copied before the call returns.
 *  - Every function may be called from every callback.
 *
 * Statements submitted one after another on a connection are pipelined: they
 * are sent at the end of the loop's turn, without waiting for each other's
 * answers, and run in order.  Each is on its own: when one fails, the next
 * are not touched (unless BEGIN was sent: then the server refuses them).
 * The exception: where statements came one at a time for a while, the next is
 * sent outside of libpq's pipeline mode, which is faster then.  What is
 * submitted while such a one is out is sent when its answer has come, and the
 * pipeline is back.
 *
 * Read groups.  Statements flagged ELPQ_READONLY that are queued together,
 * with nothing else between them and no transaction open, are sent as groups
 * of up to 64 statements or 8 KiB, for each of which the server does the work
 * of one transaction.  The server keeps such a group from writing.  Each
 * statement has its own outcome all the same: when one fails, those before it
 * keep their results, and those behind it, which the server has skipped, are
 * sent again in their order; only their callbacks come later than those of
 * reads that were sent behind the group.  A statement that does write although
 * it is flagged is refused by the server, which undoes all it did, and sent
 * again on its own; so the flag does not change what a statement does.  Do not
 * flag what catches that error inside of a function, nor what changes that
 * which the server does not count as writing, as a temporary table: it may run
 * twice.
 *
 * What differs: the results of a group come together, when its last statement
 * has run (results that took more than 64 KiB once are not sent in groups
 * any more); one that would make more than max_result_bytes of them together
 * is dropped, and its statement sent again on its own; now() is the same in all
 * of it; a statement that is not flagged, sent behind a group on the
 * same connection, waits until the group is answered.  Do not flag a function
 * that does, out of sight of the SQL text, what a read-only transaction lets
 * pass: NOTIFY, temporary tables and settings are undone if a later statement
 * of the group fails; session locks stay if the function writes besides.
 *
 * In an open transaction the queries that are sent in one go share a Sync, too,
 * flagged or not, because a failure ends the transaction anyway.
 *
 * An event_base and everything made on it belong to one thread.
 */
#ifndef ELPQ_CONN_H
#define ELPQ_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "result.h"
#include "statement.h"
#include "trace.h"

#ifdef __cplusplus
extern "C" {
#endif

struct event_base;

/** One session of the server. */
typedef struct elpq_conn elpq_conn;

/** One submitted statement, until its callback has returned. */
typedef struct elpq_request elpq_request;

/** Gets the result, or the error, of a statement. */
typedef void (*elpq_result_cb)(elpq_result *result, const elpq_error *error,
                               void *arg);

/** Gets a connection, or the error why there is none (conn is NULL then). */
typedef void (*elpq_conn_cb)(elpq_conn *conn, const elpq_error *error,
                             void *arg);

/** Gets the end of an operation without a result; error is NULL if it went
 *  well. */
typedef void (*elpq_done_cb)(const elpq_error *error, void *arg);

/**
 * Gets a parameter that the server reports and that has changed: one of those
 * that PostgreSQL reports up to version 18, such as "TimeZone" or
 * "in_hot_standby".  Comes from the loop; the strings are borrowed.
 */
typedef void (*elpq_parameter_cb)(elpq_conn *conn, const char *name,
                                  const char *value, void *arg);

/** For timeouts: none at all. */
#define ELPQ_NO_TIMEOUT (-1)

/** For server_timeout_ms: as long as the deadline of the request. */
#define ELPQ_FROM_DEADLINE (-2)

/**
 * How one request is to be run.  All zero is the default; NULL is the same.
 */
typedef struct elpq_options {
    /**
     * The one deadline, in milliseconds, that covers waiting for a
     * connection, connecting, sending and running.  When it passes, the
     * request is canceled, and fails with ELPQ_E_TIMEOUT.  0: the default of
     * the connection or pool; ELPQ_NO_TIMEOUT: none.
     */
    int timeout_ms;
    unsigned flags;          /**< ELPQ_NO_PREPARE and so on (statement.h)   */
    const char *tag;         /**< shown in trace events; copied             */
    elpq_request **request;  /**< out, for elpq_cancel(); may be NULL       */
    unsigned chunk_rows;     /**< of a stream: rows in one chunk, at most;
                                  0: 1.  See stream.h                       */
    /**
     * statement_timeout of the server for this request, in milliseconds: the
     * server itself stops it then, even if the client has gone away.  The
     * error is ELPQ_E_TIMEOUT with SQLSTATE 57014.  Counted from when the
     * server begins.  0: the default of the connection or pool;
     * ELPQ_NO_TIMEOUT: none of ours; ELPQ_FROM_DEADLINE: timeout_ms, rounded
     * up by an eighth at most.  With ELPQ_POOLER_TRANSACTION the request is
     * refused, as a SET is.
     */
    int server_timeout_ms;
} elpq_options;

/** What stands between us and the server. */
typedef enum elpq_pooler {
    /** Nothing, or a pooler that gives each of our connections a session of
     *  its own as long as it lasts (PgBouncer's pool_mode = session).      */
    ELPQ_POOLER_NONE = 0,
    /**
     * PgBouncer with pool_mode = transaction: each transaction, and each
     * statement outside of one, may run in another session.  So there are no
     * named prepared statements, on_connect makes no sense (ELPQ_E_USAGE),
     * the pool resets nothing but open transactions, and what would only work
     * in a session of its own is refused with ELPQ_E_USAGE and NOT_EXECUTED:
     * SET but for SET LOCAL and SET TRANSACTION, RESET, DISCARD, LISTEN,
     * UNLISTEN, PREPARE, EXECUTE, DEALLOCATE, LOAD, temporary tables that
     * outlive their transaction, DECLARE ... WITH HOLD, advisory locks of
     * sessions, set_config() outside of a transaction, a server_timeout_ms,
     * and what is flagged ELPQ_SESSION.  Scripts, functions and DO are not
     * looked into.
     */
    ELPQ_POOLER_TRANSACTION
} elpq_pooler;

/**
 * How a connection behaves.  All zero is the default; NULL is the same.
 */
typedef struct elpq_conn_options {
    /**
     * More connection parameters of libpq: keyword, value, keyword, value,
     * ..., NULL.  They win over those of the conninfo string.  A value of ""
     * is the same as leaving the keyword out.  Copied.
     */
    const char *const *params;
    int connect_timeout_ms;   /**< whole connect, all hosts; 0: 30,000      */
    int timeout_ms;           /**< default deadline of requests; 0: 30,000  */
    int cancel_grace_ms;      /**< a canceled statement may linger this long,
                                   then the connection is closed; 0: 5,000  */
    unsigned max_queued;      /**< statements queued or in flight; 0: 10,000.
                                   One more is refused with ELPQ_E_FULL     */
    unsigned max_pipeline;    /**< of them, sent and unanswered; 0: 256     */
    unsigned max_batch;       /**< statements of one elpq_batch(), which
                                   counts as one above; 0: 1,000            */
    size_t max_result_bytes;  /**< largest answer taken; 0: 256 MiB.  More is
                                   ELPQ_E_LIMIT and closes the connection   */
    unsigned statement_cache; /**< prepared statements kept; 0: 256         */
    bool no_statement_cache;  /**< never name a statement                   */
    elpq_pooler pooler;       /**< what stands before the server            */
    /**
     * Default of elpq_options.server_timeout_ms; 0: none, and then the
     * session's own statement_timeout is not touched.  Where it is used, elpq
     * sets statement_timeout of the session whenever the next request wants
     * another one, in the pipeline in front of it; so equal ones cost nothing
     * (but in a transaction).  A request that wants none gets the session's
     * default back (RESET): a value of your own SET is lost by that.  Not with
     * ELPQ_POOLER_TRANSACTION, where sessions are not yours: ELPQ_E_USAGE.
     */
    int server_timeout_ms;
    elpq_notice_cb notice;    /**< gets the server's notices                */
    void *notice_arg;
    elpq_severity notice_level; /**< it gets those of this severity and above;
                                   0: all                                   */
    elpq_parameter_cb parameter; /**< gets changes of reported parameters   */
    void *parameter_arg;
    elpq_trace_cb trace;      /**< gets trace events                        */
    void *trace_arg;
} elpq_conn_options;

/* --------------------------------------------------------------- connect */

/**
 * Connects, on a helper thread: name lookup, TLS and password hashing never
 * hold up the loop.
 *
 * conninfo is a URI (postgresql://user@host:5432/db?sslmode=verify-full) or
 * keywords (host=... dbname=...), with all that libpq understands, several
 * hosts, service files and PG* variables included; NULL or "" takes all from
 * the environment.  Text is always UTF-8: client_encoding is set to it, and a
 * connection on which a statement changes it is closed (ELPQ_E_PROTOCOL).
 *
 * Returns the connection, which takes no statements yet, or NULL; then *error
 * (unless NULL) gets the reason, to be freed with elpq_error_free().  The
 * callback gets the connection when it is ready, or the error; after an error
 * the connection is gone when the callback has returned.
 *
 * The event_base must live until the connection was closed.
 */
ELPQ_API elpq_conn *elpq_connect(struct event_base *base,
                                 const char *conninfo,
                                 const elpq_conn_options *options,
                                 elpq_conn_cb callback, void *arg,
                                 elpq_error **error);

/**
 * Closes the connection, in any state; the pointer is invalid afterwards.
 *
 * What was submitted and not answered fails with ELPQ_E_CLOSED, from the
 * loop.  A connect that is under way is given up, and its callback gets
 * ELPQ_E_CLOSED.  A connection of a pool leaves its pool.  NULL is fine.
 */
ELPQ_API void elpq_conn_close(elpq_conn *conn);

/* --------------------------------------------------------------- execute */

/**
 * Executes one statement.  Also as elpq_execute(conn, ...).
 *
 * Returns 0; ELPQ_E_USAGE (no statement, no callback), ELPQ_E_NOMEM,
 * ELPQ_E_FULL (max_queued), ELPQ_E_CLOSED (closed, lost or not yet
 * connected) or ELPQ_E_FORKED.  A value that cannot be sent as its type is
 * reported to the callback, as ELPQ_E_VALUE.
 */
ELPQ_API int elpq_conn_execute(elpq_conn *conn,
                               const elpq_statement *statement,
                               const elpq_options *options,
                               elpq_result_cb callback, void *arg);

/** Gets one result of a script; see elpq_conn_script_trusted(). */
typedef void (*elpq_script_cb)(elpq_result *result, void *arg);

/**
 * Executes a script: several statements in one string, without parameters,
 * in one implicit transaction unless the script says otherwise.  Also as
 * elpq_script(conn, ...), which takes string literals only: scripts have no
 * parameters, so never pass text that holds data.
 *
 * It runs alone: it waits for the statements before it, and those after it
 * wait for its end.  `each` (may be NULL) gets the result of each statement
 * as it completes, `done` comes once, after the last or at the first error.
 * max_result_bytes limits each result.  Returns as elpq_conn_execute().
 */
ELPQ_API int elpq_conn_script_trusted(elpq_conn *conn, const char *sql,
                                      const elpq_options *options,
                                      elpq_script_cb each, elpq_done_cb done,
                                      void *arg);

/**
 * Cancels a request; its callback still comes, exactly once.
 *
 * Waiting: it is removed, and fails with ELPQ_E_CANCELED and NOT_EXECUTED.
 * Running: the server is asked to stop it, and what the server says is the
 * outcome: ELPQ_E_CANCELED with SQLSTATE 57014, or a result that came first.
 * Sent, but behind another one: it fails with ELPQ_E_CANCELED and IN_DOUBT,
 * and its result is dropped when it comes.
 *
 * A cancel request names a session, so it may hit what was sent behind the
 * running statement before the cancel.  Such a statement, if it is a query,
 * runs again in its order; if something behind it has run meanwhile, it fails
 * with ELPQ_E_CANCELED, NOT_EXECUTED and RETRYABLE.  Other commands (CALL,
 * VACUUM) may have committed a part, and fail with ELPQ_E_CANCELED and
 * IN_DOUBT.  Nothing that is submitted after the cancel is ever hit.
 *
 * The cancel request is sent on a helper thread; but libpq 17 and later may
 * read the password file on this one before, if no password was given.
 *
 * Valid until the request's callback has begun; calling it twice is fine.
 */
ELPQ_API void elpq_cancel(elpq_request *request);

/* ------------------------------------------------------------------ info */

/** Whether the connection takes statements. */
ELPQ_API bool elpq_conn_is_open(const elpq_conn *conn);

/** Statements that were submitted and not answered. */
ELPQ_API unsigned elpq_conn_pending(const elpq_conn *conn);

/** Process id of the server's backend; 0 while not connected. */
ELPQ_API int elpq_conn_pid(const elpq_conn *conn);

/** The server's version as 150004 for 15.4; 0 while not connected. */
ELPQ_API int elpq_conn_server_version(const elpq_conn *conn);

/**
 * A parameter that the server reports, such as "TimeZone"; NULL if it does
 * not.  Valid until the loop runs again.
 */
ELPQ_API const char *elpq_conn_parameter(const elpq_conn *conn,
                                         const char *name);

/** What the server last said of the transaction. */
typedef enum elpq_tx_status {
    ELPQ_TX_IDLE,    /**< no transaction                                    */
    ELPQ_TX_ACTIVE,  /**< statements are in flight                          */
    ELPQ_TX_OPEN,    /**< in a transaction                                  */
    ELPQ_TX_FAILED,  /**< in a transaction that can only be rolled back     */
    ELPQ_TX_UNKNOWN  /**< no connection                                     */
} elpq_tx_status;
ELPQ_API elpq_tx_status elpq_conn_tx_status(const elpq_conn *conn);

/** Whether the connection is encrypted with TLS. */
ELPQ_API bool elpq_conn_tls(const elpq_conn *conn);

/**
 * Writes for logs what the connection is: user, database, host, port, the
 * server's version, process id, TLS, state.  No secrets.  Writes what fits
 * into `size` bytes, with a NUL, as snprintf() does; returns the length of all
 * of it, or ELPQ_E_NOMEM.
 */
ELPQ_API int elpq_conn_describe(const elpq_conn *conn, char *out,
                                size_t size);

/**
 * Writes a conninfo string (keywords or URI) for logs: as keywords, with ***
 * for passwords and other secrets.  What service files and the environment
 * would add is not there.  Writes and returns as elpq_conn_describe();
 * ELPQ_E_USAGE, and "", if it is no conninfo string, or one that
 * elpq_connect() refuses: a URI whose password tears it apart.
 */
ELPQ_API int elpq_conninfo_redact(const char *conninfo, char *out,
                                  size_t size);

/* -------------------------------------------------------------- password */

/**
 * Changes the password of a user; NULL is the user of the session, whatever
 * SET ROLE says.  The password does not leave this process: what is sent is
 * its SCRAM-SHA-256 verifier, made on a helper thread with a random salt and
 * 4,096 iterations, and trace events do not show it (the server's
 * log_statement may).  SASLprep is applied as the server would.
 *
 * The statement is submitted when the verifier is made, so it may come behind
 * statements that were submitted later; the deadline covers both.  If the
 * connection was given back by then, `done` gets ELPQ_E_CLOSED.
 * options->request is set to NULL.  `done` comes once.  Returns as
 * elpq_conn_execute(); ELPQ_E_USAGE also for an empty password.
 */
ELPQ_API int elpq_conn_change_password(elpq_conn *conn, const char *user,
                                       const char *password,
                                       const elpq_options *options,
                                       elpq_done_cb done, void *arg);

#ifdef __cplusplus
}
#endif
#endif

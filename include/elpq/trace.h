/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file trace.h
 * Hooks: notices of the server, and events of every statement.
 *
 * Both hooks are called from the loop, or from within the call that causes
 * the event; they may call any elpq function.  Passwords never appear in an
 * event; values of parameters do not either.
 */
#ifndef ELPQ_TRACE_H
#define ELPQ_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_conn elpq_conn;

/**
 * Gets notices and warnings of the server (severity, message, detail ...),
 * which go nowhere else: nothing is ever printed.  The notice is borrowed.
 */
typedef void (*elpq_notice_cb)(elpq_conn *conn, const elpq_error *notice,
                               void *arg);

typedef enum elpq_event_kind {
    ELPQ_EVENT_CONNECTED,  /**< a connection is ready; usec: time it took   */
    ELPQ_EVENT_CONNECT_FAILED, /**< code, sqlstate, message                 */
    ELPQ_EVENT_DISCONNECTED,   /**< message says why                        */
    ELPQ_EVENT_SUBMIT,     /**< a statement was accepted                    */
    ELPQ_EVENT_WAITED,     /**< it got a pool connection; usec: its wait    */
    ELPQ_EVENT_SENT,       /**< it was handed to libpq; bytes of parameters */
    ELPQ_EVENT_FIRST,      /**< its answer began; usec since SENT           */
    ELPQ_EVENT_DONE,       /**< its callback is next; usec since SUBMIT     */
    ELPQ_EVENT_STATE,      /**< message: the connection's new state         */
    ELPQ_EVENT_RETRY       /**< a transaction will run again (transact.h);
                                code, sqlstate, message; usec: the pause    */
} elpq_event_kind;

/** One event; what does not apply is 0 or NULL.  Borrowed for the call. */
typedef struct elpq_event {
    elpq_event_kind kind;
    elpq_conn *conn;       /**< NULL while a statement has none             */
    int pid;               /**< process id of the server's backend          */
    const char *sql;       /**< the statement's text, ended by a NUL        */
    size_t sql_len;
    const char *tag;       /**< elpq_options.tag of the request             */
    int64_t usec;          /**< a duration in microseconds                  */
    uint64_t rows;         /**< DONE: rows of the result                    */
    uint64_t bytes;        /**< SENT: of parameters; DONE: of the result    */
    int code;              /**< DONE, CONNECT_FAILED: 0 or ELPQ_E_...       */
    const char *sqlstate;
    const char *message;
} elpq_event;

typedef void (*elpq_trace_cb)(const elpq_event *event, void *arg);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file pool_hooks.h
 * What a pool tells and asks: events, and hooks around connections.
 *
 * All are set in elpq_pool_options, and called from the loop, or from within
 * the call that causes them: ELPQ_POOL_CLOSED and before_release also come
 * inside of elpq_pool_close(), elpq_pool_resize(), elpq_pool_expire(),
 * elpq_conn_close() and elpq_conn_release(); ELPQ_POOL_OPENED and
 * ELPQ_POOL_CONNECT_FAILED inside of elpq_ticket_go() and elpq_ticket_fail().
 * They may call every function, elpq_pool_close() included.
 */
#ifndef ELPQ_POOL_HOOKS_H
#define ELPQ_POOL_HOOKS_H

#include "conn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_pool elpq_pool;

/* ---------------------------------------------------------------- events */

typedef enum elpq_pool_event_kind {
    ELPQ_POOL_OPENED,         /**< a connection is ready; usec: it took     */
    ELPQ_POOL_CONNECT_FAILED, /**< error says why                           */
    ELPQ_POOL_CLOSED,         /**< a connection has left; see reason        */
    ELPQ_POOL_LEAK            /**< a lease has lasted for leak_after_ms;
                                   usec: so far; once for each lease        */
} elpq_pool_event_kind;

/** Why a connection left its pool. */
typedef enum elpq_pool_reason {
    ELPQ_LEFT_LOST,      /**< it broke; error says how, if that is known    */
    ELPQ_LEFT_IDLE,      /**< idle_timeout_ms                               */
    ELPQ_LEFT_AGE,       /**< max_lifetime_ms                               */
    ELPQ_LEFT_EXPIRED,   /**< elpq_pool_expire()                            */
    ELPQ_LEFT_RESIZED,   /**< elpq_pool_resize()                            */
    ELPQ_LEFT_DISCARDED, /**< it could not be brought back into its first
                              state, its borrower closed it, or the hook
                              before_release said so                        */
    ELPQ_LEFT_CLOSING    /**< elpq_pool_close()                             */
} elpq_pool_reason;

/** One event; what does not apply is 0 or NULL.  Borrowed for the call. */
typedef struct elpq_pool_event {
    elpq_pool_event_kind kind;
    elpq_pool *pool;
    elpq_conn *conn;         /**< of CLOSED: takes nothing any more         */
    int pid;                 /**< process id of the server's backend        */
    elpq_pool_reason reason; /**< of CLOSED                                 */
    const elpq_error *error;
    const char *tag;         /**< of LEAK: the lease's                      */
    int64_t usec;
} elpq_pool_event;

typedef void (*elpq_pool_event_cb)(const elpq_pool_event *event, void *arg);

/* ----------------------------------------------------------------- hooks */

/**
 * The answer that a hook owes: exactly one call of elpq_ticket_go() or
 * elpq_ticket_fail(), inside the hook or later from the loop's thread, which
 * frees the ticket.  It is owed in any case: if the connection or the pool is
 * gone by then, the answer has no effect.  Until then, the connection counts
 * as connecting; after connect_timeout_ms it is given up.
 */
typedef struct elpq_ticket elpq_ticket;

/**
 * A connection is about to be made: the time to fetch a token that is its
 * password.  elpq_ticket_go() may give more parameters.
 */
typedef void (*elpq_before_connect_cb)(elpq_ticket *ticket, void *arg);

/**
 * A connection is made, and its on_connect statements have run: execute on it
 * what is to run once in its life.  It is borrowed: do not keep, release or
 * close it; refuse it with elpq_ticket_fail().  When elpq_ticket_go() is
 * called, everything must be answered and no transaction open, else it is
 * closed.  Settings that are made here go with the next reset: for those there
 * is on_connect.
 */
typedef void (*elpq_after_connect_cb)(elpq_conn *conn, elpq_ticket *ticket,
                                      void *arg);

/**
 * A lease or transaction gives the connection back, and it is not yet reset.
 * Returns whether it may be used again; false closes it.
 */
typedef bool (*elpq_before_release_cb)(elpq_conn *conn, void *arg);

/**
 * Goes on.  params, for before_connect only: connection parameters of libpq
 * (keyword, value, ..., NULL), which win over all others; copied; may be NULL.
 */
ELPQ_API void elpq_ticket_go(elpq_ticket *ticket, const char *const *params);

/**
 * The connection is not to be made, or not to be used: counts as a connect
 * that failed, with ELPQ_E_CONNECT and this message.
 */
ELPQ_API void elpq_ticket_fail(elpq_ticket *ticket, const char *message);

/* --------------------------------------------------------------- holders */

/** Who has a connection of a pool. */
typedef struct elpq_pool_holder {
    elpq_conn *conn;
    int pid;        /**< process id of the server's backend                 */
    int64_t usec;   /**< for so long, in microseconds                       */
    char tag[64];   /**< elpq_options.tag of the acquire, or tag of the
                         transaction, cut to 63 bytes; "" if it has none    */
} elpq_pool_holder;

/**
 * Lists leases, those of transactions included, the oldest first: up to `n` of
 * them in `out`.  Returns how many there are.
 */
ELPQ_API size_t elpq_pool_holders(const elpq_pool *pool,
                                  elpq_pool_holder *out, size_t n);

#ifdef __cplusplus
}
#endif
#endif

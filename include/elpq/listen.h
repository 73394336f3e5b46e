/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file listen.h
 * LISTEN and NOTIFY: a listener, which stays, and elpq_notify().
 *
 * A listener has one connection of its own for any number of channels.  When
 * that breaks, it connects again, with growing pauses, and listens again.
 * PostgreSQL keeps no notifications for who is away, so the listener says when
 * some may have been missed:
 *
 *  - UP (of a channel): LISTEN is in place; what is sent from now on arrives;
 *  - DOWN: the connection is lost, or could not be made; or, with a channel,
 *    the server refused that one;
 *  - GAP (of a channel): between the notification before and the next one
 *    some may be missing.  LISTEN is in place when it comes, so who reads the
 *    tables now has missed nothing.  (If the connection was lost while it was
 *    queued, DOWN has come or is next, and another GAP follows behind UP.)
 *
 * Every notification that was sent between UP and DOWN is delivered, in order,
 * or a GAP comes in its place.  (libpq, when it is out of memory, may drop one
 * without a word.)
 *
 * LISTEN belongs to a listener.  On a connection of yours or of a pool, what
 * it brings is dropped, and the pool's reset ends it.  It does not work
 * through a pooler in transaction mode.
 *
 * All callbacks come from the loop, never from within a call, and may call
 * every function, those that end the listener included.
 */
#ifndef ELPQ_LISTEN_H
#define ELPQ_LISTEN_H

#include "conn.h"
#include "pool.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_listener elpq_listener;

/** One notification; borrowed for the callback. */
typedef struct elpq_notification {
    const char *channel;
    const char *payload; /**< "" if there is none                           */
    int pid;             /**< of the backend that sent it                   */
} elpq_notification;

typedef void (*elpq_notification_cb)(const elpq_notification *notification,
                                     void *arg);

typedef enum elpq_listen_event_kind {
    ELPQ_LISTEN_UP,
    ELPQ_LISTEN_DOWN,
    ELPQ_LISTEN_GAP
} elpq_listen_event_kind;

/** One event of a listener; borrowed for the callback. */
typedef struct elpq_listen_event {
    elpq_listen_event_kind kind;
    const char *channel;     /**< UP, GAP: which; DOWN: NULL is all of them */
    const elpq_error *error; /**< DOWN: why; else NULL                      */
    bool given_up;           /**< DOWN: it will not connect again           */
} elpq_listen_event;

typedef void (*elpq_listen_event_cb)(elpq_listener *listener,
                                     const elpq_listen_event *event,
                                     void *arg);

/** What to do when the queue is full, because the consumer has paused. */
typedef enum elpq_listen_policy {
    /** The oldest go, and a GAP takes their place.                         */
    ELPQ_LISTEN_DROP_OLDEST = 0,
    /**
     * Nothing is read any more: the server keeps what is sent.  Its queue is
     * shared by all databases, and when it is full, NOTIFY fails everywhere.
     * While nothing is read, a dead server is not noticed.
     */
    ELPQ_LISTEN_STOP_READING,
    /** The connection is closed (DOWN, ELPQ_E_LIMIT), and made again when the
     *  consumer goes on. */
    ELPQ_LISTEN_DISCONNECT
} elpq_listen_policy;

/**
 * How a listener behaves.  All zero is the default; NULL is the same.  Times
 * are in milliseconds.
 */
typedef struct elpq_listener_options {
    elpq_conn_options conn;   /**< of its connection; conn.timeout_ms is the
                                   deadline of LISTEN                       */
    unsigned max_channels;    /**< 0: 10,000; one more is ELPQ_E_FULL       */
    unsigned max_queued;      /**< notifications not yet delivered; 0: 4,096 */
    size_t max_queued_bytes;  /**< of them; 0: 16 MiB                       */
    elpq_listen_policy policy; /**< when either limit is reached            */
    int backoff_min_ms;       /**< pause before it connects again; 0: 100   */
    int backoff_max_ms;       /**< it doubles up to this; 0: 10,000.  The
                                   pause is random between half and all     */
    unsigned max_attempts;    /**< connects in a row that failed, or after
                                   which nothing could be listened to, until
                                   it gives up; 0: never                    */
    int ping_after_ms;        /**< silent for so long, the server is asked for
                                   a sign of life; 0: 30,000; -1: never     */
    int ping_timeout_ms;      /**< without one in this time, the connection is
                                   lost; 0: 5,000                           */
} elpq_listener_options;

/**
 * Makes a listener, which connects at once.  conninfo as for elpq_connect().
 * `events` may be NULL.  Returns NULL if the arguments make no sense; then
 * *error (unless NULL) says why, to be freed with elpq_error_free().  A server
 * that cannot be reached is no error here: DOWN tells, once, until UP.
 */
ELPQ_API elpq_listener *elpq_listener_new(struct event_base *base,
                                          const char *conninfo,
                                          const elpq_listener_options *options,
                                          elpq_listen_event_cb events,
                                          void *arg, elpq_error **error);

/**
 * Closes the listener; the pointer is invalid for other calls at once.  No
 * notification and no event comes any more.  `done` (may be NULL) comes from
 * the loop, when all is gone.  NULL is fine.
 */
ELPQ_API void elpq_listener_close(elpq_listener *listener, elpq_done_cb done,
                                  void *arg);

/**
 * Listens to a channel, now and after each reconnect; may be called at any
 * time.  The channel's name is taken as it is, 1 to 63 bytes, and matched in
 * its case.  A channel may have several callbacks, which come in the order in
 * which they were added.  UP comes when LISTEN is in place; for a channel that
 * is up already there is none, see elpq_listener_is_up().
 *
 * Returns 0, ELPQ_E_USAGE (no callback, no such name, this pair of callback
 * and arg is there already), ELPQ_E_FULL (max_channels), ELPQ_E_NOMEM or
 * ELPQ_E_FORKED.
 */
ELPQ_API int elpq_listen(elpq_listener *listener, const char *channel,
                         elpq_notification_cb callback, void *arg);

/**
 * Takes the callback with this arg from the channel: it does not come any
 * more.  With the last one, the channel is let go of.  Returns 0,
 * ELPQ_E_USAGE (there is none) or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_unlisten(elpq_listener *listener, const char *channel,
                           elpq_notification_cb callback, void *arg);

/**
 * Holds notifications and events back, in the queue, until
 * elpq_listener_resume().
 */
ELPQ_API void elpq_listener_pause(elpq_listener *listener);
ELPQ_API void elpq_listener_resume(elpq_listener *listener);

/** Whether LISTEN is in place for the channel. */
ELPQ_API bool elpq_listener_is_up(const elpq_listener *listener,
                                  const char *channel);

/** Counters and gauges of a listener. */
typedef struct elpq_listener_statistics {
    unsigned channels;         /**< now                                     */
    unsigned queued;           /**< notifications, now                      */
    size_t queued_bytes;       /**< of them                                 */
    uint64_t received;         /**< notifications, since the start          */
    uint64_t delivered;        /**< to one callback at least                */
    uint64_t dropped;          /**< because the queue was full              */
    uint64_t gaps;             /**< GAP events                              */
    uint64_t connects;         /**< connections made                        */
    uint64_t connect_failures;
    uint64_t lost;             /**< connections that broke                  */
    uint64_t pings;            /**< signs of life asked for                 */
} elpq_listener_statistics;

ELPQ_API void elpq_listener_stats(const elpq_listener *listener,
                                  elpq_listener_statistics *out);

/* ----------------------------------------------------------------- notify */

/**
 * Sends a notification (pg_notify); also as elpq_notify(target, ...).  In a
 * transaction it goes out with the commit, and the same payload twice is one.
 * payload: NULL is ""; the server takes up to 7,999 bytes (22023).  `done` may
 * not be NULL.  Returns as elpq_execute() of the target.
 */
ELPQ_API int elpq_pool_notify(elpq_pool *pool, const char *channel,
                              const char *payload,
                              const elpq_options *options, elpq_done_cb done,
                              void *arg);
ELPQ_API int elpq_conn_notify(elpq_conn *conn, const char *channel,
                              const char *payload,
                              const elpq_options *options, elpq_done_cb done,
                              void *arg);
ELPQ_API int elpq_tx_notify(elpq_tx *tx, const char *channel,
                            const char *payload, const elpq_options *options,
                            elpq_done_cb done, void *arg);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file router.h
 * Routers: a primary and its standbys behind one name.
 *
 * A router has a pool for each host, and finds out by itself which host is
 * the primary, and how far each standby is behind it.  Statements flagged
 * ELPQ_READONLY go to a standby that is within the lag bound, everything else
 * goes to the primary.  When the primary is lost or another host is promoted,
 * the router notices, and what was not executed goes to the new one.
 *
 * Monitoring.  To each host the router keeps one connection of its own, over
 * which it asks for the role and the position in the WAL: every
 * check_period_ms, and at once when something went wrong on the host.  Until
 * that check has come back, the host is in doubt, and gets nothing new.  A
 * host that does not answer within check_timeout_ms is down, and tried again
 * with a back-off.  If two hosts say that they are the primary, the one of
 * the higher timeline is, and the connections to the other are closed.  It
 * stays so while the younger one is down: a router never goes back to an older
 * timeline, and a cluster that was made anew, or restored to what it was
 * before a promotion, needs a new router.
 *
 * Lag.  The lag of a standby is the age of the newest moment at which the
 * primary's WAL is known to have been replayed on it completely: what was
 * committed that long ago can be read there.  It is measured with the clock
 * of this process alone, by comparing WAL positions, so the clocks of the
 * hosts do not matter, and it is an upper bound: it never reads less than it
 * is.  A standby that is cut off, or whose primary is, ages out of the bound.
 * One that receives WAL of an older timeline follows a primary that was
 * deposed, and is out of it at once; that shows where the checks' user has
 * pg_read_all_stats (a part of pg_monitor).
 * The bound holds for the moment at which the statement is given to the
 * standby's pool.  (A commit with synchronous_commit = off counts from the
 * moment when its WAL was flushed.)
 *
 * Fail-over.  A statement that was certainly not executed (its connection
 * broke before it was sent, the host was a standby and refused it with 25006,
 * a standby canceled it because of a conflict with recovery) is sent again, to
 * the right host, within its deadline and up to max_retries times.  One that
 * is IN_DOUBT never is.  While there is no primary, what needs it waits in a
 * bounded line.  A transaction or a lease stays where it began: when it is
 * lost, its user hears so and begins anew, and elpq_transact() does so by
 * itself.
 *
 * The contract of conn.h holds for every call.
 */
#ifndef ELPQ_ROUTER_H
#define ELPQ_ROUTER_H

#include "batch.h"
#include "conn.h"
#include "copy.h"
#include "large_object.h"
#include "listen.h"
#include "lock.h"
#include "many.h"
#include "pool.h"
#include "stream.h"
#include "transact.h"
#include "tx.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct elpq_router elpq_router;

/** What a host is, as far as is known. */
typedef enum elpq_role {
    ELPQ_ROLE_NONE = 0, /**< down, not yet asked, or not to be written to and
                             no standby either                              */
    ELPQ_ROLE_PRIMARY,  /**< the one that takes what writes                 */
    ELPQ_ROLE_STANDBY
} elpq_role;

/** Which of the standbys within the bound gets a statement. */
typedef enum elpq_routing {
    ELPQ_ROUTE_LEAST_OUTSTANDING = 0, /**< fewest requests waiting and
                                           running; in turn if they are equal */
    ELPQ_ROUTE_NEAREST                /**< shortest round trip, as the checks
                                           measure it                         */
} elpq_routing;

typedef enum elpq_router_event_kind {
    ELPQ_ROUTER_HOST_UP,    /**< it answers                                 */
    ELPQ_ROUTER_HOST_DOWN,  /**< it does not; error says why                */
    ELPQ_ROUTER_PRIMARY,    /**< it is the primary now                      */
    ELPQ_ROUTER_NO_PRIMARY, /**< it was, and there is none now              */
    ELPQ_ROUTER_STANDBY,    /**< it is a standby now                        */
    ELPQ_ROUTER_CURRENT,    /**< a standby is within the lag bound          */
    ELPQ_ROUTER_LAGGING     /**< it is not any more                         */
} elpq_router_event_kind;

/** One change; everything is borrowed for the call. */
typedef struct elpq_router_event {
    elpq_router_event_kind kind;
    unsigned host;           /**< place in the list given to elpq_router_new */
    const char *name;        /**< of the host: "address:port"               */
    const elpq_error *error; /**< of HOST_DOWN; else NULL                   */
    int64_t lag_ms;          /**< of CURRENT and LAGGING; -1: not known     */
} elpq_router_event;

/** Gets events, from the loop; every function may be called in it. */
typedef void (*elpq_router_event_cb)(elpq_router *router,
                                     const elpq_router_event *event,
                                     void *arg);

/**
 * How a router behaves.  All zero is the default; NULL is the same.  Times
 * are in milliseconds.
 */
typedef struct elpq_router_options {
    elpq_pool_options pool;   /**< of each host's pool; but its max_waiting
                                   is not used: max_waiting below is.  The
                                   checks of the hosts connect as pool.conn
                                   says, without before_connect: they need a
                                   password or certificate of their own     */
    elpq_routing routing;     /**< among standbys                           */
    int max_lag_ms;           /**< 0: 10,000; -1: however late              */
    uint64_t max_lag_bytes;   /**< of WAL not yet replayed; 0: no bound     */
    int check_period_ms;      /**< 0: a quarter of max_lag_ms, and 1,000 at
                                   most                                     */
    int check_timeout_ms;     /**< of one check, connecting included;
                                   0: 2,000                                 */
    int backoff_min_ms;       /**< pause before the next check of a host that
                                   is down, and of all without a primary;
                                   0: 50                                    */
    int backoff_max_ms;       /**< it doubles up to this; 0: 1,000.  The pause
                                   is random between half and all           */
    unsigned max_waiting;     /**< requests in line, here and in the pools;
                                   0: 10,000.  One more is refused with
                                   ELPQ_E_FULL                              */
    unsigned max_retries;     /**< of one request; 0: 10                    */
    bool never_read_primary;  /**< what is ELPQ_READONLY waits for a standby
                                   rather than to go to the primary         */
    bool begin_on_standbys;   /**< read_only transactions count as READONLY */
    elpq_router_event_cb event;
    void *event_arg;
} elpq_router_options;

/**
 * Makes a router.  hosts is a list of conninfo strings (see elpq_connect()),
 * one for each host, ended by NULL, 64 at most; options->pool.conn.params
 * hold for all.  Nothing needs to be up: requests wait for their host within
 * their deadlines.  (But while no host has ever answered, they fail with the
 * error of the last one as soon as all were tried.)
 *
 * Returns NULL if the arguments make no sense; then *error (unless NULL) says
 * why, to be freed with elpq_error_free().
 */
ELPQ_API elpq_router *elpq_router_new(struct event_base *base,
                                      const char *const *hosts,
                                      const elpq_router_options *options,
                                      elpq_error **error);

/**
 * Closes the router and its pools, as elpq_pool_close() does; the pointer is
 * invalid for new work at once.  The callback (may be NULL) comes when all is
 * gone.  A second call can only shorten the drain.
 */
ELPQ_API void elpq_router_close(elpq_router *router, int drain_ms,
                                elpq_done_cb callback, void *arg);

/**
 * Executes one statement: on a standby if it, or options->flags, says
 * ELPQ_READONLY, else on the primary.  Also as elpq_execute(router, ...).
 *
 * Returns 0, or ELPQ_E_USAGE, ELPQ_E_NOMEM, ELPQ_E_FULL (max_waiting),
 * ELPQ_E_CLOSED or ELPQ_E_FORKED.
 */
ELPQ_API int elpq_router_execute(elpq_router *router,
                                 const elpq_statement *statement,
                                 const elpq_options *options,
                                 elpq_result_cb callback, void *arg);

/** The same for a stream (stream.h).  Once rows were handed over, it is not
 *  sent again.  Also as elpq_stream(router, ...). */
ELPQ_API int elpq_router_stream(elpq_router *router,
                                const elpq_statement *statement,
                                const elpq_options *options,
                                elpq_rows_cb rows, elpq_done_cb done,
                                void *arg);

/** Executes a script on the primary, or with ELPQ_READONLY in options->flags
 *  on a standby.  Also as elpq_script(router, ...). */
ELPQ_API int elpq_router_script_trusted(elpq_router *router, const char *sql,
                                        const elpq_options *options,
                                        elpq_script_cb each,
                                        elpq_done_cb done, void *arg);

/** Borrows a connection to the primary, or with ELPQ_READONLY in
 *  options->flags to a standby; see elpq_pool_acquire(). */
ELPQ_API int elpq_router_acquire(elpq_router *router,
                                 const elpq_options *options,
                                 elpq_conn_cb callback, void *arg);

/** Executes a batch, all or nothing, on the primary, or with ELPQ_READONLY in
 *  options->flags on a standby; see elpq_pool_batch().  Also as
 *  elpq_batch(router, ...). */
ELPQ_API int elpq_router_batch(elpq_router *router,
                               const elpq_statement *const statements[],
                               size_t n, const elpq_options *options,
                               elpq_batch_cb each, elpq_done_cb done,
                               void *arg);

/** Executes a statement for many rows on the primary; see
 *  elpq_pool_execute_many().  The wait for a primary counts in its deadline;
 *  rows are never sent again.  Also as elpq_execute_many(router, ...). */
ELPQ_API int elpq_router_execute_many(elpq_router *router,
                                      const elpq_statement *statement,
                                      const elpq_rows_source *source,
                                      const elpq_options *options,
                                      elpq_many_cb callback, void *arg);

/** Begins a transaction on the primary; a read_only one on a standby, if
 *  begin_on_standbys says so.  Also as elpq_begin(router, ...). */
ELPQ_API int elpq_router_begin(elpq_router *router,
                               const elpq_tx_options *options,
                               elpq_tx_cb callback, void *arg);

/**
 * Runs a body in a transaction, on the host that elpq_router_begin() would
 * take; otherwise as elpq_pool_transact().  Each attempt goes to the host that
 * is the right one then: so a primary that is lost, or found to be a standby
 * (25006; told by servers from PostgreSQL 14 on), costs an attempt, and the
 * next one waits for its successor, within the deadline.  A lost COMMIT is
 * asked about on the host that it was sent to, and on no other; if that does
 * not come back as a primary within resolve_ms, it stays IN_DOUBT, and the body
 * does not run again.  Also as elpq_transact(router, ...).
 */
ELPQ_API int elpq_router_transact(elpq_router *router,
                                  const elpq_transact_options *options,
                                  elpq_body_cb body, elpq_done_cb done,
                                  void *arg);

/**
 * COPY, as of a pool (copy.h): into a table of the primary; out of the primary,
 * or with ELPQ_READONLY in options->flags out of a standby.  Once the writer
 * was called, or data were handed over, it is not sent again.  Also as
 * elpq_copy_in(router, ...) and so on.
 */
ELPQ_API int elpq_router_copy_in(elpq_router *router,
                                 const elpq_copy_spec *spec,
                                 const elpq_options *options,
                                 elpq_copy_ready_cb ready, elpq_result_cb done,
                                 void *arg);
ELPQ_API int elpq_router_copy_out(elpq_router *router,
                                  const elpq_copy_spec *spec,
                                  const elpq_options *options,
                                  elpq_copy_data_cb data, elpq_result_cb done,
                                  void *arg);
ELPQ_API int elpq_router_copy_out_rows(elpq_router *router,
                                       const elpq_copy_spec *spec,
                                       const elpq_options *options,
                                       elpq_copy_rows_cb rows,
                                       elpq_result_cb done, void *arg);

/*
 * The rest goes to the primary, whatever options->flags say, and otherwise is
 * what it is on a pool: listen.h, lock.h, large_object.h, transact.h.
 */

/** Sends a notification.  Also as elpq_notify(router, ...). */
ELPQ_API int elpq_router_notify(elpq_router *router, const char *channel,
                                const char *payload,
                                const elpq_options *options, elpq_done_cb done,
                                void *arg);

/** Takes an advisory lock, in a session of the primary; it is lost with that
 *  (options->lost).  Also as elpq_lock_acquire(router, ...). */
ELPQ_API int elpq_router_lock(elpq_router *router, elpq_lock_key key,
                              const elpq_lock_options *options,
                              elpq_lock_cb callback, void *arg);

/** Creates a large object.  Also as elpq_lo_create(router, ...). */
ELPQ_API int elpq_router_lo_create(elpq_router *router, uint32_t oid,
                                   const elpq_options *options,
                                   elpq_lo_oid_cb callback, void *arg);

/** Removes a large object.  Also as elpq_lo_unlink(router, ...). */
ELPQ_API int elpq_router_lo_unlink(elpq_router *router, uint32_t oid,
                                   const elpq_options *options,
                                   elpq_done_cb done, void *arg);

/** Ends or lists prepared transactions, which a promoted standby has as well.
 *  Also as elpq_commit_prepared(router, ...) and so on. */
ELPQ_API int elpq_router_commit_prepared(elpq_router *router, const char *gid,
                                         const elpq_options *options,
                                         elpq_done_cb callback, void *arg);
ELPQ_API int elpq_router_rollback_prepared(elpq_router *router,
                                           const char *gid,
                                           const elpq_options *options,
                                           elpq_done_cb callback, void *arg);
ELPQ_API int elpq_router_list_prepared(elpq_router *router,
                                       const elpq_options *options,
                                       elpq_result_cb callback, void *arg);

/** Checks all hosts now, as if something had gone wrong on them. */
ELPQ_API void elpq_router_check(elpq_router *router);

/** One host, as it is known now. */
typedef struct elpq_host_info {
    const char *name;      /**< "address:port"; as long as the router        */
    elpq_role role;
    bool up;               /**< it answered the last check                  */
    bool current;          /**< a standby within the lag bound              */
    int64_t lag_ms;        /**< of a standby; -1: not known                 */
    int64_t lag_bytes;     /**< -1: not known                               */
    int64_t round_trip_usec; /**< smoothed                                  */
    uint64_t requests;     /**< given to its pool, retries included         */
    uint64_t checks;       /**< that were answered                          */
    uint64_t check_failures;
    elpq_pool_statistics pool;
} elpq_host_info;

/** Fills *out; false if there is no such host. */
ELPQ_API bool elpq_router_host(const elpq_router *router, unsigned host,
                               elpq_host_info *out);

/** Counters and gauges; see elpq_router_stats(). */
typedef struct elpq_router_statistics {
    unsigned hosts;
    int primary;           /**< the host that is it; -1: none               */
    unsigned waiting;      /**< for a host; those in the pools not counted  */
    uint64_t to_primary;   /**< requests given to the primary               */
    uint64_t to_standbys;
    uint64_t retries;      /**< of them, those that were sent again         */
    uint64_t refused;      /**< turned away with ELPQ_E_FULL                */
    uint64_t timeouts;     /**< deadlines that passed in line               */
    uint64_t primaries;    /**< times that a host became the primary        */
} elpq_router_statistics;

ELPQ_API void elpq_router_stats(const elpq_router *router,
                                elpq_router_statistics *out);

#ifdef __cplusplus
}
#endif
#endif

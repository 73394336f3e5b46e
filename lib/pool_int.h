/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of the pool share: pool.c, which makes, closes and takes
 * requests; pool_open.c, which makes connections; pool_conns.c, which
 * moves them; pool_share.c, which lets
 * statements share busy ones; pool_hooks.c and pool_stats.c.
 */
#ifndef ELPQ_LIB_POOL_INT_H
#define ELPQ_LIB_POOL_INT_H

#include "conn_int.h"
#include "elpq/pool.h"
#include "lender.h"

/* Where a connection of the pool is; see pool_conns.c. */
enum place {
    CONNECTING,
    IDLE,
    BUSY,
    LEASED,
    DRAINING,
    RESETTING,
    PINGING,
    PLACES
};

/* Who watches a pool: told, from the loop, what goes wrong on its server. */
struct elpq__pool_watch {
    /* A statement was refused; see struct elpq__owner.                    */
    void (*failed)(struct elpq__pool_watch *watch, elpq_conn *conn,
                   elpq_request *request, const PGresult *failure);
    /* A connection broke, or none could be made.                          */
    void (*lost)(struct elpq__pool_watch *watch);
    /* Whether what the server has committed is what counts.               */
    bool (*is_primary)(const struct elpq__pool_watch *watch);
};

struct elpq_pool {
    struct elpq__line line; /* the requests' way to us                    */
    struct elpq__lender lender;
    struct event_base *base;
    struct elpq__loop *loop;
    elpq_pool_options options;
    char *conninfo;
    char **params;
    char **on_connect;
    struct elpq__catalog *catalog; /* of a router's pool: the router's    */
    elpq_request **prepare; /* templates, ended by NULL                   */

    struct elpq__list waiting;
    unsigned nwaiting;
    struct elpq__list conns[PLACES];
    unsigned count[PLACES];

    struct elpq__task serve;
    struct elpq__timer backoff;
    unsigned failures;   /* pauses in a row after failed connects         */
    bool was_connected;  /* at least once                                 */
    uint64_t random;

    unsigned slow_pings; /* PINGING, and late to answer                   */
    bool shrunk;         /* more connections than max_size, perhaps       */
    bool closing;        /* takes nothing new                             */
    bool closed;         /* its end is posted                             */
    struct elpq__timer drain;
    struct elpq__task end;
    elpq_done_cb on_end;
    void *on_end_arg;

    struct elpq__pool_watch *watch; /* or NULL                            */
    elpq_pool_statistics stats;
};

unsigned elpq__pool_size(const elpq_pool *pool);

/* Serves the line, and looks what else is to be done, at the turn's end. */
void elpq__pool_wake(elpq_pool *pool);
void elpq__pool_serve(struct elpq__task *task);
void elpq__pool_backed_off(struct elpq__timer *timer);

/* A request in line was canceled, or its deadline passed. */
void elpq__pool_left(struct elpq__line *line, elpq_request *request);
void elpq__pool_fail_waiting(elpq_pool *pool, const elpq_error *error);

/*
 * Takes a connection out of the pool, counts and tells why (error may be
 * NULL); a lent one stays with its borrower.
 */
void elpq__pool_drop(elpq_conn *conn, elpq_pool_reason reason,
                     const elpq_error *error);
/* The same, but nothing is counted, and nobody told. */
void elpq__pool_drop_quietly(elpq_conn *conn);
/* The same for one that is over. */
void elpq__pool_retire(elpq_conn *conn);
/* As elpq_conn_release(), unless the lease was ended from outside, and the
 * connection is another one's. */
void elpq__lease_end(elpq_conn *conn, unsigned lease);
/* The one who moves a connection.  IDLE puts it first in line for use. */
void elpq__pool_move(elpq_conn *conn, enum place place);
extern const struct elpq__owner elpq__pool_owner;
void elpq__pool_slot_timer(struct elpq__timer *timer);

/* Whether it is to go when nobody uses it: too old, expired, one too many. */
static inline bool elpq__pool_is_over(const elpq_conn *conn, int64_t now)
{
    const elpq_pool *pool = conn->slot_pool;

    return conn->slot_stale ||
           (conn->slot_retire && now >= conn->slot_retire) ||
           (pool->shrunk && elpq__pool_size(pool) > pool->options.max_size);
}
/* The first statement in line goes to a BUSY connection. */
void elpq__pool_run_first(elpq_pool *pool, elpq_conn *conn);

/* ----------------------------------------------------------- pool_open.c */

/* Connections that are about to become idle, by all appearances. */
static inline unsigned elpq__pool_coming(const elpq_pool *pool)
{
    return pool->count[CONNECTING] + pool->count[PINGING] - pool->slow_pings;
}
/* Whether one more may be made now. */
bool elpq__pool_may_open(const elpq_pool *pool);
/* Makes one; false if it may not be, or cannot. */
bool elpq__pool_open_one(elpq_pool *pool);
/* Makes none for a while, which grows. */
void elpq__pool_back_off(elpq_pool *pool);

/* As the connection's owner: connected or not; a time to prepare; lost. */
void elpq__pool_opened(elpq_conn *conn, const elpq_error *error);
void elpq__pool_setting_up(elpq_conn *conn);
void elpq__pool_lost(elpq_conn *conn, const elpq_error *error);

/* One that is being made is not to be used: `error` tells why. */
void elpq__pool_refuse(elpq_conn *conn, const elpq_error *error);
/* It is made, and all hooks agree. */
void elpq__pool_admit(elpq_conn *conn);

/* ---------------------------------------------------------- pool_share.c */

/* An idle connection is about to run the request, of a pool that shares. */
void elpq__pool_begin_sharing(elpq_conn *conn, const elpq_request *request);
/* Sends what may be sent behind other statements. */
void elpq__pool_share(elpq_pool *pool);

/* ---------------------------------------------------------- pool_hooks.c */

/* Fills in the rest of the event, and tells whoever wants to know. */
void elpq__pool_event(elpq_pool *pool, elpq_pool_event *event);
void elpq__pool_before_connect(elpq_pool *pool, elpq_conn *conn);
void elpq__pool_after_connect(elpq_pool *pool, elpq_conn *conn);
/* A lease begins, and lasts for too long. */
void elpq__pool_lent(elpq_conn *conn, const char *tag);
void elpq__pool_lease_leaks(elpq_conn *conn);
/* It comes back: whether the pool may keep it.  A hook may have closed it. */
bool elpq__pool_keeps(elpq_conn *conn);

/* -------------------------------------------------------------- lookup.c */

/* A new pool gets a catalog, for whose types it asks; false: no memory. */
bool elpq__lookup_pool(elpq_pool *pool);
/* Gives a catalog up; if it is the owner's, nobody asks any more. */
void elpq__lookup_leave(struct elpq__catalog *catalog, const void *owner);

/* ---------------------------------------------------------- pool_stats.c */

/* Counts a time; what is no time at all costs next to nothing. */
static inline void elpq__histogram_add(elpq_histogram *h, int64_t usec)
{
    unsigned i;

    if (usec <= 0) {
        h->buckets[0]++;
        return;
    }
    h->sum_usec += (uint64_t)usec;
    if ((uint64_t)usec > h->max_usec)
        h->max_usec = (uint64_t)usec;
    i = 64 - (unsigned)__builtin_clzll((unsigned long long)usec);
    h->buckets[i < ELPQ_HISTOGRAM_BUCKETS ? i : ELPQ_HISTOGRAM_BUCKETS - 1]++;
}

/* Puts a request into the line, whatever its length; the pool is open. */
void elpq__pool_enlist(elpq_pool *pool, elpq_request *request);
/* min_size has changed: who may go, and when. */
void elpq__pool_idle_timers(elpq_pool *pool);
/* Requests that wait, run, or hold a lease. */
unsigned elpq__pool_load(const elpq_pool *pool);
/* Ends all connections, lent ones too, as if they had broken. */
void elpq__pool_expel(elpq_pool *pool, const char *text);

/* A closing pool ends when nobody waits and nobody works. */
void elpq__pool_check_end(elpq_pool *pool);

#endif

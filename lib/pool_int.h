/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the two files of the pool share: pool.c, which makes, closes and takes
 * requests, and pool_conns.c, which moves connections.
 */
#ifndef ELPQ_LIB_POOL_INT_H
#define ELPQ_LIB_POOL_INT_H

#include "conn_int.h"
#include "elpq/pool.h"

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

/*
 * Somebody who comes back to the pool after a pause.  `closing` comes once,
 * inside elpq_pool_close(): the guest is in no list then, forgets the pool,
 * and must not call back before it returns.
 */
struct elpq__guest {
    struct elpq__node node;
    void (*closing)(struct elpq__guest *guest);
};

/* Who watches a pool: told, from the loop, what goes wrong on its server. */
struct elpq__pool_watch {
    /* A statement was refused; see struct elpq__owner.                    */
    void (*failed)(struct elpq__pool_watch *watch, elpq_conn *conn,
                   elpq_request *request, const PGresult *failure);
    /* A connection broke, or none could be made.                          */
    void (*lost)(struct elpq__pool_watch *watch);
};

struct elpq_pool {
    struct elpq__line line; /* the requests' way to us                    */
    struct event_base *base;
    struct elpq__loop *loop;
    elpq_pool_options options;
    char *conninfo;
    char **params;
    char **on_connect;
    struct elpq__catalog *catalog;

    struct elpq__list waiting;
    unsigned nwaiting;
    struct elpq__list guests;
    struct elpq__list conns[PLACES];
    unsigned count[PLACES];

    struct elpq__task serve;
    struct elpq__timer backoff;
    unsigned failures;   /* pauses in a row after failed connects         */
    bool was_connected;  /* at least once                                 */
    uint64_t random;

    bool closing;        /* takes nothing new                             */
    bool closed;         /* its end is posted                             */
    struct elpq__timer drain;
    struct elpq__task end;
    elpq_done_cb on_end;
    void *on_end_arg;

    struct elpq__pool_watch *watch; /* or NULL                            */
    elpq_pool_statistics stats;
};

/* 0, or why the pool takes no more requests. */
int elpq__pool_check(elpq_pool *pool);
/* Puts a submitted request in line, or lets its error out; returns 0. */
int elpq__pool_submit(elpq_pool *pool, elpq_request *request);

unsigned elpq__pool_size(const elpq_pool *pool);

/* Serves the line, and looks what else is to be done, at the turn's end. */
void elpq__pool_wake(elpq_pool *pool);
void elpq__pool_serve(struct elpq__task *task);
void elpq__pool_backed_off(struct elpq__timer *timer);

/* A request in line was canceled, or its deadline passed. */
void elpq__pool_left(struct elpq__line *line, elpq_request *request);
void elpq__pool_fail_waiting(elpq_pool *pool, const elpq_error *error);

/* Takes a connection out of the pool; a lent one stays with its borrower. */
void elpq__pool_drop(elpq_conn *conn);

/* Puts a request into the line, whatever its length; the pool is open. */
void elpq__pool_admit(elpq_pool *pool, elpq_request *request);
/* Requests that wait, run, or hold a lease. */
unsigned elpq__pool_load(const elpq_pool *pool);
/* Ends all connections, lent ones too, as if they had broken. */
void elpq__pool_expel(elpq_pool *pool, const char *text);

/* A closing pool ends when nobody waits and nobody works. */
void elpq__pool_check_end(elpq_pool *pool);

#endif

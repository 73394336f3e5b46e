/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of the router share: router.c, which takes requests and gives
 * them to hosts; router_open.c, which makes and closes it; router_hosts.c,
 * which knows what the hosts are.
 */
#ifndef ELPQ_LIB_ROUTER_INT_H
#define ELPQ_LIB_ROUTER_INT_H

#include "elpq/router.h"
#include "pool_int.h"

#define ELPQ__HOSTS_MAX 64
/* Moments of the primary's WAL that are remembered; see router_hosts.c. */
#define ELPQ__SAMPLES 64

struct elpq__host {
    elpq_router *router;
    unsigned number;
    char *name;
    char *conninfo;
    elpq_pool *pool;
    struct elpq__pool_watch watch;

    /* the check */
    elpq_conn *monitor;       /* or NULL                                  */
    struct elpq__watcher gone;
    struct elpq__timer next;
    bool checking;
    bool again;               /* something went wrong since it began      */
    bool hiccup;              /* the last one was refused by the server   */
    int64_t due;              /* of the check                             */
    int64_t asked;            /* when its statement was submitted         */
    unsigned failures;        /* in a row                                 */

    /* what is known; written by router_hosts.c alone */
    elpq_role role;
    bool tried;               /* a check has ended, well or not           */
    bool up;
    bool doubtful;            /* until the next check                     */
    bool writable;            /* by its own words                         */
    bool rival;               /* writable, and not the primary            */
    bool diverged;            /* it has replayed what the primary lacks   */
    bool current;             /* as was told in events                    */
    int64_t answered;
    int64_t lsn;              /* replayed, or of the primary: flushed     */
    int64_t timeline;         /* its own, or received; 0: unknown         */
    int64_t fresh;            /* all until then was replayed; 0: unknown  */
    int64_t round_trip;
    uint64_t requests;
    uint64_t checks;
    uint64_t check_failures;
};

/* All that was committed before `time` is in the WAL before `lsn`. */
struct elpq__sample {
    int64_t time;
    int64_t lsn;
};

/* The two lines. */
enum { ELPQ__WRITES, ELPQ__READS, ELPQ__LINES };

struct elpq_router {
    struct elpq__line line;
    struct elpq__lender lender;
    struct event_base *base;
    struct elpq__loop *loop;
    elpq_router_options options;
    elpq_conn_options monitor; /* of the checks' connections              */
    struct elpq__host *hosts;
    unsigned nhosts;
    struct elpq__catalog *catalog; /* of all pools                        */
    uint64_t random;

    struct elpq__list waiting[ELPQ__LINES];
    unsigned nwaiting;
    struct elpq__task serve;
    unsigned turn;             /* where the search for a standby begins   */

    struct elpq__host *primary;
    int64_t newest_timeline;   /* of all primaries that there were        */
    struct elpq__host *sampled; /* whose WAL the samples are of           */
    int64_t sampled_timeline;
    struct elpq__sample samples[ELPQ__SAMPLES]; /* the oldest first       */
    unsigned nsamples;
    unsigned hunts;            /* checks without a primary, in a row      */
    bool was_up;               /* a host was, at least once               */

    bool closing;              /* takes nothing new                       */
    bool drain_forever;
    bool stopped;              /* the pools are closing                   */
    unsigned open;             /* pools                                   */
    struct elpq__timer drain;
    struct elpq__task end;
    elpq_done_cb on_end;
    void *on_end_arg;

    elpq_router_statistics stats;
};

/* --------------------------------------------------------------- router.c */

/* Serves the lines at the turn's end. */
void elpq__router_wake(elpq_router *router);
/* Those in line hear of an error. */
void elpq__router_fail_waiting(elpq_router *router, const elpq_error *error);
/* Of a new one: its lines, empty, and what it does as a lender. */
void elpq__router_lines_init(elpq_router *router);
/* Of a new host with its pool: what goes wrong there comes back here, and its
 * types are ours. */
void elpq__router_watch(struct elpq__host *host);

/* ---------------------------------------------------------- router_open.c */

/* Nobody is in line: closes the pools; the rest of the drain is their own. */
void elpq__router_stop(elpq_router *router);

/* -------------------------------------------------------------- lookup.c */

/* As elpq__lookup_pool(). */
bool elpq__lookup_router(elpq_router *router);

/* --------------------------------------------------------- router_hosts.c */

/* Begins to watch; the fields that router.c owns are set. */
void elpq__host_start(struct elpq__host *host);
void elpq__host_stop(struct elpq__host *host);
/* Something went wrong: nothing new for it until a check has come back. */
void elpq__host_doubt(struct elpq__host *host);
/* The same without a suspicion: also a host that is down is tried now. */
void elpq__host_check_now(struct elpq__host *host);
/* Whether it may get statements that write. */
bool elpq__host_writable(const struct elpq__host *host);
/* Whether it is a standby within the bound, now. */
bool elpq__host_current(const struct elpq__host *host);
/* Its lag; -1 if nothing is known. */
int64_t elpq__host_lag_usec(const struct elpq__host *host);
int64_t elpq__host_lag_bytes(const struct elpq__host *host);

#endif

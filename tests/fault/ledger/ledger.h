/* SPDX-License-Identifier: PostgreSQL */
/*
 * The ledger: a bank under chaos, and its books.
 *
 *   main.c      reads the options, makes everything, and says what came out
 *   servers.c   the servers, the proxies, and the pool or router of the bank
 *   bank.c      tasks that move money, one transfer after another
 *   resolve.c   what became of a transfer whose COMMIT was lost
 *   journal.c   what the client knows, on disk before and after each transfer
 *   chaos.c     kills, cancels, crashes, fail-overs
 *   timeline.c  counts over time; plot.c draws them
 *   verify.c    compares the journal with the database
 *
 * All of it runs on one event_base, the proxies included, but for the thread
 * of the journal.  docs/ledger.md tells what is promised and how it is tested.
 */
#ifndef ELPQ_TESTS_LEDGER_H
#define ELPQ_TESTS_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elpq/elpq.h"
#include "elpq/testkit.h"

struct event_base;

enum { TASKS = 64, CONNECTIONS = 16, ACCOUNTS = 200, BALANCE = 1000 };
enum { CODES = 20 }; /* room for those of elpq_code                        */

/* Mistakes that a bank could make; the verification has to find each. */
enum mistake {
    NO_MISTAKE,
    TRUST,  /* what is in doubt is taken as committed                      */
    DENY,   /* what is in doubt is taken as failed                         */
    AGAIN,  /* what is in doubt is done again, without a question          */
    DOUBLE, /* now and then money is moved twice                           */
};

struct settings {
    int seconds;
    uint64_t seed;
    int pace; /* of the chaos, in percent                                  */
    int crash_seconds; /* a crash so often                                 */
    bool replica;
    bool pgbouncer;
    enum mistake mistake;
    const char *journal; /* paths                                          */
    const char *plot;
};

/* Numbers from the seed. */
uint32_t chance(uint32_t limit); /* 0 .. limit - 1                         */
int64_t now_usec(void);

/* Ends the run, with status 2: the surroundings failed, not elpq. */
_Noreturn void give_up(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* ---------------------------------------------------------------- servers */

void servers_start(struct event_base *base, const struct settings *settings);
void servers_stop(void); /* also when the program ends early               */

/* Commands of tests/support/cluster, one after another; `then` (may be NULL)
 * gets the answer to each.  At most 8 wait. */
void servers_tell(void (*then)(const char *answer), const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int servers_nodes(void);
const char *servers_conninfo(int node); /* of the node itself; static      */

/* The bank's way to the database: through the proxies. */
void target_open(elpq_notice_cb notice);
void target_close(void); /* runs the loop until all is gone                */
elpq_pool *target_pool(void); /* NULL: there is a router                   */
int target_execute(const elpq_statement *statement,
                   const elpq_options *options, elpq_result_cb callback,
                   void *arg);
int target_begin(const elpq_tx_options *options, elpq_tx_cb callback,
                 void *arg);

/* Resets a connection, at once or at a random byte of the next one. */
void proxies_reset_one(void);
uint64_t proxies_resets(void);
uint64_t proxies_open(void); /* connections                                */

/* ------------------------------------------------------------------- bank */

enum outcome { COMMITTED, FAILED, DOUBT };

struct transfer {
    int64_t id; /* the task's number << 32 | its count                     */
    int from, to, amount;
    char xid[24]; /* "": not known                                         */
};

struct bank_counts {
    uint64_t submissions, callbacks, stray; /* stray: came once too often  */
    uint64_t transfers;
    uint64_t outcomes[DOUBT + 1];
    uint64_t codes[CODES]; /* of the errors of those that failed           */
    uint64_t yes, no;   /* what became of those in doubt                   */
    uint64_t misled;    /* pg_xact_status() said otherwise                 */
    uint64_t cancels;   /* of running requests                             */
    uint64_t wrong;     /* times that the mistake did harm                 */
    uint64_t deadlines; /* a few milliseconds, given to a statement        */
};
extern struct bank_counts bank;

void bank_start(const struct settings *settings);
void bank_stop(void);
bool bank_is_done(void); /* stopped, and every transfer has its outcome    */

/* Cancels a statement; gives a deadline to one.  False if there was none. */
bool bank_cancel_one(void);
bool bank_hurry_one(void);

/* A COMMIT that may not be on the standby is in doubt, says the server. */
void bank_on_notice(elpq_conn *conn, const elpq_error *notice, void *arg);

/* What became of it, for certain: then(true, arg) if it was committed.  Asks
 * until it knows; each question is counted as a submission of the bank. */
void resolve(const struct transfer *transfer,
             void (*then)(bool committed, void *arg), void *arg);
void resolve_warned(void); /* what was just written may be lost            */

/* ---------------------------------------------------------------- journal */

void journal_open(struct event_base *base, const char *path);
void journal_close(void); /* all of it is on disk                          */
void journal_write(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Calls back from the loop when what was written so far is on disk. */
void journal_sync(void (*then)(void *arg), void *arg);

/* ------------------------------------------------------------------ chaos */

struct chaos_counts {
    uint64_t terminated; /* backends                                       */
    uint64_t crashes;
    uint64_t failovers;
};
extern struct chaos_counts chaos;

void chaos_start(struct event_base *base, const struct settings *settings);
void chaos_stop(void);
bool chaos_is_done(void); /* stopped, and the servers are up               */
void chaos_end(void);
int chaos_primary(void); /* the node                                       */

/* --------------------------------------------------------------- timeline */

enum series { S_COMMITTED, S_FAILED, S_DOUBT, S_KILLS, S_CANCELS, S_MANY };
enum mark { M_CRASH, M_FAILOVER };

#define SLOT_MS 250
#define SLOTS_MAX (4 * 3600 * 2) /* two hours                              */
#define MARKS_MAX 1000

struct mark_on {
    enum mark kind;
    int64_t down; /* microseconds since the start: the order to crash      */
    int64_t dead; /* its last process has ended; 0: not yet, as below      */
    int64_t up;   /* pg_ctl says so; transfers may go on before            */
    int64_t back; /* the first transfer begun after `dead` is acknowledged */
};

struct timeline {
    int64_t start;
    unsigned slots; /* used                                                */
    uint32_t counts[S_MANY][SLOTS_MAX];
    unsigned nmarks;
    struct mark_on marks[MARKS_MAX];
};
extern struct timeline timeline;

void timeline_start(void);
void timeline_add(enum series series, unsigned n);
void timeline_committed(int64_t begun); /* at now_usec()                   */
void timeline_down(enum mark kind);
void timeline_dead(void);
void timeline_up(void);

/* The median of the times from a crash to the first acknowledged transfer,
 * and the longest, in milliseconds; 0 if there was none. */
void timeline_recovery(int *p50, int *max);

/* Draws the timeline as SVG; false, with errno, if that cannot be written. */
bool plot_write(const char *path, const struct settings *settings);

/* ----------------------------------------------------------------- verify */

struct verdict {
    uint64_t acknowledged;   /* by the journal, resolved ones included     */
    uint64_t applied;        /* transfers in the database                  */
    uint64_t missing;        /* acknowledged, and not applied              */
    uint64_t twice;          /* transfers, and accounts that show more, or
                                less, than their transfers                 */
    uint64_t failed_applied; /* reported as failed, and applied            */
    uint64_t unresolved;     /* no outcome, or in doubt for ever           */
    uint64_t unknown;        /* applied, and not in the journal            */
    int64_t sum, wanted_sum;
};

void verify_prepare(const char *conninfo); /* makes the tables             */
void verify(const char *conninfo, const char *journal, struct verdict *v);
bool verdict_is_good(const struct verdict *v);

#endif

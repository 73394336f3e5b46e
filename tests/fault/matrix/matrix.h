/* SPDX-License-Identifier: PostgreSQL */
/*
 * The fault matrix: every state that a connection can be in, times every fault
 * that can strike it.
 *
 * states.c has the states: each brings a new pool, behind a proxy of its own,
 * into it, and awaits by an event that it is there.  faults.c has the faults.
 * table.c has what must come of each pair, and prints it.  cell.c runs a cell,
 * and asserts the same of each; check_matrix.c runs them all.
 *
 * A cell owns all that it made; its session under test is the first that goes
 * through its proxy.
 */
#ifndef ELPQ_TESTS_MATRIX_H
#define ELPQ_TESTS_MATRIX_H

#include "../../support/harness.h"
#include "../../support/harness_internal.h"
#include "elpq/testkit.h"

#define MANY_QUESTIONS 8
#define OUTCOME_SIZE 100
#define SOME_ROWS 110 /* of a stream, or COPY */

enum state_id {
    CONNECTING_STATE,
    TLS_STATE,
    AUTHENTICATING,
    IDLE_IN_POOL,
    SENT_STATE,
    HALF_A_ROW,
    PAUSED_STREAM,
    PIPELINE,
    PIPELINE_ABORTED,
    COPY_IN,
    COPY_OUT,
    IN_TRANSACTION,
    COMMIT_SENT,
    CANCEL_IN_FLIGHT,
    LISTENING,
    RESETTING_STATE,
    MANY_STATES
};

enum fault_id {
    FIN,
    RST,
    TRUNCATED,
    KILLED,
    SHUTDOWN,
    TERMINATED,
    BLACK_HOLE,
    STALL,
    STOPPED,
    DEADLINE,
    ONE_BYTE,
    WRONG_TYPE,
    OVERSIZED,
    INTERLEAVED,
    EXTRA_READY,
    CANCEL,
    FREED,
    POOL_CLOSE,
    NO_MEMORY,
    NO_DESCRIPTOR,
    MANY_FAULTS
};

struct cell {
    enum state_id state;
    enum fault_id fault;
    int64_t nonce;     /* of the first question, and the key of its lock   */
    elpq_faultproxy *proxy;
    elpq_pool *pool;   /* NULL once closed                                 */
    elpq_listener *listener;
    elpq_conn *conn;   /* lent                                             */
    elpq_tx *tx;
    elpq_copy *copy;   /* while it is under way                            */
    int pid;           /* of the session's backend; 0: it has none yet     */
    struct answer *q[MANY_QUESTIONS];
    int nq;
    bool timed[MANY_QUESTIONS]; /* its deadline was brought forward        */
    uint64_t others;   /* questions of the pool besides                    */
    uint64_t base;     /* bytes of the server before the state             */
    int64_t rows;      /* of a stream or COPY                              */
    bool locked;       /* admin holds its lock                             */
    bool went_on;
    bool frees;        /* everything, in the next notice                   */
    int noticed;
    int events;        /* of its connections                               */
    int ups, downs, gaps, heard; /* of the listener                        */
    int down_code;
};

/* What is a state's, and a fault's. */
struct state {
    const char *name;
    void (*reach)(struct cell *c);
    void (*go_on)(struct cell *c);   /* what ends it if there is no fault; it
                                        does not turn the loop             */
    void (*follow)(struct cell *c);    /* after the fault; may be NULL       */
    bool held;                       /* by the proxy: the server is done   */
    bool early;                      /* there is no session yet            */
    bool stores;                     /* a row, if the first question says so */
};
extern const struct state states[MANY_STATES];

struct fault {
    const char *name;
    void (*prepare)(struct cell *c); /* before it connects; may be NULL    */
    void (*strike)(struct cell *c);
    void (*mend)(struct cell *c);    /* may be NULL                        */
    bool loud;                       /* an idle connection sees its end    */
    bool goes_on;                    /* then what was under way goes on    */
    bool late;                       /* it strikes after that              */
    bool silent;                     /* only a deadline ends it            */
};
extern const struct fault faults[MANY_FAULTS];

/* ------------------------------------------------------------------ cell.c */

/* In this order, and cell_finish() frees it; the answers are the test's. */
struct cell *cell_new(enum state_id state, enum fault_id fault, int64_t nonce);
void cell_reach(struct cell *c);
void cell_strike(struct cell *c);
void cell_finish(struct cell *c);

/* Parts of cell_strike(): what was under way goes on, once; and what comes
 * behind the fault is asked. */
void cell_go_on(struct cell *c);
void cell_follow(struct cell *c);

void rule(struct cell *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
elpq_faultproxy_stats proxied(const struct cell *c);

/* Turns the loop until the condition holds, for WAIT_SECONDS at most. */
#define await_that(c, condition)                                              \
    for (int64_t end_ = now_usec() + patience();;                             \
         harness_turn(EVLOOP_ONCE | EVLOOP_NONBLOCK)) {                       \
        if (condition)                                                        \
            break;                                                            \
        ck_assert_msg(now_usec() < end_, "%s, %s: never %s",                  \
                      states[(c)->state].name, faults[(c)->fault].name,       \
                      #condition);                                            \
    }
int64_t patience(void);

/* A question, with the next nonce; the statement answers with it. */
struct answer *keep_question(struct cell *c, struct answer *a);
int64_t next_nonce(const struct cell *c);

/* The connection under test, wherever it is; NULL if it is gone. */
elpq_conn *session_of(const struct cell *c);

/* The lock that holds statements of this cell up. */
void lock_cell(struct cell *c);
void unlock_cell(struct cell *c);
void await_locked(struct cell *c);

/* Brings deadlines forward, and with `grace` the end of a cancel. */
void hurry(struct cell *c, bool grace);

/* Closes pool, leases, transactions, listener. */
void free_all(struct cell *c);

/* ----------------------------------------------------------------- table.c */

/* What must come of a cell; NULL if it makes no sense. */
const char *expected_of(enum state_id state, enum fault_id fault);

/* Whether it is one of those: "ok or LOST in doubt" are two. */
bool is_expected(const char *outcome, const char *expected);

/* Tells that a cell was well, in the file of results. */
void table_note(const struct cell *c);

/* Prints the table; 0 if all cells were well, and docs/faults.md says so. */
int table_report(const char *results, const char *document, bool update);

#endif

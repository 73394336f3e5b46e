/* SPDX-License-Identifier: PostgreSQL */
/*
 * What transact.c, which runs attempts, transact_stop.c, which ends them
 * early, and resolve.c, which finds out what became of a lost COMMIT, share.
 */
#ifndef ELPQ_LIB_TRANSACT_INT_H
#define ELPQ_LIB_TRANSACT_INT_H

#include "tx_int.h"

enum elpq__transact_phase {
    ELPQ__T_WAITING,
    ELPQ__T_BEGINNING,
    ELPQ__T_BODY,
    ELPQ__T_ROLLING,
    ELPQ__T_COMMITTING,
    ELPQ__T_PAUSING,
    ELPQ__T_RESOLVING,
    ELPQ__T_OVER
};

struct elpq_transactor {
    unsigned refs;            /* one, and one of the question for the id  */
    struct elpq__loop *loop;
    enum elpq__transact_phase phase;
    struct elpq__lender *lender; /* NULL: it closes, or there is none     */
    bool lent;                /* on connections of a pool or router       */
    unsigned flags;           /* of a lease                               */
    elpq_pool *pool;          /* of the connection, while there is a lender */
    struct elpq__guest guest; /* of the lender                            */
    elpq_conn *conn;          /* a reference, and if lent the lease       */
    unsigned lease;           /* of conn, when it was taken               */
    elpq_tx *parent;          /* it is a savepoint in this                */
    elpq_tx *tx;              /* BODY, and COMMITTING until COMMIT        */
    const struct elpq__scope *scope; /* of tx, until that has ended       */
    elpq_request *request;           /* WAITING: the lease.  RESOLVING: asks.
                                        BEGINNING a part: SAVEPOINT */

    elpq_body_cb body;
    elpq_done_cb done;
    void *arg;

    elpq_tx_options tx_options;
    char *tag;
    int timeout_ms;
    unsigned max_attempts;
    int backoff_min_ms;
    int backoff_max_ms;
    int resolve_ms;
    bool wait_for_id;

    unsigned attempt;
    uint64_t random;
    int64_t due;              /* 0: never                                 */
    struct elpq__timer deadline; /* and, once stopped, a push again       */
    struct elpq__timer pause;
    struct elpq__task stop;   /* stopped in PAUSING or RESOLVING          */
    elpq_code cause;          /* why it was stopped; 0: it was not        */
    bool given_up;            /* by the body, without a reason            */
    bool was_lost;            /* the connection, before COMMIT            */
    elpq_error *why;          /* the body's reason, or the doubt          */

    /* resolve.c */
    char id[24];              /* of the transaction; "": not known        */
    int64_t id_asked;         /* when                                     */
    char address[64];         /* of the server                            */
    char started[32];         /* when its postmaster was                  */
    int64_t resolve_due;
    unsigned asked;
    bool asked_enough;        /* it was canceled meanwhile                */
};

/* ------------------------------------------------------------ transact.c */

/* Calls done; t may be gone then. */
void elpq__transact_finish(elpq_transactor *t, const elpq_error *error);
/* Nothing is committed: another attempt, or the end. */
void elpq__transact_failed(elpq_transactor *t, const elpq_error *error);
void elpq__transact_unref(elpq_transactor *t);
/* A connection of the pool goes back to it. */
void elpq__transact_leave_conn(elpq_transactor *t);

/* It is in the body's turn, or just behind it: ROLLBACK goes. */
void elpq__transact_roll_back(elpq_transactor *t);

/* ------------------------------------------------------- transact_stop.c */

/* Of a new one: what is called back here. */
void elpq__transact_stop_init(elpq_transactor *t);
/* It was stopped, and nothing is committed. */
void elpq__transact_finish_stopped(elpq_transactor *t);

/* ------------------------------------------------------------- resolve.c */

/* The statement that asks for the id inside of the transaction. */
const elpq_statement *elpq__resolve_id_statement(elpq_transactor *t);
void elpq__resolve_keep_id(elpq_transactor *t, elpq_result *result);

/* COMMIT was lost: finds out, and finishes t or has it fail. */
void elpq__resolve(elpq_transactor *t, const elpq_error *doubt);
/* Asks once more. */
void elpq__resolve_ask(elpq_transactor *t);
/* It stays in doubt. */
void elpq__resolve_give_up(elpq_transactor *t);

#endif

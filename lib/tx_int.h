/* SPDX-License-Identifier: PostgreSQL */
/*
 * What tx.c offers to the other files of transactions, and twophase.c to it.
 */
#ifndef ELPQ_LIB_TX_INT_H
#define ELPQ_LIB_TX_INT_H

#include "elpq/transact.h"
#include "elpq/tx.h"
#include "lender.h"

/*
 * Begins one on a connection that is lent, and goes back; NULL is refused.
 * `flags` are those of the lease.
 */
int elpq__tx_begin(struct elpq__lender *lender, unsigned flags,
                   const elpq_tx_options *options, elpq_tx_cb callback,
                   void *arg);

/*
 * As elpq_conn_begin(), for who has a deadline of his own: *watch is what can
 * be canceled, BEGIN until it calls back, and COMMIT, which has none then.
 */
int elpq__tx_begin_on(elpq_conn *conn, const elpq_tx_options *options,
                      elpq_request **watch, elpq_tx_cb callback, void *arg);

/*
 * As elpq_savepoint(), for who has a deadline of his own: SAVEPOINT, *watch
 * until it calls back, has none.
 */
int elpq__tx_savepoint(elpq_tx *tx, elpq_request **watch, elpq_tx_cb callback,
                       void *arg);

/*
 * Gives SAVEPOINT up, soon and whatever is in front of it.  The transaction
 * around it goes on: nothing was submitted in the part yet, so a savepoint that
 * the server makes all the same is one that nobody goes back to.
 */
void elpq__tx_give_up_savepoint(elpq_request *savepoint, elpq_code cause);

/* transact.c: the same as elpq__tx_begin(), for elpq_transact(). */
int elpq__transact(struct elpq__lender *lender, unsigned flags,
                   const elpq_transact_options *options, elpq_body_cb body,
                   elpq_done_cb done, void *arg);

/* Its connection, if it takes statements now; NULL if not, or of NULL. */
elpq_conn *elpq__tx_target(const elpq_tx *tx);

/* Until it has ended. */
const struct elpq__scope *elpq__tx_scope(const elpq_tx *tx);

/* While it is owned, its user cannot commit it or roll it back.  From then on
 * its end has no deadline but what its owner does about it. */
void elpq__tx_own(elpq_tx *tx, bool on);

/* Whether nothing is in it that must end first: a savepoint, or rows. */
bool elpq__tx_is_free(const elpq_tx *tx);
/* Whether it still is what its session is in. */
bool elpq__tx_is_live(const elpq_tx *tx);

/*
 * Ends it with a statement that commits, as elpq_commit() does: if another one
 * was not sent, ROLLBACK goes instead.
 */
int elpq__tx_commit(elpq_tx *tx, const char *sql, unsigned flags,
                    elpq_done_cb callback, void *arg);

/* Room for a command with the name of a prepared transaction. */
#define ELPQ__GID_MAX 199
#define ELPQ__GID_SQL (32 + 3 + 2 * ELPQ__GID_MAX + 1)

/* "<command> '<gid>'", quoted; false if the name cannot be one. */
bool elpq__gid_sql(char sql[ELPQ__GID_SQL], const char *command,
                   const char *gid);

#endif

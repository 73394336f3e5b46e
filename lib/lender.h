/* SPDX-License-Identifier: PostgreSQL */
/*
 * Who lends connections: a pool, or a router, which has several pools.  What
 * needs a connection for a while (a transaction, a lock, rows of one
 * statement) knows only this of either, and so does what is submitted to them.
 *
 * It is a part of its pool or router, and lives as long.
 */
#ifndef ELPQ_LIB_LENDER_H
#define ELPQ_LIB_LENDER_H

#include "conn_int.h"
#include "elpq/pool.h"

/*
 * Somebody who comes back to the lender after a pause.  `closing` comes once,
 * inside the call that closes the lender: the guest is in no list then,
 * forgets the lender, and must not call back before it returns.
 */
struct elpq__guest {
    struct elpq__node node;
    void (*closing)(struct elpq__guest *guest);
};

struct elpq__lender {
    const struct elpq__lends *as;
    struct elpq__loop *loop;          /* its owner's                        */
    const elpq_pool_options *options; /* the same; of its pools             */
    struct elpq__list guests;
};

/* What a pool and a router do each in its way. */
struct elpq__lends {
    /* 0, or why it takes no more requests. */
    int (*check)(struct elpq__lender *lender);
    /* Takes a request over, its error too; else a code, and it does not. */
    int (*take)(struct elpq__lender *lender, elpq_request *request);
    /* Whether the next connection may be one to another server. */
    bool routes;
};

/* That of a pool or router, or of NULL. */
#define ELPQ__LENDER(x) ((x) ? &(x)->lender : NULL)

void elpq__lender_init(struct elpq__lender *lender,
                       const struct elpq__lends *as,
                       const elpq_pool_options *options);

/* It closes: whoever comes back later finds it gone. */
void elpq__lender_closing(struct elpq__lender *lender);

/*
 * The end of a submitting call: gives the request to the lender, or frees it
 * and returns a code.  `options` are those that it was made with.
 */
int elpq__lender_submit(struct elpq__lender *lender, elpq_request *request,
                        const elpq_options *options);

/* As elpq_pool_execute() and elpq_pool_acquire(). */
int elpq__lender_execute(struct elpq__lender *lender,
                         const elpq_statement *statement,
                         const elpq_options *options, elpq_result_cb callback,
                         void *arg);
int elpq__lender_acquire(struct elpq__lender *lender,
                         const elpq_options *options, elpq_conn_cb callback,
                         void *arg);

#endif

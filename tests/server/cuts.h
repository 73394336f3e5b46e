/* SPDX-License-Identifier: PostgreSQL */
/*
 * What check_cuts cuts: runs of scenarios, each a conversation with the server
 * that goes on from callback to callback, so that many run side by side.  The
 * scenarios are in cut_scenarios.h.
 *
 * A run asks questions; each knows what its answer is if nothing was cut.  It
 * is over when all of them were answered and its connection, pool, listener or
 * stream of changes is closed.  Everything a run owns ends with it.
 */
#ifndef ELPQ_TESTS_CUTS_H
#define ELPQ_TESTS_CUTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

#define QUESTIONS 16
#define NOTHING INT64_MIN /* an answer without a value */

struct run;

struct question {
    struct answer *a;
    int64_t want;
    const char *sqlstate; /* the error that the server has for it          */
    void (*next)(struct run *run, struct answer *a);
};

struct run {
    const struct scenario *scenario;
    char conninfo[300];
    elpq_conn_options options;
    struct question q[QUESTIONS];
    int n;
    int pending; /* questions without an answer                         */
    bool ending;
    bool recording; /* with the real server                                */
    void (*opened)(struct run *run); /* while recording: connected          */
    int64_t rows; /* seen so far; they are 1, 2, 3, ...                  */
    int round;    /* of the pool                                         */
    elpq_conn *conn;
    elpq_tx *tx;
    elpq_cursor *cursor;
    elpq_pool *pool;
    elpq_listener *listener;
    elpq_replication *replication;
};

struct scenario {
    const char *name;
    void (*start)(struct run *run); /* NULL: connects, and then the body    */
    void (*body)(struct run *run);
    const char *script; /* NULL: what a real server says is recorded        */
    bool noted;         /* its last question may have run once it was sent  */
    bool trusted;       /* only what comes behind the welcome is cut        */
    /* What cannot be played again, since keys and nonces are new each time:
     * cut between us and the real server, as this user. */
    const char *user; /* names of variables                             */
    const char *password;
    unsigned step; /* bytes from one cut to the next                 */
};

static int over; /* runs that have ended */

static void answered(struct answer *a);

static struct answer *question(struct run *run, int64_t want,
                               const char *sqlstate,
                               void (*next)(struct run *, struct answer *))
{
    struct question *q = &run->q[run->n++];

    ck_assert_int_le(run->n, QUESTIONS);
    q->a = answer_new();
    q->a->data = run;
    q->a->then = answered;
    q->want = want;
    q->sqlstate = sqlstate;
    q->next = next;
    run->pending++;
    return q->a;
}

/* A question; it may be refused, because the connection is lost: then there is
 * no answer.  The call hands `one` on. */
#define QUESTION(run, want, sqlstate, next, call)                              \
    do {                                                                       \
        struct answer *one = question(run, want, sqlstate, next);              \
                                                                               \
        if (CALL(call) != 0) {                                                 \
            one->wanted = 0;                                                   \
            (run)->pending--;                                                  \
        }                                                                      \
    } while (0)

static void finish(struct run *run)
{
    struct answer *end;

    if (run->ending && run->pending == 0) {
        over++;
        return;
    }
    if (run->ending)
        return;
    run->ending = true;
    if (run->cursor) /* its walk was refused */
        ck_assert_int_eq(CALL(elpq_cursor_close(run->cursor, NULL, NULL)), 0);
    if (run->tx)
        ck_assert_int_eq(CALL(elpq_rollback(run->tx, NULL, NULL)), 0);
    if (!run->pool && !run->listener && !run->replication) {
        close_conn(run->conn);
        over++;
        return;
    }
    end = question(run, NOTHING, NULL, NULL);
    if (run->pool)
        RUN(elpq_pool_close(run->pool, 0, on_done, end));
    else if (run->listener)
        RUN(elpq_listener_close(run->listener, on_done, end));
    else
        RUN(elpq_replication_close(run->replication, on_done, end));
}

static void answered(struct answer *a)
{
    struct run *run = a->data;
    int i = 0;

    while (run->q[i].a != a)
        i++;
    if (run->q[i].next)
        run->q[i].next(run, a);
    if (--run->pending == 0)
        finish(run);
}

static void opened(struct run *run, struct answer *a)
{
    run->conn = a->conn;
    if (!a->conn)
        return;
    if (run->opened)
        run->opened(run);
    if (run->scenario->body)
        run->scenario->body(run);
}

static void start_run(struct run *run)
{
    struct answer *a;

    if (run->scenario->start) {
        run->scenario->start(run);
        return;
    }
    a = question(run, NOTHING, NULL, opened);
    RUN(a->handle =
            elpq_connect(loop, run->conninfo, &run->options, on_conn, a, NULL));
    ck_assert_ptr_nonnull(a->handle);
}

static void ask_run(struct run *run, const elpq_statement *st, int64_t want,
                    const char *sqlstate,
                    void (*next)(struct run *, struct answer *))
{
    QUESTION(run, want, sqlstate, next,
             elpq_execute(run->conn, st, NULL, on_result, one));
}

static void ask_tx_run(struct run *run, const elpq_statement *st, int64_t want,
                       const char *sqlstate)
{
    QUESTION(run, want, sqlstate, NULL,
             elpq_execute(run->tx, st, NULL, on_result, one));
}

static void commit_run(struct run *run)
{
    QUESTION(run, NOTHING, NULL, NULL, elpq_commit(run->tx, on_done, one));
    if (harness_rc == 0)
        run->tx = NULL;
}

/* Rows are counted, whatever brings them. */
static void count_rows(struct run *run, elpq_result *rows)
{
    for (size_t i = 0; i < elpq_rows(rows); i++) {
        int64_t n = 0;

        ck_assert_int_eq(elpq_get_int64(rows, i, 0, &n), 0);
        ck_assert_int_eq(n, ++run->rows);
    }
}

#endif

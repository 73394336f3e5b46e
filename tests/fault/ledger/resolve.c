/* SPDX-License-Identifier: PostgreSQL */
/*
 * What became of a transfer whose outcome is in doubt.
 *
 * Two questions.  pg_xact_status() of its transaction's id is the server's
 * own answer; but a crash may lose the id before anything of the transaction
 * is on disk, and then the next one gets it, and after a fail-over the new
 * primary may have given it to another transaction as well.  So the answer
 * that counts is of the table: a row with the transfer's id, of amount 0, is
 * inserted in its place.  The server lets that wait for a transaction that is
 * still about to insert this id, and when it is committed, either the transfer
 * had been, and its row is there, or it never can be.  The row of `fence`
 * makes the COMMIT wait for the standby, and so for all that was before.
 *
 * Both are asked until there is an answer; asking twice does no harm.  How
 * often they differ is counted in bank.misled.
 *
 * Owns the questions, one for each task at most.  bank.c alone calls this.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

#define TIMEOUT_MS 5000

struct question {
    struct transfer transfer;
    void (*then)(bool committed, void *arg);
    void *arg;
    bool open;
    bool warned;    /* since the last question                             */
    bool committed; /* says the table                                      */
};

static struct question questions[TASKS];

static void ask_fence(struct question *q);
static void ask_table(struct question *q);
static void ask_status(struct question *q);

static void ask(struct question *q, const elpq_statement *st,
                elpq_result_cb callback)
{
    elpq_options o = { .timeout_ms = TIMEOUT_MS };

    bank.submissions++;
    if (target_execute(st, &o, callback, q) != 0)
        give_up("a question was refused");
    q->warned = false;
}

static void answer(struct question *q)
{
    q->open = false;
    q->then(q->committed, q->arg);
}

static void on_fence(elpq_result *result, const elpq_error *error, void *arg)
{
    struct question *q = arg;

    (void)result;
    bank.callbacks++;
    if (error || q->warned)
        ask_fence(q);
    else
        ask_table(q);
}

static void ask_fence(struct question *q)
{
    ask(q,
        elpq_sql("with f as (insert into transfer values ($1, 0, 0, 0)"
                 " on conflict (id) do nothing)"
                 " insert into fence values ($1)",
                 q->transfer.id),
        on_fence);
}

static void on_table(elpq_result *result, const elpq_error *error, void *arg)
{
    struct question *q = arg;
    int amount = 0;

    bank.callbacks++;
    if (error) {
        ask_table(q);
        return;
    }
    if (elpq_scan(result, 0, &amount) != 0)
        give_up("there is no row behind the fence");
    q->committed = amount != 0;
    if (q->transfer.xid[0])
        ask_status(q);
    else
        answer(q);
}

static void ask_table(struct question *q)
{
    ask(q,
        elpq_sql("select amount from transfer where id = $1", q->transfer.id),
        on_table);
}

static void on_status(elpq_result *result, const elpq_error *error, void *arg)
{
    struct question *q = arg;
    const char *status = NULL;

    bank.callbacks++;
    /* 22023: this server never had such an id. */
    if (error && strcmp(error->sqlstate, "22023") != 0) {
        ask_status(q);
        return;
    }
    if (result)
        status = elpq_get_text(result, 0, 0);
    if (status && strcmp(status, q->committed ? "committed" : "aborted") != 0)
        bank.misled++;
    answer(q);
}

static void ask_status(struct question *q)
{
    ask(q, elpq_sql("select pg_xact_status($1::text::xid8)", q->transfer.xid),
        on_status);
}

void resolve(const struct transfer *transfer,
             void (*then)(bool committed, void *arg), void *arg)
{
    struct question *q = &questions[transfer->id >> 32];

    if (q->open)
        give_up("two questions of one task");
    *q = (struct question){ *transfer, then, arg, .open = true };
    ask_fence(q);
}

void resolve_warned(void)
{
    for (int i = 0; i < TASKS; i++)
        questions[i].warned = true;
}

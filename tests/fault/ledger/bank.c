/* SPDX-License-Identifier: PostgreSQL */
/*
 * The bank: TASKS tasks, each of which makes one transfer after another.
 *
 * A transfer is journaled; when that is on disk it runs, in one of three ways:
 * by hand (elpq_begin, statements, elpq_commit), by elpq_transact(), or as a
 * single statement of the pool.  It is settled when every callback that it
 * waits for has come and its outcome is known: in doubt, only resolve() ends
 * it.  Then the outcome is journaled, and the next one begins.
 *
 * Owns the tasks and `bank`, the counts.  A transfer of id N is a row of the
 * table `transfer` with that id; its amount is taken from one account and
 * given to another.  An account must not fall below zero, so some transfers
 * fail for a reason of their own, and two that cross may be a deadlock.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ledger.h"

#define TIMEOUT_MS 10000

struct bank_counts bank;

enum way { BY_HAND, TRANSACT, STATEMENT };
static const char *const way_names[] = { "by hand", "transact", "statement" };

struct task {
    struct transfer transfer;
    uint32_t count; /* of its transfers                                    */
    int64_t begun;
    enum way way;
    bool eager; /* COMMIT is not held back until the answers have come     */
    elpq_tx *tx;
    elpq_transactor *transactor;
    elpq_request *request; /* of the INSERT, while it is out               */
    unsigned pending;      /* callbacks that have to come                  */
    bool decided;
    enum outcome outcome;
    bool warned; /* the server said that it may be lost                    */
    bool hurry;  /* the next statement gets a deadline of milliseconds     */
    bool again;  /* the mistake of that name                               */
    bool idle;
};

static struct task tasks[TASKS];
static enum mistake mistake;
static bool stopping;

static void next_transfer(struct task *task);

/* ------------------------------------------------------------- accounting */

/* Every call with a callback goes through one of these two. */
static bool submitted(struct task *task, int rc)
{
    if (rc == 0) {
        bank.submissions++;
        task->pending++;
    }
    return rc == 0;
}

static void called(struct task *task)
{
    bank.callbacks++;
    if (task->pending)
        task->pending--;
    else
        bank.stray++;
}

/* --------------------------------------------------------------- outcomes */

static void settled(struct task *task)
{
    static const enum series series[] = { S_COMMITTED, S_FAILED, S_DOUBT };

    bank.outcomes[task->outcome]++;
    if (task->outcome == COMMITTED)
        timeline_committed(task->begun);
    else
        timeline_add(series[task->outcome], 1);
}

static void on_resolved(bool committed, void *arg)
{
    struct task *task = arg;

    *(committed ? &bank.yes : &bank.no) += 1;
    bank.wrong +=
        (mistake == TRUST && !committed) || (mistake == DENY && committed);
    committed = mistake == TRUST || (mistake != DENY && committed);
    journal_write("resolved %" PRId64 " %s\n", task->transfer.id,
                  committed ? "yes" : "no");
    next_transfer(task);
}

static void run_transfer(void *arg);

static void settle_doubt(struct task *task)
{
    journal_write("done %" PRId64 " doubt %s\n", task->transfer.id,
                  task->transfer.xid);
    task->again = mistake == AGAIN;
    if (task->again)
        run_transfer(task);
    else
        resolve(&task->transfer, on_resolved, task);
}

static void settle(struct task *task)
{
    if (!task->decided || task->pending > 0)
        return;
    if (task->outcome == COMMITTED && task->warned)
        task->outcome = DOUBT;
    settled(task);
    if (task->outcome == DOUBT) {
        settle_doubt(task);
        return;
    }
    journal_write("done %" PRId64 " %s %s\n", task->transfer.id,
                  task->outcome == COMMITTED ? "committed" : "failed",
                  task->transfer.xid);
    next_transfer(task);
}

static void count_failure(const elpq_error *error)
{
    if (error && -(int)error->code < CODES)
        bank.codes[-(int)error->code]++;
}

static void decide(struct task *task, const elpq_error *error)
{
    task->decided = true;
    task->outcome = !error                         ? COMMITTED
                    : error->flags & ELPQ_IN_DOUBT ? DOUBT
                                                   : FAILED;
    if (task->outcome != FAILED)
        return;
    count_failure(error);
    /* 23505 unique_violation: it was done before. */
    bank.wrong += task->again && strcmp(error->sqlstate, "23505") == 0;
}

/* It ends without COMMIT. */
static void decide_failed(struct task *task, const elpq_error *error)
{
    count_failure(error);
    task->decided = true;
    task->outcome = FAILED;
}

static void on_ended(const elpq_error *error, void *arg)
{
    struct task *task = arg;

    called(task);
    task->transactor = NULL;
    decide(task, error);
    settle(task);
}

static void on_rolled_back(const elpq_error *error, void *arg)
{
    struct task *task = arg;

    (void)error;
    called(task);
    settle(task);
}

/* ------------------------------------------------------------- statements */

static void give_up_transfer(struct task *task, const elpq_error *error)
{
    if (task->transactor) {
        elpq_transact_rollback(task->transactor, error);
        return;
    }
    decide_failed(task, error);
    submitted(task, elpq_rollback(task->tx, on_rolled_back, task));
}

static void on_update(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    (void)error; /* COMMIT will tell                                       */
    called(arg);
    settle(arg);
}

static void update(struct task *task, int account, int amount)
{
    submitted(task,
              elpq_execute(task->tx,
                           elpq_sql("update account set balance = balance + $1"
                                    " where id = $2",
                                    amount, account),
                           NULL, on_update, task));
}

static void update_and_commit(struct task *task)
{
    const struct transfer *t = &task->transfer;

    update(task, t->from, -t->amount);
    update(task, t->to, t->amount);
    if (mistake == DOUBLE && chance(20) == 0) {
        update(task, t->from, -t->amount);
        update(task, t->to, t->amount);
        bank.wrong++;
    }
    if (task->transactor)
        elpq_transact_commit(task->transactor);
    else if (!submitted(task, elpq_commit(task->tx, on_ended, task)))
        give_up_transfer(task, NULL);
}

static void on_insert(elpq_result *result, const elpq_error *error, void *arg)
{
    struct task *task = arg;
    const char *xid;

    called(task);
    task->request = NULL;
    if (!error && (xid = elpq_get_text(result, 0, 0)) != NULL)
        snprintf(task->transfer.xid, sizeof(task->transfer.xid), "%s", xid);
    if (task->eager)
        ; /* COMMIT is on its way                                          */
    else if (error)
        give_up_transfer(task, error);
    else
        update_and_commit(task);
    settle(task);
}

static elpq_options options_of(struct task *task)
{
    elpq_options o = { .timeout_ms = TIMEOUT_MS, .request = &task->request };

    if (task->hurry) {
        o.timeout_ms = 1 + (int)chance(10);
        bank.deadlines++;
        timeline_add(S_CANCELS, 1);
    }
    task->hurry = false;
    return o;
}

static void move_money(struct task *task)
{
    const struct transfer *t = &task->transfer;
    elpq_options o = options_of(task);

    task->transfer.xid[0] = '\0';
    if (!submitted(task,
                   elpq_execute(task->tx,
                                elpq_sql("insert into transfer values"
                                         " ($1, $2, $3, $4) returning"
                                         " pg_current_xact_id()::text",
                                         t->id, t->from, t->to, t->amount),
                                &o, on_insert, task)))
        give_up_transfer(task, NULL);
    else if (task->eager)
        update_and_commit(task);
}

/* ------------------------------------------------------------------- ways */

static void on_begun(elpq_tx *tx, const elpq_error *error, void *arg)
{
    struct task *task = arg;

    called(task);
    task->tx = tx;
    if (error)
        decide_failed(task, error);
    else
        move_money(task);
    settle(task);
}

static int begin_by_hand(struct task *task)
{
    elpq_tx_options o = { .timeout_ms = TIMEOUT_MS };

    return target_begin(&o, on_begun, task);
}

static void body(elpq_transactor *transactor, elpq_tx *tx, void *arg)
{
    struct task *task = arg;

    task->transactor = transactor;
    task->tx = tx;
    move_money(task);
}

static int begin_transact(struct task *task)
{
    elpq_transact_options o = { .timeout_ms = TIMEOUT_MS,
                                .wait_for_id = chance(2) == 0,
                                .transactor = &task->transactor };

    return elpq_transact(target_pool(), &o, body, on_ended, task);
}

static void on_statement(elpq_result *result, const elpq_error *error,
                         void *arg)
{
    struct task *task = arg;

    (void)result;
    called(task);
    task->request = NULL;
    decide(task, error);
    settle(task);
}

static int run_statement(struct task *task)
{
    const struct transfer *t = &task->transfer;
    elpq_options o = options_of(task);

    return target_execute(
        elpq_sql("with t as (insert into transfer values ($1, $2, $3, $4)),"
                 " f as (update account set balance = balance - $4"
                 " where id = $2)"
                 " update account set balance = balance + $4 where id = $3",
                 t->id, t->from, t->to, t->amount),
        &o, on_statement, task);
}

/* ---------------------------------------------------------- one transfer */

static void run_transfer(void *arg)
{
    static int (*const ways[])(struct task *) = { begin_by_hand, begin_transact,
                                                  run_statement };
    struct task *task = arg;

    task->tx = NULL;
    task->decided = task->warned = false;
    task->begun = now_usec();
    if (!submitted(task, ways[task->way](task)))
        decide_failed(task, NULL);
    settle(task);
}

static void next_transfer(struct task *task)
{
    struct transfer *t = &task->transfer;

    task->idle = stopping;
    if (task->idle)
        return;
    t->id = (int64_t)(task - tasks) << 32 | ++task->count;
    t->from = 1 + (int)chance(ACCOUNTS);
    t->to = 1 + (t->from + (int)chance(ACCOUNTS - 1)) % ACCOUNTS;
    t->amount = 1 + (int)chance(BALANCE / 10);
    t->xid[0] = '\0';
    task->again = false;
    task->way = chance(3);
    if (task->way == TRANSACT && !target_pool())
        task->way = BY_HAND;
    task->eager = chance(2) == 0;
    bank.transfers++;
    journal_write("begin %" PRId64 " %d %d %d %s%s\n", t->id, t->from, t->to,
                  t->amount, way_names[task->way], task->eager ? " eager" : "");
    journal_sync(run_transfer, task);
}

/* --------------------------------------------------------------- the whole */

void bank_start(const struct settings *settings)
{
    mistake = settings->mistake;
    for (int i = 0; i < TASKS; i++)
        next_transfer(&tasks[i]);
}

void bank_stop(void)
{
    stopping = true;
}

bool bank_is_done(void)
{
    for (int i = 0; i < TASKS; i++)
        if (!tasks[i].idle)
            return false;
    return true;
}

bool bank_cancel_one(void)
{
    unsigned start = chance(TASKS);

    for (unsigned i = 0; i < TASKS; i++) {
        struct task *task = &tasks[(start + i) % TASKS];

        if (!task->request)
            continue;
        if (task->transactor && chance(2) == 0)
            elpq_transact_cancel(task->transactor);
        else
            elpq_cancel(task->request);
        bank.cancels++;
        timeline_add(S_CANCELS, 1);
        return true;
    }
    return false;
}

bool bank_hurry_one(void)
{
    struct task *task = &tasks[chance(TASKS)];

    if (task->hurry)
        return false;
    task->hurry = true;
    return true;
}

/*
 * A backend that waits for the standby gives up when it is canceled: what it
 * has committed may not outlive a fail-over.  The notice does not say whose
 * transaction it was, so it is anybody's.
 */
void bank_on_notice(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    (void)conn;
    (void)arg;
    if (!notice->message || !notice->detail ||
        !strstr(notice->detail, "might not have been replicated"))
        return;
    for (int i = 0; i < TASKS; i++)
        tasks[i].warned = true;
    resolve_warned();
}

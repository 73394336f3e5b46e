/* SPDX-License-Identifier: PostgreSQL */
/*
 * What ends elpq_transact() early: a cancel, the deadline, a closing pool or
 * router.
 *
 * Each sets t->cause, and sees to it that the callback comes soon which the
 * phase waits for; where that is a timer, t->stop takes its place.  The phase
 * is left there, as always, but for the body's, which nothing else would end.
 */
#include "scope.h"
#include "transact_int.h"

void elpq__transact_finish_stopped(elpq_transactor *t)
{
    elpq_error error;

    elpq__error_set(&error, t->cause, ELPQ_NOT_EXECUTED,
                    t->cause == ELPQ_E_TIMEOUT
                        ? "the deadline of the transaction passed: it was "
                          "rolled back"
                        : NULL);
    elpq__transact_finish(t, &error);
}

/* It was stopped while it waited for a timer only. */
static void run_stop(struct elpq__task *task)
{
    elpq_transactor *t = elpq__container(task, elpq_transactor, stop);

    if (t->phase == ELPQ__T_RESOLVING)
        elpq__resolve_give_up(t);
    else if (t->phase == ELPQ__T_PAUSING)
        elpq__transact_finish_stopped(t);
}

/* Else its lease was ended from outside, and others use the connection. */
static bool is_ours(const elpq_transactor *t)
{
    return t->conn->slot_lease == t->lease &&
           (!t->tx || elpq__tx_is_live(t->tx));
}

static void start_grace(elpq_transactor *t)
{
    elpq__timer_start(t->loop, &t->deadline,
                      elpq__now() +
                          t->conn->options.cancel_grace_ms * INT64_C(1000));
}

/*
 * What the transaction has in flight is to end, but not ROLLBACK, and COMMIT
 * behind others waits for its answer.  Others may have something behind it.
 */
static void hurry(elpq_transactor *t)
{
    start_grace(t);
    if (is_ours(t) && t->scope && elpq__linked(&t->scope->node))
        elpq__cancel_all(t->conn, t->scope, t->cause, true);
}

/* The timer comes again: ROLLBACK too, and with it the connection. */
static void press(elpq_transactor *t)
{
    start_grace(t);
    if (is_ours(t))
        elpq__cancel_all(t->conn,
                         t->phase == ELPQ__T_COMMITTING ? t->scope : NULL,
                         t->cause, true);
}

static void interrupt_body(elpq_transactor *t)
{
    /* First: what a hook does meanwhile finds no body any more. */
    t->phase = ELPQ__T_ROLLING;
    hurry(t);
    elpq__transact_roll_back(t);
}

static void interrupt(elpq_transactor *t, elpq_code cause)
{
    bool first = !t->cause;

    if (!t->cause && t->phase != ELPQ__T_RESOLVING)
        t->cause = cause;
    switch (t->phase) {
    case ELPQ__T_WAITING:
        elpq__request_cancel(t->request, cause);
        break;
    case ELPQ__T_BEGINNING:
        /* On a lent connection all is ours; elsewhere BEGIN is waited for,
         * behind what others have sent.  SAVEPOINT can be left alone. */
        if (t->parent)
            elpq__tx_give_up_savepoint(t->request, cause);
        else if (t->lent)
            press(t);
        break;
    case ELPQ__T_BODY:
        interrupt_body(t);
        break;
    case ELPQ__T_ROLLING:
    case ELPQ__T_COMMITTING:
        if (first)
            hurry(t);
        else if (cause == ELPQ_E_TIMEOUT)
            press(t);
        break;
    case ELPQ__T_RESOLVING:
        if (cause == ELPQ_E_TIMEOUT)
            break; /* that has a deadline of its own */
        t->asked_enough = true;
        if (t->request) {
            elpq__request_cancel(t->request, cause);
            break;
        }
        elpq__timer_stop(t->loop, &t->pause); /* or it asks once more */
        elpq__task_post(t->loop, &t->stop);
        break;
    case ELPQ__T_PAUSING:
        elpq__timer_stop(t->loop, &t->pause);
        elpq__task_post(t->loop, &t->stop);
        break;
    case ELPQ__T_OVER:
        break;
    }
}

static void on_deadline(struct elpq__timer *timer)
{
    interrupt(elpq__container(timer, elpq_transactor, deadline),
              ELPQ_E_TIMEOUT);
}

void elpq_transact_cancel(elpq_transactor *t)
{
    if (t && elpq__loop_is_ours(t->loop))
        interrupt(t, ELPQ_E_CANCELED);
}

/* The lender closes: no other connection, and nobody to ask. */
static void on_closing(struct elpq__guest *guest)
{
    elpq_transactor *t = elpq__container(guest, elpq_transactor, guest);

    t->lender = NULL;
    if (t->phase != ELPQ__T_PAUSING &&
        (t->phase != ELPQ__T_RESOLVING || t->request))
        return;
    t->asked_enough = true;
    if (!t->cause)
        t->cause = ELPQ_E_CLOSED;
    elpq__timer_stop(t->loop, &t->pause);
    elpq__task_post(t->loop, &t->stop);
}

void elpq__transact_stop_init(elpq_transactor *t)
{
    t->deadline.fire = on_deadline;
    t->stop.run = run_stop;
    t->guest.closing = on_closing;
}

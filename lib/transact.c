/* SPDX-License-Identifier: PostgreSQL */
/*
 * elpq_transact(): attempts of a transaction, and what lies between them.
 *
 *     WAITING    for a connection of the pool or router
 *     BEGINNING  BEGIN or SAVEPOINT is on its way
 *     BODY       the body's turn
 *     ROLLING    ROLLBACK is on its way, after the body gave up or had to
 *     COMMITTING the question for the id, and COMMIT, are on their way
 *     PAUSING    until the next attempt
 *     RESOLVING  COMMIT was lost; resolve.c asks what became of it
 *     OVER       done was called, or is about to be
 *
 * Each phase is left in the callback of what it waits for, and one place calls
 * done: elpq__transact_finish().  What comes between, a cancel or a deadline,
 * is in transact_stop.c.
 *
 * The body runs again only when it is certain that nothing was committed.
 */
#include <string.h>

#include "alloc.h"
#include "backoff.h"
#include "pool_int.h"
#include "transact_int.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_ATTEMPTS 10
#define DEFAULT_BACKOFF_MIN_MS 10
#define DEFAULT_BACKOFF_MAX_MS 1000
#define DEFAULT_RESOLVE_MS 10000

static void begin_attempt(elpq_transactor *t);

/* -------------------------------------------------------------------- end */

void elpq__transact_unref(elpq_transactor *t)
{
    struct elpq__loop *loop = t->loop;

    if (--t->refs > 0)
        return;
    elpq_error_free(t->why);
    free(t->tag);
    free(t);
    elpq__loop_unref(loop);
}

/* The connection goes back to where it came from. */
void elpq__transact_leave_conn(elpq_transactor *t)
{
    elpq_conn *conn = t->conn;

    if (!t->lent || !conn)
        return;
    t->conn = NULL;
    elpq__lease_end(conn, t->lease);
    elpq__conn_unref(conn);
}

void elpq__transact_finish(elpq_transactor *t, const elpq_error *error)
{
    t->phase = ELPQ__T_OVER;
    elpq__timer_stop(t->loop, &t->deadline);
    elpq__timer_stop(t->loop, &t->pause);
    elpq__task_drop(&t->stop);
    elpq__list_remove(&t->guest.node);
    elpq__transact_leave_conn(t);
    t->done(error, t->arg);
    if (t->conn)
        elpq__conn_unref(t->conn);
    elpq__transact_unref(t);
}

/* --------------------------------------------------------------- attempts */

static bool is_conflict(const elpq_error *error)
{
    return strcmp(error->sqlstate, "40001") == 0 ||
           strcmp(error->sqlstate, "40P01") == 0;
}

/*
 * It was to write, and its host is a standby now; the router looks for the one
 * that is not.  A server before 14 does not say what it is.
 */
static bool is_moved(const elpq_transactor *t, const elpq_error *error)
{
    const char *hot = t->conn && t->conn->pg
                          ? PQparameterStatus(t->conn->pg, "in_hot_standby")
                          : NULL;

    return t->lender->as->routes && !(t->flags & ELPQ_READONLY) && hot &&
           strcmp(hot, "on") == 0 && strcmp(error->sqlstate, "25006") == 0;
}

/* It tells of a connection that broke, or did not answer in time; some others
 * close it too (a result beyond the limit, say), and would do so again. */
static bool is_of_loss(const elpq_error *error)
{
    return (error->flags & ELPQ_RETRYABLE) || error->code == ELPQ_E_LOST ||
           error->code == ELPQ_E_ROLLED_BACK || error->code == ELPQ_E_TIMEOUT;
}

/* Nothing is committed, and another attempt makes sense. */
static bool may_retry(const elpq_transactor *t, const elpq_error *error,
                      bool lost)
{
    if (t->parent || t->given_up || t->attempt >= t->max_attempts)
        return false;
    if (t->lent)
        return t->lender && ((lost && is_of_loss(error)) ||
                             is_conflict(error) || is_moved(t, error));
    return !lost && is_conflict(error);
}

static void trace_retry(elpq_transactor *t, const elpq_error *error,
                        int64_t usec)
{
    const elpq_conn_options *o =
        t->lender ? &t->lender->options->conn : &t->conn->options;
    struct elpq__tracer tracer = { o->trace, o->trace_arg };

    if (tracer.call)
        elpq__trace_event(&tracer, NULL, ELPQ_EVENT_RETRY, NULL, error, usec);
}

void elpq__transact_failed(elpq_transactor *t, const elpq_error *error)
{
    bool lost = t->conn && t->conn->state == ELPQ__CLOSED;
    bool again = may_retry(t, error, lost || t->was_lost);
    int64_t usec;

    if (t->cause) {
        elpq__transact_finish_stopped(t);
        return;
    }
    if (!again) {
        elpq__transact_finish(t, error);
        return;
    }
    usec = elpq__backoff_usec(&t->random, t->attempt - 1, t->backoff_min_ms,
                              t->backoff_max_ms);
    t->phase = ELPQ__T_PAUSING;
    t->was_lost = false;
    elpq__transact_leave_conn(t);
    if (t->due) /* it does not run while a COMMIT is resolved */
        elpq__timer_start(t->loop, &t->deadline, t->due);
    elpq__timer_start(t->loop, &t->pause, elpq__now() + usec);
    trace_retry(t, error, usec);
}

/* The pause is over, or there is something to ask again. */
static void on_pause(struct elpq__timer *timer)
{
    elpq_transactor *t = elpq__container(timer, elpq_transactor, pause);

    if (t->phase == ELPQ__T_PAUSING)
        begin_attempt(t);
    else
        elpq__resolve_ask(t);
}

/* ------------------------------------------------------------------ begin */

static void on_rolled_back(const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;
    elpq_error plain;

    (void)error; /* a rollback always succeeds, if only by closing */
    t->scope = NULL;
    elpq__error_set(&plain, ELPQ_E_ROLLED_BACK, ELPQ_NOT_EXECUTED,
                    t->given_up ? "the body rolled the transaction back"
                                : NULL);
    elpq__transact_failed(t, t->why ? t->why : &plain);
}

void elpq__transact_roll_back(elpq_transactor *t)
{
    elpq_tx *tx = t->tx;

    t->phase = ELPQ__T_ROLLING;
    t->tx = NULL;
    elpq__tx_own(tx, false);
    elpq_rollback(tx, on_rolled_back, t);
}

static void on_begin(elpq_tx *tx, const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;
    elpq_error plain;

    t->request = NULL;
    if (error) {
        plain = *error;
        plain.flags &= ~(unsigned)ELPQ_IN_DOUBT; /* BEGIN leaves nothing */
        plain.flags |= ELPQ_NOT_EXECUTED;
        elpq__transact_failed(t, &plain);
        return;
    }
    t->tx = tx;
    t->scope = elpq__tx_scope(tx);
    elpq__tx_own(tx, true);
    if (t->cause) {
        elpq__transact_roll_back(t);
        return;
    }
    t->phase = ELPQ__T_BODY;
    t->body(t, tx, t->arg);
}

/* The time left, as the option of a request. */
static int left_ms(const elpq_transactor *t, int limit_ms)
{
    int64_t left;

    if (!t->due)
        return limit_ms;
    left = (t->due - elpq__now()) / 1000;
    if (left < 1)
        left = 1;
    return limit_ms > 0 && limit_ms < left ? limit_ms : (int)left;
}

static int begin_on(elpq_transactor *t)
{
    elpq_tx_options o = t->tx_options;

    o.timeout_ms = left_ms(t, o.timeout_ms);
    t->phase = ELPQ__T_BEGINNING;
    return elpq_conn_begin(t->conn, &o, on_begin, t);
}

static void on_lease(elpq_conn *conn, const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;
    elpq_error failed;
    int code;

    t->request = NULL;
    if (error) {
        elpq__transact_finish(t, error);
        return;
    }
    t->conn = conn;
    t->lease = conn->slot_lease;
    t->pool = conn->slot_pool;
    elpq__conn_ref(conn);
    if (t->cause) {
        elpq__transact_finish_stopped(t);
        return;
    }
    code = begin_on(t);
    if (code) {
        elpq__error_set(&failed, (elpq_code)code, ELPQ_NOT_EXECUTED, NULL);
        elpq__transact_failed(t, &failed);
    }
}

/* Starts what leads to the body; non-zero: it cannot be. */
static int start(elpq_transactor *t)
{
    elpq_options wait = { .timeout_ms = left_ms(t, t->tx_options.timeout_ms),
                          .tag = t->tag,
                          .flags = t->flags,
                          .request = &t->request };

    t->attempt++;
    elpq_error_free(t->why);
    t->why = NULL;
    t->id[0] = '\0';
    if (t->parent) {
        t->phase = ELPQ__T_BEGINNING;
        return elpq__tx_savepoint(t->parent, &t->request, on_begin, t);
    }
    if (!t->lent) /* not in another one's lease, after a pause */
        return t->conn->slot_lease == t->lease ? begin_on(t) : ELPQ_E_CLOSED;
    t->phase = ELPQ__T_WAITING;
    return elpq__lender_acquire(t->lender, &wait, on_lease, t);
}

/* Not the first one. */
static void begin_attempt(elpq_transactor *t)
{
    elpq_error error;
    int code = start(t);

    if (!code)
        return;
    elpq__error_set(
        &error, (elpq_code)code,
        ELPQ_NOT_EXECUTED | (code == ELPQ_E_FULL ? ELPQ_RETRYABLE : 0u), NULL);
    elpq__transact_finish(t, &error);
}

/* ----------------------------------------------------------------- commit */

static void on_committed(const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;

    t->scope = NULL;
    if (!error) {
        elpq__transact_finish(t, NULL);
        return;
    }
    if (error->flags & ELPQ_IN_DOUBT) {
        elpq__resolve(t, error);
        return;
    }
    elpq__transact_failed(t, error);
}

static void commit(elpq_transactor *t)
{
    elpq_tx *tx = t->tx;
    elpq_error failed;
    int code;

    t->tx = NULL;
    elpq__tx_own(tx, false);
    code = elpq_commit(tx, on_committed, t);
    if (!code)
        return;
    /* Nothing was sent: there is no memory, or too much in the queue. */
    elpq__error_set(&failed, (elpq_code)code, ELPQ_NOT_EXECUTED, NULL);
    t->why = elpq_error_dup(&failed);
    t->tx = tx;
    elpq__transact_roll_back(t);
}

/* A part that failed is rolled back, and the transaction around it goes on. */
static bool part_failed(const elpq_transactor *t)
{
    return t->parent && t->conn->pg &&
           PQtransactionStatus(t->conn->pg) == PQTRANS_INERROR;
}

static void roll_part_back(elpq_transactor *t)
{
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_ROLLED_BACK, ELPQ_NOT_EXECUTED, NULL);
    strcpy(error.sqlstate, t->conn->tx_sqlstate);
    if (elpq__sqlstate_retryable(error.sqlstate))
        error.flags |= ELPQ_RETRYABLE;
    t->why = elpq_error_dup(&error);
    elpq__transact_roll_back(t);
}

/* All in front is answered; and with it, of a whole one, its id. */
static void on_asked(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;

    if (!error && !t->parent)
        elpq__resolve_keep_id(t, result);
    /* Has COMMIT waited for this, and is it still wanted? */
    if (t->phase == ELPQ__T_COMMITTING && t->tx) {
        if (t->cause)
            elpq__transact_roll_back(t);
        else if (part_failed(t))
            roll_part_back(t);
        else
            commit(t);
    }
    elpq__transact_unref(t);
}

/* False if COMMIT goes without it: there is none, or nobody asks. */
static bool ask_first(elpq_transactor *t)
{
    static const elpq_statement nothing = { .sql = "",
                                            .flags = ELPQ_NO_PREPARE };
    elpq_options o = { .tag = t->tag, .timeout_ms = ELPQ_NO_TIMEOUT };
    const elpq_statement *st = &nothing;

    if (!elpq__tx_is_live(t->tx))
        return false; /* the connection may be another's by now */
    if (!t->parent) {
        if (t->resolve_ms < 0 || !t->lender ||
            elpq_conn_server_version(t->conn) < 130000)
            return false;
        st = elpq__resolve_id_statement(t);
    }
    if (elpq_conn_execute(t->conn, st, &o, on_asked, t))
        return false;
    t->refs++;
    return true;
}

int elpq_transact_commit(elpq_transactor *t)
{
    if (!t || !elpq__loop_is_ours(t->loop))
        return t ? ELPQ_E_FORKED : ELPQ_E_USAGE;
    if (t->phase != ELPQ__T_BODY || !elpq__tx_is_free(t->tx))
        return ELPQ_E_USAGE;
    t->phase = ELPQ__T_COMMITTING;
    if (!ask_first(t) || (!t->wait_for_id && !t->parent))
        commit(t);
    return 0;
}

int elpq_transact_rollback(elpq_transactor *t, const elpq_error *why)
{
    elpq_error error;

    if (!t || !elpq__loop_is_ours(t->loop))
        return t ? ELPQ_E_FORKED : ELPQ_E_USAGE;
    if (t->phase != ELPQ__T_BODY)
        return ELPQ_E_USAGE;
    t->given_up = !why;
    if (why) {
        /* No COMMIT was sent: of the whole nothing has happened. */
        error = *why;
        error.flags &= ~(unsigned)ELPQ_IN_DOUBT;
        error.flags |= ELPQ_NOT_EXECUTED;
        t->why = elpq_error_dup(&error);
        t->was_lost = t->conn->state == ELPQ__CLOSED;
    }
    elpq__transact_roll_back(t);
    return 0;
}

unsigned elpq_transact_attempt(const elpq_transactor *t)
{
    return t->attempt;
}

/* -------------------------------------------------------------------- new */

static int or_default(int x, int value)
{
    return x == 0 ? value : x;
}

static elpq_transactor *transactor_new(struct elpq__loop *loop,
                                       const elpq_transact_options *o,
                                       elpq_body_cb body, elpq_done_cb done,
                                       void *arg)
{
    elpq_transactor *t = elpq__new(elpq_transactor);

    if (!t)
        return NULL;
    t->refs = 1;
    t->loop = loop;
    elpq__loop_ref(loop);
    t->body = body;
    t->done = done;
    t->arg = arg;
    t->tx_options = o->tx;
    if (o->tx.tag && !(t->tag = strdup(o->tx.tag))) {
        elpq__transact_unref(t);
        return NULL;
    }
    t->tx_options.tag = t->tag;
    t->timeout_ms = or_default(o->timeout_ms, DEFAULT_TIMEOUT_MS);
    t->max_attempts = o->max_attempts ? o->max_attempts : DEFAULT_ATTEMPTS;
    t->backoff_min_ms = or_default(o->backoff_min_ms, DEFAULT_BACKOFF_MIN_MS);
    t->backoff_max_ms = or_default(o->backoff_max_ms, DEFAULT_BACKOFF_MAX_MS);
    t->resolve_ms = or_default(o->resolve_ms, DEFAULT_RESOLVE_MS);
    t->wait_for_id = o->wait_for_id;
    t->random = elpq__random_seed(elpq__now(), t);
    t->pause.fire = on_pause;
    elpq__transact_stop_init(t);
    return t;
}

static bool options_ok(const elpq_transact_options *o)
{
    return o->backoff_min_ms >= 0 && o->backoff_max_ms >= 0 &&
           (unsigned)o->tx.isolation <= ELPQ_SERIALIZABLE;
}

/* The first attempt; on a connection that is lent, or on conn, or in tx. */
static int transact(struct elpq__lender *lender, unsigned flags,
                    elpq_conn *conn, elpq_tx *tx,
                    const elpq_transact_options *options, elpq_body_cb body,
                    elpq_done_cb done, void *arg)
{
    elpq_transact_options none = { .timeout_ms = 0 };
    const elpq_transact_options *o = options ? options : &none;
    elpq_transactor *t;
    int code;

    if ((!lender && !conn) || !body || !done || !options_ok(o))
        return ELPQ_E_USAGE;
    t = transactor_new(lender ? lender->loop : conn->loop, o, body, done, arg);
    if (!t)
        return ELPQ_E_NOMEM;
    t->lender = lender;
    t->lent = lender != NULL;
    t->flags = flags;
    t->conn = conn;
    t->lease = conn ? conn->slot_lease : 0;
    t->parent = tx;
    if (t->timeout_ms > 0)
        t->due = elpq__now() + t->timeout_ms * INT64_C(1000);
    if (lender) /* before a hook can close it */
        elpq__list_push(&lender->guests, &t->guest.node);
    else
        elpq__conn_ref(conn);
    code = start(t);
    if (code) {
        elpq__list_remove(&t->guest.node);
        if (conn)
            elpq__conn_unref(conn);
        elpq__transact_unref(t);
        return code;
    }
    if (t->due)
        elpq__timer_start(t->loop, &t->deadline, t->due);
    if (o->transactor)
        *o->transactor = t;
    return 0;
}

int elpq__transact(struct elpq__lender *lender, unsigned flags,
                   const elpq_transact_options *options, elpq_body_cb body,
                   elpq_done_cb done, void *arg)
{
    return transact(lender, flags, NULL, NULL, options, body, done, arg);
}

int elpq_pool_transact(elpq_pool *pool, const elpq_transact_options *options,
                       elpq_body_cb body, elpq_done_cb done, void *arg)
{
    return transact(ELPQ__LENDER(pool), 0, NULL, NULL, options, body, done,
                    arg);
}

int elpq_conn_transact(elpq_conn *conn, const elpq_transact_options *options,
                       elpq_body_cb body, elpq_done_cb done, void *arg)
{
    return transact(NULL, 0, conn, NULL, options, body, done, arg);
}

int elpq_tx_transact(elpq_tx *tx, const elpq_transact_options *options,
                     elpq_body_cb body, elpq_done_cb done, void *arg)
{
    return transact(NULL, 0, tx ? elpq_tx_conn(tx) : NULL, tx, options, body,
                    done, arg);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Transactions and savepoints: BEGIN, COMMIT and ROLLBACK as objects.
 *
 * A transaction holds a reference to its connection, and, from a pool, the
 * lease.  It ends in finish(), exactly once, which gives both back.  A
 * savepoint is a transaction with a parent; while it is open, the parent
 * takes no statements.
 *
 * The server knows whether a transaction has failed; nothing here counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "many_int.h"
#include "pool_int.h"
#include "scope.h"
#include "tx_int.h"

struct elpq_tx {
    elpq_conn *conn; /* a reference                                     */
    unsigned lease;  /* of the connection, when it began                */
    elpq_tx *parent; /* of a savepoint                                  */
    elpq_tx *child;  /* the savepoint in it that is open, or NULL       */
    struct elpq__many *many; /* rows that are being executed in it        */
    bool orphan; /* a savepoint that its parent has rolled back     */
    bool leased; /* conn goes back to its pool                      */
    bool ending; /* commit or rollback is on its way                */
    bool committing;
    unsigned commit_flags; /* of the statement that commits               */
    bool owned;            /* by transact.c, which alone may end it           */
    bool patient;          /* its end has no deadline: transact.c has         */
    bool broken;           /* ROLLBACK TO did not go through                  */
    unsigned depth;        /* 0, and one more per savepoint                   */
    struct elpq__scope scope;
    char begin[80];
    char *tag;
    int timeout_ms;       /* of the wait and of BEGIN, as it was asked for   */
    int64_t due;          /* when that is over; 0: as timeout_ms says        */
    elpq_request **watch; /* where BEGIN and COMMIT can be canceled; or NULL */
    elpq_tx_cb on_begun;
    elpq_done_cb on_end;
    void *arg;
    struct elpq__task end; /* when there was nothing to send              */
};

static void tx_free(elpq_tx *tx)
{
    free(tx->tag);
    free(tx);
}

/*
 * Whether it still is what its session is in: not if the parent was rolled
 * back, or the lease was given back under it.
 */
static bool is_live(const elpq_tx *tx)
{
    return !tx->orphan && tx->lease == tx->conn->slot_lease;
}

bool elpq__tx_is_live(const elpq_tx *tx)
{
    return is_live(tx);
}

void elpq__tx_mark(elpq_conn *conn, bool in_tx)
{
    conn->in_tx = in_tx;
    conn->tx_sqlstate[0] = '\0';
    if (!in_tx && !elpq__list_empty(&conn->prepared.closing))
        elpq__pipeline_wake(conn); /* they may be closed now */
}

static void open_scope(elpq_tx *tx)
{
    if (tx->depth > 0)
        snprintf(tx->scope.undo, sizeof(tx->scope.undo),
                 "ROLLBACK TO SAVEPOINT elpq_%u", tx->depth);
    else
        strcpy(tx->scope.undo, "ROLLBACK");
    elpq__scope_open(tx->conn, &tx->scope);
}

/* What it has left in the session, once it is known how it ended. */
static void close_scope(elpq_tx *tx, bool committed)
{
    if (!committed)
        elpq__scope_undone(tx->conn, &tx->scope);
    else if (tx->depth == 0)
        elpq__scope_committed(tx->conn, &tx->scope);
    elpq__scope_close(&tx->scope);
}

static void finish(elpq_tx *tx, const elpq_error *error)
{
    elpq_done_cb callback = tx->on_end;
    elpq_conn *conn = tx->conn;
    void *arg = tx->arg;

    close_scope(tx, !error && tx->committing);
    if (tx->depth == 0 && is_live(tx))
        elpq__tx_mark(conn, false);
    if (tx->leased)
        elpq__lease_end(conn, tx->lease);
    tx_free(tx);
    if (callback)
        callback(error, arg);
    elpq__conn_unref(conn);
}

/* The session or the parent is gone: what was not committed is undone. */
static void run_end(struct elpq__task *task)
{
    elpq_tx *tx = elpq__container(task, elpq_tx, end);
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_ROLLED_BACK,
                    ELPQ_NOT_EXECUTED |
                        (is_live(tx) && tx->conn->lost ? ELPQ_RETRYABLE : 0u),
                    !is_live(tx) ? "it was ended from outside before"
                                 : "the connection was gone before COMMIT was "
                                   "sent: the transaction was rolled back");
    finish(tx, tx->committing ? &error : NULL);
}

/* The parent may go on: what ends this part is in front of it. */
static void begin_end(elpq_tx *tx, elpq_done_cb callback, void *arg)
{
    tx->ending = true;
    tx->watch = NULL;
    tx->on_end = callback;
    tx->arg = arg;
    if (tx->parent)
        tx->parent->child = NULL;
    if (tx->many)
        elpq__many_tx_ended(tx->many);
    tx->many = NULL;
}

/* Savepoints end with their transaction; their handles wait for their end. */
static void orphan_children(elpq_tx *tx)
{
    elpq_tx *child = tx->child;

    tx->child = NULL;
    while (child) {
        elpq_tx *next = child->child;

        child->orphan = true;
        child->parent = child->child = NULL;
        elpq__scope_close(&child->scope);
        if (child->many)
            elpq__many_tx_ended(child->many);
        child->many = NULL;
        child = next;
    }
}

static elpq_tx *tx_new(elpq_tx_cb callback, void *arg, const char *tag,
                       int timeout_ms)
{
    elpq_tx *tx = elpq__new(elpq_tx);

    if (!tx)
        return NULL;
    tx->on_begun = callback;
    tx->arg = arg;
    tx->end.run = run_end;
    tx->timeout_ms = timeout_ms;
    if (tag && !(tx->tag = strdup(tag))) {
        free(tx);
        return NULL;
    }
    return tx;
}

/* Runs a command of ours; the text is a literal or a savepoint's name. */
static int command(elpq_tx *tx, const char *sql, int timeout_ms,
                   elpq_result_cb callback)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, NULL, 0);
    elpq_options options = { .tag = tx->tag, .timeout_ms = timeout_ms };
    elpq_conn *conn = tx->conn;
    elpq_request *req;
    int code;

    if (tx->committing)
        options.flags = ELPQ__COMMIT | tx->commit_flags;
    if ((code = elpq__conn_check(conn)))
        return code;
    req = elpq__request_submit(conn->loop, ELPQ__STATEMENT, &st, &options,
                               conn->options.timeout_ms, &conn->options);
    if (!req)
        return ELPQ_E_NOMEM;
    req->cb.result = callback;
    req->arg = tx;
    if (tx->committing) /* before a hook can cancel it */
        req->scope = &tx->scope;
    if (tx->watch)
        *tx->watch = req;
    return elpq__conn_submit(conn, req);
}

/* ------------------------------------------------------------------ doubt */

static void on_cleared(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (error)
        elpq__conn_lost(conn, ELPQ_E_LOST,
                        "a rollback failed: the connection was closed");
}

/* Whether COMMIT may have left the session in the transaction. */
static bool may_linger(const elpq_tx *tx, const elpq_error *error)
{
    PGTransactionStatusType status = PQtransactionStatus(tx->conn->pg);

    /* The server has had the last word; but was it the end? */
    return error->code != ELPQ_E_SERVER || status == PQTRANS_INTRANS ||
           status == PQTRANS_INERROR || strcmp(error->sqlstate, "26000") == 0;
}

/*
 * BEGIN or COMMIT did not get through to the server, or nobody knows, or it
 * was refused: no transaction must stay in the session, nor begin there later,
 * so ROLLBACK goes behind it.  A lease is reset.  Around a savepoint the
 * transaction goes on.
 */
static void clear_session(elpq_tx *tx)
{
    static const char *const rollback[] = { "ROLLBACK", NULL };

    if (tx->depth > 0 || tx->leased || !is_live(tx) ||
        tx->conn->state == ELPQ__CLOSED)
        return;
    if (!elpq__group_queue(tx->conn, rollback, "ROLLBACK", 0, on_cleared))
        elpq__conn_lost(tx->conn, ELPQ_E_LOST,
                        "a rollback could not be sent: the connection was "
                        "closed");
}

/*
 * A COMMIT leaves the queue unsent: ROLLBACK takes its place, behind the
 * transaction's own statements and in front of what came later, which must
 * not run in it.
 */
void elpq__tx_unsent_commit(elpq_request *commit)
{
    static const char *const rollback[] = { "ROLLBACK", NULL };
    elpq_conn *conn = commit->conn;
    struct elpq__node *node;

    if (!conn->in_tx || !commit->scope ||
        strcmp(commit->scope->undo, "ROLLBACK") != 0)
        return; /* of a savepoint: what is around it is broken by that */
    commit->scope->replaced = true;
    if (!elpq__group_queue(conn, rollback, "ROLLBACK", 0, on_cleared)) {
        elpq__conn_lost(conn, ELPQ_E_LOST,
                        "a rollback could not be sent: the connection was "
                        "closed");
        return;
    }
    node = conn->queue.head.prev; /* it was pushed there */
    elpq__list_remove(node);
    elpq__link_after(&commit->node, node);
}

/* ------------------------------------------------------------------ begin */

static void begin_text(char *out, size_t size, const elpq_tx_options *o)
{
    static const char *const levels[] = { "", " ISOLATION LEVEL READ COMMITTED",
                                          " ISOLATION LEVEL REPEATABLE READ",
                                          " ISOLATION LEVEL SERIALIZABLE" };

    snprintf(out, size, "BEGIN%s%s%s", levels[o->isolation],
             o->read_only ? " READ ONLY" : "",
             o->deferrable ? " DEFERRABLE" : "");
}

/* It did not begin: what was taken for it goes back. */
static void not_begun(elpq_tx *tx, const elpq_error *error)
{
    elpq_tx_cb callback = tx->on_begun;
    elpq_conn *conn = tx->conn;
    void *arg = tx->arg;

    if (tx->parent)
        tx->parent->child = NULL;
    if (tx->scope.broken) /* by what was submitted meanwhile, beside it */
        elpq__scope_break(conn, tx->scope.first);
    elpq__scope_close(&tx->scope);
    if (tx->depth == 0 && conn && is_live(tx))
        elpq__tx_mark(conn, false);
    if (tx->leased)
        elpq__lease_end(conn, tx->lease);
    tx_free(tx);
    callback(NULL, error, arg);
    if (conn)
        elpq__conn_unref(conn);
}

static void on_begin(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_tx *tx = arg;

    (void)result;
    if (tx->depth > 0)
        tx->watch = NULL; /* its end is not watched */
    if (!error && tx->depth == 0 && is_live(tx))
        tx->conn->tx_sqlstate[0] = '\0'; /* of one in front of it */
    if (error && (error->flags & ELPQ_IN_DOUBT))
        clear_session(tx);
    if (error)
        not_begun(tx, error);
    else
        tx->on_begun(tx, NULL, tx->arg);
}

static void on_lease(elpq_conn *conn, const elpq_error *error, void *arg)
{
    elpq_tx *tx = arg;
    elpq_error failed;
    int timeout_ms = 0;
    int code;

    if (error) {
        not_begun(tx, error);
        return;
    }
    tx->conn = conn;
    tx->lease = conn->slot_lease;
    tx->leased = true;
    elpq__conn_ref(conn);
    elpq__tx_mark(conn, true);
    open_scope(tx);
    if (tx->timeout_ms < 0)
        timeout_ms = tx->timeout_ms;
    if (tx->due) {
        int64_t left = (tx->due - elpq__now()) / 1000;

        timeout_ms = left > 0 ? (int)left : 1;
    }
    code = command(tx, tx->begin, timeout_ms, on_begin);
    if (code) {
        elpq__error_set(&failed, (elpq_code)code, ELPQ_NOT_EXECUTED, NULL);
        not_begun(tx, &failed);
    }
}

/* Whether it takes statements, and an end. */
static bool is_free(const elpq_tx *tx)
{
    return !tx->ending && !tx->child && !tx->many;
}

static bool options_ok(const elpq_tx_options *options)
{
    return (unsigned)options->isolation <= ELPQ_SERIALIZABLE;
}

int elpq_pool_begin(elpq_pool *pool, const elpq_tx_options *options,
                    elpq_tx_cb callback, void *arg)
{
    return elpq__tx_begin(ELPQ__LENDER(pool), 0, options, callback, arg);
}

int elpq__tx_begin(struct elpq__lender *lender, unsigned flags,
                   const elpq_tx_options *options, elpq_tx_cb callback,
                   void *arg)
{
    elpq_tx_options none = { 0 };
    const elpq_tx_options *o = options ? options : &none;
    elpq_options wait = { .timeout_ms = o->timeout_ms,
                          .tag = o->tag,
                          .flags = flags };
    elpq_tx *tx;
    int code;

    if (!lender || !callback || !options_ok(o))
        return ELPQ_E_USAGE;
    tx = tx_new(callback, arg, o->tag, o->timeout_ms);
    if (!tx)
        return ELPQ_E_NOMEM;
    if (o->timeout_ms > 0)
        tx->due = elpq__now() + o->timeout_ms * INT64_C(1000);
    begin_text(tx->begin, sizeof(tx->begin), o);
    code = elpq__lender_acquire(lender, &wait, on_lease, tx);
    if (code)
        tx_free(tx);
    return code;
}

int elpq_conn_begin(elpq_conn *conn, const elpq_tx_options *options,
                    elpq_tx_cb callback, void *arg)
{
    return elpq__tx_begin_on(conn, options, NULL, callback, arg);
}

int elpq__tx_begin_on(elpq_conn *conn, const elpq_tx_options *options,
                      elpq_request **watch, elpq_tx_cb callback, void *arg)
{
    elpq_tx_options none = { 0 };
    const elpq_tx_options *o = options ? options : &none;
    elpq_tx *tx;
    int code;

    if (!conn || !callback || !options_ok(o) || conn->in_tx)
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_usable(conn)))
        return code;
    tx = tx_new(callback, arg, o->tag, o->timeout_ms);
    if (!tx)
        return ELPQ_E_NOMEM;
    begin_text(tx->begin, sizeof(tx->begin), o);
    tx->watch = watch;
    tx->conn = conn;
    tx->lease = conn->slot_lease;
    elpq__conn_ref(conn);
    elpq__tx_mark(conn, true);
    open_scope(tx);
    code = command(tx, tx->begin, o->timeout_ms, on_begin);
    if (code) {
        elpq__scope_close(&tx->scope);
        elpq__tx_mark(conn, false);
        tx_free(tx);
        elpq__conn_unref(conn);
        return code;
    }
    return 0;
}

int elpq_savepoint(elpq_tx *tx, elpq_tx_cb callback, void *arg)
{
    return elpq__tx_savepoint(tx, NULL, callback, arg);
}

int elpq__tx_savepoint(elpq_tx *tx, elpq_request **watch, elpq_tx_cb callback,
                       void *arg)
{
    elpq_tx *child;
    int code;

    if (!tx || !callback || !is_free(tx) || !is_live(tx))
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_usable(tx->conn)))
        return code;
    child = tx_new(callback, arg, tx->tag, 0);
    if (!child)
        return ELPQ_E_NOMEM;
    child->conn = tx->conn;
    child->lease = tx->lease;
    child->parent = tx;
    child->depth = tx->depth + 1;
    tx->child = child;
    elpq__conn_ref(tx->conn);
    snprintf(child->begin, sizeof(child->begin), "SAVEPOINT elpq_%u",
             child->depth);
    open_scope(child);
    child->watch = watch;
    code = command(child, child->begin, watch ? ELPQ_NO_TIMEOUT : 0, on_begin);
    if (code) {
        tx->child = NULL;
        elpq__scope_close(&child->scope);
        elpq__conn_unref(tx->conn);
        tx_free(child);
    }
    return code;
}

void elpq__tx_give_up_savepoint(elpq_request *req, elpq_code cause)
{
    if (req->place == ELPQ__QUEUED) {
        req->serial = 0; /* in no scope, so that it breaks none */
        elpq__request_cancel(req, cause);
    } else if (req->place == ELPQ__SENT && !req->cause) {
        req->cause = cause;
        req->cancel_sent = true; /* as none may be: all would fail with it */
        req->given_up = req->deferred = true;
        req->timeout_ms = req->conn->options.cancel_grace_ms;
        elpq__request_detach(req);
    }
}

/* --------------------------------------------------------------- in it */

elpq_conn *elpq__tx_target(const elpq_tx *tx)
{
    return tx && is_free(tx) && is_live(tx) ? tx->conn : NULL;
}

const struct elpq__scope *elpq__tx_scope(const elpq_tx *tx)
{
    return &tx->scope;
}

void elpq__tx_own(elpq_tx *tx, bool on)
{
    tx->owned = on;
    tx->patient = true;
}

bool elpq__tx_is_free(const elpq_tx *tx)
{
    return is_free(tx);
}

int elpq__tx_occupy(elpq_tx *tx, struct elpq__many *many)
{
    if (!elpq__tx_target(tx))
        return ELPQ_E_USAGE;
    tx->many = many;
    return 0;
}

void elpq__tx_vacate(elpq_tx *tx)
{
    tx->many = NULL;
}

elpq_conn *elpq_tx_conn(const elpq_tx *tx)
{
    return tx->conn;
}

/* -------------------------------------------------------------------- end */

/* With the reason, if it is one for which the same may work again. */
static void rolled_back(elpq_tx *tx, elpq_error *error)
{
    elpq_conn *conn = tx->conn;

    elpq__error_set(error, ELPQ_E_ROLLED_BACK, ELPQ_NOT_EXECUTED, NULL);
    if (!is_live(tx))
        return;
    strcpy(error->sqlstate, conn->tx_sqlstate);
    conn->tx_sqlstate[0] = '\0';
    if (elpq__sqlstate_retryable(error->sqlstate))
        error->flags |= ELPQ_RETRYABLE;
}

static void on_commit(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_tx *tx = arg;
    elpq_error failed;

    if (error && may_linger(tx, error) && !tx->scope.replaced)
        clear_session(tx);
    /* COMMIT of a failed transaction is answered with ROLLBACK. */
    if (!error && strcmp(elpq_command(result), "ROLLBACK") == 0) {
        rolled_back(tx, &failed);
        error = &failed;
    }
    finish(tx, error);
}

/* The deadline of what ends it: the connection's, or that of its owner. */
static int end_ms(const elpq_tx *tx)
{
    return tx->watch || tx->patient ? ELPQ_NO_TIMEOUT : 0;
}

int elpq__tx_commit(elpq_tx *tx, const char *sql, unsigned flags,
                    elpq_done_cb callback, void *arg)
{
    int code;

    if (!is_free(tx))
        return ELPQ_E_USAGE;
    tx->committing = tx->ending = true; /* first: a hook may do anything */
    tx->commit_flags = flags;
    elpq__scope_end(tx->conn, &tx->scope);
    code =
        is_live(tx) ? command(tx, sql, end_ms(tx), on_commit) : ELPQ_E_CLOSED;
    if (code && code != ELPQ_E_CLOSED) {
        tx->committing = tx->ending = false;
        tx->scope.last = 0;
        return code;
    }
    begin_end(tx, callback, arg);
    if (code)
        elpq__task_post(tx->conn->loop, &tx->end);
    return 0;
}

/* 0, or why whoever calls may not end it. */
static int may_end(const elpq_tx *tx)
{
    if (tx->ending || tx->owned)
        return ELPQ_E_USAGE;
    return elpq__loop_is_ours(tx->conn->loop) ? 0 : ELPQ_E_FORKED;
}

int elpq_commit(elpq_tx *tx, elpq_done_cb callback, void *arg)
{
    char sql[48] = "COMMIT";
    int code;

    if (!tx || !callback)
        return ELPQ_E_USAGE;
    if ((code = may_end(tx)))
        return code;
    if (tx->depth > 0)
        snprintf(sql, sizeof(sql), "RELEASE SAVEPOINT elpq_%u", tx->depth);
    return elpq__tx_commit(tx, sql, 0, callback, arg);
}

int elpq_prepare_transaction(elpq_tx *tx, const char *gid,
                             elpq_done_cb callback, void *arg)
{
    char sql[ELPQ__GID_SQL];
    int code;

    if (!tx || !callback || tx->depth > 0 ||
        !elpq__gid_sql(sql, "PREPARE TRANSACTION", gid))
        return ELPQ_E_USAGE;
    if ((code = may_end(tx)))
        return code;
    return elpq__tx_commit(tx, sql, ELPQ_NO_PREPARE, callback, arg);
}

/*
 * The transaction is over for the server if it said so, or if there is no
 * session any more.  Otherwise the session goes, and the transaction with it.
 */
static void on_rollback(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_tx *tx = arg;

    (void)result;
    if (!error && !tx->broken) {
        finish(tx, NULL);
        return;
    }
    if (is_live(tx))
        elpq__conn_lost(tx->conn, ELPQ_E_LOST,
                        "a rollback failed: the connection was closed");
    /* Behind the statements in front of it, which end only now. */
    elpq__task_post(tx->conn->loop, &tx->end);
}

/* ROLLBACK TO keeps the savepoint; a RELEASE follows in the pipeline. */
static void on_rollback_to(elpq_result *result, const elpq_error *error,
                           void *arg)
{
    elpq_tx *tx = arg;

    (void)result;
    if (error)
        tx->broken = true; /* and RELEASE would keep what was to go */
    else if (is_live(tx))
        tx->conn->tx_sqlstate[0] = '\0';
}

static int send_rollback(elpq_tx *tx)
{
    char release[48];
    int code;

    if (tx->depth == 0)
        return command(tx, tx->scope.undo, end_ms(tx), on_rollback);
    code = command(tx, tx->scope.undo, end_ms(tx), on_rollback_to);
    if (code)
        return code;
    snprintf(release, sizeof(release), "RELEASE SAVEPOINT elpq_%u", tx->depth);
    return command(tx, release, end_ms(tx), on_rollback);
}

int elpq_rollback(elpq_tx *tx, elpq_done_cb callback, void *arg)
{
    int code;

    if (!tx)
        return 0;
    if ((code = may_end(tx)))
        return code;
    orphan_children(tx);
    begin_end(tx, callback, arg);
    elpq__scope_undone(tx->conn, &tx->scope); /* first: they take no calls */
    elpq__scope_end(tx->conn, &tx->scope);
    if (!is_live(tx)) {
        elpq__task_post(tx->conn->loop, &tx->end);
    } else if (send_rollback(tx) != 0) {
        /* No session, or no way to tell it: without one, nothing stays. */
        elpq__conn_lost(tx->conn, ELPQ_E_LOST,
                        "a rollback could not be sent: the connection was "
                        "closed");
        elpq__task_post(tx->conn->loop, &tx->end);
    }
    return 0;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Advisory locks: taken, watched, released.
 *
 * A lock is in one of four states, from asking to free():
 *
 *     ASKING     for a connection or for the lock; `request` is under way
 *     HELD       it watches its connection
 *     LOST       the connection or its lease has ended
 *     RELEASING  the unlock is under way, or the end is a posted task
 *
 * What nobody knows the end of must not stay behind: a lock that was asked
 * for, and given up while other statements were in front of it, may still be
 * granted.  On a pool's connection the reset sees to that; on a given one the
 * request tells of its late answer, and is undone.
 */
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "done.h"
#include "elpq/lock.h"
#include "pool_int.h"
#include "router_int.h"

enum lock_state { ASKING, HELD, LOST, RELEASING };

struct elpq_lock {
    enum lock_state state;
    elpq_conn *conn; /* a reference; NULL while in line        */
    bool leased;     /* conn goes back to its pool             */
    unsigned lease;  /* of conn, when it was taken             */
    unsigned owes;   /* grants of others to undo at its end    */
    struct elpq__watcher watcher;
    struct elpq__task task; /* lost, or released without a statement  */
    elpq_request *request;  /* ASKING, or the unlock                  */
    struct elpq__timer deadline; /* of the unlock                     */
    bool waited;                 /* that passed before it was its turn     */
    bool unwanted;          /* released while it was asked for        */
    elpq_lock_key key;
    bool shared;
    bool try_only;
    bool may_hold; /* nothing has proved that the session does not   */
    int timeout_ms;
    int64_t due; /* 0: as timeout_ms says                  */
    char *tag;
    elpq_lock_cb callback;
    elpq_lock_cb lost;
    void *arg;
    elpq_error *why; /* LOST                                   */
    elpq_code why_code;
    elpq_done_cb released;
    void *released_arg;
};

/* ------------------------------------------------------------- statements */

struct lock_sql {
    char text[80];
    elpq_value values[2];
    elpq_statement st;
};

/* pg_[try_]advisory_[xact_][un]lock[_shared]($1[, $2]) */
static void make_sql(struct lock_sql *s, const elpq_lock_key *key, bool shared,
                     const char *before, const char *verb)
{
    snprintf(s->text, sizeof(s->text),
             "SELECT pg_catalog.pg_%sadvisory_%s%s(%s)", before, verb,
             shared ? "_shared" : "", key->two ? "$1, $2" : "$1");
    s->values[0] = key->two ? elpq_int32(key->first) : elpq_int64(key->one);
    s->values[1] = elpq_int32(key->second);
    s->st = elpq_sql_from_trusted_string(s->text, s->values, key->two ? 2 : 1);
}

/* Whether the server says yes; the functions that wait return nothing. */
static bool is_granted(elpq_result *result, bool try_only)
{
    bool yes = false;

    return !try_only || (elpq_get_bool(result, 0, 0, &yes) == 0 && yes);
}

/* Whether it may have been granted: a cancel may come behind that. */
static bool is_doubtful(elpq_result *result, const elpq_error *error,
                        bool try_only)
{
    if (!error)
        return is_granted(result, try_only);
    if (error->flags & ELPQ_NOT_EXECUTED)
        return false;
    return error->code != ELPQ_E_SERVER ||
           strcmp(error->sqlstate, "57014") == 0;
}

static void held_elsewhere(elpq_error *error)
{
    elpq__error_set(error, ELPQ_E_SERVER, ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED,
                    "the lock is held by another session");
    strcpy(error->sqlstate, "55P03");
}

/* -------------------------------------------------------------------- end */

/* Gives back what it holds; afterwards there is no lock. */
static void lock_free(elpq_lock *lock)
{
    if (lock->conn)
        elpq__timer_stop(lock->conn->loop, &lock->deadline);
    if (lock->conn && lock->may_hold)
        lock->conn->slot_unclean = true;
    elpq__list_remove(&lock->watcher.node);
    elpq__task_drop(&lock->task);
    if (lock->leased)
        elpq__lease_end(lock->conn, lock->lease);
    if (lock->conn)
        elpq__conn_unref(lock->conn);
    elpq_error_free(lock->why);
    free(lock->tag);
    free(lock);
}

static void finish(elpq_lock *lock, const elpq_error *error)
{
    elpq_done_cb released = lock->released;
    void *arg = lock->released_arg;
    elpq_error *why = lock->why; /* the error may be this */

    lock->why = NULL;
    lock_free(lock);
    if (released)
        released(error, arg);
    elpq_error_free(why);
}

/* It was not got: whoever asked for it hears so. */
static void fail(elpq_lock *lock, const elpq_error *error)
{
    lock->state = RELEASING;
    lock->callback(NULL, error, lock->arg);
    finish(lock, NULL);
}

static void undo_grants(elpq_lock *lock, unsigned n);
static void on_locked(elpq_result *result, const elpq_error *error, void *arg);

/* Nothing but the end of the session lets go of it. */
static void close_holder(elpq_conn *conn)
{
    elpq__conn_lost(conn, ELPQ_E_LOST,
                    "a lock could not be released: the connection was closed");
}

/*
 * Of one without a handle nobody could say any more that it is held.  In a
 * failed transaction the server refuses to unlock, and its end does not.
 */
static bool is_stuck(const elpq_lock *lock)
{
    return !lock->leased && lock->conn->state != ELPQ__CLOSED &&
           lock->lease == lock->conn->slot_lease;
}

static void on_unlocked(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_lock *lock = arg;
    elpq_error failed;
    bool was_held = false;

    lock->request = NULL;
    lock->may_hold = error != NULL;
    if (error && is_stuck(lock))
        close_holder(lock->conn);
    if (!error && (elpq_get_bool(result, 0, 0, &was_held) != 0 || !was_held)) {
        elpq__error_set(&failed, ELPQ_E_LOST, 0,
                        "the session did not hold the lock any more");
        error = &failed;
    } else if (error && lock->leased && error->code == ELPQ_E_SERVER) {
        error = NULL; /* in a failed transaction: the reset unlocks */
    }
    undo_grants(lock, lock->owes);
    finish(lock, error);
}

static void start_deadline(elpq_lock *lock)
{
    int timeout_ms = lock->conn->options.timeout_ms;

    if (timeout_ms > 0)
        elpq__timer_start(lock->conn->loop, &lock->deadline,
                          elpq__now() + timeout_ms * INT64_C(1000));
}

/* The unlock waits for what is in front of it, however long that takes; but
 * once it runs, a server that does not answer is given up. */
static void on_deadline(struct elpq__timer *timer)
{
    elpq_lock *lock = elpq__container(timer, elpq_lock, deadline);

    bool runs =
        lock->request->place == ELPQ__SENT && elpq__sync_may_run(lock->request);

    if (runs && !lock->waited) {
        elpq__request_cancel(lock->request, ELPQ_E_TIMEOUT);
        return;
    }
    lock->waited = !runs; /* it has all of that time from its turn on */
    start_deadline(lock);
}

static int unlock(elpq_lock *lock)
{
    elpq_options o = { .timeout_ms = ELPQ_NO_TIMEOUT,
                       .tag = lock->tag,
                       .request = &lock->request };
    struct lock_sql s;
    int code;

    make_sql(&s, &lock->key, lock->shared, "", "unlock");
    code = elpq_conn_execute(lock->conn, &s.st, &o, on_unlocked, lock);
    lock->waited = true;
    if (!code)
        start_deadline(lock);
    return code;
}

static void lost_error(const elpq_lock *lock, elpq_error *error)
{
    if (lock->why)
        *error = *lock->why;
    else
        elpq__error_set(error, lock->why_code, 0, NULL);
}

/* Tells that it is lost, or, if it was released since, ends it. */
static void run_task(struct elpq__task *task)
{
    elpq_lock *lock = elpq__container(task, elpq_lock, task);
    elpq_error error;

    lost_error(lock, &error);
    if (lock->state == LOST)
        lock->lost(lock, &error, lock->arg);
    else
        finish(lock, lock->why_code ? &error : NULL);
}

static void on_gone(struct elpq__watcher *watcher, const elpq_error *error)
{
    elpq_lock *lock = elpq__container(watcher, elpq_lock, watcher);

    lock->conn->slot_unclean = true; /* if only its lease has ended */
    if (lock->state == RELEASING)
        return; /* the unlock tells what came of it */
    lock->state = LOST;
    lock->why = elpq_error_dup(error);
    lock->why_code = error->code;
    if (lock->lost)
        elpq__task_post(lock->conn->loop, &lock->task);
}

int elpq_lock_release(elpq_lock *lock, elpq_done_cb done, void *arg)
{
    enum lock_state was;
    int code = 0;

    if (!lock)
        return 0;
    if (lock->state == RELEASING || lock->unwanted)
        return ELPQ_E_USAGE;
    if (lock->conn && !elpq__loop_is_ours(lock->conn->loop))
        return ELPQ_E_FORKED;
    lock->released = done;
    lock->released_arg = arg;
    if (lock->state == ASKING) {
        lock->unwanted = true;
        elpq_cancel(lock->request);
        return 0;
    }
    was = lock->state;
    lock->state = RELEASING; /* first: a hook may do anything */
    if (was == HELD)
        code = unlock(lock);
    if (code && code != ELPQ_E_CLOSED && !lock->leased) {
        lock->state = HELD;
        return code;
    }
    /* Without a statement: it is lost, or the pool's reset unlocks it. */
    if (code || was == LOST)
        elpq__task_post(lock->conn->loop, &lock->task);
    return 0;
}

/* ----------------------------------------------------------------- asking */

/* It was granted, but is not wanted any more. */
static void give_back(elpq_lock *lock)
{
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_CANCELED, ELPQ_NOT_EXECUTED, NULL);
    lock->state = RELEASING;
    elpq__list_push(&lock->conn->watchers, &lock->watcher.node);
    lock->callback(NULL, &error, lock->arg);
    if (unlock(lock) == 0)
        return;
    if (!lock->leased) /* nothing else lets go of it */
        close_holder(lock->conn);
    finish(lock, NULL);
}

static void on_late_unlock(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (error)
        close_holder(conn);
    elpq__conn_unref(conn);
}

/* Lets go of what nobody has a lock object for. */
static void undo(elpq_conn *conn, const elpq_statement *unlock)
{
    struct elpq__done *done = elpq__done_new(on_late_unlock, conn);

    elpq__conn_ref(conn);
    if (!done ||
        elpq_conn_execute(conn, unlock, NULL, elpq__done_result, done)) {
        free(done);
        close_holder(conn);
        elpq__conn_unref(conn);
    }
}

static bool is_same(const elpq_lock_key *a, const elpq_lock_key *b)
{
    if (a->two != b->two)
        return false;
    return a->two ? a->first == b->first && a->second == b->second
                  : a->one == b->one;
}

static bool is_alike(const elpq_lock *a, const elpq_lock *b)
{
    return a != b && a->shared == b->shared && is_same(&a->key, &b->key);
}

/* Another one of the session for the same key: held, or about to be. */
static elpq_lock *another(const elpq_lock *lock)
{
    elpq_conn *conn = lock->conn;
    struct elpq__list *asking[] = { &conn->queue, &conn->sent };
    struct elpq__node *node = conn->watchers.head.next;
    elpq_lock *other;

    for (; node != &conn->watchers.head; node = node->next) {
        struct elpq__watcher *watcher =
            elpq__container(node, struct elpq__watcher, node);

        other = elpq__container(watcher, elpq_lock, watcher);
        if (watcher->gone == on_gone && other->state == HELD &&
            is_alike(lock, other))
            return other;
    }
    for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
        for (node = asking[i]->head.next; node != &asking[i]->head;
             node = node->next) {
            elpq_request *req = elpq__container(node, elpq_request, node);

            if (req->kind == ELPQ__STATEMENT && req->cb.result == on_locked &&
                !req->detached && is_alike(lock, other = req->arg))
                return other;
        }
    return NULL;
}

/*
 * A cancel may come when the lock was granted already, and an error takes no
 * lock of a session back, nor tells.  Locks are counted in a session: where
 * there is another one, an unlock too many would take that, so it waits until
 * there is none.  A lease is reset; in a failed transaction nothing can be
 * undone.
 */
static void undo_grants(elpq_lock *lock, unsigned n)
{
    elpq_lock *other;
    struct lock_sql s;

    if (n == 0 || lock->leased || lock->conn->state == ELPQ__CLOSED ||
        lock->lease != lock->conn->slot_lease)
        return;
    if (PQtransactionStatus(lock->conn->pg) == PQTRANS_INERROR) {
        if (lock->owes > 0)
            close_holder(lock->conn);
        return;
    }
    if ((other = another(lock))) {
        other->owes += n;
        return;
    }
    make_sql(&s, &lock->key, lock->shared, "", "unlock");
    while (n-- > 0 && lock->conn->state != ELPQ__CLOSED)
        undo(lock->conn, &s.st);
}

static void on_locked(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_lock *lock = arg;
    elpq_error failed;

    lock->request = NULL;
    lock->may_hold = is_doubtful(result, error, lock->try_only);
    if (!error && !is_granted(result, lock->try_only)) {
        held_elsewhere(&failed);
        error = &failed;
    }
    if (!error && lock->conn->state == ELPQ__CLOSED) {
        elpq__error_set(&failed, ELPQ_E_LOST, ELPQ_RETRYABLE, NULL);
        error = &failed; /* a hook has closed it */
    }
    if (!error && lock->lease != lock->conn->slot_lease) {
        elpq__error_set(&failed, ELPQ_E_CLOSED, 0,
                        "the connection was released");
        error = &failed; /* its reset unlocks */
    }
    if (error)
        undo_grants(lock, lock->owes +
                              (!lock->try_only &&
                               strcmp(error->sqlstate, "57014") == 0));
    if (error) {
        fail(lock, error);
    } else if (lock->unwanted) {
        give_back(lock);
    } else {
        lock->state = HELD;
        elpq__list_push(&lock->conn->watchers, &lock->watcher.node);
        lock->callback(lock, NULL, lock->arg);
    }
}

/*
 * A request that was given up behind others is answered: if it was granted
 * all the same, it is undone, with the parameters that it had.
 */
static void on_late(elpq_request *req)
{
    elpq_conn *conn = req->conn;
    const PGresult *res = req->result;
    bool shared = strstr(req->sql, "_shared(") != NULL;
    elpq_lock_key key = { .two = req->n == 2 };
    elpq_value values[2];
    struct lock_sql s;

    if (req->failure || !res || PQntuples(res) != 1 ||
        conn->state == ELPQ__CLOSED ||
        (strstr(req->sql, "_try_") && *PQgetvalue(res, 0, 0) != 't' &&
         *PQgetvalue(res, 0, 0) != 1))
        return;
    for (unsigned i = 0; i < req->n && i < 2; i++)
        values[i] =
            elpq_raw(req->types[i], req->values[i], (size_t)req->lengths[i]);
    make_sql(&s, &key, shared, "", "unlock");
    s.st.values = values;
    undo(conn, &s.st);
}

/* The time left, as the option of a request. */
static int left_ms(const elpq_lock *lock)
{
    int64_t left = (lock->due - elpq__now()) / 1000;

    if (!lock->due)
        return lock->timeout_ms;
    return left > 0 ? (int)left : 1;
}

static int ask(elpq_lock *lock)
{
    elpq_options o = { .timeout_ms = left_ms(lock),
                       .tag = lock->tag,
                       .request = &lock->request };
    struct lock_sql s;
    int code;

    make_sql(&s, &lock->key, lock->shared, lock->try_only ? "try_" : "",
             "lock");
    code = elpq_conn_execute(lock->conn, &s.st, &o, on_locked, lock);
    if (!code && !lock->leased)
        lock->request->late = on_late;
    return code;
}

static void on_lease(elpq_conn *conn, const elpq_error *error, void *arg)
{
    elpq_lock *lock = arg;
    elpq_error failed;
    int code = ELPQ_E_CANCELED;

    lock->request = NULL;
    if (error) {
        fail(lock, error);
        return;
    }
    lock->conn = conn;
    lock->leased = true;
    lock->lease = conn->slot_lease;
    elpq__conn_ref(conn);
    if (!lock->unwanted)
        code = ask(lock);
    if (code) {
        elpq__error_set(&failed, (elpq_code)code, ELPQ_NOT_EXECUTED, NULL);
        fail(lock, &failed);
    }
}

static elpq_lock *lock_new(elpq_lock_key key, const elpq_lock_options *o,
                           int timeout_ms, elpq_lock_cb callback, void *arg)
{
    elpq_lock *lock = elpq__new(elpq_lock);

    if (!lock)
        return NULL;
    lock->key = key;
    lock->callback = callback;
    lock->arg = arg;
    lock->timeout_ms = timeout_ms;
    lock->watcher.gone = on_gone;
    lock->task.run = run_task;
    lock->deadline.fire = on_deadline;
    if (o) {
        lock->shared = o->shared;
        lock->try_only = o->try_only;
        lock->lost = o->lost;
        if (o->timeout_ms)
            lock->timeout_ms = o->timeout_ms;
    }
    if (lock->timeout_ms > 0)
        lock->due = elpq__now() + lock->timeout_ms * INT64_C(1000);
    if (o && o->tag && !(lock->tag = strdup(o->tag))) {
        free(lock);
        return NULL;
    }
    return lock;
}

static int lent(struct elpq__lender *lender, elpq_lock_key key,
                const elpq_lock_options *options, elpq_lock_cb callback,
                void *arg)
{
    elpq_options wait = { .timeout_ms = 0 };
    elpq_lock *lock;
    int code;

    if (!lender || !callback)
        return ELPQ_E_USAGE;
    lock = lock_new(key, options, lender->options->acquire_timeout_ms, callback,
                    arg);
    if (!lock)
        return ELPQ_E_NOMEM;
    wait.timeout_ms = lock->timeout_ms;
    wait.tag = lock->tag;
    wait.request = &lock->request;
    code = elpq__lender_acquire(lender, &wait, on_lease, lock);
    if (code)
        lock_free(lock);
    else if (options && options->lock)
        *options->lock = lock;
    return code;
}

int elpq_pool_lock(elpq_pool *pool, elpq_lock_key key,
                   const elpq_lock_options *options, elpq_lock_cb callback,
                   void *arg)
{
    return lent(ELPQ__LENDER(pool), key, options, callback, arg);
}

int elpq_router_lock(elpq_router *router, elpq_lock_key key,
                     const elpq_lock_options *options, elpq_lock_cb callback,
                     void *arg)
{
    return lent(ELPQ__LENDER(router), key, options, callback, arg);
}

int elpq_conn_lock(elpq_conn *conn, elpq_lock_key key,
                   const elpq_lock_options *options, elpq_lock_cb callback,
                   void *arg)
{
    elpq_lock *lock;
    int code;

    if (!conn || !callback)
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_usable(conn)))
        return code;
    lock = lock_new(key, options, 0, callback, arg);
    if (!lock)
        return ELPQ_E_NOMEM;
    lock->conn = conn;
    lock->lease = conn->slot_lease;
    elpq__conn_ref(conn);
    code = ask(lock);
    if (code)
        lock_free(lock);
    else if (options && options->lock)
        *options->lock = lock;
    return code;
}

elpq_conn *elpq_lock_conn(const elpq_lock *lock)
{
    return lock->conn;
}

/* ------------------------------------------------------ of a transaction */

static void on_try(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_error failed;

    if (!error && !is_granted(result, true)) {
        held_elsewhere(&failed);
        error = &failed;
    }
    elpq__done_result(result, error, arg);
}

int elpq_tx_lock(elpq_tx *tx, elpq_lock_key key,
                 const elpq_lock_options *options, elpq_done_cb callback,
                 void *arg)
{
    elpq_lock_options none = { .shared = false };
    const elpq_lock_options *o = options ? options : &none;
    elpq_options run = { .timeout_ms = o->timeout_ms,
                         .tag = o->tag,
                         .request = o->request };
    struct elpq__done *done;
    struct lock_sql s;
    int code;

    if (!tx || !callback)
        return ELPQ_E_USAGE;
    done = elpq__done_new(callback, arg);
    if (!done)
        return ELPQ_E_NOMEM;
    make_sql(&s, &key, o->shared, o->try_only ? "try_" : "", "xact_lock");
    code = elpq_tx_execute(tx, &s.st, &run,
                           o->try_only ? on_try : elpq__done_result, done);
    if (code)
        free(done);
    return code;
}

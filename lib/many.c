/* SPDX-License-Identifier: PostgreSQL */
/*
 * One statement for many rows: takes rows from their source as long as there
 * is room in the window, and executes each as a statement of the connection.
 *
 * Its request is in no queue: it stands for the whole, has the deadline, and
 * ends when no row is on its way any more and the transaction, if it is ours,
 * has ended.  Every row on its way has a slot; `free_slots` chains the others.
 * All steps are taken by the task, at the end of a turn, so that no callback
 * finds the object half moved.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "many_int.h"
#include "pool_int.h"
#include "router_int.h"
#include "scope.h"
#include "tx_int.h"

#define DEFAULT_WINDOW 256
#define MAX_WINDOW 65536
#define DEFAULT_BYTES ((size_t)1 << 20)

/*
 * Which of several errors is told.  That of a row is the least, as the outcome
 * counts those.  What ended the whole before its last row is more: without it,
 * rows that were never tried would look as if they had been.  And a loss is
 * the most: behind it nothing is known.
 */
enum weight { NO_ERROR, OF_A_ROW, OF_THE_WHOLE, OF_A_LOSS };

struct slot {
    struct elpq__many *many;
    struct slot *next_free;
    elpq_request *request;
    uint64_t row;
    size_t bytes;
};

struct elpq__many {
    elpq_request *req; /* the whole                                    */
    elpq_many_cb callback;
    void *arg;
    elpq_rows_source source;
    elpq_statement statement; /* text of req, values below                */
    elpq_value *values;       /* of one row                                   */
    struct elpq__task step;

    elpq_conn *conn;     /* a reference, once there is one               */
    unsigned lease;      /* of the connection, when it began             */
    elpq_request *waits; /* for a connection, then BEGIN, or COMMIT      */
    bool leased;         /* conn goes back                               */
    elpq_tx *outer;      /* the caller's transaction                     */
    elpq_tx *tx;         /* or ours                                      */

    bool exhausted; /* the source has no more rows                  */
    bool stopped;   /* no more rows are taken                       */
    bool ended;     /* COMMIT or ROLLBACK is on its way, or done    */
    uint64_t next_row;
    unsigned on_way;
    size_t bytes;      /* of those                                     */
    elpq_error *error; /* the one to tell; NULL without memory for it  */
    enum weight weight; /* of it                                       */
    bool doubt;        /* a row may have been committed nonetheless    */
    elpq_many_outcome outcome;
    struct slot *free_slots;
    struct slot slots[];
};

static bool atomic(const struct elpq__many *many)
{
    return many->source.mode == ELPQ_MANY_ATOMIC;
}

static void wake(struct elpq__many *many)
{
    elpq__task_post(many->req->loop, &many->step);
}

/* ------------------------------------------------------------------- end */

static void many_free(struct elpq__many *many)
{
    elpq__task_drop(&many->step);
    elpq_error_free(many->error);
    free(many->values);
    free(many);
}

/* Called back by its request, which is freed next. */
static void call(elpq_request *req, const elpq_error *error)
{
    struct elpq__many *many = req->driven;
    elpq_many_outcome outcome = many->outcome;
    elpq_many_cb callback = many->callback;
    void *arg = many->arg;

    many_free(many);
    req->driven = NULL;
    callback(&outcome, error, arg);
}

/* Makes it the error that is told; without memory for it a plain one. */
static void tell(struct elpq__many *many, enum weight weight,
                 const elpq_error *error)
{
    elpq_error_free(many->error);
    many->error = elpq_error_dup(error);
    many->weight = weight;
    many->req->code = 0;
    elpq__request_blame(many->req, error->code, error->flags, NULL);
}

static unsigned *flags_of(struct elpq__many *many)
{
    return many->error ? &many->error->flags : &many->req->error_flags;
}

/* What is known of the rows decides what the error, if any, says of them. */
static void settle_flags(struct elpq__many *many)
{
    bool some = many->weight > OF_A_ROW && many->outcome.rows > 0;

    if (many->doubt)
        *flags_of(many) |= ELPQ_IN_DOUBT;
    if (many->doubt || (some && !atomic(many)))
        *flags_of(many) &= ~(unsigned)ELPQ_NOT_EXECUTED;
}

/* Ends the whole; the request calls back at the end of the turn. */
static void end(struct elpq__many *many)
{
    elpq_conn *conn = many->conn;
    elpq_request *req = many->req;

    if (many->outer && atomic(many) && req->code) /* not all, so nothing */
        elpq__scope_break(conn, ++conn->serial);
    if (many->outer)
        elpq__tx_vacate(many->outer);
    settle_flags(many);
    req->owned = many->error;
    many->error = NULL;
    many->conn = NULL;
    elpq__request_end_soon(req);
    if (many->leased)
        elpq__lease_end(conn, many->lease);
    if (conn)
        elpq__conn_unref(conn);
}

/* No more rows, because of an error, which is told if it is what stops it. */
static void stop(struct elpq__many *many, const elpq_error *error)
{
    if (!many->stopped)
        tell(many, OF_THE_WHOLE, error);
    many->stopped = true;
    wake(many);
}

static void stop_with(struct elpq__many *many, int code, unsigned flags)
{
    elpq_error error;

    elpq__error_set(&error, (elpq_code)code, flags, NULL);
    stop(many, &error);
}

static void on_commit(const elpq_error *error, void *arg)
{
    struct elpq__many *many = arg;

    many->waits = NULL;
    if (error)
        stop(many, error);
    end(many);
}

static void on_rollback(const elpq_error *error, void *arg)
{
    struct elpq__many *many = arg;

    (void)error;
    many->outcome.rows = many->outcome.affected = 0;
    /* Nobody has to doubt what was rolled back. */
    *flags_of(many) &= ~(unsigned)ELPQ_IN_DOUBT;
    *flags_of(many) |= ELPQ_NOT_EXECUTED;
    end(many);
}

/* No row is on its way any more, and no more will be. */
static void conclude(struct elpq__many *many)
{
    elpq_tx *tx = many->tx;
    int code = 0;

    many->ended = true;
    many->tx = NULL;
    if (!tx) {
        end(many);
        return;
    }
    if (!many->stopped && !(code = elpq_commit(tx, on_commit, many)))
        return;
    if (code)
        stop_with(many, code, 0);
    elpq_rollback(tx, on_rollback, many);
}

/* ------------------------------------------------------------------ rows */

static void free_slot(struct elpq__many *many, struct slot *slot)
{
    many->on_way--;
    slot->request = NULL;
    slot->next_free = many->free_slots;
    many->free_slots = slot;
}

/* Whether the row alone is to blame, and others may do better. */
static bool is_of_row(const elpq_error *error)
{
    return error->code == ELPQ_E_SERVER || error->code == ELPQ_E_VALUE;
}

/* Whether the connection is gone, and with it what was on its way. */
static bool is_loss(const elpq_error *error)
{
    return error->code == ELPQ_E_LOST || error->code == ELPQ_E_CLOSED ||
           error->code == ELPQ_E_LIMIT || error->code == ELPQ_E_PROTOCOL;
}

static enum weight weight_of(const struct elpq__many *many,
                             const elpq_error *error)
{
    if (is_loss(error))
        return OF_A_LOSS;
    return many->source.go_on && !is_of_row(error) ? OF_THE_WHOLE : OF_A_ROW;
}

static void note_failure(struct elpq__many *many, const struct slot *slot,
                         const elpq_error *error)
{
    elpq_many_outcome *o = &many->outcome;
    enum weight weight = weight_of(many, error);
    bool first = o->failed == 0 || slot->row < o->first_failed;

    /* In a transaction those behind the first only fail with it. */
    if (o->failed > 0 && atomic(many))
        return;
    if (weight > many->weight || (first && weight == many->weight))
        tell(many, weight, error);
    if (first)
        o->first_failed = slot->row;
    o->failed++;
    if (!many->source.go_on || weight > OF_A_ROW)
        many->stopped = true;
}

static void on_row(elpq_result *result, const elpq_error *error, void *arg)
{
    struct slot *slot = arg;
    struct elpq__many *many = slot->many;

    many->bytes -= slot->bytes;
    free_slot(many, slot);
    if (result) {
        many->outcome.rows++;
        many->outcome.affected += elpq_affected(result);
    } else {
        if (!atomic(many) && error->flags & ELPQ_IN_DOUBT)
            many->doubt = true;
        if (!many->req->cause)
            note_failure(many, slot, error);
    }
    wake(many);
}

/* 1: many->statement has the next row; 0: there is none; < 0: a code. */
static int take_row(struct elpq__many *many)
{
    const elpq_rows_source *s = &many->source;

    if (s->next)
        return s->next(many->next_row, many->values, s->arg);
    if (many->next_row == s->rows)
        return 0;
    if (s->columns > 0)
        many->statement.values = s->values + many->next_row * s->columns;
    return 1;
}

static bool has_room(const struct elpq__many *many)
{
    return many->free_slots && many->bytes < many->source.window_bytes;
}

/* Whether the connection is still what it was when the rows began. */
static bool is_ours(const struct elpq__many *many)
{
    return elpq_conn_is_open(many->conn) &&
           many->lease == many->conn->slot_lease;
}

/* Executes the row that was taken; 0, or why it cannot be. */
static int send_row(struct elpq__many *many)
{
    struct slot *slot = many->free_slots;
    int server_ms = many->req->server_ms;
    elpq_options options = { .timeout_ms = ELPQ_NO_TIMEOUT,
                             .server_timeout_ms =
                                 server_ms ? server_ms : ELPQ_NO_TIMEOUT,
                             .flags = many->req->flags,
                             .tag = many->req->tag,
                             .request = &slot->request };
    int code;

    /* The source, too, may have done anything. */
    if (!is_ours(many))
        return ELPQ_E_CLOSED;
    slot->row = many->next_row++;
    many->free_slots = slot->next_free;
    many->on_way++;
    code =
        elpq_conn_execute(many->conn, &many->statement, &options, on_row, slot);
    if (code) {
        free_slot(many, slot);
        return code;
    }
    slot->bytes = slot->request->bytes + slot->request->sql_len;
    many->bytes += slot->bytes;
    return 0;
}

/*
 * A row that others leave no place for in the queue would be lost by the
 * source, so it is not taken before there is one.
 */
static bool queue_is_full(const struct elpq__many *many)
{
    return elpq__conn_check(many->conn) == ELPQ_E_FULL;
}

static void send_rows(struct elpq__many *many)
{
    if (!is_ours(many)) {
        if (many->on_way == 0) /* else those tell how it went */
            stop_with(many, ELPQ_E_CLOSED,
                      atomic(many) ? ELPQ_NOT_EXECUTED : 0);
        return;
    }
    while (!many->stopped && !many->exhausted && has_room(many)) {
        int code;

        if (queue_is_full(many)) {
            if (many->on_way == 0)
                stop_with(many, ELPQ_E_FULL, 0);
            return; /* a row that ends makes room */
        }
        code = take_row(many);
        if (many->stopped)
            return; /* by the source's hand */
        if (code == 0)
            many->exhausted = true;
        else if (code > 0)
            code = send_row(many);
        if (code < 0)
            stop_with(many, code, 0);
    }
}

static void on_begun(elpq_tx *tx, const elpq_error *error, void *arg)
{
    struct elpq__many *many = arg;

    many->waits = NULL;
    many->tx = tx;
    if (error)
        stop(many, error);
    wake(many);
}

/* The connection is there: in its own transaction, if it needs one. */
static void start(struct elpq__many *many)
{
    static const elpq_tx_options o = { .timeout_ms = ELPQ_NO_TIMEOUT };
    int code;

    many->lease = many->conn->slot_lease;
    if (atomic(many) && !many->outer) {
        code = elpq__tx_begin_on(many->conn, &o, &many->waits, on_begun, many);
        if (code)
            stop_with(many, code, ELPQ_NOT_EXECUTED);
    }
    wake(many);
}

static void on_lease(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct elpq__many *many = arg;

    many->waits = NULL;
    if (error) {
        stop(many, error);
        return;
    }
    elpq__conn_ref(conn);
    many->conn = conn;
    many->leased = true;
    if (many->stopped)
        wake(many);
    else
        start(many);
}

static void run_step(struct elpq__task *task)
{
    struct elpq__many *many = elpq__container(task, struct elpq__many, step);

    if (many->waits || many->ended)
        return;
    if (!many->stopped && !many->exhausted)
        send_rows(many);
    if ((many->stopped || many->exhausted) && many->on_way == 0)
        conclude(many);
}

/* The deadline has passed, or it was canceled: what is on its way as well. */
static void halt(elpq_request *req, elpq_code cause)
{
    struct elpq__many *many = req->driven;
    unsigned window = many->source.window;

    if (req->cause)
        return;
    req->cause = cause;
    if (!many->stopped && !many->ended) /* else COMMIT has the last word */
        stop_with(many, (int)cause,
                  many->next_row == 0 ? ELPQ_NOT_EXECUTED : 0);
    if (many->waits)
        elpq__request_cancel(many->waits, cause);
    /* From the last, so that nothing behind is sent in between. */
    for (unsigned i = window; i-- > 0;)
        if (many->slots[i].request)
            elpq__request_cancel(many->slots[i].request, cause);
}

static const struct elpq__drive drive = { .halt = halt, .call = call };

void elpq__many_tx_ended(struct elpq__many *many)
{
    many->outer = NULL;
    stop_with(many, ELPQ_E_ROLLED_BACK, ELPQ_NOT_EXECUTED);
}

/* ------------------------------------------------------------------- new */

static bool source_ok(const elpq_statement *st, const elpq_rows_source *s)
{
    return st && st->sql && s && s->columns <= ELPQ_MAX_PARAMETERS &&
           s->window <= MAX_WINDOW && (unsigned)s->mode <= ELPQ_MANY_EACH &&
           !(s->next && s->values) &&
           (s->next || s->values || s->rows == 0 || s->columns == 0) &&
           !(s->go_on && s->mode != ELPQ_MANY_EACH);
}

static struct elpq__many *many_alloc(const elpq_rows_source *source)
{
    unsigned window = source->window ? source->window : DEFAULT_WINDOW;
    struct elpq__many *many =
        calloc(1, sizeof(*many) + window * sizeof(struct slot));

    if (!many)
        return NULL;
    many->source = *source;
    many->source.window = window;
    if (many->source.window_bytes == 0)
        many->source.window_bytes = DEFAULT_BYTES;
    many->values = calloc(source->columns + 1, sizeof(elpq_value));
    if (!many->values) {
        free(many);
        return NULL;
    }
    for (unsigned i = window; i-- > 0;) {
        many->slots[i].many = many;
        many->slots[i].next_free = many->free_slots;
        many->free_slots = &many->slots[i];
    }
    many->step.run = run_step;
    return many;
}

/* The request, and what drives it; NULL without memory. */
static struct elpq__many *many_new(struct elpq__loop *loop,
                                   const elpq_conn_options *conn_options,
                                   const elpq_statement *statement,
                                   const elpq_rows_source *source,
                                   const elpq_options *options)
{
    struct elpq__many *many = many_alloc(source);
    elpq_statement st = *statement;
    elpq_request *req;

    if (!many)
        return NULL;
    st.nvalues = 0;
    req = elpq__request_submit(loop, ELPQ__DRIVEN, &st, options,
                               conn_options->timeout_ms, conn_options);
    if (!req) {
        many_free(many);
        return NULL;
    }
    req->place = ELPQ__ELSEWHERE;
    req->drive = &drive;
    req->driven = many;
    many->req = req;
    many->statement = st;
    many->statement.sql = req->sql;
    many->statement.values = many->values;
    many->statement.nvalues = source->columns;
    return many;
}

/* A submitting call that could not go on after all. */
static int many_refuse(struct elpq__many *many, const elpq_options *options,
                       int code)
{
    elpq_request *req = many->req;

    if (options && options->request)
        *options->request = NULL;
    many_free(many);
    elpq__request_free(req);
    return code;
}

static int many_go(struct elpq__many *many, elpq_many_cb callback, void *arg)
{
    many->callback = callback;
    many->arg = arg;
    elpq__request_accepted(many->req);
    return 0;
}

int elpq_conn_execute_many(elpq_conn *conn, const elpq_statement *statement,
                           const elpq_rows_source *source,
                           const elpq_options *options, elpq_many_cb callback,
                           void *arg)
{
    struct elpq__many *many;
    int code;

    if (!conn || !source_ok(statement, source) || !callback || conn->in_tx)
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    many = many_new(conn->loop, &conn->options, statement, source, options);
    if (!many)
        return ELPQ_E_NOMEM;
    many->conn = conn;
    elpq__conn_ref(conn);
    start(many);
    return many_go(many, callback, arg);
}

static int lent(struct elpq__lender *lender, const elpq_statement *statement,
                const elpq_rows_source *source, const elpq_options *options,
                elpq_many_cb callback, void *arg)
{
    struct elpq__many *many;
    elpq_options wait = { .timeout_ms = ELPQ_NO_TIMEOUT };
    int code;

    if (!lender || !source_ok(statement, source) || !callback)
        return ELPQ_E_USAGE;
    if ((code = lender->as->check(lender)))
        return code;
    many = many_new(lender->loop, &lender->options->conn, statement, source,
                    options);
    if (!many)
        return ELPQ_E_NOMEM;
    wait.tag = many->req->tag;
    wait.request = &many->waits;
    code = elpq__lender_acquire(lender, &wait, on_lease, many);
    if (code)
        return many_refuse(many, options, code);
    return many_go(many, callback, arg);
}

int elpq_pool_execute_many(elpq_pool *pool, const elpq_statement *statement,
                           const elpq_rows_source *source,
                           const elpq_options *options, elpq_many_cb callback,
                           void *arg)
{
    return lent(ELPQ__LENDER(pool), statement, source, options, callback, arg);
}

int elpq_router_execute_many(elpq_router *router,
                             const elpq_statement *statement,
                             const elpq_rows_source *source,
                             const elpq_options *options,
                             elpq_many_cb callback, void *arg)
{
    return lent(ELPQ__LENDER(router), statement, source, options, callback,
                arg);
}

int elpq_tx_execute_many(elpq_tx *tx, const elpq_statement *statement,
                         const elpq_rows_source *source,
                         const elpq_options *options, elpq_many_cb callback,
                         void *arg)
{
    struct elpq__many *many;
    elpq_conn *conn;
    int code;

    if (!tx || !source_ok(statement, source) || !callback ||
        source->mode != ELPQ_MANY_ATOMIC)
        return ELPQ_E_USAGE;
    conn = elpq_tx_conn(tx);
    if ((code = elpq__conn_check(conn)))
        return code;
    many = many_new(conn->loop, &conn->options, statement, source, options);
    if (!many)
        return ELPQ_E_NOMEM;
    if ((code = elpq__tx_occupy(tx, many)))
        return many_refuse(many, options, code);
    many->outer = tx;
    many->conn = conn;
    elpq__conn_ref(conn);
    start(many);
    return many_go(many, callback, arg);
}

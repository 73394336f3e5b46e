/* SPDX-License-Identifier: PostgreSQL */
/*
 * One cell of the matrix: what its state may do, how it is struck, and what is
 * asserted of it at the end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../lib/listener_int.h"
#include "../../../lib/pool_int.h"
#include "../../server/secrets.h"
#include "matrix.h"

/* ----------------------------------------------------------- of the states */

int64_t patience(void)
{
    return (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());
}

void rule(struct cell *c, const char *format, ...)
{
    char text[200];
    const char *wrong;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    wrong = elpq_faultproxy_rule(c->proxy, text);
    ck_assert_msg(!wrong, "%s: %s", text, wrong);
}

elpq_faultproxy_stats proxied(const struct cell *c)
{
    elpq_faultproxy_stats s;

    elpq_faultproxy_statistics(c->proxy, &s);
    return s;
}

int64_t next_nonce(const struct cell *c)
{
    return c->nonce + c->nq;
}

struct answer *keep_question(struct cell *c, struct answer *a)
{
    ck_assert_int_lt(c->nq, MANY_QUESTIONS);
    c->q[c->nq++] = a;
    return a;
}

elpq_conn *session_of(const struct cell *c)
{
    if (c->listener)
        return c->listener->conn;
    for (int place = 0; c->pool && place < PLACES; place++) {
        struct elpq__node *node = elpq__list_first(&c->pool->conns[place]);

        if (node)
            return elpq__container(node, elpq_conn, slot_node);
    }
    return NULL;
}

void lock_cell(struct cell *c)
{
    admin_do("select pg_advisory_lock(%lld)", (long long)c->nonce);
    c->locked = true;
}

/* A server that has crashed has let go of it. */
void unlock_cell(struct cell *c)
{
    if (c->locked)
        admin_do("select pg_advisory_unlock(%lld)", (long long)c->nonce);
    c->locked = false;
}

void await_locked(struct cell *c)
{
    await_that(c, admin_int("select count(*) = 1 from " LOCKS " not"
                            " granted and locktype = 'advisory' and"
                            " objid = %lld",
                            (long long)c->nonce));
}

static void hurry_list(struct cell *c, struct elpq__list *list)
{
    struct elpq__node *node = list->head.next;

    for (; node != &list->head; node = node->next) {
        elpq_request *req = elpq__container(node, elpq_request, node);

        req->deferred = false; /* all its time has passed */
        if (elpq__timer_runs(&req->deadline))
            elpq__timer_start(req->loop, &req->deadline, elpq__now());
    }
    (void)c;
}

void hurry(struct cell *c, bool grace)
{
    elpq_conn *conn = session_of(c);

    if (c->pool)
        hurry_list(c, &c->pool->waiting);
    if (!conn || elpq_conn_pid(conn) != c->pid)
        return; /* it is another one already */
    if (elpq__timer_runs(&conn->connect_timer))
        elpq__timer_start(conn->loop, &conn->connect_timer, elpq__now());
    hurry_list(c, &conn->queue);
    hurry_list(c, &conn->sent);
    if (grace && elpq__timer_runs(&conn->grace))
        elpq__timer_start(conn->loop, &conn->grace, elpq__now());
    if (grace && c->listener && elpq__timer_runs(&c->listener->probe)) {
        c->listener->alive = 0;
        elpq__timer_start(conn->loop, &c->listener->probe, elpq__now());
    }
}

void free_all(struct cell *c)
{
    elpq_listener *listener = c->listener;
    elpq_pool *pool = c->pool;
    elpq_conn *conn = c->conn;
    elpq_tx *tx = c->tx;

    c->listener = NULL;
    c->pool = NULL;
    c->conn = NULL;
    c->tx = NULL;
    if (listener) {
        struct answer *end = answer_new();

        RUN(elpq_listener_close(listener, on_done, end));
    }
    if (pool)
        close_pool(pool, 0);
    if (tx)
        rollback(tx);
    if (conn)
        release(conn);
}

/* --------------------------------------------------------------- outcomes */

/* "ok", or "TIMEOUT in doubt", or "LOST 57P01 not run, retry". */
static void describe(const struct answer *a, char *text, size_t size)
{
    const char *name;

    if (a->code == 0) {
        snprintf(text, size, "ok");
        return;
    }
    name = elpq_code_name(a->code) + strlen("ELPQ_E_");
    snprintf(text, size, "%s%s%s%s%s%s", name, *a->sqlstate ? " " : "",
             a->sqlstate, a->flags & ELPQ_NOT_EXECUTED ? " not run" : "",
             a->flags & ELPQ_IN_DOUBT ? " in doubt" : "",
             a->flags & ELPQ_RETRYABLE ? ", retry" : "");
}

/* The different ones, in the order of the questions. */
static const char *outcome_of(const struct cell *c)
{
    static char text[OUTCOME_SIZE];
    char one[60], last[60] = "";
    size_t used = 0;

    *text = '\0';
    if (c->state == LISTENING && !c->downs)
        return c->listener ? "ok" : "ended";
    if (c->state != LISTENING && c->nq == 0)
        return "ended"; /* nothing was left to be asked */
    if (c->state == LISTENING) {
        snprintf(text, sizeof(text), "DOWN %s, UP, GAP",
                 elpq_code_name(c->down_code) + strlen("ELPQ_E_"));
        return text;
    }
    for (int i = 0; i < c->nq; i++) {
        describe(c->q[i], one, sizeof(one));
        if (strcmp(one, last) != 0 && used < sizeof(text))
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                     used ? "; " : "", one);
        strcpy(last, one);
    }
    return text;
}

static const char *where(const struct cell *c)
{
    static char text[80];

    snprintf(text, sizeof(text), "%s, %s (%d.%d)", states[c->state].name,
             faults[c->fault].name, (int)c->state, (int)c->fault);
    return text;
}

/* ------------------------------------------------------------- verdicts */

/*
 * The rule of error.h: no connection, or one that broke, may be another time;
 * what the user ended, or a server that errs, is not.  Of a COMMIT that was not
 * sent (ROLLED_BACK) only the table knows what the reason was.
 */
static bool is_rightly_retryable(const struct answer *a)
{
    const bool retryable = a->flags & ELPQ_RETRYABLE;

    if (a->code == ELPQ_E_ROLLED_BACK)
        return true;
    return retryable == (a->code == ELPQ_E_LOST || a->code == ELPQ_E_CONNECT);
}

static void check_questions(const struct cell *c)
{
    for (int i = 0; i < c->nq; i++) {
        const struct answer *a = c->q[i];
        int64_t value = -1;

        ck_assert_msg(a->calls == 1, "%s: %d callbacks", where(c), a->calls);
        ck_assert_msg((a->flags & (ELPQ_NOT_EXECUTED | ELPQ_IN_DOUBT)) !=
                          (ELPQ_NOT_EXECUTED | ELPQ_IN_DOUBT),
                      "%s: not executed, and in doubt", where(c));
        if (a->error)
            hear_error(a->error);
        ck_assert_msg(is_rightly_retryable(a), "%s: %s, flags %u", where(c),
                      elpq_code_name(a->code), a->flags);
        if (!a->result || elpq_columns(a->result) == 0)
            continue;
        ck_assert_int_eq(elpq_get_int64(a->result, 0, 0, &value), 0);
        ck_assert_msg(value == c->nonce + i, "%s: the answer to another",
                      where(c));
    }
}

static void check_outcome(const struct cell *c)
{
    const char *outcome = outcome_of(c);
    const char *expected = expected_of(c->state, c->fault);

    if (harness_env("ELPQ_TEST_VERBOSE"))
        printf("%s: %s\n", where(c), outcome);
    ck_assert_msg(is_expected(outcome, expected), "%s: %s, and not %s",
                  where(c), outcome, expected);
}

/* What it says of a row is what the server has. */
static void check_stored(const struct cell *c)
{
    const struct answer *a = c->nq ? c->q[c->nq - 1] : NULL;
    long stored;

    if (!a)
        return;
    if (a->code == 0 && (c->state == PAUSED_STREAM || c->state == COPY_OUT))
        ck_assert_msg(c->rows == SOME_ROWS, "%s: %lld rows", where(c),
                      (long long)c->rows);
    if (!states[c->state].stores)
        return;
    stored =
        admin_int("select count(*) from %s where id = %lld",
                  c->state == COMMIT_SENT ? "elpq_matrix_slow" : "elpq_matrix",
                  (long long)c->nonce);
    if (a->code == 0)
        ck_assert_msg(stored == 1, "%s: the row is lost", where(c));
    else if (!(a->flags & ELPQ_IN_DOUBT))
        ck_assert_msg(stored == 0, "%s: the row is there", where(c));
}

static void check_pool(struct cell *c)
{
    elpq_pool_statistics s = stats(c->pool);
    uint64_t gone = s.lost + s.discarded + s.retired_idle + s.retired_age +
                    s.expired + s.resized;

    ck_assert_msg(s.size == 1 && s.idle == 1 && s.busy == 0 && s.leased == 0 &&
                      s.connecting == 0 && s.waiting == 0,
                  "%s: size %u, idle %u, busy %u, leased %u, connecting %u,"
                  " waiting %u",
                  where(c), s.size, s.idle, s.busy, s.leased, s.connecting,
                  s.waiting);
    ck_assert_msg(s.connects == gone + s.size,
                  "%s: %llu made, %llu gone, %u there", where(c),
                  (unsigned long long)s.connects, (unsigned long long)gone,
                  s.size);
    ck_assert_msg(s.statements + s.acquires ==
                      s.wait.count + s.left + s.failed_waiting,
                  "%s: %llu came, %llu were served, %llu left, %llu failed",
                  where(c), (unsigned long long)(s.statements + s.acquires),
                  (unsigned long long)s.wait.count, (unsigned long long)s.left,
                  (unsigned long long)s.failed_waiting);
    ck_assert_uint_eq(s.refused, 0);
}

/* The canary was looked for where it could have been: libpq has it. */
static void check_password(const struct cell *c)
{
    const elpq_conn *conn = session_of(c);
    const char *password = c->state == AUTHENTICATING
                               ? harness_env("ELPQ_TEST_SCRAM_PASSWORD")
                               : CANARY;

    if (conn && conn->pg)
        ck_assert_msg(strcmp(PQpass(conn->pg), password) == 0,
                      "%s: the password was not passed", where(c));
    else
        ck_assert_msg(!c->pool && !c->listener, "%s: no session", where(c));
    ck_assert_msg(c->events > 0, "%s: nothing was told", where(c));
}

/* ------------------------------------------------------------- one cell */

struct cell *cell_new(enum state_id state, enum fault_id fault, int64_t nonce)
{
    struct cell *c = calloc(1, sizeof(*c));

    ck_assert_ptr_nonnull(c);
    c->state = state;
    c->fault = fault;
    c->nonce = nonce;
    return c;
}

void cell_reach(struct cell *c)
{
    elpq_faultproxy_options o = { .upstream_host = server_host(),
                                  .upstream_port =
                                      (int)strtol(server_port(), NULL, 10) };

    c->proxy = elpq_faultproxy_new(loop, &o);
    ck_assert_ptr_nonnull(c->proxy);
    if (faults[c->fault].prepare)
        faults[c->fault].prepare(c);
    states[c->state].reach(c);
}

void cell_go_on(struct cell *c)
{
    if (!c->went_on)
        states[c->state].go_on(c);
    c->went_on = true;
}

static bool is_answered(const struct cell *c)
{
    for (int i = 0; i < c->nq; i++)
        if (!c->q[i]->calls)
            return false;
    return true;
}

/* What the listener is to have heard of it. */
static bool has_listened(const struct cell *c)
{
    const struct fault *f = &faults[c->fault];

    if (!c->listener || (!f->loud && !f->silent))
        return true;
    return c->downs > 0 && c->ups == 2;
}

/* A cancel request that comes to a server that is done has no effect: the
 * answer is what ends the statement. */
static void go_on_after_cancel(struct cell *c)
{
    elpq_conn *conn = session_of(c);

    if ((c->fault == CANCEL || c->fault == DEADLINE) &&
        (c->state == CANCEL_IN_FLIGHT ||
         (states[c->state].held && proxied(c).cancels > 0 && conn &&
          !conn->cancel)))
        cell_go_on(c);
}

/* Looked at once a turn. */
static bool is_over(struct cell *c)
{
    if (is_answered(c) && has_listened(c))
        return true;
    if (faults[c->fault].silent)
        hurry(c, true);
    go_on_after_cancel(c);
    return false;
}

/* The pool knows of the end of the session. */
static bool is_seen(const struct cell *c)
{
    const elpq_conn *conn = session_of(c);

    return !conn || !conn->pg || elpq_conn_pid(conn) != c->pid;
}

/* An idle connection that ends is seen to end before it is used again. */
void cell_follow(struct cell *c)
{
    if (!states[c->state].follow)
        return;
    if (faults[c->fault].loud)
        await_that(c, is_seen(c));
    if (c->pool)
        states[c->state].follow(c);
    run_turns(2); /* it is sent */
}

void cell_strike(struct cell *c)
{
    const struct fault *f = &faults[c->fault];

    if (f->late) {
        cell_go_on(c);
        cell_follow(c);
        f->strike(c);
        return;
    }
    f->strike(c);
    if (f->loud && c->state == PAUSED_STREAM && c->q[0]->request)
        RUN(elpq_stream_resume(c->q[0]->request)); /* it was blind */
    if (f->goes_on)
        cell_go_on(c);
    cell_follow(c);
}

/* The pool serves the next one, and a listener hears the next. */
static void recover(struct cell *c)
{
    unlock_cell(c);
    if (states[c->state].held)
        cell_go_on(c);
    if (faults[c->fault].loud)
        await_that(c, is_seen(c));
    if (c->tx)
        rollback(c->tx);
    c->tx = NULL;
    if (c->conn)
        release(c->conn);
    c->conn = NULL;
    if (c->pool) {
        expect_int(ask(c->pool, sql_format("select %d", (int)c->nonce - 1)),
                   c->nonce - 1);
        await_that(c, stats(c->pool).idle == 1 && stats(c->pool).size == 1);
        check_pool(c);
    }
    if (c->listener) {
        admin_do("select pg_notify('elpq_matrix', '%lld')",
                 (long long)c->nonce);
        await_that(c, c->heard > 0);
        ck_assert_int_eq(c->heard, 1);
        ck_assert_int_eq(c->gaps, c->downs);
    }
}

/* Whatever the server still does for it. */
static void end_backend(const struct cell *c)
{
    if (c->pid)
        admin_do("select pg_terminate_backend(%d, 10000) from"
                 " pg_stat_activity where pid = %d",
                 c->pid, c->pid);
}

static void end_cell(struct cell *c)
{
    free_all(c);
    await_all();
    elpq_faultproxy_free(c->proxy);
    if (!harness_is_private())
        end_backend(c);
}

void cell_finish(struct cell *c)
{
    await_that(c, is_over(c));
    if (faults[c->fault].mend)
        faults[c->fault].mend(c);
    check_questions(c);
    check_outcome(c);
    check_stored(c);
    recover(c);
    check_password(c);
    table_note(c);
    end_cell(c);
    free(c);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every function may be called from every callback.
 *
 * One test for each pair of a source (what calls back) and an action (what is
 * done inside).  Around them is a crowd: statements before and behind, a
 * lease, waiters, a transaction.  Whatever happens, each of them is answered
 * exactly once, and nothing is left over.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

static struct world {
    elpq_pool *pool;   /* NULL once closed                                  */
    elpq_conn *conn;
    elpq_conn *leased;
    elpq_conn *extra;  /* what a connect that called back gave              */
    struct answer *crowd[12];
    int crowded;
    int fired;         /* the action was done                               */
    int action;
    int wanted_event;  /* of the sources that are trace events              */
} w;

/* --------------------------------------------------------------- the crowd */

/* Asks for what may be refused, since the target may have just been closed. */
static struct answer *remember(struct answer *a, int rc)
{
    if (rc != 0) {
        ck_assert_int_eq(rc, ELPQ_E_CLOSED);
        a->wanted = 0;
    } else if (w.crowded < 12) {
        w.crowd[w.crowded++] = a;
    }
    return a;
}

static elpq_options cancelable(struct answer *a)
{
    elpq_options o = { .request = &a->request };

    return o;
}

static void try_conn(const char *sql)
{
    if (w.conn) {
        struct answer *a = answer_new();
        elpq_options o = cancelable(a);

        remember(a, CALL(elpq_conn_execute(w.conn, sql_text(sql), &o,
                                           on_result, a)));
    }
}

static void try_pool(const char *sql)
{
    if (w.pool) {
        struct answer *a = answer_new();
        elpq_options o = cancelable(a);

        remember(a, CALL(elpq_pool_execute(w.pool, sql_text(sql), &o,
                                           on_result, a)));
    }
}

static void give_back(struct answer *a)
{
    if (a->conn)
        release(a->conn);
}

static void undo(struct answer *a)
{
    if (a->tx)
        ck_assert_int_eq(CALL(elpq_rollback(a->tx, NULL, NULL)), 0);
}

static void try_acquire(void)
{
    if (w.pool) {
        struct answer *a = answer_new();
        elpq_options o = cancelable(a);

        a->then = give_back;
        remember(a, CALL(elpq_pool_acquire(w.pool, &o, on_conn, a)));
    }
}

static void try_begin(void)
{
    if (w.pool) {
        struct answer *a = answer_new();

        a->then = undo;
        remember(a, CALL(elpq_pool_begin(w.pool, NULL, on_tx, a)));
    }
}

static void try_script(void)
{
    if (w.conn) {
        struct answer *a = answer_new();

        remember(a, CALL(elpq_conn_script_trusted(w.conn,
                                                  "select 1; select 2", NULL,
                                                  on_each, on_done, a)));
    }
}

/* ------------------------------------------------------------- the actions */

static void do_close_conns(void)
{
    elpq_conn *conn = w.conn, *extra = w.extra;

    w.conn = w.extra = NULL;
    close_conn(conn);
    close_conn(extra);
}

static void do_close_pool(void)
{
    elpq_pool *pool = w.pool;

    w.pool = NULL;
    if (pool)
        close_pool(pool, 0);
}

static void do_drain_pool(void)
{
    elpq_pool *pool = w.pool;

    w.pool = NULL;
    if (pool)
        close_pool(pool, 5000);
}

static void do_release(void)
{
    elpq_conn *leased = w.leased;

    w.leased = NULL;
    release(leased);
}

static void do_close_lease(void)
{
    elpq_conn *leased = w.leased;

    w.leased = NULL;
    close_conn(leased);
}

static void do_close_all(void)
{
    do_close_pool();
    do_release();
    do_close_conns();
}

static void do_cancel_others(void)
{
    int i;

    for (i = 0; i < w.crowded; i++)
        if (w.crowd[i]->request)
            cancel(w.crowd[i]);
}

static void do_submit(void)
{
    try_conn("select 'nested'");
    try_pool("select 'nested'");
    try_acquire();
    try_begin();
    try_script();
}

static void do_submit_and_close(void)
{
    do_submit();
    do_close_all();
}

static const struct {
    const char *name;
    void (*run)(void);
    bool harmless; /* everybody else gets a good answer                     */
} actions[] = {
    { "close the connection", do_close_conns, false },
    { "close the pool", do_close_pool, false },
    { "drain the pool", do_drain_pool, false },
    { "release the lease", do_release, true },
    { "close the lease", do_close_lease, true },
    { "close all", do_close_all, false },
    { "cancel the others", do_cancel_others, false },
    { "submit more", do_submit, true },
    { "submit more and close all", do_submit_and_close, false },
};
#define N_ACTIONS ((int)(sizeof(actions) / sizeof(actions[0])))

static void fire(void)
{
    if (w.fired++ == 0)
        actions[w.action].run();
}

static void fire_from_answer(struct answer *a)
{
    (void)a;
    fire();
}

/* ------------------------------------------------------------- the sources */

static void from_result(void)
{
    ask(w.conn, elpq_sql("select 1"))->then = fire_from_answer;
}

static void from_error(void)
{
    ask(w.conn, elpq_sql("select 1 / 0"))->then = fire_from_answer;
}

static void from_pool_result(void)
{
    ask(w.pool, elpq_sql("select 1"))->then = fire_from_answer;
}

static void from_canceled(void)
{
    struct answer *a = ask(w.conn, elpq_sql("select 1"));

    a->then = fire_from_answer;
    cancel(a);
}

static void fire_with_extra(struct answer *a)
{
    w.extra = a->conn;
    fire();
}

static void from_connect(void)
{
    start_connect(NULL, NULL)->then = fire_with_extra;
}

static void from_failed_connect(void)
{
    start_connect("dbname=no_such_database", NULL)->then = fire_from_answer;
}

static void fire_and_give_back(struct answer *a)
{
    fire();
    give_back(a);
}

static void from_acquire(void)
{
    acquire(w.pool, NULL)->then = fire_and_give_back;
}

static void fire_and_undo(struct answer *a)
{
    fire();
    undo(a);
}

static void from_begin(void)
{
    begin(w.pool, NULL)->then = fire_and_undo;
}

static void then_commit(struct answer *a)
{
    if (a->tx)
        commit(a->tx)->then = fire_from_answer;
    else
        fire();
}

static void from_commit(void)
{
    begin(w.pool, NULL)->then = then_commit;
}

static void then_rollback(struct answer *a)
{
    if (a->tx)
        rollback(a->tx)->then = fire_from_answer;
    else
        fire();
}

static void from_rollback(void)
{
    begin(w.pool, NULL)->then = then_rollback;
}

static void fire_on_savepoint(struct answer *a)
{
    elpq_tx *outer = a->data;

    fire();
    undo(a);
    ck_assert_int_eq(CALL(elpq_rollback(outer, NULL, NULL)), 0);
}

static void then_savepoint(struct answer *a)
{
    if (a->tx) {
        struct answer *inner = savepoint(a->tx);

        inner->data = a->tx;
        inner->then = fire_on_savepoint;
    } else {
        fire();
    }
}

static void from_savepoint(void)
{
    begin(w.pool, NULL)->then = then_savepoint;
}

static void from_script_each(void)
{
    script(w.conn, "select 1; select 2; select 3", NULL)->each =
        fire_from_answer;
}

static void from_script_done(void)
{
    script(w.conn, "select 1; select 2", NULL)->then = fire_from_answer;
}

static void fire_from_notice(elpq_conn *conn)
{
    (void)conn;
    fire();
}

static void from_notice(void)
{
    notice_then = fire_from_notice;
    ask(w.conn, elpq_sql("do $$ begin raise notice 'hello'; end $$"));
}

static void from_pool_close(void)
{
    elpq_pool *pool = w.pool;

    w.pool = NULL;
    close_pool(pool, 0)->then = fire_from_answer;
    do_release();
}

static void fire_from_trace(const elpq_event *event)
{
    if ((int)event->kind == w.wanted_event)
        fire();
}

static void from_trace(elpq_event_kind kind)
{
    w.wanted_event = (int)kind;
    trace_then = fire_from_trace;
    try_conn("select 1");
}

static void from_submit_event(void)
{
    from_trace(ELPQ_EVENT_SUBMIT);
}

static void from_sent_event(void)
{
    from_trace(ELPQ_EVENT_SENT);
}

static void from_first_event(void)
{
    from_trace(ELPQ_EVENT_FIRST);
}

static void from_done_event(void)
{
    from_trace(ELPQ_EVENT_DONE);
}

static void from_waited_event(void)
{
    from_trace(ELPQ_EVENT_WAITED);
}

static void from_state_event(void)
{
    from_trace(ELPQ_EVENT_STATE);
}

static void from_connected_event(void)
{
    elpq_conn_options o = traced();

    from_trace(ELPQ_EVENT_CONNECTED);
    start_connect(NULL, &o)->then = give_back;
}

static void from_connect_failed_event(void)
{
    elpq_conn_options o = traced();

    from_trace(ELPQ_EVENT_CONNECT_FAILED);
    start_connect("dbname=no_such_database", &o);
}

static void from_disconnected_event(void)
{
    from_trace(ELPQ_EVENT_DISCONNECTED);
    terminate(elpq_conn_pid(w.conn));
}

static const struct {
    const char *name;
    void (*arm)(void);
    bool breaks; /* some of the crowd fail by what the source itself does   */
} sources[] = {
    { "result", from_result, false },
    { "error", from_error, false },
    { "result of the pool", from_pool_result, false },
    { "canceled", from_canceled, false },
    { "connect", from_connect, false },
    { "failed connect", from_failed_connect, false },
    { "acquire", from_acquire, false },
    { "begin", from_begin, false },
    { "commit", from_commit, false },
    { "rollback", from_rollback, false },
    { "savepoint", from_savepoint, false },
    { "script, each", from_script_each, false },
    { "script, done", from_script_done, false },
    { "notice", from_notice, false },
    { "pool close", from_pool_close, true },
    { "event submit", from_submit_event, false },
    { "event waited", from_waited_event, false },
    { "event sent", from_sent_event, false },
    { "event first", from_first_event, false },
    { "event done", from_done_event, false },
    { "event state", from_state_event, false },
    { "event connected", from_connected_event, false },
    { "event connect failed", from_connect_failed_event, false },
    { "event disconnected", from_disconnected_event, true },
};
#define N_SOURCES ((int)(sizeof(sources) / sizeof(sources[0])))

/* -------------------------------------------------------------- the matrix */

static void make_world(int action)
{
    elpq_pool_options o = { .max_size = 2 };

    memset(&w, 0, sizeof(w));
    w.action = action;
    o.conn = traced();
    w.pool = pool_new(&o);
    w.leased = lease(w.pool);
    w.conn = connect_now(NULL, &o.conn);
}

static void leave_world(void)
{
    if (w.leased)
        do_release();
    await_all();
    do_close_all();
    await_all();
}

START_TEST(from_every_callback_every_action)
{
    const int source = _i / N_ACTIONS, action = _i % N_ACTIONS;
    int i;

    make_world(action);
    try_conn("select 'before'");
    try_pool("select 'before'");
    sources[source].arm();
    try_conn("select 'behind'");
    try_pool("select 'behind'");
    try_acquire();
    try_begin();
    try_conn("select 'last'");
    run_until(&w.fired, 1);
    leave_world();
    for (i = 0; i < w.crowded; i++) {
        const struct answer *a = w.crowd[i];
        const bool well = a->code == 0 || a->code == ELPQ_E_CLOSED ||
                          a->code == ELPQ_E_CANCELED ||
                          (sources[source].breaks && a->code == ELPQ_E_LOST);

        if (actions[action].harmless && !sources[source].breaks)
            ck_assert_msg(a->code == 0, "%s, %s: %s", sources[source].name,
                          actions[action].name, elpq_code_name(a->code));
        ck_assert_msg(well, "%s, %s: %s", sources[source].name,
                      actions[action].name, elpq_code_name(a->code));
    }
}
END_TEST

/* ----------------------------------------------------- special situations */

static struct answer *self;

static void submit_again(struct answer *a)
{
    elpq_conn *conn = a->data;
    static int rounds;

    if (++rounds < 500) {
        struct answer *next = ask(conn, elpq_sql("select $1", rounds));

        next->data = conn;
        next->then = submit_again;
        self = next;
    }
}

/* A chain of statements, each submitted inside the callback of the last. */
START_TEST(a_chain_of_nested_submits)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    self = ask(conn, elpq_sql("select 0"));
    self->data = conn;
    self->then = submit_again;
    while (answers_come() < 501)
        event_base_loop(loop, EVLOOP_ONCE);
    expect_int(self, 499);
    close_conn(conn);
}
END_TEST

static void cancel_the_other(struct answer *a)
{
    cancel(a->data);
}

/* Two answers may be read from the socket at once: the first one's callback
 * cancels the second, whose answer is already here. */
START_TEST(cancel_of_what_is_answered_in_the_same_turn)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *first, *second, *third;

    lock_server();
    ask(conn, elpq_sql(BLOCKED));
    first = ask(conn, elpq_sql("select 1"));
    second = ask(conn, elpq_sql("select 2"));
    third = ask(conn, elpq_sql("select 3"));
    first->then = cancel_the_other;
    first->data = second;
    await_blocked(1);
    unlock_server();
    await_server("select count(*) = 0 from pg_stat_activity"
                 " where pid = %d and state = 'active'",
                 elpq_conn_pid(conn));
    expect_int(first, 1);
    await(second);
    ck_assert(second->code == 0 || second->code == ELPQ_E_CANCELED);
    expect_int(third, 3);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "matrix", 0);

    tcase_add_loop_test(t, from_every_callback_every_action, 0,
                        N_SOURCES * N_ACTIONS);
    t = harness_case(s, "special", 0);
    tcase_add_test(t, a_chain_of_nested_submits);
    tcase_add_test(t, cancel_of_what_is_answered_in_the_same_turn);
}

int main(void)
{
    return harness_main("reentry", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every function may be called from every callback.
 *
 * One test for each pair of a source (what calls back) and an action (what is
 * done inside): see reentry.h.  check_reentry_more.c has the callbacks of what
 * is more than a statement.
 */
#include "reentry.h"

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

static const struct source sources[] = {
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

/* The last action is for what can be ended. */
#define N_DONE (N_ACTIONS - 1)

START_TEST(from_every_callback_every_action)
{
    make_world(_i % N_DONE);
    cross(&sources[_i / N_DONE]);
    ck_assert_ptr_null(w.end);
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
                        N_SOURCES * N_DONE);
    t = harness_case(s, "special", 0);
    tcase_add_test(t, a_chain_of_nested_submits);
    tcase_add_test(t, cancel_of_what_is_answered_in_the_same_turn);
}

int main(void)
{
    return harness_main("reentry", build);
}

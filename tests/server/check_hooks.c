/* SPDX-License-Identifier: PostgreSQL */
/*
 * Hooks that close what they are told of: in every event, of connections of
 * our own and of a pool's, in every place of a pool.  Everything is still
 * answered exactly once, and the pool has its full size afterwards.
 *
 * Each test runs once for every step, which is an event of one kind: the
 * first, the second and so on.  What a step does not reach runs to its end.
 */
#include <string.h>

#include "../support/harness.h"

#define MANY_CLOSED 64

/* All kinds but CONNECT_FAILED, which has tests of its own; and how many
 * events of each are a step. */
static const struct {
    int kind;
    int events;
} steps[] = {
    { ELPQ_EVENT_CONNECTED, 1 }, { ELPQ_EVENT_DISCONNECTED, 1 },
    { ELPQ_EVENT_SUBMIT, 7 },    { ELPQ_EVENT_WAITED, 3 },
    { ELPQ_EVENT_SENT, 7 },      { ELPQ_EVENT_FIRST, 7 },
    { ELPQ_EVENT_DONE, 7 },      { ELPQ_EVENT_STATE, 9 },
};
#define STEPS (1 + 1 + 7 + 3 + 7 + 7 + 7 + 9)

static struct {
    int kind;
    bool first;       /* the step is the first of its kind               */
    int left;         /* events of the kind until it closes              */
    elpq_conn *known; /* closed where the event names none               */
    elpq_conn *closed[MANY_CLOSED];
    int closes;
} hook;

static bool was_closed(const elpq_conn *conn)
{
    int i;

    for (i = 0; i < hook.closes; i++)
        if (hook.closed[i] == conn)
            return true;
    return false;
}

static void close_in_hook(elpq_conn *conn)
{
    ck_assert_int_lt(hook.closes, MANY_CLOSED);
    hook.closed[hook.closes++] = conn;
    close_conn(conn);
}

/* A new connection may have the address of one that was closed. */
static void forget_at_birth(const elpq_event *event)
{
    int i;

    if (event->kind != ELPQ_EVENT_STATE || !event->message ||
        strcmp(event->message, "SETUP") != 0)
        return;
    for (i = 0; i < hook.closes; i++)
        if (hook.closed[i] == event->conn)
            hook.closed[i] = NULL;
}

static void close_at_step(const elpq_event *event)
{
    elpq_conn *conn = event->conn ? event->conn : hook.known;

    forget_at_birth(event);
    if ((int)event->kind == hook.kind && conn && --hook.left == 0)
        close_in_hook(conn);
}

static void arm(int step)
{
    int i;

    for (i = 0; step >= steps[i].events; i++)
        step -= steps[i].events;
    memset(&hook, 0, sizeof(hook));
    hook.kind = steps[i].kind;
    hook.first = step == 0;
    hook.left = step + 1;
    trace_then = close_at_step;
}

static void disarm(void)
{
    trace_then = NULL;
    notice_then = NULL;
}

/* The call may have come too late, and nothing else may be wrong with it. */
static struct answer *tried(struct answer *a, int rc)
{
    if (rc) {
        ck_assert_msg(rc == ELPQ_E_CLOSED || rc == ELPQ_E_USAGE, "%s",
                      elpq_code_name(rc));
        a->wanted = 0;
    } else {
        await(a);
    }
    if (a->code) {
        ck_assert_msg(a->code == ELPQ_E_CLOSED || a->code == ELPQ_E_LOST ||
                          a->code == ELPQ_E_ROLLED_BACK,
                      "%s", elpq_code_name(a->code));
    }
    return a;
}

static void try_statement(elpq_conn *conn)
{
    struct answer *a = answer_new();

    if (!was_closed(conn))
        tried(a, CALL(elpq_conn_execute(conn, elpq_sql("select 1"), NULL,
                                        on_result, a)));
    else
        a->wanted = 0;
}

static void try_script(elpq_conn *conn)
{
    struct answer *a = answer_new();

    if (!was_closed(conn))
        tried(a, CALL(elpq_conn_script_trusted(conn, "select 1; select 2",
                                               NULL, on_each, on_done, a)));
    else
        a->wanted = 0;
}

/* A transaction can be used, and must be ended, whatever was closed. */
static void use_transaction(elpq_tx *tx)
{
    struct answer *a = answer_new(), *part = answer_new();

    tried(a, CALL(elpq_tx_execute(tx, elpq_sql("select 2"), NULL, on_result,
                                  a)));
    tried(part, CALL(elpq_savepoint(tx, on_tx, part)));
    if (part->tx) {
        a = answer_new();
        tried(a, CALL(elpq_tx_execute(part->tx, elpq_sql("select 3"), NULL,
                                      on_result, a)));
        a = answer_new();
        tried(a, CALL(elpq_commit(part->tx, on_done, a)));
    }
    a = answer_new();
    tried(a, CALL(elpq_commit(tx, on_done, a)));
}

static void try_transaction(elpq_conn *conn)
{
    struct answer *a = answer_new();

    if (was_closed(conn)) {
        a->wanted = 0;
        return;
    }
    tried(a, CALL(elpq_conn_begin(conn, NULL, on_tx, a)));
    if (a->tx)
        use_transaction(a->tx);
}

/* -------------------------------------------------- connections of our own */

START_TEST(a_connection_is_closed_in_its_events)
{
    elpq_conn_options o = traced();
    struct answer *opened;
    elpq_conn *conn;

    arm(_i);
    opened = start_connect(NULL, &o);
    conn = hook.known = opened->handle;
    tried(opened, 0);
    try_statement(conn);
    try_script(conn);
    try_transaction(conn);
    try_statement(conn);
    if (!was_closed(conn))
        close_conn(conn);
    run_turns(3);
    if (hook.first && hook.kind != ELPQ_EVENT_WAITED)
        ck_assert_int_eq(hook.closes, 1);
}
END_TEST

/* All of it is in flight when the hook closes: all of it is answered. */
START_TEST(a_pipeline_is_closed_in_its_events)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    int i;

    arm(_i);
    hook.known = conn;
    for (i = 0; i < 6 && !was_closed(conn); i++) {
        struct answer *a = answer_new();
        int rc = CALL(elpq_conn_execute(conn, elpq_sql("select $1", i), NULL,
                                        on_result, a));

        if (rc) {
            ck_assert_int_eq(rc, ELPQ_E_CLOSED);
            a->wanted = 0;
        }
    }
    await_all();
    if (!was_closed(conn))
        close_conn(conn);
}
END_TEST

START_TEST(a_failed_connect_is_closed_in_its_event)
{
    elpq_conn_options o = traced();
    struct answer *a;

    arm(0);
    hook.kind = ELPQ_EVENT_CONNECT_FAILED;
    a = start_connect(loopback(dead_port()), &o);
    await(a);
    ck_assert_int_eq(hook.closes, 1);
    ck_assert(a->code == ELPQ_E_CONNECT || a->code == ELPQ_E_CLOSED);
    ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
}
END_TEST

START_TEST(a_lost_connection_is_closed_in_its_event)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *running, *behind;

    arm(0);
    hook.kind = ELPQ_EVENT_DISCONNECTED;
    lock_server();
    running = ask(conn, elpq_sql(BLOCKED));
    behind = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    expect_error(running, ELPQ_E_LOST, "57P01",
                 ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    expect_error(behind, ELPQ_E_LOST, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    ck_assert_int_eq(hook.closes, 1);
    unlock_server();
}
END_TEST

static elpq_tx *rolled_back_in_hook;

static void roll_back_at_submit(const elpq_event *event)
{
    elpq_tx *tx = rolled_back_in_hook;

    if (event->kind != ELPQ_EVENT_SUBMIT || !tx)
        return;
    rolled_back_in_hook = NULL;
    rollback(tx);
}

/* The savepoint's own SUBMIT takes the transaction away under it. */
START_TEST(a_savepoint_whose_parent_is_rolled_back_in_its_event)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *part = answer_new();

    rolled_back_in_hook = tx;
    trace_then = roll_back_at_submit;
    tried(part, CALL(elpq_savepoint(tx, on_tx, part)));
    disarm();
    await_all();
    if (part->tx)
        expect_ok(rollback(part->tx));
    expect_int(ask(conn, elpq_sql("select 3")), 3);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    expect_ok(rollback(expect_ok(begin(conn, NULL))->tx));
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------- what is ending */

static struct {
    elpq_tx *tx;
    elpq_lock *lock;
    elpq_conn *conn;
    elpq_pool *pool;
    int rc[2]; /* of what is called in the hook                          */
    int calls;
} ending;

static void never(const elpq_error *error, void *arg)
{
    (void)error;
    (void)arg;
    ck_abort_msg("a refused call calls back");
}

static void end_again_at_submit(const elpq_event *event)
{
    elpq_tx *tx = ending.tx;

    if (event->kind != ELPQ_EVENT_SUBMIT || !tx)
        return;
    ending.tx = NULL;
    ending.calls++;
    ending.rc[0] = CALL(elpq_rollback(tx, never, NULL));
    ending.rc[1] = CALL(elpq_commit(tx, never, NULL));
}

/* Whoever ends it has taken it back at once, also from a hook. */
START_TEST(a_transaction_is_ended_again_in_the_event_of_its_end)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_tx *outer = expect_ok(begin(conn, NULL))->tx;
    elpq_tx *tx = _i % 2 ? expect_ok(savepoint(outer))->tx : outer;
    struct answer *done;

    memset(&ending, 0, sizeof(ending));
    ending.tx = tx;
    trace_then = end_again_at_submit;
    done = _i < 2 ? commit(tx) : rollback(tx);
    disarm();
    ck_assert_int_eq(ending.calls, 1);
    ck_assert_int_eq(ending.rc[0], ELPQ_E_USAGE);
    ck_assert_int_eq(ending.rc[1], ELPQ_E_USAGE);
    expect_ok(done);
    if (outer != tx)
        expect_ok(commit(outer));
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    expect_ok(rollback(expect_ok(begin(conn, NULL))->tx));
    close_conn(conn);
}
END_TEST

static void end_lock_at_submit(const elpq_event *event)
{
    if (event->kind != ELPQ_EVENT_SUBMIT || ending.calls > 0)
        return;
    ending.calls++;
    if (ending.conn)
        close_conn(ending.conn);
    if (ending.pool)
        close_pool(ending.pool, 0);
    ending.rc[0] = CALL(elpq_lock_release(ending.lock, never, NULL));
}

static void keep_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    ending.lock = lock;
    on_done(error, arg);
}

static void on_lost_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    (void)lock;
    (void)error;
    (void)arg;
    ck_abort_msg("a lock that is released is not lost");
}

/* 0: released again; 1: its connection closed; 2: its pool closed. */
START_TEST(a_lock_ends_in_the_event_of_its_release)
{
    elpq_pool_options o = { .conn = traced(), .max_size = 1 };
    elpq_lock_options lo = { .lost = on_lost_lock };
    elpq_lock_key key = elpq_lock_int64(4713);
    struct answer *got = answer_new(), *done = answer_new();
    elpq_conn *conn = NULL;
    elpq_pool *pool = NULL;

    memset(&ending, 0, sizeof(ending));
    if (_i < 2) {
        conn = connect_now(NULL, &o.conn);
        ck_assert_int_eq(CALL(elpq_conn_lock(conn, key, &lo, keep_lock, got)),
                         0);
    } else {
        pool = pool_new(&o);
        ck_assert_int_eq(CALL(elpq_pool_lock(pool, key, &lo, keep_lock, got)),
                         0);
    }
    expect_ok(got);
    ending.conn = _i == 1 ? conn : NULL;
    ending.pool = pool;
    trace_then = end_lock_at_submit;
    ck_assert_int_eq(CALL(elpq_lock_release(ending.lock, on_done, done)), 0);
    disarm();
    ck_assert_int_eq(ending.calls, 1);
    ck_assert_int_eq(ending.rc[0], ELPQ_E_USAGE);
    await(done);
    ck_assert_int_eq(done->code, _i == 0 ? 0 : ELPQ_E_CLOSED);
    await_all();
    if (_i == 0)
        close_conn(conn);
}
END_TEST

/* ---------------------------------------------------- connections of a pool */

static elpq_pool *traced_pool(unsigned max_size)
{
    elpq_pool_options o = { .conn = traced(), .max_size = max_size };

    return pool_new(&o);
}

static void use_pool(elpq_pool *pool)
{
    struct answer *a = answer_new();

    tried(a, CALL(elpq_pool_execute(pool, elpq_sql("select 1"), NULL,
                                    on_result, a)));
    /* It is followed by a reset. */
    a = answer_new();
    tried(a, CALL(elpq_pool_execute(pool,
                                    elpq_sql("set application_name = 'x'"),
                                    NULL, on_result, a)));
    a = answer_new();
    tried(a, CALL(elpq_pool_acquire(pool, NULL, on_conn, a)));
    if (a->conn) {
        hook.known = a->conn;
        try_statement(a->conn);
        try_transaction(a->conn);
        hook.known = NULL;
        if (!was_closed(a->conn))
            release(a->conn);
    }
    a = answer_new();
    tried(a, CALL(elpq_pool_begin(pool, NULL, on_tx, a)));
    if (a->tx)
        use_transaction(a->tx);
}

/* No place is lost: all connections are idle, and the drain has an end. */
static void expect_whole(elpq_pool *pool, unsigned max_size)
{
    elpq_conn *conns[4];
    unsigned i;

    disarm();
    for (i = 0; i < max_size; i++)
        conns[i] = lease(pool);
    ck_assert_uint_eq(stats(pool).size, max_size);
    for (i = 0; i < max_size; i++)
        release(conns[i]);
    expect_int(ask(pool, elpq_sql("select 7")), 7);
    expect_ok(close_pool(pool, ELPQ_NO_TIMEOUT));
}

START_TEST(a_pool_keeps_its_size)
{
    elpq_pool *pool = traced_pool(1);

    arm(_i);
    use_pool(pool);
    if (hook.first && hook.kind != ELPQ_EVENT_DISCONNECTED)
        ck_assert_int_eq(hook.closes, 1);
    expect_whole(pool, 1);
}
END_TEST

/* Several at a time, with more in line than there are connections. */
START_TEST(a_busy_pool_keeps_its_size)
{
    elpq_pool *pool = traced_pool(3);
    int i;

    arm(_i);
    for (i = 0; i < 9; i++)
        ask(pool, elpq_sql("select $1", i));
    await_all();
    ck_assert_uint_le(answers_with(ELPQ_E_CLOSED), 1);
    expect_whole(pool, 3);
}
END_TEST

/* Idle ones have no events; this one is lost, and told of twice. */
START_TEST(an_idle_connection_is_closed_in_its_loss)
{
    elpq_pool *pool = traced_pool(1);
    int pid = (int)answer_int(ask(pool, elpq_sql("select pg_backend_pid()")));

    arm(0);
    hook.kind = ELPQ_EVENT_DISCONNECTED;
    terminate(pid);
    run_until(&hook.closes, 1);
    expect_whole(pool, 1);
}
END_TEST

static void close_in_notice(elpq_conn *conn)
{
    if (hook.closes == 0)
        close_in_hook(conn);
}

START_TEST(a_connection_of_a_pool_is_closed_in_a_notice)
{
    elpq_pool *pool = traced_pool(1);
    struct answer *a;

    arm(0);
    disarm();
    notice_then = close_in_notice;
    a = ask(pool, elpq_sql("do $$ begin raise notice 'close'; end $$"));
    expect_error(a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    ck_assert_int_eq(hook.closes, 1);
    expect_whole(pool, 1);
}
END_TEST

static elpq_pool *noticed_pool; /* NULL: its connection alone is closed */
static int notices;

static void close_in_first_notice(elpq_conn *conn)
{
    if (notices++ > 0)
        return;
    if (noticed_pool)
        close_pool(noticed_pool, 0);
    else
        close_in_hook(conn);
}

/* Both notices wait in the socket: behind the first, there is nobody left. */
START_TEST(nothing_is_noticed_behind_a_close)
{
    static const char sql[] = "do $$ begin perform"
                              " pg_advisory_xact_lock_shared(7077);"
                              " raise notice 'one'; raise notice 'two'; end $$";
    elpq_conn_options o = traced();
    elpq_pool *pool = _i == 0 ? NULL : traced_pool(1);
    elpq_conn *conn = pool ? lease(pool) : connect_now(NULL, &o);
    int pid = elpq_conn_pid(conn);
    struct answer *a;

    disarm();
    memset(&hook, 0, sizeof(hook));
    notices = 0;
    noticed_pool = _i == 2 ? pool : NULL;
    notice_then = close_in_first_notice;
    lock_server();
    a = ask(conn, sql_text(sql));
    await_blocked(1);
    unlock_server();
    while (admin_int("select count(*) from pg_stat_activity"
                     " where pid = %d and state = 'active'", pid) > 0)
        ; /* without a turn of the loop */
    expect_error(a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    await_all();
    ck_assert_int_eq(notices, 1);
    if (_i == 1)
        expect_whole(pool, 1);
    else if (_i == 2)
        release(conn);
}
END_TEST

static void close_always(const elpq_event *event)
{
    if (event->kind == ELPQ_EVENT_CONNECT_FAILED)
        close_in_hook(event->conn);
}

/* The connect has failed all the same: who waits hears so, and the pool does
 * not try again without a pause. */
START_TEST(failed_connects_of_a_pool_are_closed_in_their_event)
{
    elpq_pool_options o = { .conn = traced(), .max_size = 1 };
    elpq_pool *pool;
    struct answer *a;

    o.conn.timeout_ms = 2000;
    pool = pool_at(loopback(dead_port()), &o);
    arm(0);
    trace_then = close_always;
    a = await(ask(pool, elpq_sql("select 1")));
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
    disarm();
    finish_pool(pool);
}
END_TEST

static void close_at_birth(const elpq_event *event)
{
    if (event->kind == ELPQ_EVENT_STATE && event->message &&
        strcmp(event->message, "SETUP") == 0)
        close_in_hook(event->conn);
}

/* Nobody hears of an error, but a pause there is as well. */
START_TEST(connects_of_a_pool_that_are_closed_at_birth_are_paused)
{
    elpq_pool_options o = { .conn = traced(), .max_size = 1,
                            .backoff_min_ms = 50 };
    elpq_pool *pool;
    struct answer *a;

    o.conn.timeout_ms = (int)(2000 * harness_slow());
    pool = pool_at(NULL, &o);
    arm(0);
    trace_then = close_at_birth;
    a = await(ask(pool, elpq_sql("select 1")));
    ck_assert_int_eq(a->code, ELPQ_E_TIMEOUT);
    ck_assert_int_ge(hook.closes, 2);
    ck_assert_int_le(hook.closes, 16);
    disarm();
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------ whole pools */

static elpq_pool *pool_in_hook;
static struct answer *pool_end;

static void close_pool_at_state(const elpq_event *event)
{
    elpq_pool *pool = pool_in_hook;

    if (event->kind != ELPQ_EVENT_STATE || !pool)
        return;
    pool_in_hook = NULL;
    pool_end = close_pool(pool, 0);
}

/* Giving it back cancels what runs, and says so: there the pool goes. */
START_TEST(a_pool_is_closed_while_a_lease_is_given_back)
{
    elpq_pool *pool = traced_pool(1);
    elpq_conn *conn = lease(pool);
    struct answer *running, *behind;

    lock_server();
    running = ask(conn, elpq_sql(BLOCKED));
    behind = ask(conn, elpq_sql("select 2"));
    await_blocked(1);
    pool_end = NULL;
    pool_in_hook = pool;
    trace_then = close_pool_at_state;
    release(conn);
    run_until(&running->calls, 1);
    run_until(&behind->calls, 1);
    ck_assert_ptr_nonnull(pool_end);
    expect_ok(pool_end);
    unlock_server();
}
END_TEST

static void close_pool_at_loss(const elpq_event *event)
{
    if (event->kind == ELPQ_EVENT_DISCONNECTED && pool_in_hook)
        RUN(elpq_pool_close(pool_in_hook, 0, NULL, NULL));
}

START_TEST(a_pool_is_closed_again_while_it_closes)
{
    elpq_pool *pool = traced_pool(3);
    elpq_conn *conns[3];
    int i;

    for (i = 0; i < 3; i++)
        conns[i] = lease(pool);
    for (i = 0; i < 3; i++)
        release(conns[i]);
    pool_in_hook = pool;
    trace_then = close_pool_at_loss;
    expect_ok(close_pool(pool, 0));
    ck_assert_int_eq(events_of(ELPQ_EVENT_DISCONNECTED), 3);
    pool_in_hook = NULL;
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "own", 0);

    tcase_add_loop_test(t, a_connection_is_closed_in_its_events, 0, STEPS);
    tcase_add_loop_test(t, a_pipeline_is_closed_in_its_events, 0, STEPS);
    tcase_add_test(t, a_failed_connect_is_closed_in_its_event);
    tcase_add_test(t, a_lost_connection_is_closed_in_its_event);
    tcase_add_test(t, a_savepoint_whose_parent_is_rolled_back_in_its_event);
    t = harness_case(s, "ending", 0);
    tcase_add_loop_test(t, a_transaction_is_ended_again_in_the_event_of_its_end,
                        0, 4);
    tcase_add_loop_test(t, a_lock_ends_in_the_event_of_its_release, 0, 3);
    t = harness_case(s, "pool's", 0);
    tcase_add_loop_test(t, a_pool_keeps_its_size, 0, STEPS);
    tcase_add_loop_test(t, a_busy_pool_keeps_its_size, 0, STEPS);
    tcase_add_test(t, an_idle_connection_is_closed_in_its_loss);
    tcase_add_test(t, a_connection_of_a_pool_is_closed_in_a_notice);
    tcase_add_loop_test(t, nothing_is_noticed_behind_a_close, 0, 3);
    tcase_add_test(t, failed_connects_of_a_pool_are_closed_in_their_event);
    tcase_add_test(t, connects_of_a_pool_that_are_closed_at_birth_are_paused);
    t = harness_case(s, "pool", 0);
    tcase_add_test(t, a_pool_is_closed_while_a_lease_is_given_back);
    tcase_add_test(t, a_pool_is_closed_again_while_it_closes);
}

int main(void)
{
    return harness_main("hooks", build);
}

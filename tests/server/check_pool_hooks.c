/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a pool tells and asks: hooks before and after a connect and before a
 * release, events, leaks and holders; and what is changed while it runs: its
 * size, connections that expire, statements prepared ahead, its numbers.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define PID "select pg_backend_pid()"
#define NAME "select current_setting('application_name')"
#define MANY_EVENTS 64

/* ------------------------------------------------------------------- hooks */

static struct {
    elpq_pool *pool;
    elpq_ticket *ticket; /* kept */
    elpq_conn *conn;     /* of after_connect */
    int asked;
    int connected;
    int released;
    bool keep;           /* the ticket is answered later */
    bool refuse;
    bool close;          /* the connection, in the hook */
    bool close_pool;
    elpq_pool_event events[MANY_EVENTS];
    int n_events;
    int leaks;
    char tag[64];
    char message[160];
    void (*on_event)(const elpq_pool_event *event);
} h;

static void setup(void)
{
    harness_setup();
    memset(&h, 0, sizeof(h));
}

static void take_event(const elpq_pool_event *event, void *arg)
{
    ck_assert_ptr_eq(arg, &h);
    if (h.n_events < MANY_EVENTS)
        h.events[h.n_events++] = *event;
    if (event->error)
        snprintf(h.message, sizeof(h.message), "%s", event->error->message);
    if (event->kind == ELPQ_POOL_LEAK) {
        h.leaks++;
        snprintf(h.tag, sizeof(h.tag), "%s", event->tag);
    }
    if (h.on_event)
        h.on_event(event);
}

static void before_connect(elpq_ticket *ticket, void *arg)
{
    static const char *const params[] = { "application_name", "elpq_hook",
                                          NULL };

    ck_assert_ptr_eq(arg, &h);
    h.asked++;
    if (h.keep)
        h.ticket = ticket;
    else if (h.refuse)
        RUN(elpq_ticket_fail(ticket, "no token today"));
    else
        RUN(elpq_ticket_go(ticket, params));
}

static void after_connect(elpq_conn *conn, elpq_ticket *ticket, void *arg)
{
    ck_assert_ptr_eq(arg, &h);
    h.connected++;
    h.conn = conn;
    if (h.close) {
        h.close = false;
        close_conn(conn);
    }
    if (h.keep)
        h.ticket = ticket;
    else if (h.refuse)
        RUN(elpq_ticket_fail(ticket, NULL));
    else
        RUN(elpq_ticket_go(ticket, NULL));
}

static bool before_release(elpq_conn *conn, void *arg)
{
    ck_assert_ptr_eq(arg, &h);
    h.released++;
    if (h.close)
        close_conn(conn);
    if (h.close_pool)
        RUN(elpq_pool_close(h.pool, 0, NULL, NULL));
    RUN(elpq_conn_release(conn)); /* is on its way already */
    return !h.refuse;
}

static elpq_pool *hooked(elpq_pool_options o)
{
    o.event = take_event;
    o.hook_arg = &h;
    h.pool = pool_new(&o);
    return h.pool;
}

/* False if the answer, unless NULL, comes first. */
static bool await_ticket(const struct answer *a)
{
    while (!h.ticket && !(a && a->calls))
        event_base_loop(loop, EVLOOP_ONCE);
    return h.ticket != NULL;
}

static void answer_ticket(bool go)
{
    elpq_ticket *ticket = h.ticket;

    h.ticket = NULL;
    if (go)
        RUN(elpq_ticket_go(ticket, NULL));
    else
        RUN(elpq_ticket_fail(ticket, "not this one"));
}

static int events_like(elpq_pool_event_kind kind, int reason)
{
    int i, n = 0;

    for (i = 0; i < h.n_events; i++)
        n += h.events[i].kind == kind &&
             (reason < 0 || (int)h.events[i].reason == reason);
    return n;
}

/* How deep in calls of ours the hooks came: the events, and the release. */
static int depth_of_event;
static int depth_of_release;

static void note_depth(const elpq_pool_event *event)
{
    if (event->kind != ELPQ_POOL_LEAK)
        depth_of_event = harness_depth;
}

static bool note_release(elpq_conn *conn, void *arg)
{
    (void)conn;
    (void)arg;
    depth_of_release = harness_depth;
    return true;
}

enum { BY_CLOSE, BY_RESIZE, BY_EXPIRE, BY_CONN_CLOSE, BY_RELEASE, CALLS };

/* What the header says of both hooks: a call that causes them has them. */
START_TEST(hooks_come_inside_the_call_that_causes_them)
{
    elpq_pool *pool = hooked((elpq_pool_options){
        .max_size = 2, .before_release = note_release });
    elpq_conn *conn[2] = { lease(pool), lease(pool) };

    depth_of_event = depth_of_release = -1;
    h.on_event = note_depth;
    if (_i == BY_CONN_CLOSE) {
        close_conn(conn[0]);
        ck_assert_int_eq(depth_of_event, 1);
    } else {
        release(conn[0]);
        ck_assert_int_eq(depth_of_release, 1);
    }
    release(conn[1]);
    await_all();
    expect_int(ask(pool, elpq_sql("select 1")), 1); /* both are idle */
    depth_of_event = -1;
    if (_i == BY_RESIZE)
        ck_assert_int_eq(CALL(elpq_pool_resize(pool, 0, 1)), 0);
    else if (_i == BY_EXPIRE)
        ck_assert_int_eq(CALL(elpq_pool_expire(pool)), 0);
    if (_i == BY_RESIZE || _i == BY_EXPIRE)
        ck_assert_int_eq(depth_of_event, 1);
    depth_of_event = -1;
    close_pool(pool, 0);
    if (_i == BY_CLOSE)
        ck_assert_int_eq(depth_of_event, 1);
    await_all();
}
END_TEST

START_TEST(events_come_inside_the_answer_of_a_ticket)
{
    elpq_pool *pool = hooked((elpq_pool_options){
        .max_size = 1, .after_connect = after_connect });
    struct answer *a;

    h.keep = true;
    h.on_event = note_depth;
    a = acquire(pool, NULL);
    ck_assert(await_ticket(a));
    h.keep = false;
    depth_of_event = -1;
    answer_ticket(_i == 0);
    ck_assert_int_eq(depth_of_event, 1);
    ck_assert_int_eq(events_like(_i == 0 ? ELPQ_POOL_OPENED
                                         : ELPQ_POOL_CONNECT_FAILED, -1), 1);
    await(a);
    if (a->conn)
        release(a->conn);
    finish_pool(pool);
}
END_TEST

/* ---------------------------------------------------------- before connect */

START_TEST(a_hook_gives_parameters)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .before_connect = before_connect };
    elpq_pool *pool = hooked(o);

    expect_text(ask(pool, elpq_sql(NAME)), "elpq_hook");
    ck_assert_int_eq(h.asked, 1);
    ck_assert_int_eq(events_like(ELPQ_POOL_OPENED, -1), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_hook_answers_later)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .before_connect = before_connect };
    elpq_pool *pool = hooked(o);
    struct answer *a = ask(pool, elpq_sql("select 1"));

    h.keep = true;
    await_ticket(NULL);
    run_turns(3);
    ck_assert_uint_eq(stats(pool).connecting, 1);
    ck_assert_uint_eq(stats(pool).connects, 0);
    answer_ticket(true);
    expect_int(a, 1);
    finish_pool(pool);
}
END_TEST

/* Nothing has ever worked: who waits hears of it. */
START_TEST(a_hook_refuses)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .before_connect = before_connect };
    elpq_pool *pool = hooked(o);
    struct answer *a = ask(pool, elpq_sql("select 1"));

    h.refuse = true;
    expect_error(a, ELPQ_E_CONNECT, "", ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    expect_message(a, "no token today");
    ck_assert_int_eq(events_like(ELPQ_POOL_CONNECT_FAILED, -1), 1);
    ck_assert_str_eq(h.message, "no token today");
    ck_assert_uint_eq(stats(pool).failed_waiting, 1);
    h.refuse = false;
    expect_int(ask(pool, elpq_sql("select 2")), 2); /* after a pause */
    finish_pool(pool);
}
END_TEST

/* _i: which hook; whether the pool is closed, or time passes. */
START_TEST(an_answer_that_comes_too_late)
{
    elpq_pool_options o = { .max_size = 1,
                            .conn.connect_timeout_ms = _i & 2 ? 200 : 0,
                            .before_connect = _i & 1 ? NULL : before_connect,
                            .after_connect = _i & 1 ? after_connect : NULL };
    elpq_pool *pool = hooked(o);
    struct answer *a = ask(pool, elpq_sql("select 1"));

    h.keep = true;
    while (!await_ticket(a)) { /* the connect takes longer: once more */
        finish_pool(pool);
        o.conn.connect_timeout_ms *= 2;
        pool = hooked(o);
        a = ask(pool, elpq_sql("select 1"));
    }
    if (_i & 2) {
        expect_error(a, ELPQ_E_TIMEOUT, "",
                     ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
        expect_message(a, "hook");
        answer_ticket(_i & 4);
        ck_assert_uint_ge(stats(pool).connect_failures, 1);
        h.keep = false;
        do /* which may be too short for this one */
            a = await(ask(pool, elpq_sql("select 1")));
        while (a->code == ELPQ_E_TIMEOUT);
        expect_int(a, 1);
        finish_pool(pool);
        return;
    }
    finish_pool(pool);
    ck_assert_int_eq(a->code, ELPQ_E_CLOSED);
    answer_ticket(_i & 4);
}
END_TEST

/* ----------------------------------------------------------- after connect */

START_TEST(a_hook_prepares_the_session)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .after_connect = after_connect };
    elpq_pool *pool = hooked(o);
    struct answer *a = ask(pool, elpq_sql("select n from elpq_temp"));

    h.keep = true;
    await_ticket(NULL);
    ck_assert_uint_eq(stats(pool).connecting, 1);
    expect_ok(ask(h.conn, elpq_sql("create temp table elpq_temp (n int)")));
    expect_ok(ask(h.conn, elpq_sql("insert into elpq_temp values (7)")));
    ck_assert_uint_eq(stats(pool).idle, 0);
    answer_ticket(true);
    expect_int(a, 7);
    finish_pool(pool);
}
END_TEST

/* A refusal, an open transaction, a statement in flight, a lost connection,
 * one that the hook closes: each is a connect that failed, and another
 * follows. */
START_TEST(a_connection_that_its_hook_spoils)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .after_connect = after_connect };
    elpq_pool *pool = hooked(o);
    struct answer *a = ask(pool, elpq_sql("select 1")), *b = NULL;
    int pid;

    h.keep = true;
    h.close = _i == 4;
    await_ticket(NULL);
    pid = elpq_conn_pid(h.conn);
    if (_i == 1)
        expect_ok(ask(h.conn, elpq_sql("begin")));
    if (_i == 2) {
        b = ask(h.conn, elpq_sql("select pg_sleep(600)"));
        run_turns(3);
    }
    if (_i == 3) {
        terminate(elpq_conn_pid(h.conn));
        while (stats(pool).connecting)
            event_base_loop(loop, EVLOOP_ONCE);
    }
    h.keep = false;
    answer_ticket(_i != 0);
    await(a);
    ck_assert_int_eq(a->code, _i == 3 ? ELPQ_E_LOST
                              : _i == 4 ? 0 : ELPQ_E_CONNECT);
    if (b) {
        expect_error(b, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
        terminate(pid); /* which would sleep on */
    }
    ck_assert_uint_eq(stats(pool).connect_failures, 1);
    ck_assert_uint_eq(stats(pool).lost, 0);
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* ---------------------------------------------------------- before release */

START_TEST(a_hook_sees_what_comes_back)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .before_release = before_release };
    elpq_pool *pool = hooked(o);
    int64_t pid = answer_int(ask(pool, elpq_sql(PID)));

    ck_assert_int_eq(h.released, 0);
    release(lease(pool));
    ck_assert_int_eq(h.released, 1);
    expect_ok(commit(begin_now(pool)));
    ck_assert_int_eq(h.released, 2);
    expect_int(ask(pool, elpq_sql(PID)), pid);
    finish_pool(pool);
}
END_TEST

START_TEST(a_hook_sorts_out)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .before_release = before_release };
    elpq_pool *pool = hooked(o);
    elpq_conn *conn = lease(pool);
    struct answer *a = ask(conn, elpq_sql("select pg_sleep(600)"));

    h.refuse = _i == 0;
    h.close = _i == 1;
    release(conn);
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CLOSED);
    ck_assert_int_eq(events_like(ELPQ_POOL_CLOSED, ELPQ_LEFT_DISCARDED), 1);
    ck_assert_uint_eq(stats(pool).discarded, 1);
    ck_assert_uint_eq(stats(pool).size, 0);
    h.refuse = h.close = false;
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    finish_pool(pool);
}
END_TEST

/* Nothing of it is left, the connection that came back neither. */
START_TEST(a_hook_closes_the_pool)
{
    const elpq_pool_options o = { .max_size = 1,
                                  .before_release = before_release };
    elpq_pool *pool = hooked(o);
    elpq_conn *conn = lease(pool);

    h.close_pool = true;
    release(conn);
    ck_assert_int_eq(h.released, 1);
    await_all();
}
END_TEST

/* ----------------------------------------------------------------- events */

START_TEST(every_way_out_has_its_reason)
{
    const elpq_pool_options o = { .max_size = 1, .idle_timeout_ms = 30 };
    elpq_pool *pool = hooked(o);
    int pid = (int)answer_int(ask(pool, elpq_sql(PID)));

    while (stats(pool).size)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_int_eq(events_like(ELPQ_POOL_CLOSED, ELPQ_LEFT_IDLE), 1);
    ck_assert_int_eq(h.events[1].pid, pid);
    pid = (int)answer_int(ask(pool, elpq_sql(PID)));
    terminate(pid);
    while (stats(pool).size)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_int_ge(events_like(ELPQ_POOL_CLOSED, ELPQ_LEFT_LOST), 1);
    expect_ok(ask(pool, elpq_sql("select 1")));
    finish_pool(pool);
    ck_assert_int_eq(events_like(ELPQ_POOL_OPENED, -1), 3);
    ck_assert_int_eq(events_like(ELPQ_POOL_CLOSED, -1), 3);
}
END_TEST

static void close_the_pool(const elpq_pool_event *event)
{
    h.on_event = NULL;
    close_pool(event->pool, 0);
}

/* Of each kind in turn. */
START_TEST(an_event_hook_closes_the_pool)
{
    const elpq_pool_options o = { .max_size = 2, .leak_after_ms = 5 };
    elpq_pool *pool = hooked(o);
    elpq_conn *conn = NULL;

    if (_i > 0)
        conn = lease(pool);
    h.on_event = close_the_pool;
    if (_i == 0)
        await(ask(pool, elpq_sql("select 1")));
    if (_i == 1)
        while (!h.leaks)
            event_base_loop(loop, EVLOOP_ONCE);
    if (_i == 2)
        terminate(elpq_conn_pid(conn));
    if (_i == 3)
        ck_assert_int_eq(elpq_pool_expire(pool), 0);
    if (_i != 2)
        release(conn);
    await_all();
    if (_i == 2)
        release(conn);
    while (h.on_event)
        event_base_loop(loop, EVLOOP_ONCE);
    await_all();
}
END_TEST

/* ------------------------------------------------------- leaks and holders */

START_TEST(a_leak_is_reported_once)
{
    const elpq_pool_options o = { .max_size = 3, .leak_after_ms = 10 };
    const elpq_options tagged = { .tag = "the one that never returns, whose "
                                         "tag is longer than what is kept of"
                                         " it" };
    elpq_pool_holder holders[3];
    elpq_pool *pool = hooked(o);
    elpq_conn *first = expect_ok(acquire(pool, &tagged))->conn;
    elpq_conn *second = lease(pool);

    while (h.leaks < 2)
        event_base_loop(loop, EVLOOP_ONCE);
    run_for_ms(40);
    ck_assert_int_eq(h.leaks, 2);
    ck_assert_uint_eq(stats(pool).leaks, 2);
    ck_assert_uint_eq(elpq_pool_holders(pool, NULL, 0), 2);
    ck_assert_uint_eq(elpq_pool_holders(pool, holders, 3), 2);
    ck_assert_ptr_eq(holders[0].conn, first);
    ck_assert_int_eq(holders[0].pid, elpq_conn_pid(first));
    ck_assert_int_ge(holders[0].usec, holders[1].usec);
    ck_assert_int_ge(holders[1].usec, 10000);
    ck_assert_uint_eq(strlen(holders[0].tag), 63);
    ck_assert_str_eq(holders[1].tag, "");
    ck_assert_uint_eq(stats(pool).leased, 2);
    release(first);
    release(second);
    ck_assert_uint_eq(elpq_pool_holders(pool, holders, 3), 0);
    expect_ok(ask(pool, elpq_sql("select 1")));
    ck_assert_uint_eq(stats(pool).lost, 0);
    finish_pool(pool);
}
END_TEST

START_TEST(a_transaction_holds_with_its_tag)
{
    const elpq_tx_options o = { .tag = "transfer" };
    elpq_pool_holder holder;
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = expect_ok(begin(pool, &o))->tx;

    ck_assert_uint_eq(elpq_pool_holders(pool, &holder, 1), 1);
    ck_assert_str_eq(holder.tag, "transfer");
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------ prepare ahead */

#define PREPARED "select count(*) from pg_prepared_statements where name like" \
                 " 'elpq%' and statement like '%+ 40%'"

START_TEST(statements_are_prepared_ahead)
{
    const elpq_statement *const list[] = {
        elpq_sql("select $1 + 40", 0), elpq_sql("select nonsense"),
        elpq_sql("select $1 + 40", 0), elpq_sql("select $1 || ''", "x"), NULL
    };
    const elpq_pool_options o = { .max_size = 1, .prepare = list };
    elpq_pool *pool = hooked(o);
    elpq_options once = { .flags = ELPQ_NO_PREPARE };

    expect_int(ask_with(pool, elpq_sql(PREPARED), &once), 1);
    expect_int(ask(pool, elpq_sql("select $1 + 40", 2)), 42);
    expect_text(ask(pool, elpq_sql("select $1 || ''", "text")), "text");
    expect_int(ask_with(pool, elpq_sql(PREPARED), &once), 1);
    expect_error(ask(pool, elpq_sql("select nonsense")), ELPQ_E_SERVER,
                 "42703", 0);
    release(lease(pool)); /* a reset leaves them */
    expect_int(ask_with(pool, elpq_sql(PREPARED), &once), 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* With on_connect before it; a cache of none prepares nothing. */
START_TEST(statements_are_prepared_behind_the_setup)
{
    static const char *const setup_sql[] = {
        "create temp table elpq_ahead (n int)", NULL
    };
    const elpq_statement *const list[] = {
        elpq_sql("select n + 40 from elpq_ahead"), NULL
    };
    const elpq_pool_options o = { .max_size = 1,
                                  .on_connect = setup_sql,
                                  .reset = ELPQ_RESET_NEVER,
                                  .conn.no_statement_cache = _i,
                                  .prepare = list };
    const elpq_options once = { .flags = ELPQ_NO_PREPARE };
    elpq_pool *pool = hooked(o);

    expect_int(ask_with(pool, elpq_sql(PREPARED), &once), !_i);
    expect_ok(ask(pool, elpq_sql("select n + 40 from elpq_ahead")));
    finish_pool(pool);
}
END_TEST

/* -------------------------------------------------------- resize and expire */

static void await_size(elpq_pool *pool, unsigned idle, unsigned size)
{
    while (stats(pool).idle != idle || stats(pool).size != size)
        event_base_loop(loop, EVLOOP_ONCE);
}

START_TEST(a_pool_changes_its_size)
{
    const elpq_pool_options o = { .max_size = 2, .min_size = 2 };
    elpq_pool *pool = hooked(o);
    elpq_conn *a, *b, *c;

    await_size(pool, 2, 2);
    ck_assert_int_eq(elpq_pool_resize(pool, 5, 4), ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_pool_resize(NULL, 1, 1), ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_pool_resize(pool, 4, 4), 0);
    await_size(pool, 4, 4);
    a = lease(pool);
    b = lease(pool);
    c = lease(pool);
    ck_assert_int_eq(elpq_pool_resize(pool, 0, 2), 0);
    ck_assert_uint_eq(stats(pool).size, 3); /* the idle one has gone */
    ck_assert_uint_eq(stats(pool).max_size, 2);
    release(a);
    await_size(pool, 0, 2);
    release(b);
    release(c);
    await_size(pool, 2, 2);
    ck_assert_uint_eq(stats(pool).resized, 2);
    ck_assert_int_eq(events_like(ELPQ_POOL_CLOSED, ELPQ_LEFT_RESIZED), 2);
    close_pool(pool, ELPQ_NO_TIMEOUT);
    ck_assert_int_eq(elpq_pool_resize(pool, 1, 1), ELPQ_E_CLOSED);
    ck_assert_int_eq(elpq_pool_expire(pool), ELPQ_E_CLOSED);
    await_all();
}
END_TEST

/* Idle, lent, busy, and one that is being made. */
START_TEST(connections_expire)
{
    const elpq_pool_options o = { .max_size = 4,
                                  .max_connecting = 1,
                                  .before_connect = before_connect };
    elpq_pool *pool = hooked(o);
    elpq_conn *lent = lease(pool), *idle = lease(pool);
    struct answer *busy, *coming;

    release(idle);
    await_size(pool, 1, 2);
    lock_server();
    busy = ask(pool, elpq_sql(BLOCKED));
    await_blocked(1);
    release(lease(pool));
    await_size(pool, 1, 3);
    h.keep = true;
    idle = lease(pool);
    coming = ask(pool, elpq_sql("select 1"));
    await_ticket(NULL);
    release(idle);
    expect_int(coming, 1);
    await_size(pool, 1, 4);
    h.keep = false;
    ck_assert_int_eq(elpq_pool_expire(pool), 0);
    ck_assert_uint_eq(stats(pool).size, 3);
    answer_ticket(true);
    await_size(pool, 0, 2);
    expect_int(ask(lent, elpq_sql("select 1")), 1);
    release(lent);
    unlock_server();
    expect_ok(busy);
    await_size(pool, 0, 0);
    ck_assert_uint_eq(stats(pool).expired, 4);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    await_size(pool, 1, 1);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("hooks");

    tcase_set_timeout(t, 30 * harness_slow());
    tcase_add_checked_fixture(t, setup, harness_teardown);
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, hooks_come_inside_the_call_that_causes_them, 0,
                        CALLS);
    tcase_add_loop_test(t, events_come_inside_the_answer_of_a_ticket, 0, 2);
    tcase_add_test(t, a_hook_gives_parameters);
    tcase_add_test(t, a_hook_answers_later);
    tcase_add_test(t, a_hook_refuses);
    tcase_add_loop_test(t, an_answer_that_comes_too_late, 0, 8);
    tcase_add_test(t, a_hook_prepares_the_session);
    tcase_add_loop_test(t, a_connection_that_its_hook_spoils, 0, 5);
    tcase_add_test(t, a_hook_sees_what_comes_back);
    tcase_add_loop_test(t, a_hook_sorts_out, 0, 2);
    tcase_add_test(t, a_hook_closes_the_pool);
    tcase_add_test(t, every_way_out_has_its_reason);
    tcase_add_loop_test(t, an_event_hook_closes_the_pool, 0, 4);
    tcase_add_test(t, a_leak_is_reported_once);
    tcase_add_test(t, a_transaction_holds_with_its_tag);
    tcase_add_test(t, statements_are_prepared_ahead);
    tcase_add_loop_test(t, statements_are_prepared_behind_the_setup, 0, 2);
    tcase_add_test(t, a_pool_changes_its_size);
    tcase_add_test(t, connections_expire);
}

int main(void)
{
    return harness_main("pool hooks", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Advisory locks: who holds them, who waits, and that none stays behind.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

/* One asked for lock. */
struct want {
    elpq_lock *lock;       /* held, or asked for                            */
    struct answer *got;
    struct answer *lost;   /* wanted only where it is to be lost            */
    void (*then)(struct want *w);
};

static void on_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    struct want *w = arg;

    ck_assert_int_eq(lock == NULL, error != NULL);
    ck_assert(!lock || !w->lock || lock == w->lock);
    w->lock = lock;
    on_done(error, w->got);
    if (w->then)
        w->then(w);
}

static void on_lost(elpq_lock *lock, const elpq_error *error, void *arg)
{
    struct want *w = arg;

    ck_assert_ptr_eq(lock, w->lock);
    on_done(error, w->lost);
}

static struct want *want_new(elpq_lock_options *o)
{
    static struct want slots[16];
    static unsigned next;
    struct want *w = &slots[next++ % 16];

    memset(w, 0, sizeof(*w));
    w->got = answer_new();
    w->lost = answer_new();
    w->lost->wanted = 0;
    o->lost = on_lost;
    o->lock = &w->lock;
    return w;
}

static struct want *take_pool(elpq_pool *pool, elpq_lock_key key,
                              elpq_lock_options o)
{
    struct want *w = want_new(&o);

    ck_assert_int_eq(CALL(elpq_lock_acquire(pool, key, &o, on_lock, w)), 0);
    return w;
}

static struct want *take_conn(elpq_conn *conn, elpq_lock_key key,
                              elpq_lock_options o)
{
    struct want *w = want_new(&o);

    ck_assert_int_eq(CALL(elpq_lock_acquire(conn, key, &o, on_lock, w)), 0);
    return w;
}

#define take(target, key, ...)                                                \
    _Generic((target), elpq_pool *: take_pool, elpq_conn *: take_conn)(       \
        target, key, (elpq_lock_options){ __VA_ARGS__ })

static struct answer *give(struct want *w)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_lock_release(w->lock, on_done, a)), 0);
    return a;
}

static long held(void)
{
    return admin_int("select count(*) from " LOCKS " locktype ="
                     " 'advisory' and granted and pid <> pg_backend_pid()"
                     " and objid in (4711, 4712)");
}

static const elpq_lock_options plain = { .timeout_ms = 0 };

#define KEY elpq_lock_int64(4711)

/* --------------------------------------------------------- taken, released */

START_TEST(one_at_a_time)
{
    elpq_pool *pool = pool_of(2);
    struct want *a = take(pool, KEY, .shared = false), *b;

    expect_ok(a->got);
    ck_assert_int_eq(held(), 1);
    expect_int(ask(elpq_lock_conn(a->lock), elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).busy, 1);
    b = take(pool, KEY, .shared = false);
    await_server("select count(*) = 1 from " LOCKS " not granted"
                 " and locktype = 'advisory' and objid = 4711");
    ck_assert_int_eq(b->got->calls, 0);
    expect_ok(give(a));
    expect_ok(b->got);
    expect_ok(give(b));
    ck_assert_int_eq(held(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).lost + stats(pool).discarded, 0);
    finish_pool(pool);
}
END_TEST

/* One number, and two, are different names. */
START_TEST(keys_of_both_kinds)
{
    elpq_pool *pool = pool_of(3);
    struct want *a = take(pool, elpq_lock_int64(-1), .try_only = true);
    struct want *b = take(pool, elpq_lock_int32(-1, -1), .try_only = true);
    struct want *c;

    expect_ok(a->got);
    expect_ok(b->got);
    c = take(pool, elpq_lock_int32(-1, -1), .try_only = true);
    expect_error(c->got, ELPQ_E_SERVER, "55P03",
                 ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    expect_ok(give(a));
    expect_ok(give(b));
    finish_pool(pool);
}
END_TEST

START_TEST(shared_ones_exclude_others_only)
{
    elpq_pool *pool = pool_of(3);
    struct want *a = take(pool, KEY, .shared = true);
    struct want *b = take(pool, KEY, .shared = true, .try_only = true);
    struct want *c;

    expect_ok(a->got);
    expect_ok(b->got);
    c = take(pool, KEY, .try_only = true);
    expect_error(c->got, ELPQ_E_SERVER, "55P03",
                 ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    expect_ok(give(a));
    expect_ok(give(b));
    ck_assert_int_eq(held(), 0);
    finish_pool(pool);
}
END_TEST

START_TEST(on_a_connection)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct want *a = take(conn, KEY, .shared = false);
    struct want *b = take(conn, KEY, .shared = false);

    expect_ok(a->got);
    expect_ok(b->got); /* the same session may */
    expect_ok(give(a));
    ck_assert_int_eq(held(), 1);
    expect_ok(give(b));
    ck_assert_int_eq(held(), 0);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------------------- waiting */

START_TEST(the_wait_has_a_deadline)
{
    elpq_pool *pool = pool_of(2);
    struct want *a = take(pool, KEY, .shared = false), *b;

    expect_ok(a->got);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    b = take(pool, KEY, .timeout_ms = (int)(1000 * harness_slow()));
    await(b->got);
    ck_assert_int_eq(b->got->code, ELPQ_E_TIMEOUT);
    expect_ok(give(a));
    await_server("select count(*) = 0 from " LOCKS " locktype ="
                 " 'advisory' and objid = 4711");
    finish_pool(pool);
}
END_TEST

START_TEST(giving_up_the_wait)
{
    elpq_pool *pool = pool_of(_i == 0 ? 1 : 2);
    struct want *a = take(pool, KEY, .shared = false), *b;
    struct answer *done;

    expect_ok(a->got);
    b = take(pool, KEY, .shared = false);
    if (_i > 0)
        await_server("select count(*) = 1 from " LOCKS " not granted"
                     " and locktype = 'advisory' and objid = 4711");
    done = give(b);
    ck_assert_int_eq(CALL(elpq_lock_release(b->lock, NULL, NULL)),
                     ELPQ_E_USAGE);
    expect_error(b->got, ELPQ_E_CANCELED, _i == 0 ? "" : "57014",
                 _i == 0 ? ELPQ_NOT_EXECUTED : 0);
    expect_ok(done);
    ck_assert_uint_lt(b->got->order, done->order);
    expect_ok(give(a));
    ck_assert_int_eq(held(), 0);
    finish_pool(pool);
}
END_TEST

/* In every phase; what is granted all the same is given back. */
START_TEST(giving_up_after_some_turns)
{
    elpq_pool *pool = pool_of(1);
    struct want *a;
    struct answer *done;

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    a = take(pool, KEY, .shared = false);
    run_turns(_i);
    done = give(a);
    await(a->got);
    ck_assert(a->got->code == 0 || a->got->code == ELPQ_E_CANCELED);
    expect_ok(done);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 0);
    finish_pool(pool);
}
END_TEST

/* Given up behind another statement, and granted later: nobody holds it. */
START_TEST(a_late_grant_is_undone)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *busy;
    struct want *kept = take(conn, KEY, .shared = false), *a, *b;

    expect_ok(kept->got);
    /* Both in one flush: the lock is sent, and not the first. */
    lock_server();
    busy = ask(conn, elpq_sql(BLOCKED));
    a = take(conn, KEY, .shared = _i == 1, .try_only = _i == 2);
    b = take(conn, elpq_lock_int32(4711, 4712), .try_only = _i == 2);
    await_blocked(1);
    give(a);
    give(b);
    await(a->got);
    await(b->got);
    ck_assert_int_eq(a->got->code, ELPQ_E_CANCELED);
    unlock_server();
    await(busy);
    /* The one that was held before is held still, and once. */
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 1);
    expect_ok(give(kept));
    ck_assert_int_eq(held(), 0);
    close_conn(conn);
}
END_TEST

/* The server grants the lock, finds the cancel then, and says so: whoever asked
 * believes that nothing is held, so nothing may be. */
START_TEST(a_grant_that_was_canceled_is_undone)
{
    elpq_fakepg *server = elpq_fakepg_new(
        loop,
        "startup\nwelcome\nexpect P \"advisory_lock(\"\nuntil S\n"
        "send E \"SERROR\\0C57014\\0Mcanceled\\0\\0\"\nsend Z \"I\"\n"
        "expect P \"advisory_unlock(\"\nuntil S\nnote\n"
        "send 1\nsend 2\n"
        "send T i16 1 \"u\\0\" i32 0 i16 0 i32 16 i16 1 i32 -1 i16 0\n"
        "send D i16 1 i32 1 \"t\"\nsend C \"SELECT 1\\0\"\nsend Z \"I\"\n"
        "serve\n",
        NULL);
    char conninfo[100];
    elpq_conn *conn;
    struct want *a;

    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable",
             elpq_fakepg_port(server));
    conn = connect_now(conninfo, NULL);
    a = take(conn, KEY, .shared = false);
    expect_error(a->got, ELPQ_E_SERVER, "57014", 0);
    expect_ok(ask(conn, elpq_sql("select")));
    ck_assert_ptr_null(elpq_fakepg_complaint(server));
    ck_assert_uint_eq(elpq_fakepg_notes(server), 1);
    close_conn(conn);
    elpq_fakepg_free(server);
}
END_TEST

/* The undoing of a grant that may never have been must not take the lock from
 * the next one of the same session that has got it meanwhile. */
START_TEST(a_canceled_grant_takes_nothing_from_others)
{
    elpq_conn *conn = connect_now(NULL, NULL), *rival = connect_now(NULL, NULL);
    struct want *held_first = take(rival, KEY, .shared = false), *a, *b;

    expect_ok(held_first->got);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    a = take(conn, KEY, .timeout_ms = (int)(1000 * harness_slow()));
    b = take(conn, KEY, .shared = false);
    await(a->got);
    ck_assert_int_eq(a->got->code, ELPQ_E_TIMEOUT);
    expect_ok(give(held_first));
    expect_ok(b->got);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 1);
    expect_ok(give(b));
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 0);
    close_conn(conn);
    close_conn(rival);
}
END_TEST

/* --------------------------------------------------------- not unlocked */

/* In a transaction that has failed, the server refuses to unlock, and its end
 * does not either: without its handle, the lock must not stay. */
START_TEST(released_in_a_failed_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct want *a = take(conn, KEY, .shared = false);
    elpq_tx *tx;

    expect_ok(a->got);
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_error(ask(tx, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012", 0);
    expect_error(give(a), ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    expect_ok(rollback(tx));
    await_server("select count(*) = 0 from " LOCKS " locktype ="
                 " 'advisory' and objid = 4711");
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
}
END_TEST

static elpq_pool *pool_without_resets(void)
{
    elpq_pool_options o = { .max_size = 1, .reset = ELPQ_RESET_NEVER };

    return pool_new(&o);
}

/* The pool's reset does what the server refused, and is not left out then. */
START_TEST(released_in_a_failed_transaction_of_a_lease)
{
    elpq_pool *pool = pool_without_resets();
    struct want *a = take(pool, KEY, .shared = false);
    elpq_tx *tx;

    expect_ok(a->got);
    tx = expect_ok(begin(elpq_lock_conn(a->lock), NULL))->tx;
    expect_error(ask(tx, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012", 0);
    expect_ok(give(a));
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 0);
    expect_ok(rollback(tx));
    ck_assert_uint_eq(stats(pool).resets, 1);
    finish_pool(pool);
}
END_TEST

/* Where the server said that it is unlocked, or never was locked, there is
 * nothing to reset. */
START_TEST(released_without_a_reset)
{
    elpq_pool *pool = pool_without_resets();
    elpq_conn *conn = connect_now(NULL, NULL);
    struct want *a = take(pool, KEY, .shared = false), *b;

    expect_ok(a->got);
    expect_ok(give(a));
    b = take(conn, KEY, .shared = false);
    expect_ok(b->got);
    a = take(pool, KEY, .try_only = true);
    expect_error(a->got, ELPQ_E_SERVER, "55P03",
                 ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    expect_ok(give(b));
    ck_assert_int_eq(held(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).resets, 0);
    finish_pool(pool);
    close_conn(conn);
}
END_TEST

/* Given up while it was waited for, granted or not; and held on a lease that
 * its borrower gives back. */
START_TEST(given_up_without_resets)
{
    elpq_pool *pool = pool_without_resets();
    struct want *a;

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    if (_i == 8) {
        elpq_conn *conn = lease(pool);

        a = take(conn, KEY, .shared = false);
        expect_ok(a->got);
        a->lost->wanted = 1;
        release(conn);
        await(a->lost);
        await(give(a));
    } else if (_i == 9) { /* with the unlock on its way */
        elpq_conn *conn = lease(pool);
        struct answer *done;

        a = take(conn, KEY, .shared = false);
        expect_ok(a->got);
        done = give(a);
        release(conn);
        await(done);
    } else {
        a = take(pool, KEY, .shared = false);
        run_turns(_i);
        while (_i >= 4 && held() == 0) /* the loop stands still */
            ;
        expect_ok(give(a));
    }
    await_server("select count(*) = 0 from " LOCKS " locktype ="
                 " 'advisory' and objid = 4711");
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 0);
    finish_pool(pool);
}
END_TEST

/* The unlock waits for those in front of it, longer than a statement would. */
START_TEST(released_behind_what_takes_long)
{
    elpq_conn_options o = { .timeout_ms = (int)(1000 * harness_slow()) };
    elpq_conn *conn = connect_now(NULL, &o);
    elpq_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    struct want *a = take(conn, KEY, .shared = false);
    struct answer *busy, *done;

    expect_ok(a->got);
    lock_server();
    busy = _i == 0 ? script(conn, BLOCKED, &patient)
                   : ask_with(conn, elpq_sql(BLOCKED), &patient);
    done = give(a);
    await_blocked(1);
    run_for_ms(3 * o.timeout_ms);
    ck_assert_int_eq(done->calls, 0);
    unlock_server();
    expect_ok(busy);
    expect_ok(done);
    ck_assert_int_eq(held(), 0);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

/* A server that does not answer the unlock: it has the connection's deadline
 * once it runs. */
START_TEST(an_unlock_that_is_not_answered)
{
    elpq_conn_options o = { .timeout_ms = (int)(1000 * harness_slow()),
                            .cancel_grace_ms = 100 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct want *a = take(conn, KEY, .shared = false);
    struct answer *done;
    int pid = elpq_conn_pid(conn);

    expect_ok(a->got);
    if (!signal_server(pid, SIGSTOP)) {
        expect_ok(give(a));
        close_conn(conn);
        return;
    }
    done = await(give(a));
    ck_assert_int_ne(done->code, 0);
    ck_assert(!elpq_conn_is_open(conn));
    signal_server(pid, SIGCONT);
    await_server("select count(*) = 0 from " LOCKS " locktype ="
                 " 'advisory' and objid = 4711");
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- lost */

START_TEST(a_lost_connection_is_a_lost_lock)
{
    elpq_pool *pool = pool_of(1);
    struct want *a = take(pool, KEY, .shared = false);

    expect_ok(a->got);
    a->lost->wanted = 1;
    terminate(elpq_conn_pid(elpq_lock_conn(a->lock)));
    expect_error(a->lost, ELPQ_E_LOST, "57P01", ELPQ_RETRYABLE);
    await(give(a));
    ck_assert_int_eq(answers_with(ELPQ_E_LOST), 2);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

/* Its connection was given back by hand, and another one has it. */
START_TEST(released_when_another_has_the_connection)
{
    elpq_pool *pool = pool_of(1);
    struct want *a = take(pool, KEY, .shared = false);
    elpq_tx *tx;

    expect_ok(a->got);
    a->lost->wanted = 1;
    release(elpq_lock_conn(a->lock));
    await(a->lost);
    tx = begin_now(pool);
    await(give(a));
    expect_int(ask(tx, elpq_sql("select 4")), 4);
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

/* The lease ends when the server has granted the lock, and its answer is on
 * the way: it is not held. */
START_TEST(granted_when_its_lease_is_over)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct want *a;

    expect_int(ask(conn, elpq_sql("select 1")), 1);
    a = take(conn, KEY, .shared = false);
    run_turns(_i);
    while (_i == 2 && held() == 0) /* the loop stands still */
        ;
    release(conn);
    await(a->got);
    if (a->got->code == 0) /* it was held before, and was told so */
        a->lost->wanted = 1;
    else
        ck_assert(a->got->code == ELPQ_E_CLOSED ||
                  a->got->code == ELPQ_E_CANCELED);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 0);
    if (a->got->code == 0)
        await(give(a));
    finish_pool(pool);
}
END_TEST

static void let_go(struct want *w)
{
    ck_assert_int_eq(CALL(elpq_lock_release(w->lock, NULL, NULL)), 0);
}

START_TEST(released_inside_of_its_callback)
{
    elpq_pool *pool = pool_of(1);
    struct want *a = take(pool, KEY, .shared = false);

    a->then = let_go;
    expect_ok(a->got);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_int_eq(held(), 0);
    finish_pool(pool);
}
END_TEST

/* Closed and released under the lock, by a pool or its user. */
START_TEST(what_ends_the_session_ends_the_lock)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct want *a = take(conn, KEY, .shared = false);

    expect_ok(a->got);
    a->lost->wanted = 1;
    if (_i == 0)
        release(conn);
    else if (_i == 1)
        close_conn(conn);
    else
        finish_pool(pool);
    await(a->lost);
    ck_assert_int_eq(a->lost->code, ELPQ_E_CLOSED);
    await(give(a));
    await_server("select count(*) = 0 from " LOCKS " locktype ="
                 " 'advisory' and objid = 4711");
    if (_i == 2)
        release(conn);
    else
        finish_pool(pool);
}
END_TEST

START_TEST(the_pool_closes_after_some_turns)
{
    elpq_pool *pool = pool_of(1);
    struct want *a;

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    a = take(pool, KEY, .shared = false);
    run_turns(_i);
    finish_pool(pool);
    await(a->got);
    if (a->got->code == 0) {
        a->lost->wanted = 1;
        await(a->lost);
        await(give(a));
    }
}
END_TEST

/* ------------------------------------------------------ of a transaction */

static struct answer *lock_tx(elpq_tx *tx, elpq_lock_options o)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_tx_lock(tx, KEY, &o, on_done, a)), 0);
    return a;
}

START_TEST(a_transaction_holds_it_to_its_end)
{
    elpq_pool *pool = pool_of(2);
    elpq_tx *tx = begin_now(pool), *other = begin_now(pool);
    elpq_lock_options try = { .try_only = true, .shared = _i };

    expect_ok(lock_tx(tx, try));
    try.shared = false;
    expect_error(lock_tx(other, try), ELPQ_E_SERVER, "55P03",
                 ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED);
    expect_ok(ask(other, elpq_sql("select 1"))); /* it has not failed */
    ck_assert_int_eq(held(), 1);
    expect_ok(_i ? commit(tx) : rollback(tx));
    ck_assert_int_eq(held(), 0);
    expect_ok(lock_tx(other, plain));
    expect_ok(commit(other));
    finish_pool(pool);
}
END_TEST

START_TEST(the_wait_of_a_transaction_has_a_deadline)
{
    elpq_pool *pool = pool_of(2);
    elpq_tx *tx = begin_now(pool), *other = begin_now(pool);
    elpq_lock_options o = { .timeout_ms = (int)(200 * harness_slow()) };
    struct answer *a;

    expect_ok(lock_tx(tx, plain));
    if (_i == 0) {
        a = await(lock_tx(other, o));
        ck_assert_int_eq(a->code, ELPQ_E_TIMEOUT);
    } else {
        elpq_request *request;

        o.timeout_ms = 0;
        o.request = &request;
        a = lock_tx(other, o);
        await_server("select count(*) = 1 from " LOCKS " not granted"
                     " and locktype = 'advisory' and objid = 4711");
        RUN(elpq_cancel(request));
        expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    }
    expect_ok(rollback(other));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "plain", 0);

    tcase_add_test(t, one_at_a_time);
    tcase_add_test(t, keys_of_both_kinds);
    tcase_add_test(t, shared_ones_exclude_others_only);
    tcase_add_test(t, on_a_connection);
    t = harness_case(s, "waiting", 0);
    tcase_add_test(t, the_wait_has_a_deadline);
    tcase_add_loop_test(t, giving_up_the_wait, 0, 2);
    tcase_add_loop_test(t, giving_up_after_some_turns, 0, 8);
    tcase_add_loop_test(t, a_late_grant_is_undone, 0, 3);
    tcase_add_test(t, a_grant_that_was_canceled_is_undone);
    tcase_add_test(t, a_canceled_grant_takes_nothing_from_others);
    t = harness_case(s, "not unlocked", 0);
    tcase_add_test(t, released_in_a_failed_transaction);
    tcase_add_test(t, released_in_a_failed_transaction_of_a_lease);
    tcase_add_test(t, released_without_a_reset);
    tcase_add_loop_test(t, given_up_without_resets, 0, 10);
    tcase_add_loop_test(t, released_behind_what_takes_long, 0, 2);
    tcase_add_test(t, an_unlock_that_is_not_answered);
    t = harness_case(s, "lost", 0);
    tcase_add_test(t, a_lost_connection_is_a_lost_lock);
    tcase_add_test(t, released_when_another_has_the_connection);
    tcase_add_loop_test(t, granted_when_its_lease_is_over, 0, 3);
    tcase_add_test(t, released_inside_of_its_callback);
    tcase_add_loop_test(t, what_ends_the_session_ends_the_lock, 0, 3);
    tcase_add_loop_test(t, the_pool_closes_after_some_turns, 0, 8);
    t = harness_case(s, "transaction", 0);
    tcase_add_loop_test(t, a_transaction_holds_it_to_its_end, 0, 2);
    tcase_add_loop_test(t, the_wait_of_a_transaction_has_a_deadline, 0, 2);
}

int main(void)
{
    return harness_main("lock", build);
}

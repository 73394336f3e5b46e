/* SPDX-License-Identifier: PostgreSQL */
/*
 * The ends of a router, and who is none of its primaries any more: closed in
 * callbacks, while it drains, and with work that waits; one host or none; a
 * primary that slept, and two at once.
 *
 * The cluster is one for all tests, in the order in which they stand here;
 * the last one leaves two primaries.
 */
#include "routers.h"

/* --------------------------------------------------------------- contract */

static int close_on;

static void close_at_event(elpq_router *router, const elpq_router_event *e)
{
    if ((int)e->kind == close_on)
        RUN(elpq_router_close(router, 0, NULL, NULL));
}

START_TEST(closed_inside_of_each_event)
{
    static const int kinds[] = { ELPQ_ROUTER_HOST_UP, ELPQ_ROUTER_PRIMARY,
                                 ELPQ_ROUTER_STANDBY, ELPQ_ROUTER_CURRENT };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        elpq_router *router = router_of(NULL);
        struct answer *a = ask_router(router, elpq_sql("select 1"), NULL);

        close_on = kinds[i];
        event_then = close_at_event;
        event_base_dispatch(loop); /* until nothing is left */
        ck_assert_int_ge(events[kinds[i]], 1);
        ck_assert_int_eq(a->calls, 1);
        ck_assert(a->code == 0 || a->code == ELPQ_E_CLOSED);
    }
}
END_TEST

static void close_in_answer(struct answer *a)
{
    RUN(elpq_router_close(a->data, 0, NULL, NULL));
}

START_TEST(closed_inside_of_answers)
{
    elpq_router *router = router_of(NULL);
    struct answer *first, *second;

    settled(router);
    first = ask_router(router, elpq_sql("select 1"), NULL);
    first->then = close_in_answer;
    first->data = router;
    second = ask_router(router, READ("select 2 from pg_sleep(30)"), NULL);
    expect_ok(first);
    await(second);
    ck_assert_int_eq(second->code, ELPQ_E_CLOSED);
}
END_TEST

START_TEST(a_drain)
{
    elpq_router *router = router_of(NULL);
    struct answer *a[4], *none = answer_new();
    elpq_router_statistics s;

    /* Nothing is known of the hosts yet: they wait for that. */
    none->wanted = 0;
    for (int i = 0; i < 4; i++)
        a[i] = ask_router(router, elpq_sql("select 7"), NULL);
    s = counts(router);
    ck_assert_uint_eq(s.waiting, 4);
    ck_assert_int_eq(s.primary, -1);
    close_router(router, (int)(10000 * harness_slow()));
    ck_assert_int_eq(CALL(elpq_execute(router, elpq_sql("select 1"), NULL,
                                       on_result, none)), ELPQ_E_CLOSED);
    for (int i = 0; i < 4; i++)
        expect_int(a[i], 7);
    await_all();
}
END_TEST

START_TEST(the_line_has_a_bound)
{
    elpq_router_options o = { .max_waiting = 2 };
    elpq_router *router = router_of(&o);
    struct answer *none = answer_new();

    none->wanted = 0;
    ask_router(router, elpq_sql("select 1"), NULL);
    ask_router(router, READ("select 1"), NULL);
    ck_assert_int_eq(CALL(elpq_execute(router, elpq_sql("select 1"), NULL,
                                       on_result, none)), ELPQ_E_FULL);
    ck_assert_uint_eq(counts(router).refused, 1);
    await_all();
    expect_ok(close_router(router, 0));
}
END_TEST

/* ---------------------------------------------------- without any cluster */

START_TEST(calls_that_make_no_sense)
{
    static const char *const none[] = { NULL };
    static const char *const bad[] = { "host=a", "nonsense=1", NULL };
    static const char *const one[] = { "", NULL };
    elpq_router_options o = { .check_period_ms = -1 };
    elpq_error *error = NULL;
    struct answer *a = answer_new();
    elpq_router *router;
    elpq_host_info i;

    a->wanted = 0;
    ck_assert_ptr_null(elpq_router_new(NULL, one, NULL, NULL));
    ck_assert_ptr_null(elpq_router_new(loop, none, NULL, &error));
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_router_new(loop, bad, NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "nonsense"));
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_router_new(loop, one, &o, NULL));
    router = elpq_router_new(loop, one, NULL, NULL);
    ck_assert_ptr_nonnull(router);
    ck_assert_int_eq(CALL(elpq_execute(router, NULL, NULL, on_result, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_execute(router, elpq_sql("select 1"), NULL,
                                       NULL, a)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_router_acquire(NULL, NULL, on_conn, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_begin(router, NULL, NULL, a)), ELPQ_E_USAGE);
    ck_assert(!elpq_router_host(router, 1, &i));
    expect_ok(close_router(router, 0));
    RUN(elpq_router_close(NULL, 0, NULL, NULL));
}
END_TEST

/* One server alone is a primary, which reads as well. */
START_TEST(one_host)
{
    static const char *const one[] = { "", NULL };
    elpq_router *router = elpq_router_new(loop, one, NULL, NULL);

    expect_int(ask_router(router, READ("select 1"), NULL), 1);
    expect_int(ask_router(router, elpq_sql("select 2"), NULL), 2);
    ck_assert_int_eq(counts(router).primary, 0);
    expect_error(ask_router(router, elpq_sql("select 1/0"), NULL),
                 ELPQ_E_SERVER, "22012", 0);
    expect_ok(close_router(router, 0));
}
END_TEST

/* While nothing has ever worked, a mistake is likely: it is told at once. */
START_TEST(no_host_at_all)
{
    const char *hosts[] = { loopback(dead_port()), loopback(dead_port()),
                            NULL };
    elpq_router *router = elpq_router_new(loop, hosts, NULL, NULL);

    expect_error(ask_router(router, elpq_sql("select 1"), NULL),
                 ELPQ_E_CONNECT, "", ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    expect_ok(close_router(router, 0));
}
END_TEST

/* What waited in line for a host that turns out to be none never ran. */
START_TEST(no_host_that_answers)
{
    static const char *const params[] = {
        "options", "-c search_path=elpq_router_fake,pg_catalog", NULL
    };
    static const char *const one[] = { "", NULL };
    elpq_router_options o = { .pool.conn.params = params };
    elpq_router *router;

    admin_do("set client_min_messages = error");
    admin_do("drop schema if exists elpq_router_fake cascade");
    admin_do("create schema elpq_router_fake");
    admin_do("grant usage on schema elpq_router_fake to public");
    admin_do("create function elpq_router_fake.pg_is_in_recovery() returns"
             " bool language sql as 'select 1/0 = 1'");
    router = elpq_router_new(loop, one, &o, NULL);
    expect_error(ask_router(router, elpq_sql("select 1"), NULL),
                 ELPQ_E_SERVER, "22012", ELPQ_NOT_EXECUTED);
    expect_ok(close_router(router, 0));
    admin_do("drop schema elpq_router_fake cascade");
}
END_TEST

static int silent;

/* The first connect of the pool gets no answer; the checks' do. */
static void lead_into_silence(elpq_ticket *ticket, void *arg)
{
    const char *params[] = { "host", "127.0.0.1", "port", arg, NULL };

    RUN(elpq_ticket_go(ticket, silent++ == 0 ? params : NULL));
}

START_TEST(a_connect_without_an_answer_is_tried_again)
{
    static const char *const one[] = { "", NULL };
    elpq_router_options o = { .pool.before_connect = lead_into_silence };
    elpq_router *router;
    char port[12];
    int number, fd = blackhole(&number);

    snprintf(port, sizeof(port), "%d", number);
    o.pool.conn.connect_timeout_ms = (int)(300 * harness_slow());
    o.pool.hook_arg = port;
    silent = 0;
    router = elpq_router_new(loop, one, &o, NULL);
    expect_int(ask_router(router, elpq_sql("select 7"), NULL), 7);
    ck_assert_int_ge(silent, 2);
    ck_assert_uint_ge(counts(router).retries, 1);
    expect_ok(close_router(router, 0));
    close(fd);
}
END_TEST

/* A session that ends under a check or a statement is no fail-over. */
START_TEST(lost_sessions)
{
    static const char *const params[] = { "application_name", "elpq_router",
                                          NULL };
    static const char *const one[] = { "", NULL };
    elpq_router_options o = { .pool.conn.params = params };
    elpq_router *router = elpq_router_new(loop, one, &o, NULL);

    for (int i = 0; i < 3; i++) {
        expect_int(ask_router(router, elpq_sql("select 1"), NULL), 1);
        admin_do("select pg_terminate_backend(pid, 10000) from"
                 " pg_stat_activity where application_name = 'elpq_router'");
        expect_int(ask_router(router, elpq_sql("select 2"), NULL), 2);
    }
    expect_ok(close_router(router, 0));
}
END_TEST

/* ------------------------------------------------------------ split brain */

static struct answer *waiting;

static void cancel_what_waits(elpq_router *router, const elpq_router_event *e)
{
    (void)router;
    if (e->kind == ELPQ_ROUTER_NO_PRIMARY)
        cancel(waiting);
}

/* Its connections live on, and so would what they write.  What waited for one
 * is on its way to another host when it is canceled: it does not go there. */
START_TEST(a_primary_that_has_slept_is_none)
{
    elpq_router_options o = { .check_period_ms = 100,
                              .pool = { .max_size = 1 } };
    struct answer *lent = answer_new();
    elpq_router *router;
    int old, new;

    o.check_timeout_ms = (int)(500 * harness_slow());
    router = router_of(&o);
    old = settled(router);
    new = (old + 1) % 3;
    write_table(router);
    replayed(router); /* which may be promoted */
    ck_assert_int_eq(CALL(elpq_router_acquire(router, NULL, on_conn, lent)),
                     0);
    expect_ok(lent);
    waiting = ask_router(router, elpq_sql("insert into ticker values (77)"),
                         NULL);
    event_then = cancel_what_waits;
    node("freeze %d", old);
    await(waiting);
    ck_assert(waiting->flags & ELPQ_NOT_EXECUTED);
    ck_assert(elpq_conn_is_open(lent->conn)); /* nothing was heard of it */
    node("promote %d", new);
    node("follow %d %d", 3 - old - new, new);
    UNTIL(counts(router).primary == new);
    node("thaw %d", old);
    UNTIL(info(router, old).up);
    ck_assert(!elpq_conn_is_open(lent->conn));
    release(lent->conn);
    expect_int(ask_router(router, elpq_sql("select count(*) from ticker"),
                          NULL), 0);
    expect_ok(close_router(router, 0));
    node("kill %d", old);
    node("rejoin %d %d", old, new);
}
END_TEST

/* The pools of idle hosts have ended by then. */
START_TEST(closed_again_while_it_drains)
{
    elpq_router *router = router_of(NULL);
    struct answer *lent = answer_new(), *end;

    settled(router);
    ck_assert_int_eq(CALL(elpq_router_acquire(router, NULL, on_conn, lent)),
                     0);
    expect_ok(lent);
    end = close_router(router, ELPQ_NO_TIMEOUT);
    run_turns(50);
    ck_assert_int_eq(end->calls, 0);
    RUN(elpq_router_close(router, 0, NULL, NULL));
    release(lent->conn);
    expect_ok(end);
}
END_TEST

START_TEST(of_two_primaries_the_younger_is_the_one)
{
    elpq_router_options o = { .check_period_ms = 100 };
    elpq_router *router = router_of(&o);
    struct answer *lent = answer_new(), *lost;
    int old = settled(router);
    int new = (old + 1) % 3;

    ck_assert_int_eq(CALL(elpq_router_acquire(router, NULL, on_conn, lent)),
                     0);
    expect_ok(lent);
    node("promote %d", new);
    UNTIL(counts(router).primary == new);
    /* Who would go on to write there is told. */
    ck_assert_int_eq(info(router, old).role, ELPQ_ROLE_NONE);
    ck_assert(info(router, old).up);
    ck_assert(!elpq_conn_is_open(lent->conn));
    lost = answer_new();
    lost->wanted = 0;
    ck_assert_int_eq(CALL(elpq_execute(lent->conn, elpq_sql("select 1"), NULL,
                                       on_result, lost)), ELPQ_E_CLOSED);
    release(lent->conn);
    expect_text(ask_router(router,
                           elpq_sql("select current_setting('port')"), NULL),
                new == 0 ? "5000" : new == 1 ? "5001" : "5002");
    expect_ok(close_router(router, 0));
}
END_TEST

/* What is written to the elder meanwhile would be lost when it is rewound. */
START_TEST(nor_is_the_elder_one_while_the_younger_is_away)
{
    /* The grace is that of the pools: a check that gets no answer has none. */
    elpq_router_options o = { .check_period_ms = 100,
                              .pool.conn.cancel_grace_ms = 600000 };
    elpq_router *router;
    struct answer *waits;
    uint64_t checks;
    int new, old;

    o.check_timeout_ms = (int)(500 * harness_slow());
    router = router_of(&o);
    UNTIL(info(router, 0).up && info(router, 1).up && info(router, 2).up);
    new = counts(router).primary;
    for (old = 0; old == new || info(router, old).role != ELPQ_ROLE_NONE;)
        ck_assert_int_lt(++old, 3);
    node("freeze %d", new);
    UNTIL(!info(router, new).up);
    waits = ask_router(router, elpq_sql("select current_setting('port')"),
                       NULL);
    checks = info(router, old).checks;
    UNTIL(info(router, old).checks > checks + 1);
    ck_assert_int_eq(counts(router).primary, -1);
    ck_assert(info(router, old).up);
    ck_assert_int_eq(info(router, old).role, ELPQ_ROLE_NONE);
    node("thaw %d", new);
    expect_text(waits, new == 0 ? "5000" : new == 1 ? "5001" : "5002");
    ck_assert_int_eq(counts(router).primary, new);
    expect_ok(close_router(router, 0));
}
END_TEST

/* Makes segments of WAL. */
static void switch_wal(int n, int times)
{
    elpq_conn *conn = connect_now(node_at(n), NULL);

    while (times-- > 0) {
        expect_ok(ask(conn, elpq_sql("select pg_create_restore_point('x')")));
        expect_ok(ask(conn, elpq_sql("select pg_switch_wal()")));
    }
    close_conn(conn);
}

/*
 * Its position lies between two of the younger primary's: but that it has
 * replayed other WAL as far says nothing.
 */
START_TEST(a_standby_of_the_elder_is_not_read)
{
    elpq_router_options o = { .check_period_ms = 100, .max_lag_ms = 600000 };
    const int64_t segment = 16 << 20;
    elpq_router *router = router_of(&o);
    int new, old, third;
    int64_t behind;

    UNTIL(info(router, 0).up && info(router, 1).up && info(router, 2).up);
    new = counts(router).primary;
    for (old = 0; old == new || info(router, old).role != ELPQ_ROLE_NONE;)
        ck_assert_int_lt(++old, 3);
    third = 3 - old - new;
    ck_assert_int_eq(info(router, third).role, ELPQ_ROLE_STANDBY);
    UNTIL(info(router, third).lag_bytes >= 0);
    switch_wal(new, 4);
    checked_anew(router, new);
    checked_anew(router, third);
    behind = info(router, third).lag_bytes;
    ck_assert_int_gt(behind, 2 * segment);
    switch_wal(old, 1);
    UNTIL(info(router, third).lag_bytes < behind);
    ck_assert_int_gt(info(router, third).lag_bytes, 0);
    ck_assert(!info(router, third).current);
    ck_assert_int_eq(info(router, third).lag_ms, -1);
    expect_text(ask_router(router, READ("select current_setting('port')"),
                           NULL),
                new == 0 ? "5000" : new == 1 ? "5001" : "5002");
    expect_ok(close_router(router, 0));
}
END_TEST

static int strangers;

static void on_parameter(elpq_conn *conn, const char *name, const char *value,
                         void *arg)
{
    (void)conn, (void)name, (void)value, (void)arg;
    strangers++;
}

/* That a standby was promoted is told to the connections of the checks as well:
 * those are no business of the user's hook. */
START_TEST(no_hook_sees_the_connections_of_the_checks)
{
    elpq_router_options o = { .pool.conn.parameter = on_parameter };
    elpq_router *router = router_of(&o);
    int old = settled(router), new = (old + 1) % 3;

    strangers = 0;
    node("stop %d", old); /* the standbys got all that there was */
    node("promote %d", new);
    UNTIL(counts(router).primary == new);
    checked_anew(router, new);
    ck_assert_int_eq(strangers, 0);
    node("follow %d %d", 3 - old - new, new);
    node("rejoin %d %d", old, new);
    ck_assert_int_eq(settled(router), new);
    expect_ok(close_router(router, 0));
}
END_TEST

static void build(Suite *suite)
{
    TCase *tc = harness_case(suite, "alone", 0);

    tcase_add_test(tc, calls_that_make_no_sense);
    tcase_add_test(tc, one_host);
    tcase_add_test(tc, no_host_at_all);
    tcase_add_test(tc, no_host_that_answers);
    tcase_add_test(tc, a_connect_without_an_answer_is_tried_again);
    tcase_add_test(tc, lost_sessions);
    if (!nodes_possible())
        return;
    tc = harness_case(suite, "cluster", 60);
    tcase_add_unchecked_fixture(tc, cluster_up, nodes_down);
    tcase_add_test(tc, no_hook_sees_the_connections_of_the_checks);
    tcase_add_test(tc, closed_inside_of_each_event);
    tcase_add_test(tc, closed_inside_of_answers);
    tcase_add_test(tc, a_drain);
    tcase_add_test(tc, the_line_has_a_bound);
    tcase_add_test(tc, closed_again_while_it_drains);
    tcase_add_test(tc, a_primary_that_has_slept_is_none);
    tcase_add_test(tc, of_two_primaries_the_younger_is_the_one);
    tcase_add_test(tc, nor_is_the_elder_one_while_the_younger_is_away);
    tcase_add_test(tc, a_standby_of_the_elder_is_not_read);
}

int main(void)
{
    return harness_main("router ends", build);
}

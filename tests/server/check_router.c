/* SPDX-License-Identifier: PostgreSQL */
/*
 * Routers on a primary and two standbys with streaming replication: who gets
 * what, how late a read may be, and what happens to the work that goes on
 * while hosts are stopped, killed, promoted and brought back.
 *
 * The cluster is one for all tests, in the order in which they stand here;
 * each begins with a healthy one, whoever is the primary.
 */
#include "elpq/testkit.h"
#include "routers.h"

/* ---------------------------------------------------------------- routing */

START_TEST(statements_go_where_they_belong)
{
    elpq_router_options o = { .begin_on_standbys = true };
    elpq_router *router = router_of(&o);
    elpq_options read_only = { .flags = ELPQ_READONLY };
    elpq_tx_options reads = { .read_only = true };
    struct answer *a;
    int primary = settled(router);

    expect_text(ask_router(router, elpq_sql(IN_RECOVERY), NULL), "false");
    for (int i = 0; i < 8; i++)
        expect_text(ask_router(router, READ(IN_RECOVERY), NULL), "true");
    expect_text(ask_router(router, elpq_sql(IN_RECOVERY), &read_only), "true");
    for (int i = 0; i < 3; i++)
        ck_assert_uint_gt(info(router, i).requests, 0); /* in turn */

    a = answer_new();
    ck_assert_int_eq(CALL(elpq_script(router, "select 1; " IN_RECOVERY, NULL,
                                      on_each, on_done, a)), 0);
    expect_ok(a);
    ck_assert_uint_eq(a->results, 2);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_router_acquire(router, NULL, on_conn, a)), 0);
    expect_ok(a);
    ck_assert_str_eq(text_of(a->conn, IN_RECOVERY), "false");
    release(a->conn);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_router_acquire(router, &read_only, on_conn, a)),
                     0);
    expect_ok(a);
    ck_assert_str_eq(text_of(a->conn, IN_RECOVERY), "true");
    release(a->conn);
    for (int i = 0; i < 2; i++) {
        a = answer_new();
        ck_assert_int_eq(CALL(elpq_begin(router, i ? &reads : NULL, on_tx, a)),
                         0);
        expect_ok(a);
        ck_assert_str_eq(text_of(a->tx, IN_RECOVERY), i ? "true" : "false");
        expect_ok(rollback(a->tx));
    }
    ck_assert_int_eq(info(router, primary).role, ELPQ_ROLE_PRIMARY);
    ck_assert_uint_eq(counts(router).to_primary, 4);
    ck_assert_uint_eq(counts(router).to_standbys, 11);
    ck_assert_uint_eq(counts(router).retries, 0);
    ck_assert_int_eq(events[ELPQ_ROUTER_HOST_UP], 3);
    ck_assert_int_eq(events[ELPQ_ROUTER_PRIMARY], 1);
    ck_assert_int_eq(events[ELPQ_ROUTER_STANDBY], 2);
    ck_assert_int_eq(events[ELPQ_ROUTER_CURRENT], 2);
    expect_ok(close_router(router, 0));
}
END_TEST

static int64_t streamed;

static void on_streamed(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)stream;
    (void)arg;
    streamed += (int64_t)elpq_rows(rows);
}

START_TEST(streams_read_from_standbys)
{
    elpq_router_options o = { .routing = ELPQ_ROUTE_NEAREST,
                              .never_read_primary = true };
    elpq_router *router = router_of(&o);
    struct answer *a = answer_new();

    settled(router);
    streamed = 0;
    ck_assert_int_eq(
        CALL(elpq_stream(router, READ("select pg_is_in_recovery() from"
                                      " generate_series(1, 1000)"),
                         NULL, on_streamed, on_done, a)), 0);
    expect_ok(a);
    ck_assert_int_eq(streamed, 1000);
    ck_assert_uint_eq(counts(router).to_standbys, 1);
    ck_assert_int_ge(info(router, 0).round_trip_usec, 1);
    /* What writes is refused there: its user has said that it does not. */
    expect_error(ask_router(router, READ("create table no (n int)"), NULL),
                 ELPQ_E_SERVER, "25006", 0);
    expect_ok(close_router(router, ELPQ_NO_TIMEOUT));
}
END_TEST

static int port_that_reads(elpq_router *router)
{
    return answer_int(
        ask_router(router, READ("select current_setting('port')::int"), NULL));
}

/* In turn where both are idle; else where less is under way. */
START_TEST(the_least_busy_standby_reads)
{
    elpq_router *router = router_of(NULL);
    struct answer *busy;
    int port;

    settled(router);
    port = port_that_reads(router);
    ck_assert_int_ne(port_that_reads(router), port);
    busy = ask_router(router, READ("select pg_sleep(30)"), NULL);
    port = port_that_reads(router);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(port_that_reads(router), port);
    cancel(busy);
    expect_error(busy, ELPQ_E_CANCELED, "57014", 0);
    ck_assert_int_ne(port_that_reads(router), port_that_reads(router));
    expect_ok(close_router(router, 0));
}
END_TEST

/* One of the standbys is far away. */
START_TEST(the_nearest_standby_reads)
{
    elpq_router_options o = { .routing = ELPQ_ROUTE_NEAREST,
                              .check_timeout_ms = PATIENT_MS };
    elpq_faultproxy_options up = { .upstream_host = nodes_dir };
    elpq_router *router = router_of(NULL);
    int far = (settled(router) + 1) % 3, near = (far + 1) % 3;
    const char *hosts[] = { node_at(0), node_at(1), node_at(2), NULL };
    elpq_faultproxy *proxy;
    char text[200];

    expect_ok(close_router(router, 0));
    up.upstream_port = 5000 + far;
    proxy = elpq_faultproxy_new(loop, &up);
    ck_assert_ptr_nonnull(proxy);
    ck_assert_ptr_null(elpq_faultproxy_rule(proxy, "delay 300"));
    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d user=elpq_super dbname=postgres",
             elpq_faultproxy_port(proxy));
    hosts[far] = text;
    router = elpq_router_new(loop, hosts, &o, NULL);
    ck_assert_ptr_nonnull(router);
    settled(router);
    UNTIL(info(router, far).round_trip_usec >
          info(router, near).round_trip_usec);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(port_that_reads(router), 5000 + near);
    expect_ok(close_router(router, 0));
    elpq_faultproxy_free(proxy);
}
END_TEST

START_TEST(a_conflict_with_recovery_reads_on_the_primary)
{
    elpq_router *router = router_of(NULL);
    struct answer *reader;
    int primary = settled(router), tries = 0;
    elpq_conn *a = connect_now(node_at((primary + 1) % 3), NULL);
    elpq_conn *b = connect_now(node_at((primary + 2) % 3), NULL);
    uint64_t before;
    bool asleep;

    write_table(router);
    expect_ok(ask_router(router, elpq_sql("insert into ticker select"
                                          " generate_series(1, 10)"), NULL));
    /*
     * It holds a snapshot on a standby, and what it needs is removed.  A
     * standby that is late for a moment is not read: then it is asked again.
     */
    do {
        replayed(router);
        before = counts(router).retries;
        reader = ask_router(router,
                            READ("select count(*), pg_sleep(case when"
                                 " pg_is_in_recovery() then 30 else 0 end)"
                                 " from ticker"),
                            NULL);
        UNTIL(reader->calls || strcmp(text_of(a, SLEEPS), "t") == 0 ||
              strcmp(text_of(b, SLEEPS), "t") == 0);
        asleep = !reader->calls;
        ck_assert_msg(asleep || tries++ < 10, "no standby reads");
        if (!asleep)
            expect_ok(reader);
    } while (!asleep);
    expect_ok(ask_router(router, elpq_sql("drop table ticker"), NULL));
    /* On the primary it is gone; what matters is who says so. */
    expect_error(reader, ELPQ_E_SERVER, "42P01", 0);
    ck_assert_uint_eq(counts(router).retries, before + 1);
    close_conn(a);
    close_conn(b);
    expect_ok(close_router(router, 0));
}
END_TEST

/* -------------------------------------------------------------------- lag */

START_TEST(a_late_standby_is_not_read)
{
    elpq_router_options o = { .max_lag_ms = (int)(500 * harness_slow()) };
    elpq_router *router = router_of(&o);
    int primary = settled(router);
    int late = (primary + 1) % 3, other = (primary + 2) % 3;
    elpq_conn *direct = connect_now(node_at(late), NULL);
    uint64_t before;

    write_table(router);
    ck_assert_int_eq(info(router, primary).lag_ms, -1);
    replayed(router);
    expect_ok(ask(direct, elpq_sql("select pg_wal_replay_pause()")));
    UNTIL(strcmp(text_of(direct, "select pg_get_wal_replay_pause_state()"),
                 "paused") == 0);
    expect_ok(ask_router(router, elpq_sql("insert into ticker values (1)"),
                         NULL));
    UNTIL(!info(router, late).current);
    checked_anew(router, primary);
    checked_anew(router, other);
    UNTIL(info(router, other).lag_bytes <= 0);
    ck_assert(info(router, late).up);
    ck_assert_int_gt(info(router, late).lag_bytes, 0);
    before = info(router, late).requests;
    for (int i = 0; i < 6; i++)
        expect_text(ask_router(router, READ("select n::text from ticker"),
                               NULL), "1");
    ck_assert_uint_eq(info(router, late).requests, before);
    UNTIL(events[ELPQ_ROUTER_LAGGING] >= 1);
    expect_ok(ask(direct, elpq_sql("select pg_wal_replay_resume()")));
    UNTIL(info(router, late).current && info(router, late).lag_bytes <= 0);
    close_conn(direct);
    expect_ok(close_router(router, 0));
}
END_TEST

START_TEST(lag_in_bytes)
{
    elpq_router_options o = { .max_lag_ms = -1,
                              .max_lag_bytes = 1024,
                              .check_period_ms = 50,
                              .never_read_primary = true };
    elpq_options hurry = { .timeout_ms = 200 };
    elpq_router *router = router_of(&o);
    int primary = settled(router);
    elpq_conn *a = connect_now(node_at((primary + 1) % 3), NULL);
    elpq_conn *b = connect_now(node_at((primary + 2) % 3), NULL);

    expect_ok(ask(a, elpq_sql("select pg_wal_replay_pause()")));
    expect_ok(ask(b, elpq_sql("select pg_wal_replay_pause()")));
    UNTIL(strcmp(text_of(a, "select pg_get_wal_replay_pause_state()"),
                 "paused") == 0 &&
          strcmp(text_of(b, "select pg_get_wal_replay_pause_state()"),
                 "paused") == 0);
    expect_ok(ask_router(router, elpq_sql("select pg_logical_emit_message("
                                          "true, '', repeat('x', 5000))"),
                         NULL));
    UNTIL(standbys(router) == 0);
    /* Nobody may read it: it waits, and its deadline passes. */
    expect_error(ask_router(router, READ("select 1"), &hurry), ELPQ_E_TIMEOUT,
                 "", ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(counts(router).timeouts, 1);
    expect_ok(ask(a, elpq_sql("select pg_wal_replay_resume()")));
    expect_ok(ask(b, elpq_sql("select pg_wal_replay_resume()")));
    expect_int(ask_router(router, READ("select 1"), NULL), 1);
    close_conn(a);
    close_conn(b);
    expect_ok(close_router(router, 0));
}
END_TEST

/* ---------------------------------------------------------- work goes on */

#define TICKS 100000
#define BOUND_MS 2000

/*
 * One chain writes 1, 2, 3 ..., four read the largest number.  A number that
 * was acknowledged longer ago than the bound must be seen, and every one that
 * was acknowledged must be there in the end.
 */
static struct load {
    elpq_router *router;
    bool stop;
    int running;
    int written;              /* submitted                                 */
    int64_t acked[TICKS];     /* when; 0: it was not                       */
    int oldest;               /* all up to this one are older than the bound */
    int reads;
    int doubts;
} load;

struct reader {
    int must_see;
};
static struct reader readers[4];

static void write_next(void);
static void read_next(struct reader *r);

/* The one error that work may see: what nobody can know. */
static void check_doubt(const elpq_error *error)
{
    ck_assert_msg(error->flags & ELPQ_IN_DOUBT, "%s %s: %s",
                  elpq_code_name(error->code), error->sqlstate,
                  error->message);
    load.doubts++;
}

static void on_written(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_int_eq(harness_depth, 0);
    load.running--;
    if (error)
        check_doubt(error);
    else
        load.acked[load.written] = now_usec();
    ck_assert(error || elpq_affected(result) == 1);
    write_next();
}

static void write_next(void)
{
    if (load.stop || load.written + 1 == TICKS)
        return;
    load.written++;
    load.running++;
    ck_assert_int_eq(CALL(elpq_execute(
        load.router, elpq_sql("insert into ticker values ($1)", load.written),
        NULL, on_written, NULL)), 0);
}

static void on_read(elpq_result *result, const elpq_error *error, void *arg)
{
    struct reader *r = arg;
    int n = 0;

    load.running--;
    load.reads++;
    if (error) {
        check_doubt(error);
    } else {
        ck_assert_int_eq(elpq_scan(result, 0, &n), 0);
        ck_assert_msg(n >= r->must_see, "read %d, not %d", n, r->must_see);
    }
    read_next(r);
}

static void read_next(struct reader *r)
{
    int64_t old = now_usec() - BOUND_MS * INT64_C(1000);

    if (load.stop)
        return;
    for (int n = load.oldest + 1; n <= load.written; n++) {
        if (load.acked[n] > old || (n == load.written && !load.acked[n]))
            break;
        if (load.acked[n])
            load.oldest = n;
    }
    r->must_see = load.oldest;
    load.running++;
    ck_assert_int_eq(CALL(elpq_execute(
        load.router, READ("select coalesce(max(n), 0)::int4 from ticker"),
        NULL, on_read, r)), 0);
}

static void start_load(elpq_router *router)
{
    memset(&load, 0, sizeof(load));
    load.router = router;
    write_table(router);
    replayed(router);
    write_next();
    for (int i = 0; i < 4; i++)
        read_next(&readers[i]);
    UNTIL(load.written > 20 && load.reads > 20);
}

/* All that was acknowledged is there, once. */
static void end_load(void)
{
    struct answer *a;
    size_t row = 0;

    load.stop = true;
    UNTIL(load.running == 0);
    a = expect_ok(ask_router(load.router,
                             elpq_sql("select n from ticker order by n"),
                             NULL));
    for (int n = 1; n <= load.written; n++) {
        int found = 0;

        if (row < elpq_rows(a->result))
            ck_assert_int_eq(elpq_scan(a->result, row, &found), 0);
        ck_assert_msg(found == n || !load.acked[n], "%d was lost", n);
        row += found == n;
    }
    ck_assert_uint_eq(row, elpq_rows(a->result));
}

static void write_more(int n)
{
    int goal = load.written + n;

    UNTIL(load.written >= goal);
}

static elpq_router *router_for_load(void)
{
    elpq_router_options o = { .max_lag_ms = BOUND_MS,
                              .check_period_ms = 100,
                              .pool.max_size = 3,
                              .pool.backoff_max_ms = 500 };

    return router_of(&o);
}

START_TEST(planned_switchover)
{
    elpq_router *router = router_for_load();
    int old = settled(router);
    int new = (old + 1) % 3, other = (old + 2) % 3;

    start_load(router);
    node("stop %d", old); /* the standbys got all that there was */
    node("promote %d", new);
    node("follow %d %d", other, new);
    UNTIL(counts(router).primary == new);
    write_more(20);
    node("rejoin %d %d", old, new);
    ck_assert_int_eq(settled(router), new);
    ck_assert_int_eq(info(router, old).role, ELPQ_ROLE_STANDBY);
    write_more(20);
    end_load();
    ck_assert_uint_eq(counts(router).primaries, 2);
    ck_assert_int_ge(events[ELPQ_ROUTER_NO_PRIMARY], 1);
    ck_assert_int_eq(events[ELPQ_ROUTER_PRIMARY], 2);
    expect_ok(close_router(router, ELPQ_NO_TIMEOUT));
}
END_TEST

START_TEST(a_killed_primary)
{
    elpq_router *router = router_for_load();
    elpq_options hurry = { .timeout_ms = 1 };
    struct answer *tx = answer_new(), *waiting;
    int old = settled(router);
    int new, other;

    start_load(router);
    ck_assert_int_eq(CALL(elpq_begin(router, NULL, on_tx, tx)), 0);
    expect_ok(tx);
    node("kill %d", old);
    UNTIL(!elpq_conn_is_open(elpq_tx_conn(tx->tx)));
    expect_ok(rollback(tx->tx));
    UNTIL(counts(router).primary < 0);
    /* Those that wait for a primary can be canceled, and run out of time. */
    expect_error(ask_router(router, elpq_sql("select 1"), &hurry),
                 ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    waiting = ask_router(router, elpq_sql("select 1"), NULL);
    run_turns(2);
    cancel(waiting);
    expect_error(waiting, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    new = atoi(node("best %d %d", (old + 1) % 3, (old + 2) % 3));
    other = 3 - old - new;
    node("promote %d", new);
    node("follow %d %d", other, new);
    UNTIL(counts(router).primary == new);
    write_more(20);
    node("rejoin %d %d", old, new);
    ck_assert_int_eq(settled(router), new);
    write_more(20);
    end_load();
    expect_ok(close_router(router, ELPQ_NO_TIMEOUT));
}
END_TEST

START_TEST(a_killed_standby)
{
    elpq_router *router = router_for_load();
    int primary = settled(router);
    int killed = (primary + 1) % 3;
    uint64_t before;

    start_load(router);
    node("kill %d", killed);
    UNTIL(!info(router, killed).up);
    ck_assert_int_eq(counts(router).primary, primary);
    write_more(20);
    before = info(router, killed).requests;
    node("start %d", killed);
    UNTIL(info(router, killed).current);
    UNTIL(info(router, killed).requests > before); /* it is read again */
    end_load();
    ck_assert_uint_eq(counts(router).primaries, 1);
    ck_assert_int_eq(events[ELPQ_ROUTER_NO_PRIMARY], 0);
    expect_ok(close_router(router, ELPQ_NO_TIMEOUT));
}
END_TEST

static void build(Suite *suite)
{
    TCase *tc;

    if (!nodes_possible())
        return;
    tc = harness_case(suite, "cluster", 60);
    tcase_add_unchecked_fixture(tc, cluster_up, nodes_down);
    tcase_add_test(tc, statements_go_where_they_belong);
    tcase_add_test(tc, streams_read_from_standbys);
    tcase_add_test(tc, the_least_busy_standby_reads);
    tcase_add_test(tc, the_nearest_standby_reads);
    tcase_add_test(tc, a_conflict_with_recovery_reads_on_the_primary);
    tcase_add_test(tc, a_late_standby_is_not_read);
    tcase_add_test(tc, lag_in_bytes);
    tcase_add_test(tc, planned_switchover);
    tcase_add_test(tc, a_killed_primary);
    tcase_add_test(tc, a_killed_standby);
}

int main(void)
{
    return harness_main("router", build);
}

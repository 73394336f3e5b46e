/* SPDX-License-Identifier: PostgreSQL */
/*
 * Bodies of elpq_transact() on a router: they live through the loss of their
 * primary, and only the host that a COMMIT was sent to says what became of it,
 * and only while it is the primary.
 *
 * The cluster is one for all tests, in the order in which they stand here.
 */
#include "routers.h"

static struct {
    elpq_transactor *t;
    struct answer *done;
    const char *sql;
    int bodies;
    int hosts[4]; /* that each attempt ran on: 1 for a standby         */
} job;

static void on_job_done(const elpq_error *error, void *arg)
{
    (void)arg;
    on_done(error, job.done);
}

static void on_work(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    (void)arg;
    if (error)
        ck_assert_int_eq(CALL(elpq_transact_rollback(job.t, error)), 0);
    else
        ck_assert_int_eq(CALL(elpq_transact_commit(job.t)), 0);
}

static void on_where(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    if (!error)
        job.hosts[job.bodies - 1] =
            strcmp(elpq_get_text(result, 0, 0), "true") == 0;
}

static void body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    ck_assert_int_eq(harness_depth, 0);
    ck_assert_int_lt(job.bodies, 4);
    job.t = t;
    job.bodies++;
    ck_assert_int_eq(
        CALL(elpq_execute(tx, elpq_sql(IN_RECOVERY), NULL, on_where, arg)), 0);
    ck_assert_int_eq(
        CALL(elpq_execute(tx, sql_text(job.sql), NULL, on_work, arg)), 0);
}

static struct answer *transact(elpq_router *router, const char *sql,
                               const elpq_transact_options *options)
{
    elpq_transact_options o = { .timeout_ms = scaled(60000) };

    if (options)
        o = *options;
    memset(&job, 0, sizeof(job));
    job.sql = sql;
    job.done = answer_new();
    ck_assert_int_eq(CALL(elpq_transact(router, &o, body, on_job_done, NULL)),
                     0);
    return job.done;
}

START_TEST(bodies_go_where_they_belong)
{
    elpq_router_options o = { .begin_on_standbys = true };
    elpq_transact_options read_only = { .tx.read_only = true };
    elpq_router *router = router_of(&o);

    settled(router);
    fill(router);
    replayed(router);
    expect_ok(transact(router, "insert into verbs values (1)", NULL));
    ck_assert_int_eq(job.hosts[0], 0);
    expect_ok(transact(router, "select 1", &read_only));
    ck_assert_int_eq(job.hosts[0], 1);
    /* It said that it only reads: that is no host's fault. */
    expect_error(transact(router, "delete from verbs", &read_only),
                 ELPQ_E_SERVER, "25006", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(job.bodies, 1);
    ck_assert_int_eq(rows_of(router), 1);
    expect_ok(close_router(router, 0));
}
END_TEST

START_TEST(a_body_runs_again_where_it_may_write)
{
    elpq_router *router = router_astray(2, 0);

    expect_ok(transact(router, "create table astray ()", NULL));
    ck_assert_int_eq(job.bodies, 3);
    ck_assert_int_eq(job.hosts[0] + job.hosts[1], 2);
    ck_assert_int_eq(job.hosts[2], 0);
    expect_ok(transact(router, "drop table astray", NULL));
    expect_ok(close_router(router, 0));
}
END_TEST

/* --------------------------------------------------------------- fail-over */

static elpq_router *hasty_router(void)
{
    elpq_router_options o = { .check_period_ms = 100,
                              .pool.backoff_max_ms = 200 };

    return router_of(&o);
}

/* The body waits in the server, whose process is killed; its successor. */
START_TEST(a_body_survives_the_loss_of_its_primary)
{
    elpq_router *router = hasty_router();
    int old = settled(router);
    elpq_conn *direct = connect_now(node_at(old), NULL);
    struct answer *done;
    char sql[200];
    int new;

    fill(router);
    snprintf(sql, sizeof(sql),
             "with x as (insert into verbs values (1) returning n) select"
             " pg_sleep(case when current_setting('port') = '500%d' then 60"
             " else 0 end) from x",
             old);
    done = transact(router, sql, NULL);
    UNTIL(strcmp(text_of(direct, SLEEPS), "t") == 0);
    close_conn(direct);
    node("kill %d", old);
    new = atoi(node("best %d %d", (old + 1) % 3, (old + 2) % 3));
    node("promote %d", new);
    node("follow %d %d", 3 - old - new, new);
    expect_ok(done);
    ck_assert_int_eq(job.bodies, 2);
    ck_assert_int_eq(rows_of(router), 1);
    node("rejoin %d %d", old, new);
    ck_assert_int_eq(settled(router), new);
    expect_ok(close_router(router, 0));
}
END_TEST

/*
 * COMMIT waits for a standby, and both are gone.  Returns a connection to the
 * primary.
 */
static elpq_conn *commit_hangs(elpq_router *router, int primary, int resolve_ms)
{
    elpq_transact_options o = { .timeout_ms = ELPQ_NO_TIMEOUT,
                                .resolve_ms = resolve_ms,
                                .wait_for_id = true };
    elpq_conn *direct = connect_now(node_at(primary), NULL);

    for (int n = 0; n < 3; n++)
        if (n != primary)
            node("stop %d", n);
    transact(router, "insert into verbs values (1)", &o);
    UNTIL(strcmp(text_of(direct, "select exists(select from pg_stat_activity"
                                 " where wait_event = 'SyncRep')"),
                 "t") == 0);
    return direct;
}

START_TEST(a_lost_commit_is_asked_about_on_its_host)
{
    elpq_router *router = hasty_router();
    int primary = settled(router);
    elpq_conn *direct;

    fill(router);
    direct = commit_hangs(router, primary, (int)(60000 * harness_slow()));
    expect_text(ask(direct, elpq_sql("select pg_terminate_backend(pid)::text"
                                     " from pg_stat_activity where"
                                     " wait_event = 'SyncRep'")),
                "true");
    for (int n = 1; n < 3; n++)
        node("start %d", (primary + n) % 3);
    expect_ok(job.done);
    close_conn(direct);
    ck_assert_int_eq(job.bodies, 1);
    ck_assert_int_eq(settled(router), primary);
    ck_assert_int_eq(rows_of(router), 1);
    expect_ok(close_router(router, 0));
}
END_TEST

/* The last test: it leaves the cluster without its first primary. */
START_TEST(a_lost_commit_stays_in_doubt)
{
    elpq_router *router = hasty_router();
    int old = settled(router);
    int new = (old + 1) % 3;
    elpq_conn *direct;

    fill(router);
    replayed(router); /* the new one as well */
    direct = commit_hangs(router, old, 2000);
    node("kill %d", old);
    close_conn(direct);
    node("start %d", new);
    node("promote %d", new);
    node("start %d", (old + 2) % 3);
    node("follow %d %d", (old + 2) % 3, new);
    await(job.done);
    ck_assert_uint_eq(job.done->flags & (ELPQ_IN_DOUBT | ELPQ_NOT_EXECUTED),
                      ELPQ_IN_DOUBT);
    ck_assert_int_eq(job.bodies, 1);
    /* The successor never had it, and there it did not run a second time. */
    UNTIL(counts(router).primary == new);
    ck_assert_int_eq(rows_of(router), 0);
    expect_ok(close_router(router, 0));
}
END_TEST

/*
 * The old primary sleeps, another one takes its place, and the old one comes
 * back and commits.  That counts for nobody: what it says of it is no answer.
 */
START_TEST(a_commit_on_a_former_primary_stays_in_doubt)
{
    elpq_router_options o = { .check_period_ms = 100,
                              .pool.backoff_max_ms = 200 };
    elpq_router *router;
    elpq_conn *direct;
    int old, new;

    o.check_timeout_ms = (int)(500 * harness_slow());
    router = router_of(&o);
    old = settled(router);
    new = (old + 1) % 3;
    fill(router);
    replayed(router); /* the new one as well */
    direct = commit_hangs(router, old, 600 * 1000); /* it is canceled */
    node("freeze %d", old);
    node("start %d", new);
    node("promote %d", new);
    UNTIL(counts(router).primary == new);
    node("thaw %d", old);
    UNTIL(info(router, old).up);
    expect_text(ask(direct, elpq_sql("select pg_terminate_backend(pid)::text"
                                     " from pg_stat_activity where"
                                     " wait_event = 'SyncRep'")),
                "true");
    UNTIL(strcmp(text_of(direct, "select count(*)::text from verbs"), "1") ==
          0);
    expect_ok(script(direct,
                     "set synchronous_commit = off; create temp table since"
                     " as select clock_timestamp() as it",
                     NULL));
    UNTIL(strcmp(text_of(direct, "select exists(select from pg_stat_activity,"
                                 " since where query ~ 'pg_xact_[s]tatus' and"
                                 " query_start > it and state = 'idle')"),
                 "t") == 0);
    run_turns(5);
    RUN(elpq_transact_cancel(job.t));
    await(job.done);
    ck_assert_uint_eq(job.done->flags & (ELPQ_IN_DOUBT | ELPQ_NOT_EXECUTED),
                      ELPQ_IN_DOUBT);
    ck_assert_int_eq(job.bodies, 1);
    close_conn(direct);
    node("kill %d", old); /* before the third one has it from there */
    node("start %d", (old + 2) % 3);
    node("follow %d %d", (old + 2) % 3, new);
    ck_assert_int_eq(rows_of(router), 0);
    expect_ok(close_router(router, 0));
    node("rejoin %d %d", old, new);
}
END_TEST

static void build(Suite *suite)
{
    TCase *tc;

    if (!nodes_possible())
        return;
    tc = harness_case(suite, "cluster", 120);
    tcase_add_unchecked_fixture(tc, cluster_up, nodes_down);
    tcase_add_test(tc, bodies_go_where_they_belong);
    tcase_add_test(tc, a_body_runs_again_where_it_may_write);
    tcase_add_test(tc, a_body_survives_the_loss_of_its_primary);
    tcase_add_test(tc, a_lost_commit_is_asked_about_on_its_host);
    tcase_add_test(tc, a_commit_on_a_former_primary_stays_in_doubt);
    tcase_add_test(tc, a_lost_commit_stays_in_doubt);
}

int main(void)
{
    return harness_main("router transact", build);
}

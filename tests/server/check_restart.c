/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a restart of the server leaves whole: a listener misses nothing without
 * a GAP, and a lost COMMIT is not taken for another transaction's.  On a server
 * of its own, since every session of it is ended.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

static struct {
    elpq_listener *l;
    int sent;      /* numbers 1 .. sent were committed                      */
    int last;      /* the highest number seen                               */
    bool gap;      /* since then                                            */
    int ups, downs, gaps;
    int violations;
} seq;

static void on_number(const elpq_notification *n, void *arg)
{
    int number = atoi(n->payload);

    (void)arg;
    seq.violations += number != seq.last + 1 && !seq.gap;
    ck_assert_int_gt(number, seq.last);
    seq.last = number;
    seq.gap = false;
}

static void on_listen_event(elpq_listener *l, const elpq_listen_event *event,
                            void *arg)
{
    (void)l;
    (void)arg;
    seq.ups += event->kind == ELPQ_LISTEN_UP;
    seq.downs += event->kind == ELPQ_LISTEN_DOWN;
    seq.gaps += event->kind == ELPQ_LISTEN_GAP;
    seq.gap = seq.gap || event->kind == ELPQ_LISTEN_GAP;
}

static void send_numbers(int n)
{
    while (n-- > 0)
        admin_do("select pg_notify('seq', '%d')", ++seq.sent);
}

START_TEST(every_number_comes_or_a_gap)
{
    elpq_listener_options o = { .backoff_min_ms = 1, .backoff_max_ms = 20 };
    struct answer *end = answer_new();
    int i;

    end->wanted = harness_is_private();
    if (!end->wanted)
        return;
    memset(&seq, 0, sizeof(seq));
    RUN(seq.l = elpq_listener_new(loop, NULL, &o, on_listen_event, NULL,
                                  NULL));
    ck_assert_int_eq(CALL(elpq_listen(seq.l, "seq", on_number, NULL)), 0);
    run_until(&seq.ups, 1);
    for (i = 1; i <= 2; i++) {
        send_numbers(10);
        restart_server();
        send_numbers(5);
        run_until(&seq.gaps, i);
        send_numbers(10);
        run_until(&seq.last, seq.sent);
        ck_assert_int_eq(seq.violations, 0);
        ck_assert_int_eq(seq.downs, i);
    }
    RUN(elpq_listener_close(seq.l, on_done, end));
    expect_ok(end);
}
END_TEST

/* ------------------------------------------------------------ lost COMMITs */

static void on_inserted(elpq_result *result, const elpq_error *error,
                        void *arg)
{
    (void)result;
    ck_assert_ptr_null(error);
    ck_assert_int_eq(CALL(elpq_transact_commit(arg)), 0);
}

static int bodies;

static void insert_one(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    (void)arg;
    bodies++;
    ck_assert_int_eq(
        CALL(elpq_execute(tx, elpq_sql("insert into lost_commit values (1)"),
                          NULL, on_inserted, t)), 0);
}

/* A backend is killed, and the postmaster begins again with new memory. */
static void crash_backend(void)
{
    elpq_conn *victim = connect_now(NULL, NULL);
    elpq_conn *witness = connect_now(NULL, NULL);

    ck_assert(signal_server(elpq_conn_pid(victim), SIGKILL));
    while (elpq_conn_is_open(witness))
        event_base_loop(loop, EVLOOP_ONCE);
    while (PQping("") != PQPING_OK)
        run_for_ms(20);
    close_conn(victim);
    close_conn(witness);
}

/*
 * The answer to COMMIT is held back while the server begins again.  It says
 * "committed" then, but a crash may have given the same id to another
 * transaction: that is no proof.
 */
START_TEST(after_a_crash_committed_is_no_proof)
{
    elpq_faultproxy_options po = { .upstream_port = atoi(server_port()) };
    elpq_transact_options o = { .wait_for_id = true };
    elpq_faultproxy *proxy;
    struct answer *done = answer_new();
    elpq_pool *pool;

    done->wanted = harness_is_private();
    if (!done->wanted)
        return;
    bodies = 0;
    admin_do("drop table if exists lost_commit");
    admin_do("create table lost_commit (n int)");
    admin_do("grant all on lost_commit to public");
    proxy = elpq_faultproxy_new(loop, &po);
    ck_assert_ptr_null(elpq_faultproxy_rule(
        proxy, "session 1 server pause at message 4 C"));
    pool = pool_at(loopback(elpq_faultproxy_port(proxy)), NULL);
    ck_assert_int_eq(
        CALL(elpq_transact(pool, &o, insert_one, on_done, done)), 0);
    await_server("select count(*) = 1 from lost_commit");
    if (_i == 0)
        restart_server();
    else
        crash_backend();
    ck_assert_int_eq(done->calls, 0);
    ck_assert_ptr_null(elpq_faultproxy_rule(proxy, "session 1 cut rst"));
    expect_error(done, ELPQ_E_LOST, "", ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    ck_assert_int_eq(bodies, 1);
    finish_pool(pool);
    elpq_faultproxy_free(proxy);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "listener", 40);

    tcase_add_test(t, every_number_comes_or_a_gap);
    t = harness_case(s, "lost commits", 40);
    tcase_add_loop_test(t, after_a_crash_committed_is_no_proof, 0, 2);
}

int main(int argc, char **argv)
{
    (void)argc;
    return harness_main_private("restart", build, argv);
}

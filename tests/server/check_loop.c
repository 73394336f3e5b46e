/* SPDX-License-Identifier: PostgreSQL */
/*
 * The loop never waits: the longest turn of the loop while connecting with
 * SCRAM and TLS, looking up names, canceling, and under load.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../support/harness.h"
#include "../support/harness_internal.h"

/* Also after a test that failed, whose own process ends there: this runs in
 * the one that goes on. */
static void restore_password(void)
{
    admin_do("alter role %s password '%s'",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    harness_close_admin();
}

static void teardown(void)
{
    harness_measure(false);
    harness_teardown();
}

static void start_measuring(void)
{
    harness_measure(true);
}

/* Turns the loop until n of the answers have come. */
static void measure_until(unsigned n)
{
    const int64_t end =
        now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    while (answers_come() < n) {
        ck_assert_msg(now_usec() < end, "%u of %u answers", answers_come(),
                      n);
        harness_turn(EVLOOP_ONCE);
    }
}

/* What a deed was too slow to see; else NULL. */
static const char *missed;

/* Does it, and measures the turns.  What else a machine does can make any turn
 * long, but hardly those of three times in a row. */
static void expect_short_turns(void (*deed)(void))
{
    int tries = 3;

    for (;;) {
        missed = NULL;
        deed();
        printf("longest of %d turns: %lld usec, processor %lld usec in sum\n",
               turn_costs.n, (long long)turn_costs.longest,
               (long long)turn_costs.cpu_sum);
        if ((!turn_costs.late && !missed) || !--tries)
            break;
        teardown();
        harness_setup();
    }
    harness_expect_turns("the loop");
    ck_assert_msg(!missed, "%s", missed);
}

/* ---------------------------------------------------------------- connects */

static const char *scram(const char *more)
{
    static char conninfo[1000];

    snprintf(conninfo, sizeof(conninfo),
             "host=%s port=%s user=%s password=%s %s",
             harness_env("ELPQ_TEST_HOST"), harness_env("ELPQ_TEST_PORT"),
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"), more);
    return conninfo;
}

static int64_t cpu_usec(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Processor time of all threads but this one. */
static int64_t helpers_usec(void)
{
    return cpu_usec(CLOCK_PROCESS_CPUTIME_ID) -
           cpu_usec(CLOCK_THREAD_CPUTIME_ID);
}

/* Hashing twenty passwords costs several times of what else a connect does:
 * on the loop's thread, it would show in the sum even if not in a turn. */
static void twenty_connects(const char *conninfo)
{
    const int64_t before = helpers_usec();
    struct answer *a[20];
    int64_t helped;
    int i;

    start_measuring();
    for (i = 0; i < 20; i++)
        a[i] = start_connect(conninfo, NULL);
    measure_until(20);
    helped = helpers_usec() - before;
    if (turn_costs.cpu_sum >= helped) /* or a server that kept it waiting */
        missed = "the loop was busier than the helper threads";
    for (i = 0; i < 20; i++) {
        expect_ok(a[i]);
        close_conn(a[i]->conn);
    }
}

static void with_scram(void)
{
    twenty_connects(scram("sslmode=disable"));
}

START_TEST(twenty_connects_with_scram)
{
    expect_short_turns(with_scram);
}
END_TEST

static void with_scram_and_tls(void)
{
    char more[300];

    snprintf(more, sizeof(more), "sslmode=verify-full sslrootcert='%s'",
             harness_env("ELPQ_TEST_CA"));
    twenty_connects(scram(more));
}

START_TEST(twenty_connects_with_scram_and_tls)
{
    expect_short_turns(with_scram_and_tls);
}
END_TEST

/* A server can ask for a million rounds, which take a second: in a build of
 * ours that is slow as well, since it is libpq that computes them. */
static void ask_for_a_million_rounds(void)
{
    admin_do("alter role %s password 'SCRAM-SHA-256$1000000:"
             "c2FsdHNhbHRzYWx0c2FsdA==$"
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='",
             harness_env("ELPQ_TEST_SCRAM_USER"));
}

static void do_a_hostile_server_does_not_hold_up_the_loop(void)
{
    elpq_conn *other = connect_now(NULL, NULL);
    elpq_conn_options o = { .connect_timeout_ms = 300 };
    struct answer *slow, *late, *pings[50];
    int i;

    ask_for_a_million_rounds();
    start_measuring();
    slow = start_connect(scram(""), NULL);
    late = start_connect(scram(""), &o);
    for (i = 0; i < 50; i++) {
        pings[i] = ask(other, elpq_sql("select $1", i));
        measure_until((unsigned)i + 2);
    }
    for (i = 0; i < 50; i++)
        expect_int(pings[i], i);
    if (slow->calls)
        missed = "the login is over before fifty pings";
    measure_until(53);
    ck_assert_int_eq(slow->code, ELPQ_E_CONNECT);
    ck_assert_str_eq(slow->sqlstate, "28P01");
    ck_assert_int_eq(late->code, ELPQ_E_TIMEOUT);
    if (late->answered - late->submitted > 300000 + scaled(500) * 1000)
        missed = "the deadline of a login came late";
    close_conn(other);
}

START_TEST(a_hostile_server_does_not_hold_up_the_loop)
{
    expect_short_turns(do_a_hostile_server_does_not_hold_up_the_loop);
}
END_TEST

/* The name lookup waits for nobody; a connection that is given up is. */
static void do_looking_up_a_name(void)
{
    struct answer *a = start_connect("host=no-such-host.invalid", NULL);
    struct answer *b = start_connect("host=no-such-host-2.invalid", NULL);

    start_measuring();
    close_conn(b->handle);
    measure_until(2);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    ck_assert_int_eq(b->code, ELPQ_E_CLOSED);
}

START_TEST(looking_up_a_name)
{
    expect_short_turns(do_looking_up_a_name);
}
END_TEST

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
    (void)sig;
    signals++;
}

/* A signal of the program's runs its handler on a thread of the program's:
 * while that one blocks it, it waits, however many helper threads there are. */
START_TEST(helper_threads_take_no_signals)
{
    sigset_t block, pending;
    int port;
    int fd = blackhole(&port);
    struct answer *a = start_connect(loopback(port), NULL);

    run_turns(5);
    signal(SIGUSR1, on_signal);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &block, NULL), 0);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    run_for_ms(20);
    sigpending(&pending);
    ck_assert_int_eq(signals, 0);
    ck_assert(sigismember(&pending, SIGUSR1));
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &block, NULL), 0);
    ck_assert_int_eq(signals, 1);
    signal(SIGUSR1, SIG_DFL);
    close_conn(a->handle);
    close(fd);
}
END_TEST

/* -------------------------------------------------------------- canceling */

/* Nobody takes the cancel request: the loop goes on, the grace period ends. */
static void do_canceling_while_the_server_accepts_nothing(void)
{
    elpq_conn_options c = { .cancel_grace_ms = 300 };
    elpq_conn *conn = connect_now(NULL, &c), *other = connect_now(NULL, NULL);
    const int pid = postmaster_pid();
    struct answer *a, *ping;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    if (pid > 1 && signal_server(pid, SIGSTOP)) {
        cancel(a);
        start_measuring();
        ping = ask(other, elpq_sql("select 1"));
        measure_until(4);
        signal_server(pid, SIGCONT);
        expect_int(ping, 1);
        expect_error(a, ELPQ_E_CANCELED, "", ELPQ_IN_DOUBT);
    } else {
        fprintf(stderr, "not permitted to stop the server: not tested\n");
    }
    unlock_server();
    close_conn(conn);
    close_conn(other);
}

START_TEST(canceling_while_the_server_accepts_nothing)
{
    expect_short_turns(do_canceling_while_the_server_accepts_nothing);
}
END_TEST

/* -------------------------------------------------------------------- load */

static void do_a_large_result_in_many_turns(void)
{
    elpq_conn *conn = connect_now(NULL, NULL), *other = connect_now(NULL, NULL);
    struct answer *large =
        ask(conn, elpq_sql("select g, repeat('x', 200) from"
                           " generate_series(1, 100000) g"));
    unsigned pings = 0;

    start_measuring();
    while (!large->calls) {
        const unsigned before = answers_come();

        ask(other, elpq_sql("select 1"));
        measure_until(before + 1);
        pings++;
    }
    if (pings <= 5)
        missed = "the result came in a few turns";
    ck_assert_uint_eq(elpq_rows(large->result), 100000);
    close_conn(conn);
    close_conn(other);
}

START_TEST(a_large_result_in_many_turns)
{
    expect_short_turns(do_a_large_result_in_many_turns);
}
END_TEST

static void do_a_burst_of_statements(void)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    start_measuring();
    for (i = 0; i < 5000; i++)
        ask(conn, elpq_sql("select $1", i));
    measure_until(5001);
    ck_assert_uint_eq(answers_with(0), 5001);
    close_conn(conn);
}

START_TEST(a_burst_of_statements)
{
    expect_short_turns(do_a_burst_of_statements);
}
END_TEST

/* Both sides have more to say than the socket holds: nobody may wait for the
 * other to read first. */
static void do_large_parameters_and_large_results_at_once(void)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const size_t size = 50000;
    char *text = malloc(size + 1);
    int i;

    memset(text, 'x', size);
    text[size] = '\0';
    start_measuring();
    for (i = 0; i < 200; i++)
        ask(conn, elpq_sql("select $1::text, $2::int", text, i));
    measure_until(201);
    ck_assert_uint_eq(answers_with(0), 201);
    free(text);
    close_conn(conn);
}

START_TEST(large_parameters_and_large_results_at_once)
{
    expect_short_turns(do_large_parameters_and_large_results_at_once);
}
END_TEST

static void do_a_flood_of_notices(void)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o), *other = connect_now(NULL, NULL);
    struct answer *flood =
        ask(conn, elpq_sql("do $$ begin for i in 1..20000 loop"
                           " raise notice 'notice %', i; end loop; end $$"));

    notice_count = 0;
    start_measuring();
    while (!flood->calls) {
        const unsigned before = answers_come();

        ask(other, elpq_sql("select 1"));
        measure_until(before + 1);
    }
    expect_ok(flood);
    ck_assert_int_eq(notice_count, 20000);
    ck_assert_str_eq(notice_last, "notice 20000");
    close_conn(conn);
    close_conn(other);
}

START_TEST(a_flood_of_notices)
{
    expect_short_turns(do_a_flood_of_notices);
}
END_TEST

/* -------------------------------------------------------------------- idle */

static void on_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(int *)arg = 1;
}

/* How often the loop wakes in a quarter of a second. */
static int wakes_when_idle(void)
{
    struct timeval tv = { 0, 250000 };
    int over = 0, n = 0;
    struct event *timer = evtimer_new(loop, on_over, &over);

    evtimer_add(timer, &tv);
    while (!over) {
        event_base_loop(loop, EVLOOP_ONCE);
        n++;
    }
    event_free(timer);
    return n;
}

START_TEST(an_idle_pool_sleeps)
{
    elpq_pool_options o = { .max_size = 5, .min_size = 5 };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = connect_now(NULL, NULL), *lost = connect_now(NULL, NULL);

    while (stats(pool).idle < 5)
        event_base_loop(loop, EVLOOP_ONCE);
    terminate(elpq_conn_pid(lost));
    while (elpq_conn_is_open(lost))
        event_base_loop(loop, EVLOOP_ONCE);
    run_turns(20);
    ck_assert_int_le(wakes_when_idle(), 5);
    close_conn(conn);
    close_conn(lost);
    finish_pool(pool);
}
END_TEST

/* Waiting for an answer, for a reconnect, for a lock: no spinning either. */
START_TEST(waiting_sleeps)
{
    elpq_pool_options o = { .max_size = 1, .backoff_min_ms = 200 };
    elpq_conn *conn = connect_now(NULL, NULL);
    char conninfo[100];
    elpq_pool *pool;

    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d",
             dead_port());
    RUN(pool = elpq_pool_new(loop, conninfo, &o, NULL));
    ask(pool, elpq_sql("select 1"));
    lock_server();
    ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    run_turns(20);
    ck_assert_int_le(wakes_when_idle(), 20);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

static TCase *loop_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, harness_setup, teardown);
    suite_add_tcase(s, t);
    return t;
}

static void build(Suite *s)
{
    TCase *t = loop_case(s, "connect");

    if (harness_env("ELPQ_TEST_SCRAM_USER")) {
        tcase_add_test(t, twenty_connects_with_scram);
        if (harness_env("ELPQ_TEST_CA"))
            tcase_add_test(t, twenty_connects_with_scram_and_tls);
        tcase_add_test(t, a_hostile_server_does_not_hold_up_the_loop);
        tcase_add_unchecked_fixture(t, NULL, restore_password);
    } else {
        printf("no ELPQ_TEST_SCRAM_USER: SCRAM is not measured\n");
    }
    tcase_add_test(t, looking_up_a_name);
    tcase_add_test(t, helper_threads_take_no_signals);
    t = loop_case(s, "cancel");
    if (harness_env("ELPQ_TEST_PGDATA"))
        tcase_add_test(t, canceling_while_the_server_accepts_nothing);
    t = loop_case(s, "load");
    tcase_add_test(t, a_large_result_in_many_turns);
    tcase_add_test(t, a_burst_of_statements);
    tcase_add_test(t, large_parameters_and_large_results_at_once);
    tcase_add_test(t, a_flood_of_notices);
    t = loop_case(s, "idle");
    tcase_add_test(t, an_idle_pool_sleeps);
    tcase_add_test(t, waiting_sleeps);
}

int main(void)
{
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    return harness_main("loop", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The fixture of the tests against a server: loop, answers, asking, waiting.
 */
#include "harness.h"

#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness_internal.h"

#define WATCHDOG_SECONDS 600 /* as long as the longest cases */

struct event_base *loop;
int harness_depth;
int harness_rc;

static struct answer *answers; /* the newest first */
static unsigned answers_seen;
static int fds_at_start;
static struct sigaction alarm_before;
static uint64_t random_state;
static uint64_t random_start;

/* --------------------------------------------------------------- programs */

double harness_slow(void)
{
    const char *s = harness_env("ELPQ_TEST_SLOW");
    double factor;

    if (!s)
        s = harness_env("CK_TIMEOUT_MULTIPLIER");
    factor = s ? strtod(s, NULL) : 1;
    return factor > 1 ? factor : 1;
}

size_t harness_allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return harness_slow() > 1 ? 0 : info.uordblks + info.hblkhd;
}

int scaled(int ms)
{
    return (int)(ms * harness_slow());
}

const char *harness_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

bool harness_own_server(void)
{
    return harness_env("ELPQ_TEST_SUPERUSER") != NULL;
}

int64_t now_usec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void random_seed(uint64_t seed)
{
    random_state = seed * 0x9E3779B97F4A7C15u + 1;
}

/* xorshift64*: the same numbers on every machine. */
uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545F4914F6CDD1Du) >> 33) % limit;
}

TCase *harness_case(Suite *suite, const char *name, double seconds)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, seconds > 0 ? seconds : 20);
    tcase_add_checked_fixture(tc, harness_setup, harness_teardown);
    suite_add_tcase(suite, tc);
    return tc;
}

int harness_main(const char *name, void (*build)(Suite *suite))
{
    const char *seed = harness_env("ELPQ_TEST_SEED");
    Suite *suite = suite_create(name);
    SRunner *runner;
    bool well;

    setvbuf(stdout, NULL, _IOLBF, 0);
    random_start = seed ? strtoull(seed, NULL, 0) : 20240229;
    printf("seed %llu (ELPQ_TEST_SEED)\n", (unsigned long long)random_start);
    build(suite);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    well = srunner_ntests_failed(runner) == 0;
    srunner_free(runner);
    well &= harness_left_nothing();
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---------------------------------------------------------------- fixture */

static void on_alarm(int sig)
{
    static const char text[] = "the watchdog ended a test that hung\n";
    ssize_t ignored = write(2, text, sizeof(text) - 1);

    (void)sig;
    (void)ignored;
    _exit(70);
}

/* Check multiplies the times of its cases by a factor of its own. */
static unsigned watchdog_seconds(void)
{
    const char *s = harness_env("CK_TIMEOUT_MULTIPLIER");
    double check = s ? strtod(s, NULL) : 1, slow = harness_slow();

    return (unsigned)(WATCHDOG_SECONDS * (check > slow ? check : slow));
}

/* Check ends what hangs by the same signal, in the process of all tests; where
 * this runs there, it must find its own handler again. */
static void watchdog_start(void)
{
    const struct sigaction a = { .sa_handler = on_alarm };

    sigaction(SIGALRM, &a, &alarm_before);
    alarm(watchdog_seconds());
}

static void watchdog_stop(void)
{
    alarm(0);
    sigaction(SIGALRM, &alarm_before, NULL);
}

void harness_setup(void)
{
    harness_resume_stopped(); /* what a failed test left, with CK_FORK=no */
    harness_close_admin();
    harness_close_dead();
    watchdog_start();
    random_seed(random_start);
    fds_at_start = open_fds();
    loop = event_base_new();
    ck_assert_ptr_nonnull(loop);
    answers = NULL;
    answers_seen = 0;
    harness_depth = 0;
    harness_reset_traces();
}

static int events_left(void)
{
    return event_base_get_num_events(loop, EVENT_BASE_COUNT_ADDED |
                                               EVENT_BASE_COUNT_ACTIVE);
}

static bool all_closed(void)
{
    return events_left() == 0;
}

static bool fds_are_back(void)
{
    return open_fds() <= fds_at_start;
}

/* Turns the loop, without waiting in it, until `done`. */
static bool turn_until(bool (*done)(void))
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    while (!done()) {
        const struct timespec pause = { 0, 500000 };

        if (now_usec() > end)
            return false;
        if (loop)
            harness_turn(EVLOOP_ONCE | EVLOOP_NONBLOCK);
        nanosleep(&pause, NULL);
    }
    return true;
}

static void answer_free(struct answer *a)
{
    elpq_error_free(a->error);
    elpq_result_unref(a->result);
    free(a);
}

/* Exactly once: also after everything was closed and the loop ran dry. */
void settle_answers(void)
{
    struct answer *a;

    while ((a = answers)) {
        ck_assert_msg(a->calls == a->wanted,
                      "%d callbacks where %d must come (code %d, %s)",
                      a->calls, a->wanted, a->code,
                      a->error ? a->error->message : "no error");
        answers = a->next;
        answer_free(a);
    }
}

void harness_teardown(void)
{
    harness_resume_stopped();
    ck_assert_msg(turn_until(all_closed),
                  "%d events are left in the loop after the test",
                  events_left());
    settle_answers();
    harness_close_admin();
    harness_close_dead();
    event_base_free(loop);
    loop = NULL;
    ck_assert_msg(turn_until(fds_are_back), "%d file descriptors, were %d",
                  open_fds(), fds_at_start);
    watchdog_stop();
}

/* --------------------------------------------------------------- callbacks */

static void note_error(struct answer *a, const elpq_error *error)
{
    a->error = elpq_error_dup(error);
    ck_assert_ptr_nonnull(a->error);
    a->code = error->code;
    a->flags = error->flags;
    a->sqlstate = a->error->sqlstate;
    ck_assert_int_lt(a->code, 0);
    ck_assert_ptr_nonnull(error->message);
    ck_assert_str_ne(error->message, "");
}

/* What every callback does first. */
static void arrive(struct answer *a, const elpq_error *error)
{
    ck_assert_msg(harness_depth == 0, "a callback came inside a call");
    a->calls++;
    ck_assert_msg(a->calls == 1, "a callback came %d times", a->calls);
    a->request = NULL;
    a->order = ++answers_seen;
    a->answered = now_usec();
    if (error)
        note_error(a, error);
}

static void then(struct answer *a)
{
    if (a->then)
        a->then(a);
}

void on_result(elpq_result *result, const elpq_error *error, void *arg)
{
    struct answer *a = arg;

    ck_assert_msg(!result != !error, "a result and an error, or neither");
    arrive(a, error);
    a->result = result ? elpq_result_ref(result) : NULL;
    then(a);
}

void on_conn(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct answer *a = arg;

    ck_assert_msg(!conn != !error, "a connection and an error, or neither");
    arrive(a, error);
    a->conn = conn;
    then(a);
}

void on_tx(elpq_tx *tx, const elpq_error *error, void *arg)
{
    struct answer *a = arg;

    ck_assert_msg(!tx != !error, "a transaction and an error, or neither");
    arrive(a, error);
    a->tx = tx;
    then(a);
}

void on_done(const elpq_error *error, void *arg)
{
    struct answer *a = arg;

    arrive(a, error);
    then(a);
}

void on_each(elpq_result *result, void *arg)
{
    struct answer *a = arg;
    size_t used = strlen(a->commands);

    ck_assert_msg(harness_depth == 0, "a callback came inside a call");
    ck_assert_msg(a->calls == 0, "a result of a script came after its end");
    ck_assert_ptr_nonnull(result);
    a->results++;
    snprintf(a->commands + used, sizeof(a->commands) - used, "%s%s",
             used ? ";" : "", elpq_command(result));
    elpq_result_unref(a->result);
    a->result = elpq_result_ref(result);
    if (a->each)
        a->each(a);
}

/* ----------------------------------------------------------------- asking */

struct answer *answer_new(void)
{
    struct answer *a = calloc(1, sizeof(*a));

    ck_assert_ptr_nonnull(a);
    a->wanted = 1;
    a->submitted = now_usec();
    a->next = answers;
    answers = a;
    return a;
}

static elpq_options with_request(const elpq_options *options, struct answer *a)
{
    elpq_options o = { 0 };

    if (options)
        o = *options;
    o.request = &a->request;
    return o;
}

static struct answer *accepted(struct answer *a, int rc)
{
    ck_assert_msg(rc == 0, "refused: %s", elpq_code_name(rc));
    ck_assert_msg(a->calls == 0, "a callback came before the call returned");
    return a;
}

#define SUBMIT(call)                                                          \
    struct answer *a = answer_new();                                          \
    elpq_options o = with_request(options, a);                                \
    return accepted(a, CALL(call))

struct answer *ask_conn(elpq_conn *conn, const elpq_statement *st,
                        const elpq_options *options)
{
    SUBMIT(elpq_conn_execute(conn, st, &o, on_result, a));
}

struct answer *ask_pool(elpq_pool *pool, const elpq_statement *st,
                        const elpq_options *options)
{
    SUBMIT(elpq_pool_execute(pool, st, &o, on_result, a));
}

struct answer *ask_tx(elpq_tx *tx, const elpq_statement *st,
                      const elpq_options *options)
{
    SUBMIT(elpq_tx_execute(tx, st, &o, on_result, a));
}

struct answer *script_conn(elpq_conn *conn, const char *sql,
                           const elpq_options *options)
{
    SUBMIT(elpq_conn_script_trusted(conn, sql, &o, on_each, on_done, a));
}

struct answer *script_pool(elpq_pool *pool, const char *sql,
                           const elpq_options *options)
{
    SUBMIT(elpq_pool_script_trusted(pool, sql, &o, on_each, on_done, a));
}

struct answer *acquire(elpq_pool *pool, const elpq_options *options)
{
    SUBMIT(elpq_pool_acquire(pool, &o, on_conn, a));
}

struct answer *begin_conn(elpq_conn *conn, const elpq_tx_options *options)
{
    struct answer *a = answer_new();

    return accepted(a, CALL(elpq_conn_begin(conn, options, on_tx, a)));
}

struct answer *begin_pool(elpq_pool *pool, const elpq_tx_options *options)
{
    struct answer *a = answer_new();

    return accepted(a, CALL(elpq_pool_begin(pool, options, on_tx, a)));
}

struct answer *commit(elpq_tx *tx)
{
    struct answer *a = answer_new();

    return accepted(a, CALL(elpq_commit(tx, on_done, a)));
}

struct answer *rollback(elpq_tx *tx)
{
    struct answer *a = answer_new();

    return accepted(a, CALL(elpq_rollback(tx, on_done, a)));
}

struct answer *savepoint(elpq_tx *tx)
{
    struct answer *a = answer_new();

    return accepted(a, CALL(elpq_savepoint(tx, on_tx, a)));
}

struct answer *start_connect(const char *conninfo,
                             const elpq_conn_options *options)
{
    struct answer *a = answer_new();
    elpq_error *error = NULL;

    RUN(a->handle = elpq_connect(loop, conninfo, options, on_conn, a, &error));
    ck_assert_msg(a->handle, "refused: %s", error ? error->message : "why?");
    ck_assert_ptr_null(error);
    ck_assert_int_eq(a->calls, 0);
    return a;
}

struct answer *close_pool(elpq_pool *pool, int drain_ms)
{
    struct answer *a = answer_new();

    RUN(elpq_pool_close(pool, drain_ms, on_done, a));
    return a;
}

void close_conn(elpq_conn *conn)
{
    RUN(elpq_conn_close(conn));
}

void release(elpq_conn *conn)
{
    RUN(elpq_conn_release(conn));
}

void cancel(struct answer *a)
{
    ck_assert_msg(a->calls == 0, "canceled too late: it was answered");
    ck_assert_ptr_nonnull(a->request);
    RUN(elpq_cancel(a->request));
}

/* A ring of four, so that a line may use a few. */
static char *text_slot(size_t *size)
{
    static char slots[4][20000];
    static unsigned next;

    *size = sizeof(slots[0]);
    return slots[next++ % 4];
}

const elpq_statement *sql_text(const char *sql)
{
    static elpq_statement slots[4];
    static unsigned next;
    elpq_statement *st = &slots[next++ % 4];

    *st = elpq_sql_from_trusted_string(sql, NULL, 0);
    return st;
}

const elpq_statement *sql_format(const char *format, ...)
{
    size_t size;
    char *text = text_slot(&size);
    va_list args;

    va_start(args, format);
    vsnprintf(text, size, format, args);
    va_end(args);
    return sql_text(text);
}

/* ---------------------------------------------------------------- waiting */

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

void run_until(const int *counter, int n)
{
    bool late = false;
    double seconds = WAIT_SECONDS * harness_slow();
    struct timeval tv = { (time_t)seconds, 0 };
    struct event *deadline = evtimer_new(loop, on_deadline, &late);

    evtimer_add(deadline, &tv);
    while (*counter < n && !late)
        harness_turn(EVLOOP_ONCE);
    event_free(deadline);
    ck_assert_msg(*counter >= n, "%d of %d after %.0f seconds", *counter, n,
                  seconds);
}

struct answer *await(struct answer *a)
{
    run_until(&a->calls, 1);
    return a;
}

void await_all(void)
{
    struct answer *a;

    for (a = answers; a; a = a->next)
        if (a->wanted > 0)
            await(a);
}

void run_turns(int n)
{
    while (n-- > 0)
        harness_turn(EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

void run_for_ms(int ms)
{
    bool over = false;
    struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
    struct event *timer = evtimer_new(loop, on_deadline, &over);

    evtimer_add(timer, &tv);
    while (!over)
        harness_turn(EVLOOP_ONCE);
    event_free(timer);
}

void hold_loop_until(int64_t usec)
{
    int64_t left;

    while ((left = usec - now_usec()) > 0) {
        const struct timespec pause = { left / 1000000, left % 1000000 * 1000 };

        nanosleep(&pause, NULL);
    }
}

unsigned answers_come(void)
{
    return answers_seen;
}

unsigned answers_with(int code)
{
    const struct answer *a;
    unsigned n = 0;

    for (a = answers; a; a = a->next)
        n += a->calls > 0 && a->code == code;
    return n;
}

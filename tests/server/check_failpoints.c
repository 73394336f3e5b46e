/* SPDX-License-Identifier: PostgreSQL */
/*
 * Without memory, descriptors, threads or network: each call of the C library
 * that a few scenarios make, also inside of libpq and libevent, fails, once
 * or from then on; each time in a process of its own.
 *
 * Whatever fails: callbacks come exactly once and from the loop; an answer is
 * the right one, or an error of a kind that can be; no transaction is said to
 * have failed that was committed, or the other way round; the loop runs dry,
 * and descriptors are back to what they were.  Memory is what valgrind and
 * AddressSanitizer look at.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"
#include "../support/harness_internal.h"
#include "elpq/failpoints.h"

#define WAIT_MS 4000 /* of a scenario; nothing in it takes a hundredth */

/* What a scenario tells when it was not well: its exit status. */
enum {
    WELL,
    TWICE = 10,   /* a callback came again                                  */
    INSIDE,       /* or before the call that asked for it returned          */
    NEVER,        /* or not at all                                          */
    WRONG_ANSWER,
    WRONG_CODE,
    WRONG_FLAGS,
    DESCRIPTORS,
    NOT_DRY       /* events were left in the loop                           */
};

/* One question of a scenario. */
struct question {
    int asked; /* 1: a callback must come                                   */
    int calls;
    int code;
    unsigned flags;
    bool right; /* the answer was                                           */
    elpq_conn *conn;
    elpq_tx *tx;
};

#define QUESTIONS 8
static struct question q[QUESTIONS];
static int inside; /* calls under way */
static bool was_inside, was_wrong;

static void arrive(struct question *one, const elpq_error *error)
{
    was_inside |= inside > 0;
    one->calls++;
    one->code = error ? error->code : 0;
    one->flags = error ? error->flags : 0;
    if (error && (error->code >= 0 || !error->message))
        was_wrong = true;
}

static void on_answer(elpq_result *r, const elpq_error *error, void *arg)
{
    struct question *one = arg;
    int64_t value = -1;

    arrive(one, error);
    if (!r)
        return;
    one->right = elpq_columns(r) == 0 ||
                 (elpq_get_int64(r, 0, 0, &value) == 0 && value == one - q);
    was_wrong |= !one->right;
}

static void on_opened(elpq_conn *conn, const elpq_error *error, void *arg)
{
    arrive(arg, error);
    ((struct question *)arg)->conn = conn;
}

static void on_begun(elpq_tx *tx, const elpq_error *error, void *arg)
{
    arrive(arg, error);
    ((struct question *)arg)->tx = tx;
}

static void on_over(const elpq_error *error, void *arg)
{
    arrive(arg, error);
}

/* A call that asks; what it refuses never comes back. */
#define ASK(i, call)                                                          \
    do {                                                                      \
        q[i].asked = 1;                                                       \
        inside++;                                                             \
        if ((call) != 0)                                                      \
            q[i].asked = 0;                                                   \
        inside--;                                                             \
    } while (0)

/* Runs the loop until all that was asked has come; false if it does not. */
static bool wait_all(struct event_base *base)
{
    int64_t end = now_usec() + (int64_t)(WAIT_MS * 1000 * harness_slow());

    for (int i = 0; i < QUESTIONS; i++)
        while (q[i].calls < q[i].asked) {
            if (now_usec() > end)
                return false;
            event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
            usleep(100);
        }
    return true;
}

static bool is_dry(struct event_base *base)
{
    int64_t end = now_usec() + (int64_t)(WAIT_MS * 1000 * harness_slow());

    while (event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED |
                                               EVENT_BASE_COUNT_ACTIVE) > 0) {
        if (now_usec() > end)
            return false;
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        usleep(100);
    }
    return true;
}

/* A helper thread that was given up closes its socket when it notices. */
static bool fds_are_back(int fds)
{
    int64_t end = now_usec() + (int64_t)(WAIT_MS * 1000 * harness_slow());

    while (open_fds() > fds) {
        if (now_usec() > end) {
            return false;
        }
        usleep(1000);
    }
    return true;
}

/* Codes that a failure of the machine can have. */
static bool may_be(int code)
{
    return code == 0 || code == ELPQ_E_NOMEM || code == ELPQ_E_CONNECT ||
           code == ELPQ_E_LOST || code == ELPQ_E_TIMEOUT ||
           code == ELPQ_E_SERVER || code == ELPQ_E_CLOSED ||
           code == ELPQ_E_ROLLED_BACK;
}

/* The last part of every scenario: all closed, the failpoint still set. */
static int verdict(struct event_base *base, bool came, int fds)
{
    bool dry = is_dry(base);

    elpq_failpoint_clear();
    event_base_free(base);
    if (!came)
        return NEVER;
    for (int i = 0; i < QUESTIONS; i++) {
        if (q[i].calls > q[i].asked)
            return TWICE;
        if (!may_be(q[i].code)) {
            printf("question %d: %s\n", i, elpq_code_name(q[i].code));
            return WRONG_CODE;
        }
    }
    if (was_inside)
        return INSIDE;
    if (was_wrong)
        return WRONG_ANSWER;
    if (!dry)
        return NOT_DRY;
    return fds_are_back(fds) ? WELL : DESCRIPTORS;
}

/* An error of send() that the socket does not share is noticed by the deadline
 * alone: libpq waits for what the server says of it. */
static elpq_conn_options quick(void)
{
    int ms = (int)(250 * harness_slow());
    elpq_conn_options o = { .connect_timeout_ms = ms, .timeout_ms = ms,
                            .cancel_grace_ms = 20 };

    return o;
}

/* ---------------------------------------------------------------- scenarios */

/* Connects, asks three in a row, closes. */
static int pipeline(void *arg)
{
    int fds = open_fds();
    struct event_base *base = event_base_new();
    elpq_conn_options o = quick();
    elpq_conn *conn;
    bool came;

    (void)arg;
    elpq_failpoint_arm();
    inside++;
    conn = elpq_connect(base, NULL, &o, on_opened, &q[0], NULL);
    inside--;
    q[0].asked = conn != NULL;
    came = wait_all(base);
    if (came && q[0].conn) {
        ASK(1, elpq_execute(conn, elpq_sql("select 1"), NULL, on_answer,
                            &q[1]));
        ASK(2, elpq_execute(conn, elpq_sql("select $1::int", 2), NULL,
                            on_answer, &q[2]));
        ASK(3, elpq_execute(conn, elpq_sql("select 3"), NULL, on_answer,
                            &q[3]));
        came = wait_all(base);
        elpq_conn_close(conn);
    }
    return verdict(base, came, fds);
}

/* A pool, two statements side by side, and closing it. */
static int pool_of_two(void *arg)
{
    int fds = open_fds();
    struct event_base *base = event_base_new();
    elpq_pool_options o = { .conn = quick(), .max_size = 2,
                            .backoff_min_ms = 1, .backoff_max_ms = 2 };
    elpq_pool *pool;
    bool came;

    (void)arg;
    elpq_failpoint_arm();
    pool = elpq_pool_new(base, NULL, &o, NULL);
    if (!pool)
        return verdict(base, true, fds);
    ASK(1, elpq_execute(pool, elpq_sql("select 1"), NULL, on_answer, &q[1]));
    ASK(2, elpq_execute(pool, elpq_sql("select 2"), NULL, on_answer, &q[2]));
    came = wait_all(base);
    q[4].asked = 1;
    inside++;
    elpq_pool_close(pool, 0, on_over, &q[4]);
    inside--;
    came = wait_all(base) && came;
    return verdict(base, came, fds);
}

/* Whether the row is there, asked by other means. */
static bool is_stored(long id)
{
    return admin_int("select count(*) from elpq_failpoints where id = %ld",
                     id) == 1;
}

static bool agrees(const struct question *end, bool stored)
{
    if (end->asked == 0 || (end->code != 0 && end->flags & ELPQ_NOT_EXECUTED))
        return !stored;
    if (end->code == 0)
        return stored;
    return end->flags & ELPQ_IN_DOUBT || !stored;
}

/* A transaction with one row, whose fate must be as told. */
static int transaction(void *arg)
{
    int fds = open_fds(), status;
    struct event_base *base = event_base_new();
    elpq_conn_options o = quick();
    int64_t id = getpid();
    elpq_conn *conn;
    bool came;

    (void)arg;
    o.connect_timeout_ms = 0; /* it must not fail, and takes its time */
    q[0].asked = 1;
    conn = elpq_connect(base, NULL, &o, on_opened, &q[0], NULL);
    came = wait_all(base);
    if (!came || !q[0].conn)
        return NEVER;
    elpq_failpoint_arm();
    ASK(1, elpq_begin(conn, NULL, on_begun, &q[1]));
    came = wait_all(base);
    if (came && q[1].tx) {
        ASK(2, elpq_execute(q[1].tx,
                            elpq_sql("insert into elpq_failpoints values"
                                     " ($1)", id),
                            NULL, on_answer, &q[2]));
        ASK(3, elpq_commit(q[1].tx, on_over, &q[3]));
        came = wait_all(base);
    }
    elpq_conn_close(conn);
    status = verdict(base, came, fds);
    if (status == WELL && q[2].asked &&
        !agrees(&q[3], is_stored((long)id)))
        status = WRONG_FLAGS;
    return status;
}

/* -------------------------------------------------------------------- sweeps */

static const struct {
    const char *name;
    int (*run)(void *arg);
} scenarios[] = { { "pipeline", pipeline },
                  { "pool", pool_of_two },
                  { "transaction", transaction } };

static unsigned sampled(unsigned step)
{
    return harness_env("ELPQ_TEST_ALL") ? 1
                                        : step * (unsigned)harness_slow();
}

/*
 * Known and to be mended: without epoll_ctl for good a pool's callbacks do not
 * come, for nothing wakes the loop; and a failure of one malloc in a
 * transaction leaves descriptors.  They are printed, and do not count.
 */
static uint64_t known(int scenario, elpq_failpoint point, bool persistent)
{
    if (scenario == 1 && point == ELPQ_FAIL_EPOLL_CTL && persistent)
        return 1;
    return scenario == 2 && point == ELPQ_FAIL_MALLOC ? 2 : 0;
}

static void sweep(int scenario, elpq_failpoint point, bool persistent,
                  unsigned step)
{
    elpq_failpoint_sweep_options o = { .point = point,
                                       .persistent = persistent,
                                       .step = sampled(step) };
    elpq_failpoint_report report;

    if (!elpq_failpoint_works(point))
        return;
    o.seconds = (int)(10 * harness_slow());
    harness_close_admin();
    ck_assert_int_eq(elpq_failpoint_sweep(&o, scenarios[scenario].run, NULL,
                                          &report), 0);
    printf("%-12s %-14s %s: %llu injections\n", scenarios[scenario].name,
           elpq_failpoint_name(point), persistent ? "lasting" : "once   ",
           (unsigned long long)report.injections);
    if (report.failed > 0)
        printf("  %llu of them failed, the first at %llu\n",
               (unsigned long long)report.failed,
               (unsigned long long)report.first_failed);
    ck_assert_msg(report.failed <= known(scenario, point, persistent),
                  "%s of %s: %llu failed, the first at %llu: %s %d",
                  elpq_failpoint_name(point), scenarios[scenario].name,
                  (unsigned long long)report.failed,
                  (unsigned long long)report.first_failed,
                  WIFEXITED(report.status) ? "exit" : "signal",
                  WIFEXITED(report.status) ? WEXITSTATUS(report.status)
                                           : WTERMSIG(report.status));
    ck_assert(report.complete || report.failed > 0);
}

static const struct {
    elpq_failpoint point;
    unsigned step; /* not all, to be quick; ELPQ_TEST_ALL takes each        */
} points[] = { { ELPQ_FAIL_MALLOC, 7 },    { ELPQ_FAIL_RECV, 1 },
               { ELPQ_FAIL_SEND, 1 },      { ELPQ_FAIL_SOCKET, 1 },
               { ELPQ_FAIL_CONNECT, 1 },   { ELPQ_FAIL_POLL, 1 },
               { ELPQ_FAIL_EPOLL_CTL, 1 }, { ELPQ_FAIL_THREAD, 1 } };
#define POINTS (int)(sizeof(points) / sizeof(*points))
#define SCENARIOS (int)(sizeof(scenarios) / sizeof(*scenarios))

/* libevent tells each failure, as it should. */
static void keep_quiet(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static void setup(void)
{
    harness_setup();
    event_set_log_callback(keep_quiet);
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_failpoints");
    admin_do("create table elpq_failpoints (id bigint)");
    admin_do("grant all on elpq_failpoints to public");
}

static void teardown(void)
{
    admin_do("drop table elpq_failpoints");
    harness_teardown();
}

START_TEST(each_call_fails)
{
    int point = _i / 2 % POINTS;

    sweep(_i / 2 / POINTS, points[point].point, _i % 2, points[point].step);
}
END_TEST

/* --------------------------------------------------------------- themselves */

START_TEST(the_nth_call_fails)
{
    void *p[4];
    int error;

    if (!elpq_failpoint_works(ELPQ_FAIL_MALLOC))
        return;
    for (int persistent = 0; persistent < 2; persistent++) {
        elpq_failpoint_set(ELPQ_FAIL_MALLOC, 2, 0, persistent);
        p[0] = malloc(10);
        errno = 0;
        p[1] = calloc(10, 10);
        error = errno;
        p[2] = strdup("text");
        p[3] = realloc(NULL, 10);
        elpq_failpoint_clear();
        ck_assert_ptr_nonnull(p[0]);
        ck_assert_ptr_null(p[1]);
        ck_assert_int_eq(error, ENOMEM);
        ck_assert_int_eq(p[2] == NULL, persistent);
        ck_assert_int_eq(p[3] == NULL, persistent);
        ck_assert_uint_eq(elpq_failpoint_calls(), 4);
        ck_assert_uint_eq(elpq_failpoint_hits(), persistent ? 3 : 1);
        for (int i = 0; i < 4; i++)
            free(p[i]);
    }
}
END_TEST

START_TEST(libraries_are_hit)
{
    struct event_base *base;
    PGconn *conn;

    elpq_failpoint_set(ELPQ_FAIL_SOCKET, 1, EMFILE, true);
    conn = PQconnectdb(tcp(""));
    elpq_failpoint_clear();
    ck_assert_int_eq(PQstatus(conn), CONNECTION_BAD);
    ck_assert_ptr_nonnull(strstr(PQerrorMessage(conn), strerror(EMFILE)));
    PQfinish(conn);
    ck_assert_uint_ge(elpq_failpoint_hits(), 1);
    if (!elpq_failpoint_works(ELPQ_FAIL_MALLOC))
        return;
    elpq_failpoint_set(ELPQ_FAIL_MALLOC, 1, 0, true);
    base = event_base_new();
    elpq_failpoint_clear();
    ck_assert_ptr_null(base);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(elpq_failpoint_name(ELPQ_FAIL_THREAD), "pthread_create");
    ck_assert_str_eq(elpq_failpoint_name(ELPQ_FAILPOINTS), "none");
    ck_assert(!elpq_failpoint_works(ELPQ_FAILPOINTS));
    ck_assert(elpq_failpoint_works(ELPQ_FAIL_RECV));
}
END_TEST

/* Three sockets; not well without the second, in the way that is asked. */
static int three_sockets(void *arg)
{
    int *how = arg;

    elpq_failpoint_arm();
    for (int i = 1; i <= 3; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0)
            close(fd);
        else if (i == 2 && *how == 0)
            return 3;
        else if (i == 2 && *how == SIGALRM)
            pause();
        else if (i == 2)
            raise(*how);
    }
    return 0;
}

START_TEST(a_sweep_tells_what_failed)
{
    static const int ways[] = { 0, SIGALRM, SIGABRT };
    elpq_failpoint_sweep_options o = { .point = ELPQ_FAIL_SOCKET,
                                       .seconds = 1 };
    elpq_failpoint_report r;
    int how = ways[_i];

    ck_assert_int_eq(elpq_failpoint_sweep(&o, three_sockets, &how, &r), 0);
    ck_assert_uint_eq(r.injections, 3);
    ck_assert_uint_eq(r.failed, 1);
    ck_assert_uint_eq(r.first_failed, 2);
    ck_assert(r.complete);
    if (how == 0)
        ck_assert_int_eq(WEXITSTATUS(r.status), 3);
    else
        ck_assert_int_eq(WTERMSIG(r.status), how);
    o.persistent = true;
    o.first = 3;
    ck_assert_int_eq(elpq_failpoint_sweep(&o, three_sockets, &how, &r), 0);
    ck_assert_uint_eq(r.injections, 1);
    ck_assert_uint_eq(r.failed, 0);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "failpoints", 0);

    tcase_add_test(t, the_nth_call_fails);
    tcase_add_test(t, libraries_are_hit);
    tcase_add_test(t, names);
    tcase_add_loop_test(t, a_sweep_tells_what_failed, 0, 3);
    t = tcase_create("sweeps");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_call_fails, 0, SCENARIOS * POINTS * 2);
    suite_add_tcase(s, t);
}

int main(void)
{
    return harness_main("failpoints", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Without memory, descriptors, threads or network: each call of the C library
 * that the scenarios make, also inside of libpq and libevent, fails, once or
 * from then on, or is interrupted, or moves less than it was asked to; each
 * time in a process of its own.  scene.h says what has to hold.  Those
 * processes are forked from one that has looked up and set up what it could,
 * and connect through a pooler: an injection has to cost a few milliseconds.
 *
 *     ELPQ_SWEEP_ONLY=name       this scenario alone
 *     ELPQ_SWEEP_POINT=name      this call alone, such as malloc
 *     ELPQ_SWEEP_WAY=name        this way of failing alone, such as once
 *     ELPQ_SWEEP_N=n             this injection alone
 *     ELPQ_SWEEP_JOBS=n          processes at a time; 8
 *     ELPQ_TEST_ALL=1            each call, up to a thousand in each way
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../lib/libpq_compat.h"
#include "../support/harness_internal.h"
#include "pooler.h"
#include "scene.h"

#define SCENARIOS_MAX 80
#define THIRD_PARTY 60
#define TRICKLE 5 /* bytes, where they do */
#define AT_LEAST 10000 /* injections: of malloc, and of all others          */

static const struct scenario *scenarios[SCENARIOS_MAX];
static int scenario_count;

/* What is done to the calls; 0 is the usual errno.  Where bytes trickle, the
 * calls are many, and come in the middle of messages. */
static const struct way {
    elpq_failpoint point;
    int error;
    bool lasting;
    bool trickle;
    const char *name;
} ways[] = {
    { ELPQ_FAIL_MALLOC, 0, false, false, "once" },
    { ELPQ_FAIL_MALLOC, 0, true, false, "lasting" },
    { ELPQ_FAIL_MALLOC, 0, false, true, "bytes" },
    { ELPQ_FAIL_RECV, 0, false, false, "once" },
    { ELPQ_FAIL_RECV, 0, true, false, "lasting" },
    { ELPQ_FAIL_RECV, EINTR, false, false, "EINTR" },
    { ELPQ_FAIL_RECV, EAGAIN, false, false, "EAGAIN" },
    { ELPQ_FAIL_RECV, ELPQ_FAIL_SHORT, true, false, "short" },
    { ELPQ_FAIL_RECV, 0, false, true, "bytes" },
    { ELPQ_FAIL_RECV, EINTR, false, true, "bytes, EINTR" },
    { ELPQ_FAIL_RECV, EAGAIN, false, true, "bytes, EAGAIN" },
    { ELPQ_FAIL_SEND, 0, false, false, "once" },
    { ELPQ_FAIL_SEND, 0, true, false, "lasting" },
    { ELPQ_FAIL_SEND, EINTR, false, false, "EINTR" },
    { ELPQ_FAIL_SEND, EAGAIN, false, false, "EAGAIN" },
    { ELPQ_FAIL_SEND, ELPQ_FAIL_SHORT, true, false, "short" },
    { ELPQ_FAIL_SEND, 0, false, true, "bytes" },
    { ELPQ_FAIL_SEND, EINTR, false, true, "bytes, EINTR" },
    { ELPQ_FAIL_SEND, EAGAIN, false, true, "bytes, EAGAIN" },
    { ELPQ_FAIL_SOCKET, 0, false, false, "once" },
    { ELPQ_FAIL_SOCKET, 0, true, false, "lasting" },
    { ELPQ_FAIL_CONNECT, 0, false, false, "once" },
    { ELPQ_FAIL_CONNECT, 0, true, false, "lasting" },
    { ELPQ_FAIL_POLL, 0, false, false, "once" },
    { ELPQ_FAIL_POLL, 0, true, false, "lasting" },
    { ELPQ_FAIL_POLL, EINTR, false, false, "EINTR" },
    { ELPQ_FAIL_EPOLL_CTL, 0, false, false, "once" },
    { ELPQ_FAIL_EPOLL_CTL, 0, true, false, "lasting" },
    { ELPQ_FAIL_THREAD, 0, false, false, "once" },
    { ELPQ_FAIL_THREAD, 0, true, false, "lasting" },
};
#define WAYS (int)(sizeof(ways) / sizeof(*ways))

static const char *const verdicts[VERDICTS] = {
    [TWICE] = "a callback came twice",
    [INSIDE] = "a callback came from within a call",
    [NEVER] = "a callback never came",
    [WRONG_ANSWER] = "a wrong answer",
    [WRONG_CODE] = "a code that cannot be",
    [DESCRIPTORS] = "descriptors stay open",
    [NOT_DRY] = "events are left in the loop",
    [NO_SCENE] = "no scene",
};

/* Over all tests, which are processes. */
static struct sums {
    atomic_uint_least64_t injections[ELPQ_FAILPOINTS];
    atomic_uint_least64_t known;
    struct third_party {
        char what[160];
        unsigned n;
    } list[THIRD_PARTY];
} *sums;

/* ----------------------------------------------------------------- sweeps */

static const struct scenario *now_scenario;
static const struct way *now_way;

static void print_failure(const elpq_failpoint_failure *f)
{
    int code = WIFEXITED(f->status) ? WEXITSTATUS(f->status) : -1;

    printf("  %s %s %llu of \"%s\": ", elpq_failpoint_name(now_way->point),
           now_way->name, (unsigned long long)f->n, now_scenario->name);
    if (code == ELPQ_FAILPOINT_LEAK)
        printf("memory is left, without that of %s",
               *f->caller ? f->caller : "nobody\n");
    else if (code > 0 && code < VERDICTS && verdicts[code])
        printf("%s\n", verdicts[code]);
    else if (code >= 0)
        printf("exit status %d\n", code);
    else if (WTERMSIG(f->status) == SIGALRM)
        printf("it took too long\n%s", f->where);
    else
        printf("signal %d\n%s", WTERMSIG(f->status), f->where);
}

/* Whether the innermost call of several is in this library, or in the C
 * library as called by it. */
static bool is_innermost(const char *where, const char *library)
{
    while (strncmp(where, "libc.so", 7) == 0 && strchr(where, '\n'))
        where = strchr(where, '\n') + 1;
    return strncmp(where, library, strlen(library)) == 0;
}

/*
 * What libraries below us cannot survive; it is printed, and not hidden.
 *
 * OpenSSL goes on without the locks that it could not make, and crashes; and
 * what it looked up it keeps for the life of the process, which after an
 * allocation that failed may be a block more.  libpq goes on behind a Sync for
 * which it had no memory, and loses the description that it finds there.  The
 * scenarios of libpq alone show the same without elpq.
 */
static bool is_third_party(const elpq_failpoint_failure *f)
{
    static const char *const libraries[] = { "libcrypto.so", "libssl.so" };
    static const char sync[] = "libpq.so.5 PQmakeEmptyPGresult";
    bool leak =
        WIFEXITED(f->status) && WEXITSTATUS(f->status) == ELPQ_FAILPOINT_LEAK;

    for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
        if ((WIFSIGNALED(f->status) && is_innermost(f->where, libraries[i])) ||
            (leak && is_innermost(f->caller, libraries[i])))
            return true;
    if (leak && strncmp(f->caller, sync, sizeof(sync) - 1) == 0)
        return true;
    return now_scenario->how & LIBPQ_ALONE;
}

/* For the list at the end: one line a scenario and a kind. */
static void note_third_party(const elpq_failpoint_failure *f)
{
    bool leak = WIFEXITED(f->status);
    const char *who = leak ? f->caller : f->where;
    struct third_party *t = sums->list;
    char what[sizeof(t->what)];

    snprintf(what, sizeof(what), "\"%s\": %s %.*s", now_scenario->name,
             leak ? "memory is left, without that of" : "a crash in",
             (int)strcspn(who, "+\n"), who);
    while (t->n > 0 && strcmp(t->what, what) != 0 &&
           t < sums->list + THIRD_PARTY - 1)
        t++;
    if (t->n++ == 0)
        strcpy(t->what, what);
}

static bool known(const elpq_failpoint_failure *f, void *arg)
{
    (void)arg;
    if (!is_third_party(f)) {
        print_failure(f);
        return false;
    }
    note_third_party(f);
    return true;
}

static int run_scenario(void *arg)
{
    return scene_run(arg, now_way->point == ELPQ_FAIL_MALLOC);
}

static unsigned jobs(void)
{
    const char *text = harness_env("ELPQ_SWEEP_JOBS");

    return now_scenario->how & ALONE ? 1 : text ? (unsigned)atoi(text) : 8;
}

/* So many calls of a scenario fail in each way, to be quick; ELPQ_TEST_ALL
 * takes more than there are in most. */
static uint64_t spread(void)
{
    bool all = harness_env("ELPQ_TEST_ALL") != NULL;
    uint64_t n = now_way->point == ELPQ_FAIL_MALLOC ? 200 : 26;

    n = all ? 1000 : n;
    if (now_scenario->how & COSTLY)
        n = n / 8 + 1;
    return harness_slow() > 1 ? n / 7 + 1 : n; /* a checker is what counts */
}

static uint64_t sweep(uint64_t *calls)
{
    elpq_failpoint_sweep_options o = { .point = now_way->point,
                                       .error = now_way->error,
                                       .persistent = now_way->lasting,
                                       .jobs = jobs(),
                                       .spread = spread(),
                                       .known = known };
    elpq_failpoint_report report;
    int64_t begun = now_usec();

    o.seconds = (int)(20 * harness_slow());
    o.trickle = now_way->trickle ? TRICKLE : 0;
    if (harness_env("ELPQ_SWEEP_N")) {
        o.first = (uint64_t)atoll(harness_env("ELPQ_SWEEP_N"));
        o.max = 1;
    }
    ck_assert_int_eq(elpq_failpoint_sweep(&o, run_scenario,
                                          (void *)(uintptr_t)now_scenario,
                                          &report), 0);
    if (report.injections > 0)
        printf("%-18s %-14s %-13s %6llu injections, %lld ms\n",
               now_scenario->name, elpq_failpoint_name(o.point),
               now_way->name, (unsigned long long)report.injections,
               (long long)(now_usec() - begun) / 1000);
    atomic_fetch_add(&sums->injections[o.point], report.injections);
    atomic_fetch_add(&sums->known, report.known);
    *calls = report.calls;
    return report.failed;
}

static bool is_wanted(const char *variable, const char *name)
{
    const char *only = harness_env(variable);

    return !only || strcmp(only, name) == 0;
}

/* All ways in which this call can fail, if the scenario makes it. */
static uint64_t sweep_point(elpq_failpoint point)
{
    uint64_t calls = 1, failed = 0;

    for (int i = 0; i < WAYS && calls > 0; i++) {
        now_way = &ways[i];
        if (now_way->point == point &&
            is_wanted("ELPQ_SWEEP_WAY", now_way->name))
            failed += sweep(&calls);
    }
    return failed;
}

START_TEST(calls_fail)
{
    uint64_t failed = 0;

    now_scenario = scenarios[_i];
    tales_begin();
    if (now_scenario->before)
        now_scenario->before();
    harness_close_admin();
    for (int i = 0; i < ELPQ_FAILPOINTS; i++) {
        elpq_failpoint point = (elpq_failpoint)i;

        if (elpq_failpoint_works(point) &&
            is_wanted("ELPQ_SWEEP_POINT", elpq_failpoint_name(point)))
            failed += sweep_point(point);
    }
    failed += (uint64_t)tales_check();
    if (now_scenario->after)
        now_scenario->after();
    ck_assert_uint_eq(failed, 0);
}
END_TEST

static bool is_a_part(void)
{
    static const char *const variables[] = {
        "ELPQ_SWEEP_ONLY", "ELPQ_SWEEP_POINT", "ELPQ_SWEEP_WAY",
        "ELPQ_SWEEP_N", "CK_RUN_CASE",
    };

    for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
        if (harness_env(variables[i]))
            return true;
    return false;
}

START_TEST(so_many_injections)
{
    uint64_t all = 0, mallocs;

    for (int i = 0; i < ELPQ_FAILPOINTS; i++) {
        uint64_t n = atomic_load(&sums->injections[i]);

        printf("%-14s %8llu injections\n",
               elpq_failpoint_name((elpq_failpoint)i), (unsigned long long)n);
        all += n;
    }
    printf("%d scenarios, %llu injections\n", scenario_count,
           (unsigned long long)all);
    printf("%llu of them are known not to be survived by libraries below"
           "%s\n",
           (unsigned long long)atomic_load(&sums->known),
           atomic_load(&sums->known) ? ":" : "");
    for (const struct third_party *t = sums->list;
         t < sums->list + THIRD_PARTY && t->n > 0; t++)
        printf("%6u  %s\n", t->n, t->what);
    ck_assert_uint_gt(all, 0);
    if (harness_slow() > 1 || is_a_part())
        return;
    mallocs = atomic_load(&sums->injections[ELPQ_FAIL_MALLOC]);
    ck_assert_uint_ge(mallocs, AT_LEAST);
    ck_assert_uint_ge(all - mallocs, AT_LEAST);
}
END_TEST

/* ---------------------------------------------------------------- program */

/* libevent tells each failure, as it should. */
static void keep_quiet(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static void *nothing(void *arg)
{
    pthread_barrier_wait(arg);
    return NULL;
}

/* The C library keeps what threads needed for the next ones: let it have some
 * already, since what a child has more than another counts as a leak. */
static void have_had_threads(void)
{
    pthread_t threads[4];
    pthread_barrier_t all;

    pthread_barrier_init(&all, NULL, 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, nothing, &all), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&all);
}

/* The same for OpenSSL, which keeps thousands of blocks from its first use. */
static void have_had_openssl(void)
{
    PQfreemem(PQencryptPasswordConn(admin(), "new", "elpq_sweep",
                                    "scram-sha-256"));
    harness_close_admin();
}

static void setup(void)
{
    mallopt(M_ARENA_MAX, 1); /* a heap of its own for a thread costs time */
    harness_setup();
    have_had_threads();
    have_had_openssl();
    elpq__libpq(); /* which looks through all libraries */
    alarm(0); /* each injection has one of its own */
    event_set_log_callback(keep_quiet);
}

static void make_tables(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_sweep");
    admin_do("drop type if exists elpq_sweep_pair, elpq_sweep_mood");
    admin_do("drop role if exists elpq_sweep");
    admin_do("create role elpq_sweep");
    admin_do("grant elpq_sweep to %s with admin option", /* PostgreSQL 16 */
             harness_env("PGUSER"));
    admin_do("create table elpq_sweep (id bigint)");
    admin_do("grant all on elpq_sweep to public");
    admin_do("create type elpq_sweep_mood as enum ('sad', 'ok')");
    admin_do("create type elpq_sweep_pair as (n int, mood elpq_sweep_mood)");
    admin_do("drop publication if exists elpq_sweep_pub");
    admin_do("create publication elpq_sweep_pub for table elpq_sweep");
    harness_teardown();
    pooler_start();
}

static void drop_tables(void)
{
    pooler_stop();
    harness_setup();
    await_server("select (count(*) = 0)::int from pg_stat_activity"
                 " where application_name = 'elpq_sweep'");
    admin_do("select pg_drop_replication_slot(slot_name)"
             " from pg_replication_slots where slot_name = 'elpq_sweep'");
    admin_do("drop publication elpq_sweep_pub");
    admin_do("drop table elpq_sweep");
    admin_do("drop type elpq_sweep_pair");
    admin_do("drop type elpq_sweep_mood");
    admin_do("drop role elpq_sweep");
    harness_teardown();
}

static void add_scenarios(const struct scenario *list)
{
    for (; list->name; list++)
        if (is_wanted("ELPQ_SWEEP_ONLY", list->name) &&
            (!list->needs || harness_env(list->needs)))
            scenarios[scenario_count++] = list;
}

static void build(Suite *s)
{
    TCase *t = tcase_create("sweeps");

    suite_add_tcase(s, t);
    if (!harness_own_server()) {
        printf("skipped: roles, slots and a pooler are for a server of ours\n");
        return;
    }
    sums = mmap(NULL, sizeof(*sums), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    add_scenarios(scenarios_conn);
    add_scenarios(scenarios_tx);
    add_scenarios(scenarios_rows);
    add_scenarios(scenarios_pool);
    add_scenarios(scenarios_more);
    tcase_set_timeout(t, 600);
    tcase_add_unchecked_fixture(t, make_tables, drop_tables);
    tcase_add_checked_fixture(t, setup, harness_teardown);
    tcase_add_loop_test(t, calls_fail, 0, scenario_count);
    tcase_add_test(t, so_many_injections);
}

int main(void)
{
    return harness_main("sweeps", build);
}

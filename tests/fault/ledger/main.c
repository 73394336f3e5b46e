/* SPDX-License-Identifier: PostgreSQL */
/*
 * ledger [--seconds N] [--seed N] [--replica] [--pgbouncer] [--pace PERCENT]
 *        [--crash SECONDS] [--plot FILE] [--journal FILE]
 *
 * A bank under chaos, and its books: see ledger.h, and docs/ledger.md.  Runs
 * under tests/support/with-postgres.  Status 0: all is well; 1: something that
 * elpq promises did not hold; 2: the surroundings failed.
 *
 * ELPQ_LEDGER_MISTAKE=trust|deny|again|double makes the bank a bad one, to
 * show that the verification notices.
 */
#include <dirent.h>
#include <event2/event.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

/* A bank with a mistake goes on until it has done so much harm. */
#define HARM 2

/* The bank must be done so soon after the chaos is. */
#define DONE_SECONDS 120

/* What caches of malloc and of the libraries may have grown by. */
#define HEAP_SLACK (128 << 10)

static uint64_t random_state;

uint32_t chance(uint32_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545F4914F6CDD1Du) >> 33) % limit;
}

int64_t now_usec(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The scripts notice that their input has ended, and clean up. */
void give_up(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "ledger: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    _exit(2);
}

/* ---------------------------------------------------------------- options */

static const char *const mistakes[] = { "", "trust", "deny", "again",
                                        "double" };

static enum mistake mistake_of(const char *name)
{
    for (int i = 0; name && i <= DOUBLE; i++)
        if (strcmp(name, mistakes[i]) == 0)
            return (enum mistake)i;
    if (name)
        give_up("there is no mistake named %s", name);
    return NO_MISTAKE;
}

static void read_options(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        { "seconds", 1, NULL, 's' }, { "seed", 1, NULL, 'e' },
        { "replica", 0, NULL, 'r' }, { "pgbouncer", 0, NULL, 'b' },
        { "pace", 1, NULL, 'a' },    { "crash", 1, NULL, 'c' },
        { "journal", 1, NULL, 'j' }, { "plot", 1, NULL, 'p' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    *s = (struct settings){ .seconds = 60,
                            .seed = 1,
                            .pace = 100,
                            .crash_seconds = 15,
                            .journal = "ledger.journal" };
    s->mistake = mistake_of(getenv("ELPQ_LEDGER_MISTAKE"));
    while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (c) {
        case 's':
            s->seconds = atoi(optarg);
            break;
        case 'e':
            s->seed = strtoull(optarg, NULL, 0);
            break;
        case 'r':
            s->replica = true;
            break;
        case 'b':
            s->pgbouncer = true;
            break;
        case 'a':
            s->pace = atoi(optarg);
            break;
        case 'c':
            s->crash_seconds = atoi(optarg);
            break;
        case 'j':
            s->journal = optarg;
            break;
        case 'p':
            s->plot = optarg;
            break;
        default:
            give_up("the options are in tests/fault/ledger/main.c");
        }
    }
    if (s->seconds < 1 || s->pace < 1 || s->crash_seconds < 1 || optind < argc)
        give_up("what should %s mean?", optind < argc ? argv[optind] : "0");
    if (s->replica && s->pgbouncer)
        give_up("replica or pgbouncer, not both");
}

/* ---------------------------------------------------------------- the run */

struct resources {
    int fds;
    size_t heap;
};

static struct resources resources(void)
{
    struct resources r = { 0, mallinfo2().uordblks };
    DIR *dir = opendir("/proc/self/fd");

    while (dir && readdir(dir))
        r.fds++;
    closedir(dir);
    return r;
}

static void on_first(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    if (error)
        give_up("the first statement: %s", error->message);
    *(bool *)arg = true;
}

/* What libraries make once is made now, before the heap is measured. */
static void warm_up(struct event_base *base)
{
    bool done = false;

    target_open(bank_on_notice);
    if (target_execute(elpq_sql("select $1::int", 1), NULL, on_first, &done) !=
        0)
        give_up("the first statement was refused");
    while (!done)
        event_base_loop(base, EVLOOP_ONCE);
    target_close();
    while (proxies_open() > 0)
        event_base_loop(base, EVLOOP_ONCE);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    *(bool *)arg = true;
}

static void run_for(struct event_base *base, int seconds)
{
    struct timeval tv = { seconds, 0 };
    bool over = false;

    event_base_once(base, -1, EV_TIMEOUT, on_time, &over, &tv);
    while (!over)
        event_base_loop(base, EVLOOP_ONCE);
}

static bool wait_until_done(struct event_base *base)
{
    int64_t end = now_usec() + DONE_SECONDS * INT64_C(1000000);

    while (!chaos_is_done() || !bank_is_done()) {
        if (now_usec() > end)
            return false;
        event_base_loop(base, EVLOOP_ONCE);
    }
    return true;
}

static bool are_back(const struct resources *before)
{
    struct resources now = resources();

    return now.fds <= before->fds && now.heap < before->heap + HEAP_SLACK;
}

/* All that is closed here goes in turns of the loop, connects under way at
 * last, when their threads have let them go. */
static void close_all(struct event_base *base, const struct resources *before)
{
    int64_t end = now_usec() + DONE_SECONDS * INT64_C(1000000);

    target_close();
    chaos_end();
    journal_close();
    while (!are_back(before) && now_usec() < end) {
        const struct timespec pause = { 0, 1000000 };

        event_base_loop(base, EVLOOP_NONBLOCK);
        nanosleep(&pause, NULL);
    }
}

static bool run(struct event_base *base, const struct settings *s,
                const struct resources *before)
{
    bool done;

    journal_open(base, s->journal);
    target_open(bank_on_notice);
    timeline_start();
    bank_start(s);
    chaos_start(base, s);
    run_for(base, s->seconds);
    while (s->mistake && bank.wrong < HARM)
        run_for(base, 1);
    chaos_stop();
    bank_stop();
    done = wait_until_done(base);
    if (done)
        close_all(base, before);
    return done;
}

/* ----------------------------------------------------------------- report */

static bool check(bool good, const char *text)
{
    if (!good)
        printf("VIOLATION: %s\n", text);
    return good;
}

static void print_counts(const struct settings *s)
{
    uint64_t kills = chaos.terminated + proxies_resets();
    int p50, max;

    timeline_recovery(&p50, &max);
    printf("kills         %" PRIu64 " connections (%.1f a second: %" PRIu64
           " resets, %" PRIu64 " backends ended)\n",
           kills, (double)kills / s->seconds, proxies_resets(),
           chaos.terminated);
    printf("cancels       %" PRIu64 " requests, %" PRIu64
           " deadlines of 1 to 10 ms (%.1f a second)\n",
           bank.cancels, bank.deadlines,
           (double)(bank.cancels + bank.deadlines) / s->seconds);
    printf("crashes       %" PRIu64 ", and %" PRIu64 " fail-overs\n",
           chaos.crashes, chaos.failovers);
    printf("recovery      %d ms (median), %d ms (max) from a crash to the "
           "first transfer\n",
           p50, max);
    printf("transfers     %" PRIu64 " committed (%.0f a second), %" PRIu64
           " failed, %" PRIu64 " in doubt\n",
           bank.outcomes[COMMITTED],
           (double)bank.outcomes[COMMITTED] / s->seconds, bank.outcomes[FAILED],
           bank.outcomes[DOUBT]);
    printf("failed       ");
    for (int code = 0; code < CODES; code++)
        if (bank.codes[code])
            printf(" %s %" PRIu64, elpq_code_name(-code), bank.codes[code]);
    printf("\nin doubt      %" PRIu64 " had been committed, %" PRIu64
           " not; pg_xact_status() was wrong of %" PRIu64 "\n",
           bank.yes, bank.no, bank.misled);
    printf("callbacks     %" PRIu64 " of %" PRIu64 " submissions\n",
           bank.callbacks, bank.submissions);
}

static bool judge(const struct verdict *v, const struct resources *before,
                  const struct resources *after)
{
    bool good = true;

    printf("acknowledged  %" PRIu64 ", of which %" PRIu64 " are missing\n",
           v->acknowledged, v->missing);
    printf("applied       %" PRIu64 ", of which %" PRIu64 " twice, %" PRIu64
           " though reported as failed, %" PRIu64 " unknown\n",
           v->applied, v->twice, v->failed_applied, v->unknown);
    printf("unresolved    %" PRIu64 "\n", v->unresolved);
    printf("sum           %" PRId64 " of %" PRId64 "\n", v->sum, v->wanted_sum);
    printf("left behind   %d descriptors, %td bytes\n",
           after->fds - before->fds,
           (ptrdiff_t)after->heap - (ptrdiff_t)before->heap);
    good &= check(verdict_is_good(v), "the books are wrong");
    good &= check(bank.submissions == bank.callbacks && bank.stray == 0,
                  "a callback did not come exactly once");
    good &= check(after->fds <= before->fds, "descriptors are left open");
    good &=
        check(after->heap < before->heap + HEAP_SLACK, "memory is left behind");
    return good;
}

static bool report(const struct settings *s, const struct resources *before)
{
    struct resources after = resources();
    struct verdict v;
    int primary = 0;

    print_counts(s);
    if (s->plot && !plot_write(s->plot, s))
        give_up("%s cannot be written", s->plot);
    primary = chaos_primary();
    verify(servers_conninfo(primary), s->journal, &v);
    return judge(&v, before, &after);
}

int main(int argc, char **argv)
{
    struct settings s;
    struct resources before;
    struct event_base *base;
    bool good;

    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(argc, argv, &s);
    random_state = s.seed * 0x9E3779B97F4A7C15u + 1;
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    printf("ledger: seed %" PRIu64 ", %d seconds%s%s%s\n", s.seed, s.seconds,
           s.replica ? ", two standbys" : "", s.pgbouncer ? ", PgBouncer" : "",
           s.mistake ? ", with a mistake" : "");
    servers_start(base, &s);
    verify_prepare(servers_conninfo(0));
    warm_up(base);
    before = resources();
    good = check(run(base, &s, &before), "the bank did not come to its end");
    good = good && report(&s, &before);
    servers_stop();
    event_base_free(base);
    printf("%s\n", good ? "all is well" : "NOT WELL");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

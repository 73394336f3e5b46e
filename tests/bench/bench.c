/* SPDX-License-Identifier: PostgreSQL */
/*
 * bench: elpq against a hand-written loop on libpq and epoll.
 *
 * Both sides do the same work in this one process, in turns (ABAB...), and
 * the figures are medians: of each side's statements (or rows) per second and
 * CPU microseconds per statement (user and system, of this process only), and
 * of the ratios of neighbouring turns.  Checksums prove that both read the
 * same values.  Allocations are calls of malloc, calloc and realloc per
 * statement, libpq's own included; elpq's own are the difference.
 *
 * A scheduler that moves the processes between two CPUs as it likes makes the
 * speed of either side jump by a factor of two.  So this process has a CPU of
 * its own (or shares one with the server's, see --cpus), where the server is
 * on this machine and lets us.
 *
 * The server is the one that the PG* variables name; see --help.
 */
#include "bench.h"

#include <getopt.h>
#include <libpq-fe.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <elpq/statement.h>

#define MIN_THROUGHPUT 0.95
#define MAX_CPU 1.25
#define BULK_CPU 1.15
#define ANY_CPU 1e9

/* clang-format off */
#define POINTS { &bench_floor, &bench_elpq }
#define BULK { &bench_bulk_floor, &bench_bulk_elpq }
#define LISTEN { &bench_listen_floor, &bench_listen_elpq }
#define BATCH { &bench_batch_singles, &bench_batch_batches }
/* clang-format on */

static const struct bench_row rows[] = {
    { "1 connection, depth 1", POINTS, BENCH_CONNS, 1, 1, 1, 0, 0, 0 },
    { "8 connections, depth 1", POINTS, BENCH_CONNS, 8, 1, 1, 0, 0, 0 },
    { "1 connection, depth 64", POINTS, BENCH_CONNS, 1, 64, 64, 0, 0, 0 },
    { "8 connections, depth 16", POINTS, BENCH_CONNS, 8, 16, 16, 0, 0, 0 },
    /* Flagged statements share Syncs; the floor has one for each. */
    { "read groups, 1 x 64", POINTS, BENCH_CONNS, 1, 64, 64, ELPQ_READONLY,
      1.15, 0 },
    { "read groups, 8 x 16", POINTS, BENCH_CONNS, 8, 16, 16, ELPQ_READONLY,
      1.15, 0 },
    /* A pool runs one statement per connection; the others wait in line. */
    { "pool of 8, 128 at once", POINTS, BENCH_POOL_EXECUTE, 8, 16, 1, 0, 0, 0 },
    { "fetch rows, getters", POINTS, BENCH_FETCH_GET, 1, 1, 1, 0, 0, 0 },
    { "fetch rows, elpq_scan", POINTS, BENCH_FETCH_SCAN, 1, 1, 1, 0, 0, 0 },
    { "stream", BULK, BENCH_STREAM, 1, 1, 1, 0, 0, BULK_CPU },
    { "COPY out, rows", BULK, BENCH_COPY_OUT, 1, 1, 1, 0, 0, BULK_CPU },
    { "COPY in, rows", BULK, BENCH_COPY_IN, 1, 1, 1, 0, 0, BULK_CPU },
    /* Throughput counts; elpq queues what it has, and may be paused. */
    { "LISTEN", LISTEN, BENCH_LISTEN, 1, 1, 1, 0, 0, ANY_CPU },
    /* Both are elpq; the floor here: as many single statements. */
    { "batches of 16", BATCH, BENCH_BATCH, 1, 16, 16, 0, 1.0, 1.0 },
};

/* It has no floor, and no target. */
#define SLOW_ROW "pool, 1 of 100 is slow"

enum { ROWS = sizeof(rows) / sizeof(rows[0]), SIDES = 2 };
/* A turn of the big table takes longer. */
enum { MAX_ROUNDS = 99, BULK_ROUNDS = 5 };

static struct {
    double seconds; /* of one turn */
    int rounds;
    uint64_t statements; /* of one turn, instead of seconds */
    const char *only;    /* part of a row's name */
    const char *side;
    int fetch_rows;
    const char *cpus;
    bool check;
} options = { 0.3, 15, 0, "", NULL, 1000000, "apart", false };

/* One turn of one side, per statement or row. */
struct turn {
    double rate;
    double cpu_usec;
    double allocations;
};

/* ------------------------------------------------------------- for sides */

_Noreturn void bench_die(const char *what, const char *message)
{
    fflush(stdout);
    fprintf(stderr, "bench: %s: %s\n", what, message);
    exit(1);
}

static uint32_t random_state;

int32_t bench_next_key(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (int32_t)((random_state >> 8) % BENCH_POINT_ROWS) + 1;
}

uint64_t bench_sum(uint64_t sum, int64_t number, const char *text, size_t size)
{
    sum += (uint64_t)number + size;
    if (size > 0)
        sum += (unsigned char)text[0] + (unsigned char)text[size - 1];
    return sum;
}

/* ------------------------------------------------------------------ CPUs */

static cpu_set_t server_cpus;
static bool placing; /* whether backends are put on server_cpus */

void bench_place_backend(int pid)
{
    if (placing && sched_setaffinity(pid, sizeof(server_cpus), &server_cpus))
        bench_die("--cpus", "the server's CPUs cannot be chosen; use any");
}

/* In a container, the server's pids are not ours. */
static bool is_backend(int pid)
{
    char path[40], name[16] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    if (!(f = fopen(path, "r")))
        return false;
    if (!fgets(name, sizeof(name), f))
        name[0] = '\0';
    fclose(f);
    return strncmp(name, "postgres", 8) == 0;
}

static int last_cpu(const cpu_set_t *set)
{
    int cpu = CPU_SETSIZE - 1;

    while (cpu > 0 && !CPU_ISSET(cpu, set))
        cpu--;
    return cpu;
}

/*
 * Takes the last CPU for this process; apart, the backends get the others,
 * and together the same one.  Only where db is a backend of this machine that
 * we may move; says what came of it.
 */
static const char *place(PGconn *db)
{
    const char *host = PQhost(db);
    int pid = PQbackendPID(db);
    cpu_set_t all, ours;

    if (strcmp(options.cpus, "any") == 0)
        return "any";
    if (!host || host[0] != '/' || !is_backend(pid) ||
        sched_getaffinity(0, sizeof(all), &all))
        return "any (the server is not a process of this machine)";
    CPU_ZERO(&ours);
    CPU_SET(last_cpu(&all), &ours);
    server_cpus = ours;
    if (strcmp(options.cpus, "apart") == 0) {
        if (CPU_COUNT(&all) < 2)
            return "any (there is only one)";
        server_cpus = all;
        CPU_CLR(last_cpu(&all), &server_cpus);
    }
    if (sched_setaffinity(pid, sizeof(server_cpus), &server_cpus) ||
        sched_setaffinity(0, sizeof(ours), &ours))
        return "any (no permission to choose)";
    placing = true;
    return options.cpus;
}

/* ------------------------------------------------------------ allocations */

/*
 * The executable's malloc comes before that of the C library, for libpq and
 * libevent as well.  Sanitizers have theirs, and then nothing is counted.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) &&                    \
    !defined(__SANITIZE_THREAD__) && !defined(SANITIZED)
#define COUNTING 1
#else
#define COUNTING 0
#endif

static _Thread_local uint64_t allocations;

uint64_t bench_allocations(void)
{
    return allocations;
}

#if COUNTING
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}
#endif

/* -------------------------------------------------------------- measuring */

static double now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static uint64_t take_turn(const struct bench_side *side, void *state,
                          uint64_t statements, double units, struct turn *out)
{
    uint64_t sum, before = bench_allocations();
    double cpu, wall;

    random_state = 1; /* both sides ask for the same keys */
    cpu = cpu_seconds();
    wall = now(CLOCK_MONOTONIC);
    sum = side->run(state, statements);
    wall = now(CLOCK_MONOTONIC) - wall;
    cpu = cpu_seconds() - cpu;
    out->rate = units / wall;
    out->cpu_usec = cpu * 1e6 / units;
    out->allocations = (double)(bench_allocations() - before) / units;
    return sum;
}

/* How many statements fill a turn; the trial also warms everything up. */
static uint64_t calibrate(const struct bench_row *row,
                          const struct bench_side *side, void *state)
{
    struct turn trial;
    uint64_t n = options.statements ? options.statements : 256;

    if (options.statements) {
        take_turn(side, state, n, (double)n, &trial);
        return n;
    }
    if (bench_is_bulk(row)) {
        take_turn(side, state, 1, 1, &trial);
        return 1;
    }
    do {
        n *= 2;
        take_turn(side, state, n, (double)n, &trial);
    } while ((double)n / trial.rate < options.seconds / 8);
    n = (uint64_t)(trial.rate * options.seconds);
    return n > 512 ? n : 512;
}

static int rounds_of(const struct bench_row *row)
{
    return bench_is_bulk(row) && options.rounds > BULK_ROUNDS ? BULK_ROUNDS
                                                              : options.rounds;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static struct turn median_turn(const struct turn *turns, int n)
{
    double v[MAX_ROUNDS];
    struct turn m = { 0, 0, 0 };

    for (int i = 0; i < n; i++)
        v[i] = turns[i].rate;
    m.rate = median(v, n);
    for (int i = 0; i < n; i++)
        v[i] = turns[i].cpu_usec;
    m.cpu_usec = median(v, n);
    for (int i = 0; i < n; i++)
        v[i] = turns[i].allocations;
    m.allocations = median(v, n);
    return m;
}

static bool report(const struct bench_row *row, struct turn t[][MAX_ROUNDS])
{
    int n = rounds_of(row);
    struct turn f = median_turn(t[0], n);
    struct turn e = median_turn(t[1], n);
    double rate[MAX_ROUNDS], cpu[MAX_ROUNDS], r, c;
    bool good;

    for (int i = 0; i < n; i++) {
        rate[i] = t[1][i].rate / t[0][i].rate;
        cpu[i] = t[1][i].cpu_usec / t[0][i].cpu_usec;
    }
    r = median(rate, n);
    c = median(cpu, n);
    good = r >= (row->rate > 0 ? row->rate : MIN_THROUGHPUT) &&
           c <= (row->cpu > 0 ? row->cpu : MAX_CPU);
    printf("%-24s %9.0f %9.0f %6.3f  %7.3f %7.3f %6.3f  %6.2f %6.2f %6.2f%s\n",
           row->name, f.rate, e.rate, r, f.cpu_usec, e.cpu_usec, c,
           f.allocations, e.allocations, e.allocations - f.allocations,
           good ? "" : "  <-");
    fflush(stdout);
    return good;
}

static void report_one(const struct bench_row *row,
                       const struct bench_side *side, const struct turn *turns)
{
    struct turn m = median_turn(turns, rounds_of(row));

    printf("%-24s %s: %.0f per second, %.3f us of CPU, %.2f allocations\n",
           row->name, side->name, m.rate, m.cpu_usec, m.allocations);
    fflush(stdout);
}

static bool wanted(int side)
{
    static const char *const names[SIDES] = { "floor", "elpq" };

    return !options.side || strcmp(options.side, names[side]) == 0;
}

static bool measure(const struct bench_row *row, PGconn *db)
{
    static struct turn turns[SIDES][MAX_ROUNDS];
    void *state[SIDES] = { NULL, NULL };
    uint64_t n = 0, sum[SIDES] = { 0, 0 }, copied[SIDES] = { 0, 0 };
    double units;
    bool good = true;

    for (int i = 0; i < SIDES; i++) {
        if (!wanted(i))
            continue;
        state[i] = row->sides[i]->open(row);
        /* The first side decides; the second one warms up. */
        if (n == 0)
            n = calibrate(row, row->sides[i], state[i]);
        else
            calibrate(row, row->sides[i], state[i]);
        if (row->kind == BENCH_COPY_IN)
            copied[i] = bench_copied_sum(db);
    }
    if (state[0] && state[1] && copied[0] != copied[1])
        bench_die(row->name, "the two sides wrote different values");
    units = bench_is_bulk(row) ? (double)n * options.fetch_rows : (double)n;
    for (int round = 0; round < rounds_of(row); round++) {
        for (int i = 0; i < SIDES; i++) {
            if (state[i])
                sum[i] = take_turn(row->sides[i], state[i], n, units,
                                   &turns[i][round]);
        }
        if (state[0] && state[1] && sum[0] != sum[1])
            bench_die(row->name, "the two sides read different values");
    }
    if (options.side)
        report_one(row, row->sides[state[1] != NULL], turns[state[1] != NULL]);
    else
        good = report(row, turns);
    for (int i = 0; i < SIDES; i++) {
        if (state[i])
            row->sides[i]->close(state[i]);
    }
    return good;
}

/* ------------------------------------------------------------------ main */

static const char usage[] =
    "usage: bench [options]\n"
    "  --seconds S     length of one turn of one side (default 0.3)\n"
    "  --rounds N      turns of each side (default 15)\n"
    "  --statements N  statements of one turn, instead of a length\n"
    "  --only TEXT     only rows of the report whose name contains TEXT\n"
    "  --side NAME     only floor, or only elpq: for profilers\n"
    "  --rows N        rows of fetches, streams and COPY (default 1000000)\n"
    "  --cpus WHERE    apart: the client has a CPU of its own (default);\n"
    "                  together: client and server share one; any\n"
    "  --check         exit status 1 if a target is missed\n";

static void parse_options(int argc, char **argv)
{
    static const struct option names[] = {
        { "seconds", required_argument, NULL, 's' },
        { "rounds", required_argument, NULL, 'r' },
        { "statements", required_argument, NULL, 't' },
        { "only", required_argument, NULL, 'o' },
        { "side", required_argument, NULL, 'e' },
        { "rows", required_argument, NULL, 'n' },
        { "cpus", required_argument, NULL, 'u' },
        { "check", no_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (c) {
        case 's':
            options.seconds = atof(optarg);
            break;
        case 'r':
            options.rounds = atoi(optarg);
            break;
        case 't':
            options.statements = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            options.only = optarg;
            break;
        case 'e':
            options.side = optarg;
            break;
        case 'n':
            options.fetch_rows = atoi(optarg);
            break;
        case 'u':
            options.cpus = optarg;
            break;
        case 'c':
            options.check = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (optind < argc || options.seconds <= 0 || options.rounds < 1 ||
        options.rounds > MAX_ROUNDS || options.fetch_rows < 1 ||
        (strcmp(options.cpus, "apart") && strcmp(options.cpus, "together") &&
         strcmp(options.cpus, "any")) ||
        (options.side && !wanted(0) && !wanted(1))) {
        fputs(usage, stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    PGconn *db;
    int missed = 0;

    parse_options(argc, argv);
    db = bench_make_tables(options.fetch_rows);
    printf("libpq %d, server %d, medians of %d rounds, CPUs of client and "
           "server: %s\n",
           PQlibVersion(), PQserverVersion(db), options.rounds, place(db));
    if (!options.side)
        printf("%-24s %26s  %22s  %20s\n%-24s %9s %9s %6s  %7s %7s %6s"
               "  %6s %6s %6s\n",
               "", "statements or rows/s", "CPU us per", "allocations per", "",
               "floor", "elpq", "ratio", "floor", "elpq", "ratio", "floor",
               "elpq", "own");
    for (int i = 0; i < ROWS; i++) {
        if (strstr(rows[i].name, options.only))
            missed += !measure(&rows[i], db);
    }
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        if (wanted(1) && strstr(SLOW_ROW, options.only))
            bench_pool_with_slow(SLOW_ROW, depth, options.seconds * 5);
    bench_drop_tables(db);
    PQfinish(db);
    if (!options.side)
        printf("targets (throughput >= %.2f, CPU <= %.2f, of streams and COPY "
               "<= %.2f): %s\n",
               MIN_THROUGHPUT, MAX_CPU, BULK_CPU,
               missed ? "missed, see <-" : "met");
    return options.check && missed > 0;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Runs the fault matrix.  Whatever strikes in whatever state:
 *
 *  - every callback comes exactly once, and from the loop;
 *  - an answer is that of its question: each has a number of its own;
 *  - code, SQLSTATE and flags are those of the table;
 *  - the pool's counters balance, and it serves the next question;
 *  - descriptors, events and heap are back to what they were;
 *  - no turn of the loop takes longer than 20 ms.
 *
 * A row of the table is a test.  The two faults that end every session of a
 * server strike all states at once, in a run of this program on a server of
 * its own.  The cells that were well are noted in a file, of which the table is
 * made at the end.
 *
 *     check_matrix [--update]
 *
 * ELPQ_TEST_FAULTS names the document, which must have the same table, or gets
 * it.
 * ELPQ_TEST_CELL=state.fault (numbers from 0) runs one cell; a slow build runs
 * some of them.
 */
#include <dirent.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elpq/failpoints.h"
#include "matrix.h"

static int events(void)
{
    return event_base_get_num_events(loop, EVENT_BASE_COUNT_ADDED |
                                               EVENT_BASE_COUNT_ACTIVE);
}

static void run_cell(enum state_id state, enum fault_id fault, int64_t nonce)
{
    struct cell *c = cell_new(state, fault, nonce);

    cell_reach(c);
    cell_strike(c);
    cell_finish(c);
}

/* ---------------------------------------------------------- heap and so on */

/* Blocks of the C library; not under tools that have an allocator of their
 * own, and look for leaks by themselves. */
static size_t heap(void)
{
    return harness_env("ELPQ_TEST_HEAP") ? mallinfo2().uordblks : 0;
}

static int64_t nonces; /* each cell has a hundred */

/*
 * libpq loses the result that it was building when a second ReadyForQuery
 * comes inside of one: a leak of its own.
 */
static bool leaks_in_libpq(enum state_id state, enum fault_id fault)
{
    return state == HALF_A_ROW && fault == EXTRA_READY;
}

/*
 * What is made once (by libpq, OpenSSL, the C library) is not made again, and
 * what a busy machine does to a turn of the loop it does not do each time: the
 * heap must be back, and all turns short, in one of a few times.
 */
#define MANY_TRIES 5

static void run_and_weigh(enum state_id state, enum fault_id fault)
{
    size_t before, after;
    int fds = open_fds();
    bool leaks = leaks_in_libpq(state, fault);
    int64_t end;
    int tries = 0, late;

    alarm((unsigned)(60 * harness_slow()));
    do {
        before = heap();
        harness_measure(true);
        run_cell(state, fault, nonces);
        settle_answers();
        nonces += 100;
        for (end = now_usec() + patience();
             (open_fds() > fds + 1 || events() > 0) && now_usec() < end;)
            harness_turn(EVLOOP_NONBLOCK);
        ck_assert_msg(events() == 0 && open_fds() <= fds + 1,
                      "%s, %s: %d events, %d descriptors more",
                      states[state].name, faults[fault].name, events(),
                      open_fds() - fds);
        late = turn_costs.late;
        harness_measure(false);
        after = heap();
    } while (((after > before && !leaks) || late > 0) && ++tries < MANY_TRIES);
    ck_assert_msg(late == 0, "%s, %s: a turn is long each time",
                  states[state].name, faults[fault].name);
    ck_assert_msg(after <= before || leaks,
                  "%s, %s: %zu bytes are left each time", states[state].name,
                  faults[fault].name, after - before);
}

static bool is_wanted(enum state_id state, enum fault_id fault)
{
    const char *one = harness_env("ELPQ_TEST_CELL");
    int sample = harness_slow() > 1 ? 3 : 1;
    int s = -1, f = -1;

    if (!expected_of(state, fault) || !faults[fault].strike ||
        (fault == NO_MEMORY && !elpq_failpoint_works(ELPQ_FAIL_MALLOC)))
        return false;
    if (one && sscanf(one, "%d.%d", &s, &f) >= 1)
        return s == (int)state && (f < 0 || f == (int)fault);
    if (leaks_in_libpq(state, fault) && !harness_env("ELPQ_TEST_HEAP"))
        return false; /* a tool would tell */
    return ((int)state * MANY_FAULTS + (int)fault) % sample == 0;
}

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("create table if not exists elpq_matrix (id bigint)");
    admin_do("create table if not exists elpq_matrix_slow (id bigint)");
    admin_do("grant all on elpq_matrix, elpq_matrix_slow to public");
    admin_do("create or replace function elpq_matrix_wait() returns trigger"
             " language plpgsql as $$ begin"
             " perform pg_advisory_xact_lock_shared(new.id);"
             " return null; end $$");
    admin_do("drop trigger if exists slow on elpq_matrix_slow");
    admin_do("create constraint trigger slow after insert on elpq_matrix_slow"
             " deferrable initially deferred for each row"
             " execute function elpq_matrix_wait()");
}

static void teardown(void)
{
    harness_measure(false);
    harness_teardown();
}

START_TEST(each_fault)
{
    if (!harness_own_server())
        return;
    nonces = 100000 * (_i + 1);
    for (int fault = 0; fault < MANY_FAULTS; fault++)
        if (is_wanted((enum state_id)_i, (enum fault_id)fault))
            run_and_weigh((enum state_id)_i, (enum fault_id)fault);
    ck_assert_int_eq(events(), 0);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("rows");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, each_fault, 0, MANY_STATES);
    suite_add_tcase(s, t);
}

/* ----------------------------------------------- the end of every session */

#define MANY_PROCESSES 200

static int processes(int parent, int *pids)
{
    int n = 0;
    struct dirent *entry;
    DIR *dir = opendir("/proc");

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) && n < MANY_PROCESSES) {
        char path[300];
        int pid = atoi(entry->d_name), of = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        file = pid > 0 ? fopen(path, "r") : NULL;
        if (!file)
            continue;
        if (fscanf(file, "%*d (%*[^)]) %*c %d", &of) == 1 && of == parent)
            pids[n++] = pid;
        fclose(file);
    }
    closedir(dir);
    return n;
}

static bool is_among(int pid, const int *pids, int n)
{
    while (n > 0 && pids[n - 1] != pid)
        n--;
    return n > 0;
}

static int old[MANY_PROCESSES], nold; /* processes that no cell made */

/* None of them lives to hear that others have died. */
static void kill_backends(void)
{
    int postmaster = postmaster_pid(), pids[MANY_PROCESSES];
    int n;

    ck_assert(signal_server(postmaster, SIGSTOP));
    n = processes(postmaster, pids);
    for (int i = 0; i < n; i++)
        if (!is_among(pids[i], old, nold))
            ck_assert_int_eq(kill(pids[i], SIGKILL), 0);
    harness_close_admin();
    ck_assert(signal_server(postmaster, SIGCONT));
}

/* How long its recovery takes is a matter of the disk. */
static void await_server_back(void)
{
    int64_t end = now_usec() + 4 * patience();
    const char *names[] = { "user", NULL };
    const char *values[] = { harness_env("ELPQ_TEST_SUPERUSER"), NULL };

    while (PQpingParams(names, values, 0) != PQPING_OK) {
        ck_assert_msg(now_usec() < end, "the server does not come back");
        run_turns(5);
    }
}

START_TEST(all_at_once)
{
    enum fault_id fault = _i ? SHUTDOWN : KILLED;
    struct cell *cells[MANY_STATES];
    int fds;

    admin_do("checkpoint");
    nold = processes(postmaster_pid(), old);
    nonces = 10000000;
    fds = open_fds();
    harness_measure(true);
    for (int i = 0; i < MANY_STATES; i++, nonces += 100) {
        cells[i] = cell_new((enum state_id)i, fault, nonces);
        cell_reach(cells[i]);
    }
    if (fault == KILLED)
        kill_backends();
    else
        crash_server();
    for (int i = 0; i < MANY_STATES; i++) {
        cells[i]->locked = false;
        if (states[i].held)
            cell_go_on(cells[i]);
        if (i == PAUSED_STREAM)
            RUN(elpq_stream_resume(cells[i]->q[0]->request));
        cell_follow(cells[i]);
    }
    await_server_back();
    for (int i = 0; i < MANY_STATES; i++)
        cell_finish(cells[i]);
    settle_answers();
    /* Of tens of thousands, some are late on a busy machine. */
    ck_assert_msg(turn_costs.late <= turn_costs.n / 1000,
                  "%s: %d of %d turns were long", faults[fault].name,
                  turn_costs.late, turn_costs.n);
    harness_measure(false);
    ck_assert_int_le(open_fds(), fds + 1);
}
END_TEST

static void build_crash(Suite *s)
{
    TCase *t = tcase_create("crash");

    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, all_at_once, 0, 2);
    suite_add_tcase(s, t);
}

/* The same program, on a server of its own. */
static int crash_elsewhere(char **argv)
{
    const char *with_postgres = harness_env("ELPQ_TEST_WITH_POSTGRES");
    int status = 0;
    pid_t pid;

    if (!with_postgres || harness_env("ELPQ_TEST_CELL"))
        return 0;
    pid = fork();
    if (pid == 0) {
        setenv("ELPQ_TEST_PRIVATE", "yes", 1);
        execl(with_postgres, with_postgres, "--tls", "--scram", "--", argv[0],
              (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static bool new_file(char *path, size_t size)
{
    const char *dir = harness_env("TMPDIR");
    int fd;

    snprintf(path, size, "%s/elpq-matrix-XXXXXX", dir ? dir : "/tmp");
    fd = mkstemp(path);
    if (fd < 0) {
        perror(path);
        return false;
    }
    close(fd);
    return true;
}

int main(int argc, char **argv)
{
    bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
    const char *document = harness_env("ELPQ_TEST_FAULTS");
    char results[200];
    int failed;

    if (harness_env("ELPQ_TEST_PRIVATE"))
        return harness_main("matrix, crash", build_crash);
    /* Freed blocks must not count as used: the program starts anew, unless a
     * tool runs it. */
    if (harness_slow() <= 1 && !harness_env("ELPQ_TEST_HEAP")) {
        setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
        setenv("ELPQ_TEST_HEAP", "yes", 1);
        execv("/proc/self/exe", argv);
    }
    if (!new_file(results, sizeof(results)))
        return EXIT_FAILURE;
    setenv("ELPQ_TEST_RESULTS", results, 1);
    failed = harness_main("matrix", build);
    if (crash_elsewhere(argv) != 0)
        failed = EXIT_FAILURE;
    if (table_report(results, document, update) != 0)
        failed = EXIT_FAILURE;
    unlink(results);
    return failed;
}

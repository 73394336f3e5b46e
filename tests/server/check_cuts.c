/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection ends at every byte that the server sends, and at every byte
 * that the client does, in order, with a reset, or by silence: in each of the
 * scenarios of cut_scenarios.h.
 *
 * What a real server said is recorded once, and played for each cut, behind a
 * proxy that makes it; many runs go side by side, each in a lane with a server
 * and a proxy of its own.  Whatever is cut: every callback comes once and from
 * the loop; an answer is the right one, or an error that can be; what was not
 * sent is said not to have run, what may have run is said to be in doubt;
 * nothing is left behind.
 *
 * Silence is noticed by a deadline.  Where the machine was too slow to come to
 * the cut within it, the run is repeated with twice the time, so that what is
 * counted was cut.
 *
 * ELPQ_TEST_CUTS=n makes n cuts more, at random, in pairs: the second is in
 * what is connected after the first.
 */
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cut_scenarios.h"
#include "elpq/testkit.h"

#define LANES 64
#define CONNECTS 6 /* side by side: helper threads that connect         */
#define DEADLINE_MS 40
#define ATTEMPTS 6 /* of a run that was not cut in time                  */
#define CLIENT_STEP 8 /* bytes of the client from one cut to the next      */

struct lane {
    elpq_fakepg *fake;
    elpq_faultproxy *proxy;
};

/* What was recorded, and which bytes of it are cut. */
struct recording {
    char *script;
    uint64_t server_first, server_bytes;
    uint64_t client_first, client_bytes;
};

struct job {
    const char *how;
    bool client; /* what it sends is cut                                    */
    uint64_t byte, second;
    int ms; /* deadline; 0: patient                                    */
    int attempt;
};

static struct lane lanes[LANES];
static struct recording rec;
static const struct scenario *scenario;
static uint64_t client_greeting; /* bytes of the client when connected      */

static elpq_faultproxy *proxy_to(const char *host, int port)
{
    elpq_faultproxy_options o = { .upstream_host = host,
                                  .upstream_port = port };
    elpq_faultproxy *p = elpq_faultproxy_new(loop, &o);

    ck_assert_ptr_nonnull(p);
    return p;
}

static int real_port(void)
{
    return (int)strtol(server_port(), NULL, 10);
}

static elpq_faultproxy_stats stats_of(const elpq_faultproxy *p)
{
    elpq_faultproxy_stats s;

    elpq_faultproxy_statistics(p, &s);
    return s;
}

/* More of the conninfo: without a password there is TLS. */
static const char *user_of(const struct scenario *s)
{
    static char text[160];

    if (!s->user)
        return "sslmode=disable";
    snprintf(text, sizeof(text), "user=%s sslmode=%s password=%s",
             harness_env(s->user), s->password ? "disable" : "require",
             s->password ? harness_env(s->password) : "none");
    return text;
}

static struct run *new_run(elpq_faultproxy *p)
{
    struct run *run = calloc(1, sizeof(*run));
    const char *database = harness_env("PGDATABASE");

    ck_assert_ptr_nonnull(run);
    run->scenario = scenario;
    snprintf(run->conninfo, sizeof(run->conninfo),
             "host=127.0.0.1 port=%d dbname=%s gssencmode=disable %s",
             elpq_faultproxy_port(p), database ? database : "postgres",
             user_of(scenario));
    return run;
}

/* From ELPQ_TEST_CUTS. */
#define AT_LEAST 15000
static atomic_uint *all_cuts; /* of all tests, which are processes */

static unsigned extra_cuts(void)
{
    const char *n = harness_env("ELPQ_TEST_CUTS");

    return n ? (unsigned)strtoul(n, NULL, 0) : 0;
}

/* ---------------------------------------------------------------- verdicts */

/* What a cut can do to a request. */
static bool can_be(const struct run *run, const struct answer *a, bool patient)
{
    switch (a->code) {
    case ELPQ_E_LOST:
    case ELPQ_E_CONNECT:
    case ELPQ_E_PROTOCOL:
    case ELPQ_E_CLOSED:
    case ELPQ_E_ROLLED_BACK:
        return true;
    case ELPQ_E_TIMEOUT:
        return !patient;
    case ELPQ_E_CANCELED:
        return run->scenario->script == cancel_script;
    default:
        return false;
    }
}

static void check_value(const struct answer *a, int64_t value)
{
    int64_t got = -1;

    if (value == NOTHING)
        return;
    ck_assert_ptr_nonnull(a->result);
    ck_assert_int_eq(elpq_get_int64(a->result, 0, 0, &got), 0);
    ck_assert_int_eq(got, value);
}

static void check_question(const struct run *run, const struct question *q,
                           bool patient)
{
    const struct answer *a = q->a;

    if (a->wanted == 0)
        return;
    ck_assert_int_eq(a->calls, 1);
    if (!a->code) {
        ck_assert_msg(!q->sqlstate, "no error where %s is due", q->sqlstate);
        check_value(a, q->want);
    } else if (!q->sqlstate || strcmp(a->sqlstate, q->sqlstate) != 0) {
        ck_assert_msg(can_be(run, a, patient), "question %d: %s: %s",
                      (int)(q - run->q), elpq_code_name(a->code),
                      a->error->message);
    }
    ck_assert_msg(!(a->flags & ELPQ_NOT_EXECUTED) ||
                      !(a->flags & ELPQ_IN_DOUBT),
                  "not executed, and in doubt");
}

/* `got`: the server has got the last statement, as its note says; then it may
 * have run. */
static void check_run(const struct run *run, bool patient, bool got)
{
    const struct answer *last = run->q[run->n - 1].a;

    for (int i = 0; i < run->n; i++)
        check_question(run, &run->q[i], patient);
    if (run->scenario->noted && got && last->code)
        ck_assert_uint_eq(last->flags & ELPQ_NOT_EXECUTED, 0);
}

/* --------------------------------------------------------------- recording */

static void on_greeted(struct run *run)
{
    (void)run;
    client_greeting = stats_of(lanes[0].proxy).client_bytes;
}

/* Bytes that the server sends before it is asked anything. */
static uint64_t welcome_bytes(const char *script)
{
    static const char sends[] = "send raw hex ";
    const char *end = strstr(script, "expect ");
    uint64_t bytes = 0;

    ck_assert_ptr_nonnull(end);
    while ((script = strstr(script, sends)) && script < end) {
        script += sizeof(sends) - 1;
        bytes += strcspn(script, "\n") / 2;
    }
    return bytes;
}

/* With a note behind the last message that the client sent before the end;
 * and without the signs of life of a standby, which come when they come. */
static char *as_script(const char *text, bool noted)
{
    char *script = calloc(1, strlen(text) + 10), *last;
    const char *end, *note = NULL;

    ck_assert_ptr_nonnull(script);
    for (end = text; noted && (end = strstr(end, "expect S\n"));)
        note = end += strlen("expect S\n");
    for (; *text; text = end) {
        end = text + strcspn(text, "\n") + 1;
        if (strncmp(text, "expect d", 8) == 0 && rec.client_bytes == 0)
            continue;
        last = script + strlen(script);
        memcpy(last, text, (size_t)(end - text));
        if (end == note)
            strcat(last, "note\n");
    }
    return script;
}

static void record(void)
{
    struct run *run;
    elpq_fakepg *fake = NULL;
    elpq_faultproxy *p;
    const char *host = server_host();
    int port = real_port();

    if (scenario->script) {
        fake = elpq_fakepg_new(loop, scenario->script, NULL);
        ck_assert_ptr_nonnull(fake);
        host = "127.0.0.1";
        port = elpq_fakepg_port(fake);
    }
    p = lanes[0].proxy = proxy_to(host, port);
    elpq_faultproxy_record(p);
    over = 0;
    client_greeting = 0;
    run = new_run(p);
    run->recording = true;
    run->opened = on_greeted;
    start_run(run);
    run_until(&over, 1);
    for (int i = 0; i < run->n; i++) {
        const char *state = run->q[i].sqlstate;

        ck_assert_msg(run->q[i].a->code == 0 ||
                          (state && strcmp(state, run->q[i].a->sqlstate) == 0),
                      "question %d: %s", i, run->q[i].a->error->message);
    }
    check_run(run, true, false);
    rec.server_bytes = stats_of(p).server_bytes;
    rec.client_bytes = client_greeting;
    if (client_greeting && scenario->trusted) /* all but the good-bye */
        rec.client_bytes = stats_of(p).client_bytes - 5;
    rec.client_first = scenario->trusted ? client_greeting + 1 : 1;
    rec.script = scenario->script
                     ? strdup(scenario->script)
                     : as_script(elpq_faultproxy_recording(p), scenario->noted);
    ck_assert_ptr_nonnull(rec.script);
    rec.server_first =
        scenario->trusted ? welcome_bytes(elpq_faultproxy_recording(p)) + 1 : 1;
    ck_assert_uint_gt(rec.server_bytes, rec.server_first + 5);
    settle_answers();
    free(run);
    elpq_faultproxy_free(p);
    elpq_fakepg_free(fake);
}

static void open_lanes(void)
{
    const char *error = NULL;

    for (int i = 0; i < LANES; i++) {
        if (scenario->user) {
            lanes[i].proxy = proxy_to(server_host(), real_port());
            continue;
        }
        lanes[i].fake = elpq_fakepg_new(loop, rec.script, &error);
        ck_assert_msg(lanes[i].fake, "%s", error);
        lanes[i].proxy = proxy_to("127.0.0.1", elpq_fakepg_port(lanes[i].fake));
    }
}

static unsigned notes_of(const struct lane *lane)
{
    return lane->fake ? elpq_fakepg_notes(lane->fake) : 0;
}

static void close_lanes(void)
{
    for (int i = 0; i < LANES; i++) {
        elpq_faultproxy_free(lanes[i].proxy);
        elpq_fakepg_free(lanes[i].fake);
    }
    free(rec.script);
}

/* ----------------------------------------------------------------- the cuts */

static void set_rules(const struct lane *lane, const struct job *job)
{
    unsigned long long next = stats_of(lane->proxy).sessions + 1;
    char rule[80];

    elpq_faultproxy_reset(lane->proxy);
    snprintf(rule, sizeof(rule), "session %llu %s cut %s at byte %llu", next,
             job->client ? "client" : "server", job->how,
             (unsigned long long)job->byte);
    ck_assert_ptr_null(elpq_faultproxy_rule(lane->proxy, rule));
    if (!job->second)
        return;
    snprintf(rule, sizeof(rule), "session %llu cut %s at byte %llu", next + 1,
             job->how, (unsigned long long)job->second);
    ck_assert_ptr_null(elpq_faultproxy_rule(lane->proxy, rule));
}

static struct run *start_job(const struct lane *lane, const struct job *job)
{
    struct run *run = new_run(lane->proxy);

    set_rules(lane, job);
    run->options.cancel_grace_ms = scenario->script ? job->ms : 1;
    run->options.timeout_ms = job->ms;
    /* The others connect before they are cut, however long that takes. */
    run->options.connect_timeout_ms = scenario->trusted ? 0 : job->ms;
    start_run(run);
    return run;
}

/* Runs side by side; those that were not cut are put in front of the others
 * again.  Returns how many were cut. */
static int wave(struct job *jobs, int n, int *again)
{
    struct run *runs[LANES];
    unsigned notes[LANES];
    uint64_t cuts[LANES];
    int done = 0;

    over = *again = 0;
    for (int i = 0; i < n; i++) {
        notes[i] = notes_of(&lanes[i]);
        cuts[i] = stats_of(lanes[i].proxy).cuts;
        runs[i] = start_job(&lanes[i], &jobs[i]);
    }
    run_until(&over, n);
    for (int i = 0; i < n; i++) {
        check_run(runs[i], jobs[i].ms == 0, notes_of(&lanes[i]) > notes[i]);
        if (stats_of(lanes[i].proxy).cuts > cuts[i]) {
            done++;
        } else if (jobs[i].ms && ++jobs[i].attempt < ATTEMPTS) {
            jobs[*again] = jobs[i];
            jobs[(*again)++].ms *= 2;
        }
    }
    settle_answers();
    for (int i = 0; i < n; i++)
        free(runs[i]);
    alarm((unsigned)(60 * harness_slow()));
    return done;
}

/* All that `next` makes; returns how many were cut, of *all. */
static unsigned run_jobs(bool (*next)(struct job *job), unsigned *all)
{
    int width = scenario->trusted ? LANES : CONNECTS, n = 0;
    struct job jobs[LANES];
    unsigned done = 0;
    bool more = true;

    *all = 0;
    for (;;) {
        while (more && n < width && (more = next(&jobs[n]))) {
            n++;
            (*all)++;
        }
        if (n == 0)
            return done;
        done += (unsigned)wave(jobs, n, &n);
    }
}

/* ---------------------------------------------------------------- fixture */

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists " CUTS_TABLE);
    admin_do("drop publication if exists " CUTS_PUBLICATION);
    admin_do("create table " CUTS_TABLE " (id int, t text)");
    admin_do("grant all on " CUTS_TABLE " to public");
    admin_do("create publication " CUTS_PUBLICATION " for table " CUTS_TABLE);
}

static void teardown(void)
{
    admin_do("drop publication " CUTS_PUBLICATION);
    admin_do("drop table " CUTS_TABLE);
    harness_teardown();
}

/* The changes that are recorded: before the stream begins. */
static void make_changes(void)
{
    admin_do("select pg_create_logical_replication_slot('" CUTS_SLOT
             "', 'pgoutput')");
    admin_do("insert into " CUTS_TABLE " values (1, 'one'), (2, 'two')");
}

static void drop_slot(void)
{
    await_server("select not active from pg_replication_slots where"
                 " slot_name = '" CUTS_SLOT "'");
    admin_do("select pg_drop_replication_slot('" CUTS_SLOT "')");
}

/* -------------------------------------------------------------- every byte */

static const char *const ways[] = { "fin", "rst", "stall" };
static struct job cursor; /* where the sweep is */

/* Fewer bytes where the build is slow, all if ELPQ_TEST_CUTS is set. */
static uint64_t step(unsigned usual)
{
    double slow = harness_slow();

    return extra_cuts() ? 1 : (uint64_t)(usual * (slow > 1 ? 2 * slow : 1));
}

static bool next_byte(struct job *job)
{
    if (!cursor.client && cursor.byte > rec.server_bytes) {
        cursor.client = true;
        cursor.byte = rec.client_first;
    }
    if (cursor.client && cursor.byte > rec.client_bytes)
        return false;
    *job = cursor;
    cursor.byte += step(scenario->step  ? scenario->step
                        : cursor.client ? CLIENT_STEP
                                        : 1);
    return true;
}

static void prepare(const struct scenario *s)
{
    scenario = s;
    if (s->start == replication_start)
        make_changes();
    record();
    if (s->start == replication_start)
        drop_slot();
    open_lanes();
}

START_TEST(at_every_byte)
{
    unsigned done, all;

    if (scenarios[_i].user && !harness_env(scenarios[_i].user))
        return;
    prepare(&scenarios[_i]);
    for (int way = 0; way < 3; way++) {
        cursor = (struct job){ .how = ways[way], .byte = rec.server_first };
        cursor.ms = way == 2 ? scaled(DEADLINE_MS) : 0;
        done = run_jobs(next_byte, &all);
        printf("%-12s %-6s %u cuts\n", scenario->name, ways[way], done);
        ck_assert_msg(all < done + 3 || done * 10 >= all * 9,
                      "%u of %u were cut", done, all);
        atomic_fetch_add(all_cuts, done);
    }
    close_lanes();
}
END_TEST

START_TEST(so_many_cuts)
{
    printf("%u cuts\n", atomic_load(all_cuts));
    ck_assert_uint_gt(atomic_load(all_cuts), 0);
    if (harness_slow() <= 1 && !extra_cuts() && !harness_env("CK_RUN_CASE") &&
        harness_env("ELPQ_TEST_TLS_USER"))
        ck_assert_uint_ge(atomic_load(all_cuts), AT_LEAST);
}
END_TEST

static uint64_t at_random(uint64_t first, uint64_t last)
{
    return first + random_below((uint32_t)(last - first + 1));
}

static unsigned pairs_left;

static bool next_pair(struct job *job)
{
    int way = (int)random_below(3);

    if (pairs_left == 0)
        return false;
    pairs_left--;
    *job = (struct job){ .how = ways[way] };
    job->ms = way == 2 ? scaled(DEADLINE_MS) : 0;
    job->client = rec.client_bytes && random_below(2);
    job->byte = job->client ? at_random(rec.client_first, rec.client_bytes)
                            : at_random(rec.server_first, rec.server_bytes);
    job->second = at_random(rec.server_first, rec.server_bytes);
    return true;
}

/* The second hits what connects again: a pool, for its next borrower. */
START_TEST(in_pairs)
{
    unsigned done, all;

    if (scenarios[_i].user)
        return;
    prepare(&scenarios[_i]);
    pairs_left = extra_cuts() / (2 * SCENARIOS);
    done = run_jobs(next_pair, &all);
    printf("%-12s pairs  %u\n", scenario->name, done);
    ck_assert_uint_gt(done, all / 2);
    close_lanes();
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("cuts");

    tcase_set_timeout(t, extra_cuts() ? 3600 : 300);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, at_every_byte, 0, SCENARIOS);
    tcase_add_test(t, so_many_cuts);
    tcase_add_loop_test(t, in_pairs, 0, extra_cuts() ? SCENARIOS : 0);
    suite_add_tcase(s, t);
}

int main(void)
{
    all_cuts = mmap(NULL, sizeof(*all_cuts), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all_cuts == MAP_FAILED)
        return EXIT_FAILURE;
    return harness_main("cuts", build);
}

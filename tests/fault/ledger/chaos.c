/* SPDX-License-Identifier: PostgreSQL */
/*
 * Chaos: what goes wrong, at its rate.
 *
 * A timer looks every TICK_MS at how much of each is due, and does it.  What is
 * due for longer than a quarter of a second is forgotten: after an outage, or
 * on a slow machine, it would end each connection as soon as that is made, for
 * ever.  But not all that is tried meets something, and nothing does in an
 * outage; so where too little has happened up to now, up to twice as much is
 * tried.  Crashes come in their period, the first after a third of
 * it; on three nodes every second one is a fail-over to a standby, and the
 * old primary comes back as a standby.
 *
 * Owns `chaos`, the counts, and a router of its own, straight to the nodes,
 * with which it ends backends.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

enum {
    TICK_MS = 10,
    RESETS = 32, /* a second, as are all these; what is armed may not come */
    TERMINATES = 24,
    CANCELS = 30,
    HURRIES = 30,
    KILLS_WANTED = 43, /* what must have happened                           */
    CANCELS_WANTED = 53,
};

struct chaos_counts chaos;

static struct event *timer;
static elpq_router *admin;
static unsigned pace;
static int64_t crash_every, next_crash;
static bool stopping;
static bool crashing; /* the servers have commands                         */
static unsigned terminating; /* statements under way                       */
static int primary, next_primary;
static uint64_t resets_seen;
static int64_t first_tick, last_tick;

/* ---------------------------------------------------------------- backends */

static void on_terminated(elpq_result *result, const elpq_error *error,
                          void *arg)
{
    const char *done;

    (void)arg;
    terminating--;
    if (error || elpq_rows(result) == 0)
        return;
    done = elpq_get_text(result, 0, 0);
    if (done && *done == 't') {
        chaos.terminated++;
        timeline_add(S_KILLS, 1);
    }
}

static void terminate_one(void)
{
    elpq_options o = { .timeout_ms = 1000 };
    int rc = elpq_execute(
        admin,
        elpq_sql("select pg_terminate_backend(pid)::text"
                 " from (select pid, row_number() over (order by pid) - 1 n,"
                 " count(*) over () many from pg_stat_activity"
                 " where application_name = 'ledger') s where n = $1 % many",
                 (int)chance(1000)),
        &o, on_terminated, NULL);

    terminating += rc == 0;
}

/* ----------------------------------------------------------------- crashes */

static void on_over(const char *answer)
{
    (void)answer;
    crashing = false;
}

static void on_up(const char *answer)
{
    timeline_up();
    on_over(answer);
}

static void on_dead(const char *answer)
{
    (void)answer;
    timeline_dead();
}

static void crash(void)
{
    chaos.crashes++;
    timeline_down(M_CRASH);
    servers_tell(on_dead, "kill %d", primary);
    servers_tell(on_up, "start %d", primary);
}

static void on_promoted(const char *answer)
{
    int third = 3 - primary - next_primary;

    (void)answer;
    timeline_up();
    chaos.failovers++;
    servers_tell(NULL, "follow %d %d", third, next_primary);
    servers_tell(on_over, "rejoin %d %d", primary, next_primary);
    primary = next_primary;
}

static void on_best(const char *answer)
{
    next_primary = atoi(answer);
    servers_tell(on_promoted, "promote %d", next_primary);
}

static void fail_over(void)
{
    timeline_down(M_FAILOVER);
    servers_tell(on_dead, "kill %d", primary);
    servers_tell(on_best, "best %d %d", (primary + 1) % 3, (primary + 2) % 3);
}

static void crash_when_due(int64_t now)
{
    if (crashing || stopping || now < next_crash)
        return;
    crashing = true;
    next_crash = now + crash_every;
    if (servers_nodes() == 3 && chaos.failovers <= chaos.crashes)
        fail_over();
    else
        crash();
}

/* ------------------------------------------------------------------- ticks */

/* How much more than usual is to be tried. */
static double boost(uint64_t happened, unsigned wanted)
{
    double all = wanted * (double)(last_tick - first_tick) / 1e6 * pace / 100;

    if (all <= (double)happened)
        return 1;
    return all < 2 * (double)happened ? all / (double)happened : 2;
}

/* How many are due; at least one a time is kept. */
static unsigned due(double *saved, double rate, int64_t usec)
{
    double more = rate * pace / 100 / 1e6;
    unsigned n;

    *saved += more * (double)usec;
    if (*saved > 1 + more * 250000)
        *saved = 1 + more * 250000;
    n = (unsigned)*saved;
    *saved -= n;
    return n;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    static double resets, terminates, cancels, hurries;
    int64_t now = now_usec(), since = now - last_tick;
    double kills, stops;
    unsigned n;

    (void)fd;
    (void)what;
    (void)arg;
    if (stopping)
        return;
    last_tick = now;
    timeline_add(S_KILLS, (unsigned)(proxies_resets() - resets_seen));
    resets_seen = proxies_resets();
    kills = boost(chaos.terminated + resets_seen, KILLS_WANTED);
    stops = boost(bank.cancels + bank.deadlines, CANCELS_WANTED);
    for (n = due(&resets, RESETS * kills, since); n > 0; n--)
        proxies_reset_one();
    for (n = due(&terminates, TERMINATES * kills, since); n > 0; n--)
        terminate_one();
    for (n = due(&cancels, CANCELS * stops, since); n > 0; n--)
        bank_cancel_one();
    for (n = due(&hurries, HURRIES * stops, since); n > 0; n--)
        bank_hurry_one();
    crash_when_due(now);
}

void chaos_start(struct event_base *base, const struct settings *settings)
{
    static const struct timeval tick = { 0, TICK_MS * 1000 };
    elpq_router_options o = { .pool.max_size = 2, .backoff_max_ms = 250 };
    const char *hosts[4] = { NULL };

    pace = (unsigned)settings->pace;
    crash_every = settings->crash_seconds * INT64_C(1000000);
    for (int i = 0; i < servers_nodes(); i++)
        hosts[i] = servers_conninfo(i);
    admin = elpq_router_new(base, hosts, &o, NULL);
    timer = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    if (!admin || !timer || event_add(timer, &tick) != 0)
        give_up("no chaos");
    first_tick = last_tick = now_usec();
    next_crash = last_tick + crash_every / 3;
}

void chaos_stop(void)
{
    stopping = true;
}

bool chaos_is_done(void)
{
    return stopping && !crashing && terminating == 0;
}

void chaos_end(void)
{
    event_free(timer);
    elpq_router_close(admin, 0, NULL, NULL);
}

int chaos_primary(void)
{
    return primary;
}

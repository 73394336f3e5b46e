/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the hosts of a router are: the checks, the roles, the lag.
 *
 * Each host has one connection of ours, its monitor.  A check is one
 * statement on it, or a connect before that; host->checking is set from its
 * start to its end, and host->next runs between two checks, so exactly one of
 * both holds until the host is stopped.
 *
 * learn() and fail() alone write what is known of a host, and then elect()
 * decides who is the primary.  A host that is in doubt (doubtful) stays what
 * it was, but gets nothing new.
 *
 * Lag is measured on the primary's WAL: each answer of the primary is a
 * sample, the time at which we asked and how far its WAL was then.  A standby
 * that has replayed so far has all that was committed before that time.  Only
 * our own clock takes part, and what we do not know makes the lag longer,
 * never shorter.
 *
 * A standby that has replayed more than the primary has written does not
 * follow this primary: it gets nothing until it was restarted.  The same holds
 * while it receives WAL of an older timeline than the primary's, where the
 * server tells us that (is_astray).
 */
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "router_int.h"

#define USEC_PER_MS INT64_C(1000)

/*
 * In recovery; read only; position in the WAL; timeline: a standby's is that of
 * the WAL it receives, 0 if it receives none or we may not know.  The primary's
 * position is what it has flushed, as no standby gets more.
 */
static const char question[] =
    "select pg_is_in_recovery(),"
    " current_setting('transaction_read_only')::bool,"
    " (case when pg_is_in_recovery()"
    " then coalesce(pg_last_wal_replay_lsn(), '0/0')"
    " else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn)::int8,"
    " case when pg_is_in_recovery() then coalesce("
    "(select received_tli from pg_stat_wal_receiver), 0)"
    " else ('x' || substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8))"
    "::bit(32)::int8 end";

static void check(struct elpq__host *host);

static void tell(struct elpq__host *host, elpq_router_event_kind kind,
                 const elpq_error *error)
{
    elpq_router *router = host->router;
    int64_t lag = elpq__host_lag_usec(host);
    elpq_router_event event = { .kind = kind,
                                .host = host->number,
                                .name = host->name,
                                .error = error,
                                .lag_ms = lag < 0 ? -1 : lag / USEC_PER_MS };

    if (router->options.event && !router->stopped)
        router->options.event(router, &event, router->options.event_arg);
}

/* -------------------------------------------------------------------- lag */

/* A younger sample of the same position says more than an older one. */
static void add_sample(elpq_router *router, int64_t time, int64_t lsn)
{
    struct elpq__sample *s = router->samples;
    int64_t apart = router->options.check_period_ms * USEC_PER_MS / 4;
    unsigned n = router->nsamples;

    if (n > 0 && s[n - 1].lsn == lsn) {
        s[n - 1].time = time;
        return;
    }
    /* In a hurry they come close together: fewer are as good. */
    if (n > 1 && s[n - 1].time - s[n - 2].time < apart) {
        n--;
    } else if (n == ELPQ__SAMPLES) {
        n--;
        memmove(s, s + 1, n * sizeof(*s));
    }
    s[n].time = time;
    s[n].lsn = lsn;
    router->nsamples = n + 1;
}

/* A primary that has been deposed, or a standby that follows such a one. */
static bool is_astray(const struct elpq__host *host)
{
    return host->timeline > 0 &&
           host->timeline < host->router->newest_timeline;
}

/* The youngest sample that the standby has replayed. */
static void measure(struct elpq__host *host)
{
    const elpq_router *router = host->router;

    if (host->role != ELPQ_ROLE_STANDBY || is_astray(host))
        return;
    for (unsigned i = router->nsamples; i > 0; i--) {
        const struct elpq__sample *s = &router->samples[i - 1];

        if (s->lsn <= host->lsn) {
            if (s->time > host->fresh)
                host->fresh = s->time;
            break;
        }
    }
}

int64_t elpq__host_lag_usec(const struct elpq__host *host)
{
    return host->role == ELPQ_ROLE_STANDBY && host->fresh
               ? elpq__now() - host->fresh
               : -1;
}

int64_t elpq__host_lag_bytes(const struct elpq__host *host)
{
    const elpq_router *router = host->router;
    int64_t bytes;

    if (host->role != ELPQ_ROLE_STANDBY || router->nsamples == 0)
        return -1;
    bytes = router->samples[router->nsamples - 1].lsn - host->lsn;
    return bytes > 0 ? bytes : 0;
}

static bool within_bounds(const struct elpq__host *host)
{
    const elpq_router_options *o = &host->router->options;
    int64_t lag = elpq__host_lag_usec(host);
    int64_t bytes = elpq__host_lag_bytes(host);

    if (host->role != ELPQ_ROLE_STANDBY || host->diverged || is_astray(host))
        return false;
    if (o->max_lag_ms >= 0 && (lag < 0 || lag > o->max_lag_ms * USEC_PER_MS))
        return false;
    return o->max_lag_bytes == 0 ||
           (bytes >= 0 && (uint64_t)bytes <= o->max_lag_bytes);
}

bool elpq__host_current(const struct elpq__host *host)
{
    return host->up && !host->doubtful && within_bounds(host);
}

/* Tells who came into the bound, or fell out of it. */
static void note_bounds(elpq_router *router)
{
    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[i];
        bool current = host->up && within_bounds(host);

        if (current == host->current)
            continue;
        host->current = current;
        tell(host, current ? ELPQ_ROUTER_CURRENT : ELPQ_ROUTER_LAGGING, NULL);
    }
}

/* ------------------------------------------------------------------ roles */

bool elpq__host_writable(const struct elpq__host *host)
{
    return host->role == ELPQ_ROLE_PRIMARY && host->up && !host->doubtful;
}

/* What waits in its pool goes where it belongs now. */
static void send_away(struct elpq__host *host)
{
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_LOST, ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE,
                    "the host is down, or its role has changed");
    if (host->pool)
        elpq__pool_fail_waiting(host->pool, &error);
}

static void set_role(struct elpq__host *host, elpq_role role)
{
    elpq_role was = host->role;

    if (was == role)
        return;
    host->role = role;
    host->fresh = 0;
    send_away(host);
    if (role == ELPQ_ROLE_PRIMARY) {
        host->router->stats.primaries++;
        tell(host, ELPQ_ROUTER_PRIMARY, NULL);
    } else if (role == ELPQ_ROLE_STANDBY) {
        tell(host, ELPQ_ROUTER_STANDBY, NULL);
    }
}

/*
 * The one of the highest timeline; of equals, the one that it was.  Whoever is
 * on an older timeline than a primary that there was has been deposed, and is
 * none while that one is away either.
 */
static struct elpq__host *best(const elpq_router *router)
{
    struct elpq__host *best = NULL;

    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[i];

        if (!host->up || !host->writable || is_astray(host))
            continue;
        if (!best || host->timeline > best->timeline ||
            (host->timeline == best->timeline && host == router->primary))
            best = host;
    }
    return best;
}

/* The samples of one primary tell nothing of another. */
static void begin_samples(elpq_router *router, struct elpq__host *primary)
{
    if (router->sampled == primary &&
        router->sampled_timeline == primary->timeline)
        return;
    router->sampled = primary;
    router->sampled_timeline = primary->timeline;
    router->nsamples = 0;
    for (unsigned i = 0; i < router->nhosts; i++)
        router->hosts[i].fresh = 0;
}

static void check_all(elpq_router *router)
{
    for (unsigned i = 0; i < router->nhosts; i++)
        if (!router->stopped && !router->hosts[i].checking)
            check(&router->hosts[i]);
}

static elpq_role role_of(const struct elpq__host *host)
{
    if (host == host->router->primary)
        return ELPQ_ROLE_PRIMARY;
    return host->up && !host->writable && host->lsn ? ELPQ_ROLE_STANDBY
                                                    : ELPQ_ROLE_NONE;
}

/* Whoever says that it is the primary, and is not, also if it was away when
 * that was decided: what is lent of it must not write there any more. */
static void expel_rivals(elpq_router *router)
{
    if (router->stopped)
        return;
    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[i];
        bool was = host->rival;

        host->rival = host != router->primary && host->up && host->writable;
        if (host->rival && !was)
            elpq__pool_expel(host->pool,
                             "the host is not the primary any more");
    }
}

/* Each host's role, from what all of them say. */
static void elect(elpq_router *router)
{
    struct elpq__host *was = router->primary;
    struct elpq__host *now = best(router);

    router->primary = now;
    if (now) {
        router->newest_timeline = now->timeline;
        begin_samples(router, now);
        router->hunts = 0;
    }
    if (was)
        set_role(was, role_of(was)); /* the old one goes first */
    for (unsigned i = 0; i < router->nhosts; i++)
        set_role(&router->hosts[i], role_of(&router->hosts[i]));
    expel_rivals(router);
    if (was && !now) {
        tell(was, ELPQ_ROUTER_NO_PRIMARY, NULL);
        check_all(router); /* one of them may have been promoted */
    }
}

/* ----------------------------------------------------------------- checks */

static void schedule(struct elpq__host *host)
{
    elpq_router *router = host->router;
    const elpq_router_options *o = &router->options;
    int64_t usec = o->check_period_ms * USEC_PER_MS;

    host->checking = false;
    if (router->stopped)
        return;
    if (host->again && host->up)
        usec = 0;
    else if (host->hiccup)
        usec = o->backoff_min_ms * USEC_PER_MS;
    else if (!host->up)
        usec = elpq__backoff_usec(&router->random, host->failures - 1,
                                  o->backoff_min_ms, o->backoff_max_ms);
    else if (!router->primary)
        usec = elpq__backoff_usec(&router->random,
                                  router->hunts++ / router->nhosts,
                                  o->backoff_min_ms, o->backoff_max_ms);
    host->again = false;
    elpq__timer_start(router->loop, &host->next, elpq__now() + usec);
}

/* What follows from news of a host, in the order in which it matters. */
static void settle(struct elpq__host *host)
{
    elpq_router *router = host->router;

    elect(router);
    for (unsigned i = 0; i < router->nhosts; i++)
        measure(&router->hosts[i]);
    note_bounds(router);
    elpq__router_wake(router);
    schedule(host);
}

static void drop_monitor(struct elpq__host *host)
{
    elpq_conn *monitor = host->monitor;

    host->monitor = NULL;
    elpq__list_remove(&host->gone.node);
    if (monitor)
        elpq_conn_close(monitor);
}

static bool all_tried(const elpq_router *router)
{
    for (unsigned i = 0; i < router->nhosts; i++)
        if (!router->hosts[i].tried)
            return false;
    return true;
}

/* The host does not answer. */
static void fail(struct elpq__host *host, const elpq_error *error)
{
    elpq_router *router = host->router;
    bool was_up = host->up;
    bool first = !host->tried;

    host->check_failures++;
    host->failures++;
    host->tried = true;
    host->up = host->writable = host->diverged = false;
    host->doubtful = host->hiccup = false;
    host->round_trip = 0;
    if (was_up || first)
        tell(host, ELPQ_ROUTER_HOST_DOWN, error);
    if (!was_up)
        send_away(host);
    if (!router->was_up && all_tried(router))
        elpq__router_fail_waiting(router, error);
    drop_monitor(host);
    settle(host);
}

/* Whether a standby is ahead of its primary, which it then does not follow. */
static void find_diverged(elpq_router *router, const struct elpq__host *primary)
{
    for (unsigned i = 0; i < router->nhosts; i++) {
        struct elpq__host *host = &router->hosts[i];

        if (host->role == ELPQ_ROLE_STANDBY &&
            host->answered < primary->asked && host->lsn > primary->lsn)
            host->diverged = true;
    }
}

/* The answer: false if it is none. */
static bool read_answer(struct elpq__host *host, elpq_result *result)
{
    bool in_recovery, read_only;

    if (elpq_scan(result, 0, &in_recovery, &read_only, &host->lsn,
                  &host->timeline) != 0)
        return false;
    host->writable = !in_recovery && !read_only;
    if (!in_recovery && read_only)
        host->lsn = 0; /* neither a primary nor a standby */
    return true;
}

static void learn(struct elpq__host *host)
{
    elpq_router *router = host->router;
    int64_t now = elpq__now();
    int64_t usec = now - host->asked;

    host->round_trip =
        host->round_trip ? (host->round_trip * 3 + usec) / 4 : usec;
    host->checks++;
    host->failures = 0;
    host->answered = now;
    host->doubtful = host->again;
    host->hiccup = false;
    host->tried = true;
    router->was_up = true;
    if (!host->up) {
        host->up = true;
        tell(host, ELPQ_ROUTER_HOST_UP, NULL);
    }
    if (host->writable && best(router) == host) {
        begin_samples(router, host);
        add_sample(router, host->asked, host->lsn);
        find_diverged(router, host);
    }
    settle(host);
}

static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct elpq__host *host = arg;
    elpq_error nonsense;

    if (host->router->stopped)
        return;
    if (error && error->code == ELPQ_E_SERVER && !host->hiccup &&
        elpq_conn_is_open(host->monitor)) {
        host->hiccup = true; /* its role may have changed in between */
        schedule(host);
    } else if (error) {
        fail(host, error);
    } else if (!read_answer(host, result)) {
        elpq__error_set(&nonsense, ELPQ_E_PROTOCOL, 0, NULL);
        fail(host, &nonsense);
    } else {
        learn(host);
    }
}

static void ask(struct elpq__host *host)
{
    elpq_statement st = elpq_sql_from_trusted_string(question, NULL, 0);
    elpq_options options = { 0 };
    elpq_error error;
    int code;

    host->asked = elpq__now();
    host->again = false;
    options.timeout_ms = (int)((host->due - host->asked) / USEC_PER_MS);
    if (options.timeout_ms <= 0)
        options.timeout_ms = 1;
    code = elpq_conn_execute(host->monitor, &st, &options, on_answer, host);
    if (code) {
        elpq__error_set(&error, (elpq_code)code, 0, NULL);
        fail(host, &error);
    }
}

static void on_gone(struct elpq__watcher *watcher, const elpq_error *error)
{
    struct elpq__host *host = elpq__container(watcher, struct elpq__host, gone);

    (void)error;
    elpq__host_doubt(host);
}

static void on_monitor(elpq_conn *conn, const elpq_error *error, void *arg)
{
    struct elpq__host *host = arg;

    if (host->router->stopped)
        return;
    if (error) {
        host->monitor = NULL; /* it is gone when this has returned */
        fail(host, error);
        return;
    }
    host->gone.gone = on_gone;
    elpq__list_push(&conn->watchers, &host->gone.node);
    ask(host);
}

static void check(struct elpq__host *host)
{
    elpq_router *router = host->router;
    elpq_error error;

    elpq__timer_stop(router->loop, &host->next);
    host->checking = true;
    host->due = elpq__now() + router->options.check_timeout_ms * USEC_PER_MS;
    if (host->monitor && !elpq_conn_is_open(host->monitor))
        drop_monitor(host);
    if (host->monitor) {
        ask(host);
        return;
    }
    host->diverged = false;
    host->monitor = elpq_connect(router->base, host->conninfo, &router->monitor,
                                 on_monitor, host, NULL);
    if (host->monitor)
        return;
    /* Without memory or descriptors: not from inside of the caller. */
    elpq__error_set(&error, ELPQ_E_NOMEM, 0, NULL);
    host->checking = false;
    host->failures++;
    elpq__timer_start(router->loop, &host->next,
                      elpq__now() +
                          router->options.backoff_max_ms * USEC_PER_MS);
}

static void on_next(struct elpq__timer *timer)
{
    check(elpq__container(timer, struct elpq__host, next));
}

/* ---------------------------------------------------------- for router.c */

void elpq__host_check_now(struct elpq__host *host)
{
    if (host->router->stopped)
        return;
    host->again = true;
    if (!host->checking)
        elpq__timer_start(host->router->loop, &host->next, elpq__now());
}

void elpq__host_doubt(struct elpq__host *host)
{
    if (host->router->stopped || (host->tried && !host->up))
        return; /* it is being tried again */
    host->doubtful = true;
    elpq__host_check_now(host);
}

void elpq__host_start(struct elpq__host *host)
{
    host->next.fire = on_next;
    elpq__timer_start(host->router->loop, &host->next, elpq__now());
}

void elpq__host_stop(struct elpq__host *host)
{
    elpq__timer_stop(host->router->loop, &host->next);
    drop_monitor(host);
}

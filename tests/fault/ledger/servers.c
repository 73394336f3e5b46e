/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the bank runs against: one node or three of tests/support/cluster, with
 * replica three; a pooler before it, with pgbouncer; in front of each host a
 * proxy on the loopback interface; and on this side a pool, or for three nodes
 * a router.
 *
 * Owns the scripts' processes and pipes, the proxies, and the target.  The
 * scripts end, and clean up, when their standard input is closed: however
 * this program ends.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"

enum { NODES_MAX = 3, COMMANDS_MAX = 8 };

/* The pooler's connections to the server: fewer than those of the bank. */
#define BOUNCER_SIZE "12"

extern char **environ;

struct script {
    pid_t pid;
    int in, out;
    char dir[200]; /* what it said first                                   */
};

static struct event_base *base;
static int nodes;
static bool pooled;
static struct script cluster = { .pid = -1 }, bouncer = { .pid = -1 };
static struct event *answered;

static struct command {
    void (*then)(const char *answer);
    char text[64];
} commands[COMMANDS_MAX]; /* a ring; the first has been told               */
static unsigned first_command, ncommands;

static elpq_faultproxy *proxies[NODES_MAX];
static elpq_pool *pool;
static elpq_router *router;

/* ---------------------------------------------------------------- scripts */

static bool read_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    char c;

    while (read(fd, &c, 1) == 1 && c != '\n')
        if (n + 1 < size)
            line[n++] = c;
    line[n] = '\0';
    return n > 0;
}

/* arguments[1] is the script's name. */
static void script_start(struct script *s, const char *arguments[])
{
    char path[400];
    posix_spawn_file_actions_t actions;
    int in[2], out[2];

    snprintf(path, sizeof(path), "%s/%s", getenv("ELPQ_TEST_SUPPORT"),
             arguments[1]);
    arguments[1] = path;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        give_up("pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (posix_spawn(&s->pid, "/bin/sh", &actions, NULL, (char **)arguments,
                    environ) != 0)
        give_up("%s cannot be started", path);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    s->in = in[1];
    s->out = out[0];
    if (!read_line(s->out, s->dir, sizeof(s->dir)))
        give_up("%s did not start", path);
}

static void script_stop(struct script *s)
{
    if (s->pid < 0)
        return;
    close(s->in);
    waitpid(s->pid, NULL, 0);
    close(s->out);
    s->pid = -1;
}

/* --------------------------------------------------------------- commands */

static void tell_first(void)
{
    dprintf(cluster.in, "%s\n", commands[first_command].text);
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
    struct command c = commands[first_command];
    char line[64];

    (void)what;
    (void)arg;
    if (!read_line((int)fd, line, sizeof(line)) || ncommands == 0 ||
        strcmp(line, "failed") == 0) {
        dprintf(cluster.in, "log\n");
        give_up("tests/support/cluster: %s failed", c.text);
    }
    first_command = (first_command + 1) % COMMANDS_MAX;
    if (--ncommands)
        tell_first();
    if (c.then)
        c.then(line);
}

void servers_tell(void (*then)(const char *answer), const char *format, ...)
{
    struct command *c;
    va_list args;

    if (ncommands == COMMANDS_MAX)
        give_up("too many commands for the servers");
    c = &commands[(first_command + ncommands) % COMMANDS_MAX];
    c->then = then;
    va_start(args, format);
    vsnprintf(c->text, sizeof(c->text), format, args);
    va_end(args);
    if (++ncommands == 1)
        tell_first();
}

/* ------------------------------------------------------------------ hosts */

int servers_nodes(void)
{
    return nodes;
}

const char *servers_conninfo(int node)
{
    static char text[NODES_MAX][400];

    snprintf(text[node], sizeof(text[node]),
             "host=%s port=500%d user=elpq_super dbname=postgres"
             " application_name=chaos",
             cluster.dir, node);
    return text[node];
}

static void start_bouncer(void)
{
    const char *arguments[] = { "sh",         "pgbouncer", "transaction",
                                BOUNCER_SIZE, "100",       NULL };

    setenv("PGHOST", cluster.dir, 1);
    setenv("PGPORT", "5000", 1);
    setenv("PGUSER", "elpq_super", 1);
    script_start(&bouncer, arguments);
}

static void start_proxies(uint64_t seed)
{
    for (int i = 0; i < nodes; i++) {
        elpq_faultproxy_options o = {
            .upstream_host = pooled ? bouncer.dir : cluster.dir,
            .upstream_port = pooled ? 6432 : 5000 + i,
            .seed = seed + (uint64_t)i,
        };

        proxies[i] = elpq_faultproxy_new(base, &o);
        if (!proxies[i])
            give_up("no proxy: %s", strerror(errno));
    }
}

void servers_start(struct event_base *loop, const struct settings *settings)
{
    const char *arguments[] = { "sh", "cluster", settings->replica ? "3" : "1",
                                NULL };

    if (!getenv("ELPQ_TEST_SUPPORT"))
        give_up("this runs under tests/support/with-postgres, on a server of "
                "its own");
    base = loop;
    nodes = settings->replica ? 3 : 1;
    pooled = settings->pgbouncer;
    script_start(&cluster, arguments);
    answered =
        event_new(base, cluster.out, EV_READ | EV_PERSIST, on_answer, NULL);
    if (!answered || event_add(answered, NULL) != 0)
        give_up("no event");
    if (pooled)
        start_bouncer();
    start_proxies(settings->seed);
}

void servers_stop(void)
{
    script_stop(&bouncer);
    script_stop(&cluster);
    for (int i = 0; i < nodes; i++)
        elpq_faultproxy_free(proxies[i]);
    if (answered)
        event_free(answered);
    answered = NULL;
    nodes = 0;
}

/* ----------------------------------------------------------------- target */

static const char *through_proxy(int i)
{
    static char text[NODES_MAX][200];

    snprintf(text[i], sizeof(text[i]),
             "host=127.0.0.1 port=%d user=elpq_super dbname=postgres"
             " sslmode=disable application_name=ledger",
             elpq_faultproxy_port(proxies[i]));
    return text[i];
}

/* Short pauses: most connects that fail here were reset on their way. */
void target_open(elpq_notice_cb notice)
{
    elpq_pool_options o = { .max_size = CONNECTIONS,
                            .max_connecting = 8,
                            .backoff_min_ms = 2,
                            .backoff_max_ms = 40 };
    elpq_router_options ro = { .check_timeout_ms = 1000,
                               .backoff_max_ms = 250 };
    const char *hosts[NODES_MAX + 1] = { NULL };
    elpq_error *error = NULL;

    o.conn.connect_timeout_ms = 5000;
    o.conn.notice = notice;
    if (pooled)
        o.conn.pooler = ELPQ_POOLER_TRANSACTION;
    for (int i = 0; i < nodes; i++)
        hosts[i] = through_proxy(i);
    ro.pool = o;
    if (nodes > 1)
        router = elpq_router_new(base, hosts, &ro, &error);
    else
        pool = elpq_pool_new(base, hosts[0], &o, &error);
    if (!router && !pool)
        give_up("no pool: %s", error ? error->message : "why?");
}

static void on_closed(const elpq_error *error, void *arg)
{
    (void)error;
    *(bool *)arg = true;
}

void target_close(void)
{
    bool closed = false;

    if (router)
        elpq_router_close(router, 0, on_closed, &closed);
    else
        elpq_pool_close(pool, 0, on_closed, &closed);
    while (!closed)
        event_base_loop(base, EVLOOP_ONCE);
    router = NULL;
    pool = NULL;
}

elpq_pool *target_pool(void)
{
    return pool;
}

int target_execute(const elpq_statement *statement, const elpq_options *options,
                   elpq_result_cb callback, void *arg)
{
    if (router)
        return elpq_execute(router, statement, options, callback, arg);
    return elpq_execute(pool, statement, options, callback, arg);
}

int target_begin(const elpq_tx_options *options, elpq_tx_cb callback, void *arg)
{
    if (router)
        return elpq_begin(router, options, callback, arg);
    return elpq_begin(pool, options, callback, arg);
}

/* ----------------------------------------------------------------- resets */

uint64_t proxies_resets(void)
{
    elpq_faultproxy_stats stats;
    uint64_t sum = 0;

    for (int i = 0; i < nodes; i++) {
        elpq_faultproxy_statistics(proxies[i], &stats);
        sum += stats.cuts;
    }
    return sum;
}

uint64_t proxies_open(void)
{
    elpq_faultproxy_stats stats;
    uint64_t sum = 0;

    for (int i = 0; i < nodes; i++) {
        elpq_faultproxy_statistics(proxies[i], &stats);
        sum += stats.open;
    }
    return sum;
}

static void rule(elpq_faultproxy *proxy, uint64_t session, const char *what)
{
    char text[100];
    const char *wrong;

    snprintf(text, sizeof(text), "session %" PRIu64 " %s", session, what);
    wrong = elpq_faultproxy_rule(proxy, text);
    if (wrong)
        give_up("%s: %s", text, wrong);
}

/*
 * Two of three resets come at any moment, to one of the last sessions, if it is
 * open still.  The others wait at a byte for whoever connects next: more
 * often than not, in the middle of a message.
 */
void proxies_reset_one(void)
{
    elpq_faultproxy *proxy = proxies[chance((uint32_t)nodes)];
    elpq_faultproxy_stats stats;

    elpq_faultproxy_statistics(proxy, &stats);
    if (stats.open == 0)
        return;
    if (chance(3) == 0) {
        elpq_faultproxy_reset(proxy);
        rule(proxy, stats.sessions + 1,
             chance(2) ? "client cut rst at byte ?8000"
                       : "server cut rst at byte ?8000");
        return;
    }
    for (uint64_t i = 0; i < 2 * CONNECTIONS && i < stats.sessions; i++) {
        uint64_t before = stats.cuts;

        rule(proxy, stats.sessions - chance(2 * CONNECTIONS) % stats.sessions,
             "cut rst");
        elpq_faultproxy_statistics(proxy, &stats);
        if (stats.cuts > before)
            return;
    }
}

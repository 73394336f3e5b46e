/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of the listener share: one listener, and what it has told.
 */
#ifndef ELPQ_TESTS_LISTEN_H
#define ELPQ_TESTS_LISTEN_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"

/* What the listener of a test has told, in one line of text each. */
static struct log {
    elpq_listener *l;
    char lines[4096][48];
    int count;
    int ups, downs, gaps, notes, failed;
    int last_code;
    bool given_up;
    void (*then)(void); /* runs once, in the next callback                 */
} told;

static inline void run_then(void)
{
    void (*then)(void) = told.then;

    told.then = NULL;
    if (then)
        then();
}

static inline void tell(const char *kind, const char *channel,
                        const char *payload)
{
    ck_assert_int_eq(harness_depth, 0);
    ck_assert_int_lt(told.count, 4096);
    snprintf(told.lines[told.count++], sizeof(told.lines[0]), "%s %s%s%s",
             kind, channel ? channel : "*", payload ? " " : "",
             payload ? payload : "");
}

static inline void on_event_of(elpq_listener *l, const elpq_listen_event *event,
                        void *arg)
{
    static const char *const kinds[] = { "UP", "DOWN", "GAP" };

    ck_assert_ptr_eq(arg, &told);
    ck_assert(!told.l || l == told.l);
    ck_assert_int_eq(event->error != NULL, event->kind == ELPQ_LISTEN_DOWN);
    tell(kinds[event->kind], event->channel, NULL);
    told.ups += event->kind == ELPQ_LISTEN_UP;
    told.gaps += event->kind == ELPQ_LISTEN_GAP;
    told.downs += event->kind == ELPQ_LISTEN_DOWN && !event->channel;
    told.failed += event->kind == ELPQ_LISTEN_DOWN && event->channel;
    if (event->error) {
        told.last_code = event->error->code;
        told.given_up = event->given_up;
    }
    run_then();
}

static inline void on_note(const elpq_notification *n, void *arg)
{
    tell(arg ? arg : "N", n->channel, n->payload);
    told.notes++;
    ck_assert_int_gt(n->pid, 0);
    run_then();
}

/* What the listeners of this process call themselves. */
static inline const char *self(void)
{
    static char name[40];

    snprintf(name, sizeof(name), "listen%d", (int)getpid());
    return name;
}

static inline elpq_listener *listener_at(const char *conninfo,
                                  const elpq_listener_options *options)
{
    elpq_listener_options o = { .backoff_min_ms = 10, .backoff_max_ms = 100 };
    elpq_error *error = NULL;

    memset(&told, 0, sizeof(told));
    RUN(told.l = elpq_listener_new(loop, conninfo, options ? options : &o,
                                   on_event_of, &told, &error));
    ck_assert_msg(told.l, "no listener: %s", error ? error->message : "why?");
    return told.l;
}

static inline elpq_listener *listener(const elpq_listener_options *options)
{
    char conninfo[64];

    snprintf(conninfo, sizeof(conninfo), "application_name=%s", self());
    return listener_at(conninfo, options);
}

static inline void listen_to(const char *channel)
{
    ck_assert_int_eq(CALL(elpq_listen(told.l, channel, on_note, NULL)), 0);
}

static inline void unlisten(const char *channel)
{
    ck_assert_int_eq(CALL(elpq_unlisten(told.l, channel, on_note, NULL)), 0);
}

static inline elpq_listener_statistics counts(void)
{
    elpq_listener_statistics s;

    elpq_listener_stats(told.l, &s);
    return s;
}

static inline void finish_listener(void)
{
    struct answer *a = answer_new();

    RUN(elpq_listener_close(told.l, on_done, a));
    expect_ok(a);
    told.l = NULL;
}

static inline void notify(const char *channel, const char *payload)
{
    admin_do("select pg_notify('%s', '%s')", channel, payload);
}

/* The pid of the listener's backend, and the only one of that name. */
static inline int backend(void)
{
    await_server("select count(*) = 1 from pg_stat_activity"
                 " where application_name = '%s'", self());
    return (int)admin_int("select pid from pg_stat_activity"
                          " where application_name = '%s'", self());
}

static inline void expect_lines(const char *const *lines, int n)
{
    int i;

    for (i = 0; i < n; i++)
        ck_assert_msg(i < told.count && strcmp(told.lines[i], lines[i]) == 0,
                      "line %d: '%s' expected, got '%s'", i, lines[i],
                      i < told.count ? told.lines[i] : "nothing");
    ck_assert_int_eq(told.count, n);
}
#define expect_told(...)                                                      \
    do {                                                                      \
        static const char *const l_[] = { __VA_ARGS__ };                      \
        expect_lines(l_, (int)(sizeof(l_) / sizeof(l_[0])));                  \
    } while (0)

#endif

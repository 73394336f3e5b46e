/* SPDX-License-Identifier: PostgreSQL */
/*
 * Notifications: a loop of PQnotifies on epoll, and elpq's listener.  A third
 * connection, the same for both, sends them all in one statement.
 */
#include "bench.h"

#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct state {
    PGconn *sender;
    const char *channel; /* of this side: the other one does not listen now */
    PGconn *db;          /* of the floor */
    int epoll;
    struct event_base *base;
    elpq_listener *listener;
    uint64_t missing;
    uint64_t sum;
};

static void fail(PGconn *db)
{
    bench_die("LISTEN", PQerrorMessage(db));
}

static PGconn *connect_one(void)
{
    PGconn *db = PQconnectdb("");

    if (PQstatus(db) != CONNECTION_OK)
        fail(db);
    bench_place_backend(PQbackendPID(db));
    return db;
}

static struct state *state_new(const char *channel)
{
    struct state *s = calloc(1, sizeof(*s));

    if (!s)
        bench_die("LISTEN", "out of memory");
    s->channel = channel;
    s->sender = connect_one();
    return s;
}

static void send_all(struct state *s, uint64_t n)
{
    char sql[200];

    s->missing = n;
    s->sum = 0;
    snprintf(sql, sizeof(sql),
             "SELECT count(pg_notify('%s', i::text))"
             " FROM generate_series(1, %llu) i",
             s->channel, (unsigned long long)n);
    if (!PQsendQuery(s->sender, sql))
        fail(s->sender);
}

/* All have come: that of the statement is there, or about to be. */
static uint64_t sent_all(struct state *s)
{
    PGresult *r;

    while ((r = PQgetResult(s->sender))) {
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
            fail(s->sender);
        PQclear(r);
    }
    return s->sum;
}

static void take(struct state *s, const char *payload, int pid)
{
    s->sum = bench_sum(s->sum, pid == PQbackendPID(s->sender), payload,
                       strlen(payload));
    s->missing--;
}

/* ------------------------------------------------------------------- floor */

static void *floor_open(const struct bench_row *row)
{
    struct state *s = state_new("elpq_bench_floor");
    struct epoll_event ev = { .events = EPOLLIN };
    PGresult *r;

    (void)row;
    s->db = connect_one();
    r = PQexec(s->db, "LISTEN elpq_bench_floor");
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail(s->db);
    PQclear(r);
    s->epoll = epoll_create1(0);
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, PQsocket(s->db), &ev);
    return s;
}

static uint64_t floor_run(void *state, uint64_t n)
{
    struct state *s = state;
    struct epoll_event ev;
    PGnotify *notify;

    send_all(s, n);
    while (s->missing > 0) {
        epoll_wait(s->epoll, &ev, 1, -1);
        if (!PQconsumeInput(s->db))
            fail(s->db);
        while ((notify = PQnotifies(s->db))) {
            if (strcmp(notify->relname, s->channel) == 0)
                take(s, notify->extra, notify->be_pid);
            PQfreemem(notify);
        }
    }
    return sent_all(s);
}

static void floor_close(void *state)
{
    struct state *s = state;

    PQfinish(s->db);
    PQfinish(s->sender);
    close(s->epoll);
    free(s);
}

const struct bench_side bench_listen_floor = { "floor", floor_open, floor_run,
                                               floor_close };

/* -------------------------------------------------------------------- elpq */

static void on_event(elpq_listener *listener, const elpq_listen_event *event,
                     void *arg)
{
    struct state *s = arg;

    (void)listener;
    if (event->kind != ELPQ_LISTEN_UP)
        bench_die("LISTEN", "the listener was down, or has a gap");
    event_base_loopbreak(s->base);
}

static void on_notification(const elpq_notification *n, void *arg)
{
    struct state *s = arg;

    take(s, n->payload, n->pid);
    if (s->missing == 0)
        event_base_loopbreak(s->base);
}

static void *listener_open(const struct bench_row *row)
{
    struct state *s = state_new("elpq_bench_elpq");
    elpq_error *error = NULL;

    (void)row;
    if (!(s->base = event_base_new()))
        bench_die("elpq", "out of memory");
    s->listener = elpq_listener_new(s->base, "", NULL, on_event, s, &error);
    if (!s->listener)
        bench_die("elpq", error->message);
    if (elpq_listen(s->listener, s->channel, on_notification, s) != 0)
        bench_die("elpq", "cannot listen");
    event_base_dispatch(s->base);
    return s;
}

static uint64_t listener_run(void *state, uint64_t n)
{
    struct state *s = state;

    send_all(s, n);
    while (s->missing > 0)
        event_base_dispatch(s->base);
    return sent_all(s);
}

static void listener_close(void *state)
{
    struct state *s = state;

    elpq_listener_close(s->listener, NULL, NULL);
    event_base_dispatch(s->base);
    event_base_free(s->base);
    PQfinish(s->sender);
    free(s);
}

const struct bench_side bench_listen_elpq = { "elpq", listener_open,
                                              listener_run, listener_close };

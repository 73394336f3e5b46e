/* SPDX-License-Identifier: PostgreSQL */
/*
 * The floor: what a good hand-written program on libpq and epoll does, and
 * nothing else.  Non-blocking connections, prepared statements, binary
 * parameters and results.  Depth 1 sends a statement with its Sync in one
 * go; deeper is pipeline mode with a Sync for each statement, so that one
 * failing would not touch the others: PQsendPipelineSync and one flush per
 * wake-up where libpq has it (17 and later), else PQpipelineSync, which
 * flushes each time.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct conn {
    PGconn *db;
    int in_flight;
    bool writing; /* waits for EPOLLOUT as well */
};

struct state {
    const struct bench_row *row;
    int depth;
    bool pipeline;
    int epoll;
    uint64_t unsent;
    uint64_t unanswered;
    uint64_t sum;
    int (*send_sync)(PGconn *);
    struct conn conns[BENCH_MAX_CONNS];
};

static void fail(struct conn *c)
{
    bench_die("floor", PQerrorMessage(c->db));
}

static int32_t get_int32(const PGresult *r, int row, int col)
{
    uint32_t x;

    memcpy(&x, PQgetvalue(r, row, col), sizeof(x));
    return (int32_t)ntohl(x);
}

static int64_t get_int64(const PGresult *r, int row, int col)
{
    uint64_t x;

    memcpy(&x, PQgetvalue(r, row, col), sizeof(x));
    return (int64_t)be64toh(x);
}

static void read_values(struct state *s, const PGresult *r)
{
    int n = PQntuples(r);

    if (!bench_is_fetch(s->row)) {
        s->sum = bench_sum(s->sum, get_int32(r, 0, 0), PQgetvalue(r, 0, 1),
                           (size_t)PQgetlength(r, 0, 1));
        s->sum += (uint64_t)get_int64(r, 0, 2);
        return;
    }
    for (int i = 0; i < n; i++) {
        s->sum = bench_sum(s->sum, get_int32(r, i, 0), PQgetvalue(r, i, 2),
                           (size_t)PQgetlength(r, i, 2));
        s->sum += (uint64_t)get_int64(r, i, 1);
        s->sum += (uint64_t)(get_int64(r, i, 3) + BENCH_EPOCH);
    }
}

static void submit(struct state *s, struct conn *c)
{
    uint32_t key;
    const char *values[1] = { (const char *)&key };
    int lengths[1] = { sizeof(key) }, formats[1] = { 1 };
    int n = bench_is_fetch(s->row) ? 0 : 1;

    if (n > 0)
        key = htonl((uint32_t)bench_next_key());
    if (!PQsendQueryPrepared(c->db, "s", n, values, lengths, formats, 1) ||
        (s->pipeline && !s->send_sync(c->db)))
        fail(c);
    c->in_flight++;
    s->unsent--;
}

/* Takes the answers that are there. */
static void drain(struct state *s, struct conn *c)
{
    while (c->in_flight > 0 && !PQisBusy(c->db)) {
        PGresult *r = PQgetResult(c->db);
        ExecStatusType status = PQresultStatus(r);

        if (r && status == PGRES_TUPLES_OK)
            read_values(s, r);
        else if (r && status != PGRES_PIPELINE_SYNC)
            fail(c);
        /* A statement is over with its Sync, or with the NULL. */
        if (s->pipeline ? status == PGRES_PIPELINE_SYNC && r : !r) {
            c->in_flight--;
            s->unanswered--;
        }
        PQclear(r);
    }
}

static void service(struct state *s, struct conn *c)
{
    int rest;

    do {
        drain(s, c);
        while (c->in_flight < s->depth && s->unsent > 0)
            submit(s, c);
        rest = PQflush(c->db);
        if (rest < 0)
            fail(c);
        /* Flushing may have read the socket empty: look again. */
    } while (c->in_flight > 0 && !PQisBusy(c->db));
    if ((rest != 0) != c->writing) {
        struct epoll_event ev = { .data.ptr = c };

        c->writing = rest != 0;
        ev.events = EPOLLIN | (c->writing ? (uint32_t)EPOLLOUT : 0);
        epoll_ctl(s->epoll, EPOLL_CTL_MOD, PQsocket(c->db), &ev);
    }
}

static uint64_t floor_run(void *state, uint64_t statements)
{
    struct state *s = state;
    struct epoll_event events[BENCH_MAX_CONNS];

    s->unsent = s->unanswered = statements;
    s->sum = 0;
    for (int i = 0; i < s->row->conns; i++)
        service(s, &s->conns[i]);
    while (s->unanswered > 0) {
        int n = epoll_wait(s->epoll, events, BENCH_MAX_CONNS, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if ((events[i].events & ~(uint32_t)EPOLLOUT) &&
                !PQconsumeInput(c->db))
                fail(c);
            service(s, c);
        }
    }
    return s->sum;
}

static void connect_one(struct state *s, struct conn *c)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
    PGresult *r;

    c->db = PQconnectdb("");
    if (PQstatus(c->db) != CONNECTION_OK)
        fail(c);
    r = PQprepare(c->db, "s",
                  bench_is_fetch(s->row) ? BENCH_FETCH_SQL : BENCH_POINT_SQL, 0,
                  NULL);
    if (PQresultStatus(r) != PGRES_COMMAND_OK ||
        PQsetnonblocking(c->db, 1) != 0 ||
        (s->pipeline && !PQenterPipelineMode(c->db)))
        fail(c);
    PQclear(r);
    bench_place_backend(PQbackendPID(c->db));
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, PQsocket(c->db), &ev);
}

static void *floor_open(const struct bench_row *row)
{
    struct state *s = calloc(1, sizeof(*s));
    void *newer = dlsym(RTLD_DEFAULT, "PQsendPipelineSync");

    if (!s)
        bench_die("floor", "out of memory");
    s->row = row;
    s->depth = row->floor_depth;
    s->pipeline = s->depth > 1;
    s->epoll = epoll_create1(0);
    s->send_sync = PQpipelineSync;
    if (newer)
        memcpy(&s->send_sync, &newer, sizeof(newer));
    for (int i = 0; i < row->conns; i++)
        connect_one(s, &s->conns[i]);
    return s;
}

static void floor_close(void *state)
{
    struct state *s = state;

    for (int i = 0; i < s->row->conns; i++)
        PQfinish(s->conns[i].db);
    close(s->epoll);
    free(s);
}

const struct bench_side bench_floor = { "floor", floor_open, floor_run,
                                        floor_close };

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The floor of streams and COPY: libpq and epoll by hand, as a careful program
 * has it, which looks at the type, NULL and the length of what it reads.
 *
 * COPY out takes each row apart where libpq has put it.  COPY in encodes rows
 * into a buffer of 64 KiB, which goes to PQputCopyData as a whole.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PIECE ((size_t)64 * 1024)
#define LONGEST 128 /* of a row that is copied in */

enum { OID_INT8 = 20, OID_INT4 = 23, OID_TEXT = 25, OID_TIMESTAMPTZ = 1184 };

static const char signature[11] = "PGCOPY\n\377\r\n";

struct state {
    const struct bench_row *row;
    PGconn *db;
    int epoll;
    uint64_t sum;
    bool begun; /* the header of COPY was there */
    bool ended; /* its trailer was there        */
};

static _Noreturn void fail(const struct state *s)
{
    bench_die("floor", PQerrorMessage(s->db));
}

static void check(const struct state *s, bool good)
{
    if (!good)
        bench_die(s->row->name, "the floor reads what it does not expect");
}

static uint32_t load32(const char *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof(x));
    return ntohl(x);
}

static uint64_t load64(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return be64toh(x);
}

static void add_values(struct state *s, int32_t a, int64_t b, const char *c,
                       int c_size, int64_t d)
{
    s->sum = bench_sum(s->sum, a, c, (size_t)c_size);
    s->sum += (uint64_t)b + (uint64_t)(d + BENCH_EPOCH);
}

static void wait_for(struct state *s, uint32_t what)
{
    struct epoll_event ev = { .events = what };

    epoll_ctl(s->epoll, EPOLL_CTL_MOD, PQsocket(s->db), &ev);
    epoll_wait(s->epoll, &ev, 1, -1);
    if ((ev.events & ~(uint32_t)EPOLLOUT) && !PQconsumeInput(s->db))
        fail(s);
}

/* The next result; NULL at the end. */
static PGresult *next_result(struct state *s)
{
    struct epoll_event ev;

    while (PQisBusy(s->db)) {
        epoll_wait(s->epoll, &ev, 1, -1);
        if (!PQconsumeInput(s->db))
            fail(s);
    }
    return PQgetResult(s->db);
}

/* Waits for a command that was sent; returns its number of rows. */
static uint64_t finish(struct state *s)
{
    uint64_t n = 0;
    PGresult *r;

    while ((r = next_result(s))) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            fail(s);
        n = strtoull(PQcmdTuples(r), NULL, 10);
        PQclear(r);
    }
    return n;
}

/* ------------------------------------------------------------------ stream */

/* The bytes of a value that must be there. */
static const char *value_of(const struct state *s, const PGresult *r, int col,
                            Oid type, int size)
{
    check(s, PQftype(r, col) == type && !PQgetisnull(r, 0, col) &&
                 (size < 0 || PQgetlength(r, 0, col) == size));
    return PQgetvalue(r, 0, col);
}

static void read_row(struct state *s, const PGresult *r)
{
    int32_t a;
    int64_t b, d;
    const char *c;

    check(s, PQnfields(r) == BENCH_COLUMNS && PQbinaryTuples(r));
    a = (int32_t)load32(value_of(s, r, 0, OID_INT4, 4));
    b = (int64_t)load64(value_of(s, r, 1, OID_INT8, 8));
    c = value_of(s, r, 2, OID_TEXT, -1);
    d = (int64_t)load64(value_of(s, r, 3, OID_TIMESTAMPTZ, 8));
    add_values(s, a, b, c, PQgetlength(r, 0, 2), d);
}

static void run_stream(struct state *s)
{
    PGresult *r;

    if (!PQsendQueryPrepared(s->db, "s", 0, NULL, NULL, NULL, 1) ||
        !PQsetSingleRowMode(s->db) || PQflush(s->db) != 0)
        fail(s);
    while ((r = next_result(s))) {
        if (PQresultStatus(r) == PGRES_SINGLE_TUPLE)
            read_row(s, r);
        else if (PQresultStatus(r) != PGRES_TUPLES_OK)
            fail(s);
        PQclear(r);
    }
}

/* ---------------------------------------------------------------- COPY out */

/* The next value, which must be there; size < 0: any. */
static const char *next_value(const struct state *s, const char **p,
                              const char *end, int *size)
{
    const char *at = *p + 4;
    uint32_t n;

    check(s, end - *p >= 4);
    n = load32(*p);
    check(s, n <= (size_t)(end - at) && (*size < 0 || n == (uint32_t)*size));
    *size = (int)n;
    *p = at + n;
    return at;
}

static void read_copied(struct state *s, const char *p, const char *end)
{
    int four = 4, eight = 8, any = -1;
    int32_t a;
    int64_t b, d;
    const char *c;

    if (!s->begun) {
        check(s, end - p >= 19 && !memcmp(p, signature, sizeof(signature)) &&
                     load32(p + 11) == 0 && load32(p + 15) == 0);
        s->begun = true;
        p += 19;
        if (p == end)
            return;
    }
    check(s, !s->ended && end - p >= 2);
    if (p[0] == '\377' && p[1] == '\377') {
        s->ended = true;
        return;
    }
    check(s, p[0] == 0 && p[1] == BENCH_COLUMNS);
    p += 2;
    a = (int32_t)load32(next_value(s, &p, end, &four));
    b = (int64_t)load64(next_value(s, &p, end, &eight));
    c = next_value(s, &p, end, &any);
    d = (int64_t)load64(next_value(s, &p, end, &eight));
    check(s, p == end);
    add_values(s, a, b, c, any, d);
}

static void begin_copy(struct state *s, const char *sql, ExecStatusType status)
{
    PGresult *r;

    s->begun = s->ended = false;
    if (!PQsendQuery(s->db, sql) || PQflush(s->db) != 0)
        fail(s);
    r = next_result(s);
    if (PQresultStatus(r) != status)
        fail(s);
    PQclear(r);
}

static void run_copy_out(struct state *s)
{
    char *block;
    int n;

    begin_copy(s, "COPY elpq_bench_rows (a, b, c, d) TO STDOUT (FORMAT binary)",
               PGRES_COPY_OUT);
    while ((n = PQgetCopyData(s->db, &block, 1)) >= 0) {
        if (n == 0) {
            wait_for(s, EPOLLIN);
            continue;
        }
        read_copied(s, block, block + n);
        PQfreemem(block);
    }
    check(s, n == -1 && s->ended);
    finish(s);
}

/* ----------------------------------------------------------------- COPY in */

static char *put16(char *p, uint16_t x)
{
    x = htons(x);
    memcpy(p, &x, sizeof(x));
    return p + sizeof(x);
}

static char *put32(char *p, uint32_t x)
{
    x = htonl(x);
    memcpy(p, &x, sizeof(x));
    return p + sizeof(x);
}

static char *put64(char *p, int64_t number)
{
    uint64_t x = htobe64((uint64_t)number);

    memcpy(p, &x, sizeof(x));
    return p + sizeof(x);
}

static char *put_row(char *p, const struct bench_values *v)
{
    p = put16(p, BENCH_COLUMNS);
    p = put32(put32(p, 4), (uint32_t)v->a);
    p = put64(put32(p, 8), v->b);
    p = put32(p, (uint32_t)v->c_size);
    memcpy(p, v->c, v->c_size);
    return put64(put32(p + v->c_size, 8), v->d);
}

/* Sends a piece, and waits while the socket is full. */
static void put_piece(struct state *s, const char *data, size_t size)
{
    int rest;

    if (PQputCopyData(s->db, data, (int)size) != 1)
        fail(s);
    while ((rest = PQflush(s->db)) == 1)
        wait_for(s, EPOLLIN | EPOLLOUT);
    if (rest < 0)
        fail(s);
}

static void run_copy_in(struct state *s)
{
    static char piece[PIECE];
    int64_t n = bench_copy_rows();
    char *p = piece;

    if (!PQsendQuery(s->db, "TRUNCATE elpq_bench_copy"))
        fail(s);
    finish(s);
    begin_copy(s, "COPY elpq_bench_copy FROM STDIN (FORMAT binary)",
               PGRES_COPY_IN);
    memcpy(p, signature, sizeof(signature));
    memset(p + sizeof(signature), 0, 8);
    p += sizeof(signature) + 8;
    for (int64_t i = 1; i <= n; i++) {
        struct bench_values v = bench_make_row(i);

        if (p - piece > (ptrdiff_t)(sizeof(piece) - LONGEST)) {
            put_piece(s, piece, (size_t)(p - piece));
            p = piece;
        }
        check(s, v.c_size < LONGEST - 40);
        p = put_row(p, &v);
    }
    p = put16(p, 0xffff);
    put_piece(s, piece, (size_t)(p - piece));
    if (PQputCopyEnd(s->db, NULL) != 1 || PQflush(s->db) != 0)
        fail(s);
    s->sum = finish(s);
}

/* -------------------------------------------------------------------- side */

static uint64_t bulk_run(void *state, uint64_t statements)
{
    struct state *s = state;

    s->sum = 0;
    for (; statements > 0; statements--) {
        struct epoll_event ev = { .events = EPOLLIN };

        epoll_ctl(s->epoll, EPOLL_CTL_MOD, PQsocket(s->db), &ev);
        if (s->row->kind == BENCH_STREAM)
            run_stream(s);
        else if (s->row->kind == BENCH_COPY_OUT)
            run_copy_out(s);
        else
            run_copy_in(s);
    }
    return s->sum;
}

static void *bulk_open(const struct bench_row *row)
{
    struct state *s = calloc(1, sizeof(*s));
    struct epoll_event ev = { .events = EPOLLIN };
    PGresult *r;

    if (!s)
        bench_die("floor", "out of memory");
    s->row = row;
    s->db = PQconnectdb("");
    if (PQstatus(s->db) != CONNECTION_OK)
        fail(s);
    r = PQprepare(s->db, "s", BENCH_FETCH_SQL, 0, NULL);
    if (PQresultStatus(r) != PGRES_COMMAND_OK ||
        PQsetnonblocking(s->db, 1) != 0)
        fail(s);
    PQclear(r);
    bench_place_backend(PQbackendPID(s->db));
    s->epoll = epoll_create1(0);
    epoll_ctl(s->epoll, EPOLL_CTL_ADD, PQsocket(s->db), &ev);
    return s;
}

static void bulk_close(void *state)
{
    struct state *s = state;

    PQfinish(s->db);
    close(s->epoll);
    free(s);
}

const struct bench_side bench_bulk_floor = { "floor", bulk_open, bulk_run,
                                             bulk_close };

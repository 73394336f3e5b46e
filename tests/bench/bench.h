/* SPDX-License-Identifier: PostgreSQL */
/*
 * bench.h: the work that both sides do, and how they are asked to do it.
 *
 * A side is one way of doing the work of a row: the floor (libpq and epoll by
 * hand), or elpq.  bench.c opens both, lets them run in turns and compares.
 */
#ifndef ELPQ_BENCH_H
#define ELPQ_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

enum { BENCH_MAX_CONNS = 8, BENCH_POINT_ROWS = 100000 };
enum { BENCH_COLUMNS = 4, BENCH_TEXTS = 1000 };

/* Each point select asks for one of BENCH_POINT_ROWS keys. */
#define BENCH_POINT_SQL                                                        \
    "SELECT id, name, balance FROM elpq_bench_point WHERE id = $1"
/* int4, int8, text, timestamptz: everything in the table. */
#define BENCH_FETCH_SQL "SELECT a, b, c, d FROM elpq_bench_rows"

enum bench_kind {
    BENCH_CONNS,        /* so many connections, each so deep              */
    BENCH_POOL_EXECUTE, /* conns * depth statements given to the pool     */
    BENCH_FETCH_GET,    /* the big table in one result, read by getters   */
    BENCH_FETCH_SCAN,   /* the same, read row by row by elpq_scan()       */
    BENCH_STREAM,       /* the big table in single-row mode               */
    BENCH_COPY_OUT,     /* the same, by COPY in binary                    */
    BENCH_COPY_IN,      /* as many rows into a table, by COPY in binary   */
    BENCH_LISTEN,       /* notifications of one channel                   */
    BENCH_BATCH         /* statements, depth at a time                    */
};

struct bench_side;

/* One line of the report. */
struct bench_row {
    const char *name;
    const struct bench_side *sides[2]; /* the floor, and what is compared */
    enum bench_kind kind;
    int conns;
    int depth;       /* statements in flight on each connection */
    int floor_depth; /* the same for the floor                  */
    unsigned flags;  /* of elpq's statements                    */
    double rate;     /* throughput to reach, in that of the floor; 0: usual */
    double cpu;      /* CPU time to stay below, in the same way             */
};

struct bench_side {
    const char *name;
    /* Connects and prepares; a side that cannot ends the program. */
    void *(*open)(const struct bench_row *row);
    /* Runs so many statements, and returns the checksum of all values. */
    uint64_t (*run)(void *state, uint64_t statements);
    void (*close)(void *state);
};

extern const struct bench_side bench_floor;
extern const struct bench_side bench_elpq;
extern const struct bench_side bench_bulk_floor;
extern const struct bench_side bench_bulk_elpq;
extern const struct bench_side bench_listen_floor;
extern const struct bench_side bench_listen_elpq;
extern const struct bench_side bench_batch_singles;
extern const struct bench_side bench_batch_batches;

static inline bool bench_is_fetch(const struct bench_row *row)
{
    return row->kind == BENCH_FETCH_GET || row->kind == BENCH_FETCH_SCAN;
}

/* Whether one turn is one statement, with all the rows of the big table. */
static inline bool bench_is_bulk(const struct bench_row *row)
{
    return bench_is_fetch(row) || row->kind == BENCH_STREAM ||
           row->kind == BENCH_COPY_OUT || row->kind == BENCH_COPY_IN;
}

/* A row to be copied into elpq_bench_copy. */
struct bench_values {
    int32_t a;
    int64_t b;
    const char *c;
    size_t c_size;
    int64_t d; /* microseconds since 2000 */
};

/* The row of a number from 1 on, and how many there are. */
struct bench_values bench_make_row(int64_t i);
int64_t bench_copy_rows(void);

/* Connects, and makes the tables anew, the big one with so many rows. */
PGconn *bench_make_tables(int n);
void bench_drop_tables(PGconn *db);
/* A checksum of what is in elpq_bench_copy. */
uint64_t bench_copied_sum(PGconn *db);

/* Microseconds from 1970 to 2000, where PostgreSQL begins to count. */
#define BENCH_EPOCH INT64_C(946684800000000)

/*
 * 64 requests at once to a pool of 8 with this pipeline_depth, one in a hundred
 * of which is slow (20 ms); prints throughput and how long the others took.
 */
void bench_pool_with_slow(const char *name, unsigned depth, double seconds);

/* Where a backend of ours runs, if it may be said; see --cpus. */
void bench_place_backend(int pid);

/* The next key to ask for, and the checksum of the keys given out so far. */
int32_t bench_next_key(void);
uint64_t bench_sum(uint64_t sum, int64_t number, const char *text, size_t size);

/* Ends the program with a message. */
_Noreturn void bench_die(const char *what, const char *message);

/* Calls of malloc, calloc and realloc by this thread since the start. */
uint64_t bench_allocations(void);

#endif

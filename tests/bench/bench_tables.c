/* SPDX-License-Identifier: PostgreSQL */
/*
 * What both sides read, and what they write: the tables, and the rows that
 * are copied in.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char texts[BENCH_TEXTS][16];
static int64_t copy_rows;

static void make_texts(void)
{
    for (int i = 0; i < BENCH_TEXTS; i++)
        snprintf(texts[i], sizeof(texts[i]), "row number %03d", i);
}

int64_t bench_copy_rows(void)
{
    return copy_rows;
}

struct bench_values bench_make_row(int64_t i)
{
    struct bench_values v = { (int32_t)i, i * 1000000007,
                              texts[i % BENCH_TEXTS], sizeof(texts[0]) - 2,
                              i * 1000000 };

    return v;
}

uint64_t bench_copied_sum(PGconn *db)
{
    PGresult *r = PQexec(db, "SELECT coalesce(sum(hashtextextended(a || ',' || "
                             "b || ',' || c || ',' || d, 0)), 0) % (1::int8 << "
                             "60) FROM elpq_bench_copy");
    uint64_t sum;

    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        bench_die("elpq_bench_copy", PQerrorMessage(db));
    sum = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return sum;
}

static void execute(PGconn *db, const char *sql)
{
    PGresult *r = PQexec(db, sql);

    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        bench_die(sql, PQerrorMessage(db));
    PQclear(r);
}

void bench_drop_tables(PGconn *db)
{
    execute(db, "SET client_min_messages = warning");
    execute(db, "DROP TABLE IF EXISTS elpq_bench_point, elpq_bench_rows,"
                " elpq_bench_copy");
}

PGconn *bench_make_tables(int n)
{
    PGconn *db = PQconnectdb("");
    char sql[300];

    make_texts();
    copy_rows = n;
    if (PQstatus(db) != CONNECTION_OK)
        bench_die("connect", PQerrorMessage(db));
    bench_drop_tables(db);
    snprintf(sql, sizeof(sql),
             "CREATE TABLE elpq_bench_point AS SELECT i AS id,"
             " 'customer ' || i AS name, i * 1000::int8 AS balance"
             " FROM generate_series(1, %d) i",
             BENCH_POINT_ROWS);
    execute(db, sql);
    execute(db, "ALTER TABLE elpq_bench_point ADD PRIMARY KEY (id)");
    snprintf(sql, sizeof(sql),
             "CREATE TABLE elpq_bench_rows AS SELECT i::int4 AS a,"
             " i * 1000000007 AS b, 'row number ' || i AS c,"
             " timestamptz '2000-01-01' + i * interval '1 second' AS d"
             " FROM generate_series(1, %d::int8) i",
             n);
    execute(db, sql);
    execute(db, "CREATE UNLOGGED TABLE elpq_bench_copy"
                " (LIKE elpq_bench_rows) WITH (autovacuum_enabled = off)");
    execute(db, "VACUUM (FREEZE, ANALYZE) elpq_bench_point");
    execute(db, "VACUUM (FREEZE, ANALYZE) elpq_bench_rows");
    return db;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The verification: the journal, read from its file, against the database.
 *
 * Knows nothing of the bank's memory.  Uses libpq alone, blocking.
 */
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

/* What the journal says of a transfer, and how often it was applied. */
struct entry {
    enum { NONE, BEGUN, IN_DOUBT, ACKNOWLEDGED, REPORTED_FAILED } says;
    int from, to, amount;
    uint32_t applied;
};

#define COMPLAINTS 20

static int complaints;

static struct book {
    struct entry *entries; /* by the count of the task; [0] is not used    */
    size_t size;
} books[TASKS];

/* ---------------------------------------------------------------- journal */

/* NULL if the id cannot be one of ours. */
static struct entry *entry_of(int64_t id, bool make)
{
    uint64_t task = (uint64_t)id >> 32, n = (uint32_t)id;
    struct book *book;

    if (task >= TASKS || n == 0)
        return NULL;
    book = &books[task];
    if (n >= book->size && make) {
        size_t size = n * 2 + 100;

        book->entries = realloc(book->entries, size * sizeof(struct entry));
        if (!book->entries)
            give_up("out of memory");
        memset(book->entries + book->size, 0,
               (size - book->size) * sizeof(struct entry));
        book->size = size;
    }
    return n < book->size ? &book->entries[n] : NULL;
}

static void read_line(const char *line)
{
    struct entry *e;
    char word[16];
    int64_t id;
    int from, to, amount;

    if (sscanf(line, "begin %" SCNd64 " %d %d %d", &id, &from, &to, &amount) ==
        4) {
        e = entry_of(id, true);
        *e = (struct entry){ BEGUN, from, to, amount, 0 };
        return;
    }
    if (sscanf(line, "done %" SCNd64 " %15s", &id, word) != 2 &&
        sscanf(line, "resolved %" SCNd64 " %15s", &id, word) != 2)
        give_up("the journal has a line that is none: %s", line);
    e = entry_of(id, false);
    if (!e || e->says == NONE)
        give_up("the journal ends what it has not begun: %s", line);
    if (strcmp(word, "committed") == 0 || strcmp(word, "yes") == 0)
        e->says = ACKNOWLEDGED;
    else if (strcmp(word, "failed") == 0 || strcmp(word, "no") == 0)
        e->says = REPORTED_FAILED;
    else
        e->says = IN_DOUBT;
}

static void read_journal(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[200];

    if (!file)
        give_up("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof(line), file))
        read_line(line);
    fclose(file);
}

/* --------------------------------------------------------------- database */

static PGresult *run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        give_up("%s: %s", sql, PQerrorMessage(conn));
    return result;
}

static PGconn *open_database(const char *conninfo)
{
    PGconn *conn = PQconnectdb(conninfo);

    if (PQstatus(conn) != CONNECTION_OK)
        give_up("%s", PQerrorMessage(conn));
    return conn;
}

void verify_prepare(const char *conninfo)
{
    PGconn *conn = open_database(conninfo);
    char sql[200];

    PQclear(run(conn, "create table account (id int primary key,"
                      " balance int not null check (balance >= 0));"
                      "create table transfer (id bigint not null unique,"
                      " src int, dst int, amount int not null);"
                      "create table fence (id bigint)"));
    snprintf(sql, sizeof(sql),
             "insert into account select n, %d from generate_series(1, %d) n",
             BALANCE, ACCOUNTS);
    PQclear(run(conn, sql));
    PQfinish(conn);
}

static int64_t field(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

/* One row of the table: marks the entry, and moves the money. */
static void apply(const PGresult *row, int64_t *balances, struct verdict *v)
{
    struct entry *e = entry_of(field(row, 0, 0), false);
    int64_t from = field(row, 0, 1), to = field(row, 0, 2);
    int64_t amount = field(row, 0, 3);

    v->applied++;
    if (!e || e->says == NONE || e->from != from || e->to != to ||
        e->amount != amount) {
        v->unknown++;
        return;
    }
    e->applied++;
    balances[from] -= amount;
    balances[to] += amount;
}

static void read_transfers(PGconn *conn, int64_t *balances, struct verdict *v)
{
    PGresult *row;

    if (!PQsendQuery(conn, "select id, src, dst, amount from transfer"
                           " where amount > 0") ||
        !PQsetSingleRowMode(conn))
        give_up("%s", PQerrorMessage(conn));
    while ((row = PQgetResult(conn))) {
        if (PQresultStatus(row) == PGRES_SINGLE_TUPLE)
            apply(row, balances, v);
        else if (PQresultStatus(row) != PGRES_TUPLES_OK)
            give_up("%s", PQerrorMessage(conn));
        PQclear(row);
    }
}

/* An account that shows anything but what its transfers make. */
static void read_accounts(PGconn *conn, const int64_t *balances,
                          struct verdict *v)
{
    PGresult *result = run(conn, "select id, balance from account");

    for (int i = 0; i < PQntuples(result); i++) {
        v->sum += field(result, i, 1);
        v->twice += field(result, i, 1) != balances[field(result, i, 0)];
    }
    v->wanted_sum = (int64_t)ACCOUNTS * BALANCE;
    PQclear(result);
}

/* ---------------------------------------------------------------- verdict */

/* The journal has a line with the number for each thing that happened. */
static void complain(const char *what, int task, size_t n)
{
    if (complaints++ < COMPLAINTS)
        printf("%s: %" PRId64 "\n", what, (int64_t)task << 32 | (int64_t)n);
}

static void judge(int task, size_t n, struct verdict *v)
{
    const struct entry *e = &books[task].entries[n];

    if (e->says == ACKNOWLEDGED && e->applied == 0)
        complain("missing", task, n);
    if (e->says == REPORTED_FAILED && e->applied > 0)
        complain("reported as failed", task, n);
    if (e->says == BEGUN || e->says == IN_DOUBT)
        complain("unresolved", task, n);
    v->acknowledged += e->says == ACKNOWLEDGED;
    v->missing += e->says == ACKNOWLEDGED && e->applied == 0;
    v->failed_applied += e->says == REPORTED_FAILED && e->applied > 0;
    v->twice += e->applied > 1;
    v->unresolved += e->says == BEGUN || e->says == IN_DOUBT;
}

void verify(const char *conninfo, const char *journal, struct verdict *v)
{
    static int64_t balances[ACCOUNTS + 1];
    PGconn *conn = open_database(conninfo);

    memset(v, 0, sizeof(*v));
    for (int i = 1; i <= ACCOUNTS; i++)
        balances[i] = BALANCE;
    read_journal(journal);
    read_transfers(conn, balances, v);
    read_accounts(conn, balances, v);
    PQfinish(conn);
    for (int i = 0; i < TASKS; i++) {
        for (size_t n = 1; n < books[i].size; n++)
            judge(i, n, v);
        free(books[i].entries);
        books[i] = (struct book){ NULL, 0 };
    }
}

bool verdict_is_good(const struct verdict *v)
{
    return v->sum == v->wanted_sum && v->missing == 0 && v->twice == 0 &&
           v->failed_applied == 0 && v->unresolved == 0 && v->unknown == 0;
}

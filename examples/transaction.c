/* SPDX-License-Identifier: PostgreSQL */
/*
 * transaction: moves money, all of it or nothing.  The note about it is
 * written inside a savepoint, so that it may fail alone.
 *
 *     cc transaction.c $(pkg-config --cflags --libs elpq libevent_core)
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static const struct transfer {
    const char *from, *to, *note;
    int cents;
} transfers[] = { { "alice", "bob", "rent", 3000 },
                  { "alice", "bob", "a boat", 500000 }, /* she is too poor  */
                  { "bob", "carol", NULL, 1000 } };     /* note is NOT NULL */

static elpq_conn *conn;
static elpq_tx *tx, *savepoint;
static const struct transfer *now = transfers;
static char committed[] = "committed", rolled_back[] = "rolled back";

static void on_begin(elpq_tx *begun, const elpq_error *error, void *arg);

/* What may not fail here ends the program. */
static void good(const elpq_error *error)
{
    if (error) {
        fprintf(stderr, "transaction: %s\n", error->message);
        exit(1);
    }
}

static void accepted(int code)
{
    if (code != 0) {
        fprintf(stderr, "transaction: %s\n", elpq_strerror(code));
        exit(1);
    }
}

static void on_rows(elpq_result *result, const elpq_error *error, void *arg)
{
    const char *name, *balance;

    good(error);
    for (size_t row = 0; row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &name, &balance) == 0 && name && balance)
            printf("%s has %s\n", name, balance);
    elpq_conn_close(arg);
}

/* Comes after the script that makes the tables, and after each transfer. */
static void on_end(const elpq_error *error, void *outcome)
{
    good(error);
    if (outcome)
        printf("%s pays %s %d: %s\n", now->from, now->to, now->cents,
               (char *)outcome);
    now += outcome != NULL;
    if (now < transfers + sizeof(transfers) / sizeof(transfers[0]))
        accepted(elpq_begin(conn, NULL, on_begin, NULL));
    else
        accepted(elpq_execute(conn, elpq_sql("TABLE account ORDER BY name"),
                              NULL, on_rows, conn));
}

static void on_savepoint_end(const elpq_error *error, void *arg)
{
    (void)arg;
    good(error);
    accepted(elpq_commit(tx, on_end, committed));
}

/* Of each statement; is_note marks the one inside the savepoint. */
static void on_statement(elpq_result *result, const elpq_error *error,
                         void *is_note)
{
    (void)result;
    if (error)
        printf("  %s: %s\n", error->sqlstate, error->message);
    if (is_note)
        accepted((error ? elpq_rollback : elpq_commit)(savepoint,
                                                       on_savepoint_end, NULL));
}

static void run(elpq_tx *in, const elpq_statement *st, void *is_note)
{
    accepted(elpq_execute(in, st, NULL, on_statement, is_note));
}

static void on_savepoint(elpq_tx *begun, const elpq_error *error, void *arg)
{
    savepoint = begun;
    if (error) /* an update had failed: nothing is possible but a rollback */
        accepted(elpq_rollback(tx, on_end, rolled_back));
    else
        run(begun, elpq_sql("INSERT INTO note VALUES ($1)", now->note), arg);
}

/* Two updates and a savepoint, sent together. */
static void on_begin(elpq_tx *begun, const elpq_error *error, void *arg)
{
    (void)arg;
    good(error);
    tx = begun;
    run(tx,
        elpq_sql("UPDATE account SET cents = cents - $2 WHERE name = $1",
                 now->from, now->cents),
        NULL);
    run(tx,
        elpq_sql("UPDATE account SET cents = cents + $2 WHERE name = $1",
                 now->to, now->cents),
        NULL);
    accepted(elpq_savepoint(tx, on_savepoint, &savepoint));
}

static void on_connect(elpq_conn *ready, const elpq_error *error, void *arg)
{
    good(error);
    conn = ready;
    accepted(elpq_script(conn,
                         "CREATE TEMPORARY TABLE account (name text,"
                         " cents int4 CHECK (cents >= 0));"
                         "CREATE TEMPORARY TABLE note (words text NOT NULL);"
                         "INSERT INTO account VALUES ('alice', 10000),"
                         " ('bob', 5000), ('carol', 0)",
                         NULL, NULL, on_end, arg));
}

int main(void)
{
    struct event_base *base = event_base_new();

    if (!elpq_connect(base, "", NULL, on_connect, NULL, NULL))
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    return 0;
}

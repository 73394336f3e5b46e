/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/batches.md.  With --print it prints nothing, since no SQL
 * of it stands in the document; else it runs all of it on the server that the
 * PG* variables name.
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

static struct event_base *base;
static elpq_pool *pool;
static int checks, failures, waiting;
static int results, balance;
static char verdict[8];

static void check(bool good, const char *what)
{
    checks++;
    if (good)
        return;
    failures++;
    fprintf(stderr, "driver_batches: %s\n", what);
}

static void over(const elpq_error *error)
{
    snprintf(verdict, sizeof(verdict), "%s", error ? error->sqlstate : "");
    if (--waiting == 0)
        event_base_loopbreak(base);
}

/* Runs the loop until what was submitted is over. */
static void await(int code, int callbacks)
{
    check(code == 0, elpq_strerror(code));
    waiting = callbacks;
    if (code == 0)
        event_base_dispatch(base);
}

/* [batch-each] */
static void on_each(size_t index, elpq_result *result,
                    const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        fprintf(stderr, "statement %zu: %s\n", index, error->message);
    else if (elpq_rows(result) > 0)
        elpq_get_int32(result, 0, 0, &balance);
}
/* [/batch-each] */

static void on_done(const elpq_error *error, void *arg)
{
    (void)arg;
    over(error);
}

static int transfer(int from, int to, int amount)
{
    /* [batch] */
    const elpq_statement *all[] = {
        elpq_sql("update docs_accounts set balance = balance - $2 "
                 "where id = $1", from, amount),
        elpq_sql("update docs_accounts set balance = balance + $2 "
                 "where id = $1", to, amount),
        elpq_sql("select balance from docs_accounts where id = $1", from),
    };

    return elpq_batch(pool, all, 3, NULL, on_each, on_done, NULL);
    /* [/batch] */
}

/* [many-source] */
static int next_account(uint64_t row, elpq_value *values, void *arg)
{
    const int *last = arg;

    if (row == (uint64_t)*last)
        return 0; /* that was all; a negative code gives up */
    values[0] = elpq_int32((int32_t)row + 1);
    values[1] = elpq_int32(100);
    return 1;
}

static void on_rows(const elpq_many_outcome *outcome, const elpq_error *error,
                    void *arg)
{
    (void)arg;
    if (error && outcome->failed > 0)
        fprintf(stderr, "row %llu: %s\n",
                (unsigned long long)outcome->first_failed, error->message);
    results = (int)outcome->affected;
    over(error);
}
/* [/many-source] */

static int fill(int *accounts)
{
    /* [many] */
    elpq_rows_source source = {
        .columns = 2,
        .next = next_account,
        .arg = accounts,
    };

    return elpq_execute_many(pool,
                             elpq_sql("insert into docs_accounts values "
                                      "($1, $2)"),
                             &source, NULL, on_rows, NULL);
    /* [/many] */
}

static void on_result(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    results += result ? (int)elpq_rows(result) : 0;
    over(error);
}

static int read_some(elpq_conn *conn)
{
    int code = 0;
    /* [readonly] */
    elpq_options read = { .flags = ELPQ_READONLY };

    for (int id = 1; id <= 10 && code == 0; id++)
        code = elpq_execute(conn,
                            elpq_sql("select balance from docs_accounts "
                                     "where id = $1", id),
                            &read, on_result, NULL);
    /* [/readonly] */
    return code;
}

static void on_conn(elpq_conn *conn, const elpq_error *error, void *arg)
{
    *(elpq_conn **)arg = conn;
    over(error);
}

static void run(void)
{
    elpq_conn *conn = NULL;
    int accounts = 10;

    await(elpq_script(pool,
                      "drop table if exists docs_accounts;"
                      "create table docs_accounts "
                      "(id int primary key, balance int check (balance >= 0))",
                      NULL, NULL, on_done, NULL),
          1);
    await(fill(&accounts), 1);
    check(results == 10 && !verdict[0], "ten rows are inserted");
    await(transfer(1, 2, 30), 1);
    check(balance == 70 && !verdict[0], "the transfer shows the balance");
    await(transfer(1, 2, 300), 1);
    check(strcmp(verdict, "23514") == 0, "a check refuses the transfer");
    await(elpq_pool_acquire(pool, NULL, on_conn, &conn), 1);
    results = 0;
    await(conn ? read_some(conn) : ELPQ_E_CLOSED, 10);
    check(results == 10, "ten reads have a row each");
    elpq_conn_release(conn);
    await(elpq_script(pool, "drop table docs_accounts", NULL, NULL, on_done,
                      NULL),
          1);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print") == 0)
        return 0;
    base = event_base_new();
    pool = elpq_pool_new(base, "", NULL, NULL);
    if (!base || !pool)
        return 2;
    run();
    elpq_pool_close(pool, 0, on_done, NULL);
    await(0, 1);
    event_base_free(base);
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n",
           (checks - failures) * 100 / checks, checks, failures);
    return failures > 0;
}

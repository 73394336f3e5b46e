/* SPDX-License-Identifier: PostgreSQL */
/*
 * transfer: a hundred transfers between two accounts at once, each in a
 * serializable transaction that runs again when it met another one.
 *
 *     cc transfer.c $(pkg-config --cflags --libs elpq libevent_core)
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRANSFERS = 100 };

static elpq_pool *pool;
static int ended, again;

static void good(const elpq_error *error, int code)
{
    if (error || code != 0) {
        fprintf(stderr, "transfer: %s\n",
                error ? error->message : elpq_strerror(code));
        exit(1);
    }
}

static void on_rows(elpq_result *result, const elpq_error *error, void *arg)
{
    const char *name;
    int32_t cents;

    (void)arg;
    good(error, 0);
    for (size_t row = 0; row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &name, &cents) == 0)
            printf("%s has %d\n", name, cents);
    elpq_pool_close(pool, ELPQ_NO_TIMEOUT, NULL, NULL);
}

static void on_done(const elpq_error *error, void *arg)
{
    (void)arg;
    good(error, 0);
    if (++ended < TRANSFERS)
        return;
    fprintf(stderr, "%d attempts had to run again\n", again);
    printf("%d transfers committed\n", ended);
    good(NULL, elpq_execute(pool, elpq_sql("TABLE transfer_account"
                                           " ORDER BY name"),
                            NULL, on_rows, NULL));
}

/* A conflict is no news here: the body will run again. */
static void on_update(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    (void)arg;
    if (error && !(error->flags & (ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED)))
        good(error, 0);
}

/* COMMIT goes right behind the updates; if one has failed, it rolls back. */
static void body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    const char *from = arg ? "alice" : "bob", *to = arg ? "bob" : "alice";

    again += elpq_transact_attempt(t) > 1;
    good(NULL, elpq_execute(tx,
                            elpq_sql("UPDATE transfer_account SET cents ="
                                     " cents - 1 WHERE name = $1", from),
                            NULL, on_update, NULL));
    good(NULL, elpq_execute(tx,
                            elpq_sql("UPDATE transfer_account SET cents ="
                                     " cents + 1 WHERE name = $1", to),
                            NULL, on_update, NULL));
    good(NULL, elpq_transact_commit(t));
}

static void on_tables(const elpq_error *error, void *arg)
{
    elpq_transact_options options = { .tx.isolation = ELPQ_SERIALIZABLE,
                                      .max_attempts = 1000 };

    good(error, 0);
    for (int i = 0; i < TRANSFERS; i++)
        good(NULL, elpq_transact(pool, &options, body, on_done,
                                 i % 4 ? arg : NULL));
}

int main(void)
{
    elpq_pool_options options = { .max_size = 4 };
    struct event_base *base = event_base_new();

    pool = elpq_pool_new(base, "", &options, NULL);
    if (!pool)
        return 1;
    good(NULL, elpq_script(pool,
                           "DROP TABLE IF EXISTS transfer_account;"
                           "CREATE TABLE transfer_account (name text PRIMARY"
                           " KEY, cents int4 CHECK (cents >= 0));"
                           "INSERT INTO transfer_account"
                           " VALUES ('alice', 1000), ('bob', 1000)",
                           NULL, NULL, on_tables, base));
    event_base_dispatch(base);
    event_base_free(base);
    return ended != TRANSFERS;
}

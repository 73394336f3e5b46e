/* SPDX-License-Identifier: PostgreSQL */
/*
 * pool: a thousand statements over four connections, and what the pool did.
 *
 *     cc pool.c $(pkg-config --cflags --libs elpq libevent_core) -o pool
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

enum { STATEMENTS = 1000, CONNECTIONS = 4 };

struct app {
    elpq_pool *pool;
    int answers;
    int failures;
    int64_t sum;
};

static void print_statistics(const elpq_pool *pool)
{
    elpq_pool_statistics s;

    elpq_pool_stats(pool, &s);
    printf("%" PRIu64 " statements accepted, %" PRIu64 " refused\n",
           s.statements, s.refused);
    /* The rest depends on the machine. */
    fprintf(stderr,
            "%u connections of at most %d; %" PRIu64 " statements"
            " waited for one, %.3f ms on average\n",
            s.size, CONNECTIONS, s.waited,
            s.waited ? (double)s.wait_usec / 1e3 / (double)s.waited : 0.0);
}

static void on_closed(const elpq_error *error, void *arg)
{
    (void)arg;
    printf("closed%s\n", error ? ", but not in peace" : "");
}

static void on_answer(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;
    int64_t value;

    if (error) {
        fprintf(stderr, "pool: %s\n", error->message);
        app->failures++;
    } else if (elpq_scan(result, 0, &value) == 0) {
        app->sum += value;
    }
    if (++app->answers < STATEMENTS)
        return;
    printf("%d answers, %d failures, sum %" PRId64 "\n", app->answers,
           app->failures, app->sum);
    print_statistics(app->pool);
    elpq_pool_close(app->pool, ELPQ_NO_TIMEOUT, on_closed, app);
}

int main(void)
{
    elpq_pool_options options = { .max_size = CONNECTIONS };
    struct event_base *base = event_base_new();
    struct app app = { .failures = 0 };
    elpq_error *error = NULL;

    app.pool = elpq_pool_new(base, "", &options, &error);
    if (!app.pool) {
        fprintf(stderr, "pool: %s\n", error->message);
        return 1;
    }
    /* All at once: the pool keeps those in line that it cannot run yet. */
    for (int64_t i = 1; i <= STATEMENTS; i++) {
        int code = elpq_execute(app.pool, elpq_sql("SELECT $1 + 0", i), NULL,
                                on_answer, &app);

        if (code != 0) {
            fprintf(stderr, "pool: %s\n", elpq_strerror(code));
            return 1;
        }
    }
    event_base_dispatch(base);
    event_base_free(base);
    return app.answers != STATEMENTS || app.failures != 0;
}

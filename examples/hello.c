/* SPDX-License-Identifier: PostgreSQL */
/*
 * hello: asks the server one question and prints its rows.
 *
 *     cc hello.c $(pkg-config --cflags --libs elpq libevent_core) -o hello
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>

static int status = 1;

static void on_result(elpq_result *result, const elpq_error *error, void *pool)
{
    int n;
    double root;

    if (error)
        fprintf(stderr, "hello: %s\n", error->message);
    else
        status = 0;
    for (size_t row = 0; result && row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &n, &root) == 0)
            printf("the square root of %d is %.4f\n", n, root);
    elpq_pool_close(pool, 0, NULL, NULL);
}

int main(void)
{
    struct event_base *base = event_base_new();
    elpq_pool *pool = elpq_pool_new(base, "dbname=postgres", NULL, NULL);

    if (elpq_execute(
            pool,
            elpq_sql("select n, sqrt(n) from generate_series(1, $1) n", 3),
            NULL, on_result, pool) != 0)
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    return status;
}

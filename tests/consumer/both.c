/* SPDX-License-Identifier: PostgreSQL */
/* Builder and driver together: a built statement is submitted to a pool that
 * cannot connect, and fails in its callback. */
#include <elpq/elpq.h>
#include <elpq/qb.h>
#include <event2/event.h>
#include <stdio.h>

static void
on_result(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    *(int *)arg = error != NULL;
}

int
main(void)
{
    struct event_base *base = event_base_new();
    elpq_pool *pool = elpq_pool_new(base, "host=/nonexistent", NULL, NULL);
    elpq_options options = { .timeout_ms = 200 };
    elqb *q = elqb_new();
    elqb_select *s = elqb_select_new(q);
    int failed = 0;

    elqb_columns(s, elqb_val(1));
    if (elpq_execute(pool, elqb_render(q, s), &options, on_result, &failed))
        return 1;
    elqb_free(q);
    while (!failed)
        event_base_loop(base, EVLOOP_ONCE);
    elpq_pool_close(pool, 0, NULL, NULL);
    event_base_dispatch(base);
    event_base_free(base);
    puts("built, submitted, failed as it must");
    return 0;
}

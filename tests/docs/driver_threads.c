/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/threads.md, run.  With --print there is nothing to print:
 * no block of the document is output.
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

/* [thr-worker] */
enum { WORKERS = 2 };

struct worker {
    pthread_t thread;
    elpq_pool *pool;
    int first; /* its part of the work */
    int answers;
    int64_t sum;
};

static void on_number(elpq_result *result, const elpq_error *error, void *arg)
{
    struct worker *w = arg;
    int64_t n;

    if (!error && elpq_get_int64(result, 0, 0, &n) == 0)
        w->sum += n;
    if (++w->answers == 100) /* all of its work: the loop ends, too */
        elpq_pool_close(w->pool, ELPQ_NO_TIMEOUT, NULL, NULL);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct event_base *base = event_base_new();
    elpq_pool_options options = { .max_size = 2 };

    w->pool = elpq_pool_new(base, "", &options, NULL);
    for (int n = w->first; w->pool && n < w->first + 100; n++)
        if (elpq_execute(w->pool, elpq_sql("select $1 + 0", n), NULL,
                         on_number, w) != 0) {
            elpq_pool_close(w->pool, 0, NULL, NULL);
            break;
        }
    event_base_dispatch(base);
    event_base_free(base);
    return NULL;
}
/* [/thr-worker] */

START_TEST(workers)
{
    struct worker all[WORKERS] = { { .first = 1 }, { .first = 101 } };

    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&all[i].thread, NULL, work, &all[i]),
                         0);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_join(all[i].thread, NULL), 0);
    ck_assert_int_eq(all[0].sum + all[1].sum, 200 * 201 / 2);
}
END_TEST

/* [thr-stop] */
static void on_drained(const elpq_error *error, void *arg)
{
    (void)error; /* whether all could end in peace */
    (void)arg;   /* close the next thing, or write the last line of the log */
}

static void stop(elpq_pool *pool)
{
    /* What runs may go on for five seconds; new work is refused. */
    elpq_pool_close(pool, 5000, on_drained, NULL);
}

static void serve(struct event_base *base)
{
    event_base_dispatch(base); /* until all is closed */
    event_base_free(base);
}
/* [/thr-stop] */

START_TEST(ends)
{
    struct event_base *base = event_base_new();
    elpq_pool *pool = elpq_pool_new(base, "", NULL, NULL);

    ck_assert_ptr_nonnull(pool);
    ck_assert_int_eq(CALL(elpq_execute(pool, elpq_sql("select 1"), NULL,
                                       on_result, answer_new())), 0);
    RUN(stop(pool));
    serve(base);
    ck_assert_uint_eq(answers_come(), 1);
}
END_TEST

static void forget(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result, (void)error, (void)arg;
    _exit(2); /* the child must never get an answer */
}

static int in_child(elpq_pool *pool)
{
    /* [thr-fork] */
    int code = elpq_execute(pool, elpq_sql("select 1"), NULL, forget, NULL);

    if (code == ELPQ_E_FORKED) /* of the parent: make a pool of one's own */
        pool = NULL;
    /* [/thr-fork] */
    (void)pool;
    return code;
}

START_TEST(fork_and_touch)
{
    elpq_pool *pool = pool_of(1);
    pid_t child;
    int status;

    expect_ok(ask(pool, elpq_sql("select 1")));
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(in_child(pool) != ELPQ_E_FORKED);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    expect_ok(ask(pool, elpq_sql("select 1"))); /* the parent's is as good */
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "threads", 0);

    tcase_add_test(t, workers);
    tcase_add_test(t, ends);
    tcase_add_test(t, fork_and_touch);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: threads", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * elpq_post(): calls from other threads come once, in order, in the thread of
 * the loop; limits, close, fork; and a pool that is used that way.
 */
#include <event2/event.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

#define THREADS 4
#define POSTS 2000

static int calls;
static pthread_t loop_thread;
static elpq_mailbox *box;

static elpq_mailbox *mailbox(unsigned max)
{
    elpq_error *error = NULL;
    elpq_mailbox *made;

    calls = 0;
    loop_thread = pthread_self();
    made = elpq_mailbox_new(loop, max, &error);
    ck_assert_ptr_nonnull(made);
    ck_assert_ptr_null(error);
    return made;
}

static void count(void *arg)
{
    ck_assert(pthread_equal(pthread_self(), loop_thread));
    calls++;
    (void)arg;
}

/* ---------------------------------------------------------------- threads */

struct sender {
    pthread_t thread;
    int number;
    int sent;
    int received; /* the loop's */
    struct letter {
        struct sender *from;
        int ordinal;
    } letters[POSTS];
};

static void receive(void *arg)
{
    struct letter *letter = arg;

    count(NULL);
    ck_assert_int_eq(letter->ordinal, letter->from->received++);
}

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < POSTS; i++) {
        s->letters[i] = (struct letter){ s, i };
        while (elpq_post(box, receive, &s->letters[i]) == ELPQ_E_FULL)
            sched_yield();
    }
    elpq_mailbox_unref(box);
    return NULL;
}

START_TEST(posts_of_many_threads)
{
    static struct sender senders[THREADS];
    int i;

    box = mailbox(50);
    for (i = 0; i < THREADS; i++) {
        elpq_mailbox_ref(box);
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, send_all,
                                        &senders[i]),
                         0);
    }
    run_until(&calls, THREADS * POSTS);
    for (i = 0; i < THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
        ck_assert_int_eq(senders[i].received, POSTS);
    }
    elpq_mailbox_close(box);
    ck_assert_int_eq(event_base_dispatch(loop), 1); /* nothing is left */
}
END_TEST

/* The loop sleeps: a post wakes it. */
static void *send_one(void *arg)
{
    ck_assert_int_eq(elpq_post(box, count, arg), 0);
    elpq_mailbox_unref(box);
    return NULL;
}

START_TEST(a_post_wakes_the_loop)
{
    pthread_t thread;

    box = mailbox(0);
    ck_assert_int_eq(
        pthread_create(&thread, NULL, send_one, elpq_mailbox_ref(box)), 0);
    while (calls == 0)
        ck_assert_int_eq(event_base_loop(loop, EVLOOP_ONCE), 0);
    pthread_join(thread, NULL);
    elpq_mailbox_close(box);
}
END_TEST

/* ----------------------------------------------------------------- limits */

START_TEST(a_full_mailbox_refuses)
{
    int i;

    box = mailbox(3);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    ck_assert_int_eq(elpq_post(box, count, NULL), ELPQ_E_FULL);
    ck_assert_int_eq(calls, 0);
    run_until(&calls, 3);
    ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    run_until(&calls, 4);
    ck_assert_int_eq(elpq_post(NULL, count, NULL), ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_post(box, NULL, NULL), ELPQ_E_USAGE);
    elpq_mailbox_close(box);
    elpq_mailbox_close(NULL);
    elpq_mailbox_unref(NULL);
}
END_TEST

START_TEST(no_base_no_mailbox)
{
    elpq_error *error = NULL;

    ck_assert_ptr_null(elpq_mailbox_new(NULL, 0, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_mailbox_new(NULL, 0, NULL));
}
END_TEST

/* What was accepted still comes; what comes later is refused. */
START_TEST(a_closed_mailbox_is_emptied)
{
    elpq_mailbox *other;

    box = mailbox(0);
    other = elpq_mailbox_ref(box);
    ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    elpq_mailbox_close(box);
    ck_assert_int_eq(elpq_post(other, count, NULL), ELPQ_E_CLOSED);
    ck_assert_int_eq(calls, 0);
    event_base_dispatch(loop); /* returns: it keeps the loop no longer */
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(elpq_post(other, count, NULL), ELPQ_E_CLOSED);
    elpq_mailbox_unref(other);
}
END_TEST

static void close_it(void *arg)
{
    count(NULL);
    if (arg)
        ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    elpq_mailbox_close(box);
}

/* _i: with something posted before it, by itself. */
START_TEST(a_mailbox_closed_by_a_post)
{
    box = mailbox(0);
    ck_assert_int_eq(elpq_post(box, close_it, _i ? &calls : NULL), 0);
    ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    event_base_dispatch(loop);
    ck_assert_int_eq(calls, _i ? 3 : 2);
}
END_TEST

/* Posts that post for ever do not keep the loop from its other work. */
static void again(void *arg)
{
    count(NULL);
    if (*(int *)arg)
        ck_assert_int_eq(elpq_post(box, again, arg), 0);
}

static void ping_back(struct answer *a)
{
    *(int *)a->data = 0;
}

START_TEST(posts_of_posts_starve_nobody)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;
    int go_on = 1;

    box = mailbox(0);
    ck_assert_int_eq(elpq_post(box, again, &go_on), 0);
    a = ask(conn, elpq_sql("select 1"));
    a->then = ping_back;
    a->data = &go_on;
    expect_int(a, 1);
    ck_assert_int_gt(calls, 1);
    run_turns(3);
    elpq_mailbox_close(box);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- fork */

START_TEST(a_child_cannot_post)
{
    int status = -1;
    pid_t pid;

    box = mailbox(0);
    pid = fork();
    if (pid == 0) {
        int code = elpq_post(box, count, NULL);

        elpq_mailbox_close(box);
        _exit(code == ELPQ_E_FORKED ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(elpq_post(box, count, NULL), 0);
    run_until(&calls, 1);
    elpq_mailbox_close(box);
}
END_TEST

/* -------------------------------------------------------------- with a pool */

static elpq_pool *pool;

static void ask_pool_for(void *arg)
{
    ask(pool, elpq_sql("select $1", (int)(intptr_t)arg));
    calls++;
}

static void *work(void *arg)
{
    for (intptr_t i = 1; i <= 5; i++)
        while (elpq_post(box, ask_pool_for, (void *)i) == ELPQ_E_FULL)
            sched_yield();
    elpq_mailbox_unref(box);
    return arg;
}

START_TEST(a_pool_is_used_from_another_thread)
{
    pthread_t thread;

    pool = pool_of(2);
    box = mailbox(0);
    elpq_mailbox_ref(box);
    ck_assert_int_eq(pthread_create(&thread, NULL, work, NULL), 0);
    run_until(&calls, 5);
    pthread_join(thread, NULL);
    await_all();
    ck_assert_uint_eq(answers_with(0), 5);
    elpq_mailbox_close(box);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "post", 30);

    tcase_add_test(t, posts_of_many_threads);
    tcase_add_test(t, a_post_wakes_the_loop);
    tcase_add_test(t, a_full_mailbox_refuses);
    tcase_add_test(t, no_base_no_mailbox);
    tcase_add_test(t, a_closed_mailbox_is_emptied);
    tcase_add_loop_test(t, a_mailbox_closed_by_a_post, 0, 2);
    tcase_add_test(t, posts_of_posts_starve_nobody);
    tcase_add_test(t, a_child_cannot_post);
    tcase_add_test(t, a_pool_is_used_from_another_thread);
}

int main(void)
{
    return harness_main("post", build);
}

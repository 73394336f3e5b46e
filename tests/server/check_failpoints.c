/* SPDX-License-Identifier: PostgreSQL */
/*
 * Failpoints themselves: the n-th call fails, libraries are hit, blocks of
 * memory are counted, and a sweep tells what failed, crashed, hung or leaked.
 * What elpq makes of it is in tests/failpoints.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"
#include "elpq/failpoints.h"

START_TEST(the_nth_call_fails)
{
    /* clang leaves out what nobody looks at, and knows that calloc() leaves
     * errno alone. */
    void *(*volatile zeroed)(size_t, size_t) = calloc;
    void *volatile p[4];
    int error;

    if (!elpq_failpoint_works(ELPQ_FAIL_MALLOC))
        return;
    for (int persistent = 0; persistent < 2; persistent++) {
        elpq_failpoint_set(ELPQ_FAIL_MALLOC, 2, 0, persistent);
        p[0] = malloc(10);
        errno = 0;
        p[1] = zeroed(10, 10);
        error = errno;
        p[2] = strdup("text");
        p[3] = realloc(NULL, 10);
        elpq_failpoint_clear();
        ck_assert_ptr_nonnull(p[0]);
        ck_assert_ptr_null(p[1]);
        ck_assert_int_eq(error, ENOMEM);
        ck_assert_int_eq(p[2] == NULL, persistent);
        ck_assert_int_eq(p[3] == NULL, persistent);
        ck_assert_uint_eq(elpq_failpoint_calls(), 4);
        ck_assert_uint_eq(elpq_failpoint_hits(), persistent ? 3 : 1);
        for (int i = 0; i < 4; i++)
            free(p[i]);
    }
}
END_TEST

START_TEST(libraries_are_hit)
{
    struct event_base *base;
    PGconn *conn;

    elpq_failpoint_set(ELPQ_FAIL_SOCKET, 1, EMFILE, true);
    conn = PQconnectdb(tcp(""));
    elpq_failpoint_clear();
    ck_assert_int_eq(PQstatus(conn), CONNECTION_BAD);
    PQfinish(conn);
    ck_assert_uint_ge(elpq_failpoint_hits(), 1);
    conn = PQconnectdb(tcp(""));
    ck_assert_int_eq(PQstatus(conn), CONNECTION_OK);
    PQfinish(conn);
    if (!elpq_failpoint_works(ELPQ_FAIL_MALLOC))
        return;
    elpq_failpoint_set(ELPQ_FAIL_MALLOC, 1, 0, true);
    base = event_base_new();
    elpq_failpoint_clear();
    ck_assert_ptr_null(base);
}
END_TEST

START_TEST(blocks_are_counted)
{
    int64_t before = elpq_failpoint_blocks();
    void *volatile p; /* as above */
    void *q = NULL;

    if (!elpq_failpoint_works(ELPQ_FAIL_MALLOC))
        return;
    p = malloc(10);
    p = realloc(p, 100000);
    ck_assert_int_eq(posix_memalign(&q, 64, 64), 0);
    ck_assert_int_eq(elpq_failpoint_blocks() - before, 2);
    free(p);
    free(q);
    free(NULL);
    ck_assert_int_eq(elpq_failpoint_blocks() - before, 0);
}
END_TEST

START_TEST(a_short_call_moves_one_byte)
{
    char text[4] = "abc";
    int fd[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    elpq_failpoint_set(ELPQ_FAIL_SEND, 1, ELPQ_FAIL_SHORT, false);
    ck_assert_int_eq(send(fd[0], text, 3, 0), 1);
    ck_assert_int_eq(send(fd[0], text + 1, 2, 0), 2);
    elpq_failpoint_set(ELPQ_FAIL_RECV, 1, ELPQ_FAIL_SHORT, true);
    ck_assert_int_eq(recv(fd[1], text, 3, 0), 1);
    ck_assert_int_eq(recv(fd[1], text, 3, 0), 1);
    elpq_failpoint_clear();
    ck_assert_int_eq(recv(fd[1], text, 3, 0), 1);
    ck_assert_int_eq(text[0], 'c');
    close(fd[0]);
    close(fd[1]);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(elpq_failpoint_name(ELPQ_FAIL_THREAD), "pthread_create");
    ck_assert_str_eq(elpq_failpoint_name(ELPQ_FAILPOINTS), "none");
    ck_assert(!elpq_failpoint_works(ELPQ_FAILPOINTS));
    ck_assert(elpq_failpoint_works(ELPQ_FAIL_RECV));
}
END_TEST

/* Three sockets; not well without the second, in the way that is asked. */
static int three_sockets(void *arg)
{
    int *how = arg;

    elpq_failpoint_arm();
    for (int i = 1; i <= 3; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd >= 0)
            close(fd);
        else if (i == 2 && *how == 0)
            return 3;
        else if (i == 2 && *how == SIGALRM)
            pause();
        else if (i == 2)
            raise(*how);
    }
    return 0;
}

START_TEST(a_sweep_tells_what_failed)
{
    static const int ways[] = { 0, SIGALRM, SIGABRT };
    elpq_failpoint_sweep_options o = { .point = ELPQ_FAIL_SOCKET,
                                       .seconds = 1 };
    elpq_failpoint_report r;
    int how = ways[_i];

    ck_assert_int_eq(elpq_failpoint_sweep(&o, three_sockets, &how, &r), 0);
    ck_assert_uint_eq(r.injections, 3);
    ck_assert_uint_eq(r.failed, 1);
    ck_assert_uint_eq(r.first_failed, 2);
    ck_assert(r.complete);
    if (how == 0)
        ck_assert_int_eq(WEXITSTATUS(r.status), 3);
    else
        ck_assert_int_eq(WTERMSIG(r.status), how);
    o.persistent = true;
    o.first = 3;
    ck_assert_int_eq(elpq_failpoint_sweep(&o, three_sockets, &how, &r), 0);
    ck_assert_uint_eq(r.injections, 1);
    ck_assert_uint_eq(r.failed, 0);
}
END_TEST

/* Two blocks; what has the first one only, forgets it. */
static int forgets(void *arg)
{
    void *volatile first; /* so that the compiler does not do without */
    void *volatile second;

    (void)arg;
    elpq_failpoint_arm();
    first = malloc(10);
    second = malloc(10);
    if (second)
        free(first);
    free(second);
    return 0;
}

static uint64_t known_ones;

static bool expected(const elpq_failpoint_failure *failure, void *arg)
{
    (void)arg;
    ck_assert_uint_eq(failure->n, 2);
    ck_assert_int_eq(WEXITSTATUS(failure->status), ELPQ_FAILPOINT_LEAK);
    ck_assert_str_eq(failure->where, "");
    known_ones++;
    return true;
}

START_TEST(a_sweep_finds_leaks)
{
    elpq_failpoint_sweep_options o = { .jobs = 3 };
    elpq_failpoint_report r;

    if (!elpq_failpoint_works(ELPQ_FAIL_MALLOC))
        return;
    ck_assert_int_eq(elpq_failpoint_sweep(&o, forgets, NULL, &r), 0);
    ck_assert_uint_eq(r.calls, 2);
    ck_assert_uint_eq(r.injections, 2);
    ck_assert_uint_eq(r.failed, 1);
    ck_assert_uint_eq(r.first_failed, 2);
    ck_assert_int_eq(WEXITSTATUS(r.status), ELPQ_FAILPOINT_LEAK);
    o.known = expected;
    ck_assert_int_eq(elpq_failpoint_sweep(&o, forgets, NULL, &r), 0);
    ck_assert_uint_eq(known_ones, 1);
    ck_assert_uint_eq(r.known, 1);
    ck_assert_uint_eq(r.failed, 0);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "failpoints", 0);

    tcase_add_test(t, the_nth_call_fails);
    tcase_add_test(t, libraries_are_hit);
    tcase_add_test(t, blocks_are_counted);
    tcase_add_test(t, a_short_call_moves_one_byte);
    tcase_add_test(t, names);
    tcase_add_test(t, a_sweep_finds_leaks);
    tcase_add_loop_test(t, a_sweep_tells_what_failed, 0, 3);
}

int main(void)
{
    return harness_main("failpoints", build);
}

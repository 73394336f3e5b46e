/* SPDX-License-Identifier: PostgreSQL */
/*
 * A process ends whenever it likes: also while helper threads are connecting,
 * in what libpq uses of OpenSSL and Kerberos, which is freed then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/harness.h"

#define CHILDREN 60
#define CONNECTS 4

static elpq_conn *conns[CONNECTS]; /* so that nobody calls them leaked */
static struct event_base *base;

static void on_nothing(elpq_conn *conn, const elpq_error *error, void *arg)
{
    (void)conn;
    (void)error;
    (void)arg;
}

/* Connects, and ends some time later. */
static void child(const char *conninfo, long usec, bool closes)
{
    /* Where it is slow, they all at once take longer than exit() waits. */
    const int connects = harness_slow() > 1 ? 1 : CONNECTS;
    const struct timespec pause = { 0, usec * 1000 };

    alarm(0);
    base = event_base_new();
    for (int i = 0; i < connects; i++)
        conns[i] = elpq_connect(base, conninfo, NULL, on_nothing, NULL, NULL);
    nanosleep(&pause, NULL);
    if (closes) {
        for (int i = 0; i < connects; i++)
            elpq_conn_close(conns[i]);
        for (int i = 0; i < 3; i++)
            event_base_loop(base, EVLOOP_NONBLOCK);
        event_base_free(base);
    }
    exit(0);
}

START_TEST(in_the_middle_of_connects)
{
    /* Over the 12 ms that a connect takes. */
    const int children = (int)(CHILDREN / harness_slow());
    const long step = (long)(12000 * harness_slow()) / children;
    char conninfo[400];

    snprintf(conninfo, sizeof(conninfo),
             "host=%s port=%s user=%s password=%s sslmode=require",
             harness_env("ELPQ_TEST_HOST"), harness_env("ELPQ_TEST_PORT"),
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    for (int i = 0; i < children; i++) {
        int status = -1;
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            child(conninfo, i * step, _i == 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "child %d ended with %d", i, status);
    }
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "exit", 60);

    tcase_add_loop_test(t, in_the_middle_of_connects, 0, 2);
}

int main(void)
{
    return harness_main("exit", build);
}

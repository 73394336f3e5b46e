/* SPDX-License-Identifier: PostgreSQL */
/*
 * Servers under test that a script of tests/support runs, told what to do over
 * a pipe: cluster, a primary and two standbys, or pgbouncer.  It is started
 * once for a case, by nodes_up(), in an unchecked fixture; node() runs the loop
 * while a node is stopped, promoted and so on, so that work goes on meanwhile.
 */
#ifndef ELPQ_TESTS_NODES_H
#define ELPQ_TESTS_NODES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

static pid_t nodes_pid;
static int nodes_in = -1;
static int nodes_out = -1;
static char nodes_dir[200];

/* Whether there can be any; says so if not. */
static bool nodes_possible(void)
{
    if (harness_env("ELPQ_TEST_SUPPORT"))
        return true;
    fprintf(stderr, "SKIPPED: this needs a server of our own\n");
    return false;
}

/* One line of the script, without its end; false at the end of it all. */
static bool nodes_read(char *line, size_t size)
{
    size_t n = 0;
    char c;

    while (read(nodes_out, &c, 1) == 1 && c != '\n')
        if (n + 1 < size)
            line[n++] = c;
    line[n] = '\0';
    return n > 0;
}

static void nodes_up(const char *script, const char *argument)
{
    int in[2], out[2];
    char path[400];

    snprintf(path, sizeof(path), "%s/%s", harness_env("ELPQ_TEST_SUPPORT"),
             script);
    ck_assert_int_eq(pipe(in), 0);
    ck_assert_int_eq(pipe(out), 0);
    nodes_pid = fork();
    ck_assert_int_ge(nodes_pid, 0);
    if (nodes_pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execl("/bin/sh", "sh", path, argument, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    nodes_in = in[1];
    nodes_out = out[0];
    ck_assert_msg(nodes_read(nodes_dir, sizeof(nodes_dir)),
                  "tests/support/%s did not start", script);
}

static void nodes_down(void)
{
    if (nodes_in < 0)
        return;
    close(nodes_in);
    waitpid(nodes_pid, NULL, 0);
    close(nodes_out);
    nodes_in = nodes_out = -1;
}

static void on_node(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    nodes_read(arg, 64);
}

/* Tells the script what to do, and runs the loop until it is done. */
static inline const char *node(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
static inline const char *node(const char *format, ...)
{
    static char line[64];
    struct event *event = event_new(loop, nodes_out, EV_READ, on_node, line);
    va_list args;

    line[0] = '\0';
    va_start(args, format);
    vdprintf(nodes_in, format, args);
    va_end(args);
    dprintf(nodes_in, "\n");
    event_add(event, NULL);
    while (!line[0])
        event_base_loop(loop, EVLOOP_ONCE);
    event_free(event);
    if (strcmp(line, "failed") == 0)
        dprintf(nodes_in, "log\n");
    ck_assert_msg(strcmp(line, "failed") != 0, "%s failed", format);
    return line;
}

#endif

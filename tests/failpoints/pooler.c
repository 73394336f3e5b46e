/* SPDX-License-Identifier: PostgreSQL */
/*
 * The pooler as its parent sees it: begun, asked, and ended here.
 */
#include "pooler.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kit/kit.h"
#include "../support/harness.h"
#include "pooler_told.h"

static struct pooler_told *told;
static pid_t pooler;
static char directory[200], conninfo[300];
static int port;

void pooler_start(void)
{
    int listener;

    snprintf(directory, sizeof(directory), "%s",
             harness_env("ELPQ_TEST_SOCKDIR"));
    port = 40000 + (int)getpid() % 20000;
    listener = elpq__kit_listen(directory, &port);
    ck_assert_int_ge(listener, 0);
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(told != MAP_FAILED);
    snprintf(conninfo, sizeof(conninfo), "host=%s port=%d ", directory, port);
    fflush(NULL);
    pooler = fork();
    if (pooler == 0) /* no assertion: it would be told in the parent's file */
        pooler_serve(listener, told);
    ck_assert_int_gt(pooler, 0);
    close(listener);
}

void pooler_stop(void)
{
    char path[300];

    printf("%u sessions with %u backends\n", atomic_load(&told->served),
           atomic_load(&told->started));
    kill(pooler, SIGKILL);
    waitpid(pooler, NULL, 0);
    pooler = 0;
    if (elpq__kit_socket_path(directory, port, path, sizeof(path)))
        unlink(path);
}

const char *pooler_conninfo(void)
{
    return conninfo;
}

const char *pooler_host(void)
{
    return directory;
}

int pooler_port(void)
{
    return port;
}

bool pooler_await_quiet(void)
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    while (atomic_load(&told->sessions) || atomic_load(&told->ending)) {
        if (now_usec() > end)
            return false;
        usleep(500);
    }
    return true;
}

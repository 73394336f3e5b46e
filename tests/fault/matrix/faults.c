/* SPDX-License-Identifier: PostgreSQL */
/*
 * The faults of the matrix: what the network, the server, the machine and the
 * user can do to a session.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "elpq/failpoints.h"
#include "matrix.h"

#define FORGE(c, bytes) forge(c, bytes, sizeof(bytes) - 1)

static void forge(struct cell *c, const char *bytes, size_t size)
{
    ck_assert(elpq_faultproxy_forge(c->proxy, 1, bytes, size));
}

/* ------------------------------------------------------------ the session ends
 */

static void strike_fin(struct cell *c)
{
    rule(c, "session 1 cut fin");
}

static void strike_rst(struct cell *c)
{
    rule(c, "session 1 cut rst");
}

/* What the proxy holds passes, so that what was forged has its place. */
static void let_pass(struct cell *c)
{
    if (states[c->state].held)
        states[c->state].go_on(c);
}

/* Where a message is under way, that one is cut. */
static void strike_truncated(struct cell *c)
{
    if (c->state != HALF_A_ROW) {
        FORGE(c, "D\0\0\0\x64\0\1");
        let_pass(c);
    }
    rule(c, "session 1 cut fin");
}

static void strike_terminated(struct cell *c)
{
    if (states[c->state].early) {
        FORGE(c, "E\0\0\0\x2aSFATAL\0VFATAL\0C57P01\0Mgoing down now\0\0");
        let_pass(c);
        rule(c, "session 1 cut fin");
        return;
    }
    terminate(c->pid);
    let_pass(c);
}

/* ----------------------------------------------------------------- silence */

/* Cancel requests do not come through either. */
static void strike_black_hole(struct cell *c)
{
    rule(c, "cancel client cut stall at byte 1");
    rule(c, "cancel client cut stall");
    rule(c, "session 1 cut stall");
}

/* Meanwhile other sessions go on. */
static void strike_stall(struct cell *c)
{
    rule(c, "session 1 client pause");
    rule(c, "session 1 server pause");
    run_turns(2);
    ck_assert_int_eq(admin_int("select 1"), 1);
    run_turns(2);
    rule(c, "session 1 client resume");
    rule(c, "session 1 server resume");
}

static void strike_stopped(struct cell *c)
{
    ck_assert(signal_server(c->pid, SIGSTOP));
}

static void mend_stopped(struct cell *c)
{
    ck_assert(signal_server(c->pid, SIGCONT));
}

static void strike_deadline(struct cell *c)
{
    hurry(c, false);
}

static void prepare_one_byte(struct cell *c)
{
    rule(c, "session 1 client split 1");
    rule(c, "session 1 server split 1");
}

static void strike_nothing(struct cell *c)
{
    (void)c;
}

/* ------------------------------------------------------------ a server that
 * errs */

static void strike_wrong_type(struct cell *c)
{
    FORGE(c, "\xff\0\0\0\4");
}

static void strike_oversized(struct cell *c)
{
    FORGE(c, "D\x7f\xff\xff\xff");
}

static void strike_interleaved(struct cell *c)
{
    FORGE(c, "N\0\0\0\x1cSNOTICE\0C00000\0Mforged\0\0"
             "S\0\0\0\x1c"
             "application_name\0forged\0"
             "A\0\0\0\x10\0\0\0\1forged\0\0");
}

static void strike_extra_ready(struct cell *c)
{
    FORGE(c, "Z\0\0\0\5I");
}

/* ---------------------------------------------------------------- the user */

static void strike_cancel(struct cell *c)
{
    ck_assert_ptr_nonnull(c->q[0]->request);
    RUN(elpq_cancel(c->q[0]->request));
}

/* Inside of libpq, which hands the notice over. */
static void strike_freed(struct cell *c)
{
    c->frees = true;
    FORGE(c, "N\0\0\0\x1cSNOTICE\0C00000\0Mforged\0\0");
    if (states[c->state].held || c->state == PAUSED_STREAM ||
        c->state == COPY_OUT)
        states[c->state].go_on(c);
    await_that(c, !c->frees);
}

static void strike_pool_close(struct cell *c)
{
    elpq_pool *pool = c->pool;

    c->pool = NULL;
    if (pool)
        close_pool(pool, 0);
    else
        free_all(c);
}

/* -------------------------------------------------------------- the machine */

/* The next block that elpq or libpq wants is not to be had. */
static void strike_no_memory(struct cell *c)
{
    (void)c;
    elpq_failpoint_set(ELPQ_FAIL_MALLOC, 1, 0, false);
}

static void mend_no_memory(struct cell *c)
{
    (void)c;
    elpq_failpoint_clear();
}

static struct rlimit descriptors;

/* Those that are open stay so. */
static void strike_no_descriptor(struct cell *c)
{
    struct rlimit none;

    (void)c;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    none = descriptors;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void mend_no_descriptor(struct cell *c)
{
    (void)c;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
}

const struct fault faults[MANY_FAULTS] = {
    [FIN] = { "FIN", .strike = strike_fin, .loud = true },
    [RST] = { "RST", .strike = strike_rst, .loud = true },
    [TRUNCATED] = { "truncated message", .strike = strike_truncated,
                    .loud = true },
    [KILLED] = { "SIGKILL of the backend", .loud = true },
    [SHUTDOWN] = { "immediate shutdown", .loud = true },
    [TERMINATED] = { "57P01 and close", .strike = strike_terminated,
                     .loud = true },
    [BLACK_HOLE] = { "black hole", .strike = strike_black_hole,
                     .silent = true },
    [STALL] = { "stall and resume", .strike = strike_stall, .goes_on = true },
    [STOPPED] = { "SIGSTOP of the backend", .strike = strike_stopped,
                  .mend = mend_stopped, .silent = true },
    [DEADLINE] = { "deadline", .strike = strike_deadline },
    [ONE_BYTE] = { "one-byte segments", .prepare = prepare_one_byte,
                   .strike = strike_nothing, .goes_on = true },
    [WRONG_TYPE] = { "wrong type byte", .strike = strike_wrong_type,
                     .loud = true, .goes_on = true },
    [OVERSIZED] = { "oversized length", .strike = strike_oversized,
                    .loud = true, .goes_on = true },
    [INTERLEAVED] = { "notice, parameter, notification",
                      .strike = strike_interleaved, .goes_on = true },
    [EXTRA_READY] = { "extra ReadyForQuery", .strike = strike_extra_ready,
                      .loud = true, .goes_on = true },
    [CANCEL] = { "user cancel", .strike = strike_cancel },
    [FREED] = { "all freed in a callback", .strike = strike_freed },
    [POOL_CLOSE] = { "pool close", .strike = strike_pool_close },
    [NO_MEMORY] = { "malloc fails", .strike = strike_no_memory,
                    .mend = mend_no_memory, .goes_on = true, .late = true },
    [NO_DESCRIPTOR] = { "EMFILE", .strike = strike_no_descriptor,
                        .mend = mend_no_descriptor, .goes_on = true },
};

/* SPDX-License-Identifier: PostgreSQL */
/*
 * A socket that cannot be watched for want of memory in the kernel, once or
 * for as long as it lasts: what has no deadline comes to its end all the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "elpq/failpoints.h"
#include "flow.h"

/* More than a socket takes at once. */
#define TEXT_SIZE (8 << 20)
#define ROWS 300
#define STREAM                                                                \
    elpq_sql("select n, repeat('x', 8000) from generate_series(1, $1) n", ROWS)

static void pause_once(struct flow *f)
{
    f->act = NULL;
    pause_flow(f);
}

/* From now on the next one cannot be had, or none. */
static void fail_to_watch(bool persistent)
{
    elpq_failpoint_set(ELPQ_FAIL_EPOLL_CTL, 1, persistent ? ENOSPC : ENOMEM,
                       persistent);
}

static void expect_watched_again(elpq_conn *conn)
{
    ck_assert_uint_ge(elpq_failpoint_hits(), 1);
    elpq_failpoint_clear();
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    expect_int(ask(conn, elpq_sql("select 2")), 2);
}

START_TEST(a_stream_that_is_resumed)
{
    elpq_conn_options o = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = { .counts = true, .at = 1, .act = pause_once };

    FLOW(&f, conn, STREAM, NULL);
    await_rows(&f, 1);
    ck_assert(f.paused);
    fail_to_watch(_i == 1);
    resume_flow(&f);
    expect_ok(f.a);
    ck_assert_int_eq(f.rows, ROWS);
    expect_watched_again(conn);
    close_conn(conn);
}
END_TEST

START_TEST(a_statement_that_the_socket_does_not_take_at_once)
{
    elpq_conn_options o = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_conn *conn = connect_now(NULL, &o);
    char *text = malloc(TEXT_SIZE + 1);
    struct answer *a;

    memset(text, 'x', TEXT_SIZE);
    text[TEXT_SIZE] = '\0';
    a = ask(conn, elpq_sql("select length($1)", text));
    free(text);
    fail_to_watch(_i == 1);
    expect_int(a, TEXT_SIZE);
    expect_watched_again(conn);
    close_conn(conn);
}
END_TEST

/* Closed meanwhile: nobody looks any more. */
START_TEST(a_connection_that_is_closed_unwatched)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 1, .act = pause_once };

    FLOW(&f, conn, STREAM, NULL);
    await_rows(&f, 1);
    fail_to_watch(true);
    resume_flow(&f);
    run_turns(3);
    ck_assert_uint_ge(elpq_failpoint_hits(), 1);
    close_conn(conn);
    expect_error(f.a, ELPQ_E_CLOSED, "", ELPQ_IN_DOUBT);
    elpq_failpoint_clear();
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "unwatched", 0);

    tcase_add_loop_test(t, a_stream_that_is_resumed, 0, 2);
    tcase_add_loop_test(t, a_statement_that_the_socket_does_not_take_at_once, 0,
                        2);
    tcase_add_test(t, a_connection_that_is_closed_unwatched);
}

/* libevent tells of every failure. */
static void ignore(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

int main(void)
{
    event_set_log_callback(ignore);
    return harness_main("watch failpoints", build);
}

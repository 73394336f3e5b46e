/* SPDX-License-Identifier: PostgreSQL */
/*
 * A server that does not keep to the protocol.  It lets everybody in, and
 * answers every message as a server without tables would, until so many
 * statements are answered; from then on Sync alone has an answer.
 */
#include <stdio.h>

#include "../../lib/conn_int.h"
#include "../support/harness.h"
#include "elpq/testkit.h"

static elpq_fakepg *server;

static elpq_conn *connect_to_liar(int honest)
{
    char script[100], conninfo[120];

    snprintf(script, sizeof(script),
             "startup\nwelcome\nserve %d\nuntil S\nsend Z \"I\"", honest);
    server = elpq_fakepg_new(loop, script, NULL);
    ck_assert_ptr_nonnull(server);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable",
             elpq_fakepg_port(server));
    return connect_now(conninfo, NULL);
}

static void leave_liar(elpq_conn *conn)
{
    close_conn(conn);
    elpq_fakepg_free(server);
}

static void ask_honest(elpq_conn *conn, int n)
{
    for (int i = 0; i < n; i++)
        expect_ok(ask(conn, elpq_sql("select")));
}

static void expect_protocol_error(elpq_conn *conn, struct answer *a)
{
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_PROTOCOL);
    ck_assert_uint_ne(a->flags & ELPQ_IN_DOUBT, 0);
    ck_assert(!elpq_conn_is_open(conn));
}

START_TEST(no_result_in_the_pipeline)
{
    elpq_conn *conn = connect_to_liar(3);

    ask_honest(conn, 3);
    ck_assert(conn->piped);
    expect_protocol_error(conn, ask(conn, elpq_sql("select")));
    leave_liar(conn);
}
END_TEST

START_TEST(no_result_for_one_that_is_alone)
{
    elpq_conn *conn = connect_to_liar(20);

    ask_honest(conn, 20);
    ck_assert(!conn->piped);
    expect_protocol_error(conn, ask(conn, elpq_sql("select")));
    leave_liar(conn);
}
END_TEST

START_TEST(no_result_for_commit)
{
    elpq_conn *conn = connect_to_liar(20);
    struct answer *a;

    ask_honest(conn, 17);
    a = expect_ok(begin(conn, NULL));
    expect_ok(commit(a->tx));
    a = expect_ok(begin(conn, NULL));
    ck_assert(!conn->piped);
    expect_protocol_error(conn, commit(a->tx));
    leave_liar(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "no result", 0);

    tcase_add_test(t, no_result_in_the_pipeline);
    tcase_add_test(t, no_result_for_one_that_is_alone);
    tcase_add_test(t, no_result_for_commit);
}

int main(void)
{
    return harness_main("hostile", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/testkit.md, run.  With --print there is nothing to print:
 * no block of the document is output.
 */
#include <stdio.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

START_TEST(testkit)
{
    struct event_base *base = loop;
    struct answer *done = answer_new();
    char conninfo[100];

    /* [testkit] */
    elpq_fakepg *server = elpq_fakepg_new(base,
                                          "startup\n"
                                          "welcome\n"
                                          "serve\n",
                                          NULL);
    elpq_faultproxy_options options = { .upstream_port =
                                            elpq_fakepg_port(server) };
    elpq_faultproxy *proxy = elpq_faultproxy_new(base, &options);

    /* The connection ends in front of the answer to the second statement. */
    elpq_faultproxy_rule(proxy, "server cut rst at message 2 C");
    /* [/testkit] */
    ck_assert_ptr_nonnull(proxy);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable",
             elpq_faultproxy_port(proxy));
    elpq_conn *conn = connect_now(conninfo, NULL);

    expect_ok(ask(conn, elpq_sql("select")));
    /* [testkit-check] */
    elpq_execute(conn, elpq_sql("select"), NULL, on_result, done);
    await(done);
    ck_assert_int_eq(done->code, ELPQ_E_LOST);
    ck_assert(done->flags & ELPQ_IN_DOUBT);
    /* [/testkit-check] */
    close_conn(conn);
    elpq_faultproxy_free(proxy);
    elpq_fakepg_free(server);
}
END_TEST

static void build(Suite *s)
{
    tcase_add_test(harness_case(s, "testkit", 0), testkit);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: testkit", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a restart of the server leaves whole: a listener misses nothing without
 * a GAP.  On a server of its own, since every session of it is ended.
 */
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

static struct {
    elpq_listener *l;
    int sent;      /* numbers 1 .. sent were committed                      */
    int last;      /* the highest number seen                               */
    bool gap;      /* since then                                            */
    int ups, downs, gaps;
    int violations;
} seq;

static void on_number(const elpq_notification *n, void *arg)
{
    int number = atoi(n->payload);

    (void)arg;
    seq.violations += number != seq.last + 1 && !seq.gap;
    ck_assert_int_gt(number, seq.last);
    seq.last = number;
    seq.gap = false;
}

static void on_listen_event(elpq_listener *l, const elpq_listen_event *event,
                            void *arg)
{
    (void)l;
    (void)arg;
    seq.ups += event->kind == ELPQ_LISTEN_UP;
    seq.downs += event->kind == ELPQ_LISTEN_DOWN;
    seq.gaps += event->kind == ELPQ_LISTEN_GAP;
    seq.gap = seq.gap || event->kind == ELPQ_LISTEN_GAP;
}

static void send_numbers(int n)
{
    while (n-- > 0)
        admin_do("select pg_notify('seq', '%d')", ++seq.sent);
}

START_TEST(every_number_comes_or_a_gap)
{
    elpq_listener_options o = { .backoff_min_ms = 1, .backoff_max_ms = 20 };
    struct answer *end = answer_new();
    int i;

    end->wanted = harness_is_private();
    if (!end->wanted)
        return;
    memset(&seq, 0, sizeof(seq));
    RUN(seq.l = elpq_listener_new(loop, NULL, &o, on_listen_event, NULL,
                                  NULL));
    ck_assert_int_eq(CALL(elpq_listen(seq.l, "seq", on_number, NULL)), 0);
    run_until(&seq.ups, 1);
    for (i = 1; i <= 2; i++) {
        send_numbers(10);
        restart_server();
        send_numbers(5);
        run_until(&seq.gaps, i);
        send_numbers(10);
        run_until(&seq.last, seq.sent);
        ck_assert_int_eq(seq.violations, 0);
        ck_assert_int_eq(seq.downs, i);
    }
    RUN(elpq_listener_close(seq.l, on_done, end));
    expect_ok(end);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "listener", 40);

    tcase_add_test(t, every_number_comes_or_a_gap);
}

int main(int argc, char **argv)
{
    (void)argc;
    return harness_main_private("restart", build, argv);
}

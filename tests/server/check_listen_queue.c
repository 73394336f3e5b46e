/* SPDX-License-Identifier: PostgreSQL */
/*
 * The listener: that nothing is missing without a GAP, whatever becomes of
 * connection and consumer; and what it does when its queue is full.
 */
#include <stdlib.h>

#include "listen.h"

/* ---------------------------------------------------- nothing without GAP */

static struct {
    int sent;      /* numbers 1 .. sent were committed while up             */
    int last;      /* the highest number seen                               */
    bool gap;      /* since then                                            */
    int violations;
} sequence;

static void on_number(const elpq_notification *n, void *arg)
{
    int number = atoi(n->payload);

    (void)arg;
    if (number != sequence.last + 1 && !sequence.gap)
        sequence.violations++;
    ck_assert_int_gt(number, sequence.last);
    sequence.last = number;
    sequence.gap = false;
    told.notes++;
}

static void on_gap(elpq_listener *l, const elpq_listen_event *event, void *arg)
{
    if (event->kind == ELPQ_LISTEN_GAP)
        sequence.gap = true;
    on_event_of(l, event, arg);
}

static void send_numbers(int n)
{
    for (int i = 0; i < n; i++)
        admin_do("select pg_notify('seq', '%d')", ++sequence.sent);
}

static void sequence_listener(const elpq_listener_options *options)
{
    char conninfo[64];

    snprintf(conninfo, sizeof(conninfo), "application_name=%s", self());
    memset(&told, 0, sizeof(told));
    memset(&sequence, 0, sizeof(sequence));
    RUN(told.l = elpq_listener_new(loop, conninfo, options, on_gap, &told,
                                   NULL));
    ck_assert_int_eq(CALL(elpq_listen(told.l, "seq", on_number, NULL)), 0);
    run_until(&told.ups, 1);
}

/* All that was sent is seen, or covered by a GAP. */
static void expect_sequence(void)
{
    run_until(&sequence.last, sequence.sent);
    ck_assert_int_eq(sequence.violations, 0);
}

START_TEST(under_kills_every_number_comes_or_a_gap)
{
    elpq_listener_options o = { .backoff_min_ms = 1, .backoff_max_ms = 20 };
    int kills = 0;

    sequence_listener(&o);
    while (kills < 12) {
        send_numbers((int)random_below(20));
        if (random_below(2))
            run_turns((int)random_below(4));
        kills += (int)admin_int(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where application_name = '%s'", self());
        send_numbers((int)random_below(20));
        run_turns((int)random_below(10));
    }
    run_until(&told.gaps, 1);
    /* That it was killed may be noticed late; then a GAP tells that numbers
     * were sent in vain, and another one has to be. */
    while (sequence.last < sequence.sent) {
        if (sequence.gap && elpq_listener_is_up(told.l, "seq"))
            send_numbers(1);
        harness_turn(EVLOOP_ONCE);
    }
    ck_assert_int_eq(sequence.violations, 0);
    ck_assert_int_ge(told.downs, 1);
    finish_listener();
}
END_TEST

/* ------------------------------------------------------------------- queue */

/* They wait in the socket, not in libpq, which counts nothing. */
START_TEST(a_burst_stays_outside)
{
    elpq_listener_options o = { .max_queued = 10 };
    size_t before, most = 0;

    sequence_listener(&o);
    before = harness_allocated();
    admin_do("select count(pg_notify('seq', i::text))"
             " from generate_series(1, 200000) i");
    sequence.sent = 200000;
    while (sequence.last < sequence.sent) {
        event_base_loop(loop, EVLOOP_ONCE);
        if (harness_allocated() > most)
            most = harness_allocated();
    }
    expect_sequence();
    ck_assert_int_eq(told.gaps, 0);
    ck_assert_uint_le(most, before + 512 * 1024);
    finish_listener();
}
END_TEST

START_TEST(paused_nothing_comes_and_nothing_is_lost)
{
    sequence_listener(NULL);
    RUN(elpq_listener_pause(told.l));
    send_numbers(100);
    while (counts().queued < 100)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_int_eq(told.notes, 0);
    RUN(elpq_listener_resume(told.l));
    ck_assert_int_eq(told.notes, 0);
    expect_sequence();
    ck_assert_int_eq(told.gaps, 0);
    ck_assert_int_eq(told.notes, 100);
    ck_assert_uint_eq(counts().queued_bytes, 0);
    finish_listener();
}
END_TEST

START_TEST(a_full_queue_drops_the_oldest_with_a_gap)
{
    elpq_listener_options o = { .max_queued = 10 };

    if (_i) {
        o.max_queued = 0;
        o.max_queued_bytes = 1000;
    }
    sequence_listener(&o);
    RUN(elpq_listener_pause(told.l));
    send_numbers(100);
    while (counts().received < 100)
        event_base_loop(loop, EVLOOP_ONCE);
    if (_i)
        ck_assert_uint_le(counts().queued_bytes, 1000);
    else
        ck_assert_uint_eq(counts().queued, 9); /* only the oldest went */
    RUN(elpq_listener_resume(told.l));
    expect_sequence();
    ck_assert_int_eq(told.gaps, 1);
    ck_assert_uint_eq((unsigned)told.notes + (unsigned)counts().dropped, 100);
    finish_listener();
}
END_TEST

/* What is dropped behind a GAP that is not yet told needs no other one. */
START_TEST(a_gap_in_front_covers_what_is_dropped)
{
    elpq_listener_options o = { .max_queued = 10, .backoff_min_ms = 1 };

    sequence_listener(&o);
    RUN(elpq_listener_pause(told.l));
    terminate(backend());
    while (counts().connects < 2 || !elpq_listener_is_up(told.l, "seq"))
        event_base_loop(loop, EVLOOP_ONCE);
    send_numbers(15);
    while (counts().received < 15)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_uint_eq(counts().queued, 9); /* the tenth makes it full */
    ck_assert_uint_eq(counts().dropped, 6);
    RUN(elpq_listener_resume(told.l));
    expect_sequence();
    ck_assert_int_eq(told.gaps, 1);
    ck_assert_int_eq(told.notes, 9);
    finish_listener();
}
END_TEST

START_TEST(a_full_queue_stops_the_reading)
{
    elpq_listener_options o = { .max_queued = 10,
                                .policy = ELPQ_LISTEN_STOP_READING,
                                .ping_after_ms = 10,
                                .ping_timeout_ms = 60000 };
    uint64_t pings;

    sequence_listener(&o);
    RUN(elpq_listener_pause(told.l));
    send_numbers(100);
    while (counts().queued < 10)
        event_base_loop(loop, EVLOOP_ONCE);
    pings = counts().pings;
    run_for_ms(50);
    ck_assert_uint_eq(counts().queued, 10);
    ck_assert_uint_eq(counts().pings, pings); /* nobody would hear the answer */
    RUN(elpq_listener_resume(told.l));
    expect_sequence();
    ck_assert_int_eq(told.gaps, 0);
    ck_assert_int_eq(told.notes, 100);
    finish_listener();
}
END_TEST

START_TEST(a_full_queue_disconnects)
{
    elpq_listener_options o = { .max_queued = 10,
                                .policy = ELPQ_LISTEN_DISCONNECT,
                                .backoff_min_ms = 1 };

    sequence_listener(&o);
    RUN(elpq_listener_pause(told.l));
    send_numbers(100);
    while (counts().lost < 1)
        event_base_loop(loop, EVLOOP_ONCE);
    run_for_ms(20);
    ck_assert_uint_eq(counts().connects, 1);
    RUN(elpq_listener_resume(told.l));
    run_until(&told.gaps, 1);
    ck_assert_int_eq(told.last_code, ELPQ_E_LIMIT);
    send_numbers(1);
    expect_sequence();
    ck_assert_int_eq(told.notes, 11);
    finish_listener();
}
END_TEST

/* More than the queue holds in one read: nothing is dropped for it. */
START_TEST(a_burst_is_no_reason_to_drop)
{
    elpq_listener_options o = { .max_queued = 10 };

    sequence_listener(&o);
    admin_do("select pg_notify('seq', n::text) from generate_series(1, 3000)"
             " n");
    sequence.sent = 3000;
    expect_sequence();
    ck_assert_int_eq(told.notes, 3000);
    ck_assert_int_eq(told.gaps, 0);
    ck_assert_uint_eq(counts().dropped, 0);
    finish_listener();
}
END_TEST

START_TEST(paused_over_kills_the_gap_stays_in_its_place)
{
    elpq_listener_options o = { .max_queued = 30,
                                .backoff_min_ms = 1,
                                .backoff_max_ms = 5 };
    int i;

    sequence_listener(&o);
    RUN(elpq_listener_pause(told.l));
    for (i = 0; i < 4; i++) {
        send_numbers((int)random_below(25));
        run_turns(5);
        terminate(backend());
        send_numbers(2);
        while (counts().connects < (unsigned)i + 2 ||
               !elpq_listener_is_up(told.l, "seq"))
            harness_turn(EVLOOP_ONCE);
    }
    send_numbers(5);
    RUN(elpq_listener_resume(told.l));
    expect_sequence();
    ck_assert_int_ge(told.gaps, 1);
    finish_listener();
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "sequence", 40);

    tcase_add_test(t, under_kills_every_number_comes_or_a_gap);
    t = harness_case(s, "queue", 0);
    tcase_add_test(t, a_burst_stays_outside);
    tcase_add_test(t, paused_nothing_comes_and_nothing_is_lost);
    tcase_add_loop_test(t, a_full_queue_drops_the_oldest_with_a_gap, 0, 2);
    tcase_add_test(t, a_full_queue_stops_the_reading);
    tcase_add_test(t, a_gap_in_front_covers_what_is_dropped);
    tcase_add_test(t, a_full_queue_disconnects);
    tcase_add_test(t, a_burst_is_no_reason_to_drop);
    tcase_add_test(t, paused_over_kills_the_gap_stays_in_its_place);
}

int main(void)
{
    return harness_main("listen queue", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The listener: what arrives and what is refused, calls inside of callbacks,
 * and that it comes back.  What may be missing is in check_listen_queue.c.
 */
#include <signal.h>

#include "elpq/testkit.h"
#include "listen.h"

/* ------------------------------------------------------------------ plain */

START_TEST(a_notification_arrives_after_up)
{
    listener(NULL);
    listen_to("news");
    ck_assert(!elpq_listener_is_up(told.l, "news"));
    run_until(&told.ups, 1);
    ck_assert(elpq_listener_is_up(told.l, "news"));
    notify("news", "one");
    notify("other", "no");
    notify("news", "");
    run_until(&told.notes, 2);
    expect_told("UP news", "N news one", "N news ");
    ck_assert_uint_eq(counts().received, 2);
    ck_assert_uint_eq(counts().delivered, 2);
    finish_listener();
}
END_TEST

/* Quotes, capitals, spaces: the name is what it is. */
static const char *const odd[] = { "a b", "Case", "qu\"ote", "qu''ote",
                                   "\303\244", "$1;drop" };

START_TEST(channel_names_are_quoted)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a = answer_new();
    char line[80];

    listener(NULL);
    listen_to(odd[_i]);
    run_until(&told.ups, 1);
    ck_assert_int_eq(CALL(elpq_notify(pool, odd[_i], "x", NULL, on_done, a)),
                     0);
    expect_ok(a);
    run_until(&told.notes, 1);
    snprintf(line, sizeof(line), "N %s x", odd[_i]);
    ck_assert_str_eq(told.lines[1], line);
    finish_listener();
    finish_pool(pool);
}
END_TEST

START_TEST(a_notification_of_a_transaction_comes_with_its_commit)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = begin_now(pool);
    struct answer *a = answer_new(), *b = answer_new();

    listener(NULL);
    listen_to("t");
    run_until(&told.ups, 1);
    ck_assert_int_eq(CALL(elpq_notify(tx, "t", "tx", NULL, on_done, a)), 0);
    expect_ok(a);
    ck_assert_int_eq(CALL(elpq_notify(conn, "t", NULL, NULL, on_done, b)), 0);
    expect_ok(b);
    run_until(&told.notes, 1);
    expect_ok(commit(tx));
    run_until(&told.notes, 2);
    expect_told("UP t", "N t ", "N t tx");
    finish_listener();
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

START_TEST(what_notify_refuses)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a = answer_new(), *never = answer_new();
    static char big[8001];

    memset(big, 'x', 8000);
    never->wanted = 0;
    ck_assert_int_eq(CALL(elpq_notify(pool, NULL, "", NULL, on_done, never)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_notify(pool, "c", "", NULL, NULL, never)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_notify(pool, "c", big, NULL, on_done, a)), 0);
    expect_error(a, ELPQ_E_SERVER, "22023", 0);
    finish_pool(pool);
}
END_TEST

START_TEST(what_listen_refuses)
{
    char name[65];
    elpq_listener_options o = { .max_channels = 2 };

    memset(name, 'x', 64);
    name[64] = '\0';
    listener(&o);
    ck_assert_int_eq(CALL(elpq_listen(told.l, "", on_note, NULL)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_listen(told.l, name, on_note, NULL)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_listen(told.l, "a", NULL, NULL)),
                     ELPQ_E_USAGE);
    name[63] = '\0';
    listen_to(name);
    ck_assert_int_eq(CALL(elpq_listen(told.l, name, on_note, NULL)),
                     ELPQ_E_USAGE);
    listen_to("b");
    ck_assert_int_eq(CALL(elpq_listen(told.l, "c", on_note, NULL)),
                     ELPQ_E_FULL);
    ck_assert_int_eq(CALL(elpq_unlisten(told.l, "c", on_note, NULL)),
                     ELPQ_E_USAGE);
    run_until(&told.ups, 2);
    notify(name, "long");
    run_until(&told.notes, 1);
    finish_listener();
}
END_TEST

START_TEST(a_channel_that_the_server_refuses_leaves_the_others_up)
{
    listener(NULL);
    listen_to("good");
    listen_to("\377bad");
    run_until(&told.failed, 1);
    run_until(&told.ups, 1);
    ck_assert_int_eq(told.last_code, ELPQ_E_SERVER);
    ck_assert(!elpq_listener_is_up(told.l, "\377bad"));
    notify("good", "1");
    run_until(&told.notes, 1);
    ck_assert_int_eq(told.downs, 0);
    finish_listener();
}
END_TEST

START_TEST(several_callbacks_of_one_channel)
{
    static char first[] = "first", second[] = "second";

    listener(NULL);
    ck_assert_int_eq(CALL(elpq_listen(told.l, "c", on_note, first)), 0);
    ck_assert_int_eq(CALL(elpq_listen(told.l, "c", on_note, second)), 0);
    run_until(&told.ups, 1);
    notify("c", "1");
    run_until(&told.notes, 2);
    ck_assert_int_eq(CALL(elpq_unlisten(told.l, "c", on_note, first)), 0);
    notify("c", "2");
    run_until(&told.notes, 3);
    expect_told("UP c", "first c 1", "second c 1", "second c 2");
    ck_assert_uint_eq(counts().delivered, 2);
    finish_listener();
}
END_TEST

/* The last wish counts, however they meet. */
START_TEST(listen_and_unlisten_in_one_turn)
{
    listener(NULL);
    listen_to("a");
    unlisten("a");
    listen_to("b");
    run_until(&told.ups, 1);
    ck_assert_uint_eq(counts().channels, 1);
    unlisten("b");
    listen_to("b");
    unlisten("b");
    listen_to("a");
    listen_to("b");
    run_until(&told.ups, 3);
    notify("a", "1");
    notify("b", "2");
    run_until(&told.notes, 2);
    unlisten("a");
    notify("a", "not any more");
    unlisten("b");
    await_server("select query = 'UNLISTEN \"b\"' from pg_stat_activity"
                 " where application_name = '%s'", self());
    while (counts().channels > 0)
        harness_turn(EVLOOP_ONCE);
    ck_assert_int_eq(told.notes, 2);
    finish_listener();
}
END_TEST

/* ----------------------------------------------------- inside of callbacks */

static void close_now(void)
{
    finish_listener();
}

static void close_unheard(void)
{
    RUN(elpq_listener_close(told.l, NULL, NULL));
    told.l = NULL;
}

static void start_closing(void)
{
    struct answer *a = answer_new();

    RUN(elpq_listener_close(told.l, on_done, a));
    told.l = NULL;
}

static void unlisten_all(void)
{
    unlisten("c");
}

static void swap(void)
{
    unlisten("c");
    listen_to("c");
    listen_to("d");
}

START_TEST(closing_in_an_event)
{
    listener(NULL);
    listen_to("c");
    told.then = _i ? close_unheard : start_closing;
    while (told.count == 0)
        event_base_loop(loop, EVLOOP_ONCE);
    await_all();
    run_turns(3);
    expect_told("UP c");
}
END_TEST

START_TEST(closing_in_a_notification)
{
    listener(NULL);
    listen_to("c");
    run_until(&told.ups, 1);
    told.then = _i ? close_unheard : start_closing;
    admin_do("begin; notify c, '1'; notify c, '2'; commit");
    run_until(&told.notes, 1);
    await_all();
    run_turns(3);
    ck_assert_int_eq(told.notes, 1);
}
END_TEST

START_TEST(changing_channels_in_a_notification)
{
    listener(NULL);
    listen_to("c");
    run_until(&told.ups, 1);
    told.then = _i ? swap : unlisten_all;
    admin_do("begin; notify c, '1'; notify c, '2'; commit");
    run_until(&told.notes, 1);
    if (_i) {
        run_until(&told.ups, 3);
        notify("c", "3");
        notify("d", "4");
        run_until(&told.notes, 3);
    } else {
        while (counts().channels > 0)
            harness_turn(EVLOOP_ONCE);
        ck_assert_int_eq(told.notes, 1);
    }
    finish_listener();
}
END_TEST

START_TEST(closing_at_any_time)
{
    listener(NULL);
    if (_i & 1)
        listen_to("c");
    run_turns(_i / 2);
    close_now();
    ck_assert_int_eq(told.downs, 0);
    listener_at("host=/nonexistent", NULL);
    listen_to("c");
    if (_i & 1)
        run_until(&told.downs, 1);
    close_now();
    ck_assert_int_eq(told.ups, 0);
    ck_assert_int_eq(told.downs, _i & 1);
}
END_TEST

/* --------------------------------------------------------------- reconnect */

START_TEST(a_lost_connection_is_made_again_with_a_gap)
{
    listener(NULL);
    listen_to("c");
    listen_to("d");
    run_until(&told.ups, 2);
    notify("c", "before");
    run_until(&told.notes, 1);
    terminate(backend());
    notify("c", "missed");
    run_until(&told.downs, 1);
    ck_assert_int_eq(told.last_code, ELPQ_E_LOST);
    run_until(&told.gaps, 2);
    notify("c", "after");
    run_until(&told.notes, 2);
    ck_assert_int_eq(told.ups, 4);
    ck_assert_int_eq(told.downs, 1);
    ck_assert_str_eq(told.lines[3], "DOWN *");
    ck_assert_str_eq(told.lines[told.count - 1], "N c after");
    ck_assert_uint_eq(counts().lost, 1);
    ck_assert_uint_eq(counts().connects, 2);
    finish_listener();
}
END_TEST

START_TEST(a_server_that_is_not_there_is_one_down)
{
    elpq_listener_options o = { .backoff_min_ms = 1, .backoff_max_ms = 4 };
    int port = dead_port();

    listener_at(loopback(port), &o);
    listen_to("c");
    while (counts().connect_failures < 5)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_int_eq(told.downs, 1);
    ck_assert_int_eq(told.last_code, ELPQ_E_CONNECT);
    ck_assert(!told.given_up);
    finish_listener();
}
END_TEST

START_TEST(giving_up_after_max_attempts)
{
    elpq_listener_options o = { .backoff_min_ms = 1,
                                .backoff_max_ms = 2,
                                .max_attempts = 3 };
    int port = dead_port();

    listener_at(loopback(port), &o);
    run_until(&told.downs, 2);
    ck_assert(told.given_up);
    ck_assert_uint_eq(counts().connect_failures, 3);
    run_for_ms(30);
    ck_assert_uint_eq(counts().connect_failures, 3);
    finish_listener();
}
END_TEST

/* As a standby does, it lets everybody in, and LISTEN is refused. */
START_TEST(giving_up_where_nothing_can_be_listened_to)
{
    elpq_listener_options o = { .backoff_min_ms = 1,
                                .backoff_max_ms = 2,
                                .max_attempts = 3 };
    elpq_fakepg *server = elpq_fakepg_new(
        loop,
        "startup\nwelcome\nexpect P \"LISTEN\"\nuntil S\n"
        "send E \"SERROR\\0C25006\\0Mno LISTEN during recovery\\0\\0\"\n"
        "send Z \"I\"\nserve\n",
        NULL);
    char conninfo[100];

    ck_assert_ptr_nonnull(server);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable",
             elpq_fakepg_port(server));
    listener_at(conninfo, &o);
    listen_to("c");
    run_until(&told.downs, 2);
    ck_assert(told.given_up);
    ck_assert_uint_eq(counts().connects, 3);
    ck_assert_int_eq(told.ups, 0);
    finish_listener();
    elpq_fakepg_free(server);
}
END_TEST

/* The server stops, and so does not even refuse. */
START_TEST(a_dead_peer_is_noticed)
{
    elpq_listener_options o = { .ping_after_ms = 20,
                                .ping_timeout_ms = scaled(2000),
                                .backoff_min_ms = 10 };
    int pid;

    listener(&o);
    listen_to("c");
    run_until(&told.ups, 1);
    while (counts().pings < 2)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_int_eq(told.downs, 0);
    pid = backend();
    if (signal_server(pid, SIGSTOP)) {
        run_until(&told.downs, 1);
        ck_assert_int_eq(told.last_code, ELPQ_E_TIMEOUT);
        run_until(&told.gaps, 1);
        signal_server(pid, SIGCONT);
    }
    finish_listener();
}
END_TEST

/* ------------------------------------------------------------------- more */

START_TEST(many_channels)
{
    enum { MANY = 300 };
    char name[32];
    int i;

    listener(NULL);
    for (i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "channel %d", i);
        listen_to(name);
    }
    run_until(&told.ups, MANY);
    for (i = 0; i < MANY; i += 7) {
        snprintf(name, sizeof(name), "channel %d", i);
        notify(name, "x");
    }
    run_until(&told.notes, (MANY + 6) / 7);
    terminate(backend());
    run_until(&told.gaps, MANY);
    ck_assert_int_eq(told.ups, 2 * MANY);
    finish_listener();
}
END_TEST

START_TEST(a_listener_that_makes_no_sense)
{
    elpq_listener_options o = { .policy = (elpq_listen_policy)7 };
    elpq_error *error = NULL;

    ck_assert_ptr_null(elpq_listener_new(loop, NULL, &o, NULL, NULL, &error));
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_listener_new(loop, "no such thing", NULL, NULL,
                                         NULL, &error));
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    elpq_error_free(error);
    elpq_listener_close(NULL, NULL, NULL);
    ck_assert_int_eq(elpq_listen(NULL, "c", on_note, NULL), ELPQ_E_USAGE);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "plain", 0);

    tcase_add_test(t, a_notification_arrives_after_up);
    tcase_add_loop_test(t, channel_names_are_quoted, 0,
                        (int)(sizeof(odd) / sizeof(odd[0])));
    tcase_add_test(t, a_notification_of_a_transaction_comes_with_its_commit);
    tcase_add_test(t, what_notify_refuses);
    tcase_add_test(t, what_listen_refuses);
    tcase_add_test(t, a_channel_that_the_server_refuses_leaves_the_others_up);
    tcase_add_test(t, several_callbacks_of_one_channel);
    tcase_add_test(t, listen_and_unlisten_in_one_turn);
    tcase_add_test(t, many_channels);
    tcase_add_test(t, a_listener_that_makes_no_sense);
    t = harness_case(s, "inside", 0);
    tcase_add_loop_test(t, closing_in_an_event, 0, 2);
    tcase_add_loop_test(t, closing_in_a_notification, 0, 2);
    tcase_add_loop_test(t, changing_channels_in_a_notification, 0, 2);
    tcase_add_loop_test(t, closing_at_any_time, 0, 16);
    t = harness_case(s, "reconnect", 0);
    tcase_add_test(t, a_lost_connection_is_made_again_with_a_gap);
    tcase_add_test(t, a_server_that_is_not_there_is_one_down);
    tcase_add_test(t, giving_up_after_max_attempts);
    tcase_add_test(t, giving_up_where_nothing_can_be_listened_to);
    tcase_add_test(t, a_dead_peer_is_noticed);
}

int main(void)
{
    return harness_main("listen", build);
}

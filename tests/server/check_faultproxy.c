/* SPDX-License-Identifier: PostgreSQL */
/*
 * The proxy between a driver and a real server: that it passes everything on
 * unharmed, whatever the pieces, and does what each rule says, where it says
 * so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

static elpq_faultproxy *proxy;

static void open_proxy(void)
{
    elpq_faultproxy_options o = { .upstream_host = server_host() };

    o.upstream_port = (int)strtol(server_port(), NULL, 10);
    o.seed = 7;
    proxy = elpq_faultproxy_new(loop, &o);
    ck_assert_ptr_nonnull(proxy);
}

static void setup(void)
{
    harness_setup();
    open_proxy();
}

static void teardown(void)
{
    elpq_faultproxy_free(proxy);
    harness_teardown();
}

static void rule(const char *text)
{
    const char *wrong = elpq_faultproxy_rule(proxy, text);

    ck_assert_msg(!wrong, "%s: %s", text, wrong);
}

static elpq_faultproxy_stats proxy_stats(void)
{
    elpq_faultproxy_stats s;

    elpq_faultproxy_statistics(proxy, &s);
    return s;
}

static const char *through(const char *more)
{
    static char text[300];
    const char *database = harness_env("PGDATABASE");

    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d dbname=%s gssencmode=disable %s",
             elpq_faultproxy_port(proxy), database ? database : "postgres",
             more);
    return text;
}

static elpq_conn *connect_plain(void)
{
    return connect_now(through("sslmode=disable"), NULL);
}

/* Some of everything: large and small, both ways. */
static void converse(elpq_conn *conn)
{
    static char large[50000];
    struct answer *a, *b;

    memset(large, 'x', sizeof(large) - 1);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    a = ask(conn, elpq_sql("select $1::text", large));
    b = ask(conn, elpq_sql("select nothing"));
    expect_text(a, large);
    expect_error(b, ELPQ_E_SERVER, "42703", 0);
    expect_int(ask(conn, elpq_sql("select length($1)", large)), 49999);
}

static void leave(elpq_conn *conn)
{
    close_conn(conn);
    while (proxy_stats().open > 0)
        event_base_loop(loop, EVLOOP_ONCE);
}

/* ------------------------------------------------------------------ passes */

static const char *const harmless[][2] = {
    { NULL, NULL },
    { "server split 4096", "client split 4096" },
    { "server delay 1", "client delay 1" },
    { "server coalesce 2", "client coalesce 2" },
    { "server rate 4000000", "client rate 4000000" },
    { "server pause at message 9999", "server flip 1 at byte 99999999" },
};

START_TEST(everything_passes_in_other_pieces)
{
    elpq_conn *conn;

    for (int i = 0; i < 2; i++)
        if (harmless[_i][i])
            rule(harmless[_i][i]);
    conn = connect_plain();
    converse(conn);
    leave(conn);
    ck_assert_uint_eq(proxy_stats().sessions, 1);
    ck_assert_uint_gt(proxy_stats().client_bytes, 100000);
    ck_assert_uint_gt(proxy_stats().server_bytes, 50000);
    ck_assert_uint_gt(proxy_stats().client_messages, 15);
    ck_assert_uint_gt(proxy_stats().server_messages, 20);
}
END_TEST

START_TEST(byte_by_byte)
{
    elpq_conn *conn;

    rule("server split 1");
    rule("client split 1");
    conn = connect_plain();
    expect_int(ask(conn, elpq_sql("select 21")), 21);
    expect_error(ask(conn, elpq_sql("select x")), ELPQ_E_SERVER, "42703", 0);
    leave(conn);
}
END_TEST

START_TEST(encrypted_bytes_pass)
{
    elpq_conn *conn;

    if (!harness_env("ELPQ_TEST_TLS_USER"))
        return;
    rule("server split 1000");
    conn = connect_now(through("sslmode=require user=elpq_tls"), NULL);
    converse(conn);
    leave(conn);
    ck_assert_uint_eq(proxy_stats().sessions, 1);
    ck_assert_uint_eq(proxy_stats().server_messages, 0);
}
END_TEST

START_TEST(over_a_socket_of_a_directory)
{
    elpq_faultproxy_options o = { .listen_port = 5433 };
    char dir[] = "/tmp/elpq-proxy-XXXXXX", conninfo[200];
    const char *up = harness_env("ELPQ_TEST_SOCKDIR");

    ck_assert_ptr_nonnull(mkdtemp(dir));
    elpq_faultproxy_free(proxy);
    o.listen_dir = dir;
    o.upstream_host = up ? up : server_host();
    o.upstream_port = (int)strtol(server_port(), NULL, 10);
    proxy = elpq_faultproxy_new(loop, &o);
    ck_assert_ptr_nonnull(proxy);
    snprintf(conninfo, sizeof(conninfo), "host=%s port=5433", dir);
    rule("server split 500");
    rule("session 2 cut rst at message 1 C");
    leave(connect_now(conninfo, NULL));
    close_conn(expect_ok(start_connect(conninfo, NULL))->conn);
    elpq_faultproxy_free(proxy);
    ck_assert_int_eq(rmdir(dir), 0);
    open_proxy();
}
END_TEST

/* -------------------------------------------------------------------- cuts */

static const char *const cuts[] = { "server cut fin at message 1 C",
                                    "server cut rst at message 1 C",
                                    "server cut stall at message 1 C" };

/* The statement runs, and its CommandComplete is never seen. */
START_TEST(cut_in_front_of_an_answer)
{
    elpq_conn_options o = { .cancel_grace_ms = 50 };
    elpq_conn *conn;
    struct answer *a;

    if (_i == 2)
        o.timeout_ms = scaled(1500);
    conn = connect_now(through("sslmode=disable"), &o);
    leave(conn);
    rule(cuts[_i]);
    conn = connect_now(through("sslmode=disable"), &o);
    a = await(ask(conn, elpq_sql("select 1")));
    ck_assert_int_eq(a->code, _i == 2 ? ELPQ_E_TIMEOUT : ELPQ_E_LOST);
    ck_assert_uint_eq(a->flags & ELPQ_IN_DOUBT, ELPQ_IN_DOUBT);
    ck_assert_uint_eq(proxy_stats().cuts, 1);
    leave(conn);
}
END_TEST

START_TEST(cut_at_once)
{
    elpq_conn *first = connect_plain(), *second = connect_plain();
    struct answer *a;

    lock_server();
    a = ask(first, elpq_sql(BLOCKED));
    await_blocked(1);
    rule("session 1 cut rst");
    ck_assert_int_eq(await(a)->code, ELPQ_E_LOST);
    unlock_server();
    expect_int(ask(second, elpq_sql("select 2")), 2);
    close_conn(first);
    leave(second);
}
END_TEST

/* Everything before the place comes through, and the end after it. */
START_TEST(cut_at_each_of_some_bytes)
{
    elpq_conn_options o = { .connect_timeout_ms = scaled(5000) };
    char text[60];

    for (int byte = 1; byte < 400; byte += 57) {
        struct answer *a;

        snprintf(text, sizeof(text), "session %d cut fin at byte %d",
                 byte / 57 + 1, byte);
        rule(text);
        a = await(start_connect(through("sslmode=disable"), &o));
        if (a->conn)
            leave(a->conn);
        else
            ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    }
    ck_assert_uint_ge(proxy_stats().cuts, 5);
}
END_TEST

/* ------------------------------------------------------------------ others */

START_TEST(pause_and_resume)
{
    elpq_conn *conn = connect_plain(), *other = connect_plain();
    struct answer *a, *b;

    rule("session 1 server pause");
    a = ask(conn, elpq_sql("select 5"));
    b = ask(conn, elpq_sql("select 6"));
    await_server("select count(*) = 1 from pg_stat_activity where pid = %d"
                 " and state = 'idle' and query = 'select 6'",
                 elpq_conn_pid(conn));
    expect_int(ask(other, elpq_sql("select 7")), 7);
    ck_assert_int_eq(a->calls, 0);
    rule("session 1 server resume");
    expect_int(a, 5);
    expect_int(b, 6);
    close_conn(other);
    leave(conn);
}
END_TEST

/* The rule comes when the session is open. */
START_TEST(a_rule_for_an_open_session)
{
    elpq_conn *conn = connect_plain();
    struct answer *a;

    rule("session 1 server split 1");
    rule("session 1 server cut rst at message 3 Z");
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    a = await(ask(conn, elpq_sql("select 2")));
    ck_assert_int_eq(a->code, ELPQ_E_LOST);
    leave(conn);
}
END_TEST

/* Between two messages, the second of which is under way. */
START_TEST(what_is_forged_comes_between_messages)
{
    static const char notice[] = "N\0\0\0\x1cSNOTICE\0C00000\0Mforged\0\0";
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(through("sslmode=disable"), &o);
    struct answer *a;

    ck_assert(elpq_faultproxy_forge(proxy, 1, notice, sizeof(notice) - 1));
    run_until(&notice_count, 1);
    ck_assert_str_eq(notice_last, "forged");
    rule("session 1 server pause");
    a = ask(conn, elpq_sql("select 5, repeat('x', 30000)"));
    while (proxy_stats().server_bytes < 30000)
        event_base_loop(loop, EVLOOP_ONCE);
    rule("session 1 server split 7");
    ck_assert(elpq_faultproxy_forge(proxy, 1, notice, sizeof(notice) - 1));
    ck_assert(!elpq_faultproxy_forge(proxy, 1, notice, 1));
    ck_assert(!elpq_faultproxy_forge(proxy, 2, notice, 1));
    rule("session 1 server resume");
    expect_int(a, 5);
    ck_assert_int_eq(notice_count, 2);
    leave(conn);
}
END_TEST

START_TEST(a_delay_takes_its_time)
{
    elpq_conn *conn;
    struct answer *a;

    rule("server delay 40 at message 2 Z");
    conn = connect_plain();
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    a = expect_ok(ask(conn, elpq_sql("select 2")));
    ck_assert_int_ge(a->answered - a->submitted, 40000);
    leave(conn);
}
END_TEST

START_TEST(a_rate_takes_its_time)
{
    elpq_conn *conn;
    struct answer *a;

    rule("server rate 100000");
    conn = connect_plain();
    a = expect_ok(ask(conn, elpq_sql("select repeat('x', 20000)")));
    ck_assert_int_ge(a->answered - a->submitted, 180000);
    leave(conn);
}
END_TEST

START_TEST(a_flipped_byte_is_another)
{
    elpq_conn_options o = { .timeout_ms = scaled(2000) };
    struct answer *a;
    elpq_conn *conn;

    /* 'R' of the first message becomes 'S'. */
    rule("session 1 flip 1 at byte 1");
    o.connect_timeout_ms = scaled(2000);
    a = await(start_connect(through("sslmode=disable"), &o));
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    conn = connect_plain();
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    leave(conn);
}
END_TEST

/* Two bytes of the answer pass, the third one waits. */
START_TEST(counted_from_here)
{
    elpq_conn *conn = connect_plain();
    struct answer *a;

    expect_int(ask(conn, elpq_sql("select 1")), 1);
    rule(_i == 0 ? "session 1 pause at byte +3"
                 : "session 1 client pause at message +2");
    a = ask(conn, elpq_sql("select 2"));
    while (proxy_stats().paused == 0)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_int_eq(a->calls, 0);
    rule(_i == 0 ? "session 1 resume" : "session 1 client resume");
    expect_int(a, 2);
    expect_int(ask(conn, elpq_sql("select 3")), 3);
    leave(conn);
}
END_TEST

START_TEST(refused)
{
    struct answer *a;

    rule(_i == 0 ? "refuse" : "session 1 refuse");
    a = await(start_connect(through("sslmode=disable"), NULL));
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    ck_assert_uint_eq(proxy_stats().refused, 1);
    elpq_faultproxy_reset(proxy);
    leave(connect_plain());
    ck_assert_uint_eq(proxy_stats().refused, 1);
}
END_TEST

/* ------------------------------------------------------------------ cancel */

START_TEST(cancel_has_rules_of_its_own)
{
    elpq_conn_options o = { .cancel_grace_ms = scaled(5000) };
    elpq_conn *conn;
    struct answer *a;
    int pid;

    rule(_i == 0 ? "cancel delay 5" : "cancel refuse");
    rule("server split 100");
    if (_i == 1)
        o.cancel_grace_ms = scaled(200);
    conn = connect_now(through("sslmode=disable"), &o);
    pid = elpq_conn_pid(conn);
    pid = elpq_conn_pid(conn);
    a = ask(conn, elpq_sql("select pg_sleep(100)"));
    await_server("select count(*) = 1 from pg_stat_activity where pid = %d"
                 " and wait_event = 'PgSleep'",
                 pid);
    cancel(a);
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CANCELED);
    ck_assert_str_eq(a->sqlstate, _i == 0 ? "57014" : "");
    ck_assert_uint_ge(proxy_stats().cancels, 1);
    ck_assert_uint_eq(proxy_stats().sessions, 1);
    ck_assert_int_eq(elpq_conn_is_open(conn), _i == 0);
    if (_i == 1) /* it sleeps, and does not see that nobody listens */
        terminate(pid);
    leave(conn);
}
END_TEST

/* -------------------------------------------------------- rules, recording */

static const struct {
    const char *rule;
    const char *wrong;
} mistakes[] = {
    { "", "no action" },
    { "session", "sessions are counted from 1" },
    { "session 0 cut fin", "sessions are counted from 1" },
    { "server", "no action" },
    { "drop", "no such action" },
    { "cut", "no such action" },
    { "delay", "the action needs a number" },
    { "delay soon", "the action needs a number" },
    { "cut fin byte 1", "\"at\" is missing" },
    { "cut fin at 1", "a place is at byte N or at message N" },
    { "cut fin at byte", "the place needs a number" },
    { "cut fin at byte 0", "the place needs a number" },
    { "cut fin at byte ?0", "the place needs a number" },
    { "cut fin at byte +", "the place needs a number" },
    { "cut fin at byte 1 Z", "a message type is one letter" },
    { "cut fin at message 1 ZZ", "a message type is one letter" },
    { "cut fin at message 1 Z now", "there is more than a rule" },
    { "flip 1", "flip MASK (up to 255) needs a byte" },
    { "flip 256 at byte 1", "flip MASK (up to 255) needs a byte" },
    { "refuse at byte 1", "the action has no place" },
};

START_TEST(mistakes_are_told)
{
    const char *wrong = elpq_faultproxy_rule(proxy, mistakes[_i].rule);

    ck_assert_ptr_nonnull(wrong);
    ck_assert_str_eq(wrong, mistakes[_i].wrong);
}
END_TEST

/* What was recorded is played by a server that is none. */
START_TEST(a_recording_can_be_played)
{
    elpq_conn *conn;
    elpq_fakepg *fake;
    const char *error;
    char conninfo[200];

    elpq_faultproxy_record(proxy);
    ck_assert_str_eq(elpq_faultproxy_recording(proxy), "");
    conn = connect_plain();
    expect_int(ask(conn, elpq_sql("select 4711")), 4711);
    leave(conn);
    fake = elpq_fakepg_new(loop, elpq_faultproxy_recording(proxy), &error);
    ck_assert_msg(fake, "%s", error);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d sslmode=disable gssencmode=disable",
             elpq_fakepg_port(fake));
    for (int i = 0; i < 3; i++) {
        conn = connect_now(conninfo, NULL);
        expect_int(ask(conn, elpq_sql("select 4711")), 4711);
        close_conn(conn);
    }
    ck_assert_ptr_null(elpq_fakepg_complaint(fake));
    elpq_fakepg_free(fake);
}
END_TEST

static TCase *with_proxy(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    suite_add_tcase(s, t);
    return t;
}

/* The words of a server, alone in front of its Sync, are not those of libpq. */
START_TEST(a_server_that_speaks_of_memory)
{
    elpq_pool *pool;

    rule("server delay 20 at message 5 Z");
    pool = pool_at(through("sslmode=disable"), NULL);
    for (int i = 0; i < 3; i++)
        expect_int(ask(pool, elpq_sql("select $1::text::int", "7")), 7);
    expect_error(
        ask(pool, elpq_sql("select $1::text::int", "no number\nout of memory")),
        ELPQ_E_SERVER, "22P02", 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = with_proxy(s, "passes");

    tcase_add_loop_test(t, everything_passes_in_other_pieces, 0,
                        (int)(sizeof(harmless) / sizeof(*harmless)));
    tcase_add_test(t, byte_by_byte);
    tcase_add_test(t, encrypted_bytes_pass);
    tcase_add_test(t, over_a_socket_of_a_directory);
    t = with_proxy(s, "cuts");
    tcase_add_loop_test(t, cut_in_front_of_an_answer, 0, 3);
    tcase_add_test(t, cut_at_once);
    tcase_add_test(t, cut_at_each_of_some_bytes);
    t = with_proxy(s, "others");
    tcase_add_test(t, pause_and_resume);
    tcase_add_loop_test(t, counted_from_here, 0, 2);
    tcase_add_test(t, a_rule_for_an_open_session);
    tcase_add_test(t, what_is_forged_comes_between_messages);
    tcase_add_test(t, a_delay_takes_its_time);
    tcase_add_test(t, a_rate_takes_its_time);
    tcase_add_test(t, a_flipped_byte_is_another);
    tcase_add_loop_test(t, refused, 0, 2);
    tcase_add_loop_test(t, cancel_has_rules_of_its_own, 0, 2);
    t = with_proxy(s, "rules");
    tcase_add_loop_test(t, mistakes_are_told, 0,
                        (int)(sizeof(mistakes) / sizeof(*mistakes)));
    tcase_add_test(t, a_recording_can_be_played);
    tcase_add_test(t, a_server_that_speaks_of_memory);
}

int main(void)
{
    return harness_main("faultproxy", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The scripted server: every step, what it refuses to read, cancel requests
 * in an order that no real server can be made to keep, and lies.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

static elpq_fakepg *fake;

static const char *conninfo_of(const char *more)
{
    static char text[200];

    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable %s",
             elpq_fakepg_port(fake), more);
    return text;
}

static void play(const char *script)
{
    const char *error = NULL;

    fake = elpq_fakepg_new(loop, script, &error);
    ck_assert_msg(fake, "%s", error);
    ck_assert_ptr_null(error);
}

static elpq_conn *connect_to(const char *script)
{
    play(script);
    return connect_now(conninfo_of(""), NULL);
}

static void leave(elpq_conn *conn)
{
    if (conn)
        close_conn(conn);
    elpq_fakepg_free(fake);
}

static struct answer *expect_no_connection(const char *script,
                                           const char *more, int code,
                                           const char *part)
{
    struct answer *a;

    play(script);
    a = await(start_connect(conninfo_of(more), NULL));
    ck_assert_int_eq(a->code, code);
    ck_assert_msg(strstr(a->error->message, part), "%s", a->error->message);
    elpq_fakepg_free(fake);
    return a;
}

/* ----------------------------------------------------------------- script */

static const struct {
    const char *script;
    const char *error;
} mistakes[] = {
    { "", "line 1: there is no step" },
    { "# nothing\n\n", "line 3: there is no step" },
    { "startup\nhello", "line 2: no such step" },
    { "startup now", "line 1: there is more than a step" },
    { "expect PB", "line 1: a message type is one letter" },
    { "send", "line 1: send needs a message type, or raw" },
    { "send Z I", "line 1: not a part of a message" },
    { "send Z \"I", "line 1: a string without its end" },
    { "send Z \"\\q\"", "line 1: unknown escape" },
    { "send Z \"\\x4\"", "line 1: unknown escape" },
    { "send Z hex 4", "line 1: hex needs pairs of digits" },
    { "send Z i32", "line 1: a number is missing" },
    { "send Z length", "line 1: length needs a number" },
    { "serve 0", "line 1: serve and echo need a number from 1" },
};

START_TEST(mistakes_are_told_with_their_line)
{
    const char *error = NULL;

    ck_assert_ptr_null(elpq_fakepg_new(loop, mistakes[_i].script, &error));
    ck_assert_str_eq(error, mistakes[_i].error);
    ck_assert_ptr_null(elpq_fakepg_new(loop, mistakes[_i].script, NULL));
}
END_TEST

START_TEST(answers_of_a_script_arrive)
{
    elpq_conn *conn = connect_to("startup # ignored\nwelcome\n"
                                 "expect P \"select a\"\nexpect B\nexpect D\n"
                                 "expect E\nexpect S\n"
                                 "send 1\nsend 2\n"
                                 "send T i16 1 \"n\\0\" i32 0 i16 0 i32 25"
                                 " i16 -1 i32 -1 i16 0\n"
                                 "send D i16 1 i32 3 \"a\\x62\\\"\"\n"
                                 "send C \"SELECT 1\\0\"\nnote\n"
                                 "send raw hex 5a 00000005 49\nexpect X\n");
    elpq_options o = { .flags = ELPQ_NO_PREPARE };

    expect_text(ask_with(conn, elpq_sql("select a"), &o), "ab\"");
    ck_assert_uint_eq(elpq_fakepg_notes(fake), 1);
    ck_assert_uint_eq(elpq_fakepg_connections(fake), 1);
    ck_assert_ptr_null(elpq_fakepg_complaint(fake));
    leave(conn);
}
END_TEST

START_TEST(what_is_unexpected_is_told)
{
    elpq_conn *conn =
        connect_to("startup\nwelcome\nexpect P \"something else\"\n");
    struct answer *a = await(ask(conn, elpq_sql("select a")));

    ck_assert_int_eq(a->code, ELPQ_E_LOST);
    ck_assert_str_eq(elpq_fakepg_complaint(fake),
                     "line 3: unexpected message P");
    leave(conn);
}
END_TEST

START_TEST(sessions_have_sections_of_their_own)
{
    elpq_conn *first, *second, *third;

    first = connect_to("session\nstartup\nwelcome\nserve 1\nclose\n"
                       "session\nstartup\nwelcome\nserve\n");
    second = connect_now(conninfo_of(""), NULL);
    third = connect_now(conninfo_of(""), NULL);
    expect_ok(ask(first, elpq_sql("select")));
    ck_assert_int_eq(await(ask(first, elpq_sql("select")))->code, ELPQ_E_LOST);
    for (int i = 0; i < 30; i++) {
        expect_ok(ask(second, elpq_sql("select")));
        expect_ok(script(third, "select", NULL));
    }
    ck_assert_uint_eq(elpq_fakepg_connections(fake), 3);
    close_conn(first);
    close_conn(second);
    leave(third);
}
END_TEST

/* Prepared or not, in either format. */
START_TEST(a_parameter_comes_back)
{
    elpq_conn *conn = connect_to("startup\nwelcome\necho 3\nserve\n");
    elpq_options once = { .flags = ELPQ_NO_PREPARE };

    expect_text(ask(conn, elpq_sql("select $1", "first")), "first");
    expect_text(ask(conn, elpq_sql("select $1", "")), "");
    expect_text(ask_with(conn, elpq_sql("select $1, $2", "one", 2), &once),
                "one");
    ck_assert_uint_eq(elpq_rows(expect_ok(ask(conn, elpq_sql("select $1",
                                                             "x")))->result),
                      0);
    ck_assert_ptr_null(elpq_fakepg_complaint(fake));
    leave(conn);
}
END_TEST

/* --------------------------------------------------------- authentication */

START_TEST(password_in_clear)
{
    play("startup\nsend R i32 3\nexpect p \"secret\\0\"\nwelcome\nserve\n");
    leave(connect_now(conninfo_of("password=secret"), NULL));
}
END_TEST

START_TEST(ssl_is_declined)
{
    char conninfo[200];

    play("startup\nwelcome\nserve\n");
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=prefer",
             elpq_fakepg_port(fake));
    leave(connect_now(conninfo, NULL));
}
END_TEST

START_TEST(scram_with_a_nonce_that_is_not_the_clients)
{
    expect_no_connection("startup\nsend R i32 10 \"SCRAM-SHA-256\\0\\0\"\n"
                         "expect p \"SCRAM-SHA-256\\0\"\n"
                         "send R i32 11 \"r=stranger,s=c2FsdA==,i=4096\"\n",
                         "password=x", ELPQ_E_CONNECT, "nonce");
}
END_TEST

/* The client goes on with the nonce, and finds that the proof is none. */
START_TEST(scram_with_a_false_proof)
{
    expect_no_connection("startup\nsend R i32 10 \"SCRAM-SHA-256\\0\\0\"\n"
                         "expect p \"SCRAM-SHA-256\\0\"\n"
                         "send R i32 11 \"r=\" nonce \"more,s=c2FsdA==,i=1\"\n"
                         "expect p \",r=\"\n"
                         "send R i32 12 \"v=AAAA\"\n",
                         "password=x", ELPQ_E_CONNECT, "SCRAM");
}
END_TEST

START_TEST(a_refusal)
{
    struct answer *a = expect_no_connection(
        "startup\nsend E \"SFATAL\\0VFATAL\\0C53300\\0Mno room\\0\\0\"\n"
        "close\n",
        "", ELPQ_E_CONNECT, "no room");

    ck_assert_str_eq(a->sqlstate, "53300");
}
END_TEST

/* ------------------------------------------------------------------ cancel */

/*
 * The statement ends by itself while the cancel request is on its way: the
 * next one must not be sent before the server is done with it.
 */
START_TEST(a_cancel_that_comes_late_hits_nobody)
{
    elpq_conn *conn = connect_to(
        "session\nstartup\nwelcome\nuntil S\nawait cancel\n"
        "send 1\nsend 2\nsend n\nsend C \"SELECT 0\\0\"\nsend Z \"I\"\n"
        "serve\n"
        "cancel\nnote\n");
    elpq_options o = { .flags = ELPQ_NO_PREPARE };
    struct answer *a = ask_with(conn, elpq_sql("select 1"), &o), *next;

    run_turns(3);
    cancel(a);
    next = ask(conn, elpq_sql("select 2"));
    await(a);
    expect_ok(next);
    ck_assert_uint_eq(elpq_fakepg_notes(fake), 1);
    ck_assert_uint_lt(a->order, next->order);
    leave(conn);
}
END_TEST

/* ----------------------------------------------------------------- hostile */

static const char *const lies[] = {
    "send T length 2000000000 i16 1\n",
    "send D length 4\nsend Z \"I\"\n",
    "send D i16 9 i32 1 \"x\"\nsend Z \"I\"\n",
    "send T i16 -1\nsend Z \"I\"\n",
    "send T i16 1 \"n\\0\"\nsend Z \"I\"\n",
    "send 1\nsend 2\n"
    "send T i16 1 \"n\\0\" i32 0 i16 0 i32 25 i16 -1 i32 -1 i16 0\n"
    "send D i16 2 i32 1 \"x\" i32 1 \"y\"\nsend C \"SELECT 1\\0\"\n"
    "send Z \"I\"\n",
    "send E \"no fields\"\nclose\n",
    "send E \"\\0\"\nclose\n",
    "send raw hex ff00000004\n",
    "send raw \"HTTP/1.1 400 Bad Request\\n\\n\"\nclose\n",
    "send G i16 0\nsend Z \"I\"\nclose\n",
    "reset\n",
};
#define LIES (int)(sizeof(lies) / sizeof(*lies))

/* An error, once; and nothing is left. */
START_TEST(lies_are_survived)
{
    elpq_conn_options o = traced();
    elpq_conn *conn;
    struct answer *a, *b;
    char script[500];

    o.timeout_ms = (int)(300 * harness_slow());
    o.cancel_grace_ms = 50;
    snprintf(script, sizeof(script), "startup\nwelcome\nuntil S\n%s",
             lies[_i]);
    play(script);
    conn = connect_now(conninfo_of(""), &o);
    a = ask(conn, elpq_sql("select 1"));
    b = ask(conn, elpq_sql("select 2"));
    await(a);
    await(b);
    ck_assert_int_ne(a->code, 0);
    ck_assert_int_ne(b->code, 0);
    leave(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "script", 0);

    tcase_add_loop_test(t, mistakes_are_told_with_their_line, 0,
                        (int)(sizeof(mistakes) / sizeof(*mistakes)));
    tcase_add_test(t, answers_of_a_script_arrive);
    tcase_add_test(t, what_is_unexpected_is_told);
    tcase_add_test(t, sessions_have_sections_of_their_own);
    tcase_add_test(t, a_parameter_comes_back);
    t = harness_case(s, "authentication", 0);
    tcase_add_test(t, password_in_clear);
    tcase_add_test(t, ssl_is_declined);
    tcase_add_test(t, scram_with_a_nonce_that_is_not_the_clients);
    tcase_add_test(t, scram_with_a_false_proof);
    tcase_add_test(t, a_refusal);
    t = harness_case(s, "cancel", 0);
    tcase_add_test(t, a_cancel_that_comes_late_hits_nobody);
    t = harness_case(s, "hostile", 0);
    tcase_add_loop_test(t, lies_are_survived, 0, LIES);
}

int main(void)
{
    return harness_main("fakepg", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * A server that does not keep to the protocol.  It lets everybody in, and
 * answers every message as a server without tables would, until so many
 * statements are answered; from then on Sync alone has an answer.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/conn_int.h"
#include "../support/harness.h"

static struct {
    int listener;
    int port;
    int honest; /* statements that it answers well */
    pthread_t thread;
} server;

static bool read_all(int fd, void *data, size_t size)
{
    /* Even nothing would be waited for. */
    return size == 0 || recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

/* One message of type, length and body. */
static void say(int fd, char type, const void *body, size_t size)
{
    uint32_t length = htonl((uint32_t)size + 4);
    char out[128];

    ck_assert_uint_le(size + 5, sizeof(out));
    out[0] = type;
    memcpy(out + 1, &length, 4);
    memcpy(out + 5, body, size);
    send(fd, out, size + 5, MSG_NOSIGNAL);
}

static void set_parameter(int fd, const char *name, const char *value)
{
    char body[100];
    int size = snprintf(body, sizeof(body), "%s%c%s", name, '\0', value);

    say(fd, 'S', body, (size_t)size + 1);
}

static void welcome(int fd)
{
    say(fd, 'R', "\0\0\0\0", 4);
    set_parameter(fd, "server_version", "15.0");
    set_parameter(fd, "client_encoding", "UTF8");
    set_parameter(fd, "standard_conforming_strings", "on");
    set_parameter(fd, "integer_datetimes", "on");
    set_parameter(fd, "DateStyle", "ISO, MDY");
    set_parameter(fd, "IntervalStyle", "postgres");
    say(fd, 'K', "\0\0\0\1\0\0\0\2", 8);
    say(fd, 'Z', "I", 1);
}

static void answer(int fd, char type, int *synced)
{
    bool honest = *synced < server.honest;

    if (type == 'P' && honest)
        say(fd, '1', "", 0);
    else if (type == 'B' && honest)
        say(fd, '2', "", 0);
    else if (type == 'D' && honest)
        say(fd, 'n', "", 0);
    else if (type == 'E' && honest)
        say(fd, 'C', "SELECT 0", 9);
    else if (type == 'S')
        say(fd, 'Z', "I", 1);
    *synced += type == 'S';
}

/* The length that stands in front of a body, which is read and thrown away. */
static bool skip_body(int fd)
{
    uint32_t length;
    char body[4096];

    return read_all(fd, &length, 4) && ntohl(length) <= sizeof(body) &&
           read_all(fd, body, ntohl(length) - 4);
}

static void *serve(void *arg)
{
    int fd = accept(server.listener, NULL, NULL);
    int synced = 0;
    char type;

    (void)arg;
    if (skip_body(fd))
        welcome(fd);
    while (read_all(fd, &type, 1) && skip_body(fd))
        answer(fd, type, &synced);
    close(fd);
    return NULL;
}

static elpq_conn *connect_to_liar(int honest)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof(at);
    char conninfo[120];

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.honest = honest;
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server.listener, (void *)&at, size), 0);
    ck_assert_int_eq(listen(server.listener, 1), 0);
    getsockname(server.listener, (void *)&at, &size);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable"
             " gssencmode=disable",
             ntohs(at.sin_port));
    return connect_now(conninfo, NULL);
}

static void leave_liar(elpq_conn *conn)
{
    close_conn(conn);
    pthread_join(server.thread, NULL);
    close(server.listener);
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

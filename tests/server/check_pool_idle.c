/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a pool does with connections that nobody uses, and with requests that
 * come in a burst: it shrinks while a little goes on, it takes a burst that
 * its idle connections can serve, and a server that ends every session makes
 * it wait and not spin.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

/* A server that takes so long for a sign of life makes a pool doubt. */
#define MAY_BE_SLOW_USEC 400000

/* As many idle connections as that. */
static void fill(elpq_pool *pool, unsigned size)
{
    elpq_conn *conns[8];
    unsigned i;

    for (i = 0; i < size; i++)
        conns[i] = lease(pool);
    for (i = 0; i < size; i++)
        release(conns[i]);
    while (stats(pool).idle < size)
        event_base_loop(loop, EVLOOP_ONCE);
}

/* ------------------------------------------------------------- shrinking */

/*
 * Each statement finds that all connections were idle for too long, and asks
 * one of them only for a sign of life: the others age, and go.
 */
static void expect_shrinks(const elpq_pool_options *options)
{
    elpq_pool *pool = pool_new(options);
    int64_t end = now_usec() + scaled(20000) * INT64_C(1000);
    unsigned statements = 0;

    fill(pool, 4);
    while (stats(pool).size > 1 && now_usec() < end) {
        run_for_ms(options->ping_after_ms + 30);
        expect_int(ask(pool, elpq_sql("select 1")), 1);
        statements++;
    }
    ck_assert_uint_eq(stats(pool).size, 1);
    ck_assert_uint_eq(stats(pool).retired_idle, 3);
    ck_assert_uint_eq(stats(pool).connects, 4);
    ck_assert_uint_le(stats(pool).pings, statements + 3 /* once, if late */);
    ck_assert_uint_ge(statements, 2);
    finish_pool(pool);
}

START_TEST(a_pool_shrinks_though_it_is_used_a_little)
{
    elpq_pool_options o = { .max_size = 4, .ping_after_ms = 50 };

    o.idle_timeout_ms = scaled(3000);
    expect_shrinks(&o);
}
END_TEST

START_TEST(a_pool_shrinks_no_further_than_min_size)
{
    elpq_pool_options o = { .min_size = 2, .max_size = 4 };
    elpq_pool *pool;

    o.idle_timeout_ms = scaled(2000);
    pool = pool_new(&o);
    fill(pool, 4);
    while (stats(pool).size > 2)
        event_base_loop(loop, EVLOOP_ONCE);
    run_for_ms(scaled(2500));
    ck_assert_uint_eq(stats(pool).size, 2);
    ck_assert_uint_eq(stats(pool).retired_idle, 2);
    ck_assert_uint_eq(stats(pool).connects, 4);
    finish_pool(pool);
}
END_TEST

/* Those that were to stay go when they need not any more. */
START_TEST(a_lower_min_size_lets_idle_connections_go)
{
    elpq_pool_options o = { .min_size = 3, .max_size = 3 };
    elpq_pool *pool;

    o.idle_timeout_ms = scaled(1000);
    pool = pool_new(&o);
    fill(pool, 3);
    ck_assert_int_eq(CALL(elpq_pool_resize(pool, 1, 3)), 0);
    while (stats(pool).size > 1)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert_uint_eq(stats(pool).retired_idle, 2);
    finish_pool(pool);
}
END_TEST

/* The connection used last is used next, pinged or not. */
START_TEST(one_request_pings_one_connection)
{
    elpq_pool_options o = { .max_size = 4, .ping_after_ms = 20 };
    elpq_pool *pool = pool_new(&o);
    const elpq_statement *which = elpq_sql("select pg_backend_pid()");
    int64_t pid;
    int i;

    fill(pool, 4);
    pid = answer_int(ask(pool, which));
    for (i = 1; i <= 3; i++) {
        uint64_t pings = stats(pool).pings;
        int64_t began;

        run_for_ms(60);
        began = now_usec();
        expect_int(ask(pool, which), pid);
        ck_assert(stats(pool).pings == pings + 1 ||
                  now_usec() - began > MAY_BE_SLOW_USEC);
    }
    ck_assert_uint_eq(stats(pool).size, 4);
    finish_pool(pool);
}
END_TEST

/* As many are asked as there are requests, and each is served. */
START_TEST(a_burst_pings_as_many_as_it_needs)
{
    elpq_pool_options o = { .max_size = 4, .ping_after_ms = 20 };
    elpq_pool *pool = pool_new(&o);
    uint64_t pings;
    int64_t began;
    int i;

    fill(pool, 4);
    run_for_ms(60);
    pings = stats(pool).pings;
    began = now_usec();
    for (i = 0; i < 3; i++)
        ask(pool, elpq_sql("select $1", i));
    await_all();
    ck_assert_uint_eq(answers_with(0), answers_come());
    ck_assert(stats(pool).pings <= pings + 3 ||
              now_usec() - began > MAY_BE_SLOW_USEC);
    ck_assert_uint_eq(stats(pool).connects, 4);
    finish_pool(pool);
}
END_TEST

/*
 * A router on the way has forgotten all connections but new ones: they are not
 * found out one after another, two seconds each.
 */
START_TEST(silent_connections_are_found_together)
{
    elpq_faultproxy_options up = { .upstream_host = server_host() };
    elpq_pool_options o = { .max_size = _i ? 5 : 6, .ping_after_ms = 20 };
    elpq_options d = { .timeout_ms = _i ? scaled(6000) : scaled(2500) };
    elpq_faultproxy *proxy;
    char conninfo[100];
    elpq_pool *pool;

    up.upstream_port = (int)strtol(server_port(), NULL, 10);
    proxy = elpq_faultproxy_new(loop, &up);
    ck_assert_ptr_nonnull(proxy);
    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d",
             elpq_faultproxy_port(proxy));
    pool = pool_at(conninfo, &o);
    fill(pool, 5);
    ck_assert_ptr_null(elpq_faultproxy_rule(proxy, "cut stall"));
    elpq_faultproxy_reset(proxy); /* those to come are well */
    run_for_ms(60);
    expect_ok(ask_with(pool, elpq_sql("select 1"), &d));
    ck_assert_uint_eq(stats(pool).connects, 6);
    finish_pool(pool);
    elpq_faultproxy_free(proxy);
}
END_TEST

/* ---------------------------------------------------------------- in line */

static int try_one(elpq_pool *pool, int n)
{
    struct answer *a = answer_new();
    int rc = CALL(elpq_pool_execute(pool, elpq_sql("select $1", n), NULL,
                                    on_result, a));

    a->wanted = rc == 0;
    return rc;
}

START_TEST(what_idle_connections_take_does_not_wait)
{
    elpq_pool_options o = { .max_size = 3, .max_waiting = 1 };
    elpq_pool *pool = pool_new(&o);
    int i;

    fill(pool, 3);
    /* One for each connection, and one that stands in line. */
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(try_one(pool, i), 0);
    ck_assert_int_eq(try_one(pool, 4), ELPQ_E_FULL);
    ck_assert_uint_eq(stats(pool).refused, 1);
    await_all();
    ck_assert_uint_eq(answers_with(0), answers_come());
    ck_assert_uint_eq(stats(pool).waited, 1 + 3 /* of fill() */);
    finish_pool(pool);
}
END_TEST

START_TEST(without_idle_connections_all_wait)
{
    elpq_pool_options o = { .max_size = 2, .max_waiting = 2 };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *a = lease(pool), *b = lease(pool);

    ck_assert_int_eq(try_one(pool, 0), 0);
    ck_assert_int_eq(try_one(pool, 1), 0);
    ck_assert_int_eq(try_one(pool, 2), ELPQ_E_FULL);
    release(a);
    release(b);
    await_all();
    finish_pool(pool);
}
END_TEST

/* --------------------------------------- a server that ends every session */

static struct {
    int accepted;
    bool patient; /* ends the session at the first message, not at once   */
} rude;

static void put_int(struct evbuffer *out, uint32_t n)
{
    n = htonl(n);
    evbuffer_add(out, &n, 4);
}

static void put_message(struct evbuffer *out, char type, const char *body,
                        size_t size)
{
    evbuffer_add(out, &type, 1);
    put_int(out, (uint32_t)size + 4);
    evbuffer_add(out, body, size);
}

#define PUT(out, type, body) put_message(out, type, body, sizeof(body) - 1)

static void put_welcome(struct evbuffer *out)
{
    PUT(out, 'R', "\0\0\0\0");
    PUT(out, 'S', "client_encoding\0UTF8\0");
    PUT(out, 'S', "server_version\00015.4\0");
    PUT(out, 'S', "standard_conforming_strings\0on\0");
    PUT(out, 'S', "integer_datetimes\0on\0");
    PUT(out, 'S', "DateStyle\0ISO, MDY\0");
    PUT(out, 'S', "IntervalStyle\0postgres\0");
    PUT(out, 'K', "\0\0\0\1\0\0\0\2");
    PUT(out, 'Z', "I");
}

static void put_farewell(struct evbuffer *out)
{
    PUT(out, 'E', "SFATAL\0VFATAL\0C57P01\0Mgo away\0Fpostgres.c\0L1\0"
                  "RProcessInterrupts\0\0");
}

static void on_written(struct bufferevent *bev, void *arg)
{
    (void)arg;
    bufferevent_free(bev);
}

static void on_gone(struct bufferevent *bev, short what, void *arg)
{
    (void)what;
    (void)arg;
    bufferevent_free(bev);
}

static void say_farewell(struct bufferevent *bev)
{
    put_farewell(bufferevent_get_output(bev));
    bufferevent_setcb(bev, NULL, on_written, on_gone, NULL);
}

static void on_message(struct bufferevent *bev, void *arg)
{
    (void)arg;
    say_farewell(bev);
}

/* The whole of it is one message, which needs no answer but the welcome. */
static void on_startup(struct bufferevent *bev, void *arg)
{
    struct evbuffer *in = bufferevent_get_input(bev);

    (void)arg;
    evbuffer_drain(in, evbuffer_get_length(in));
    put_welcome(bufferevent_get_output(bev));
    if (rude.patient)
        bufferevent_setcb(bev, on_message, NULL, on_gone, NULL);
    else
        say_farewell(bev);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                      struct sockaddr *from, int size, void *arg)
{
    struct bufferevent *bev =
        bufferevent_socket_new(loop, fd, BEV_OPT_CLOSE_ON_FREE);

    (void)listener;
    (void)from;
    (void)size;
    (void)arg;
    rude.accepted++;
    bufferevent_setcb(bev, on_startup, NULL, on_gone, NULL);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}

static struct evconnlistener *rude_server(bool patient, const char **conninfo)
{
    static char text[128];
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    struct evconnlistener *listener;

    memset(&at, 0, sizeof(at));
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = evconnlistener_new_bind(loop, on_accept, NULL,
                                       LEV_OPT_CLOSE_ON_FREE |
                                           LEV_OPT_CLOSE_ON_EXEC,
                                       16, (struct sockaddr *)&at,
                                       sizeof(at));
    ck_assert_ptr_nonnull(listener);
    ck_assert_int_eq(getsockname(evconnlistener_get_fd(listener),
                                 (struct sockaddr *)&at, &size), 0);
    snprintf(text, sizeof(text), "%s sslmode=disable gssencmode=disable",
             loopback(ntohs(at.sin_port)));
    *conninfo = text;
    rude.accepted = 0;
    rude.patient = patient;
    return listener;
}

/*
 * The session ends as soon as it was made, before a statement is sent or just
 * after.  Who waits is told in the end, and the pool does not connect all the
 * time until then.
 */
START_TEST(sessions_that_end_at_once_are_not_made_in_a_loop)
{
    const int ms = scaled(1000);
    elpq_pool_options o = { .max_size = 1, .conn.timeout_ms = ms };
    const char *conninfo;
    struct evconnlistener *listener = rude_server(false, &conninfo);
    elpq_pool *pool = pool_at(conninfo, &o);
    struct answer *a = await(ask(pool, elpq_sql("select 1")));

    ck_assert(a->code == ELPQ_E_TIMEOUT || a->code == ELPQ_E_LOST ||
              a->code == ELPQ_E_CONNECT);
    ck_assert_int_ge(rude.accepted, 1);
    ck_assert_msg(rude.accepted <= 20, "%d connections in %d ms",
                  rude.accepted, (int)((a->answered - a->submitted) / 1000));
    finish_pool(pool);
    evconnlistener_free(listener);
}
END_TEST

/* Sent, and answered with the end: that is told, and not tried again. */
START_TEST(a_statement_that_ends_its_session_is_sent_once)
{
    elpq_pool_options o = { .max_size = 1 };
    const char *conninfo;
    struct evconnlistener *listener = rude_server(true, &conninfo);
    elpq_pool *pool = pool_at(conninfo, &o);

    expect_error(ask(pool, elpq_sql("select 1")), ELPQ_E_LOST, "57P01",
                 ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    ck_assert_int_eq(rude.accepted, 1);
    expect_error(ask(pool, elpq_sql("select 2")), ELPQ_E_LOST, "57P01",
                 ELPQ_IN_DOUBT | ELPQ_RETRYABLE);
    ck_assert_int_eq(rude.accepted, 2);
    finish_pool(pool);
    evconnlistener_free(listener);
}
END_TEST

/* min_size is no reason to connect all the time either. */
START_TEST(min_size_is_not_kept_up_in_a_loop)
{
    elpq_pool_options o = { .min_size = 1, .max_size = 1 };
    const char *conninfo;
    struct evconnlistener *listener = rude_server(false, &conninfo);
    elpq_pool *pool = pool_at(conninfo, &o);

    run_until(&rude.accepted, 1);
    run_for_ms(scaled(1000));
    ck_assert_msg(rude.accepted <= 20, "%d connections in a second",
                  rude.accepted);
    finish_pool(pool);
    evconnlistener_free(listener);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "shrinking", 0);

    tcase_add_test(t, a_pool_shrinks_though_it_is_used_a_little);
    tcase_add_test(t, a_pool_shrinks_no_further_than_min_size);
    tcase_add_test(t, a_lower_min_size_lets_idle_connections_go);
    tcase_add_test(t, one_request_pings_one_connection);
    tcase_add_test(t, a_burst_pings_as_many_as_it_needs);
    tcase_add_loop_test(t, silent_connections_are_found_together, 0, 2);
    t = harness_case(s, "line", 0);
    tcase_add_test(t, what_idle_connections_take_does_not_wait);
    tcase_add_test(t, without_idle_connections_all_wait);
    t = harness_case(s, "rude server", 0);
    tcase_add_test(t, sessions_that_end_at_once_are_not_made_in_a_loop);
    tcase_add_test(t, a_statement_that_ends_its_session_is_sent_once);
    tcase_add_test(t, min_size_is_not_kept_up_in_a_loop);
}

int main(void)
{
    return harness_main("pool_idle", build);
}

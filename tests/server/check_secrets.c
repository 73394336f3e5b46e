/* SPDX-License-Identifier: PostgreSQL */
/*
 * A password, and the values of parameters, that appear nowhere: not in an
 * error, notice, trace event, description or statistic, nor on the standard
 * streams, whatever fails, and even if the server says them.
 */
#include <ctype.h>
#include <fcntl.h>

#include "elpq/testkit.h"
#include "secrets.h"

/* ------------------------------------------------------- all that is told */

static int streams[3]; /* the standard ones, meanwhile a file               */
static FILE *file;

static void hear_notice(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    (void)conn;
    (void)arg;
    notice_count++;
    hear_error(notice);
}

static void listen_to(elpq_conn_options *o)
{
    o->trace = hear_event;
    o->notice = hear_notice;
}

/* Waits for the answer, which must be an error. */
static void hear_failure(struct answer *a)
{
    await(a);
    ck_assert_int_ne(a->code, 0);
    hear_error(a->error);
}

static void hear_owned(elpq_error *error)
{
    ck_assert_ptr_nonnull(error);
    hear_error(error);
    elpq_error_free(error);
}

static void streams_to_file(void)
{
    harness_setup();
    heard = 0;
    file = tmpfile();
    ck_assert_ptr_nonnull(file);
    fflush(NULL);
    for (int fd = 1; fd <= 2; fd++) {
        streams[fd] = dup(fd);
        ck_assert_int_eq(dup2(fileno(file), fd), fd);
    }
}

static void streams_back(void)
{
    char text[4096] = "";

    fflush(NULL);
    for (int fd = 1; fd <= 2; fd++) {
        ck_assert_int_eq(dup2(streams[fd], fd), fd);
        close(streams[fd]);
    }
    rewind(file);
    while (fgets(text, sizeof(text), file))
        ck_assert_msg(!tells_canary(text), "printed: '%s'", text);
    ck_assert_str_eq(text, ""); /* a library prints nothing at all */
    fclose(file);
    harness_teardown();
}

/* ------------------------------------------------ connects that must fail */

struct place {
    const char *what;
    const char *port; /* NULL: the server's                               */
    const char *user; /* NULL: the one with a password                    */
    const char *more;
};

static void fail_at(const struct place *place, enum way way)
{
    const char *user =
        place->user ? place->user : harness_env("ELPQ_TEST_SCRAM_USER");
    struct access a = { 0 };

    access_begin(&a, way, place->port ? place->port : server_port(), user,
                 place->more);
    listen_to(&a.options);
    hear_failure(start_connect(a.conninfo, &a.options));
    access_end(&a);
}

START_TEST(wrong_passwords_places_and_certificates)
{
    char dead[12], ca[300];
    const struct place places[] = {
        { "wrong password", NULL, NULL, "" },
        { "nobody listens", dead, NULL, "" },
        { "unknown user", NULL, "nobody_at_all", "" },
        { "wrong CA", NULL, NULL, ca },
        { "wrong option value", NULL, NULL, "sslmode=nonsense" },
        { "wrong number", NULL, NULL, "keepalives_idle=nonsense" },
    };

    snprintf(dead, sizeof(dead), "%d", dead_port());
    snprintf(ca, sizeof(ca), "sslmode=verify-full%csslrootcert=%s",
             _i == URI ? '&' : ' ', harness_env("ELPQ_TEST_OTHER_CA"));
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        fail_at(&places[i], (enum way)_i);
    ck_assert_uint_ge(heard, 6 * 8);
}
END_TEST

/* libpq would quote a piece of each. */
static const char *const broken[] = {
    "host=x password='" CANARY,
    "host=x password=a " CANARY,
    "password=Canary7 yranac=b Yranac8=c",
    "host=x password=my canary=Yranac8 x",
    "host=x passwrd=" CANARY " password",
    "postgresql://u:Canary7/q@Yranac8@127.0.0.1:1/db",
    "postgresql://u:" CANARY "@127.0.0.1/db",
    "postgresql://u:q@Yranac8@127.0.0.1/db",
    "postgresql://u:Canary7%zz@127.0.0.1/db",
    "postgresql://u:Canary7%00@127.0.0.1/db",
    "postgresql://u@[::1?password=" CANARY,
    "postgresql://u@h/db?password=" CANARY "&Yranac8",
    "postgresql://u@h/db?password=a=" CANARY,
    "port=1password=" CANARY,
};

START_TEST(broken_conninfos)
{
    const char *conninfo = broken[_i];
    const char *const hosts[] = { conninfo, NULL };
    const char *const publications[] = { "p", NULL };
    const elpq_replication_options r = { .slot = "s",
                                         .publications = publications };
    char text[300];
    elpq_error *e = NULL;

    ck_assert_ptr_null(elpq_connect(loop, conninfo, NULL, on_conn, NULL, &e));
    hear_owned(e);
    ck_assert_ptr_null(elpq_pool_new(loop, conninfo, NULL, &e));
    hear_owned(e);
    ck_assert_ptr_null(elpq_router_new(loop, hosts, NULL, &e));
    hear_owned(e);
    ck_assert_ptr_null(
        elpq_replication_new(loop, conninfo, &r, NULL, NULL, NULL, &e));
    hear_owned(e);
    ck_assert_int_eq(elpq_conninfo_redact(conninfo, text, sizeof(text)),
                     ELPQ_E_USAGE);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(redacted_conninfos)
{
    static const char *const whole[] = {
        "host=x password='" CANARY "' sslpassword=" CANARY,
        "postgresql://u:" CANARY_URI "@127.0.0.1/db?sslpassword=" CANARY_URI,
        ("postgresql:///db?password=" CANARY_URI),
    };
    char text[300];

    for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
        ck_assert_int_gt(elpq_conninfo_redact(whole[i], text, sizeof(text)), 0);
        hear(text);
        ck_assert_ptr_nonnull(strstr(text, "password=***"));
    }
}
END_TEST

/* A typo in the name of an option is still told. */
START_TEST(an_unknown_option_is_named)
{
    elpq_error *e = NULL;

    ck_assert_ptr_null(
        elpq_connect(loop, "hots=x password=" CANARY, NULL, on_conn, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e->message, "\"hots\""));
    hear_owned(e);
}
END_TEST

/* The login is cut in front of its n-th message, until it is not any more. */
START_TEST(cuts_of_a_login)
{
    elpq_faultproxy_options o = { .upstream_port = atoi(server_port()) };
    elpq_faultproxy *proxy = elpq_faultproxy_new(loop, &o);
    int messages = 5; /* the three of SCRAM, its end, and one parameter */
    char rule[80], port[12];

    ck_assert_ptr_nonnull(proxy);
    snprintf(port, sizeof(port), "%d", elpq_faultproxy_port(proxy));
    for (int n = 1; n <= messages; n++) {
        struct place place = { "cut", port, NULL, "sslmode=disable" };

        elpq_faultproxy_reset(proxy);
        snprintf(rule, sizeof(rule), "server cut %s at message %d",
                 _i ? "rst" : "fin", n);
        ck_assert_ptr_null(elpq_faultproxy_rule(proxy, rule));
        fail_at(&place, URI);
        fail_at(&place, KEYWORD);
    }
    elpq_faultproxy_free(proxy);
}
END_TEST

/* --------------------------------------- a server that says the password */

#define ECHOES                                                                 \
    "\"M" CANARY "\\0D said " CANARY " " CANARY "\\0H" CANARY "\\0W" CANARY    \
    "\\0q" CANARY "\\0s" CANARY "\\0t" CANARY "\\0c" CANARY "\\0d" CANARY      \
    "\\0n" CANARY "\\0F" CANARY "\\0L1\\0R" CANARY "\\0\\0\""
#define NOTICE "send N \"SNOTICE\\0VNOTICE\\0C00000\\0\" " ECHOES "\n"
#define FAILS(severity)                                                        \
    "send E \"S" severity "\\0V" severity "\\0C28P01\\0\" " ECHOES "\n"
/* What libpq looks at in a new session, and a notice among it. */
#define WELCOME                                                                \
    "send R i32 0\n" NOTICE "send S \"client_encoding\\0UTF8\\0\"\n"           \
    "send S \"standard_conforming_strings\\0on\\0\"\n"                         \
    "send S \"integer_datetimes\\0on\\0\"\n"                                   \
    "send S \"DateStyle\\0ISO, MDY\\0\"\n"                                     \
    "send S \"IntervalStyle\\0postgres\\0\"\n"                                 \
    "send S \"server_version\\015.0\\0\"\nsend K i32 1 i32 2\nsend Z \"I\"\n"
#define ASKS "startup\nsend R i32 3\nexpect p \"" CANARY "\"\n"

static void echo_to(const char *script, void (*test)(struct access *a))
{
    const char *why = "";
    elpq_fakepg *server = elpq_fakepg_new(loop, script, &why);
    struct access a = { 0 };
    char port[12];

    ck_assert_msg(server != NULL, "%s", why);
    snprintf(port, sizeof(port), "%d", elpq_fakepg_port(server));
    access_begin(&a, (enum way)(PARAMS), port, "u",
                 "sslmode=disable gssencmode=disable");
    listen_to(&a.options);
    test(&a);
    access_end(&a);
    ck_assert_msg(!elpq_fakepg_complaint(server), "%s",
                  elpq_fakepg_complaint(server));
    elpq_fakepg_free(server);
}

static void connect_refused(struct access *a)
{
    hear_failure(start_connect(a->conninfo, &a->options));
}

static void expect_notices(int n)
{
    ck_assert_int_ge(notice_count, n);
    notice_count = 0;
}

START_TEST(echo_in_the_login)
{
    echo_to(ASKS FAILS("FATAL") "close", connect_refused);
    echo_to(ASKS "send R i32 0\n" NOTICE NOTICE FAILS("FATAL") "reset",
            connect_refused);
    echo_to(ASKS "send raw \"" CANARY "\"\nclose", connect_refused);
    echo_to(ASKS "send E \"SFATAL\\0\\0\"\nclose", connect_refused);
}
END_TEST

static void ask_twice(struct access *a)
{
    elpq_conn *conn = connect_now(a->conninfo, &a->options);

    expect_notices(1);
    hear_failure(ask(conn, elpq_sql("select")));
    hear_failure(ask(conn, elpq_sql("select")));
    expect_notices(1);
    ck_assert(!elpq_conn_is_open(conn));
    close_conn(conn);
}

#define ANSWERS_ONE                                                            \
    ASKS WELCOME "until S\n" NOTICE FAILS("ERROR") "send Z \"I\"\nuntil S\n"

START_TEST(echo_in_a_session)
{
    echo_to(ANSWERS_ONE FAILS("FATAL") "close", ask_twice);
    echo_to(ANSWERS_ONE NOTICE "send raw \"" CANARY "\"\nclose", ask_twice);
    echo_to(ANSWERS_ONE "send "
                        "T "
                        "\"" CANARY "\"\nclose",
            ask_twice);
}
END_TEST

static void ask_in_pool(struct access *a)
{
    const elpq_pool_options o = { .conn = a->options,
                                  .max_size = 2,
                                  .backoff_max_ms = 10 };
    elpq_pool *pool = pool_at(a->conninfo, &o);
    elpq_pool_statistics s;

    hear_failure(ask(pool, elpq_sql("select")));
    hear_failure(ask(pool, elpq_sql("select")));
    s = stats(pool);
    ck_assert_uint_eq(s.connects, 1);
    expect_notices(2);
    finish_pool(pool);
}

START_TEST(echo_to_a_pool)
{
    echo_to(ANSWERS_ONE FAILS("FATAL") "close\nsession\n" ASKS FAILS(
                "FATAL") "close",
            ask_in_pool);
}
END_TEST

static int downs;

static void on_listening(elpq_listener *l, const elpq_listen_event *e,
                         void *arg)
{
    (void)l;
    (void)arg;
    if (e->error)
        hear_error(e->error);
    downs += e->kind == ELPQ_LISTEN_DOWN;
}

static void on_routing(elpq_router *router, const elpq_router_event *e,
                       void *arg)
{
    (void)router;
    (void)arg;
    hear(e->name);
    if (e->error)
        hear_error(e->error);
    downs += e->kind == ELPQ_ROUTER_HOST_DOWN;
}

static void on_replicating(elpq_replication *r, const elpq_replication_event *e,
                           void *arg)
{
    (void)r;
    (void)arg;
    if (e->error)
        hear_error(e->error);
    downs += e->kind == ELPQ_REPLICATION_DOWN;
}

static void on_nothing(elpq_replication *r, const elpq_change *change,
                       void *arg)
{
    (void)r;
    (void)change;
    (void)arg;
}

static void others_refused(struct access *a)
{
    const char *const hosts[] = { a->conninfo, NULL };
    const char *const publications[] = { "p", NULL };
    const elpq_router_options ro = { .pool.conn = a->options,
                                     .event = on_routing };
    const elpq_replication_options re = { .conn = a->options,
                                          .slot = "s",
                                          .publications = publications };
    const elpq_listener_options lo = { .conn = a->options };
    elpq_replication *r;
    elpq_listener *l;
    elpq_router *router;

    downs = 0;
    l = elpq_listener_new(loop, a->conninfo, &lo, on_listening, NULL, NULL);
    ck_assert_ptr_nonnull(l);
    run_until(&downs, 1);
    elpq_listener_close(l, NULL, NULL);
    r = elpq_replication_new(loop, a->conninfo, &re, on_nothing, on_replicating,
                             NULL, NULL);
    ck_assert_ptr_nonnull(r);
    run_until(&downs, 2);
    elpq_replication_close(r, NULL, NULL);
    router = elpq_router_new(loop, hosts, &ro, NULL);
    ck_assert_ptr_nonnull(router);
    run_until(&downs, 3);
    elpq_router_close(router, 0, NULL, NULL);
}

START_TEST(echo_to_listener_replication_and_router)
{
    echo_to(ASKS FAILS("FATAL") "close", others_refused);
}
END_TEST

/* ------------------------------------------------------ values, statements */

static void expect_failed(struct answer *a)
{
    await(a);
    ck_assert_int_ne(a->code, 0);
}

/* Every way in which a value can make a statement fail; only traces count:
 * the error itself is for who gave the value. */
START_TEST(values_of_parameters)
{
    elpq_conn_options o = { .trace = hear_event };
    elpq_conn *conn = connect_now(NULL, &o);
    const elpq_value bad[] = {
        elpq_numeric(CANARY),
        elpq_text(CANARY),
        elpq_textn("Canary7\xff", 8),
        elpq_raw(1700, CANARY, strlen(CANARY)),
    };
    static const char *const texts[] = {
        "select $1::text::int",
        "select $1::text::uuid",
        "select 1 / length($1::text) + $1::text::int",
    };
    struct answer *a;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
            elpq_statement st =
                elpq_sql_from_trusted_string(texts[i], &bad[k], 1);

            expect_failed(ask(conn, &st)); /* by itself, then a pipeline */
            a = ask(conn, &st);
            st.flags = ELPQ_READONLY;
            expect_failed(ask(conn, &st));
            expect_failed(a);
        }
    a = await(begin(conn, NULL));
    expect_failed(ask(a->tx, elpq_sql("select $1::text::int", CANARY)));
    expect_failed(commit(a->tx));
    ck_assert_uint_ge(heard, 100);
    close_conn(conn);
}
END_TEST

static struct answer *change(elpq_conn *conn, const char *user)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(
        CALL(elpq_conn_change_password(conn, user, CANARY, NULL, on_done, a)),
        0);
    return a;
}

START_TEST(a_change_of_the_password)
{
    elpq_conn_options o = { 0 };
    char conninfo[300];
    elpq_conn *conn;
    struct answer *a;

    snprintf(conninfo, sizeof(conninfo), "host=%s user=%s",
             harness_env("ELPQ_TEST_SOCKDIR"),
             harness_env("ELPQ_TEST_SUPERUSER"));
    admin_do("create role elpq_canary");
    listen_to(&o);
    conn = connect_now(conninfo, &o);
    hear_failure(change(conn, "nobody_at_all"));
    expect_ok(change(conn, "elpq_canary"));
    a = change(conn, "elpq_canary");
    close_conn(conn); /* while the thread is at it */
    hear_failure(a);
    admin_do("drop role elpq_canary");
}
END_TEST

/* ----------------------------------------------------------------- programs */

static TCase *quiet_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, streams_to_file, streams_back);
    suite_add_tcase(s, t);
    return t;
}

static void build(Suite *s)
{
    TCase *t = quiet_case(s, "conninfo");

    tcase_add_loop_test(t, broken_conninfos, 0,
                        (int)(sizeof(broken) / sizeof(*broken)));
    tcase_add_test(t, redacted_conninfos);
    tcase_add_test(t, an_unknown_option_is_named);
    t = quiet_case(s, "connect");
    if (harness_own_server() && harness_env("ELPQ_TEST_SCRAM_USER")) {
        tcase_add_loop_test(t, wrong_passwords_places_and_certificates, 0,
                            WAYS);
        tcase_add_loop_test(t, cuts_of_a_login, 0, 2);
    }
    t = quiet_case(s, "echo");
    tcase_add_test(t, echo_in_the_login);
    tcase_add_test(t, echo_in_a_session);
    tcase_add_test(t, echo_to_a_pool);
    tcase_add_test(t, echo_to_listener_replication_and_router);
    t = quiet_case(s, "statements");
    tcase_add_test(t, values_of_parameters);
    if (harness_own_server())
        tcase_add_test(t, a_change_of_the_password);
}

int main(void)
{
    return harness_main("secrets", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Connecting: all forms of conninfo, several hosts, a clear error for each
 * way in which it can fail, and notices.  Passwords and TLS are check_auth's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/harness.h"

#define RETRY (ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE)

static const char *env_or(const char *name, const char *other)
{
    const char *value = harness_env(name);

    return value ? value : other;
}

static void expect_connects(const char *conninfo)
{
    elpq_conn *conn = connect_now(conninfo, NULL);

    expect_int(ask(conn, elpq_sql("select pg_backend_pid()")),
               elpq_conn_pid(conn));
    expect_text(ask(conn, elpq_sql("show client_encoding")), "UTF8");
    close_conn(conn);
}

/* ------------------------------------------------------------------- forms */

START_TEST(nothing_but_the_environment)
{
    expect_connects(NULL);
    expect_connects("");
}
END_TEST

START_TEST(keywords_and_uri)
{
    char uri[1000];

    expect_connects(tcp(""));
    expect_connects(tcp("application_name='it is \\'quoted\\''"));
    snprintf(uri, sizeof(uri), "postgresql:///?host=%s&port=%s", server_host(),
             server_port());
    expect_connects(uri);
    if (harness_env("ELPQ_TEST_HOST")) {
        snprintf(uri, sizeof(uri), "postgresql://%s:%s/%s?connect_timeout=5",
                 server_host(), server_port(),
                 env_or("PGDATABASE", "postgres"));
        expect_connects(uri);
    }
    snprintf(uri, sizeof(uri), "postgres:///%s", env_or("PGDATABASE", ""));
    expect_connects(uri);
}
END_TEST

START_TEST(a_unix_socket)
{
    const char *dir = env_or("ELPQ_TEST_SOCKDIR", harness_env("PGHOST"));
    char conninfo[300];

    ck_assert_ptr_nonnull(dir);
    snprintf(conninfo, sizeof(conninfo), "host='%s'", dir);
    expect_connects(conninfo);
}
END_TEST

START_TEST(parameters_win_over_conninfo)
{
    const char *params[] = { "application_name", "from params", "options",
                             "-c work_mem=3MB", NULL };
    elpq_conn_options o = { .params = params };
    elpq_conn *conn;

    conn = connect_now("application_name=from_conninfo", &o);
    expect_text(ask(conn, elpq_sql("show application_name")), "from params");
    expect_text(ask(conn, elpq_sql("show work_mem")), "3MB");
    close_conn(conn);
}
END_TEST

START_TEST(a_service_file)
{
    char text[1000];
    const char *path;
    elpq_conn *conn;

    snprintf(text, sizeof(text), "[elpq]\nhost=%s\nport=%s\n"
                                 "application_name=from_service\n",
             server_host(), server_port());
    path = temporary_file(text);
    setenv("PGSERVICEFILE", path, 1);
    conn = connect_now("service=elpq", NULL);
    expect_text(ask(conn, elpq_sql("show application_name")), "from_service");
    close_conn(conn);
    expect_message(start_connect("service=missing", NULL), "missing");
    unsetenv("PGSERVICEFILE");
    unlink(path);
}
END_TEST

START_TEST(text_is_always_utf8)
{
    static const char text[] = "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x98";
    elpq_conn *conn;

    setenv("PGCLIENTENCODING", "LATIN1", 1);
    conn = connect_now("client_encoding=SQL_ASCII", NULL);
    unsetenv("PGCLIENTENCODING");
    ck_assert_str_eq(elpq_conn_parameter(conn, "client_encoding"), "UTF8");
    expect_text(ask(conn, elpq_sql("select $1::text", text)), text);
    expect_int(ask(conn, elpq_sql("select length($1)", text)), 6);
    close_conn(conn);
}
END_TEST

/* Not even a SET makes text anything but UTF-8: an error will do, bytes of
 * another encoding will not. */
START_TEST(text_stays_utf8)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a, *b;

    await(ask(conn, elpq_sql("set client_encoding = 'LATIN1'")));
    if (elpq_conn_is_open(conn)) {
        a = await(ask(conn, elpq_sql("select chr(233)")));
        if (a->code == 0)
            expect_text(a, "\xc3\xa9");
    }
    if (elpq_conn_is_open(conn)) {
        b = await(ask(conn, elpq_sql("select length($1)", "\xc3\xa9")));
        if (b->code == 0)
            expect_int(b, 1);
    }
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------- hosts */

static const char *two_hosts(const char *more)
{
    static char conninfo[600];

    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1,%s port=%d,%s dbname=%s %s",
             server_host(), dead_port(), server_port(),
             env_or("PGDATABASE", "postgres"), more);
    return conninfo;
}

START_TEST(the_first_of_two_hosts_is_dead)
{
    expect_connects(two_hosts(""));
    expect_connects(two_hosts("target_session_attrs=read-write"));
    expect_connects(two_hosts("target_session_attrs=primary"));
}
END_TEST

START_TEST(no_host_has_the_wanted_role)
{
    struct answer *a =
        start_connect(two_hosts("target_session_attrs=standby"), NULL);

    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
    expect_message(a, "standby");
}
END_TEST

/* ------------------------------------------------------------------ errors */

static void expect_senseless(const char *conninfo, const char *part)
{
    struct answer *a = answer_new();
    elpq_error *error = NULL;
    elpq_conn *conn;

    a->wanted = 0;
    RUN(conn = elpq_connect(loop, conninfo, NULL, on_conn, a, &error));
    ck_assert_ptr_null(conn);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    ck_assert_msg(strstr(error->message, part), "says '%s'", error->message);
    elpq_error_free(error);
    RUN(conn = elpq_connect(loop, conninfo, NULL, on_conn, a, NULL));
    ck_assert_ptr_null(conn);
}

START_TEST(broken_conninfo_is_refused_at_once)
{
    elpq_error *error = NULL;
    elpq_conn *conn;

    expect_senseless("no_such_keyword=1", "no_such_keyword");
    expect_senseless("host", "=");
    expect_senseless("dbname='open", "quot");
    RUN(conn = elpq_connect(loop, NULL, NULL, NULL, NULL, &error));
    ck_assert_ptr_null(conn);
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    elpq_error_free(error);
}
END_TEST

/* What libpq only finds when it connects. */
START_TEST(senseless_parameters_are_named)
{
    static const char *const senseless[][2] = {
        { "port=port", "port" },
        { "sslmode=perhaps", "sslmode" },
        { "target_session_attrs=master", "target_session_attrs" },
        { "host=a,b port=1,2,3", "3 port" },
    };
    unsigned i;

    for (i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++) {
        struct answer *a = await(start_connect(senseless[i][0], NULL));

        ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
        ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
        expect_message(a, senseless[i][1]);
    }
}
END_TEST

START_TEST(a_host_that_does_not_exist)
{
    struct answer *a = start_connect("host=no-such-host.invalid", NULL);

    expect_error(a, ELPQ_E_CONNECT, "", RETRY);
    expect_message(a, "no-such-host.invalid");
}
END_TEST

START_TEST(a_port_that_refuses)
{
    char conninfo[100], port[10];
    struct answer *a;

    snprintf(port, sizeof(port), "%d", dead_port());
    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%s", port);
    a = start_connect(conninfo, NULL);
    expect_error(a, ELPQ_E_CONNECT, "", RETRY);
    expect_message(a, port);
}
END_TEST

START_TEST(a_database_that_does_not_exist)
{
    struct answer *a = start_connect("dbname=elpq_missing", NULL);

    expect_error(a, ELPQ_E_CONNECT, "3D000", ELPQ_NOT_EXECUTED);
    expect_message(a, "elpq_missing");
}
END_TEST

START_TEST(too_many_connections_may_be_tried_again)
{
    struct answer *a;

    admin_do("set client_min_messages = error");
    admin_do("drop role if exists elpq_crowd");
    admin_do("create role elpq_crowd login connection limit 0");
    a = start_connect(tcp("user=elpq_crowd"), NULL);
    expect_error(a, ELPQ_E_CONNECT, "53300", RETRY);
    admin_do("drop role elpq_crowd");
}
END_TEST

static int use_up_descriptors(int *fds, int most)
{
    int n = 0;

    while (n < most && (fds[n] = dup(0)) >= 0)
        n++;
    return n;
}

/* An error, and not a crash; and it works when there are some again. */
START_TEST(no_descriptors_left)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct rlimit before, tight = { 64, 64 };
    struct answer *a = answer_new();
    elpq_error *error = NULL;
    elpq_conn *more;
    int fds[64], n;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
    n = use_up_descriptors(fds, 64);
    RUN(more = elpq_connect(loop, NULL, NULL, on_conn, a, &error));
    a->wanted = more ? 1 : 0;
    if (more)
        ck_assert_int_eq(await(a)->code, ELPQ_E_CONNECT);
    else
        ck_assert_ptr_nonnull(error);
    elpq_error_free(error);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    while (n > 0)
        close(fds[--n]);
    close_conn(connect_now(NULL, NULL));
    setrlimit(RLIMIT_NOFILE, &before);
    close_conn(conn);
}
END_TEST

/* ----------------------------------------------------------------- notices */

static int stderr_saved, stderr_file;

static void capture_stderr(void)
{
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    stderr_file = dup(fileno(file));
    fclose(file);
    fflush(stderr);
    stderr_saved = dup(2);
    dup2(stderr_file, 2);
}

static long captured_stderr(void)
{
    struct stat st;

    fflush(stderr);
    dup2(stderr_saved, 2);
    close(stderr_saved);
    ck_assert_int_eq(fstat(stderr_file, &st), 0);
    close(stderr_file);
    return (long)st.st_size;
}

#define NOTICE                                                                \
    "do $$ begin raise notice 'hello %', 1; raise warning 'w'; end $$"

START_TEST(notices_go_to_the_hook_and_nowhere_else)
{
    elpq_conn_options o = traced();
    elpq_conn *with, *without;

    capture_stderr();
    with = connect_now(NULL, &o);
    without = connect_now(NULL, NULL);
    expect_ok(ask(with, elpq_sql(NOTICE)));
    expect_ok(ask(without, elpq_sql(NOTICE)));
    expect_ok(script(without, NOTICE "; " NOTICE, NULL));
    close_conn(with);
    close_conn(without);
    await(start_connect("host=127.0.0.1 port=1", NULL));
    await(start_connect("host=no-such-host.invalid", NULL));
    ck_assert_int_eq(captured_stderr(), 0);
    ck_assert_int_eq(notice_count, 2);
    ck_assert_str_eq(notice_last, "w");
}
END_TEST

/* The server warns before the connection is ours. */
START_TEST(notices_of_the_login)
{
    elpq_conn_options o = traced();
    long written;

    admin_do("set client_min_messages = error");
    admin_do("drop role if exists elpq_warned");
    admin_do("create role elpq_warned login");
    admin_do("alter role elpq_warned set default_tablespace = 'elpq_none'");
    capture_stderr();
    close_conn(connect_now(tcp("user=elpq_warned"), NULL));
    close_conn(connect_now(tcp("user=elpq_warned"), &o));
    written = captured_stderr();
    admin_do("drop role elpq_warned");
    ck_assert_int_eq(written, 0);
    ck_assert_int_eq(notice_count, 1);
    ck_assert_ptr_nonnull(strstr(notice_last, "default_tablespace"));
}
END_TEST

static elpq_error *kept_notice;

static void keep_notice(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    on_notice(conn, notice, arg);
    elpq_error_free(kept_notice);
    kept_notice = elpq_error_dup(notice);
}

START_TEST(a_notice_has_all_its_fields)
{
    elpq_conn_options o = { .notice = keep_notice };
    elpq_conn *conn = connect_now(NULL, &o);

    expect_ok(ask(conn, elpq_sql(
        "do $$ begin raise warning 'careful' using detail = 'the detail',"
        " hint = 'the hint', errcode = '01234', table = 't'; end $$")));
    ck_assert_ptr_nonnull(kept_notice);
    ck_assert_str_eq(kept_notice->severity, "WARNING");
    ck_assert_str_eq(kept_notice->message, "careful");
    ck_assert_str_eq(kept_notice->sqlstate, "01234");
    ck_assert_str_eq(kept_notice->detail, "the detail");
    ck_assert_str_eq(kept_notice->hint, "the hint");
    ck_assert_str_eq(kept_notice->table, "t");
    ck_assert_ptr_nonnull(strstr(kept_notice->context, "PL/pgSQL"));
    elpq_error_free(kept_notice);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "forms", 0);

    tcase_add_test(t, nothing_but_the_environment);
    tcase_add_test(t, keywords_and_uri);
    tcase_add_test(t, a_unix_socket);
    tcase_add_test(t, parameters_win_over_conninfo);
    tcase_add_test(t, a_service_file);
    tcase_add_test(t, text_is_always_utf8);
    tcase_add_test(t, text_stays_utf8);
    t = harness_case(s, "hosts", 0);
    tcase_add_test(t, the_first_of_two_hosts_is_dead);
    tcase_add_test(t, no_host_has_the_wanted_role);
    t = harness_case(s, "errors", 0);
    tcase_add_test(t, broken_conninfo_is_refused_at_once);
    tcase_add_test(t, senseless_parameters_are_named);
    tcase_add_test(t, a_host_that_does_not_exist);
    tcase_add_test(t, a_port_that_refuses);
    tcase_add_test(t, a_database_that_does_not_exist);
    tcase_add_test(t, too_many_connections_may_be_tried_again);
    tcase_add_test(t, no_descriptors_left);
    t = harness_case(s, "notices", 0);
    tcase_add_test(t, notices_go_to_the_hook_and_nowhere_else);
    if (harness_own_server())
        tcase_add_test(t, notices_of_the_login);
    tcase_add_test(t, a_notice_has_all_its_fields);
}

int main(void)
{
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    return harness_main("connect", build);
}

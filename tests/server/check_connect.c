/* SPDX-License-Identifier: PostgreSQL */
/*
 * Connecting: all forms of conninfo, several hosts, TLS and passwords, and a
 * clear error for each way in which it can fail.  Passwords appear nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/harness.h"

#define RETRY (ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE)

static const char *env_or(const char *name, const char *other)
{
    const char *value = harness_env(name);

    return value ? value : other;
}

/* The server over TCP, as keywords, with more of them. */
static const char *tcp(const char *more)
{
    static char conninfo[2][1000];
    static int next;
    char *s = conninfo[next++ % 2];

    snprintf(s, sizeof(conninfo[0]), "host=%s port=%s dbname=%s %s",
             env_or("ELPQ_TEST_HOST", env_or("PGHOST", "localhost")),
             env_or("ELPQ_TEST_PORT", env_or("PGPORT", "5432")),
             env_or("PGDATABASE", "postgres"), more);
    return s;
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
    snprintf(uri, sizeof(uri), "postgresql://%s:%s/%s?connect_timeout=5",
             env_or("ELPQ_TEST_HOST", "localhost"),
             env_or("ELPQ_TEST_PORT", "5432"),
             env_or("PGDATABASE", "postgres"));
    expect_connects(uri);
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

static const char *temporary_file(const char *text)
{
    static char path[200];
    int fd;

    snprintf(path, sizeof(path), "%s/elpq-test-XXXXXX",
             env_or("TMPDIR", "/tmp"));
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    return path;
}

START_TEST(a_service_file)
{
    char text[1000];
    const char *path;
    elpq_conn *conn;

    snprintf(text, sizeof(text), "[elpq]\nhost=%s\nport=%s\n"
                                 "application_name=from_service\n",
             env_or("ELPQ_TEST_HOST", "localhost"),
             env_or("ELPQ_TEST_PORT", "5432"));
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

/* ------------------------------------------------------------------- hosts */

static const char *two_hosts(const char *more)
{
    static char conninfo[600];

    snprintf(conninfo, sizeof(conninfo),
             "host=127.0.0.1,%s port=%d,%s dbname=%s %s",
             env_or("ELPQ_TEST_HOST", "localhost"), dead_port(),
             env_or("ELPQ_TEST_PORT", "5432"),
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

/* --------------------------------------------------------------- passwords */

/* All special characters of both forms of conninfo. */
#define SECRET "S3cr'et\\ @:/?&=#%\"pass"
#define SECRET_KEYWORD "'S3cr\\'et\\\\ @:/?&=#%\"pass'"
#define SECRET_URI "S3cr%27et%5C%20%40%3A%2F%3F%26%3D%23%25%22pass"

static bool tells_secret(const char *text)
{
    return strstr(text, "S3cr") || strstr(text, "pass'") ||
           strstr(text, "%22pass");
}

static void expect_secret(const struct answer *a)
{
    const elpq_error *e = a->error;
    int i;

    if (e) {
        ck_assert_msg(!tells_secret(e->message), "'%s'", e->message);
        ck_assert(!e->detail || !tells_secret(e->detail));
        ck_assert(!e->hint || !tells_secret(e->hint));
    }
    for (i = 0; i < seen_count; i++) {
        ck_assert_msg(!tells_secret(seen[i].message), "'%s'",
                      seen[i].message);
        ck_assert(!tells_secret(seen[i].sql));
    }
}

static const char *as_uri(const char *password)
{
    static char uri[600];

    snprintf(uri, sizeof(uri), "postgresql://%s:%s@%s:%s/%s",
             harness_env("ELPQ_TEST_SCRAM_USER"), password,
             harness_env("ELPQ_TEST_HOST"), harness_env("ELPQ_TEST_PORT"),
             harness_env("PGDATABASE"));
    return uri;
}

/* NULL: none is given. */
static const char *as_keywords(const char *password)
{
    char more[300];

    snprintf(more, sizeof(more), "user=%s %s%s",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             password ? "password=" : "", password ? password : "");
    return tcp(more);
}

START_TEST(a_password)
{
    elpq_conn_options o = traced();
    char wrong[600];
    elpq_conn *conn;
    struct answer *a;

    snprintf(wrong, sizeof(wrong), "%s",
             as_keywords("'S3cr wrong'"));
    expect_connects(as_keywords(harness_env("ELPQ_TEST_SCRAM_PASSWORD")));
    a = start_connect(wrong, &o);
    expect_error(a, ELPQ_E_CONNECT, "28P01", ELPQ_NOT_EXECUTED);
    expect_secret(a);
    expect_message(a, harness_env("ELPQ_TEST_SCRAM_USER"));
    setenv("PGPASSWORD", harness_env("ELPQ_TEST_SCRAM_PASSWORD"), 1);
    conn = connect_now(as_keywords(NULL), &o);
    unsetenv("PGPASSWORD");
    close_conn(conn);
    ck_assert_int_eq(events_of(ELPQ_EVENT_CONNECT_FAILED), 1);
    ck_assert_int_eq(events_of(ELPQ_EVENT_CONNECTED), 1);
}
END_TEST

START_TEST(a_password_file)
{
    char text[400];
    const char *path;

    snprintf(text, sizeof(text), "*:*:*:%s:%s\n",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    path = temporary_file(text);
    setenv("PGPASSFILE", path, 1);
    expect_connects(as_keywords(NULL));
    unsetenv("PGPASSFILE");
    unlink(path);
}
END_TEST

START_TEST(a_missing_password)
{
    const char *path = temporary_file("");
    struct answer *a;

    setenv("PGPASSFILE", path, 1);
    a = start_connect(as_keywords(NULL), NULL);
    await(a);
    unsetenv("PGPASSFILE");
    unlink(path);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    expect_message(a, "password");
}
END_TEST

START_TEST(special_characters_in_a_password)
{
    elpq_conn_options o = traced();
    PGconn *c = admin();
    char *quoted = PQescapeLiteral(c, SECRET, strlen(SECRET));
    struct answer *a, *b;

    admin_do("alter role %s password %s", harness_env("ELPQ_TEST_SCRAM_USER"),
             quoted);
    PQfreemem(quoted);
    a = await(start_connect(as_uri(SECRET_URI), &o));
    b = await(start_connect(as_keywords(SECRET_KEYWORD), &o));
    admin_do("alter role %s password '%s'",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    expect_ok(a);
    expect_ok(b);
    expect_ok(ask(a->conn, elpq_sql("select 1")));
    expect_secret(a);
    close_conn(a->conn);
    close_conn(b->conn);
    a = await(start_connect(as_uri(SECRET_URI), &o));
    ck_assert_str_eq(a->sqlstate, "28P01");
    expect_secret(a);
}
END_TEST

/* libpq quotes the whole URI in some of its messages. */
START_TEST(a_broken_conninfo_does_not_tell_its_password)
{
    static const char *const broken[] = {
        "postgresql://user:S3cr%22pass@[::1",
        "postgresql://user:S3cr%22pass@[::1]x/db",
        "postgresql://user:S3cr%22pass@host:1/db?no_such=1",
        "postgresql://user:S3cr%22pass%@host/db",
        "postgresql://user:S3cr%22pass@host/db?a=b=c",
        "postgresql://host/db?password=S3cr%22pass&user",
        "user=u password=S3cr%22pass no_such=1",
        "user=u password='S3cr pass",
        "user=u password=S3cr pass'word",
    };
    unsigned i;

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        elpq_error *error = NULL;
        elpq_pool *pool;

        RUN(pool = elpq_pool_new(loop, broken[i], NULL, &error));
        ck_assert_msg(!pool, "%s", broken[i]);
        ck_assert_int_eq(error->code, ELPQ_E_USAGE);
        ck_assert_msg(!tells_secret(error->message), "'%s'", error->message);
        elpq_error_free(error);
    }
}
END_TEST

/* --------------------------------------------------------------------- TLS */

static const char *tls(const char *mode, const char *ca)
{
    char more[400];

    snprintf(more, sizeof(more), "user=%s sslmode=%s sslrootcert='%s'",
             harness_env("ELPQ_TEST_TLS_USER"), mode, ca);
    return tcp(more);
}

START_TEST(tls_is_verified)
{
    static const char *const modes[] = { "require", "verify-ca",
                                         "verify-full" };
    int i;

    for (i = 0; i < 3; i++) {
        elpq_conn *conn =
            connect_now(tls(modes[i], harness_env("ELPQ_TEST_CA")), NULL);

        ck_assert(elpq_conn_tls(conn));
        expect_int(ask(conn, elpq_sql("select 1")), 1);
        close_conn(conn);
    }
}
END_TEST

START_TEST(the_wrong_ca)
{
    struct answer *a = start_connect(
        tls("verify-full", harness_env("ELPQ_TEST_OTHER_CA")), NULL);

    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    ck_assert_uint_ne(a->flags & ELPQ_NOT_EXECUTED, 0);
    expect_message(a, "certificate");
}
END_TEST

START_TEST(a_missing_ca_file)
{
    struct answer *a =
        start_connect(tls("verify-full", "/no/such/ca.crt"), NULL);

    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    expect_message(a, "/no/such/ca.crt");
}
END_TEST

START_TEST(the_name_must_be_the_servers)
{
    char more[300];
    struct answer *a;

    snprintf(more, sizeof(more),
             "host=wrong.example hostaddr=%s sslmode=verify-full"
             " user=%s sslrootcert='%s'",
             harness_env("ELPQ_TEST_HOST"), harness_env("ELPQ_TEST_TLS_USER"),
             harness_env("ELPQ_TEST_CA"));
    a = start_connect(tcp(more), NULL);
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    expect_message(a, "wrong.example");
}
END_TEST

START_TEST(a_server_that_demands_tls)
{
    struct answer *a =
        start_connect(tls("disable", harness_env("ELPQ_TEST_CA")), NULL);

    expect_error(a, ELPQ_E_CONNECT, "28000", ELPQ_NOT_EXECUTED);
}
END_TEST

/* Many rows over TLS: decrypted bytes that no socket event announces. */
START_TEST(much_data_over_tls)
{
    elpq_conn *conn = connect_now(tls("verify-full",
                                      harness_env("ELPQ_TEST_CA")), NULL);
    struct answer *a[20];
    int i;

    for (i = 0; i < 20; i++)
        a[i] = ask(conn, elpq_sql("select repeat('x', $1)", 16300 + i * 8));
    for (i = 0; i < 20; i++)
        ck_assert_uint_eq(strlen(answer_text(a[i])), 16300u + (unsigned)i * 8);
    a[0] = expect_ok(ask(conn, elpq_sql("select g, repeat('y', 500) from"
                                        " generate_series(1, 20000) g")));
    ck_assert_uint_eq(elpq_rows(a[0]->result), 20000);
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

static void build_forms(Suite *s)
{
    TCase *t = harness_case(s, "forms", 0);

    tcase_add_test(t, nothing_but_the_environment);
    tcase_add_test(t, keywords_and_uri);
    tcase_add_test(t, a_unix_socket);
    tcase_add_test(t, parameters_win_over_conninfo);
    tcase_add_test(t, a_service_file);
    tcase_add_test(t, text_is_always_utf8);
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
    tcase_add_test(t, a_broken_conninfo_does_not_tell_its_password);
    t = harness_case(s, "notices", 0);
    tcase_add_test(t, notices_go_to_the_hook_and_nowhere_else);
    tcase_add_test(t, a_notice_has_all_its_fields);
}

/* These need the roles and certificates that with-postgres makes. */
static void build(Suite *s)
{
    TCase *t;

    build_forms(s);
    if (harness_env("ELPQ_TEST_SCRAM_USER")) {
        t = harness_case(s, "passwords", 0);
        tcase_add_test(t, a_password);
        tcase_add_test(t, a_password_file);
        tcase_add_test(t, a_missing_password);
        tcase_add_test(t, special_characters_in_a_password);
    } else {
        printf("no ELPQ_TEST_SCRAM_USER: passwords are not tested\n");
    }
    if (harness_env("ELPQ_TEST_CA")) {
        t = harness_case(s, "tls", 0);
        tcase_add_test(t, tls_is_verified);
        tcase_add_test(t, the_wrong_ca);
        tcase_add_test(t, a_missing_ca_file);
        tcase_add_test(t, the_name_must_be_the_servers);
        tcase_add_test(t, a_server_that_demands_tls);
        tcase_add_test(t, much_data_over_tls);
    } else {
        printf("no ELPQ_TEST_CA: TLS is not tested\n");
    }
}

int main(void)
{
    return harness_main("connect", build);
}

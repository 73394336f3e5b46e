/* SPDX-License-Identifier: PostgreSQL */
/*
 * Passwords, which appear nowhere, and TLS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"
#include "../support/harness_internal.h"

static void expect_connects(const char *conninfo)
{
    elpq_conn *conn = connect_now(conninfo, NULL);

    expect_int(ask(conn, elpq_sql("select pg_backend_pid()")),
               elpq_conn_pid(conn));
    close_conn(conn);
}

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

/* Also after a test that failed: others have the same role. */
static void restore_password(void)
{
    if (!harness_env("ELPQ_TEST_SCRAM_USER"))
        return;
    admin_do("alter role %s password '%s'",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    harness_close_admin();
}

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

/* These need the roles and certificates that with-postgres makes. */
static void build(Suite *s)
{
    TCase *t;

    t = harness_case(s, "secrets", 0);
    tcase_add_test(t, a_broken_conninfo_does_not_tell_its_password);
    if (harness_env("ELPQ_TEST_SCRAM_USER")) {
        t = harness_case(s, "passwords", 0);
        tcase_add_test(t, a_password);
        tcase_add_test(t, a_password_file);
        tcase_add_test(t, a_missing_password);
        tcase_add_test(t, special_characters_in_a_password);
        tcase_add_unchecked_fixture(t, NULL, restore_password);
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
    return harness_main("auth", build);
}

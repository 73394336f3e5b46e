/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a connection tells: notices from a level on, parameters that change,
 * descriptions without secrets; and the change of a password.
 */
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

START_TEST(notices_from_a_level_on)
{
    elpq_conn_options o = { .notice = on_notice, .notice_level = ELPQ_WARNING };
    elpq_conn *conn = connect_now(NULL, &o);

    expect_ok(ask(conn, elpq_sql("do $$ begin raise notice 'n'; end $$")));
    ck_assert_int_eq(notice_count, 0);
    expect_ok(ask(conn, elpq_sql("do $$ begin raise warning 'w'; end $$")));
    ck_assert_int_eq(notice_count, 1);
    ck_assert_str_eq(notice_last, "w");
    close_conn(conn);
}
END_TEST

static elpq_severity severity;

static void keep_severity(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    (void)conn;
    (void)arg;
    severity = elpq_error_severity(notice);
}

START_TEST(severities)
{
    static const struct {
        const char *level;
        elpq_severity severity;
    } all[] = { { "debug", ELPQ_DEBUG },
                { "log", ELPQ_LOG },
                { "info", ELPQ_INFO },
                { "notice", ELPQ_NOTICE },
                { "warning", ELPQ_WARNING } };
    elpq_conn_options o = { .notice = keep_severity };
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a;

    expect_ok(ask(conn, elpq_sql("set client_min_messages = debug1")));
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        severity = ELPQ_SEVERITY_UNKNOWN;
        expect_ok(ask(conn, sql_format("do $$ begin raise %s 'x'; end $$",
                                       all[i].level)));
        ck_assert_int_eq(severity, all[i].severity);
    }
    a = await(ask(conn, elpq_sql("select 1/0")));
    ck_assert_int_eq(elpq_error_severity(a->error), ELPQ_ERROR);
    ck_assert_int_eq(elpq_error_severity(NULL), ELPQ_SEVERITY_UNKNOWN);
    close_conn(conn);
}
END_TEST

static struct {
    int changes;
    char name[64];
    char value[64];
    bool closes;
} parameter;

static void on_parameter(elpq_conn *conn, const char *name, const char *value,
                         void *arg)
{
    ck_assert_ptr_eq(arg, &parameter);
    ck_assert_int_eq(harness_depth, 0);
    ck_assert_str_eq(elpq_conn_parameter(conn, name), value);
    parameter.changes++;
    strcpy(parameter.name, name);
    strcpy(parameter.value, value);
    if (parameter.closes)
        close_conn(conn);
}

START_TEST(parameters_that_change)
{
    elpq_conn_options o = { .parameter = on_parameter,
                            .parameter_arg = &parameter };
    elpq_conn *conn;

    memset(&parameter, 0, sizeof(parameter));
    conn = connect_now(NULL, &o);
    expect_ok(ask(conn, elpq_sql("select 1")));
    ck_assert_int_eq(parameter.changes, 0);
    expect_ok(ask(conn, elpq_sql("set timezone = 'Asia/Tokyo'")));
    run_until(&parameter.changes, 1);
    ck_assert_str_eq(parameter.name, "TimeZone");
    ck_assert_str_eq(parameter.value, "Asia/Tokyo");
    expect_ok(ask(conn, elpq_sql("set timezone = 'Asia/Tokyo'")));
    run_turns(3);
    ck_assert_int_eq(parameter.changes, 1);
    parameter.closes = true;
    await(ask(conn, elpq_sql("set application_name = 'other'")));
    run_until(&parameter.changes, 2);
    ck_assert_str_eq(parameter.name, "application_name");
}
END_TEST

START_TEST(secrets_are_left_out)
{
    static const struct {
        const char *in;
        const char *out;
    } all[] = {
        { "", "" },
        { "host=db user=me password=pw", "user=me host=db password=***" },
        { "postgresql://me:p%40w@db:5433/app?sslpassword=hush&connect_timeout"
          "=3",
          "connect_timeout=3 user=me dbname=app host=db port=5433 "
          "password=*** sslpassword=***" },
        { "dbname='it''s'", NULL },
        { "dbname='a \\'b\\\\'", "dbname='a \\'b\\\\'" },
        { "nonsense", NULL },
    };
    char out[200], words[200];

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int n = elpq_conninfo_redact(all[i].in, out, sizeof(out));

        if (!all[i].out) {
            ck_assert_int_eq(n, ELPQ_E_USAGE);
            ck_assert_str_eq(out, "");
            continue;
        }
        ck_assert_int_eq(n, (int)strlen(out));
        ck_assert_ptr_null(strstr(out, "hush"));
        ck_assert_ptr_null(strstr(out, "pw"));
        /* Their order is that of libpq's options. */
        ck_assert_int_eq(strlen(out), strlen(all[i].out));
        snprintf(words, sizeof(words), "%s", all[i].out);
        for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
            ck_assert_msg(strstr(out, w), "no %s in %s", w, out);
    }
    ck_assert_int_eq(elpq_conninfo_redact("host=db", out, 4), 7);
    ck_assert_str_eq(out, "hos");
    ck_assert_int_eq(elpq_conninfo_redact(NULL, NULL, 0), 0);
}
END_TEST

START_TEST(what_a_connection_is)
{
    elpq_conn *conn = connect_now(tcp("password=hush"), NULL);
    char out[400];
    char pid[40];
    int n = elpq_conn_describe(conn, out, sizeof(out));

    ck_assert_int_eq(n, (int)strlen(out));
    snprintf(pid, sizeof(pid), "pid=%d ", elpq_conn_pid(conn));
    ck_assert_ptr_nonnull(strstr(out, pid));
    ck_assert_ptr_nonnull(strstr(out, "state=READY"));
    ck_assert_ptr_nonnull(strstr(out, "tls="));
    ck_assert_ptr_null(strstr(out, "hush"));
    terminate(elpq_conn_pid(conn));
    while (elpq_conn_is_open(conn))
        run_turns(1);
    ck_assert_int_eq(elpq_conn_describe(conn, out, sizeof(out)), 12);
    ck_assert_str_eq(out, "state=CLOSED");
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------------------- password */

static void no_secret(const elpq_event *event)
{
    if (event->sql) {
        ck_assert_ptr_null(strstr(event->sql, "SCRAM"));
        ck_assert_ptr_null(strstr(event->sql, "new secret"));
    }
}

START_TEST(a_password_is_changed)
{
    const char *old = harness_env("ELPQ_TEST_SCRAM_PASSWORD");
    const char *user = harness_env("ELPQ_TEST_SCRAM_USER");
    elpq_conn_options o = traced();
    struct answer *done, *refused;
    elpq_conn *conn;
    char info[300];

    if (!old || !user)
        return;
    trace_then = no_secret;
    snprintf(info, sizeof(info), "user=%s password='%s'", user, old);
    conn = connect_now(tcp(info), &o);
    done = answer_new();
    ck_assert_int_eq(
        CALL(elpq_conn_change_password(conn, _i ? user : NULL, "new secret",
                                       NULL, on_done, done)),
        0);
    expect_ok(done);
    ck_assert_ptr_nonnull(strstr(seen[seen_count - 2].sql, "PASSWORD ..."));
    ck_assert_int_eq(admin_int("select count(*) from pg_authid where rolname ="
                               " '%s' and rolpassword like"
                               " 'SCRAM-SHA-256$4096:%%'",
                               user),
                     1);
    close_conn(conn);
    refused = start_connect(tcp(info), NULL);
    expect_error(refused, ELPQ_E_CONNECT, "28P01", ELPQ_NOT_EXECUTED);
    snprintf(info, sizeof(info), "user=%s password='new secret'", user);
    conn = connect_now(tcp(info), &o);
    done = answer_new();
    ck_assert_int_eq(
        CALL(elpq_conn_change_password(conn, user, old, NULL, on_done, done)),
        0);
    expect_ok(done);
    close_conn(conn);
}
END_TEST

START_TEST(a_password_that_is_not)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *none = answer_new(), *closed = answer_new();

    ck_assert_int_eq(
        CALL(elpq_conn_change_password(conn, NULL, "", NULL, on_done, NULL)),
        ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_conn_change_password(conn, "no \"such\" user",
                                                    "x", NULL, on_done, none)),
                     0);
    expect_error(none, ELPQ_E_SERVER, "42704", 0);
    ck_assert_int_eq(
        CALL(elpq_conn_change_password(conn, NULL, "x", NULL, on_done, closed)),
        0);
    close_conn(conn);
    expect_error(closed, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
}
END_TEST

static void two_roles(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop role if exists elpq_pw_member, elpq_pw_group");
    admin_do("create role elpq_pw_group superuser");
    admin_do("create role elpq_pw_member login in role elpq_pw_group");
}

static long has_password(const char *role)
{
    return admin_int("select count(*) from pg_authid where rolname = '%s' and"
                     " rolpassword is not null", role);
}

START_TEST(the_password_of_the_session_s_user)
{
    struct answer *a = answer_new();
    elpq_conn *conn;

    two_roles();
    conn = connect_now("user=elpq_pw_member", NULL);
    expect_ok(ask(conn, elpq_sql("set role elpq_pw_group")));
    ck_assert_int_eq(
        CALL(elpq_conn_change_password(conn, NULL, "x", NULL, on_done, a)), 0);
    expect_ok(a);
    ck_assert_int_eq(has_password("elpq_pw_member"), 1);
    ck_assert_int_eq(has_password("elpq_pw_group"), 0);
    close_conn(conn);
    admin_do("drop role elpq_pw_member, elpq_pw_group");
}
END_TEST

/* It was given back while the thread was at it. */
START_TEST(not_in_the_lease_of_another)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *a = answer_new();

    two_roles();
    ck_assert_int_eq(CALL(elpq_conn_change_password(
                         conn, "elpq_pw_group", "x", NULL, on_done, a)),
                     0);
    release(conn);
    conn = lease(pool);
    expect_error(a, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert_int_eq(has_password("elpq_pw_group"), 0);
    release(conn);
    finish_pool(pool);
    admin_do("drop role elpq_pw_member, elpq_pw_group");
}
END_TEST

/* The deadline is over when the loop comes to look, whoever is first. */
START_TEST(too_late_to_send_a_password)
{
    elpq_options o = { .timeout_ms = 1 };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = answer_new();
    int64_t from = now_usec();

    ck_assert_int_eq(CALL(elpq_conn_change_password(conn, "no such user", "x",
                                                    &o, on_done, a)),
                     0);
    while (now_usec() < from + 2000)
        ;
    expect_error(a, ELPQ_E_TIMEOUT, "", ELPQ_NOT_EXECUTED);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "notices", 0);

    tcase_add_test(t, notices_from_a_level_on);
    tcase_add_test(t, severities);
    t = harness_case(s, "parameters", 0);
    tcase_add_test(t, parameters_that_change);
    t = harness_case(s, "descriptions", 0);
    tcase_add_test(t, secrets_are_left_out);
    tcase_add_test(t, what_a_connection_is);
    t = harness_case(s, "password", 0);
    tcase_add_loop_test(t, a_password_is_changed, 0, 2);
    tcase_add_test(t, a_password_that_is_not);
    tcase_add_test(t, the_password_of_the_session_s_user);
    tcase_add_test(t, not_in_the_lease_of_another);
    tcase_add_test(t, too_late_to_send_a_password);
}

int main(void)
{
    return harness_main("session_info", build);
}

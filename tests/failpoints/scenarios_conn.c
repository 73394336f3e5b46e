/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scenarios of one connection: connecting, statements, pipelines, cancel,
 * deadlines, scripts, and what is asked of the session.
 */
#include <poll.h>
#include <pthread.h>

#include "pooler.h"
#include "scene.h"

/* ---------------------------------------------------------------- connect */

static void connect_with(const char *conninfo)
{
    elpq_conn_options o = quick();
    struct question *q = question();
    elpq_conn *conn;

    elpq_failpoint_arm();
    scene_enter();
    conn = elpq_connect(base, conninfo, &o, on_opened, q, NULL);
    scene_leave();
    q->asked = conn != NULL;
    if (settle() && q->conn) {
        ask_number(conn, elpq_sql("select 1"), 1);
        DO(elpq_conn_close(conn));
    }
}

static void connects(void)
{
    connect_with(server());
}

/* The first host is not there. */
static void connects_to_the_second_host(void)
{
    char text[400];

    snprintf(text, sizeof(text), SERVER_MORE " host=127.0.0.1,%s port=1,%d",
             pooler_host(), pooler_port());
    connect_with(text);
}

/* By the server itself, for the pooler has neither TLS nor passwords. */
static void connects_with_tls(void)
{
    char more[100];

    snprintf(more, sizeof(more),
             "user=%s sslmode=verify-full gssencmode=disable",
             harness_env("ELPQ_TEST_TLS_USER"));
    connect_with(tcp(more));
}

static void connects_with_a_password(void)
{
    char more[200];

    snprintf(more, sizeof(more),
             "user=%s password=%s sslmode=disable gssencmode=disable",
             harness_env("ELPQ_TEST_SCRAM_USER"),
             harness_env("ELPQ_TEST_SCRAM_PASSWORD"));
    connect_with(tcp(more));
}

static void connect_is_given_up(void)
{
    elpq_conn_options o = quick();
    struct question *q = question();
    elpq_conn *conn;

    q->expected = ELPQ_E_CLOSED;
    elpq_failpoint_arm();
    conn = elpq_connect(base, server(), &o, on_opened, q, NULL);
    q->asked = conn != NULL;
    DO(elpq_conn_close(conn));
    settle();
}

static void connects_wrongly(void)
{
    struct question *q = question();
    elpq_error *error = NULL;
    elpq_conn *conn;

    elpq_failpoint_arm();
    conn = elpq_connect(base, "host='unfinished", NULL, on_opened, q, &error);
    q->asked = conn != NULL; /* it was not looked at, without memory */
    if (settle() && q->conn)
        wrong("a connection");
    if (error && !error->message)
        wrong("an error without words");
    elpq_error_free(error);
}

/* ------------------------------------------------------------- statements */

static void pipeline(void)
{
    elpq_conn *conn = opened();
    struct question *q;

    elpq_failpoint_arm();
    for (int i = 0; i < 4; i++) {
        q = question_of(i);
        ASK(q, elpq_conn_execute(conn, elpq_sql("select $1::int8", i), NULL,
                                 on_answer, q));
    }
    settle();
    ask_number(conn, elpq_sql("select 5"), 5);
    DO(elpq_conn_close(conn));
}

/* The same ones again and again, with room for one prepared statement. */
static void prepared(void)
{
    elpq_conn_options o = quick();
    struct question *q = question();
    elpq_conn *conn;

    o.connect_timeout_ms = 0;
    o.statement_cache = 1;
    conn = elpq_connect(base, server(), &o, on_opened, q, NULL);
    q->asked = conn != NULL;
    if (!settle() || !q->conn)
        no_scene();
    elpq_failpoint_arm();
    for (int i = 0; i < 2; i++) {
        ask_number(conn, elpq_sql("select $1::int8 + 1", i), i + 1);
        ask_number(conn, elpq_sql("select $1::int8 + 1", i), i + 1);
        ask_number(conn, elpq_sql("select $1::int8 + 2", i), i + 2);
    }
    DO(elpq_conn_close(conn));
}

static void stores(void)
{
    elpq_conn *conn = opened();
    struct question *q[3];
    int64_t id[3];

    elpq_failpoint_arm();
    for (int i = 0; i < 3; i++) {
        id[i] = row_id();
        q[i] = question();
        ASK(q[i], elpq_conn_execute(
                      conn,
                      elpq_sql("insert into elpq_sweep values ($1)", id[i]),
                      NULL, on_answer, q[i]));
        if (i > 0)
            settle();
    }
    for (int i = 0; i < 3; i++)
        told(id[i], q[i]);
    DO(elpq_conn_close(conn));
}

static void large_values(void)
{
    static char text[100001];
    int32_t list[500] = { 0 };
    elpq_conn *conn = opened();

    memset(text, 'x', sizeof(text) - 1);
    elpq_failpoint_arm();
    ask_number(conn, elpq_sql("select length($1::text)", text), 100000);
    ask_number(conn,
               elpq_sql("select cardinality($1::int[])",
                        elpq_array_int32(list, 500)),
               500);
    ask_number(conn,
               elpq_sql("select length($1::numeric::text)",
                        elpq_numeric("12345678901234567890.5")),
               22);
    DO(elpq_conn_close(conn));
}

static void the_server_refuses(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    q->expected = ELPQ_E_SERVER;
    elpq_failpoint_arm();
    ASK(q, elpq_conn_execute(conn, elpq_sql("select 1 / $1", 0), NULL,
                             on_answer, q));
    settle();
    ask_number(conn, elpq_sql("select 2"), 2);
    DO(elpq_conn_close(conn));
}

/* The result and the error are kept, and looked at later. */
static elpq_result *kept;
static elpq_error *kept_error;

static void keep(elpq_result *result, const elpq_error *error, void *arg)
{
    kept = result ? elpq_result_ref(result) : NULL;
    kept_error = error ? elpq_error_dup(error) : NULL;
    on_answer(result, error, arg);
}

static void look_at(elpq_result *r)
{
    elpq_string s;
    elpq_array_view list;
    elpq_interval_parts interval;
    char text[100];
    double x;
    int32_t n;

    if (elpq_get_string(r, 0, 1, &s) == 0 && strcmp(s.data, "12.50") != 0)
        wrong("a numeric");
    if (elpq_get_array(r, 0, 2, &list) == 0 && list.count != 3)
        wrong("an array");
    if (elpq_get_interval(r, 0, 3, &interval) == 0 && interval.days != 1)
        wrong("an interval");
    if (elpq_get_double(r, 0, 1, &x) == 0 && x != 12.5)
        wrong("a number");
    if (elpq_get_int32(r, 0, 4, &n) == 0)
        wrong("a number that was text");
    elpq_get_failure(r, 0, 4, ELPQ_E_TYPE, text, sizeof(text));
}

static void results(void)
{
    elpq_conn *conn = opened();
    struct question *q = question_of(1);

    elpq_failpoint_arm();
    ASK(q, elpq_conn_execute(
               conn,
               elpq_sql("select 1, 12.50::numeric, array[1,2,3],"
                        " interval '1 day', '{\"a\": [1]}'::jsonb,"
                        " int4range(1, 5), now(), inet '10.0.0.1'"),
               NULL, keep, q));
    settle();
    if (kept)
        look_at(kept);
    DO(elpq_conn_close(conn));
    elpq_result_unref(kept);
    elpq_error_free(kept_error);
}

/* ------------------------------------------------------- notices and such */

static int notices_come;

static void on_a_notice(elpq_conn *conn, const elpq_error *notice, void *arg)
{
    (void)conn;
    (void)arg;
    if (!notice->message)
        wrong("a notice without words");
    notices_come++;
}

static void on_a_parameter(elpq_conn *conn, const char *name,
                           const char *value, void *arg)
{
    (void)conn;
    (void)arg;
    if (!name || !value)
        wrong("a parameter without name or value");
}

static void notices_and_parameters(void)
{
    elpq_conn_options o = quick();
    struct question *q = question();
    elpq_conn *conn;

    o.connect_timeout_ms = 0;
    o.notice = on_a_notice;
    o.parameter = on_a_parameter;
    conn = elpq_connect(base, server(), &o, on_opened, q, NULL);
    q->asked = conn != NULL;
    if (!settle() || !q->conn)
        no_scene();
    elpq_failpoint_arm();
    q = question();
    ASK(q, elpq_conn_execute(conn,
                             elpq_sql("do $$begin raise notice 'x'; raise"
                                      " warning 'y'; end$$"),
                             NULL, on_answer, q));
    q = question();
    ASK(q, elpq_conn_execute(conn, elpq_sql("set timezone = 'Asia/Tokyo'"),
                             NULL, on_answer, q));
    settle();
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void session_info(void)
{
    elpq_conn *conn = opened();
    char text[200];

    elpq_failpoint_arm();
    if (elpq_conn_describe(conn, text, sizeof(text)) == 0 && !*text)
        wrong("a description");
    if (elpq_conninfo_redact("host=a password=secret dbname=b", text,
                             sizeof(text)) == 0 &&
        strstr(text, "secret"))
        wrong("a password");
    if (elpq_conn_parameter(conn, "server_version") == NULL ||
        elpq_conn_server_version(conn) < 120000)
        wrong("a version");
    DO(elpq_conn_close(conn));
}

static void passwords(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    elpq_failpoint_arm();
    ASK(q, elpq_conn_change_password(conn, "elpq_sweep", "new", NULL,
                                     on_over, q));
    settle();
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void *encrypt(void *arg)
{
    return PQencryptPasswordConn(arg, "new", "elpq_sweep", "scram-sha-256");
}

/* What the helper thread does for passwords(), by itself. */
static void passwords_of_libpq(void)
{
    PGconn *pg = PQconnectdb(server());
    pthread_t thread;
    void *secret = NULL;

    if (PQstatus(pg) != CONNECTION_OK)
        no_scene();
    elpq_failpoint_arm();
    if (pthread_create(&thread, NULL, encrypt, pg) == 0)
        pthread_join(thread, &secret);
    PQfreemem(secret);
    PQfinish(pg);
}

/* libpq asks Kerberos for credentials, unless it is told not to. */
static void gssapi_of_libpq(void)
{
    const char *conninfo = tcp("sslmode=disable gssencmode=prefer");

    elpq_failpoint_arm();
    PQfinish(PQconnectdb(conninfo));
}

/* ---------------------------------------------------- cancel and deadline */

#define SLEEP "select pg_sleep(10)"

static void cancel_on(elpq_conn *conn)
{
    struct question *q = question(), *next = question_of(2);
    elpq_options o = { .request = &q->request };

    q->expected = ELPQ_E_CANCELED;
    elpq_failpoint_arm();
    ASK(q, elpq_conn_execute(conn, elpq_sql(SLEEP), &o, on_answer, q));
    ASK(next, elpq_conn_execute(conn, elpq_sql("select 2"), NULL, on_answer,
                                next));
    for (int i = 0; i < 4 && q->calls < q->asked; i++) {
        turn();
    }
    if (q->request)
        DO(elpq_cancel(q->request));
    settle();
    ask_number(conn, elpq_sql("select 3"), 3);
    DO(elpq_conn_close(conn));
}

static void the_running_one_is_canceled(void)
{
    cancel_on(opened());
}

static const char *with_tls(void)
{
    char more[100];

    snprintf(more, sizeof(more), "user=%s sslmode=require gssencmode=disable",
             harness_env("ELPQ_TEST_TLS_USER"));
    return tcp(more);
}

static void canceled_over_tls(void)
{
    cancel_on(opened_at(with_tls()));
}

/* A statement over TLS, by libpq itself. */
static void tls_of_libpq(void)
{
    PGconn *pg = PQconnectdb(with_tls());

    if (PQstatus(pg) != CONNECTION_OK)
        no_scene();
    elpq_failpoint_arm();
    PQclear(PQexec(pg, "select 1"));
    PQfinish(pg);
}

/* Takes results until a Sync, or until nothing comes any more. */
static bool take_until_sync(PGconn *pg)
{
    struct pollfd readable = { .fd = PQsocket(pg), .events = POLLIN };
    int nulls = 0;

    while (nulls < 2) {
        PGresult *res;
        bool is_sync;

        if (PQisBusy(pg)) {
            if (poll(&readable, 1, 100) <= 0 || !PQconsumeInput(pg))
                return false;
            continue;
        }
        res = PQgetResult(pg);
        is_sync = PQresultStatus(res) == PGRES_PIPELINE_SYNC;
        nulls = res ? 0 : nulls + 1;
        PQclear(res);
        if (is_sync)
            return true;
    }
    return false;
}

/* Statements are described in pipeline mode, by libpq itself. */
static void pipeline_of_libpq(void)
{
    PGconn *pg = PQconnectdb(server());
    bool ok = PQstatus(pg) == CONNECTION_OK && PQenterPipelineMode(pg);

    if (!ok)
        no_scene();
    elpq_failpoint_arm();
    ok = PQsendPrepare(pg, "s", "select $1::int4", 0, NULL) &&
         PQpipelineSync(pg);
    for (int i = 0; i < 3 && ok; i++)
        ok = PQsendDescribePrepared(pg, "s") && PQpipelineSync(pg);
    for (int i = 0; i < 4 && ok; i++)
        ok = take_until_sync(pg);
    PQfinish(pg);
}

static void the_waiting_one_is_canceled(void)
{
    elpq_conn *conn = opened();
    struct question *first = question(), *q = question();
    elpq_options o = { .request = &q->request };

    q->expected = ELPQ_E_CANCELED;
    elpq_failpoint_arm();
    ASK(first, elpq_conn_execute(conn, elpq_sql("select pg_sleep(0.002)"),
                                 NULL, on_answer, first));
    ASK(q, elpq_conn_execute(conn, elpq_sql("select 2"), &o, on_answer, q));
    if (q->request)
        DO(elpq_cancel(q->request));
    settle();
    ask_number(conn, elpq_sql("select 3"), 3);
    DO(elpq_conn_close(conn));
}

static void times_out(elpq_options o)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    q->expected = ELPQ_E_TIMEOUT;
    elpq_failpoint_arm();
    ASK(q, elpq_conn_execute(conn, elpq_sql(SLEEP), &o, on_answer, q));
    settle();
    ask_number(conn, elpq_sql("select 3"), 3);
    DO(elpq_conn_close(conn));
}

static void a_deadline_passes(void)
{
    times_out((elpq_options){ .timeout_ms = 5 });
}

static void a_server_timeout(void)
{
    times_out((elpq_options){ .server_timeout_ms = 5 });
}

static void closed_with_statements_under_way(void)
{
    elpq_conn *conn = opened();
    struct question *q;

    elpq_failpoint_arm();
    for (int i = 0; i < 3; i++) {
        q = question();
        q->expected = ELPQ_E_CLOSED;
        ASK(q, elpq_conn_execute(conn, elpq_sql("select pg_sleep(0.1)"), NULL,
                                 on_answer, q));
        if (i == 1)
            event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    }
    DO(elpq_conn_close(conn));
    settle();
}

/* ---------------------------------------------------------------- scripts */

static void a_script(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();

    elpq_failpoint_arm();
    ASK(q, elpq_script(conn, "select 1; select 2; select 3", NULL,
                       on_each_result, on_over, q));
    settle();
    if (is_well(q) && q->seen != 3)
        wrong("so many results");
    ask_number(conn, elpq_sql("select 1"), 1);
    DO(elpq_conn_close(conn));
}

static void script_stores(void)
{
    elpq_conn *conn = opened();
    struct question *q = question();
    int64_t id = row_id();
    char sql[200];

    elpq_failpoint_arm();
    snprintf(sql, sizeof(sql), "insert into elpq_sweep values (%lld);"
             "select 1", (long long)id);
    ASK(q, elpq_conn_script_trusted(conn, sql, NULL, on_each_result, on_over,
                                    q));
    settle();
    told(id, q);
    DO(elpq_conn_close(conn));
}

const struct scenario scenarios_conn[] = {
    { .name = "connect", .run = connects },
    { .name = "second host", .run = connects_to_the_second_host },
    { .name = "connect, TLS", .run = connects_with_tls, .how = COSTLY,
      .needs = "ELPQ_TEST_TLS_USER" },
    { .name = "connect, SCRAM", .run = connects_with_a_password,
      .how = COSTLY, .needs = "ELPQ_TEST_SCRAM_USER" },
    { .name = "connect given up", .run = connect_is_given_up },
    { .name = "wrong conninfo", .run = connects_wrongly },
    { .name = "pipeline", .run = pipeline },
    { .name = "prepared", .run = prepared },
    { .name = "insert", .run = stores },
    { .name = "large values", .run = large_values, .how = COSTLY },
    { .name = "server error", .run = the_server_refuses, .states = "22012" },
    { .name = "results", .run = results },
    { .name = "notices", .run = notices_and_parameters },
    { .name = "session info", .run = session_info },
    { .name = "password", .run = passwords, .how = ALONE },
    { .name = "libpq: password", .run = passwords_of_libpq,
      .how = LIBPQ_ALONE },
    { .name = "cancel", .run = the_running_one_is_canceled, .how = COSTLY },
    { .name = "cancel, TLS", .run = canceled_over_tls, .how = COSTLY,
      .needs = "ELPQ_TEST_TLS_USER" },
    { .name = "libpq: GSSAPI", .run = gssapi_of_libpq,
      .how = LIBPQ_ALONE | COSTLY },
    { .name = "libpq: TLS", .run = tls_of_libpq,
      .how = LIBPQ_ALONE | COSTLY, .needs = "ELPQ_TEST_TLS_USER" },
    { .name = "libpq: pipeline", .run = pipeline_of_libpq,
      .how = LIBPQ_ALONE },
    { .name = "cancel waiting", .run = the_waiting_one_is_canceled },
    { .name = "deadline", .run = a_deadline_passes, .how = COSTLY },
    { .name = "server timeout", .run = a_server_timeout },
    { .name = "close", .run = closed_with_statements_under_way },
    { .name = "script", .run = a_script },
    { .name = "script stores", .run = script_stores },
    { .name = NULL }
};

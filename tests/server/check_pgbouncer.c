/* SPDX-License-Identifier: PostgreSQL */
/*
 * Behind PgBouncer, in session and in transaction mode: what works there, and
 * that what cannot is refused with words.
 *
 * The bouncer has two connections to the server, and takes six clients.  The
 * same tests run in both modes where both can do the same.
 */
#include "nodes.h"

static elpq_pooler mode;

static void session_up(void)
{
    mode = ELPQ_POOLER_NONE;
    nodes_up("pgbouncer", "session");
}

static void transaction_up(void)
{
    mode = ELPQ_POOLER_TRANSACTION;
    nodes_up("pgbouncer", "transaction");
}

static const char *bouncer(void)
{
    static char text[300];

    snprintf(text, sizeof(text), "host=%s port=6432", nodes_dir);
    return text;
}

static elpq_pool *bounced_pool(unsigned max_size)
{
    elpq_pool_options o = { .max_size = max_size, .conn.pooler = mode };

    return pool_at(bouncer(), &o);
}

static elpq_conn *bounced(void)
{
    elpq_conn_options o = { .pooler = mode };

    return connect_now(bouncer(), &o);
}

/* ---------------------------------------------------------- in both modes */

START_TEST(statements)
{
    elpq_pool *pool = bounced_pool(2);
    struct answer *a[20];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++)
            a[i] = ask(pool, elpq_sql("select $1::int4 + 1", i));
        for (int i = 0; i < 20; i++)
            expect_int(a[i], i + 1);
        expect_error(ask(pool, elpq_sql("select 1/0")), ELPQ_E_SERVER,
                     "22012", 0);
    }
    finish_pool(pool);
}
END_TEST

START_TEST(a_pipeline)
{
    elpq_conn *conn = bounced();
    struct answer *a[50];

    for (int i = 0; i < 50; i++)
        a[i] = i == 25 ? ask(conn, elpq_sql("select 1/0"))
                       : ask(conn, elpq_sql("select $1::int8", i));
    for (int i = 0; i < 50; i++)
        if (i == 25)
            expect_error(a[i], ELPQ_E_SERVER, "22012", 0);
        else
            expect_int(a[i], i);
    close_conn(conn);
}
END_TEST

START_TEST(transactions)
{
    elpq_pool *pool = bounced_pool(2);
    elpq_tx *tx = begin_now(pool);
    struct answer *inner;

    expect_ok(ask(tx, elpq_sql("create table bounced (n int)")));
    expect_ok(ask(tx, elpq_sql("insert into bounced values (1)")));
    inner = await(savepoint(tx));
    expect_error(ask(inner->tx, elpq_sql("insert into bounced values ('x')")),
                 ELPQ_E_SERVER, "22P02", 0);
    expect_ok(rollback(inner->tx));
    expect_ok(ask(tx, elpq_sql("set local work_mem = '1MB'")));
    expect_ok(commit(tx));
    expect_int(ask(pool, elpq_sql("select count(*) from bounced")), 1);
    expect_ok(ask(pool, elpq_sql("drop table bounced")));

    /* A lease that is given back in a transaction does not keep it. */
    elpq_conn *conn = lease(pool);
    expect_ok(ask(conn, elpq_sql("begin")));
    expect_ok(ask(conn, elpq_sql("create table bounced (n int)")));
    release(conn);
    expect_text(ask(pool, elpq_sql("select to_regclass('bounced')::text")),
                NULL);
    finish_pool(pool);
}
END_TEST

START_TEST(a_script)
{
    elpq_pool *pool = bounced_pool(1);
    struct answer *a = script(pool, "select 1; select 2", NULL);

    expect_ok(a);
    ck_assert_uint_eq(a->results, 2);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    finish_pool(pool);
}
END_TEST

static int64_t streamed;

static void on_streamed(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)arg;
    streamed += (int64_t)elpq_rows(rows);
    if (streamed == 10) {
        elpq_stream_pause(stream);
        elpq_stream_resume(stream);
    }
}

START_TEST(a_stream)
{
    elpq_pool *pool = bounced_pool(1);
    struct answer *a = answer_new();

    streamed = 0;
    ck_assert_int_eq(
        CALL(elpq_stream(pool, elpq_sql("select generate_series(1, 5000)"),
                         NULL, on_streamed, on_done, a)), 0);
    expect_ok(a);
    ck_assert_int_eq(streamed, 5000);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_cancel)
{
    elpq_pool *pool = bounced_pool(1);
    elpq_options hurry = { .timeout_ms = 100 };
    struct answer *a;

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    lock_server();
    a = ask(pool, elpq_sql("select 1 from (" BLOCKED ") as waited"));
    await_blocked(1);
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    a = ask_with(pool, elpq_sql("select 1 from (" BLOCKED ") as waited"),
                 &hurry);
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_TIMEOUT);
    unlock_server();
    expect_int(ask(pool, elpq_sql("select 2")), 2);
    finish_pool(pool);
}
END_TEST

/* The seventh client is turned away, and hears why. */
START_TEST(a_full_bouncer)
{
    elpq_conn *conns[6];
    struct answer *a;

    for (int i = 0; i < 6; i++)
        conns[i] = bounced();
    a = start_connect(bouncer(), NULL);
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_CONNECT);
    expect_message(a, "max_client_conn");
    for (int i = 0; i < 6; i++)
        close_conn(conns[i]);
}
END_TEST

/* Two sessions are in use: the third transaction waits in the bouncer. */
START_TEST(more_clients_than_sessions)
{
    elpq_pool *pool = bounced_pool(3);
    elpq_tx *one = begin_now(pool), *two = begin_now(pool);
    struct answer *third = begin(pool, NULL);

    expect_int(ask(one, elpq_sql("select 1")), 1);
    expect_int(ask(two, elpq_sql("select 2")), 2);
    while (stats(pool).connects < 3) /* else it would take the first one's */
        event_base_loop(loop, EVLOOP_ONCE);
    run_turns(20);
    ck_assert_int_eq(third->calls, 0);
    expect_ok(commit(one));
    if (mode == ELPQ_POOLER_TRANSACTION) {
        expect_ok(third);
        expect_ok(rollback(third->tx));
    } else {
        run_turns(20); /* that session stays with the client that has it */
        ck_assert_int_eq(third->calls, 0);
    }
    expect_ok(commit(two));
    finish_pool(pool);
    await(third);
}
END_TEST

START_TEST(a_restart)
{
    elpq_pool *pool = bounced_pool(2);
    elpq_tx *tx = begin_now(pool);
    struct answer *a;

    expect_int(ask(pool, elpq_sql("select 1")), 1);
    expect_int(ask(tx, elpq_sql("select 2")), 2);
    node("restart");
    a = commit(tx);
    await(a);
    ck_assert_int_ne(a->code, 0);
    expect_int(ask(pool, elpq_sql("select 3")), 3);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------- one mode or both */

START_TEST(sessions_are_sessions)
{
    elpq_pool *pool = bounced_pool(1);
    elpq_conn *conn = lease(pool);

    expect_ok(ask(conn, elpq_sql("set work_mem = '3MB'")));
    ck_assert_str_eq(text_of(conn, "show work_mem"), "3MB");
    expect_ok(ask(conn, elpq_sql("select pg_advisory_lock(4711)")));
    release(conn);
    ck_assert_str_ne(text_of(pool, "show work_mem"), "3MB");
    ck_assert_int_eq(admin_int("select count(*) from " LOCKS
                               " locktype = 'advisory'"), 0);
    finish_pool(pool);
}
END_TEST

static void expect_refusal(struct answer *a)
{
    expect_error(a, ELPQ_E_USAGE, "", ELPQ_NOT_EXECUTED);
    expect_message(a, "transaction mode");
}

START_TEST(what_needs_a_session_is_refused)
{
    static const char *const refused[] = {
        "set work_mem = '3MB'", "SET SESSION work_mem = '3MB'",
        "set role elpq", "reset all", "discard all", "listen c",
        "unlisten *", "prepare p as select 1", "execute p", "deallocate all",
        "load 'x'", "create temp table t (n int)",
        "create temporary table t (n int) on commit delete rows",
        "declare c cursor with hold for select 1",
        "select pg_advisory_lock(1)", "select pg_try_advisory_lock(1)",
        "select set_config('work_mem', '3MB', true)",
    };
    elpq_pool *pool = bounced_pool(1);
    elpq_options flagged = { .flags = ELPQ_SESSION };
    elpq_options timed = { .server_timeout_ms = 1000 };
    elpq_options untimed = { .server_timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_tx *tx;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        expect_refusal(ask(pool, sql_text(refused[i])));
    expect_refusal(ask_with(pool, elpq_sql("select 1"), &flagged));
    expect_refusal(ask_with(pool, elpq_sql("select 1"), &timed));
    expect_refusal(script(pool, "select 1", &timed));
    expect_int(ask_with(pool, elpq_sql("select 1"), &untimed), 1);
    tx = begin_now(pool);
    expect_ok(ask(tx, elpq_sql("set transaction read write")));
    expect_ok(ask(tx, elpq_sql("set local work_mem = '3MB'")));
    expect_ok(ask(tx, elpq_sql("select set_config('work_mem', '3MB', true)")));
    expect_ok(ask(tx, elpq_sql("select pg_advisory_xact_lock(1)")));
    expect_ok(ask(tx, elpq_sql("declare c cursor for select 1")));
    expect_ok(ask(tx, elpq_sql("create temp table t on commit drop as"
                               " select 1")));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(objects_that_need_a_session_are_refused)
{
    static const char *const setup[] = { "set work_mem = '3MB'", NULL };
    elpq_pool_options o = { .conn.pooler = ELPQ_POOLER_TRANSACTION,
                            .on_connect = setup };
    elpq_listener_options l = { .conn.pooler = ELPQ_POOLER_TRANSACTION };
    elpq_pool_options timed = { .conn = { .pooler = ELPQ_POOLER_TRANSACTION,
                                          .server_timeout_ms = 1000 } };
    elpq_error *error = NULL;

    ck_assert_ptr_null(elpq_pool_new(loop, bouncer(), &o, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "on_connect"));
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_pool_new(loop, bouncer(), &timed, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "server_timeout_ms"));
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_connect(loop, bouncer(), &timed.conn, on_conn,
                                    NULL, &error));
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "server_timeout_ms"));
    elpq_error_free(error);
    ck_assert_ptr_null(elpq_listener_new(loop, bouncer(), &l, NULL, NULL,
                                         &error));
    ck_assert_int_eq(error->code, ELPQ_E_USAGE);
    ck_assert_ptr_nonnull(strstr(error->message, "LISTEN"));
    elpq_error_free(error);
}
END_TEST

/* Without the option: why it is needed. */
START_TEST(named_statements_get_lost)
{
    elpq_conn *a = connect_now(bouncer(), NULL);
    elpq_conn *b = connect_now(bouncer(), NULL);
    struct answer *held, *again;

    expect_int(ask(a, elpq_sql("select 5")), 5);
    expect_ok(ask(b, elpq_sql("begin"))); /* takes the session that a had */
    held = ask(b, elpq_sql("select 6"));
    expect_int(held, 6);
    again = ask(a, elpq_sql("select 5")); /* in another one: 26000, again */
    expect_int(again, 5);
    close_conn(a);
    close_conn(b);
}
END_TEST

static void add_both(TCase *tc)
{
    tcase_add_test(tc, statements);
    tcase_add_test(tc, a_pipeline);
    tcase_add_test(tc, transactions);
    tcase_add_test(tc, a_script);
    tcase_add_test(tc, a_stream);
    tcase_add_test(tc, a_cancel);
    tcase_add_test(tc, a_full_bouncer);
    tcase_add_test(tc, more_clients_than_sessions);
    tcase_add_test(tc, a_restart);
}

static bool have_bouncer(void)
{
    if (system("PATH=$PATH:/usr/sbin:/usr/local/sbin;"
               " command -v pgbouncer >/dev/null") == 0)
        return true;
    fprintf(stderr, "SKIPPED: pgbouncer is not installed\n");
    return false;
}

static void build(Suite *suite)
{
    TCase *tc;

    if (!nodes_possible() || !have_bouncer())
        return;
    tc = harness_case(suite, "session", 0);
    tcase_add_unchecked_fixture(tc, session_up, nodes_down);
    add_both(tc);
    tcase_add_test(tc, sessions_are_sessions);
    tc = harness_case(suite, "transaction", 0);
    tcase_add_unchecked_fixture(tc, transaction_up, nodes_down);
    add_both(tc);
    tcase_add_test(tc, what_needs_a_session_is_refused);
    tcase_add_test(tc, objects_that_need_a_session_are_refused);
    tcase_add_test(tc, named_statements_get_lost);
}

int main(void)
{
    return harness_main("pgbouncer", build);
}

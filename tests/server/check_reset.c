/* SPDX-License-Identifier: PostgreSQL */
/*
 * A released connection leaks nothing to its next user, in whatever state it
 * was returned; the same for statements run by the pool itself.
 *
 * All pools here have one connection, so that the next user surely gets the
 * same session; each test asserts that it did: reset, not replaced.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define ROLE "elpq_reset_role"

/* What a borrower may leave behind, and what the next one must not see. */
static const struct leak {
    const char *name;
    const char *dirty[4];  /* statements, one after another                 */
    const char *probe;     /* a query of one text                           */
    bool one_shot;         /* also by elpq_pool_execute, one statement      */
} leaks[] = {
    { "setting", { "set work_mem = '1MB'" },
      "select current_setting('work_mem')", true },
    { "setting, mixed case", { "  SeT search_path TO pg_catalog" },
      "select current_setting('search_path')", true },
    { "setting behind a comment", { "/* a */ -- b\n set timezone = 2" },
      "select current_setting('TimeZone')", true },
    { "set_config", { "select set_config('work_mem', '1MB', false)" },
      "select current_setting('work_mem')", true },
    { "set_config in a CTE",
      { "with x as (select Set_Config('work_mem', '2MB', false)) table x" },
      "select current_setting('work_mem')", true },
    { "set_config in a block",
      { "do $$ begin perform set_config('work_mem', '3MB', false); end $$" },
      "select current_setting('work_mem')", true },
    { "custom setting", { "select set_config('elpq.secret', 'tenant', false)" },
      "select coalesce(current_setting('elpq.secret', true), '')", true },
    { "read only", { "set session characteristics as transaction read only" },
      "select current_setting('default_transaction_read_only')", true },
    { "string syntax", { "set standard_conforming_strings = off" },
      "select current_setting('standard_conforming_strings')", true },
    { "bytea text", { "set bytea_output = 'escape'" },
      "select current_setting('bytea_output')", true },
    { "date text", { "set datestyle = 'German'" },
      "select current_setting('DateStyle')", true },
    { "time-out", { "set statement_timeout = '70s'" },
      "select current_setting('statement_timeout')", true },
    { "name", { "set application_name = 'tenant'" },
      "select current_setting('application_name')", true },
    { "role", { "set role " ROLE }, "select current_user::text", true },
    { "listen", { "listen elpq_channel" },
      "select count(*)::text from pg_listening_channels()", true },
    { "temporary table", { "create temp table elpq_temp (n int)" },
      "select coalesce(to_regclass('pg_temp.elpq_temp')::text, 'none')",
      true },
    { "select into temp", { "select 1 as n into temp elpq_temp" },
      "select coalesce(to_regclass('pg_temp.elpq_temp')::text, 'none')",
      true },
    { "advisory lock", { "select pg_advisory_lock(4711)" },
      "select count(*)::text from " LOCKS " locktype = 'advisory'"
      " and pid = pg_backend_pid()", true },
    { "shared advisory lock",
      { "select pg_try_advisory_lock_shared(1, 2)",
        "select pg_try_advisory_lock_shared(1, 2)" },
      "select count(*)::text from " LOCKS " locktype = 'advisory'"
      " and pid = pg_backend_pid()", true },
    { "cursor with hold",
      { "begin", "declare c cursor with hold for select 1", "commit" },
      "select count(*)::text from pg_cursors", false },
    { "held cursor of one statement",
      { "declare c cursor with hold for select 1" },
      "select count(*)::text from pg_cursors", true },
    { "open transaction", { "begin", "insert into elpq_reset values (1)" },
      "select count(*)::text from elpq_reset", false },
    { "failed transaction",
      { "begin", "insert into elpq_reset values (1)", "select 1 / 0" },
      "select count(*)::text from elpq_reset", false },
    { "setting of a transaction", { "begin", "set local work_mem = '1MB'" },
      "select current_setting('work_mem')", false },
    { "transaction's own table",
      { "begin", "create temp table elpq_temp (n int)" },
      "select coalesce(to_regclass('pg_temp.elpq_temp')::text, 'none')",
      false },
};
#define N_LEAKS ((int)(sizeof(leaks) / sizeof(leaks[0])))

/* The role of the tests may become ROLE. */
static void setup_objects(void)
{
    const char *user = harness_env("PGUSER");

    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_reset");
    admin_do("create table elpq_reset (n serial)");
    admin_do("grant all on elpq_reset, elpq_reset_n_seq to public");
    admin_do("drop role if exists " ROLE);
    admin_do("create role " ROLE);
    if (user)
        admin_do("grant " ROLE " to \"%s\"", user);
}

static void teardown_objects(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_reset");
    admin_do("drop function if exists elpq_hidden()");
    admin_do("drop role " ROLE);
    harness_teardown();
}

static char *copied(const char *text)
{
    static char copies[2][200];
    static int next;
    char *copy = copies[next++ % 2];

    snprintf(copy, sizeof(copies[0]), "%s", text);
    return copy;
}

/* ------------------------------------------------------------------ leases */

/* The reset may still be in flight, in front of the probe. */
static void expect_clean(elpq_conn *conn, const struct leak *leak,
                         const char *clean)
{
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    ck_assert_uint_eq(elpq_conn_pending(conn), 0);
    ck_assert_msg(strcmp(text_of(conn, leak->probe), clean) == 0,
                  "%s: '%s', and clean is '%s'", leak->name,
                  text_of(conn, leak->probe), clean);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
}

START_TEST(a_released_connection_leaks_nothing)
{
    const struct leak *leak = &leaks[_i];
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);
    const char *clean = copied(text_of(conn, leak->probe));
    int i;

    for (i = 0; i < 4 && leak->dirty[i]; i++)
        await(ask(conn, sql_text(leak->dirty[i])));
    release(conn);
    conn = lease(pool);
    ck_assert_int_eq(elpq_conn_pid(conn), pid);
    expect_clean(conn, leak, clean);
    release(conn);
    ck_assert_uint_ge(stats(pool).resets, 1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* The same without waiting for the answers: released while busy. */
START_TEST(a_connection_released_at_once_leaks_nothing)
{
    const struct leak *leak = &leaks[_i];
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    const char *clean = copied(text_of(conn, leak->probe));
    struct answer *a[4] = { NULL };
    int i;

    for (i = 0; i < 4 && leak->dirty[i]; i++)
        a[i] = ask(conn, sql_text(leak->dirty[i]));
    run_turns(_i % 3);
    release(conn);
    conn = lease(pool);
    expect_clean(conn, leak, clean);
    release(conn);
    for (i = 0; i < 4 && a[i]; i++)
        await(a[i]);
    finish_pool(pool);
}
END_TEST

START_TEST(a_statement_of_the_pool_leaks_nothing)
{
    const struct leak *leak = &leaks[_i];
    elpq_pool *pool = pool_of(1);
    const int64_t pid = answer_int(ask(pool, elpq_sql("select"
                                                      " pg_backend_pid()")));
    const char *clean = copied(text_of(pool, leak->probe));
    int i;

    for (i = 0; leak->one_shot && i < 4 && leak->dirty[i]; i++) {
        expect_ok(ask(pool, sql_text(leak->dirty[i])));
        ck_assert_msg(strcmp(text_of(pool, leak->probe), clean) == 0,
                      "%s: '%s', and clean is '%s'", leak->name,
                      text_of(pool, leak->probe), clean);
    }
    expect_int(ask(pool, elpq_sql("select pg_backend_pid()")), pid);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* Each statement of a pool is on its own: what BEGIN opened is rolled back
 * before the next one, which commits by itself. */
START_TEST(begin_as_a_statement_of_the_pool_opens_nothing)
{
    elpq_pool *pool = pool_of(1);

    expect_ok(ask(pool, elpq_sql("begin")));
    expect_ok(ask(pool, elpq_sql("insert into elpq_reset values (1)")));
    ck_assert_int_eq(admin_int("select count(*) from elpq_reset"), 1);
    expect_ok(ask(pool, elpq_sql("start transaction")));
    await_server("select count(*) = 0 from pg_stat_activity where"
                 " datname = current_database() and"
                 " state like 'idle in transaction%%'");
    finish_pool(pool);
}
END_TEST

/* A script of the pool, too, may leave anything. */
START_TEST(a_script_of_the_pool_leaks_nothing)
{
    const struct leak *leak = &leaks[_i];
    elpq_pool *pool = pool_of(1);
    const char *clean = copied(text_of(pool, leak->probe));
    char sql[400] = "";
    int i;

    for (i = 0; i < 4 && leak->dirty[i]; i++) {
        strcat(sql, leak->dirty[i]);
        strcat(sql, ";\n");
    }
    await(script(pool, sql, NULL));
    ck_assert_msg(strcmp(text_of(pool, leak->probe), clean) == 0,
                  "%s: '%s', and clean is '%s'", leak->name,
                  text_of(pool, leak->probe), clean);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* --------------------------------------------------------- special states */

/* Only a superuser may become somebody else. */
START_TEST(session_authorization_is_undone)
{
    const char *super = harness_env("ELPQ_TEST_SUPERUSER");
    elpq_pool *pool;
    elpq_conn *conn;
    char conninfo[100];
    int pid;

    if (!super) {
        fprintf(stderr, "no superuser is known: not tested\n");
        return;
    }
    snprintf(conninfo, sizeof(conninfo), "user=%s", super);
    RUN(pool = elpq_pool_new(
            loop, conninfo, &(elpq_pool_options){ .max_size = 1 }, NULL));
    conn = lease(pool);
    pid = elpq_conn_pid(conn);
    expect_ok(ask(conn, elpq_sql("set session authorization " ROLE)));
    expect_ok(ask(conn, elpq_sql("set role none")));
    expect_text(ask(conn, elpq_sql("select session_user::text")), ROLE);
    release(conn);
    conn = lease(pool);
    ck_assert_int_eq(elpq_conn_pid(conn), pid);
    expect_text(ask(conn, elpq_sql("select session_user::text")), super);
    expect_text(ask(conn, elpq_sql("select current_user::text")), super);
    release(conn);
    finish_pool(pool);
}
END_TEST

/* Text of another encoding is never handed out: it costs the connection. */
START_TEST(a_changed_encoding_is_not_passed_on)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);

    await(ask(conn, elpq_sql("set client_encoding = 'LATIN1'")));
    release(conn);
    expect_text(ask(pool, elpq_sql("show client_encoding")), "UTF8");
    await(ask(pool, elpq_sql("set client_encoding = 'LATIN1'")));
    expect_text(ask(pool, elpq_sql("show client_encoding")), "UTF8");
    expect_text(ask(pool, elpq_sql("select chr(233)")), "\xc3\xa9");
    finish_pool(pool);
}
END_TEST

START_TEST(sequence_state_is_gone)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);

    expect_ok(ask(conn, elpq_sql("select nextval('elpq_reset_n_seq')")));
    expect_int(ask(conn, elpq_sql("select lastval()")), 1);
    release(conn);
    conn = lease(pool);
    expect_error(ask(conn, elpq_sql("select lastval()")), ELPQ_E_SERVER,
                 "55000", 0);
    release(conn);
    finish_pool(pool);
}
END_TEST

START_TEST(prepared_statements_survive)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    int i;

    for (i = 0; i < 5; i++)
        expect_int(ask(conn, elpq_sql("select $1 + 1", i)), i + 1);
    expect_ok(ask(conn, elpq_sql("set work_mem = '1MB'")));
    release(conn);
    conn = lease(pool);
    ck_assert_int_eq(answer_int(ask(conn, elpq_sql(
        "select count(*) from pg_prepared_statements"
        " where statement = 'select $1 + 1'"))), 1);
    expect_int(ask(conn, elpq_sql("select $1 + 1", 6)), 7);
    release(conn);
    finish_pool(pool);
}
END_TEST

/* A time-out of one millisecond must not hit the reset itself. */
START_TEST(a_statement_timeout_does_not_break_the_reset)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);

    expect_ok(ask(conn, elpq_sql("set statement_timeout = 1")));
    release(conn);
    expect_ok(ask(pool, elpq_sql("select pg_sleep(0.02)")));
    finish_pool(pool);
}
END_TEST

/* ---------------------------------------------------- released while busy */

START_TEST(released_while_a_statement_runs)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *running, *behind, *unsent;

    expect_ok(ask(conn, elpq_sql("set work_mem = '1MB'")));
    lock_server();
    running = ask(conn, elpq_sql(BLOCKED));
    behind = ask(conn, elpq_sql("insert into elpq_reset values (1)"));
    await_blocked(1);
    unsent = ask(conn, elpq_sql("select 3"));
    release(conn);
    expect_text(ask(pool, elpq_sql("select current_setting('work_mem')")),
                "4MB");
    ck_assert_int_eq(await(running)->code, ELPQ_E_CANCELED);
    ck_assert_int_eq(await(behind)->code, ELPQ_E_CANCELED);
    expect_error(unsent, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    finish_pool(pool);
}
END_TEST

START_TEST(released_in_the_middle_of_a_script)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *a, *behind;

    lock_server();
    a = script(conn, "begin; set work_mem = '1MB'; insert into elpq_reset"
                     " values (1); " BLOCKED "; commit", NULL);
    behind = ask(conn, elpq_sql("select 1"));
    await_blocked(1);
    release(conn);
    expect_text(ask(pool, elpq_sql("select current_setting('work_mem')")),
                "4MB");
    expect_int(ask(pool, elpq_sql("select count(*) from elpq_reset")), 0);
    ck_assert_int_eq(await(a)->code, ELPQ_E_CANCELED);
    expect_error(behind, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    finish_pool(pool);
}
END_TEST

START_TEST(released_while_canceling)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    struct answer *a;

    lock_server();
    a = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    cancel(a);
    release(conn);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    ck_assert_int_eq(await(a)->code, ELPQ_E_CANCELED);
    finish_pool(pool);
}
END_TEST

START_TEST(released_after_it_was_lost)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);

    terminate(pid);
    release(conn);
    ck_assert_int_ne(answer_int(ask(pool, elpq_sql("select"
                                                   " pg_backend_pid()"))),
                     pid);
    ck_assert_uint_eq(stats(pool).size, 1);
    finish_pool(pool);
}
END_TEST

/* The backend dies while it is being reset: the next user sees nothing. */
START_TEST(lost_while_resetting)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);

    expect_ok(ask(conn, elpq_sql("set work_mem = '1MB'")));
    release(conn);
    terminate(pid);
    run_turns(3);
    expect_text(ask(pool, elpq_sql("select current_setting('work_mem')")),
                "4MB");
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------ options */

START_TEST(reset_never_only_rolls_back)
{
    elpq_pool_options o = { .max_size = 1, .reset = ELPQ_RESET_NEVER };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = lease(pool);

    expect_ok(ask(conn, elpq_sql("set work_mem = '1MB'")));
    expect_ok(ask(conn, elpq_sql("begin")));
    expect_ok(ask(conn, elpq_sql("insert into elpq_reset values (1)")));
    release(conn);
    conn = lease(pool);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    expect_text(ask(conn, elpq_sql("select current_setting('work_mem')")),
                "1MB");
    expect_int(ask(conn, elpq_sql("select count(*) from elpq_reset")), 0);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    release(conn);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* A function of the user's hides what it does from AUTO. */
static void hide_in_function(void)
{
    admin_do("create or replace function elpq_hidden() returns void"
             " language sql as"
             " $$ select set_config('work_mem', '1MB', false) $$");
}

START_TEST(a_statement_can_say_that_it_leaves_something)
{
    elpq_pool *pool = pool_of(1);
    elpq_options o = { .flags = ELPQ_SESSION };

    hide_in_function();
    expect_ok(ask_with(pool, elpq_sql("select elpq_hidden()"), &o));
    expect_text(ask(pool, elpq_sql("select current_setting('work_mem')")),
                "4MB");
    finish_pool(pool);
}
END_TEST

START_TEST(reset_always_finds_what_is_hidden)
{
    elpq_pool_options o = { .max_size = 1, .reset = ELPQ_RESET_ALWAYS };
    elpq_pool *pool = pool_new(&o);

    hide_in_function();
    expect_ok(ask(pool, elpq_sql("select elpq_hidden()")));
    expect_text(ask(pool, elpq_sql("select current_setting('work_mem')")),
                "4MB");
    finish_pool(pool);
}
END_TEST

/* A plain query needs no reset: a release costs nothing that is not needed. */
START_TEST(plain_statements_of_the_pool_cost_no_reset)
{
    elpq_pool *pool = pool_of(1);
    int i;

    for (i = 0; i < 10; i++)
        expect_int(ask(pool, elpq_sql("select $1", i)), i);
    expect_ok(ask(pool, elpq_sql("insert into elpq_reset values (1)")));
    expect_ok(ask(pool, elpq_sql("update elpq_reset set n = 2")));
    expect_ok(ask(pool, elpq_sql("delete from elpq_reset")));
    ck_assert_uint_eq(stats(pool).resets, 0);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(on_connect_runs_again_after_a_reset)
{
    static const char *const first[] = { "set work_mem = '7MB'",
                                         "set application_name = 'mine'",
                                         NULL };
    elpq_pool_options o = { .max_size = 1, .on_connect = first };
    elpq_pool *pool = pool_new(&o);
    elpq_conn *conn = lease(pool);
    const int pid = elpq_conn_pid(conn);

    expect_text(ask(conn, elpq_sql("show work_mem")), "7MB");
    expect_ok(ask(conn, elpq_sql("set work_mem = '1MB'")));
    expect_ok(ask(conn, elpq_sql("reset application_name")));
    release(conn);
    conn = lease(pool);
    ck_assert_int_eq(elpq_conn_pid(conn), pid);
    expect_text(ask(conn, elpq_sql("show work_mem")), "7MB");
    expect_text(ask(conn, elpq_sql("show application_name")), "mine");
    release(conn);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------- suite */

static TCase *reset_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup_objects, teardown_objects);
    suite_add_tcase(s, t);
    return t;
}

static void build(Suite *s)
{
    TCase *t = reset_case(s, "leaks");

    tcase_add_loop_test(t, a_released_connection_leaks_nothing, 0, N_LEAKS);
    tcase_add_loop_test(t, a_connection_released_at_once_leaks_nothing, 0,
                        N_LEAKS);
    tcase_add_loop_test(t, a_statement_of_the_pool_leaks_nothing, 0, N_LEAKS);
    tcase_add_loop_test(t, a_script_of_the_pool_leaks_nothing, 0, N_LEAKS);
    tcase_add_test(t, begin_as_a_statement_of_the_pool_opens_nothing);
    t = reset_case(s, "special");
    tcase_add_test(t, session_authorization_is_undone);
    tcase_add_test(t, a_changed_encoding_is_not_passed_on);
    tcase_add_test(t, sequence_state_is_gone);
    tcase_add_test(t, prepared_statements_survive);
    tcase_add_test(t, a_statement_timeout_does_not_break_the_reset);
    t = reset_case(s, "busy");
    tcase_add_test(t, released_while_a_statement_runs);
    tcase_add_test(t, released_in_the_middle_of_a_script);
    tcase_add_test(t, released_while_canceling);
    tcase_add_test(t, released_after_it_was_lost);
    tcase_add_test(t, lost_while_resetting);
    t = reset_case(s, "options");
    tcase_add_test(t, reset_never_only_rolls_back);
    tcase_add_test(t, a_statement_can_say_that_it_leaves_something);
    tcase_add_test(t, reset_always_finds_what_is_hidden);
    tcase_add_test(t, plain_statements_of_the_pool_cost_no_reset);
    tcase_add_test(t, on_connect_runs_again_after_a_reset);
}

int main(void)
{
    return harness_main("reset", build);
}

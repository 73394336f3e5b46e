/* SPDX-License-Identifier: PostgreSQL */
/*
 * The cache of prepared statements: what is prepared, when results come in
 * binary, and how the cache notices that the server forgot or changed its mind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

/* Prepared statements that elpq made in the session. */
static int64_t prepared(elpq_conn *conn)
{
    elpq_options o = { .flags = ELPQ_NO_PREPARE };

    return answer_int(ask_with(conn, elpq_sql("select count(*) from"
                                              " pg_prepared_statements"), &o));
}

static bool is_binary(struct answer *a, int column)
{
    elpq_column_info info;

    expect_ok(a);
    ck_assert_int_eq(elpq_column_at(a->result, column, &info), 0);
    return info.binary;
}

/* ------------------------------------------------------------ what is made */

START_TEST(the_second_run_is_binary)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_statement *st = elpq_sql("select $1 + 1, 'text', now()", 41);
    struct answer *first = expect_ok(ask(conn, st));
    struct answer *second = expect_ok(ask(conn, st));

    ck_assert(is_binary(second, 0));
    ck_assert(is_binary(second, 1));
    ck_assert(is_binary(second, 2));
    expect_int(first, 42);
    expect_int(second, 42);
    ck_assert_str_eq(elpq_get_text(first->result, 0, 1), "text");
    ck_assert_str_eq(elpq_get_text(second->result, 0, 1), "text");
    ck_assert_int_eq(prepared(conn), 1);
    close_conn(conn);
}
END_TEST

/* Both formats read the same. */
START_TEST(text_and_binary_results_read_the_same)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_statement *st =
        elpq_sql("select $1::int8, 1.5::numeric, '2024-02-29'::date, true,"
                 " null::int, '{1,2}'::int[], 'x'::text",
                 1);
    elpq_options o = { .flags = ELPQ_TEXT_RESULT };
    struct answer *text = expect_ok(ask_with(conn, st, &o)), *binary;
    int i;

    ask(conn, st);
    binary = expect_ok(ask(conn, st));
    for (i = 0; i < 7; i++) {
        const char *a = elpq_get_text(text->result, 0, i);
        const char *b = elpq_get_text(binary->result, 0, i);

        ck_assert(!is_binary(text, i));
        ck_assert(is_binary(binary, i));
        ck_assert_msg((!a && !b) || (a && b && strcmp(a, b) == 0),
                      "column %d: '%s' and '%s'", i, a, b);
    }
    text = expect_ok(ask_with(conn, st, &o));
    ck_assert(!is_binary(text, 0));
    close_conn(conn);
}
END_TEST

/* A type that no codec knows: the whole result comes in text. */
START_TEST(an_unknown_type_comes_in_text)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_statement *st = elpq_sql("select 1, 'pg_class'::regclass");
    struct answer *a;

    ask(conn, st);
    a = expect_ok(ask(conn, st));
    ck_assert_str_eq(elpq_get_text(a->result, 0, 0), "1");
    ck_assert_str_eq(elpq_get_text(a->result, 0, 1), "pg_class");
    close_conn(conn);
}
END_TEST

START_TEST(one_statement_for_the_same_text_and_types)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    for (i = 0; i < 10; i++)
        expect_int(ask(conn, elpq_sql("select $1 + 1", i)), i + 1);
    ck_assert_int_eq(prepared(conn), 1);
    /* Other types: another statement. */
    for (i = 0; i < 3; i++)
        expect_int(ask(conn, elpq_sql("select $1 + 1", (int64_t)i)), i + 1);
    ck_assert_int_eq(prepared(conn), 2);
    close_conn(conn);
}
END_TEST

START_TEST(names_differ_between_connections)
{
    elpq_conn *a = connect_now(NULL, NULL), *b = connect_now(NULL, NULL);
    const elpq_statement *st =
        elpq_sql("select name from pg_prepared_statements");
    elpq_options o = { .flags = ELPQ_NO_PREPARE };

    expect_ok(ask(a, elpq_sql("select 1")));
    expect_ok(ask(b, elpq_sql("select 1")));
    ck_assert_str_ne(answer_text(ask_with(a, st, &o)),
                     answer_text(ask_with(b, st, &o)));
    close_conn(a);
    close_conn(b);
}
END_TEST

START_TEST(the_least_recently_used_goes)
{
    elpq_conn_options c = { .statement_cache = 2 };
    elpq_conn *conn = connect_now(NULL, &c);
    int i;

    for (i = 0; i < 20; i++) {
        expect_int(ask(conn, elpq_sql("select 1")), 1);
        expect_int(ask(conn, sql_format("select %d", i + 100)), i + 100);
        ck_assert_int_le(prepared(conn), 2);
    }
    /* The one that was always used stayed. */
    ck_assert_int_eq(answer_int(ask_with(
        conn, elpq_sql("select count(*) from pg_prepared_statements where"
                       " statement = 'select 1' and prepare_time <"
                       " (select max(prepare_time) from"
                       " pg_prepared_statements)"),
        &(elpq_options){ .flags = ELPQ_NO_PREPARE })), 1);
    close_conn(conn);
}
END_TEST

/* Many more statements in one pipeline than the cache can hold. */
START_TEST(eviction_inside_a_pipeline)
{
    elpq_conn_options c = { .statement_cache = 2 };
    elpq_conn *conn = connect_now(NULL, &c);
    struct answer *a[100];
    int i;

    for (i = 0; i < 100; i++)
        a[i] = ask(conn, sql_format("select %d + %d", i % 7, 0));
    for (i = 0; i < 100; i++)
        expect_int(a[i], i % 7);
    ck_assert_int_le(prepared(conn), 2);
    close_conn(conn);
}
END_TEST

#define KEPT 50

/* The name of the n-th statement (from 0) of those in the session. */
static const char *nth_name(elpq_conn *conn, int n)
{
    elpq_options o = { .flags = ELPQ_NO_PREPARE };

    return answer_text(ask_with(
        conn, sql_format("select name from pg_prepared_statements"
                         " order by length(name), name offset %d limit 1", n),
        &o));
}

/* A transaction cannot forget what the cache throws out (before libpq 17): it
 * is kept within bounds, and goes when the transaction has ended, though
 * nothing else is asked for. */
START_TEST(what_is_thrown_out_in_a_transaction)
{
    elpq_conn_options c = { .statement_cache = KEPT, .max_pipeline = 4 };
    elpq_conn *conn = connect_now(NULL, &c);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    struct answer *a[10 * KEPT];
    const char *last;

    for (int i = 0; i < 10 * KEPT; i++)
        a[i] = ask(tx, sql_format("select %d", i));
    for (int i = 0; i < 10 * KEPT; i++)
        expect_int(a[i], i);
    ck_assert_int_le(prepared(conn), 2 * KEPT);
    if (elpq_libpq_version() < 170000) {
        ck_assert_int_eq(prepared(conn), 2 * KEPT);
        last = nth_name(conn, KEPT - 1);
        expect_ok(commit(tx));
        await_server("select state = 'idle' and query = 'DEALLOCATE %s'"
                     " from pg_stat_activity where pid = %d", last,
                     elpq_conn_pid(conn));
    } else { /* they go by and by, a few at a time */
        expect_ok(commit(tx));
        for (int i = 0; i < KEPT && prepared(conn) > KEPT; i++)
            ;
    }
    ck_assert_int_eq(prepared(conn), KEPT);
    /* There is room again. */
    last = nth_name(conn, KEPT - 1);
    expect_int(ask(conn, elpq_sql("select 4711")), 4711);
    ck_assert_str_ne(nth_name(conn, KEPT - 1), last);
    close_conn(conn);
}
END_TEST

#define CHAIN 500

static int chained;

static void ask_another(struct answer *a)
{
    struct answer *next;

    if (chained == CHAIN)
        return;
    next = ask_conn(a->data, sql_format("select %d", chained++), NULL);
    next->data = a->data;
    next->then = ask_another;
}

/* The queue is never empty: room is made for new ones all the same. */
START_TEST(what_is_thrown_out_of_a_busy_connection)
{
    elpq_conn_options c = { .statement_cache = 4, .max_pipeline = 4 };
    elpq_conn *conn = connect_now(NULL, &c);
    int64_t made;

    chained = 0;
    for (int i = 0; i < 20; i++) {
        struct answer *a = ask(conn, sql_format("select %d", 1000 + i));

        a->data = conn;
        a->then = ask_another;
    }
    run_until(&chained, CHAIN);
    await_all();
    ck_assert_int_le(prepared(conn), 8);
    /* The number in the name counts those that were prepared. */
    made = answer_int(ask_with(conn,
                               elpq_sql("select max(('x' || lpad(split_part("
                                        "name, '_', 4), 8, '0'))::bit(32)::int)"
                                        " from pg_prepared_statements"),
                               &(elpq_options){ .flags = ELPQ_NO_PREPARE }));
    ck_assert_int_gt(made, 50);
    close_conn(conn);
}
END_TEST

static void expect_none(const elpq_conn_options *c, unsigned flags)
{
    elpq_conn *conn = connect_now(NULL, c);
    elpq_options o = { .flags = flags };
    int i;

    for (i = 0; i < 5; i++)
        expect_int(ask_with(conn, elpq_sql("select $1", i), &o), i);
    ck_assert_int_eq(prepared(conn), 0);
    close_conn(conn);
}

START_TEST(without_a_cache_none_is_made)
{
    const elpq_conn_options c = { .no_statement_cache = true };

    expect_none(&c, 0);
}
END_TEST

START_TEST(no_prepare_makes_none)
{
    expect_none(NULL, ELPQ_NO_PREPARE);
}
END_TEST

START_TEST(no_prepare_as_a_flag_of_the_statement)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_statement st = *elpq_sql("select 1");

    st.flags = ELPQ_NO_PREPARE;
    expect_int(ask(conn, &st), 1);
    expect_int(ask(conn, &st), 1);
    ck_assert_int_eq(prepared(conn), 0);
    close_conn(conn);
}
END_TEST

START_TEST(long_texts_are_not_prepared)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const size_t size = 17 * 1024;
    char *sql = malloc(size + 1);

    memset(sql, ' ', size);
    memcpy(sql, "select 7", 8);
    sql[size] = '\0';
    expect_int(ask(conn, sql_text(sql)), 7);
    expect_int(ask(conn, sql_text(sql)), 7);
    ck_assert_int_eq(prepared(conn), 0);
    sql[16 * 1024] = '\0';
    expect_int(ask(conn, sql_text(sql)), 7);
    ck_assert_int_eq(prepared(conn), 1);
    free(sql);
    close_conn(conn);
}
END_TEST

/* Parse fails: nothing is kept, and those behind it with the same text fail
 * for the same reason. */
START_TEST(a_parse_error_with_the_same_text_behind)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a[6];
    int i;

    for (i = 0; i < 6; i++)
        a[i] = i == 5 ? ask(conn, elpq_sql("select 5"))
                      : ask(conn, elpq_sql("select n from elpq_missing"));
    for (i = 0; i < 5; i++)
        expect_error(a[i], ELPQ_E_SERVER, "42P01", 0);
    expect_int(a[5], 5);
    /* It exists now: the statement works, though it failed before. */
    expect_ok(ask(conn, elpq_sql("create temp table elpq_missing (n int)")));
    expect_ok(ask(conn, elpq_sql("insert into elpq_missing values (3)")));
    expect_int(ask(conn, elpq_sql("select n from elpq_missing")), 3);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------- what the server forgot */

static const elpq_statement *star(void)
{
    return sql_text("select * from elpq_star");
}

static elpq_conn *with_star(void)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_ok(ask(conn, elpq_sql("create temp table elpq_star (n int)")));
    expect_ok(ask(conn, elpq_sql("insert into elpq_star values (3)")));
    expect_int(ask(conn, star()), 3);
    expect_int(ask(conn, star()), 3);
    return conn;
}

/* "cached plan must not change result type" */
START_TEST(a_changed_table_is_seen_by_one_retry)
{
    elpq_conn *conn = with_star();
    struct answer *a;

    expect_ok(ask(conn, elpq_sql("alter table elpq_star add m text"
                                 " default 'new'")));
    a = expect_int(ask(conn, star()), 3);
    ck_assert_int_eq(elpq_columns(a->result), 2);
    ck_assert_str_eq(elpq_get_text(a->result, 0, 1), "new");
    expect_ok(ask(conn, elpq_sql("alter table elpq_star alter n type text"
                                 " using 'n' || n")));
    a = expect_text(ask(conn, star()), "n3");
    close_conn(conn);
}
END_TEST

/* All in one pipeline: the table changes between two runs. */
START_TEST(a_changed_table_inside_a_pipeline)
{
    elpq_conn *conn = with_star();
    struct answer *before = ask(conn, star()), *after[3];
    int i;

    ask(conn, elpq_sql("alter table elpq_star alter n type text"));
    for (i = 0; i < 3; i++)
        after[i] = ask(conn, star());
    expect_int(before, 3);
    for (i = 0; i < 3; i++)
        expect_text(after[i], "3");
    close_conn(conn);
}
END_TEST

/* The order comes first: what is stale is not run again behind what has run
 * meanwhile, but says that it did not run. */
START_TEST(a_retry_does_not_change_the_order)
{
    elpq_conn *conn = with_star();
    struct answer *stale, *between, *last;

    ask(conn, elpq_sql("alter table elpq_star alter n type text"));
    stale = ask(conn, star());
    between = ask(conn, elpq_sql("update elpq_star set n = 'later'"));
    last = ask(conn, star());
    expect_error(stale, ELPQ_E_SERVER, "0A000",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    expect_ok(between);
    expect_text(last, "later");
    ck_assert_uint_lt(stale->order, between->order);
    ck_assert_uint_lt(between->order, last->order);
    close_conn(conn);
}
END_TEST

static void cancel_the_other(struct answer *a)
{
    cancel(a->data);
}

/* Two that were held are told together, and the one cancels the other. */
START_TEST(one_that_was_held_cancels_another)
{
    elpq_conn *conn = with_star();
    struct answer *a, *b, *between;

    expect_int(ask(conn, elpq_sql("select *, 1 from elpq_star")), 3);
    ask(conn, elpq_sql("alter table elpq_star alter n type text"));
    a = ask(conn, star());
    b = ask(conn, elpq_sql("select *, 1 from elpq_star"));
    between = ask(conn, elpq_sql("update elpq_star set n = 'later'"));
    a->then = cancel_the_other;
    a->data = b;
    expect_error(a, ELPQ_E_SERVER, "0A000",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    await(b);
    ck_assert(b->flags & ELPQ_NOT_EXECUTED);
    expect_ok(between);
    ck_assert_uint_eq(elpq_conn_pending(conn), 0);
    expect_text(ask(conn, star()), "later");
    close_conn(conn);
}
END_TEST

enum { HELD_CANCELED, HELD_CLOSED, HELD_LOST, HELD_LATE, HELD_PASSED, HELDS };

/* A stale statement is held until what was sent behind it is answered.
 * Meanwhile anything may happen to it. */
START_TEST(a_stale_statement_is_held_and_answered_once)
{
    const int ms = scaled(2000);
    elpq_conn *conn = with_star();
    elpq_options late = { .timeout_ms = _i == HELD_LATE ? ms : 0 };
    struct answer *stale, *running;

    lock_server();
    ask(conn, elpq_sql("alter table elpq_star alter n type text"));
    stale = ask_with(conn, star(), &late);
    running = ask(conn, elpq_sql("select 1 from (" BLOCKED ") as waited"));
    await_blocked(1);
    run_turns(10);
    ck_assert_int_eq(stale->calls, 0);
    if (_i == HELD_CANCELED)
        cancel(stale);
    else if (_i == HELD_CLOSED)
        close_conn(conn);
    else if (_i == HELD_LOST)
        terminate(elpq_conn_pid(conn));
    else if (_i == HELD_PASSED)
        unlock_server();
    await(stale);
    if (_i == HELD_PASSED)
        expect_error(stale, ELPQ_E_SERVER, "0A000",
                     ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    ck_assert_uint_ne(stale->flags & ELPQ_NOT_EXECUTED, 0);
    if (_i == HELD_CANCELED || _i == HELD_LATE)
        unlock_server();
    await(running);
    if (_i != HELD_CLOSED && _i != HELD_LOST)
        expect_int(running, 1);
    if (_i != HELD_CLOSED)
        close_conn(conn);
}
END_TEST

START_TEST(inside_a_transaction_a_changed_table_is_an_error)
{
    elpq_conn *conn = with_star();
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;

    expect_ok(ask(tx, elpq_sql("alter table elpq_star add m int")));
    expect_error(ask(tx, star()), ELPQ_E_SERVER, "0A000", 0);
    expect_ok(rollback(tx));
    expect_int(ask(conn, star()), 3);
    close_conn(conn);
}
END_TEST

START_TEST(forgotten_statements_are_made_again)
{
    elpq_conn *conn = with_star();

    expect_ok(ask(conn, elpq_sql("deallocate all")));
    expect_int(ask(conn, star()), 3);
    expect_int(ask(conn, star()), 3);
    expect_ok(ask(conn, elpq_sql("do $$ begin execute 'deallocate all';"
                                 " end $$")));
    expect_int(ask(conn, star()), 3);
    expect_ok(ask(conn, elpq_sql("discard plans")));
    expect_int(ask(conn, star()), 3);
    expect_ok(ask(conn, elpq_sql("discard all")));
    expect_int(ask(conn, elpq_sql("select $1", 4)), 4);
    expect_error(ask(conn, star()), ELPQ_E_SERVER, "42P01", 0);
    close_conn(conn);
}
END_TEST

START_TEST(forgotten_inside_a_pipeline)
{
    elpq_conn *conn = with_star();
    struct answer *a[4];
    int i;

    ask(conn, elpq_sql("deallocate all"));
    for (i = 0; i < 4; i++)
        a[i] = ask(conn, star());
    for (i = 0; i < 4; i++)
        expect_int(a[i], 3);
    close_conn(conn);
}
END_TEST

/* Inside a transaction there is no retry; but a DEALLOCATE ALL that we have
 * seen leaves nothing to retry. */
START_TEST(forgotten_inside_a_transaction)
{
    elpq_conn *conn = with_star();
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;

    expect_ok(ask(tx, elpq_sql("deallocate all")));
    expect_int(ask(tx, star()), 3);
    expect_ok(ask(tx, elpq_sql("do $$ begin execute 'deallocate all';"
                               " end $$")));
    expect_error(ask(tx, star()), ELPQ_E_SERVER, "26000", 0);
    expect_ok(rollback(tx));
    expect_int(ask(conn, star()), 3);
    close_conn(conn);
}
END_TEST

/* A retry runs a statement once: the server proved that it did not run. */
START_TEST(a_retried_insert_inserts_once)
{
    elpq_conn *conn = with_star();
    const elpq_statement *insert =
        elpq_sql("insert into elpq_star values ($1) returning *", 9);

    expect_int(ask(conn, insert), 9);
    expect_ok(ask(conn, elpq_sql("deallocate all")));
    expect_int(ask(conn, insert), 9);
    expect_ok(ask(conn, elpq_sql("alter table elpq_star add m int")));
    expect_int(ask(conn, insert), 9);
    expect_int(ask(conn, elpq_sql("select count(*) from elpq_star"
                                  " where n = 9")), 3);
    close_conn(conn);
}
END_TEST

/* 26000 and 0A000 raised by the statement itself are errors like others. */
START_TEST(the_same_codes_from_the_user_are_not_retried)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    static const char *const codes[] = { "26000", "0A000" };
    int i, run;

    expect_ok(ask(conn, elpq_sql("create temp sequence s")));
    for (i = 0; i < 2; i++) {
        const elpq_statement *st = sql_format(
            "do $$ begin perform nextval('s'); raise exception 'mine' using"
            " errcode = '%s'; end $$", codes[i]);
        elpq_statement copy = *st;

        for (run = 0; run < 2; run++)
            expect_error(ask(conn, &copy), ELPQ_E_SERVER, codes[i], 0);
    }
    expect_int(ask(conn, elpq_sql("select last_value from s")), 4);
    close_conn(conn);
}
END_TEST

/* The same routines of the server, but called by code of the user's. */
START_TEST(stale_statements_of_the_user_are_not_retried)
{
    elpq_conn *conn = with_star();

    expect_ok(ask(conn, elpq_sql("create temp sequence s")));
    expect_ok(ask(conn, elpq_sql("prepare mine as select * from elpq_star")));
    expect_ok(ask(conn, elpq_sql("alter table elpq_star add m int")));
    expect_error(ask(conn, elpq_sql("do $$ begin perform nextval('s');"
                                    " execute 'execute mine'; end $$")),
                 ELPQ_E_SERVER, "0A000", 0);
    expect_error(ask(conn, elpq_sql("do $$ begin perform nextval('s');"
                                    " execute 'execute missing'; end $$")),
                 ELPQ_E_SERVER, "26000", 0);
    expect_error(ask(conn, elpq_sql("execute missing")), ELPQ_E_SERVER,
                 "26000", 0);
    expect_error(ask(conn, elpq_sql("select nextval('s'),"
                                    " date_trunc('timezone', now())")),
                 ELPQ_E_SERVER, "0A000", 0);
    expect_int(ask(conn, elpq_sql("select last_value from s")), 3);
    close_conn(conn);
}
END_TEST

/* What the server took a parameter for does not fit the table any more: that
 * is told once, and not for as long as the statement is prepared. */
START_TEST(a_changed_column_is_parsed_anew)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int i;

    expect_ok(script(conn,
                     "create temp table t (code int);"
                     " insert into t values (5)",
                     NULL));
    for (i = 0; i < 2; i++)
        expect_int(
            ask(conn, elpq_sql("select count(*) from t where code = $1", "5")),
            1);
    expect_ok(ask(conn, elpq_sql("alter table t alter code type text")));
    expect_error(
        ask(conn, elpq_sql("select count(*) from t where code = $1", "5")),
        ELPQ_E_SERVER, "42883", 0);
    expect_int(
        ask(conn, elpq_sql("select count(*) from t where code = $1", "5")), 1);
    close_conn(conn);
}
END_TEST

START_TEST(a_changed_search_path_is_seen)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_statement *st = elpq_sql("select n from elpq_path");

    admin_do("set client_min_messages = error");
    admin_do("drop schema if exists elpq_one, elpq_two cascade");
    admin_do("create schema elpq_one; create schema elpq_two;"
             "create table elpq_one.elpq_path as select 1 as n;"
             "create table elpq_two.elpq_path as select 'two' as n;"
             "grant usage on schema elpq_one, elpq_two to public;"
             "grant select on elpq_one.elpq_path, elpq_two.elpq_path"
             " to public");
    expect_ok(ask(conn, elpq_sql("set search_path = elpq_one")));
    expect_int(ask(conn, st), 1);
    expect_int(ask(conn, st), 1);
    expect_ok(ask(conn, elpq_sql("set search_path = elpq_two")));
    expect_text(ask(conn, st), "two");
    close_conn(conn);
    admin_do("drop schema elpq_one, elpq_two cascade");
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "made", 0);

    tcase_add_test(t, the_second_run_is_binary);
    tcase_add_test(t, text_and_binary_results_read_the_same);
    tcase_add_test(t, an_unknown_type_comes_in_text);
    tcase_add_test(t, one_statement_for_the_same_text_and_types);
    tcase_add_test(t, names_differ_between_connections);
    tcase_add_test(t, the_least_recently_used_goes);
    tcase_add_test(t, eviction_inside_a_pipeline);
    tcase_add_test(t, what_is_thrown_out_in_a_transaction);
    tcase_add_test(t, what_is_thrown_out_of_a_busy_connection);
    tcase_add_test(t, without_a_cache_none_is_made);
    tcase_add_test(t, no_prepare_makes_none);
    tcase_add_test(t, no_prepare_as_a_flag_of_the_statement);
    tcase_add_test(t, long_texts_are_not_prepared);
    tcase_add_test(t, a_parse_error_with_the_same_text_behind);
    t = harness_case(s, "forgotten", 0);
    tcase_add_test(t, a_changed_table_is_seen_by_one_retry);
    tcase_add_test(t, a_changed_table_inside_a_pipeline);
    tcase_add_test(t, a_retry_does_not_change_the_order);
    tcase_add_test(t, one_that_was_held_cancels_another);
    tcase_add_loop_test(t, a_stale_statement_is_held_and_answered_once, 0,
                        HELDS);
    tcase_add_test(t, inside_a_transaction_a_changed_table_is_an_error);
    tcase_add_test(t, forgotten_statements_are_made_again);
    tcase_add_test(t, forgotten_inside_a_pipeline);
    tcase_add_test(t, forgotten_inside_a_transaction);
    tcase_add_test(t, a_retried_insert_inserts_once);
    tcase_add_test(t, the_same_codes_from_the_user_are_not_retried);
    tcase_add_test(t, stale_statements_of_the_user_are_not_retried);
    tcase_add_test(t, a_changed_search_path_is_seen);
    tcase_add_test(t, a_changed_column_is_parsed_anew);
}

int main(void)
{
    return harness_main("prepared", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * With and without pipeline mode: a connection whose statements come alone
 * leaves it, and goes back when they come in company.  Nobody must see that,
 * but for the server's and libpq's work.
 */
#include <stdio.h>
#include <string.h>

#include "../../lib/conn_int.h"
#include "../support/harness.h"

/* A connection on which the next statement goes out alone. */
static elpq_conn *alone(void)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    for (int i = 0; i < 20; i++)
        expect_int(ask(conn, elpq_sql("select $1::int", i)), i);
    ck_assert(!conn->piped);
    return conn;
}

START_TEST(the_first_statements_are_pipelined)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    expect_int(ask(conn, elpq_sql("select 1")), 1);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert(conn->piped);
    close_conn(conn);
}
END_TEST

START_TEST(company_brings_the_pipeline_back)
{
    elpq_conn *conn = alone();

    for (int i = 0; i < 10; i++)
        ask(conn, elpq_sql("select $1::int", i));
    await_all();
    ck_assert(conn->piped);
    for (int i = 0; i < 10; i++)
        ask(conn, elpq_sql("select $1::int", i));
    await_all();
    ck_assert_uint_eq(answers_with(0), 41); /* with the connect */
    close_conn(conn);
}
END_TEST

START_TEST(those_behind_one_that_is_out_alone_wait)
{
    elpq_conn *conn = alone();
    struct answer *first, *last;

    /* Its Parse would need the pipeline: so it runs once before. */
    expect_ok(ask(conn, elpq_sql(BLOCKED)));
    for (int i = 0; i < 10; i++)
        expect_int(ask(conn, elpq_sql("select $1::int", i)), i);
    lock_server();
    first = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    ck_assert(!conn->piped);
    ask(conn, elpq_sql("select 1"));
    last = ask(conn, elpq_sql("select 2"));
    run_turns(5);
    ck_assert_int_eq(last->calls, 0);
    ck_assert_uint_eq(elpq_conn_pending(conn), 3);
    unlock_server();
    expect_int(last, 2);
    ck_assert_uint_lt(first->order, last->order);
    ck_assert(conn->piped);
    close_conn(conn);
}
END_TEST

START_TEST(an_error_alone)
{
    elpq_conn *conn = alone();

    for (int i = 0; i < 3; i++)
        expect_error(ask(conn, elpq_sql("select 1 / $1::int", 0)),
                     ELPQ_E_SERVER, "22012", 0);
    ck_assert(!conn->piped);
    expect_error(ask_with(conn, elpq_sql("selekt 1"),
                          (&(elpq_options){ .flags = ELPQ_NO_PREPARE })),
                 ELPQ_E_SERVER, "42601", 0);
    expect_int(ask(conn, elpq_sql("select $1::int", 7)), 7);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* One that waits for the lock, and is known to the server. */
static struct answer *block_alone(elpq_conn *conn, const elpq_options *options)
{
    struct answer *a;

    expect_ok(ask(conn, elpq_sql(BLOCKED)));
    lock_server();
    a = ask_with(conn, elpq_sql(BLOCKED), options);
    await_blocked(1);
    ck_assert(!conn->piped);
    return a;
}

START_TEST(canceling_one_that_is_alone)
{
    elpq_conn *conn = alone();
    struct answer *a = block_alone(conn, NULL), *next;

    next = ask(conn, elpq_sql("select 5"));
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    expect_int(next, 5);
    unlock_server();
    close_conn(conn);
}
END_TEST

START_TEST(the_deadline_of_one_that_is_alone)
{
    elpq_conn *conn = alone();
    elpq_options soon = { .timeout_ms = scaled(2000) };
    struct answer *a = block_alone(conn, &soon);

    expect_error(a, ELPQ_E_TIMEOUT, "57014", 0);
    unlock_server();
    expect_int(ask(conn, elpq_sql("select 5")), 5);
    close_conn(conn);
}
END_TEST

START_TEST(losing_one_that_is_alone)
{
    elpq_conn *conn = alone();
    struct answer *a = block_alone(conn, NULL);
    struct answer *behind = ask(conn, elpq_sql("select 5"));

    terminate(elpq_conn_pid(conn));
    await(a);
    ck_assert_int_eq(a->code, ELPQ_E_LOST);
    ck_assert_str_eq(a->sqlstate, "57P01");
    ck_assert_uint_ne(a->flags & ELPQ_IN_DOUBT, 0);
    await(behind);
    ck_assert_int_eq(behind->code, ELPQ_E_LOST);
    ck_assert_uint_ne(behind->flags & ELPQ_NOT_EXECUTED, 0);
    unlock_server();
    close_conn(conn);
}
END_TEST

/* Nobody tells us that the server has forgotten all prepared statements. */
START_TEST(a_forgotten_statement_runs_again)
{
    elpq_conn *conn = alone();
    const char *forget = "do $$ begin execute 'deallocate all'; end $$";

    expect_ok(ask(conn, sql_text(forget)));
    for (int i = 0; i < 12; i++)
        expect_int(ask(conn, elpq_sql("select $1::int", i)), i);
    ck_assert(!conn->piped);
    close_conn(conn);
}
END_TEST

START_TEST(an_outdated_statement_runs_again)
{
    elpq_conn *conn = alone();
    struct answer *a;

    expect_ok(ask(conn, elpq_sql("create temp table t as select 1 as x")));
    for (int i = 0; i < 12; i++)
        expect_int(ask(conn, elpq_sql("select * from t")), 1);
    ck_assert(!conn->piped);
    expect_ok(ask(conn, elpq_sql("alter table t alter x type text")));
    a = expect_text(ask(conn, elpq_sql("select * from t")), "1");
    ck_assert_int_eq(elpq_columns(a->result), 1);
    close_conn(conn);
}
END_TEST

START_TEST(a_script_and_a_transaction_in_between)
{
    elpq_conn *conn = alone();
    struct answer *a;

    a = expect_ok(script(conn, "select 1; select 2", NULL));
    ck_assert_uint_eq(a->results, 2);
    expect_int(ask(conn, elpq_sql("select $1::int", 3)), 3);
    a = expect_ok(begin(conn, NULL));
    for (int i = 0; i < 12; i++)
        expect_int(ask(a->tx, elpq_sql("select $1::int", i)), i);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_OPEN);
    expect_ok(commit(a->tx));
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

/* FETCH has the columns of the cursor of that name, whatever that is now. */
START_TEST(one_name_and_other_columns)
{
    elpq_pool *pool = pool_of(1);
    const char *cursors[] = { "declare c cursor for select 7::int4",
                              "declare c cursor for select 'abcd'::text",
                              "declare c cursor for select 2.5::float8" };
    const char *texts[] = { "7", "abcd", "2.5" };

    for (int i = 0; i < 9; i++) {
        elpq_tx *tx = begin_now(pool);

        expect_ok(ask(tx, sql_text(cursors[i % 3])));
        expect_text(ask(tx, elpq_sql("fetch 1 from c")), texts[i % 3]);
        expect_ok(commit(tx));
    }
    finish_pool(pool);
}
END_TEST

static void close_it(struct answer *a)
{
    close_conn(a->data);
}

/* Its statement was thrown out of the cache while it was in flight. */
START_TEST(closing_in_a_callback_frees_its_statement)
{
    elpq_conn_options o = { .statement_cache = 1 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct answer *a = ask(conn, elpq_sql("select 1"));
    struct answer *b = ask(conn, elpq_sql("select 2"));

    a->then = close_it;
    a->data = conn;
    expect_int(a, 1);
    await(b);
    ck_assert_int_eq(b->code, ELPQ_E_CLOSED);
}
END_TEST

/* The pipeline has room for one: each answer makes it for one that is closed,
 * and till then no more wait than the cache holds. */
START_TEST(a_pipeline_of_one_closes_statements_as_well)
{
    elpq_conn_options o = { .statement_cache = 2, .max_pipeline = 1 };
    elpq_conn *conn = connect_now(NULL, &o);

    for (int i = 0; i < 200; i++)
        ask(conn, sql_format("select %d", i % 4));
    await_all();
    for (int i = 0; i < 4; i++)
        ck_assert_int_le(answer_int(ask(conn, elpq_sql(
                             "select count(*)::int from"
                             " pg_prepared_statements"))), 4);
    expect_int(ask(conn, elpq_sql("select count(*)::int from"
                                  " pg_prepared_statements")), 2);
    close_conn(conn);
}
END_TEST

/* What throws others out of the cache is closed on the server, in time. */
START_TEST(statements_that_are_thrown_out_are_closed)
{
    elpq_conn_options o = { .statement_cache = 2 };
    elpq_conn *conn = connect_now(NULL, &o);

    for (int i = 0; i < 40; i++)
        expect_int(ask(conn, sql_format("select %d", i % 4)), i % 4);
    for (int i = 0; i < 12; i++)
        expect_ok(ask(conn, elpq_sql("select count(*)::int from"
                                     " pg_prepared_statements")));
    ck_assert(!conn->piped);
    expect_int(ask(conn, elpq_sql("select count(*)::int from"
                                  " pg_prepared_statements")), 2);
    close_conn(conn);
}
END_TEST

static void ask_anything(elpq_conn *conn, int i)
{
    switch (random_below(8)) {
    case 0:
        ask(conn, elpq_sql("select 1 / ($1::int - $1)", i))->data =
            (void *)"22012";
        break;
    case 1:
        script(conn, "select 1; select 2", NULL);
        break;
    case 2:
        ask(conn, sql_format("select %d", i % 7));
        break;
    default:
        ask(conn, elpq_sql("select $1::int", i));
    }
}

/* Alone and in company as it comes; answers belong to their questions. */
START_TEST(a_random_mixture)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int modes[2] = { 0, 0 };
    unsigned asked = 0;

    for (int i = 0; i < 1500; i++) {
        if (random_below(60) == 0) {
            for (unsigned n = random_below(12); n > 0; n--, asked++)
                ask_anything(conn, i);
            if (random_below(2))
                run_turns(1);
        }
        expect_int(ask(conn, elpq_sql("select $1::int", i)), i);
        asked++;
        modes[conn->piped]++;
    }
    await_all();
    ck_assert_uint_eq(answers_come(), asked + 1); /* with the connect */
    ck_assert_uint_eq(answers_with(0) + answers_with(ELPQ_E_SERVER),
                      asked + 1);
    ck_assert_int_gt(modes[0], 300);
    ck_assert_int_gt(modes[1], 50);
    close_conn(conn);
}
END_TEST

/* A pool has one statement on a connection at a time, and knows it. */
START_TEST(a_pool_needs_no_pipeline)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn;

    for (int i = 0; i < 3; i++)
        expect_int(ask(pool, elpq_sql("select $1::int", i)), i);
    for (int i = 0; i < 20; i++)
        ask(pool, elpq_sql("select $1::int", i));
    await_all();
    ck_assert_uint_eq(answers_with(0), 23);
    conn = lease(pool);
    ck_assert(!conn->piped);
    release(conn);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "modes", 0);

    tcase_add_test(t, the_first_statements_are_pipelined);
    tcase_add_test(t, company_brings_the_pipeline_back);
    tcase_add_test(t, those_behind_one_that_is_out_alone_wait);
    tcase_add_test(t, a_random_mixture);
    tcase_add_test(t, a_pool_needs_no_pipeline);
    t = harness_case(s, "alone", 0);
    tcase_add_test(t, an_error_alone);
    tcase_add_test(t, canceling_one_that_is_alone);
    tcase_add_test(t, the_deadline_of_one_that_is_alone);
    tcase_add_test(t, losing_one_that_is_alone);
    tcase_add_test(t, a_forgotten_statement_runs_again);
    tcase_add_test(t, an_outdated_statement_runs_again);
    tcase_add_test(t, a_script_and_a_transaction_in_between);
    t = harness_case(s, "prepared", 0);
    tcase_add_test(t, one_name_and_other_columns);
    tcase_add_test(t, closing_in_a_callback_frees_its_statement);
    tcase_add_test(t, statements_that_are_thrown_out_are_closed);
    tcase_add_test(t, a_pipeline_of_one_closes_statements_as_well);
}

int main(void)
{
    return harness_main("modes", build);
}

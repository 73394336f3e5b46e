/* SPDX-License-Identifier: PostgreSQL */
/*
 * Batches: all or nothing, with a result for each and one verdict, on a
 * connection, in a pool and in a transaction.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define MANY 300

/* What became of the statements of one batch; its verdict is an answer. */
struct batch {
    struct answer *verdict;
    size_t calls;
    int codes[MANY];
    unsigned flags[MANY];
    int64_t values[MANY]; /* first column, where there is one */
    size_t affected[MANY];
    char sqlstate[MANY][6];
    void (*then)(struct batch *b); /* runs inside the callback of the first */
    elpq_conn *conn;
};

static void on_part(size_t index, elpq_result *result, const elpq_error *error,
                    void *arg)
{
    struct batch *b = ((struct answer *)arg)->data;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert(!result != !error);
    ck_assert_uint_eq(index, b->calls); /* in order, each once */
    ck_assert_int_eq(b->verdict->calls, 0);
    ck_assert_uint_lt(index, MANY);
    b->calls++;
    b->codes[index] = error ? error->code : 0;
    b->flags[index] = error ? error->flags : 0;
    snprintf(b->sqlstate[index], 6, "%s", error ? error->sqlstate : "");
    if (result && elpq_rows(result) > 0)
        ck_assert_int_eq(elpq_get_int64(result, 0, 0, &b->values[index]), 0);
    b->affected[index] = result ? elpq_affected(result) : 0;
    if (index == 0 && b->then)
        b->then(b);
}

static struct batch *batch_new(struct batch *b)
{
    memset(b, 0, sizeof(*b));
    b->verdict = answer_new();
    b->verdict->data = b;
    return b;
}

#define submit(target, b, n, ...) submit_with(target, b, NULL, n, __VA_ARGS__)
#define submit_with(target, b, options, n, ...)                                \
    do {                                                                       \
        const elpq_statement *all[] = { __VA_ARGS__ };                         \
                                                                               \
        batch_new(b);                                                          \
        ck_assert_int_eq(CALL(elpq_batch(target, all, n, options, on_part,     \
                                         on_done, (b)->verdict)),              \
                         0);                                                   \
        (b)->verdict->wanted = 1;                                              \
    } while (0)

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_batch");
    admin_do("create table elpq_batch (n int unique deferrable initially "
             "deferred, check (n <> 13))");
    admin_do("grant all on elpq_batch to public");
}

static void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_batch");
    harness_teardown();
}

static long rows(void)
{
    return admin_int("select count(*) from elpq_batch");
}

#define INSERT(n) elpq_sql("insert into elpq_batch values ($1)", n)

/* ------------------------------------------------------------------ normal */

START_TEST(a_result_for_each_and_one_verdict)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    for (int round = 0; round < 2; round++) {
        submit(conn, &b, 4, INSERT(round * 2), INSERT(round * 2 + 1),
               elpq_sql("select count(*) from elpq_batch"),
               elpq_sql("update elpq_batch set n = n"));
        expect_ok(b.verdict);
        ck_assert_uint_eq(b.calls, 4);
        ck_assert_uint_eq(b.affected[0], 1);
        ck_assert_int_eq(b.values[2], round * 2 + 2);
        ck_assert_uint_eq(b.affected[3], (unsigned)round * 2 + 2);
    }
    ck_assert_int_eq(rows(), 4);
    close_conn(conn);
}
END_TEST

START_TEST(a_pool_and_a_transaction_take_batches)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx;
    struct batch b, c;

    submit(pool, &b, 2, INSERT(1), elpq_sql("select txid_current()"));
    submit(pool, &c, 1, elpq_sql("select 5"));
    expect_ok(b.verdict);
    expect_ok(c.verdict);
    ck_assert_int_eq(c.values[0], 5);
    ck_assert_uint_eq(stats(pool).statements, 2);
    tx = begin_now(pool);
    submit(tx, &b, 2, INSERT(2), INSERT(3));
    expect_ok(b.verdict);
    ck_assert_int_eq(rows(), 1);
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 3);
    finish_pool(pool);
}
END_TEST

/* More than one prepared statement fits in the cache, more than a socket. */
START_TEST(a_long_batch)
{
    elpq_conn_options o = { .statement_cache = 2 };
    elpq_conn *conn = connect_now(NULL, &o);
    static char text[20000];
    const elpq_statement *all[MANY];
    elpq_statement st[MANY];
    elpq_value values[MANY];
    static const char *const sql[] = { "select length($1)",
                                       "select length($1) + 1",
                                       "select length($1) + 2" };
    struct batch b;

    memset(text, 'x', sizeof(text) - 1);
    batch_new(&b);
    for (int i = 0; i < MANY; i++) {
        values[i] = elpq_text(text + i);
        st[i] = elpq_sql_from_trusted_string(sql[i % 3], &values[i], 1);
        all[i] = &st[i];
    }
    ck_assert_int_eq(
        CALL(elpq_batch(conn, all, MANY, NULL, on_part, on_done, b.verdict)),
        0);
    b.verdict->wanted = 1;
    text[0] = '\0'; /* it was copied */
    expect_ok(b.verdict);
    ck_assert_uint_eq(b.calls, MANY);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(b.values[i], 19999 - i + i % 3);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

START_TEST(batches_and_statements_keep_their_order)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options reads = { .flags = ELPQ_READONLY };
    struct answer *before =
        ask_with(conn, elpq_sql("select count(*) from elpq_batch"), &reads);
    struct answer *same =
        ask_with(conn, elpq_sql("select count(*) from elpq_batch"), &reads);
    struct answer *after;
    struct batch b;

    submit(conn, &b, 2, INSERT(1), INSERT(2));
    after = ask_with(conn, elpq_sql("select count(*) from elpq_batch"), &reads);
    expect_int(before, 0);
    expect_int(same, 0);
    expect_ok(b.verdict);
    expect_int(after, 2);
    close_conn(conn);
}
END_TEST

/* --------------------------------------------------------------- failures */

START_TEST(one_that_fails_undoes_all)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *after;
    struct batch b;

    submit(conn, &b, 4, INSERT(1), INSERT(2), INSERT(13), INSERT(4));
    after = ask(conn, elpq_sql("select count(*) from elpq_batch"));
    expect_error(b.verdict, ELPQ_E_SERVER, "23514", 0);
    ck_assert_uint_eq(b.calls, 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(b.codes[i],
                         i == 2 ? ELPQ_E_SERVER : ELPQ_E_ROLLED_BACK);
        ck_assert_uint_eq(b.flags[i], i == 2 ? 0 : ELPQ_NOT_EXECUTED);
    }
    ck_assert_str_eq(b.sqlstate[2], "23514");
    expect_int(after, 0);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(a_statement_that_cannot_be_prepared)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    for (int round = 0; round < 2; round++) {
        submit(conn, &b, 4, INSERT(1), elpq_sql("select nothing_like_it"),
               elpq_sql("select 7"), elpq_sql("select 7"));
        expect_error(b.verdict, ELPQ_E_SERVER, "42703", 0);
        ck_assert_int_eq(b.codes[0], ELPQ_E_ROLLED_BACK);
        ck_assert_int_eq(b.codes[1], ELPQ_E_SERVER);
        ck_assert_int_eq(b.codes[3], ELPQ_E_ROLLED_BACK);
    }
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(conn, elpq_sql("select 7")), 7);
    close_conn(conn);
}
END_TEST

/* No statement is to blame: the deferred constraint fails at the end. */
START_TEST(a_commit_that_fails)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    submit(conn, &b, 2, INSERT(1), INSERT(1));
    expect_error(b.verdict, ELPQ_E_SERVER, "23505", 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(b.codes[i], ELPQ_E_ROLLED_BACK);
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(conn, elpq_sql("select 7")), 7);
    close_conn(conn);
}
END_TEST

START_TEST(a_failure_in_a_transaction_ends_it)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *end;
    elpq_tx *part;
    struct batch b;

    expect_ok(ask(tx, INSERT(1)));
    part = await(savepoint(tx))->tx;
    submit(part, &b, 2, INSERT(2), INSERT(13));
    expect_error(b.verdict, ELPQ_E_SERVER, "23514", 0);
    submit(part, &b, 2, INSERT(3), INSERT(4));
    expect_error(b.verdict, ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    expect_ok(rollback(part));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 1);
    tx = begin_now(pool);
    submit(tx, &b, 2, INSERT(2), INSERT(13));
    end = commit(tx);
    expect_error(b.verdict, ELPQ_E_SERVER, "23514", 0);
    expect_error(end, ELPQ_E_ROLLED_BACK, "23514", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(what_may_have_committed_is_in_doubt)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    submit(conn, &b, 2,
           elpq_sql("do $$ begin insert into elpq_batch values (1); commit; "
                    "end $$"),
           INSERT(13));
    expect_error(b.verdict, ELPQ_E_SERVER, "23514", 0);
    ck_assert_int_eq(b.codes[0], ELPQ_E_ROLLED_BACK);
    ck_assert_uint_eq(b.flags[0], ELPQ_IN_DOUBT);
    ck_assert_int_eq(rows(), 1);
    submit(conn, &b, 4, INSERT(2), elpq_sql("do $$ begin commit; end $$"),
           INSERT(3), INSERT(13));
    expect_error(b.verdict, ELPQ_E_SERVER, "23514", 0);
    ck_assert_uint_eq(b.flags[0], ELPQ_IN_DOUBT);
    ck_assert_uint_eq(b.flags[1], ELPQ_IN_DOUBT);
    ck_assert_uint_eq(b.flags[2], ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(admin_int("select count(*) from elpq_batch where n = 3"),
                     0);
    close_conn(conn);
}
END_TEST

/* --------------------------------------------------------------- refusals */

START_TEST(what_is_no_batch_is_refused)
{
    elpq_conn_options o = { .max_batch = 2 };
    elpq_conn *conn = connect_now(NULL, &o);
    const elpq_statement *all[3] = { elpq_sql("select 1"), elpq_sql("select 2"),
                                     NULL };
    struct answer *a = answer_new();
    elpq_statement bad = { "select $1", 9, NULL, 1, 0 };

    a->wanted = 0;
    ck_assert_int_eq(CALL(elpq_batch(conn, all, 0, NULL, on_part, on_done, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_batch(conn, all, 3, NULL, on_part, on_done, a)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_batch(conn, all, 2, NULL, on_part, NULL, a)),
                     ELPQ_E_USAGE);
    all[1] = &bad;
    ck_assert_int_eq(CALL(elpq_batch(conn, all, 2, NULL, on_part, on_done, a)),
                     ELPQ_E_USAGE);
    all[1] = all[2] = all[0];
    ck_assert_int_eq(CALL(elpq_batch(conn, all, 3, NULL, on_part, on_done, a)),
                     ELPQ_E_LIMIT);
    close_conn(conn);
}
END_TEST

START_TEST(what_cannot_be_sent_refuses_all)
{
    static const char *const sql[] = { "commit",
                                       " ROLLBACK;",
                                       "/* by /* a tool */ */ commit",
                                       "-- by hand\n;commit--",
                                       "begin",
                                       "savepoint x",
                                       "copy elpq_batch from stdin",
                                       "end" };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
        submit(conn, &b, 2, INSERT(1), sql_text(sql[i]));
        expect_error(b.verdict, ELPQ_E_USAGE, "", ELPQ_NOT_EXECUTED);
        ck_assert_int_eq(b.codes[0], ELPQ_E_USAGE);
    }
    submit(conn, &b, 2, INSERT(1), elpq_sql("select $1", elpq_time(-1)));
    expect_error(b.verdict, ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
    expect_message(b.verdict, "$1");
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------- cancel, loss, close */

START_TEST(a_deadline_and_a_cancel_undo_all)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { .timeout_ms = scaled(1000) };
    elpq_request *request = NULL;
    struct batch b;

    lock_server();
    submit_with(conn, &b, &o, 3, INSERT(1), elpq_sql(BLOCKED), INSERT(2));
    expect_error(b.verdict, ELPQ_E_TIMEOUT, "57014", 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(b.codes[i], ELPQ_E_TIMEOUT);
    o.timeout_ms = 0;
    o.request = &request;
    submit_with(conn, &b, &o, 3, INSERT(1), elpq_sql(BLOCKED), INSERT(2));
    await_blocked(1);
    RUN(elpq_cancel(request));
    expect_error(b.verdict, ELPQ_E_CANCELED, "57014", 0);
    submit_with(conn, &b, &o, 2, INSERT(1), INSERT(2));
    RUN(elpq_cancel(request));
    expect_error(b.verdict, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(b.calls, 2);
    unlock_server();
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(a_lost_connection)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b, c;

    lock_server();
    submit(conn, &b, 3, INSERT(1), elpq_sql(BLOCKED), INSERT(2));
    submit(conn, &c, 2, INSERT(3), INSERT(4));
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    await(b.verdict);
    ck_assert_int_eq(b.verdict->code, ELPQ_E_LOST);
    ck_assert(b.verdict->flags & ELPQ_IN_DOUBT);
    ck_assert_uint_eq(b.calls, 3);
    expect_error(c.verdict, ELPQ_E_LOST, "57P01",
                 ELPQ_NOT_EXECUTED | ELPQ_RETRYABLE);
    unlock_server();
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

static void close_it(struct batch *b)
{
    close_conn(b->conn);
}

/* The batch is over: who closes the connection in it gets the rest of it. */
START_TEST(closing_in_a_callback)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b, c;

    submit(conn, &b, 3, elpq_sql("select 1"), elpq_sql("select 2"),
           elpq_sql("select 3"));
    b.then = close_it;
    b.conn = conn;
    submit(conn, &c, 2, elpq_sql("select 4"), elpq_sql("select 5"));
    expect_ok(b.verdict);
    ck_assert_uint_eq(b.calls, 3);
    ck_assert_int_eq(b.values[2], 3);
    await(c.verdict);
    ck_assert_int_eq(c.verdict->code, ELPQ_E_CLOSED);
    ck_assert_uint_eq(c.calls, 2);
}
END_TEST

START_TEST(only_the_verdict)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    const elpq_statement *all[] = { INSERT(1), INSERT(2) };
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_batch(conn, all, 2, NULL, NULL, on_done, a)), 0);
    a->wanted = 1;
    expect_ok(a);
    ck_assert_int_eq(rows(), 2);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------- prepared, bounds */

START_TEST(a_forgotten_statement_runs_the_batch_again)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    submit(conn, &b, 2, INSERT(1), elpq_sql("select * from elpq_batch"));
    expect_ok(b.verdict);
    expect_ok(ask(conn, elpq_sql("do $$ begin execute 'deallocate all'; end "
                                 "$$")));
    submit(conn, &b, 3, elpq_sql("select 1"), INSERT(2),
           elpq_sql("select * from elpq_batch"));
    expect_ok(b.verdict);
    ck_assert_uint_eq(b.calls, 3);
    admin_do("alter table elpq_batch add m int");
    submit(conn, &b, 2, INSERT(3), elpq_sql("select * from elpq_batch"));
    expect_ok(b.verdict);
    ck_assert_int_eq(rows(), 3);
    close_conn(conn);
}
END_TEST

START_TEST(results_are_bounded_together)
{
    elpq_conn_options o = { .max_result_bytes = 300000 };
    elpq_conn *conn = connect_now(NULL, &o);
    struct batch b;

    submit(conn, &b, 5, INSERT(1), elpq_sql("select repeat('1', 100000)"),
           elpq_sql("select repeat('2', 100000)"),
           elpq_sql("select repeat('3', 100000)"), INSERT(2));
    await(b.verdict);
    ck_assert_int_eq(b.verdict->code, ELPQ_E_LIMIT);
    ck_assert(b.verdict->flags & ELPQ_IN_DOUBT);
    close_conn(conn);
}
END_TEST

/* The plan of the last one is stale, and what went before has committed. */
START_TEST(what_has_committed_is_not_sent_again)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct batch b;

    expect_ok(ask(conn, elpq_sql("create temp table elpq_stale (n int)")));
    expect_ok(ask(conn, elpq_sql("select * from elpq_stale")));
    expect_ok(ask(conn, elpq_sql("select * from elpq_stale")));
    expect_ok(ask(conn, elpq_sql("alter table elpq_stale add m int")));
    submit(conn, &b, 3, INSERT(1), elpq_sql("do $$ begin commit; end $$"),
           elpq_sql("select * from elpq_stale"));
    await(b.verdict);
    ck_assert_int_eq(b.verdict->code, ELPQ_E_SERVER);
    ck_assert_str_eq(b.verdict->sqlstate, "0A000");
    ck_assert_uint_eq(b.flags[0], ELPQ_IN_DOUBT);
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, 20 * harness_slow());
    tcase_add_checked_fixture(tc, setup_table, teardown_table);
    suite_add_tcase(suite, tc);
    return tc;
}

static void build(Suite *suite)
{
    TCase *tc = new_case(suite, "normal");

    tcase_add_test(tc, a_result_for_each_and_one_verdict);
    tcase_add_test(tc, a_pool_and_a_transaction_take_batches);
    tcase_add_test(tc, a_long_batch);
    tcase_add_test(tc, batches_and_statements_keep_their_order);
    tcase_add_test(tc, only_the_verdict);
    tc = new_case(suite, "failures");
    tcase_add_test(tc, one_that_fails_undoes_all);
    tcase_add_test(tc, a_statement_that_cannot_be_prepared);
    tcase_add_test(tc, a_commit_that_fails);
    tcase_add_test(tc, a_failure_in_a_transaction_ends_it);
    tcase_add_test(tc, what_may_have_committed_is_in_doubt);
    tcase_add_test(tc, what_has_committed_is_not_sent_again);
    tcase_add_test(tc, what_is_no_batch_is_refused);
    tcase_add_test(tc, what_cannot_be_sent_refuses_all);
    tc = new_case(suite, "ends");
    tcase_add_test(tc, a_deadline_and_a_cancel_undo_all);
    tcase_add_test(tc, a_lost_connection);
    tcase_add_test(tc, closing_in_a_callback);
    tc = new_case(suite, "bounds");
    tcase_add_test(tc, a_forgotten_statement_runs_the_batch_again);
    tcase_add_test(tc, results_are_bounded_together);
}

int main(void)
{
    return harness_main("batch", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Cursors: declared, fetched in every direction, closed; in transactions,
 * beyond them, and after their session has gone.  Walks are in
 * check_cursor_walk.c.
 */
#include <stdio.h>
#include <string.h>

#include "cursors.h"

#define TEN "select n, 'row ' || n from generate_series(1, 10) n"

static struct answer *move(elpq_cursor *c, elpq_direction direction, int n)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_cursor_move(c, direction, n, NULL, on_result,
                                           a)), 0);
    return a;
}

static bool is_binary(struct answer *a)
{
    elpq_column_info column;

    ck_assert_int_eq(elpq_column_at(a->result, 0, &column), 0);
    return column.binary;
}

/* ------------------------------------------------------------------ fetch */

START_TEST(fetched_in_parts)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor *c = DECLARED(tx,
                              elpq_sql("select n, 'row ' || n from"
                                       " generate_series(1, $1) n", 10), NULL);
    struct answer *a[3];
    int i;

    for (i = 0; i < 3; i++)
        a[i] = fetch(c, ELPQ_FORWARD, 4);
    expect_numbers(a[0], "1 2 3 4");
    expect_numbers(a[1], "5 6 7 8");
    expect_numbers(a[2], "9 10");
    expect_numbers(a[0] = fetch(c, ELPQ_FORWARD, 4), "");
    ck_assert(is_binary(a[0])); /* once the first result had told so */
    ck_assert(!is_binary(a[1]));
    expect_int(ask(tx, elpq_sql("select 5")), 5);
    expect_ok(close_cursor(c));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(in_every_direction)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor_options o = { .scroll = ELPQ_SCROLL };
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), &o);

    expect_numbers(fetch(c, ELPQ_FORWARD, 3), "1 2 3");
    expect_numbers(fetch(c, ELPQ_BACKWARD, 2), "2 1");
    expect_numbers(fetch(c, ELPQ_ABSOLUTE, 7), "7");
    expect_numbers(fetch(c, ELPQ_ABSOLUTE, -1), "10");
    expect_numbers(fetch(c, ELPQ_RELATIVE, -4), "6");
    expect_numbers(fetch(c, ELPQ_FORWARD, 0), "6");
    expect_numbers(fetch(c, ELPQ_FORWARD, -2), "5 4");
    expect_numbers(fetch(c, ELPQ_FIRST, 0), "1");
    expect_numbers(fetch(c, ELPQ_LAST, 99), "10");
    expect_numbers(fetch(c, ELPQ_FORWARD, 1), "");
    expect_numbers(fetch(c, ELPQ_BACKWARD_ALL, 0), "10 9 8 7 6 5 4 3 2 1");
    expect_numbers(fetch(c, ELPQ_FORWARD_ALL, 0), "1 2 3 4 5 6 7 8 9 10");
    ck_assert_uint_eq(elpq_affected(expect_ok(move(c, ELPQ_BACKWARD, 4))
                                        ->result), 4);
    expect_numbers(fetch(c, ELPQ_FORWARD, 1), "8");
    ck_assert_uint_eq(elpq_affected(expect_ok(move(c, ELPQ_BACKWARD_ALL, 0))
                                        ->result), 7);
    expect_ok(close_cursor(c));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(forward_only)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor_options o = { .scroll = ELPQ_NO_SCROLL };
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), &o);

    expect_numbers(fetch(c, ELPQ_FORWARD, 2), "1 2");
    expect_error(fetch(c, ELPQ_BACKWARD, 1), ELPQ_E_SERVER, "55000", 0);
    expect_error(close_cursor(c), ELPQ_E_SERVER, "25P02", ELPQ_NOT_EXECUTED);
    expect_ok(rollback(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(text_on_demand)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), NULL);
    struct answer *a = answer_new();
    elpq_options o = { .flags = ELPQ_TEXT_RESULT };

    expect_numbers(fetch(c, ELPQ_FORWARD, 2), "1 2");
    ck_assert_int_eq(CALL(elpq_cursor_fetch(c, ELPQ_FORWARD, 1, &o, on_result,
                                            a)), 0);
    expect_numbers(a, "3");
    ck_assert(!is_binary(a));
    expect_ok(rollback(tx));
    expect_ok(close_cursor(c));
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------- names */

START_TEST(names_are_quoted)
{
    static const char *const names[] = {
        "a", "Mixed Case", "we\"ird", "\"", "x; drop table y --", "\xc3\xbc",
        "123456789012345678901234567890123456789012345678901234567890123"
    };
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        elpq_cursor_options o = { .name = names[i] };
        elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), &o);

        ck_assert_str_eq(elpq_cursor_name(c), names[i]);
        expect_int(ask(tx, elpq_sql("select count(*) from pg_cursors"
                                    " where name = $1", names[i])), 1);
        expect_numbers(fetch(c, ELPQ_FORWARD, 2), "1 2");
        expect_ok(close_cursor(c));
        expect_int(ask(tx, elpq_sql("select count(*) from pg_cursors"
                                  " where name <> ''")), 0);
    }
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(names_of_its_own)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor *a = DECLARED(tx, elpq_sql(TEN), NULL);
    elpq_cursor *b = DECLARED(tx, elpq_sql(TEN), NULL);

    ck_assert_str_ne(elpq_cursor_name(a), elpq_cursor_name(b));
    expect_numbers(fetch(a, ELPQ_FORWARD, 2), "1 2");
    expect_numbers(fetch(b, ELPQ_FORWARD, 3), "1 2 3");
    expect_numbers(fetch(a, ELPQ_FORWARD, 1), "3");
    expect_ok(close_cursor(a));
    expect_ok(close_cursor(b));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(what_is_refused)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), NULL);
    elpq_cursor_options empty = { .name = "" }, odd = { .scroll = 7 };
    elpq_cursor_options is_long = {
        .name = "1234567890123456789012345678901234567890"
                "123456789012345678901234"
    };
    const elpq_statement *st = elpq_sql(TEN);
    struct declared d;

#define REFUSED(call, code) ck_assert_int_eq(CALL(call), code)
    REFUSED(elpq_declare(tx, st, &empty, on_cursor, &d), ELPQ_E_USAGE);
    REFUSED(elpq_declare(tx, st, &odd, on_cursor, &d), ELPQ_E_USAGE);
    REFUSED(elpq_declare(tx, st, &is_long, on_cursor, &d), ELPQ_E_USAGE);
    REFUSED(elpq_declare(tx, st, NULL, NULL, &d), ELPQ_E_USAGE);
    REFUSED(elpq_declare((elpq_tx *)NULL, st, NULL, on_cursor, &d),
            ELPQ_E_USAGE);
    REFUSED(elpq_declare((elpq_conn *)NULL, st, NULL, on_cursor, &d),
            ELPQ_E_USAGE);
    REFUSED(elpq_cursor_fetch(c, (elpq_direction)99, 1, NULL, on_result, &d),
            ELPQ_E_USAGE);
    REFUSED(elpq_cursor_fetch(c, ELPQ_FORWARD, INT32_MIN, NULL, on_result,
                              &d), ELPQ_E_USAGE);
    REFUSED(elpq_cursor_fetch(c, ELPQ_FORWARD, 1, NULL, NULL, &d),
            ELPQ_E_USAGE);
    REFUSED(elpq_cursor_fetch(NULL, ELPQ_FORWARD, 1, NULL, on_result, &d),
            ELPQ_E_USAGE);
    REFUSED(elpq_cursor_close(NULL, on_done, &d), 0);
    expect_ok(close_cursor(c));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

START_TEST(declarations_that_fail)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct declared d = { 0 };

    DECLARE(&d, conn, elpq_sql(TEN), NULL);
    expect_error(d.a, ELPQ_E_SERVER, "25P01", 0);
    ck_assert_ptr_null(d.cursor);
    expect_ok(ask(conn, elpq_sql("begin")));
    DECLARE(&d, conn, elpq_sql("delete from pg_class"), NULL);
    expect_error(d.a, ELPQ_E_SERVER, "42601", 0);
    close_conn(conn);
}
END_TEST

/* ----------------------------------------------------- sessions and ends */

START_TEST(held_beyond_its_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_cursor_options o = { .hold = true };
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_cursor *a = DECLARED(tx, elpq_sql(TEN), &o);
    elpq_cursor *b;

    expect_ok(commit(tx));
    b = DECLARED(conn, elpq_sql(TEN), &o);
    expect_numbers(fetch(a, ELPQ_FORWARD, 2), "1 2");
    expect_numbers(fetch(b, ELPQ_FORWARD, 2), "1 2");
    expect_ok(close_cursor(a));
    expect_ok(close_cursor(b));
    expect_int(ask(conn, elpq_sql("select count(*) from pg_cursors"
                                  " where name <> ''")), 0);
    close_conn(conn);
}
END_TEST

START_TEST(the_pool_closes_what_is_held)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_cursor_options o = { .hold = true };
    elpq_cursor *c = DECLARED(conn, elpq_sql(TEN), &o);
    struct answer *a;

    release(conn);
    ck_assert_int_eq(CALL(elpq_cursor_fetch(c, ELPQ_FORWARD, 1, NULL,
                                            on_result, NULL)), ELPQ_E_CLOSED);
    expect_int(ask(pool, elpq_sql("select count(*) from pg_cursors"
                                  " where name <> ''")), 0);
    a = close_cursor(c);
    ck_assert_int_eq(a->calls, 0);
    expect_ok(a);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* A handle that is left over must not fail what comes next. */
START_TEST(after_its_transaction)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), NULL);
    struct answer *a;

    a = commit(tx);
    expect_error(fetch(c, ELPQ_FORWARD, 1), ELPQ_E_SERVER, "34000", 0);
    expect_ok(a);
    tx = expect_ok(begin(conn, NULL))->tx;
    ck_assert_int_eq(CALL(elpq_cursor_fetch(c, ELPQ_FORWARD, 1, NULL,
                                            on_result, NULL)), ELPQ_E_CLOSED);
    expect_ok(close_cursor(c));
    expect_int(ask(tx, elpq_sql("select 4")), 4);
    expect_ok(commit(tx));
    close_conn(conn);
}
END_TEST

START_TEST(closed_behind_the_commit)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), NULL);
    struct answer *end = commit(tx), *closed = close_cursor(c);

    expect_ok(end);
    expect_ok(closed);
    expect_int(ask(pool, elpq_sql("select 4")), 4);
    finish_pool(pool);
}
END_TEST

START_TEST(gone_with_its_savepoint)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part = expect_ok(savepoint(tx))->tx;
    elpq_cursor *c = DECLARED(part, elpq_sql(TEN), NULL);

    expect_ok(rollback(part));
    ck_assert_int_eq(
        CALL(elpq_cursor_fetch(c, ELPQ_FORWARD, 1, NULL, on_result, NULL)),
        ELPQ_E_CLOSED);
    /* And closing it does not fail what is around the savepoint. */
    expect_ok(close_cursor(c));
    expect_int(ask(tx, elpq_sql("select 4")), 4);
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

/* Its savepoint was released: it is the transaction's. */
START_TEST(outlives_its_savepoint)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool), *part = expect_ok(savepoint(tx))->tx;
    elpq_tx *other;
    elpq_cursor *c = DECLARED(part, elpq_sql(TEN), NULL);

    expect_ok(commit(part));
    other = expect_ok(savepoint(tx))->tx;
    expect_ok(rollback(other));
    expect_numbers(fetch(c, ELPQ_FORWARD, 2), "1 2");
    expect_ok(close_cursor(c));
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

/* A held one goes with the transaction that was rolled back, or could not be
 * committed, and closing it fails no later one. */
START_TEST(held_and_rolled_back)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_cursor_options o = { .hold = true };
    elpq_tx *tx = expect_ok(begin(conn, NULL))->tx;
    elpq_cursor *c = DECLARED(tx, elpq_sql(TEN), &o);

    if (_i == 0) {
        expect_ok(rollback(tx));
    } else {
        expect_error(ask(tx, elpq_sql("select 1 / 0")), ELPQ_E_SERVER, "22012",
                     0);
        expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "22012",
                     ELPQ_NOT_EXECUTED);
    }
    tx = expect_ok(begin(conn, NULL))->tx;
    expect_ok(close_cursor(c));
    expect_int(ask(tx, elpq_sql("select 4")), 4);
    expect_ok(commit(tx));
    close_conn(conn);
}
END_TEST

START_TEST(its_connection_was_closed)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_cursor_options o = { .hold = true };
    elpq_cursor *c = DECLARED(conn, elpq_sql(TEN), &o);
    elpq_cursor *d = DECLARED(conn, elpq_sql(TEN), &o);
    struct answer *closed = close_cursor(d);

    close_conn(conn);
    expect_ok(closed);
    ck_assert_int_eq(CALL(elpq_cursor_fetch(c, ELPQ_FORWARD, 1, NULL,
                                            on_result, NULL)), ELPQ_E_CLOSED);
    ck_assert_int_eq(CALL(elpq_cursor_close(c, NULL, NULL)), 0);
}
END_TEST

START_TEST(canceling_a_fetch)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_cursor *c = DECLARED(tx, elpq_sql(BLOCKED), NULL);
    struct answer *a;

    lock_server();
    a = fetch(c, ELPQ_FORWARD, 1);
    await_blocked(1);
    cancel(a);
    expect_error(a, ELPQ_E_CANCELED, "57014", 0);
    unlock_server();
    expect_ok(rollback(tx));
    expect_ok(close_cursor(c));
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "fetch", 0);

    tcase_add_test(t, fetched_in_parts);
    tcase_add_test(t, in_every_direction);
    tcase_add_test(t, forward_only);
    tcase_add_test(t, text_on_demand);
    tcase_add_test(t, names_are_quoted);
    tcase_add_test(t, names_of_its_own);
    tcase_add_test(t, what_is_refused);
    tcase_add_test(t, declarations_that_fail);
    t = harness_case(s, "ends", 0);
    tcase_add_test(t, held_beyond_its_transaction);
    tcase_add_test(t, the_pool_closes_what_is_held);
    tcase_add_test(t, after_its_transaction);
    tcase_add_test(t, closed_behind_the_commit);
    tcase_add_test(t, gone_with_its_savepoint);
    tcase_add_test(t, outlives_its_savepoint);
    tcase_add_loop_test(t, held_and_rolled_back, 0, 2);
    tcase_add_test(t, its_connection_was_closed);
    tcase_add_test(t, canceling_a_fetch);
}

int main(void)
{
    return harness_main("cursor", build);
}

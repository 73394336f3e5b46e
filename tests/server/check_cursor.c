/* SPDX-License-Identifier: PostgreSQL */
/*
 * Cursors: declared, fetched in every direction, walked, closed; in
 * transactions, beyond them, and after their session has gone.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define TEN "select n, 'row ' || n from generate_series(1, 10) n"

struct declared {
    struct answer *a;
    elpq_cursor *cursor;
};

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    struct declared *d = arg;

    ck_assert_msg(!cursor != !error, "a cursor and an error, or neither");
    d->cursor = cursor;
    on_done(error, d->a);
}

/* Refused is a failure of the test. */
#define DECLARE(d, target, st, options)                                       \
    do {                                                                      \
        (d)->a = answer_new();                                                \
        ck_assert_int_eq(CALL(elpq_declare(target, st, options, on_cursor,    \
                                           d)), 0);                           \
    } while (0)

static elpq_cursor *declared_tx(elpq_tx *tx, const elpq_statement *st,
                                const elpq_cursor_options *options)
{
    struct declared d;

    DECLARE(&d, tx, st, options);
    expect_ok(d.a);
    return d.cursor;
}

static elpq_cursor *declared_conn(elpq_conn *conn, const elpq_statement *st,
                                  const elpq_cursor_options *options)
{
    struct declared d;

    DECLARE(&d, conn, st, options);
    expect_ok(d.a);
    return d.cursor;
}

#define DECLARED(target, st, options)                                         \
    _Generic((target), elpq_conn *: declared_conn,                            \
             elpq_tx *: declared_tx)(target, st, options)

static struct answer *fetch(elpq_cursor *c, elpq_direction direction, int n)
{
    struct answer *a = answer_new();
    elpq_options o = { .request = &a->request };

    ck_assert_int_eq(CALL(elpq_cursor_fetch(c, direction, n, &o, on_result,
                                            a)), 0);
    return a;
}

static struct answer *move(elpq_cursor *c, elpq_direction direction, int n)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_cursor_move(c, direction, n, NULL, on_result,
                                           a)), 0);
    return a;
}

static struct answer *close_cursor(elpq_cursor *c)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_cursor_close(c, on_done, a)), 0);
    return a;
}

/* The first column of all rows, as "1 2 3". */
static void expect_numbers(struct answer *a, const char *numbers)
{
    char text[200] = "";

    expect_ok(a);
    for (size_t i = 0; i < elpq_rows(a->result); i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
                 i ? " " : "", elpq_get_text(a->result, i, 0));
    ck_assert_str_eq(text, numbers);
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
    expect_error(fetch(c, ELPQ_FORWARD, 1), ELPQ_E_SERVER, "34000", 0);
    expect_ok(rollback(tx));
    expect_ok(close_cursor(c));
    finish_pool(pool);
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

/* -------------------------------------------------------------------- walk */

struct walk {
    struct answer *a;
    elpq_cursor *cursor;
    int64_t rows;
    int chunks;
    bool paused;
    bool ended;
    int at; /* the chunk that acts */
    void (*act)(struct walk *w);
    void *data;
};

static void on_chunk(elpq_result *rows, elpq_cursor *cursor, void *arg)
{
    struct walk *w = arg;

    ck_assert_msg(harness_depth == 0, "rows came inside a call");
    ck_assert_msg(!w->paused && !w->ended && w->a->calls == 0,
                  "rows came though it was paused or over");
    ck_assert_ptr_eq(cursor, w->cursor);
    for (size_t i = 0; i < elpq_rows(rows); i++) {
        int64_t n;

        ck_assert_int_eq(elpq_get_int64(rows, i, 0, &n), 0);
        ck_assert_int_eq(n, ++w->rows);
    }
    if (++w->chunks == w->at || (w->act && w->at == 0))
        w->act(w);
}

static void on_walked(const elpq_error *error, void *arg)
{
    on_done(error, ((struct walk *)arg)->a);
}

static struct answer *walk(struct walk *w, elpq_cursor *cursor, int rows)
{
    w->cursor = cursor;
    w->a = answer_new();
    ck_assert_int_eq(CALL(elpq_cursor_walk(cursor, rows, on_chunk, on_walked,
                                           w)), 0);
    return w->a;
}

static void pause_walk(struct walk *w)
{
    w->paused = true;
    RUN(elpq_cursor_pause(w->cursor));
}

static void resume_walk(struct walk *w)
{
    w->paused = false;
    RUN(elpq_cursor_resume(w->cursor));
}

static void stop_walk(struct walk *w)
{
    w->ended = true;
    RUN(elpq_cursor_stop(w->cursor));
}

static void close_walk(struct walk *w)
{
    w->ended = true;
    w->data = close_cursor(w->cursor);
}

static void await_chunks(struct walk *w, int n)
{
    run_until(&w->chunks, n);
}

/* The cursor of a thousand numbers in a transaction of a pool of one. */
struct scene {
    elpq_pool *pool;
    elpq_tx *tx;
    elpq_cursor *cursor;
};

static struct scene begin_scene(const char *sql)
{
    struct scene s;

    s.pool = pool_of(1);
    s.tx = begin_now(s.pool);
    s.cursor = DECLARED(s.tx, sql_text(sql), NULL);
    return s;
}

#define THOUSAND "select n from generate_series(1, 1000) n"

/* Nothing that the walk did has failed the transaction. */
static void end_scene(struct scene s)
{
    if (s.cursor)
        expect_ok(close_cursor(s.cursor));
    expect_int(ask(s.tx, elpq_sql("select 12")), 12);
    expect_ok(commit(s.tx));
    finish_pool(s.pool);
}

START_TEST(walked_to_its_end)
{
    static const int sizes[] = { 1000, 999, 300, 5000, 10 };
    static const int chunks[] = { 1, 2, 4, 1, 100 };

    for (int i = 0; i < 5; i++) {
        struct scene s = begin_scene(THOUSAND);
        struct walk w = { 0 }, again = { 0 };

        expect_ok(walk(&w, s.cursor, sizes[i]));
        ck_assert_int_eq(w.rows, 1000);
        ck_assert_int_eq(w.chunks, chunks[i]);
        expect_ok(walk(&again, s.cursor, sizes[i]));
        ck_assert_int_eq(again.chunks, 0);
        end_scene(s);
    }
}
END_TEST

START_TEST(one_walk_at_a_time)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk w = { 0 };

    walk(&w, s.cursor, 100);
    ck_assert_int_eq(CALL(elpq_cursor_walk(s.cursor, 1, on_chunk, on_walked,
                                           &w)), ELPQ_E_USAGE);
    expect_ok(w.a);
    ck_assert_int_eq(CALL(elpq_cursor_walk(s.cursor, 0, on_chunk, on_walked,
                                           &w)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_cursor_walk(s.cursor, 1, NULL, on_walked, &w)),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_cursor_walk(s.cursor, 1, on_chunk, NULL, &w)),
                     ELPQ_E_USAGE);
    end_scene(s);
}
END_TEST

START_TEST(pausing_a_walk)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk w = { .act = pause_walk };
    int i;

    walk(&w, s.cursor, 300);
    for (i = 1; i <= 3; i++) {
        await_chunks(&w, i);
        /* Meanwhile the connection is free. */
        expect_int(ask(s.tx, elpq_sql("select $1", i)), i);
        ck_assert_int_eq(w.chunks, i);
        resume_walk(&w);
        RUN(elpq_cursor_resume(s.cursor));
    }
    expect_ok(w.a);
    ck_assert_int_eq(w.rows, 1000);
    end_scene(s);
}
END_TEST

START_TEST(stopping_a_walk)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk inside = { .at = 2, .act = stop_walk };
    struct walk paused = { .act = pause_walk, .rows = 200 };
    struct walk early = { .rows = 300 };

    expect_ok(walk(&inside, s.cursor, 100));
    ck_assert_int_eq(inside.chunks, 2);
    walk(&paused, s.cursor, 100);
    await_chunks(&paused, 1);
    stop_walk(&paused);
    ck_assert_int_eq(paused.a->calls, 0);
    expect_ok(paused.a);
    walk(&early, s.cursor, 100);
    stop_walk(&early);
    expect_ok(early.a);
    ck_assert_int_eq(early.chunks, 0);
    expect_numbers(fetch(s.cursor, ELPQ_FORWARD, 1), "401");
    end_scene(s);
}
END_TEST

START_TEST(closing_during_a_walk)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk inside = { .at = 2, .act = close_walk };
    struct walk paused = { .act = pause_walk }, early = { 0 };

    expect_ok(walk(&inside, s.cursor, 100));
    expect_ok(inside.data);
    ck_assert_uint_lt(inside.a->order, ((struct answer *)inside.data)->order);
    s.cursor = DECLARED(s.tx, elpq_sql(THOUSAND), NULL);
    walk(&paused, s.cursor, 100);
    await_chunks(&paused, 1);
    close_walk(&paused);
    expect_ok(paused.data);
    ck_assert_uint_lt(paused.a->order, ((struct answer *)paused.data)->order);
    s.cursor = DECLARED(s.tx, elpq_sql(THOUSAND), NULL);
    walk(&early, s.cursor, 100);
    close_walk(&early);
    expect_ok(early.data);
    ck_assert_uint_lt(early.a->order, ((struct answer *)early.data)->order);
    s.cursor = NULL;
    end_scene(s);
}
END_TEST

START_TEST(an_error_in_a_walk)
{
    struct scene s = begin_scene("select n, 1 / (501 - n) from"
                                 " generate_series(1, 1000) n");
    struct walk w = { 0 };

    expect_error(walk(&w, s.cursor, 100), ELPQ_E_SERVER, "22012", 0);
    ck_assert_int_eq(w.rows, 500);
    expect_ok(rollback(s.tx));
    expect_ok(close_cursor(s.cursor));
    finish_pool(s.pool);
}
END_TEST

static void close_the_pool(struct walk *w)
{
    w->ended = true;
    close_pool(w->data, 0);
}

static void roll_back(struct walk *w)
{
    w->ended = true;
    w->data = rollback(w->data);
}

/* Whatever goes inside rows, the walk ends once, and the handle stays good. */
START_TEST(losing_all_inside_rows)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk w = { .at = 2, .act = close_the_pool, .data = s.pool };
    elpq_conn *conn = elpq_tx_conn(s.tx);

    ck_assert_int_eq(expect_error(walk(&w, s.cursor, 100), ELPQ_E_CLOSED, "",
                                  ELPQ_NOT_EXECUTED)->calls, 1);
    ck_assert(!elpq_conn_is_open(conn));
    expect_ok(close_cursor(s.cursor));
    expect_ok(rollback(s.tx));

    s = begin_scene(THOUSAND);
    w = (struct walk){ .at = 2, .act = roll_back, .data = s.tx };
    walk(&w, s.cursor, 100);
    await(w.a);
    ck_assert_int_ne(w.a->code, 0);
    expect_ok(w.data);
    expect_ok(close_cursor(s.cursor));
    expect_int(ask(s.pool, elpq_sql("select 1")), 1);
    finish_pool(s.pool);
}
END_TEST

START_TEST(losing_the_connection_in_a_walk)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk w = { .act = pause_walk };

    walk(&w, s.cursor, 100);
    await_chunks(&w, 1);
    terminate(elpq_conn_pid(elpq_tx_conn(s.tx)));
    resume_walk(&w);
    await(w.a);
    ck_assert(w.a->code == ELPQ_E_LOST || w.a->code == ELPQ_E_CLOSED);
    expect_ok(close_cursor(s.cursor));
    expect_ok(rollback(s.tx));
    finish_pool(s.pool);
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
    tcase_add_test(t, its_connection_was_closed);
    tcase_add_test(t, canceling_a_fetch);
    t = harness_case(s, "walk", 0);
    tcase_add_test(t, walked_to_its_end);
    tcase_add_test(t, one_walk_at_a_time);
    tcase_add_test(t, pausing_a_walk);
    tcase_add_test(t, stopping_a_walk);
    tcase_add_test(t, closing_during_a_walk);
    tcase_add_test(t, an_error_in_a_walk);
    tcase_add_test(t, losing_all_inside_rows);
    tcase_add_test(t, losing_the_connection_in_a_walk);
}

int main(void)
{
    return harness_main("cursor", build);
}

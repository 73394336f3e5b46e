/* SPDX-License-Identifier: PostgreSQL */
/*
 * Walks: a cursor read chunk by chunk, with pause, stop and close, and with
 * all that may go away under it.
 */
#include "cursors.h"

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

/* Its transaction is as good as over, but a chunk is still to come. */
START_TEST(closing_behind_the_end_of_its_transaction)
{
    struct scene s = begin_scene(THOUSAND);
    struct walk w = { 0 };
    struct answer *end;

    walk(&w, s.cursor, 100);
    end = rollback(s.tx);
    close_walk(&w);
    expect_ok(w.data);
    ck_assert_int_eq(w.a->calls, 1);
    ck_assert_uint_lt(w.a->order, ((struct answer *)w.data)->order);
    expect_ok(end);
    finish_pool(s.pool);
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
    TCase *t = harness_case(s, "walk", 0);

    tcase_add_test(t, walked_to_its_end);
    tcase_add_test(t, one_walk_at_a_time);
    tcase_add_test(t, pausing_a_walk);
    tcase_add_test(t, stopping_a_walk);
    tcase_add_test(t, closing_during_a_walk);
    tcase_add_test(t, closing_behind_the_end_of_its_transaction);
    tcase_add_test(t, an_error_in_a_walk);
    tcase_add_test(t, losing_all_inside_rows);
    tcase_add_test(t, losing_the_connection_in_a_walk);
}

int main(void)
{
    return harness_main("cursor walk", build);
}

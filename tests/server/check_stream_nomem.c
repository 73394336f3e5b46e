/* SPDX-License-Identifier: PostgreSQL */
/*
 * Streams and cursors without memory: each allocation of their own files, and
 * of results and buffers, fails once.  Whatever fails is told, exactly once,
 * and the connection goes on.
 *
 * Those files are compiled into this program, with a malloc that can fail.
 */
#include <stdlib.h>
#include <string.h>

static long countdown; /* 0: none is to fail */

static int fails(void)
{
    return countdown > 0 && --countdown == 0;
}

static void *test_malloc(size_t size)
{
    return fails() ? NULL : malloc(size);
}

static void *test_calloc(size_t count, size_t size)
{
    return fails() ? NULL : calloc(count, size);
}

static void *test_realloc(void *old, size_t size)
{
    return fails() ? NULL : realloc(old, size);
}

static char *test_strdup(const char *s)
{
    return fails() ? NULL : strdup(s);
}

#undef strdup
#define malloc test_malloc
#define calloc test_calloc
#define realloc test_realloc
#define strdup test_strdup
#include "../../lib/buf.c"
#include "../../lib/cursor.c"
#include "../../lib/result.c"
#include "../../lib/stream.c"
#undef malloc
#undef calloc
#undef realloc
#undef strdup

#include "flow.h"

/* Runs `once` with the first allocation failing, then the second, and so on
 * until none is left to fail; it tells whether all went well. */
static void expect_each_told(bool (*once)(elpq_conn *conn), int least)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    bool failed = true;
    int n;

    for (n = 0; failed; n++) {
        bool well;

        countdown = n + 1;
        well = once(conn);
        failed = countdown == 0;
        countdown = 0;
        ck_assert(well || failed);
        expect_int(ask(conn, elpq_sql("select 21")), 21);
        ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
        ck_assert_int_lt(n, 100);
    }
    ck_assert_int_gt(n, least);
    close_conn(conn);
}

static int wanted_rows;

static bool stream_once(elpq_conn *conn)
{
    struct flow f = { .counts = true };
    elpq_options o = { .request = &f.stream, .flags = ELPQ_NO_PREPARE };
    int code;

    f.a = answer_new();
    code = CALL(elpq_stream(
        conn, elpq_sql("select n from generate_series(1, $1) n", wanted_rows),
        &o, on_rows, on_end, &f));
    if (code) {
        f.a->wanted = 0;
        return false;
    }
    await(f.a);
    ck_assert(f.a->code == 0 || f.a->code == ELPQ_E_NOMEM);
    ck_assert(f.a->code != 0 || f.rows == wanted_rows);
    return f.a->code == 0;
}

/* Of a single row there is no other chunk that could tell. */
START_TEST(streams)
{
    wanted_rows = _i == 0 ? 5 : 1;
    expect_each_told(stream_once, 2);
}
END_TEST

static elpq_cursor *cursor_got;

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    cursor_got = cursor;
    on_done(error, arg);
}

static void on_walk_rows(elpq_result *rows, elpq_cursor *cursor, void *arg)
{
    (void)cursor;
    *(int *)((struct answer *)arg)->data += (int)elpq_rows(rows);
}

/* The code of the call, or what the callback gets. */
static int outcome_of(struct answer *a, int code)
{
    if (code)
        a->wanted = 0;
    else
        code = await(a)->code;
    ck_assert(code == 0 || code == ELPQ_E_NOMEM);
    return code;
}

static bool cursor_once(elpq_conn *conn)
{
    elpq_cursor_options o = { .hold = true, .tag = "t" };
    struct answer *a = answer_new();
    int rows = 0, code;

    if (outcome_of(a, CALL(elpq_declare(conn,
                                        elpq_sql("select n from"
                                                 " generate_series(1, 5) n"),
                                        &o, on_cursor, a))))
        return false;
    a = answer_new();
    a->data = &rows;
    code = outcome_of(a, CALL(elpq_cursor_walk(cursor_got, 2, on_walk_rows,
                                               on_done, a)));
    ck_assert(code || rows == 5);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_cursor_close(cursor_got, on_done, a)), 0);
    /* It may be the result of CLOSE that has no memory. */
    return outcome_of(a, 0) == 0 && code == 0;
}

START_TEST(cursors)
{
    expect_each_told(cursor_once, 5);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "memory fails", 0);

    tcase_add_loop_test(t, streams, 0, 2);
    tcase_add_test(t, cursors);
}

int main(void)
{
    return harness_main("stream without memory", build);
}

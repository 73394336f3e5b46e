/* SPDX-License-Identifier: PostgreSQL */
/*
 * The program behind docs/streaming.md: its regions are the document's blocks,
 * and it runs them against the server.  With --print it prints nothing: what
 * its statements return is not in the document.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <string.h>

#include "../support/harness.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

struct report {
    elpq_pool *pool;
    elpq_tx *tx;
    elpq_cursor *cursor;
    elpq_request *stream;
    struct bufferevent *client;
    int64_t sum;
    int64_t found;
    int done;
    bool failed;
};

static void report_line(struct report *r, int64_t id, const char *name)
{
    r->sum += id + (int64_t)strlen(name);
}

/* [stream-rows] */
static void report_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    for (size_t row = 0; row < elpq_rows(rows); row++) {
        int64_t id;
        const char *name;

        if (elpq_scan(rows, row, &id, &name) == 0)
            report_line(arg, id, name);
    }
}

static void report_done(const elpq_error *error, void *arg)
{
    struct report *r = arg;

    r->failed = error != NULL; /* rows that came before were handed over */
    r->done = 1;
}

static int start_report(struct report *r)
{
    return elpq_stream(r->pool,
                       elpq_sql("select id, name from customers"
                                " where id > $1 order by id", INT64_C(0)),
                       NULL, report_rows, report_done, r);
}
/* [/stream-rows] */

/* [stream-pause] */
static void send_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct report *r = arg;
    struct evbuffer *out = bufferevent_get_output(r->client);

    for (size_t row = 0; row < elpq_rows(rows); row++)
        evbuffer_add_printf(out, "%s\n", elpq_get_text(rows, row, 1));
    if (evbuffer_get_length(out) > 65536)
        elpq_stream_pause(stream); /* the server stops, too */
}

static void client_has_read(struct bufferevent *client, void *arg)
{
    struct report *r = arg;

    elpq_stream_resume(r->stream); /* NULL when it is over: nothing happens */
}
/* [/stream-pause] */

/* [stream-stop] */
static void first_that_fits(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct report *r = arg;
    int64_t id;

    if (elpq_get_int64(rows, 0, 0, &id) == 0 && id % 7 == 0) {
        r->found = id;
        elpq_stream_stop(stream);
    }
}
/* [/stream-stop] */

/* [stream-options] */
static int start_long_report(struct report *r)
{
    elpq_options options = {
        .timeout_ms = ELPQ_NO_TIMEOUT, /* pauses count for the deadline */
        .chunk_rows = 100,             /* where libpq can: 17 or newer   */
        .tag = "report",
        .request = &r->stream,         /* to resume, stop or cancel it   */
    };

    return elpq_stream(r->pool, elpq_sql("select id, name from customers"),
                       &options, send_rows, report_done, r);
}
/* [/stream-options] */

/* [cursor-walk] */
static void page(elpq_result *rows, elpq_cursor *cursor, void *arg)
{
    struct report *r = arg;

    r->sum += (int64_t)elpq_rows(rows);
    if (r->sum >= 250)
        elpq_cursor_stop(cursor); /* the transaction is as good as before */
}

static void on_walked(const elpq_error *error, void *arg)
{
    struct report *r = arg;

    elpq_cursor_close(r->cursor, NULL, NULL);
    if (error)
        elpq_rollback(r->tx, report_done, r);
    else
        elpq_commit(r->tx, report_done, r);
}

static void on_cursor(elpq_cursor *cursor, const elpq_error *error, void *arg)
{
    struct report *r = arg;

    r->cursor = cursor;
    if (error || elpq_cursor_walk(cursor, 100, page, on_walked, r) != 0)
        on_walked(error, r);
}

static void on_begin(elpq_tx *tx, const elpq_error *error, void *arg)
{
    struct report *r = arg;

    r->tx = tx;
    if (error)
        report_done(error, r);
    else
        elpq_declare(tx, elpq_sql("select id, name from customers"), NULL,
                     on_cursor, r);
}
/* [/cursor-walk] */

static void on_scrolled(elpq_result *result, const elpq_error *error,
                        void *arg)
{
    struct report *r = arg;
    int64_t id;

    if (!error && elpq_get_int64(result, 0, 0, &id) == 0)
        r->sum = r->sum * 1000 + id;
}

/* [cursor-scroll] */
static void on_scroll_cursor(elpq_cursor *cursor, const elpq_error *error,
                             void *arg)
{
    struct report *r = arg;

    if (error) {
        elpq_rollback(r->tx, report_done, r);
        return;
    }
    elpq_cursor_fetch(cursor, ELPQ_ABSOLUTE, 100, NULL, on_scrolled, r);
    elpq_cursor_move(cursor, ELPQ_FORWARD, 50, NULL, on_scrolled, r);
    elpq_cursor_fetch(cursor, ELPQ_BACKWARD, 10, NULL, on_scrolled, r);
    elpq_cursor_fetch(cursor, ELPQ_LAST, 0, NULL, on_scrolled, r);
    elpq_cursor_close(cursor, NULL, NULL);
    elpq_commit(r->tx, report_done, r);
}

static void scroll(elpq_tx *tx, struct report *r)
{
    elpq_cursor_options options = { .scroll = ELPQ_SCROLL };

    elpq_declare(tx, elpq_sql("select id from customers order by id"),
                 &options, on_scroll_cursor, r);
}
/* [/cursor-scroll] */

/* ------------------------------------------------------------------- tests */

static struct report begin_report(void)
{
    struct report r = { .pool = pool_of(1) };

    admin_do("set client_min_messages = error");
    admin_do("drop table if exists customers");
    admin_do("create table customers as select n::int8 as id, 'c' || n as name"
             " from generate_series(1, 1000) n");
    admin_do("grant select on customers to public");
    return r;
}

static void end_report(struct report *r)
{
    run_until(&r->done, 1);
    ck_assert(!r->failed);
    finish_pool(r->pool);
    admin_do("drop table customers");
}

START_TEST(rows)
{
    struct report r = begin_report();

    ck_assert_int_eq(CALL(start_report(&r)), 0);
    end_report(&r);
    ck_assert_int_eq(r.sum, 500500 + 3893);
}
END_TEST

START_TEST(pauses)
{
    struct report r = begin_report();
    struct bufferevent *pair[2];
    size_t taken = 0, n;
    char bytes[4096];

    ck_assert_int_eq(bufferevent_pair_new(loop, 0, pair), 0);
    r.client = pair[0];
    bufferevent_setcb(pair[0], NULL, client_has_read, NULL, &r);
    bufferevent_enable(pair[1], EV_READ);
    ck_assert_int_eq(CALL(start_long_report(&r)), 0);
    while (!r.done || taken < 4893) {
        event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        while ((n = bufferevent_read(pair[1], bytes, sizeof(bytes))) > 0)
            taken += n;
        if (!r.done)
            RUN(client_has_read(pair[0], &r));
    }
    end_report(&r);
    ck_assert_uint_eq(taken, 4893);
    bufferevent_free(pair[0]);
    bufferevent_free(pair[1]);
}
END_TEST

START_TEST(stop)
{
    struct report r = begin_report();

    ck_assert_int_eq(CALL(elpq_stream(r.pool,
                                      elpq_sql("select id from customers"
                                               " where id > 10 order by id"),
                                      NULL, first_that_fits, report_done,
                                      &r)), 0);
    end_report(&r);
    ck_assert_int_eq(r.found, 14);
}
END_TEST

START_TEST(walk)
{
    struct report r = begin_report();

    ck_assert_int_eq(CALL(elpq_begin(r.pool, NULL, on_begin, &r)), 0);
    end_report(&r);
    ck_assert_int_eq(r.sum, 300);
}
END_TEST

START_TEST(scrolling)
{
    struct report r = begin_report();

    r.tx = begin_now(r.pool);
    RUN(scroll(r.tx, &r));
    end_report(&r);
    ck_assert_int_eq(r.sum, ((INT64_C(100) * 1000) + 149) * 1000 + 1000);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "streaming", 0);

    tcase_add_test(t, rows);
    tcase_add_test(t, pauses);
    tcase_add_test(t, stop);
    tcase_add_test(t, walk);
    tcase_add_test(t, scrolling);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: streaming", build);
}

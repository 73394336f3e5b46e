/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY into a table, as bytes: formats, back-pressure, errors.
 */
#include <signal.h>

#include "copy_in.h"

/* ---------------------------------------------------------------- formats */

START_TEST(text)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\tann\n2\t\\N\n");
    struct answer *a = expect_ok(copy_in(conn, &table, &f));

    ck_assert_str_eq(elpq_command(a->result), "COPY 2");
    ck_assert_uint_eq(elpq_affected(a->result), 2);
    ck_assert_int_eq(f.calls, 1);
    ck_assert_int_eq(admin_int("select count(*) from elpq_copy where t = 'ann'"
                               " and n = 1"), 1);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(csv_with_all_options)
{
    static const char *const columns[] = { "t", "n", NULL };
    elpq_copy_spec spec = { .table = "elpq_copy", .columns = columns,
                            .format = ELPQ_COPY_CSV, .header = true,
                            .delimiter = '\'', .quote = '|', .escape = '\\',
                            .null = "it's \\ none" };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("t'n\n|a'\\||'1\nit's \\ none'2\n");

    spec.delimiter = ';';
    f.data = "t;n\n|a;\\||;1\nit's \\ none;2\n";
    f.length = f.size = strlen(f.data);
    expect_ok(copy_in(conn, &spec, &f));
    ck_assert_int_eq(admin_int("select count(*) from elpq_copy where t = 'a;|'"
                               " and n = 1 or t is null and n = 2"), 2);
    close_conn(conn);
}
END_TEST

START_TEST(binary)
{
    static const char bytes[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
                                "\0\2\0\0\0\4\0\0\0\7\0\0\0\2hi\377\377";
    elpq_copy_spec spec = { .table = "elpq_copy", .format = ELPQ_COPY_BINARY };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .data = bytes, .length = sizeof(bytes) - 1,
                      .size = sizeof(bytes) - 1 };

    expect_ok(copy_in(conn, &spec, &f));
    ck_assert_int_eq(admin_int("select n from elpq_copy where t = 'hi'"), 7);
    close_conn(conn);
}
END_TEST

START_TEST(sql_of_a_literal)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("5,x\n");

    expect_ok(copy_in(conn, elpq_copy_sql("copy elpq_copy from stdin"
                                          " (format csv)"), &f));
    ck_assert_int_eq(rows(), 1);
    close_conn(conn);
}
END_TEST

/* Names are identifiers, whatever they hold. */
START_TEST(names_are_quoted)
{
    static const char *const columns[] = { "a\"b", "select", NULL };
    elpq_copy_spec spec = { .table = "t\"; drop table elpq_copy; --",
                            .columns = columns };
    elpq_copy_spec other = { .schema = "no\"such", .table = "t" };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\t2\n"), g = f;

    expect_ok(ask(conn, elpq_sql("create temp table"
                                 " \"t\"\"; drop table elpq_copy; --\""
                                 " (\"a\"\"b\" int, \"select\" int)")));
    expect_ok(copy_in(conn, &spec, &f));
    expect_error(copy_in(conn, &other, &g), ELPQ_E_SERVER, "3F000", 0);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(pool_connection_and_transaction)
{
    elpq_pool *pool = pool_of(1);
    struct flow f = flow_text("1\ta\n"), g = f, h = f;
    elpq_tx *tx;

    expect_ok(copy_in(pool, &table, &f));
    tx = begin_now(pool);
    expect_ok(copy_in(tx, &table, &g));
    expect_int(ask(tx, elpq_sql("select count(*) from elpq_copy")), 2);
    ck_assert_int_eq(rows(), 1);
    expect_ok(rollback(tx));
    ck_assert_int_eq(rows(), 1);
    tx = begin_now(pool);
    expect_ok(copy_in(tx, &table, &h));
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 2);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

/* It waits for those before it, and those behind wait for its end. */
START_TEST(it_keeps_its_place)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\ta\n"), g = f;
    struct answer *a = ask(conn, elpq_sql("select count(*) from elpq_copy"));
    struct answer *first = copy_in(conn, &table, &f);
    struct answer *b = ask(conn, elpq_sql("select count(*) from elpq_copy"));
    struct answer *second = copy_in(conn, &table, &g);
    struct answer *c = ask(conn, elpq_sql("select count(*) from elpq_copy"));

    expect_int(a, 0);
    expect_int(b, 1);
    expect_int(c, 2);
    ck_assert_uint_lt(a->order, first->order);
    ck_assert_uint_lt(first->order, b->order);
    ck_assert_uint_lt(b->order, second->order);
    ck_assert_uint_lt(second->order, c->order);
    close_conn(conn);
}
END_TEST

START_TEST(no_data_at_all)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_of("x", 0);

    ck_assert_uint_eq(elpq_affected(expect_ok(copy_in(conn, &table, &f))
                                        ->result), 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* ---------------------------------------------------------- back-pressure */

/* 4 MB, which no socket holds: short counts, and it arrives whole. */
START_TEST(much_more_than_a_socket_holds)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_of("7\t0123456789012345678901234567890123456789\n",
                            43 * 100000);
    struct answer *a = expect_ok(copy_in(conn, &table, &f));

    ck_assert_uint_eq(elpq_affected(a->result), f.size / 43);
    ck_assert_int_gt(f.calls, 10);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* A writer that has a thread of its own, so to speak: timers, not `ready`. */
static void keep(struct flow *f, elpq_result *none)
{
    (void)f, (void)none;
}

START_TEST(writing_outside_of_callbacks)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\tx\n");

    f.step = keep;
    copy_in(conn, &table, &f);
    run_until(&f.calls, 1);
    for (int i = 0; i < 1000; i++) {
        harness_depth++;
        ck_assert_uint_eq(elpq_copy_write(f.copy, "1\tx\n", 4), 4);
        harness_depth--;
        if (i % 100 == 0)
            run_turns(1);
    }
    ck_assert_uint_eq(elpq_copy_bytes(f.copy), 4000);
    ck_assert_int_eq(elpq_copy_columns(f.copy), 2);
    ck_assert_int_eq(f.calls, 1);
    ck_assert_int_eq(CALL(elpq_copy_finish(f.copy)), 0);
    ck_assert_int_eq(CALL(elpq_copy_finish(f.copy)), ELPQ_E_CLOSED);
    ck_assert_uint_eq(elpq_copy_write(f.copy, "1\tx\n", 4), 0);
    ck_assert_uint_eq(elpq_affected(expect_ok(f.done)->result), 1000);
    close_conn(conn);
}
END_TEST

/* The server is stopped: little is taken, memory stays, then it goes on. */
START_TEST(a_stopped_server_stops_the_writer)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_of("7\t0123456789012345678901234567890123456789\n",
                            43 * 100000);
    int64_t before;
    size_t stuck = 0;

    f.hold = true;
    copy_in(conn, &table, &f);
    run_until(&f.calls, 1);
    if (!signal_server(elpq_conn_pid(conn), SIGSTOP)) {
        cancel(f.done);
        RUN(elpq_copy_abort(f.copy, NULL));
        await(f.done);
        close_conn(conn);
        return;
    }
    before = resident();
    for (int still = 0; still < 10; still = f.at == stuck ? still + 1 : 0) {
        stuck = f.at;
        run_for_ms(10);
    }
    ck_assert_uint_lt(f.at, f.size);
    for (int i = 0; i < 1000; i++)
        flow_write(&f);
    run_turns(10);
    ck_assert_uint_eq(f.at, stuck);
    ck_assert_int_lt(resident() - before, 2 << 20);
    ck_assert(signal_server(elpq_conn_pid(conn), SIGCONT));
    f.hold = false;
    ck_assert_uint_eq(elpq_affected(expect_ok(f.done)->result), 100000);
    close_conn(conn);
}
END_TEST

/* ------------------------------------------------------------------ errors */

START_TEST(errors_before_the_data)
{
    elpq_copy_spec none = { .table = "elpq_no_such_table" };
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\ta\n"), g = f;

    expect_error(copy_in(conn, &none, &f), ELPQ_E_SERVER, "42P01", 0);
    expect_error(copy_in(conn, elpq_copy_sql("copy elpq_copy frm stdin"), &g),
                 ELPQ_E_SERVER, "42601", 0);
    ck_assert_int_eq(f.calls + g.calls, 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* The writer waits with more data; the server has seen enough. */
START_TEST(an_error_in_the_middle_is_told_at_once)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\ta\n2\tb\nthree\tc\n4\td\n");
    struct answer *a;

    f.hold = true; /* it never finishes */
    a = copy_in(conn, &table, &f);
    expect_error(a, ELPQ_E_SERVER, "22P02", 0);
    ck_assert_ptr_nonnull(strstr(a->error->context, "line 3"));
    ck_assert_int_eq(f.calls, 1);
    ck_assert_int_eq(rows(), 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(an_error_in_the_middle_with_tls)
{
    const char *host = harness_env("ELPQ_TEST_HOST");
    elpq_conn *conn;
    struct flow f = flow_text("1\ta\nx\n");

    if (!host || !harness_own_server())
        return;
    conn = connect_now(tcp("sslmode=require"), NULL);
    ck_assert(elpq_conn_tls(conn));
    f.hold = true;
    expect_error(copy_in(conn, &table, &f), ELPQ_E_SERVER, "22P02", 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* Much data around the error: told in the middle or at the end, but once. */
START_TEST(an_error_while_data_flows)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_of("1\t01234567890123456789\n", 23 * 100000);
    struct flow bad = flow_text("13\tunlucky\n");

    for (int i = 0; i < 3; i++) {
        f.at = 0;
        f.data = i == 1 ? "13\t0123456789012345678\n"
                        : "1\t01234567890123456789\n";
        if (i == 1)
            expect_error(copy_in(conn, &table, &f), ELPQ_E_SERVER, "23514", 0);
        else
            expect_ok(copy_in(conn, &table, &f));
    }
    expect_error(copy_in(conn, &table, &bad), ELPQ_E_SERVER, "23514", 0);
    ck_assert_int_eq(rows(), 200000);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

/* Notices for every row are no error. */
START_TEST(notices_in_the_middle)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct flow f = flow_of("1\tx\n", 4 * 500);

    expect_ok(script(conn, "create temp table n (like elpq_copy);"
                           " create function pg_temp.say() returns trigger"
                           " language plpgsql as $$ begin"
                           " raise notice 'VERROR %', new.t; return new;"
                           " end $$;"
                           " create trigger say before insert on n for each"
                           " row execute function pg_temp.say()", NULL));
    notice_count = 0;
    expect_ok(copy_in(conn, elpq_copy_sql("copy n from stdin"), &f));
    ck_assert_int_eq(notice_count, 500);
    close_conn(conn);
}
END_TEST

START_TEST(an_error_after_the_data)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\ta\n1\tb\n");

    expect_ok(ask(conn, elpq_sql("create temp table u (n int unique deferrable"
                                 " initially deferred, t text)")));
    expect_error(copy_in(conn, elpq_copy_sql("copy u from stdin"), &f),
                 ELPQ_E_SERVER, "23505", 0);
    expect_usable(conn);
    close_conn(conn);
}
END_TEST

START_TEST(what_is_no_such_copy)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = flow_text("1\ta\n"), g = f, h = f, i = f;

    expect_error(copy_in(conn, elpq_copy_sql("select 1"), &f), ELPQ_E_USAGE, "",
                 ELPQ_IN_DOUBT);
    expect_message(f.done, "but it ran");
    expect_error(copy_in(conn, elpq_copy_sql("copy elpq_copy to stdout"), &g),
                 ELPQ_E_USAGE, "", 0);
    expect_message(g.done, "COPY TO STDOUT");
    expect_error(copy_out(conn, elpq_copy_sql("copy elpq_copy from stdin"),
                          &h), ELPQ_E_USAGE, "", 0);
    expect_message(h.done, "COPY FROM STDIN");
    expect_error(copy_in(conn, elpq_copy_sql("copy elpq_copy from stdin;"
                                             " copy elpq_copy from stdin"),
                         &i), ELPQ_E_USAGE, "", 0);
    expect_usable(conn);
    ck_assert_int_eq(f.calls + g.calls + h.calls, 0);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(calls_that_are_refused)
{
    static const char *const nothing[] = { NULL };
    const elpq_copy_spec wrong[] = {
        { 0 },
        { .table = "t", .trusted_sql = "copy t from stdin" },
        { .trusted_query = "select 1" },
        { .schema = "s", .trusted_sql = "copy t from stdin" },
        { .table = "t", .columns = nothing },
        { .trusted_sql = "copy t from stdin", .header = true },
        { .table = "t", .format = ELPQ_COPY_ROWS, .delimiter = ',' },
        { .table = "t", .format = (elpq_copy_format)9 },
    };
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(1);
    struct flow f = { .hold = true };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(CALL(elpq_copy_in(conn, &wrong[i], NULL, on_ready,
                                           on_copied, &f)), ELPQ_E_USAGE);
        ck_assert_int_eq(CALL(elpq_copy_in(pool, &wrong[i], NULL, on_ready,
                                           on_copied, &f)), ELPQ_E_USAGE);
    }
    ck_assert_int_eq(CALL(elpq_copy_in(conn, NULL, NULL, on_ready, on_copied,
                                       &f)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_copy_in(conn, &table, NULL, NULL, on_copied,
                                       &f)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_copy_in(conn, &table, NULL, on_ready, NULL,
                                       &f)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_copy_in((elpq_tx *)NULL, &table, NULL, on_ready,
                                       on_copied, &f)), ELPQ_E_USAGE);
    ck_assert_uint_eq(elpq_copy_write(NULL, "x", 1), 0);
    ck_assert_int_eq(elpq_copy_put(NULL, NULL, 0), ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_copy_finish(NULL), ELPQ_E_CLOSED);
    ck_assert_int_eq(elpq_copy_abort(NULL, NULL), ELPQ_E_CLOSED);
    close_conn(conn);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = add(s, "formats");

    tcase_add_test(t, text);
    tcase_add_test(t, csv_with_all_options);
    tcase_add_test(t, binary);
    tcase_add_test(t, sql_of_a_literal);
    tcase_add_test(t, names_are_quoted);
    tcase_add_test(t, pool_connection_and_transaction);
    tcase_add_test(t, it_keeps_its_place);
    tcase_add_test(t, no_data_at_all);
    t = add(s, "back-pressure");
    tcase_add_test(t, much_more_than_a_socket_holds);
    tcase_add_test(t, writing_outside_of_callbacks);
    tcase_add_test(t, a_stopped_server_stops_the_writer);
    t = add(s, "errors");
    tcase_add_test(t, errors_before_the_data);
    tcase_add_test(t, an_error_in_the_middle_is_told_at_once);
    tcase_add_test(t, an_error_in_the_middle_with_tls);
    tcase_add_test(t, an_error_while_data_flows);
    tcase_add_test(t, notices_in_the_middle);
    tcase_add_test(t, an_error_after_the_data);
    tcase_add_test(t, what_is_no_such_copy);
    tcase_add_test(t, calls_that_are_refused);
}

int main(void)
{
    return harness_main("copy_in", build);
}

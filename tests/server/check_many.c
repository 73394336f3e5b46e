/* SPDX-License-Identifier: PostgreSQL */
/*
 * One statement for many rows: from an array and on demand, atomic and each on
 * its own, and every way in which that can end early.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define ROWS 1000
#define INSERT "insert into elpq_many values ($1, $2)"

/* One operation; its verdict is an answer. */
struct many {
    struct answer *verdict;
    elpq_many_outcome outcome;
    uint64_t yielded;
    uint64_t limit; /* rows of the source */
    uint64_t most;  /* on their way at a time */
    uint64_t trap;  /* the row that fails; none: ROWS or more */
    int trap_code;  /* the source returns it there */
    void (*trap_then)(struct many *m);
    elpq_conn *conn;
    elpq_tx *tx;
    elpq_request *request;
};

static void on_many(const elpq_many_outcome *outcome, const elpq_error *error,
                    void *arg)
{
    struct many *m = ((struct answer *)arg)->data;

    m->outcome = *outcome;
    on_done(error, arg);
}

/* Row i is (i, "row i"); the trap is a duplicate of row 0. */
static int next_row(uint64_t row, elpq_value *values, void *arg)
{
    static char text[32];
    struct many *m = arg;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert_uint_eq(row, m->yielded);
    if (row == m->limit)
        return 0;
    if (row == m->trap && m->trap_then)
        m->trap_then(m);
    if (row == m->trap && m->trap_code)
        return m->trap_code;
    snprintf(text, sizeof(text), "row %d", (int)row);
    values[0] = elpq_int32(row == m->trap ? 0 : (int32_t)row);
    values[1] = elpq_text(text);
    m->yielded++;
    if (m->conn && elpq_conn_pending(m->conn) > m->most)
        m->most = elpq_conn_pending(m->conn);
    return 1;
}

static void many_init(struct many *m, uint64_t limit)
{
    memset(m, 0, sizeof(*m));
    m->limit = limit;
    m->trap = UINT64_MAX;
}

#define source_of(m, ...)                                                      \
    (&(elpq_rows_source){                                                      \
        .columns = 2, .next = next_row, .arg = m, __VA_ARGS__ })

#define run_many(target, m, source, options)                                   \
    do {                                                                       \
        (m)->verdict = answer_new();                                           \
        (m)->verdict->data = m;                                                \
        (m)->verdict->wanted = 1;                                              \
        ck_assert_int_eq(                                                      \
            CALL(elpq_execute_many(target, elpq_sql(INSERT), source, options,  \
                                   on_many, (m)->verdict)),                    \
            0);                                                                \
    } while (0)

static void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_many");
    admin_do("create table elpq_many (n int primary key, t text)");
    admin_do("grant all on elpq_many to public");
}

static void teardown_table(void)
{
    admin_do("rollback");
    admin_do("drop table elpq_many");
    harness_teardown();
}

static long rows(void)
{
    return admin_int("select count(*) from elpq_many");
}

/* ------------------------------------------------------------------ normal */

START_TEST(rows_on_demand_within_a_window)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct many m;

    many_init(&m, ROWS);
    m.conn = conn;
    run_many(conn, &m, source_of(&m, .window = 10), NULL);
    ck_assert_uint_eq(m.yielded, 0); /* from the loop alone */
    expect_ok(m.verdict);
    ck_assert_uint_eq(m.outcome.rows, ROWS);
    ck_assert_uint_eq(m.outcome.affected, ROWS);
    ck_assert_uint_eq(m.outcome.failed, 0);
    ck_assert_uint_le(m.most, 10);
    ck_assert_uint_ge(m.most, 5);
    ck_assert_int_eq(rows(), ROWS);
    ck_assert_int_eq(admin_int("select count(*) from elpq_many where "
                               "t = 'row ' || n"),
                     ROWS);
    /* The bytes bound it as well: each row has more than 40. */
    many_init(&m, ROWS);
    m.conn = conn;
    expect_ok(ask(conn, elpq_sql("delete from elpq_many")));
    run_many(conn, &m, source_of(&m, .window_bytes = 200), NULL);
    expect_ok(m.verdict);
    ck_assert_uint_le(m.most, 5);
    ck_assert_int_eq(rows(), ROWS);
    close_conn(conn);
}
END_TEST

START_TEST(rows_of_an_array)
{
    elpq_pool *pool = pool_of(1);
    static elpq_value values[2 * ROWS];
    elpq_rows_source source = { .columns = 2, .values = values, .rows = ROWS };
    elpq_tx *tx;
    struct many m;

    for (int i = 0; i < ROWS; i++) {
        values[2 * i] = elpq_int32(i);
        values[2 * i + 1] = i % 2 ? elpq_text("odd") : elpq_null(0);
    }
    run_many(pool, &m, &source, NULL);
    expect_ok(m.verdict);
    ck_assert_uint_eq(m.outcome.affected, ROWS);
    ck_assert_int_eq(admin_int("select count(t) from elpq_many"), ROWS / 2);
    source.mode = ELPQ_MANY_EACH;
    expect_ok(ask(pool, elpq_sql("truncate elpq_many")));
    source.rows = 50;
    run_many(pool, &m, &source, NULL);
    expect_ok(m.verdict);
    ck_assert_int_eq(admin_int("select count(distinct xmin::text) "
                               "from elpq_many"),
                     50);
    source.mode = ELPQ_MANY_ATOMIC;
    tx = begin_now(pool);
    expect_ok(ask(tx, elpq_sql("delete from elpq_many")));
    run_many(tx, &m, &source, NULL);
    expect_ok(m.verdict);
    expect_ok(commit(tx));
    ck_assert_int_eq(admin_int("select count(distinct xmin::text) "
                               "from elpq_many"),
                     1);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(no_rows_at_all)
{
    elpq_pool *pool = pool_of(1);
    elpq_rows_source none = { .columns = 2 };
    struct many m;

    run_many(pool, &m, &none, NULL);
    expect_ok(m.verdict);
    ck_assert_uint_eq(m.outcome.rows, 0);
    finish_pool(pool);
}
END_TEST

/* --------------------------------------------------------------- failures */

START_TEST(a_row_that_fails_undoes_all)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct many m;

    many_init(&m, ROWS);
    m.trap = 300;
    run_many(conn, &m, source_of(&m, .window = 20), NULL);
    expect_error(m.verdict, ELPQ_E_SERVER, "23505", ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(m.outcome.failed, 1);
    ck_assert_uint_eq(m.outcome.first_failed, 300);
    ck_assert_uint_eq(m.outcome.rows, 0);
    ck_assert_uint_lt(m.yielded, 330);
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
    close_conn(conn);
}
END_TEST

START_TEST(each_row_on_its_own)
{
    elpq_pool *pool = pool_of(1);
    struct many m;

    many_init(&m, 100);
    m.trap = 30;
    run_many(pool, &m, source_of(&m, .mode = ELPQ_MANY_EACH, .go_on = true),
             NULL);
    expect_error(m.verdict, ELPQ_E_SERVER, "23505", 0);
    ck_assert_uint_eq(m.outcome.failed, 1);
    ck_assert_uint_eq(m.outcome.first_failed, 30);
    ck_assert_uint_eq(m.outcome.rows, 99);
    ck_assert_int_eq(rows(), 99);
    /* All are there already: the first one stops it. */
    many_init(&m, 100);
    run_many(pool, &m, source_of(&m, .mode = ELPQ_MANY_EACH, .window = 4),
             NULL);
    expect_error(m.verdict, ELPQ_E_SERVER, "23505", 0);
    ck_assert_uint_eq(m.outcome.first_failed, 0);
    ck_assert_uint_ge(m.outcome.failed, 1);
    ck_assert_uint_le(m.outcome.failed, 4);
    ck_assert_uint_eq(m.yielded, 4);
    ck_assert_uint_eq(stats(pool).connects, 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_source_that_gives_up)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct many m;

    many_init(&m, 100);
    m.trap = 40;
    m.trap_code = ELPQ_E_DECODE;
    run_many(conn, &m, source_of(&m, .window = 8), NULL);
    expect_error(m.verdict, ELPQ_E_DECODE, "", ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(m.outcome.failed, 0);
    ck_assert_int_eq(rows(), 0);
    many_init(&m, 100);
    m.trap = 40;
    m.trap_code = ELPQ_E_DECODE;
    run_many(conn, &m, source_of(&m, .mode = ELPQ_MANY_EACH), NULL);
    expect_error(m.verdict, ELPQ_E_DECODE, "", 0);
    ck_assert_uint_eq(m.outcome.rows, 40);
    ck_assert_int_eq(rows(), 40);
    close_conn(conn);
}
END_TEST

START_TEST(a_commit_that_fails)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct many m;

    admin_do("alter table elpq_many drop constraint elpq_many_pkey, add "
             "unique (n) deferrable initially deferred");
    many_init(&m, 50);
    m.trap = 49;
    run_many(conn, &m, source_of(&m, .window = 8), NULL);
    expect_error(m.verdict, ELPQ_E_SERVER, "23505", 0);
    ck_assert_uint_eq(m.outcome.failed, 0);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(what_cannot_work_is_refused)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_conn *conn = elpq_tx_conn(tx);
    elpq_value v[2];
    struct many m;
    const elpq_rows_source bad[] = {
        { .columns = 2, .rows = 1 },
        { .columns = 2, .values = v, .next = next_row },
        { .columns = 2, .next = next_row, .go_on = true },
        { .columns = 2, .next = next_row, .window = 1u << 20 },
        { .columns = 1u << 17, .next = next_row },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(CALL(elpq_execute_many(pool, elpq_sql(INSERT), &bad[i],
                                                NULL, on_many, &m)),
                         ELPQ_E_USAGE);
    ck_assert_int_eq(
        CALL(elpq_execute_many(tx, elpq_sql(INSERT),
                               source_of(&m, .mode = ELPQ_MANY_EACH), NULL,
                               on_many, &m)),
        ELPQ_E_USAGE);
    ck_assert_int_eq(
        CALL(elpq_execute_many(conn, elpq_sql(INSERT),
                               source_of(&m, .window = 1), NULL, on_many, &m)),
        ELPQ_E_USAGE);
    expect_ok(rollback(tx));
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------ transactions */

START_TEST(a_transaction_takes_nothing_else_meanwhile)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *a = answer_new();
    struct many m;

    a->wanted = 0;
    many_init(&m, 100);
    run_many(tx, &m, source_of(&m, .window = 4), NULL);
    ck_assert_int_eq(
        CALL(elpq_execute(tx, elpq_sql("select 1"), NULL, on_result, a)),
        ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_commit(tx, on_done, a)), ELPQ_E_USAGE);
    ck_assert_int_eq(CALL(elpq_savepoint(tx, on_tx, a)), ELPQ_E_USAGE);
    expect_ok(m.verdict);
    expect_int(ask(tx, elpq_sql("select count(*) from elpq_many")), 100);
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 100);
    finish_pool(pool);
}
END_TEST

static void roll_back(struct many *m)
{
    rollback(m->tx);
}

START_TEST(a_rollback_ends_it)
{
    elpq_pool *pool = pool_of(1);
    struct many m;

    many_init(&m, 100);
    m.tx = begin_now(pool);
    m.trap = 50;
    m.trap_then = roll_back;
    run_many(m.tx, &m, source_of(&m, .window = 4), NULL);
    expect_error(m.verdict, ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    await_all();
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(pool, elpq_sql("select 1")), 1);
    finish_pool(pool);
}
END_TEST

START_TEST(a_savepoint_undoes_rows)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    elpq_tx *part = await(savepoint(tx))->tx;
    struct many m;

    many_init(&m, 100);
    m.trap = 50;
    run_many(part, &m, source_of(&m, .window = 4), NULL);
    await(m.verdict);
    ck_assert_str_eq(m.verdict->sqlstate, "23505");
    ck_assert_uint_eq(m.outcome.first_failed, 50);
    expect_ok(rollback(part));
    many_init(&m, 10);
    run_many(tx, &m, source_of(&m, .window = 4), NULL);
    expect_ok(m.verdict);
    expect_ok(commit(tx));
    ck_assert_int_eq(rows(), 10);
    finish_pool(pool);
}
END_TEST

/* ---------------------------------------------------- cancel, loss, close */

static void cancel_it(struct many *m)
{
    elpq_cancel(m->request);
}

START_TEST(canceling_from_the_source)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_options o = { 0 };
    struct many m;

    for (int mode = 0; mode <= ELPQ_MANY_EACH; mode++) {
        many_init(&m, ROWS);
        o.request = &m.request;
        m.trap = 100;
        m.trap_then = cancel_it;
        run_many(conn, &m, source_of(&m, .window = 10, .mode = mode), &o);
        await(m.verdict);
        ck_assert_int_eq(m.verdict->code, ELPQ_E_CANCELED);
        if (mode == ELPQ_MANY_ATOMIC) {
            ck_assert_uint_eq(m.verdict->flags, ELPQ_NOT_EXECUTED);
            ck_assert_int_eq(rows(), 0);
        } else {
            /* Those that were sent and detached have run, too. */
            ck_assert_int_ge(rows(), (long)m.outcome.rows);
            ck_assert_int_le(rows(), 101);
        }
        expect_int(ask(conn, elpq_sql("select 1")), 1);
    }
    close_conn(conn);
}
END_TEST

/* Another session holds the key of a row: it waits till a deadline. */
START_TEST(a_deadline_of_the_whole_or_of_each_row)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int ms = scaled(2000);
    elpq_options whole = { .timeout_ms = ms };
    elpq_options row = { .server_timeout_ms = ms };
    struct many m;

    admin_do("begin");
    admin_do("insert into elpq_many values (20, '')");
    many_init(&m, 100);
    run_many(conn, &m, source_of(&m, .window = 8), _i == 0 ? &whole : &row);
    expect_error(m.verdict, ELPQ_E_TIMEOUT, _i == 0 ? "" : "57014",
                 ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(m.outcome.first_failed, _i == 0 ? 0 : 20);
    admin_do("rollback");
    ck_assert_int_eq(rows(), 0);
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    close_conn(conn);
}
END_TEST

/* BEGIN waits behind a statement, or COMMIT waits by itself. */
START_TEST(a_deadline_that_passes_around_the_rows)
{
    elpq_conn_options patient = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_conn *conn = connect_now(NULL, &patient);
    elpq_options o = { .timeout_ms = scaled(_i == 0 ? 300 : 2000) };
    struct many m;

    lock_server();
    if (_i == 0)
        ask(conn, elpq_sql(BLOCKED));
    else
        admin_do("create or replace function elpq_slow() returns trigger"
                 " language plpgsql as $$ begin perform"
                 " pg_advisory_xact_lock_shared(%d); return null; end $$;"
                 " create constraint trigger slow after insert on elpq_many"
                 " deferrable initially deferred for each row"
                 " execute function elpq_slow()",
                 LOCK_KEY);
    many_init(&m, 10);
    run_many(conn, &m, source_of(&m, .window = 8), &o);
    expect_error(m.verdict, ELPQ_E_TIMEOUT, _i == 0 ? "" : "57014",
                 _i == 0 ? ELPQ_NOT_EXECUTED : 0);
    ck_assert_uint_eq(m.yielded, _i == 0 ? 0 : 10);
    unlock_server();
    await_all();
    expect_int(ask(conn, elpq_sql("select 1")), 1);
    ck_assert_int_eq(rows(), 0);
    close_conn(conn);
}
END_TEST

START_TEST(canceling_while_it_waits_for_a_connection)
{
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);
    elpq_options o = { 0 };
    struct many m;

    many_init(&m, 10);
    o.request = &m.request;
    run_many(pool, &m, source_of(&m, .window = 8), &o);
    run_turns(3);
    RUN(elpq_cancel(m.request));
    expect_error(m.verdict, ELPQ_E_CANCELED, "", ELPQ_NOT_EXECUTED);
    ck_assert_uint_eq(m.yielded, 0);
    release(conn);
    finish_pool(pool);
}
END_TEST

static void terminate_it(struct many *m)
{
    terminate(elpq_conn_pid(m->conn));
}

START_TEST(a_lost_connection)
{
    elpq_conn *conn;
    struct many m;

    for (int mode = 0; mode <= ELPQ_MANY_EACH; mode++) {
        conn = connect_now(NULL, NULL);
        many_init(&m, ROWS);
        m.conn = conn;
        m.trap = 200;
        m.trap_then = terminate_it;
        run_many(conn, &m, source_of(&m, .window = 10, .mode = mode), NULL);
        await(m.verdict);
        ck_assert_int_eq(m.verdict->code, ELPQ_E_LOST);
        if (mode == ELPQ_MANY_ATOMIC) {
            ck_assert(!(m.verdict->flags & ELPQ_IN_DOUBT));
            ck_assert_int_eq(rows(), 0);
        } else {
            ck_assert_int_ge(rows(), (long)m.outcome.rows);
        }
        ck_assert_uint_lt(m.yielded, ROWS);
        close_conn(conn);
    }
}
END_TEST

/* The rows behind one that failed are in doubt: that is what is told. */
START_TEST(a_connection_that_is_lost_behind_a_failure)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct many m;

    many_init(&m, 100);
    m.trap = 3;
    admin_do("begin");
    admin_do("insert into elpq_many values (4, '')");
    run_many(conn, &m,
             source_of(&m, .mode = ELPQ_MANY_EACH, .window = 8,
                       .go_on = _i == 1),
             NULL);
    await_server("select count(*) = 1 from pg_locks"
                 " where not granted and pid = %d",
                 elpq_conn_pid(conn));
    ck_assert_int_eq(m.verdict->calls, 0);
    terminate(elpq_conn_pid(conn));
    await(m.verdict);
    ck_assert_int_eq(m.verdict->code, ELPQ_E_LOST);
    ck_assert_uint_ne(m.verdict->flags & ELPQ_IN_DOUBT, 0);
    ck_assert_uint_eq(m.verdict->flags & ELPQ_NOT_EXECUTED, 0);
    ck_assert_uint_eq(m.outcome.rows, 3);
    ck_assert_uint_eq(m.outcome.first_failed, 3);
    ck_assert_uint_gt(m.outcome.failed, 1);
    ck_assert_uint_lt(m.yielded, 100);
    admin_do("rollback");
    ck_assert_int_eq(rows(), 3);
    close_conn(conn);
}
END_TEST

/* What was never tried is not silently left out: the source's own code. */
START_TEST(a_source_that_gives_up_behind_a_failure)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct many m;

    admin_do("insert into elpq_many values (3, '')");
    many_init(&m, 100);
    m.trap = 40;
    m.trap_code = ELPQ_E_DECODE;
    run_many(conn, &m,
             source_of(&m, .mode = ELPQ_MANY_EACH, .window = 8, .go_on = true),
             NULL);
    expect_error(m.verdict, ELPQ_E_DECODE, "", 0);
    ck_assert_uint_eq(m.outcome.rows, 39);
    ck_assert_uint_eq(m.outcome.failed, 1);
    ck_assert_uint_eq(m.outcome.first_failed, 3);
    close_conn(conn);
}
END_TEST

static void close_it(struct many *m)
{
    close_conn(m->conn);
    m->conn = NULL;
}

START_TEST(closing_from_the_source)
{
    struct many m;

    for (int mode = 0; mode <= ELPQ_MANY_EACH; mode++) {
        many_init(&m, ROWS);
        m.conn = connect_now(NULL, NULL);
        m.trap = 100;
        m.trap_then = close_it;
        run_many(m.conn, &m, source_of(&m, .window = 10, .mode = mode), NULL);
        await(m.verdict);
        ck_assert_int_eq(m.verdict->code, ELPQ_E_CLOSED);
    }
}
END_TEST

START_TEST(closing_the_pool_under_it)
{
    elpq_pool *pool = pool_of(1);
    struct many m;

    many_init(&m, ROWS);
    run_many(pool, &m, source_of(&m, .window = 10), NULL);
    while (m.yielded < 50)
        run_turns(1);
    finish_pool(pool);
    await(m.verdict);
    ck_assert_int_eq(m.verdict->code, ELPQ_E_CLOSED);
    ck_assert_int_eq(rows(), 0);
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

/* All or nothing is the transaction's then: it cannot keep a part of them. */
START_TEST(a_part_of_them_does_not_commit)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct many m;

    many_init(&m, ROWS);
    m.trap = 5;
    m.trap_code = -1;
    run_many(tx, &m, source_of(&m, .mode = ELPQ_MANY_ATOMIC), NULL);
    await(m.verdict);
    ck_assert_int_ne(m.verdict->code, 0);
    expect_int(ask(tx, elpq_sql("select count(*) from elpq_many")), 5);
    expect_error(commit(tx), ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(rows(), 0);
    finish_pool(pool);
}
END_TEST

static void build(Suite *suite)
{
    TCase *tc = new_case(suite, "normal");

    tcase_add_test(tc, rows_on_demand_within_a_window);
    tcase_add_test(tc, rows_of_an_array);
    tcase_add_test(tc, no_rows_at_all);
    tc = new_case(suite, "failures");
    tcase_add_test(tc, a_row_that_fails_undoes_all);
    tcase_add_test(tc, each_row_on_its_own);
    tcase_add_test(tc, a_source_that_gives_up);
    tcase_add_test(tc, a_commit_that_fails);
    tcase_add_test(tc, what_cannot_work_is_refused);
    tc = new_case(suite, "transactions");
    tcase_add_test(tc, a_transaction_takes_nothing_else_meanwhile);
    tcase_add_test(tc, a_rollback_ends_it);
    tcase_add_test(tc, a_savepoint_undoes_rows);
    tc = new_case(suite, "ends");
    tcase_add_test(tc, canceling_from_the_source);
    tcase_add_loop_test(tc, a_deadline_of_the_whole_or_of_each_row, 0, 2);
    tcase_add_loop_test(tc, a_deadline_that_passes_around_the_rows, 0, 2);
    tcase_add_test(tc, canceling_while_it_waits_for_a_connection);
    tcase_add_test(tc, a_lost_connection);
    tcase_add_loop_test(tc, a_connection_that_is_lost_behind_a_failure, 0, 2);
    tcase_add_test(tc, a_source_that_gives_up_behind_a_failure);
    tcase_add_test(tc, closing_from_the_source);
    tcase_add_test(tc, closing_the_pool_under_it);
    tcase_add_test(tc, a_part_of_them_does_not_commit);
}

int main(void)
{
    return harness_main("many", build);
}

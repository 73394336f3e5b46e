/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scenarios of transactions: what was stored is told right, whatever fails.
 */
#include "scene.h"

#include "pooler.h"

#define STORE "insert into elpq_sweep values ($1)"

static elpq_tx *begun(elpq_conn *conn)
{
    struct question *q = question();

    ASK(q, elpq_conn_begin(conn, NULL, on_begun, q));
    return settle() ? q->tx : NULL;
}

/* Stores a row; does not wait. */
static int64_t store(elpq_tx *tx)
{
    struct question *q = question();
    int64_t id = row_id();

    ASK(q, elpq_tx_execute(tx, elpq_sql(STORE, id), NULL, on_answer, q));
    return id;
}

/* ------------------------------------------------------------ by hand */

static void commits(void)
{
    elpq_conn *conn = opened();
    elpq_tx *tx;

    elpq_failpoint_arm();
    tx = begun(conn);
    if (tx) {
        struct question *end = question();
        int64_t id = store(tx);

        end_tx(tx, end);
        settle();
        told(id, end);
    }
    DO(elpq_conn_close(conn));
}

static void rolls_back(void)
{
    elpq_conn *conn = opened();
    elpq_tx *tx;

    elpq_failpoint_arm();
    tx = begun(conn);
    if (tx) {
        struct question *end = question(), none = { 0 };
        int64_t id = store(tx);

        ASK(end, elpq_rollback(tx, on_over, end));
        settle();
        told(id, &none);
        ask_number(conn, elpq_sql("select 1"), 1);
    }
    DO(elpq_conn_close(conn));
}

/* One savepoint is released, another one undone. */
static void savepoints(void)
{
    elpq_conn *conn = opened();
    elpq_tx *tx, *part[2];
    int64_t id[2] = { 0, false };
    struct question *end = question(), none = { 0 };

    elpq_failpoint_arm();
    tx = begun(conn);
    for (int i = 0; i < 2 && tx; i++) {
        struct question *q = question(), *over = question();

        ASK(q, elpq_savepoint(tx, on_begun, q));
        part[i] = settle() ? q->tx : NULL;
        if (!part[i])
            break;
        id[i] = store(part[i]);
        if (i)
            ASK(over, elpq_rollback(part[i], on_over, over));
        else
            end_tx(part[i], over);
        settle();
    }
    if (tx) {
        end_tx(tx, end);
        settle();
        if (id[1])
            told(id[1], &none);
    }
    DO(elpq_conn_close(conn));
}

static void on_the_pool(void)
{
    elpq_pool *pool = pooled(NULL);
    struct question *q = question(), *end = question();

    elpq_failpoint_arm();
    ASK(q, elpq_pool_begin(pool, NULL, on_begun, q));
    if (settle() && q->tx) {
        int64_t id = store(q->tx);

        end_tx(q->tx, end);
        settle();
        told(id, end);
    }
    q = question_of(1);
    ASK(q, elpq_pool_execute(pool, elpq_sql("select 1"), NULL, on_answer, q));
    settle();
    close_pool_now(pool);
}

/* -------------------------------------------------------------- two-phase */

/* The server keeps it until somebody decides. */
static void forget_prepared(void)
{
    char sql[80];

    snprintf(sql, sizeof(sql), "rollback prepared 'sweep-%d'", (int)getpid());
    clean_with(sql);
}

/* It may have been prepared only after that, by a server whose client was
 * gone. */
static void forget_all_prepared(void)
{
    PGresult *r;

    ck_assert(pooler_await_quiet());
    r = PQexec(admin(), "select 'rollback prepared ' || quote_literal(gid)"
                        " from pg_prepared_xacts"
                        " where database = current_database()");
    ck_assert_int_eq(PQresultStatus(r), PGRES_TUPLES_OK);
    for (int i = 0; i < PQntuples(r); i++)
        admin_do("%s", PQgetvalue(r, i, 0));
    PQclear(r);
}

static void two_phase(void)
{
    elpq_conn *conn = opened();
    struct question *end = question(), *done = question(), *q = question();
    elpq_tx *tx;
    char gid[40];
    int64_t id = 0;

    snprintf(gid, sizeof(gid), "sweep-%d", (int)getpid());
    elpq_failpoint_arm();
    tx = begun(conn);
    if (tx) {
        id = store(tx);
        if (!ASK(end, elpq_prepare_transaction(tx, gid, on_over, end)))
            DO(elpq_rollback(tx, NULL, NULL));
        settle();
    }
    if (is_well(end)) {
        ASK(q, elpq_conn_list_prepared(conn, NULL, on_answer, q));
        ASK(done, elpq_conn_commit_prepared(conn, gid, NULL, on_over, done));
        settle();
        told(id, done);
    }
    DO(elpq_conn_close(conn));
}

/* --------------------------------------------------------------- transact */

static struct work {
    int64_t id;
    int failures; /* attempts that have to fail yet */
    elpq_transactor *t;
} work;

static void body_done(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    (void)arg;
    if (error) {
        DO(elpq_transact_rollback(work.t, error));
        return;
    }
    DO(elpq_transact_commit(work.t));
}

static const char refusal[] =
    "do $$begin raise exception 'again' using errcode = '40001'; end$$";

static void body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    int code;

    (void)arg;
    work.t = t;
    if (work.failures > 0) {
        elpq_statement st = { refusal, sizeof(refusal) - 1, NULL, 0, false };

        work.failures--;
        code = elpq_tx_execute(tx, &st, NULL, body_done, NULL);
    } else {
        code = elpq_tx_execute(tx, elpq_sql(STORE, work.id), NULL, body_done,
                               NULL);
    }
    if (code)
        DO(elpq_transact_rollback(t, NULL));
}

static elpq_transact_options hasty(void)
{
    elpq_transact_options o = { .backoff_min_ms = 1, .backoff_max_ms = 1,
                                .max_attempts = 4 };

    o.timeout_ms = quick().timeout_ms;
    o.resolve_ms = o.timeout_ms;
    return o;
}

static void transact_on(elpq_conn *conn, elpq_pool *pool, int failures)
{
    elpq_transact_options o = hasty();
    struct question *q = question();

    work.id = row_id();
    work.failures = failures;
    elpq_failpoint_arm();
    ASK(q, conn ? elpq_conn_transact(conn, &o, body, on_over, q)
                : elpq_pool_transact(pool, &o, body, on_over, q));
    settle();
    told(work.id, q);
}

static void transact(void)
{
    elpq_conn *conn = opened();

    transact_on(conn, NULL, 0);
    DO(elpq_conn_close(conn));
}

static void transact_twice(void)
{
    elpq_conn *conn = opened();

    transact_on(conn, NULL, 1);
    DO(elpq_conn_close(conn));
}

static void transact_on_a_pool(void)
{
    elpq_pool *pool = pooled(NULL);

    transact_on(NULL, pool, 1);
    close_pool_now(pool);
}

static void inner_done(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    if (error)
        DO(elpq_transact_rollback(arg, error));
    else
        DO(elpq_transact_commit(arg));
}

static void inner_body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    (void)arg;
    if (elpq_tx_execute(tx, elpq_sql("select 1"), NULL, inner_done, t))
        DO(elpq_transact_rollback(t, NULL));
}

static void nested(void)
{
    elpq_conn *conn = opened();
    elpq_tx *tx;

    elpq_failpoint_arm();
    tx = begun(conn);
    if (tx) {
        elpq_transact_options o = hasty();
        struct question *q = question(), *end = question();
        int64_t id;

        o.resolve_ms = 0;
        ASK(q, elpq_tx_transact(tx, &o, inner_body, on_over, q));
        settle();
        id = store(tx);
        end_tx(tx, end);
        settle();
        told(id, end);
    }
    DO(elpq_conn_close(conn));
}

const struct scenario scenarios_tx[] = {
    { .name = "commit", .run = commits, .states = "25P02" },
    { .name = "rollback", .run = rolls_back, .states = "25P02" },
    { .name = "savepoints", .run = savepoints, .states = "25P02" },
    { .name = "tx of a pool", .run = on_the_pool, .states = "25P02" },
    { .name = "two-phase", .run = two_phase, .states = "25P02",
      .clean = forget_prepared, .after = forget_all_prepared },
    { .name = "transact", .run = transact, .states = "25P02" },
    { .name = "transact again", .run = transact_twice,
      .states = "25P02 40001" },
    { .name = "pool transact", .run = transact_on_a_pool,
      .states = "25P02 40001" },
    { .name = "tx transact", .run = nested, .states = "25P02" },
    { .name = NULL }
};

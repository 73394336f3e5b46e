/* SPDX-License-Identifier: PostgreSQL */
/*
 * Thousands of random operations on a pool, against what must always hold:
 *
 *   size == idle + busy + connecting, and none is above its limit;
 *   what is lent is busy; the counters count what was asked for;
 *   leases are given in the order in which they were asked for;
 *   every statement gets its own number back, or an error that is allowed;
 *   no session is dirty; the server has as many sessions as the pool says.
 *
 * The seed decides everything but the timing.  ELPQ_TEST_SEED repeats a run.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define OPERATIONS 10000 /* of each test, half of it with sharing */
#define MANY 64
#define MAX_SIZE 5
#define MAX_WAITING 12

static struct model {
    elpq_pool *pool;
    elpq_conn *held[MANY];
    int n_held;
    elpq_tx *txs[MANY];
    int n_txs;
    struct answer *pending[MANY];
    int n_pending;
    uint64_t statements, acquires, refused, killed, closed, shared;
    int last_lease;   /* ordinal of the last acquire that was served        */
    int next_lease;
    int next_number;
    bool kills;       /* backends are terminated too                        */
    unsigned depth;   /* of pipelines                                       */
} m;

static bool allowed(int code, const char *sqlstate)
{
    switch (code) {
    case ELPQ_OK:
    case ELPQ_E_CANCELED:
    case ELPQ_E_TIMEOUT:
        return true;
    case ELPQ_E_LOST:
    case ELPQ_E_ROLLED_BACK:
        return m.kills;
    case ELPQ_E_SERVER: /* a failed statement of ours, or after it */
        return strcmp(sqlstate, "22012") == 0 ||
               strcmp(sqlstate, "25P02") == 0;
    case ELPQ_E_CLOSED:
        return true; /* a lease was closed or released under its statement */
    default:
        return false;
    }
}

/* -------------------------------------------------------------- callbacks */

static void forget_pending(struct answer *a)
{
    int i;

    for (i = 0; i < m.n_pending; i++)
        if (m.pending[i] == a)
            m.pending[i] = m.pending[--m.n_pending];
}

static void check_code(struct answer *a)
{
    forget_pending(a);
    ck_assert_msg(allowed(a->code, a->sqlstate), "%s %s: %s",
                  elpq_code_name(a->code), a->sqlstate, a->error->message);
}

/* The number it asked with is kept in `data`. */
static void check_number(struct answer *a)
{
    int64_t number = -1;

    check_code(a);
    if (a->code == 0) {
        ck_assert_int_eq(elpq_get_int64(a->result, 0, 0, &number), 0);
        ck_assert_int_eq(number, (int64_t)(intptr_t)a->data);
    }
}

static void keep_lease(struct answer *a)
{
    const int ordinal = (int)(intptr_t)a->data;

    check_code(a);
    if (!a->conn)
        return;
    ck_assert_int_gt(ordinal, m.last_lease);
    m.last_lease = ordinal;
    ck_assert_int_lt(m.n_held, MANY);
    m.held[m.n_held++] = a->conn;
}

static void keep_tx(struct answer *a)
{
    check_code(a);
    if (a->tx)
        m.txs[m.n_txs++] = a->tx;
}

/* -------------------------------------------------------------- operations */

static struct answer *pend(int rc, struct answer *a, uint64_t *counter)
{
    if (rc == ELPQ_E_FULL) {
        ck_assert_uint_ge(stats(m.pool).waiting, MAX_WAITING);
        m.refused++;
        a->wanted = 0;
    } else {
        ck_assert_int_eq(rc, 0);
        ++*counter;
        m.pending[m.n_pending++] = a;
    }
    return a;
}

static elpq_options options_of(struct answer *a)
{
    elpq_options o = { .request = &a->request };

    if (random_below(4) == 0)
        o.timeout_ms = 1 + (int)random_below(20);
    return o;
}

static void op_execute(void)
{
    static const char *const texts[] = {
        "select $1 from pg_sleep(0.004)",
        "select $1 from set_config('work_mem', '1MB', false)",
        "select $1 / 0",
        "select $1 where current_setting('work_mem') = '4MB'",
        "select $1 where current_setting('work_mem') = '4MB'",
    };
    struct answer *a = answer_new();
    elpq_options o = options_of(a);
    const int n = ++m.next_number;
    const elpq_value value = elpq_int32(n);
    const elpq_statement st = elpq_sql_from_trusted_string(
        texts[random_below(sizeof(texts) / sizeof(texts[0]))], &value, 1);

    a->then = check_number;
    a->data = (void *)(intptr_t)n;
    pend(CALL(elpq_pool_execute(m.pool, &st, &o, on_result, a)), a,
         &m.statements);
}

static void op_script(void)
{
    struct answer *a = answer_new();
    elpq_options o = options_of(a);

    a->then = check_code;
    pend(CALL(elpq_pool_script_trusted(m.pool,
                                       "set work_mem = '2MB'; begin; select 1",
                                       &o, on_each, on_done, a)),
         a, &m.statements);
}

static void op_acquire(void)
{
    struct answer *a = answer_new();
    elpq_options o = options_of(a);

    a->then = keep_lease;
    a->data = (void *)(intptr_t)++m.next_lease;
    pend(CALL(elpq_pool_acquire(m.pool, &o, on_conn, a)), a, &m.acquires);
}

static void op_begin(void)
{
    struct answer *a = answer_new();

    a->then = keep_tx;
    pend(CALL(elpq_pool_begin(m.pool, NULL, on_tx, a)), a, &m.acquires);
}

static void ask_on_lease(elpq_conn *conn)
{
    struct answer *a = answer_new();
    elpq_options o = options_of(a);
    const int n = ++m.next_number;
    uint64_t ignored = 0;
    int rc;

    a->then = check_number;
    a->data = (void *)(intptr_t)n;
    rc = CALL(elpq_conn_execute(conn, elpq_sql("select $1", n), &o, on_result,
                                a));
    if (rc == ELPQ_E_CLOSED && m.kills)
        a->wanted = 0;
    else
        pend(rc, a, &ignored);
}

static void op_use_lease(void)
{
    if (m.n_held > 0)
        ask_on_lease(m.held[random_below((uint32_t)m.n_held)]);
}

static elpq_conn *take_lease(void)
{
    const int i = (int)random_below((uint32_t)m.n_held);
    elpq_conn *conn = m.held[i];

    m.held[i] = m.held[--m.n_held];
    return conn;
}

static void op_release(void)
{
    if (m.n_held > 0)
        release(take_lease());
}

static void op_close_lease(void)
{
    if (m.n_held > 0 && random_below(4) == 0) {
        m.closed++;
        close_conn(take_lease());
    }
}

static void op_end_tx(void)
{
    elpq_tx *tx;
    struct answer *a;

    if (m.n_txs == 0)
        return;
    tx = m.txs[--m.n_txs];
    a = answer_new();
    a->then = check_code;
    if (random_below(3) == 0) {
        a->wanted = 0;
        ck_assert_int_eq(CALL(elpq_rollback(tx, NULL, NULL)), 0);
    } else if (random_below(2)) {
        ck_assert_int_eq(CALL(elpq_rollback(tx, on_done, a)), 0);
    } else {
        ck_assert_int_eq(CALL(elpq_commit(tx, on_done, a)), 0);
    }
}

static void op_use_tx(void)
{
    struct answer *a;
    uint64_t ignored = 0;
    int rc;

    if (m.n_txs == 0)
        return;
    a = answer_new();
    a->then = check_number;
    a->data = (void *)(intptr_t)++m.next_number;
    rc = CALL(elpq_tx_execute(m.txs[0], elpq_sql("select $1", m.next_number),
                              NULL, on_result, a));
    if (rc == ELPQ_E_CLOSED && m.kills)
        a->wanted = 0;
    else
        pend(rc, a, &ignored);
}

static void op_cancel(void)
{
    struct answer *a;

    if (m.n_pending == 0)
        return;
    a = m.pending[random_below((uint32_t)m.n_pending)];
    if (a->request)
        cancel(a);
}

static void op_kill(void)
{
    if (!m.kills || random_below(20) != 0)
        return;
    m.killed += (uint64_t)admin_int(
        "select count(pg_terminate_backend(pid)) from (select pid from"
        " pg_stat_activity where application_name = 'elpq_model'"
        " order by random() limit 1) as victim");
}

/* ------------------------------------------------------------- invariants */

static unsigned sessions(void)
{
    return (unsigned)admin_int("select count(*) from pg_stat_activity where"
                               " application_name = 'elpq_model'");
}

static void check_gauges(void)
{
    const elpq_pool_statistics s = stats(m.pool);

    ck_assert_uint_eq(s.size, s.idle + s.busy + s.connecting);
    ck_assert_uint_le(s.size, MAX_SIZE);
    ck_assert_uint_le(s.connecting, 2);
    /* What a dead connection had accepted goes back to the line. */
    ck_assert_uint_le(s.waiting,
                      MAX_WAITING + (m.kills ? MAX_SIZE * m.depth : 0));
    ck_assert_uint_ge(s.busy, (unsigned)(m.kills ? 0 : m.n_held + m.n_txs));
    ck_assert_uint_eq(s.statements, m.statements);
    ck_assert_uint_eq(s.acquires, m.acquires);
    ck_assert_uint_eq(s.refused, m.refused);
}

static void check_sessions(void)
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());
    elpq_pool_statistics s = stats(m.pool);

    /*
     * Resets and connects may still be under way; and a backend that was
     * killed last may be gone before its end is read, or be seen still.  The
     * round trip to the server is the pace of the loop.
     */
    while (!(sessions() == s.size && s.size == s.idle) && now_usec() < end) {
        run_turns(2);
        s = stats(m.pool);
    }
    ck_assert_uint_eq(s.waiting, 0);
    ck_assert_uint_eq(s.size, s.idle);
    ck_assert_uint_eq(s.size, sessions());
    await_server("select count(*) = 0 from pg_stat_activity where"
                 " application_name = 'elpq_model' and state <> 'idle'");
    ck_assert_uint_ge(s.connects, s.size);
    if (!m.kills) {
        ck_assert_uint_eq(s.lost, 0);
        ck_assert_uint_le(s.connects,
                          s.size + s.discarded + s.expired + m.closed);
    }
}

static void op_expire(void)
{
    if (random_below(50) == 0)
        ck_assert_int_eq(elpq_pool_expire(m.pool), 0);
}

static void (*const operations[])(void) = {
    op_execute, op_execute, op_execute, op_execute, op_script, op_acquire,
    op_acquire, op_begin,   op_use_lease, op_use_lease, op_release,
    op_release, op_release, op_close_lease, op_end_tx, op_end_tx, op_use_tx,
    op_cancel,  op_cancel,  op_expire,  op_kill,
};

static void settle_model(void)
{
    while (m.n_pending > 0 || m.n_held > 0 || m.n_txs > 0) {
        while (m.n_held > 0)
            op_release();
        while (m.n_txs > 0)
            op_end_tx();
        event_base_loop(loop, EVLOOP_ONCE);
    }
    await_all();
}

static void run_model(bool kills, unsigned depth)
{
    static const char *const params[] = { "application_name", "elpq_model",
                                          NULL };
    elpq_pool_options o = { .max_size = MAX_SIZE, .max_waiting = MAX_WAITING,
                            .max_connecting = 2, .conn.params = params,
                            .ping_after_ms = 5,
                            .pipeline_depth = depth,
                            .pipeline_stall_ms = 3 };
    int i;

    memset(&m, 0, sizeof(m));
    m.depth = depth;
    m.kills = kills;
    m.pool = pool_new(&o);
    for (i = 0; i < OPERATIONS / (depth > 1 ? 2 : 1); i++) {
        if (m.n_pending < MANY - 4 && m.n_txs < MANY - 4)
            operations[random_below(sizeof(operations) /
                                    sizeof(operations[0]))]();
        check_gauges();
        run_turns((int)random_below(3));
        if (i % 100 == 99)
            run_for_ms(2);
        if (i % 1000 == 999) {
            settle_model();
            check_gauges();
            check_sessions();
            settle_answers();
        }
    }
    m.shared = stats(m.pool).shared;
    finish_pool(m.pool);
}

START_TEST(random_operations)
{
    run_model(false, 1);
    ck_assert_uint_eq(m.killed, 0);
    ck_assert_uint_eq(m.shared, 0);
}
END_TEST

START_TEST(random_operations_while_backends_die)
{
    run_model(true, 1);
    ck_assert_uint_gt(m.killed, 0);
}
END_TEST

START_TEST(random_operations_on_shared_connections)
{
    run_model(false, 4);
    ck_assert_uint_gt(m.shared, 0);
}
END_TEST

START_TEST(random_operations_on_shared_connections_that_die)
{
    run_model(true, 4);
    ck_assert_uint_gt(m.killed, 0);
}
END_TEST

/* Close the pool in the middle of everything. */
START_TEST(random_operations_and_a_sudden_end)
{
    elpq_pool_options o = { .max_size = MAX_SIZE, .max_connecting = 2,
                            .max_waiting = MAX_WAITING,
                            .pipeline_depth = 1 + (unsigned)_i % 2 * 7 };
    const int drains[] = { 0, 5, ELPQ_NO_TIMEOUT };
    int i;

    random_seed((uint64_t)_i + 1);
    memset(&m, 0, sizeof(m));
    m.kills = true; /* what is closed under a transaction is lost to it */
    m.pool = pool_new(&o);
    for (i = 0; i < 20 + _i * 7; i++) {
        operations[random_below(sizeof(operations) / sizeof(operations[0]) -
                                1)]();
        run_turns((int)random_below(3));
    }
    close_pool(m.pool, drains[_i % 3]);
    run_turns((int)random_below(5));
    settle_model();
    ck_assert_int_eq(m.n_pending + m.n_held + m.n_txs, 0);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "model", 60);

    tcase_add_test(t, random_operations);
    tcase_add_test(t, random_operations_while_backends_die);
    tcase_add_test(t, random_operations_on_shared_connections);
    tcase_add_test(t, random_operations_on_shared_connections_that_die);
    tcase_add_loop_test(t, random_operations_and_a_sudden_end, 0, 30);
}

int main(void)
{
    return harness_main("pool model", build);
}

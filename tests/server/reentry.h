/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of re-entrancy share: a crowd of other requests, and the
 * actions, which a test does inside of the callback that it is about.
 *
 * Around the source (what calls back) are statements before and behind, a
 * lease, waiters, a transaction.  Whatever happens, each of them is answered
 * exactly once, and nothing is left over.
 */
#ifndef ELPQ_TESTS_REENTRY_H
#define ELPQ_TESTS_REENTRY_H

#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

#define CROWD 40

static struct world {
    elpq_pool *pool;   /* NULL once closed                                  */
    elpq_conn *conn;
    elpq_conn *leased;
    elpq_conn *extra;  /* what a connect that called back gave              */
    struct answer *crowd[CROWD];
    int crowded;
    int fired;         /* the action was done                               */
    int action;
    int wanted_event;  /* of the sources that are trace events              */
    void (*end)(void); /* ends what calls back; NULL if nothing does        */
    bool services;     /* that is not over by itself                        */
} w;

/* --------------------------------------------------------------- the crowd */

/* Asks for what may be refused, since the target may have just been closed. */
static struct answer *remember(struct answer *a, int rc)
{
    if (rc != 0) {
        ck_assert_int_eq(rc, ELPQ_E_CLOSED);
        a->wanted = 0;
    } else if (w.crowded < CROWD) {
        w.crowd[w.crowded++] = a;
    }
    return a;
}

static elpq_options cancelable(struct answer *a)
{
    elpq_options o = { .request = &a->request };

    return o;
}

static void try_conn(const char *sql)
{
    if (w.conn) {
        struct answer *a = answer_new();
        elpq_options o = cancelable(a);

        remember(a, CALL(elpq_conn_execute(w.conn, sql_text(sql), &o,
                                           on_result, a)));
    }
}

static void try_pool(const char *sql)
{
    if (w.pool) {
        struct answer *a = answer_new();
        elpq_options o = cancelable(a);

        remember(a, CALL(elpq_pool_execute(w.pool, sql_text(sql), &o,
                                           on_result, a)));
    }
}

static void give_back(struct answer *a)
{
    if (a->conn)
        release(a->conn);
}

static void undo(struct answer *a)
{
    if (a->tx)
        ck_assert_int_eq(CALL(elpq_rollback(a->tx, NULL, NULL)), 0);
}

static void try_acquire(void)
{
    if (w.pool) {
        struct answer *a = answer_new();
        elpq_options o = cancelable(a);

        a->then = give_back;
        remember(a, CALL(elpq_pool_acquire(w.pool, &o, on_conn, a)));
    }
}

static void try_begin(void)
{
    if (w.pool) {
        struct answer *a = answer_new();

        a->then = undo;
        remember(a, CALL(elpq_pool_begin(w.pool, NULL, on_tx, a)));
    }
}

static void try_script(void)
{
    if (w.conn) {
        struct answer *a = answer_new();

        remember(a, CALL(elpq_conn_script_trusted(w.conn,
                                                  "select 1; select 2", NULL,
                                                  on_each, on_done, a)));
    }
}

/* ------------------------------------------------------ of the other kinds */

static void skip_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)rows;
    (void)stream;
    ck_assert_int_eq(((struct answer *)arg)->calls, 0);
}

static void skip_data(elpq_copy *copy, const void *data, size_t size,
                      void *arg)
{
    (void)copy;
    (void)data;
    (void)size;
    ck_assert_int_eq(((struct answer *)arg)->calls, 0);
}

static void skip_each(size_t index, elpq_result *result,
                      const elpq_error *error, void *arg)
{
    (void)index;
    ck_assert_int_eq(result == NULL, error != NULL);
    ck_assert_int_eq(((struct answer *)arg)->calls, 0);
}

static void on_crowd_many(const elpq_many_outcome *outcome,
                          const elpq_error *error, void *arg)
{
    ck_assert_ptr_nonnull(outcome);
    on_done(error, arg);
}

static void on_crowd_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    on_done(error, arg);
    ck_assert_int_eq(CALL(elpq_lock_release(lock, NULL, NULL)), 0);
}

static void crowd_body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    (void)tx;
    (void)arg;
    ck_assert_int_eq(CALL(elpq_transact_commit(t)), 0);
}

static void try_conn_kinds(void)
{
    const elpq_value numbers[] = { elpq_int32(1), elpq_int32(2) };
    static elpq_value kept[2];
    elpq_rows_source source = { .columns = 1, .values = kept, .rows = 2,
                                .mode = ELPQ_MANY_EACH };
    struct answer *a;
    int rc;

    if (!w.conn)
        return;
    memcpy(kept, numbers, sizeof(kept));
    a = answer_new();
    remember(a, CALL(elpq_stream(w.conn,
                                 elpq_sql("select generate_series(1, 9)"),
                                 NULL, skip_rows, on_done, a)));
    a = answer_new();
    remember(a, CALL(elpq_copy_out(w.conn,
                                   elpq_copy_query("select 1 as n"), NULL,
                                   skip_data, on_result, a)));
    a = answer_new();
    rc = CALL(elpq_execute_many(w.conn, elpq_sql("select $1"), &source, NULL,
                                on_crowd_many, a));
    if (rc == ELPQ_E_USAGE)
        a->wanted = 0; /* inside of a transaction, as the source's may be */
    else
        remember(a, rc);
}

static void try_pool_kinds(void)
{
    const elpq_statement *both[] = { elpq_sql("select 1"),
                                     elpq_sql("select 2") };
    struct answer *a;

    if (!w.pool)
        return;
    a = answer_new();
    remember(a, CALL(elpq_batch(w.pool, both, 2, NULL, skip_each, on_done,
                                a)));
    a = answer_new();
    remember(a, CALL(elpq_lock_acquire(w.pool, elpq_lock_int64(4713), NULL,
                                       on_crowd_lock, a)));
    a = answer_new();
    remember(a, CALL(elpq_transact(w.pool, NULL, crowd_body, on_done, a)));
}

/* ------------------------------------------------------------- the actions */

static void do_close_conns(void)
{
    elpq_conn *conn = w.conn, *extra = w.extra;

    w.conn = w.extra = NULL;
    close_conn(conn);
    close_conn(extra);
}

static void do_close_pool(void)
{
    elpq_pool *pool = w.pool;

    w.pool = NULL;
    if (pool)
        close_pool(pool, 0);
}

static void do_drain_pool(void)
{
    elpq_pool *pool = w.pool;

    w.pool = NULL;
    if (pool)
        close_pool(pool, 5000);
}

static void do_release(void)
{
    elpq_conn *leased = w.leased;

    w.leased = NULL;
    release(leased);
}

static void do_close_lease(void)
{
    elpq_conn *leased = w.leased;

    w.leased = NULL;
    close_conn(leased);
}

static void do_close_all(void)
{
    do_close_pool();
    do_release();
    do_close_conns();
}

static void do_cancel_others(void)
{
    int i;

    for (i = 0; i < w.crowded; i++)
        if (w.crowd[i]->request)
            cancel(w.crowd[i]);
}

static void do_submit(void)
{
    try_conn("select 'nested'");
    try_pool("select 'nested'");
    try_acquire();
    try_begin();
    try_script();
    try_conn_kinds();
    try_pool_kinds();
}

static void do_submit_and_close(void)
{
    do_submit();
    do_close_all();
}

static void do_end(void)
{
    if (w.end)
        w.end();
}

static const struct {
    const char *name;
    void (*run)(void);
    bool harmless; /* everybody else gets a good answer                     */
} actions[] = {
    { "close the connection", do_close_conns, false },
    { "close the pool", do_close_pool, false },
    { "drain the pool", do_drain_pool, false },
    { "release the lease", do_release, true },
    { "close the lease", do_close_lease, true },
    { "close all", do_close_all, false },
    { "cancel the others", do_cancel_others, false },
    { "submit more", do_submit, true },
    { "submit more and close all", do_submit_and_close, false },
    { "end what calls back", do_end, true },
};
#define N_ACTIONS ((int)(sizeof(actions) / sizeof(actions[0])))

static void fire(void)
{
    if (w.fired++ == 0)
        actions[w.action].run();
}

/* -------------------------------------------------------------- the matrix */

struct source {
    const char *name;
    void (*arm)(void);
    bool breaks; /* some of the crowd fail by what the source itself does,
                    or with a transaction that is theirs as well            */
};

static void make_world(int action)
{
    elpq_pool_options o = { .max_size = 2 };

    memset(&w, 0, sizeof(w));
    w.action = action;
    o.conn = traced();
    w.pool = pool_new(&o);
    w.leased = lease(w.pool);
    w.conn = connect_now(NULL, &o.conn);
}

static void leave_world(void)
{
    if (w.leased)
        do_release();
    if (w.services)
        w.end(); /* it would call back for ever */
    await_all();
    do_close_all();
    await_all();
}

/* Nobody fails by an action that does not concern him. */
static void check_crowd(const struct source *source)
{
    const char *action = actions[w.action].name;

    for (int i = 0; i < w.crowded; i++) {
        const struct answer *a = w.crowd[i];
        const bool well = a->code == 0 || a->code == ELPQ_E_CLOSED ||
                          a->code == ELPQ_E_CANCELED ||
                          (source->breaks && (a->code == ELPQ_E_LOST ||
                                              !strcmp(a->sqlstate, "25P02")));

        if (actions[w.action].harmless && !source->breaks)
            ck_assert_msg(a->code == 0, "%s, %s: %s", source->name, action,
                          elpq_code_name(a->code));
        ck_assert_msg(well, "%s, %s: %s", source->name, action,
                      elpq_code_name(a->code));
    }
}

/* One source in its crowd, and one action; the world is made. */
static void cross(const struct source *source)
{
    try_conn("select 'before'");
    try_pool("select 'before'");
    source->arm();
    try_conn("select 'behind'");
    try_pool("select 'behind'");
    try_acquire();
    try_begin();
    try_conn("select 'last'");
    run_until(&w.fired, 1);
    leave_world();
    check_crowd(source);
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of elpq_transact() share: calls of it on a table, and what
 * their bodies do.
 */
#ifndef ELPQ_TESTS_TRANSACT_H
#define ELPQ_TESTS_TRANSACT_H

#include <string.h>

#include "../support/harness.h"

/* One call of elpq_transact(), and what its body does. */
static struct job {
    elpq_transactor *t;
    elpq_tx *tx;
    int bodies;            /* how often it began                            */
    int failures;          /* so many attempts are to fail                  */
    const char *fail_with; /* this SQL does it                              */
    bool pipelined;        /* commit without waiting for the statement      */
    const char *sql;       /* what it does                                  */
    void (*body)(struct job *job); /* instead                               */
    struct answer *done;
} jobs[8];

#define INSERT "insert into elpq_transact values (1)"
#define CONFLICT                                                              \
    "do $$ begin raise sqlstate '40001' using message = 'conflict'; end $$"
#define FAILURE "select 1 / 0"

static inline void setup_table(void)
{
    harness_setup();
    memset(jobs, 0, sizeof(jobs));
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_transact");
    admin_do("create table elpq_transact (n int)");
    admin_do("grant all on elpq_transact to public");
}

static inline void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_transact");
    harness_teardown();
}

static inline long rows(void)
{
    return admin_int("select count(*) from elpq_transact");
}

static inline void on_statement(elpq_result *result, const elpq_error *error,
                         void *arg)
{
    struct job *job = arg;

    (void)result;
    if (job->pipelined || job->done->calls)
        return;
    if (error)
        (void)CALL(elpq_transact_rollback(job->t, error));
    else
        (void)CALL(elpq_transact_commit(job->t));
}

static inline void body_of(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    struct job *job = arg;
    bool fail = job->bodies++ < job->failures;

    ck_assert_int_eq(harness_depth, 0);
    ck_assert_int_eq(job->done->calls, 0);
    ck_assert_uint_eq(elpq_transact_attempt(t), (unsigned)job->bodies);
    job->t = t;
    job->tx = tx;
    if (job->body) {
        job->body(job);
        return;
    }
    ck_assert_int_eq(CALL(elpq_execute(tx, sql_text(fail ? job->fail_with
                                                         : job->sql),
                                       NULL, on_statement, job)), 0);
    if (job->pipelined)
        ck_assert_int_eq(CALL(elpq_transact_commit(t)), 0);
}

static inline void on_job_done(const elpq_error *error, void *arg)
{
    on_done(error, ((struct job *)arg)->done);
}

#define run_on(target, job, options)                                          \
    do {                                                                      \
        (job)->done = answer_new();                                           \
        if (!(job)->sql)                                                      \
            (job)->sql = INSERT;                                              \
        ck_assert_int_eq(CALL(elpq_transact(target, options, body_of,         \
                                            on_job_done, job)), 0);           \
    } while (0)

/* Fast pauses; and the handle, for cancel. */
static inline elpq_transact_options quick(struct job *job)
{
    elpq_transact_options o = { .backoff_min_ms = 1,
                                .backoff_max_ms = 4,
                                .transactor = &job->t };

    return o;
}

static inline void wait_for_bodies(struct job *job, int n)
{
    run_until(&job->bodies, n);
}

static inline void idle_body(struct job *job)
{
    ck_assert_int_eq(CALL(elpq_execute(job->tx, sql_text(INSERT), NULL,
                                       on_statement,
                                       (job->pipelined = true, job))), 0);
}

static inline TCase *table_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup_table, teardown_table);
    suite_add_tcase(s, t);
    return t;
}

#endif

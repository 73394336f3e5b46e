/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/transactions.md, run.  With --print there is nothing to
 * print: no block of the document is output.
 */
#include <stdio.h>

#include "../support/harness.h"

/* [transact-body] */
static void on_update(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result;
    (void)arg;
    if (error) /* COMMIT, which is behind it, will find out */
        fprintf(stderr, "%s\n", error->message);
}

static void move_money(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    elpq_execute(tx, elpq_sql("update docs_account set cents = cents - 100"
                              " where name = 'alice'"),
                 NULL, on_update, arg);
    elpq_execute(tx, elpq_sql("update docs_account set cents = cents + 100"
                              " where name = 'bob'"),
                 NULL, on_update, arg);
    elpq_transact_commit(t);
}
/* [/transact-body] */

/* [transact-done] */
static void on_moved(const elpq_error *error, void *arg)
{
    if (!error)
        printf("committed\n");
    else if (error->flags & ELPQ_IN_DOUBT)
        printf("nobody knows\n"); /* never run again by itself */
    else
        printf("not committed: %s\n", error->message);
    on_done(error, arg);
}
/* [/transact-done] */

/* [transact-wait] */
static void on_read(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_transactor *t = arg;
    int32_t cents;

    if (error)
        elpq_transact_rollback(t, error); /* 40001: the body runs again */
    else if (elpq_scan(result, 0, &cents) != 0 || cents < 100)
        elpq_transact_rollback(t, NULL); /* never */
    else
        elpq_transact_commit(t);
}
/* [/transact-wait] */

static void read_first(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    (void)arg;
    elpq_execute(tx, elpq_sql("select cents from docs_account"
                              " where name = 'alice'"), NULL, on_read, t);
}

START_TEST(transactions)
{
    elpq_pool *pool = pool_of(1);
    struct answer *moved = answer_new(), *read = answer_new();
    void *app = moved;

    admin_do("set client_min_messages = error");
    admin_do("drop table if exists docs_account");
    admin_do("create table docs_account (name text, cents int)");
    admin_do("insert into docs_account values ('alice', 150), ('bob', 0)");
    admin_do("grant all on docs_account to public");
    /* [transact] */
    elpq_transact_options options = {
        .tx.isolation = ELPQ_SERIALIZABLE,
        .timeout_ms = 10000, /* over all attempts */
    };
    elpq_transact(pool, &options, move_money, on_moved, app);
    /* [/transact] */
    expect_ok(moved);
    ck_assert_int_eq(CALL(elpq_transact(pool, NULL, read_first, on_done,
                                        read)), 0);
    expect_error(read, ELPQ_E_ROLLED_BACK, "", ELPQ_NOT_EXECUTED);
    ck_assert_int_eq(admin_int("select cents from docs_account"
                               " where name = 'bob'"), 100);
    admin_do("drop table docs_account");
    finish_pool(pool);
}
END_TEST

/* [two-phase] */
static void on_prepared(const elpq_error *error, void *arg)
{
    elpq_pool *pool = ((struct answer *)arg)->data;

    if (!error) /* the others are prepared as well: it is decided */
        elpq_commit_prepared(pool, "order 17", NULL, on_done, arg);
}
/* [/two-phase] */

START_TEST(two_phase)
{
    elpq_pool *pool = pool_of(1);
    elpq_tx *tx = begin_now(pool);
    struct answer *a = answer_new();

    a->data = pool;
    ck_assert_int_eq(CALL(elpq_prepare_transaction(tx, "order 17",
                                                   on_prepared, a)), 0);
    expect_ok(a);
    finish_pool(pool);
}
END_TEST

/* [advisory-lock] */
static void on_lost(elpq_lock *lock, const elpq_error *error, void *arg)
{
    (void)arg;
    fprintf(stderr, "stop the work: %s\n", error->message);
    elpq_lock_release(lock, NULL, NULL);
}

static void on_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    if (error)
        return; /* 55P03: somebody else is at it */
    /* ... the work that only one may do ... */
    elpq_lock_release(lock, on_done, arg);
}

static void do_alone(elpq_pool *pool, void *app)
{
    elpq_lock_options options = { .try_only = true, .lost = on_lost };

    elpq_lock_acquire(pool, elpq_lock_int64(42), &options, on_lock, app);
}
/* [/advisory-lock] */

START_TEST(locks)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a = answer_new();

    do_alone(pool, a);
    expect_ok(a);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "transactions", 0);

    tcase_add_test(t, transactions);
    tcase_add_test(t, two_phase);
    tcase_add_test(t, locks);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: transactions", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of COPY into a table share: the table.
 */
#ifndef ELPQ_TESTS_COPY_IN_H
#define ELPQ_TESTS_COPY_IN_H

#include "copy_flow.h"

static const elpq_copy_spec table = { .table = "elpq_copy" };

static inline void setup_table(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists elpq_copy");
    admin_do("create table elpq_copy (n int check (n <> 13), t text)");
    admin_do("grant all on elpq_copy to public");
}

static inline void teardown_table(void)
{
    admin_do("select pg_advisory_unlock_all()");
    admin_do("drop table elpq_copy");
    harness_teardown();
}

static inline long rows(void)
{
    return admin_int("select count(*) from elpq_copy");
}

/* The connection works, and is in its usual mode again. */
static inline void expect_usable(elpq_conn *conn)
{
    struct answer *a = ask(conn, elpq_sql("select 1"));
    struct answer *b = ask(conn, elpq_sql("select 2"));

    expect_int(a, 1);
    expect_int(b, 2);
    ck_assert_int_eq(elpq_conn_tx_status(conn), ELPQ_TX_IDLE);
}

static inline TCase *add(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);

    tcase_add_checked_fixture(t, setup_table, teardown_table);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    return t;
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Types that users made, loaded by way of whatever a pool lends, and by their
 * OID: the pool is to know them, and to keep up with them, all the same.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

static elpq_pool *pool;

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = error");
    admin_do("drop schema if exists loads cascade");
    admin_do("create schema loads");
    admin_do("grant usage on schema loads to public");
    admin_do("create type loads.mood as enum ('sad', 'ok')");
    admin_do("create type loads.size as (w int, h numeric)");
    admin_do("create domain loads.age as int");
    pool = pool_of(1);
}

static void teardown(void)
{
    finish_pool(pool);
    admin_do("drop schema loads cascade");
    harness_teardown();
}

/* Takes the type's OID down, at a->data. */
static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    struct answer *a = arg;

    ck_assert((type == NULL) != (error == NULL));
    if (type)
        *(uint32_t *)a->data = type->oid;
    on_done(error, a);
}

static bool is_binary(struct answer *a)
{
    elpq_column_info info;

    expect_ok(a);
    ck_assert_int_eq(elpq_column_at(a->result, 0, &info), 0);
    return info.binary;
}

static uint32_t oid_of(const char *name)
{
    return (uint32_t)admin_int("select '%s'::regtype::oid::bigint", name);
}

/* ------------------------------------------------------- by what was lent */

/* By way of a transaction, or of a lease; nothing is asked of the pool. */
static void load_lent(bool in_tx, const char *name)
{
    struct answer *a = answer_new();
    uint32_t oid = 0;
    elpq_conn *conn;
    elpq_tx *tx;

    a->data = &oid;
    if (in_tx) {
        tx = begin_now(pool);
        ck_assert_int_eq(CALL(elpq_load_type(tx, name, NULL, on_type, a)), 0);
        expect_ok(a);
        expect_ok(commit(tx));
    } else {
        conn = lease(pool);
        ck_assert_int_eq(CALL(elpq_load_type(conn, name, NULL, on_type, a)),
                         0);
        expect_ok(a);
        release(conn);
    }
    ck_assert_uint_eq(oid, oid_of(name));
}

START_TEST(an_unknown_type_is_looked_up_by_itself)
{
    load_lent(_i, "loads.age");
    ck_assert(!is_binary(ask(pool, elpq_sql("select 'ok'::loads.mood"))));
    for (int i = 0; i < 2; i++) /* behind the look-up */
        expect_ok(ask(pool, elpq_sql("select 'ok'::loads.mood")));
    ck_assert(is_binary(ask(pool, elpq_sql("select 'ok'::loads.mood"))));
}
END_TEST

START_TEST(a_changed_type_is_refreshed_by_itself)
{
    static const elpq_options text = { .flags = ELPQ_TEXT_RESULT };
    elpq_composite_view view;
    struct answer *a;

    load_lent(_i, "loads.size");
    admin_do("alter type loads.size add attribute d int");
    a = expect_ok(
        ask_with(pool, elpq_sql("select row(1, 2, 3)::loads.size"), &text));
    ck_assert_int_eq(elpq_get_composite(a->result, 0, 0, &view), 0);
    for (int i = 0; i < 2; i++)
        expect_ok(ask(pool, elpq_sql("select 1")));
    ck_assert_uint_eq(elpq_find_type(pool, "loads.size")->nfields, 3);
}
END_TEST

/* ----------------------------------------------------------------- by OID */

enum { BY_POOL, BY_CONN, BY_TX, WAYS };

/* Returns what was found; 0: nothing, which is told as such. */
static uint32_t load_oid(int way, uint32_t oid)
{
    struct answer *a = answer_new();
    elpq_conn *conn = way == BY_CONN ? lease(pool) : NULL;
    elpq_tx *tx = way == BY_TX ? begin_now(pool) : NULL;
    uint32_t found = 0;

    a->data = &found;
    if (conn)
        ck_assert_int_eq(CALL(elpq_load_type_oid(conn, oid, NULL, on_type, a)),
                         0);
    else if (tx)
        ck_assert_int_eq(CALL(elpq_load_type_oid(tx, oid, NULL, on_type, a)),
                         0);
    else
        ck_assert_int_eq(CALL(elpq_load_type_oid(pool, oid, NULL, on_type, a)),
                         0);
    await(a);
    if (!found)
        expect_message(expect_error(a, ELPQ_E_TYPE, "", 0), "no type with OID");
    if (conn)
        release(conn);
    if (tx)
        expect_ok(commit(tx));
    return found;
}

START_TEST(a_type_is_loaded_by_its_oid)
{
    uint32_t mood = oid_of("loads.mood");
    const elpq_type_info *info;

    ck_assert_uint_eq(load_oid(_i, mood), mood);
    info = elpq_pool_find_type_oid(pool, mood);
    ck_assert_ptr_nonnull(info);
    ck_assert_str_eq(info->name, "mood");
    ck_assert_str_eq(info->labels[1], "ok");
    /* Nobody has said what name it is asked for by. */
    ck_assert_ptr_null(elpq_find_type(pool, "loads.mood"));
    expect_ok(ask(pool, elpq_sql("select 'ok'::loads.mood")));
    ck_assert(is_binary(ask(pool, elpq_sql("select 'ok'::loads.mood"))));
    ck_assert_uint_eq(load_oid(_i, ELPQ_OID_INT4), ELPQ_OID_INT4);
}
END_TEST

START_TEST(an_oid_that_is_of_no_type_is_an_error)
{
    uint32_t mood = oid_of("loads.mood");

    ck_assert_uint_eq(load_oid(_i, 4), 0);
    ck_assert_uint_eq(load_oid(_i, mood), mood);
    admin_do("drop type loads.mood");
    ck_assert_uint_eq(load_oid(_i, mood), 0); /* though it is known still */
}
END_TEST

START_TEST(what_is_no_oid_is_refused)
{
    ck_assert_int_eq(elpq_load_type_oid(pool, 0, NULL, on_type, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_load_type_oid(pool, 1, NULL, NULL, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_conn_load_type_oid(NULL, 1, NULL, on_type, NULL),
                     ELPQ_E_USAGE);
    ck_assert_int_eq(elpq_tx_load_type_oid(NULL, 1, NULL, on_type, NULL),
                     ELPQ_E_USAGE);
}
END_TEST

static void build(Suite *suite)
{
    TCase *t = tcase_create("loads");

    tcase_set_timeout(t, 20);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, an_unknown_type_is_looked_up_by_itself, 0, 2);
    tcase_add_loop_test(t, a_changed_type_is_refreshed_by_itself, 0, 2);
    tcase_add_loop_test(t, a_type_is_loaded_by_its_oid, 0, WAYS);
    tcase_add_loop_test(t, an_oid_that_is_of_no_type_is_an_error, 0, WAYS);
    tcase_add_test(t, what_is_no_oid_is_refused);
    suite_add_tcase(suite, t);
}

int main(void)
{
    return harness_main("catalog_loads", build);
}

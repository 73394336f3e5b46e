/* SPDX-License-Identifier: PostgreSQL */
/*
 * Keyset pagination at a real server: pages of every size, over a table with
 * many equal and NULL keys, put together give every row once, in order, for
 * all combinations of directions, places of NULLs and nullable keys.
 */
#include "qb_server.h"

#define KEYS(C) C(id, INT4) C(a, INT4) C(b, TEXT) C(c, OTHER) C(d, FLOAT8)
ELQB_TABLE(keys, KEYS)

static keys_t K;

/* `id` numbers the rows by chance, so that it follows no other column. */
static void setup(void)
{
    server_setup(
        "CREATE TYPE level AS ENUM ('low', 'mid', 'high');"
        "CREATE TABLE keys AS SELECT row_number() OVER (ORDER BY "
        "md5(n::text))::int AS id, nullif(n % 4, 0) AS a, "
        "nullif(chr(64 + n % 5), '@') AS b, (ARRAY['low', 'mid', 'high', "
        "NULL])[1 + n / 7 % 4]::level AS c, (ARRAY['nan', '1.5', 'inf', "
        "'-inf', NULL])[1 + n / 3 % 5]::float8 AS d "
        "FROM generate_series(1, 60) n;"
        "CREATE TABLE full_keys AS SELECT id, coalesce(a, 0) AS a, "
        "coalesce(b, '') AS b, coalesce(c, 'mid') AS c, coalesce(d, 0) AS d "
        "FROM keys;"
        "CREATE INDEX ON full_keys (a, b, id);"
        "ALTER TABLE full_keys ALTER a SET NOT NULL, ALTER b SET NOT NULL, "
        "ALTER c SET NOT NULL, ALTER d SET NOT NULL, ALTER id SET NOT NULL");
    K = keys_table();
}

/* An order of n keys: bits 0-1 of a digit are asc or desc, and where NULLs
 * are: as it comes, first, last.  Six per key. */
#define ORDERS_OF_KEY 6

static elqb_expr make_order(elqb_expr column, unsigned which)
{
    elqb_expr e = which & 1 ? elqb_desc(q, column) : column;

    if (which / 2 == 1)
        e = elqb_nulls_first(q, e);
    else if (which / 2 == 2)
        e = elqb_nulls_last(q, e);
    return e;
}

/* The rows after `row` of the result; all with row -1. */
static elqb_select *make_page(elqb_table t, const elqb_expr *columns,
                              const elqb_expr *order, unsigned nullable,
                              int n, PGresult *res, int row)
{
    elqb_select *s = elqb_select_new(q);
    elqb_key keys[6];

    for (int i = 0; i < n; i++) {
        keys[i].order = order[i];
        keys[i].nullable = nullable >> i & 1;
        if (row < 0)
            keys[i].value = ELQB_NONE;
        else if (PQgetisnull(res, row, i))
            keys[i].value = elqb_value(elpq_null(0));
        else
            keys[i].value = V(PQgetvalue(res, row, i));
    }
    keys[n].order = ELQB_END;
    elqb_select_columns_v(s, columns);
    elqb_from(s, t);
    elqb_order_by_v(s, order);
    elqb_where(s, elqb_seek_v(q, keys));
    return s;
}

static void append_rows(char *text, size_t size, const PGresult *res, int n)
{
    for (int i = 0; i < PQntuples(res); i++) {
        strncat(text, PQgetvalue(res, i, n - 1), size - strlen(text) - 1);
        strncat(text, " ", size - strlen(text) - 1);
    }
}

/* All pages against the whole; the last key is the id. */
static void check_pages(elqb_table t, const elqb_expr *columns,
                        const elqb_expr *order, unsigned nullable, int n,
                        int size)
{
    char whole[1000] = "", pages[1000] = "";
    elqb_select *s = make_page(t, columns, order, nullable, n, NULL, -1);
    PGresult *res = execute(elqb_render(q, s)), *next;
    const char *sql = NULL;
    int rounds = 0;

    append_rows(whole, sizeof(whole), res, n);
    PQclear(res);
    elqb_limit(s, V(size));
    res = execute(elqb_render(q, s));
    while (PQntuples(res) > 0) {
        append_rows(pages, sizeof(pages), res, n);
        s = make_page(t, columns, order, nullable, n, res,
                      PQntuples(res) - 1);
        elqb_limit(s, V(size));
        ck_assert_int_lt(rounds++, 100);
        ck_assert_ptr_nonnull(elqb_render(q, s));
        if (sql) /* the text is the same for every page */
            ck_assert_str_eq(elqb_render(q, s)->sql, sql);
        sql = elqb_render(q, s)->sql;
        next = execute(elqb_render(q, s));
        PQclear(res);
        res = next;
    }
    PQclear(res);
    ck_assert_msg(strcmp(whole, pages) == 0, "%s:\n  is   %s\n  not  %s", sql,
                  pages, whole);
}

/* Two nullable keys and the id, in all orders. */
static void check_orders(elqb_table t, elqb_expr a, elqb_expr b,
                         elqb_expr id, unsigned nullable)
{
    const elqb_expr columns[] = { a, b, id, ELQB_END };

    for (unsigned i = 0; i < ORDERS_OF_KEY; i++)
        for (unsigned j = 0; j < ORDERS_OF_KEY; j++)
            for (unsigned k = 0; k < 2; k++) {
                const elqb_expr order[] = { make_order(a, i),
                                            make_order(b, j),
                                            make_order(id, k), ELQB_END };

                check_pages(t, columns, order, nullable, 3,
                            1 + (int)(i + j + k) % 7);
            }
}

START_TEST(test_nullable)
{
    check_orders(K.table, K.a, K.b, K.id, 3);
    check_orders(K.table, K.c, K.d, K.id, 3); /* an enum, NaN and infinity */
    check_orders(K.table, K.a, elqb_collate(q, K.b, "C"), K.id, 7);
}
END_TEST

/* Where there is no NULL, keys may say so or not. */
START_TEST(test_not_null)
{
    elqb_table t = elqb_table_named(NULL, "full_keys");
    elqb_expr a = elqb_typed(elqb_c(t, "a"), INT4);
    elqb_expr b = elqb_typed(elqb_c(t, "b"), TEXT);
    elqb_expr id = elqb_typed(elqb_c(t, "id"), INT4);

    for (unsigned nullable = 0; nullable < 8; nullable++)
        check_orders(t, a, b, id, nullable);
    check_orders(t, elqb_c(t, "c"), elqb_c(t, "d"), elqb_c(t, "id"), 0);
}
END_TEST

/* One key, and every size of page. */
START_TEST(test_sizes)
{
    const elqb_expr columns[] = { K.b, K.id, ELQB_END };

    for (int size = 1; size <= 61; size += 4) {
        const elqb_expr order[] = { elqb_desc(q, K.b), K.id, ELQB_END };
        const elqb_expr by_id[] = { K.id, ELQB_END };

        check_pages(K.table, columns, order, 1, 2, size);
        check_pages(K.table, by_id, by_id, 0, 1, size);
        check_pages(K.table, by_id, by_id, 1, 1, size);
    }
}
END_TEST

static void check_plan(const elpq_statement *st, const char *wanted)
{
    char sql[1000], plan[2000] = "";
    PGresult *res;

    snprintf(sql, sizeof(sql), "EXPLAIN (COSTS off) %s", st->sql);
    run_sql("SET LOCAL enable_seqscan = off");
    run_sql("SET LOCAL enable_bitmapscan = off");
    res = PQexec(conn, sql);
    ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s%s",
                  PQerrorMessage(conn), sql);
    for (int i = 0; i < PQntuples(res); i++)
        strncat(plan, PQgetvalue(res, i, 0), sizeof(plan) - strlen(plan) - 1);
    PQclear(res);
    ck_assert_msg(strstr(plan, wanted), "no \"%s\" in: %s", wanted, plan);
    ck_assert_msg(!strstr(plan, "Sort"), "%s", plan);
}

/* An index serves the comparison of rows whole, and bounds what is mixed. */
START_TEST(test_index)
{
    elqb_table t = elqb_table_named(NULL, "full_keys");
    elqb_expr a = elqb_c(t, "a"), b = elqb_c(t, "b"), id = elqb_c(t, "id");
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, id);
    elqb_from(s, t);
    elqb_order_by(s, a, b, id);
    elqb_where(s, elqb_seek(q, ELQB_KEY_NOT_NULL(a, elqb_lit(2)),
                            ELQB_KEY_NOT_NULL(b, elqb_lit("B")),
                            ELQB_KEY_NOT_NULL(id, elqb_lit(7))));
    check_plan(elqb_render(q, s),
               "Index Cond: (ROW(a, b, id) > ROW(2, 'B'::text, 7))");
    s = elqb_select_new(q);
    elqb_columns(s, id);
    elqb_from(s, t);
    elqb_where(s, elqb_seek(q, ELQB_KEY_NOT_NULL(a, elqb_lit(2)),
                            ELQB_KEY_NOT_NULL(elqb_desc(q, id), elqb_lit(7))));
    check_plan(elqb_render(q, s), "Index Cond: (a >= 2)");
}
END_TEST

/* Types of the parameters, also where only the comparison tells. */
START_TEST(test_types)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, K.id);
    elqb_from(s, K.table);
    elqb_where(s, elqb_seek(q, ELQB_KEY_NULLABLE(elqb_desc(q, K.c), V("low")),
                            ELQB_KEY_NULLABLE(K.d, V(1.5)),
                            ELQB_KEY_NULLABLE(elqb_func(q, "lower", K.b),
                                              V("x")),
                            ELQB_KEY_NOT_NULL(K.id, V(1LL))));
    expect_described(s, "level double precision text integer", "integer");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_seek");
    TCase *tcase = tcase_create("pages");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_nullable);
    tcase_add_test(tcase, test_not_null);
    tcase_add_test(tcase, test_sizes);
    tcase_add_test(tcase, test_index);
    tcase_add_test(tcase, test_types);
    return qb_main(suite);
}

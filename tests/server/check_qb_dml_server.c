/* SPDX-License-Identifier: PostgreSQL */
/*
 * INSERT, UPDATE, DELETE and MERGE at a real server: each statement is
 * prepared with the types that the builder gave its parameters, which the
 * server must keep; then the driver runs it, and the rows are looked at.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"
#include "elpq/qb.h"

/* clang-format off */
#define GOODS(C)                                                              \
    C(id, INT4) C(sku, VARCHAR) C(name, TEXT) C(price, NUMERIC)               \
    C(stock, INT4) C(state, OTHER) C(tags, TEXT_ARRAY) C(added, DATE)
#define NEWS(C) C(sku, VARCHAR) C(stock, INT4) C(gone, BOOL)
ELQB_TABLE_IN(qb_dml, goods, GOODS)
ELQB_TABLE_IN(qb_dml, news, NEWS)
/* clang-format on */

#define V(x) elqb_val(x)
#define ALL                                                                   \
    "select coalesce(string_agg(concat_ws(' ', sku, name, price, stock, "     \
    "state), ', ' order by id), 'none') from qb_dml.goods"

static elqb *q;
static elpq_conn *conn;
static goods_t G;
static news_t N;

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = warning");
    admin_do("drop schema if exists qb_dml cascade");
    q = elqb_new();
    G = goods_table();
    N = news_table();
    conn = connect_now(NULL, NULL);
    expect_ok(script(
        conn,
        "create schema qb_dml;"
        "create type qb_dml.state as enum ('new', 'old');"
        "create table qb_dml.goods (id int generated always as identity, "
        " sku varchar(8) unique, name text, price numeric default 9, "
        " stock int default 0, state qb_dml.state default 'new', tags text[],"
        " added date default '2020-01-01');"
        "create table qb_dml.news (sku varchar(8), stock int, gone bool "
        " default false);", NULL));
}

static void teardown(void)
{
    expect_ok(ask(conn, elpq_sql("drop schema qb_dml cascade")));
    elqb_free(q);
    close_conn(conn);
    harness_teardown();
}

/* Parse and Describe: "parameters -> columns", by the names of their types. */
static const char *describe(const elpq_statement *st)
{
    static char text[1000];
    size_t size = 0;
    uint32_t oids[64];
    PGresult *res;

    for (unsigned i = 0; i < st->nvalues; i++)
        oids[i] = st->values[i].oid;
    res = PQprepare(admin(), "", st->sql, (int)st->nvalues, oids);
    ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "%s%s",
                  PQerrorMessage(admin()), st->sql);
    PQclear(res);
    res = PQdescribePrepared(admin(), "");
    ck_assert_int_eq(PQnparams(res), (int)st->nvalues);
    *text = '\0';
    for (int i = 0; i < PQnparams(res) + PQnfields(res); i++) {
        bool column = i >= PQnparams(res);
        uint32_t oid = column ? PQftype(res, i - PQnparams(res))
                              : PQparamtype(res, i);
        const elpq_statement *name = sql_format("select %u::regtype::text",
                                                (unsigned)oid);

        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%s",
                                 column && i == PQnparams(res) ? "-> " : "",
                                 answer_text(ask(conn, name)));
        size += (size_t)snprintf(text + size, sizeof(text) - size, " ");
    }
    PQclear(res);
    return text;
}

/* Describe and run; the answer. */
static struct answer *run(int line, const elpq_statement *st,
                          const char *types)
{
    const char *described;
    struct answer *a;

    ck_assert_msg(st != NULL, "line %d: %s", line, elqb_error(q));
    described = describe(st);
    ck_assert_msg(strcmp(described, types) == 0,
                  "line %d: %s\n  is   %s\n  not  %s", line, st->sql,
                  described, types);
    a = await(ask(conn, st));
    ck_assert_msg(a->code == 0, "line %d: %s: %s", line,
                  a->error ? a->error->message : "", st->sql);
    return a;
}

static void is(int line, const char *sql, const char *text)
{
    const char *found = text_of(conn, sql);

    ck_assert_msg(found && strcmp(found, text) == 0,
                  "line %d:\n  is   %s\n  not  %s", line,
                  found ? found : "NULL", text);
}

#define expect_dml(s, types) run(__LINE__, elqb_render(q, s), types)
#define expect_is(sql, text) is(__LINE__, sql, text)

static void fill(void)
{
    expect_ok(script(conn,
                     "insert into qb_dml.goods (sku, name, price, stock) "
                     "values ('a', 'A', 1, 1), ('b', 'B', 2, 2), "
                     "('c', 'C', 3, 3);"
                     "insert into qb_dml.news values ('a', 10, false), "
                     "('c', 0, true), ('d', 40, false)", NULL));
}

/* ----------------------------------------------------------------- arrays */

START_TEST(test_insert_unnest)
{
    const char *const skus[] = { "x", "y", "z" };
    const char *const names[] = { "it's", NULL, "a,\"b\"\\ {}" };
    const char *const states[] = { "old", "new", NULL };
    const double prices[] = { 1.25, 2, 3 };
    const int64_t stocks[] = { 1, 2, 3 };
    const elpq_value days[] = { elpq_date(0), elpq_null(0), elpq_date(1) };
    elqb_insert *i = elqb_insert_new(q, G.table);
    struct answer *a;

    elqb_columns(i, G.sku, G.name, G.state, G.price, G.stock, G.added);
    elqb_insert_unnest(
        i, elqb_items(skus, 3), elqb_items(names, 3),
        elqb_cast(q, elqb_items(states, 3), "qb_dml.state[]"),
        elqb_items(prices, 3), elqb_items(stocks, 3),
        V(elpq_array(ELPQ_OID_DATE_ARRAY, days, 3)));
    elqb_returning(i, G.id, elqb_as(q, elqb_mul(q, G.price, V(2)), "twice"));
    a = expect_dml(i, "character varying[] text[] text[] numeric[] integer[] "
                      "date[] numeric -> integer numeric ");
    ck_assert_uint_eq(elpq_rows(a->result), 3);
    ck_assert_str_eq(elpq_get_text(a->result, 0, 1), "2.50");
    expect_is(
        "select string_agg(concat_ws('|', sku, name, state, price, stock, "
        "added), '; ' order by id) from qb_dml.goods",
        "x|it's|old|1.25|1|1970-01-01; y|new|2|2; z|a,\"b\"\\ "
        "{}|3|3|1970-01-02");
}
END_TEST

/* The same text for 0 and 100,000 rows; conflicts are resolved in it. */
START_TEST(test_bulk)
{
    enum { ROWS = 100000 };
    static int stocks[ROWS];
    static char text[ROWS][12];
    static const char *skus[ROWS];
    const elpq_statement *first = NULL;

    for (int n = 0; n < ROWS; n++) {
        stocks[n] = n;
        snprintf(text[n], sizeof(text[n]), "%d", n);
        skus[n] = text[n];
    }
    for (int round = 0; round < 3; round++) {
        size_t count = round ? ROWS : 0;
        elqb_insert *i = elqb_insert_new(q, elqb_table_as(G.table, "g"));
        elqb_expr held = elqb_c(elqb_table_as(G.table, "g"), "stock");

        elqb_columns(i, G.sku, G.stock);
        elqb_insert_unnest(i, elqb_items(skus, count),
                           elqb_items(stocks, count));
        elqb_on_conflict_update(i, G.sku);
        elqb_conflict_set(i, G.stock,
                          elqb_add(q, held, elqb_excluded(G.stock)));
        elqb_conflict_where(i, elqb_lt(q, elqb_typed(held, INT4), V(50)));
        run(__LINE__, elqb_render(q, i),
            "character varying[] integer[] integer ");
        if (!first)
            first = elqb_render(q, i);
        ck_assert_str_eq(first->sql, elqb_render(q, i)->sql);
    }
    expect_is("select concat_ws(' ', count(*), sum(stock)) from qb_dml.goods",
              "100000 4999951225"); /* those below 50 twice: 1225 more */
}
END_TEST

START_TEST(test_update_unnest)
{
    const char *const skus[] = { "a", "c", "no" };
    const int stocks[] = { 100, 300, 5 };
    const double prices[] = { 0.5, 1.5, 2.5 };
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(G.sku, G.stock, G.price),
                               elqb_items(skus, 3), elqb_items(stocks, 3),
                               elqb_items(prices, 3));
    elqb_update *u = elqb_update_new(q, G.table);
    elqb_delete *x = elqb_delete_new(q, G.table);

    fill();
    elqb_set_row(u, ELQB_LIST(G.stock, G.price),
                 elqb_row(q, elqb_corresponding(d, G.stock),
                          elqb_corresponding(d, G.price)));
    elqb_from(u, d);
    elqb_where(u, elqb_eq(q, G.sku, elqb_corresponding(d, G.sku)));
    expect_dml(u, "character varying[] integer[] numeric[] ");
    expect_is(ALL, "a A 0.5 100 new, b B 2 2 new, c C 1.5 300 new");
    elqb_using(x, d);
    elqb_where(x, elqb_eq(q, G.sku, elqb_corresponding(d, G.sku)));
    elqb_where(x, elqb_gt(q, elqb_corresponding(d, G.stock), V(150LL)));
    elqb_returning(x, elqb_table_star(d));
    expect_dml(x,
               "character varying[] integer[] numeric[] integer -> character "
               "varying integer numeric ");
    expect_is(ALL, "a A 0.5 100 new, b B 2 2 new");
}
END_TEST

/* An element that does not fit is the server's error, not another number. */
START_TEST(test_unnest_out_of_range)
{
    const int64_t stocks[] = { 1, INT64_C(1) << 40 };
    elqb_insert *i = elqb_insert_new(q, G.table);

    elqb_columns(i, G.stock);
    elqb_insert_unnest(i, elqb_items(stocks, 2));
    expect_error(ask(conn, elqb_render(q, i)), ELPQ_E_SERVER, "22003", 0);
    expect_is(ALL, "none");
    i = elqb_insert_new(q, G.table);
    elqb_columns(i, G.stock, G.sku);
    elqb_insert_unnest(i, V("{4,5}"), V("{four,NULL}"));
    expect_dml(i, "integer[] character varying[] ");
    expect_is(ALL, "four 9 4 new, 9 5 new");
}
END_TEST

/* ----------------------------------------------------------------- insert */

START_TEST(test_overriding)
{
    elqb_insert *i = elqb_insert_new(q, G.table);
    elqb_select *s = elqb_select_new(q);

    elqb_set(i, G.id, V(50));
    elqb_set(i, G.sku, V("a"));
    expect_error(ask(conn, elqb_render(q, i)), ELPQ_E_SERVER, "428C9", 0);
    elqb_overriding(i, ELQB_SYSTEM_VALUE);
    expect_dml(i, "integer character varying ");
    i = elqb_insert_new(q, G.table);
    elqb_columns(s, V(7), V("b"));
    elqb_columns(i, G.id, G.sku);
    elqb_insert_select(i, s);
    elqb_overriding(i, ELQB_USER_VALUE);
    elqb_returning(i, elqb_star());
    expect_dml(i, "integer character varying -> integer character varying text "
                  "numeric integer qb_dml.state text[] date ");
    i = elqb_insert_new(q, G.table);
    expect_dml(i, "");
    expect_is(
        "select string_agg(concat_ws(' ', id, sku), ', ' order by id) from "
        "qb_dml.goods",
        "1 b, 2, 50 a");
}
END_TEST

START_TEST(test_conflict)
{
    elqb_insert *i = elqb_insert_new(q, G.table);
    elqb_select *s = elqb_select_new(q);

    fill();
    elqb_set(i, G.sku, V("a"));
    elqb_set(i, G.name, V("AA"));
    elqb_on_conflict_update(i, G.sku);
    elqb_columns(s, elqb_func(q, "max", N.sku), elqb_func(q, "max", N.stock));
    elqb_from(s, N.table);
    elqb_conflict_set_row(i, ELQB_LIST(G.name, G.stock), elqb_scalar(q, s));
    elqb_conflict_set(i, G.price, elqb_default());
    elqb_conflict_where(i, elqb_ne(q, G.name, elqb_excluded(G.name)));
    elqb_returning(i, G.name);
    expect_dml(i, "character varying text -> text ");
    expect_is(ALL, "a d 9 40 new, b B 2 2 new, c C 3 3 new");
    i = elqb_insert_new(q, G.table);
    elqb_set(i, G.sku, V("a"));
    elqb_on_constraint(i, "goods_sku_key");
    elqb_on_conflict_nothing(i);
    ck_assert_uint_eq(
        elpq_affected(expect_dml(i, "character varying ")->result), 0);
}
END_TEST

/* ----------------------------------------------------- update and delete */

START_TEST(test_update)
{
    elqb_table g = elqb_only(elqb_table_as(G.table, "g"));
    elqb_update *u = elqb_update_new(q, g);
    elqb_select *s = elqb_select_new(q);
    goods_t A = goods_as("g");

    fill();
    elqb_columns(s, N.stock, elqb_lit("from news"));
    elqb_from(s, N.table);
    elqb_where(s, elqb_eq(q, N.sku, A.sku));
    elqb_set_row(u, ELQB_LIST(A.stock, A.name), elqb_scalar(q, s));
    elqb_set_row(u, ELQB_LIST(A.price, A.state, A.added),
                 elqb_row(q, V(2.5), V("old"), elqb_default()));
    elqb_set_row(u, ELQB_LIST(elqb_subscript(q, A.tags, V(2))),
                 elqb_row(q, V("t")));
    elqb_where(u, elqb_ne(q, A.sku, V("b")));
    elqb_returning(u, elqb_star());
    expect_dml(u,
               "numeric qb_dml.state integer text character varying -> integer "
               "character varying text numeric integer qb_dml.state text[] "
               "date ");
    expect_is(ALL,
              "a from news 2.5 10 old, b B 2 2 new, c from news 2.5 0 old");
    expect_is("select tags::text from qb_dml.goods where sku = 'a'",
              "[2:2]={t}");
}
END_TEST

START_TEST(test_current_of)
{
    elqb_update *u = elqb_update_new(q, G.table);
    elqb_delete *d = elqb_delete_new(q, G.table);

    fill();
    expect_ok(script(conn,
                     "begin; declare \"a c\" cursor for select * from "
                     "qb_dml.goods order by id for update; "
                     "fetch \"a c\"",
                     NULL));
    elqb_set(u, G.name, V("now"));
    elqb_where_current_of(u, "a c");
    expect_dml(u, "text ");
    expect_ok(script(conn, "fetch \"a c\"", NULL));
    elqb_where_current_of(d, "a c");
    expect_dml(d, "");
    expect_ok(script(conn, "commit", NULL));
    expect_is(ALL, "a now 1 1 new, c C 3 3 new");
}
END_TEST

START_TEST(test_joins)
{
    elqb_update *u = elqb_update_new(q, G.table);
    elqb_delete *d = elqb_delete_new(q, elqb_table_as(G.table, "g"));
    goods_t A = goods_as("g"), B = goods_as("other");

    fill();
    elqb_set(u, G.stock, elqb_add(q, N.stock, B.stock));
    elqb_from(u, N.table);
    elqb_join(u, ELQB_INNER, B.table, elqb_eq(q, B.sku, V("b")));
    elqb_where(u, elqb_eq(q, G.sku, N.sku));
    expect_dml(u, "character varying ");
    expect_is(ALL, "a A 1 12 new, b B 2 2 new, c C 3 2 new");
    elqb_using(d, N.table);
    elqb_join(d, ELQB_LEFT, B.table, elqb_eq(q, B.sku, N.sku));
    elqb_where(d, elqb_eq(q, A.sku, B.sku));
    elqb_where(d, N.gone);
    elqb_returning(d, A.sku, elqb_add(q, B.stock, V(1)));
    expect_dml(d, "integer -> character varying integer ");
    expect_is(ALL, "a A 1 12 new, b B 2 2 new");
}
END_TEST

/* ------------------------------------------------------------------ merge */

START_TEST(test_merge)
{
    elqb_merge *m = elqb_merge_new(q, elqb_table_as(G.table, "g"));
    goods_t A = goods_as("g");
    elqb_when *w;

    fill();
    elqb_merge_using(m, N.table, elqb_eq(q, N.sku, A.sku));
    elqb_when_matched_delete(m, N.gone);
    w = elqb_when_matched_update(m, elqb_gt(q, N.stock, V(5)));
    elqb_set(w, A.stock, elqb_add(q, A.stock, N.stock));
    elqb_set_row(w, ELQB_LIST(A.state, A.price),
                 elqb_row(q, V("old"), elqb_default()));
    elqb_when_matched_nothing(m, ELQB_NONE);
    elqb_when_not_matched_nothing(m, elqb_eq(q, N.stock, V(0)));
    w = elqb_when_not_matched_insert(m, elqb_eq(q, N.sku, V("d")));
    elqb_set(w, A.id, V(77));
    elqb_set(w, A.sku, N.sku);
    elqb_set(w, A.stock, N.stock);
    elqb_set(w, A.name, V("merged"));
    elqb_set(w, A.price, elqb_default());
    elqb_overriding(w, ELQB_SYSTEM_VALUE);
    elqb_when_not_matched_insert(m, ELQB_NONE);
    ck_assert_uint_eq(
        elpq_affected(expect_dml(m, "integer qb_dml.state integer character "
                                    "varying integer text ")
                          ->result),
        3);
    expect_is(ALL, "a A 9 11 old, b B 2 2 new, d merged 9 40 new");
    expect_is("select id::text from qb_dml.goods where sku = 'd'", "77");
}
END_TEST

/* The sources that it can have; the last one inserts nothing but defaults. */
START_TEST(test_merge_sources)
{
    const char *const skus[] = { "a", "e" };
    const int stocks[] = { 70, 80 };
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(G.sku, G.stock),
                               elqb_items(skus, 2), elqb_items(stocks, 2));
    elqb_merge *m = elqb_merge_new(q, elqb_only(G.table));
    elqb_select *s = elqb_select_new(q);
    elqb_when *w;

    fill();
    elqb_merge_using(m, d, elqb_eq(q, G.sku, elqb_corresponding(d, G.sku)));
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, G.stock, elqb_corresponding(d, G.stock));
    w = elqb_when_not_matched_insert(m, ELQB_NONE);
    elqb_set(w, G.sku, elqb_corresponding(d, G.sku));
    elqb_set(w, G.stock, elqb_corresponding(d, G.stock));
    expect_dml(m, "character varying[] integer[] ");
    expect_is(ALL, "a A 1 70 new, b B 2 2 new, c C 3 3 new, e 9 80 new");
    elqb_columns(s, N.sku);
    elqb_from(s, N.table);
    elqb_where(s, elqb_eq(q, N.sku, V("d")));
    m = elqb_merge_new(q, G.table);
    d = elqb_subquery(q, s, "s");
    elqb_merge_using(m, d, elqb_eq(q, G.sku, elqb_corresponding(d, N.sku)));
    elqb_join(m, ELQB_INNER, N.table,
              elqb_eq(q, N.sku, elqb_corresponding(d, N.sku)));
    elqb_when_not_matched_insert(m, ELQB_NONE);
    expect_dml(m, "character varying ");
    expect_is(ALL,
              "a A 1 70 new, b B 2 2 new, c C 3 3 new, e 9 80 new, 9 0 new");
}
END_TEST

static void build(Suite *suite)
{
    TCase *tcase = tcase_create("dml");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_insert_unnest);
    tcase_add_test(tcase, test_bulk);
    tcase_add_test(tcase, test_update_unnest);
    tcase_add_test(tcase, test_unnest_out_of_range);
    tcase_add_test(tcase, test_overriding);
    tcase_add_test(tcase, test_conflict);
    tcase_add_test(tcase, test_update);
    tcase_add_test(tcase, test_current_of);
    tcase_add_test(tcase, test_joins);
    tcase_add_test(tcase, test_merge);
    tcase_add_test(tcase, test_merge_sources);
}

int main(void)
{
    return harness_main("qb_dml_server", build);
}

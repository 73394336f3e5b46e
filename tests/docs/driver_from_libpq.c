/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/coming-from.md for users of libpq and of hiredis, run; that
 * of libpq as well.  With --print there is nothing to print: no block of the
 * document is output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

static int64_t sum;
static int done;

static void use(int id, const char *name)
{
    sum += id + (int64_t)strlen(name);
}

/* [pq-query] */
static void find(PGconn *conn, const char *name)
{
    const char *const values[] = { name };
    PGresult *res = PQexecParams(conn,
                                 "select id, name from docs_pq"
                                 " where name = $1",
                                 1, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fprintf(stderr, "%s", PQresultErrorMessage(res));
    for (int row = 0; row < PQntuples(res); row++)
        use(atoi(PQgetvalue(res, row, 0)), PQgetvalue(res, row, 1));
    PQclear(res);
}
/* [/pq-query] */

/* [from-pq-query] */
static void on_found(elpq_result *result, const elpq_error *error, void *arg)
{
    int id;
    const char *name;

    (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
    for (size_t row = 0; result && row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &id, &name) == 0)
            use(id, name);
    done++;
}

static int find_async(elpq_conn *conn, const char *name)
{
    return elpq_execute(conn,
                        elpq_sql("select id, name from docs_pq"
                                 " where name = $1", name),
                        NULL, on_found, NULL);
}
/* [/from-pq-query] */

/* [pq-rows] */
static void walk(PGconn *conn)
{
    PGresult *res;

    if (!PQsendQuery(conn, "select id, name from docs_pq") ||
        !PQsetSingleRowMode(conn))
        fprintf(stderr, "%s", PQerrorMessage(conn));
    while ((res = PQgetResult(conn))) {
        if (PQresultStatus(res) == PGRES_SINGLE_TUPLE)
            use(atoi(PQgetvalue(res, 0, 0)), PQgetvalue(res, 0, 1));
        PQclear(res);
    }
}
/* [/pq-rows] */

/* [from-pq-rows] */
static void on_rows(elpq_result *rows, elpq_request *stream, void *arg)
{
    int id;
    const char *name;

    (void)stream, (void)arg; /* elpq_stream_pause(stream) holds the server */
    for (size_t row = 0; row < elpq_rows(rows); row++)
        if (elpq_scan(rows, row, &id, &name) == 0)
            use(id, name);
}

static void on_walked(const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
    done++;
}

static int walk_async(elpq_conn *conn)
{
    return elpq_stream(conn, elpq_sql("select id, name from docs_pq"), NULL,
                       on_rows, on_walked, NULL);
}
/* [/from-pq-rows] */

/* [pq-transaction] */
static void rename_all(PGconn *conn)
{
    PGresult *res;
    int good;

    PQclear(PQexec(conn, "begin"));
    res = PQexec(conn, "update docs_pq set name = upper(name)");
    good = PQresultStatus(res) == PGRES_COMMAND_OK;
    PQclear(res);
    PQclear(PQexec(conn, good ? "commit" : "rollback"));
}
/* [/pq-transaction] */

/* [from-pq-transaction] */
static void on_updated(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result, (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
}

static void on_begin(elpq_tx *tx, const elpq_error *error, void *arg)
{
    if (error) {
        on_walked(error, arg);
        return;
    }
    /* COMMIT follows in the same flush; if the update fails, it is a rollback
     * and on_walked gets ELPQ_E_ROLLED_BACK. */
    elpq_execute(tx, elpq_sql("update docs_pq set name = upper(name)"), NULL,
                 on_updated, arg);
    elpq_commit(tx, on_walked, arg);
}

static int rename_all_async(elpq_pool *pool)
{
    return elpq_begin(pool, NULL, on_begin, NULL);
}
/* [/from-pq-transaction] */

/* [from-hiredis] */
static void on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    if (error) {
        fprintf(stderr, "%s\n", error->message);
        return; /* conn is NULL: nothing to free */
    }
    /* Two statements, one flush, two callbacks, in this order. */
    if (elpq_execute(conn,
                     elpq_sql("insert into docs_pq values ($1, $2)", 3, "cem"),
                     NULL, on_updated, arg) != 0 ||
        elpq_execute(conn,
                     elpq_sql("select id, name from docs_pq where id > $1", 2),
                     NULL, on_found, arg) != 0)
        elpq_conn_close(conn);
}

static elpq_conn *start(struct event_base *base)
{
    elpq_error *error = NULL;
    elpq_conn *conn = elpq_connect(base, "", NULL, on_connect, NULL, &error);

    if (!conn)
        fprintf(stderr, "%s\n", error->message);
    elpq_error_free(error);
    return conn;
}
/* [/from-hiredis] */

/* ------------------------------------------------------------------- tests */

static void setup(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists docs_pq");
    admin_do("create table docs_pq (id int, name text)");
    admin_do("insert into docs_pq values (1, 'ann'), (2, 'bob')");
    admin_do("grant all on docs_pq to public");
    sum = done = 0;
}

static void teardown(void)
{
    admin_do("drop table docs_pq");
}

/* Both sides do the same. */
START_TEST(both)
{
    elpq_conn *conn = connect_now(NULL, NULL);

    find(admin(), "bob");
    ck_assert_int_eq(sum, 5);
    walk(admin());
    ck_assert_int_eq(sum, 5 + 9);
    ck_assert_int_eq(CALL(find_async(conn, "bob")), 0);
    ck_assert_int_eq(CALL(walk_async(conn)), 0);
    run_until(&done, 2);
    ck_assert_int_eq(sum, 2 * (5 + 9));
    close_conn(conn);
}
END_TEST

START_TEST(transactions)
{
    elpq_pool *pool = pool_of(1);

    rename_all(admin());
    ck_assert_int_eq(admin_int("select count(*) from docs_pq"
                               " where name in ('ANN', 'BOB')"), 2);
    admin_do("update docs_pq set name = lower(name)");
    ck_assert_int_eq(CALL(rename_all_async(pool)), 0);
    run_until(&done, 1);
    ck_assert_int_eq(admin_int("select count(*) from docs_pq"
                               " where name in ('ANN', 'BOB')"), 2);
    finish_pool(pool);
}
END_TEST

START_TEST(commands)
{
    elpq_conn *conn = start(loop);

    run_until(&done, 1);
    ck_assert_int_eq(sum, 6);
    RUN(elpq_conn_close(conn));
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "from libpq", 0);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, both);
    tcase_add_test(t, transactions);
    tcase_add_test(t, commands);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: coming from libpq", build);
}

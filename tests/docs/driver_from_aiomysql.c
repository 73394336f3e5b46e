/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/coming-from.md for users of aiomysql, run.  With --print
 * there is nothing to print: no block of the document is output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

static FILE *out;
static int64_t last_id;
static int done;

/* [aio-connect] */
static elpq_conn *connect_to(struct event_base *base, const char *host,
                             const char *port, const char *db,
                             elpq_conn_cb on_connect, void *app)
{
    const char *params[] = { "host", host, "port", port, "dbname", db, NULL };
    elpq_conn_options options = { .params = params,
                                  .connect_timeout_ms = 60000 };

    return elpq_connect(base, "", &options, on_connect, app, NULL);
}
/* [/aio-connect] */

/* [aio-fetchall] */
static void on_all(elpq_result *result, const elpq_error *error, void *arg)
{
    int id;
    const char *name;

    (void)arg;
    for (size_t row = 0; !error && row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &id, &name) == 0) /* by their C types */
            fprintf(out, "%d=%s ", id, name);
    done++;
}

static int fetch_all(elpq_conn *conn)
{
    return elpq_execute(conn,
                        elpq_sql("select id, name from docs_aio"
                                 " where id > $1 order by id", 0),
                        NULL, on_all, NULL);
}
/* [/aio-fetchall] */

/* [aio-fetchone] */
struct cursor {
    elpq_result *result; /* of elpq_result_ref() */
    size_t next;
};

static bool fetch_one(struct cursor *c, int *id, const char **name)
{
    return elpq_scan(c->result, c->next++, id, name) == 0;
}

static size_t fetch_many(struct cursor *c, size_t n)
{
    size_t rows = 0;
    int id;
    const char *name;

    for (; rows < n && fetch_one(c, &id, &name); rows++)
        fprintf(out, "%d=%s ", id, name);
    return rows;
}

static void on_kept(elpq_result *result, const elpq_error *error, void *arg)
{
    struct cursor *c = arg;

    if (!error)
        c->result = elpq_result_ref(result); /* elpq_result_unref() later */
    done++;
}
/* [/aio-fetchone] */

static void on_end(const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
    done++;
}

/* [aio-dict] */
static void on_dict(elpq_result *result, const elpq_error *error, void *arg)
{
    int name = error ? -1 : elpq_column(result, "name"); /* once */

    (void)arg;
    for (size_t row = 0; !error && row < elpq_rows(result); row++)
        fprintf(out, "%s ", elpq_get_text(result, row, name));
    done++;
}
/* [/aio-dict] */

/* [aio-ss] */
static void on_chunk(elpq_result *rows, elpq_request *stream, void *arg)
{
    (void)stream, (void)arg; /* pause, resume or stop it */
    for (size_t row = 0; row < elpq_rows(rows); row++)
        fprintf(out, "(%s) ", elpq_get_text(rows, row, 0));
}

static int unbuffered(elpq_conn *conn)
{
    return elpq_stream(conn,
                       elpq_sql("select name from docs_aio order by id"), NULL,
                       on_chunk, on_end, NULL);
}
/* [/aio-ss] */

/* [aio-many] */
struct user {
    int id;
    const char *name;
};

/* Called when there is room for one more row. */
static int next_user(uint64_t row, elpq_value *values, void *arg)
{
    const struct user *user = (const struct user *)arg + row;

    if (!user->name)
        return 0; /* that was the last */
    values[0] = elpq_int32(user->id);
    values[1] = elpq_text(user->name);
    return 1;
}

static void on_many(const elpq_many_outcome *outcome, const elpq_error *error,
                    void *arg)
{
    (void)arg;
    fprintf(out, "%" PRIu64 " rows%s ", outcome->affected,
            error ? ", but" : "");
    done++;
}

static int insert_users(elpq_conn *conn, struct user *users)
{
    elpq_rows_source source = { .columns = 2, .next = next_user,
                                .arg = users };

    return elpq_execute_many(conn,
                             elpq_sql("insert into docs_aio values ($1, $2)"),
                             &source, NULL, on_many, NULL);
}
/* [/aio-many] */

/* [aio-acquire] */
static void on_set(elpq_result *result, const elpq_error *error, void *conn)
{
    (void)result, (void)conn;
    if (error)
        fprintf(stderr, "%s\n", error->message);
}

static void on_last(elpq_result *result, const elpq_error *error, void *conn)
{
    on_all(result, error, NULL);
    elpq_conn_release(conn); /* in any state: it comes back as new */
}

static void on_lent(elpq_conn *conn, const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        return;
    if (elpq_execute(conn, elpq_sql("set work_mem = '64MB'"), NULL, on_set,
                     conn) != 0 ||
        elpq_execute(conn, elpq_sql("select id, name from docs_aio"), NULL,
                     on_last, conn) != 0)
        elpq_conn_release(conn);
}

static int with_connection(elpq_pool *pool)
{
    return elpq_pool_acquire(pool, NULL, on_lent, NULL);
}
/* [/aio-acquire] */

/* [aio-tx] */
static void on_debit(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_tx *tx = arg;

    if (error || elpq_affected(result) != 1)
        elpq_rollback(tx, on_end, NULL);
    else
        elpq_commit(tx, on_end, NULL);
}

static void on_begun(elpq_tx *tx, const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        on_end(error, NULL);
    else if (elpq_execute(tx,
                          elpq_sql("update docs_aio set name = $1"
                                   " where id = $2", "eve", 1),
                          NULL, on_debit, tx) != 0)
        elpq_rollback(tx, on_end, NULL);
}
/* [/aio-tx] */

/* [aio-lastrowid] */
static void on_new(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    if (!error)
        elpq_scan(result, 0, &last_id);
    done++;
}

static int insert_one(elpq_conn *conn, const char *name)
{
    return elpq_execute(conn,
                        elpq_sql("insert into docs_aio_log (name) values ($1)"
                                 " returning id", name),
                        NULL, on_new, NULL);
}
/* [/aio-lastrowid] */

/* ------------------------------------------------------------------- tests */

static char *printed;
static size_t printed_size;

static void setup(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists docs_aio, docs_aio_log");
    admin_do("create table docs_aio (id int, name text)");
    admin_do("create table docs_aio_log (id int8 generated always as identity,"
             " name text)");
    admin_do("insert into docs_aio values (1, 'ann'), (2, 'bob')");
    admin_do("grant all on docs_aio, docs_aio_log to public");
    done = 0;
    out = open_memstream(&printed, &printed_size);
}

static void teardown(void)
{
    fclose(out);
    free(printed);
    admin_do("drop table docs_aio, docs_aio_log");
}

static void expect_printed(const char *wanted)
{
    fclose(out);
    ck_assert_str_eq(printed, wanted);
    free(printed);
    out = open_memstream(&printed, &printed_size);
}

static void get(elpq_conn *conn, const char *sql, elpq_result_cb callback,
                void *arg)
{
    int before = done;

    ck_assert_int_eq(CALL(elpq_execute(conn, sql_text(sql), NULL, callback,
                                       arg)), 0);
    run_until(&done, before + 1);
}

START_TEST(cursors)
{
    elpq_conn *conn;
    struct answer *a = answer_new();
    struct user users[] = { { 3, "cem" }, { 4, "dan" }, { 0, NULL } };
    struct cursor cursor = { .next = 0 };

    a->handle = connect_to(loop, server_host(), server_port(),
                           PQdb(admin()), on_conn, a);
    conn = expect_ok(a)->conn;
    ck_assert_int_eq(CALL(fetch_all(conn)), 0);
    run_until(&done, 1);
    expect_printed("1=ann 2=bob ");
    ck_assert_int_eq(CALL(insert_users(conn, users)), 0);
    run_until(&done, 2);
    expect_printed("2 rows ");
    get(conn, "select id, name from docs_aio where id < 3 order by id",
        on_dict, NULL);
    expect_printed("ann bob ");
    get(conn, "select id, name from docs_aio order by id", on_kept, &cursor);
    ck_assert_uint_eq(fetch_many(&cursor, 3), 3);
    ck_assert_uint_eq(fetch_many(&cursor, 3), 1);
    elpq_result_unref(cursor.result);
    expect_printed("1=ann 2=bob 3=cem 4=dan ");
    ck_assert_int_eq(CALL(insert_one(conn, "x")), 0);
    run_until(&done, 5);
    ck_assert_int_eq(last_id, 1);
    ck_assert_int_eq(CALL(unbuffered(conn)), 0);
    run_until(&done, 6);
    expect_printed("(ann) (bob) (cem) (dan) ");
    close_conn(conn);
}
END_TEST

START_TEST(pools)
{
    elpq_pool *pool = pool_of(1);

    ck_assert_int_eq(CALL(elpq_begin(pool, NULL, on_begun, NULL)), 0);
    run_until(&done, 1);
    ck_assert_int_eq(admin_int("select count(*) from docs_aio"
                               " where name = 'eve'"), 1);
    ck_assert_int_eq(CALL(with_connection(pool)), 0);
    run_until(&done, 2);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "from aiomysql", 0);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, cursors);
    tcase_add_test(t, pools);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: coming from aiomysql", build);
}

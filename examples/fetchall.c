/* SPDX-License-Identifier: PostgreSQL */
/*
 * fetchall: connect with keywords, execute, fetch all rows, print them.
 *
 *     cc fetchall.c $(pkg-config --cflags --libs elpq libevent_core)
 *     ./a.out db.example.org 5432 me secret mydb
 *
 * In Python with aiomysql: connect(host=..., ...), cursor(), execute(),
 * fetchall().  Arguments left out come from the environment (PGHOST ...).
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <stdio.h>

static int status = 1;

static void complain(const elpq_error *error)
{
    fprintf(stderr, "fetchall: %s %s: %s\n", elpq_code_name(error->code),
            error->sqlstate, error->message);
}

static void on_inserted(elpq_result *result, const elpq_error *error,
                        void *conn)
{
    (void)conn;
    if (error)
        complain(error);
    else
        printf("%s\n", elpq_command(result));
}

static void on_rows(elpq_result *result, const elpq_error *error, void *conn)
{
    elpq_column_info info;

    if (error) {
        complain(error);
        elpq_conn_close(conn);
        return;
    }
    for (int c = 0; elpq_column_at(result, c, &info) == 0; c++)
        printf("%s%s", c > 0 ? " | " : "", info.name);
    puts("");
    for (size_t row = 0; row < elpq_rows(result); row++) {
        for (int c = 0; c < elpq_columns(result); c++) {
            const char *text = elpq_get_text(result, row, c);

            printf("%s%s", c > 0 ? " | " : "", text ? text : "NULL");
        }
        puts("");
    }
    status = 0;
    elpq_conn_close(conn);
}

/* Both statements leave at once; the server runs them in this order. */
static void on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    (void)arg;
    if (error) {
        complain(error);
        return;
    }
    if (elpq_execute(conn,
                     elpq_sql("CREATE TEMPORARY TABLE fruit AS"
                              " SELECT * FROM (VALUES (1, $1, $2),"
                              " (2, $3, $4), (3, 'cherry', NULL))"
                              " AS v (id, name, price)",
                              "apple", elpq_numeric("0.50"), "o'range",
                              elpq_numeric("1.25")),
                     NULL, on_inserted, conn) != 0 ||
        elpq_execute(conn, elpq_sql("SELECT * FROM fruit ORDER BY id"), NULL,
                     on_rows, conn) != 0) {
        fputs("fetchall: a statement was refused\n", stderr);
        elpq_conn_close(conn);
    }
}

int main(int argc, char **argv)
{
    const char *keys[] = { "host", "port", "user", "password", "dbname" };
    const char *params[11] = { NULL };
    elpq_conn_options options = { .params = params };
    struct event_base *base = event_base_new();
    elpq_error *error = NULL;

    for (int i = 0; i < 5 && i + 1 < argc; i++) {
        params[2 * i] = keys[i];
        params[2 * i + 1] = argv[i + 1];
    }
    if (elpq_connect(base, "", &options, on_connect, NULL, &error))
        event_base_dispatch(base);
    else
        complain(error);
    elpq_error_free(error);
    event_base_free(base);
    return status;
}

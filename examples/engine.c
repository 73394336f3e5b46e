/* SPDX-License-Identifier: PostgreSQL */
/*
 * engine: a pool made from a URL, a connection borrowed from it, one
 * statement built with select() and one written with text().
 *
 *     cc engine.c $(pkg-config --cflags --libs elpq-qb elpq libevent_core) \
 *        -o engine
 *     ./engine postgresql://me:secret@db.example.org/mydb
 *
 * In Python with SQLAlchemy and asyncpg: create_async_engine(url), connect(),
 * execute(select(...)), execute(text("SELECT * FROM table_name")), fetchall().
 */
#include <elpq/elpq.h>
#include <elpq/qb.h>
#include <event2/event.h>
#include <stdio.h>

#define BOOK(C) C(id, INT4) C(title, TEXT) C(year, INT4)
ELQB_TABLE(book, BOOK)

static elpq_pool *engine;
static int status = 1;

static void complain(const char *message)
{
    fprintf(stderr, "engine: %s\n", message);
    status = 1;
}

static void on_rows(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    if (error)
        complain(error->message);
    for (size_t row = 0; result && row < elpq_rows(result); row++)
        for (int c = 0; c < elpq_columns(result); c++)
            printf("%s%s",
                   elpq_is_null(result, row, c)
                       ? "NULL"
                       : elpq_get_text(result, row, c),
                   c + 1 < elpq_columns(result) ? ", " : "\n");
}

static void on_last_rows(elpq_result *result, const elpq_error *error,
                         void *conn)
{
    status = 0;
    on_rows(result, error, NULL);
    elpq_conn_release(conn); /* back to the pool */
    elpq_pool_close(engine, ELPQ_NO_TIMEOUT, NULL, NULL);
}

static int execute(elpq_conn *conn, const elpq_statement *st,
                   elpq_result_cb callback)
{
    if (!st) /* the builder failed */
        return ELPQ_E_USAGE;
    printf("%s\n", st->sql);
    return elpq_execute(conn, st, NULL, callback, conn);
}

static void on_acquired(elpq_conn *conn, const elpq_error *error, void *arg)
{
    book_t b = book_table();
    elqb *q = elqb_new();
    elqb_select *s = elqb_select_new(q);

    (void)arg;
    elqb_columns(s, b.title, b.year);
    elqb_from(s, b.table);
    elqb_where(s, elqb_lt(q, b.year, elqb_val(1900)));
    elqb_order_by(s, elqb_desc(q, b.year));
    if (error ||
        execute(conn,
                elpq_sql("CREATE TEMPORARY TABLE book (id, title, year)"
                         " AS VALUES (1, 'Emma', 1815),"
                         " (2, 'Ulysses', 1922), (3, 'Dracula', 1897)"),
                on_rows) != 0 ||
        execute(conn, elqb_render(q, s), on_rows) != 0 ||
        execute(conn, elqb_render(q, elqb_text(q, "SELECT * FROM book")),
                on_last_rows) != 0) {
        complain(error                 ? error->message
                 : elqb_error_code(q) ? elqb_error(q)
                                      : "the connection takes no statement");
        elpq_conn_release(conn);
        elpq_pool_close(engine, 0, NULL, NULL);
    }
    elqb_free(q);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "postgresql://";
    struct event_base *base = event_base_new();

    engine = elpq_pool_new(base, url, NULL, NULL);
    if (!engine || elpq_pool_acquire(engine, NULL, on_acquired, NULL) != 0)
        complain("not a good URL");
    else
        event_base_dispatch(base);
    event_base_free(base);
    return status;
}

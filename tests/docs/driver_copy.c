/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/copy.md, which runs against a server here: rows in, the
 * same rows out, bytes in and out.
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct person {
    int64_t id;
    const char *name;
    double height;
};

static const struct person people[] = { { 1, "ann", 1.7 },
                                        { 2, "ben\t\"b\"", 1.85 },
                                        { 3, "", 1.6 } };
enum { PEOPLE = sizeof(people) / sizeof(people[0]) };

static int checks, failures;

static void check(int ok, const char *what)
{
    checks++;
    failures += !ok;
    if (!ok)
        fprintf(stderr, "driver_copy: %s\n", what);
}

static void on_done(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    check(!error, error ? error->message : "");
    check(result && elpq_affected(result) == PEOPLE, "not all rows");
}

/* [copy-rows-in] */
struct writer {
    const struct person *next, *end;
};

static void on_room(elpq_copy *copy, void *arg)
{
    struct writer *w = arg;

    for (; w->next < w->end; w->next++) {
        int code = elpq_copy_row(copy, w->next->id, w->next->name,
                                 w->next->height);

        if (code == ELPQ_E_FULL)
            return; /* on_room() is called again when there is room */
        if (code != 0) {
            fprintf(stderr, "%s\n", elpq_copy_error(copy));
            elpq_copy_abort(copy, "bad data");
            return;
        }
    }
    elpq_copy_finish(copy);
}

static int write_people(elpq_pool *pool, struct writer *w)
{
    elpq_copy_spec spec = { .table = "elpq_docs_people",
                            .format = ELPQ_COPY_ROWS };

    return elpq_copy_in(pool, &spec, NULL, on_room, on_done, w);
}
/* [/copy-rows-in] */

/* [copy-rows-out] */
static void on_people(elpq_copy *copy, elpq_result *rows, void *arg)
{
    struct person p;

    (void)copy, (void)arg;
    for (size_t i = 0; i < elpq_rows(rows); i++)
        if (elpq_scan(rows, i, &p.id, &p.name, &p.height) == 0)
            printf("%d %s %.2f\n", (int)p.id, p.name, p.height);
}

static int read_people(elpq_pool *pool, void *arg)
{
    return elpq_copy_out_rows(
        pool, elpq_copy_query("select * from elpq_docs_people order by id"),
        NULL, on_people, on_done, arg);
}
/* [/copy-rows-out] */

/* [copy-bytes-in] */
struct file {
    const char *next;
    size_t left;
};

static void on_ready(elpq_copy *copy, void *arg)
{
    struct file *f = arg;
    size_t taken = elpq_copy_write(copy, f->next, f->left);

    f->next += taken;
    f->left -= taken;
    if (f->left == 0)
        elpq_copy_finish(copy);
}

static int import(elpq_pool *pool, struct file *f)
{
    elpq_options options = { .timeout_ms = ELPQ_NO_TIMEOUT };
    elpq_copy_spec spec = { .table = "elpq_docs_people",
                            .format = ELPQ_COPY_CSV };

    return elpq_copy_in(pool, &spec, &options, on_ready, on_done, f);
}
/* [/copy-bytes-in] */

struct sink {
    struct event_base *base;
    elpq_copy *copy;
    size_t size;
};

static void resume(evutil_socket_t fd, short what, void *arg)
{
    struct sink *sink = arg;

    (void)fd, (void)what;
    elpq_copy_resume(sink->copy);
}

/* Takes one chunk, and no more before the next turn of the loop. */
static int sink_is_full(struct sink *sink)
{
    return event_base_once(sink->base, -1, EV_TIMEOUT, resume, sink,
                           NULL) == 0;
}

/* [copy-bytes-out] */
static void on_data(elpq_copy *copy, const void *data, size_t size, void *arg)
{
    struct sink *sink = arg;

    (void)data; /* goes to where it belongs */
    sink->copy = copy;
    sink->size += size;
    if (sink_is_full(sink))
        elpq_copy_pause(copy); /* elpq_copy_resume() when it has room */
}

static int export(elpq_pool *pool, struct sink *sink)
{
    elpq_copy_spec spec = { .table = "elpq_docs_people",
                            .format = ELPQ_COPY_CSV, .header = true };

    return elpq_copy_out(pool, &spec, NULL, on_data, on_done, sink);
}
/* [/copy-bytes-out] */

static void admin(const char *sql)
{
    PGconn *conn = PQconnectdb("");

    PQclear(PQexec(conn, "set client_min_messages = error"));
    PQclear(PQexec(conn, sql));
    PQfinish(conn);
}

int main(int argc, char **argv)
{
    static const char csv[] = "4,dan,1.5\n5,eve,1.6\n6,\"f,g\",1.7\n";
    struct writer w = { people, people + PEOPLE };
    struct file f = { csv, sizeof(csv) - 1 };
    struct event_base *base;
    struct sink sink = { 0 };
    elpq_pool *pool;

    (void)argv;
    if (argc > 1)
        return 0; /* --print: nothing of it stands in the document */
    admin("drop table if exists elpq_docs_people;"
          "create table elpq_docs_people (id int8, name text, height float8)");
    sink.base = base = event_base_new();
    pool = elpq_pool_new(base, "", NULL, NULL);
    check(write_people(pool, &w) == 0, "write_people");
    event_base_loop(base, EVLOOP_NONBLOCK);
    while (w.next < w.end)
        event_base_loop(base, EVLOOP_ONCE);
    check(read_people(pool, NULL) == 0, "read_people");
    check(export(pool, &sink) == 0, "export");
    while (checks < 8)
        event_base_loop(base, EVLOOP_ONCE);
    check(sink.size > 40, "export is short");
    admin("truncate elpq_docs_people");
    check(import(pool, &f) == 0, "import");
    elpq_pool_close(pool, ELPQ_NO_TIMEOUT, NULL, NULL);
    event_base_dispatch(base);
    event_base_free(base);
    admin("drop table elpq_docs_people");
    printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n",
           failures ? 0 : 100, checks, failures);
    return failures != 0;
}

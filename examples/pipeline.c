/* SPDX-License-Identifier: PostgreSQL */
/*
 * pipeline: hundreds of statements on one connection without waiting for
 * each answer.  Each is on its own: one fails, the others do not.
 *
 *     cc pipeline.c $(pkg-config --cflags --libs elpq libevent_core) \
 *        -o pipeline
 */
#include <elpq/elpq.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

enum { STATEMENTS = 500, UNLUCKY = 123 };

static int done, failed, status = 1;

static void on_created(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result, (void)arg;
    if (error)
        fprintf(stderr, "pipeline: %s\n", error->message);
}

static void on_inserted(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result, (void)arg;
    done++;
    if (!error)
        return;
    failed++;
    printf("statement %d failed: %s %s (constraint %s)\n", done,
           error->sqlstate, error->message,
           error->constraint ? error->constraint : "none");
}

static void on_counted(elpq_result *result, const elpq_error *error, void *conn)
{
    int64_t count;

    if (error) {
        fprintf(stderr, "pipeline: %s\n", error->message);
    } else if (elpq_scan(result, 0, &count) == 0) {
        printf("%d statements, %d failed, %" PRId64 " rows\n", done, failed,
               count);
        status = count != STATEMENTS - 1;
    }
    elpq_conn_close(conn);
}

/* Answers come in the order of the calls, so the count comes last. */
static int submit(elpq_conn *conn)
{
    int code = elpq_execute(
        conn, elpq_sql("CREATE TEMPORARY TABLE numbers (n int4 PRIMARY KEY)"),
        NULL, on_created, NULL);

    for (int i = 1; i <= STATEMENTS && code == 0; i++)
        code = elpq_execute(
            conn,
            elpq_sql("INSERT INTO numbers VALUES ($1)", i == UNLUCKY ? 1 : i),
            NULL, on_inserted, NULL);
    if (code == 0)
        code = elpq_execute(conn, elpq_sql("SELECT count(*) FROM numbers"),
                            NULL, on_counted, conn);
    return code;
}

static void on_connect(elpq_conn *conn, const elpq_error *error, void *arg)
{
    int code;

    (void)arg;
    if (error) {
        fprintf(stderr, "pipeline: %s\n", error->message);
        return;
    }
    code = submit(conn);
    printf("%u statements in the queue\n", elpq_conn_pending(conn));
    if (code != 0) {
        fprintf(stderr, "pipeline: %s\n", elpq_strerror(code));
        elpq_conn_close(conn);
    }
}

int main(void)
{
    struct event_base *base = event_base_new();

    if (!elpq_connect(base, "", NULL, on_connect, NULL, NULL))
        return 1;
    event_base_dispatch(base);
    event_base_free(base);
    return status;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/observability.md, run.  With --print there is nothing to
 * print: no block of the document is output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

static FILE *log_file;
static char *log_text;
static size_t log_size;

/* [obs-trace] */
static void on_trace(const elpq_event *e, void *arg)
{
    int64_t slow_usec = *(const int64_t *)arg;

    switch (e->kind) {
    case ELPQ_EVENT_DONE: /* usec: since it was submitted, waiting included */
        if (e->usec >= slow_usec || e->code != 0)
            fprintf(log_file, "%s %s %" PRIu64 " rows, %s\n",
                    e->tag ? e->tag : "-", e->sql, e->rows,
                    e->code ? elpq_code_name(e->code) : "slow");
        break;
    case ELPQ_EVENT_CONNECT_FAILED:
    case ELPQ_EVENT_DISCONNECTED:
        fprintf(log_file, "pid %d: %s\n", e->pid, e->message);
        break;
    default:
        break;
    }
}
/* [/obs-trace] */

/* [obs-notice] */
static void on_server_notice(elpq_conn *conn, const elpq_error *notice,
                             void *arg)
{
    (void)arg;
    fprintf(log_file, "%s from %d: %s\n", notice->severity,
            elpq_conn_pid(conn), notice->message);
}
/* [/obs-notice] */

/* [obs-pool] */
static elpq_pool *observed_pool(struct event_base *base, int64_t *slow_usec)
{
    elpq_pool_options options = {
        .max_size = 4,
        .conn = {
            .params = (const char *const[]){ "application_name", "shop", NULL },
            .trace = on_trace,
            .trace_arg = slow_usec,
            .notice = on_server_notice,
        },
    };

    return elpq_pool_new(base, "", &options, NULL);
}
/* [/obs-pool] */

/* [obs-stats] */
static void write_metrics(FILE *out, const elpq_pool *pool)
{
    elpq_pool_statistics s;

    elpq_pool_stats(pool, &s);
    fprintf(out, "db_connections{state=\"idle\"} %u\n", s.idle);
    fprintf(out, "db_connections{state=\"busy\"} %u\n", s.busy);
    fprintf(out, "db_waiting %u\n", s.waiting);
    fprintf(out, "db_statements_total %" PRIu64 "\n", s.statements);
    fprintf(out, "db_wait_seconds_total %.6f\n", (double)s.wait_usec / 1e6);
    fprintf(out, "db_refused_total %" PRIu64 "\n", s.refused);
    fprintf(out, "db_connections_lost_total %" PRIu64 "\n", s.lost);
}
/* [/obs-stats] */

static void ask_for_order(elpq_pool *pool, struct answer *app)
{
    /* [obs-tag] */
    elpq_options options = { .tag = "GET /orders" };

    elpq_execute(pool, elpq_sql("select 1 where pg_sleep(0) is not null"),
                 &options, on_result, app);
    /* [/obs-tag] */
}

/* ------------------------------------------------------------------- tests */

static const char *logged(void)
{
    fflush(log_file);
    return log_text;
}

START_TEST(observed)
{
    int64_t slow_usec = 0;
    elpq_pool *pool;
    struct answer *app = answer_new();
    char *metrics = NULL;
    size_t size;
    FILE *out;

    log_file = open_memstream(&log_text, &log_size);
    pool = observed_pool(loop, &slow_usec);
    RUN(ask_for_order(pool, app));
    expect_ok(app);
    ck_assert_str_eq(logged(), "GET /orders select 1 where pg_sleep(0) is not"
                               " null 1 rows, slow\n");
    slow_usec = INT64_MAX;
    expect_ok(ask(pool, elpq_sql("do 'begin raise warning ''full''; end'")));
    ck_assert(strstr(logged(), "\nWARNING from ") != NULL);
    ck_assert(strstr(log_text, ": full\n") != NULL);
    expect_error(ask(pool, elpq_sql("select 1/(0 * $1)", 7777)),
                 ELPQ_E_SERVER, "22012", 0);
    ck_assert(strstr(logged(), "- select 1/(0 * $1) 0 rows, ELPQ_E_SERVER\n"));
    ck_assert(strstr(log_text, "7777") == NULL);
    ck_assert_str_eq(text_of(pool, "show application_name"), "shop");
    out = open_memstream(&metrics, &size);
    write_metrics(out, pool);
    fclose(out);
    ck_assert(strstr(metrics, "db_waiting 0\n") != NULL);
    ck_assert(strstr(metrics, "db_statements_total 4\n") != NULL);
    free(metrics);
    finish_pool(pool);
    fclose(log_file);
    free(log_text);
}
END_TEST

static void build(Suite *s)
{
    tcase_add_test(harness_case(s, "observability", 0), observed);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: observability", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The connection ends at every byte that the server sends, in order, with a
 * reset, or by silence: while connecting, in a pipeline, and in a transaction
 * with its COMMIT.
 *
 * What a real server said is recorded once, and played for each cut, behind a
 * proxy that makes it.  Whatever is cut: every callback comes once and from
 * the loop; an answer is the right one, or an error that can be; what was not
 * sent is said not to have run, what may have run is said to be in doubt;
 * nothing is left behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"
#include "elpq/testkit.h"

#define STALLS 48 /* at a time: each takes as long as a deadline */

static elpq_faultproxy *proxy;
static elpq_fakepg *fake;
static char *recording;

static elpq_faultproxy *proxy_to(const char *host, int port)
{
    elpq_faultproxy_options o = { .upstream_host = host,
                                  .upstream_port = port };
    elpq_faultproxy *p = elpq_faultproxy_new(loop, &o);

    ck_assert_ptr_nonnull(p);
    return p;
}

static const char *through(void)
{
    static char text[200];
    const char *database = harness_env("PGDATABASE");

    snprintf(text, sizeof(text),
             "host=127.0.0.1 port=%d dbname=%s sslmode=disable"
             " gssencmode=disable",
             elpq_faultproxy_port(proxy), database ? database : "postgres");
    return text;
}

static int scaled(int ms)
{
    return (int)(ms * harness_slow());
}

/* --------------------------------------------------------------- scenarios */

/*
 * One run of a scenario.  It goes on from callback to callback, so that many
 * run side by side; `left` counts what is to come.
 */
struct run {
    struct answer *a[5];
    int n;
    void (*body)(struct run *run);
    bool committing;
};

static int over; /* runs that have ended */

static struct run *run_of(struct answer *a)
{
    return a->data;
}

static struct answer *keep(struct run *run, struct answer *a,
                           void (*then)(struct answer *a))
{
    a->data = run;
    a->then = then;
    run->a[run->n++] = a;
    return a;
}

static void finish(struct run *run)
{
    elpq_conn_close(run->a[0]->conn);
    over++;
}

/* The last of a pipeline ends the run, whatever came of it. */
static void on_last(struct answer *a)
{
    finish(run_of(a));
}

/* A submission from a callback: refused only when the connection is lost. */
static bool submit(struct run *run, const elpq_statement *st,
                   void (*then)(struct answer *a))
{
    struct answer *a = answer_new();

    if (CALL(elpq_execute(run->a[0]->conn, st, NULL, on_result, a)) != 0) {
        a->wanted = 0;
        return false;
    }
    keep(run, a, then);
    return true;
}

static void pipeline(struct run *run)
{
    submit(run, elpq_sql("select 1"), NULL);
    submit(run, elpq_sql("select nothing"), NULL);
    if (!submit(run, elpq_sql("select 3, 'three'"), on_last))
        finish(run);
}

static void query(struct run *run)
{
    if (!submit(run, elpq_sql("select 1"), on_last))
        finish(run);
}

static void on_tx_open(struct answer *a)
{
    struct run *run = run_of(a);
    struct answer *insert = answer_new(), *end = answer_new();

    if (!a->tx) {
        insert->wanted = end->wanted = 0;
        finish(run);
        return;
    }
    keep(run, insert, NULL);
    keep(run, end, on_last);
    if (CALL(elpq_execute(a->tx, elpq_sql("select 1"), NULL, on_result,
                          insert)) != 0)
        insert->wanted = 0;
    if (CALL(elpq_commit(a->tx, on_done, end)) != 0) {
        end->wanted = 0;
        finish(run);
    }
}

static void transaction(struct run *run)
{
    struct answer *a = answer_new();

    run->committing = true;
    if (CALL(elpq_begin(run->a[0]->conn, NULL, on_tx, a)) != 0) {
        a->wanted = 0;
        finish(run);
        return;
    }
    keep(run, a, on_tx_open);
}

static void on_connected(struct answer *a)
{
    struct run *run = run_of(a);

    if (a->conn)
        run->body(run);
    else
        over++;
}

static struct run *start(void (*body)(struct run *run), bool patient)
{
    elpq_conn_options o = { .cancel_grace_ms = 1 };
    struct run *run = calloc(1, sizeof(*run));

    ck_assert_ptr_nonnull(run);
    run->body = body;
    o.timeout_ms = patient ? 0 : scaled(60);
    o.connect_timeout_ms = patient ? 0 : scaled(60);
    keep(run, start_connect(through(), &o), on_connected);
    return run;
}

/* ---------------------------------------------------------------- verdicts */

static void check_value(const struct answer *a, int64_t value)
{
    int64_t got = -1;

    ck_assert_int_eq(elpq_get_int64(a->result, 0, 0, &got), 0);
    ck_assert_int_eq(got, value);
}

/* What a cut can do to a request. */
static void check_error(const struct answer *a)
{
    ck_assert_msg(a->code == ELPQ_E_LOST || a->code == ELPQ_E_CONNECT ||
                      a->code == ELPQ_E_TIMEOUT || a->code == ELPQ_E_PROTOCOL ||
                      a->code == ELPQ_E_CLOSED,
                  "%s: %s", elpq_code_name(a->code), a->error->message);
    ck_assert_msg(!(a->flags & ELPQ_NOT_EXECUTED) ||
                      !(a->flags & ELPQ_IN_DOUBT),
                  "not executed, and in doubt");
}

static void check_run(const struct run *run)
{
    for (int i = 0; i < run->n; i++) {
        const struct answer *a = run->a[i];

        if (a->wanted == 0)
            continue;
        ck_assert_int_eq(a->calls, 1);
        if (a->code == ELPQ_E_SERVER) {
            ck_assert_str_eq(a->sqlstate, "42703");
            ck_assert_ptr_eq(a, run->a[2]);
        } else if (a->code) {
            check_error(a);
        } else if (a->result && elpq_columns(a->result) > 0) {
            check_value(a, i == 3 ? 3 : 1);
        }
    }
    /* The server got COMMIT, if its note says so: then it may have run. */
    if (run->committing && run->n == 4 && run->a[3]->code &&
        elpq_fakepg_notes(fake) > 0)
        ck_assert_uint_eq(run->a[3]->flags & ELPQ_NOT_EXECUTED, 0);
}

/* ----------------------------------------------------------------- the cuts */

/* With a note after the last message that the client sent before the end. */
static void record(void (*body)(struct run *run), uint64_t *bytes)
{
    elpq_faultproxy_stats s;
    struct run *run;
    const char *text, *end, *last = NULL;

    proxy = proxy_to(server_host(), (int)strtol(server_port(), NULL, 10));
    elpq_faultproxy_record(proxy);
    over = 0;
    run = start(body, true);
    run_until(&over, 1);
    for (int i = 0; i < run->n; i++)
        ck_assert(run->a[i]->code == 0 || run->a[i]->code == ELPQ_E_SERVER);
    elpq_faultproxy_statistics(proxy, &s);
    *bytes = s.server_bytes;
    text = elpq_faultproxy_recording(proxy);
    for (end = text; (end = strstr(end, "expect S\n")); end++)
        last = end + strlen("expect S\n");
    ck_assert_ptr_nonnull(last);
    recording = malloc(strlen(text) + 10);
    ck_assert_ptr_nonnull(recording);
    sprintf(recording, "%.*snote\n%s", (int)(last - text), text, last);
    settle_answers();
    free(run);
    elpq_faultproxy_free(proxy);
}

static void play(void)
{
    const char *error;

    fake = elpq_fakepg_new(loop, recording, &error);
    ck_assert_msg(fake, "%s", error);
    proxy = proxy_to("127.0.0.1", elpq_fakepg_port(fake));
}

static void stop(void)
{
    elpq_faultproxy_free(proxy);
    elpq_fakepg_free(fake);
}

/* `n` runs side by side, cut at this byte and those after it. */
static void cut(void (*body)(struct run *run), const char *how, uint64_t byte,
                int n)
{
    struct run *runs[STALLS];
    char rule[60];

    play();
    over = 0;
    for (int i = 0; i < n; i++) {
        /* Which of them is which session does not matter. */
        snprintf(rule, sizeof(rule), "session %d cut %s at byte %llu", i + 1,
                 how, (unsigned long long)byte + (unsigned)i);
        ck_assert_ptr_null(elpq_faultproxy_rule(proxy, rule));
    }
    for (int i = 0; i < n; i++)
        runs[i] = start(body, *how != 's');
    run_until(&over, n);
    /* Who is impatient says good-bye early, which the script does not know;
     * and of many, nobody knows whose note it was. */
    if (*how != 's')
        ck_assert_ptr_null(elpq_fakepg_complaint(fake));
    for (int i = 0; i < n; i++) {
        runs[i]->committing &= n == 1;
        check_run(runs[i]);
    }
    settle_answers();
    for (int i = 0; i < n; i++)
        free(runs[i]);
    stop();
}

static const struct {
    const char *name;
    void (*body)(struct run *run);
} scenarios[] = { { "query", query },
                  { "pipeline", pipeline },
                  { "transaction", transaction } };
static const char *const ways[] = { "fin", "rst", "stall" };

START_TEST(at_every_byte)
{
    const char *how = ways[_i % 3];
    void (*body)(struct run *) = scenarios[_i / 3].body;
    int together = _i % 3 == 2 ? STALLS : 1, n;
    unsigned cuts = 0, step = (unsigned)harness_slow();
    uint64_t bytes, byte;

    record(body, &bytes);
    ck_assert_uint_gt(bytes, 300);
    for (byte = 1; byte <= bytes; byte += (unsigned)n * step) {
        n = bytes - byte + 1 < STALLS ? (int)(bytes - byte + 1) : STALLS;
        n = together < n ? together : n;
        cut(body, how, byte, n);
        alarm((unsigned)(60 * harness_slow()));
        cuts += (unsigned)n;
    }
    printf("%-12s %-6s %u cuts\n", scenarios[_i / 3].name, how, cuts);
    free(recording);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "cuts", 120);

    tcase_add_loop_test(t, at_every_byte, 0, 9);
}

int main(void)
{
    return harness_main("cuts", build);
}

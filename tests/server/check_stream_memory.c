/* SPDX-License-Identifier: PostgreSQL */
/*
 * The memory of streams: 1 GiB goes through a process that may grow by 4 MiB
 * and one row, while its consumer pauses again and again; and a consumer that
 * stops for good holds the server, and nothing else.
 *
 * Slow builds take less of it, and are not measured: what they grow by is not
 * the driver's alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define MIB (1024 * 1024)

/* What the kernel counts for us, in bytes. */
static int64_t resident(const char *field)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[200];
    int64_t kib = -1;

    ck_assert_ptr_nonnull(in);
    while (kib < 0 && fgets(line, sizeof(line), in))
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtoll(line + strlen(field), NULL, 10);
    fclose(in);
    ck_assert_int_gt(kib, 0);
    return kib * 1024;
}

/* Sets the peak back to what is resident now. */
static void forget_peak(void)
{
    FILE *out = fopen("/proc/self/clear_refs", "w");

    ck_assert_ptr_nonnull(out);
    fputs("5", out);
    fclose(out);
}

struct consumer {
    struct flow flow;
    int64_t bytes;
    int64_t pauses;
    int64_t pause_at; /* so many bytes */
    int64_t pause_every;
};

static void consume(elpq_result *rows, elpq_request *stream, void *arg)
{
    struct consumer *c = arg;

    for (size_t i = 0; i < elpq_rows(rows); i++) {
        elpq_string s;

        ck_assert_int_eq(elpq_get_string(rows, i, 0, &s), 0);
        c->bytes += (int64_t)s.size;
    }
    if (c->bytes >= c->pause_at) {
        c->pause_at += c->pause_every;
        c->pauses++;
        RUN(elpq_stream_pause(stream));
    }
}

/* Streams so many rows of so many bytes; returns the growth of the peak. */
static int64_t stream(elpq_conn *conn, int64_t count, int64_t size,
                      int64_t pause_every)
{
    struct consumer c = { .pause_every = pause_every,
                          .pause_at = pause_every };
    elpq_options o = { .request = &c.flow.stream,
                       .timeout_ms = ELPQ_NO_TIMEOUT };
    int64_t before;

    c.flow.a = answer_new();
    forget_peak();
    before = resident("VmRSS:");
    ck_assert_int_eq(
        CALL(elpq_stream(conn,
                         elpq_sql("select repeat('0123456789abcdef', $2)"
                                  " from generate_series(1, $1)",
                                  count, (int32_t)(size / 16)),
                         &o, consume, on_end, &c.flow)), 0);
    while (!c.flow.a->calls) {
        event_base_loop(loop, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        RUN(elpq_stream_resume(c.flow.stream));
    }
    expect_ok(c.flow.a);
    ck_assert_int_eq(c.bytes, count * size);
    ck_assert_int_ge(c.pauses, count * size / pause_every - 1);
    return resident("VmHWM:") - before;
}

static void expect_flat(int64_t total, int64_t row)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    int64_t grown;

    if (harness_slow() > 1)
        total /= 32;
    grown = stream(conn, total / row, row,
                   total / 64 > row ? total / 64 : row);
    printf("%lld MiB in rows of %lld: grew by %lld KiB\n",
           (long long)(total / MIB), (long long)row,
           (long long)(grown / 1024));
    if (harness_slow() <= 1)
        ck_assert_int_le(grown, 4 * MIB + row);
    close_conn(conn);
}

START_TEST(a_gib)
{
    expect_flat(1024 * (int64_t)MIB, 8192);
}
END_TEST

START_TEST(small_rows)
{
    expect_flat(32 * MIB, 64);
}
END_TEST

START_TEST(large_rows)
{
    expect_flat(256 * MIB, MIB);
}
END_TEST

START_TEST(a_stopped_consumer_costs_nothing)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .at = 10, .act = pause_flow };
    size_t before = harness_allocated();

    FLOW(&f, conn, elpq_sql("select n, repeat('x', 1000)"
                            " from generate_series(1, 100000) n"), NULL);
    await_rows(&f, 10);
    await_held_back(conn);
    run_turns(100);
    ck_assert_uint_le(harness_allocated(), before + 256 * 1024);
    stop_flow(&f);
    expect_ok(f.a);
    close_conn(conn);
}
END_TEST

/* What libpq has read must be taken before it reads more, or its buffer grows
 * with each pause. */
START_TEST(a_pause_after_each_row)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct flow f = { .counts = true, .act = pause_flow };
    size_t before = harness_allocated();

    FLOW(&f, conn, elpq_sql("select n, repeat('x', 1000)"
                            " from generate_series(1, 2000) n"), NULL);
    for (int n = 1; n <= 2000; n++) {
        await_rows(&f, n);
        resume_flow(&f);
    }
    ck_assert_uint_le(harness_allocated(), before + 256 * 1024);
    expect_ok(f.a);
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "memory", 60);

    tcase_add_test(t, a_gib);
    tcase_add_test(t, small_rows);
    tcase_add_test(t, large_rows);
    tcase_add_test(t, a_stopped_consumer_costs_nothing);
    tcase_add_test(t, a_pause_after_each_row);
}

int main(void)
{
    return harness_main("stream memory", build);
}

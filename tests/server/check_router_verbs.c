/* SPDX-License-Identifier: PostgreSQL */
/*
 * The verbs of a router beyond single statements, on a primary and two
 * standbys: where each goes, what is sent again and what never is.
 *
 * The cluster is one for all tests, in the order in which they stand here.
 */
#include "routers.h"

static elpq_options reads = { .flags = ELPQ_READONLY };

/* Requests that standbys have got since the last call. */
static int to_standbys(elpq_router *router)
{
    static uint64_t last;
    uint64_t before = last;

    last = counts(router).to_standbys;
    return (int)(last - before);
}

/* ---------------------------------------------------------------- routing */

static struct {
    int each;
    elpq_many_outcome outcome;
    size_t bytes;
    char text[64];
    uint32_t oid;
    elpq_lock *lock;
} got;

static void on_part(size_t index, elpq_result *result, const elpq_error *error,
                    void *arg)
{
    (void)arg;
    ck_assert_uint_eq(index, (size_t)got.each);
    got.each++;
    if (result && elpq_rows(result) > 0)
        snprintf(got.text, sizeof(got.text), "%s",
                 elpq_get_text(result, 0, 0));
    ck_assert_int_eq(result != NULL, error == NULL);
}

static void on_many(const elpq_many_outcome *outcome, const elpq_error *error,
                    void *arg)
{
    got.outcome = *outcome;
    on_done(error, arg);
}

static void write_ready(elpq_copy *copy, void *arg)
{
    (void)arg;
    ck_assert_uint_eq(elpq_copy_write(copy, "7\tseven\n", 8), 8);
    ck_assert_int_eq(elpq_copy_finish(copy), 0);
}

static void put_ready(elpq_copy *copy, void *arg)
{
    (void)arg;
    ck_assert_int_eq(elpq_copy_row(copy, 8, "eight"), 0);
    ck_assert_int_eq(elpq_copy_finish(copy), 0);
}

static void on_bytes(elpq_copy *copy, const void *data, size_t size, void *arg)
{
    (void)copy;
    (void)arg;
    ck_assert_uint_lt(got.bytes + size, sizeof(got.text));
    memcpy(got.text + got.bytes, data, size);
    got.bytes += size;
    got.text[got.bytes] = '\0';
}

static void on_copied(elpq_copy *copy, elpq_result *rows, void *arg)
{
    (void)copy;
    (void)arg;
    got.bytes += elpq_rows(rows);
    snprintf(got.text, sizeof(got.text), "%s", elpq_get_text(rows, 0, 0));
}

static void on_oid(uint32_t oid, const elpq_error *error, void *arg)
{
    got.oid = oid;
    on_done(error, arg);
}

static void on_lock(elpq_lock *lock, const elpq_error *error, void *arg)
{
    got.lock = lock;
    on_done(error, arg);
}

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    got.oid = type ? type->oid : 0;
    on_done(error, arg);
}

START_TEST(batches_and_rows)
{
    const elpq_statement *where[] = { elpq_sql("select 1"),
                                      elpq_sql(IN_RECOVERY) };
    const elpq_value values[] = { elpq_int32(1), elpq_int32(2),
                                  elpq_int32(3) };
    elpq_rows_source three = { .columns = 1, .values = values, .rows = 3 };
    elpq_router *router = router_of(NULL);

    settled(router);
    fill(router);
    (void)to_standbys(router);
    for (int i = 0; i < 2; i++) {
        struct answer *a = answer_new();

        memset(&got, 0, sizeof(got));
        ck_assert_int_eq(CALL(elpq_batch(router, where, 2, i ? &reads : NULL,
                                         on_part, on_done, a)), 0);
        expect_ok(a);
        ck_assert_int_eq(got.each, 2);
        ck_assert_str_eq(got.text, i ? "true" : "false");
    }
    ck_assert_int_eq(to_standbys(router), 1);
    for (int i = 0; i < 2; i++) {
        struct answer *a = answer_new();

        ck_assert_int_eq(
            CALL(elpq_execute_many(
                router, elpq_sql("insert into verbs (n) values ($1)", 0),
                &three, i ? &reads : NULL, on_many, a)), 0);
        expect_ok(a);
        ck_assert_uint_eq(got.outcome.affected, 3);
    }
    ck_assert_int_eq(to_standbys(router), 0); /* rows are to be written */
    ck_assert_int_eq(rows_of(router), 6);
    expect_ok(close_router(router, 0));
}
END_TEST

START_TEST(copies)
{
    const elpq_copy_spec text = { .table = "verbs" };
    const elpq_copy_spec rows = { .table = "verbs", .format = ELPQ_COPY_ROWS };
    elpq_router *router = router_of(NULL);

    settled(router);
    fill(router);
    (void)to_standbys(router);
    for (int i = 0; i < 4; i++) {
        struct answer *a = answer_new();

        ck_assert_int_eq(
            CALL(elpq_copy_in(router, i & 1 ? &rows : &text,
                              i & 2 ? &reads : NULL,
                              i & 1 ? put_ready : write_ready, on_result, a)),
            0);
        expect_ok(a);
        ck_assert_uint_eq(elpq_affected(a->result), 1);
    }
    ck_assert_int_eq(rows_of(router), 4);
    ck_assert_int_eq(to_standbys(router), 0);
    for (int i = 0; i < 4; i++) {
        const elpq_copy_spec *spec = elpq_copy_query(IN_RECOVERY);
        const elpq_options *o = i & 2 ? &reads : NULL;
        struct answer *a = answer_new();

        memset(&got, 0, sizeof(got));
        ck_assert_int_eq(i & 1 ? CALL(elpq_copy_out_rows(router, spec, o,
                                                         on_copied, on_result,
                                                         a))
                               : CALL(elpq_copy_out(router, spec, o, on_bytes,
                                                    on_result, a)), 0);
        expect_ok(a);
        ck_assert_uint_gt(got.bytes, 0);
        ck_assert_int_eq(strncmp(got.text, i & 2 ? "true" : "false", 4), 0);
    }
    ck_assert_int_eq(to_standbys(router), 2);
    expect_ok(close_router(router, 0));
}
END_TEST

/* These go to the primary although they are said to read only. */
START_TEST(what_is_always_the_primarys)
{
    elpq_router *router = router_of(NULL);
    struct answer *a = answer_new();

    settled(router);
    (void)to_standbys(router);
    ck_assert_int_eq(CALL(elpq_notify(router, "channel", "x", &reads, on_done,
                                      a)), 0);
    expect_ok(a);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_lo_create(router, 0, &reads, on_oid, a)), 0);
    expect_ok(a);
    ck_assert_uint_gt(got.oid, 0);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_lo_unlink(router, got.oid, &reads, on_done, a)),
                     0);
    expect_ok(a);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_lock_acquire(router, elpq_lock_int64(1), NULL,
                                            on_lock, a)), 0);
    expect_ok(a);
    ck_assert_str_eq(text_of(elpq_lock_conn(got.lock), IN_RECOVERY), "false");
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_lock_release(got.lock, on_done, a)), 0);
    expect_ok(a);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_list_prepared(router, &reads, on_result, a)),
                     0);
    expect_ok(a);
    ck_assert_uint_eq(elpq_rows(a->result), 0);
    /* A standby would say 25006. */
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_commit_prepared(router, "none", &reads, on_done,
                                               a)), 0);
    expect_error(a, ELPQ_E_SERVER, "42704", 0);
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_rollback_prepared(router, "none", &reads,
                                                 on_done, a)), 0);
    expect_error(a, ELPQ_E_SERVER, "42704", 0);
    ck_assert_int_eq(to_standbys(router), 0);
    expect_ok(close_router(router, 0));
}
END_TEST

/* ------------------------------------------------------------------ types */

static void make_moods(elpq_router *router)
{
    struct answer *a = answer_new();

    ck_assert_int_eq(CALL(elpq_script(router,
                                      "drop type if exists mood, other;"
                                      "create type mood as enum ('sad', 'ok');"
                                      "create type other as enum ('x')",
                                      NULL, on_each, on_done, a)),
                     0);
    expect_ok(a);
    replayed(router); /* a standby is asked as well */
}

static bool comes_in_binary(elpq_router *router, const elpq_statement *st)
{
    struct answer *a = expect_ok(ask_router(router, st, NULL));
    elpq_column_info column;

    ck_assert_int_eq(elpq_column_at(a->result, 0, &column), 0);
    return column.binary;
}

/* Whichever host is asked, all of them have what was found. */
START_TEST(types_are_those_of_all_hosts)
{
    elpq_router *router = router_of(NULL);
    struct answer *a = answer_new();
    elpq_options *asked = _i ? &reads : NULL;

    settled(router);
    make_moods(router);
    (void)to_standbys(router);
    ck_assert_int_eq(CALL(elpq_load_type(router, "mood", asked, on_type, a)),
                     0);
    expect_ok(a);
    ck_assert_int_eq(to_standbys(router), _i);
    ck_assert_uint_eq(elpq_find_type(router, "mood")->oid, got.oid);
    ck_assert_uint_eq(elpq_router_find_type_oid(router, got.oid)->nlabels, 2);
    for (int i = 0; i < 4; i++) /* the first on each host is text */
        (void)comes_in_binary(router, READ("select 'ok'::mood"));
    for (int i = 0; i < 2; i++) /* and the standbys take turns */
        ck_assert(comes_in_binary(router, READ("select 'ok'::mood")));
    for (int i = 0; i < 2; i++)
        (void)comes_in_binary(router, elpq_sql("select 'ok'::mood"));
    ck_assert(comes_in_binary(router, elpq_sql("select 'ok'::mood")));
    ck_assert_int_eq(to_standbys(router), 6);
    expect_ok(close_router(router, 0));
}
END_TEST

START_TEST(types_are_kept_up_with)
{
    elpq_router *router = router_of(NULL);
    struct answer *a = answer_new(), *b = answer_new();

    settled(router);
    make_moods(router);
    ck_assert_int_eq(CALL(elpq_load_type(router, "other", NULL, on_type, a)),
                     0);
    expect_ok(a);
    ck_assert_int_eq(
        CALL(elpq_load_type_oid(router, got.oid, NULL, on_type, b)), 0);
    expect_ok(b);
    ck_assert_uint_eq(elpq_find_type(router, "other")->oid, got.oid);
    /* One that it sees on a standby is looked up by itself. */
    UNTIL(comes_in_binary(router, READ("select 'ok'::mood")));
    expect_ok(ask_router(router, elpq_sql("alter type other add value 'y'"),
                         NULL));
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_refresh_types(router, NULL, on_done, a)), 0);
    expect_ok(a);
    ck_assert_uint_eq(elpq_find_type(router, "other")->nlabels, 2);
    expect_ok(close_router(router, 0));
}
END_TEST

/* -------------------------------------------------- a host that has moved */

START_TEST(what_a_standby_refused_goes_again)
{
    const elpq_statement *batch[] = { elpq_sql("select 1"),
                                      elpq_sql("insert into verbs values (1)"),
                                      elpq_sql("select 2") };
    const elpq_copy_spec specs[] = {
        { .table = "verbs" }, { .table = "verbs", .format = ELPQ_COPY_ROWS }
    };
    elpq_router *before = router_of(NULL);
    elpq_router *router;
    struct answer *a;

    settled(before);
    fill(before);
    replayed(before);
    router = router_astray(1000, 3);
    memset(&got, 0, sizeof(got));
    a = answer_new();
    ck_assert_int_eq(CALL(elpq_batch(router, batch, 3, NULL, on_part, on_done,
                                     a)), 0);
    expect_error(a, ELPQ_E_SERVER, "25006", 0);
    ck_assert_int_eq(got.each, 3);
    ck_assert_uint_eq(counts(router).retries, 3);
    for (int i = 0; i < 2; i++) {
        a = answer_new();
        ck_assert_int_eq(CALL(elpq_copy_in(router, &specs[i], NULL,
                                           i ? put_ready : write_ready,
                                           on_result, a)), 0);
        expect_error(a, ELPQ_E_SERVER, "25006", 0);
        ck_assert_uint_eq(counts(router).retries, 6 + 3 * (unsigned)i);
    }
    ck_assert_int_eq(rows_of(before), 0);
    expect_ok(close_router(before, 0));
    expect_ok(close_router(router, 0));
}
END_TEST

static elpq_copy *flowing;
static int calls;

/* Both stop at the first call, with the COPY in its midst. */
static void on_first_bytes(elpq_copy *copy, const void *data, size_t size,
                           void *arg)
{
    (void)data;
    (void)size;
    (void)arg;
    if (calls++ == 0)
        elpq_copy_pause(copy);
    flowing = copy;
}

static void write_half(elpq_copy *copy, void *arg)
{
    (void)copy;
    (void)arg;
    calls++;
}

START_TEST(a_copy_is_not_sent_again_once_it_flows)
{
    const elpq_copy_spec table = { .table = "verbs" };
    elpq_router *router = router_of(NULL);
    int primary = settled(router);

    fill(router);
    for (int in = 0; in < 2; in++) {
        struct answer *a = answer_new();
        elpq_conn *direct = connect_now(node_at(primary), NULL);

        calls = 0;
        ck_assert_int_eq(
            in ? CALL(elpq_copy_in(router, &table, NULL, write_half, on_result,
                                   a))
               : CALL(elpq_copy_out(
                     router,
                     elpq_copy_query("select repeat('x', 1000) from"
                                     " generate_series(1, 100000)"),
                     NULL, on_first_bytes, on_result, a)), 0);
        UNTIL(calls > 0);
        expect_text(ask(direct, elpq_sql("select bool_and("
                                         "pg_terminate_backend(pid))::text from"
                                         " pg_stat_activity where state ="
                                         " 'active' and query ilike 'copy%'")),
                    "true");
        if (!in)
            elpq_copy_resume(flowing);
        await(a);
        ck_assert_int_ne(a->code, 0);
        ck_assert_uint_eq(counts(router).retries, 0);
        ck_assert(in ? calls == 1 : calls > 1);
        close_conn(direct);
    }
    UNTIL(counts(router).primary == primary);
    ck_assert_int_eq(rows_of(router), 0);
    expect_ok(close_router(router, 0));
}
END_TEST

/* --------------------------------------------------------------- refusals */

static void body(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    (void)t;
    (void)tx;
    (void)arg;
    ck_abort_msg("a body of a router that has no host");
}

/* The n-th verb; its callbacks, if they come, are those of `a`. */
static int verb(elpq_router *router, int n, struct answer *a)
{
    const elpq_statement *st = elpq_sql("select 1");
    const elpq_rows_source none = { .columns = 0 };
    const elpq_copy_spec table = { .table = "verbs" };
    elpq_lock_key key = elpq_lock_int32(1, 2);

    switch (n) {
    case 0:
        return CALL(elpq_batch(router, &st, 1, NULL, NULL, on_done, a));
    case 1:
        return CALL(elpq_execute_many(router, st, &none, NULL, on_many, a));
    case 2:
        return CALL(elpq_transact(router, NULL, body, on_done, a));
    case 3:
        return CALL(elpq_copy_in(router, &table, NULL, write_ready, on_result,
                                 a));
    case 4:
        return CALL(elpq_copy_out(router, &table, NULL, on_bytes, on_result,
                                  a));
    case 5:
        return CALL(elpq_copy_out_rows(router, &table, NULL, on_copied,
                                       on_result, a));
    case 6:
        return CALL(elpq_notify(router, "channel", NULL, NULL, on_done, a));
    case 7:
        return CALL(elpq_lock_acquire(router, key, NULL, on_lock, a));
    case 8:
        return CALL(elpq_lo_create(router, 0, NULL, on_oid, a));
    case 9:
        return CALL(elpq_lo_unlink(router, 1, NULL, on_done, a));
    case 10:
        return CALL(elpq_commit_prepared(router, "x", NULL, on_done, a));
    case 11:
        return CALL(elpq_rollback_prepared(router, "x", NULL, on_done, a));
    case 12:
        return CALL(elpq_list_prepared(router, NULL, on_result, a));
    case 13:
        return CALL(elpq_load_type(router, "mood", NULL, on_type, a));
    case 14:
        return CALL(elpq_load_type_oid(router, 16384, NULL, on_type, a));
    case 15:
        return CALL(elpq_refresh_types(router, NULL, on_done, a));
    default:
        return CALL(elpq_begin(router, NULL, on_tx, a));
    }
}
#define VERBS 17

/* Nobody answers there, and nobody refuses. */
static elpq_router *router_to_nowhere(int port, unsigned max_waiting)
{
    char conninfo[80];
    const char *hosts[] = { conninfo, NULL };
    elpq_router_options o = { .max_waiting = max_waiting,
                              .check_timeout_ms = 600000 };

    snprintf(conninfo, sizeof(conninfo), "host=127.0.0.1 port=%d", port);
    return elpq_router_new(loop, hosts, &o, NULL);
}

START_TEST(each_verb_is_refused)
{
    struct answer *none = answer_new();
    int port, fd = blackhole(&port);
    elpq_router *router = router_to_nowhere(port, 1);
    struct answer *first = ask_router(router, elpq_sql("select 1"), NULL);
    struct answer *end;

    none->wanted = 0;
    for (int n = 0; n < VERBS; n++) {
        ck_assert_int_eq(verb(NULL, n, none), ELPQ_E_USAGE);
        ck_assert_int_eq(verb(router, n, none), ELPQ_E_FULL);
    }
    ck_assert_uint_eq(counts(router).refused, VERBS);
    end = close_router(router, ELPQ_NO_TIMEOUT);
    for (int n = 0; n < VERBS; n++)
        ck_assert_int_eq(verb(router, n, none), ELPQ_E_CLOSED);
    RUN(elpq_router_close(router, 0, NULL, NULL));
    expect_error(first, ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_ok(end);
    close(fd);
}
END_TEST

/* What waits for a primary hears of the end, once. */
START_TEST(each_verb_ends_with_its_router)
{
    struct answer *a[VERBS];
    int port, fd = blackhole(&port);
    elpq_router *router = router_to_nowhere(port, 0);
    struct answer *end;

    for (int n = 0; n < VERBS; n++) {
        a[n] = answer_new();
        ck_assert_int_eq(verb(router, n, a[n]), 0);
    }
    run_turns(3);
    end = close_router(router, 0);
    for (int n = 0; n < VERBS; n++)
        expect_error(a[n], ELPQ_E_CLOSED, "", ELPQ_NOT_EXECUTED);
    expect_ok(end);
    close(fd);
}
END_TEST

static void build(Suite *suite)
{
    TCase *tc = harness_case(suite, "refused", 0);

    tcase_add_test(tc, each_verb_is_refused);
    tcase_add_test(tc, each_verb_ends_with_its_router);
    if (!nodes_possible())
        return;
    tc = harness_case(suite, "cluster", 120);
    tcase_add_unchecked_fixture(tc, cluster_up, nodes_down);
    tcase_add_test(tc, batches_and_rows);
    tcase_add_test(tc, copies);
    tcase_add_test(tc, what_is_always_the_primarys);
    tcase_add_loop_test(tc, types_are_those_of_all_hosts, 0, 2);
    tcase_add_test(tc, types_are_kept_up_with);
    tcase_add_test(tc, what_a_standby_refused_goes_again);
    tcase_add_test(tc, a_copy_is_not_sent_again_once_it_flows);
}

int main(void)
{
    return harness_main("router_verbs", build);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/coming-from.md for users of asyncpg, run.  With --print
 * there is nothing to print: no block of the document is output.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"

static int64_t sum;
static char text[64];
static int done, notes, ups;

/* [apg-pool] */
static elpq_pool *make_pool(struct event_base *base, const char *url)
{
    elpq_pool_options options = {
        .min_size = 1,
        .max_size = 10,
        .conn.timeout_ms = 60000, /* of each statement, its wait included */
    };

    return elpq_pool_new(base, url, &options, NULL);
}
/* [/apg-pool] */

/* [apg-fetch] */
static void on_fetched(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    for (size_t row = 0; !error && row < elpq_rows(result); row++) {
        int id, name = elpq_column(result, "name");

        if (elpq_get_int32(result, row, 0, &id) == 0)
            printf("%d %s\n", id, elpq_get_text(result, row, name));
    }
    done++;
}

static int fetch(elpq_pool *pool)
{
    return elpq_execute(pool,
                        elpq_sql("select id, name from docs_apg"
                                 " where id < $1 order by id", 3),
                        NULL, on_fetched, NULL);
}
/* [/apg-fetch] */

/* [apg-fetchval] */
static void on_count(elpq_result *result, const elpq_error *error, void *arg)
{
    int64_t count;

    (void)arg;
    if (!error && elpq_get_int64(result, 0, 0, &count) == 0)
        sum = count; /* no row: ELPQ_E_INDEX; NULL: ELPQ_E_NULL */
    done++;
}

static int fetchval(elpq_pool *pool)
{
    return elpq_execute(pool, elpq_sql("select count(*) from docs_apg"), NULL,
                        on_count, NULL);
}
/* [/apg-fetchval] */

/* [apg-execute] */
static void on_status(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)arg;
    snprintf(text, sizeof(text), "%s",
             error ? error->sqlstate : elpq_command(result));
    done++;
}

static int rename_one(elpq_pool *pool)
{
    return elpq_execute(pool,
                        elpq_sql("update docs_apg set name = $1 where id = $2",
                                 "zoe", 2),
                        NULL, on_status, NULL);
}
/* [/apg-execute] */

static void on_over(const elpq_error *error, void *arg)
{
    (void)arg;
    snprintf(text, sizeof(text), "%s",
             error ? elpq_code_name(error->code) : "good");
    done++;
}

/* [apg-many] */
static void on_inserted(const elpq_many_outcome *outcome,
                        const elpq_error *error, void *arg)
{
    sum = (int64_t)outcome->affected;
    on_over(error, arg);
}

static int insert_many(elpq_pool *pool, const elpq_value *values, size_t rows)
{
    elpq_rows_source source = { .columns = 2, .values = values, .rows = rows };

    return elpq_execute_many(pool,
                             elpq_sql("insert into docs_apg values ($1, $2)"),
                             &source, NULL, on_inserted, NULL);
}
/* [/apg-many] */

/* [apg-tx] */
static void on_changed(elpq_result *result, const elpq_error *error, void *arg)
{
    (void)result, (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
}

static void change(elpq_transactor *t, elpq_tx *tx, void *arg)
{
    elpq_execute(tx, elpq_sql("delete from docs_apg where id = $1", 1), NULL,
                 on_changed, arg);
    elpq_execute(tx, elpq_sql("update docs_apg set id = id - 1"), NULL,
                 on_changed, arg);
    elpq_transact_commit(t); /* or a rollback, if one of them fails */
}

static int transaction(elpq_pool *pool)
{
    elpq_transact_options options = { .tx.isolation = ELPQ_SERIALIZABLE };

    return elpq_transact(pool, &options, change, on_over, NULL);
}
/* [/apg-tx] */

/* [apg-cursor] */
static void on_record(elpq_result *rows, elpq_request *stream, void *arg)
{
    int64_t id;

    (void)stream, (void)arg;
    for (size_t row = 0; row < elpq_rows(rows); row++)
        if (elpq_scan(rows, row, &id) == 0)
            sum += id;
}

static int each_record(elpq_pool *pool)
{
    return elpq_stream(pool, elpq_sql("select id from docs_apg"), NULL,
                       on_record, on_over, NULL);
}
/* [/apg-cursor] */

/* [apg-copy] */
static void on_ready(elpq_copy *copy, void *arg)
{
    int *next = arg;

    while (*next < 100) {
        if (elpq_copy_row(copy, 100 + *next, "new") == ELPQ_E_FULL)
            return; /* on_ready comes again */
        ++*next;
    }
    elpq_copy_finish(copy);
}

static int copy_records(elpq_pool *pool, int *next)
{
    elpq_copy_spec spec = { .table = "docs_apg", .format = ELPQ_COPY_ROWS };

    *next = 0;
    return elpq_copy_in(pool, &spec, NULL, on_ready, on_status, next);
}
/* [/apg-copy] */

/* [apg-listen] */
static void on_note(const elpq_notification *note, void *arg)
{
    (void)arg;
    printf("%d says %s on %s\n", note->pid, note->payload, note->channel);
    notes++;
}

static elpq_listener *listen_to(struct event_base *base,
                                elpq_listen_event_cb on_change)
{
    elpq_listener *l = elpq_listener_new(base, "", NULL, on_change, NULL, NULL);

    if (l)
        elpq_listen(l, "docs_apg", on_note, NULL);
    return l; /* it connects again by itself, and says what may be missing */
}
/* [/apg-listen] */

/* ------------------------------------------------------------------- tests */

static void on_event_up(elpq_listener *l, const elpq_listen_event *event,
                        void *arg)
{
    (void)l, (void)arg;
    ups += event->kind == ELPQ_LISTEN_UP;
}

static void setup(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists docs_apg");
    admin_do("create table docs_apg (id int, name text)");
    admin_do("insert into docs_apg values (1, 'ann'), (2, 'bob')");
    admin_do("grant all on docs_apg to public");
    sum = done = 0;
}

static void teardown(void)
{
    admin_do("drop table docs_apg");
}

START_TEST(queries)
{
    elpq_pool *pool = make_pool(loop, "");
    elpq_value rows[] = { elpq_int32(3), elpq_text("cem"),
                          elpq_int32(4), elpq_null(0) };

    ck_assert_int_eq(CALL(fetch(pool)), 0);
    run_until(&done, 1);
    ck_assert_int_eq(CALL(rename_one(pool)), 0);
    run_until(&done, 2);
    ck_assert_str_eq(text, "UPDATE 1");
    ck_assert_int_eq(CALL(insert_many(pool, rows, 2)), 0);
    run_until(&done, 3);
    ck_assert_int_eq(sum, 2);
    ck_assert_int_eq(CALL(fetchval(pool)), 0);
    run_until(&done, 4);
    ck_assert_int_eq(sum, 4);
    ck_assert_int_eq(CALL(transaction(pool)), 0);
    run_until(&done, 5);
    ck_assert_str_eq(text, "good");
    sum = 0;
    ck_assert_int_eq(CALL(each_record(pool)), 0);
    run_until(&done, 6);
    ck_assert_int_eq(sum, 1 + 2 + 3);
    finish_pool(pool);
}
END_TEST

START_TEST(bulk_and_notes)
{
    elpq_pool *pool = make_pool(loop, "");
    elpq_listener *listener = listen_to(loop, on_event_up);
    struct answer *a = answer_new();
    int next;

    ck_assert_int_eq(CALL(copy_records(pool, &next)), 0);
    run_until(&done, 1);
    ck_assert_str_eq(text, "COPY 100");
    run_until(&ups, 1);
    ck_assert_int_eq(CALL(elpq_notify(pool, "docs_apg", "hello", NULL, on_done,
                                      a)), 0);
    expect_ok(a);
    run_until(&notes, 1);
    elpq_listener_close(listener, NULL, NULL);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "from asyncpg", 0);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, queries);
    tcase_add_test(t, bulk_and_notes);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: coming from asyncpg", build);
}

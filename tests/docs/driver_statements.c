/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/statements.md, run.  With --print there is nothing to
 * print: no block of the document is output.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/harness.h"

struct app {
    int done;
    int64_t sum;
    char text[128];
    elpq_result *cached;
    elpq_request *running;
};

static void show(struct app *app, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void show(struct app *app, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(app->text, sizeof(app->text), format, args);
    va_end(args);
}

/* [st-callback] */
static void on_users(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;
    int32_t id;
    const char *name;

    app->done++;
    if (error) {
        show(app, "%s %s", error->sqlstate, error->message);
        return;
    }
    for (size_t row = 0; row < elpq_rows(result); row++)
        if (elpq_scan(result, row, &id, &name) == 0)
            show(app, "%" PRId32 " %s", id, name);
}
/* [/st-callback] */

static int find_user(elpq_pool *pool, const char *name, struct app *app)
{
    /* [st-execute] */
    int code = elpq_execute(pool,
                            elpq_sql("select id, name from docs_users"
                                     " where name = $1 and age > $2",
                                     name, 17),
                            NULL, on_users, app);

    if (code != 0) /* on_users will not be called */
        fprintf(stderr, "%s\n", elpq_strerror(code));
    /* [/st-execute] */
    return code;
}

/* [st-values] */
static int add_event(elpq_conn *conn, const uint8_t uuid[16], const char *note,
                     const int32_t *tags, size_t ntags, int64_t usec,
                     elpq_result_cb on_added, void *app)
{
    return elpq_execute(
        conn,
        elpq_sql("insert into docs_events values ($1, $2, $3, $4, $5)",
                 elpq_uuid(uuid),              /* 16 bytes                  */
                 note,                         /* text; NULL is SQL NULL    */
                 elpq_numeric("0.10"),         /* exact                     */
                 elpq_array_int32(tags, ntags),
                 elpq_timestamptz(usec)),      /* since 1970                */
        NULL, on_added, app);
}
/* [/st-values] */

/* [st-runtime] */
static int count_users(elpq_pool *pool, const int32_t *ids, size_t n,
                       elpq_result_cb on_count, void *app)
{
    return elpq_execute(pool,
                        elpq_sql("select count(*) from docs_users"
                                 " where id = any($1)",
                                 elpq_array_int32(ids, n)),
                        NULL, on_count, app);
}
/* [/st-runtime] */

/* [st-options] */
static int start_report(elpq_pool *pool, struct app *app)
{
    elpq_options options = {
        .timeout_ms = 2000,        /* waiting, sending, running: all of it */
        .tag = "report",           /* in trace events                      */
        .request = &app->running,  /* for elpq_cancel()                    */
    };

    return elpq_execute(pool, elpq_sql("select pg_sleep(60)"), &options,
                        on_users, app);
}

static void stop_report(struct app *app)
{
    elpq_cancel(app->running); /* on_users comes all the same, once */
}
/* [/st-options] */

/* [st-getters] */
static void on_user(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;
    int name = error ? -1 : elpq_column(result, "name");
    int age = error ? -1 : elpq_column(result, "age");
    int64_t years;
    int code;

    app->done++;
    if (error || elpq_rows(result) == 0)
        return;
    code = elpq_get_int64(result, 0, age, &years);
    if (code == ELPQ_E_NULL)
        show(app, "%s, of unknown age", elpq_get_text(result, 0, name));
    else if (code == 0)
        show(app, "%s, %" PRId64, elpq_get_text(result, 0, name), years);
    else
        show(app, "age: %s", elpq_strerror(code));
}
/* [/st-getters] */

/* [st-scan] */
static void on_mixed(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;
    int64_t born_days, seen_usec;
    int32_t age = 0;
    bool age_is_null = false;
    elpq_string data;

    app->done++;
    if (!error &&
        elpq_scan(result, 0, elpq_into(date, &born_days),
                  elpq_nullable(&age, &age_is_null), elpq_skip(),
                  elpq_into(timestamp, &seen_usec),
                  elpq_into(bytes, &data)) == 0)
        show(app, "%" PRId64 " %s %" PRId64 " %zu", born_days,
             age_is_null ? "-" : "+", seen_usec, data.size);
}
/* [/st-scan] */

/* [st-array] */
static void on_tags(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;
    elpq_array_view tags;
    int32_t tag;

    app->done++;
    if (error || elpq_get_array(result, 0, 0, &tags) != 0)
        return;
    for (size_t i = 0; i < tags.count; i++) /* NULLs: ELPQ_E_NULL */
        if (elpq_cell_int32(&tags.items[i], &tag) == 0)
            app->sum += tag;
}
/* [/st-array] */

/* [st-print] */
static void print_table(elpq_result *result, FILE *out)
{
    elpq_column_info info;

    for (int c = 0; elpq_column_at(result, c, &info) == 0; c++)
        fprintf(out, "%s%s", c > 0 ? "|" : "", info.name);
    for (size_t row = 0; row < elpq_rows(result); row++)
        for (int c = 0; c < elpq_columns(result); c++) {
            const char *text = elpq_get_text(result, row, c);

            fprintf(out, "%c%s", c > 0 ? '|' : '\n', text ? text : "NULL");
        }
}
/* [/st-print] */

/* [st-keep] */
static void on_settings(elpq_result *result, const elpq_error *error,
                        void *arg)
{
    struct app *app = arg;

    app->done++;
    if (error)
        return; /* what was kept before is still good */
    elpq_result_unref(app->cached);
    app->cached = elpq_result_ref(result);
}
/* [/st-keep] */

/* [st-command] */
static void on_changed(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;

    app->done++;
    if (!error) /* "UPDATE 2", 2 */
        show(app, "%s: %" PRIu64, elpq_command(result),
             elpq_affected(result));
}
/* [/st-command] */

/* [st-pipeline] */
static int load(elpq_conn *conn, struct app *app)
{
    int code = 0;

    for (int id = 1; id <= 100 && code == 0; id++)
        code = elpq_execute(conn,
                            elpq_sql("select name from docs_users"
                                     " where id = $1", id),
                            NULL, on_users, app);
    return code;
}
/* [/st-pipeline] */

/* [st-script] */
static void on_command(elpq_result *result, void *arg)
{
    struct app *app = arg;

    app->sum += (int64_t)elpq_rows(result);
}

static void on_installed(const elpq_error *error, void *arg)
{
    struct app *app = arg;

    app->done++;
    if (error)
        show(app, "%s", error->message);
}

static int install(elpq_pool *pool, struct app *app)
{
    return elpq_script(pool,
                       "create temporary table a (n int);"
                       "insert into a select generate_series(1, 3);"
                       "select n from a",
                       NULL, on_command, on_installed, app);
}
/* [/st-script] */

/* ------------------------------------------------------------------- tests */

static void setup(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists docs_users, docs_events");
    admin_do("create table docs_users (id int, name text, age int)");
    admin_do("insert into docs_users values (1, 'ann', 31), (2, 'ben', 12),"
             " (3, 'cem', null)");
    admin_do("create table docs_events (id uuid, note text, cost numeric,"
             " tags int[], at timestamptz)");
    admin_do("grant all on docs_users, docs_events to public");
}

static void teardown(void)
{
    admin_do("drop table docs_users, docs_events");
}

START_TEST(executes)
{
    struct app app = { .done = 0 };
    elpq_pool *pool = pool_of(1);
    int32_t ids[] = { 1, 3, 9 };
    struct answer *count = answer_new();

    ck_assert_int_eq(CALL(find_user(pool, "ann", &app)), 0);
    run_until(&app.done, 1);
    ck_assert_str_eq(app.text, "1 ann");
    ck_assert_int_eq(CALL(count_users(pool, ids, 3, on_result, count)), 0);
    expect_int(count, 2);
    ck_assert_int_eq(CALL(start_report(pool, &app)), 0);
    RUN(stop_report(&app));
    run_until(&app.done, 2);
    ck_assert_int_eq(CALL(elpq_execute(pool,
                                       elpq_sql("update docs_users set age = 1"
                                                " where id < $1", 3),
                                       NULL, on_changed, &app)), 0);
    run_until(&app.done, 3);
    ck_assert_str_eq(app.text, "UPDATE 2: 2");
    finish_pool(pool);
}
END_TEST

START_TEST(values)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = answer_new();
    const uint8_t uuid[16] = { 0xab };
    const int32_t tags[] = { 4, 5 };

    ck_assert_int_eq(CALL(add_event(conn, uuid, NULL, tags, 2, 1000000,
                                    on_result, a)), 0);
    expect_ok(a);
    ck_assert_str_eq(text_of(conn, "select concat_ws(' ', id, note is null,"
                                   " cost, tags, extract(epoch from at)::int)"
                                   " from docs_events"),
                     "ab000000-0000-0000-0000-000000000000 t 0.10 {4,5} 1");
    close_conn(conn);
}
END_TEST

static void get(elpq_conn *conn, const char *sql, elpq_result_cb callback,
                struct app *app)
{
    int before = app->done;

    ck_assert_int_eq(CALL(elpq_execute(conn, sql_text(sql), NULL, callback,
                                       app)), 0);
    run_until(&app->done, before + 1);
}

START_TEST(results)
{
    struct app app = { .done = 0 };
    elpq_conn *conn = connect_now(NULL, NULL);
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);

    get(conn, "select * from docs_users where id = 1", on_user, &app);
    ck_assert_str_eq(app.text, "ann, 31");
    get(conn, "select * from docs_users where id = 3", on_user, &app);
    ck_assert_str_eq(app.text, "cem, of unknown age");
    get(conn, "select 'x' as name, 'y' as age", on_user, &app);
    ck_assert_str_eq(app.text, "age: the column is of another type");
    get(conn, "select date '1970-01-11', null::int, 1, timestamptz"
              " '1970-01-01 00:00:01+00', bytea '\\x0102'", on_mixed, &app);
    ck_assert_str_eq(app.text, "10 - 1000000 2");
    get(conn, "select array[4, null, 5]", on_tags, &app);
    ck_assert_int_eq(app.sum, 9);
    get(conn, "select id, age from docs_users where id > 1 order by id",
        on_settings, &app);
    print_table(app.cached, out);
    fclose(out);
    ck_assert_str_eq(printed, "id|age\n2|12\n3|NULL");
    free(printed);
    close_conn(conn);
    elpq_result_unref(app.cached);
}
END_TEST

START_TEST(several)
{
    struct app app = { .done = 0 };
    elpq_pool *pool = pool_of(1);
    elpq_conn *conn = lease(pool);

    ck_assert_int_eq(CALL(load(conn, &app)), 0);
    run_until(&app.done, 100);
    release(conn);
    ck_assert_int_eq(CALL(install(pool, &app)), 0);
    run_until(&app.done, 101);
    ck_assert_str_eq(app.text, "");
    ck_assert_int_eq(app.sum, 3);
    finish_pool(pool);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "statements", 0);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, executes);
    tcase_add_test(t, values);
    tcase_add_test(t, results);
    tcase_add_test(t, several);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: statements", build);
}

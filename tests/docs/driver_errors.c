/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/errors.md, run.  With --print there is nothing to print:
 * no block of the document is output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

enum reply {
    REPLY_NONE,
    REPLY_CREATED,
    REPLY_TAKEN,
    REPLY_AGAIN,
    REPLY_FAILED
};

struct app {
    enum reply reply;
    int replies;
    elpq_error *last;
};

static void answer_client(struct app *app, enum reply reply)
{
    app->reply = reply;
    app->replies++;
}

/* [err-state] */
static void on_added(elpq_result *result, const elpq_error *error, void *arg)
{
    struct app *app = arg;

    (void)result;
    if (!error)
        answer_client(app, REPLY_CREATED);
    else if (strcmp(error->sqlstate, "23505") == 0 &&
             strcmp(error->constraint, "docs_people_name_key") == 0)
        answer_client(app, REPLY_TAKEN); /* the server said unique_violation */
    else if (error->flags & ELPQ_IN_DOUBT)
        answer_client(app, REPLY_FAILED); /* it may be there: look first */
    else if (error->flags & ELPQ_RETRYABLE)
        answer_client(app, REPLY_AGAIN);
    else
        answer_client(app, REPLY_FAILED);
}
/* [/err-state] */

static void add_person(elpq_pool *pool, const char *name, struct app *app)
{
    /* [err-submit] */
    int code = elpq_execute(
        pool, elpq_sql("insert into docs_people (name) values ($1)", name),
        NULL, on_added, app);

    if (code == ELPQ_E_FULL) /* too much is waiting: turn the client away */
        answer_client(app, REPLY_AGAIN);
    else if (code != 0)
        answer_client(app, REPLY_FAILED);
    /* [/err-submit] */
}

/* [err-log] */
static void log_error(FILE *log, const elpq_error *error, const char *sql)
{
    fprintf(log, "%s %s: %s", elpq_code_name(error->code), error->sqlstate,
            error->message);
    if (error->position > 0) /* characters from 1: here the text is ASCII */
        fprintf(log, " at \"%.8s\"", sql + error->position - 1);
    if (error->hint)
        fprintf(log, " (%s)", error->hint);
    fputc('\n', log);
}
/* [/err-log] */

/* [err-keep] */
static void remember(struct app *app, const elpq_error *error)
{
    elpq_error_free(app->last);
    app->last = elpq_error_dup(error); /* NULL if out of memory */
}
/* [/err-keep] */

/* [err-again] */
static bool may_run_again(const elpq_error *error, bool idempotent)
{
    if (error->flags & ELPQ_IN_DOUBT)
        return idempotent; /* twice would be as good as once */
    return (error->flags & ELPQ_RETRYABLE) != 0;
}
/* [/err-again] */

/* ------------------------------------------------------------------- tests */

static void setup(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop table if exists docs_people");
    admin_do("create table docs_people (name text unique)");
    admin_do("grant all on docs_people to public");
}

static void teardown(void)
{
    admin_do("drop table docs_people");
}

static void add(elpq_pool *pool, const char *name, enum reply wanted)
{
    struct app app = { .replies = 0 };

    RUN(add_person(pool, name, &app));
    run_until(&app.replies, 1);
    ck_assert_int_eq(app.reply, wanted);
}

START_TEST(replies)
{
    elpq_pool_options narrow = { .max_size = 1, .max_waiting = 1 };
    elpq_pool *pool = pool_new(&narrow);
    struct answer *first, *second;

    add(pool, "ann", REPLY_CREATED);
    add(pool, "ann", REPLY_TAKEN);
    add(pool, NULL, REPLY_CREATED);
    lock_server();
    first = ask(pool, elpq_sql(BLOCKED));
    await_blocked(1);
    second = ask(pool, elpq_sql("select 1"));
    add(pool, "ben", REPLY_AGAIN);
    unlock_server();
    expect_ok(first);
    expect_ok(second);
    finish_pool(pool);
}
END_TEST

START_TEST(logged)
{
    const char *sql = "select nam from docs_people";
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a = ask(conn, sql_text(sql));
    struct app app = { .last = NULL };
    char *text = NULL;
    size_t size;
    FILE *log;

    expect_error(a, ELPQ_E_SERVER, "42703", 0);
    log = open_memstream(&text, &size);
    log_error(log, a->error, sql);
    fclose(log);
    ck_assert_str_eq(text,
                     "ELPQ_E_SERVER 42703: column \"nam\" does not exist at "
                     "\"nam from\" (Perhaps you meant to reference the column "
                     "\"docs_people.name\".)\n");
    free(text);
    remember(&app, a->error);
    remember(&app, a->error);
    ck_assert_str_eq(app.last->sqlstate, "42703");
    elpq_error_free(app.last);
    close_conn(conn);
}
END_TEST

/* A statement that runs when its connection breaks is in doubt; what was not
 * sent was not executed. */
START_TEST(again)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *running, *waiting;
    elpq_error conflict = { .flags = ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED };

    lock_server();
    running = ask(conn, elpq_sql(BLOCKED));
    await_blocked(1);
    terminate(elpq_conn_pid(conn));
    await(running);
    unlock_server();
    waiting = answer_new();
    waiting->wanted = 0;
    ck_assert_int_eq(CALL(elpq_execute(conn, elpq_sql("select 1"), NULL,
                                       on_result, waiting)), ELPQ_E_CLOSED);
    ck_assert_int_eq(running->code, ELPQ_E_LOST);
    ck_assert(running->flags & ELPQ_IN_DOUBT);
    ck_assert(!may_run_again(running->error, false));
    ck_assert(may_run_again(running->error, true));
    ck_assert(may_run_again(&conflict, false));
    close_conn(conn);
}
END_TEST

START_TEST(refused)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct answer *a;

    /* [err-value] */
    elpq_value month = elpq_typed(ELPQ_OID_INT2, elpq_int32(70000));
    const elpq_statement *st = elpq_sql("select $1", month);
    /* [/err-value] */
    a = ask(conn, st);
    expect_error(a, ELPQ_E_VALUE, "", ELPQ_NOT_EXECUTED);
    expect_message(a, "$1");
    close_conn(conn);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = harness_case(s, "errors", 0);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, replies);
    tcase_add_test(t, logged);
    tcase_add_test(t, again);
    tcase_add_test(t, refused);
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? 0 : harness_main("docs: errors", build);
}

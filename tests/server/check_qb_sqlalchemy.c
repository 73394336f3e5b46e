/* SPDX-License-Identifier: PostgreSQL */
/*
 * The same rows as SQLAlchemy's.
 *
 * tests/support/sqlalchemy_rows.py runs the statements of tests/data by
 * SQLAlchemy over asyncpg, in tables that it makes and fills.  Here those
 * written with the builder run by the driver, in tables made the same way, and
 * must give the same rows, the same errors, and leave the tables the same.
 * Both roll everything back.
 *
 * Without a Python that has SQLAlchemy and asyncpg the test says that it is
 * skipped.
 */
#include <event2/event.h>
#include <sys/wait.h>

#include "../unit/corpora.h"
#include "elpq/elpq.h"

#define NO_PYTHON 77
#define TRY_PYTHONS                                                           \
    "for p in /usr/bin/python3 python3; do "                                  \
    "command -v \"$p\" >/dev/null || continue; "                              \
    "\"$p\" -W ignore \"$@\"; "                                               \
    "status=$?; [ $status = 77 ] || exit $status; done; exit 77"

/* Its rows are of the moment: they are only counted. */
static const char of_the_moment[] = "ex_current_timestamp";
/* It ends in an error, on both sides: the tables have columns NOT NULL. */
static const char fails[] = "ins_default_values";

static struct json_pool pool;

/* ------------------------------------------------------------- SQLAlchemy */

/* What the program printed, NULL if there is no Python for it. */
static char *run_sqlalchemy(void)
{
    static const char *const names[] = { "support/sqlalchemy_rows.py",
                                         "data/sqlalchemy-seed.sql",
                                         SAMPLE_FILE, MORE_FILE };
    char command[5 * PATH_SIZE] = "set --", path[PATH_SIZE];
    char *text = NULL;
    size_t size, got;
    FILE *copy = open_memstream(&text, &size), *from;
    char buffer[4096];
    int status;

    for (size_t i = 0; i < LENGTH(names); i++) {
        find_file(path, names[i]);
        strcat(strcat(strcat(command, " '"), path), "'");
    }
    strcat(command, "; " TRY_PYTHONS);
    from = popen(command, "r");
    ck_assert(from && copy);
    while ((got = fread(buffer, 1, sizeof(buffer), from)) > 0)
        fwrite(buffer, 1, got, copy);
    fclose(copy);
    status = pclose(from);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PYTHON) {
        free(text);
        return NULL;
    }
    ck_assert_msg(status == 0, "SQLAlchemy failed: status %d", status);
    return text;
}

/* What was printed for a statement; the caller frees it. */
static char *rows_of_sqlalchemy(const char *all, const char *id)
{
    char head[100];
    const char *start, *end;

    snprintf(head, sizeof(head), "== %s\n", id);
    start = strstr(all, head);
    ck_assert_msg(start != NULL, "SQLAlchemy did not run %s", id);
    start += strlen(head);
    end = strstr(start, "== ");
    return strndup(start, end ? (size_t)(end - start) : strlen(start));
}

/* ------------------------------------------------------------- the driver */

static struct event_base *loop;
static elpq_conn *conn;
static bool answered;

static void on_conn(elpq_conn *opened, const elpq_error *error, void *arg)
{
    (void)arg;
    ck_assert_msg(!error, "%s", error ? error->message : "");
    conn = opened;
    answered = true;
}

static void on_rows(elpq_result *result, const elpq_error *error, void *out)
{
    answered = true;
    if (error)
        fprintf(out, "error %s\n", error->sqlstate);
    for (size_t row = 0; result && row < elpq_rows(result); row++)
        for (int i = 0; i < elpq_columns(result); i++) {
            const char *text = elpq_get_text(result, row, i);

            fprintf(out, "%s%s%s", i ? "|" : "", text ? text : "\\N",
                    i + 1 < elpq_columns(result) ? "" : "\n");
        }
}

static void await_answer(void)
{
    while (!answered)
        ck_assert_int_eq(event_base_loop(loop, EVLOOP_ONCE), 0);
}

static void run(const elpq_statement *st, FILE *out)
{
    answered = false;
    ck_assert_int_eq(elpq_execute(conn, st, NULL, on_rows, out), 0);
    await_answer();
}

/* SQL of the test itself: it must not fail, and rows go nowhere. */
static void run_text(const char *sql)
{
    const elpq_statement st = { .sql = sql, .sql_len = strlen(sql) };
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    run(&st, out);
    fclose(out);
    ck_assert_msg(strncmp(text, "error", 5) != 0, "%s: %s", text, sql);
    free(text);
}

/* As sqlalchemy_rows.py does it; the caller frees the text. */
static char *rows_of_ours(const elpq_statement *st)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    run_text("SAVEPOINT one");
    run_text("SELECT corpus_reset()");
    run(st, out);
    fflush(out);
    if (strncmp(text, "error", 5) != 0) {
        fputs("--\n", out);
        run(elpq_sql("SELECT * FROM corpus_state"), out);
    }
    fclose(out);
    run_text("ROLLBACK TO one");
    return text;
}

static void make_tables(const struct json *corpus)
{
    const struct json *schema = json_get(corpus, "schema_sql");
    char *seed = read_file("data/sqlalchemy-seed.sql"), *end;

    run_text("BEGIN");
    run_text("SET LOCAL timezone = 'UTC'");
    for (size_t i = 0; i < schema->count; i++)
        run_text(json_text(schema->items[i]));
    for (char *sql = seed; (end = strstr(sql, ";\n")); sql = end + 2) {
        *end = '\0';
        run_text(sql);
    }
    free(seed);
}

static void setup(void)
{
    elpq_error *error = NULL;

    corpus_setup();
    loop = event_base_new();
    answered = false;
    ck_assert_ptr_nonnull(
        elpq_connect(loop, "", NULL, on_conn, NULL, &error));
    await_answer();
}

static void teardown(void)
{
    elpq_conn_close(conn);
    ck_assert_int_ge(event_base_dispatch(loop), 0);
    event_base_free(loop);
    json_free(&pool);
    qb_teardown();
}

/* ------------------------------------------------------------- comparison */

/* Whether the statement, not a part of it, has ORDER BY. */
static bool is_ordered(const char *sql)
{
    int depth = 0;

    for (; *sql; sql++) {
        depth += (*sql == '(') - (*sql == ')');
        if (depth == 0 && strncmp(sql, " ORDER BY ", 10) == 0)
            return true;
    }
    return false;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sort the rows, which end at "--". */
static void sort_rows(char *text)
{
    char *lines[200], *copy = strdup(text), *end = strstr(copy, "--\n");
    size_t count = 0;

    if (end)
        *end = '\0';
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        ck_assert_uint_lt(count, LENGTH(lines));
        lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(lines[i]);

        memcpy(text, lines[i], size);
        text[size] = '\n';
        text += size + 1;
    }
    free(copy);
}

/* Leave of a line what says how many cells it has. */
static void forget_cells(char *text)
{
    char *to = text;

    for (; *text; text++)
        if (*text == '|' || *text == '\n')
            *to++ = *text;
    *to = '\0';
}

static bool is_same(const char *id, const elpq_statement *st, char *is,
                    char *wanted)
{
    bool failed = strncmp(is, "error", 5) == 0;

    if (!is_ordered(st->sql)) {
        sort_rows(is);
        sort_rows(wanted);
    }
    if (strcmp(id, of_the_moment) == 0) {
        forget_cells(is);
        forget_cells(wanted);
    }
    if (strcmp(is, wanted) == 0 && failed == (strcmp(id, fails) == 0))
        return true;
    fprintf(stderr, "%s: %s\nis\n%snot\n%s\n", id, st->sql, is, wanted);
    return false;
}

/* Returns how many statements differ; counts those that ran. */
static int compare_all(const struct corpus *c, const char *all, int *ran)
{
    const struct json *corpus = read_corpus(&pool, c->file);
    int differ = 0;

    for (size_t i = 0; c->parts[i].written; i++)
        for (size_t k = 0; k < c->parts[i].count; k++) {
            const char *id = c->parts[i].written[k].id;
            const struct json *wanted = find_case(corpus, id);
            const elpq_statement *st;
            char *theirs, *ours;

            if (strcmp(json_text(json_get(wanted, "run")), "false") == 0)
                continue;
            st = c->parts[i].written[k].write();
            ck_assert_msg(st != NULL, "%s: %s", id, elqb_error(q));
            theirs = rows_of_sqlalchemy(all, id);
            ours = rows_of_ours(st);
            differ += !is_same(id, st, ours, theirs);
            ++*ran;
            free(theirs);
            free(ours);
            elqb_reset(q);
        }
    return differ;
}

START_TEST(test_the_same_rows)
{
    char *all = run_sqlalchemy();
    int differ = 0, ran = 0, printed = 0;

    if (!all) {
        fputs("SKIPPED: the rows of SQLAlchemy.  No Python has it: on Debian "
              "install python3-sqlalchemy and python3-asyncpg.\n", stderr);
        return;
    }
    make_tables(read_corpus(&pool, corpora[0].file));
    for (size_t i = 0; i < LENGTH(corpora); i++)
        differ += compare_all(&corpora[i], all, &ran);
    for (const char *p = all; (p = strstr(p, "== ")); p++)
        printed++;
    free(all);
    ck_assert_int_eq(differ, 0);
    ck_assert_int_eq(ran, printed);
    fprintf(stderr, "the rows of %d statements are SQLAlchemy's\n", ran);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_sqlalchemy");
    TCase *tcase = tcase_create("rows");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_the_same_rows);
    return qb_main(suite);
}

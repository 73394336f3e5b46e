/* SPDX-License-Identifier: PostgreSQL */
/*
 * Every statement that the unit tests of the builder render is prepared by the
 * server, with the types that were rendered, which have to be those that it
 * describes.
 *
 * The unit programs are run once more, and write down what they render
 * (check_qb.h).  Many of their tests are about syntax, with names that exist
 * nowhere: such a statement may be refused for that, but for no mistake of
 * syntax, and no type that does not fit.
 */
#include <ctype.h>
#include <glob.h>
#include <libgen.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/harness.h"

#define TYPES_MAX 100
#define PREPARED_MIN 350 /* of about five hundred */

/* The tables of check_qb.h. */
static const char tables[] =
    "create schema if not exists crm;"
    "create temp table users (id int4 primary key, name text, email text "
    "unique, age int4, active bool, manager_id int4, tags text[], data jsonb, "
    "balance numeric, created_at timestamptz);"
    "create type pg_temp.status as enum ('new', 'paid');"
    "create temp table orders (id int8 primary key, user_id int4, "
    "status pg_temp.status, total numeric, placed_at timestamptz, note text);"
    "create temp table products (id int4 primary key, sku varchar, name text, "
    "price numeric, stock int4, attrs jsonb, search tsvector, "
    "valid tstzrange);"
    "create temp table items (order_id int8, product_id int4, qty int4, "
    "price numeric);"
    "create table crm.accounts (id int4, user_id int4, label text);"
    "create temp table \"select\" (id int4, \"group\" text, \"Mixed Case\" "
    "text, \"we\"\"ird\" text, \"order%\" int4)";
static const char from[] =
    " FROM users, orders, products, items, crm.accounts, \"select\"";

static PGconn *pg;

static void run(const char *sql)
{
    PGresult *res = PQexec(pg, sql);

    ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "%s",
                  PQerrorMessage(pg));
    PQclear(res);
}

/* ---------------------------------------------------------- what they render
 */

/* These compare parse trees by the thousand, and render nothing with CHECK().
 */
static bool is_left_out(const char *program)
{
    static const char *const names[] = { "precedence", "statements",
                                         "mutations",  "corpus",
                                         "memory",     "failures" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strstr(program, names[i]))
            return true;
    return false;
}

static void run_program(const char *program, const char *path)
{
    int status = 0;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setenv("ELPQ_TEST_RENDERED", path, 1);
        if (!freopen("/dev/null", "w", stdout))
            _exit(1);
        execl(program, program, (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "%s: status %d", program, status);
}

/* All of them, in one block that ends with two NULs. */
static char *rendered(void)
{
    char self[PATH_MAX] = "", pattern[PATH_MAX + 40];
    char path[] = "/tmp/elpq.rendered.XXXXXX";
    int fd = mkstemp(path);
    glob_t found;
    FILE *file;
    char *all;
    long size;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof(self) - 1), 0);
    snprintf(pattern, sizeof(pattern), "%s/../unit/check_qb_*[a-z]",
             dirname(self));
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!is_left_out(basename(found.gl_pathv[i])) &&
            access(found.gl_pathv[i], X_OK) == 0)
            run_program(found.gl_pathv[i], path);
    globfree(&found);
    file = fdopen(fd, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    rewind(file);
    all = calloc(1, (size_t)size + 2);
    ck_assert_ptr_nonnull(all);
    ck_assert_uint_eq(fread(all, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    unlink(path);
    return all;
}

/* ------------------------------------------------------------ the server's */

static bool begins_clause(const char *at)
{
    static const char *const clauses[] = { " WHERE ", " GROUP BY ",
                                           " ORDER BY ", " LIMIT " };

    for (size_t i = 0; i < sizeof(clauses) / sizeof(*clauses); i++)
        if (strncmp(at, clauses[i], strlen(clauses[i])) == 0)
            return true;
    return false;
}

/* The first clause outside of parentheses and quotes, or the end. */
static size_t first_clause(const char *sql)
{
    char quote = '\0';
    int depth = 0;
    size_t at;

    for (at = 0; sql[at]; at++) {
        if (quote)
            quote = sql[at] == quote ? '\0' : quote;
        else if (sql[at] == '"' || sql[at] == '\'')
            quote = sql[at];
        else if (depth == 0 && begins_clause(sql + at))
            break;
        else
            depth += (sql[at] == '(') - (sql[at] == ')');
    }
    return at;
}

/* Expressions stand in a SELECT without FROM. */
static char *with_from(const char *sql)
{
    char *text = malloc(strlen(sql) + sizeof(from));
    size_t at = first_clause(sql);

    ck_assert_ptr_nonnull(text);
    memcpy(text, sql, at);
    strcpy(text + at, from);
    strcat(text, sql + at);
    return text;
}

static PGresult *prepare(const char *sql, const Oid *types, int n)
{
    run("savepoint s");
    return PQprepare(pg, "", sql, n, types);
}

static bool lacks_from(const PGresult *res)
{
    const char *words = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    return words && strstr(words, "missing FROM-clause");
}

/* Whether there is no such operator for the types, although it may be the
 * builder that has chosen those; but for statements that are wrong in any. */
static bool is_mistyped(const char *sql, const char *words)
{
    static const char *const wrong[] = {
        "SELECT \"users\".\"id\" <-> $1",
        "SELECT (\"users\".\"id\" = \"users\".\"age\") @> \"users\".\"age\"",
        "SELECT \"users\".\"active\" = $1",
        "SELECT \"users\".\"name\" = ANY ($1)",
        "SELECT (\"users\".\"name\", \"users\".*) = (\"users\".*, $1)",
    };

    if (!strstr(words, "operator does not exist"))
        return false;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (strcmp(sql, wrong[i]) == 0)
            return false;
    return true;
}

/* Names that exist nowhere, and what has no sense because of them. */
static bool may_be(const char *sql, const PGresult *res)
{
    static const char *const states[] = { "3F000", "42P01", "42703", "42704",
                                          "42883", "42702", "42803", "42809",
                                          "42P10", "42P19" };
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (is_mistyped(sql, words))
        return false;
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return strstr(words, "SELECT * with no tables") != NULL;
}

/* A FROM that had no place where we put it. */
static bool is_misplaced(const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    return strcmp(state, "42601") == 0 || strcmp(state, "42712") == 0;
}

static void expect_types(const char *sql, const Oid *types, int n)
{
    PGresult *res = PQdescribePrepared(pg, "");

    ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "%s: %s",
                  PQerrorMessage(pg), sql);
    ck_assert_msg(PQnparams(res) == n, "%d parameters: %s", PQnparams(res),
                  sql);
    for (int i = 0; i < n; i++)
        ck_assert_msg(types[i] == 0 || PQparamtype(res, i) == types[i],
                      "$%d is %u, not %u: %s", i + 1, PQparamtype(res, i),
                      types[i], sql);
    PQclear(res);
}

/* Whether the server takes it. */
static bool is_taken(const char *sql, const Oid *types, int n)
{
    PGresult *res = prepare(sql, types, n);
    bool lacking = lacks_from(res), ok;

    if (lacking) {
        char *text = with_from(sql);

        PQclear(res);
        run("rollback to s");
        res = prepare(text, types, n);
        free(text);
    }
    ok = PQresultStatus(res) == PGRES_COMMAND_OK;
    ck_assert_msg(ok || may_be(sql, res) || (lacking && is_misplaced(res)),
                  "%s%s", PQerrorMessage(pg), sql);
    PQclear(res);
    if (ok)
        expect_types(sql, types, n);
    run("rollback to s");
    return ok;
}

START_TEST(the_server_prepares_them)
{
    char *all = rendered(), *at = all;
    int taken = 0, refused = 0;

    pg = PQconnectdb("");
    ck_assert_msg(PQstatus(pg) == CONNECTION_OK, "%s", PQerrorMessage(pg));
    run("set client_min_messages = error");
    run("begin");
    run(tables);
    while (at[0] || at[1]) {
        Oid types[TYPES_MAX];
        int n = 0;

        for (; isdigit((unsigned char)*at); n++) {
            ck_assert_int_lt(n, TYPES_MAX);
            types[n] = (Oid)strtoul(at, &at, 10);
            at++; /* the space */
        }
        at++; /* the NUL */
        if (is_taken(at, types, n))
            taken++;
        else
            refused++;
        at += strlen(at) + 1;
    }
    run("rollback");
    PQfinish(pg);
    free(all);
    printf("%d statements, and %d with names that exist nowhere\n", taken,
           refused);
    ck_assert_int_ge(taken, PREPARED_MIN);
}
END_TEST

static void build(Suite *s)
{
    TCase *t = tcase_create("rendered");

    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    tcase_add_test(t, the_server_prepares_them);
}

int main(void)
{
    return harness_main("qb_rendered", build);
}

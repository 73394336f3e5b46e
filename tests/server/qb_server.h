/* SPDX-License-Identifier: PostgreSQL */
/*
 * For tests that show rendered statements to a real server by plain libpq: a
 * connection in a transaction that is never committed, expect_described() to
 * compare the types of parameters and columns, ROWS(), SAME() and COUNT() to
 * compare rows, and the tables of check_qb.h.
 */
#ifndef ELPQ_TESTS_QB_SERVER_H
#define ELPQ_TESTS_QB_SERVER_H

#include <libpq-fe.h>

#include "../unit/check_qb.h"

/* The tables of check_qb.h; an enum is what OTHER stands for there. */
#define SHOP                                                                  \
    "CREATE SCHEMA crm;"                                                      \
    "CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped');"            \
    "CREATE TABLE users (id int PRIMARY KEY, name text, email text UNIQUE,"   \
    " age int, active bool, manager_id int, tags text[], data jsonb,"         \
    " balance numeric, created_at timestamptz);"                              \
    "CREATE TABLE orders (id bigint PRIMARY KEY, user_id int,"                \
    " status order_status, total numeric, placed_at timestamptz, note text);" \
    "CREATE TABLE products (id int PRIMARY KEY, sku varchar(32) NOT NULL,"    \
    " name text, price numeric, stock int, attrs jsonb, search tsvector,"     \
    " valid tstzrange, CONSTRAINT products_sku_key UNIQUE (sku));"            \
    "CREATE TABLE items (order_id bigint, product_id int, qty int,"           \
    " price numeric);"                                                        \
    "CREATE TABLE crm.accounts (id int PRIMARY KEY, user_id int, label text);"\
    "CREATE TABLE \"select\" (id int, \"group\" text, \"Mixed Case\" text,"   \
    " \"we\"\"ird\" text, \"order%\" int);"

static PGconn *conn;

static inline void run_sql(const char *sql)
{
    PGresult *res = PQexec(conn, sql);

    ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "%s%s",
                  PQerrorMessage(conn), sql);
    PQclear(res);
}

/* The start of a fixture; the schema is DDL. */
static inline void server_setup(const char *schema)
{
    qb_setup();
    conn = PQconnectdb("");
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    run_sql("SET client_min_messages = warning; SET timezone = 'UTC'");
    run_sql("BEGIN");
    run_sql(schema);
}

static inline void server_teardown(void)
{
    PQfinish(conn);
    qb_teardown();
}

/* Add the type's name to a list. */
static inline void append_type_name(char *text, size_t size, Oid oid)
{
    char number[20];
    const char *values[] = { number };
    PGresult *res;

    snprintf(number, sizeof(number), "%u", oid);
    res = PQexecParams(conn, "SELECT $1::oid::regtype::text", 1, NULL, values,
                       NULL, NULL, 0);
    ck_assert_int_eq(PQresultStatus(res), PGRES_TUPLES_OK);
    if (*text)
        strncat(text, " ", size - strlen(text) - 1);
    strncat(text, PQgetvalue(res, 0, 0), size - strlen(text) - 1);
    PQclear(res);
}

/* Parse with the rendered types, Describe, compare names of types. */
static inline void described(int line, const elpq_statement *st,
                             const char *params, const char *columns)
{
    char is[500] = "", wanted[500];
    Oid oids[64];
    PGresult *res;

    ck_assert_msg(st != NULL, "line %d: %s", line, elqb_error(q));
    for (unsigned i = 0; i < st->nvalues; i++)
        oids[i] = st->values[i].oid;
    res = PQprepare(conn, "", st->sql, (int)st->nvalues, oids);
    ck_assert_msg(PQresultStatus(res) == PGRES_COMMAND_OK, "line %d: %s%s",
                  line, PQerrorMessage(conn), st->sql);
    PQclear(res);
    res = PQdescribePrepared(conn, "");
    ck_assert_int_eq(PQresultStatus(res), PGRES_COMMAND_OK);
    for (int i = 0; i < PQnparams(res); i++)
        append_type_name(is, sizeof(is), PQparamtype(res, i));
    strncat(is, " ->", sizeof(is) - strlen(is) - 1);
    for (int i = 0; i < PQnfields(res); i++)
        append_type_name(is, sizeof(is), PQftype(res, i));
    snprintf(wanted, sizeof(wanted), "%s ->%s%s", params,
             *columns ? " " : "", columns);
    ck_assert_msg(strcmp(is, wanted) == 0,
                  "line %d: %s:\n  is   %s\n  not  %s", line, st->sql, is,
                  wanted);
    PQclear(res);
}

#define expect_described(s, params, columns)                                   \
    described(__LINE__, elqb_render(q, s), params, columns)

/* The value as text, in the buffer if it has none; NULL is NULL. */
static inline const char *value_text(const elpq_value *v, char *buffer,
                                     size_t size)
{
    switch (v->kind) {
    case ELPQ_KIND_NULL:
        return NULL;
    case ELPQ_KIND_TEXT:
        return v->u.bytes.data;
    case ELPQ_KIND_INT:
        snprintf(buffer, size, "%lld", (long long)v->u.int64);
        return buffer;
    case ELPQ_KIND_DOUBLE:
        snprintf(buffer, size, "%.17g", v->u.float64);
        return buffer;
    default:
        ck_abort_msg("no text for values of kind %d", v->kind);
        return NULL;
    }
}

static inline PGresult *execute(const elpq_statement *st)
{
    char buffers[64][32];
    const char *values[64];
    Oid oids[64];
    PGresult *res;

    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    for (unsigned i = 0; i < st->nvalues; i++) {
        oids[i] = st->values[i].oid;
        values[i] = value_text(&st->values[i], buffers[i], sizeof(buffers[i]));
    }
    res = PQexecParams(conn, st->sql, (int)st->nvalues, oids, values, NULL,
                       NULL, 0);
    ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK ||
                      PQresultStatus(res) == PGRES_COMMAND_OK,
                  "%s%s", PQerrorMessage(conn), st->sql);
    return res;
}

/* "a,b;c,d": cells by comma, rows by semicolon; the caller frees it. */
static inline char *rows_of(PGresult *res)
{
    size_t size = 1;
    char *text;

    for (int i = 0; i < PQntuples(res); i++)
        for (int j = 0; j < PQnfields(res); j++)
            size += (size_t)PQgetlength(res, i, j) + 1;
    text = calloc(1, size);
    for (int i = 0; i < PQntuples(res); i++)
        for (int j = 0; j < PQnfields(res); j++) {
            if (i || j)
                strcat(text, j ? "," : ";");
            strcat(text, PQgetvalue(res, i, j));
        }
    PQclear(res);
    return text;
}

/* Execute and compare the rows; frees what is wanted. */
static inline void check_rows(int line, const elpq_statement *st, char *wanted)
{
    char *is = rows_of(execute(st));

    ck_assert_msg(strcmp(is, wanted) == 0, "line %d: %s:\n  is   %s\n  not  %s",
                  line, st->sql, is, wanted);
    free(is);
    free(wanted);
}

static inline char *rows_of_sql(const char *sql)
{
    PGresult *res = PQexec(conn, sql);

    ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK, "%s%s",
                  PQerrorMessage(conn), sql);
    return rows_of(res);
}

/* The rows, as they are written here or as other SQL gives them. */
#define ROWS(s, rows) check_rows(__LINE__, elqb_render(q, s), strdup(rows))
#define SAME(s, sql)                                                          \
    check_rows(__LINE__, elqb_render(q, s), rows_of_sql(sql))

/* Execute; compare the number of rows. */
static inline void check_count(int line, const elpq_statement *st, int rows)
{
    PGresult *res = execute(st);

    ck_assert_msg(PQntuples(res) == rows, "line %d: %s: %d rows, not %d", line,
                  st->sql, PQntuples(res), rows);
    PQclear(res);
}

#define COUNT(s, rows) check_count(__LINE__, elqb_render(q, s), rows)

#endif

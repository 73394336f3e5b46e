/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the programs behind docs/ share.  The C blocks of a document are regions
 * of these programs, from a comment [name] to a comment [/name]; after each
 * the program calls SHOW("name", ...), once or several times.
 *
 *     program --print     writes "== name" and the text of each: what stands
 *                         in the document under the C block, see check-docs
 *     program             has the server parse all that is SQL, in a schema
 *                         that it drops again; Check's totals line at the end
 */
#ifndef ELPQ_TESTS_DOCS_H
#define ELPQ_TESTS_DOCS_H

#include <libpq-fe.h>

#include "../unit/check_qb.h"

/* Regions are to be read alone: they may declare what is here as well. */
#pragma GCC diagnostic ignored "-Wshadow"

/* clang-format off */
#define CATEGORIES(C) C(id, INT4) C(parent_id, INT4) C(name, TEXT)
ELQB_TABLE(categories, CATEGORIES)
/* clang-format on */

static const char docs_schema[] =
    "CREATE SCHEMA elpq_docs;"
    "CREATE SCHEMA crm;"
    "SET search_path = elpq_docs, public;"
    "CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped');"
    "CREATE TABLE categories (id int PRIMARY KEY, parent_id int, name text);"
    "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " name text NOT NULL, email text UNIQUE, age int, active bool,"
    " manager_id int, tags text[], data jsonb, balance numeric(12,2),"
    " created_at timestamptz DEFAULT now());"
    "CREATE UNIQUE INDEX ON users (name) WHERE active;"
    "CREATE TABLE orders (id bigint PRIMARY KEY, user_id int,"
    " status order_status, total numeric(12,2), placed_at timestamptz,"
    " note text);"
    "CREATE TABLE products (id int PRIMARY KEY, sku varchar(32) CONSTRAINT"
    " products_sku_key UNIQUE, name text, price numeric(12,2), stock int,"
    " attrs jsonb, search tsvector, valid tstzrange, category_id int);"
    "CREATE TABLE items (order_id bigint, product_id int, qty int,"
    " price numeric(12,2), PRIMARY KEY (order_id, product_id));"
    "CREATE TABLE crm.accounts (id int, user_id int, label text);"
    "CREATE TABLE \"select\" (id int, \"group\" text, \"Mixed Case\" text,"
    " \"we\"\"ird\" text, \"order%\" int);"
    "CREATE TABLE \"user_account\" (id int PRIMARY KEY, name text,"
    " fullname text);"
    "CREATE TABLE \"address\" (id int PRIMARY KEY, user_id int,"
    " email_address text);"
    "CREATE TYPE crm.person AS (name text, city text);"
    "CREATE FUNCTION crm.price(int) RETURNS int LANGUAGE sql AS 'SELECT $1';";

static PGconn *docs_conn; /* NULL with --print */
static int docs_checks, docs_failures;

static inline void docs_complain(const char *name, const char *message,
                                 const char *text)
{
    docs_failures++;
    fprintf(stderr, "%s: %s\n    %s\n", name, message, text);
}

/* Text that is no SQL: errors, debug text. */
static inline void docs_show_text(const char *name, const char *text)
{
    if (!text)
        docs_complain(name, "failed", elqb_error(q));
    else if (!docs_conn)
        printf("== %s\n%s\n", name, text);
}

/* Only sent with the types that the builder gives: nothing runs. */
static inline void docs_prepare(const char *name, const elpq_statement *st)
{
    Oid oids[64];
    PGresult *res;

    for (unsigned i = 0; i < st->nvalues && i < 64; i++)
        oids[i] = st->values[i].oid;
    res = PQprepare(docs_conn, "", st->sql, (int)st->nvalues, oids);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        docs_complain(name, PQerrorMessage(docs_conn), st->sql);
    PQclear(res);
}

static inline void docs_show(const char *name, const elpq_statement *st)
{
    char *error;

    docs_checks++;
    docs_show_text(name, st ? st->sql : NULL);
    if (!st)
        return;
    error = parse_error(st->sql);
    if (error)
        docs_complain(name, error, st->sql);
    else if (docs_conn)
        docs_prepare(name, st);
    free(error);
}

/* Each expression as the column of a select from these tables, which are not
 * shown. */
static inline void docs_show_exprs(const char *name, const elqb_table *from,
                                   const elqb_expr *list)
{
    for (; list->kind != ELQB_KIND_END; list++) {
        elqb_select *s = elqb_select_new(q);
        const elpq_statement *st;

        docs_checks++;
        elqb_select_columns_v(s, (const elqb_expr[]){ *list, ELQB_END });
        st = elqb_render(q, s);
        docs_show_text(name, st ? st->sql + strlen("SELECT ") : NULL);
        for (const elqb_table *t = from; t->name || t->source; t++)
            elqb_from(s, *t);
        st = elqb_render(q, s);
        if (st && docs_conn)
            docs_prepare(name, st);
    }
}

/* SHOW("name", statement), SHOW_TEXT("name", text), and for a list that is in
 * braces in the region, SHOW_EXPRS("name", list, tables ...). */
#define SHOW(name, s) docs_show(name, elqb_render(q, s))
#define SHOW_TEXT(name, text) docs_show_text(name, text)
#define SHOW_EXPRS(name, list, ...)                                            \
    docs_show_exprs(name, (const elqb_table[]){ __VA_ARGS__, { 0 } }, list)

static inline int docs_main(int argc, char **argv, void (*const *parts)(void))
{
    PGresult *res;

    (void)argv;
    U = users_table();
    O = orders_table();
    P = products_table();
    if (argc < 2) {
        docs_conn = PQconnectdb("");
        PQclear(PQexec(docs_conn, "SET client_min_messages = warning"));
        PQclear(PQexec(docs_conn, "BEGIN"));
        res = PQexec(docs_conn, docs_schema);
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            docs_complain("schema", PQerrorMessage(docs_conn), "");
        PQclear(res);
        PQclear(PQexec(docs_conn, "SAVEPOINT a"));
    }
    for (; *parts; parts++) {
        if (docs_conn)
            PQclear(PQexec(docs_conn, "ROLLBACK TO a"));
        q = elqb_new();
        (*parts)();
        elqb_free(q);
    }
    if (docs_conn) {
        PQfinish(docs_conn); /* which rolls back */
        printf("%d%%: Checks: %d, Failures: %d, Errors: 0\n",
               docs_failures ? 0 : 100, docs_checks, docs_failures);
    }
    return docs_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define DOCS_MAIN(...)                                                         \
    int main(int argc, char **argv)                                            \
    {                                                                          \
        void (*const parts[])(void) = { __VA_ARGS__, NULL };                   \
                                                                               \
        return docs_main(argc, argv, parts);                                   \
    }

#endif

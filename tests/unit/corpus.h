/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements of SQLAlchemy, written with the builder: what those of
 * corpus_*.h share.
 *
 * tests/data/sqlalchemy-*.json say each statement in SQLAlchemy's Python and
 * have the SQL that it renders for PostgreSQL; the function of the same name
 * is the builder's way.  tests/unit/check_qb_corpus.c compares the SQL,
 * tests/server/check_qb_sqlalchemy.c the rows.
 */
#ifndef ELPQ_TESTS_CORPUS_H
#define ELPQ_TESTS_CORPUS_H

#include "check_qb.h"
#include "json_tree.h"

#define CATEGORIES(C) C(id, INT4) C(parent_id, INT4) C(name, TEXT)
ELQB_TABLE(categories, CATEGORIES)

static items_t I;
static odd_t D;
static accounts_t A;
static categories_t C;

static inline void corpus_setup(void)
{
    qb_setup();
    I = items_table();
    D = odd_table();
    A = accounts_table();
    C = categories_table();
}

struct written {
    const char *id;
    const elpq_statement *(*write)(void);
};
#define STATEMENT(id) static const elpq_statement *write_##id(void)
#define WRITTEN(id) { #id, write_##id }
#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

/* ------------------------------------------------------------ short forms */

#define RENDER(s) elqb_render(q, s)
#define TRUE_ elqb_literal(elpq_bool(true))

/* SELECT columns FROM table */
static inline elqb_select *select_from(elqb_table t, const elqb_expr *columns)
{
    elqb_select *s = elqb_select_new(q);

    elqb_select_columns_v(s, columns);
    elqb_from(s, t);
    return s;
}
#define COLUMNS(table, ...) select_from(table, ELQB_LIST(__VA_ARGS__))

/* SELECT table.id FROM table WHERE condition */
static inline elqb_select *select_where(elqb_table t, elqb_expr condition)
{
    elqb_select *s = COLUMNS(t, elqb_c(t, "id"));

    elqb_where(s, condition);
    return s;
}
#define WHERE(table, ...) select_where(table, elqb_and(q, __VA_ARGS__))

/* column AS column, which SQLAlchemy writes in subqueries. */
static inline elqb_expr labeled(elqb_expr column)
{
    return elqb_as(q, column, column.u.column.name);
}

#define SUM(e) elqb_func(q, "sum", e)
#define COUNT_OF(e) elqb_func(q, "count", e)

/* ------------------------------------------------------------------- data */

#define PATH_SIZE 4096

/* The path of a file of tests/, whose folder unit/ this file is in. */
static inline void find_file(char *path, const char *name)
{
    snprintf(path, PATH_SIZE, "%.*s/../%s",
             (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
}

/* Its text; the caller frees it. */
static inline char *read_file(const char *name)
{
    char path[PATH_SIZE];
    char *text;
    long size;
    FILE *file;

    find_file(path, name);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

static inline const struct json *read_corpus(struct json_pool *pool,
                                             const char *name)
{
    char *text = read_file(name);
    const struct json *corpus = json_read(pool, text);

    free(text);
    ck_assert(json_get(corpus, "cases") &&
              json_get(corpus, "cases")->count > 0);
    return corpus;
}

/* The case of this name, NULL if there is none. */
static inline const struct json *find_case(const struct json *corpus,
                                           const char *id)
{
    const struct json *cases = json_get(corpus, "cases");

    for (size_t i = 0; i < cases->count; i++)
        if (strcmp(json_text(json_get(cases->items[i], "id")), id) == 0)
            return cases->items[i];
    return NULL;
}

#endif

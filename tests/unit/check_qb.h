/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of the builder share: tables, the workspace `q` of each test,
 * CHECK() for SQL text with the types of its parameters, and the server's own
 * parser to have every rendered text parsed, where libpg_query is installed.
 */
#ifndef ELPQ_TESTS_CHECK_QB_H
#define ELPQ_TESTS_CHECK_QB_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elpq/qb.h"

#ifdef HAVE_PG_QUERY
#include <pg_query.h>
#endif

/* clang-format off */
#define USERS(C)                                                              \
    C(id, INT4) C(name, TEXT) C(email, TEXT) C(age, INT4) C(active, BOOL)     \
    C(manager_id, INT4) C(tags, TEXT_ARRAY) C(data, JSONB)                    \
    C(balance, NUMERIC) C(created_at, TIMESTAMPTZ)
#define ORDERS(C)                                                             \
    C(id, INT8) C(user_id, INT4) C(status, OTHER) C(total, NUMERIC)           \
    C(placed_at, TIMESTAMPTZ) C(note, TEXT)
#define PRODUCTS(C)                                                           \
    C(id, INT4) C(sku, VARCHAR) C(name, TEXT) C(price, NUMERIC)               \
    C(stock, INT4) C(attrs, JSONB) C(search, TSVECTOR) C(valid, TSTZRANGE)
#define ITEMS(C)                                                              \
    C(order_id, INT8) C(product_id, INT4) C(qty, INT4) C(price, NUMERIC)
#define ACCOUNTS(C) C(id, INT4) C(user_id, INT4) C(label, TEXT)
#define ODD(C, N)                                                             \
    C(id, INT4) N(group_, "group", TEXT) N(mixed_case, "Mixed Case", TEXT)    \
    N(weird, "we\"ird", TEXT) N(order_percent, "order%", INT4)
ELQB_TABLE(users, USERS)
ELQB_TABLE(orders, ORDERS)
ELQB_TABLE(products, PRODUCTS)
ELQB_TABLE(items, ITEMS)
ELQB_TABLE_IN(crm, accounts, ACCOUNTS)
ELQB_TABLE_NAMED(odd, NULL, "select", ODD)
/* clang-format on */

#define V(x) elqb_val(x)

/* The workspace and the tables of a test; see qb_case(). */
static elqb *q;
static users_t U;
static orders_t O;
static products_t P;

static inline void qb_setup(void)
{
    q = elqb_new();
    ck_assert_ptr_nonnull(q);
    U = users_table();
    O = orders_table();
    P = products_table();
}

static inline void qb_teardown(void)
{
    elqb_free(q);
}

static inline TCase *qb_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, qb_setup, qb_teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static inline int qb_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ------------------------------------------------------ the server's parser */

/* The error of the parser, NULL if the text is a statement. */
static inline char *parse_error(const char *sql)
{
#ifdef HAVE_PG_QUERY
    PgQueryParseResult result = pg_query_parse(sql);
    char *message =
        result.error ? strdup(result.error->message) : NULL;

    pg_query_free_parse_result(result);
    return message;
#else
    (void)sql;
    return NULL;
#endif
}

/* The parse tree without positions; the caller frees it.  NULL: an error, or
 * there is no parser. */
static inline char *parse_tree(const char *sql)
{
#ifdef HAVE_PG_QUERY
    static const char position[] = "\"location\":";
    PgQueryParseResult result = pg_query_parse(sql);
    char *tree = result.error ? NULL : strdup(result.parse_tree);
    char *to = tree, *from = tree;

    while (from && *from) {
        if (strncmp(from, position, sizeof(position) - 1) == 0) {
            from += sizeof(position) - 1;
            from += strspn(from, "-0123456789");
        } else {
            *to++ = *from++;
        }
    }
    if (to)
        *to = '\0';
    pg_query_free_parse_result(result);
    return tree;
#else
    (void)sql;
    return NULL;
#endif
}

/* ----------------------------------------------------------------- checks */

/*
 * Writes what was rendered into the file ELPQ_TEST_RENDERED, for the test that
 * has a server prepare it: the types and the text, each ended by a NUL.
 */
static inline void write_rendered(const elpq_statement *st)
{
    const char *path = getenv("ELPQ_TEST_RENDERED");
    FILE *file = path ? fopen(path, "a") : NULL;

    if (!file)
        return;
    for (unsigned i = 0; i < st->nvalues; i++)
        fprintf(file, "%u ", (unsigned)st->values[i].oid);
    fprintf(file, "%c%s%c", '\0', st->sql, '\0');
    fclose(file);
}

static inline void check_statement(const char *file, int line,
                                   const elpq_statement *st, const char *sql,
                                   const uint32_t *oids, size_t count)
{
    char *error;

    ck_assert_msg(st != NULL, "%s:%d: %s", file, line, elqb_error(q));
    ck_assert_msg(strcmp(st->sql, sql) == 0, "%s:%d:\n  is   %s\n  not  %s",
                  file, line, st->sql, sql);
    ck_assert_uint_eq(st->sql_len, strlen(sql));
    ck_assert_uint_eq(st->flags, 0);
    ck_assert_msg(st->nvalues == count, "%s:%d: %u values, not %zu", file,
                  line, st->nvalues, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(st->values[i].oid == oids[i], "%s:%d: $%zu is %u not %u",
                      file, line, i + 1, (unsigned)st->values[i].oid,
                      (unsigned)oids[i]);
    error = parse_error(sql);
    ck_assert_msg(!error, "%s:%d: %s: %s", file, line, error, sql);
    write_rendered(st);
}

/* CHECK(statement, "sql", oid of $1, oid of $2 ...) */
#define CHECK(st, ...)                                                        \
    check_statement(__FILE__, __LINE__, st, ELPQ_FIRST_(__VA_ARGS__, 0),      \
                    (const uint32_t[]){ CHECK_REST_(__VA_ARGS__, 0) },        \
                    sizeof((const uint32_t[]){                                \
                        CHECK_REST_(__VA_ARGS__, 0) }) /                      \
                            sizeof(uint32_t) -                                \
                        1)
#define CHECK_REST_(first, ...) __VA_ARGS__

/* The text with " for each `: long ones are read more easily so. */
static inline const char *quoted(const char *text)
{
    static char buffer[4000];
    size_t size = strlen(text) + 1;

    ck_assert_uint_le(size, sizeof(buffer));
    memcpy(buffer, text, size);
    for (char *p = buffer; *p; p++)
        if (*p == '`')
            *p = '"';
    return buffer;
}

/* CHECK_QUOTED(statement, "SELECT `id`", oids ...): CHECK() with quoted(). */
#define CHECK_QUOTED(st, ...)                                                 \
    check_statement(__FILE__, __LINE__, st,                                   \
                    quoted(ELPQ_FIRST_(__VA_ARGS__, 0)),                      \
                    (const uint32_t[]){ CHECK_REST_(__VA_ARGS__, 0) },        \
                    sizeof((const uint32_t[]){                                \
                        CHECK_REST_(__VA_ARGS__, 0) }) /                      \
                            sizeof(uint32_t) -                                \
                        1)

/* The expression as the only column of a select, without the SELECT. */
static inline const elpq_statement *render_expr(elqb_expr e)
{
    static elpq_statement st;
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *rendered;

    elqb_select_columns_v(s, ELQB_LIST(e));
    rendered = elqb_render(q, s);
    ck_assert_msg(rendered != NULL, "%s", elqb_error(q));
    st = *rendered;
    return &st;
}

/* CHECK_EXPR(expr, "sql", oids ...): as a column, after "SELECT ". */
#define CHECK_EXPR(e, ...)                                                    \
    check_statement(__FILE__, __LINE__, render_expr(e),                       \
                    "SELECT " ELPQ_FIRST_(__VA_ARGS__, 0),                    \
                    (const uint32_t[]){ CHECK_REST_(__VA_ARGS__, 0) },        \
                    sizeof((const uint32_t[]){                                \
                        CHECK_REST_(__VA_ARGS__, 0) }) /                      \
                            sizeof(uint32_t) -                                \
                        1)

/* The call fails with this code and text, and the workspace is fresh again. */
#define CHECK_FAILS(st, wanted, text)                                         \
    do {                                                                      \
        ck_assert_ptr_null(st);                                               \
        ck_assert_str_eq(elqb_error(q), text);                                \
        ck_assert_int_eq(elqb_error_code(q), wanted);                         \
        elqb_reset(q);                                                        \
        ck_assert_str_eq(elqb_error(q), "");                                  \
    } while (0)

/* ----------------------------------------------------------- random numbers */

/* So many rounds, or fewer in builds that ELPQ_TEST_SLOW says are slow. */
static inline int qb_rounds(int rounds)
{
    const char *slow = getenv("ELPQ_TEST_SLOW");
    double factor = slow ? strtod(slow, NULL) : 1;

    return factor > 1 ? (int)(rounds / factor) : rounds;
}

static uint64_t random_state = 88172645463325252u;

static inline uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 16) % limit);
}

#endif

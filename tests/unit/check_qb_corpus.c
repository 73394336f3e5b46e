/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements of SQLAlchemy, written with the builder.
 *
 * The files of tests/data have statements of SQLAlchemy Core and the SQL they
 * give for PostgreSQL.  corpus_*.h write each once more, and it must give the
 * same tree to the server's parser, after what does not matter is gone:
 * positions, numbers of parameters (counted anew by their first appearance),
 * nested AND and OR, pg_catalog in front of types, and labels that SQLAlchemy
 * made up (count_1).  Types of parameters, where the builder decides on one,
 * must be those that the server found.
 */
#include "qb/internal.h"

#include "corpora.h"

#ifdef HAVE_PG_QUERY

/* ------------------------------------------------------------------ trees */

struct normalizer {
    struct json_pool pool;
    char numbers[64][12]; /* of parameters, in the order of appearance      */
    int count;
};

/* Whether SQLAlchemy made the label up: it ends in _ and a number. */
static bool is_made_up(const char *label)
{
    const char *end = strrchr(label, '_');

    return end && end[1] && end[strspn(end + 1, "0123456789") + 1] == '\0';
}

static bool is_position(const char *key)
{
    return strcmp(key, "location") == 0 || strcmp(key, "stmt_len") == 0 ||
           strcmp(key, "stmt_location") == 0;
}

/* Forget a member, or an item. */
static void drop(struct json *from, size_t i)
{
    from->count--;
    memmove(&from->items[i], &from->items[i + 1],
            (from->count - i) * sizeof(*from->items));
    memmove(&from->keys[i], &from->keys[i + 1],
            (from->count - i) * sizeof(*from->keys));
}

static void renumber(struct normalizer *n, struct json *param)
{
    struct json *number = json_get(param, "number");
    int i = 0;

    ck_assert(number && n->count < 64);
    while (i < n->count && strcmp(n->numbers[i], number->text) != 0)
        i++;
    if (i == n->count)
        strcpy(n->numbers[n->count++], number->text);
    number->text = json_alloc(&n->pool, 12);
    snprintf(number->text, 12, "%d", i + 1);
}

/* (a AND b) AND c is a AND b AND c. */
static void flatten(struct normalizer *n, struct json *expr)
{
    struct json *args = json_get(expr, "args");
    struct json *flat = json_alloc(&n->pool, sizeof(*flat));
    const char *op = json_text(json_get(expr, "boolop"));

    flat->kind = JSON_ARRAY;
    for (size_t i = 0; i < args->count; i++) {
        struct json *inner = json_get(args->items[i], "BoolExpr");

        if (inner && strcmp(op, "NOT_EXPR") != 0 &&
            strcmp(json_text(json_get(inner, "boolop")), op) == 0) {
            struct json *more = json_get(inner, "args");

            for (size_t k = 0; k < more->count; k++)
                json_add(&n->pool, flat, NULL, more->items[k]);
        } else {
            json_add(&n->pool, flat, NULL, args->items[i]);
        }
    }
    *args = *flat;
}

static void drop_catalog(struct json *names)
{
    for (size_t i = 0; names && i < names->count; i++)
        if (strcmp(json_text(json_get(json_get(names->items[i], "String"),
                                      "sval")),
                   "pg_catalog") == 0)
            drop(names, i--);
}

static void normalize(struct normalizer *n, struct json *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        const char *key = tree->keys[i] ? tree->keys[i] : "";
        struct json *item = tree->items[i];

        if (is_position(key)) {
            drop(tree, i--);
            continue;
        }
        normalize(n, item);
        if (strcmp(key, "ParamRef") == 0)
            renumber(n, item);
        if (strcmp(key, "BoolExpr") == 0)
            flatten(n, item);
        if (strcmp(key, "typeName") == 0 || strcmp(key, "TypeName") == 0)
            drop_catalog(json_get(item, "names"));
        if (strcmp(key, "ResTarget") == 0)
            for (size_t k = 0; k < item->count; k++)
                if (strcmp(item->keys[k], "name") == 0 &&
                    is_made_up(json_text(item->items[k])))
                    drop(item, k--);
    }
}

/* The first place where two trees differ, as a path; "" if they do not. */
static bool is_same(const struct json *a, const struct json *b, char *path,
                    size_t room)
{
    size_t size = strlen(path);

    if (a->kind != b->kind || strcmp(json_text(a), json_text(b)) != 0)
        return false;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (a->keys[i] && strcmp(a->keys[i], b->keys[i]) != 0)
            break;
        snprintf(path + size, room - size, "/%s",
                 a->keys[i] ? a->keys[i] : "[]");
        if (!is_same(a->items[i], b->items[i], path, room))
            return false;
        path[size] = '\0';
    }
    for (size_t i = 0; a->keys && a->keys[0] && i < a->count; i++)
        if (i >= b->count || strcmp(a->keys[i], b->keys[i]) != 0)
            return false;
    return a->count == b->count;
}

static struct json *read_tree(struct normalizer *n, const char *sql)
{
    PgQueryParseResult result = pg_query_parse(sql);
    struct json *tree;

    ck_assert_msg(!result.error, "unparseable: %s", sql);
    tree = json_read(&n->pool, result.parse_tree);
    pg_query_free_parse_result(result);
    normalize(n, tree);
    return tree;
}

static void check_same_tree(const char *id, const char *is,
                            const char *wanted)
{
    struct normalizer a = { .count = 0 }, b = { .count = 0 };
    char path[1000] = "";

    ck_assert_msg(is_same(read_tree(&a, is), read_tree(&b, wanted), path,
                          sizeof(path)),
                  "%s differs at %s\n  is   %s\n  not  %s", id, path, is,
                  wanted);
    json_free(&a.pool);
    json_free(&b.pool);
}

/* ------------------------------------------------------------------ tests */

static struct json_pool pool;

static void teardown(void)
{
    json_free(&pool);
    qb_teardown();
}

static void check_types(const char *id, const elpq_statement *st,
                        const struct json *types)
{
    ck_assert_msg(types->count == st->nvalues, "%s: the number of parameters",
                  id);
    for (unsigned i = 0; i < st->nvalues; i++) {
        const char *name = json_text(types->items[i]);
        uint32_t oid = st->values[i].oid;

        ck_assert_msg(oid == 0 || oid == elqb__type_by_name(name),
                      "%s: $%u is %u, not %s", id, i + 1, (unsigned)oid, name);
    }
}

static void check_written(const struct json *corpus, const struct written *w)
{
    const struct json *wanted = find_case(corpus, w->id);
    const struct json *types = json_get(wanted, "pg15_sql_param_types");
    const elpq_statement *st = w->write();

    ck_assert_msg(st != NULL, "%s: %s", w->id, elqb_error(q));
    ck_assert_msg(wanted != NULL, "there is no %s in the data", w->id);
    check_same_tree(w->id, st->sql, json_text(json_get(wanted, "sql")));
    if (types)
        check_types(w->id, st, types);
    elqb_reset(q);
}

/* Every statement is written, and nothing else. */
START_TEST(test_statements)
{
    const struct corpus *c = &corpora[_i];
    const struct json *corpus = read_corpus(&pool, c->file);
    size_t count = 0;

    for (size_t i = 0; c->parts[i].written; i++) {
        for (size_t k = 0; k < c->parts[i].count; k++)
            check_written(corpus, &c->parts[i].written[k]);
        count += c->parts[i].count;
    }
    ck_assert_uint_eq(count, json_get(corpus, "cases")->count);
}
END_TEST

/* What compares trees tells them apart. */
START_TEST(test_the_comparison)
{
    static const char *const pairs[][2] = {
        { "SELECT a = $1", "SELECT a = $2 AS x_1" },
        { "SELECT (a AND b) AND c", "SELECT a AND (b AND c)" },
        { "SELECT x::int4", "SELECT CAST(x AS pg_catalog.int4)" },
    };
    static const char *const others[][2] = {
        { "SELECT a = $1 OR b = $2", "SELECT a = $1 OR b = $1" },
        { "SELECT a AND b OR c", "SELECT a AND (b OR c)" },
        { "SELECT a", "SELECT a AS b" },
        { "SELECT a", "SELECT a, b" },
        { "SELECT a", "SELECT DISTINCT a" },
        { "SELECT a FROM t", "SELECT a FROM ONLY t" },
        { "SELECT x::int4", "SELECT x::int8" },
    };

    for (size_t i = 0; i < LENGTH(pairs); i++)
        check_same_tree("a pair", pairs[i][0], pairs[i][1]);
    for (size_t i = 0; i < LENGTH(others); i++) {
        struct normalizer a = { .count = 0 }, b = { .count = 0 };
        char path[1000] = "";

        ck_assert_msg(!is_same(read_tree(&a, others[i][0]),
                               read_tree(&b, others[i][1]), path,
                               sizeof(path)),
                      "%s", others[i][0]);
        json_free(&a.pool);
        json_free(&b.pool);
    }
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("qb_corpus");
    TCase *tcase = tcase_create("corpus");

    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 60);
#ifdef HAVE_PG_QUERY
    tcase_add_checked_fixture(tcase, corpus_setup, teardown);
    tcase_add_loop_test(tcase, test_statements, 0, (int)LENGTH(corpora));
    tcase_add_test(tcase, test_the_comparison);
#endif
    return qb_main(suite);
}

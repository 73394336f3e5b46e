/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements of SQLAlchemy, written with the builder.
 *
 * tests/data/sqlalchemy-sample.json has statements of SQLAlchemy Core and the
 * SQL they give for PostgreSQL.  Here each is written once more, and must give
 * the same tree to the server's parser, after what does not matter is gone:
 * positions, numbers of parameters (counted anew by their first appearance),
 * nested AND and OR, pg_catalog in front of types, and labels that SQLAlchemy
 * made up (count_1).  Types of parameters, where the builder decides on one,
 * must be those that the server found.
 */
#include "qb/internal.h"

#include "check_qb.h"
#include "json_tree.h"

#ifdef HAVE_PG_QUERY

static items_t I;
static odd_t D;
static accounts_t A;

/* ------------------------------------------------------------- statements */

#define TRUE_ elqb_literal(elpq_bool(true))
#define WHERE(table, ...) select_where(table, elqb_and(q, __VA_ARGS__))

/* SELECT users.id FROM table WHERE condition */
static elqb_select *select_where(elqb_table t, elqb_expr condition)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_c(t, "id"));
    elqb_from(s, t);
    elqb_where(s, condition);
    return s;
}

static elqb_select *select_from(elqb_table t, const elqb_expr *columns)
{
    elqb_select *s = elqb_select_new(q);

    elqb_select_columns_v(s, columns);
    elqb_from(s, t);
    return s;
}
#define COLUMNS(table, ...) select_from(table, ELQB_LIST(__VA_ARGS__))

static const elpq_statement *sel_cols(void)
{
    return elqb_render(q, COLUMNS(U.table, U.id, U.name));
}

static const elpq_statement *sel_order_nulls(void)
{
    elqb_select *s = COLUMNS(U.table, U.id);

    elqb_order_by(s, elqb_nulls_last(q, elqb_desc(q, U.age)),
                  elqb_nulls_first(q, elqb_asc(q, U.name)));
    return elqb_render(q, s);
}

static const elpq_statement *sel_reserved_quoting(void)
{
    elqb_select *s = COLUMNS(D.table, D.id, D.group_, D.mixed_case, D.weird,
                             D.order_percent);

    elqb_where(s, elqb_eq(q, D.group_, V("g")));
    elqb_where(s, elqb_eq(q, D.mixed_case, V("m")));
    elqb_where(s, elqb_is_null(q, D.weird));
    elqb_where(s, elqb_gt(q, D.order_percent, V(1)));
    return elqb_render(q, s);
}

static const elpq_statement *sel_dup_names(void)
{
    elqb_select *s = COLUMNS(U.table, U.id, O.id);

    elqb_join(s, ELQB_INNER, O.table, elqb_eq(q, U.id, O.user_id));
    return elqb_render(q, s);
}

static const elpq_statement *from_subquery(void)
{
    elqb_select *inner =
        COLUMNS(O.table, elqb_as(q, O.user_id, "user_id"),
                elqb_as(q, elqb_func(q, "sum", O.total), "total"));
    elqb_table t;
    elqb_expr total;
    elqb_select *s;

    elqb_group_by(inner, O.user_id);
    t = elqb_subquery(q, inner, "t");
    total = elqb_typed(elqb_c(t, "total"), NUMERIC);
    s = COLUMNS(U.table, U.name, total);
    elqb_join(s, ELQB_INNER, t, elqb_eq(q, elqb_c(t, "user_id"), U.id));
    elqb_where(s, elqb_gt(q, total, V(100)));
    return elqb_render(q, s);
}

static const elpq_statement *sub_array(void)
{
    elqb_select *ids = WHERE(O.table, elqb_eq(q, O.user_id, U.id));

    return elqb_render(q, COLUMNS(U.table, U.id,
                                  elqb_as(q, elqb_array_select(q, ids),
                                          "ids")));
}

static const elpq_statement *sub_tuple_in(void)
{
    elqb_select *s = COLUMNS(I.table, I.qty);

    elqb_where(s, elqb_in(q, elqb_row(q, I.order_id, I.product_id),
                          elqb_row(q, V(1), V(2)), elqb_row(q, V(3), V(4))));
    return elqb_render(q, s);
}

static const elpq_statement *ex_div_mod(void)
{
    return elqb_render(
        q, COLUMNS(U.table, elqb_div(q, U.age, elqb_cast(q, V(2), "numeric")),
                   elqb_div(q, U.age, V(2)), elqb_mod(q, U.age, V(2)),
                   elqb_div(q, U.balance, elqb_cast(q, V(3), "numeric"))));
}

static const elpq_statement *ex_concat_eq(void)
{
    return elqb_render(
        q, WHERE(U.table,
                 elqb_eq(q, elqb_concat(q, U.name, V("x")), V("bx"))));
}

static const elpq_statement *ex_cmp_of_cmp(void)
{
    return elqb_render(
        q, COLUMNS(U.table,
                   elqb_eq(q, elqb_gt(q, U.age, V(1)),
                           elqb_gt(q, U.id, V(2))),
                   elqb_is_null(q, elqb_eq(q, U.age, V(1))),
                   elqb_eq(q, elqb_and(q, elqb_eq(q, U.age, V(1)),
                                       elqb_eq(q, U.id, V(2))),
                           TRUE_)));
}

static const elpq_statement *ex_true_false(void)
{
    return elqb_render(q, WHERE(U.table, elqb_eq(q, U.active, TRUE_),
                                elqb_is_false(q, U.active)));
}

static const elpq_statement *ex_collate_cmp(void)
{
    return elqb_render(
        q, WHERE(U.table, elqb_lt(q, elqb_collate(q, U.name, "C"), V("m"))));
}

static const elpq_statement *ex_bind_dup_names(void)
{
    return elqb_render(q, WHERE(U.table, elqb_or(q,
                                                 elqb_eq(q, U.name, V("a")),
                                                 elqb_eq(q, U.name,
                                                         V("b")))));
}

static const elpq_statement *ex_literal_column(void)
{
    return elqb_render(q, COLUMNS(U.table, elqb_as(q, elqb_lit(42), "answer"),
                                  elqb_concat(q, elqb_lit("x"), U.name)));
}

static const elpq_statement *ex_current_timestamp(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_func(q, "now"), elqb_func(q, "current_timestamp"),
                 elqb_func(q, "current_date"), elqb_func(q, "current_user"));
    return elqb_render(q, s);
}

static const elpq_statement *ex_or_chain_not(void)
{
    elqb_expr both = elqb_and(q, elqb_eq(q, U.id, V(2)),
                              elqb_eq(q, U.name, V("z")));

    return elqb_render(
        q, WHERE(U.table, elqb_not(q, elqb_or(q, elqb_eq(q, U.age, V(1)),
                                              elqb_not(q, both)))));
}

static const elpq_statement *arr_ops(void)
{
    const char *a[] = { "a" }, *ab[] = { "a", "b" }, *c[] = { "c" };

    return elqb_render(
        q, WHERE(U.table, elqb_contains(q, U.tags, elqb_items(a, 1)),
                 elqb_contained_by(q, U.tags, elqb_items(ab, 2)),
                 elqb_overlaps(q, U.tags, elqb_items(c, 1))));
}

static const elpq_statement *arr_any_all(void)
{
    return elqb_render(q, WHERE(U.table, elqb_eq_any(q, V("a"), U.tags),
                                elqb_op_all(q, V("b"), "=", U.tags),
                                elqb_eq_any(q, V("x"), U.tags)));
}

static const elpq_statement *arr_empty_cast(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_cast(q, elqb_array_v(q, NULL), "INTEGER[]"));
    return elqb_render(q, s);
}

static const elpq_statement *range_ops(void)
{
    elqb_expr now = elqb_func(q, "now");

    return elqb_render(
        q, WHERE(P.table, elqb_contains(q, P.valid, now),
                 elqb_overlaps(q, P.valid,
                               elqb_func(q, "tstzrange", now,
                                         elqb_literal(elpq_null(0))))));
}

static const elpq_statement *ins_values(void)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, V("bob"));
    elqb_set(i, U.age, V(5));
    return elqb_render(q, i);
}

static const elpq_statement *ins_default_values(void)
{
    return elqb_render(q, elqb_insert_new(q, A.table));
}

static const elpq_statement *ins_on_conflict_constraint(void)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.id, V(1));
    elqb_set(i, P.sku, V("s"));
    elqb_set(i, P.name, V("n"));
    elqb_on_conflict_update(i);
    elqb_on_constraint(i, "products_sku_key");
    elqb_conflict_set(i, P.name, elqb_excluded(P.name));
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    return elqb_render(q, i);
}

static const elpq_statement *upd_json_array_elem(void)
{
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set(u, elqb_subscript(q, U.tags, V(2)), V("x"));
    elqb_where(u, elqb_eq(q, U.id, V(1)));
    return elqb_render(q, u);
}

static const elpq_statement *text_binds(void)
{
    return elqb_render(q, elqb_text(q, "SELECT id FROM users WHERE name = "
                                       ":name AND age > :age",
                                    ELQB_ARG("name", V("bob")),
                                    ELQB_ARG("age", V(5))));
}

static const elpq_statement *comp_with_only_columns(void)
{
    elqb_select *s = COLUMNS(U.table, U.id, U.name), *copy;

    elqb_where(s, elqb_gt(q, U.age, V(5)));
    copy = elqb_select_copy(s);
    elqb_clear_columns(copy);
    elqb_columns(copy, elqb_count(q));
    return elqb_render(q, copy);
}

static const elpq_statement *comp_prefix_suffix_hint(void)
{
    const elpq_statement *st = elqb_render(q, COLUMNS(U.table, U.id));

    return elqb_tagged(q, st, ELQB_TAG("tag", "tag"));
}

static const elpq_statement *comp_only(void)
{
    return elqb_render(q, COLUMNS(elqb_only(U.table), U.id));
}

#define WRITTEN(name) { #name, name }
static const struct written {
    const char *id;
    const elpq_statement *(*write)(void);
} written[] = {
    WRITTEN(sel_cols),
    WRITTEN(sel_order_nulls),
    WRITTEN(sel_reserved_quoting),
    WRITTEN(sel_dup_names),
    WRITTEN(from_subquery),
    WRITTEN(sub_array),
    WRITTEN(sub_tuple_in),
    WRITTEN(ex_div_mod),
    WRITTEN(ex_concat_eq),
    WRITTEN(ex_cmp_of_cmp),
    WRITTEN(ex_true_false),
    WRITTEN(ex_collate_cmp),
    WRITTEN(ex_bind_dup_names),
    WRITTEN(ex_literal_column),
    WRITTEN(ex_current_timestamp),
    WRITTEN(ex_or_chain_not),
    WRITTEN(arr_ops),
    WRITTEN(arr_any_all),
    WRITTEN(arr_empty_cast),
    WRITTEN(range_ops),
    WRITTEN(ins_values),
    WRITTEN(ins_default_values),
    WRITTEN(ins_on_conflict_constraint),
    WRITTEN(upd_json_array_elem),
    WRITTEN(text_binds),
    WRITTEN(comp_with_only_columns),
    WRITTEN(comp_prefix_suffix_hint),
    WRITTEN(comp_only),
};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Statements that wait for a construct of the builder. */
static const struct {
    const char *id;
    const char *construct;
} waiting[] = {
    { "from_unnest_ordinality", "table functions" },
    { "cte_dml_delete", "CTE" },
    { "cte_in_update", "CTE" },
    { "lock_share_of", "FOR SHARE" },
    { "lock_no_key", "FOR NO KEY UPDATE" },
    { "win_row_number", "OVER" },
};

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

static struct json_pool sample_pool;

/* The cases of the sample, which lies beside this file's folder. */
static const struct json *read_sample(void)
{
    char path[4096];
    char *slash, *text;
    long size;
    FILE *file;
    const struct json *cases;

    snprintf(path, sizeof(path) - 40, "%s", __FILE__);
    slash = strrchr(path, '/');
    strcpy(slash, "/../data/sqlalchemy-sample.json");
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    cases = json_get(json_read(&sample_pool, text), "cases");
    free(text);
    ck_assert(cases && cases->count > 0);
    return cases;
}

static void setup(void)
{
    qb_setup();
    I = items_table();
    D = odd_table();
    A = accounts_table();
}

static void teardown(void)
{
    json_free(&sample_pool);
    qb_teardown();
}

static void check_types(const char *id, const elpq_statement *st,
                        const struct json *types)
{
    ck_assert_msg(types && types->count == st->nvalues,
                  "%s: the number of parameters", id);
    for (unsigned i = 0; i < st->nvalues; i++) {
        const char *name = json_text(types->items[i]);
        uint32_t oid = st->values[i].oid;

        ck_assert_msg(oid == 0 || oid == elqb__type_by_name(name),
                      "%s: $%u is %u, not %s", id, i + 1, (unsigned)oid, name);
    }
}

START_TEST(test_statement)
{
    const struct written *w = &written[_i];
    const struct json *cases = read_sample(), *found = NULL;
    const elpq_statement *st = w->write();

    ck_assert_msg(st != NULL, "%s: %s", w->id, elqb_error(q));
    for (size_t i = 0; i < cases->count; i++)
        if (strcmp(json_text(json_get(cases->items[i], "id")), w->id) == 0)
            found = cases->items[i];
    ck_assert_msg(found != NULL, "the sample has no %s", w->id);
    check_same_tree(w->id, st->sql, json_text(json_get(found, "sql")));
    check_types(w->id, st, json_get(found, "pg15_sql_param_types"));
}
END_TEST

/* Each is either written or waits for something. */
START_TEST(test_all_are_known)
{
    const struct json *cases = read_sample();

    for (size_t i = 0; i < cases->count; i++) {
        const char *id = json_text(json_get(cases->items[i], "id"));
        int count = 0;

        for (size_t k = 0; k < COUNT(written); k++)
            count += strcmp(written[k].id, id) == 0;
        for (size_t k = 0; k < COUNT(waiting); k++)
            count += strcmp(waiting[k].id, id) == 0;
        ck_assert_msg(count == 1, "%s is written %d times", id, count);
    }
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

    for (size_t i = 0; i < COUNT(pairs); i++)
        check_same_tree("a pair", pairs[i][0], pairs[i][1]);
    for (size_t i = 0; i < COUNT(others); i++) {
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
#ifdef HAVE_PG_QUERY
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_statement, 0, (int)COUNT(written));
    tcase_add_test(tcase, test_all_are_known);
    tcase_add_test(tcase, test_the_comparison);
#endif
    return qb_main(suite);
}

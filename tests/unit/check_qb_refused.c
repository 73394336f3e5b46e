/* SPDX-License-Identifier: PostgreSQL */
/*
 * What renders to something else than was meant, or to what no server takes,
 * and is refused: each with its neighbours that are fine.
 */
#include "check_qb.h"

#define FAILS(s, text) CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, text)

/* ------------------------------------------------- tables that become CTEs */

/* A CTE of this name that selects the ids of the table. */
static elqb_cte *wrap(const char *name, elqb_table t)
{
    elqb_cte *c = elqb_cte_new(q, name);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_c(t, "id"));
    elqb_from(s, t);
    elqb_cte_as(c, s);
    return c;
}

/* WITH these two, and all that the first has. */
static elqb_select *with(elqb_cte *a, elqb_cte *b)
{
    elqb_select *s = elqb_select_new(q);

    elqb_with(s, a);
    elqb_with(s, b);
    elqb_columns(s, elqb_star());
    elqb_from(s, elqb_cte_table(a));
    return s;
}

static elqb_cte *recursive(const char *name)
{
    elqb_cte *c = wrap(name, P.table);

    elqb_cte_recursive(c);
    return c;
}

#define WOULD_BE                                                              \
    "elqb_render: the table \"users\" would be the CTE of that name, as "     \
    "\"tree\" makes it WITH RECURSIVE"

START_TEST(test_recursive_hides_table)
{
    static const elqb_schema_map map[] = { { NULL, "app", 1 }, { 0, 0, 0 } };
    elqb_select *inner;
    elqb_cte *c;

    CHECK(elqb_render(q, with(wrap("users", U.table), wrap("tree", P.table))),
          "WITH \"users\" AS (SELECT \"users\".\"id\" FROM \"users\"), "
          "\"tree\" AS (SELECT \"products\".\"id\" FROM \"products\") "
          "SELECT * FROM \"users\"");
    FAILS(with(wrap("users", U.table), recursive("tree")), WOULD_BE);
    FAILS(with(recursive("tree"), wrap("users", U.table)), WOULD_BE);
    FAILS(with(wrap("users", users_as("u").table), recursive("tree")),
          WOULD_BE);
    /* also through what stands between, and before it is there */
    inner = elqb_select_new(q);
    elqb_columns(inner, U.id);
    elqb_from(inner, U.table);
    c = wrap("users", elqb_subquery(q, inner, "s"));
    FAILS(with(c, recursive("tree")), WOULD_BE);
    FAILS(with(recursive("tree"),
               wrap("users", elqb_tablesample(q, U.table, "system", V(1)))),
          WOULD_BE);
    c = wrap("first", U.table);
    inner = with(c, recursive("tree"));
    elqb_with(inner, wrap("users", P.table));
    FAILS(inner, WOULD_BE);
    /* a schema, also one that the name gets while rendering, is another name */
    ck_assert_ptr_nonnull(elqb_render(
        q, with(wrap("users", elqb_table_named("public", "users")),
                recursive("tree"))));
    elqb_schema_translate_v(q, map);
    ck_assert_ptr_nonnull(elqb_render(q, with(wrap("users", U.table),
                                              recursive("tree"))));
}
END_TEST

/* What refers to itself by its bare name means it. */
START_TEST(test_recursive_by_name)
{
    elqb_cte *c = wrap("users", U.table), *next = wrap("next", U.table);

    elqb_cte_recursive(c);
    CHECK(elqb_render(q, with(c, next)),
          "WITH RECURSIVE \"users\" AS (SELECT \"users\".\"id\" FROM "
          "\"users\"), \"next\" AS (SELECT \"users\".\"id\" FROM \"users\") "
          "SELECT * FROM \"users\"");
}
END_TEST

/* A statement changes tables only, whatever CTEs there are. */
START_TEST(test_target_is_table)
{
    elqb_cte *c = elqb_cte_new(q, "users");
    elqb_delete *d = elqb_delete_new(q, U.table);
    elqb_select *s;

    elqb_returning(d, U.id);
    elqb_cte_as(c, d);
    s = with(c, recursive("tree"));
    CHECK(elqb_render(q, s),
          "WITH RECURSIVE \"users\" AS (DELETE FROM \"users\" RETURNING "
          "\"users\".\"id\"), \"tree\" AS (SELECT \"products\".\"id\" FROM "
          "\"products\") SELECT * FROM \"users\"");
}
END_TEST

START_TEST(test_merge_recursive)
{
    elqb_merge *m = elqb_merge_new(q, U.table);
    elqb_cte *c = recursive("tree");
    elqb_table tree = elqb_cte_table(c);

    elqb_with(m, c);
    elqb_merge_using(m, tree, elqb_eq(q, U.id, elqb_c(tree, "id")));
    elqb_when_matched_delete(m, ELQB_NONE);
    FAILS(m, "elqb_render: PostgreSQL takes no WITH RECURSIVE before MERGE, "
             "and the CTE \"tree\" makes it one");
}
END_TEST

/* ----------------------------------------------------------------- ONLY */

static elqb_select *from(elqb_table t)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_star());
    elqb_from(s, t);
    return s;
}

START_TEST(test_only)
{
    elqb_select *s = from(U.table);

    CHECK(elqb_render(q, from(elqb_tablesample(q, elqb_only(U.table), "system",
                                               V(1)))),
          "SELECT * FROM ONLY \"users\" TABLESAMPLE \"system\" ($1)",
          ELPQ_OID_INT4);
    CHECK(elqb_render(q, from(elqb_alias_columns(
                             q, elqb_only(users_as("u").table),
                             ELQB_COL("a", "")))),
          "SELECT * FROM ONLY \"users\" AS \"u\" (\"a\")");
    FAILS(from(elqb_only(elqb_cte_table(recursive("tree")))),
          "elqb_from: a CTE does not take elqb_only()");
    s = from(U.table);
    FAILS(from(elqb_only(elqb_subquery(q, s, "s"))),
          "elqb_from: a subquery does not take elqb_only()");
    s = from(U.table);
    elqb_join(s, ELQB_CROSS,
              elqb_only(elqb_table_func(q, elqb_func(q, "f"), "f")),
              ELQB_NONE);
    FAILS(s, "elqb_join: a function does not take elqb_only()");
}
END_TEST

/* ---------------------------------------------------------------- binds */

static elqb_select *where(elqb_expr condition)
{
    elqb_select *s = from(U.table);

    elqb_where(s, condition);
    return s;
}

#define BIND(value)                                                           \
    (elqb_params(q, ELQB_ARG("x", value)),                                    \
     where(elqb_eq(q, U.id, elqb_bind("x", INT4))))

START_TEST(test_bind_types)
{
    static const char sql[] =
        "SELECT * FROM \"users\" WHERE \"users\".\"id\" = $1";

    CHECK(elqb_render(q, BIND(V(1LL))), sql, ELPQ_OID_INT4);
    CHECK(elqb_render(q, BIND(V("1"))), sql, ELPQ_OID_INT4);
    CHECK(elqb_render(q, BIND(elqb_value(elpq_null(0)))), sql, ELPQ_OID_INT4);
    CHECK_FAILS(elqb_render(q, BIND(V(1.5))), ELQB_E_BIND,
                "elqb_render: the bind :x takes INT4, not FLOAT8");
    CHECK_FAILS(elqb_render(q, BIND(V(1LL << 40))), ELQB_E_BIND,
                "elqb_render: the bind :x takes INT4, not INT8");
    CHECK_FAILS(elqb_debug(q, BIND(V((bool)true))), ELQB_E_BIND,
                "elqb_debug: the bind :x takes INT4, not BOOL");
    CHECK_FAILS(elqb_compile(q, BIND(V(1.5))), ELQB_E_BIND,
                "elqb_compile: the bind :x takes INT4, not FLOAT8");
    CHECK_FAILS(elqb_render(q, BIND(elqb_typed_oid(V("x"), 99999))),
                ELQB_E_BIND,
                "elqb_render: the bind :x takes INT4, not the type 99999");
    elqb_params(q, ELQB_ARG("x", V("{a}")));
    CHECK(elqb_render(q, where(elqb_eq(q, U.tags,
                                       elqb_bind("x", TEXT_ARRAY)))),
          "SELECT * FROM \"users\" WHERE \"users\".\"tags\" = $1",
          ELPQ_OID_TEXT_ARRAY);
}
END_TEST

/* ---------------------------------------------- arrays of unknown elements */

#define NEEDS(function)                                                       \
    function ": the array of the column \"status\" needs elqb_cast(), its "   \
             "type is not built in"

START_TEST(test_unknown_arrays)
{
    const char *states[] = { "new", "paid" };
    elqb_expr array = elqb_items(states, 2);
    elqb_insert *i;

    FAILS(where(elqb_in_arrays(q, O.status, array)), NEEDS("elqb_in_arrays"));
    FAILS(where(elqb_not_in_arrays(q, elqb_row(q, O.id, O.status), V("{1}"),
                                   elqb_shared(q, array))),
          NEEDS("elqb_not_in_arrays"));
    FAILS(from(elqb_unnest(q, "d", ELQB_LIST(O.status),
                           elqb_bind("s", OTHER))), NEEDS("elqb_unnest"));
    FAILS(from(elqb_unnest(q, "d", ELQB_LIST(O.status),
                           elqb_bind("s", TEXT_ARRAY))),
          NEEDS("elqb_unnest"));
    i = elqb_insert_new(q, O.table);
    elqb_columns(i, O.status);
    elqb_insert_unnest(i, elqb_shared(q, array));
    FAILS(i, NEEDS("elqb_insert_unnest"));
    FAILS(where(elqb_in_arrays(q, elqb_func(q, "f"), array)),
          "elqb_in_arrays: the array of column 1 needs elqb_cast(), its type "
          "is not built in");
    FAILS(where(elqb_in_arrays(q, U.id, elqb_lit(5))),
          "elqb_in_arrays: what is given for the column \"id\" is no array");
    FAILS(where(elqb_in_arrays(q, elqb_row(q, U.id, U.name), V("{1}"),
                               elqb_lit(5))),
          "elqb_in_arrays: what is given for the column \"name\" is no array");
}
END_TEST

/* ---------------------------------------------------------------- joins */

START_TEST(test_joins_of_nothing)
{
    elqb_delete *d = elqb_delete_new(q, U.table);
    elqb_update *u;

    elqb_join(d, ELQB_INNER, O.table, elqb_eq(q, O.user_id, U.id));
    FAILS(d, "elqb_join: there is nothing to join, see elqb_using()");
    d = elqb_delete_new(q, U.table);
    elqb_join_using(d, ELQB_INNER, O.table, O.id);
    FAILS(d, "elqb_join_using: there is nothing to join, see elqb_using()");
    u = elqb_update_new(q, U.table);
    elqb_join_natural(u, ELQB_INNER, O.table);
    FAILS(u, "elqb_join_natural: there is nothing to join, see elqb_from()");
    d = elqb_delete_new(q, U.table);
    elqb_using(d, O.table);
    elqb_join_natural(d, ELQB_CROSS, P.table);
    FAILS(d, "elqb_join_natural: a cross join takes no columns");
}
END_TEST

/* ----------------------------------------------------- calls of the grammar */

static const elpq_statement *render_one(elqb_expr e)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, e);
    return elqb_render(q, s);
}

#define CALL_FAILS(call, text)                                                \
    CHECK_FAILS(render_one(call), ELQB_E_USAGE, "elqb_func: " text)

START_TEST(test_argument_counts)
{
    CHECK_EXPR(elqb_func(q, "coalesce", U.id),
               "COALESCE(\"users\".\"id\")");
    CALL_FAILS(elqb_func(q, "coalesce"), "COALESCE takes arguments");
    CALL_FAILS(elqb_func(q, "greatest"), "GREATEST takes arguments");
    CALL_FAILS(elqb_func(q, "least"), "LEAST takes arguments");
    CALL_FAILS(elqb_func(q, "grouping"), "GROUPING takes arguments");
    CALL_FAILS(elqb_func(q, "nullif", U.id), "NULLIF takes two arguments");
    CALL_FAILS(elqb_func(q, "nullif", U.id, V(1), V(2)),
               "NULLIF takes two arguments");
    CALL_FAILS(elqb_func(q, "user", U.id), "USER takes no arguments");
    CALL_FAILS(elqb_func(q, "localtime", elqb_lit(3), elqb_lit(3)),
               "LOCALTIME takes a precision, as elqb_lit(3)");
}
END_TEST

START_TEST(test_absent_parts)
{
    static const int32_t ids[] = { 1 };
    elqb_expr items = elqb_items(ids, 1);

    CHECK_FAILS(render_one(elqb_op(q, ELQB_END, "||", U.name)), ELQB_E_USAGE,
                "elqb_op: operand 1 is ELQB_END");
    CHECK_FAILS(render_one(elqb_op(q, U.name, "||", ELQB_NONE)), ELQB_E_USAGE,
                "elqb_op: operand 2 is ELQB_NONE");
    CHECK_FAILS(elqb_values_select(q, elqb_row_v(q, NULL)), ELQB_E_USAGE,
                "elqb_values_select: row 1 has no values");
    elqb_unnest(q, "u", ELQB_LIST(elqb_name(NULL)), items);
    CHECK_FAILS(render_one(U.id), ELQB_E_NAME,
                "elqb_unnest: the name is empty");
    CHECK_FAILS(render_one(elqb_collate_in(q, U.name, "", "C")), ELQB_E_NAME,
                "elqb_collate: the name is empty");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_refused");
    TCase *tcase = qb_case(suite, "refused");

    tcase_add_test(tcase, test_recursive_hides_table);
    tcase_add_test(tcase, test_recursive_by_name);
    tcase_add_test(tcase, test_target_is_table);
    tcase_add_test(tcase, test_merge_recursive);
    tcase_add_test(tcase, test_only);
    tcase_add_test(tcase, test_bind_types);
    tcase_add_test(tcase, test_unknown_arrays);
    tcase_add_test(tcase, test_joins_of_nothing);
    tcase_add_test(tcase, test_argument_counts);
    tcase_add_test(tcase, test_absent_parts);
    return qb_main(suite);
}

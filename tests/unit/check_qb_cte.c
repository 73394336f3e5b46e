/* SPDX-License-Identifier: PostgreSQL */
/*
 * WITH: on and around every statement, recursion, SEARCH and CYCLE, what a
 * reference may see, and the columns of CTEs and subqueries.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    STAMP = ELPQ_OID_TIMESTAMPTZ
};

/* SELECT "users"."id" FROM "users" WHERE "users"."age" > $1 */
static elqb_select *adults(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_gt(q, U.age, V(17)));
    return s;
}
#define ADULTS(n)                                                             \
    "(SELECT \"users\".\"id\" FROM \"users\" WHERE \"users\".\"age\" > $" n ")"

static elqb_cte *cte(const char *name, elqb_select *s)
{
    elqb_cte *c = elqb_cte_new(q, name);

    elqb_cte_as(c, s);
    return c;
}

/* SELECT "name"."id" FROM "name" */
static elqb_select *from(const elqb_cte *c)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_col(q, elqb_cte_table(c), "id"));
    elqb_from(s, elqb_cte_table(c));
    return s;
}

START_TEST(test_select)
{
    elqb_cte *a = cte("a", adults()), *b = cte("b", from(a));
    elqb_select *s = from(b);
    elqb_table x = elqb_table_as(elqb_cte_table(a), "x");

    elqb_join(s, ELQB_INNER, x,
              elqb_eq(q, elqb_col(q, x, "id"),
                      elqb_col(q, elqb_cte_table(b), "id")));
    elqb_where(s, elqb_gt(q, elqb_col(q, x, "id"), V("5")));
    elqb_with(s, a);
    elqb_with(s, b);
    elqb_with(s, a); /* is there already */
    CHECK(elqb_render(q, s),
          "WITH \"a\" AS " ADULTS("1") ", \"b\" AS (SELECT \"a\".\"id\" FROM "
          "\"a\") SELECT \"b\".\"id\" FROM \"b\" JOIN \"a\" AS \"x\" ON "
          "\"x\".\"id\" = \"b\".\"id\" WHERE \"x\".\"id\" > $2", INT4, INT4);
}
END_TEST

/* One value, one parameter, wherever it is. */
START_TEST(test_shared)
{
    elqb_expr age = elqb_shared(q, V(17));
    elqb_expr old = elqb_gt(q, U.age, age);
    elqb_select *s = elqb_select_new(q), *body = elqb_select_new(q);
    elqb_cte *c;

    elqb_columns(body, U.id, age);
    elqb_from(body, U.table);
    elqb_where(body, old);
    c = cte("c", body);
    elqb_columns(s, elqb_c(elqb_cte_table(c), "id"), V(1));
    elqb_from(s, elqb_cte_table(c));
    elqb_from(s, U.table);
    elqb_where(s, old);
    elqb_with(s, c);
    CHECK(elqb_render(q, s),
          "WITH \"c\" AS (SELECT \"users\".\"id\", $1 FROM \"users\" WHERE "
          "\"users\".\"age\" > $1) SELECT \"c\".\"id\", $2 FROM \"c\", "
          "\"users\" WHERE \"users\".\"age\" > $1", INT4, INT4);
}
END_TEST

START_TEST(test_options)
{
    elqb_cte *a = cte("a\"b", adults()), *b = cte("b", adults());
    elqb_select *s = from(a);

    elqb_cte_columns(a, U.id);
    elqb_cte_materialized(a, true);
    elqb_cte_columns(b, elqb_name("id"), ELQB_NONE, elqb_name("x y"));
    elqb_cte_materialized(b, false);
    elqb_with(s, a);
    elqb_with(s, b);
    CHECK(elqb_render(q, s),
          "WITH \"a\"\"b\" (\"id\") AS MATERIALIZED " ADULTS("1") ", \"b\" "
          "(\"id\", \"x y\") AS NOT MATERIALIZED " ADULTS("2") " SELECT "
          "\"a\"\"b\".\"id\" FROM \"a\"\"b\"", INT4, INT4);
}
END_TEST

START_TEST(test_dml)
{
    elqb_cte *a = cte("a", adults()), *ins = elqb_cte_new(q, "ins");
    elqb_cte *upd = elqb_cte_new(q, "upd"), *del = elqb_cte_new(q, "del");
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *d = elqb_delete_new(q, U.table);
    elqb_select *s = elqb_select_new(q);
    elqb_table t;

    elqb_set(i, U.name, V("x"));
    elqb_returning(i, U.id, elqb_as(q, U.name, "n"));
    elqb_set(u, U.name, V("y"));
    elqb_from(u, elqb_cte_table(a));
    elqb_where(u, elqb_eq(q, U.id, elqb_col(q, elqb_cte_table(a), "id")));
    elqb_returning(u, U.age);
    elqb_where(d, elqb_in_select(q, U.id, from(a)));
    elqb_returning(d, U.created_at);
    elqb_cte_as(ins, i);
    elqb_cte_as(upd, u);
    elqb_cte_as(del, d);
    t = elqb_cte_table(ins);
    elqb_columns(s, elqb_col(q, t, "id"), elqb_col(q, t, "n"));
    elqb_from(s, t);
    elqb_where(s, elqb_eq(q, elqb_col(q, t, "n"), V("x")));
    ck_assert_uint_eq(elqb_col(q, elqb_cte_table(upd), "age").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, elqb_cte_table(del), "created_at").oid,
                      STAMP);
    elqb_with(s, a);
    elqb_with(s, ins);
    elqb_with(s, upd);
    elqb_with(s, del);
    CHECK(elqb_render(q, s),
          "WITH \"a\" AS " ADULTS("1") ", \"ins\" AS (INSERT INTO \"users\" "
          "(\"name\") VALUES ($2) RETURNING \"users\".\"id\", "
          "\"users\".\"name\" AS \"n\"), \"upd\" AS (UPDATE \"users\" SET "
          "\"name\" = $3 FROM \"a\" WHERE \"users\".\"id\" = \"a\".\"id\" "
          "RETURNING \"users\".\"age\"), \"del\" AS (DELETE FROM \"users\" "
          "WHERE \"users\".\"id\" IN (SELECT \"a\".\"id\" FROM \"a\") "
          "RETURNING \"users\".\"created_at\") SELECT \"ins\".\"id\", "
          "\"ins\".\"n\" FROM \"ins\" WHERE \"ins\".\"n\" = $4",
          INT4, TEXT, TEXT, TEXT);
}
END_TEST

START_TEST(test_on_dml)
{
    elqb_cte *a = cte("a", adults());
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *d = elqb_delete_new(q, U.table);

    elqb_columns(i, U.id);
    elqb_insert_select(i, from(a));
    elqb_with(i, a);
    CHECK(elqb_render(q, i),
          "WITH \"a\" AS " ADULTS("1") " INSERT INTO \"users\" (\"id\") SELECT "
          "\"a\".\"id\" FROM \"a\"", INT4);
    elqb_set(u, U.age, elqb_scalar(q, from(a)));
    elqb_with(u, a);
    CHECK(elqb_render(q, u),
          "WITH \"a\" AS " ADULTS("1") " UPDATE \"users\" SET \"age\" = "
          "(SELECT \"a\".\"id\" FROM \"a\")", INT4);
    elqb_using(d, elqb_cte_table(a));
    elqb_with(d, a);
    CHECK(elqb_render(q, d),
          "WITH \"a\" AS " ADULTS("1") " DELETE FROM \"users\" USING \"a\"",
          INT4);
}
END_TEST

/* In subqueries, operands, the select of an insert; and copies. */
START_TEST(test_places)
{
    elqb_cte *a = cte("a", adults()), *b = cte("b", adults());
    elqb_select *inner = from(a), *s = elqb_select_new(q), *copy;
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_with(inner, a);
    elqb_columns(s, elqb_exists(q, inner));
    CHECK(elqb_render(q, s),
          "SELECT EXISTS (WITH \"a\" AS " ADULTS("1") " SELECT \"a\".\"id\" "
          "FROM \"a\")", INT4);
    elqb_columns(i, U.id);
    elqb_insert_select(i, inner);
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" (\"id\") WITH \"a\" AS " ADULTS("1")
          " SELECT \"a\".\"id\" FROM \"a\"", INT4);
    s = elqb_union(q, from(b), inner);
    elqb_with(s, b);
    CHECK(elqb_render(q, s),
          "WITH \"b\" AS " ADULTS("1") " SELECT \"b\".\"id\" FROM \"b\" UNION "
          "(WITH \"a\" AS " ADULTS("2") " SELECT \"a\".\"id\" FROM \"a\")",
          INT4, INT4);
    copy = elqb_select_copy(s);
    elqb_with(copy, cte("c", adults()));
    elqb_with(s, cte("d", adults()));
    CHECK(elqb_render(q, copy),
          "WITH \"b\" AS " ADULTS("1") ", \"c\" AS " ADULTS("2") " SELECT "
          "\"b\".\"id\" FROM \"b\" UNION (WITH \"a\" AS " ADULTS("3")
          " SELECT \"a\".\"id\" FROM \"a\")", INT4, INT4, INT4);
    CHECK(elqb_render(q, s),
          "WITH \"b\" AS " ADULTS("1") ", \"d\" AS " ADULTS("2") " SELECT "
          "\"b\".\"id\" FROM \"b\" UNION (WITH \"a\" AS " ADULTS("3")
          " SELECT \"a\".\"id\" FROM \"a\")", INT4, INT4, INT4);
}
END_TEST

/* A tree of users, from those without a manager down. */
static elqb_cte *tree(bool distinct)
{
    elqb_cte *c = elqb_cte_new(q, "tree");
    elqb_table t = elqb_cte_table(c);
    elqb_select *roots = elqb_select_new(q), *step = elqb_select_new(q);

    elqb_columns(roots, U.id, U.manager_id, elqb_as(q, V(0), "depth"));
    elqb_from(roots, U.table);
    elqb_where(roots, elqb_is_null(q, U.manager_id));
    elqb_cte_as(c, roots);
    elqb_columns(step, U.id, U.manager_id,
                 elqb_add(q, elqb_col(q, t, "depth"), V(1)));
    elqb_from(step, U.table);
    elqb_join(step, ELQB_INNER, t,
              elqb_eq(q, U.manager_id, elqb_col(q, t, "id")));
    if (distinct)
        elqb_cte_recurse_distinct(c, step);
    else
        elqb_cte_recurse(c, step);
    return c;
}
#define TREE(union)                                                           \
    "SELECT \"users\".\"id\", \"users\".\"manager_id\", $1 AS \"depth\" FROM " \
    "\"users\" WHERE \"users\".\"manager_id\" IS NULL " union " SELECT "      \
    "\"users\".\"id\", \"users\".\"manager_id\", \"tree\".\"depth\" + $2 "  \
    "FROM \"users\" JOIN \"tree\" ON \"users\".\"manager_id\" = \"tree\".\"id\""

START_TEST(test_recursive)
{
    elqb_cte *c = tree(false);
    elqb_select *s = from(c);

    elqb_where(s, elqb_lt(q, elqb_col(q, elqb_cte_table(c), "depth"), V(5)));
    elqb_with(s, c);
    CHECK(elqb_render(q, s),
          "WITH RECURSIVE \"tree\" AS (" TREE("UNION ALL") ") SELECT "
          "\"tree\".\"id\" FROM \"tree\" WHERE \"tree\".\"depth\" < $3",
          INT4, INT4, INT4);
    c = tree(true);
    s = from(c);
    elqb_with(s, c);
    CHECK(elqb_render(q, s),
          "WITH RECURSIVE \"tree\" AS (" TREE("UNION") ") SELECT "
          "\"tree\".\"id\" FROM \"tree\"", INT4, INT4);
}
END_TEST

/* A body of one's own, with typed columns before it is there; a CTE may refer
 * to one that comes later. */
START_TEST(test_recursive_by_hand)
{
    elqb_cte *c = elqb_cte_new(q, "n"), *later = cte("later", adults());
    elqb_table n = elqb_cte_table(c);
    elqb_select *start = elqb_select_new(q), *step = elqb_select_new(q), *s;

    elqb_cte_columns(c, elqb_typed(elqb_name("i"), INT8));
    elqb_columns(start, V(1));
    elqb_columns(step, elqb_add(q, elqb_col(q, n, "i"), V(1)));
    elqb_from(step, n);
    elqb_where(step, elqb_exists(q, from(later)));
    elqb_cte_as(c, elqb_union_all(q, start, step));
    elqb_cte_recursive(c);
    s = elqb_select_new(q);
    elqb_columns(s, elqb_table_star(n));
    elqb_from(s, n);
    elqb_limit(s, V(3));
    elqb_with(s, c);
    elqb_with(s, later);
    CHECK(elqb_render(q, s),
          "WITH RECURSIVE \"n\" (\"i\") AS (SELECT $1 UNION ALL SELECT "
          "\"n\".\"i\" + $2 FROM \"n\" WHERE EXISTS (SELECT \"later\".\"id\" "
          "FROM \"later\")), \"later\" AS " ADULTS("3") " SELECT \"n\".* FROM "
          "\"n\" LIMIT $4", INT8, INT8, INT4, INT8);
}
END_TEST

START_TEST(test_search_and_cycle)
{
    elqb_cte *c = tree(false);
    elqb_table t = elqb_cte_table(c);
    elqb_select *s = elqb_select_new(q);

    elqb_cte_search_breadth(c, "ord", elqb_col(q, t, "id"));
    elqb_cte_cycle(c, "again", "path", elqb_name("id"), elqb_name("depth"));
    elqb_columns(s, elqb_col(q, t, "ord"), elqb_col(q, t, "again"),
                 elqb_col(q, t, "path"));
    elqb_from(s, t);
    elqb_where(s, elqb_eq(q, elqb_col(q, t, "again"), V(0)));
    elqb_with(s, c);
    CHECK(elqb_render(q, s),
          "WITH RECURSIVE \"tree\" AS (" TREE("UNION ALL") ") SEARCH BREADTH "
          "FIRST BY \"id\" SET \"ord\" CYCLE \"id\", \"depth\" SET \"again\" "
          "USING \"path\" SELECT \"tree\".\"ord\", \"tree\".\"again\", "
          "\"tree\".\"path\" FROM \"tree\" WHERE \"tree\".\"again\" = $3",
          INT4, INT4, ELPQ_OID_BOOL);
    c = tree(false);
    elqb_cte_search_depth(c, "ord", elqb_name("id"), elqb_name("depth"));
    elqb_cte_cycle(c, "again", "path", elqb_name("id"));
    elqb_cte_cycle_values(c, elqb_lit("Y"), elqb_lit("it's"));
    s = from(c);
    elqb_with(s, c);
    CHECK(elqb_render(q, s),
          "WITH RECURSIVE \"tree\" AS (" TREE("UNION ALL") ") SEARCH DEPTH "
          "FIRST BY \"id\", \"depth\" SET \"ord\" CYCLE \"id\" SET \"again\" "
          "TO 'Y' DEFAULT 'it''s' USING \"path\" SELECT \"tree\".\"id\" FROM "
          "\"tree\"", INT4, INT4);
}
END_TEST

/* The types of columns, and names that are surely none. */
START_TEST(test_columns)
{
    elqb_select *s = elqb_select_new(q);
    elqb_cte *c = cte("c", s), *named = cte("named", s);
    elqb_table t = elqb_cte_table(c), sub = elqb_subquery(q, s, "s");

    elqb_columns(s, U.id, elqb_as(q, U.created_at, "at"));
    elqb_cte_columns(named, elqb_name("x"));
    ck_assert_uint_eq(elqb_col(q, t, "id").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, sub, "at").oid, STAMP);
    ck_assert_uint_eq(elqb_col(q, elqb_table_as(t, "z"), "at").oid, STAMP);
    ck_assert_str_eq(elqb_col(q, elqb_table_as(t, "z"), "at").u.column.table,
                     "z");
    t = elqb_cte_table(named);
    ck_assert_uint_eq(elqb_col(q, t, "x").oid, INT4);
    ck_assert_uint_eq(elqb_col(q, t, "at").oid, STAMP);
    ck_assert_uint_eq(elqb_col(q, U.table, "whatever").oid, 0);
    elqb_columns(s, elqb_star());
    ck_assert_uint_eq(elqb_col(q, t, "no").oid, 0);
    ck_assert_uint_eq(elqb_col(q, sub, "no").oid, 0);
    ck_assert_str_eq(elqb_error(q), "");
}
END_TEST

START_TEST(test_missing_columns)
{
    elqb_cte *c = cte("c", adults());

    CHECK_FAILS(elqb_render(q, elqb_col(q, elqb_cte_table(c), "no")),
                ELQB_E_USAGE, "elqb_col: \"c\" has no column \"no\"");
    elqb_col(q, elqb_subquery(q, adults(), "s"), "no");
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_col: \"s\" has no column \"no\"");
    c = cte("c", adults());
    elqb_cte_columns(c, elqb_name("x"));
    elqb_col(q, elqb_cte_table(c), "id");
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_col: \"c\" has no column \"id\"");
    elqb_col(q, U.table, "");
    CHECK_FAILS(elqb_select_new(q), ELQB_E_NAME,
                "elqb_col: the name is empty");
    c = cte("c", adults());
    elqb_reset(q);
    elqb_col(q, elqb_table_as(elqb_table_named(NULL, "x"), "y"), "z");
    ck_assert_str_eq(elqb_error(q), "");
}
END_TEST

/* -------------------------------------------------------------- mistakes */

#define FAILS(s, text) CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, text)

START_TEST(test_sight)
{
    elqb_cte *a = cte("a", adults()), *b;
    elqb_select *s = from(a), *inner;

    FAILS(s, "elqb_render: the CTE \"a\" is not in sight, see elqb_with()");
    a = cte("a", adults());
    b = cte("b", from(a));
    s = from(b);
    elqb_with(s, b);
    elqb_with(s, a); /* too late for b */
    FAILS(s, "elqb_render: the CTE \"a\" is not in sight, see elqb_with()");
    a = elqb_cte_new(q, "a");
    elqb_cte_as(a, from(a)); /* itself, but not recursive */
    s = from(a);
    elqb_with(s, a);
    FAILS(s, "elqb_render: the CTE \"a\" is not in sight, see elqb_with()");
    a = cte("a", adults());
    b = cte("a", adults());
    inner = from(a);
    elqb_with(inner, b);
    s = elqb_select_new(q);
    elqb_columns(s, elqb_scalar(q, inner));
    elqb_with(s, a);
    FAILS(s, "elqb_render: the CTE \"a\" is hidden by another of that name");
}
END_TEST

/* Of an outer statement it is in sight, after one that hid it as well. */
START_TEST(test_hidden)
{
    elqb_cte *a = cte("a", adults()), *b = cte("a", adults());
    elqb_select *s = elqb_select_new(q), *inner = from(b);

    elqb_with(inner, b);
    elqb_columns(s, elqb_scalar(q, inner), elqb_scalar(q, from(a)));
    elqb_with(s, a);
    CHECK(elqb_render(q, s),
          "WITH \"a\" AS " ADULTS("1") " SELECT (WITH \"a\" AS " ADULTS("2")
          " SELECT \"a\".\"id\" FROM \"a\"), (SELECT \"a\".\"id\" FROM \"a\")",
          INT4, INT4);
}
END_TEST

START_TEST(test_mistakes)
{
    elqb *other = elqb_new();
    elqb_cte *foreign = elqb_cte_new(other, "f"), *c;
    elqb_select *s = adults();

    elqb_with(s, cte("a", adults()));
    elqb_with(s, cte("a", adults()));
    FAILS(s, "elqb_with: the statement has another CTE \"a\" already");
    s = adults();
    elqb_with(s, elqb_cte_new(q, "a"));
    FAILS(s, "elqb_render: the CTE \"a\" has no statement, see elqb_cte_as()");
    s = adults();
    elqb_with(s, NULL);
    FAILS(s, "elqb_with: the CTE is NULL");
    s = adults();
    elqb_with(s, foreign);
    CHECK_FAILS(elqb_render(q, s), ELQB_E_FOREIGN,
                "elqb_with: the statement belongs to another workspace");
    elqb_cte_as_select(elqb_cte_new(q, "a"), NULL);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_as: the statement is NULL");
    elqb_cte_as(elqb_cte_new(q, "a"), elqb_select_new(other));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_FOREIGN,
                "elqb_cte_as: the statement belongs to another workspace");
    CHECK_FAILS(elqb_cte_new(q, ""), ELQB_E_NAME,
                "elqb_cte_new: the name is empty");
    elqb_cte_columns(elqb_cte_new(q, "a"), V(1));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_columns: what names a column is no column");
    c = elqb_cte_new(q, "c");
    s = adults();
    elqb_cte_as(c, s);
    elqb_with(s, c); /* a select in itself */
    CHECK_FAILS(elqb_render(q, s), ELQB_E_LIMIT,
                "elqb_render: nested more than 1000 levels deep");
    elqb_insert_new(q, elqb_cte_table(cte("a", adults())));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_insert_new: a CTE is no table");
    elqb_free(other);
}
END_TEST

START_TEST(test_recursive_mistakes)
{
    elqb_cte *c = elqb_cte_new(q, "c");
    elqb_select *s;

    elqb_cte_recurse(c, adults());
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_recurse: the CTE \"c\" has no select to start with");
    c = cte("c", adults());
    elqb_cte_recurse_distinct(c, NULL);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_recurse_distinct: the select is NULL");
    c = cte("c", adults());
    elqb_cte_recurse(c, adults());
    elqb_cte_recurse_distinct(c, adults());
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_recurse_distinct: the CTE \"c\" recurses already");
    c = cte("c", adults());
    elqb_cte_search_depth(c, "o", U.id);
    s = from(c);
    elqb_with(s, c);
    FAILS(s, "elqb_render: the CTE \"c\" has SEARCH but is not recursive, see "
             "elqb_cte_recurse()");
    c = cte("c", adults());
    elqb_cte_cycle(c, "m", "p", U.id);
    s = from(c);
    elqb_with(s, c);
    FAILS(s, "elqb_render: the CTE \"c\" has CYCLE but is not recursive, see "
             "elqb_cte_recurse()");
    c = tree(false);
    elqb_cte_cycle_values(c, elqb_lit(1), elqb_lit(0));
    s = from(c);
    elqb_with(s, c);
    FAILS(s, "elqb_render: the CTE \"tree\" has values of a cycle but no "
             "elqb_cte_cycle()");
    elqb_cte_cycle_values(tree(false), V(1), elqb_lit(0));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_cycle_values: the values are literals of text, bool, "
                "or int that is not negative");
    elqb_cte_cycle_values(tree(false), elqb_lit(1), elqb_lit(-1));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_cycle_values: the values are literals of text, bool, "
                "or int that is not negative");
    c = tree(false);
    elqb_cte_search_breadth(c, "o", U.id);
    elqb_cte_search_depth(c, "o", U.id);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_search_depth: the CTE \"tree\" has a SEARCH already");
    c = tree(false);
    elqb_cte_cycle(c, "m", "p", U.id);
    elqb_cte_cycle(c, "m", "p", U.id);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_cycle: the CTE \"tree\" has a CYCLE already");
    elqb_cte_search_breadth(tree(false), "o", ELQB_NONE);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_search_breadth: there are no columns");
    elqb_cte_cycle(tree(false), "m", "p", ELQB_NONE);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_cte_cycle: there are no columns");
}
END_TEST

/* Whatever is NULL or failed is harmless. */
START_TEST(test_null)
{
    elqb_cte *c = elqb_cte_new(NULL, "c");

    ck_assert_ptr_null(c);
    ck_assert_ptr_null(elqb_cte_table(c).source);
    elqb_cte_as(c, adults());
    elqb_cte_recurse(c, adults());
    elqb_cte_recursive(c);
    elqb_cte_materialized(c, true);
    elqb_cte_columns(c, U.id);
    elqb_cte_search_depth(c, "x", U.id);
    elqb_cte_cycle(c, "x", "y", U.id);
    elqb_cte_cycle_values(c, elqb_lit(1), elqb_lit(2));
    elqb_with((elqb_select *)NULL, c);
    elqb_with((elqb_insert *)NULL, c);
    elqb_with((elqb_update *)NULL, c);
    elqb_with((elqb_delete *)NULL, c);
    ck_assert_str_eq(elqb_error(q), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_cte");
    TCase *tcase = qb_case(suite, "with");

    tcase_add_test(tcase, test_select);
    tcase_add_test(tcase, test_shared);
    tcase_add_test(tcase, test_options);
    tcase_add_test(tcase, test_dml);
    tcase_add_test(tcase, test_on_dml);
    tcase_add_test(tcase, test_places);
    tcase_add_test(tcase, test_recursive);
    tcase_add_test(tcase, test_recursive_by_hand);
    tcase_add_test(tcase, test_search_and_cycle);
    tcase_add_test(tcase, test_columns);
    tcase_add_test(tcase, test_missing_columns);
    tcase_add_test(tcase, test_hidden);
    tcase = qb_case(suite, "mistakes");
    tcase_add_test(tcase, test_sight);
    tcase_add_test(tcase, test_mistakes);
    tcase_add_test(tcase, test_recursive_mistakes);
    tcase_add_test(tcase, test_null);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Set operations: where parentheses stand, what a set operation is to the
 * rest of the library, types of its columns, and random trees of them against
 * the server's grammar; subqueries behind ANY and ALL.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    STAMP = ELPQ_OID_TIMESTAMPTZ
};

/* SELECT "name" */
static elqb_select *one(const char *name)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_name(name));
    return s;
}
#define A "SELECT \"a\""
#define B "SELECT \"b\""
#define C "SELECT \"c\""

START_TEST(test_spelling)
{
    CHECK(elqb_render(q, elqb_union(q, one("a"), one("b"))), A " UNION " B);
    CHECK(elqb_render(q, elqb_union_all(q, one("a"), one("b"), one("c"))),
          A " UNION ALL " B " UNION ALL " C);
    CHECK(elqb_render(q, elqb_intersect(q, one("a"), one("b"))),
          A " INTERSECT " B);
    CHECK(elqb_render(q, elqb_intersect_all(q, one("a"), one("b"))),
          A " INTERSECT ALL " B);
    CHECK(elqb_render(q, elqb_except(q, one("a"), one("b"))), A " EXCEPT " B);
    CHECK(elqb_render(q, elqb_except_all(q, one("a"), one("b"))),
          A " EXCEPT ALL " B);
}
END_TEST

START_TEST(test_parentheses)
{
    elqb_select *a = one("a"), *b = one("b"), *c = one("c"), *s;

    s = elqb_union(q, elqb_except(q, a, b), c);
    CHECK(elqb_render(q, s), A " EXCEPT " B " UNION " C);
    s = elqb_union(q, a, elqb_union(q, b, c));
    CHECK(elqb_render(q, s), A " UNION (" B " UNION " C ")");
    s = elqb_union_all(q, a, elqb_intersect(q, b, c));
    CHECK(elqb_render(q, s), A " UNION ALL " B " INTERSECT " C);
    s = elqb_intersect(q, elqb_union(q, a, b), c);
    CHECK(elqb_render(q, s), "(" A " UNION " B ") INTERSECT " C);
    s = elqb_intersect(q, elqb_intersect_all(q, a, b), c);
    CHECK(elqb_render(q, s), A " INTERSECT ALL " B " INTERSECT " C);
    s = elqb_intersect(q, a, elqb_intersect_all(q, b, c));
    CHECK(elqb_render(q, s), A " INTERSECT (" B " INTERSECT ALL " C ")");
}
END_TEST

START_TEST(test_ends)
{
    elqb_select *a = one("a"), *b = one("b"), *c = one("c"), *s, *t;

    elqb_order_by(a, elqb_name("a"));
    elqb_limit(b, V(1));
    elqb_offset(c, V(2));
    s = elqb_union(q, a, b, c);
    elqb_order_by(s, elqb_desc(q, elqb_name("a")));
    elqb_limit(s, V(3));
    elqb_offset(s, V(4));
#define ENDS                                                                  \
    "(" A " ORDER BY \"a\") UNION (" B " LIMIT $1) UNION (" C " OFFSET $2) "  \
    "ORDER BY \"a\" DESC LIMIT $3 OFFSET $4"
    CHECK(elqb_render(q, s), ENDS, INT8, INT8, INT8, INT8);
    t = elqb_except(q, s, one("b"));
    CHECK(elqb_render(q, t), "(" ENDS ") EXCEPT " B, INT8, INT8, INT8, INT8);
}
END_TEST

/* Columns of the result stand alone, whatever table they came from. */
START_TEST(test_order)
{
    elqb_select *s = elqb_select_new(q), *t = elqb_select_new(q), *all;

    elqb_columns(s, U.id, elqb_as(q, U.name, "n"));
    elqb_from(s, U.table);
    elqb_columns(t, P.id, P.name);
    elqb_from(t, P.table);
    all = elqb_union(q, s, t);
    elqb_order_by(all, U.id, elqb_nulls_last(q, elqb_desc(q, U.id)),
                  elqb_as(q, U.name, "n"), elqb_lit(2), ELQB_NONE,
                  elqb_raw(q, "1"));
    CHECK(elqb_render(q, all),
          "SELECT \"users\".\"id\", \"users\".\"name\" AS \"n\" FROM \"users\" "
          "UNION SELECT \"products\".\"id\", \"products\".\"name\" FROM "
          "\"products\" ORDER BY \"id\", \"id\" DESC NULLS LAST, \"n\", 2, 1");
    elqb_clear_order_by(all);
    elqb_order_by(all, elqb_asc(q, elqb_func(q, "lower", U.name)));
    CHECK_FAILS(elqb_render(q, all), ELQB_E_USAGE,
                "elqb_order_by: a set operation is ordered by columns of its "
                "result, see elqb_name()");
}
END_TEST

/* Wherever a select is. */
START_TEST(test_uses)
{
    elqb_select *s = elqb_select_new(q), *inner;
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *x = elqb_select_new(q), *y = elqb_select_new(q);
    elqb_expr scalar;
    elqb_table t;

    elqb_columns(x, U.id);
    elqb_from(x, U.table);
    elqb_columns(y, P.id);
    elqb_from(y, P.table);
    inner = elqb_union(q, x, y);
#define XY                                                                    \
    "SELECT \"users\".\"id\" FROM \"users\" UNION SELECT \"products\".\"id\" " \
    "FROM \"products\""
    t = elqb_subquery(q, inner, "t");
    scalar = elqb_scalar(q, inner);
    ck_assert_uint_eq(scalar.oid, INT4);
    elqb_columns(s, elqb_col(q, t, "id"), elqb_array_select(q, inner));
    elqb_from(s, t);
    elqb_where(s, elqb_exists(q, inner));
    elqb_where(s, elqb_in_select(q, V(1), inner));
    elqb_where(s, elqb_eq(q, scalar, V(2)));
    elqb_where(s, elqb_op_any_select(q, V(3LL), "<", inner));
    elqb_where(s, elqb_op_all_select(q, elqb_col(q, t, "id"), "<>", inner));
    CHECK(elqb_render(q, s),
          "SELECT \"t\".\"id\", ARRAY(" XY ") FROM (" XY ") AS \"t\" WHERE "
          "EXISTS (" XY ") AND $1 IN (" XY ") AND (" XY ") = $2 AND $3 < ANY "
          "(" XY ") AND \"t\".\"id\" <> ALL (" XY ")", INT4, INT4, INT4);
    elqb_columns(i, U.id);
    elqb_insert_select(i, inner);
    CHECK(elqb_render(q, i), "INSERT INTO \"users\" (\"id\") " XY);
}
END_TEST

START_TEST(test_copy)
{
    elqb_select *s = elqb_union(q, one("a"), one("b")), *copy;

    elqb_order_by(s, elqb_name("a"));
    elqb_limit(s, V(1));
    copy = elqb_select_copy(s);
    elqb_order_by(copy, elqb_name("x"));
    elqb_limit(copy, ELQB_NONE);
    elqb_order_by(s, elqb_name("y"));
    CHECK(elqb_render(q, s),
          A " UNION " B " ORDER BY \"a\", \"y\" LIMIT $1", INT8);
    CHECK(elqb_render(q, copy), A " UNION " B " ORDER BY \"a\", \"x\"");
}
END_TEST

/* Values among the columns are what the columns of the others are. */
START_TEST(test_types)
{
    elqb_select *s = elqb_select_new(q), *t = elqb_select_new(q), *copy;
    elqb_select *all;
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(s, O.id, V("x"), V("2020-01-01"), U.active, V("a"), V(1));
    elqb_columns(t, V(1), O.status, O.placed_at, V(1), elqb_as(q, V("b"), "l"),
                 elqb_as(q, elqb_value(elpq_null(0)), "n"));
    copy = elqb_select_copy(t);
    all = elqb_union_all(q, s, t);
    CHECK(elqb_render(q, all),
          "SELECT \"orders\".\"id\", $1, $2, \"users\".\"active\", $3, $4 "
          "UNION ALL SELECT $5, \"orders\".\"status\", "
          "\"orders\".\"placed_at\", $6, $7 AS \"l\", $8 AS \"n\"",
          0, STAMP, TEXT, INT4, INT8, ELPQ_OID_BOOL, TEXT, TEXT);
    ck_assert_ptr_nonnull(elqb_render(q, copy));
    ck_assert_uint_eq(elqb_render(q, copy)->values[0].oid, INT4);
    t = elqb_select_new(q);
    elqb_columns(t, V("5"), elqb_as(q, V("2020-01-01"), "t"), V("x"));
    elqb_columns(i, U.balance, U.created_at, U.name);
    elqb_insert_select(i, t);
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" (\"balance\", \"created_at\", \"name\") "
          "SELECT $1, $2 AS \"t\", $3", NUMERIC, STAMP, TEXT);
}
END_TEST

START_TEST(test_star_types)
{
    elqb_select *s = elqb_select_new(q), *t = elqb_select_new(q);

    elqb_columns(s, elqb_star(), U.created_at);
    elqb_columns(t, V("x"), V("y"));
    CHECK(elqb_render(q, elqb_union(q, s, t)),
          "SELECT *, \"users\".\"created_at\" UNION SELECT $1, $2", TEXT, TEXT);
    CHECK(elqb_render(q, elqb_union(q, t, s)),
          "SELECT $1, $2 UNION SELECT *, \"users\".\"created_at\"", TEXT, TEXT);
}
END_TEST

/* Rows take the types of the select's columns. */
START_TEST(test_rows)
{
    elqb_select *s = elqb_select_new(q), *inner = elqb_select_new(q);
    elqb_expr row = elqb_row(q, V(1), V("2020-01-01"));

    elqb_columns(inner, O.id, O.placed_at);
    elqb_columns(s, elqb_in_select(q, row, inner),
                 elqb_op_any_select(q, row, "<", inner),
                 elqb_op_all_select(q, elqb_add(q, U.id, V(1)), "+", one("a")));
#define INNER "(SELECT \"orders\".\"id\", \"orders\".\"placed_at\")"
    CHECK(elqb_render(q, s),
          "SELECT ($1, $2) IN " INNER ", ($3, $4) < ANY " INNER ", "
          "(\"users\".\"id\" + $5) + ALL (" A ")", INT8, STAMP, INT8, STAMP,
          INT4);
}
END_TEST

#define REFUSED(call, verb)                                                   \
    do {                                                                      \
        elqb_select *s = elqb_union(q, one("a"), one("b"));                   \
                                                                              \
        call;                                                                 \
        CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE, verb                     \
                    ": a set operation has columns, FROM and conditions in "  \
                    "its selects only");                                      \
    } while (0)

START_TEST(test_mistakes)
{
    elqb *other = elqb_new();
    elqb_select *foreign = elqb_select_new(other), *deep;

    REFUSED(elqb_columns(s, U.id), "elqb_columns");
    REFUSED(elqb_clear_columns(s), "elqb_clear_columns");
    REFUSED(elqb_distinct(s), "elqb_distinct");
    REFUSED(elqb_distinct_on(s, U.id), "elqb_distinct_on");
    REFUSED(elqb_from(s, U.table), "elqb_from");
    REFUSED(elqb_join(s, ELQB_CROSS, U.table, ELQB_NONE), "elqb_join");
    REFUSED(elqb_where(s, U.active), "elqb_where");
    REFUSED(elqb_group_by(s, U.id), "elqb_group_by");
    REFUSED(elqb_having(s, U.active), "elqb_having");
    REFUSED(elqb_window(s, "w"), "elqb_window");
    CHECK_FAILS(elqb_union(q, one("a")), ELQB_E_USAGE,
                "elqb_union: there are less than two selects");
    CHECK_FAILS(elqb_except_v(q, NULL), ELQB_E_USAGE,
                "elqb_except: there are less than two selects");
    CHECK_FAILS(elqb_intersect_all(q, one("a"), NULL), ELQB_E_USAGE,
                "elqb_intersect_all: a select is NULL");
    CHECK_FAILS(elqb_union_all(q, one("a"), foreign), ELQB_E_FOREIGN,
                "elqb_union_all: the statement belongs to another workspace");
    CHECK_FAILS(elqb_render(q, elqb_except_all(q, one("a"),
                                               elqb_select_new(q))),
                ELQB_E_USAGE,
                "elqb_render: a select has no columns, see elqb_columns()");
    elqb_op_any_select(q, U.id, "or", one("a"));
    CHECK_FAILS(elqb_render(q, one("a")), ELQB_E_USAGE,
                "elqb_op_any_select: \"or\" is no operator");
    elqb_op_all_select(q, U.id, "<", NULL);
    CHECK_FAILS(elqb_render(q, one("a")), ELQB_E_USAGE,
                "elqb_op_all_select: the select is NULL");
    deep = one("a");
    for (int i = 0; i < 100000; i++)
        deep = elqb_union(q, deep, one("b"));
    CHECK_FAILS(deep, ELQB_E_LIMIT,
                "elqb_union: nested more than 1000 levels deep");
    ck_assert_ptr_null(elqb_union(NULL, NULL, NULL));
    elqb_free(other);
}
END_TEST

/* ------------------------------------------------------------ random trees */

static char text[1 << 16];

static void put(const char *s)
{
    ck_assert_uint_lt(strlen(text) + strlen(s), sizeof(text));
    strcat(text, s);
}

/* ORDER BY and LIMIT of a select, in both. */
static void make_ends(elqb_select *s)
{
    if (random_below(2)) {
        elqb_order_by(s, elqb_name("o"));
        put(" ORDER BY \"o\"");
    }
    if (random_below(2)) {
        elqb_limit(s, elqb_lit(5));
        put(" LIMIT 5");
    }
    if (random_below(3) == 0) {
        elqb_offset(s, elqb_lit(6));
        put(" OFFSET 6");
    }
}

static elqb_select *make_tree(int depth, elqb_cte *c);

/* Each operand in parentheses, and each operation of two. */
static elqb_select *make_operation(int depth, elqb_cte *c)
{
    static const struct {
        const char *word;
        elqb_select *(*make)(elqb *, elqb_select *const *);
    } ops[] = {
        { "UNION", elqb_union_v },
        { "UNION ALL", elqb_union_all_v },
        { "INTERSECT", elqb_intersect_v },
        { "INTERSECT ALL", elqb_intersect_all_v },
        { "EXCEPT", elqb_except_v },
        { "EXCEPT ALL", elqb_except_all_v },
    };
    elqb_select *operands[5];
    uint32_t op = random_below(6), count = 2 + random_below(3);
    size_t start = strlen(text);

    for (uint32_t i = 0; i < count; i++) {
        if (i > 1) { /* ((a UNION b) UNION c): what was put is the left one */
            memmove(text + start + 1, text + start, strlen(text + start) + 1);
            text[start] = '(';
            put(")");
        }
        if (i) {
            put(" ");
            put(ops[op].word);
            put(" ");
        }
        put("(");
        operands[i] = make_tree(depth - 1, c);
        put(")");
    }
    operands[count] = ELQB_SELECTS_END;
    return ops[op].make(q, operands);
}

static elqb_select *make_tree(int depth, elqb_cte *c)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    elqb_select *s;
    bool with = random_below(8) == 0;

    if (with)
        put("WITH \"w\" AS (SELECT \"x\") ");
    if (depth == 0 || random_below(4) == 0) {
        uint32_t i = random_below(4);

        s = one(names[i]);
        put("SELECT \"");
        put(names[i]);
        put("\"");
    } else {
        s = make_operation(depth, c);
    }
    if (with)
        elqb_with(s, c);
    if (random_below(3) == 0)
        make_ends(s);
    return s;
}

START_TEST(test_random)
{
    size_t parentheses = 0, all = 0;

    for (int i = 0; i < qb_rounds(10000); i++) {
        elqb_cte *c = elqb_cte_new(q, "w");
        const elpq_statement *st;
        char *is, *wanted;

        elqb_cte_as(c, one("x"));
        *text = '\0';
        st = elqb_render(q, make_tree(1 + (int)random_below(4), c));
        ck_assert_msg(st != NULL, "%s", elqb_error(q));
        is = parse_tree(st->sql);
        wanted = parse_tree(text);
#ifdef HAVE_PG_QUERY
        ck_assert_msg(wanted != NULL, "bad test: %s", text);
        ck_assert_msg(is != NULL, "unparseable: %s", st->sql);
        ck_assert_msg(strcmp(is, wanted) == 0, "tree %d:\n  is   %s\n  not  %s",
                      i, st->sql, text);
#endif
        for (const char *p = st->sql; *p; p++)
            parentheses += *p == '(';
        for (const char *p = text; *p; p++)
            all += *p == '(';
        free(is);
        free(wanted);
        elqb_reset(q);
    }
    ck_assert_uint_lt(parentheses, all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_setop");
    TCase *tcase = qb_case(suite, "set operations");

    tcase_add_test(tcase, test_spelling);
    tcase_add_test(tcase, test_parentheses);
    tcase_add_test(tcase, test_ends);
    tcase_add_test(tcase, test_order);
    tcase_add_test(tcase, test_uses);
    tcase_add_test(tcase, test_copy);
    tcase_add_test(tcase, test_types);
    tcase_add_test(tcase, test_star_types);
    tcase_add_test(tcase, test_rows);
    tcase_add_test(tcase, test_mistakes);
    tcase = qb_case(suite, "random");
    tcase_add_test(tcase, test_random);
    return qb_main(suite);
}

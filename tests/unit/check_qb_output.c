/* SPDX-License-Identifier: PostgreSQL */
/*
 * What can be asked of the text: tags behind it, other schemas in it, lines
 * and indentation for debug text.
 */
#include "check_qb.h"

static elqb_select *simple(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.name, V("x")));
    return s;
}

#define SIMPLE                                                                \
    "SELECT \"users\".\"id\" FROM \"users\" WHERE \"users\".\"name\" = $1"

/* ------------------------------------------------------------------- tags */

START_TEST(test_tags)
{
    const elpq_statement *plain = elqb_render(q, simple());
    const elpq_statement *st =
        elqb_tagged(q, plain, ELQB_TAG("route", "/users/*"),
                    ELQB_TAG("nothing", NULL), ELQB_TAG("action", "it's 5%"),
                    ELQB_TAG("caf\xc3\xa9", "\x01\n"));

    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    ck_assert_str_eq(st->sql,
                     SIMPLE " /*action='it%27s%205%25',caf%C3%A9='%01%0A',"
                            "route='%2Fusers%2F%2A'*/");
    ck_assert_uint_eq(st->sql_len, strlen(st->sql));
    ck_assert_uint_eq(st->flags, ELPQ_NO_PREPARE);
    ck_assert_ptr_eq(st->values, plain->values);
    ck_assert_uint_eq(st->nvalues, 1);
    /* what is prepared is as it was */
    CHECK(plain, SIMPLE, ELPQ_OID_TEXT);
}
END_TEST

START_TEST(test_no_tags)
{
    const elpq_statement *st = elqb_render(q, simple());

    ck_assert_ptr_eq(elqb_tagged(q, st, ELQB_TAG("a", NULL)), st);
    ck_assert_ptr_eq(elqb_tagged_v(q, st, NULL), st);
    CHECK_FAILS(elqb_tagged(q, NULL, ELQB_TAG("a", "b")), ELQB_E_USAGE,
                "elqb_tagged: the statement is NULL");
    st = elqb_render(q, simple());
    CHECK_FAILS(elqb_tagged(q, st, ELQB_TAG("", "b")), ELQB_E_NAME,
                "elqb_tagged: a key is empty");
    ck_assert_ptr_null(elqb_tagged(NULL, st, ELQB_TAG("a", "b")));
}
END_TEST

/* A comment of one line at the end of the text does not swallow the tags, and
 * flags stay. */
START_TEST(test_tags_of_any_statement)
{
    elpq_statement line =
        elpq_sql_from_trusted_string("SELECT 1 -- one", NULL, 0);
    const elpq_statement *st;

    line.flags = ELPQ_TEXT_RESULT;
    st = elqb_tagged(q, &line, ELQB_TAG("a", "b"));
    ck_assert_str_eq(st->sql, "SELECT 1 -- one\n/*a='b'*/");
    ck_assert_uint_eq(st->flags, ELPQ_NO_PREPARE | ELPQ_TEXT_RESULT);
    st = elqb_tagged(q, elpq_sql("SELECT $1", 5), ELQB_TAG("a", "b"));
    ck_assert_str_eq(st->sql, "SELECT $1 /*a='b'*/");
}
END_TEST

#ifdef HAVE_PG_QUERY
/* Whatever the tags are, the parser sees the statement without them. */
START_TEST(test_hostile_tags)
{
    static const char *const pieces[] = {
        "*/", "/*", "'", "\"", "\\", ";", "--", "\n", "$$", "%", "%2A%2F",
        "*",  "/",  " ", "a",  "=", ",",  "\xff", "\xc3\xa9", "?", "$1", ":a",
    };
    char *tree = parse_tree(SIMPLE), *tagged;

    for (int i = 0; i < qb_rounds(20000); i++) {
        char key[60] = "", value[60] = "";
        const elpq_statement *st;

        for (uint32_t n = random_below(10) + 1; n > 0; n--) {
            strcat(key, pieces[random_below(22)]);
            strcat(value, pieces[random_below(22)]);
        }
        st = elqb_tagged(q, elqb_render(q, simple()), ELQB_TAG(key, value));
        tagged = parse_tree(st->sql);
        ck_assert_msg(tagged && strcmp(tagged, tree) == 0, "%s", st->sql);
        ck_assert_ptr_nonnull(strstr(st->sql, "='"));
        free(tagged);
        elqb_reset(q);
    }
    free(tree);
}
END_TEST
#endif

/* --------------------------------------------------------------- schemas */

START_TEST(test_schemas)
{
    accounts_t A = accounts_table(), B = accounts_as("b");
    elqb_select *s = elqb_select_new(q);
    elqb_insert *i = elqb_insert_new(q, A.table);
    elqb_update *u = elqb_update_new(q, A.table);
    elqb_delete *d = elqb_delete_new(q, A.table);
    elqb_compiled *c;

    elqb_columns(s, A.id, B.label, U.name, elqb_table_star(A.table),
                 elqb_func_in(q, "crm", "price", A.id));
    elqb_from(s, A.table);
    elqb_join(s, ELQB_INNER, B.table, elqb_eq(q, A.id, B.id));
    elqb_from(s, U.table);
    elqb_set(i, A.id, V(1));
    elqb_set(u, A.id, V(1));
    elqb_where(d, elqb_eq(q, A.id, V(1)));

    elqb_schema_translate(q, ELQB_SCHEMA("crm", "te\"nant"),
                          ELQB_SCHEMA("other", "x"));
    CHECK(elqb_render(q, s),
          "SELECT \"te\"\"nant\".\"accounts\".\"id\", \"b\".\"label\", "
          "\"users\".\"name\", \"te\"\"nant\".\"accounts\".*, "
          "\"crm\".\"price\"(\"te\"\"nant\".\"accounts\".\"id\") FROM "
          "\"te\"\"nant\".\"accounts\" JOIN \"te\"\"nant\".\"accounts\" AS "
          "\"b\" ON \"te\"\"nant\".\"accounts\".\"id\" = \"b\".\"id\", "
          "\"users\"");
    CHECK(elqb_render(q, i),
          "INSERT INTO \"te\"\"nant\".\"accounts\" (\"id\") VALUES ($1)",
          ELPQ_OID_INT4);
    CHECK(elqb_render(q, u),
          "UPDATE \"te\"\"nant\".\"accounts\" SET \"id\" = $1", ELPQ_OID_INT4);
    CHECK(elqb_render(q, d),
          "DELETE FROM \"te\"\"nant\".\"accounts\" WHERE "
          "\"te\"\"nant\".\"accounts\".\"id\" = $1",
          ELPQ_OID_INT4);
    c = elqb_compile(q, d);
    ck_assert_str_eq(elqb_compiled_sql(c), elqb_render(q, d)->sql);
    elqb_compiled_free(c);
    ck_assert_str_eq(elqb_debug(q, u),
                     "<debug> UPDATE \"te\"\"nant\".\"accounts\" SET \"id\" = "
                     "1");

    /* the map is replaced, of tables without a schema too */
    elqb_schema_translate(q, ELQB_SCHEMA(NULL, "app"),
                          ELQB_SCHEMA("crm", NULL));
    CHECK(elqb_render(q, u), "UPDATE \"accounts\" SET \"id\" = $1",
          ELPQ_OID_INT4);
    CHECK(elqb_render(q, simple()),
          "SELECT \"users\".\"id\" FROM \"app\".\"users\" WHERE "
          "\"users\".\"name\" = $1",
          ELPQ_OID_TEXT);
    elqb_schema_translate_v(q, NULL);
    CHECK(elqb_render(q, u), "UPDATE \"crm\".\"accounts\" SET \"id\" = $1",
          ELPQ_OID_INT4);

    elqb_schema_translate(q, ELQB_SCHEMA("crm", "app"));
    elqb_reset(q);
    u = elqb_update_new(q, A.table);
    elqb_set(u, A.id, V(1));
    CHECK(elqb_render(q, u), "UPDATE \"crm\".\"accounts\" SET \"id\" = $1",
          ELPQ_OID_INT4);
}
END_TEST

/* An alias is no table, and neither is a subquery or what ON CONFLICT is
 * about. */
START_TEST(test_schemas_of_what_is_no_table)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);
    users_t B = users_as("b");

    elqb_schema_translate(q, ELQB_SCHEMA(NULL, "app"));
    elqb_columns(s, B.id, elqb_c(elqb_subquery(q, simple(), "sub"), "id"));
    elqb_from(s, B.table);
    elqb_from(s, elqb_subquery(q, simple(), "sub"));
    CHECK(elqb_render(q, s),
          "SELECT \"b\".\"id\", \"sub\".\"id\" FROM \"app\".\"users\" AS "
          "\"b\", (SELECT \"users\".\"id\" FROM \"app\".\"users\" WHERE "
          "\"users\".\"name\" = $1) AS \"sub\"",
          ELPQ_OID_TEXT);
    elqb_set(i, U.id, V(1));
    elqb_on_conflict_update(i, U.id);
    elqb_conflict_set(i, U.id, elqb_excluded(U.id));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"app\".\"users\" (\"id\") VALUES ($1) ON CONFLICT "
          "(\"id\") DO UPDATE SET \"id\" = \"excluded\".\"id\"",
          ELPQ_OID_INT4);
}
END_TEST

START_TEST(test_bad_schemas)
{
    elqb_schema_translate(q, ELQB_SCHEMA("crm", ""));
    CHECK_FAILS(elqb_render(q, simple()), ELQB_E_NAME,
                "elqb_schema_translate: the name is empty");
    elqb_schema_translate(q, ELQB_SCHEMA("\xff", "a"));
    CHECK_FAILS(elqb_render(q, simple()), ELQB_E_NAME,
                "elqb_schema_translate: the name \"?\" is not valid UTF-8");
    elqb_schema_translate(NULL, ELQB_SCHEMA("a", "b"));
}
END_TEST

/* ----------------------------------------------------------------- pretty */

/* The text, the same to the parser as the compact one; and an error to it with
 * what it starts with, so that nobody runs it. */
static const char *pretty(const char *debug)
{
    const char *text = elqb_pretty(q, debug);
    char *a, *b;

    ck_assert_msg(text != NULL, "%s", elqb_error(q));
    a = parse_tree(debug + strlen("<debug> "));
    b = parse_tree(text + strlen("<debug> "));
#ifdef HAVE_PG_QUERY
    ck_assert_msg(a && b && strcmp(a, b) == 0, "%s", text);
    ck_assert_ptr_null(parse_tree(text));
#endif
    free(a);
    free(b);
    return text;
}

START_TEST(test_pretty_select)
{
    elqb_select *s = elqb_select_new(q), *sub = simple();

    elqb_where(sub, elqb_or(q, elqb_between(q, U.age, V(1), V(2)), U.active));
    elqb_columns(s, O.user_id, elqb_as(q, elqb_count(q), "n"),
                 elqb_as(q, elqb_case(q, V("x"),
                                      elqb_and(q, U.active, U.active), V("y")),
                         "FROM"),
                 elqb_extract(q, "year", O.placed_at), O.note);
    elqb_from(s, O.table);
    elqb_join(s, ELQB_INNER, U.table, elqb_eq(q, U.id, O.user_id));
    elqb_join(s, ELQB_LEFT, elqb_lateral(q, sub, "sub"), elqb_raw(q, "true"));
    elqb_where(s, elqb_and(q, elqb_is_distinct(q, O.note, V(" FROM ( '")),
                           elqb_in_select(q, O.user_id, sub)));
    elqb_group_by(s, O.user_id);
    elqb_having(s, elqb_gt(q, elqb_count(q), V(1)));
    elqb_order_by(s, elqb_desc(q, O.user_id));
    elqb_limit(s, V(5));
    elqb_offset(s, V(6));
    ck_assert_str_eq(
        pretty(elqb_debug(q, s)),
        "<debug> SELECT \"orders\".\"user_id\", \"count\"(*) AS \"n\", CASE "
        "WHEN \"users\".\"active\" AND \"users\".\"active\" THEN 'y' ELSE 'x' "
        "END AS \"FROM\",\n"
        "    EXTRACT(\"year\" FROM \"orders\".\"placed_at\"), "
        "\"orders\".\"note\"\n"
        "FROM \"orders\"\n"
        "JOIN \"users\" ON \"users\".\"id\" = \"orders\".\"user_id\"\n"
        "LEFT JOIN LATERAL (\n"
        "    SELECT \"users\".\"id\"\n"
        "    FROM \"users\"\n"
        "    WHERE \"users\".\"name\" = 'x'\n"
        "        AND (\"users\".\"age\" BETWEEN 1 AND 2 OR "
        "\"users\".\"active\")\n"
        ") AS \"sub\" ON true\n"
        "WHERE \"orders\".\"note\" IS DISTINCT FROM ' FROM ( '''\n"
        "    AND \"orders\".\"user_id\" IN (\n"
        "        SELECT \"users\".\"id\"\n"
        "        FROM \"users\"\n"
        "        WHERE \"users\".\"name\" = 'x'\n"
        "            AND (\"users\".\"age\" BETWEEN 1 AND 2 OR "
        "\"users\".\"active\")\n"
        "    )\n"
        "GROUP BY \"orders\".\"user_id\"\n"
        "HAVING \"count\"(*) > 1\n"
        "ORDER BY \"orders\".\"user_id\" DESC\n"
        "LIMIT 5\n"
        "OFFSET 6");
}
END_TEST

START_TEST(test_pretty_others)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *d = elqb_delete_new(q, U.table);

    ck_assert_str_eq(pretty(elqb_debug(q, i)),
                     "<debug> INSERT INTO \"users\" DEFAULT VALUES");
    elqb_set(i, U.id, V(1));
    elqb_set(i, U.name, V("a\nb"));
    elqb_on_conflict_update(i, U.id);
    elqb_conflict_set(i, U.name, elqb_excluded(U.name));
    elqb_conflict_where(i, U.active);
    elqb_returning(i, U.id);
    ck_assert_str_eq(pretty(elqb_debug(q, i)),
                     "<debug> INSERT INTO \"users\" (\"id\", \"name\")\n"
                     "VALUES (1, 'a\nb')\n"
                     "ON CONFLICT (\"id\") DO UPDATE\n"
                     "SET \"name\" = \"excluded\".\"name\"\n"
                     "WHERE \"users\".\"active\"\n"
                     "RETURNING \"users\".\"id\"");
    elqb_set(u, U.name, V("x"));
    elqb_from(u, O.table);
    elqb_where(u, elqb_and(q, U.active, U.active));
    ck_assert_str_eq(pretty(elqb_debug(q, u)),
                     "<debug> UPDATE \"users\"\n"
                     "SET \"name\" = 'x'\n"
                     "FROM \"orders\"\n"
                     "WHERE \"users\".\"active\"\n"
                     "    AND \"users\".\"active\"");
    elqb_using(d, O.table);
    elqb_where(d, U.active);
    ck_assert_str_eq(pretty(elqb_debug(q, d)),
                     "<debug> DELETE FROM \"users\"\n"
                     "USING \"orders\"\n"
                     "WHERE \"users\".\"active\"");
}
END_TEST

#ifdef HAVE_PG_QUERY
/* SQL text of all that the grammar has: only white space may change, and only
 * where it means nothing. */
START_TEST(test_pretty_text)
{
    static const char *const texts[] = {
        "SELECT 'a'\n'b' FROM t -- FROM (\n WHERE x AND y",
        "WITH a AS (SELECT 1), b AS NOT MATERIALIZED (DELETE FROM t RETURNING "
        "x) SELECT * FROM a, b WHERE ((SELECT 1) = 1) OR $$ AND ( $$ = 'x'",
        "(SELECT 1 UNION ALL SELECT 2) INTERSECT (SELECT 3 ORDER BY 1) LIMIT "
        "1",
        "SELECT sum(x) FILTER (WHERE a AND b) OVER (PARTITION BY y ORDER BY z "
        "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), percentile_cont(0.5) "
        "WITHIN GROUP (ORDER BY q) FROM t CROSS JOIN u NATURAL LEFT JOIN v "
        "JOIN w USING (id) FOR UPDATE OF t SKIP LOCKED",
        "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED AND t.b THEN UPDATE "
        "SET c = 1 WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "SELECT * FROM ROWS FROM (f(1), g(2)) WITH ORDINALITY AS x ORDER BY 1 "
        "FETCH FIRST 3 ROWS WITH TIES",
        "SELECT CASE WHEN a BETWEEN b AND c AND d THEN (SELECT CASE x WHEN 1 "
        "THEN 2 END FROM t) END FROM t WHERE a BETWEEN SYMMETRIC b AND c",
        "VALUES (1, E'it\\'s  AND  (', \"FROM  x\"), (2, U&'x', U&\"y\")",
        "SELECT /* FROM ( /* nested */ */ 1 FROM  t  WHERE  a",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const char *debug =
            elqb_debug(q, elqb_raw_from_trusted_string(q, texts[i]));

        ck_assert_msg(debug != NULL, "%s", elqb_error(q));
        pretty(debug);
    }
}
END_TEST

/* Brackets deeper than it looks, and conditions of random nesting. */
START_TEST(test_pretty_nested)
{
    elqb_expr e = U.active;
    elqb_select *s;

    for (int i = 0; i < 60; i++) {
        s = elqb_select_new(q);
        elqb_columns(s, e);
        elqb_from(s, U.table);
        elqb_where(s, elqb_and(q, U.active, elqb_or(q, e, U.active)));
        e = elqb_scalar(q, s);
        if (i % 12 == 0)
            pretty(elqb_debug(q, s));
        if (i > 8)
            e = elqb_not(q, elqb_and(q, U.active, U.active));
    }
}
END_TEST

START_TEST(test_pretty_deep)
{
    elqb_expr e = U.id;

    for (int i = 0; i < 100; i++)
        e = elqb_add(q, V(1), elqb_mul(q, V(2), e));
    pretty(elqb_debug(q, elqb_text(q, "SELECT (SELECT :e FROM t) FROM users",
                                   ELQB_ARG("e", e))));
}
END_TEST
#endif

/* What cannot be parsed is shown as it is. */
START_TEST(test_pretty_odd)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_bind("FROM", INT4), V("\xff"),
                 elqb_value(elpq_raw(0, "abc", 3)));
    elqb_from(s, U.table);
    ck_assert_str_eq(elqb_pretty(q, elqb_debug(q, s)),
                     "<debug> SELECT :FROM, <invalid text>, <3 bytes>\n"
                     "FROM \"users\"");
    ck_assert_str_eq(elqb_pretty(q, "<debug> SELECT 'x FROM (  y"),
                     "<debug> SELECT 'x FROM (  y");
    ck_assert_str_eq(elqb_pretty(q, "<debug> )) FROM  "),
                     "<debug> ))\nFROM  ");
    CHECK_FAILS(elqb_pretty(q, elqb_render(q, simple())->sql), ELQB_E_USAGE,
                "elqb_pretty: the text is not of elqb_debug()");
    CHECK_FAILS(elqb_pretty(q, NULL), ELQB_E_USAGE,
                "elqb_pretty: the text is not of elqb_debug()");
    elqb_columns(elqb_select_new(q), ELQB_END); /* an error is kept */
    CHECK_FAILS(elqb_pretty(q, elqb_debug(q, elqb_select_new(q))),
                ELQB_E_USAGE,
                "elqb_debug: a select has no columns, see elqb_columns()");
    ck_assert_ptr_null(elqb_pretty(NULL, "<debug> "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_output");
    TCase *tcase = qb_case(suite, "output");

    tcase_add_test(tcase, test_tags);
    tcase_add_test(tcase, test_no_tags);
    tcase_add_test(tcase, test_tags_of_any_statement);
    tcase_add_test(tcase, test_schemas);
    tcase_add_test(tcase, test_schemas_of_what_is_no_table);
    tcase_add_test(tcase, test_bad_schemas);
    tcase_add_test(tcase, test_pretty_select);
    tcase_add_test(tcase, test_pretty_others);
#ifdef HAVE_PG_QUERY
    tcase_add_test(tcase, test_hostile_tags);
    tcase_add_test(tcase, test_pretty_text);
    tcase_add_test(tcase, test_pretty_nested);
    tcase_add_test(tcase, test_pretty_deep);
#endif
    tcase_add_test(tcase, test_pretty_odd);
    return qb_main(suite);
}

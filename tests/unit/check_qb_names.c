/* SPDX-License-Identifier: PostgreSQL */
/*
 * Hostile strings: as a table, column, label, alias and literal they must
 * come out of the server's parser byte for byte as they went in, and those
 * that PostgreSQL cannot have must be refused.
 */
#include "check_qb.h"

static const char *const pieces[] = {
    "\"", "'", "\\", "$$", "$a$", "--", "/*", "*/", ";", ":", "::", ":a",
    "U&", "E'", "%", "\n", "\t", "a", " ", ".", "?", "$1", "\xc3\xa9",
    "\xe2\x82\xac", "\xf0\x9f\x90\x98", "(", ")", "]", "\x01", "\x7f",
};

static void make_hostile(char *text, unsigned max)
{
    unsigned count = 1 + random_below(max);

    strcpy(text, "Zq"); /* nothing else in a tree starts like this */
    for (unsigned i = 0; i < count; i++)
        strcat(text, pieces[random_below(sizeof(pieces) / sizeof(*pieces))]);
}

#ifdef HAVE_PG_QUERY

/* The string as it stands in the parser's JSON. */
static char *to_json(const char *s)
{
    char *json = malloc(6 * strlen(s) + 3), *p = json;

    *p++ = '"';
    for (; *s; s++) {
        if (*s == '"' || *s == '\\')
            p += sprintf(p, "\\%c", *s);
        else if (*s == '\n')
            p += sprintf(p, "\\n");
        else if (*s == '\t')
            p += sprintf(p, "\\t");
        else if ((unsigned char)*s < 0x20 || *s == '<' || *s == '>')
            p += sprintf(p, "\\u%04x", (unsigned)*s);
        else
            *p++ = *s;
    }
    *p++ = '"';
    *p = '\0';
    return json;
}

/* How often the string is a whole string of the tree. */
static int count_in_tree(const char *sql, const char *name)
{
    char *tree = parse_tree(sql), *json = to_json(name);
    int count = 0;

    ck_assert_msg(tree != NULL, "unparseable: %s", sql);
    for (char *p = tree; (p = strstr(p, json)); p += strlen(json))
        count++;
    free(tree);
    free(json);
    return count;
}

#define ROUNDS 20000

START_TEST(test_names)
{
    for (int i = 0; i < qb_rounds(ROUNDS); i++) {
        char name[200];
        elqb_select *s = elqb_select_new(q);
        elqb_table t;
        const elpq_statement *st;

        make_hostile(name, 15);
        if (strlen(name) > 63)
            continue;
        t = elqb_table_as(elqb_table_named(name, name), name);
        elqb_columns(s, elqb_as(q, elqb_c(t, name), name),
                     elqb_func_v(q, name, name, ELQB_LIST(elqb_name(name))),
                     elqb_collate_in(q, elqb_c(elqb_table_named(name, name),
                                               name), name, name),
                     elqb_operator_in(q, name, elqb_field(q, elqb_name("a"),
                                                          name), "+",
                                      elqb_lit(1)),
                     elqb_func(q, "f", elqb_named(q, name, elqb_lit(1))),
                     elqb_extract(q, name, elqb_lit(1)));
        elqb_from(s, t);
        st = elqb_render(q, s);
        ck_assert_msg(st != NULL, "%s", elqb_error(q));
        ck_assert_msg(count_in_tree(st->sql, name) == 18, "%s: %s", name,
                      st->sql);
        elqb_reset(q);
    }
}
END_TEST

/* Names of CTEs, their columns and windows; values of CYCLE. */
START_TEST(test_query_names)
{
    for (int i = 0; i < qb_rounds(ROUNDS); i++) {
        char name[200];
        elqb_cte *c;
        elqb_select *s = elqb_select_new(q), *body = elqb_select_new(q);
        const elpq_statement *st;

        make_hostile(name, 15);
        if (strlen(name) > 63)
            continue;
        elqb_columns(body, elqb_lit(1));
        c = elqb_cte_new(q, name);
        elqb_cte_columns(c, elqb_name(name));
        elqb_cte_as(c, body);
        elqb_cte_recursive(c);
        elqb_cte_search_depth(c, name, elqb_name(name));
        elqb_cte_cycle(c, name, name, elqb_name(name));
        elqb_cte_cycle_values(c, elqb_lit(name), elqb_lit(name));
        elqb_window_v(s, name, NULL);
        elqb_columns(s, elqb_over(q, elqb_func(q, "f"), .name = name),
                     elqb_over(q, elqb_func(q, "f"), .extends = name));
        elqb_from(s, elqb_cte_table(c));
        elqb_with(s, c);
        st = elqb_render(q, s);
        ck_assert_msg(st != NULL, "%s", elqb_error(q));
        ck_assert_msg(count_in_tree(st->sql, name) == 13, "%s: %s", name,
                      st->sql);
        elqb_reset(q);
    }
}
END_TEST

START_TEST(test_literals)
{
    for (int i = 0; i < qb_rounds(ROUNDS); i++) {
        char text[600];
        elqb_select *s = elqb_select_new(q);
        const elpq_statement *st;
        const char *debug;

        make_hostile(text, 100);
        elqb_columns(s, elqb_lit(text), V(text));
        st = elqb_render(q, s);
        ck_assert_msg(st != NULL, "%s", elqb_error(q));
        ck_assert_msg(count_in_tree(st->sql, text) == 1, "%s", st->sql);
        debug = elqb_debug(q, s);
        ck_assert_msg(count_in_tree(debug + strlen("<debug> "), text) == 2,
                      "%s", debug);
        elqb_reset(q);
    }
}
END_TEST

#endif

static const struct {
    const char *name;
    const char *error;
} bad_names[] = {
    { "", "elqb_render: the name is empty" },
    { "a\xff", "elqb_render: the name \"a?\" is not valid UTF-8" },
    { "\xc0\x80", "elqb_render: the name \"??\" is not valid UTF-8" },
    { "\xed\xa0\x80", "elqb_render: the name \"???\" is not valid UTF-8" },
    { "\xf4\x90\x80\x80", "elqb_render: the name \"????\" is not valid UTF-8" },
    { "\xe2\x82", "elqb_render: the name \"??\" is not valid UTF-8" },
    { "x234567890123456789012345678901234567890123456789012345678901234",
      "elqb_render: the name \"x23456789012345678901234567890123456789012345678"
      "9012345678901234\"... is longer than 63 bytes" },
};

START_TEST(test_bad_names)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_name(bad_names[_i].name));
    ck_assert_ptr_null(elqb_render(q, s));
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_NAME);
    if (strlen(bad_names[_i].name) < 63)
        ck_assert_str_eq(elqb_error(q), bad_names[_i].error);
    ck_assert_uint_lt(strlen(elqb_error(q)), 160);
}
END_TEST

START_TEST(test_longest_name)
{
    static const char name[] =
        "x23456789012345678901234567890123456789012345678901234567890123";

    ck_assert_uint_eq(strlen(name), 63);
    CHECK_EXPR(elqb_name(name),
               "\"x23456789012345678901234567890123456789012345678901234567890"
               "123\"");
}
END_TEST

START_TEST(test_bad_strings)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_lit("a\xff"));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_VALUE,
                "elqb_columns: a string is not valid UTF-8");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_literal(elpq_textn("a\0b", 3)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_VALUE,
                "elqb_columns: a string is not valid UTF-8");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_literal(elpq_raw(ELPQ_OID_INT4, "abcd", 4)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_VALUE, "elqb_render: a value in "
                "binary form cannot be written as a literal");
    elqb_collate(q, U.name, "");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_NAME,
                "elqb_collate: the name is empty");
    elqb_columns(elqb_select_new(q), elqb_c(U.table, NULL));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_NAME,
                "elqb_columns: the name is empty");
    elqb_between(q, U.age, ELQB_NONE, V(1));
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_between: operand 2 is ELQB_NONE");
    elqb_in(q, U.age, V(1), ELQB_NONE);
    CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE,
                "elqb_in: operand 3 is ELQB_NONE");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_names");
    TCase *tcase = qb_case(suite, "names");

#ifdef HAVE_PG_QUERY
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_query_names);
    tcase_add_test(tcase, test_literals);
#else
    (void)make_hostile;
#endif
    tcase_add_loop_test(tcase, test_bad_names, 0,
                        (int)(sizeof(bad_names) / sizeof(*bad_names)));
    tcase_add_test(tcase, test_longest_name);
    tcase_add_test(tcase, test_bad_strings);
    return qb_main(suite);
}

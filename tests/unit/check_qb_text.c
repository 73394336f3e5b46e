/* SPDX-License-Identifier: PostgreSQL */
/*
 * SQL text with binds.  A table of what is a bind and what is not, mistakes,
 * and random text, where the server's own lexer says what is code and what is
 * string, name or comment.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    TEXT = ELPQ_OID_TEXT
};

/* What elqb_text() makes of the text, with values for :a and :b if used. */
static const char *rendered(const char *sql, bool a, bool b)
{
    elqb_arg args[3] = { { NULL, ELQB_NONE } };
    int n = 0;
    const elpq_statement *st;

    if (a)
        args[n++] = ELQB_ARG("a", V(1));
    if (b)
        args[n++] = ELQB_ARG("b", V(2));
    args[n].name = NULL;
    st = elqb_render(q, elqb_text_from_trusted_string(q, sql, args));
    return st ? st->sql : elqb_error(q);
}

static const struct {
    const char *sql;
    const char *rendered;
} binds[] = {
    { ":a", "$1" },
    { "x=:a", "x=$1" },
    { "f(:a,:b)", "f($1,$2)" },
    { ":a+:a", "$1+$1" },
    { ":a::int", "$1::int" },
    { "x::int = :a", "x::int = $1" },
    { "':b' :a", "':b' $1" },
    { "'it''s :b' :a", "'it''s :b' $1" },
    { "'\\' :a", "'\\' $1" },
    { "E'\\' :b' :a", "E'\\' :b' $1" },
    { "e'a'\n'\\' :b' :a", "e'a'\n'\\' :b' $1" },
    { "'a'\n'\\' :a", "'a'\n'\\' $1" },
    { "U&'\\' :a", "U&'\\' $1" },
    { "type'\\' :a", "type'\\' $1" },
    { "\":b\" :a", "\":b\" $1" },
    { "\"x\"\":b\" :a", "\"x\"\":b\" $1" },
    { "U&\":b\" :a", "U&\":b\" $1" },
    { "$$:b$$ :a", "$$:b$$ $1" },
    { "$x$:b$$:b$x$ :a", "$x$:b$$:b$x$ $1" },
    { "a$b$ :a", "a$b$ $1" },
    { "/* :b /* :b */ :b */ :a", "/* :b /* :b */ :b */ $1" },
    { "-- :b\n:a", "-- :b\n$1" },
    { ":a -- :b", "$1 -- :b\n" },
    { ":a -- :b\n", "$1 -- :b\n" },
    { "x - -:a", "x - -$1" },
    { "x[:a]", "x[$1]" },
    { "x[1:2] = :a", "x[1:2] = $1" },
    { "x[i:j] = :a", "x[i:j] = $1" },
    { "x[(1):j] = :a", "x[(1):j] = $1" },
    { "x[:a : :b]", "x[$1 : $2]" },
    { "f(x := :a)", "f(x := $1)" },
    { "f(x => :a)", "f(x => $1)" },
    { "data ? :a", "data ? $1" },
    { "x @> :a", "x @> $1" },
    { "x*/* :b */:a", "x*/* :b */$1" },
    { "12:b, :a", "12:b, $1" },
    { "'x':b, :a", "'x':b, $1" },
    { "\xc3\xa9 = :a", "\xc3\xa9 = $1" },
};

START_TEST(test_binds)
{
    const char *sql = binds[_i].sql;
    bool b = strstr(binds[_i].rendered, "$2") != NULL;

    ck_assert_str_eq(rendered(sql, true, b), binds[_i].rendered);
}
END_TEST

static const struct {
    const char *sql;
    elqb_code code;
    const char *error;
} mistakes[] = {
    { "x = :a AND :nobody", ELQB_E_BIND,
      "elqb_text: the bind :nobody has no value" },
    { "x = :aa", ELQB_E_BIND, "elqb_text: the bind :aa has no value" },
    { "1", ELQB_E_BIND,
      "elqb_text: there is no bind :a in the text; is there a "
      "space before the colon?" },
    { "':a'", ELQB_E_BIND,
      "elqb_text: there is no bind :a in the text; is there a "
      "space before the colon?" },
    { "", ELQB_E_TEXT, "elqb_text: the SQL text is empty" },
    { " \n", ELQB_E_TEXT, "elqb_text: the SQL text is empty" },
    { "/* :a */ -- :a", ELQB_E_TEXT, "elqb_text: the SQL text is empty" },
    { "'x :a", ELQB_E_TEXT, "elqb_text: a string is not closed" },
    { "\"x :a", ELQB_E_TEXT, "elqb_text: a quoted name is not closed" },
    { "$x$ :a $$", ELQB_E_TEXT, "elqb_text: a dollar quote is not closed" },
    { "/* /* */ :a", ELQB_E_TEXT, "elqb_text: a comment is not closed" },
    { "(:a", ELQB_E_TEXT, "elqb_text: a bracket is not closed" },
    { ":a) OR (1", ELQB_E_TEXT,
      "elqb_text: a bracket is closed that was not opened" },
    { "(:a]", ELQB_E_TEXT,
      "elqb_text: a bracket is closed that was not opened" },
    { "$1 = :a", ELQB_E_TEXT,
      "elqb_text: $1 and its like are not allowed, use :name in "
      "elqb_text()" },
    { "1E'a\\' :a", ELQB_E_TEXT,
      "elqb_text: a number is followed by letters and a string" },
    { "limit:a", ELQB_E_BIND,
      "elqb_text: there is no bind :a in the text; is there a "
      "space before the colon?" },
    { "\xff :a", ELQB_E_TEXT, "elqb_text: the SQL text is not valid UTF-8" },
};

START_TEST(test_mistakes)
{
    ck_assert_str_eq(rendered(mistakes[_i].sql, true, false),
                     mistakes[_i].error);
    ck_assert_int_eq(elqb_error_code(q), mistakes[_i].code);
}
END_TEST

/* The name of a bind is no prefix of the string behind it. */
START_TEST(test_bind_before_string)
{
    const char *text = "x = :e'\\' --'";
    const elqb_arg args[] = { ELQB_ARG("e", V(1)), ELQB_ARG_END_ };
    elqb_expr e = elqb_text_from_trusted_string(q, text, args);

    ck_assert_str_eq(elqb_render(q, elqb_text(q, "(:u&'\\')",
                                              ELQB_ARG("u", e)))->sql,
                     "((x = $1'\\' --'\n)&'\\')");
}
END_TEST

START_TEST(test_two_values)
{
    elqb_text(q, ":a", ELQB_ARG("a", V(1)), ELQB_ARG("a", V(2)));
    ck_assert_str_eq(elqb_error(q), "elqb_text: the bind :a has two values");
    ck_assert_int_eq(elqb_error_code(q), ELQB_E_BIND);
}
END_TEST

START_TEST(test_in_expressions)
{
    elqb_expr t = elqb_text(q, "age > :n OR name = :s",
                            ELQB_ARG("n", V(18)), ELQB_ARG("s", V("x")));
    elqb_select *s = elqb_select_new(q);

    CHECK_EXPR(elqb_and(q, t, U.active), "(age > $1 OR name = $2) AND "
                                         "\"users\".\"active\"", INT4, 0);
    elqb_columns(s, elqb_text(q, "a, b"), elqb_raw(q, "42::text"));
    elqb_from(s, U.table);
    elqb_where(s, t);
    CHECK(elqb_render(q, s), "SELECT a, b, 42::text FROM \"users\" WHERE age > "
                             "$1 OR name = $2", INT4, 0);
    CHECK_EXPR(elqb_text(q, ":c = 1", ELQB_ARG("c", elqb_add(q, U.id, V(1)))),
               "(\"users\".\"id\" + $1) = 1", INT4);
}
END_TEST

/* As many as there are, and one is no ROW(). */
START_TEST(test_lists)
{
    elqb_expr ids[] = { V(7), V(8), ELQB_END };

    CHECK_EXPR(elqb_text(q, "id IN :ids", ELQB_ARG("ids", elqb_row_v(q, ids))),
               "id IN ($1, $2)", INT4, INT4);
    ids[1] = ELQB_END;
    CHECK_EXPR(elqb_text(q, "id IN :ids", ELQB_ARG("ids", elqb_row_v(q, ids))),
               "id IN ($1)", INT4);
}
END_TEST

START_TEST(test_statement)
{
    elqb_expr t = elqb_text(q, "SELECT * FROM table_name");

    CHECK(elqb_render(q, t), "SELECT * FROM table_name");
    ck_assert_str_eq(elqb_debug(q, t), "<debug> SELECT * FROM table_name");
    t = elqb_text(q, "SELECT id FROM users WHERE name = :name AND age > :age",
                  ELQB_ARG("name", elqb_typed(V("bob"), TEXT)),
                  ELQB_ARG("age", V(5)));
    CHECK(elqb_render(q, t),
          "SELECT id FROM users WHERE name = $1 AND age > $2", TEXT, INT4);
}
END_TEST

/* -------------------------------------------------------- text as a select */

static elqb_select *text_select(void)
{
    return elqb_text_select(
        q, elqb_text(q, "SELECT id, name FROM users WHERE age > :age -- old",
                     ELQB_ARG("age", V(20))),
        U.id, elqb_typed_oid(elqb_name("name"), TEXT));
}

START_TEST(test_select)
{
    elqb_table t = elqb_subquery(q, text_select(), "t");
    elqb_select *s = elqb_select_new(q);

    CHECK(elqb_render(q, text_select()),
          "SELECT id, name FROM users WHERE age > $1 -- old\n", INT4);
    elqb_columns(s, elqb_col(q, t, "name"));
    elqb_from(s, t);
    elqb_where(s, elqb_eq(q, elqb_col(q, t, "id"), V(7)));
    CHECK_QUOTED(elqb_render(q, s),
                 "SELECT `t`.`name` FROM (SELECT id, name FROM users WHERE "
                 "age > $1 -- old\n) AS `t` WHERE `t`.`id` = $2",
                 INT4, INT4);
    CHECK_FAILS((elqb_col(q, t, "age"), elqb_render(q, s)), ELQB_E_USAGE,
                "elqb_col: \"t\" has no column \"age\"");
}
END_TEST

START_TEST(test_select_in_others)
{
    elqb_cte *c = elqb_cte_new(q, "c");
    accounts_t A = accounts_table();
    elqb_insert *i = elqb_insert_new(q, A.table);
    elqb_select *s = elqb_text_select(q, elqb_raw(q, "TABLE c"));

    CHECK_QUOTED(elqb_render(q, elqb_union(q, text_select(), text_select())),
                 "(SELECT id, name FROM users WHERE age > $1 -- old\n) UNION "
                 "(SELECT id, name FROM users WHERE age > $2 -- old\n)",
                 INT4, INT4);
    CHECK_QUOTED(render_expr(elqb_in_select(q, V(1), elqb_text_select(
                                                q, elqb_raw(q, "SELECT 1")))),
                 "SELECT $1 IN (SELECT 1)", INT4);
    elqb_cte_as(c, text_select());
    elqb_with(s, c);
    elqb_columns(i, A.user_id, A.label);
    elqb_insert_select(i, s);
    CHECK_QUOTED(elqb_render(q, i),
                 "INSERT INTO `crm`.`accounts` (`user_id`, `label`) WITH `c` "
                 "AS (SELECT id, name FROM users WHERE age > $1 -- old\n) "
                 "TABLE c",
                 INT4);
}
END_TEST

#define REFUSES(call, name)                                                   \
    do {                                                                      \
        elqb_reset(q);                                                        \
        s = text_select();                                                    \
        call;                                                                 \
        CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,                          \
                    name ": a select of SQL text takes elqb_with(), nothing " \
                         "else");                                             \
    } while (0)

START_TEST(test_select_is_whole)
{
    elqb_select *s;

    REFUSES(elqb_columns(s, V(1)), "elqb_columns");
    REFUSES(elqb_from(s, U.table), "elqb_from");
    REFUSES(elqb_where(s, U.active), "elqb_where");
    REFUSES(elqb_order_by(s, U.id), "elqb_order_by");
    REFUSES(elqb_limit(s, V(1)), "elqb_limit");
    REFUSES(elqb_offset(s, V(1)), "elqb_offset");
    REFUSES(elqb_fetch_ties(s, V(1)), "elqb_fetch_ties");
    REFUSES(elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT), "elqb_for");
    elqb_reset(q);
    CHECK_FAILS(elqb_text_select(q, V(1)), ELQB_E_USAGE,
                "elqb_text_select: of expressions only elqb_text() is a "
                "statement");
    elqb_reset(q);
    CHECK_FAILS(elqb_text_select(q, elqb_raw(q, "TABLE t"), V(1)),
                ELQB_E_USAGE,
                "elqb_text_select: what names a column is no column");
    ck_assert_ptr_null(elqb_text_select(NULL, V(1)));
}
END_TEST

/* ----------------------------------------------------------- random texts */

#ifdef HAVE_PG_QUERY

static uint64_t read_varint(const uint8_t **p)
{
    uint64_t x = 0;

    for (int shift = 0;; shift += 7) {
        x |= (uint64_t)(**p & 0x7f) << shift;
        if (!(*(*p)++ & 0x80))
            return x;
    }
}

/* For each token of the protobuf answer: its place in the text. */
struct token {
    size_t start;
    size_t end;
    uint64_t type;
};

static size_t read_tokens(const PgQueryProtobuf *pbuf, struct token *tokens)
{
    const uint8_t *p = (const uint8_t *)pbuf->data, *end = p + pbuf->len;
    size_t count = 0;

    while (p < end) {
        uint64_t key = read_varint(&p), length;
        const uint8_t *stop;

        if (key != (2 << 3 | 2)) { /* not a token: the version */
            read_varint(&p);
            continue;
        }
        length = read_varint(&p);
        stop = p + length;
        memset(&tokens[count], 0, sizeof(*tokens));
        while (p < stop) {
            uint64_t field = read_varint(&p) >> 3, value = read_varint(&p);

            if (field == 1)
                tokens[count].start = (size_t)value;
            else if (field == 2)
                tokens[count].end = (size_t)value;
            else if (field == 4)
                tokens[count].type = value;
        }
        count++;
    }
    return count;
}

static bool has_code(const char *sql, const struct token *tokens, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *start = sql + tokens[i].start;

        if (strncmp(start, "--", 2) != 0 && strncmp(start, "/*", 2) != 0)
            return true;
    }
    return false;
}

/*
 * The text with $1 for :a as the server's lexer sees it: a token that is a
 * colon, then `a` right behind, and right before it nothing that could be an
 * operand's end.  NULL if the lexer refuses the text, or finds but comments.
 * `other`: a name that is not `a` stands there, so the text must be refused.
 */
static char *expect_binds(const char *sql, bool *used, bool *other)
{
    static struct token tokens[400];
    PgQueryScanResult result = pg_query_scan(sql);
    char *wanted = NULL;
    size_t size = 0, from = 0, n;

    *used = *other = false;
    n = result.error ? 0 : read_tokens(&result.pbuf, tokens);
    if (has_code(sql, tokens, n)) {
        wanted = calloc(1, strlen(sql) * 2 + 2);
        for (size_t i = 0; i + 1 < n; i++) {
            const char *name = sql + tokens[i + 1].start;
            char before = tokens[i].start ? sql[tokens[i].start - 1] : ' ';
            bool adjacent = !strchr(" \t\n\\([,=+-*/<>@?:;.", before);

            if (tokens[i].type != ':' || adjacent ||
                tokens[i].end != tokens[i + 1].start || !strchr("aexEU", *name))
                continue;
            if (*name != 'a' || tokens[i + 1].end != tokens[i + 1].start + 1) {
                *other = true;
                break;
            }
            memcpy(wanted + size, sql + from, tokens[i].start - from);
            size += tokens[i].start - from;
            memcpy(wanted + size, "$1", 2);
            size += 2;
            from = tokens[i + 1].end;
            *used = true;
        }
        strcpy(wanted + size, sql + from);
    }
    pg_query_free_scan_result(result);
    return wanted;
}

static void make_random(char *text)
{
    static const char *const pieces[] = {
        ":a", ":a", ":a", " ", " ", "x", "1", "'", "'", "\"", "$$", "$t$",
        "$", "--", "\n", "/*", "*/", "::", ":", "E'", "\\", ",", "+", "=",
        "e", "U&'", "''", " :a ", "\t", "a", "*", "-", "/", "@",
    };
    unsigned count = 1 + random_below(14);

    *text = '\0';
    for (unsigned i = 0; i < count; i++)
        strcat(text, pieces[random_below(sizeof(pieces) / sizeof(*pieces))]);
}

#define TEXTS 60000

START_TEST(test_random)
{
    unsigned with = 0, without = 0, refused = 0;

    unsigned rounds = (unsigned)qb_rounds(TEXTS);

    for (unsigned i = 0; i < rounds; i++) {
        char text[200], *wanted;
        const char *is;
        bool used, other;
        size_t size;

        make_random(text);
        wanted = expect_binds(text, &used, &other);
        is = rendered(text, used, false);
        if (wanted && strstr(text, "$1")) {
            refused++; /* the server's lexer takes $1, we do not */
        } else if (wanted && other) {
            ck_assert_msg(elqb_error_code(q) == ELQB_E_BIND, "%s", text);
            refused++;
        } else if (wanted) {
            size = strlen(wanted);
            /* a comment at the end gets its line's end */
            ck_assert_msg(strncmp(is, wanted, size) == 0 &&
                              (!is[size] || strcmp(is + size, "\n") == 0),
                          "text %u: %s\n  is   %s\n  not  %s", i, text, is,
                          wanted);
        } else {
            refused++; /* what the server refuses, we need not */
        }
        with += wanted && used;
        without += wanted && !used;
        free(wanted);
        elqb_reset(q);
    }
    ck_assert_uint_gt(with, rounds / 20);
    ck_assert_uint_gt(without, rounds / 20);
    ck_assert_uint_gt(refused, rounds / 20);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("qb_text");
    TCase *tcase = qb_case(suite, "text");

    tcase_add_loop_test(tcase, test_binds, 0,
                        (int)(sizeof(binds) / sizeof(*binds)));
    tcase_add_loop_test(tcase, test_mistakes, 0,
                        (int)(sizeof(mistakes) / sizeof(*mistakes)));
    tcase_add_test(tcase, test_bind_before_string);
    tcase_add_test(tcase, test_two_values);
    tcase_add_test(tcase, test_in_expressions);
    tcase_add_test(tcase, test_lists);
    tcase_add_test(tcase, test_statement);
    tcase_add_test(tcase, test_select);
    tcase_add_test(tcase, test_select_in_others);
    tcase_add_test(tcase, test_select_is_whole);
#ifdef HAVE_PG_QUERY
    tcase_add_test(tcase, test_random);
#endif
    return qb_main(suite);
}

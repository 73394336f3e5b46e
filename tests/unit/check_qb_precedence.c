/* SPDX-License-Identifier: PostgreSQL */
/*
 * Precedence, proved against the server's grammar: random trees of every
 * operator are rendered by the library, with as few parentheses as it dares,
 * and printed here with parentheses around everything.  The parser must see
 * the same tree in both.
 *
 * The printing below knows spellings, and nothing of precedence.
 */
#include "qb/internal.h"

#include "check_qb.h"

#define TREES 30000
#define TEXT_SIZE 65536

struct printer {
    char text[TEXT_SIZE];
    size_t size;
};

static struct printer out;

static void put(const char *s)
{
    size_t size = strlen(s);

    ck_assert_uint_lt(out.size + size, TEXT_SIZE);
    memcpy(out.text + out.size, s, size + 1);
    out.size += size;
}

/* A leaf: the same in both texts. */
static elqb_expr make_leaf(void)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    char number[20];

    switch (random_below(6)) {
    case 0:
        snprintf(number, sizeof(number), "%d", (int)random_below(9));
        put(number);
        return elqb_lit((int)strtol(number, NULL, 10));
    case 1:
        put("'x'");
        return elqb_lit("x");
    default:
        break;
    }
    number[0] = *names[random_below(4)];
    number[1] = '\0';
    put("\"");
    put(number);
    put("\"");
    return elqb_name(names[number[0] - 'a']);
}

static elqb_expr make_tree(int depth);

/* An operand in parentheses. */
static elqb_expr make_operand(int depth)
{
    elqb_expr e;

    put("(");
    e = make_tree(depth - 1);
    put(")");
    return e;
}

static void put_word(const char *word)
{
    put(" ");
    put(word);
    put(" ");
}

#define PREFIX(fn, spelling) { spelling, NULL, 1, true, elqb_##fn, NULL, NULL }
#define POSTFIX(fn, spelling)                                                 \
    { spelling, NULL, 1, false, elqb_##fn, NULL, NULL }
#define INFIX(fn, spelling) { spelling, NULL, 2, false, NULL, elqb_##fn, NULL }
#define TERNARY(fn, spelling, word)                                           \
    { spelling, word, 3, false, NULL, NULL, elqb_##fn }

/* Every operator with a fixed number of operands. */
static const struct {
    const char *spelling;
    const char *word;
    int operands;
    bool prefix;
    elqb_expr (*unary)(elqb *, elqb_expr);
    elqb_expr (*binary)(elqb *, elqb_expr, elqb_expr);
    elqb_expr (*ternary)(elqb *, elqb_expr, elqb_expr, elqb_expr);
} operators[] = {
#define DO_LEFT(fn, spelling) INFIX(fn, spelling),
#define DO_NONE(fn, spelling) INFIX(fn, spelling),
#define DO_NARY(fn, spelling)
#define DO_PREFIX(fn, spelling) PREFIX(fn, spelling),
#define DO_POSTFIX(fn, spelling) POSTFIX(fn, spelling),
#define DO_BETWEEN(fn, spelling) TERNARY(fn, spelling, "AND"),
#define DO_ESCAPE(fn, spelling) TERNARY(fn, spelling, "ESCAPE"),
#define DO_SPECIAL(fn, spelling)
#define OP(name, fn, spelling, level, fix, takes, gives)                      \
    DO_##fix(fn, spelling)
#include "qb/ops.def"
};
#define OPERATORS (sizeof(operators) / sizeof(operators[0]))

static elqb_expr make_fixed(int depth, size_t op)
{
    elqb_expr a, b, c;

    if (operators[op].prefix)
        put_word(operators[op].spelling);
    a = make_operand(depth);
    if (!operators[op].prefix)
        put_word(operators[op].spelling);
    if (operators[op].operands == 1)
        return operators[op].unary(q, a);
    b = make_operand(depth);
    if (operators[op].operands == 2)
        return operators[op].binary(q, a, b);
    put_word(operators[op].word);
    c = make_operand(depth);
    return operators[op].ternary(q, a, b, c);
}

/* a AND b AND c is one node to the parser as well, but only unparenthesised:
 * the terms are printed the way they are flattened. */
static elqb_expr make_logic(int depth, bool all)
{
    elqb_expr terms[4];
    unsigned count = 2 + random_below(2);

    for (unsigned i = 0; i < count; i++) {
        size_t start = out.size;

        if (i)
            put_word(all ? "AND" : "OR");
        start = out.size;
        terms[i] = make_operand(depth);
        if (terms[i].kind == ELQB_KIND_NODE &&
            terms[i].u.node->op == (all ? OP_AND : OP_OR)) {
            out.text[start] = ' '; /* (a AND b) is taken apart */
            out.text[out.size - 1] = ' ';
        }
    }
    terms[count] = ELQB_END;
    return all ? elqb_and_v(q, terms) : elqb_or_v(q, terms);
}

static elqb_expr make_concat(int depth)
{
    elqb_expr a = make_operand(depth), b;

    put_word("||");
    b = make_operand(depth);
    return elqb_concat(q, a, b);
}

static elqb_expr make_spelled(int depth)
{
    static const char *const spellings[] = { "<->", "@>", "+", "=",  "<=",
                                             "%",   "~~", "!!=", "|/", "@-@",
                                             "^",   "->" };
    const char *spelling =
        spellings[random_below(sizeof(spellings) / sizeof(*spellings))];
    elqb_expr a;

    if (random_below(4) == 0) {
        put_word("|/");
        return elqb_operator_prefix(q, "|/", make_operand(depth));
    }
    a = make_operand(depth);
    put_word(spelling);
    return elqb_operator(q, a, spelling, make_operand(depth));
}

static elqb_expr make_in(int depth)
{
    elqb_expr list[3], a = make_operand(depth);
    bool not = random_below(2);

    put(not ? " NOT IN (" : " IN (");
    list[0] = make_tree(depth - 1);
    put(", ");
    list[1] = make_tree(depth - 1);
    put(")");
    list[2] = ELQB_END;
    return not ? elqb_not_in_v(q, a, list) : elqb_in_v(q, a, list);
}

static elqb_expr make_quantified(int depth)
{
    static const char *const spellings[] = { "=", "<", "@>", "+", "~" };
    const char *spelling = spellings[random_below(5)];
    elqb_expr a = make_operand(depth), b;

    put_word(spelling);
    put("ANY (");
    b = make_tree(depth - 1);
    put(")");
    return elqb_operator_any(q, a, spelling, b);
}

static elqb_expr make_indirection(int depth)
{
    elqb_expr a, i;

    switch (random_below(3)) {
    case 0:
        put("\"a\"["); /* a column may stand bare */
        i = make_tree(depth - 1);
        put("]");
        return elqb_subscript(q, elqb_name("a"), i);
    case 1:
        put("(");
        a = elqb_case(q, ELQB_NONE, elqb_name("a"), elqb_name("b"));
        put("CASE WHEN \"a\" THEN \"b\" END)[");
        i = make_tree(depth - 1);
        put("]");
        return elqb_subscript(q, a, i);
    default:
        put("(\"a\").\"f\"");
        return elqb_field(q, elqb_name("a"), "f");
    }
}

static elqb_expr make_atom(int depth)
{
    elqb_expr a, b;

    switch (random_below(4)) {
    case 0:
        put("\"f\"(");
        a = make_tree(depth - 1);
        put(", ");
        b = make_tree(depth - 1);
        put(")");
        return elqb_func(q, "f", a, b);
    case 1:
        put("CAST(");
        a = make_tree(depth - 1);
        put(" AS int4)");
        return elqb_cast(q, a, "int4");
    case 2:
        put("CASE WHEN ");
        a = make_tree(depth - 1);
        put(" THEN ");
        b = make_tree(depth - 1);
        put(" END");
        return elqb_case(q, ELQB_NONE, a, b);
    default:
        put("(");
        a = make_tree(depth - 1);
        put(", ");
        b = make_tree(depth - 1);
        put(")");
        return elqb_row(q, a, b);
    }
}

static elqb_expr make_collate(int depth)
{
    elqb_expr a = make_operand(depth);

    put(" COLLATE \"C\"");
    return elqb_collate(q, a, "C");
}

/* Text may hold any operator, so it is grouped wherever it is an operand. */
static elqb_expr make_text(void)
{
    put("\"a\" OR \"b\"");
    return elqb_text(q, "\"a\" OR \"b\"");
}

static elqb_expr make_tree(int depth)
{
    unsigned choice = random_below(OPERATORS + 20);

    if (depth == 0 || random_below(8) == 0)
        return make_leaf();
    if (choice < OPERATORS)
        return make_fixed(depth, choice);
    switch (choice - OPERATORS) {
    case 0:
        return make_in(depth);
    case 1:
        return make_quantified(depth);
    case 2:
        return make_indirection(depth);
    case 3:
        return make_atom(depth);
    case 4:
    case 5:
        return make_collate(depth);
    case 6:
        return make_text();
    case 7:
    case 8:
    case 9:
        return make_spelled(depth);
    case 10:
    case 11:
        return make_concat(depth);
    default:
        return make_logic(depth, random_below(2));
    }
}

START_TEST(test_trees)
{
    size_t parentheses = 0, all = 0;

    for (int i = 0; i < qb_rounds(TREES); i++) {
        elqb_select *s = elqb_select_new(q);
        const elpq_statement *st;
        char *is, *wanted;

        out.size = 0;
        put("SELECT ");
        elqb_columns(s, make_tree(1 + (int)random_below(5)));
        st = elqb_render(q, s);
        ck_assert_msg(st != NULL, "%s", elqb_error(q));
        is = parse_tree(st->sql);
        wanted = parse_tree(out.text);
#ifdef HAVE_PG_QUERY
        ck_assert_msg(wanted != NULL, "bad test: %s", out.text);
        ck_assert_msg(is != NULL, "unparseable: %s", st->sql);
        ck_assert_msg(strcmp(is, wanted) == 0, "tree %d:\n  is   %s\n  not  %s",
                      i, st->sql, out.text);
#endif
        for (const char *p = st->sql; *p; p++)
            parentheses += *p == '(';
        for (const char *p = out.text; *p; p++)
            all += *p == '(';
        free(is);
        free(wanted);
        elqb_reset(q);
    }
    ck_assert_uint_lt(parentheses, all); /* the two did differ */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_precedence");
    TCase *tcase = qb_case(suite, "precedence");

    tcase_add_test(tcase, test_trees);
    return qb_main(suite);
}

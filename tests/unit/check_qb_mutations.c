/* SPDX-License-Identifier: PostgreSQL */
/*
 * The guard of the guard: every level and associativity of ops.def is changed,
 * one at a time, and the comparison with the server's grammar must notice.
 * A change that is not noticed may only add parentheses.
 *
 * The operators' table and the renderer are compiled into this program with
 * tables that can be written to.  Each change is tried on trees in which its
 * operator, and others of the level that it leaves and of the one that it gets,
 * are frequent.
 *
 * ELPQ_TEST_MUTATIONS=all tries every level, on more trees ("make soak").
 */
#define ELQB__TABLE
#include "qb/operators.c"
#include "qb/render_expr.c"

#include "qb_trees.h"

#ifdef HAVE_PG_QUERY

#define TREES 400
#define DEPTH 3

static bool thorough(void)
{
    const char *value = getenv("ELPQ_TEST_MUTATIONS");

    return value && strcmp(value, "all") == 0;
}

/* What became of a change. */
struct outcome {
    bool caught;
    int added;   /* trees with more parentheses                             */
    int removed; /* with fewer                                              */
    char text[400]; /* what shows it                                          */
};

static int count_parentheses(const char *sql)
{
    int count = 0;

    for (; *sql; sql++)
        count += *sql == '(';
    return count;
}

/* The rest of the trees of this size, with the tables as they are now. */
static int try_tree(uint64_t seed, bool judge, struct outcome *o)
{
    const elpq_statement *st;
    int parentheses;

    random_state = seed;
    elqb_reset(q);
    st = make_both(DEPTH);
    parentheses = count_parentheses(st->sql);
    if (judge) {
        char *is = parse_tree(st->sql), *wanted = parse_tree(out.text);

        o->caught = !is || strcmp(is, wanted) != 0;
        if (o->caught)
            snprintf(o->text, sizeof(o->text), "%.399s", st->sql);
        free(is);
        free(wanted);
    }
    return parentheses;
}

static uint64_t next_seed(uint64_t seed)
{
    return seed * 6364136223846793005u + 1442695040888963407u;
}

/* Make the change by swapping it in, tree by tree. */
static struct outcome try_change(void (*swap)(void *), void *change)
{
    struct outcome o = { false, 0, 0, "" };
    uint64_t seed = 88172645463325252u;
    int trees = thorough() ? 1500 : TREES;

    /* Parentheses that went without harm: some are for the reader, but then
     * there are others that the parser needs. */
    for (int i = 0; !o.caught && i < (o.removed ? 100 : 1) * trees; i++) {
        int before, after;

        seed = next_seed(seed);
        before = try_tree(seed, false, &o);
        swap(change);
        after = try_tree(seed, false, &o);
        if (after != before) /* the same text needs no parser */
            after = try_tree(seed, true, &o);
        swap(change);
        o.added += after > before;
        o.removed += after < before;
        if (after < before && !o.caught)
            snprintf(o.text, sizeof(o.text), "%.399s", out.text);
    }
    return o;
}

/* ------------------------------------------------------------------ changes */

struct change {
    enum elqb__op op;
    uint8_t level;
    uint8_t fix;
};

static void swap_operator(void *arg)
{
    struct change *c = arg, old = { c->op, elqb__ops[c->op].level,
                                    elqb__ops[c->op].fix };

    elqb__ops[c->op].level = c->level;
    elqb__ops[c->op].fix = c->fix;
    *c = old;
}

static void swap_b_expr(void *arg)
{
    bool *flag = arg;

    *flag = !*flag;
}

/* The place in operators[] and forms[] of what shows an operator. */
static int find_choice(enum elqb__op op)
{
    for (size_t i = 0; i < OPERATORS; i++)
        if (operators[i].op == op)
            return (int)i;
    for (size_t i = 0; i < FORMS; i++)
        if (forms[i].op == op || forms[i].also == op)
            return (int)(OPERATORS + i);
    ck_abort_msg("no tree shows the operator %s", elqb__ops[op].function);
    return -1;
}

/* An operator of the level, to meet the one that is changed; -1: none. */
static int find_partner(int level)
{
    for (int op = OP_NO + 1; op < OP_COUNT && level > LEVEL_INTERSECT; op++)
        if (elqb__ops[op].level == level)
            return find_choice((enum elqb__op)op);
    return -1;
}

static int survivors;

/* What is not caught is nothing but more parentheses. */
static void judge(const char *name, const struct outcome *o)
{
    if (getenv("ELPQ_TEST_MUTATIONS"))
        printf("%-40s %s +%d -%d %s\n", name,
               o->caught ? "caught" : "survived", o->added, o->removed,
               o->text);
    survivors += !o->caught;
    if (o->caught)
        return;
    ck_assert_msg(o->removed == 0, "%s: %d trees lost parentheses, and the "
                  "parser sees no difference: %s", name, o->removed,
                  o->text);
}

START_TEST(test_levels)
{
    int reach = thorough() ? LEVEL_ATOM : 1;

    for (int op = OP_NO + 1; op < OP_COUNT; op++) {
        int level = elqb__ops[op].level;

        if (level <= LEVEL_INTERSECT) /* of selects: see check_qb_setop.c */
            continue;
        favourites[0] = find_choice((enum elqb__op)op);
        /* OVERLAPS stands between parentheses of its own, so that nothing can
         * come between: its level is for the reader. */
        if (op == OP_PERIODS_OVERLAP)
            continue;
        for (int to = level - reach; to <= level + reach; to++) {
            struct change c = { (enum elqb__op)op, (uint8_t)to,
                                elqb__ops[op].fix };
            struct outcome o;
            char name[80];

            if (to == level || to <= LEVEL_LOWEST || to > LEVEL_ATOM)
                continue;
            favourites[1] = find_partner(to);
            favourites[2] = find_partner(level);
            o = try_change(swap_operator, &c);
            snprintf(name, sizeof(name), "%s: level %d for %d",
                     elqb__ops[op].function, to, level);
            judge(name, &o);
        }
    }
    /* Around OR, AND, NOT and the two signs there is room; nowhere else. */
    ck_assert_msg(thorough() || survivors <= 10, "%d changes survive",
                  survivors);
}
END_TEST

START_TEST(test_associativity)
{
    for (int op = OP_NO + 1; op < OP_COUNT; op++) {
        uint8_t fix = elqb__ops[op].fix;
        struct change c = { (enum elqb__op)op, elqb__ops[op].level,
                            fix == FIX_LEFT ? FIX_NONE : FIX_LEFT };
        struct outcome o;
        char name[80];

        if (fix != FIX_LEFT && fix != FIX_NONE)
            continue;
        favourites[0] = find_choice((enum elqb__op)op);
        favourites[1] = favourites[2] = -1;
        o = try_change(swap_operator, &c);
        snprintf(name, sizeof(name), "%s: fix %d for %d",
                 elqb__ops[op].function, c.fix, fix);
        judge(name, &o);
        /* The one only adds parentheses, the other never does. */
        ck_assert_msg(o.caught == (fix == FIX_NONE), "%s: caught %d", name,
                      o.caught);
    }
}
END_TEST

START_TEST(test_b_expr)
{
    favourites[0] = find_choice(OP_BETWEEN);
    for (int level = LEVEL_LOWEST + 1; level <= LEVEL_ATOM; level++) {
        bool was = b_expr_levels[level];
        struct outcome o = try_change(swap_b_expr, &b_expr_levels[level]);
        char name[80];

        snprintf(name, sizeof(name), "b_expr of level %d", level);
        judge(name, &o);
        /* BETWEEN itself keeps out what is not tighter; ESCAPE has no level of
         * its own in any tree. */
        if (level > LEVEL_ESCAPED)
            ck_assert_msg(o.caught == !was, "%s: caught %d", name, o.caught);
    }
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("qb_mutations");
    TCase *tcase = qb_case(suite, "mutations");

    tcase_set_timeout(tcase, 3600);
#ifdef HAVE_PG_QUERY
    if (qb_rounds(2) == 2) /* instrumented builds find nothing more in it */
        tcase_add_test(tcase, test_levels);
    tcase_add_test(tcase, test_associativity);
    tcase_add_test(tcase, test_b_expr);
#endif
    return qb_main(suite);
}

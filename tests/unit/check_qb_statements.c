/* SPDX-License-Identifier: PostgreSQL */
/*
 * Random whole statements, proved against the server's grammar: SELECT, INSERT,
 * UPDATE, DELETE and MERGE with every clause, and WITH before them.  What the
 * library renders and what is printed beside it, with parentheses everywhere
 * and other spellings of the same, must be the same tree to the parser.
 *
 * ELPQ_TEST_STATEMENTS=n makes so many of each kind ("make soak"), and
 * ELPQ_TEST_SEED=n others.
 */
#include "qb_selects.h"

#define STATEMENTS 1500 /* of each kind */

/* ------------------------------------------------------------------- WITH */

static const elqb_expr *make_returning(int depth, elqb_expr list[MOST_ITEMS])
{
    put(" RETURNING ");
    make_columns(depth, list);
    return list;
}

static void make_recursion(int depth, elqb_cte *c)
{
    elqb_select *step;

    put(" UNION ALL (");
    step = make_query(depth, c, true);
    put("))");
    elqb_cte_recurse(c, step);
    if (maybe()) {
        put(" SEARCH BREADTH FIRST BY \"a\", \"b\" SET \"o\"");
        elqb_cte_search_breadth(c, "o", elqb_name("a"), elqb_name("b"));
    } else if (maybe()) {
        put(" SEARCH DEPTH FIRST BY \"a\" SET \"o\"");
        elqb_cte_search_depth(c, "o", elqb_name("a"));
    }
    if (maybe()) {
        bool values = maybe();

        put(" CYCLE \"a\", \"b\" SET \"m\"");
        elqb_cte_cycle(c, "m", "p", elqb_name("a"), elqb_name("b"));
        if (values) {
            put(" TO 'y' DEFAULT 'n'");
            elqb_cte_cycle_values(c, elqb_lit("y"), elqb_lit("n"));
        }
        put(" USING \"p\"");
    }
}

/* DELETE FROM "t" WHERE ... RETURNING ... */
static void make_modifying(int depth, elqb_cte *c)
{
    elqb_expr list[MOST_ITEMS];
    elqb_delete *d;

    put("DELETE FROM ");
    d = elqb_delete_new(q, make_table(true));
    put(" WHERE ");
    elqb_where(d, make_tree(depth));
    elqb_delete_returning_v(d, make_returning(depth, list));
    elqb_cte_as(c, d);
    put(")");
}

/* WITH "c" AS (...) before a statement, or nothing: NULL. */
static elqb_cte *make_with(int depth, bool recursive)
{
    elqb_cte *c;
    unsigned kind = random_below(recursive ? 4 : 3);

    if (maybe())
        return NULL;
    c = elqb_cte_new(q, "c");
    put(kind == 3 ? "WITH RECURSIVE \"c\"" : "WITH \"c\"");
    if (maybe()) {
        put(" (\"a\", \"b\")");
        elqb_cte_columns(c, elqb_name("a"), elqb_name("b"));
    }
    put(" AS ");
    if (maybe()) {
        bool yes = maybe();

        put(yes ? "MATERIALIZED " : "NOT MATERIALIZED ");
        elqb_cte_materialized(c, yes);
    }
    put("(");
    if (kind == 0) {
        make_modifying(depth, c);
    } else {
        put(kind == 3 ? "(" : "");
        elqb_cte_as(c, make_query(depth, NULL, kind == 3));
        put(")");
        if (kind == 3)
            make_recursion(depth, c);
    }
    put(" ");
    return c;
}

/* ------------------------------------------------------------- assignments */

/* "a", "b"[i] or "b"."f"; all of the subscripts are literals or parameters. */
static elqb_expr make_target(int depth, const char *name)
{
    elqb_expr e = make_name(name), i;

    switch (random_below(4)) {
    case 0:
        put("[");
        i = make_item(depth + 1, "]");
        return elqb_subscript(q, e, i);
    case 1:
        put(".\"f\"");
        return elqb_field(q, e, "f");
    default:
        return e;
    }
}

static elqb_expr make_value(int depth)
{
    if (random_below(5))
        return make_tree(depth);
    put("DEFAULT");
    return elqb_default();
}

/* How SET is called in each place. */
struct setter {
    elqb_update *update;
    elqb_insert *insert; /* ON CONFLICT DO UPDATE                           */
    elqb_when *when;
};

static void set_one(struct setter *to, elqb_expr column, elqb_expr value)
{
    if (to->update)
        elqb_set(to->update, column, value);
    else if (to->insert)
        elqb_conflict_set(to->insert, column, value);
    else
        elqb_set(to->when, column, value);
}

/* ("c", "d") = (x, y) or (SELECT ...) */
static void make_set_row(int depth, struct setter *to)
{
    const elqb_expr columns[] = { elqb_name("c"), elqb_name("d"), ELQB_END };
    elqb_expr row, x, y;

    put("(\"c\", \"d\") = (");
    if (maybe()) {
        row = elqb_scalar(q, make_select(depth));
    } else {
        x = make_value(depth);
        put(", ");
        y = make_value(depth);
        row = elqb_row(q, x, y);
    }
    put(")");
    if (to->update)
        elqb_set_row(to->update, columns, row);
    else if (to->insert)
        elqb_conflict_set_row(to->insert, columns, row);
    else
        elqb_set_row(to->when, columns, row);
}

static void make_assignments(int depth, struct setter *to)
{
    elqb_expr column, value;

    put(" SET ");
    column = make_target(depth, "a");
    put(" = ");
    value = make_value(depth);
    set_one(to, column, value);
    if (maybe()) {
        put(", ");
        make_set_row(depth, to);
    }
    if (maybe()) {
        put(", ");
        column = make_target(depth, "b");
        put(" = ");
        value = make_value(depth);
        set_one(to, column, value);
    }
}

/* ----------------------------------------------------------------- INSERT */

static void make_override(elqb_insert *i)
{
    bool system = maybe();

    put(system ? " OVERRIDING SYSTEM VALUE" : " OVERRIDING USER VALUE");
    elqb_overriding(i, system ? ELQB_SYSTEM_VALUE : ELQB_USER_VALUE);
}

static void make_source(int depth, elqb_insert *i, elqb_cte *cte)
{
    elqb_expr a, b;

    if (maybe()) {
        put(" ");
        elqb_insert_select(i, make_query(depth, cte, false));
        return;
    }
    put(" VALUES (");
    for (int row = 0; row < 2; row++) {
        put(row ? ", (" : "");
        a = make_value(depth);
        put(", ");
        b = make_value(depth);
        put(")");
        elqb_values(i, a, b);
    }
}

/* What is inserted: nothing, one row by elqb_set(), or more. */
static void make_inserted(int depth, elqb_insert *i, elqb_cte *cte)
{
    elqb_expr a, b, x, y;

    switch (random_below(4)) {
    case 0:
        put(" DEFAULT VALUES");
        return;
    case 1:
        put(" (");
        a = make_target(depth, "a");
        put(", ");
        b = make_target(depth, "b");
        put(")");
        if (maybe())
            make_override(i);
        put(" VALUES (");
        x = make_value(depth);
        put(", ");
        y = make_value(depth);
        put(")");
        elqb_set(i, a, x);
        elqb_set(i, b, y);
        return;
    default:
        put(" (\"a\", \"b\")");
        elqb_columns(i, elqb_name("a"), elqb_name("b"));
        if (maybe())
            make_override(i);
        make_source(depth, i, cte);
        return;
    }
}

/* An item of the list behind ON CONFLICT. */
static elqb_expr make_arbiter(int depth)
{
    elqb_expr e;

    switch (random_below(4)) {
    case 0:
        return make_name("a");
    case 1:
        make_name("a");
        put(" COLLATE \"C\" \"s\".\"ops\"");
        return elqb_opclass_in(q, elqb_collate(q, elqb_name("a"), "C"), "s",
                               "ops");
    case 2:
        put("(\"f\"(");
        e = elqb_func(q, "f", make_item(depth, ")) \"ops\""));
        return elqb_opclass(q, e, "ops");
    default:
        put("(");
        e = elqb_add(q, make_name("b"), elqb_lit(1));
        put(" + 1)");
        return e;
    }
}

static void make_conflict(int depth, elqb_insert *i)
{
    const elqb_expr none[] = { ELQB_END };
    elqb_expr list[] = { ELQB_NONE, ELQB_NONE, ELQB_END };
    struct setter to = { .insert = i };
    bool update = maybe(), constraint = rarely();

    put(" ON CONFLICT ");
    if (constraint) {
        put("ON CONSTRAINT \"k\" ");
        elqb_on_constraint(i, "k");
    } else if (update || maybe()) {
        put("(");
        list[0] = make_arbiter(depth);
        put(", ");
        list[1] = make_arbiter(depth);
        put(") ");
        if (maybe()) {
            put("WHERE ");
            elqb_conflict_index_where(i, make_item(depth + 1, " "));
        }
    }
    if (!update) {
        put("DO NOTHING");
        elqb_on_conflict_nothing_v(i, constraint ? none : list);
        return;
    }
    elqb_on_conflict_update_v(i, constraint ? none : list);
    put("DO UPDATE");
    make_assignments(depth, &to);
    if (maybe()) {
        put(" WHERE ");
        elqb_conflict_where(i, make_tree(depth));
    }
}

static const elpq_statement *make_insert(int depth)
{
    elqb_cte *c = make_with(depth, true);
    elqb_expr list[MOST_ITEMS];
    elqb_table t = elqb_table_named(NULL, "t");
    elqb_insert *i;

    put("INSERT INTO \"t\"");
    if (maybe()) {
        put(" AS \"x\"");
        t = elqb_table_as(t, "x");
    }
    i = elqb_insert_new(q, t);
    if (c)
        elqb_with(i, c);
    make_inserted(depth, i, c);
    if (maybe())
        make_conflict(depth, i);
    if (maybe())
        elqb_insert_returning_v(i, make_returning(depth, list));
    return elqb_render(q, i);
}

/* ---------------------------------------------------- UPDATE and DELETE */

static const elpq_statement *make_update(int depth)
{
    struct holder h = { .kind = IN_UPDATE, .cte = make_with(depth, true) };
    struct setter to = { 0 };
    elqb_expr list[MOST_ITEMS];

    put("UPDATE ");
    to.update = h.update = elqb_update_new(q, make_table(true));
    make_assignments(depth, &to);
    if (maybe()) {
        put(" FROM ");
        make_from(depth, &h, true);
    }
    if (maybe()) {
        put(" WHERE ");
        elqb_where(h.update, make_tree(depth));
    }
    if (maybe())
        elqb_update_returning_v(h.update, make_returning(depth, list));
    if (h.cte)
        elqb_with(h.update, h.cte);
    return elqb_render(q, h.update);
}

static const elpq_statement *make_delete(int depth)
{
    struct holder h = { .kind = IN_DELETE, .cte = make_with(depth, true) };
    elqb_expr list[MOST_ITEMS];

    put("DELETE FROM ");
    h.deletion = elqb_delete_new(q, make_table(true));
    if (maybe()) {
        put(" USING ");
        make_from(depth, &h, true);
    }
    if (maybe()) {
        put(" WHERE ");
        elqb_where(h.deletion, make_tree(depth));
    }
    if (maybe())
        elqb_delete_returning_v(h.deletion, make_returning(depth, list));
    if (h.cte)
        elqb_with(h.deletion, h.cte);
    return elqb_render(q, h.deletion);
}

/* ------------------------------------------------------------------ MERGE */

static elqb_expr make_when(int depth, const char *word, bool last)
{
    elqb_expr condition = ELQB_NONE;

    put(word);
    if (!last) {
        put(" AND ");
        condition = make_tree(depth);
    }
    put(" THEN ");
    return condition;
}

static void make_matched(int depth, elqb_merge *m, bool last)
{
    elqb_expr condition = make_when(depth, " WHEN MATCHED", last);
    struct setter to = { 0 };

    switch (random_below(3)) {
    case 0:
        put("DELETE");
        elqb_when_matched_delete(m, condition);
        break;
    case 1:
        put("DO NOTHING");
        elqb_when_matched_nothing(m, condition);
        break;
    default:
        put("UPDATE");
        to.when = elqb_when_matched_update(m, condition);
        make_assignments(depth, &to);
        break;
    }
}

static void make_not_matched(int depth, elqb_merge *m, bool last)
{
    elqb_expr condition = make_when(depth, " WHEN NOT MATCHED", last), a, x, y;
    elqb_when *w;

    if (rarely()) {
        put("DO NOTHING");
        elqb_when_not_matched_nothing(m, condition);
        return;
    }
    w = elqb_when_not_matched_insert(m, condition);
    put("INSERT ");
    if (rarely()) {
        put("DEFAULT VALUES");
        return;
    }
    put("(");
    a = make_target(depth, "a");
    put(", \"b\") ");
    if (maybe()) {
        put("OVERRIDING USER VALUE ");
        elqb_overriding(w, ELQB_USER_VALUE);
    }
    put("VALUES (");
    x = make_value(depth);
    put(", ");
    y = make_value(depth);
    put(")");
    elqb_set(w, a, x);
    elqb_set(w, elqb_name("b"), y);
}

static const elpq_statement *make_merge(int depth)
{
    struct holder h = { .kind = IN_MERGE, .cte = make_with(depth, false) };
    elqb_table source;
    size_t start;

    put("MERGE INTO ");
    h.merge = elqb_merge_new(q, make_table(true));
    put(" USING ");
    start = out.size;
    source = make_from_item(depth, h.cte);
    if (rarely()) {
        elqb_merge_using(h.merge, source, elqb_literal(elpq_bool(true)));
        make_join(depth, &h, start);
        put(" ON true");
    } else {
        put(" ON ");
        elqb_merge_using(h.merge, source, make_tree(depth));
    }
    for (unsigned i = 1 + random_below(3); i > 0; i--)
        make_matched(depth, h.merge, i == 1);
    for (unsigned i = random_below(3); i > 0; i--)
        make_not_matched(depth, h.merge, i == 1);
    if (h.cte)
        elqb_with(h.merge, h.cte);
    return elqb_render(q, h.merge);
}

/* ------------------------------------------------------------------- tests */

static const elpq_statement *make_whole_select(int depth)
{
    elqb_cte *c = make_with(depth, true);
    elqb_select *s = make_query(depth, c, false);

    if (c)
        elqb_with(s, c);
    return elqb_render(q, s);
}

static const elpq_statement *(*const kinds[])(int depth) = {
    make_whole_select, make_insert, make_update, make_delete, make_merge,
};
#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

START_TEST(test_statements)
{
    long long count = test_number("ELPQ_TEST_STATEMENTS",
                                  qb_rounds(STATEMENTS));

    random_state += (uint64_t)test_number("ELPQ_TEST_SEED", 0);
    for (long long i = 0; i < count; i++) {
        const elpq_statement *st;

        out.size = 0;
        parameters = 0;
        st = kinds[_i](1 + (int)random_below(3));
        ck_assert_msg(st != NULL, "%s\n  for  %s", elqb_error(q), out.text);
        same_tree(i, st->sql);
        elqb_reset(q);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_statements");
    TCase *tcase = qb_case(suite, "statements");

    tcase_set_timeout(tcase, getenv("ELPQ_TEST_STATEMENTS") ? 3600 : 120);
    tcase_add_loop_test(tcase, test_statements, 0, KINDS);
    return qb_main(suite);
}

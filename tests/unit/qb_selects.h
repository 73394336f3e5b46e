/* SPDX-License-Identifier: PostgreSQL */
/*
 * Random selects with every clause, made twice as the expressions of qb_trees.h
 * are: by the library, whose verbs are called in another order than that of the
 * text, and as text, with parentheses around operands, joins and the selects of
 * set operations.  For check_qb_statements.c.
 */
#ifndef ELPQ_TESTS_QB_SELECTS_H
#define ELPQ_TESTS_QB_SELECTS_H

#include "qb/statements.h"

#include "qb_trees.h"

#define MOST_ITEMS 4

/* What has FROM: any statement. */
enum holder_kind { IN_SELECT, IN_UPDATE, IN_DELETE, IN_MERGE };

struct holder {
    enum holder_kind kind;
    elqb_select *select;
    elqb_update *update;
    elqb_delete *deletion;
    elqb_merge *merge;
    elqb_cte *cte; /* in sight, or NULL                                     */
};

static bool maybe(void)
{
    return random_below(2) == 0;
}

static bool rarely(void)
{
    return random_below(4) == 0;
}

/* The text one time, or the other: SQL has two for the same. */
static void put_either(const char *one, const char *other)
{
    put(maybe() ? one : other);
}

static void insert_text(size_t at, const char *text)
{
    size_t size = strlen(text);

    put(text);
    memmove(out.text + at + size, out.text + at, out.size - at - size);
    memcpy(out.text + at, text, size);
}

static elqb_expr make_name(const char *name)
{
    put("\"");
    put(name);
    put("\"");
    return elqb_name(name);
}

/* a, b, c; ends with ELQB_END. */
static const elqb_expr *make_items(int depth, elqb_expr list[MOST_ITEMS])
{
    unsigned count = 1 + random_below(MOST_ITEMS - 1);

    for (unsigned i = 0; i < count; i++) {
        if (i)
            put(", ");
        list[i] = make_tree(depth);
    }
    list[count] = ELQB_END;
    return list;
}

static elqb_select *make_query(int depth, elqb_cte *cte, bool operand);

/* ------------------------------------------------------------------- FROM */

static elqb_table make_alias(elqb_table t)
{
    put_either(" AS \"x\"", " \"x\"");
    return elqb_table_as(t, "x");
}

static elqb_table make_table(bool only)
{
    bool schema = rarely();
    elqb_table t = elqb_table_named(schema ? "s" : NULL, "t u");

    only = only && rarely();
    put(only ? "ONLY " : "");
    put(schema ? "\"s\".\"t u\"" : "\"t u\"");
    if (maybe())
        t = make_alias(t);
    return only ? elqb_only(t) : t;
}

static elqb_table make_subquery_item(int depth, elqb_cte *cte)
{
    bool lateral = rarely();
    elqb_select *s;
    elqb_table t;

    put(lateral ? "LATERAL (" : "(");
    s = make_query(depth - 1, cte, false);
    put(") ");
    put_either("AS \"x\"", "\"x\"");
    t = lateral ? elqb_lateral(q, s, "x") : elqb_subquery(q, s, "x");
    if (rarely()) {
        put(" (\"a\", \"b\")");
        t = elqb_alias_columns(q, t, ELQB_COL("a", ""), ELQB_COL("b", ""));
    }
    return t;
}

static elqb_table make_values_item(int depth)
{
    elqb_expr first, second;
    elqb_table t;
    bool lateral = rarely();

    put(lateral ? "LATERAL (VALUES " : "(VALUES ");
    first = make_row(depth);
    put(", ");
    second = make_row(depth);
    put(") AS \"x\" (\"a\", \"b\")");
    t = elqb_values_table(q, "x", ELQB_COLS(ELQB_COL("a", ""),
                                            ELQB_COL("b", "")),
                          first, second);
    return lateral ? elqb_lateral_of(q, t) : t;
}

static elqb_table make_function_item(int depth)
{
    bool lateral = rarely();
    elqb_table t;

    put(lateral ? "LATERAL \"f\"(" : "\"f\"(");
    t = elqb_table_func(q, elqb_func(q, "f", make_item(depth, ")")), "x");
    switch (random_below(4)) {
    case 0:
        put(" WITH ORDINALITY AS \"x\"");
        t = elqb_with_ordinality(q, t);
        break;
    case 1:
        put(" AS \"x\" (\"a\" int4, \"b\" text[])");
        t = elqb_define_columns(q, t, ELQB_COL("a", "int4"),
                                ELQB_COL("b", "text[]"));
        break;
    case 2:
        put(" WITH ORDINALITY AS \"x\" (\"a\", \"n\")");
        t = elqb_alias_columns(q, elqb_with_ordinality(q, t),
                               ELQB_COL("a", "int4"), ELQB_COL("n", ""));
        break;
    default:
        put(" AS \"x\"");
        break;
    }
    return lateral ? elqb_lateral_of(q, t) : t;
}

static elqb_table make_rows_from(int depth)
{
    elqb_expr f, g;
    elqb_table t;
    bool numbered;

    put("ROWS FROM (\"f\"(");
    f = elqb_func(q, "f", make_item(depth, "), \"g\"("));
    g = elqb_func(q, "g", make_item(depth, ") AS (\"a\" int4))"));
    numbered = maybe();
    put(numbered ? " WITH ORDINALITY AS \"x\"" : " AS \"x\"");
    t = elqb_rows_from(q, "x", f, elqb_func_as(q, g, ELQB_COL("a", "int4")));
    return numbered ? elqb_with_ordinality(q, t) : t;
}

static elqb_table make_sample(int depth)
{
    elqb_table t = make_table(false);

    put(" TABLESAMPLE \"m\".\"system\" (");
    t = elqb_tablesample_in(q, t, "m", "system", make_item(depth, ")"));
    if (maybe()) {
        put(" REPEATABLE (");
        t = elqb_repeatable(q, t, make_item(depth, ")"));
    }
    return t;
}

static void make_from(int depth, struct holder *h, bool comma);

static elqb_table make_joined(int depth, elqb_cte *cte)
{
    struct holder h = { .kind = IN_SELECT, .cte = cte };
    bool alias = maybe();

    h.select = elqb_select_new(q);
    put("(");
    make_from(depth - 1, &h, false);
    put(alias ? ") AS \"j\"" : ")");
    return elqb_joined(q, h.select, alias ? "j" : NULL);
}

static elqb_table make_from_item(int depth, elqb_cte *cte)
{
    switch (random_below(depth > 0 ? 10 : 6)) {
    case 0:
        return make_values_item(depth);
    case 1:
        return make_function_item(depth);
    case 2:
        return make_rows_from(depth);
    case 3:
        return make_sample(depth);
    case 6:
    case 7:
        return make_subquery_item(depth, cte);
    case 8:
        return make_joined(depth, cte);
    default:
        if (!cte || maybe())
            return make_table(true);
        put("\"c\"");
        return maybe() ? make_alias(elqb_cte_table(cte)) : elqb_cte_table(cte);
    }
}

static void add_from(struct holder *h, elqb_table t)
{
    switch (h->kind) {
    case IN_SELECT:
        elqb_from(h->select, t);
        break;
    case IN_UPDATE:
        elqb_from(h->update, t);
        break;
    case IN_DELETE:
        elqb_using(h->deletion, t);
        break;
    case IN_MERGE:
        break; /* it has one source: see make_merge() */
    }
}

#define ADD_JOIN(call, ...)                                                   \
    do {                                                                      \
        if (h->kind == IN_SELECT)                                             \
            call(h->select, __VA_ARGS__);                                     \
        else if (h->kind == IN_UPDATE)                                        \
            call(h->update, __VA_ARGS__);                                     \
        else if (h->kind == IN_DELETE)                                        \
            call(h->deletion, __VA_ARGS__);                                   \
        else                                                                  \
            call(h->merge, __VA_ARGS__);                                      \
    } while (0)

static elqb_join_kind make_join_kind(void)
{
    switch (random_below(4)) {
    case 0:
        put_either(" INNER JOIN ", " JOIN ");
        return ELQB_INNER;
    case 1:
        put_either(" LEFT OUTER JOIN ", " LEFT JOIN ");
        return ELQB_LEFT;
    case 2:
        put_either(" RIGHT OUTER JOIN ", " RIGHT JOIN ");
        return ELQB_RIGHT;
    default:
        put_either(" FULL OUTER JOIN ", " FULL JOIN ");
        return ELQB_FULL;
    }
}

/* The join of what was printed from `start` on: it is put into parentheses. */
static void make_join(int depth, struct holder *h, size_t start)
{
    elqb_join_kind kind;
    elqb_table t;

    switch (random_below(4)) {
    case 0:
        put(" CROSS JOIN ");
        t = make_from_item(depth, h->cte);
        ADD_JOIN(elqb_join, ELQB_CROSS, t, ELQB_NONE);
        break;
    case 1:
        put(" NATURAL");
        kind = make_join_kind();
        t = make_from_item(depth, h->cte);
        ADD_JOIN(elqb_join_natural, kind, t);
        break;
    case 2:
        kind = make_join_kind();
        t = make_from_item(depth, h->cte);
        put(" USING (\"a\", \"b\") AS \"k\"");
        ADD_JOIN(elqb_join_using_as, kind, t, "k", elqb_name("a"),
                 elqb_name("b"));
        break;
    default:
        kind = make_join_kind();
        t = make_from_item(depth, h->cte);
        put(" ON ");
        ADD_JOIN(elqb_join, kind, t, make_tree(depth));
        break;
    }
    insert_text(start, "(");
    put(")");
}

/* a, b JOIN c; what is joined is without commas, and more than one. */
static void make_from(int depth, struct holder *h, bool comma)
{
    unsigned count = comma ? random_below(3) : 1 + random_below(2);
    size_t start = out.size;

    add_from(h, make_from_item(depth, h->cte));
    while (count-- > 0) {
        if (comma && maybe()) {
            put(", ");
            start = out.size;
            add_from(h, make_from_item(depth, h->cte));
        } else {
            make_join(depth, h, start);
        }
    }
    if (!comma) { /* they are in parentheses already */
        memmove(out.text + start, out.text + start + 1, out.size - start);
        out.size -= 2;
        out.text[out.size] = '\0';
    }
}

/* --------------------------------------------------------------- GROUP BY */

static elqb_expr make_grouping(int depth)
{
    elqb_expr list[MOST_ITEMS];

    switch (random_below(5)) {
    case 0:
        put("ROLLUP (");
        make_items(depth, list);
        put(")");
        return elqb_rollup_v(q, list);
    case 1:
        put("CUBE (");
        make_items(depth, list);
        put(")");
        return elqb_cube_v(q, list);
    case 2:
        put("GROUPING SETS (");
        list[0] = make_tree(depth);
        put(", (), ");
        list[1] = elqb_grouping_set(q);
        list[2] = depth > 0 ? make_grouping(depth - 1) : make_tree(0);
        list[3] = ELQB_END;
        put(")");
        return elqb_grouping_sets_v(q, list);
    default:
        return make_tree(depth);
    }
}

/* ---------------------------------------------------------------- ORDER BY */

static elqb_expr make_order(int depth)
{
    elqb_expr e = make_tree(depth);

    switch (random_below(4)) {
    case 0:
        put(" ASC");
        e = elqb_asc(q, e);
        break;
    case 1:
        put(" DESC");
        e = elqb_desc(q, e);
        break;
    case 2:
        put(" USING @<");
        e = elqb_order_operator(q, e, "@<");
        break;
    default:
        break;
    }
    switch (random_below(3)) {
    case 0:
        put(" NULLS FIRST");
        return elqb_nulls_first(q, e);
    case 1:
        put(" NULLS LAST");
        return elqb_nulls_last(q, e);
    default:
        return e;
    }
}

/* LIMIT and OFFSET, or OFFSET and FETCH, which needs the order. */
static void make_limit(int depth, elqb_select *s, bool ordered)
{
    if (maybe()) {
        if (maybe()) {
            put(" LIMIT ");
            elqb_limit(s, make_tree(depth));
        }
        if (maybe()) {
            put(" OFFSET ");
            elqb_offset(s, make_tree(depth));
        }
    } else if (ordered) {
        if (maybe()) {
            put(" OFFSET ");
            elqb_offset(s, make_tree(depth));
        }
        put(" FETCH FIRST ");
        elqb_fetch_ties(s, make_operand(depth + 1));
        put_either(" ROWS WITH TIES", " ROW WITH TIES");
    }
}

static void make_ends(int depth, elqb_select *s)
{
    bool ordered = maybe();
    elqb_expr list[3] = { ELQB_NONE, ELQB_NONE, ELQB_END };

    if (ordered) {
        put(" ORDER BY ");
        list[0] = s->set ? make_name("a") : make_order(depth);
        if (maybe()) {
            put(", ");
            list[1] = s->set ? make_name("b") : make_order(depth);
        }
        elqb_order_by_v(s, list);
    }
    make_limit(depth, s, ordered);
}

/* ----------------------------------------------------------------- SELECT */

/* What .* is put behind. */
static elqb_expr make_whole(int depth)
{
    size_t start = out.size;
    elqb_expr e = make_operand(depth);

    add_to(start, e, NODE_FIELD);
    return e;
}

static void make_columns(int depth, elqb_expr list[MOST_ITEMS])
{
    unsigned count = 1 + random_below(MOST_ITEMS - 1);

    for (unsigned i = 0; i < count; i++) {
        if (i)
            put(", ");
        switch (random_below(6)) {
        case 0:
            put("*");
            list[i] = elqb_star();
            break;
        case 1:
            put("\"s\".\"t\".*");
            list[i] = elqb_table_star(elqb_table_named("s", "t"));
            break;
        case 2:
            list[i] = make_whole(depth + 1);
            put(".*");
            list[i] = elqb_field_star(q, list[i]);
            break;
        case 3:
            list[i] = elqb_as(q, make_tree(depth), "l");
            put(" AS \"l\"");
            break;
        default:
            list[i] = make_tree(depth);
            break;
        }
    }
    list[count] = ELQB_END;
}

/* WINDOW, which columns and ORDER BY are not to refer to here: they are made
 * before it is known. */
static void make_windows(int depth, elqb_select *s)
{
    elqb_window_spec window;
    elqb_expr lists[4];

    put(" WINDOW \"w\" AS (");
    make_window(depth, &window, lists);
    put(")");
    elqb_window_v(s, "w", &window);
    if (!window.frame && maybe()) { /* else SQL takes OVER "w" alone */
        put(", \"v\" AS (\"w\")");
        elqb_window(s, "v", .extends = "w");
    }
}

static void make_lock(elqb_select *s)
{
    static const char *const words[] = { " FOR UPDATE", " FOR NO KEY UPDATE",
                                         " FOR SHARE", " FOR KEY SHARE" };
    static const char *const waits[] = { "", " NOWAIT", " SKIP LOCKED" };
    elqb_strength strength = (elqb_strength)random_below(4);
    elqb_wait wait = (elqb_wait)random_below(s->with_ties ? 2 : 3);

    put(words[strength]);
    if (maybe()) {
        put(" OF \"t\", \"x\"");
        elqb_for(s, strength, wait, elqb_table_named(NULL, "t"),
                 elqb_table_as(elqb_table_named("s", "t"), "x"));
    } else {
        elqb_for(s, strength, wait);
    }
    put(waits[wait]);
}

/* From GROUP BY to WINDOW. */
static void make_groups(int depth, elqb_select *s)
{
    if (rarely()) {
        bool distinct = maybe();
        elqb_expr first, second;

        put(distinct ? " GROUP BY DISTINCT " : " GROUP BY ");
        first = make_grouping(depth);
        put(", ");
        second = make_grouping(depth);
        elqb_group_by(s, first, second);
        if (distinct)
            elqb_group_by_distinct(s);
    }
    if (rarely()) {
        put(" HAVING ");
        elqb_having(s, make_tree(depth));
    }
    if (rarely())
        make_windows(depth, s);
}

static elqb_select *make_plain(int depth, elqb_cte *cte)
{
    struct holder h = { .kind = IN_SELECT, .cte = cte };
    elqb_expr columns[MOST_ITEMS], distinct[MOST_ITEMS];
    elqb_select *s = h.select = elqb_select_new(q);

    put("SELECT ");
    switch (random_below(5)) {
    case 0:
        put("DISTINCT ");
        elqb_distinct(s);
        break;
    case 1:
        put("DISTINCT ON (");
        elqb_distinct_on_v(s, make_items(depth, distinct));
        put(") ");
        break;
    default:
        break;
    }
    make_columns(depth, columns);
    if (random_below(5)) {
        put(" FROM ");
        make_from(depth, &h, true);
    }
    if (maybe()) {
        put(" WHERE ");
        elqb_where(s, make_tree(depth));
    }
    make_groups(depth, s);
    elqb_select_columns_v(s, columns);
    return s;
}

static elqb_select *make_set(int depth, elqb_cte *cte)
{
    static const struct {
        const char *word;
        elqb_select *(*make)(elqb *, elqb_select *const *);
    } sets[] = {
        { " UNION ", elqb_union_v },
        { " UNION ALL ", elqb_union_all_v },
        { " INTERSECT ", elqb_intersect_v },
        { " EXCEPT ALL ", elqb_except_all_v },
    };
    unsigned set = random_below(4), count = 2 + random_below(2);
    elqb_select *selects[4];
    size_t start = out.size;

    for (unsigned i = 0; i < count; i++) {
        if (i)
            put(sets[set].word);
        put("(");
        selects[i] = make_query(depth - 1, cte, true);
        put(")");
        if (i) {
            insert_text(start, "(");
            put(")");
        }
    }
    selects[count] = ELQB_SELECTS_END;
    return sets[set].make(q, selects);
}

/* Any select, without WITH of its own. */
static elqb_select *make_query(int depth, elqb_cte *cte, bool operand)
{
    elqb_select *s;

    if (depth <= 0) {
        s = make_select(0);
    } else if (random_below(5) == 0) {
        s = make_set(depth, cte);
        make_ends(depth - 1, s);
    } else {
        s = make_plain(depth - 1, cte);
        make_ends(depth - 1, s);
        if (!operand && rarely())
            make_lock(s);
    }
    return s;
}

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The forms of qb_trees.h that are no operators of ops.def, or that have a text
 * of their own.  What SQL makes one of (a AND b AND c, x[1][2]) is printed as
 * one, too.
 */
#ifndef ELPQ_TESTS_QB_FORMS_H
#define ELPQ_TESTS_QB_FORMS_H

#include "qb_printer.h"

/* a AND b AND c is one node to the parser as well, but only unparenthesised:
 * the terms are printed the way they are flattened. */
static elqb_expr make_logic(int depth, enum elqb__op op)
{
    elqb_expr terms[4];
    unsigned count = 2 + random_below(2);

    for (unsigned i = 0; i < count; i++) {
        size_t start;

        if (i)
            put_word(op == OP_AND ? "AND" : "OR");
        start = out.size;
        terms[i] = make_operand(depth);
        if (terms[i].kind == ELQB_KIND_NODE && terms[i].u.node->op == op) {
            out.text[start] = ' '; /* (a AND b) is taken apart */
            out.text[out.size - 1] = ' ';
        }
    }
    terms[count] = ELQB_END;
    return op == OP_AND ? elqb_and_v(q, terms) : elqb_or_v(q, terms);
}

static elqb_expr make_and(int depth)
{
    return make_logic(depth, OP_AND);
}

static elqb_expr make_or(int depth)
{
    return make_logic(depth, OP_OR);
}

static elqb_expr make_concat(int depth)
{
    elqb_expr a = make_operand(depth), b;

    put_word("||");
    b = make_operand(depth);
    return elqb_concat(q, a, b);
}

static const char *const spellings[] = { "<->", "@>", "+", "=",  "<=", "%",
                                         "~~", "!!=", "||", "@-@", "^", "->" };

static const char *pick_spelling(void)
{
    return spellings[random_below(sizeof(spellings) / sizeof(*spellings))];
}

static elqb_expr make_spelled(int depth)
{
    const char *spelling = pick_spelling();
    elqb_expr a = make_operand(depth);
    bool schema = random_below(3) == 0;

    put(schema ? " OPERATOR(\"s\"." : " ");
    put(spelling);
    put(schema ? ") " : " ");
    return schema ? elqb_operator_in(q, "s", a, spelling, make_operand(depth))
                  : elqb_operator(q, a, spelling, make_operand(depth));
}

static elqb_expr make_prefixed(int depth)
{
    if (random_below(2)) {
        put(" |/ ");
        return elqb_operator_prefix(q, "|/", make_operand(depth));
    }
    put(" OPERATOR(\"s\".@-) ");
    return elqb_operator_prefix_in(q, "s", "@-", make_operand(depth));
}

static elqb_expr make_in_list(int depth)
{
    elqb_expr list[3], a = make_operand(depth);
    bool not = random_below(2);

    put(not ? " NOT IN (" : " IN (");
    list[0] = make_item(depth, ", ");
    list[1] = make_item(depth, ")");
    list[2] = ELQB_END;
    return not ? elqb_not_in_v(q, a, list) : elqb_in_v(q, a, list);
}

static elqb_expr make_row(int depth)
{
    elqb_expr a, b;

    put("(");
    a = make_item(depth, ", ");
    b = make_item(depth, ")");
    return elqb_row(q, a, b);
}

/* (a, b) IN ((c, d), (e, f)) and = */
static elqb_expr make_rows(int depth)
{
    elqb_expr a = make_row(depth), b, c;

    if (random_below(2)) {
        put(" IN (");
        b = make_row(depth);
        put(", ");
        c = make_row(depth);
        put(")");
        return elqb_in(q, a, b, c);
    }
    put(" < ");
    return elqb_lt(q, a, make_row(depth));
}

/* The arrays of columns of no known type say what they are. */
static elqb_expr make_in_unnest(int depth)
{
    elqb_expr a, b, c, d;
    bool not = random_below(2);

    put("(");
    a = make_item(depth, ", ");
    b = make_item(depth, not ? ") NOT IN (" : ") IN (");
    put("SELECT * FROM unnest(CAST(");
    c = elqb_cast(q, make_item(depth, " AS int4[]), CAST("), "int4[]");
    d = elqb_cast(q, make_item(depth, " AS text[])))"), "text[]");
    if (a.kind == ELQB_KIND_NODE)
        a.oid = 0;
    if (b.kind == ELQB_KIND_NODE)
        b.oid = 0;
    return not ? elqb_not_in_arrays(q, elqb_row(q, a, b), c, d)
               : elqb_in_arrays(q, elqb_row(q, a, b), c, d);
}

static elqb_expr make_periods(int depth)
{
    elqb_expr a, b, c, d;

    put("(");
    a = make_item(depth, ", ");
    b = make_item(depth, ") OVERLAPS (");
    c = make_item(depth, ", ");
    d = make_item(depth, ")");
    return elqb_periods_overlap(q, a, b, c, d);
}

static elqb_expr make_any_all(int depth)
{
    static const char *const quantified[] = { "=", "<", "@>", "+", "~", "LIKE",
                                              "NOT ILIKE" };
    const char *spelling = quantified[random_below(7)];
    elqb_expr a = make_operand(depth), b;
    bool all = random_below(2), schema = random_below(4) == 0;

    if (schema)
        spelling = "+";
    put(schema ? " OPERATOR(\"s\"." : " ");
    put(spelling);
    put(schema ? ")" : "");
    put(all ? " ALL (" : " ANY (");
    if (random_below(2)) {
        put("ARRAY[");
        b = make_item(depth, "]");
        b = elqb_array(q, b);
    } else {
        b = make_concat(depth);
    }
    put(")");
    if (schema)
        return all ? elqb_operator_all_in(q, "s", a, spelling, b)
                   : elqb_operator_any_in(q, "s", a, spelling, b);
    return all ? elqb_operator_all(q, a, spelling, b)
               : elqb_operator_any(q, a, spelling, b);
}

/* ---------------------------------------------------- indirection and atoms */

static elqb_expr make_slice(int depth, elqb_expr a)
{
    elqb_expr from = ELQB_NONE, to = ELQB_NONE;

    put("[");
    if (random_below(2))
        from = make_item(depth, " ");
    put(" : ");
    if (random_below(2))
        to = make_item(depth, " ");
    put("]");
    return elqb_slice(q, a, from, to);
}

/* Whether this is added to what is there, instead of to a whole of it: an
 * element of a slice is not one more dimension of it. */
static bool is_added(const elqb_expr *e, enum elqb__node_kind kind)
{
    if (e->kind != ELQB_KIND_NODE)
        return false;
    return e->u.node->kind == NODE_FIELD || e->u.node->kind == kind ||
           (kind == NODE_FIELD && (e->u.node->kind == NODE_SUBSCRIPT ||
                                   e->u.node->kind == NODE_SLICE));
}

/* What is there already, from where it starts. */
static void add_to(size_t start, elqb_expr e, enum elqb__node_kind kind)
{
    if (is_added(&e, kind)) {
        out.text[start] = ' ';
        out.text[out.size - 1] = ' ';
    }
}

/* (base)[i][j : k].f: one step, from where the base starts, in parentheses */
static elqb_expr make_step(int depth, size_t start, elqb_expr e)
{
    static const enum elqb__node_kind kinds[] = { NODE_SUBSCRIPT, NODE_SLICE,
                                                  NODE_FIELD };
    enum elqb__node_kind kind = kinds[random_below(3)];

    add_to(start, e, kind);
    if (kind == NODE_SLICE)
        return make_slice(depth, e);
    if (kind == NODE_FIELD) {
        put(".\"f\"");
        return elqb_field(q, e, "f");
    }
    put("[");
    return elqb_subscript(q, e, make_item(depth, "]"));
}

static elqb_expr make_indirection(int depth)
{
    size_t start = out.size;
    bool twice = random_below(2);
    elqb_expr e;

    if (!twice)
        return make_step(depth, start, make_operand(depth));
    put("(");
    e = make_step(depth, start + 1, make_operand(depth));
    put(")");
    return make_step(depth, start, e);
}

static elqb_expr make_function(int depth)
{
    elqb_expr a, b, c;

    switch (random_below(6)) {
    case 4:
        put("NULLIF(");
        a = make_item(depth, ", ");
        b = make_item(depth, ")");
        return elqb_nullif(q, a, b);
    case 5:
        put("GREATEST(");
        a = make_item(depth, ", LEAST(");
        b = make_item(depth, ", current_timestamp(3)))");
        b = elqb_least(q, b, elqb_func(q, "current_timestamp", elqb_lit(3)));
        return elqb_greatest(q, a, b);
    case 0:
        put("\"f\"(");
        a = make_item(depth, ", \"x\" => ");
        b = make_item(depth, ", VARIADIC \"y\" => ");
        c = make_item(depth, ")");
        return elqb_func(q, "f", a, elqb_named(q, "x", b),
                         elqb_variadic(q, elqb_named(q, "y", c)));
    case 1:
        put("COALESCE(");
        a = make_item(depth, ", ");
        b = make_item(depth, ")");
        return elqb_coalesce(q, a, b);
    case 2:
        put("\"s\".\"g\"(DISTINCT ");
        a = make_item(depth, " ORDER BY ");
        b = make_item(depth, " DESC) FILTER (WHERE ");
        c = make_item(depth, ")");
        a = elqb_agg_distinct(q, elqb_func_in(q, "s", "g", a));
        return elqb_agg_filter(q, elqb_agg_order_by(q, a, elqb_desc(q, b)), c);
    default:
        put("EXTRACT(\"year\" FROM ");
        return elqb_extract(q, "year", make_item(depth, ")"));
    }
}

static elqb_expr make_case(int depth)
{
    elqb_expr base = ELQB_NONE, a, b, c = ELQB_NONE;

    put("CASE ");
    if (random_below(2))
        base = make_item(depth, " ");
    put("WHEN ");
    a = make_item(depth, " THEN ");
    b = make_item(depth, " ");
    if (random_below(2)) {
        put("ELSE ");
        c = make_item(depth, " ");
    }
    put("END");
    return elqb_case_v(q, base, ELQB_LIST(a, b), c);
}

static elqb_expr make_atom(int depth)
{
    elqb_expr a, b;

    switch (random_below(4)) {
    case 0:
        put("CAST(");
        return elqb_cast(q, make_item(depth, " AS int4[])"), "int4[]");
    case 1:
        put("ARRAY[");
        a = make_item(depth, ", ");
        b = make_item(depth, "]");
        return elqb_array(q, a, b);
    case 2: /* text may hold any operator, so it is grouped as an operand */
        put("\"a\" OR \"b\"");
        return elqb_text(q, "\"a\" OR \"b\"");
    default:
        return make_row(depth);
    }
}

static elqb_expr make_collate(int depth)
{
    elqb_expr a = make_operand(depth);

    put(" COLLATE \"s\".\"C\"");
    return elqb_collate_in(q, a, "s", "C");
}

/* ------------------------------------------------- aggregates and windows */

/* "f"(a) WITHIN GROUP (ORDER BY b) FILTER (WHERE c) */
static elqb_expr make_within_group(int depth)
{
    elqb_expr e, order;

    put("\"f\"(");
    e = elqb_func(q, "f", make_item(depth, ") WITHIN GROUP (ORDER BY "));
    order = make_item(depth, " DESC NULLS LAST, ");
    order = elqb_nulls_last(q, elqb_desc(q, order));
    e = elqb_agg_within_group(q, e, order, make_item(depth, ")"));
    if (random_below(2)) {
        put(" FILTER (WHERE ");
        e = elqb_agg_filter(q, e, make_item(depth, ")"));
    }
    return e;
}

/* One end of a frame: what it is called, and its offset. */
static elqb_bound make_bound(int depth, bool start)
{
    elqb_bound bound;

    switch (random_below(4)) {
    case 0:
        put(start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
        return start ? elqb_unbounded_preceding() : elqb_unbounded_following();
    case 1:
        put("CURRENT ROW");
        return elqb_current_row();
    default:
        bound = elqb_bound_of(start ? ELQB_PRECEDING : ELQB_FOLLOWING,
                              make_operand(depth));
        put(start ? " PRECEDING" : " FOLLOWING");
        return bound;
    }
}

static void make_frame(int depth, elqb_window_spec *w)
{
    static const char *const kinds[] = { [ELQB_ROWS] = " ROWS ",
                                         [ELQB_RANGE] = " RANGE ",
                                         [ELQB_GROUPS] = " GROUPS " };
    static const char *const excluded[] = {
        "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES",
        " EXCLUDE NO OTHERS"
    };

    w->frame = (elqb_frame)(ELQB_ROWS + random_below(3));
    put(kinds[w->frame]);
    if (random_below(2)) {
        w->start = make_bound(depth, true);
    } else {
        put("BETWEEN ");
        w->start = make_bound(depth, true);
        put(" AND ");
        w->end = make_bound(depth, false);
    }
    w->exclude = (elqb_exclude)random_below(5);
    put(excluded[w->exclude]);
}

/* PARTITION BY a ORDER BY b frame; RANGE counts in the one column of order,
 * and GROUPS need it. */
static void make_window(int depth, elqb_window_spec *w, elqb_expr lists[4])
{
    memset(w, 0, sizeof(*w));
    if (random_below(2)) {
        put("PARTITION BY ");
        lists[0] = make_item(depth, " ");
        lists[1] = ELQB_END;
        w->partition_by = lists;
    }
    if (random_below(3)) {
        put("ORDER BY ");
        lists[2] = elqb_asc(q, make_item(depth, " ASC"));
        lists[3] = ELQB_END;
        w->order_by = lists + 2;
        if (random_below(3))
            make_frame(depth, w);
    }
}

static elqb_expr make_over(int depth)
{
    elqb_window_spec window;
    elqb_expr e, lists[4];

    put("\"f\"(");
    e = elqb_func(q, "f", make_item(depth, ")"));
    if (random_below(3) == 0) {
        put(" FILTER (WHERE ");
        e = elqb_agg_filter(q, e, make_item(depth, ")"));
    }
    put(" OVER (");
    make_window(depth, &window, lists);
    put(")");
    return elqb_over_v(q, e, &window);
}

/* ------------------------------------------------------------ subqueries */

/* VALUES (a, b), (c, d) LIMIT e */
static elqb_select *make_values(int depth)
{
    elqb_expr first, second;
    elqb_select *v;

    put("VALUES ");
    first = make_row(depth);
    put(", ");
    second = make_row(depth);
    v = elqb_values_select(q, first, second);
    if (random_below(3) == 0) {
        put(" LIMIT ");
        elqb_limit(v, make_item(depth, ""));
    }
    return v;
}

/* SELECT a FROM "t" WHERE b ORDER BY c */
static elqb_select *make_select(int depth)
{
    elqb_select *s;

    if (random_below(5) == 0)
        return make_values(depth);
    s = elqb_select_new(q);
    put("SELECT ");
    elqb_columns(s, make_item(depth, " FROM \"t\" WHERE "));
    elqb_from(s, elqb_table_named(NULL, "t"));
    elqb_where(s, make_item(depth, ""));
    if (random_below(2)) {
        put(" ORDER BY ");
        elqb_order_by(s, elqb_desc(q, make_item(depth, " DESC")));
    }
    return s;
}

static elqb_expr make_subquery(int depth)
{
    elqb_expr e = ELQB_NONE;
    elqb_select *s;
    unsigned kind = random_below(4);
    bool not = random_below(2);

    if (kind == 0)
        e = make_operand(depth);
    put(kind == 0   ? (not ? " NOT IN (" : " IN (")
        : kind == 1 ? "EXISTS ("
        : kind == 2 ? "ARRAY("
                    : "(");
    s = make_select(depth);
    put(")");
    if (kind == 0)
        return not ? elqb_not_in_select(q, e, s) : elqb_in_select(q, e, s);
    return kind == 1   ? elqb_exists(q, s)
           : kind == 2 ? elqb_array_select(q, s)
                       : elqb_scalar(q, s);
}

/* a < ANY (SELECT ...), (a, b) = ALL (SELECT ...) */
static elqb_expr make_any_select(int depth)
{
    static const char *const quantified[] = { "=", "<>", "@>", "~", "LIKE" };
    const char *spelling = quantified[random_below(5)];
    bool all = random_below(2);
    elqb_expr a = random_below(2) ? make_row(depth) : make_operand(depth);
    elqb_select *s;

    put_word(spelling);
    put(all ? "ALL (" : "ANY (");
    s = make_select(depth);
    put(")");
    return all ? elqb_operator_all_select(q, a, spelling, s)
               : elqb_operator_any_select(q, a, spelling, s);
}

#endif

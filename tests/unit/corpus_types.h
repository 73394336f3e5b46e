/* SPDX-License-Identifier: PostgreSQL */
/*
 * Arrays, JSON, full text, ranges and hstore of
 * tests/data/sqlalchemy-more.json, written with the builder; see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_TYPES_H
#define ELPQ_TESTS_CORPUS_TYPES_H

#include "corpus.h"

/* ------------------------------------------------------------------ arrays */

STATEMENT(array_literal)
{
    return RENDER(COLUMNS(
        U.table,
        elqb_concat(q, elqb_array(q, V(1), V(2)), elqb_array(q, V(3))),
        elqb_array(q, U.name, V("x"))));
}

STATEMENT(array_index)
{
    elqb_select *s = COLUMNS(U.table, elqb_subscript(q, U.tags, V(1)),
                             elqb_slice(q, U.tags, V(1), V(2)));

    elqb_where(s, elqb_eq(q, elqb_subscript(q, U.tags, V(2)), V("blue")));
    return RENDER(s);
}

STATEMENT(array_any_operator)
{
    return RENDER(WHERE(
        U.table, elqb_op_any(q, U.age, "<", elqb_array(q, V(30), V(40))),
        elqb_ne_all(q, V(5), elqb_array(q, V(1), V(2)))));
}

STATEMENT(array_functions)
{
    return RENDER(COLUMNS(U.table,
                          elqb_func(q, "array_length", U.tags, V(1)),
                          elqb_func(q, "array_append", U.tags, V("z")),
                          elqb_func(q, "cardinality", U.tags),
                          elqb_func(q, "array_to_string", U.tags, V(","))));
}

STATEMENT(array_concat)
{
    const char *items[] = { "q" };
    elqb_expr more = elqb_cast(q, elqb_items(items, 1), "text[]");
    elqb_select *s = COLUMNS(U.table, elqb_concat(q, U.tags, more));
    elqb_expr red = elqb_cast(q, elqb_array(q, V("red")), "text[]");

    elqb_where(s, elqb_contains(q, U.tags, red));
    return RENDER(s);
}

/* -------------------------------------------------------------------- JSON */

STATEMENT(json_get)
{
    const char *path[] = { "c", "d" };

    return RENDER(COLUMNS(
        U.table, elqb_json_get(q, U.data, V("b")),
        elqb_json_text(q, U.data, V("b")),
        elqb_json_path(q, U.data, elqb_items(path, 2)),
        elqb_json_path_text(q, U.data, elqb_items(path, 2))));
}

STATEMENT(json_index)
{
    elqb_expr list = elqb_json_get(q, U.data, V("list"));
    elqb_expr a = elqb_cast(q, elqb_json_text(q, U.data, V("a")), "integer");
    elqb_select *s = COLUMNS(U.table, elqb_json_text(q, list, V(0)));

    elqb_where(s, elqb_gt(q, a, V(0)));
    return RENDER(s);
}

STATEMENT(json_keys)
{
    return RENDER(WHERE(
        U.table, elqb_has_key(q, U.data, V("a")),
        elqb_has_any(q, U.data, elqb_array(q, V("a"), V("z"))),
        elqb_not(q, elqb_has_all(q, U.data,
                                 elqb_array(q, V("a"), V("z"))))));
}

STATEMENT(json_contains)
{
    const char *all = "{\"a\": 1, \"b\": \"x\", \"c\": {\"d\": 2}, "
                      "\"list\": [7, 8]}";

    return RENDER(WHERE(U.table, elqb_contains(q, U.data, V("{\"a\": 1}")),
                        elqb_contained_by(q, U.data, V(all))));
}

STATEMENT(json_functions)
{
    elqb_expr list = elqb_json_get(q, U.data, V("list"));

    return RENDER(COLUMNS(U.table,
                          elqb_func(q, "jsonb_path_query_first", U.data,
                                    elqb_lit("$.c.d")),
                          elqb_func(q, "jsonb_typeof", list)));
}

STATEMENT(json_delete)
{
    elqb_expr path = elqb_array(q, V("c"), V("d"));

    return RENDER(COLUMNS(U.table, elqb_sub(q, U.data, V("a")),
                          elqb_json_delete_path(q, U.data, path),
                          elqb_concat(q, U.data, V("{\"z\": 1}"))));
}

STATEMENT(json_build)
{
    return RENDER(COLUMNS(
        U.table, elqb_func(q, "jsonb_build_object", V("id"), U.id, V("name"),
                           U.name),
        elqb_func(q, "to_jsonb", U.tags),
        elqb_func(q, "row_to_json", elqb_table_row(U.table))));
}

/* --------------------------------------------------------------- full text */

STATEMENT(fulltext_match)
{
    elqb_expr tsq = elqb_func(q, "to_tsquery", elqb_lit("english"),
                              V("red & chair"));

    return RENDER(WHERE(P.table, elqb_match(q, P.search, tsq)));
}

STATEMENT(fulltext_rank)
{
    elqb_expr tsq = elqb_func(q, "websearch_to_tsquery", elqb_lit("english"),
                              V("blue OR chair"));
    elqb_expr rank = elqb_cast(q, elqb_func(q, "ts_rank", P.search, tsq),
                               "numeric(6, 4)");
    elqb_select *s = COLUMNS(P.table, P.id, elqb_as(q, rank, "rank"));

    elqb_where(s, elqb_match(q, elqb_func(q, "to_tsvector", elqb_lit("english"),
                                          P.name), tsq));
    elqb_order_by(s, elqb_desc(q, elqb_name("rank")), P.id);
    return RENDER(s);
}

/* ------------------------------------------------------------------ ranges */

static elqb_expr days(const char *from, const char *to)
{
    return elqb_func(q, "tstzrange",
                     elqb_cast(q, elqb_lit(from), "timestamptz"),
                     elqb_cast(q, elqb_lit(to), "timestamptz"));
}

STATEMENT(range_functions)
{
    elqb_expr half = days("2024-01-01", "2024-06-01");
    elqb_select *s = COLUMNS(P.table, elqb_func(q, "lower", P.valid),
                             elqb_func(q, "upper_inf", P.valid),
                             elqb_mul(q, P.valid, half));

    elqb_where(s, elqb_not(q, elqb_func(q, "isempty", P.valid)));
    return RENDER(s);
}

STATEMENT(range_operators)
{
    elqb_expr year = days("2024-01-01", "2025-01-01");

    return RENDER(WHERE(P.table,
                        elqb_or(q, elqb_range_left(q, P.valid, year),
                                elqb_range_not_right(q, P.valid, year),
                                elqb_range_adjacent(q, P.valid, year),
                                elqb_contained_by(q, P.valid, year))));
}

/* ------------------------------------------------------------------ hstore */

STATEMENT(hstore)
{
    elqb_expr h = elqb_func(q, "hstore", elqb_array(q, V("a"), V("b")),
                            elqb_array(q, V("1"), V("2")));
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_op(q, h, "->", V("a")), elqb_op(q, h, "?", V("b")),
                 elqb_op(q, h, "@>",
                         elqb_func(q, "hstore", V("a"), V("1"))));
    return RENDER(s);
}

/* ------------------------------------------------------------ put together */

STATEMENT(any_operators)
{
    elqb_expr either = elqb_cast(q, elqb_array(q, V("^a"), V("^b")), "text[]");
    elqb_expr like = elqb_cast(q, elqb_array(q, V("A%"), V("B%")), "text[]");

    return RENDER(WHERE(U.table, elqb_op_any(q, U.name, "~", either),
                        elqb_op_any(q, U.name, "ILIKE", like)));
}

static elqb_expr two_by_two(void)
{
    return elqb_array(q, elqb_array(q, V(1), V(2)),
                      elqb_array(q, V(3), V(4)));
}

STATEMENT(array_two_dimensions)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, elqb_func(q, "array_to_string", two_by_two(), V("-")),
                 elqb_func(q, "array_dims", two_by_two()));
    return RENDER(s);
}

STATEMENT(array_remove_position)
{
    elqb_select *s = COLUMNS(U.table,
                             elqb_func(q, "array_remove", U.tags, V("b")),
                             elqb_func(q, "array_position", U.tags, V("blue")),
                             elqb_func(q, "array_cat", U.tags, U.tags));

    elqb_where(s, elqb_gt(q, elqb_func(q, "cardinality", U.tags), V(0)));
    return RENDER(s);
}

STATEMENT(json_text_path)
{
    const char *path[] = { "list", "1" };
    elqb_expr c = elqb_json_get(q, U.data, V("c"));
    elqb_select *s = COLUMNS(
        U.table, U.id,
        elqb_cast(q, elqb_json_text(q, c, V("d")), "integer"));

    elqb_where(s, elqb_has_key(q, elqb_json_get(q, U.data, V("c")), V("d")));
    elqb_where(s, elqb_eq(q, elqb_json_path_text(q, U.data,
                                                 elqb_items(path, 2)),
                          V("8")));
    return RENDER(s);
}

STATEMENT(fulltext_query)
{
    elqb_expr tsq = elqb_func(q, "plainto_tsquery", elqb_lit("english"),
                              V("red chair"));
    elqb_select *s = COLUMNS(
        P.table, P.id,
        elqb_func(q, "ts_headline", elqb_lit("english"), P.name, tsq));

    elqb_where(s, elqb_match(q, P.search, tsq));
    return RENDER(s);
}

STATEMENT(range_contains_element)
{
    elqb_expr day = elqb_cast(q, elqb_lit("2024-05-01"), "timestamptz");
    elqb_expr all = elqb_func(q, "tstzrange", elqb_null(OTHER),
                              elqb_null(OTHER));

    return RENDER(WHERE(P.table, elqb_contains(q, P.valid, day),
                        elqb_gt(q, elqb_func(q, "upper", P.valid),
                                elqb_func(q, "lower", P.valid)),
                        elqb_overlaps(q, P.valid, all)));
}

static const struct written types_written[] = {
    WRITTEN(array_literal),
    WRITTEN(array_index),
    WRITTEN(array_any_operator),
    WRITTEN(array_functions),
    WRITTEN(array_concat),
    WRITTEN(json_get),
    WRITTEN(json_index),
    WRITTEN(json_keys),
    WRITTEN(json_contains),
    WRITTEN(json_functions),
    WRITTEN(json_delete),
    WRITTEN(json_build),
    WRITTEN(fulltext_match),
    WRITTEN(fulltext_rank),
    WRITTEN(range_functions),
    WRITTEN(range_operators),
    WRITTEN(hstore),
    WRITTEN(any_operators),
    WRITTEN(array_two_dimensions),
    WRITTEN(array_remove_position),
    WRITTEN(json_text_path),
    WRITTEN(fulltext_query),
    WRITTEN(range_contains_element),
};

#endif

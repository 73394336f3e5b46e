/* SPDX-License-Identifier: PostgreSQL */
/*
 * Window functions, named windows, frames: every pair of bounds against the
 * server's grammar; and aggregates with all that may stand behind them.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    FLOAT8 = ELPQ_OID_FLOAT8,
    NUMERIC = ELPQ_OID_NUMERIC,
    STAMP = ELPQ_OID_TIMESTAMPTZ,
    INTERVAL = ELPQ_OID_INTERVAL
};

static elqb_expr sum(void)
{
    return elqb_func(q, "sum", O.total);
}
#define SUM "\"sum\"(\"orders\".\"total\")"
#define ID "\"orders\".\"id\""

START_TEST(test_over)
{
    CHECK_EXPR(elqb_over(q, sum()), SUM " OVER ()");
    CHECK_EXPR(elqb_over_v(q, sum(), NULL), SUM " OVER ()");
    CHECK_EXPR(elqb_over(q, elqb_count(q), .partition_by = ELQB_LIST(O.user_id,
                                                                     O.id)),
               "\"count\"(*) OVER (PARTITION BY \"orders\".\"user_id\", " ID
               ")");
    CHECK_EXPR(elqb_over(q, elqb_func(q, "rank"),
                         .partition_by = ELQB_LIST(elqb_eq(q, O.id, V(1))),
                         .order_by = ELQB_LIST(elqb_desc(q, O.total), O.id)),
               "\"rank\"() OVER (PARTITION BY " ID " = $1 ORDER BY "
               "\"orders\".\"total\" DESC, " ID ")", INT8);
    CHECK_EXPR(elqb_add(q, elqb_over(q, elqb_func(q, "rank")), V(1)),
               "\"rank\"() OVER () + $1", INT8);
}
END_TEST

/* ELQB_NONE changes nothing. */
START_TEST(test_none)
{
    CHECK_EXPR(elqb_over(q, sum(), .partition_by = ELQB_LIST(ELQB_NONE),
                         .order_by = ELQB_LIST(ELQB_NONE, O.id, ELQB_NONE)),
               SUM " OVER (ORDER BY " ID ")");
    CHECK_EXPR(elqb_over(q, elqb_agg_filter(q, sum(), ELQB_NONE)),
               SUM " OVER ()");
    CHECK_EXPR(elqb_agg_within_group(q, sum(), ELQB_NONE), SUM);
    CHECK_EXPR(elqb_agg_order_by(q, sum(), ELQB_NONE), SUM);
}
END_TEST

START_TEST(test_frames)
{
    CHECK_EXPR(elqb_over(q, sum(), .frame = ELQB_ROWS,
                         .start = elqb_unbounded_preceding()),
               SUM " OVER (ROWS UNBOUNDED PRECEDING)");
    CHECK_EXPR(elqb_over(q, sum(), .order_by = ELQB_LIST(O.id),
                         .frame = ELQB_GROUPS, .start = elqb_preceding(V(2)),
                         .end = elqb_following(elqb_lit(1)),
                         .exclude = ELQB_EXCLUDE_TIES),
               SUM " OVER (ORDER BY " ID " GROUPS BETWEEN $1 PRECEDING AND 1 "
               "FOLLOWING EXCLUDE TIES)", INT8);
    CHECK_EXPR(elqb_over(q, sum(), .partition_by = ELQB_LIST(O.id),
                         .order_by = ELQB_LIST(elqb_desc(q, O.placed_at)),
                         .frame = ELQB_RANGE, .start = elqb_preceding(V("1d")),
                         .end = elqb_current_row()),
               SUM " OVER (PARTITION BY " ID " ORDER BY "
               "\"orders\".\"placed_at\" DESC RANGE BETWEEN $1 PRECEDING AND "
               "CURRENT ROW)", INTERVAL);
    CHECK_EXPR(elqb_over(q, sum(), .order_by = ELQB_LIST(O.total),
                         .frame = ELQB_RANGE, .start = elqb_preceding(V(1.5))),
               SUM " OVER (ORDER BY \"orders\".\"total\" RANGE $1 PRECEDING)",
               NUMERIC);
    CHECK_EXPR(elqb_over(q, sum(), .frame = ELQB_ROWS,
                         .start = elqb_preceding(elqb_text(q, "1 + 1"))),
               SUM " OVER (ROWS (1 + 1) PRECEDING)");
}
END_TEST

static elqb_bound bound(int kind)
{
    elqb_expr offset = ELQB_NONE;

    if (kind == ELQB_PRECEDING || kind == ELQB_FOLLOWING)
        offset = elqb_lit(1);
    return elqb_bound_of((elqb_bound_kind)kind, offset);
}

/* Unit, bounds and EXCLUDE in all combinations: what the builder takes for
 * wrong is what the grammar refuses. */
START_TEST(test_all_frames)
{
    static const char *const words[] = { "",
                                         "UNBOUNDED PRECEDING",
                                         "1 PRECEDING",
                                         "CURRENT ROW",
                                         "1 FOLLOWING",
                                         "UNBOUNDED FOLLOWING" };
    static const char *const units[] = { "", "ROWS", "RANGE", "GROUPS" };
    static const char *const excludes[] = { "", " EXCLUDE CURRENT ROW",
                                            " EXCLUDE GROUP", " EXCLUDE TIES",
                                            " EXCLUDE NO OTHERS" };
    char sql[300];
    int good = 0;

    for (int i = 0; i < 3 * 5 * 6 * 5; i++) {
        int unit = 1 + i % 3, start = 1 + i / 3 % 5, end = i / 15 % 6;
        int exclude = i / 90;
        elqb_expr e = elqb_over(q, sum(), .order_by = ELQB_LIST(O.id),
                                .frame = (elqb_frame)unit,
                                .start = bound(start), .end = bound(end),
                                .exclude = (elqb_exclude)exclude);
        char *error;

        snprintf(sql, sizeof(sql), end ? "SELECT " SUM " OVER (ORDER BY " ID
                 " %s BETWEEN %s AND %s%s)" : "SELECT " SUM " OVER (ORDER BY "
                 ID " %s %s%s%s)", units[unit], words[start], words[end],
                 excludes[exclude]);
        error = parse_error(sql);
        if (elqb_error_code(q) == ELQB_OK) {
            ck_assert_msg(!error, "%s: %s", sql, error);
            ck_assert_str_eq(render_expr(e)->sql, sql);
            good++;
        } else {
#ifdef HAVE_PG_QUERY
            ck_assert_msg(error != NULL, "%s: %s", sql, elqb_error(q));
#endif
        }
        free(error);
        elqb_reset(q);
    }
    /* one bound: 3; two: 4 + 4 + 3 + 2, the starts with n FOLLOWING have 2 */
    ck_assert_int_eq(good, 3 * 5 * (3 + 4 + 4 + 3 + 2));
}
END_TEST

START_TEST(test_named)
{
    elqb_select *s = elqb_select_new(q), *copy;

    elqb_window(s, "w", .partition_by = ELQB_LIST(O.user_id));
    elqb_window(s, "o", .extends = "w",
                .order_by = ELQB_LIST(elqb_desc(q, O.id)));
    elqb_window(s, "all");
    elqb_columns(s, elqb_over(q, sum(), .name = "w"),
                 elqb_over(q, sum(), .extends = "o", .frame = ELQB_ROWS,
                           .start = elqb_preceding(V(1))));
    elqb_from(s, O.table);
    elqb_where(s, elqb_gt(q, O.id, V(0)));
    elqb_order_by(s, elqb_over(q, elqb_func(q, "rank"), .extends = "o"));
    copy = elqb_select_copy(s);
    elqb_window(copy, "x", .extends = "all");
    elqb_window(s, "y");
#define WINDOWS                                                               \
    "SELECT " SUM " OVER \"w\", " SUM " OVER (\"o\" ROWS $1 PRECEDING) FROM " \
    "\"orders\" WHERE " ID " > $2 WINDOW \"w\" AS (PARTITION BY "             \
    "\"orders\".\"user_id\"), \"o\" AS (\"w\" ORDER BY " ID " DESC), \"all\" " \
    "AS (), "
    CHECK(elqb_render(q, s), WINDOWS "\"y\" AS () ORDER BY \"rank\"() OVER "
          "(\"o\")", INT8, INT8);
    CHECK(elqb_render(q, copy), WINDOWS "\"x\" AS (\"all\") ORDER BY "
          "\"rank\"() OVER (\"o\")", INT8, INT8);
}
END_TEST

/* Windows of one select are none of another. */
START_TEST(test_nested)
{
    elqb_select *s = elqb_select_new(q), *inner = elqb_select_new(q);
    elqb_cte *c = elqb_cte_new(q, "c");

    elqb_window(inner, "w", .order_by = ELQB_LIST(O.id));
    elqb_columns(inner, elqb_over(q, sum(), .name = "w"));
    elqb_cte_as(c, inner);
    elqb_with(s, c);
    elqb_window(s, "w");
    elqb_columns(s, elqb_scalar(q, inner), elqb_over(q, sum(), .name = "w"));
    CHECK(elqb_render(q, s),
          "WITH \"c\" AS (SELECT " SUM " OVER \"w\" WINDOW \"w\" AS (ORDER BY "
          ID ")) SELECT (SELECT " SUM " OVER \"w\" WINDOW \"w\" AS (ORDER BY "
          ID ")), " SUM " OVER \"w\" WINDOW \"w\" AS ()");
    inner = elqb_select_new(q);
    elqb_columns(inner, elqb_over(q, sum(), .name = "w"));
    elqb_columns(s, elqb_scalar(q, inner));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: the select has no window \"w\" here, see "
                "elqb_window()");
}
END_TEST

START_TEST(test_result_types)
{
    static const struct {
        const char *name;
        uint32_t oid;
    } functions[] = { { "row_number", INT8 },   { "rank", INT8 },
                      { "dense_rank", INT8 },   { "cume_dist", FLOAT8 },
                      { "percent_rank", FLOAT8 }, { "whatever", 0 } };

    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
        ck_assert_uint_eq(elqb_over(q, elqb_func_v(q, NULL, functions[i].name,
                                                   NULL)).oid,
                          functions[i].oid);
    ck_assert_uint_eq(elqb_over(q, elqb_func(q, "ntile", V(4))).oid, INT4);
    ck_assert_uint_eq(elqb_over(q, elqb_func(q, "lag", U.created_at)).oid,
                      STAMP);
    ck_assert_uint_eq(elqb_over(q, elqb_count(q)).oid, INT8);
    ck_assert_uint_eq(elqb_over(q, elqb_func_in(q, "s", "rank")).oid, 0);
}
END_TEST

START_TEST(test_aggregates)
{
    elqb_expr half = elqb_func(q, "percentile_disc", V(0.5));
    elqb_expr mode = elqb_func(q, "mode");
    elqb_expr names = elqb_func(q, "string_agg", U.name, V(","));

    CHECK_EXPR(elqb_agg_within_group(q, half, elqb_desc(q, O.total)),
               "\"percentile_disc\"($1) WITHIN GROUP (ORDER BY "
               "\"orders\".\"total\" DESC)", FLOAT8);
    CHECK_EXPR(elqb_agg_filter(q, elqb_agg_within_group(q, mode, U.name),
                               U.active),
               "\"mode\"() WITHIN GROUP (ORDER BY \"users\".\"name\") FILTER "
               "(WHERE \"users\".\"active\")");
    CHECK_EXPR(elqb_agg_within_group(q, elqb_func(q, "rank", V(1), V("x")),
                                     U.id, U.name),
               "\"rank\"($1, $2) WITHIN GROUP (ORDER BY \"users\".\"id\", "
               "\"users\".\"name\")", INT4, 0);
    CHECK_EXPR(elqb_agg_filter(q, elqb_agg_order_by(
                   q, elqb_agg_distinct(q, names), U.name), U.active),
               "\"string_agg\"(DISTINCT \"users\".\"name\", $1 ORDER BY "
               "\"users\".\"name\") FILTER (WHERE \"users\".\"active\")", 0);
    CHECK_EXPR(elqb_over(q, elqb_agg_filter(q, elqb_count(q), U.active),
                         .order_by = ELQB_LIST(U.id)),
               "\"count\"(*) FILTER (WHERE \"users\".\"active\") OVER (ORDER "
               "BY \"users\".\"id\")");
    ck_assert_uint_eq(elqb_agg_within_group(q, half, elqb_asc(q, O.total)).oid,
                      NUMERIC);
    ck_assert_uint_eq(elqb_agg_within_group(q, mode, U.name).oid, TEXT);
    ck_assert_uint_eq(elqb_agg_within_group(q, elqb_func(q, "rank", V(1)),
                                            U.id).oid, INT8);
}
END_TEST

#define FAILS(e, text)                                                        \
    do {                                                                      \
        elqb_expr failed = e;                                                 \
                                                                              \
        ck_assert(elqb_is_none(failed));                                      \
        CHECK_FAILS(elqb_select_new(q), ELQB_E_USAGE, text);                  \
    } while (0)
#define OVER_FAILS(text, ...)                                                 \
    FAILS(elqb_over(q, sum(), __VA_ARGS__), "elqb_over: " text)

START_TEST(test_call_mistakes)
{
    elqb_expr call;

    FAILS(elqb_over(q, O.id), "elqb_over: the operand is no function call");
    FAILS(elqb_over(q, ELQB_NONE), "elqb_over: an operand is ELQB_NONE");
    FAILS(elqb_over(q, elqb_coalesce(q, O.id)),
          "elqb_over: COALESCE is no aggregate");
    FAILS(elqb_agg_filter(q, elqb_func(q, "current_date"), U.active),
          "elqb_agg_filter: CURRENT_DATE is no aggregate");
    FAILS(elqb_over(q, elqb_over(q, sum())),
          "elqb_over: the call has OVER already");
    FAILS(elqb_agg_distinct(q, elqb_count(q)),
          "elqb_agg_distinct: DISTINCT needs an argument that is not *");
    FAILS(elqb_agg_distinct(q, elqb_func(q, "f")),
          "elqb_agg_distinct: DISTINCT needs an argument that is not *");
    FAILS(elqb_agg_order_by(q, elqb_count(q), U.id),
          "elqb_agg_order_by: ORDER BY needs an argument that is not *");
    FAILS(elqb_agg_within_group(q, elqb_count(q), U.id),
          "elqb_agg_within_group: WITHIN GROUP does not go with *");
    /* The rows of a table are an argument like any other. */
    CHECK_EXPR(elqb_agg_order_by(q, elqb_func(q, "json_agg",
                                              elqb_table_star(U.table)),
                                 U.id),
               "\"json_agg\"(\"users\".* ORDER BY \"users\".\"id\")");
    CHECK_EXPR(elqb_agg_distinct(q, elqb_func(q, "count",
                                              elqb_table_star(U.table))),
               "\"count\"(DISTINCT \"users\".*)");
    FAILS(elqb_agg_within_group(q, elqb_agg_distinct(q, sum()), U.id),
          "elqb_agg_within_group: WITHIN GROUP does not go with DISTINCT");
    FAILS(elqb_agg_within_group(q, elqb_agg_order_by(q, sum(), U.id), U.id),
          "elqb_agg_within_group: the call has ORDER BY already");
    call = elqb_agg_within_group(q, sum(), U.id);
    FAILS(elqb_agg_order_by(q, call, U.id),
          "elqb_agg_order_by: the call has WITHIN GROUP already");
    call = elqb_agg_within_group(q, sum(), U.id);
    FAILS(elqb_over(q, call), "elqb_over: OVER does not go with WITHIN GROUP");
    FAILS(elqb_over(q, elqb_agg_distinct(q, sum())),
          "elqb_over: OVER does not go with DISTINCT");
    FAILS(elqb_agg_order_by(q, elqb_over(q, sum()), U.id),
          "elqb_agg_order_by: OVER does not go with ORDER BY in the call");
}
END_TEST

START_TEST(test_window_mistakes)
{
    OVER_FAILS("bounds and EXCLUDE need ROWS, RANGE or GROUPS",
               .start = elqb_current_row());
    OVER_FAILS("bounds and EXCLUDE need ROWS, RANGE or GROUPS",
               .exclude = ELQB_EXCLUDE_TIES);
    OVER_FAILS("the frame has no start", .frame = ELQB_ROWS);
    OVER_FAILS("there is no such frame", .frame = (elqb_frame)9,
               .start = elqb_current_row());
    OVER_FAILS("a frame cannot start at UNBOUNDED FOLLOWING",
               .frame = ELQB_ROWS, .start = elqb_unbounded_following());
    OVER_FAILS("a frame cannot end at UNBOUNDED PRECEDING",
               .frame = ELQB_ROWS, .start = elqb_unbounded_preceding(),
               .end = elqb_unbounded_preceding());
    OVER_FAILS("the frame ends before it starts", .frame = ELQB_ROWS,
               .start = elqb_following(V(1)));
    OVER_FAILS("an operand is ELQB_NONE", .frame = ELQB_ROWS,
               .start = elqb_preceding(ELQB_NONE));
    OVER_FAILS("only PRECEDING and FOLLOWING have an offset",
               .frame = ELQB_ROWS, .start = { ELQB_CURRENT_ROW, O.id });
    OVER_FAILS("GROUPS needs ORDER BY", .frame = ELQB_GROUPS,
               .start = elqb_current_row());
    OVER_FAILS("RANGE with an offset needs ORDER BY with one column",
               .frame = ELQB_RANGE, .order_by = ELQB_LIST(O.id, O.total),
               .start = elqb_preceding(V(1)));
    OVER_FAILS("a window that extends another has its PARTITION BY",
               .extends = "w", .partition_by = ELQB_LIST(O.id));
    OVER_FAILS("OVER \"w\" takes nothing else, see .extends", .name = "w",
               .order_by = ELQB_LIST(O.id));
    elqb_over(q, sum(), .name = "");
    CHECK_FAILS(elqb_select_new(q), ELQB_E_NAME,
                "elqb_over: the name is empty");
}
END_TEST

/* A select with a window "w", of which e is the only column. */
static const elpq_statement *with_window(elqb_expr e, elqb_window_spec spec)
{
    elqb_select *s = elqb_select_new(q);

    elqb_window_v(s, "w", &spec);
    elqb_columns(s, e);
    return elqb_render(q, s);
}
#define SPEC(...) ((elqb_window_spec){ __VA_ARGS__ })
#define IN_WINDOW(spec, text, ...)                                            \
    CHECK_FAILS(with_window(elqb_over(q, sum(), __VA_ARGS__), spec),          \
                ELQB_E_USAGE, "elqb_render: " text)

START_TEST(test_named_mistakes)
{
    elqb_select *s = elqb_select_new(q);
    elqb_expr e;

    IN_WINDOW(SPEC(.end_ = 0), "the select has no window \"x\" here, see "
              "elqb_window()", .name = "x");
    IN_WINDOW(SPEC(.end_ = 0), "the select has no window \"x\" here, see "
              "elqb_window()", .extends = "x");
    IN_WINDOW(SPEC(.extends = "w"), "the select has no window \"w\" here, see "
              "elqb_window()", .name = "w");
    e = elqb_over(q, sum(), .extends = "w");
    CHECK_FAILS(with_window(e, SPEC(.frame = ELQB_ROWS,
                                    .start = elqb_current_row())),
                ELQB_E_USAGE, "elqb_render: the window \"w\" has a frame and "
                "cannot be extended by this");
    IN_WINDOW(SPEC(.order_by = ELQB_LIST(O.id)), "the window \"w\" has an "
              "order and cannot be extended by this", .extends = "w",
              .order_by = ELQB_LIST(O.id));
    IN_WINDOW(SPEC(.end_ = 0), "the frame does not go with the order of the "
              "window \"w\"", .extends = "w", .frame = ELQB_GROUPS,
              .start = elqb_current_row());
    e = elqb_over(q, sum(), .extends = "w", .frame = ELQB_RANGE,
                  .start = elqb_preceding(V(1)));
    CHECK_FAILS(with_window(e, SPEC(.order_by = ELQB_LIST(O.id, O.total))),
                ELQB_E_USAGE, "elqb_render: the frame does not go with the "
                "order of the window \"w\"");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_over(q, sum(), .extends = "a"));
    elqb_window(s, "a", .extends = "b"); /* b comes later, and extends a */
    elqb_window(s, "b", .extends = "a");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: the select has no window \"b\" here, see "
                "elqb_window()");
    s = elqb_select_new(q);
    elqb_window(s, "w");
    elqb_window(s, "w");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_window: the select has a window \"w\" already");
    s = elqb_select_new(q);
    elqb_window(s, "w", .name = "x");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_window: .name is for OVER, see .extends");
    s = elqb_select_new(q);
    elqb_window(s, "");
    CHECK_FAILS(elqb_render(q, s), ELQB_E_NAME,
                "elqb_window: the name is empty");
    elqb_window((elqb_select *)NULL, "w");
    ck_assert_str_eq(elqb_error(q), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_window");
    TCase *tcase = qb_case(suite, "windows");

    tcase_add_test(tcase, test_over);
    tcase_add_test(tcase, test_none);
    tcase_add_test(tcase, test_frames);
    tcase_add_test(tcase, test_all_frames);
    tcase_add_test(tcase, test_named);
    tcase_add_test(tcase, test_nested);
    tcase_add_test(tcase, test_result_types);
    tcase = qb_case(suite, "aggregates");
    tcase_add_test(tcase, test_aggregates);
    tcase = qb_case(suite, "mistakes");
    tcase_add_test(tcase, test_call_mistakes);
    tcase_add_test(tcase, test_window_mistakes);
    tcase_add_test(tcase, test_named_mistakes);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/builder.md: expressions, family by family.
 */
#include "docs.h"

#define EVENT(C) C(id, INT4) C(during, TSTZRANGE) C(host, INET) C(doc, XML)   \
    C(flags, INT4) C(on_day, DATE) C(opens, TIME) C(closes, TIME)
ELQB_TABLE(event, EVENT)

static event_t E;

/* The expression, and the type of its parameter. */
static void show_typed(const char *name, elqb_expr e)
{
    static const struct {
        uint32_t oid;
        const char *name;
    } types[] = {
        { ELPQ_OID_INT4, "int4" },       { ELPQ_OID_INT8, "int8" },
        { ELPQ_OID_NUMERIC, "numeric" }, { ELPQ_OID_DATE, "date" },
        { 0, "undecided" },
    };
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *st;
    char line[80];

    elqb_columns(s, e);
    st = elqb_render(q, s);
    snprintf(line, sizeof(line), "%s", st->sql + strlen("SELECT "));
    for (size_t i = 0; st->nvalues && i < 5; i++)
        if (types[i].oid == st->values[0].oid)
            snprintf(line, sizeof(line), "%s -- %s",
                     st->sql + strlen("SELECT "), types[i].name);
    docs_show_text(name, line);
}

static void values(void)
{
    const elqb_expr list[] = {
        /* [values-c] */
        elqb_val(42),
        elqb_val(42L),
        elqb_val("text"),
        elqb_value(elpq_numeric("19.90")),
        elqb_value(elpq_null(ELPQ_OID_DATE)),
        elqb_lit(42),
        elqb_lit("it's"),
        elqb_null(INT4),
        elqb_typed(elqb_val("2024-05-01"), DATE),
        /* [/values-c] */
        ELQB_END
    };

    for (size_t i = 0; list[i].kind != ELQB_KIND_END; i++)
        show_typed("values-c", list[i]);
}

static void shared(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [shared] */
    elqb_expr limit = elqb_shared(q, elqb_typed(elqb_val(18), INT4));

    elqb_columns(s, U.id, elqb_sub(q, U.age, limit));
    elqb_from(s, U.table);
    elqb_where(s, elqb_ge(q, U.age, limit));
    /* [/shared] */
    SHOW("shared", s);
}

static void binds(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [bind] */
    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_or(q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
                          elqb_eq(q, U.email, elqb_bind("who", TEXT))));
    elqb_params(q, ELQB_ARG("who", elqb_val("ann")));
    /* [/bind] */
    SHOW("bind", s);
}

static void comparison(void)
{
    const elqb_expr list[] = {
        /* [compare] */
        elqb_eq(q, U.age, elqb_val(18)), /* also ne, lt, le, gt, ge */
        elqb_is_null(q, U.email),
        elqb_is_distinct(q, U.email, U.name),
        elqb_is_not_true(q, U.active), /* also is_false, is_unknown ... */
        elqb_between(q, U.age, elqb_val(18), elqb_val(65)),
        elqb_not_between_symmetric(q, U.age, elqb_val(65), elqb_val(18)),
        elqb_gt(q, elqb_row(q, U.name, U.id),
                elqb_row(q, elqb_val("m"), elqb_val(7))),
        /* [/compare] */
        ELQB_END
    };

    SHOW_EXPRS("compare", list, U.table);
}

static void other_tests(void)
{
    const elqb_expr list[] = {
        /* [is] */
        elqb_is_document(q, E.doc),
        elqb_is_not_document(q, E.doc),
        elqb_is_normalized(q, U.name), /* also is_nfd, is_nfkc, is_nfkd */
        elqb_is_not_nfkc(q, U.name),
        /* [/is] */
        ELQB_END
    };

    SHOW_EXPRS("is", list, E.table, U.table);
}

static void logic(void)
{
    elqb_expr a = U.active, b = elqb_is_null(q, U.email);
    elqb_expr c = elqb_gt(q, U.age, elqb_val(18));
    const elqb_expr list[] = {
        /* [logic] */
        elqb_and(q, a, elqb_or(q, b, c)),
        elqb_not(q, elqb_and(q, a, b)),
        elqb_or(q, elqb_and(q, a, b), ELQB_NONE), /* absent: left out */
        elqb_eq(q, elqb_or(q, a, b), c),
        /* [/logic] */
        ELQB_END
    };

    SHOW_EXPRS("logic", list, U.table);
}

static void patterns(void)
{
    const char *input = "50%";
    const elqb_expr list[] = {
        /* [patterns] */
        elqb_like(q, U.name, elqb_val("a%")),
        elqb_not_ilike(q, U.name, elqb_val("%x%")),
        elqb_like_escape(q, U.name, elqb_val("50!%"), elqb_lit("!")),
        elqb_starts_with(q, U.name, input), /* LIKE '50\%%' */
        elqb_ihas_text(q, U.name, input),
        elqb_similar(q, U.name, elqb_val("(a|b)%")),
        elqb_regex(q, U.name, elqb_val("^[a-m]")), /* also iregex, not_regex */
        elqb_regex(q, U.name,
                   elqb_concat(q, elqb_val("^"),
                               elqb_val(elqb_regex_text(q, input)))),
        elqb_has_prefix(q, U.name, elqb_val("an")),
        /* [/patterns] */
        ELQB_END
    };

    SHOW_EXPRS("patterns", list, U.table);
}

static void arithmetic(void)
{
    const elqb_expr list[] = {
        /* [arithmetic] */
        elqb_mul(q, elqb_add(q, U.age, elqb_val(1)), elqb_val(2)),
        elqb_sub(q, U.age, elqb_sub(q, U.id, elqb_val(1))),
        elqb_div(q, U.balance, elqb_val(3)),
        elqb_mod(q, U.id, elqb_val(10)),
        elqb_pow(q, elqb_neg(q, U.age), elqb_val(2)),
        elqb_pos(q, U.age),
        elqb_bit_and(q, U.id, elqb_shl(q, elqb_lit(1), elqb_lit(4))),
        elqb_bit_xor(q, U.id, elqb_bit_not(q, U.age)),
        elqb_concat(q, U.name, elqb_val(" <"), U.email, elqb_val(">")),
        /* [/arithmetic] */
        ELQB_END
    };

    SHOW_EXPRS("arithmetic", list, U.table);
}

static void lists(void)
{
    /* [list-items] */
    int32_t ids[] = { 1, 2, 3 };
    const char *skus[] = { "A-1", "B-2", "C-3" };
    /* [/list-items] */
    const elqb_expr list[] = {
        /* [lists] */
        elqb_any_of(q, P.id, ids, 3),
        elqb_none_of(q, P.id, ids, 3),
        elqb_in(q, P.id, elqb_val(1), elqb_val(2)),
        elqb_not_in(q, P.sku, elqb_val("A-1")),
        elqb_in(q, elqb_row(q, P.id, P.sku),
                elqb_row(q, elqb_val(1), elqb_val("A-1")),
                elqb_row(q, elqb_val(2), elqb_val("B-2"))),
        elqb_in_arrays(q, elqb_row(q, P.id, P.sku), elqb_items(ids, 3),
                       elqb_items(skus, 3)),
        /* [/lists] */
        ELQB_END
    };

    SHOW_EXPRS("lists", list, P.table);
}

static void empty_list(void)
{
    const elqb_expr none[] = { ELQB_END };
    const elqb_expr list[] = {
        /* [empty-list] */
        elqb_in_v(q, U.id, none),
        elqb_not_in_v(q, U.id, none),
        elqb_any_of(q, U.id, (int32_t *)NULL, 0),
        /* [/empty-list] */
        ELQB_END
    };

    SHOW_EXPRS("empty-list", list, U.table);
}

static void arrays(void)
{
    const char *two[] = { "a", "b" };
    const elqb_expr list[] = {
        /* [arrays] */
        elqb_contains(q, U.tags, elqb_items(two, 2)),
        elqb_contained_by(q, U.tags, elqb_items(two, 2)),
        elqb_overlaps(q, U.tags, elqb_array(q, elqb_val("a"), U.name)),
        elqb_eq_any(q, elqb_val("a"), U.tags),
        elqb_ne_all(q, U.name, U.tags),
        elqb_op_any(q, U.name, "ILIKE", elqb_items(two, 2)),
        elqb_subscript(q, U.tags, elqb_lit(1)),
        elqb_slice(q, U.tags, elqb_lit(1), elqb_lit(2)),
        elqb_slice(q, U.tags, elqb_lit(2), ELQB_NONE),
        elqb_concat(q, U.tags, elqb_array(q, elqb_val("new"))),
        elqb_cast(q, elqb_array_v(q, NULL), "int4[]"),
        /* [/arrays] */
        ELQB_END
    };

    SHOW_EXPRS("arrays", list, U.table);
}

static void json(void)
{
    const elqb_expr list[] = {
        /* [json] */
        elqb_json_get(q, U.data, elqb_val("address")),
        elqb_json_text(q, U.data, elqb_val("city")),
        elqb_json_path_text(q, U.data, elqb_val("{address,zip}")),
        elqb_contains(q, U.data, elqb_val("{\"vip\": true}")),
        elqb_has_key(q, U.data, elqb_val("city")), /* also has_any, has_all */
        elqb_path_exists(q, U.data, elqb_val("$.a[*] ? (@ > 2)")),
        elqb_match(q, U.data, elqb_val("$.a[*] > 2")),
        elqb_sub(q, U.data, elqb_val("city")),
        elqb_json_delete_path(q, U.data, elqb_val("{address,zip}")),
        elqb_eq(q, elqb_cast(q, elqb_json_text(q, U.data, elqb_val("n")),
                             "int4"), elqb_val(7)),
        /* [/json] */
        ELQB_END
    };

    SHOW_EXPRS("json", list, U.table);
}

static void ranges(void)
{
    const elqb_expr list[] = {
        /* [ranges] */
        elqb_contains(q, E.during, elqb_func(q, "now")),
        elqb_overlaps(q, E.during, elqb_val("[2024-01-01,2024-02-01)")),
        elqb_range_left(q, E.during, elqb_val("[2024-01-01,)")),
        elqb_range_adjacent(q, E.during, elqb_val("[2024-01-01,)")),
        elqb_func(q, "lower", E.during),
        /* [/ranges] */
        ELQB_END
    };

    SHOW_EXPRS("ranges", list, E.table);
}

static void search(void)
{
    const elqb_expr list[] = {
        /* [search] */
        elqb_match(q, P.search,
                   elqb_func(q, "websearch_to_tsquery", elqb_val("red shoe"))),
        elqb_func(q, "ts_rank", P.search,
                  elqb_ts_and(q, elqb_func(q, "to_tsquery", elqb_val("red")),
                              elqb_func(q, "to_tsquery", elqb_val("shoe")))),
        /* [/search] */
        ELQB_END
    };

    SHOW_EXPRS("search", list, P.table);
}

static void network(void)
{
    const elqb_expr list[] = {
        /* [network] */
        elqb_subnet_eq(q, E.host, elqb_val("10.0.0.0/8")),
        elqb_supernet(q, E.host, elqb_val("10.1.2.3")),
        elqb_overlaps(q, E.host, elqb_val("10.0.0.0/8")),
        /* [/network] */
        ELQB_END
    };

    SHOW_EXPRS("network", list, E.table);
}

static void time_and_date(void)
{
    const elqb_expr list[] = {
        /* [time] */
        elqb_at_time_zone(q, U.created_at, elqb_val("Europe/Paris")),
        elqb_extract(q, "year", U.created_at),
        elqb_gt(q, U.created_at,
                elqb_sub(q, elqb_func(q, "now"),
                         elqb_value(elpq_interval(0, 7, 0)))),
        elqb_add(q, U.created_at,
                 elqb_func(q, "make_interval",
                           elqb_named(q, "days", elqb_val(10)))),
        elqb_func(q, "current_date"),
        elqb_func(q, "current_timestamp", elqb_lit(3)),
        elqb_periods_overlap(q, E.opens, E.closes, elqb_val("08:00"),
                             elqb_val("10:00")),
        /* [/time] */
        ELQB_END
    };

    SHOW_EXPRS("time", list, U.table, E.table);
}

static void functions(void)
{
    const int32_t three[] = { 1, 2, 3 };
    const elqb_expr list[] = {
        /* [functions] */
        elqb_func(q, "lower", U.name),
        elqb_func_in(q, "crm", "price", U.id),
        elqb_func(q, "num_nulls", elqb_variadic(q, elqb_items(three, 3))),
        elqb_coalesce(q, U.email, U.name, elqb_val("nobody")),
        elqb_nullif(q, U.age, elqb_val(0)),
        elqb_greatest(q, U.age, elqb_val(18)), /* also least */
        /* [/functions] */
        ELQB_END
    };

    SHOW_EXPRS("functions", list, U.table);
}

static void cases(void)
{
    const elqb_expr list[] = {
        /* [case] */
        elqb_case(q, elqb_val("old"), elqb_lt(q, U.age, elqb_val(18)),
                  elqb_val("young"), elqb_lt(q, U.age, elqb_val(65)),
                  elqb_val("adult")),
        elqb_case_of(q, U.age, ELQB_NONE, elqb_val(18), elqb_val("at last")),
        elqb_cast(q, U.id, "text"),
        elqb_cast(q, U.balance, "numeric(12,1)"),
        elqb_collate(q, U.name, "C"),
        elqb_field(q, elqb_cast(q, U.name, "crm.person"), "city"),
        elqb_field_star(q, elqb_cast(q, U.name, "crm.person")),
        /* [/case] */
        ELQB_END
    };

    SHOW_EXPRS("case", list, U.table);
}

static void operators(void)
{
    const elqb_expr list[] = {
        /* [operators] */
        elqb_op(q, U.name, "~<~", elqb_val("m")),
        elqb_op_in(q, "pg_catalog", U.age, "=", elqb_val(3)),
        elqb_op_prefix(q, "@", U.age),
        elqb_op_any(q, U.name, "~", elqb_cast(q, elqb_val("{^a,^b}"),
                                              "text[]")),
        /* [/operators] */
        ELQB_END
    };

    SHOW_EXPRS("operators", list, U.table);
}

static void text_parts(void)
{
    elqb_select *s = elqb_select_new(q);
    int min = 18;
    /* [text] */
    elqb_columns(s, U.id, elqb_as(q, elqb_raw(q, "age + 1"), "next"));
    elqb_from(s, U.table);
    elqb_where(s, elqb_text(q, "age > :min OR name = :name",
                            ELQB_ARG("min", elqb_val(min)),
                            ELQB_ARG("name", elqb_val("ann"))));
    elqb_where(s, elqb_is_not_null(q, U.email));
    /* [/text] */
    SHOW("text", s);
}

static void whole_text(void)
{
    /* [text-whole] */
    const elpq_statement *st = elqb_render(
        q, elqb_text(q, "SELECT id FROM users WHERE name = :name "
                        "AND created_at > :since::timestamptz",
                     ELQB_ARG("name", elqb_val("ann")),
                     ELQB_ARG("since", elqb_val("2024-01-01"))));
    /* [/text-whole] */
    docs_show("text-whole", st);
}

static void text_select(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [text-select] */
    elqb_select *old = elqb_text_select(
        q, elqb_text(q, "SELECT id, name FROM users WHERE age > :age",
                     ELQB_ARG("age", elqb_val(65))),
        U.id, U.name);
    elqb_table t = elqb_subquery(q, old, "old");

    elqb_columns(s, elqb_col(q, t, "name"));
    elqb_from(s, t);
    elqb_where(s, elqb_lt(q, elqb_col(q, t, "id"), elqb_val(100)));
    /* [/text-select] */
    SHOW("text-select", s);
}

static void text_from(void)
{
    elqb_select *s = elqb_select_new(q);
    /* [text-from] */
    elqb_table x = elqb_table_func(
        q, elqb_text(q, "xmltable('//a' PASSING :doc COLUMNS n int)",
                     ELQB_ARG("doc", elqb_typed(elqb_val("<a/>"), XML))), "x");

    elqb_columns(s, elqb_c(x, "n"));
    elqb_from(s, x);
    /* [/text-from] */
    SHOW("text-from", s);
}

static void setup(void)
{
    E = event_table();
    if (docs_conn)
        PQclear(PQexec(docs_conn,
                       "CREATE TABLE event (id int, during tstzrange,"
                       " host inet, doc xml, flags int, on_day date,"
                       " opens time, closes time);"
                       "SAVEPOINT a"));
}

DOCS_MAIN(setup, values, shared, binds, comparison, other_tests, logic,
          patterns,
          arithmetic, lists, empty_list, arrays, json, ranges, search, network,
          time_and_date, functions, cases, operators, text_parts, whole_text,
          text_select, text_from)

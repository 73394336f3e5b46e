/* SPDX-License-Identifier: PostgreSQL */
/*
 * INSERT, UPDATE, DELETE, and the debug text of every kind of value.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC
};

START_TEST(test_insert)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_set(i, U.name, V("bob"));
    elqb_set(i, U.balance, V(1.5));
    elqb_set(i, U.age, elqb_default());
    elqb_returning(i, U.id, elqb_as(q, U.name, "n"));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" (\"name\", \"balance\", \"age\") VALUES ($1, "
          "$2, DEFAULT) RETURNING \"users\".\"id\", \"users\".\"name\" "
          "AS \"n\"",
          TEXT, NUMERIC);
    i = elqb_insert_new(q, accounts_table().table);
    CHECK(elqb_render(q, i), "INSERT INTO \"crm\".\"accounts\" DEFAULT VALUES");
}
END_TEST

START_TEST(test_rows)
{
    elqb_insert *i = elqb_insert_new(q, elqb_table_as(U.table, "u"));

    elqb_columns(i, U.name, U.balance);
    elqb_values(i, V("a"), V(1));
    elqb_values(i, V("b"), elqb_default());
    elqb_values(i, elqb_concat(q, V("c"), V("d")), V(elpq_null(0)));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" AS \"u\" (\"name\", \"balance\") VALUES "
          "($1, $2), ($3, DEFAULT), ($4 || $5, $6)",
          TEXT, NUMERIC, TEXT, TEXT, TEXT, NUMERIC);
}
END_TEST

START_TEST(test_insert_select)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, O.note);
    elqb_from(s, O.table);
    elqb_columns(i, U.name);
    elqb_insert_select(i, s);
    CHECK(elqb_render(q, i), "INSERT INTO \"users\" (\"name\") SELECT "
                             "\"orders\".\"note\" FROM \"orders\"");
}
END_TEST

/* Of what is no column it would be the old row's. */
START_TEST(test_excluded_of_columns_only)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.sku, V("s"));
    elqb_on_constraint(i, "products_sku_key");
    elqb_on_conflict_update(i);
    elqb_conflict_set(i, P.name, elqb_excluded(elqb_func(q, "lower", P.name)));
    CHECK_FAILS(elqb_render(q, i), ELQB_E_USAGE,
                "elqb_conflict_set: an operand is ELQB_NONE");
}
END_TEST

START_TEST(test_conflict)
{
    elqb_insert *i = elqb_insert_new(q, P.table);

    elqb_set(i, P.sku, V("s"));
    elqb_on_constraint(i, "products_sku_key");
    elqb_on_conflict_update(i);
    elqb_conflict_set(i, P.name, elqb_excluded(P.name));
    elqb_conflict_set(i, P.stock,
                      elqb_add(q, P.stock, elqb_excluded(P.stock)));
    elqb_conflict_where(i, elqb_ne(q, P.name, elqb_excluded(P.name)));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"products\" (\"sku\") VALUES ($1) ON CONFLICT ON "
          "CONSTRAINT \"products_sku_key\" DO UPDATE SET \"name\" = "
          "\"excluded\".\"name\", \"stock\" = \"products\".\"stock\" + "
          "\"excluded\".\"stock\" WHERE \"products\".\"name\" <> "
          "\"excluded\".\"name\"", ELPQ_OID_VARCHAR);
    i = elqb_insert_new(q, P.table);
    elqb_set(i, P.sku, V("s"));
    elqb_on_conflict_nothing(i);
    CHECK(elqb_render(q, i), "INSERT INTO \"products\" (\"sku\") VALUES ($1) "
                             "ON CONFLICT DO NOTHING", ELPQ_OID_VARCHAR);
    i = elqb_insert_new(q, P.table);
    elqb_set(i, P.sku, V("s"));
    elqb_on_conflict_nothing(i, P.sku, elqb_func(q, "lower", P.name));
    elqb_conflict_index_where(i, elqb_gt(q, P.stock, elqb_lit(0)));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"products\" (\"sku\") VALUES ($1) ON CONFLICT "
          "(\"sku\", (\"lower\"(\"name\"))) WHERE \"stock\" > 0 DO NOTHING",
          ELPQ_OID_VARCHAR);
}
END_TEST

START_TEST(test_update)
{
    elqb_update *u = elqb_update_new(q, O.table);

    elqb_set(u, O.note, U.name);
    elqb_set(u, O.total, V(10));
    elqb_set(u, O.status, V("paid"));
    elqb_from(u, U.table);
    elqb_join(u, ELQB_LEFT, P.table, elqb_eq(q, P.id, U.id));
    elqb_where(u, elqb_eq(q, O.user_id, U.id));
    elqb_where(u, U.active);
    elqb_returning(u, O.id);
    CHECK(elqb_render(q, u),
          "UPDATE \"orders\" SET \"note\" = \"users\".\"name\", "
          "\"total\" = $1, "
          "\"status\" = $2 FROM \"users\" LEFT JOIN \"products\" ON "
          "\"products\".\"id\" = \"users\".\"id\" WHERE "
          "\"orders\".\"user_id\" = \"users\".\"id\" AND \"users\".\"active\" "
          "RETURNING \"orders\".\"id\"", NUMERIC, 0);
    u = elqb_update_new(q, elqb_only(U.table));
    elqb_set(u, elqb_subscript(q, U.tags, V(2)), V("x"));
    CHECK(elqb_render(q, u), "UPDATE ONLY \"users\" SET \"tags\"[$1] = $2",
          INT4, TEXT);
}
END_TEST

START_TEST(test_delete)
{
    elqb_delete *d = elqb_delete_new(q, O.table);

    elqb_using(d, U.table);
    elqb_where(d, elqb_eq(q, O.user_id, U.id));
    elqb_where(d, elqb_lt(q, O.total, V(1)));
    elqb_returning(d, elqb_star());
    CHECK(elqb_render(q, d),
          "DELETE FROM \"orders\" USING \"users\" WHERE \"orders\".\"user_id\" "
          "= \"users\".\"id\" AND \"orders\".\"total\" < $1 RETURNING *",
          NUMERIC);
    d = elqb_delete_new(q, O.table);
    elqb_where(d, ELQB_NONE);
    CHECK(elqb_render(q, d), "DELETE FROM \"orders\"");
}
END_TEST

static const elpq_statement *broken_insert(int how)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    switch (how) {
    case 0:
        elqb_columns(i, U.name);
        elqb_values(i, V("a"), V("b"));
        break;
    case 1:
        elqb_columns(i, U.name);
        break;
    case 2:
        elqb_set(i, V(1), V(2));
        break;
    case 3:
        elqb_on_conflict_update(i, U.id);
        break;
    case 4:
        elqb_on_conflict_update(i);
        elqb_conflict_set(i, U.id, V(1));
        break;
    case 5:
        elqb_conflict_set(i, U.id, V(1));
        break;
    case 6:
        elqb_set(i, U.name, V("a"));
        elqb_values(i, V("a"));
        break;
    default:
        elqb_set(i, U.name, ELQB_NONE);
        break;
    }
    return elqb_render(q, i);
}

/* The row of a cursor, which takes no other condition. */
START_TEST(test_current_of)
{
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *d = elqb_delete_new(q, U.table);

    elqb_set(u, U.active, elqb_lit(true));
    elqb_where_current_of(u, "my \"c");
    elqb_where(u, ELQB_NONE);
    elqb_returning(u, U.id);
    CHECK_QUOTED(elqb_render(q, u),
                 "UPDATE `users` SET `active` = true WHERE CURRENT OF "
                 "`my ``c` RETURNING `users`.`id`");
    elqb_where_current_of(d, "c");
    CHECK_QUOTED(elqb_render(q, elqb_copy(d)),
                 "DELETE FROM `users` WHERE CURRENT OF `c`");
    elqb_where(d, U.active);
    CHECK_FAILS(elqb_render(q, d), ELQB_E_USAGE,
                "elqb_where: the statement is of one row, see "
                "elqb_where_current_of()");
    d = elqb_delete_new(q, U.table);
    elqb_where(d, U.active);
    elqb_where_current_of(d, "c");
    CHECK_FAILS(elqb_render(q, d), ELQB_E_USAGE,
                "elqb_where_current_of: there is a condition already");
    elqb_where_current_of(elqb_delete_new(q, U.table), NULL);
    CHECK_FAILS(elqb_delete_new(q, U.table), ELQB_E_NAME,
                "elqb_where_current_of: the name is empty");
    elqb_update_where_current_of(NULL, "c");
    elqb_delete_where_current_of(NULL, "c");
}
END_TEST

#define CHECK_COPY(copy, original, sql, other)                                 \
    do {                                                                       \
        CHECK_QUOTED(elqb_render(q, original), sql);                           \
        CHECK_QUOTED(elqb_render(q, copy), other);                             \
    } while (0)

/* What is added to a statement or its copy is not in the other. */
START_TEST(test_copies)
{
    elqb_insert *i = elqb_insert_new(q, U.table), *more;
    elqb_update *u = elqb_update_new(q, U.table), *set;
    elqb_delete *d = elqb_delete_new(q, U.table), *gone;

    elqb_set(i, U.id, elqb_lit(1));
    elqb_on_conflict_update(i, U.id);
    elqb_conflict_set(i, U.age, elqb_lit(2));
    elqb_returning(i, U.id);
    more = elqb_copy(i);
    elqb_set(more, U.name, elqb_lit("x"));
    elqb_set(i, U.email, elqb_lit("y"));
    elqb_conflict_set(more, U.name, elqb_lit("x"));
    elqb_conflict_set(i, U.email, elqb_lit("y"));
    elqb_returning(more, U.name);
    elqb_returning(i, U.email);
    CHECK_COPY(
        more, i,
        "INSERT INTO `users` (`id`, `email`) VALUES (1, 'y') ON CONFLICT "
        "(`id`) DO UPDATE SET `age` = 2, `email` = 'y' RETURNING "
        "`users`.`id`, `users`.`email`",
        "INSERT INTO `users` (`id`, `name`) VALUES (1, 'x') ON CONFLICT "
        "(`id`) DO UPDATE SET `age` = 2, `name` = 'x' RETURNING "
        "`users`.`id`, `users`.`name`");
    elqb_set(u, U.age, elqb_lit(1));
    elqb_from(u, O.table);
    set = elqb_copy(u);
    elqb_set(u, U.email, elqb_lit("y"));
    elqb_set(set, U.name, elqb_lit("x"));
    elqb_from(u, P.table);
    elqb_where(set, U.active);
    CHECK_COPY(set, u,
               "UPDATE `users` SET `age` = 1, `email` = 'y' FROM `orders`, "
               "`products`",
               "UPDATE `users` SET `age` = 1, `name` = 'x' FROM `orders` WHERE "
               "`users`.`active`");
    elqb_where(d, U.active);
    gone = elqb_copy(d);
    elqb_where(d, elqb_is_null(q, U.name));
    elqb_where(gone, elqb_is_null(q, U.email));
    elqb_using(gone, O.table);
    CHECK_COPY(
        gone, d,
        "DELETE FROM `users` WHERE `users`.`active` AND `users`.`name` IS "
        "NULL",
        "DELETE FROM `users` USING `orders` WHERE `users`.`active` AND "
        "`users`.`email` IS NULL");
    ck_assert_ptr_null(elqb_insert_copy(NULL));
    ck_assert_ptr_null(elqb_update_copy(NULL));
    ck_assert_ptr_null(elqb_delete_copy(NULL));
}
END_TEST

START_TEST(test_mistakes)
{
    static const char *const texts[] = {
        "elqb_values: 2 values for the 1 of elqb_columns()",
        "elqb_render: an insert has columns but no values",
        "elqb_set: what is set is no column",
        "elqb_render: ON CONFLICT DO UPDATE needs elqb_conflict_set()",
        "elqb_render: ON CONFLICT DO UPDATE needs columns or a constraint",
        "elqb_render: a part of ON CONFLICT without elqb_on_conflict_...()",
        "elqb_values: 1 values for the 0 of elqb_columns()",
        "elqb_set: an operand is ELQB_NONE",
    };

    for (int i = 0; i < 8; i++)
        CHECK_FAILS(broken_insert(i), ELQB_E_USAGE, texts[i]);
    CHECK_FAILS(elqb_render(q, elqb_update_new(q, U.table)), ELQB_E_USAGE,
                "elqb_render: an update sets nothing, see elqb_set()");
    CHECK_FAILS(elqb_render(q, elqb_insert_new(q, elqb_only(U.table))),
                ELQB_E_USAGE,
                "elqb_insert_new: INSERT does not take elqb_only()");
}
END_TEST

/* --------------------------------------------------------------- literals */

/* In a statement and in debug text. */
static void check_both(elpq_value v, const char *text, const char *shown)
{
    elqb_select *s = elqb_select_new(q), *lit = elqb_select_new(q);
    const char *debug;
    const elpq_statement *st;
    char *error;

    elqb_columns(s, elqb_value(v));
    elqb_columns(lit, elqb_literal(v));
    debug = elqb_debug(q, s);
    ck_assert_msg(debug != NULL, "%s", elqb_error(q));
    ck_assert_str_eq(debug + strlen("<debug> SELECT "), shown);
    st = elqb_render(q, lit);
    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    ck_assert_str_eq(st->sql + strlen("SELECT "), text);
    ck_assert_uint_eq(st->nvalues, 0);
    error = parse_error(st->sql);
    ck_assert_msg(!error, "%s: %s", error, st->sql);
}

static void check_literal(elpq_value v, const char *text)
{
    check_both(v, text, text);
}

/* An integer that is no int4 to SQL, and NULL, say what they are. */
START_TEST(test_typed_literals)
{
    const int64_t big[] = { 1, -2 };

    check_both(elpq_int64(5), "5::int8", "5");
    check_both(elpq_int64(-5), "(-5)::int8", "-5");
    check_both(elpq_int64(INT64_MIN), "(-9223372036854775808)::int8",
               "-9223372036854775808");
    check_both(elpq_int32(INT32_MIN), "(-2147483648)::int4", "-2147483648");
    check_literal(elpq_int32(INT32_MAX), "2147483647");
    check_both(elpq_typed(ELPQ_OID_NUMERIC, elpq_int32(7)), "7::numeric", "7");
    check_both(elpq_typed(ELPQ_OID_INT4, elpq_null(0)), "NULL::int4", "NULL");
    check_literal(elpq_array_int64(big, 2), "ARRAY[1, -2]::int8[]");
    check_literal(elpq_array_int64(big, 0), "ARRAY[]::int8[]");
    check_literal(elpq_typed(ELPQ_OID_CHAR, elpq_text("a")),
                  "'a'::\"char\"");
    check_literal(elpq_typed(ELPQ_OID_BIT_ARRAY, elpq_text("{101}")),
                  "'{101}'::\"bit\"[]");
    check_literal(elpq_interval(-1, 2, 3),
                  "'-1 mons +2 days +3 us'::interval");
}
END_TEST

START_TEST(test_literals)
{
    static const uint8_t uuid[16] = { 1, 2, 255 };
    int numbers[] = { 1, -2 };
    const char *strings[] = { "a'b", NULL };

    check_literal(elpq_null(0), "NULL");
    check_literal(elpq_bool(true), "true");
    check_literal(elpq_int32(-5), "-5");
    check_literal(elpq_uint64(UINT64_MAX), "18446744073709551615");
    check_literal(elpq_double(0.1), "'0.1'::float8");
    check_literal(elpq_double(-1e300 * 1e300), "'-Infinity'::float8");
    check_literal(elpq_float(0.1f), "'0.1'::float4");
    check_literal(elpq_text("it's"), "'it''s'");
    check_literal(elpq_text("a\\b'"), "E'a\\\\b'''");
    check_literal(elpq_numeric("1.50"), "'1.50'::numeric");
    check_literal(elpq_bytea("\0\xff", 2), "E'\\\\x00ff'::bytea");
    check_literal(elpq_uuid(uuid),
                  "'0102ff00000000000000000000000000'::uuid");
    check_literal(elpq_date(0), "'1970-01-01'::date");
    check_literal(elpq_date(-719163), "'0001-12-31 BC'::date");
    check_literal(elpq_date(ELPQ_INFINITY), "'infinity'::date");
    check_literal(elpq_time(3661000001), "'01:01:01.000001'::time");
    check_literal(elpq_timestamp(-1),
                  "'1969-12-31 23:59:59.999999'::timestamp");
    check_literal(elpq_timestamptz(951782400000000),
                  "'2000-02-29 00:00:00+00'::timestamptz");
    check_literal(elpq_interval(1, -2, 3), "'1 mons -2 days 3 us'::interval");
    check_literal(elpq_array_int32(numbers, 2), "ARRAY[1, -2]::int4[]");
    check_literal(elpq_array_text(strings, 2), "ARRAY['a''b', NULL]::text[]");
    check_literal(elpq_text_as(ELPQ_OID_CHAR, "x", 1), "'x'::\"char\"");
}
END_TEST

START_TEST(test_other_literals)
{
    static const uint8_t bits[] = { 0xa0 };
    const elpq_inet_address v4 = { 4, 24, { 10, 1, 2, 0 } };
    const elpq_inet_address v6 = { 6, 128, { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
    const elpq_macaddr_bytes mac = { 6, { 8, 0, 0x2b, 1, 2, 3 } };
    const elpq_line_abc line = { 1, -2, 0.5 };
    const elpq_box_corners box = { { 3, 4 }, { 1, 2 } };
    const elpq_circle_parts circle = { { 1, 2 }, 3 };
    const elpq_point_xy points[] = { { 1, 2 }, { 3, 4 } };
    const elpq_lseg_ends lseg = { { { 1, 2 }, { 3, 4 } } };

    check_literal(elpq_timetz(3600000000, -19800), "'01:00:00-05:30'::timetz");
    check_literal(elpq_lsn(0x1600000abcu), "'16/ABC'::pg_lsn");
    check_literal(elpq_tid(7, 3), "'(7,3)'::tid");
    check_literal(elpq_inet(v4), "'10.1.2.0/24'::inet");
    check_literal(elpq_inet(v6), "'2001:db8:0:0:0:0:0:1'::inet");
    check_literal(elpq_cidr(v6), "'2001:db8:0:0:0:0:0:1/128'::cidr");
    check_literal(elpq_macaddr(mac), "'08:00:2b:01:02:03'::macaddr");
    check_literal(elpq_varbit(bits, 3), "'101'::varbit");
    check_literal(elpq_bit(bits, 0), "''::\"bit\"");
    check_literal(elpq_point(1.5, -2), "'(1.5,-2)'::point");
    check_literal(elpq_line(&line), "'{1,-2,0.5}'::line");
    check_literal(elpq_lseg(&lseg), "'[(1,2),(3,4)]'::lseg");
    check_literal(elpq_box(&box), "'(3,4),(1,2)'::box");
    check_literal(elpq_circle(&circle), "'<(1,2),3>'::circle");
    check_literal(elpq_path(points, 2, false), "'[(1,2),(3,4)]'::path");
    check_literal(elpq_path(points, 2, true), "'((1,2),(3,4))'::path");
    check_literal(elpq_polygon(points, 1), "'((1,2))'::polygon");
    check_literal(elpq_long_double(0.5L), "'0.5'::numeric");
#if ELPQ_HAVE_INT128
    check_literal(elpq_int128((elpq_int128_t)INT64_MIN * 10),
                  "'-92233720368547758080'::numeric");
#endif
}
END_TEST

/* The parts are quoted inside, with backslashes. */
START_TEST(test_literals_with_parts)
{
    const elpq_value days[] = { elpq_date(0), elpq_null(0) };
    const elpq_value numbers[] = { elpq_int32(1), elpq_int32(5) };
    const elpq_value ranges[] = {
        elpq_range(ELPQ_OID_INT4RANGE, numbers, "[)"),
    };
    const elpq_value row =
        elpq_array_from(3, elpq_array(ELPQ_OID_INT4_ARRAY, numbers, 2));
    const elpq_value rows[] = { row, row };
    const elpq_value fields[] = { elpq_int32(-1), elpq_text("it's \"x\\"),
                                  elpq_null(0), elpq_text("") };
    const elpq_value moments[] = { elpq_timestamptz(0), elpq_null(0) };

    check_literal(elpq_range(ELPQ_OID_DATERANGE, days, "[)"),
                  "'[1970-01-01,)'::daterange");
    check_literal(elpq_range(ELPQ_OID_TSTZRANGE, moments, "()"),
                  "'(\"1970-01-01 00:00:00+00\",)'::tstzrange");
    check_literal(elpq_range_empty(ELPQ_OID_NUMRANGE), "'empty'::numrange");
    check_literal(elpq_multirange(ELPQ_OID_INT4MULTIRANGE, ranges, 1),
                  "'{[1,5)}'::int4multirange");
    check_literal(elpq_composite(0, fields, 4),
                  "E'(-1,\"it''s \\\\\"x\\\\\\\\\",,\"\")'");
    check_literal(elpq_hstore(0, fields + 1, 1),
                  "E'\"it''s \\\\\"x\\\\\\\\\"=>NULL'");
    check_literal(
        elpq_array_from(0, elpq_array(ELPQ_OID_INT4_ARRAY, numbers, 2)),
        "'[0:1]={1,5}'::int4[]");
    check_literal(elpq_array_from(-1, elpq_array(ELPQ_OID_INT4_ARRAY, rows, 2)),
                  "'[-1:0][3:4]={{1,5},{1,5}}'::int4[]");
}
END_TEST

/* What no value of its type can be is refused. */
START_TEST(test_impossible_literals)
{
    const elpq_inet_address bad = { 5, 0, { 0 } };
    const elpq_value values[] = { elpq_time(-1), elpq_time(86400000001),
                                  elpq_timetz(0, 16 * 3600), elpq_inet(bad),
                                  elpq_money(5) };

    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        elqb_select *s = elqb_select_new(q);

        elqb_columns(s, elqb_literal(values[i]));
        ck_assert_ptr_nonnull(elqb_debug(q, s));
        ck_assert_ptr_null(elqb_render(q, s));
        ck_assert_int_eq(elqb_error_code(q), ELQB_E_VALUE);
        elqb_reset(q);
    }
    check_literal(elpq_time(86400000000), "'24:00:00'::time");
}
END_TEST

/* Whatever its type: without a zone the server would read it in that of the
 * session. */
START_TEST(test_zones)
{
    const elpq_value moments[] = { elpq_timestamptz(0) };

    check_literal(elpq_typed(0, elpq_timestamptz(0)),
                  "'1970-01-01 00:00:00+00'");
    check_literal(elpq_typed(70000, elpq_timestamptz(-1)),
                  "'1969-12-31 23:59:59.999999+00'");
    check_literal(elpq_array(0, moments, 1),
                  "ARRAY['1970-01-01 00:00:00+00'::timestamptz]");
    check_literal(elpq_typed(0, elpq_timestamp(0)), "'1970-01-01 00:00:00'");
}
END_TEST

/* Literals do as parameters, but for what the server reads as that anyway. */
START_TEST(test_literal_types)
{
    elqb_expr ids = elqb_typed(elqb_name("ids"), INT8_ARRAY);
    elqb_expr span = elqb_typed(elqb_name("span"), NUMRANGE);
    elqb_expr small = elqb_typed(elqb_name("small"), INT2);
    elqb_expr real = elqb_typed(elqb_name("real"), FLOAT4);
    elqb_expr moved = elqb_sub(q, U.created_at, elqb_lit("1 hour"));

    CHECK_EXPR(elqb_mul(q, U.balance, elqb_lit(1.1)),
               "\"users\".\"balance\" * '1.1'::numeric");
    CHECK_EXPR(elqb_gt(q, U.balance, elqb_lit(1.5)),
               "\"users\".\"balance\" > '1.5'::numeric");
    CHECK_EXPR(elqb_mul(q, real, elqb_lit(1.5)), "\"real\" * '1.5'::float8");
    CHECK_EXPR(elqb_eq(q, real, elqb_lit(1.5)), "\"real\" = '1.5'::float4");
    CHECK_EXPR(moved, "\"users\".\"created_at\" - '1 hour'::interval");
    ck_assert_uint_eq(moved.oid, ELPQ_OID_TIMESTAMPTZ);
    CHECK_EXPR(elqb_contained_by(q, U.age, elqb_lit("[18,65)")),
               "\"users\".\"age\" <@ '[18,65)'::int4range");
    CHECK_EXPR(elqb_contains(q, span, elqb_lit(5)), "\"span\" @> 5::numeric");
    CHECK_EXPR(elqb_contains(q, ids, elqb_array(q, elqb_lit(1), elqb_lit(2))),
               "\"ids\" @> ARRAY[1::int8, 2::int8]");
    CHECK_EXPR(elqb_ge(q, U.created_at, elqb_lit("today")),
               "\"users\".\"created_at\" >= 'today'::timestamptz");
    CHECK_EXPR(elqb_eq(q, U.name, elqb_lit("x")), "\"users\".\"name\" = 'x'");
    CHECK_EXPR(elqb_eq(q, O.status, elqb_lit("new")),
               "\"orders\".\"status\" = 'new'");
    CHECK_EXPR(elqb_eq(q, O.id, elqb_lit(5)), "\"orders\".\"id\" = 5");
    CHECK_EXPR(elqb_eq(q, U.balance, elqb_lit(5)), "\"users\".\"balance\" = 5");
    CHECK_EXPR(elqb_eq(q, small, elqb_lit(5)), "\"small\" = 5");
    CHECK_EXPR(elqb_literal(elpq_typed(ELPQ_OID_XID, elpq_int32(5))),
               "'5'::xid"); /* no integer can be cast to it */
    CHECK_EXPR(elqb_literal(elpq_xid8(UINT64_MAX)),
               "'18446744073709551615'::xid8");
    CHECK_EXPR(elqb_eq(q, U.id, elqb_lit(5LL)), "\"users\".\"id\" = 5");
    CHECK_EXPR(elqb_eq(q, U.id, elqb_lit(5U)), "\"users\".\"id\" = 5");
    CHECK_EXPR(elqb_eq(q, U.active, elqb_lit(1)),
               "\"users\".\"active\" = true");
    CHECK_EXPR(elqb_shl(q, U.id, elqb_lit(2LL)), "\"users\".\"id\" << 2");
    CHECK_EXPR(elqb_coalesce(q, U.created_at, elqb_null(OTHER)),
               "COALESCE(\"users\".\"created_at\", NULL)");
    CHECK_EXPR(elqb_coalesce(q, U.balance, elqb_lit(0.5)),
               "COALESCE(\"users\".\"balance\", '0.5'::numeric)");
    CHECK_EXPR(elqb_cast(q, elqb_lit("today"), "date"),
               "CAST('today' AS date)");
    ck_assert_uint_eq(elqb_concat(q, U.name, elqb_lit("x")).oid, ELPQ_OID_TEXT);
}
END_TEST

/* No server runs a debug text. */
START_TEST(test_debug)
{
    elqb_update *u = elqb_update_new(q, U.table);
    const char *text;
    char *error;

    elqb_set(u, U.name, V("x'; DROP TABLE users --"));
    elqb_where(u, elqb_and(q, elqb_eq(q, U.id, V(-1)),
                           elqb_eq(q, U.age, elqb_bind("age", INT4)),
                           elqb_eq(q, U.data, V(elpq_raw(ELPQ_OID_JSONB, "ab",
                                                         2)))));
    text = elqb_debug(q, u);
    ck_assert_str_eq(text, "<debug> UPDATE \"users\" SET \"name\" = 'x''; DROP "
                           "TABLE users --' WHERE \"users\".\"id\" = (-1) AND "
                           "\"users\".\"age\" = :age AND \"users\".\"data\" = "
                           "<2 bytes>");
    error = parse_error("<debug> SELECT 1");
#ifdef HAVE_PG_QUERY
    ck_assert_str_eq(error, "syntax error at or near \"<\"");
    free(error);
#endif
    error = parse_error("<debug> SELECT 1; DELETE FROM t");
#ifdef HAVE_PG_QUERY
    ck_assert_str_eq(error, "syntax error at or near \"<\"");
    free(error);
#endif
    CHECK_FAILS(elqb_render(q, u), ELQB_E_BIND,
                "elqb_render: the bind :age has no value, see elqb_params()");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_dml");
    TCase *tcase = qb_case(suite, "dml");

    tcase_add_test(tcase, test_insert);
    tcase_add_test(tcase, test_rows);
    tcase_add_test(tcase, test_insert_select);
    tcase_add_test(tcase, test_conflict);
    tcase_add_test(tcase, test_excluded_of_columns_only);
    tcase_add_test(tcase, test_update);
    tcase_add_test(tcase, test_delete);
    tcase_add_test(tcase, test_current_of);
    tcase_add_test(tcase, test_copies);
    tcase_add_test(tcase, test_mistakes);
    tcase = qb_case(suite, "literals");
    tcase_add_test(tcase, test_literals);
    tcase_add_test(tcase, test_typed_literals);
    tcase_add_test(tcase, test_other_literals);
    tcase_add_test(tcase, test_literals_with_parts);
    tcase_add_test(tcase, test_impossible_literals);
    tcase_add_test(tcase, test_literal_types);
    tcase_add_test(tcase, test_zones);
    tcase_add_test(tcase, test_debug);
    return qb_main(suite);
}

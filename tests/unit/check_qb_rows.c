/* SPDX-License-Identifier: PostgreSQL */
/*
 * What goes around the rows of INSERT, UPDATE and DELETE: rows from arrays,
 * OVERRIDING, the forms of ON CONFLICT, rows of SET, DEFAULT, ONLY, aliases.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    INT8 = ELPQ_OID_INT8,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    INT4S = ELPQ_OID_INT4_ARRAY,
    INT8S = ELPQ_OID_INT8_ARRAY,
    TEXTS = ELPQ_OID_TEXT_ARRAY,
    NUMERICS = ELPQ_OID_NUMERIC_ARRAY
};

static const int ids[] = { 1, 2, 3 };
static const double sums[] = { 1.5, 2, 3 };
static const char *const names[] = { "a", NULL, "c" };

/* ----------------------------------------------------------------- arrays */

START_TEST(test_insert_unnest)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    elqb_columns(i, U.id, U.name, U.balance);
    elqb_insert_unnest(i, elqb_items(ids, 3), elqb_items(names, 3),
                       elqb_items(sums, 3));
    elqb_on_conflict_update(i, U.id);
    elqb_conflict_set(i, U.name, elqb_excluded(U.name));
    elqb_returning(i, elqb_star());
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" (\"id\", \"name\", \"balance\") SELECT * FROM "
          "unnest($1::int4[], $2::text[], $3::numeric[]) ON CONFLICT (\"id\") "
          "DO UPDATE SET \"name\" = \"excluded\".\"name\" RETURNING *",
          INT4S, TEXTS, NUMERICS);
    ck_assert_str_eq(elqb_debug(q, i) + strlen("<debug> "),
                     "INSERT INTO \"users\" (\"id\", \"name\", \"balance\") "
                     "SELECT * FROM unnest(ARRAY[1, 2, 3]::int4[], "
                     "ARRAY['a', NULL, 'c']::text[], ARRAY['1.5'::numeric, "
                     "'2'::numeric, '3'::numeric]::numeric[]) ON CONFLICT "
                     "(\"id\") DO UPDATE SET \"name\" = \"excluded\".\"name\" "
                     "RETURNING *");
}
END_TEST

/* The text is the same for every number of rows, and for every array. */
START_TEST(test_unnest_text)
{
    static const char sql[] =
        "INSERT INTO \"users\" (\"id\") SELECT * FROM unnest($1::int4[])";
    const int64_t large[] = { 1, INT64_C(1) << 40 };
    const elpq_value values[] = { elpq_int32(1), elpq_null(0) };
    struct {
        elqb_expr array;
        uint32_t oid;
    } arrays[] = {
        { elqb_items(ids, 0), INT4S },
        { elqb_items(large, 1), INT4S },
        { elqb_items(large, 2), INT8S }, /* the server refuses the second */
        { V(elpq_array(INT4S, values, 2)), INT4S },
        { V("{1,2}"), 0 }, /* an unknown, which the cast decides */
        { V(elpq_null(0)), 0 },
        { elqb_bind("ids", INT4_ARRAY), INT4S },
        { elqb_shared(q, elqb_items(ids, 3)), INT4S },
    };

    elqb_params(q, ELQB_ARG("ids", elqb_items(ids, 3)));
    for (size_t n = 0; n < sizeof(arrays) / sizeof(*arrays); n++) {
        elqb_insert *i = elqb_insert_new(q, U.table);

        elqb_columns(i, U.id);
        elqb_insert_unnest(i, arrays[n].array);
        CHECK(elqb_render(q, i), sql, arrays[n].oid);
    }
}
END_TEST

/* Types that are not built in are the caller's to tell. */
START_TEST(test_unnest_expressions)
{
    const int64_t orders[] = { 1, 2, 3 };
    elqb_insert *i = elqb_insert_new(q, elqb_table_as(O.table, "o"));

    elqb_columns(i, O.id, O.status, O.total, O.note);
    elqb_overriding(i, ELQB_SYSTEM_VALUE);
    elqb_insert_unnest(i, elqb_items(orders, 3),
                       elqb_cast(q, elqb_items(names, 3), "order_status[]"),
                       elqb_array(q, V(1), V(2)),
                       elqb_literal(elpq_array_text(names, 3)));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"orders\" AS \"o\" (\"id\", \"status\", \"total\", "
          "\"note\") OVERRIDING SYSTEM VALUE SELECT * FROM "
          "unnest($1::int8[], CAST($2 AS order_status[]), ARRAY[$3, $4], "
          "ARRAY['a', NULL, 'c']::text[])", INT8S, TEXTS, INT4, INT4);
}
END_TEST

START_TEST(test_update_unnest)
{
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(U.id, U.name),
                               elqb_items(ids, 3), elqb_items(names, 3));
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *x = elqb_delete_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_set(u, U.name, elqb_corresponding(d, U.name));
    elqb_from(u, d);
    elqb_where(u, elqb_eq(q, U.id, elqb_corresponding(d, U.id)));
    CHECK(elqb_render(q, u),
          "UPDATE \"users\" SET \"name\" = \"d\".\"name\" FROM "
          "unnest($1::int4[], $2::text[]) AS \"d\" (\"id\", \"name\") WHERE "
          "\"users\".\"id\" = \"d\".\"id\"", INT4S, TEXTS);
    elqb_using(x, d);
    elqb_where(x, elqb_eq(q, U.id, elqb_corresponding(d, U.id)));
    CHECK(elqb_render(q, x),
          "DELETE FROM \"users\" USING unnest($1::int4[], $2::text[]) AS \"d\" "
          "(\"id\", \"name\") WHERE \"users\".\"id\" = \"d\".\"id\"", INT4S,
          TEXTS);
    elqb_columns(s, elqb_table_star(d));
    elqb_from(s, d);
    elqb_where(s, elqb_gt(q, elqb_corresponding(d, U.id), V(1LL)));
    CHECK(elqb_render(q, s),
          "SELECT \"d\".* FROM unnest($1::int4[], $2::text[]) AS \"d\" "
          "(\"id\", \"name\") WHERE \"d\".\"id\" > $3", INT4S, TEXTS, INT4);
}
END_TEST

static const elpq_statement *broken_unnest(int how)
{
    elqb_insert *i = elqb_insert_new(q, how == 3 ? O.table : U.table);

    if (how == 2)
        elqb_columns(i, U.tags);
    else if (how == 3)
        elqb_columns(i, O.status);
    else if (how != 0 && how != 10)
        elqb_columns(i, U.id);
    switch (how) {
    case 1:
        elqb_insert_unnest(i, elqb_items(ids, 3), elqb_items(ids, 3));
        break;
    case 4:
        elqb_insert_unnest(i, V(1));
        break;
    case 5:
        elqb_insert_unnest(i, ELQB_NONE);
        break;
    case 6:
        elqb_insert_unnest(i, elqb_default());
        break;
    case 7:
        elqb_values(i, V(1));
        elqb_insert_unnest(i, elqb_items(ids, 3));
        break;
    case 8:
        elqb_insert_unnest(i, elqb_items(ids, 3));
        elqb_values(i, V(1));
        break;
    case 9:
        elqb_insert_unnest(i, elqb_items(ids, 3));
        elqb_columns(i, U.name);
        break;
    case 10:
        elqb_columns(i, U.id, U.name);
        elqb_insert_unnest(i, elqb_items(ids, 3), elqb_items(names, 2));
        break;
    case 11:
        elqb_insert_unnest(i, elqb_items(ids, 3));
        elqb_insert_select(i, elqb_select_new(q));
        break;
    case 12:
        elqb_insert_unnest(i, elqb_items(ids, 3));
        elqb_set(i, U.id, V(1));
        break;
    case 13:
        elqb_insert_unnest(i, elqb_star());
        break;
    default:
        elqb_insert_unnest(i, elqb_items(names, 3));
        break;
    }
    return elqb_render(q, i);
}

START_TEST(test_unnest_mistakes)
{
    static const char *const texts[] = {
        "elqb_insert_unnest: 1 arrays for 0 columns",
        "elqb_insert_unnest: 2 arrays for 1 columns",
        "elqb_insert_unnest: the column \"tags\" is an array itself",
        "elqb_insert_unnest: the array of the column \"status\" needs "
        "elqb_cast(), its type is not built in",
        "elqb_insert_unnest: what is given for the column \"id\" is no array",
        "elqb_insert_unnest: operand 1 is ELQB_NONE",
        "elqb_insert_unnest: what is given for the column \"id\" is no array",
        "elqb_insert_unnest: the insert has values already",
        "elqb_values: the insert has elqb_insert_unnest() already",
        "elqb_columns: the insert has values already",
        "elqb_insert_unnest: an array has 3 items, the one for the column "
        "\"name\" 2",
        "elqb_insert_select: the insert has values already",
        "elqb_set: the insert has elqb_columns() already",
        "elqb_insert_unnest: what is given for the column \"id\" is no array",
    };

    for (int i = 0; i < 14; i++)
        CHECK_FAILS(broken_unnest(i), ELQB_E_USAGE, texts[i]);
}
END_TEST

START_TEST(test_unnest_table_mistakes)
{
    elqb_select *s = elqb_select_new(q);
    elqb *other;

    elqb_columns(s, elqb_star());
    elqb_from(s, elqb_unnest(q, "", ELQB_LIST(U.id), elqb_items(ids, 3)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_NAME,
                "elqb_unnest: the name is empty");
    s = elqb_select_new(q);
    elqb_from(s, elqb_unnest(q, "d", ELQB_LIST(V(1)), elqb_items(ids, 3)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_unnest: what is listed is no column");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_corresponding(U.table, V(1)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: a select has no columns, see elqb_columns()");
    other = elqb_new();
    s = elqb_select_new(q);
    elqb_from(s, elqb_unnest(other, "d", ELQB_LIST(U.id), elqb_items(ids, 3)));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_FOREIGN,
                "elqb_from: a part belongs to another workspace");
    elqb_free(other);
    CHECK_FAILS(elqb_render(q, elqb_update_new(
                                   q, elqb_unnest(q, "d", ELQB_LIST(U.id),
                                                  elqb_items(ids, 3)))),
                ELQB_E_USAGE, "elqb_update_new: a function is no table");
    ck_assert_ptr_null(elqb_unnest_v(NULL, "d", NULL, NULL).source);
    elqb_insert_unnest_v(NULL, NULL);
}
END_TEST

/* ------------------------------------------------------------- OVERRIDING */

START_TEST(test_overriding)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_set(i, U.id, V(1));
    elqb_overriding(i, ELQB_SYSTEM_VALUE);
    CHECK(elqb_render(q, i), "INSERT INTO \"users\" (\"id\") OVERRIDING SYSTEM "
                             "VALUE VALUES ($1)", INT4);
    i = elqb_insert_new(q, U.table);
    elqb_columns(s, elqb_star());
    elqb_from(s, elqb_table_named("old", "users"));
    elqb_insert_select(i, s);
    elqb_overriding(i, ELQB_USER_VALUE);
    CHECK(elqb_render(q, i), "INSERT INTO \"users\" OVERRIDING USER VALUE "
                             "SELECT * FROM \"old\".\"users\"");
    i = elqb_insert_new(q, U.table);
    elqb_overriding(i, ELQB_USER_VALUE);
    CHECK_FAILS(elqb_render(q, i), ELQB_E_USAGE,
                "elqb_render: DEFAULT VALUES has elqb_overriding()");
    i = elqb_insert_new(q, U.table);
    elqb_overriding(i, (elqb_override)7);
    CHECK_FAILS(elqb_render(q, i), ELQB_E_USAGE,
                "elqb_overriding: no such kind");
    elqb_insert_overriding(NULL, ELQB_USER_VALUE);
}
END_TEST

/* ------------------------------------------------------------ ON CONFLICT */

/* COLLATE and the class belong to the item, not into its expression. */
START_TEST(test_conflict_index)
{
    elqb_insert *i = elqb_insert_new(q, elqb_table_as(P.table, "p"));

    elqb_set(i, P.sku, V("s"));
    elqb_on_conflict_nothing(
        i, elqb_collate(q, P.sku, "C"),
        elqb_opclass(q, P.name, "text_pattern_ops"),
        elqb_opclass_in(q, elqb_collate_in(q, elqb_func(q, "lower", P.name),
                                           "pg_catalog", "C"),
                        "pg_catalog", "text_ops"));
    elqb_conflict_index_where(i, elqb_is_not_null(q, P.sku));
    CHECK(elqb_render(q, i),
          "INSERT INTO \"products\" AS \"p\" (\"sku\") VALUES ($1) ON CONFLICT "
          "(\"sku\" COLLATE \"C\", \"name\" \"text_pattern_ops\", "
          "(\"lower\"(\"name\")) COLLATE \"pg_catalog\".\"C\" "
          "\"pg_catalog\".\"text_ops\") WHERE \"sku\" IS NOT NULL DO NOTHING",
          ELPQ_OID_VARCHAR);
}
END_TEST

START_TEST(test_conflict_row)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, P.name, P.stock);
    elqb_from(s, P.table);
    elqb_set(i, U.id, V(1));
    elqb_on_conflict_update(i, U.id);
    elqb_conflict_set_row(i, ELQB_LIST(U.email, U.active),
                          elqb_row(q, elqb_excluded(U.email), V(1)));
    elqb_conflict_set_row(i, ELQB_LIST(U.name, U.age), elqb_scalar(q, s));
    elqb_conflict_set(i, U.balance, elqb_default());
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" (\"id\") VALUES ($1) ON CONFLICT (\"id\") DO "
          "UPDATE SET (\"email\", \"active\") = (\"excluded\".\"email\", $2), "
          "(\"name\", \"age\") = (SELECT \"products\".\"name\", "
          "\"products\".\"stock\" FROM \"products\"), \"balance\" = DEFAULT",
          INT4, ELPQ_OID_BOOL);
    elqb_conflict_set_row(NULL, NULL, V(1));
}
END_TEST

START_TEST(test_opclass_elsewhere)
{
    elqb_select *s = elqb_select_new(q);
    elqb_insert *i;

    elqb_columns(s, elqb_opclass(q, U.name, "text_pattern_ops"));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_render: an operator class outside of an index or ON "
                "CONFLICT");
    i = elqb_insert_new(q, U.table);
    elqb_set(i, U.id, V(1));
    elqb_on_conflict_nothing(i, elqb_desc(q, U.id));
    CHECK_FAILS(elqb_render(q, i), ELQB_E_USAGE,
                "elqb_render: ON CONFLICT takes no order (asc, desc)");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_opclass(q, U.name, ""));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_NAME,
                "elqb_opclass: the name is empty");
    s = elqb_select_new(q);
    elqb_columns(s, elqb_opclass(q, ELQB_NONE, "x"));
    CHECK_FAILS(elqb_render(q, s), ELQB_E_USAGE,
                "elqb_opclass: an operand is ELQB_NONE");
}
END_TEST

/* ------------------------------------------------------------ rows of SET */

START_TEST(test_set_row)
{
    elqb_update *u =
        elqb_update_new(q, elqb_only(elqb_table_as(U.table, "u")));
    elqb_select *s = elqb_select_new(q);
    users_t A = users_as("u");

    elqb_columns(s, elqb_func(q, "max", O.note),
                 elqb_cast(q, elqb_count(q), "int"));
    elqb_from(s, O.table);
    elqb_where(s, elqb_eq(q, O.user_id, A.id));
    elqb_set_row(u, ELQB_LIST(A.name, A.age), elqb_scalar(q, s));
    elqb_set_row(u, ELQB_LIST(A.balance, A.email, A.active),
                 elqb_row(q, V(1), elqb_default(), V(0)));
    elqb_set_row(u, ELQB_LIST(elqb_subscript(q, A.tags, V(1))),
                 elqb_row(q, V("x")));
    elqb_set(u, A.created_at, elqb_default());
    elqb_where(u, elqb_eq(q, A.id, V(7)));
    elqb_returning(u, elqb_table_star(A.table), elqb_add(q, A.age, V(1)));
    CHECK(elqb_render(q, u),
          "UPDATE ONLY \"users\" AS \"u\" SET (\"name\", \"age\") = (SELECT "
          "\"max\"(\"orders\".\"note\"), CAST(\"count\"(*) AS int) FROM "
          "\"orders\" WHERE \"orders\".\"user_id\" = \"u\".\"id\"), "
          "(\"balance\", \"email\", \"active\") = ($1, DEFAULT, $2), "
          "(\"tags\"[$3]) = ROW($4), \"created_at\" = DEFAULT WHERE "
          "\"u\".\"id\" = $5 RETURNING \"u\".*, \"u\".\"age\" + $6",
          NUMERIC, ELPQ_OID_BOOL, INT4, TEXT, INT4, INT4);
}
END_TEST

/* A row whose types fit is not copied: its values keep their numbers. */
START_TEST(test_set_row_identity)
{
    elqb_expr row = elqb_row(q, V(1), V("x"));
    elqb_update *u = elqb_update_new(q, U.table);

    elqb_set_row(u, ELQB_LIST(U.id, O.status), row);
    elqb_where(u, elqb_ne(q, elqb_row(q, U.id, O.status), row));
    CHECK(elqb_render(q, u),
          "UPDATE \"users\" SET (\"id\", \"status\") = ($1, $2) WHERE "
          "(\"users\".\"id\", \"orders\".\"status\") <> ($1, $2)", INT4, 0);
}
END_TEST

static const elpq_statement *broken_row(int how)
{
    elqb_update *u = elqb_update_new(q, U.table);

    switch (how) {
    case 0:
        elqb_set_row(u, ELQB_LIST(U.id, U.age), elqb_row(q, V(1)));
        break;
    case 1:
        elqb_set_row(u, ELQB_LIST(U.id), V(1));
        break;
    case 2:
        elqb_set_row(u, ELQB_LIST(ELQB_END), elqb_row(q, V(1)));
        break;
    case 3:
        elqb_set_row(u, ELQB_LIST(V(2)), elqb_row(q, V(1)));
        break;
    case 4:
        elqb_set_row(u, ELQB_LIST(U.id), ELQB_NONE);
        break;
    default:
        elqb_set(u, U.data, elqb_row(q, elqb_default()));
        break;
    }
    return elqb_render(q, u);
}

START_TEST(test_set_row_mistakes)
{
    static const char *const texts[] = {
        "elqb_set_row: 1 values for 2 columns",
        "elqb_set_row: the value is neither elqb_row() nor elqb_scalar()",
        "elqb_set_row: there are no columns",
        "elqb_set_row: what is set is no column",
        "elqb_set_row: an operand is ELQB_NONE",
        "elqb_render: DEFAULT is for values of INSERT and UPDATE",
    };

    for (int i = 0; i < 6; i++)
        CHECK_FAILS(broken_row(i), ELQB_E_USAGE, texts[i]);
    elqb_update_set_row(NULL, NULL, V(1));
}
END_TEST

/* ------------------------------------------------------- ONLY and aliases */

START_TEST(test_targets)
{
    users_t A = users_as("u");
    elqb_delete *d = elqb_delete_new(q, elqb_only(A.table));
    elqb_insert *i = elqb_insert_new(q, A.table);

    elqb_using(d, O.table);
    elqb_join(d, ELQB_LEFT, P.table, elqb_eq(q, P.name, O.note));
    elqb_where(d, elqb_eq(q, A.id, O.user_id));
    elqb_returning(d, elqb_as(q, elqb_concat(q, A.name, V("!")), "n"), P.id);
    CHECK(elqb_render(q, d),
          "DELETE FROM ONLY \"users\" AS \"u\" USING \"orders\" LEFT JOIN "
          "\"products\" ON \"products\".\"name\" = \"orders\".\"note\" WHERE "
          "\"u\".\"id\" = \"orders\".\"user_id\" RETURNING \"u\".\"name\" || "
          "$1 AS \"n\", \"products\".\"id\"", TEXT);
    elqb_set(i, A.id, V(1));
    elqb_on_conflict_update(i, A.id);
    elqb_conflict_set(i, A.age, elqb_add(q, A.age, elqb_excluded(A.age)));
    elqb_conflict_where(i, elqb_lt(q, A.age, V(9)));
    elqb_returning(i, A.age);
    CHECK(elqb_render(q, i),
          "INSERT INTO \"users\" AS \"u\" (\"id\") VALUES ($1) ON CONFLICT "
          "(\"id\") DO UPDATE SET \"age\" = \"u\".\"age\" + "
          "\"excluded\".\"age\" WHERE \"u\".\"age\" < $2 RETURNING "
          "\"u\".\"age\"", INT4, INT4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_rows");
    TCase *tcase = qb_case(suite, "unnest");

    tcase_add_test(tcase, test_insert_unnest);
    tcase_add_test(tcase, test_unnest_text);
    tcase_add_test(tcase, test_unnest_expressions);
    tcase_add_test(tcase, test_update_unnest);
    tcase_add_test(tcase, test_unnest_mistakes);
    tcase_add_test(tcase, test_unnest_table_mistakes);
    tcase = qb_case(suite, "insert");
    tcase_add_test(tcase, test_overriding);
    tcase_add_test(tcase, test_conflict_index);
    tcase_add_test(tcase, test_conflict_row);
    tcase_add_test(tcase, test_opclass_elsewhere);
    tcase = qb_case(suite, "update");
    tcase_add_test(tcase, test_set_row);
    tcase_add_test(tcase, test_set_row_identity);
    tcase_add_test(tcase, test_set_row_mistakes);
    tcase_add_test(tcase, test_targets);
    return qb_main(suite);
}

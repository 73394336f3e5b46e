/* SPDX-License-Identifier: PostgreSQL */
/*
 * MERGE: every kind of WHEN, its source, and its mistakes.
 */
#include "check_qb.h"

enum {
    INT4 = ELPQ_OID_INT4,
    TEXT = ELPQ_OID_TEXT,
    NUMERIC = ELPQ_OID_NUMERIC,
    VARCHAR = ELPQ_OID_VARCHAR
};

/* A merge of orders' notes into products. */
static elqb_merge *merge_orders(void)
{
    elqb_merge *m = elqb_merge_new(q, P.table);

    elqb_merge_using(m, O.table, elqb_eq(q, O.note, P.sku));
    return m;
}

#define START                                                                 \
    "MERGE INTO \"products\" USING \"orders\" ON \"orders\".\"note\" = "      \
    "\"products\".\"sku\""

START_TEST(test_matched)
{
    elqb_merge *m = merge_orders();
    elqb_when *w;

    elqb_when_matched_delete(m, elqb_eq(q, P.stock, V(0LL)));
    elqb_when_matched_nothing(m, elqb_eq(q, O.status, V("new")));
    w = elqb_when_matched_update(m, elqb_gt(q, O.total, V(5)));
    elqb_set(w, P.price, V(1));
    elqb_set(w, P.name, elqb_default());
    elqb_set_row(w, ELQB_LIST(P.sku, P.stock),
                 elqb_row(q, V("x"), elqb_default()));
    w = elqb_when_matched_update(m, ELQB_NONE);
    elqb_set(w, P.stock, elqb_sub(q, P.stock, V(1)));
    CHECK(elqb_render(q, m),
          START " WHEN MATCHED AND \"products\".\"stock\" = $1 THEN DELETE "
                "WHEN MATCHED AND \"orders\".\"status\" = $2 THEN DO NOTHING "
                "WHEN MATCHED AND \"orders\".\"total\" > $3 THEN UPDATE SET "
                "\"price\" = $4, \"name\" = DEFAULT, (\"sku\", \"stock\") = "
                "($5, DEFAULT) WHEN MATCHED THEN UPDATE SET \"stock\" = "
                "\"products\".\"stock\" - $6",
          INT4, 0, NUMERIC, NUMERIC, VARCHAR, INT4);
}
END_TEST

/* The WHENs at hand are those of the original. */
START_TEST(test_copy)
{
    elqb_merge *m = merge_orders(), *copy;
    elqb_when *w =
        elqb_when_matched_update(m, elqb_gt(q, P.stock, elqb_lit(0)));

    elqb_set(w, P.stock, elqb_lit(1));
    copy = elqb_copy(m);
    elqb_set(w, P.price, elqb_lit(2));
    elqb_when_matched_delete(copy, ELQB_NONE);
    elqb_when_matched_nothing(m, ELQB_NONE);
    elqb_join_natural(copy, ELQB_INNER, U.table);
    CHECK(elqb_render(q, m),
          START " WHEN MATCHED AND \"products\".\"stock\" > 0 THEN UPDATE SET "
                "\"stock\" = 1, \"price\" = 2 WHEN MATCHED THEN DO NOTHING");
    CHECK(elqb_render(q, copy),
          "MERGE INTO \"products\" USING \"orders\" NATURAL JOIN \"users\" ON "
          "\"orders\".\"note\" = \"products\".\"sku\" WHEN MATCHED AND "
          "\"products\".\"stock\" > 0 THEN UPDATE SET \"stock\" = 1 WHEN "
          "MATCHED THEN DELETE");
    ck_assert_ptr_null(elqb_merge_copy(NULL));
}
END_TEST

START_TEST(test_not_matched)
{
    elqb_merge *m = merge_orders();
    elqb_when *w;

    w = elqb_when_not_matched_insert(m, elqb_gt(q, O.total, V(5)));
    elqb_set(w, P.id, V(1));
    elqb_set(w, P.sku, O.note);
    elqb_set(w, P.name, elqb_default());
    elqb_overriding(w, ELQB_SYSTEM_VALUE);
    elqb_when_not_matched_nothing(m, elqb_lt(q, O.total, V(0)));
    elqb_when_not_matched_insert(m, ELQB_NONE);
    elqb_when_matched_nothing(m, ELQB_NONE);
    CHECK(elqb_render(q, m),
          START " WHEN NOT MATCHED AND \"orders\".\"total\" > $1 THEN INSERT "
                "(\"id\", \"sku\", \"name\") OVERRIDING SYSTEM VALUE VALUES "
                "($2, \"orders\".\"note\", DEFAULT) WHEN NOT MATCHED AND "
                "\"orders\".\"total\" < $3 THEN DO NOTHING WHEN NOT MATCHED "
                "THEN INSERT DEFAULT VALUES WHEN MATCHED THEN DO NOTHING",
          NUMERIC, INT4, NUMERIC);
    m = merge_orders();
    w = elqb_when_not_matched_insert(m, ELQB_NONE);
    elqb_set(w, P.id, V(1));
    elqb_overriding(w, ELQB_USER_VALUE);
    CHECK(elqb_render(q, m),
          START " WHEN NOT MATCHED THEN INSERT (\"id\") OVERRIDING USER VALUE "
                "VALUES ($1)", INT4);
    ck_assert_str_eq(elqb_debug(q, m),
                     "<debug> " START " WHEN NOT MATCHED THEN INSERT (\"id\") "
                     "OVERRIDING USER VALUE VALUES (1)");
}
END_TEST

START_TEST(test_source)
{
    const int ids[] = { 1, 2 };
    const char *const names[] = { "a", "b" };
    users_t A = users_as("u");
    elqb_table d = elqb_unnest(q, "d", ELQB_LIST(U.id, U.name),
                               elqb_items(ids, 2), elqb_items(names, 2));
    elqb_merge *m = elqb_merge_new(q, elqb_only(A.table));
    elqb_select *s = elqb_select_new(q);

    elqb_merge_using(m, d, elqb_eq(q, A.id, elqb_corresponding(d, U.id)));
    elqb_set(elqb_when_matched_update(m, ELQB_NONE), A.name,
             elqb_corresponding(d, U.name));
    CHECK(elqb_render(q, m),
          "MERGE INTO ONLY \"users\" AS \"u\" USING unnest($1::int4[], "
          "$2::text[]) AS \"d\" (\"id\", \"name\") ON \"u\".\"id\" = "
          "\"d\".\"id\" WHEN MATCHED THEN UPDATE SET \"name\" = \"d\".\"name\"",
          ELPQ_OID_INT4_ARRAY, ELPQ_OID_TEXT_ARRAY);
    elqb_columns(s, O.user_id);
    elqb_from(s, O.table);
    m = elqb_merge_new(q, accounts_table().table);
    elqb_merge_using(m, elqb_subquery(q, s, "o"), V(true));
    elqb_join(m, ELQB_LEFT, U.table, elqb_eq(q, U.id, V(3)));
    elqb_when_matched_delete(m, ELQB_NONE);
    CHECK(elqb_render(q, m),
          "MERGE INTO \"crm\".\"accounts\" USING (SELECT "
          "\"orders\".\"user_id\" FROM \"orders\") AS \"o\" LEFT JOIN "
          "\"users\" ON \"users\".\"id\" = $1 ON $2 WHEN MATCHED THEN DELETE",
          INT4, ELPQ_OID_BOOL);
}
END_TEST

static const elpq_statement *broken_merge(int how)
{
    elqb_merge *m = how < 3 ? elqb_merge_new(q, P.table) : merge_orders();
    elqb_when *w;

    switch (how) {
    case 0:
        elqb_when_matched_delete(m, ELQB_NONE);
        break;
    case 1:
        elqb_merge_using(m, O.table, ELQB_NONE);
        break;
    case 2:
        elqb_join(m, ELQB_INNER, O.table, V(true));
        break;
    case 3:
        break;
    case 4:
        elqb_merge_using(m, U.table, V(true));
        break;
    case 5:
        elqb_when_matched_update(m, ELQB_NONE);
        break;
    case 6:
        elqb_when_matched_delete(m, ELQB_NONE);
        elqb_when_not_matched_nothing(m, ELQB_NONE);
        elqb_when_matched_nothing(m, V(true));
        break;
    case 7:
        w = elqb_when_not_matched_insert(m, ELQB_NONE);
        elqb_set_row(w, ELQB_LIST(P.id), elqb_row(q, V(1)));
        break;
    case 8:
        w = elqb_when_matched_update(m, ELQB_NONE);
        elqb_overriding(w, ELQB_SYSTEM_VALUE);
        break;
    case 9:
        w = elqb_when_not_matched_insert(m, ELQB_NONE);
        elqb_overriding(w, ELQB_SYSTEM_VALUE);
        break;
    case 10:
        w = elqb_when_not_matched_insert(m, ELQB_NONE);
        elqb_set(w, V(1), V(1));
        break;
    case 11:
        w = elqb_when_not_matched_insert(m, ELQB_NONE);
        elqb_overriding(w, (elqb_override)0);
        break;
    default:
        elqb_when_not_matched_nothing(m, ELQB_NONE);
        elqb_when_not_matched_insert(m, ELQB_NONE);
        break;
    }
    return elqb_render(q, m);
}

START_TEST(test_mistakes)
{
    static const char *const texts[] = {
        "elqb_render: a merge has no source, see elqb_merge_using()",
        "elqb_merge_using: an operand is ELQB_NONE",
        "elqb_join: there is nothing to join, see elqb_merge_using()",
        "elqb_render: a merge has no elqb_when_...()",
        "elqb_merge_using: there is a source already",
        "elqb_render: an update of a merge sets nothing, see elqb_set()",
        "elqb_when_matched_nothing: no row gets here, the WHEN before has no "
        "condition",
        "elqb_set_row: INSERT takes one value for each column",
        "elqb_overriding: UPDATE does not take it",
        "elqb_render: DEFAULT VALUES has elqb_overriding()",
        "elqb_set: what is set is no column",
        "elqb_overriding: no such kind",
        "elqb_when_not_matched_insert: no row gets here, the WHEN before has "
        "no condition",
    };
    elqb *other = elqb_new();

    for (int i = 0; i < 13; i++)
        CHECK_FAILS(broken_merge(i), ELQB_E_USAGE, texts[i]);
    ck_assert_ptr_null(elqb_render(other, merge_orders()));
    ck_assert_str_eq(elqb_error(other), "elqb_render: the statement belongs to "
                                        "another workspace");
    elqb_free(other);
}
END_TEST

/* As every function of the builder, these accept NULL. */
START_TEST(test_null)
{
    elqb_merge_using(NULL, P.table, V(true));
    elqb_merge_join(NULL, ELQB_INNER, P.table, V(true));
    elqb_when_matched_delete(NULL, ELQB_NONE);
    elqb_when_matched_nothing(NULL, ELQB_NONE);
    elqb_when_not_matched_nothing(NULL, ELQB_NONE);
    ck_assert_ptr_null(elqb_when_matched_update(NULL, ELQB_NONE));
    ck_assert_ptr_null(elqb_when_not_matched_insert(NULL, ELQB_NONE));
    elqb_when_set(NULL, P.id, V(1));
    elqb_when_set_row(NULL, NULL, V(1));
    elqb_when_overriding(NULL, ELQB_USER_VALUE);
    ck_assert_ptr_null(elqb_merge_new(NULL, P.table));
    CHECK_FAILS(elqb_merge_render(q, NULL), ELQB_E_USAGE,
                "elqb_render: the statement is NULL");
    CHECK_FAILS(elqb_merge_debug(q, NULL), ELQB_E_USAGE,
                "elqb_debug: the statement is NULL");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_merge");
    TCase *tcase = qb_case(suite, "merge");

    tcase_add_test(tcase, test_matched);
    tcase_add_test(tcase, test_copy);
    tcase_add_test(tcase, test_not_matched);
    tcase_add_test(tcase, test_source);
    tcase_add_test(tcase, test_mistakes);
    tcase_add_test(tcase, test_null);
    return qb_main(suite);
}

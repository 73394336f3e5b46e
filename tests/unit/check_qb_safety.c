/* SPDX-License-Identifier: PostgreSQL */
/*
 * What must not go unnoticed: names and values that PostgreSQL cannot have,
 * limits, parts of other workspaces, statements from before a reset, clauses
 * where they do not belong.  Each is an error that says which call it was, and
 * of what.
 */
#include "check_qb.h"

#define LONG                                                                  \
    "x23456789012345678901234567890123456789012345678901234567890123"
#define TOO_LONG LONG "4"

static elqb_select *simple(void)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    return s;
}

/* The first error of the workspace, which is as good as new after it. */
static void check_error(int line, elqb_code code, const char *text)
{
    ck_assert_msg(strcmp(elqb_error(q), text) == 0,
                  "line %d:\n  is   %s\n  not  %s", line, elqb_error(q), text);
    ck_assert_int_eq(elqb_error_code(q), code);
    elqb_reset(q);
    ck_assert_ptr_nonnull(elqb_render(q, simple()));
}
#define ERROR(code, text) check_error(__LINE__, code, text)

/* ------------------------------------------------------------------ names */

/* Each call that takes a name when it is made. */
static void use_name(int call, const char *name)
{
    elqb_insert *i = elqb_insert_new(q, U.table);

    switch (call) {
    case 0:
        elqb_as(q, U.id, name);
        break;
    case 1:
        elqb_collate(q, U.name, name);
        break;
    case 2:
        elqb_field(q, U.data, name);
        break;
    case 3:
        elqb_func_v(q, NULL, name, NULL);
        break;
    case 4:
        elqb_func_v(q, name, "f", NULL);
        break;
    case 5:
        elqb_extract(q, name, U.created_at);
        break;
    case 6:
        elqb_subquery(q, simple(), name);
        break;
    case 7:
        elqb_lateral(q, simple(), name);
        break;
    case 8:
        elqb_on_constraint(i, name);
        break;
    case 9:
        elqb_insert_new(q, elqb_table_named(NULL, name));
        break;
    case 10:
        elqb_update_new(q, elqb_table_named(NULL, name));
        break;
    case 11:
        elqb_delete_new(q, elqb_table_named(NULL, name));
        break;
    case 12:
        elqb_from(simple(), elqb_table_named(NULL, name));
        break;
    case 13:
        elqb_join(simple(), ELQB_CROSS, elqb_table_named(NULL, name),
                  ELQB_NONE);
        break;
    case 14:
        elqb_eq(q, U.id, elqb_bind(name, INT4));
        break;
    default:
        elqb_schema_translate(q, ELQB_SCHEMA("a", name));
        break;
    }
}

static const char *const name_calls[] = {
    "elqb_as",         "elqb_collate",    "elqb_field",
    "elqb_func",       "elqb_func",       "elqb_extract",
    "elqb_subquery",   "elqb_lateral",    "elqb_on_constraint",
    "elqb_insert_new", "elqb_update_new", "elqb_delete_new",
    "elqb_from",       "elqb_join",       "elqb_eq",
    "elqb_schema_translate",
};
#define NAME_CALLS ((int)(sizeof(name_calls) / sizeof(*name_calls)))

START_TEST(test_names_of_calls)
{
    const char *call = name_calls[_i];
    char text[200];

    use_name(_i, LONG);
    ck_assert_str_eq(elqb_error(q), "");
    use_name(_i, TOO_LONG);
    snprintf(text, sizeof(text), "%s: the name \"%s\"... is longer than 63 "
             "bytes", call, LONG);
    ERROR(ELQB_E_NAME, text);
    use_name(_i, "a\xff");
    snprintf(text, sizeof(text), "%s: the name \"a?\" is not valid UTF-8",
             call);
    ERROR(ELQB_E_NAME, text);
    use_name(_i, "");
    snprintf(text, sizeof(text), "%s: the name is empty", call);
    ERROR(ELQB_E_NAME, text);
}
END_TEST

/* A leaf cannot fail: its names are refused where they are written. */
START_TEST(test_names_of_leaves)
{
    const elqb_table tables[] = { elqb_table_named(TOO_LONG, "t"),
                                  elqb_table_as(U.table, TOO_LONG) };
    const elqb_expr leaves[] = {
        elqb_name(TOO_LONG),
        elqb_c(U.table, TOO_LONG),
        elqb_c(tables[0], "a"),
        elqb_table_star(tables[1]),
    };

    for (size_t i = 0; i < 4; i++) {
        elqb_select *s = elqb_select_new(q);

        elqb_columns(s, leaves[i]);
        ck_assert_ptr_null(elqb_render(q, s));
        ERROR(ELQB_E_NAME, "elqb_render: the name \"" LONG "\"... is longer "
                           "than 63 bytes");
    }
    for (size_t i = 0; i < 2; i++) {
        elqb_select *s = simple();

        elqb_from(s, tables[i]);
        ck_assert_ptr_null(elqb_render(q, s));
        ERROR(ELQB_E_NAME, "elqb_from: the name \"" LONG "\"... is longer "
                           "than 63 bytes");
    }
}
END_TEST

/* ----------------------------------------------------------------- values */

START_TEST(test_values)
{
    elqb_select *s = simple();

    elqb_columns(s, elqb_literal(elpq_textn("a\0b", 3)));
    ck_assert_ptr_null(elqb_render(q, s));
    ERROR(ELQB_E_VALUE, "elqb_columns: a string is not valid UTF-8");
    s = simple();
    elqb_columns(s, elqb_lit("caf\xc3"));
    ck_assert_ptr_null(elqb_compile(q, s));
    ERROR(ELQB_E_VALUE, "elqb_columns: a string is not valid UTF-8");
    elqb_text_from_trusted_string(q, "SELECT '\xff'", NULL);
    ERROR(ELQB_E_TEXT, "elqb_text: the SQL text is not valid UTF-8");
    elqb_raw_from_trusted_string(q, " ");
    ERROR(ELQB_E_TEXT, "elqb_raw: the SQL text is empty");
    elqb_cast_from_trusted_string(q, U.id, "int) (");
    ERROR(ELQB_E_TEXT,
          "elqb_cast: a bracket is closed that was not opened");
}
END_TEST

START_TEST(test_names_of_binds)
{
    elqb_select *s = simple();

    elqb_where(s, elqb_eq(q, U.id, elqb_bind("missing", INT4)));
    ck_assert_ptr_null(elqb_render(q, s));
    ERROR(ELQB_E_BIND, "elqb_render: the bind :missing has no value, see "
                       "elqb_params()");
    elqb_text(q, "x = :a", ELQB_ARG("b", V(1)));
    ERROR(ELQB_E_BIND, "elqb_text: the bind :a has no value");
    elqb_text(q, "x = :a", ELQB_ARG("a", V(1)), ELQB_ARG("b", V(1)));
    ERROR(ELQB_E_BIND, "elqb_text: there is no bind :b in the text; is there "
                       "a space before the colon?");
    elqb_params(q, ELQB_ARG("c", U.id));
    ERROR(ELQB_E_USAGE, "elqb_params: \"c\" is given no value");
}
END_TEST

/* ------------------------------------------------------- other workspaces */

START_TEST(test_foreign_parts)
{
    elqb *other = elqb_new();
    elqb_expr e = elqb_is_null(other, U.id);
    elqb_select *s = elqb_select_new(other);
    elqb_table t;
    elqb_insert *i;

    elqb_columns(s, U.id);
    t = elqb_subquery(other, s, "sub");
    elqb_not(q, e);
    ERROR(ELQB_E_FOREIGN, "elqb_not: a part belongs to another workspace");
    elqb_and(q, U.active, e);
    ERROR(ELQB_E_FOREIGN, "elqb_and: a part belongs to another workspace");
    elqb_where(simple(), e);
    ERROR(ELQB_E_FOREIGN, "elqb_where: a part belongs to another workspace");
    elqb_order_by(simple(), elqb_desc(other, U.id));
    ERROR(ELQB_E_FOREIGN,
          "elqb_order_by: a part belongs to another workspace");
    elqb_from(simple(), t);
    ERROR(ELQB_E_FOREIGN, "elqb_from: a part belongs to another workspace");
    elqb_exists(q, s);
    ERROR(ELQB_E_FOREIGN,
          "elqb_exists: the statement belongs to another workspace");
    elqb_scalar(q, s);
    ERROR(ELQB_E_FOREIGN,
          "elqb_scalar: the statement belongs to another workspace");
    i = elqb_insert_new(q, U.table);
    elqb_insert_select(i, s);
    ERROR(ELQB_E_FOREIGN,
          "elqb_insert_select: the statement belongs to another workspace");
    ck_assert_ptr_null(elqb_render(q, s));
    ERROR(ELQB_E_FOREIGN,
          "elqb_render: the statement belongs to another workspace");
    ck_assert_ptr_null(elqb_debug(q, s));
    ERROR(ELQB_E_FOREIGN,
          "elqb_debug: the statement belongs to another workspace");
    ck_assert_ptr_null(elqb_compile(q, s));
    ERROR(ELQB_E_FOREIGN,
          "elqb_compile: the statement belongs to another workspace");
    ck_assert_str_eq(elqb_error(other), "");
    elqb_free(other);
}
END_TEST

/* ------------------------------------------ statements from before a reset */

static elqb_select *old_select;
static elqb_insert *old_insert;
static elqb_update *old_update;
static elqb_delete *old_delete;
static elqb_expr old_expr;

static void make_old(void)
{
    old_select = simple();
    old_insert = elqb_insert_new(q, U.table);
    old_update = elqb_update_new(q, U.table);
    old_delete = elqb_delete_new(q, U.table);
    old_expr = elqb_is_null(q, U.id);
    elqb_reset(q);
    /* what would now lie in the same place if places were not kept */
    simple();
    elqb_insert_new(q, O.table);
}

#define STALE(call, function)                                                 \
    do {                                                                      \
        make_old();                                                           \
        (void)(call);                                                         \
        ERROR(ELQB_E_FOREIGN,                                                 \
              function ": the statement is from before elqb_reset()");        \
    } while (0)
#define STALE_VERB(call, function) STALE(((call), 0), function)

START_TEST(test_stale_selects)
{
    STALE(elqb_render(q, old_select), "elqb_render");
    STALE(elqb_debug(q, old_select), "elqb_debug");
    STALE(elqb_compile(q, old_select), "elqb_compile");
    STALE(elqb_select_copy(old_select), "elqb_select_copy");
    STALE_VERB(elqb_columns(old_select, U.id), "elqb_columns");
    STALE_VERB(elqb_clear_columns(old_select), "elqb_clear_columns");
    STALE_VERB(elqb_clear_order_by(old_select), "elqb_clear_order_by");
    STALE_VERB(elqb_clear_group_by(old_select), "elqb_clear_group_by");
    STALE_VERB(elqb_clear_distinct(old_select), "elqb_clear_distinct");
    STALE_VERB(elqb_distinct(old_select), "elqb_distinct");
    STALE_VERB(elqb_distinct_on(old_select, U.id), "elqb_distinct_on");
    STALE_VERB(elqb_from(old_select, U.table), "elqb_from");
    STALE_VERB(elqb_join(old_select, ELQB_INNER, U.table, U.active),
               "elqb_join");
    STALE_VERB(elqb_where(old_select, U.active), "elqb_where");
    STALE_VERB(elqb_group_by(old_select, U.id), "elqb_group_by");
    STALE_VERB(elqb_having(old_select, U.active), "elqb_having");
    STALE_VERB(elqb_order_by(old_select, U.id), "elqb_order_by");
    STALE_VERB(elqb_limit(old_select, V(1)), "elqb_limit");
    STALE_VERB(elqb_offset(old_select, V(1)), "elqb_offset");
    STALE(elqb_is_none(elqb_scalar(q, old_select)), "elqb_scalar");
    STALE(elqb_is_none(elqb_exists(q, old_select)), "elqb_exists");
    STALE(elqb_is_none(elqb_in_select(q, U.id, old_select)),
          "elqb_in_select");
    STALE(elqb_subquery(q, old_select, "s").alias, "elqb_subquery");
    STALE_VERB(elqb_insert_select(elqb_insert_new(q, U.table), old_select),
               "elqb_insert_select");
}
END_TEST

START_TEST(test_stale_dml)
{
    STALE(elqb_render(q, old_insert), "elqb_render");
    STALE(elqb_render(q, old_update), "elqb_render");
    STALE(elqb_render(q, old_delete), "elqb_render");
    STALE(elqb_copy(old_insert), "elqb_insert_copy");
    STALE(elqb_copy(old_update), "elqb_update_copy");
    STALE(elqb_copy(old_delete), "elqb_delete_copy");
    STALE_VERB(elqb_set(old_insert, U.id, V(1)), "elqb_set");
    STALE_VERB(elqb_columns(old_insert, U.id), "elqb_columns");
    STALE_VERB(elqb_values(old_insert, V(1)), "elqb_values");
    STALE_VERB(elqb_insert_select(old_insert, NULL), "elqb_insert_select");
    STALE_VERB(elqb_on_conflict_nothing(old_insert),
               "elqb_on_conflict_nothing");
    STALE_VERB(elqb_on_conflict_update(old_insert, U.id),
               "elqb_on_conflict_update");
    STALE_VERB(elqb_on_constraint(old_insert, "x"), "elqb_on_constraint");
    STALE_VERB(elqb_conflict_index_where(old_insert, U.active),
               "elqb_conflict_index_where");
    STALE_VERB(elqb_conflict_set(old_insert, U.id, V(1)),
               "elqb_conflict_set");
    STALE_VERB(elqb_conflict_where(old_insert, U.active),
               "elqb_conflict_where");
    STALE_VERB(elqb_returning(old_insert, U.id), "elqb_returning");
    STALE_VERB(elqb_set(old_update, U.id, V(1)), "elqb_set");
    STALE_VERB(elqb_from(old_update, U.table), "elqb_from");
    STALE_VERB(elqb_join(old_update, ELQB_INNER, U.table, U.active),
               "elqb_join");
    STALE_VERB(elqb_where(old_update, U.active), "elqb_where");
    STALE_VERB(elqb_where_current_of(old_update, "c"), "elqb_where_current_of");
    STALE_VERB(elqb_returning(old_update, U.id), "elqb_returning");
    STALE_VERB(elqb_using(old_delete, U.table), "elqb_using");
    STALE_VERB(elqb_join(old_delete, ELQB_INNER, U.table, U.active),
               "elqb_join");
    STALE_VERB(elqb_where(old_delete, U.active), "elqb_where");
    STALE_VERB(elqb_returning(old_delete, U.id), "elqb_returning");
}
END_TEST

START_TEST(test_stale_expressions)
{
    make_old();
    elqb_not(q, old_expr);
    ERROR(ELQB_E_FOREIGN, "elqb_not: a part is from before elqb_reset()");
    make_old();
    elqb_where(simple(), old_expr);
    ERROR(ELQB_E_FOREIGN, "elqb_where: a part is from before elqb_reset()");
}
END_TEST

/* However many statements there were, all of the last round are known. */
START_TEST(test_many_stale)
{
    enum { MANY = 300 };
    elqb_select *old[MANY];

    for (int round = 0; round < 20; round++) {
        int count = (round * 67) % MANY + 1;

        for (int i = 0; i < count; i++)
            old[i] = simple();
        ck_assert_str_eq(elqb_error(q), "");
        elqb_reset(q);
        for (int i = 0; i < count; i++) {
            for (int n = 0; n < i % 7; n++)
                ck_assert_ptr_nonnull(elqb_render(q, simple()));
            elqb_where(old[i], U.active);
            ck_assert_str_eq(elqb_error(q), "elqb_where: the statement is "
                                            "from before elqb_reset()");
            if (i % 50)
                break; /* a reset makes it older than the last */
            elqb_reset(q);
        }
        elqb_reset(q);
        elqb_reset(q);
    }
}
END_TEST

/* ----------------------------------------------------------- wrong clauses */

START_TEST(test_empty_statements)
{
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_insert *i = elqb_insert_new(q, U.table);

    ck_assert_ptr_null(elqb_render(q, elqb_select_new(q)));
    ERROR(ELQB_E_USAGE,
          "elqb_render: a select has no columns, see elqb_columns()");
    u = elqb_update_new(q, U.table);
    ck_assert_ptr_null(elqb_compile(q, u));
    ERROR(ELQB_E_USAGE,
          "elqb_compile: an update sets nothing, see elqb_set()");
    i = elqb_insert_new(q, U.table);
    elqb_columns(i, U.id);
    ck_assert_ptr_null(elqb_debug(q, i));
    ERROR(ELQB_E_USAGE,
          "elqb_debug: an insert has columns but no values");
    ck_assert_ptr_null(elqb_select_render(q, NULL));
    ERROR(ELQB_E_USAGE, "elqb_render: the statement is NULL");
    ck_assert_ptr_null(elqb_text_render(q, U.id));
    ERROR(ELQB_E_USAGE, "elqb_render: of expressions only elqb_text() is a "
                        "statement");
    elqb_scalar(q, NULL);
    ERROR(ELQB_E_USAGE, "elqb_scalar: the select is NULL");
    elqb_eq(q, U.id, ELQB_NONE);
    ERROR(ELQB_E_USAGE, "elqb_eq: operand 2 is ELQB_NONE");
}
END_TEST

START_TEST(test_clauses_where_they_do_not_belong)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_select *s = elqb_select_new(q);

    elqb_set(i, U.id, V(1));
    elqb_columns(i, U.id);
    ERROR(ELQB_E_USAGE, "elqb_columns: the insert has values already");
    i = elqb_insert_new(q, U.table);
    elqb_columns(i, U.id);
    elqb_values(i, V(1), V(2));
    ERROR(ELQB_E_USAGE,
          "elqb_values: 2 values for the 1 of elqb_columns()");
    i = elqb_insert_new(q, U.table);
    elqb_set(i, V(1), V(1));
    ERROR(ELQB_E_USAGE, "elqb_set: what is set is no column");
    s = elqb_select_new(q);
    elqb_join(s, ELQB_INNER, U.table, U.active);
    ERROR(ELQB_E_USAGE, "elqb_join: there is nothing to join, see elqb_from()");
    s = simple();
    elqb_where(s, elqb_desc(q, U.id));
    ck_assert_ptr_null(elqb_render(q, s));
    ERROR(ELQB_E_USAGE,
          "elqb_render: an order (asc, desc) outside of ORDER BY");
    s = simple();
    elqb_where(s, elqb_default());
    ck_assert_ptr_null(elqb_render(q, s));
    ERROR(ELQB_E_USAGE, "elqb_render: DEFAULT is for values of INSERT and "
                        "UPDATE");
}
END_TEST

/* The first error stays; nothing after it does anything. */
START_TEST(test_first_error)
{
    elqb_select *s = simple();

    elqb_as(q, U.id, "");
    elqb_eq(q, U.id, ELQB_NONE);
    elqb_where(s, U.active);
    ck_assert_ptr_null(elqb_render(q, s));
    ck_assert_ptr_null(elqb_debug(q, s));
    ck_assert_ptr_null(elqb_compile(q, s));
    ck_assert_ptr_null(elqb_select_new(q));
    ERROR(ELQB_E_NAME, "elqb_as: the name is empty");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_safety");
    TCase *tcase = qb_case(suite, "safety");

    tcase_add_loop_test(tcase, test_names_of_calls, 0, NAME_CALLS);
    tcase_add_test(tcase, test_names_of_leaves);
    tcase_add_test(tcase, test_values);
    tcase_add_test(tcase, test_names_of_binds);
    tcase_add_test(tcase, test_foreign_parts);
    tcase_add_test(tcase, test_stale_selects);
    tcase_add_test(tcase, test_stale_dml);
    tcase_add_test(tcase, test_stale_expressions);
    tcase_add_test(tcase, test_many_stale);
    tcase_add_test(tcase, test_empty_statements);
    tcase_add_test(tcase, test_clauses_where_they_do_not_belong);
    tcase_add_test(tcase, test_first_error);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Definitions: the mistakes that each call refuses, and what it says.
 */
#include "check_qb.h"

#define FAILS(d, text) CHECK_FAILS(elqb_render(q, d), ELQB_E_USAGE, text)

static elqb_table named(const char *schema, const char *name)
{
    return elqb_table_named(schema, name);
}

/* ----------------------------------------------------------------- tables */

static elqb_ddl *broken_table(int how)
{
    elqb_ddl *d = NULL;
    users_t B = users_as("b");

    switch (how) {
    case 0:
        return elqb_create_table(q, U, ELQB_CASCADE);
    case 1:
        return elqb_create_table(q, U, ELQB_TEMPORARY | ELQB_UNLOGGED);
    case 2:
        return elqb_create_table(q, B, 0);
    case 3:
        return elqb_create_table_v(q, &U.table, sizeof(U) - 1, 0);
    case 4:
        memset(&U.email, 0, sizeof(U.email));
        d = elqb_create_table(q, U, 0);
        U = users_table();
        return d;
    case 5:
        return elqb_create_table_named(q, elqb_only(U.table), 0);
    case 6:
        return elqb_create_table_named(q, named(NULL, "t"), 0);
    case 7:
        return elqb_create_table(q, O, 0);
    case 8:
        return elqb_alter_table(q, U.table, 0);
    case 9:
        return elqb_create_table_named(q, named("app", "t"), ELQB_TEMPORARY);
    case 10:
        return elqb_alter_table(q, U.table, ELQB_IF_NOT_EXISTS);
    case 11:
        return elqb_drop_table(q, U.table, ELQB_CONCURRENTLY);
    case 12:
        return elqb_drop_table(q, B.table, 0);
    case 13:
        return elqb_truncate(q, ELQB_TABLES(U.table, B.table), 0);
    case 14:
        return elqb_truncate(q, NULL, 0);
    case 15:
        return elqb_truncate(q, ELQB_TABLES(U.table), ELQB_IF_EXISTS);
    case 16:
        return elqb_drop_table(q, elqb_subquery(q, elqb_select_new(q), "s"),
                               0);
    default:
        return elqb_truncate(
            q, ELQB_TABLES(elqb_subquery(q, elqb_select_new(q), "s")), 0);
    }
}

START_TEST(test_table_mistakes)
{
    static const char *const texts[] = {
        "elqb_create_table: a flag that the statement does not have",
        "elqb_create_table: both temporary and unlogged",
        "elqb_create_table: the table has an alias, \"b\"",
        "elqb_create_table: this is no declared table",
        "elqb_create_table: this is no declared table",
        "elqb_create_table: elqb_only() does not fit here",
        "elqb_render: the table \"t\" has no columns, see elqb_column()",
        "elqb_render: the column \"status\" has no type, see elqb_column()",
        "elqb_render: ALTER TABLE \"users\" adds nothing",
        "elqb_create_table: a temporary table is in no schema of yours",
        "elqb_alter_table: a flag that the statement does not have",
        "elqb_drop_table: a flag that the statement does not have",
        "elqb_drop_table: the table has an alias, \"b\"",
        "elqb_truncate: a table has an alias",
        "elqb_truncate: there are no tables",
        "elqb_truncate: a flag that the statement does not have",
        "elqb_drop_table: a subquery is no table",
        "elqb_truncate: a subquery is no table",
    };

    for (int i = 0; i < 18; i++)
        FAILS(broken_table(i), texts[i]);
    CHECK_FAILS(elqb_render(q, elqb_drop_table(q, named("", "t"), 0)),
                ELQB_E_NAME, "elqb_drop_table: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_truncate(
                                   q, ELQB_TABLES(named(NULL, "")), 0)),
                ELQB_E_NAME, "elqb_truncate: the name is empty");
}
END_TEST

static elqb_ddl *broken_column(int how)
{
    static const elqb_sequence_options typed = { .type = ELQB_TYPE_INT4 };
    static const elqb_sequence_options none = { .cycle = true };
    elqb_ddl *d = how == 1 ? elqb_drop_table(q, U.table, 0)
                           : elqb_create_table(q, U, 0);

    switch (how) {
    case 0:
        elqb_column(d, O.total, .not_null = true);
        break;
    case 1:
        elqb_column(d, U.id, .not_null = true);
        break;
    case 2:
        elqb_column(d, V(1), .not_null = true);
        break;
    case 3:
        elqb_column(d, U.id, .not_null = true);
        elqb_column(d, U.id, .unique = true);
        break;
    case 4:
        elqb_column(d, U.id, .default_value = V(1), .identity = 1);
        break;
    case 5:
        elqb_column(d, U.id, .identity = 3);
        break;
    case 6:
        elqb_column(d, U.id, .sequence = &none);
        break;
    case 7:
        elqb_column(d, U.id, .identity = 1, .sequence = &typed);
        break;
    case 8:
        elqb_column(d, U.id, .on_delete = ELQB_CASCADE);
        break;
    case 9:
        elqb_column(d, U.id, .if_not_exists = true);
        break;
    case 10:
        elqb_column(d, U.id, .references = V(1));
        break;
    case 11:
        elqb_column(d, U.id, .references = elqb_name("id"));
        break;
    case 12:
        elqb_column(d, U.id, .references = U.id, .on_update = 3);
        break;
    case 13:
        elqb_column(d, U.id, .check = ELQB_END);
        break;
    default:
        elqb_column(d, U.id, .default_value = elqb_default());
        break;
    }
    return d;
}

START_TEST(test_column_mistakes)
{
    static const char *const texts[] = {
        "elqb_column: \"total\" is a column of \"orders\", not of \"users\"",
        "elqb_column: the statement makes no columns",
        "elqb_column: this is no column",
        "elqb_column: the column \"id\" has options already",
        "elqb_column: the column \"id\" has more than one of default, "
        "generated, identity",
        "elqb_column: the column \"id\" has no such kind of identity",
        "elqb_column: the column \"id\" has a .sequence but no .identity",
        "elqb_column: the column \"id\" has a .sequence with a type or owner "
        "of its own",
        "elqb_column: the column \"id\" has options of a foreign key but no "
        ".references",
        "elqb_column: the column \"id\" has .if_not_exists, which is of ALTER "
        "TABLE",
        "elqb_column: .references is no column of a table",
        "elqb_column: .references is no column of a table",
        "elqb_column: no such action of a foreign key",
        "elqb_column: an operand is ELQB_END",
        "elqb_render: DEFAULT is for values of INSERT and UPDATE",
    };

    for (int i = 0; i < 15; i++)
        FAILS(broken_column(i), texts[i]);
}
END_TEST

/* What cannot be a literal, or is no good text. */
static elqb_ddl *broken_text(int how)
{
    elqb_ddl *d = elqb_create_table(q, U, 0);
    elqb_select *s = elqb_select_new(q);
    elqb_expr deep = U.active;

    switch (how) {
    case 0:
        elqb_column(d, U.age, .check = elqb_gt(q, U.age, elqb_bind("a", INT4)));
        break;
    case 1:
        elqb_column(d, U.data,
                    .default_value = V(elpq_raw(ELPQ_OID_JSONB, "x", 1)));
        break;
    case 2:
        elqb_column(d, U.name, .type = ELQB_SQL_TYPE("varchar(3"));
        break;
    case 3:
        elqb_column(d, U.name, .collation = "");
        break;
    case 4:
        elqb_columns(s, V(1));
        elqb_column(d, U.age, .check = elqb_in_select(q, U.age, s));
        break;
    case 5:
        for (int i = 0; i < 1001; i++)
            deep = elqb_not(q, deep);
        elqb_column(d, U.active, .check = deep);
        break;
    case 6:
        elqb_column(d, U.name, .default_value = V("\xff"));
        break;
    case 7:
        elqb_column(d, U.name, .type = elqb_type_named(NULL, ""));
        break;
    case 8:
        elqb_column(d, U.name, .type = elqb_type_named("app", NULL));
        break;
    default:
        elqb_column(d, elqb_name(""), .unique = true);
        break;
    }
    return d;
}

START_TEST(test_text_mistakes)
{
    static const struct {
        elqb_code code;
        const char *text;
    } wanted[] = {
        { ELQB_E_BIND, "elqb_column: a definition takes no binds (:a)" },
        { ELQB_E_VALUE, "elqb_render: a value in binary form cannot be "
                        "written as a literal" },
        { ELQB_E_TEXT, "elqb_column: a bracket is not closed" },
        { ELQB_E_NAME, "elqb_column: the name is empty" },
        { ELQB_E_USAGE, "elqb_render: a definition takes no parameters, and "
                        "has some in a subquery or aggregate" },
        { ELQB_E_LIMIT, "elqb_column: nested more than 1000 levels deep" },
        { ELQB_E_VALUE, "elqb_render: a string is not valid UTF-8" },
        { ELQB_E_NAME, "elqb_column: the name is empty" },
        { ELQB_E_NAME, "elqb_column: the name is empty" },
        { ELQB_E_NAME, "elqb_column: the name is empty" },
    };

    for (int i = 0; i < 10; i++)
        CHECK_FAILS(elqb_render(q, broken_text(i)), wanted[i].code,
                    wanted[i].text);
}
END_TEST

static elqb_ddl *broken_constraint(int how)
{
    elqb_ddl *d = how == 1 ? elqb_drop_table(q, U.table, 0)
                           : elqb_create_table(q, U, 0);
    elqb_expr check = elqb_gt(q, U.age, V(0));

    switch (how) {
    case 0:
        elqb_constraint(d, .unique = ELQB_LIST(U.id), .check = check);
        break;
    case 1:
        elqb_constraint(d, .check = check);
        break;
    case 2:
        elqb_constraint_v(d, NULL);
        break;
    case 3:
        elqb_constraint(d, .foreign_key = ELQB_LIST(U.id));
        break;
    case 4:
        elqb_constraint(d, .check = check, .on_delete = ELQB_CASCADE);
        break;
    case 5:
        elqb_constraint(d, .check = check, .nulls_not_distinct = true);
        break;
    case 6:
        elqb_constraint(d, .check = check, .include = ELQB_LIST(U.id));
        break;
    case 7:
        elqb_constraint(d, .unique = ELQB_LIST(U.id), .no_inherit = true);
        break;
    case 8:
        elqb_constraint(d, .check = check, .deferrable = true);
        break;
    case 9:
        elqb_constraint(d, .check = check, .not_valid = true);
        break;
    case 10:
        elqb_constraint(d, .foreign_key = ELQB_LIST(U.id),
                        .references = ELQB_LIST(U.id, U.age));
        break;
    case 11:
        elqb_constraint(d, .foreign_key = ELQB_LIST(U.id, U.age),
                        .references = ELQB_LIST(U.id, O.id));
        break;
    case 12:
        elqb_constraint(d, .foreign_key = ELQB_LIST(U.id),
                        .references = ELQB_LIST(U.id), .on_delete = 1);
        break;
    case 13:
        elqb_constraint(d, .unique = ELQB_LIST(V(1)));
        break;
    case 14:
        elqb_constraint(d, .unique = (elqb_expr[]){ ELQB_END });
        break;
    default:
        elqb_constraint(d, .unique = ELQB_LIST(ELQB_NONE));
        break;
    }
    return d;
}

START_TEST(test_constraint_mistakes)
{
    static const char *const texts[] = {
        "elqb_constraint: it is not one of .primary_key, .unique, "
        ".foreign_key, .exclude, .check",
        "elqb_constraint: the statement makes no constraints",
        "elqb_constraint: it is not one of .primary_key, .unique, "
        ".foreign_key, .exclude, .check",
        "elqb_constraint: .foreign_key and .references go together",
        "elqb_constraint: it has options of a foreign key",
        "elqb_constraint: .nulls_not_distinct is of .unique",
        "elqb_constraint: .include is of .unique, .primary_key and "
        ".exclude",
        "elqb_constraint: .no_inherit is of .check",
        "elqb_constraint: a check is not deferrable",
        "elqb_constraint: .not_valid is of .check and .foreign_key of ALTER "
        "TABLE",
        "elqb_constraint: 1 columns refer to 2",
        "elqb_constraint: .references are no columns of one table",
        "elqb_constraint: no such action of a foreign key",
        "elqb_constraint: what is listed is no column",
        "elqb_constraint: a list of columns is empty",
        "elqb_constraint: operand 1 is ELQB_NONE",
    };

    for (int i = 0; i < 16; i++)
        FAILS(broken_constraint(i), texts[i]);
}
END_TEST

/* ---------------------------------------------------- indexes and others */

START_TEST(test_index_mistakes)
{
    elqb_expr keys[] = { ELQB_END };

    FAILS(elqb_create_index(q, "i", U.table, keys),
          "elqb_create_index: there are no keys");
    FAILS(elqb_create_index(q, "i", U.table, ELQB_LIST(ELQB_NONE)),
          "elqb_create_index: an operand is ELQB_NONE");
    FAILS(elqb_create_index(q, NULL, U.table, ELQB_LIST(U.id),
                            .if_not_exists = true),
          "elqb_create_index: IF NOT EXISTS needs a name");
    FAILS(elqb_create_index(q, "i", U.table, ELQB_LIST(U.id),
                            .nulls_not_distinct = true),
          "elqb_create_index: .nulls_not_distinct without .unique");
    FAILS(elqb_create_index(q, "i", users_as("u").table, ELQB_LIST(U.id)),
          "elqb_create_index: the table has an alias, \"u\"");
    FAILS(elqb_create_index(q, "i", U.table, ELQB_LIST(U.id),
                            .include = ELQB_LIST(V(1))),
          "elqb_create_index: what is listed is no column");
    FAILS(elqb_drop_index(q, NULL, "i", ELQB_CONCURRENTLY | ELQB_CASCADE),
          "elqb_drop_index: CONCURRENTLY does not go with CASCADE");
    CHECK_FAILS(elqb_render(q, elqb_create_index(q, "i", U.table,
                                                 ELQB_LIST(U.id),
                                                 .method = "")),
                ELQB_E_NAME, "elqb_create_index: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_create_index(q, "", U.table,
                                                 ELQB_LIST(U.id))),
                ELQB_E_NAME, "elqb_create_index: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_create_index(
                                   q, "i", U.table,
                                   ELQB_LIST(elqb_bind("k", INT4)))),
                ELQB_E_BIND,
                "elqb_create_index: a definition takes no binds (:k)");
}
END_TEST

START_TEST(test_object_mistakes)
{
    static const char label[] = "a label is a name and has at most sixty-three "
                                "bytes, as any other";

    FAILS(elqb_create_sequence(q, NULL, "s", 0, .start = V("1")),
          "elqb_create_sequence: an option of a sequence is no integer");
    FAILS(elqb_create_sequence(q, NULL, "s", 0, .cache = V(1.5)),
          "elqb_create_sequence: an option of a sequence is no integer");
    FAILS(elqb_create_sequence(q, NULL, "s", 0, .type = ELQB_TYPE_TEXT),
          "elqb_create_sequence: a sequence is of INT2, INT4 or INT8");
    FAILS(elqb_create_sequence(q, NULL, "s", 0, .owned_by = elqb_name("x")),
          "elqb_create_sequence: .owned_by is no column of a table");
    FAILS(elqb_create_sequence(q, NULL, "s", ELQB_CASCADE),
          "elqb_create_sequence: a flag that the statement does not have");
    FAILS(elqb_add_enum_value(q, NULL, "t", "x", "a", "b", 0),
          "elqb_add_enum_value: both before and after a label");
    FAILS(elqb_drop_constraint(q, users_as("b").table, "c", 0),
          "elqb_drop_constraint: the table has an alias, \"b\"");
    FAILS(elqb_drop_constraint(q, U.table, "c", ELQB_CONCURRENTLY),
          "elqb_drop_constraint: a flag that the statement does not have");
    FAILS(elqb_comment_on_column(q, elqb_name("id"), "x"),
          "elqb_comment_on_column: what is given is no column of a table");
    FAILS(elqb_comment_on(q, (elqb_object_kind)9, NULL, "x", "x"),
          "elqb_comment_on: no such kind");
    FAILS(elqb_comment_on(q, ELQB_SCHEMA, "a", "x", "x"),
          "elqb_comment_on: a schema is in no schema");
    CHECK_FAILS(elqb_render(q, elqb_create_enum(q, NULL, "t", "a", label)),
                ELQB_E_NAME,
                "elqb_create_enum: the name \"a label is a name and has at "
                "most sixty-three bytes, as any oth\"... is longer than 63 "
                "bytes");
    CHECK_FAILS(elqb_render(q, elqb_add_enum_value(q, NULL, "t", "", NULL,
                                                   NULL, 0)),
                ELQB_E_NAME, "elqb_add_enum_value: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_drop_type(q, NULL, "", 0)), ELQB_E_NAME,
                "elqb_drop_type: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_drop_constraint(q, U.table, "", 0)),
                ELQB_E_NAME, "elqb_drop_constraint: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_drop_constraint(q, U.table, NULL, 0)),
                ELQB_E_NAME, "elqb_drop_constraint: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_comment_on_constraint(q, U.table, "",
                                                          NULL)),
                ELQB_E_NAME, "elqb_comment_on_constraint: the name is empty");
    CHECK_FAILS(elqb_render(q, elqb_comment_on_table(q, U.table, "\xff")),
                ELQB_E_VALUE, "elqb_render: a string is not valid UTF-8");
}
END_TEST

START_TEST(test_null)
{
    elqb_column_v(NULL, U.id, NULL);
    elqb_constraint_v(NULL, NULL);
    ck_assert_ptr_null(elqb_create_table(NULL, U, 0));
    ck_assert_ptr_null(elqb_create_table_named(NULL, U.table, 0));
    ck_assert_ptr_null(elqb_alter_table(NULL, U.table, 0));
    ck_assert_ptr_null(elqb_drop_table(NULL, U.table, 0));
    ck_assert_ptr_null(elqb_drop_constraint(NULL, U.table, "c", 0));
    ck_assert_ptr_null(elqb_truncate(NULL, NULL, 0));
    ck_assert_ptr_null(elqb_create_index_v(NULL, "i", U.table, NULL, NULL));
    ck_assert_ptr_null(elqb_drop_index(NULL, NULL, "i", ELQB_CONCURRENTLY |
                                                            ELQB_CASCADE));
    ck_assert_ptr_null(elqb_create_schema(NULL, "s", 0));
    ck_assert_ptr_null(elqb_create_enum_v(NULL, NULL, "t", NULL));
    ck_assert_ptr_null(elqb_add_enum_value(NULL, NULL, "t", "x", 0, 0, 0));
    ck_assert_ptr_null(elqb_create_sequence_v(NULL, NULL, "s", 0, NULL));
    ck_assert_ptr_null(elqb_comment_on_table(NULL, U.table, "x"));
    ck_assert_ptr_null(elqb_comment_on_column(NULL, U.id, "x"));
    ck_assert_ptr_null(elqb_comment_on_constraint(NULL, U.table, "c", "x"));
    ck_assert_ptr_null(elqb_comment_on(NULL, ELQB_INDEX, NULL, "c", "x"));
    CHECK_FAILS(elqb_ddl_render(q, NULL), ELQB_E_USAGE,
                "elqb_render: the statement is NULL");
    FAILS(elqb_create_table_v(q, NULL, 0, 0),
          "elqb_create_table: this is no declared table");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_ddl_mistakes");
    TCase *tcase = qb_case(suite, "mistakes");

    tcase_add_test(tcase, test_table_mistakes);
    tcase_add_test(tcase, test_column_mistakes);
    tcase_add_test(tcase, test_text_mistakes);
    tcase_add_test(tcase, test_constraint_mistakes);
    tcase_add_test(tcase, test_index_mistakes);
    tcase_add_test(tcase, test_object_mistakes);
    tcase_add_test(tcase, test_null);
    return qb_main(suite);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Definitions: the mistakes in what stands behind the columns, EXCLUDE and the
 * clauses of CREATE TABLE, and what is said of each.
 */
#include "check_qb.h"

static elqb_ddl *broken_exclude(int how)
{
    elqb_ddl *d = elqb_create_table(q, U, 0);
    const elqb_expr *key = ELQB_LIST(U.id);

    switch (how) {
    case 0:
        elqb_constraint(d, .exclude = key);
        break;
    case 1:
        elqb_constraint(d, .exclude = key, .operators = ELQB_OPERATORS("="),
                        .unique = key);
        break;
    case 2:
        elqb_constraint(d, .exclude = key,
                        .operators = ELQB_OPERATORS("= x"));
        break;
    case 3:
        elqb_constraint(d, .unique = key, .method = "gist");
        break;
    case 4:
        elqb_constraint(d, .exclude = key, .operators = ELQB_OPERATORS("="),
                        .method = "");
        break;
    default:
        elqb_constraint(d, .exclude = ELQB_LIST(ELQB_NONE),
                        .operators = ELQB_OPERATORS("="));
        break;
    }
    return d;
}

START_TEST(test_exclude_mistakes)
{
    static const char *const texts[] = {
        "0 operators for 1 keys",
        ("it is not one of .primary_key, .unique, .foreign_key, .exclude, "
         ".check"),
        "\"= x\" is no operator",
        "it has options of .exclude",
        "the name is empty",
        "an operand is ELQB_NONE",
    };
    const char *error;

    for (int i = 0; i < 6; i++) {
        ck_assert_ptr_null(elqb_render(q, broken_exclude(i)));
        error = elqb_error(q);
        ck_assert_int_eq(strncmp(error, "elqb_constraint: ", 17), 0);
        ck_assert_str_eq(error + 17, texts[i]);
        elqb_reset(q);
    }
}
END_TEST

static elqb_ddl *broken_clauses(int how)
{
    elqb_ddl *d = how == 0 ? elqb_drop_table(q, U.table, 0)
                           : elqb_create_table(q, U, 0);

    switch (how) {
    case 0:
        elqb_table_clauses(d, .tablespace = "t");
        break;
    case 1:
        elqb_table_clauses_v(d, NULL);
        elqb_table_clauses(d, .tablespace = "t");
        break;
    case 2:
        elqb_table_clauses(d, .partition = ELQB_PARTITION_LIST);
        break;
    case 3:
        elqb_table_clauses(d, .partition = (elqb_partition)9,
                           .partition_by = ELQB_LIST(U.id));
        break;
    case 4:
        elqb_table_clauses(d, .partition = ELQB_PARTITION_HASH,
                           .partition_by = ELQB_LIST(elqb_asc(q, U.id)));
        break;
    case 5:
        elqb_table_clauses(d, .partition = ELQB_PARTITION_HASH,
                           .partition_by = ELQB_LIST(U.id),
                           .inherits = ELQB_TABLES(O.table));
        break;
    case 6:
        elqb_table_clauses(d, .on_commit = ELQB_ON_COMMIT_DROP);
        break;
    case 7:
        elqb_table_clauses(d, .inherits = ELQB_TABLES(users_as("u").table));
        break;
    case 8:
        elqb_table_clauses(d, .storage = ELQB_STORAGE(ELQB_ARG("a", U.id)));
        break;
    case 9:
        elqb_table_clauses(d, .storage = (const elqb_arg[]){
                                  { .name = NULL } });
        break;
    default:
        elqb_table_clauses(d, .on_commit = (elqb_on_commit)9);
        break;
    }
    return d;
}

START_TEST(test_clauses_mistakes)
{
    static const char *const texts[] = {
        "the statement is no CREATE TABLE",
        "the table has some already",
        ".partition and .partition_by go together",
        "there is no such kind of partition",
        ".partition_by takes no order (asc, desc)",
        ".partition_by does not go with .inherits",
        ".on_commit is of temporary tables",
        "a table has an alias",
        "the parameter \"a\" is no number, bool or text",
        ".storage is empty",
        "there is no such ON COMMIT",
    };
    char text[200];

    elqb_table_clauses_v(NULL, NULL);
    for (int i = 0; i < 11; i++) {
        snprintf(text, sizeof(text), "elqb_table_clauses: %s", texts[i]);
        CHECK_FAILS(elqb_render(q, broken_clauses(i)), ELQB_E_USAGE, text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_ddl_clauses");
    TCase *tcase = qb_case(suite, "mistakes");

    tcase_add_test(tcase, test_exclude_mistakes);
    tcase_add_test(tcase, test_clauses_mistakes);
    return qb_main(suite);
}

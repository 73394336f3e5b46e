/* SPDX-License-Identifier: PostgreSQL */
/*
 * Options of sequences: the builder refuses what the server refuses, and no
 * more.  All combinations of a few numbers at the edges are tried with both.
 */
#include <limits.h>

#include "qb_server.h"

#define COUNTERS(C) C(id, INT2) C(wide, INT8) C(name, TEXT)
ELQB_TABLE(counters, COUNTERS)

static void setup(void)
{
    server_setup("SAVEPOINT clean");
}

static bool is_taken(const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    bool taken = PQresultStatus(res) == PGRES_COMMAND_OK;

    PQclear(res);
    run_sql("ROLLBACK TO clean");
    return taken;
}

/* The statement without bounds, so that the server judges the numbers that the
 * builder would not write. */
static void put_options(char *sql, size_t size, const char *type,
                        const long long *numbers)
{
    static const char *const words[] = { "INCREMENT", "MINVALUE", "MAXVALUE",
                                         "START", "CACHE" };
    size_t len = (size_t)snprintf(sql, size, "CREATE SEQUENCE s AS %s", type);

    for (int i = 0; i < 5; i++)
        if (numbers[i] != LLONG_MIN)
            len += (size_t)snprintf(sql + len, size - len, " %s %lld",
                                    words[i], numbers[i]);
}

static elqb_expr option(long long number)
{
    return number == LLONG_MIN ? ELQB_NONE : V(number);
}

static void compare(uint32_t type, const char *name, const long long *numbers)
{
    elqb_ddl *d = elqb_create_sequence(
        q, NULL, "s", 0, .type = type, .increment = option(numbers[0]),
        .min_value = option(numbers[1]), .max_value = option(numbers[2]),
        .start = option(numbers[3]), .cache = option(numbers[4]));
    const elpq_statement *st = elqb_render(q, d);
    char sql[300];

    put_options(sql, sizeof(sql), name, numbers);
    ck_assert_msg(is_taken(st ? st->sql : sql) == (st != NULL), "%s: %s: %s",
                  sql, elqb_error(q), PQerrorMessage(conn));
    elqb_reset(q);
}

START_TEST(test_options)
{
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = { { ELQB_TYPE_INT2, "int2" }, { ELQB_TYPE_INT4, "int4" },
                  { ELQB_TYPE_INT8, "int8" } };
    static const long long by[] = { LLONG_MIN, -2, 0, 3 };
    static const long long bounds[] = { LLONG_MIN, -32769, -32768, -1, 0, 1,
                                        32767, 32768, INT32_MAX,
                                        (long long)INT32_MAX + 1 };
    static const long long starts[] = { LLONG_MIN, -40000, -1, 1, 40000 };
    int step = 20 / qb_rounds(20), n = 0;

    for (int t = 0; t < 3; t++)
        for (int b = 0; b < 4; b++)
            for (int min = 0; min < 10; min++)
                for (int max = 0; max < 10; max++)
                    for (int start = 0; start < 5; start++) {
                        const long long numbers[] = {
                            by[b], bounds[min], bounds[max], starts[start],
                            LLONG_MIN
                        };

                        if (n++ % step == 0)
                            compare(types[t].type, types[t].name, numbers);
                    }
    ck_assert_int_gt(n, 5000);
    for (long long cache = -1; cache < 3; cache++)
        compare(ELQB_TYPE_INT8, "int8",
                (const long long[]){ LLONG_MIN, LLONG_MIN, LLONG_MIN,
                                     LLONG_MIN, cache });
}
END_TEST

static const elpq_statement *identity(elqb_expr column, elqb_column_type type,
                                      elqb_expr max)
{
    const elqb_sequence_options options = { .max_value = max };
    counters_t C = counters_table();
    elqb_ddl *d = elqb_create_table(q, C, 0);

    elqb_column(d, column, .type = type, .identity = ELQB_IDENTITY_ALWAYS,
                .sequence = &options);
    return elqb_render(q, d);
}

START_TEST(test_identity)
{
    counters_t C = counters_table();
    elqb_column_type declared = { NULL, NULL, NULL, false };

    ck_assert(is_taken(identity(C.id, declared, V(32767))->sql));
    CHECK_FAILS(identity(C.id, declared, V(32768)), ELQB_E_USAGE,
                "elqb_column: .max_value does not fit INT2");
    ck_assert(is_taken(identity(C.id, ELQB_SQL_TYPE("integer"),
                                V(32768))->sql));
    ck_assert(is_taken(identity(C.wide, declared, V(INT64_MAX))->sql));
    CHECK_FAILS(identity(C.wide, declared, V((uint64_t)INT64_MAX + 1)),
                ELQB_E_USAGE, "elqb_column: .max_value does not fit INT8");
    CHECK_FAILS(identity(C.name, declared, V(1)), ELQB_E_USAGE,
                "elqb_column: the column \"name\" has an identity but is no "
                "INT2, INT4 or INT8");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_sequence");
    TCase *tcase = tcase_create("sequence");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_options);
    tcase_add_test(tcase, test_identity);
    return qb_main(suite);
}

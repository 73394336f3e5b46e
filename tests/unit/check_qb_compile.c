/* SPDX-License-Identifier: PostgreSQL */
/*
 * Compiled statements: every kind of statement, their parameters, the values
 * for one run with all that can be wrong with them, and threads that share
 * one.
 *
 * The builder allocates in arena.c alone, which is compiled into this program
 * with a malloc that counts.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static long allocations;
static bool no_memory;

static void *test_malloc(size_t size)
{
    allocations++;
    return no_memory ? NULL : malloc(size);
}

#define malloc test_malloc
#include "qb/arena.c"
#undef malloc

#include "check_qb.h"

static elqb_select *users_where(elqb_expr condition)
{
    elqb_select *s = elqb_select_new(q);

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, condition);
    return s;
}

static elqb_compiled *compiled_where(elqb_expr condition)
{
    elqb_compiled *c = elqb_compile(q, users_where(condition));

    ck_assert_msg(c != NULL, "%s", elqb_error(q));
    return c;
}

#define SELECT "SELECT \"users\".\"id\" FROM \"users\" WHERE "

/* The statement of a run, as check_statement() checks any other. */
#define CHECK_RUN(a, ...) CHECK(elqb_args_statement(a), __VA_ARGS__)

static void check_args_error(int line, elqb_args *a, elqb_code code,
                             const char *text)
{
    ck_assert_msg(elqb_args_statement(a) == NULL, "line %d", line);
    ck_assert_msg(strcmp(elqb_args_error(a), text) == 0,
                  "line %d:\n  is   %s\n  not  %s", line, elqb_args_error(a),
                  text);
    ck_assert_int_eq(elqb_args_error_code(a), code);
    elqb_args_reset(a);
    ck_assert_str_eq(elqb_args_error(a), "");
    ck_assert_int_eq(elqb_args_error_code(a), ELQB_OK);
}

#define ARGS_FAIL(a, code, text) check_args_error(__LINE__, a, code, text)

START_TEST(test_names_and_defaults)
{
    elqb_compiled *c;
    elqb_args a;
    const elpq_statement *st;

    elqb_params(q, ELQB_ARG("age", V(18)));
    c = compiled_where(elqb_and(
        q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
        elqb_gt(q, U.age, elqb_bind("age", INT4)),
        elqb_or(q, elqb_eq(q, U.email, elqb_bind("who", TEXT)),
                elqb_eq(q, U.balance, V(5)), elqb_eq(q, U.name, V("dflt")))));
    elqb_free(q);
    q = NULL;

    ck_assert_uint_eq(elqb_compiled_count(c), 4);
    ck_assert_str_eq(elqb_compiled_name(c, 1), "who");
    ck_assert_str_eq(elqb_compiled_name(c, 2), "age");
    ck_assert_ptr_null(elqb_compiled_name(c, 3));
    ck_assert_ptr_null(elqb_compiled_name(c, 0));
    ck_assert_ptr_null(elqb_compiled_name(c, 5));
    ck_assert_uint_eq(elqb_compiled_oid(c, 1), ELPQ_OID_TEXT);
    ck_assert_uint_eq(elqb_compiled_oid(c, 3), ELPQ_OID_NUMERIC);
    ck_assert_uint_eq(elqb_compiled_oid(c, 5), 0);

    elqb_args_init(&a, c);
    elqb_args_set(&a, "who", "bob");
    CHECK_RUN(&a,
              SELECT "\"users\".\"name\" = $1 AND \"users\".\"age\" > $2 AND "
                     "(\"users\".\"email\" = $1 OR \"users\".\"balance\" = $3 "
                     "OR \"users\".\"name\" = $4)",
              ELPQ_OID_TEXT, ELPQ_OID_INT4, ELPQ_OID_NUMERIC, ELPQ_OID_TEXT);
    st = elqb_args_statement(&a);
    ck_assert_ptr_eq(st->sql, elqb_compiled_sql(c));
    ck_assert_str_eq(st->values[0].u.bytes.data, "bob");
    ck_assert_int_eq(st->values[1].u.int64, 18);
    ck_assert_int_eq(st->values[2].u.int64, 5);
    ck_assert_str_eq(st->values[3].u.bytes.data, "dflt");

    elqb_args_set(&a, "age", 40);
    elqb_args_set_at(&a, 3, 1.5);
    elqb_args_set_at(&a, 1, "eve");
    st = elqb_args_statement(&a);
    ck_assert_str_eq(st->values[0].u.bytes.data, "eve");
    ck_assert_int_eq(st->values[1].u.int64, 40);
    ck_assert(st->values[2].u.float64 == 1.5);
    ck_assert_uint_eq(st->values[2].oid, ELPQ_OID_NUMERIC);

    elqb_args_reset(&a);
    elqb_args_set(&a, "who", "x");
    ck_assert_int_eq(elqb_args_statement(&a)->values[1].u.int64, 18);
    elqb_args_clear(&a);
    elqb_compiled_free(c);
}
END_TEST

START_TEST(test_every_kind_of_statement)
{
    elqb_insert *i = elqb_insert_new(q, U.table);
    elqb_update *u = elqb_update_new(q, U.table);
    elqb_delete *d = elqb_delete_new(q, U.table);
    const elqb_select *s =
        users_where(elqb_eq(q, U.id, elqb_bind("id", INT4)));
    elqb_compiled *c[5];

    elqb_set(i, U.name, elqb_bind("name", TEXT));
    elqb_set(u, U.name, elqb_bind("name", TEXT));
    elqb_where(d, elqb_eq(q, U.id, elqb_bind("id", INT4)));
    c[0] = elqb_compile(q, s);
    c[1] = elqb_compile(q, i);
    c[2] = elqb_compile(q, u);
    c[3] = elqb_compile(q, d);
    c[4] = elqb_compile(q, elqb_text(q, "SELECT :a, :b",
                                     ELQB_ARG("a", elqb_bind("id", INT4)),
                                     ELQB_ARG("b", V(1))));
    ck_assert_str_eq(elqb_error(q), "");
    ck_assert_str_eq(elqb_compiled_sql(c[0]), SELECT "\"users\".\"id\" = $1");
    ck_assert_str_eq(elqb_compiled_sql(c[1]),
                     "INSERT INTO \"users\" (\"name\") VALUES ($1)");
    ck_assert_str_eq(elqb_compiled_sql(c[2]),
                     "UPDATE \"users\" SET \"name\" = $1");
    ck_assert_str_eq(elqb_compiled_sql(c[3]),
                     "DELETE FROM \"users\" WHERE \"users\".\"id\" = $1");
    ck_assert_str_eq(elqb_compiled_sql(c[4]), "SELECT $1, $2");
    for (int n = 0; n < 5; n++)
        elqb_compiled_free(c[n]);
}
END_TEST

/* Defaults of every kind are in the block: nothing else of them is left. */
START_TEST(test_defaults_are_copies)
{
    char text[] = "text", one[] = "one";
    const char *words[] = { one, NULL };
    int32_t numbers[] = { 7, 8 };
    elpq_value inner[] = { elpq_text(text), elpq_null(0) };
    elpq_value rows[] = { elpq_array(ELPQ_OID_TEXT_ARRAY, inner, 2) };
    elqb_select *s = elqb_select_new(q);
    const elpq_value *v;
    elqb_compiled *c;
    elqb_args a;

    elqb_columns(s, V(text), elqb_items(words, 2), elqb_items(numbers, 2),
                 V(elpq_array(ELPQ_OID_TEXT_ARRAY, rows, 1)),
                 V(elpq_bytea(text, 4)), V(elpq_null(ELPQ_OID_DATE)),
                 V(elpq_array(ELPQ_OID_INT4_ARRAY, NULL, 0)));
    c = elqb_compile(q, s);
    ck_assert_msg(c != NULL, "%s", elqb_error(q));
    memset(text, '?', 4);
    memset(one, '?', 3);
    memset(numbers, 0, sizeof(numbers));
    elqb_free(q);
    q = NULL;
    elqb_args_init(&a, c);
    v = elqb_args_statement(&a)->values;
    ck_assert_str_eq(v[0].u.bytes.data, "text");
    ck_assert_str_eq(((const char *const *)v[1].u.array.items)[0], "one");
    ck_assert_ptr_null(((const char *const *)v[1].u.array.items)[1]);
    ck_assert_int_eq(((const int32_t *)v[2].u.array.items)[1], 8);
    v = v[3].u.array.items;
    v = v[0].u.array.items;
    ck_assert_str_eq(v[0].u.bytes.data, "text");
    ck_assert_int_eq(v[1].kind, ELPQ_KIND_NULL);
    elqb_args_clear(&a);
    elqb_compiled_free(c);
}
END_TEST

START_TEST(test_types_of_values)
{
    const char *const words[] = { "a", "b" };
    const int64_t large[] = { INT64_C(1) << 40 };
    const int64_t small[] = { 3 };
    elqb_compiled *c = compiled_where(elqb_and(
        q, elqb_eq(q, U.age, elqb_bind("age", INT4)),
        elqb_eq(q, U.balance, elqb_bind("balance", NUMERIC)),
        elqb_eq(q, U.active, elqb_bind("active", BOOL)),
        elqb_eq_any(q, U.id, elqb_bind("ids", INT4_ARRAY)),
        elqb_contains(q, U.tags, elqb_bind("tags", TEXT_ARRAY)),
        elqb_eq(q, O.status, elqb_bind("status", OTHER))));
    const elpq_statement *st;
    elqb_args a;

    elqb_args_init(&a, c);
    elqb_args_set(&a, "age", INT64_C(18));
    elqb_args_set(&a, "balance", 1.5);
    elqb_args_set(&a, "active", 1);
    elqb_args_set(&a, "ids", elpq_array_int64(small, 1));
    elqb_args_set(&a, "tags", elpq_array_text(words, 2));
    elqb_args_set(&a, "status", "paid");
    st = elqb_args_statement(&a);
    ck_assert_msg(st != NULL, "%s", elqb_args_error(&a));
    for (unsigned i = 0; i < st->nvalues; i++)
        ck_assert_uint_eq(st->values[i].oid, elqb_compiled_oid(c, i + 1));
    elqb_args_set(&a, "tags", (const char *)NULL);
    elqb_args_set(&a, "ids", "{1,2}");
    elqb_args_set(&a, "status", elpq_typed(90001, elpq_text("paid")));
    st = elqb_args_statement(&a);
    ck_assert_msg(st != NULL, "%s", elqb_args_error(&a));
    ck_assert_uint_eq(st->values[3].oid, ELPQ_OID_INT4_ARRAY);
    ck_assert_uint_eq(st->values[4].oid, ELPQ_OID_TEXT_ARRAY);
    ck_assert_uint_eq(st->values[5].oid, 90001);

    elqb_args_set(&a, "age", INT64_C(1) << 40);
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set: :age takes INT4, not INT8");
    elqb_args_set(&a, "age", 1.5);
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set: :age takes INT4, not FLOAT8");
    elqb_args_set(&a, "ids", elpq_array_int64(large, 1));
    ARGS_FAIL(&a, ELQB_E_BIND,
              "elqb_args_set: :ids takes INT4_ARRAY, not INT8_ARRAY");
    elqb_args_set(&a, "active", 2);
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set: :active takes BOOL, not INT4");
    elqb_args_set_at(&a, 2, elpq_bool(true));
    ARGS_FAIL(&a, ELQB_E_BIND,
              "elqb_args_set_at: :balance takes NUMERIC, not BOOL");
    elqb_args_set(&a, "age", elpq_typed(90001, elpq_int32(1)));
    ARGS_FAIL(&a, ELQB_E_BIND,
              "elqb_args_set: :age takes INT4, not the type 90001");
    elqb_args_clear(&a);
    elqb_compiled_free(c);
}
END_TEST

START_TEST(test_wrong_names)
{
    elqb_compiled *c =
        compiled_where(elqb_and(q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
                                elqb_eq(q, U.id, V(1))));
    elqb_args a;

    elqb_args_init(&a, c);
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_statement: :who has no value");
    elqb_args_set(&a, "wo", "x");
    elqb_args_set(&a, "why", "x");
    ARGS_FAIL(&a, ELQB_E_BIND,
              "elqb_args_set: the statement has no bind :wo");
    elqb_args_set(&a, NULL, "x");
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set: the statement has no bind :");
    elqb_args_set_at(&a, 0, 1);
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set_at: there is no $0, the "
                               "statement has 2 parameters");
    elqb_args_set_at(&a, 3, 1);
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set_at: there is no $3, the "
                               "statement has 2 parameters");
    elqb_args_set_at(&a, 2, "x");
    ck_assert_str_eq(elqb_args_error(&a), "");
    elqb_args_set_at(&a, 2, elpq_double(1));
    ARGS_FAIL(&a, ELQB_E_BIND, "elqb_args_set_at: $2 takes INT4, not FLOAT8");
    /* a parameter set once is set */
    elqb_args_set(&a, "who", "x");
    elqb_args_set(&a, "who", "y");
    ck_assert_ptr_nonnull(elqb_args_statement(&a));
    elqb_args_clear(&a);
    elqb_args_set(&a, "who", "x");
    ck_assert_ptr_null(elqb_args_statement(&a));
    ck_assert_str_eq(elqb_args_error(&a),
                     "elqb_args_init: it was not called");
    elqb_args_init(&a, NULL);
    elqb_args_set(&a, "who", "x");
    elqb_args_reset(&a);
    ck_assert_ptr_null(elqb_args_statement(&a));
    ck_assert_str_eq(elqb_args_error(&a),
                     "elqb_args_init: the compiled statement is NULL");
    elqb_compiled_free(c);
}
END_TEST

START_TEST(test_null)
{
    elqb_args_init(NULL, NULL);
    elqb_args_reset(NULL);
    elqb_args_clear(NULL);
    elqb_args_set(NULL, "a", 1);
    elqb_args_set_at(NULL, 1, 1);
    ck_assert_ptr_null(elqb_args_statement(NULL));
    ck_assert_int_eq(elqb_args_error_code(NULL), ELQB_E_USAGE);
    ck_assert_str_eq(elqb_args_error(NULL),
                     "elqb_args_error: the values are NULL");
    elqb_compiled_free(NULL);
    ck_assert_ptr_null(elqb_compiled_sql(NULL));
    ck_assert_ptr_null(elqb_compiled_name(NULL, 1));
    ck_assert_uint_eq(elqb_compiled_count(NULL), 0);
    ck_assert_uint_eq(elqb_compiled_oid(NULL, 1), 0);
    ck_assert_ptr_null(elqb_select_compile(NULL, NULL));
    ck_assert_ptr_null(elqb_text_compile(NULL, ELQB_NONE));
}
END_TEST

START_TEST(test_errors_of_compile)
{
    elqb_select *s = elqb_select_new(q);
    static const elqb_select *const none;

    CHECK_FAILS(elqb_compile(q, s), ELQB_E_USAGE,
                "elqb_compile: a select has no columns, see elqb_columns()");
    CHECK_FAILS(elqb_compile(q, none), ELQB_E_USAGE,
                "elqb_compile: the statement is NULL");
    CHECK_FAILS(elqb_compile(q, U.id), ELQB_E_USAGE, "elqb_compile: of "
                "expressions only elqb_text() is a statement");
    s = users_where(elqb_and(q, elqb_eq(q, U.id, elqb_bind("x", INT4)),
                             elqb_eq(q, U.name, elqb_bind("x", TEXT))));
    CHECK_FAILS(elqb_compile(q, s), ELQB_E_BIND,
                "elqb_compile: the bind :x has two types");
    s = users_where(elqb_eq(q, U.id, elqb_bind("x", INT4)));
    elqb_params(q, ELQB_ARG("x", V(1.5)));
    CHECK_FAILS(elqb_compile(q, s), ELQB_E_BIND,
                "elqb_compile: the bind :x takes INT4, not FLOAT8");
    s = users_where(elqb_eq(q, U.id, V(1)));
    no_memory = true;
    CHECK_FAILS(elqb_compile(q, s), ELQB_E_NOMEM, "out of memory");
    no_memory = false;
}
END_TEST

/* From the second run on, a run of many parameters allocates nothing either. */
START_TEST(test_runs_allocate_nothing)
{
    elqb_expr list[ELQB_ARGS_FEW + 2];
    elqb_compiled *c, *many;
    const char *sql;
    elqb_args a, b;
    long before;

    c = compiled_where(elqb_eq(q, U.name, elqb_bind("who", TEXT)));
    for (int i = 0; i <= ELQB_ARGS_FEW; i++)
        list[i] = V(i);
    list[ELQB_ARGS_FEW + 1] = ELQB_END;
    many = compiled_where(elqb_in_v(q, U.id, list));
    no_memory = true;
    elqb_args_init(&b, many);
    no_memory = false;
    ck_assert_ptr_null(elqb_args_statement(&b));
    elqb_args_set_at(&b, 1, 1);
    elqb_args_reset(&b);
    ck_assert_ptr_null(elqb_args_statement(&b));
    ck_assert_str_eq(elqb_args_error(&b), "out of memory");
    elqb_args_clear(&b);

    elqb_args_init(&b, many);
    sql = elqb_compiled_sql(c);
    before = allocations;
    for (int i = 0; i < 100; i++) {
        elqb_args_init(&a, c);
        elqb_args_set(&a, "who", "x");
        ck_assert_ptr_eq(elqb_args_statement(&a)->sql, sql);
        elqb_args_clear(&a);
        elqb_args_reset(&b);
        elqb_args_set_at(&b, 3, i);
        ck_assert_int_eq(elqb_args_statement(&b)->values[2].u.int64, i);
    }
    ck_assert_int_eq(allocations, before);
    ck_assert_int_eq(elqb_args_statement(&b)->values[ELQB_ARGS_FEW].u.int64,
                     ELQB_ARGS_FEW);
    elqb_args_clear(&b);
    elqb_compiled_free(c);
    elqb_compiled_free(many);
}
END_TEST

#define MANY 30000

/* Quadratic lookups would take seconds here. */
START_TEST(test_many_binds)
{
    static char names[MANY][20];
    elqb_expr *list = calloc(MANY + 1, sizeof(*list));
    elqb_arg *args = calloc(MANY + 1, sizeof(*args));
    elqb_compiled *c;
    const elpq_statement *st;
    elqb_args a;

    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "bind_%d", i);
        list[i] = elqb_bind(names[i], INT4);
        args[i].name = names[i];
        args[i].value = V(i);
    }
    list[MANY] = ELQB_END;
    c = compiled_where(elqb_in_v(q, U.id, list));
    ck_assert_uint_eq(elqb_compiled_count(c), MANY);
    elqb_args_init(&a, c);
    for (int i = MANY; i-- > 0;)
        elqb_args_set(&a, names[i], i);
    st = elqb_args_statement(&a);
    elqb_params_v(q, args);
    st = elqb_render(q, users_where(elqb_in_v(q, U.id, list)));
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(st->values[i].u.int64, i);
        ck_assert_int_eq(elqb_args_statement(&a)->values[i].u.int64, i);
    }
    ck_assert_str_eq(st->sql, elqb_compiled_sql(c));
    elqb_args_clear(&a);
    elqb_compiled_free(c);
    free(list);
    free(args);
}
END_TEST

/* The same of a text, each bind of which has an argument. */
START_TEST(test_many_binds_of_text)
{
    static char names[MANY][20];
    elqb_arg *args = calloc(MANY + 1, sizeof(*args));
    char *sql = malloc((size_t)MANY * 16), *to = sql;
    const elpq_statement *st;

    to += sprintf(to, "SELECT 1");
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "b%d", i);
        args[i].name = names[i];
        args[i].value = V(i);
        to += sprintf(to, " + :b%d", i);
    }
    st = elqb_render(q, elqb_text_from_trusted_string(q, sql, args));
    ck_assert_msg(st != NULL, "%s", elqb_error(q));
    ck_assert_uint_eq(st->nvalues, MANY);
    ck_assert_int_eq(st->values[MANY - 1].u.int64, MANY - 1);
    free(args);
    free(sql);
}
END_TEST

#define THREADS 4

static void *run_often(void *arg)
{
    const elqb_compiled *c = arg;
    size_t sum = 0;

    for (int i = 0; i < 2000; i++) {
        char text[20];
        elqb_args a;

        snprintf(text, sizeof(text), "%d", i);
        elqb_args_init(&a, c);
        elqb_args_set(&a, "who", text);
        elqb_args_set(&a, "age", i);
        if (i % 3 == 0)
            elqb_args_set(&a, "nobody", i);
        sum += (elqb_args_statement(&a) != NULL) == (i % 3 != 0) &&
               strlen(elqb_compiled_sql(c));
        elqb_args_clear(&a);
    }
    return (void *)(uintptr_t)sum;
}

/* For ThreadSanitizer to look at. */
START_TEST(test_threads)
{
    pthread_t threads[THREADS];
    elqb_compiled *c = compiled_where(
        elqb_and(q, elqb_eq(q, U.name, elqb_bind("who", TEXT)),
                 elqb_eq(q, U.age, elqb_bind("age", INT4)),
                 elqb_eq(q, U.email, V("x"))));
    void *sum;

    elqb_free(q); /* it outlives the workspace */
    q = NULL;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_often, c), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &sum), 0);
        ck_assert_uint_eq((uintptr_t)sum, 2000);
    }
    elqb_compiled_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_compile");
    TCase *tcase = qb_case(suite, "compile");

    tcase_add_test(tcase, test_names_and_defaults);
    tcase_add_test(tcase, test_every_kind_of_statement);
    tcase_add_test(tcase, test_defaults_are_copies);
    tcase_add_test(tcase, test_types_of_values);
    tcase_add_test(tcase, test_wrong_names);
    tcase_add_test(tcase, test_null);
    tcase_add_test(tcase, test_errors_of_compile);
    tcase_add_test(tcase, test_runs_allocate_nothing);
    tcase_add_test(tcase, test_many_binds);
    tcase_add_test(tcase, test_many_binds_of_text);
    tcase_add_test(tcase, test_threads);
    return qb_main(suite);
}

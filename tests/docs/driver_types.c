/* SPDX-License-Identifier: PostgreSQL */
/*
 * The code of docs/types.md.  It prints nothing for the document; without
 * --print it runs against the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

/* [types-scan] */
static void on_order(elpq_result *result, const elpq_error *error, void *arg)
{
    elpq_int128_t total;        /* numeric without a fraction */
    struct timespec placed;     /* timestamptz */
    struct in_addr from;        /* inet */
    elpq_interval_parts took;   /* interval */
    int64_t paid;               /* money has no C type of its own */
    bool unpaid;
    int rc;

    if (error)
        return;
    rc = elpq_scan(result, 0, &total, &placed, &from, &took,
                   elpq_nullable(elpq_into(money, &paid), &unpaid));
    if (rc)
        fprintf(stderr, "%s\n", elpq_strerror(rc));
    else
        *(bool *)arg = unpaid;
}
/* [/types-scan] */

/* [types-failure] */
static int32_t age_of(elpq_result *result, size_t row)
{
    char why[200];
    int32_t age = 0;
    int rc = elpq_get_int32(result, row, 1, &age);

    if (rc) /* column 2 "age" (bigint), row 1: the value does not fit */
        puts(elpq_get_failure(result, row, 1, rc, why, sizeof(why)));
    return age;
}
/* [/types-failure] */

/* [types-range] */
static bool is_free(elpq_result *result, int64_t when)
{
    elpq_multirange_view free_times; /* tstzmultirange */
    elpq_range_view span;
    int64_t from, to;

    if (elpq_get_multirange(result, 0, 0, &free_times))
        return false;
    for (size_t i = 0; i < free_times.count; i++) {
        if (elpq_cell_range(&free_times.items[i], &span))
            return false;
        from = ELPQ_NEG_INFINITY;
        to = ELPQ_INFINITY;
        elpq_cell_timestamp(&span.lower, &from); /* no bound: it stays */
        elpq_cell_timestamp(&span.upper, &to);
        if (when >= from && when < to)
            return true;
    }
    return false;
}
/* [/types-range] */

/* [types-send] */
static void book(elpq_pool *pool, elpq_result_cb on_booked, void *app)
{
    elpq_value hours[2] = { elpq_text("2024-05-01 09:00+00"), elpq_null(0) };
    elpq_value row[2] = { elpq_array_text((const char *[]){ "a", "b" }, 2),
                          elpq_array_text((const char *[]){ "c", NULL }, 2) };
    elpq_inet_address net = { 4, 8, { 10 } };
    struct timespec now = { 1714556000, 0 };

    elpq_execute(pool,
                 elpq_sql("insert into bookings values ($1, $2, $3, $4, $5)",
                          elpq_range(ELPQ_OID_TSTZRANGE, hours, "[)"),
                          elpq_array(ELPQ_OID_TEXT_ARRAY, row, 2),
                          elpq_cidr(net), elpq_point(1.5, 2),
                          elpq_timestamptz_timespec(now)),
                 NULL, on_booked, app);
}
/* [/types-send] */

/* [types-load] */
static void on_mood(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    if (error)
        fprintf(stderr, "%s\n", error->message);
    else
        *(unsigned *)arg = type->nlabels;
}

static void on_person(const elpq_type_info *type, const elpq_error *error,
                      void *arg)
{
    (void)arg;
    if (error)
        fprintf(stderr, "%s\n", error->message);
    else
        printf("%s has %u fields\n", type->name, type->nfields);
}

static void start(elpq_pool *pool, unsigned *labels)
{
    elpq_load_type(pool, "app.person", NULL, on_person, NULL);
    elpq_load_type(pool, "app.mood", NULL, on_mood, labels);
}
/* [/types-load] */

/* [types-composite] */
static void add_person(elpq_pool *pool, elpq_result_cb on_added, void *app)
{
    const elpq_type_info *mood = elpq_find_type(pool, "app.mood");
    elpq_value fields[2] = { elpq_text("Ada"),
                             elpq_text_as(mood->oid, "happy", 5) };

    elpq_execute(pool,
                 elpq_sql("insert into people values ($1::app.person)"
                          " returning who",
                          elpq_composite(0, fields, 2)),
                 NULL, on_added, app);
}

static int show_person(elpq_result *result)
{
    elpq_composite_view person;
    elpq_string text;

    int rc = elpq_get_composite(result, 0, 0, &person);

    if (rc)
        return rc;
    for (size_t i = 0; i < person.count; i++)
        if (!elpq_cell_string(&person.fields[i], &text))
            printf("%s = %s\n", person.names[i], text.data);
    return 0;
}
/* [/types-composite] */

/* [types-raw] */
static void on_cube(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    if (error)
        fprintf(stderr, "%s\n", error->message);
    else
        *(uint32_t *)arg = type->oid;
}

static void load_cube(elpq_pool *pool, uint32_t *oid)
{
    elpq_load_raw_type(pool, "app.cube", NULL, on_cube, oid);
}

/* What cube_send() of the extension writes; in text it is still readable. */
static int dimensions(elpq_result *result, size_t row)
{
    elpq_string bytes;
    int rc = elpq_get_raw(result, row, 0, &bytes);

    if (rc == ELPQ_E_TYPE)
        printf("in text: %s\n", elpq_get_text(result, row, 0));
    return rc || bytes.size < 4 ? 0 : (uint8_t)bytes.data[3];
}

static void find_near(elpq_pool *pool, uint32_t oid, const char *bytes,
                      size_t size, elpq_result_cb on_found, void *app)
{
    elpq_execute(pool,
                 elpq_sql("select at from places order by at <-> $1 limit 9",
                          elpq_raw(oid, bytes, size)),
                 NULL, on_found, app);
}
/* [/types-raw] */

/* What is asked for in one schema, on one connection. */
static const char setup[] =
    "set client_min_messages = error;"
    "drop schema if exists app cascade; create schema app;"
    "create type app.mood as enum ('sad', 'happy');"
    "create type app.person as (name text, mood app.mood);"
    "create table app.bookings (at tstzrange, seats text[], net cidr,"
    " place point, made timestamptz);"
    "create table app.people (who app.person)";

/* The extension comes with the server, or does not. */
static void check_cubes(elpq_pool *pool)
{
    static const char unit[12] = { (char)0x80, 0, 0, 1, 0x3f, (char)0xf0 };
    uint32_t oid = 0;
    struct answer *a;

    if (admin_int("select count(*) from pg_available_extensions"
                  " where name = 'cube'") == 0)
        return;
    admin_do("set client_min_messages = error");
    admin_do("drop extension if exists cube cascade");
    admin_do("create extension cube schema app");
    expect_ok(script(pool, "create table app.places (at app.cube);"
                           "insert into app.places values ('(1,2,3)')",
                     NULL));
    RUN(load_cube(pool, &oid));
    expect_ok(ask(pool, elpq_sql("select 1"))); /* behind it */
    ck_assert_uint_ne(oid, 0);
    for (int i = 0; i < 2; i++) { /* in text, and from then on in binary */
        a = answer_new();
        RUN(find_near(pool, oid, unit, sizeof(unit), on_result, a));
        expect_ok(a);
        ck_assert_int_eq(dimensions(a->result, 0), i * 3);
    }
}

START_TEST(the_document)
{
    static const char *const on_connect[] = { "set search_path = app", NULL };
    elpq_pool_options o = { .max_size = 1, .on_connect = on_connect };
    elpq_pool *pool = pool_new(&o);
    struct answer *a, *done;
    unsigned labels = 0;
    bool unpaid = false;

    expect_ok(script(pool, setup, NULL));
    RUN(start(pool, &labels));
    /* the pool has one connection, so this is behind it */
    a = expect_ok(ask(pool, elpq_sql("select 170141183460469231731687::numeric,"
                                     " now(), '1.2.3.4'::inet, '1 day'::"
                                     "interval, null::money")));
    ck_assert_uint_eq(labels, 2);
    on_order(a->result, NULL, &unpaid);
    ck_assert(unpaid);
    a = expect_ok(ask(pool, elpq_sql("select 1, 3000000000 as age")));
    ck_assert_int_eq(age_of(a->result, 0), 0);
    a = expect_ok(ask(pool, elpq_sql(
        "select '{(,2024-01-01),[2025-01-01,)}'::tstzmultirange")));
    ck_assert(is_free(a->result, 0));
    ck_assert(!is_free(a->result, INT64_C(1714556000000000)));
    done = answer_new();
    RUN(book(pool, on_result, done));
    expect_ok(done);
    a = answer_new();
    RUN(add_person(pool, on_result, a));
    expect_text(a, "(Ada,happy)");
    ck_assert_int_eq(show_person(a->result), 0);
    check_cubes(pool);
    admin_do("drop schema app cascade");
    finish_pool(pool);
}
END_TEST

static void build(Suite *suite)
{
    TCase *tcase = harness_case(suite, "types", 60);

    tcase_add_test(tcase, the_document);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print") == 0)
        return EXIT_SUCCESS;
    return harness_main("driver_types", build);
}

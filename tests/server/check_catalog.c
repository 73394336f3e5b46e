/* SPDX-License-Identifier: PostgreSQL */
/*
 * Types that users made: looked up, read in both formats, sent back, dropped
 * and made anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/harness.h"

#include "lib/result.h"
#include "lib/type_set.h"

/* What a look-up answered; `info` is copied, its strings are not. */
struct loaded {
    struct answer *answer;
    elpq_type_info info;
    bool found;
};

static void on_type(const elpq_type_info *type, const elpq_error *error,
                    void *arg)
{
    struct loaded *l = arg;

    ck_assert((type == NULL) != (error == NULL));
    l->found = type != NULL;
    if (type)
        l->info = *type;
    on_done(error, l->answer);
}

static struct loaded load_as(elpq_pool *pool, const char *name, int code)
{
    struct loaded l = { answer_new(), { 0 }, false };

    ck_assert_int_eq(CALL(elpq_load_type(pool, name, NULL, on_type, &l)), 0);
    await(l.answer);
    ck_assert_int_eq(l.answer->code, code);
    ck_assert(l.found == (code == 0));
    return l;
}

static elpq_type_info load(elpq_pool *pool, const char *name)
{
    return load_as(pool, name, 0).info;
}

static bool is_binary(struct answer *a)
{
    elpq_column_info info;

    expect_ok(a);
    ck_assert_int_eq(elpq_column_at(a->result, 0, &info), 0);
    return info.binary;
}

/* A statement's first result, which is text, and a later one. */
static void both_formats(elpq_pool *pool, const char *sql,
                         struct answer *out[2])
{
    out[0] = expect_ok(ask(pool, sql_text(sql)));
    out[1] = expect_ok(ask(pool, sql_text(sql)));
    ck_assert(!is_binary(out[0]));
    ck_assert(is_binary(out[1]));
    ck_assert_str_eq(elpq_get_text(out[0]->result, 0, 0),
                     elpq_get_text(out[1]->result, 0, 0));
}

/* ------------------------------------------------------------------ types */

static void make_types(void)
{
    admin_do("set client_min_messages = error");
    admin_do("drop schema if exists shop cascade");
    admin_do("create schema shop");
    admin_do("grant usage, create on schema shop to public");
    admin_do("create type shop.mood as enum ('sad', 'ok', 'very happy')");
    admin_do("create domain shop.age as int check (value >= 0)");
    admin_do("create type shop.size as (w int, h numeric)");
    admin_do("create type shop.thing as (name text, mood shop.mood, \"A b\""
             " shop.age, size shop.size, tags text[], old shop.size[])");
    admin_do("create type shop.textrange as range (subtype = text)");
    admin_do("create type shop.odd as (x int, c regclass)");
}

static void make_extensions(void)
{
    admin_do("set client_min_messages = error");
    admin_do("create extension if not exists hstore");
    admin_do("create extension if not exists ltree");
    admin_do("create extension if not exists citext");
}

#define THING                                                                  \
    "(row('a \"b\"', 'very happy', 7, row(1, 2.50), '{x,NULL,\"y z\"}',"       \
    " array[row(3, null), null]::shop.size[])::shop.thing)"

START_TEST(an_enum_is_read_in_binary_and_sent)
{
    elpq_pool *pool = pool_of(1);
    elpq_type_info mood;
    struct answer *a[2];
    elpq_array_view view;
    elpq_value values[2];
    elpq_string s;
    elpq_statement st;

    make_types();
    mood = load(pool, "shop.mood");
    ck_assert_int_eq(mood.kind, ELPQ_TYPE_ENUM);
    ck_assert_int_eq(mood.nlabels, 3);
    ck_assert_str_eq(mood.labels[2], "very happy");
    ck_assert_str_eq(mood.schema, "shop");
    ck_assert(mood.known);
    both_formats(pool, "select 'ok'::shop.mood", a);
    both_formats(pool, "select '{ok,NULL,\"very happy\"}'::shop.mood[]", a);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(elpq_get_array(a[i]->result, 0, 0, &view), 0);
        ck_assert_uint_eq(view.count, 3);
        ck_assert_uint_eq(view.elem_oid, mood.oid);
        ck_assert_int_eq(elpq_cell_string(&view.items[2], &s), 0);
        ck_assert_str_eq(s.data, "very happy");
    }
    values[0] = elpq_text_as(mood.oid, "sad", 3);
    values[1] = elpq_array(mood.array_oid, values, 1);
    st = elpq_sql_from_trusted_string("select $1 = any($2)", values, 2);
    expect_text(ask(pool, &st), "t");
    finish_pool(pool);
}
END_TEST

static void check_thing(elpq_result *result, elpq_pool *pool)
{
    elpq_composite_view thing, size;
    elpq_array_view old;
    elpq_string s;
    int32_t n;

    ck_assert_int_eq(elpq_get_composite(result, 0, 0, &thing), 0);
    ck_assert_uint_eq(thing.count, 6);
    ck_assert_str_eq(thing.names[2], "A b");
    ck_assert_int_eq(elpq_cell_string(&thing.fields[0], &s), 0);
    ck_assert_str_eq(s.data, "a \"b\"");
    ck_assert_int_eq(elpq_cell_string(&thing.fields[1], &s), 0);
    ck_assert_str_eq(s.data, "very happy");
    ck_assert_uint_eq(thing.fields[2].oid,
                      elpq_find_type(pool, "shop.thing")->field_oids[2]);
    ck_assert_int_eq(elpq_cell_int32(&thing.fields[2], &n), 0);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(elpq_cell_composite(&thing.fields[3], &size), 0);
    ck_assert_int_eq(elpq_cell_string(&size.fields[1], &s), 0);
    ck_assert_str_eq(s.data, "2.50");
    ck_assert_int_eq(elpq_cell_array(&thing.fields[5], &old), 0);
    ck_assert_uint_eq(old.count, 2);
    ck_assert_int_eq(elpq_cell_composite(&old.items[0], &size), 0);
    ck_assert_str_eq(size.names[1], "h");
    ck_assert_int_eq(size.fields[1].size, -1);
    ck_assert_int_eq(elpq_cell_composite(&old.items[1], &size), ELPQ_E_NULL);
}

START_TEST(a_composite_is_taken_apart)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a[2], *back;
    elpq_statement st;
    elpq_value v;

    make_types();
    ck_assert_int_eq(load(pool, "shop.thing").kind, ELPQ_TYPE_COMPOSITE);
    both_formats(pool, "select " THING, a);
    for (int i = 0; i < 2; i++) {
        check_thing(a[i]->result, pool);
        ck_assert_int_eq(elpq_get_value(a[i]->result, 0, 0, &v), 0);
        ck_assert_int_eq(v.kind, ELPQ_KIND_COMPOSITE);
        st = elpq_sql_from_trusted_string("select $1 = " THING ", $1", &v, 1);
        back = expect_text(ask(pool, &st), "t");
        ck_assert_str_eq(elpq_get_text(back->result, 0, 1),
                         elpq_get_text(a[i]->result, 0, 0));
    }
    finish_pool(pool);
}
END_TEST

/* The encoding for who needs binary, as COPY does: the server takes it. */
static elpq_value encoded(elpq_result *result, const elpq_value *v,
                          struct elpq__buf *bytes)
{
    const struct elpq__codec *codec = elpq__codec_in(result->types, v->oid);

    ck_assert_ptr_nonnull(codec);
    elpq__buf_clear(bytes);
    if (codec->textual || codec->ops->encode(codec, v, bytes, NULL))
        return *v;
    ck_assert(!bytes->failed);
    return elpq_raw(v->oid, bytes->data ? bytes->data : "", bytes->size);
}

START_TEST(values_come_back_in_every_kind)
{
    static const char *const sqls[] = {
        "select '[\"a,b\",\"c\\\\\")'::shop.textrange",
        "select '{[a,b),[c,d]}'::shop.textmultirange",
        "select '{\"[a,b)\",empty}'::shop.textrange[]",
        "select array[5, null]::shop.age[]",
        "select array[" THING ", null]",
        "select '\"a\"=>\"1\", \"b \\\"\"=>NULL, \"\"=>\"\"'::hstore",
        "select ''::hstore",
        "select array['a=>1'::hstore, null]",
        "select 'a.b.c'::ltree",
        "select array['a.b', 'c']::ltree[]",
        "select '*.b.*{1,2}'::lquery",
        "select 'a & b*'::ltxtquery",
        "select 'Abc'::citext",
        "select array['Abc', 'd e']::citext[]",
    };
    elpq_pool *pool = pool_of(1);
    const struct elpq_type_info *info;
    struct answer *a[2], *back;
    struct elpq__buf bytes = { 0 };
    elpq_value v[2];
    elpq_statement st;
    static const char *const names[] = { "shop.textrange", "shop.thing",
                                         "hstore",         "ltree",
                                         "lquery",         "ltxtquery",
                                         "citext",         "shop.age" };

    make_types();
    make_extensions();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        load(pool, names[i]);
        info = elpq_find_type(pool, names[i]);
        ck_assert(info->known);
        ck_assert_ptr_eq(elpq_pool_find_type_oid(pool, info->oid), info);
    }
    for (size_t i = 0; i < sizeof(sqls) / sizeof(sqls[0]); i++) {
        both_formats(pool, sqls[i], a);
        for (int k = 0; k < 2; k++) {
            ck_assert_int_eq(elpq_get_value(a[k]->result, 0, 0, &v[0]), 0);
            v[1] = encoded(a[k]->result, &v[0], &bytes);
            st = elpq_sql_from_trusted_string("select $1, $2", v, 2);
            back = expect_ok(ask(pool, &st));
            ck_assert_str_eq(elpq_get_text(back->result, 0, 0),
                             elpq_get_text(a[k]->result, 0, 0));
            ck_assert_str_eq(elpq_get_text(back->result, 0, 1),
                             elpq_get_text(a[k]->result, 0, 0));
        }
    }
    elpq__buf_free(&bytes);
    finish_pool(pool);
}
END_TEST

START_TEST(an_hstore_is_read)
{
    elpq_pool *pool = pool_of(1);
    elpq_hstore_view view;
    struct answer *a[2];

    make_extensions();
    load(pool, "hstore");
    both_formats(pool, "select 'a=>1, \"b\\\"c\"=>NULL'::hstore", a);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(elpq_get_hstore(a[i]->result, 0, 0, &view), 0);
        ck_assert_uint_eq(view.count, 2);
        ck_assert_str_eq(view.pairs[0].key.data, "a");
        ck_assert_str_eq(view.pairs[0].value.data, "1");
        ck_assert_str_eq(view.pairs[1].key.data, "b\"c");
        ck_assert_ptr_null(view.pairs[1].value.data);
    }
    finish_pool(pool);
}
END_TEST

/* Its text says what only the server knows: it stays text. */
START_TEST(what_is_not_known_stays_text)
{
    elpq_pool *pool = pool_of(1);
    elpq_composite_view view;
    struct answer *a;

    make_types();
    load(pool, "shop.odd");
    for (int i = 0; i < 3; i++) {
        a = expect_ok(
            ask(pool, elpq_sql("select row(1, 'pg_class')::shop.odd")));
        ck_assert(!is_binary(a));
        ck_assert_str_eq(elpq_get_text(a->result, 0, 0), "(1,pg_class)");
        ck_assert_int_eq(elpq_get_composite(a->result, 0, 0, &view), 0);
        ck_assert_uint_eq(view.count, 2);
        a = expect_ok(
            ask(pool, elpq_sql("select 'pg_class'::regclass, $1", 1)));
        ck_assert(!is_binary(a));
    }
    ck_assert(!load(pool, "regclass").known);
    finish_pool(pool);
}
END_TEST

START_TEST(names_are_those_of_sql)
{
    elpq_pool *pool = pool_of(1);

    make_types();
    admin_do("create type shop.\"Odd Name\" as enum ('x')");
    ck_assert_str_eq(load(pool, "shop.\"Odd Name\"").name, "Odd Name");
    ck_assert_int_eq(load(pool, "shop.\"Odd Name\"[]").kind, ELPQ_TYPE_ARRAY);
    ck_assert_int_eq(load(pool, "int4").oid, ELPQ_OID_INT4);
    ck_assert(load(pool, "int4").known);
    load_as(pool, "shop.nothing", ELPQ_E_TYPE);
    load_as(pool, "shop.Odd Name(", ELPQ_E_SERVER);
    ck_assert_ptr_null(elpq_find_type(pool, "shop.nothing"));
    ck_assert_ptr_null(elpq_find_type(pool, "shop.mood"));
    ck_assert_ptr_null(elpq_pool_find_type_oid(pool, 4));
    ck_assert_int_eq(elpq_load_type(pool, NULL, NULL, on_type, NULL),
                     ELPQ_E_USAGE);
    finish_pool(pool);
}
END_TEST

/* ------------------------------------------------------------------ change */

/* Before, the type is unknown; then it is asked for, and comes in binary. */
START_TEST(an_unknown_type_is_looked_up_by_itself)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a;

    make_types();
    load(pool, "shop.age");
    a = expect_ok(ask(pool, elpq_sql("select 'ok'::shop.mood")));
    ck_assert(!is_binary(a));
    a = expect_ok(ask(pool, elpq_sql("select 'ok'::shop.mood"))); /* text yet */
    a = expect_ok(ask(pool, elpq_sql("select 'ok'::shop.mood")));
    a = expect_ok(ask(pool, elpq_sql("select 'ok'::shop.mood")));
    ck_assert(is_binary(a));
    finish_pool(pool);
}
END_TEST

START_TEST(without_a_loaded_type_nothing_is_looked_up)
{
    elpq_pool_options o = { .max_size = 1, .conn = traced() };
    elpq_pool *pool = pool_new(&o);

    make_types();
    for (int i = 0; i < 4; i++)
        ck_assert(!is_binary(ask(pool, elpq_sql("select 'ok'::shop.mood"))));
    for (int i = 0; i < seen_count; i++)
        ck_assert_str_ne(seen[i].tag, "elpq:types");
    finish_pool(pool);
}
END_TEST

/* A look-up that fails would fail the transaction; it comes after it. */
START_TEST(nothing_is_looked_up_in_a_transaction)
{
    elpq_conn_options o = traced();
    elpq_conn *conn = connect_now(NULL, &o);
    struct loaded l = { answer_new(), { 0 }, false };
    elpq_tx *tx;

    make_types();
    ck_assert_int_eq(CALL(elpq_load_type(conn, "shop.age", NULL, on_type, &l)),
                     0);
    expect_ok(l.answer);
    tx = expect_ok(begin(conn, NULL))->tx;
    seen_count = 0;
    for (int i = 0; i < 4; i++)
        ck_assert(!is_binary(ask(tx, elpq_sql("select 'ok'::shop.mood"))));
    for (int i = 0; i < seen_count; i++)
        ck_assert_str_ne(seen[i].tag, "elpq:types");
    expect_ok(commit(tx));
    for (int i = 0; i < 3; i++)
        expect_ok(ask(conn, elpq_sql("select 'ok'::shop.mood")));
    ck_assert(is_binary(ask(conn, elpq_sql("select 'ok'::shop.mood"))));
    close_conn(conn);
}
END_TEST

START_TEST(a_dropped_type_cannot_be_loaded)
{
    elpq_pool *pool = pool_of(1);
    uint32_t before;

    make_types();
    before = load(pool, "shop.mood").oid;
    load(pool, "shop.age");
    admin_do("drop type shop.mood cascade");
    load_as(pool, "shop.mood", ELPQ_E_TYPE);
    ck_assert_ptr_null(elpq_find_type(pool, "shop.mood"));
    ck_assert_ptr_nonnull(elpq_find_type(pool, "shop.age"));
    load_as(pool, "shop.mood", ELPQ_E_TYPE);
    admin_do("create type shop.mood as enum ('new')");
    ck_assert_uint_ne(load(pool, "shop.mood").oid, before);
    finish_pool(pool);
}
END_TEST

START_TEST(a_type_made_anew_is_found_by_a_refresh)
{
    elpq_pool *pool = pool_of(1);
    struct answer *done = answer_new();
    uint32_t before, after;

    make_types();
    before = load(pool, "shop.mood").oid;
    admin_do("drop type shop.mood cascade");
    admin_do("create type shop.mood as enum ('new')");
    ck_assert_int_eq(elpq_find_type(pool, "shop.mood")->oid, before);
    ck_assert_int_eq(CALL(elpq_refresh_types(pool, NULL, on_done, done)), 0);
    expect_ok(done);
    after = elpq_find_type(pool, "shop.mood")->oid;
    ck_assert_uint_ne(after, before);
    ck_assert_str_eq(elpq_find_type(pool, "shop.mood")->labels[0], "new");
    finish_pool(pool);
}
END_TEST

/* In binary, which says what its fields are, as many as before. */
START_TEST(a_replaced_field_is_noticed)
{
    static const char sql[] = "select row(1, 'x')::shop.size";
    elpq_pool *pool = pool_of(1);
    elpq_composite_view view;
    struct answer *a[2];

    make_types();
    load(pool, "shop.size");
    admin_do("alter type shop.size drop attribute h, add attribute c text");
    both_formats(pool, sql, a);
    ck_assert_int_eq(elpq_get_composite(a[1]->result, 0, 0, &view), 0);
    ck_assert_uint_eq(view.count, 2);
    ck_assert_ptr_null(view.names);
    ck_assert_uint_eq(view.fields[1].oid, ELPQ_OID_TEXT);
    expect_ok(ask(pool, elpq_sql("select 1")));
    expect_ok(ask(pool, elpq_sql("select 1")));
    a[1] = expect_ok(ask(pool, sql_text(sql)));
    ck_assert(is_binary(a[1]));
    ck_assert_int_eq(elpq_get_composite(a[1]->result, 0, 0, &view), 0);
    ck_assert_str_eq(view.names[1], "c");
    finish_pool(pool);
}
END_TEST

/* The server refuses the old OID; that alone has the types asked for again. */
START_TEST(a_refused_oid_has_the_types_refreshed)
{
    elpq_pool *pool = pool_of(1);
    uint32_t before;
    elpq_value v;
    elpq_statement st;

    make_types();
    before = load(pool, "shop.mood").oid;
    admin_do("drop type shop.mood cascade");
    admin_do("create type shop.mood as enum ('new')");
    v = elpq_text_as(before, "ok", 2);
    st = elpq_sql_from_trusted_string("select $1", &v, 1);
    ck_assert_int_eq(await(ask(pool, &st))->code, ELPQ_E_SERVER);
    expect_ok(ask(pool, elpq_sql("select 1"))); /* behind the look-up */
    ck_assert_uint_ne(elpq_find_type(pool, "shop.mood")->oid, before);
    finish_pool(pool);
}
END_TEST

/* Text of a composite does not say what its fields are. */
START_TEST(a_changed_composite_is_noticed)
{
    elpq_options text = { .flags = ELPQ_TEXT_RESULT };
    elpq_pool *pool = pool_of(1);
    elpq_composite_view view;
    struct answer *a;
    int32_t n;

    make_types();
    load(pool, "shop.size");
    admin_do("alter type shop.size add attribute d int");
    a = expect_ok(
        ask_with(pool, elpq_sql("select row(1, 2, 3)::shop.size"), &text));
    ck_assert_int_eq(elpq_get_composite(a->result, 0, 0, &view), 0);
    ck_assert_uint_eq(view.count, 3);
    ck_assert_ptr_null(view.names);
    ck_assert_uint_eq(view.fields[0].oid, 0);
    expect_ok(ask(pool, elpq_sql("select 1")));
    expect_ok(ask(pool, elpq_sql("select 1")));
    ck_assert_int_eq(elpq_find_type(pool, "shop.size")->nfields, 3);
    a = expect_ok(
        ask_with(pool, elpq_sql("select row(1, 2, 3)::shop.size"), &text));
    ck_assert_int_eq(elpq_get_composite(a->result, 0, 0, &view), 0);
    ck_assert_str_eq(view.names[2], "d");
    ck_assert_int_eq(elpq_cell_int32(&view.fields[2], &n), 0);
    ck_assert_int_eq(n, 3);
    finish_pool(pool);
}
END_TEST

/* One look-up asks for both: the type that changed, and the unknown one. */
START_TEST(an_unknown_type_is_found_while_another_is_stale)
{
    elpq_options text = { .flags = ELPQ_TEXT_RESULT };
    elpq_pool *pool = pool_of(1);
    elpq_composite_view view;
    struct answer *a;

    make_types();
    load(pool, "shop.size");
    admin_do("alter type shop.size add attribute d int");
    a = expect_ok(
        ask_with(pool, elpq_sql("select row(1, 2, 3)::shop.size"), &text));
    ck_assert_int_eq(elpq_get_composite(a->result, 0, 0, &view), 0);
    for (int i = 0; i < 3; i++)
        expect_ok(ask(pool, elpq_sql("select 'ok'::shop.mood")));
    ck_assert_int_eq(elpq_find_type(pool, "shop.size")->nfields, 3);
    ck_assert(is_binary(ask(pool, elpq_sql("select 'ok'::shop.mood"))));
    finish_pool(pool);
}
END_TEST

/* A result keeps the types that it was made with. */
START_TEST(a_result_outlives_its_pool)
{
    elpq_pool *pool = pool_of(1);
    struct answer *a[2], *done = answer_new();

    make_types();
    load(pool, "shop.thing");
    both_formats(pool, "select " THING, a);
    ck_assert_int_eq(CALL(elpq_refresh_types(pool, NULL, on_done, done)), 0);
    expect_ok(done);
    check_thing(a[1]->result, pool);
    finish_pool(pool);
    ck_assert_ptr_nonnull(elpq_get_text(a[1]->result, 0, 0));
}
END_TEST

/* ---------------------------------------------------------------- contract */

/* In one session a name means what it says there, also of a temporary type. */
START_TEST(a_temporary_type_made_anew_is_found_by_a_refresh)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    struct loaded l = { answer_new(), { 0 }, false };
    struct answer *done = answer_new();
    uint32_t before;

    expect_ok(ask(conn, elpq_sql("create type pg_temp.mood as enum ('old')")));
    ck_assert_int_eq(
        CALL(elpq_load_type(conn, "pg_temp.mood", NULL, on_type, &l)), 0);
    expect_ok(l.answer);
    before = elpq_find_type(conn, "pg_temp.mood")->oid;
    expect_ok(ask(conn, elpq_sql("drop type pg_temp.mood")));
    expect_ok(ask(conn, elpq_sql("create type pg_temp.mood as enum ('new')")));
    ck_assert_int_eq(CALL(elpq_refresh_types(conn, NULL, on_done, done)), 0);
    expect_ok(done);
    ck_assert_uint_ne(elpq_find_type(conn, "pg_temp.mood")->oid, before);
    close_conn(conn);
}
END_TEST

START_TEST(a_connection_alone_and_a_transaction_load_types)
{
    elpq_conn *conn = connect_now(NULL, NULL);
    elpq_pool *pool = pool_of(1);
    struct loaded l = { answer_new(), { 0 }, false };
    struct loaded in_tx = { NULL, { 0 }, false };
    elpq_tx *tx;

    make_types();
    ck_assert_int_eq(CALL(elpq_load_type(conn, "shop.mood", NULL, on_type, &l)),
                     0);
    expect_ok(l.answer);
    ck_assert_ptr_nonnull(elpq_find_type(conn, "shop.mood"));
    expect_ok(ask(conn, elpq_sql("select 'ok'::shop.mood")));
    ck_assert(is_binary(ask(conn, elpq_sql("select 'ok'::shop.mood"))));
    close_conn(conn);
    tx = begin_now(pool);
    expect_ok(ask(tx, elpq_sql("create type shop.mine as enum ('a')")));
    in_tx.answer = answer_new();
    ck_assert_int_eq(
        CALL(elpq_load_type(tx, "shop.mine", NULL, on_type, &in_tx)), 0);
    expect_ok(in_tx.answer);
    expect_ok(commit(tx));
    ck_assert_uint_eq(elpq_find_type(pool, "shop.mine")->oid, in_tx.info.oid);
    finish_pool(pool);
}
END_TEST

/* What a session with this search_path has under the name. */
static uint32_t load_in(elpq_tx *tx, const char *path, const char *name)
{
    struct loaded l = { answer_new(), { 0 }, false };
    char sql[100];

    snprintf(sql, sizeof(sql), "set local search_path = %s", path);
    expect_ok(ask(tx, sql_text(sql)));
    ck_assert_int_eq(CALL(elpq_load_type(tx, name, NULL, on_type, &l)), 0);
    await(l.answer);
    ck_assert_int_eq(l.answer->code, l.found ? 0 : ELPQ_E_TYPE);
    return l.found ? l.info.oid : 0;
}

/* The types of a pool are those of all its sessions, by any search_path. */
START_TEST(a_name_in_two_schemas)
{
    elpq_pool *pool = pool_of(1);
    struct answer *done = answer_new();
    elpq_tx *tx;
    uint32_t a, b;

    make_types();
    admin_do("drop schema if exists shop2 cascade");
    admin_do("create schema shop2");
    admin_do("grant usage on schema shop2 to public");
    tx = begin_now(pool);
    a = load_in(tx, "shop", "mood");
    ck_assert_uint_ne(a, 0);
    /* Another session has none: that is not to forget it. */
    ck_assert_uint_eq(load_in(tx, "shop2", "mood"), 0);
    ck_assert_uint_eq(elpq_find_type(pool, "mood")->oid, a);
    /* Nor is a refresh, by whatever search_path, to look for another. */
    admin_do("create type shop2.mood as enum ('other')");
    expect_ok(commit(tx));
    ck_assert_int_eq(CALL(elpq_refresh_types(pool, NULL, on_done, done)), 0);
    expect_ok(done);
    ck_assert_uint_eq(elpq_find_type(pool, "mood")->oid, a);
    tx = begin_now(pool);
    b = load_in(tx, "shop2", "mood");
    ck_assert_uint_ne(b, a);
    ck_assert_ptr_null(elpq_find_type(pool, "mood"));
    ck_assert_uint_eq(load_in(tx, "shop2", "shop.mood"), a);
    ck_assert_uint_eq(elpq_find_type(pool, "shop.mood")->oid, a);
    ck_assert_uint_eq(load_in(tx, "shop", "shop2.mood"), b);
    ck_assert_uint_eq(elpq_find_type(pool, "shop2.mood")->oid, b);
    /* It is one again when the other is gone. */
    expect_ok(commit(tx));
    admin_do("drop schema shop2 cascade");
    tx = begin_now(pool);
    ck_assert_uint_eq(load_in(tx, "shop", "mood"), a);
    ck_assert_uint_eq(elpq_find_type(pool, "mood")->oid, a);
    expect_ok(commit(tx));
    finish_pool(pool);
}
END_TEST

static void close_in_callback(struct answer *a)
{
    elpq_pool *pool = a->data;

    elpq_pool_close(pool, 0, NULL, NULL);
}

/* Cancel, a deadline, a lost connection, closing: the callback comes once. */
START_TEST(a_look_up_that_fails_says_so)
{
    struct loaded l[4] = { { 0 } };
    elpq_options late = { .timeout_ms = 1 };
    elpq_pool *pool = pool_of(1);
    elpq_options o = { 0 };
    elpq_conn *conn;

    make_types();
    conn = lease(pool); /* so that others wait */
    for (int i = 0; i < 4; i++)
        l[i].answer = answer_new();
    o.request = &l[0].answer->request;
    ck_assert_int_eq(
        CALL(elpq_load_type(pool, "shop.mood", &o, on_type, &l[0])), 0);
    ck_assert_int_eq(
        CALL(elpq_load_type(pool, "shop.mood", &late, on_type, &l[1])), 0);
    cancel(l[0].answer);
    ck_assert_int_eq(await(l[0].answer)->code, ELPQ_E_CANCELED);
    ck_assert_int_eq(await(l[1].answer)->code, ELPQ_E_TIMEOUT);
    ck_assert_int_eq(
        CALL(elpq_load_type(conn, "shop.mood", NULL, on_type, &l[2])), 0);
    terminate(elpq_conn_pid(conn));
    ck_assert_int_eq(await(l[2].answer)->code, ELPQ_E_LOST);
    release(conn);
    l[3].answer->then = close_in_callback;
    l[3].answer->data = pool;
    ck_assert_int_eq(
        CALL(elpq_load_type(pool, "shop.mood", NULL, on_type, &l[3])), 0);
    await(l[3].answer);
    ck_assert_int_eq(l[3].answer->code, 0);
    run_turns(5);
}
END_TEST

START_TEST(closing_the_pool_ends_a_look_up)
{
    elpq_pool *pool = pool_of(1);
    struct loaded l = { answer_new(), { 0 }, false };
    struct answer *done = answer_new();

    ck_assert_int_eq(CALL(elpq_load_type(pool, "int4", NULL, on_type, &l)), 0);
    ck_assert_int_eq(CALL(elpq_refresh_types(pool, NULL, on_done, done)), 0);
    finish_pool(pool);
    ck_assert_int_eq(await(l.answer)->code, ELPQ_E_CLOSED);
    ck_assert_int_eq(await(done)->code, ELPQ_E_CLOSED);
}
END_TEST

static void build(Suite *suite)
{
    TCase *types = harness_case(suite, "types", 60);
    TCase *change = harness_case(suite, "change", 60);
    TCase *contract = harness_case(suite, "contract", 60);

    tcase_add_test(types, an_enum_is_read_in_binary_and_sent);
    tcase_add_test(types, a_composite_is_taken_apart);
    tcase_add_test(types, values_come_back_in_every_kind);
    tcase_add_test(types, an_hstore_is_read);
    tcase_add_test(types, what_is_not_known_stays_text);
    tcase_add_test(types, names_are_those_of_sql);
    tcase_add_test(change, an_unknown_type_is_looked_up_by_itself);
    tcase_add_test(change, without_a_loaded_type_nothing_is_looked_up);
    tcase_add_test(change, nothing_is_looked_up_in_a_transaction);
    tcase_add_test(change, a_dropped_type_cannot_be_loaded);
    tcase_add_test(change, a_type_made_anew_is_found_by_a_refresh);
    tcase_add_test(change, a_refused_oid_has_the_types_refreshed);
    tcase_add_test(change, a_temporary_type_made_anew_is_found_by_a_refresh);
    tcase_add_test(change, a_changed_composite_is_noticed);
    tcase_add_test(change, a_replaced_field_is_noticed);
    tcase_add_test(change, an_unknown_type_is_found_while_another_is_stale);
    tcase_add_test(change, a_result_outlives_its_pool);
    tcase_add_test(contract, a_connection_alone_and_a_transaction_load_types);
    tcase_add_test(contract, a_name_in_two_schemas);
    tcase_add_test(contract, a_look_up_that_fails_says_so);
    tcase_add_test(contract, closing_the_pool_ends_a_look_up);
}

int main(void)
{
    return harness_main("catalog", build);
}

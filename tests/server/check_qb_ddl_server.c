/* SPDX-License-Identifier: PostgreSQL */
/*
 * Definitions at a real server: built, rendered, run by the driver, and then
 * looked up in the catalogs, which say whether it is what was asked for.
 *
 * Everything lives in the schema qb_ddl, which the definitions make, too.
 */
#include <stdio.h>
#include <string.h>

#include "../support/harness.h"
#include "elpq/qb.h"

/* clang-format off */
#define TEAMS(C) C(id, INT4) C(name, VARCHAR) C(slug, TEXT) C(rank, INT2)
#define PLAYERS(C)                                                            \
    C(id, INT8) C(team_id, INT4) C(mood, OTHER) C(name, TEXT) C(shown, TEXT)  \
    C(score, NUMERIC) C(tags, TEXT_ARRAY) C(extra, JSONB) C(active, BOOL)     \
    C(born, DATE) C(seen, TIMESTAMPTZ) C(code, CHAR) C(flags, BIT)
ELQB_TABLE_IN(qb_ddl, teams, TEAMS)
ELQB_TABLE_IN(qb_ddl, players, PLAYERS)
/* clang-format on */

#define V(x) elqb_val(x)
#define SCHEMA "qb_ddl"

static elqb *q;
static elpq_conn *conn;
static teams_t T;
static players_t P;

/* Run what is rendered; NULL is the builder's error. */
static void run(int line, const elpq_statement *st)
{
    struct answer *a;

    ck_assert_msg(st != NULL, "line %d: %s", line, elqb_error(q));
    a = await(ask(conn, st));
    ck_assert_msg(a->code == 0, "line %d: %s: %s", line,
                  a->error ? a->error->message : "", st->sql);
}

#define RUN_DDL(d) run(__LINE__, elqb_render(q, d))

/* The first value of a query at the server. */
static void is(int line, const char *sql, const char *text)
{
    const char *found = text_of(conn, sql);

    ck_assert_msg(found && strcmp(found, text) == 0,
                  "line %d:\n  is   %s\n  not  %s", line,
                  found ? found : "NULL", text);
}

#define expect_is(sql, text) is(__LINE__, sql, text)

static void setup(void)
{
    harness_setup();
    admin_do("set client_min_messages = warning");
    admin_do("drop schema if exists " SCHEMA " cascade");
    q = elqb_new();
    T = teams_table();
    P = players_table();
    conn = connect_now(NULL, NULL);
    RUN_DDL(elqb_create_schema(q, SCHEMA, 0));
}

static void teardown(void)
{
    RUN_DDL(elqb_drop_schema(q, SCHEMA, ELQB_CASCADE));
    expect_is("select count(*)::text from pg_namespace where nspname = '" SCHEMA
              "'",
              "0");
    elqb_free(q);
    close_conn(conn);
    harness_teardown();
}

static void make_mood(void)
{
    RUN_DDL(elqb_create_enum(q, SCHEMA, "mood", "sad", "it's ok", "a\\b"));
}

static void make_teams(void)
{
    elqb_ddl *d = elqb_create_table(q, T, 0);

    elqb_column(d, T.id, .primary_key = true,
                .identity = ELQB_IDENTITY_BY_DEFAULT);
    elqb_column(d, T.name, .type = ELQB_SQL_TYPE("varchar(20)"),
                .not_null = true);
    elqb_column(d, T.slug, .unique = true,
                .check = elqb_regex(q, T.slug, V("^[a-z\\-']+$")));
    elqb_column(d, T.rank, .default_value = V(7), .not_null = true);
    RUN_DDL(d);
}

static void make_players(void)
{
    const elqb_sequence_options ids = { .start = V(1000), .increment = V(10) };
    elqb_ddl *d = elqb_create_table(q, P, ELQB_UNLOGGED);

    make_mood();
    make_teams();
    elqb_column(d, P.id, .primary_key = true, .identity = ELQB_IDENTITY_ALWAYS,
                .sequence = &ids);
    elqb_column(d, P.team_id, .references = T.id, .on_delete = ELQB_CASCADE,
                .on_update = ELQB_SET_DEFAULT, .initially_deferred = true);
    elqb_column(d, P.mood, .type = elqb_type_named(SCHEMA, "mood"),
                .default_value = V("it's ok"));
    elqb_column(d, P.name, .collation = "C", .not_null = true);
    elqb_column(d, P.shown, .generated = elqb_concat(
                                q, elqb_func(q, "upper", P.name), V("!")));
    elqb_column(d, P.score, .type = ELQB_SQL_TYPE("numeric(12,2)"),
                .default_value = V(1.5), .check = elqb_ge(q, P.score, V(0)));
    elqb_column(d, P.tags, .default_value = V("{a,b}"), .not_null = true);
    elqb_column(d, P.extra, .default_value = V("{\"k\": \"it's\"}"));
    elqb_column(d, P.active, .default_value = V(true));
    elqb_column(d, P.seen, .default_value = elqb_func(q, "now"));
    elqb_constraint(d, .name = "one each",
                    .unique = ELQB_LIST(P.team_id, P.name),
                    .nulls_not_distinct = true, .include = ELQB_LIST(P.score));
    elqb_constraint(d, .name = "born",
                    .check = elqb_gt(q, P.born,
                                     elqb_value(elpq_date(-36525))));
    RUN_DDL(d);
}

/* ----------------------------------------------------------------- tables */

START_TEST(test_columns)
{
    make_players();
    expect_is(
        "select string_agg(concat_ws(' ', attname, format_type(atttypid, "
        "atttypmod), case when attnotnull then 'nn' end, nullif(attidentity, "
        "''), nullif(attgenerated, '')), ', ' order by attnum) from "
        "pg_attribute where attnum > 0 and attrelid = "
        "'qb_ddl.players'::regclass",
        "id bigint nn a, team_id integer, mood qb_ddl.mood, name text nn, "
        "shown text s, score numeric(12,2), tags text[] nn, extra jsonb, "
        "active boolean, born date, seen timestamp with time zone, code "
        "\"char\", flags \"bit\"");
    expect_is(
        "select string_agg(attname || ' ' || pg_get_expr(adbin, adrelid), ', ' "
        "order by attnum) from pg_attrdef join pg_attribute on attrelid = "
        "adrelid and attnum = adnum where adrelid = 'qb_ddl.players'::regclass",
        "mood 'it''s ok'::qb_ddl.mood, shown (upper(name) || '!'::text), score "
        "1.5, tags '{a,b}'::text[], extra '{\"k\": "
        "\"it''s\"}'::jsonb, active true, seen now()");
    expect_is(
        "select string_agg(attname, ' ') from pg_attribute join pg_collation c "
        "on c.oid = attcollation where attrelid = 'qb_ddl.players'::regclass "
        "and collname = 'C'",
        "name");
    expect_is("select relpersistence::text from pg_class where oid = "
              "'qb_ddl.players'::regclass",
              "u");
    expect_is(
        "select seqstart || ' ' || seqincrement from pg_sequence where "
        "seqrelid = pg_get_serial_sequence('qb_ddl.players', 'id')::regclass",
        "1000 10");
    expect_is(
        "select attidentity::text from pg_attribute where attname = 'id' and "
        "attrelid = 'qb_ddl.teams'::regclass",
        "d");
}
END_TEST

START_TEST(test_constraints)
{
    make_players();
    expect_is(
        "select string_agg(conname || ': ' || pg_get_constraintdef(oid), '; ' "
        "order by conname) from pg_constraint where conrelid = "
        "'qb_ddl.players'::regclass",
        "born: CHECK ((born > '1869-12-31'::date)); one each: UNIQUE NULLS NOT "
        "DISTINCT (team_id, name) INCLUDE (score); players_pkey: PRIMARY KEY "
        "(id); players_score_check: CHECK ((score >= (0)::numeric)); "
        "players_team_id_fkey: FOREIGN KEY (team_id) REFERENCES "
        "qb_ddl.teams(id) ON UPDATE SET DEFAULT ON DELETE CASCADE DEFERRABLE "
        "INITIALLY DEFERRED");
    expect_is(
        "select string_agg(conname || ': ' || pg_get_constraintdef(oid), '; ' "
        "order by conname) from pg_constraint where conrelid = "
        "'qb_ddl.teams'::regclass",
        "teams_pkey: PRIMARY KEY (id); teams_slug_check: CHECK ((slug ~ "
        "'^[a-z\\-'']+$'::text)); teams_slug_key: UNIQUE (slug)");
}
END_TEST

/* Rows go in as the options say. */
START_TEST(test_rows)
{
    elqb_insert *i;

    make_players();
    i = elqb_insert_new(q, T.table);
    elqb_set(i, T.name, V("reds"));
    elqb_set(i, T.slug, V("the-red's"));
    elqb_returning(i, T.id, T.rank);
    run(__LINE__, elqb_render(q, i));
    i = elqb_insert_new(q, P.table);
    elqb_set(i, P.team_id, V(1));
    elqb_set(i, P.name, V("bob"));
    run(__LINE__, elqb_render(q, i));
    expect_is(
        "select concat_ws(' ', t.rank, p.id, mood, shown, score, tags, extra, "
        "active) from qb_ddl.players p join qb_ddl.teams t on t.id = team_id",
        "7 1000 it's ok BOB! 1.50 {a,b} {\"k\": \"it's\"} t");
    i = elqb_insert_new(q, P.table);
    elqb_set(i, P.id, V(5));
    elqb_set(i, P.name, V("eve"));
    elqb_set(i, P.mood, V("a\\b"));
    elqb_overriding(i, ELQB_SYSTEM_VALUE);
    run(__LINE__, elqb_render(q, i));
    expect_is("select id || mood::text from qb_ddl.players where name = 'eve'",
              "5a\\b");
    i = elqb_insert_new(q, T.table);
    elqb_set(i, T.slug, V("X"));
    elqb_set(i, T.name, V("x"));
    expect_error(ask(conn, elqb_render(q, i)), ELPQ_E_SERVER, "23514", 0);
}
END_TEST

START_TEST(test_all_types)
{
#define ALL_(name, oid, array_oid)                                            \
    elqb_column(d, elqb_typed(elqb_name(#name), name));                       \
    elqb_column(d, elqb_typed(elqb_name("many " #name), name##_ARRAY));
    elqb_ddl *d =
        elqb_create_table_named(q, elqb_table_named(SCHEMA, "all types"), 0);

    ELPQ_BUILTIN_TYPES(ALL_)
#undef ALL_
    RUN_DDL(d);
    /* Each column has the OID that the builder was told. */
#define OID_(name, oid, array_oid) "(" #oid "),(" #array_oid "),"
    expect_is(
        "select count(*)::text from (select atttypid, row_number() over (order "
        "by attnum) n from pg_attribute where attnum > 0 and attrelid = "
        "'qb_ddl.\"all types\"'::regclass) a full join (select oid, "
        "row_number() over () n from (values " ELPQ_BUILTIN_TYPES(
            OID_) "(0)) v (oid)) o using (n) where oid <> 0 and "
                  "oid is distinct from atttypid",
        "0");
#undef OID_
    expect_is(
        "select (count(*) > 100)::text from pg_attribute where attnum > 0 and "
        "attrelid = 'qb_ddl.\"all types\"'::regclass",
        "true");
}
END_TEST

START_TEST(test_if_exists)
{
    elqb_table t = elqb_table_named(SCHEMA, "no such");
    elqb_ddl *d;

    make_teams();
    RUN_DDL(elqb_create_table(q, T, ELQB_IF_NOT_EXISTS));
    RUN_DDL(elqb_create_schema(q, SCHEMA, ELQB_IF_NOT_EXISTS));
    RUN_DDL(elqb_drop_table(q, t, ELQB_IF_EXISTS));
    RUN_DDL(elqb_drop_schema(q, "no such", ELQB_IF_EXISTS));
    RUN_DDL(elqb_drop_type(q, SCHEMA, "no such", ELQB_IF_EXISTS));
    RUN_DDL(elqb_drop_index(q, SCHEMA, "no such", ELQB_IF_EXISTS));
    RUN_DDL(elqb_drop_sequence(q, SCHEMA, "no such", ELQB_IF_EXISTS));
    d = elqb_alter_table(q, t, ELQB_IF_EXISTS);
    elqb_column(d, elqb_typed(elqb_name("x"), INT4));
    RUN_DDL(d);
    d = elqb_alter_table(q, T.table, 0);
    elqb_column(d, T.name, .if_not_exists = true);
    RUN_DDL(d);
    expect_error(ask(conn, elqb_render(q, elqb_create_table(q, T, 0))),
                 ELPQ_E_SERVER, "42P07", 0);
    RUN_DDL(elqb_drop_table(q, T.table, 0));
    expect_is("select coalesce(to_regclass('qb_ddl.teams')::text, 'gone')",
              "gone");
}
END_TEST

START_TEST(test_alter)
{
    elqb_ddl *d;

    make_teams();
    d = elqb_alter_table(q, T.table, 0);
    elqb_column(d, elqb_typed(elqb_name("boss"), INT4), .references = T.id);
    elqb_column(d, elqb_typed(elqb_name("added"), DATE), .not_null = true,
                .default_value = elqb_value(elpq_date(0)));
    elqb_constraint(d, .name = "long", .not_valid = true,
                    .check = elqb_gt(q, elqb_func(q, "length", T.name), V(2)));
    elqb_constraint(d, .name = "self", .foreign_key = ELQB_LIST(T.id, T.slug),
                    .references = ELQB_LIST(T.id, T.slug), .match_full = true,
                    .not_valid = true);
    expect_error(ask(conn, elqb_render(q, d)), ELPQ_E_SERVER, "42830", 0);
    d = elqb_alter_table(q, T.table, 0);
    elqb_column(d, elqb_typed(elqb_name("boss"), INT4), .references = T.id);
    elqb_column(d, elqb_typed(elqb_name("added"), DATE), .not_null = true,
                .default_value = elqb_value(elpq_date(0)));
    elqb_constraint(d, .unique = ELQB_LIST(T.id, T.slug));
    elqb_constraint(d, .name = "long", .not_valid = true,
                    .check = elqb_gt(q, elqb_func(q, "length", T.name), V(2)));
    RUN_DDL(d);
    d = elqb_alter_table(q, T.table, 0);
    elqb_constraint(d, .name = "self", .foreign_key = ELQB_LIST(T.id, T.slug),
                    .references = ELQB_LIST(T.id, T.slug), .match_full = true,
                    .deferrable = true, .not_valid = true);
    RUN_DDL(d);
    expect_is(
        "select string_agg(conname || ': ' || pg_get_constraintdef(oid), '; ' "
        "order by conname) from pg_constraint where conrelid = "
        "'qb_ddl.teams'::regclass and conname in ('long', 'self', "
        "'teams_boss_fkey', 'teams_id_slug_key')",
        "long: CHECK ((length((name)::text) > 2)) NOT VALID; self: FOREIGN KEY "
        "(id, slug) REFERENCES qb_ddl.teams(id, slug) MATCH FULL DEFERRABLE "
        "NOT "
        "VALID; teams_boss_fkey: FOREIGN KEY (boss) REFERENCES "
        "qb_ddl.teams(id); teams_id_slug_key: UNIQUE (id, slug)");
}
END_TEST

START_TEST(test_temporary)
{
    elqb_table t = elqb_table_named(NULL, "qb_temporary");
    elqb_ddl *d = elqb_create_table_named(q, t, ELQB_TEMPORARY);

    elqb_column(d, elqb_typed(elqb_c(t, "n"), INT4),
                .check = elqb_gt(q, elqb_c(t, "n"), V(-5)));
    RUN_DDL(d);
    RUN_DDL(elqb_create_sequence(q, NULL, "qb_temporary_s", ELQB_TEMPORARY));
    expect_is("select string_agg(relpersistence::text, '') from pg_class where "
              "relname like 'qb_temporary%'",
              "tt");
    RUN_DDL(elqb_drop_table(q, t, 0));
    RUN_DDL(elqb_drop_sequence(q, NULL, "qb_temporary_s", 0));
}
END_TEST

START_TEST(test_truncate)
{
    elqb_insert *i = elqb_insert_new(q, T.table);

    make_players();
    elqb_set(i, T.name, V("reds"));
    for (int n = 0; n < 3; n++)
        run(__LINE__, elqb_render(q, i));
    i = elqb_insert_new(q, P.table);
    elqb_set(i, P.name, V("bob"));
    run(__LINE__, elqb_render(q, i));
    expect_error(ask(conn, elqb_render(q, elqb_truncate(
                                              q, ELQB_TABLES(T.table), 0))),
                 ELPQ_E_SERVER, "0A000", 0);
    RUN_DDL(elqb_truncate(q, ELQB_TABLES(T.table, elqb_only(P.table)),
                          ELQB_RESTART_IDENTITY));
    expect_is(
        "select ((select count(*) from qb_ddl.players) + (select count(*) from "
        "qb_ddl.teams))::text",
        "0");
    i = elqb_insert_new(q, T.table);
    elqb_set(i, T.name, V("reds"));
    run(__LINE__, elqb_render(q, i));
    expect_is("select string_agg(id::text, ' ') from qb_ddl.teams", "1");
    RUN_DDL(elqb_truncate(q, ELQB_TABLES(T.table), ELQB_CASCADE));
}
END_TEST

/* ---------------------------------------------------------------- indexes */

static const char *index_definition(const char *name)
{
    const elpq_statement *st =
        sql_format("select pg_get_indexdef('qb_ddl.\"%s\"'::regclass)", name);

    return answer_text(ask(conn, st));
}

#define INDEX_IS(name, text) ck_assert_str_eq(index_definition(name), text)

START_TEST(test_indexes)
{
    make_players();
    RUN_DDL(elqb_create_index(
        q, "names", P.table,
        ELQB_LIST(elqb_func(q, "lower", P.name),
                  elqb_nulls_first(q, elqb_asc(q, P.score)),
                  elqb_desc(q, elqb_opclass(q, elqb_collate(q, P.shown, "C"),
                                            "text_pattern_ops")),
                  elqb_add(q, P.score, V(1)),
                  elqb_collate(q, elqb_concat(q, P.name, V("'")), "POSIX")),
        .unique = true, .include = ELQB_LIST(P.born, P.seen),
        .nulls_not_distinct = true,
        .where = elqb_and(q, elqb_is_true(q, P.active),
                          elqb_ne(q, P.name, V("it's")))));
    INDEX_IS("names",
             "CREATE UNIQUE INDEX names ON qb_ddl.players USING btree "
             "(lower(name), score NULLS FIRST, shown COLLATE \"C\" "
             "text_pattern_ops DESC, ((score + (1)::numeric)), ((name || "
             "''''::text)) COLLATE \"POSIX\") INCLUDE (born, seen) NULLS NOT "
             "DISTINCT WHERE ((active IS TRUE) AND (name <> 'it''s'::text))");
    RUN_DDL(elqb_create_index(q, "docs", P.table,
                              ELQB_LIST(elqb_opclass(q, P.extra,
                                                     "jsonb_path_ops")),
                              .method = "gin", .if_not_exists = true));
    RUN_DDL(elqb_create_index(q, "docs", P.table, ELQB_LIST(P.extra),
                              .if_not_exists = true));
    INDEX_IS("docs", "CREATE INDEX docs ON qb_ddl.players USING gin (extra "
                     "jsonb_path_ops)");
    RUN_DDL(elqb_create_index(q, NULL, P.table, ELQB_LIST(P.born)));
    INDEX_IS("players_born_idx", "CREATE INDEX players_born_idx ON "
                                 "qb_ddl.players USING btree (born)");
    RUN_DDL(elqb_create_index(q, "later", P.table, ELQB_LIST(P.seen),
                              .concurrently = true));
    INDEX_IS("later", "CREATE INDEX later ON qb_ddl.players USING btree "
                      "(seen)");
    RUN_DDL(elqb_drop_index(q, SCHEMA, "later", ELQB_CONCURRENTLY));
    RUN_DDL(elqb_drop_index(q, SCHEMA, "names", ELQB_IF_EXISTS));
    expect_is(
        "select string_agg(indexname, ' ' order by indexname) from pg_indexes "
        "where tablename = 'players' and schemaname = 'qb_ddl'",
        "docs one each players_born_idx players_pkey");
}
END_TEST

/* ON CONFLICT finds an index by the same items that made it. */
START_TEST(test_conflict_finds_index)
{
    elqb_expr key = elqb_opclass(q, elqb_collate(q, T.name, "C"),
                                 "text_pattern_ops");
    elqb_expr low = elqb_collate(q, elqb_func(q, "lower", T.slug), "C");
    elqb_insert *i = elqb_insert_new(q, T.table);

    make_teams();
    RUN_DDL(elqb_create_index(q, "by_key", T.table, ELQB_LIST(key, low),
                              .unique = true,
                              .where = elqb_gt(q, T.rank, V(0))));
    elqb_columns(i, T.name, T.slug);
    elqb_values(i, V("a"), V("x"));
    elqb_on_conflict_update(i, key, low);
    elqb_conflict_index_where(i, elqb_gt(q, T.rank, elqb_lit(0)));
    elqb_conflict_set_row(i, ELQB_LIST(T.rank, T.slug),
                          elqb_row(q, elqb_excluded(T.rank), V("y")));
    for (int n = 0; n < 2; n++)
        run(__LINE__, elqb_render(q, i));
    expect_is("select string_agg(concat_ws(' ', name, slug, rank), ', ') from "
              "qb_ddl.teams",
              "a y 7");
}
END_TEST

/* ------------------------------------------------------------ other objects */

START_TEST(test_enum)
{
    make_mood();
    RUN_DDL(elqb_add_enum_value(q, SCHEMA, "mood", "glad", NULL, NULL, 0));
    RUN_DDL(elqb_add_enum_value(q, SCHEMA, "mood", "so 'so'", "it's ok", NULL,
                                0));
    RUN_DDL(elqb_add_enum_value(q, SCHEMA, "mood", "better", NULL, "a\\b",
                                ELQB_IF_NOT_EXISTS));
    RUN_DDL(elqb_add_enum_value(q, SCHEMA, "mood", "better", NULL, NULL,
                                ELQB_IF_NOT_EXISTS));
    expect_is(
        "select string_agg(enumlabel, '|' order by enumsortorder) from pg_enum "
        "where enumtypid = 'qb_ddl.mood'::regtype",
        "sad|so 'so'|it's ok|a\\b|better|glad");
    RUN_DDL(elqb_create_enum_v(q, SCHEMA, "empty", NULL));
    RUN_DDL(elqb_drop_type(q, SCHEMA, "empty", 0));
    RUN_DDL(elqb_drop_type(q, SCHEMA, "mood", ELQB_CASCADE));
    expect_is("select coalesce(to_regtype('qb_ddl.mood')::text, 'gone')",
              "gone");
}
END_TEST

START_TEST(test_sequence)
{
    make_teams();
    RUN_DDL(elqb_create_sequence(q, SCHEMA, "numbers", 0,
                                 .type = ELQB_TYPE_INT2, .increment = V(-5),
                                 .min_value = V(-100LL), .max_value = V(300),
                                 .start = V(0), .cache = V(3u), .cycle = true,
                                 .owned_by = T.rank));
    expect_is(
        "select concat_ws(' ', data_type, increment_by, min_value, max_value, "
        "start_value, cache_size, cycle) from pg_sequences where schemaname = "
        "'qb_ddl' and sequencename = 'numbers'",
        "smallint -5 -100 300 0 3 t");
    expect_is("select pg_get_serial_sequence('qb_ddl.teams', 'rank')",
              "qb_ddl.numbers");
    RUN_DDL(elqb_create_sequence_v(q, SCHEMA, "numbers", ELQB_IF_NOT_EXISTS,
                                   NULL));
    RUN_DDL(elqb_drop_sequence(q, SCHEMA, "numbers", 0));
    expect_is("select coalesce(to_regclass('qb_ddl.numbers')::text, 'gone')",
              "gone");
}
END_TEST

START_TEST(test_comments)
{
    make_players();
    RUN_DDL(elqb_comment_on_table(q, P.table, "who's who \\ $1 \xc3\xa4"));
    RUN_DDL(elqb_comment_on_column(q, P.score, "col"));
    RUN_DDL(elqb_comment_on_constraint(q, P.table, "one each", "con"));
    RUN_DDL(elqb_comment_on(q, ELQB_INDEX, SCHEMA, "players_pkey", "idx"));
    RUN_DDL(elqb_comment_on(q, ELQB_SCHEMA, NULL, SCHEMA, "nsp"));
    RUN_DDL(elqb_comment_on(q, ELQB_TYPE, SCHEMA, "mood", "typ"));
    RUN_DDL(elqb_comment_on(q, ELQB_SEQUENCE, SCHEMA, "players_id_seq",
                            "seq"));
    run(__LINE__, elpq_sql("create view qb_ddl.v as select 1"));
    RUN_DDL(elqb_comment_on(q, ELQB_VIEW, SCHEMA, "v", "vie"));
    expect_is("select obj_description('qb_ddl.players'::regclass, 'pg_class')",
              "who's who \\ $1 \xc3\xa4");
    expect_is(
        "select concat_ws(' ', col_description('qb_ddl.players'::regclass, 6), "
        "(select obj_description(oid, 'pg_constraint') from pg_constraint "
        "where "
        "conname = 'one each'), "
        "obj_description('qb_ddl.players_pkey'::regclass, 'pg_class'), "
        "obj_description('qb_ddl'::regnamespace, 'pg_namespace'), "
        "obj_description('qb_ddl.mood'::regtype, 'pg_type'), "
        "obj_description('qb_ddl.players_id_seq'::regclass, 'pg_class'), "
        "obj_description('qb_ddl.v'::regclass, 'pg_class'))",
        "col con idx nsp typ seq vie");
    RUN_DDL(elqb_comment_on_table(q, P.table, NULL));
    expect_is("select coalesce(obj_description('qb_ddl.players'::regclass, "
              "'pg_class'), 'none')",
              "none");
}
END_TEST

/* No definition stays as a prepared statement. */
START_TEST(test_not_prepared)
{
    make_teams();
    RUN_DDL(elqb_truncate(q, ELQB_TABLES(T.table), 0));
    RUN_DDL(elqb_truncate(q, ELQB_TABLES(T.table), 0));
    expect_is(
        "select count(*)::text from pg_prepared_statements where statement "
        "like '%TRUNCATE%' and statement not like '%pg_prepared%'",
        "0");
}
END_TEST

/* Hostile names, labels and texts arrive as they are. */
START_TEST(test_hostile)
{
    static const char nasty[] = "a\"b'c\\d;--/*$$ %\n:x ?";
    elqb_table t = elqb_table_named(SCHEMA, nasty);
    elqb_ddl *d = elqb_create_table_named(q, t, 0);
    elqb_expr c = elqb_typed(elqb_c(t, nasty), TEXT);

    elqb_column(d, c, .default_value = V(nasty),
                .check = elqb_ne(q, c, V("'; drop table x; --")));
    elqb_constraint(d, .name = "con\"\\'", .unique = ELQB_LIST(c));
    RUN_DDL(d);
    RUN_DDL(elqb_create_enum(q, SCHEMA, "e\"'\\", nasty));
    RUN_DDL(elqb_comment_on_column(q, c, nasty));
    run(__LINE__, elqb_render(q, elqb_insert_new(q, t)));
    ck_assert_str_eq(
        answer_text(ask(conn, elpq_sql("select relname::text from pg_class "
                                       "where relname = $1", nasty))), nasty);
    expect_is("select enumlabel::text from pg_enum join pg_type t on t.oid = "
              "enumtypid where typnamespace = 'qb_ddl'::regnamespace",
              nasty);
    expect_is(
        "select col_description(oid, 1) from pg_class where relnamespace = "
        "'qb_ddl'::regnamespace and relkind = 'r'",
        nasty);
    {
        elqb_select *s = elqb_select_new(q);

        elqb_columns(s, c);
        elqb_from(s, t);
        ck_assert_str_eq(answer_text(ask(conn, elqb_render(q, s))), nasty);
    }
}
END_TEST

static void build(Suite *suite)
{
    TCase *tcase = tcase_create("ddl");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_columns);
    tcase_add_test(tcase, test_constraints);
    tcase_add_test(tcase, test_rows);
    tcase_add_test(tcase, test_all_types);
    tcase_add_test(tcase, test_if_exists);
    tcase_add_test(tcase, test_alter);
    tcase_add_test(tcase, test_temporary);
    tcase_add_test(tcase, test_truncate);
    tcase_add_test(tcase, test_indexes);
    tcase_add_test(tcase, test_conflict_finds_index);
    tcase_add_test(tcase, test_enum);
    tcase_add_test(tcase, test_sequence);
    tcase_add_test(tcase, test_comments);
    tcase_add_test(tcase, test_not_prepared);
    tcase_add_test(tcase, test_hostile);
}

int main(void)
{
    return harness_main("qb_ddl_server", build);
}

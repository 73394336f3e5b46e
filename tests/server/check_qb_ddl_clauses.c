/* SPDX-License-Identifier: PostgreSQL */
/*
 * What CREATE TABLE and CREATE INDEX say behind the columns, at a real server:
 * the catalogs tell whether it is there, and EXCLUDE refuses rows; and what
 * takes a constraint away.
 */
#include "qb_server.h"

#define EVENTS(C) C(id, INT4) C(at, DATE) C(during, INT4RANGE)
#define FRESH(C) C(id, INT4)
ELQB_TABLE(events, EVENTS)
ELQB_TABLE(fresh, FRESH)

static events_t E;
static fresh_t F;

static void setup(void)
{
    server_setup("SET LOCAL work_mem = 1024");
    E = events_table();
    F = fresh_table();
}

/* A definition, run as it is. */
#define DEFINE(d) PQclear(execute(elqb_render(q, d)))

static void expect_is(const char *sql, const char *rows)
{
    char *found = rows_of_sql(sql);

    ck_assert_str_eq(found, rows);
    free(found);
}

START_TEST(test_partitioned)
{
    elqb_ddl *d = elqb_create_table(q, E, 0);

    elqb_table_clauses(d, .partition = ELQB_PARTITION_RANGE,
                       .partition_by = ELQB_LIST(
                           E.at, elqb_func(q, "abs", E.id)));
    DEFINE(d);
    expect_is("SELECT pg_get_partkeydef('events'::regclass)",
              "RANGE (at, abs(id))");
    d = elqb_create_table(q, F, 0);
    elqb_table_clauses(d, .partition = ELQB_PARTITION_HASH,
                       .partition_by = ELQB_LIST(
                           elqb_opclass(q, F.id, "int4_ops")));
    DEFINE(d);
    expect_is("SELECT pg_get_partkeydef('fresh'::regclass)", "HASH (id)");
}
END_TEST

START_TEST(test_inherits_and_storage)
{
    elqb_table child = elqb_table_named(NULL, "child");
    elqb_ddl *d = elqb_create_table(q, E, 0);

    elqb_table_clauses(
        d, .method = "heap",
        .storage = ELQB_STORAGE(
            ELQB_ARG("fillfactor", V(70)),
            ELQB_ARG("toast.autovacuum_enabled",
                     elqb_value(elpq_bool(false))),
            ELQB_ARG("autovacuum_vacuum_scale_factor", V(0.5))));
    DEFINE(d);
    DEFINE(elqb_create_table(q, F, 0));
    d = elqb_create_table_named(q, child, 0);
    elqb_column(d, elqb_typed(elqb_c(child, "more"), TEXT));
    elqb_table_clauses(d, .inherits = ELQB_TABLES(E.table,
                                                  F.table));
    DEFINE(d);
    d = elqb_create_table_named(q, elqb_table_named(NULL, "twin"), 0);
    elqb_table_clauses(d, .inherits = ELQB_TABLES(E.table));
    DEFINE(d);
    expect_is("SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = "
              "'twin'::regclass",
              "events");
    expect_is("SELECT reloptions FROM pg_class WHERE relname = 'events'",
              "{fillfactor=70,autovacuum_vacuum_scale_factor=0.5}");
    expect_is("SELECT t.reloptions FROM pg_class c JOIN pg_class t ON "
              "t.oid = c.reltoastrelid WHERE c.relname = 'events'",
              "{autovacuum_enabled=false}");
    expect_is("SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = "
              "'child'::regclass ORDER BY inhseqno",
              "events;fresh");
}
END_TEST

START_TEST(test_on_commit)
{
    static const struct {
        elqb_on_commit action;
        const char *rows;
    } wanted[] = {
        { ELQB_ON_COMMIT_PRESERVE_ROWS, "1" },
        { ELQB_ON_COMMIT_DELETE_ROWS, "0" },
    };

    for (int i = 0; i < 2; i++) {
        elqb_ddl *d = elqb_create_table(q, F, ELQB_TEMPORARY);

        elqb_table_clauses(d, .on_commit = wanted[i].action);
        DEFINE(d);
        run_sql("INSERT INTO fresh VALUES (1); COMMIT; BEGIN");
        expect_is("SELECT count(*) FROM fresh", wanted[i].rows);
        run_sql("DROP TABLE fresh");
    }
    elqb_ddl *d = elqb_create_table(q, F, ELQB_TEMPORARY);

    elqb_table_clauses(d, .on_commit = ELQB_ON_COMMIT_DROP);
    DEFINE(d);
    run_sql("COMMIT; BEGIN");
    expect_is("SELECT to_regclass('fresh') IS NULL", "t");
}
END_TEST

START_TEST(test_exclude)
{
    elqb_ddl *d = elqb_create_table(q, E, 0);
    PGresult *res;

    elqb_constraint(d, .name = "apart", .method = "gist",
                    .exclude = ELQB_LIST(
                        elqb_opclass(q, E.during, "range_ops")),
                    .operators = ELQB_OPERATORS("&&"),
                    .include = ELQB_LIST(E.id),
                    .where = elqb_gt(q, E.id, V(1)),
                    .initially_deferred = true);
    DEFINE(d);
    expect_is(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = "
        "'apart'",
        "EXCLUDE USING gist (during WITH &&) INCLUDE (id) WHERE "
        "((id > 1)) DEFERRABLE INITIALLY DEFERRED");
    run_sql("INSERT INTO events (id, during) VALUES (1, '[1,5)'), "
            "(2, '[1,5)'), (3, '[5,9)')");
    run_sql("INSERT INTO events (id, during) VALUES (4, '[4,6)')");
    res = PQexec(conn, "SET CONSTRAINTS ALL IMMEDIATE");
    ck_assert_str_eq(PQresultErrorField(res, PG_DIAG_SQLSTATE), "23P01");
    PQclear(res);
}
END_TEST

START_TEST(test_drop_constraint)
{
    elqb_table other = elqb_table_named(NULL, "other");
    elqb_ddl *d = elqb_create_table(q, E, 0);

    elqb_constraint(d, .name = "one each", .unique = ELQB_LIST(E.id));
    DEFINE(d);
    d = elqb_create_table_named(q, other, 0);
    elqb_column(d, elqb_typed(elqb_c(other, "id"), INT4), .references = E.id);
    DEFINE(d);
    DEFINE(elqb_drop_constraint(q, E.table, "no such", ELQB_IF_EXISTS));
    expect_is("SELECT count(*) FROM pg_constraint WHERE conrelid IN "
              "('events'::regclass, 'other'::regclass)",
              "2");
    DEFINE(elqb_drop_constraint(q, E.table, "one each", ELQB_CASCADE));
    expect_is("SELECT count(*) FROM pg_constraint WHERE conrelid IN "
              "('events'::regclass, 'other'::regclass)",
              "0");
    run_sql("INSERT INTO events (id) VALUES (1), (1)");
}
END_TEST

START_TEST(test_index)
{
    DEFINE(elqb_create_table(q, E, 0));
    DEFINE(elqb_create_index(
        q, "by_at", E.table, ELQB_LIST(E.at),
        .storage = ELQB_STORAGE(ELQB_ARG("fillfactor", V(50)),
                                ELQB_ARG("deduplicate_items", V("off"))),
        .tablespace = "pg_default", .where = elqb_gt(q, E.id, V(0))));
    expect_is("SELECT pg_get_indexdef('by_at'::regclass)",
              "CREATE INDEX by_at ON public.events USING btree (at) WITH "
              "(fillfactor='50', deduplicate_items=off) WHERE (id > 0)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qb_ddl_clauses");
    TCase *tcase = tcase_create("clauses");

    tcase_add_checked_fixture(tcase, setup, server_teardown);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, test_partitioned);
    tcase_add_test(tcase, test_inherits_and_storage);
    tcase_add_test(tcase, test_on_commit);
    tcase_add_test(tcase, test_exclude);
    tcase_add_test(tcase, test_drop_constraint);
    tcase_add_test(tcase, test_index);
    return qb_main(suite);
}

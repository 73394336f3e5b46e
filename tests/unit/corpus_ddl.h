/* SPDX-License-Identifier: PostgreSQL */
/*
 * Definitions of tests/data/sqlalchemy-more.json, written with the builder;
 * see corpus.h.
 */
#ifndef ELPQ_TESTS_CORPUS_DDL_H
#define ELPQ_TESTS_CORPUS_DDL_H

#include "corpus.h"

/* ------------------------------------------------------------------ tables */

/* Columns of tables that the statements below make, each some of them. */
#define THINGS(C, N)                                                          \
    C(id, INT4) C(name, VARCHAR) C(price, NUMERIC) C(twice, NUMERIC)          \
    C(tags, TEXT_ARRAY) C(at, TIMESTAMPTZ)
#define PAIRS(C, N) C(a, INT4) C(b, INT4) C(u, INT4)
#define DATED(C, N) C(id, INT4) C(at, DATE)
#define BOOKED(C, N) C(room, INT4) C(during, TSRANGE)
#define SINGLE(C, N) C(id, INT4)
#define TARGET(C, N) C(a, INT4) C(b, INT4)
ELQB_TABLE_NAMED(things, NULL, "t", THINGS)
ELQB_TABLE_NAMED(pairs, NULL, "t", PAIRS)
ELQB_TABLE_NAMED(dated, NULL, "t", DATED)
ELQB_TABLE_NAMED(booked, NULL, "t", BOOKED)
ELQB_TABLE_NAMED(single, NULL, "t", SINGLE)
ELQB_TABLE_NAMED(target, NULL, "x", TARGET)

STATEMENT(create_table)
{
    things_t T = things_table();
    elqb_ddl *t = elqb_create_table(q, T, 0);

    elqb_column(t, T.id, .identity = ELQB_IDENTITY_ALWAYS,
                .sequence = &(elqb_sequence_options){
                    .start = V(10), .increment = V(5) });
    elqb_column(t, T.name, .type = ELQB_SQL_TYPE("varchar(30)"),
                .not_null = true, .default_value = V("x"));
    elqb_column(t, T.price, .type = ELQB_SQL_TYPE("numeric(10, 2)"),
                .check = elqb_gt(q, T.price, elqb_lit(0)));
    elqb_column(t, T.twice,
                .generated = elqb_mul(q, T.price, elqb_lit(2)));
    elqb_column(t, T.at, .default_value = elqb_func(q, "now"));
    elqb_constraint(t, .primary_key = ELQB_LIST(T.id));
    elqb_constraint(t, .name = "t_once", .unique = ELQB_LIST(T.name, T.price));
    return RENDER(t);
}

STATEMENT(create_table_keys)
{
    pairs_t T = pairs_table();
    target_t X = target_table();
    elqb_ddl *t = elqb_create_table(q, T, 0);

    elqb_column(t, T.a, .not_null = true);
    elqb_column(t, T.b, .not_null = true);
    elqb_constraint(t, .primary_key = ELQB_LIST(T.a, T.b));
    elqb_constraint(t, .name = "t_x", .foreign_key = ELQB_LIST(T.a, T.b),
                    .references = ELQB_LIST(X.a, X.b),
                    .on_delete = ELQB_CASCADE, .on_update = ELQB_SET_NULL,
                    .initially_deferred = true);
    elqb_constraint(t, .name = "t_order", .check = elqb_gt(q, T.a, T.b));
    return RENDER(t);
}

STATEMENT(create_temporary)
{
    single_t T = single_table();
    elqb_ddl *t = elqb_create_table(q, T,
                                    ELQB_TEMPORARY | ELQB_IF_NOT_EXISTS);

    elqb_table_clauses(t, .on_commit = ELQB_ON_COMMIT_DROP);
    return RENDER(t);
}

STATEMENT(create_partitioned)
{
    dated_t T = dated_table();
    elqb_ddl *t = elqb_create_table(q, T, 0);

    elqb_table_clauses(t, .partition = ELQB_PARTITION_RANGE,
                       .partition_by = ELQB_LIST(T.at));
    return RENDER(t);
}

STATEMENT(create_inherits)
{
    single_t T = single_table();
    elqb_ddl *t = elqb_create_table(q, T, 0);

    elqb_table_clauses(t, .inherits = ELQB_TABLES(U.table),
                       .tablespace = "fast");
    return RENDER(t);
}

STATEMENT(create_exclude)
{
    booked_t T = booked_table();
    elqb_ddl *t = elqb_create_table(q, T, 0);

    elqb_constraint(t, .name = "no_overlap", .method = "gist",
                    .exclude = ELQB_LIST(T.room, T.during),
                    .operators = ELQB_OPERATORS("=", "&&"),
                    .where = elqb_gt(q, T.room, V(100)), .deferrable = true);
    return RENDER(t);
}

STATEMENT(drop_table)
{
    return RENDER(elqb_drop_table(q, A.table, ELQB_IF_EXISTS));
}

/* ----------------------------------------------------------------- indexes */

STATEMENT(index_gin)
{
    return RENDER(elqb_create_index(q, "i", U.table, ELQB_LIST(U.tags),
                                    .method = "gin"));
}

STATEMENT(index_unique_partial)
{
    return RENDER(elqb_create_index(q, "i", U.table, ELQB_LIST(U.email),
                                    .unique = true,
                                    .where = elqb_gt(q, U.age, V(18))));
}

STATEMENT(index_expression)
{
    elqb_expr by_age = elqb_nulls_last(q, elqb_desc(q, U.age));

    return RENDER(elqb_create_index(
        q, "i", U.table, ELQB_LIST(elqb_func(q, "lower", U.name), by_age),
        .if_not_exists = true));
}

STATEMENT(index_options)
{
    elqb_expr name = elqb_opclass(q, U.name, "text_pattern_ops");

    return RENDER(elqb_create_index(
        q, "i", U.table, ELQB_LIST(name), .concurrently = true,
        .storage = ELQB_STORAGE(ELQB_ARG("fillfactor", V(50))),
        .tablespace = "fast"));
}

STATEMENT(index_include)
{
    return RENDER(elqb_create_index(q, "i", U.table, ELQB_LIST(U.id),
                                    .include = ELQB_LIST(U.name, U.age)));
}

STATEMENT(drop_index)
{
    return RENDER(elqb_drop_index(q, NULL, "i", ELQB_IF_EXISTS));
}

/* ------------------------------------------------------------------ others */

STATEMENT(create_schema)
{
    return RENDER(elqb_create_schema(q, "crm2", 0));
}

STATEMENT(create_sequence)
{
    return RENDER(elqb_create_sequence(q, NULL, "s", 0, .start = V(100),
                                       .increment = V(2), .min_value = V(1),
                                       .max_value = V(1000), .cycle = true,
                                       .cache = V(5)));
}

STATEMENT(comment_table)
{
    return RENDER(elqb_comment_on_table(q, single_table().table, "it's"));
}

STATEMENT(comment_column)
{
    elqb_expr c = elqb_c(single_table().table, "c");

    return RENDER(elqb_comment_on_column(q, c, "what"));
}

/* ------------------------------------------------------------ put together */

STATEMENT(alter_add_constraint)
{
    elqb_ddl *t = elqb_alter_table(q, U.table, 0);

    elqb_constraint(t, .name = "grown", .check = elqb_gt(q, U.age, V(0)));
    return RENDER(t);
}

STATEMENT(alter_drop_constraint)
{
    return RENDER(elqb_drop_constraint(q, elqb_table_named(NULL, "t"),
                                       "one_name", ELQB_CASCADE));
}

STATEMENT(create_enum)
{
    return RENDER(elqb_create_enum(q, "crm", "age_kind", "new", "old"));
}

STATEMENT(drop_schema)
{
    return RENDER(elqb_drop_schema(q, "crm", ELQB_CASCADE));
}

STATEMENT(drop_sequence)
{
    return RENDER(elqb_drop_sequence(q, "crm", "s", 0));
}

STATEMENT(index_expressions)
{
    elqb_expr name = elqb_desc(q, elqb_collate(q, U.name, "C"));

    return RENDER(elqb_create_index(
        q, "i", U.table, ELQB_LIST(elqb_json_text(q, U.data, V("a")), name),
        .method = "btree"));
}

STATEMENT(index_where_types)
{
    elqb_expr where = elqb_and(q, elqb_gt(q, P.price, V(100)),
                               elqb_lt(q, P.stock, V(5)),
                               elqb_eq(q, P.sku, V("x")),
                               elqb_in(q, P.name, V("a"), V("b")));

    return RENDER(elqb_create_index(q, "i", P.table, ELQB_LIST(P.id),
                                    .where = where));
}

#define DEFAULTS(C, N)                                                        \
    C(a, BOOL) C(b, INT4) C(c, JSONB) C(d, UUID) C(e, TEXT)
ELQB_TABLE_NAMED(defaults, "crm", "t", DEFAULTS)

STATEMENT(create_defaults)
{
    defaults_t T = defaults_table();
    elqb_ddl *t = elqb_create_table(q, T, 0);

    elqb_column(t, T.a, .default_value = V(false), .not_null = true);
    elqb_column(t, T.b, .default_value = V(7));
    elqb_column(t, T.c, .default_value = V("{}"));
    elqb_column(t, T.d, .default_value = elqb_func(q, "gen_random_uuid"));
    elqb_constraint(t, .unique = ELQB_LIST(T.d));
    elqb_constraint(t, .name = "e_fk", .foreign_key = ELQB_LIST(T.e),
                    .references = ELQB_LIST(U.email),
                    .on_delete = ELQB_SET_NULL);
    return RENDER(t);
}

static const struct written ddl_written[] = {
    WRITTEN(create_table),
    WRITTEN(create_table_keys),
    WRITTEN(create_temporary),
    WRITTEN(create_partitioned),
    WRITTEN(create_inherits),
    WRITTEN(create_exclude),
    WRITTEN(drop_table),
    WRITTEN(index_gin),
    WRITTEN(index_unique_partial),
    WRITTEN(index_expression),
    WRITTEN(index_options),
    WRITTEN(index_include),
    WRITTEN(drop_index),
    WRITTEN(create_schema),
    WRITTEN(create_sequence),
    WRITTEN(comment_table),
    WRITTEN(comment_column),
    WRITTEN(alter_add_constraint),
    WRITTEN(alter_drop_constraint),
    WRITTEN(create_enum),
    WRITTEN(drop_schema),
    WRITTEN(drop_sequence),
    WRITTEN(index_expressions),
    WRITTEN(index_where_types),
    WRITTEN(create_defaults),
};

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file schema.h
 * Tables and their columns.
 *
 *     #define USERS(C) C(id, INT4) C(name, TEXT) C(tags, TEXT_ARRAY)
 *     ELQB_TABLE(users, USERS)
 *
 *     users_t U = users_table();              U.table, U.id, U.name
 *     users_t B = users_as("boss");           the same table once more
 *
 * A misspelt column does not compile, and a column tells the values that meet
 * it their type.  The types are the names of types.h; OTHER is for those that
 * are not built in (enums, domains, extensions').
 *
 * ELQB_TABLE_IN(crm, accounts, ACCOUNTS) is a table of the schema crm.  Names
 * that are no good C identifiers stand in strings:
 *
 *     #define ODD(C, N) C(id, INT4) N(group_, "group", TEXT)
 *     ELQB_TABLE_NAMED(odd, NULL, "select", ODD)            odd_t, odd_table()
 */
#ifndef ELQB_SCHEMA_H
#define ELQB_SCHEMA_H

#include "expr.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Something that stands in FROM: a table, or a subquery with an alias. */
typedef struct elqb_table {
    uint8_t flags;
    uint8_t only;       /**< ONLY: without the tables that inherit from it   */
    uint32_t generation; /**< of the workspace of source                     */
    const char *schema; /**< NULL: as search_path has it                     */
    const char *name;
    const char *alias;  /**< NULL: none                                      */
    struct elqb_node *source; /**< a subquery, instead of schema and name    */
} elqb_table;

/** elqb_table.flags of what ends a list of tables. */
enum { ELQB_LAST_TABLE = 0x80 };
#ifndef __cplusplus
#define ELQB_TABLE_END_ { .flags = ELQB_LAST_TABLE }
#else
#define ELQB_TABLE_END_ elqb_last_table_()
#endif
#define ELQB_TABLES(...)                                                      \
    ELQB_ARRAY_(const elqb_table, __VA_ARGS__, ELQB_TABLE_END_)

/** A table whose name is known at run time; the schema may be NULL.  Names
 *  are copied when the table is used in a statement. */
static inline elqb_table elqb_table_named(const char *schema,
                                          const char *name)
{
    elqb_table t;

    memset(&t, 0, sizeof(t));
    t.schema = schema;
    t.name = name;
    return t;
}

static inline elqb_table elqb_last_table_(void)
{
    elqb_table t = elqb_table_named(NULL, NULL);

    t.flags = ELQB_LAST_TABLE;
    return t;
}

/** The same table under another name. */
static inline elqb_table elqb_table_as(elqb_table t, const char *alias)
{
    t.flags = 0;
    t.alias = alias;
    return t;
}

/** FROM ONLY table, UPDATE ONLY, DELETE FROM ONLY; of tables, also with
 *  elqb_tablesample() or elqb_alias_columns(), and of nothing else. */
static inline elqb_table elqb_only(elqb_table t)
{
    t.only = 1;
    return t;
}

/** A column by its name, of no known type: elqb_typed(elqb_c(t, "n"), INT8) */
static inline elqb_expr elqb_c(elqb_table t, const char *name)
{
    elqb_expr e = elqb_leaf(ELQB_KIND_COLUMN);

    e.u.column.schema = t.alias ? NULL : t.schema;
    e.u.column.table = t.alias ? t.alias : t.name;
    e.u.column.name = name;
    return e;
}

/** All columns of a table: "users".* */
static inline elqb_expr elqb_table_star(elqb_table t)
{
    elqb_expr e = elqb_c(t, NULL);

    e.kind = ELQB_KIND_STAR;
    return e;
}

/** The column of another FROM item that has this one's name and type: of a
 *  subquery or elqb_unnest() of the column. */
static inline elqb_expr elqb_corresponding(elqb_table t, elqb_expr column)
{
    elqb_expr e = elqb_leaf(ELQB_KIND_NONE);

    if (column.kind == ELQB_KIND_COLUMN) {
        e = elqb_c(t, column.u.column.name);
        e.oid = column.oid;
    }
    return e;
}

/** The whole row of a table as one value, for functions: row_to_json("u").  The
 *  table must have no column of its own name. */
static inline elqb_expr elqb_table_row(elqb_table t)
{
    return elqb_name(t.alias ? t.alias : t.name);
}

/** (SELECT ...) AS alias, for FROM.  The select is rendered in place. */
ELPQ_API elqb_table elqb_subquery(elqb *q, elqb_select *s, const char *alias);

/** The same, seeing the FROM items before it: LATERAL (SELECT ...) AS alias. */
ELPQ_API elqb_table elqb_lateral(elqb *q, elqb_select *s, const char *alias);

/**
 * Arrays as the rows of a FROM item: one for each column of the list, whose
 * type it takes and whose name it has there; all of the same length.  What
 * they may be is said at elqb_insert_unnest().
 *
 *     elqb_table d = elqb_unnest(q, "d", ELQB_LIST(U.id, U.age),
 *                                elqb_items(ids, n), elqb_items(ages, n));
 *     elqb_update *u = elqb_update_new(q, U.table);
 *     elqb_set(u, U.age, elqb_corresponding(d, U.age));
 *     elqb_from(u, d);
 *     elqb_where(u, elqb_eq(q, U.id, elqb_corresponding(d, U.id)));
 *
 * UPDATE "users" SET "age" = "d"."age" FROM unnest($1::int4[], $2::int4[]) AS
 * "d" ("id", "age") WHERE "users"."id" = "d"."id"
 */
ELPQ_API elqb_table elqb_unnest_v(elqb *q, const char *alias,
                                  const elqb_expr *columns,
                                  const elqb_expr *arrays);
#define elqb_unnest(q, alias, columns, ...)                                   \
    elqb_unnest_v(q, alias, columns, ELQB_LIST(__VA_ARGS__))

#ifdef __cplusplus
}
#endif

/* ------------------------------------------------- declarations of tables */

/** A table named as the C type is. */
#define ELQB_TABLE(name, COLUMNS)                                             \
    ELQB_TABLE_(name, NULL, #name, ELQB_STATIC_NAMES,                         \
                COLUMNS(ELQB_MEMBER_), COLUMNS(ELQB_COLUMN_))

/** The same in a schema. */
#define ELQB_TABLE_IN(schema, name, COLUMNS)                                  \
    ELQB_TABLE_(name, #schema, #name, ELQB_STATIC_NAMES,                      \
                COLUMNS(ELQB_MEMBER_), COLUMNS(ELQB_COLUMN_))

/** Names given as literals, the schema as any string or NULL; COLUMNS takes
 *  C(name, TYPE) and N(member, "name", TYPE). */
#define ELQB_TABLE_NAMED(prefix, schema, name, COLUMNS)                       \
    ELQB_TABLE_(prefix, schema, "" name "", elqb_flags_of(schema),            \
                COLUMNS(ELQB_MEMBER_, ELQB_NAMED_MEMBER_),                    \
                COLUMNS(ELQB_COLUMN_, ELQB_NAMED_COLUMN_))

#define ELQB_MEMBER_(name, TYPE) elqb_expr name;
#define ELQB_NAMED_MEMBER_(member, name, TYPE) elqb_expr member;
#define ELQB_COLUMN_(name, TYPE) ELQB_NAMED_COLUMN_(name, #name, TYPE)
#define ELQB_NAMED_COLUMN_(member, name, TYPE)                                \
    t_.member = elqb_column_of(&t_.table, "" name "", ELQB_TYPE_##TYPE);

/* A program need not use all functions of a table. */
#if defined(__GNUC__)
#define ELQB_UNUSED_ __attribute__((unused))
#else
#define ELQB_UNUSED_
#endif

/* The type and the functions of one table. */
#define ELQB_TABLE_(prefix, schema, name, FLAGS, MEMBERS, COLUMNS)            \
    typedef struct prefix##_t {                                               \
        elqb_table table;                                                     \
        MEMBERS                                                               \
    } prefix##_t;                                                             \
    ELQB_UNUSED_ static inline prefix##_t prefix##_make_(                     \
        uint8_t flags_, const char *alias_)                                   \
    {                                                                         \
        prefix##_t t_;                                                        \
                                                                              \
        t_.table = elqb_table_as(elqb_table_named(schema, name), alias_);     \
        t_.table.flags = flags_;                                              \
        COLUMNS                                                               \
        return t_;                                                            \
    }                                                                         \
    ELQB_UNUSED_ static inline prefix##_t prefix##_table(void)                \
    {                                                                         \
        return prefix##_make_(FLAGS, NULL);                                   \
    }                                                                         \
    ELQB_UNUSED_ static inline prefix##_t prefix##_as(const char *alias_)     \
    {                                                                         \
        return prefix##_make_(0, alias_);                                     \
    }

/** For the macros above: a schema that is a variable may change or go away,
 *  so the names are copied then. */
static inline uint8_t elqb_flags_of(const char *schema)
{
    return schema ? 0 : ELQB_STATIC_NAMES;
}

/** For the macros above: a column, its names as lasting as the table's. */
static inline elqb_expr elqb_column_of(const elqb_table *t, const char *name,
                                       uint32_t oid)
{
    elqb_expr e;

    e.kind = ELQB_KIND_COLUMN;
    e.flags = t->flags;
    e.n = 0;
    e.oid = oid;
    e.u.column.schema = t->alias ? NULL : t->schema;
    e.u.column.table = t->alias ? t->alias : t->name;
    e.u.column.name = name;
    return e;
}

#endif

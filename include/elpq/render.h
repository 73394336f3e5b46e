/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file render.h
 * From a statement to SQL text with typed values.
 *
 * elqb_render(q, s), in qb.h, takes any statement, and elqb_text() as one.
 * Its result belongs to the workspace and stays valid, whatever is done with
 * s, until elqb_reset() or elqb_free().  Values point to copies in the
 * workspace as well.  The text depends on the shape of the statement alone,
 * never on the values, so the driver prepares it once.
 *
 * NULL means that this or an earlier call failed: see elqb_error().
 */
#ifndef ELQB_RENDER_H
#define ELQB_RENDER_H

#include "ddl.h"
#include "dml.h"
#include "select.h"
#include "statement.h"

#ifdef __cplusplus
extern "C" {
#endif

ELPQ_API const elpq_statement *elqb_select_render(elqb *q,
                                                  const elqb_select *s);
ELPQ_API const elpq_statement *elqb_insert_render(elqb *q,
                                                  const elqb_insert *i);
ELPQ_API const elpq_statement *elqb_update_render(elqb *q,
                                                  const elqb_update *u);
ELPQ_API const elpq_statement *elqb_delete_render(elqb *q,
                                                  const elqb_delete *d);
ELPQ_API const elpq_statement *elqb_merge_render(elqb *q,
                                                 const elqb_merge *m);
ELPQ_API const elpq_statement *elqb_ddl_render(elqb *q, const elqb_ddl *d);
/** An elqb_text() or elqb_raw() that is a whole statement. */
ELPQ_API const elpq_statement *elqb_text_render(elqb *q, elqb_expr text);

/**
 * The statement as text for logs, every value written into it.  It starts
 * with "<debug>", which no server accepts: nobody runs it by accident.  A
 * bind without a value stands as :name, a value in binary form as its size,
 * money as its units, one that its type cannot have as <out of range>.  NULL
 * on error, as above; the text lives as long as a rendered statement.
 */
ELPQ_API const char *elqb_select_debug(elqb *q, const elqb_select *s);
ELPQ_API const char *elqb_insert_debug(elqb *q, const elqb_insert *i);
ELPQ_API const char *elqb_update_debug(elqb *q, const elqb_update *u);
ELPQ_API const char *elqb_delete_debug(elqb *q, const elqb_delete *d);
ELPQ_API const char *elqb_merge_debug(elqb *q, const elqb_merge *m);
ELPQ_API const char *elqb_ddl_debug(elqb *q, const elqb_ddl *d);
ELPQ_API const char *elqb_text_debug(elqb *q, elqb_expr text);

/**
 * Debug text with a line for each clause, join and condition, and subqueries
 * indented: elqb_pretty(q, elqb_debug(q, s)).  It is the same SQL but for the
 * white space, behind the same "<debug>".  Only elqb_debug()'s text is taken.
 */
ELPQ_API const char *elqb_pretty(elqb *q, const char *debug);

/** A schema that tables are declared in, and the one to render instead. */
typedef struct elqb_schema_map {
    const char *from; /**< NULL: tables declared without a schema           */
    const char *to;   /**< NULL: no schema, as search_path has it           */
    int used;         /**< 0 ends a list                                    */
} elqb_schema_map;

/**
 * Render tables in other schemas than they are declared in, for every later
 * elqb_render(), elqb_compile() and elqb_debug() of the workspace until
 * elqb_reset(); a further call replaces the map.
 *
 *     elqb_schema_translate(q, ELQB_SCHEMA("crm", "tenant_7"))
 *
 * FROM "crm"."accounts" becomes FROM "tenant_7"."accounts", and so do columns
 * that are written with their schema; so do definitions, of the schema itself
 * as well.  The text is another one for each schema, and is prepared for each.
 * Functions, collations and SQL text stay as they are.
 */
ELPQ_API void elqb_schema_translate_v(elqb *q, const elqb_schema_map *map);

/** A tag of a statement; a NULL value is no tag, a NULL key ends a list. */
typedef struct elqb_tag {
    const char *key;
    const char *value;
} elqb_tag;

/**
 * The statement with a comment behind it, which logs and pg_stat_activity
 * show (as far as track_activity_query_size reaches), in sqlcommenter's form;
 * here the brackets stand for those of a comment:
 *
 *     st = elqb_tagged(q, st, ELQB_TAG("route", "/users"),
 *                      ELQB_TAG("request", id));
 *     SELECT ... [request='4711',route='%2Fusers']
 *
 * Keys are sorted, keys and values percent-encoded, so that no value ends the
 * comment.  The statement itself, which may be of elqb_render(),
 * elqb_args_statement() or elpq_sql(), is left as it is.  As tags differ from
 * one request to the next, the result has ELPQ_NO_PREPARE: the driver sends it
 * unnamed, and its cache of prepared statements keeps the text without tags.
 * The result lives as long as a rendered statement, and borrows the values of
 * `st`; without tags it is `st`.
 */
ELPQ_API const elpq_statement *elqb_tagged_v(elqb *q, const elpq_statement *st,
                                             const elqb_tag *tags);

#ifdef __cplusplus
}
#endif

#define ELQB_SCHEMA(from, to) ELQB_STRUCT_(elqb_schema_map, from, to, 1)
#define ELQB_SCHEMA_END_ ELQB_STRUCT_(elqb_schema_map, NULL, NULL, 0)
#define elqb_schema_translate(q, ...)                                         \
    elqb_schema_translate_v(q, ELQB_ARRAY_(const elqb_schema_map,             \
                                           __VA_ARGS__, ELQB_SCHEMA_END_))
#define ELQB_TAG(key, value) ELQB_STRUCT_(elqb_tag, key, value)
#define ELQB_TAG_END_ ELQB_STRUCT_(elqb_tag, NULL, NULL)
#define elqb_tagged(q, st, ...)                                               \
    elqb_tagged_v(q, st,                                                      \
                  ELQB_ARRAY_(const elqb_tag, __VA_ARGS__, ELQB_TAG_END_))

#endif

/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file catalog.h
 * Types that users made: enums, composites, domains, ranges, and those of
 * extensions.
 *
 * Their OIDs differ from one database to the next, so they are looked up, by
 * name or OID, with one query for a type and all that it is made of.  A pool, a
 * router, or a connection without either, remembers what it found: from then on
 * the getters of result.h read these types, and results with them come in
 * binary.
 *
 *     elpq_load_type(pool, "shop.mood", NULL, on_type, app);
 *     ...
 *     uint32_t mood = elpq_find_type(pool, "shop.mood")->oid;
 *     elpq_execute(pool, elpq_sql("insert into t values ($1)",
 *                                 elpq_text_as(mood, "happy", 5)), ...);
 *
 * Once a type was loaded, a type unknown so far that a result has, or that is
 * another than it was, is looked up by itself; that statement's result still
 * comes in text form, and later ones do not.  These look-ups show up in traces
 * with the tag "elpq:types".
 *
 * A router asks one of its hosts, the primary, or with ELPQ_READONLY in the
 * options perhaps a standby: they have the same types, with the same OIDs, and
 * what it finds, it knows for all of them.
 *
 * Extensions whose types are read: hstore, ltree (ltree, lquery, ltxtquery)
 * and citext.  Types of others come as text.
 */
#ifndef ELPQ_CATALOG_H
#define ELPQ_CATALOG_H

#include "conn.h"
#include "pool.h"
#include "router.h"
#include "tx.h"
#include "type_info.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Gets the type, or the error why there is none (type is NULL then). */
typedef void (*elpq_type_cb)(const elpq_type_info *type,
                             const elpq_error *error, void *arg);

/**
 * Asks the server for a type, also if it is known already.  The name is as in
 * SQL: with its schema ("shop.mood"), or found by the session's search_path;
 * quoted if it has to be ("\"Mood\""); also "shop.mood[]".  A type that does
 * not exist, or does no more, is ELPQ_E_TYPE.  The type is borrowed for the
 * callback.
 *
 * Returns as elpq_pool_execute() and its like do, with the same contract and
 * options; ELPQ_E_FULL as well if 10,000 types are known.
 */
ELPQ_API int elpq_pool_load_type(elpq_pool *pool, const char *name,
                                 const elpq_options *options,
                                 elpq_type_cb callback, void *arg);
ELPQ_API int elpq_router_load_type(elpq_router *router, const char *name,
                                   const elpq_options *options,
                                   elpq_type_cb callback, void *arg);
ELPQ_API int elpq_conn_load_type(elpq_conn *conn, const char *name,
                                 const elpq_options *options,
                                 elpq_type_cb callback, void *arg);
ELPQ_API int elpq_tx_load_type(elpq_tx *tx, const char *name,
                               const elpq_options *options,
                               elpq_type_cb callback, void *arg);

/**
 * The same by the type's OID, as a result's column or the part of another type
 * has it; 0 is ELPQ_E_USAGE.  elpq_find_type() does not know it by its name
 * then.
 */
ELPQ_API int elpq_pool_load_type_oid(elpq_pool *pool, uint32_t oid,
                                     const elpq_options *options,
                                     elpq_type_cb callback, void *arg);
ELPQ_API int elpq_router_load_type_oid(elpq_router *router, uint32_t oid,
                                       const elpq_options *options,
                                       elpq_type_cb callback, void *arg);
ELPQ_API int elpq_conn_load_type_oid(elpq_conn *conn, uint32_t oid,
                                     const elpq_options *options,
                                     elpq_type_cb callback, void *arg);
ELPQ_API int elpq_tx_load_type_oid(elpq_tx *tx, uint32_t oid,
                                   const elpq_options *options,
                                   elpq_type_cb callback, void *arg);

/**
 * A type that was loaded under this very name, or is known with this OID;
 * NULL if it was not.  A pool's connections may have a search_path each: a
 * name without a schema that was loaded as a type of one schema here and of
 * another there is ambiguous, and NULL; the name with the schema is not.  No
 * query is made.  Valid until the loop runs again.  A connection of a pool or
 * router knows what that knows.
 */
ELPQ_API const elpq_type_info *elpq_pool_find_type(const elpq_pool *pool,
                                                   const char *name);
ELPQ_API const elpq_type_info *elpq_router_find_type(const elpq_router *router,
                                                     const char *name);
ELPQ_API const elpq_type_info *elpq_conn_find_type(const elpq_conn *conn,
                                                   const char *name);
ELPQ_API const elpq_type_info *elpq_pool_find_type_oid(const elpq_pool *pool,
                                                       uint32_t oid);
ELPQ_API const elpq_type_info *
elpq_router_find_type_oid(const elpq_router *router, uint32_t oid);
ELPQ_API const elpq_type_info *elpq_conn_find_type_oid(const elpq_conn *conn,
                                                       uint32_t oid);

/**
 * Asks again for all types that are known: after a migration.  Those that are
 * gone stay known, which does no harm.
 */
ELPQ_API int elpq_pool_refresh_types(elpq_pool *pool,
                                     const elpq_options *options,
                                     elpq_done_cb callback, void *arg);
ELPQ_API int elpq_router_refresh_types(elpq_router *router,
                                       const elpq_options *options,
                                       elpq_done_cb callback, void *arg);
ELPQ_API int elpq_conn_refresh_types(elpq_conn *conn,
                                     const elpq_options *options,
                                     elpq_done_cb callback, void *arg);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
#define elpq_load_type(target, name, options, callback, arg)                  \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_load_type,                                     \
        elpq_router *: elpq_router_load_type,                                 \
        elpq_conn *: elpq_conn_load_type,                                     \
        elpq_tx *: elpq_tx_load_type)(target, name, options, callback, arg)
#define elpq_load_type_oid(target, oid, options, callback, arg)               \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_load_type_oid,                                 \
        elpq_router *: elpq_router_load_type_oid,                             \
        elpq_conn *: elpq_conn_load_type_oid,                                 \
        elpq_tx *: elpq_tx_load_type_oid)(target, oid, options, callback, arg)
#define elpq_find_type(target, name)                                          \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_find_type,                                     \
        elpq_router *: elpq_router_find_type,                                 \
        elpq_conn *: elpq_conn_find_type)(target, name)
#define elpq_refresh_types(target, options, callback, arg)                    \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_refresh_types,                                 \
        elpq_router *: elpq_router_refresh_types,                             \
        elpq_conn *: elpq_conn_refresh_types)(target, options, callback, arg)
#else
#define ELPQ_OVERLOAD_(kind)                                                  \
    inline int elpq_load_type(elpq_##kind *target, const char *name,          \
                              const elpq_options *options,                    \
                              elpq_type_cb callback, void *arg)               \
    {                                                                         \
        return elpq_##kind##_load_type(target, name, options, callback, arg); \
    }                                                                         \
    inline int elpq_load_type_oid(elpq_##kind *target, uint32_t oid,          \
                                  const elpq_options *options,                \
                                  elpq_type_cb callback, void *arg)           \
    {                                                                         \
        return elpq_##kind##_load_type_oid(target, oid, options, callback,    \
                                           arg);                              \
    }
ELPQ_OVERLOAD_(pool)
ELPQ_OVERLOAD_(router)
ELPQ_OVERLOAD_(conn)
ELPQ_OVERLOAD_(tx)
#undef ELPQ_OVERLOAD_
#define ELPQ_OVERLOAD_(kind)                                                  \
    inline const elpq_type_info *elpq_find_type(const elpq_##kind *target,    \
                                                const char *name)             \
    {                                                                         \
        return elpq_##kind##_find_type(target, name);                         \
    }                                                                         \
    inline int elpq_refresh_types(elpq_##kind *target,                        \
                                  const elpq_options *options,                \
                                  elpq_done_cb callback, void *arg)           \
    {                                                                         \
        return elpq_##kind##_refresh_types(target, options, callback, arg);   \
    }
ELPQ_OVERLOAD_(pool)
ELPQ_OVERLOAD_(router)
ELPQ_OVERLOAD_(conn)
#undef ELPQ_OVERLOAD_
#endif

#endif

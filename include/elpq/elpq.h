/* SPDX-License-Identifier: PostgreSQL */
/**
 * @file elpq.h
 * The driver: everything that libelpq offers.
 *
 *     struct event_base *base = event_base_new();
 *     elpq_pool *pool = elpq_pool_new(base, "dbname=test", NULL, NULL);
 *
 *     elpq_execute(pool, elpq_sql("select $1 + 1", 41), NULL, on_result, app);
 *     event_base_dispatch(base);
 *
 * elpq_execute, elpq_script, elpq_begin and the others below pick the function
 * by the type of their target: a pool, a router, a connection or a transaction.
 */
#ifndef ELPQ_ELPQ_H
#define ELPQ_ELPQ_H

#include "batch.h"
#include "catalog.h"
#include "conn.h"
#include "convert.h"
#include "copy.h"
#include "cursor.h"
#include "error.h"
#include "large_object.h"
#include "listen.h"
#include "lock.h"
#include "many.h"
#include "pool.h"
#include "pool_hooks.h"
#include "pool_stats.h"
#include "post.h"
#include "replication.h"
#include "result.h"
#include "router.h"
#include "statement.h"
#include "stream.h"
#include "trace.h"
#include "transact.h"
#include "tx.h"
#include "types.h"
#include "value.h"
#include "version.h"

#ifndef __cplusplus
/* What is executed: for another pointer, a select say, C would only warn.
 * NULL is a void *. */
#define ELPQ_IS_STATEMENT_(st)                                                \
    ((void)_Generic((st),                                                     \
         const elpq_statement *: 0,                                           \
         elpq_statement *: 0,                                                 \
         void *: 0))
#define elpq_execute(target, statement, options, callback, arg)               \
    (ELPQ_IS_STATEMENT_(statement),                                           \
     _Generic((target),                                                       \
         elpq_pool *: elpq_pool_execute,                                      \
         elpq_router *: elpq_router_execute,                                  \
         elpq_conn *: elpq_conn_execute,                                      \
         elpq_tx *: elpq_tx_execute))(target, statement, options, callback,   \
                                      arg)
#define elpq_batch(target, statements, n, options, each, done, arg)            \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_batch,                                         \
        elpq_router *: elpq_router_batch,                                     \
        elpq_conn *: elpq_conn_batch,                                         \
        elpq_tx *: elpq_tx_batch)(target, statements, n, options, each, done, \
                                  arg)
#define elpq_execute_many(target, statement, source, options, callback, arg)  \
    (ELPQ_IS_STATEMENT_(statement),                                           \
     _Generic((target),                                                       \
         elpq_pool *: elpq_pool_execute_many,                                 \
         elpq_router *: elpq_router_execute_many,                             \
         elpq_conn *: elpq_conn_execute_many,                                 \
         elpq_tx *: elpq_tx_execute_many))(target, statement, source,         \
                                           options, callback, arg)
#define elpq_script(target, sql, options, each, done, arg)                    \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_script_trusted,                                \
        elpq_router *: elpq_router_script_trusted,                            \
        elpq_conn *: elpq_conn_script_trusted,                                \
        elpq_tx *: elpq_tx_script_trusted)(target, "" sql "", options, each,  \
                                           done, arg)
#define elpq_stream(target, statement, options, rows, done, arg)              \
    (ELPQ_IS_STATEMENT_(statement),                                           \
     _Generic((target),                                                       \
         elpq_pool *: elpq_pool_stream,                                       \
         elpq_router *: elpq_router_stream,                                   \
         elpq_conn *: elpq_conn_stream,                                       \
         elpq_tx *: elpq_tx_stream))(target, statement, options, rows, done,  \
                                     arg)
#define elpq_declare(target, statement, options, callback, arg)               \
    (ELPQ_IS_STATEMENT_(statement),                                           \
     _Generic((target),                                                       \
         elpq_conn *: elpq_conn_declare,                                      \
         elpq_tx *: elpq_tx_declare))(target, statement, options, callback,   \
                                      arg)
#define elpq_begin(target, options, callback, arg)                            \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_begin,                                         \
        elpq_router *: elpq_router_begin,                                     \
        elpq_conn *: elpq_conn_begin)(target, options, callback, arg)
#define elpq_transact(target, options, body, done, arg)                       \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_transact,                                      \
        elpq_router *: elpq_router_transact,                                  \
        elpq_conn *: elpq_conn_transact,                                      \
        elpq_tx *: elpq_tx_transact)(target, options, body, done, arg)
#define elpq_notify(target, channel, payload, options, done, arg)             \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_notify,                                        \
        elpq_router *: elpq_router_notify,                                    \
        elpq_conn *: elpq_conn_notify,                                        \
        elpq_tx *: elpq_tx_notify)(target, channel, payload, options, done,   \
                                   arg)
#define elpq_lo_create(target, oid, options, callback, arg)                   \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_lo_create,                                     \
        elpq_router *: elpq_router_lo_create,                                 \
        elpq_conn *: elpq_conn_lo_create,                                     \
        elpq_tx *: elpq_tx_lo_create)(target, oid, options, callback, arg)
#define elpq_lo_unlink(target, oid, options, done, arg)                       \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_lo_unlink,                                     \
        elpq_router *: elpq_router_lo_unlink,                                 \
        elpq_conn *: elpq_conn_lo_unlink,                                     \
        elpq_tx *: elpq_tx_lo_unlink)(target, oid, options, done, arg)
#define elpq_lock_acquire(target, key, options, callback, arg)                \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_lock,                                          \
        elpq_router *: elpq_router_lock,                                      \
        elpq_conn *: elpq_conn_lock)(target, key, options, callback, arg)
#define elpq_commit_prepared(target, gid, options, callback, arg)             \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_commit_prepared,                               \
        elpq_router *: elpq_router_commit_prepared,                           \
        elpq_conn *: elpq_conn_commit_prepared)(target, gid, options,         \
                                                callback, arg)
#define elpq_rollback_prepared(target, gid, options, callback, arg)           \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_rollback_prepared,                             \
        elpq_router *: elpq_router_rollback_prepared,                         \
        elpq_conn *: elpq_conn_rollback_prepared)(target, gid, options,       \
                                                  callback, arg)
#define elpq_list_prepared(target, options, callback, arg)                    \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_list_prepared,                                 \
        elpq_router *: elpq_router_list_prepared,                             \
        elpq_conn *: elpq_conn_list_prepared)(target, options, callback, arg)
#define elpq_copy_in(target, spec, options, ready, done, arg)                 \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_copy_in,                                       \
        elpq_router *: elpq_router_copy_in,                                   \
        elpq_conn *: elpq_conn_copy_in,                                       \
        elpq_tx *: elpq_tx_copy_in)(target, spec, options, ready, done, arg)
#define elpq_copy_out(target, spec, options, data, done, arg)                 \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_copy_out,                                      \
        elpq_router *: elpq_router_copy_out,                                  \
        elpq_conn *: elpq_conn_copy_out,                                      \
        elpq_tx *: elpq_tx_copy_out)(target, spec, options, data, done, arg)
#define elpq_copy_out_rows(target, spec, options, rows, done, arg)            \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_copy_out_rows,                                 \
        elpq_router *: elpq_router_copy_out_rows,                             \
        elpq_conn *: elpq_conn_copy_out_rows,                                 \
        elpq_tx *: elpq_tx_copy_out_rows)(target, spec, options, rows, done,  \
                                          arg)
#else
#define ELPQ_OVERLOAD_(kind)                                                  \
    inline int elpq_execute(elpq_##kind *target, const elpq_statement *st,    \
                            const elpq_options *options,                      \
                            elpq_result_cb callback, void *arg)               \
    {                                                                         \
        return elpq_##kind##_execute(target, st, options, callback, arg);     \
    }                                                                         \
    inline int elpq_stream(elpq_##kind *target, const elpq_statement *st,     \
                           const elpq_options *options, elpq_rows_cb rows,    \
                           elpq_done_cb done, void *arg)                      \
    {                                                                         \
        return elpq_##kind##_stream(target, st, options, rows, done, arg);    \
    }                                                                         \
    inline int elpq_transact(elpq_##kind *target,                             \
                             const elpq_transact_options *options,            \
                             elpq_body_cb body, elpq_done_cb done, void *arg) \
    {                                                                         \
        return elpq_##kind##_transact(target, options, body, done, arg);      \
    }                                                                         \
    inline int elpq_notify(elpq_##kind *target, const char *channel,          \
                           const char *payload, const elpq_options *options,  \
                           elpq_done_cb done, void *arg)                      \
    {                                                                         \
        return elpq_##kind##_notify(target, channel, payload, options, done,  \
                                    arg);                                     \
    }                                                                         \
    inline int elpq_lo_create(elpq_##kind *target, uint32_t oid,              \
                              const elpq_options *options,                    \
                              elpq_lo_oid_cb callback, void *arg)             \
    {                                                                         \
        return elpq_##kind##_lo_create(target, oid, options, callback, arg);  \
    }                                                                         \
    inline int elpq_lo_unlink(elpq_##kind *target, uint32_t oid,              \
                              const elpq_options *options,                    \
                              elpq_done_cb done, void *arg)                   \
    {                                                                         \
        return elpq_##kind##_lo_unlink(target, oid, options, done, arg);      \
    }                                                                         \
    inline int elpq_copy_in(elpq_##kind *target, const elpq_copy_spec *spec,  \
                            const elpq_options *options,                      \
                            elpq_copy_ready_cb ready, elpq_result_cb done,    \
                            void *arg)                                        \
    {                                                                         \
        return elpq_##kind##_copy_in(target, spec, options, ready, done,      \
                                     arg);                                    \
    }                                                                         \
    inline int elpq_copy_out(elpq_##kind *target, const elpq_copy_spec *spec, \
                             const elpq_options *options,                     \
                             elpq_copy_data_cb data, elpq_result_cb done,     \
                             void *arg)                                       \
    {                                                                         \
        return elpq_##kind##_copy_out(target, spec, options, data, done,      \
                                      arg);                                   \
    }                                                                         \
    inline int elpq_copy_out_rows(                                            \
        elpq_##kind *target, const elpq_copy_spec *spec,                      \
        const elpq_options *options, elpq_copy_rows_cb rows,                  \
        elpq_result_cb done, void *arg)                                       \
    {                                                                         \
        return elpq_##kind##_copy_out_rows(target, spec, options, rows, done, \
                                           arg);                              \
    }                                                                         \
    inline int elpq_batch(elpq_##kind *target,                                \
                          const elpq_statement *const statements[], size_t n, \
                          const elpq_options *options, elpq_batch_cb each,    \
                          elpq_done_cb done, void *arg)                       \
    {                                                                         \
        return elpq_##kind##_batch(target, statements, n, options, each,      \
                                   done, arg);                                \
    }                                                                         \
    inline int elpq_execute_many(elpq_##kind *target,                         \
                                 const elpq_statement *statement,             \
                                 const elpq_rows_source *source,              \
                                 const elpq_options *options,                 \
                                 elpq_many_cb callback, void *arg)            \
    {                                                                         \
        return elpq_##kind##_execute_many(target, statement, source, options, \
                                          callback, arg);                     \
    }                                                                         \
    template <size_t L>                                                       \
    inline int elpq_script(elpq_##kind *target, const char (&sql)[L],         \
                           const elpq_options *options, elpq_script_cb each,  \
                           elpq_done_cb done, void *arg)                      \
    {                                                                         \
        return elpq_##kind##_script_trusted(target, sql, options, each, done, \
                                            arg);                             \
    }
ELPQ_OVERLOAD_(pool)
ELPQ_OVERLOAD_(router)
ELPQ_OVERLOAD_(conn)
ELPQ_OVERLOAD_(tx)
#undef ELPQ_OVERLOAD_
#define ELPQ_OVERLOAD_(kind)                                                  \
    inline int elpq_begin(elpq_##kind *target,                                \
                          const elpq_tx_options *options,                     \
                          elpq_tx_cb callback, void *arg)                     \
    {                                                                         \
        return elpq_##kind##_begin(target, options, callback, arg);           \
    }                                                                         \
    inline int elpq_lock_acquire(elpq_##kind *target, elpq_lock_key key,      \
                                 const elpq_lock_options *options,            \
                                 elpq_lock_cb callback, void *arg)            \
    {                                                                         \
        return elpq_##kind##_lock(target, key, options, callback, arg);       \
    }                                                                         \
    inline int elpq_commit_prepared(elpq_##kind *target, const char *gid,     \
                                    const elpq_options *options,              \
                                    elpq_done_cb callback, void *arg)         \
    {                                                                         \
        return elpq_##kind##_commit_prepared(target, gid, options, callback,  \
                                             arg);                            \
    }                                                                         \
    inline int elpq_rollback_prepared(elpq_##kind *target, const char *gid,   \
                                      const elpq_options *options,            \
                                      elpq_done_cb callback, void *arg)       \
    {                                                                         \
        return elpq_##kind##_rollback_prepared(target, gid, options,          \
                                               callback, arg);                \
    }                                                                         \
    inline int elpq_list_prepared(elpq_##kind *target,                        \
                                  const elpq_options *options,                \
                                  elpq_result_cb callback, void *arg)         \
    {                                                                         \
        return elpq_##kind##_list_prepared(target, options, callback, arg);   \
    }
ELPQ_OVERLOAD_(pool)
ELPQ_OVERLOAD_(router)
ELPQ_OVERLOAD_(conn)
#undef ELPQ_OVERLOAD_
#define ELPQ_OVERLOAD_(kind)                                                  \
    inline int elpq_declare(elpq_##kind *target, const elpq_statement *st,    \
                            const elpq_cursor_options *options,               \
                            elpq_cursor_cb callback, void *arg)               \
    {                                                                         \
        return elpq_##kind##_declare(target, st, options, callback, arg);     \
    }
ELPQ_OVERLOAD_(conn)
ELPQ_OVERLOAD_(tx)
#undef ELPQ_OVERLOAD_
#endif

#endif

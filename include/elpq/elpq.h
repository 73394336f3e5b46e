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
 * elpq_execute, elpq_script and elpq_begin pick the function by the type of
 * their target: a pool, a connection or a transaction.
 */
#ifndef ELPQ_ELPQ_H
#define ELPQ_ELPQ_H

#include "batch.h"
#include "conn.h"
#include "error.h"
#include "many.h"
#include "pool.h"
#include "pool_hooks.h"
#include "pool_stats.h"
#include "post.h"
#include "result.h"
#include "statement.h"
#include "trace.h"
#include "tx.h"
#include "types.h"
#include "value.h"
#include "version.h"

#ifndef __cplusplus
#define elpq_execute(target, statement, options, callback, arg)               \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_execute,                                       \
        elpq_conn *: elpq_conn_execute,                                       \
        elpq_tx *: elpq_tx_execute)(target, statement, options, callback, arg)
#define elpq_batch(target, statements, n, options, each, done, arg)            \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_batch,                                         \
        elpq_conn *: elpq_conn_batch,                                         \
        elpq_tx *: elpq_tx_batch)(target, statements, n, options, each, done, \
                                  arg)
#define elpq_execute_many(target, statement, source, options, callback, arg)  \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_execute_many,                                  \
        elpq_conn *: elpq_conn_execute_many,                                  \
        elpq_tx *: elpq_tx_execute_many)(target, statement, source, options,  \
                                         callback, arg)
#define elpq_script(target, sql, options, each, done, arg)                    \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_script_trusted,                                \
        elpq_conn *: elpq_conn_script_trusted)(target, "" sql "", options,    \
                                               each, done, arg)
#define elpq_begin(target, options, callback, arg)                            \
    _Generic((target),                                                        \
        elpq_pool *: elpq_pool_begin,                                         \
        elpq_conn *: elpq_conn_begin)(target, options, callback, arg)
#else
#define ELPQ_OVERLOAD_(kind)                                                  \
    inline int elpq_execute(elpq_##kind *target, const elpq_statement *st,    \
                            const elpq_options *options,                      \
                            elpq_result_cb callback, void *arg)               \
    {                                                                         \
        return elpq_##kind##_execute(target, st, options, callback, arg);     \
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
    }
ELPQ_OVERLOAD_(pool)
ELPQ_OVERLOAD_(conn)
ELPQ_OVERLOAD_(tx)
#undef ELPQ_OVERLOAD_
#define ELPQ_OVERLOAD_(kind)                                                  \
    template <size_t L>                                                       \
    inline int elpq_script(elpq_##kind *target, const char (&sql)[L],         \
                           const elpq_options *options, elpq_script_cb each,  \
                           elpq_done_cb done, void *arg)                      \
    {                                                                         \
        return elpq_##kind##_script_trusted(target, sql, options, each, done, \
                                            arg);                             \
    }                                                                         \
    inline int elpq_begin(elpq_##kind *target,                                \
                          const elpq_tx_options *options,                     \
                          elpq_tx_cb callback, void *arg)                     \
    {                                                                         \
        return elpq_##kind##_begin(target, options, callback, arg);           \
    }
ELPQ_OVERLOAD_(pool)
ELPQ_OVERLOAD_(conn)
#undef ELPQ_OVERLOAD_
#endif

#endif

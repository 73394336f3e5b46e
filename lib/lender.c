/* SPDX-License-Identifier: PostgreSQL */
/*
 * What is submitted to a pool or to a router: requests are made here, in the
 * same way for both, and given to the one or the other, which alone knows what
 * becomes of them.
 *
 * The verbs that need more than a request of their own are elsewhere: COPY in
 * copy_verbs.c, transactions in tx.c and transact.c, and so on.
 */
#include "batch.h"
#include "lender.h"
#include "pool_int.h"
#include "router_int.h"

void elpq__lender_init(struct elpq__lender *lender,
                       const struct elpq__lends *as,
                       const elpq_pool_options *options)
{
    lender->as = as;
    lender->options = options;
    elpq__list_init(&lender->guests);
}

void elpq__lender_closing(struct elpq__lender *lender)
{
    struct elpq__node *node;

    while ((node = elpq__list_pop(&lender->guests))) {
        struct elpq__guest *g =
            elpq__container(node, struct elpq__guest, node);

        g->closing(g);
    }
}

/* A request that is nowhere yet; 0 or a code. */
static int make(struct elpq__lender *lender, enum elpq__kind kind,
                const elpq_statement *statement, const elpq_options *options,
                elpq_request **out)
{
    static const elpq_conn_options silent;
    const elpq_pool_options *pool = lender->options;
    bool lease = kind == ELPQ__LEASE;
    int code = lender->as->check(lender);

    if (code)
        return code;
    *out = elpq__request_submit(lender->loop, kind, statement, options,
                                lease ? pool->acquire_timeout_ms
                                      : pool->conn.timeout_ms,
                                lease ? &silent : &pool->conn);
    return *out ? 0 : ELPQ_E_NOMEM;
}

int elpq__lender_submit(struct elpq__lender *lender, elpq_request *req,
                        const elpq_options *options)
{
    int code = lender->as->take(lender, req);

    if (!code)
        return 0;
    if (options && options->request)
        *options->request = NULL;
    elpq__request_free(req);
    return code;
}

static bool is_statement(const elpq_statement *st)
{
    return st && st->sql && (!st->nvalues || st->values);
}

int elpq__lender_execute(struct elpq__lender *lender,
                         const elpq_statement *statement,
                         const elpq_options *options, elpq_result_cb callback,
                         void *arg)
{
    elpq_request *req;
    int code;

    if (!lender || !is_statement(statement) || !callback)
        return ELPQ_E_USAGE;
    code = make(lender, ELPQ__STATEMENT, statement, options, &req);
    if (code)
        return code;
    req->cb.result = callback;
    req->arg = arg;
    return elpq__lender_submit(lender, req, options);
}

static int stream(struct elpq__lender *lender, const elpq_statement *statement,
                  const elpq_options *options, elpq_rows_cb rows,
                  elpq_done_cb done, void *arg)
{
    elpq_request *req;
    int code;

    if (!lender || !is_statement(statement) || !rows || !done)
        return ELPQ_E_USAGE;
    code = make(lender, ELPQ__STREAM, statement, options, &req);
    if (code)
        return code;
    req->on_rows = rows;
    req->cb.done = done;
    req->arg = arg;
    return elpq__lender_submit(lender, req, options);
}

static int script(struct elpq__lender *lender, const char *sql,
                  const elpq_options *options, elpq_script_cb each,
                  elpq_done_cb done, void *arg)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, NULL, 0);
    elpq_request *req;
    int code;

    if (!lender || !sql || !done)
        return ELPQ_E_USAGE;
    code = make(lender, ELPQ__SCRIPT, &st, options, &req);
    if (code)
        return code;
    req->each = each;
    req->cb.done = done;
    req->arg = arg;
    return elpq__lender_submit(lender, req, options);
}

static int batch(struct elpq__lender *lender,
                 const elpq_statement *const statements[], size_t n,
                 const elpq_options *options, elpq_batch_cb each,
                 elpq_done_cb done, void *arg)
{
    elpq_request *req;
    int code;

    if (!lender || !done)
        return ELPQ_E_USAGE;
    if ((code = lender->as->check(lender)))
        return code;
    code = elpq__batch_submit(&req, lender->loop, &lender->options->conn,
                              statements, n, options);
    if (code)
        return code;
    req->batch->each = each;
    req->cb.done = done;
    req->arg = arg;
    return elpq__lender_submit(lender, req, options);
}

int elpq__lender_acquire(struct elpq__lender *lender,
                         const elpq_options *options, elpq_conn_cb callback,
                         void *arg)
{
    elpq_statement none = elpq_sql_from_trusted_string("", NULL, 0);
    elpq_request *req;
    int code;

    if (!lender || !callback)
        return ELPQ_E_USAGE;
    code = make(lender, ELPQ__LEASE, &none, options, &req);
    if (code)
        return code;
    req->cb.conn = callback;
    req->arg = arg;
    return elpq__lender_submit(lender, req, options);
}

#define LENDS(kind)                                                           \
    int elpq_##kind##_execute(elpq_##kind *from,                              \
                              const elpq_statement *statement,                \
                              const elpq_options *options,                    \
                              elpq_result_cb callback, void *arg)             \
    {                                                                         \
        return elpq__lender_execute(ELPQ__LENDER(from), statement, options,   \
                                    callback, arg);                           \
    }                                                                         \
                                                                              \
    int elpq_##kind##_stream(elpq_##kind *from,                               \
                             const elpq_statement *statement,                 \
                             const elpq_options *options, elpq_rows_cb rows,  \
                             elpq_done_cb done, void *arg)                    \
    {                                                                         \
        return stream(ELPQ__LENDER(from), statement, options, rows, done,     \
                      arg);                                                   \
    }                                                                         \
                                                                              \
    int elpq_##kind##_script_trusted(                                         \
        elpq_##kind *from, const char *sql, const elpq_options *options,      \
        elpq_script_cb each, elpq_done_cb done, void *arg)                    \
    {                                                                         \
        return script(ELPQ__LENDER(from), sql, options, each, done, arg);     \
    }                                                                         \
                                                                              \
    int elpq_##kind##_batch(elpq_##kind *from,                                \
                            const elpq_statement *const statements[],         \
                            size_t n, const elpq_options *options,            \
                            elpq_batch_cb each, elpq_done_cb done, void *arg) \
    {                                                                         \
        return batch(ELPQ__LENDER(from), statements, n, options, each, done,  \
                     arg);                                                    \
    }                                                                         \
                                                                              \
    int elpq_##kind##_acquire(elpq_##kind *from, const elpq_options *options, \
                              elpq_conn_cb callback, void *arg)               \
    {                                                                         \
        return elpq__lender_acquire(ELPQ__LENDER(from), options, callback,    \
                                    arg);                                     \
    }
LENDS(pool)
LENDS(router)

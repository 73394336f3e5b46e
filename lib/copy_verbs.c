/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY submitted to a pool or router, whose connection is busy with it until
 * its end, to a connection, or to a transaction.
 */
#include "copy_int.h"
#include "pool_int.h"
#include "router_int.h"
#include "tx_int.h"

static int lend_copy(struct elpq__lender *lender,
                     const struct elpq__copy_job *job)
{
    elpq_request *req;
    int code;

    if (!lender || !elpq__copy_job_ok(job))
        return ELPQ_E_USAGE;
    if ((code = lender->as->check(lender)))
        return code;
    code = elpq__copy_request(lender->loop, job,
                              lender->options->conn.timeout_ms,
                              &lender->options->conn, &req);
    return code ? code : elpq__lender_submit(lender, req, job->options);
}

static int pool_copy(elpq_pool *pool, const struct elpq__copy_job *job)
{
    return lend_copy(ELPQ__LENDER(pool), job);
}

static int router_copy(elpq_router *router, const struct elpq__copy_job *job)
{
    return lend_copy(ELPQ__LENDER(router), job);
}

static int conn_copy(elpq_conn *conn, const struct elpq__copy_job *job)
{
    elpq_request *req;
    int code;

    if (!conn || !elpq__copy_job_ok(job))
        return ELPQ_E_USAGE;
    if ((code = elpq__conn_check(conn)))
        return code;
    code = elpq__copy_request(conn->loop, job, conn->options.timeout_ms,
                              &conn->options, &req);
    return code ? code : elpq__conn_submit(conn, req);
}

static int tx_copy(elpq_tx *tx, const struct elpq__copy_job *job)
{
    return conn_copy(elpq__tx_target(tx), job);
}

#define COPY(kind)                                                            \
    int elpq_##kind##_copy_in(elpq_##kind *target,                            \
                              const elpq_copy_spec *spec,                     \
                              const elpq_options *options,                    \
                              elpq_copy_ready_cb ready, elpq_result_cb done,  \
                              void *arg)                                      \
    {                                                                         \
        struct elpq__copy_job job = { .spec = spec,                           \
                                      .options = options,                     \
                                      .in = true,                             \
                                      .ready = ready,                         \
                                      .done = done,                           \
                                      .arg = arg };                           \
                                                                              \
        return kind##_copy(target, &job);                                     \
    }                                                                         \
                                                                              \
    int elpq_##kind##_copy_out(elpq_##kind *target,                           \
                               const elpq_copy_spec *spec,                    \
                               const elpq_options *options,                   \
                               elpq_copy_data_cb data, elpq_result_cb done,   \
                               void *arg)                                     \
    {                                                                         \
        struct elpq__copy_job job = { .spec = spec,                           \
                                      .options = options,                     \
                                      .data = data,                           \
                                      .done = done,                           \
                                      .arg = arg };                           \
                                                                              \
        return kind##_copy(target, &job);                                     \
    }                                                                         \
                                                                              \
    int elpq_##kind##_copy_out_rows(elpq_##kind *target,                      \
                                    const elpq_copy_spec *spec,               \
                                    const elpq_options *options,              \
                                    elpq_copy_rows_cb rows,                   \
                                    elpq_result_cb done, void *arg)           \
    {                                                                         \
        struct elpq__copy_job job = { .spec = spec,                           \
                                      .options = options,                     \
                                      .rows = rows,                           \
                                      .done = done,                           \
                                      .arg = arg };                           \
                                                                              \
        return kind##_copy(target, &job);                                     \
    }
COPY(pool)
COPY(router)
COPY(conn)
COPY(tx)

/* SPDX-License-Identifier: PostgreSQL */
/*
 * COPY on a connection of the pool, which is busy with it until its end.
 */
#include "copy_int.h"
#include "pool_int.h"

static int pool_copy(elpq_pool *pool, const struct elpq__copy_job *job)
{
    elpq_request *req;
    int code;

    if (!pool || !elpq__copy_job_ok(job))
        return ELPQ_E_USAGE;
    if ((code = elpq__pool_check(pool)))
        return code;
    code = elpq__copy_request(pool->loop, job, pool->options.conn.timeout_ms,
                              &pool->options.conn, &req);
    if (code)
        return code;
    pool->stats.statements++;
    return elpq__pool_submit(pool, req);
}

int elpq_pool_copy_in(elpq_pool *pool, const elpq_copy_spec *spec,
                      const elpq_options *options, elpq_copy_ready_cb ready,
                      elpq_result_cb done, void *arg)
{
    struct elpq__copy_job job = { spec, options, true, ready,
                                  NULL, NULL,    done, arg };

    return pool_copy(pool, &job);
}

int elpq_pool_copy_out(elpq_pool *pool, const elpq_copy_spec *spec,
                       const elpq_options *options, elpq_copy_data_cb data,
                       elpq_result_cb done, void *arg)
{
    struct elpq__copy_job job = { spec, options, false, NULL,
                                  data, NULL,    done,  arg };

    return pool_copy(pool, &job);
}

int elpq_pool_copy_out_rows(elpq_pool *pool, const elpq_copy_spec *spec,
                            const elpq_options *options,
                            elpq_copy_rows_cb rows, elpq_result_cb done,
                            void *arg)
{
    struct elpq__copy_job job = { spec, options, false, NULL,
                                  NULL, rows,    done,  arg };

    return pool_copy(pool, &job);
}

/* elpq_execute() runs on a pool, a connection or a transaction only. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>

int wrong_target(elpq_result *result);

int
wrong_target(elpq_result *result)
{
    return elpq_execute(result, elpq_sql("select 1"), NULL, NULL, NULL);
}

/* elpq_sql() takes SQL from string literals only: data cannot get there. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>

int run_time_sql(elpq_pool *pool, const char *sql);

int
run_time_sql(elpq_pool *pool, const char *sql)
{
    return elpq_execute(pool, elpq_sql(sql), NULL, NULL, NULL);
}

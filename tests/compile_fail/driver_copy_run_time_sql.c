/* elpq_copy_sql() takes SQL from string literals only. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>

int run_time_copy(elpq_pool *pool, const char *sql);

int
run_time_copy(elpq_pool *pool, const char *sql)
{
    return elpq_copy_out(pool, elpq_copy_sql(sql), NULL, NULL, NULL, NULL);
}

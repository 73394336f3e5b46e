/* Compiles: the same calls as in the other files, used correctly. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>

int control(elpq_pool *pool, elpq_conn *conn, elpq_result *result);

int
control(elpq_pool *pool, elpq_conn *conn, elpq_result *result)
{
    const char *name = "O'Reilly";
    int64_t id = 0;

    if (elpq_execute(pool, elpq_sql("select id from users where name = $1",
                                    name), NULL, NULL, NULL) != 0)
        return 1;
    if (elpq_execute(conn, elpq_sql("select $1 + 1", 41), NULL, NULL,
                     NULL) != 0)
        return 1;
    return elpq_scan(result, 0, &id);
}

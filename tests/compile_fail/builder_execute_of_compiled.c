/* A compiled statement runs with values alone. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>
#include <elpq/qb.h>

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

void mistake(elqb *q, elqb_select *s, elqb_insert *i, elqb_update *u,
             elqb_delete *d, elqb_compiled *c, elqb_args *a, elpq_pool *pool,
             const char *user_input);

void mistake(elqb *q, elqb_select *s, elqb_insert *i, elqb_update *u,
             elqb_delete *d, elqb_compiled *c, elqb_args *a, elpq_pool *pool,
             const char *user_input)
{
    users_t U = users_table();

    (void)q, (void)s, (void)i, (void)u, (void)d, (void)user_input, (void)U;
    (void)c, (void)a, (void)pool;
    elpq_execute(pool, c, NULL, NULL, NULL);
}

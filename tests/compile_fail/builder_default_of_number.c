/* A default is an expression, elqb_lit(1): only a warning, of a pointer. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/qb.h>

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

void mistake(elqb *q, elqb_merge *m, elqb_when *w, elqb_ddl *d,
             elqb_delete *x, const char *user_input);

void mistake(elqb *q, elqb_merge *m, elqb_when *w, elqb_ddl *d,
             elqb_delete *x, const char *user_input)
{
    users_t U = users_table();

    (void)q, (void)m, (void)w, (void)d, (void)x, (void)user_input, (void)U;
    elqb_column(d, U.id, .default_value = 1);
}

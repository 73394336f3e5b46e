/* An insert is no operand of UNION: only a warning, in an array. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/qb.h>

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

void mistake(elqb *q, elqb_select *s, elqb_insert *i, elqb_update *u,
             elqb_delete *d, const char *user_input);

void mistake(elqb *q, elqb_select *s, elqb_insert *i, elqb_update *u,
             elqb_delete *d, const char *user_input)
{
    users_t U = users_table();

    (void)q, (void)s, (void)i, (void)u, (void)d, (void)user_input, (void)U;
    elqb_render(q, elqb_union(q, s, i));
}

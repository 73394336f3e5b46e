/* SPDX-License-Identifier: PostgreSQL */
/* A program that uses the installed builder alone: it prints a statement. */
#include <elpq/qb.h>
#include <stdio.h>
#include <string.h>

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

int
main(void)
{
    elqb *q = elqb_new();
    users_t U = users_table();
    elqb_select *s = elqb_select_new(q);
    const elpq_statement *st;
    int ok;

    elqb_columns(s, U.id);
    elqb_from(s, U.table);
    elqb_where(s, elqb_eq(q, U.name, elqb_val("ann")));
    st = elqb_render(q, s);
    ok = st != NULL && st->nvalues == 1 && strstr(st->sql, "\"name\" = $1");
    puts(st ? st->sql : elqb_error(q));
    elqb_free(q);
    return ok ? 0 : 1;
}

// SPDX-License-Identifier: PostgreSQL
// The builder alone from C++, where its macros with lists are not there.
#include <elpq/qb.h>
#include <cstdio>
#include <cstring>

#define USERS(C) C(id, INT4) C(name, TEXT)
ELQB_TABLE(users, USERS)

int main()
{
    elqb *q = elqb_new();
    users_t U = users_table();
    elqb_select *s = elqb_select_new(q);
    const elqb_expr columns[] = { U.id, ELQB_END };

    elqb_select_columns_v(s, columns);
    elqb_select_from(s, U.table);
    elqb_select_where(s, elqb_eq(q, U.name, elqb_val("ann")));
    const elpq_statement *st = elqb_select_render(q, s);
    bool ok = st && st->nvalues == 1 && std::strstr(st->sql, "\"name\" = $1");
    std::puts(st ? st->sql : elqb_error(q));

    // Compiled, it outlives the workspace.
    elqb_compiled *c = elqb_compile(q, s);
    elqb_free(q);
    elqb_args args;
    elqb_args_init(&args, c);
    elqb_args_set_at(&args, 1, "bob");
    const elpq_statement *run = elqb_args_statement(&args);
    ok = ok && run && !std::strcmp(run->values[0].u.bytes.data, "bob");
    elqb_args_clear(&args);
    elqb_compiled_free(c);
    return ok ? 0 : 1;
}

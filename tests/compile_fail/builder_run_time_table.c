/* ELQB_TABLE_NAMED() takes the table's name as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/qb.h>

extern const char *run_time_name;

#define COLUMNS(C, N) C(id, INT4) N(name_, "name", TEXT)
ELQB_TABLE_NAMED(users, NULL, run_time_name, COLUMNS)

elqb_expr mistake(void);

elqb_expr mistake(void)
{
    return users_table().id;
}

/* A definition has no WHERE. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_where_of_ddl)
{
    elqb_where(ddl, elqb_eq(q, U.id, elqb_val(1)));
}

/* MERGE has conditions of its WHENs, no WHERE. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_where_of_merge)
{
    elqb_where(m, elqb_eq(q, U.id, elqb_val(1)));
}

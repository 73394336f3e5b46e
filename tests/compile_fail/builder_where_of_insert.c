/* INSERT has no WHERE. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_where_of_insert)
{
    elqb_where(i, U.id);
}

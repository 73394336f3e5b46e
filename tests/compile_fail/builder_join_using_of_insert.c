/* INSERT has no joins. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_join_using_of_insert)
{
    elqb_join_using(i, ELQB_INNER, U.table, U.id);
}

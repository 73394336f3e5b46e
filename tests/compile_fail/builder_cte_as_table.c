/* A CTE is no table: that is elqb_cte_table(). */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_cte_as_table)
{
    elqb_from(s, elqb_cte_new(q, user_input));
}

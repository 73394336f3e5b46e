/* A CTE is a statement, not SQL text. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_cte_as_of_string)
{
    elqb_cte_as(elqb_cte_new(q, "c"), user_input);
}

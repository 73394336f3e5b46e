/* An expression is no value of a run. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_args_set_of_expression)
{
    elqb_args_set(a, "id", U.id);
}

/* A string is no expression: elqb_val() makes it a parameter. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_string_operand)
{
    elqb_where(s, elqb_eq(q, U.name, user_input));
}

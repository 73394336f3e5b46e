/* A select is no expression: elqb_scalar() makes it one. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_select_as_operand)
{
    elqb_where(s, elqb_eq(q, U.id, s));
}

/* A number is no expression. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_number_operand)
{
    elqb_where(s, elqb_eq(q, U.id, 1));
}

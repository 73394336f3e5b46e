/* A string literal is no column, whatever it says. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_literal_operand)
{
    elqb_where(s, elqb_eq(q, "name", elqb_val(1)));
}

/* An insert is no operand of UNION: only a warning, in an array. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_union_of_insert)
{
    elqb_render(q, elqb_union(q, s, i));
}

/* A bound of a frame is no value, see elqb_preceding(). */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_over_bound_of_value)
{
    elqb_over(q, U.id, .frame = ELQB_ROWS, .start = elqb_val(3));
}

/* elqb_op() takes the operator as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_operator)
{
    elqb_where(s, elqb_op(q, U.id, user_input, U.id));
}

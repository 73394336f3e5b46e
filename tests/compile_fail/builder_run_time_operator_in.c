/* elqb_op_in() takes the operator as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_operator_in)
{
    elqb_where(s, elqb_op_in(q, "app", U.id, user_input, U.id));
}

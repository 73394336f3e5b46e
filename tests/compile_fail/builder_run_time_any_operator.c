/* The operator is a literal, never data. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_any_operator)
{
    elqb_where(s, elqb_op_any_select(q, U.id, user_input, s));
}

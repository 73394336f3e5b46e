/* elqb_op_in() takes the schema as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_operator_schema)
{
    elqb_where(s, elqb_op_in(q, user_input, U.id, "+", U.id));
}

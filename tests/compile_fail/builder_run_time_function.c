/* elqb_func() takes the function's name as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_function)
{
    elqb_columns(s, elqb_func(q, user_input, U.id));
}

/* elqb_cast() takes the type as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_cast)
{
    elqb_columns(s, elqb_cast(q, U.id, user_input));
}

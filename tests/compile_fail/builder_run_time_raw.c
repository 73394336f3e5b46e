/* SQL text known at run time only is refused by elqb_raw(). */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_raw)
{
    elqb_where(s, elqb_raw(q, user_input));
}

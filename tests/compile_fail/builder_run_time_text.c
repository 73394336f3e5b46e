/* SQL text known at run time only is refused by elqb_text(). */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_text)
{
    elqb_where(s, elqb_text(q, user_input));
}

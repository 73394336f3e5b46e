/* The same with binds. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_text_arg)
{
    elqb_where(s, elqb_text(q, user_input, ELQB_ARG("a", U.id)));
}

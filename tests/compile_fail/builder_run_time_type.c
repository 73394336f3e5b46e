/* ELQB_SQL_TYPE() takes a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_type)
{
    elqb_column(ddl, U.id, .type = ELQB_SQL_TYPE(user_input));
}

/* ELQB_COL() takes the type as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_column_type)
{
    elqb_from(s, elqb_define_columns(q, U.table, ELQB_COL("a", user_input)));
}

/* elqb_tablesample() takes the method as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_sample_method)
{
    elqb_from(s, elqb_tablesample(q, U.table, user_input, elqb_val(1)));
}

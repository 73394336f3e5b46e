/* Values belong to a run, not to what is compiled. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_args_set_of_compiled)
{
    elqb_args_set(c, "id", 1);
}

/* A struct is no value of a run. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_args_set_of_struct)
{
    elqb_args_set(a, "id", U);
}

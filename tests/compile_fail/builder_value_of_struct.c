/* A struct is no value. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_value_of_struct)
{
    elqb_columns(s, elqb_val(&U));
}

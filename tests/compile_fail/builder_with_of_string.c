/* WITH takes a CTE, not its name. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_with_of_string)
{
    elqb_with(s, user_input);
}

/* FROM takes a table, no name. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_from_string)
{
    elqb_from(s, "users");
}

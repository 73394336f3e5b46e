/* A table is no string. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_drop_table_of_string)
{
    elqb_drop_table(q, "users", 0);
}

/* A table is created from its declaration. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_create_table_of_string)
{
    elqb_create_table(q, "users", 0);
}

/* A table is created from its declaration. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_create_table_of_name)
{
    elqb_create_table(q, U.table, 0);
}

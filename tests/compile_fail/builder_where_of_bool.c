/* A condition in C is none in SQL. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_where_of_bool)
{
    elqb_where(s, user_input != NULL);
}

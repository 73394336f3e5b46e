/* A default is an expression, elqb_lit(1): only a warning, of a pointer. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_default_of_number)
{
    elqb_column(ddl, U.id, .default_value = 1);
}

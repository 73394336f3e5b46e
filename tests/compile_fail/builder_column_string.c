/* A column is no string. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_column_string)
{
    elqb_columns(s, "id");
}

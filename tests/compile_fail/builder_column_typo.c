/* A misspelt column is no member of the table's struct. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_column_typo)
{
    elqb_where(s, elqb_eq(q, U.nmae, elqb_val(1)));
}

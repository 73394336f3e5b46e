/* A table is no expression. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_table_as_operand)
{
    elqb_where(s, elqb_is_null(q, U.table));
}

/* A table is no statement to compile. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_compile_of_table)
{
    elqb_compile(q, U.table);
}

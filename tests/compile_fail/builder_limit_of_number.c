/* A limit is an expression. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_limit_of_number)
{
    elqb_limit(s, 10);
}

/* A char may be a number or a letter. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_char)
{
    elqb_where(s, elqb_eq(q, U.id, elqb_val((char)'x')));
}

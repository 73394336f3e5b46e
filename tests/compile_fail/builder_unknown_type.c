/* There is no type of this name. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_unknown_type)
{
    elqb_columns(s, elqb_bind("x", INTEGERS));
}

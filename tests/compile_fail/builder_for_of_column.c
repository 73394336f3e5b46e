/* FOR UPDATE OF takes tables. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_for_of_column)
{
    elqb_for(s, ELQB_FOR_UPDATE, ELQB_WAIT, U.id);
}

/* Only SELECT locks rows. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_for_of_update)
{
    elqb_for(u, ELQB_FOR_UPDATE, ELQB_WAIT);
}

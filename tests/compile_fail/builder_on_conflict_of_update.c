/* UPDATE has no ON CONFLICT. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_on_conflict_of_update)
{
    elqb_on_conflict_nothing(u);
}

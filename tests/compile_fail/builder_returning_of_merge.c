/* MERGE has no RETURNING in PostgreSQL 15. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_returning_of_merge)
{
    elqb_returning(m, U.id);
}

/* DELETE has no GROUP BY. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_group_by_of_delete)
{
    elqb_group_by(d, U.id);
}

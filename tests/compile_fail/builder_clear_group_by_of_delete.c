/* DELETE has no GROUP BY. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_clear_group_by_of_delete)
{
    elqb_clear_group_by(d);
}

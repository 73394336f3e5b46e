/* DELETE has USING, not FROM. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_from_of_delete)
{
    elqb_from(d, U.table);
}

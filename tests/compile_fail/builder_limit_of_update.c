/* UPDATE has no LIMIT. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_limit_of_update)
{
    elqb_limit(u, elqb_val(1));
}

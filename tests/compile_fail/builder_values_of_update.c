/* UPDATE has no VALUES. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_values_of_update)
{
    elqb_values(u, U.id);
}

/* What a merge sets is set in one of its WHENs. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_set_of_merge)
{
    elqb_set(m, U.id, elqb_val(1));
}

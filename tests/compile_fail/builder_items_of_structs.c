/* An array of structs is no array of values. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_items_of_structs)
{
    elqb_where(s, elqb_any_of(q, U.id, &U, 1));
}

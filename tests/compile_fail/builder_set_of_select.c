/* SELECT has no SET. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_set_of_select)
{
    elqb_set(s, U.id, elqb_val(1));
}

/* SELECT has no RETURNING. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_returning_of_select)
{
    elqb_returning(s, U.id);
}

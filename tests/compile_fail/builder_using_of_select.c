/* SELECT has no USING. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_using_of_select)
{
    elqb_using(s, U.table);
}

/* SELECT has no CURRENT OF. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_where_current_of_select)
{
    elqb_where_current_of(s, "c");
}

/* A name is no table. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_label_as_table)
{
    elqb_join(s, ELQB_LEFT, "orders", U.id);
}

/* UPDATE has no ORDER BY. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_order_by_of_update)
{
    elqb_order_by(u, U.id);
}

/* UPDATE has no WINDOW. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_window_of_update)
{
    elqb_window(u, "w", .order_by = ELQB_LIST(U.id));
}

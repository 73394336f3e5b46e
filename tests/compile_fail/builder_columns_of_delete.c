/* DELETE has no columns. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_columns_of_delete)
{
    elqb_columns(d, U.id);
}

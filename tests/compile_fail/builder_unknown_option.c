/* There is no such option of a column. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_unknown_option)
{
    elqb_column(ddl, U.id, .nullable = true);
}

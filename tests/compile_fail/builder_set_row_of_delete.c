/* DELETE sets nothing. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_set_row_of_delete)
{
    elqb_set_row(d, ELQB_LIST(U.id), elqb_row(q, elqb_val(1)));
}

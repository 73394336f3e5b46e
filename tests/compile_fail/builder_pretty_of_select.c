/* Only debug text has a pretty form. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_pretty_of_select)
{
    elqb_pretty(q, s);
}

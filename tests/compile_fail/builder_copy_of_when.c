/* A WHEN is a part of a statement. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_copy_of_when)
{
    elqb_copy(w);
}

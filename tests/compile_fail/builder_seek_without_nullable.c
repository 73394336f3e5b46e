/* A key says whether it may be NULL. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_seek_without_nullable)
{
    elqb_where(s, elqb_seek(q, U.id, elqb_val(1)));
}

/* A table is no statement. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_render_table)
{
    elqb_render(q, &U);
}

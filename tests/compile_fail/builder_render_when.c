/* A WHEN is a part of a statement. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_render_when)
{
    elqb_render(q, w);
}

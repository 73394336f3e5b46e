/* What is compiled is not rendered again. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_render_of_compiled)
{
    elqb_render(q, c);
}

/* Tags have keys: a string is none. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_tagged_string)
{
    elqb_tagged(q, elqb_render(q, s), user_input);
}

/* Tags go behind a rendered statement. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_tagged_select)
{
    elqb_tagged(q, s, ELQB_TAG("a", user_input));
}

/* A schema is translated by a pair. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_schema_of_string)
{
    elqb_schema_translate(q, user_input);
}

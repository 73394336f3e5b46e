/* A select must be rendered to be run. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_execute_of_select)
{
    elpq_execute(pool, s, NULL, NULL, NULL);
}

/* A compiled statement runs with values alone. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_execute_of_compiled)
{
    elpq_execute(pool, c, NULL, NULL, NULL);
}

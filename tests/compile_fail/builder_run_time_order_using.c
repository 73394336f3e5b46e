/* elqb_order_using() takes the operator as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

MISTAKE(builder_run_time_order_using)
{
    elqb_order_by(s, elqb_order_using(q, U.id, user_input));
}

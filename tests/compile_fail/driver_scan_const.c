/* elpq_scan() writes: it takes no pointer to a constant. */
/* SPDX-License-Identifier: PostgreSQL */
#include <elpq/elpq.h>

int scan_const(elpq_result *result, const int64_t *id);

int
scan_const(elpq_result *result, const int64_t *id)
{
    return elpq_scan(result, 0, id);
}

/* ELQB_TABLE_NAMED() takes the table's name as a literal. */
/* SPDX-License-Identifier: PostgreSQL */
#include "mistake.h"

extern const char *run_time_name;

#define COLUMNS(C, N) C(id, INT4) N(name_, "name", TEXT)
ELQB_TABLE_NAMED(named, NULL, run_time_name, COLUMNS)

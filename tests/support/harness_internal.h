/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the parts of the harness ask of each other.
 */
#ifndef ELPQ_TESTS_HARNESS_INTERNAL_H
#define ELPQ_TESTS_HARNESS_INTERNAL_H

#include <stdbool.h>

/* harness_server.c: called by the fixture. */
void harness_reset_traces(void);
void harness_close_admin(void);
void harness_resume_stopped(void);
void harness_close_dead(void);

/* harness_left.c: at the end of the program. */
bool harness_left_nothing(void);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the parts of the harness ask of each other.
 */
#ifndef ELPQ_TESTS_HARNESS_INTERNAL_H
#define ELPQ_TESTS_HARNESS_INTERNAL_H

/* harness_server.c: called by the fixture. */
void harness_reset_traces(void);
void harness_close_admin(void);
void harness_resume_stopped(void);
void harness_close_dead(void);

#endif

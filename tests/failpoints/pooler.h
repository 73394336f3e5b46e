/* SPDX-License-Identifier: PostgreSQL */
/*
 * A pooler of sessions in front of the server: what a scenario connects to, so
 * that an injection does not cost the server a process of its own.
 */
#ifndef ELPQ_TESTS_POOLER_H
#define ELPQ_TESTS_POOLER_H

#include <stdbool.h>

/* Begins it, as a process that ends with this one, in front of the server of
 * with-postgres. */
void pooler_start(void);

/* Ends it, and tells how many sessions it served with how many backends. */
void pooler_stop(void);

/* Where it listens: as conninfo, and one by one. */
const char *pooler_conninfo(void);
const char *pooler_host(void);
int pooler_port(void);

/*
 * Waits until no client has a session, and the backends that were not given
 * back in good order are gone, with whatever they were at; false if that
 * takes too long.
 */
bool pooler_await_quiet(void);

#endif

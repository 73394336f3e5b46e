/* SPDX-License-Identifier: PostgreSQL */
/*
 * Building elpq_error objects.  Errors that are built here borrow their
 * strings, from a PGresult or from static text; elpq_error_dup() owns them.
 */
#ifndef ELPQ_LIB_ERROR_H
#define ELPQ_LIB_ERROR_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "elpq/error.h"

/* An error of elpq's own; message is borrowed, and NULL is elpq_strerror. */
void elpq__error_set(elpq_error *error, elpq_code code, unsigned flags,
                     const char *message);

/* What the server (or libpq in its place) says in a result. */
void elpq__error_from_result(elpq_error *error, const PGresult *res);

/* An owned error, for out parameters; does nothing if out is NULL. */
void elpq__error_give(elpq_error **out, elpq_code code, const char *message);

/* Whether a SQLSTATE says that the same may work at another time. */
bool elpq__sqlstate_retryable(const char *sqlstate);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Parameters that the server reports, and the hook that is told of changes.
 *
 * libpq takes the reports in and tells nobody.  So, where somebody wants to
 * know, the values are compared with copies of them after each turn.  libpq
 * does not list what was reported either: these are the parameters that a
 * server reports, up to version 18.
 */
#include <stdlib.h>
#include <string.h>

#include "conn_int.h"

static const char *const names[] = {
    "server_version",
    "server_encoding",
    "client_encoding",
    "application_name",
    "default_transaction_read_only",
    "in_hot_standby",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "scram_iterations",
    "search_path",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

bool elpq__parameters_init(elpq_conn *conn)
{
    if (!conn->options.parameter)
        return true;
    conn->parameters = calloc(NAMES, sizeof(*conn->parameters));
    if (!conn->parameters)
        return false;
    for (size_t i = 0; i < NAMES; i++) {
        const char *value = PQparameterStatus(conn->pg, names[i]);

        if (value && !(conn->parameters[i] = strdup(value)))
            return false;
    }
    return true;
}

void elpq__parameters_free(elpq_conn *conn)
{
    for (size_t i = 0; conn->parameters && i < NAMES; i++)
        free(conn->parameters[i]);
    free(conn->parameters);
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void elpq__parameters_look(elpq_conn *conn)
{
    for (size_t i = 0; i < NAMES && conn->state != ELPQ__CLOSED; i++) {
        const char *value = PQparameterStatus(conn->pg, names[i]);
        char *copy;

        if (!value || is_same(value, conn->parameters[i]))
            continue;
        copy = strdup(value);
        if (!copy)
            continue; /* the next turn finds it again */
        free(conn->parameters[i]);
        conn->parameters[i] = copy;
        conn->options.parameter(conn, names[i], copy,
                                conn->options.parameter_arg);
    }
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * A secret that the tests look for everywhere, and the ways to give it as a
 * password.
 */
#ifndef ELPQ_TESTS_SECRETS_H
#define ELPQ_TESTS_SECRETS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"

/* What no text may hold, not even half of. */
#define CANARY "Canary7/q@Yranac8"
#define CANARY_URI "Canary7%2Fq%40Yranac8"

/* The password of the role that has one is no text for anybody, either. */
static inline bool tells_canary(const char *text)
{
    const char *scram = harness_env("ELPQ_TEST_SCRAM_PASSWORD");

    return text && (strstr(text, "Canary7") || strstr(text, "Yranac8") ||
                    (scram && strstr(text, scram)));
}

/* ------------------------------------------------------- all that is told */

static unsigned heard; /* strings                                           */

static inline void hear(const char *text)
{
    heard += text != NULL;
    ck_assert_msg(!tells_canary(text), "'%s'", text);
}

static inline void hear_error(const elpq_error *e)
{
    const char *const all[] = {
        e->sqlstate,    e->severity,    e->message,        e->detail,
        e->hint,        e->context,     e->schema,         e->table,
        e->column,      e->datatype,    e->constraint,     e->internal_query,
        e->source_file, e->source_line, e->source_function
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        hear(all[i]);
}

static inline void hear_event_text(const elpq_event *e)
{
    hear(e->sql);
    hear(e->tag);
    hear(e->sqlstate);
    hear(e->message);
}

static inline void hear_event(const elpq_event *e, void *arg)
{
    (void)arg;
    hear_event_text(e);
    if (e->conn) {
        char text[600];

        ck_assert_int_gt(elpq_conn_describe(e->conn, text, sizeof(text)), 0);
        hear(text);
    }
}

/* --------------------------------------------------------- ways to give it */

/* How a password comes to a connection. */
enum way { KEYWORD, URI, PARAMS, ENVIRONMENT, PASSFILE, SERVICE, WAYS };

static const char *const canary_params[] = { "password", CANARY, NULL };

struct access {
    enum way way;
    const char *file; /* to be unlinked                                  */
    char conninfo[600];
    elpq_conn_options options;
};

/* A conninfo for a server, user and database, with more keywords. */
static inline void access_begin(struct access *a, enum way way,
                                const char *port, const char *user,
                                const char *more)
{
    static const char *const variables[] = {
        [PASSFILE] = "PGPASSFILE", [SERVICE] = "PGSERVICEFILE"
    };
    const char *given = way == KEYWORD   ? "password=" CANARY
                        : way == SERVICE ? "service=canary"
                                         : "";

    a->way = way;
    a->file = NULL;
    a->options.params = way == PARAMS ? canary_params : NULL;
    if (way == URI)
        snprintf(a->conninfo, sizeof(a->conninfo),
                 "postgresql://%s:%s@127.0.0.1:%s/nowhere?%s", user, CANARY_URI,
                 port, more);
    else
        snprintf(a->conninfo, sizeof(a->conninfo),
                 "host=127.0.0.1 port=%s user=%s dbname=nowhere %s %s", port,
                 user, more, given);
    if (way == ENVIRONMENT)
        setenv("PGPASSWORD", CANARY, 1);
    if (way == PASSFILE)
        a->file = temporary_file("*:*:*:*:" CANARY "\n");
    if (way == SERVICE)
        a->file = temporary_file("[canary]\npassword=" CANARY "\n");
    if (a->file)
        setenv(variables[way], a->file, 1);
}

static inline void access_end(struct access *a)
{
    unsetenv("PGPASSWORD");
    unsetenv("PGPASSFILE");
    unsetenv("PGSERVICEFILE");
    if (a->file)
        unlink(a->file);
}

#endif

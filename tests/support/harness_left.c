/* SPDX-License-Identifier: PostgreSQL */
/*
 * What a program has left on the server, in its database.
 *
 * Programs share the server one after another, and what one forgets can hold
 * up a later one for ever: nobody can make a replication slot while a prepared
 * transaction waits for its end.  So it counts against the one that left it,
 * and is removed.  Runs in the parent of all tests, after the last one.
 */
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "harness_internal.h"

/* Each with what removes it, and the process, or 0. */
static const char *const leftovers[] = {
    "select concat_ws(', ', 'session', application_name, state, query),"
    " format('select pg_terminate_backend(%s)', pid), pid"
    " from pg_stat_activity where datname = current_database()"
    " and pid <> pg_backend_pid()"
    " and backend_type in ('client backend', 'walsender')",
    "select 'prepared transaction ' || gid,"
    " format('rollback prepared %L', gid), 0"
    " from pg_prepared_xacts where database = current_database()",
    "select 'replication slot ' || slot_name,"
    " format('select pg_drop_replication_slot(%L)', slot_name), 0"
    " from pg_replication_slots where database = current_database()",
    "select 'settings of ' || rolname, format('alter role %I reset all',"
    " rolname), 0 from pg_db_role_setting join pg_roles r on r.oid = setrole"
    " where rolname = current_user",
};

/* How many there are; told and removed, if so wanted. */
static int found(PGconn *pg, const char *list, bool remove)
{
    PGresult *r = PQexec(pg, list);
    int n = PQntuples(r);

    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        printf("left behind: nobody can tell: %s", PQerrorMessage(pg));
        n = 1;
    }
    for (int i = 0; i < PQntuples(r) && remove; i++) {
        int pid = atoi(PQgetvalue(r, i, 2));

        printf("left behind: %s\n", PQgetvalue(r, i, 0));
        if (pid > 0)
            kill(pid, SIGCONT); /* it may be stopped */
        PQclear(PQexec(pg, PQgetvalue(r, i, 1)));
    }
    PQclear(r);
    return n;
}

/* A server needs a moment to notice that its client has gone. */
static bool goes_away(PGconn *pg, const char *list)
{
    int64_t end = now_usec() + (int64_t)(WAIT_SECONDS * 1e6 * harness_slow());

    while (found(pg, list, false) > 0) {
        if (now_usec() > end)
            return found(pg, list, true) == 0;
        usleep(2000);
    }
    return true;
}

bool harness_left_nothing(void)
{
    const char *names[] = { "user", "application_name", "connect_timeout",
                            NULL };
    const char *values[] = { harness_env("ELPQ_TEST_SUPERUSER"), "left", "60",
                             NULL };
    int postmaster;
    bool nothing = true;
    PGconn *pg;

    if (!harness_own_server())
        return true;
    postmaster = postmaster_pid();
    if (postmaster > 1)
        kill(postmaster, SIGCONT);
    pg = PQconnectdbParams(names, values, 0);
    for (size_t i = 0; i < sizeof(leftovers) / sizeof(*leftovers); i++)
        nothing &= goes_away(pg, leftovers[i]);
    PQfinish(pg);
    return nothing;
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Two-phase commit: the second phase, which needs no transaction and may run
 * in any session, and the names of prepared transactions.  The first phase,
 * elpq_prepare_transaction(), ends a transaction, and is in tx.c.
 *
 * The commands take no parameters, so the name stands in the text, quoted
 * here and nowhere else.  They are never prepared as statements: each name
 * would be one.
 */
#include <string.h>

#include "done.h"
#include "pool_int.h"
#include "router_int.h"
#include "tx_int.h"

bool elpq__gid_sql(char sql[ELPQ__GID_SQL], const char *command,
                   const char *gid)
{
    size_t len = gid ? strlen(gid) : 0;
    char *p = sql;

    if (len == 0 || len > ELPQ__GID_MAX)
        return false;
    p = stpcpy(p, command);
    /* E'' means the same whatever standard_conforming_strings says. */
    p = stpcpy(p, " E'");
    for (; *gid; gid++) {
        if (*gid == '\'' || *gid == '\\')
            *p++ = *gid;
        *p++ = *gid;
    }
    strcpy(p, "'");
    return true;
}

static const char list_sql[] =
    "SELECT gid, prepared, owner::text, transaction::text"
    " FROM pg_catalog.pg_prepared_xacts"
    " WHERE database = pg_catalog.current_database() ORDER BY prepared";

/* Runs the second phase on a pool or router or, if NULL, on a connection. */
static int second_phase(struct elpq__lender *lender, elpq_conn *conn,
                        const char *command, const char *gid,
                        const elpq_options *options, elpq_done_cb callback,
                        void *arg)
{
    char sql[ELPQ__GID_SQL];
    elpq_statement st;
    struct elpq__done *done;
    int code;

    if ((!lender && !conn) || !callback || !elpq__gid_sql(sql, command, gid))
        return ELPQ_E_USAGE;
    st = elpq_sql_from_trusted_string(sql, NULL, 0);
    st.flags = ELPQ_NO_PREPARE | ELPQ__PRIMARY;
    done = elpq__done_new(callback, arg);
    if (!done)
        return ELPQ_E_NOMEM;
    code = lender ? elpq__lender_execute(lender, &st, options,
                                         elpq__done_result, done)
                  : elpq_conn_execute(conn, &st, options, elpq__done_result,
                                      done);
    if (code)
        free(done);
    return code;
}

#define TWO_PHASE(kind, lender_of, conn_of)                                   \
    int elpq_##kind##_commit_prepared(elpq_##kind *target, const char *gid,   \
                                      const elpq_options *options,            \
                                      elpq_done_cb callback, void *arg)       \
    {                                                                         \
        return second_phase(lender_of(target), conn_of(target),               \
                            "COMMIT PREPARED", gid, options, callback, arg);  \
    }                                                                         \
                                                                              \
    int elpq_##kind##_rollback_prepared(elpq_##kind *target, const char *gid, \
                                        const elpq_options *options,          \
                                        elpq_done_cb callback, void *arg)     \
    {                                                                         \
        return second_phase(lender_of(target), conn_of(target),               \
                            "ROLLBACK PREPARED", gid, options, callback,      \
                            arg);                                             \
    }                                                                         \
                                                                              \
    int elpq_##kind##_list_prepared(elpq_##kind *target,                      \
                                    const elpq_options *options,              \
                                    elpq_result_cb callback, void *arg)       \
    {                                                                         \
        elpq_statement st = elpq_sql_from_trusted_string(list_sql, NULL, 0);  \
                                                                              \
        st.flags = ELPQ__PRIMARY;                                             \
        return elpq_##kind##_execute(target, &st, options, callback, arg);    \
    }
#define NONE(target) NULL
#define ITSELF(target) (target)
TWO_PHASE(pool, ELPQ__LENDER, NONE)
TWO_PHASE(router, ELPQ__LENDER, NONE)
TWO_PHASE(conn, NONE, ITSELF)

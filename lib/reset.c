/* SPDX-License-Identifier: PostgreSQL */
/*
 * What brings a session into its first state: after connecting, and again
 * when a pool takes a connection back.
 *
 * The reset is complete but for prepared statements, which are the cache's.
 * It goes as one group of commands under one Sync, in front of whatever the
 * next user sends.  A transaction that was left open is rolled back before.
 */
#include <string.h>
#include <strings.h>

#include "conn_int.h"

/* DISCARD ALL, less prepared statements, and with the role first. */
static const char *const reset_commands[] = {
    "RESET ROLE",
    "SET SESSION AUTHORIZATION DEFAULT",
    "RESET ALL",
    "CLOSE ALL",
    "UNLISTEN *",
    "SELECT pg_catalog.pg_advisory_unlock_all()",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
    NULL,
};

/* The text decoders read dates and intervals in these styles only. */
#define SET_DATES "SET DateStyle TO 'ISO'"
#define SET_INTERVALS "SET IntervalStyle TO 'postgres'"
static const char *const style_commands[] = { SET_DATES, SET_INTERVALS, NULL };

static const char *const rollback_commands[] = { "ROLLBACK", NULL };

static bool queue_own(elpq_conn *conn, enum elpq__kind kind,
                      const char *const *group, const char *sql, int timeout_ms,
                      elpq_done_cb done)
{
    elpq_statement st = elpq_sql_from_trusted_string(sql, NULL, 0);
    elpq_request *req = elpq__request_new(conn->loop, kind, &st, NULL);

    if (!req)
        return false;
    elpq__request_own(conn, req, timeout_ms);
    req->group = group;
    req->cb.done = done;
    req->arg = conn;
    req->held = conn;
    elpq__conn_ref(conn);
    elpq__conn_enqueue(conn, req);
    return true;
}

bool elpq__group_queue(elpq_conn *conn, const char *const *group,
                       const char *sql, int timeout_ms, elpq_done_cb done)
{
    return queue_own(conn, ELPQ__GROUP, group, sql, timeout_ms, done);
}

static bool queue_group(elpq_conn *conn, const char *const *group,
                        const char *sql, elpq_done_cb done)
{
    return elpq__group_queue(conn, group, sql, 0, done);
}

static bool styles_are_right(elpq_conn *conn)
{
    const char *date = PQparameterStatus(conn->pg, "DateStyle");
    const char *interval = PQparameterStatus(conn->pg, "IntervalStyle");

    return date && strncmp(date, "ISO", 3) == 0 && interval &&
           strcmp(interval, "postgres") == 0;
}

static bool queue_setup(elpq_conn *conn, int timeout_ms, elpq_done_cb done,
                        unsigned *count)
{
    for (char **s = conn->setup; s && *s; s++, ++*count)
        if (!elpq__group_queue(conn, NULL, *s, timeout_ms, done))
            return false;
    return true;
}

bool elpq__setup_queue(elpq_conn *conn, elpq_done_cb done)
{
    /* A session for replication takes scripts only. */
    if (!styles_are_right(conn)) {
        if (!queue_own(conn, ELPQ__SCRIPT, NULL, SET_DATES "; " SET_INTERVALS,
                       ELPQ_NO_TIMEOUT, done))
            return false;
        conn->setup_left++;
    }
    /* connect_timeout_ms covers it. */
    return queue_setup(conn, ELPQ_NO_TIMEOUT, done, &conn->setup_left);
}

/* One group of the reset is through, or the session cannot be reset. */
static void on_reset(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (conn->state == ELPQ__CLOSED)
        return;
    conn->resetting--;
    if (error)
        elpq__conn_lost(conn, ELPQ_E_LOST,
                        "the session could not be reset: the connection "
                        "was closed");
}

bool elpq__reset_queue(elpq_conn *conn, bool full)
{
    unsigned count = 0;
    bool ok = true;

    if (PQtransactionStatus(conn->pg) != PQTRANS_IDLE) {
        ok = queue_group(conn, rollback_commands, "ROLLBACK", on_reset);
        count++;
    }
    if (ok && full) {
        conn->server_ms = 0; /* by RESET ALL; if that fails, it is closed */
        conn->server_ms_in_tx = false;
        ok = queue_group(conn, reset_commands, "reset", on_reset) &&
             queue_group(conn, style_commands, "set styles", on_reset);
        count += 2;
        ok = ok && queue_setup(conn, 0, on_reset, &count);
    }
    conn->resetting += count;
    return ok;
}

/* ---------------------------------------------- which statements need one */

static bool begins_with_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncasecmp(text, word, n) == 0 &&
           strchr(" \t\r\n(;", text[n]) != NULL; /* or its end */
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (begins_with_word(text, *words))
            return true;
    return false;
}

/* Behind a comment, which may hold others; NUL-ended if it has no end. */
static const char *behind_comment(const char *s)
{
    int depth = 1;

    for (s += 2; *s && depth > 0;) {
        bool opens = s[0] == '/' && s[1] == '*';
        bool closes = s[0] == '*' && s[1] == '/';

        depth += opens - closes;
        s += opens || closes ? 2 : 1;
    }
    return s;
}

const char *elpq__sql_first_word(const char *sql)
{
    for (;;) {
        sql += strspn(sql, " \t\r\n\f\v(;");
        if (sql[0] == '-' && sql[1] == '-')
            sql += strcspn(sql, "\r\n");
        else if (sql[0] == '/' && sql[1] == '*')
            sql = behind_comment(sql);
        else
            return sql;
    }
}

bool elpq__sql_is_query(const char *sql)
{
    static const char *const queries[] = { "select", "insert", "update",
                                           "delete", "merge",  "with",
                                           "values", "table",  NULL };

    return is_one_of(sql + strspn(sql, " \t\r\n("), queries);
}

/* What is no query, one behind a leading comment included, may do it. */
bool elpq__sql_touches_session(const char *sql)
{
    /* Names in a query that do: functions, and INTO TEMP. */
    static const char *const names[] = { "set_config", "advisory", "temp",
                                         "dblink",     "setseed",  "nextval",
                                         "setval",     "execute",  NULL };

    if (!elpq__sql_is_query(sql))
        return true;
    for (const char *const *name = names; *name; name++)
        if (strcasestr(sql, *name))
            return true;
    return false;
}

bool elpq__reset_needed_after(const elpq_request *req)
{
    /* No queries, and harmless all the same. */
    static const char *const tags[] = { "BEGIN",     "START",    "COMMIT",
                                        "SAVEPOINT", "ROLLBACK", "RELEASE",
                                        NULL };

    if (req->flags & ELPQ_SESSION || req->kind == ELPQ__SCRIPT)
        return true;
    if (!req->touches)
        return false;
    return !req->result || !is_one_of(PQcmdStatus(req->result), tags);
}

static bool contains(const char *sql, const char *word)
{
    return strcasestr(sql, word) != NULL;
}

static bool sets_session(const char *text)
{
    static const char *const local[] = { "local", "transaction", "constraints",
                                         NULL };

    if (!begins_with_word(text, "set"))
        return false;
    text += strlen("set");
    return !is_one_of(text + strspn(text, " \t\r\n"), local);
}

bool elpq__needs_session(const elpq_request *req, bool in_tx)
{
    static const char *const words[] = { "reset",  "discard",    "listen",
                                         "unlisten", "prepare",  "execute",
                                         "deallocate", "load",   NULL };
    const char *text = elpq__sql_first_word(req->sql);

    if (req->flags & ELPQ_SESSION || is_one_of(text, words) ||
        sets_session(text))
        return !begins_with_word(text, "prepare") ||
               strncasecmp(text + 7 + strspn(text + 7, " \t\r\n"),
                           "transaction", 11) != 0;
    if (begins_with_word(text, "declare"))
        return contains(text, "with hold");
    if (begins_with_word(text, "create"))
        return (contains(text, "create temp") ||
                contains(text, "create local temp")) &&
               !contains(text, "on commit drop");
    return contains(text, "pg_advisory_lock") ||
           contains(text, "pg_try_advisory_lock") ||
           contains(text, "pg_advisory_unlock") ||
           (contains(text, "set_config") && !in_tx);
}

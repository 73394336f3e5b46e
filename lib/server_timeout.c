/* SPDX-License-Identifier: PostgreSQL */
/*
 * statement_timeout of the server, for single requests.
 *
 * conn->server_ms is what the session has from us: 0 nothing, so that the
 * session's own value holds; SERVER_MS_UNKNOWN if that cannot be known.
 * send.c compares it with what the next request wants, and sends a SET in
 * front where they differ.  So nothing is left behind for the next user: who
 * wants no timeout gets a RESET first.
 *
 * A SET of a session goes with its transaction, if that is rolled back.  Not
 * to follow transactions here, a value that was set in one is unknown after
 * the next command that is no query.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "conn_int.h"

#define SERVER_MS_UNKNOWN (-1)

/* The next larger of eight steps per octave: few values, often equal. */
static int round_up(int ms)
{
    int step = 1;

    while (ms / step > 16)
        step *= 2;
    return ms > INT_MAX - step ? INT_MAX : (ms + step - 1) / step * step;
}

int elpq__server_timeout(const elpq_options *options, int default_ms,
                         int timeout_ms)
{
    int ms = options ? options->server_timeout_ms : 0;

    if (ms == 0)
        ms = default_ms;
    if (ms == ELPQ_FROM_DEADLINE)
        ms = timeout_ms > 0 ? round_up(timeout_ms) : 0;
    return ms > 0 ? ms : 0;
}

bool elpq__server_timeout_fits(elpq_pooler pooler, int ms)
{
    return !pooler || ms == 0 || ms == ELPQ_NO_TIMEOUT;
}

/* It may have been in a failed transaction, in which SET is refused. */
static void on_set(const elpq_error *error, void *arg)
{
    elpq_conn *conn = arg;

    if (error)
        conn->server_ms = SERVER_MS_UNKNOWN;
}

elpq_request *elpq__server_timeout_set(elpq_conn *conn, int server_ms)
{
    char sql[64] = "RESET statement_timeout";
    elpq_statement st;
    elpq_request *set;

    if (server_ms > 0)
        snprintf(sql, sizeof(sql), "SET statement_timeout TO %d", server_ms);
    st = elpq_sql_from_trusted_string(sql, NULL, 0);
    set = elpq__request_new(conn->loop, ELPQ__GROUP, &st, NULL);
    if (!set)
        return NULL;
    elpq__request_own(conn, set, 0);
    set->cb.done = on_set;
    set->arg = set->held = set->conn = conn;
    elpq__conn_ref(conn);
    conn->server_ms = server_ms;
    conn->server_ms_in_tx =
        conn->in_tx || !conn->settled || conn->tx_status != PQTRANS_IDLE;
    return set;
}

void elpq__server_timeout_sent(elpq_conn *conn, const elpq_request *req)
{
    static const char *const words[] = { "timeout", "reset", "discard" };
    bool undoes = req->internal && req->kind == ELPQ__GROUP &&
                  strcmp(req->sql, "ROLLBACK") == 0;
    bool lost = conn->server_ms_in_tx ||
                (!req->internal && req->kind != ELPQ__STATEMENT);

    if ((req->internal && !undoes) ||
        (req->kind == ELPQ__STATEMENT && req->query && !req->touches))
        return;
    for (size_t i = 0; !lost && i < sizeof(words) / sizeof(words[0]); i++)
        lost = strcasestr(req->sql, words[i]) != NULL;
    if (lost) {
        conn->server_ms = SERVER_MS_UNKNOWN;
        conn->server_ms_in_tx = false;
    }
}

bool elpq__server_timeout_passed(const elpq_request *req)
{
    /* Somebody else may have canceled it: not for so long, then. */
    return req->server_ms > 0 &&
           elpq__now() - req->sent >= req->server_ms * INT64_C(990);
}

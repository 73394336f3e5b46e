/* SPDX-License-Identifier: PostgreSQL */
/*
 * Which statements share a Sync.
 *
 * A Sync ends a transaction of the server and makes it flush its answers; up
 * to libpq 16 it costs us a send() as well.  Two kinds of statements need none
 * of their own:
 *
 * In a transaction, the queries that are sent in one go.  When one fails, the
 * server refuses the others; here it skips them, and they get the error that
 * it would have answered with.  Commands other than queries have a Sync of
 * their own, because ROLLBACK must not be skipped.  A Flush behind each has the
 * server answer at once, so that each ends with its own answer, as always.
 *
 * Outside of one, statements flagged READONLY: a group of reads.  They run in
 * one transaction of the server, which a command in front (the "lead") makes
 * read-only.  So whoever fails takes nothing with him that was written; those
 * before him keep their results, those behind him were skipped, and are sent
 * again, each with its own Sync then.  A statement that does write is refused
 * (25006), and is sent again in the same way: the flag never changes what a
 * statement does, it can only be of no use.
 *
 * The server keeps the answers of a group until its Sync, so nobody knows which
 * of it runs.  A cancel request for one of them hits any: who was not meant is
 * sent again, as above.
 *
 * What was sent behind a group would run before the reads that are sent again.
 * For other reads, and for the statements of a pool, which have no order, that
 * is no matter; everything else waits until the group is answered.  Who mixes
 * so on one connection is better off without groups, for a while.
 *
 * send.c and answer.c ask here.
 */
#include <string.h>

#include "conn_int.h"

/* Statements of a group, with its lead, and bytes: what libpq sends at once. */
#define GROUP_MAX 65
#define GROUP_BYTES 8192
/* Bind, Describe and Execute of a prepared statement, less its parameters. */
#define MESSAGE_BYTES 80
/* So many reads go alone after others had to wait for a group. */
#define READS_APART 64

/* About so much is written for it. */
static size_t wire_bytes(const elpq_request *req)
{
    bool text = req->parse || !req->prepared;

    return MESSAGE_BYTES + req->bytes + req->n * 8 + (text ? req->sql_len : 0);
}

bool elpq__sync_wants_apart(const char *sql)
{
    /* A read-only transaction lets them pass (large objects before 16), and a
     * failure would undo them. */
    return strcasestr(sql, "notify") != NULL || strcasestr(sql, "lo_") != NULL;
}

enum elpq__sharing elpq__sync_sharing(const elpq_conn *conn,
                                      const elpq_request *req)
{
    if (req->lead)
        return ELPQ__SHARES_READS;
    if (req->kind != ELPQ__STATEMENT || !req->query || !conn->settled)
        return ELPQ__SHARES_NONE;
    if (conn->tx_status == PQTRANS_INTRANS)
        return ELPQ__SHARES_TX;
    if (!(req->flags & ELPQ_READONLY) || (req->flags & ELPQ_SESSION) ||
        req->apart || req->touches || conn->in_tx || conn->apart > 0 ||
        conn->tx_status != PQTRANS_IDLE)
        return ELPQ__SHARES_NONE;
    return ELPQ__SHARES_READS;
}

bool elpq__sync_joins(const elpq_conn *conn, const elpq_request *req,
                      enum elpq__sharing sharing)
{
    return conn->open > 0 && conn->open < GROUP_MAX &&
           conn->sharing == sharing && !req->lead &&
           conn->open_bytes + wire_bytes(req) <= GROUP_BYTES;
}

bool elpq__sync_begins(const elpq_conn *conn, const elpq_request *req)
{
    struct elpq__node *node = elpq__list_first(&conn->queue);
    const elpq_request *next;

    if (!node || elpq__sync_sharing(conn, req) != ELPQ__SHARES_READS ||
        elpq__sync_joins(conn, req, ELPQ__SHARES_READS))
        return false;
    next = elpq__container(node, elpq_request, node);
    return next->kind == ELPQ__STATEMENT && (next->flags & ELPQ_READONLY) &&
           !next->apart;
}

void elpq__sync_sent(elpq_conn *conn, elpq_request *req,
                     enum elpq__sharing sharing)
{
    req->sharing = (uint8_t)sharing;
    if (sharing != ELPQ__SHARES_NONE) {
        conn->sharing = sharing;
        conn->open_bytes = conn->open ? conn->open_bytes : 0;
        conn->open_bytes += wire_bytes(req);
        conn->open++;
    }
    if (req->lead)
        conn->leads++;
    else if (req->kind != ELPQ__CLOSE && req->kind != ELPQ__PREPARE &&
             (req->kind != ELPQ__STATEMENT || !req->query))
        conn->settled = false;
    if (conn->apart == 0 || req->internal)
        return;
    conn->apart = req->flags & ELPQ_READONLY ? conn->apart - 1 : READS_APART;
}

bool elpq__sync_may_run(const elpq_request *req)
{
    const struct elpq__node *node = req->conn->sent.head.next;

    /* The head, or what shares the Sync of a head that reads. */
    while (node != &req->node) {
        const elpq_request *other = elpq__container(node, elpq_request, node);

        if (node == &req->conn->sent.head || !other->shares ||
            other->sharing != ELPQ__SHARES_READS)
            return false;
        node = node->next;
    }
    return true;
}

bool elpq__sync_must_wait(elpq_conn *conn, const elpq_request *req)
{
    if (conn->leads == 0 || req->line || req->internal ||
        (req->flags & ELPQ_READONLY))
        return false;
    conn->apart = READS_APART;
    return true;
}

bool elpq__sync_commute(const elpq_request *one, const elpq_request *other)
{
    return (one->flags & other->flags & ELPQ_READONLY) ||
           (one->line && other->line);
}

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements that share busy connections: pipeline_depth above 1.
 *
 * Who serves the line has given away every idle connection before he asks
 * here.  Nobody in line is overtaken: if the first one cannot share, nobody
 * does, so the connections run empty and he gets the first of them.
 *
 * conn->slot_shares says that all on a BUSY connection may have company, and
 * conn->slot_progress when it last answered: what has not moved for
 * pipeline_stall_ms runs something slow, and gets no more.
 *
 * pool_conns.c alone calls this.
 */
#include "pool_int.h"

/*
 * The statement may be sent with others: it cannot change the session, so
 * that nobody behind it would find another one.  Its connection may know that
 * already, else its text tells.
 */
static bool shareable(elpq_conn *conn, const elpq_request *req)
{
    const struct elpq__prepared *p;

    if (req->kind != ELPQ__STATEMENT ||
        (req->flags & (ELPQ_EXCLUSIVE | ELPQ_SESSION)))
        return false;
    p = elpq__cache_find(&conn->prepared, req->sql, req->sql_len, req->types,
                         req->n);
    return p ? !p->touches : !elpq__sql_touches_session(req->sql);
}

void elpq__pool_begin_sharing(elpq_conn *conn, const elpq_request *req)
{
    conn->slot_shares = shareable(conn, req);
    conn->slot_progress = elpq__now();
}

/* The connection with the fewest in flight that may take one more. */
static elpq_conn *pick(elpq_pool *pool, int64_t now)
{
    int64_t moved = now - pool->options.pipeline_stall_ms * INT64_C(1000);
    struct elpq__list *busy = &pool->conns[BUSY];
    unsigned least = pool->options.pipeline_depth;
    elpq_conn *best = NULL;

    for (struct elpq__node *node = busy->head.next;
         node != &busy->head && least > 1; node = node->next) {
        elpq_conn *conn = elpq__container(node, elpq_conn, slot_node);

        if (!conn->slot_shares || conn->slot_dirty || conn->cancel ||
            conn->cancel_target || conn->slot_progress < moved ||
            elpq_conn_pending(conn) >= least || elpq__pool_is_over(conn, now))
            continue;
        best = conn;
        least = elpq_conn_pending(conn);
    }
    return best;
}

/*
 * Connections that are coming, or could be made, are better than company; but
 * who has stood in line for as long as a slow statement takes, waits no more.
 */
static bool may_share(const elpq_pool *pool, const elpq_request *first,
                      int64_t now)
{
    return (elpq__pool_coming(pool) == 0 && !elpq__pool_may_open(pool)) ||
           now - first->submitted >
               pool->options.pipeline_stall_ms * INT64_C(1000);
}

void elpq__pool_share(elpq_pool *pool)
{
    int64_t now = elpq__now();
    struct elpq__node *node;

    while ((node = elpq__list_first(&pool->waiting))) {
        elpq_request *req = elpq__container(node, elpq_request, node);
        elpq_conn *conn;

        if (!may_share(pool, req, now) || !(conn = pick(pool, now)) ||
            !shareable(conn, req))
            return;
        pool->stats.shared++;
        elpq__pool_run_first(pool, conn);
    }
}

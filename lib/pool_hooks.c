/* SPDX-License-Identifier: PostgreSQL */
/*
 * The hooks of a pool: tickets of connections that are being made, events,
 * and who holds what.
 *
 * A ticket has a reference to its connection, and not to the pool: when the
 * connection has left the pool meanwhile (conn->owner is NULL), the answer
 * only frees the ticket.  A connection has one ticket at a time.
 *
 * Every hook may change everything, so it is called last, or who calls it
 * looks anew.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "pool_int.h"

struct elpq_ticket {
    elpq_conn *conn; /* a reference */
    bool connected;  /* after_connect's, not before_connect's */
};

/* ---------------------------------------------------------------- events */

void elpq__pool_event(elpq_pool *pool, elpq_pool_event *event)
{
    if (!pool->options.event)
        return;
    event->pool = pool;
    if (event->conn && !event->pid)
        event->pid = elpq_conn_pid(event->conn);
    pool->options.event(event, pool->options.hook_arg);
}

void elpq__pool_lease_leaks(elpq_conn *conn)
{
    elpq_pool *pool = conn->slot_pool;
    elpq_pool_event event = { .kind = ELPQ_POOL_LEAK,
                              .conn = conn,
                              .tag = conn->slot_tag,
                              .usec = elpq__now() - conn->slot_used };

    pool->stats.leaks++;
    elpq__conn_ref(conn); /* the tag is in it */
    elpq__pool_event(pool, &event);
    elpq__conn_unref(conn);
}

/* --------------------------------------------------------------- tickets */

static elpq_ticket *ticket_new(elpq_conn *conn, bool connected)
{
    elpq_ticket *ticket = elpq__new(elpq_ticket);
    elpq_error error;

    if (!ticket) {
        elpq__error_set(&error, ELPQ_E_NOMEM,
                        ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED, NULL);
        elpq__pool_refuse(conn, &error);
        return NULL;
    }
    ticket->conn = conn;
    ticket->connected = connected;
    elpq__conn_ref(conn);
    return ticket;
}

static void ticket_free(elpq_ticket *ticket)
{
    elpq__conn_unref(ticket->conn);
    free(ticket);
}

static void start_deadline(elpq_pool *pool, elpq_conn *conn)
{
    int ms = pool->options.conn.connect_timeout_ms;

    if (ms > 0)
        elpq__timer_start(pool->loop, &conn->slot_timer,
                          elpq__now() + ms * INT64_C(1000));
}

void elpq__pool_before_connect(elpq_pool *pool, elpq_conn *conn)
{
    elpq_ticket *ticket = ticket_new(conn, false);

    if (!ticket)
        return;
    start_deadline(pool, conn);
    pool->options.before_connect(ticket, pool->options.hook_arg);
}

void elpq__pool_after_connect(elpq_pool *pool, elpq_conn *conn)
{
    elpq_ticket *ticket = ticket_new(conn, true);

    if (!ticket)
        return;
    start_deadline(pool, conn);
    pool->options.after_connect(conn, ticket, pool->options.hook_arg);
}

static void refuse(elpq_conn *conn, const char *message)
{
    elpq_error error;

    elpq__error_set(&error, ELPQ_E_CONNECT, ELPQ_RETRYABLE | ELPQ_NOT_EXECUTED,
                    message);
    elpq__pool_refuse(conn, &error);
}

/* The pool's parameters, and behind them those of the hook. */
static void dial(elpq_pool *pool, elpq_conn *conn, const char *const *more)
{
    const char *const *lists[] = { pool->options.conn.params, more };
    const char **params;
    size_t n[2] = { 0, 0 };

    for (int i = 0; i < 2; i++)
        while (lists[i] && lists[i][n[i]])
            n[i]++;
    params = elpq__alloc_array(n[0] + n[1] + 1, sizeof(*params));
    if (params) {
        if (n[0])
            memcpy(params, lists[0], n[0] * sizeof(*params));
        if (n[1])
            memcpy(params + n[0], lists[1], n[1] * sizeof(*params));
        params[n[0] + n[1]] = NULL;
    }
    if (n[1] % 2 != 0)
        refuse(conn, "params: the last keyword has no value");
    else if (!params || !elpq__conn_dial(conn, pool->conninfo, params))
        refuse(conn, "no memory, thread or descriptor for a connect");
    free(params);
}

/* What the hook has left behind must be nothing. */
static void admit(elpq_conn *conn)
{
    if (elpq_conn_tx_status(conn) == ELPQ_TX_IDLE)
        elpq__pool_admit(conn);
    else
        refuse(conn, "after_connect left a statement or transaction behind");
}

void elpq_ticket_go(elpq_ticket *ticket, const char *const *params)
{
    elpq_conn *conn;

    if (!ticket || !elpq__loop_is_ours(ticket->conn->loop))
        return;
    conn = ticket->conn;
    if (conn->owner) {
        elpq__timer_stop(conn->loop, &conn->slot_timer);
        if (ticket->connected)
            admit(conn);
        else
            dial(conn->slot_pool, conn, params);
    }
    ticket_free(ticket);
}

void elpq_ticket_fail(elpq_ticket *ticket, const char *message)
{
    if (!ticket || !elpq__loop_is_ours(ticket->conn->loop))
        return;
    if (ticket->conn->owner)
        refuse(ticket->conn,
               message ? message : "a hook of the pool refused to connect");
    ticket_free(ticket);
}

/* --------------------------------------------------------------- holders */

void elpq__pool_lent(elpq_conn *conn, const char *tag)
{
    elpq_pool *pool = conn->slot_pool;
    int ms = pool->options.leak_after_ms;
    size_t n = tag ? strlen(tag) : 0;

    if (n >= sizeof(conn->slot_tag))
        n = sizeof(conn->slot_tag) - 1;
    if (n)
        memcpy(conn->slot_tag, tag, n);
    conn->slot_tag[n] = '\0';
    conn->slot_used = elpq__now();
    if (ms > 0)
        elpq__timer_start(pool->loop, &conn->slot_timer,
                          conn->slot_used + ms * INT64_C(1000));
}

bool elpq__pool_keeps(elpq_conn *conn)
{
    elpq_pool *pool = conn->slot_pool;
    bool keep = true;

    elpq__histogram_add(&pool->stats.usage, elpq__now() - conn->slot_used);
    if (pool->options.before_release) {
        conn->slot_releasing = true;
        keep = pool->options.before_release(conn, pool->options.hook_arg);
        conn->slot_releasing = false;
    }
    return keep;
}

size_t elpq_pool_holders(const elpq_pool *pool, elpq_pool_holder *out, size_t n)
{
    const struct elpq__list *leased = &pool->conns[LEASED];
    int64_t now = elpq__now();
    size_t i = 0;

    /* The last one that was lent comes first. */
    for (const struct elpq__node *node = leased->head.prev;
         node != &leased->head; node = node->prev, i++) {
        elpq_conn *conn =
            elpq__container((struct elpq__node *)node, elpq_conn, slot_node);

        if (i >= n)
            continue;
        out[i].conn = conn;
        out[i].pid = elpq_conn_pid(conn);
        out[i].usec = now - conn->slot_used;
        memcpy(out[i].tag, conn->slot_tag, sizeof(out[i].tag));
    }
    return i;
}

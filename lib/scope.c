/* SPDX-License-Identifier: PostgreSQL */
/*
 * Scopes of a session and what lives in them; see scope.h.
 */
#include "scope.h"

#include "conn_int.h"

bool elpq__scope_has(const struct elpq__scope *scope, uint64_t serial)
{
    return serial > scope->first && (!scope->last || serial < scope->last);
}

void elpq__scope_open(elpq_conn *conn, struct elpq__scope *scope)
{
    scope->first = conn->serial + 1;
    scope->last = 0;
    scope->broken = scope->replaced = false;
    elpq__list_push(&conn->scopes, &scope->node);
}

void elpq__scope_end(const elpq_conn *conn, struct elpq__scope *scope)
{
    scope->last = conn->serial + 1;
}

void elpq__scope_close(struct elpq__scope *scope)
{
    elpq__list_remove(&scope->node);
}

void elpq__scopes_clear(elpq_conn *conn)
{
    while (elpq__list_pop(&conn->scopes))
        ;
    while (elpq__list_pop(&conn->residents))
        ;
}

void elpq__scope_break(elpq_conn *conn, uint64_t serial)
{
    struct elpq__node *node = conn->scopes.head.prev;

    for (; node != &conn->scopes.head; node = node->prev) {
        struct elpq__scope *scope =
            elpq__container(node, struct elpq__scope, node);

        if (elpq__scope_has(scope, serial)) {
            scope->broken = true;
            return;
        }
    }
}

static void drop_residents(elpq_conn *conn, const struct elpq__scope *scope,
                           bool all)
{
    struct elpq__node *node = conn->residents.head.next;

    if (!elpq__linked(&scope->node))
        return; /* the session is somebody else's */
    while (node != &conn->residents.head) {
        struct elpq__resident *r =
            elpq__container(node, struct elpq__resident, node);

        node = node->next;
        if (elpq__scope_has(scope, r->serial) && (all || !r->holds))
            elpq__list_remove(&r->node);
    }
}

void elpq__scope_undone(elpq_conn *conn, const struct elpq__scope *scope)
{
    drop_residents(conn, scope, true);
}

void elpq__scope_committed(elpq_conn *conn, const struct elpq__scope *scope)
{
    drop_residents(conn, scope, false);
}

void elpq__resident_add(elpq_conn *conn, struct elpq__resident *resident,
                        bool holds)
{
    resident->serial = ++conn->serial;
    resident->holds = holds;
    elpq__list_push(&conn->residents, &resident->node);
}

void elpq__resident_drop(struct elpq__resident *resident)
{
    elpq__list_remove(&resident->node);
}

bool elpq__resident_is_there(const elpq_conn *conn,
                             const struct elpq__resident *resident)
{
    return conn->state != ELPQ__CLOSED && elpq__linked(&resident->node);
}

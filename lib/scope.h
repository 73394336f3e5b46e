/* SPDX-License-Identifier: PostgreSQL */
/*
 * What belongs together in a session: everything from BEGIN, or SAVEPOINT, to
 * its end.  A scope is a range of serials, which each request of a connection,
 * and whatever else a transaction may undo, gets when it is submitted.  So what
 * comes of a request later is put down to where it was submitted, however many
 * savepoints began and ended meanwhile.
 *
 * tx.c opens and ends scopes; send.c asks what COMMIT is to be; cursors and
 * large objects are residents.
 */
#ifndef ELPQ_LIB_SCOPE_H
#define ELPQ_LIB_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "elpq/conn.h"
#include "list.h"

struct elpq__scope {
    struct elpq__node node; /* in conn->scopes: inner ones come later      */
    uint64_t first;         /* of what begins it, which is not in it       */
    uint64_t last;          /* of what ends it, likewise; 0: it is open    */
    bool broken;            /* a statement of it was not sent              */
    bool replaced;          /* COMMIT was not, and ROLLBACK went instead   */
    char undo[48];          /* goes instead of COMMIT or RELEASE then      */
};

/* What the server has in a session for us until it is closed, or the scope it
 * was made in is undone. */
struct elpq__resident {
    struct elpq__node node; /* in conn->residents; in none: it is gone     */
    uint64_t serial;
    bool holds;             /* also when its transaction was committed     */
};

/* The next request of the connection begins it, in what is open, or ends it. */
void elpq__scope_open(elpq_conn *conn, struct elpq__scope *scope);
void elpq__scope_end(const elpq_conn *conn, struct elpq__scope *scope);
/* It is forgotten. */
void elpq__scope_close(struct elpq__scope *scope);
/* The session is somebody else's: no scope is left, and no resident. */
void elpq__scopes_clear(elpq_conn *conn);

bool elpq__scope_has(const struct elpq__scope *scope, uint64_t serial);

/* What has this serial was not sent: without it, the innermost scope that it
 * belongs to is not what is to be committed. */
void elpq__scope_break(elpq_conn *conn, uint64_t serial);

/* Its residents are gone: all, or, as it was committed, those that do not hold.
 * A savepoint's go on in the transaction if it was released. */
void elpq__scope_undone(elpq_conn *conn, const struct elpq__scope *scope);
void elpq__scope_committed(elpq_conn *conn, const struct elpq__scope *scope);

/* In no transaction of ours, it stays until the session is somebody else's. */
void elpq__resident_add(elpq_conn *conn, struct elpq__resident *resident,
                        bool holds);
void elpq__resident_drop(struct elpq__resident *resident);
bool elpq__resident_is_there(const elpq_conn *conn,
                             const struct elpq__resident *resident);

#endif

/* SPDX-License-Identifier: PostgreSQL */
/*
 * Statements that are prepared before they are used.
 *
 * A request of the kind PREPARE is a Parse and a Describe, and fills an entry
 * of the connection's cache as the first run of the statement would: so that
 * run needs no Parse, and has its columns in binary already.  If the server
 * refuses, nothing is lost: who uses the statement hears why.
 *
 * pool.c makes the templates; pool_conns.c has them prepared on each new
 * connection.
 */
#include <string.h>

#include "alloc.h"
#include "conn_int.h"

/* The parameters' types are the template's, and they have no values. */
static elpq_request *copy_of(elpq_conn *conn, const elpq_request *template)
{
    elpq_value *nulls = elpq__alloc_array(template->n + 1, sizeof(*nulls));
    elpq_statement st;
    elpq_request *req;

    if (!nulls)
        return NULL;
    for (unsigned i = 0; i < template->n; i++)
        nulls[i] = elpq_null(template->types[i]);
    st = elpq_sql_from_trusted_string(template->sql, nulls, template->n);
    req = elpq__request_new(conn->loop, ELPQ__PREPARE, &st, NULL);
    free(nulls);
    return req;
}

void elpq__prepare_ahead(elpq_conn *conn, elpq_request *const *statements)
{
    for (; statements && *statements; statements++) {
        elpq_request *req = copy_of(conn, *statements);

        if (!req)
            return; /* it is prepared when it is used */
        elpq__request_own(conn, req, 0);
        elpq__conn_enqueue(conn, req);
    }
}

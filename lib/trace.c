/* SPDX-License-Identifier: PostgreSQL */
/*
 * Trace events: filled in here, only where somebody listens.
 */
#include "conn_int.h"

void elpq__trace_event(const struct elpq__tracer *tracer, elpq_conn *conn,
                       elpq_event_kind kind, const elpq_request *request,
                       const elpq_error *error, int64_t usec)
{
    static const char secret[] = "ALTER USER ... PASSWORD ...";
    elpq_event event = { .kind = kind, .conn = conn, .usec = usec };

    if (conn)
        event.pid = elpq_conn_pid(conn);
    if (request) {
        event.sql = request->sql;
        event.sql_len = request->sql_len;
        if (request->flags & ELPQ__SECRET) {
            event.sql = secret;
            event.sql_len = sizeof(secret) - 1;
        }
        event.tag = request->tag;
        event.bytes = request->bytes;
    }
    if (request && kind == ELPQ_EVENT_DONE) {
        event.rows = request->rows;
        event.bytes = request->result_bytes;
    }
    if (error) {
        event.code = error->code;
        event.sqlstate = error->sqlstate;
        /* The server's own words on a statement may hold its values. */
        event.message = request && request->failure
                            ? elpq_strerror(error->code)
                            : error->message;
    }
    tracer->call(&event, tracer->arg);
}

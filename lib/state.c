/* SPDX-License-Identifier: PostgreSQL */
/*
 * The states of a connection: names, legal moves, and the one function that
 * moves it.
 */
#include <assert.h>

#include "conn_int.h"

#define TO(state) (1u << ELPQ__##state)

static const struct {
    const char *name;
    unsigned next; /* states it may move to */
} states[ELPQ__STATES] = {
    [ELPQ__CONNECTING] = { "CONNECTING", TO(SETUP) | TO(CLOSED) },
    [ELPQ__SETUP] = { "SETUP", TO(READY) | TO(CLOSED) },
    [ELPQ__READY] = { "READY", TO(BUSY) | TO(EXCLUSIVE) | TO(RESETTING) |
                                   TO(CANCELING) | TO(CLOSED) },
    [ELPQ__BUSY] = { "BUSY", TO(READY) | TO(EXCLUSIVE) | TO(CANCELING) |
                                 TO(RESETTING) | TO(CLOSED) },
    [ELPQ__EXCLUSIVE] = { "EXCLUSIVE", TO(READY) | TO(BUSY) | TO(CANCELING) |
                                           TO(RESETTING) | TO(CLOSED) },
    [ELPQ__CANCELING] = { "CANCELING", TO(READY) | TO(BUSY) | TO(EXCLUSIVE) |
                                           TO(RESETTING) | TO(CLOSED) },
    [ELPQ__RESETTING] = { "RESETTING", TO(READY) | TO(BUSY) | TO(EXCLUSIVE) |
                                           TO(CANCELING) | TO(CLOSED) },
    [ELPQ__CLOSED] = { "CLOSED", 0 },
};

const char *elpq__state_name(enum elpq__state state)
{
    return states[state].name;
}

bool elpq__state_legal(enum elpq__state from, enum elpq__state to)
{
    return (states[from].next & (1u << to)) != 0;
}

void elpq__set_state(elpq_conn *conn, enum elpq__state state)
{
    if (conn->state == state)
        return;
    assert(elpq__state_legal(conn->state, state));
    conn->state = state;
    if (conn->options.trace) {
        elpq_event event = { .kind = ELPQ_EVENT_STATE,
                             .conn = conn,
                             .pid = elpq_conn_pid(conn),
                             .message = states[state].name };

        conn->options.trace(&event, conn->options.trace_arg);
    }
}

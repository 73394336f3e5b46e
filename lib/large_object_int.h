/* SPDX-License-Identifier: PostgreSQL */
/*
 * An open large object, and what its two files share: large_object.c is the
 * single calls, large_object_flow.c imports and exports.
 *
 * It is referenced by its user's handle, by each call under way and by its
 * flow, and holds a reference to its connection.
 */
#ifndef ELPQ_LIB_LARGE_OBJECT_INT_H
#define ELPQ_LIB_LARGE_OBJECT_INT_H

#include "conn_int.h"
#include "elpq/large_object.h"
#include "scope.h"

struct elpq_large_object {
    elpq_conn *conn;
    unsigned refs;
    struct elpq__resident resident;
    int32_t fd;         /* the server's                                    */
    bool closed;        /* by its user                                     */

    /* A flow; at most one. */
    bool flows;
    bool busy;          /* a piece is under way, or the task is posted     */
    bool paused;
    bool waits;         /* its source has nothing yet                      */
    elpq_lo_source_cb source; /* one of the two                            */
    elpq_lo_sink_cb sink;
    elpq_lo_number_cb done;
    void *arg;
    int timeout_ms;
    int64_t total;
    void *buffer;       /* of a source                                     */
    struct elpq__task go_on;

    bool ended; /* it is closed; `end` is posted when only the
                   handle's reference is left                   */
    struct elpq__task end;
    elpq_done_cb on_end;
    void *end_arg;
};

void elpq__lo_ref(elpq_large_object *lo);
void elpq__lo_unref(elpq_large_object *lo);

/* The same as the public calls, in the middle of a flow. */
int elpq__lo_read(elpq_large_object *lo, size_t size,
                  const elpq_options *options, elpq_lo_data_cb callback,
                  void *arg);
int elpq__lo_write(elpq_large_object *lo, const void *data, size_t size,
                   const elpq_options *options, elpq_lo_number_cb callback,
                   void *arg);

/* Its user has closed it: the flow ends from the loop. */
void elpq__lo_flow_close(elpq_large_object *lo);
void elpq__lo_flow_run(struct elpq__task *task);

#endif

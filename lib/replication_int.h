/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of a replication stream share.
 *
 * replication.c is what its user sees, replication_conn.c its connections, one
 * after the other, slot.c the commands of the replication protocol.
 *
 * Positions in the WAL, each of which only grows:
 *
 *     flush      all up to it is confirmed: what the server is told, and where
 *                a new connection begins
 *     delivered  the last end that was handed over
 *     received   the last position that the server named
 *
 * flush <= delivered or, while all that was delivered is confirmed, goes on
 * with what the server says is empty.
 */
#ifndef ELPQ_LIB_REPLICATION_INT_H
#define ELPQ_LIB_REPLICATION_INT_H

#include "conn_int.h"
#include "elpq/replication.h"
#include "pgoutput.h"

struct elpq_replication {
    struct event_base *base;
    struct elpq__loop *loop;
    elpq_replication_options options; /* strings are owned, see replication.c */
    char *conninfo;
    char **params;
    char *slot;
    char *plugin;
    char *origin;
    char **publications;
    char **plugin_options;
    bool is_pgoutput;
    elpq_change_cb changes;
    elpq_replication_event_cb events;
    void *arg;

    elpq_conn *conn;
    bool up;          /* changes come                                      */
    bool was_up;      /* on this connection, or the last one               */
    bool paused;
    bool down_told;   /* since it was last up                              */
    bool gave_up;
    bool closing;
    bool released;    /* the connection, by a hook: to be told             */
    bool creating;    /* its slot                                          */
    bool asked;       /* for a sign of life                                */
    bool advanced;    /* flush has, and the server does not know           */
    unsigned attempts; /* failed in a row                                  */
    uint64_t random;
    int64_t alive;    /* when the server last said something               */
    int64_t told;     /* when it last heard of us                          */
    struct elpq__timer connect;
    struct elpq__timer tick;
    struct elpq__task tell; /* confirmed: the server is told               */
    struct elpq__task end;
    elpq_done_cb done;
    void *done_arg;

    struct elpq__pgoutput decoder;
    uint64_t flush;
    uint64_t delivered;
    uint64_t received;
    elpq_replication_statistics stats;
};

/* ------------------------------------------------------------------ slot.c */

/* Names of slots and plugins; others the server would refuse as well. */
bool elpq__slot_name_ok(const char *name);

/* CREATE_REPLICATION_SLOT; `version` is the server's. */
void elpq__slot_create_sql(struct elpq__buf *buf, const char *name,
                           const elpq_slot_options *options, int version);
/* START_REPLICATION of a stream. */
void elpq__replication_start_sql(struct elpq__buf *buf,
                                 const elpq_replication *r, int version);

/* ------------------------------------------------------ replication_conn.c */

/* Timers and tasks of the stream. */
void elpq__replication_due(struct elpq__timer *connect);
void elpq__replication_tick(struct elpq__timer *tick);
void elpq__replication_tell(struct elpq__task *tell);

/* Ends the connection without a word to the user. */
void elpq__replication_disconnect(elpq_replication *r);

/* Tells the server how far we are; `ask`: it is to answer at once. */
void elpq__replication_send_status(elpq_replication *r, bool ask);

#endif

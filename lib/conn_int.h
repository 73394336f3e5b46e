/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of one connection share: the connection, its requests, and
 * the functions that each file offers to the others.
 *
 * A request is in exactly one place at any time, and `place` names it:
 *
 *     WAITING   in the line of a pool; no connection yet
 *     QUEUED    in conn->queue: accepted, nothing given to libpq
 *     SENT      in conn->sent: given to libpq, not yet at its Sync
 *     ELSEWHERE driven: other requests do its work; in no list
 *     ENDING    its outcome is known, the callback is a posted task
 *     OVER      the callback has begun
 *
 * conn->sent is the truth of what the server owes us, in order; libpq is only
 * asked for the next piece.  After a lost connection libpq answers once and
 * then never again, so we fail the list ourselves.
 */
#ifndef ELPQ_LIB_CONN_INT_H
#define ELPQ_LIB_CONN_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "elpq/conn.h"
#include "elpq/stream.h"
#include "buf.h"
#include "catalog.h"
#include "error.h"
#include "libpq_compat.h"
#include "list.h"
#include "loop.h"
#include "prepared.h"
#include "result.h"
#include "worker.h"

/* Life of a connection; the legal moves are in state.c. */
enum elpq__state {
    ELPQ__CONNECTING, /* a helper thread has it                          */
    ELPQ__SETUP,      /* connected; statements of its own run first      */
    ELPQ__READY,      /* nothing in flight                               */
    ELPQ__BUSY,       /* statements in flight                            */
    ELPQ__EXCLUSIVE,  /* a script, stream or COPY is in flight, alone    */
    ELPQ__CANCELING,  /* a cancel request is out: nothing is sent        */
    ELPQ__RESETTING,  /* the reset of a released connection is in flight */
    ELPQ__CLOSED,     /* no PGconn; nothing in flight, nothing accepted  */
    ELPQ__STATES
};

enum elpq__place {
    ELPQ__WAITING,
    ELPQ__QUEUED,
    ELPQ__SENT,
    ELPQ__ELSEWHERE,
    ELPQ__ENDING,
    ELPQ__OVER
};

enum elpq__kind {
    ELPQ__STATEMENT, /* one statement; cb.result                        */
    ELPQ__SCRIPT,    /* simple protocol; each and cb.done               */
    ELPQ__GROUP,     /* several commands under one Sync; cb.done        */
    ELPQ__STREAM,    /* one statement, row by row; on_rows and cb.done  */
    ELPQ__COPY,      /* data in or out; cb.result, and see copy_int.h   */
    ELPQ__BATCH,     /* several statements under one; batch and cb.done */
    ELPQ__CLOSE,     /* of a prepared statement; cb.done                */
    ELPQ__PREPARE,   /* a statement, ahead of its use; cb.done          */
    ELPQ__LEASE,     /* a pool's: wait for a connection; cb.conn        */
    ELPQ__DRIVEN     /* work through other requests; drive calls back   */
};

/*
 * A flag of requests besides those of statement.h: it commits, unless a
 * statement of its transaction was not sent; then `instead` is sent.
 */
#define ELPQ__COMMIT (1u << 30)
/* Another: asks for binary columns, as its user knows them. */
#define ELPQ__BINARY (1u << 29)
/* Another: trace events do not show its text. */
#define ELPQ__SECRET (1u << 28)

/* Whether a statement may be sent under one Sync with its like; sync.c. */
enum elpq__sharing {
    ELPQ__SHARES_NONE,
    ELPQ__SHARES_READS, /* outside of a transaction, and READONLY         */
    ELPQ__SHARES_TX     /* in one, which a failure ends anyway            */
};

struct elpq__line;
struct elpq__batch; /* batch.h */

/* Who drives a request that is ELSEWHERE. */
struct elpq__drive {
    /* It is to end early: CANCELED or TIMEOUT.  It ends it when it can. */
    void (*halt)(elpq_request *request, elpq_code cause);
    /* Calls back, and gives up what it has for the request. */
    void (*call)(elpq_request *request, const elpq_error *error);
};
typedef struct elpq_copy elpq_copy;

struct elpq_request {
    struct elpq__node node;
    struct elpq__task task;      /* ENDING, or detached: calls back      */
    struct elpq__timer deadline;
    struct elpq__loop *loop;     /* holds a reference                    */
    elpq_conn *conn;             /* QUEUED and SENT                      */
    elpq_conn *held;             /* internal: a reference, till it ends  */
    struct elpq__line *line;     /* of a pool's request, wherever it is   */
    /* Takes a request with an error over, instead of its callback.        */
    bool (*again)(elpq_request *request, const elpq_error *error);
    struct elpq__route *route;   /* router.c: which host, how often       */
    enum elpq__kind kind;
    enum elpq__place place;

    bool internal;     /* setup, reset, ping: not the user's             */
    bool detaching;    /* calls back before the server has answered      */
    bool detached;     /* has called back so, and is still in conn->sent */
    bool passed;       /* detaching, and no longer in conn->sent         */
    bool retried;      /* was sent a second time                         */
    bool answered;     /* a result has come                              */
    bool cancel_sent;  /* a cancel request was sent for it               */
    bool exposed;      /* a cancel request for another may have hit it   */
    bool parse;        /* SENT: its Parse went in front                  */
    bool query;        /* STATEMENT, sent: it cannot end a transaction   */
    bool apart;        /* it is to have a Sync of its own                */
    bool shares;       /* SENT: the next one ends with the same Sync     */
    bool lead;         /* internal: makes a group of reads read-only     */
    bool aborted;      /* skipped, or undone: others of its Sync failed  */
    uint8_t sharing;   /* SENT: enum elpq__sharing                       */
    unsigned steps;    /* SENT: commands before its Sync                 */
    elpq_code cause;   /* why it is being canceled; 0 if it is not       */

    elpq_code code;    /* the outcome if no result is one: an error      */
    unsigned error_flags;
    const char *text;  /* its message, static                            */
    elpq_error *owned; /* or the whole error                             */
    PGresult *failure; /* or the first error that the server reported    */
    PGresult *result;  /* the last result                                */
    const struct elpq__shape *shape; /* its columns, if known; borrowed  */

    union {
        elpq_result_cb result;
        elpq_done_cb done;
        elpq_conn_cb conn;
    } cb;
    elpq_script_cb each;
    elpq_rows_cb on_rows;
    elpq_copy *copy;      /* COPY: owned                                 */
    void (*late)(elpq_request *request); /* detached, now it is answered */
    void *arg;
    struct elpq__batch *batch; /* BATCH: its statements                   */
    const struct elpq__drive *drive; /* DRIVEN: by whom                   */
    void *driven;              /* and what it has for it                  */

    const char *tag;
    const char *sql;
    const char *const *group; /* GROUP: commands, ended by NULL          */
    const char *instead;      /* of a COMMIT that must not be: ROLLBACK  */
    size_t sql_len;
    unsigned flags;
    int timeout_ms;           /* for messages                            */
    int server_ms;            /* statement_timeout; see server_timeout.c */
    unsigned n;               /* parameters                              */
    Oid *types;
    const char **values;
    int *lengths;
    int *formats;
    size_t bytes;             /* of parameters                           */
    struct elpq__prepared *prepared; /* that it runs; SENT only          */
    bool touches;             /* it may change the session               */

    /* stream.c */
    bool describing;  /* SENT: only its columns are asked for             */
    bool paused;      /* nothing of it is read                            */
    bool stopped;     /* its user has enough: cancel is no error          */
    bool delivered;   /* rows were                                        */
    bool dropped;     /* and others were not                              */
    unsigned chunk_rows;
    elpq_result *chunk; /* memory of the last one, for the next           */
    struct elpq__shape *own_shape; /* of one that is not prepared         */

    elpq_trace_cb trace;      /* told of its end                         */
    void *trace_arg;
    bool waited;              /* it stood in the line of a pool          */
    uint8_t taken_back;       /* times that a pool took it back          */
    uint64_t rows;            /* of all results                          */
    uint64_t result_bytes;
    int64_t submitted;
    int64_t sent;             /* only where a trace or server_ms wants it */
};

/* Who owns a waiting request: told when it leaves by itself. */
struct elpq__line {
    void (*left)(struct elpq__line *line, elpq_request *request);
    uint64_t timeouts; /* deadlines that passed, waiting or not           */
};

/*
 * Who owns a connection besides its user: a pool.  All are called from the
 * loop.  `lost` comes once, when a connection that was ready has ended.
 */
struct elpq__owner {
    void (*opened)(elpq_conn *conn, const elpq_error *error);
    void (*drained)(elpq_conn *conn); /* nothing in flight any more       */
    void (*lost)(elpq_conn *conn, const elpq_error *error);
    /* Takes back a request that was never sent; false if it does not.    */
    bool (*take_back)(elpq_conn *conn, elpq_request *request);
    void (*released)(elpq_conn *conn); /* elpq_conn_release()             */
    void (*canceled)(elpq_conn *conn); /* a cancel request was sent       */
    /* The server has refused a request, which goes on.                   */
    void (*failed)(elpq_conn *conn, elpq_request *request,
                   const PGresult *failure);
    /* Connected, and its setup is queued: more can be queued behind it.    */
    void (*setting_up)(elpq_conn *conn);
    /* Something was answered, and more is in flight.  Only if conn->piles. */
    void (*progressed)(elpq_conn *conn);
};

/* Steps through the answer of the head of conn->sent. */
enum elpq__phase {
    ELPQ__PHASE_PARSE, /* the answer to Parse                            */
    ELPQ__PHASE_RUN,   /* results of commands                            */
    ELPQ__PHASE_SYNC   /* nothing but the Sync                           */
};

/*
 * Somebody who keeps something in a session.  `gone` comes once, when the
 * session or the lease has ended, and the watcher is in no list then.  It may
 * come from inside a call of the user's, so it must not call back.
 */
struct elpq__watcher {
    struct elpq__node node;
    void (*gone)(struct elpq__watcher *watcher, const elpq_error *error);
};

struct elpq__connect; /* connect.c */
struct elpq__cancel;  /* cancel.c  */

struct elpq_conn {
    struct elpq__loop *loop;
    unsigned refs;         /* the user's handle, transactions, callbacks  */
    enum elpq__state state;
    bool handle;           /* the user (or pool) still holds the handle   */
    PGconn *pg;
    struct elpq__io io;
    struct elpq__task flush; /* end of turn: send what was queued         */
    struct elpq__task notify; /* a failed connect calls back              */
    elpq_conn_options options;
    uint64_t id;           /* in names of prepared statements             */

    /* connect.c, conn.c */
    struct elpq__connect *connect;
    struct elpq__timer connect_timer;
    int64_t connect_began;
    elpq_conn_cb opened;   /* the user's; NULL once it was called         */
    void *opened_arg;
    char **setup;          /* statements that begin a session, NULL-ended */
    unsigned setup_left;
    bool is_setup;         /* the setup went well                         */
    bool connect_failed;   /* and its owner is about to be told           */

    /* pipeline.c */
    struct elpq__list queue;
    struct elpq__list sent;
    struct elpq__list answered; /* these wait for the Sync they share     */
    struct elpq__list held; /* stale: to be sent again, see answer.c      */
    unsigned nqueued;       /* in queue and held                          */
    unsigned nsent;         /* in sent and answered                       */
    enum elpq__phase phase;
    unsigned steps;        /* RUN: answers that the head still expects    */
    unsigned nulls;        /* NULLs in a row, to catch a confused libpq   */
    unsigned reads;        /* since the head's answer began               */
    uint64_t answer_bytes; /* an estimate, see pipeline.c                 */
    uint64_t kept_bytes;   /* of results that wait for a Sync             */
    bool exclusive;        /* a script, stream or COPY is in flight       */
    elpq_copy *copy;       /* of the head: data of it moves               */
    bool piped;            /* libpq is in pipeline mode, see send.c       */
    unsigned lone;         /* statements in a row that went out alone     */
    int (*send_sync)(PGconn *);
    bool pumping;          /* inside of libpq: do not free PGconn         */
    bool sending_now;      /* and it will still send what is queued       */
    bool read_again;       /* TLS holds more than one turn may take       */
    unsigned drains;       /* since notifications were dropped            */
    /* A listener's: takes each notification over.                        */
    void (*notified)(elpq_conn *conn, PGnotify *notification);
    bool paused;           /* nothing is read, see elpq__pipeline_pause() */
    /* Takes what COPY BOTH brings, true at its end; NULL: nobody does.     */
    bool (*duplex)(elpq_conn *conn);
    bool is_duplex;        /* libpq is in that state                      */
    char **parameters;     /* known values, see parameter.c; or NULL      */
    bool close_wanted;     /* it was closed inside pump()                 */
    char fatal[6];         /* SQLSTATE of the server's FATAL, if it came  */
    char fatal_text[200];  /* and its message                             */
    bool fatal_proof;      /* by the server itself: it reads no further   */
    int encoding;          /* of the client, which must not change        */
    struct elpq__cache prepared;

    /* server_timeout.c */
    int server_ms;         /* statement_timeout of ours; 0: the session's  */
    bool server_ms_in_tx;  /* set in a transaction, which may be undone    */

    /* sync.c */
    unsigned open;         /* last ones of sent, still without a Sync     */
    size_t open_bytes;     /* of their messages, about                    */
    enum elpq__sharing sharing; /* theirs                                 */
    unsigned leads;        /* groups of reads in flight                   */
    unsigned apart;        /* so many reads more do without groups        */
    bool settled;          /* nothing in flight can change tx_status      */

    /* cancel.c */
    struct elpq__cancel *cancel;
    struct elpq__timer grace;
    struct elpq__timer cancel_again;
    elpq_request *cancel_target; /* the head, or of its group; or NULL    */

    /* reset.c */
    unsigned resetting;    /* resets in flight                            */
    unsigned internals;    /* internal requests, queued or in flight      */
    PGTransactionStatusType tx_status; /* when last nothing was in flight */

    /* the owner's */
    const struct elpq__owner *owner;
    struct elpq__node slot_node;
    struct elpq__timer slot_timer;
    void *slot_pool;
    int slot_place;
    bool slot_dirty;       /* a statement may have changed the session    */
    bool slot_answered;    /* something, since it was opened              */
    int64_t slot_since;    /* when it became idle                         */
    int64_t slot_alive;    /* when it last gave a sign of life            */
    unsigned slot_lease;   /* counts leases that were given back          */
    int64_t slot_retire;   /* when its lifetime is over; 0: never         */
    int64_t slot_used;     /* BUSY, LEASED: since when                    */
    int64_t slot_progress; /* BUSY: when it last answered, or began       */
    bool slot_shares;      /* BUSY: what is on it may have company        */
    int slot_pid;          /* of the backend, even when it is closed      */
    bool slot_stale;       /* elpq_pool_expire() was called since         */
    bool slot_leaked;      /* LEASED: for longer than leak_after_ms       */
    bool slot_releasing;   /* inside the hook before_release              */
    char slot_tag[64];     /* LEASED: of the acquire                      */
    bool piles;            /* its pool may queue several requests on it   */

    struct elpq__catalog *catalog; /* its pool's or its own; may be NULL  */

    bool in_tx;            /* a transaction of tx.c is on it              */
    bool tx_broken;        /* and a statement of it was not sent          */
    unsigned tx_number;    /* which: counts them                          */
    char tx_sqlstate[6];   /* of the statement that made it fail          */
    struct elpq__list watchers;
};

/* --------------------------------------------------------------- state.c */

/* The only writer of conn->state. */
void elpq__set_state(elpq_conn *conn, enum elpq__state state);
const char *elpq__state_name(enum elpq__state state);
bool elpq__state_legal(enum elpq__state from, enum elpq__state to);

/* --------------------------------------------------------------- trace.c */

/* Whoever listens; usually nobody. */
struct elpq__tracer {
    elpq_trace_cb call;
    void *arg;
};

void elpq__trace_event(const struct elpq__tracer *tracer, elpq_conn *conn,
                       elpq_event_kind kind, const elpq_request *request,
                       const elpq_error *error, int64_t usec);

static inline void elpq__trace(elpq_conn *conn, elpq_event_kind kind,
                               const elpq_request *request,
                               const elpq_error *error, int64_t usec)
{
    struct elpq__tracer tracer = { conn->options.trace,
                                   conn->options.trace_arg };

    if (tracer.call)
        elpq__trace_event(&tracer, conn, kind, request, error, usec);
}

/* --------------------------------------------------------------- queue.c */

/*
 * A request, not yet anywhere.  A value that cannot be sent makes a request
 * whose outcome is that error already (code is not 0).  NULL: no memory.
 */
elpq_request *elpq__request_new(struct elpq__loop *loop, enum elpq__kind kind,
                                const elpq_statement *statement,
                                const char *tag);

/*
 * The same for a submitting call: takes the options in, starts the deadline,
 * hands out the request.  NULL: no memory.
 */
elpq_request *elpq__request_submit(struct elpq__loop *loop,
                                   enum elpq__kind kind,
                                   const elpq_statement *statement,
                                   const elpq_options *options,
                                   int default_timeout_ms,
                                   const elpq_conn_options *trace);
void elpq__request_free(elpq_request *request);

/*
 * The last thing that a submitting call does: traces it.  The hook may close
 * everything.
 */
void elpq__request_accepted(const elpq_request *request);

/* Starts the deadline; 0 is default_ms. */
void elpq__request_deadline(elpq_request *request, int timeout_ms,
                            int default_ms);

/* Sets the outcome to an error, unless there is one already. */
void elpq__request_blame(elpq_request *request, elpq_code code,
                         unsigned flags, const char *text);

/* Calls back, in the loop, and frees; the request is in no list. */
void elpq__request_end(elpq_request *request);

/* Takes it out of where it is, and calls back at the end of the turn. */
void elpq__request_end_soon(elpq_request *request);

/* As it was when it was submitted, its deadline included; in no place. */
void elpq__request_renew(elpq_request *request);

/* It was taken from the head of conn->sent: ends it, if it has not ended. */
void elpq__request_pass(elpq_request *request);

/* Calls back soon, with `cause`, though the server has not answered. */
void elpq__request_detach(elpq_request *request);

/* Forgets that it was sent, so that it can be again. */
void elpq__request_rewind(elpq_request *request);

/* It runs its prepared statements no more. */
void elpq__request_drop_prepared(elpq_conn *conn, elpq_request *request);

/*
 * What it returned on the connection, if that is known; the PGresult goes
 * along.  NULL without memory.  It goes back, less what its user keeps, with
 * elpq__request_result_done().
 */
elpq_result *elpq__request_result(const elpq_conn *conn,
                                  elpq_request *request);
void elpq__request_result_done(struct elpq__loop *loop, elpq_result *result);

/* Cancels for a cause: CANCELED, TIMEOUT or CLOSED. */
void elpq__request_cancel(elpq_request *request, elpq_code cause);

/* ---------------------------------------------------------------- conn.c */

void elpq__conn_ref(elpq_conn *conn);
void elpq__conn_unref(elpq_conn *conn);

/*
 * A connection that does not connect yet; statements of `setup` are copied.
 * NULL: no memory.
 */
elpq_conn *elpq__conn_make(struct event_base *base,
                           const elpq_conn_options *options,
                           const char *const *setup);
/* It begins to connect; false if it cannot: then it is CLOSED. */
bool elpq__conn_dial(elpq_conn *conn, const char *conninfo,
                     const char *const *params);
/* Both. */
elpq_conn *elpq__conn_new(struct event_base *base, const char *conninfo,
                          const elpq_conn_options *options,
                          const char *const *setup, elpq_error **error);
/* Fills in defaults; NULL is all defaults. */
void elpq__conn_options_init(elpq_conn_options *out,
                             const elpq_conn_options *in);

/* Puts a request into the queue of an open connection. */
void elpq__conn_enqueue(elpq_conn *conn, elpq_request *request);

/* 0, or why no more can be submitted. */
int elpq__conn_check(const elpq_conn *conn);
/* Queues a submitted request, or lets its error out; 0. */
int elpq__conn_submit(elpq_conn *conn, elpq_request *request);

/* Ends the connection: its requests fail, its owner hears of it. */
void elpq__conn_lost(elpq_conn *conn, elpq_code code, const char *text);
/* The same for an orderly end: the owner does not hear of it. */
void elpq__conn_shut(elpq_conn *conn);
/* Gives the user's handle back. */
void elpq__conn_drop_handle(elpq_conn *conn);

/* What its watchers keep in the session is gone. */
void elpq__conn_tell(elpq_conn *conn, const elpq_error *error);

/* 0, or why the connection takes no statements. */
int elpq__conn_usable(const elpq_conn *conn);
/* The same, or why it does not take one more. */
int elpq__conn_check(const elpq_conn *conn);
/* Queues a submitted request, or lets its error out; returns 0. */
int elpq__conn_submit(elpq_conn *conn, elpq_request *request);

/* A helper thread has connected (conn->pg), or failed. */
void elpq__conn_connected(elpq_conn *conn, PGconn *pg);
void elpq__conn_connect_failed(elpq_conn *conn, const elpq_error *error);
void elpq__conn_notice(elpq_conn *conn, const elpq_error *notice);

/* ------------------------------------------------------------------ tx.c */

/* A transaction of tx.c has begun on the connection, or is over. */
void elpq__tx_mark(elpq_conn *conn, bool in_tx);

/* ------------------------------------------------------------- connect.c */

/* Checks a conninfo string and parameters; NULL, or an owned message. */
char *elpq__conninfo_check(const char *conninfo, const char *const *params);
bool elpq__connect_start(elpq_conn *conn, const char *conninfo,
                         const char *const *params);
void elpq__connect_abandon(elpq_conn *conn);

/* ------------------------------------------------------------ pipeline.c */

/* Starts to watch the socket of a new PGconn; false if that fails. */
bool elpq__pipeline_open(elpq_conn *conn);
/* Sends at the end of the turn what waits in the queue. */
void elpq__pipeline_wake(elpq_conn *conn);
/*
 * Around calls of libpq: a hook that it calls may close the connection, and
 * PGconn stays until the outermost one is left.  They come in pairs, with
 * what enter returns.
 */
bool elpq__pipeline_enter(elpq_conn *conn);
void elpq__pipeline_leave(elpq_conn *conn, bool was_inside);
/* What the state is now, and who is to know. */
void elpq__pipeline_settle(elpq_conn *conn);

/*
 * Reads nothing more, so that the server is held back, or goes on: for who
 * wants no more rows, data or notifications now.
 */
void elpq__pipeline_pause(elpq_conn *conn, bool on);

/* The connection is bad: ends it, with what the server or libpq says. */
void elpq__lost(elpq_conn *conn);
/* The same after a failed write; the server may have said why before. */
void elpq__lost_in_write(elpq_conn *conn);
/* What the server says when it ends the session: it explains the loss. */
void elpq__note_fatal(elpq_conn *conn, const PGresult *res);

/* ---------------------------------------------------------------- send.c */

/* Gives to libpq what may be sent now; conn may be closed afterwards. */
void elpq__send_queue(elpq_conn *conn);
/* Moves libpq's output on; false if the connection is lost. */
bool elpq__send_flush(elpq_conn *conn);

/* What is not sent at all: blames the request; true if it was refused. */
bool elpq__send_refuses(elpq_request *request, elpq_pooler pooler, bool in_tx);

/* ---------------------------------------------------------------- sync.c */

/* Whether it may share a Sync as things are now. */
enum elpq__sharing elpq__sync_sharing(const elpq_conn *conn,
                                      const elpq_request *request);
/* Whether it can go under the Sync that those before it have yet to get. */
bool elpq__sync_joins(const elpq_conn *conn, const elpq_request *request,
                      enum elpq__sharing sharing);
/* Whether a group of reads is worth while: another one follows `request`. */
bool elpq__sync_begins(const elpq_conn *conn, const elpq_request *request);
/* It was handed to libpq, and is the last of conn->sent. */
void elpq__sync_sent(elpq_conn *conn, elpq_request *request,
                     enum elpq__sharing sharing);
/* Whether the server may be at it now: one that was SENT. */
bool elpq__sync_may_run(const elpq_request *request);
/* Whether it must wait for reads in flight, which may have to run again. */
bool elpq__sync_must_wait(elpq_conn *conn, const elpq_request *request);
/* Whether two requests may change places, and nobody would know. */
bool elpq__sync_commute(const elpq_request *one, const elpq_request *other);
/* The statement is better off with a Sync of its own from now on. */
bool elpq__sync_wants_apart(const char *sql);

/* --------------------------------------------------------------- batch.c */

/*
 * A submitted batch for a connection with such options, or the code why there
 * is none.
 */
int elpq__batch_submit(elpq_request **out, struct elpq__loop *loop,
                       const elpq_conn_options *conn_options,
                       const elpq_statement *const statements[], size_t n,
                       const elpq_options *options);
/* Its results, and then the verdict; error is NULL if all went well. */
void elpq__batch_call(elpq_request *request, const elpq_error *error);
void elpq__batch_free(elpq_request *request);

/* ------------------------------------------------------ server_timeout.c */

/* What options and default say, in milliseconds; 0: none. */
int elpq__server_timeout(const elpq_options *options, int default_ms,
                         int timeout_ms);
/*
 * What sets statement_timeout for the next request, to be sent in front of
 * it; NULL: out of memory.
 */
elpq_request *elpq__server_timeout_set(elpq_conn *conn, int server_ms);
/* A request was sent: it may have changed what the session has. */
void elpq__server_timeout_sent(elpq_conn *conn, const elpq_request *request);
/* Whether the server stopped the request because of it. */
bool elpq__server_timeout_passed(const elpq_request *request);

/* ------------------------------------------------------------- prepare.c */

/* Queues the preparation of statements; what fails does no harm. */
void elpq__prepare_ahead(elpq_conn *conn, elpq_request *const *statements);

/* -------------------------------------------------------------- answer.c */

/* The head of conn->sent has changed. */
void elpq__answer_begin(elpq_conn *conn);
/* Matches all complete pieces; conn may be closed afterwards. */
void elpq__answers_drain(elpq_conn *conn);

/* -------------------------------------------------------------- stream.c */

/* Whether its columns have to be asked for before it runs. */
bool elpq__stream_describes(const elpq_request *request);
/* Its statement was just given to libpq; false if that is confused. */
bool elpq__stream_begin(elpq_conn *conn, const elpq_request *request);
/* A chunk of rows has come; conn may be closed afterwards. */
void elpq__stream_take(elpq_conn *conn, elpq_request *request, PGresult *res);
/* It is answered, as far as it was sent: libpq is as it was before. */
void elpq__stream_answered(elpq_conn *conn, const elpq_request *request);
/* What that means for it; true if it goes on, in the queue. */
bool elpq__stream_settle(elpq_conn *conn, elpq_request *request);
/* It was canceled: what is left of it is read, and dropped. */
void elpq__stream_cancel(elpq_request *request);
/* Whether rows of a stream wait in libpq, so that no more are to be read. */
bool elpq__stream_is_full(const elpq_conn *conn);
/* ----------------------------------------------------------- parameter.c */

/* Of a new PGconn, if somebody wants to know; false if out of memory. */
bool elpq__parameters_init(elpq_conn *conn);
/* Tells of changes; conn may be closed afterwards. */
void elpq__parameters_look(elpq_conn *conn);
void elpq__parameters_free(elpq_conn *conn);

/* ---------------------------------------------------------------- copy.c */

void elpq__copy_free(elpq_copy *copy);
/* Gives the command of its phase to libpq; false if the connection is lost. */
bool elpq__copy_send(elpq_conn *conn, elpq_copy *copy);
/* Takes a result over that is no error. */
void elpq__copy_take(elpq_request *request, PGresult *res);
/* libpq is in a COPY state; takes the result that says so over. */
void elpq__copy_began(elpq_conn *conn, elpq_request *request, PGresult *res);
/* The command's answer is complete: whether another one was sent. */
bool elpq__copy_next(elpq_conn *conn, elpq_request *request);
/* Its request is being canceled: false if the server must be asked to stop. */
bool elpq__copy_cancel(elpq_conn *conn);
/* Of a COPY on a lost connection: whether it certainly had no effect. */
bool elpq__copy_undone(const elpq_request *request);

/* While conn->copy is set: */

/* libpq is about to read: looks whether the server has refused the data. */
void elpq__copy_look(elpq_conn *conn);
/* Takes what has come; true if results are next. */
bool elpq__copy_move(elpq_conn *conn);
/* The end of a round: there may be room again. */
void elpq__copy_turn(elpq_conn *conn);
/* The connection is broken: what came of it is read as an answer. */
void elpq__copy_broke(elpq_conn *conn);

/* -------------------------------------------------------------- cancel.c */

/* Sends a cancel request if the head of conn->sent wants one. */
void elpq__cancel_kick(elpq_conn *conn);
/* The answer of the target has come. */
void elpq__cancel_answered(elpq_conn *conn);
void elpq__cancel_abandon(elpq_conn *conn);
/*
 * Cancels all that is the user's.  With keep_commit, a COMMIT that was sent
 * behind others stays, so that the server tells what becomes of it.
 */
void elpq__cancel_all(elpq_conn *conn, elpq_code cause, bool keep_commit);

/* --------------------------------------------------------------- reset.c */

/*
 * Puts the reset of the session into the queue: a full one, or only what
 * ends an open transaction.  False if nothing could be queued.
 */
bool elpq__reset_queue(elpq_conn *conn, bool full);
/* Whether SQL text is a query, which cannot commit by itself. */
bool elpq__sql_is_query(const char *sql);
/* Whether SQL text may change the session beyond its transaction. */
bool elpq__sql_touches_session(const char *sql);
/* The same, now that the request's outcome is known. */
bool elpq__reset_needed_after(const elpq_request *request);
/* Whether it is of no use where a pooler shares the sessions. */
bool elpq__needs_session(const elpq_request *request, bool in_tx);
/* Queues internal commands under one Sync; false if out of memory. */
bool elpq__group_queue(elpq_conn *conn, const char *const *group,
                       const char *sql, int timeout_ms, elpq_done_cb done);
/*
 * Queues the statements that begin a session, if there are any, and counts
 * them in setup_left; false if out of memory.
 */
bool elpq__setup_queue(elpq_conn *conn, elpq_done_cb each);

#endif

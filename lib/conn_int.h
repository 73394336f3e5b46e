/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the files of one connection share: the connection, and the functions
 * that each file offers to the others.  Its requests are in request_int.h.
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
#include "request_int.h"
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

/*
 * Who owns a connection besides its user: a pool.  All are called from the
 * loop.  `lost` comes once, when a connection that was ready has ended.
 */
struct elpq__owner {
    void (*opened)(elpq_conn *conn, const elpq_error *error);
    void (*lost)(elpq_conn *conn, const elpq_error *error);
    void (*released)(elpq_conn *conn); /* elpq_conn_release()             */

    /* The rest may be NULL. */
    void (*drained)(elpq_conn *conn);  /* nothing in flight any more      */
    /* Takes back a request that was never sent; false if it does not.    */
    bool (*take_back)(elpq_conn *conn, elpq_request *request);
    void (*canceled)(elpq_conn *conn); /* a cancel request was sent       */
    /* The server has refused a request, which goes on.                   */
    void (*failed)(elpq_conn *conn, elpq_request *request,
                   const PGresult *failure);
    /* Connected, and its setup is queued: more can be queued behind it.  */
    void (*setting_up)(elpq_conn *conn);
    /* Something was answered, and more is in flight; only conn->piles.   */
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
    struct elpq__list held; /* stale: to be sent again, see settle.c      */
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
    bool unasked;          /* a message came that answers nothing         */
    bool close_wanted;     /* it was closed inside pump()                 */
    bool lost;             /* it broke: nobody closed it, nor erred       */
    char fatal[6];         /* SQLSTATE of the server's FATAL, if it came  */
    char fatal_text[200];  /* and its message                             */
    char stale[64];        /* what libpq says of elpq__stream_answered()  */
    bool fatal_proof;      /* by the server itself: it reads no further   */
    size_t server_words;   /* of libpq's message: the server's, see answer.c */
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
    bool slot_slow;        /* PINGING: it is late to answer               */
    bool slot_dirty;       /* a statement may have changed the session    */
    bool slot_unclean;     /* a lock of ours may be held in it: a reset
                              is due, whatever the pool's options say     */
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
    char tx_sqlstate[6];   /* of the statement that made it fail          */
    uint64_t serial;       /* of the last request; see scope.h            */
    struct elpq__list scopes;    /* its transaction, and savepoints in it */
    struct elpq__list residents; /* its cursors and large objects         */
    struct elpq__list watchers;
};

/* What returns more than this delays those that share its Sync, and has one of
 * its own from then on. */
#define ELPQ__LARGE_RESULT ((size_t)64 * 1024)

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

/* Gives the user's handle back. */
void elpq__conn_drop_handle(elpq_conn *conn);

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

/* ------------------------------------------------------------ teardown.c */

/* Ends the connection: its requests fail, its owner hears of it. */
void elpq__conn_lost(elpq_conn *conn, elpq_code code, const char *text);
/* The same for an orderly end: the owner does not hear of it. */
void elpq__conn_shut(elpq_conn *conn);

/* What its watchers keep in the session is gone. */
void elpq__conn_tell(elpq_conn *conn, const elpq_error *error);

/* ------------------------------------------------------------------ tx.c */

/* A transaction of tx.c has begun on the connection, or is over. */
void elpq__tx_mark(elpq_conn *conn, bool in_tx);
/* A COMMIT is about to leave the queue unsent; the connection may be lost by
 * that. */
void elpq__tx_unsent_commit(elpq_request *commit);

/* ------------------------------------------------------------ conninfo.c */

/* Checks a conninfo string and parameters; NULL, or an owned message. */
char *elpq__conninfo_check(const char *conninfo, const char *const *params);
/* What an option is set to; "" if it is not. */
const char *elpq__option_value(const PQconninfoOption *options,
                               const char *keyword);
/* Takes the line ends off a message of libpq. */
void elpq__trim(char *message);

/* PQconninfoFree(), and no secret is left in memory. */
void elpq__conninfo_free(PQconninfoOption *options);

/*
 * A server may have the password (authentication in clear text), and say it in
 * a message: it becomes stars, in place.  Which password is to be hidden: NULL
 * if that is no secret.
 */
const char *elpq__password_of(const PGconn *pg);
void elpq__hide_in_text(const char *password, char *text);
void elpq__hide_in_result(const char *password, const PGresult *res);

/* ------------------------------------------------------------- connect.c */

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
/* Whether such a server_timeout_ms can be, as sessions are not to be shared. */
bool elpq__server_timeout_fits(elpq_pooler pooler, int ms);
#define ELPQ__NO_SERVER_TIMEOUT                                               \
    "server_timeout_ms needs sessions, which a pooler in transaction mode "   \
    "does not give"
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

/* -------------------------------------------------------------- settle.c */

/* A command tag of the server's: some commands drop all that was prepared. */
void elpq__note_tag(elpq_conn *conn, const char *tag);

/* A request has its Sync, and is in no list: what became of it. */
void elpq__settle(elpq_conn *conn, elpq_request *request);
/* Its failure is of our own making: with its Sync it would be sent again. */
bool elpq__settle_repeats(const elpq_request *request);
/* If nothing is in flight any more, the held ones go first. */
void elpq__requeue_held(elpq_conn *conn);

/* -------------------------------------------------------------- stream.c */

/* Whether its columns have to be asked for before it runs. */
bool elpq__stream_describes(const elpq_request *request);
/* Its statement was just given to libpq; false if that is confused. */
bool elpq__stream_begin(elpq_conn *conn, const elpq_request *request);
/* A chunk of rows has come; conn may be closed afterwards. */
void elpq__stream_take(elpq_conn *conn, elpq_request *request, PGresult *res);
/* It is answered, as far as it was sent: libpq is as it was before. */
void elpq__stream_answered(elpq_conn *conn, elpq_request *request);
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
/* The query whose columns have to be asked for before it runs; or NULL. */
const char *elpq__copy_describes(const elpq_request *request);
/* They are known now; false if out of memory. */
bool elpq__copy_described(elpq_copy *copy);
/* It is to begin anew: they are not known any more. */
void elpq__copy_rewind(elpq_copy *copy);
/* Gives the command to libpq; false if the connection is lost. */
bool elpq__copy_send(elpq_conn *conn, elpq_copy *copy);
/* Takes a result over that is no error: of the query, or of COPY. */
void elpq__copy_take(elpq_request *request, PGresult *res);
/* All of its answer has come: what that means for it. */
void elpq__copy_answered(elpq_request *request);
/* libpq is in a COPY state; takes the result that says so over. */
void elpq__copy_began(elpq_conn *conn, elpq_request *request, PGresult *res);
/* Its request is being canceled: false if the server must be asked to stop. */
bool elpq__copy_cancel(elpq_conn *conn);
/* Of a COPY on a lost connection: whether it certainly had no effect. */
bool elpq__copy_undone(const elpq_request *request);

/* While conn->copy is set: */

/* libpq is about to read: looks whether the server has refused the data. */
bool elpq__copy_look(elpq_conn *conn);
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
 * Cancels all that is the user's, or of that, what is in the scope.  With
 * keep_commit, a COMMIT that was sent behind others stays, so that the server
 * tells what becomes of it.
 */
void elpq__cancel_all(elpq_conn *conn, const struct elpq__scope *scope,
                      elpq_code cause, bool keep_commit);

/* --------------------------------------------------------------- reset.c */

/*
 * Puts the reset of the session into the queue: a full one, or only what
 * ends an open transaction.  False if nothing could be queued.
 */
bool elpq__reset_queue(elpq_conn *conn, bool full);
/* Where the first word of SQL text is, behind comments, ( and ;. */
const char *elpq__sql_first_word(const char *sql);
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

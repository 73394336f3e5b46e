/* SPDX-License-Identifier: PostgreSQL */
/*
 * A request: what was submitted, and what has become of it; and the functions
 * of queue.c, which work on one.
 *
 * A request is in exactly one place at any time, and `place` names it:
 *
 *     WAITING   in the line of a pool; no connection yet
 *     QUEUED    in conn->queue: accepted, nothing given to libpq
 *     SENT      in conn->sent: given to libpq, not yet at its Sync
 *     ELSEWHERE driven: other requests do its work; in no list
 *     ENDING    its outcome is known, the callback is a posted task
 *     OVER      the callback has begun
 */
#ifndef ELPQ_LIB_REQUEST_INT_H
#define ELPQ_LIB_REQUEST_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "elpq/conn.h"
#include "elpq/stream.h"
#include "list.h"
#include "loop.h"

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
 * statement of its scope was not sent; then its scope's `undo` is sent.
 */
#define ELPQ__COMMIT (1u << 30)
/* Another: asks for binary columns, as its user knows them. */
#define ELPQ__BINARY (1u << 29)
/* Another: trace events do not show its text. */
#define ELPQ__SECRET (1u << 28)
/* Another: not for a standby, whatever else its flags say. */
#define ELPQ__PRIMARY (1u << 27)

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
    bool given_up;     /* a SAVEPOINT that nobody waits for any more     */
    bool deferred;     /* its deadline has not begun: it was not its turn */
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
    uint64_t serial;          /* of its connection, QUEUED and SENT      */
    struct elpq__scope *scope; /* of a COMMIT: until it calls back        */
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
    bool delivered;   /* rows were, or its writer was called              */
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

/* Its user had enough of it: that is no error, and is not one of its
 * transaction. */
static inline bool elpq__request_is_stopped(const elpq_request *request)
{
    return request->stopped && request->code == ELPQ_E_CANCELED;
}

/* Who owns a waiting request: told when it leaves by itself. */
struct elpq__line {
    void (*left)(struct elpq__line *line, elpq_request *request);
    uint64_t timeouts; /* deadlines that passed, waiting or not           */
};

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

/*
 * It is ours, and not the user's, to be queued or sent on the connection.  It
 * has a deadline (0: a default), or those behind it would wait for a server
 * that is gone: theirs only detach them.
 */
void elpq__request_own(elpq_conn *conn, elpq_request *request, int timeout_ms);

/* Sets the outcome to an error, unless there is one already. */
void elpq__request_blame(elpq_request *request, elpq_code code,
                         unsigned flags, const char *text);

/* The same with an error of something else, for want of which it never ran. */
void elpq__request_blame_unsent(elpq_request *request,
                                const elpq_error *error);

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

#endif

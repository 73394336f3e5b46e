/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the scenarios of the sweeps share.
 *
 * A scenario is one way to use the driver, of a few statements.  It runs in a
 * process of its own, in which one call of the C library fails.  It makes what
 * must not fail, calls elpq_failpoint_arm(), asks, and ends what it made; from
 * then on every call may fail, and every callback may get an error.  It writes
 * down each question, and scene.c judges: callbacks exactly once and from the
 * loop; the right answer, or an error of a kind that can be; nothing said to
 * have failed that was committed, or the other way round; the loop dry, and
 * descriptors and memory back.
 */
#ifndef ELPQ_TESTS_SCENE_H
#define ELPQ_TESTS_SCENE_H

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/harness.h"
#include "elpq/failpoints.h"

#define QUESTIONS 40
#define NO_NUMBER INT64_MIN

/* What scenarios connect to: the server, by way of the pooler. */
const char *server(void);

/* More of its conninfo.  The sessions of scenarios are told by their name. */
#define SERVER_MORE                                                           \
    "application_name=elpq_sweep sslmode=disable gssencmode=disable"

/* What a scenario tells when it was not well: its exit status. */
enum verdict {
    WELL,
    TWICE = 10,   /* a callback came again                                  */
    INSIDE,       /* or before the call that asked for it returned          */
    NEVER,        /* or not at all                                          */
    WRONG_ANSWER,
    WRONG_CODE,
    DESCRIPTORS,
    NOT_DRY,      /* events were left in the loop                           */
    NO_SCENE,     /* what must not fail did                                 */
    VERDICTS
};

/* One call with a callback. */
struct question {
    int asked;    /* 1: a callback must come                                */
    int calls;
    int code;     /* of the callback, or of the call that was refused       */
    unsigned flags;
    char sqlstate[6];
    char message[80];
    int expected; /* the code without a failure                             */
    bool cancels; /* by a request, which may take so long that it is lost   */
    int64_t number; /* the first cell of the answer                        */
    int64_t seen; /* rows or bytes that came before                         */
    union {
        elpq_conn *conn;
        elpq_tx *tx;
        elpq_cursor *cursor;
        elpq_lock *lock;
        elpq_large_object *lo;
    };
    elpq_request *request;
    void (*then)(struct question *q); /* runs in the callback             */
    void *data;
};

extern struct event_base *base;

/* What is special about a scenario. */
enum {
    ALONE = 1,       /* two of them would be in each other's way           */
    LIBPQ_ALONE = 2, /* without elpq: shows what libraries below do        */
    COSTLY = 4       /* each waits, or makes the server work: fewer        */
};

/* One scenario, in a table that ends with a NULL name. */
struct scenario {
    const char *name;
    void (*run)(void);
    const char *states; /* SQLSTATEs that the server may answer, or NULL   */
    unsigned how;
    void (*before)(void);/* in the parent, before all of its sweeps        */
    void (*clean)(void); /* removes what it may leave on the server        */
    void (*after)(void); /* the same in the parent, when all are gone      */
    const char *needs;  /* an environment variable, or NULL                */
};
extern const struct scenario scenarios_conn[], scenarios_tx[],
    scenarios_rows[], scenarios_pool[], scenarios_more[];

/* The whole of it, in the child: an enum verdict.  Without memory libpq drops
 * some answers, which then do not match what was sent (ELPQ_E_PROTOCOL). */
int scene_run(const struct scenario *scenario, bool drops_answers);

/* A new question, and one whose answer must hold a number. */
struct question *question(void);
struct question *question_of(int64_t number);

/* A question that is asked now: ASK(q, elpq_commit(tx, on_over, q)).  True if
 * the call was accepted. */
#define ASK(q, call) (scene_enter(), scene_asked(q, call))
#define DO(call)                                                              \
    do {                                                                      \
        scene_enter();                                                        \
        call;                                                                 \
        scene_leave();                                                        \
    } while (0)
void scene_enter(void);
void scene_leave(void);
bool scene_asked(struct question *q, int code);

/* Turns the loop until all that was asked has come; false if it does not. */
bool settle(void);

/* Whether it was asked, has come, and went well. */
bool is_well(const struct question *q);

/* One turn of the loop. */
void turn(void);

/* Turns the loop until *flag, or for as long as a callback may take. */
bool turn_until(const volatile bool *flag);

/* What must not fail did: ends the process, without what exit() does. */
_Noreturn void no_scene(void);

/* The answer is wrong: it must never be this. */
void wrong(const char *what);

/* Callbacks; arg is the question. */
void arrive(struct question *q, const elpq_error *error);
void on_answer(elpq_result *result, const elpq_error *error, void *arg);
void on_opened(elpq_conn *conn, const elpq_error *error, void *arg);
void on_begun(elpq_tx *tx, const elpq_error *error, void *arg);
void on_over(const elpq_error *error, void *arg);
void on_each_result(elpq_result *result, void *arg);
void on_stream_rows(elpq_result *rows, elpq_request *stream, void *arg);

/* Options whose deadlines are short. */
elpq_conn_options quick(void);

/* A connection that is open, and a pool that has one: before arming. */
elpq_conn *opened(void);
elpq_conn *opened_at(const char *conninfo);
elpq_pool *pooled(elpq_pool_options *options);

/* Closes the pool, and waits for it. */
void close_pool_now(elpq_pool *pool);

/* Asks and waits; whether it went well. */
bool ask_number(elpq_conn *conn, const elpq_statement *st, int64_t number);

/* Commits, or where that is refused, rolls back; does not wait. */
void end_tx(elpq_tx *tx, struct question *end);

/* A row of the table elpq_sweep that nobody else stores, and what is told of
 * its fate: by the question that would store it. */
int64_t row_id(void);
void told(int64_t id, const struct question *end);

/* Has the server do it, when nothing fails any more; an error is ignored. */
void clean_with(const char *sql);

/* In the parent, around all sweeps of a scenario: the number of rows whose
 * fate was told wrongly; what is wrong is printed. */
void tales_begin(void);
int tales_check(void);

#endif

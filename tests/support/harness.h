/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests against a server share.
 *
 * Every test runs between harness_setup() and harness_teardown(), which are
 * the checked fixture of each harness_case().  They own
 *
 *  - `loop`, the event_base of the test;
 *  - the answers: one record for each callback that a test asked for.  A test
 *    asks with ask(), script(), acquire(), begin() and so on, each of which
 *    returns a struct answer.  When the test ends, every answer must have come
 *    exactly once (or never, where `wanted` is 0), nothing may be left in the
 *    loop, and the process must have the file descriptors that it began with;
 *  - a blocking connection of libpq, to look at the server from outside;
 *  - a log of trace events and notices.
 *
 * Every call into the library goes through CALL() or RUN().  They mark that a
 * call is under way, and every callback asserts that none is: this is how
 * "always from the loop, never before the call returns" is tested everywhere.
 *
 * The server comes from the environment, as tests/support/with-postgres makes
 * it.  What waits here for an event fails after WAIT_SECONDS (times the factor
 * for slow builds); what blocks in libpq or waits for a process has no limit of
 * its own, but an alarm ends a test that hangs.
 */
#ifndef ELPQ_TESTS_HARNESS_H
#define ELPQ_TESTS_HARNESS_H

#include <check.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "elpq/elpq.h"

#define WAIT_SECONDS 15
#define MANY_TRACES 4096

/* ------------------------------------------------------------- programs */

/* The main function of a suite: `build` adds the cases. */
int harness_main(const char *name, void (*build)(Suite *suite));

/* A case whose tests run between setup and teardown; 0: 20 seconds. */
TCase *harness_case(Suite *suite, const char *name, double seconds);

void harness_setup(void);
void harness_teardown(void);

/* The factor by which this build is slower: 1, or more under valgrind. */
double harness_slow(void);

/* The bytes that malloc() has handed out; 0 in those builds that are slow,
 * whose allocator is another one. */
size_t harness_allocated(void);

/* Milliseconds, by that factor. */
int scaled(int ms);

/* An environment variable, NULL if unset or empty. */
const char *harness_env(const char *name);

/* Whether the server is ours, so that there are roles, TLS and its log. */
bool harness_own_server(void);

/* Numbers that are the same in each run; the seed was printed. */
uint32_t random_below(uint32_t limit);
void random_seed(uint64_t seed);

int64_t now_usec(void);

/* ---------------------------------------------------------------- calls */

extern struct event_base *loop;

extern int harness_depth; /* calls into the library under way              */
extern int harness_rc;

/* A call that returns int, and one that returns nothing. */
#define CALL(call)                                                            \
    (harness_depth++, harness_rc = (call), harness_depth--, harness_rc)
#define RUN(call)                                                             \
    do {                                                                      \
        harness_depth++;                                                      \
        call;                                                                 \
        harness_depth--;                                                      \
    } while (0)

/* -------------------------------------------------------------- answers */

struct answer {
    int calls;           /* how often the callback came                     */
    int wanted;          /* how often it must have come in the end          */
    int code;            /* 0 or ELPQ_E_...                                 */
    unsigned flags;      /* of the error                                    */
    const char *sqlstate;
    elpq_error *error;   /* a copy                                          */
    elpq_result *result; /* kept                                            */
    elpq_conn *conn;     /* what a connect or an acquire gave               */
    elpq_conn *handle;   /* what elpq_connect() returned                    */
    elpq_tx *tx;
    elpq_request *request; /* for cancel(); NULL when answered              */
    unsigned order;      /* 1: the first answer of the test                 */
    unsigned results;    /* of a script                                     */
    char commands[128];  /* of a script: command tags, joined by ';'        */
    int64_t submitted;   /* now_usec() of both                              */
    int64_t answered;
    void (*then)(struct answer *a); /* runs inside the callback             */
    void (*each)(struct answer *a); /* runs inside a script's each callback */
    void *data;          /* for them                                        */
    struct answer *next;
};

/* The callbacks; arg is the struct answer. */
void on_result(elpq_result *result, const elpq_error *error, void *arg);
void on_conn(elpq_conn *conn, const elpq_error *error, void *arg);
void on_tx(elpq_tx *tx, const elpq_error *error, void *arg);
void on_done(const elpq_error *error, void *arg);
void on_each(elpq_result *result, void *arg);

/* A record, for a call that a test makes by itself. */
struct answer *answer_new(void);

/* Submits, and fails the test unless the call is accepted. */
struct answer *ask_conn(elpq_conn *conn, const elpq_statement *st,
                        const elpq_options *options);
struct answer *ask_pool(elpq_pool *pool, const elpq_statement *st,
                        const elpq_options *options);
struct answer *ask_tx(elpq_tx *tx, const elpq_statement *st,
                      const elpq_options *options);
struct answer *script_conn(elpq_conn *conn, const char *sql,
                           const elpq_options *options);
struct answer *script_pool(elpq_pool *pool, const char *sql,
                           const elpq_options *options);
struct answer *begin_conn(elpq_conn *conn, const elpq_tx_options *options);
struct answer *begin_pool(elpq_pool *pool, const elpq_tx_options *options);
struct answer *acquire(elpq_pool *pool, const elpq_options *options);
struct answer *commit(elpq_tx *tx);
struct answer *rollback(elpq_tx *tx);
struct answer *savepoint(elpq_tx *tx);
struct answer *start_connect(const char *conninfo,
                             const elpq_conn_options *options);
struct answer *close_pool(elpq_pool *pool, int drain_ms);
void close_conn(elpq_conn *conn);
void release(elpq_conn *conn);
void cancel(struct answer *a);

#define ask_with(target, st, options)                                         \
    _Generic((target), elpq_conn *: ask_conn, elpq_pool *: ask_pool,          \
             elpq_tx *: ask_tx)(target, st, options)
#define ask(target, st) ask_with(target, st, NULL)
#define script(target, sql, options)                                          \
    _Generic((target), elpq_conn *: script_conn,                              \
             elpq_pool *: script_pool)(target, sql, options)
#define begin(target, options)                                                \
    _Generic((target), elpq_conn *: begin_conn,                               \
             elpq_pool *: begin_pool)(target, options)

/* A statement from text made at run time; good until the next four. */
const elpq_statement *sql_text(const char *sql);
const elpq_statement *sql_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Waits for the answer, and returns it. */
struct answer *await(struct answer *a);

/* Waits for all answers of the test so far. */
void await_all(void);

/* Checks all answers of the test so far as its end does, and frees them. */
void settle_answers(void);

/* One turn of the loop, with which everything here waits. */
void harness_turn(int flags);

/*
 * Measures what turns cost, from now on, or not any more.  Then a turn never
 * waits by itself; one that found nothing to do is followed by a pause.
 */
#define MOST_USEC 20000
struct turn_costs {
    int64_t longest; /* in usec                                             */
    int64_t cpu_sum; /* processor time of all of them                       */
    int n;
    int late;        /* that took longer than MOST_USEC                     */
};
extern struct turn_costs turn_costs;
void harness_measure(bool on);

/* None has taken longer than MOST_USEC. */
void harness_expect_turns(const char *what);

/* Runs the loop until *counter is n at least. */
void run_until(const int *counter, int n);

/* Runs turns of the loop without waiting. */
void run_turns(int n);

/* Runs the loop for a time, because nothing is to happen in it. */
void run_for_ms(int ms);

/* Lets the time of now_usec() come without a turn of the loop: all that is due
 * until then is due in the same turn. */
void hold_loop_until(int64_t usec);

/* Answers that have come in this test; those with this code. */
unsigned answers_come(void);
unsigned answers_with(int code);

/* Each waits for the answer; `flags` and SQLSTATE must be equal. */
#define expect_ok(a) harness_expect_ok(__FILE__, __LINE__, a)
#define expect_error(a, code, sqlstate, flags)                                \
    harness_expect_error(__FILE__, __LINE__, a, code, sqlstate, flags)
#define expect_message(a, part)                                               \
    harness_expect_message(__FILE__, __LINE__, a, part)
#define expect_text(a, text)                                                  \
    harness_expect_text(__FILE__, __LINE__, a, text)
#define expect_int(a, number)                                                 \
    harness_expect_int(__FILE__, __LINE__, a, number)

struct answer *harness_expect_ok(const char *file, int line, struct answer *a);
struct answer *harness_expect_error(const char *file, int line,
                                    struct answer *a, int code,
                                    const char *sqlstate, unsigned flags);
struct answer *harness_expect_message(const char *file, int line,
                                      struct answer *a, const char *part);
/* The first column of the first row; NULL text is SQL NULL. */
struct answer *harness_expect_text(const char *file, int line,
                                   struct answer *a, const char *text);
struct answer *harness_expect_int(const char *file, int line,
                                  struct answer *a, int64_t number);

/* The first column of the first row, of a statement run here and now. */
#define text_of(target, sql) answer_text(ask(target, sql_text(sql)))
const char *answer_text(struct answer *a);
int64_t answer_int(struct answer *a);

/* ---------------------------------------------- connections and pools */

/* Options that log every trace event and notice below. */
elpq_conn_options traced(void);

/* An open connection; conninfo NULL is the server of the environment. */
elpq_conn *connect_now(const char *conninfo, const elpq_conn_options *options);
elpq_pool *pool_new(const elpq_pool_options *options);
elpq_pool *pool_at(const char *conninfo, const elpq_pool_options *options);
elpq_pool *pool_of(unsigned max_size);
elpq_conn *lease(elpq_pool *pool);
elpq_tx *begin_now(elpq_pool *pool);
elpq_pool_statistics stats(elpq_pool *pool);

/* The server's address, of TCP where it is known. */
const char *server_host(void);
const char *server_port(void);

/* Conninfo of that address, with more keywords; and of a local port.  They
 * are good until the next two, or four. */
const char *tcp(const char *more);
const char *loopback(int port);

/* The path of a new file with the text; to be unlinked. */
const char *temporary_file(const char *text);

/* Closes at once and waits for it. */
void finish_pool(elpq_pool *pool);

/* ---------------------------------------------------------------- traces */

struct seen_event {
    int kind;
    int pid;
    int code;
    int64_t usec;
    int64_t when;
    uint64_t rows;
    uint64_t bytes;
    elpq_conn *conn;
    char sqlstate[6];
    char sql[64];
    char tag[32];
    char message[160];
};
extern struct seen_event seen[MANY_TRACES];
extern int seen_count;
extern int notice_count;
extern char notice_last[160];
extern void (*trace_then)(const elpq_event *event); /* runs in the hooks */
extern void (*notice_then)(elpq_conn *conn);

void on_event(const elpq_event *event, void *arg);
void on_notice(elpq_conn *conn, const elpq_error *notice, void *arg);

/* How many of the events are of the kind; runs the loop until they are n. */
int events_of(elpq_event_kind kind);
void await_events(elpq_event_kind kind, int n);

/* ---------------------------------------------- the server, from outside */

/* The blocking connection, of a superuser where there is one. */
PGconn *admin(void);
void admin_do(const char *format, ...) __attribute__((format(printf, 1, 2)));
long admin_int(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs the loop until the server answers the query with true. */
void await_server(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* While admin holds the lock, BLOCKED waits for it: a statement that runs. */
#define LOCK_KEY 7077
#define BLOCKED "select pg_advisory_xact_lock_shared(7077)"
void lock_server(void);
void unlock_server(void);

/*
 * For FROM: the locks of tables, and advisory ones, in the database of this
 * program, the only one that it has for itself.  A condition has to follow.
 */
#define LOCKS                                                                 \
    "pg_locks where database = (select oid from pg_database"                  \
    " where datname = current_database()) and"

/* Runs the loop until n backends wait for the lock. */
void await_blocked(int n);

/* Ends the backend, and waits for it; the loop has yet to see it. */
void terminate(int pid);

/*
 * The same as harness_main(), for a suite that restarts the server: on a
 * server of its own, if with-postgres runs the tests.  restart_server() may
 * only be called if that is so (harness_is_private()); every session ends, and
 * meanwhile it runs the loop.
 */
int harness_main_private(const char *name, void (*build)(Suite *suite),
                         char **argv);
bool harness_is_private(void);
void restart_server(void);
void crash_server(void); /* the same, without a farewell               */

/* The server's first process, if it is ours; else 0. */
int postmaster_pid(void);

/* Sends a signal to a process of the server; false if not permitted.  What
 * is stopped goes on when the test ends, however it ends. */
bool signal_server(int pid, int sig);

/* ----------------------------------------------------------------- network */

/* A listening port of the loopback that accepts nothing; < 0 on failure. */
int blackhole(int *port);

/* A port that nobody listens on, until the test ends. */
int dead_port(void);

/* Open file descriptors of this process. */
int open_fds(void);

#endif
